//! What both towers are made of.

use super::Weight;
use crate::BuildError;
use crate::checkpoint::Tree;
use crate::onnx::{Graph, Value};

/// `x: [.., in] -> [.., out]`, with no bias.
pub fn linear<'a>(
    graph: &mut Graph<Weight<'a>>,
    x: &Value,
    out: u64,
    weights: &Tree<'a>,
    name: &str,
) -> Result<Value, BuildError> {
    let at = weights.at(name);
    let matrix = at.tensor("weight", [out, x.width()])?;
    let matrix = graph.weight(matrix.name, &[out, x.width()], Weight::Stored(matrix));
    Ok(graph.matmul_transposed(&at.name_of("product"), x, &matrix))
}

/// `x: [.., width] -> [.., width]`, the bias of `weights` added.
pub fn bias<'a>(graph: &mut Graph<Weight<'a>>, x: &Value, weights: &Tree<'a>) -> Result<Value, BuildError> {
    let shift = vector(graph, x.width(), weights, "bias")?;
    Ok(graph.add(&weights.name_of("biased"), x, &shift))
}

/// `x: [.., width] -> [.., width]`, divided by its root mean square.
pub fn norm<'a>(
    graph: &mut Graph<Weight<'a>>,
    x: &Value,
    epsilon: f32,
    weights: &Tree<'a>,
    name: &str,
) -> Result<Value, BuildError> {
    let at = weights.at(name);
    let scale = vector(graph, x.width(), &at, "weight")?;
    Ok(graph.rms_norm(&at.name_of("normed"), x, &scale, epsilon))
}

/// A row of numbers: `[width]`.
pub fn vector<'a>(
    graph: &mut Graph<Weight<'a>>,
    width: u64,
    weights: &Tree<'a>,
    name: &str,
) -> Result<Value, BuildError> {
    let vector = weights.tensor(name, [width])?;
    Ok(graph.weight(vector.name, &[width], Weight::Stored(vector)))
}
