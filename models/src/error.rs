//! Why a checkpoint or a model's folder cannot be used.

use std::path::{Path, PathBuf};

/// Why a folder cannot be built or read, by what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Look whether it exists and may be read.
    #[error("cannot read {}: {source}", .file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    /// Free some space, or choose another place.
    #[error("cannot write {}: {source}", .file.display())]
    Unwritable { file: PathBuf, source: std::io::Error },
    /// Rename the old folder back.
    #[error("cannot write {}: {source}; what was there is now at {}: rename it back", .folder.display(), .old.display())]
    Unreplaced { folder: PathBuf, old: PathBuf, source: std::io::Error },
    /// Choose another place: what is there was not made by a build.
    #[error("{} holds something that is no build of a model; choose another folder or remove it", .folder.display())]
    Occupied { folder: PathBuf },
    /// There is no checkpoint in the folder: it is another one, or the download is not complete.
    #[error("{} has neither model.safetensors nor model.safetensors.index.json: {hint}", .folder.display())]
    NoWeights { folder: PathBuf, hint: String },
    /// Get the shards that are missing.
    #[error("{} names {named} shards, and {} of them {}: {}; download what is missing", .index.display(), .missing.len(),
        if .missing.len() == 1 { "is not there" } else { "are not there" }, names(.missing))]
    ShardsMissing { index: PathBuf, named: usize, missing: Vec<PathBuf> },
    /// Get the file itself: what lies there only stands for it, or is of another format.
    #[error("{}: {why}", .file.display())]
    Foreign { file: PathBuf, why: String },
    /// Get the checkpoint that it was made from.
    #[error(
        "{} says that the checkpoint is quantised ({method}), which is not supported; get the plain checkpoint (F32, F16 or BF16) \
         and quantise it here with --precision int4 or int8", .file.display()
    )]
    Quantised { file: PathBuf, method: String },
    /// Get the file again.
    #[error("{} is damaged: {why}", .file.display())]
    Malformed { file: PathBuf, why: String },
    /// Get a checkpoint that fits its config.json.
    #[error("the checkpoint has no tensor `{tensor}`, which its config.json asks for")]
    Missing { tensor: String },
    /// As `Missing`.
    #[error("`{tensor}` in {} has shape {found:?}, and config.json asks for {expected:?}", .file.display())]
    Shape { tensor: String, file: PathBuf, expected: Vec<u64>, found: Vec<u64> },
    /// Get a checkpoint that is not quantised.
    #[error("`{tensor}` in {} holds {found} numbers; F32, F16 and BF16 can be read", .file.display())]
    Precision { tensor: String, file: PathBuf, found: String },
    /// Get the file again, or train better.
    #[error("`{tensor}` in {}: number {at} is not finite", .file.display())]
    NotFinite { tensor: String, file: PathBuf, at: u64 },
    /// Build it in bf16, which reaches as far as 32 bits.
    #[error("`{tensor}` in {}: number {at} is too large for fp16", .file.display())]
    TooLarge { tensor: String, file: PathBuf, at: u64 },
    /// Nothing can be done but to choose another model, or another build.
    #[error("not supported: {what}")]
    Unsupported { what: String },
}

/// The first few of them, without their folder.
fn names(files: &[PathBuf]) -> String {
    const SHOWN: usize = 5;
    let name = |file: &PathBuf| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let shown: Vec<String> = files.iter().take(SHOWN).map(name).collect();
    let more = if files.len() > SHOWN { format!(" and {} more", files.len() - SHOWN) } else { String::new() };
    shown.join(", ") + &more
}

impl BuildError {
    pub(crate) fn malformed(file: &Path, why: impl Into<String>) -> BuildError {
        BuildError::Malformed { file: file.to_owned(), why: why.into() }
    }

    pub(crate) fn unwritable(file: &Path) -> impl FnOnce(std::io::Error) -> BuildError {
        let file = file.to_owned();
        move |source| BuildError::Unwritable { file, source }
    }
}
