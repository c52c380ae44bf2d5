//! Ends a computation from outside, while it runs.

use std::sync::atomic::{AtomicBool, Ordering};

use ort::session::{NoSelectedOutputs, RunOptions};

use super::runtime::RuntimeError;

/// Held by an answer and by whoever waits for it. ONNX Runtime looks at it between two operators.
pub struct Interrupt {
    options: RunOptions<NoSelectedOutputs>,
    interrupted: AtomicBool,
}

impl Interrupt {
    /// One that never was used. The library has to be loaded.
    pub fn new() -> Result<Interrupt, RuntimeError> {
        Ok(Interrupt { options: RunOptions::new()?, interrupted: AtomicBool::new(false) })
    }

    /// Ends the run that is under way with these options, and any that would begin later.
    pub fn interrupt(&self) {
        if !self.interrupted.swap(true, Ordering::SeqCst)
            && let Err(error) = self.options.terminate()
        {
            tracing::warn!(%error, "a run could not be told to end");
        }
    }

    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    pub fn options(&self) -> &RunOptions<NoSelectedOutputs> {
        &self.options
    }
}
