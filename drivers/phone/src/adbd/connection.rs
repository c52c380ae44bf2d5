//! One client: packets are read, streams opened and closed, packets written. What a stream is for is up to `service`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Device;
use super::access::{self, PublicKey, TOKEN};
use super::packet::{
    self, AUTH, BadPacket, CLSE, CNXN, Decoder, OKAY, OPEN, PAYLOAD_MAX, Packet, VERSION, VERSION_SUMS, WRTE,
};
use super::reverse::Reverse;
use super::service::{self, Service};
use super::stream::{Credit, Inbox, Overrun, Stream, acknowledge};
use crate::weather::{Delivery, Fault, LinkDice};

/// Packets that wait to be written; a client that does not read makes its streams wait.
const QUEUE: usize = 16;
/// What we send in one packet at most. Larger ones are not faster, and sixteen may wait.
const SEND_MAX: usize = 256 << 10;
/// Small packets are written together up to this size.
const TOGETHER: usize = 64 << 10;
/// Commands of a connection that may hold much memory at the same time.
const LARGE: usize = 4;
/// Keys that a client may try before it has to be content with the public one.
const SIGNATURES: u32 = 64;
/// What an `AUTH` is about: a token to be signed, its signature, a public key.
const ASKED: u32 = 1;
const SIGNED: u32 = 2;
const PUBLIC: u32 = 3;
/// What the phone can do beyond the first version of the protocol.
const FEATURES: &str = "shell_v2,cmd,abb_exec,stat_v2,ls_v2,fixed_push_mkdir,sendrecv_v2";

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum CloseReason {
    /// The client went away, or could not be reached.
    Left(Option<std::io::Error>),
    /// It did not say hello in time.
    NoHello,
    /// It did not speak ADB.
    NotAdb(BadPacket),
    /// The phone does not know it, and its owner did not allow it.
    Unauthorized,
    /// It spoke before its hello, or said one that makes no sense.
    BadHello,
    /// The weather broke the connection.
    LinkBroken,
    /// The phone was rebooted.
    Rebooted,
    /// A service of ours broke down.
    ServicePanicked,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CloseReason::Left(None) => f.write_str("it left"),
            CloseReason::Left(Some(error)) => write!(f, "it left: {error}"),
            CloseReason::NoHello => f.write_str("it did not say hello in time"),
            CloseReason::Unauthorized => f.write_str("the phone does not know it, and nobody allowed it"),
            CloseReason::NotAdb(bad) => write!(f, "it does not speak ADB: {bad}"),
            CloseReason::BadHello => f.write_str("it did not begin with a hello that makes sense"),
            CloseReason::LinkBroken => f.write_str("the connection broke"),
            CloseReason::Rebooted => f.write_str("the phone was rebooted"),
            CloseReason::ServicePanicked => f.write_str("a service of the phone broke down"),
        }
    }
}

/// Serves one client until it or the phone is gone.
pub(super) async fn serve(socket: TcpStream, device: Arc<Device>) -> CloseReason {
    // Packets are written whole; waiting for more would only add 40 ms to each exchange.
    if let Err(error) = socket.set_nodelay(true) {
        return CloseReason::Left(Some(error));
    }
    let mut boots = device.boots.subscribe();
    let (read, write) = socket.into_split();
    let (packets, queue) = mpsc::channel(QUEUE);
    let [inward, outward] = device.handle.faults().link().map_or([None, None], |dice| dice.map(Some));
    let writer = Writer { device: device.clone(), dice: outward };
    let mut connection = Connection {
        packets,
        streams: Arc::default(),
        services: JoinSet::new(),
        next: 1,
        peer: None,
        unknown: None,
        broken: Arc::default(),
        large: Arc::new(Semaphore::new(LARGE)),
        reverse: Arc::default(),
        device,
    };
    tokio::select! {
        ended = connection.receive(read, inward) => ended,
        ended = send(write, queue, writer) => ended,
        _ = boots.changed() => CloseReason::Rebooted,
    }
}

/// What the client said in its hello.
#[derive(Clone, Copy, Debug)]
struct Peer {
    payload_max: usize,
    sums: bool,
}

/// A client that has said hello and has not shown yet that it may come in.
struct UnknownClient {
    hello: Packet,
    token: [u8; TOKEN],
    signatures: u32,
    question: OwnerQuestion,
}

/// What the phone's owner was asked about a client.
enum OwnerQuestion {
    NotAsked,
    Asked { answer: oneshot::Receiver<bool>, until: Instant },
    Refused { until: Instant },
}

/// The answer of the phone's owner, when there is one.
async fn answer(unknown: &mut Option<UnknownClient>) -> bool {
    match unknown {
        Some(UnknownClient { question: OwnerQuestion::Asked { answer, .. }, .. }) => answer.await.unwrap_or(false),
        _ => std::future::pending().await,
    }
}

/// Sleeps until then, or for ever.
async fn rest(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

struct Connection {
    device: Arc<Device>,
    packets: mpsc::Sender<Vec<u8>>,
    streams: Arc<Streams>,
    services: JoinSet<()>,
    /// Our number for the next stream.
    next: u32,
    peer: Option<Peer>,
    unknown: Option<UnknownClient>,
    /// Told when a service has panicked.
    broken: Arc<Notify>,
    large: Arc<Semaphore>,
    reverse: Arc<Reverse>,
}

impl Connection {
    async fn receive(&mut self, mut socket: OwnedReadHalf, mut dice: Option<LinkDice>) -> CloseReason {
        let mut decoder = Decoder::new();
        let broken = self.broken.clone();
        let hello = tokio::time::sleep(self.device.options.limits.hello);
        tokio::pin!(hello);
        loop {
            loop {
                match decoder.next() {
                    Ok(Some(packet)) => {
                        if let Err(ended) = self.take(packet).await {
                            return ended;
                        }
                        decoder.sums = self.peer.is_none_or(|peer| peer.sums);
                    }
                    Ok(None) => break,
                    Err(bad) => return CloseReason::NotAdb(bad),
                }
            }
            while self.services.try_join_next().is_some() {}
            decoder.arrived.reserve(TOGETHER);
            let patience = match self.unknown.as_ref().map(|unknown| &unknown.question) {
                Some(OwnerQuestion::Asked { until, .. } | OwnerQuestion::Refused { until }) => Some(*until),
                Some(OwnerQuestion::NotAsked) | None => None,
            };
            let count = tokio::select! {
                count = socket.read_buf(&mut decoder.arrived) => count,
                () = &mut hello, if self.is_silent() => return CloseReason::NoHello,
                () = rest(patience) => return CloseReason::Unauthorized,
                yes = answer(&mut self.unknown) => {
                    if let Err(ended) = self.on_owner_answer(yes).await {
                        return ended;
                    }
                    decoder.sums = self.peer.is_none_or(|peer| peer.sums);
                    continue;
                }
                () = broken.notified() => return CloseReason::ServicePanicked,
            };
            match count {
                Ok(0) => return CloseReason::Left(None),
                // Slowness is drawn where bytes are sent; here only whether they arrive.
                Ok(_) => {
                    if dice.as_mut().is_some_and(LinkDice::breaks) {
                        self.device.handle.faults().note(Fault::Disconnect);
                        return CloseReason::LinkBroken;
                    }
                }
                Err(error) => return CloseReason::Left(Some(error)),
            }
        }
    }

    /// Whether a client has yet to say something that it was waited for.
    fn is_silent(&self) -> bool {
        let asked = |unknown: &UnknownClient| !matches!(unknown.question, OwnerQuestion::NotAsked);
        self.peer.is_none() && !self.unknown.as_ref().is_some_and(asked)
    }

    async fn take(&mut self, packet: Packet) -> Result<(), CloseReason> {
        match packet.command {
            CNXN if self.peer.is_some() || self.device.door.is_open() => return self.hello(&packet).await,
            CNXN => {
                self.services.shutdown().await; // A question about who it was before.
                return self.challenge(packet, 0).await;
            }
            AUTH if self.peer.is_none() => return self.prove(packet).await,
            _ => {}
        }
        let Some(peer) = self.peer else { return Err(CloseReason::BadHello) };
        match packet.command {
            OPEN => self.open(&packet, peer).await,
            OKAY => {
                if let Some(entry) = self.streams.lock().get(&packet.second)
                    && entry.remote == packet.first
                {
                    entry.credit.give();
                }
                Ok(())
            }
            WRTE => self.write(packet, peer).await,
            CLSE => {
                // Some clients close with a zero in place of their number, and some wait for the answer.
                let entry = self.streams.lock().remove(&packet.second);
                match entry {
                    Some(entry) => self.send(CLSE, packet.second, entry.remote, b"", peer.sums).await,
                    None => Ok(()), // Closed by us a moment ago.
                }
            }
            unknown => {
                tracing::debug!(command = format!("{unknown:#010x}"), "an unknown packet is ignored");
                Ok(())
            }
        }
    }

    /// Asks a client to show that it may come in.
    async fn challenge(&mut self, hello: Packet, signatures: u32) -> Result<(), CloseReason> {
        let token = access::token();
        self.unknown = Some(UnknownClient { hello, token, signatures, question: OwnerQuestion::NotAsked });
        self.send(AUTH, ASKED, 0, &token, true).await
    }

    /// Takes what a client shows.
    async fn prove(&mut self, packet: Packet) -> Result<(), CloseReason> {
        let Some(unknown) = self.unknown.take() else { return Err(CloseReason::BadHello) };
        if !matches!(unknown.question, OwnerQuestion::NotAsked) {
            self.unknown = Some(unknown); // There is nothing more that it could say.
            return Ok(());
        }
        let UnknownClient { hello, token, signatures, .. } = unknown;
        match packet.first {
            SIGNED if self.device.door.knows(&token, &packet.payload) => self.hello(&hello).await,
            SIGNED if signatures < SIGNATURES => self.challenge(hello, signatures + 1).await,
            PUBLIC => {
                let text = String::from_utf8_lossy(&packet.payload);
                let key = PublicKey::parse(&text).map_err(|_| CloseReason::BadHello)?;
                tracing::info!(computer = key.name(), "a computer asks to be allowed");
                let (say, answer) = oneshot::channel();
                let device = self.device.clone();
                self.services.spawn(async move {
                    let _ = say.send(device.door.ask(&device.handle, key).await); // Or it has left.
                });
                let until = Instant::now() + self.device.options.limits.unknown_client;
                let question = OwnerQuestion::Asked { answer, until };
                self.unknown = Some(UnknownClient { hello, token, signatures, question });
                Ok(())
            }
            _ => Err(CloseReason::Unauthorized),
        }
    }

    /// The phone's owner has decided. One that was not allowed hears nothing, as on other phones, and may wait or leave.
    async fn on_owner_answer(&mut self, yes: bool) -> Result<(), CloseReason> {
        let Some(unknown) = self.unknown.take() else { return Ok(()) };
        if yes {
            return self.hello(&unknown.hello).await;
        }
        let until = Instant::now() + self.device.options.limits.unknown_client;
        self.unknown = Some(UnknownClient { question: OwnerQuestion::Refused { until }, ..unknown });
        Ok(())
    }

    /// Answers a hello; a second one on the same connection starts over.
    async fn hello(&mut self, packet: &Packet) -> Result<(), CloseReason> {
        if packet.first < VERSION_SUMS || packet.second == 0 {
            return Err(CloseReason::BadHello);
        }
        self.streams.lock().clear();
        // None of them may speak after the new hello, whose streams begin with fresh numbers on the other side.
        self.services.shutdown().await;
        let payload_max = (packet.second as usize).min(SEND_MAX);
        self.peer = Some(Peer { payload_max, sums: packet.first < VERSION });
        let identity = &self.device.options.identity;
        let banner = format!(
            "device::ro.product.name={};ro.product.model={};ro.product.device={};features={FEATURES}",
            plain(&identity.product),
            plain(&identity.model),
            plain(&identity.device)
        );
        self.send(CNXN, VERSION, PAYLOAD_MAX as u32, banner.as_bytes(), true).await
    }

    async fn open(&mut self, packet: &Packet, peer: Peer) -> Result<(), CloseReason> {
        let remote = packet.first;
        let service = match Service::parse(&packet.payload) {
            // A number there asks for delayed acknowledgements, which we did not offer.
            Some(service) if packet.second == 0 && remote != 0 => service,
            _ => return self.send(CLSE, 0, remote, b"", peer.sums).await,
        };
        // Those that go on without their client count as well, but cannot take the place of all others.
        let max = self.device.options.limits.streams_max;
        if max <= self.streams.lock().len() || 2 * max <= self.services.len() {
            tracing::warn!("a client has too many streams open: another is refused");
            return self.send(CLSE, 0, remote, b"", peer.sums).await;
        }
        let local = self.number();
        let inbox = Arc::<Inbox>::default();
        let (close, closed) = oneshot::channel();
        let credit = Arc::new(Credit::default());
        credit.give(); // Our acknowledgement of the opening is the client's too.
        let entry = Entry { remote, inbox: inbox.clone(), credit: credit.clone(), _close: close };
        self.streams.lock().insert(local, entry);
        self.send(OKAY, local, remote, b"", peer.sums).await?;
        let mut stream = Stream {
            local,
            remote,
            inbox: inbox.clone(),
            credit,
            packets: self.packets.clone(),
            payload_max: peer.payload_max,
            sums: peer.sums,
            large: self.large.clone(),
            reverse: self.reverse.clone(),
        };
        let (device, streams, broken) = (self.device.clone(), self.streams.clone(), self.broken.clone());
        let okay = packet::encode(OKAY, local, remote, b"", peer.sums);
        let linger = if service.outlives_its_client() { device.options.limits.linger } else { Duration::ZERO };
        self.services.spawn(async move {
            let _alarm = Alarm(broken);
            let over = async {
                let _ = closed.await; // It is never told anything; its end is what counts.
                tokio::time::sleep(linger).await;
            };
            // Not by the service, which may be busy with something else, nor by who reads the socket, who must not wait.
            let packets = stream.packets.clone();
            tokio::select! {
                biased;
                () = over => return,
                never = acknowledge(&inbox, &packets, &okay) => match never {},
                () = service::run(service, &mut stream, &device) => {}
            }
            if streams.lock().remove(&local).is_some() {
                let close = packet::encode(CLSE, local, remote, b"", stream.sums);
                let _ = stream.packets.send(close).await; // Without a connection there is nothing to close.
            }
        });
        Ok(())
    }

    async fn write(&mut self, packet: Packet, peer: Peer) -> Result<(), CloseReason> {
        let taken = match self.streams.lock().get(&packet.second) {
            Some(entry) if entry.remote == packet.first => entry.inbox.push(&packet.payload),
            // Clients go on for a moment after we have closed; they know already.
            _ => return Ok(()),
        };
        match taken {
            Ok(()) => Ok(()),
            Err(Overrun) => {
                tracing::debug!("a client sends more than it may without waiting: its stream is closed");
                self.streams.lock().remove(&packet.second);
                self.send(CLSE, packet.second, packet.first, b"", peer.sums).await
            }
        }
    }

    async fn send(&self, command: u32, first: u32, second: u32, payload: &[u8], sums: bool) -> Result<(), CloseReason> {
        let packet = packet::encode(command, first, second, payload, sums);
        self.packets.send(packet).await.map_err(|_| CloseReason::Left(None))
    }

    fn number(&mut self) -> u32 {
        loop {
            let number = self.next;
            self.next = self.next.checked_add(1).unwrap_or(1);
            if !self.streams.lock().contains_key(&number) {
                return number;
            }
        }
    }
}

/// The open streams by our numbers; who removes one says that it is closed.
#[derive(Default)]
struct Streams {
    entries: Mutex<BTreeMap<u32, Entry>>,
}

impl Streams {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Entry {
    remote: u32,
    inbox: Arc<Inbox>,
    credit: Arc<Credit>,
    /// Dropping it ends the service, at once or soon.
    _close: oneshot::Sender<()>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.credit.close();
        self.inbox.close();
    }
}

/// Ends the connection if its service panics: a client must not wait for ever.
struct Alarm(Arc<Notify>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.notify_one();
        }
    }
}

/// Sends bytes through the weather.
struct Writer {
    device: Arc<Device>,
    dice: Option<LinkDice>,
}

impl Writer {
    /// # Errors
    /// Why nothing more can be sent.
    async fn write(&mut self, socket: &mut OwnedWriteHalf, bytes: &[u8]) -> Result<(), CloseReason> {
        let left = |error| CloseReason::Left(Some(error));
        let Some(dice) = &mut self.dice else { return socket.write_all(bytes).await.map_err(left) };
        match self.device.handle.fate(dice, bytes.len()) {
            Delivery::Passes => {}
            Delivery::Delayed(time) => tokio::time::sleep(time).await,
            Delivery::Pieces(count, pause) => {
                for piece in bytes.chunks(bytes.len().div_ceil(count).max(1)) {
                    tokio::time::sleep(pause).await;
                    socket.write_all(piece).await.map_err(left)?;
                }
                return Ok(());
            }
            Delivery::Breaks(at) => {
                let _ = socket.write_all(&bytes[..at]).await; // It breaks anyway.
                return Err(CloseReason::LinkBroken);
            }
        }
        socket.write_all(bytes).await.map_err(left)
    }
}

async fn send(mut socket: OwnedWriteHalf, mut queue: mpsc::Receiver<Vec<u8>>, mut writer: Writer) -> CloseReason {
    while let Some(mut bytes) = queue.recv().await {
        while bytes.len() < TOGETHER
            && let Ok(more) = queue.try_recv()
        {
            bytes.extend_from_slice(&more);
        }
        if let Err(ended) = writer.write(&mut socket, &bytes).await {
            return ended;
        }
    }
    CloseReason::Left(None)
}

/// A name that cannot be taken for more of the banner.
fn plain(name: &str) -> String {
    name.chars()
        .map(|letter| if letter.is_control() || matches!(letter, ';' | '=' | ':') { '_' } else { letter })
        .collect()
}
