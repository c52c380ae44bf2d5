//! A task of OSWorld, as its file says it.

mod read;

use serde_json::{Map, Value};

pub(crate) use read::digest;

use crate::defect::TaskDefect;
use crate::metrics::{INFEASIBLE, Machinery, MetricFunction};

/// A task: what is asked, what is made true first, and how the end is judged.
#[derive(Clone, Debug)]
pub struct OsworldTask {
    pub id: String,
    pub domain: String,
    pub instruction: String,
    pub apps: Vec<String>,
    /// Whether upstream runs it behind a proxy.
    pub proxy: bool,
    pub setup: Vec<SetupStep>,
    pub evaluator: TaskEvaluator,
    /// SHA-256 of the file's content, however it is laid out.
    pub digest: String,
    /// The file's content.
    pub source: Value,
}

/// A step of set-up, or of what is done on the device before scoring.
#[derive(Clone, Debug, PartialEq)]
pub struct SetupStep {
    /// One of [`crate::schema::VERBS`].
    pub verb: &'static str,
    pub parameters: Map<String, Value>,
}

/// How a task is judged.
#[derive(Clone, Debug)]
pub struct TaskEvaluator {
    pub checks: Vec<TaskCheck>,
    pub conjunction: Conjunction,
    /// What is done on the device before its state is fetched.
    pub before: Vec<SetupStep>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conjunction {
    /// A task with one function: its score as it is.
    One,
    /// 0 at the first 0, else the mean.
    And,
    /// 1 at the first 1, else the best.
    Or,
}

/// One function, and what it is called with.
#[derive(Clone)]
pub struct TaskCheck {
    pub function: &'static MetricFunction,
    pub result: Option<Getter>,
    pub expected: Option<Getter>,
    pub options: Map<String, Value>,
}

impl std::fmt::Debug for TaskCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskCheck")
            .field("function", &self.function.name)
            .field("result", &self.result)
            .finish_non_exhaustive()
    }
}

/// What is fetched for a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Getter {
    /// One of [`crate::schema::GETTERS`].
    pub name: &'static str,
    pub parameters: Map<String, Value>,
}

impl OsworldTask {
    /// Reads a task file.
    ///
    /// # Errors
    /// All mistakes in it, each with its place.
    pub fn read(file: &str, domain: &str, text: &str) -> Result<OsworldTask, Vec<TaskDefect>> {
        read::task(file, domain, text)
    }

    pub fn is_infeasible(&self) -> bool {
        self.evaluator.checks.iter().any(|check| check.function.name == INFEASIBLE)
    }

    /// Whether all its functions are computed here.
    pub fn is_native(&self) -> bool {
        self.evaluator.checks.iter().all(|check| check.function.is_native())
    }

    /// The kinds of file that its functions read, the hardest one last.
    pub fn machinery(&self) -> Machinery {
        self.evaluator.checks.iter().map(|check| check.function.machinery).max().unwrap_or(Machinery::Text)
    }

    /// The addresses of the files that set-up or scoring download.
    pub fn downloads(&self) -> Vec<&str> {
        let steps = self.setup.iter().chain(&self.evaluator.before).filter(|step| step.verb == "download");
        let files = steps.flat_map(|step| step.parameters["files"].as_array().into_iter().flatten());
        let in_steps = files.filter_map(|file| file.get("url").and_then(Value::as_str));
        let getters = self.evaluator.checks.iter().flat_map(|check| check.result.iter().chain(&check.expected));
        let cloud =
            getters.filter(|getter| getter.name == "cloud_file").flat_map(|getter| match &getter.parameters["path"] {
                Value::Array(paths) => paths.iter().filter_map(Value::as_str).collect(),
                path => path.as_str().into_iter().collect::<Vec<_>>(),
            });
        in_steps.chain(cloud).collect()
    }
}
