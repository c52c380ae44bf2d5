//! Fetches the files that tasks name by their addresses into a folder, called as upstream's cache calls them.
//!
//! What broke off goes on where it was. A file gets its name only when it is whole and is not the message of an error, and its digest
//! is kept in the folder, so that it is known again.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use reqwest::{Client, Response, StatusCode, Url};
use sha2::{Digest as _, Sha256};
use tapwright_drivers::osworld::machine::FILE_BYTES_MAX;

use super::assets::{SUMS, WantedAsset, is_web_page, read_sums};
use crate::origin::write_atomically;

/// What Git keeps in place of a large file begins so.
const POINTER: &[u8] = b"version https://git-lfs";

/// Where files come from, and where they go.
#[derive(Clone, Debug)]
pub struct AssetDownload {
    pub folder: PathBuf,
    /// What stands in place of the beginning of each address, up to its path.
    pub mirror: Option<String>,
    /// How long a server may be silent.
    pub silence: Duration,
    /// How often a file is tried, each time from where the last try broke off.
    pub tries: u32,
}

/// What came of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// It was there.
    Here,
    Done {
        bytes: u64,
    },
    Failed {
        why: String,
    },
}

/// What is told while files are fetched.
#[derive(Clone, Copy, Debug)]
pub enum DownloadProgress<'a> {
    /// How long the file is, if the server says it.
    Begun {
        name: &'a str,
        bytes: Option<u64>,
    },
    /// Further bytes of it.
    Bytes(u64),
    Ended {
        asset: &'a WantedAsset,
        came: &'a Fetched,
    },
}

/// Why a try was no success.
enum TryError {
    /// Another try may go on.
    Broken(String),
    /// No try will help.
    Refused(String),
}

impl AssetDownload {
    /// Fetches what is not there yet. What is there is looked at: its digest is noted, or is compared with the one that was.
    ///
    /// # Errors
    /// If the folder, or its list of digests, cannot be read or written. What is wrong with a single file is told of that file.
    pub async fn fetch(
        &self,
        assets: &[WantedAsset],
        mut tell: impl FnMut(DownloadProgress<'_>),
    ) -> io::Result<BTreeMap<String, Fetched>> {
        fs::create_dir_all(&self.folder)?;
        let mut sums = match fs::read_to_string(self.folder.join(SUMS)) {
            Ok(text) => read_sums(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        let client = Client::builder().read_timeout(self.silence).connect_timeout(self.silence).build();
        let client = client.map_err(io::Error::other)?;
        let mut all = BTreeMap::new();
        // The same file under another name, of another task.
        let mut by_url: BTreeMap<&str, PathBuf> = BTreeMap::new();
        for asset in assets.iter().filter(|asset| !asset.name.is_empty()) {
            if all.contains_key(&asset.name) {
                continue;
            }
            let came = match self.one(&client, asset, &by_url, &mut sums, &mut tell).await {
                Ok(came) => came,
                Err(why) => Fetched::Failed { why },
            };
            if let Fetched::Done { .. } | Fetched::Here = came {
                by_url.insert(&asset.url, self.folder.join(&asset.name));
            }
            if let Fetched::Done { .. } = came {
                let lines: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
                write_atomically(&self.folder, SUMS, &lines)?;
            }
            tell(DownloadProgress::Ended { asset, came: &came });
            all.insert(asset.name.clone(), came);
        }
        let lines: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
        write_atomically(&self.folder, SUMS, &lines)?;
        Ok(all)
    }

    async fn one(
        &self,
        client: &Client,
        asset: &WantedAsset,
        by_url: &BTreeMap<&str, PathBuf>,
        sums: &mut BTreeMap<String, String>,
        tell: &mut impl FnMut(DownloadProgress<'_>),
    ) -> Result<Fetched, String> {
        let (task, file) = asset.name.split_once('/').ok_or("its name has no folder")?;
        // What a task calls a file is no way out of the folder.
        if [task, file].iter().any(|part| part.starts_with('.') || part.contains(['/', '\\', '\0']) || part.is_empty())
        {
            return Err(format!("{:?} is no name of a file", asset.name));
        }
        let target = self.folder.join(task).join(file);
        let known = sums.get(&asset.name).cloned();
        let unwritten = |error: io::Error| format!("{}: {error}", target.display());
        if target.is_file() {
            let digest = checked(&target, &asset.name)?;
            return match known {
                Some(known) if known != digest => {
                    Err(format!("{} is not what {SUMS} says; take it away to fetch it anew", target.display()))
                }
                _ => {
                    sums.insert(asset.name.clone(), digest);
                    Ok(Fetched::Here)
                }
            };
        }
        fs::create_dir_all(self.folder.join(task)).map_err(unwritten)?;
        let part = self.folder.join(task).join(format!("{file}.part"));
        match by_url.get(asset.url.as_str()) {
            Some(same) => drop(fs::copy(same, &part).map_err(unwritten)?),
            None => self.download(client, asset, &part, tell).await?,
        }
        let digest = checked(&part, &asset.name).inspect_err(|_| drop(fs::remove_file(&part)))?;
        if known.as_ref().is_some_and(|known| *known != digest) {
            let _ = fs::remove_file(&part);
            return Err(format!("{} is not what {SUMS} says it is: its digest is {digest}", self.address(asset)?));
        }
        let bytes = fs::metadata(&part).map_err(unwritten)?.len();
        fs::rename(&part, &target).map_err(unwritten)?;
        sums.insert(asset.name.clone(), digest);
        Ok(Fetched::Done { bytes })
    }

    /// The address that is asked.
    fn address(&self, asset: &WantedAsset) -> Result<Url, String> {
        let wrong = |error| format!("{} is no address: {error}", asset.url);
        let url = Url::parse(&asset.url).map_err(wrong)?;
        let Some(mirror) = &self.mirror else { return Ok(url) };
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        Url::parse(&format!("{}{}{query}", mirror.trim_end_matches('/'), url.path())).map_err(wrong)
    }

    async fn download(
        &self,
        client: &Client,
        asset: &WantedAsset,
        part: &Path,
        tell: &mut impl FnMut(DownloadProgress<'_>),
    ) -> Result<(), String> {
        let url = self.address(asset)?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(format!("{url} is not of the web"));
        }
        let mut why = String::new();
        for _ in 0..self.tries.max(1) {
            match self.attempt(client, &url, &asset.name, part, tell).await {
                Ok(()) => return Ok(()),
                Err(TryError::Broken(broken)) => why = broken,
                Err(TryError::Refused(refused)) => return Err(refused),
            }
        }
        Err(format!("{why}; what came of it is kept, and another try goes on from there"))
    }

    /// One request, from where the last broke off.
    async fn attempt(
        &self,
        client: &Client,
        url: &Url,
        name: &str,
        part: &Path,
        tell: &mut impl FnMut(DownloadProgress<'_>),
    ) -> Result<(), TryError> {
        let broken = |error: &dyn std::fmt::Display| TryError::Broken(format!("{url}: {error}"));
        let unwritten = |error: io::Error| TryError::Refused(format!("{}: {error}", part.display()));
        let here = fs::metadata(part).map_or(0, |file| file.len());
        let mut request = client.get(url.clone());
        if here > 0 {
            request = request.header(RANGE, format!("bytes={here}-"));
        }
        let mut response = request.send().await.map_err(|error| broken(&error.without_url()))?;
        let from = match response.status() {
            StatusCode::PARTIAL_CONTENT if goes_on(&response, here) => here,
            StatusCode::OK => 0,
            // What is here is longer than the file, or another part came than was asked for.
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT => {
                fs::remove_file(part).map_err(unwritten)?;
                return Err(broken(&"the server does not go on from where it broke off"));
            }
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(broken(&status));
            }
            status => return Err(TryError::Refused(format!("{url}: {status}"))),
        };
        let rest = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let whole = rest.map(|rest| from.saturating_add(rest));
        let too_large = || TryError::Refused(format!("{url} is larger than {FILE_BYTES_MAX} bytes"));
        if whole.is_some_and(|whole| whole > FILE_BYTES_MAX) {
            return Err(too_large());
        }
        tell(DownloadProgress::Begun { name, bytes: whole });
        tell(DownloadProgress::Bytes(from));
        let mut options = OpenOptions::new();
        let mut file =
            options.create(true).write(true).append(from > 0).truncate(from == 0).open(part).map_err(unwritten)?;
        let mut written = from;
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error.without_url()))? {
            written += chunk.len() as u64;
            if written > FILE_BYTES_MAX {
                drop(file);
                let _ = fs::remove_file(part);
                return Err(too_large());
            }
            file.write_all(&chunk).map_err(unwritten)?;
            tell(DownloadProgress::Bytes(chunk.len() as u64));
        }
        file.sync_all().map_err(unwritten)?;
        match whole {
            Some(whole) if whole != written => Err(broken(&format!("it broke off after {written} of {whole} bytes"))),
            _ => Ok(()),
        }
    }
}

/// Whether a server goes on from the byte that it was asked for.
fn goes_on(response: &Response, from: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse::<u64>().ok()) == Some(from)
}

/// The digest of a file that may be one.
fn checked(path: &Path, name: &str) -> Result<String, String> {
    let unreadable = |error: io::Error| format!("{}: {error}", path.display());
    let mut file = File::open(path).map_err(unreadable)?;
    let (mut hash, mut begin, mut piece) = (Sha256::new(), Vec::new(), vec![0; 1 << 16]);
    loop {
        let count = file.read(&mut piece).map_err(unreadable)?;
        if count == 0 {
            break;
        }
        hash.update(&piece[..count]);
        if begin.len() < 64 {
            begin.extend_from_slice(&piece[..count.min(64)]);
        }
    }
    if begin.is_empty() {
        return Err(format!("{name}: what came is empty, and not the file"));
    }
    if is_web_page(&begin, name) {
        return Err(format!("{name}: a web page came in place of the file: the message of an error, or of a proxy"));
    }
    if begin.starts_with(POINTER) {
        return Err(format!("{name}: what came is Git's pointer to the file, and not the file"));
    }
    Ok(hex::encode(hash.finalize()))
}

#[cfg(test)]
mod tests;
