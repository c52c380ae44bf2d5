//! Going on with a run that broke off, and with another one's first steps.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tapwright_agent::journal::{
    EventLine, ForkError, Journal, JournalError, Line, Record, ResumePoint, first_free, refuse_links,
};
use tapwright_agent::limits::Limits;
use tapwright_agent::policy::Policy;
use tapwright_contract::Size;

use crate::device::Device;
use crate::judge::{ANSWER, Evaluator, Fact, FactEvaluator, RUN_END};
use crate::model::LoadedModel;
use crate::origin::{CaseId, LaunchSettings, Provenance, RunOrigin};
use crate::run::{LastReply, Participants, RunError, RunLocation, RunReport, StartFrom, VERDICT, drive_run, judge_run};
use crate::seal::SealKey;
use crate::suites;

/// A run that can go on. No other process can take it up while this is kept.
pub struct ResumableRun {
    journal: Journal,
    record: Record,
    stand: ResumePoint,
    limits: Limits,
    folder: PathBuf,
    origin: Option<RunOrigin>,
    /// Whether it is another one's, up to here.
    forked: bool,
}

impl ResumableRun {
    /// Takes up a run in its folder.
    ///
    /// # Errors
    /// `RunError` if it has ended, if another process has it, or if it does not follow from its own journal.
    pub fn take_up(folder: &Path) -> Result<ResumableRun, RunError> {
        let (journal, record, stand) = Journal::resume(folder)?;
        if let Some(end) = record.end()
            && !end.outcome.can_go_on()
        {
            let judged = folder.join(VERDICT).exists();
            return Err(RunError::Ended { run: record.facts.run.clone(), outcome: end.outcome.id(), judged });
        }
        let origin = read_origin(folder)?;
        refuse_links(folder, &[VERDICT], &[])
            .map_err(|source| RunError::Misplaced { at: folder.to_owned(), source })?;
        let limits = limits_of(&record).clone();
        Ok(ResumableRun { journal, record, stand, limits, folder: folder.to_owned(), origin, forked: false })
    }

    /// Begins a run with the first steps of the one in `folder`, whatever became of that one. Whatever goes wrong later, the new
    /// record knows what it was begun with; and if this fails there is none.
    ///
    /// # Errors
    /// `RunError` if it has no such step, or the new one cannot be written.
    pub fn fork(folder: &Path, steps: u32, place: RunLocation<'_>) -> Result<ResumableRun, RunError> {
        first_free(
            place.run,
            |error| matches!(error, RunError::Fork(ForkError::Journal(JournalError::Exists { .. }))),
            |run| ResumableRun::fork_as(folder, steps, RunLocation { run, ..place }),
        )
    }

    fn fork_as(folder: &Path, steps: u32, place: RunLocation<'_>) -> Result<ResumableRun, RunError> {
        let record = Record::read(folder).map_err(drive_record)?;
        let origin = read_origin(folder)?;
        // What somebody else's record names is somebody else's in the new one, too.
        let is_sealed =
            |key: &&SealKey| origin.as_ref().is_some_and(|origin| origin.provenance(folder, Some(key)).is_sealed());
        let key = place.seal.filter(is_sealed);
        let new = place.runs.join(place.run);
        let made = (|| {
            let (journal, stand) = Journal::fork(&record, steps, place.runs, place.run, place.started)?;
            if let Some(origin) = &origin {
                let unwritten = |source| RunError::UnwrittenOrigin { at: new.clone(), source };
                origin.clone().write(&new, key).map_err(unwritten)?;
            }
            let record = Record::read(&new).map_err(drive_record)?;
            Ok((journal, record, stand))
        })();
        match made {
            Ok((journal, record, stand)) => {
                let limits = limits_of(&record).clone();
                Ok(ResumableRun { journal, record, stand, limits, folder: new, origin, forked: true })
            }
            // It is another run's.
            Err(error @ RunError::Fork(ForkError::Journal(JournalError::Exists { .. }))) => Err(error),
            Err(error) => {
                let _ = fs::remove_dir_all(&new); // Half a copy is nobody's run.
                Err(error)
            }
        }
    }

    /// What it was to do, and what was written down of it.
    pub fn record(&self) -> &Record {
        &self.record
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Has questions wait so long from now on, whatever was said when it began.
    pub fn asks_within(&mut self, within: Duration) {
        self.limits.ask = within; // Only the shell reads it: no decision goes by it.
    }

    /// The limits that it goes on under.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Has it go on under these limits, none of which is higher than its own.
    pub fn limit(&mut self, limits: Limits) {
        self.stand.limit(limits.clone());
        self.limits = limits;
    }

    /// Whether this user's own program wrote down what it was begun with. Whoever sent another one chose its limits.
    pub fn is_own(&self, seal: Option<&SealKey>) -> bool {
        self.provenance(seal) == Provenance::Own
    }

    /// Whose record it is.
    pub fn provenance(&self, seal: Option<&SealKey>) -> Provenance {
        self.origin.as_ref().map_or_else(Provenance::default, |origin| origin.provenance(&self.folder, seal))
    }

    /// The policy that it goes on by.
    pub fn policy(&self) -> &Policy {
        policy_of(&self.record)
    }

    /// Has it go on by another policy, which is at least as strict.
    pub fn restrict(&mut self, policy: Policy) {
        self.stand.restrict(policy);
    }

    /// Throws away a fork that will not go on after all. A run that was there before stays.
    pub fn give_up(self) {
        if self.forked {
            let folder = self.folder.clone();
            drop(self);
            let _ = fs::remove_dir_all(folder);
        }
    }

    /// Goes on, to its end, and judges it. `launch` says which device and model these are, and `at` is the time of day in
    /// milliseconds since 1970.
    ///
    /// # Errors
    /// `RunError` if it cannot be written down. Whatever else happens is an outcome.
    pub async fn go_on(
        self,
        device: &mut Device,
        model: &mut LoadedModel,
        launch: LaunchSettings,
        seal: Option<&SealKey>,
        at: u64,
        participants: Participants<'_>,
    ) -> Result<RunReport, RunError> {
        let is_adopted = !self.is_own(seal);
        let ResumableRun { mut journal, record, stand, limits, folder, origin, forked } = self;
        let run = record.facts.run.clone();
        let unwritten = |source| RunError::Judgement { run: run.clone(), source };
        let expected = origin.as_ref().map(|origin| origin.expected.clone()).unwrap_or_default();
        // A fork begins with the device as it is now; a run that goes on began when it began.
        let start = match &origin {
            Some(origin) if !forked => origin.facts.clone(),
            _ => device.facts().await?,
        };
        let case = origin.as_ref().and_then(|origin| origin.case.clone());
        let evaluator = evaluator_of(case.as_ref(), &expected);
        RunOrigin::new(launch, expected, start.clone(), case)
            .on(device)
            .with_adoption(is_adopted)
            .write(&folder, seal)
            .map_err(|source| RunError::UnwrittenOrigin { at: folder.clone(), source })?;
        // What was said of it when it broke off does not hold any more.
        match fs::remove_file(folder.join(VERDICT)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritten(error)),
            _ => {}
        }

        let mut last = LastReply::Nothing;
        record.entries.iter().for_each(|entry| last.observe(&entry.line));
        let from = StartFrom::ResumePoint(Box::new(stand), Box::new(limits), at);
        let (end, took) = drive_run(from, device, model, &mut journal, participants, &mut last).await?;
        let ms = record.entries.last().map_or(0, |entry| entry.ms).saturating_add(took);
        let judgement = judge_run(evaluator.as_deref(), &end.outcome, last, start.as_ref(), device, &folder)
            .await
            .map_err(unwritten)?;
        Ok(RunReport { run: record.facts.run, folder, end, judgement, ms })
    }
}

/// What judges a run that was written down: its case's evaluator, if a suite here knows it, else the facts that it names.
pub(crate) fn evaluator_of(case: Option<&CaseId>, expected: &[Fact]) -> Option<Arc<dyn Evaluator>> {
    // Of a case of somebody's own suite the record has the words alone, and some say more than that they are equal.
    let is_in_words = expected.iter().any(|fact| fact.fact == RUN_END || fact.fact == ANSWER);
    let by_facts = || if is_in_words { None } else { FactEvaluator::of(expected.to_vec()) };
    case.and_then(suites::evaluator).or_else(by_facts)
}

/// How many replies were heard in the first steps of a run.
///
/// # Errors
/// `ForkError` if it has not so many.
pub fn heard_until(record: &Record, steps: u32) -> Result<usize, ForkError> {
    let mut heard = 0;
    for entry in &record.entries {
        match &entry.line {
            _ if steps == 0 => return Ok(0),
            Line::Event(EventLine::Heard(_)) => heard += 1,
            Line::Step(step) if step.decided.step == steps => return Ok(heard),
            _ => {}
        }
    }
    let (run, has) = (record.facts.run.clone(), record.steps());
    Err(ForkError::NoSuchStep { run, steps, has })
}

/// The policy that holds at the end of a record.
pub fn policy_of(record: &Record) -> &Policy {
    let restricted = record.entries.iter().rev().find_map(|entry| match &entry.line {
        Line::Event(EventLine::Resumed(resumed)) => resumed.policy.as_deref(),
        _ => None,
    });
    restricted.unwrap_or(&record.facts.setting.policy)
}

/// The limits that hold at the end of a record.
pub fn limits_of(record: &Record) -> &Limits {
    let limited = record.entries.iter().rev().find_map(|entry| match &entry.line {
        Line::Event(EventLine::Resumed(resumed)) => resumed.limits.as_deref(),
        _ => None,
    });
    limited.unwrap_or(&record.facts.setting.limits)
}

/// The name of the device that a run was on last, and how large its screen was.
pub fn device_of(record: &Record) -> (&str, Option<Size>) {
    let mut device = record.facts.device.as_str();
    let mut size = None;
    for entry in &record.entries {
        match &entry.line {
            Line::Event(EventLine::Resumed(resumed)) => device = &resumed.device,
            Line::Event(EventLine::Saw { size: seen, .. }) => size = Some(seen.size),
            _ => {}
        }
    }
    (device, size)
}

/// What the run in a folder was begun with; `None` if it was killed before that was written.
///
/// # Errors
/// `RunError` if it cannot be read.
pub fn read_origin(folder: &Path) -> Result<Option<RunOrigin>, RunError> {
    RunOrigin::read(folder).map_err(|source| match source.kind() {
        io::ErrorKind::InvalidInput => RunError::Misplaced { at: folder.to_owned(), source },
        _ => RunError::Origin { at: folder.to_owned(), source },
    })
}

fn drive_record(error: tapwright_agent::journal::RecordError) -> RunError {
    RunError::Resume(error.into())
}
