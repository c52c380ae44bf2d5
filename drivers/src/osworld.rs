//! Machines as OSWorld's control server shows them: a virtual machine of somebody's, or a private desktop here.
//!
//! Set-up and scoring of OSWorld's tasks speak to a [`machine::ControlledMachine`] and do not know which one it is.

mod answers;
mod control_server;
pub(crate) mod driver;
mod gestures;
mod guest;
pub(crate) mod http;
pub mod machine;
#[cfg(target_os = "linux")]
pub mod private;
#[cfg(target_os = "linux")]
pub mod programs;
mod rig;
#[cfg(target_os = "linux")]
mod tree;
mod widgets;

pub use self::control_server::ControlServer;
pub use self::driver::MachineDesktop;
pub use self::rig::{MachineOptions, host_and_port, without_token};
