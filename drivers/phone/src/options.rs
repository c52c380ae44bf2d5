//! How a phone begins: its display, its language, its apps.

use crate::locale::Language;
use crate::system::motion::Motion;
use crate::ui::Appearance;

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
    /// What the phone speaks, and most of the people on it.
    pub language: Language,
    /// How widgets look. Small models have learnt to read the first.
    pub appearance: Appearance,
    /// Whether the caret of the field with the focus blinks, half a second each way.
    pub caret_blinks: bool,
    /// What moves on every page.
    pub motion: Motion,
    /// Which apps are installed. With all of them lists move by pixels and are flung.
    pub apps: AppSelection,
    /// Whether pages slide in and lists glide to where they come to rest. Without it they are there at once.
    pub animations: bool,
}

impl Default for Options {
    /// A display of 540 by 1200 on the first of January 2026, nine in the morning, in English, on which nothing moves.
    fn default() -> Options {
        Options {
            seed: 0,
            width: 540,
            height: 1200,
            epoch: 1_767_258_000,
            language: Language::English,
            appearance: Appearance::First,
            caret_blinks: false,
            motion: Motion::None,
            apps: AppSelection::Basic,
            animations: false,
        }
    }
}

/// Which apps a phone has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppSelection {
    /// The six that the small model has learnt.
    #[default]
    Basic,
    All,
}

impl AppSelection {
    /// All of them, with the names that they are chosen by.
    pub const NAMES: [(&'static str, AppSelection); 2] = [("basic", AppSelection::Basic), ("all", AppSelection::All)];
}
