//! Which models can be built and run: `config.json` names a family by its `model_type`.
//!
//! A family is a module beside `glm4v` and a line in `FAMILIES`: a type behind the trait `Family` that reads its `config.json`,
//! walks its checkpoint, and computes what its graphs have to be told of a prompt and its pictures. Nothing outside of this folder
//! knows a family by name.

mod generation;
mod glm4v;
mod image;
mod layer;
mod positions;
mod spec;
#[cfg(test)]
mod toy;
mod weight;

pub use generation::generation_ends;
pub use image::image_processor;
pub use positions::{NamedTensor, Position, Span, Values};
pub use spec::Spec;
pub use weight::{Graphs, Layout, ModelGraphOptions, Weight};

use std::fmt::Debug;
use std::path::Path;

use serde::Deserialize;

use crate::checkpoint::Checkpoint;
use crate::error::BuildError;

/// A model of a family, as its `config.json` has it.
pub trait Family: Debug + Send + Sync {
    fn spec(&self) -> &Spec;

    /// Builds what the engine runs.
    ///
    /// # Errors
    /// `BuildError` that names the tensor that is missing or of another shape.
    fn graphs<'a>(&self, checkpoint: &'a Checkpoint, options: ModelGraphOptions) -> Result<Graphs<'a>, BuildError>;

    /// Positions of all tokens of a prompt, and of the first token after it.
    fn positions(&self, spans: &[Span]) -> (Vec<Position>, u32);

    /// What the decoder is told of its slots, one row a slot; row `i` of each tensor is of the token at `positions[i]`.
    fn text_inputs(&self, positions: &[Position]) -> Vec<NamedTensor>;

    /// What the vision encoder is told of a picture of `rows` by `columns` patches, besides the patches.
    fn vision_inputs(&self, rows: usize, columns: usize) -> Vec<NamedTensor>;
}

/// How a family is found.
struct Registration {
    /// The values of `model_type` that it reads.
    model_types: &'static [&'static str],
    /// Reads and checks the text of a `config.json` that has one of them.
    read: Read,
}

type Read = fn(json: &[u8], file: &Path, model_type: &'static str) -> Result<Box<dyn Family>, BuildError>;

/// All that can be built.
const FAMILIES: &[Registration] = &[
    glm4v::REGISTRATION,
    #[cfg(test)]
    toy::REGISTRATION,
];

/// The file, as far as every model's has it.
#[derive(Deserialize)]
struct ModelType {
    model_type: Option<String>,
    #[serde(default)]
    architectures: Vec<String>,
}

/// Every `model_type` that can be built.
pub fn model_types() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().flat_map(|family| family.model_types.iter().copied())
}

/// Reads and checks the text of a `config.json`.
///
/// # Errors
/// `BuildError::Unsupported` when it is of no family here, or of a shape that the engine cannot run.
pub fn family(json: &[u8], file: &Path) -> Result<Box<dyn Family>, BuildError> {
    let named: ModelType =
        serde_json::from_slice(json).map_err(|error| BuildError::malformed(file, error.to_string()))?;
    for family in FAMILIES {
        if let Some(model_type) = family.model_types.iter().find(|name| named.model_type.as_deref() == Some(**name)) {
            return (family.read)(json, file, model_type);
        }
    }
    let found = named.model_type.unwrap_or_else(|| named.architectures.join(", "));
    let known: Vec<String> = model_types().map(|name| format!("`{name}`")).collect();
    Err(BuildError::Unsupported {
        what: format!("the architecture {found:?}; those that can be built are {}", known.join(", ")),
    })
}
