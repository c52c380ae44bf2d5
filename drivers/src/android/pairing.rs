//! Finding and pairing phones with wireless debugging, through an adb server, by the crate `adb_client`.
//!
//! The crate blocks, so its calls have threads of their own; one that is given up goes on until its socket ends.

use std::net::SocketAddrV4;
use std::time::Duration;

use adb_client::server::ADBServer;
use tapwright_contract::device::{DriverError, DriverErrorKind};

use super::parse::answers::shortened;
use crate::deadline::Deadline;

/// A phone that announces itself on the local network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncedPhone {
    /// What it calls itself: `adb-R58M30ABCDE-x7Kq2L`.
    pub name: String,
    /// What it offers: `_adb-tls-pairing._tcp` (pair here), `_adb-tls-connect._tcp` (connect here), `_adb._tcp`.
    pub service: String,
    /// Where.
    pub address: String,
}

/// Lists the phones that the adb server at `server` hears on the local network.
///
/// # Errors
/// `DriverErrorKind::Lost` if there is no server.
pub async fn announced_phones(server: &str, within: Duration) -> Result<Vec<AnnouncedPhone>, DriverError> {
    let found = ask_server(server, "the announcements of phones", within, |mut server| server.mdns_services()).await;
    let found = found.map_err(|kind| error(server, "find phones", kind))?;
    let announced = |found: adb_client::server::MDNSServices| AnnouncedPhone {
        name: found.service_name,
        service: found.reg_type,
        address: found.socket_v4.to_string(),
    };
    Ok(found.into_iter().map(announced).collect())
}

/// Pairs the adb server with a phone, by the address and the six digits that its "Pair device with pairing code" shows.
/// Connect afterwards, to the other address that the phone shows.
///
/// # Errors
/// `DriverErrorKind::Refused` if the phone does not take the code, `DriverErrorKind::Lost` if there is no server.
pub async fn pair(server: &str, address: &str, code: &str, within: Duration) -> Result<(), DriverError> {
    let paired = match (address.parse::<SocketAddrV4>(), code) {
        (Err(_), _) => Err(DriverErrorKind::Refused { why: format!("{address:?} is not like 192.168.1.20:37123") }),
        // It stands in a request that the server takes apart.
        (_, code) if code.is_empty() || !code.bytes().all(|digit| digit.is_ascii_digit()) => {
            Err(DriverErrorKind::Refused { why: "a pairing code has digits only".to_owned() })
        }
        (Ok(phone), code) => {
            let code = code.to_owned();
            ask_server(server, "the phone to be paired", within, move |mut server| server.pair(phone, code)).await
        }
    };
    paired.map_err(|kind| error(address, "pair", kind))
}

async fn ask_server<T: Send + 'static>(
    server: &str,
    what: &str,
    within: Duration,
    ask: impl FnOnce(ADBServer) -> adb_client::Result<T> + Send + 'static,
) -> Result<T, DriverErrorKind> {
    let deadline = Deadline::after(within);
    let address: SocketAddrV4 = server
        .parse()
        .map_err(|_| DriverErrorKind::Refused { why: format!("{server:?} is not like 127.0.0.1:5037") })?;
    // The crate runs `adb start-server` before every request, which prints, and starts a server on another port than this
    // one if this is not the usual. Whether one runs is the user's business, so it is given a program that does nothing.
    let harmless = Some("true".to_owned());
    let asking = tokio::task::spawn_blocking(move || ask(ADBServer::new_from_path(address, harmless)));
    deadline
        .hold(what, async {
            match asking.await {
                Ok(answer) => answer.map_err(kind),
                Err(error) => Err(DriverErrorKind::MalformedResponse { why: error.to_string() }),
            }
        })
        .await
}

fn kind(error: adb_client::RustADBError) -> DriverErrorKind {
    let why = shortened(&error.to_string());
    match error {
        adb_client::RustADBError::IOError(_) => {
            DriverErrorKind::Lost { why: format!("no adb server answers ({why}); start one with `adb start-server`") }
        }
        adb_client::RustADBError::ADBRequestFailed(_) => DriverErrorKind::Refused { why },
        _ => DriverErrorKind::MalformedResponse { why },
    }
}

fn error(device: &str, operation: &'static str, kind: DriverErrorKind) -> DriverError {
    DriverError { device: device.to_owned(), operation, kind }
}
