//! Files that tasks name by their addresses, in a folder that the user has; they are fetched in [`super::download`].
//!
//! They are called as upstream's cache calls them, so that the two can share a folder: `TASK/UUID_NAME` for set-up, where the UUID is of
//! version 5 and of the address, and `TASK/DEST` for scoring. A file `SHA256SUMS` in the folder says what they have to be.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use tapwright_drivers::osworld::machine::FILE_BYTES_MAX;
use tapwright_osworld::task::OsworldTask;

/// What digests are called in the folder, as `sha256sum` writes them.
pub const SUMS: &str = "SHA256SUMS";
/// No list of digests is longer.
const SUMS_BYTES_MAX: u64 = 16 << 20;
/// The name space of addresses, for UUIDs of version 5 (RFC 4122).
const URL_SPACE: [u8; 16] =
    [0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];

/// The folder, and what is known of its files.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    folder: Option<PathBuf>,
    /// By path below the folder.
    sums: BTreeMap<String, String>,
}

/// A file that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    #[error("the task needs {url}, which has to be in a folder of yours: --assets FOLDER")]
    NoFolder { url: String },
    #[error("{} is not there, which the task needs from {url}", .at.display())]
    Missing { at: PathBuf, url: String },
    #[error("{} is not what {SUMS} says it is", .at.display())]
    Changed { at: PathBuf },
    #[error("{} is a web page and not the file that the task needs: what was fetched is an error message", .at.display())]
    Page { at: PathBuf },
    #[error("{} is empty and not the file that the task needs: take it away, and fetch it again", .at.display())]
    Empty { at: PathBuf },
    #[error("{} cannot be read: {source}", .at.display())]
    Unreadable { at: PathBuf, source: io::Error },
    #[error("{} is larger than {FILE_BYTES_MAX} bytes", .at.display())]
    TooLarge { at: PathBuf },
}

/// The name that upstream's cache has for a file of set-up.
pub fn cache_name(url: &str, path: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(URL_SPACE);
    hash.update(url);
    let mut uuid: [u8; 16] = hash.finalize()[..16].try_into().expect("SHA-1 has 20 bytes");
    uuid[6] = uuid[6] & 0x0f | 0x50;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    let hex = hex::encode(uuid);
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    format!("{}_{}", parts.join("-"), path.rsplit('/').next().unwrap_or_default())
}

/// Digests by path, as `sha256sum` writes them.
pub fn read_sums(text: &str) -> BTreeMap<String, String> {
    let line = |line: &str| {
        let (sum, name) = line.split_once(char::is_whitespace)?;
        let name = name.trim_start().trim_start_matches('*').trim_start_matches("./");
        Some((name.to_owned(), sum.to_lowercase()))
    };
    text.lines().filter_map(line).collect()
}

/// Whether a file that is no page begins as one: what was fetched is the message of an error then.
pub fn is_web_page(content: &[u8], name: &str) -> bool {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let begin = content[..content.len().min(64)].to_ascii_lowercase();
    let begin = begin.trim_ascii_start();
    let is_page = begin.starts_with(b"<!doctype html") || begin.starts_with(b"<html");
    is_page && ![".html", ".htm"].iter().any(|end| name.to_lowercase().ends_with(end))
}

impl Assets {
    /// The files of a folder.
    ///
    /// # Errors
    /// `AssetError` if its list of digests cannot be read.
    pub fn open(folder: &Path) -> Result<Assets, AssetError> {
        let at = folder.join(SUMS);
        let unreadable = |source| AssetError::Unreadable { at: at.clone(), source };
        let mut text = String::new();
        match fs::File::open(&at) {
            Ok(file) => {
                file.take(SUMS_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(error)),
        }
        Ok(Assets { folder: Some(folder.to_owned()), sums: read_sums(&text) })
    }

    /// Where a file is looked for, the first place first.
    fn places(&self, task: &str, url: &str, path: &str) -> Vec<PathBuf> {
        let Some(folder) = &self.folder else { return Vec::new() };
        let name = path.rsplit('/').next().unwrap_or_default();
        let cached = cache_name(url, path);
        // What a task calls a file is no way out of the folder.
        let is_plain =
            |name: &str| !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0']);
        let names = [cached.as_str(), name].into_iter().filter(|name| is_plain(name));
        names.flat_map(|name| [folder.join(task).join(name), folder.join(name)]).collect()
    }

    /// Whether a file is there.
    pub fn has(&self, task: &str, url: &str, path: &str) -> bool {
        self.places(task, url, path).iter().any(|place| place.is_file())
    }

    /// A file's content. `path` is where the task wants it, which names it.
    ///
    /// # Errors
    /// `AssetError` if it is not there, or not what it has to be.
    pub fn read(&self, task: &str, url: &str, path: &str) -> Result<Vec<u8>, AssetError> {
        let places = self.places(task, url, path);
        let Some(first) = places.first() else { return Err(AssetError::NoFolder { url: url.to_owned() }) };
        let Some(at) = places.iter().find(|place| place.is_file()) else {
            return Err(AssetError::Missing { at: first.clone(), url: url.to_owned() });
        };
        let mut content = Vec::new();
        let file = fs::File::open(at).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut content));
        file.map_err(|source| AssetError::Unreadable { at: at.clone(), source })?;
        if content.len() as u64 > FILE_BYTES_MAX {
            return Err(AssetError::TooLarge { at: at.clone() });
        }
        if content.is_empty() {
            return Err(AssetError::Empty { at: at.clone() });
        }
        let inside = self.folder.as_ref().and_then(|folder| at.strip_prefix(folder).ok());
        let sum = inside.and_then(|inside| self.sums.get(&*inside.to_string_lossy()));
        if sum.is_some_and(|sum| *sum != hex::encode(Sha256::digest(&content))) {
            return Err(AssetError::Changed { at: at.clone() });
        }
        if sum.is_none() && is_web_page(&content, path) {
            return Err(AssetError::Page { at: at.clone() });
        }
        Ok(content)
    }

    /// Looks whether a file is there, and what it has to be.
    ///
    /// # Errors
    /// As [`Assets::read`].
    pub fn verify(&self, asset: &WantedAsset) -> Result<(), AssetError> {
        self.read(&asset.task, &asset.url, &asset.path).map(drop)
    }

    /// The addresses of the files that a task needs and that are not here.
    pub fn missing(&self, task: &OsworldTask) -> Vec<String> {
        let is_missing = |asset: &WantedAsset| !self.has(&asset.task, &asset.url, &asset.path);
        wanted_assets(task).into_iter().filter(is_missing).map(|asset| asset.url).collect()
    }
}

/// A file that a task names by its address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WantedAsset {
    /// The task's id.
    pub task: String,
    pub url: String,
    /// Where the task wants it.
    path: String,
    /// What it is called in the folder of files.
    pub name: String,
}

/// The files that a task names by their addresses, those of set-up first.
pub fn wanted_assets(task: &OsworldTask) -> Vec<WantedAsset> {
    let pair = |url: Option<&str>, path: Option<&str>| Some((url?.to_owned(), path?.to_owned()));
    let steps = task.setup.iter().chain(&task.evaluator.before).filter(|step| step.verb == "download");
    let files = steps.flat_map(|step| step.parameters["files"].as_array().into_iter().flatten());
    let of_setup = files.filter_map(|file| pair(file["url"].as_str(), file["path"].as_str()));
    let mut found: Vec<WantedAsset> = of_setup
        .map(|(url, path)| {
            let name = format!("{}/{}", task.id, cache_name(&url, &path));
            WantedAsset { task: task.id.clone(), url, path, name }
        })
        .collect();
    let getters = task.evaluator.checks.iter().flat_map(|check| check.result.iter().chain(&check.expected));
    for getter in getters.filter(|getter| getter.name == "cloud_file") {
        let listed = |key: &str| match &getter.parameters[key] {
            serde_json::Value::Array(items) => {
                items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
            }
            item => item.as_str().map(str::to_owned).into_iter().collect::<Vec<_>>(),
        };
        let pairs = listed("path").into_iter().zip(listed("dest"));
        found.extend(pairs.map(|(url, path)| {
            let name = format!("{}/{}", task.id, path.rsplit('/').next().unwrap_or_default());
            WantedAsset { task: task.id.clone(), url, path, name }
        }));
    }
    found
}

/// Where a task wants a file that it names by its address; the address itself if it does not say.
pub fn destination<'a>(task: &'a OsworldTask, url: &'a str) -> String {
    wanted_assets(task).into_iter().find(|known| known.url == url).map_or_else(|| url.to_owned(), |known| known.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_as_upstreams_cache_calls_them() {
        // Python: uuid.uuid5(uuid.NAMESPACE_URL, "https://example.org/a.xlsx")
        assert_eq!(
            cache_name("https://example.org/a.xlsx", "/home/user/b.xlsx"),
            "27f7583a-3ca3-5277-8a7b-65906c588507_b.xlsx"
        );
    }

    #[test]
    fn what_is_not_there_or_not_right_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let url = "https://example.org/a.txt";
        let read = |assets: &Assets| assets.read("task", url, "/home/user/a.txt").map_err(|error| error.to_string());
        assert!(read(&Assets::default()).unwrap_err().contains("--assets"));
        let assets = Assets::open(folder.path()).unwrap();
        assert!(read(&assets).unwrap_err().contains("is not there"));
        let at = folder.path().join("task").join(cache_name(url, "a.txt"));
        fs::create_dir(folder.path().join("task")).unwrap();
        fs::write(&at, "right").unwrap();
        assert_eq!(read(&assets).unwrap(), b"right");
        let name = at.strip_prefix(folder.path()).unwrap().display().to_string();
        fs::write(folder.path().join(SUMS), format!("{}  {name}\n", hex::encode(Sha256::digest("right")))).unwrap();
        let assets = Assets::open(folder.path()).unwrap();
        assert_eq!(read(&assets).unwrap(), b"right");
        fs::write(&at, "wrong").unwrap();
        assert!(read(&assets).unwrap_err().contains(SUMS));
        fs::remove_file(folder.path().join(SUMS)).unwrap();
        for page in ["<!DOCTYPE html><html>404", "\u{feff}<html>404"] {
            fs::write(&at, page).unwrap();
            assert!(read(&Assets::open(folder.path()).unwrap()).unwrap_err().contains("web page"), "{page}");
        }
        fs::write(&at, "").unwrap();
        assert!(read(&Assets::open(folder.path()).unwrap()).unwrap_err().contains("is empty"));
        assert!(assets.read("task", url, "..").is_err());
    }
}
