//! Puts shapes and text into pixels: integer spans where edges are straight, coverage from distances where they are round.
//!
//! The same calls give the same bytes on every machine: no system font, no threads, no clock.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont};

/// Red, green, blue, 8 bits each, as in `0xRRGGBB`.
pub type Color = u32;

/// So many lines are looked at in each row of pixels of a polygon.
const SCANS: usize = 4;

/// A rectangle of pixels: left and top belong to it, right and bottom do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
}

impl Rect {
    /// The part that both rectangles share; empty if there is none.
    pub fn and(self, other: Rect) -> Rect {
        let left = self.left.max(other.left);
        let top = self.top.max(other.top);
        Rect { left, top, right: self.right.min(other.right).max(left), bottom: self.bottom.min(other.bottom).max(top) }
    }
    /// Whether the pixel lies inside.
    pub fn has(self, x: i32, y: i32) -> bool {
        self.left <= x && x < self.right && self.top <= y && y < self.bottom
    }
    /// Whether no pixel lies inside.
    pub fn is_empty(self) -> bool {
        self.left >= self.right || self.top >= self.bottom
    }
    /// Pixels from left to right.
    pub fn width(self) -> i32 {
        self.right - self.left
    }
    /// Pixels from top to bottom.
    pub fn height(self) -> i32 {
        self.bottom - self.top
    }
    /// The pixel in the middle.
    pub fn center(self) -> (i32, i32) {
        ((self.left + self.right) / 2, (self.top + self.bottom) / 2)
    }
}

/// Pixels that are being drawn.
pub struct Canvas {
    width: i32,
    height: i32,
    rgba: Vec<u8>,
    clip: Rect,
}

impl Canvas {
    /// A canvas of one colour.
    pub fn new(width: u32, height: u32, color: Color) -> Canvas {
        let pixel = opaque(color);
        let mut rgba = vec![0; 4 * width as usize * height as usize];
        rgba.as_chunks_mut::<4>().0.fill(pixel);
        let (width, height) = (width as i32, height as i32);
        Canvas { width, height, rgba, clip: Rect { left: 0, top: 0, right: width, bottom: height } }
    }

    /// Nothing outside `clip` is drawn from now on.
    pub fn clip(&mut self, clip: Rect) {
        self.clip = clip.and(Rect { left: 0, top: 0, right: self.width, bottom: self.height });
    }

    /// `[height, width, 4]` bytes.
    pub fn into_rgba(self) -> Vec<u8> {
        self.rgba
    }

    /// Darkens all that was drawn so far, as behind a dialog.
    pub fn shade(&mut self) {
        for at in self.rgba.chunks_exact_mut(4) {
            for channel in &mut at[..3] {
                *channel = (u16::from(*channel) * 45 / 100) as u8;
            }
        }
    }

    /// A picture like a photograph: soft shapes of many sizes and a sensor's grain, which no encoder packs well.
    pub fn photo(&mut self, rect: Rect, seed: u64) {
        let picture = crate::photo::picture(rect.width().max(0) as u32, rect.height().max(0) as u32, seed);
        let area = rect.and(self.clip);
        for y in area.top..area.bottom {
            let from = 4 * ((y - rect.top) * rect.width() + area.left - rect.left) as usize;
            let to = 4 * (y * self.width + area.left) as usize;
            let length = 4 * area.width() as usize;
            self.rgba[to..to + length].copy_from_slice(&picture[from..from + length]);
        }
    }

    /// A vertical gradient over a whole rectangle.
    pub fn gradient(&mut self, rect: Rect, top: Color, bottom: Color) {
        for y in rect.top..rect.bottom {
            let share = ((y - rect.top) * 255 / rect.height().max(1)) as u32;
            self.span(y, rect.left, rect.right, mix(top, bottom, share));
        }
    }

    /// A rectangle with round corners; `radius` 0 for square ones.
    pub fn fill(&mut self, rect: Rect, radius: f32, color: Color) {
        let radius = radius.min(rect.width() as f32 / 2.0).min(rect.height() as f32 / 2.0).max(0.0);
        let inset = radius.ceil() as i32;
        for y in rect.top.max(self.clip.top)..rect.bottom.min(self.clip.bottom) {
            let is_round = y < rect.top + inset || y >= rect.bottom - inset;
            if !is_round {
                self.span(y, rect.left, rect.right, color);
                continue;
            }
            self.span(y, rect.left + inset, rect.right - inset, color);
            let middle = if y < rect.top + inset { rect.top as f32 + radius } else { rect.bottom as f32 - radius };
            let down = y as f32 + 0.5 - middle;
            for (from, to, middle) in [
                (rect.left, rect.left + inset, rect.left as f32 + radius),
                (rect.right - inset, rect.right, rect.right as f32 - radius),
            ] {
                for x in from..to {
                    let across = x as f32 + 0.5 - middle;
                    self.blend(x, y, color, coverage(radius - (across * across + down * down).sqrt()));
                }
            }
        }
    }

    /// A line with round ends, `width` pixels thick.
    pub fn line(&mut self, from: (f32, f32), to: (f32, f32), width: f32, color: Color) {
        let reach = width / 2.0;
        let area = Rect {
            left: (from.0.min(to.0) - reach - 1.0).floor() as i32,
            top: (from.1.min(to.1) - reach - 1.0).floor() as i32,
            right: (from.0.max(to.0) + reach + 2.0).ceil() as i32,
            bottom: (from.1.max(to.1) + reach + 2.0).ceil() as i32,
        }
        .and(self.clip);
        let along = (to.0 - from.0, to.1 - from.1);
        let length = (along.0 * along.0 + along.1 * along.1).max(1e-6);
        for y in area.top..area.bottom {
            for x in area.left..area.right {
                let at = (x as f32 + 0.5 - from.0, y as f32 + 0.5 - from.1);
                let share = ((at.0 * along.0 + at.1 * along.1) / length).clamp(0.0, 1.0);
                let off = (at.0 - along.0 * share, at.1 - along.1 * share);
                self.blend(x, y, color, coverage(reach - (off.0 * off.0 + off.1 * off.1).sqrt()));
            }
        }
    }

    /// What lies inside a line that is closed; where it crosses itself, every second part. `points` are pixels.
    pub fn polygon(&mut self, points: &[(f32, f32)], color: Color) {
        let heights = points.iter().map(|point| point.1);
        let top = heights.clone().fold(f32::MAX, f32::min).floor().max(self.clip.top as f32) as i32;
        let bottom = heights.fold(f32::MIN, f32::max).ceil().min(self.clip.bottom as f32) as i32;
        let (left, right) = (self.clip.left as f32, self.clip.right as f32);
        let mut row = vec![0.0_f32; (self.clip.width().max(0) + 1) as usize];
        for y in top..bottom {
            row.fill(0.0);
            for part in 0..SCANS {
                let at = y as f32 + (part as f32 + 0.5) / SCANS as f32;
                let mut crossings: Vec<f32> = points
                    .iter()
                    .zip(points.iter().cycle().skip(1))
                    .filter(|(from, to)| (from.1 <= at) != (to.1 <= at))
                    .map(|(from, to)| from.0 + (to.0 - from.0) * (at - from.1) / (to.1 - from.1))
                    .collect();
                crossings.sort_by(f32::total_cmp);
                for pair in crossings.as_chunks::<2>().0 {
                    let (from, to) = (pair[0].clamp(left, right) - left, pair[1].clamp(left, right) - left);
                    let covered = row.iter_mut().enumerate().take(to.ceil() as usize).skip(from as usize);
                    for (x, share) in covered {
                        *share += (to.min(x as f32 + 1.0) - from.max(x as f32)).max(0.0) / SCANS as f32;
                    }
                }
            }
            for (x, share) in row.iter().enumerate() {
                if *share > 0.0 {
                    self.blend(self.clip.left + x as i32, y, color, (share.min(1.0) * 255.0) as u32);
                }
            }
        }
    }

    /// A picture of the rectangle's size, with round corners.
    pub fn image(&mut self, rect: Rect, radius: f32, rgba: &[u8]) {
        let radius = radius.min(rect.width() as f32 / 2.0).min(rect.height() as f32 / 2.0).max(0.0);
        let inset = radius.ceil() as i32;
        let area = rect.and(self.clip);
        for y in area.top..area.bottom {
            let line = 4 * (y - rect.top) * rect.width();
            let is_round = y < rect.top + inset || y >= rect.bottom - inset;
            let edge = if is_round { inset } else { 0 };
            let (left, right) = ((rect.left + edge).max(area.left), (rect.right - edge).min(area.right));
            if left < right {
                let from = (line + 4 * (left - rect.left)) as usize;
                let to = 4 * (y * self.width + left) as usize;
                let length = 4 * (right - left) as usize;
                self.rgba[to..to + length].copy_from_slice(&rgba[from..from + length]);
            }
            if !is_round {
                continue;
            }
            let middle = if y < rect.top + inset { rect.top as f32 + radius } else { rect.bottom as f32 - radius };
            let down = y as f32 + 0.5 - middle;
            for (from, to, middle) in [
                (rect.left, rect.left + inset, rect.left as f32 + radius),
                (rect.right - inset, rect.right, rect.right as f32 - radius),
            ] {
                for x in from.max(area.left)..to.min(area.right) {
                    let at = (line + 4 * (x - rect.left)) as usize;
                    let color = Color::from_be_bytes([0, rgba[at], rgba[at + 1], rgba[at + 2]]);
                    let across = x as f32 + 0.5 - middle;
                    self.blend(x, y, color, coverage(radius - (across * across + down * down).sqrt()));
                }
            }
        }
    }

    /// A circle's outline, or the circle itself if `width` is at least twice the radius.
    pub fn ring(&mut self, middle: (f32, f32), radius: f32, width: f32, color: Color) {
        let reach = radius + width / 2.0;
        let area = Rect {
            left: (middle.0 - reach - 1.0).floor() as i32,
            top: (middle.1 - reach - 1.0).floor() as i32,
            right: (middle.0 + reach + 2.0).ceil() as i32,
            bottom: (middle.1 + reach + 2.0).ceil() as i32,
        }
        .and(self.clip);
        for y in area.top..area.bottom {
            for x in area.left..area.right {
                let at = (x as f32 + 0.5 - middle.0, y as f32 + 0.5 - middle.1);
                let far = (at.0 * at.0 + at.1 * at.1).sqrt();
                let inside = if width >= 2.0 * radius { radius - far } else { width / 2.0 - (far - radius).abs() };
                self.blend(x, y, color, coverage(inside));
            }
        }
    }

    /// One line of text with its baseline at `baseline`. Returns how far it reached to the right.
    pub fn text(&mut self, x: i32, baseline: i32, size: u32, bold: bool, color: Color, text: &str) -> i32 {
        let mut pen = x as f32;
        for character in text.chars() {
            let glyph = glyph(character, size);
            let left = (pen + 0.5).floor() as i32 + glyph.left;
            self.stamp(&glyph, left, baseline + glyph.top, color);
            if bold {
                self.stamp(&glyph, left + 1, baseline + glyph.top, color);
            }
            pen += glyph.advance + if bold { 0.5 } else { 0.0 };
        }
        pen.ceil() as i32
    }

    fn stamp(&mut self, glyph: &Glyph, left: i32, top: i32, color: Color) {
        for row in 0..glyph.height {
            let y = top + row;
            if y < self.clip.top || y >= self.clip.bottom {
                continue;
            }
            for column in 0..glyph.width {
                let alpha = glyph.alpha[(row * glyph.width + column) as usize];
                if alpha > 0 {
                    self.blend(left + column, y, color, u32::from(alpha));
                }
            }
        }
    }

    fn span(&mut self, y: i32, left: i32, right: i32, color: Color) {
        let (left, right) = (left.max(self.clip.left), right.min(self.clip.right));
        if y < self.clip.top || y >= self.clip.bottom || left >= right {
            return;
        }
        let pixel = opaque(color);
        let start = 4 * (y * self.width + left) as usize;
        let end = 4 * (y * self.width + right) as usize;
        self.rgba[start..end].as_chunks_mut::<4>().0.fill(pixel);
    }

    fn blend(&mut self, x: i32, y: i32, color: Color, alpha: u32) {
        if alpha == 0 || !self.clip.has(x, y) {
            return;
        }
        let start = 4 * (y * self.width + x) as usize;
        let at = &mut self.rgba[start..start + 4];
        let new = opaque(color);
        for channel in 0..3 {
            let sum = u32::from(at[channel]) * (255 - alpha) + u32::from(new[channel]) * alpha + 127;
            at[channel] = (sum / 255) as u8;
        }
    }
}

/// A colour between two others: 0 is the first, 255 the second.
pub fn mix(from: Color, to: Color, share: u32) -> Color {
    let channel = |shift: u32| {
        let (a, b) = (from >> shift & 255, to >> shift & 255);
        ((a * (255 - share) + b * share) / 255) << shift
    };
    channel(16) | channel(8) | channel(0)
}

/// How wide a line of text would be, in pixels.
pub fn text_width(size: u32, bold: bool, text: &str) -> i32 {
    let sum: f32 = text.chars().map(|c| glyph(c, size).advance + if bold { 0.5 } else { 0.0 }).sum();
    sum.ceil() as i32
}

/// The text, or as much of it as fits with an ellipsis. Looks no further into it than it fits, however long it is.
pub fn fit(size: u32, bold: bool, text: &str, width: i32) -> String {
    let advance = |character| glyph(character, size).advance + if bold { 0.5 } else { 0.0 };
    let ellipsis = advance('…');
    let mut sum = 0.0;
    // The end of the longest beginning that leaves room for an ellipsis, without blanks at its end.
    let mut kept = (ellipsis.ceil() as i32 <= width).then_some(0);
    for (at, character) in text.char_indices() {
        sum += advance(character);
        if sum.ceil() as i32 > width {
            return kept.map_or(String::new(), |end| format!("{}…", &text[..end]));
        }
        if !character.is_whitespace() && (sum + ellipsis).ceil() as i32 <= width {
            kept = Some(at + character.len_utf8());
        }
    }
    text.to_string()
}

/// How many of the characters fit into a line, and at least one.
fn fitting(size: u32, text: &[char], width: i32) -> usize {
    let mut sum = 0.0;
    let fits = |character: &&char| {
        sum += glyph(**character, size).advance;
        sum.ceil() as i32 <= width
    };
    text.iter().take_while(fits).count().max(1)
}

/// Breaks text into lines at blanks, at line breaks and between Han characters.
pub fn wrap(size: u32, text: &str, width: i32) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for piece in pieces(paragraph) {
            let longer = format!("{line}{piece}");
            if !line.is_empty() && text_width(size, false, longer.trim_end()) > width {
                lines.push(line.trim_end().to_string());
                line = piece.trim_start().to_string();
            } else {
                line = longer;
            }
            // A word wider than the line is cut where it must be.
            while text_width(size, false, line.trim_end()) > width && line.chars().count() > 1 {
                let characters: Vec<char> = line.chars().collect();
                let (head, tail) = characters.split_at(fitting(size, &characters, width));
                lines.push(head.iter().collect());
                line = tail.iter().collect();
            }
        }
        lines.push(line.trim_end().to_string());
    }
    lines
}

fn pieces(paragraph: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut is_open = false;
    for character in paragraph.chars() {
        let stands_alone = character as u32 >= 0x2E80;
        match pieces.last_mut() {
            Some(last) if is_open && !stands_alone => last.push(character),
            _ => pieces.push(character.to_string()),
        }
        is_open = character != ' ' && !stands_alone;
    }
    pieces
}

fn coverage(inside: f32) -> u32 {
    ((inside + 0.5).clamp(0.0, 1.0) * 255.0) as u32
}

fn opaque(color: Color) -> [u8; 4] {
    [(color >> 16) as u8, (color >> 8) as u8, color as u8, 255]
}

struct Glyph {
    left: i32,
    top: i32,
    width: i32,
    height: i32,
    advance: f32,
    alpha: Vec<u8>,
}

fn font() -> &'static FontRef<'static> {
    static FONT: OnceLock<FontRef<'static>> = OnceLock::new();
    FONT.get_or_init(|| {
        FontRef::try_from_slice(include_bytes!("../font/phone.ttf")).expect("the font was tested when it was committed")
    })
}

/// A rasterised glyph. Each thread keeps those it has drawn: a phone shows few sizes, so the cache stays small.
fn glyph(character: char, size: u32) -> Rc<Glyph> {
    thread_local! {
        static CACHE: RefCell<BTreeMap<(GlyphId, u32), Rc<Glyph>>> = const { RefCell::new(BTreeMap::new()) };
        static ASCII: RefCell<BTreeMap<u32, Vec<Option<Rc<Glyph>>>>> = const { RefCell::new(BTreeMap::new()) };
    }
    if character.is_ascii() {
        return ASCII.with_borrow_mut(|sizes| {
            let row = sizes.entry(size).or_insert_with(|| vec![None; 128]);
            row[character as usize].get_or_insert_with(|| Rc::new(rasterise(font().glyph_id(character), size))).clone()
        });
    }
    let id = font().glyph_id(character);
    CACHE.with_borrow_mut(|cache| cache.entry((id, size)).or_insert_with(|| Rc::new(rasterise(id, size))).clone())
}

fn rasterise(id: GlyphId, size: u32) -> Glyph {
    let font = font();
    let em = font.units_per_em().unwrap_or(2048.0);
    let scale = PxScale::from(size as f32 * font.height_unscaled() / em);
    let advance = font.as_scaled(scale).h_advance(id);
    let Some(outline) = font.outline_glyph(id.with_scale(scale)) else {
        return Glyph { left: 0, top: 0, width: 0, height: 0, advance, alpha: Vec::new() };
    };
    let bounds = outline.px_bounds();
    let (width, height) = (bounds.width() as i32, bounds.height() as i32);
    let mut alpha = vec![0; (width * height) as usize];
    outline.draw(|x, y, share| alpha[y as usize * width as usize + x as usize] = (share.min(1.0) * 255.0) as u8);
    Glyph { left: bounds.min.x as i32, top: bounds.min.y as i32, width, height, advance, alpha }
}

/// Whether the font has a character.
pub fn has_glyph(character: char) -> bool {
    font().glyph_id(character) != GlyphId(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dice;

    /// As it was before it was fast: what fits is the longest that does.
    fn slow_fit(size: u32, bold: bool, text: &str, width: i32) -> String {
        if text_width(size, bold, text) <= width {
            return text.to_string();
        }
        let mut kept: Vec<char> = text.chars().collect();
        while kept.pop().is_some() {
            let shorter: String = kept.iter().collect::<String>().trim_end().to_string() + "…";
            if text_width(size, bold, &shorter) <= width {
                return shorter;
            }
        }
        String::new()
    }

    #[test]
    fn what_fits_is_the_longest_that_does() {
        let mut dice = Dice::new(5);
        for _ in 0..4000 {
            let text: String =
                (0..dice.below(40)).map(|_| *dice.pick(&['i', 'W', ' ', '\n', '长', '.', 'é'])).collect();
            let (size, bold) = (10 + dice.below(60) as u32, dice.chance(50));
            let width = dice.below(900) as i32 - 20;
            assert_eq!(fit(size, bold, &text, width), slow_fit(size, bold, &text, width), "{text:?} in {width}");
            let characters: Vec<char> = text.chars().collect();
            let count = fitting(size, &characters, width);
            let part = |count: usize| text_width(size, false, &characters[..count].iter().collect::<String>());
            assert!(count <= 1 || part(count) <= width);
            assert!(characters.len() <= count || width < part(count + 1));
        }
    }

    /// A message of the most characters that a field takes is cut in the time of the line that it fills.
    #[test]
    fn a_long_text_costs_no_more_than_its_line() {
        let long = "word ".repeat(2_000_000);
        assert!(fit(30, false, &long, 400).chars().count() < 60);
    }
}
