//! Which devices are well, and how fast they are started.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

/// What is known of a sort of device beyond that it is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RigState {
    /// An attempt on it has failed: it is looked at before the next one.
    Suspect,
    /// Somebody looks at it, or starts it anew.
    Examined,
    /// It cannot be had any more: nothing is begun on it.
    Lost,
}

/// The devices of a measurement, by their names.
#[derive(Debug, Default)]
pub(super) struct RigStates {
    states: BTreeMap<String, RigState>,
    /// The cases whose attempts have failed by their devices.
    failed_cases: BTreeSet<usize>,
    /// Of each device a case that has been on it.
    proven_cases: BTreeMap<String, usize>,
}

impl RigStates {
    /// An attempt at a case on it has failed.
    pub fn suspect(&mut self, rig: &str, case: usize) {
        self.failed_cases.insert(case);
        self.states.entry(rig.to_owned()).or_insert(RigState::Suspect);
    }

    /// A case has been on it.
    pub fn prove(&mut self, rig: &str, case: usize) {
        self.proven_cases.insert(rig.to_owned(), case);
    }

    /// A case that has been on it.
    pub fn proven_case(&self, rig: &str) -> Option<usize> {
        self.proven_cases.get(rig).copied()
    }

    /// Whether an attempt at a case has failed by its device.
    pub fn has_failed(&self, case: usize) -> bool {
        self.failed_cases.contains(&case)
    }

    pub fn is_suspect(&self, rig: &str) -> bool {
        self.states.get(rig) == Some(&RigState::Suspect)
    }

    /// Whether something can be done about it or with it now.
    pub fn is_usable(&self, rig: &str) -> bool {
        !matches!(self.states.get(rig), Some(RigState::Examined | RigState::Lost))
    }

    /// How many are looked at just now.
    pub fn examination_count(&self) -> usize {
        self.states.values().filter(|state| **state == RigState::Examined).count()
    }

    pub fn begin_examination(&mut self, rig: &str) {
        self.states.insert(rig.to_owned(), RigState::Examined);
    }

    pub fn end_examination(&mut self, rig: &str, is_well: bool) {
        if is_well {
            self.states.remove(rig);
        } else {
            self.states.insert(rig.to_owned(), RigState::Lost);
        }
    }
}

/// At which rate attempts may be begun: devices that are all started at once are slow, and fail, together.
#[derive(Debug)]
pub(super) struct StartRate {
    interval: Duration,
    next: Option<Instant>,
}

impl StartRate {
    pub fn new(interval: Duration) -> StartRate {
        StartRate { interval, next: None }
    }

    /// When the next one may be begun; `None` if that is now.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        self.next.filter(|next| *next > now)
    }

    pub fn count(&mut self, now: Instant) {
        self.next = now.checked_add(self.interval).filter(|_| !self.interval.is_zero());
    }
}
