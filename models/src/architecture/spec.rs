//! What a folder, an engine and the preprocessing of pictures have to know of a model, whatever its family.

use serde::Deserialize;

/// The sizes of a model, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// As `config.json` writes it.
    pub model_type: &'static str,
    pub text: TextSpec,
    pub vision: VisionSpec,
    /// Whether `config.json` says that the embedding table also makes the logits.
    pub tied: bool,
    /// Tokens that end a reply, if `config.json` says so.
    pub end_tokens: Vec<u32>,
    /// The token that stands for a piece of a picture, if `config.json` says so.
    pub image_token: Option<u32>,
}

/// The language model.
#[derive(Clone, Debug, PartialEq)]
pub struct TextSpec {
    pub vocabulary: u64,
    /// Numbers of a token between the layers.
    pub width: u64,
    pub layers: u64,
    pub heads: u64,
    pub kv_heads: u64,
    /// Width of a head. That need not be `width / heads`.
    pub head_dim: u64,
    pub positions_max: u64,
}

/// The vision encoder, and the pictures that it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct VisionSpec {
    /// Numbers of a patch between the layers.
    pub width: u64,
    pub layers: u64,
    /// Pixels along the edge of a patch.
    pub patch: u32,
    /// Patches along the edge of what becomes one token.
    pub merge: u32,
    /// Frames that the encoder takes at a time; a still picture is repeated.
    pub frames: u32,
    /// Frames over which the limits of `preprocessor_config.json` count pixels.
    pub frames_counted: u32,
    /// Of each channel, of 0 to 1, where the folder says nothing.
    pub mean: [f32; 3],
    /// As `mean`.
    pub std: [f32; 3],
    /// What the encoder makes of each token, in planes of `TextSpec::width` numbers: the first one is its embedding, and the
    /// others go into the decoder's inputs `visual_embeds.1`, `visual_embeds.2` and so on, which are zero for text.
    pub planes: usize,
}

/// A field of `config.json` and `generation_config.json` that is one number or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    One(u32),
    Many(Vec<u32>),
}

impl OneOrMany {
    pub fn into_vec(self) -> Vec<u32> {
        match self {
            OneOrMany::One(id) => vec![id],
            OneOrMany::Many(ids) => ids,
        }
    }
}
