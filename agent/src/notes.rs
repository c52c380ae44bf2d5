//! What the model keeps for the end of the run.

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
    pub(crate) fn told(&self) -> String {
        if self.kept.is_empty() {
            return "nothing has been noted yet".to_owned();
        }
        let notes: Vec<_> = self.kept.iter().enumerate().map(|(n, note)| format!("{}. {note}", n + 1)).collect();
        format!("your notes: {}", notes.join(" "))
    }

    pub(crate) fn all(&self) -> &[String] {
        &self.kept
    }
}
