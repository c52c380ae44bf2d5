//! Pictures of places, meals, animals and goods: drawn from a subject and a seed, so that the same post has the same picture everywhere.

mod goods;
mod places;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::dice::Dice;
use crate::draw::{Canvas, Color, Rect, mix};

/// So many pictures are kept. A page shows a dozen.
const KEPT_MAX: usize = 96;

/// What a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Mountain,
    Lake,
    Sea,
    Skyline,
    Palace,
    Temple,
    Tower,
    Park,
    Museum,
    Snow,
    Street,
    Bridge,
    Station,
    Meal,
    Coffee,
    Cat,
    Flower,
    /// A person, as a circle shows one.
    Portrait,
    /// What a record comes in.
    Cover,
    Book,
    Device,
    Shoe,
    Shirt,
    Bag,
    Lamp,
    Cup,
    Headphones,
    Watch,
    Ball,
    /// Streets seen from above.
    Map,
}

/// A picture: two of the same subject and seed are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Picture {
    pub subject: Subject,
    pub seed: u32,
}

impl Picture {
    /// A picture of a subject.
    pub const fn new(subject: Subject, seed: u32) -> Picture {
        Picture { subject, seed }
    }
}

type Key = (Picture, u32, u32);

/// The pictures that are kept, each with the time of its last use, and that clock.
type Kept = (BTreeMap<Key, (u64, Arc<Vec<u8>>)>, u64);

/// `[height, width, 4]` bytes. It takes a while once, and nothing as long as it is kept.
pub fn cached_pixels(picture: Picture, width: u32, height: u32) -> Arc<Vec<u8>> {
    static MADE: Mutex<Kept> = Mutex::new((BTreeMap::new(), 0));
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let (kept, clock) = &mut *made;
    *clock += 1;
    if let Some((used, rgba)) = kept.get_mut(&(picture, width, height)) {
        *used = *clock;
        return rgba.clone();
    }
    let rgba = Arc::new(render(picture, width, height));
    if kept.len() >= KEPT_MAX
        && let Some(oldest) = kept.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| *key)
    {
        kept.remove(&oldest);
    }
    kept.insert((picture, width, height), (*clock, rgba.clone()));
    rgba
}

fn render(picture: Picture, width: u32, height: u32) -> Vec<u8> {
    let mut painter = Painter::new(width, height, picture.seed);
    if !places::paint(&mut painter, picture.subject) {
        goods::paint(&mut painter, picture.subject);
    }
    painter.canvas.into_rgba()
}

/// Paints on a square from 0 to 100 each way that is stretched to the picture, or stands in its middle.
struct Painter {
    canvas: Canvas,
    dice: Dice,
    width: f32,
    height: f32,
    /// Whether the square keeps its shape: things are not as wide as the picture is.
    is_square: bool,
}

impl Painter {
    fn new(width: u32, height: u32, seed: u32) -> Painter {
        let canvas = Canvas::new(width, height, 0xD8DEE9);
        // Seeds that lie side by side must not look alike.
        let dice = Dice::new(u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Painter { canvas, dice, width: width as f32, height: height as f32, is_square: false }
    }

    fn place(&self, (x, y): (f32, f32)) -> (f32, f32) {
        if self.is_square {
            let side = self.width.min(self.height);
            return (self.width / 2.0 + side * (x - 50.0) / 100.0, self.height / 2.0 + side * (y - 50.0) / 100.0);
        }
        (x * self.width / 100.0, y * self.height / 100.0)
    }

    /// How many pixels a length is, whichever way it goes.
    fn length(&self, length: f32) -> f32 {
        length * self.width.min(self.height) / 100.0
    }

    fn rect(&self, left: f32, top: f32, right: f32, bottom: f32) -> Rect {
        let ((left, top), (right, bottom)) = (self.place((left, top)), self.place((right, bottom)));
        Rect { left: left as i32, top: top as i32, right: right.ceil() as i32, bottom: bottom.ceil() as i32 }
    }

    /// Colours that go from a height to another one.
    fn fade(&mut self, top: f32, bottom: f32, from: Color, to: Color) {
        let is_square = std::mem::replace(&mut self.is_square, false);
        let rect = self.rect(0.0, top, 100.0, bottom);
        self.is_square = is_square;
        self.canvas.gradient(rect, from, to);
    }

    fn block(&mut self, left: f32, top: f32, right: f32, bottom: f32, color: Color) {
        let rect = self.rect(left, top, right, bottom);
        self.canvas.fill(rect, 0.0, color);
    }

    fn round(&mut self, left: f32, top: f32, right: f32, bottom: f32, radius: f32, color: Color) {
        let (rect, radius) = (self.rect(left, top, right, bottom), self.length(radius));
        self.canvas.fill(rect, radius, color);
    }

    fn dot(&mut self, middle: (f32, f32), radius: f32, color: Color) {
        let radius = self.length(radius);
        self.canvas.ring(self.place(middle), radius, 2.0 * radius, color);
    }

    fn ring(&mut self, middle: (f32, f32), radius: f32, width: f32, color: Color) {
        let (radius, width) = (self.length(radius), self.length(width));
        self.canvas.ring(self.place(middle), radius, width, color);
    }

    fn line(&mut self, points: &[(f32, f32)], width: f32, color: Color) {
        let width = self.length(width).max(1.0);
        for pair in points.windows(2) {
            self.canvas.line(self.place(pair[0]), self.place(pair[1]), width, color);
        }
    }

    fn shape(&mut self, points: &[(f32, f32)], color: Color) {
        let points: Vec<(f32, f32)> = points.iter().map(|point| self.place(*point)).collect();
        self.canvas.polygon(&points, color);
    }

    /// A number between two others.
    fn between(&mut self, from: f32, to: f32) -> f32 {
        from + (to - from) * self.dice.below(1000) as f32 / 1000.0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *self.dice.pick(from)
    }

    /// One of two answers.
    fn flip(&mut self) -> bool {
        self.dice.chance(50)
    }
}

/// A colour that is darker than another one.
fn darker(color: Color, share: u32) -> Color {
    mix(color, 0x0B1020, share)
}

/// A colour that is lighter than another one.
fn lighter(color: Color, share: u32) -> Color {
    mix(color, 0xFFFFFF, share)
}

/// All of them.
pub const SUBJECTS: [Subject; 30] = [
    Subject::Mountain,
    Subject::Lake,
    Subject::Sea,
    Subject::Skyline,
    Subject::Palace,
    Subject::Temple,
    Subject::Tower,
    Subject::Park,
    Subject::Museum,
    Subject::Snow,
    Subject::Street,
    Subject::Bridge,
    Subject::Station,
    Subject::Meal,
    Subject::Coffee,
    Subject::Cat,
    Subject::Flower,
    Subject::Portrait,
    Subject::Cover,
    Subject::Book,
    Subject::Device,
    Subject::Shoe,
    Subject::Shirt,
    Subject::Bag,
    Subject::Lamp,
    Subject::Cup,
    Subject::Headphones,
    Subject::Watch,
    Subject::Ball,
    Subject::Map,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_is_a_picture_of_its_own_and_the_same_every_time() {
        let mut seen: Vec<Vec<u8>> = Vec::new();
        for subject in SUBJECTS {
            let one = render(Picture::new(subject, 1), 120, 80);
            assert_eq!(one, render(Picture::new(subject, 1), 120, 80));
            assert_ne!(one, render(Picture::new(subject, 2), 120, 80), "{subject:?}");
            let colours: std::collections::BTreeSet<&[u8]> = one.chunks_exact(4).collect();
            assert!(colours.len() > 4, "{subject:?} has {} colours", colours.len());
            assert!(!seen.contains(&one));
            seen.push(one);
        }
    }
}
