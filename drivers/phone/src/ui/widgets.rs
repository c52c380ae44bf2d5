//! What pages are made of: lines of text, title bars, lists and their rows, fields, buttons, dialogs.

use super::{Class, ListExtent, Node, ROW, Shape, Ui};
use crate::command::{Command, Edit, Effect, FieldId, MenuItem};
use crate::date::clock_text;
use crate::draw::{self, Color, Rect};
use crate::icon::Icon;
use crate::locale::{BACK, CANCEL, COPY, Phrase, phrase};

/// More characters than any field has room for.
const FIELD_SHOWN_MAX: usize = 600;

const CUT: Phrase = phrase("Cut", "剪切");
const PASTE: Phrase = phrase("Paste", "粘贴");
const HOUR_UP: Phrase = phrase("Hour up", "增加小时");
const HOUR_DOWN: Phrase = phrase("Hour down", "减少小时");
const MINUTE_UP: Phrase = phrase("Minute up", "增加分钟");
const MINUTE_DOWN: Phrase = phrase("Minute down", "减少分钟");
const SELECT_ALL: Phrase = phrase("Select all", "全选");

/// How many whole rows fit between two heights.
pub fn visible_rows(top: f32, bottom: f32) -> usize {
    ((bottom - top) / ROW + 0.01).floor().max(0.0) as usize
}

/// How a line of text looks.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Design pixels.
    pub size: f32,
    pub color: Color,
    pub bold: bool,
    pub centered: bool,
    /// Does not follow the user's font size.
    pub fixed: bool,
}

impl Style {
    /// Plain text at the left.
    pub fn new(size: f32, color: Color) -> Style {
        Style { size, color, bold: false, centered: false, fixed: false }
    }
}

/// What a row begins with.
#[derive(Clone, Copy, Debug)]
pub enum Lead<'a> {
    None,
    Icon(Icon, Color),
    Initial(&'a str, Color),
}

/// What a row ends with.
#[derive(Clone, Copy, Debug)]
pub enum End<'a> {
    None,
    Text(&'a str),
    Switch(bool),
    Radio(bool),
    Chevron,
    Icon(Icon, Color),
}

/// One row of a list.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    pub id: &'static str,
    pub lead: Lead<'a>,
    pub title: &'a str,
    pub second: &'a str,
    pub end: End<'a>,
    pub tap: Option<Command>,
    /// What a long press does.
    pub hold: Option<Command>,
    /// The title's size in design pixels.
    pub size: f32,
}

impl Default for Row<'_> {
    fn default() -> Self {
        Row { id: "row", lead: Lead::None, title: "", second: "", end: End::None, tap: None, hold: None, size: 34.0 }
    }
}

/// What stands in a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldState<'a> {
    pub text: &'a str,
    pub focused: bool,
    /// Whether all of the text is selected.
    pub selected: bool,
}

/// A place for text; rectangle in design pixels.
#[derive(Clone, Debug)]
pub struct TextField<'a> {
    pub id: &'static str,
    pub hint: Phrase,
    pub field: FieldId,
    pub state: FieldState<'a>,
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

impl Ui {
    /// A line of text, vertically centred on `middle` and cut to `width`, all in design pixels.
    pub fn label(&mut self, id: &'static str, text: &str, at: (f32, f32), width: f32, style: Style) -> &mut Node {
        let size = if style.fixed { (style.size * self.scale).round() as u32 } else { self.font(style.size) };
        let shown = draw::fit(size, style.bold, text, self.px(width));
        let wide = draw::text_width(size, style.bold, &shown);
        let left = self.px(at.0) + if style.centered { (self.px(width) - wide) / 2 } else { 0 };
        let middle = self.px(at.1);
        let rect = Rect {
            left,
            top: middle - size as i32 * 6 / 10,
            right: left + wide,
            bottom: middle + size as i32 * 6 / 10,
        };
        let baseline = middle + size as i32 * 36 / 100;
        let node = self.add(Class::Text, id, rect);
        node.text = text.to_string();
        node.shapes.push(Shape::Text { x: left, baseline, size, bold: style.bold, color: style.color, text: shown });
        node
    }

    /// The bar at the top of a page: its title, a way back and what else can be done there.
    pub fn title_bar(&mut self, title: &str, back: bool, actions: &[(Icon, Phrase, Command)]) {
        let middle = ROW * 1.5;
        let ink = self.theme.ink;
        let mut left = 28.0;
        if back {
            self.icon_button("back", BACK, Icon::Back, (45.0, middle), ink, Command::Up);
            left = 92.0;
        }
        let width = 540.0 - left - 90.0 * actions.len() as f32;
        self.label("title", title, (left, middle), width, Style { bold: true, ..Style::new(40.0, ink) });
        for (i, (icon, desc, command)) in actions.iter().rev().enumerate() {
            let accent = self.theme.accent;
            self.icon_button("action", *desc, *icon, (495.0 - 90.0 * i as f32, middle), accent, command.clone());
        }
    }

    /// An icon that can be touched, with room round it for a finger.
    pub fn icon_button(
        &mut self,
        id: &'static str,
        desc: Phrase,
        icon: Icon,
        at: (f32, f32),
        color: Color,
        command: Command,
    ) {
        let desc = self.say(desc);
        let room = self.rect(at.0 - 45.0, at.1 - ROW / 2.0, 90.0, ROW);
        let rect = self.rect(at.0 - 20.0, at.1 - 20.0, 40.0, 40.0);
        let node = self.add(Class::ImageButton, id, room);
        node.desc = desc.to_string();
        node.tap = Some(command);
        node.shapes.push(Shape::Icon { icon, rect, color });
    }

    /// The list of a page: it starts at `top`, takes the rest of the page, and swipes move it.
    pub fn list(&mut self, count: usize, top: f32, mut row: impl FnMut(&mut Ui, usize, f32)) {
        if self.by_pixels {
            return self.scroll(top, |ui, column| column.rows(ui, count, &mut row));
        }
        let (first, bottom) = (self.scrolled, self.bottom);
        self.rows(count, first, top, bottom, row);
    }

    /// A list of rows that starts at `top`, ends at `bottom` and has been moved up by `first` whole rows.
    pub fn rows(
        &mut self,
        count: usize,
        first: usize,
        top: f32,
        bottom: f32,
        mut row: impl FnMut(&mut Ui, usize, f32),
    ) {
        let shown = visible_rows(top, bottom);
        let rect = self.rect(0.0, top, 540.0, shown as f32 * ROW);
        let (card, line) = (self.theme.card, self.theme.line);
        let filled = count.saturating_sub(first).min(shown);
        let back = self.rect(12.0, top, 516.0, filled as f32 * ROW);
        let radius = 24.0 * self.scale;
        let node = self.add(Class::List, "list", rect);
        node.scrolls = count > shown;
        let travel = count.saturating_sub(shown) as f32 * ROW;
        node.extent = Some(ListExtent { rows: count, shown, travel, is_from_end: false });
        if filled > 0 {
            node.shapes.push(Shape::Fill { rect: back, radius, color: card });
        }
        self.inside(|ui| {
            for slot in 0..filled {
                let y = top + slot as f32 * ROW;
                row(ui, first + slot, y);
                if slot + 1 < filled {
                    let rect = ui.rect(100.0, y + ROW - 1.0, 412.0, 1.5);
                    if let Some(node) = ui.nodes.last_mut() {
                        node.shapes.push(Shape::Fill { rect, radius: 0.0, color: line });
                    }
                }
            }
            if ui.is_second() && count > shown {
                ui.scroll_bar(first as f32 / count as f32, shown as f32 / count as f32, (top, shown as f32 * ROW));
            }
        });
    }

    /// How far a list has been moved, and how much of it is shown, as shares of the whole.
    pub(super) fn scroll_bar(&mut self, first: f32, shown: f32, (top, height): (f32, f32)) {
        let rect = self.rect(531.0, top + height * first, 6.0, height * shown);
        let (color, radius) = (self.theme.faint, 3.0 * self.scale);
        self.add(Class::Frame, "scroll_bar", rect).shapes.push(Shape::Fill { rect, radius, color });
    }

    /// One row of a list: a picture, a title, perhaps a second line, perhaps something at its end.
    pub fn row(&mut self, top: f32, row: Row<'_>) {
        let rect = self.rect(0.0, top, 540.0, ROW);
        let middle = top + ROW / 2.0;
        let (ink, faint) = (self.theme.ink, self.theme.faint);
        let node = self.add(Class::Row, row.id, rect);
        node.tap = row.tap.clone();
        node.hold = row.hold.clone();
        self.inside(|ui| {
            let mut left = 36.0;
            match row.lead {
                Lead::None => {}
                Lead::Icon(icon, color) => {
                    let back = ui.rect(28.0, middle - 28.0, 56.0, 56.0);
                    let front = ui.rect(40.0, middle - 16.0, 32.0, 32.0);
                    let radius = 18.0 * ui.scale;
                    let node = ui.add(Class::Image, "icon", back);
                    node.shapes.push(Shape::Fill { rect: back, radius, color });
                    node.shapes.push(Shape::Icon { icon, rect: front, color: 0xFFFFFF });
                    left = 104.0;
                }
                Lead::Initial(name, color) => {
                    let back = ui.rect(26.0, middle - 30.0, 60.0, 60.0);
                    let radius = 30.0 * ui.scale;
                    let node = ui.add(Class::Image, "avatar", back);
                    node.shapes.push(Shape::Fill { rect: back, radius, color });
                    let initial: String = name.chars().take(1).collect();
                    let style = Style { centered: true, fixed: true, ..Style::new(30.0, 0xFFFFFF) };
                    ui.label("initial", &initial, (26.0, middle), 60.0, style);
                    left = 104.0;
                }
            }
            let room = match row.end {
                End::None => 512.0,
                End::Text(_) => 400.0,
                End::Switch(_) | End::Chevron | End::Radio(_) | End::Icon(..) => 440.0,
            } - left;
            if row.second.is_empty() {
                ui.label("title", row.title, (left, middle), room, Style::new(row.size, ink));
            } else {
                ui.label("title", row.title, (left, middle - 17.0), room, Style::new(row.size, ink));
                ui.label("summary", row.second, (left, middle + 22.0), room, Style::new(23.0, faint));
            }
            match row.end {
                End::None => {}
                End::Text(text) if ui.by_pixels => {
                    ui.label_right("end", text, 512.0, middle, Style::new(23.0, faint));
                }
                End::Text(text) => {
                    ui.label("end", text, (412.0, middle), 100.0, Style::new(23.0, faint));
                }
                End::Switch(on) => ui.switch(middle, on),
                End::Radio(on) => {
                    let color = if on { ui.theme.accent } else { ui.theme.off };
                    let rect = ui.rect(470.0, middle - 20.0, 40.0, 40.0);
                    let icon = if on { Icon::Check } else { Icon::Circle };
                    let node = ui.add(Class::Radio, "radio", rect);
                    node.checked = Some(on);
                    node.shapes.push(Shape::Icon { icon, rect, color });
                }
                End::Chevron => {
                    let rect = ui.rect(478.0, middle - 14.0, 28.0, 28.0);
                    let color = ui.theme.off;
                    ui.add(Class::Image, "more", rect).shapes.push(Shape::Icon { icon: Icon::Chevron, rect, color });
                }
                End::Icon(icon, color) => {
                    let rect = ui.rect(474.0, middle - 16.0, 32.0, 32.0);
                    ui.add(Class::Image, "mark", rect).shapes.push(Shape::Icon { icon, rect, color });
                }
            }
        });
    }

    fn switch(&mut self, middle: f32, on: bool) {
        let left = if self.is_second() || self.by_pixels { 432.0 } else { 448.0 };
        let rect = self.rect(left, middle - 22.0, 76.0, 44.0);
        let knob = self.rect(left + if on { 36.0 } else { 4.0 }, middle - 18.0, 36.0, 36.0);
        let color = if on { 0x22A559 } else { self.theme.off };
        let round = 22.0 * self.scale;
        let node = self.add(Class::Switch, "switch", rect);
        node.checked = Some(on);
        node.shapes.push(Shape::Fill { rect, radius: round, color });
        node.shapes.push(Shape::Fill { rect: knob, radius: round, color: 0xFFFFFF });
    }

    /// A field for text. Empty ones show a hint; the focused one has a coloured edge and a caret.
    pub fn field(&mut self, field: TextField<'_>) {
        let FieldState { text, focused, selected } = field.state;
        let hint = self.say(field.hint);
        let edge = if focused { self.theme.accent } else { self.theme.line };
        let (card, ink, faint, accent) = (self.theme.card, self.theme.ink, self.theme.faint, self.theme.accent);
        let rect = self.rect(field.left, field.top, field.width, field.height);
        let inner = Rect { left: rect.left + 3, top: rect.top + 3, right: rect.right - 3, bottom: rect.bottom - 3 };
        let radius = 26.0 * self.scale;
        let size = self.font(30.0);
        let is_empty = text.is_empty();
        let shown = if is_empty { hint } else { text };
        // Only the end of a long text can be seen, so only that is broken into lines.
        let hidden = shown.chars().count().saturating_sub(FIELD_SHOWN_MAX);
        let shown: String = shown.chars().skip(hidden).collect();
        let lines = draw::wrap(size, &shown, self.px(field.width - 44.0));
        let line_height = size as i32 * 14 / 10;
        let room = ((rect.height() - self.px(20.0)) / line_height).max(1) as usize;
        let lines = &lines[lines.len().saturating_sub(room)..];
        let x = rect.left + self.px(22.0);
        let first = if field.height > ROW * 1.2 {
            rect.top + self.px(20.0) + size as i32
        } else {
            rect.center().1 + size as i32 * 36 / 100 - (lines.len() as i32 - 1) * line_height / 2
        };
        let caret_width = self.px(3.0).max(2);
        let has_caret = focused && self.caret;
        let hold = self.edit_menu();
        let node = self.add(Class::Field, field.id, rect);
        node.text = text.to_string();
        node.hint = hint.to_string();
        node.focused = focused;
        node.tap = Some(Effect::Focus(field.field).into());
        node.hold = Some(hold);
        node.shapes.push(Shape::Fill { rect, radius, color: edge });
        node.shapes.push(Shape::Fill { rect: inner, radius: radius - 3.0, color: card });
        let mut end = (x, first);
        for (i, line) in lines.iter().enumerate() {
            let baseline = first + i as i32 * line_height;
            let color = if is_empty { faint } else { ink };
            let wide = x + draw::text_width(size, false, line) + 2;
            if selected && !is_empty {
                let top = baseline - size as i32;
                let rect = Rect { left: x, top, right: wide, bottom: top + line_height };
                node.shapes.push(Shape::Fill { rect, radius: 0.0, color: draw::mix(card, accent, 90) });
            }
            node.shapes.push(Shape::Text { x, baseline, size, bold: false, color, text: line.clone() });
            if !is_empty {
                end = (wide, baseline);
            }
        }
        if has_caret {
            let top = end.1 - size as i32 * 85 / 100;
            let caret = Rect { left: end.0, top, right: end.0 + caret_width, bottom: top + size as i32 * 11 / 10 };
            node.shapes.push(Shape::Fill { rect: caret, radius: 0.0, color: accent });
        }
    }

    /// A time of day with buttons that move it by hours and by five minutes.
    pub fn time_picker(&mut self, minute: u32, turn: impl Fn(i32) -> Command) {
        let ink = self.theme.ink;
        let area = self.rect(0.0, 4.0 * ROW, 540.0, 2.0 * ROW);
        self.add(Class::Frame, "time", area);
        let style = Style { centered: true, fixed: true, ..Style::new(96.0, ink) };
        self.label("time", &clock_text(minute), (0.0, 5.0 * ROW), 540.0, style);
        for (x, up, down, step) in [(180.0, HOUR_UP, HOUR_DOWN, 60), (360.0, MINUTE_UP, MINUTE_DOWN, 5)] {
            self.icon_button("up", up, Icon::Plus, (x, 3.5 * ROW), ink, turn(step));
            self.icon_button("down", down, Icon::Minus, (x, 6.5 * ROW), ink, turn(-step));
        }
    }

    /// What a long press on a field offers.
    fn edit_menu(&self) -> Command {
        let items = [(CUT, Edit::Cut), (COPY, Edit::Copy), (PASTE, Edit::Paste), (SELECT_ALL, Edit::SelectAll)];
        let items = items.map(|(label, edit)| MenuItem { label: self.say(label), command: Command::Edit(edit) });
        Effect::Menu(items.to_vec()).into()
    }

    /// A button with words on it.
    pub fn button(&mut self, id: &'static str, text: &str, rect: (f32, f32, f32, f32), color: Color, tap: Command) {
        let (left, top, width, height) = rect;
        let radius = 22.0 * self.scale;
        let area = self.rect(left, top, width, height);
        let node = self.add(Class::Button, id, area);
        node.tap = Some(tap);
        node.shapes.push(Shape::Fill { rect: area, radius, color });
        let is_grey = (self.is_second() || self.by_pixels) && color == self.theme.off;
        let ink = if is_grey || self.by_pixels && color == self.theme.key { self.theme.ink } else { 0xFFFFFF };
        self.inside(|ui| {
            let style = Style { centered: true, fixed: true, ..Style::new(30.0, ink) };
            ui.label("text", text, (left, top + height / 2.0), width, style);
        });
    }

    /// Darkens everything below and keeps touches from it; `build` adds what lies on top, and a touch beside that does
    /// `beside`.
    pub fn cover(&mut self, id: &'static str, beside: Option<Command>, build: impl FnOnce(&mut Ui)) {
        let all = self.rect(0.0, 0.0, 540.0, self.height());
        let node = self.add(Class::Frame, id, all);
        node.modal = true;
        node.tap = beside;
        node.shapes.push(Shape::Shade);
        self.inside(build);
    }

    /// A card with round corners; what is added `inside` lies on it.
    pub fn card(&mut self, id: &'static str, rect: (f32, f32, f32, f32)) {
        let card = self.rect(rect.0, rect.1, rect.2, rect.3);
        let (color, radius) = (self.theme.card, self.px(30.0) as f32);
        let node = self.add(Class::Frame, id, card);
        node.modal = true;
        node.shapes.push(Shape::Fill { rect: card, radius, color });
    }

    /// A question over everything below, with two answers.
    pub fn dialog(&mut self, dialog: Dialog<'_>) {
        let (top, ink, faint, off) = (dialog.top, self.theme.ink, self.theme.faint, self.theme.off);
        self.cover("dialog", None, |ui| {
            ui.card("card", (36.0, top, 468.0, 3.0 * ROW));
            let bold = Style { bold: true, ..Style::new(36.0, ink) };
            ui.label("title", dialog.title, (66.0, top + 0.5 * ROW), 400.0, bold);
            let lines = draw::wrap(ui.font(26.0), dialog.text, ui.px(400.0));
            if ui.by_pixels && 1 < lines.len() {
                for (i, line) in lines.iter().take(2).enumerate() {
                    let middle = top + (1.08 + 0.42 * i as f32) * ROW;
                    ui.label("text", line, (66.0, middle), 410.0, Style::new(26.0, faint));
                }
            } else {
                ui.label("text", dialog.text, (66.0, top + 1.3 * ROW), 400.0, Style::new(28.0, faint));
            }
            let row = top + 2.0 * ROW + 6.0;
            let (id, label, tap) = dialog.no;
            let label = label.unwrap_or_else(|| ui.say(CANCEL));
            ui.button(id, label, (56.0, row, 206.0, ROW - 24.0), off, tap);
            let (id, label, color, tap) = dialog.yes;
            ui.button(id, label, (278.0, row, 206.0, ROW - 24.0), color, tap);
        });
    }
}

/// A question with two answers.
#[derive(Clone, Debug)]
pub struct Dialog<'a> {
    /// Where its card begins, in design pixels.
    pub top: f32,
    pub title: &'a str,
    pub text: &'a str,
    /// The id, the label (`None` for the word that cancels) and the effect of the button that says no.
    pub no: (&'static str, Option<&'static str>, Command),
    pub yes: (&'static str, &'static str, Color, Command),
}
