//! What a command printed, in the order in which it did, and no more than it may.

use super::terminal::Channel;

/// Output of this size is joined to what was printed before it; larger output stays where it is.
const COPIED_MAX: usize = 4 << 10;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Output {
    pieces: Vec<(Channel, Vec<u8>)>,
    length: usize,
    max: usize,
    /// Something was left out because there was too much.
    cut: bool,
    /// Whether it goes to the console as it is, so that it need not wait for more.
    direct: bool,
}

impl Output {
    /// Output that somebody still works on.
    pub fn new(max: usize) -> Output {
        Output { max, ..Output::default() }
    }

    /// Output that the console is handed as soon as a command has ended.
    pub fn direct(max: usize) -> Output {
        Output { max, direct: true, ..Output::default() }
    }

    pub fn is_direct(&self) -> bool {
        self.direct
    }

    /// Whether more would be left out.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    pub fn push(&mut self, channel: Channel, bytes: &[u8]) {
        let bytes = if self.max - self.length < bytes.len() {
            self.cut = true;
            &bytes[..self.max - self.length]
        } else {
            bytes
        };
        self.length += bytes.len();
        match self.pieces.last_mut() {
            Some((last, piece)) if *last == channel => piece.extend_from_slice(bytes),
            _ if bytes.is_empty() => {}
            _ => self.pieces.push((channel, bytes.to_vec())),
        }
    }

    /// Takes bytes that may be many without copying them.
    pub fn put_owned(&mut self, channel: Channel, bytes: Vec<u8>) {
        let worth_it = self.pieces.is_empty() || COPIED_MAX < bytes.len();
        if worth_it && bytes.len() <= self.max - self.length {
            self.length += bytes.len();
            self.pieces.push((channel, bytes));
        } else {
            self.push(channel, &bytes);
        }
    }

    pub fn append(&mut self, other: Output) {
        self.cut |= other.cut;
        for (channel, bytes) in other.pieces {
            self.put_owned(channel, bytes);
        }
    }

    /// What was printed so far, and whether something was left out; it is empty again then.
    pub fn take(&mut self) -> (Vec<(Channel, Vec<u8>)>, bool) {
        self.length = 0;
        (std::mem::take(&mut self.pieces), std::mem::take(&mut self.cut))
    }

    /// Keeps what is meant for one channel and returns it; the rest goes to `other`.
    pub fn split(self, channel: Channel, other: &mut Output) -> Vec<u8> {
        let mut kept = Vec::new();
        other.cut |= self.cut;
        for (to, bytes) in self.pieces {
            if to == channel {
                if kept.is_empty() { kept = bytes } else { kept.extend_from_slice(&bytes) }
            } else {
                other.put_owned(to, bytes);
            }
        }
        kept
    }
}
