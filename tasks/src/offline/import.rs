//! Records of sets that are published, from the files that the user has: ScreenSpot (v1, v2), ScreenSpot-Pro and OSWorld-G, AndroidControl,
//! Android in the Wild, GUI-Odyssey, and traces of AndroidLab. None of them is part of this program.

mod accessibility;
mod aitw;
mod android_control;
mod androidlab;
mod collection;
mod example;
mod gui_odyssey;
mod ownership;
mod parts;
mod protobuf;
mod recognition;
mod screenspot;
mod source;
mod tfrecord;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use self::screenspot::BoxForm;

use self::collection::{Collection, FAULTS_MAX, Fault, remove_if_there, start};
use self::example::Example;
use self::gui_odyssey::Screenshots;
use self::parts::Parts;
use self::tfrecord::RecordReader;
use super::files::read_text;
use super::{BYTES_MAX, OfflineError, RECORDS, traces, write_lines};

/// Beside the pictures, while an import is under way.
const PARTS: &str = "import.part";
/// What the records were, from the first picture that is replaced until there are new ones.
const RECORDS_REPLACED: &str = "records.replaced.jsonl";
/// So many lists of a file of episodes are named, where the one that is asked for is not there.
const LISTS_TOLD: usize = 20;
/// So many records are read between two pieces of news.
const TELL_EVERY: usize = 20;

/// Which set's files these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetFormat {
    /// ScreenSpot (v1, v2), ScreenSpot-Pro, OSWorld-G.
    ScreenSpot,
    AndroidControl,
    /// Android in the Wild.
    Aitw,
    GuiOdyssey,
    /// Traces of AndroidLab.
    AndroidLab,
}

impl SetFormat {
    /// As it is named on the command line.
    pub fn name(self) -> &'static str {
        match self {
            SetFormat::ScreenSpot => "screenspot",
            SetFormat::AndroidControl => "android-control",
            SetFormat::Aitw => "aitw",
            SetFormat::GuiOdyssey => "gui-odyssey",
            SetFormat::AndroidLab => "androidlab",
        }
    }
}

/// A set that is published in files of examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ShardSet {
    AndroidControl,
    /// Android in the Wild.
    Aitw,
}

/// What a model is asked at a step of a recorded run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// What the whole run is for.
    #[default]
    High,
    /// What is to be done next.
    Low,
}

/// A file of lists of episodes by name, as the sets' `splits.json`, and one of its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpisodeList {
    pub file: PathBuf,
    pub part: String,
}

/// What is to be imported, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// As the content says, without one.
    pub format: Option<SetFormat>,
    /// What the numbers of ScreenSpot's boxes are, where that is not what the set has as a rule.
    pub boxes: Option<BoxForm>,
    pub level: Level,
    pub list: Option<EpisodeList>,
    /// At most so many episodes, the first ones.
    pub episodes_max: Option<usize>,
    /// At most so many records.
    pub records_max: Option<usize>,
    /// Of AndroidLab: what was judged elsewhere. Only traces of tasks that were done by it.
    pub results: Option<PathBuf>,
    /// Whether what is faulty is passed over and counted; it ends the import otherwise. A damaged file always does.
    pub skip_faulty: bool,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportProgress {
    /// From 1 on.
    pub file: usize,
    pub files: usize,
    pub records: usize,
}

/// What came of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    pub format: SetFormat,
    pub records: usize,
    /// Of sets of recorded runs.
    pub episodes: usize,
    /// How often something was read that is no record, by reason.
    pub left_out: BTreeMap<String, usize>,
    /// The first ones of what is faulty, and how many there are.
    pub faults: Vec<String>,
    pub fault_count: usize,
    /// Files whose records an import before has left that broke off.
    pub files_kept: usize,
}

impl ImportReport {
    fn of(format: SetFormat) -> ImportReport {
        let (left_out, faults) = (BTreeMap::new(), Vec::new());
        ImportReport { format, records: 0, episodes: 0, left_out, faults, fault_count: 0, files_kept: 0 }
    }

    /// Counts what is passed over.
    fn add_fault(&mut self, fault: &OfflineError) {
        self.fault_count += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault.to_string());
        }
    }
}

/// Reads a set's files and writes its records into a folder, beside its pictures. `tell` hears how far it is.
///
/// The file of the records is written at the end, as a whole, in place of one that an import before has written and of no other. An import of recorded runs that breaks off goes on, when it is asked for again,
/// with the file that it was at.
///
/// # Errors
/// `OfflineError` with the file and the record or entry that is wrong, or with records that are the user's own.
pub fn import(
    from: &[PathBuf],
    folder: &Path,
    options: &ImportOptions,
    tell: impl FnMut(ImportProgress),
) -> Result<ImportReport, OfflineError> {
    let format = match options.format {
        Some(format) => format,
        None => recognition::recognize(from)?,
    };
    fits(format, options)?;
    ownership::refuse_foreign(folder)?;
    let report = import_as(format, from, folder, options, tell)?;
    ownership::mark_own(folder)?;
    Ok(report)
}

fn import_as(
    format: SetFormat,
    from: &[PathBuf],
    folder: &Path,
    options: &ImportOptions,
    tell: impl FnMut(ImportProgress),
) -> Result<ImportReport, OfflineError> {
    match format {
        SetFormat::ScreenSpot => {
            let [file] = from else { return Err(OfflineError::Unfit("this set is one file: name one".to_owned())) };
            screenspot::import(file, folder, options)
        }
        SetFormat::AndroidControl => import_shards(ShardSet::AndroidControl, from, folder, options, tell),
        SetFormat::Aitw => import_shards(ShardSet::Aitw, from, folder, options, tell),
        SetFormat::GuiOdyssey => {
            let files = source::annotation_files(from)?;
            let screenshots = Screenshots::open(folder)?;
            import_episodes(&files, folder, ImportReport::of(format), options, tell, |file, collection| {
                gui_odyssey::read_episode(&gui_odyssey::read_annotation(file)?, &screenshots, collection)
            })
        }
        SetFormat::AndroidLab => {
            let folders: Result<Vec<_>, _> = from.iter().map(|at| traces::trace_folders(at)).collect();
            let results = options.results.as_deref().map(traces::read_results).transpose()?;
            let (mut folders, mut report) = (folders?.concat(), ImportReport::of(format));
            if results.is_some() {
                // Of the others nobody knows whether they did it.
                let (latest, older) = traces::latest_of_tasks(folders);
                folders = latest;
                if older > 0 {
                    let reason = "an older trace of its task: --results are of the latest";
                    report.left_out.insert(reason.to_owned(), older);
                }
            }
            import_episodes(&folders, folder, report, options, tell, |at, collection| {
                let trace = traces::read_trace(at)?;
                if results.as_ref().is_some_and(|results| results.get(&trace.task) != Some(&true)) {
                    collection.leave_out("a trace of a task that is not done by --results".to_owned());
                    return Ok(());
                }
                androidlab::read_trace(&trace, collection)
            })
        }
    }
}

/// Whether what is asked for is something that the set has.
fn fits(format: SetFormat, options: &ImportOptions) -> Result<(), OfflineError> {
    let unfit = |what: &str| Err(OfflineError::Unfit(format!("{what}, and this is {}", format.name())));
    let is_screenspot = format == SetFormat::ScreenSpot;
    if options.boxes.is_some() && !is_screenspot {
        return unfit("--boxes is for screenspot");
    }
    if options.level == Level::Low && !matches!(format, SetFormat::AndroidControl | SetFormat::GuiOdyssey) {
        return unfit("--level low is for sets that have an instruction for each step: android-control, gui-odyssey");
    }
    if options.results.is_some() && format != SetFormat::AndroidLab {
        return unfit("--results is for androidlab");
    }
    if is_screenspot && (options.list.is_some() || options.episodes_max.is_some()) {
        return unfit("--splits and --episodes are for recorded runs");
    }
    Ok(())
}

/// Reads episodes that have a file or a folder each. They are small, and their pictures lie there already: all are read again each time.
fn import_episodes(
    from: &[PathBuf],
    folder: &Path,
    report: ImportReport,
    options: &ImportOptions,
    mut tell: impl FnMut(ImportProgress),
    mut read: impl FnMut(&Path, &mut Collection<'_>) -> Result<(), Fault>,
) -> Result<ImportReport, OfflineError> {
    let listed = options.list.as_ref().map(read_list).transpose()?;
    fs::create_dir_all(folder).map_err(OfflineError::unwritten(folder))?;
    let mut collection = Collection::new(options, folder, listed, report);
    for (at, file) in from.iter().enumerate() {
        if collection.is_full() || collection.has_episodes() {
            break;
        }
        let mark = collection.mark();
        if let Err(fault) = read(file, &mut collection) {
            let place = |why: &str| OfflineError::Content { at: file.clone(), why: why.to_owned() };
            collection.skip(mark, fault, place)?;
        }
        if at.is_multiple_of(TELL_EVERY) {
            tell(ImportProgress { file: at + 1, files: from.len(), records: collection.records() });
        }
    }
    let batch = collection.take()?;
    let report = has_records(collection.report(), from.first().map_or(folder, PathBuf::as_path))?;
    write_lines(&folder.join(RECORDS), batch.records.iter())?;
    remove_replaced(folder)?;
    Ok(report)
}

/// Takes away what the records were, once there are new ones.
fn remove_replaced(folder: &Path) -> Result<(), OfflineError> {
    let at = folder.join(RECORDS_REPLACED);
    remove_if_there(&at).map_err(OfflineError::unwritten(&at))
}

/// A set without a record is none.
fn has_records(report: ImportReport, at: &Path) -> Result<ImportReport, OfflineError> {
    if report.records > 0 {
        return Ok(report);
    }
    let ImportReport { left_out, faults, .. } = &report;
    let why = format!("nothing in it became a record; left out: {left_out:?}, faulty: {faults:?}");
    Err(OfflineError::Content { at: at.to_owned(), why })
}

/// Reads files of examples one after the other, each kept once it is read.
fn import_shards(
    set: ShardSet,
    from: &[PathBuf],
    folder: &Path,
    options: &ImportOptions,
    mut tell: impl FnMut(ImportProgress),
) -> Result<ImportReport, OfflineError> {
    let files = source::record_files(from)?;
    let listed = options.list.as_ref().map(read_list).transpose()?;
    fs::create_dir_all(folder).map_err(OfflineError::unwritten(folder))?;
    let mut parts = Parts::open(folder, options, listed.as_ref())?;
    let format = match set {
        ShardSet::AndroidControl => SetFormat::AndroidControl,
        ShardSet::Aitw => SetFormat::Aitw,
    };
    let mut files_kept = 0;
    let mut collection = Collection::new(options, folder, listed, ImportReport::of(format));
    for (at, file) in files.iter().enumerate() {
        if collection.is_full() || collection.has_episodes() {
            break;
        }
        let mut news = |records: usize| tell(ImportProgress { file: at + 1, files: files.len(), records });
        // Behind a file that is read anew another one may have steps that are there now: it is read anew, too.
        let kept = if files_kept == at { parts.read(file)? } else { None };
        if let Some(batch) = kept {
            collection.replay(&batch);
            parts.keep();
            files_kept += 1;
            news(collection.records());
            continue;
        }
        read_shard(set, file, &mut collection, &mut news)?;
        parts.write(file, &collection.take()?)?;
        news(collection.records());
    }
    let report = has_records(collection.report(), files.first().map_or(folder, PathBuf::as_path))?;
    parts.join()?;
    remove_replaced(folder)?;
    Ok(ImportReport { files_kept, ..report })
}

/// Reads a file of examples.
fn read_shard(
    set: ShardSet,
    file: &Path,
    collection: &mut Collection<'_>,
    news: &mut dyn FnMut(usize),
) -> Result<(), OfflineError> {
    let mut reader = RecordReader::open(file)?;
    let mut read = 0_usize;
    while !collection.is_full() {
        let Some(record) = reader.next()? else { break };
        let mark = collection.mark();
        if let Err(fault) = read_example(set, &record, collection) {
            collection.skip(mark, fault, |why| reader.wrong(why))?;
        }
        let is_over = match set {
            ShardSet::AndroidControl => collection.has_episodes(),
            // Its episodes may go on in any example of the file.
            ShardSet::Aitw => false,
        };
        if is_over {
            break;
        }
        read += 1;
        if read.is_multiple_of(TELL_EVERY) {
            news(collection.records());
        }
    }
    Ok(())
}

fn read_example(set: ShardSet, record: &[u8], collection: &mut Collection<'_>) -> Result<(), Fault> {
    let example = Example::read(record).map_err(|error| error.to_string())?;
    match set {
        ShardSet::AndroidControl => android_control::read_episode(&example, collection),
        ShardSet::Aitw => aitw::read_step(&example, collection),
    }
}

/// The episodes of one of the lists of a file: numbers, names, or names of files.
fn read_list(list: &EpisodeList) -> Result<BTreeSet<String>, OfflineError> {
    let EpisodeList { file: at, part } = list;
    let content = |why: String| OfflineError::Content { at: at.clone(), why };
    let text = read_text(at, BYTES_MAX).map_err(OfflineError::file(at))?;
    let lists: BTreeMap<String, Vec<Value>> = serde_json::from_str(&text)
        .map_err(|error| content(format!("it is no object of lists of episodes: {:.300}", error.to_string())))?;
    let names = || lists.keys().take(LISTS_TOLD).map(|name| start(name, 40)).collect::<Vec<_>>().join(", ");
    let Some(found) = lists.get(part) else {
        return Err(content(format!("it has no list {part:?}; --part is one of {}", names())));
    };
    let name = |value: &Value| match value {
        Value::Number(number) => Ok(number.to_string()),
        Value::String(name) => Ok(name.strip_suffix(".json").unwrap_or(name).to_owned()),
        other => Err(content(format!("{:.40} is no episode", other.to_string()))),
    };
    found.iter().map(name).collect()
}

#[cfg(test)]
mod tests;
