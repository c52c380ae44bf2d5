//! Names of keys, as X, Windows, macOS, pyautogui and people write them.

use tapwright_contract::gesture::{KeyName, Modifier};

use crate::dialect::Unclear;
use crate::dialect::words::{excerpt, unclear};

/// A key with what is held beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyChord {
    pub(super) modifiers: Vec<Modifier>,
    pub(super) key: KeyName,
}

enum Key {
    Modifier(Modifier),
    Other(KeyName),
}

/// The chords of a text: `ctrl+s`, `ctrl s`, `Down Down`, `ctrl+k ctrl+c`.
pub(super) fn of_text(text: &str) -> Result<Vec<KeyChord>, Unclear> {
    if text.chars().count() == 1 {
        return Ok(vec![chord(&[text])?]); // A blank is a key, too.
    }
    let pieces: Vec<&str> = text.split_whitespace().collect();
    let joined = |piece: &str| piece.len() > 1 && piece.contains(['+', '-']) && key(piece).is_none();
    let one = match &pieces[..] {
        [] => return Err(needs_keys()),
        // `ctrl + s`, `ctrl s`.
        several
            if several.contains(&"+") || (!several.iter().any(|piece| joined(piece)) && is_modifier(several[0])) =>
        {
            let several: Vec<&str> = several
                .iter()
                .enumerate()
                .filter(|(at, piece)| **piece != "+" || *at + 1 == several.len())
                .map(|(_, piece)| *piece)
                .collect();
            return Ok(vec![chord(&several)?]);
        }
        several => several,
    };
    one.iter().map(|piece| if joined(piece) { chord(&split(piece)) } else { chord(&[piece]) }).collect()
}

/// The chord of keys that were listed; each may be written as a chord itself.
pub(super) fn of_list(keys: &[String]) -> Result<KeyChord, Unclear> {
    let pieces: Vec<&str> = keys
        .iter()
        .flat_map(|piece| match key(piece) {
            Some(_) => vec![piece.as_str()],
            None => split(piece),
        })
        .collect();
    chord(&pieces)
}

/// A modifier by its name.
pub(super) fn modifier(name: &str) -> Option<Modifier> {
    match key(name) {
        Some(Key::Modifier(modifier)) => Some(modifier),
        _ => None,
    }
}

fn is_modifier(name: &str) -> bool {
    modifier(name).is_some()
}

/// `ctrl+s`, `ctrl-s`, `ctrl++`.
fn split(piece: &str) -> Vec<&str> {
    let by = if piece.contains('+') { '+' } else { '-' };
    match piece.strip_suffix(by) {
        // The key itself is what the others are joined with.
        Some(rest) if rest.ends_with(by) => {
            let mut keys: Vec<&str> = rest.trim_end_matches(by).split(by).collect();
            keys.push(&piece[piece.len() - 1..]);
            keys
        }
        _ => piece.split(by).collect(),
    }
}

fn chord(names: &[&str]) -> Result<KeyChord, Unclear> {
    let (mut modifiers, mut others) = (Vec::new(), Vec::new());
    for name in names {
        match key(name) {
            Some(Key::Modifier(modifier)) if !modifiers.contains(&modifier) => modifiers.push(modifier),
            Some(Key::Modifier(_)) => {}
            Some(Key::Other(other)) => others.push(other),
            None => {
                return Err(unclear(format!(
                    "there is no key {:?}; write for example hotkey(keys=\"ctrl+s\"), hotkey(keys=\"enter\") or hotkey(keys=\"f5\")",
                    excerpt(name)
                )));
            }
        }
    }
    let key = match (others.len(), modifiers.last()) {
        (1, _) => others.swap_remove(0),
        // A modifier alone: the key that opens a menu.
        (0, Some(last)) => {
            let name = match last {
                Modifier::Control => "Control",
                Modifier::Shift => "Shift",
                Modifier::Alt => "Alt",
                Modifier::Meta => "Meta",
            };
            modifiers.pop();
            KeyName::new(name).expect("it is a name of the standard")
        }
        (0, None) => return Err(needs_keys()),
        _ => {
            return Err(unclear(
                "a hotkey is one key with modifiers; write keys that follow each other as actions of their own: \
                 hotkey(keys=\"ctrl+k\") and then hotkey(keys=\"ctrl+s\")",
            ));
        }
    };
    modifiers.sort();
    Ok(KeyChord { key: without_shift(key, &modifiers), modifiers })
}

fn needs_keys() -> Unclear {
    unclear("a hotkey needs keys; write for example hotkey(keys=\"ctrl+s\")")
}

/// With a modifier a letter is the key that it stands on: `Ctrl+S` means no Shift.
fn without_shift(key: KeyName, modifiers: &[Modifier]) -> KeyName {
    match key.as_str().chars().next() {
        Some(c) if !modifiers.is_empty() && key.as_str().len() == 1 && c.is_ascii_uppercase() => {
            KeyName::new(c.to_ascii_lowercase()).expect("a letter is a key")
        }
        _ => key,
    }
}

fn key(name: &str) -> Option<Key> {
    let mut letters = name.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        let name = match letter {
            '\n' | '\r' => return named("Enter"),
            '\t' => return named("Tab"),
            '↑' => return named("ArrowUp"),
            '↓' => return named("ArrowDown"),
            '←' => return named("ArrowLeft"),
            '→' => return named("ArrowRight"),
            '⌘' => return Some(Key::Modifier(Modifier::Meta)),
            letter => letter.to_string(),
        };
        return KeyName::new(name).ok().map(Key::Other);
    }
    // `ctrl--` is a chord, and no name.
    if name.starts_with(['-', '+']) || name.ends_with(['-', '+']) {
        return None;
    }
    let plain: String =
        name.trim().chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect();
    let modifier = match plain.as_str() {
        "ctrl" | "control" | "ctrll" | "ctrlr" | "controll" | "controlr" | "ctrlleft" | "ctrlright" | "controlleft" => {
            Some(Modifier::Control)
        }
        "shift" | "shiftl" | "shiftr" | "shiftleft" | "shiftright" => Some(Modifier::Shift),
        "alt" | "altl" | "altr" | "altleft" | "altright" | "option" | "optionleft" | "optionright" => {
            Some(Modifier::Alt)
        }
        "meta" | "metal" | "super" | "superl" | "superr" | "win" | "winleft" | "winright" | "windows" | "cmd"
        | "command" | "lwin" | "os" => Some(Modifier::Meta),
        _ => None,
    };
    if let Some(modifier) = modifier {
        return Some(Key::Modifier(modifier));
    }
    if let Some(name) = standard(&plain) {
        return named(name);
    }
    let number =
        plain.strip_prefix("num").or_else(|| plain.strip_prefix("kp")).or_else(|| plain.strip_prefix("numpad"));
    let digit = number.filter(|digit| digit.len() == 1 && digit.as_bytes()[0].is_ascii_digit());
    let function = plain.strip_prefix('f').and_then(|number| number.parse::<u32>().ok());
    match (digit, function) {
        (Some(digit), _) => named(digit),
        (None, Some(number)) if plain == format!("f{number}") => named(&format!("F{number}")),
        _ => None,
    }
}

/// What the standard calls a key of these small letters.
fn standard(plain: &str) -> Option<&'static str> {
    Some(match plain {
        "enter" | "return" | "kpenter" | "numpadenter" | "\\n" => "Enter",
        "esc" | "escape" => "Escape",
        "tab" | "\\t" => "Tab",
        "space" | "spacebar" => " ",
        "backspace" | "bksp" | "back" => "Backspace",
        "delete" | "del" | "kpdelete" => "Delete",
        "insert" | "ins" => "Insert",
        "up" | "arrowup" | "uparrow" | "kpup" => "ArrowUp",
        "down" | "arrowdown" | "downarrow" | "kpdown" => "ArrowDown",
        "left" | "arrowleft" | "leftarrow" | "kpleft" => "ArrowLeft",
        "right" | "arrowright" | "rightarrow" | "kpright" => "ArrowRight",
        "home" => "Home",
        "end" => "End",
        "pageup" | "pgup" | "prior" => "PageUp",
        "pagedown" | "pgdn" | "pgdown" | "next" => "PageDown",
        "capslock" | "caps" => "CapsLock",
        "numlock" => "NumLock",
        "scrolllock" => "ScrollLock",
        "printscreen" | "print" | "prtsc" | "prtscr" | "prntscrn" => "PrintScreen",
        "pause" => "Pause",
        "menu" | "apps" | "contextmenu" => "ContextMenu",
        "browserback" => "BrowserBack",
        "browserforward" => "BrowserForward",
        "browserrefresh" => "BrowserRefresh",
        "plus" | "add" | "kpadd" => "+",
        "minus" | "hyphen" | "subtract" | "kpsubtract" => "-",
        "equal" | "equals" => "=",
        "comma" => ",",
        "period" | "dot" | "decimal" => ".",
        "slash" | "divide" | "kpdivide" => "/",
        "backslash" => "\\",
        "semicolon" => ";",
        "colon" => ":",
        "apostrophe" | "quote" | "quoteright" => "'",
        "quotedbl" | "doublequote" => "\"",
        "grave" | "backtick" | "backquote" => "`",
        "bracketleft" | "leftbracket" => "[",
        "bracketright" | "rightbracket" => "]",
        "braceleft" => "{",
        "braceright" => "}",
        "underscore" => "_",
        "asterisk" | "multiply" | "kpmultiply" => "*",
        "exclam" => "!",
        "question" => "?",
        "at" => "@",
        "numbersign" => "#",
        "dollar" => "$",
        "percent" => "%",
        "ampersand" => "&",
        _ => return None,
    })
}

fn named(name: &str) -> Option<Key> {
    KeyName::new(name).ok().map(Key::Other)
}

/// A chord as it is printed and taught.
pub(super) fn print(modifiers: &[Modifier], key: &KeyName) -> String {
    let held = modifiers.iter().map(|modifier| match modifier {
        Modifier::Control => "ctrl",
        Modifier::Shift => "shift",
        Modifier::Alt => "alt",
        Modifier::Meta => "super",
    });
    let key = match key.as_str() {
        "Enter" => "enter",
        "Escape" => "esc",
        "Tab" => "tab",
        " " => "space",
        "Backspace" => "backspace",
        "Delete" => "delete",
        "ArrowUp" => "up",
        "ArrowDown" => "down",
        "ArrowLeft" => "left",
        "ArrowRight" => "right",
        "PageUp" => "pageup",
        "PageDown" => "pagedown",
        other => other,
    };
    held.chain([key]).collect::<Vec<_>>().join("+")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_as(text: &str) -> String {
        match of_text(text) {
            Ok(chords) => chords.iter().map(|chord| print(&chord.modifiers, &chord.key)).collect::<Vec<_>>().join(", "),
            Err(unclear) => format!("? {unclear}"),
        }
    }

    #[test]
    fn names_of_all_systems_are_read() {
        for (text, expected) in [
            ("ctrl+s", "ctrl+s"),
            ("Ctrl+S", "ctrl+s"),
            ("ctrl s", "ctrl+s"),
            ("ctrl + s", "ctrl+s"),
            ("ctrl-s", "ctrl+s"),
            ("Control_L+Shift_L+Tab", "ctrl+shift+tab"),
            ("shift ctrl t", "ctrl+shift+t"),
            ("ctrl+Return", "ctrl+enter"),
            ("KP_Enter", "enter"),
            ("Page_Down", "pagedown"),
            ("super", "Meta"),
            ("alt+F4", "alt+F4"),
            ("F12", "F12"),
            ("ctrl++", "ctrl++"),
            ("ctrl+-", "ctrl+-"),
            ("ctrl--", "ctrl+-"),
            ("ctrl+plus", "ctrl++"),
            ("+", "+"),
            (" ", "space"),
            ("A", "A"),
            ("é", "é"),
            ("Down Down Down", "down, down, down"),
            ("ctrl+k ctrl+c", "ctrl+k, ctrl+c"),
            ("alt+shift", "alt+Shift"),
        ] {
            assert_eq!(shown_as(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_told_what_is_one() {
        assert!(shown_as("ctrl+flubber").contains("no key \"flubber\""), "{}", shown_as("ctrl+flubber"));
        assert!(shown_as("hello").contains("no key \"hello\""));
        assert!(shown_as("f99").contains("no key"));
        assert!(shown_as("").contains("needs keys"));
        assert!(shown_as("ctrl+k+s").contains("one key with modifiers"));
        let keys = |keys: &[&str]| of_list(&keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            print(&keys(&["CTRL", "SHIFT", "S"]).unwrap().modifiers, &KeyName::new("s").unwrap()),
            "ctrl+shift+s"
        );
        assert_eq!(keys(&["ctrl+s"]).unwrap(), keys(&["ctrl", "s"]).unwrap());
        assert!(keys(&["a", "b"]).is_err());
    }

    #[test]
    fn what_is_printed_is_read_as_the_same() {
        for key in [
            "Enter",
            "Escape",
            " ",
            "+",
            "-",
            "a",
            "Z",
            "é",
            "F5",
            "ArrowUp",
            "CapsLock",
            "ContextMenu",
            "Home",
            "\\",
            "\"",
        ] {
            let key = KeyName::new(key).unwrap();
            for modifiers in [
                vec![],
                vec![Modifier::Control],
                vec![Modifier::Control, Modifier::Shift, Modifier::Alt, Modifier::Meta],
            ] {
                if !modifiers.is_empty() && key.as_str() == "Z" {
                    continue; // It is never made.
                }
                let chord = KeyChord { modifiers, key: key.clone() };
                assert_eq!(of_text(&print(&chord.modifiers, &key)), Ok(vec![chord]));
            }
        }
    }
}
