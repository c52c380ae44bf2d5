//! What a device can be made to do, and what is true of each gesture.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Spot;

/// What a device can be made to do. Places are pixels of the screen that they name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gesture {
    /// A short touch.
    Tap { at: Spot },
    /// Two short touches in quick succession.
    DoubleTap { at: Spot },
    /// A touch held for `hold`.
    LongPress { at: Spot, hold: Duration },
    /// A finger that moves from one place to another in `over`.
    Swipe { from: Spot, to: Spot, over: Duration },
    /// A finger or a pressed left button that stays until what it lies on can be dragged, then moves to another place in
    /// `over`, and lets go there.
    Drag { from: Spot, to: Spot, over: Duration },
    /// A pointer's button, pressed and released `count` times while the modifiers are held.
    Click { at: Spot, button: Button, count: Clicks, modifiers: Vec<Modifier> },
    /// A pointer that moves to a place without a button.
    Move { at: Spot },
    /// A wheel's notches at a place: positive `right` and `down` show what lies further right and down.
    Scroll { at: Spot, right: i32, down: i32 },
    /// Text into the field that has the focus; what it held before is removed first.
    Type { text: String },
    /// Text at the caret of what has the focus; what stands there stays, but a selection is replaced.
    Insert { text: String },
    /// A key of the device.
    Press { key: Key },
    /// A key of a keyboard, pressed while the modifiers are held.
    Chord { modifiers: Vec<Modifier>, key: KeyName },
    /// Brings an app to the front, by its label, an alias or its id.
    Launch { app: String },
    /// Changes a window, by its id or its whole title.
    Window { window: String, change: WindowChange },
}

/// Keys that devices have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// One page back.
    Back,
    /// To the launcher.
    Home,
    /// Confirms what was typed.
    Enter,
}

/// Buttons of a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Button {
    Left,
    Middle,
    Right,
    /// The button at a mouse's side that goes one page back.
    Back,
    /// The one that goes forward again.
    Forward,
}

/// How often a button is pressed in quick succession.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clicks {
    Single,
    Double,
    Triple,
}

impl Clicks {
    /// As a number.
    pub fn count(self) -> u32 {
        match self {
            Clicks::Single => 1,
            Clicks::Double => 2,
            Clicks::Triple => 3,
        }
    }
}

/// Keys that change what another key or a button does while they are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Modifier {
    Control,
    Shift,
    Alt,
    /// The Windows, Command or Super key.
    Meta,
}

/// What a window is made to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowChange {
    /// To the front, with the focus.
    Activate,
    /// As its own close button would.
    Close,
    Maximize,
    Minimize,
    Restore,
}

/// A key by the name that `KeyboardEvent.key` of the W3C's UI Events gives it: one character as it is written without
/// modifiers (`a`, `7`, `/`), or a name such as `Enter`, `Escape`, `ArrowLeft`, `PageDown`, `F5`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyName(String);

/// A text is the name of no key.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no key; write one character, or a name such as Enter, Escape, Tab, ArrowLeft, PageDown or F5")]
pub struct NoSuchKey(String);

/// The names of keys that are not one character.
const NAMED_KEYS: [&str; 40] = [
    "Alt",
    "AppSwitch",
    "ArrowDown",
    "ArrowLeft",
    "ArrowRight",
    "ArrowUp",
    "Backspace",
    "CapsLock",
    "ContextMenu",
    "Control",
    "Delete",
    "End",
    "Enter",
    "Escape",
    "F1",
    "F10",
    "F11",
    "F12",
    "F2",
    "F3",
    "F4",
    "F5",
    "F6",
    "F7",
    "F8",
    "F9",
    "Home",
    "Insert",
    "Meta",
    "NumLock",
    "PageDown",
    "PageUp",
    "Pause",
    "PrintScreen",
    "ScrollLock",
    "Shift",
    "Tab",
    "BrowserBack",
    "BrowserForward",
    "BrowserRefresh",
];

impl KeyName {
    /// # Errors
    /// `NoSuchKey` if it is neither one printable character nor a name of the standard.
    pub fn new(name: impl Into<String>) -> Result<KeyName, NoSuchKey> {
        let name = name.into();
        let mut characters = name.chars();
        let is_character = characters.next().is_some_and(|c| !c.is_control()) && characters.next().is_none();
        if is_character || NAMED_KEYS.contains(&name.as_str()) { Ok(KeyName(name)) } else { Err(NoSuchKey(name)) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyName {
    type Error = NoSuchKey;

    fn try_from(name: String) -> Result<KeyName, NoSuchKey> {
        KeyName::new(name)
    }
}

impl From<KeyName> for String {
    fn from(key: KeyName) -> String {
        key.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What it takes to be rid of what a gesture did, if it was done once more than meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Undo {
    /// Nothing: once more changes nothing.
    Safe,
    /// It moves what is seen, and can be moved back.
    Moves,
    /// It may not be possible: it may press what sends, pays or deletes.
    Final,
}

impl Gesture {
    /// The place that it begins at, if it has one.
    pub fn spot(&self) -> Option<Spot> {
        match self {
            Gesture::Tap { at }
            | Gesture::DoubleTap { at }
            | Gesture::LongPress { at, .. }
            | Gesture::Click { at, .. }
            | Gesture::Move { at }
            | Gesture::Scroll { at, .. }
            | Gesture::Swipe { from: at, .. }
            | Gesture::Drag { from: at, .. } => Some(*at),
            Gesture::Type { .. }
            | Gesture::Insert { .. }
            | Gesture::Press { .. }
            | Gesture::Chord { .. }
            | Gesture::Launch { .. }
            | Gesture::Window { .. } => None,
        }
    }

    /// The place that it ends at, if it is another one than it begins at.
    pub fn end(&self) -> Option<Spot> {
        match self {
            Gesture::Swipe { to, .. } | Gesture::Drag { to, .. } => Some(*to),
            _ => None,
        }
    }

    /// What it takes to be rid of it.
    pub fn undo(&self) -> Undo {
        match self {
            Gesture::Move { .. } | Gesture::Launch { .. } => Undo::Safe,
            Gesture::Window { change: WindowChange::Close, .. } => Undo::Final,
            Gesture::Press { key: Key::Home } | Gesture::Window { .. } => Undo::Safe,
            Gesture::Swipe { .. } | Gesture::Scroll { .. } | Gesture::Press { key: Key::Back } => Undo::Moves,
            // What was there is removed first, so typing again gives the same text; unless a line break sends it.
            Gesture::Type { text } if !text.contains('\n') => Undo::Safe,
            Gesture::Tap { .. }
            | Gesture::DoubleTap { .. }
            | Gesture::LongPress { .. }
            | Gesture::Drag { .. }
            | Gesture::Click { .. }
            | Gesture::Type { .. }
            | Gesture::Insert { .. }
            | Gesture::Press { key: Key::Enter }
            | Gesture::Chord { .. } => Undo::Final,
        }
    }

    /// Whether it confirms what has the focus, like a press of Enter: that sends, in many an app.
    pub fn sends(&self) -> bool {
        match self {
            Gesture::Type { text } | Gesture::Insert { text } => text.contains(['\n', '\r']),
            Gesture::Press { key } => *key == Key::Enter,
            Gesture::Chord { key, .. } => key.as_str() == "Enter",
            _ => false,
        }
    }

    /// The text that it enters, if it enters one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Gesture::Type { text } | Gesture::Insert { text } => Some(text),
            _ => None,
        }
    }

    /// A verb for people: `tap`, `press long`.
    pub fn name(&self) -> &'static str {
        match self {
            Gesture::Tap { .. } => "tap",
            Gesture::DoubleTap { .. } => "double tap",
            Gesture::LongPress { .. } => "press long",
            Gesture::Swipe { .. } => "swipe",
            Gesture::Drag { .. } => "drag",
            Gesture::Click { .. } => "click",
            Gesture::Move { .. } => "move the pointer",
            Gesture::Scroll { .. } => "scroll",
            Gesture::Type { .. } => "type",
            Gesture::Insert { .. } => "insert text",
            Gesture::Press { .. } => "press a key",
            Gesture::Chord { .. } => "press keys",
            Gesture::Launch { .. } => "launch an app",
            Gesture::Window { .. } => "change a window",
        }
    }
}

/// What a device can be made to do, by kinds of gestures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    /// Tap, double tap, long press and swipe.
    pub touch: bool,
    /// Drag.
    pub drag: bool,
    /// Click and move.
    pub pointer: bool,
    /// Scroll by notches.
    pub scroll: bool,
    /// Text that replaces what a field holds.
    pub replace: bool,
    /// Text at the caret.
    pub insert: bool,
    /// Back and Home.
    pub navigation: bool,
    /// Keys of a keyboard, with modifiers.
    pub chords: bool,
    /// Launching apps by name.
    pub launch: bool,
    /// Changing windows.
    pub windows: bool,
    /// Telling what is written on the screen.
    pub labels: bool,
    /// Telling which app a name stands for, before it is launched by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub app_names: bool,
}

impl Abilities {
    /// What a phone does that is reached without a program of ours on it.
    pub const PHONE: Abilities = Abilities {
        touch: true,
        drag: true,
        pointer: false,
        scroll: false,
        replace: true,
        insert: false,
        navigation: true,
        chords: false,
        launch: true,
        windows: false,
        labels: true,
        app_names: false,
    };

    /// What a desktop does, or whatever else has a pointer, a keyboard and windows.
    pub const DESKTOP: Abilities = Abilities {
        touch: true,
        drag: true,
        pointer: true,
        scroll: true,
        replace: true,
        insert: true,
        navigation: true,
        chords: true,
        launch: true,
        windows: true,
        labels: true,
        app_names: true,
    };

    /// Whether a gesture is among them.
    pub fn include(&self, gesture: &Gesture) -> bool {
        match gesture {
            Gesture::Tap { .. } | Gesture::DoubleTap { .. } | Gesture::LongPress { .. } | Gesture::Swipe { .. } => {
                self.touch
            }
            Gesture::Drag { .. } => self.drag,
            Gesture::Click { .. } | Gesture::Move { .. } => self.pointer,
            Gesture::Scroll { .. } => self.scroll,
            Gesture::Type { .. } => self.replace,
            Gesture::Insert { .. } => self.insert,
            Gesture::Press { key: Key::Enter } => self.replace || self.insert || self.chords,
            Gesture::Press { key: Key::Back | Key::Home } => self.navigation,
            Gesture::Chord { .. } => self.chords,
            Gesture::Launch { .. } => self.launch,
            Gesture::Window { .. } => self.windows,
        }
    }
}
