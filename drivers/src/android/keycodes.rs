//! Keys of a keyboard, by the numbers that Android gives them.

use tapwright_contract::gesture::{KeyName, Modifier};

/// Names and characters that are not letters or digits, and their codes.
const CODES: &[(&str, u32)] = &[
    ("Alt", 57),
    ("AppSwitch", 187),
    ("ArrowDown", 20),
    ("ArrowLeft", 21),
    ("ArrowRight", 22),
    ("ArrowUp", 19),
    ("Backspace", 67),
    ("BrowserBack", 4),
    ("BrowserForward", 125),
    ("BrowserRefresh", 285),
    ("CapsLock", 115),
    ("ContextMenu", 82),
    ("Control", 113),
    ("Delete", 112),
    ("End", 123),
    ("Enter", 66),
    ("Escape", 111),
    ("Home", 122),
    ("Insert", 124),
    ("Meta", 117),
    ("NumLock", 143),
    ("PageDown", 93),
    ("PageUp", 92),
    ("Pause", 121),
    ("PrintScreen", 120),
    ("ScrollLock", 116),
    ("Shift", 59),
    ("Tab", 61),
    (" ", 62),
    ("#", 18),
    ("'", 75),
    ("*", 17),
    ("+", 81),
    (",", 55),
    ("-", 69),
    (".", 56),
    ("/", 76),
    (";", 74),
    ("=", 70),
    ("@", 77),
    ("[", 71),
    ("\\", 73),
    ("]", 72),
    ("`", 68),
];

/// The code of a key; `None` if Android has none for it.
pub(super) fn of_key(key: &KeyName) -> Option<u32> {
    let name = key.as_str();
    if let Some((_, code)) = CODES.iter().find(|(known, _)| *known == name) {
        return Some(*code);
    }
    if let Some(number @ 1..=12) = name.strip_prefix('F').and_then(|number| number.parse::<u32>().ok()) {
        return Some(130 + number);
    }
    match name.as_bytes() {
        [letter @ b'a'..=b'z'] => Some(29 + u32::from(letter - b'a')),
        [letter @ b'A'..=b'Z'] => Some(29 + u32::from(letter - b'A')),
        [digit @ b'0'..=b'9'] => Some(7 + u32::from(digit - b'0')),
        _ => None,
    }
}

/// The code of a modifier, the left one of two.
pub(super) fn of_modifier(modifier: Modifier) -> u32 {
    match modifier {
        Modifier::Control => 113,
        Modifier::Shift => 59,
        Modifier::Alt => 57,
        Modifier::Meta => 117,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_codes() {
        for (name, code) in [
            ("a", Some(29)),
            ("z", Some(54)),
            ("Z", Some(54)),
            ("0", Some(7)),
            ("9", Some(16)),
            ("F1", Some(131)),
            ("F12", Some(142)),
            ("Home", Some(122)),
            ("AppSwitch", Some(187)),
            ("/", Some(76)),
            ("é", None),
            ("%", None),
        ] {
            assert_eq!(of_key(&KeyName::new(name).unwrap()), code, "{name}");
        }
        let mut names: Vec<&str> = CODES.iter().map(|(name, _)| *name).collect();
        names.dedup();
        assert_eq!(names.len(), CODES.len());
        assert!(names.iter().all(|name| KeyName::new(*name).is_ok()));
    }
}
