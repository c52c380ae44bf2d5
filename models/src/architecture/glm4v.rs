//! The GLM-4.1V family: its graphs from its checkpoints, and the little mathematics that the host does.
//!
//! `glm4v` and `glm46v` are built alike; `glm_ocr` lacks some blocks and has others, which its configuration says.
//! Code walks the checkpoint by tensor names, one function a block; the reference is Hugging Face's `transformers`.

mod config;
mod rope;
mod text;
mod vision;

use std::path::Path;

use super::positions::{self, NamedTensor, Position, Span, rotary_tables};
use super::{Family, Graphs, Layout, ModelGraphOptions, Registration, Spec, Weight};
use super::{layer, weight};
use crate::checkpoint::Checkpoint;
use crate::error::BuildError;
use crate::onnx::Dim;
use config::{TextConfig, VisionConfig};

pub const REGISTRATION: Registration = Registration { model_types: &["glm4v", "glm46v", "glm_ocr"], read };

/// Patches along the edge of a visual token.
const MERGE: u64 = 2;
/// Pixels along the edge of a patch.
const PATCH: u64 = 14;
/// Frames of a patch.
const FRAMES: u64 = 2;
/// Numbers of a patch: three channels, its frames, its pixels.
const PATCH_VALUES: u64 = 3 * FRAMES * PATCH * PATCH;

/// Patches of one picture.
const PATCHES: Dim = Dim::Named("patches");

/// A model of this family.
#[derive(Debug)]
struct Glm4v {
    spec: Spec,
    text: TextConfig,
    vision: VisionConfig,
}

fn read(json: &[u8], file: &Path, model_type: &'static str) -> Result<Box<dyn Family>, BuildError> {
    Ok(Box::new(Glm4v::parse(json, file, model_type)?))
}

impl Family for Glm4v {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn graphs<'a>(&self, checkpoint: &'a Checkpoint, options: ModelGraphOptions) -> Result<Graphs<'a>, BuildError> {
        let root = checkpoint.root();
        let (visual, language) = (root.at("model").at("visual"), root.at("model").at("language_model"));
        let table = [self.text.vocabulary, self.text.width];
        let embeddings = language.at("embed_tokens").tensor("weight", table)?;
        let (head, tied) = weight::head(embeddings, &root.at("lm_head"), self.spec.tied)?;
        Ok(Graphs {
            vision: vision::encoder(&self.vision, &visual, options.vision)?,
            decoder: text::decoder(&self.text, &language, head, options.decoder)?,
            embeddings,
            tied,
        })
    }

    fn positions(&self, spans: &[Span]) -> (Vec<Position>, u32) {
        positions::in_three_dimensions(spans)
    }

    fn text_inputs(&self, positions: &[Position]) -> Vec<NamedTensor> {
        let [time, height, _] = self.text.sections.map(|section| section as usize);
        let axis = |index| match index {
            _ if index < time => 0,
            _ if index < time + height => 1,
            _ => 2,
        };
        rotary_tables(self.text.theta, self.text.rotary_dim, axis, positions)
    }

    fn vision_inputs(&self, rows: usize, columns: usize) -> Vec<NamedTensor> {
        rope::vision_inputs(&self.vision, rows, columns)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::architecture::family;

    /// What becomes of a file of these fields.
    fn check(text: &str, expected: Expect) {
        let file = Path::new("config.json");
        let model_type = serde_json::from_str::<serde_json::Value>(text).unwrap()["model_type"].clone();
        let known = REGISTRATION.model_types.iter().find(|known| model_type == **known);
        let told = match known.map(|known| Glm4v::parse(text.as_bytes(), file, known)) {
            Some(Ok(Glm4v { spec, text, vision })) => {
                format!("{} {:?}\n{text:?}\n{vision:?}", spec.model_type, spec.image_token)
            }
            Some(Err(error)) => error.to_string(),
            None => family(text.as_bytes(), file).unwrap_err().to_string(),
        };
        expected.assert_eq(&told);
    }

    #[test]
    fn what_a_file_leaves_out_is_as_in_the_classes_of_the_reference() {
        let rope = r#""rope_parameters": {"partial_rotary_factor": 0.5}"#;
        check(
            &format!(
                r#"{{"model_type": "glm46v", "image_token_id": 151363, "text_config": {{{rope}}}, "vision_config": {{}}}}"#
            ),
            expect![[r#"
                glm46v Some(151363)
                TextConfig { vocabulary: 151552, width: 4096, inner: 13696, layers: 40, heads: 32, kv_heads: 2, head_dim: 128, qkv_bias: true, epsilon: 1e-5, positions_max: 32768, theta: 10000.0, rotary_dim: 64, sections: [8, 12, 12] }
                VisionConfig { width: 1536, layers: 24, heads: 12, out: 4096, inner: 4096, merger_inner: 13696, side: Some(24), qkv_bias: false, biases: false, qk_norm: false, epsilon: 1e-5, theta: 10000.0 }"#]],
        );
        let text = r#""text_config": {"hidden_size": 1536, "head_dim": 128, "rope_parameters": {"mrope_section": [16, 24, 24]}}"#;
        check(
            &format!(r#"{{"model_type": "glm_ocr", {text}, "vision_config": {{}}}}"#),
            expect![[r#"
            glm_ocr None
            TextConfig { vocabulary: 59392, width: 1536, inner: 4096, layers: 16, heads: 16, kv_heads: 8, head_dim: 128, qkv_bias: false, epsilon: 1e-5, positions_max: 131072, theta: 10000.0, rotary_dim: 128, sections: [16, 24, 24] }
            VisionConfig { width: 1024, layers: 24, heads: 16, out: 1536, inner: 4096, merger_inner: 4608, side: None, qkv_bias: true, biases: true, qk_norm: true, epsilon: 1e-5, theta: 10000.0 }"#]],
        );
        // Biases of the vision encoder are GLM-OCR's alone, but for those of queries, keys and values.
        let vision = r#""vision_config": {"attention_bias": true}"#;
        check(
            &format!(r#"{{"model_type": "glm4v", "text_config": {{{rope}}}, {vision}}}"#),
            expect![[r#"
            glm4v None
            TextConfig { vocabulary: 151552, width: 4096, inner: 13696, layers: 40, heads: 32, kv_heads: 2, head_dim: 128, qkv_bias: true, epsilon: 1e-5, positions_max: 32768, theta: 10000.0, rotary_dim: 64, sections: [8, 12, 12] }
            VisionConfig { width: 1536, layers: 24, heads: 12, out: 4096, inner: 4096, merger_inner: 13696, side: Some(24), qkv_bias: true, biases: false, qk_norm: false, epsilon: 1e-5, theta: 10000.0 }"#]],
        );
    }

    #[test]
    fn what_cannot_be_built_is_named() {
        check(
            r#"{"model_type": "qwen3_vl"}"#,
            expect![[
                r#"not supported: the architecture "qwen3_vl"; those that can be built are `glm4v`, `glm46v`, `glm_ocr`, `toy`"#
            ]],
        );
        check(
            r#"{"architectures": ["LlamaForCausalLM"]}"#,
            expect![[
                r#"not supported: the architecture "LlamaForCausalLM"; those that can be built are `glm4v`, `glm46v`, `glm_ocr`, `toy`"#
            ]],
        );
        check(r#"{"model_type": "glm_ocr"}"#, expect!["config.json is damaged: there is no vision_config"]);
        check(
            r#"{"model_type": "glm_ocr", "vision_config": {}, "text_config": {"head_dim": 24}}"#,
            expect!["not supported: heads of 24 numbers of which 24 are rotated; both have to be multiples of 16"],
        );
        check(
            r#"{"model_type": "glm_ocr", "vision_config": {}, "text_config": {"head_dim": 99999}}"#,
            expect!["not supported: head_dim 99999; it has to lie between 1 and 4096"],
        );
        check(
            r#"{"model_type": "glm4v", "vision_config": {}, "text_config": {"head_dim": 64}}"#,
            expect!["not supported: head_dim 64 beside 4096 numbers in 32 heads; the reference ignores it too"],
        );
        check(
            r#"{"model_type": "glm4v", "vision_config": {}, "text_config": {}}"#,
            expect!["not supported: mrope_section [8, 12, 12], which has to share out 64 frequencies in three"],
        );
        let rope = r#""rope_parameters": {"mrope_section": [16, 24, 24]}"#;
        check(
            &format!(
                r#"{{"model_type": "glm_ocr", "vision_config": {{}}, "text_config": {{"head_dim": 128, {rope}}}}}"#
            ),
            expect!["not supported: visual tokens of 1536 numbers beside text tokens of 1024"],
        );
    }
}
