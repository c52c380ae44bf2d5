//! The language of AutoGLM-Phone: one call a turn, written like Python, after a thought.
//!
//! ```text
//! <think>Wi-Fi is off.</think><answer>do(action="Tap", element=[890,142])</answer>
//! ```
//!
//! All 14 verbs and `finish`. The language has no word for giving up; here it is `status`:
//! `finish(message="there is no such contact", status="infeasible")`.
//!
//! `Call_API` was taught with free text. Here an instruction that begins with an API's name is a call of it: what follows is its
//! `instruction`, a JSON object, or `(name="value", …)`; `do(action="Call_API", name="mail", arguments={…})` says the same. An
//! instruction that names no API asks for the notes, if it says so or no API is offered; else it cannot be read.
//!
//! Reading is tolerant of form and strict about meaning: quotes, brackets, numbers and tags come as they like, but
//! nothing is done that the model did not write in full.

/// Places are on a grid of so many steps a side, whatever the display's size: 0 to 999.
pub(crate) const GRID: u32 = 1000;

mod calls;
mod find;
mod grammar;
mod print;
mod verb;

#[cfg(test)]
mod tests;

pub(crate) use calls::asks_for_notes;
pub use calls::offer;
pub use find::{read, without_marks};
pub use grammar::{cannot_say, grammar};
pub use print::print;
