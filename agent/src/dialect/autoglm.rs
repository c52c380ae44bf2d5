//! The language of AutoGLM-Phone: one call a turn, written like Python, after a thought.
//!
//! ```text
//! <think>Wi-Fi is off.</think><answer>do(action="Tap", element=[890,142])</answer>
//! ```
//!
//! All 14 verbs and `finish`. The language has no word for giving up; here it is `status`:
//! `finish(message="there is no such contact", status="infeasible")`.

mod print;

pub use print::print;
