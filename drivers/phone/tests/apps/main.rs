//! The apps of a phone with all of them, as a finger meets them.

mod feed;
mod hand;
mod maps;
mod rail;
mod scrolling;
