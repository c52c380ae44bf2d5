//! Sees and touches devices, and looks behind their screens for judges.
//!
//! Nothing here knows goals, prompts or models: a driver is told what to do and says what came of it.

pub mod android;
pub mod androidworld;
pub mod browser;
pub mod conformance;
mod deadline;
pub mod desktop;
pub mod osworld;
#[cfg(unix)]
mod private_folder;
mod probe;
mod quote;
mod rig;
mod settle;
mod still;
pub mod tree;

use tapwright_contract::device::DriverErrorKind;

pub use probe::{DeviceSetupError, Probe};
pub use rig::{OpenRig, Rig};
pub use settle::Settle;
pub use still::Rest;
pub use tree::{Tree, Widget};

/// A device that says no, and why.
fn refused(why: impl Into<String>) -> DriverErrorKind {
    DriverErrorKind::Refused { why: why.into() }
}
