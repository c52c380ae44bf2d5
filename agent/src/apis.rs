//! The port to APIs that a model can call instead of touching a screen.

use std::time::Duration;

use async_trait::async_trait;

use crate::event::Fault;
use crate::limits::clip;

/// Something that carries out instructions without a screen.
#[async_trait]
pub trait Apis: Send {
    /// Carries out an instruction that the guard let through, and returns what the model is to be told.
    ///
    /// # Errors
    /// `ApiError` says whether it was done.
    async fn call(&mut self, instruction: &str, within: Duration) -> Result<String, ApiError>;
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nothing was done: no API does this.
    #[error("no API is registered for this; use the screen")]
    Unknown,
    /// Nothing was done: the API said no.
    #[error("{why}")]
    Refused { why: String },
    /// It may or may not have been done.
    #[error("{why}")]
    Unanswered { why: String },
}

impl ApiError {
    pub(crate) fn fault(&self, bytes_max: usize) -> Fault {
        let why = clip(&self.to_string(), bytes_max).to_owned();
        match self {
            ApiError::Unknown | ApiError::Refused { .. } => Fault::Refused { why },
            ApiError::Unanswered { .. } => Fault::TimedOut { tries: why },
        }
    }
}

/// No API is there.
pub struct NoApis;

#[async_trait]
impl Apis for NoApis {
    async fn call(&mut self, _instruction: &str, _within: Duration) -> Result<String, ApiError> {
        Err(ApiError::Unknown)
    }
}
