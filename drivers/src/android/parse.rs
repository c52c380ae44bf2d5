//! Understands what devices and adb servers say. Pure: bytes in, meaning out; `wire` moves the bytes.
//!
//! Everything here is fed by someone else's software, so nothing here panics and nothing grows without a bound.

pub(crate) mod answers;
pub(crate) mod app_functions;
pub(crate) mod display;
pub(crate) mod hierarchy;
pub(crate) mod packet;
pub(crate) mod screencap;
pub(crate) mod server;
pub(crate) mod shell;
pub(crate) mod window;
