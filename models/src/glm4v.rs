//! The GLM-4.1V family: its graphs from its checkpoints, and the little mathematics that the host does.
//!
//! `glm4v` and `glm46v` are built alike; `glm_ocr` lacks some blocks and has others, which its configuration says.
//! Code walks the checkpoint by tensor names, one function a block; the reference is Hugging Face's `transformers`.

mod config;
mod layer;
pub mod rope;
mod text;
mod vision;

pub use config::{Config, OneOrMany, TextConfig};

use crate::BuildError;
use crate::checkpoint::{Checkpoint, Tensor};
use crate::onnx::{Blocks, Dim, Graph, Style};

/// Patches that make one visual token.
pub const BLOCK: usize = 4;

/// Patches of one picture.
const PATCHES: Dim = Dim::Named("patches");

/// A weight and how the graph wants it laid out.
pub struct Weight<'a> {
    /// Tensors of which it is made: one, or several whose rows follow one another.
    pub parts: Vec<Tensor<'a>>,
    pub layout: Layout,
}

/// See `Weight`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As the checkpoint has it.
    Stored,
    /// `[out, in, 2, 2]` as `[out, 2, 2, in]`.
    ChannelsLast,
    /// Whole numbers of a few bits; their scales are the weight that follows.
    Quants(Blocks),
    Scales(Blocks),
}

/// How the two graphs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Styles {
    pub vision: Style,
    pub decoder: Style,
}

/// All that there is to build.
pub struct Graphs<'a> {
    pub vision: Graph<Weight<'a>>,
    pub decoder: Graph<Weight<'a>>,
    /// Gathered by the host: `[vocabulary, width]`.
    pub embeddings: Tensor<'a>,
}

/// Builds both graphs.
///
/// # Errors
/// `BuildError` that names the tensor that is missing or of another shape.
pub fn graphs<'a>(config: &Config, checkpoint: &'a Checkpoint, styles: Styles) -> Result<Graphs<'a>, BuildError> {
    let root = checkpoint.root();
    let (visual, language) = (root.at("model").at("visual"), root.at("model").at("language_model"));
    let table = [config.text.vocabulary, config.text.width];
    let embeddings = language.at("embed_tokens").tensor("weight", table)?;
    let head = if config.tied { embeddings } else { root.at("lm_head").tensor("weight", table)? };
    Ok(Graphs {
        vision: vision::encoder(&config.vision, &visual, styles.vision)?,
        decoder: text::decoder(&config.text, &language, head, styles.decoder)?,
        embeddings,
    })
}

impl<'a> Weight<'a> {
    pub fn stored(tensor: Tensor<'a>) -> Weight<'a> {
        Weight { parts: vec![tensor], layout: Layout::Stored }
    }

    /// Bytes that are read to make it. Scales come from what is read for the numbers.
    pub fn source_bytes(&self) -> u64 {
        match self.layout {
            Layout::Scales(_) => 0,
            Layout::Stored | Layout::ChannelsLast | Layout::Quants(_) => self.parts.iter().map(Tensor::bytes).sum(),
        }
    }
}
