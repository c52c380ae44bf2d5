//! The smoke suite: task after task, each on a fresh phone, with one model, and an honest table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tapwright_agent::apis::NoApis;
use tapwright_agent::journal::{Entry, Line};
use tapwright_agent::outcome::Outcome;
use tapwright_agent::person::Nobody;
use tapwright_agent::secrets::Secrets;
use tapwright_agent::stop::Stop;
use tapwright_smoke::{TRAINING_SEEDS, task, task_of, templates};

use crate::device::{self, Device, DeviceAddress};
use crate::judge::{Verdict, Wanted};
use crate::model::LoadedModel;
use crate::origin::LaunchSettings;
use crate::run::{Participants, RunError, RunLocation, RunOptions, RunReport, Task, run};

/// Which tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Seeds from here on, …
    pub first: u64,
    /// … and how many.
    pub count: u64,
    /// Only this template; without it, the seeds go through all of them in turn.
    pub template: Option<String>,
}

impl Choice {
    /// Whether there are such tasks, and they may be used to measure.
    ///
    /// # Errors
    /// `SuiteError` if not.
    pub fn check(&self) -> Result<(), SuiteError> {
        if let Some(name) = self.template.as_ref().filter(|name| !templates().any(|known| known == name.as_str())) {
            return Err(SuiteError::Template { name: name.clone() });
        }
        self.end().map(drop)
    }

    /// The seed after the last one.
    fn end(&self) -> Result<u64, SuiteError> {
        self.first.checked_add(self.count).filter(|end| *end <= TRAINING_SEEDS).ok_or(SuiteError::Seeds)
    }
}

/// How the tasks are run.
pub struct Plan<'a> {
    pub choice: Choice,
    pub rules: RunOptions,
    /// The phone's address and facts are each task's own; the times are these.
    pub device: device::DeviceOptions,
    /// The folder of the runs of this suite.
    pub runs: &'a Path,
    /// Milliseconds since 1970, asked for at each task.
    pub now: &'a dyn Fn() -> u64,
}

/// One task, done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub template: String,
    pub seed: u64,
    pub goal: String,
    #[serde(flatten)]
    pub verdict: Verdict,
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
pub struct Counts {
    pub passed: u32,
    pub failed: u32,
    pub void: u32,
    /// Of the runs that are not void.
    pub steps: u64,
    pub ms: u64,
}

/// The suite's table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub templates: BTreeMap<String, Counts>,
    pub all: Counts,
    /// Somebody stopped it before its end.
    pub stopped: bool,
}

/// Why there is no table, or not a whole one.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// There is no such template.
    #[error("there is no template {name:?}; there are: {}", templates().collect::<Vec<_>>().join(", "))]
    Template { name: String },
    /// Those seeds are for training.
    #[error("seeds from {TRAINING_SEEDS} on are for training; a measurement with them would say nothing")]
    Seeds,
    /// Nothing more can be written down, so nothing more is done.
    #[error(transparent)]
    Record(RunError),
}

/// A task of the suite, as one to run; `None` if there is no such template.
pub fn one(template: &str, seed: u64) -> Option<(Task, tapwright_phone::Options)> {
    let task = task_of(template, seed)?;
    Some(as_task(task))
}

/// The names of the templates.
pub fn names() -> Vec<&'static str> {
    templates().collect()
}

/// Runs the tasks. `began` is told of each before, with its number, and `done` after.
///
/// # Errors
/// `SuiteError` if it cannot go on; what was measured until then has been told to `done`.
pub async fn bench(
    plan: Plan<'_>,
    opened: &mut LoadedModel,
    stop: Stop,
    mut began: impl FnMut(u64, &str, &str),
    mut step: impl FnMut(u32) + Send,
    mut done: impl FnMut(&Row),
) -> Result<Table, SuiteError> {
    let Choice { first, template, .. } = &plan.choice;
    let end = plan.choice.end()?;
    let mut table = Table::default();
    for (number, seed) in (*first..end).enumerate() {
        let drawn = match template {
            None => task(seed),
            Some(name) => task_of(name, seed).ok_or_else(|| SuiteError::Template { name: name.clone() })?,
        };
        let name = drawn.template;
        let id = format!("{seed:06}-{name}");
        let (task, phone) = as_task(drawn);
        began(number as u64, name, &task.goal);
        // Each phone has weather of its own.
        let mut weather = plan.device.weather.clone();
        weather.seed = weather.seed.wrapping_add(seed);
        let options = device::DeviceOptions { at: DeviceAddress::Virtual(phone), weather, ..plan.device.clone() };
        let place = RunLocation { runs: plan.runs, run: &id, started: (plan.now)() };
        let mut watch = |entry: &Entry| {
            if let Line::Decided(decided) = &entry.line {
                step(decided.step);
            }
        };
        let company = Participants {
            person: &mut Nobody,
            apis: &mut NoApis,
            secrets: &Secrets::default(),
            stop: stop.clone(),
            watch: &mut watch,
        };
        let result = attempt(&task, &options, opened, &plan.rules, place, company).await;
        let broken = matches!(&result, Err(RunError::Journal(_) | RunError::Drive(_) | RunError::Judgement { .. }));
        if let Ok(RunReport { end, .. }) = &result
            && end.outcome == Outcome::Stopped
        {
            table.stopped = true;
            return Ok(table);
        }
        let row = row(name, seed, task.goal, id, plan.runs, &result);
        table.count(&row);
        done(&row);
        if let (true, Err(error)) = (broken, result) {
            return Err(SuiteError::Record(error));
        }
    }
    Ok(table)
}

impl Table {
    /// Adds a row.
    pub fn count(&mut self, row: &Row) {
        for counts in [self.templates.entry(row.template.clone()).or_default(), &mut self.all] {
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

impl Counts {
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

fn as_task(task: tapwright_smoke::Task) -> (Task, tapwright_phone::Options) {
    let (goal, phone) = (task.goal.clone(), task.phone.clone());
    (Task { goal, start: Vec::new(), wanted: Wanted::Smoke(Box::new(task)) }, phone)
}

async fn attempt(
    task: &Task,
    options: &device::DeviceOptions,
    opened: &mut LoadedModel,
    rules: &RunOptions,
    place: RunLocation<'_>,
    company: Participants<'_>,
) -> Result<RunReport, RunError> {
    let mut device = Device::open(options).await?;
    // Nobody goes on with a task of a suite: its phone is gone with the process.
    let report = run(task, &mut device, opened, rules, &LaunchSettings::default(), place, company).await;
    // It is our own, and gone anyway.
    let _ = device.close().await;
    report
}

fn row(template: &str, seed: u64, goal: String, run: String, runs: &Path, result: &Result<RunReport, RunError>) -> Row {
    let folder = runs.join(&run);
    let (verdict, outcome, steps, ms) = match result {
        Ok(report) => {
            let nothing = || Verdict::Void { why: "nobody judged it".to_owned() };
            let verdict = report.judgement.verdict.clone().unwrap_or_else(nothing);
            (verdict, Some(report.end.outcome.id().to_owned()), report.end.steps, report.ms)
        }
        Err(error) => (Verdict::Void { why: error.to_string() }, None, 0, 0),
    };
    Row { template: template.to_owned(), seed, goal, verdict, outcome, steps, ms, run, folder }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(template: &str, verdict: Verdict, steps: u32, ms: u64) -> Row {
        let text = String::new;
        Row {
            template: template.to_owned(),
            seed: 0,
            goal: text(),
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
        let mut table = Table::default();
        assert_eq!(table.all.success(), None);
        table.count(&row("a", Verdict::Passed, 4, 400));
        table.count(&row("a", Verdict::Failed { why: String::new() }, 8, 200));
        table.count(&row("b", Verdict::Void { why: String::new() }, 99, 99_999));
        assert_eq!(table.all.success(), Some(0.5));
        assert_eq!(table.all.steps_mean(), Some(6.0));
        assert_eq!(table.all.ms_per_step(), Some(50.0));
        assert_eq!(table.templates["b"].success(), None);
        assert_eq!((table.templates["a"].passed, table.templates["a"].failed, table.all.void), (1, 1, 1));
    }

    #[test]
    fn a_row_is_read_back_as_written() {
        let row = row("a", Verdict::Failed { why: "x".to_owned() }, 1, 2);
        let text = serde_json::to_string(&row).unwrap();
        assert!(text.contains("\"verdict\":\"failed\",\"why\":\"x\""), "{text}");
        assert_eq!(serde_json::from_str::<Row>(&text).unwrap(), row);
    }
}
