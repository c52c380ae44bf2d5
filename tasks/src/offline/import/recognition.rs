//! Which set a file or folder is of, by what is in it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use tapwright_contract::file;

use super::super::files::BYTE_ORDER_MARK;
use super::super::{OfflineError, traces};
use super::example::Example;
use super::source::{annotation_files, record_files};
use super::tfrecord::{RecordReader, is_record_file};
use super::{SetFormat, aitw, android_control, gui_odyssey};

/// Of a JSON file, to see whether it is a list or an object.
const START_BYTES: u64 = 4096;

/// Which set's these are.
///
/// # Errors
/// `OfflineError` if they are of none that is known.
pub fn recognize(from: &[PathBuf]) -> Result<SetFormat, OfflineError> {
    let at = from.first().ok_or_else(|| OfflineError::Unfit("name a file".to_owned()))?;
    // The length of a record may begin with the byte of a bracket.
    if !at.is_dir() && !is_record_file(at).map_err(OfflineError::file(at))? && starts_list(at)? {
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
    let text = start.strip_prefix(BYTE_ORDER_MARK.to_string().as_bytes()).unwrap_or(&start);
    Ok(text.trim_ascii_start().starts_with(b"["))
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
