//! The engine behind the port: a thread that answers several requests in turns, and handles that wait for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::model::{Model, ModelError, ModelErrorKind, Prompt, Reply};
use tokio::sync::mpsc;

use super::providers::Provider;
use super::runtime::RuntimeError;
use super::sampling::Dice;
use super::{Engine, More, Work};
use crate::BuildError;
use crate::folder::{self, Progress};
use crate::request::{Answer, Finish, Grammar, Request, Said};
use crate::settings::{Sampling, Settings};
use crate::tokenizer::Tokenizer;

/// Prompts that wait for the engine at most; whoever comes then waits to be let in.
const QUEUE_MAX: usize = 16;

/// How the engine is to run a model. Callers fill in every field.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What the model's profile says.
    pub settings: Settings,
    /// Who computes.
    pub provider: Provider,
    /// Threads of one computation.
    pub threads: usize,
    /// The most tokens of a prompt and its answer; the model's own limit holds too.
    pub context_tokens_max: u32,
    /// Tokens of a prompt that are read at a time; an engine is stopped between two such chunks.
    pub chunk_tokens_max: u32,
    /// Conversations that are kept, and answers that can be under way at once.
    pub conversations_max: usize,
    /// The most bytes of their caches together. One conversation is kept whatever it takes.
    pub cache_bytes_max: usize,
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
    facts: Arc<Facts>,
    /// Prompts that this handle asked, so that chance is another one each time.
    replies: u64,
}

/// What can be known of an engine without asking it.
struct Facts {
    context: u32,
    words: Arc<Tokenizer>,
    settings: Settings,
}

struct Thread {
    queue: Option<mpsc::Sender<Job>>,
    handle: Option<JoinHandle<()>>,
}

struct Job {
    request: Request,
    answer: mpsc::Sender<Result<Said, ModelErrorKind>>,
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
            folder::build_into_cache(folder, cache, None, progress)?.folder
        };
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();

        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let (ready, opened) = std::sync::mpsc::channel();
        let (library, at) = (library.to_owned(), built.clone());
        let settings = options.settings.clone();
        // The engine is made on its thread, as parts of it may not move between threads.
        let work = move || match Engine::open(&at, &library, &options) {
            Ok(engine) => {
                let _ = ready.send(Ok((engine.context as u32, engine.words.clone())));
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
        let thread = Arc::new(Thread { queue: Some(queue), handle: Some(handle) });
        let (context, words) = opened.recv().map_err(|_| stopped())??;
        let facts = Arc::new(Facts { context, words, settings });
        Ok(Local { name, folder: built, thread, facts, replies: 0 })
    }

    /// The built folder that is open.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The most tokens of a prompt and its answer.
    pub fn context_tokens_max(&self) -> u32 {
        self.facts.context
    }

    /// The token that is written so.
    pub fn token(&self, text: &str) -> Option<u32> {
        self.facts.words.id(text)
    }

    /// What the profile says.
    pub fn settings(&self) -> &Settings {
        &self.facts.settings
    }

    /// Asks for an answer, which comes in pieces. Waits for its turn, if many ask.
    ///
    /// # Errors
    /// `ModelErrorKind::Fatal` when the engine has stopped; all else comes in place of a piece.
    pub async fn ask(&self, request: Request) -> Result<Answer, ModelErrorKind> {
        let gone = || ModelErrorKind::Fatal { why: "the engine has stopped".to_owned() };
        // Room for all that can come: a reader that is slow must not hold up others.
        let most = request.tokens_max.unwrap_or(u32::MAX).min(self.facts.context) as usize;
        let (answer, pieces) = mpsc::channel(most + 2);
        let queue = self.thread.queue.as_ref().ok_or_else(gone)?;
        queue.send(Job { request, answer }).await.map_err(|_| gone())?;
        Ok(pieces)
    }

    async fn answered(&self, request: Request) -> Result<Reply, ModelErrorKind> {
        let mut pieces = self.ask(request).await?;
        let mut whole = String::new();
        while let Some(piece) = pieces.recv().await {
            match piece? {
                Said::Text(text) => whole.push_str(&text),
                Said::End { why, usage } => {
                    let cut = why == Finish::Length;
                    return Ok(Reply { text: whole, tokens_in: usage.prompt, tokens_out: usage.answer, cut });
                }
            }
        }
        Err(ModelErrorKind::Fatal { why: "the engine has stopped".to_owned() })
    }
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
            sampling: Sampling { seed: Dice::derived(sampling.seed, self.replies), ..sampling.clone() },
            grammar: prompt.grammar.clone().filter(|_| self.facts.settings.grammar).map(Grammar::Lark),
            ..Request::greedy(prompt.turns.clone())
        };
        self.replies += 1;
        // However this future ends, it drops its end of the answer, and the engine sees that before its next token.
        let answer = tokio::time::timeout(within, self.answered(request)).await;
        answer
            .unwrap_or(Err(ModelErrorKind::TimedOut { within }))
            .map_err(|kind| ModelError { model: self.name.clone(), kind })
    }
}

/// Answers whoever asks, a bit of each answer after the other.
fn serve(mut engine: Engine, mut jobs: mpsc::Receiver<Job>) {
    let mut works: Vec<(Work, mpsc::Sender<Result<Said, ModelErrorKind>>)> = Vec::new();
    let mut waiting: Option<Job> = None;
    loop {
        while works.len() < engine.at_once() {
            let job = match waiting.take() {
                Some(job) => Some(job),
                None if works.is_empty() => match jobs.blocking_recv() {
                    Some(job) => Some(job),
                    None => return,
                },
                None => jobs.try_recv().ok(),
            };
            let Some(job) = job else { break };
            if job.answer.is_closed() {
                continue; // It was given up while it waited.
            }
            match engine.begin(&job.request) {
                Ok(work) => works.push((work, job.answer)),
                // There is memory for fewer than there may be: it waits for one of the others to end.
                Err(ModelErrorKind::Unavailable { .. }) if !works.is_empty() => {
                    waiting = Some(job);
                    break;
                }
                Err(trouble) => tell(&job.answer, Err(trouble)),
            }
        }
        works.retain_mut(|(work, answer)| go_on(&mut engine, work, answer));
    }
}

/// Does a bit of an answer; whether there is more to do.
fn go_on(engine: &mut Engine, work: &mut Work, answer: &mpsc::Sender<Result<Said, ModelErrorKind>>) -> bool {
    if answer.is_closed() {
        tracing::debug!("an answer was given up");
        engine.give_up(work);
        return false;
    }
    match engine.go_on(work) {
        Ok(More { text, end }) => {
            if !text.is_empty() {
                tell(answer, Ok(Said::Text(text)));
            }
            let over = end.is_some();
            if let Some(why) = end {
                tell(answer, Ok(Said::End { why, usage: work.usage() }));
            }
            !over
        }
        Err(trouble) => {
            tell(answer, Err(trouble));
            false
        }
    }
}

/// There is room for every piece of an answer, so it is only lost when nobody wants it.
fn tell(answer: &mpsc::Sender<Result<Said, ModelErrorKind>>, piece: Result<Said, ModelErrorKind>) {
    let _ = answer.try_send(piece);
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
