//! Messages: conversations, one conversation, a new one.

use serde_json::{Value, json};

use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Command, Effect, FieldId, MenuItem, Page, Question, send};
use crate::content;
use crate::date::clock_text;
use crate::dice::Dice;
use crate::draw;
use crate::functions::{AppFunction, Arguments, FunctionError, Parameter, Returns, ValueType, invalid, nobody};
use crate::icon::Icon;
use crate::locale::{COPY, DELETE, Language, Phrase, SHARE, phrase};
use crate::providers::Providers;
use crate::providers::people::avatar_color;
use crate::ui::{Class, End, Lead, ROW, Row, Shape, Style, TextField, Ui};

const MESSAGES: Phrase = phrase("Messages", "信息");
const NEW_MESSAGE: Phrase = phrase("New message", "新建信息");
const YOU: Phrase = phrase("You: {}", "我：{}");
const TEXT_MESSAGE: Phrase = phrase("Text message", "短信");
const SEND: Phrase = phrase("Send", "发送");
const NO_CONTACTS: Phrase = phrase("No contacts yet", "还没有联系人");
const DELETE_CONVERSATION: Phrase = phrase("Delete conversation", "删除会话");
const WILL_BE_REMOVED: Phrase = phrase("All messages with {} will be removed.", "与{}的所有信息将被删除。");

/// Room between two bubbles.
const PAUSE_BETWEEN: f32 = 16.0;
/// Minutes between two messages that were there when the world began.
const PAUSE: u32 = 2;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sms {
    /// Whether the phone's owner wrote it.
    mine: bool,
    text: String,
    /// Minutes after midnight.
    minute: u32,
}

/// All conversations, the latest first.
#[derive(Clone, Debug)]
pub struct Messages {
    chats: Vec<(String, Vec<Sms>)>,
}

const WITH: Parameter = Parameter::required("name", ValueType::Text, "The person, as Contacts has the name");
const FUNCTIONS: &[AppFunction] = &[
    AppFunction {
        name: "listMessages",
        about: "Lists what was written to a person and by that person, the latest last",
        parameters: &[WITH],
        returns: Returns::Rows(&[
            Parameter::required("from", ValueType::Text, "me, or the person"),
            Parameter::required("text", ValueType::Text, ""),
            Parameter::required("time", ValueType::Text, ""),
        ]),
        reads: true,
    },
    AppFunction {
        name: "sendMessage",
        about: "Sends a text message to a person in Contacts; it cannot be called back",
        parameters: &[WITH, Parameter::required("text", ValueType::Text, "What is sent, word for word")],
        returns: Returns::Text,
        reads: false,
    },
];

#[derive(Clone, Debug)]
pub enum Message {
    Send(String),
    /// Puts text into the field of a conversation, to be sent.
    Compose {
        name: String,
        text: String,
    },
    /// Something was pressed long that says this.
    Hold(String),
    AskToDelete(String),
    Delete(String),
}

fn chat(name: &str) -> Page {
    Page::of("chat", name)
}

fn draft(name: &str) -> FieldId {
    FieldId::of("message", name)
}

impl Messages {
    /// Draws conversations with some of the people.
    pub fn new(dice: &mut Dice, providers: &Providers, language: Language) -> Messages {
        let mut names: Vec<String> = providers.people.list.iter().map(|person| person.name.clone()).collect();
        dice.shuffle(&mut names);
        let count = (6 + dice.below(7)).min(names.len());
        let mut minute = 9 * 60 - dice.below(30) as u32;
        let chats = names.into_iter().take(count).map(|name| {
            let length = 1 + dice.below(4);
            minute = minute.saturating_sub(7 + dice.below(40) as u32);
            let messages = (0..length)
                .map(|at| Sms {
                    mine: dice.chance(40),
                    text: dice.pick(content::chatter(language)).to_string(),
                    minute: minute.saturating_sub(PAUSE * (length - 1 - at) as u32),
                })
                .collect();
            (name, messages)
        });
        Messages { chats: chats.collect() }
    }

    /// Adds a message; its conversation becomes the first.
    fn add(&mut self, name: &str, sms: Sms) {
        let mut chat = match self.chats.iter().position(|(with, _)| with == name) {
            Some(at) => self.chats.remove(at),
            None => (name.to_string(), Vec::new()),
        };
        chat.1.push(sms);
        self.chats.insert(0, chat);
    }

    /// What was said with someone.
    fn with(&self, name: &str) -> &[Sms] {
        self.chats.iter().find(|(with, _)| with == name).map_or(&[], |(_, messages)| messages)
    }

    fn view_list(&self, ui: &mut Ui) {
        let title = ui.say(MESSAGES);
        ui.title_bar(title, false, &[(Icon::Plus, NEW_MESSAGE, Effect::Open(Page::new("new")).into())]);
        ui.list(self.chats.len(), 2.0 * ROW, |ui, i, y| {
            let (name, messages) = &self.chats[i];
            let last = messages.last();
            let second =
                last.map_or(String::new(), |sms| if sms.mine { ui.say_with(YOU, &sms.text) } else { sms.text.clone() });
            let row = Row {
                id: "conversation",
                lead: Lead::Initial(name, avatar_color(name)),
                title: name,
                second: &second,
                end: End::Text(&last.map_or(String::new(), |sms| clock_text(sms.minute))),
                tap: Some(Effect::Open(chat(name)).into()),
                hold: Some(send(Message::AskToDelete(name.clone()))),
                ..Row::default()
            };
            ui.row(y, row);
        });
    }

    fn view_chat(&self, name: &str, context: &Context<'_>, ui: &mut Ui) {
        ui.title_bar(name, true, &[]);
        let compose = ui.bottom - ROW;
        let area = ui.rect(0.0, 2.0 * ROW, 540.0, compose - 2.0 * ROW);
        let heights: Vec<f32> = self.with(name).iter().map(|sms| bubble(sms, ui).2 + PAUSE_BETWEEN).collect();
        let back = ui.scroll_back(heights.iter().sum::<f32>() + 14.0 - PAUSE_BETWEEN, compose - 2.0 * ROW);
        let (scrolls, extent) = (0.0 < back.travel, back.extent);
        let list = ui.add(Class::List, "messages", area);
        (list.scrolls, list.extent) = (scrolls, Some(extent));
        ui.inside(|ui| {
            // The newest message stands lowest; older ones go up until there is no room, and come when the page is pulled down.
            let mut end = compose - 14.0 + back.offset;
            for (sms, height) in self.with(name).iter().zip(&heights).rev() {
                if end - height < compose && view_bubble(sms, end, ui).is_none() {
                    break;
                }
                end -= height;
            }
        });
        let bar = ui.rect(0.0, compose, 540.0, ROW);
        let color = ui.theme.back;
        ui.add(Class::Frame, "compose", bar).shapes.push(Shape::Fill { rect: bar, radius: 0.0, color });
        let state = context.field(&draft(name));
        ui.field(TextField {
            id: "message",
            hint: TEXT_MESSAGE,
            field: draft(name),
            state,
            left: 18.0,
            top: compose + 12.0,
            width: 426.0,
            height: ROW - 24.0,
        });
        let color = if state.text.is_empty() { ui.theme.off } else { ui.theme.accent };
        let tap = send(Message::Send(name.to_string()));
        ui.icon_button("send", SEND, Icon::Send, (495.0, compose + ROW / 2.0), color, tap);
    }
}

/// Draws a message that ends at a height. Returns where it begins; `None` if there is no room for it.
fn view_bubble(sms: &Sms, end: f32, ui: &mut Ui) -> Option<f32> {
    let size = ui.font(30.0);
    let scale = ui.px(1000.0) as f32 / 1000.0;
    let (lines, line_height, height) = bubble(sms, ui);
    let widest = lines.iter().map(|line| draw::text_width(size, false, line)).max().unwrap_or(0);
    let width = widest as f32 / scale + 48.0;
    let left = if sms.mine { 520.0 - width } else { 20.0 };
    let top = end - height;
    if top < 2.0 * ROW - 0.01 {
        return None;
    }
    let rect = ui.rect(left, top, width, height);
    let (x, radius) = (ui.px(left + 24.0), ui.px(26.0) as f32);
    let step = ui.px(line_height);
    let first = rect.center().1 + size as i32 * 36 / 100 - (lines.len() as i32 - 1) * step / 2;
    let (color, ink) = if sms.mine { (ui.theme.accent, 0xFFFFFF) } else { (ui.theme.card, ui.theme.ink) };
    let node = ui.add(Class::Text, if sms.mine { "sent" } else { "received" }, rect);
    node.text = sms.text.clone();
    node.hold = Some(send(Message::Hold(sms.text.clone())));
    node.shapes.push(Shape::Fill { rect, radius, color });
    for (i, line) in lines.into_iter().enumerate() {
        let baseline = first + i as i32 * step;
        node.shapes.push(Shape::Text { x, baseline, size, bold: false, color: ink, text: line });
    }
    Some(top)
}

/// A bubble's lines, how high each is, and how high it is.
fn bubble(sms: &Sms, ui: &Ui) -> (Vec<String>, f32, f32) {
    let size = ui.font(30.0);
    let scale = ui.px(1000.0) as f32 / 1000.0;
    let lines = bubble_lines(size, &sms.text, ui.px(340.0));
    let line_height = size as f32 * 1.35 / scale;
    let height = (lines.len() as f32 * line_height + 26.0).max(ROW - 16.0);
    (lines, line_height, height)
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

/// The people to whom a message can be written; it begins with the text, if some has been shared.
fn view_people(text: &str, providers: &Providers, ui: &mut Ui) {
    let title = ui.say(NEW_MESSAGE);
    ui.title_bar(title, true, &[]);
    let people = &providers.people.list;
    if people.is_empty() {
        let (faint, text) = (ui.theme.faint, ui.say(NO_CONTACTS));
        ui.label("empty", text, (36.0, 2.5 * ROW), 460.0, Style::new(30.0, faint));
    }
    ui.list(people.len(), 2.0 * ROW, |ui, i, y| {
        let name = &people[i].name;
        let lead = Lead::Initial(name, avatar_color(name));
        let tap = send(Message::Compose { name: name.clone(), text: text.to_owned() });
        ui.row(y, Row { id: "person", lead, title: name, tap: Some(tap), ..Row::default() });
    });
}

impl App for Messages {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.android.mms",
            activity: ".ui.ConversationList",
            label: MESSAGES,
            icon: Icon::Bubble,
            color: 0x16A34A,
        }
    }

    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        match page.name {
            "chat" => self.view_chat(&page.about, context, ui),
            "new" => view_people(&page.about, providers, ui),
            _ => self.view_list(ui),
        }
    }

    fn update(&mut self, message: Message, context: &Context<'_>, _: &mut Providers) -> Vec<Effect> {
        let language = context.language;
        match message {
            Message::Send(name) => {
                let text = context.trimmed(&draft(&name));
                if text.is_empty() {
                    return Vec::new();
                }
                self.add(&name, Sms { mine: true, text: text.to_string(), minute: context.minute() });
                // However far it was pulled back, what was sent is seen.
                vec![Effect::Write(draft(&name), String::new()), Effect::Replace(chat(&name))]
            }
            Message::Compose { name, text } if text.is_empty() => vec![Effect::Open(chat(&name))],
            Message::Compose { name, text } => {
                vec![Effect::Open(chat(&name)), Effect::Append(draft(&name), text), Effect::Focus(draft(&name))]
            }
            Message::Hold(text) => {
                let items = [(COPY, Effect::Copy(text.clone())), (SHARE, Effect::Share(text))];
                let items =
                    items.map(|(label, effect)| MenuItem { label: language.say(label), command: effect.into() });
                vec![Effect::Menu(items.to_vec())]
            }
            Message::AskToDelete(name) => vec![Effect::ask(Question {
                title: language.say(DELETE_CONVERSATION).into(),
                text: language.say_with(WILL_BE_REMOVED, &name),
                yes: language.say(DELETE),
                then: send(Message::Delete(name)),
            })],
            Message::Delete(name) => {
                self.chats.retain(|(with, _)| *with != name);
                Vec::new()
            }
        }
    }

    fn enter(&self, field: &FieldId) -> Option<Command> {
        Some(send(Message::Send(field.about.clone())))
    }

    fn has_no_history(&self, page: &Page) -> bool {
        page.is("new")
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn receive(&mut self, text: &str) -> Vec<Effect> {
        vec![Effect::Open(Page::of("new", text))]
    }

    fn functions(&self) -> &'static [AppFunction] {
        FUNCTIONS
    }

    fn execute(
        &mut self,
        function: &str,
        arguments: &Arguments,
        context: &Context<'_>,
        providers: &mut Providers,
    ) -> Result<Value, FunctionError> {
        let name = arguments.line("name")?;
        if providers.people.named(name).is_none() && self.with(name).is_empty() {
            return Err(nobody(name));
        }
        match function {
            "listMessages" => {
                let row = |sms: &Sms| {
                    let from = if sms.mine { "me" } else { name };
                    json!({"from": from, "text": sms.text, "time": clock_text(sms.minute)})
                };
                Ok(self.with(name).iter().map(row).collect())
            }
            "sendMessage" => {
                let text = arguments.text("text");
                if text.is_empty() {
                    return Err(invalid("`text` is empty"));
                }
                self.add(name, Sms { mine: true, text: text.to_owned(), minute: context.minute() });
                Ok(json!(format!("sent to {name}")))
            }
            _ => Err(FunctionError::NotFound(function.to_owned())),
        }
    }

    fn facts(&self, _: &Providers, facts: &mut Facts) {
        for (name, messages) in &self.chats {
            facts.insert(format!("messages.{name}.count"), messages.len().to_string());
            for (i, sms) in messages.iter().enumerate() {
                let text = format!("{}: {}", if sms.mine { "me" } else { "them" }, sms.text);
                if i + 1 == messages.len() {
                    facts.insert(format!("messages.{name}.last"), text.clone());
                }
                facts.insert(format!("messages.{name}.{i}"), text);
            }
        }
    }

    /// `messages.NAME.N` changes a message, or adds one if it is the next number; `messages.NAME.last` adds one. The value is
    /// `me: text` or `them: text`.
    fn set_fact(&mut self, name: &[&str], value: &str, _: &mut Providers) -> Option<Result<(), String>> {
        let ["messages", person, which] = name else { return None };
        let (mine, text) = match value.split_once(": ") {
            Some(("me", text)) => (true, text),
            Some(("them", text)) => (false, text),
            _ => return Some(Err("a message is written `me: text` or `them: text`".into())),
        };
        let count = self.with(person).len();
        let at = match *which {
            "last" => count,
            number => match number.parse::<usize>() {
                Ok(at) if at <= count => at,
                _ => return Some(Err(format!("the next message is `messages.{person}.{count}`"))),
            },
        };
        let minute = self.chats.iter().filter_map(|(_, messages)| messages.last()).map(|sms| sms.minute).max();
        let sms = Sms { mine, text: text.to_owned(), minute: minute.unwrap_or(9 * 60) };
        if at == count {
            self.add(person, sms);
        } else if let Some((_, messages)) = self.chats.iter_mut().find(|(with, _)| with == person) {
            messages[at] = Sms { minute: messages[at].minute, ..sms };
        }
        Some(Ok(()))
    }
}
