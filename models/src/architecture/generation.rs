//! What a folder says of how its model's answers end.

use std::path::Path;

use serde::Deserialize;

use super::spec::OneOrMany;
use crate::checkpoint::{SMALL_BYTES_MAX, parse};
use crate::error::BuildError;

/// `generation_config.json`
#[derive(Deserialize)]
struct GenerationConfig {
    eos_token_id: Option<OneOrMany>,
}

/// The tokens that end an answer by a folder's `generation_config.json`; none, if it has no such file.
///
/// # Errors
/// `BuildError` when it is damaged.
pub fn generation_ends(folder: &Path) -> Result<Vec<u32>, BuildError> {
    let file = folder.join("generation_config.json");
    if !file.is_file() {
        return Ok(Vec::new());
    }
    let said = parse::<GenerationConfig>(&file, SMALL_BYTES_MAX)?;
    Ok(said.eos_token_id.map_or(Vec::new(), OneOrMany::into_vec))
}
