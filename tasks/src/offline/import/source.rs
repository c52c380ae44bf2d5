//! Which of a folder's files are read.

use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use image::ImageReader;
use tapwright_contract::file;

use super::super::OfflineError;
use super::tfrecord::is_record_file;

/// More files than any set is in.
const FILES_MAX: usize = 1_000_000;

/// The files of examples among these, and in the folders among them, by their names.
///
/// # Errors
/// `OfflineError` if there is none, or a file that is named is none.
pub fn record_files(from: &[PathBuf]) -> Result<Vec<PathBuf>, OfflineError> {
    let mut files = Vec::new();
    for at in from {
        if at.is_dir() {
            for file in files_in(at)? {
                if is_record_file(&file).map_err(OfflineError::file(&file))? {
                    files.push(file);
                }
            }
        } else if is_record_file(at).map_err(OfflineError::file(at))? {
            files.push(at.clone());
        } else {
            return Err(OfflineError::Content { at: at.clone(), why: "it is no TFRecord file".to_owned() });
        }
    }
    match from {
        [at, ..] if files.is_empty() => {
            Err(OfflineError::Content { at: at.clone(), why: "there is no TFRecord file in it".to_owned() })
        }
        _ => Ok(files),
    }
}

/// The files of GUI-Odyssey's episodes among these: all that are named, and of folders those in JSON; `annotations` in the folder of the whole set.
///
/// # Errors
/// `OfflineError` if a folder cannot be read.
pub fn annotation_files(from: &[PathBuf]) -> Result<Vec<PathBuf>, OfflineError> {
    let mut files = Vec::new();
    for at in from {
        if !at.is_dir() {
            files.push(at.clone());
            continue;
        }
        let within = at.join("annotations");
        let found = files_in(if within.is_dir() { &within } else { at })?;
        files.extend(found.into_iter().filter(|file| file.extension().is_some_and(|name| name == "json")));
    }
    Ok(files)
}

/// The width and height of a picture in a usual format.
///
/// # Errors
/// What is wrong, if it is not there, or is no picture.
pub fn picture_size(at: &Path) -> Result<[f64; 2], String> {
    let wrong = |why: String| format!("{}: {why}", at.display());
    let file = file::open_regular(at).map_err(|error| wrong(error.to_string()))?;
    let reader =
        ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(|error| wrong(error.to_string()))?;
    let (width, height) = reader.into_dimensions().map_err(|error| wrong(format!("it is no picture: {error}")))?;
    if width == 0 || height == 0 {
        return Err(wrong("it has no pixel".to_owned()));
    }
    Ok([f64::from(width), f64::from(height)])
}

/// The regular files of a folder in the order of their names, without those that are hidden.
pub fn files_in(folder: &Path) -> Result<Vec<PathBuf>, OfflineError> {
    entries(folder, Path::is_file)
}

/// The folders in a folder.
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
