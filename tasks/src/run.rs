//! One goal on one phone, to its end, written down and judged.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tapwright_agent::apis::{Lent, Registry};
use tapwright_agent::clock::{Clock, Timer};
use tapwright_agent::drive::{self, DriveError, Ports};
use tapwright_agent::episode::{EDITION, Setting};
use tapwright_agent::guard::Touch;
use tapwright_agent::journal::{
    Entry, EventLine, ForkError, Journal, JournalError, Line, ResumeError, ResumePoint, refuse_links,
};
use tapwright_agent::limits::Limits;
use tapwright_agent::outcome::{End, Outcome};
use tapwright_agent::person::Person;
use tapwright_agent::policy::Policy;
use tapwright_agent::secrets::Secrets;
use tapwright_agent::stop::Stop;
use tapwright_contract::api::Apis;
use tapwright_drivers::Probe;

use crate::device::{Device, DeviceError};
use crate::expect::{self, ExpectationError};
use crate::judge::{Assessment, Change, Evaluator, Evidence, Fact, Facts, ScoreSource, Verdict, changes};
use crate::mistake::read_text;
use crate::model::LoadedModel;
use crate::named_apps::{self, UnknownApp};
use crate::origin::{CaseId, LaunchSettings, RunOrigin, write_atomically};
use crate::seal::SealKey;

/// Sees every line of a journal once it is written.
pub type Watch<'a> = &'a mut (dyn FnMut(&Entry) + Send);

/// What is to be done, how the phone is to be before, and what is to be true in the end.
#[derive(Clone, Debug)]
pub struct RunTask {
    /// What the agent is told.
    pub goal: String,
    pub start: Vec<Fact>,
    /// Judges it in the end; `None` if nobody said what is wanted.
    pub evaluator: Option<Arc<dyn Evaluator>>,
    /// Which case of which suite it is.
    pub case: Option<CaseId>,
}

/// How a run goes about it.
#[derive(Clone, Debug)]
pub struct RunOptions {
    pub limits: Limits,
    pub policy: Policy,
    pub touch: Touch,
    /// Today, as the system prompt is to say it.
    pub date: String,
}

/// Where a run is written down, and when it began.
#[derive(Clone, Copy, Debug)]
pub struct RunLocation<'a> {
    /// The folder of all runs.
    pub runs: &'a Path,
    /// The run's own name in it, which nobody has yet.
    pub run: &'a str,
    /// Milliseconds since 1970.
    pub started: u64,
    /// With which what the run was begun with is sealed.
    pub seal: Option<&'a SealKey>,
}

/// Who takes part besides the model.
pub struct Participants<'a> {
    pub person: &'a mut dyn Person,
    /// Carries out what needs no screen.
    pub apis: &'a mut dyn Apis,
    /// What secrets' names stand for.
    pub secrets: &'a Secrets,
    pub stop: Stop,
    /// Sees every line of the journal once it is written.
    pub watch: &'a mut (dyn FnMut(&Entry) + Send),
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct RunReport {
    pub run: String,
    /// Its record.
    pub folder: PathBuf,
    pub end: End,
    pub judgement: Judgement,
    /// From the first look to the end.
    pub ms: u64,
}

/// What the device says of a run: `verdict.json` in the record, beside what the agent did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The format's version.
    pub version: u32,
    /// `None` if nobody said what is wanted.
    #[serde(flatten)]
    pub verdict: Option<Verdict>,
    /// How much of the goal was reached, from 0 to 1, where that is more than all or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Whose score it is, where several could give one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ScoreSource>,
    /// What was wanted.
    pub expected: Vec<Fact>,
    /// What is another one than before; `None` if the device does not tell.
    pub changed: Option<Vec<Change>>,
    /// Something was changed that nobody asked for, as far as the evaluator knows that.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unasked: bool,
    /// What was true of the device in the end, so that the run can be judged again without it.
    #[serde(default)]
    pub facts: Option<Facts>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// The format's version of `verdict.json`.
const VERSION: u32 = 2;
pub(crate) const VERDICT: &str = "verdict.json";

/// Adds what a device offers besides its screen.
///
/// # Errors
/// `RunError::Api` about the first that cannot be offered.
pub(crate) fn add_device_apis<'a>(apis: &mut Registry<'a>, device: &'a mut [Box<dyn Apis>]) -> Result<(), RunError> {
    for one in device {
        let added = apis.add(Box::new(Lent(one.as_mut())));
        added.map_err(|(name, error)| RunError::Api { why: format!("the device's API {name:?}: {error}") })?;
    }
    Ok(())
}

/// Why a run did not begin, or has no end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The phone is not as it has to be.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The policy names an app that is not there.
    #[error(transparent)]
    UnknownApp(#[from] UnknownApp),
    /// What is wanted can never be true.
    #[error(transparent)]
    Expectation(#[from] ExpectationError),
    /// There is no record, so nothing was done.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The run has an end that stands.
    #[error("run {run} has ended with `{outcome}`, and does not go on")]
    Ended { run: String, outcome: &'static str, judged: bool },
    /// It cannot go on.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// There can be no such fork.
    #[error(transparent)]
    Fork(#[from] ForkError),
    /// Nobody can tell what it was begun with.
    #[error("{}: what the run was begun with cannot be read", .at.display())]
    Origin { at: PathBuf, source: io::Error },
    /// Under the name of one of its files there is something else, which could be a file of the user's own.
    #[error("{}: the record cannot be used as it is", .at.display())]
    Misplaced { at: PathBuf, source: io::Error },
    /// It is not written down what the run is begun with, so nothing was done.
    #[error("{}: what the run is begun with cannot be written, so nothing was done", .at.display())]
    UnwrittenOrigin { at: PathBuf, source: io::Error },
    /// An API of the settings cannot be called.
    #[error("{why}")]
    Api { why: String },
    /// The record broke off, and nothing was done after that.
    #[error(transparent)]
    Drive(#[from] DriveError),
    /// The run is over and written down, and what the device says of it is not.
    #[error("run {run}: the verdict cannot be written")]
    Judgement { run: String, source: io::Error },
}

impl RunError {
    /// What to do next.
    pub fn help(&self) -> Option<String> {
        match self {
            RunError::Device(error) => error.help().map(str::to_owned),
            RunError::UnknownApp(error) => Some(error.help()),
            RunError::Expectation(error) => Some(error.help()),
            RunError::Journal(JournalError::Name { .. }) => None,
            RunError::Journal(JournalError::Busy { .. })
            | RunError::Resume(ResumeError::Journal(JournalError::Busy { .. })) => {
                Some("wait for its end, or stop that process".to_owned())
            }
            RunError::Ended { run, judged: false, .. } => {
                Some(format!("it has no verdict: what it is worth is said by: tapwright judge {run}"))
            }
            RunError::Ended { run, .. } => Some(format!("begin with its first steps: tapwright fork {run} --at STEPS")),
            RunError::Resume(ResumeError::Replay(_)) | RunError::Fork(ForkError::Replay(_)) => Some(
                "it was changed, or a version of the program wrote it that decides otherwise: tapwright replay shows where"
                    .to_owned(),
            ),
            RunError::Resume(_) | RunError::Fork(_) | RunError::Origin { .. } | RunError::Api { .. } => None,
            RunError::Misplaced { .. } => None,
            RunError::Journal(JournalError::Exists { .. }) => Some("choose another folder: --runs FOLDER".to_owned()),
            RunError::Journal(JournalError::Unwritable { .. }) => {
                Some("choose a folder that can be written: --runs FOLDER".to_owned())
            }
            RunError::Drive(_) | RunError::Judgement { .. } | RunError::UnwrittenOrigin { .. } => {
                Some("see whether the disk is full; what was written before stands".to_owned())
            }
        }
    }
}

/// Prepares the phone, runs the task on it, and judges it. `launch` says which phone and model these are, for
/// whoever goes on with the run when it breaks off.
///
/// # Errors
/// `RunError` if it did not begin, or could not be written down. Whatever else happens is an outcome.
pub async fn run(
    task: &RunTask,
    device: &mut Device,
    opened: &mut LoadedModel,
    rules: &RunOptions,
    launch: &LaunchSettings,
    place: RunLocation<'_>,
    company: Participants<'_>,
) -> Result<RunReport, RunError> {
    let expected = expected_facts(task.evaluator.as_deref());
    named_apps::check(&rules.policy, device.rig.driver.as_mut(), rules.limits.look).await?;
    named_apps::check_apis(&rules.policy, &company.apis.specs()).map_err(|why| RunError::Api { why })?;
    // Before anything is changed: whoever is told that the arguments are wrong is told that nothing was done.
    let before = device.facts().await?;
    match &before {
        None if task.evaluator.as_ref().is_some_and(|evaluator| evaluator.needs_facts()) && !expected.is_empty() => {
            return Err(DeviceError::NoFacts { device: device.about().to_owned() }.into());
        }
        None => {}
        // What a suite wants, nobody has typed, and much of it is not there yet.
        Some(_) if task.case.is_some() => {}
        Some(facts) => expect::check(&expected, facts)?,
    }
    // A name that somebody else has is found to be taken before anything is changed for it.
    let is_first = !place.runs.exists();
    let mut journal = Journal::create(place.runs, place.run)?;
    let folder = place.runs.join(place.run);
    let start = match prepare(device, &task.start, before).await {
        Ok(start) => start,
        Err(error) => {
            drop(journal);
            let _ = fs::remove_dir_all(&folder); // It has no line, and is nobody's run.
            if is_first {
                let _ = fs::remove_dir(place.runs); // Somebody else may have a run there by now.
            }
            return Err(error.into());
        }
    };
    let unwritten = |source| RunError::Judgement { run: place.run.to_owned(), source };
    RunOrigin::new(launch.clone(), expected, start.clone(), task.case.clone())
        .on(device)
        .write(&folder, place.seal)
        .map_err(|source| RunError::UnwrittenOrigin { at: folder.clone(), source })?;
    let setting = Setting {
        goal: task.goal.clone(),
        date: rules.date.clone(),
        profile: opened.profiles.agent.clone(),
        limits: rules.limits.clone(),
        policy: rules.policy.clone(),
        touch: rules.touch.clone(),
        edition: EDITION,
        abilities: None,
        apis: Vec::new(),
    };
    let mut last = LastReply::Nothing;
    let from = StartFrom::Beginning(Box::new(setting), place.started);
    let (end, ms) = drive_run(from, device, opened, &mut journal, company, &mut last).await?;

    let judgement = judge_run(task.evaluator.as_deref(), &end.outcome, last, start.as_ref(), device, &folder)
        .await
        .map_err(unwritten)?;
    Ok(RunReport { run: place.run.to_owned(), folder, end, judgement, ms })
}

/// Makes facts true, and says what is true then. If one cannot be made so, those before it are as they were.
async fn prepare(device: &mut Device, start: &[Fact], before: Option<Facts>) -> Result<Option<Facts>, DeviceError> {
    if start.is_empty() {
        return Ok(before);
    }
    for (number, fact) in start.iter().enumerate() {
        let Err(error) = device.set(fact).await else { continue };
        for done in start[..number].iter().rev() {
            if let Some(was) = before.as_ref().and_then(|before| before.get(&done.fact)) {
                let was = Fact { fact: done.fact.clone(), is: was.clone() };
                if let Err(error) = device.set(&was).await {
                    tracing::warn!(fact = %was, %error, "the device is not as it was before");
                }
            }
        }
        return Err(error);
    }
    device.facts().await
}

/// From where a run is driven on.
pub(crate) enum StartFrom {
    /// From its beginning, at this time of day.
    Beginning(Box<Setting>, u64),
    /// From where it stands, under these limits, at this time of day.
    ResumePoint(Box<ResumePoint>, Box<Limits>, u64),
}

/// Drives a run to its end: the one place where the ports are put together. Also says how many milliseconds it took.
pub(crate) async fn drive_run(
    start: StartFrom,
    device: &mut Device,
    opened: &mut LoadedModel,
    journal: &mut Journal,
    company: Participants<'_>,
    last: &mut LastReply,
) -> Result<(End, u64), DriveError> {
    let clock = Timer::start();
    let Participants { person, apis, secrets, stop, watch } = company;
    let mut watch = |entry: &Entry| {
        last.observe(&entry.line);
        watch(entry);
    };
    let ports = Ports {
        driver: device.rig.driver.as_mut(),
        model: opened.model.as_mut(),
        person,
        apis,
        secrets,
        journal,
        clock: &clock,
        stop,
        watch: &mut watch,
    };
    let end = match start {
        StartFrom::Beginning(setting, at) => drive::drive(*setting, at, ports).await?,
        StartFrom::ResumePoint(stand, limits, at) => drive::resume(*stand, *limits, at, ports).await?,
    };
    Ok((end, u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX)))
}

/// Asks the device what is true of it now, and writes down what that says of the run.
pub(crate) async fn judge_run(
    evaluator: Option<&dyn Evaluator>,
    outcome: &Outcome,
    last: LastReply,
    start: Option<&Facts>,
    device: &mut Device,
    folder: &Path,
) -> io::Result<Judgement> {
    let after = device.facts().await.map_err(|error| error.to_string());
    let judgement = Judgement::of(evaluator, outcome, last, start, after, device.probe(), folder).await;
    judgement.write(folder)?;
    Ok(judgement)
}

impl Judgement {
    /// Judges a run by what was and is true of its device. `after` says why, if that cannot be told.
    pub(crate) async fn of(
        evaluator: Option<&dyn Evaluator>,
        outcome: &Outcome,
        last: LastReply,
        start: Option<&Facts>,
        after: Result<Option<Facts>, String>,
        probe: &mut dyn Probe,
        folder: &Path,
    ) -> Judgement {
        let (verdict, score, source) = match evaluator {
            None => (None, None, None),
            Some(evaluator) => {
                let (verdict, score, source) = verdict(evaluator, outcome, last, start, &after, probe, folder).await;
                (Some(verdict), score, source)
            }
        };
        let facts = after.ok().flatten();
        let changed = start.zip(facts.as_ref()).map(|(start, after)| changes(start, after));
        let unasked = match (evaluator, start, &facts) {
            (Some(evaluator), Some(start), Some(facts)) => evaluator.is_unasked(start, facts),
            _ => false,
        };
        let expected = expected_facts(evaluator);
        Judgement { version: VERSION, verdict, score, source, expected, changed, unasked, facts }
    }

    /// Reads what a record says; `None` if the run was not judged to its end.
    ///
    /// # Errors
    /// If there is something else.
    pub fn read(folder: &Path) -> io::Result<Option<Judgement>> {
        refuse_links(folder, &[VERDICT], &[])?;
        match read_text(&folder.join(VERDICT)) {
            Ok(text) => Ok(Some(serde_json::from_str(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        refuse_links(folder, &[VERDICT], &[])?;
        write_atomically(folder, VERDICT, &format!("{}\n", serde_json::to_string_pretty(self)?))
    }
}

/// What the model did last: an outcome alone does not tell whether it failed, or could not be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastReply {
    Nothing,
    Heard,
    Silent,
}

impl LastReply {
    pub(crate) fn observe(&mut self, line: &Line) {
        match line {
            Line::Event(EventLine::Heard(_)) => *self = LastReply::Heard,
            Line::Event(EventLine::Silent(_)) => *self = LastReply::Silent,
            _ => {}
        }
    }
}

fn expected_facts(evaluator: Option<&dyn Evaluator>) -> Vec<Fact> {
    evaluator.map_or_else(Vec::new, Evaluator::expected_facts)
}

/// The verdict on a run, with how much was reached where that may be a part. What says nothing about the agent is void, whatever is true of the device.
async fn verdict(
    evaluator: &dyn Evaluator,
    outcome: &Outcome,
    last: LastReply,
    start: Option<&Facts>,
    end: &Result<Option<Facts>, String>,
    probe: &mut dyn Probe,
    folder: &Path,
) -> (Verdict, Option<f64>, Option<ScoreSource>) {
    let void = |why: String| (Verdict::Void { why }, None, None);
    let is_over = || matches!(end, Ok(Some(end)) if evaluator.judges_stopped(end));
    match outcome {
        Outcome::DeviceLost { why } => return void(format!("the device was lost: {why}")),
        Outcome::Stopped if !is_over() => return void("somebody stopped the run".to_owned()),
        Outcome::ModelFailed { why } if last != LastReply::Heard => {
            return void(format!("the model could not be asked: {why}"));
        }
        _ => {}
    }
    let nothing = Facts::new();
    let (start, end) = match (start, end) {
        (Some(start), Ok(Some(end))) => (start, end),
        (start, Ok(None)) if !evaluator.needs_facts() => (start.unwrap_or(&nothing), &nothing),
        (_, Err(error)) => return void(format!("the device could not be asked in the end: {error}")),
        _ => return void("the device does not tell what is true of it".to_owned()),
    };
    match evaluator.assess(Evidence { start, end, outcome, probe, folder: Some(folder) }).await {
        Ok(Assessment { against: None, score, source }) => (Verdict::Passed, score, source),
        Ok(Assessment { against: Some(why), score, source }) => (Verdict::Failed { why }, score, source),
        Err(error) => void(format!("it could not be judged: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{FactEvaluator, RecordedProbe};

    fn facts(on: &str) -> Facts {
        Facts::from([("wifi.on".to_owned(), on.to_owned())])
    }

    async fn check(outcome: &Outcome, last: LastReply, on: &str, expected: &str) {
        let evaluator = FactEvaluator::of(vec![Fact::parse("wifi.on=true").unwrap()]);
        let (start, end) = (facts("false"), facts(on));
        let mut probe = RecordedProbe(&end);
        let judgement = Judgement::of(
            evaluator.as_deref(),
            outcome,
            last,
            Some(&start),
            Ok(Some(end.clone())),
            &mut probe,
            Path::new(""),
        )
        .await;
        let verdict = judgement.verdict.unwrap();
        assert_eq!(verdict.id(), expected, "{outcome:?} {verdict:?}");
    }

    #[tokio::test]
    async fn the_device_and_the_agent_both_have_to_say_so() {
        let done = Outcome::Done { message: String::new() };
        check(&done, LastReply::Heard, "true", "passed").await;
        check(&done, LastReply::Heard, "false", "failed").await;
        check(&Outcome::OutOfSteps, LastReply::Heard, "true", "failed").await;
        check(&Outcome::GaveUp { message: String::new() }, LastReply::Heard, "true", "failed").await;
    }

    #[tokio::test]
    async fn what_says_nothing_about_the_agent_is_void() {
        let failed = Outcome::ModelFailed { why: String::new() };
        check(&failed, LastReply::Silent, "false", "void").await;
        check(&failed, LastReply::Nothing, "false", "void").await;
        check(&failed, LastReply::Heard, "false", "failed").await;
        check(&Outcome::DeviceLost { why: String::new() }, LastReply::Heard, "true", "void").await;
        check(&Outcome::Stopped, LastReply::Heard, "true", "void").await;
    }

    /// A run that somebody stopped says nothing, unless the page had ended the episode by itself.
    #[tokio::test]
    async fn an_episode_that_was_stopped_before_its_end_is_void() {
        for (done, expected) in [("true", "failed"), ("false", "void"), ("", "void")] {
            let end = Facts::from([("task.done".to_owned(), done.to_owned())]);
            let (evaluator, mut probe) = (crate::suites::miniwob::evaluator(), RecordedProbe(&end));
            let after = Ok(Some(end.clone()));
            let (stopped, heard) = (Outcome::Stopped, LastReply::Heard);
            let judgement =
                Judgement::of(Some(&*evaluator), &stopped, heard, Some(&end), after, &mut probe, Path::new("")).await;
            assert_eq!(judgement.verdict.unwrap().id(), expected, "{done}");
        }
    }

    #[tokio::test]
    async fn without_anything_wanted_there_is_no_verdict() {
        let done = Outcome::Done { message: String::new() };
        let end = facts("true");
        let judgement =
            Judgement::of(None, &done, LastReply::Heard, None, Ok(None), &mut RecordedProbe(&end), Path::new("")).await;
        assert_eq!(judgement.verdict, None);
    }

    #[test]
    fn judgements_are_read_back_as_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Judgement::read(folder.path()).unwrap(), None);
        for verdict in [None, Some(Verdict::Passed), Some(Verdict::Failed { why: "x".to_owned() })] {
            let judgement = Judgement {
                version: VERSION,
                verdict,
                score: Some(0.25),
                source: Some(ScoreSource { disagreement: Some("x".to_owned()), ..ScoreSource::native() }),
                expected: Vec::new(),
                changed: Some(Vec::new()),
                unasked: true,
                facts: Some(facts("true")),
            };
            judgement.write(folder.path()).unwrap();
            assert_eq!(Judgement::read(folder.path()).unwrap(), Some(judgement));
        }
        // As version 1 wrote it.
        fs::write(
            folder.path().join("verdict.json"),
            r#"{"version":1,"verdict":"passed","expected":[],"changed":null}"#,
        )
        .unwrap();
        assert_eq!(Judgement::read(folder.path()).unwrap().unwrap().verdict, Some(Verdict::Passed));
    }
}
