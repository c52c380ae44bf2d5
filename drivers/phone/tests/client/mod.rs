//! A small ADB client that can also misbehave: the packets are in the tests' hands.

#![allow(dead_code)] // Each test binary uses its part.

use std::net::SocketAddr;
use std::time::Duration;

use tapwright_phone::adbd::{Daemon, DaemonOptions, Handle, ManualClock};
use tapwright_phone::{Options as WorldOptions, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub const CNXN: u32 = u32::from_le_bytes(*b"CNXN");
pub const AUTH: u32 = u32::from_le_bytes(*b"AUTH");
pub const OPEN: u32 = u32::from_le_bytes(*b"OPEN");
pub const OKAY: u32 = u32::from_le_bytes(*b"OKAY");
pub const WRTE: u32 = u32::from_le_bytes(*b"WRTE");
pub const CLSE: u32 = u32::from_le_bytes(*b"CLSE");

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub async fn daemon(options: DaemonOptions) -> Daemon {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let handle = Handle::new(World::new(WorldOptions::default()), ManualClock::default());
    Daemon::start(listener, handle, options).unwrap()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub command: u32,
    pub first: u32,
    pub second: u32,
    pub sum: u32,
    pub payload: Vec<u8>,
}

pub struct Client {
    pub socket: TcpStream,
    pub banner: String,
    pub next: u32,
}

pub fn packet(command: u32, first: u32, second: u32, payload: &[u8]) -> Vec<u8> {
    let sum = payload.iter().fold(0u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
    let mut bytes = Vec::new();
    for word in [command, first, second, payload.len() as u32, sum, !command] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(payload);
    bytes
}

impl Client {
    /// A connection on which nothing was said yet.
    pub async fn mute(address: SocketAddr) -> Client {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Client { socket, banner: String::new(), next: 1 }
    }

    pub async fn connect(address: SocketAddr) -> Client {
        let mut client = Client::mute(address).await;
        let hello = client.hello(0x0100_0001, 1 << 20).await;
        client.banner = String::from_utf8(hello.payload).unwrap();
        client
    }

    pub async fn hello(&mut self, version: u32, payload_max: u32) -> Packet {
        self.send(CNXN, version, payload_max, b"host::features=shell_v2,cmd,stat_v2").await;
        let hello = self.receive().await.expect("the phone says hello");
        assert_eq!(hello.command, CNXN);
        hello
    }

    pub async fn send(&mut self, command: u32, first: u32, second: u32, payload: &[u8]) {
        self.raw(&packet(command, first, second, payload)).await;
    }

    pub async fn raw(&mut self, bytes: &[u8]) {
        // The other side may be gone already; then the next read says so.
        let _ = self.socket.write_all(bytes).await;
    }

    /// The next packet, or `None` if the phone has closed the connection.
    pub async fn receive(&mut self) -> Option<Packet> {
        tokio::time::timeout(PATIENCE, self.receive_unbounded()).await.expect("the phone answers or closes")
    }

    async fn receive_unbounded(&mut self) -> Option<Packet> {
        let mut header = [0; 24];
        self.socket.read_exact(&mut header).await.ok()?;
        let word = |index: usize| u32::from_le_bytes(header[4 * index..4 * index + 4].try_into().unwrap());
        assert_eq!(word(5), !word(0), "the magic fits");
        let mut payload = vec![0; word(3) as usize];
        self.socket.read_exact(&mut payload).await.ok()?;
        Some(Packet { command: word(0), first: word(1), second: word(2), sum: word(4), payload })
    }

    /// Opens a stream and returns our number and the phone's, or `None` if it was refused.
    pub async fn open(&mut self, service: &str) -> Option<(u32, u32)> {
        let local = self.next;
        self.next += 1;
        self.send(OPEN, local, 0, format!("{service}\0").as_bytes()).await;
        let answer = self.receive().await.expect("an answer to an opening");
        assert_eq!(answer.second, local);
        match answer.command {
            OKAY => Some((local, answer.first)),
            CLSE => {
                assert_eq!(answer.first, 0);
                None
            }
            other => panic!("{other:#x} in answer to an opening"),
        }
    }

    /// Everything that a service says until it closes.
    pub async fn run(&mut self, service: &str) -> Vec<u8> {
        let (local, remote) = self.open(service).await.unwrap_or_else(|| panic!("`{service}` was refused"));
        self.rest(local, remote).await
    }

    pub async fn rest(&mut self, local: u32, remote: u32) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let packet = self.receive().await.expect("the service goes on");
            assert_eq!((packet.first, packet.second), (remote, local));
            match packet.command {
                WRTE => {
                    all.extend(packet.payload);
                    self.send(OKAY, local, remote, b"").await;
                }
                CLSE => {
                    self.send(CLSE, local, remote, b"").await;
                    return all;
                }
                OKAY => {}
                other => panic!("{other:#x}"),
            }
        }
    }

    /// Writes into a stream and waits until it was taken; what the service says meanwhile is returned.
    pub async fn write(&mut self, local: u32, remote: u32, bytes: &[u8]) -> Vec<u8> {
        self.send(WRTE, local, remote, bytes).await;
        let mut said = Vec::new();
        loop {
            let packet = self.receive().await.expect("an acknowledgement");
            match packet.command {
                OKAY => return said,
                WRTE => {
                    said.extend(packet.payload);
                    self.send(OKAY, local, remote, b"").await;
                }
                other => panic!("{other:#x} in answer to a write"),
            }
        }
    }

    /// Reads from a stream until `enough` says so.
    pub async fn read_until(
        &mut self,
        local: u32,
        remote: u32,
        mut said: Vec<u8>,
        enough: impl Fn(&[u8]) -> bool,
    ) -> Vec<u8> {
        while !enough(&said) {
            let packet = self.receive().await.expect("more");
            assert_eq!(packet.command, WRTE, "{packet:?}");
            said.extend(packet.payload);
            self.send(OKAY, local, remote, b"").await;
        }
        said
    }
}

/// What the frames of `shell,v2` hold: output, complaints, status.
pub fn unframe(mut bytes: &[u8]) -> (String, String, Option<u8>) {
    let (mut out, mut err, mut status) = (Vec::new(), Vec::new(), None);
    while let Some((head, rest)) = bytes.split_at_checked(5) {
        let length = u32::from_le_bytes(head[1..].try_into().unwrap()) as usize;
        let (content, rest) = rest.split_at(length);
        match head[0] {
            1 => out.extend(content),
            2 => err.extend(content),
            3 => status = Some(content[0]),
            other => panic!("frame {other}"),
        }
        bytes = rest;
    }
    assert!(bytes.is_empty());
    (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap(), status)
}

pub fn frame(id: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![id];
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
    bytes
}
