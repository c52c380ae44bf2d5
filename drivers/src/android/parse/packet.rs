//! The packets of a direct connection: a header of six words, then a payload.

use std::collections::BTreeSet;

/// A command is four ASCII letters.
const fn word(letters: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*letters)
}

pub(crate) const SYNC: u32 = word(b"SYNC");
pub(crate) const CONNECT: u32 = word(b"CNXN");
pub(crate) const AUTH: u32 = word(b"AUTH");
pub(crate) const TLS: u32 = word(b"STLS");
pub(crate) const OPEN: u32 = word(b"OPEN");
pub(crate) const OKAY: u32 = word(b"OKAY");
pub(crate) const WRITE: u32 = word(b"WRTE");
pub(crate) const CLOSE: u32 = word(b"CLSE");

/// What an `AUTH` is about: a token to be signed, its signature, a public key.
pub(crate) const AUTH_TOKEN: u32 = 1;
pub(crate) const AUTH_SIGNATURE: u32 = 2;
pub(crate) const AUTH_PUBLIC: u32 = 3;

/// From this version on payloads are not summed, but for those of `CNXN` and `AUTH`.
pub(crate) const VERSION_WITHOUT_SUMS: u32 = 0x0100_0001;
/// The largest payload that we take and say so.
pub(crate) const PAYLOAD_MAX: u32 = 1 << 20;
/// What peers of before 2016 take; nobody takes less.
const PAYLOAD_MIN: u32 = 4096;

pub(crate) const HEADER: usize = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub command: u32,
    pub arg0: u32,
    pub arg1: u32,
    pub length: u32,
    pub sum: u32,
}

/// Reads a header.
///
/// # Errors
/// What is wrong with it, when it cannot be one: after that the bytes that follow mean nothing.
pub(crate) fn header(bytes: &[u8; HEADER]) -> Result<Header, String> {
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let header = Header { command: word(0), arg0: word(4), arg1: word(8), length: word(12), sum: word(16) };
    if header.command ^ word(20) != u32::MAX {
        return Err(format!("{:?} is not the header of an ADB packet", String::from_utf8_lossy(&bytes[..4])));
    }
    if header.length > PAYLOAD_MAX {
        return Err(format!("a packet of {} bytes, where {PAYLOAD_MAX} were agreed on", header.length));
    }
    Ok(header)
}

/// Checks a payload against the sum in its header.
///
/// # Errors
/// Which sums differ.
pub(crate) fn check(header: &Header, payload: &[u8], version: u32) -> Result<(), String> {
    let always = header.command == CONNECT || header.command == AUTH;
    // Some daemons send 0 in CNXN as well; a greeting without a sum is not damage.
    if (always && header.sum == 0) || (!always && version >= VERSION_WITHOUT_SUMS) {
        return Ok(());
    }
    let sum = sum(payload);
    if sum != header.sum {
        return Err(format!("a packet was damaged: its sum is {sum:#x} and should be {:#x}", header.sum));
    }
    Ok(())
}

/// Header and payload in one piece, because two small writes in a row wait for each other.
pub(crate) fn packet(command: u32, arg0: u32, arg1: u32, payload: &[u8], version: u32) -> Vec<u8> {
    let summed = version < VERSION_WITHOUT_SUMS || command == CONNECT || command == AUTH;
    let sum = if summed { sum(payload) } else { 0 };
    let length = u32::try_from(payload.len()).expect("payloads are cut to at most a mebibyte");
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    for word in [command, arg0, arg1, length, sum, !command] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(payload);
    bytes
}

/// The sum of the bytes, which the protocol's documents call a CRC.
fn sum(payload: &[u8]) -> u32 {
    payload.iter().fold(0, |sum, byte| sum.wrapping_add(u32::from(*byte)))
}

/// How a device introduces itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Greeting {
    /// The version that both sides speak.
    pub version: u32,
    /// The largest payload that both sides take.
    pub payload_max: usize,
    /// `device`, `recovery`, `unauthorized` …
    pub state: String,
    /// What the device can do: `shell_v2`, `cmd` …
    pub features: BTreeSet<String>,
}

/// Reads the answer to our `CNXN`.
pub(crate) fn greeting(header: &Header, payload: &[u8]) -> Greeting {
    let text = String::from_utf8_lossy(payload);
    let text = text.trim_end_matches('\0');
    // state:serial:properties, the properties separated by semicolons, the features by commas.
    let mut parts = text.splitn(3, ':');
    let state = parts.next().unwrap_or_default().to_owned();
    let features = parts.nth(1).unwrap_or_default().split(';').find_map(|property| property.strip_prefix("features="));
    Greeting {
        version: header.arg0.min(VERSION_WITHOUT_SUMS),
        payload_max: header.arg1.clamp(PAYLOAD_MIN, PAYLOAD_MAX) as usize,
        state,
        features: features.map(super::server::features).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check_greeting(payload: &str, expected: Expect) {
        let header = Header { command: CONNECT, arg0: 0x0100_0001, arg1: 1 << 20, length: 0, sum: 0 };
        let read = greeting(&header, payload.as_bytes());
        expected.assert_eq(&format!("{} {:?}", read.state, read.features));
    }

    #[test]
    fn greetings() {
        check_greeting(
            "device::ro.product.name=virt;ro.product.model=Virt Phone;ro.product.device=virt1;features=shell_v2,cmd,stat_v2\0",
            expect![[r#"device {"cmd", "shell_v2", "stat_v2"}"#]],
        );
        check_greeting("device::", expect!["device {}"]);
        check_greeting("recovery::features=shell_v2", expect![[r#"recovery {"shell_v2"}"#]]);
        check_greeting("", expect![" {}"]);
    }

    #[test]
    fn a_peer_that_takes_nothing_is_sent_small_packets() {
        let header = Header { command: CONNECT, arg0: 0x0100_0000, arg1: 0, length: 0, sum: 0 };
        assert_eq!(greeting(&header, b"device::").payload_max, 4096);
    }

    #[test]
    fn damage_is_seen_where_sums_are_spoken() {
        let bytes = packet(WRITE, 1, 2, b"hello", 0x0100_0000);
        let header = header(bytes[..HEADER].try_into().unwrap()).unwrap();
        assert_eq!(header.sum, 0x68 + 0x65 + 0x6c + 0x6c + 0x6f);
        assert!(check(&header, b"hello", 0x0100_0000).is_ok());
        assert!(check(&header, b"hellp", 0x0100_0000).is_err());
        assert!(check(&header, b"hellp", 0x0100_0001).is_ok());
    }

    proptest! {
        #[test]
        fn headers_survive(command: u32, arg0: u32, arg1: u32, payload in proptest::collection::vec(any::<u8>(), 0..64)) {
            let bytes = packet(command, arg0, arg1, &payload, 0);
            let read = header(bytes[..HEADER].try_into().unwrap()).unwrap();
            prop_assert_eq!((read.command, read.arg0, read.arg1, read.length as usize), (command, arg0, arg1, payload.len()));
            prop_assert!(check(&read, &payload, 0).is_ok());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: [u8; HEADER], payload in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(read) = header(&bytes) {
                prop_assert!(read.length <= PAYLOAD_MAX);
            }
            let greeted = Header { command: CONNECT, arg0: 9, arg1: 9, length: 0, sum: 0 };
            greeting(&greeted, &payload);
        }
    }
}
