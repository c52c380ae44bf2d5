//! What forms and pages of shops, maps and players are made of: tabs, chips, steppers, keypads, a month, pictures, notices.

use super::scroll::{EDGE, MEASURE};
use super::{Class, FieldState, Node, ROW, Shape, Style, TextField, Ui};
use crate::command::{Command, FieldId};
use crate::date::Date;
use crate::draw::{self, Color};
use crate::icon::Icon;
use crate::locale::{BACK, Phrase, phrase};
use crate::picture::Picture;

const LESS: Phrase = phrase("Less", "减少");
const MORE: Phrase = phrase("More", "增加");

/// A key of a keypad: what it says, its colour if it has one of its own, and what it does.
#[derive(Clone, Debug)]
pub struct PadKey<'a> {
    pub text: &'a str,
    /// A picture in place of the text, which is then read aloud.
    pub icon: Option<Icon>,
    pub color: Option<Color>,
    pub tap: Command,
}

impl<'a> PadKey<'a> {
    /// A key that says what it is.
    pub fn new(text: &'a str, tap: Command) -> PadKey<'a> {
        PadKey { text, icon: None, color: None, tap }
    }
}

impl Ui {
    /// A line between two things.
    pub fn line(&mut self, left: f32, width: f32, y: f32) {
        let rect = self.rect(left, y, width, 1.5);
        let color = self.theme.line;
        self.add(Class::Frame, "line", rect).shapes.push(Shape::Fill { rect, radius: 0.0, color });
    }

    /// A line of text that ends at `right`.
    pub fn label_right(&mut self, id: &'static str, text: &str, right: f32, middle: f32, style: Style) -> &mut Node {
        let size = if style.fixed { (style.size * self.scale).round() as u32 } else { self.font(style.size) };
        let wide = (draw::text_width(size, style.bold, text) + 1) as f32 / self.scale;
        self.label(id, text, (right - wide, middle), wide + 4.0, style)
    }

    /// A picture with round corners.
    pub fn picture(&mut self, rect: (f32, f32, f32, f32), picture: Picture, radius: f32, desc: &str) -> &mut Node {
        let rect = self.rect(rect.0, rect.1, rect.2, rect.3);
        let radius = radius * self.scale;
        let node = self.add(Class::Image, "picture", rect);
        node.desc = desc.to_owned();
        node.shapes.push(Shape::Picture { rect, radius, picture });
        node
    }

    /// Views of the same thing to choose from, under the title bar.
    pub fn tabs(&mut self, top: f32, tabs: &[(&str, bool, Command)]) {
        let width = 516.0 / tabs.len().max(1) as f32;
        let (accent, faint) = (self.theme.accent, self.theme.faint);
        for (i, (text, on, tap)) in tabs.iter().enumerate() {
            let left = 12.0 + width * i as f32;
            let rect = self.rect(left, top, width, TABS);
            let mark = self.rect(left + width * 0.2, top + TABS - 8.0, width * 0.6, 6.0);
            let radius = self.px(3.0) as f32;
            let node = self.add(Class::Button, "tab", rect);
            node.tap = Some(tap.clone());
            node.selected = *on;
            if *on {
                node.shapes.push(Shape::Fill { rect: mark, radius, color: accent });
            }
            let style =
                Style { bold: *on, centered: true, fixed: true, ..Style::new(28.0, if *on { accent } else { faint }) };
            self.inside(|ui| {
                ui.label("text", text, (left, top + TABS / 2.0 - 2.0), width, style);
            });
        }
    }

    /// The parts of an app, at the lower edge of its pages. They make room for a keyboard.
    pub fn bottom_bar(&mut self, tabs: &[(Icon, Phrase, bool, Command)]) {
        if self.bottom < self.nav_top() - 0.5 {
            return;
        }
        self.bottom -= ROW;
        let top = self.bottom;
        let width = 540.0 / tabs.len().max(1) as f32;
        let bar = self.rect(0.0, top, 540.0, ROW);
        let (card, accent, faint) = (self.theme.card, self.theme.accent, self.theme.faint);
        self.add(Class::Frame, "bottom_bar", bar).shapes.push(Shape::Fill { rect: bar, radius: 0.0, color: card });
        for (i, (icon, label, on, tap)) in tabs.iter().enumerate() {
            let left = width * i as f32;
            let rect = self.rect(left, top, width, ROW);
            let picture = self.rect(left + width / 2.0 - 18.0, top + 12.0, 36.0, 36.0);
            let (text, color) = (self.say(*label), if *on { accent } else { faint });
            let node = self.add(Class::Button, "tab", rect);
            node.tap = Some(tap.clone());
            node.selected = *on;
            node.shapes.push(Shape::Icon { icon: *icon, rect: picture, color });
            self.inside(|ui| {
                let style = Style { centered: true, fixed: true, ..Style::new(23.0, color) };
                ui.label("text", text, (left, top + 68.0), width, style);
            });
        }
    }

    /// A bar at the top of a page that is a field to search in.
    pub fn search_bar(&mut self, back: bool, hint: Phrase, field: FieldId, state: FieldState<'_>) {
        let middle = ROW * 1.5;
        let ink = self.theme.ink;
        let left = if back { 88.0 } else { 18.0 };
        if back {
            self.icon_button("back", BACK, Icon::Back, (45.0, middle), ink, Command::Up);
        }
        let (top, width, height) = (ROW + 8.0, 522.0 - left, ROW - 16.0);
        self.field(TextField { id: "search", hint, field, state, left, top, width, height });
        if state.text.is_empty() {
            let rect = self.rect(left + width - 54.0, middle - 16.0, 32.0, 32.0);
            let color = self.theme.faint;
            self.add(Class::Image, "magnifier", rect).shapes.push(Shape::Icon { icon: Icon::Search, rect, color });
        }
    }

    /// A field that hides what is typed into it.
    pub fn secret_field(&mut self, field: TextField<'_>) {
        let hidden = "•".repeat(field.state.text.chars().count());
        let state = FieldState { text: &hidden, ..field.state };
        self.field(TextField { state, ..field });
        if let Some(node) = self.nodes.last_mut() {
            node.password = true;
        }
    }

    /// One short thing to choose; left edge, top and width.
    pub fn chip(&mut self, (left, top, width): (f32, f32, f32), text: &str, on: bool, tap: Command) {
        let rect = self.rect(left, top, width, 56.0);
        let radius = self.px(28.0) as f32;
        let (color, ink) = if on { (self.theme.accent, 0xFFFFFF) } else { (self.theme.card, self.theme.ink) };
        let edge = if on { color } else { self.theme.off };
        let inner =
            draw::Rect { left: rect.left + 2, top: rect.top + 2, right: rect.right - 2, bottom: rect.bottom - 2 };
        let node = self.add(Class::Button, "chip", rect);
        node.tap = Some(tap);
        node.selected = on;
        node.shapes.push(Shape::Fill { rect, radius, color: edge });
        node.shapes.push(Shape::Fill { rect: inner, radius: radius - 2.0, color });
        self.inside(|ui| {
            let style = Style { centered: true, ..Style::new(26.0, ink) };
            ui.label("text", text, (left + 6.0, top + 28.0), width - 12.0, style);
        });
    }

    /// A number with a way down and a way up, from `left` on, 190 wide.
    pub fn stepper(&mut self, left: f32, middle: f32, value: &str, less: Command, more: Command) {
        let (ink, accent) = (self.theme.ink, self.theme.accent);
        self.icon_button("less", LESS, Icon::Minus, (left + 32.0, middle), accent, less);
        let style = Style { centered: true, bold: true, ..Style::new(30.0, ink) };
        self.label("count", value, (left + 70.0, middle), 50.0, style);
        self.icon_button("more", MORE, Icon::Plus, (left + 158.0, middle), accent, more);
    }

    /// Keys in lines, which share a height.
    pub fn keypad(&mut self, top: f32, height: f32, lines: &[Vec<PadKey<'_>>]) {
        let high = height / lines.len().max(1) as f32;
        for (line, keys) in lines.iter().enumerate() {
            let wide = 516.0 / keys.len().max(1) as f32;
            for (i, key) in keys.iter().enumerate() {
                let (left, top) = (12.0 + wide * i as f32, top + high * line as f32);
                let room = self.rect(left, top, wide, high);
                let cap = self.rect(left + 6.0, top + 6.0, wide - 12.0, high - 12.0);
                let radius = self.px(26.0) as f32;
                let (color, ink) = key.color.map_or((self.theme.card, self.theme.ink), |color| (color, 0xFFFFFF));
                let node = self.add(Class::Button, "pad", room);
                node.tap = Some(key.tap.clone());
                node.desc = key.text.to_owned();
                node.shapes.push(Shape::Fill { rect: cap, radius, color });
                if let Some(icon) = key.icon {
                    let rect = self.rect(left + wide / 2.0 - 22.0, top + high / 2.0 - 22.0, 44.0, 44.0);
                    if let Some(node) = self.nodes.last_mut() {
                        node.shapes.push(Shape::Icon { icon, rect, color: ink });
                    }
                    continue;
                }
                self.inside(|ui| {
                    let style = Style { centered: true, fixed: true, ..Style::new(40.0, ink) };
                    ui.label("text", key.text, (left, top + high / 2.0), wide, style);
                });
            }
        }
    }

    /// The days of a month, those of `open` to be touched. Begins at `top` and is eight rows high.
    pub fn month(
        &mut self,
        top: f32,
        first: Date,
        chosen: u64,
        open: std::ops::Range<u64>,
        tap: impl Fn(u64) -> Command,
    ) {
        let wide = 516.0 / 7.0;
        let (ink, faint, accent) = (self.theme.ink, self.theme.faint, self.theme.accent);
        let shut = draw::mix(faint, self.theme.back, 100);
        let days = |weeks: u64| Date::new(first.days + weeks);
        // A week begins on Monday; 1970-01-05 was one.
        let before = (first.days + 3) % 7;
        for column in 0..7_u64 {
            let day = days(7 + column - before);
            let style = Style { centered: true, fixed: true, ..Style::new(23.0, faint) };
            let text = day.weekday(self.language);
            self.label("weekday", &text, (12.0 + wide * column as f32, top + 0.3 * ROW), wide, style);
        }
        let mut day = first;
        while day.month == first.month {
            let place = before + day.days - first.days;
            let (left, middle) = (12.0 + wide * (place % 7) as f32, top + (0.95 + 0.8 * (place / 7) as f32) * ROW);
            let rect = self.rect(left, middle - 0.4 * ROW, wide, 0.8 * ROW);
            let pill = self.rect(left + wide / 2.0 - 30.0, middle - 30.0, 60.0, 60.0);
            let radius = self.px(30.0) as f32;
            let (is_open, is_chosen) = (open.contains(&day.days), day.days == chosen);
            let node = self.add(Class::Button, "day", rect);
            node.tap = is_open.then(|| tap(day.days));
            node.selected = is_chosen;
            if is_chosen {
                node.shapes.push(Shape::Fill { rect: pill, radius, color: accent });
            }
            let color = match (is_chosen, is_open) {
                (true, _) => 0xFFFFFF,
                (false, true) => ink,
                (false, false) => shut,
            };
            let text = day.day.to_string();
            self.inside(|ui| {
                let style = Style { centered: true, fixed: true, ..Style::new(30.0, color) };
                ui.label("date", &text, (left, middle), wide, style);
            });
            day = Date::new(day.days + 1);
        }
    }

    /// Why there is nothing here, and what can be done about it.
    pub fn notice(&mut self, icon: Icon, text: &str, button: Option<(&str, Command)>) {
        let top = 3.2 * ROW;
        let (faint, accent) = (self.theme.faint, self.theme.accent);
        let rect = self.rect(230.0, top, 80.0, 80.0);
        self.add(Class::Image, "notice_icon", rect).shapes.push(Shape::Icon { icon, rect, color: faint });
        let size = self.font(30.0);
        for (i, line) in draw::wrap(size, text, self.px(MEASURE)).iter().enumerate() {
            let style = Style { centered: true, ..Style::new(30.0, faint) };
            self.label("notice", line, (EDGE, top + 1.4 * ROW + 44.0 * i as f32), MEASURE, style);
        }
        if let Some((text, tap)) = button {
            self.button("try", text, (150.0, top + 2.5 * ROW, 240.0, ROW - 20.0), accent, tap);
        }
    }

    /// How far something has come, from 0 to 1.
    pub fn progress(&mut self, (left, top, width): (f32, f32, f32), share: f32) {
        let (whole, done) =
            (self.rect(left, top, width, 8.0), self.rect(left, top, width * share.clamp(0.0, 1.0), 8.0));
        let (off, accent, radius) = (self.theme.off, self.theme.accent, self.px(4.0) as f32);
        let node = self.add(Class::Frame, "progress", whole);
        node.shapes.push(Shape::Fill { rect: whole, radius, color: off });
        node.shapes.push(Shape::Fill { rect: done, radius, color: accent });
    }
}

/// How high a line of tabs is.
pub const TABS: f32 = 0.75 * ROW;
