//! The apps that the phone comes with, a file each.

mod calendar;
mod clock;
mod contacts;
mod messages;
mod notes;
mod settings;

pub use settings::{BATTERY_PERCENT, switch_look};

use crate::app::InstalledApp;
use crate::dice::Dice;
use crate::locale::Language;
use crate::providers::Providers;

/// Every app, in the launcher's order. A new one is its file, its `mod` and a line at the end, with dice of its own: those
/// that are passed fall for the others, whose worlds must not change.
pub fn all(dice: &mut Dice, providers: &Providers, language: Language) -> Vec<InstalledApp> {
    vec![
        InstalledApp::new(messages::Messages::new(dice, providers, language)),
        InstalledApp::new(contacts::Contacts),
        InstalledApp::new(notes::Notes::new(dice, language)),
        InstalledApp::new(clock::Clock::new(dice)),
        InstalledApp::new(calendar::Calendar::new(dice, language)),
        InstalledApp::new(settings::SettingsApp),
    ]
}
