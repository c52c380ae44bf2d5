//! Tells records of this user's own from those that somebody sent.
//!
//! `origin.json` carries a seal: a code (HMAC-SHA-256) over what it says and the name of its run, made with a key that is in the
//! user's cache folder and nowhere else. Whoever has no key cannot make one, so what an unsealed record names is input: it is asked
//! about, and never simply used. Without the key nothing is lost but the asking.

use std::fmt;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use sha2::{Digest, Sha256};
use tapwright_agent::journal::{private, private_folders};
use tapwright_contract::file::open_regular;

const NAME: &str = "record.key";
const KEY_BYTES: usize = 32;
const BLOCK_BYTES: usize = 64;

/// The key of this user, on this machine.
#[derive(Clone)]
pub struct SealKey([u8; KEY_BYTES]);

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

impl SealKey {
    /// Reads the key that is kept in the cache folder, or makes one.
    ///
    /// # Errors
    /// If it can neither be read nor made.
    pub fn open(cache: &Path) -> io::Result<SealKey> {
        if cache.as_os_str().is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "there is no cache folder"));
        }
        let at = cache.join(NAME);
        match read(&at) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // What a full disk left of one is none, and nothing was ever sealed with it.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => fs::remove_file(&at)?,
            key => return key,
        }
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        private_folders(cache)?;
        // Under its name only when it is whole; of two processes that make one at once the first counts.
        let fresh = cache.join(format!(".{NAME}-{}", std::process::id()));
        let mut file = private().write(true).create(true).truncate(true).open(&fresh)?;
        file.write_all(&key)?;
        file.sync_all()?;
        let linked = fs::hard_link(&fresh, &at).or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(()),
            // Some file systems have no links.
            _ => fs::rename(&fresh, &at),
        });
        let _ = fs::remove_file(&fresh);
        linked?;
        read(&at)
    }

    /// The seal of a text, in hexadecimal digits.
    pub fn seal(&self, text: &str) -> String {
        let padded = |pad: u8| {
            let mut block = [pad; BLOCK_BYTES];
            block.iter_mut().zip(self.0).for_each(|(byte, key)| *byte ^= key);
            block
        };
        let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
        let outer = Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize();
        hex::encode(outer)
    }

    /// Whether a seal is that of a text. It takes as long whichever letter is wrong.
    pub fn is_of(&self, seal: &str, text: &str) -> bool {
        let own = self.seal(text);
        own.len() == seal.len() && own.bytes().zip(seal.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
    }
}

fn read(at: &Path) -> io::Result<SealKey> {
    let mut key = [0; KEY_BYTES];
    open_regular(at)?.read_exact(&mut key)?;
    Ok(SealKey(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_the_code_that_everybody_computes() {
        // RFC 4231, case 2, has the key "Jefe"; shorter keys are filled with zeros.
        let mut key = [0; KEY_BYTES];
        key[..4].copy_from_slice(b"Jefe");
        let seal = SealKey(key).seal("what do ya want for nothing?");
        assert_eq!(seal, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_key_is_made_once_and_is_its_owners_alone() {
        let cache = tempfile::tempdir().unwrap();
        let cache = cache.path().join("deep/cache");
        let seal = SealKey::open(&cache).unwrap().seal("a");
        let again = SealKey::open(&cache).unwrap();
        assert!(again.is_of(&seal, "a") && !again.is_of(&seal, "b") && !again.is_of("", "a"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(cache.join(NAME)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 1);
        // One that is too short is none, and is made anew.
        for left in [0, 1, KEY_BYTES - 1] {
            fs::write(cache.join(NAME), vec![7; left]).unwrap();
            let seal = SealKey::open(&cache).unwrap().seal("a");
            assert!(SealKey::open(&cache).unwrap().is_of(&seal, "a"));
            assert_eq!(fs::read(cache.join(NAME)).unwrap().len(), KEY_BYTES);
        }
        let other = tempfile::tempdir().unwrap();
        assert!(!SealKey::open(other.path()).unwrap().is_of(&seal, "a"));
        assert!(SealKey::open(Path::new("")).is_err());
    }
}
