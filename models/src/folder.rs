//! A model's folder: from Hugging Face's files to what the engine opens, and what is known of either.
//!
//! A built folder stands alone: graphs, weights, tokenizer, template and a record of what it was built from. It appears
//! whole or not at all.

mod digest;
#[cfg(test)]
mod operators;
mod options;
mod pieces;
mod store;
#[cfg(test)]
mod tests;

pub use options::{Build, WeightFormat};

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::architecture::{self, Family, Weight};
use crate::chat::{ChatTemplate, TemplateOptions};
use crate::checkpoint::{self, Checkpoint, Precision, SMALL_BYTES_MAX};
use crate::error::BuildError;
use crate::onnx::{ElementType, Graph};
use crate::tokenizer::Tokenizer;
use digest::{FileIdentity, KnownDigests, Stamp, identify};
use options::suffix;
use store::{FolderFile, FolderWriter};

/// What the graphs are called, before the suffix that says how they are kept.
const VISION: &str = "vision_encoder";
const DECODER: &str = "decoder_model_merged";
/// The host's embedding table, where it lies in no other file.
const EMBEDDINGS: &str = "embed_tokens.bin";
const RECORD: &str = "build.json";
/// Digests of checkpoints that were built into a cache, so that they are not read whole each time that they are opened.
const DIGESTS: &str = "digests.json";
/// `info` reads no more of an unbuilt checkpoint than this to say its digest.
const INFO_BYTES_MAX: u64 = 1 << 30;

/// Goes up when what is built from the same files changes.
const VERSION: u32 = 2;

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
/// Weights that a graph takes as they are: smaller files are copied, so that whoever goes on to train the checkpoint does not
/// change what was built from it. Larger ones are cloned where the disk can do that, else linked, and looked at when they are opened.
const COPY_BYTES_MAX: u64 = 1 << 30;
const RECORD_BYTES_MAX: u64 = 1 << 20;

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
    /// Of what it was or would be built from; nothing for an unbuilt checkpoint that is too large to be read for that alone.
    pub digest: Option<String>,
    pub parameters: u64,
    /// How the checkpoint writes numbers.
    pub precision: String,
    /// What was built, if it is built.
    pub build: Option<Build>,
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
pub struct BuildRecord {
    version: u32,
    architecture: String,
    digest: String,
    parameters: u64,
    /// How the checkpoint writes numbers.
    precision: Precision,
    /// Whether the embedding table also makes the logits. Folders of earlier versions do not say it.
    #[serde(default)]
    tied: Option<bool>,
    pub build: Build,
    /// The files of the graphs.
    pub vision: GraphFile,
    pub decoder: GraphFile,
    pub embeddings: EmbeddingTable,
    /// All that the graphs and the host map.
    parts: Vec<FolderFile>,
    /// The weights that it was built from. Folders of earlier versions do not say them.
    #[serde(default)]
    sources: KnownDigests,
}

/// A graph of a built folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphFile {
    pub file: String,
    /// What its inputs, its outputs and its cache are, where they are no whole numbers.
    pub numbers: Precision,
}

/// Where the embedding table lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingTable {
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
pub fn build(
    hf_dir: &Path,
    out_dir: &Path,
    build: &Build,
    mut progress: impl FnMut(Progress),
) -> Result<Built, BuildError> {
    let checkpoint = open_plain(hf_dir)?;
    small_files_fit(hf_dir)?;
    let mut known = match checkpoint::parse::<BuildRecord>(&out_dir.join(RECORD), RECORD_BYTES_MAX) {
        Ok(record) => record.sources,
        Err(_) => KnownDigests::default(),
    };
    let identity = identify(hf_dir, &checkpoint, &mut known, &mut progress)?;
    build_as(hf_dir, out_dir, checkpoint, &identity, known, build, &mut progress)
}

/// As `build`, into a folder of `cache` that is named by the digest of what it is built from. Without a `build`, what suits the
/// checkpoint's size.
///
/// # Errors
/// As `build`.
pub fn build_into_cache(
    hf_dir: &Path,
    cache: &Path,
    build: Option<&Build>,
    mut progress: impl FnMut(Progress),
) -> Result<Built, BuildError> {
    let checkpoint = open_plain(hf_dir)?;
    let build = build.copied().unwrap_or_else(|| Build::default_for(checkpoint.parameters()));
    let model_type = family(hf_dir)?.spec().model_type;
    let unfit = small_files_fit(hf_dir).err();
    let has_builds = fs::read_dir(cache).is_ok_and(|mut entries| entries.next().is_some());
    let unfit = match unfit {
        Some(error) if !has_builds => return Err(error),
        unfit => unfit,
    };
    fs::create_dir_all(cache).map_err(BuildError::unwritable(cache))?;
    let mut known = KnownDigests::open(&cache.join(DIGESTS));
    let identity = identify(hf_dir, &checkpoint, &mut known, &mut progress)?;
    let mut name = format!("{model_type}-{}", &identity.digest[..16]);
    if build != Build::FP32 {
        let text = serde_json::to_vec(&build).expect("a build is plain data");
        name += &format!("-{}", &hex::encode(Sha256::digest(text))[..8]);
    }
    if let Some(error) = unfit {
        // An earlier version may have built it all the same: it can never be opened.
        let _ = fs::remove_dir_all(cache.join(name));
        return Err(error);
    }
    // The cache remembers them, and not each of its folders.
    let none = KnownDigests::default();
    let built = build_as(hf_dir, &cache.join(name), checkpoint, &identity, none, &build, &mut progress)?;
    known.accept_relinks();
    known.save(&cache.join(DIGESTS));
    Ok(built)
}

/// Refuses before the work what opening would refuse after it, and by the name of a file that somebody can mend: the copy in a built
/// folder is nobody's. It takes no time: what does is looked at when something is built.
fn small_files_fit(hf_dir: &Path) -> Result<(), BuildError> {
    architecture::image_processor(hf_dir, &family(hf_dir)?.spec().vision, None)?;
    architecture::generation_ends(hf_dir)?;
    Ok(())
}

/// Opens a checkpoint of plain numbers.
fn open_plain(hf_dir: &Path) -> Result<Checkpoint, BuildError> {
    let checkpoint = Checkpoint::open(hf_dir)?;
    checkpoint::refuse_quantised(hf_dir, &checkpoint)?;
    Ok(checkpoint)
}

/// Whether a folder is one that `build` made.
pub fn is_built(folder: &Path) -> bool {
    folder.join(RECORD).is_file()
}

/// Reads the record of a built folder.
///
/// # Errors
/// `BuildError` when it was made by another version, which a new build mends.
pub fn record(folder: &Path) -> Result<BuildRecord, BuildError> {
    let file = folder.join(RECORD);
    let checkpoint::Versioned { version } = checkpoint::parse(&file, RECORD_BYTES_MAX)?;
    if version != VERSION {
        let why = format!("it was built by another version ({version}); build it again");
        return Err(BuildError::Malformed { file, why });
    }
    let record: BuildRecord = checkpoint::parse(&file, RECORD_BYTES_MAX)?;
    if !architecture::model_types().any(|known| known == record.architecture) {
        let why = format!("it is of the architecture {:?}", record.architecture);
        return Err(BuildError::Malformed { file, why });
    }
    // The record is data: it names files of its own folder and nothing else.
    let files = [&record.vision.file, &record.decoder.file, &record.embeddings.file];
    for name in record.parts.iter().map(|part| &part.name).chain(files) {
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(BuildError::malformed(&file, format!("{name:?} lies outside of its folder")));
        }
    }
    for part in &record.parts {
        check(&folder.join(&part.name), part)?;
    }
    Ok(record)
}

/// Whether a file of a built folder is still what was built.
fn check(path: &Path, part: &FolderFile) -> Result<(), BuildError> {
    let unreadable = |source| BuildError::Unreadable { file: path.to_owned(), source };
    let found = fs::metadata(path).map_err(unreadable)?;
    if found.len() != part.bytes {
        let why = format!("it has {} bytes, and was built with {}; build the folder again", found.len(), part.bytes);
        return Err(BuildError::malformed(path, why));
    }
    let Some(modified) = part.modified else { return Ok(()) };
    // A file that is shared with the checkpoint, and was written since: as long as nothing else says so, by somebody who changed it.
    if Stamp::of(&found).modified_at() != modified && Some(digest::of_file(path).map_err(unreadable)?) != part.sha256 {
        let why = "the checkpoint was changed in place after this folder was built, and they share this file; build the folder again";
        return Err(BuildError::malformed(path, why));
    }
    Ok(())
}

/// Reads the configuration of either kind of folder.
///
/// # Errors
/// `BuildError` when it is missing, damaged or of another architecture.
pub fn family(folder: &Path) -> Result<Box<dyn Family>, BuildError> {
    let file = folder.join("config.json");
    architecture::family(&checkpoint::read(&file, SMALL_BYTES_MAX)?, &file)
}

/// Says what a folder holds, reading no more of the weights than their names.
///
/// # Errors
/// `BuildError` when it is no model's folder.
pub fn info(folder: &Path) -> Result<Info, BuildError> {
    let family = family(folder)?;
    let spec = family.spec();
    let built = is_built(folder);
    let (digest, parameters, precision, tied, build) = if built {
        let record = record(folder)?;
        let tied = record.tied.unwrap_or(spec.tied);
        (Some(record.digest), record.parameters, record.precision, tied, Some(record.build))
    } else {
        let checkpoint = open_plain(folder)?;
        let graphs = family.graphs(&checkpoint, Build::FP32.graph_options(&checkpoint)?)?;
        let whole: u64 = checkpoint.shards().iter().map(|shard| shard.bytes().len() as u64).sum();
        let known = &mut KnownDigests::default();
        let identify = || Ok(identify(folder, &checkpoint, known, &mut |_| ())?.digest);
        let digest = (whole <= INFO_BYTES_MAX).then(identify).transpose()?;
        (digest, checkpoint.parameters(), graphs.embeddings.precision, graphs.tied, None)
    };
    let unreadable = |source| BuildError::Unreadable { file: folder.to_owned(), source };
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        bytes += fs::metadata(entry.path()).map_or(0, |found| if found.is_file() { found.len() } else { 0 });
    }
    Ok(Info {
        architecture: spec.model_type,
        built,
        digest,
        parameters,
        precision: precision.to_string(),
        build,
        bytes,
        layers: spec.text.layers,
        width: spec.text.width,
        heads: spec.text.heads,
        kv_heads: spec.text.kv_heads,
        vocabulary: spec.text.vocabulary,
        positions_max: spec.text.positions_max,
        vision_layers: spec.vision.layers,
        vision_width: spec.vision.width,
        tied,
    })
}

fn build_as(
    hf_dir: &Path,
    out: &Path,
    checkpoint: Checkpoint,
    identity: &FileIdentity,
    mut known: KnownDigests,
    build: &Build,
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
    let now = locked.metadata().and_then(|found| found.modified()).map_err(BuildError::unwritable(&lock))?;
    known.forget_fresh(now);

    let digest = &identity.digest;
    let built = |reused| Built { folder: out.to_owned(), digest: digest.clone(), reused };
    let current = record(out).is_ok_and(|record| record.digest == *digest && record.build == *build);
    if current && copies_are_whole(hf_dir, out) {
        return Ok(built(true));
    }
    let occupied = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) && !is_built(out);
    if occupied || out.is_file() {
        return Err(BuildError::Occupied { folder: out.to_owned() });
    }

    // What opening would refuse is refused before the work, not after it.
    Tokenizer::open(hf_dir)?.picture(family(hf_dir)?.spec().image_token)?;
    ChatTemplate::open(hf_dir, TemplateOptions::default())?;

    let scaffold = Scaffold::new(parent.join(format!(".{name}.building")))?;
    write_all(hf_dir, &scaffold.folder, &checkpoint, identity, known, build, progress)?;
    put_in_place(&scaffold.folder, out, &parent.join(format!(".{name}.old")))?;
    Ok(built(false))
}

/// Puts a folder that is whole where it belongs. What was there stays at `old` only for as long as that takes: if it fails, it is
/// put back.
fn put_in_place(new: &Path, out: &Path, old: &Path) -> Result<(), BuildError> {
    if out.exists() {
        let _ = fs::remove_dir_all(old);
        fs::rename(out, old).map_err(BuildError::unwritable(out))?;
    }
    match fs::rename(new, out) {
        Ok(()) => {
            let _ = fs::remove_dir_all(old);
            Ok(())
        }
        Err(source) => match old.exists().then(|| fs::rename(old, out)) {
            None | Some(Ok(())) => Err(BuildError::Unwritable { file: out.to_owned(), source }),
            Some(Err(_)) => Err(BuildError::Unreplaced { folder: out.to_owned(), old: old.to_owned(), source }),
        },
    }
}

/// Whether the small files of a built folder are still those of its source: what was damaged there is built again.
fn copies_are_whole(hf_dir: &Path, out: &Path) -> bool {
    COPIED.into_iter().all(|name| {
        let [from, to] = [hf_dir, out].map(|folder| folder.join(name));
        if !from.is_file() {
            return !to.exists();
        }
        let read = |file: &Path| checkpoint::read(file, SMALL_BYTES_MAX).ok();
        read(&from) == read(&to)
    })
}

/// A folder under construction: gone when it is dropped, if it still has its name.
pub(crate) struct Scaffold {
    pub(crate) folder: PathBuf,
}

impl Scaffold {
    pub(crate) fn new(folder: PathBuf) -> Result<Scaffold, BuildError> {
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
    identity: &FileIdentity,
    mut known: KnownDigests,
    build: &Build,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), BuildError> {
    let family = family(hf_dir)?;
    let graphs = family.graphs(checkpoint, build.graph_options(checkpoint)?)?;
    let all = |graph: &Graph<Weight<'_>>| graph.weights().iter().map(|used| used.weight.source_bytes()).sum::<u64>();
    let total = all(&graphs.vision) + all(&graphs.decoder) + graphs.embeddings.bytes();
    let mut store = FolderWriter::new(out, build.may_link(), COPY_BYTES_MAX, &identity.shards, total, progress);
    let mut files = Vec::new();
    for (name, graph) in [(VISION, graphs.vision), (DECODER, graphs.decoder)] {
        let options = graph.options();
        let file = format!("{name}{}.onnx", suffix(options));
        let places = store.places(graph.weights(), &format!("{file}_data"))?;
        store.file(&file, &graph.into_bytes(&places))?;
        let numbers = match options.kind {
            ElementType::F16 => Precision::F16,
            ElementType::Bf16 => Precision::Bf16,
            ElementType::F32 | ElementType::U8 | ElementType::I32 | ElementType::I64 => Precision::F32,
        };
        files.push(GraphFile { file, numbers });
    }
    let [vision, decoder] = files.try_into().expect("there are two graphs");
    let embeddings = store.table(&graphs.embeddings, EMBEDDINGS)?;

    for name in COPIED.into_iter().chain([CARRIED]) {
        let from = hf_dir.join(name);
        if REQUIRED.contains(&name) || from.is_file() {
            let bytes = checkpoint::read(&from, SMALL_BYTES_MAX)?;
            fs::write(out.join(name), bytes).map_err(BuildError::unwritable(&out.join(name)))?;
        }
    }
    known.accept_relinks();
    let record = BuildRecord {
        version: VERSION,
        architecture: family.spec().model_type.to_owned(),
        digest: identity.digest.clone(),
        parameters: checkpoint.parameters(),
        precision: graphs.embeddings.precision,
        tied: Some(graphs.tied),
        build: *build,
        vision,
        decoder,
        embeddings,
        parts: store.into_parts(),
        sources: known,
    };
    let path = out.join(RECORD);
    let text = serde_json::to_vec_pretty(&record).expect("a record is plain data");
    let mut file = File::create(&path).map_err(BuildError::unwritable(&path))?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(BuildError::unwritable(&path))
}
