//! Folders of private desktops and browsers: nobody else can look into them, and they go however their owners end.
//!
//! Whoever lives has the lock in its folder, so what is not locked was left by a run and a keeper that were both killed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// As many are drawn for a name.
const RANDOM_BYTES: usize = 8;

/// A folder that nobody else removes while this is there.
#[derive(Debug)]
pub(crate) struct PrivateFolder {
    pub path: PathBuf,
    lock: File,
}

impl Drop for PrivateFolder {
    /// To close the file would not be enough: a program that another thread starts at this moment has it open too for an instant, and
    /// the lock with it.
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

impl PrivateFolder {
    /// Makes one in `base`, called `prefix` and random digits; `fill` puts into it what belongs there.
    ///
    /// # Errors
    /// If it cannot be made, or filled: then nothing is left of it.
    pub fn make(base: &Path, prefix: &str, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<PrivateFolder> {
        let mut random = [0; RANDOM_BYTES];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let name = format!("{prefix}{}", hex::encode(random));
        fs::create_dir_all(base)?;
        // Under another name until it is locked: who sweeps at the same moment would take it for one that was left.
        let unlocked = base.join(format!(".{name}"));
        DirBuilder::new().mode(0o700).create(&unlocked)?;
        let path = base.join(name);
        let made = || {
            let lock = create(&unlocked.join("lock"))?;
            lock.lock()?;
            fill(&unlocked)?;
            fs::rename(&unlocked, &path)?;
            Ok(lock)
        };
        match made() {
            Ok(lock) => Ok(PrivateFolder { path, lock }),
            Err(error) => {
                drop(fs::remove_dir_all(&unlocked));
                Err(error)
            }
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Writes a new file that nobody else can read.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create(path)?.write_all(bytes)
}

/// Makes a folder that nobody else can look into.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Whether a folder's name ends with digits as they are drawn.
fn is_drawn(folder: &Path, prefix: &str) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let end = name.strip_prefix(prefix).unwrap_or_default();
    end.len() == 2 * RANDOM_BYTES && end.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Has those removed that were left in `base`.
pub(crate) fn sweep(base: &Path, prefix: &str, remove: impl Fn(&Path)) {
    for folder in fs::read_dir(base).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let is_ours = folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(prefix));
        let is_left = || File::open(folder.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok());
        let has_lock_file = || folder.join("lock").exists();
        // Without a lock it is what a keeper could not take away, as a folder gets its name with one; if it is a name that we give.
        if is_ours && (is_left() || !has_lock_file() && is_drawn(&folder, prefix)) {
            remove(&folder);
        } else if is_ours && !has_lock_file() {
            drop(fs::remove_dir(&folder));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_the_making_is_not_swept_away_and_one_that_was_left_is() {
        let base = tempfile::tempdir().unwrap();
        let there = || {
            let names = fs::read_dir(base.path()).unwrap().flatten();
            let names = names.map(|entry| entry.file_name().into_string().unwrap());
            names.filter(|name| name.trim_start_matches('.').starts_with("ours-")).count()
        };
        let sweep = || sweep(base.path(), "ours-", |folder| drop(fs::remove_dir_all(folder)));
        fs::create_dir(base.path().join("other")).unwrap();
        let folder = PrivateFolder::make(base.path(), "ours-", |inside| {
            sweep();
            assert_eq!(there(), 1, "another one's start took it away while it was made");
            write_new(&inside.join("file"), b"text")
        });
        let folder = folder.unwrap();
        sweep();
        assert_eq!((there(), fs::read(folder.path.join("file")).unwrap()), (1, b"text".to_vec()));
        drop(folder);
        sweep();
        assert_eq!(there(), 0, "nobody has its lock any more");
        for name in ["ours-0123456789abcdef", "ours-mine"] {
            fs::create_dir_all(base.path().join(name).join("home/.cache")).unwrap();
        }
        sweep();
        assert_eq!(there(), 1, "what a keeper has left lay there for ever");
        assert!(base.path().join("ours-mine/home").is_dir(), "nobody has drawn that name");
        fs::remove_dir_all(base.path().join("ours-mine")).unwrap();
        let failed = PrivateFolder::make(base.path(), "ours-", |_| Err(io::Error::other("no")));
        assert!(failed.is_err() && there() == 0 && base.path().join("other").is_dir());
    }
}
