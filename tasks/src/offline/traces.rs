//! Traces of AndroidLab, as its recorder leaves them, and what they say without a judge. Their form is that of `recorder/json_recoder.py` of
//! <https://github.com/THUDM/Android-Lab> at 373fc1d, the numbers those of `evaluation/task.py` there.
//!
//! Whether a task was done is judged there by a function for each task, and questions by another model: neither is here. What was judged so
//! (`results.jsonl`) is read, where the user has it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::{DynamicImage, RgbaImage};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::files::{folders_in, read_picture, read_text};
use super::{BYTES_MAX, OfflineError, read_lines};

/// In the folder of a trace.
const TRACE: &str = "traces/trace.jsonl";
const SCREENS: &str = "Screen";
const TREES: &str = "xml";
/// An action that comes more often in a row ends the trace: what follows is not counted.
const REPEATS_MAX: u32 = 5;
/// Screens of which a larger share of values is the same have not changed.
const SAME_SHARE: f64 = 0.999;
/// A value that is white on both screens says nothing.
const WHITE: u8 = 255;

/// A line of a trace, as far as it is read.
#[derive(Clone, Debug, Deserialize)]
pub struct TraceLine {
    /// The screenshot before the action, by the path that it had.
    pub image: Option<String>,
    xml: Option<String>,
    ac_xml: Option<String>,
    /// What was done; nothing if the reply could not be read.
    pub parsed_action: Value,
    /// What the whole run is for.
    pub target: Option<String>,
}

/// A recorded run.
#[derive(Clone, Debug)]
pub struct Trace {
    pub folder: PathBuf,
    /// As the folder is called: the task, and when.
    pub name: String,
    /// The app and a number.
    pub task: String,
    pub app: String,
    pub lines: Vec<TraceLine>,
}

/// What a trace says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TraceFacts {
    pub task: String,
    pub app: String,
    /// That count: up to the action that came too often, without those that have no tree.
    pub steps: u32,
    /// The share of steps that changed the screen: the reasonable operation ratio.
    pub reasonable: f64,
    /// One action came more than five times more in a row.
    pub is_stuck: bool,
    /// It ends by saying that it is done.
    pub is_finished: bool,
    /// Steps without a tree, and screens that are no pictures: neither counts.
    pub without_tree: u32,
    pub without_picture: u32,
    /// Whether the task was done, where that was judged elsewhere.
    pub is_complete: Option<bool>,
    /// Steps that a person took, by steps that it took, of a task that was done: the reversed redundancy ratio.
    pub redundancy: Option<f64>,
}

/// What all traces say.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TraceMetric {
    pub traces: Vec<TraceFacts>,
    /// Traces of a task of which there is a later one.
    pub older: usize,
    /// Over all traces.
    pub reasonable: Option<f64>,
    pub stuck: usize,
    pub finished: usize,
    /// Of those that were judged elsewhere.
    pub judged: usize,
    pub complete: usize,
    /// Over those that are complete and of whose task a person's length is known.
    pub redundancy: Option<f64>,
}

/// A line of what was judged elsewhere.
#[derive(Deserialize)]
struct JudgedTask {
    task_id: String,
    result: JudgedResult,
}

#[derive(Deserialize)]
struct JudgedResult {
    #[serde(default)]
    complete: bool,
}

/// What the folder of a trace is called by.
struct TraceName {
    /// As a whole: the task, and when.
    name: String,
    task: String,
    app: String,
}

impl TraceName {
    fn of(folder: &Path) -> Result<TraceName, OfflineError> {
        let name = folder.canonicalize().map_err(OfflineError::file(folder))?;
        let name = name.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut words = name.split('_');
        let (Some(app), Some(number)) = (words.next(), words.next()) else {
            let why = "a trace's folder is called by its app, a number and a date, with _ between".to_owned();
            return Err(OfflineError::Content { at: folder.to_owned(), why });
        };
        let (app, task) = (app.to_owned(), format!("{app}_{number}"));
        Ok(TraceName { name, task, app })
    }
}

/// The traces in a folder, or the one that it is, by name.
///
/// # Errors
/// `OfflineError` if there is none.
pub fn trace_folders(folder: &Path) -> Result<Vec<PathBuf>, OfflineError> {
    if folder.join(TRACE).is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut found = folders_in(folder)?;
    found.retain(|at| at.join(TRACE).is_file());
    if found.is_empty() {
        let why = format!("there is no trace in it: no folder with {TRACE}");
        return Err(OfflineError::Content { at: folder.to_owned(), why });
    }
    Ok(found)
}

/// The latest trace of each task among these, by their names, and how many older ones there are. What is called otherwise stays: it is for
/// whoever reads it to say what is wrong.
pub fn latest_of_tasks(folders: Vec<PathBuf>) -> (Vec<PathBuf>, usize) {
    let (all, mut latest, mut others) = (folders.len(), BTreeMap::new(), Vec::new());
    for folder in folders {
        let Ok(TraceName { name, task, .. }) = TraceName::of(&folder) else {
            others.push(folder);
            continue;
        };
        // A name ends with a date, the year first.
        if latest.get(&task).is_none_or(|(other, _)| *other <= name) {
            latest.insert(task, (name, folder));
        }
    }
    let mut found: Vec<PathBuf> = latest.into_values().map(|(_, folder)| folder).collect();
    found.append(&mut others);
    let older = all - found.len();
    (found, older)
}

/// Reads a trace. A last line that was torn is left out.
///
/// # Errors
/// `OfflineError` with the line that is wrong.
pub fn read_trace(folder: &Path) -> Result<Trace, OfflineError> {
    let TraceName { name, task, app } = TraceName::of(folder)?;
    let lines = read_lines(&folder.join(TRACE), true)?;
    Ok(Trace { folder: folder.to_owned(), name, task, app, lines })
}

/// Which tasks were done, by the file of what was judged elsewhere.
///
/// # Errors
/// `OfflineError` with the line that is wrong.
pub fn read_results(at: &Path) -> Result<BTreeMap<String, bool>, OfflineError> {
    let lines: Vec<JudgedTask> = read_lines(at, false)?;
    Ok(lines.into_iter().map(|line| (line.task_id, line.result.complete)).collect())
}

/// How many steps a person took for each task, by `ground_truth_length.json`.
///
/// # Errors
/// `OfflineError` if it is no object of numbers.
pub fn read_lengths(at: &Path) -> Result<BTreeMap<String, u32>, OfflineError> {
    let text = read_text(at, BYTES_MAX).map_err(OfflineError::file(at))?;
    serde_json::from_str(&text).map_err(|error| {
        let why = format!("it is no object of numbers of steps by task: {error}");
        OfflineError::Content { at: at.to_owned(), why }
    })
}

/// What the traces of a folder say: the latest of each task. `tell` hears how many were looked at.
///
/// # Errors
/// `OfflineError` if there is none, or one cannot be read.
pub fn metric(
    folder: &Path,
    results: Option<&BTreeMap<String, bool>>,
    lengths: Option<&BTreeMap<String, u32>>,
    mut tell: impl FnMut(usize, usize),
) -> Result<TraceMetric, OfflineError> {
    let (latest, older) = latest_of_tasks(trace_folders(folder)?);
    let mut found = TraceMetric { older, ..TraceMetric::default() };
    for (at, folder) in latest.iter().enumerate() {
        let trace = read_trace(folder)?;
        let is_complete = results.and_then(|results| results.get(&trace.task).copied());
        let length = lengths.and_then(|lengths| lengths.get(&trace.task).copied());
        found.traces.push(trace.facts(is_complete, length));
        tell(at + 1, latest.len());
    }
    let mean = |values: Vec<f64>| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let count = |is: &dyn Fn(&TraceFacts) -> bool| found.traces.iter().filter(|facts| is(facts)).count();
    let (stuck, finished) = (count(&|facts| facts.is_stuck), count(&|facts| facts.is_finished));
    let (judged, complete) =
        (count(&|facts| facts.is_complete.is_some()), count(&|facts| facts.is_complete == Some(true)));
    let reasonable = mean(found.traces.iter().map(|facts| facts.reasonable).collect());
    let redundancy = mean(found.traces.iter().filter_map(|facts| facts.redundancy).collect());
    Ok(TraceMetric { reasonable, stuck, finished, judged, complete, redundancy, ..found })
}

impl Trace {
    /// What it says by itself, and by what is known of its task.
    pub fn facts(&self, is_complete: Option<bool>, length: Option<u32>) -> TraceFacts {
        let (mut counted, mut is_stuck, mut without_tree) = (Vec::new(), false, 0);
        let (mut last, mut repeats) = (None, 0);
        for line in &self.lines {
            let action = line.parsed_action.to_string();
            repeats = if last.as_ref() == Some(&action) { repeats + 1 } else { 0 };
            last = Some(action);
            if repeats > REPEATS_MAX {
                is_stuck = true;
                break;
            }
            if self.has_tree(line) {
                counted.push(line);
            } else {
                without_tree += 1;
            }
        }
        let steps = u32::try_from(counted.len()).unwrap_or(u32::MAX);
        let (unchanged, without_picture) = self.unchanged(&counted);
        let reasonable = if steps <= 1 { 1.0 } else { 1.0 - f64::from(unchanged) / f64::from(steps - 1) };
        let redundancy = match (is_complete, length) {
            (Some(true), Some(length)) if steps > 0 => Some(f64::from(length) / f64::from(steps)),
            _ => None,
        };
        let is_finished = counted.last().is_some_and(|line| {
            let is = |key: &str| line.parsed_action.get(key).and_then(Value::as_str) == Some("finish");
            is("action") || is("type")
        });
        let (task, app) = (self.task.clone(), self.app.clone());
        TraceFacts {
            task,
            app,
            steps,
            reasonable,
            is_stuck,
            is_finished,
            without_tree,
            without_picture,
            is_complete,
            redundancy,
        }
    }

    fn has_tree(&self, line: &TraceLine) -> bool {
        let tree = line.ac_xml.as_deref().or(line.xml.as_deref());
        tree.and_then(file_name).is_some_and(|name| self.folder.join(TREES).join(name).is_file())
    }

    /// The screenshot before a step. Of its path the name alone counts: the trace may have been moved, and somebody may have sent it.
    pub fn screen(&self, line: &TraceLine) -> Option<PathBuf> {
        line.image.as_deref().and_then(file_name).map(|name| self.folder.join(SCREENS).join(name))
    }

    /// How many of the screens are as the one before, the last one left out as the evaluator does; and how many are no pictures.
    fn unchanged(&self, lines: &[&TraceLine]) -> (u32, u32) {
        let (mut unchanged, mut without_picture) = (0, 0);
        let mut before: Option<RgbaImage> = None;
        // Of two screens and less none is compared.
        let compared = if lines.len() <= 2 { &[][..] } else { &lines[..lines.len() - 1] };
        for line in compared {
            let screen = self.screen(line).and_then(|at| read_picture(&at).ok()).map(DynamicImage::into_rgba8);
            without_picture += u32::from(screen.is_none());
            if let (Some(before), Some(screen)) = (&before, &screen) {
                unchanged += u32::from(is_same(before, screen));
            }
            before = screen;
        }
        (unchanged, without_picture)
    }
}

/// The last part of a path; nothing where that is no file's name.
fn file_name(path: &str) -> Option<&str> {
    let name = path.rsplit(['/', '\\']).next()?;
    (!name.is_empty() && name != "." && name != "..").then_some(name)
}

/// Whether almost all values that are not white on both are the same. Screens that are all white are not: there is nothing to compare.
fn is_same(before: &RgbaImage, after: &RgbaImage) -> bool {
    if before.dimensions() != after.dimensions() {
        return false;
    }
    let (mut counted, mut same) = (0_u64, 0_u64);
    for (one, other) in before.as_raw().iter().zip(after.as_raw()) {
        if *one != WHITE || *other != WHITE {
            counted += 1;
            same += u64::from(one == other);
        }
    }
    counted > 0 && same as f64 / counted as f64 > SAME_SHARE
}

#[cfg(test)]
mod tests;
