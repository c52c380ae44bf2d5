//! One stream of a connection, as the service behind it sees it: bytes in, bytes out.
//!
//! Flow control is here: one packet outward until it has been acknowledged. What a client sends is acknowledged while no more than a
//! pipe's worth waits to be read, and taken while it is no more than that and the largest packet.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore, mpsc};

use super::packet::{self, OKAY, PAYLOAD_MAX, WRTE};
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

/// As much may wait for a program that does not read yet, before a client has to: what a pipe of Linux holds.
const PIPE: usize = 64 << 10;

/// As much may come at all before it is read. The server of adb does not wait for acknowledgements any more when its client has left.
const UNREAD_MAX: usize = PIPE + PAYLOAD_MAX;

/// A client sent more than it may without waiting for an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overrun;

/// What a client has sent and its service has not read yet. A phone has a pipe there: a client writes into it and leaves, and
/// what it has written stays.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    unread: Mutex<UnreadBytes>,
    /// Told when there is something to read, or nothing will come any more.
    arrived: Notify,
    /// Told when a packet may be due to be acknowledged.
    due: Notify,
}

#[derive(Debug, Default)]
struct UnreadBytes {
    bytes: Vec<u8>,
    /// How many packets have come that are not acknowledged.
    owed: u32,
    closed: bool,
}

impl UnreadBytes {
    /// Nobody waits for an acknowledgement on a stream that is closed.
    fn is_due(&self) -> bool {
        self.owed > 0 && !self.closed && self.bytes.len() <= PIPE
    }
}

impl Inbox {
    /// Takes the payload of a packet.
    pub fn push(&self, payload: &[u8]) -> Result<(), Overrun> {
        let mut unread = self.unread();
        if unread.bytes.len() + payload.len() > UNREAD_MAX {
            return Err(Overrun);
        }
        unread.bytes.extend_from_slice(payload);
        unread.owed = unread.owed.saturating_add(1);
        self.arrived.notify_one();
        self.due.notify_one();
        Ok(())
    }

    /// Nothing will come any more. What is there can still be read.
    pub fn close(&self) {
        self.unread().closed = true;
        self.arrived.notify_one();
    }

    /// Waits until there is something to read, or nothing will come any more: then `false`.
    async fn has_arrived(&self) -> bool {
        loop {
            {
                let unread = self.unread();
                if !unread.bytes.is_empty() || unread.closed {
                    return !unread.bytes.is_empty();
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Waits until a packet is to be acknowledged although nobody has read it.
    async fn is_due(&self) {
        loop {
            if self.unread().is_due() {
                return;
            }
            self.due.notified().await;
        }
    }

    /// Acknowledges a packet that is due, at once.
    fn acknowledge(&self, packet: mpsc::Permit<'_, Vec<u8>>, okay: &[u8]) {
        let mut unread = self.unread();
        if unread.is_due() {
            unread.owed -= 1;
            packet.send(okay.to_vec());
        }
    }

    /// All that waits, once each packet of it is acknowledged; else acknowledges one.
    fn take(&self, packet: mpsc::Permit<'_, Vec<u8>>, okay: &[u8]) -> Option<Vec<u8>> {
        let mut unread = self.unread();
        if unread.owed > 0 && !unread.closed {
            unread.owed -= 1;
            packet.send(okay.to_vec());
            return None;
        }
        Some(std::mem::take(&mut unread.bytes))
    }

    fn unread(&self) -> MutexGuard<'_, UnreadBytes> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Acknowledges what comes into an inbox before it is read, for as long as there is a connection.
pub(super) async fn acknowledge(inbox: &Inbox, packets: &mpsc::Sender<Vec<u8>>, okay: &[u8]) -> Infallible {
    loop {
        inbox.is_due().await;
        match packets.reserve().await {
            Ok(packet) => inbox.acknowledge(packet, okay),
            Err(_) => return std::future::pending().await,
        }
    }
}

#[derive(Debug)]
pub(super) struct Stream {
    /// Our number for it.
    pub local: u32,
    /// The client's number for it.
    pub remote: u32,
    pub inbox: Arc<Inbox>,
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
    ///
    /// It is acknowledged before anybody has it: some clients take no answer before the acknowledgement of what it answers.
    pub async fn read(&mut self) -> Option<Vec<u8>> {
        let okay = packet::encode(OKAY, self.local, self.remote, b"", self.sums);
        while self.inbox.has_arrived().await {
            // Without a connection there is nothing to acknowledge, and what has come is read all the same.
            let Ok(packet) = self.packets.reserve().await else {
                return Some(std::mem::take(&mut self.inbox.unread().bytes));
            };
            if let Some(bytes) = self.inbox.take(packet, &okay) {
                return Some(bytes);
            }
        }
        None
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream, and what it sends.
    fn stream() -> (Stream, mpsc::Receiver<Vec<u8>>) {
        let (packets, sent) = mpsc::channel(64);
        let credit = Arc::<Credit>::default();
        credit.give();
        let stream = Stream {
            local: 1,
            remote: 2,
            inbox: Arc::default(),
            credit,
            packets,
            payload_max: PAYLOAD_MAX,
            sums: false,
            large: Arc::new(Semaphore::new(1)),
            reverse: Arc::default(),
        };
        (stream, sent)
    }

    /// How many packets are acknowledged without being read.
    async fn count_acknowledged(stream: &Stream, sent: &mut mpsc::Receiver<Vec<u8>>) -> usize {
        let all = acknowledge(&stream.inbox, &stream.packets, b"okay");
        let _ = tokio::time::timeout(std::time::Duration::ZERO, all).await;
        std::iter::from_fn(|| sent.try_recv().ok()).count()
    }

    #[tokio::test]
    async fn a_pipe_is_acknowledged_until_it_is_full_and_again_when_it_is_read() {
        let (mut stream, mut sent) = stream();
        let inbox = stream.inbox.clone();
        assert_eq!(count_acknowledged(&stream, &mut sent).await, 0, "nothing has come");
        for size in [0, 1, PIPE - 1] {
            inbox.push(&vec![7; size]).unwrap();
            assert_eq!(count_acknowledged(&stream, &mut sent).await, 1, "{size}");
        }
        // The pipe is full: what comes is taken up to a bound, and not acknowledged before somebody reads.
        inbox.push(&[8; 3]).unwrap();
        inbox.push(&vec![8; PAYLOAD_MAX - 3]).unwrap();
        assert_eq!(count_acknowledged(&stream, &mut sent).await, 0);
        assert_eq!(inbox.push(&[9]), Err(Overrun));
        let read = stream.read().await.unwrap();
        assert_eq!((read.len(), read.last().copied()), (UNREAD_MAX, Some(8)));
        assert_eq!(std::iter::from_fn(|| sent.try_recv().ok()).count(), 2);
        assert_eq!(count_acknowledged(&stream, &mut sent).await, 0);
        inbox.push(&[9]).unwrap();
        inbox.close();
        assert_eq!(count_acknowledged(&stream, &mut sent).await, 0, "nobody waits for it");
        assert_eq!(stream.read().await, Some(vec![9]), "what was sent before the end is read");
        assert_eq!(stream.read().await, None);
    }

    #[tokio::test]
    async fn an_answer_comes_after_the_acknowledgement_of_what_it_answers() {
        for size in [1, PIPE, PIPE + 1, PAYLOAD_MAX] {
            let (mut stream, mut sent) = stream();
            stream.inbox.push(&vec![7; size]).unwrap();
            assert_eq!(stream.read().await.map(|bytes| bytes.len()), Some(size));
            stream.write(b"answer").await.unwrap();
            assert!(sent.try_recv().unwrap().starts_with(b"OKAY"), "{size}");
            assert!(sent.try_recv().unwrap().starts_with(b"WRTE"), "{size}");
        }
    }
}
