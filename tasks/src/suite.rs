//! Suites: sources of cases, which of them are measured, and the table of what came of them.
//!
//! What the cases are is a [`Suite`]'s own business; it is found by name in [`crate::suites`]. Whoever brings a suite of their
//! own passes its cases to [`crate::bench::bench`], which runs them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::device::{BrowserAddress, BrowserOptions, DeviceAddress};
use crate::judge::{Evaluator, Fact, NATIVE, Verdict};
use crate::mistake::nearest;
use crate::origin::CaseId;
use crate::run::RunTask;
use crate::serve::AppSelection;

/// More cases than anybody measures at once, and few enough that a ledger of them is read again.
pub const CASES_MAX: u64 = 100_000;
/// How often a case is done at most.
pub const REPEATS_MAX: u32 = 100;

/// A task of a suite.
#[derive(Clone, Debug)]
pub struct Case {
    pub id: CaseId,
    /// What the agent is told.
    pub goal: String,
    /// The fact of the device that says what the agent is told, where only the device knows it.
    pub goal_fact: Option<&'static str>,
    /// The device that it starts on, fresh.
    pub device: DeviceAddress,
    /// What is made true of the device first.
    pub start: Vec<Fact>,
    pub evaluator: Arc<dyn Evaluator>,
    /// The kind of case, where cases are counted by kind too.
    pub group: Option<String>,
    /// Its own limits, where it has some.
    pub limits: CaseLimits,
}

/// What one case may use at most, below what all may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaseLimits {
    pub steps_max: Option<u32>,
    pub minutes: Option<u32>,
}

/// What a case needs besides its device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseNeeds {
    /// Apps of the device, by the names by which they are launched.
    pub apps: Vec<String>,
    /// Files of this machine that its preparation takes.
    pub files: Vec<PathBuf>,
}

/// A source of cases.
pub trait Suite: Send + Sync {
    /// What it is called at the command line and in records.
    fn name(&self) -> &str;

    /// What it measures, in a sentence.
    fn about(&self) -> &str;

    /// The kinds of case, in the order in which seeds go through them. A suite of fixed cases names each case.
    fn templates(&self) -> Vec<&str>;

    /// All of its cases by template and seed, where they are a list; `None` where any seed draws one.
    fn fixed_cases(&self) -> Option<Vec<(String, u64)>> {
        None
    }

    /// The first seed that must not be used to measure, if there is one: models are trained on those.
    fn training_seeds(&self) -> Option<u64>;

    /// What a run may use if nobody says it.
    fn steps_max(&self) -> u32 {
        40
    }

    /// What a case needs besides its device: looked for before a model is asked anything.
    fn needs(&self, _case: &Case) -> CaseNeeds {
        CaseNeeds::default()
    }

    /// By whom its cases are judged: `native` is this program itself.
    fn evaluator(&self) -> String {
        NATIVE.to_owned()
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
    /// Only these cases, by their ids, or by their templates; all if it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
}

impl CaseSelection {
    /// Whether a suite has such cases, and they may be used to measure.
    ///
    /// # Errors
    /// `SuiteError` if not.
    pub fn check(&self, suite: &dyn Suite) -> Result<(), SuiteError> {
        let templates = suite.templates();
        if let Some(name) = self.template.as_ref().filter(|name| !templates.contains(&name.as_str())) {
            let known = templates.into_iter().map(str::to_owned).collect();
            return Err(SuiteError::Template { name: name.clone(), known });
        }
        if self.count > CASES_MAX {
            return Err(SuiteError::TooMany { count: self.count });
        }
        let training = suite.training_seeds();
        match self.first.checked_add(self.count) {
            Some(end) if training.is_none_or(|training| end <= training) => Ok(()),
            // Of a list there are as many as there are.
            None if suite.fixed_cases().is_some() => Ok(()),
            _ => Err(SuiteError::Seeds { training: training.unwrap_or(u64::MAX) }),
        }
    }

    /// The cases, one after the other; a selection that was not checked may have fewer.
    pub fn cases<'a>(&'a self, suite: &'a dyn Suite) -> Box<dyn Iterator<Item = Case> + 'a> {
        let is_wanted = move |case: &Case| {
            let id = case.id();
            self.only.is_empty() || self.only.iter().any(|only| *only == id || *only == case.id.template)
        };
        if let Some(fixed) = suite.fixed_cases() {
            let of_template =
                fixed.into_iter().filter(|(name, _)| self.template.as_ref().is_none_or(|only| only == name));
            let first = usize::try_from(self.first).unwrap_or(usize::MAX);
            let count = usize::try_from(self.count).unwrap_or(usize::MAX);
            let cases = of_template.skip(first).take(count).map_while(move |(name, seed)| suite.case(&name, seed));
            return Box::new(cases.filter(is_wanted));
        }
        let templates: Vec<String> = suite.templates().into_iter().map(str::to_owned).collect();
        let drawn = (self.first..self.first.saturating_add(self.count)).map_while(move |seed| {
            let turn = usize::try_from(seed % templates.len().max(1) as u64).unwrap_or(0);
            let template = self.template.as_ref().or_else(|| templates.get(turn))?;
            suite.case(template, seed)
        });
        Box::new(drawn.filter(is_wanted))
    }

    /// Whether there are any, and each of those that are wanted alone is among those that were found.
    ///
    /// # Errors
    /// `SuiteError::Case` about the first that is not, `SuiteError::Nothing` if there are none.
    pub fn check_only(&self, suite: &dyn Suite, found: &[Case]) -> Result<(), SuiteError> {
        let ids: BTreeSet<String> = found.iter().map(Case::id).collect();
        let is_there = |only: &&String| ids.contains(*only) || found.iter().any(|case| case.id.template == **only);
        let Some(missing) = self.only.iter().find(|only| !is_there(only)) else {
            return if found.is_empty() { Err(SuiteError::Nothing) } else { Ok(()) };
        };
        let templates = suite.templates();
        let template = missing.rsplit_once('/').map_or(missing.as_str(), |(template, _)| template);
        let near = match templates.contains(&template) {
            true => None,
            false => nearest(template, templates.iter().copied()).map(str::to_owned),
        };
        Err(SuiteError::Case { id: missing.clone(), near })
    }
}

/// A digest of what is asked and of what has to be true: the same for everybody who measures the same.
pub fn digest(cases: &[Case]) -> String {
    let mut hash = Sha256::new();
    for case in cases {
        let CaseId { template, seed, .. } = &case.id;
        // What is expected is part of the task, and so is the device that it starts on.
        hash.update(format!(
            "{template}\0{seed}\0{}\0{}\0{:?}\0",
            case.goal,
            device_identity(&case.device),
            case.start
        ));
        for fact in case.evaluator.expected_facts() {
            hash.update(format!("{fact}\0"));
        }
        let judge = case.evaluator.identity();
        if !judge.is_empty() {
            hash.update(format!("{judge}\0"));
        }
        // Only where there are some, so that the digests of before stand.
        if case.limits != CaseLimits::default() {
            hash.update(format!("{:?}\0", case.limits));
        }
        hash.update("\n");
    }
    hex::encode(hash.finalize())
}

/// What of a device is part of the task. Where this machine keeps a browser's profile, and which browser it has, is not.
fn device_identity(device: &DeviceAddress) -> String {
    match device {
        DeviceAddress::Browser(BrowserOptions {
            at: BrowserAddress::Private(launch),
            settle: _,
            sites,
            page_tools: _,
        }) => {
            format!("a private browser of {:?} at {} % {sites:?}", launch.size, launch.scale_percent)
        }
        // As it was written before pages had tools, so that the digests of before stand.
        DeviceAddress::Browser(BrowserOptions { at, settle, sites, page_tools: _ }) => {
            format!("Browser(BrowserOptions {{ at: {at:?}, settle: {settle:?}, sites: {sites:?} }})")
        }
        other => format!("{other:?}"),
    }
}

/// What came of an attempt, by what it says and what is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The case was judged: there is a score.
    Scored,
    /// The agent could not go on: its model could not be asked.
    AgentError,
    /// The device could not be had, or not be made as it has to be.
    SetupError,
    /// The device was lost while the agent was at work.
    DeviceError,
    /// What was to judge the end failed, or took too long.
    EvaluatorError,
    /// The time or the tokens that a case may use ran out.
    Timeout,
    /// Somebody stopped it, or the program that ran it was killed.
    Cancelled,
}

impl Status {
    pub const ALL: [Status; 7] = [
        Status::Scored,
        Status::AgentError,
        Status::SetupError,
        Status::DeviceError,
        Status::EvaluatorError,
        Status::Timeout,
        Status::Cancelled,
    ];

    /// As it stands in the ledger, in tables and in scripts.
    pub fn id(self) -> &'static str {
        match self {
            Status::Scored => "scored",
            Status::AgentError => "agent-error",
            Status::SetupError => "setup-error",
            Status::DeviceError => "device-error",
            Status::EvaluatorError => "evaluator-error",
            Status::Timeout => "timeout",
            Status::Cancelled => "cancelled",
        }
    }

    /// Whether it says something of what is around the agent and nothing of the agent, so that it is tried again at once.
    pub fn is_infrastructure(self) -> bool {
        match self {
            Status::SetupError | Status::DeviceError | Status::EvaluatorError => true,
            Status::Scored | Status::AgentError | Status::Timeout | Status::Cancelled => false,
        }
    }

    /// Whether the case is over with it, whoever takes the measurement up again.
    pub fn is_final(self) -> bool {
        matches!(self, Status::Scored | Status::Timeout)
    }
}

/// One case, done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseResult {
    pub template: String,
    /// The template's kind, if the suite has kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    pub seed: u64,
    /// Its id in the ledger.
    #[serde(default)]
    pub case: String,
    /// Which time the case is done, from 1.
    #[serde(default)]
    pub repeat: u32,
    /// Which attempt at it, from 1.
    #[serde(default)]
    pub attempt: u32,
    /// Rows of before do not say it.
    #[serde(default)]
    pub status: Option<Status>,
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
    #[serde(default)]
    pub tokens_in: u64,
    #[serde(default)]
    pub tokens_out: u64,
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

/// Why there are no such cases.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// There is no such template.
    #[error("there is no template {name:?}; there are: {}", .known.join(", "))]
    Template { name: String, known: Vec<String> },
    /// There is no such case.
    #[error("there is no case {id:?} among those that are measured")]
    Case { id: String, near: Option<String> },
    /// There would be nothing to measure.
    #[error("no case is chosen")]
    Nothing,
    /// Nobody could wait for so many.
    #[error("{count} cases are more than the {} that are measured at once", CASES_MAX)]
    TooMany { count: u64 },
    /// Those seeds are for training.
    #[error("seeds from {training} on are for training; a measurement with them would say nothing")]
    Seeds { training: u64 },
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

impl Case {
    /// By which it is known in a ledger and at the command line.
    pub fn id(&self) -> String {
        format!("{}/{}", self.id.template, self.id.seed)
    }

    /// The same on a phone with these apps, if it is a virtual one that has fewer.
    #[must_use]
    pub fn with_apps(mut self, apps: AppSelection) -> Case {
        if let (DeviceAddress::Virtual(phone), AppSelection::All) = (&mut self.device, apps) {
            phone.apps = apps;
        }
        self
    }
}

/// Whether a letter may stand in the name of a folder of a measurement: it is printed, and is part of an address in a page.
pub(crate) fn is_plain(letter: char) -> bool {
    letter.is_alphanumeric() || "-_.".contains(letter)
}

/// A name of which a folder's can be made.
pub(crate) fn plain_name(name: &str) -> String {
    name.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).take(60).collect()
}

/// The ids of cases, each another one: a list may hold a case twice.
pub fn case_ids(cases: &[Case]) -> Vec<String> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let id = |case: &Case| {
        let id = case.id();
        let times = seen.entry(id.clone()).or_default();
        *times += 1;
        if *times == 1 { id } else { format!("{id}#{times}") }
    };
    cases.iter().map(id).collect()
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
            case: text(),
            repeat: 0,
            attempt: 1,
            status: None,
            outcome: None,
            steps,
            ms,
            tokens_in: 0,
            tokens_out: 0,
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
