//! Notes: a list and an editor.

use serde_json::{Value, json};

use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Effect, FieldId, MenuItem, Page, Question, send};
use crate::content;
use crate::dice::Dice;
use crate::functions::{AppFunction, Arguments, FunctionError, Parameter, Returns, ValueType, invalid};
use crate::icon::Icon;
use crate::locale::{COPY, DELETE, DISCARD, Language, Phrase, SAVE, SHARE, WILL_BE_LOST, phrase};
use crate::providers::Providers;
use crate::ui::{Lead, ROW, Row, Style, TextField, Ui};

const NOTES: Phrase = phrase("Notes", "便签");
const NEW_NOTE: Phrase = phrase("New note", "新建便签");
const EDIT_NOTE: Phrase = phrase("Edit note", "编辑便签");
const NO_NOTES: Phrase = phrase("No notes yet", "还没有便签");
const WRITE_A_NOTE: Phrase = phrase("Write a note", "写便签");
const DELETE_NOTE: Phrase = phrase("Delete note", "删除便签");
const WILL_BE_REMOVED: Phrase = phrase("The note will be removed.", "此便签将被删除。");
const DISCARD_NOTE: Phrase = phrase("Discard note?", "舍弃便签？");
const DISCARD_CHANGES: Phrase = phrase("Discard changes?", "舍弃更改？");

/// All notes, the latest first.
#[derive(Clone, Debug)]
pub struct Notes {
    list: Vec<String>,
    /// Text that other apps have shared, each the beginning of a new note of its own.
    received: Vec<String>,
}

const WHICH: Parameter = Parameter::required("text", ValueType::Text, "The whole note, word for word");
const FUNCTIONS: &[AppFunction] = &[
    AppFunction {
        name: "listNotes",
        about: "Lists all notes, the latest first",
        parameters: &[],
        returns: Returns::Texts,
        reads: true,
    },
    AppFunction {
        name: "createNote",
        about: "Writes a new note",
        parameters: &[Parameter::required("text", ValueType::Text, "What the note says")],
        returns: Returns::Text,
        reads: false,
    },
    AppFunction {
        name: "deleteNote",
        about: "Deletes a note for good",
        parameters: &[WHICH],
        returns: Returns::Text,
        reads: false,
    },
];

#[derive(Clone, Debug)]
pub enum Message {
    Hold(usize),
    AskToDelete(usize),
    Delete(usize),
    Save,
    Discard,
}

/// The page on which a note is written: one of the list, or a new one.
fn editor(which: Option<usize>) -> Page {
    which.map_or(Page::new("note"), |at| Page::of("note", at))
}

/// The page on which text that was shared becomes a note.
const RECEIVED: &str = "received ";

/// What is written on a page; each has a draft of its own.
fn body(page: &Page) -> FieldId {
    FieldId::of("body", &page.about)
}

impl Notes {
    /// Draws notes.
    pub fn new(dice: &mut Dice, language: Language) -> Notes {
        let mut list: Vec<String> = content::notes(language).iter().map(|note| note.to_string()).collect();
        dice.shuffle(&mut list);
        list.truncate(2 + dice.below(6));
        Notes { list, received: Vec::new() }
    }

    fn save(&mut self, context: &Context<'_>) -> Vec<Effect> {
        let text = context.trimmed(&body(context.page));
        if text.is_empty() {
            return Vec::new();
        }
        if let Some(at) = context.page.number().filter(|at| *at < self.list.len()) {
            self.list.remove(at);
        }
        self.list.insert(0, text.to_string());
        leave_editor(context.page)
    }

    fn hold(&self, at: usize, language: Language) -> Vec<Effect> {
        let Some(note) = self.list.get(at) else { return Vec::new() };
        let items = [
            (COPY, Effect::Copy(note.clone()).into()),
            (SHARE, Effect::Share(note.clone()).into()),
            (DELETE, send(Message::AskToDelete(at))),
        ];
        vec![Effect::Menu(items.map(|(label, command)| MenuItem { label: language.say(label), command }).to_vec())]
    }

    fn view_list(&self, ui: &mut Ui) {
        let title = ui.say(NOTES);
        ui.title_bar(title, false, &[(Icon::Plus, NEW_NOTE, Effect::Open(editor(None)).into())]);
        if self.list.is_empty() {
            let (faint, text) = (ui.theme.faint, ui.say(NO_NOTES));
            ui.label("empty", text, (36.0, 2.5 * ROW), 460.0, Style::new(30.0, faint));
        }
        ui.list(self.list.len(), 2.0 * ROW, |ui, i, y| {
            ui.row(
                y,
                Row {
                    id: "note",
                    lead: Lead::Icon(Icon::Page, 0xE08A00),
                    title: self.list[i].lines().next().unwrap_or(""),
                    tap: Some(Effect::Open(editor(Some(i))).into()),
                    hold: Some(send(Message::Hold(i))),
                    ..Row::default()
                },
            );
        });
    }
}

/// Leaves the editor with nothing in it.
fn leave_editor(page: &Page) -> Vec<Effect> {
    vec![Effect::Write(body(page), String::new()), Effect::Close]
}

fn view_editor(context: &Context<'_>, ui: &mut Ui) {
    let save = (Icon::Check, SAVE, send(Message::Save));
    match context.page.number() {
        Some(at) => {
            let title = ui.say(EDIT_NOTE);
            ui.title_bar(title, true, &[(Icon::Bin, DELETE, send(Message::AskToDelete(at))), save]);
        }
        None => {
            let title = ui.say(NEW_NOTE);
            ui.title_bar(title, true, &[save]);
        }
    }
    ui.field(TextField {
        id: "body",
        hint: WRITE_A_NOTE,
        state: context.field(&body(context.page)),
        field: body(context.page),
        left: 18.0,
        top: 2.0 * ROW + 10.0,
        width: 504.0,
        height: (ui.bottom - 2.0 * ROW - 20.0).min(4.0 * ROW),
    });
}

impl App for Notes {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.android.notes",
            activity: ".NotesList",
            label: NOTES,
            icon: Icon::Page,
            color: 0xE08A00,
        }
    }

    fn view(&self, page: &Page, context: &Context<'_>, _: &Providers, ui: &mut Ui) {
        if page.is("note") { view_editor(context, ui) } else { self.view_list(ui) }
    }

    fn update(&mut self, message: Message, context: &Context<'_>, _: &mut Providers) -> Vec<Effect> {
        match message {
            Message::Hold(at) => self.hold(at, context.language),
            Message::AskToDelete(at) => vec![Effect::ask(Question {
                title: context.language.say(DELETE_NOTE).into(),
                text: context.language.say(WILL_BE_REMOVED).into(),
                yes: context.language.say(DELETE),
                then: send(Message::Delete(at)),
            })],
            Message::Delete(at) => {
                if at < self.list.len() {
                    self.list.remove(at);
                }
                if context.page.is("note") { leave_editor(context.page) } else { Vec::new() }
            }
            Message::Save => self.save(context),
            Message::Discard => leave_editor(context.page),
        }
    }

    /// A note is there to be written, so its field has the focus at once.
    fn on_open(&mut self, page: &Page, _: &Providers) -> Vec<Effect> {
        if !page.is("note") {
            return Vec::new();
        }
        let saved = page.number().and_then(|at| self.list.get(at));
        let received = page.about.strip_prefix(RECEIVED).and_then(|at| self.received.get(at.parse::<usize>().ok()?));
        let text = saved.or(received).cloned().unwrap_or_default();
        vec![Effect::Write(body(page), text), Effect::Focus(body(page))]
    }

    fn unsaved_question(&self, context: &Context<'_>, _: &Providers) -> Option<Question> {
        let at = context.page.number();
        let saved = at.and_then(|at| self.list.get(at)).map_or("", String::as_str);
        (context.page.is("note") && context.trimmed(&body(context.page)) != saved.trim()).then(|| Question {
            title: context.language.say(if at.is_some() { DISCARD_CHANGES } else { DISCARD_NOTE }).into(),
            text: context.language.say(WILL_BE_LOST).into(),
            yes: context.language.say(DISCARD),
            then: send(Message::Discard),
        })
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn receive(&mut self, text: &str) -> Vec<Effect> {
        self.received.push(text.to_owned());
        vec![Effect::Open(Page::of("note", format!("{RECEIVED}{}", self.received.len() - 1)))]
    }

    fn functions(&self) -> &'static [AppFunction] {
        FUNCTIONS
    }

    fn execute(
        &mut self,
        function: &str,
        arguments: &Arguments,
        _: &Context<'_>,
        _: &mut Providers,
    ) -> Result<Value, FunctionError> {
        let text = arguments.text("text");
        match function {
            "listNotes" => return Ok(json!(self.list)),
            _ if text.is_empty() => return Err(invalid("`text` is empty")),
            "createNote" => self.list.insert(0, text.to_owned()),
            "deleteNote" => {
                let at = self.list.iter().position(|note| note.trim() == text);
                self.list.remove(at.ok_or_else(|| invalid("there is no such note; listNotes tells them"))?);
            }
            _ => return Err(FunctionError::NotFound(function.to_owned())),
        }
        Ok(json!(text))
    }

    fn facts(&self, _: &Providers, facts: &mut Facts) {
        facts.insert("notes.count".into(), self.list.len().to_string());
        for (i, note) in self.list.iter().rev().enumerate() {
            facts.insert(format!("notes.{i}"), note.clone());
        }
    }

    /// `notes.N` changes a note, or adds one if it is the next number; `notes.count` leaves only as many of the oldest.
    fn set_fact(&mut self, name: &[&str], value: &str, _: &mut Providers) -> Option<Result<(), String>> {
        let ["notes", which] = name else { return None };
        let count = self.list.len();
        if *which == "count" {
            let Some(left) = value.parse::<usize>().ok().filter(|left| *left <= count) else {
                return Some(Err(format!("there are {count} notes, and only fewer can be made")));
            };
            self.list.drain(..count - left);
            return Some(Ok(()));
        }
        // Facts count from the oldest, the list from the latest.
        match which.parse::<usize>() {
            Ok(at) if at < count => self.list[count - 1 - at] = value.to_owned(),
            Ok(at) if at == count => self.list.insert(0, value.to_owned()),
            _ => return Some(Err(format!("the next note is `notes.{count}`"))),
        }
        Some(Ok(()))
    }
}
