//! The embedding table, mapped: a prompt needs a few rows of it.

use std::path::Path;

use memmap2::Mmap;
use tapwright_contract::file::open_regular;

use super::runtime::RuntimeError;
use crate::error::BuildError;
use crate::folder::EmbeddingTable;

pub struct Embeddings {
    map: Mmap,
    table: EmbeddingTable,
}

impl Embeddings {
    pub fn open(folder: &Path, table: EmbeddingTable) -> Result<Embeddings, BuildError> {
        // The record is data: it names a file of its own folder and nothing else.
        let path = folder.join(&table.file);
        if Path::new(&table.file).file_name() != Some(table.file.as_ref()) {
            return Err(BuildError::malformed(&path, "the record of the build points out of its folder"));
        }
        let unreadable = |source| BuildError::Unreadable { file: path.clone(), source };
        let file = open_regular(&path).map_err(unreadable)?;
        // SAFETY: the mapping is only read; see `Checkpoint::add` for what a file that is cut short would do.
        let map = unsafe { Mmap::map(&file) }.map_err(unreadable)?;
        let length = table
            .rows
            .checked_mul(table.width)
            .and_then(|numbers| numbers.checked_mul(table.precision.size() as u64))
            .and_then(|bytes| bytes.checked_add(table.offset));
        if length.is_none_or(|length| length > map.len() as u64) {
            return Err(BuildError::malformed(&path, "it is shorter than the record of the build says"));
        }
        Ok(Embeddings { map, table })
    }

    /// How many tokens have a row.
    pub fn rows(&self) -> u64 {
        self.table.rows
    }

    /// Appends the row of a token. `[width]`
    ///
    /// # Errors
    /// When there is no such row.
    pub fn append(&self, token: u32, to: &mut Vec<f32>) -> Result<(), RuntimeError> {
        if u64::from(token) >= self.table.rows {
            return Err(RuntimeError::new(format!("token {token} in a table of {} rows", self.table.rows)));
        }
        let stride = self.table.width as usize * self.table.precision.size();
        let start = self.table.offset as usize + token as usize * stride;
        self.table.precision.widen(&self.map[start..start + stride], to);
        Ok(())
    }
}
