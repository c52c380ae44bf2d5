//! Calendar: a week, the events of a day, a new event.

use super::{Act, FieldId, Page};
use crate::apps::messages::{Draft, clock};
use crate::content::EVENTS;
use crate::dice::Dice;
use crate::icon::Icon;
use crate::ui::{Class, End, Field, Lead, Look, ROW, Row, Style, Ui};

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Days after the world's first one.
    pub day: u32,
    /// Minutes after midnight.
    pub minute: u32,
    pub title: String,
}

/// All events, by day and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    pub list: Vec<Event>,
}

impl Events {
    /// Draws events for a week.
    pub fn new(dice: &mut Dice) -> Events {
        let mut list: Vec<Event> = (0..4 + dice.below(8))
            .map(|_| Event {
                day: dice.below(7) as u32,
                minute: 30 * (16 + dice.below(24) as u32),
                title: dice.pick(&EVENTS).to_string(),
            })
            .collect();
        list.sort_by_key(|event| (event.day, event.minute));
        Events { list }
    }

    /// Adds an event at noon.
    pub fn save(&mut self, day: u32, title: &str) {
        self.list.push(Event { day, minute: 12 * 60, title: title.to_string() });
        self.list.sort_by_key(|event| (event.day, event.minute));
    }

    /// The events of a day.
    pub fn on(&self, day: u32) -> Vec<&Event> {
        self.list.iter().filter(|event| event.day == day).collect()
    }

    /// Draws a page; `days` says what the days of the week are called and dated.
    pub fn view(&self, page: &Page, days: &[(String, u32)], draft: Draft<'_>, ui: &mut Ui, first: usize, bottom: f32) {
        match page {
            Page::NewEvent(day) => view_new(*day, days, draft, ui),
            Page::Day(day) => self.view_day(*day, days, ui, first, bottom),
            _ => {}
        }
    }

    fn view_day(&self, day: u32, days: &[(String, u32)], ui: &mut Ui, first: usize, bottom: f32) {
        ui.title_bar("Calendar", false, &[(Icon::Plus, "New event", Act::Open(Page::NewEvent(day)))]);
        for (i, (name, date)) in days.iter().enumerate() {
            let left = 12.0 + i as f32 * (516.0 / 7.0);
            let width = 516.0 / 7.0;
            let rect = ui.rect(left, 2.0 * ROW, width, ROW);
            let is_shown = i as u32 == day;
            let (accent, faint, ink) = (ui.theme.accent, ui.theme.faint, ui.theme.ink);
            let pill = ui.rect(left + 6.0, 2.0 * ROW + 4.0, width - 12.0, ROW - 8.0);
            let radius = ui.px(20.0) as f32;
            let node = ui.add(Class::Button, "day", rect);
            node.tap = Some(Act::ShowDay(i as u32));
            if is_shown {
                node.looks.push(Look::Fill { rect: pill, radius, color: accent });
            }
            ui.inside(|ui| {
                let (small, large) = if is_shown { (0xFFFFFF, 0xFFFFFF) } else { (faint, ink) };
                let style = Style { centered: true, fixed: true, ..Style::new(22.0, small) };
                ui.label("weekday", name, (left, 2.0 * ROW + 28.0), width, style);
                let style = Style { centered: true, fixed: true, ..Style::new(30.0, large) };
                ui.label("date", &date.to_string(), (left, 2.0 * ROW + 62.0), width, style);
            });
        }
        let events = self.on(day);
        if events.is_empty() {
            let faint = ui.theme.faint;
            ui.label("empty", "Nothing planned", (36.0, 3.5 * ROW), 460.0, Style::new(30.0, faint));
        }
        ui.rows(events.len(), first, 3.0 * ROW, bottom, |ui, i, y| {
            let event = events[i];
            ui.row(
                y,
                Row {
                    id: "event",
                    lead: Lead::Icon(Icon::Calendar, 0xE11D48),
                    title: &event.title,
                    second: "",
                    end: End::Text(&clock(event.minute)),
                    tap: None,
                    size: 34.0,
                },
            );
        });
    }
}

fn view_new(day: u32, days: &[(String, u32)], draft: Draft<'_>, ui: &mut Ui) {
    ui.title_bar("New event", true, &[(Icon::Check, "Save", Act::SaveEvent)]);
    ui.field(Field {
        id: "event",
        hint: "Title",
        text: draft.text,
        focused: draft.focused,
        left: 18.0,
        top: 2.0 * ROW + 10.0,
        width: 504.0,
        height: ROW - 20.0,
        tap: Act::Focus(FieldId::Event),
    });
    let faint = ui.theme.faint;
    let when = days.get(day as usize).map_or(String::new(), |(name, date)| format!("{name} {date}, 12:00"));
    ui.label("when", &when, (36.0, 3.4 * ROW), 460.0, Style::new(28.0, faint));
}
