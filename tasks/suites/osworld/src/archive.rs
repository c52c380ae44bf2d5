//! Files of a task set, out of a folder or an archive (`.tar.gz`), with bounds.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The largest task of upstream has 15 KB.
pub const FILE_BYTES_MAX: u64 = 1 << 20;
const ARCHIVE_BYTES_MAX: u64 = 256 << 20;
const FILES_MAX: usize = 20_000;
const DEPTH_MAX: usize = 6;

/// All JSON files below a folder or in an archive, by their paths with `/`.
///
/// # Errors
/// If something cannot be read, or there is too much of it.
pub fn json_files(path: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    if path.is_dir() {
        let mut files = BTreeMap::new();
        walk(path, "", 0, &mut files)?;
        return Ok(files);
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !name.ends_with(".tar.gz") && !name.ends_with(".tgz") {
        return Err(io::Error::other("it is neither a folder nor a .tar.gz archive"));
    }
    // Opening a pipe waits for whoever writes to it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let reader = flate2::read::GzDecoder::new(io::BufReader::new(File::open(path)?));
    tar_files(reader.take(ARCHIVE_BYTES_MAX + 1))
}

fn walk(folder: &Path, prefix: &str, depth: usize, files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    if depth > DEPTH_MAX {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = entry.file_type()?;
        let path = format!("{prefix}{name}");
        if kind.is_dir() && !name.starts_with('.') {
            walk(&entry.path(), &format!("{path}/"), depth + 1, files)?;
        } else if kind.is_file() && name.ends_with(".json") {
            let mut bytes = Vec::new();
            File::open(entry.path())?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
            keep(files, path, bytes)?;
        }
    }
    Ok(())
}

fn keep(files: &mut BTreeMap<String, Vec<u8>>, path: String, bytes: Vec<u8>) -> io::Result<()> {
    if files.len() >= FILES_MAX {
        return Err(io::Error::other(format!("it has more than {FILES_MAX} JSON files")));
    }
    files.insert(path, bytes);
    Ok(())
}

const BLOCK: usize = 512;

/// Files of a POSIX archive. Links and everything else that is no plain file are passed over.
fn tar_files(mut archive: impl Read) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut long_name = None;
    let mut total = 0;
    loop {
        let mut header = [0; BLOCK];
        let mut read = 0;
        while read < BLOCK {
            match archive.read(&mut header[read..])? {
                0 if read == 0 => return Ok(files),
                0 => return Err(io::Error::other("the archive is cut off")),
                more => read += more,
            }
        }
        if header.iter().all(|byte| *byte == 0) {
            return Ok(files);
        }
        let size = octal(&header[124..136]).ok_or_else(|| io::Error::other("it is no tar archive"))?;
        total += size;
        if total > ARCHIVE_BYTES_MAX {
            return Err(io::Error::other(format!("it has more than {ARCHIVE_BYTES_MAX} bytes")));
        }
        let path = long_name.take().unwrap_or_else(|| {
            let prefix = if &header[257..262] == b"ustar" { text(&header[345..500]) } else { String::new() };
            let name = text(&header[..100]);
            if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
        });
        let kept = match header[156] {
            b'L' => FILE_BYTES_MAX,
            b'0' | 0 if path.ends_with(".json") => FILE_BYTES_MAX + 1,
            _ => 0,
        };
        let mut bytes = Vec::new();
        archive.by_ref().take(size.min(kept)).read_to_end(&mut bytes)?;
        let padded = size.div_ceil(BLOCK as u64) * BLOCK as u64 - bytes.len() as u64;
        let passed = io::copy(&mut archive.by_ref().take(padded), &mut io::sink())?;
        if passed < padded {
            return Err(io::Error::other("the archive is cut off"));
        }
        match header[156] {
            b'L' => long_name = Some(text(&bytes)),
            b'0' | 0 if path.ends_with(".json") => keep(&mut files, path.trim_start_matches("./").to_owned(), bytes)?,
            _ => {}
        }
    }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn octal(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?.trim_matches(['\0', ' ']);
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}
