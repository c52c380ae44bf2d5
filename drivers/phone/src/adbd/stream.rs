//! One stream of a connection, as the service behind it sees it: bytes in, bytes out.
//!
//! Flow control is here: one packet each way until it has been acknowledged, so that a stream holds at most one
//! packet that its service has not asked for.

use std::sync::Arc;

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, Semaphore, mpsc};

use super::packet::{self, OKAY, WRTE};
use super::reverse::Reverse;

/// The other side is not there any more; there is nobody to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Disconnected;

/// Permission to send one packet, as long as the other side listens.
#[derive(Debug, Default)]
pub(super) struct Credit {
    given: Notify,
    closed: AtomicBool,
}

impl Credit {
    /// Gives permission; one is kept at most, however many are given.
    pub fn give(&self) {
        self.given.notify_one();
    }

    /// Nobody listens any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.given.notify_one();
    }

    async fn take(&self) -> Result<(), Disconnected> {
        if !self.closed.load(Ordering::Acquire) {
            self.given.notified().await;
        }
        if self.closed.load(Ordering::Acquire) { Err(Disconnected) } else { Ok(()) }
    }
}

#[derive(Debug)]
pub(super) struct Stream {
    /// Our number for it.
    pub local: u32,
    /// The client's number for it.
    pub remote: u32,
    pub inbox: mpsc::Receiver<Vec<u8>>,
    /// What was taken from there and is not acknowledged yet.
    pub held: Option<Vec<u8>>,
    pub credit: Arc<Credit>,
    pub packets: mpsc::Sender<Vec<u8>>,
    /// The largest payload that the client takes.
    pub payload_max: usize,
    pub sums: bool,
    /// Turns for commands that hold much memory, shared by the streams of a connection.
    pub large: Arc<Semaphore>,
    /// Ports of the client that the phone is to reach, shared by the streams of a connection.
    pub reverse: Arc<Reverse>,
}

impl Stream {
    /// What the client sent next, or `None` when it will send nothing more. Nothing is lost if it is given up.
    pub async fn read(&mut self) -> Option<Vec<u8>> {
        if self.held.is_none() {
            self.held = Some(self.inbox.recv().await?);
        }
        let okay = packet::encode(OKAY, self.local, self.remote, b"", self.sums);
        self.packets.send(okay).await.ok()?;
        self.held.take()
    }

    /// Sends bytes when the client is ready for them.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Disconnected> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(self.payload_max));
            self.write_packet(&[now]).await?;
            bytes = later;
        }
        Ok(())
    }

    /// Sends one packet; its parts together are not larger than `payload_max`.
    pub async fn write_packet(&mut self, parts: &[&[u8]]) -> Result<(), Disconnected> {
        self.credit.take().await?;
        let packet = packet::encode_parts(WRTE, self.local, self.remote, parts, self.sums);
        self.packets.send(packet).await.map_err(|_| Disconnected)
    }
}
