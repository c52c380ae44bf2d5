//! The devices that an adb server knows, and those that it should.

use std::time::Duration;

use tapwright_contract::device::{DriverError, DriverErrorKind};

use super::parse::server::{self as parse, DeviceState, ListedDevice};
use super::wire::server::ask;
use crate::deadline::{AttemptLog, Deadline};

/// Lists the devices that the adb server at `server` (usually `127.0.0.1:5037`) knows.
///
/// # Errors
/// `DriverErrorKind::Lost` if there is no server.
pub async fn devices(server: &str, within: Duration) -> Result<Vec<ListedDevice>, DriverError> {
    list(server, Deadline::after(within)).await.map_err(|kind| error(server, "list devices", kind))
}

async fn list(server: &str, deadline: Deadline) -> Result<Vec<ListedDevice>, DriverErrorKind> {
    let list = deadline.hold("the list of devices", ask(server, "host:devices-l")).await?;
    Ok(parse::devices(&list))
}

/// Makes the adb server connect to a device that listens on TCP, and waits until it can be used.
///
/// # Errors
/// `DriverErrorKind::Refused` if its owner has to confirm this computer, `DriverErrorKind::TimedOut` if it did not come up.
pub async fn connect(server: &str, address: &str, within: Duration) -> Result<(), DriverError> {
    let deadline = Deadline::after(within);
    let work = async {
        check(address)?;
        let said = deadline.hold("the adb server to connect", ask(server, &format!("host:connect:{address}"))).await?;
        // The server says "failed to authenticate" of devices that work a moment later, and OKAY to all of it: its list
        // is to be believed, not its words.
        let mut tries = AttemptLog::new("the device is there");
        tries.note(said.trim());
        loop {
            let began = tokio::time::Instant::now();
            let state = list(server, deadline).await?.into_iter().find(|device| device.serial == address);
            match state.map(|device| device.state) {
                Some(DeviceState::Ready) => return Ok(()),
                Some(state) => tries.note(format!("{state:?}")),
                None if said.contains("failed") || said.contains("cannot") || said.contains("refused") => {
                    return Err(DriverErrorKind::Lost { why: said.trim().to_owned() });
                }
                None => tries.note("the server does not list it"),
            }
            deadline.rest_until(began + Duration::from_millis(50)).await;
            if deadline.is_over() {
                return Err(DriverErrorKind::TimedOut { tries: tries.tell(&deadline) });
            }
        }
    };
    work.await.map_err(|kind| error(address, "connect", kind))
}

/// Makes the adb server forget a device that listens on TCP.
///
/// # Errors
/// `DriverErrorKind::Refused` if it knows none by that address.
pub async fn disconnect(server: &str, address: &str, within: Duration) -> Result<(), DriverError> {
    let deadline = Deadline::after(within);
    let work = async {
        check(address)?;
        deadline.hold("the adb server to disconnect", ask(server, &format!("host:disconnect:{address}"))).await
    };
    work.await.map(drop).map_err(|kind| error(address, "disconnect", kind))
}

/// A device on USB that speaks ADB.
#[cfg(feature = "usb")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbDevice {
    pub vendor: u16,
    pub product: u16,
    /// What it calls itself, for people.
    pub description: String,
}

/// Lists the devices on USB that speak ADB, whether or not an adb server holds them.
///
/// # Errors
/// `DriverErrorKind::Lost` if USB cannot be read here.
#[cfg(feature = "usb")]
pub async fn usb_devices() -> Result<Vec<UsbDevice>, DriverError> {
    let list = tokio::task::spawn_blocking(super::wire::usb::list).await;
    let list = list.unwrap_or_else(|error| Err(DriverErrorKind::MalformedResponse { why: error.to_string() }));
    let named = |(vendor, product, description)| UsbDevice { vendor, product, description };
    list.map(|list| list.into_iter().map(named).collect()).map_err(|kind| error("usb", "list devices", kind))
}

/// An address stands in a request that the server takes apart.
fn check(address: &str) -> Result<(), DriverErrorKind> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || ".:-_[]%".contains(letter);
    if address.is_empty() || !address.chars().all(plain) {
        return Err(DriverErrorKind::Refused {
            why: format!("{address:?} is not an address; one is like 192.168.1.20:5555"),
        });
    }
    Ok(())
}

fn error(device: &str, operation: &'static str, kind: DriverErrorKind) -> DriverError {
    DriverError { device: device.to_owned(), operation, kind }
}
