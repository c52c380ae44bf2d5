//! The score of a task of OSWorld: what is done before scoring, what is asked of the machine, and what its functions give for that.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tapwright_agent::outcome::Outcome;
use tapwright_osworld::error::EvaluatorErrorKind;
use tapwright_osworld::evaluation::{LastAction, TaskScore};
use tapwright_osworld::state::StateSnapshot;
use tapwright_osworld::task::OsworldTask;

use super::browser::DebuggingPort;
use super::device::{Machines, PreparedMachine};
use super::kept;
use super::setup::{self, SetupPhase};
use super::state::MachineState;
use crate::judge::{Assessment, Evaluator, Evidence, Fact, JudgingError, ScoreSource};
use crate::osworld::EvaluatorChoice;
use crate::osworld::assets::Assets;

/// How often a machine is asked anew for one task before it is called endless.
const ROUNDS_MAX: usize = 64;
/// How long what is done before scoring may take.
const BEFORE: Duration = Duration::from_secs(120);
/// What stands in place of a fact's name for the score.
const SCORE: &str = "osworld.score";

/// Scores a task on the machine that the attempt was on, or by what was kept of it.
pub struct TaskScorer {
    pub task: Arc<OsworldTask>,
    pub assets: Arc<Assets>,
    pub machines: Machines,
    pub choice: EvaluatorChoice,
    /// Whether a rule of the task was found that no function can use.
    pub has_faulty_rule: AtomicBool,
}

impl fmt::Debug for TaskScorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the functions of task {}", self.task.id)
    }
}

fn failed(why: impl ToString) -> JudgingError {
    JudgingError::evaluator(why.to_string())
}

/// What the agent did last, in OSWorld's words.
fn last_action(outcome: &Outcome) -> LastAction {
    match outcome {
        Outcome::GaveUp { .. } => LastAction::Fail,
        Outcome::Done { .. }
        | Outcome::NeedsPerson { .. }
        | Outcome::OutOfSteps
        | Outcome::Stuck { .. }
        | Outcome::ModelFailed { .. }
        | Outcome::DeviceLost { .. }
        | Outcome::Stopped
        | Outcome::Refused { .. } => LastAction::Other,
    }
}

impl TaskScorer {
    /// Asks a machine all that the score takes; what was asked stays in the snapshot.
    async fn ask(
        &self,
        prepared: &PreparedMachine,
        last: LastAction,
        snapshot: &mut StateSnapshot,
    ) -> Result<(), JudgingError> {
        // Whoever says that it cannot be done is scored by that alone.
        if matches!(self.task.evaluator.evaluate(last, snapshot), Ok(TaskScore::Score(_))) {
            return Ok(());
        }
        let mut cache = prepared.report.cache.clone();
        let machine = &*prepared.machine;
        let browser = &DebuggingPort(machine);
        let steps = &self.task.evaluator.before;
        let before = setup::perform(steps, &self.task.id, SetupPhase::BeforeScoring, machine, browser, &self.assets);
        let done = tokio::time::timeout(BEFORE, before).await;
        let done =
            done.map_err(|_| failed(format!("what is done before scoring took more than {} s", BEFORE.as_secs())))?;
        cache.extend(done.map_err(|error| failed(format!("before scoring, {error}")))?.cache);
        let state = MachineState { machine, browser, task: &self.task, assets: &self.assets, cache: &cache };
        for _ in 0..ROUNDS_MAX {
            let requests = self.task.evaluator.needs(snapshot);
            if requests.is_empty() {
                return Ok(());
            }
            for request in requests {
                let reply = state.fetch(&request).await;
                snapshot.replies.insert(request, reply);
            }
        }
        Err(failed("its functions ask for more and more"))
    }
}

#[async_trait]
impl Evaluator for TaskScorer {
    fn expected_facts(&self) -> Vec<Fact> {
        let functions: Vec<&str> = self.task.evaluator.checks.iter().map(|check| check.function.name).collect();
        vec![Fact { fact: SCORE.to_owned(), is: format!("1 by {}", functions.join(", ")) }]
    }

    async fn evaluate(&self, evidence: Evidence<'_>) -> Result<Option<String>, JudgingError> {
        Ok(self.assess(evidence).await?.against)
    }

    async fn assess(&self, evidence: Evidence<'_>) -> Result<Assessment, JudgingError> {
        let last = last_action(evidence.outcome);
        let Some(prepared) = self.machines.find(evidence.end) else {
            let folder = evidence.folder.ok_or_else(|| failed("its machine is gone, and nothing was kept of it"))?;
            return assess_kept(folder, last, &self.choice).await;
        };
        let mut snapshot = StateSnapshot::default();
        let asked = self.ask(&prepared, last, &mut snapshot).await;
        // Also of an end that could not be scored: a later version may.
        if let Some(folder) = evidence.folder {
            kept::write(folder, &self.task, &snapshot)
                .map_err(|error| failed(format!("what was fetched cannot be kept: {error}")))?;
        }
        asked?;
        let scored = self.choice.score(&self.task, last, &snapshot).await;
        if scored.is_err() && !matches!(self.choice, EvaluatorChoice::Official(_)) {
            let error = self.task.evaluator.evaluate(last, &snapshot).err();
            let is_of_rule = error.is_some_and(|error| matches!(error.kind, EvaluatorErrorKind::Rule { .. }));
            self.has_faulty_rule.fetch_or(is_of_rule, Ordering::Relaxed);
        }
        let (score, source) = scored.map_err(failed)?;
        Ok(assessment(&self.task, score, source))
    }

    fn is_faulty(&self) -> bool {
        self.has_faulty_rule.load(Ordering::Relaxed)
    }

    fn needs_facts(&self) -> bool {
        false
    }
}

/// Scores what was kept of an attempt: no machine and no task set is needed.
#[derive(Debug)]
pub struct KeptScorer(pub EvaluatorChoice);

#[async_trait]
impl Evaluator for KeptScorer {
    fn expected_facts(&self) -> Vec<Fact> {
        vec![Fact { fact: SCORE.to_owned(), is: "1 by the functions of the task that was kept".to_owned() }]
    }

    async fn evaluate(&self, evidence: Evidence<'_>) -> Result<Option<String>, JudgingError> {
        Ok(self.assess(evidence).await?.against)
    }

    async fn assess(&self, evidence: Evidence<'_>) -> Result<Assessment, JudgingError> {
        let folder = evidence.folder.ok_or_else(|| failed("there is no folder in which something was kept"))?;
        assess_kept(folder, last_action(evidence.outcome), &self.0).await
    }

    fn needs_facts(&self) -> bool {
        false
    }
}

async fn assess_kept(folder: &Path, last: LastAction, choice: &EvaluatorChoice) -> Result<Assessment, JudgingError> {
    let kept = kept::read(folder).map_err(|error| failed(format!("what was kept cannot be read: {error}")))?;
    let (task, snapshot) = kept.ok_or_else(|| failed("nothing was kept of its end"))?;
    let (score, source) = choice.score(&task, last, &snapshot).await.map_err(failed)?;
    Ok(assessment(&task, score, source))
}

fn assessment(task: &OsworldTask, score: f64, source: ScoreSource) -> Assessment {
    let functions: Vec<&str> = task.evaluator.checks.iter().map(|check| check.function.name).collect();
    let against = (score < 1.0).then(|| format!("the score is {score} by {}", functions.join(", ")));
    Assessment { against, score: Some(score), source: Some(source) }
}
