//! Machines as OSWorld's control server shows them: a virtual machine of somebody's, or a private desktop here.
//!
//! Set-up and scoring of OSWorld's tasks speak to a [`machine::ControlledMachine`] and do not know which one it is.

pub mod machine;
