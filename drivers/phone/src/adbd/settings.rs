//! Settings that clients have put and the world knows nothing of. Those that it does know are in `commands::settings`.

use std::collections::BTreeMap;

/// How many may be put, and how long a name or value may be.
const SETTINGS_MAX: usize = 1024;
const TEXT_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Settings {
    values: BTreeMap<(String, String), String>,
}

impl Settings {
    pub fn get(&self, space: &str, name: &str) -> Option<&str> {
        self.values.get(&(space.to_owned(), name.to_owned())).map(String::as_str)
    }

    /// False if there is no room for it.
    pub fn insert(&mut self, space: &str, name: &str, value: &str) -> bool {
        let key = (space.to_owned(), name.to_owned());
        let fits = name.len() <= TEXT_MAX
            && value.len() <= TEXT_MAX
            && (self.values.len() < SETTINGS_MAX || self.values.contains_key(&key));
        if fits {
            self.values.insert(key, value.to_owned());
        }
        fits
    }

    /// False if there was none.
    pub fn delete(&mut self, space: &str, name: &str) -> bool {
        self.values.remove(&(space.to_owned(), name.to_owned())).is_some()
    }

    pub fn list(&self, space: &str) -> Vec<(&str, &str)> {
        self.values
            .iter()
            .filter(|((of, _), _)| of == space)
            .map(|((_, name), value)| (name.as_str(), value.as_str()))
            .collect()
    }
}
