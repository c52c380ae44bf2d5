//! Tells records of this user's own from those that somebody sent.
//!
//! `origin.json` carries a seal: a code (HMAC-SHA-256) over what it says and the name of its run, made with a key that is in the
//! user's cache folder and nowhere else. Whoever has no key cannot make one, so what an unsealed record names is input: it is asked
//! about, and never simply used. Without the key nothing is lost but the asking. A seal also says which key it is of, so that a record
//! of one's own that was changed is told from one that was made elsewhere.

use std::fmt;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use sha2::{Digest, Sha256};
use tapwright_agent::journal::{private, private_file, private_folders};
use tapwright_contract::file::open_regular;

const NAME: &str = "record.key";
const KEY_BYTES: usize = 32;
const BLOCK_BYTES: usize = 64;
const ID_LETTERS: usize = 16;

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
            Err(error) if is_none(&error) => {}
            key => return key,
        }
        private_folders(cache)?;
        // Of several that make one at once the first counts, and the others use it: what they have sealed must not become a stranger's.
        let turn = private().write(true).create(true).truncate(false).open(cache.join(format!(".{NAME}.lock")))?;
        turn.lock()?;
        match read(&at) {
            Err(error) if is_none(&error) => {}
            key => return key,
        }
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        // Under its name only when it is whole.
        let fresh = cache.join(format!(".{NAME}"));
        let mut file = private_file(&fresh)?;
        file.write_all(&key)?;
        file.sync_all()?;
        fs::rename(&fresh, &at)?;
        Ok(SealKey(key))
    }

    /// Which key it is, without saying what it is.
    fn id(&self) -> String {
        self.code("tapwright record.key")[..ID_LETTERS].to_owned()
    }

    /// The seal of a text: which key it is of, and the code.
    pub fn seal(&self, text: &str) -> String {
        format!("{}-{}", self.id(), self.code(text))
    }

    /// The code of a text, in hexadecimal digits.
    fn code(&self, text: &str) -> String {
        let padded = |pad: u8| {
            let mut block = [pad; BLOCK_BYTES];
            block.iter_mut().zip(self.0).for_each(|(byte, key)| *byte ^= key);
            block
        };
        let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
        let outer = Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize();
        hex::encode(outer)
    }

    /// Whether a seal is that of a text. Seals of before do not say which key they are of.
    pub fn is_of(&self, seal: &str, text: &str) -> bool {
        let code = seal.split_once('-').map_or(seal, |(_, code)| code);
        is_same_secret(code.as_bytes(), self.code(text).as_bytes())
    }

    /// Whether a seal was made with this key, of whatever text.
    pub fn has_made(&self, seal: &str) -> bool {
        seal.split_once('-').is_some_and(|(id, _)| id == self.id())
    }
}

/// Whether two secrets are one. It takes as long whichever letter is wrong.
pub(crate) fn is_same_secret(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// Whether there is no key: none at all, or what a full disk left of one, with which nothing was ever sealed.
fn is_none(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
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
        let seal = SealKey(key).code("what do ya want for nothing?");
        assert_eq!(seal, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_key_is_made_once_and_is_its_owners_alone() {
        let cache = tempfile::tempdir().unwrap();
        let cache = cache.path().join("deep/cache");
        let seal = SealKey::open(&cache).unwrap().seal("a");
        let again = SealKey::open(&cache).unwrap();
        assert!(again.is_of(&seal, "a") && !again.is_of(&seal, "b") && !again.is_of("", "a"));
        assert!(again.is_of(&again.code("a"), "a"), "as it was before seals said whose they are");
        assert!(again.has_made(&seal) && !again.has_made(&again.code("a")) && !again.has_made(""));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(cache.join(NAME)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 2, "the key, and what those who make one wait for");
        // One that is too short is none, and is made anew.
        for left in [0, 1, KEY_BYTES - 1] {
            fs::write(cache.join(NAME), vec![7; left]).unwrap();
            let seal = SealKey::open(&cache).unwrap().seal("a");
            assert!(SealKey::open(&cache).unwrap().is_of(&seal, "a"));
            assert_eq!(fs::read(cache.join(NAME)).unwrap().len(), KEY_BYTES);
        }
        let other = tempfile::tempdir().unwrap();
        let others = SealKey::open(other.path()).unwrap();
        assert!(!others.is_of(&seal, "a") && !others.has_made(&seal));
        assert!(SealKey::open(Path::new("")).is_err());
    }

    /// Each of them goes on with the key that stays, wherever there was none or half of one.
    #[test]
    fn all_that_make_a_key_at_once_have_one() {
        for left in [None, Some(3)] {
            for _ in 0..20 {
                let cache = tempfile::tempdir().unwrap();
                if let Some(left) = left {
                    fs::write(cache.path().join(NAME), vec![7; left]).unwrap();
                }
                let start = std::sync::Barrier::new(8);
                let seals: Vec<String> = std::thread::scope(|scope| {
                    let open = || {
                        start.wait();
                        SealKey::open(cache.path()).unwrap().seal("a")
                    };
                    let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
                    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
                });
                let kept = SealKey::open(cache.path()).unwrap();
                assert!(seals.iter().all(|seal| kept.is_of(seal, "a")), "{left:?}");
            }
        }
    }
}
