//! Calendar: a week, the events of a day, a new event.

use serde_json::{Value, json};

use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Command, Effect, FieldId, Page, Question, send};
use crate::content;
use crate::date::{clock_text, minute_of};
use crate::dice::Dice;
use crate::functions::{AppFunction, Arguments, FunctionError, Parameter, Returns, ValueType, invalid};
use crate::icon::Icon;
use crate::locale::{DELETE, DISCARD, Language, Phrase, SAVE, WILL_BE_LOST, phrase};
use crate::providers::Providers;
use crate::ui::{Class, End, Lead, ROW, Row, Shape, Style, TextField, Ui};

const CALENDAR: Phrase = phrase("Calendar", "日历");
const NEW_EVENT: Phrase = phrase("New event", "新建日程");
const TIME: Phrase = phrase("Time", "时间");
const DONE: Phrase = phrase("Done", "完成");
const NOTHING_PLANNED: Phrase = phrase("Nothing planned", "没有日程");
const TITLE: Phrase = phrase("Title", "标题");
const DELETE_EVENT: Phrase = phrase("Delete event", "删除日程");
const WILL_BE_REMOVED: Phrase = phrase("{} will be removed.", "“{}”将被删除。");
const DISCARD_EVENT: Phrase = phrase("Discard event?", "舍弃日程？");

const TITLE_FIELD: FieldId = FieldId::new("event");
/// When an event begins if nobody says.
const NOON: u32 = 12 * 60;
/// The days that the app shows.
const DAYS: usize = 7;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Event {
    /// Days after the world's first one.
    day: u32,
    /// Minutes after midnight.
    minute: u32,
    title: String,
}

/// All events, by day and time.
#[derive(Clone, Debug)]
pub struct Calendar {
    events: Vec<Event>,
    /// Minutes after midnight of the event that is being made.
    new: u32,
}

const DATE: Parameter = Parameter::required("date", ValueType::Text, "Such as 2026-01-05, within the next seven days");
const EVENT: &[Parameter] = &[
    Parameter::required("title", ValueType::Text, "What it is called"),
    DATE,
    Parameter::required("time", ValueType::Text, "When it begins, such as 15:00"),
];
const FUNCTIONS: &[AppFunction] = &[
    AppFunction {
        name: "listEvents",
        about: "Lists the events of a day",
        parameters: &[DATE],
        returns: Returns::Rows(&[
            Parameter::required("time", ValueType::Text, ""),
            Parameter::required("title", ValueType::Text, ""),
        ]),
        reads: true,
    },
    AppFunction {
        name: "createEvent",
        about: "Writes an event into the calendar",
        parameters: EVENT,
        returns: Returns::Text,
        reads: false,
    },
    AppFunction {
        name: "deleteEvent",
        about: "Deletes an event for good",
        parameters: EVENT,
        returns: Returns::Text,
        reads: false,
    },
];

#[derive(Clone, Debug)]
pub enum Message {
    /// Moves the event that is being made, round the clock.
    Turn(i32),
    Save,
    Discard,
    /// The day, and the event's place on it.
    AskToDelete(u32, usize),
    Delete(u32, usize),
}

/// The page of a day, or that of a new event on a day.
fn of_day(name: &'static str, day: u32) -> Page {
    Page::of(name, day)
}

fn day_of(page: &Page) -> u32 {
    page.number().unwrap_or(0) as u32
}

impl Calendar {
    /// Draws events for a week.
    pub fn new(dice: &mut Dice, language: Language) -> Calendar {
        let mut events: Vec<Event> = (0..4 + dice.below(8))
            .map(|_| Event {
                day: dice.below(DAYS) as u32,
                minute: 30 * (16 + dice.below(24) as u32),
                title: dice.pick(content::events(language)).to_string(),
            })
            .collect();
        events.sort_by_key(|event| (event.day, event.minute));
        Calendar { events, new: NOON }
    }

    /// The events of a day.
    fn on(&self, day: u32) -> Vec<&Event> {
        self.events.iter().filter(|event| event.day == day).collect()
    }

    fn left_empty(&mut self) -> Vec<Effect> {
        self.new = NOON;
        vec![Effect::Write(TITLE_FIELD, String::new()), Effect::Close]
    }

    fn view_day(&self, day: u32, context: &Context<'_>, ui: &mut Ui) {
        let title = ui.say(CALENDAR);
        ui.title_bar(title, false, &[(Icon::Plus, NEW_EVENT, Effect::Open(of_day("new", day)).into())]);
        for i in 0..DAYS {
            view_weekday(i, i as u32 == day, context, ui);
        }
        let events = self.on(day);
        if events.is_empty() {
            let (faint, text) = (ui.theme.faint, ui.say(NOTHING_PLANNED));
            ui.label("empty", text, (36.0, 3.5 * ROW), 460.0, Style::new(30.0, faint));
        }
        ui.list(events.len(), 3.0 * ROW, |ui, i, y| {
            let event = events[i];
            let row = Row {
                id: "event",
                lead: Lead::Icon(Icon::Calendar, 0xE11D48),
                title: &event.title,
                end: End::Text(&clock_text(event.minute)),
                hold: Some(send(Message::AskToDelete(day, i))),
                ..Row::default()
            };
            ui.row(y, row);
        });
    }

    fn view_new(&self, context: &Context<'_>, ui: &mut Ui) {
        let title = ui.say(NEW_EVENT);
        ui.title_bar(title, true, &[(Icon::Check, SAVE, send(Message::Save))]);
        ui.field(TextField {
            id: "event",
            hint: TITLE,
            field: TITLE_FIELD,
            state: context.field(&TITLE_FIELD),
            left: 18.0,
            top: 2.0 * ROW + 10.0,
            width: 504.0,
            height: ROW - 20.0,
        });
        let day = day_of(context.page);
        if day as usize >= DAYS {
            return;
        }
        let date = context.day(day.into());
        let when = format!("{} {}, {}", date.weekday(context.language), date.day, clock_text(self.new));
        let color = if ui.is_second() { ui.theme.accent } else { ui.theme.faint };
        if ui.is_second() {
            let rect = ui.rect(440.0, 3.4 * ROW - 18.0, 36.0, 36.0);
            let node = ui.add(Class::ImageButton, "clock", rect);
            node.tap = Some(Effect::Open(of_day("time", day)).into());
            node.shapes.push(Shape::Icon { icon: Icon::Clock, rect, color });
        }
        let node = ui.label("when", &when, (36.0, 3.4 * ROW), 400.0, Style::new(28.0, color));
        node.tap = Some(Effect::Open(of_day("time", day)).into());
    }
}

fn view_weekday(i: usize, is_shown: bool, context: &Context<'_>, ui: &mut Ui) {
    let date = context.day(i as u64);
    let width = 516.0 / DAYS as f32;
    let left = 12.0 + i as f32 * width;
    let rect = ui.rect(left, 2.0 * ROW, width, ROW);
    let (accent, faint, ink) = (ui.theme.accent, ui.theme.faint, ui.theme.ink);
    let pill = ui.rect(left + 6.0, 2.0 * ROW + 4.0, width - 12.0, ROW - 8.0);
    let radius = ui.px(20.0) as f32;
    let node = ui.add(Class::Button, "day", rect);
    node.tap = Some(Effect::Replace(of_day("day", i as u32)).into());
    if is_shown {
        node.shapes.push(Shape::Fill { rect: pill, radius, color: accent });
    }
    ui.inside(|ui| {
        let (small, large) = if is_shown { (0xFFFFFF, 0xFFFFFF) } else { (faint, ink) };
        let style = Style { centered: true, fixed: true, ..Style::new(22.0, small) };
        ui.label("weekday", &date.weekday(context.language), (left, 2.0 * ROW + 28.0), width, style);
        let style = Style { centered: true, fixed: true, ..Style::new(30.0, large) };
        ui.label("date", &date.day.to_string(), (left, 2.0 * ROW + 62.0), width, style);
    });
}

impl App for Calendar {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.android.calendar",
            activity: ".AllInOneActivity",
            label: CALENDAR,
            icon: Icon::Calendar,
            color: 0xE11D48,
        }
    }

    fn first_page(&self) -> Page {
        of_day("day", 0)
    }

    fn view(&self, page: &Page, context: &Context<'_>, _: &Providers, ui: &mut Ui) {
        match page.name {
            "new" => self.view_new(context, ui),
            "time" => {
                let title = ui.say(TIME);
                ui.title_bar(title, true, &[(Icon::Check, DONE, Command::Up)]);
                ui.time_picker(self.new, |minutes| send(Message::Turn(minutes)));
            }
            _ => self.view_day(day_of(page), context, ui),
        }
    }

    fn update(&mut self, message: Message, context: &Context<'_>, _: &mut Providers) -> Vec<Effect> {
        match message {
            Message::Turn(minutes) => self.new = (self.new as i32 + minutes).rem_euclid(24 * 60) as u32,
            Message::Save => {
                let title = context.trimmed(&TITLE_FIELD);
                if context.page.is("new") && !title.is_empty() {
                    let day = day_of(context.page);
                    self.events.push(Event { day, minute: self.new, title: title.to_string() });
                    self.events.sort_by_key(|event| (event.day, event.minute));
                    return self.left_empty();
                }
            }
            Message::Discard => return self.left_empty(),
            Message::AskToDelete(day, at) => {
                let Some(event) = self.on(day).get(at).copied() else { return Vec::new() };
                return vec![Effect::ask(Question {
                    title: context.language.say(DELETE_EVENT).into(),
                    text: context.language.say_with(WILL_BE_REMOVED, &event.title),
                    yes: context.language.say(DELETE),
                    then: send(Message::Delete(day, at)),
                })];
            }
            Message::Delete(day, at) => {
                let of_day: Vec<usize> =
                    (0..self.events.len()).filter(|index| self.events[*index].day == day).collect();
                if let Some(index) = of_day.get(at) {
                    self.events.remove(*index);
                }
            }
        }
        Vec::new()
    }

    /// A new event is there to be written, so its field has the focus at once.
    fn on_open(&mut self, page: &Page, _: &Providers) -> Vec<Effect> {
        if !page.is("new") {
            return Vec::new();
        }
        self.new = NOON;
        vec![Effect::Focus(TITLE_FIELD)]
    }

    fn enter(&self, _: &FieldId) -> Option<Command> {
        Some(send(Message::Save))
    }

    fn unsaved_question(&self, context: &Context<'_>, _: &Providers) -> Option<Question> {
        (context.page.is("new") && !context.trimmed(&TITLE_FIELD).is_empty()).then(|| Question {
            title: context.language.say(DISCARD_EVENT).into(),
            text: context.language.say(WILL_BE_LOST).into(),
            yes: context.language.say(DISCARD),
            then: send(Message::Discard),
        })
    }

    fn functions(&self) -> &'static [AppFunction] {
        FUNCTIONS
    }

    fn execute(
        &mut self,
        function: &str,
        arguments: &Arguments,
        context: &Context<'_>,
        _: &mut Providers,
    ) -> Result<Value, FunctionError> {
        let day = arguments.days_ahead("date", DAYS as u64, context.first_day)? as u32;
        if function == "listEvents" {
            let row = |event: &Event| json!({"time": clock_text(event.minute), "title": event.title});
            return Ok(self.on(day).into_iter().map(row).collect());
        }
        let (title, minute) = (arguments.line("title")?, arguments.minute("time")?);
        let event = Event { day, minute, title: title.to_owned() };
        match function {
            "createEvent" => {
                self.events.push(event);
                self.events.sort_by_key(|event| (event.day, event.minute));
            }
            "deleteEvent" => {
                let at = self.events.iter().position(|known| *known == event);
                self.events.remove(at.ok_or_else(|| invalid("there is no such event; listEvents tells them"))?);
            }
            _ => return Err(FunctionError::NotFound(function.to_owned())),
        }
        Ok(json!(format!("{} {} {title}", arguments.text("date"), clock_text(minute))))
    }

    fn facts(&self, _: &Providers, facts: &mut Facts) {
        for day in 0..DAYS as u32 {
            let events = self.on(day);
            facts.insert(format!("calendar.{day}.count"), events.len().to_string());
            let mut lines: Vec<String> =
                events.iter().map(|event| format!("{} {}", clock_text(event.minute), event.title)).collect();
            lines.sort();
            facts.insert(format!("calendar.{day}.events"), lines.join("; "));
        }
    }

    /// `calendar.DAY.events` is a day's events, as the fact says them.
    fn set_fact(&mut self, name: &[&str], value: &str, _: &mut Providers) -> Option<Result<(), String>> {
        let ["calendar", day, "events"] = name else { return None };
        let Some(day) = day.parse::<u32>().ok().filter(|day| (*day as usize) < DAYS) else {
            return Some(Err(format!("days go from 0 to {}", DAYS - 1)));
        };
        let read = |line: &str| {
            let (time, title) = line.split_once(' ')?;
            let minute = minute_of(time).filter(|_| !title.trim().is_empty())?;
            Some(Event { day, minute, title: title.trim().to_owned() })
        };
        let lines = value.split("; ").filter(|line| !line.is_empty());
        let Some(events) = lines.map(read).collect::<Option<Vec<Event>>>() else {
            return Some(Err("an event is written `10:00 Dentist`, and `; ` stands between two".into()));
        };
        self.events.retain(|event| event.day != day);
        self.events.extend(events);
        self.events.sort_by_key(|event| (event.day, event.minute));
        Some(Ok(()))
    }
}
