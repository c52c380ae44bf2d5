//! What is true of the phone, for judges, and what can be made true for the start of a task.

use std::fmt;

use super::World;
use crate::app::Facts;

/// Why the world did not accept a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl World {
    /// What is true of the phone, for judges. `docs/phone.md` lists the names.
    pub fn facts(&self) -> Facts {
        let mut facts = Facts::new();
        for app in &self.apps {
            app.facts(&self.providers, &mut facts);
        }
        let labels: Vec<&str> = self.icons.iter().map(|app| self.label(*app)).collect();
        facts.insert("launcher.icons".into(), labels.join(", "));
        facts.insert("front".into(), self.front().package.to_string());
        facts
    }

    /// Makes a fact true, for the start of a task: switches, `brightness`, `font.percent`, `contacts.NAME.number`,
    /// `contacts.NAME.favourite`, `alarms.HH:MM.on`, `messages.NAME.N`, `notes.N`, `calendar.DAY.events`, `launcher.icons`.
    ///
    /// # Errors
    /// `Refused` if there is no such fact or it cannot have that value.
    pub fn set_fact(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        let refused = |why: &str| Refused(format!("`{name}` cannot be `{value}`: {why}"));
        if name == "launcher.icons" {
            return self.set_icons(value).map_err(refused);
        }
        let parts: Vec<&str> = name.split('.').collect();
        for app in &mut self.apps {
            if let Some(done) = app.set_fact(&parts, value, &mut self.providers) {
                return done.map_err(|why| refused(&why));
            }
        }
        Err(Refused(format!("there is no fact `{name}` that can be set")))
    }

    fn set_icons(&mut self, value: &str) -> Result<(), &'static str> {
        let labels: Vec<&str> = value.split(", ").collect();
        let place = |label: &&str| (0..self.apps.len()).find(|app| self.label(*app) == *label);
        let icons: Vec<usize> = labels.iter().filter_map(place).collect();
        let is_each_once = (0..self.apps.len()).all(|app| icons.contains(&app));
        if !is_each_once || labels.len() != self.apps.len() {
            return Err("it names every app once");
        }
        self.icons = icons;
        Ok(())
    }

    fn label(&self, app: usize) -> &'static str {
        self.language().say(self.apps[app].manifest().label)
    }
}
