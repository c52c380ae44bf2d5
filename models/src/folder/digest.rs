//! What a checkpoint is known by: a digest of all that a build depends on, weights included, every byte of them.
//!
//! Reading twenty gigabytes takes a while, so a file's digest is remembered beside what the file system says of it, and the file is
//! read again when that has changed.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tapwright_contract::file::open_regular;

use super::{BuildError, COPIED, Progress, REQUIRED, VERSION};
use crate::checkpoint::SMALL_BYTES_MAX;
use crate::checkpoint::{self, Checkpoint, Shard};

/// What is read of a file at a time.
const PIECE: usize = 4 << 20;
/// More files at once only wait for the disk.
const THREADS_MAX: usize = 4;
/// A file that was written so shortly before could be written again with the same time.
const SETTLED: Duration = Duration::from_secs(2);
/// Files that are remembered: a few hundred models.
const REMEMBERED_MAX: usize = 4096;

/// What the file system says of a file. Whoever writes to it changes at least one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    bytes: u64,
    /// Since 1970, in nanoseconds.
    modified: u64,
    /// When its data or what is known of it changed: cannot be set back. Only where there is such a thing.
    changed: i64,
    inode: u64,
    device: u64,
}

impl Stamp {
    pub fn of(found: &Metadata) -> Stamp {
        let modified = found.modified().ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        let modified = modified.map_or(0, |time| time.as_nanos() as u64);
        #[cfg(unix)]
        let (changed, inode, device) = {
            use std::os::unix::fs::MetadataExt;
            (found.ctime() * 1_000_000_000 + found.ctime_nsec(), found.ino(), found.dev())
        };
        #[cfg(not(unix))]
        let (changed, inode, device) = (0, 0, 0);
        Stamp { bytes: found.len(), modified, changed, inode, device }
    }

    /// Length and time of the last change: what a link has in common with its file, and a careful copy too.
    pub fn modified_at(&self) -> u64 {
        self.modified
    }
}

/// Digests of files that were read whole.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct KnownDigests {
    /// By whole path.
    #[serde(default)]
    files: BTreeMap<String, KnownDigest>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct KnownDigest {
    stamp: Stamp,
    sha256: String,
}

impl KnownDigests {
    /// What was remembered in a file; nothing if it is not there or damaged, as everything can be read again.
    pub fn open(file: &Path) -> KnownDigests {
        let bytes = checkpoint::read(file, 16 << 20).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Writes them down; what cannot be written is only read again.
    pub fn save(&mut self, file: &Path) {
        let fresh = file.with_extension("writing");
        let written = File::create(&fresh).and_then(|created| {
            // What this disk takes for now.
            self.forget_fresh(created.metadata()?.modified()?);
            self.files.retain(|path, _| Path::new(path).is_file());
            while self.files.len() > REMEMBERED_MAX {
                self.files.pop_first();
            }
            serde_json::to_writer(&created, self)?;
            fs::rename(&fresh, file)
        });
        if let Err(error) = written {
            tracing::debug!(file = %file.display(), %error, "digests of checkpoints are not remembered");
        }
    }

    /// Forgets files that were written to so lately that it could happen again without a trace. `now` is the disk's.
    pub fn forget_fresh(&mut self, now: SystemTime) {
        self.files
            .retain(|_, known| SystemTime::UNIX_EPOCH + Duration::from_nanos(known.stamp.modified) + SETTLED < now);
    }

    /// Takes over what became of files by being linked to, which is no change of what is in them.
    pub fn accept_relinks(&mut self) {
        for (path, known) in &mut self.files {
            let Ok(found) = fs::metadata(path) else { continue };
            let now = Stamp::of(&found);
            if now == (Stamp { changed: now.changed, ..known.stamp.clone() }) {
                known.stamp = now;
            }
        }
    }

    fn find(&self, shard: &Shard) -> Option<String> {
        let known = self.files.get(&key(shard))?;
        let found = fs::metadata(&shard.path).ok()?;
        (known.stamp == Stamp::of(&found)).then(|| known.sha256.clone())
    }
}

fn key(shard: &Shard) -> String {
    fs::canonicalize(&shard.path).unwrap_or_else(|_| shard.path.clone()).to_string_lossy().into_owned()
}

/// What a checkpoint is known by.
pub struct FileIdentity {
    pub digest: String,
    /// Of each shard, by name.
    pub shards: BTreeMap<String, String>,
}

/// Reads what a build depends on. `known` saves reading weights, and is told of those that were read.
///
/// # Errors
/// `BuildError` when something cannot be read.
pub fn identify(
    folder: &Path,
    checkpoint: &Checkpoint,
    known: &mut KnownDigests,
    progress: &mut dyn FnMut(Progress),
) -> Result<FileIdentity, BuildError> {
    let mut hash = Sha256::new();
    let mut part = |name: &str, bytes: &[u8]| {
        for piece in [name.as_bytes(), bytes] {
            hash.update((piece.len() as u64).to_le_bytes());
            hash.update(piece);
        }
    };
    part("version", &VERSION.to_le_bytes());
    for name in COPIED {
        let path = folder.join(name);
        if REQUIRED.contains(&name) || path.is_file() {
            part(name, &checkpoint::read(&path, SMALL_BYTES_MAX)?);
        }
    }
    let mut shards = BTreeMap::new();
    let mut unknown = Vec::new();
    for shard in checkpoint.shards() {
        match known.find(shard) {
            Some(sha256) => drop(shards.insert(shard.name.clone(), sha256)),
            None => unknown.push(shard),
        }
    }
    for (shard, sha256, stamp) in read_whole(&unknown, progress)? {
        known.files.insert(key(shard), KnownDigest { stamp, sha256: sha256.clone() });
        shards.insert(shard.name.clone(), sha256);
    }
    for (name, sha256) in &shards {
        part(name, sha256.as_bytes());
    }
    Ok(FileIdentity { digest: hex::encode(hash.finalize()), shards })
}

/// The digest of each file, with what the file system said of it before it was read.
fn read_whole<'s>(
    shards: &[&'s Shard],
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<(&'s Shard, String, Stamp)>, BuildError> {
    let total = shards.iter().map(|shard| shard.bytes().len() as u64).sum();
    let threads = thread::available_parallelism().map_or(1, |count| count.get().min(THREADS_MAX)).min(shards.len());
    let (done, dones) = mpsc::channel();
    thread::scope(|scope| {
        let lane = |lane: usize| {
            let done = done.clone();
            scope.spawn(move || {
                let mine = shards.iter().skip(lane).step_by(threads);
                let tell = |bytes| {
                    let _ = done.send(bytes);
                };
                mine.map(|shard| digest_of(shard, &tell)).collect::<Result<Vec<_>, _>>()
            })
        };
        let lanes: Vec<_> = (0..threads).map(lane).collect();
        drop(done);
        let mut so_far = 0;
        for bytes in dones {
            so_far += bytes;
            progress(Progress { doing: "reading the checkpoint", done: so_far, total });
        }
        let mut all = Vec::new();
        for lane in lanes {
            all.extend(lane.join().expect("reading a file does not panic")?);
        }
        Ok(all)
    })
}

fn digest_of<'s>(shard: &'s Shard, done: &dyn Fn(u64)) -> Result<(&'s Shard, String, Stamp), BuildError> {
    let unreadable = |source| BuildError::Unreadable { file: shard.path.clone(), source };
    let stamp = Stamp::of(&fs::metadata(&shard.path).map_err(unreadable)?);
    let length = shard.bytes().len() as u64;
    let (mut hash, mut at, mut piece) = (Sha256::new(), 0, vec![0; PIECE.min(length as usize)]);
    while at < length {
        let count = (length - at).min(PIECE as u64) as usize;
        shard.read(at, &mut piece[..count])?;
        hash.update(&piece[..count]);
        at += count as u64;
        done(count as u64);
    }
    Ok((shard, hex::encode(hash.finalize()), stamp))
}

/// The digest of a file that is read whole.
///
/// # Errors
/// What reading it says.
pub fn of_file(file: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut open_regular(file)?, &mut hash)?;
    Ok(hex::encode(hash.finalize()))
}
