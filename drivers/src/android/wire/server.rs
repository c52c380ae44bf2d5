//! Through an adb server's smart socket: `host:transport:SERIAL`, then the service, then its bytes.

use std::collections::BTreeSet;
use std::time::Duration;

use tapwright_contract::device::DriverErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::android::parse::server::{self as parse, PassingState};
use crate::deadline::Deadline;

/// The least time between two questions whether a device can be used yet, and the most.
const STATE_PAUSE: Duration = Duration::from_millis(50);
const STATE_PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long a device that does not answer is waited for.
const OFFLINE_MAX: Duration = Duration::from_secs(3);
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
    /// Finds the device. One that is just coming up is waited for, and one whose owner is asked for at most `authorize`.
    pub async fn connect(
        address: &str,
        serial: &str,
        authorize: Duration,
        deadline: Deadline,
    ) -> Result<Server, DriverErrorKind> {
        // The serial stands in a request that the server takes apart by its length; blanks are parts of some serials.
        if serial.trim() != serial || serial.is_empty() || serial.chars().any(char::is_control) {
            return Err(DriverErrorKind::Refused { why: format!("{serial:?} is not the serial of a device") });
        }
        let work = async {
            let mut features = ready(address, serial, authorize, deadline).await;
            if let Err(DriverErrorKind::Lost { why }) = &features
                && !why.starts_with(NO_SERVER)
                && is_address(serial)
            {
                // An adb server gives an address up after some tries, or never looks for it again by itself.
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
        read_okay(&mut socket).await?;
        send(&mut socket, service).await?;
        read_okay(&mut socket).await?;
        Ok(Stream { socket })
    }
}

/// The features of a device, as soon as it can be used: an adb server lists devices before it has spoken with them.
async fn ready(
    address: &str,
    serial: &str,
    authorize: Duration,
    deadline: Deadline,
) -> Result<String, DriverErrorKind> {
    let (asked, offline) = (deadline.or_sooner(authorize), deadline.or_sooner(OFFLINE_MAX));
    let mut pause = STATE_PAUSE;
    loop {
        let began = Instant::now();
        let mut socket = dial(address).await?;
        send(&mut socket, &format!("host-serial:{serial}:features")).await?;
        let Some(message) = read_refusal(&mut socket).await? else { return text(&mut socket).await };
        let patience = match parse::passing(&message) {
            Some(PassingState::Connecting) => deadline,
            Some(PassingState::Authorizing) => asked,
            // Whoever finds an address again does it by connecting anew.
            Some(PassingState::Offline) if is_address(serial) => return Err(parse::failure(&message)),
            Some(PassingState::Offline) => offline,
            None => return Err(parse::failure(&message)),
        };
        tracing::debug!(serial, message, "asks the adb server again");
        // Time is left for the answer that says why, which a timeout would not.
        if patience.remaining() <= 2 * pause {
            return Err(parse::failure(&message));
        }
        patience.rest_until(began + pause).await;
        pause = (2 * pause).min(STATE_PAUSE_MAX);
    }
}

fn is_address(serial: &str) -> bool {
    serial.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

/// Sends one request to the server and returns its answer.
pub(crate) async fn ask(address: &str, request: &str) -> Result<String, DriverErrorKind> {
    let mut socket = dial(address).await?;
    send(&mut socket, request).await?;
    read_okay(&mut socket).await?;
    text(&mut socket).await
}

async fn text(socket: &mut TcpStream) -> Result<String, DriverErrorKind> {
    Ok(String::from_utf8_lossy(&read_counted_bytes(socket).await?).into_owned())
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
    socket.write_all(&parse::request(request)?).await.map_err(io_error)
}

async fn read_okay(socket: &mut TcpStream) -> Result<(), DriverErrorKind> {
    match read_refusal(socket).await? {
        None => Ok(()),
        Some(message) => Err(parse::failure(&message)),
    }
}

/// What the server says against a request, if it does.
async fn read_refusal(socket: &mut TcpStream) -> Result<Option<String>, DriverErrorKind> {
    let mut status = [0; 4];
    socket.read_exact(&mut status).await.map_err(io_error)?;
    match &status {
        b"OKAY" => Ok(None),
        b"FAIL" => text(socket).await.map(Some),
        other => Err(DriverErrorKind::MalformedResponse {
            why: format!(
                "an adb server begins its answers with OKAY or FAIL, not {:?}",
                String::from_utf8_lossy(other)
            ),
        }),
    }
}

/// Bytes behind their own length, which has four digits and so is bounded.
async fn read_counted_bytes(socket: &mut TcpStream) -> Result<Vec<u8>, DriverErrorKind> {
    let mut length = [0; 4];
    socket.read_exact(&mut length).await.map_err(io_error)?;
    let mut bytes = vec![0; parse::length(length)?];
    socket.read_exact(&mut bytes).await.map_err(io_error)?;
    Ok(bytes)
}

fn io_error(error: std::io::Error) -> DriverErrorKind {
    DriverErrorKind::Lost { why: format!("the adb server broke off: {error}") }
}

impl Stream {
    pub async fn read(&mut self) -> Result<Option<Vec<u8>>, DriverErrorKind> {
        let mut piece = Vec::with_capacity(PIECE);
        let count = self.socket.read_buf(&mut piece).await.map_err(io_error)?;
        Ok((count != 0).then_some(piece))
    }

    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), DriverErrorKind> {
        self.socket.write_all(bytes).await.map_err(io_error)
    }
}
