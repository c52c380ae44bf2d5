//! How large the model wants a picture.

use crate::{EDGE_MAX, ImageProcessor, Unfit};

/// How many pixels a picture may have, under the names of `preprocessor_config.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureLimits {
    /// Pictures with fewer pixels are enlarged.
    pub shortest_edge: u64,
    /// Pictures with more pixels are shrunk.
    pub longest_edge: u64,
    /// A still picture counts as so many frames: some models count all that their encoder takes at a time, others one.
    pub frames: u32,
}

/// Returns the height and the width that the model wants, both multiples of `ImageProcessor::factor`.
///
/// # Errors
/// `Unfit` when one edge is more than 200 times the other, or the result would be unreasonably large.
pub fn smart_resize(height: u32, width: u32, processor: &ImageProcessor) -> Result<(u32, u32), Unfit> {
    let PictureLimits { shortest_edge, longest_edge, frames } = processor.limits;
    if longest_edge == 0 || shortest_edge > longest_edge {
        return Err(Unfit::Limits { shortest_edge, longest_edge });
    }
    if height == 0 || width == 0 {
        return Err(Unfit::Bytes { width, height, needed: 0, given: 0 });
    }
    let (factor, frames) = (f64::from(processor.factor()), f64::from(frames));
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
    if frames * rows * columns > most {
        let beta = (frames * tall * wide / most).sqrt();
        rows = ((tall / beta / factor).floor() * factor).max(factor);
        columns = ((wide / beta / factor).floor() * factor).max(factor);
    } else if frames * rows * columns < least {
        let beta = (least / (frames * tall * wide)).sqrt();
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
        let reference = ImageProcessor::GLM4V.limits;
        let five_million = PictureLimits { longest_edge: 5_000_000, ..reference };
        let mini = PictureLimits { longest_edge: 126_000, ..reference };
        let one_frame = PictureLimits { longest_edge: 1_000_000, frames: 1, ..reference };
        for (height, width, limits, expected) in [
            (2400, 1080, reference, (2408, 1092)), // Slightly enlarged.
            (2400, 1080, five_million, (2352, 1036)),
            (1080, 1920, five_million, (1092, 1932)),
            (1200, 540, mini, (364, 168)),
            (42, 70, PictureLimits { shortest_edge: 1, ..mini }, (56, 56)), // 1.5 and 2.5: both go to the even 2.
            (10, 20, reference, (56, 112)), // Enlarged to one factor, then to the least.
            (28, 5600, reference, (28, 5600)),
            (1000, 1000, one_frame, (980, 980)), // What two frames would halve.
        ] {
            let processor = ImageProcessor { limits, ..ImageProcessor::GLM4V };
            assert_eq!(smart_resize(height, width, &processor), Ok(expected), "{width}x{height}, {limits:?}");
        }
    }

    #[test]
    fn what_the_reference_refuses_is_refused() {
        let with = |limits| ImageProcessor { limits, ..ImageProcessor::GLM4V };
        assert_eq!(smart_resize(28, 5601, &ImageProcessor::GLM4V), Err(Unfit::Thin { width: 5601, height: 28 }));
        let upside_down = with(PictureLimits { shortest_edge: 10, longest_edge: 9, frames: 2 });
        assert!(matches!(smart_resize(100, 100, &upside_down), Err(Unfit::Limits { .. })));
        let endless = with(PictureLimits { shortest_edge: u64::MAX, longest_edge: u64::MAX, frames: 2 });
        assert!(matches!(smart_resize(100, 100, &endless), Err(Unfit::Large { .. })));
    }
}
