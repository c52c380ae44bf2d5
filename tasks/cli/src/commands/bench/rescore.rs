//! `tapwright bench rescore`

use console::style;
use serde_json::json;
use tapwright_tasks::bench::rescore::rescore;
use tapwright_tasks::bench::{Ledger, osworld_layout, report, table};
use tapwright_tasks::count_of;
use tapwright_tasks::origin::write_atomically;
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
    if !Ledger::is_there(&folder) {
        return Err(CliError::usage(format!("{} has no ledger: an earlier version measured it", folder.display()))
            .help("judge its runs one by one: tapwright judge RUN"));
    }
    let mut ledger = Ledger::take_up(&folder)?;
    let own = match &arguments.suite {
        Some(suite) => Some(FolderSuite::read(suite, &std::env::temp_dir())?),
        None => None,
    };
    let own = own.as_ref().map(|suite| suite as &dyn Suite);
    if let Some(suite) = own.filter(|suite| suite.name() != brief.suite) {
        return Err(CliError::usage(format!("{} measures the suite {}, not {}", brief.run, brief.suite, suite.name()))
            .help("name the folder of the suite that was measured"));
    }
    let choice = super::evaluator::choice(&arguments.official)?;
    super::evaluator::check(&choice).await?;
    let by = match (arguments.official.evaluator.is_some(), brief.suite == osworld::NAME) {
        (true, false) => {
            return Err(CliError::usage(format!("--evaluator is for the suite osworld, and not for {}", brief.suite))
                .help("leave out --evaluator"));
        }
        (true, true) => Some(suites::osworld::evaluator(choice)),
        (false, _) => None,
    };
    let told = rescore(&mut ledger, own, by, JUDGE, &clock::now).await?;
    // What a suite of somebody's own wants stands in its file, and not in the record.
    let lacks_suite = own.is_none() && !suites::is_shipped(&brief.suite) && !told.left.is_empty();
    let exit = if told.judged == 0 && !told.left.is_empty() { Exit::NotReady } else { Exit::Done };
    let suite_name = brief.suite.clone();
    let (table, _) = table(&ledger.records, &folder);
    let when = clock::time(ledger.records.header.started) + " UTC";
    let unwritten =
        |error: std::io::Error| CliError::with_text(Exit::Unwritten, format!("the table cannot be written: {error}"));
    keep_suite(&folder, &SuiteBrief { table, ..brief }).map_err(unwritten)?;
    if ledger.records.header.suite == osworld::NAME {
        osworld_layout::write(&folder, &ledger.records).map_err(unwritten)?;
    }
    if ledger.records.header.suite == miniwob::NAME {
        let theirs = report::browsergym_table(&folder, &ledger.records);
        write_atomically(&folder, "browsergym.csv", &theirs).map_err(unwritten)?;
    }
    let summary = report::write(&folder, &ledger.records, &when).map_err(unwritten)?;
    if config.json {
        let changed: Vec<_> = told
            .changed
            .iter()
            .map(|(case, before, now)| json!({"case": case, "before": before, "now": now}))
            .collect();
        let left: Vec<_> = told.left.iter().map(|(case, why)| json!({"case": case, "why": why})).collect();
        let line = json!({
            "judged": told.judged, "changed": changed, "left": left, "summary": summary,
            "record": folder.to_string_lossy(), "exit": exit.code(),
        });
        output::out(&line.to_string());
        return Ok(exit);
    }
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
    for line in super::summary_output::numbers(&summary) {
        output::out(&format!("  {line}"));
    }
    output::out("");
    if lacks_suite {
        output::err(&format!(
            "{} {} is a suite of your own, and its cases say what has to be true in the end; name its folder: --suite FOLDER",
            style("help:").cyan().bold().for_stderr(),
            output::flat(&suite_name)
        ));
    }
    Ok(exit)
}
