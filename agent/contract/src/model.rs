//! What a model is asked and what it answers.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Picture;

/// A conversation that waits for the model's next turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What was said, the oldest first.
    pub turns: Vec<Turn>,
    /// How many tokens the answer may have at most.
    pub tokens_max: u32,
    /// What the answer has to look like: a grammar in llguidance's dialect of Lark, in which `<think>`, `</think>`, `<answer>` and
    /// `</answer>` stand for the model's own marks. A model that cannot be held to it answers as it likes.
    pub grammar: Option<String>,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
}

/// Who speaks in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Whoever sets the rules.
    System,
    /// Whoever shows the screen.
    User,
    /// The model.
    Assistant,
}

/// A piece of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Words.
    Text(String),
    /// A picture; the model sees its pixels and nothing else of the device.
    Picture(Picture),
}

/// What a model answered. The text is untrusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The text, without the token that ended it.
    pub text: String,
    /// Tokens of the prompt, the picture's included.
    pub tokens_in: u32,
    /// Tokens of the answer.
    pub tokens_out: u32,
    /// Whether the answer was cut off at `tokens_max`.
    pub cut: bool,
}

/// Something that answers prompts.
///
/// Dropping the future stops the work: within one operator of its graph where the model runs here, and as far as the server hears of it
/// where it does not.
#[async_trait]
pub trait Model: Send {
    /// A name for people.
    fn name(&self) -> &str;

    /// Answers a prompt.
    ///
    /// # Errors
    /// `ModelError` if there is no answer `within` the time, or there cannot be one.
    async fn reply(&mut self, prompt: &Prompt, within: Duration) -> Result<Reply, ModelError>;
}

/// What went wrong with a model.
#[derive(Debug, thiserror::Error)]
#[error("{model}: {kind}")]
pub struct ModelError {
    /// The model's name.
    pub model: String,
    /// What to do about it.
    pub kind: ModelErrorKind,
}

/// Why there is no answer, by what the caller should do next.
#[derive(Debug, thiserror::Error)]
pub enum ModelErrorKind {
    /// No answer in time.
    #[error("no answer within {} s", .within.as_secs_f32())]
    TimedOut { within: Duration },
    /// The model is busy or cannot be reached now. `retry_after` is how long the server itself asks callers to wait.
    #[error("temporarily unavailable: {why}")]
    Unavailable { why: String, retry_after: Option<Duration> },
    /// The prompt can never be answered: too long, a picture too large.
    #[error("the prompt cannot be answered: {why}")]
    InvalidPrompt { why: String },
    /// The model cannot answer any prompt: asking again will not help.
    #[error("{why}")]
    Fatal { why: String },
}

impl ModelErrorKind {
    /// Whether the same prompt may be answered if it is simply asked again.
    pub fn is_retryable(&self) -> bool {
        match self {
            ModelErrorKind::TimedOut { .. } | ModelErrorKind::Unavailable { .. } => true,
            ModelErrorKind::InvalidPrompt { .. } | ModelErrorKind::Fatal { .. } => false,
        }
    }
}
