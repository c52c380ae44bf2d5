//! Windows of a desktop as they are told, however they are learnt, and which one a name stands for.

use serde_json::{Value, json};
use tapwright_contract::device::DriverErrorKind;

use crate::refused;

/// No title is longer, in characters; titles are anybody's words.
const TITLE_MAX: usize = 200;
/// By what terminals call their windows: there Control and A selects nothing.
pub(crate) const TERMINALS: [&str; 22] = [
    "alacritty",
    "foot",
    "gnome-terminal",
    "gnome-terminal-server",
    "guake",
    "kitty",
    "konsole",
    "lxterminal",
    "mate-terminal",
    "org.gnome.ptyxis",
    "org.wezfurlong.wezterm",
    "qterminal",
    "rxvt",
    "st",
    "st-256color",
    "terminator",
    "terminology",
    "tilix",
    "urxvt",
    "uxterm",
    "xfce4-terminal",
    "xterm",
];

/// Whether windows of this class are a terminal's.
pub(crate) fn is_terminal(class: Option<&str>) -> bool {
    class.is_some_and(|class| TERMINALS.contains(&&*class.to_lowercase()))
}

/// Whose a window is, as far as that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WindowOwner {
    /// What the app calls its windows: `UXTerm`.
    pub class: String,
    /// What it calls this one: `xterm`.
    pub instance: String,
    /// The name of the file that its process runs, if it runs on this machine: `xterm`.
    pub program: Option<String>,
}

/// A window that an app has opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppWindow {
    pub id: u32,
    /// The app's own words.
    pub title: String,
    /// By what the app calls its windows: `Mousepad`.
    pub class: String,
    /// Where its content is on the X screen: left, top, width, height.
    pub area: [i32; 4],
    pub is_active: bool,
    pub is_hidden: bool,
}

impl AppWindow {
    /// As a model is told of it.
    pub fn to_json(&self) -> Value {
        let [x, y, width, height] = self.area;
        json!({
            "window": format!("{:#x}", self.id), "title": self.title, "app": self.class,
            "x": x, "y": y, "width": width, "height": height,
            "in_front": self.is_active, "minimized": self.is_hidden,
        })
    }
}

/// The window of a number or of a whole title.
pub(crate) fn find_window(windows: &[AppWindow], name: &str) -> Result<u32, DriverErrorKind> {
    let number =
        name.strip_prefix("0x").and_then(|hex| u32::from_str_radix(hex, 16).ok()).or_else(|| name.parse().ok());
    let mut found = windows.iter().filter(|window| number == Some(window.id));
    if let Some(window) = found.next() {
        return Ok(window.id);
    }
    let titled: Vec<&AppWindow> = windows.iter().filter(|window| window.title == name).collect();
    match titled[..] {
        [window] => Ok(window.id),
        [] => {
            let titles: Vec<String> = windows.iter().map(|window| format!("{:?}", window.title)).collect();
            let there = if titles.is_empty() { "none".to_owned() } else { titles.join(", ") };
            Err(refused(format!("no window has the title or the number {name:?}; there are: {there}")))
        }
        _ => {
            let numbers: Vec<String> = titled.iter().map(|window| format!("{:#x}", window.id)).collect();
            Err(refused(format!(
                "several windows have the title {name:?}; say one by its number: {}",
                numbers.join(", ")
            )))
        }
    }
}

/// Somebody's words, on one line and not too long.
pub(crate) fn one_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(TITLE_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_meant_by_its_number_or_its_whole_title() {
        let window = |id, title: &str| AppWindow {
            id,
            title: title.to_owned(),
            class: "A".to_owned(),
            area: [0; 4],
            is_active: false,
            is_hidden: false,
        };
        let windows = [window(0x1a, "Mail"), window(27, "Notes"), window(28, "Notes"), window(29, "0x1a")];
        assert_eq!(find_window(&windows, "0x1a").unwrap(), 0x1a, "a title that looks like a number is none");
        assert_eq!(find_window(&windows, "28").unwrap(), 28);
        assert_eq!(find_window(&windows, "Mail").unwrap(), 0x1a);
        assert!(find_window(&windows, "Notes").unwrap_err().to_string().contains("0x1b, 0x1c"));
        assert!(find_window(&windows, "Mai").unwrap_err().to_string().contains("\"Mail\", \"Notes\""));
        assert!(find_window(&[], "").unwrap_err().to_string().contains("none"));
    }

    #[test]
    fn a_title_is_one_line_of_bounded_length() {
        assert_eq!(one_line("a\nb\0\u{1b}[31m".as_bytes()), "a b  [31m");
        assert_eq!(one_line("界".repeat(1000).as_bytes()).chars().count(), TITLE_MAX);
        assert_eq!(one_line(&[0xff, b'a']), "\u{fffd}a");
    }
}
