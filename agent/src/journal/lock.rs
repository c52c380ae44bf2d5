//! Files that one process has for itself.

use std::fs::{File, TryLockError};
use std::io;
use std::ops::Deref;

/// A locked file. The lock is let go of when this is dropped, or when the process ends, however it ends.
#[derive(Debug)]
pub struct FileLock(File);

impl FileLock {
    /// Locks a file; nothing if somebody else has it.
    ///
    /// # Errors
    /// If it cannot be locked at all, as on some network drives.
    pub fn try_take(file: File) -> io::Result<Option<FileLock>> {
        match file.try_lock() {
            Ok(()) => Ok(Some(FileLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Locks a file, and waits until nobody else has it.
    ///
    /// # Errors
    /// If it cannot be locked at all.
    pub fn take(file: File) -> io::Result<FileLock> {
        file.lock()?;
        Ok(FileLock(file))
    }
}

impl Deref for FileLock {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for FileLock {
    /// To close the file would not be enough: a program that another thread starts at this moment has it open too for an instant, and
    /// the lock with it.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::debug!(%error, "a lock goes only when its file is closed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_was_dropped_is_free_although_its_file_is_open_somewhere() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || file.reopen().unwrap();
        let lock = FileLock::try_take(open()).unwrap().unwrap();
        // As a program that is just being started has it.
        let inherited = lock.try_clone().unwrap();
        assert!(FileLock::try_take(open()).unwrap().is_none());
        drop(lock);
        FileLock::try_take(open()).unwrap().unwrap();
        drop(inherited);
    }
}
