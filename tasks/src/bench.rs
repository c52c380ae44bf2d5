//! Measures an agent with a suite: case after case or several at a time, each on a fresh device, and every attempt in a ledger.
//!
//! How it keeps its word:
//! - [`ledger`]: what is begun is written down before it is, what has ended after it has. Nothing is scored twice, nothing is lost, and an
//!   attempt that was killed is made again under another name; the folders of earlier attempts stay.
//! - `attempt`: one attempt, on a device of its own, within its budgets. It comes to one of the [`Status`]es; a judge that hangs or breaks
//!   is an `evaluator-error`, never a score.
//! - [`preflight`]: before a model is asked anything it is looked whether the devices, and what the cases need, are there.
//! - `runner`: who is next. Errors of what is around the agent are tried again at the end of the round, a bounded number of times. One of
//!   the agent's own is not, in the same sitting: where a model cannot be asked, hundreds of cases would learn so one after the other, so
//!   after several in a row ([`BenchRun::agent_errors_max`]) the measurement stops and says how it goes on. So with a device: after an
//!   error on it it is looked at, and started anew, before the next case is begun on it; where that does not help, none is. A case at
//!   which the program itself ended comes last, and is given up after it has done so again and again; one whose judge computes without end
//!   is left alone.
//! - [`summary`]: three numbers that no error can move: the sum over all cases, over those that were scored, and how many errors of which
//!   kind there were. [`comparison`] sets two measurements against each other, [`rescore`] judges anew what was kept, [`report`] writes the
//!   page and the tables.
//!
//! The model is opened for each attempt where that costs nothing (a server, a script, one that does not look), so that an attempt does not
//! depend on those before it; one in this process is asked by all in turns.

mod attempt;
pub mod browsergym_layout;
pub mod comparison;
mod ledger;
pub mod osworld_layout;
pub mod preflight;
pub mod report;
pub mod rescore;
mod rigs;
mod runner;
pub mod summary;

use std::path::Path;
use std::time::Duration;

use tapwright_agent::stop::Stop;

pub use self::attempt::ModelSupply;
pub use self::ledger::{
    AttemptEnd, AttemptId, Budgets, CaseStanding, JudgeIdentity, Ledger, LedgerError, LedgerHeader, LedgerLine,
    LedgerRecords, Rescored,
};
use self::runner::Runner;
use crate::device;
use crate::run::{RunError, RunOptions};
pub use crate::suite::Status;
use crate::suite::{Case, CaseResult, SuiteTable};

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
    /// How often a device is started anew that is not well after an error on it, before nothing more is begun on it.
    pub restarts_max: u32,
    /// At least so long after one attempt the next one is begun.
    pub start_interval: Duration,
    /// Milliseconds since 1970, asked for at each attempt.
    pub now: &'a (dyn Fn() -> u64 + Sync),
}

/// What happens, as it happens.
pub enum BenchProgress<'a> {
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
    /// A device is not well, and cannot be started anew: nothing more is begun on it.
    RigLost {
        rig: &'a str,
        why: &'a str,
    },
}

/// How a sitting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchOutcome {
    /// Nothing is left to be done.
    Finished,
    /// Somebody stopped it.
    Stopped,
    /// The model could not be asked, again and again.
    AgentErrors,
    /// What is left needs a device that cannot be had any more.
    RigsLost,
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

/// Makes all attempts that the ledger still lacks.
///
/// # Errors
/// `BenchError` if it cannot go on; what was measured until then stands in the ledger.
pub async fn bench(
    plan: BenchRun<'_>,
    ledger: &mut Ledger,
    models: ModelSupply,
    stop: Stop,
    mut tell: impl FnMut(BenchProgress<'_>) + Send,
) -> Result<BenchOutcome, BenchError> {
    Runner::new(&plan, ledger, models, stop, &mut tell)?.run().await
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
