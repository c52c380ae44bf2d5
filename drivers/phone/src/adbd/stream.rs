//! One stream of a connection, as the service behind it sees it: bytes in, bytes out.
//!
//! Flow control is here: one packet each way until it has been acknowledged, so that a stream holds at most one
//! packet that its service has not asked for.

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore, mpsc};

use super::packet::{self, OKAY, WRTE};

/// The other side is not there any more; there is nobody to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone;

#[derive(Debug)]
pub(super) struct Stream {
    /// Our number for it.
    pub local: u32,
    /// The client's number for it.
    pub remote: u32,
    pub inbox: mpsc::Receiver<Vec<u8>>,
    /// Permission to send one packet.
    pub credit: Arc<Notify>,
    pub packets: mpsc::Sender<Vec<u8>>,
    /// The largest payload that the client takes.
    pub payload_max: usize,
    pub sums: bool,
    /// Turns for commands that hold much memory, shared by the streams of a connection.
    pub large: Arc<Semaphore>,
}

impl Stream {
    /// What the client sent next, or `None` when it will send nothing more.
    pub async fn read(&mut self) -> Option<Vec<u8>> {
        let bytes = self.inbox.recv().await?;
        let okay = packet::encode(OKAY, self.local, self.remote, b"", self.sums);
        self.packets.send(okay).await.ok()?;
        Some(bytes)
    }

    /// Sends bytes when the client is ready for them.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Gone> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(self.payload_max));
            self.write_packet(&[now]).await?;
            bytes = later;
        }
        Ok(())
    }

    /// Sends one packet; its parts together are not larger than `payload_max`.
    pub async fn write_packet(&mut self, parts: &[&[u8]]) -> Result<(), Gone> {
        self.credit.notified().await;
        let packet = packet::encode_parts(WRTE, self.local, self.remote, parts, self.sums);
        self.packets.send(packet).await.map_err(|_| Gone)
    }
}
