//! The decoder: embedded tokens in, logits out, with a cache of keys and values. Names are the checkpoint's.

use super::config::TextConfig;
use super::{Weight, layer};
use crate::checkpoint::{Tensor, TensorTree};
use crate::error::BuildError;
use crate::onnx::{CacheValues, Dim, ElementType, Graph, GraphOptions, Value};

/// Tokens of one run.
const TOKENS: Dim = Dim::Named("tokens");

/// What all layers share.
struct Shared {
    last: Value,
    total: Value,
    cos: Value,
    sin: Value,
}

/// `inputs_embeds: [1, tokens, width], logits_rows: [k] -> logits: [1, k, vocabulary]`
///
/// Logits of a long prompt would be most of its work, and only those of the last token are ever looked at; so the caller
/// names the rows that it wants.
pub fn decoder<'a>(
    config: &TextConfig,
    weights: &TensorTree<'a>,
    head: Tensor<'a>,
    options: GraphOptions,
) -> Result<Graph<Weight<'a>>, BuildError> {
    let mut graph = Graph::new("decoder", options);
    let graph = &mut graph;
    let fixed = Dim::Fixed;
    let slots = Dim::Named("slots");
    let embeds = graph.input("inputs_embeds", options.kind, [fixed(1), TOKENS, fixed(config.width)]);
    let rows = graph.input("logits_rows", ElementType::I64, [Dim::Named("rows")]);
    let shared = Shared {
        last: graph.input("seqlens_k", ElementType::I32, [fixed(1)]),
        total: graph.input("total_sequence_length", ElementType::I32, []),
        cos: graph.input("cos_cache", options.kind, [slots, fixed(config.rotary_dim / 2)]),
        sin: graph.input("sin_cache", options.kind, [slots, fixed(config.rotary_dim / 2)]),
    };

    let layers = weights.at("layers");
    let mut residual = embeds;
    let mut normed = layer::norm(graph, &residual, config.epsilon, &layers.at(0), "input_layernorm")?;
    for index in 0..config.layers {
        let at = layers.at(index);
        let attended = attention(graph, &normed, index, &shared, config, &at.at("self_attn"))?;
        let attended = layer::norm(graph, &attended, config.epsilon, &at, "post_self_attn_layernorm")?;
        (normed, residual) = join(graph, &residual, &attended, config, &at.at("post_attention_layernorm"))?;
        let mixed = mlp(graph, &normed, config, &at.at("mlp"))?;
        let mixed = layer::norm(graph, &mixed, config.epsilon, &at, "post_mlp_layernorm")?;
        let next =
            if index + 1 < config.layers { layers.at(index + 1).at("input_layernorm") } else { weights.at("norm") };
        (normed, residual) = join(graph, &residual, &mixed, config, &next)?;
    }

    let asked = graph.rows("asked", &normed, &rows);
    let logits = layer::matrix(graph, &asked, head, "logits");
    graph.output(&logits);
    Ok(std::mem::replace(graph, Graph::new("", options)))
}

/// Adds what a block made to what went round it, and norms the sum for the next block: `(normed, sum)`.
fn join<'a>(
    graph: &mut Graph<Weight<'a>>,
    residual: &Value,
    made: &Value,
    config: &TextConfig,
    norm: &TensorTree<'a>,
) -> Result<(Value, Value), BuildError> {
    let scale = layer::vector(graph, config.width, norm, "weight")?;
    Ok(graph.add_and_rms_norm(&norm.name_of("normed"), residual, made, &scale, config.epsilon))
}

/// `hidden: [1, tokens, width] -> [1, tokens, width]`
fn attention<'a>(
    graph: &mut Graph<Weight<'a>>,
    hidden: &Value,
    index: u64,
    shared: &Shared,
    config: &TextConfig,
    weights: &TensorTree<'a>,
) -> Result<Value, BuildError> {
    let parts = [("q_proj", config.heads), ("k_proj", config.kv_heads), ("v_proj", config.kv_heads)];
    let parts = parts.map(|(name, heads)| (name, heads * config.head_dim));
    let projected = layer::projections(graph, hidden, parts, config.qkv_bias, weights)?;

    let kind = graph.kind();
    let shape = |slots| [Dim::Fixed(1), Dim::Fixed(config.kv_heads), Dim::Named(slots), Dim::Fixed(config.head_dim)];
    let past =
        ["key", "value"].map(|part| graph.input(&format!("past_key_values.{index}.{part}"), kind, shape("past_slots")));
    let present =
        ["key", "value"].map(|part| graph.value(&format!("present.{index}.{part}"), kind, shape("present_slots")));
    let cache = CacheValues {
        past: [&past[0], &past[1]],
        present: [&present[0], &present[1]],
        last: &shared.last,
        total: &shared.total,
        cos: &shared.cos,
        sin: &shared.sin,
    };
    let heads = [config.heads, config.kv_heads];
    let attended = graph.causal_attention(&weights.name_of("attended"), &projected, &cache, heads);
    present.iter().for_each(|value| graph.output(value));
    layer::linear(graph, &attended, config.width, weights, "o_proj")
}

/// `hidden: [1, tokens, width] -> [1, tokens, width]`; gate and up are one matrix, the gate first.
fn mlp<'a>(
    graph: &mut Graph<Weight<'a>>,
    hidden: &Value,
    config: &TextConfig,
    weights: &TensorTree<'a>,
) -> Result<Value, BuildError> {
    let both = layer::linear(graph, hidden, 2 * config.inner, weights, "gate_up_proj")?;
    let [gate, up] = graph.split([weights.name_of("gate"), weights.name_of("up")], &both);
    let open = graph.silu(&weights.name_of("open"), &gate);
    let inner = graph.multiply(&weights.name_of("gated"), &up, &open);
    layer::linear(graph, &inner, config.width, weights, "down_proj")
}
