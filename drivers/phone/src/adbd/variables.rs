//! A shell's variables, bounded together: scripts are not ours.

use std::collections::BTreeMap;

/// Bytes of all names and values.
const BYTES_MAX: usize = 256 << 10;

#[derive(Clone, Debug)]
pub(super) struct Variables {
    values: BTreeMap<String, String>,
    bytes: usize,
}

impl Variables {
    pub fn new() -> Variables {
        let mut variables = Variables { values: BTreeMap::new(), bytes: 0 };
        for (name, value) in [("HOME", "/"), ("PATH", "/system/bin"), ("SHELL", "/system/bin/sh"), ("USER", "shell")] {
            variables.set(name, value);
        }
        variables
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// False if there is no room for it; the old value stays then.
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        let before = self.values.get(name).map_or(0, |old| name.len() + old.len());
        let bytes = self.bytes - before + name.len() + value.len();
        let fits = bytes <= BYTES_MAX;
        if fits {
            self.bytes = bytes;
            self.values.insert(name.to_owned(), value.to_owned());
        }
        fits
    }

    pub fn remove(&mut self, name: &str) {
        if let Some(value) = self.values.remove(name) {
            self.bytes -= name.len() + value.len();
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_bounded_together() {
        let mut variables = Variables::new();
        let half = "x".repeat(BYTES_MAX / 2);
        assert!(variables.set("A", &half));
        assert!(!variables.set("B", &half));
        assert!(variables.set("A", &half), "a value takes the place of the old one");
        variables.remove("A");
        assert!(variables.set("B", &half));
        assert_eq!(variables.get("A"), None);
    }
}
