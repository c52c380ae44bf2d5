//! The vision encoder: patches of one picture in, visual tokens out. Names are the checkpoint's.

use super::config::VisionConfig;
use super::{FRAMES, Layout, MERGE, PATCH, PATCH_VALUES, PATCHES, Weight, layer};
use crate::checkpoint::TensorTree;
use crate::error::BuildError;
use crate::onnx::{Dim, ElementType, Graph, GraphOptions, RotaryEmbedding, Value};

/// What the caller computes for each shape of picture, besides its patches: see `rope::vision_inputs`.
struct Tables {
    positions: Value,
    cos: Value,
    sin: Value,
}

/// `pixel_values: [patches, 1176] -> image_features: [patches / 4, out]`
pub fn encoder<'a>(
    config: &VisionConfig,
    weights: &TensorTree<'a>,
    options: GraphOptions,
) -> Result<Graph<Weight<'a>>, BuildError> {
    let mut graph = Graph::new("vision_encoder", options);
    let graph = &mut graph;
    let fixed = Dim::Fixed;
    let angles = config.width / config.heads / 2;
    let pixels = graph.input("pixel_values", options.kind, [PATCHES, fixed(PATCH_VALUES)]);
    let tables = Tables {
        positions: graph.input("patch_indices", ElementType::I64, [fixed(1), PATCHES]),
        cos: graph.input("patch_cos", options.kind, [PATCHES, fixed(angles)]),
        sin: graph.input("patch_sin", options.kind, [PATCHES, fixed(angles)]),
    };

    let mut hidden = patch_embed(graph, &pixels, config, weights)?;
    if let Some(side) = config.side {
        hidden = layer::norm(graph, &hidden, config.epsilon, weights, "post_conv_layernorm")?;
        let positions = embeddings(graph, side, config.width, &weights.at("embeddings"))?;
        hidden = graph.add("embedded", &hidden, &positions);
    }
    let mut hidden = graph.batch_of_one("embedded.batch", &hidden);
    for index in 0..config.layers {
        hidden = block(graph, &hidden, &tables, config, &weights.at("blocks").at(index))?;
    }
    let hidden = layer::norm(graph, &hidden, config.epsilon, weights, "post_layernorm")?;
    let tokens = downsample(graph, &hidden, config, &weights.at("downsample"))?;
    let features = merger(graph, &tokens, config, &weights.at("merger"))?;
    graph.output(&features);
    Ok(std::mem::replace(graph, Graph::new("", options)))
}

/// `[patches, 1176] -> [patches, width]`; the convolution's kernel is as large as a patch, so it is a matrix.
fn patch_embed<'a>(
    graph: &mut Graph<Weight<'a>>,
    pixels: &Value,
    config: &VisionConfig,
    weights: &TensorTree<'a>,
) -> Result<Value, BuildError> {
    let at = weights.at("patch_embed").at("proj");
    let kernel = at.tensor("weight", [config.width, 3, FRAMES, PATCH, PATCH])?;
    let kernel = graph.weight(kernel.name, &[config.width, PATCH_VALUES], Weight::from_tensor(kernel));
    let hidden = graph.matmul_transposed("patch_embed", pixels, &kernel);
    layer::bias(graph, &hidden, &at)
}

/// The learned positions at this picture's shape: `[patches, width]`, in the order of the patches.
///
/// Bicubic interpolation takes rows and columns apart, so two small matrices from the caller do it.
fn embeddings<'a>(
    graph: &mut Graph<Weight<'a>>,
    side: u64,
    width: u64,
    weights: &TensorTree<'a>,
) -> Result<Value, BuildError> {
    let (rows, columns, fixed) = (Dim::Named("rows"), Dim::Named("columns"), Dim::Fixed);
    let kind = graph.kind();
    // How learned positions mix into those of this picture.
    let row_mixture = graph.input("position_rows", kind, [rows, fixed(side)]);
    let column_mixture = graph.input("position_columns", kind, [columns, fixed(side)]);
    // `rows / 2, 2, columns / 2, 2, width`
    let block_shape = graph.input("position_blocks", ElementType::I64, [fixed(5)]);
    let table = weights.at("position_embedding").tensor("weight", [side * side, width])?;
    let table = graph.weight(table.name, &[side, side * width], Weight::from_tensor(table));
    let tall = graph.matmul("positions.rows", &row_mixture, &table, [rows, fixed(side * width)]);
    let cut = graph.numbers("positions.cut", &[0, side as i64, width as i64]);
    let tall = graph.reshape("positions.cut_rows", &tall, &cut, [rows, fixed(side), fixed(width)]);
    let shape = [rows, columns, fixed(width)];
    let full = graph.matmul("positions.columns", &column_mixture, &tall, shape);
    let [down, right] = [Dim::Named("down"), Dim::Named("right")];
    let shape = [down, fixed(2), right, fixed(2), fixed(width)];
    let blocks = graph.reshape("positions.blocks", &full, &block_shape, shape);
    let ordered = graph.transpose("positions.ordered", &blocks, &[0, 2, 1, 3, 4]);
    let flat = graph.numbers("positions.flat", &[-1, width as i64]);
    Ok(graph.reshape("positions", &ordered, &flat, [PATCHES, fixed(width)]))
}

/// `hidden: [1, patches, width] -> [1, patches, width]`
fn block<'a>(
    graph: &mut Graph<Weight<'a>>,
    hidden: &Value,
    tables: &Tables,
    config: &VisionConfig,
    weights: &TensorTree<'a>,
) -> Result<Value, BuildError> {
    let normed = layer::norm(graph, hidden, config.epsilon, weights, "norm1")?;
    let attended = attention(graph, &normed, tables, config, &weights.at("attn"))?;
    let hidden = graph.add(&weights.name_of("attn.residual"), hidden, &attended);
    let normed = layer::norm(graph, &hidden, config.epsilon, weights, "norm2")?;
    let mixed = gated_projection(graph, &normed, [config.inner, config.width], config.biases, &weights.at("mlp"))?;
    Ok(graph.add(&weights.name_of("mlp.residual"), &hidden, &mixed))
}

/// `hidden: [1, patches, width] -> [1, patches, width]`; every patch of the picture sees every other.
fn attention<'a>(
    graph: &mut Graph<Weight<'a>>,
    hidden: &Value,
    tables: &Tables,
    config: &VisionConfig,
    weights: &TensorTree<'a>,
) -> Result<Value, BuildError> {
    let name = |part: &str| weights.name_of(part);
    let all = linear(graph, hidden, 3 * config.width, config.qkv_bias, weights, "qkv")?;
    let [mut query, mut key, value] = graph.split([name("query"), name("key"), name("value")], &all);
    if config.qk_norm {
        query = head_norm(graph, &query, config, weights, "q_norm")?;
        key = head_norm(graph, &key, config, weights, "k_norm")?;
    }
    let turn =
        RotaryEmbedding { positions: &tables.positions, cos: &tables.cos, sin: &tables.sin, heads: config.heads };
    let query = graph.rotate_halves(&name("query.turned"), &query, &turn);
    let key = graph.rotate_halves(&name("key.turned"), &key, &turn);
    let attended = graph.attention(&name("attended"), &query, &key, &value, config.heads);
    linear(graph, &attended, config.width, config.biases, weights, "proj")
}

/// `x: [1, patches, width] -> [1, patches, width]`, each head divided by its own root mean square.
fn head_norm<'a>(
    graph: &mut Graph<Weight<'a>>,
    x: &Value,
    config: &VisionConfig,
    weights: &TensorTree<'a>,
    name: &str,
) -> Result<Value, BuildError> {
    let VisionConfig { width, heads, .. } = *config;
    let at = weights.at(name);
    let fixed = Dim::Fixed;
    let apart = graph.numbers("heads.apart", &[1, -1, heads as i64, (width / heads) as i64]);
    let together = graph.numbers("heads.together", &[1, -1, width as i64]);
    let shape = [fixed(1), PATCHES, fixed(heads), fixed(width / heads)];
    let cut = graph.reshape(&at.name_of("heads"), x, &apart, shape);
    let normed = layer::norm(graph, &cut, config.epsilon, weights, name)?;
    Ok(graph.reshape(&at.name_of("joined"), &normed, &together, [fixed(1), PATCHES, fixed(width)]))
}

/// `x: [.., in] -> [.., out]`
fn linear<'a>(
    graph: &mut Graph<Weight<'a>>,
    x: &Value,
    out: u64,
    bias: bool,
    weights: &TensorTree<'a>,
    name: &str,
) -> Result<Value, BuildError> {
    let product = layer::linear(graph, x, out, weights, name)?;
    if bias { layer::bias(graph, &product, &weights.at(name)) } else { Ok(product) }
}

/// `x: [.., in] -> [.., out]`
fn gated_projection<'a>(
    graph: &mut Graph<Weight<'a>>,
    x: &Value,
    [inner, out]: [u64; 2],
    biases: bool,
    weights: &TensorTree<'a>,
) -> Result<Value, BuildError> {
    let gate = linear(graph, x, inner, biases, weights, "gate_proj")?;
    let up = linear(graph, x, inner, biases, weights, "up_proj")?;
    let open = graph.silu(&weights.name_of("open"), &gate);
    let inner = graph.multiply(&weights.name_of("gated"), &open, &up);
    linear(graph, &inner, out, biases, weights, "down_proj")
}

/// Four patches become one token: `[1, patches, width] -> [patches / 4, out]`.
///
/// The patches of a token follow one another, so the convolution is a matrix once its kernel is laid out anew.
fn downsample<'a>(
    graph: &mut Graph<Weight<'a>>,
    hidden: &Value,
    config: &VisionConfig,
    weights: &TensorTree<'a>,
) -> Result<Value, BuildError> {
    let VisionConfig { width, out, .. } = *config;
    let kernel = weights.tensor("weight", [out, width, 2, 2])?;
    let weight = Weight { parts: vec![kernel], layout: Layout::ChannelsLast };
    let kernel = graph.weight(kernel.name, &[out, 4 * width], weight);
    let four = graph.numbers("downsample.four", &[-1, 4 * width as i64]);
    let fours = graph.reshape("downsample.fours", hidden, &four, [Dim::Named("tokens"), Dim::Fixed(4 * width)]);
    let tokens = graph.matmul_transposed("downsample", &fours, &kernel);
    layer::bias(graph, &tokens, weights)
}

/// `tokens: [tokens, out] -> [tokens, out]`
fn merger<'a>(
    graph: &mut Graph<Weight<'a>>,
    tokens: &Value,
    config: &VisionConfig,
    weights: &TensorTree<'a>,
) -> Result<Value, BuildError> {
    /// torch's default for `LayerNorm`, which the reference leaves as it is.
    const EPSILON: f32 = 1e-5;
    let projected = layer::linear(graph, tokens, config.out, weights, "proj")?;
    let norm = weights.at("post_projection_norm");
    let scale = layer::vector(graph, config.out, &norm, "weight")?;
    let shift = layer::vector(graph, config.out, &norm, "bias")?;
    let normed = graph.layer_norm(&norm.name_of("normed"), &projected, &scale, &shift, EPSILON);
    let active = graph.gelu(&weights.name_of("gelu"), &normed);
    gated_projection(graph, &active, [config.merger_inner, config.out], false, weights)
}

const _: () = assert!(MERGE == 2, "two by two patches become one token");
