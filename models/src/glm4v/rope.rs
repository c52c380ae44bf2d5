//! Where tokens and patches stand, and the angles by which the graphs turn them: the host's part of the GLM-4.1V family.
//!
//! The graphs know slots of the cache, not positions: row `i` of a table belongs to slot `i`, whatever the three coordinates of
//! the token in it. That is how three-dimensional positions need no operator of their own.

use super::config::{TextConfig, VisionConfig};

/// A token's coordinates: time, height, width.
pub type Position = [u32; 3];

/// What stands in a prompt, in the order of its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// So many tokens of text.
    Text(usize),
    /// A picture of so many rows and columns of tokens.
    Picture { rows: usize, columns: usize },
}

/// Positions of all tokens of a prompt, and of the first token after it.
///
/// Text counts up in all three coordinates. A picture stands at one time; its height and width count its own rows and columns,
/// and what follows begins after the larger of the two.
pub fn positions(spans: &[Span]) -> (Vec<Position>, u32) {
    let mut positions = Vec::new();
    let mut at = 0;
    for &span in spans {
        match span {
            Span::Text(tokens) => {
                positions.extend((at..).take(tokens).map(|place| [place; 3]));
                at += tokens as u32;
            }
            Span::Picture { rows, columns } => {
                for row in 0..rows as u32 {
                    positions.extend((0..columns as u32).map(|column| [at, at + row, at + column]));
                }
                at += rows.max(columns) as u32;
            }
        }
    }
    (positions, at)
}

/// Cosines and sines of the decoder's slots: two tables `[positions, turned / 2]`.
///
/// Angles are rounded to 32 bits where the reference rounds them: far into a long prompt the difference shows.
pub fn text_tables(config: &TextConfig, positions: &[Position]) -> (Vec<f32>, Vec<f32>) {
    let frequencies = frequencies(config.theta, config.turned);
    let [time, height, _] = config.sections.map(|section| section as usize);
    let axis = |index| {
        if index < time {
            0
        } else if index < time + height {
            1
        } else {
            2
        }
    };
    positions
        .iter()
        .flat_map(|position| {
            let turn = |(index, frequency): (usize, &f32)| cos_sin(position[axis(index)] as f32 * frequency);
            frequencies.iter().enumerate().map(turn).collect::<Vec<_>>()
        })
        .unzip()
}

/// What the vision encoder has to be told of a picture's shape: its inputs besides the patches, by name.
pub struct VisionTables {
    pub inputs: Vec<(&'static str, Table)>,
}

/// An input of a graph.
pub enum Table {
    F32 { shape: Vec<usize>, numbers: Vec<f32> },
    I64 { shape: Vec<usize>, numbers: Vec<i64> },
}

/// Tables for a picture of `rows` by `columns` patches, both even.
pub fn vision_tables(config: &VisionConfig, rows: usize, columns: usize) -> VisionTables {
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
    let angles = |numbers| Table::F32 { shape: vec![patches, angles], numbers };
    let indices = Table::I64 { shape: vec![1, patches], numbers: (0..patches as i64).collect() };
    let mut inputs = vec![("patch_indices", indices), ("patch_cos", angles(cos)), ("patch_sin", angles(sin))];
    if let Some(side) = config.side.map(|side| side as usize) {
        let mixture = |count| Table::F32 { shape: vec![count, side], numbers: bicubic(count, side) };
        let blocks = [rows / 2, 2, columns / 2, 2, config.width as usize].map(|size| size as i64).to_vec();
        inputs.push(("position_rows", mixture(rows)));
        inputs.push(("position_columns", mixture(columns)));
        inputs.push(("position_blocks", Table::I64 { shape: vec![5], numbers: blocks }));
    }
    VisionTables { inputs }
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

/// `1 / theta^(2 i / width)` for the first `width / 2` of them.
fn frequencies(theta: f64, width: u64) -> Vec<f32> {
    (0..width / 2)
        .map(|index| {
            let exponent = (2 * index) as f32 / width as f32;
            1.0 / theta.powf(exponent.into()) as f32
        })
        .collect()
}

fn cos_sin(angle: f32) -> (f32, f32) {
    let angle = f64::from(angle);
    (angle.cos() as f32, angle.sin() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_takes_as_many_places_as_its_longer_edge() {
        let spans = [Span::Text(2), Span::Picture { rows: 2, columns: 3 }, Span::Text(1)];
        let expected =
            vec![[0, 0, 0], [1, 1, 1], [2, 2, 2], [2, 2, 3], [2, 2, 4], [2, 3, 2], [2, 3, 3], [2, 3, 4], [5, 5, 5]];
        assert_eq!(positions(&spans), (expected, 6));
    }

    #[test]
    fn learned_positions_of_the_same_shape_are_left_alone() {
        let mixture = bicubic(6, 6);
        for (index, weight) in mixture.iter().enumerate() {
            assert!((weight - f32::from(u8::from(index % 6 == index / 6))).abs() < 1e-5, "{index}: {weight}");
        }
    }
}
