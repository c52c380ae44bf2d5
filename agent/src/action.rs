//! What a model can say, whatever dialect it says it in.
//!
//! Nothing here says whether it may be done: that is the guard's.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tapwright_contract::gesture::{Button, Clicks, KeyName, Modifier};

use crate::calls::ApiCall;
use crate::place::Place;

/// What a reply comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Something is to be done.
    Do(Action),
    /// The goal is reached, the model claims.
    Finish { message: String },
    /// The goal cannot be reached, the model claims.
    GiveUp { message: String },
}

/// What a model can want done, one variant a verb.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Brings an app to the front, by whatever name the model has for it.
    Launch { app: String },
    /// A short touch.
    Tap { at: Place },
    /// A short touch that the model calls important: paying, deleting, sending what cannot be taken back.
    SensitiveTap { at: Place, message: String },
    /// Text into the field with the focus, in place of what it holds.
    Type { text: String },
    /// The same; the model says that the text is somebody's name.
    TypeName { text: String },
    /// A person has to choose; `message` says between what, and may be empty.
    Interact { message: String },
    /// A finger from one place to another.
    Swipe { from: Place, to: Place },
    /// A finger that takes hold of something in one place and lets go of it in another.
    Drag { from: Place, to: Place },
    /// Keeps something for the end of the run; if it `keeps_page` that is what is written on the page, and else the message.
    Note { message: String, keeps_page: bool },
    /// Asks for what was noted, for this purpose.
    Recall { instruction: String },
    /// Calls an API.
    CallApi(ApiCall),
    /// A touch that is held.
    LongPress { at: Place },
    /// Two short touches.
    DoubleTap { at: Place },
    /// A person has to do something that the model cannot: log in, solve a captcha.
    TakeOver { message: String },
    /// A pointer's button, pressed and released.
    Click { at: Place, button: Button, count: Clicks, modifiers: Vec<Modifier> },
    /// A pointer that moves without a button.
    Move { at: Place },
    /// A wheel's notches.
    Scroll { at: Place, right: i32, down: i32 },
    /// Text at the caret, beside what is there.
    Insert { text: String },
    /// A key of a keyboard, with modifiers.
    Chord { modifiers: Vec<Modifier>, key: KeyName },
    /// One page back.
    Back,
    /// To the launcher.
    Home,
    /// Nothing, for a while.
    Wait { duration: Duration },
}

impl Action {
    /// Whether it is one that a screen answers to.
    pub(crate) fn touches(&self) -> bool {
        match self {
            Action::Launch { .. }
            | Action::Tap { .. }
            | Action::SensitiveTap { .. }
            | Action::Type { .. }
            | Action::TypeName { .. }
            | Action::Swipe { .. }
            | Action::Drag { .. }
            | Action::LongPress { .. }
            | Action::DoubleTap { .. }
            | Action::Click { .. }
            | Action::Move { .. }
            | Action::Scroll { .. }
            | Action::Insert { .. }
            | Action::Chord { .. }
            | Action::Back
            | Action::Home => true,
            Action::Interact { .. }
            | Action::Note { .. }
            | Action::Recall { .. }
            | Action::CallApi(_)
            | Action::TakeOver { .. }
            | Action::Wait { .. } => false,
        }
    }

    /// The text that is to be typed.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Action::Type { text } | Action::TypeName { text } | Action::Insert { text } => Some(text),
            _ => None,
        }
    }
}
