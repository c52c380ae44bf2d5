//! `config.json` of a checkpoint of the GLM-4.1V family, as Hugging Face has written it at one time or another.

use std::path::Path;

use serde::Deserialize;
use tapwright_picture::{CLIP_MEAN, CLIP_STD};

use super::{FRAMES, Glm4v, MERGE, PATCH};
use crate::architecture::spec::{OneOrMany, Spec, TextSpec, VisionSpec};
use crate::error::BuildError;

/// The language model.
#[derive(Clone, Debug, PartialEq)]
pub struct TextConfig {
    pub vocabulary: u64,
    pub width: u64,
    pub inner: u64,
    pub layers: u64,
    pub heads: u64,
    pub kv_heads: u64,
    /// Width of a head. In GLM-OCR that need not be `width / heads`.
    pub head_dim: u64,
    /// Queries, keys and values have biases.
    pub qkv_bias: bool,
    pub epsilon: f32,
    pub positions_max: u64,
    pub theta: f64,
    /// How much of a head is rotated; the rest passes through.
    pub rotary_dim: u64,
    /// How many of the `rotary_dim / 2` frequencies follow time, height and width.
    pub sections: [u64; 3],
}

/// The vision encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct VisionConfig {
    pub width: u64,
    pub layers: u64,
    pub heads: u64,
    /// Width of what comes out.
    pub out: u64,
    /// Inner width of the blocks.
    pub inner: u64,
    /// Inner width of the merger.
    pub merger_inner: u64,
    /// Learned positions along one edge. Without them patches are not normed either, and only the angles tell where they stand.
    pub side: Option<u64>,
    /// Queries, keys and values have biases.
    pub qkv_bias: bool,
    /// So have the attention's last matrix and the inner ones of the blocks.
    pub biases: bool,
    /// Queries and keys are normed, head by head, before they are rotated.
    pub qk_norm: bool,
    pub epsilon: f32,
    pub theta: f64,
}

/// The file. Fields that are absent have the defaults of the reference's classes, as it does not write those down.
#[derive(Deserialize)]
struct Wire {
    tie_word_embeddings: Option<bool>,
    eos_token_id: Option<OneOrMany>,
    image_token_id: Option<u32>,
    vision_config: Option<WireVision>,
    text_config: Option<WireText>,
    /// The earliest files had the text model's fields here.
    #[serde(flatten)]
    flat: WireText,
}

/// What the reference's classes have where a file says nothing, and in what they differ whatever it says.
struct Defaults {
    text: Sizes,
    kv_heads: u64,
    vocabulary: u64,
    positions_max: u64,
    vision: Sizes,
    out: u64,
    /// Written as `attention_bias`.
    vision_bias: bool,
    /// What GLM-OCR has otherwise: see the fields of `TextConfig` and `VisionConfig`.
    ocr: bool,
}

struct Sizes {
    width: u64,
    inner: u64,
    layers: u64,
    heads: u64,
}

#[derive(Deserialize)]
struct WireText {
    vocab_size: Option<u64>,
    hidden_size: Option<u64>,
    intermediate_size: Option<u64>,
    num_hidden_layers: Option<u64>,
    num_attention_heads: Option<u64>,
    num_key_value_heads: Option<u64>,
    head_dim: Option<u64>,
    hidden_act: Option<String>,
    rms_norm_eps: Option<f64>,
    max_position_embeddings: Option<u64>,
    rope_theta: Option<f64>,
    partial_rotary_factor: Option<f64>,
    rope_scaling: Option<WireRope>,
    rope_parameters: Option<WireRope>,
    tie_word_embeddings: Option<bool>,
    eos_token_id: Option<OneOrMany>,
}

#[derive(Deserialize)]
struct WireRope {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f64>,
    partial_rotary_factor: Option<f64>,
    mrope_section: Option<Vec<u64>>,
}

#[derive(Deserialize)]
struct WireVision {
    depth: Option<u64>,
    hidden_size: Option<u64>,
    num_heads: Option<u64>,
    out_hidden_size: Option<u64>,
    intermediate_size: Option<u64>,
    image_size: Option<u64>,
    patch_size: Option<u64>,
    spatial_merge_size: Option<u64>,
    temporal_patch_size: Option<u64>,
    in_channels: Option<u64>,
    attention_bias: Option<bool>,
    hidden_act: Option<String>,
    rms_norm_eps: Option<f64>,
    rope_parameters: Option<WireRope>,
}

impl Glm4v {
    /// Reads and checks the text of a file that says it is of this family.
    ///
    /// # Errors
    /// `BuildError::Unsupported` when it is of a shape that the engine cannot run.
    pub fn parse(json: &[u8], file: &Path, model_type: &'static str) -> Result<Glm4v, BuildError> {
        let wire: Wire =
            serde_json::from_slice(json).map_err(|error| BuildError::malformed(file, error.to_string()))?;
        let mut text = wire.text_config.unwrap_or(wire.flat);
        // Either place may say it. Where one says no, the checkpoint itself tells: see `weight::head`.
        let tied = wire.tie_word_embeddings == Some(true) || text.tie_word_embeddings == Some(true);
        let end_tokens = wire.eos_token_id.or(text.eos_token_id.take()).map_or(Vec::new(), OneOrMany::into_vec);
        let vision = wire.vision_config.ok_or_else(|| BuildError::malformed(file, "there is no vision_config"))?;
        let defaults = Defaults::of(model_type);
        let (text, vision) = (text.check(&defaults)?, vision.check(&defaults)?);
        unless(vision.out == text.width, || {
            format!("visual tokens of {} numbers beside text tokens of {}", vision.out, text.width)
        })?;
        let spec = Spec {
            model_type,
            text: TextSpec {
                vocabulary: text.vocabulary,
                width: text.width,
                layers: text.layers,
                heads: text.heads,
                kv_heads: text.kv_heads,
                head_dim: text.head_dim,
                positions_max: text.positions_max,
            },
            vision: VisionSpec {
                width: vision.width,
                layers: vision.layers,
                patch: PATCH as u32,
                merge: MERGE as u32,
                frames: FRAMES as u32,
                frames_counted: FRAMES as u32,
                mean: CLIP_MEAN,
                std: CLIP_STD,
                planes: 1,
            },
            tied,
            end_tokens,
            image_token: wire.image_token_id,
        };
        Ok(Glm4v { spec, text, vision })
    }
}

impl Defaults {
    fn of(model_type: &str) -> Defaults {
        match model_type {
            "glm_ocr" => Defaults {
                text: Sizes { width: 1024, inner: 4096, layers: 16, heads: 16 },
                kv_heads: 8,
                vocabulary: 59_392,
                positions_max: 131_072,
                vision: Sizes { width: 1024, inner: 4096, layers: 24, heads: 16 },
                out: 1536,
                vision_bias: true,
                ocr: true,
            },
            // `glm4v` and `glm46v`.
            _ => Defaults {
                text: Sizes { width: 4096, inner: 13_696, layers: 40, heads: 32 },
                kv_heads: 2,
                vocabulary: 151_552,
                positions_max: 32_768,
                vision: Sizes { width: 1536, inner: 13_696, layers: 24, heads: 12 },
                out: 4096,
                vision_bias: false,
                ocr: false,
            },
        }
    }
}

impl WireText {
    fn check(self, defaults: &Defaults) -> Result<TextConfig, BuildError> {
        let rope = self.rope_parameters.or(self.rope_scaling);
        let rope_type = rope.as_ref().and_then(|rope| rope.rope_type.clone()).unwrap_or_else(|| "default".to_owned());
        // The first files called the default "mrope".
        unless(["default", "mrope"].contains(&rope_type.as_str()), || format!("rope_type {rope_type:?}"))?;
        let activation = self.hidden_act.unwrap_or_else(|| "silu".to_owned());
        unless(activation == "silu", || format!("hidden_act {activation:?}"))?;

        let width = within("hidden_size", self.hidden_size.unwrap_or(defaults.text.width), 1 << 16)?;
        let heads = within("num_attention_heads", self.num_attention_heads.unwrap_or(defaults.text.heads), 1 << 10)?;
        let kv_heads = within("num_key_value_heads", self.num_key_value_heads.unwrap_or(defaults.kv_heads), heads)?;
        unless(heads % kv_heads == 0, || format!("{heads} heads and {kv_heads} heads of keys"))?;
        let head_dim = match self.head_dim {
            Some(head) if defaults.ocr => within("head_dim", head, 1 << 12)?,
            said => {
                unless(width % heads == 0, || format!("{width} numbers a token in {heads} heads"))?;
                let head = said.unwrap_or(width / heads);
                unless(head == width / heads, || {
                    format!("head_dim {head} beside {width} numbers in {heads} heads; the reference ignores it too")
                })?;
                head
            }
        };

        let of_rope = |pick: fn(&WireRope) -> Option<f64>| rope.as_ref().and_then(pick);
        let factor = of_rope(|rope| rope.partial_rotary_factor).or(self.partial_rotary_factor).unwrap_or(1.0);
        let theta = of_rope(|rope| rope.rope_theta).or(self.rope_theta).unwrap_or(10_000.0);
        unless(theta > 1.0 && theta.is_finite() && factor > 0.0 && factor <= 1.0, || {
            format!("rope_theta {theta} and partial_rotary_factor {factor}")
        })?;
        let rotary_dim = (head_dim as f64 * factor) as u64;
        // What ONNX Runtime's GroupQueryAttention asks for.
        unless(head_dim.is_multiple_of(16) && rotary_dim.is_multiple_of(16) && rotary_dim > 0, || {
            format!("heads of {head_dim} numbers of which {rotary_dim} are rotated; both have to be multiples of 16")
        })?;
        let sections = rope.and_then(|rope| rope.mrope_section).unwrap_or_else(|| vec![8, 12, 12]);
        let sections: [u64; 3] = sections
            .as_slice()
            .try_into()
            .ok()
            .filter(|sections: &[u64; 3]| {
                sections.iter().try_fold(0u64, |sum, &part| sum.checked_add(part)) == Some(rotary_dim / 2)
            })
            .ok_or_else(|| BuildError::Unsupported {
                what: format!(
                    "mrope_section {sections:?}, which has to share out {} frequencies in three",
                    rotary_dim / 2
                ),
            })?;

        Ok(TextConfig {
            vocabulary: within("vocab_size", self.vocab_size.unwrap_or(defaults.vocabulary), 1 << 24)?,
            width,
            inner: within("intermediate_size", self.intermediate_size.unwrap_or(defaults.text.inner), 1 << 20)?,
            layers: within("num_hidden_layers", self.num_hidden_layers.unwrap_or(defaults.text.layers), 1 << 10)?,
            heads,
            kv_heads,
            head_dim,
            qkv_bias: !defaults.ocr,
            epsilon: epsilon(self.rms_norm_eps)?,
            positions_max: within(
                "max_position_embeddings",
                self.max_position_embeddings.unwrap_or(defaults.positions_max),
                1 << 24,
            )?,
            theta,
            rotary_dim,
            sections,
        })
    }
}

impl WireVision {
    fn check(self, defaults: &Defaults) -> Result<VisionConfig, BuildError> {
        for (name, value, only) in [
            ("patch_size", self.patch_size, PATCH),
            ("spatial_merge_size", self.spatial_merge_size, MERGE),
            ("temporal_patch_size", self.temporal_patch_size, FRAMES),
            ("in_channels", self.in_channels, 3),
        ] {
            unless(value.is_none_or(|value| value == only), || {
                format!("{name} {}; only {only} can be built", value.unwrap_or_default())
            })?;
        }
        let activation = self.hidden_act.unwrap_or_else(|| "silu".to_owned());
        unless(activation == "silu", || format!("hidden_act {activation:?} in the vision encoder"))?;

        let width = within("vision hidden_size", self.hidden_size.unwrap_or(defaults.vision.width), 1 << 16)?;
        let heads = within("vision num_heads", self.num_heads.unwrap_or(defaults.vision.heads), 1 << 10)?;
        unless(width % heads == 0 && width / heads % 8 == 0, || {
            format!("{width} numbers a patch in {heads} heads; a head has to be a multiple of 8")
        })?;
        let out = within("out_hidden_size", self.out_hidden_size.unwrap_or(defaults.out), 1 << 16)?;
        let inner = self.intermediate_size.unwrap_or(defaults.vision.inner);
        let inner = within("vision intermediate_size", inner, 1 << 20)?;
        let side = within("image_size", self.image_size.unwrap_or(336), 1 << 14)? / PATCH;
        let bias = self.attention_bias.unwrap_or(defaults.vision_bias);
        Ok(VisionConfig {
            width,
            layers: within("depth", self.depth.unwrap_or(defaults.vision.layers), 1 << 10)?,
            heads,
            out,
            // Each of the two has only one of its inner widths from the file.
            inner: if defaults.ocr { inner } else { out },
            merger_inner: if defaults.ocr { 3 * out } else { inner },
            side: (!defaults.ocr).then_some(side),
            qkv_bias: bias,
            biases: bias && defaults.ocr,
            qk_norm: defaults.ocr,
            epsilon: epsilon(self.rms_norm_eps)?,
            theta: self.rope_parameters.and_then(|rope| rope.rope_theta).unwrap_or(10_000.0),
        })
    }
}

fn epsilon(said: Option<f64>) -> Result<f32, BuildError> {
    let epsilon = said.unwrap_or(1e-5);
    unless(epsilon > 0.0 && epsilon < 1.0, || format!("rms_norm_eps {epsilon}"))?;
    Ok(epsilon as f32)
}

/// A size out of a file: at least 1 and not absurd, so that products of a few of them cannot overflow.
fn within(name: &str, value: u64, most: u64) -> Result<u64, BuildError> {
    unless((1..=most).contains(&value), || format!("{name} {value}; it has to lie between 1 and {most}"))?;
    Ok(value)
}

fn unless(holds: bool, what: impl FnOnce() -> String) -> Result<(), BuildError> {
    if holds { Ok(()) } else { Err(BuildError::Unsupported { what: what() }) }
}
