//! The text in fields, which of them has the focus, and what was copied.

use std::collections::BTreeMap;

use crate::command::{Edit, FieldId};
use crate::ui::FieldState;

/// A field takes no more characters than this: typing for ever must not eat the machine.
const CHARACTERS_MAX: usize = 10_000;

/// The place of an app among the installed ones, and a field of it.
type Key = (usize, FieldId);

/// All fields of all apps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    texts: BTreeMap<Key, String>,
    focus: Option<Key>,
    /// Whether all of the text in the field with the focus is selected.
    selected: bool,
    clipboard: String,
    /// Whether judges are told of the clipboard. What is copied on the way is no change that anybody would notice, so that it
    /// counts only where somebody has said what was on it.
    pub is_clipboard_told: bool,
}

impl Fields {
    /// What stands in a field.
    pub fn state(&self, app: usize, field: &FieldId) -> FieldState<'_> {
        let key = (app, field.clone());
        let focused = self.focus.as_ref() == Some(&key);
        let text = self.texts.get(&key).map_or("", String::as_str);
        FieldState { text, focused, selected: focused && self.selected }
    }

    /// The field with the focus.
    pub fn focus(&self) -> Option<&(usize, FieldId)> {
        self.focus.as_ref()
    }

    /// Gives the focus to a field, or to none.
    pub fn set_focus(&mut self, field: Option<(usize, FieldId)>) {
        self.focus = field;
        self.selected = false;
    }

    /// What stands in the field with the focus.
    pub fn focused_text(&self) -> Option<&str> {
        self.focus.as_ref().map(|key| self.texts.get(key).map_or("", String::as_str))
    }

    /// What was copied or cut.
    pub fn clipboard(&self) -> &str {
        &self.clipboard
    }

    /// Puts text on the clipboard.
    pub fn copy(&mut self, text: &str) {
        self.clipboard = text.to_owned();
    }

    /// Puts text into a field in place of what is in it.
    pub fn write(&mut self, app: usize, field: FieldId, text: &str) {
        if text.is_empty() {
            self.texts.remove(&(app, field));
        } else {
            self.texts.insert((app, field), text.chars().take(CHARACTERS_MAX).collect());
        }
    }

    /// Adds text at the end of the field with the focus, or in place of what is selected.
    pub fn insert(&mut self, text: &str) {
        let Some(key) = self.focus.clone() else { return };
        let written = self.texts.entry(key).or_default();
        if std::mem::take(&mut self.selected) {
            written.clear();
        }
        let room = CHARACTERS_MAX.saturating_sub(written.chars().count());
        written.extend(text.chars().take(room));
    }

    /// Takes the last character from the field with the focus, or what is selected.
    pub fn erase(&mut self) {
        if let Some(written) = self.focus.as_ref().and_then(|key| self.texts.get_mut(key)) {
            if std::mem::take(&mut self.selected) {
                written.clear();
            } else {
                written.pop();
            }
        }
    }

    /// Empties the field with the focus.
    pub fn clear(&mut self) {
        self.selected = false;
        if let Some(key) = &self.focus {
            self.texts.remove(key);
        }
    }

    /// Empties all fields of an app.
    pub fn forget(&mut self, app: usize) {
        self.texts.retain(|(other, _), _| *other != app);
        if self.focus.as_ref().is_some_and(|(other, _)| *other == app) {
            self.set_focus(None);
        }
    }

    /// Cuts, copies, pastes or selects in the field with the focus.
    pub fn edit(&mut self, edit: Edit) {
        let Some(text) = self.focused_text().map(str::to_owned) else { return };
        match edit {
            Edit::SelectAll => self.selected = !text.is_empty(),
            Edit::Copy if self.selected => self.clipboard = text,
            Edit::Cut if self.selected => {
                self.clipboard = text;
                self.clear();
            }
            // Where nothing is selected there is nothing to cut or copy.
            Edit::Copy | Edit::Cut => {}
            Edit::Paste => {
                let copied = self.clipboard.clone();
                self.insert(&copied);
            }
        }
    }
}
