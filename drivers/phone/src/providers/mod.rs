//! What several apps and the system share: the settings and the people that the phone knows. Android calls them content providers.

pub mod people;
pub mod settings;
pub mod wallet;

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
}

impl Providers {
    /// Draws settings, people and a wallet; what the last has is no matter of the dice that the others are drawn with.
    pub fn new(dice: &mut Dice, seed: u64, language: Language) -> Providers {
        Providers { settings: Settings::new(dice), people: People::new(dice, language), wallet: Wallet::new(seed) }
    }

    /// Whether apps reach what is not on the phone: over Wi-Fi, or else over the mobile network.
    pub fn is_online(&self) -> bool {
        self.settings.is_on(Switch::Wifi) || !self.settings.is_on(Switch::Airplane)
    }
}
