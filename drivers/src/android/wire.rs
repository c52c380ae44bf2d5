//! Moves bytes to and from a device: `open` a service, read and write its stream.
//!
//! Two ways behind one door: straight to the device's daemon over TCP, every stream over one connection; or through
//! an adb server, which knows USB and keys, a connection for each stream. (A third, by feature, is USB without a server.) What the bytes mean is `parse`'s.

pub(crate) mod direct;
mod greet;
pub(crate) mod server;
#[cfg(feature = "usb")]
pub(crate) mod usb;

use std::collections::BTreeSet;

use tapwright_contract::device::DriverErrorKind;
use tokio::time::Instant;

use self::direct::Direct;
use self::server::Server;
use super::Address;
use crate::deadline::Deadline;

/// The most that one service may answer, pictures apart.
pub(crate) const ANSWER_MAX: usize = 4 << 20;

/// A way to a device.
pub(crate) enum Link {
    Direct(Direct),
    Server(Server),
    #[cfg(feature = "usb")]
    Usb(usb::Usb),
}

/// A service that runs on the device. Dropping it closes it.
pub(crate) enum Stream {
    Direct(direct::Stream),
    Server(server::Stream),
    #[cfg(feature = "usb")]
    Usb(usb::Stream),
}

impl Link {
    pub async fn connect(address: &Address, deadline: Deadline) -> Result<Link, DriverErrorKind> {
        match address {
            Address::Direct { address, keys } => Direct::connect(address, keys, deadline).await.map(Link::Direct),
            Address::Server { server, serial, person } => {
                Server::connect(server, serial, *person, deadline).await.map(Link::Server)
            }
            #[cfg(feature = "usb")]
            Address::Usb { vendor, product } => {
                deadline.hold("to open the device on USB", usb::Usb::connect(*vendor, *product)).await.map(Link::Usb)
            }
        }
    }

    /// What the device can do, in adb's words.
    pub fn features(&self) -> &BTreeSet<String> {
        match self {
            Link::Direct(direct) => &direct.greeting.features,
            Link::Server(server) => &server.features,
            #[cfg(feature = "usb")]
            Link::Usb(usb) => &usb.features,
        }
    }

    /// Whether services may still be opened. A link that has ended stays so: connect again.
    pub fn alive(&self) -> bool {
        match self {
            Link::Direct(direct) => direct.alive(),
            Link::Server(_) => true,
            #[cfg(feature = "usb")]
            Link::Usb(_) => true, // It says so at the next command.
        }
    }

    /// Opens a service, for example `exec:screencap -p`. It has to be free of untrusted text that was not quoted.
    pub async fn open(&self, service: &str) -> Result<Stream, DriverErrorKind> {
        // What follows the colon may hold what is typed.
        tracing::trace!(service = service.split(':').next(), "open");
        match self {
            Link::Direct(direct) => direct.open(service).await.map(Stream::Direct),
            Link::Server(server) => server.open(service).await.map(Stream::Server),
            #[cfg(feature = "usb")]
            Link::Usb(usb) => usb.open(service).map(Stream::Usb),
        }
    }

    /// Opens a service and reads until it ends, which will be at about `expected` bytes.
    pub async fn read(&self, service: &str, expected: usize, length_max: usize) -> Result<Vec<u8>, DriverErrorKind> {
        self.read_since(service, expected, length_max).await.map(|(answer, _)| answer)
    }

    /// The same, and when the answer began to come.
    pub async fn read_since(
        &self,
        service: &str,
        expected: usize,
        length_max: usize,
    ) -> Result<(Vec<u8>, Instant), DriverErrorKind> {
        let mut stream = self.open(service).await?;
        let mut answer = Vec::with_capacity(expected.min(length_max));
        let mut since = None;
        while let Some(piece) = stream.read().await? {
            since.get_or_insert_with(Instant::now);
            if answer.len() + piece.len() > length_max {
                return Err(DriverErrorKind::MalformedResponse {
                    why: format!("an answer of more than {length_max} bytes"),
                });
            }
            if answer.is_empty() && answer.capacity() < piece.len() {
                answer = piece;
            } else {
                answer.extend_from_slice(&piece);
            }
        }
        Ok((answer, since.unwrap_or_else(Instant::now)))
    }
}

impl Stream {
    /// The next bytes, or `None` when the device has closed the stream. May be abandoned without loss.
    pub async fn read(&mut self) -> Result<Option<Vec<u8>>, DriverErrorKind> {
        match self {
            Stream::Direct(stream) => stream.read().await,
            Stream::Server(stream) => stream.read().await,
            #[cfg(feature = "usb")]
            Stream::Usb(stream) => stream.read().await,
        }
    }

    /// Sends bytes. If abandoned, some of them may have been sent: drop the stream then.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), DriverErrorKind> {
        match self {
            Stream::Direct(stream) => stream.write(bytes).await,
            Stream::Server(stream) => stream.write(bytes).await,
            #[cfg(feature = "usb")]
            Stream::Usb(_) => Err(DriverErrorKind::Refused { why: "nothing can be written over USB".to_owned() }),
        }
    }
}
