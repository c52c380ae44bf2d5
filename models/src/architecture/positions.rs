//! Where tokens stand, and the tables of angles that graphs are given for it.
//!
//! The graphs know slots of the cache, not positions: row `i` of a table belongs to slot `i`, whatever the three coordinates of
//! the token in it. That is how three-dimensional positions need no operator of their own.

/// A token's coordinates: time, height, width. They are equal for families that only count.
pub type Position = [u32; 3];

/// What stands in a prompt, in the order of its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// So many tokens of text.
    Text(usize),
    /// A picture of so many rows and columns of tokens.
    Picture { rows: usize, columns: usize },
}

/// An input of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    pub name: &'static str,
    pub shape: Vec<usize>,
    pub values: Values,
}

/// The numbers of a `NamedTensor`.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Given to the graph in its own kind of floats.
    Float(Vec<f32>),
    I64(Vec<i64>),
}

/// Positions of all tokens of a prompt, and of the first token after it.
///
/// Text counts up in all three coordinates. A picture stands at one time; its height and width count its own rows and columns,
/// and what follows begins after the larger of the two.
pub fn in_three_dimensions(spans: &[Span]) -> (Vec<Position>, u32) {
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

/// Cosines and sines of the decoder's slots, `cos_cache` and `sin_cache`: `[positions, rotary_dim / 2]` each. `axis` says which of
/// the three coordinates a frequency follows.
///
/// Angles are rounded to 32 bits where the reference rounds them: far into a long prompt the difference shows.
pub fn rotary_tables(
    theta: f64,
    rotary_dim: u64,
    axis: impl Fn(usize) -> usize,
    positions: &[Position],
) -> Vec<NamedTensor> {
    let frequencies = frequencies(theta, rotary_dim);
    let shape = vec![positions.len(), frequencies.len()];
    let (mut cos, mut sin) = (Vec::with_capacity(shape[0] * shape[1]), Vec::with_capacity(shape[0] * shape[1]));
    let axes: Vec<usize> = (0..frequencies.len()).map(axis).collect();
    for position in positions {
        for (frequency, &axis) in frequencies.iter().zip(&axes) {
            let (c, s) = cos_sin(position[axis] as f32 * frequency);
            cos.push(c);
            sin.push(s);
        }
    }
    let table = |name, values| NamedTensor { name, shape: shape.clone(), values: Values::Float(values) };
    vec![table("cos_cache", cos), table("sin_cache", sin)]
}

/// `1 / theta^(2 i / width)` for the first `width / 2` of them.
pub fn frequencies(theta: f64, width: u64) -> Vec<f32> {
    (0..width / 2)
        .map(|index| {
            let exponent = (2 * index) as f32 / width as f32;
            1.0 / theta.powf(exponent.into()) as f32
        })
        .collect()
}

pub fn cos_sin(angle: f32) -> (f32, f32) {
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
        assert_eq!(in_three_dimensions(&spans), (expected, 6));
    }

    #[test]
    fn each_frequency_follows_its_axis() {
        let tables = rotary_tables(10_000.0, 4, |index| index, &[[0, 7, 0], [1, 0, 0]]);
        let [cos, sin] = &tables[..] else { panic!("{tables:?}") };
        assert_eq!((cos.name, sin.name, &cos.shape), ("cos_cache", "sin_cache", &vec![2, 2]));
        let Values::Float(numbers) = &sin.values else { panic!("{sin:?}") };
        assert_eq!(numbers[..], [0.0, cos_sin(7.0 * 0.01).1, 1f64.sin() as f32, 0.0]);
    }
}
