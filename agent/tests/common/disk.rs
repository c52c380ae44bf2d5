//! A journal's store in memory that remembers what was synced, and fails when it is told to.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use tapwright_agent::journal::Store;

/// What lies on the disk.
#[derive(Default)]
pub struct Disk {
    pub lines: Vec<u8>,
    /// How many bytes of the lines would survive a loss of power.
    pub synced: usize,
    pub pictures: BTreeMap<String, Vec<u8>>,
    /// How many operations there were.
    pub operations: u32,
    /// The operation that fails, counted from 0, and all that follow it.
    pub fails_at: Option<u32>,
    /// Whether one has failed.
    pub failed: bool,
}

#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Disk>>);

impl Memory {
    pub fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().expect("no test panics while it holds the disk")
    }

    /// The last line that would survive a loss of power.
    pub fn last_synced(&self) -> String {
        let disk = self.disk();
        let text = std::str::from_utf8(&disk.lines[..disk.synced]).expect("a journal is text");
        assert!(text.ends_with('\n'), "synced in the middle of a line");
        text.lines().last().expect("there is a line").to_owned()
    }

    /// The lines that would not survive it.
    pub fn unsynced(&self) -> String {
        let disk = self.disk();
        String::from_utf8_lossy(&disk.lines[disk.synced..]).into_owned()
    }

    /// As it was before the last line was written.
    pub fn lose_last_line(&self) {
        let disk = &mut *self.disk();
        let whole = &disk.lines[..disk.lines.len() - 1];
        let end = whole.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        disk.lines.truncate(end);
        disk.synced = disk.synced.min(end);
    }

    /// Puts it all into a folder, as it would lie there.
    pub fn write_to(&self, folder: &Path) {
        let disk = self.disk();
        std::fs::create_dir_all(folder.join("pictures")).expect("a folder can be made");
        std::fs::write(folder.join("journal.jsonl"), &disk.lines).expect("a file can be written");
        for (digest, png) in &disk.pictures {
            let at = folder.join(format!("pictures/{digest}.png"));
            if !at.exists() {
                std::fs::write(at, png).expect("a file can be written");
            }
        }
    }

    fn attempt(&self) -> Result<MutexGuard<'_, Disk>, MutexGuard<'_, Disk>> {
        let mut disk = self.disk();
        assert!(!disk.failed, "the journal goes on after a failure");
        disk.operations += 1;
        disk.failed = disk.fails_at.is_some_and(|at| disk.operations > at);
        if disk.failed { Err(disk) } else { Ok(disk) }
    }
}

fn full() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "no space left on the disk")
}

impl Store for Memory {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1), "one line at a time");
        match self.attempt() {
            Ok(mut disk) => {
                disk.lines.extend_from_slice(line);
                Ok(())
            }
            Err(mut disk) => {
                disk.lines.extend_from_slice(&line[..line.len() / 2]); // Torn, as full disks do it.
                Err(full())
            }
        }
    }

    fn picture(&mut self, digest: &str, png: &[u8]) -> io::Result<()> {
        let mut disk = self.attempt().map_err(|_| full())?;
        disk.pictures.insert(digest.to_owned(), png.to_vec());
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.attempt().map_err(|_| full())?;
        disk.synced = disk.lines.len();
        Ok(())
    }
}
