//! What happens to a phone that nobody asked for: dialogs of the system, notifications, a turn, a lock, a dark display.
//!
//! It is part of what is shown, so it is part of the world; when it happens is decided outside, by `weather` or a test.

/// Something that comes over the phone. Times count from now, in milliseconds of the world's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The system asks whether the app in front may use something. It covers all else until it is answered.
    Permission,
    /// The system says that the app in front does not respond.
    Anr,
    /// A banner lies over the top of the display. A tap on it opens Messages.
    Notification { text: String, millis: u64 },
    /// The phone lies on its side; apps stand upright between black borders, as those do that cannot turn.
    Turn { millis: u64 },
    /// The phone is locked without a secret, and its display perhaps off too. A swipe up opens it.
    Lock { dark: bool },
    /// The app in front lets nobody take pictures of its window.
    Protect { millis: u64 },
    /// What the page in front holds is not there yet.
    Late { millis: u64 },
    /// A computer whose key the phone does not know wants to use it over ADB: its owner is asked.
    Debugging { computer: String },
    /// That computer has gone away.
    DebuggingOver,
    /// The keyboard that takes text from adb is not installed.
    NoAdbKeyboard,
}

/// What the owner of a phone has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
}

/// A dialog of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemDialog {
    Permission,
    Anr,
    Debugging,
}

/// What has come over the phone and has not gone again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemState {
    pub dialog: Option<SystemDialog>,
    /// Which computer the question is about, if that is what lies over everything.
    pub computer: String,
    /// What became of the latest such question.
    pub debugging: Option<Answer>,
    /// Text, and when it goes.
    pub banner: Option<(String, u64)>,
    pub turned_until: u64,
    pub locked: bool,
    pub dark: bool,
    /// Whose window is protected, and until when.
    pub protected: Option<(&'static str, u64)>,
    pub late_until: u64,
    pub no_adb_keyboard: bool,
}

impl SystemState {
    /// The banner that is still there.
    pub fn banner(&self, now: u64) -> Option<&str> {
        self.banner.as_ref().filter(|(_, until)| now < *until).map(|(text, _)| text.as_str())
    }
}
