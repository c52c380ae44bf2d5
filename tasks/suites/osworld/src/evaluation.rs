//! The score of a task, from the state of the device: decided here, fetched by others.

use crate::error::{EvaluatorError, EvaluatorErrorKind};
use crate::getters::{Unresolved, resolve};
use crate::metrics::{INFEASIBLE, MetricFunction};
use crate::output::{GetterOutput, MetricInputs};
use crate::state::{StateRequest, StateSnapshot, StateSource};
use crate::task::{Conjunction, TaskCheck, TaskEvaluator};

/// How often a source is asked anew for one task before it is called endless.
const ROUNDS_MAX: usize = 64;

/// How the agent ended, which decides some tasks alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastAction {
    /// The agent says that the task cannot be done.
    Fail,
    Other,
}

/// What is known of a task's score.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskScore {
    /// As upstream gives it; it may be a fraction.
    Score(f64),
    /// These have to be asked first.
    Needs(Vec<StateRequest>),
}

/// Gives the score of a function for what its getters gave.
pub type FunctionScorer<'a, E> = dyn FnMut(&'static MetricFunction, &MetricInputs) -> Result<f64, E> + 'a;

impl TaskEvaluator {
    /// The score by what a snapshot has.
    ///
    /// # Errors
    /// If a function or a getter gives none. That is never a zero.
    pub fn evaluate(&self, last: LastAction, snapshot: &StateSnapshot) -> Result<TaskScore, EvaluatorError> {
        let native: &mut FunctionScorer<EvaluatorErrorKind> =
            &mut |function, inputs| function.score(inputs).map_err(|error| error.kind);
        self.evaluate_with(last, snapshot, native).map_err(|(function, kind)| EvaluatorError { function, kind })
    }

    /// What has to be asked so that each of its functions can be called, whatever the others give: it can be scored by anybody then,
    /// without the device. Nothing of a task that cannot be done.
    pub fn needs(&self, snapshot: &StateSnapshot) -> Vec<StateRequest> {
        // Neither 0 nor 1, so that it decides nothing.
        let undecided: &mut FunctionScorer<EvaluatorErrorKind> = &mut |_, _| Ok(0.5);
        match self.evaluate_with(LastAction::Other, snapshot, undecided) {
            Ok(TaskScore::Needs(requests)) => requests,
            Ok(TaskScore::Score(_)) | Err(_) => Vec::new(),
        }
    }

    /// As [`TaskEvaluator::evaluate`], by another one's functions.
    ///
    /// # Errors
    /// What they, or a getter, gave in place of a score.
    pub fn evaluate_by(
        &self,
        last: LastAction,
        snapshot: &StateSnapshot,
        scorer: &mut FunctionScorer<String>,
    ) -> Result<TaskScore, String> {
        self.evaluate_with(last, snapshot, scorer).map_err(|(_, why)| why)
    }

    fn evaluate_with<E: From<EvaluatorErrorKind>>(
        &self,
        last: LastAction,
        snapshot: &StateSnapshot,
        scorer: &mut FunctionScorer<E>,
    ) -> Result<TaskScore, (String, E)> {
        let is_infeasible =
            self.conjunction == Conjunction::One && self.checks.iter().any(|check| check.function.name == INFEASIBLE);
        if is_infeasible {
            return Ok(TaskScore::Score(f64::from(u8::from(last == LastAction::Fail))));
        }
        if last == LastAction::Fail {
            return Ok(TaskScore::Score(0.0));
        }
        let mut scores: Vec<f64> = Vec::new();
        let mut earlier = None;
        for check in &self.checks {
            let failed = |why: E| (check.function.name.to_owned(), why);
            let (result, expected) = match self.resolve(check, snapshot, &mut earlier) {
                Ok(resolved) => resolved,
                Err(Unresolved::Needs(requests)) => return Ok(TaskScore::Needs(requests)),
                // With "or" upstream goes on with what the function before was called with.
                Err(Unresolved::FileNotFound) => return Ok(TaskScore::Score(0.0)),
                Err(Unresolved::Failed(kind)) => return Err(failed(kind.into())),
            };
            let inputs = MetricInputs { result: &result, expected: expected.as_ref(), options: &check.options };
            let score = scorer(check.function, &inputs).map_err(failed)?;
            match self.conjunction {
                Conjunction::One => return Ok(TaskScore::Score(score)),
                Conjunction::And if score == 0.0 => return Ok(TaskScore::Score(0.0)),
                Conjunction::Or if score == 1.0 => return Ok(TaskScore::Score(1.0)),
                Conjunction::And | Conjunction::Or => scores.push(score),
            }
        }
        Ok(TaskScore::Score(match self.conjunction {
            Conjunction::Or => scores.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Conjunction::One | Conjunction::And => scores.iter().sum::<f64>() / scores.len() as f64,
        }))
    }

    /// What a function is called with.
    fn resolve(
        &self,
        check: &TaskCheck,
        snapshot: &StateSnapshot,
        earlier: &mut Option<GetterOutput>,
    ) -> Result<(GetterOutput, Option<GetterOutput>), Unresolved> {
        let missing = || EvaluatorErrorKind::rule("`result` is missing");
        let result = match resolve(check.result.as_ref().ok_or_else(missing)?, snapshot) {
            Err(Unresolved::FileNotFound) if self.conjunction == Conjunction::Or => {
                earlier.clone().ok_or_else(|| EvaluatorErrorKind::output("the first file of all is not there"))?
            }
            other => other?,
        };
        *earlier = Some(result.clone());
        let expected = check.expected.as_ref().map(|getter| resolve(getter, snapshot)).transpose()?;
        Ok((result, expected))
    }

    /// The score, with what it takes asked of a source; all that was asked stays in the snapshot.
    ///
    /// # Errors
    /// As [`TaskEvaluator::evaluate`].
    pub fn score_with(
        &self,
        last: LastAction,
        source: &mut dyn StateSource,
        snapshot: &mut StateSnapshot,
    ) -> Result<f64, EvaluatorError> {
        for _ in 0..ROUNDS_MAX {
            match self.evaluate(last, snapshot)? {
                TaskScore::Score(score) => return Ok(score),
                TaskScore::Needs(requests) => {
                    for request in requests {
                        let reply = source.fetch(&request);
                        snapshot.replies.insert(request, reply);
                    }
                }
            }
        }
        let function = self.checks.first().map_or("", |check| check.function.name).to_owned();
        Err(EvaluatorError { function, kind: EvaluatorErrorKind::TooLong })
    }
}
