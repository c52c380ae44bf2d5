//! What several apps and the system share: the settings and the people that the phone knows. Android calls them content providers.

pub mod people;
pub mod settings;

pub use people::{People, Person};
pub use settings::{Settings, Switch};

use crate::dice::Dice;
use crate::locale::Language;

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Providers {
    pub settings: Settings,
    pub people: People,
}

impl Providers {
    /// Draws settings and people.
    pub fn new(dice: &mut Dice, language: Language) -> Providers {
        Providers { settings: Settings::new(dice), people: People::new(dice, language) }
    }
}
