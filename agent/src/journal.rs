//! A run's record: a line per effect and event, in the order in which they happened, and the pictures apart.
//!
//! ```text
//! RUNS/RUN/journal.jsonl        {"version":1,"seq":0,"ms":0,"run":{…}}  then effects, events, steps, and the end
//! RUNS/RUN/pictures/SHA256.png  what was seen, named by the digest of the file; written before the line that names it
//! ```
//!
//! A line goes to the operating system at once, so that a process that is killed loses none. It goes to the disk before
//! something is done outside and after it was done, so that a machine that loses power has done nothing that is not
//! written down. Whoever cannot write must not act: that is `drive`'s to keep.

mod line;
mod picture;
mod record;
mod store;

pub use line::{EffectLine, Entry, EventLine, Facts, Line, Step, VERSION};
pub use record::{Record, RecordError, ReplayError};
pub use store::{Folder, JournalError, Store};

use std::io;
use std::path::Path;

use serde_json::json;
use tapwright_contract::Picture;

/// Writes a run's record.
pub struct Journal {
    run: String,
    store: Box<dyn Store>,
    seq: u64,
    /// The latest picture and its digest: screens often stay as they are.
    latest: Option<(Picture, String)>,
    /// A line may be torn after a failure; nothing can follow it.
    broken: bool,
}

impl Journal {
    /// Makes the folder `runs/run`, which must not exist.
    ///
    /// # Errors
    /// `JournalError` if it does, if it cannot be made, or if `run` is no plain name.
    pub fn create(runs: &Path, run: &str) -> Result<Journal, JournalError> {
        let folder = Folder::create(runs, run)?;
        Ok(Journal::over(run, Box::new(folder)))
    }

    /// Writes to a store of the caller's.
    pub fn over(run: &str, store: Box<dyn Store>) -> Journal {
        Journal { run: run.to_owned(), store, seq: 0, latest: None, broken: false }
    }

    /// The run's id.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Writes a line and returns it as it can be read again.
    ///
    /// # Errors
    /// Whatever the store says. After that nothing more is written.
    pub fn write(&mut self, ms: u64, line: Line) -> io::Result<Entry> {
        let entry = Entry { seq: self.seq, ms, line };
        let mut text = match &entry.line {
            // The version comes first: who does not know it need not read on.
            Line::Run(facts) => json!({"version": VERSION, "seq": entry.seq, "ms": ms, "run": facts}).to_string(),
            _ => serde_json::to_string(&entry)?,
        };
        text.push('\n');
        self.attempt(|store| store.append(text.as_bytes()))?;
        self.seq += 1;
        Ok(entry)
    }

    /// Writes a picture, once, and returns its digest.
    ///
    /// # Errors
    /// Whatever the store says. After that nothing more is written.
    pub fn picture(&mut self, picture: &Picture) -> io::Result<String> {
        if let Some((latest, digest)) = &self.latest
            && latest == picture
        {
            return Ok(digest.clone());
        }
        let png = picture::encode(picture)?;
        let digest = picture::digest(&png);
        self.attempt(|store| store.picture(&digest, &png))?;
        self.latest = Some((picture.clone(), digest.clone()));
        Ok(digest)
    }

    /// Returns when all that was written is on the disk.
    ///
    /// # Errors
    /// Whatever the store says. After that nothing more is written.
    pub fn sync(&mut self) -> io::Result<()> {
        self.attempt(|store| store.sync())
    }

    fn attempt(&mut self, write: impl FnOnce(&mut dyn Store) -> io::Result<()>) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier line could not be written"));
        }
        let result = write(self.store.as_mut());
        self.broken = result.is_err();
        result
    }
}
