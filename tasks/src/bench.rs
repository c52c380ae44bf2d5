//! Measures an agent with a suite: case after case or several at a time, each on a fresh device, and every attempt in a ledger.
//!
//! How it keeps its word:
//! - [`ledger`]: what is begun is written down before it is, what has ended after it has. Nothing is scored twice, nothing is lost, and an
//!   attempt that was killed is made again under another name; the folders of earlier attempts stay.
//! - `attempt`: one attempt, on a device of its own, within its budgets. It comes to one of the [`Status`]es; a judge that hangs or breaks
//!   is an `evaluator-error`, never a score.
//! - Here: who is next. Errors of what is around the agent are tried again at the end of the round, a bounded number of times. One of the
//!   agent's own is not, in the same sitting: where a model cannot be asked, hundreds of cases would learn so one after the other, so
//!   after several in a row ([`BenchRun::agent_errors_max`]) the measurement stops and says how it goes on. A case at which the program
//!   itself ended comes last, and is given up after it has done so again and again; one whose judge computes without end is left alone.
//! - [`summary`]: three numbers that no error can move: the sum over all cases, over those that were scored, and how many errors of which
//!   kind there were. [`comparison`] sets two measurements against each other, [`rescore`] judges anew what was kept, [`report`] writes the
//!   page and the tables.
//!
//! The model is opened for each attempt where that costs nothing (a server, a script, one that does not look), so that an attempt does not
//! depend on those before it; one in this process is asked by all in turns.

mod attempt;
pub mod comparison;
mod ledger;
pub mod report;
pub mod rescore;
pub mod summary;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tapwright_agent::stop::Stop;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

pub use self::attempt::ModelSupply;
use self::attempt::{Attempt, AttemptNews, AttemptState, Finished};
pub use self::ledger::{
    AttemptEnd, AttemptId, Budgets, CaseStanding, JudgeIdentity, Ledger, LedgerError, LedgerHeader, LedgerLine,
    LedgerRecords, Rescored,
};
use crate::device;
use crate::run::{RunError, RunOptions};
pub use crate::suite::Status;
use crate::suite::{Case, CaseResult, SuiteTable, case_ids};

/// How often it is seen whether a judge computes without end.
const TICK: Duration = Duration::from_millis(250);

/// How the cases are run.
pub struct BenchRun<'a> {
    pub cases: Vec<Case>,
    pub rules: RunOptions,
    /// The device's address is each case's own; the times and the weather are these.
    pub device: device::DeviceOptions,
    /// How often a case is tried again after an error of what is around the agent.
    pub retries: u32,
    /// How many attempts are made at a time.
    pub parallel: usize,
    /// How long judging the end of an attempt may take.
    pub judge: Duration,
    /// How much longer than all of its limits an attempt may take, before it is left alone.
    pub grace: Duration,
    /// So many errors of the agent's own in a row end a sitting.
    pub agent_errors_max: u32,
    /// Milliseconds since 1970, asked for at each attempt.
    pub now: &'a (dyn Fn() -> u64 + Sync),
}

/// What happens, as it happens.
pub enum BenchNews<'a> {
    Begun {
        id: &'a AttemptId,
        goal: &'a str,
    },
    /// An attempt has come to this step.
    Step(u32),
    Ended {
        row: &'a CaseResult,
        /// Whether this is what the case has come to: in this sitting it is not tried again.
        is_settled: bool,
    },
}

/// How a sitting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sitting {
    /// Nothing is left to be done.
    Over,
    /// Somebody stopped it.
    Stopped,
    /// The model could not be asked, again and again.
    AgentErrors,
}

/// Why a sitting broke off.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// What is measured is not what the ledger says.
    #[error("the cases are not those of the measurement")]
    Cases,
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Nothing more can be written down, so nothing more is done; or the first case shows that none can be done.
    #[error(transparent)]
    Record(#[from] RunError),
}

/// So often the program may have been ended by somebody who had nothing against the case.
const KILLS_MAX: u32 = 2;

/// One attempt that is to be made.
struct Work {
    case: usize,
    repeat: u32,
}

/// One that is being made.
struct RunningAttempt {
    work: Work,
    id: AttemptId,
    run: String,
    state: AttemptState,
}

/// Makes all attempts that the ledger still lacks.
///
/// # Errors
/// `BenchError` if it cannot go on; what was measured until then stands in the ledger.
pub async fn bench(
    plan: BenchRun<'_>,
    ledger: &mut Ledger,
    models: ModelSupply,
    stop: Stop,
    mut tell: impl FnMut(BenchNews<'_>) + Send,
) -> Result<Sitting, BenchError> {
    let ids = case_ids(&plan.cases);
    if ids != ledger.records.header.cases {
        return Err(BenchError::Cases);
    }
    let cases: Vec<Arc<Case>> = plan.cases.iter().cloned().map(Arc::new).collect();
    let mut queue = queue(&plan, ledger, &ids, &mut tell)?;
    let (report, mut news) = mpsc::unbounded_channel();
    let mut running: JoinSet<Finished> = JoinSet::new();
    let mut attempts: BTreeMap<String, RunningAttempt> = BTreeMap::new();
    let (mut sitting, mut agent_errors) = (Sitting::Over, 0);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        while sitting == Sitting::Over && attempts.len() < plan.parallel.max(1) && !stop.is_stopped() {
            let Some(work) = queue.pop_front() else { break };
            let case = &cases[work.case];
            let attempt = ledger.records.standing(&ids[work.case], work.repeat).begun + 1;
            let id = AttemptId { case: ids[work.case].clone(), repeat: work.repeat, attempt };
            let run = free_name(&ledger.folder, case, &id);
            ledger.write((plan.now)(), LedgerLine::Begun { id: id.clone(), run: run.clone() })?;
            tell(BenchNews::Begun { id: &id, goal: &case.goal });
            let attempt = Attempt::new(&plan, ledger, case.clone(), id.clone(), run.clone(), &models, stop.clone());
            let state = attempt.state();
            let handle = running.spawn(attempt.make(report.clone()));
            attempts.insert(handle.id().to_string(), RunningAttempt { work, id, run, state });
        }
        if attempts.is_empty() {
            break;
        }
        let (task, finished) = tokio::select! {
            biased;
            Some(AttemptNews::Step(step)) = news.recv() => {
                tell(BenchNews::Step(step));
                continue;
            }
            Some(ended) = running.join_next_with_id() => match ended {
                Ok((task, finished)) => (task.to_string(), Ok(finished)),
                // It has panicked where nobody could say at what.
                Err(error) => (error.id().to_string(), Err((Status::SetupError, error.to_string()))),
            },
            _ = tick.tick() => {
                let within = plan.judge.saturating_add(plan.grace);
                let overdue = attempts.iter().find(|(_, running)| running.state.is_judged_longer_than(within));
                let Some((task, _)) = overdue else { continue };
                let why = format!("its judge computes without end: no verdict within {} s", within.as_secs());
                (task.clone(), Err((Status::EvaluatorError, why)))
            }
        };
        // One that was left alone is nobody's any more.
        let Some(RunningAttempt { work, id, run, state }) = attempts.remove(&task) else { continue };
        let (end, broke, is_left_alone) = match finished {
            Ok(Finished { end, broke }) => (end, broke, false),
            Err((status, why)) => {
                (attempt::unfinished(&id, &run, &state, status, &why), None, status == Status::EvaluatorError)
            }
        };
        // Of the first attempt nothing was done, and it is so for all.
        if let Some(error @ RunError::UnknownApp(_)) = broke {
            return Err(error.into());
        }
        let row = end.row(&ledger.records.header, &ledger.folder);
        let status = end.status;
        ledger.write((plan.now)(), LedgerLine::Ended(Box::new(end)))?;
        // What computes without end would do so again, beside the first.
        let is_settled = is_left_alone || !ledger.records.standing(&id.case, id.repeat).is_open(plan.retries, true);
        tell(BenchNews::Ended { row: &row, is_settled });
        if let Some(error) = broke {
            return Err(error.into());
        }
        agent_errors = if status == Status::AgentError { agent_errors + 1 } else { 0 };
        if agent_errors >= plan.agent_errors_max {
            sitting = Sitting::AgentErrors;
        }
        if !is_settled {
            queue.push_back(work);
        }
    }
    let is_stopped = sitting == Sitting::Over && stop.is_stopped() && has_unfinished(ledger);
    Ok(if is_stopped { Sitting::Stopped } else { sitting })
}

/// All that is left to be done. What the program ended at, whoever ended it, comes last: so all others are done before it can do so again.
/// After more than `retries` such ends, and [`KILLS_MAX`], one of them is written down, and counts as an error.
fn queue(
    plan: &BenchRun<'_>,
    ledger: &mut Ledger,
    ids: &[String],
    tell: &mut (dyn FnMut(BenchNews<'_>) + Send),
) -> Result<VecDeque<Work>, LedgerError> {
    let mut left: Vec<(u32, Work)> = Vec::new();
    for repeat in 1..=ledger.records.header.repeats {
        for (case, id) in ids.iter().enumerate() {
            let mut standing = ledger.records.standing(id, repeat);
            if !standing.is_open(plan.retries, false) {
                continue;
            }
            if standing.is_last_unended() && standing.unended() > plan.retries.max(KILLS_MAX) {
                let attempt = AttemptId { case: id.clone(), repeat, attempt: standing.begun };
                let why = format!("the program ended in this attempt, and in others: {} in all", standing.unended());
                let end = attempt::broken(&attempt, &standing.run, &plan.cases[case].goal, &why);
                let row = end.row(&ledger.records.header, &ledger.folder);
                ledger.write((plan.now)(), LedgerLine::Ended(Box::new(end)))?;
                standing = ledger.records.standing(id, repeat);
                let is_settled = !standing.is_open(plan.retries, false);
                tell(BenchNews::Ended { row: &row, is_settled });
                if is_settled {
                    continue;
                }
            }
            left.push((standing.unended(), Work { case, repeat }));
        }
    }
    left.sort_by_key(|(unended, _)| *unended);
    Ok(left.into_iter().map(|(_, work)| work).collect())
}

/// Whether a case has no end, or was stopped.
fn has_unfinished(ledger: &Ledger) -> bool {
    ledger.records.results().any(|(_, _, end)| end.is_none_or(|end| end.status == Status::Cancelled))
}

/// The table of what counts, and its rows.
pub fn table(records: &LedgerRecords, folder: &Path) -> (SuiteTable, Vec<CaseResult>) {
    let mut table = SuiteTable::default();
    let mut rows = Vec::new();
    for (_, _, end) in records.results() {
        let Some(end) = end.filter(|end| end.status != Status::Cancelled) else {
            table.stopped = true;
            continue;
        };
        let row = end.row(&records.header, folder);
        table.count(&row);
        rows.push(row);
    }
    (table, rows)
}

/// The name of an attempt's folder: nobody has it, whatever a killed one has left.
fn free_name(folder: &Path, case: &Case, id: &AttemptId) -> String {
    let plain = |letter: char| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
    let template: String = case.id.template.chars().map(plain).take(60).collect();
    let twin = id.case.rsplit_once('#').map_or_else(String::new, |(_, number)| format!("-{number}"));
    let repeat = if id.repeat == 1 { String::new() } else { format!(".{}", id.repeat) };
    let name = format!("{:06}-{template}{twin}{repeat}", case.id.seed);
    let tries = id.attempt..=id.attempt.saturating_add(1000);
    let names = tries.map(|attempt| if attempt == 1 { name.clone() } else { format!("{name}-try{attempt}") });
    names.into_iter().find(|name| !folder.join(name).exists()).unwrap_or(name)
}
