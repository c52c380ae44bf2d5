//! The pages of the files.

use super::{
    COPY_TO, DETAILS, FILES, FilesApp, MOVE, Message, NAME_FIELD, NEW_DOCUMENT, NEW_FOLDER, RENAME, SEARCH_FIELD,
    Sorting, TEXT_FIELD, open, shared_text,
};
use crate::app::Context;
use crate::apps::common::{NOTHING_FOUND, SEARCH, ago, matches};
use crate::apps::payment::DANGER;
use crate::command::{Command, Effect, FieldId, Page, send};
use crate::icon::Icon;
use crate::locale::{DELETE, Phrase, SAVE, SHARE, phrase};
use crate::providers::files::{FileContent, Files, StoredFile};
use crate::ui::{EDGE, End, Lead, MEASURE, ROW, Row, Style, TextField, Ui};

const BROWSE: Phrase = phrase("Folders", "文件夹");
const RECENT: Phrase = phrase("Recent", "最近");
const BIN: Phrase = phrase("Bin", "回收站");
const EMPTY_THE_BIN: Phrase = phrase("Empty bin", "清空回收站");
const NEW: Phrase = phrase("New", "新建");
const COUNT: Phrase = phrase("Files: {}", "文件：{}");
const NO_FILES: Phrase = phrase("No files here", "这里没有文件");
const EMPTY_BIN: Phrase = phrase("The bin is empty", "回收站是空的");
const CANNOT_OPEN: Phrase = phrase("No app can open this file", "没有可以打开此文件的应用");
const SEARCH_FILES: Phrase = phrase("Search files", "搜索文件");
const NAME: Phrase = phrase("Name", "名称");
const WRITE: Phrase = phrase("Write here", "在此输入");
const BY_NAME: Phrase = phrase("By name", "按名称");
const NEWEST: Phrase = phrase("Newest", "最新");
const LARGEST: Phrase = phrase("Largest", "最大");
const FULL: Phrase = phrase("Storage is full", "存储已满");
const SIZE: Phrase = phrase("Size", "大小");
const FOLDER: Phrase = phrase("Folder", "文件夹");
const CHANGED: Phrase = phrase("Changed", "修改时间");
const SOUND: Phrase = phrase("Sound, {}", "声音，{}");
/// So many of the latest files are shown together.
const RECENT_MAX: usize = 20;
const BLUE: u32 = 0x3B82F6;

/// Draws a page.
pub fn page(app: &FilesApp, page: &Page, context: &Context<'_>, files: &Files, ui: &mut Ui) {
    match page.name {
        "folder" => folder(app, &page.about, context, files, ui),
        "recent" => recent(context, files, ui),
        "bin" => bin(context, files, ui),
        "search" => search(context, files, ui),
        "file" => file(page, context, files, ui),
        "details" => details(page, context, files, ui),
        "move" | "copy" => choose(page, files, ui),
        "rename" | "new-folder" | "new" => draw_editor(page, context, ui),
        _ => main(files, ui),
    }
}

fn bottom_bar(ui: &mut Ui, on: &str) {
    ui.bottom_bar(&[
        (Icon::Folder, BROWSE, on == "main", open(Page::new("main"))),
        (Icon::Clock, RECENT, on == "recent", open(Page::new("recent"))),
        (Icon::Bin, BIN, on == "bin", open(Page::new("bin"))),
    ]);
}

/// The icon of a kind of file, and the colour of its square.
fn look(file: &StoredFile) -> Lead<'static> {
    match file.content {
        FileContent::Text(_) => Lead::Icon(Icon::Page, 0x16A34A),
        FileContent::Photo(..) => Lead::Icon(Icon::Photo, 0xE0567A),
        FileContent::Sound(_) => Lead::Icon(Icon::Note, 0x7C5CFC),
        FileContent::Archive => Lead::Icon(Icon::Box, 0xB45309),
    }
}

fn main(files: &Files, ui: &mut Ui) {
    let title = ui.say(FILES);
    let bar = [(Icon::Search, SEARCH, open(Page::new("search"))), (Icon::Plus, NEW, send(Message::Plus))];
    ui.title_bar(title, false, &bar);
    bottom_bar(ui, "main");
    let mut top = 2.0 * ROW;
    if files.is_full {
        let text = ui.say(FULL);
        ui.label("full", text, (EDGE, top + 24.0), MEASURE, Style::new(26.0, DANGER));
        top += 50.0;
    }
    ui.list(files.folders.len(), top, |ui, i, y| {
        let folder = &files.folders[i];
        let second = ui.say_with(COUNT, &files.in_folder(folder).len().to_string());
        let row = Row {
            id: "folder",
            lead: Lead::Icon(Icon::Folder, BLUE),
            title: folder,
            second: &second,
            end: End::Chevron,
            tap: Some(open(Page::of("folder", folder))),
            hold: Some(send(Message::HoldFolder(folder.clone()))),
            ..Row::default()
        };
        ui.row(y, row);
    });
}

/// How large a file is and how long ago it was changed.
fn about(file: &StoredFile, context: &Context<'_>) -> String {
    let when = (context.elapsed() as i32 - file.minute).max(0) as u32;
    format!("{} · {}", file.size(), ago(when, context.language))
}

fn row(file: &StoredFile, context: &Context<'_>, tap: Command, hold: Command, y: f32, ui: &mut Ui) {
    let (lead, second) = (look(file), about(file, context));
    let (tap, hold) = (Some(tap), Some(hold));
    ui.row(y, Row { id: "file", lead, title: &file.name, second: &second, tap, hold, size: 30.0, ..Row::default() });
}

fn rows(shown: &[&StoredFile], context: &Context<'_>, y: f32, i: usize, ui: &mut Ui) {
    let file = shown[i];
    row(file, context, open(Page::of("file", file.id)), send(Message::Hold(file.id)), y, ui);
}

fn folder(app: &FilesApp, name: &str, context: &Context<'_>, files: &Files, ui: &mut Ui) {
    ui.title_bar(name, true, &[(Icon::Plus, NEW, send(Message::Plus))]);
    let mut shown = files.in_folder(name);
    if shown.is_empty() {
        let text = ui.say(NO_FILES);
        return ui.notice(Icon::Folder, text, None);
    }
    match app.sorting {
        Sorting::Name => {}
        Sorting::Newest => shown.sort_by_key(|file| std::cmp::Reverse(file.minute)),
        Sorting::Largest => shown.sort_by_key(|file| std::cmp::Reverse(file.kilobytes)),
    }
    let chip = |of: Sorting| (app.sorting == of, send(Message::Sort(of)));
    ui.scroll(2.0 * ROW, |ui, column| {
        let chips =
            [(BY_NAME, chip(Sorting::Name)), (NEWEST, chip(Sorting::Newest)), (LARGEST, chip(Sorting::Largest))]
                .map(|(label, (on, tap))| (ui.say(label), on, tap));
        column.chips(ui, &chips);
        column.gap(6.0);
        column.rows(ui, shown.len(), |ui, i, y| rows(&shown, context, y, i, ui));
    });
}

fn recent(context: &Context<'_>, files: &Files, ui: &mut Ui) {
    let title = ui.say(RECENT);
    ui.title_bar(title, false, &[(Icon::Search, SEARCH, open(Page::new("search")))]);
    bottom_bar(ui, "recent");
    let mut shown: Vec<&StoredFile> = files.list.iter().filter(|file| !file.is_in_bin).collect();
    shown.sort_by_key(|file| (std::cmp::Reverse(file.minute), file.id));
    shown.truncate(RECENT_MAX);
    ui.list(shown.len(), 2.0 * ROW, |ui, i, y| rows(&shown, context, y, i, ui));
}

fn bin(context: &Context<'_>, files: &Files, ui: &mut Ui) {
    let title = ui.say(BIN);
    let shown = files.bin();
    let empty = [(Icon::Bin, EMPTY_THE_BIN, send(Message::AskToEmpty))];
    ui.title_bar(title, false, if shown.is_empty() { &[] } else { &empty });
    bottom_bar(ui, "bin");
    if shown.is_empty() {
        let text = ui.say(EMPTY_BIN);
        return ui.notice(Icon::Bin, text, None);
    }
    ui.list(shown.len(), 2.0 * ROW, |ui, i, y| {
        let (id, hold) = (shown[i].id, send(Message::HoldInBin(shown[i].id)));
        row(shown[i], context, send(Message::HoldInBin(id)), hold, y, ui);
    });
}

fn search(context: &Context<'_>, files: &Files, ui: &mut Ui) {
    ui.search_bar(true, SEARCH_FILES, SEARCH_FIELD, context.field(&SEARCH_FIELD));
    let query = context.trimmed(&SEARCH_FIELD);
    let is_meant = |file: &&StoredFile| {
        let is_said = matches!(&file.content, FileContent::Text(text) if !query.is_empty() && matches(text, query));
        !file.is_in_bin && (matches(&file.name, query) || is_said)
    };
    let mut shown: Vec<&StoredFile> = files.list.iter().filter(is_meant).collect();
    shown.sort_by(|one, two| one.name.cmp(&two.name));
    if shown.is_empty() {
        let (text, faint) = (ui.say(NOTHING_FOUND), ui.theme.faint);
        ui.label("empty", text, (36.0, 2.6 * ROW), 460.0, Style::new(30.0, faint));
    }
    ui.list(shown.len(), 2.0 * ROW + 8.0, |ui, i, y| rows(&shown, context, y, i, ui));
}

/// What is in a file.
fn file(page: &Page, context: &Context<'_>, files: &Files, ui: &mut Ui) {
    let Some(file) = page.number().and_then(|id| files.get(id)) else { return };
    let bar = [
        (Icon::Share, SHARE, Effect::Share(shared_text(file)).into()),
        (Icon::Bin, DELETE, send(Message::Delete(file.id))),
    ];
    ui.title_bar(&file.name, true, &bar);
    ui.bottom_bar(&[
        (Icon::Pencil, RENAME, false, open(Page::of("rename", file.id))),
        (Icon::Folder, MOVE, false, open(Page::of("move", file.id))),
        (Icon::Page, COPY_TO, false, open(Page::of("copy", file.id))),
        (Icon::Info, DETAILS, false, open(Page::of("details", file.id))),
    ]);
    let (ink, faint) = (ui.theme.ink, ui.theme.faint);
    ui.scroll(2.0 * ROW, |ui, column| {
        let text = match &file.content {
            FileContent::Photo(picture, place) => {
                column.item(ui, 384.0, |ui, top| {
                    ui.picture((EDGE, top + 6.0, MEASURE, 363.0), *picture, 20.0, file.title());
                });
                place.clone()
            }
            FileContent::Text(text) => text.clone(),
            FileContent::Sound(seconds) => ui.say_with(SOUND, &format!("{}:{:02}", seconds / 60, seconds % 60)),
            FileContent::Archive => ui.say(CANNOT_OPEN).to_owned(),
        };
        column.paragraph(ui, "text", &text, Style::new(30.0, ink));
        column.gap(10.0);
        column.paragraph(ui, "about", &about(file, context), Style::new(24.0, faint));
    });
}

fn details(page: &Page, context: &Context<'_>, files: &Files, ui: &mut Ui) {
    let Some(file) = page.number().and_then(|id| files.get(id)) else { return };
    let title = ui.say(DETAILS);
    ui.title_bar(title, true, &[]);
    let when = ago((context.elapsed() as i32 - file.minute).max(0) as u32, context.language);
    let size = file.size();
    let lines = [(NAME, file.name.as_str()), (FOLDER, &file.folder), (SIZE, &size), (CHANGED, &when)];
    ui.list(lines.len(), 2.0 * ROW, |ui, i, y| {
        let (label, value) = lines[i];
        let second = ui.say(label);
        ui.row(y, Row { id: "detail", title: value, second, size: 30.0, ..Row::default() });
    });
}

/// The folders to which something can be moved or copied.
fn choose(page: &Page, files: &Files, ui: &mut Ui) {
    let Some(file) = page.number().and_then(|id| files.get(id)) else { return };
    let title = ui.say(if page.is("move") { MOVE } else { COPY_TO });
    ui.title_bar(title, true, &[(Icon::Plus, NEW_FOLDER, open(Page::new("new-folder")))]);
    ui.list(files.folders.len(), 2.0 * ROW, |ui, i, y| {
        let folder = files.folders[i].clone();
        let (id, lead) = (file.id, Lead::Icon(Icon::Folder, BLUE));
        let end = End::Radio(file.folder == folder);
        let to = folder.clone();
        let tap = Some(send(if page.is("move") { Message::MoveTo(id, to) } else { Message::CopyTo(id, to) }));
        ui.row(y, Row { id: "folder", lead, title: &folder, end, tap, ..Row::default() });
    });
}

/// A page on which a name, or a document, is written.
fn draw_editor(page: &Page, context: &Context<'_>, ui: &mut Ui) {
    let title = ui.say(match page.name {
        "rename" => RENAME,
        "new-folder" => NEW_FOLDER,
        _ => NEW_DOCUMENT,
    });
    ui.title_bar(title, true, &[(Icon::Check, SAVE, send(Message::Save))]);
    let field = |ui: &mut Ui, field: FieldId, hint, top, height| {
        let state = context.field(&field);
        ui.field(TextField { id: field.name, hint, field, state, left: 18.0, top, width: 504.0, height });
    };
    field(ui, NAME_FIELD, NAME, 2.0 * ROW + 8.0, ROW - 16.0);
    if page.is("new") {
        let room = (ui.bottom - 3.0 * ROW - 16.0).clamp(ROW, 5.0 * ROW);
        field(ui, TEXT_FIELD, WRITE, 3.0 * ROW + 4.0, room);
    }
}
