//! Reads a journal back.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tapwright_contract::{Picture, file};

use super::ForkError;
use super::line::{Entry, EventLine, Forked, Line, RunHeader, VERSION};
use super::picture::{decode, digest};
use crate::outcome::End;

/// Far above the journal of any run: one of 10,000 steps has 14 MB.
pub const JOURNAL_BYTES_MAX: u64 = 256 << 20;
/// Far above any screen's: 64 million pixels that cannot be made smaller.
const PICTURE_BYTES_MAX: u64 = 256 << 20;

/// A run as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What the run was to do.
    pub facts: RunHeader,
    /// All lines, the first one included.
    pub entries: Vec<Entry>,
    /// Whether the last line was torn, and left out: the writer was killed, or the disk was full.
    pub torn: bool,
    /// How many bytes of the file there are up to the end of each line.
    ends: Vec<u64>,
    folder: PathBuf,
}

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is none there, or it may not be read.
    #[error("no journal can be read at {}", .at.display())]
    Unreadable { at: PathBuf, source: io::Error },
    /// The run was killed before it began, or this is something else.
    #[error("{} does not begin as a journal does", .at.display())]
    NoJournal { at: PathBuf },
    /// Another version of the program wrote it.
    #[error("{} has version {version}, and this program reads 1 to {VERSION}", .at.display())]
    Version { at: PathBuf, version: u64 },
    /// Somebody changed it.
    #[error("{}:{line}: not a line of a journal", .at.display())]
    Broken { at: PathBuf, line: usize, source: Option<serde_json::Error> },
}

impl Record {
    /// Reads the journal in a run's folder.
    ///
    /// # Errors
    /// `RecordError`, but not for a torn last line: what was written before it stands.
    pub fn read(folder: &Path) -> Result<Record, RecordError> {
        let at = folder.join("journal.jsonl");
        let bytes = file::read_bytes(&at, JOURNAL_BYTES_MAX)
            .map_err(|source| RecordError::Unreadable { at: at.clone(), source })?;
        let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        // What follows the last newline is nothing, or torn.
        let mut torn = lines.pop().is_some_and(|rest| !rest.is_empty());
        let [first, ..] = lines[..] else { return Err(RecordError::NoJournal { at }) };
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        match serde_json::from_slice::<Version>(first) {
            Ok(Version { version }) if (1..=u64::from(VERSION)).contains(&version) => {}
            Ok(Version { version }) => return Err(RecordError::Version { at, version }),
            Err(_) => return Err(RecordError::NoJournal { at }),
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(lines.len());
        let mut ends: Vec<u64> = Vec::with_capacity(lines.len());
        let mut end = 0;
        for (n, line) in lines.iter().enumerate() {
            let broken = |source| RecordError::Broken { at: at.clone(), line: n + 1, source };
            match serde_json::from_slice::<Entry>(line) {
                Ok(entry) if entry.seq == n as u64 => {
                    entries.push(entry);
                    end += line.len() as u64 + 1;
                    ends.push(end);
                }
                Ok(_) => return Err(broken(None)),
                // A file system can leave zeros where a line was to be.
                Err(_) if n + 1 == lines.len() && n > 0 && !torn => torn = true,
                Err(source) => return Err(broken(Some(source))),
            }
        }
        match entries.first() {
            Some(Entry { line: Line::Run(facts), .. }) => {
                Ok(Record { facts: facts.as_ref().clone(), entries, torn, ends, folder: folder.to_owned() })
            }
            _ => Err(RecordError::NoJournal { at }),
        }
    }

    /// How the run ended, if it did, and has not gone on since.
    pub fn end(&self) -> Option<&End> {
        match &self.entries.last()?.line {
            Line::End(end) => Some(end),
            Line::Run(_) | Line::Effect(_) | Line::Event(_) | Line::Decided(_) | Line::Step(_) => None,
        }
    }

    /// How many replies were heard and decided on.
    pub fn steps(&self) -> u32 {
        let steps = self.entries.iter().filter(|entry| matches!(entry.line, Line::Decided(_))).count();
        u32::try_from(steps).unwrap_or(u32::MAX)
    }

    /// How many replies were heard.
    pub fn reply_count(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.line, Line::Event(EventLine::Heard(_)))).count()
    }

    /// The bytes of the file that hold whole lines.
    pub fn length(&self) -> u64 {
        self.entries.len().checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0)
    }

    /// Leaves out a line and all that follow it.
    pub(super) fn cut(&mut self, seq: u64) {
        self.entries.truncate(usize::try_from(seq).unwrap_or(usize::MAX));
    }

    /// The record of a run that begins with the first steps of this one.
    pub(super) fn first(&self, steps: u32, run: &str, started: u64) -> Result<Record, ForkError> {
        let is_last = |entry: &Entry| match &entry.line {
            Line::Step(step) => step.decided.step == steps,
            Line::Event(_) => steps == 0, // It began.
            Line::Run(_) | Line::Effect(_) | Line::Decided(_) | Line::End(_) => false,
        };
        let last = self.entries.iter().position(is_last).ok_or_else(|| ForkError::NoSuchStep {
            run: self.facts.run.clone(),
            steps,
            has: self.steps(),
        })?;
        let mut fork = self.clone();
        fork.cut(last as u64 + 1);
        fork.facts.run = run.to_owned();
        fork.facts.started = started;
        fork.facts.forked = Some(Forked { run: self.facts.run.clone(), steps });
        fork.entries[0].line = Line::Run(Box::new(fork.facts.clone()));
        Ok(fork)
    }

    /// The file of a picture. Whoever opens it has to know that it holds that picture: [`Record::picture_bytes`].
    pub fn picture_file(&self, digest: &str) -> PathBuf {
        picture_file(&self.folder, digest)
    }

    /// The file of a picture that was seen, read: [`picture_bytes`].
    ///
    /// # Errors
    /// If its file cannot be read, or is not what its name says.
    pub fn picture_bytes(&self, name: &str) -> io::Result<Vec<u8>> {
        picture_bytes(&self.folder, name)
    }

    /// A picture that was seen.
    ///
    /// # Errors
    /// If its file cannot be read, or is not what its name says.
    pub fn picture(&self, name: &str) -> io::Result<Picture> {
        decode(&self.picture_bytes(name)?)
    }
}

fn picture_file(folder: &Path, digest: &str) -> PathBuf {
    folder.join("pictures").join(format!("{digest}.png"))
}

/// The file of a picture in a run's folder, read. A journal that somebody else wrote can name anything: what is no digest leads out of
/// the folder, and what has another one is no picture of this run.
///
/// # Errors
/// If its file cannot be read, or is not what its name says.
pub fn picture_bytes(folder: &Path, name: &str) -> io::Result<Vec<u8>> {
    let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why);
    if name.len() != 64 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a digest"));
    }
    let at = picture_file(folder, name);
    let png = file::read_bytes(&at, PICTURE_BYTES_MAX)?;
    if digest(&png) != name {
        return Err(invalid("the file is not what its name says"));
    }
    Ok(png)
}
