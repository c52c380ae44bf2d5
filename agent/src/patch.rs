//! What is drawn round a place, coarsely: whether a finger comes down on what it came down on before.

use tapwright_contract::{Picture, Spot};

use crate::repeats::STATUS_BAR;

/// Cells along a side.
const CELLS: u32 = 8;
/// The side is this part of the display's width: a button, and not what stands beside it.
const PART: u32 = 8;
/// How far apart two cells may be on the average, of 255: a pressed button, a blinking cursor and a picture that was
/// compressed anew are still the same; a switch that was turned and another word are not.
const APART_MAX: u32 = 12;

/// The brightness of the cells of a square round a place, row by row.
#[derive(Clone, Debug)]
pub(crate) struct Patch([u8; (CELLS * CELLS) as usize]);

impl Patch {
    /// What the picture shows round `at`; beyond its edges as at them, and below the status bar.
    pub(crate) fn of(picture: &Picture, at: Spot) -> Patch {
        let size = picture.size();
        let side = (size.width / PART).max(CELLS);
        let cell = side / CELLS;
        let within = |middle: u32, step: u32, begin: u32, end: u32| {
            let place = i64::from(middle) - i64::from(side / 2) + i64::from(step);
            let place = place.clamp(i64::from(begin), i64::from(end.saturating_sub(1)));
            usize::try_from(place).unwrap_or(0)
        };
        let brightness = |column: u32, row: u32| {
            let (mut sum, mut count) = (0, 0);
            for y in row * cell..(row + 1) * cell {
                let line = within(at.y, y, size.height / STATUS_BAR, size.height) * size.width as usize;
                for x in column * cell..(column + 1) * cell {
                    let pixel = 4 * (line + within(at.x, x, 0, size.width));
                    if let [red, green, blue, ..] = picture.rgba()[pixel..] {
                        sum += 2 * u32::from(red) + 5 * u32::from(green) + u32::from(blue);
                        count += 8;
                    }
                }
            }
            u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX)
        };
        let mut cells = [0; (CELLS * CELLS) as usize];
        for (cell, place) in cells.iter_mut().zip(0..) {
            *cell = brightness(place % CELLS, place / CELLS);
        }
        Patch(cells)
    }

    /// Whether both may well show the same.
    pub(crate) fn is_like(&self, other: &Patch) -> bool {
        let apart: u32 = self.0.iter().zip(other.0).map(|(one, other)| u32::from(one.abs_diff(other))).sum();
        apart <= APART_MAX * CELLS * CELLS
    }
}

#[cfg(test)]
mod tests {
    use tapwright_contract::Size;

    use super::*;

    const SIZE: Size = Size { width: 160, height: 320 };

    /// A dark round or square button at (80, 100) on white.
    fn button(radius: u32, shade: u8) -> Picture {
        let mut rgba = vec![255; 160 * 320 * 4];
        for y in 100 - radius..100 + radius {
            for x in 80 - radius..80 + radius {
                let pixel = 4 * (y * 160 + x) as usize;
                rgba[pixel..pixel + 3].fill(shade);
            }
        }
        Picture::new(SIZE, rgba).unwrap()
    }

    fn at(picture: &Picture, x: u32, y: u32) -> Patch {
        Patch::of(picture, Spot { x, y, of: SIZE.into() })
    }

    #[test]
    fn a_button_is_like_itself_pressed_and_unlike_another() {
        let there = at(&button(8, 40), 80, 100);
        assert!(there.is_like(&at(&button(8, 50), 80, 100)), "pressed");
        assert!(there.is_like(&at(&button(8, 40), 81, 100)), "a pixel beside it");
        assert!(!there.is_like(&at(&button(4, 40), 80, 100)), "a smaller one");
        assert!(!there.is_like(&at(&button(8, 200), 80, 100)), "a switch that was turned");
        assert!(!there.is_like(&at(&button(8, 40), 80, 200)), "nothing");
    }

    #[test]
    fn there_is_something_round_any_place_of_any_picture() {
        for (width, height) in [(1, 1), (1, 400), (3, 2), (160, 320)] {
            let size = Size { width, height };
            let picture = Picture::new(size, vec![7; 4 * (width * height) as usize]).unwrap();
            for at in [(0, 0), (width - 1, height - 1), (width * 2, height * 2)] {
                assert_eq!(Patch::of(&picture, Spot { x: at.0, y: at.1, of: size.into() }).0, [7; 64]);
            }
        }
    }
}
