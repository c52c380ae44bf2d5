//! Suites: case after case, each on a fresh device, with one model, and an honest table.
//!
//! What the cases are is a [`Suite`]'s own business; it is found by name in [`crate::suites`]. Whoever brings a suite of their
//! own passes it to [`bench`].

use std::collections::BTreeMap;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tapwright_agent::apis::Registry;
use tapwright_agent::journal::{Entry, Line};
use tapwright_agent::outcome::Outcome;
use tapwright_agent::person::Nobody;
use tapwright_agent::secrets::Secrets;
use tapwright_agent::stop::Stop;

use crate::device::{self, Device, DeviceAddress};
use crate::judge::{Evaluator, Fact, Verdict};
use crate::model::LoadedModel;
use crate::origin::{CaseId, LaunchSettings};
use crate::run::{Participants, RunError, RunLocation, RunOptions, RunReport, RunTask, Watch, add_device_apis, run};
use crate::serve::AppSelection;

/// A task of a suite.
#[derive(Clone, Debug)]
pub struct Case {
    pub id: CaseId,
    /// What the agent is told.
    pub goal: String,
    /// The device that it starts on, fresh.
    pub device: DeviceAddress,
    /// What is made true of the device first.
    pub start: Vec<Fact>,
    pub evaluator: Arc<dyn Evaluator>,
    /// The kind of case, where cases are counted by kind too.
    pub group: Option<&'static str>,
}

/// A source of cases.
pub trait Suite: Send + Sync {
    /// What it is called at the command line and in records.
    fn name(&self) -> &'static str;

    /// What it measures, in a sentence.
    fn about(&self) -> &'static str;

    /// The kinds of case, in the order in which seeds go through them. A suite of fixed cases names each case.
    fn templates(&self) -> Vec<&'static str>;

    /// The first seed that must not be used to measure, if there is one: models are trained on those.
    fn training_seeds(&self) -> Option<u64>;

    /// What a run may use if nobody says it.
    fn steps_max(&self) -> u32 {
        40
    }

    /// Draws a case; the same template and seed always give the same one. `None` if there is no such template.
    fn case(&self, template: &str, seed: u64) -> Option<Case>;
}

/// Which cases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseSelection {
    /// Seeds from here on, …
    pub first: u64,
    /// … and how many.
    pub count: u64,
    /// Only this template; without it, the seeds go through all of them in turn.
    pub template: Option<String>,
}

impl CaseSelection {
    /// Whether a suite has such cases, and they may be used to measure.
    ///
    /// # Errors
    /// `SuiteError` if not.
    pub fn check(&self, suite: &dyn Suite) -> Result<(), SuiteError> {
        let templates = suite.templates();
        if let Some(name) = self.template.as_ref().filter(|name| !templates.contains(&name.as_str())) {
            return Err(SuiteError::Template { name: name.clone(), known: templates });
        }
        let training = suite.training_seeds();
        match self.first.checked_add(self.count) {
            Some(end) if training.is_none_or(|training| end <= training) => Ok(()),
            _ => Err(SuiteError::Seeds { training: training.unwrap_or(u64::MAX) }),
        }
    }

    /// The cases, one after the other; a selection that was not checked may have fewer.
    pub fn cases<'a>(&'a self, suite: &'a dyn Suite) -> impl Iterator<Item = Case> + 'a {
        let templates = suite.templates();
        (self.first..self.first.saturating_add(self.count)).map_while(move |seed| {
            let turn = usize::try_from(seed % templates.len().max(1) as u64).unwrap_or(0);
            let template = self.template.as_deref().or_else(|| templates.get(turn).copied())?;
            suite.case(template, seed)
        })
    }
}

/// A digest of what is asked and of what has to be true: the same for everybody who measures the same.
pub fn digest(cases: &[Case]) -> String {
    let mut hash = Sha256::new();
    for case in cases {
        let CaseId { template, seed, .. } = &case.id;
        // What is expected is part of the task, and so is the device that it starts on.
        hash.update(format!("{template}\0{seed}\0{}\0{:?}\0{:?}\0", case.goal, case.device, case.start));
        for fact in case.evaluator.expected() {
            hash.update(format!("{fact}\0"));
        }
        hash.update("\n");
    }
    hex::encode(hash.finalize())
}

/// How the cases are run.
pub struct BenchRun<'a> {
    pub cases: Vec<Case>,
    pub rules: RunOptions,
    /// The device's address is each case's own; the times and the weather are these.
    pub device: device::DeviceOptions,
    /// The folder of the runs of this suite.
    pub runs: &'a Path,
    /// Milliseconds since 1970, asked for at each case.
    pub now: &'a (dyn Fn() -> u64 + Sync),
}

/// One case, done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseResult {
    pub template: String,
    /// The template's kind, if the suite has kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    pub seed: u64,
    pub goal: String,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Something was changed that nobody asked for.
    #[serde(default)]
    pub unasked: bool,
    /// `None` if the run has none.
    pub outcome: Option<String>,
    pub steps: u32,
    /// From the first look to the end.
    pub ms: u64,
    pub run: String,
    pub folder: PathBuf,
}

/// Counts of one template, or of all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CaseCounts {
    pub passed: u32,
    pub failed: u32,
    pub void: u32,
    /// Runs that changed something that nobody asked for.
    #[serde(default)]
    pub unasked: u32,
    /// Of the runs that are not void.
    pub steps: u64,
    pub ms: u64,
}

/// The suite's table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SuiteTable {
    pub templates: BTreeMap<String, CaseCounts>,
    /// By kind, if the suite has kinds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, CaseCounts>,
    pub all: CaseCounts,
    /// Somebody stopped it before its end.
    pub stopped: bool,
}

/// Why there is no table, or not a whole one.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// There is no such template.
    #[error("there is no template {name:?}; there are: {}", .known.join(", "))]
    Template { name: String, known: Vec<&'static str> },
    /// Those seeds are for training.
    #[error("seeds from {training} on are for training; a measurement with them would say nothing")]
    Seeds { training: u64 },
    /// Nothing more can be written down, so nothing more is done.
    #[error(transparent)]
    Record(RunError),
}

/// Runs the cases. `began` is told of each before, with its number, template and goal, and `done` after.
///
/// # Errors
/// `SuiteError` if it cannot go on; what was measured until then has been told to `done`.
pub async fn bench(
    plan: BenchRun<'_>,
    opened: &mut LoadedModel,
    stop: Stop,
    mut began: impl FnMut(u64, &str, &str) + Send,
    mut step: impl FnMut(u32) + Send,
    mut done: impl FnMut(&CaseResult) + Send,
) -> Result<SuiteTable, SuiteError> {
    let mut table = SuiteTable::default();
    for (number, case) in plan.cases.into_iter().enumerate() {
        began(number as u64, &case.id.template, &case.goal);
        // Each device has weather of its own.
        let mut weather = plan.device.weather.clone();
        weather.seed = weather.seed.wrapping_add(case.id.seed);
        let options = device::DeviceOptions { at: case.device.clone(), weather, ..plan.device.clone() };
        let name = format!("{:06}-{}", case.id.seed, case.id.template);
        let place = RunLocation { runs: plan.runs, run: &name, started: (plan.now)(), seal: None };
        let mut watch = |entry: &Entry| {
            if let Line::Decided(decided) = &entry.line {
                step(decided.step);
            }
        };
        let group = case.group;
        let task = RunTask::from(case);
        let result = attempt(&task, &options, opened, &plan.rules, place, stop.clone(), &mut watch).await;
        let broken = matches!(
            &result,
            Err(RunError::UnknownApp(_) | RunError::Journal(_) | RunError::Drive(_) | RunError::Judgement { .. })
        );
        if let Ok(RunReport { end, .. }) = &result
            && end.outcome == Outcome::Stopped
        {
            table.stopped = true;
            return Ok(table);
        }
        // Of the first case nothing was done, and it is so for all.
        if let (0, Err(error @ RunError::UnknownApp(_))) = (number, &result) {
            tracing::debug!(%error, "the suite does not begin");
            return result.map(|_| table).map_err(SuiteError::Record);
        }
        let row = row(group, task, name, plan.runs, &result);
        table.count(&row);
        done(&row);
        if let (true, Err(error)) = (broken, result) {
            return Err(SuiteError::Record(error));
        }
    }
    Ok(table)
}

impl From<Case> for RunTask {
    fn from(case: Case) -> RunTask {
        RunTask { goal: case.goal, start: case.start, evaluator: Some(case.evaluator), case: Some(case.id) }
    }
}

impl SuiteTable {
    /// Adds a row.
    pub fn count(&mut self, row: &CaseResult) {
        let group = row.group.clone().map(|group| self.groups.entry(group).or_default());
        let of_template = self.templates.entry(row.template.clone()).or_default();
        for counts in [of_template, &mut self.all].into_iter().chain(group) {
            counts.unasked += u32::from(row.unasked);
            match row.verdict {
                Verdict::Passed => counts.passed += 1,
                Verdict::Failed { .. } => counts.failed += 1,
                Verdict::Void { .. } => {
                    counts.void += 1;
                    continue;
                }
            }
            counts.steps += u64::from(row.steps);
            counts.ms += row.ms;
        }
    }
}

impl CaseCounts {
    /// The share of runs that passed among those that say something; `None` if none does.
    pub fn success(&self) -> Option<f64> {
        let said = self.passed + self.failed;
        (said > 0).then(|| f64::from(self.passed) / f64::from(said))
    }

    /// Steps of a run, on average.
    pub fn steps_mean(&self) -> Option<f64> {
        let said = self.passed + self.failed;
        (said > 0).then(|| self.steps as f64 / f64::from(said))
    }

    /// Milliseconds of a step, on average.
    pub fn ms_per_step(&self) -> Option<f64> {
        (self.steps > 0).then(|| self.ms as f64 / self.steps as f64)
    }
}

async fn attempt(
    task: &RunTask,
    options: &device::DeviceOptions,
    opened: &mut LoadedModel,
    rules: &RunOptions,
    place: RunLocation<'_>,
    stop: Stop,
    watch: Watch<'_>,
) -> Result<RunReport, RunError> {
    let mut device = Device::open(options).await?;
    // What the device offers is part of the case; what whoever measures has registered is not.
    let mut own = mem::take(&mut device.rig.apis);
    let mut apis = Registry::default();
    let report = match add_device_apis(&mut apis, &mut own) {
        Ok(()) => {
            let secrets = Secrets::default();
            let company = Participants { person: &mut Nobody, apis: &mut apis, secrets: &secrets, stop, watch };
            // Nobody goes on with a task of a suite: its phone is gone with the process.
            run(task, &mut device, opened, rules, &LaunchSettings::default(), place, company).await
        }
        Err(error) => Err(error),
    };
    // It is our own, and gone anyway.
    let _ = device.close().await;
    report
}

impl Case {
    /// The same on a phone with these apps, if it is a virtual one that has fewer.
    #[must_use]
    pub fn with_apps(mut self, apps: AppSelection) -> Case {
        if let (DeviceAddress::Virtual(phone), AppSelection::All) = (&mut self.device, apps) {
            phone.apps = apps;
        }
        self
    }
}

fn row(
    group: Option<&str>,
    task: RunTask,
    run: String,
    runs: &Path,
    result: &Result<RunReport, RunError>,
) -> CaseResult {
    let folder = runs.join(&run);
    let unasked = result.as_ref().is_ok_and(|report| report.judgement.unasked);
    let (verdict, outcome, steps, ms) = match result {
        Ok(report) => {
            let nothing = || Verdict::Void { why: "nobody judged it".to_owned() };
            let verdict = report.judgement.verdict.clone().unwrap_or_else(nothing);
            (verdict, Some(report.end.outcome.id().to_owned()), report.end.steps, report.ms)
        }
        Err(error) => (Verdict::Void { why: error.to_string() }, None, 0, 0),
    };
    let (template, seed) = task.case.map_or_else(Default::default, |case| (case.template, case.seed));
    let group = group.map(str::to_owned);
    CaseResult { template, group, seed, goal: task.goal, verdict, unasked, outcome, steps, ms, run, folder }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(template: &str, verdict: Verdict, steps: u32, ms: u64) -> CaseResult {
        let text = String::new;
        CaseResult {
            template: template.to_owned(),
            group: Some("does".to_owned()),
            seed: 0,
            goal: text(),
            unasked: matches!(verdict, Verdict::Failed { .. }),
            verdict,
            outcome: None,
            steps,
            ms,
            run: text(),
            folder: PathBuf::new(),
        }
    }

    #[test]
    fn void_runs_say_nothing() {
        let mut table = SuiteTable::default();
        assert_eq!(table.all.success(), None);
        table.count(&row("a", Verdict::Passed, 4, 400));
        table.count(&row("a", Verdict::Failed { why: String::new() }, 8, 200));
        table.count(&row("b", Verdict::Void { why: String::new() }, 99, 99_999));
        assert_eq!(table.all.success(), Some(0.5));
        assert_eq!(table.all.steps_mean(), Some(6.0));
        assert_eq!(table.all.ms_per_step(), Some(50.0));
        assert_eq!(table.templates["b"].success(), None);
        assert_eq!((table.templates["a"].passed, table.templates["a"].failed, table.all.void), (1, 1, 1));
        assert_eq!((table.groups["does"].passed, table.groups["does"].unasked, table.all.unasked), (1, 1, 1));
    }

    #[test]
    fn a_row_is_read_back_as_written() {
        let row = row("a", Verdict::Failed { why: "x".to_owned() }, 1, 2);
        let text = serde_json::to_string(&row).unwrap();
        assert!(text.contains("\"verdict\":\"failed\",\"why\":\"x\""), "{text}");
        assert_eq!(serde_json::from_str::<CaseResult>(&text).unwrap(), row);
    }
}
