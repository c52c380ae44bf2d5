//! `tapwright offline`

use std::io::ErrorKind;

use serde_json::json;
use tapwright_tasks::offline::import::{ImportProgress, ImportReport, import};
use tapwright_tasks::offline::infer::{InferError, InferReport, InferRules, infer};
use tapwright_tasks::offline::judge::{AnswerStatus, judge};
use tapwright_tasks::offline::metric::{OfflineCounts, OfflineMetric, read_metric};
use tapwright_tasks::offline::traces::{self, TraceFacts, TraceMetric};
use tapwright_tasks::offline::{OfflineError, RECORDS, draw, read_records, read_records_on_pictures};

use super::open_model;
use crate::arguments::{
    Common, InferArguments, JudgeAnswersArguments, MetricArguments, OfflineArguments, OfflineCommand, TracesArguments,
};
use crate::clock;
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::narrator::Narrator;
use crate::output;

/// News of so many records at once.
const TELL_EVERY: u32 = 50;

pub async fn perform(common: Common, arguments: OfflineArguments) -> Result<Exit, CliError> {
    let json = common.json;
    match arguments.command {
        OfflineCommand::Draw(arguments) => {
            let narrator = Narrator::new(json, true, 0);
            let tell = |done: u32| {
                if done.is_multiple_of(TELL_EVERY) {
                    narrator.wait(&format!("{done} of {} screens", arguments.count));
                }
            };
            draw::draw(&arguments.folder, arguments.seed, arguments.count, tell)?;
            narrator.go_on();
            let records = read_records(&arguments.folder)?;
            let folder = arguments.folder.display().to_string();
            tell_made(json, records.len(), &folder);
        }
        OfflineCommand::Import(arguments) => {
            let narrator = Narrator::new(json, true, 0);
            let tell = |progress: ImportProgress| {
                let ImportProgress { file, files, records } = progress;
                narrator.wait(&format!("file {file} of {files}, {records} records"));
            };
            let report = import(&arguments.files, &arguments.folder, &arguments.options(), tell)?;
            narrator.go_on();
            tell_imported(json, &report, &arguments.folder.display().to_string());
        }
        OfflineCommand::Infer(arguments) => return ask(common, arguments).await,
        OfflineCommand::Judge(arguments) => judge_answers(json, &arguments)?,
        OfflineCommand::Metric(MetricArguments { answers }) => {
            let found = read_metric(&answers)?;
            if json {
                output::out(&serde_json::to_string(&found).unwrap_or_default());
            } else {
                tell_metric(&found, &answers.display().to_string());
            }
        }
        OfflineCommand::Traces(arguments) => tell_traces(json, &arguments)?,
    }
    Ok(Exit::Done)
}

fn judge_answers(json: bool, arguments: &JudgeAnswersArguments) -> Result<(), CliError> {
    let JudgeAnswersArguments { set, answers } = arguments;
    let judged = judge(&read_records_on_pictures(set)?, answers)?;
    let count = |status: AnswerStatus| judged.iter().filter(|record| record.status == status).count();
    let right = count(AnswerStatus::Right);
    let (missing, not_answered) = (count(AnswerStatus::Missing), count(AnswerStatus::NotAnswered));
    if json {
        let told = json!({
            "records": judged.len(), "right": right, "missing": missing, "not_answered": not_answered, "exit": 0,
        });
        output::out(&told.to_string());
        return Ok(());
    }
    output::out(&format!("  {right} of {} are right, {missing} were not asked about yet", judged.len()));
    if not_answered > 0 {
        output::out(&format!("  {not_answered} were asked about and have no answer: answers.jsonl says why"));
    }
    output::out(&format!("  tapwright offline metric {}", output::flat(&answers.display().to_string())));
    Ok(())
}

fn tell_metric(found: &OfflineMetric, answers: &str) {
    output::out("                            right  answered   records  no format  same type");
    row("all", &found.all);
    found.kinds.iter().for_each(|(kind, counts)| row(kind, counts));
    found.groups.iter().for_each(|(group, counts)| row(group, counts));
    if found.episodes.episodes > 0 {
        let (right, all) = (found.episodes.right, found.episodes.episodes);
        output::out(&format!("  {right} of {all} episodes are right in every step"));
    }
    if found.refusals.records > 0 {
        row("refusals, not in all", &found.refusals);
    }
    let not_answered = found.all.not_answered + found.refusals.not_answered;
    if not_answered > 0 {
        output::out(&format!("  {not_answered} records were asked about and have no answer: answers.jsonl says why"));
    }
    if found.unjudged > 0 {
        let answers = output::flat(answers);
        output::out(&format!("  {} answers were not judged yet, and do not count:", found.unjudged));
        output::out(&format!("  tapwright offline judge SET {answers}"));
    }
}

/// What traces of AndroidLab say, and what was judged elsewhere.
fn tell_traces(json: bool, arguments: &TracesArguments) -> Result<(), CliError> {
    let narrator = Narrator::new(json, true, 0);
    let results = arguments.results.as_deref().map(traces::read_results).transpose()?;
    let lengths = arguments.lengths.as_deref().map(traces::read_lengths).transpose()?;
    let tell = |done: usize, all: usize| narrator.wait(&format!("{done} of {all} traces"));
    let found = traces::metric(&arguments.folder, results.as_ref(), lengths.as_ref(), tell)?;
    narrator.go_on();
    if json {
        output::out(&serde_json::to_string(&found).unwrap_or_default());
        return Ok(());
    }
    output::out("  task                      steps  changed  redundancy  ends");
    for facts in &found.traces {
        let TraceFacts { task, steps, reasonable, redundancy, is_stuck, is_finished, is_complete, .. } = facts;
        let end = match (is_stuck, is_finished) {
            (true, _) => "one action too often",
            (false, true) => "says that it is done",
            (false, false) => "breaks off",
        };
        let judged = match is_complete {
            Some(true) => ", complete",
            Some(false) => ", not complete",
            None => "",
        };
        output::out(&format!(
            "  {:<24} {steps:>6} {:>8} {:>11}  {end}{judged}",
            output::fit(&output::flat(task), 24),
            percent(Some(*reasonable)),
            percent(*redundancy),
        ));
    }
    let TraceMetric { traces, older, reasonable, stuck, finished, judged, complete, redundancy } = found;
    let all = traces.len();
    output::out(&format!("  {all} tasks, {finished} say that they are done, {stuck} end with one action too often"));
    if older > 0 {
        output::out(&format!("  {older} older traces of the same tasks are left out"));
    }
    let without = |count: &dyn Fn(&TraceFacts) -> u32| traces.iter().map(count).sum::<u32>();
    let (trees, pictures) = (without(&|facts| facts.without_tree), without(&|facts| facts.without_picture));
    if trees + pictures > 0 {
        output::out(&format!("  {trees} steps have no tree and do not count, {pictures} screens are no pictures"));
    }
    output::out(&format!("  reasonable operation ratio {} over {all} tasks", percent(reasonable)));
    if judged > 0 {
        output::out(&format!("  {complete} of {judged} are complete by --results"));
        output::out(&format!("  reversed redundancy ratio {} over those that are complete", percent(redundancy)));
    } else {
        output::out("  no success rate: AndroidLab's own judges are not here, --results reads what they found");
    }
    Ok(())
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

fn tell_made(json: bool, count: usize, folder: &str) {
    if json {
        output::out(&json!({"records": count, "folder": folder, "exit": 0}).to_string());
    } else {
        output::out(&format!("  {count} records in {}", output::flat(folder)));
    }
}

/// What came of an import: what was left out, and why, too.
fn tell_imported(json: bool, report: &ImportReport, folder: &str) {
    let ImportReport { format, records, episodes, left_out, faults, fault_count, files_kept } = report;
    if json {
        let told = json!({
            "format": format.name(), "records": records, "episodes": episodes, "folder": folder, "left_out": left_out,
            "faulty": fault_count, "faults": faults, "files_kept": files_kept, "exit": 0,
        });
        return output::out(&told.to_string());
    }
    let of_episodes = if *episodes > 0 { format!(" of {episodes} episodes") } else { String::new() };
    output::out(&format!("  {records} records{of_episodes} in {}, read as {}", output::flat(folder), format.name()));
    if *files_kept > 0 {
        output::out(&format!("  {files_kept} files were read before, by an import that broke off"));
    }
    for (reason, count) in left_out {
        output::out(&format!("  left out: {count} x {}", output::flat(reason)));
    }
    for fault in faults {
        output::out(&format!("  faulty: {}", output::flat(fault)));
    }
    if *fault_count > faults.len() {
        output::out(&format!("  faulty: {} more", fault_count - faults.len()));
    }
    output::out(&format!("  tapwright offline infer {} ANSWERS --model MODEL", output::flat(folder)));
}

fn row(name: &str, counts: &OfflineCounts) {
    let OfflineCounts { records, wrong_format, steps, same_type, .. } = *counts;
    let of_type = if steps > 0 { percent(Some(f64::from(same_type) / f64::from(steps))) } else { "-".to_owned() };
    output::out(&format!(
        "  {:<24} {:>8} {:>8}  {:>8}  {wrong_format:>9}  {of_type:>9}",
        output::fit(&output::flat(name), 24),
        percent(counts.over_all()),
        counts.answered(),
        records,
    ));
}

async fn ask(common: Common, arguments: InferArguments) -> Result<Exit, CliError> {
    let InferArguments { set, answers, model } = arguments;
    let config = Config::read(Flags::common(common).model(model))?;
    let records = read_records_on_pictures(&set)?;
    let stop = interrupt::listen();
    let narrator = Narrator::new(config.json, true, 0);
    let Some(mut opened) = open_model(&config.model, &narrator, &stop).await? else { return Ok(Exit::Stopped) };
    let date = clock::date(clock::now());
    let rules = InferRules { date: &date, limits: &config.rules.limits };
    let tell = |done: usize| narrator.wait(&format!("{done} of {} answered", records.len()));
    let report = infer((&set, &records), &answers, &mut opened, rules, &stop, tell).await?;
    narrator.go_on();
    Ok(tell_answered(config.json, &report, records.len()))
}

/// What came of asking, and the code that says it.
fn tell_answered(json: bool, report: &InferReport, records: usize) -> Exit {
    let InferReport { asked, answered_before, unanswered, reasons, is_stopped } = report;
    let exit = match (is_stopped, unanswered) {
        (true, _) => Exit::Stopped,
        (false, 0) => Exit::Done,
        (false, _) => Exit::Void,
    };
    let answered = asked + answered_before;
    if json {
        let told = json!({
            "asked": asked, "answered_before": answered_before, "not_answered": unanswered, "reasons": reasons,
            "missing": records - answered - unanswered, "exit": exit.code(),
        });
        output::out(&told.to_string());
        return exit;
    }
    output::out(&format!("  {answered} of {records} records are answered"));
    for reason in reasons {
        output::out(&format!("  not answered: {}", output::flat(reason)));
    }
    if *unanswered > reasons.len() {
        output::out(&format!("  not answered: {} more", unanswered - reasons.len()));
    }
    if *unanswered > 0 {
        output::out(&format!("  {unanswered} have no answer: the same command asks about them again"));
    }
    exit
}

impl From<OfflineError> for CliError {
    fn from(error: OfflineError) -> CliError {
        match &error {
            OfflineError::File { at, source }
                if source.kind() == ErrorKind::NotFound && at.file_name().is_some_and(|name| name == RECORDS) =>
            {
                CliError::new(Exit::Usage, &error)
                    .help("name a folder that is there: tapwright offline draw FOLDER makes one")
            }
            OfflineError::File { .. } | OfflineError::Unfit(_) => CliError::new(Exit::Usage, &error),
            OfflineError::Unwritten { .. } => CliError::new(Exit::Unwritten, &error),
            OfflineError::Occupied { .. } => {
                CliError::new(Exit::Unwritten, &error).help("name a folder that is not there yet, where you may write")
            }
            OfflineError::ForeignRecords { .. } => CliError::new(Exit::Unwritten, &error)
                .help("nothing was changed; move that file elsewhere, or give it another name, and import again"),
            OfflineError::Busy { .. } => {
                CliError::new(Exit::NotReady, &error).help("wait for its end, or stop that process")
            }
            OfflineError::Record { .. } | OfflineError::Entry { .. } => CliError::new(Exit::Unreadable, &error)
                .help("where only its content is wrong, --skip-faulty passes over it and tells of it"),
            OfflineError::Line { .. } | OfflineError::Content { .. } => CliError::new(Exit::Unreadable, &error),
        }
    }
}

impl From<InferError> for CliError {
    fn from(error: InferError) -> CliError {
        match error {
            InferError::File(error) => error.into(),
            InferError::OtherModel { .. } | InferError::OtherRecords { .. } => {
                CliError::new(Exit::Usage, &error).help("take another folder for these answers")
            }
            InferError::Model { .. } => CliError::new(Exit::NotReady, &error)
                .help("what was answered is kept: the same command goes on with the rest"),
            InferError::Unanswered { .. } => CliError::new(Exit::NotReady, &error).help(
                "see to the model; what was answered is kept, and the same command goes on with what was not asked about yet",
            ),
        }
    }
}
