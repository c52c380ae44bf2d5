//! A device that says what a test wants it to say, on the wire of a daemon or behind an adb server's.
//!
//! The virtual phone is the device that behaves; this one is for those that do not.

#![allow(dead_code)] // Each test file uses its part.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tapwright_drivers::Settle;
use tapwright_drivers::android::{Address, Android, AndroidOptions, Capture, Keys};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

/// What the device answers to a service.
#[derive(Clone, Debug)]
pub enum Reply {
    /// These bytes, then the end.
    Say(Vec<u8>),
    /// There is no such service.
    Refuse,
    /// The stream is open, and nothing ever comes.
    Silence,
    /// Not even that.
    Deaf,
    /// These bytes on the socket itself, whatever they are.
    Spill(Vec<u8>),
    /// These bytes as writes to the stream, without waiting for anybody to take them.
    Flood(Vec<u8>, usize),
    /// The cable is pulled.
    Unplug,
    /// The device goes, in good order: its streams end, and then there is no device.
    Vanish,
    /// A shell that stays open and reads lines.
    Shell,
    /// The same until [`Fake::begin_flood`]; then a flood, which nobody reads.
    ShellThenFlood(Vec<u8>, usize),
}

/// What a command prints and its exit code.
pub type Answer = (Vec<u8>, u8);

type Service = Box<dyn Fn(&str) -> Reply + Send + Sync>;
type Command = Box<dyn Fn(&str) -> Option<Answer> + Send + Sync>;

/// What the device is.
pub struct Script {
    pub banner: String,
    pub version: u32,
    pub service: Service,
    /// Commands of shells of both kinds; `None` never answers.
    pub command: Command,
}

pub const BANNER: &str =
    "device::ro.product.name=fake;ro.product.model=Fake;ro.product.device=fake;features=shell_v2,cmd";

pub struct Fake {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
    /// Every service and command that was asked for.
    pub asked: Arc<Mutex<Vec<String>>>,
    /// How many pieces of a flood went out.
    pub flooded: Arc<AtomicUsize>,
    begin_flood: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Device {
    script: Script,
    serial: String,
    /// What the adb server says of it, a time each, before it can be used.
    not_yet: Mutex<Vec<&'static str>>,
    asked: Arc<Mutex<Vec<String>>>,
    flooded: Arc<AtomicUsize>,
    begin_flood: Arc<Notify>,
    next: AtomicU32,
    gone: AtomicBool,
}

impl Device {
    fn note(&self, what: &str) {
        self.asked.lock().unwrap().push(what.to_owned());
    }
    fn run(&self, command: &str) -> Option<Answer> {
        self.note(command);
        (self.script.command)(command)
    }
}

impl Fake {
    /// A daemon of its own.
    pub async fn daemon(script: Script) -> Fake {
        Fake::start(script, true, "fake", Vec::new()).await
    }

    /// An adb server that knows the device as `fake`.
    pub async fn server(script: Script) -> Fake {
        Fake::start(script, false, "fake", Vec::new()).await
    }

    /// An adb server that knows the device by this serial, and at first says of it that it cannot be used yet.
    pub async fn named_server(script: Script, serial: &str, not_yet: Vec<&'static str>) -> Fake {
        Fake::start(script, false, serial, not_yet).await
    }

    async fn start(script: Script, direct: bool, serial: &str, not_yet: Vec<&'static str>) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let flooded = Arc::<AtomicUsize>::default();
        let begin_flood = Arc::<Notify>::default();
        let device = Arc::new(Device {
            script,
            serial: serial.to_owned(),
            not_yet: Mutex::new(not_yet),
            asked: asked.clone(),
            flooded: flooded.clone(),
            begin_flood: begin_flood.clone(),
            next: AtomicU32::new(100),
            gone: AtomicBool::new(false),
        });
        let count = connections.clone();
        let task = tokio::spawn(async move {
            let mut all = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let device = device.clone();
                all.spawn(async move {
                    let _ = if direct { daemon(socket, device).await } else { server(socket, device).await };
                });
            }
        });
        Fake { address, connections, asked, flooded, begin_flood, task }
    }

    /// Lets the shell that waits for it flood.
    pub fn begin_flood(&self) {
        self.begin_flood.notify_one();
    }

    pub fn requests(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

pub fn packet(command: &[u8; 4], arg0: u32, arg1: u32, payload: &[u8]) -> Vec<u8> {
    let command = u32::from_le_bytes(*command);
    let sum = payload.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let words = [command, arg0, arg1, payload.len() as u32, sum, !command];
    words.iter().flat_map(|word| word.to_le_bytes()).chain(payload.iter().copied()).collect()
}

pub fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(body);
    bytes
}

type Out = Arc<tokio::sync::Mutex<OwnedWriteHalf>>;

/// What a stream of the daemon hears.
#[derive(Default)]
struct Acknowledgement {
    taken: Notify,
}

async fn daemon(socket: TcpStream, device: Arc<Device>) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let (mut read, write) = socket.into_split();
    let out: Out = Arc::new(tokio::sync::Mutex::new(write));
    let mut ears: BTreeMap<u32, (Arc<Acknowledgement>, mpsc::UnboundedSender<Vec<u8>>)> = BTreeMap::new();
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        let mut header = [0; 24];
        read.read_exact(&mut header).await?;
        let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
        let (theirs, ours) = (word(4), word(8));
        let mut payload = vec![0; word(12) as usize];
        read.read_exact(&mut payload).await?;
        match &header[..4] {
            b"CNXN" if device.gone.load(Ordering::SeqCst) => return Ok(()),
            b"CNXN" => {
                let banner = &device.script.banner;
                let hello = if let Some(token) = banner.strip_prefix("AUTH") {
                    packet(b"AUTH", 1, 0, token.as_bytes())
                } else if banner == "STLS" {
                    packet(b"STLS", 0x0100_0000, 0, b"")
                } else {
                    packet(b"CNXN", device.script.version, 1 << 20, banner.as_bytes())
                };
                out.lock().await.write_all(&hello).await?;
            }
            b"OPEN" if device.gone.load(Ordering::SeqCst) => return Ok(()),
            b"OPEN" => {
                let name = String::from_utf8_lossy(&payload).trim_end_matches('\0').to_owned();
                device.note(&name);
                let mine = device.next.fetch_add(1, Ordering::SeqCst);
                let (heard, hear) = mpsc::unbounded_channel();
                let ear = Arc::new(Acknowledgement::default());
                let reply = reply(&device, &name);
                match reply {
                    Reply::Deaf => continue,
                    Reply::Refuse => {
                        out.lock().await.write_all(&packet(b"CLSE", 0, theirs, &[])).await?;
                        continue;
                    }
                    Reply::Unplug => return Ok(()),
                    Reply::Vanish => device.gone.store(true, Ordering::SeqCst),
                    _ => {}
                }
                ears.insert(mine, (ear.clone(), heard));
                out.lock().await.write_all(&packet(b"OKAY", mine, theirs, &[])).await?;
                let stream = Daemon { out: out.clone(), ear, hear, mine, theirs };
                let device = device.clone();
                tasks.spawn(async move {
                    let _ = serve(reply, Side::Daemon(stream), device).await;
                });
            }
            b"OKAY" => {
                if let Some((ear, _)) = ears.get(&ours) {
                    ear.taken.notify_one();
                }
            }
            b"WRTE" => {
                if let Some((_, heard)) = ears.get(&ours) {
                    let _ = heard.send(payload);
                    out.lock().await.write_all(&packet(b"OKAY", ours, theirs, &[])).await?;
                }
            }
            b"CLSE" => {
                ears.remove(&ours);
            }
            _ => return Ok(()),
        }
    }
}

fn reply(device: &Device, name: &str) -> Reply {
    (device.script.service)(name)
}

struct Daemon {
    out: Out,
    ear: Arc<Acknowledgement>,
    hear: mpsc::UnboundedReceiver<Vec<u8>>,
    mine: u32,
    theirs: u32,
}

enum Side {
    Daemon(Daemon),
    Server(TcpStream),
}

impl Side {
    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Side::Daemon(stream) => {
                for piece in bytes.chunks(64 << 10) {
                    let packet = packet(b"WRTE", stream.mine, stream.theirs, piece);
                    stream.out.lock().await.write_all(&packet).await?;
                    stream.ear.taken.notified().await;
                }
                Ok(())
            }
            Side::Server(socket) => socket.write_all(bytes).await,
        }
    }
    async fn read(&mut self) -> Option<Vec<u8>> {
        match self {
            Side::Daemon(stream) => stream.hear.recv().await,
            Side::Server(socket) => {
                let mut bytes = Vec::with_capacity(4096);
                let count = socket.read_buf(&mut bytes).await.ok()?;
                (count > 0).then_some(bytes)
            }
        }
    }
    async fn close(&mut self) -> std::io::Result<()> {
        match self {
            Side::Daemon(stream) => {
                stream.out.lock().await.write_all(&packet(b"CLSE", stream.mine, stream.theirs, &[])).await
            }
            Side::Server(socket) => socket.shutdown().await,
        }
    }
}

async fn serve(reply: Reply, mut side: Side, device: Arc<Device>) -> std::io::Result<()> {
    match reply {
        Reply::Say(bytes) => {
            side.write(&bytes).await?;
            side.close().await
        }
        Reply::Vanish => side.close().await,
        Reply::Silence => std::future::pending().await,
        Reply::Spill(bytes) => match &mut side {
            Side::Daemon(stream) => stream.out.lock().await.write_all(&bytes).await,
            Side::Server(socket) => socket.write_all(&bytes).await,
        },
        Reply::Flood(bytes, times) => flood(side, &device, &bytes, times).await,
        Reply::Shell => shell(&mut side, &device).await,
        Reply::ShellThenFlood(bytes, times) => {
            tokio::select! {
                ended = shell(&mut side, &device) => return ended,
                () = device.begin_flood.notified() => {}
            }
            flood(side, &device, &bytes, times).await
        }
        Reply::Refuse | Reply::Deaf | Reply::Unplug => Ok(()),
    }
}

async fn flood(side: Side, device: &Device, bytes: &[u8], times: usize) -> std::io::Result<()> {
    if let Side::Daemon(stream) = side {
        let packet = packet(b"WRTE", stream.mine, stream.theirs, bytes);
        for _ in 0..times {
            stream.out.lock().await.write_all(&packet).await?;
            device.flooded.fetch_add(1, Ordering::SeqCst);
        }
    }
    std::future::pending().await
}

/// Reads `COMMAND 2>&1; echo MARKER:$?`, as the driver writes it.
async fn shell(side: &mut Side, device: &Device) -> std::io::Result<()> {
    let mut heard = Vec::new();
    loop {
        while let Some(line) = line(&mut heard) {
            let (command, end) = line.split_once(" 2>&1; echo ").expect("a command with an end");
            let marker = end.strip_suffix(":$?").expect("a marker with an exit code");
            let Some((output, code)) = device.run(command) else { return std::future::pending().await };
            let text = [output, format!("{marker}:{code}\n").into_bytes()].concat();
            // In crumbs, since nobody promises whole lines.
            let crumbs: Vec<u8> = text.chunks(7).flat_map(|crumb| frame(1, crumb)).collect();
            for piece in crumbs.chunks(11 + crumbs.len() / 2) {
                side.write(piece).await?;
            }
        }
        match side.read().await {
            Some(bytes) => heard.extend(bytes),
            None => return side.close().await,
        }
    }
}

fn line(heard: &mut Vec<u8>) -> Option<String> {
    let length = u32::from_le_bytes(heard.get(1..5)?.try_into().unwrap()) as usize;
    let body = heard.get(5..5 + length)?;
    let line = String::from_utf8_lossy(body).trim_end_matches('\n').to_owned();
    heard.drain(..5 + length);
    Some(line)
}

async fn server(mut socket: TcpStream, device: Arc<Device>) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    loop {
        let mut length = [0; 4];
        socket.read_exact(&mut length).await?;
        let length = usize::from_str_radix(std::str::from_utf8(&length).unwrap(), 16).unwrap();
        let mut name = vec![0; length];
        socket.read_exact(&mut name).await?;
        let name = String::from_utf8(name).unwrap();
        let tell = |text: &str| format!("OKAY{:04x}{text}", text.len());
        let serial = &device.serial;
        let asks_for = |prefix: &str, suffix: &str| {
            name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix)).is_some_and(|rest| rest == serial)
        };
        let about_it = asks_for("host-serial:", ":features") || asks_for("host:transport:", "");
        let not_yet = if about_it { device.not_yet.lock().unwrap().pop() } else { None };
        let answer = match name.as_str() {
            _ if not_yet.is_some() => {
                let why = not_yet.unwrap_or_default();
                format!("FAIL{:04x}{why}", why.len())
            }
            _ if device.gone.load(Ordering::SeqCst) => "FAIL000edevice offline".to_owned(),
            _ if asks_for("host-serial:", ":features") => tell("shell_v2,cmd"),
            "host:devices-l" => tell(&format!("{serial:<22} device product:f model:Fake_1 device:f transport_id:1\n")),
            "host:mdns:services" => tell("adb-R58-x7\t_adb-tls-pairing._tcp\t192.168.1.20:37123\n"),
            "host:pair:123456:192.168.1.20:37123" => {
                tell("Successfully paired to 192.168.1.20:37123 [guid=adb-R58-x7]")
            }
            pair if pair.starts_with("host:pair:") => tell("Failed: Wrong password or connection was dropped."),
            _ if asks_for("host:transport:", "") => {
                socket.write_all(b"OKAY").await?;
                continue;
            }
            host if host.starts_with("host") => {
                let why = "device 'other' not found";
                format!("FAIL{:04x}{why}", why.len())
            }
            service => {
                device.note(service);
                let reply = reply(&device, service);
                match reply {
                    Reply::Deaf => return std::future::pending().await,
                    Reply::Unplug => return Ok(()),
                    Reply::Vanish => {
                        device.gone.store(true, Ordering::SeqCst);
                        return socket.write_all(b"OKAY").await;
                    }
                    Reply::Refuse => "FAIL0006closed".to_owned(),
                    reply => {
                        socket.write_all(b"OKAY").await?;
                        return serve(reply, Side::Server(socket), device).await;
                    }
                }
            }
        };
        return socket.write_all(answer.as_bytes()).await;
    }
}

/// How these devices are looked at, wherever they are: raw pictures, no grace, lost at once.
pub fn options(address: Address) -> AndroidOptions {
    AndroidOptions { address, settle: Settle::INSTANT, capture: Capture::Raw, find_again: Duration::ZERO, wake: false }
}

impl Fake {
    /// Straight to its daemon.
    pub fn direct(&self) -> Address {
        Address::Direct { address: self.address.to_string(), keys: Keys::default() }
    }

    /// A driver of it, straight to its daemon.
    pub async fn driver(&self) -> Android {
        Android::connect(options(self.direct()), Duration::from_secs(20)).await.unwrap()
    }
}

/// A raw picture as `screencap` writes it, of one colour but for its first pixel.
pub fn raw(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let mut bytes: Vec<u8> = [width, height, 1, 0].iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
    bytes.extend([9, 9, 9, 255]);
    bytes.extend([shade, shade, shade, 255].repeat((width * height - 1) as usize));
    bytes
}

/// The same as PNG.
pub fn png(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(::png::ColorType::Rgba);
    encoder.set_depth(::png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&raw(width, height, shade)[16..]).unwrap();
    drop(writer);
    bytes
}

pub const FRONT: &str = "  mCurrentFocus=Window{1 u0 com.android.settings/.Settings}\n";

/// What a phone answers that has nothing wrong with it.
pub fn good_command(command: &str) -> Option<Answer> {
    Some(match command.split(' ').next().unwrap_or_default() {
        "dumpsys" => (FRONT.into(), 0),
        "pm" => ("package:com.android.settings\n".into(), 0),
        "true" | "input" | "monkey" => (vec![], 0),
        other => (format!("/system/bin/sh: {other}: inaccessible or not found\n").into_bytes(), 127),
    })
}

/// The services of such a phone.
pub fn good_service(name: &str) -> Reply {
    match name {
        "exec:screencap" => Reply::Say(raw(54, 120, 200)),
        "exec:screencap -p" => Reply::Say(png(54, 120, 200)),
        "shell,v2,raw:" => Reply::Shell,
        _ => Reply::Refuse,
    }
}

pub fn script(
    service: impl Fn(&str) -> Reply + Send + Sync + 'static,
    command: impl Fn(&str) -> Option<Answer> + Send + Sync + 'static,
) -> Script {
    Script { banner: BANNER.to_owned(), version: 0x0100_0001, service: Box::new(service), command: Box::new(command) }
}

pub fn good() -> Script {
    script(good_service, good_command)
}
