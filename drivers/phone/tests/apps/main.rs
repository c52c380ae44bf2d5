//! The apps of a phone with all of them, as a finger meets them.

mod browser;
mod feed;
mod files;
mod hand;
mod hostile;
mod mail;
mod maps;
mod rail;
mod scrolling;
mod shop;
mod small;
