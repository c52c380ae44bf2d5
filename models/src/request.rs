//! What an engine can be asked, and how it answers: the words between the engine and whoever serves it.

use std::collections::BTreeMap;
use std::task::{Context, Poll};

use tapwright_contract::model::{ModelErrorKind, Turn};
use tokio::sync::mpsc;

use crate::settings::Sampling;

/// A conversation that waits for the model's next turn, and how that turn is to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What was said, the oldest first.
    pub turns: Vec<Turn>,
    /// How many tokens the answer may have; as many as the context has room for without it.
    pub tokens_max: Option<u32>,
    /// The tokens that the answer has at least before the model's own end or one of `stop_tokens` may end it.
    pub tokens_min: u32,
    pub sampling: Sampling,
    /// What is added to the logits of tokens.
    pub logit_bias: BTreeMap<u32, f32>,
    /// Texts that end the answer, wherever they stand in it.
    pub stop: Vec<String>,
    /// Tokens that end the answer, besides the model's own.
    pub stop_tokens: Vec<u32>,
    /// Whether the text that ended the answer is part of it.
    pub stop_shown: bool,
    /// Whether tokens of structure are written out.
    pub special_shown: bool,
    /// What the answer has to look like.
    pub grammar: Option<Grammar>,
    /// Whether the model may think first, for templates that let one choose; what the template does by itself without it.
    pub thinking: Option<bool>,
}

impl Request {
    /// The likeliest answer to a conversation, with nothing else asked of it.
    pub fn greedy(turns: Vec<Turn>) -> Request {
        Request {
            turns,
            tokens_max: None,
            tokens_min: 0,
            sampling: Sampling::GREEDY,
            logit_bias: BTreeMap::new(),
            stop: Vec::new(),
            stop_tokens: Vec::new(),
            stop_shown: false,
            special_shown: false,
            grammar: None,
            thinking: None,
        }
    }
}

/// What an answer has to look like; the engine lets nothing else be said.
#[derive(Clone, Debug, PartialEq)]
pub enum Grammar {
    /// llguidance's dialect of Lark.
    Lark(String),
    /// A JSON schema.
    Schema(serde_json::Value),
    /// A regular expression, over the whole answer.
    Regex(String),
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerEvent {
    /// More text: whole characters, in order. None of it is taken back. `usage` is what the answer took so far.
    Delta { text: String, usage: Usage },
    /// Nothing follows.
    Done { why: FinishReason, usage: Usage },
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// The model was done.
    Token(u32),
    /// A text of `Request::stop` came.
    Text(String),
    /// The grammar allows nothing more.
    Grammar,
    /// `tokens_max`, or the context, is used up.
    Length,
}

/// What an answer took, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the prompt, pictures included.
    pub prompt: u32,
    /// Of those, the ones that were in the cache.
    pub cached: u32,
    /// Of the answer, the one that ended it included.
    pub answer: u32,
    /// Of those, the ones that the grammar left no choice about.
    pub forced: u32,
}

/// Why there is no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// Send a shorter prompt. Worded as OpenAI and vLLM word it, which is what clients look for.
    #[error(
        "This model's maximum context length is {limit} tokens. However, your request has {prompt} input tokens, which leaves no room for an answer. Please reduce the length of the messages."
    )]
    ContextExceeded { prompt: usize, limit: usize },
    #[error(transparent)]
    Model(#[from] ModelErrorKind),
}

impl From<AnswerError> for ModelErrorKind {
    fn from(error: AnswerError) -> ModelErrorKind {
        match error {
            AnswerError::Model(kind) => kind,
            AnswerError::ContextExceeded { .. } => ModelErrorKind::InvalidPrompt { why: error.to_string() },
        }
    }
}

/// The pieces of an answer, as they come. Dropping it stops the work, also in the middle of a picture or a long prompt.
pub struct AnswerStream {
    events: mpsc::Receiver<Result<AnswerEvent, AnswerError>>,
    /// A piece that was waited for, and is still to be given out.
    first: Option<Result<AnswerEvent, AnswerError>>,
    stop: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl AnswerStream {
    /// An answer that comes over a channel; `stop` is called when nobody waits for it any more.
    pub fn new(
        events: mpsc::Receiver<Result<AnswerEvent, AnswerError>>,
        stop: impl FnOnce() + Send + Sync + 'static,
    ) -> AnswerStream {
        AnswerStream { events, first: None, stop: Some(Box::new(stop)) }
    }

    /// The next piece; nothing after the last, and nothing where the work broke off.
    pub async fn recv(&mut self) -> Option<Result<AnswerEvent, AnswerError>> {
        match self.first.take() {
            None => self.events.recv().await,
            first => first,
        }
    }

    /// Returns when the prompt was read: its first piece is there, or none will come.
    pub async fn wait_for_start(&mut self) {
        if self.first.is_none() {
            self.first = self.events.recv().await;
        }
    }

    /// The same, for those who wait for several answers at once.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<AnswerEvent, AnswerError>>> {
        match self.first.take() {
            None => self.events.poll_recv(context),
            first => Poll::Ready(first),
        }
    }
}

impl From<mpsc::Receiver<Result<AnswerEvent, AnswerError>>> for AnswerStream {
    fn from(events: mpsc::Receiver<Result<AnswerEvent, AnswerError>>) -> AnswerStream {
        AnswerStream { events, first: None, stop: None }
    }
}

impl Drop for AnswerStream {
    fn drop(&mut self) {
        self.events.close();
        if let Some(stop) = self.stop.take() {
            stop();
        }
    }
}
