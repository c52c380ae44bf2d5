//! What Python means by the words that upstream's evaluators use: equality, `in`, lines, blanks, patterns, addresses.
//!
//! A score is only worth comparing if the same file gets the same one, and that hangs on details such as `True == 1`, or that `$`
//! also matches before a last line break. They stand here once; nothing here knows of tasks.

pub mod difference;
pub mod pattern;
pub mod text;
pub mod url;
pub mod value;
