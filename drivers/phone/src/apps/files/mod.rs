//! Files: folders, documents and what is done to them, and a bin that is emptied for good.

mod view;

use super::common::{discard_question, joined, open_with, split, truth};
use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Command, Effect, FieldId, MenuItem, Page, Question, send};
use crate::icon::Icon;
use crate::locale::{DELETE, Language, Phrase, SHARE, WILL_BE_LOST, phrase};
use crate::providers::Providers;
use crate::providers::files::{FileContent, FileError, Files, StoredFile};
use crate::ui::Ui;

const FILES: Phrase = phrase("Files", "文件");
const RENAME: Phrase = phrase("Rename", "重命名");
const MOVE: Phrase = phrase("Move", "移动");
const COPY_TO: Phrase = phrase("Copy to", "复制到");
const DETAILS: Phrase = phrase("Details", "详情");
const SAVED: Phrase = phrase("Saved", "已保存");
const MOVED: Phrase = phrase("Moved", "已移动");
const COPIED: Phrase = phrase("Copied", "已复制");
const IN_THE_BIN: Phrase = phrase("Moved to the bin", "已移到回收站");
const PUT_BACK: Phrase = phrase("Restored", "已恢复");
const RESTORE: Phrase = phrase("Restore", "恢复");
const EMPTY_BIN: Phrase = phrase("Empty the bin?", "清空回收站？");
const DELETE_FILE: Phrase = phrase("Delete file?", "删除文件？");
const FOR_GOOD: Phrase = phrase("This cannot be undone.", "此操作无法撤销。");
const DELETE_FOLDER: Phrase = phrase("Delete folder?", "删除文件夹？");
const TO_THE_BIN: Phrase = phrase("Its files go to the bin.", "其中的文件将移到回收站。");
const NEW_FOLDER: Phrase = phrase("New folder", "新建文件夹");
const NEW_DOCUMENT: Phrase = phrase("New document", "新建文档");
const DISCARD_DOCUMENT: Phrase = phrase("Discard document?", "舍弃文档？");

const SEARCH_FIELD: FieldId = FieldId::new("search");
const NAME_FIELD: FieldId = FieldId::new("name");
const TEXT_FIELD: FieldId = FieldId::new("text");

/// In which order a folder is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sorting {
    Name,
    Newest,
    Largest,
}

/// The app. The files themselves are the phone's.
#[derive(Clone, Debug)]
pub struct FilesApp {
    sorting: Sorting,
    received: Option<String>,
}

#[derive(Clone, Debug)]
pub enum Message {
    Sort(Sorting),
    Hold(usize),
    HoldFolder(String),
    Plus,
    /// Saves what is written on the page for names, or the document.
    Save,
    MoveTo(usize, String),
    CopyTo(usize, String),
    Delete(usize),
    HoldInBin(usize),
    Restore(usize),
    AskToErase(usize),
    Erase(usize),
    AskToEmpty,
    Empty,
    DeleteFolder(String),
    Discard,
}

impl FilesApp {
    /// With the files sorted by name.
    pub fn new() -> FilesApp {
        FilesApp { sorting: Sorting::Name, received: None }
    }
}

fn menu(language: Language, items: Vec<(Phrase, Command)>) -> Vec<Effect> {
    let item = |(label, command)| MenuItem { label: language.say(label), command };
    vec![Effect::Menu(items.into_iter().map(item).collect())]
}

fn open(page: Page) -> Command {
    Effect::Open(page).into()
}

/// The text of a file, as other apps take it: a picture has none but its name.
fn shared_text(file: &StoredFile) -> String {
    match &file.content {
        FileContent::Text(text) => format!("{}\n{text}", file.title()),
        FileContent::Photo(..) | FileContent::Sound(_) | FileContent::Archive => file.name.clone(),
    }
}

fn hold(file: &StoredFile, language: Language) -> Vec<Effect> {
    let items = vec![
        (RENAME, open(Page::of("rename", file.id))),
        (MOVE, open(Page::of("move", file.id))),
        (COPY_TO, open(Page::of("copy", file.id))),
        (SHARE, Effect::Share(shared_text(file)).into()),
        (DETAILS, open(Page::of("details", file.id))),
        (DELETE, send(Message::Delete(file.id))),
    ];
    menu(language, items)
}

/// The name of a file with the ending of another one, if it has none.
fn with_ending(name: &str, like: &str) -> String {
    match like.rsplit_once('.') {
        Some((_, ending)) if !name.contains('.') && !name.is_empty() => format!("{name}.{ending}"),
        _ => name.to_owned(),
    }
}

fn result_effects(result: Result<(), FileError>, done: Phrase, language: Language) -> Vec<Effect> {
    match result {
        Ok(()) => vec![Effect::Close, Effect::Toast(language.say(done).into())],
        Err(error) => vec![Effect::Toast(language.say(error.message()).into())],
    }
}

fn leave_editor() -> Vec<Effect> {
    vec![Effect::Write(NAME_FIELD, String::new()), Effect::Write(TEXT_FIELD, String::new()), Effect::Close]
}

fn ask(language: Language, title: Phrase, text: Phrase, then: Message) -> Vec<Effect> {
    vec![Effect::ask(Question {
        title: language.say(title).into(),
        text: language.say(text).into(),
        yes: language.say(DELETE),
        then: send(then),
    })]
}

/// Saves what is written on a page: a file's new name, a folder, a document.
fn save(context: &Context<'_>, files: &mut Files) -> Vec<Effect> {
    let (language, page) = (context.language, context.page);
    let name = context.trimmed(&NAME_FIELD);
    let result = match page.name {
        "rename" => {
            let id = page.number().unwrap_or(usize::MAX);
            let name = with_ending(name, files.get(id).map_or("", |file| &file.name));
            files.rename(id, &name)
        }
        "new-folder" => files.add_folder(name),
        _ => {
            let content = FileContent::Text(context.trimmed(&TEXT_FIELD).to_owned());
            // What another app has shared is a document.
            let folder = if page.about.is_empty() { files.documents() } else { page.about.clone() };
            files.add(&folder, &with_ending(name, ".txt"), content, context.elapsed() as i32).map(|_| ())
        }
    };
    match result {
        Ok(()) => leave_editor().into_iter().chain([Effect::Toast(language.say(SAVED).into())]).collect(),
        Err(error) => vec![Effect::Toast(language.say(error.message()).into())],
    }
}

impl App for FilesApp {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.android.documentsui",
            activity: ".FilesActivity",
            label: FILES,
            icon: Icon::Folder,
            color: 0x3B82F6,
        }
    }

    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        view::page(self, page, context, &providers.files, ui);
    }

    fn update(&mut self, message: Message, context: &Context<'_>, providers: &mut Providers) -> Vec<Effect> {
        let (language, files) = (context.language, &mut providers.files);
        match message {
            Message::Sort(sorting) => self.sorting = sorting,
            Message::Hold(id) => return files.get(id).map_or(Vec::new(), |file| hold(file, language)),
            Message::HoldFolder(folder) => {
                if !files.is_fixed(&folder) {
                    let then = Message::DeleteFolder(folder);
                    let item = Effect::ask(Question {
                        title: language.say(DELETE_FOLDER).into(),
                        text: language.say(TO_THE_BIN).into(),
                        yes: language.say(DELETE),
                        then: send(then),
                    });
                    return menu(language, vec![(DELETE, item.into())]);
                }
            }
            Message::Plus => {
                let folder = if context.page.is("folder") { context.page.about.clone() } else { files.documents() };
                let document = open(Page::of("new", folder));
                return menu(language, vec![(NEW_DOCUMENT, document), (NEW_FOLDER, open(Page::new("new-folder")))]);
            }
            Message::Save => return save(context, files),
            Message::MoveTo(id, folder) => return result_effects(files.move_to(id, &folder), MOVED, language),
            Message::CopyTo(id, folder) => {
                return result_effects(files.copy_to(id, &folder, context.elapsed() as i32), COPIED, language);
            }
            Message::Delete(id) => {
                files.delete(id);
                let toast = Effect::Toast(language.say(IN_THE_BIN).into());
                return if context.page.is("file") { vec![Effect::Close, toast] } else { vec![toast] };
            }
            Message::HoldInBin(id) => {
                let items = vec![(RESTORE, send(Message::Restore(id))), (DELETE, send(Message::AskToErase(id)))];
                return menu(language, items);
            }
            Message::Restore(id) => {
                let said = files.restore(id).err().map_or(PUT_BACK, FileError::message);
                return vec![Effect::Toast(language.say(said).into())];
            }
            Message::AskToErase(id) => return ask(language, DELETE_FILE, FOR_GOOD, Message::Erase(id)),
            Message::Erase(id) => files.erase(id),
            Message::AskToEmpty => return ask(language, EMPTY_BIN, FOR_GOOD, Message::Empty),
            Message::Empty => files.empty_bin(),
            Message::DeleteFolder(folder) => {
                files.remove_folder(&folder);
                return vec![Effect::Toast(language.say(IN_THE_BIN).into())];
            }
            Message::Discard => return leave_editor(),
        }
        Vec::new()
    }

    fn on_open(&mut self, page: &Page, providers: &Providers) -> Vec<Effect> {
        match page.name {
            "search" => vec![Effect::Write(SEARCH_FIELD, String::new()), Effect::Focus(SEARCH_FIELD)],
            "rename" => {
                let file = page.number().and_then(|id| providers.files.get(id));
                let name = file.map_or(String::new(), |file| file.title().to_owned());
                vec![Effect::Write(NAME_FIELD, name), Effect::Focus(NAME_FIELD)]
            }
            "new-folder" => vec![Effect::Write(NAME_FIELD, String::new()), Effect::Focus(NAME_FIELD)],
            "new" => {
                let text = self.received.take().map(|text| Effect::Write(TEXT_FIELD, text));
                text.into_iter().chain([Effect::Focus(NAME_FIELD)]).collect()
            }
            _ => Vec::new(),
        }
    }

    fn enter(&self, field: &FieldId) -> Option<Command> {
        match field.name {
            "search" => Some(Command::Back),
            "name" => Some(send(Message::Save)),
            _ => None,
        }
    }

    fn unsaved_question(&self, context: &Context<'_>, _: &Providers) -> Option<Question> {
        discard_question(context, &[NAME_FIELD, TEXT_FIELD], DISCARD_DOCUMENT, WILL_BE_LOST, send(Message::Discard))
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn receive(&mut self, text: &str) -> Vec<Effect> {
        open_with(&mut self.received, text)
    }

    fn facts(&self, providers: &Providers, facts: &mut Facts) {
        let files = &providers.files;
        facts.insert("files.folders".into(), joined(&files.folders));
        for folder in &files.folders {
            let names = joined(files.in_folder(folder).iter().map(|file| &file.name));
            facts.insert(format!("files.folder.{}", folder.replace('.', " ")), names);
        }
        facts.insert("files.bin".into(), joined(files.bin().iter().map(|file| &file.name)));
        facts.insert("files.full".into(), files.is_full.to_string());
        for file in files.list.iter().filter(|file| !file.is_in_bin) {
            let name = |what: &str| format!("files.file.{}.{what}", file.title().replace('.', " "));
            facts.insert(name("size"), file.size());
            if let FileContent::Text(text) = &file.content {
                facts.insert(name("text"), text.clone());
            }
        }
    }

    /// `files.file` is `folder | name | text` of a new document; `files.folders` names the folders beside the four;
    /// `files.bin` names files that lie in the bin; `files.full`.
    fn set_fact(&mut self, name: &[&str], value: &str, providers: &mut Providers) -> Option<Result<(), String>> {
        let files = &mut providers.files;
        Some(match name {
            ["files", "full"] => truth(value).map(|is_full| files.is_full = is_full),
            ["files", "folders"] => set_folders(files, value),
            ["files", "bin"] => set_bin(files, value),
            ["files", "file"] => {
                let mut parts = value.splitn(3, '|').map(str::trim);
                let (folder, name) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
                let content = FileContent::Text(parts.next().unwrap_or("").to_owned());
                let added = files.add(folder, name, content, 0);
                added.map(|_| ()).map_err(|error| error.message().english.to_lowercase())
            }
            _ => return None,
        })
    }
}

/// All folders by their names; the four that stay need not be named.
fn set_folders(files: &mut Files, value: &str) -> Result<(), String> {
    let wanted: Vec<&str> = split(value).collect();
    let gone: Vec<String> = files.folders.iter().filter(|folder| !wanted.contains(&folder.as_str())).cloned().collect();
    for folder in gone {
        files.remove_folder(&folder);
    }
    for folder in wanted {
        match files.add_folder(folder) {
            Ok(()) | Err(FileError::NameTaken) => {}
            Err(error) => return Err(format!("`{folder}`: {}", error.message().english.to_lowercase())),
        }
    }
    Ok(())
}

fn set_bin(files: &mut Files, value: &str) -> Result<(), String> {
    let wanted: Vec<&str> = split(value).collect();
    if let Some(name) = wanted.iter().find(|name| files.list.iter().all(|file| file.name != **name)) {
        return Err(format!("there is no file `{name}`"));
    }
    for file in &mut files.list {
        file.is_in_bin = wanted.contains(&file.name.as_str());
    }
    Ok(())
}
