//! What several apps and the system share: the settings, the people that the phone knows, money and files. Android calls them content providers.

pub mod files;
pub mod people;
pub mod settings;
pub mod wallet;

pub use files::Files;
pub use people::{People, Person};
pub use settings::{Settings, Switch};
pub use wallet::Wallet;

use crate::dice::Dice;
use crate::locale::Language;

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Providers {
    pub settings: Settings,
    pub people: People,
    pub wallet: Wallet,
    pub files: Files,
}

impl Providers {
    /// Draws settings, people, a wallet and files; what the last two have is no matter of the dice that the others are drawn with.
    pub fn new(dice: &mut Dice, seed: u64, language: Language) -> Providers {
        Providers {
            settings: Settings::new(dice),
            people: People::new(dice, language),
            wallet: Wallet::new(seed),
            files: Files::new(seed, language),
        }
    }

    /// Whether apps reach what is not on the phone: over Wi-Fi, or else over the mobile network.
    pub fn is_online(&self) -> bool {
        self.settings.is_on(Switch::Wifi) || !self.settings.is_on(Switch::Airplane)
    }
}
