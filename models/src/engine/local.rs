//! The engine behind the port: a thread that answers one prompt after another, and handles that wait for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::model::{Model, ModelError, Prompt, Reply, Trouble};
use tokio::sync::{mpsc, oneshot};

use super::Engine;
use super::runtime::RuntimeError;
use crate::BuildError;
use crate::folder::{self, Progress};
use crate::settings::Settings;

/// Prompts that wait for the engine at most; whoever comes then waits to be let in.
const QUEUE_MAX: usize = 16;

/// How the engine is to run a model. Callers fill in every field.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What the model's profile says.
    pub settings: Settings,
    /// Threads of one computation.
    pub threads: usize,
    /// The most tokens of a prompt and its answer; the model's own limit holds too.
    pub context_tokens_max: u32,
    /// Tokens of a prompt that are read at a time; an engine is stopped between two such chunks.
    pub chunk_tokens_max: u32,
}

/// Why a model cannot be opened, by what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Mend the folder.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Mend the profile.
    #[error("the profile's section [model] makes no sense: {what}")]
    Settings { what: String },
    /// Find another ONNX Runtime, or build the folder again.
    #[error("{why}")]
    Runtime { why: String },
}

impl From<RuntimeError> for OpenError {
    fn from(error: RuntimeError) -> OpenError {
        OpenError::Runtime { why: error.to_string() }
    }
}

/// A model that runs in this process. Clones share one engine, and take turns.
#[derive(Clone)]
pub struct Local {
    name: String,
    folder: PathBuf,
    thread: Arc<Thread>,
}

struct Thread {
    queue: Option<mpsc::Sender<Job>>,
    handle: Option<JoinHandle<()>>,
}

struct Job {
    prompt: Prompt,
    answer: oneshot::Sender<Result<Reply, Trouble>>,
}

impl Local {
    /// Opens a model's folder and loads its weights. A folder of Hugging Face's is built into `cache` first, unless it is there.
    ///
    /// Blocks, for minutes when something has to be built: call it where blocking is allowed.
    ///
    /// # Errors
    /// `OpenError` when the folder, the settings or the library do not do.
    pub fn open(
        folder: &Path,
        cache: &Path,
        library: &Path,
        options: Options,
        progress: impl FnMut(Progress),
    ) -> Result<Local, OpenError> {
        let built = if folder::is_built(folder) {
            folder.to_owned()
        } else {
            folder::build_into_cache(folder, cache, progress)?.folder
        };
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();

        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let (ready, opened) = std::sync::mpsc::channel();
        let (library, at) = (library.to_owned(), built.clone());
        // The engine is made on its thread, as parts of it may not move between threads.
        let work = move || match Engine::open(&at, &library, &options) {
            Ok(engine) => {
                let _ = ready.send(Ok(()));
                serve(engine, jobs);
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
        };
        let handle = thread::Builder::new()
            .name("model".to_owned())
            .spawn(work)
            .map_err(|error| OpenError::Runtime { why: format!("no thread for the model: {error}") })?;
        let stopped = || OpenError::Runtime { why: "the engine stopped while it was opened".to_owned() };
        opened.recv().map_err(|_| stopped())??;
        Ok(Local { name, folder: built, thread: Arc::new(Thread { queue: Some(queue), handle: Some(handle) }) })
    }

    /// The built folder that is open.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    async fn ask(&self, prompt: &Prompt) -> Result<Reply, Trouble> {
        let gone = || Trouble::Broken { why: "the engine has stopped".to_owned() };
        let (answer, answered) = oneshot::channel();
        let queue = self.thread.queue.as_ref().ok_or_else(gone)?;
        queue.send(Job { prompt: prompt.clone(), answer }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

#[async_trait]
impl Model for Local {
    fn name(&self) -> &str {
        &self.name
    }

    async fn reply(&mut self, prompt: &Prompt, within: Duration) -> Result<Reply, ModelError> {
        // However this future ends, it drops its end of the answer, and the engine sees that before its next token.
        let answer = tokio::time::timeout(within, self.ask(prompt)).await;
        answer
            .unwrap_or(Err(Trouble::TimedOut { within }))
            .map_err(|kind| ModelError { model: self.name.clone(), kind })
    }
}

fn serve(mut engine: Engine, mut jobs: mpsc::Receiver<Job>) {
    while let Some(Job { prompt, answer }) = jobs.blocking_recv() {
        if answer.is_closed() {
            continue; // It was given up while it waited.
        }
        match engine.answer(&prompt, &|| answer.is_closed()) {
            Ok(None) => tracing::debug!("a prompt was given up"),
            Ok(Some(reply)) => drop(answer.send(Ok(reply))),
            Err(trouble) => drop(answer.send(Err(trouble))),
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // Nobody waits for an answer any more, so the thread ends within a token; the library must not be in use at exit.
        self.queue = None;
        if let Some(handle) = self.handle.take() {
            let _ = handle.join();
        }
    }
}
