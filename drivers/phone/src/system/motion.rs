//! What moves without being touched: a carousel, a line of text, a spinner. Off unless it is wanted.

use crate::draw::{Color, Rect};
use crate::locale::{Phrase, phrase};
use crate::ui::{Class, ROW, Shape, Style, Ui};

/// What moves on every page, in a band above the navigation bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Motion {
    #[default]
    None,
    /// Cards that slide in one after the other, each at rest most of the time.
    Carousel,
    /// A line of text that runs through, and never rests.
    Marquee,
    /// A wheel that turns as long as it is there.
    Spinner,
}

impl Motion {
    /// All of them, with the names that they are chosen by.
    pub const NAMES: [(&'static str, Motion); 4] = [
        ("none", Motion::None),
        ("carousel", Motion::Carousel),
        ("marquee", Motion::Marquee),
        ("spinner", Motion::Spinner),
    ];
}

/// The carousel's cards.
const CARDS: [(Phrase, Color); 3] = [
    (phrase("New ringtones", "新铃声"), 0x0EA5A4),
    (phrase("Spring wallpapers", "春季壁纸"), 0xE0567A),
    (phrase("Back up your photos", "备份照片"), 0x3B82F6),
];
/// How long a card is there, and how long it takes to slide in, in milliseconds.
const CARD: u64 = 3000;
const SLIDE: u64 = 400;
const NEWS: Phrase = phrase("Sunny tomorrow, with some clouds in the evening", "明天晴，傍晚多云");
/// Milliseconds in which the text moves by a design pixel.
const PACE: u64 = 12;
/// The wheel's spokes as dots round its middle, and how long each is the brightest.
const SPOKES: [(f32, f32); 8] =
    [(0.0, -20.0), (14.0, -14.0), (20.0, 0.0), (14.0, 14.0), (0.0, 20.0), (-14.0, 14.0), (-20.0, 0.0), (-14.0, -14.0)];
const SPOKE: u64 = 100;

/// For how many milliseconds from now it still moves without a rest.
pub fn moves_for(motion: Motion, millis: u64) -> u64 {
    match motion {
        Motion::None => 0,
        Motion::Carousel => SLIDE.saturating_sub(millis % CARD),
        Motion::Marquee | Motion::Spinner => u64::MAX,
    }
}

/// Draws what moves, in a row that begins at `top`.
pub fn view(ui: &mut Ui, motion: Motion, millis: u64, top: f32) {
    if motion == Motion::None {
        return;
    }
    let band = ui.rect(12.0, top + 4.0, 516.0, ROW - 8.0);
    let (card, radius) = (ui.theme.card, ui.px(24.0) as f32);
    ui.add(Class::Frame, "motion", band).shapes.push(Shape::Fill { rect: band, radius, color: card });
    ui.inside(|ui| match motion {
        Motion::None => {}
        Motion::Carousel => view_carousel(ui, millis, top),
        Motion::Marquee => {
            let (text, ink) = (ui.say(NEWS), ui.theme.ink);
            let left = 528.0 - (millis / PACE % 1600) as f32;
            ui.label("news", text, (left, top + ROW / 2.0), 1100.0, Style { fixed: true, ..Style::new(30.0, ink) });
        }
        Motion::Spinner => view_spinner(ui, millis, top),
    });
}

fn view_carousel(ui: &mut Ui, millis: u64, top: f32) {
    let at = (millis / CARD) as usize;
    let spent = (millis % CARD).min(SLIDE) as f32 / SLIDE as f32;
    for (place, left) in [(at + CARDS.len() - 1, 12.0 - 516.0 * spent), (at, 528.0 - 516.0 * spent)] {
        let (text, color) = CARDS[place % CARDS.len()];
        let rect = ui.rect(left, top + 4.0, 516.0, ROW - 8.0);
        let (text, radius) = (ui.say(text), ui.px(24.0) as f32);
        ui.add(Class::Frame, "slide", rect).shapes.push(Shape::Fill { rect, radius, color });
        ui.inside(|ui| {
            let style = Style { fixed: true, ..Style::new(30.0, 0xFFFFFF) };
            ui.label("text", text, (left + 36.0, top + ROW / 2.0), 440.0, style);
        });
    }
}

fn view_spinner(ui: &mut Ui, millis: u64, top: f32) {
    let lit = (millis / SPOKE) as usize % SPOKES.len();
    let (accent, off) = (ui.theme.accent, ui.theme.off);
    for (i, (x, y)) in SPOKES.into_iter().enumerate() {
        let dot = ui.rect(270.0 + x - 4.0, top + ROW / 2.0 + y - 4.0, 8.0, 8.0);
        let color = if i == lit { accent } else { off };
        let Rect { left, right, .. } = dot;
        let radius = (right - left) as f32 / 2.0;
        ui.add(Class::Image, "spoke", dot).shapes.push(Shape::Fill { rect: dot, radius, color });
    }
}
