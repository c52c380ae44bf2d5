//! Notes: a list and an editor.

use super::{Act, Dialog, FieldId, Page};
use crate::apps::messages::Draft;
use crate::content::NOTES;
use crate::dice::Dice;
use crate::icon::Icon;
use crate::ui::{End, Field, Lead, ROW, Row, Style, Ui};

/// All notes, the latest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notes {
    pub list: Vec<String>,
}

impl Notes {
    /// Draws notes.
    pub fn new(dice: &mut Dice) -> Notes {
        let mut list: Vec<String> = NOTES.iter().map(|note| note.to_string()).collect();
        dice.shuffle(&mut list);
        list.truncate(2 + dice.below(6));
        Notes { list }
    }

    /// Draws a page.
    pub fn view(&self, page: &Page, draft: Draft<'_>, ui: &mut Ui, first: usize, bottom: f32) {
        match page {
            Page::Note(which) => view_note(*which, draft, ui, bottom),
            _ => self.view_list(ui, first, bottom),
        }
    }

    fn view_list(&self, ui: &mut Ui, first: usize, bottom: f32) {
        ui.title_bar("Notes", false, &[(Icon::Plus, "New note", Act::Open(Page::Note(None)))]);
        if self.list.is_empty() {
            let faint = ui.theme.faint;
            ui.label("empty", "No notes yet", (36.0, 2.5 * ROW), 460.0, Style::new(30.0, faint));
        }
        ui.rows(self.list.len(), first, 2.0 * ROW, bottom, |ui, i, y| {
            let title = self.list[i].lines().next().unwrap_or("");
            ui.row(
                y,
                Row {
                    id: "note",
                    lead: Lead::Icon(Icon::Page, 0xE08A00),
                    title,
                    second: "",
                    end: End::None,
                    tap: Some(Act::Open(Page::Note(Some(i)))),
                    size: 34.0,
                },
            );
        });
    }
}

fn view_note(which: Option<usize>, draft: Draft<'_>, ui: &mut Ui, bottom: f32) {
    let save = (Icon::Check, "Save", Act::SaveNote);
    match which {
        Some(i) => ui.title_bar("Edit note", true, &[(Icon::Bin, "Delete", Act::Ask(Dialog::Note(i))), save]),
        None => ui.title_bar("New note", true, &[save]),
    }
    ui.field(Field {
        id: "body",
        hint: "Write a note",
        text: draft.text,
        focused: draft.focused,
        left: 18.0,
        top: 2.0 * ROW + 10.0,
        width: 504.0,
        height: (bottom - 2.0 * ROW - 20.0).min(4.0 * ROW),
        tap: Act::Focus(FieldId::Note),
    });
}
