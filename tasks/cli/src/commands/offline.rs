//! `tapwright offline`

use serde_json::json;
use tapwright_tasks::offline::infer::{InferError, infer};
use tapwright_tasks::offline::judge::{AnswerStatus, judge, read_judged};
use tapwright_tasks::offline::metric::{OfflineCounts, metric};
use tapwright_tasks::offline::{OfflineError, draw, import, read_records};

use super::open_model;
use crate::arguments::{
    Common, InferArguments, JudgeAnswersArguments, MetricArguments, OfflineArguments, OfflineCommand,
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
            let form = arguments.boxes.map(crate::arguments::BoxFormArgument::form);
            let count = import::import(&arguments.file, &arguments.images, form)?;
            tell_made(json, count, &arguments.images.display().to_string());
        }
        OfflineCommand::Infer(arguments) => return ask(common, arguments).await,
        OfflineCommand::Judge(JudgeAnswersArguments { set, answers }) => {
            let judged = judge(&read_records(&set)?, &answers)?;
            let count = |status: AnswerStatus| judged.iter().filter(|record| record.status == status).count();
            let (right, missing) = (count(AnswerStatus::Right), count(AnswerStatus::Missing));
            if json {
                let told = json!({"records": judged.len(), "right": right, "missing": missing, "exit": 0});
                output::out(&told.to_string());
            } else {
                output::out(&format!("  {right} of {} are right, {missing} have no answer yet", judged.len()));
                output::out(&format!("  tapwright offline metric {}", output::flat(&answers.display().to_string())));
            }
        }
        OfflineCommand::Metric(MetricArguments { answers }) => {
            let found = metric(&read_judged(&answers)?);
            if json {
                output::out(&serde_json::to_string(&found).unwrap_or_default());
            } else {
                output::out("                            right  answered   records  no format  same type");
                row("all", &found.all);
                found.kinds.iter().for_each(|(kind, counts)| row(kind, counts));
                found.groups.iter().for_each(|(group, counts)| row(group, counts));
                if found.refusals.records > 0 {
                    row("refusals, not in all", &found.refusals);
                }
            }
        }
    }
    Ok(Exit::Done)
}

fn tell_made(json: bool, count: usize, folder: &str) {
    if json {
        output::out(&json!({"records": count, "folder": folder, "exit": 0}).to_string());
    } else {
        output::out(&format!("  {count} records in {}", output::flat(folder)));
    }
}

fn row(name: &str, counts: &OfflineCounts) {
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
    let OfflineCounts { records, missing, wrong_format, steps, same_type, .. } = *counts;
    let of_type = if steps > 0 { share(Some(f64::from(same_type) / f64::from(steps))) } else { "-".to_owned() };
    output::out(&format!(
        "  {:<24} {:>8} {:>8}  {:>8}  {wrong_format:>9}  {of_type:>9}",
        output::fit(&output::flat(name), 24),
        share(counts.over_all()),
        records - missing,
        records,
    ));
}

async fn ask(common: Common, arguments: InferArguments) -> Result<Exit, CliError> {
    let InferArguments { set, answers, model } = arguments;
    let config = Config::read(Flags::common(common).model(model))?;
    let records = read_records(&set)?;
    let stop = interrupt::listen();
    let narrator = Narrator::new(config.json, true, 0);
    let Some(mut opened) = open_model(&config.model, &narrator, &stop).await? else { return Ok(Exit::Stopped) };
    let rules = (clock::date(clock::now()), config.rules.limits.think);
    let tell = |done: usize| narrator.wait(&format!("{done} of {} answered", records.len()));
    let counts = infer((&set, &records), &answers, &mut opened, (&rules.0, rules.1), &stop, tell).await?;
    narrator.go_on();
    let missing = records.len() - counts.asked - counts.answered_before;
    if config.json {
        let told = json!({"asked": counts.asked, "answered_before": counts.answered_before, "missing": missing});
        output::out(&told.to_string());
    } else {
        let answered = counts.asked + counts.answered_before;
        output::out(&format!("  {answered} of {} records are answered", records.len()));
    }
    Ok(if counts.is_stopped { Exit::Stopped } else { Exit::Done })
}

impl From<OfflineError> for CliError {
    fn from(error: OfflineError) -> CliError {
        match &error {
            OfflineError::File { .. } => CliError::new(Exit::Usage, &error)
                .help("name a folder that is there: tapwright offline draw FOLDER makes one"),
            OfflineError::Line { .. } | OfflineError::Content { .. } => CliError::new(Exit::Unreadable, &error),
        }
    }
}

impl From<InferError> for CliError {
    fn from(error: InferError) -> CliError {
        match error {
            InferError::File(error) => error.into(),
            InferError::Others { .. } => {
                CliError::new(Exit::Usage, &error).help("take another folder for these answers")
            }
            InferError::Model { .. } => CliError::new(Exit::NotReady, &error)
                .help("what was answered is kept: the same command goes on with the rest"),
        }
    }
}
