//! Straight to a device's daemon: every stream over one TCP connection.
//!
//! One task reads the socket, one writes it. Streams only queue packets and wait for the reader to tell them something,
//! so that abandoning any of their futures never tears a packet.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tapwright_contract::device::DriverErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::greet::{self, GreetedDevice};
use crate::android::keys::Keys;
use crate::android::parse::packet::{self, Greeting, Header};
use crate::deadline::Deadline;

/// How much of a stream may wait here unread before the device is kept waiting for its `OKAY`.
const WINDOW: usize = 4 << 20;
/// How many packets may wait to be written. More means that the device keeps sending and does not read.
const OUTGOING_MAX: usize = 1024;
/// How many services may be open at once.
const STREAMS_MAX: usize = 64;

/// A connection to a device. Dropping it ends it, and every stream over it.
pub(crate) struct Direct {
    shared: Arc<Shared>,
    pub greeting: Greeting,
    tasks: [JoinHandle<()>; 2],
}

struct Shared {
    state: Mutex<State>,
    outgoing: mpsc::UnboundedSender<Vec<u8>>,
    /// How many packets are in `outgoing`.
    waiting: AtomicUsize,
    version: u32,
    payload_max: usize,
}

#[derive(Default)]
struct State {
    last_id: u32,
    pipes: BTreeMap<u32, Arc<Pipe>>,
    ended: Option<End>,
}

/// Why a connection ended.
#[derive(Clone, Debug)]
pub(super) enum End {
    Lost(String),
    Nonsense(String),
}

impl End {
    pub(super) fn kind(&self) -> DriverErrorKind {
        match self.clone() {
            End::Lost(why) => DriverErrorKind::Lost { why },
            End::Nonsense(why) => DriverErrorKind::MalformedResponse { why },
        }
    }
}

/// What the reader and one stream share.
#[derive(Default)]
struct Pipe {
    flow: Mutex<Flow>,
    /// Something about `flow` has changed.
    news: Notify,
}

#[derive(Default)]
struct Flow {
    /// The device's name for the stream; 0 until it has accepted it.
    remote: u32,
    /// Whether we may send: the device has taken what we sent last.
    credit: bool,
    /// What came and was not read yet.
    pieces: VecDeque<Vec<u8>>,
    held: usize,
    /// How many `OKAY`s the device was not sent yet, because too much is held.
    owed: u32,
    closed: bool,
    ended: Option<End>,
}

/// A service of the device.
pub(crate) struct Stream {
    shared: Arc<Shared>,
    pipe: Arc<Pipe>,
    local: u32,
}

/// What a piece takes of the window: its bytes, and something for keeping it, so that crumbs are bounded too.
fn cost(piece: &[u8]) -> usize {
    piece.len() + 64
}

/// What these locks guard is whole after each statement, so a panic elsewhere is no reason for another one here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Direct {
    pub async fn connect(address: &str, keys: &Keys, deadline: Deadline) -> Result<Direct, DriverErrorKind> {
        let GreetedDevice { greeting, read, write } = greet::greet(address, keys, deadline).await?;
        if greeting.state != "device" {
            return Err(DriverErrorKind::Refused { why: format!("the device says that it is {:?}", greeting.state) });
        }
        let (outgoing, queue) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            outgoing,
            waiting: AtomicUsize::new(0),
            version: greeting.version,
            payload_max: greeting.payload_max,
        });
        let tasks =
            [tokio::spawn(read_all(shared.clone(), read)), tokio::spawn(write_all(shared.clone(), queue, write))];
        Ok(Direct { shared, greeting, tasks })
    }

    pub fn alive(&self) -> bool {
        lock(&self.shared.state).ended.is_none()
    }

    pub async fn open(&self, service: &str) -> Result<Stream, DriverErrorKind> {
        let name = format!("{service}\0");
        if name.len() > self.shared.payload_max {
            return Err(DriverErrorKind::Refused {
                why: format!("a command of {} bytes is too long for the device", name.len()),
            });
        }
        let mut stream = self.shared.register()?;
        self.shared.send(packet::OPEN, stream.local, 0, name.as_bytes());
        stream
            .wait(|flow| {
                if flow.remote != 0 {
                    Some(Ok(()))
                } else {
                    flow.closed.then(|| {
                        let service = service.split(':').next().unwrap_or_default();
                        Err(DriverErrorKind::Refused { why: format!("the device has no service {service:?}") })
                    })
                }
            })
            .await??;
        Ok(stream)
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.shared.end(End::Lost("the connection was closed".to_owned()));
    }
}

impl Shared {
    fn register(self: &Arc<Shared>) -> Result<Stream, DriverErrorKind> {
        let mut state = lock(&self.state);
        if let Some(end) = &state.ended {
            return Err(end.kind());
        }
        if state.pipes.len() >= STREAMS_MAX {
            return Err(DriverErrorKind::Refused { why: format!("{STREAMS_MAX} services are open already") });
        }
        // Zero is no name; after four billion streams the first names are free again, and one that is not is skipped.
        let local = loop {
            state.last_id = state.last_id.wrapping_add(1).max(1);
            if !state.pipes.contains_key(&state.last_id) {
                break state.last_id;
            }
        };
        let pipe = Arc::new(Pipe::default());
        state.pipes.insert(local, pipe.clone());
        Ok(Stream { shared: self.clone(), pipe, local })
    }

    fn send(&self, command: u32, arg0: u32, arg1: u32, payload: &[u8]) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= OUTGOING_MAX {
            self.end(End::Nonsense(format!("the device does not read: {OUTGOING_MAX} packets wait for it")));
            return;
        }
        // Without a writer the connection has ended, and everybody hears of it elsewhere.
        let _ = self.outgoing.send(packet::packet(command, arg0, arg1, payload, self.version));
    }

    fn end(&self, end: End) {
        let pipes = {
            let mut state = lock(&self.state);
            state.ended.get_or_insert_with(|| end.clone());
            std::mem::take(&mut state.pipes)
        };
        for pipe in pipes.values() {
            lock(&pipe.flow).ended.get_or_insert_with(|| end.clone());
            pipe.news.notify_one();
        }
    }

    fn pipe(&self, local: u32) -> Option<Arc<Pipe>> {
        lock(&self.state).pipes.get(&local).cloned()
    }

    /// Acts on one packet of the device.
    fn take(&self, header: &Header, payload: Vec<u8>) -> Result<(), End> {
        let Header { command, arg0: remote, arg1: local, .. } = *header;
        match command {
            packet::OKAY => match self.pipe(local) {
                Some(pipe) if remote != 0 => {
                    let mut flow = lock(&pipe.flow);
                    if flow.remote == 0 || flow.remote == remote {
                        flow.remote = remote;
                        flow.credit = true;
                    }
                    drop(flow);
                    pipe.news.notify_one();
                }
                // Accepted after we had lost interest: the device must not keep it open.
                _ => self.send(packet::CLOSE, local, remote, &[]),
            },
            packet::WRITE => {
                let Some(pipe) = self.pipe(local) else {
                    self.send(packet::CLOSE, local, remote, &[]);
                    return Ok(());
                };
                let mut flow = lock(&pipe.flow);
                if flow.remote != remote {
                    return Err(End::Nonsense("the device wrote to a stream that it had not accepted".to_owned()));
                }
                if !payload.is_empty() {
                    flow.held += cost(&payload);
                    flow.pieces.push_back(payload);
                }
                // A device that does not wait for its OKAY is put up with for as long again.
                if flow.held > 2 * WINDOW {
                    return Err(End::Nonsense("the device does not wait to be read".to_owned()));
                }
                let taken = flow.held <= WINDOW;
                if !taken {
                    flow.owed += 1;
                }
                drop(flow); // `send` may have to end every stream, this one too.
                if taken {
                    self.send(packet::OKAY, local, remote, &[]);
                }
                pipe.news.notify_one();
            }
            packet::CLOSE => {
                let pipe = lock(&self.state).pipes.remove(&local);
                if let Some(pipe) = pipe {
                    let mut flow = lock(&pipe.flow);
                    flow.closed = true;
                    let remote = flow.remote;
                    drop(flow);
                    if remote != 0 {
                        self.send(packet::CLOSE, local, remote, &[]);
                    }
                    pipe.news.notify_one();
                }
            }
            // A tunnel back to this computer, which nobody here asked for.
            packet::OPEN => self.send(packet::CLOSE, 0, remote, &[]),
            packet::SYNC => {}
            packet::CONNECT | packet::AUTH | packet::TLS => {
                return Err(End::Lost("the device's daemon has started anew".to_owned()));
            }
            other => return Err(End::Nonsense(format!("the device sent a packet of unknown kind {other:#x}"))),
        }
        Ok(())
    }
}

pub(super) async fn receive(read: &mut BufReader<OwnedReadHalf>, version: u32) -> Result<(Header, Vec<u8>), End> {
    let lost = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => End::Lost("the device closed the connection".to_owned()),
        _ => End::Lost(format!("the connection broke: {error}")),
    };
    let mut bytes = [0; packet::HEADER];
    read.read_exact(&mut bytes).await.map_err(lost)?;
    let header = packet::header(&bytes).map_err(End::Nonsense)?;
    // `header` has bounded it. Not filled with zeros first, which costs a tenth of what a picture does.
    let mut payload = Vec::with_capacity(header.length as usize);
    read.take(header.length.into()).read_to_end(&mut payload).await.map_err(lost)?;
    if payload.len() < header.length as usize {
        return Err(lost(std::io::ErrorKind::UnexpectedEof.into()));
    }
    packet::check(&header, &payload, version).map_err(End::Nonsense)?;
    Ok((header, payload))
}

async fn read_all(shared: Arc<Shared>, mut read: BufReader<OwnedReadHalf>) {
    let end = loop {
        let taken = match receive(&mut read, shared.version).await {
            Ok((header, payload)) => shared.take(&header, payload),
            Err(end) => Err(end),
        };
        if let Err(end) = taken {
            break end;
        }
    };
    tracing::debug!(?end, "the connection to the device ended");
    shared.end(end);
}

async fn write_all(shared: Arc<Shared>, mut queue: mpsc::UnboundedReceiver<Vec<u8>>, mut write: OwnedWriteHalf) {
    while let Some(packet) = queue.recv().await {
        if let Err(error) = write.write_all(&packet).await {
            shared.end(End::Lost(format!("the connection broke: {error}")));
            return;
        }
        shared.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Stream {
    /// Waits until `ready` finds what it looks for in the stream's state.
    async fn wait<T>(&mut self, mut ready: impl FnMut(&mut Flow) -> Option<T>) -> Result<T, DriverErrorKind> {
        loop {
            {
                let mut flow = lock(&self.pipe.flow);
                if let Some(found) = ready(&mut flow) {
                    return Ok(found);
                }
                if let Some(end) = &flow.ended {
                    return Err(end.kind());
                }
            }
            self.pipe.news.notified().await;
        }
    }

    pub async fn read(&mut self) -> Result<Option<Vec<u8>>, DriverErrorKind> {
        let (piece, owed, remote) = self
            .wait(|flow| {
                if let Some(piece) = flow.pieces.pop_front() {
                    flow.held -= cost(&piece);
                    let owed = if flow.held <= WINDOW { std::mem::take(&mut flow.owed) } else { 0 };
                    return Some((Some(piece), owed, flow.remote));
                }
                flow.closed.then_some((None, 0, flow.remote))
            })
            .await?;
        for _ in 0..owed {
            self.shared.send(packet::OKAY, self.local, remote, &[]);
        }
        Ok(piece)
    }

    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), DriverErrorKind> {
        for piece in bytes.chunks(self.shared.payload_max) {
            let closed = || DriverErrorKind::MalformedResponse {
                why: "the device closed the stream that was written to".to_owned(),
            };
            let remote = self
                .wait(|flow| match (flow.closed, flow.credit) {
                    (true, _) => Some(Err(closed())),
                    (false, true) => {
                        flow.credit = false;
                        Some(Ok(flow.remote))
                    }
                    (false, false) => None,
                })
                .await??;
            self.shared.send(packet::WRITE, self.local, remote, piece);
        }
        Ok(())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let ours = lock(&self.shared.state).pipes.remove(&self.local).is_some();
        let remote = lock(&self.pipe.flow).remote;
        // One that the device has not accepted yet is closed when it does; one that it closed is not in the table.
        if ours && remote != 0 {
            self.shared.send(packet::CLOSE, self.local, remote, &[]);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// A connection may end anywhere; half a payload is none.
    #[tokio::test]
    async fn a_packet_that_breaks_off_is_the_end_of_the_connection() {
        let whole = packet::packet(packet::WRITE, 1, 2, &[7; 100], packet::VERSION_WITHOUT_SUMS);
        for sent in [0, 10, packet::HEADER, packet::HEADER + 1, whole.len() - 1, whole.len()] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (device, ours) = tokio::join!(listener.accept(), TcpStream::connect(listener.local_addr().unwrap()));
            let mut device = device.unwrap().0;
            device.write_all(&whole[..sent]).await.unwrap();
            drop(device);
            let mut read = BufReader::new(ours.unwrap().into_split().0);
            match receive(&mut read, packet::VERSION_WITHOUT_SUMS).await {
                Ok((_, payload)) => assert!(sent == whole.len() && payload == [7; 100], "after {sent} bytes"),
                Err(End::Lost(why)) => assert!(sent < whole.len() && why.contains("closed"), "{sent}: {why}"),
                Err(End::Nonsense(why)) => panic!("{sent}: {why}"),
            }
        }
    }
}
