//! What whoever opens a device says of it: where it is, and how to wait for its screen.

use std::time::Duration;

use tapwright_contract::device::Label;
use tapwright_contract::{Picture, Size};

use super::{Capture, Keys};
use crate::Settle;

/// Where a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A daemon that listens on TCP, such as the virtual phone's: `127.0.0.1:5555`. If it wants a key it is shown these.
    Direct { address: String, keys: Keys },
    /// A device that an adb server knows, over USB, with a key or with TLS: the server's address (usually `127.0.0.1:5037`), the
    /// device's serial, and how long its owner may take to allow this computer.
    Server { server: String, serial: String, person: Duration },
    /// A device on USB, without an adb server; `usb_devices` lists what there is.
    #[cfg(feature = "usb")]
    Usb { vendor: u16, product: u16 },
}

impl Address {
    /// What people call the device.
    pub(super) fn name(&self) -> String {
        match self {
            Address::Direct { address, .. } => address.clone(),
            Address::Server { serial, .. } => serial.clone(),
            #[cfg(feature = "usb")]
            Address::Usb { vendor, product } => format!("usb:{vendor:04x}:{product:04x}"),
        }
    }
}

/// How to drive a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AndroidOptions {
    pub address: Address,
    pub settle: Settle,
    pub capture: Capture,
    /// How long a device that was lost is looked for, within the time of the operation that missed it.
    pub find_again: Duration,
    /// Whether a phone whose display is off, or that is locked without a secret, is woken to be seen.
    pub wake: bool,
}

/// Draws what is written on a screen of that size.
pub type ProtectedRenderer = fn(Size, &[Label]) -> Picture;
