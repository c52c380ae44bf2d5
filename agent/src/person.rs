//! The port to whoever is asked when the model must not or cannot go on alone.

use std::mem;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tapwright_contract::Spot;
use tapwright_contract::device::Screen;

/// What a person is asked. The message is the model's, or about the device: show it as text, and trust it with nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Whether it may touch this place.
    Confirm {
        message: String,
        at: Spot,
        /// What is written there, if the device told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
        /// What heads the page, if anything does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page: Option<String>,
        /// Who wants to be sure.
        #[serde(default, skip_serializing_if = "Asker::is_model")]
        asker: Asker,
    },
    /// To do something on the device, and to say when it is done.
    TakeOver { message: String },
    /// To choose, in their own words.
    Choose { message: String },
    /// Whether to do what may have been done already when the run broke off.
    Again { message: String },
    /// Whether it may do what goes to no one place: type, call an API.
    Permit {
        message: String,
        /// Who wants to be sure.
        #[serde(default, skip_serializing_if = "Asker::is_model")]
        asker: Asker,
    },
}

/// Who wants a person to be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asker {
    /// The model calls it important.
    #[default]
    Model,
    /// The policy has a rule about it.
    Policy,
}

impl Asker {
    fn is_model(&self) -> bool {
        *self == Asker::Model
    }
}

impl Question {
    /// The same question, with something more that whoever answers has to know.
    pub(crate) fn with(mut self, more: &str) -> Question {
        let message = match &mut self {
            Question::Confirm { message, .. }
            | Question::TakeOver { message }
            | Question::Choose { message }
            | Question::Again { message }
            | Question::Permit { message, .. } => message,
        };
        *message = format!("{message} ({more})");
        self
    }

    /// Whether another question asks the same; where on the display may have changed with it.
    pub(crate) fn asks_the_same(&self, other: &Question) -> bool {
        mem::discriminant(self) == mem::discriminant(other) && self.message() == other.message()
    }

    /// What is asked, in the words of whoever asks.
    pub fn message(&self) -> &str {
        match self {
            Question::Confirm { message, .. }
            | Question::TakeOver { message }
            | Question::Choose { message }
            | Question::Again { message }
            | Question::Permit { message, .. } => message,
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
