//! Where the weights of a build go: those that a graph takes as they are stay in the checkpoint's own files, which are linked into
//! the folder; all others are converted, quantised or laid out anew into a data file beside their graph.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::digest::Stamp;
use super::pieces::{self, Made, Recipe, kind_of};
use super::{BuildError, EmbeddingTable, Progress};
use crate::architecture::{Layout, Weight};
use crate::checkpoint::{Precision, Tensor};
use crate::onnx::{ByteRange, ElementType, WeightUse};

/// Where numbers of a data file begin: pages, so that mapping is clean.
const ALIGNMENT: u64 = 4096;

/// A file of a built folder that its graphs need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderFile {
    pub name: String,
    pub bytes: u64,
    /// Of a file that the build wrote, or shares with the checkpoint. Folders of earlier versions do not say the latter.
    pub sha256: Option<String>,
    /// When a file that is shared with the checkpoint was last written to, in nanoseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<u64>,
}

pub struct FolderWriter<'p> {
    folder: PathBuf,
    may_link: bool,
    /// The largest file that is copied rather than shared.
    copy_bytes_max: u64,
    /// Digests of the checkpoint's files, by name.
    shards: &'p BTreeMap<String, String>,
    data: Option<Data>,
    placed: BTreeMap<String, (ByteRange, ElementType)>,
    parts: Vec<FolderFile>,
    progress: &'p mut dyn FnMut(Progress),
    done: u64,
    total: u64,
}

/// A data file under construction.
struct Data {
    name: String,
    path: PathBuf,
    file: BufWriter<File>,
    length: u64,
    hash: Sha256,
}

impl Data {
    fn new(folder: &Path, name: &str) -> Result<Data, BuildError> {
        let path = folder.join(name);
        let file = BufWriter::with_capacity(1 << 20, File::create(&path).map_err(BuildError::unwritable(&path))?);
        Ok(Data { name: name.to_owned(), path, file, length: 0, hash: Sha256::new() })
    }

    fn align(&mut self) -> Result<u64, BuildError> {
        let gap = self.length.next_multiple_of(ALIGNMENT) - self.length;
        self.append(&vec![0; gap as usize])?;
        Ok(self.length)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), BuildError> {
        self.file.write_all(bytes).map_err(BuildError::unwritable(&self.path))?;
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn finish(mut self) -> Result<FolderFile, BuildError> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(BuildError::unwritable(&self.path))?;
        Ok(FolderFile {
            name: self.name,
            bytes: self.length,
            sha256: Some(hex::encode(self.hash.finalize())),
            modified: None,
        })
    }
}

impl<'p> FolderWriter<'p> {
    pub fn new(
        folder: &Path,
        may_link: bool,
        copy_bytes_max: u64,
        shards: &'p BTreeMap<String, String>,
        total: u64,
        progress: &'p mut dyn FnMut(Progress),
    ) -> FolderWriter<'p> {
        FolderWriter {
            folder: folder.to_owned(),
            may_link,
            copy_bytes_max,
            shards,
            data: None,
            placed: BTreeMap::new(),
            parts: Vec::new(),
            progress,
            done: 0,
            total,
        }
    }

    /// Finds or makes places for the weights of a graph; what has to be written goes into `file`.
    pub fn places(&mut self, weights: &[WeightUse<Weight<'_>>], file: &str) -> Result<Vec<ByteRange>, BuildError> {
        let mut places = Vec::new();
        for (index, used) in weights.iter().enumerate() {
            places.push(self.place(used, weights.get(index + 1), file)?);
        }
        self.close()?;
        Ok(places)
    }

    /// Writes a small file that the graphs need.
    pub fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), BuildError> {
        let mut data = Data::new(&self.folder, name)?;
        data.append(bytes)?;
        self.parts.push(data.finish()?);
        Ok(())
    }

    /// The embedding table, for the host: shared with the graph where it can be, else as the checkpoint has it, in `file`.
    ///
    /// It is never quantised: the host reads a few rows of a mapped file, so it takes space on the disk and no memory.
    pub fn table(&mut self, tensor: &Tensor<'_>, file: &str) -> Result<EmbeddingTable, BuildError> {
        let shared = self.placed.get(tensor.name).and_then(|(place, kind)| {
            let precision = match kind {
                ElementType::F32 => Precision::F32,
                ElementType::F16 => Precision::F16,
                ElementType::Bf16 => Precision::Bf16,
                ElementType::U8 | ElementType::I32 | ElementType::I64 => return None,
            };
            Some((place.clone(), precision))
        });
        let (place, precision) = match shared {
            Some(shared) => shared,
            None if self.may_stay(tensor) => {
                self.write_streamed(tensor, Recipe::Checked, file, &mut Vec::new())?;
                (self.link(tensor)?, tensor.precision)
            }
            None => {
                let offset = self.data(file)?.align()?;
                self.write_streamed(tensor, Recipe::Kept, file, &mut Vec::new())?;
                (ByteRange { file: file.to_owned(), offset, length: tensor.bytes() }, tensor.precision)
            }
        };
        self.close()?;
        let [rows, width] = tensor.shape[..] else { unreachable!("the builder asked for a matrix") };
        Ok(EmbeddingTable { file: place.file, offset: place.offset, precision, rows, width })
    }

    /// What was written and linked.
    pub fn into_parts(self) -> Vec<FolderFile> {
        self.parts
    }

    fn place(
        &mut self,
        used: &WeightUse<Weight<'_>>,
        next: Option<&WeightUse<Weight<'_>>>,
        file: &str,
    ) -> Result<ByteRange, BuildError> {
        if let Some((place, _)) = self.placed.get(&used.name) {
            return Ok(place.clone());
        }
        let place = match (used.weight.layout, &used.weight.parts[..]) {
            (Layout::Stored, [tensor]) if kind_of(tensor.precision) == used.kind && self.may_stay(tensor) => {
                // Only looked at: a number that is not finite would spoil every answer.
                self.write_streamed(tensor, Recipe::Checked, file, &mut Vec::new())?;
                self.link(tensor)?
            }
            (Layout::Stored, tensors) => {
                let offset = self.data(file)?.align()?;
                for tensor in tensors {
                    self.write_streamed(tensor, Recipe::Plain(used.kind), file, &mut Vec::new())?;
                }
                self.since(offset, file)
            }
            (Layout::ChannelsLast, tensors) => {
                let mut numbers = Vec::new();
                for tensor in tensors {
                    let recipe = Recipe::Plain(used.kind);
                    pieces::each(tensor, recipe, |made| self.count(&made).map(|()| numbers.extend(made.bytes)))?;
                }
                let row = tensors[0].shape[1..].iter().product::<u64>() as usize;
                let size = numbers.len() / (row * tensors[0].shape[0] as usize);
                let data = self.data(file)?;
                let offset = data.align()?;
                for row in numbers.chunks_exact(row * size) {
                    data.append(&channels_last(row, size))?;
                }
                self.since(offset, file)
            }
            (Layout::Quants(blocks), tensors) => {
                let scales_used = next.expect("scales follow the numbers that they belong to");
                let kind = scales_used.kind;
                let offset = self.data(file)?.align()?;
                let mut scales = Vec::new();
                for tensor in tensors {
                    self.write_streamed(tensor, Recipe::Quantized(blocks, kind), file, &mut scales)?;
                }
                let place = self.since(offset, file);
                let data = self.data(file)?;
                let offset = data.align()?;
                data.append(&scales)?;
                let of_scales = self.since(offset, file);
                self.placed.insert(scales_used.name.clone(), (of_scales, kind));
                place
            }
            (Layout::Scales(_), _) => unreachable!("scales follow the numbers that they belong to"),
        };
        self.placed.insert(used.name.clone(), (place.clone(), used.kind));
        Ok(place)
    }

    /// Whether a graph may read a tensor where it lies: whoever maps the file wants numbers to begin at multiples of their size.
    fn may_stay(&self, tensor: &Tensor<'_>) -> bool {
        self.may_link && tensor.offset.is_multiple_of(tensor.precision.size() as u64)
    }

    fn write_streamed(
        &mut self,
        tensor: &Tensor<'_>,
        recipe: Recipe,
        file: &str,
        scales: &mut Vec<u8>,
    ) -> Result<(), BuildError> {
        pieces::each(tensor, recipe, |made| {
            if !made.bytes.is_empty() {
                self.data(file)?.append(&made.bytes)?;
            }
            scales.extend_from_slice(&made.scales);
            self.count(&made)
        })
    }

    fn count(&mut self, made: &Made) -> Result<(), BuildError> {
        self.done += made.read;
        (self.progress)(Progress { doing: "building the graphs", done: self.done.min(self.total), total: self.total });
        Ok(())
    }

    fn link(&mut self, tensor: &Tensor<'_>) -> Result<ByteRange, BuildError> {
        let name = &tensor.shard.name;
        if !self.parts.iter().any(|part| part.name == *name) {
            let to = self.folder.join(name);
            // Files out of Hugging Face's cache are links themselves, and a link to those would lead out of the folder.
            let from = fs::canonicalize(&tensor.shard.path).unwrap_or_else(|_| tensor.shard.path.clone());
            let bytes = tensor.shard.bytes().len() as u64;
            let shared = bytes > self.copy_bytes_max && !clone(&from, &to) && fs::hard_link(&from, &to).is_ok();
            if !shared && !to.exists() {
                fs::copy(&from, &to).map_err(BuildError::unwritable(&to))?;
            }
            let modified = match shared {
                true => Some(Stamp::of(&fs::metadata(&to).map_err(BuildError::unwritable(&to))?).modified_at()),
                false => None,
            };
            self.parts.push(FolderFile { name: name.clone(), bytes, sha256: self.shards.get(name).cloned(), modified });
        }
        Ok(ByteRange { file: name.clone(), offset: tensor.offset, length: tensor.bytes() })
    }

    /// The data file of that name, which appears when something is to be written.
    fn data(&mut self, name: &str) -> Result<&mut Data, BuildError> {
        match &mut self.data {
            Some(data) => Ok(data),
            none => Ok(none.insert(Data::new(&self.folder, name)?)),
        }
    }

    fn since(&self, offset: u64, file: &str) -> ByteRange {
        let length = self.data.as_ref().map_or(0, |data| data.length) - offset;
        ByteRange { file: file.to_owned(), offset, length }
    }

    fn close(&mut self) -> Result<(), BuildError> {
        if let Some(data) = self.data.take() {
            self.parts.push(data.finish()?);
        }
        Ok(())
    }
}

/// A copy that takes no space until one of the two is written to, where the disk can do that.
fn clone(from: &Path, to: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        let cloned = File::open(from).is_ok_and(|source| {
            File::create_new(to).is_ok_and(|target| rustix::fs::ioctl_ficlone(&target, &source).is_ok())
        });
        if !cloned {
            let _ = fs::remove_file(to);
        }
        cloned
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (from, to);
        false
    }
}

/// `[in, 2, 2] -> [2, 2, in]`, of numbers of `size` bytes.
fn channels_last(row: &[u8], size: usize) -> Vec<u8> {
    (0..4).flat_map(|place| row.chunks_exact(size).skip(place).step_by(4).flatten().copied()).collect()
}
