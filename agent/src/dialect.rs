//! How models write actions. A dialect reads what a model said and prints what it might have said.
//!
//! What a reply means for the run is the episode's; whether it may be done is the guard's.

pub mod autoglm;

use serde::{Deserialize, Serialize};

use crate::action::Call;

/// A way to write actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `do(action="Tap", element=[500,500])` and `finish(message="…")`, places on a grid of 1000.
    Autoglm,
}

impl Dialect {
    /// The canonical form of a call, which `read` gives back unchanged.
    pub fn print(self, call: &Call) -> String {
        match self {
            Dialect::Autoglm => autoglm::print(call),
        }
    }
}
