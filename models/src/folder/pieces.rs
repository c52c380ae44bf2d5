//! Tensors in pieces: read, checked and converted on a few threads, and handed on in their order. Memory is bounded by the pieces
//! on their way, whatever the size of a tensor.

use std::sync::mpsc::sync_channel;
use std::thread;

use half::{bf16, f16};

use super::BuildError;
use crate::checkpoint::{Precision, Tensor};
use crate::onnx::{Blocks, ElementType};

/// Numbers of a piece, about. Each thread has three pieces on their way at most.
const PIECE: usize = 1 << 21;
/// More threads than this only wait for the disk.
const THREADS_MAX: usize = 8;

/// What becomes of the numbers of a tensor.
#[derive(Clone, Copy, Debug)]
pub enum Recipe {
    /// They are looked at, and nothing is made of them.
    Checked,
    /// They stay as they are.
    Kept,
    /// They are written in that kind.
    Plain(ElementType),
    /// They are quantised, and the scales written in that kind.
    Quantized(Blocks, ElementType),
}

/// What was made of a piece.
#[derive(Default)]
pub struct Made {
    pub bytes: Vec<u8>,
    pub scales: Vec<u8>,
    /// Bytes that were read for it.
    pub read: u64,
}

/// Makes something of each piece of a tensor, and gives it to `take` in order.
pub fn each(
    tensor: &Tensor<'_>,
    recipe: Recipe,
    mut take: impl FnMut(Made) -> Result<(), BuildError>,
) -> Result<(), BuildError> {
    let row = match tensor.shape {
        [_, rest @ ..] if !rest.is_empty() => rest.iter().product::<u64>().max(1),
        _ => 1,
    };
    let rows = tensor.len() / row;
    let step = (PIECE as u64 / row).max(1);
    let count = rows.div_ceil(step) as usize;
    let make = |piece: usize| {
        let first = piece as u64 * step;
        let rows = step.min(rows - first);
        make(tensor, recipe, first * row, (rows * row) as usize, row as usize)
    };
    let threads = thread::available_parallelism().map_or(1, |count| count.get().min(THREADS_MAX)).min(count);
    if threads <= 1 {
        return (0..count).try_for_each(|piece| take(make(piece)?));
    }
    let make = &make;
    thread::scope(|scope| {
        let lane = |lane: usize| {
            let (give, made) = sync_channel(1);
            scope.spawn(move || {
                // Whoever takes them may have given up.
                let _ = (lane..count).step_by(threads).try_for_each(|piece| give.send(make(piece)));
            });
            made
        };
        let lanes: Vec<_> = (0..threads).map(lane).collect();
        (0..count).try_for_each(|piece| take(lanes[piece % threads].recv().expect("a lane makes all its pieces")?))
    })
}

fn make(tensor: &Tensor<'_>, recipe: Recipe, first: u64, count: usize, row: usize) -> Result<Made, BuildError> {
    let bytes = tensor.read(first, count)?;
    let read = bytes.len() as u64;
    let strange = |at: usize, numbers: &[f32]| {
        let (name, file) = (tensor.name.to_owned(), tensor.shard.path.clone());
        let at = first + at as u64;
        if numbers.iter().all(|number| number.is_finite()) {
            BuildError::TooLarge { tensor: name, file, at }
        } else {
            BuildError::NotFinite { tensor: name, file, at }
        }
    };
    let mut made = Made { read, ..Made::default() };
    let mut numbers = Vec::new();
    // A few rows at a time stay in the processor's cache.
    let rows = (8192 / row).max(1);
    let size = tensor.precision.size();
    for (index, part) in bytes.chunks(rows * row * size).enumerate() {
        numbers.clear();
        tensor.precision.widen(part, &mut numbers);
        let at = index * rows * row;
        if let Some(wrong) = not_finite(&numbers) {
            return Err(strange(at + wrong, &numbers));
        }
        match recipe {
            Recipe::Checked | Recipe::Kept => {}
            Recipe::Plain(kind) => {
                if let Some(wrong) = narrow(&numbers, kind, &mut made.bytes) {
                    return Err(strange(at + wrong, &numbers));
                }
            }
            Recipe::Quantized(blocks, kind) => {
                for row in numbers.chunks_exact(row) {
                    if !quantize(row, blocks, kind, &mut made.bytes, &mut made.scales) {
                        return Err(strange(at, &numbers));
                    }
                }
            }
        }
    }
    if matches!(recipe, Recipe::Kept) {
        made.bytes = bytes;
    }
    Ok(made)
}

/// Where the first number stands that is none.
fn not_finite(numbers: &[f32]) -> Option<usize> {
    // One comparison for many numbers; the place is looked for only when there is one.
    let most = numbers.iter().fold(0, |most, number| most.max(number.to_bits() & 0x7FFF_FFFF));
    if f32::from_bits(most).is_finite() { None } else { numbers.iter().position(|number| !number.is_finite()) }
}

/// Writes numbers in a kind of floats; says where one does not fit it.
fn narrow(numbers: &[f32], kind: ElementType, to: &mut Vec<u8>) -> Option<usize> {
    match kind {
        ElementType::F32 => to.extend(numbers.iter().flat_map(|number| number.to_le_bytes())),
        ElementType::Bf16 => to.extend(numbers.iter().flat_map(|&number| bf16::from_f32(number).to_le_bytes())),
        ElementType::F16 => {
            // The largest of 16 bits, and half a step: what rounds down to it.
            let wrong = numbers.iter().position(|number| number.abs() >= 65_520.0);
            to.extend(numbers.iter().flat_map(|&number| f16::from_f32(number).to_le_bytes()));
            return wrong;
        }
        ElementType::U8 | ElementType::I32 | ElementType::I64 => unreachable!("weights are floats"),
    }
    None
}

/// Quantises a row as ONNX Runtime's own quantiser does: the number furthest from zero becomes the most negative whole number,
/// so that it is kept exactly, and zero stays zero. Of what does not fill a block the rest is zero.
///
/// `false` if a scale does not fit its kind.
fn quantize(row: &[f32], blocks: Blocks, kind: ElementType, to: &mut Vec<u8>, scales: &mut Vec<u8>) -> bool {
    let half = (1u32 << (blocks.bits - 1)) as f32;
    let size = blocks.size as usize;
    let mut whole = [0u8; 128];
    let whole = &mut whole[..size];
    let mut fits = true;
    for block in row.chunks(size) {
        let (least, most) = bounds(block);
        let furthest = if most.abs() > least.abs() { most } else { least };
        let scale = match kind {
            ElementType::F16 => f16::from_f32(furthest / -half).to_f32(),
            ElementType::Bf16 => bf16::from_f32(furthest / -half).to_f32(),
            _ => furthest / -half,
        };
        fits &= scale.is_finite();
        fits &= narrow(&[scale], kind, scales).is_none();
        // A scale so small that there is no reciprocal means numbers that are zero for all purposes.
        let by = if scale == 0.0 || !(1.0 / scale).is_finite() { 0.0 } else { 1.0 / scale };
        whole.fill(half as u8);
        let last = 2.0 * half - 1.0;
        for (whole, number) in whole.iter_mut().zip(block) {
            let steps = number * by + half;
            let steps = if steps > 0.0 { steps } else { 0.0 };
            let steps = if steps < last { steps } else { last };
            // What is added makes the number's fraction fall off its end, rounded to even, and its whole the lowest byte:
            // that is how this is done for many numbers at once.
            *whole = (steps + 12_582_912.0).to_bits() as u8;
        }
        if blocks.bits == 4 {
            to.extend(whole.chunks_exact(2).map(|pair| pair[0] | pair[1] << 4));
        } else {
            to.extend_from_slice(whole);
        }
    }
    fits
}

/// The least and the most of a block.
fn bounds(block: &[f32]) -> (f32, f32) {
    let (mut least, mut most) = ([f32::INFINITY; 8], [f32::NEG_INFINITY; 8]);
    let eights = block.chunks_exact(8);
    let rest = eights.remainder();
    for eight in eights {
        for lane in 0..8 {
            least[lane] = if eight[lane] < least[lane] { eight[lane] } else { least[lane] };
            most[lane] = if eight[lane] > most[lane] { eight[lane] } else { most[lane] };
        }
    }
    let least = least.into_iter().chain(rest.iter().copied()).fold(f32::INFINITY, f32::min);
    let most = most.into_iter().chain(rest.iter().copied()).fold(f32::NEG_INFINITY, f32::max);
    (least, most)
}

/// What a checkpoint's numbers are called in a graph.
pub fn kind_of(precision: Precision) -> ElementType {
    match precision {
        Precision::F32 => ElementType::F32,
        Precision::F16 => ElementType::F16,
        Precision::Bf16 => ElementType::Bf16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantized(row: &[f32], bits: u32, size: u64) -> (Vec<u8>, Vec<f32>) {
        let (mut bytes, mut scales) = (Vec::new(), Vec::new());
        assert!(quantize(row, Blocks { bits, size, exact: true }, ElementType::F32, &mut bytes, &mut scales));
        let scales = scales.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
        (bytes, scales)
    }

    #[test]
    fn the_furthest_number_is_kept_and_zero_stays_zero() {
        let mut row = vec![0.0f32; 33];
        row[..6].copy_from_slice(&[4.0, -1.0, 0.5, 0.26, 0.24, -4.0]);
        row[32] = -0.16;
        let (bytes, scales) = quantized(&row, 4, 32);
        // Of two that are as far the negative one; the other is cut off at 7 steps.
        assert_eq!(scales, [0.5, 0.02]);
        assert_eq!(bytes[..3], [6 << 4 | 15, 9 << 4 | 9, 8], "half a step goes to the even one");
        assert_eq!(bytes[3..16], [0x88; 13]);
        assert_eq!(bytes[16], 0x80, "the rest of a block that is not full is zero");
        let (bytes, scales) = quantized(&row[..6], 8, 32);
        assert_eq!((bytes.len(), scales.len()), (32, 1));
        assert_eq!((bytes[0], bytes[1], bytes[5], bytes[6]), (255, 96, 0, 128));
        assert_eq!(quantized(&[0.0; 32], 4, 32), (vec![0x88; 16], vec![-0.0]));
        assert_eq!(quantized(&[1e-45; 32], 4, 32).0, [0x88; 16], "no scale is that small");
    }

    #[test]
    fn quantized_numbers_are_near_what_they_were() {
        let row: Vec<f32> = (0..256).map(|index| ((index * 2_654_435_761u64 % 1000) as f32 - 500.0) / 700.0).collect();
        for (bits, size) in [(4u32, 32u64), (4, 64), (4, 128), (8, 32), (8, 128)] {
            let (bytes, scales) = quantized(&row, bits, size);
            let whole: Vec<u8> = match bits {
                4 => bytes.iter().flat_map(|byte| [byte & 15, byte >> 4]).collect(),
                _ => bytes,
            };
            let zero = f32::from(1u8 << (bits - 1));
            for (index, (&whole, &number)) in whole.iter().zip(&row).enumerate() {
                let scale = scales[index / size as usize];
                let gap = ((f32::from(whole) - zero) * scale - number).abs();
                // The number furthest on the other side may be cut off by a step.
                assert!(gap <= scale.abs() * 1.001, "{bits} bits, blocks of {size}: {number} is off by {gap}");
            }
        }
    }

    #[test]
    fn kinds_have_their_limits() {
        let mut to = Vec::new();
        assert_eq!(narrow(&[1.0, 65_519.0, 65_520.0], ElementType::F16, &mut to), Some(2));
        assert_eq!(narrow(&[1e30], ElementType::Bf16, &mut to), None);
        assert_eq!(not_finite(&[1.0, f32::MAX, f32::NAN]), Some(2));
        assert_eq!(not_finite(&[f32::NEG_INFINITY]), Some(0));
        assert_eq!(not_finite(&[f32::MAX; 9]), None);
    }
}
