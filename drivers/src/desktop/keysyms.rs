//! What keys and characters are called on an X keyboard.

use tapwright_contract::gesture::{KeyName, Modifier};

pub(crate) const NO_SYMBOL: u32 = 0;
pub(crate) const CAPS_LOCK: u32 = 0xffe5;
pub(crate) const SHIFT: u32 = 0xffe1;
/// What shows the third level of a key: AltGr.
pub(crate) const LEVEL_3: u32 = 0xfe03;
pub(crate) const RETURN: u32 = 0xff0d;
pub(crate) const INSERT: u32 = 0xff63;
const KEYPAD_ENTER: u32 = 0xff8d;
pub(crate) const TAB: u32 = 0xff09;
pub(crate) const BACKSPACE: u32 = 0xff08;
pub(crate) const HOME: u32 = 0xff50;

/// A character that no key types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key types the character U+{:04X}; leave it out", u32::from(*.0))]
pub(crate) struct Untypable(pub char);

/// The symbol of a character. A line break is the key Enter, and not the character that X has for it, to which nothing reacts.
pub(crate) fn of_character(character: char) -> Result<u32, Untypable> {
    let code = u32::from(character);
    match character {
        '\n' | '\r' => Ok(RETURN),
        '\t' => Ok(TAB),
        ' '..='~' | '\u{a0}'..='\u{ff}' => Ok(code),
        _ if character.is_control() => Err(Untypable(character)),
        _ => Ok(0x0100_0000 | code),
    }
}

/// The character that a symbol types into a line; `None` of Enter, Tab and keys that are no character's.
pub(crate) fn character_of(symbol: u32) -> Option<char> {
    match symbol {
        0x20..=0x7e | 0xa0..=0xff => char::from_u32(symbol),
        0x0100_0000..=0x0110_ffff => char::from_u32(symbol - 0x0100_0000),
        _ => None,
    }
}

/// The symbols of a text. A line break of two characters is one.
pub(crate) fn of_text(text: &str) -> Result<Vec<u32>, Untypable> {
    let mut symbols = Vec::with_capacity(text.len());
    let mut before = ' ';
    for character in text.chars() {
        if (before, character) != ('\r', '\n') {
            symbols.push(of_character(character)?);
        }
        before = character;
    }
    Ok(symbols)
}

/// The symbol of a key; `None` for a character that no key types.
pub(crate) fn of_key(key: &KeyName) -> Option<u32> {
    let name = key.as_str();
    let mut characters = name.chars();
    if let (Some(character), None) = (characters.next(), characters.next()) {
        return of_character(character).ok();
    }
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, symbol)| *symbol)
}

pub(crate) fn of_modifier(modifier: Modifier) -> u32 {
    match modifier {
        Modifier::Control => 0xffe3,
        Modifier::Shift => SHIFT,
        Modifier::Alt => 0xffe9,
        Modifier::Meta => 0xffeb,
    }
}

/// Whether a button may take a key for a click: Enter and the space bar, and Alt with a letter that is underlined on it.
pub(crate) fn may_click(modifiers: &[Modifier], symbol: u32) -> bool {
    match modifiers {
        [] => [RETURN, KEYPAD_ENTER, u32::from(' ')].contains(&symbol),
        [Modifier::Alt] => char::from_u32(symbol).is_some_and(char::is_alphanumeric),
        _ => false,
    }
}

/// Whether a shell in a terminal may end by a key: Enter after `exit`, and Control and D.
pub(crate) fn may_end_shell(modifiers: &[Modifier], symbol: u32) -> bool {
    match modifiers {
        [] => [RETURN, KEYPAD_ENTER].contains(&symbol),
        [Modifier::Control] => symbol == u32::from('d'),
        _ => false,
    }
}

/// Whether a symbol is one of a key for music, brightness and the like.
pub(crate) fn is_media(symbol: u32) -> bool {
    (0x1008_ff00..=0x1008_ffff).contains(&symbol)
}

const NAMED: [(&str, u32); 39] = [
    ("Alt", 0xffe9),
    ("ArrowDown", 0xff54),
    ("ArrowLeft", 0xff51),
    ("ArrowRight", 0xff53),
    ("ArrowUp", 0xff52),
    ("Backspace", BACKSPACE),
    ("BrowserBack", 0x1008_ff26),
    ("BrowserForward", 0x1008_ff27),
    ("BrowserRefresh", 0x1008_ff29),
    ("CapsLock", CAPS_LOCK),
    ("ContextMenu", 0xff67),
    ("Control", 0xffe3),
    ("Delete", 0xffff),
    ("End", 0xff57),
    ("Enter", RETURN),
    ("Escape", 0xff1b),
    ("F1", 0xffbe),
    ("F2", 0xffbf),
    ("F3", 0xffc0),
    ("F4", 0xffc1),
    ("F5", 0xffc2),
    ("F6", 0xffc3),
    ("F7", 0xffc4),
    ("F8", 0xffc5),
    ("F9", 0xffc6),
    ("F10", 0xffc7),
    ("F11", 0xffc8),
    ("F12", 0xffc9),
    ("Home", HOME),
    ("Insert", 0xff63),
    ("Meta", 0xffeb),
    ("NumLock", 0xff7f),
    ("PageDown", 0xff56),
    ("PageUp", 0xff55),
    ("Pause", 0xff13),
    ("PrintScreen", 0xff61),
    ("ScrollLock", 0xff14),
    ("Shift", SHIFT),
    ("Tab", TAB),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_key_has_a_symbol_and_no_other_name_has() {
        for (name, symbol) in NAMED {
            assert_eq!(of_key(&KeyName::new(name).unwrap()), Some(symbol), "{name}");
        }
        assert_eq!(of_key(&KeyName::new("a").unwrap()), Some(0x61));
        assert_eq!(of_key(&KeyName::new("é").unwrap()), Some(0xe9));
        assert_eq!(of_key(&KeyName::new("界").unwrap()), Some(0x0100_754c));
    }

    #[test]
    fn a_text_is_keys_and_what_no_key_types_is_named() {
        assert_eq!(of_text("a\r\nb\n\t\r😀").unwrap(), [0x61, RETURN, 0x62, RETURN, TAB, RETURN, 0x0101_f600]);
        assert_eq!(of_text("a\u{7}"), Err(Untypable('\u{7}')));
        assert_eq!(of_text("\u{85}"), Err(Untypable('\u{85}')));
        assert_eq!(of_text("").unwrap(), [0u32; 0]);
    }
}
