//! The numbers that a model writes for a place, as its profile says, on the display that it was shown.

use serde::{Deserialize, Serialize};
use tapwright_contract::Size;
use tapwright_contract::gesture::Abilities;

use super::Unclear;
use super::words::unclear;
use crate::place::Place;

/// What the numbers of a place count: data of a model's profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coordinates {
    /// Steps of a grid of 1000 a side, whatever the display's size: 0 to 999.
    #[default]
    Thousandths,
    /// Pixels of the display.
    Pixels,
    /// Parts of the display: 0.0 to 1.0.
    Fractions,
    /// Pixels of the picture as the model's own processor has made it: sides that are multiples of `multiple`, and at least
    /// `pixels_min` and at most `pixels_max` of them in all.
    Resized { multiple: u32, pixels_min: u64, pixels_max: u64 },
    /// Pixels of a display of this size, whatever the real one's: what the model was told that it sees.
    Display { width: u32, height: u32 },
}

impl Coordinates {
    /// Whether they are what a profile has that says nothing of them.
    pub(crate) fn is_default(&self) -> bool {
        *self == Coordinates::Thousandths
    }
}

/// How many parts a fraction is told apart in, a side.
const FRACTION_PARTS: u32 = 1_000_000;

/// The display that a reply is about, and how its places are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    coordinates: Coordinates,
    /// How many steps its sides have in these coordinates.
    parts: Size,
    /// What the device can do, if it was asked.
    pub(super) abilities: Option<Abilities>,
    /// Where the pointer is, if it was moved before.
    pub(super) pointer: Option<Place>,
}

impl Default for Frame {
    /// A grid of 1000 steps a side, on a device of which nothing is known.
    fn default() -> Frame {
        Frame::new(Coordinates::Thousandths, Size { width: 1000, height: 1000 })
    }
}

impl Frame {
    /// For a display of this size.
    pub fn new(coordinates: Coordinates, display: Size) -> Frame {
        let parts = match coordinates {
            Coordinates::Thousandths => Size { width: 1000, height: 1000 },
            Coordinates::Pixels => display,
            Coordinates::Fractions => Size { width: FRACTION_PARTS, height: FRACTION_PARTS },
            Coordinates::Resized { multiple, pixels_min, pixels_max } => {
                processor_size(display, multiple, pixels_min, pixels_max)
            }
            Coordinates::Display { width, height } => Size { width, height },
        };
        let parts = Size { width: parts.width.max(1), height: parts.height.max(1) };
        Frame { coordinates, parts, abilities: None, pointer: None }
    }

    /// The same, of a device that is able to do so much.
    #[must_use]
    pub fn able(self, abilities: Option<Abilities>) -> Frame {
        Frame { abilities, ..self }
    }

    /// The same, with the pointer there.
    #[must_use]
    pub fn with_pointer(self, pointer: Option<Place>) -> Frame {
        Frame { pointer, ..self }
    }

    /// The place that two numbers stand for. The edge that some write at the number after the last is the last.
    ///
    /// # Errors
    /// `Unclear` if it is not on the display, and what would be right.
    pub(super) fn place(&self, x: f64, y: f64) -> Result<Place, Unclear> {
        let off = |why: String| Err(unclear(format!("the place [{x},{y}] {why}")));
        let Size { width, height } = self.parts;
        if self.coordinates == Coordinates::Fractions {
            if ![x, y].iter().all(|n| (0.0..=1.0).contains(n)) {
                return off("is off the screen; both numbers go from 0.0 to 1.0".to_owned());
            }
            let step = |n: f64| ((n * f64::from(FRACTION_PARTS)).round() as u32).min(FRACTION_PARTS - 1);
            return Ok(self.of_parts(step(x), step(y)));
        }
        // Two fractions would be the top left corner, which nobody means.
        if [x, y].iter().all(|n| (0.0..=1.0).contains(n)) && [x, y].iter().any(|n| n.fract() != 0.0) {
            return off(format!(
                "is written in parts of one; write whole numbers, x from 0 to {} and y from 0 to {}",
                width - 1,
                height - 1
            ));
        }
        let on = |n: f64, parts: u32| (0.0..=f64::from(parts)).contains(&n).then(|| (n.round() as u32).min(parts - 1));
        match (on(x, width), on(y, height)) {
            (Some(x), Some(y)) => Ok(self.of_parts(x, y)),
            _ => off(format!("is off the screen; x goes from 0 to {} and y from 0 to {}", width - 1, height - 1)),
        }
    }

    fn of_parts(&self, x: u32, y: u32) -> Place {
        Place::of_steps((x, self.parts.width), (y, self.parts.height)).expect("both are on the display")
    }

    /// The numbers of a place.
    pub(super) fn numbers(&self, place: Place) -> (f64, f64) {
        let (x, y) = place.in_steps(self.parts.width, self.parts.height);
        match self.coordinates {
            Coordinates::Fractions => {
                (f64::from(x) / f64::from(FRACTION_PARTS), f64::from(y) / f64::from(FRACTION_PARTS))
            }
            _ => (x.into(), y.into()),
        }
    }

    /// A place as it is written in these coordinates.
    pub(super) fn print(&self, place: Place) -> String {
        let (x, y) = self.numbers(place);
        format!("[{x},{y}]")
    }

    /// The middle of the display, for examples.
    pub(super) fn middle(&self) -> Place {
        Place::of_parts(1, 1, 2).expect("it is on the display")
    }

    /// The greatest numbers that a place can have, and whether they are parts of one.
    pub(super) fn last(&self) -> (Size, bool) {
        let Size { width, height } = self.parts;
        (Size { width: width - 1, height: height - 1 }, self.coordinates == Coordinates::Fractions)
    }

    /// Whether touches are fingers': on a phone there is no pointer that could click.
    pub(super) fn is_touched(&self) -> bool {
        self.abilities.is_some_and(|abilities| abilities.touch && !abilities.pointer)
    }
}

/// The size that the processors of Qwen's models give a picture.
fn processor_size(display: Size, multiple: u32, pixels_min: u64, pixels_max: u64) -> Size {
    let multiple = f64::from(multiple.max(1));
    let (width, height) = (f64::from(display.width.max(1)), f64::from(display.height.max(1)));
    // Half goes to the even neighbour, as Python rounds.
    let nearest = |side: f64| ((side / multiple).round_ties_even() * multiple).max(multiple);
    let (near_width, near_height) = (nearest(width), nearest(height));
    let (most, least) = (pixels_max.max(1) as f64, pixels_min as f64);
    let (width, height) = match near_width * near_height {
        pixels if pixels > most => {
            let by = (width * height / most).sqrt();
            let side = |side: f64| ((side / by / multiple).floor() * multiple).max(multiple);
            (side(width), side(height))
        }
        pixels if pixels < least => {
            let by = (least / (width * height)).sqrt();
            let side = |side: f64| (side * by / multiple).ceil() * multiple;
            (side(width), side(height))
        }
        _ => (near_width, near_height),
    };
    Size { width: width as u32, height: height as u32 }
}

#[cfg(test)]
mod tests {
    use tapwright_contract::ScreenId;

    use super::*;

    const HD: Size = Size { width: 1920, height: 1080 };
    const TARS: Coordinates = Coordinates::Resized { multiple: 28, pixels_min: 78_400, pixels_max: 12_845_056 };

    /// As the reference's processor says: run once, and written down.
    #[test]
    fn pictures_are_resized_as_the_reference_does_it() {
        for (display, coordinates, expected) in [
            (HD, TARS, (1932, 1092)),
            (Size { width: 2560, height: 1440 }, TARS, (2548, 1428)),
            (Size { width: 1280, height: 800 }, TARS, (1288, 812)),
            (Size { width: 100, height: 100 }, TARS, (280, 280)),
            (HD, Coordinates::Resized { multiple: 28, pixels_min: 3136, pixels_max: 2_116_800 }, (1932, 1092)),
            (HD, Coordinates::Resized { multiple: 28, pixels_min: 3136, pixels_max: 1_003_520 }, (1316, 728)),
            (HD, Coordinates::Resized { multiple: 32, pixels_min: 65_536, pixels_max: 16_777_216 }, (1920, 1088)),
        ] {
            let Size { width, height } = Frame::new(coordinates, display).parts;
            assert_eq!((width, height), expected, "{display:?} {coordinates:?}");
        }
    }

    #[test]
    fn the_same_pixel_is_named_in_every_way() {
        let spot = |coordinates, x, y| {
            let place = Frame::new(coordinates, HD).place(x, y).unwrap();
            let spot = place.on(ScreenId::from(HD));
            (spot.x, spot.y)
        };
        assert_eq!(spot(Coordinates::Thousandths, 500.0, 500.0), (960, 540));
        assert_eq!(spot(Coordinates::Thousandths, 1000.0, 999.0), (1918, 1078), "the edge is the last step");
        assert_eq!(spot(Coordinates::Pixels, 960.0, 540.0), (960, 540));
        assert_eq!(spot(Coordinates::Pixels, 1919.6, 1080.0), (1919, 1079));
        assert_eq!(spot(Coordinates::Fractions, 0.5, 0.25), (960, 270));
        assert_eq!(spot(Coordinates::Fractions, 1.0, 0.0), (1919, 0));
        assert_eq!(spot(TARS, 966.0, 546.0), (960, 540));
        assert_eq!(spot(Coordinates::Display { width: 1280, height: 720 }, 640.0, 360.0), (960, 540));
    }

    #[test]
    fn a_place_off_the_display_is_told_what_would_be_right() {
        let said = |coordinates, x, y| Frame::new(coordinates, HD).place(x, y).unwrap_err().to_string();
        let off = "the place [1921,3] is off the screen; x goes from 0 to 1919 and y from 0 to 1079";
        assert_eq!(said(Coordinates::Pixels, 1921.0, 3.0), off);
        assert!(said(Coordinates::Thousandths, -1.0, 3.0).ends_with("x goes from 0 to 999 and y from 0 to 999"));
        assert!(said(Coordinates::Thousandths, 0.4, 0.5).contains("write whole numbers"));
        assert!(said(Coordinates::Fractions, 500.0, 5.0).ends_with("both numbers go from 0.0 to 1.0"));
        assert!(said(Coordinates::Pixels, f64::NAN, 5.0).contains("off the screen"));
    }

    #[test]
    fn what_is_printed_is_read_as_the_same_place() {
        for coordinates in [
            Coordinates::Thousandths,
            Coordinates::Pixels,
            Coordinates::Fractions,
            TARS,
            Coordinates::Display { width: 1024, height: 768 },
        ] {
            let frame = Frame::new(coordinates, HD);
            for part in [0, 1, 7, 500, 767] {
                let place = frame.of_parts(part, part);
                let (x, y) = frame.numbers(place);
                assert_eq!(frame.place(x, y).unwrap(), place, "{coordinates:?} {part}");
            }
        }
    }
}
