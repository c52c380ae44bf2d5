//! The apps of a phone with all of them, as a finger meets them.

mod feed;
mod hand;
mod mail;
mod maps;
mod rail;
mod scrolling;
mod shop;
mod small;
