//! GLM-4.1V (`Glm4vForConditionalGeneration`): its graphs from its checkpoint, and the little mathematics that the host does.
//!
//! Code walks the checkpoint by tensor names, one function a block; the reference is Hugging Face's `transformers`.

mod config;
mod layer;
pub mod rope;
mod text;
mod vision;

pub use config::{Config, OneOrMany, TextConfig};

use crate::BuildError;
use crate::checkpoint::{Checkpoint, Tensor};
use crate::onnx::{Dim, Graph};

/// Patches that make one visual token.
pub const BLOCK: usize = 4;

/// Patches of one picture.
const PATCHES: Dim = Dim::Named("patches");

/// A weight and how the graph wants it laid out.
pub enum Weight<'a> {
    /// As the checkpoint has it.
    Stored(Tensor<'a>),
    /// `[out, in, 2, 2]` as `[out, 2, 2, in]`.
    ChannelsLast(Tensor<'a>),
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
pub fn graphs<'a>(config: &Config, checkpoint: &'a Checkpoint) -> Result<Graphs<'a>, BuildError> {
    let root = checkpoint.root();
    let (visual, language) = (root.at("model").at("visual"), root.at("model").at("language_model"));
    let table = [config.text.vocabulary, config.text.width];
    let embeddings = language.at("embed_tokens").tensor("weight", table)?;
    let head = if config.tied { embeddings } else { root.at("lm_head").tensor("weight", table)? };
    Ok(Graphs {
        vision: vision::encoder(&config.vision, &visual)?,
        decoder: text::decoder(&config.text, &language, head)?,
        embeddings,
    })
}

impl<'a> Weight<'a> {
    /// The tensor that it is made of.
    pub fn tensor(&self) -> &Tensor<'a> {
        match self {
            Weight::Stored(tensor) | Weight::ChannelsLast(tensor) => tensor,
        }
    }
}
