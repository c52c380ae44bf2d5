//! Who is next: begins attempts as long as there is room, and decides after each what its end means for those that are left.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tapwright_agent::stop::Stop;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};

use super::attempt::{self, Attempt, AttemptOutcome, AttemptProgress, AttemptState};
use super::preflight::{recover, rig_name};
use super::rigs::{RigStates, StartRate};
use super::{
    AttemptEnd, AttemptId, BenchError, BenchOutcome, BenchProgress, BenchRun, Ledger, LedgerError, LedgerLine,
    ModelSupply, Status,
};
use crate::device::DeviceOptions;
use crate::run::RunError;
use crate::suite::{Case, case_ids, plain_name};

/// How often it is seen whether a judge computes without end.
const TICK: Duration = Duration::from_millis(250);
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

/// What one of the runner's tasks came to.
enum TaskEnd {
    Attempt(Box<AttemptOutcome>),
    /// A device was looked at: what is wrong with it, if it is not well.
    Examination {
        rig: String,
        wrong: Option<String>,
    },
}

/// A sitting of a measurement.
pub(super) struct Runner<'a> {
    plan: &'a BenchRun<'a>,
    ledger: &'a mut Ledger,
    models: ModelSupply,
    stop: Stop,
    tell: &'a mut (dyn FnMut(BenchProgress<'_>) + Send),
    ids: Vec<String>,
    cases: Vec<Arc<Case>>,
    queue: VecDeque<Work>,
    tasks: JoinSet<TaskEnd>,
    /// By their tasks.
    attempts: BTreeMap<String, RunningAttempt>,
    rigs: RigStates,
    starts: StartRate,
    /// In a row.
    agent_errors: u32,
}

impl<'a> Runner<'a> {
    pub fn new(
        plan: &'a BenchRun<'a>,
        ledger: &'a mut Ledger,
        models: ModelSupply,
        stop: Stop,
        tell: &'a mut (dyn FnMut(BenchProgress<'_>) + Send),
    ) -> Result<Runner<'a>, BenchError> {
        let ids = case_ids(&plan.cases);
        if ids != ledger.records.header.cases {
            return Err(BenchError::Cases);
        }
        let queue = queue(plan, ledger, &ids, tell)?;
        Ok(Runner {
            cases: plan.cases.iter().cloned().map(Arc::new).collect(),
            starts: StartRate::new(plan.start_interval),
            tasks: JoinSet::new(),
            attempts: BTreeMap::new(),
            rigs: RigStates::default(),
            agent_errors: 0,
            plan,
            ledger,
            models,
            stop,
            tell,
            ids,
            queue,
        })
    }

    pub async fn run(mut self) -> Result<BenchOutcome, BenchError> {
        let (report, mut progress) = mpsc::unbounded_channel();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let next_start = self.begin_all(&report)?;
            if self.attempts.is_empty() && self.rigs.examination_count() == 0 && next_start.is_none() {
                return Ok(self.outcome());
            }
            tokio::select! {
                biased;
                Some(AttemptProgress::Step(step)) = progress.recv() => (self.tell)(BenchProgress::Step(step)),
                Some(ended) = self.tasks.join_next_with_id() => self.task_ended(ended)?,
                () = tokio::time::sleep_until(next_start.unwrap_or_else(Instant::now)), if next_start.is_some() => {}
                _ = tick.tick() => self.leave_overdue()?,
            }
        }
    }

    /// Begins as many attempts as there is room for. Says when the next one may be begun, if the rate of starts alone is in its way.
    fn begin_all(&mut self, report: &UnboundedSender<AttemptProgress>) -> Result<Option<Instant>, BenchError> {
        while self.attempts.len() + self.rigs.examination_count() < self.plan.parallel.max(1)
            && self.agent_errors < self.plan.agent_errors_max
            && !self.stop.is_stopped()
        {
            let rig_of = |work: &Work| rig_name(&self.cases[work.case].device);
            let Some(at) = self.queue.iter().position(|work| self.rigs.is_usable(&rig_of(work))) else { break };
            let rig = rig_of(&self.queue[at]);
            if self.rigs.is_suspect(&rig) {
                self.examine(rig);
                continue;
            }
            let now = Instant::now();
            if let Some(due) = self.starts.due(now) {
                return Ok(Some(due));
            }
            if let Some(work) = self.queue.remove(at) {
                self.starts.count(now);
                self.begin(work, report)?;
            }
        }
        Ok(None)
    }

    fn begin(&mut self, work: Work, report: &UnboundedSender<AttemptProgress>) -> Result<(), BenchError> {
        let case = &self.cases[work.case];
        let attempt = self.ledger.records.standing(&self.ids[work.case], work.repeat).begun + 1;
        let id = AttemptId { case: self.ids[work.case].clone(), repeat: work.repeat, attempt };
        let run = free_name(&self.ledger.folder, case, &id);
        self.ledger.write((self.plan.now)(), LedgerLine::Begun { id: id.clone(), run: run.clone() })?;
        (self.tell)(BenchProgress::Begun { id: &id, goal: &case.goal });
        let (models, stop) = (&self.models, self.stop.clone());
        let attempt = Attempt::new(self.plan, self.ledger, case.clone(), id.clone(), run.clone(), models, stop);
        let state = attempt.state();
        let made = attempt.make(report.clone()).map(|outcome| TaskEnd::Attempt(Box::new(outcome)));
        let handle = self.tasks.spawn(made);
        self.attempts.insert(handle.id().to_string(), RunningAttempt { work, id, run, state });
        Ok(())
    }

    /// Has a device looked at, and started anew if it is not well, before anything else is begun on it. Whether it is well is seen by a case
    /// that has been on it, or else by some that are yet to be. If all of those have failed there is nothing to spare, and they are tried
    /// again whatever comes of it.
    fn examine(&mut self, rig: String) {
        self.rigs.begin_examination(&rig);
        let is_there = |case: &usize| rig_name(&self.cases[*case].device) == rig;
        let queued: BTreeSet<usize> = self.queue.iter().map(|work| work.case).filter(is_there).collect();
        let (failed, untried): (Vec<usize>, Vec<usize>) =
            queued.into_iter().partition(|case| self.rigs.has_failed(*case));
        let (mut cases, is_decisive) = match (self.rigs.proven_case(&rig), untried.is_empty()) {
            (Some(case), _) => (vec![case], true),
            // What is wrong with one may be wrong with its neighbours.
            (None, false) => (vec![untried[0], untried[untried.len() / 2], untried[untried.len() - 1]], true),
            (None, true) => (failed.into_iter().take(1).collect(), false),
        };
        cases.dedup();
        let options = |case: usize| DeviceOptions { at: self.cases[case].device.clone(), ..self.plan.device.clone() };
        let devices: Vec<DeviceOptions> = cases.into_iter().map(options).collect();
        let (look, restarts_max) = (self.plan.rules.limits.look, self.plan.restarts_max);
        let mut stop = self.stop.clone();
        self.tasks.spawn(async move {
            let recovered = AssertUnwindSafe(recover(&devices, look, restarts_max)).catch_unwind();
            let wrong = tokio::select! {
                biased;
                // Nothing more is begun on it anyway.
                () = stop.stopped() => None,
                recovered = recovered => match recovered {
                    Ok(Ok(())) => None,
                    Ok(Err(why)) => Some(why),
                    Err(_) => Some("its driver broke: a mistake of the program's".to_owned()),
                },
            };
            TaskEnd::Examination { rig, wrong: wrong.filter(|_| is_decisive) }
        });
    }

    fn task_ended(&mut self, ended: Result<(Id, TaskEnd), JoinError>) -> Result<(), BenchError> {
        match ended {
            Ok((task, TaskEnd::Attempt(outcome))) => {
                let AttemptOutcome { end, broke } = *outcome;
                let Some(running) = self.attempts.remove(&task.to_string()) else { return Ok(()) };
                self.attempt_ended(running.work, end, broke, false)
            }
            Ok((_, TaskEnd::Examination { rig, wrong })) => {
                self.rigs.end_examination(&rig, wrong.is_none());
                if let Some(why) = wrong {
                    (self.tell)(BenchProgress::RigLost { rig: &rig, why: &why });
                }
                Ok(())
            }
            // It has panicked where nobody could say at what.
            Err(error) => {
                let Some(running) = self.attempts.remove(&error.id().to_string()) else { return Ok(()) };
                let RunningAttempt { work, id, run, state } = running;
                let end = attempt::partial_end(&id, &run, &state, Status::SetupError, &error.to_string());
                self.attempt_ended(work, end, None, false)
            }
        }
    }

    /// Leaves alone what is judged without an end: nobody's any more, it goes on beside what follows.
    fn leave_overdue(&mut self) -> Result<(), BenchError> {
        let within = self.plan.judge.saturating_add(self.plan.grace);
        let overdue = self.attempts.iter().find(|(_, running)| running.state.is_judged_longer_than(within));
        let Some((task, _)) = overdue else { return Ok(()) };
        let task = task.clone();
        let Some(RunningAttempt { work, id, run, state }) = self.attempts.remove(&task) else { return Ok(()) };
        let why = format!("its judge computes without end: no verdict within {} s", within.as_secs());
        let end = attempt::partial_end(&id, &run, &state, Status::EvaluatorError, &why);
        self.attempt_ended(work, end, None, true)
    }

    /// `is_left_alone`: it would compute without end again, beside the first.
    fn attempt_ended(
        &mut self,
        work: Work,
        end: AttemptEnd,
        broke: Option<RunError>,
        is_left_alone: bool,
    ) -> Result<(), BenchError> {
        // Of the first attempt nothing was done, and it is so for all.
        if let Some(error @ RunError::UnknownApp(_)) = broke {
            return Err(error.into());
        }
        let row = end.row(&self.ledger.records.header, &self.ledger.folder);
        let (id, status) = (end.id.clone(), end.status);
        self.ledger.write((self.plan.now)(), LedgerLine::Ended(Box::new(end)))?;
        let is_open = self.ledger.records.standing(&id.case, id.repeat).is_open(self.plan.retries, true);
        let is_settled = is_left_alone || !is_open;
        (self.tell)(BenchProgress::Ended { row: &row, is_settled });
        if let Some(error) = broke {
            return Err(error.into());
        }
        self.agent_errors = if status == Status::AgentError { self.agent_errors + 1 } else { 0 };
        let rig = rig_name(&self.cases[work.case].device);
        match status {
            Status::SetupError | Status::DeviceError => self.rigs.suspect(&rig, work.case),
            Status::Scored | Status::Timeout => self.rigs.prove(&rig, work.case),
            Status::AgentError | Status::EvaluatorError | Status::Cancelled => {}
        }
        if !is_settled {
            self.queue.push_back(work);
        }
        Ok(())
    }

    fn outcome(&self) -> BenchOutcome {
        if self.agent_errors >= self.plan.agent_errors_max {
            return BenchOutcome::AgentErrors;
        }
        // A case that has no end, or was stopped.
        let is_unfinished = |end: Option<&AttemptEnd>| end.is_none_or(|end| end.status == Status::Cancelled);
        let has_unfinished = || self.ledger.records.results().any(|(_, _, end)| is_unfinished(end));
        if self.stop.is_stopped() && (!self.queue.is_empty() || has_unfinished()) {
            return BenchOutcome::Stopped;
        }
        if self.queue.is_empty() { BenchOutcome::Finished } else { BenchOutcome::RigsLost }
    }
}

/// All that is left to be done. What the program ended at, whoever ended it, comes last: so all others are done before it can do so again.
/// After more than `retries` such ends, and [`KILLS_MAX`], one of them is written down, and counts as an error.
fn queue(
    plan: &BenchRun<'_>,
    ledger: &mut Ledger,
    ids: &[String],
    tell: &mut (dyn FnMut(BenchProgress<'_>) + Send),
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
                let end = attempt::blank_end(&attempt, &standing.run, &plan.cases[case].goal, &why);
                let row = end.row(&ledger.records.header, &ledger.folder);
                ledger.write((plan.now)(), LedgerLine::Ended(Box::new(end)))?;
                standing = ledger.records.standing(id, repeat);
                let is_settled = !standing.is_open(plan.retries, false);
                tell(BenchProgress::Ended { row: &row, is_settled });
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

/// The name of an attempt's folder: nobody has it, whatever a killed one has left.
fn free_name(folder: &Path, case: &Case, id: &AttemptId) -> String {
    let template = plain_name(&case.id.template);
    let twin = id.case.rsplit_once('#').map_or_else(String::new, |(_, number)| format!("-{number}"));
    let repeat = if id.repeat == 1 { String::new() } else { format!(".{}", id.repeat) };
    let name = format!("{:06}-{template}{twin}{repeat}", case.id.seed);
    let tries = id.attempt..=id.attempt.saturating_add(1000);
    let names = tries.map(|attempt| if attempt == 1 { name.clone() } else { format!("{name}-try{attempt}") });
    names.into_iter().find(|name| !folder.join(name).exists()).unwrap_or(name)
}
