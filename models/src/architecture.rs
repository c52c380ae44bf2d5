//! Which models can be built and run: `config.json` names one of them by its `model_type`.
//!
//! A family is a module, as `glm4v` is: it reads its `config.json`, walks its checkpoint, and computes what its graphs have to be
//! told of a prompt and its pictures. The folder and the engine know no family by name. What is new comes as a variant here, and
//! the compiler leads through the rest.

use std::path::Path;

use serde::Deserialize;

use crate::BuildError;
use crate::checkpoint::Checkpoint;
use crate::glm4v::rope::{self, Position, VisionTables};
use crate::glm4v::{self, Config, Graphs, Styles};

/// A `model_type` that can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// GLM-4.1V, and AutoGLM-Phone with it.
    Glm4v,
    /// GLM-4.6V-Flash: the graphs of GLM-4.1V beside other special tokens.
    Glm46v,
    /// GLM-OCR: norms of queries and keys and more biases, and no learned positions.
    GlmOcr,
}

impl Architecture {
    pub const ALL: [Architecture; 3] = [Architecture::Glm4v, Architecture::Glm46v, Architecture::GlmOcr];

    /// As `config.json` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Architecture::Glm4v => "glm4v",
            Architecture::Glm46v => "glm46v",
            Architecture::GlmOcr => "glm_ocr",
        }
    }

    /// The one that is written so.
    pub fn named(name: &str) -> Option<Architecture> {
        Architecture::ALL.into_iter().find(|architecture| architecture.name() == name)
    }
}

/// The file, as far as every model's has it.
#[derive(Deserialize)]
struct Named {
    model_type: Option<String>,
    #[serde(default)]
    architectures: Vec<String>,
}

/// Reads and checks the text of a `config.json`.
///
/// # Errors
/// `BuildError::Unsupported` when it is of another architecture or of a shape that the engine cannot run.
pub fn config(json: &[u8], file: &Path) -> Result<Config, BuildError> {
    let named: Named = serde_json::from_slice(json).map_err(|error| BuildError::malformed(file, error.to_string()))?;
    let architecture = named.model_type.as_deref().and_then(Architecture::named).ok_or_else(|| {
        let found = named.model_type.clone().unwrap_or_else(|| named.architectures.join(", "));
        let known = Architecture::ALL.map(|architecture| format!("`{}`", architecture.name())).join(", ");
        BuildError::Unsupported { what: format!("the architecture {found:?}; those that can be built are {known}") }
    })?;
    match architecture {
        Architecture::Glm4v | Architecture::Glm46v | Architecture::GlmOcr => Config::parse(json, file, architecture),
    }
}

/// Builds what the engine runs.
///
/// # Errors
/// `BuildError` that names the tensor that is missing or of another shape.
pub fn graphs<'a>(config: &Config, checkpoint: &'a Checkpoint, styles: Styles) -> Result<Graphs<'a>, BuildError> {
    match config.architecture {
        Architecture::Glm4v | Architecture::Glm46v | Architecture::GlmOcr => glm4v::graphs(config, checkpoint, styles),
    }
}

/// What the vision encoder is told of a picture of `rows` by `columns` patches, besides the patches.
pub fn vision_tables(config: &Config, rows: usize, columns: usize) -> VisionTables {
    match config.architecture {
        Architecture::Glm4v | Architecture::Glm46v | Architecture::GlmOcr => {
            rope::vision_tables(&config.vision, rows, columns)
        }
    }
}

/// Cosines and sines of the decoder's slots.
pub fn text_tables(config: &Config, positions: &[Position]) -> (Vec<f32>, Vec<f32>) {
    match config.architecture {
        Architecture::Glm4v | Architecture::Glm46v | Architecture::GlmOcr => rope::text_tables(&config.text, positions),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// What becomes of a file of these fields.
    fn check(text: &str, expected: Expect) {
        let told = match config(text.as_bytes(), Path::new("config.json")) {
            Ok(Config { architecture, text, vision, picture, .. }) => {
                format!("{architecture:?} {picture:?}\n{text:?}\n{vision:?}")
            }
            Err(error) => error.to_string(),
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
                Glm46v Some(151363)
                TextConfig { vocabulary: 151552, width: 4096, inner: 13696, layers: 40, heads: 32, kv_heads: 2, head: 128, qkv_bias: true, epsilon: 1e-5, positions_max: 32768, theta: 10000.0, turned: 64, sections: [8, 12, 12] }
                VisionConfig { width: 1536, layers: 24, heads: 12, out: 4096, inner: 4096, merger_inner: 13696, side: Some(24), qkv_bias: false, biases: false, qk_norm: false, epsilon: 1e-5, theta: 10000.0 }"#]],
        );
        let text = r#""text_config": {"hidden_size": 1536, "head_dim": 128, "rope_parameters": {"mrope_section": [16, 24, 24]}}"#;
        check(
            &format!(r#"{{"model_type": "glm_ocr", {text}, "vision_config": {{}}}}"#),
            expect![[r#"
            GlmOcr None
            TextConfig { vocabulary: 59392, width: 1536, inner: 4096, layers: 16, heads: 16, kv_heads: 8, head: 128, qkv_bias: false, epsilon: 1e-5, positions_max: 131072, theta: 10000.0, turned: 128, sections: [16, 24, 24] }
            VisionConfig { width: 1024, layers: 24, heads: 16, out: 1536, inner: 4096, merger_inner: 4608, side: None, qkv_bias: true, biases: true, qk_norm: true, epsilon: 1e-5, theta: 10000.0 }"#]],
        );
        // Biases of the vision encoder are GLM-OCR's alone, but for those of queries, keys and values.
        let vision = r#""vision_config": {"attention_bias": true}"#;
        check(
            &format!(r#"{{"model_type": "glm4v", "text_config": {{{rope}}}, {vision}}}"#),
            expect![[r#"
            Glm4v None
            TextConfig { vocabulary: 151552, width: 4096, inner: 13696, layers: 40, heads: 32, kv_heads: 2, head: 128, qkv_bias: true, epsilon: 1e-5, positions_max: 32768, theta: 10000.0, turned: 64, sections: [8, 12, 12] }
            VisionConfig { width: 1536, layers: 24, heads: 12, out: 4096, inner: 4096, merger_inner: 13696, side: Some(24), qkv_bias: true, biases: false, qk_norm: false, epsilon: 1e-5, theta: 10000.0 }"#]],
        );
    }

    #[test]
    fn what_cannot_be_built_is_named() {
        check(
            r#"{"model_type": "qwen3_vl"}"#,
            expect![[
                r#"not supported: the architecture "qwen3_vl"; those that can be built are `glm4v`, `glm46v`, `glm_ocr`"#
            ]],
        );
        check(
            r#"{"architectures": ["LlamaForCausalLM"]}"#,
            expect![[
                r#"not supported: the architecture "LlamaForCausalLM"; those that can be built are `glm4v`, `glm46v`, `glm_ocr`"#
            ]],
        );
        check(r#"{"model_type": "glm_ocr"}"#, expect!["config.json is damaged: there is no vision_config"]);
        check(
            r#"{"model_type": "glm_ocr", "vision_config": {}, "text_config": {"head_dim": 24}}"#,
            expect!["not supported: heads of 24 numbers of which 24 are turned; both have to be multiples of 16"],
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
