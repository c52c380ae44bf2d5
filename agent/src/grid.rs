//! Places as models say them: a grid of 1000 by 1000 over the display, whatever its size.

use serde::{Deserialize, Serialize};
use tapwright_contract::{ScreenId, Spot};

/// A place on the grid; `(0, 0)` is the top left corner and `(999, 999)` the bottom right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "(u16, u16)", into = "(u16, u16)")]
pub struct Grid {
    x: u16,
    y: u16,
}

/// A coordinate lies outside the grid.
#[derive(Debug, thiserror::Error)]
#[error("({0}, {1}) is off the grid; both numbers go from 0 to {max}", max = Grid::MAX)]
pub struct OffGrid(u16, u16);

impl Grid {
    /// The largest coordinate.
    pub const MAX: u16 = 999;

    /// Returns the place, or `None` if a coordinate is off the grid.
    pub fn new(x: u16, y: u16) -> Option<Grid> {
        (x <= Grid::MAX && y <= Grid::MAX).then_some(Grid { x, y })
    }

    /// The place that [`Grid::on`] maps back to `spot`, or to the pixel nearest to it that the grid can name.
    pub fn nearest(spot: Spot) -> Grid {
        Grid { x: coordinate(spot.x, spot.of.size.width), y: coordinate(spot.y, spot.of.size.height) }
    }

    /// Steps from the left edge.
    pub fn x(self) -> u16 {
        self.x
    }

    /// Steps from the top edge.
    pub fn y(self) -> u16 {
        self.y
    }

    /// The pixel of a display: `x * width / 1000`, rounded down, as the client does that the models were trained
    /// with. A thousandth, not a 999th: the last column and row of a display wider than 1000 cannot be named.
    pub fn on(self, of: ScreenId) -> Spot {
        Spot { x: pixel(self.x, of.size.width), y: pixel(self.y, of.size.height), of }
    }
}

impl TryFrom<(u16, u16)> for Grid {
    type Error = OffGrid;

    fn try_from((x, y): (u16, u16)) -> Result<Grid, OffGrid> {
        Grid::new(x, y).ok_or(OffGrid(x, y))
    }
}

impl From<Grid> for (u16, u16) {
    fn from(grid: Grid) -> (u16, u16) {
        (grid.x, grid.y)
    }
}

fn pixel(coordinate: u16, pixels: u32) -> u32 {
    let pixel = u64::from(coordinate) * u64::from(pixels) / 1000;
    u32::try_from(pixel).unwrap_or(u32::MAX).min(pixels.saturating_sub(1))
}

fn coordinate(pixel: u32, pixels: u32) -> u16 {
    // Rounded up, because `pixel` rounds down.
    let coordinate = (u64::from(pixel) * 1000).div_ceil(u64::from(pixels.max(1)));
    u16::try_from(coordinate).unwrap_or(Grid::MAX).min(Grid::MAX)
}

#[cfg(test)]
mod tests {
    use tapwright_contract::Size;

    use super::*;

    #[test]
    fn maps_as_the_official_client_does() {
        let phone = ScreenId::from(Size { width: 1080, height: 2400 });
        let spot = |x, y| {
            let spot = Grid::new(x, y).unwrap().on(phone);
            (spot.x, spot.y)
        };
        assert_eq!(spot(0, 0), (0, 0));
        assert_eq!(spot(500, 500), (540, 1200));
        assert_eq!(spot(999, 999), (1078, 2397));
        assert_eq!(spot(333, 1), (359, 2));
    }

    #[test]
    fn every_pixel_of_a_small_display_can_be_named() {
        for width in [1, 2, 320, 540, 999, 1000] {
            for x in 0..width {
                let of = ScreenId::from(Size { width, height: 1 });
                assert_eq!(Grid::nearest(Spot { x, y: 0, of }).on(of), Spot { x, y: 0, of });
            }
        }
    }

    #[test]
    fn no_place_is_off_a_display() {
        for pixels in [1, 2, 17, 1000, 3000, u32::MAX] {
            let of = ScreenId::from(Size { width: pixels, height: pixels });
            for x in 0..=Grid::MAX {
                let spot = Grid::new(x, x).unwrap().on(of);
                assert!(spot.x < pixels && spot.y < pixels);
            }
        }
        assert_eq!(Grid::new(1000, 0), None);
        assert!(serde_json::from_str::<Grid>("[3,1000]").is_err());
        assert_eq!(serde_json::from_str::<Grid>("[3,4]").unwrap(), Grid::new(3, 4).unwrap());
    }
}
