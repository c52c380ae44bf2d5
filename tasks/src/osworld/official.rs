//! OSWorld's own evaluator beside ours: its functions are called in a process of its own, with the files and values that our getters brought.
//!
//! The package is the user's: in a Python environment that `tapwright setup --osworld` makes, or as a checkout. The process has no network,
//! no variables of the user's, a folder of its own, and bounds of time and memory. Whatever it does but give a number is no score.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tapwright_osworld::evaluation::{LastAction, TaskScore};
use tapwright_osworld::metrics::MetricFunction;
use tapwright_osworld::output::{GetterOutput, MetricInputs, StateFile};
use tapwright_osworld::state::StateSnapshot;
use tapwright_osworld::task::OsworldTask;
use tokio::runtime::Handle;

use super::environment;
use crate::judge::{NATIVE, ScoreSource};
use crate::process::{self, Program};

/// What is run; it imports the package.
const SIDECAR: &str = include_str!("official.py");
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Functions that run a program which the agent has written, and not where the agent did.
const PROGRAMS: [&str; 2] = ["check_python_file_by_test_suite", "check_python_file_by_gold_file"];

/// Where OSWorld's own evaluator is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficialEvaluator {
    /// The Python that has what the package imports.
    pub python: PathBuf,
    /// A checkout whose functions are called in place of the package's.
    pub checkout: Option<PathBuf>,
    /// Where folders of files are made, each for one call.
    pub scratch: PathBuf,
    /// How long one function may take, with all that it imports.
    pub within: Duration,
}

/// Who scores tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EvaluatorChoice {
    /// This program.
    #[default]
    Native,
    Official(OfficialEvaluator),
    /// Both: the official score counts where there is one, and what the other says instead is noted.
    Both(OfficialEvaluator),
}

impl EvaluatorChoice {
    /// As it stands in a ledger's first line.
    pub fn name(&self) -> &'static str {
        match self {
            EvaluatorChoice::Native => NATIVE,
            EvaluatorChoice::Official(_) => "official",
            EvaluatorChoice::Both(_) => "both",
        }
    }

    /// The score of a task by what is known of its end.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn score(
        &self,
        task: &OsworldTask,
        last: LastAction,
        snapshot: &StateSnapshot,
    ) -> Result<(f64, ScoreSource), String> {
        let native = || score_of(task.evaluator.evaluate(last, snapshot).map_err(|error| error.to_string()));
        match self {
            EvaluatorChoice::Native => Ok((native()?, ScoreSource::native())),
            EvaluatorChoice::Official(official) => official.score(task, last, snapshot).await,
            EvaluatorChoice::Both(official) => {
                let theirs = official.score(task, last, snapshot).await;
                match (native(), theirs) {
                    (Ok(ours), Ok((score, source))) => {
                        let disagreement = (ours != score).then(|| format!("{NATIVE} gives {ours}"));
                        Ok((score, ScoreSource { disagreement, ..source }))
                    }
                    (Err(why), Ok((score, source))) => {
                        // What is not computed here disagrees with nobody.
                        let disagreement = task.is_native().then(|| format!("{NATIVE} gives none: {why}"));
                        Ok((score, ScoreSource { disagreement, ..source }))
                    }
                    (Ok(ours), Err(why)) => {
                        let disagreement = Some(format!("official gives none: {why}"));
                        Ok((ours, ScoreSource { disagreement, ..ScoreSource::native() }))
                    }
                    (Err(ours), Err(theirs)) => Err(format!("{ours}; official: {theirs}")),
                }
            }
        }
    }
}

fn score_of(of: Result<TaskScore, String>) -> Result<f64, String> {
    match of? {
        TaskScore::Score(score) => Ok(score),
        TaskScore::Needs(requests) => Err(format!("{} more would have to be asked of its machine", requests.len())),
    }
}

#[derive(Serialize)]
struct Request<'a> {
    function: &'a str,
    result: Value,
    expected: Option<Value>,
    options: &'a Map<String, Value>,
    checkout: Option<&'a Path>,
    folder: &'a Path,
}

/// What the sidecar answers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Score {
        score: f64,
        version: String,
    },
    Error {
        error: String,
        /// A package that it lacks, as pip calls it.
        package: Option<String>,
    },
}

impl OfficialEvaluator {
    /// As [`EvaluatorChoice::score`], by the official functions alone.
    async fn score(
        &self,
        task: &OsworldTask,
        last: LastAction,
        snapshot: &StateSnapshot,
    ) -> Result<(f64, ScoreSource), String> {
        let (evaluator, official) = (task.evaluator.clone(), self.clone());
        let (snapshot, runtime) = (snapshot.clone(), Handle::current());
        // What calls functions one after the other is plain code, and waits for each.
        let scoring = tokio::task::spawn_blocking(move || {
            let mut version = None;
            let score = evaluator.evaluate_by(last, &snapshot, &mut |function, inputs| {
                let (score, told) = runtime.block_on(official.call(function, inputs))?;
                version = Some(told);
                Ok(score)
            });
            (score, version)
        });
        let (score, version) = scoring.await.map_err(|_| "it broke while it judged: a mistake of the program's")?;
        let score = score_of(score)?;
        // How the run ended decides some tasks, and then nobody was asked.
        let source = version.map_or_else(ScoreSource::native, |version| ScoreSource {
            by: format!("official: {version}"),
            disagreement: None,
        });
        Ok((score, source))
    }

    /// Calls a function: its score, and the version of what gave it.
    ///
    /// # Errors
    /// Why there is no score.
    pub async fn call(&self, function: &MetricFunction, inputs: &MetricInputs<'_>) -> Result<(f64, String), String> {
        let name = function.name;
        let failed = |why: String| format!("{name} of OSWorld's own evaluator gave no score: {why}");
        if PROGRAMS.contains(&name) {
            return Err(failed("it would run a program that the agent has written on this computer".to_owned()));
        }
        let folder = ScratchFolder::new(&self.scratch).map_err(|error| failed(format!("no folder for it: {error}")))?;
        let file_error = |error: io::Error| failed(format!("its files cannot be written: {error}"));
        let request = Request {
            function: name,
            result: folder.write("result", inputs.result).map_err(file_error)?,
            expected: inputs.expected.map(|of| folder.write("expected", of)).transpose().map_err(file_error)?,
            options: inputs.options,
            checkout: self.checkout.as_deref(),
            folder: &folder.0,
        };
        let request = serde_json::to_string(&request).map_err(|error| failed(error.to_string()))?;
        let home = format!("HOME={}", folder.0.display());
        let python = self.python.display().to_string();
        // Nothing of the user's own: no variables, no packages beside those of this Python, no folder that was the current one.
        let argv = ["env", "-i", "PATH=/usr/bin:/bin", "LANG=C.UTF-8", &home, &python, "-I", "-B", "-c", SIDECAR];
        let argv = argv.map(str::to_owned);
        let program = Program {
            argv: &argv,
            env: BTreeMap::new(),
            own_group: true,
            input: Some(request),
            within: self.within,
            output_bytes_max: ANSWER_BYTES_MAX,
        };
        let output = process::run(program).await.map_err(|error| failed(hide_source(&error.to_string())))?;
        let text = String::from_utf8_lossy(&output.out);
        let answer = text.trim_end().rsplit('\n').next().and_then(|line| serde_json::from_str(line).ok());
        match answer {
            Some(Answer::Score { score, version }) if (0.0..=1.0).contains(&score) => Ok((score, version)),
            Some(Answer::Score { score, .. }) => Err(failed(format!("{score} is no score"))),
            Some(Answer::Error { error, package: Some(package) }) => {
                Err(failed(format!("{error}: {}", environment::advice(&package))))
            }
            Some(Answer::Error { error, package: None }) => Err(failed(error)),
            None => {
                let said = String::from_utf8_lossy(&output.err);
                let said = said.trim().rsplit('\n').next().unwrap_or_default().to_owned();
                Err(failed(format!("it ended with {} and no answer: {said}", output.status)))
            }
        }
    }
}

/// Without the sidecar's text, which is an argument.
fn hide_source(error: &str) -> String {
    error.replace(SIDECAR, "…")
}

/// A folder for the files of one call, which goes away.
struct ScratchFolder(PathBuf);

impl ScratchFolder {
    fn new(inside: &Path) -> io::Result<ScratchFolder> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let mut salt = [0; 8];
        getrandom::fill(&mut salt).map_err(io::Error::other)?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = inside.join(format!("tapwright-osworld-{}-{number}", hex::encode(salt)));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder)?;
        Ok(ScratchFolder(folder))
    }

    /// Writes what a getter gave, and says where it is, for the sidecar.
    fn write(&self, what: &str, output: &GetterOutput) -> io::Result<Value> {
        Ok(match output {
            GetterOutput::Value(value) => json!({"value": value}),
            GetterOutput::File(file) => json!({"path": self.write_file(what, file)?}),
            GetterOutput::Files(files) => {
                let mut paths = Vec::new();
                for (at, file) in files.iter().enumerate() {
                    let place = format!("{what}/{at}");
                    paths.push(file.as_ref().map(|file| self.write_file(&place, file)).transpose()?);
                }
                json!({"paths": paths})
            }
        })
    }

    fn write_file(&self, place: &str, file: &StateFile) -> io::Result<String> {
        fs::create_dir_all(self.0.join(place))?;
        for beside in &file.beside {
            fs::write(self.0.join(place).join(file_name(beside)), &beside.bytes)?;
        }
        let path = format!("{place}/{}", file_name(file));
        fs::write(self.0.join(&path), &file.bytes)?;
        Ok(path)
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The last part of what a file is called: functions go by how it ends, and no name leads out of the folder.
fn file_name(file: &StateFile) -> String {
    // Of an address only its path names a file; elsewhere those marks are letters like others.
    let named = match file.name.contains("://") {
        true => file.name.split(['?', '#']).next().unwrap_or_default(),
        false => &file.name,
    };
    let name = named.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(100).collect();
    if name.is_empty() || name == "." || name == ".." { "file".to_owned() } else { name }
}

#[cfg(test)]
mod tests;
