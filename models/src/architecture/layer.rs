//! What decoders and encoders of all families are made of.

use super::{Layout, Weight};
use crate::checkpoint::{Tensor, TensorTree};
use crate::error::BuildError;
use crate::onnx::{Blocks, ElementType, Graph, ProjectedHeads, Value};

/// `x: [.., in] -> [.., out]`, with no bias.
pub fn linear<'a>(
    graph: &mut Graph<Weight<'a>>,
    x: &Value,
    out: u64,
    weights: &TensorTree<'a>,
    name: &str,
) -> Result<Value, BuildError> {
    let at = weights.at(name);
    let tensor = at.tensor("weight", [out, x.width()])?;
    Ok(matrix(graph, x, tensor, &at.name_of("product")))
}

/// `x: [.., in] -> [.., out]` through a matrix that was found already.
pub fn matrix<'a>(graph: &mut Graph<Weight<'a>>, x: &Value, tensor: Tensor<'a>, name: &str) -> Value {
    let Some(blocks) = graph.options().blocks else {
        let matrix = graph.weight(tensor.name, tensor.shape, Weight::from_tensor(tensor));
        return graph.matmul_transposed(name, x, &matrix);
    };
    let (matrix, out) = (tensor.name.to_owned(), tensor.shape[0]);
    let [quants, scales] = in_blocks(graph, &matrix, vec![tensor], [out, x.width()], blocks);
    graph.matmul_blocks(name, x, [&quants, &scales], None, blocks)
}

/// Several matrices over the same `x: [.., in]`, with their biases if they have some: `[.., out]` of each, or all in one where
/// they are quantised, as rows in blocks can follow one another and one product is quicker than three.
pub fn projections<'a>(
    graph: &mut Graph<Weight<'a>>,
    x: &Value,
    parts: [(&str, u64); 3],
    biased: bool,
    weights: &TensorTree<'a>,
) -> Result<ProjectedHeads, BuildError> {
    let Some(blocks) = graph.options().blocks else {
        let mut apart = Vec::new();
        for (name, out) in parts {
            let product = linear(graph, x, out, weights, name)?;
            apart.push(if biased { bias(graph, &product, &weights.at(name))? } else { product });
        }
        return Ok(ProjectedHeads::Apart(apart.try_into().expect("there are three parts")));
    };
    let (mut matrices, mut shifts) = (Vec::new(), Vec::new());
    for (name, out) in parts {
        matrices.push(weights.at(name).tensor("weight", [out, x.width()])?);
        if biased {
            shifts.push(weights.at(name).tensor("bias", [out])?);
        }
    }
    let out = parts.iter().map(|(_, out)| out).sum();
    let at = weights.at("qkv_proj");
    let pair = in_blocks(graph, &at.name_of("weight"), matrices, [out, x.width()], blocks);
    let shift = biased.then(|| {
        let weight = Weight { parts: shifts, layout: Layout::Stored };
        graph.weight(&at.name_of("bias"), &[out], weight)
    });
    let [quants, scales] = &pair;
    Ok(ProjectedHeads::Together(graph.matmul_blocks(
        &at.name_of("product"),
        x,
        [quants, scales],
        shift.as_ref(),
        blocks,
    )))
}

/// A matrix as numbers and scales, under the names that ONNX Runtime's own quantiser would give them.
fn in_blocks<'a>(
    graph: &mut Graph<Weight<'a>>,
    name: &str,
    parts: Vec<Tensor<'a>>,
    [out, width]: [u64; 2],
    blocks: Blocks,
) -> [Value; 2] {
    let count = width.div_ceil(blocks.size);
    let shape = [out, count, blocks.size * u64::from(blocks.bits) / 8];
    let weight = Weight { parts: parts.clone(), layout: Layout::Quants(blocks) };
    let quants = graph.weight_of(ElementType::U8, &format!("{name}_Q{}", blocks.bits), &shape, weight);
    let weight = Weight { parts, layout: Layout::Scales(blocks) };
    let scales = graph.weight(&format!("{name}_scales"), &[out, count], weight);
    [quants, scales]
}

/// `x: [.., width] -> [.., width]`, the bias of `weights` added.
pub fn bias<'a>(graph: &mut Graph<Weight<'a>>, x: &Value, weights: &TensorTree<'a>) -> Result<Value, BuildError> {
    let shift = vector(graph, x.width(), weights, "bias")?;
    Ok(graph.add(&weights.name_of("biased"), x, &shift))
}

/// `x: [.., width] -> [.., width]`, divided by its root mean square.
pub fn norm<'a>(
    graph: &mut Graph<Weight<'a>>,
    x: &Value,
    epsilon: f32,
    weights: &TensorTree<'a>,
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
    weights: &TensorTree<'a>,
    name: &str,
) -> Result<Value, BuildError> {
    let vector = weights.tensor(name, [width])?;
    Ok(graph.weight(vector.name, &[width], Weight::from_tensor(vector)))
}
