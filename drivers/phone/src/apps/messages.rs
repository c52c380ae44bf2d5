//! Messages: conversations, one conversation, a new one.

use super::{Act, FieldId, Page};
use crate::apps::contacts::Contacts;
use crate::content::{AVATARS, CHATTER};
use crate::dice::Dice;
use crate::draw;
use crate::icon::Icon;
use crate::ui::{Class, End, Field, Lead, Look, ROW, Row, Style, Ui};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Whether the phone's owner wrote it.
    pub mine: bool,
    pub text: String,
    /// Minutes after midnight.
    pub minute: u32,
}

/// All conversations, the latest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Messages {
    pub chats: Vec<(String, Vec<Message>)>,
}

impl Messages {
    /// Draws conversations with some of the people.
    pub fn new(dice: &mut Dice, people: &Contacts) -> Messages {
        let mut names: Vec<String> = people.list.iter().map(|person| person.name.clone()).collect();
        dice.shuffle(&mut names);
        let count = (6 + dice.below(7)).min(names.len());
        let mut minute = 9 * 60 - dice.below(30) as u32;
        let chats = names.into_iter().take(count).map(|name| {
            let length = 1 + dice.below(4);
            minute = minute.saturating_sub(7 + dice.below(40) as u32);
            let messages = (0..length)
                .map(|_| Message { mine: dice.chance(40), text: dice.pick(&CHATTER).to_string(), minute })
                .collect();
            (name, messages)
        });
        Messages { chats: chats.collect() }
    }

    /// Adds a message of the owner's; its conversation becomes the first.
    pub fn send(&mut self, name: &str, text: &str, minute: u32) {
        let mut chat = match self.chats.iter().position(|(with, _)| with == name) {
            Some(at) => self.chats.remove(at),
            None => (name.to_string(), Vec::new()),
        };
        chat.1.push(Message { mine: true, text: text.to_string(), minute });
        self.chats.insert(0, chat);
    }

    /// What was said with someone.
    pub fn with(&self, name: &str) -> &[Message] {
        self.chats.iter().find(|(with, _)| with == name).map_or(&[], |(_, messages)| messages)
    }

    /// Draws a page.
    pub fn view(&self, page: &Page, people: &Contacts, draft: Draft<'_>, ui: &mut Ui, first: usize, bottom: f32) {
        match page {
            Page::Chat(name) => self.view_chat(name, draft, ui, bottom),
            Page::NewMessage => view_people(people, ui, first, bottom),
            _ => self.view_list(ui, first, bottom),
        }
    }

    fn view_list(&self, ui: &mut Ui, first: usize, bottom: f32) {
        ui.title_bar("Messages", false, &[(Icon::Plus, "New message", Act::Open(Page::NewMessage))]);
        ui.rows(self.chats.len(), first, 2.0 * ROW, bottom, |ui, i, y| {
            let (name, messages) = &self.chats[i];
            let last = messages.last();
            let second =
                last.map_or(String::new(), |m| if m.mine { format!("You: {}", m.text) } else { m.text.clone() });
            let time = last.map_or(String::new(), |m| clock(m.minute));
            ui.row(
                y,
                Row {
                    id: "conversation",
                    lead: Lead::Initial(name, color_of(name)),
                    title: name,
                    second: &second,
                    end: End::Text(&time),
                    tap: Some(Act::Open(Page::Chat(name.clone()))),
                    size: 34.0,
                },
            );
        });
    }

    fn view_chat(&self, name: &str, draft: Draft<'_>, ui: &mut Ui, bottom: f32) {
        ui.title_bar(name, true, &[]);
        let compose = bottom - ROW;
        let area = ui.rect(0.0, 2.0 * ROW, 540.0, compose - 2.0 * ROW);
        let messages = self.with(name);
        let size = ui.font(30.0);
        let (mine_color, their_color, their_ink) = (ui.theme.accent, ui.theme.card, ui.theme.ink);
        ui.add(Class::List, "messages", area);
        ui.inside(|ui| {
            // The newest message stands lowest; older ones go up until there is no room.
            let mut end = compose - 14.0;
            for message in messages.iter().rev() {
                let lines = bubble_lines(size, &message.text, ui.px(340.0));
                let line_height = size as f32 * 1.35 / (ui.px(1000.0) as f32 / 1000.0);
                let height = (lines.len() as f32 * line_height + 26.0).max(ROW - 16.0);
                let widest = lines.iter().map(|line| draw::text_width(size, false, line)).max().unwrap_or(0);
                let width = widest as f32 / (ui.px(1000.0) as f32 / 1000.0) + 48.0;
                let left = if message.mine { 520.0 - width } else { 20.0 };
                let top = end - height;
                if top < 2.0 * ROW {
                    break;
                }
                let rect = ui.rect(left, top, width, height);
                let (x, radius) = (ui.px(left + 24.0), ui.px(26.0) as f32);
                let step = ui.px(line_height);
                let first = rect.center().1 + size as i32 * 36 / 100 - (lines.len() as i32 - 1) * step / 2;
                let (color, ink) = if message.mine { (mine_color, 0xFFFFFF) } else { (their_color, their_ink) };
                let node = ui.add(Class::Text, if message.mine { "sent" } else { "received" }, rect);
                node.text = message.text.clone();
                node.looks.push(Look::Fill { rect, radius, color });
                for (i, line) in lines.into_iter().enumerate() {
                    let baseline = first + i as i32 * step;
                    node.looks.push(Look::Text { x, baseline, size, bold: false, color: ink, text: line });
                }
                end = top - 16.0;
            }
        });
        let bar = ui.rect(0.0, compose, 540.0, ROW);
        let color = ui.theme.back;
        ui.add(Class::Frame, "compose", bar).looks.push(Look::Fill { rect: bar, radius: 0.0, color });
        ui.field(Field {
            id: "message",
            hint: "Text message",
            text: draft.text,
            focused: draft.focused,
            left: 18.0,
            top: compose + 12.0,
            width: 426.0,
            height: ROW - 24.0,
            tap: Act::Focus(FieldId::Message(name.to_string())),
        });
        let color = if draft.text.is_empty() { ui.theme.off } else { ui.theme.accent };
        let act = Act::Send(name.to_string());
        ui.icon_button("send", "Send", Icon::Send, (495.0, compose + ROW / 2.0), color, act);
    }
}

/// A bubble's lines; a message too long for one ends in an ellipsis.
fn bubble_lines(size: u32, text: &str, width: i32) -> Vec<String> {
    const CHARACTERS_MAX: usize = 400;
    const LINES_MAX: usize = 6;
    let start: String = text.chars().take(CHARACTERS_MAX).collect();
    let mut lines = draw::wrap(size, &start, width);
    if lines.len() > LINES_MAX || start.len() < text.len() {
        lines.truncate(LINES_MAX);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}

/// What stands in a field that has not been sent or saved.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    pub text: &'a str,
    pub focused: bool,
}

/// Always the same colour for the same name.
pub fn color_of(name: &str) -> u32 {
    let sum: usize = name.chars().map(|c| c as usize).sum();
    AVATARS[sum % AVATARS.len()]
}

/// Minutes after midnight as `08:05`.
pub fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60 % 24, minute % 60)
}

fn view_people(people: &Contacts, ui: &mut Ui, first: usize, bottom: f32) {
    ui.title_bar("New message", true, &[]);
    if people.list.is_empty() {
        let faint = ui.theme.faint;
        ui.label("empty", "No contacts yet", (36.0, 2.5 * ROW), 460.0, Style::new(30.0, faint));
    }
    ui.rows(people.list.len(), first, 2.0 * ROW, bottom, |ui, i, y| {
        let name = &people.list[i].name;
        ui.row(
            y,
            Row {
                id: "person",
                lead: Lead::Initial(name, color_of(name)),
                title: name,
                second: "",
                end: End::None,
                tap: Some(Act::Open(Page::Chat(name.clone()))),
                size: 34.0,
            },
        );
    });
}
