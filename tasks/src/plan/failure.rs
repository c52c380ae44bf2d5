//! A goal that was not achieved, and what is known when it has to be decided how the plan goes on.

use tapwright_agent::outcome::Outcome;

use super::steps::DeedState;
use super::values::Outputs;

/// A goal that has failed as often as it may, and about which nothing was decided yet.
pub(super) struct Failure {
    pub run: String,
    pub why: String,
    pub end: Outcome,
    pub notes: Vec<String>,
    /// Whether another try could end otherwise: not where something is missing that no try at this goal finds out.
    pub can_be_tried_again: bool,
    /// Of steps: the one that it stands at, from 1.
    pub step: Option<usize>,
    /// Of that one: whether what it does was done.
    pub deed: DeedState,
    /// Of steps: what those before it have found out.
    pub outputs: Outputs,
}

impl Failure {
    /// Whether the model says that it did it: then it is not done again unless a person wants it so.
    pub fn is_claimed(&self) -> bool {
        matches!(self.end, Outcome::Done { .. })
    }
}
