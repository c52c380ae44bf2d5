//! Files and pictures of folders that somebody sent: which of them are read, and how much of a picture.

use std::fs;
use std::io::{self, BufReader};
use std::path::{Component, Path, PathBuf};

use image::{DynamicImage, ImageReader, Limits};
use tapwright_contract::file;

use super::OfflineError;

/// More files than any set is in.
const FILES_MAX: usize = 1_000_000;
/// Before the text of a file that was written on Windows.
pub const BYTE_ORDER_MARK: char = '\u{feff}';
/// Of a picture, once it is unpacked.
const PICTURE_ALLOC_MAX: u64 = 512 << 20;

/// Whether a path leads to something below the folder that it is in, and nowhere else.
pub fn is_below(path: &Path) -> bool {
    let mut parts = path.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// The regular files of a folder in the order of their names, without those that are hidden.
///
/// # Errors
/// `OfflineError` if the folder cannot be read.
pub fn files_in(folder: &Path) -> Result<Vec<PathBuf>, OfflineError> {
    entries(folder, Path::is_file)
}

/// The folders in a folder in the order of their names, without those that are hidden.
///
/// # Errors
/// `OfflineError` if the folder cannot be read.
pub fn folders_in(folder: &Path) -> Result<Vec<PathBuf>, OfflineError> {
    entries(folder, Path::is_dir)
}

fn entries(folder: &Path, is_wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, OfflineError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(OfflineError::file(folder))? {
        let entry = entry.map_err(OfflineError::file(folder))?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !is_hidden && is_wanted(&entry.path()) {
            found.push(entry.path());
        }
        if found.len() > FILES_MAX {
            let why = format!("there are more than {FILES_MAX} files in it");
            return Err(OfflineError::Content { at: folder.to_owned(), why });
        }
    }
    found.sort();
    Ok(found)
}

/// A text, without the mark that some editors put before its first letter.
///
/// # Errors
/// As [`file::read_text`].
pub fn read_text(at: &Path, bytes_max: u64) -> io::Result<String> {
    let text = file::read_text(at, bytes_max)?;
    Ok(match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// A picture in a usual format, whole.
///
/// # Errors
/// If it is no regular file, no picture, or takes too much memory.
pub fn read_picture(at: &Path) -> io::Result<DynamicImage> {
    open_picture(at)?.decode().map_err(io::Error::other)
}

/// The width and height of a picture in a usual format.
///
/// # Errors
/// What is wrong, if it is not there, or is no picture.
pub fn picture_size(at: &Path) -> Result<[f64; 2], String> {
    let wrong = |why: String| format!("{}: {why}", at.display());
    let reader = open_picture(at).map_err(|error| wrong(error.to_string()))?;
    let (width, height) = reader.into_dimensions().map_err(|error| wrong(format!("it is no picture: {error}")))?;
    if width == 0 || height == 0 {
        return Err(wrong("it has no pixel".to_owned()));
    }
    Ok([f64::from(width), f64::from(height)])
}

fn open_picture(at: &Path) -> io::Result<ImageReader<BufReader<fs::File>>> {
    let mut reader = ImageReader::new(BufReader::new(file::open_regular(at)?)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(PICTURE_ALLOC_MAX);
    reader.limits(limits);
    Ok(reader)
}
