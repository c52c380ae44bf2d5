//! A second family, which exists among the tests only: that another one is a file beside `glm4v` and a line in `FAMILIES` stays true
//! as long as this one is built, opened and answers.
//!
//! It differs wherever a family may: patches of 8 pixels, nine of them a token, one frame, other colours, positions that only count,
//! nothing told of a picture but its patches, and an encoder that makes two planes of features, of which the decoder takes the second
//! behind its first layer, as deep stacks of vision features do.

use std::path::Path;

use super::positions::{NamedTensor, Position, Span, rotary_tables};
use super::spec::{TextSpec, VisionSpec};
use super::{Family, Graphs, Layout, ModelGraphOptions, Registration, Spec, Weight, layer, weight};
use crate::checkpoint::{Checkpoint, TensorTree};
use crate::error::BuildError;
use crate::onnx::{CacheValues, Dim, ElementType, Graph, GraphOptions, Value};

pub const REGISTRATION: Registration = Registration { model_types: &["toy"], read };

const WIDTH: u64 = 32;
const HEADS: [u64; 2] = [2, 1];
const HEAD_DIM: u64 = 16;
const LAYERS: u64 = 2;
const VOCABULARY: u64 = 352;
const PATCH_VALUES: u64 = 3 * 8 * 8;
const PATCHES_OF_TOKEN: u64 = 9;
const PLANES: u64 = 2;

#[derive(Debug)]
struct Toy {
    spec: Spec,
}

fn read(_: &[u8], _: &Path, model_type: &'static str) -> Result<Box<dyn Family>, BuildError> {
    let text = TextSpec {
        vocabulary: VOCABULARY,
        width: WIDTH,
        layers: LAYERS,
        heads: HEADS[0],
        kv_heads: HEADS[1],
        head_dim: HEAD_DIM,
        positions_max: 1024,
    };
    let vision = VisionSpec {
        width: WIDTH,
        layers: 0,
        patch: 8,
        merge: 3,
        frames: 1,
        frames_counted: 1,
        mean: [0.5; 3],
        std: [0.5; 3],
        planes: PLANES as usize,
    };
    Ok(Box::new(Toy { spec: Spec { model_type, text, vision, tied: true, end_tokens: vec![], image_token: None } }))
}

impl Family for Toy {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn graphs<'a>(&self, checkpoint: &'a Checkpoint, options: ModelGraphOptions) -> Result<Graphs<'a>, BuildError> {
        let root = checkpoint.root();
        let embeddings = root.at("embed_tokens").tensor("weight", [VOCABULARY, WIDTH])?;
        let (head, tied) = weight::head(embeddings, &root.at("lm_head"), self.spec.tied)?;
        let mut decoder = decoder(&root, options.decoder)?;
        let (graph, asked) = (&mut decoder.0, &decoder.1);
        let logits = layer::matrix(graph, asked, head, "logits");
        graph.output(&logits);
        Ok(Graphs { vision: encoder(&root.at("visual"), options.vision)?, decoder: decoder.0, embeddings, tied })
    }

    fn positions(&self, spans: &[Span]) -> (Vec<Position>, u32) {
        let tokens = spans.iter().map(|span| match *span {
            Span::Text(tokens) => tokens,
            Span::Picture { rows, columns } => rows * columns,
        });
        let count = tokens.sum::<usize>() as u32;
        ((0..count).map(|place| [place; 3]).collect(), count)
    }

    fn text_inputs(&self, positions: &[Position]) -> Vec<NamedTensor> {
        rotary_tables(10_000.0, HEAD_DIM, |_| 0, positions)
    }

    fn vision_inputs(&self, _: usize, _: usize) -> Vec<NamedTensor> {
        Vec::new()
    }
}

/// `pixel_values: [patches, 192] -> image_features: [patches / 9, 2 * width]`
fn encoder<'a>(weights: &TensorTree<'a>, options: GraphOptions) -> Result<Graph<Weight<'a>>, BuildError> {
    let mut graph = Graph::new("vision_encoder", options);
    let (patches, values) = (Dim::Named("patches"), PATCHES_OF_TOKEN * PATCH_VALUES);
    let pixels = graph.input("pixel_values", options.kind, [patches, Dim::Fixed(PATCH_VALUES)]);
    let shape = graph.numbers("tokens.shape", &[-1, values as i64]);
    let tokens = graph.reshape("tokens", &pixels, &shape, [Dim::Named("tokens"), Dim::Fixed(values)]);
    let kernel = weights.at("proj").tensor("weight", [PLANES * WIDTH, values])?;
    let kernel = graph.weight(kernel.name, kernel.shape, Weight { parts: vec![kernel], layout: Layout::Stored });
    let features = graph.matmul_transposed("image_features", &tokens, &kernel);
    graph.output(&features);
    Ok(graph)
}

/// The decoder up to the rows whose logits are wanted.
fn decoder<'a>(weights: &TensorTree<'a>, options: GraphOptions) -> Result<(Graph<Weight<'a>>, Value), BuildError> {
    let mut graph = Graph::new("decoder", options);
    let (kind, fixed) = (options.kind, Dim::Fixed);
    let tokens = [fixed(1), Dim::Named("tokens"), fixed(WIDTH)];
    let mut hidden = graph.input("inputs_embeds", kind, tokens);
    let visual = graph.input("visual_embeds.1", kind, tokens);
    let rows = graph.input("logits_rows", ElementType::I64, [Dim::Named("rows")]);
    let last = graph.input("seqlens_k", ElementType::I32, [fixed(1)]);
    let total = graph.input("total_sequence_length", ElementType::I32, []);
    let angles = [Dim::Named("slots"), fixed(HEAD_DIM / 2)];
    let [cos, sin] = ["cos_cache", "sin_cache"].map(|name| graph.input(name, kind, angles));
    for index in 0..LAYERS {
        let at = weights.at("layers").at(index);
        let normed = layer::norm(&mut graph, &hidden, 1e-5, &at, "norm")?;
        let parts = [("q_proj", HEADS[0]), ("k_proj", HEADS[1]), ("v_proj", HEADS[1])];
        let parts = parts.map(|(name, heads)| (name, heads * HEAD_DIM));
        let projected = layer::projections(&mut graph, &normed, parts, false, &at)?;
        let shape = |slots| [fixed(1), fixed(HEADS[1]), Dim::Named(slots), fixed(HEAD_DIM)];
        let past = ["key", "value"]
            .map(|part| graph.input(&format!("past_key_values.{index}.{part}"), kind, shape("past_slots")));
        let present =
            ["key", "value"].map(|part| graph.value(&format!("present.{index}.{part}"), kind, shape("present_slots")));
        let cache = CacheValues {
            past: [&past[0], &past[1]],
            present: [&present[0], &present[1]],
            last: &last,
            total: &total,
            cos: &cos,
            sin: &sin,
        };
        let attended = graph.causal_attention(&at.name_of("attended"), &projected, &cache, HEADS);
        present.iter().for_each(|value| graph.output(value));
        let made = layer::linear(&mut graph, &attended, WIDTH, &at, "o_proj")?;
        hidden = graph.add(&at.name_of("residual"), &hidden, &made);
        if index == 0 {
            hidden = graph.add("visual.added", &hidden, &visual);
        }
    }
    let asked = graph.rows("asked", &hidden, &rows);
    Ok((graph, asked))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use safetensors::tensor::{Dtype, TensorView};

    use super::*;
    use crate::engine::goldens::{draw, here};
    use crate::engine::{EngineOptions, answer_alone, goldens};
    use crate::folder::{Build, build, info};
    use tapwright_contract::model::{Part, Role, Turn};

    /// A checkpoint of the family; without its second plane where that is asked for.
    fn checkpoint(second_plane: bool) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["tokenizer.json", "chat_template.jinja"] {
            fs::copy(here().join(name), folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("config.json"), r#"{"model_type": "toy"}"#).unwrap();
        let mut shapes = vec![
            ("embed_tokens.weight".to_owned(), vec![VOCABULARY as usize, WIDTH as usize]),
            ("visual.proj.weight".to_owned(), vec![2 * WIDTH as usize, 9 * PATCH_VALUES as usize]),
        ];
        for index in 0..LAYERS {
            for (name, shape) in [
                ("norm", vec![32]),
                ("q_proj", vec![32, 32]),
                ("k_proj", vec![16, 32]),
                ("v_proj", vec![16, 32]),
                ("o_proj", vec![32, 32]),
            ] {
                shapes.push((format!("layers.{index}.{name}.weight"), shape));
            }
        }
        let bytes: Vec<Vec<u8>> = shapes
            .iter()
            .map(|(name, shape)| {
                let mut numbers = goldens::weight(name, shape);
                if name == "visual.proj.weight" && !second_plane {
                    let half = numbers.len() / 2;
                    numbers[half..].fill(0.0);
                }
                numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
            })
            .collect();
        let tensors = shapes
            .iter()
            .zip(&bytes)
            .map(|((name, shape), bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
        safetensors::serialize_to_file(tensors, None, &folder.path().join("model.safetensors")).unwrap();
        folder
    }

    /// What it computes of a prompt that is read in chunks; nothing without ONNX Runtime.
    fn answer(second_plane: bool, picture: bool, chunk: u32) -> Option<(Vec<f32>, Vec<u32>)> {
        let folder = checkpoint(second_plane);
        let out = folder.path().join("built");
        build(folder.path(), &out, &Build::FP32, |_| ()).unwrap();
        let mut parts =
            vec![Part::Text("a long word and some more of them, so that there is more than a chunk".to_owned())];
        if picture {
            parts.insert(0, Part::Picture(draw("noise", 96, 72)));
        }
        let options = EngineOptions { chunk_tokens_max: chunk, ..goldens::options(chunk) };
        answer_alone(&out, &options, vec![Turn { role: Role::User, parts }], 12)
    }

    #[test]
    fn another_family_is_built_and_answers() {
        let folder = checkpoint(true);
        let about = info(folder.path()).unwrap();
        assert_eq!((about.architecture, about.layers, about.tied), ("toy", 2, true));

        let Some((logits, tokens)) = answer(true, true, 512) else { return };
        assert_eq!(tokens.len(), 12);
        let furthest = |other: &[f32]| goldens::furthest(&logits, other);
        let (chunked, again) = answer(true, true, 3).unwrap();
        assert!(furthest(&chunked) < 1e-5 && again == tokens, "it does not matter how the prompt is read");
        let (flat, _) = answer(false, true, 512).unwrap();
        assert!(furthest(&flat) > 1e-3, "the second plane of a picture is seen: {}", furthest(&flat));
        let (text, _) = answer(true, false, 512).unwrap();
        assert!(furthest(&text) > 1e-3);
        assert_eq!(answer(false, false, 512).unwrap().0, text, "and it is nothing to a prompt without one");
    }
}
