//! The widget tree: each node has a place, a look, and what a touch does to it.
//!
//! Pixels, the uiautomator XML, the hit test and the ground truth are all read from the same nodes. Sizes are given in
//! design pixels of a display 540 wide and scaled to the real one. Rows are a thirteenth of 1200 high.

use crate::apps::Act;
use crate::draw::{self, Canvas, Color, Rect};
use crate::icon::{self, Icon};

/// The height of a row, of the navigation bar and of a title bar with the status bar's lower half.
pub const ROW: f32 = 1200.0 / 13.0;

/// More characters than any field has room for.
const FIELD_SHOWN_MAX: usize = 600;

/// What kind of widget a node is, by what Android would call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Frame,
    List,
    Row,
    Text,
    Button,
    ImageButton,
    Image,
    Switch,
    Radio,
    Field,
    Key,
}

/// One thing that is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Look {
    Fill {
        rect: Rect,
        radius: f32,
        color: Color,
    },
    Gradient {
        rect: Rect,
        top: Color,
        bottom: Color,
    },
    Text {
        x: i32,
        baseline: i32,
        size: u32,
        bold: bool,
        color: Color,
        text: String,
    },
    Icon {
        icon: Icon,
        rect: Rect,
        color: Color,
    },
    /// Everything below is darkened.
    Shade,
    /// A picture like a photograph, drawn from a seed.
    Photo {
        rect: Rect,
        seed: u64,
    },
}

/// One widget.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub parent: Option<usize>,
    pub class: Class,
    /// The resource id's last part.
    pub id: &'static str,
    pub text: String,
    /// What a screen reader would say of a picture.
    pub desc: String,
    pub rect: Rect,
    /// What can be seen of it lies in here.
    pub clip: Rect,
    pub looks: Vec<Look>,
    pub tap: Option<Act>,
    pub checked: Option<bool>,
    pub focused: bool,
    /// The list that a swipe over it moves, if it is one.
    pub scrolls: bool,
    /// Whether touches beside its children stop here.
    pub modal: bool,
}

/// The colours of a theme.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    pub back: Color,
    pub card: Color,
    pub ink: Color,
    pub faint: Color,
    pub line: Color,
    pub accent: Color,
    pub off: Color,
    pub key: Color,
}

/// Light colours.
pub const LIGHT: Theme = Theme {
    back: 0xF3F4F8,
    card: 0xFFFFFF,
    ink: 0x16181D,
    faint: 0x6B7280,
    line: 0xE3E5EA,
    accent: 0x2563EB,
    off: 0xC7CBD3,
    key: 0xFFFFFF,
};

/// Dark colours.
pub const DARK: Theme = Theme {
    back: 0x0F1115,
    card: 0x1B1E25,
    ink: 0xF2F4F8,
    faint: 0x9AA2B1,
    line: 0x2A2E37,
    accent: 0x5B93FF,
    off: 0x4A505C,
    key: 0x2E333D,
};

/// Builds one page of widgets.
pub struct Ui {
    pub theme: Theme,
    pub nodes: Vec<Node>,
    scale: f32,
    font_scale: f32,
    display: Rect,
    parents: Vec<usize>,
    clips: Vec<Rect>,
}

impl Ui {
    /// An empty display; `font_percent` scales text in rows.
    pub fn new(width: u32, height: u32, theme: Theme, font_percent: u32) -> Ui {
        let display = Rect { left: 0, top: 0, right: width as i32, bottom: height as i32 };
        Ui {
            theme,
            nodes: Vec::new(),
            scale: width as f32 / 540.0,
            font_scale: font_percent as f32 / 100.0,
            display,
            parents: Vec::new(),
            clips: vec![display],
        }
    }

    /// Display height in design pixels.
    pub fn height(&self) -> f32 {
        self.display.bottom as f32 / self.scale
    }

    /// Where the navigation bar begins, in design pixels.
    pub fn nav_top(&self) -> f32 {
        self.height() - ROW
    }

    /// Design pixels to display pixels.
    pub fn px(&self, design: f32) -> i32 {
        (design * self.scale).round() as i32
    }

    /// A rectangle given in design pixels: left, top, width, height.
    pub fn rect(&self, left: f32, top: f32, width: f32, height: f32) -> Rect {
        Rect { left: self.px(left), top: self.px(top), right: self.px(left + width), bottom: self.px(top + height) }
    }

    /// A size of text in display pixels, scaled by the user's font size.
    pub fn font(&self, design: f32) -> u32 {
        (design * self.scale * self.font_scale).round() as u32
    }

    /// Adds a node under the one that is open.
    pub fn add(&mut self, class: Class, id: &'static str, rect: Rect) -> &mut Node {
        let clip = *self.clips.last().unwrap_or(&self.display);
        self.nodes.push(Node {
            parent: self.parents.last().copied(),
            class,
            id,
            text: String::new(),
            desc: String::new(),
            rect,
            clip,
            looks: Vec::new(),
            tap: None,
            checked: None,
            focused: false,
            scrolls: false,
            modal: false,
        });
        let last = self.nodes.len() - 1;
        &mut self.nodes[last]
    }

    /// Adds nodes under the last one, inside its rectangle.
    pub fn inside(&mut self, build: impl FnOnce(&mut Ui)) {
        let parent = self.nodes.len() - 1;
        let clip = self.nodes[parent].rect.and(*self.clips.last().unwrap_or(&self.display));
        self.parents.push(parent);
        self.clips.push(clip);
        build(self);
        self.parents.pop();
        self.clips.pop();
    }

    /// A line of text, vertically centred on `middle` and cut to `width`, all in design pixels.
    pub fn label(&mut self, id: &'static str, text: &str, at: (f32, f32), width: f32, style: Style) {
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
        node.looks.push(Look::Text { x: left, baseline, size, bold: style.bold, color: style.color, text: shown });
    }

    /// The bar at the top of a page: its title, a way back and what else can be done there.
    pub fn title_bar(&mut self, title: &str, back: bool, actions: &[(Icon, &'static str, Act)]) {
        let middle = ROW * 1.5;
        let ink = self.theme.ink;
        let mut left = 28.0;
        if back {
            self.icon_button("back", "Back", Icon::Back, (45.0, middle), ink, Act::Back);
            left = 92.0;
        }
        let width = 540.0 - left - 90.0 * actions.len() as f32;
        self.label("title", title, (left, middle), width, Style { bold: true, ..Style::new(40.0, ink) });
        for (i, (icon, desc, act)) in actions.iter().rev().enumerate() {
            let accent = self.theme.accent;
            self.icon_button("action", desc, *icon, (495.0 - 90.0 * i as f32, middle), accent, act.clone());
        }
    }

    /// An icon that can be touched, with room round it for a finger.
    pub fn icon_button(&mut self, id: &'static str, desc: &str, icon: Icon, at: (f32, f32), color: Color, act: Act) {
        let room = self.rect(at.0 - 45.0, at.1 - ROW / 2.0, 90.0, ROW);
        let rect = self.rect(at.0 - 20.0, at.1 - 20.0, 40.0, 40.0);
        let node = self.add(Class::ImageButton, id, room);
        node.desc = desc.to_string();
        node.tap = Some(act);
        node.looks.push(Look::Icon { icon, rect, color });
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
        if filled > 0 {
            node.looks.push(Look::Fill { rect: back, radius, color: card });
        }
        self.inside(|ui| {
            for slot in 0..filled {
                let y = top + slot as f32 * ROW;
                row(ui, first + slot, y);
                if slot + 1 < filled {
                    let rect = ui.rect(100.0, y + ROW - 1.0, 412.0, 1.5);
                    if let Some(node) = ui.nodes.last_mut() {
                        node.looks.push(Look::Fill { rect, radius: 0.0, color: line });
                    }
                }
            }
        });
    }

    /// One row of a list: a picture, a title, perhaps a second line, perhaps something at its end.
    pub fn row(&mut self, top: f32, row: Row<'_>) {
        let rect = self.rect(0.0, top, 540.0, ROW);
        let middle = top + ROW / 2.0;
        let (ink, faint) = (self.theme.ink, self.theme.faint);
        let node = self.add(Class::Row, row.id, rect);
        node.tap = row.tap.clone();
        self.inside(|ui| {
            let mut left = 36.0;
            match row.lead {
                Lead::None => {}
                Lead::Icon(icon, color) => {
                    let back = ui.rect(28.0, middle - 28.0, 56.0, 56.0);
                    let front = ui.rect(40.0, middle - 16.0, 32.0, 32.0);
                    let radius = 18.0 * ui.scale;
                    let node = ui.add(Class::Image, "icon", back);
                    node.looks.push(Look::Fill { rect: back, radius, color });
                    node.looks.push(Look::Icon { icon, rect: front, color: 0xFFFFFF });
                    left = 104.0;
                }
                Lead::Initial(name, color) => {
                    let back = ui.rect(26.0, middle - 30.0, 60.0, 60.0);
                    let radius = 30.0 * ui.scale;
                    let node = ui.add(Class::Image, "avatar", back);
                    node.looks.push(Look::Fill { rect: back, radius, color });
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
                    node.looks.push(Look::Icon { icon, rect, color });
                }
                End::Chevron => {
                    let rect = ui.rect(478.0, middle - 14.0, 28.0, 28.0);
                    let color = ui.theme.off;
                    ui.add(Class::Image, "more", rect).looks.push(Look::Icon { icon: Icon::Chevron, rect, color });
                }
                End::Icon(icon, color) => {
                    let rect = ui.rect(474.0, middle - 16.0, 32.0, 32.0);
                    ui.add(Class::Image, "mark", rect).looks.push(Look::Icon { icon, rect, color });
                }
            }
        });
    }

    fn switch(&mut self, middle: f32, on: bool) {
        let rect = self.rect(448.0, middle - 22.0, 76.0, 44.0);
        let knob = self.rect(if on { 484.0 } else { 452.0 }, middle - 18.0, 36.0, 36.0);
        let color = if on { 0x22A559 } else { self.theme.off };
        let round = 22.0 * self.scale;
        let node = self.add(Class::Switch, "switch", rect);
        node.checked = Some(on);
        node.looks.push(Look::Fill { rect, radius: round, color });
        node.looks.push(Look::Fill { rect: knob, radius: round, color: 0xFFFFFF });
    }

    /// A field for text. Empty ones show a hint; the focused one has a coloured edge and a cursor.
    pub fn field(&mut self, field: Field<'_>) {
        let edge = if field.focused { self.theme.accent } else { self.theme.line };
        let (card, ink, faint, accent) = (self.theme.card, self.theme.ink, self.theme.faint, self.theme.accent);
        let rect = self.rect(field.left, field.top, field.width, field.height);
        let inner = Rect { left: rect.left + 3, top: rect.top + 3, right: rect.right - 3, bottom: rect.bottom - 3 };
        let radius = 26.0 * self.scale;
        let size = self.font(30.0);
        let is_empty = field.text.is_empty();
        let shown = if is_empty { field.hint } else { field.text };
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
        let cursor_width = self.px(3.0).max(2);
        let node = self.add(Class::Field, field.id, rect);
        node.text = field.text.to_string();
        node.desc = field.hint.to_string();
        node.focused = field.focused;
        node.tap = Some(field.tap);
        node.looks.push(Look::Fill { rect, radius, color: edge });
        node.looks.push(Look::Fill { rect: inner, radius: radius - 3.0, color: card });
        let mut end = (x, first);
        for (i, line) in lines.iter().enumerate() {
            let baseline = first + i as i32 * line_height;
            let color = if is_empty { faint } else { ink };
            node.looks.push(Look::Text { x, baseline, size, bold: false, color, text: line.clone() });
            if !is_empty {
                end = (x + draw::text_width(size, false, line) + 2, baseline);
            }
        }
        if field.focused {
            let top = end.1 - size as i32 * 85 / 100;
            let cursor = Rect { left: end.0, top, right: end.0 + cursor_width, bottom: top + size as i32 * 11 / 10 };
            node.looks.push(Look::Fill { rect: cursor, radius: 0.0, color: accent });
        }
    }

    /// A button with words on it.
    pub fn button(&mut self, id: &'static str, text: &str, rect: (f32, f32, f32, f32), color: Color, act: Act) {
        let (left, top, width, height) = rect;
        let radius = 22.0 * self.scale;
        let area = self.rect(left, top, width, height);
        let node = self.add(Class::Button, id, area);
        node.tap = Some(act);
        node.looks.push(Look::Fill { rect: area, radius, color });
        self.inside(|ui| {
            let style = Style { centered: true, fixed: true, ..Style::new(30.0, 0xFFFFFF) };
            ui.label("text", text, (left, top + height / 2.0), width, style);
        });
    }
}

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
    pub tap: Option<Act>,
    /// The title's size in design pixels.
    pub size: f32,
}

/// A place for text; rectangle in design pixels.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    pub id: &'static str,
    pub hint: &'a str,
    pub text: &'a str,
    pub focused: bool,
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
    pub tap: Act,
}

/// Draws all nodes, the first one lowest.
pub fn draw(nodes: &[Node], width: u32, height: u32, back: Color) -> Vec<u8> {
    let mut canvas = Canvas::new(width, height, back);
    for node in nodes {
        canvas.clip(node.clip);
        for look in &node.looks {
            match look {
                Look::Fill { rect, radius, color } => canvas.fill(*rect, *radius, *color),
                Look::Gradient { rect, top, bottom } => canvas.gradient(*rect, *top, *bottom),
                Look::Text { x, baseline, size, bold, color, text } => {
                    canvas.text(*x, *baseline, *size, *bold, *color, text);
                }
                Look::Icon { icon, rect, color } => icon::draw(&mut canvas, *icon, *rect, *color),
                Look::Shade => canvas.shade(),
                Look::Photo { rect, seed } => canvas.photo(*rect, *seed),
            }
        }
    }
    canvas.into_rgba()
}

/// What a touch at a pixel does: the topmost node there that can be touched.
pub fn hit(nodes: &[Node], x: i32, y: i32) -> Option<&Node> {
    for node in nodes.iter().rev() {
        if node.rect.and(node.clip).has(x, y) {
            if node.tap.is_some() {
                return Some(node);
            }
            if node.modal {
                return None;
            }
        }
    }
    None
}
