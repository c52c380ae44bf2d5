//! A model's folder: from Hugging Face's files to what the engine opens, and what is known of either.
//!
//! A built folder stands alone: graphs, weights, tokenizer, template and a record of what it was built from. It appears
//! whole or not at all.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::checkpoint::{self, Checkpoint, Precision, Tensor};
use crate::glm4v::{self, Config, Weight};
use crate::onnx::{Graph, Place};

pub const VISION: &str = "vision_encoder.onnx";
pub const DECODER: &str = "decoder_model_merged.onnx";
const DATA: &str = "model.onnx_data";
const RECORD: &str = "build.json";

/// Goes up when what is built from the same files changes.
const VERSION: u32 = 1;

/// What the engine needs besides the weights. The digest covers these, as it covers the weights.
const COPIED: [&str; 8] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
];
/// Copied too, but a change of it calls for no new build: callers read it.
const CARRIED: &str = "profile.toml";
const REQUIRED: [&str; 2] = ["config.json", "tokenizer.json"];
/// Far above any real tokenizer.
pub const SMALL_BYTES_MAX: u64 = 256 << 20;

/// Where numbers of the data file begin: pages, so that mapping is clean.
const ALIGNMENT: u64 = 4096;

/// Why a folder cannot be built or read, by what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Look whether it exists and may be read.
    #[error("cannot read {}: {source}", .file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    /// Free some space, or choose another place.
    #[error("cannot write {}: {source}", .file.display())]
    Unwritable { file: PathBuf, source: std::io::Error },
    /// Choose another place: what is there was not made by a build.
    #[error("{} holds something that is no build of a model; choose another folder or remove it", .folder.display())]
    Occupied { folder: PathBuf },
    /// There is no checkpoint in the folder: it is another one, or the download is not complete.
    #[error("{} has neither model.safetensors nor model.safetensors.index.json", .folder.display())]
    NoWeights { folder: PathBuf },
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
    /// Nothing can be done but to choose another model.
    #[error("not supported: {what}")]
    Unsupported { what: String },
}

impl BuildError {
    pub(crate) fn malformed(file: &Path, why: impl Into<String>) -> BuildError {
        BuildError::Malformed { file: file.to_owned(), why: why.into() }
    }

    fn unwritable(file: &Path) -> impl FnOnce(std::io::Error) -> BuildError {
        let file = file.to_owned();
        move |source| BuildError::Unwritable { file, source }
    }
}

/// How far a build has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, for people: `reading the checkpoint`.
    pub doing: &'static str,
    /// Bytes done of this.
    pub done: u64,
    /// Bytes in all of this.
    pub total: u64,
}

/// A folder that the engine can open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    pub folder: PathBuf,
    /// Of what it was built from.
    pub digest: String,
    /// It was there already, and current.
    pub reused: bool,
}

/// What is known of a model's folder, built or not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Info {
    pub architecture: &'static str,
    /// Whether this is a built folder, which the engine opens as it is.
    pub built: bool,
    pub digest: String,
    pub parameters: u64,
    /// How the checkpoint writes numbers.
    pub precision: String,
    /// Bytes of all files of the folder.
    pub bytes: u64,
    pub layers: u64,
    pub width: u64,
    pub heads: u64,
    pub kv_heads: u64,
    pub vocabulary: u64,
    pub positions_max: u64,
    pub vision_layers: u64,
    pub vision_width: u64,
    pub tied: bool,
}

/// `build.json`: what a built folder remembers. It is written last.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    version: u32,
    architecture: String,
    digest: String,
    parameters: u64,
    precision: Precision,
    pub embeddings: Table,
}

/// Where the embedding table lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    pub file: String,
    pub offset: u64,
    pub precision: Precision,
    pub rows: u64,
    pub width: u64,
}

/// Builds `out_dir` from a Hugging Face folder, unless it is there and current.
///
/// # Errors
/// `BuildError`; whatever was at `out_dir` before is still there then.
pub fn build(hf_dir: &Path, out_dir: &Path, mut progress: impl FnMut(Progress)) -> Result<Built, BuildError> {
    let checkpoint = Checkpoint::open(hf_dir)?;
    let digest = digest(hf_dir, &checkpoint, &mut progress)?;
    build_as(hf_dir, out_dir, checkpoint, digest, &mut progress)
}

/// As `build`, into a folder of `cache` that is named by the digest of what it is built from.
///
/// # Errors
/// As `build`.
pub fn build_into_cache(hf_dir: &Path, cache: &Path, mut progress: impl FnMut(Progress)) -> Result<Built, BuildError> {
    let checkpoint = Checkpoint::open(hf_dir)?;
    let digest = digest(hf_dir, &checkpoint, &mut progress)?;
    let out = cache.join(format!("glm4v-{}", &digest[..16]));
    build_as(hf_dir, &out, checkpoint, digest, &mut progress)
}

/// Whether a folder is one that `build` made.
pub fn is_built(folder: &Path) -> bool {
    folder.join(RECORD).is_file()
}

/// Reads the record of a built folder.
///
/// # Errors
/// `BuildError` when it was made by another version, which a new build mends.
pub fn record(folder: &Path) -> Result<Record, BuildError> {
    let file = folder.join(RECORD);
    let record: Record = checkpoint::parse(&file, 1 << 20)?;
    if record.version != VERSION || record.architecture != "glm4v" {
        let why = format!("it was built by another version ({}); build it again", record.version);
        return Err(BuildError::Malformed { file, why });
    }
    Ok(record)
}

/// Reads the configuration of either kind of folder.
///
/// # Errors
/// `BuildError` when it is missing, damaged or of another architecture.
pub fn config(folder: &Path) -> Result<Config, BuildError> {
    let file = folder.join("config.json");
    Config::parse(&checkpoint::read(&file, SMALL_BYTES_MAX)?, &file)
}

/// Says what a folder holds, reading no more of the weights than their names.
///
/// # Errors
/// `BuildError` when it is no model's folder.
pub fn info(folder: &Path) -> Result<Info, BuildError> {
    let config = config(folder)?;
    let built = is_built(folder);
    let (digest, parameters, precision) = if built {
        let record = record(folder)?;
        (record.digest, record.parameters, record.precision)
    } else {
        let checkpoint = Checkpoint::open(folder)?;
        let precision = glm4v::graphs(&config, &checkpoint)?.embeddings.precision;
        (digest(folder, &checkpoint, &mut |_| ())?, checkpoint.parameters(), precision)
    };
    let unreadable = |source| BuildError::Unreadable { file: folder.to_owned(), source };
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        bytes += fs::metadata(entry.path()).map_or(0, |found| if found.is_file() { found.len() } else { 0 });
    }
    Ok(Info {
        architecture: "glm4v",
        built,
        digest,
        parameters,
        precision: precision.to_string(),
        bytes,
        layers: config.text.layers,
        width: config.text.width,
        heads: config.text.heads,
        kv_heads: config.text.kv_heads,
        vocabulary: config.text.vocabulary,
        positions_max: config.text.positions_max,
        vision_layers: config.vision.layers,
        vision_width: config.vision.width,
        tied: config.tied,
    })
}

fn build_as(
    hf_dir: &Path,
    out: &Path,
    checkpoint: Checkpoint,
    digest: String,
    progress: &mut dyn FnMut(Progress),
) -> Result<Built, BuildError> {
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let name = out.file_name().ok_or_else(|| BuildError::Occupied { folder: out.to_owned() })?.to_string_lossy();
    fs::create_dir_all(&parent).map_err(BuildError::unwritable(&parent))?;

    // One build of a folder at a time; who comes second finds it done. The lock goes with the process, however it ends.
    let lock = parent.join(format!(".{name}.lock"));
    let locked = File::create(&lock).map_err(BuildError::unwritable(&lock))?;
    locked.lock().map_err(BuildError::unwritable(&lock))?;

    let built = |reused| Built { folder: out.to_owned(), digest: digest.clone(), reused };
    if record(out).is_ok_and(|record| record.digest == digest) && out.join(DECODER).is_file() {
        return Ok(built(true));
    }
    let occupied = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) && !is_built(out);
    if occupied || out.is_file() {
        return Err(BuildError::Occupied { folder: out.to_owned() });
    }

    let scaffold = Scaffold::new(parent.join(format!(".{name}.building")))?;
    write_all(hf_dir, &scaffold.folder, &checkpoint, &digest, progress)?;
    let old = parent.join(format!(".{name}.old"));
    let _ = fs::remove_dir_all(&old); // Left over from a build that was killed between the next two lines.
    if out.exists() {
        fs::rename(out, &old).map_err(BuildError::unwritable(out))?;
    }
    fs::rename(&scaffold.folder, out).map_err(BuildError::unwritable(out))?;
    let _ = fs::remove_dir_all(&old);
    Ok(built(false))
}

/// A folder under construction: gone when it is dropped, if it still has its name.
struct Scaffold {
    folder: PathBuf,
}

impl Scaffold {
    fn new(folder: PathBuf) -> Result<Scaffold, BuildError> {
        let _ = fs::remove_dir_all(&folder); // Left over from a build that was killed.
        fs::create_dir(&folder).map_err(BuildError::unwritable(&folder))?;
        Ok(Scaffold { folder })
    }
}

impl Drop for Scaffold {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn write_all(
    hf_dir: &Path,
    out: &Path,
    checkpoint: &Checkpoint,
    digest: &str,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), BuildError> {
    let config = config(hf_dir)?;
    let graphs = glm4v::graphs(&config, checkpoint)?;
    let all = |graph: &Graph<Weight<'_>>| graph.weights().map(|weight| weight.tensor().bytes.len() as u64).sum::<u64>();
    let mut store = Store::new(out, all(&graphs.vision) + all(&graphs.decoder), progress)?;
    for (file, graph) in [(VISION, graphs.vision), (DECODER, graphs.decoder)] {
        let mut places = Vec::new();
        for weight in graph.weights() {
            places.push(store.place(weight)?);
        }
        let path = out.join(file);
        fs::write(&path, graph.into_bytes(&places)).map_err(BuildError::unwritable(&path))?;
    }
    let embeddings = store.table(&graphs.embeddings)?;
    store.finish()?;

    for name in COPIED.into_iter().chain([CARRIED]) {
        let from = hf_dir.join(name);
        if REQUIRED.contains(&name) || from.is_file() {
            let bytes = checkpoint::read(&from, SMALL_BYTES_MAX)?;
            fs::write(out.join(name), bytes).map_err(BuildError::unwritable(&out.join(name)))?;
        }
    }
    let record = Record {
        version: VERSION,
        architecture: "glm4v".to_owned(),
        digest: digest.to_owned(),
        parameters: checkpoint.parameters(),
        precision: graphs.embeddings.precision,
        embeddings,
    };
    let path = out.join(RECORD);
    let text = serde_json::to_vec_pretty(&record).expect("a record is plain data");
    let mut file = File::create(&path).map_err(BuildError::unwritable(&path))?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(BuildError::unwritable(&path))
}

/// Where the weights of a build go: 32-bit tensors stay in the checkpoint's own files, which are linked into the folder;
/// all others are widened, or laid out anew, into one data file.
struct Store<'p> {
    folder: PathBuf,
    path: PathBuf,
    data: BufWriter<File>,
    length: u64,
    placed: BTreeMap<String, Place>,
    linked: Vec<String>,
    progress: &'p mut dyn FnMut(Progress),
    done: u64,
    total: u64,
}

impl<'p> Store<'p> {
    fn new(folder: &Path, total: u64, progress: &'p mut dyn FnMut(Progress)) -> Result<Store<'p>, BuildError> {
        let path = folder.join(DATA);
        let data = BufWriter::with_capacity(1 << 20, File::create(&path).map_err(BuildError::unwritable(&path))?);
        Ok(Store {
            folder: folder.to_owned(),
            path,
            data,
            length: 0,
            placed: BTreeMap::new(),
            linked: Vec::new(),
            progress,
            done: 0,
            total,
        })
    }

    fn place(&mut self, weight: &Weight<'_>) -> Result<Place, BuildError> {
        let tensor = weight.tensor();
        if let Some(place) = self.placed.get(tensor.name) {
            return Ok(place.clone());
        }
        let place = match weight {
            // Whoever maps the file wants floats to begin at multiples of their size.
            Weight::Stored(tensor) if tensor.precision == Precision::F32 && tensor.offset.is_multiple_of(4) => {
                for piece in tensor.pieces() {
                    piece?; // Only looked at: a number that is not finite would spoil every answer.
                }
                self.linked(tensor)?
            }
            Weight::Stored(tensor) => self.written(tensor.pieces())?,
            Weight::ChannelsLast(tensor) => {
                let rows = tensor.numbers()?;
                let row = tensor.shape[1..].iter().product::<u64>() as usize;
                self.written(rows.chunks_exact(row).map(|row| Ok(channels_last(row))))?
            }
        };
        self.placed.insert(tensor.name.to_owned(), place.clone());
        self.done += tensor.bytes.len() as u64;
        (self.progress)(Progress { doing: "building the graphs", done: self.done, total: self.total });
        Ok(place)
    }

    /// The embedding table, for the host: shared with the graph where it can be, else as the checkpoint has it.
    fn table(&mut self, tensor: &Tensor<'_>) -> Result<Table, BuildError> {
        let (place, precision) = if let Some(place) = self.placed.get(tensor.name) {
            (place.clone(), Precision::F32) // Tied to the head, which is 32 bits wide.
        } else {
            for piece in tensor.pieces() {
                piece?;
            }
            let place = if tensor.precision == Precision::F32 && tensor.offset.is_multiple_of(4) {
                self.linked(tensor)?
            } else {
                self.align()?;
                self.append(tensor.bytes)?
            };
            (place, tensor.precision)
        };
        let [rows, width] = tensor.shape[..] else { unreachable!("the builder asked for a matrix") };
        Ok(Table { file: place.file, offset: place.offset, precision, rows, width })
    }

    fn linked(&mut self, tensor: &Tensor<'_>) -> Result<Place, BuildError> {
        let name = &tensor.shard.name;
        if !self.linked.contains(name) {
            let to = self.folder.join(name);
            // Files out of Hugging Face's cache are links themselves, and a link to those would lead out of the folder.
            let from = fs::canonicalize(&tensor.shard.path).unwrap_or_else(|_| tensor.shard.path.clone());
            if fs::hard_link(&from, &to).is_err() {
                fs::copy(&from, &to).map_err(BuildError::unwritable(&to))?;
            }
            self.linked.push(name.clone());
        }
        Ok(Place { file: name.clone(), offset: tensor.offset, length: tensor.bytes.len() as u64 })
    }

    fn written(&mut self, pieces: impl Iterator<Item = Result<Vec<f32>, BuildError>>) -> Result<Place, BuildError> {
        self.align()?;
        let offset = self.length;
        for piece in pieces {
            let bytes: Vec<u8> = piece?.iter().flat_map(|number| number.to_le_bytes()).collect();
            self.append(&bytes)?;
        }
        Ok(Place { file: DATA.to_owned(), offset, length: self.length - offset })
    }

    fn align(&mut self) -> Result<(), BuildError> {
        let gap = self.length.next_multiple_of(ALIGNMENT) - self.length;
        self.append(&vec![0; gap as usize]).map(|_| ())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<Place, BuildError> {
        let place = Place { file: DATA.to_owned(), offset: self.length, length: bytes.len() as u64 };
        self.data.write_all(bytes).map_err(BuildError::unwritable(&self.path))?;
        self.length += bytes.len() as u64;
        Ok(place)
    }

    fn finish(mut self) -> Result<(), BuildError> {
        let synced = self.data.flush().and_then(|()| self.data.get_ref().sync_all());
        let end = synced.and_then(|()| self.data.seek(SeekFrom::End(0))).map_err(BuildError::unwritable(&self.path))?;
        assert_eq!(end, self.length, "what was counted is what was written");
        Ok(())
    }
}

/// `[in, 2, 2] -> [2, 2, in]`
fn channels_last(row: &[f32]) -> Vec<f32> {
    (0..4).flat_map(|place| row.iter().skip(place).step_by(4).copied()).collect()
}

/// Of all that a build depends on. Weights of more than 64 MiB are not read whole: their length, their head and samples of the
/// rest stand for them, which tells any two checkpoints apart that were not made to deceive their owner.
fn digest(folder: &Path, checkpoint: &Checkpoint, progress: &mut dyn FnMut(Progress)) -> Result<String, BuildError> {
    const WHOLE_MAX: usize = 64 << 20;
    const SAMPLE: usize = 256 << 10;
    const SAMPLES: usize = 64;
    let mut hash = Sha256::new();
    let mut part = |name: &str, length: usize, bytes: &mut dyn Iterator<Item = &[u8]>| {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((length as u64).to_le_bytes());
        bytes.for_each(|bytes| hash.update(bytes));
    };
    part("version", VERSION as usize, &mut std::iter::empty());
    for name in COPIED {
        let path = folder.join(name);
        if REQUIRED.contains(&name) || path.is_file() {
            let bytes = checkpoint::read(&path, SMALL_BYTES_MAX)?;
            part(name, bytes.len(), &mut std::iter::once(bytes.as_slice()));
        }
    }
    let total = checkpoint.shards().iter().map(|shard| shard.bytes().len() as u64).sum();
    let mut done = 0;
    for shard in checkpoint.shards() {
        let bytes = shard.bytes();
        if bytes.len() <= WHOLE_MAX {
            part(&shard.name, bytes.len(), &mut std::iter::once(bytes));
        } else {
            let stride = (bytes.len() - SAMPLE) / SAMPLES;
            let mut samples = (0..=SAMPLES).map(|index| &bytes[index * stride..][..SAMPLE]);
            let head = &bytes[..WHOLE_MAX.min(bytes.len())];
            part(&shard.name, bytes.len(), &mut std::iter::once(head).chain(&mut samples));
        }
        done += bytes.len() as u64;
        progress(Progress { doing: "reading the checkpoint", done, total });
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
