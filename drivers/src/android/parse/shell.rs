//! The shell protocol, version 2: frames of standard output, standard error and the exit code.

/// A frame is cut into packets and merged with others at will, so it is read from a stream of bytes.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    buffer: Vec<u8>,
    read: usize,
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Output(Vec<u8>),
    Errors(Vec<u8>),
    Exit(u8),
}

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const EXIT: u8 = 3;
/// The largest frame that is believed; real ones are at most as long as a packet.
const FRAME_MAX: usize = 4 << 20;
const HEADER: usize = 5;

impl Frames {
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.read == self.buffer.len() {
            self.buffer.clear();
            self.read = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, or `None` until more bytes are there. Frames of kinds that we do not know are skipped.
    ///
    /// # Errors
    /// What is wrong, when these cannot be frames.
    pub fn next(&mut self) -> Result<Option<Frame>, String> {
        loop {
            let rest = &self.buffer[self.read..];
            let Some((header, body)) = rest.split_at_checked(HEADER) else { return Ok(None) };
            let kind = header[0];
            let length = u32::from_le_bytes([header[1], header[2], header[3], header[4]]) as usize;
            if length > FRAME_MAX {
                return Err(format!("a frame of {length} bytes from the shell"));
            }
            let Some(body) = body.get(..length) else { return Ok(None) };
            let frame = match (kind, body) {
                (STDOUT, body) => Some(Frame::Output(body.to_vec())),
                (STDERR, body) => Some(Frame::Errors(body.to_vec())),
                (EXIT, [code, ..]) => Some(Frame::Exit(*code)),
                (EXIT, []) => return Err("an exit code without a code".to_owned()),
                _ => None,
            };
            self.read += HEADER + length;
            if let Some(frame) = frame {
                return Ok(Some(frame));
            }
        }
    }
}

/// Text for the standard input of a shell.
pub(crate) fn input(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).expect("commands are far shorter than four gigabytes");
    let mut frame = Vec::with_capacity(HEADER + text.len());
    frame.push(STDIN);
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// Looks for the end of a command in the output of a shell that stays open: `marker`, a colon, the exit code and the end
/// of the line. Returns how long the command's own output is, and its exit code.
pub(crate) fn command_end(output: &[u8], marker: &str) -> Option<(usize, i32)> {
    let at = find(output, marker.as_bytes())?;
    let rest = output[at + marker.len()..].strip_prefix(b":")?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let code = std::str::from_utf8(&rest[..end]).ok()?.trim().parse().ok()?;
    Some((at, code))
}

fn find(within: &[u8], wanted: &[u8]) -> Option<usize> {
    within.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend((body.len() as u32).to_le_bytes());
        bytes.extend(body);
        bytes
    }

    #[test]
    fn frames_are_found_however_they_were_cut() {
        let stream =
            [frame(1, b"out"), frame(9, b"what is this"), frame(2, b"err"), frame(1, b""), frame(3, &[7])].concat();
        for size in 1..stream.len() {
            let mut frames = Frames::default();
            let mut seen = Vec::new();
            for piece in stream.chunks(size) {
                frames.feed(piece);
                while let Some(frame) = frames.next().unwrap() {
                    seen.push(frame);
                }
            }
            let wanted =
                [Frame::Output(b"out".to_vec()), Frame::Errors(b"err".to_vec()), Frame::Output(vec![]), Frame::Exit(7)];
            assert_eq!(seen, wanted, "cut every {size} bytes");
        }
    }

    #[test]
    fn a_frame_longer_than_anything_is_not_waited_for() {
        let mut frames = Frames::default();
        frames.feed(&[1, 0xff, 0xff, 0xff, 0x7f]);
        assert!(frames.next().is_err());
    }

    #[test]
    fn an_end_is_found_only_when_it_is_whole() {
        assert_eq!(command_end(b"hello\nM123:0\n", "M123"), Some((6, 0)));
        assert_eq!(command_end(b"no end of lineM123:127\r\n", "M123"), Some((14, 127)));
        assert_eq!(command_end(b"M123:", "M123"), None);
        assert_eq!(command_end(b"M123:12", "M123"), None);
        assert_eq!(command_end(b"M12", "M123"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_frames_or_refused(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8)) {
            let mut frames = Frames::default();
            for piece in pieces {
                frames.feed(&piece);
                while let Ok(Some(_)) = frames.next() {}
            }
        }
    }
}
