//! The people that the phone knows.

use crate::content::{self, AVATARS};
use crate::dice::Dice;
use crate::locale::Language;

/// Someone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub number: String,
    pub favourite: bool,
}

/// Everybody, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct People {
    pub list: Vec<Person>,
}

impl People {
    /// Draws people: most have names of the phone's language.
    pub fn new(dice: &mut Dice, language: Language) -> People {
        let (mut names, others) = content::names(language);
        dice.shuffle(&mut names);
        names.truncate(9 + dice.below(8));
        for name in others {
            if dice.chance(20) {
                names.push(name);
            }
        }
        names.sort_unstable();
        let list = names.into_iter().map(|name| Person {
            name: name.to_string(),
            number: format!("0{} {:03} {:04}", 151 + dice.below(39), dice.below(1000), dice.below(10_000)),
            favourite: dice.chance(25),
        });
        People { list: list.collect() }
    }

    /// Someone by name.
    pub fn named(&self, name: &str) -> Option<&Person> {
        self.list.iter().find(|person| person.name == name)
    }

    /// Someone by name, to be changed.
    pub fn named_mut(&mut self, name: &str) -> Option<&mut Person> {
        self.list.iter_mut().find(|person| person.name == name)
    }

    /// Adds someone, or changes the number of someone who is there.
    pub fn save(&mut self, name: &str, number: &str) {
        match self.named_mut(name) {
            Some(person) => person.number = number.to_string(),
            None => {
                self.list.push(Person { name: name.to_string(), number: number.to_string(), favourite: false });
                self.list.sort_by(|a, b| a.name.cmp(&b.name));
            }
        }
    }

    /// Forgets someone.
    pub fn remove(&mut self, name: &str) {
        self.list.retain(|person| person.name != name);
    }
}

/// Always the same colour for the same name.
pub fn avatar_color(name: &str) -> u32 {
    let sum: usize = name.chars().map(|c| c as usize).sum();
    AVATARS[sum % AVATARS.len()]
}
