//! Measures on pictures that were taken before: no device is touched. Three stages, each of which can be done anew by itself: a model is
//! asked ([`infer`]), its answers are judged ([`judge`]), what was judged is counted ([`metric`]).
//!
//! The records are the user's ([`import`] reads those of the sets that are published), or drawn from virtual phones ([`draw`]).
//! A folder of records has `records.jsonl`; one of answers has `answers.jsonl`, and `judged.jsonl` once they were judged.

pub mod draw;
mod files;
pub mod import;
pub mod infer;
pub mod judge;
pub mod metric;
pub mod rules;
pub mod traces;
mod validity;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tapwright_agent::journal::FileLock;

use self::validity::{check_on_picture, check_record};

/// The records of a set.
pub const RECORDS: &str = "records.jsonl";
/// Far above any set that is published.
const BYTES_MAX: u64 = 1 << 30;
/// More records than any set has.
pub const RECORDS_MAX: usize = 1_000_000;

/// One picture, what is asked about it, and what is right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfflineRecord {
    /// Each another one.
    pub id: String,
    /// The picture, beside the file of the records.
    pub image: PathBuf,
    /// What the model is told.
    pub question: String,
    pub target: Target,
    /// `text` or `icon`, or another kind by which is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Of which part of the set it is: a platform, an app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Of which recorded run it is a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<String>,
}

/// What is right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A place inside: left, top, right, bottom, in pixels of the picture, the edges too.
    Box([f64; 4]),
    /// A place inside of these corners.
    Polygon(Vec<[f64; 2]>),
    /// Nothing on the picture is meant: to say so is right.
    Refusal,
    /// An action of a recorded run, by the rules of a set.
    Step {
        rules: rules::RuleSet,
        action: rules::StepAction,
        #[serde(default)]
        boxes: Vec<[f64; 4]>,
    },
}

/// What is wrong with a file of a set.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// It is not there, or cannot be read.
    #[error("{}: {source}", .at.display())]
    File { at: PathBuf, source: io::Error },
    /// It cannot be written.
    #[error("{}: it cannot be written: {source}", .at.display())]
    Unwritten { at: PathBuf, source: io::Error },
    /// A line is not what it has to be.
    #[error("{}: line {line}: {why}", .at.display())]
    Line { at: PathBuf, line: usize, why: String },
    /// A record of a file of records is not.
    #[error("{}: record {record}: {why}", .at.display())]
    Record { at: PathBuf, record: usize, why: String },
    /// An entry of a list is not; the first one is 1.
    #[error("{}: entry {entry}: {why}", .at.display())]
    Entry { at: PathBuf, entry: usize, why: String },
    /// A folder that is to be filled anew holds something.
    #[error("{}: {why}", .at.display())]
    Occupied { at: PathBuf, why: String },
    /// Records that an import would replace, and that no import has written.
    #[error("{}: no import has written these records, or somebody has changed them since, and an import would replace them", .at.display())]
    ForeignRecords { at: PathBuf },
    /// Another process writes into a folder.
    #[error("{}: another process is writing there", .at.display())]
    Busy { at: PathBuf },
    /// What is asked for does not go together.
    #[error("{0}")]
    Unfit(String),
    /// The whole of it is not.
    #[error("{}: {why}", .at.display())]
    Content { at: PathBuf, why: String },
}

impl OfflineError {
    fn file(at: &Path) -> impl FnOnce(io::Error) -> OfflineError {
        let at = at.to_owned();
        move |source| OfflineError::File { at, source }
    }

    fn unwritten(at: &Path) -> impl FnOnce(io::Error) -> OfflineError {
        let at = at.to_owned();
        move |source| OfflineError::Unwritten { at, source }
    }
}

/// Reads the records of a folder, each id once.
///
/// # Errors
/// `OfflineError` with the line that is wrong.
pub fn read_records(folder: &Path) -> Result<Vec<OfflineRecord>, OfflineError> {
    Ok(read_numbered_records(folder)?.into_iter().map(|(_, record)| record).collect())
}

/// The same, and sees that what is right lies on the records' pictures. What is no picture is left to [`infer`], which notes it.
///
/// # Errors
/// `OfflineError` with the line that is wrong.
pub fn read_records_on_pictures(folder: &Path) -> Result<Vec<OfflineRecord>, OfflineError> {
    let records = read_numbered_records(folder)?;
    // Many records ask about one picture.
    let mut sizes = BTreeMap::new();
    for (line, record) in &records {
        let size = *sizes.entry(&record.image).or_insert_with(|| files::picture_size(&folder.join(&record.image)).ok());
        let found = size.map_or(Ok(()), |size| check_on_picture(record, size));
        found.map_err(|why| wrong_record(folder, *line, record, &why))?;
    }
    Ok(records.into_iter().map(|(_, record)| record).collect())
}

/// Reads the records of a folder, each with its line.
fn read_numbered_records(folder: &Path) -> Result<Vec<(usize, OfflineRecord)>, OfflineError> {
    let at = folder.join(RECORDS);
    let records: Vec<(usize, OfflineRecord)> = read_numbered_lines(&at, false)?;
    let mut ids = BTreeSet::new();
    for (line, record) in &records {
        let wrong = |why: String| OfflineError::Line { at: at.clone(), line: *line, why };
        if !ids.insert(&record.id) {
            return Err(wrong(format!("there is another record with the id {:?}", record.id)));
        }
        // A set that somebody sent names pictures beside itself, and no other files.
        if !files::is_below(&record.image) {
            return Err(wrong(format!("the picture {:?} is not beside the records", record.image)));
        }
        check_record(record).map_err(|why| wrong_record(folder, *line, record, &why))?;
    }
    if records.is_empty() {
        return Err(OfflineError::Content { at, why: "there is no record in it".to_owned() });
    }
    Ok(records)
}

fn wrong_record(folder: &Path, line: usize, record: &OfflineRecord, why: &str) -> OfflineError {
    OfflineError::Line { at: folder.join(RECORDS), line, why: format!("record {:?}: {why}", record.id) }
}

/// What tells a set from every other one: what is asked and what is right.
pub fn digest(records: &[OfflineRecord]) -> String {
    let mut hash = Sha256::new();
    for record in records {
        hash.update(serde_json::to_vec(record).unwrap_or_default());
        hash.update(b"\n");
    }
    hex::encode(hash.finalize())
}

/// Reads a file of lines of JSON. Where lines are added one by one the last may be torn, and is left out then.
fn read_lines<T: DeserializeOwned>(at: &Path, grows: bool) -> Result<Vec<T>, OfflineError> {
    Ok(read_numbered_lines(at, grows)?.into_iter().map(|(_, read)| read).collect())
}

/// The same with the number of each line, from 1 on: lines that are empty have one too.
fn read_numbered_lines<T: DeserializeOwned>(at: &Path, grows: bool) -> Result<Vec<(usize, T)>, OfflineError> {
    let text = files::read_text(at, BYTES_MAX).map_err(OfflineError::file(at))?;
    let mut read = Vec::new();
    for (place, line) in text.split_inclusive('\n').enumerate() {
        if line.trim().is_empty() || (grows && !line.ends_with('\n')) {
            continue;
        }
        if read.len() == RECORDS_MAX {
            return Err(OfflineError::Content {
                at: at.to_owned(),
                why: format!("it has more than {RECORDS_MAX} lines"),
            });
        }
        let one = serde_json::from_str(line).map_err(|error| OfflineError::Line {
            at: at.to_owned(),
            line: place + 1,
            why: within_line(&error),
        })?;
        read.push((place + 1, one));
    }
    Ok(read)
}

/// What is wrong with a line that was read by itself: to the reader it would always be line 1.
fn within_line(error: &serde_json::Error) -> String {
    let (why, column) = (error.to_string(), error.column());
    let place = format!(" at line {} column {column}", error.line());
    why.strip_suffix(&place).map_or_else(|| why.clone(), |why| format!("column {column}: {why}"))
}

/// Writes lines of JSON in place of what is there.
fn write_lines<T: Serialize>(at: &Path, mut lines: impl Iterator<Item = T>) -> Result<(), OfflineError> {
    replace_file(at, |file| lines.try_for_each(|line| write_line(file, &line)))
}

fn write_line(file: &mut impl io::Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *file, line)?;
    file.write_all(b"\n")
}

/// Puts a file in the place of what is there once all of it is on the disk.
fn replace_file(at: &Path, write: impl FnOnce(&mut io::BufWriter<File>) -> io::Result<()>) -> Result<(), OfflineError> {
    let replace = || -> io::Result<()> {
        let beside = at.with_extension("part");
        let mut file = io::BufWriter::new(File::create(&beside)?);
        write(&mut file)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&beside, at)
    };
    replace().map_err(OfflineError::unwritten(at))
}

/// Opens a file, which is made, and locks it; nothing if another process has.
fn lock_file(at: &Path) -> io::Result<Option<FileLock>> {
    FileLock::try_take(OpenOptions::new().create(true).append(true).read(true).open(at)?)
}

/// Adds lines to a file, each on the disk before anything follows from it.
struct LineWriter {
    at: PathBuf,
    file: File,
}

impl LineWriter {
    /// Opens it, without a last line that was torn.
    fn open(at: &Path) -> Result<LineWriter, OfflineError> {
        let open = || -> io::Result<File> {
            let file = OpenOptions::new().create(true).append(true).read(true).open(at)?;
            let bytes = std::fs::read(at)?;
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            if whole < bytes.len() {
                file.set_len(whole as u64)?;
            }
            Ok(file)
        };
        Ok(LineWriter { at: at.to_owned(), file: open().map_err(OfflineError::unwritten(at))? })
    }

    fn add<T: Serialize>(&mut self, line: &T) -> Result<(), OfflineError> {
        let mut text = serde_json::to_vec(line).unwrap_or_default();
        text.push(b'\n');
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        written.map_err(OfflineError::unwritten(&self.at))
    }
}

#[cfg(test)]
mod tests;
