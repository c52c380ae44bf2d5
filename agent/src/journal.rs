//! A run's record: a line per effect and event, in the order in which they happened, and the pictures apart.
//!
//! ```text
//! RUNS/RUN/journal.jsonl        {"version":2,"seq":0,"ms":0,"run":{…}}  then effects, events, steps, and the end
//! RUNS/RUN/pictures/SHA256.png  what was seen, named by the digest of the file; written before the line that names it
//! RUNS/RUN/lock                 empty; locked by the process that writes
//! ```
//!
//! A line goes to the operating system at once, so that a process that is killed loses none. It goes to the disk before
//! something is done outside and after it was done, so that a machine that loses power has done nothing that is not
//! written down. Whoever cannot write must not act: that is `drive`'s to keep. All of it is done on threads of its own, so that a
//! slow disk holds up this run and no other.
//!
//! A run that broke off goes on in the same journal: a line says that it was `resumed`, and after an end that need not
//! be the last more lines can follow.

mod line;
mod lock;
mod picture;
mod record;
mod store;
mod walk;

pub use line::{EffectLine, Entry, EventLine, Forked, Line, Resumed, RunHeader, Step, VERSION};
pub use lock::FileLock;
pub use record::{JOURNAL_BYTES_MAX, Record, RecordError, picture_bytes};
pub use store::{
    Folder, JournalError, SAME_NAMES_MAX, Store, first_free, numbered, private, private_file, private_folder,
    private_folders, refuse_links, sync_folder,
};
pub use walk::{ReplayError, ResumePoint};

use std::io;
use std::path::Path;

use serde_json::json;
use tapwright_contract::Picture;

/// Writes a run's record.
pub struct Journal {
    run: String,
    /// Nothing while a write is on its way, or if one was abandoned.
    store: Option<Box<dyn Store>>,
    seq: u64,
    /// The time that the run took before this process took it up.
    ms: u64,
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
        Journal { run: run.to_owned(), store: Some(store), seq: 0, ms: 0, latest: None, broken: false }
    }

    /// Writes on where a record stops, to a store of the caller's that holds exactly that record.
    pub fn after(record: &Record, store: Box<dyn Store>) -> Journal {
        let last = record.entries.last();
        Journal {
            seq: record.entries.len() as u64,
            ms: last.map_or(0, |entry| entry.ms),
            ..Journal::over(&record.facts.run, store)
        }
    }

    /// Opens a run's folder to go on with the run, and says where it stands.
    ///
    /// # Errors
    /// `ResumeError` if somebody else has it, if it cannot be read or written, or if what was written does not follow
    /// from what was seen and heard: a loop that has lost its place must not touch a device.
    pub fn resume(folder: &Path) -> Result<(Journal, Record, ResumePoint), ResumeError> {
        if !folder.join("journal.jsonl").exists() {
            Record::read(folder)?; // It says it better.
        }
        let mut store = Folder::open(folder)?;
        let mut record = Record::read(folder)?;
        let stand = record.stand()?;
        store.cut(record.length()).map_err(|source| JournalError::Unwritable { at: folder.to_owned(), source })?;
        record.torn = false;
        Ok((Journal::after(&record, Box::new(store)), record, stand))
    }

    /// Makes the folder `runs/run`, for a run that begins with another one's first steps.
    ///
    /// # Errors
    /// `ForkError` if the other run has no such step, or ended with it; or the folder cannot be written.
    pub fn fork(
        record: &Record,
        steps: u32,
        runs: &Path,
        run: &str,
        started: u64,
    ) -> Result<(Journal, ResumePoint), ForkError> {
        let mut fork = record.first(steps, run, started)?;
        let stand = fork.stand()?;
        if stand.end().is_some() {
            return Err(ForkError::Ended { run: record.facts.run.clone(), steps });
        }
        let mut journal = Journal::create(runs, run)?;
        let write = |journal: &mut Journal| -> io::Result<()> {
            for entry in &fork.entries {
                if let Line::Event(EventLine::Saw { picture, .. }) = &entry.line {
                    let png = record.picture_bytes(picture)?;
                    journal.attempt(|store| store.picture(picture, &png))?;
                }
                journal.write(entry.ms, entry.line.clone())?;
            }
            journal.sync()
        };
        write(&mut journal).map_err(|source| JournalError::Unwritable { at: runs.join(run), source })?;
        journal.ms = fork.entries.last().map_or(0, |entry| entry.ms);
        Ok((journal, stand))
    }

    /// The run's id.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Writes a line and returns it as it can be read again. It blocks for as long as the store does.
    ///
    /// # Errors
    /// Whatever the store says. After that nothing more is written.
    pub fn write(&mut self, ms: u64, line: Line) -> io::Result<Entry> {
        let (entry, text) = self.entry(ms, line)?;
        self.attempt(|store| store.append(text.as_bytes()))?;
        self.seq += 1;
        Ok(entry)
    }

    /// Returns when all that was written is on the disk. It blocks for as long as that takes.
    ///
    /// # Errors
    /// Whatever the store says. After that nothing more is written.
    pub fn sync(&mut self) -> io::Result<()> {
        self.attempt(|store| store.sync())
    }

    /// [`Journal::write`] without blocking the executor: other runs share it, and disks can take their time.
    ///
    /// # Errors
    /// As there. If the future is dropped, nobody knows what was written, and nothing more is.
    pub async fn append(&mut self, ms: u64, line: Line) -> io::Result<Entry> {
        let (entry, text) = self.entry(ms, line)?;
        self.aside(move |store| store.append(text.as_bytes())).await?;
        self.seq += 1;
        Ok(entry)
    }

    /// Writes a picture, once, and returns its digest; without blocking the executor.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub async fn add_picture(&mut self, picture: &Picture) -> io::Result<String> {
        if let Some((latest, digest)) = &self.latest
            && latest == picture
        {
            return Ok(digest.clone());
        }
        let kept = picture.clone();
        let digest = self
            .aside(move |store| {
                let png = picture::encode(&kept)?;
                let digest = picture::digest(&png);
                store.picture(&digest, &png)?;
                Ok(digest)
            })
            .await?;
        self.latest = Some((picture.clone(), digest.clone()));
        Ok(digest)
    }

    /// [`Journal::sync`] without blocking the executor.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub async fn flush(&mut self) -> io::Result<()> {
        self.aside(|store| store.sync()).await
    }

    /// A line, and its text.
    fn entry(&self, ms: u64, line: Line) -> io::Result<(Entry, String)> {
        let entry = Entry { seq: self.seq, ms: self.ms.saturating_add(ms), line };
        let mut text = match &entry.line {
            // The version comes first: who does not know it need not read on.
            Line::Run(header) => {
                json!({"version": VERSION, "seq": entry.seq, "ms": entry.ms, "run": header}).to_string()
            }
            _ => serde_json::to_string(&entry)?,
        };
        text.push('\n');
        Ok((entry, text))
    }

    fn attempt(&mut self, write: impl FnOnce(&mut dyn Store) -> io::Result<()>) -> io::Result<()> {
        let mut store = self.take()?;
        let result = write(store.as_mut());
        self.store = Some(store);
        self.broken = result.is_err();
        result
    }

    async fn aside<T: Send + 'static>(
        &mut self,
        write: impl FnOnce(&mut dyn Store) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let mut store = self.take()?;
        let writing = tokio::task::spawn_blocking(move || {
            let result = write(store.as_mut());
            (store, result)
        });
        let (store, result) = writing.await.map_err(io::Error::other)?;
        self.store = Some(store);
        self.broken = result.is_err();
        result
    }

    fn take(&mut self) -> io::Result<Box<dyn Store>> {
        let store = if self.broken { None } else { self.store.take() };
        store.ok_or_else(|| io::Error::other("an earlier line could not be written"))
    }
}

/// Why a run does not go on.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// Somebody else has it, or it cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// What was written does not follow from what was seen and heard.
    #[error("cannot resume: the journal does not replay")]
    Replay(#[from] ReplayError),
}

/// Why a run cannot be forked.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// It did not come that far.
    #[error("run {run} cannot be forked at step {steps}: its last step is {has}")]
    NoSuchStep { run: String, steps: u32, has: u32 },
    /// Nothing can come after that step.
    #[error("run {run} ended with step {steps}; fork it at an earlier one")]
    Ended { run: String, steps: u32 },
    /// The folder cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What was written does not follow from what was seen and heard.
    #[error("cannot fork: the journal does not replay")]
    Replay(#[from] ReplayError),
}
