//! Clock: alarms.

use super::{Act, Dialog, Page};
use crate::apps::messages::clock;
use crate::dice::Dice;
use crate::icon::Icon;
use crate::ui::{Class, End, Lead, ROW, Row, Style, Ui};

/// One alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Minutes after midnight.
    pub minute: u32,
    pub on: bool,
}

/// All alarms, the earliest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarms {
    pub list: Vec<Alarm>,
    /// Minutes after midnight of the alarm that is being made.
    pub new: u32,
}

impl Alarms {
    /// Draws alarms at whole and half hours between 05:00 and 22:30.
    pub fn new(dice: &mut Dice) -> Alarms {
        let mut minutes: Vec<u32> = (10..46).map(|half| half * 30).collect();
        dice.shuffle(&mut minutes);
        minutes.truncate(4 + dice.below(9));
        minutes.sort_unstable();
        Alarms { list: minutes.into_iter().map(|minute| Alarm { minute, on: dice.chance(45) }).collect(), new: 420 }
    }

    /// Adds an alarm that is on, or turns on the one that is there.
    pub fn save(&mut self) {
        let minute = self.new;
        match self.list.iter_mut().find(|alarm| alarm.minute == minute) {
            Some(alarm) => alarm.on = true,
            None => {
                self.list.push(Alarm { minute, on: true });
                self.list.sort_by_key(|alarm| alarm.minute);
            }
        }
    }

    /// Moves the alarm that is being made, round the clock.
    pub fn turn(&mut self, minutes: i32) {
        self.new = (self.new as i32 + minutes).rem_euclid(24 * 60) as u32;
    }

    /// Draws a page.
    pub fn view(&self, page: &Page, ui: &mut Ui, first: usize, bottom: f32) {
        match page {
            Page::NewAlarm => self.view_new(ui),
            _ => self.view_list(ui, first, bottom),
        }
    }

    fn view_list(&self, ui: &mut Ui, first: usize, bottom: f32) {
        ui.title_bar("Alarms", false, &[(Icon::Plus, "New alarm", Act::Open(Page::NewAlarm))]);
        ui.rows(self.list.len(), first, 2.0 * ROW, bottom, |ui, i, y| {
            let alarm = &self.list[i];
            let row = Row {
                id: "alarm",
                lead: Lead::Icon(Icon::Clock, if alarm.on { 0x2F80ED } else { 0x9AA2B1 }),
                title: &clock(alarm.minute),
                second: "",
                end: End::Switch(alarm.on),
                tap: Some(Act::Alarm(i)),
                size: 40.0,
            };
            ui.row(y, row);
            let faint = ui.theme.faint;
            let middle = y + ROW / 2.0;
            ui.icon_button("delete", "Delete alarm", Icon::Bin, (400.0, middle), faint, Act::Ask(Dialog::Alarm(i)));
        });
    }

    fn view_new(&self, ui: &mut Ui) {
        ui.title_bar("New alarm", true, &[(Icon::Check, "Save", Act::SaveAlarm)]);
        let ink = ui.theme.ink;
        let area = ui.rect(0.0, 4.0 * ROW, 540.0, 2.0 * ROW);
        ui.add(Class::Frame, "time", area);
        let style = Style { centered: true, fixed: true, ..Style::new(96.0, ink) };
        ui.label("time", &clock(self.new), (0.0, 5.0 * ROW), 540.0, style);
        for (x, up, down, less, more) in [
            (180.0, "Hour up", "Hour down", Act::AlarmHour(-1), Act::AlarmHour(1)),
            (360.0, "Minute up", "Minute down", Act::AlarmMinute(-5), Act::AlarmMinute(5)),
        ] {
            ui.icon_button("up", up, Icon::Plus, (x, 3.5 * ROW), ink, more);
            ui.icon_button("down", down, Icon::Minus, (x, 6.5 * ROW), ink, less);
        }
    }
}
