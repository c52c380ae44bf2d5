//! Where a shell's output goes and its input comes from. `Terminal` is a console on a stream; tests have their own.

use super::frames::{self, Frames, HEAD};
use super::stream::{Disconnected, Stream};

/// Output is gathered up to this size before it is sent.
const PENDING_MAX: usize = 64 << 10;
/// What may be typed while a command runs.
const TYPED_MAX: usize = 16 << 10;
/// What Ctrl-C sends.
const INTERRUPT: u8 = 0x03;
/// Input is handed out in pieces of this size, so that putting the rest of one back costs little.
const PIECE_MAX: usize = 4 << 10;

/// Which output bytes are meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    Out,
    Err,
}

/// A place to print to and to read from.
pub(super) trait Console: Send {
    /// Prints; it may be kept until `flush`.
    fn print(&mut self, channel: Channel, bytes: &[u8]) -> impl Future<Output = Result<(), Disconnected>> + Send;
    /// Sends what was kept.
    fn flush(&mut self) -> impl Future<Output = Result<(), Disconnected>> + Send;
    /// More input, or `None` at its end.
    fn get(&mut self) -> impl Future<Output = Option<Vec<u8>>> + Send;
    /// Puts the last `count` bytes that were read back, to be read again.
    fn unget(&mut self, count: usize);
    /// Waits until the person at it presses Ctrl-C, or for ever where there is none. What else is typed is kept.
    fn wait_for_interrupt(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

#[derive(Debug)]
pub(super) struct Terminal<'a> {
    stream: &'a mut Stream,
    /// Whether output, input and exit status travel in the frames of `shell,v2`.
    framed: bool,
    /// Whether a person sits at it: lines end with a carriage return too, and there is one output.
    cooked: bool,
    pending: Vec<u8>,
    frames: Frames,
    /// What the client sent; bytes before `read` were read.
    input: Vec<u8>,
    read: usize,
    ended: bool,
}

impl<'a> Terminal<'a> {
    pub fn new(stream: &'a mut Stream, framed: bool, cooked: bool) -> Terminal<'a> {
        Terminal {
            stream,
            framed,
            cooked,
            pending: Vec::new(),
            frames: Frames::default(),
            input: Vec::new(),
            read: 0,
            ended: false,
        }
    }

    /// Sends what was kept and the exit status, where there is a way to say it.
    pub async fn exit(mut self, status: u8) -> Result<(), Disconnected> {
        if self.framed {
            self.pending.extend_from_slice(&frames::head(frames::EXIT, 1));
            self.pending.push(status);
        }
        self.flush().await
    }

    /// What the client sent next, or `None` at the end of its input.
    async fn receive(&mut self) -> Option<Vec<u8>> {
        if self.ended {
            return None;
        }
        if !self.framed {
            let bytes = self.stream.read().await;
            self.ended = bytes.is_none();
            return bytes;
        }
        loop {
            match self.frames.next() {
                Ok(Some((frames::STDIN, content))) => return Some(content),
                Ok(Some((frames::CLOSE_STDIN, _))) | Err(frames::TooLong) => break,
                Ok(Some(_)) => {} // The size of the window, or something newer than we are.
                Ok(None) => match self.stream.read().await {
                    Some(bytes) => self.frames.push(&bytes),
                    None => break,
                },
            }
        }
        self.ended = true;
        None
    }

    async fn send(&mut self, id: u8, bytes: &[u8]) -> Result<(), Disconnected> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.pending.len() + bytes.len() <= PENDING_MAX {
            if self.framed {
                self.pending.extend_from_slice(&frames::head(id, bytes.len()));
            }
            self.pending.extend_from_slice(bytes);
            return Ok(());
        }
        self.flush().await?;
        // A frame a packet, so that large output is copied once.
        let room = self.stream.payload_max.saturating_sub(HEAD).max(1);
        for piece in bytes.chunks(room) {
            let head = if self.framed { frames::head(id, piece.len()).to_vec() } else { Vec::new() };
            if head.len() + piece.len() <= self.stream.payload_max {
                self.stream.write_packet(&[&head, piece]).await?;
            } else {
                self.stream.write(&head).await?;
                self.stream.write(piece).await?;
            }
        }
        Ok(())
    }
}

impl Console for Terminal<'_> {
    async fn print(&mut self, channel: Channel, bytes: &[u8]) -> Result<(), Disconnected> {
        let id = if channel == Channel::Err && !self.cooked { frames::STDERR } else { frames::STDOUT };
        if !self.cooked {
            return self.send(id, bytes).await;
        }
        let mut cooked = Vec::with_capacity(bytes.len() + bytes.len() / 16);
        for byte in bytes {
            if *byte == b'\n' {
                cooked.push(b'\r');
            }
            cooked.push(*byte);
        }
        self.send(id, &cooked).await
    }

    async fn flush(&mut self) -> Result<(), Disconnected> {
        let pending = std::mem::take(&mut self.pending);
        self.stream.write(&pending).await
    }

    async fn get(&mut self) -> Option<Vec<u8>> {
        while self.read == self.input.len() {
            self.input = self.receive().await?;
            self.read = 0;
        }
        let piece = &self.input[self.read..self.input.len().min(self.read + PIECE_MAX)];
        self.read += piece.len();
        Some(piece.to_vec())
    }

    async fn wait_for_interrupt(&mut self) {
        if !self.cooked {
            return std::future::pending().await;
        }
        loop {
            if let Some(at) = self.input[self.read..].iter().position(|byte| *byte == INTERRUPT) {
                // What was typed before it is given up with the command.
                self.read += at + 1;
                return;
            }
            if TYPED_MAX < self.input.len() - self.read {
                return std::future::pending().await;
            }
            match self.receive().await {
                Some(bytes) => {
                    self.input.drain(..std::mem::take(&mut self.read));
                    self.input.extend_from_slice(&bytes);
                }
                None => return std::future::pending().await,
            }
        }
    }

    fn unget(&mut self, count: usize) {
        self.read = self.read.checked_sub(count).expect("only what was read is put back");
    }
}
