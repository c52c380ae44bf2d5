//! Pictures like photographs, for measurements on screens that are not plain colours.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::dice::Dice;

/// So many pictures are kept; a phone shows one.
const KEPT: usize = 4;
/// Sizes of the soft shapes, in pixels, and how strong each is.
const OCTAVES: [(usize, u32); 5] = [(256, 90), (96, 60), (32, 36), (12, 20), (4, 12)];
/// The most by which grain changes a channel.
const GRAIN: u64 = 12;

type Key = (u32, u32, u64);

/// `[height, width, 4]` bytes. The same seed gives the same picture; it takes a while once, and nothing afterwards.
pub fn picture(width: u32, height: u32, seed: u64) -> Arc<Vec<u8>> {
    static MADE: Mutex<BTreeMap<Key, Arc<Vec<u8>>>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(picture) = made.get(&(width, height, seed)) {
        return picture.clone();
    }
    let picture = Arc::new(make(width as usize, height as usize, seed));
    if made.len() >= KEPT {
        made.pop_first();
    }
    made.insert((width, height, seed), picture.clone());
    picture
}

fn make(width: usize, height: usize, seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut sums = vec![20u32; 3 * width * height];
    for (size, strength) in OCTAVES {
        let columns = width / size + 2;
        let lattice: Vec<u32> = (0..3 * columns * (height / size + 2)).map(|_| dice.below(256) as u32).collect();
        for y in 0..height {
            let (row, down) = (y / size, y % size);
            for x in 0..width {
                let (column, right) = (x / size, x % size);
                for channel in 0..3 {
                    let at = |row: usize, column: usize| lattice[3 * (row * columns + column) + channel] as usize;
                    let upper = at(row, column) * (size - right) + at(row, column + 1) * right;
                    let lower = at(row + 1, column) * (size - right) + at(row + 1, column + 1) * right;
                    let value = (upper * (size - down) + lower * down) / (size * size);
                    sums[3 * (y * width + x) + channel] += value as u32 * strength / 255;
                }
            }
        }
    }
    let mut rgba = Vec::with_capacity(4 * width * height);
    for pixel in sums.chunks_exact(3) {
        let grain = dice.roll();
        for (channel, sum) in pixel.iter().enumerate() {
            let speck = (grain >> (16 * channel)) & 0xffff;
            rgba.push((sum + (speck % GRAIN) as u32).min(255) as u8);
        }
        rgba.push(255);
    }
    rgba
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_the_seeds_and_is_not_plain() {
        let one = picture(120, 200, 1);
        assert_eq!(one.len(), 4 * 120 * 200);
        assert!(*one == make(120, 200, 1) && *one != make(120, 200, 2));
        let different: std::collections::BTreeSet<&[u8]> = one.chunks_exact(4).collect();
        assert!(different.len() > 120 * 200 / 4, "{} colours", different.len());
    }
}
