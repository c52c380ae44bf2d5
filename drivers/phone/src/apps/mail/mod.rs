//! Mail: folders, letters, answering, forwarding, drafts, searching, and a bin that is emptied for good.

mod content;
mod view;

use super::common::{discard_question, joined, open_with, truth};
use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Command, Effect, FieldId, MenuItem, Page, Question, send};
use crate::dice::Dice;
use crate::icon::Icon;
use crate::locale::{DELETE, Language, Phrase, phrase};
use crate::providers::Providers;
use crate::ui::Ui;

const MAIL: Phrase = phrase("Mail", "邮件");
const SENT: Phrase = phrase("Sent", "已发送");
const NO_RECIPIENT: Phrase = phrase("Enter a valid address", "请输入有效的邮箱地址");
const FULL: Phrase = phrase("Mailbox is full. Delete something first.", "邮箱已满，请先删除邮件。");
const NO_NETWORK: Phrase = phrase("No internet connection", "没有网络连接");
const MOVED: Phrase = phrase("Moved", "已移动");
const EMPTY_BIN: Phrase = phrase("Empty the bin?", "清空回收站？");
const FOR_GOOD: Phrase = phrase("All letters in it are deleted for good.", "其中的邮件将被永久删除。");
const SAVE_DRAFT: Phrase = phrase("Discard letter?", "舍弃邮件？");
const WILL_BE_LOST: Phrase = phrase("It is not kept.", "邮件将不会保留。");
const UNREAD: Phrase = phrase("Mark as unread", "标为未读");
const ARCHIVE: Phrase = phrase("Archive", "归档");
const STAR: Phrase = phrase("Star", "星标");
const UP_TO_DATE: Phrase = phrase("No new letters", "没有新邮件");

const TO_FIELD: FieldId = FieldId::new("to");
const SUBJECT_FIELD: FieldId = FieldId::new("subject");
const TEXT_FIELD: FieldId = FieldId::new("text");
const SEARCH_FIELD: FieldId = FieldId::new("search");

/// Where letters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    Inbox,
    Starred,
    Sent,
    Drafts,
    Archive,
    Bin,
}

/// A letter.
#[derive(Clone, Debug)]
struct Letter {
    /// Who wrote it, or to whom it was written.
    name: String,
    address: String,
    subject: String,
    text: String,
    /// Minutes before the world began.
    age: u32,
    is_read: bool,
    is_starred: bool,
    folder: Folder,
}

#[derive(Clone, Debug)]
pub struct Mail {
    letters: Vec<Letter>,
    is_full: bool,
    /// The addresses of the people that the phone knows.
    addresses: Vec<(String, String)>,
    /// What a new letter begins with: to whom, the subject, the text.
    opening: Option<[String; 3]>,
    received: Option<String>,
}

#[derive(Clone, Debug)]
pub enum Message {
    Open(usize),
    Star(usize),
    Hold(usize),
    Unread(usize),
    Move(usize, Folder),
    Delete(usize),
    AskToEmpty,
    Empty,
    Reply(usize),
    Forward(usize),
    Recipient(String),
    Send,
    SaveDraft,
    Discard,
    Search,
}

impl Mail {
    /// Draws letters.
    pub fn new(seed: u64, language: Language, providers: &Providers) -> Mail {
        let mut dice = Dice::named(seed, "mail");
        let people = providers.people.list.iter().enumerate();
        Mail {
            letters: content::letters(&mut dice, language),
            is_full: false,
            addresses: people.map(|(at, one)| (one.name.clone(), content::address(&one.name, at))).collect(),
            opening: None,
            received: None,
        }
    }

    /// The letters of a folder, the latest first.
    fn of(&self, folder: Folder) -> Vec<usize> {
        let is_in = |letter: &Letter| match folder {
            Folder::Starred => letter.is_starred && letter.folder != Folder::Bin,
            folder => letter.folder == folder,
        };
        let mut list: Vec<usize> = (0..self.letters.len()).filter(|at| is_in(&self.letters[*at])).collect();
        list.sort_by_key(|at| (self.letters[*at].age, std::cmp::Reverse(*at)));
        list
    }

    fn unread(&self) -> usize {
        self.letters.iter().filter(|letter| letter.folder == Folder::Inbox && !letter.is_read).count()
    }

    /// Puts what is written into a folder.
    fn keep(&mut self, context: &Context<'_>, folder: Folder) {
        let to = context.trimmed(&TO_FIELD);
        let known = self.addresses.iter().find(|(name, address)| name == to || address == to);
        let (name, address) = known.cloned().unwrap_or_else(|| (to.to_owned(), to.to_owned()));
        self.letters.push(Letter {
            name,
            address,
            subject: context.trimmed(&SUBJECT_FIELD).to_owned(),
            text: context.trimmed(&TEXT_FIELD).to_owned(),
            age: 0,
            is_read: true,
            is_starred: false,
            folder,
        });
    }

    fn send(&mut self, context: &Context<'_>, providers: &Providers) -> Vec<Effect> {
        let say = |phrase| vec![Effect::Toast(context.language.say(phrase).into())];
        let to = context.trimmed(&TO_FIELD);
        let is_known = self.addresses.iter().any(|(name, _)| name == to);
        if !is_known && !to.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.')) {
            return say(NO_RECIPIENT);
        }
        if self.is_full {
            return say(FULL);
        }
        if !providers.is_online() {
            return say(NO_NETWORK);
        }
        self.keep(context, Folder::Sent);
        leave_editor().into_iter().chain(say(SENT)).collect()
    }

    fn hold(&self, at: usize, language: Language) -> Vec<Effect> {
        let items = [
            (STAR, send(Message::Star(at))),
            (UNREAD, send(Message::Unread(at))),
            (ARCHIVE, send(Message::Move(at, Folder::Archive))),
            (DELETE, send(Message::Delete(at))),
        ];
        vec![Effect::Menu(items.map(|(label, command)| MenuItem { label: language.say(label), command }).to_vec())]
    }

    fn write(&mut self, opening: [String; 3]) -> Vec<Effect> {
        self.opening = Some(opening);
        vec![Effect::Open(Page::new("new"))]
    }

    fn delete(&mut self, at: usize, context: &Context<'_>) -> Vec<Effect> {
        let Some(letter) = self.letters.get_mut(at) else { return Vec::new() };
        letter.folder = Folder::Bin;
        self.is_full = false;
        let close = context.page.is("letter").then_some(Effect::Close);
        close.into_iter().chain([Effect::Toast(context.language.say(MOVED).into())]).collect()
    }
}

fn leave_editor() -> Vec<Effect> {
    let empty = |field| Effect::Write(field, String::new());
    vec![empty(TO_FIELD), empty(SUBJECT_FIELD), empty(TEXT_FIELD), Effect::Close]
}

impl App for Mail {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.android.email",
            activity: ".MailActivity",
            label: MAIL,
            icon: Icon::Envelope,
            color: 0x0EA5A4,
        }
    }

    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        view::page(self, page, context, providers, ui);
    }

    fn update(&mut self, message: Message, context: &Context<'_>, providers: &mut Providers) -> Vec<Effect> {
        let language = context.language;
        match message {
            Message::Open(at) => {
                if let Some(letter) = self.letters.get_mut(at) {
                    letter.is_read = true;
                }
                return vec![Effect::Open(Page::of("letter", at))];
            }
            Message::Star(at) => {
                if let Some(letter) = self.letters.get_mut(at) {
                    letter.is_starred = !letter.is_starred;
                }
            }
            Message::Hold(at) => return self.hold(at, language),
            Message::Unread(at) => {
                if let Some(letter) = self.letters.get_mut(at) {
                    letter.is_read = false;
                }
            }
            Message::Move(at, folder) => {
                if let Some(letter) = self.letters.get_mut(at) {
                    letter.folder = folder;
                }
                let close = context.page.is("letter").then_some(Effect::Close);
                return close.into_iter().chain([Effect::Toast(language.say(MOVED).into())]).collect();
            }
            Message::Delete(at) => return self.delete(at, context),
            Message::AskToEmpty => {
                return vec![Effect::ask(Question {
                    title: language.say(EMPTY_BIN).into(),
                    text: language.say(FOR_GOOD).into(),
                    yes: language.say(DELETE),
                    then: send(Message::Empty),
                })];
            }
            Message::Empty => {
                self.letters.retain(|letter| letter.folder != Folder::Bin);
                self.is_full = false;
            }
            Message::Reply(at) => {
                let Some(letter) = self.letters.get(at) else { return Vec::new() };
                return self.write([letter.address.clone(), format!("Re: {}", letter.subject), String::new()]);
            }
            Message::Forward(at) => {
                let Some(letter) = self.letters.get(at) else { return Vec::new() };
                return self.write([String::new(), format!("Fwd: {}", letter.subject), letter.text.clone()]);
            }
            Message::Recipient(address) => {
                return vec![Effect::Write(TO_FIELD, address), Effect::Focus(SUBJECT_FIELD)];
            }
            Message::Send => return self.send(context, providers),
            Message::SaveDraft => {
                self.keep(context, Folder::Drafts);
                return leave_editor();
            }
            Message::Discard => return leave_editor(),
            Message::Search => {
                let query = context.trimmed(&SEARCH_FIELD).to_owned();
                if !query.is_empty() {
                    return vec![Effect::Open(Page::of("results", query))];
                }
            }
        }
        Vec::new()
    }

    fn on_refresh(&mut self, context: &Context<'_>, _: &Providers) -> Vec<Effect> {
        if context.page.is("main") { vec![Effect::Toast(context.language.say(UP_TO_DATE).into())] } else { Vec::new() }
    }

    fn on_open(&mut self, page: &Page, _: &Providers) -> Vec<Effect> {
        match page.name {
            "search" => vec![Effect::Write(SEARCH_FIELD, String::new()), Effect::Focus(SEARCH_FIELD)],
            "new" => {
                let shared = self.received.take().map(|text| [String::new(), String::new(), text]);
                let [to, subject, text] = self.opening.take().or(shared).unwrap_or_default();
                let field = if to.is_empty() { TO_FIELD } else { TEXT_FIELD };
                let write = [(TO_FIELD, to), (SUBJECT_FIELD, subject), (TEXT_FIELD, text)];
                let write = write.map(|(field, text)| Effect::Write(field, text));
                write.into_iter().chain([Effect::Focus(field)]).collect()
            }
            _ => Vec::new(),
        }
    }

    fn enter(&self, field: &FieldId) -> Option<Command> {
        match field.name {
            "search" => Some(send(Message::Search)),
            "to" => Some(Effect::Focus(SUBJECT_FIELD).into()),
            "subject" => Some(Effect::Focus(TEXT_FIELD).into()),
            _ => None,
        }
    }

    fn unsaved_question(&self, context: &Context<'_>, _: &Providers) -> Option<Question> {
        let fields = [TO_FIELD, SUBJECT_FIELD, TEXT_FIELD];
        discard_question(context, &fields, SAVE_DRAFT, WILL_BE_LOST, send(Message::Discard))
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn receive(&mut self, text: &str) -> Vec<Effect> {
        open_with(&mut self.received, text)
    }

    fn facts(&self, _: &Providers, facts: &mut Facts) {
        let subjects = |folder| joined(self.of(folder).into_iter().map(|at| &self.letters[at].subject));
        facts.insert("mail.inbox".into(), subjects(Folder::Inbox));
        facts.insert("mail.archive".into(), subjects(Folder::Archive));
        facts.insert("mail.bin".into(), subjects(Folder::Bin));
        facts.insert("mail.starred".into(), subjects(Folder::Starred));
        facts.insert("mail.unread".into(), self.unread().to_string());
        for (name, folder) in [("sent", Folder::Sent), ("drafts", Folder::Drafts)] {
            let letters = self.letters.iter().filter(|letter| letter.folder == folder);
            let fact = |letter: &Letter| format!("{} | {} | {}", letter.address, letter.subject, letter.text);
            let list: Vec<String> = letters.map(fact).collect();
            facts.insert(format!("mail.{name}.count"), list.len().to_string());
            for (at, letter) in list.into_iter().enumerate() {
                facts.insert(format!("mail.{name}.{at}"), letter);
            }
        }
        for letter in self.letters.iter().filter(|letter| letter.folder == Folder::Inbox) {
            let name = |what: &str| format!("mail.letter.{}.{what}", letter.subject.replace('.', " "));
            facts.insert(name("from"), letter.name.clone());
            facts.insert(name("text"), letter.text.clone());
        }
    }

    /// `mail.letter` = `name | subject | text` comes into the inbox; `mail.full`.
    fn set_fact(&mut self, name: &[&str], value: &str, _: &mut Providers) -> Option<Result<(), String>> {
        Some(match name {
            ["mail", "letter"] => {
                let parts: Vec<&str> = value.split('|').map(str::trim).collect();
                let [name, subject, text] = parts[..] else { return Some(Err("it is `name | subject | text`".into())) };
                let known = self.addresses.iter().find(|(known, _)| known == name);
                let address = known.map_or_else(|| content::address(name, 0), |(_, address)| address.clone());
                let (name, subject, text) = (name.to_owned(), subject.to_owned(), text.to_owned());
                let folder = Folder::Inbox;
                self.letters.push(Letter {
                    name,
                    address,
                    subject,
                    text,
                    age: 0,
                    is_read: false,
                    is_starred: false,
                    folder,
                });
                Ok(())
            }
            ["mail", "full"] => truth(value).map(|full| self.is_full = full),
            _ => return None,
        })
    }
}
