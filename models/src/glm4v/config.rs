//! `config.json` of a GLM-4.1V checkpoint, as Hugging Face has written it at one time or another.

use serde::Deserialize;

use crate::BuildError;

/// What the builder and the engine have to know of an architecture, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub text: TextConfig,
    pub vision: VisionConfig,
    /// The embedding table also makes the logits.
    pub tied: bool,
    /// Tokens that end a reply, if the file says so.
    pub ends: Vec<u32>,
}

/// The language model.
#[derive(Clone, Debug, PartialEq)]
pub struct TextConfig {
    pub vocabulary: u64,
    pub width: u64,
    pub inner: u64,
    pub layers: u64,
    pub heads: u64,
    pub kv_heads: u64,
    /// Width of a head: always `width / heads`.
    pub head: u64,
    pub epsilon: f32,
    pub positions_max: u64,
    pub theta: f64,
    /// How much of a head is turned; the rest passes through.
    pub turned: u64,
    /// How many of the `turned / 2` frequencies follow time, height and width.
    pub sections: [u64; 3],
}

/// The vision encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct VisionConfig {
    pub width: u64,
    pub layers: u64,
    pub heads: u64,
    /// Width of what comes out, and the inner width of the blocks.
    pub out: u64,
    /// Inner width of the merger.
    pub merger_inner: u64,
    /// Learned positions along one edge.
    pub side: u64,
    pub epsilon: f32,
    pub theta: f64,
}

/// The file. Fields that are absent have the defaults of the reference's classes, as it does not write those down.
#[derive(Deserialize)]
struct Wire {
    model_type: Option<String>,
    #[serde(default)]
    architectures: Vec<String>,
    tie_word_embeddings: Option<bool>,
    eos_token_id: Option<OneOrMany>,
    vision_config: Option<WireVision>,
    text_config: Option<WireText>,
    /// The earliest files had the text model's fields here.
    #[serde(flatten)]
    flat: WireText,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    One(u32),
    Many(Vec<u32>),
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

impl OneOrMany {
    pub fn into_vec(self) -> Vec<u32> {
        match self {
            OneOrMany::One(id) => vec![id],
            OneOrMany::Many(ids) => ids,
        }
    }
}

impl Config {
    /// Reads and checks the file's text.
    ///
    /// # Errors
    /// `BuildError::Unsupported` when it is of another architecture or of a shape that the engine cannot run.
    pub fn parse(json: &[u8], file: &std::path::Path) -> Result<Config, BuildError> {
        let wire: Wire =
            serde_json::from_slice(json).map_err(|error| BuildError::malformed(file, error.to_string()))?;
        if wire.model_type.as_deref() != Some("glm4v") {
            let found = wire.model_type.unwrap_or_else(|| wire.architectures.join(", "));
            return Err(BuildError::Unsupported {
                what: format!("the architecture {found:?}; `glm4v` is the one that can be built"),
            });
        }
        let mut text = wire.text_config.unwrap_or(wire.flat);
        let tied = wire.tie_word_embeddings.or(text.tie_word_embeddings).unwrap_or(false);
        let ends = wire.eos_token_id.or(text.eos_token_id.take()).map_or(Vec::new(), OneOrMany::into_vec);
        let vision = wire.vision_config.ok_or_else(|| BuildError::malformed(file, "there is no vision_config"))?;
        let config = Config { text: text.check()?, vision: vision.check()?, tied, ends };
        unless(config.vision.out == config.text.width, || {
            format!("visual tokens of {} numbers beside text tokens of {}", config.vision.out, config.text.width)
        })?;
        Ok(config)
    }
}

impl WireText {
    fn check(self) -> Result<TextConfig, BuildError> {
        let rope = self.rope_parameters.or(self.rope_scaling);
        let rope_type = rope.as_ref().and_then(|rope| rope.rope_type.clone()).unwrap_or_else(|| "default".to_owned());
        // The first files called the default "mrope".
        unless(["default", "mrope"].contains(&rope_type.as_str()), || format!("rope_type {rope_type:?}"))?;
        let activation = self.hidden_act.unwrap_or_else(|| "silu".to_owned());
        unless(activation == "silu", || format!("hidden_act {activation:?}"))?;

        let width = within("hidden_size", self.hidden_size.unwrap_or(4096), 1 << 16)?;
        let heads = within("num_attention_heads", self.num_attention_heads.unwrap_or(32), 1 << 10)?;
        let kv_heads = within("num_key_value_heads", self.num_key_value_heads.unwrap_or(2), heads)?;
        unless(width % heads == 0 && heads % kv_heads == 0, || {
            format!("{width} numbers a token in {heads} heads and {kv_heads} heads of keys")
        })?;
        let head = width / heads;
        unless(self.head_dim.is_none_or(|dim| dim == head), || {
            format!(
                "head_dim {:?} beside {width} numbers in {heads} heads; the reference ignores it too",
                self.head_dim
            )
        })?;

        let of_rope = |pick: fn(&WireRope) -> Option<f64>| rope.as_ref().and_then(pick);
        let factor = of_rope(|rope| rope.partial_rotary_factor).or(self.partial_rotary_factor).unwrap_or(0.5);
        let theta = of_rope(|rope| rope.rope_theta).or(self.rope_theta).unwrap_or(10_000.0);
        unless(theta > 1.0 && theta.is_finite() && factor > 0.0 && factor <= 1.0, || {
            format!("rope_theta {theta} and partial_rotary_factor {factor}")
        })?;
        let turned = (head as f64 * factor) as u64;
        // What ONNX Runtime's GroupQueryAttention asks for.
        unless(head.is_multiple_of(16) && turned.is_multiple_of(16) && turned > 0, || {
            format!("heads of {head} numbers of which {turned} are turned; both have to be multiples of 16")
        })?;
        let sections = rope.and_then(|rope| rope.mrope_section).unwrap_or_else(|| vec![8, 12, 12]);
        let sections: [u64; 3] = sections
            .as_slice()
            .try_into()
            .ok()
            .filter(|sections: &[u64; 3]| {
                sections.iter().try_fold(0u64, |sum, &part| sum.checked_add(part)) == Some(turned / 2)
            })
            .ok_or_else(|| BuildError::Unsupported {
                what: format!("mrope_section {sections:?}, which has to share out {} frequencies in three", turned / 2),
            })?;

        Ok(TextConfig {
            vocabulary: within("vocab_size", self.vocab_size.unwrap_or(151_552), 1 << 24)?,
            width,
            inner: within("intermediate_size", self.intermediate_size.unwrap_or(13_696), 1 << 20)?,
            layers: within("num_hidden_layers", self.num_hidden_layers.unwrap_or(40), 1 << 10)?,
            heads,
            kv_heads,
            head,
            epsilon: epsilon(self.rms_norm_eps)?,
            positions_max: within("max_position_embeddings", self.max_position_embeddings.unwrap_or(32_768), 1 << 24)?,
            theta,
            turned,
            sections,
        })
    }
}

impl WireVision {
    fn check(self) -> Result<VisionConfig, BuildError> {
        for (name, value, only) in [
            ("patch_size", self.patch_size, 14),
            ("spatial_merge_size", self.spatial_merge_size, 2),
            ("temporal_patch_size", self.temporal_patch_size, 2),
            ("in_channels", self.in_channels, 3),
        ] {
            unless(value.is_none_or(|value| value == only), || {
                format!("{name} {}; only {only} can be built", value.unwrap_or_default())
            })?;
        }
        unless(self.attention_bias != Some(true), || "attention_bias in the vision encoder".to_owned())?;
        let activation = self.hidden_act.unwrap_or_else(|| "silu".to_owned());
        unless(activation == "silu", || format!("hidden_act {activation:?} in the vision encoder"))?;

        let width = within("vision hidden_size", self.hidden_size.unwrap_or(1536), 1 << 16)?;
        let heads = within("vision num_heads", self.num_heads.unwrap_or(12), 1 << 10)?;
        unless(width % heads == 0 && width / heads % 8 == 0, || {
            format!("{width} numbers a patch in {heads} heads; a head has to be a multiple of 8")
        })?;
        Ok(VisionConfig {
            width,
            layers: within("depth", self.depth.unwrap_or(24), 1 << 10)?,
            heads,
            out: within("out_hidden_size", self.out_hidden_size.unwrap_or(4096), 1 << 16)?,
            merger_inner: within("vision intermediate_size", self.intermediate_size.unwrap_or(13_696), 1 << 20)?,
            side: within("image_size", self.image_size.unwrap_or(336), 1 << 14)? / 14,
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
