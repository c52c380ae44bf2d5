//! Why there is no score. What stands here is never a zero: a run that could not be judged says nothing about the agent.

use crate::python::difference::TooLong;
use crate::python::pattern::PatternError;

/// An evaluator function that gave no score.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{function} gave no score: {kind}")]
pub struct EvaluatorError {
    /// As the task names it.
    pub function: String,
    #[source]
    pub kind: EvaluatorErrorKind,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvaluatorErrorKind {
    #[error("it is not computed natively ({needs}); score this task with --evaluator official")]
    NotNative {
        /// What it would take.
        needs: &'static str,
    },
    /// The device's state is not what the function reads; upstream's raises too, or would not come back.
    #[error("{what} cannot be read: {why}")]
    Unreadable { what: String, why: String },
    #[error("{what} is too large: more than {bytes_max} bytes")]
    TooLarge { what: String, bytes_max: u64 },
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// A mistake of the task: its rule is not what the function takes.
    #[error("the task's rule cannot be used: {why}")]
    Rule { why: String },
    /// What was found is not of the kind that the function takes; upstream's raises.
    #[error("what was found cannot be judged: {why}")]
    Output { why: String },
    #[error("the comparison was given up: it would take too long")]
    TooLong,
    /// The device did not answer.
    #[error("the state of the device could not be had: {why}")]
    Fetch { why: String },
}

impl From<TooLong> for EvaluatorErrorKind {
    fn from(_: TooLong) -> EvaluatorErrorKind {
        EvaluatorErrorKind::TooLong
    }
}

impl From<EvaluatorErrorKind> for String {
    fn from(kind: EvaluatorErrorKind) -> String {
        kind.to_string()
    }
}

impl EvaluatorErrorKind {
    pub(crate) fn rule(why: impl Into<String>) -> EvaluatorErrorKind {
        EvaluatorErrorKind::Rule { why: why.into() }
    }

    pub(crate) fn output(why: impl Into<String>) -> EvaluatorErrorKind {
        EvaluatorErrorKind::Output { why: why.into() }
    }

    pub(crate) fn unreadable(what: &str, why: impl ToString) -> EvaluatorErrorKind {
        EvaluatorErrorKind::Unreadable { what: what.to_owned(), why: why.to_string() }
    }
}
