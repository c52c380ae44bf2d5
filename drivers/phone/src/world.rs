//! The world behind the glass: a pure function of its options and the inputs it got.

use std::collections::BTreeMap;
use std::fmt;

/// How a world begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Draws names, messages, alarms and settings.
    pub seed: u64,
    /// Display width in pixels.
    pub width: u32,
    /// Display height in pixels.
    pub height: u32,
    /// Seconds since 1970 (UTC) when the world begins; the phone's own zone is UTC.
    pub epoch: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options { seed: 0, width: 540, height: 1200, epoch: 1_767_258_000 }
    }
}

/// An app that can be launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct App {
    /// For example `com.android.settings`.
    pub package: &'static str,
    /// For example `.Settings`.
    pub activity: &'static str,
    /// For example `Settings`.
    pub label: &'static str,
}

/// Keys of the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Back,
    Home,
    Enter,
    /// Backspace.
    Delete,
}

/// Something done to the phone. Places are display pixels; those off the display are ignored, as phones do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Tap { x: i32, y: i32 },
    LongPress { x: i32, y: i32 },
    Swipe { from: (i32, i32), to: (i32, i32), millis: u32 },
    Press(Key),
    /// Inserts text into the field with the focus; without one nothing happens.
    Type(String),
    /// Empties the field with the focus.
    Clear,
}

/// Why the world did not accept a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// The phone's whole state.
#[derive(Clone, Debug)]
pub struct World {
    options: Options,
}

impl World {
    /// Draws a world from its options.
    pub fn new(options: Options) -> World {
        World { options }
    }
    /// Moves the clock to `millis` since the world began; the clock never goes back.
    pub fn advance(&mut self, _millis: u64) {}
    /// Milliseconds since the world began.
    pub fn uptime(&self) -> u64 {
        0
    }
    /// Display size in pixels, width first.
    pub fn size(&self) -> (u32, u32) {
        (self.options.width, self.options.height)
    }
    /// Density in dots per inch, as `wm density` prints it.
    pub fn density(&self) -> u32 {
        240
    }
    /// What is on the display: `[height, width, 4]` bytes of RGBA.
    pub fn draw(&self) -> Vec<u8> {
        vec![255; (4 * self.options.width * self.options.height) as usize]
    }
    /// The widget tree as `uiautomator dump` writes it.
    pub fn hierarchy(&self) -> String {
        String::new()
    }
    /// Does something to the phone.
    pub fn input(&mut self, _input: &Input) {}
    /// Whether a text field has the focus.
    pub fn field_has_focus(&self) -> bool {
        false
    }
    /// All apps that can be launched, the launcher not among them.
    pub fn apps(&self) -> &'static [App] {
        &[]
    }
    /// Brings an app to the front as a tap on its icon would; false if there is none with that package.
    pub fn launch(&mut self, _package: &str) -> bool {
        false
    }
    /// Ends an app and forgets its page.
    pub fn stop(&mut self, _package: &str) {}
    /// The app in front; the launcher's `App` when none is.
    pub fn front(&self) -> App {
        App { package: "com.tapwright.launcher", activity: ".Launcher", label: "Home" }
    }
    /// The input method that is selected, for example `com.android.adbkeyboard/.AdbIME`.
    pub fn input_method(&self) -> &str {
        ""
    }
    /// All installed input methods.
    pub fn input_methods(&self) -> &'static [&'static str] {
        &["com.android.inputmethod.latin/.LatinIME", "com.android.adbkeyboard/.AdbIME"]
    }
    /// Selects an input method; false if it is not installed.
    pub fn set_input_method(&mut self, _id: &str) -> bool {
        false
    }
    /// What is true of the phone, for judges: `wifi.on = true`, `messages.Anna.last = On my way`.
    pub fn facts(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
    /// Makes a fact true, for the start of a task.
    ///
    /// # Errors
    /// `Refused` if there is no such fact or it cannot have that value.
    pub fn set_fact(&mut self, name: &str, _value: &str) -> Result<(), Refused> {
        Err(Refused(format!("there is no fact `{name}`")))
    }
}
