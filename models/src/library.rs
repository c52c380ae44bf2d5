//! Where ONNX Runtime's shared library comes from: a place that somebody named, an earlier fetch, an installed Python package,
//! or the package clients of this machine.
//!
//! What is fetched is pinned: its digest stands here, and is checked before anything is loaded, each time. What somebody
//! named or installed is theirs to answer for.

mod client;
mod cuda;
mod pin;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tapwright_contract::file::open_regular;

use client::{Attempt, attempts, extract, installed_library};
use pin::Pin;

pub use cuda::{CudaDownload, CudaError, CudaPackage, cuda_download, fetch_cuda};
pub use pin::VERSION;

pub(crate) use cuda::dependencies as cuda_dependencies;

/// Where to look, and how far to go.
#[derive(Clone, Debug)]
pub struct LibrarySearch {
    /// A library that somebody named. Then it is this one or none.
    pub named: Option<PathBuf>,
    /// Where fetched libraries are kept.
    pub cache: PathBuf,
    /// Whether to fetch it when it is nowhere on this machine.
    pub fetch: bool,
    /// How long one package client may take.
    pub within: Duration,
    /// Whether it has to be one for NVIDIA's cards.
    pub cuda: Cuda,
}

/// Whether the library set for NVIDIA's cards is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cuda {
    /// Never: another provider was asked for.
    Unwanted,
    /// It is taken if somebody has fetched it.
    IfThere,
    /// It is taken, or an installed one that may have it, before any other.
    Wanted,
}

/// A library, and how it was come by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLibrary {
    pub path: PathBuf,
    pub origin: Origin,
}

/// A library that would be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryDownload {
    pub version: &'static str,
    /// To fetch, about.
    pub megabytes: u32,
    /// The programs that are tried, one after the other.
    pub clients: Vec<&'static str>,
    /// Where it would be kept.
    pub target: PathBuf,
}

/// How a library was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Named,
    Cached,
    Installed,
    Fetched,
}

/// There is no library. The text says what was tried, and what a person can do.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// Mend the path.
    #[error("the ONNX Runtime library {} cannot be used: {why}", .path.display())]
    Named { path: PathBuf, why: String },
    /// Do what the text says.
    #[error("there is no ONNX Runtime on this machine\n{}{}", list(.tried), advice())]
    Nowhere {
        /// What was looked at or run, and what came of it.
        tried: Vec<(String, String)>,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Named => "named",
            Origin::Cached => "fetched before",
            Origin::Installed => "installed with Python",
            Origin::Fetched => "fetched just now",
        })
    }
}

/// Finds the library, or fetches it. `progress` gets a sentence when something takes time.
///
/// # Errors
/// `LibraryError` with all that was tried.
pub async fn find(search: &LibrarySearch, mut progress: impl FnMut(&str)) -> Result<FoundLibrary, LibraryError> {
    if let Some(path) = &search.named {
        return match fs::metadata(path) {
            Ok(found) if found.is_file() => Ok(FoundLibrary { path: path.clone(), origin: Origin::Named }),
            Ok(_) => Err(LibraryError::Named { path: path.clone(), why: "it is no file".to_owned() }),
            Err(error) => Err(LibraryError::Named { path: path.clone(), why: error.to_string() }),
        };
    }
    let mut tried = Vec::new();
    if search.cuda != Cuda::Unwanted {
        match cuda::cached_library(&search.cache) {
            Ok(path) => return Ok(FoundLibrary { path, origin: Origin::Cached }),
            Err(why) if search.cuda == Cuda::Wanted => tried.push(("the library set for CUDA".to_owned(), why)),
            Err(_) => {}
        }
    }
    // An installed package may be the one for CUDA; those that are fetched otherwise never are.
    if search.cuda == Cuda::Wanted
        && let Ok(path) = installed_library().await
    {
        return Ok(FoundLibrary { path, origin: Origin::Installed });
    }
    let pins = pin::for_this_machine();
    for pin in pins {
        let path = cached_path(&search.cache, pin);
        match check(&path, pin) {
            Ok(()) => return Ok(FoundLibrary { path, origin: Origin::Cached }),
            Err(why) => tried.push((path.display().to_string(), why)),
        }
    }
    match installed_library().await {
        Ok(path) => return Ok(FoundLibrary { path, origin: Origin::Installed }),
        Err(why) => tried.push(("an installed Python package".to_owned(), why)),
    }
    if !search.fetch {
        tried.push(("the package clients".to_owned(), "fetching was not asked for".to_owned()));
        return Err(LibraryError::Nowhere { tried });
    }
    if pins.is_empty() {
        let machine = format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH);
        tried.push(("the package clients".to_owned(), format!("no release for {machine} is known")));
    }
    for pin in pins {
        for attempt in attempts(pin) {
            progress(&format!(
                "getting ONNX Runtime {} (about {} MB, once) with {}",
                pin.version, pin.megabytes, attempt.client
            ));
            match fetch(&attempt, pin, search).await {
                Ok(path) => return Ok(FoundLibrary { path, origin: Origin::Fetched }),
                Err(why) => tried.push((attempt.client.to_owned(), why)),
            }
        }
    }
    Err(LibraryError::Nowhere { tried })
}

/// What would be fetched for this machine if nothing were there, and with which programs; `None` if no release is known for it.
pub fn planned_download(cache: &Path) -> Option<LibraryDownload> {
    let pin = pin::for_this_machine().first()?;
    // A client may be called in several ways.
    let mut clients: Vec<&str> = attempts(pin).iter().map(|attempt| attempt.client).collect();
    clients.dedup();
    Some(LibraryDownload { version: pin.version, megabytes: pin.megabytes, clients, target: cached_path(cache, pin) })
}

fn cached_path(cache: &Path, pin: &Pin) -> PathBuf {
    cache.join(format!("onnxruntime-{}", pin.version)).join(pin.file)
}

/// Runs a client in a folder of its own, takes the library out of what it brought, and puts it into the cache in one move.
async fn fetch(attempt: &Attempt, pin: &Pin, search: &LibrarySearch) -> Result<PathBuf, String> {
    let target = cached_path(&search.cache, pin);
    let folder = target.parent().expect("it has a name of its own");
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| format!("{what}: {error}")
    };
    fs::create_dir_all(folder).map_err(failed("cannot make the cache's folder"))?;
    let workshop = Workshop::new(folder).map_err(failed("cannot make a folder to work in"))?;
    let brought = attempt.run(pin, &workshop.0, search.within).await?;
    let fresh = workshop.0.join("library");
    // Reading, writing and hashing some thirty megabytes blocks; that is done where it may.
    let (from, to, size_max) = (brought, fresh.clone(), pin.bytes_max());
    tokio::task::spawn_blocking(move || extract(&from, &to, size_max))
        .await
        .map_err(|_| "unpacking stopped".to_owned())??;
    check(&fresh, pin)?;
    fs::rename(&fresh, &target).map_err(failed("cannot put it into the cache"))?;
    Ok(target)
}

/// Whether a file is the one that is pinned.
fn check(path: &Path, pin: &Pin) -> Result<(), String> {
    check_digest(path, pin.sha256)
}

/// Whether a file has a digest.
fn check_digest(path: &Path, sha256: &str) -> Result<(), String> {
    let mut file = open_regular(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "it is not there".to_owned(),
        _ => error.to_string(),
    })?;
    let mut hash = Sha256::new();
    std::io::copy(&mut file, &mut hash).map_err(|error| error.to_string())?;
    let found = hex::encode(hash.finalize());
    if found == sha256 { Ok(()) } else { Err(format!("its SHA-256 is {found}, and {sha256} is expected")) }
}

/// A folder that goes away.
struct Workshop(PathBuf);

impl Workshop {
    fn new(beside: &Path) -> std::io::Result<Workshop> {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = beside.join(format!(".fetching-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Workshop(folder))
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn list(tried: &[(String, String)]) -> String {
    tried.iter().map(|(what, why)| format!("  tried {what}: {why}\n")).collect()
}

fn advice() -> String {
    format!(
        "install it with `pip install onnxruntime=={VERSION}`, or set ORT_DYLIB_PATH to a library of version 1.{} or newer",
        pin::MINOR_MIN
    )
}

/// For tests: the library if it is on this machine, or a word on stderr that what needs it is skipped.
#[cfg(test)]
pub(crate) fn for_tests() -> Option<PathBuf> {
    use std::io::{self, Write};

    #[allow(clippy::disallowed_methods)] // A test has no command line.
    let set = |name: &str| std::env::var(name).ok().map(PathBuf::from);
    // Where the command line keeps what it fetched.
    let home = |below: &str| set("HOME").map(|home| home.join(below));
    let cache = match std::env::consts::OS {
        "windows" => set("LOCALAPPDATA"),
        "macos" => home("Library/Caches"),
        _ => set("XDG_CACHE_HOME").or_else(|| home(".cache")),
    };
    let search = LibrarySearch {
        named: set("ORT_DYLIB_PATH"),
        cache: cache.unwrap_or_default().join("tapwright"),
        fetch: false,
        within: Duration::from_secs(10),
        cuda: Cuda::Unwanted,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match runtime.block_on(find(&search, |_| ())) {
        Ok(found) => Some(found.path),
        Err(error) => {
            // Not by `eprintln`, which tests keep to themselves when they pass.
            let _ = writeln!(io::stderr(), "SKIPPED, as it needs ONNX Runtime: {error}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn find_library(named: Option<PathBuf>, cache: &Path) -> Result<FoundLibrary, LibraryError> {
        let within = Duration::from_secs(5);
        let search = LibrarySearch { named, cache: cache.to_owned(), fetch: false, within, cuda: Cuda::IfThere };
        find(&search, |_| ()).await
    }

    #[tokio::test]
    async fn a_named_library_is_taken_or_refused_and_nothing_else_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lib.so");
        let error = find_library(Some(path.clone()), folder.path()).await.unwrap_err();
        assert!(error.to_string().contains("lib.so"), "{error}");
        fs::write(&path, "x").unwrap();
        assert_eq!(
            find_library(Some(path.clone()), folder.path()).await.unwrap(),
            FoundLibrary { path, origin: Origin::Named }
        );
    }

    #[tokio::test]
    async fn a_cached_file_that_is_not_what_was_fetched_is_not_loaded() {
        let folder = tempfile::tempdir().unwrap();
        for pin in pin::for_this_machine() {
            let path = cached_path(folder.path(), pin);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "not a library").unwrap();
        }
        match find_library(None, folder.path()).await {
            Ok(found) => assert_eq!(found.origin, Origin::Installed),
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("SHA-256") && text.contains("pip install onnxruntime=="), "{text}");
            }
        }
    }

    /// Run by hand, with `--ignored`: all clients that are installed, and all that is pinned for this machine.
    #[tokio::test]
    #[ignore = "uses the network"]
    async fn every_client_brings_what_is_pinned() {
        let mut fetched = 0;
        for pin in pin::for_this_machine() {
            for attempt in attempts(pin) {
                let cache = tempfile::tempdir().unwrap();
                let within = Duration::from_secs(300);
                let search = LibrarySearch {
                    named: None,
                    cache: cache.path().to_owned(),
                    fetch: true,
                    within,
                    cuda: Cuda::Unwanted,
                };
                match fetch(&attempt, pin, &search).await {
                    Ok(path) => {
                        eprintln!("{} brought {}", attempt.client, path.display());
                        assert_eq!(check(&path, pin), Ok(()));
                        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left over");
                        fetched += 1;
                    }
                    Err(why) => assert!(why.contains("is not installed"), "{}: {why}", attempt.client),
                }
            }
        }
        assert!(fetched > 0, "no client is installed");
    }
}
