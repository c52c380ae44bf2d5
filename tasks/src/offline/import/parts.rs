//! The records of the files that were read already, a file for each, so that an import that broke off goes on with the file that it was at;
//! and how they become the set's file at the end, at once, so that no half of a set looks like a whole one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tapwright_contract::file;

use super::super::{BYTES_MAX, OfflineError, OfflineRecord, RECORDS, replace_file, write_line};
use super::collection::Batch;
use super::{ImportOptions, PARTS};

/// The first line of a part; the records follow.
#[derive(Serialize, Deserialize)]
struct PartHead {
    /// Of which file, by which options.
    about: String,
    records: usize,
    episodes: Vec<String>,
    left_out: BTreeMap<String, usize>,
    faults: Vec<String>,
    fault_count: usize,
}

/// The parts of an import.
pub struct Parts {
    /// With the pictures.
    set: PathBuf,
    folder: PathBuf,
    /// What was asked for: a part that was read otherwise is of no use.
    options: String,
    written: Vec<PathBuf>,
}

impl Parts {
    /// Opens the folder of parts below the one of the set.
    ///
    /// # Errors
    /// `OfflineError` if it cannot be made.
    pub fn open(set: &Path, options: &ImportOptions, listed: Option<&BTreeSet<String>>) -> Result<Parts, OfflineError> {
        let folder = set.join(PARTS);
        fs::create_dir_all(&folder).map_err(OfflineError::unwritten(&folder))?;
        Ok(Parts { set: set.to_owned(), folder, options: format!("{options:?} {listed:?}"), written: Vec::new() })
    }

    /// What has come of a file before, if it is as it was, and so is what was asked for, and its pictures are there. To be asked for each file
    /// in its order.
    pub fn read(&self, from: &Path) -> Result<Option<Batch>, OfflineError> {
        let at = self.next();
        if !at.exists() {
            return Ok(None);
        }
        let Ok(text) = file::read_text(&at, BYTES_MAX) else { return Ok(None) };
        let mut lines = text.lines();
        let head = lines.next().and_then(|line| serde_json::from_str::<PartHead>(line).ok());
        let Some(head) = head else { return Ok(None) };
        let records: Result<Vec<OfflineRecord>, _> = lines.map(serde_json::from_str).collect();
        let is_whole = |record: &OfflineRecord| {
            fs::metadata(self.set.join(&record.image)).is_ok_and(|found| found.is_file() && found.len() > 0)
        };
        match records {
            Ok(records)
                if head.about == self.about(from)? && records.len() == head.records && records.iter().all(is_whole) =>
            {
                let PartHead { episodes, left_out, faults, fault_count, .. } = head;
                Ok(Some(Batch { records, episodes, left_out, faults, fault_count }))
            }
            _ => Ok(None),
        }
    }

    /// Keeps what has come of a file.
    pub fn write(&mut self, from: &Path, batch: &Batch) -> Result<(), OfflineError> {
        let at = self.next();
        let about = self.about(from)?;
        let Batch { records, episodes, left_out, faults, fault_count } = batch.clone();
        let head = PartHead { about, records: records.len(), episodes, left_out, faults, fault_count };
        replace_file(&at, |file| {
            write_line(file, &head)?;
            records.iter().try_for_each(|record| write_line(file, record))
        })?;
        self.written.push(at);
        Ok(())
    }

    /// Counts a part that was read.
    pub fn keep(&mut self) {
        let at = self.next();
        self.written.push(at);
    }

    /// Makes the set's file of all parts, and puts it in its place as a whole.
    pub fn join(self) -> Result<(), OfflineError> {
        replace_file(&self.set.join(RECORDS), |joined| {
            for part in &self.written {
                let text = file::read_text(part, BYTES_MAX)?;
                let records = text.split_once('\n').map_or("", |(_, records)| records);
                joined.write_all(records.as_bytes())?;
            }
            Ok(())
        })?;
        fs::remove_dir_all(&self.folder).map_err(OfflineError::unwritten(&self.folder))
    }

    fn next(&self) -> PathBuf {
        self.folder.join(format!("{:05}.jsonl", self.written.len()))
    }

    fn about(&self, from: &Path) -> Result<String, OfflineError> {
        let found = fs::metadata(from).map_err(OfflineError::file(from))?;
        let modified = found.modified().map_err(OfflineError::file(from))?;
        let mut hash = Sha256::new();
        hash.update(format!("{}\n{} {modified:?}\n{}", from.display(), found.len(), self.options));
        Ok(hex::encode(hash.finalize()))
    }
}
