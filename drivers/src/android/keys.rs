//! The keys by which a device knows this computer: those that adb keeps. They are read, and never made or changed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, Pkcs1v15Sign, RsaPrivateKey};
use tapwright_contract::file::read_text;

/// Which keys a device is shown, and how long its owner is waited for if it knows none of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Private keys in PEM, or folders that hold some as `*.adb_key`; the first one is the one that the device's owner is
    /// asked about. One that is not there is passed over.
    pub files: Vec<PathBuf>,
    /// How long a person has to allow this computer on the device's screen.
    pub person: Duration,
}

/// What a device sends to be signed.
pub(crate) const TOKEN: usize = 20;
/// The one size of key that Android has a format for.
const BYTES: usize = 256;
/// A key takes 2 KB.
const FILE_MAX: u64 = 64 << 10;
/// So many keys are tried; a device that has refused these will refuse more.
const KEYS_MAX: usize = 16;
/// How PKCS #1 writes that what follows is a SHA-1. The token stands where a digest would.
const SHA1: [u8; 15] = [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];

/// What was found of the keys.
pub(crate) struct FoundKeys {
    pub keys: Vec<AdbKey>,
    /// Files that are there and hold no key.
    pub troubles: Vec<String>,
}

/// One key, and where it is from.
pub(crate) struct AdbKey {
    pub at: PathBuf,
    private: RsaPrivateKey,
}

impl Keys {
    /// Reads what there is.
    pub(crate) async fn read(&self) -> FoundKeys {
        let files = self.files.clone();
        // Files, and some milliseconds of checking that a key is one.
        let read = tokio::task::spawn_blocking(move || read_all(&files)).await;
        read.unwrap_or_else(|error| FoundKeys { keys: Vec::new(), troubles: vec![error.to_string()] })
    }
}

fn read_all(named: &[PathBuf]) -> FoundKeys {
    let mut found = FoundKeys { keys: Vec::new(), troubles: Vec::new() };
    for named in named {
        for file in files(named) {
            if found.keys.len() == KEYS_MAX {
                return found;
            }
            match read(&file) {
                Ok(Some(private)) => found.keys.push(AdbKey { at: file, private }),
                Ok(None) => {}
                Err(why) => found.troubles.push(format!("{}: {why}", file.display())),
            }
        }
    }
    found
}

/// A file is itself; a folder is the keys in it, in the order of their names.
fn files(named: &Path) -> Vec<PathBuf> {
    let Ok(folder) = named.read_dir() else { return vec![named.to_owned()] };
    let mut files: Vec<PathBuf> = folder
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "adb_key"))
        .collect();
    files.sort();
    files
}

/// `None` if there is no such file.
fn read(file: &Path) -> Result<Option<RsaPrivateKey>, String> {
    match read_text(file, FILE_MAX) {
        Ok(pem) => private(&pem).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn private(pem: &str) -> Result<RsaPrivateKey, String> {
    // What adb writes now, and what it wrote long ago.
    let key = RsaPrivateKey::from_pkcs8_pem(pem)
        .or_else(|_| RsaPrivateKey::from_pkcs1_pem(pem))
        .map_err(|_| "this is no private RSA key in PEM".to_owned())?;
    if key.size() != BYTES {
        return Err(format!("a key of {} bits, and Android takes 2048", 8 * key.size()));
    }
    Ok(key)
}

impl AdbKey {
    /// The token, signed.
    pub fn sign(&self, token: &[u8; TOKEN]) -> Result<Vec<u8>, String> {
        let padding = Pkcs1v15Sign { hash_len: Some(TOKEN), prefix: SHA1.into() };
        // Blinded by chance, so that how long it takes says less about the key.
        self.private.sign_with_rng(&mut OsRng, padding, token).map_err(|error| error.to_string())
    }

    /// What the device's owner is asked about and the device keeps: `adbkey.pub`, and a zero.
    pub fn public(&self) -> Vec<u8> {
        let name = self.name().unwrap_or_else(|| "tapwright".to_owned());
        format!("{} {name}\0", STANDARD.encode(public(self.private.n(), self.private.e()))).into_bytes()
    }

    /// What adb calls this computer: the words behind the public key that it has written beside the private one.
    fn name(&self) -> Option<String> {
        let mut beside = self.at.clone().into_os_string();
        beside.push(".pub");
        let text = read_text(Path::new(&beside), FILE_MAX).ok()?;
        let name = text.trim().split_once(' ')?.1.trim();
        let plain = !name.is_empty() && name.len() <= 128 && name.chars().all(|letter| letter.is_ascii_graphic());
        plain.then(|| name.to_owned())
    }
}

/// A public key as Android computes with it: with what a Montgomery multiplication needs, all of it in little-endian words.
fn public(modulus: &BigUint, exponent: &BigUint) -> Vec<u8> {
    const WORDS: u32 = BYTES as u32 / 4;
    let words = |number: &BigUint| {
        let mut bytes = number.to_bytes_le();
        bytes.resize(BYTES, 0);
        bytes
    };
    let modulus_bytes = words(modulus);
    let lowest = u32::from_le_bytes([modulus_bytes[0], modulus_bytes[1], modulus_bytes[2], modulus_bytes[3]]);
    // Each round doubles the bits of the inverse that are right; an odd number is its own inverse in the lowest three.
    let inverse =
        (0..5).fold(lowest, |inverse, _| inverse.wrapping_mul(2u32.wrapping_sub(lowest.wrapping_mul(inverse))));
    let square = (BigUint::from(1u32) << (2 * 8 * BYTES)) % modulus;
    let exponent = exponent.to_bytes_le();
    let mut exponent_word = [0; 4];
    let length = exponent.len().min(4);
    exponent_word[..length].copy_from_slice(&exponent[..length]);
    let mut bytes = Vec::with_capacity(12 + 2 * BYTES);
    bytes.extend(WORDS.to_le_bytes());
    bytes.extend(inverse.wrapping_neg().to_le_bytes());
    bytes.extend(modulus_bytes);
    bytes.extend(words(&square));
    bytes.extend(exponent_word);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The format is adb's own, so adb is asked; where it is missing this says so and does nothing.
    #[test]
    fn the_public_key_is_the_one_that_adb_writes() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("adbkey");
        let ran = std::process::Command::new("adb").arg("keygen").arg(&at).env("HOME", folder.path()).output();
        if !ran.is_ok_and(|ran| ran.status.success()) {
            eprintln!("SKIPPED: the program adb is not there (Debian: apt-get install adb)");
            return;
        }
        let written = std::fs::read_to_string(folder.path().join("adbkey.pub")).unwrap();
        let found = read_all(&[at]);
        let [key] = &found.keys[..] else { panic!("{:?}", found.troubles) };
        assert_eq!(String::from_utf8(key.public()).unwrap(), format!("{}\0", written.trim_end()));
    }

    #[test]
    fn names_come_from_beside_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let key = AdbKey { at: folder.path().join("adbkey"), private: RsaPrivateKey::new(&mut OsRng, 512).unwrap() };
        assert_eq!(key.name(), None);
        for (text, name) in [
            ("QAAA me@laptop", Some("me@laptop")),
            ("QAAA @unknown\n", Some("@unknown")),
            ("QAAA", None),
            ("QAAA a b", None),
            ("QAAA \u{1b}[2J", None),
            ("", None),
        ] {
            std::fs::write(folder.path().join("adbkey.pub"), text).unwrap();
            assert_eq!(key.name().as_deref(), name, "{text:?}");
        }
    }

    #[test]
    fn what_is_too_large_for_a_key_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("big.adb_key"), vec![b'x'; FILE_MAX as usize + 1]).unwrap();
        let found = read_all(&[folder.path().to_owned(), folder.path().join("nothing")]);
        assert!(found.keys.is_empty());
        assert_eq!(found.troubles.len(), 1, "{:?}", found.troubles);
        assert!(found.troubles[0].contains("it has 65537 bytes, and at most 65536 are read"), "{:?}", found.troubles);
    }
}
