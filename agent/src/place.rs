//! Places as the loop knows them: parts of a display, whatever its size, and finer than any dialect's grid.
//!
//! A dialect turns what its model says (a grid of 1000 steps, pixels of a picture, fractions) into a place, and the guard turns a
//! place into a pixel of the display that is there. The whole is 65,536,000 steps: each of 1000 steps of a grid, and each of
//! 65,536 pixels, is a whole number of them or lands on itself, so that nothing is lost on the way.

use serde::{Deserialize, Serialize};
use tapwright_contract::{ScreenId, Spot};

/// A place on a display; `(0, 0)` is its top left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Place {
    x: u32,
    y: u32,
}

/// A coordinate lies outside the display.
#[derive(Debug, thiserror::Error)]
#[error("({0}, {1}) lies outside the display; both numbers are below {whole}", whole = Place::WHOLE)]
pub struct OffDisplay(u32, u32);

impl Place {
    /// How many steps a display has along each side.
    pub const WHOLE: u32 = 65_536 * 1000;

    /// The place `x` parts from the left and `y` parts from the top, of as many parts as a side has; `None` if it lies outside.
    pub fn of_parts(x: u32, y: u32, parts: u32) -> Option<Place> {
        (x < parts && y < parts).then(|| Place { x: steps(x, parts), y: steps(y, parts) })
    }

    /// The same with another number of parts along each side: `x` and how many there are, `y` and how many there are.
    pub fn of_steps((x, columns): (u32, u32), (y, rows): (u32, u32)) -> Option<Place> {
        (x < columns && y < rows).then(|| Place { x: steps(x, columns), y: steps(y, rows) })
    }

    /// The place that [`Place::on`] maps back to a pixel.
    pub fn of_spot(spot: Spot) -> Place {
        Place { x: steps(spot.x, spot.of.size.width), y: steps(spot.y, spot.of.size.height) }
    }

    /// The same in so many parts a side: the part that [`Place::of_parts`] would lead back from, or the nearest after it.
    pub fn in_parts(self, parts: u32) -> (u32, u32) {
        let part = |steps: u32| {
            let part = (u64::from(steps) * u64::from(parts)).div_ceil(u64::from(Place::WHOLE));
            u32::try_from(part).unwrap_or(u32::MAX).min(parts.saturating_sub(1))
        };
        (part(self.x), part(self.y))
    }

    /// The steps that [`Place::of_steps`] leads back from, or those that the place lies in.
    pub fn in_steps(self, columns: u32, rows: u32) -> (u32, u32) {
        (pixel(self.x, columns), pixel(self.y, rows))
    }

    /// The pixel of a display, rounded down, as the client does that the models were trained with.
    pub fn on(self, of: ScreenId) -> Spot {
        Spot { x: pixel(self.x, of.size.width), y: pixel(self.y, of.size.height), of }
    }
}

impl TryFrom<(u32, u32)> for Place {
    type Error = OffDisplay;

    fn try_from((x, y): (u32, u32)) -> Result<Place, OffDisplay> {
        if x < Place::WHOLE && y < Place::WHOLE { Ok(Place { x, y }) } else { Err(OffDisplay(x, y)) }
    }
}

impl From<Place> for (u32, u32) {
    fn from(place: Place) -> (u32, u32) {
        (place.x, place.y)
    }
}

/// Rounded up, because `pixel` rounds down.
fn steps(part: u32, parts: u32) -> u32 {
    let steps = (u64::from(part) * u64::from(Place::WHOLE)).div_ceil(u64::from(parts.max(1)));
    u32::try_from(steps).unwrap_or(u32::MAX).min(Place::WHOLE - 1)
}

fn pixel(steps: u32, pixels: u32) -> u32 {
    let pixel = u64::from(steps) * u64::from(pixels) / u64::from(Place::WHOLE);
    u32::try_from(pixel).unwrap_or(u32::MAX).min(pixels.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use tapwright_contract::Size;

    use super::*;

    fn display(width: u32, height: u32) -> ScreenId {
        ScreenId::from(Size { width, height })
    }

    #[test]
    fn a_thousandth_is_what_the_official_client_makes_of_it() {
        let spot = |x, y| {
            let spot = Place::of_parts(x, y, 1000).unwrap().on(display(1080, 2400));
            (spot.x, spot.y)
        };
        assert_eq!(spot(0, 0), (0, 0));
        assert_eq!(spot(500, 500), (540, 1200));
        assert_eq!(spot(999, 999), (1078, 2397));
        assert_eq!(spot(333, 1), (359, 2));
        for pixels in [1, 2, 17, 320, 540, 999, 1000, 1001, 1079, 1080, 1440, 2399, 2400, 3840, 7680, 65_535] {
            for part in 0..1000 {
                let place = Place::of_parts(part, part, 1000).unwrap();
                let expected = u64::from(part) * u64::from(pixels) / 1000;
                assert_eq!(u64::from(place.on(display(pixels, pixels)).x), expected, "{part} of {pixels}");
                assert_eq!(place.in_parts(1000), (part, part));
            }
        }
    }

    #[test]
    fn every_pixel_of_a_large_desktop_can_be_named() {
        for pixels in [1, 2, 320, 1000, 1080, 1920, 2560, 3840, 7680, 15_360] {
            for x in 0..pixels {
                let spot = Spot { x, y: pixels - 1 - x, of: display(pixels, pixels) };
                assert_eq!(Place::of_spot(spot).on(spot.of), spot);
            }
        }
    }

    #[test]
    fn no_place_is_off_a_display() {
        for pixels in [1, 2, 17, 1000, 3000, u32::MAX] {
            for place in [(0, 0), (Place::WHOLE - 1, Place::WHOLE - 1)] {
                let spot = Place::try_from(place).unwrap().on(display(pixels, pixels));
                assert!(spot.x < pixels && spot.y < pixels);
            }
        }
        assert_eq!(Place::of_parts(1000, 0, 1000), None);
        assert!(serde_json::from_str::<Place>("[3,65536000]").is_err());
        assert_eq!(serde_json::from_str::<Place>("[65536,131072]").unwrap(), Place::of_parts(1, 2, 1000).unwrap());
    }
}
