//! How models write actions. A dialect reads what a model said and prints what it might have said.
//!
//! What a reply means for the run is the episode's; whether it may be done is the guard's.

pub mod autoglm;
pub mod computer;
pub mod frame;
mod value;
mod words;

use serde::{Deserialize, Serialize};

use tapwright_contract::gesture::Abilities;

use crate::action::Call;
use crate::calls::ApiCatalog;
use frame::Frame;

/// A way to write actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `do(action="Tap", element=[500,500])` and `finish(message="…")`, places on a grid of 1000.
    Autoglm,
    /// `click(at=[500,500])`, `hotkey(keys="ctrl+s")` and what other models write for a pointer and a keyboard, several a turn, places as
    /// the profile says.
    Computer,
}

/// What was understood of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedReply {
    /// Why the model wants it, without tags; may be empty.
    pub thought: String,
    /// What it wants.
    pub call: Result<Call, Unclear>,
    /// What it wants after that, if the first is done and the dialect has several a turn. The first that cannot be read is the last.
    pub rest: Vec<Result<Call, Unclear>>,
    /// Whether still more calls followed, which are not done: the screen is another one by then.
    pub more: bool,
}

/// A reply that cannot be read; the message tells the model what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unclear(pub(crate) String);

impl Dialect {
    /// Understands a reply, whatever it is, where no API is offered. `cut` says that it was cut off: what is unfinished is not
    /// guessed then.
    pub fn read(self, reply: &str, cut: bool) -> ParsedReply {
        self.read_with(reply, cut, &ApiCatalog::default())
    }

    /// The same where these APIs are offered.
    pub fn read_with(self, reply: &str, cut: bool, apis: &ApiCatalog) -> ParsedReply {
        self.read_on(reply, cut, apis, &Frame::default())
    }

    /// The same of a display, whose places are written as a profile says.
    pub fn read_on(self, reply: &str, cut: bool, apis: &ApiCatalog, frame: &Frame) -> ParsedReply {
        match self {
            Dialect::Autoglm => autoglm::read(reply, cut, apis),
            Dialect::Computer => computer::read(reply, cut, apis, frame),
        }
    }

    /// What a model is told of APIs, and how to call them; nothing if there are none.
    pub fn offer(self, apis: &ApiCatalog) -> String {
        match self {
            Dialect::Autoglm => autoglm::offer(apis),
            Dialect::Computer => computer::offer(apis),
        }
    }

    /// A thought without the marks that a model's own decoding leaves in it, wherever they are.
    pub fn without_marks(self, thought: &str) -> String {
        match self {
            Dialect::Autoglm => autoglm::without_marks(thought),
            Dialect::Computer => computer::without_marks(thought),
        }
    }

    /// A grammar for replies of so many tokens, as `Prompt::grammar` wants it, for a device that is able to do so much, and
    /// these APIs.
    pub fn grammar(self, tokens_max: u32, abilities: Abilities, apis: &ApiCatalog) -> String {
        self.grammar_on(tokens_max, abilities, apis, &Frame::default())
    }

    /// The same for a display, whose places are written as a profile says.
    pub fn grammar_on(self, tokens_max: u32, abilities: Abilities, apis: &ApiCatalog, frame: &Frame) -> String {
        match self {
            Dialect::Autoglm => autoglm::grammar(tokens_max, abilities, apis),
            Dialect::Computer => computer::grammar(tokens_max, abilities, apis, frame),
        }
    }

    /// The actions that this language has and such a device cannot do, by the names that the language has for them.
    pub fn cannot_say(self, abilities: Abilities) -> Vec<&'static str> {
        match self {
            Dialect::Autoglm => autoglm::cannot_say(abilities),
            Dialect::Computer => computer::cannot_say(abilities),
        }
    }

    /// The canonical form of a call, which `read_with` gives back unchanged where its API is offered.
    pub fn print(self, call: &Call) -> String {
        self.print_on(call, &Frame::default())
    }

    /// The same for a display, whose places are written as a profile says; `read_on` gives it back.
    pub fn print_on(self, call: &Call, frame: &Frame) -> String {
        match self {
            Dialect::Autoglm => autoglm::print(call),
            Dialect::Computer => computer::print(call, frame),
        }
    }
}
