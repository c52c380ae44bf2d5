//! A Hugging Face checkpoint: tensors by name, over one file or many, mapped and never read whole.
//!
//! What the files say of themselves is checked before anything is used; what the tensors mean is left to the builder.

mod foreign;

pub use foreign::refuse_quantised;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use half::f16;
use memmap2::Mmap;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde::{Deserialize, Serialize};

use tapwright_contract::file;

use crate::error::BuildError;

/// How many shards a checkpoint may have, and how long its index may be: far above any real one.
const SHARDS_MAX: usize = 1_000;
const INDEX_BYTES_MAX: u64 = 64 << 20;
/// The most bytes of a small file, such as a tokenizer: far above any real one.
pub const SMALL_BYTES_MAX: u64 = 256 << 20;

/// The tensors of a folder.
pub struct Checkpoint {
    shards: Vec<Shard>,
    tensors: BTreeMap<String, Entry>,
}

/// One file of a checkpoint.
pub struct Shard {
    pub path: PathBuf,
    pub name: String,
    /// For what is looked at in places. Pages of a mapping count as this process's memory once they were touched, so weights
    /// are read from `file`, a piece at a time.
    map: Mmap,
    file: File,
}

#[derive(Clone, Debug)]
struct Entry {
    shard: usize,
    precision: Result<Precision, Dtype>,
    shape: Vec<u64>,
    start: usize,
}

/// How a checkpoint writes numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    F32,
    F16,
    Bf16,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::F32 => "f32",
            Precision::F16 => "f16",
            Precision::Bf16 => "bf16",
        })
    }
}

impl Shard {
    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Fills `to` with what stands at `offset`.
    pub fn read(&self, offset: u64, to: &mut [u8]) -> Result<(), BuildError> {
        read_at(&self.file, offset, to).map_err(|source| BuildError::Unreadable { file: self.path.clone(), source })
    }
}

/// A tensor as it lies in its file.
#[derive(Clone, Copy)]
pub struct Tensor<'a> {
    pub name: &'a str,
    pub shard: &'a Shard,
    pub precision: Precision,
    pub shape: &'a [u64],
    /// Where its bytes begin in the file.
    pub offset: u64,
}

/// A place in the tree of tensor names.
#[derive(Clone)]
pub struct TensorTree<'a> {
    checkpoint: &'a Checkpoint,
    path: String,
}

/// A JSON file that says how old it is.
#[derive(Deserialize)]
pub struct Versioned {
    pub version: u32,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Checkpoint {
    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names.
    ///
    /// # Errors
    /// `BuildError` that names the file that is missing, cut short or does not say the truth.
    pub fn open(folder: &Path) -> Result<Checkpoint, BuildError> {
        let single = folder.join("model.safetensors");
        let index = folder.join("model.safetensors.index.json");
        let (names, promised) = if single.is_file() {
            (BTreeSet::from(["model.safetensors".to_owned()]), None)
        } else if index.is_file() {
            let index: Index = parse(&index, INDEX_BYTES_MAX)?;
            (index.weight_map.values().cloned().collect(), Some(index.weight_map))
        } else {
            return Err(foreign::no_weights(folder));
        };
        if names.is_empty() || names.len() > SHARDS_MAX {
            return Err(BuildError::malformed(&index, format!("it names {} shards", names.len())));
        }

        let mut checkpoint = Checkpoint { shards: Vec::new(), tensors: BTreeMap::new() };
        let mut shards = Vec::new();
        for name in names {
            // The index is data: it may name files of its own folder and nothing else.
            if name.contains(['/', '\\']) || name.starts_with('.') || !name.ends_with(".safetensors") {
                return Err(BuildError::malformed(&index, format!("{name:?} is no name of a shard")));
            }
            shards.push(name);
        }
        let missing = foreign::missing(folder, shards.iter());
        if !missing.is_empty() {
            return Err(BuildError::ShardsMissing { index, named: shards.len(), missing });
        }
        for name in shards {
            checkpoint.add(folder.join(&name), name)?;
        }
        for (tensor, shard) in promised.iter().flatten() {
            let found = checkpoint.tensors.get(tensor).map(|entry| &checkpoint.shards[entry.shard].name);
            if found != Some(shard) {
                return Err(BuildError::malformed(
                    &folder.join(shard),
                    format!("the index promises `{tensor}` in it, and it is not there"),
                ));
            }
        }
        Ok(checkpoint)
    }

    /// The root of the tensor names.
    pub fn root(&self) -> TensorTree<'_> {
        TensorTree { checkpoint: self, path: String::new() }
    }

    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// How many numbers the checkpoint holds.
    pub fn parameters(&self) -> u64 {
        self.tensors.values().map(|entry| entry.shape.iter().product::<u64>()).sum()
    }

    /// Whether all its numbers are written like that.
    pub fn written_in(&self, precision: Precision) -> bool {
        self.tensors.values().all(|entry| entry.precision == Ok(precision))
    }

    /// A tensor by its whole name, if there is one.
    pub fn find(&self, name: &str) -> Result<Option<Tensor<'_>>, BuildError> {
        let Some((name, entry)) = self.tensors.get_key_value(name) else { return Ok(None) };
        let shard = &self.shards[entry.shard];
        let precision = entry.precision.map_err(|dtype| BuildError::Precision {
            tensor: name.clone(),
            file: shard.path.clone(),
            found: format!("{dtype:?}"),
        })?;
        Ok(Some(Tensor { name, shard, precision, shape: &entry.shape, offset: entry.start as u64 }))
    }

    fn add(&mut self, path: PathBuf, name: String) -> Result<(), BuildError> {
        let file = file::open_regular(&path).map_err(|source| BuildError::Unreadable { file: path.clone(), source })?;
        let length = file.metadata().map_err(|source| BuildError::Unreadable { file: path.clone(), source })?.len();
        let mut head = vec![0; length.min(foreign::HEAD as u64) as usize];
        read_at(&file, 0, &mut head).map_err(|source| BuildError::Unreadable { file: path.clone(), source })?;
        if let Some(why) = foreign::what_is(&head, length, true) {
            return Err(BuildError::Foreign { file: path, why });
        }
        // SAFETY: the mapping is only read. Another process that cuts the file short meanwhile would end this one by a
        // signal, as it would any program that maps weights; the files of a model are written once.
        let map =
            unsafe { Mmap::map(&file) }.map_err(|source| BuildError::Unreadable { file: path.clone(), source })?;
        let (header, metadata) =
            SafeTensors::read_metadata(&map).map_err(|error| BuildError::malformed(&path, why_unread(&map, &error)))?;
        let data = 8 + header;
        for key in metadata.offset_keys() {
            let info = metadata.info(&key).expect("the key was just listed");
            let precision = match info.dtype {
                Dtype::F32 => Ok(Precision::F32),
                Dtype::F16 => Ok(Precision::F16),
                Dtype::BF16 => Ok(Precision::Bf16),
                other => Err(other),
            };
            let entry = Entry {
                shard: self.shards.len(),
                precision,
                shape: info.shape.iter().map(|&size| size as u64).collect(),
                start: data + info.data_offsets.0,
            };
            if let Some(other) = self.tensors.insert(key.clone(), entry) {
                let other = self.shards[other.shard].name.clone();
                return Err(BuildError::malformed(&path, format!("`{key}` is in it and in {other} too")));
            }
        }
        self.shards.push(Shard { path, name, map, file });
        Ok(())
    }
}

/// Fills `to` with what stands at `offset` of a file.
fn read_at(file: &File, offset: u64, to: &mut [u8]) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::read_exact_at(file, to, offset)
    }
    #[cfg(not(unix))]
    {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = file;
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(to)
    }
}

/// Why a file's header cannot be read; that it is too short is the usual reason, and what the library calls it helps nobody.
fn why_unread(bytes: &[u8], error: &safetensors::SafeTensorError) -> String {
    #[derive(Deserialize)]
    struct Offsets {
        data_offsets: Option<[u64; 2]>,
    }
    let header = bytes.first_chunk().map(|length| u64::from_le_bytes(*length));
    let header = header.filter(|length| *length <= 100_000_000); // The format's own limit.
    let promised = header.and_then(|length| {
        let Some(text) = bytes.get(8..8 + length as usize) else { return Some(8 + length) };
        let all: BTreeMap<String, Offsets> = serde_json::from_slice(text).ok()?;
        let end = all.values().filter_map(|tensor| Some(tensor.data_offsets?[1])).max()?;
        end.checked_add(8 + length)
    });
    match promised {
        Some(promised) if promised > bytes.len() as u64 => {
            format!(
                "it is cut short: its header promises {promised} bytes, and it has {}; download it again",
                bytes.len()
            )
        }
        _ => format!("{error}; download it again"),
    }
}

impl<'a> TensorTree<'a> {
    /// One level down.
    pub fn at(&self, name: impl fmt::Display) -> TensorTree<'a> {
        TensorTree { checkpoint: self.checkpoint, path: self.name_of(name) }
    }

    /// The whole name of something below this place.
    pub fn name_of(&self, name: impl fmt::Display) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
    }

    /// Whether there is a tensor of that name.
    pub fn has(&self, name: &str) -> bool {
        self.checkpoint.tensors.contains_key(&self.name_of(name))
    }

    /// The tensor of that name, which has to have that shape.
    ///
    /// # Errors
    /// `BuildError` when it is missing, has another shape, or holds numbers of another kind.
    pub fn tensor<const N: usize>(&self, name: &str, shape: [u64; N]) -> Result<Tensor<'a>, BuildError> {
        let name = self.name_of(name);
        let tensor = self.checkpoint.find(&name)?.ok_or_else(|| BuildError::Missing { tensor: name.clone() })?;
        if tensor.shape != shape {
            return Err(BuildError::Shape {
                tensor: name,
                file: tensor.shard.path.clone(),
                expected: shape.to_vec(),
                found: tensor.shape.to_vec(),
            });
        }
        Ok(tensor)
    }
}

impl Precision {
    /// Bytes of a number.
    pub fn size(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::F16 | Precision::Bf16 => 2,
        }
    }

    /// Reads numbers as they lie in a checkpoint.
    pub fn widen(self, bytes: &[u8], to: &mut Vec<f32>) {
        fn two(bytes: &[u8]) -> [u8; 2] {
            [bytes[0], bytes[1]]
        }
        match self {
            Precision::F32 => to.extend(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
            Precision::F16 => to.extend(bytes.chunks_exact(2).map(|b| f16::from_le_bytes(two(b)).to_f32())),
            // They are the upper halves of those of 32 bits.
            Precision::Bf16 => {
                to.extend(bytes.chunks_exact(2).map(|b| f32::from_bits(u32::from(u16::from_le_bytes(two(b))) << 16)));
            }
        }
    }
}

impl Tensor<'_> {
    /// How many numbers it holds.
    pub fn len(&self) -> u64 {
        self.shape.iter().product()
    }

    /// How many bytes.
    pub fn bytes(&self) -> u64 {
        self.len() * self.precision.size() as u64
    }

    /// Whether another tensor holds the same numbers, in the same precision.
    pub fn same_as(&self, other: &Tensor<'_>) -> Result<bool, BuildError> {
        const PIECE: u64 = 1 << 20;
        if self.shape != other.shape || self.precision != other.precision {
            return Ok(false);
        }
        for first in (0..self.len()).step_by(PIECE as usize) {
            let count = PIECE.min(self.len() - first) as usize;
            if self.read(first, count)? != other.read(first, count)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// So many of its bytes, from that number on. The caller keeps within the tensor.
    pub fn read(&self, first: u64, numbers: usize) -> Result<Vec<u8>, BuildError> {
        assert!(first + numbers as u64 <= self.len(), "a piece of {} lies in it", self.name);
        let size = self.precision.size();
        let mut bytes = vec![0; numbers * size];
        self.shard.read(self.offset + first * size as u64, &mut bytes)?;
        Ok(bytes)
    }
}

/// Reads a JSON file of bounded size.
pub fn parse<T: for<'de> Deserialize<'de>>(path: &Path, bytes_max: u64) -> Result<T, BuildError> {
    let text = read(path, bytes_max)?;
    serde_json::from_slice(&text).map_err(|error| BuildError::malformed(path, error.to_string()))
}

/// Reads a file of bounded size.
pub fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, BuildError> {
    let unreadable = |source| BuildError::Unreadable { file: path.to_owned(), source };
    let bytes = match file::read_bytes(path, bytes_max) {
        Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
            return Err(BuildError::malformed(path, error.to_string()));
        }
        bytes => bytes.map_err(unreadable)?,
    };
    match foreign::what_is(&bytes[..bytes.len().min(foreign::HEAD)], bytes.len() as u64, false) {
        Some(why) => Err(BuildError::Foreign { file: path.to_owned(), why }),
        None => Ok(bytes),
    }
}
