//! Who may use the phone: everybody, or the computers whose keys it knows and those that its owner allows on its screen.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::rand_core::{OsRng, RngCore};
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};
use tokio::sync::Mutex as Turns;

use super::handle::Handle;
use crate::{Answer, Event};

/// What is sent to be signed.
pub(super) const TOKEN: usize = 20;
/// How PKCS #1 writes that what follows is a SHA-1; the token stands where a digest would.
const SHA1: [u8; 15] = [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];
/// Bytes of the one size of key that Android has a format for.
const MODULUS: usize = 256;
/// A word for how many words there are, one for the multiplication, the modulus, its square, the exponent.
const LENGTH: usize = 4 + 4 + MODULUS + MODULUS + 4;
/// So many keys are remembered; the oldest one that was allowed on the screen is forgotten first.
const KNOWN_MAX: usize = 64;

/// Who may use a phone over ADB.
#[derive(Clone, Debug, Default)]
pub enum Access {
    /// Whoever can connect.
    #[default]
    Anybody,
    /// Who has one of these keys, and who is allowed on the screen.
    Keys(Vec<PublicKey>),
}

/// The public half of a computer's key, as adb writes it into `adbkey.pub`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    key: RsaPublicKey,
    name: String,
}

/// A text is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no public key as adb writes it: base64 of {LENGTH} bytes, and a name")]
pub struct BadKey;

impl PublicKey {
    /// Reads the text of `adbkey.pub`.
    ///
    /// # Errors
    /// `BadKey` if it is none.
    pub fn parse(text: &str) -> Result<PublicKey, BadKey> {
        let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\0');
        let (key, name) = text.split_once(' ').unwrap_or((text, ""));
        let bytes = STANDARD.decode(key).map_err(|_| BadKey)?;
        let bytes: &[u8; LENGTH] = bytes.as_slice().try_into().map_err(|_| BadKey)?;
        if bytes[..4] != (MODULUS as u32 / 4).to_le_bytes() {
            return Err(BadKey);
        }
        let modulus = BigUint::from_bytes_le(&bytes[8..8 + MODULUS]);
        let exponent = BigUint::from_bytes_le(&bytes[LENGTH - 4..]);
        let key = RsaPublicKey::new(modulus, exponent).map_err(|_| BadKey)?;
        // What comes from outside is shown on the screen.
        let name = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
        Ok(PublicKey { key, name })
    }

    /// Who it says that it is of: `me@laptop`.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn has_signed(&self, token: &[u8; TOKEN], signature: &[u8]) -> bool {
        let padding = Pkcs1v15Sign { hash_len: Some(TOKEN), prefix: SHA1.into() };
        self.key.verify(padding, token, signature).is_ok()
    }
}

/// Who is let in by one daemon.
pub(super) struct Authorizer {
    /// `None` lets everybody in.
    known: Option<Mutex<Vec<PublicKey>>>,
    /// One question at a time is on the screen.
    turns: Turns<()>,
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

impl Authorizer {
    pub fn new(access: Access) -> Authorizer {
        let known = match access {
            Access::Anybody => None,
            Access::Keys(keys) => Some(Mutex::new(keys)),
        };
        Authorizer { known, turns: Turns::new(()) }
    }

    pub fn is_open(&self) -> bool {
        self.known.is_none()
    }

    /// Whether a token was signed by somebody who may come in.
    pub fn knows(&self, token: &[u8; TOKEN], signature: &[u8]) -> bool {
        let Some(known) = &self.known else { return true };
        let known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().any(|key| key.has_signed(token, signature))
    }

    /// Asks on the phone's screen whether a key may come in, and remembers it if so. Given up when dropped.
    pub async fn ask(&self, handle: &Handle, key: PublicKey) -> bool {
        let _turn = self.turns.lock().await;
        let mut changes = handle.changes();
        handle.happen(Event::Debugging { computer: key.name.clone() });
        let _shown = ShownQuestion(handle);
        loop {
            match handle.look(|world| world.debugging()) {
                Some(Answer::No) => return false,
                Some(Answer::Yes) => break,
                None => {}
            }
            if changes.changed().await.is_err() {
                return false; // There is no phone any more.
            }
        }
        if let Some(known) = &self.known {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= KNOWN_MAX {
                known.remove(0);
            }
            known.push(key);
        }
        true
    }
}

/// The question is on the screen while somebody waits for its answer.
struct ShownQuestion<'a>(&'a Handle);

impl Drop for ShownQuestion<'_> {
    fn drop(&mut self) {
        self.0.happen(Event::DebuggingOver);
    }
}

/// Something to be signed that nobody can have seen before.
pub(super) fn token() -> [u8; TOKEN] {
    let mut token = [0; TOKEN];
    OsRng.fill_bytes(&mut token);
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_refused() {
        let short = STANDARD.encode([64; 100]);
        let zeros = STANDARD.encode([0; LENGTH]);
        let mut even = [0; LENGTH];
        even[0] = 64;
        even[8] = 2;
        for text in ["", "me@laptop", "-----BEGIN PRIVATE KEY-----", &short, &zeros, &STANDARD.encode(even)] {
            assert_eq!(PublicKey::parse(text), Err(BadKey), "{text}");
        }
    }

    #[test]
    fn tokens_differ() {
        assert_ne!(token(), token());
    }
}
