//! `tapwright bench rescore`

use std::io;
use std::path::Path;
use std::sync::Arc;

use console::style;
use serde_json::{Value, json};
use tapwright_tasks::bench::rescore::{Rescoring, rescore};
use tapwright_tasks::bench::summary::Summary;
use tapwright_tasks::bench::{Ledger, LedgerRecords, browsergym_layout, osworld_layout, report, table};
use tapwright_tasks::count_of;
use tapwright_tasks::judge::Evaluator;
use tapwright_tasks::record::{SuiteBrief, keep_suite};
use tapwright_tasks::suite::Suite;
use tapwright_tasks::suites::folder::FolderSuite;
use tapwright_tasks::suites::miniwob;
use tapwright_tasks::{osworld, suites};

use super::measure::JUDGE;
use crate::arguments::{Common, RescoreArguments};
use crate::clock;
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

pub async fn perform(common: Common, arguments: &RescoreArguments) -> Result<Exit, CliError> {
    let config = Config::read(Flags::records(common))?;
    let (folder, brief) = super::found(&config.runs, &arguments.run)?;
    let mut ledger = take_up(&folder)?;
    let own = own_suite(arguments, &brief)?;
    let own = own.as_ref().map(|suite| suite as &dyn Suite);
    let by = other_evaluator(arguments, &brief).await?;
    let told = rescore(&mut ledger, own, by, JUDGE, &clock::now).await?;
    // What a suite of somebody's own wants stands in its file, and not in the record.
    let lacks_suite = own.is_none() && !suites::is_shipped(&brief.suite) && !told.left.is_empty();
    let exit = if told.judged == 0 && !told.left.is_empty() { Exit::NotReady } else { Exit::Done };
    let suite_name = brief.suite.clone();
    let summary = write_results(&folder, brief, &ledger.records)?;
    if config.json {
        output::out(&report_json(&told, &summary, &folder, exit).to_string());
        return Ok(exit);
    }
    tell(&told, &summary);
    if lacks_suite {
        tell_lacking_suite(&suite_name);
    }
    Ok(exit)
}

fn take_up(folder: &Path) -> Result<Ledger, CliError> {
    if !Ledger::is_there(folder) {
        return Err(CliError::usage(format!("{} has no ledger: an earlier version measured it", folder.display()))
            .help("judge its runs one by one: tapwright judge RUN"));
    }
    Ok(Ledger::take_up(folder)?)
}

/// The suite in the folder that `--suite` names, if that is the one that was measured.
fn own_suite(arguments: &RescoreArguments, brief: &SuiteBrief) -> Result<Option<FolderSuite>, CliError> {
    let Some(folder) = &arguments.suite else { return Ok(None) };
    let suite = FolderSuite::read(folder, &std::env::temp_dir())?;
    if suite.name() != brief.suite {
        return Err(CliError::usage(format!("{} measures the suite {}, not {}", brief.run, brief.suite, suite.name()))
            .help("name the folder of the suite that was measured"));
    }
    Ok(Some(suite))
}

/// What judges in place of the suite's own evaluators, if `--evaluator` names it.
async fn other_evaluator(
    arguments: &RescoreArguments,
    brief: &SuiteBrief,
) -> Result<Option<Arc<dyn Evaluator>>, CliError> {
    let choice = super::evaluator::choice(&arguments.official)?;
    super::evaluator::check(&choice).await?;
    match (arguments.official.evaluator.is_some(), brief.suite == osworld::NAME) {
        (true, false) => {
            Err(CliError::usage(format!("--evaluator is for the suite osworld, and not for {}", brief.suite))
                .help("leave out --evaluator"))
        }
        (true, true) => Ok(Some(suites::osworld::evaluator(choice))),
        (false, _) => Ok(None),
    }
}

/// Writes the table, what other programs read of it, and the page anew.
fn write_results(folder: &Path, brief: SuiteBrief, records: &LedgerRecords) -> Result<Summary, CliError> {
    let (table, _) = table(records, folder);
    let when = clock::time(records.header.started) + " UTC";
    let written = || -> io::Result<Summary> {
        keep_suite(folder, &SuiteBrief { table, ..brief })?;
        if records.header.suite == osworld::NAME {
            osworld_layout::write(folder, records)?;
        }
        if records.header.suite == miniwob::NAME {
            browsergym_layout::write(folder, records)?;
        }
        report::write(folder, records, &when)
    };
    written().map_err(|error| CliError::with_text(Exit::Unwritten, format!("the table cannot be written: {error}")))
}

/// What came of it, for programs.
fn report_json(told: &Rescoring, summary: &Summary, folder: &Path, exit: Exit) -> Value {
    let changed: Vec<_> =
        told.changed.iter().map(|(case, before, now)| json!({"case": case, "before": before, "now": now})).collect();
    let left: Vec<_> = told.left.iter().map(|(case, why)| json!({"case": case, "why": why})).collect();
    json!({
        "judged": told.judged, "changed": changed, "left": left, "summary": summary,
        "record": folder.to_string_lossy(), "exit": exit.code(),
    })
}

/// The same for people.
fn tell(told: &Rescoring, summary: &Summary) {
    output::out("");
    for (case, before, now) in &told.changed {
        output::out(&format!("  {}  was {before}, is {now}", style(output::flat(case)).bold()));
    }
    for (case, why) in &told.left {
        output::out(&format!("  {} {}: {}", style("!").yellow().bold(), output::flat(case), output::flat(why)));
    }
    output::out(&format!(
        "  {} judged anew, {} worth something else now, {} could not be judged",
        count_of(told.judged, "run", "runs"),
        told.changed.len(),
        told.left.len()
    ));
    for line in super::summary_output::numbers(summary) {
        output::out(&format!("  {line}"));
    }
    output::out("");
}

fn tell_lacking_suite(suite: &str) {
    output::err(&format!(
        "{} {} is a suite of your own, and its cases say what has to be true in the end; name its folder: --suite FOLDER",
        style("help:").cyan().bold().for_stderr(),
        output::flat(suite)
    ));
}
