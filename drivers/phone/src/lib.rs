//! The virtual phone: a pure world with apps that draws itself, and an adbd in front of it that real clients connect to.
//!
//! One widget tree makes the pixels, the uiautomator XML, the hit test and the ground truth. Nothing here knows the agent.

pub mod adbd;
mod apps;
pub mod content;
mod dice;
pub mod draw;
mod dump;
mod icon;
mod keyboard;
mod outside;
mod photo;
mod truth;
mod ui;
pub mod weather;
mod world;

pub use apps::{FieldId, Page};
pub use dice::Dice;
pub use draw::Rect;
pub use icon::Icon;
pub use outside::{Answer, Event};
pub use truth::{Mark, What};
pub use world::{ADB_KEYBOARD, App, Input, Key, LATIN_KEYBOARD, Options, Refused, World};
