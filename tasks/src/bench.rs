//! Measures an agent with a suite: case after case or several at a time, each on a fresh device, and every attempt in a ledger.
//!
//! How it keeps its word:
//! - [`ledger`]: what is begun is written down before it is, what has ended after it has. Nothing is scored twice, nothing is lost, and an
//!   attempt that was killed is made again under another name; the folders of earlier attempts stay.
//! - `attempt`: one attempt, on a device of its own, within its budgets. It comes to one of the [`Status`]es; a judge that hangs or breaks
//!   is an `evaluator-error`, never a score.
//! - Here: who is next. Errors of what is around the agent are tried again at the end of the round, a bounded number of times. One of the
//!   agent's own is not, in the same sitting: where a model cannot be asked, hundreds of cases would learn so one after the other, so
//!   after [`AGENT_ERRORS_MAX`] in a row the measurement stops and says how it goes on.
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

pub use self::attempt::ModelSupply;
use self::attempt::{Attempt, AttemptNews, Finished};
pub use self::ledger::{
    AttemptEnd, AttemptId, Budgets, CaseStanding, Ledger, LedgerError, LedgerHeader, LedgerLine, LedgerRecords,
    Rescored,
};
use crate::device;
use crate::run::{RunError, RunOptions};
pub use crate::suite::Status;
use crate::suite::{Case, CaseResult, SuiteTable, case_ids};

/// So many errors of the agent's own in a row end a sitting.
pub const AGENT_ERRORS_MAX: u32 = 5;

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

/// One attempt that is to be made.
struct Work {
    case: usize,
    repeat: u32,
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
    let mut queue: VecDeque<Work> = VecDeque::new();
    for repeat in 1..=ledger.records.header.repeats {
        for (case, id) in ids.iter().enumerate() {
            if ledger.records.standing(id, repeat).is_open(plan.retries, false) {
                queue.push_back(Work { case, repeat });
            }
        }
    }
    let (report, mut news) = mpsc::unbounded_channel();
    let mut running: JoinSet<Finished> = JoinSet::new();
    let mut attempts: BTreeMap<String, (Work, AttemptId, String)> = BTreeMap::new();
    let (mut sitting, mut agent_errors) = (Sitting::Over, 0);
    loop {
        while sitting == Sitting::Over && running.len() < plan.parallel.max(1) && !stop.is_stopped() {
            let Some(work) = queue.pop_front() else { break };
            let case = &cases[work.case];
            let attempt = ledger.records.standing(&ids[work.case], work.repeat).begun + 1;
            let id = AttemptId { case: ids[work.case].clone(), repeat: work.repeat, attempt };
            let run = free_name(&ledger.folder, case, &id);
            ledger.write((plan.now)(), LedgerLine::Begun { id: id.clone(), run: run.clone() })?;
            tell(BenchNews::Begun { id: &id, goal: &case.goal });
            let attempt = Attempt::new(&plan, ledger, case.clone(), id.clone(), run.clone(), &models, stop.clone());
            let handle = running.spawn(attempt.make(report.clone()));
            attempts.insert(handle.id().to_string(), (work, id, run));
        }
        let ended = tokio::select! {
            biased;
            Some(AttemptNews::Step(step)) = news.recv() => {
                tell(BenchNews::Step(step));
                continue;
            }
            ended = running.join_next_with_id() => ended,
        };
        let Some(ended) = ended else { break };
        let (task, finished) = match ended {
            Ok((task, finished)) => (task, Ok(finished)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some((work, id, run)) = attempts.remove(&task.to_string()) else { continue };
        let case = &cases[work.case];
        let (end, broke) = match finished {
            Ok(Finished { end, broke }) => (end, broke),
            // It has panicked where nobody could say at what.
            Err(error) => (attempt::broken(&id, &run, &case.goal, &error.to_string()), None),
        };
        // Of the first attempt nothing was done, and it is so for all.
        if let Some(error @ RunError::UnknownApp(_)) = broke {
            return Err(error.into());
        }
        let row = end.row(&ledger.records.header, &ledger.folder);
        let status = end.status;
        ledger.write((plan.now)(), LedgerLine::Ended(Box::new(end)))?;
        tell(BenchNews::Ended { row: &row });
        if let Some(error) = broke {
            return Err(error.into());
        }
        agent_errors = if status == Status::AgentError { agent_errors + 1 } else { 0 };
        if agent_errors >= AGENT_ERRORS_MAX {
            sitting = Sitting::AgentErrors;
        }
        if ledger.records.standing(&id.case, id.repeat).is_open(plan.retries, true) {
            queue.push_back(work);
        }
    }
    let is_left = ids.iter().any(|id| {
        (1..=ledger.records.header.repeats).any(|repeat| ledger.records.standing(id, repeat).result().is_none())
    });
    match sitting {
        Sitting::Over if stop.is_stopped() && (is_left || has_cancelled(ledger)) => Ok(Sitting::Stopped),
        sitting => Ok(sitting),
    }
}

fn has_cancelled(ledger: &Ledger) -> bool {
    ledger.records.results().any(|(_, _, end)| end.is_some_and(|end| end.status == Status::Cancelled))
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
