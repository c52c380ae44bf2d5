//! The engine behind the port: a thread that answers several requests in turns, and handles that wait for it.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::model::{Model, ModelError, ModelErrorKind, Prompt, Reply};
use tokio::sync::{Semaphore, mpsc};

use super::Engine;
use super::interrupt::Interrupt;
use super::prepare::{PreparedRequest, Preparer};
use super::providers::Provider;
use super::runtime::RuntimeError;
use super::sampling::SplitMix64;
use super::thread::{self as engine_thread, EngineHealth, HealthState, Job, Status};
use crate::error::BuildError;
use crate::folder::{self, Progress};
use crate::request::{AnswerError, AnswerEvent, AnswerStream, FinishReason, Grammar, Request};
use crate::settings::{ModelSettings, Sampling};

/// Prompts that wait for the engine at most; whoever comes then waits to be let in.
const QUEUE_MAX: usize = 16;
/// Requests that are prepared at the same time; it takes a core each.
const PREPARING_MAX: usize = 2;

/// How the engine is to run a model. Callers fill in every field.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineOptions {
    /// What the model's profile says.
    pub settings: ModelSettings,
    /// Who computes.
    pub provider: Provider,
    /// Threads of one computation.
    pub threads: usize,
    /// The most tokens of a prompt and its answer; the model's own limit holds too.
    pub context_tokens_max: u32,
    /// Tokens of a prompt that are read at a time; other answers go on between two such chunks.
    pub chunk_tokens_max: u32,
    /// Conversations that are kept, and answers that can be under way at once.
    pub conversations_max: usize,
    /// The most bytes of their caches together. A context that would not fit is made shorter.
    pub cache_bytes_max: usize,
    /// The most bytes of encoded pictures that are kept for later prompts.
    pub image_bytes_max: usize,
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
    facts: Arc<EngineFacts>,
    /// Prompts that this handle asked, so that chance is another one each time.
    replies: u64,
}

/// What can be known of an engine without asking it.
struct EngineFacts {
    preparer: Arc<Preparer>,
    preparing: Arc<Semaphore>,
    settings: ModelSettings,
}

struct Thread {
    queue: Option<mpsc::Sender<Job<PreparedRequest>>>,
    handle: Option<JoinHandle<()>>,
    status: Arc<Status>,
    /// Of all answers that are waited for.
    interrupts: Mutex<Vec<Weak<Interrupt>>>,
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
        options: EngineOptions,
        progress: impl FnMut(Progress),
    ) -> Result<Local, OpenError> {
        crate::heap::limit_arenas();
        let built = if folder::is_built(folder) {
            folder.to_owned()
        } else {
            folder::build_into_cache(folder, cache, None, progress)?.folder
        };
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();

        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let (ready, opened) = std::sync::mpsc::channel();
        let (library, at) = (library.to_owned(), built.clone());
        let settings = options.settings.clone();
        let status = Arc::new(Status::default());
        let told = status.clone();
        // The engine is made on its thread, as parts of it may not move between threads.
        let work = move || {
            let engine = match Engine::open(&at, &library, &options) {
                Ok(engine) => engine,
                Err(error) => return drop(ready.send(Err(error))),
            };
            let _ = ready.send(Ok(engine.preparer.clone()));
            let reopen = || Engine::open(&at, &library, &options).map_err(|error| error.to_string());
            engine_thread::run(engine, reopen, jobs, &told);
        };
        let handle = thread::Builder::new()
            .name("model".to_owned())
            .spawn(work)
            .map_err(|error| OpenError::Runtime { why: format!("no thread for the model: {error}") })?;
        let stopped = || OpenError::Runtime { why: "the engine stopped while it was opened".to_owned() };
        let interrupts = Mutex::default();
        let thread = Arc::new(Thread { queue: Some(queue), handle: Some(handle), status, interrupts });
        let preparer = opened.recv().map_err(|_| stopped())??;
        let preparing = Arc::new(Semaphore::new(PREPARING_MAX));
        let facts = Arc::new(EngineFacts { preparer, preparing, settings });
        Ok(Local { name, folder: built, thread, facts, replies: 0 })
    }

    /// The built folder that is open.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The most tokens of a prompt and its answer.
    pub fn context_tokens_max(&self) -> u32 {
        self.facts.preparer.context as u32
    }

    /// The token of structure that is written so.
    pub fn special_token(&self, text: &str) -> Option<u32> {
        self.facts.preparer.tokenizer.special_id(text)
    }

    /// How the engine is at this moment.
    pub fn health(&self) -> EngineHealth {
        let mut health = self.thread.status.health();
        if self.thread.handle.as_ref().is_none_or(JoinHandle::is_finished) {
            health.state = HealthState::Stopped;
        }
        health
    }

    /// What the profile says.
    pub fn settings(&self) -> &ModelSettings {
        &self.facts.settings
    }

    /// Asks for an answer, which comes in pieces. Waits for its turn, if many ask.
    ///
    /// # Errors
    /// `AnswerError` when the request cannot be answered, or the engine has stopped; what goes wrong later comes in place of a piece.
    pub async fn ask(&self, request: Request) -> Result<AnswerStream, AnswerError> {
        let gone = || AnswerError::from(ModelErrorKind::Fatal { why: "the engine has stopped".to_owned() });
        let queue = self.thread.queue.as_ref().ok_or_else(gone)?;
        let request = self.prepare(request).await?;
        let interrupt = Arc::new(Interrupt::new().map_err(ModelErrorKind::from)?);
        self.thread.register(&interrupt);
        // Room for all that can come: a reader that is slow must not hold up others.
        let (events, pieces) = mpsc::channel(request.max_new_tokens + 2);
        let stop = interrupt.clone();
        let answer = AnswerStream::new(pieces, move || stop.interrupt());
        queue.send(Job { request, events, interrupt }).await.map_err(|_| gone())?;
        Ok(answer)
    }

    /// Reads a request on a thread of its own: millions of letters take a while.
    async fn prepare(&self, request: Request) -> Result<PreparedRequest, AnswerError> {
        let failed = |error: &dyn std::error::Error| {
            AnswerError::from(ModelErrorKind::Fatal { why: format!("the prompt could not be prepared: {error}") })
        };
        let turn = self.facts.preparing.clone().acquire_owned().await.map_err(|error| failed(&error))?;
        let preparer = self.facts.preparer.clone();
        let work = move || {
            let _turn = turn;
            preparer.prepare(request)
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))?
    }

    async fn answer(&self, request: Request) -> Result<Reply, ModelErrorKind> {
        let mut pieces = self.ask(request).await?;
        let mut whole = String::new();
        while let Some(piece) = pieces.recv().await {
            match piece? {
                AnswerEvent::Delta { text, .. } => whole.push_str(&text),
                AnswerEvent::Done { why, usage } => {
                    let cut = why == FinishReason::Length;
                    return Ok(Reply { text: whole, tokens_in: usage.prompt, tokens_out: usage.answer, cut });
                }
            }
        }
        Err(broken_off())
    }
}

/// Why an answer ended without a word. Others can be asked for: the engine is opened anew.
pub fn broken_off() -> ModelErrorKind {
    let why = "the engine broke within the answer and is opened anew; ask again".to_owned();
    ModelErrorKind::Unavailable { why, retry_after: None }
}

#[async_trait]
impl Model for Local {
    fn name(&self) -> &str {
        &self.name
    }

    async fn reply(&mut self, prompt: &Prompt, within: Duration) -> Result<Reply, ModelError> {
        let sampling = &self.facts.settings.sampling;
        let request = Request {
            tokens_max: Some(prompt.tokens_max),
            sampling: Sampling { seed: SplitMix64::derive_seed(sampling.seed, self.replies), ..sampling.clone() },
            grammar: prompt.grammar.clone().filter(|_| self.facts.settings.grammar).map(Grammar::Lark),
            ..Request::greedy(prompt.turns.clone())
        };
        self.replies += 1;
        // However this future ends, it drops its end of the answer, and that interrupts the engine.
        let answer = tokio::time::timeout(within, self.answer(request)).await;
        answer
            .unwrap_or(Err(ModelErrorKind::TimedOut { within }))
            .map_err(|kind| ModelError { model: self.name.clone(), kind })
    }
}

impl Thread {
    fn register(&self, interrupt: &Arc<Interrupt>) {
        let mut interrupts = self.interrupts.lock().unwrap_or_else(PoisonError::into_inner);
        interrupts.retain(|one| one.strong_count() > 0);
        interrupts.push(Arc::downgrade(interrupt));
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // Nobody can ask any more, and nobody waits for what is computed: the library must not be in use at exit.
        self.status.stopping.store(true, Ordering::SeqCst);
        self.queue = None;
        for interrupt in self.interrupts.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if let Some(interrupt) = interrupt.upgrade() {
                interrupt.interrupt();
            }
        }
        if let Some(handle) = self.handle.take() {
            let _ = handle.join();
        }
    }
}
