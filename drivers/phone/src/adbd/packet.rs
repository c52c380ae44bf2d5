//! Packets of the ADB protocol: bytes in, packets out, and back. Pure; it knows no sockets and no services.
//!
//! A packet is a header of six little-endian words (command, two arguments, payload length, byte sum, inverted command)
//! and its payload.

/// The first version; packets carry a sum of their payload's bytes.
pub(super) const VERSION_SUMS: u32 = 0x0100_0000;
/// From this version on the sum is neither filled in nor looked at, except in what comes before both know the version.
pub(super) const VERSION: u32 = 0x0100_0001;
/// The largest payload that we take.
pub(super) const PAYLOAD_MAX: usize = 1 << 20;
/// The size of a header.
pub(super) const HEADER: usize = 24;

pub(super) const CNXN: u32 = u32::from_le_bytes(*b"CNXN");
pub(super) const AUTH: u32 = u32::from_le_bytes(*b"AUTH");
pub(super) const OPEN: u32 = u32::from_le_bytes(*b"OPEN");
pub(super) const OKAY: u32 = u32::from_le_bytes(*b"OKAY");
pub(super) const WRTE: u32 = u32::from_le_bytes(*b"WRTE");
pub(super) const CLSE: u32 = u32::from_le_bytes(*b"CLSE");

/// One message between host and device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    /// `CNXN`, `OPEN`, ... or something that we do not know.
    pub command: u32,
    /// Mostly the sender's stream.
    pub first: u32,
    /// Mostly the receiver's stream.
    pub second: u32,
    pub payload: Vec<u8>,
}

/// What arrived is not ADB; nothing after it can be trusted, so the connection has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadPacket {
    #[error("the header's magic {magic:#010x} does not fit its command {command:#010x}")]
    Magic { command: u32, magic: u32 },
    #[error("a payload of {length} bytes is larger than {PAYLOAD_MAX}")]
    Length { length: u32 },
    #[error("the payload's bytes add up to {actual:#x} and not to {claimed:#x}")]
    Sum { claimed: u32, actual: u32 },
}

/// Cuts a stream of bytes into packets.
///
/// It holds what has arrived and no more: a header that claims a large payload costs nothing until the payload comes.
#[derive(Debug)]
pub(super) struct Decoder {
    /// What arrived; bytes before `start` are used up. Readers append to it.
    pub arrived: Vec<u8>,
    start: usize,
    /// Whether sums are compared: until both sides have agreed on a version without them.
    pub sums: bool,
}

impl Decoder {
    pub fn new() -> Decoder {
        Decoder { arrived: Vec::new(), start: 0, sums: true }
    }

    /// Takes the next packet, or `None` if more bytes are needed.
    pub fn next(&mut self) -> Result<Option<Packet>, BadPacket> {
        let rest = &self.arrived[self.start..];
        let Some(header) = rest.first_chunk::<HEADER>() else {
            self.compact();
            return Ok(None);
        };
        let word = |index: usize| {
            let at = 4 * index;
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let (command, first, second, length, claimed, magic) = (word(0), word(1), word(2), word(3), word(4), word(5));
        if magic != !command {
            return Err(BadPacket::Magic { command, magic });
        }
        if length as usize > PAYLOAD_MAX {
            return Err(BadPacket::Length { length });
        }
        let end = HEADER + length as usize;
        let Some(payload) = rest.get(HEADER..end) else {
            self.compact();
            return Ok(None);
        };
        let payload = payload.to_vec();
        // A server that dials again knows from the first time that we skip sums, and leaves them out of its hello too.
        let left_out = claimed == 0 && (command == AUTH || (command == CNXN && VERSION <= first));
        if self.sums && !left_out && sum(&payload) != claimed {
            return Err(BadPacket::Sum { claimed, actual: sum(&payload) });
        }
        self.start += end;
        Ok(Some(Packet { command, first, second, payload }))
    }

    fn compact(&mut self) {
        self.arrived.drain(..self.start);
        self.start = 0;
    }
}

/// Writes a packet as it goes over the wire.
pub(super) fn encode(command: u32, first: u32, second: u32, payload: &[u8], sums: bool) -> Vec<u8> {
    encode_parts(command, first, second, &[payload], sums)
}

/// Writes a packet whose payload lies in several places.
pub(super) fn encode_parts(command: u32, first: u32, second: u32, payload: &[&[u8]], sums: bool) -> Vec<u8> {
    let length: usize = payload.iter().map(|part| part.len()).sum();
    assert!(length <= PAYLOAD_MAX, "a payload of {length} bytes was to be sent");
    let added = if sums { payload.iter().fold(0, |total: u32, part| total.wrapping_add(sum(part))) } else { 0 };
    let mut bytes = Vec::with_capacity(HEADER + length);
    for word in [command, first, second, length as u32, added, !command] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    for part in payload {
        bytes.extend_from_slice(part);
    }
    bytes
}

fn sum(payload: &[u8]) -> u32 {
    payload.iter().fold(0, |total: u32, byte| total.wrapping_add(u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What Debian's adb 29 sends first, to the byte.
    const HELLO: &[u8] =
        b"CNXN\x01\x00\x00\x01\x00\x00\x10\x00\x0e\x00\x00\x00\x91\x05\x00\x00\xbc\xb1\xa7\xb1host::features";

    fn all(bytes: &[u8], step: usize, sums: bool) -> Result<Vec<Packet>, BadPacket> {
        let mut decoder = Decoder::new();
        decoder.sums = sums;
        let mut packets = Vec::new();
        for piece in bytes.chunks(step) {
            decoder.arrived.extend_from_slice(piece);
            while let Some(packet) = decoder.next()? {
                packets.push(packet);
            }
        }
        Ok(packets)
    }

    #[test]
    fn a_packet_is_read_from_bytes_however_they_are_cut() {
        let expected = Packet { command: CNXN, first: VERSION, second: 1 << 20, payload: b"host::features".to_vec() };
        for step in [1, 3, 24, 25, 1000] {
            assert_eq!(all(HELLO, step, true), Ok(vec![expected.clone()]), "{step} bytes at a time");
        }
        assert_eq!(encode(CNXN, VERSION, 1 << 20, b"host::features", true), HELLO);
    }

    #[test]
    fn what_is_not_adb_is_refused_and_says_why() {
        assert!(matches!(all(b"GET / HTTP/1.1\r\nHost: localhost\r\n", 7, true), Err(BadPacket::Magic { .. })));
        let mut huge = encode(WRTE, 1, 2, b"", false);
        huge[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(all(&huge, 24, false), Err(BadPacket::Length { length: u32::MAX }));
        let mut bent = HELLO.to_vec();
        bent[24] ^= 1;
        assert!(matches!(all(&bent, 24, true), Err(BadPacket::Sum { .. })));
        assert!(all(&bent, 24, false).is_ok());
    }

    /// What a server sends that had this phone before, and lost it: real adb 29 and 36 both do.
    #[test]
    fn a_hello_of_who_dials_again_has_no_sum() {
        for (command, first, taken) in [
            (CNXN, VERSION, true),
            (CNXN, VERSION + 1, true),
            (AUTH, 2, true),
            (CNXN, VERSION_SUMS, false),
            (OPEN, 1, false),
        ] {
            let bytes = encode(command, first, 1 << 20, b"host::features", false);
            assert_eq!(all(&bytes, 9, true).is_ok(), taken, "{command:#x} {first:#x}");
        }
        let mut bent = encode(CNXN, VERSION, 1 << 20, b"host::features", false);
        bent[16] = 1;
        assert!(
            matches!(all(&bent, 9, true), Err(BadPacket::Sum { claimed: 1, .. })),
            "a sum that is there has to be right"
        );
    }

    #[test]
    fn a_claimed_payload_takes_no_memory() {
        let mut decoder = Decoder::new();
        decoder.arrived.extend_from_slice(&encode(WRTE, 1, 2, b"", false)[..12]);
        decoder.arrived.extend_from_slice(&(PAYLOAD_MAX as u32).to_le_bytes());
        decoder.arrived.extend_from_slice(&[0; 4]);
        decoder.arrived.extend_from_slice(&(!WRTE).to_le_bytes());
        assert_eq!(decoder.next(), Ok(None));
        assert!(decoder.arrived.capacity() < 1000);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), step in 1usize..50) {
            let _ = all(&bytes, step, true);
        }

        #[test]
        fn what_was_written_is_read_back(
            packets in proptest::collection::vec(
                (any::<u32>(), any::<u32>(), any::<u32>(), proptest::collection::vec(any::<u8>(), 0..300)), 0..5),
            step in 1usize..100,
        ) {
            let bytes: Vec<u8> =
                packets.iter().flat_map(|(command, first, second, payload)| encode(*command, *first, *second, payload, true)).collect();
            let read = all(&bytes, step, true).unwrap();
            let expected: Vec<Packet> = packets.into_iter()
                .map(|(command, first, second, payload)| Packet { command, first, second, payload }).collect();
            prop_assert_eq!(read, expected);
        }
    }
}
