//! Phone: a keypad, the latest calls, people to call, a call itself, blocked numbers.

use std::collections::BTreeSet;

use super::common::{joined, split};
use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Command, Effect, MenuItem, Page, Question, send};
use crate::date::clock_text;
use crate::dice::Dice;
use crate::icon::Icon;
use crate::locale::{COPY, DELETE, Phrase, phrase};
use crate::providers::Providers;
use crate::providers::people::avatar_color;
use crate::ui::{Class, EDGE, End, Lead, MEASURE, PadKey, ROW, Row, Shape, Style, Ui};

const PHONE: Phrase = phrase("Phone", "电话");
const RECENT: Phrase = phrase("Recent", "通话记录");
const KEYPAD: Phrase = phrase("Keypad", "拨号");
const PEOPLE: Phrase = phrase("Contacts", "联系人");
const CALL: Phrase = phrase("Call", "呼叫");
const END_CALL: Phrase = phrase("End call", "挂断");
const MUTE: Phrase = phrase("Mute", "静音");
const SPEAKER: Phrase = phrase("Speaker", "免提");
const NO_CALLS: Phrase = phrase("No calls yet", "还没有通话记录");
const NOBODY: Phrase = phrase("No contacts yet", "还没有联系人");
const BLOCK: Phrase = phrase("Block number", "拉黑号码");
const UNBLOCK: Phrase = phrase("Unblock number", "取消拉黑");
const BLOCKED: Phrase = phrase("Blocked", "已拉黑");
const CLEAR: Phrase = phrase("Clear calls", "清空记录");
const CLEAR_ALL: Phrase = phrase("Clear all calls?", "清空通话记录？");
const FOR_GOOD: Phrase = phrase("This cannot be undone.", "此操作无法撤销。");
const NO_NETWORK: Phrase = phrase("Turn off airplane mode to call", "请先关闭飞行模式");
const ERASE: Phrase = phrase("Erase", "退格");
const CALLING: Phrase = phrase("Calling…", "正在呼叫…");
const OUT: Phrase = phrase("Outgoing", "呼出");
const IN: Phrase = phrase("Incoming", "呼入");
const MISSED: Phrase = phrase("Missed", "未接");
const GREEN: u32 = 0x16A34A;
const RED: u32 = 0xDC3545;
/// Seconds for which it rings, and more digits than any number has.
const RINGS: u64 = 3;
const DIGITS_MAX: usize = 20;

/// Which way a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallDirection {
    Out,
    In,
    Missed,
}

/// A call that is over.
#[derive(Clone, Debug)]
struct Call {
    number: String,
    way: CallDirection,
    /// Minutes after midnight.
    minute: u32,
    seconds: u32,
}

#[derive(Clone, Debug)]
pub struct Phone {
    digits: String,
    /// The latest first.
    calls: Vec<Call>,
    blocked: BTreeSet<String>,
    /// To whom a call goes on, and since when on the phone's clock.
    active: Option<(String, u64)>,
    mute: bool,
    speaker: bool,
}

#[derive(Clone, Debug)]
pub enum Message {
    Digit(char),
    Erase,
    Call(String),
    End,
    Mute,
    Speaker,
    Hold(usize),
    Delete(usize),
    Block(String),
    AskToClear,
    Clear,
}

fn open(page: Page) -> Command {
    Effect::Open(page).into()
}

/// The digits of a number alone.
fn bare(number: &str) -> String {
    number.chars().filter(|digit| !digit.is_whitespace()).collect()
}

impl Phone {
    /// Draws calls with people whom the phone knows, and with others.
    pub fn new(seed: u64, providers: &Providers) -> Phone {
        let mut dice = Dice::named(seed, "phone");
        let people = &providers.people.list;
        let mut minute = 8 * 60 + 50;
        let calls = (0..6 + dice.below(10)).map(|_| {
            minute = (minute as i32 - 3 - dice.below(40) as i32).max(1) as u32;
            let number = if people.is_empty() || dice.chance(20) {
                format!("0{} {:03} {:04}", 151 + dice.below(39), dice.below(1000), dice.below(10_000))
            } else {
                dice.pick(people).number.clone()
            };
            let way = *dice.pick(&[CallDirection::Out, CallDirection::In, CallDirection::Missed]);
            let seconds = if way == CallDirection::Missed { 0 } else { 5 + dice.below(900) as u32 };
            Call { number, way, minute, seconds }
        });
        Phone {
            calls: calls.collect(),
            digits: String::new(),
            blocked: BTreeSet::new(),
            active: None,
            mute: false,
            speaker: false,
        }
    }

    /// Who has a number; the number itself if nobody is known to.
    fn name<'a>(number: &'a str, providers: &'a Providers) -> &'a str {
        let known = providers.people.list.iter().find(|person| bare(&person.number) == bare(number));
        known.map_or(number, |person| &person.name)
    }

    fn start(&mut self, number: &str, context: &Context<'_>, providers: &Providers) -> Vec<Effect> {
        if number.is_empty() {
            return Vec::new();
        }
        if providers.settings.is_on(crate::providers::Switch::Airplane) {
            return vec![Effect::Toast(context.language.say(NO_NETWORK).into())];
        }
        self.active = Some((number.to_owned(), context.clock));
        (self.mute, self.speaker) = (false, false);
        self.digits.clear();
        vec![Effect::Open(Page::new("call"))]
    }

    fn end(&mut self, context: &Context<'_>) -> Vec<Effect> {
        if let Some((number, since)) = self.active.take() {
            let seconds = context.clock.saturating_sub(since + RINGS) as u32;
            self.calls.insert(0, Call { number, way: CallDirection::Out, minute: context.minute(), seconds });
        }
        vec![Effect::Close]
    }

    fn view_recent(&self, providers: &Providers, ui: &mut Ui) {
        let title = ui.say(RECENT);
        ui.title_bar(title, false, &[(Icon::Bin, CLEAR, send(Message::AskToClear))]);
        bottom_bar(ui, "main");
        if self.calls.is_empty() {
            let text = ui.say(NO_CALLS);
            return ui.notice(Icon::Handset, text, None);
        }
        ui.list(self.calls.len(), 2.0 * ROW, |ui, i, y| {
            let call = &self.calls[i];
            let name = Self::name(&call.number, providers);
            let (way, color) = match call.way {
                CallDirection::Out => (OUT, GREEN),
                CallDirection::In => (IN, 0x2563EB),
                CallDirection::Missed => (MISSED, RED),
            };
            let mut second = ui.say(way).to_owned();
            if call.seconds > 0 {
                second = format!("{second} · {}:{:02}", call.seconds / 60, call.seconds % 60);
            }
            if self.blocked.contains(&bare(&call.number)) {
                second = format!("{second} · {}", ui.say(BLOCKED));
            }
            let end = clock_text(call.minute);
            let row = Row {
                id: "call",
                lead: Lead::Icon(Icon::Handset, color),
                title: name,
                second: &second,
                end: End::Text(&end),
                tap: Some(send(Message::Call(call.number.clone()))),
                hold: Some(send(Message::Hold(i))),
                ..Row::default()
            };
            ui.row(y, row);
        });
    }

    fn view_people(providers: &Providers, ui: &mut Ui) {
        let title = ui.say(PEOPLE);
        ui.title_bar(title, false, &[]);
        bottom_bar(ui, "people");
        let people = &providers.people.list;
        if people.is_empty() {
            let text = ui.say(NOBODY);
            return ui.notice(Icon::Users, text, None);
        }
        ui.list(people.len(), 2.0 * ROW, |ui, i, y| {
            let person = &people[i];
            let row = Row {
                id: "person",
                lead: Lead::Initial(&person.name, avatar_color(&person.name)),
                title: &person.name,
                second: &person.number,
                end: End::Icon(Icon::Handset, GREEN),
                tap: Some(send(Message::Call(person.number.clone()))),
                ..Row::default()
            };
            ui.row(y, row);
        });
    }

    fn view_keypad(&self, providers: &Providers, ui: &mut Ui) {
        let title = ui.say(KEYPAD);
        ui.title_bar(title, false, &[]);
        bottom_bar(ui, "keypad");
        let (ink, faint) = (ui.theme.ink, ui.theme.faint);
        let style = Style { centered: true, fixed: true, ..Style::new(52.0, ink) };
        ui.label("number", &self.digits, (EDGE, 2.4 * ROW), MEASURE, style);
        let name = Self::name(&self.digits, providers);
        if name != self.digits {
            let style = Style { centered: true, ..Style::new(28.0, faint) };
            ui.label("name", name, (EDGE, 2.95 * ROW), MEASURE, style);
        }
        let key = |text: &'static str, digit: char| PadKey::new(text, send(Message::Digit(digit)));
        let call = PadKey {
            icon: Some(Icon::Handset),
            color: Some(GREEN),
            ..PadKey::new(ui.say(CALL), send(Message::Call(self.digits.clone())))
        };
        let erase = PadKey { icon: Some(Icon::Erase), ..PadKey::new(ui.say(ERASE), send(Message::Erase)) };
        let lines = [
            vec![key("1", '1'), key("2", '2'), key("3", '3')],
            vec![key("4", '4'), key("5", '5'), key("6", '6')],
            vec![key("7", '7'), key("8", '8'), key("9", '9')],
            vec![key("*", '*'), key("0", '0'), key("#", '#')],
            vec![call, erase],
        ];
        let top = 3.3 * ROW;
        ui.keypad(top, (ui.bottom - top - 8.0).min(7.0 * ROW), &lines);
    }

    fn view_call(&self, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        let Some((number, since)) = &self.active else { return };
        let name = Self::name(number, providers);
        let spent = context.clock.saturating_sub(*since);
        let (ink, faint, accent, card) = (ui.theme.ink, ui.theme.faint, ui.theme.accent, ui.theme.card);
        let plain = |size: f32, color: u32| Style { centered: true, fixed: true, ..Style::new(size, color) };
        let circle = ui.rect(190.0, 2.0 * ROW, 160.0, 160.0);
        let radius = ui.px(80.0) as f32;
        let color = avatar_color(name);
        let node = ui.add(Class::Image, "avatar", circle);
        node.shapes.push(Shape::Fill { rect: circle, radius, color });
        let initial: String = name.chars().take(1).collect();
        ui.label("initial", &initial, (190.0, 2.0 * ROW + 80.0), 160.0, plain(80.0, 0xFFFFFF));
        ui.label("name", name, (EDGE, 4.4 * ROW), MEASURE, Style { bold: true, ..plain(44.0, ink) });
        let time = match spent.checked_sub(RINGS) {
            Some(seconds) => format!("{}:{:02}", seconds / 60, seconds % 60),
            None => ui.say(CALLING).to_owned(),
        };
        ui.label("time", &time, (EDGE, 5.0 * ROW), MEASURE, plain(30.0, faint));
        let middle = 7.4 * ROW;
        for (x, icon, desc, on, message) in [
            (150.0, Icon::Mute, MUTE, self.mute, Message::Mute),
            (390.0, Icon::Sound, SPEAKER, self.speaker, Message::Speaker),
        ] {
            let (color, back) = if on { (0xFFFFFF, accent) } else { (ink, card) };
            let (room, round) =
                (ui.rect(x - 90.0, middle - 56.0, 180.0, 160.0), ui.rect(x - 46.0, middle - 46.0, 92.0, 92.0));
            let (rect, radius) = (ui.rect(x - 20.0, middle - 20.0, 40.0, 40.0), ui.px(46.0) as f32);
            let text = ui.say(desc);
            let node = ui.add(Class::Button, "switch", room);
            node.desc = text.to_owned();
            node.tap = Some(send(message));
            node.selected = on;
            node.shapes.push(Shape::Fill { rect: round, radius, color: back });
            node.shapes.push(Shape::Icon { icon, rect, color });
            ui.inside(|ui| {
                ui.label("label", text, (x - 90.0, middle + 76.0), 180.0, plain(26.0, ink));
            });
        }
        let text = ui.say(END_CALL);
        ui.button("end", text, (150.0, 9.2 * ROW, 240.0, ROW - 16.0), RED, send(Message::End));
    }
}

fn bottom_bar(ui: &mut Ui, on: &str) {
    ui.bottom_bar(&[
        (Icon::Clock, RECENT, on == "main", open(Page::new("main"))),
        (Icon::Calculator, KEYPAD, on == "keypad", open(Page::new("keypad"))),
        (Icon::Users, PEOPLE, on == "people", open(Page::new("people"))),
    ]);
}

impl App for Phone {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.android.dialer",
            activity: ".DialerActivity",
            label: PHONE,
            icon: Icon::Handset,
            color: GREEN,
        }
    }

    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        match page.name {
            "call" => self.view_call(context, providers, ui),
            "keypad" => self.view_keypad(providers, ui),
            "people" => Self::view_people(providers, ui),
            _ => self.view_recent(providers, ui),
        }
    }

    fn update(&mut self, message: Message, context: &Context<'_>, providers: &mut Providers) -> Vec<Effect> {
        let language = context.language;
        match message {
            Message::Digit(digit) if self.digits.len() < DIGITS_MAX => self.digits.push(digit),
            Message::Digit(_) => {}
            Message::Erase => {
                self.digits.pop();
            }
            Message::Call(number) => return self.start(&number, context, providers),
            Message::End => return self.end(context),
            Message::Mute => self.mute = !self.mute,
            Message::Speaker => self.speaker = !self.speaker,
            Message::Hold(at) => {
                let Some(call) = self.calls.get(at) else { return Vec::new() };
                let block = if self.blocked.contains(&bare(&call.number)) { UNBLOCK } else { BLOCK };
                let items = [
                    (COPY, Effect::Copy(call.number.clone()).into()),
                    (block, send(Message::Block(call.number.clone()))),
                    (DELETE, send(Message::Delete(at))),
                ];
                let item = |(label, command)| MenuItem { label: language.say(label), command };
                return vec![Effect::Menu(items.map(item).to_vec())];
            }
            Message::Delete(at) => {
                if at < self.calls.len() {
                    self.calls.remove(at);
                }
            }
            Message::Block(number) => {
                let number = bare(&number);
                if !self.blocked.remove(&number) {
                    self.blocked.insert(number);
                }
            }
            Message::AskToClear => {
                return vec![Effect::ask(Question {
                    title: language.say(CLEAR_ALL).into(),
                    text: language.say(FOR_GOOD).into(),
                    yes: language.say(DELETE),
                    then: send(Message::Clear),
                })];
            }
            Message::Clear => self.calls.clear(),
        }
        Vec::new()
    }

    /// Whoever calls goes back to what was before the call.
    fn has_no_history(&self, page: &Page) -> bool {
        page.is("call")
    }

    fn facts(&self, providers: &Providers, facts: &mut Facts) {
        facts.insert("calls.count".into(), self.calls.len().to_string());
        for (at, call) in self.calls.iter().enumerate() {
            let way = match call.way {
                CallDirection::Out => "out",
                CallDirection::In => "in",
                CallDirection::Missed => "missed",
            };
            let name = Self::name(&call.number, providers);
            facts.insert(format!("calls.{at}"), format!("{way} {name} {}", clock_text(call.minute)));
        }
        let active = self.active.as_ref().map_or("", |(number, _)| Self::name(number, providers));
        facts.insert("calls.active".into(), active.to_owned());
        facts.insert("calls.mute".into(), (self.mute && self.active.is_some()).to_string());
        facts.insert("calls.speaker".into(), (self.speaker && self.active.is_some()).to_string());
        facts.insert("calls.blocked".into(), joined(&self.blocked));
    }

    /// `calls.missed` = `NAME or number; …`: missed calls, as the latest; `calls.blocked`.
    fn set_fact(&mut self, name: &[&str], value: &str, providers: &mut Providers) -> Option<Result<(), String>> {
        match name {
            ["calls", "missed"] => {
                for name in split(value) {
                    let number = providers.people.named(name).map_or(name, |person| &person.number).to_owned();
                    self.calls.insert(0, Call { number, way: CallDirection::Missed, minute: 8 * 60 + 55, seconds: 0 });
                }
            }
            ["calls", "blocked"] => self.blocked = split(value).map(bare).collect(),
            _ => return None,
        }
        Some(Ok(()))
    }
}
