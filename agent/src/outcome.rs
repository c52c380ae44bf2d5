//! How runs end.

use serde::{Deserialize, Serialize};

use crate::person::Question;

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Why it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How many replies were heard.
    pub steps: u32,
    /// What the model noted on its way, the oldest first.
    pub notes: Vec<String>,
}

/// Why a run ended. Only the device's state tells whether its goal was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The model claims that the goal is reached, and says so in `message`.
    Done { message: String },
    /// The model claims that the goal cannot be reached.
    GaveUp { message: String },
    /// Somebody has to answer, and nobody does.
    NeedsPerson { asked: Question },
    /// As many replies were heard as the run may have.
    OutOfSteps,
    /// The same action was tried on the same screen again and again.
    Stuck { why: String },
    /// The model cannot answer, or not so that it can be read.
    ModelFailed { why: String },
    /// The device is gone, or does not answer.
    DeviceLost { why: String },
    /// Somebody stopped the run.
    Stopped,
    /// The policy, or a person, said no as often as the run may ask for it.
    Refused { why: String },
}

impl Outcome {
    /// Whether a run that ended so can go on: nobody was there, something was not, or somebody stopped it. Any other
    /// end says something about the goal, and stands.
    pub fn can_go_on(&self) -> bool {
        match self {
            Outcome::NeedsPerson { .. }
            | Outcome::ModelFailed { .. }
            | Outcome::DeviceLost { .. }
            | Outcome::Stopped => true,
            Outcome::Done { .. }
            | Outcome::GaveUp { .. }
            | Outcome::OutOfSteps
            | Outcome::Stuck { .. }
            | Outcome::Refused { .. } => false,
        }
    }

    /// The id that reports and scripts use.
    pub fn id(&self) -> &'static str {
        match self {
            Outcome::Done { .. } => "done",
            Outcome::GaveUp { .. } => "gave-up",
            Outcome::NeedsPerson { .. } => "needs-person",
            Outcome::OutOfSteps => "out-of-steps",
            Outcome::Stuck { .. } => "stuck",
            Outcome::ModelFailed { .. } => "model-failed",
            Outcome::DeviceLost { .. } => "device-lost",
            Outcome::Stopped => "stopped",
            Outcome::Refused { .. } => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_is_written_down() {
        let why = String::new;
        let outcomes = [
            Outcome::Done { message: why() },
            Outcome::GaveUp { message: why() },
            Outcome::NeedsPerson { asked: Question::Choose { message: why() } },
            Outcome::OutOfSteps,
            Outcome::Stuck { why: why() },
            Outcome::ModelFailed { why: why() },
            Outcome::DeviceLost { why: why() },
            Outcome::Stopped,
            Outcome::Refused { why: why() },
        ];
        for outcome in outcomes {
            let end = End { outcome, steps: 3, notes: vec!["a".into()] };
            let text = serde_json::to_string(&end).unwrap();
            assert!(text.starts_with(&format!("{{\"outcome\":\"{}\"", end.outcome.id())), "{text}");
            assert_eq!(serde_json::from_str::<End>(&text).unwrap(), end);
        }
    }
}
