//! What became of a plan, a line at a time: from it a plan goes on in the middle.

mod change;

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tapwright_agent::journal::{
    FileLock, JOURNAL_BYTES_MAX, Record, first_free, private, private_folder, private_folders, refuse_links,
    sync_folder,
};
use tapwright_agent::outcome::Outcome;
use tapwright_contract::file;

use super::DOCUMENT;
use super::failure::Failure;
use super::file::Plan;
use super::goal::Goal;
use super::handed_over::quoted_reason;
use super::outputs::{add_round, new_items};
use super::steps::DeedState;
use super::values::{OutputKind, Outputs};
use crate::mistake::Mistake;

/// The format's version. Older records are read: version 1 has no `stopped`, no `end` of what failed, and no `started`; version 2 no
/// `reported`, and no `notes` of what failed; version 3 no rounds; version 4 no steps: no `table`, `rows`, `branch` and `handed_over`;
/// version 5 no parameters.
const VERSION: u32 = 6;

/// A line of `plan.jsonl`. A change here is a change of the format, and of its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanLine {
    /// The first line.
    Plan {
        version: u32,
        title: String,
        /// Milliseconds since 1970.
        #[serde(default)]
        started: u64,
    },
    /// The run of a sub-goal is going to be made.
    Begun {
        goal: String,
        run: String,
        /// Of a goal with a schedule.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        round: Option<u64>,
    },
    /// The rounds of a goal are due from here on, in milliseconds since 1970 by the clock that its schedule goes by.
    Scheduled {
        goal: String,
        started: u64,
    },
    /// A round of a goal was done.
    Round(Round),
    /// A round of a goal is done without.
    RoundSkipped {
        goal: String,
        round: u64,
        why: String,
    },
    Achieved(Achieved),
    /// It was not achieved in this run.
    Failed {
        goal: String,
        run: String,
        why: String,
        outcome: String,
        /// The outcome as the run's journal has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end: Option<Outcome>,
        /// What was noted, if it may be worth something yet.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
        /// Of steps: the one that it stands at, from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<usize>,
        /// Of that one: whether what it does was done.
        #[serde(default, skip_serializing_if = "DeedState::is_not_done")]
        deed: DeedState,
        /// Of steps: what those before it have found out.
        #[serde(default, skip_serializing_if = "Outputs::is_empty")]
        outputs: Outputs,
    },
    /// What the model said when it was asked for the outputs of a run that says it is done.
    Reported {
        goal: String,
        run: String,
        text: String,
    },
    /// It is tried again: a person said so, or resumed a plan that had stopped at it.
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
    /// The values of its parameters, as they were given or are if nobody gives any.
    Parameters {
        values: Outputs,
    },
    /// A table as it was when the plan began.
    Table {
        name: String,
        rows: Vec<Outputs>,
    },
    /// A loop begins: its goals are done once with each of these rows.
    Rows {
        goal: String,
        rows: Vec<Outputs>,
    },
    /// What was asked is so, or not: the goals of that side are done.
    Branch {
        goal: String,
        run: String,
        holds: bool,
    },
    /// The screen was not as the steps want it: a model does those from this one on, from 1.
    HandedOver {
        goal: String,
        step: usize,
        /// Whether what that step does was done.
        #[serde(default, skip_serializing_if = "DeedState::is_not_done")]
        deed: DeedState,
        why: String,
        /// What the steps before it have found out.
        #[serde(default, skip_serializing_if = "Outputs::is_empty")]
        outputs: Outputs,
    },
    /// The plan ended at this goal.
    Stopped {
        goal: String,
        why: String,
    },
}

impl PlanLine {
    /// The run that it is about.
    fn run(&self) -> Option<&str> {
        match self {
            PlanLine::Begun { run, .. }
            | PlanLine::Achieved(Achieved { run, .. })
            | PlanLine::Failed { run, .. }
            | PlanLine::Round(Round { run, .. })
            | PlanLine::Branch { run, .. }
            | PlanLine::Reported { run, .. } => Some(run),
            PlanLine::Plan { .. }
            | PlanLine::Again { .. }
            | PlanLine::Scheduled { .. }
            | PlanLine::RoundSkipped { .. }
            | PlanLine::Skipped { .. }
            | PlanLine::Replanned { .. }
            | PlanLine::Parameters { .. }
            | PlanLine::Table { .. }
            | PlanLine::Rows { .. }
            | PlanLine::HandedOver { .. }
            | PlanLine::Stopped { .. } => None,
        }
    }
}

/// Whether it is the name of a run in the plan's own folder. A record that somebody sent could name any folder of the user's, and a
/// run that has done nothing is taken away with all that is in its folder.
fn is_run(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// A sub-goal that was achieved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Achieved {
    pub goal: String,
    pub run: String,
    pub outputs: Outputs,
    pub notes: Vec<String>,
}

/// A round of a goal that is done again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    pub goal: String,
    pub run: String,
    pub round: u64,
    /// Of a list, what no earlier round has told.
    pub outputs: Outputs,
    pub notes: Vec<String>,
}

/// A plan and what became of it so far. No other process can carry it out while this is kept.
pub struct PlanRecord {
    pub folder: PathBuf,
    pub plan: Plan,
    pub lines: Vec<PlanLine>,
    file: File,
    _lock: FileLock,
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

    /// Makes the folder, which must not exist. `started` is in milliseconds since 1970.
    ///
    /// # Errors
    /// `PlanRecordError` if it cannot be made.
    pub fn create(folder: &Path, plan: Plan, started: u64) -> Result<PlanRecord, PlanRecordError> {
        let failed = |source| PlanRecordError::File { at: folder.to_owned(), source };
        let above = folder.parent().unwrap_or(Path::new("."));
        private_folders(above).map_err(failed)?;
        private_folder(folder).map_err(failed)?;
        crate::origin::write_atomically(folder, "plan.toml", &plan.text).map_err(failed)?;
        let lock = private().write(true).create(true).truncate(true).open(folder.join("lock")).map_err(failed)?;
        let lock = FileLock::take(lock).map_err(failed)?;
        let file = private().append(true).create_new(true).open(folder.join("plan.jsonl")).map_err(failed)?;
        for new in [folder, above] {
            sync_folder(new).map_err(failed)?;
        }
        let (title, values) = (plan.title.clone(), plan.values.clone());
        let tables: Vec<(String, Vec<Outputs>)> = plan.tables.clone().into_iter().collect();
        let mut record = PlanRecord { folder: folder.to_owned(), plan, lines: Vec::new(), file, _lock: lock };
        record.write(PlanLine::Plan { version: VERSION, title, started }).map_err(failed)?;
        if !values.is_empty() {
            record.write(PlanLine::Parameters { values }).map_err(failed)?;
        }
        for (name, rows) in tables {
            record.write(PlanLine::Table { name, rows }).map_err(failed)?;
        }
        Ok(record)
    }

    /// Makes the folder of a plan that begins, in `runs`, under the first name that nobody has yet.
    ///
    /// # Errors
    /// `PlanRecordError` if it cannot be made.
    pub fn create_in(runs: &Path, name: &str, plan: &Plan, started: u64) -> Result<PlanRecord, PlanRecordError> {
        let is_taken = |error: &PlanRecordError| matches!(error, PlanRecordError::File { source, .. } if source.kind() == io::ErrorKind::AlreadyExists);
        first_free(name, is_taken, |name| PlanRecord::create(&runs.join(name), plan.clone(), started))
    }

    /// Takes up a plan that broke off. A torn last line is left out.
    ///
    /// # Errors
    /// `PlanRecordError` if somebody else has it, or it cannot be read.
    pub fn take_up(folder: &Path) -> Result<PlanRecord, PlanRecordError> {
        let failed = |source| PlanRecordError::File { at: folder.to_owned(), source };
        let files = ["plan.jsonl", "plan.toml", "lock", "origin.json", "plan.json", "plan.md", DOCUMENT];
        refuse_links(folder, &files, &[]).map_err(failed)?;
        let lock = private().create(true).append(true).open(folder.join("lock")).map_err(failed)?;
        let lock = FileLock::try_take(lock).map_err(failed)?;
        let lock = lock.ok_or_else(|| PlanRecordError::Busy { at: folder.to_owned() })?;
        let (lines, whole) = read_lines(folder)?;
        let plan = Plan::read_recorded(&folder.join("plan.toml"))?;
        let file = OpenOptions::new().append(true).open(folder.join("plan.jsonl")).map_err(failed)?;
        file.set_len(whole).map_err(failed)?;
        let mut record = PlanRecord { folder: folder.to_owned(), plan, lines: Vec::new(), file, _lock: lock };
        for line in lines {
            record.take(line)?;
        }
        Ok(record)
    }

    /// The plan as it stands and what became of it so far, whoever carries it out.
    ///
    /// # Errors
    /// `PlanRecordError` if it cannot be read.
    pub fn look(folder: &Path) -> Result<(Plan, Vec<PlanLine>), PlanRecordError> {
        let mut plan = Plan::read_recorded(&folder.join("plan.toml"))?;
        let mut lines = Vec::new();
        for line in read_lines(folder)?.0 {
            change::take(&mut plan, &mut lines, line)?;
        }
        Ok((plan, lines))
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
        change::take(&mut self.plan, &mut self.lines, line)
    }

    /// The next goal, and its number from 1.
    pub fn next(&self) -> Option<(usize, Goal)> {
        let over: BTreeSet<&str> = self.lines.iter().filter_map(over).collect();
        let at = self.plan.goals.iter().position(|goal| !over.contains(goal.name.as_str()))?;
        Some((at + 1, self.plan.goals[at].clone()))
    }

    /// What a goal may name: all outputs so far, and the row that it is done with.
    pub(super) fn values(&self, goal: &Goal) -> Outputs {
        let mut values = self.known_values();
        values.extend(goal.row.clone());
        values
    }

    /// What any goal may name: the plan's parameters, and all outputs so far.
    pub(super) fn known_values(&self) -> Outputs {
        let mut values = self.plan.values.clone();
        values.extend(self.outputs());
        values
    }

    /// The names of its runs, in the order in which they were begun.
    pub fn run_names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.lines.iter().filter_map(|line| match line {
            // A run is a folder in this one, whatever the record says.
            PlanLine::Begun { run, .. } => Path::new(run).file_name().and_then(|name| name.to_str()),
            _ => None,
        })
    }

    /// How many replies were heard in all of its runs.
    pub fn reply_count(&self) -> usize {
        let reported = self.lines.iter().filter(|line| matches!(line, PlanLine::Reported { .. })).count();
        let records = self.run_names().filter_map(|run| Record::read(&self.folder.join(run)).ok());
        records.map(|record| record.reply_count()).sum::<usize>() + reported
    }

    /// What was found out, in rounds that are done too.
    pub fn outputs(&self) -> Outputs {
        change::outputs(&self.plan, &self.lines)
    }

    /// The line that says that a goal was achieved in a run, or a round of it.
    pub(super) fn achieved_line(&self, goal: &Goal, run: String, outputs: Outputs, notes: Vec<String>) -> PlanLine {
        let name = goal.name.clone();
        if goal.schedule.is_none() {
            return PlanLine::Achieved(Achieved { goal: name, run, outputs, notes });
        }
        let known = self.outputs();
        let new = |(name, value): (String, String)| {
            let is_list = goal.output.get(&name) == Some(&OutputKind::Items);
            let value = if is_list { new_items(&value, known.get(&name).map_or("", String::as_str)) } else { value };
            (name, value)
        };
        let outputs = outputs.into_iter().map(new).collect();
        PlanLine::Round(Round { goal: name, round: self.round_of(&run), run, outputs, notes })
    }

    /// The line that says that a goal is done without, or the round of it that a run was.
    pub(super) fn skipped_line(&self, goal: &Goal, run: &str, why: String) -> PlanLine {
        match goal.schedule {
            Some(_) => PlanLine::RoundSkipped { goal: goal.name.clone(), round: self.round_of(run), why },
            None => PlanLine::Skipped { goal: goal.name.clone(), why },
        }
    }

    fn round_of(&self, run: &str) -> u64 {
        let round = self.lines.iter().rev().find_map(|line| match line {
            PlanLine::Begun { run: begun, round, .. } if begun == run => *round,
            _ => None,
        });
        round.unwrap_or(0)
    }

    /// When the schedule of a goal began, if it has.
    pub(super) fn schedule_start(&self, name: &str) -> Option<u64> {
        self.lines.iter().find_map(|line| match line {
            PlanLine::Scheduled { goal, started } if goal == name => Some(*started),
            _ => None,
        })
    }

    /// The last round of a goal that is over, whatever came of it.
    pub(super) fn last_round(&self, name: &str) -> Option<u64> {
        self.lines.iter().rev().find_map(|line| match line {
            PlanLine::Round(round) if round.goal == name => Some(round.round),
            PlanLine::RoundSkipped { goal, round, .. } if goal == name => Some(*round),
            _ => None,
        })
    }

    /// The line that ends a goal all of whose rounds are over.
    pub(super) fn rounds_over(&self, goal: &Goal) -> PlanLine {
        let (mut run, mut outputs, mut notes, mut last) = (None, Outputs::new(), Vec::new(), String::new());
        for line in &self.lines {
            match line {
                PlanLine::Round(round) if round.goal == goal.name => {
                    run = Some(round.run.clone());
                    add_round(Some(goal), &mut outputs, &round.outputs);
                    notes.extend(round.notes.clone());
                }
                PlanLine::RoundSkipped { goal: name, why, .. } if *name == goal.name => last.clone_from(why),
                _ => {}
            }
        }
        match run {
            Some(run) => PlanLine::Achieved(Achieved { goal: goal.name.clone(), run, outputs, notes }),
            None => PlanLine::Skipped { goal: goal.name.clone(), why: last },
        }
    }

    /// Whether a run of a goal was begun of which nothing was said yet.
    pub(super) fn is_open(&self, name: &str) -> bool {
        self.open_run(name).0.is_some()
    }

    /// The run of a goal that broke off, and how many have failed.
    fn open_run(&self, name: &str) -> (Option<&String>, usize) {
        let (mut open, mut failed) = (None, 0);
        for line in &self.lines {
            match line {
                PlanLine::Begun { goal, run, .. } if goal == name => open = Some(run),
                PlanLine::Failed { goal, .. } if goal == name => (open, failed) = (None, failed + 1),
                PlanLine::Round(round) if round.goal == name => open = None,
                _ => {}
            }
        }
        (open, failed)
    }

    /// The goals that were achieved, in their order.
    pub fn achieved(&self) -> impl Iterator<Item = &Achieved> {
        achieved(&self.lines)
    }

    pub(super) fn has_skipped(&self) -> bool {
        self.lines.iter().any(|line| matches!(line, PlanLine::Skipped { .. } | PlanLine::RoundSkipped { .. }))
    }

    pub(super) fn is_begun(&self, run: &str) -> bool {
        self.lines.iter().any(|line| matches!(line, PlanLine::Begun { run: begun, .. } if begun == run))
    }

    /// How often what was left was planned anew.
    pub(super) fn replans(&self) -> usize {
        self.lines.iter().filter(|line| matches!(line, PlanLine::Replanned { .. })).count()
    }

    /// The name of the run in which a goal is tried next, or that broke off. No other goal's run has it, whatever that goal is
    /// called.
    pub(super) fn run(&self, number: usize, name: &str) -> String {
        let (open, failed) = self.open_run(name);
        if let Some(run) = open {
            return run.clone();
        }
        let tries =
            (failed + 1..).map(|n| if n == 1 { format!("{number}-{name}") } else { format!("{number}-{name}-{n}") });
        tries.into_iter().find(|run| !self.is_begun(run)).unwrap_or_default()
    }

    /// The runs in which steps were tried before, the oldest first: they go on where the last one stood, and are not done twice.
    pub(super) fn runs_before(&self, name: &str) -> Vec<&str> {
        let failed = self.lines.iter().filter_map(|line| match line {
            PlanLine::Failed { goal, run, .. } if goal == name => Some(run.as_str()),
            _ => None,
        });
        failed.collect()
    }

    /// The failure after which something has to be decided about a goal: the plan may have broken off right there.
    pub(super) fn undecided_failure(&self, goal: &Goal) -> Option<Failure> {
        let (mut failed, mut last) = (0, None);
        for line in &self.lines {
            match line {
                PlanLine::Failed { goal: name, run, why, end, notes, step, deed, outputs, .. }
                    if *name == goal.name =>
                {
                    failed += 1;
                    // In records of version 1 the end is missing: there it is tried once more.
                    let (run, why, notes, step, deed) = (run.clone(), why.clone(), notes.clone(), *step, *deed);
                    let outputs = outputs.clone();
                    let can_be_tried_again = true;
                    last = end.clone().map(|end| Failure {
                        run,
                        why,
                        end,
                        notes,
                        can_be_tried_again,
                        step,
                        deed,
                        outputs,
                    });
                }
                PlanLine::Again { goal: name } if *name == goal.name => (failed, last) = (0, None),
                PlanLine::Round(round) if round.goal == goal.name => (failed, last) = (0, None),
                PlanLine::RoundSkipped { goal: name, .. } if *name == goal.name => (failed, last) = (0, None),
                _ => {}
            }
        }
        last.filter(|failure| failure.is_claimed() || failed > goal.retries)
    }

    /// Whoever resumes a plan that has stopped at a goal wants it tried again, unless the model says that it was done.
    pub(super) fn take_back_stop(&mut self) -> io::Result<()> {
        let is_claimed = |name: &str| {
            let goal = self.plan.goals.iter().find(|goal| goal.name == name);
            goal.and_then(|goal| self.undecided_failure(goal)).is_some_and(|failure| failure.is_claimed())
        };
        match self.lines.last() {
            Some(PlanLine::Stopped { goal, .. }) if is_claimed(goal) => Ok(()),
            Some(PlanLine::Stopped { goal, .. }) => self.write(PlanLine::Again { goal: goal.clone() }),
            _ => Ok(()),
        }
    }

    /// What whoever plans anew has to know.
    pub(super) fn briefing(&self, goal: &Goal, why: &str) -> String {
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
            "{}. Done already: {}. The goal {:?} was not achieved: {}. Plan what is left another way: {}",
            self.plan.title,
            if done.is_empty() { "nothing".to_owned() } else { done.join(", ") },
            goal.name,
            quoted_reason(why),
            left.join("; ")
        )
    }

    fn is_over(&self, name: &str) -> bool {
        is_over(&self.lines, name)
    }
}

pub(super) fn achieved(lines: &[PlanLine]) -> impl Iterator<Item = &Achieved> {
    lines.iter().filter_map(|line| match line {
        PlanLine::Achieved(achieved) => Some(achieved),
        _ => None,
    })
}

fn is_over(lines: &[PlanLine], name: &str) -> bool {
    lines.iter().filter_map(over).any(|goal| goal == name)
}

/// The goal that is over with a line.
fn over(line: &PlanLine) -> Option<&str> {
    match line {
        PlanLine::Achieved(Achieved { goal, .. }) | PlanLine::Skipped { goal, .. } => Some(goal),
        _ => None,
    }
}

/// The whole lines of a plan's record, and how many bytes they are.
fn read_lines(folder: &Path) -> Result<(Vec<PlanLine>, u64), PlanRecordError> {
    let at = folder.join("plan.jsonl");
    let bytes =
        file::read_bytes(&at, JOURNAL_BYTES_MAX).map_err(|source| PlanRecordError::File { at: at.clone(), source })?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut lines = Vec::new();
    for (n, line) in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
        let line = serde_json::from_slice::<PlanLine>(line).ok();
        let line = line.filter(|line| line.run().is_none_or(is_run));
        lines.push(line.ok_or_else(|| PlanRecordError::Broken { at: at.clone(), line: n + 1 })?);
    }
    if !matches!(lines.first(), Some(PlanLine::Plan { version: 1..=VERSION, .. })) {
        return Err(PlanRecordError::Broken { at, line: 1 });
    }
    Ok((lines, whole as u64))
}
