//! Which set a file or folder is of, by what is in it; and which of a folder's files are read.

use std::fs;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use image::ImageReader;
use tapwright_contract::file;

use super::super::{OfflineError, traces};
use super::example::Example;
use super::tfrecord::{RecordReader, is_record_file};
use super::{SetFormat, aitw, android_control, gui_odyssey};

/// More files than any set is in.
const FILES_MAX: usize = 1_000_000;
/// Of a JSON file, to see whether it is a list or an object.
const START_BYTES: u64 = 4096;

/// Which set's these are.
///
/// # Errors
/// `OfflineError` if they are of none that is known.
pub fn recognize(from: &[PathBuf]) -> Result<SetFormat, OfflineError> {
    let at = from.first().ok_or_else(|| OfflineError::Unfit("name a file".to_owned()))?;
    if !at.is_dir() && starts_list(at)? {
        return Ok(SetFormat::ScreenSpot);
    }
    if at.is_dir() && traces::trace_folders(at).is_ok() {
        return Ok(SetFormat::AndroidLab);
    }
    match record_files(from) {
        Ok(files) => return recognize_records(&files[0]),
        Err(OfflineError::Content { .. }) => {}
        Err(error) => return Err(error),
    }
    match annotation_files(from)?.first() {
        Some(file) => gui_odyssey::read_annotation(file).map(|_| SetFormat::GuiOdyssey).map_err(|error| match error {
            OfflineError::Content { at, why } => unknown(&at, &format!("it is in no format that is known; {why}")),
            error => error,
        }),
        None => Err(unknown(at, "it is in no format that is known")),
    }
}

fn unknown(at: &Path, why: &str) -> OfflineError {
    let why =
        format!("{why}: say which set it is by --format, or see docs/offline.md for how to write records yourself");
    OfflineError::Content { at: at.to_owned(), why }
}

/// Whether a file's text begins as a JSON list.
fn starts_list(at: &Path) -> Result<bool, OfflineError> {
    let mut start = Vec::new();
    let read = file::open_regular(at).and_then(|file| file.take(START_BYTES).read_to_end(&mut start));
    read.map_err(OfflineError::file(at))?;
    Ok(start.trim_ascii_start().starts_with(b"["))
}

/// Which set a file of examples is of, by the names in the first one.
fn recognize_records(at: &Path) -> Result<SetFormat, OfflineError> {
    let mut reader = RecordReader::open(at)?;
    let Some(record) = reader.next()? else { return Err(unknown(at, "there is no record in it")) };
    let example = Example::read(&record).map_err(|error| reader.wrong(&error.to_string()))?;
    let has = |keys: &[&str]| keys.iter().all(|key| example.has(key));
    if has(&android_control::KEYS) {
        return Ok(SetFormat::AndroidControl);
    }
    if has(&aitw::KEYS) {
        return Ok(SetFormat::Aitw);
    }
    let names: Vec<String> = example.names().take(20).map(|name| name.chars().take(40).collect()).collect();
    Err(unknown(at, &format!("its first example has {names:?}, as no set that is known")))
}

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
