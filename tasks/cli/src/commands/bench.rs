//! `tapwright bench`

mod osworld;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use console::style;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use tapwright_tasks::judge::Verdict;
use tapwright_tasks::measurement::Measurement;
use tapwright_tasks::record::{SUITE_VERSION, SuiteBrief, claim_folder, keep_suite};
use tapwright_tasks::suite::{self, CaseCounts, CaseResult, CaseSelection, SuiteTable};
use tapwright_tasks::{counted, suites};

use self::table::Lines;
use super::{open_model, run_name};
use crate::arguments::{BenchArguments, Common};
use crate::clock;
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::narrator::{Narrator, head};
use crate::output;

pub async fn perform(common: Common, arguments: BenchArguments) -> Result<Exit, CliError> {
    if arguments.suite == tapwright_tasks::osworld::NAME {
        return osworld::perform(&arguments.osworld, common.json);
    }
    if let Some(flag) = arguments.osworld.given() {
        let suite = arguments.suite;
        return Err(CliError::usage(format!("{flag} would do nothing: it is for the suite osworld, not {suite}"))
            .help(format!("leave {flag} out, or write: tapwright bench osworld --tasks PATH --list")));
    }
    measure(common, arguments).await
}

/// Has a model do the cases of a suite, and tells how many it passes.
async fn measure(common: Common, arguments: BenchArguments) -> Result<Exit, CliError> {
    let BenchArguments { suite, seeds, from, template, at_least, apps, osworld: _, weather, model, limits } = arguments;
    let suite = suites::find(&suite).ok_or_else(|| CliError::usage(format!("there is no suite {suite:?}")))?;
    // A suite is the same for everybody: of the file only the model counts, and where things are kept.
    let steps_default = Some(suite.steps_max());
    let flags = Flags { weather, model, limits, steps_default, is_measurement: true, ..Flags::common(common) };
    let config = Config::read(flags)?;
    config.refuse_idle_flags()?;
    let selection = CaseSelection { first: from, count: seeds, template };
    selection.check(suite)?;
    let stop = interrupt::listen();
    let narrator = Narrator::new(config.json, config.verbose == 0, config.rules.limits.steps_max);
    let Some(mut opened) = open_model(&config.model, &narrator, &stop).await? else { return Ok(Exit::Stopped) };

    let started = clock::now();
    let (name, folder) = claimed(&config.runs, &run_name(started, suite.name()))?;
    if !config.json {
        let facts = [("model", opened.about.clone()), ("record", folder.display().to_string())];
        for line in head(
            &format!("The suite {}: {} from seed {from}", suite.name(), counted(seeds, "case", "cases")),
            &facts,
            output::width(),
        ) {
            output::out(&line);
        }
    }
    let rules = config.rules.clone();
    let apps = apps.unwrap_or_default();
    narrator.wait("drawing the cases");
    let cases: Vec<suite::Case> = selection.cases(suite).map(|case| case.with_apps(apps)).collect();
    narrator.wait("reading the model's files: their digest stands in suite.json");
    let measurement = Measurement::of(&cases, &selection, &rules, &config.device.weather, &config.model, &opened);
    narrator.go_on();
    let measurement = measurement.map_err(|error| {
        let error = CliError::said(Exit::NotReady, format!("the model's files cannot be read: {error}"));
        nothing_done(&folder, error)
    })?;
    let device = config.device.clone();
    let plan = suite::BenchRun { cases, rules, device, runs: &folder, now: &clock::now };
    let bar = bar(seeds, config.json || config.verbose > 0);
    let mut rows: Vec<CaseResult> = Vec::new();
    let mut told = SuiteTable::default();
    let stepped = bar.clone();
    let result = suite::bench(
        plan,
        &mut opened,
        stop,
        |_, template, goal| {
            bar.set_message(output::fitted(&format!("{template}: {goal}"), output::width().saturating_sub(58)))
        },
        |step| stepped.set_prefix(format!("step {step:>2}")),
        |row| {
            told.count(row);
            if config.json {
                output::out(&serde_json::to_string(row).unwrap_or_default());
            } else if bar.is_hidden() {
                output::err(&format!("  {:>4}/{seeds}  {}", rows.len() + 1, in_a_line(row)));
            }
            bar.inc(1);
            rows.push(row.clone());
        },
    )
    .await;
    bar.finish_and_clear();

    // What was measured until it broke off is worth showing.
    let (table, broke) = match result {
        Ok(table) => (table, None),
        Err(error) if rows.is_empty() => return Err(nothing_done(&folder, error.into())),
        Err(error) => (told, Some(CliError::from(error))),
    };
    let brief = SuiteBrief {
        version: SUITE_VERSION,
        suite: suite.name().to_owned(),
        run: name.clone(),
        model: opened.model.name().to_owned(),
        started,
        measurement: Some(measurement),
        table: table.clone(),
    };
    let kept = keep_suite(&folder, &brief)
        .map_err(|error| CliError::said(Exit::Unwritten, format!("the suite's table cannot be written: {error}")));
    let exit = exit(&table, at_least, broke.as_ref().or(kept.as_ref().err()));
    tell(suite, &brief, &rows, &folder, exit, config.json);
    match broke {
        Some(trouble) if config.json => Ok(trouble.exit),
        Some(trouble) => Err(trouble),
        None => kept.map(|()| exit),
    }
}

/// A folder for the suite's runs, which nobody else has.
fn claimed(runs: &Path, name: &str) -> Result<(String, PathBuf), CliError> {
    claim_folder(runs, name).map_err(|error| {
        let why = format!("no folder for the runs can be made in {}: {error}", runs.display());
        CliError::said(Exit::Unwritten, why).help("choose a folder that can be written: --runs FOLDER")
    })
}

/// Takes the folder away if nothing came into it.
fn nothing_done(folder: &Path, error: CliError) -> CliError {
    let _ = fs::remove_dir(folder);
    error
}

/// The table, and where the record is, for people or for programs.
fn tell(suite: &dyn suite::Suite, brief: &SuiteBrief, rows: &[CaseResult], folder: &Path, exit: Exit, json: bool) {
    if json {
        let mut line = last_line(&brief.table, brief, exit);
        if let Some(object) = line.as_object_mut() {
            object.insert("record".to_owned(), json!(folder.to_string_lossy()));
        }
        output::out(&line.to_string());
    } else {
        show(suite, &brief.table, rows);
        output::out(&format!("  {} {}\n", style("record ").dim(), folder.display()));
    }
}

fn exit(table: &SuiteTable, at_least: Option<f64>, broke: Option<&CliError>) -> Exit {
    if let Some(trouble) = broke {
        return trouble.exit;
    }
    let below = at_least.is_some_and(|least| table.all.success().is_none_or(|success| success < least));
    match table {
        SuiteTable { stopped: true, .. } => Exit::Stopped,
        _ if below => Exit::Failed,
        SuiteTable { all: CaseCounts { void: 1.., .. }, .. } => Exit::Void,
        _ => Exit::Done,
    }
}

fn bar(tasks: u64, hidden: bool) -> ProgressBar {
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(tasks), target);
    let look = ProgressStyle::with_template("  {bar:24.cyan/dim} {pos:>3}/{len}  {prefix:.dim} {msg}  {eta:.dim}");
    bar.set_style(look.expect("it is a template").progress_chars("━━─"));
    bar
}

fn verdict_in_colour(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Passed => style("passed").green().to_string(),
        Verdict::Failed { .. } => style("failed").red().to_string(),
        Verdict::Void { .. } => style("void  ").yellow().to_string(),
    }
}

fn in_a_line(row: &CaseResult) -> String {
    format!(
        "{}  {:<22} {:>2} steps  {}",
        verdict_in_colour(&row.verdict),
        row.template,
        row.steps,
        output::fitted(&row.goal, 60)
    )
}

fn last_line(table: &SuiteTable, brief: &SuiteBrief, exit: Exit) -> Value {
    let counts = |counts: &CaseCounts| {
        json!({
            "passed": counts.passed,
            "failed": counts.failed,
            "void": counts.void,
            "unasked": counts.unasked,
            "success": counts.success(),
            "steps_mean": counts.steps_mean(),
            "ms_per_step": counts.ms_per_step(),
        })
    };
    let mut line = counts(&table.all);
    let by_name = |table: &BTreeMap<String, CaseCounts>| -> serde_json::Map<String, Value> {
        table.iter().map(|(name, of_it)| (name.clone(), counts(of_it))).collect()
    };
    if let Some(object) = line.as_object_mut() {
        object.insert("suite".to_owned(), json!(brief.suite));
        object.insert("run".to_owned(), json!(brief.run));
        object.insert("model".to_owned(), json!(brief.model));
        object.insert("measurement".to_owned(), json!(brief.measurement));
        object.insert("stopped".to_owned(), json!(table.stopped));
        object.insert("templates".to_owned(), Value::Object(by_name(&table.templates)));
        if !table.groups.is_empty() {
            object.insert("groups".to_owned(), Value::Object(by_name(&table.groups)));
        }
        object.insert("exit".to_owned(), json!(exit.code()));
    }
    line
}

fn show(suite: &dyn suite::Suite, table: &SuiteTable, rows: &[CaseResult]) {
    let failed: Vec<&CaseResult> = rows.iter().filter(|row| row.verdict != Verdict::Passed).collect();
    for row in &failed {
        output::out(&format!(
            "  {}  {} {}",
            verdict_in_colour(&row.verdict),
            style(&row.template).bold(),
            style(format!("seed {}", row.seed)).dim()
        ));
        output::out(&format!("          {}", output::fitted(&row.goal, output::width() - 10)));
        let how = row
            .outcome
            .as_deref()
            .map_or_else(String::new, |outcome| format!("{outcome} after {}; ", output::steps(row.steps)));
        for line in output::wrapped(&format!("{how}{}", row.verdict.why().unwrap_or_default()), output::width() - 10) {
            output::out(&format!("          {}", style(line).dim()));
        }
        output::out(&format!("          {}", style(row.folder.display()).dim()));
    }
    if !failed.is_empty() {
        output::out("");
    }
    let width = output::width();
    // As the suite goes through them.
    let of_template = suite.templates().into_iter().filter_map(|name| Some((name, table.templates.get(name)?)));
    let mut lines = Lines { first: "template", rows: of_template.collect() }.shown(&table.all, false, width);
    if !table.groups.is_empty() {
        lines.push(String::new());
        let of_kind = table.groups.iter().map(|(name, counts)| (name.as_str(), counts)).collect();
        // How many runs of each changed something that nobody asked for.
        lines.extend(Lines { first: "kind", rows: of_kind }.shown(&table.all, true, width));
    }
    lines.iter().for_each(|line| output::out(line));
    if table.stopped {
        output::out(&format!(
            "\n  {}",
            style("stopped before its end; the task that was going on does not count").yellow()
        ));
    }
    output::out("");
}
