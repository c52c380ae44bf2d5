//! The apps that the phone comes with, a file each.

mod added;
mod browser;
mod calculator;
mod calendar;
mod calls;
mod clock;
mod common;
mod contacts;
mod feed;
mod files;
mod gallery;
mod mail;
mod maps;
mod messages;
mod music;
mod notes;
mod payment;
mod rail;
mod settings;
mod shop;
mod weather;

pub use added::{AddedApp, AddedPackage};
pub use settings::{BATTERY_PERCENT, switch_look};

use crate::app::InstalledApp;
use crate::date::DAY;
use crate::dice::Dice;
use crate::locale::Language;
use crate::options::Options;
use crate::providers::Providers;

/// The apps that stand behind the six on a phone with all of them. Each draws with dice of its own.
pub fn more(options: &Options, providers: &Providers) -> Vec<InstalledApp> {
    let (seed, language) = (options.seed, options.language);
    vec![
        InstalledApp::new(feed::Feed::new(seed, language)),
        InstalledApp::new(maps::Maps::new(seed, language)),
        InstalledApp::new(rail::Rail::new(seed, options.epoch, providers)),
        InstalledApp::new(shop::Shop::new(seed, language)),
        InstalledApp::new(mail::Mail::new(seed, language, providers)),
        InstalledApp::new(weather::Weather::new(seed, options.epoch / DAY)),
        InstalledApp::new(calculator::Calculator::default()),
        InstalledApp::new(music::Music::new(seed, language)),
        InstalledApp::new(calls::Phone::new(seed, providers)),
        InstalledApp::new(files::FilesApp::new()),
        InstalledApp::new(gallery::Gallery::new(seed, language, &providers.files)),
        InstalledApp::new(browser::Browser::new(seed, language)),
    ]
}

/// The six basic apps, in the launcher's order. A new one is its file, its `mod` and a line at the end, with dice of its own: those
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
