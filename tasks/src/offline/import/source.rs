//! Which of a folder's files are read.

use std::path::PathBuf;

use super::super::OfflineError;
use super::super::files::files_in;
use super::tfrecord::is_record_file;

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
