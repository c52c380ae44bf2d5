//! What the graphs of a model are, over which weights, and how they are to be written.

use crate::checkpoint::{Tensor, TensorTree};
use crate::error::BuildError;
use crate::onnx::{Blocks, Graph, GraphOptions};

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

/// How the graphs of a model are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelGraphOptions {
    pub vision: GraphOptions,
    pub decoder: GraphOptions,
}

/// All that there is to build.
///
/// `vision`: `pixel_values: [patches, ..]` and the family's `vision_inputs` to features `[tokens, planes * width]`.
///
/// `decoder`: `inputs_embeds: [1, tokens, width]`, the family's `text_inputs`, `logits_rows: [k]`, `seqlens_k`,
/// `total_sequence_length` and `past_key_values.N.key` and `.value` to `logits: [1, k, vocabulary]` and `present.N.key` and `.value`.
pub struct Graphs<'a> {
    pub vision: Graph<Weight<'a>>,
    pub decoder: Graph<Weight<'a>>,
    /// Gathered by the host: `[vocabulary, width]`.
    pub embeddings: Tensor<'a>,
    /// Whether the same table makes the logits.
    pub tied: bool,
}

/// The matrix that makes the logits, and whether it is the embedding table: the table if `config.json` says so and there is no
/// other matrix, else the checkpoint's own at `head`.
///
/// Checkpoints of models that were trained untied may say `tied` all the same, in one place or in two. What is in the checkpoint
/// counts more, as it does for the reference: dropping a matrix that somebody trained would spoil every answer, and silently.
///
/// # Errors
/// `BuildError` when there is no such matrix, or it has another shape than the table.
pub fn head<'a>(embeddings: Tensor<'a>, head: &TensorTree<'a>, tied: bool) -> Result<(Tensor<'a>, bool), BuildError> {
    if tied && !head.has("weight") {
        return Ok((embeddings, true));
    }
    let [rows, width] = embeddings.shape[..] else { unreachable!("the table was asked for as a matrix") };
    let own = head.tensor("weight", [rows, width])?;
    if !tied {
        return Ok((own, false));
    }
    if own.same_as(&embeddings)? {
        return Ok((embeddings, true));
    }
    tracing::warn!(
        tensor = own.name,
        "config.json says tie_word_embeddings, but the checkpoint has another matrix for the logits, which is used"
    );
    Ok((own, false))
}

impl<'a> Weight<'a> {
    pub fn from_tensor(tensor: Tensor<'a>) -> Weight<'a> {
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
