//! How large the model wants a picture.

use crate::{EDGE_MAX, Unfit};

/// Both edges become multiples of this: a patch has 14 pixels, and two by two patches make one token.
pub const FACTOR: u32 = 28;

/// The frames that a still picture counts as: the encoder takes two at a time.
const FRAMES: f64 = 2.0;

/// How many pixels a picture may have, counted over its two frames, under the names of `preprocessor_config.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pictures with fewer pixels are enlarged.
    pub shortest_edge: u64,
    /// Pictures with more pixels are shrunk.
    pub longest_edge: u64,
}

impl Limits {
    /// What the reference assumes when a model's folder says nothing.
    pub const REFERENCE: Limits = Limits { shortest_edge: 112 * 112, longest_edge: 28 * 28 * 15_000 };
}

/// Returns the height and the width that the model wants, both multiples of `FACTOR`.
///
/// # Errors
/// `Unfit` when one edge is more than 200 times the other, or the result would be unreasonably large.
pub fn smart_resize(height: u32, width: u32, limits: Limits) -> Result<(u32, u32), Unfit> {
    let Limits { shortest_edge, longest_edge } = limits;
    if longest_edge == 0 || shortest_edge > longest_edge {
        return Err(Unfit::Limits { shortest_edge, longest_edge });
    }
    if height == 0 || width == 0 {
        return Err(Unfit::Bytes { width, height, needed: 0, given: 0 });
    }
    let factor = f64::from(FACTOR);
    let (mut tall, mut wide) = (f64::from(height), f64::from(width));
    if tall < factor || wide < factor {
        let scale = (factor / tall).max(factor / wide);
        (tall, wide) = ((tall * scale).trunc(), (wide * scale).trunc());
    }
    if tall.max(wide) / tall.min(wide) > 200.0 {
        return Err(Unfit::Thin { width, height });
    }

    // Python's `round` sends halves to the even neighbour, as `round_ties_even` does.
    let mut rows = (tall / factor).round_ties_even() * factor;
    let mut columns = (wide / factor).round_ties_even() * factor;
    let (least, most) = (shortest_edge as f64, longest_edge as f64);
    if FRAMES * rows * columns > most {
        let beta = (FRAMES * tall * wide / most).sqrt();
        rows = ((tall / beta / factor).floor() * factor).max(factor);
        columns = ((wide / beta / factor).floor() * factor).max(factor);
    } else if FRAMES * rows * columns < least {
        let beta = (least / (FRAMES * tall * wide)).sqrt();
        rows = (tall * beta / factor).ceil() * factor;
        columns = (wide * beta / factor).ceil() * factor;
    }
    if rows.max(columns) > f64::from(EDGE_MAX) {
        return Err(Unfit::Large { width: columns as u64, height: rows as u64 });
    }
    Ok((rows as u32, columns as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_reference() {
        let five_million = Limits { longest_edge: 5_000_000, ..Limits::REFERENCE };
        let mini = Limits { shortest_edge: 112 * 112, longest_edge: 126_000 };
        for (height, width, limits, expected) in [
            (2400, 1080, Limits::REFERENCE, (2408, 1092)), // Slightly enlarged.
            (2400, 1080, five_million, (2352, 1036)),
            (1080, 1920, five_million, (1092, 1932)),
            (1200, 540, mini, (364, 168)),
            (42, 70, Limits { shortest_edge: 1, ..mini }, (56, 56)), // 1.5 and 2.5: both go to the even 2.
            (10, 20, Limits::REFERENCE, (56, 112)),                  // Enlarged to one factor, then to the least.
            (28, 5600, Limits::REFERENCE, (28, 5600)),
        ] {
            assert_eq!(smart_resize(height, width, limits), Ok(expected), "{width}x{height}, {limits:?}");
        }
    }

    #[test]
    fn what_the_reference_refuses_is_refused() {
        assert_eq!(smart_resize(28, 5601, Limits::REFERENCE), Err(Unfit::Thin { width: 5601, height: 28 }));
        let upside_down = Limits { shortest_edge: 10, longest_edge: 9 };
        assert!(matches!(smart_resize(100, 100, upside_down), Err(Unfit::Limits { .. })));
        let endless = Limits { shortest_edge: u64::MAX, longest_edge: u64::MAX };
        assert!(matches!(smart_resize(100, 100, endless), Err(Unfit::Large { .. })));
    }
}
