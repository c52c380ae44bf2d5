//! `tapwright replay`

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use console::style;
use serde_json::json;
use tapwright_tasks::Record;
use tapwright_tasks::headline::STEP_MODEL;
use tapwright_tasks::judge::Verdict;
use tapwright_tasks::page::{self, PageRun, PageTitle};
use tapwright_tasks::plan::{PlanStanding, standing};
use tapwright_tasks::record::{SuiteBrief, find, find_run, find_suite, runs_of_plan, runs_of_suite};
use tapwright_tasks::run::Judgement;

use crate::arguments::{Common, ReplayArguments};
use crate::clock;
use crate::config::{Config, Flags};
use crate::error::{CliError, with_causes};
use crate::exit::Exit;
use crate::narrator::{GoOn, Narrator, RunEnding};
use crate::output;

/// A page of more is slow to open.
const PAGE_RUNS_MAX: usize = 100;

pub fn perform(common: Common, arguments: &ReplayArguments) -> Result<Exit, CliError> {
    let config = Config::read(Flags::records(common))?;
    if let Some((folder, brief)) = find_suite(&config.runs, &arguments.run) {
        return suite_page(&config, &folder, &brief, arguments.html.as_deref());
    }
    let folder = find_run(&config.runs, &arguments.run)
        .map_err(|error| CliError::usage(error.to_string()).help("see which there are with: tapwright runs"))?;
    let record = Record::read(&folder).map_err(|error| CliError::new(Exit::Unreadable, &error))?;
    let judgement = Judgement::read(&folder).map_err(|error| {
        CliError::with_text(Exit::Unreadable, format!("{}: {error}", folder.join("verdict.json").display()))
    })?;

    let facts = &record.facts;
    let mut narrator = Narrator::new(config.json, false, facts.setting.limits.steps_max);
    narrator.head(
        &facts.setting.goal,
        &[
            ("device", facts.device.clone()),
            ("model", facts.model.clone()),
            ("began", clock::time(facts.started) + " UTC"),
        ],
    );
    for entry in &record.entries {
        narrator.entry(entry);
    }
    // Everything that was written must follow from what was seen and heard.
    let follows = record.replay(|_, _| ());
    let missing = match &arguments.html {
        Some(file) => {
            let plan = find(&config.runs, &arguments.run).ok().filter(|found| *found != folder);
            write_page((&record, judgement.as_ref()), plan.as_deref(), file)?
        }
        None => Vec::new(),
    };
    let exit = if follows.is_ok() { Exit::Done } else { Exit::Unreadable };
    let ms = record.entries.last().map_or(0, |entry| entry.ms);
    if config.json {
        let steps = record.steps();
        let verdict = judgement.as_ref().and_then(|judgement| judgement.verdict.as_ref());
        let line = json!({
            "run": facts.run,
            "outcome": record.end().map(|end| end.outcome.id()),
            "steps": steps,
            "verdict": verdict.map(|verdict| verdict.id()),
            "follows": follows.is_ok(),
            "why": follows.as_ref().err().map(|error| with_causes(error)),
            "html_missing": missing,
            "html": arguments.html.as_ref().map(|file| file.to_string_lossy()),
            "record": folder.to_string_lossy(),
            "exit": exit.code(),
        });
        output::out(&line.to_string());
        return Ok(exit);
    }
    match record.end() {
        Some(end) => {
            let ending = RunEnding {
                run: &facts.run,
                folder: &folder,
                end,
                judgement: judgement.as_ref(),
                ms,
                go_on: GoOn::No,
                device: "device",
                by_steps: facts.model == STEP_MODEL,
            };
            narrator.ending(&ending, exit);
        }
        None => output::out(&format!(
            "\n  {}  it has no end: it is still going on, or it was killed\n",
            style("■").yellow().bold()
        )),
    }
    tell_soundness(&record, follows.as_ref().err().map(|error| error as _));
    if let Some(file) = &arguments.html {
        tell_page(file, &missing);
    }
    Ok(exit)
}

/// Says whether what was written follows from what was seen and heard.
fn tell_soundness(record: &Record, error: Option<&dyn std::error::Error>) {
    let words = match error {
        None => {
            let torn = if record.torn { "; its last line was torn, and left out" } else { "" };
            style(format!("the record is sound: each step follows from what was seen and answered{torn}"))
                .dim()
                .to_string()
        }
        Some(error) => format!(
            "{} the record is not sound: a step does not follow from what was seen and answered: {}",
            style("✗").red().bold(),
            output::flat(&with_causes(error))
        ),
    };
    output::out(&format!("  {words}"));
}

/// The page of a run, or of all runs of its plan. Returns what it is without.
fn write_page(
    (record, judgement): (&Record, Option<&Judgement>),
    plan: Option<&Path>,
    file: &Path,
) -> Result<Vec<String>, CliError> {
    let Some(plan) = plan else {
        return put_page(None, &[page_run(record, judgement)], file);
    };
    let (whole, mut missing) = read_runs(runs_of_plan(plan).unwrap_or_default());
    let runs: Vec<PageRun<'_>> = whole.iter().map(|(record, judgement)| page_run(record, judgement.as_ref())).collect();
    let title = standing(plan).map(|PlanStanding { title, headline, missing }| PageTitle {
        name: title,
        headline: Some(headline),
        missing,
    });
    missing.extend(put_page(title.as_ref(), &runs, file)?);
    Ok(missing)
}

fn page_run<'a>(record: &'a Record, judgement: Option<&'a Judgement>) -> PageRun<'a> {
    PageRun { record, judgement, when: clock::time(record.facts.started) + " UTC" }
}

/// The runs in these folders, and which of them cannot be read.
fn read_runs(folders: Vec<PathBuf>) -> (Vec<(Record, Option<Judgement>)>, Vec<String>) {
    let mut missing = Vec::new();
    let mut whole = Vec::new();
    for folder in folders {
        match Record::read(&folder) {
            Ok(record) => whole.push((record, Judgement::read(&folder).ok().flatten())),
            Err(error) => missing.push(format!("{}: {}", folder.display(), with_causes(&error))),
        }
    }
    (whole, missing)
}

/// A page of a suite's runs: those that did not pass come first, as they are what somebody looks for.
fn suite_page(config: &Config, folder: &Path, brief: &SuiteBrief, file: Option<&Path>) -> Result<Exit, CliError> {
    let counts = &brief.table.all;
    let title = format!("The suite {}: {} of {} passed", brief.suite, counts.passed, counts.passed + counts.failed);
    let Some(file) = file else {
        return Err(CliError::usage(format!("{} is a suite of several runs", folder.display()))
            .help("replay one of its folders, or write a page of all: --html suite.html"));
    };
    let (mut whole, mut missing) = read_runs(runs_of_suite(folder).map_err(|error| {
        CliError::with_text(Exit::Unreadable, format!("{} cannot be read: {error}", folder.display()))
    })?);
    let is_passed = |judgement: &Option<Judgement>| {
        judgement.as_ref().is_some_and(|judgement| judgement.verdict == Some(Verdict::Passed))
    };
    whole.sort_by_key(|(_, judgement)| is_passed(judgement));
    if whole.len() > PAGE_RUNS_MAX {
        missing.push(format!("{} runs more, which are in the folder", whole.len() - PAGE_RUNS_MAX));
        whole.truncate(PAGE_RUNS_MAX);
    }
    let runs: Vec<PageRun<'_>> = whole.iter().map(|(record, judgement)| page_run(record, judgement.as_ref())).collect();
    let above = PageTitle { name: title.clone(), headline: None, missing: Vec::new() };
    missing.extend(put_page(Some(&above), &runs, file)?);
    if config.json {
        let line = json!({
            "suite": brief.suite, "passed": counts.passed, "failed": counts.failed, "void": counts.void,
            "html": file.to_string_lossy(), "html_missing": missing, "record": folder.to_string_lossy(),
            "exit": Exit::Done.code(),
        });
        output::out(&line.to_string());
    } else {
        output::out(&format!("  {title}"));
        tell_page(file, &missing);
    }
    Ok(Exit::Done)
}

fn tell_page(file: &Path, missing: &[String]) {
    output::out(&format!("  the page is {}", style(file.display()).bold()));
    for missing in missing {
        output::out(&format!("  {} without {}", style("!").yellow().bold(), output::flat(missing)));
    }
}

/// Writes the page beside where it goes and puts it there when it is whole: a page that was there stays until then. Returns what
/// it is without.
fn put_page(title: Option<&PageTitle>, runs: &[PageRun<'_>], file: &Path) -> Result<Vec<String>, CliError> {
    let unwritten = |error: std::io::Error| {
        CliError::with_text(Exit::Unwritten, format!("the page {} cannot be written: {error}", file.display()))
    };
    if fs::metadata(file).is_ok_and(|found| !found.is_file()) {
        return Err(CliError::usage(format!("{} is no file: a page takes the place of a file only", file.display())));
    }
    let name = file.file_name().ok_or_else(|| unwritten(std::io::ErrorKind::InvalidInput.into()))?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(".part");
    let beside = file.with_file_name(beside);
    // In a folder of somebody else's it may be a link, which leads to any file of the user's.
    let made = fs::remove_file(&beside).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    });
    let written = made.and_then(|()| File::create_new(&beside)).and_then(|created| {
        let mut out = BufWriter::new(created);
        let more = page::write(title, runs, &mut out)?;
        out.flush()?;
        fs::rename(&beside, file)?;
        Ok(more)
    });
    written.map_err(|error| {
        let _ = fs::remove_file(&beside); // It may be what filled the disk.
        unwritten(error)
    })
}
