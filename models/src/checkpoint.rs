//! A Hugging Face checkpoint: tensors by name, over one file or many, mapped and never read whole.
//!
//! What the files say of themselves is checked before anything is used; what the tensors mean is left to the builder.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use memmap2::Mmap;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde::{Deserialize, Serialize};

use crate::BuildError;

/// How many shards a checkpoint may have, and how long its index may be: far above any real one.
const SHARDS_MAX: usize = 1_000;
const INDEX_BYTES_MAX: u64 = 64 << 20;

/// The tensors of a folder.
pub struct Checkpoint {
    shards: Vec<Shard>,
    tensors: BTreeMap<String, Entry>,
}

/// One file of a checkpoint.
pub struct Shard {
    pub path: PathBuf,
    pub name: String,
    map: Mmap,
}

#[derive(Clone, Debug)]
struct Entry {
    shard: usize,
    precision: Result<Precision, Dtype>,
    shape: Vec<u64>,
    start: usize,
    end: usize,
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
    pub bytes: &'a [u8],
}

/// A place in the tree of tensor names.
#[derive(Clone)]
pub struct Tree<'a> {
    checkpoint: &'a Checkpoint,
    path: String,
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
            return Err(BuildError::NoWeights { folder: folder.to_owned() });
        };
        if names.is_empty() || names.len() > SHARDS_MAX {
            return Err(BuildError::malformed(&index, format!("it names {} shards", names.len())));
        }

        let mut checkpoint = Checkpoint { shards: Vec::new(), tensors: BTreeMap::new() };
        for name in names {
            // The index is data: it may name files of its own folder and nothing else.
            if name.contains(['/', '\\']) || name.starts_with('.') || !name.ends_with(".safetensors") {
                return Err(BuildError::malformed(&index, format!("{name:?} is no name of a shard")));
            }
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
    pub fn root(&self) -> Tree<'_> {
        Tree { checkpoint: self, path: String::new() }
    }

    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// How many numbers the checkpoint holds.
    pub fn parameters(&self) -> u64 {
        self.tensors.values().map(|entry| entry.shape.iter().product::<u64>()).sum()
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
        Ok(Some(Tensor {
            name,
            shard,
            precision,
            shape: &entry.shape,
            offset: entry.start as u64,
            bytes: &shard.map[entry.start..entry.end],
        }))
    }

    fn add(&mut self, path: PathBuf, name: String) -> Result<(), BuildError> {
        let file = File::open(&path).map_err(|source| BuildError::Unreadable { file: path.clone(), source })?;
        // SAFETY: the mapping is only read. Another process that cuts the file short meanwhile would end this one by a
        // signal, as it would any program that maps weights; the files of a model are written once.
        let map =
            unsafe { Mmap::map(&file) }.map_err(|source| BuildError::Unreadable { file: path.clone(), source })?;
        let (header, metadata) =
            SafeTensors::read_metadata(&map).map_err(|error| BuildError::malformed(&path, error.to_string()))?;
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
                end: data + info.data_offsets.1,
            };
            if let Some(other) = self.tensors.insert(key.clone(), entry) {
                let other = self.shards[other.shard].name.clone();
                return Err(BuildError::malformed(&path, format!("`{key}` is in it and in {other} too")));
            }
        }
        self.shards.push(Shard { path, name, map });
        Ok(())
    }
}

impl<'a> Tree<'a> {
    /// One level down.
    pub fn at(&self, name: impl fmt::Display) -> Tree<'a> {
        Tree { checkpoint: self.checkpoint, path: self.name_of(name) }
    }

    /// The whole name of something below this place.
    pub fn name_of(&self, name: impl fmt::Display) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
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
            Precision::Bf16 => to.extend(bytes.chunks_exact(2).map(|b| bf16::from_le_bytes(two(b)).to_f32())),
        }
    }
}

impl Tensor<'_> {
    /// How many numbers it holds.
    pub fn len(&self) -> u64 {
        self.shape.iter().product()
    }

    /// All its numbers. For tensors that have to be laid out anew; the others are streamed by `pieces`.
    pub fn numbers(&self) -> Result<Vec<f32>, BuildError> {
        let mut numbers = Vec::with_capacity(self.len() as usize);
        for piece in self.pieces() {
            numbers.extend(piece?);
        }
        Ok(numbers)
    }

    /// Its numbers, some thousands at a time, each of them finite.
    pub fn pieces(&self) -> impl Iterator<Item = Result<Vec<f32>, BuildError>> {
        const PIECE: usize = 1 << 16;
        let size = self.precision.size();
        self.bytes.chunks(PIECE * size).enumerate().map(move |(piece, bytes)| {
            let mut numbers = Vec::with_capacity(PIECE);
            self.precision.widen(bytes, &mut numbers);
            match numbers.iter().position(|number| !number.is_finite()) {
                None => Ok(numbers),
                Some(at) => Err(BuildError::NotFinite {
                    tensor: self.name.to_owned(),
                    file: self.shard.path.clone(),
                    at: (piece * PIECE + at) as u64,
                }),
            }
        })
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
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > bytes_max {
        return Err(BuildError::malformed(path, format!("it has {length} bytes, and {bytes_max} are the most")));
    }
    std::fs::read(path).map_err(unreadable)
}
