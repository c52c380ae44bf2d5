//! What a plan is made of: sub-goals for a model, steps that need none, rows of a table that something is done with, and conditions.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::schedule::{Schedule, TimeSpan};
use super::steps::{Condition, Step};
use super::values::{OutputKind, Outputs};

/// One part of a plan, under a name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// By which it is known: letters, digits, `-` and `_`.
    pub name: String,
    /// What the agent is told; `{{name}}` stands for an output of an earlier goal. Of steps: they in words.
    pub goal: Spanned<String>,
    /// The app that it is about, as a hint.
    pub app: Option<String>,
    /// Its own limit, in place of the plan's.
    pub steps_max: Option<u32>,
    /// It is done again and again, so often …
    pub(super) every: Option<TimeSpan>,
    /// … and for so long.
    #[serde(rename = "for")]
    pub(super) lasts: Option<TimeSpan>,
    /// What those two come to.
    #[serde(skip)]
    pub schedule: Option<Schedule>,
    /// What it has to find out.
    #[serde(default)]
    pub output: BTreeMap<String, OutputKind>,
    /// How many times it is tried again before `on_failure` says what happens.
    #[serde(default)]
    pub retries: u32,
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Whether a model has planned it in the middle of the run, and nobody has read it.
    #[serde(skip)]
    pub by_model: bool,
    /// Who does it.
    #[serde(skip)]
    pub work: Work,
    /// The columns of the row that it is done with, by their names with the table's before them: `row.name`.
    #[serde(skip)]
    pub row: Outputs,
}

/// How a part of a plan is done.
#[derive(Clone, Debug, Default)]
pub enum Work {
    /// By a model, in words.
    #[default]
    Words,
    /// Without one.
    Steps(Vec<Step>),
    /// The first goals if something is so, else the others.
    Branch { condition: Condition, within: Duration, then: Vec<Goal>, otherwise: Vec<Goal> },
    /// The goals once with each row.
    Rows { table: TableSource, row: String, body: Vec<Goal> },
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableSource {
    /// A file of the user's, as the plan names it: read when the plan is, and kept in its record.
    File(String),
    /// The lines of an output.
    Output(String),
}

/// What happens when a sub-goal is not achieved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The plan stops there.
    #[default]
    Stop,
    /// The next one is tried.
    Skip,
    /// A person says what happens.
    Ask,
    /// The model writes the rest of the plan anew.
    Replan,
    /// Of steps: the model does the rest of them.
    HandOver,
}

impl Goal {
    /// One that is no model's.
    pub(super) fn of_work(name: String, words: Spanned<String>, work: Work) -> Goal {
        Goal {
            name,
            goal: words,
            app: None,
            steps_max: None,
            every: None,
            lasts: None,
            schedule: None,
            output: BTreeMap::new(),
            retries: 0,
            on_failure: OnFailure::Stop,
            by_model: false,
            work,
            row: Outputs::new(),
        }
    }

    /// Whether it, or a part of it, is for a model.
    pub fn needs_model(&self) -> bool {
        match &self.work {
            Work::Words => true,
            Work::Steps(_) => false,
            Work::Branch { then, otherwise, .. } => then.iter().chain(otherwise).any(Goal::needs_model),
            Work::Rows { body, .. } => body.iter().any(Goal::needs_model),
        }
    }

    /// Whether a model would be asked where a screen is not as the steps want it.
    pub fn hands_over(&self) -> bool {
        match &self.work {
            Work::Words => false,
            Work::Steps(_) => self.on_failure == OnFailure::HandOver,
            Work::Branch { then, otherwise, .. } => then.iter().chain(otherwise).any(Goal::hands_over),
            Work::Rows { body, .. } => body.iter().any(Goal::hands_over),
        }
    }

    /// All goals in it, itself first.
    pub fn all(&self) -> Vec<&Goal> {
        let inner: Vec<&Goal> = match &self.work {
            Work::Words | Work::Steps(_) => Vec::new(),
            Work::Branch { then, otherwise, .. } => then.iter().chain(otherwise).collect(),
            Work::Rows { body, .. } => body.iter().collect(),
        };
        std::iter::once(self).chain(inner.into_iter().flat_map(Goal::all)).collect()
    }

    /// The same with a row of a table bound to it, under a name of its own.
    pub(super) fn with_row(&self, prefix: &str, row: &Outputs) -> Goal {
        let with = |goals: &[Goal]| goals.iter().map(|goal| goal.with_row(prefix, row)).collect();
        let work = match &self.work {
            Work::Words => Work::Words,
            Work::Steps(steps) => Work::Steps(steps.clone()),
            Work::Branch { condition, within, then, otherwise } => {
                let (condition, within) = (condition.clone(), *within);
                Work::Branch { condition, within, then: with(then), otherwise: with(otherwise) }
            }
            Work::Rows { table, row, body } => Work::Rows { table: table.clone(), row: row.clone(), body: with(body) },
        };
        let mut all = self.row.clone();
        all.extend(row.clone());
        Goal { name: format!("{prefix}-{}", self.name), work, row: all, ..self.clone() }
    }
}
