//! The widget tree: each node has a place, a look, and what a touch does to it.
//!
//! Pixels, the uiautomator XML, the hit test and the ground truth are all read from the same nodes. Sizes are given in
//! design pixels of a display 540 wide and scaled to the real one. Rows are a thirteenth of 1200 high.

mod forms;
mod scroll;
mod widgets;

use crate::command::Command;
use crate::draw::{Canvas, Color, Rect};
use crate::icon::{self, Icon};
use crate::locale::{Language, Phrase};
use crate::picture::{self, Picture};

pub use forms::{PadKey, TABS};
pub use scroll::{Column, EDGE, MEASURE, ScrolledBack};
pub use widgets::{Dialog, End, FieldState, Lead, Row, Style, TextField};

/// The height of a row, of the navigation bar and of a title bar with the status bar's lower half.
pub const ROW: f32 = 1200.0 / 13.0;

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
pub enum Shape {
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
    Picture {
        rect: Rect,
        radius: f32,
        picture: Picture,
    },
}

/// Whose window a widget is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The app in front, or the home screen.
    App,
    /// A dialog or a menu over the app in front, which belongs to it.
    Dialog,
    /// The keyboard.
    Keyboard,
    /// The system: status bar, navigation bar, lock screen, shade, and its own dialogs.
    System,
}

/// How much of a list is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListExtent {
    pub rows: usize,
    pub shown: usize,
    /// How far it can be moved up, in design pixels.
    pub travel: f32,
    /// It begins at its end, as a conversation does, and is moved down.
    pub is_from_end: bool,
}

/// One widget.
#[derive(Clone, Debug)]
pub struct Node {
    pub parent: Option<usize>,
    pub window: Window,
    pub class: Class,
    /// The resource id's last part.
    pub id: &'static str,
    pub text: String,
    /// What a screen reader would say of a picture.
    pub desc: String,
    /// What an empty field asks for.
    pub hint: String,
    pub rect: Rect,
    /// What can be seen of it lies in here.
    pub clip: Rect,
    pub shapes: Vec<Shape>,
    pub tap: Option<Command>,
    /// What a long press does; where there is nothing, it is a touch.
    pub hold: Option<Command>,
    pub checked: Option<bool>,
    /// Whether it is the one that was chosen of several.
    pub selected: bool,
    pub focused: bool,
    /// Whether it is a field that hides what is typed into it.
    pub password: bool,
    /// Whether a swipe over it moves it.
    pub scrolls: bool,
    /// What it shows of its rows, if it is a list of them.
    pub extent: Option<ListExtent>,
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

/// How widgets look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Appearance {
    #[default]
    First,
    /// Words on grey buttons can be read, switches keep off their card's edge, lists show how far they go, keys and
    /// icons are told apart, and the time of a new event is seen to be a choice.
    Second,
}

impl Appearance {
    /// All of them, with the names that they are chosen by.
    pub const NAMES: [(&'static str, Appearance); 2] = [("first", Appearance::First), ("second", Appearance::Second)];
}

/// Builds one page of widgets.
pub struct Ui {
    pub appearance: Appearance,
    pub theme: Theme,
    pub language: Language,
    pub nodes: Vec<Node>,
    /// Whose window the next nodes are in.
    pub window: Window,
    /// How many rows, or design pixels, the list of the page has been moved up.
    pub scrolled: usize,
    /// Whether lists move by pixels, and not by whole rows.
    pub by_pixels: bool,
    /// Where the page ends: above the keyboard if there is one, else above the navigation bar. Design pixels.
    pub bottom: f32,
    /// Whether the caret is shown at this moment.
    pub caret: bool,
    scale: f32,
    font_scale: f32,
    display: Rect,
    parents: Vec<usize>,
    clips: Vec<Rect>,
}

impl Ui {
    /// An empty display; `font_percent` scales text in rows.
    pub fn new(width: u32, height: u32, theme: Theme, font_percent: u32, language: Language) -> Ui {
        let display = Rect { left: 0, top: 0, right: width as i32, bottom: height as i32 };
        let scale = width as f32 / 540.0;
        Ui {
            appearance: Appearance::First,
            theme,
            language,
            nodes: Vec::new(),
            window: Window::App,
            scrolled: 0,
            by_pixels: false,
            bottom: height as f32 / scale - ROW,
            caret: true,
            scale,
            font_scale: font_percent as f32 / 100.0,
            display,
            parents: Vec::new(),
            clips: vec![display],
        }
    }

    /// Whether widgets look as they do since the second appearance.
    pub fn is_second(&self) -> bool {
        self.appearance == Appearance::Second
    }

    /// A phrase in the phone's language.
    pub fn say(&self, phrase: Phrase) -> &'static str {
        self.language.say(phrase)
    }

    /// A phrase with a value in place of its `{}`.
    pub fn say_with(&self, phrase: Phrase, value: &str) -> String {
        self.language.say_with(phrase, value)
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
            window: self.window,
            class,
            id,
            text: String::new(),
            desc: String::new(),
            hint: String::new(),
            rect,
            clip,
            shapes: Vec::new(),
            tap: None,
            hold: None,
            checked: None,
            selected: false,
            focused: false,
            password: false,
            scrolls: false,
            extent: None,
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
}

/// Draws all nodes, the first one lowest.
pub fn draw(nodes: &[Node], width: u32, height: u32, back: Color) -> Vec<u8> {
    let mut canvas = Canvas::new(width, height, back);
    for node in nodes {
        canvas.clip(node.clip);
        for shape in &node.shapes {
            match shape {
                Shape::Fill { rect, radius, color } => canvas.fill(*rect, *radius, *color),
                Shape::Gradient { rect, top, bottom } => canvas.gradient(*rect, *top, *bottom),
                Shape::Text { x, baseline, size, bold, color, text } => {
                    canvas.text(*x, *baseline, *size, *bold, *color, text);
                }
                Shape::Icon { icon, rect, color } => icon::draw(&mut canvas, *icon, *rect, *color),
                Shape::Shade => canvas.shade(),
                Shape::Photo { rect, seed } => canvas.photo(*rect, *seed),
                Shape::Picture { rect, radius, picture } => draw_picture(&mut canvas, *rect, *radius, *picture),
            }
        }
    }
    canvas.into_rgba()
}

fn draw_picture(canvas: &mut Canvas, rect: Rect, radius: f32, picture: Picture) {
    if !rect.is_empty() {
        canvas.image(rect, radius, &picture::cached_pixels(picture, rect.width() as u32, rect.height() as u32));
    }
}

/// What a long press at a pixel meets: the topmost node there that can be pressed long or touched.
pub fn hit_long(nodes: &[Node], x: i32, y: i32) -> Option<&Node> {
    let mut under = nodes.iter().rev().filter(|node| node.rect.and(node.clip).has(x, y));
    under.find(|node| node.hold.is_some() || node.tap.is_some() || node.modal)
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

/// Moves everything to the right.
pub fn shift(nodes: &mut [Node], by: i32) {
    let moved = |rect: &mut Rect| {
        rect.left += by;
        rect.right += by;
    };
    for node in nodes {
        moved(&mut node.rect);
        moved(&mut node.clip);
        for shape in &mut node.shapes {
            match shape {
                Shape::Fill { rect, .. }
                | Shape::Gradient { rect, .. }
                | Shape::Icon { rect, .. }
                | Shape::Photo { rect, .. }
                | Shape::Picture { rect, .. } => moved(rect),
                Shape::Text { x, .. } => *x += by,
                Shape::Shade => {}
            }
        }
    }
}
