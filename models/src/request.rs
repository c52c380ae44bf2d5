//! What an engine can be asked, and how it answers: the words between the engine and whoever serves it.

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
    pub sampling: Sampling,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// Tokens that end the answer, besides the model's own.
    pub stop_tokens: Vec<u32>,
    /// Whether the text that ended the answer is part of it.
    pub stop_shown: bool,
    /// Whether tokens of structure are written out.
    pub special_shown: bool,
    /// What the answer has to look like.
    pub grammar: Option<Grammar>,
}

impl Request {
    /// The likeliest answer to a conversation, with nothing else asked of it.
    pub fn greedy(turns: Vec<Turn>) -> Request {
        Request {
            turns,
            tokens_max: None,
            sampling: Sampling::GREEDY,
            stop: Vec::new(),
            stop_tokens: Vec::new(),
            stop_shown: false,
            special_shown: false,
            grammar: None,
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
pub enum Said {
    /// More text: whole characters, in order. None of it is taken back.
    Text(String),
    /// Nothing follows.
    End { why: Finish, usage: Usage },
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
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

/// The pieces of an answer, as they come. Dropping it stops the work within one token.
pub type Answer = mpsc::Receiver<Result<Said, ModelErrorKind>>;
