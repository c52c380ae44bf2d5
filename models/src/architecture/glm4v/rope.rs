//! Where the patches of a picture stand, and the angles and mixtures by which the vision encoder is told.

use super::config::VisionConfig;
use crate::architecture::positions::{NamedTensor, Values, cos_sin, frequencies};

/// Tables for a picture of `rows` by `columns` patches, both even.
pub fn vision_inputs(config: &VisionConfig, rows: usize, columns: usize) -> Vec<NamedTensor> {
    let frequencies = frequencies(config.theta, config.width / config.heads / 2);
    let (mut cos, mut sin) = (Vec::new(), Vec::new());
    for block in 0..rows / 2 * (columns / 2) {
        let (down, right) = (block / (columns / 2) * 2, block % (columns / 2) * 2);
        for (row, column) in [(down, right), (down, right + 1), (down + 1, right), (down + 1, right + 1)] {
            for place in [row, column] {
                for frequency in &frequencies {
                    let (c, s) = cos_sin(place as f32 * frequency);
                    cos.push(c);
                    sin.push(s);
                }
            }
        }
    }
    let (patches, angles) = (rows * columns, 2 * frequencies.len());
    let float = |name, shape, numbers| NamedTensor { name, shape, values: Values::Float(numbers) };
    let whole = |name, shape, numbers| NamedTensor { name, shape, values: Values::I64(numbers) };
    let mut inputs = vec![
        whole("patch_indices", vec![1, patches], (0..patches as i64).collect()),
        float("patch_cos", vec![patches, angles], cos),
        float("patch_sin", vec![patches, angles], sin),
    ];
    if let Some(side) = config.side.map(|side| side as usize) {
        let blocks = [rows / 2, 2, columns / 2, 2, config.width as usize].map(|size| size as i64).to_vec();
        inputs.push(float("position_rows", vec![rows, side], bicubic(rows, side)));
        inputs.push(float("position_columns", vec![columns, side], bicubic(columns, side)));
        inputs.push(whole("position_blocks", vec![5], blocks));
    }
    inputs
}

/// How `side` learned positions mix into each of `count`: `[count, side]`, at most four numbers of a row not zero.
///
/// This is `grid_sample` with bicubic interpolation (`a = -0.75`), pixel centres at halves, and the border repeated.
fn bicubic(count: usize, side: usize) -> Vec<f32> {
    const A: f32 = -0.75;
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let mut mixture = vec![0f32; count * side];
    for (place, row) in mixture.chunks_exact_mut(side).enumerate() {
        let normed = ((place as f32 + 0.5) / count as f32) * 2.0 - 1.0; // The reference goes this way round too.
        let at = ((normed + 1.0) * side as f32 - 1.0) / 2.0;
        let t = at - at.floor();
        for (tap, weight) in [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)].into_iter().enumerate() {
            let source = (at.floor() as i64 - 1 + tap as i64).clamp(0, side as i64 - 1);
            row[source as usize] += weight;
        }
    }
    mixture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learned_positions_of_the_same_shape_are_left_alone() {
        let mixture = bicubic(6, 6);
        for (index, weight) in mixture.iter().enumerate() {
            assert!((weight - f32::from(u8::from(index % 6 == index / 6))).abs() < 1e-5, "{index}: {weight}");
        }
    }
}
