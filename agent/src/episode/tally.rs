//! What is counted against a run's limits.

/// How often something happened: in the whole run, or in a row.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Replies in a row that could not be read.
    pub(super) strikes: u32,
    /// How often the policy or a person said no.
    pub(super) refusals: u32,
    /// How often a person was asked.
    pub(super) asks: u32,
    /// How often in a row the model was asked again.
    pub(super) retries: u32,
    /// Looks in a row that showed nothing.
    pub(super) looks: u32,
    /// Gestures in a row without an answer.
    pub(super) timeouts: u32,
    /// Waits in a row.
    pub(super) waits: u32,
    /// Gestures in a row that changed nothing.
    pub(super) unmoved: u32,
}

impl Tally {
    /// What went wrong in a row before a run broke off has been looked into; and whoever resumes a run can be asked.
    pub(super) fn after_break(&mut self) {
        (self.looks, self.retries, self.timeouts, self.strikes, self.asks) = (0, 0, 0, 0, 0);
    }

    /// A person has helped a run that did not get on.
    pub(super) fn after_help(&mut self) {
        (self.waits, self.unmoved) = (0, 0);
    }
}
