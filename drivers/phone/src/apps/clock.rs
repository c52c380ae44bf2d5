//! Clock: alarms.

use serde_json::{Value, json};

use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Effect, Page, Question, send};
use crate::date::{clock_text, minute_of};
use crate::dice::Dice;
use crate::functions::{AppFunction, Arguments, FunctionError, Parameter, Returns, ValueType, invalid};
use crate::icon::Icon;
use crate::locale::{DELETE, Phrase, SAVE, phrase};
use crate::providers::Providers;
use crate::ui::{End, Lead, ROW, Row, Ui};

const CLOCK: Phrase = phrase("Clock", "时钟");
const ALARMS: Phrase = phrase("Alarms", "闹钟");
const NEW_ALARM: Phrase = phrase("New alarm", "新建闹钟");
const DELETE_ALARM: Phrase = phrase("Delete alarm", "删除闹钟");
const WILL_BE_REMOVED: Phrase = phrase("The alarm will be removed.", "此闹钟将被删除。");

/// One alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Alarm {
    /// Minutes after midnight.
    minute: u32,
    on: bool,
}

/// All alarms, the earliest first.
#[derive(Clone, Debug)]
pub struct Clock {
    alarms: Vec<Alarm>,
    /// Minutes after midnight of the alarm that is being made.
    new: u32,
}

const TIME: Parameter = Parameter::required("time", ValueType::Text, "Such as 07:30");
const FUNCTIONS: &[AppFunction] = &[
    AppFunction {
        name: "listAlarms",
        about: "Lists all alarms, and whether each is on",
        parameters: &[],
        returns: Returns::Rows(&[
            Parameter::required("time", ValueType::Text, ""),
            Parameter::required("on", ValueType::Truth, ""),
        ]),
        reads: true,
    },
    AppFunction {
        name: "setAlarm",
        about: "Makes an alarm for a time, or turns the one that is there on or off",
        parameters: &[TIME, Parameter::optional("on", ValueType::Truth, "Whether it rings; true if left out")],
        returns: Returns::Text,
        reads: false,
    },
    AppFunction {
        name: "deleteAlarm",
        about: "Deletes an alarm for good",
        parameters: &[TIME],
        returns: Returns::Text,
        reads: false,
    },
];

#[derive(Clone, Debug)]
pub enum Message {
    Toggle(usize),
    AskToDelete(usize),
    Delete(usize),
    /// Moves the alarm that is being made, round the clock.
    Turn(i32),
    Save,
}

impl Clock {
    /// Draws alarms at whole and half hours between 05:00 and 22:30.
    pub fn new(dice: &mut Dice) -> Clock {
        let mut minutes: Vec<u32> = (10..46).map(|half| half * 30).collect();
        dice.shuffle(&mut minutes);
        minutes.truncate(4 + dice.below(9));
        minutes.sort_unstable();
        Clock { alarms: minutes.into_iter().map(|minute| Alarm { minute, on: dice.chance(45) }).collect(), new: 420 }
    }

    /// Adds an alarm, or turns the one that is there.
    fn set(&mut self, minute: u32, on: bool) {
        match self.alarms.iter_mut().find(|alarm| alarm.minute == minute) {
            Some(alarm) => alarm.on = on,
            None => {
                self.alarms.push(Alarm { minute, on });
                self.alarms.sort_by_key(|alarm| alarm.minute);
            }
        }
    }

    fn view_list(&self, ui: &mut Ui) {
        let title = ui.say(ALARMS);
        ui.title_bar(title, false, &[(Icon::Plus, NEW_ALARM, Effect::Open(Page::new("new")).into())]);
        ui.list(self.alarms.len(), 2.0 * ROW, |ui, i, y| {
            let alarm = &self.alarms[i];
            let row = Row {
                id: "alarm",
                lead: Lead::Icon(Icon::Clock, if alarm.on { 0x2F80ED } else { 0x9AA2B1 }),
                title: &clock_text(alarm.minute),
                end: End::Switch(alarm.on),
                tap: Some(send(Message::Toggle(i))),
                hold: Some(send(Message::AskToDelete(i))),
                size: 40.0,
                ..Row::default()
            };
            ui.row(y, row);
            let faint = ui.theme.faint;
            let middle = y + ROW / 2.0;
            ui.icon_button("delete", DELETE_ALARM, Icon::Bin, (400.0, middle), faint, send(Message::AskToDelete(i)));
        });
    }
}

impl App for Clock {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.android.deskclock",
            activity: ".DeskClock",
            label: CLOCK,
            icon: Icon::Clock,
            color: 0x1F2937,
        }
    }

    fn view(&self, page: &Page, _: &Context<'_>, _: &Providers, ui: &mut Ui) {
        if page.is("new") {
            let title = ui.say(NEW_ALARM);
            ui.title_bar(title, true, &[(Icon::Check, SAVE, send(Message::Save))]);
            ui.time_picker(self.new, |minutes| send(Message::Turn(minutes)));
        } else {
            self.view_list(ui);
        }
    }

    fn update(&mut self, message: Message, context: &Context<'_>, _: &mut Providers) -> Vec<Effect> {
        match message {
            Message::Toggle(at) => {
                if let Some(alarm) = self.alarms.get_mut(at) {
                    alarm.on = !alarm.on;
                }
            }
            Message::AskToDelete(at) => {
                return vec![Effect::ask(Question {
                    title: context.language.say(DELETE_ALARM).into(),
                    text: context.language.say(WILL_BE_REMOVED).into(),
                    yes: context.language.say(DELETE),
                    then: send(Message::Delete(at)),
                })];
            }
            Message::Delete(at) => {
                if at < self.alarms.len() {
                    self.alarms.remove(at);
                }
            }
            Message::Turn(minutes) => self.new = (self.new as i32 + minutes).rem_euclid(24 * 60) as u32,
            Message::Save => {
                self.set(self.new, true);
                return vec![Effect::Close];
            }
        }
        Vec::new()
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
        match function {
            "listAlarms" => {
                let row = |alarm: &Alarm| json!({"time": clock_text(alarm.minute), "on": alarm.on});
                Ok(self.alarms.iter().map(row).collect())
            }
            "setAlarm" => {
                let (minute, on) = (arguments.minute("time")?, arguments.truth("on").unwrap_or(true));
                self.set(minute, on);
                Ok(json!(format!("{} {}", clock_text(minute), if on { "on" } else { "off" })))
            }
            "deleteAlarm" => {
                let minute = arguments.minute("time")?;
                let at = self.alarms.iter().position(|alarm| alarm.minute == minute);
                self.alarms.remove(at.ok_or_else(|| invalid("there is no alarm at that time; listAlarms tells them"))?);
                Ok(json!(clock_text(minute)))
            }
            _ => Err(FunctionError::NotFound(function.to_owned())),
        }
    }

    fn facts(&self, _: &Providers, facts: &mut Facts) {
        for alarm in &self.alarms {
            facts.insert(format!("alarms.{}.on", clock_text(alarm.minute)), alarm.on.to_string());
        }
    }

    fn set_fact(&mut self, name: &[&str], value: &str, _: &mut Providers) -> Option<Result<(), String>> {
        let ["alarms", time, "on"] = name else { return None };
        let Ok(on) = value.parse() else { return Some(Err("it is true or false".into())) };
        let Some(minute) = minute_of(time) else { return Some(Err("a time is written 07:30".into())) };
        self.new = minute;
        self.set(minute, on);
        Some(Ok(()))
    }
}
