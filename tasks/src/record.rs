//! Which runs, plans and suites have been written down, in a line each, and where each of them is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, Serializer};
use tapwright_agent::journal::{Record, first_free, private_folder, private_folders};
use tapwright_agent::outcome::Outcome;

use crate::judge::Verdict;
use crate::measurement::Measurement;
use crate::mistake::read_text;
use crate::origin::write_atomically;
use crate::plan::{PlanLine, PlanRecord, end_of};
use crate::run::Judgement;
use crate::suite::SuiteTable;

/// A name that stands for the run that began last.
pub const LAST: &str = "last";

/// Something in the folder of runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredRecord {
    Run(RunBrief),
    Plan(PlanBrief),
    Suite(Box<SuiteBrief>),
    /// A folder that is a run's or a plan's, or was to be one, and cannot be read.
    Unreadable {
        run: String,
        why: String,
    },
}

/// A run in one line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunBrief {
    pub run: String,
    pub goal: String,
    /// `None` if it has no end: it is still going on, or it was killed.
    pub outcome: Option<String>,
    #[serde(flatten)]
    pub verdict: Option<Verdict>,
    pub steps: u32,
    pub model: String,
    pub device: String,
    /// Milliseconds since 1970.
    pub started: u64,
    #[serde(serialize_with = "lossy")]
    pub folder: PathBuf,
}

/// A plan in one line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanBrief {
    pub run: String,
    pub plan: String,
    /// `None` if it has no end: it is still being carried out, or it was killed.
    pub end: Option<String>,
    pub achieved: usize,
    pub goals: usize,
    /// Milliseconds since 1970; 0 in records that do not say it.
    pub started: u64,
    #[serde(serialize_with = "lossy")]
    pub folder: PathBuf,
}

/// A suite in one line, and in `suite.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuiteBrief {
    /// The format's version.
    pub version: u32,
    pub suite: String,
    pub run: String,
    pub model: String,
    /// Milliseconds since 1970.
    pub started: u64,
    /// What was measured, with what; records of version 1 do not say it.
    #[serde(default)]
    pub measurement: Option<Measurement>,
    pub table: SuiteTable,
}

/// A path for programs that read JSON, which is UTF-8: what is not is shown as far as it can be.
pub fn lossy<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&path.to_string_lossy())
}

/// The format's version of `suite.json`.
pub const SUITE_VERSION: u32 = 2;

/// The folder of a run: its path, its name among the runs, or [`LAST`].
///
/// # Errors
/// If there is no such run.
pub fn find(runs: &Path, name: &str) -> io::Result<PathBuf> {
    if name == LAST {
        if let Some(folder) = marked_last(runs) {
            return Ok(folder);
        }
        let last = folders(runs)?.into_iter().rev().find(|folder| is_run_or_plan(folder));
        return last.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no run yet"));
    }
    let places = [PathBuf::from(name), runs.join(name)];
    places
        .into_iter()
        .find(|folder| is_run_or_plan(folder))
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no run {name:?}")))
}

/// As [`find`], of runs alone. Of a plan it is the latest run.
///
/// # Errors
/// If there is no such run.
pub fn find_run(runs: &Path, name: &str) -> io::Result<PathBuf> {
    let found = find(runs, name)?;
    if is_record(&found) {
        return Ok(found);
    }
    runs_of_plan(&found)?
        .pop()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no run of the plan {name:?} has begun")))
}

/// The folders of the runs that a plan's record names, in the order in which they were begun; their names do not sort so: 10 comes
/// before 9.
///
/// # Errors
/// If the plan's record cannot be read.
pub fn runs_of_plan(plan: &Path) -> io::Result<Vec<PathBuf>> {
    let (_, lines) = PlanRecord::look(plan).map_err(io::Error::other)?;
    let begun = lines.iter().filter_map(|line| match line {
        // Only the last part of the name: a record leads nowhere else.
        PlanLine::Begun { run, .. } => Path::new(run).file_name().map(|run| plan.join(run)),
        _ => None,
    });
    Ok(begun.filter(|folder| is_record(folder)).collect())
}

/// A suite's folder by its path or its name, or of the one that began last, and what came of it; `None` if there is none.
pub fn find_suite(runs: &Path, name: &str) -> Option<(PathBuf, SuiteBrief)> {
    if name == LAST {
        let marked = marked(runs, SUITE_MARK).find_map(|folder| suite(&folder).map(|brief| (folder, brief)));
        let newest =
            || folders(runs).ok()?.into_iter().rev().find_map(|folder| suite(&folder).map(|brief| (folder, brief)));
        return marked.or_else(newest);
    }
    [PathBuf::from(name), runs.join(name)].into_iter().find_map(|folder| suite(&folder).map(|brief| (folder, brief)))
}

/// The folders of a suite's runs, by seed.
///
/// # Errors
/// If the suite's folder cannot be read.
pub fn runs_of_suite(suite: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(folders(suite)?.into_iter().filter(|folder| is_record(folder)).collect())
}

/// The latest of what is in the folder of runs, the last one first; empty if there is no such folder.
///
/// # Errors
/// If the folder cannot be read.
pub fn list(runs: &Path, most: usize) -> io::Result<Vec<StoredRecord>> {
    let folders = match folders(runs) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        folders => folders?,
    };
    let kept = folders.into_iter().rev().filter_map(|folder| {
        if is_record(&folder) {
            Some(brief(&folder))
        } else if PlanRecord::is_there(&folder) {
            Some(plan_brief(&folder))
        } else {
            suite(&folder).map(|brief| StoredRecord::Suite(Box::new(brief)))
        }
    });
    Ok(kept.take(most).collect())
}

/// Writes down what came of a suite, in the folder of its runs.
///
/// # Errors
/// If it cannot be written.
pub fn keep_suite(folder: &Path, suite: &SuiteBrief) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(suite)?;
    text.push('\n');
    private_folders(folder)?;
    write_atomically(folder, "suite.json", &text)
}

/// The name of the run, or plan, that began last: a clock that was wrong once does not change which that is.
const MARK: &str = ".last";
/// The same, of measurements, with the one before in the next line: one that comes to nothing is taken away again.
const SUITE_MARK: &str = ".last-suite";

/// A clock was ahead when an earlier run was begun, or is behind now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockWarning {
    /// The record that is from the future.
    pub folder: PathBuf,
    pub ahead_ms: u64,
}

/// Less than this is what clocks differ by.
const CLOCK_MS_MAX: u64 = 60_000;

/// Makes a folder for the runs of a suite, under the first name that nobody has yet.
///
/// # Errors
/// If it cannot be made.
pub fn claim_folder(runs: &Path, name: &str) -> io::Result<(String, PathBuf)> {
    private_folders(runs)?;
    let is_taken = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
    first_free(name, is_taken, |name| {
        let folder = runs.join(name);
        private_folder(&folder).map(|()| (name.to_owned(), folder))
    })
}

/// Marks a run or a plan as the one that began last, at `started`, in milliseconds since 1970. If another record is from the future that
/// is returned.
pub fn mark_last(runs: &Path, name: &str, started: u64) -> Option<ClockWarning> {
    // If it cannot be written, the next lines of the run cannot either, which says so better.
    let _ = write_atomically(runs, MARK, &format!("{name}\n"));
    let is_other = |folder: &PathBuf| !folder.ends_with(name) && is_run_or_plan(folder);
    let newest = folders(runs).ok()?.into_iter().rev().find(is_other)?;
    let ahead_ms = started_of(&newest)?.checked_sub(started).filter(|ahead| *ahead > CLOCK_MS_MAX)?;
    Some(ClockWarning { folder: newest, ahead_ms })
}

/// Marks a measurement as the one that began last, whatever the clock says.
pub fn mark_last_suite(runs: &Path, name: &str) {
    // If it cannot be written, the next lines of the ledger cannot either, which says so better.
    let before = read_text(&runs.join(SUITE_MARK)).unwrap_or_default();
    let _ = write_atomically(runs, SUITE_MARK, &format!("{name}\n{}\n", before.lines().next().unwrap_or_default()));
}

/// Takes such a mark away: it came to nothing.
pub fn unmark_last_suite(runs: &Path, name: &str) {
    let text = read_text(&runs.join(SUITE_MARK)).unwrap_or_default();
    let mut lines = text.lines();
    if lines.next() == Some(name) {
        let _ = match lines.next().filter(|before| !before.is_empty()) {
            Some(before) => write_atomically(runs, SUITE_MARK, &format!("{before}\n")),
            None => fs::remove_file(runs.join(SUITE_MARK)),
        };
    }
}

fn marked_last(runs: &Path) -> Option<PathBuf> {
    marked(runs, MARK).find(|folder| is_run_or_plan(folder))
}

/// The folders that a mark names, the one that began last first.
fn marked(runs: &Path, mark: &str) -> impl Iterator<Item = PathBuf> {
    let text = read_text(&runs.join(mark)).unwrap_or_default();
    let names: Vec<String> = text.lines().take(2).map(|name| name.trim().to_owned()).collect();
    // Each is one name in this folder.
    let is_plain = |name: &String| Path::new(name).file_name().is_some_and(|plain| plain == name.as_str());
    names.into_iter().filter(is_plain).map(|name| runs.join(name))
}

fn started_of(folder: &Path) -> Option<u64> {
    if is_record(folder) {
        return Record::read(folder).ok().map(|record| record.facts.started);
    }
    match PlanRecord::look(folder).ok()?.1.first()? {
        PlanLine::Plan { started, .. } => Some(*started),
        _ => None,
    }
}

/// Names begin with the time, so their order is that of the runs as long as no clock was wrong.
fn folders(runs: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(runs)? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

fn is_record(folder: &Path) -> bool {
    folder.join("journal.jsonl").is_file()
}

/// A run, or a plan of several.
fn is_run_or_plan(folder: &Path) -> bool {
    is_record(folder) || PlanRecord::is_there(folder)
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn plan_brief(folder: &Path) -> StoredRecord {
    match PlanRecord::look(folder) {
        Ok((plan, lines)) => {
            let achieved = lines.iter().filter(|line| matches!(line, PlanLine::Achieved(_))).count();
            StoredRecord::Plan(PlanBrief {
                run: name(folder),
                plan: plan.title,
                end: end_of(folder),
                achieved,
                goals: plan.goals.len(),
                started: match lines.first() {
                    Some(PlanLine::Plan { started, .. }) => *started,
                    _ => 0,
                },
                folder: folder.to_owned(),
            })
        }
        Err(error) => StoredRecord::Unreadable { run: name(folder), why: plainly(&error) },
    }
}

fn brief(folder: &Path) -> StoredRecord {
    let run = name(folder);
    let record = match Record::read(folder) {
        Ok(record) => record,
        Err(error) => return StoredRecord::Unreadable { run, why: plainly(&error) },
    };
    let verdict = Judgement::read(folder).ok().flatten().and_then(|judgement| judgement.verdict);
    let facts = &record.facts;
    StoredRecord::Run(RunBrief {
        run,
        goal: facts.setting.goal.clone(),
        outcome: record.end().map(|end| Outcome::id(&end.outcome).to_owned()),
        verdict,
        steps: record.steps(),
        model: facts.model.clone(),
        device: facts.device.clone(),
        started: facts.started,
        folder: folder.to_owned(),
    })
}

fn suite(folder: &Path) -> Option<SuiteBrief> {
    serde_json::from_str(&read_text(&folder.join("suite.json")).ok()?).ok()
}

/// The error and its causes in one line.
pub(crate) fn plainly(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text += &format!(": {deeper}");
        cause = deeper.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_run_is_not_listed() {
        let runs = tempfile::tempdir().unwrap();
        assert_eq!(list(&runs.path().join("none"), 9).unwrap(), []);
        fs::create_dir(runs.path().join("photos")).unwrap();
        fs::create_dir(runs.path().join("20260101-broken")).unwrap();
        fs::write(runs.path().join("20260101-broken/journal.jsonl"), "what?\n").unwrap();
        let kept = list(runs.path(), 9).unwrap();
        assert!(matches!(&kept[..], [StoredRecord::Unreadable { run, .. }] if run == "20260101-broken"), "{kept:?}");
        assert_eq!(find(runs.path(), LAST).unwrap(), runs.path().join("20260101-broken"));
        assert_eq!(find(runs.path(), "20260101-broken").unwrap(), runs.path().join("20260101-broken"));
        assert!(find(runs.path(), "photos").is_err());
    }

    #[test]
    fn plans_are_listed() {
        let runs = tempfile::tempdir().unwrap();
        let folder = runs.path().join("trip");
        let text = "plan = \"A trip\"\n[[goal]]\nname = \"one\"\ngoal = \"go\"\n";
        let plan = crate::plan::Plan::parse(Path::new("trip"), text, &[].into()).unwrap();
        let record = PlanRecord::create(&folder, plan, 7).unwrap();
        let (run, plan) = ("trip".to_owned(), "A trip".to_owned());
        let brief = PlanBrief { run, plan, end: None, achieved: 0, goals: 1, started: 7, folder: folder.clone() };
        // While it is being carried out, too.
        assert_eq!(list(runs.path(), 9).unwrap(), [StoredRecord::Plan(brief.clone())]);
        drop(record);
        fs::write(folder.join("plan.json"), r#"{"end": "partly"}"#).unwrap();
        assert_eq!(
            list(runs.path(), 9).unwrap(),
            [StoredRecord::Plan(PlanBrief { end: Some("partly".to_owned()), ..brief })]
        );
    }

    #[test]
    fn the_last_measurement_is_the_one_that_began_last_whatever_the_clock_said() {
        let folder = tempfile::tempdir().unwrap();
        let runs = &folder.path().join("runs");
        let text = String::new;
        let brief = SuiteBrief {
            version: SUITE_VERSION,
            suite: text(),
            run: text(),
            model: text(),
            started: 3,
            measurement: None,
            table: SuiteTable::default(),
        };
        let last = || find_suite(runs, LAST).map(|(folder, _)| name(&folder));
        keep_suite(&runs.join("21530829-a"), &brief).unwrap();
        assert_eq!(last().as_deref(), Some("21530829-a"), "as before there was a mark");
        mark_last_suite(runs, "20261127-b");
        assert_eq!(last().as_deref(), Some("21530829-a"), "the new one did not begin");
        keep_suite(&runs.join("20261127-b"), &brief).unwrap();
        assert_eq!(last().as_deref(), Some("20261127-b"));
        mark_last_suite(runs, "20261127-c");
        assert_eq!(last().as_deref(), Some("20261127-b"), "that one did not begin");
        unmark_last_suite(runs, "20261127-c");
        assert_eq!(last().as_deref(), Some("20261127-b"));
        unmark_last_suite(runs, "20261127-b");
        assert!(!runs.join(SUITE_MARK).exists());
        keep_suite(&folder.path().join("elsewhere"), &brief).unwrap();
        fs::write(runs.join(SUITE_MARK), "../elsewhere\n").unwrap();
        assert_eq!(last().as_deref(), Some("21530829-a"), "a mark leads nowhere else");
    }

    fn run_of(runs: &Path, name: &str, started: u64) {
        let folder = runs.join(name);
        let text = "plan = \"p\"\n[[goal]]\nname = \"one\"\ngoal = \"go\"\n";
        let plan = crate::plan::Plan::parse(Path::new("p"), text, &[].into()).unwrap();
        drop(PlanRecord::create(&folder, plan, started).unwrap());
    }

    #[test]
    fn last_is_what_began_last_whatever_the_clock_said() {
        let folder = tempfile::tempdir().unwrap();
        let runs = &folder.path().join("runs");
        run_of(folder.path(), "elsewhere", 1);
        run_of(runs, "21530829-a", 5_800_000_000_000);
        assert_eq!(find(runs, LAST).unwrap(), runs.join("21530829-a"), "as before there was a mark");
        let warning = mark_last(runs, "20261127-b", 1_795_000_000_000).unwrap();
        assert!(warning.folder.ends_with("21530829-a") && warning.ahead_ms > 1_000_000_000_000);
        assert_eq!(find(runs, LAST).unwrap(), runs.join("21530829-a"), "the new one did not begin");
        run_of(runs, "20261127-b", 1_795_000_000_000);
        assert_eq!(find(runs, LAST).unwrap(), runs.join("20261127-b"));
        fs::write(runs.join(MARK), "../elsewhere\n").unwrap();
        assert_eq!(find(runs, LAST).unwrap(), runs.join("21530829-a"), "a mark leads nowhere else");
        assert_eq!(list(runs, 9).unwrap().len(), 2, "the mark is no run");
        fs::remove_dir_all(runs.join("21530829-a")).unwrap();
        assert_eq!(mark_last(runs, "20261127-c", 1_795_000_000_100), None);
    }

    #[test]
    fn the_last_run_of_a_plan_is_the_one_that_was_begun_last() {
        let runs = tempfile::tempdir().unwrap();
        let folder = runs.path().join("trip");
        run_of(runs.path(), "trip", 1);
        let mut record = PlanRecord::take_up(&folder).unwrap();
        for run in ["1-one", "9-one", "10-one", "11-one"] {
            record.write(PlanLine::Begun { goal: "one".to_owned(), run: run.to_owned(), round: None }).unwrap();
            if run != "11-one" {
                fs::create_dir(folder.join(run)).unwrap();
                fs::write(folder.join(run).join("journal.jsonl"), "x").unwrap();
            }
        }
        assert_eq!(find_run(runs.path(), "trip").unwrap(), folder.join("10-one"));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_whose_name_is_no_text_is_told_as_far_as_it_can_be() {
        use std::os::unix::ffi::OsStrExt as _;
        let runs = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"r\xff");
        run_of(&runs.path().join(name), "trip", 1);
        let kept = list(&runs.path().join(name), 9).unwrap();
        assert!(serde_json::to_string(&kept).unwrap().contains("r\u{fffd}/trip"));
    }

    #[test]
    fn a_suite_that_begins_takes_a_name_that_nobody_has() {
        let runs = tempfile::tempdir().unwrap();
        for name in ["smoke", "smoke-2", "smoke-3"] {
            let claimed = claim_folder(&runs.path().join("runs"), "smoke").unwrap();
            assert_eq!(claimed, (name.to_owned(), runs.path().join("runs").join(name)));
        }
        let blocked = runs.path().join("file");
        fs::write(&blocked, "").unwrap();
        assert!(claim_folder(&blocked, "smoke").is_err());
    }

    #[test]
    fn suites_are_listed() {
        let runs = tempfile::tempdir().unwrap();
        let text = String::new;
        let brief = SuiteBrief {
            version: 1,
            suite: text(),
            run: text(),
            model: text(),
            started: 3,
            measurement: None,
            table: SuiteTable::default(),
        };
        keep_suite(&runs.path().join("x"), &brief).unwrap();
        assert_eq!(list(runs.path(), 9).unwrap(), [StoredRecord::Suite(Box::new(brief))]);
        assert_eq!(list(runs.path(), 0).unwrap(), []);
    }
}
