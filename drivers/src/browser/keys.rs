//! Keys of a keyboard, as the protocol wants them said.

use serde_json::{Value, json};
use tapwright_contract::gesture::{KeyName, Modifier};

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyCode {
    key: String,
    code: String,
    /// What Windows calls it, which pages know as `keyCode`.
    number: u32,
    /// What it writes.
    text: String,
}

/// Characters of an American keyboard besides letters and digits: without Shift, with Shift, the key, its number.
const CHARACTERS: [(char, char, &str, u32); 11] = [
    (';', ':', "Semicolon", 186),
    ('=', '+', "Equal", 187),
    (',', '<', "Comma", 188),
    ('-', '_', "Minus", 189),
    ('.', '>', "Period", 190),
    ('/', '?', "Slash", 191),
    ('`', '~', "Backquote", 192),
    ('[', '{', "BracketLeft", 219),
    ('\\', '|', "Backslash", 220),
    (']', '}', "BracketRight", 221),
    ('\'', '"', "Quote", 222),
];
/// What Shift makes of the digits, from 0.
const SHIFTED_DIGITS: [char; 10] = [')', '!', '@', '#', '$', '%', '^', '&', '*', '('];
/// Named keys: the name, the number; the key is called as the name is, but for those of a side.
const NAMED: [(&str, u32); 26] = [
    ("Alt", 18),
    ("ArrowDown", 40),
    ("ArrowLeft", 37),
    ("ArrowRight", 39),
    ("ArrowUp", 38),
    ("Backspace", 8),
    ("CapsLock", 20),
    ("ContextMenu", 93),
    ("Control", 17),
    ("Delete", 46),
    ("End", 35),
    ("Enter", 13),
    ("Escape", 27),
    ("Home", 36),
    ("Insert", 45),
    ("Meta", 91),
    ("NumLock", 144),
    ("PageDown", 34),
    ("PageUp", 33),
    ("Pause", 19),
    ("PrintScreen", 44),
    ("ScrollLock", 145),
    ("Shift", 16),
    ("Tab", 9),
    ("BrowserBack", 166),
    ("BrowserForward", 167),
];

impl KeyCode {
    pub fn enter() -> KeyCode {
        KeyCode::named("Enter", 13)
    }

    /// The key of a name, while Shift is held or not.
    pub fn of(name: &KeyName, is_shifted: bool) -> KeyCode {
        let name = name.as_str();
        let mut characters = name.chars();
        if let (Some(character), None) = (characters.next(), characters.next()) {
            return KeyCode::character(character, is_shifted);
        }
        if let Some((name, number)) = NAMED.iter().find(|(named, _)| *named == name) {
            return KeyCode::named(name, *number);
        }
        let function = name.strip_prefix('F').and_then(|number| number.parse::<u32>().ok());
        KeyCode::named(name, function.map_or(0, |number| 111 + number))
    }

    fn named(name: &str, number: u32) -> KeyCode {
        let sided = matches!(name, "Alt" | "Control" | "Meta" | "Shift");
        let code = if sided { format!("{name}Left") } else { name.to_owned() };
        let text = if name == "Enter" { "\r" } else { "" };
        KeyCode { key: name.to_owned(), code, number, text: text.to_owned() }
    }

    fn character(character: char, is_shifted: bool) -> KeyCode {
        let of = |written: char, code: String, number: u32| KeyCode {
            key: written.to_string(),
            code,
            number,
            text: written.to_string(),
        };
        let upper = character.to_ascii_uppercase();
        if character.is_ascii_alphabetic() {
            let written = if is_shifted { upper } else { character };
            return of(written, format!("Key{upper}"), u32::from(upper));
        }
        if let Some(digit) = character.to_digit(10) {
            let written = if is_shifted { SHIFTED_DIGITS[digit as usize] } else { character };
            return of(written, format!("Digit{digit}"), u32::from(character));
        }
        if let Some(digit) = SHIFTED_DIGITS.iter().position(|shifted| *shifted == character) {
            return of(character, format!("Digit{digit}"), 48 + digit as u32);
        }
        let on_key = |(plain, shifted, _, _): &&(char, char, &str, u32)| *plain == character || *shifted == character;
        match (CHARACTERS.iter().find(on_key), character) {
            (Some((plain, shifted, code, number)), _) => {
                of(if is_shifted && *plain == character { *shifted } else { character }, (*code).to_owned(), *number)
            }
            (None, ' ') => of(' ', "Space".to_owned(), 32),
            (None, _) => of(character, String::new(), 0),
        }
    }

    /// Down and up, while these modifiers are held.
    pub fn stroke(&self, modifiers: &[Modifier]) -> [Value; 2] {
        let held = bits(modifiers);
        // With Control, Alt or Meta a key is a command, and writes nothing.
        let writes = !self.text.is_empty() && modifiers.iter().all(|modifier| *modifier == Modifier::Shift);
        let event = |kind: &str| {
            json!({
                "type": kind, "key": self.key, "code": self.code, "windowsVirtualKeyCode": self.number, "modifiers": held,
            })
        };
        let mut down = event(if writes { "keyDown" } else { "rawKeyDown" });
        if writes {
            down["text"] = self.text.as_str().into();
        }
        let command = match (modifiers, &*self.key) {
            ([Modifier::Control | Modifier::Meta], "a") => "selectAll",
            ([Modifier::Control | Modifier::Meta], "c") => "copy",
            ([Modifier::Control | Modifier::Meta], "x") => "cut",
            ([Modifier::Control | Modifier::Meta], "v") => "paste",
            ([Modifier::Control | Modifier::Meta], "z") => "undo",
            _ => "",
        };
        if !command.is_empty() {
            down["commands"] = json!([command]);
        }
        [down, event("keyUp")]
    }
}

/// The key of a modifier.
pub(super) fn of_modifier(modifier: Modifier) -> KeyCode {
    match modifier {
        Modifier::Control => KeyCode::named("Control", 17),
        Modifier::Shift => KeyCode::named("Shift", 16),
        Modifier::Alt => KeyCode::named("Alt", 18),
        Modifier::Meta => KeyCode::named("Meta", 91),
    }
}

/// The modifiers as the protocol adds them up.
pub(super) fn bits(modifiers: &[Modifier]) -> u32 {
    modifiers.iter().fold(0, |bits, modifier| {
        bits | match modifier {
            Modifier::Alt => 1,
            Modifier::Control => 2,
            Modifier::Meta => 4,
            Modifier::Shift => 8,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_a_keyboard() {
        for (name, is_shifted, key, code, number) in [
            ("a", false, "a", "KeyA", 65),
            ("a", true, "A", "KeyA", 65),
            ("7", true, "&", "Digit7", 55),
            ("&", true, "&", "Digit7", 55),
            ("/", false, "/", "Slash", 191),
            ("/", true, "?", "Slash", 191),
            (" ", false, " ", "Space", 32),
            ("é", false, "é", "", 0),
            ("F5", false, "F5", "F5", 116),
            ("F12", false, "F12", "F12", 123),
            ("Enter", false, "Enter", "Enter", 13),
            ("Shift", false, "Shift", "ShiftLeft", 16),
        ] {
            let found = KeyCode::of(&KeyName::new(name).unwrap(), is_shifted);
            assert_eq!((&*found.key, &*found.code, found.number), (key, code, number), "{name}");
        }
        let a = KeyCode::of(&KeyName::new("a").unwrap(), false);
        assert_eq!(a.stroke(&[])[0]["text"], "a");
        assert_eq!(a.stroke(&[Modifier::Control])[0].get("text"), None);
        assert_eq!(a.stroke(&[Modifier::Control])[0]["commands"][0], "selectAll");
    }
}
