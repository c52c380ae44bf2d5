//! Going on with a run that broke off, and with another one's first steps.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tapwright_agent::journal::{Journal, Record, ResumePoint};

use crate::device::Device;
use crate::judge::{Evaluator, Fact, FactEvaluator};
use crate::model::LoadedModel;
use crate::origin::{CaseId, LaunchSettings, RunOrigin};
use crate::run::{LastReply, Participants, RunError, RunLocation, RunReport, StartFrom, drive_run, judge_run};
use crate::suites;

/// A run that can go on. No other process can take it up while this is kept.
pub struct ResumableRun {
    journal: Journal,
    record: Record,
    stand: ResumePoint,
    folder: PathBuf,
    origin: Option<RunOrigin>,
    /// Whether it is another one's, up to here.
    forked: bool,
}

impl ResumableRun {
    /// Takes up a run in its folder.
    ///
    /// # Errors
    /// `RunError` if it has ended, if another process has it, or if nobody can tell where it stands.
    pub fn take_up(folder: &Path) -> Result<ResumableRun, RunError> {
        let (journal, record, stand) = Journal::resume(folder)?;
        if let Some(end) = record.end()
            && !end.outcome.can_go_on()
        {
            return Err(RunError::Ended { run: record.facts.run.clone(), outcome: end.outcome.id() });
        }
        let origin = RunOrigin::read(folder).map_err(|source| RunError::Origin { at: folder.to_owned(), source })?;
        Ok(ResumableRun { journal, record, stand, folder: folder.to_owned(), origin, forked: false })
    }

    /// Begins a run with the first steps of the one in `folder`, whatever became of that one.
    ///
    /// # Errors
    /// `RunError` if it has no such step, or the new one cannot be written.
    pub fn fork(folder: &Path, steps: u32, place: RunLocation<'_>) -> Result<ResumableRun, RunError> {
        let record = Record::read(folder).map_err(drive_record)?;
        let origin = RunOrigin::read(folder).map_err(|source| RunError::Origin { at: folder.to_owned(), source })?;
        let (journal, stand) = Journal::fork(&record, steps, place.runs, place.run, place.started)?;
        let folder = place.runs.join(place.run);
        let record = Record::read(&folder).map_err(drive_record)?;
        Ok(ResumableRun { journal, record, stand, folder, origin, forked: true })
    }

    /// What it was to do, and what was written down of it.
    pub fn record(&self) -> &Record {
        &self.record
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// With which device and model it was begun.
    pub fn words(&self) -> LaunchSettings {
        self.origin.as_ref().map(|origin| origin.words.clone()).unwrap_or_default()
    }

    /// Has questions wait so long from now on, whatever was said when it began.
    pub fn asks_within(&mut self, within: Duration) {
        self.record.facts.setting.limits.ask = within; // Only the shell reads it: no decision goes by it.
    }

    /// Goes on, to its end, and judges it. `words` say which device and model these are, and `at` is the time of day in
    /// milliseconds since 1970.
    ///
    /// # Errors
    /// `RunError` if it cannot be written down. Whatever else happens is an outcome.
    pub async fn go_on(
        self,
        device: &mut Device,
        opened: &mut LoadedModel,
        words: LaunchSettings,
        at: u64,
        company: Participants<'_>,
    ) -> Result<RunReport, RunError> {
        let ResumableRun { mut journal, record, stand, folder, origin, forked } = self;
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
        RunOrigin::new(words, expected, start.clone(), case).write(&folder).map_err(unwritten)?;
        // What was said of it when it broke off does not hold any more.
        match fs::remove_file(folder.join("verdict.json")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(unwritten(error)),
            _ => {}
        }

        let mut last = LastReply::Nothing;
        record.entries.iter().for_each(|entry| last.observe(&entry.line));
        let from = StartFrom::ResumePoint(Box::new(stand), Box::new(record.facts.setting.limits.clone()), at);
        let (end, took) = drive_run(from, device, opened, &mut journal, company, &mut last).await?;
        let ms = record.entries.last().map_or(0, |entry| entry.ms).saturating_add(took);
        let judgement = judge_run(evaluator.as_deref(), &end.outcome, last, start.as_ref(), device, &folder)
            .await
            .map_err(unwritten)?;
        Ok(RunReport { run: record.facts.run, folder, end, judgement, ms })
    }
}

/// What judges a run that was written down: its case's evaluator, if a suite here knows it, else the facts that it names.
pub(crate) fn evaluator_of(case: Option<&CaseId>, expected: &[Fact]) -> Option<Arc<dyn Evaluator>> {
    case.and_then(suites::evaluator).or_else(|| FactEvaluator::of(expected.to_vec()))
}

fn drive_record(error: tapwright_agent::journal::RecordError) -> RunError {
    RunError::Resume(error.into())
}
