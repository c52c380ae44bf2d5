//! The part of a page that moves under the finger, laid out from top to bottom: rows, paragraphs, cards, chips, buttons.
//!
//! On a phone with all apps it moves by pixels, otherwise by whole rows. What is not in sight is not built.

use super::{Class, ListExtent, ROW, Shape, Style, Ui};
use crate::command::Command;
use crate::draw::{self, Color};

/// Room between the left edge of the display and what a page says.
pub const EDGE: f32 = 28.0;
/// How wide a page's text is.
pub const MEASURE: f32 = 484.0;
/// Room below the last thing of a page.
const END: f32 = 20.0;

/// Where the next thing of a page that scrolls comes. All heights are design pixels of the display.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    top: f32,
    bottom: f32,
    y: f32,
}

/// How far something that stands on its end has been pulled down to show what is above.
#[derive(Clone, Copy, Debug)]
pub struct ScrolledBack {
    pub offset: f32,
    /// The most that it can be.
    pub travel: f32,
    pub extent: ListExtent,
}

impl Ui {
    /// The page from `top` down, as far as it goes; more than there is room for can be scrolled to.
    pub fn scroll(&mut self, top: f32, mut build: impl FnMut(&mut Ui, &mut Column)) {
        let (bottom, offset) = (self.bottom, self.offset());
        let shown = (bottom - top).max(0.0);
        let rect = self.rect(0.0, top, 540.0, shown);
        let at = self.nodes.len();
        self.add(Class::List, "list", rect);
        let mut lay_out = |ui: &mut Ui, offset: f32| {
            let mut column = Column { top, bottom, y: top - offset };
            ui.inside(|ui| build(ui, &mut column));
            column.y + offset - top
        };
        let mut content = lay_out(self, offset);
        content += if shown < content { END } else { 0.0 };
        let travel = (content - shown).max(0.0);
        // The page has become shorter since it was scrolled.
        if travel < offset {
            self.nodes.truncate(at + 1);
            lay_out(self, travel);
        }
        let list = &mut self.nodes[at];
        list.scrolls = travel > 0.0;
        let (rows, rows_shown) = ((content / ROW).ceil() as usize, (shown / ROW).floor() as usize);
        list.extent = Some(ListExtent { rows, shown: rows_shown, travel, is_from_end: false });
        if travel > 0.0 {
            self.scroll_bar(offset.min(travel) / content, shown / content, (top, shown));
        }
    }

    /// What is shown of a content that stands on its end, where there is room for so much.
    pub fn scroll_back(&self, content: f32, shown: f32) -> ScrolledBack {
        let travel = (content - shown).max(0.0);
        let rows = (travel / ROW).ceil() as usize;
        ScrolledBack {
            offset: self.offset().min(travel),
            travel,
            extent: ListExtent { rows, shown: 0, travel, is_from_end: true },
        }
    }

    /// How far the page has been moved up, in design pixels.
    fn offset(&self) -> f32 {
        if self.by_pixels { self.scrolled as f32 } else { self.scrolled as f32 * ROW }
    }
}

impl Column {
    /// Where the next thing comes.
    pub fn y(&self) -> f32 {
        self.y
    }

    /// Leaves room free.
    pub fn gap(&mut self, height: f32) {
        self.y += height;
    }

    /// Something of a height, which is told where it begins, if any of it is in sight.
    pub fn item(&mut self, ui: &mut Ui, height: f32, build: impl FnOnce(&mut Ui, f32)) {
        if self.top < self.y + height && self.y < self.bottom {
            build(ui, self.y);
        }
        self.y += height;
    }

    /// Rows on a card.
    pub fn rows(&mut self, ui: &mut Ui, count: usize, row: impl FnMut(&mut Ui, usize, f32)) {
        self.tall_rows(ui, count, ROW, row);
    }

    /// Rows of another height on a card.
    pub fn tall_rows(&mut self, ui: &mut Ui, count: usize, height: f32, mut row: impl FnMut(&mut Ui, usize, f32)) {
        if count == 0 {
            return;
        }
        let start = self.y;
        self.back(ui, height * count as f32);
        for i in 0..count {
            self.item(ui, height, |ui, y| {
                row(ui, i, y);
                if i + 1 < count {
                    ui.line(100.0, 412.0, y + height - 1.0);
                }
            });
        }
        self.y = start + height * count as f32;
    }

    /// A card of a height behind what comes next.
    pub fn back(&mut self, ui: &mut Ui, height: f32) {
        if self.top < self.y + height && self.y < self.bottom {
            let rect = ui.rect(12.0, self.y, 516.0, height);
            let (color, radius) = (ui.theme.card, ui.px(24.0) as f32);
            ui.add(Class::Frame, "group", rect).shapes.push(Shape::Fill { rect, radius, color });
        }
    }

    /// What the next things are about.
    pub fn heading(&mut self, ui: &mut Ui, text: &str) {
        let faint = ui.theme.faint;
        self.item(ui, 0.6 * ROW, |ui, y| {
            ui.label("heading", text, (EDGE, y + 0.34 * ROW), MEASURE, Style { bold: true, ..Style::new(26.0, faint) });
        });
    }

    /// Text in as many lines as it takes.
    pub fn paragraph(&mut self, ui: &mut Ui, id: &'static str, text: &str, style: Style) {
        let size = ui.font(style.size);
        let height = style.size * 1.45 * size as f32 / (style.size * ui.scale).max(1.0);
        for line in draw::wrap(size, text, ui.px(MEASURE)) {
            self.item(ui, height, |ui, y| {
                ui.label(id, &line, (EDGE, y + height / 2.0), MEASURE + 20.0, style);
            });
        }
    }

    /// A button over the whole width.
    pub fn button(&mut self, ui: &mut Ui, id: &'static str, text: &str, color: Color, tap: Command) {
        self.item(ui, ROW, |ui, y| ui.button(id, text, (EDGE, y + 10.0, MEASURE, ROW - 20.0), color, tap));
    }

    /// Two buttons beside each other.
    pub fn buttons(&mut self, ui: &mut Ui, buttons: [(&'static str, &str, Color, Command); 2]) {
        self.item(ui, ROW, |ui, y| {
            for (i, (id, text, color, tap)) in buttons.into_iter().enumerate() {
                ui.button(id, text, (EDGE + 246.0 * i as f32, y + 10.0, 238.0, ROW - 20.0), color, tap);
            }
        });
    }

    /// Short things to choose from, as many in a line as there is room for.
    pub fn chips(&mut self, ui: &mut Ui, chips: &[(&str, bool, Command)]) {
        let size = ui.font(26.0);
        let wide = |ui: &Ui, text: &str| (draw::text_width(size, false, text) as f32 / ui.scale + 36.0).min(MEASURE);
        let mut line: Vec<(f32, f32, usize)> = Vec::new();
        let mut x = 0.0;
        for (i, chip) in chips.iter().enumerate() {
            let width = wide(ui, chip.0);
            if x + width > MEASURE && !line.is_empty() {
                self.chip_line(ui, &line, chips);
                line.clear();
                x = 0.0;
            }
            line.push((x, width, i));
            x += width + 12.0;
        }
        self.chip_line(ui, &line, chips);
    }

    fn chip_line(&mut self, ui: &mut Ui, line: &[(f32, f32, usize)], chips: &[(&str, bool, Command)]) {
        self.item(ui, 68.0, |ui, y| {
            for (x, width, at) in line {
                let (text, on, tap) = &chips[*at];
                ui.chip((EDGE + x, y + 6.0, *width), text, *on, tap.clone());
            }
        });
    }
}
