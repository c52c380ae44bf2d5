//! The pages of the mail.

use super::{ARCHIVE, Folder, MAIL, Mail, Message, SEARCH_FIELD, STAR, SUBJECT_FIELD, TEXT_FIELD, TO_FIELD};
use crate::app::Context;
use crate::apps::common::{NOTHING_FOUND, SEARCH, SEND, ago, matches};
use crate::command::{Command, Effect, FieldId, Page, send};
use crate::icon::Icon;
use crate::locale::{DELETE, Phrase, SAVE, phrase};
use crate::providers::Providers;
use crate::providers::people::avatar_color;
use crate::ui::{Class, EDGE, End, Lead, MEASURE, ROW, Row, Style, TextField, Ui};

const INBOX: Phrase = phrase("Inbox", "收件箱");
const STARRED: Phrase = phrase("Starred", "星标邮件");
const SENT: Phrase = phrase("Sent", "已发送");
const DRAFTS: Phrase = phrase("Drafts", "草稿箱");
const ARCHIVED: Phrase = phrase("Archived", "已归档");
const BIN: Phrase = phrase("Bin", "回收站");
const FOLDERS: Phrase = phrase("Folders", "文件夹");
const NEW_LETTER: Phrase = phrase("New letter", "写邮件");
const NO_LETTERS: Phrase = phrase("No letters here", "这里没有邮件");
const NO_SUBJECT: Phrase = phrase("(no subject)", "（无主题）");
const REPLY: Phrase = phrase("Reply", "回复");
const FORWARD: Phrase = phrase("Forward", "转发");
const TO: Phrase = phrase("To", "收件人");
const SUBJECT: Phrase = phrase("Subject", "主题");
const TEXT: Phrase = phrase("Write your letter", "写正文");
const EMPTY_BIN: Phrase = phrase("Empty bin", "清空回收站");
const SEARCH_MAIL: Phrase = phrase("Search mail", "搜索邮件");
const FULL: Phrase = phrase("Mailbox is full", "邮箱已满");

const ALL: [(Folder, &str, Phrase, Icon); 6] = [
    (Folder::Inbox, "main", INBOX, Icon::Envelope),
    (Folder::Starred, "starred", STARRED, Icon::Star),
    (Folder::Sent, "sent", SENT, Icon::Send),
    (Folder::Drafts, "drafts", DRAFTS, Icon::Pencil),
    (Folder::Archive, "archive", ARCHIVED, Icon::Box),
    (Folder::Bin, "bin", BIN, Icon::Bin),
];

/// Draws a page.
pub fn page(mail: &Mail, page: &Page, context: &Context<'_>, _: &Providers, ui: &mut Ui) {
    match page.name {
        "letter" => letter(mail, page.number().unwrap_or(0), context, ui),
        "new" => new(mail, context, ui),
        "folders" => folders(mail, ui),
        "search" => {
            ui.search_bar(true, SEARCH_MAIL, SEARCH_FIELD, context.field(&SEARCH_FIELD));
            let query = context.trimmed(&SEARCH_FIELD);
            draw_search_results(mail, query, 2.0 * ROW + 8.0, context, ui);
        }
        "results" => {
            ui.title_bar(&page.about, true, &[(Icon::Search, SEARCH, open(Page::new("search")))]);
            draw_search_results(mail, &page.about, 2.0 * ROW, context, ui);
        }
        name => {
            let folder = ALL.into_iter().find(|folder| folder.1 == name).unwrap_or(ALL[0]);
            list(mail, folder, context, ui);
        }
    }
}

fn open(page: Page) -> Command {
    Effect::Open(page).into()
}

fn list(mail: &Mail, (folder, name, label, _): (Folder, &str, Phrase, Icon), context: &Context<'_>, ui: &mut Ui) {
    let title = ui.say(label);
    let mut bar = vec![(Icon::Search, SEARCH, open(Page::new("search")))];
    if folder == Folder::Bin {
        bar.push((Icon::Bin, EMPTY_BIN, send(Message::AskToEmpty)));
    }
    ui.title_bar(title, name != "main", &bar);
    ui.bottom_bar(&[
        (Icon::Envelope, INBOX, name == "main", open(Page::new("main"))),
        (Icon::Pencil, NEW_LETTER, false, open(Page::new("new"))),
        (Icon::Folder, FOLDERS, false, open(Page::new("folders"))),
    ]);
    let letters = mail.of(folder);
    if letters.is_empty() {
        let text = ui.say(NO_LETTERS);
        return ui.notice(Icon::Envelope, text, None);
    }
    let mut top = 2.0 * ROW;
    if mail.is_full {
        let text = ui.say(FULL);
        ui.label("full", text, (EDGE, top + 24.0), MEASURE, Style::new(26.0, crate::apps::payment::DANGER));
        top += 50.0;
    }
    rows(mail, &letters, top, context, ui);
}

fn rows(mail: &Mail, letters: &[usize], top: f32, context: &Context<'_>, ui: &mut Ui) {
    ui.scroll(top, |ui, column| {
        column.tall_rows(ui, letters.len(), 1.35 * ROW, |ui, i, y| row(mail, letters[i], y, context, ui));
    });
}

fn row(mail: &Mail, at: usize, top: f32, context: &Context<'_>, ui: &mut Ui) {
    let letter = &mail.letters[at];
    let (ink, faint, accent) = (ui.theme.ink, ui.theme.faint, ui.theme.accent);
    let rect = ui.rect(12.0, top, 516.0, 1.35 * ROW);
    let node = ui.add(Class::Row, "letter", rect);
    node.tap = Some(send(Message::Open(at)));
    node.hold = Some(send(Message::Hold(at)));
    ui.inside(|ui| {
        let (color, bold) = if letter.is_read { (ink, false) } else { (accent, true) };
        let name = Style { bold, ..Style::new(30.0, color) };
        let initial: String = letter.name.chars().take(1).collect();
        let back = ui.rect(26.0, top + 32.0, 60.0, 60.0);
        let radius = ui.px(30.0) as f32;
        let color = avatar_color(&letter.name);
        let node = ui.add(Class::Image, "avatar", back);
        node.shapes.push(crate::ui::Shape::Fill { rect: back, radius, color });
        let style = Style { centered: true, fixed: true, ..Style::new(30.0, 0xFFFFFF) };
        ui.label("initial", &initial, (26.0, top + 62.0), 60.0, style);
        ui.label("name", &letter.name, (104.0, top + 28.0), 280.0, name);
        let when = ago(letter.age + context.elapsed(), context.language);
        ui.label_right("time", &when, EDGE + MEASURE, top + 28.0, Style::new(23.0, faint));
        let subject = if letter.subject.is_empty() { ui.say(NO_SUBJECT) } else { &letter.subject };
        ui.label("subject", subject, (104.0, top + 64.0), 370.0, Style { bold, ..Style::new(27.0, ink) });
        ui.label("text", &letter.text, (104.0, top + 98.0), 370.0, Style::new(24.0, faint));
        if letter.is_starred {
            let rect = ui.rect(480.0, top + 56.0, 32.0, 32.0);
            let node = ui.add(Class::Image, "star", rect);
            node.shapes.push(crate::ui::Shape::Icon { icon: Icon::StarFull, rect, color: 0xE8A317 });
        }
    });
}

fn draw_search_results(mail: &Mail, query: &str, top: f32, context: &Context<'_>, ui: &mut Ui) {
    let is_meant = |at: &usize| {
        let letter = &mail.letters[*at];
        [&letter.name, &letter.subject, &letter.text, &letter.address].iter().any(|text| matches(text, query))
    };
    let letters: Vec<usize> = (0..mail.letters.len()).filter(is_meant).collect();
    if letters.is_empty() {
        let (text, faint) = (ui.say(NOTHING_FOUND), ui.theme.faint);
        ui.label("empty", text, (36.0, top + 0.5 * ROW), 460.0, Style::new(30.0, faint));
        return;
    }
    rows(mail, &letters, top, context, ui);
}

fn folders(mail: &Mail, ui: &mut Ui) {
    let title = ui.say(MAIL);
    ui.title_bar(title, true, &[]);
    ui.list(ALL.len(), 2.0 * ROW, |ui, i, y| {
        let (folder, name, label, icon) = ALL[i];
        let count = mail.of(folder).len().to_string();
        let (title, tap) = (ui.say(label), Some(open(Page::new(name))));
        let (lead, end) = (Lead::Icon(icon, 0x0EA5A4), End::Text(&count));
        ui.row(y, Row { id: "folder", lead, title, end, tap, ..Row::default() });
    });
}

fn letter(mail: &Mail, at: usize, context: &Context<'_>, ui: &mut Ui) {
    let Some(letter) = mail.letters.get(at) else { return };
    let star = if letter.is_starred { Icon::StarFull } else { Icon::Star };
    let bar = [
        (star, STAR, send(Message::Star(at))),
        (Icon::Box, ARCHIVE, send(Message::Move(at, Folder::Archive))),
        (Icon::Bin, DELETE, send(Message::Delete(at))),
    ];
    ui.title_bar("", true, &bar);
    ui.bottom_bar(&[
        (Icon::Reply, REPLY, false, send(Message::Reply(at))),
        (Icon::Forward, FORWARD, false, send(Message::Forward(at))),
    ]);
    let ink = ui.theme.ink;
    ui.scroll(2.0 * ROW, |ui, column| {
        let subject = if letter.subject.is_empty() { ui.say(NO_SUBJECT) } else { &letter.subject };
        column.paragraph(ui, "subject", subject, Style { bold: true, ..Style::new(38.0, ink) });
        column.gap(10.0);
        let when = ago(letter.age + context.elapsed(), context.language);
        column.item(ui, ROW, |ui, y| {
            let lead = Lead::Initial(&letter.name, avatar_color(&letter.name));
            let (title, second) = (letter.name.as_str(), letter.address.as_str());
            let end = End::Text(&when);
            ui.row(y, Row { id: "from", lead, title, second, end, size: 30.0, ..Row::default() });
        });
        column.gap(14.0);
        column.paragraph(ui, "text", &letter.text, Style::new(30.0, ink));
    });
}

fn new(mail: &Mail, context: &Context<'_>, ui: &mut Ui) {
    let title = ui.say(NEW_LETTER);
    let bar = [(Icon::Disk, SAVE, send(Message::SaveDraft)), (Icon::Send, SEND, send(Message::Send))];
    ui.title_bar(title, true, &bar);
    let field = |ui: &mut Ui, field: FieldId, hint, top, height| {
        let state = context.field(&field);
        ui.field(TextField { id: field.name, hint, field, state, left: 18.0, top, width: 504.0, height });
    };
    field(ui, TO_FIELD, TO, 2.0 * ROW + 8.0, ROW - 16.0);
    let to = context.field(&TO_FIELD);
    let is_meant = |(name, address): &&(String, String)| matches(name, to.text) || matches(address, to.text);
    let offered: Vec<&(String, String)> = mail.addresses.iter().filter(is_meant).take(6).collect();
    let is_settled = mail.addresses.iter().any(|(_, address)| address == to.text);
    if to.focused && !is_settled && !offered.is_empty() {
        ui.list(offered.len(), 3.0 * ROW + 4.0, |ui, i, y| {
            let (name, address) = offered[i];
            let lead = Lead::Initial(name, avatar_color(name));
            let tap = Some(send(Message::Recipient(address.clone())));
            ui.row(y, Row { id: "suggestion", lead, title: name, second: address, tap, ..Row::default() });
        });
        return;
    }
    field(ui, SUBJECT_FIELD, SUBJECT, 3.0 * ROW + 4.0, ROW - 16.0);
    let room = (ui.bottom - 4.0 * ROW - 16.0).clamp(ROW, 5.0 * ROW);
    field(ui, TEXT_FIELD, TEXT, 4.0 * ROW, room);
}
