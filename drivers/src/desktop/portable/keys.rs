//! Keys by the names of the standard, as enigo has them.

use enigo::Key;
use tapwright_contract::gesture::{KeyName, Modifier};

/// A key, if this system has it.
pub(super) fn of_name(name: &KeyName) -> Option<Key> {
    let name = name.as_str();
    let mut letters = name.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return Some(if letter == ' ' { Key::Space } else { Key::Unicode(letter) });
    }
    Some(match name {
        "Alt" => Key::Alt,
        "ArrowDown" => Key::DownArrow,
        "ArrowLeft" => Key::LeftArrow,
        "ArrowRight" => Key::RightArrow,
        "ArrowUp" => Key::UpArrow,
        "Backspace" => Key::Backspace,
        "CapsLock" => Key::CapsLock,
        "Control" => Key::Control,
        "Delete" => Key::Delete,
        "End" => Key::End,
        "Enter" => Key::Return,
        "Escape" => Key::Escape,
        "F1" => Key::F1,
        "F2" => Key::F2,
        "F3" => Key::F3,
        "F4" => Key::F4,
        "F5" => Key::F5,
        "F6" => Key::F6,
        "F7" => Key::F7,
        "F8" => Key::F8,
        "F9" => Key::F9,
        "F10" => Key::F10,
        "F11" => Key::F11,
        "F12" => Key::F12,
        "Home" => Key::Home,
        #[cfg(not(target_os = "macos"))]
        "Insert" => Key::Insert,
        "Meta" => Key::Meta,
        "PageDown" => Key::PageDown,
        "PageUp" => Key::PageUp,
        "Shift" => Key::Shift,
        "Tab" => Key::Tab,
        // The rest is not on every system, and under other names.
        _ => return None,
    })
}

pub(super) fn of_modifier(modifier: Modifier) -> Key {
    match modifier {
        Modifier::Control => Key::Control,
        Modifier::Shift => Key::Shift,
        Modifier::Alt => Key::Alt,
        Modifier::Meta => Key::Meta,
    }
}
