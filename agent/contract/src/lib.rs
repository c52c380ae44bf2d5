//! The words that `agent` shares with `drivers` and `models`, and nothing else.
//!
//! A type belongs here only if the agent and one of the other two both have to name it.

pub mod api;
pub mod device;
pub mod file;
pub mod gesture;
pub mod model;
pub mod name;
mod picture;

pub use picture::{BadPicture, Picture, Rotation, ScreenId, Size, Spot};
