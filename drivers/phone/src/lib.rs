//! The virtual phone: a pure world with apps that draws itself, and an adbd in front of it that real clients connect to.
//!
//! One widget tree makes the pixels, the uiautomator XML, the hit test and the ground truth. Nothing here knows the agent.

pub mod adbd;
mod world;

pub use world::{App, Input, Key, Options, Refused, World};
