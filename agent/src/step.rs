//! What a step was, and what came of it: a value for programs, and a sentence for people.

use serde::{Deserialize, Serialize};

/// What the loop made of a reply, before anything comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Which step it is, from 1.
    pub step: u32,
    /// Why the model wants it.
    pub thought: String,
    /// What it wants, in canonical form, or the reply itself if it cannot be read.
    pub action: String,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    /// The device did it.
    Done,
    /// The model claims that the goal is reached.
    Finished,
    /// The model claims that the goal cannot be reached.
    GaveUp,
    /// Something was noted.
    Noted,
    /// The notes were repeated to the model.
    Recalled,
    /// An API answered.
    Answered,
    /// The run waited, as the model wanted.
    Waited,
    /// A person did something, or said something.
    Person,
    /// The policy or a person said no.
    Refused,
    /// The reply could not be read.
    Unclear,
    /// It was not done.
    NotDone,
    /// It may or may not have been done.
    Uncertain,
    /// The run does not get on.
    Stuck,
    /// The run ended before anything came of it, and can go on there.
    Suspended,
    /// The run ended with it.
    Ended,
}

impl StepResult {
    /// Whether it came out as the model wanted it.
    pub fn is_good(self) -> bool {
        match self {
            StepResult::Done
            | StepResult::Finished
            | StepResult::Noted
            | StepResult::Recalled
            | StepResult::Answered => true,
            StepResult::GaveUp
            | StepResult::Waited
            | StepResult::Person
            | StepResult::Refused
            | StepResult::Unclear
            | StepResult::NotDone
            | StepResult::Uncertain
            | StepResult::Stuck
            | StepResult::Suspended
            | StepResult::Ended => false,
        }
    }

    /// What journals before version 3, which have the sentence only, meant by it.
    pub(crate) fn of_summary(summary: &str) -> StepResult {
        const BEGINNINGS: &[(&str, StepResult)] = &[
            ("done", StepResult::Done),
            ("finished", StepResult::Finished),
            ("gave up", StepResult::GaveUp),
            ("noted", StepResult::Noted),
            ("notes recalled", StepResult::Recalled),
            ("the API answered", StepResult::Answered),
            ("the run broke off while it waited", StepResult::Waited),
            ("waited ", StepResult::Waited),
            ("a person ", StepResult::Person),
            ("refused", StepResult::Refused),
            ("unclear", StepResult::Unclear),
            ("the run broke off in the middle of it", StepResult::Uncertain),
            ("it may or may not have happened", StepResult::Uncertain),
            ("the device did not answer", StepResult::Uncertain),
            ("the device does not answer", StepResult::Suspended),
            ("the device is lost", StepResult::Suspended),
            ("needs a person", StepResult::Suspended),
            ("stopped", StepResult::Suspended),
            ("stuck", StepResult::Stuck),
            ("the last ", StepResult::Stuck),
            ("the same action ", StepResult::Stuck),
            ("back and forth ", StepResult::Stuck),
        ];
        let found = BEGINNINGS.iter().find(|(beginning, _)| summary.starts_with(beginning));
        match found {
            Some((_, result)) => *result,
            None if summary.is_empty() => StepResult::Ended,
            None => StepResult::NotDone,
        }
    }
}

/// A step that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOver {
    /// What was wanted.
    pub decided: Decided,
    /// What came of it.
    pub result: StepResult,
    /// The same for people; nothing goes by it.
    pub summary: String,
}

/// What the loop tells whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A reply was read.
    Decided(Decided),
    /// A step is over.
    StepOver(StepOver),
}
