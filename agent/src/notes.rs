//! What the model keeps for the end of the run.

use tapwright_contract::device::{Front, Label};

use crate::limits::clip;

/// Notes, the oldest first, and how much they may hold together.
#[derive(Debug)]
pub(crate) struct Notes {
    kept: Vec<String>,
    bytes_left: usize,
}

impl Notes {
    pub(crate) fn new(bytes_max: usize) -> Notes {
        Notes { kept: Vec::new(), bytes_left: bytes_max }
    }

    /// Keeps as much as there is room for; false if that is not all.
    pub(crate) fn keep(&mut self, note: &str) -> bool {
        let fits = clip(note, self.bytes_left);
        self.bytes_left -= fits.len();
        if !fits.is_empty() {
            self.kept.push(fits.to_owned());
        }
        fits.len() == note.len()
    }

    /// All of them, in one line for the model.
    pub(crate) fn in_one_line(&self) -> String {
        if self.kept.is_empty() {
            return "nothing has been noted yet".to_owned();
        }
        let notes: Vec<_> = self.kept.iter().enumerate().map(|(n, note)| format!("{}. {note}", n + 1)).collect();
        format!("your notes: {}", notes.join(" "))
    }

    /// As much of them as fits, or nothing if there are none; the latest ones first to stay.
    pub(crate) fn brief(&self, bytes_max: usize) -> String {
        let mut brief = String::new();
        for (n, note) in self.kept.iter().enumerate().rev() {
            let note = format!("{}. {} ", n + 1, clip(note, bytes_max / 4));
            if brief.len() + note.len() > bytes_max {
                break;
            }
            brief.insert_str(0, &note);
        }
        brief.trim_end().to_owned()
    }

    pub(crate) fn all(&self) -> &[String] {
        &self.kept
    }
}

/// What is written on a page, in one line for a note.
pub(crate) fn page(front: &Front, labels: &[Label]) -> String {
    let mut texts: Vec<&str> = Vec::new();
    for label in labels {
        let text = label.text.trim();
        if !text.is_empty() && !label.secret && texts.last() != Some(&text) {
            texts.push(text);
        }
    }
    if texts.is_empty() {
        return String::new();
    }
    let app = if front.label.is_empty() { &front.id } else { &front.label };
    format!("{app}: {}", texts.join(" | ")).replace(['\n', '\r'], " ")
}
