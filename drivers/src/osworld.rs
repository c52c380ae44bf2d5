//! Machines as OSWorld's control server shows them: a virtual machine of somebody's, or a private desktop here.
//!
//! Set-up and scoring of OSWorld's tasks speak to a [`machine::ControlledMachine`] and do not know which one it is.

mod answers;
mod control_server;
mod driver;
mod gestures;
mod guest;
mod http;
pub mod machine;
mod rig;
mod widgets;

pub use self::control_server::ControlServer;
pub use self::driver::MachineDesktop;
pub use self::rig::{MachineOptions, host_and_port, without_token};
