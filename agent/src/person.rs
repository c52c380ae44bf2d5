//! The port to whoever is asked when the model must not or cannot go on alone.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tapwright_contract::Spot;
use tapwright_contract::device::Screen;

/// What a person is asked. The message is the model's, or about the device: show it as text, and trust it with nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Whether it may touch this place.
    Confirm { message: String, at: Spot },
    /// To do something on the device, and to say when it is done.
    TakeOver { message: String },
    /// To choose, in their own words.
    Choose { message: String },
    /// Whether to do what may have been done already when the run broke off.
    Again { message: String },
    /// Whether it may do what goes to no one place: type, call an API.
    Permit { message: String },
}

impl Question {
    /// The same question, with something more that whoever answers has to know.
    pub(crate) fn with(mut self, more: &str) -> Question {
        let message = match &mut self {
            Question::Confirm { message, .. }
            | Question::TakeOver { message }
            | Question::Choose { message }
            | Question::Again { message }
            | Question::Permit { message } => message,
        };
        *message = format!("{message} ({more})");
        self
    }

    /// What is asked, in the words of whoever asks.
    pub fn message(&self) -> &str {
        match self {
            Question::Confirm { message, .. }
            | Question::TakeOver { message }
            | Question::Choose { message }
            | Question::Again { message }
            | Question::Permit { message } => message,
        }
    }
}

/// What a person answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It may be done.
    Yes,
    /// It may not be done, or they will not do it.
    No,
    /// They have done it themselves.
    Done,
    /// Their words.
    Choice(String),
    /// There is nobody to ask.
    Nobody,
}

/// Somebody who can be asked. Dropping the future withdraws the question.
#[async_trait]
pub trait Person: Send {
    /// Asks, and waits for the answer. `screen` is what the model saw when it asked.
    async fn ask(&mut self, question: &Question, screen: Option<&Screen>) -> Answer;
}

/// Nobody is there.
pub struct Nobody;

#[async_trait]
impl Person for Nobody {
    async fn ask(&mut self, _question: &Question, _screen: Option<&Screen>) -> Answer {
        Answer::Nobody
    }
}
