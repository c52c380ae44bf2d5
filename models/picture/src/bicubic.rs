//! torchvision's antialiased bicubic on bytes, to the byte.
//!
//! Libraries that resize pictures differ from it by up to 26 grey levels on the edges of a user interface, and a model
//! that was trained on one sees the difference. What matters: taps reach `2 * scale` to each side, weights are 16 bits
//! wide with as many of them behind the point as the largest weight leaves, the rows are resampled before the columns,
//! and what stands between the two is rounded to bytes.

use crate::{Pixels, Resized};

/// Rows that are resampled side by side: the inner loop runs over them, and compilers make vectors of it.
const LANES: usize = 16;

/// Where the pixels of one axis come from.
struct Taps {
    /// Bits behind the point.
    precision: u32,
    /// For each pixel of the result, the first source pixel and its range of `weights`.
    spans: Vec<(usize, std::ops::Range<usize>)>,
    weights: Vec<i16>,
}

/// Resizes to exactly that size.
///
/// # Panics
/// When an edge is 0.
pub fn resize(pixels: Pixels<'_>, width: u32, height: u32) -> Resized {
    assert!(width > 0 && height > 0, "a picture has at least one pixel");
    let narrowed = rows(pixels, &Taps::new(pixels.width as usize, width as usize));
    let rgb = columns(&narrowed, 3 * width as usize, &Taps::new(pixels.height as usize, height as usize));
    Resized { width, height, rgb }
}

/// Resamples each row; alpha is dropped on the way. `[height, width, channels] -> [height, taps, 3]`
fn rows(pixels: Pixels<'_>, taps: &Taps) -> Vec<u8> {
    let (width, height, channels) = (pixels.width as usize, pixels.height as usize, pixels.channels);
    let stride = 3 * taps.spans.len();
    let mut narrowed = vec![0u8; height * stride];
    let mut block = vec![[0i16; LANES]; 3 * width];
    let blocks = pixels.bytes.chunks(LANES * channels * width).zip(narrowed.chunks_mut(LANES * stride));
    for (source, target) in blocks {
        for (lane, row) in source.chunks_exact(channels * width).enumerate() {
            for (x, pixel) in row.chunks_exact(channels).enumerate() {
                for channel in 0..3 {
                    block[3 * x + channel][lane] = i16::from(pixel[channel]);
                }
            }
        }
        for (x, (first, range)) in taps.spans.iter().enumerate() {
            let weights = &taps.weights[range.clone()];
            for channel in 0..3 {
                let mut sums = [1i32 << (taps.precision - 1); LANES];
                for (values, &weight) in block[3 * first + channel..].iter().step_by(3).zip(weights) {
                    for (sum, &value) in sums.iter_mut().zip(values) {
                        *sum += i32::from(value) * i32::from(weight);
                    }
                }
                for (row, sum) in target.chunks_exact_mut(stride).zip(sums) {
                    row[3 * x + channel] = (sum >> taps.precision).clamp(0, 255) as u8;
                }
            }
        }
    }
    narrowed
}

/// Resamples the columns. `[height, stride] -> [taps, stride]`
fn columns(source: &[u8], stride: usize, taps: &Taps) -> Vec<u8> {
    let mut target = vec![0u8; taps.spans.len() * stride];
    let mut sums = vec![0i32; stride];
    for (row, (first, range)) in target.chunks_exact_mut(stride).zip(&taps.spans) {
        sums.fill(1i32 << (taps.precision - 1));
        for (values, &weight) in source[first * stride..].chunks_exact(stride).zip(&taps.weights[range.clone()]) {
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum += i32::from(i16::from(value)) * i32::from(weight);
            }
        }
        for (byte, sum) in row.iter_mut().zip(&sums) {
            *byte = (sum >> taps.precision).clamp(0, 255) as u8;
        }
    }
    target
}

impl Taps {
    /// How `from` pixels become `to`.
    fn new(from: usize, to: usize) -> Taps {
        let scale = from as f64 / to as f64;
        let stretch = scale.max(1.0); // Enlarging, the kernel keeps its width.
        let support = 2.0 * stretch;
        let mut spans = Vec::with_capacity(to);
        let mut exact = Vec::new();
        for x in 0..to {
            let center = (x as f64 + 0.5) * scale;
            let first = (center - support + 0.5).max(0.0) as usize;
            let end = ((center + support + 0.5) as usize).min(from);
            let start = exact.len();
            exact.extend((first..end).map(|at| cubic((at as f64 - center + 0.5) * (1.0 / stretch))));
            let sum: f64 = exact[start..].iter().sum();
            if sum != 0.0 {
                exact[start..].iter_mut().for_each(|weight| *weight /= sum);
            }
            spans.push((first, start..exact.len()));
        }

        let largest = exact.iter().copied().fold(0.0, f64::max);
        let fits = |precision: u32| 0.5 + largest * f64::from(1u32 << (precision + 1)) < 32_768.0;
        let precision = (0..22).find(|&precision| !fits(precision)).unwrap_or(22);
        let one = f64::from(1u32 << precision);
        let weights = exact.iter().map(|&weight| (weight * one + f64::copysign(0.5, weight)) as i16).collect();
        Taps { precision, spans, weights }
    }
}

/// The cubic convolution kernel with `a = -0.5`.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_size_is_the_same_picture() {
        let bytes: Vec<u8> = (0..3 * 31 * 17u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let pixels = Pixels::rgb(&bytes, 31, 17).unwrap();
        assert_eq!(resize(pixels, 31, 17).rgb, bytes);
    }

    #[test]
    fn alpha_changes_nothing() {
        let rgb: Vec<u8> = (0..3 * 40 * 33u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let rgba: Vec<u8> = rgb.chunks(3).flat_map(|p| [p[0], p[1], p[2], p[0] ^ p[1]]).collect();
        let opaque = resize(Pixels::rgb(&rgb, 40, 33).unwrap(), 28, 56);
        assert_eq!(resize(Pixels::rgba(&rgba, 40, 33).unwrap(), 28, 56), opaque);
    }
}
