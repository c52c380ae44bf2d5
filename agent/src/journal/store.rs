//! Where a journal is kept.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::lock::FileLock;

/// How many runs may want one name at a time.
pub const SAME_NAMES_MAX: u32 = 1000;

/// Makes something under the first name that nobody has yet: the one that is wanted, or the same with a number behind it. Two runs can
/// begin in one millisecond, with one goal. Which name is free is known only by making it: to look first is too late.
///
/// # Errors
/// The first error that is not about a name that is taken.
pub fn first_free<T, E>(
    name: &str,
    is_taken: impl Fn(&E) -> bool,
    mut make: impl FnMut(&str) -> Result<T, E>,
) -> Result<T, E> {
    let mut made = make(name);
    for number in 2..=SAME_NAMES_MAX {
        match made {
            Err(error) if is_taken(&error) => made = make(&numbered(name, number)),
            made => return made,
        }
    }
    made
}

/// The name that is tried when the wanted one is taken: `run-2`.
pub fn numbered(name: &str, number: u32) -> String {
    if number < 2 { name.to_owned() } else { format!("{name}-{number}") }
}

/// The longest id of a run.
const NAME_MAX: usize = 100;

/// Keeps lines and pictures.
pub trait Store: Send {
    /// Appends a line, with its newline, to those before.
    ///
    /// # Errors
    /// If not all of it was written; a part of it may have been.
    fn append(&mut self, line: &[u8]) -> io::Result<()>;

    /// Keeps a picture by its digest; one that is there already stays.
    ///
    /// # Errors
    /// If not all of it was written.
    fn picture(&mut self, digest: &str, png: &[u8]) -> io::Result<()>;

    /// Returns when all of it is on the disk.
    ///
    /// # Errors
    /// If that cannot be said.
    fn sync(&mut self) -> io::Result<()>;
}

/// A folder of the file system.
pub struct Folder {
    lines: File,
    pictures: PathBuf,
    /// Pictures that may not be on the disk yet.
    fresh: Vec<File>,
    /// Held for as long as the journal is written.
    _lock: FileLock,
}

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Choose another id.
    #[error("{run:?} is no id for a run: up to 100 letters, digits, `-`, `_` and `.`, and no `.` first")]
    Name { run: String },
    /// Choose another id.
    #[error("there is a run at {} already", .at.display())]
    Exists { at: PathBuf },
    /// Another process writes it.
    #[error("the run at {} is still going on in another process", .at.display())]
    Busy { at: PathBuf },
    /// Choose another folder, or mend this one.
    #[error("no journal can be written at {}", .at.display())]
    Unwritable { at: PathBuf, source: io::Error },
}

impl Folder {
    /// Makes the folder `runs/run`, which must not exist.
    ///
    /// # Errors
    /// `JournalError` if it does, if it cannot be made, or if `run` is no plain name.
    pub fn create(runs: &Path, run: &str) -> Result<Folder, JournalError> {
        let plain = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
        if run.is_empty() || run.len() > NAME_MAX || run.starts_with('.') || !run.chars().all(plain) {
            return Err(JournalError::Name { run: run.to_owned() });
        }
        let at = runs.join(run);
        let folder = private_folders(runs).and_then(|()| private_folder(&at)).and_then(|()| {
            let pictures = at.join("pictures");
            private_folder(&pictures)?;
            let lock = private().write(true).create(true).truncate(true).open(at.join("lock"))?;
            let lock = FileLock::take(lock)?; // Nobody else knows of it yet.
            let lines = private().append(true).create_new(true).open(at.join("journal.jsonl"))?;
            for folder in [runs, &at] {
                sync_folder(folder)?;
            }
            Ok(Folder { lines, pictures, fresh: Vec::new(), _lock: lock })
        });
        folder.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists if at.is_dir() => JournalError::Exists { at },
            _ => JournalError::Unwritable { at, source },
        })
    }

    /// Opens a run's folder that is there already, and keeps every other process out of it. What its journal holds is
    /// to be read after that, and not before.
    ///
    /// # Errors
    /// `JournalError` if somebody else writes it, or it cannot be written.
    pub fn open(at: &Path) -> Result<Folder, JournalError> {
        let unwritable = |source| JournalError::Unwritable { at: at.to_owned(), source };
        refuse_links(at, &["journal.jsonl", "lock"], &["pictures"]).map_err(unwritable)?;
        let lines = OpenOptions::new().append(true).open(at.join("journal.jsonl")).map_err(unwritable)?;
        let lock = private().create(true).append(true).open(at.join("lock")).map_err(unwritable)?;
        let lock =
            FileLock::try_take(lock).map_err(unwritable)?.ok_or_else(|| JournalError::Busy { at: at.to_owned() })?;
        Ok(Folder { lines, pictures: at.join("pictures"), fresh: Vec::new(), _lock: lock })
    }

    /// Leaves out what follows the first `bytes` of the journal: a torn line.
    ///
    /// # Errors
    /// If that cannot be done.
    pub fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.lines.set_len(bytes)?;
        self.lines.sync_all()
    }
}

impl Store for Folder {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        self.lines.write_all(line)
    }

    fn picture(&mut self, digest: &str, png: &[u8]) -> io::Result<()> {
        let path = self.pictures.join(format!("{digest}.png"));
        // One of another length is what a full disk or a failing power supply left of it.
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_file() && found.len() == png.len() as u64) {
            return Ok(());
        }
        // Under its name only when it is whole: a process can be killed in the middle of writing.
        let unfinished = self.pictures.join(format!("{digest}.part"));
        let mut file = private_file(&unfinished)?;
        file.write_all(png)?;
        fs::rename(&unfinished, &path)?;
        self.fresh.push(file);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if !self.fresh.is_empty() {
            for file in self.fresh.drain(..) {
                file.sync_data()?;
            }
            sync_folder(&self.pictures)?;
        }
        self.lines.sync_data()
    }
}

/// How files of a record are made: they show a phone's screen, and others on the machine may not look.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a file of a record, in place of one that a killed process left. In a folder that somebody sent it may be a link, which
/// leads to any file of the user's: it is not followed.
///
/// # Errors
/// If it cannot be made.
pub fn private_file(at: &Path) -> io::Result<File> {
    match fs::remove_file(at) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    private().write(true).create_new(true).open(at)
}

/// Refuses what is in a record under the names of its own files and folders and is something else: in a folder that somebody sent, a
/// link leads to any file of the user's, and a pipe never answers. What is not there is no matter.
///
/// # Errors
/// What is not as it should be, and what to do about it.
pub fn refuse_links(folder: &Path, files: &[&str], folders: &[&str]) -> io::Result<()> {
    let names = files.iter().map(|name| (name, false)).chain(folders.iter().map(|name| (name, true)));
    for (name, is_folder) in names {
        let kind = match fs::symlink_metadata(folder.join(name)) {
            Ok(found) => found.file_type(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let (fits, wanted) = if is_folder { (kind.is_dir(), "folder") } else { (kind.is_file(), "file") };
        if !fits {
            let found = if kind.is_symlink() { "a link, which is not followed in a record" } else { "something else" };
            let what = format!("{name:?} there is {found}: put the {wanted} itself in its place, or take it away");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
    }
    Ok(())
}

/// Makes a folder that only its owner may enter.
///
/// # Errors
/// If it is there already, or cannot be made.
pub fn private_folder(at: &Path) -> io::Result<()> {
    builder().create(at)
}

/// Makes a folder, and those above it that are missing, that only its owner may enter; one that is there stays as it is.
///
/// # Errors
/// If it cannot be made.
pub fn private_folders(at: &Path) -> io::Result<()> {
    builder().recursive(true).create(at)
}

fn builder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// New names are on the disk only when their folder is. Not every system lets a folder be opened.
///
/// # Errors
/// If that cannot be said.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_of_many_that_begin_at_once_has_a_name_of_its_own() {
        let runs = tempfile::tempdir().unwrap();
        let is_taken = |error: &JournalError| matches!(error, JournalError::Exists { .. });
        let names: BTreeSet<String> = std::thread::scope(|scope| {
            let begin = || {
                let make = |name: &str| Folder::create(runs.path(), name).map(|_| name.to_owned());
                first_free("one", is_taken, make).unwrap()
            };
            let threads: Vec<_> = (0..24).map(|_| scope.spawn(begin)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(names, (1..=24).map(|number| numbered("one", number)).collect());
        let other = first_free("..", is_taken, |name| Folder::create(runs.path(), name).map(drop));
        assert!(matches!(other, Err(JournalError::Name { .. })));
    }
}
