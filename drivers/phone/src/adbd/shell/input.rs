//! Where a command's input comes from: the console, or bytes that something else has printed or that a file holds.

use super::{SMALL, Shell};
use crate::adbd::stream::Disconnected;
use crate::adbd::terminal::Console;

/// The longest line that `read` takes.
const LINE_MAX: usize = 64 << 10;

/// What several commands of a group may read one after the other.
pub(super) enum Input {
    Console,
    Bytes {
        bytes: Vec<u8>,
        /// So many were read.
        read: usize,
    },
}

impl Input {
    pub fn of(bytes: Vec<u8>) -> Input {
        Input::Bytes { bytes, read: 0 }
    }

    /// Input that ends at once.
    pub fn none() -> Input {
        Input::of(Vec::new())
    }

    /// All bytes that are left, if they are there already.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        match self {
            Input::Console => None,
            Input::Bytes { bytes, read } => {
                let mut rest = std::mem::take(bytes);
                rest.drain(..std::mem::take(read));
                Some(rest)
            }
        }
    }
}

impl Shell {
    pub(super) async fn read_all<C: Console>(
        &mut self,
        input: &mut Input,
        console: &mut C,
    ) -> Result<Vec<u8>, Disconnected> {
        if let Some(rest) = input.rest() {
            return Ok(rest);
        }
        console.flush().await?;
        let mut all = Vec::new();
        while let Some(bytes) = console.get().await {
            if SMALL < all.len() + bytes.len() {
                self.take_turn().await;
            }
            if all.len() + bytes.len() <= self.device.options.limits.output_max {
                all.extend_from_slice(&bytes);
            }
        }
        Ok(all)
    }

    /// So many bytes, or fewer if there are no more, and none if they are more than a command may hold: whoever sends a package waits
    /// for an answer, and does not end its input.
    pub(super) async fn read_bytes<C: Console>(
        &mut self,
        count: usize,
        input: &mut Input,
        console: &mut C,
    ) -> Result<Vec<u8>, Disconnected> {
        if let Input::Bytes { bytes, read } = input {
            let end = (*read + count.min(bytes.len())).min(bytes.len());
            let found = bytes[*read..end].to_vec();
            *read = end;
            return Ok(found);
        }
        let max = self.device.options.limits.output_max;
        if SMALL < count {
            self.take_turn().await;
        }
        console.flush().await?;
        let (mut all, mut left) = (Vec::new(), count);
        while 0 < left {
            let Some(bytes) = console.get().await else { break };
            let taken = bytes.len().min(left);
            console.unget(bytes.len() - taken);
            left -= taken;
            if all.len() + taken <= max {
                all.extend_from_slice(&bytes[..taken]);
            }
        }
        Ok(if count <= max { all } else { Vec::new() })
    }

    /// The next line without its end, or `None` at the end of the input.
    pub(super) async fn read_line<C: Console>(
        &mut self,
        input: &mut Input,
        console: &mut C,
    ) -> Result<Option<Vec<u8>>, Disconnected> {
        if let Input::Bytes { bytes, read } = input {
            let rest = &bytes[*read..];
            let end = rest.iter().position(|byte| *byte == b'\n');
            let line = rest[..end.unwrap_or(rest.len())].to_vec();
            *read += line.len() + usize::from(end.is_some());
            return Ok((end.is_some() || !line.is_empty()).then_some(line));
        }
        console.flush().await?;
        let mut line = Vec::new();
        while let Some(bytes) = console.get().await {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            if let Some(end) = end {
                console.unget(bytes.len() - end - 1);
                return Ok(Some(line));
            }
            if LINE_MAX < line.len() {
                break;
            }
        }
        Ok((!line.is_empty()).then_some(line))
    }
}
