//! Packets inside a `shell,v2` stream: which output bytes are meant for, input, and the exit status. Pure.

/// The largest packet that is taken from a client.
const FRAME_MAX: usize = 1 << 20;
/// The size of a frame's head: an id and a length.
pub(super) const HEAD: usize = 5;

pub(super) const STDIN: u8 = 0;
pub(super) const STDOUT: u8 = 1;
pub(super) const STDERR: u8 = 2;
pub(super) const EXIT: u8 = 3;
pub(super) const CLOSE_STDIN: u8 = 4;

/// A client sent a packet that is larger than any that makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Cuts a stream's bytes into frames, which need not begin or end where packets do.
#[derive(Debug, Default)]
pub(super) struct Frames {
    arrived: Vec<u8>,
}

impl Frames {
    pub fn push(&mut self, bytes: &[u8]) {
        self.arrived.extend_from_slice(bytes);
    }

    /// The next frame's id and content, or `None` if more bytes are needed.
    pub fn next(&mut self) -> Result<Option<(u8, Vec<u8>)>, TooLong> {
        let Some(&[id, a, b, c, d]) = self.arrived.first_chunk::<HEAD>() else { return Ok(None) };
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if FRAME_MAX < length {
            return Err(TooLong);
        }
        let Some(content) = self.arrived.get(HEAD..HEAD + length) else { return Ok(None) };
        let content = content.to_vec();
        self.arrived.drain(..HEAD + length);
        Ok(Some((id, content)))
    }
}

/// The head of a frame.
pub(super) fn head(id: u8, length: usize) -> [u8; HEAD] {
    let [a, b, c, d] = (length as u32).to_le_bytes();
    [id, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_may_be_split_and_merged() {
        let bytes = b"\x00\x03\x00\x00\x00id\n\x05\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x01\x00\x00\x00x";
        for step in [1, 2, 7, 100] {
            let mut frames = Frames::default();
            let mut seen = Vec::new();
            for piece in bytes.chunks(step) {
                frames.push(piece);
                while let Some(frame) = frames.next().unwrap() {
                    seen.push(frame);
                }
            }
            let expected: [(u8, &[u8]); 4] = [(0, b"id\n"), (5, b""), (4, b""), (0, b"x")];
            assert_eq!(seen.iter().map(|(id, content)| (*id, &**content)).collect::<Vec<_>>(), expected, "{step}");
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_before_it_arrives() {
        let mut frames = Frames::default();
        frames.push(b"\x00\xff\xff\xff\xff");
        assert_eq!(frames.next(), Err(TooLong));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut frames = Frames::default();
            frames.push(&bytes);
            while let Ok(Some(_)) = frames.next() {}
        }
    }
}
