//! The virtual phone: a pure world with apps that draws itself, and an adbd in front of it that real clients connect to.
//!
//! One widget tree makes the pixels, the uiautomator XML, the hit test and the ground truth. Nothing here knows the agent.

pub mod adbd;
pub mod app;
mod apps;
pub mod atlas;
pub mod command;
pub mod content;
pub mod date;
mod dice;
pub mod draw;
mod dump;
mod fields;
pub mod functions;
mod icon;
pub mod locale;
mod options;
mod permission;
mod photo;
pub mod picture;
pub mod providers;
mod system;
mod truth;
pub mod ui;
pub mod weather;
mod world;

pub use app::AppInfo;
pub use command::{FieldId, Page};
pub use dice::Dice;
pub use draw::Rect;
pub use icon::Icon;
pub use locale::Language;
pub use options::{AppSelection, Options};
pub use system::events::{Answer, Event};
pub use system::motion::Motion;
pub use truth::{Mark, MarkContent};
pub use ui::Appearance;
pub use world::{
    ADB_KEYBOARD, AddedPackage, Input, InstallError, Key, LATIN_KEYBOARD, OfferedFunction, Refused, World,
};
