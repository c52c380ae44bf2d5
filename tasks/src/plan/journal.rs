//! What became of a plan, a line at a time: from it a plan goes on in the middle.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tapwright_agent::journal::Record;

use super::{Goal, Outputs, Plan};
use crate::mistake::Mistake;

const VERSION: u32 = 1;

/// A line of `plan.jsonl`. A change here is a change of the format, and of its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanLine {
    /// The first line.
    Plan {
        version: u32,
        title: String,
    },
    /// The run of a sub-goal is going to be made.
    Begun {
        goal: String,
        run: String,
    },
    Achieved(Achieved),
    /// It was not achieved in this run.
    Failed {
        goal: String,
        run: String,
        why: String,
        outcome: String,
    },
    /// A person wants it tried again.
    Again {
        goal: String,
    },
    /// It is done without.
    Skipped {
        goal: String,
        why: String,
    },
    /// The goals from here on are these.
    Replanned {
        toml: String,
    },
}

/// A sub-goal that was achieved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Achieved {
    pub goal: String,
    pub run: String,
    pub outputs: Outputs,
    pub notes: Vec<String>,
}

/// A plan and what became of it so far. No other process can carry it out while this is kept.
pub struct PlanRecord {
    pub folder: PathBuf,
    pub plan: Plan,
    pub lines: Vec<PlanLine>,
    file: File,
    _lock: File,
}

/// Why a plan's record cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PlanRecordError {
    /// Another process carries it out.
    #[error("the plan at {} is being carried out by another process", .at.display())]
    Busy { at: PathBuf },
    /// It cannot be read or written.
    #[error("the plan's record at {} cannot be read or written", .at.display())]
    File { at: PathBuf, source: io::Error },
    /// Somebody changed it.
    #[error("{}:{line}: not a line of a plan's record", .at.display())]
    Broken { at: PathBuf, line: usize },
    /// The plan is wrong.
    #[error(transparent)]
    Plan(#[from] Mistake),
}

impl PlanRecord {
    /// Whether a folder is a plan's.
    pub fn is_there(folder: &Path) -> bool {
        folder.join("plan.jsonl").is_file()
    }

    /// Makes the folder, which must not exist.
    ///
    /// # Errors
    /// `PlanRecordError` if it cannot be made.
    pub fn create(folder: &Path, plan: Plan) -> Result<PlanRecord, PlanRecordError> {
        let failed = |source| PlanRecordError::File { at: folder.to_owned(), source };
        fs::create_dir_all(folder.parent().unwrap_or(Path::new("."))).map_err(failed)?;
        fs::create_dir(folder).map_err(failed)?;
        crate::origin::put(folder, "plan.toml", &plan.text).map_err(failed)?;
        let lock = File::create(folder.join("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let file = OpenOptions::new().append(true).create_new(true).open(folder.join("plan.jsonl")).map_err(failed)?;
        let title = plan.title.clone();
        let mut record = PlanRecord { folder: folder.to_owned(), plan, lines: Vec::new(), file, _lock: lock };
        record.write(PlanLine::Plan { version: VERSION, title }).map_err(failed)?;
        Ok(record)
    }

    /// Takes up a plan that broke off. A torn last line is left out.
    ///
    /// # Errors
    /// `PlanRecordError` if somebody else has it, or it cannot be read.
    pub fn take_up(folder: &Path) -> Result<PlanRecord, PlanRecordError> {
        let failed = |source| PlanRecordError::File { at: folder.to_owned(), source };
        let lock = OpenOptions::new().create(true).append(true).open(folder.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PlanRecordError::Busy { at: folder.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let at = folder.join("plan.jsonl");
        let bytes = fs::read(&at).map_err(failed)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut lines = Vec::new();
        for (n, line) in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
            let line = serde_json::from_slice(line);
            lines.push(line.map_err(|_| PlanRecordError::Broken { at: at.clone(), line: n + 1 })?);
        }
        if !matches!(lines.first(), Some(PlanLine::Plan { version: VERSION, .. })) {
            return Err(PlanRecordError::Broken { at, line: 1 });
        }
        let plan = Plan::read(&folder.join("plan.toml"))?;
        let file = OpenOptions::new().append(true).open(&at).map_err(failed)?;
        file.set_len(whole as u64).map_err(failed)?;
        let mut record = PlanRecord { folder: folder.to_owned(), plan, lines: Vec::new(), file, _lock: lock };
        for line in lines {
            record.take(line)?;
        }
        Ok(record)
    }

    /// Writes a line, and returns when it is on the disk.
    ///
    /// # Errors
    /// If it was not written: then nothing more is to be done.
    pub fn write(&mut self, line: PlanLine) -> io::Result<()> {
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        self.file.write_all(text.as_bytes())?;
        self.file.sync_data()?;
        self.take(line).map_err(io::Error::other)
    }

    fn take(&mut self, line: PlanLine) -> Result<(), Mistake> {
        if let PlanLine::Replanned { toml } = &line {
            let known: BTreeSet<String> = self.outputs().into_keys().collect();
            let mut plan = Plan::parse(Path::new("plan.jsonl"), toml, &known)?;
            // What was achieved stays, and the goals that were left are these now.
            let achieved = self.plan.goals.iter().filter(|goal| self.is_over(&goal.name)).cloned();
            let mut names: BTreeSet<String> = self.plan.goals.iter().map(|goal| goal.name.clone()).collect();
            for goal in &mut plan.goals {
                while names.contains(&goal.name) {
                    goal.name.push_str("-new");
                }
                names.insert(goal.name.clone());
            }
            self.plan.goals = achieved.chain(plan.goals).collect();
        }
        self.lines.push(line);
        Ok(())
    }

    /// The next goal, and its number from 1.
    pub fn next(&self) -> Option<(usize, Goal)> {
        let at = self.plan.goals.iter().position(|goal| !self.is_over(&goal.name))?;
        Some((at + 1, self.plan.goals[at].clone()))
    }

    /// How many replies were heard in all of its runs.
    pub fn heard(&self) -> usize {
        let begun = self.lines.iter().filter_map(|line| match line {
            PlanLine::Begun { run, .. } => Some(run),
            _ => None,
        });
        begun.filter_map(|run| Record::read(&self.folder.join(run)).ok()).map(|record| record.heard()).sum()
    }

    /// What was found out.
    pub fn outputs(&self) -> Outputs {
        self.achieved().flat_map(|achieved| achieved.outputs.clone()).collect()
    }

    /// The goals that were achieved, in their order.
    pub fn achieved(&self) -> impl Iterator<Item = &Achieved> {
        self.lines.iter().filter_map(|line| match line {
            PlanLine::Achieved(achieved) => Some(achieved),
            _ => None,
        })
    }

    pub(super) fn skipped(&self) -> bool {
        self.lines.iter().any(|line| matches!(line, PlanLine::Skipped { .. }))
    }

    pub(super) fn is_begun(&self, run: &str) -> bool {
        self.lines.iter().any(|line| matches!(line, PlanLine::Begun { run: begun, .. } if begun == run))
    }

    /// The run in which a goal is tried next, or that broke off; and how often it has failed since a person last wanted
    /// it tried again.
    pub(super) fn attempt(&self, number: usize, name: &str) -> (String, u32) {
        let (mut failed, mut since) = (0, 0);
        for line in &self.lines {
            match line {
                PlanLine::Failed { goal, .. } if goal == name => (failed, since) = (failed + 1, since + 1),
                PlanLine::Again { goal } if goal == name => since = 0,
                _ => {}
            }
        }
        let run = if failed == 0 { format!("{number}-{name}") } else { format!("{number}-{name}-{}", failed + 1) };
        (run, since)
    }

    /// What whoever plans anew has to know.
    pub(super) fn told(&self, goal: &Goal, why: &str) -> String {
        let done: Vec<String> =
            self.achieved().map(|achieved| format!("{} ({:?})", achieved.goal, achieved.outputs)).collect();
        let left: Vec<&str> = self
            .plan
            .goals
            .iter()
            .filter(|goal| !self.is_over(&goal.name))
            .map(|goal| goal.goal.get_ref().trim())
            .collect();
        format!(
            "{}. Done already: {}. The goal {:?} was not achieved: {why}. Plan what is left another way: {}",
            self.plan.title,
            if done.is_empty() { "nothing".to_owned() } else { done.join(", ") },
            goal.name,
            left.join("; ")
        )
    }

    fn is_over(&self, name: &str) -> bool {
        self.lines.iter().any(|line| match line {
            PlanLine::Achieved(achieved) => achieved.goal == name,
            PlanLine::Skipped { goal, .. } => goal == name,
            _ => false,
        })
    }
}
