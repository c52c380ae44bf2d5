//! Through an adb server's smart socket: `host:transport:SERIAL`, then the service, then its bytes.

use std::collections::BTreeSet;

use tapwright_contract::device::DriverErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::android::parse::server as parse;
use crate::deadline::Deadline;

/// How much is read from the socket at once.
const PIECE: usize = 256 << 10;

/// A device that an adb server knows.
pub(crate) struct Server {
    address: String,
    serial: String,
    pub features: BTreeSet<String>,
}

/// A connection to the server that has become a service of the device.
pub(crate) struct Stream {
    socket: TcpStream,
}

impl Server {
    pub async fn connect(address: &str, serial: &str, deadline: Deadline) -> Result<Server, DriverErrorKind> {
        // The serial stands in a request that the server takes apart.
        if serial.is_empty() || serial.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
            return Err(DriverErrorKind::Refused { why: format!("{serial:?} is not the serial of a device") });
        }
        let work = async {
            let mut features = ask(address, &format!("host-serial:{serial}:features")).await;
            if let Err(DriverErrorKind::Lost { why }) = &features
                && !why.starts_with(NO_SERVER)
                && is_address(serial)
            {
                // adb servers of before 2020 never find a TCP device again by themselves.
                tracing::debug!(serial, why, "asks the adb server to connect anew");
                let _ = ask(address, &format!("host:disconnect:{serial}")).await;
                // Its words are not to be trusted: it says "failed" to devices that then work.
                ask(address, &format!("host:connect:{serial}")).await?;
                features = ask(address, &format!("host-serial:{serial}:features")).await;
            }
            features
        };
        let features = deadline.hold("to reach the device through the adb server", work).await?;
        Ok(Server { address: address.to_owned(), serial: serial.to_owned(), features: parse::features(&features) })
    }

    pub async fn open(&self, service: &str) -> Result<Stream, DriverErrorKind> {
        let mut socket = dial(&self.address).await?;
        send(&mut socket, &format!("host:transport:{}", self.serial)).await?;
        accepted(&mut socket).await?;
        send(&mut socket, service).await?;
        accepted(&mut socket).await?;
        Ok(Stream { socket })
    }
}

fn is_address(serial: &str) -> bool {
    serial.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

/// Sends one request to the server and returns its answer.
pub(crate) async fn ask(address: &str, request: &str) -> Result<String, DriverErrorKind> {
    let mut socket = dial(address).await?;
    send(&mut socket, request).await?;
    accepted(&mut socket).await?;
    let answer = counted(&mut socket).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

const NO_SERVER: &str = "no adb server";

async fn dial(address: &str) -> Result<TcpStream, DriverErrorKind> {
    let socket = TcpStream::connect(address).await.map_err(|error| DriverErrorKind::Lost {
        why: format!("{NO_SERVER} answers at {address} ({error}); start one with `adb start-server`"),
    })?;
    let _ = socket.set_nodelay(true); // Only slower without.
    Ok(socket)
}

async fn send(socket: &mut TcpStream, request: &str) -> Result<(), DriverErrorKind> {
    socket.write_all(&parse::request(request)?).await.map_err(broken)
}

async fn accepted(socket: &mut TcpStream) -> Result<(), DriverErrorKind> {
    let mut status = [0; 4];
    socket.read_exact(&mut status).await.map_err(broken)?;
    match &status {
        b"OKAY" => Ok(()),
        b"FAIL" => Err(parse::failure(&String::from_utf8_lossy(&counted(socket).await?))),
        other => Err(DriverErrorKind::MalformedResponse {
            why: format!("{:?} from an adb server", String::from_utf8_lossy(other)),
        }),
    }
}

/// Bytes behind their own length, which has four digits and so is bounded.
async fn counted(socket: &mut TcpStream) -> Result<Vec<u8>, DriverErrorKind> {
    let mut length = [0; 4];
    socket.read_exact(&mut length).await.map_err(broken)?;
    let mut bytes = vec![0; parse::length(length)?];
    socket.read_exact(&mut bytes).await.map_err(broken)?;
    Ok(bytes)
}

fn broken(error: std::io::Error) -> DriverErrorKind {
    DriverErrorKind::Lost { why: format!("the adb server broke off: {error}") }
}

impl Stream {
    pub async fn read(&mut self) -> Result<Option<Vec<u8>>, DriverErrorKind> {
        let mut piece = Vec::with_capacity(PIECE);
        let count = self.socket.read_buf(&mut piece).await.map_err(broken)?;
        Ok((count != 0).then_some(piece))
    }

    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), DriverErrorKind> {
        self.socket.write_all(bytes).await.map_err(broken)
    }
}
