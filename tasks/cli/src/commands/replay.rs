//! `tapwright replay`

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use console::style;
use serde_json::json;
use tapwright_tasks::Record;
use tapwright_tasks::page::{self, PageRun};
use tapwright_tasks::record::{find, find_run, plan_title, runs_of_plan};
use tapwright_tasks::run::Judgement;

use crate::arguments::{Common, Replay};
use crate::clock;
use crate::config::{Config, Flags};
use crate::error::{CliError, with_causes};
use crate::exit::Exit;
use crate::narrator::{Narrator, RunEnding};
use crate::output;

pub fn perform(common: Common, arguments: &Replay) -> Result<Exit, CliError> {
    let config = Config::read(Flags::common(common))?;
    let folder = find_run(&config.runs, &arguments.run)
        .map_err(|error| CliError::usage(error.to_string()).help("see which there are with: tapwright runs"))?;
    let record = Record::read(&folder).map_err(|error| CliError::new(Exit::Unreadable, &error))?;
    let judgement = Judgement::read(&folder).map_err(|error| {
        CliError::said(Exit::Unreadable, format!("{}: {error}", folder.join("verdict.json").display()))
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
                can_go_on: false,
            };
            narrator.ending(&ending, exit);
        }
        None => output::out(&format!(
            "\n  {}  it has no end: it is still going on, or it was killed\n",
            style("■").yellow().bold()
        )),
    }
    match &follows {
        Ok(()) => {
            let torn = if record.torn { "; its last line was torn, and left out" } else { "" };
            output::out(&format!("  {}", style(format!("all of it follows from what was seen and heard{torn}")).dim()));
        }
        Err(error) => output::out(&format!(
            "  {} the record does not follow from what was seen and heard: {}",
            style("✗").red().bold(),
            output::flat(&with_causes(error))
        )),
    }
    if let Some(file) = &arguments.html {
        output::out(&format!("  the page is {}", style(file.display()).bold()));
        for missing in &missing {
            output::out(&format!("  {} without {}", style("!").yellow().bold(), output::flat(missing)));
        }
    }
    Ok(exit)
}

/// Writes the page beside where it goes and puts it there when it is whole: a page that was there stays until then. Returns what
/// it is without.
fn write_page(
    (record, judgement): (&Record, Option<&Judgement>),
    plan: Option<&Path>,
    file: &Path,
) -> Result<Vec<String>, CliError> {
    let unwritten = |error: std::io::Error| {
        CliError::said(Exit::Unwritten, format!("the page {} cannot be written: {error}", file.display()))
    };
    let when = |record: &Record| clock::time(record.facts.started) + " UTC";
    let mut missing = Vec::new();
    let mut whole = Vec::new();
    for folder in plan.map(runs_of_plan).transpose().unwrap_or_default().unwrap_or_default() {
        match Record::read(&folder) {
            Ok(record) => whole.push((record, Judgement::read(&folder).ok().flatten())),
            Err(error) => missing.push(format!("{}: {}", folder.display(), with_causes(&error))),
        }
    }
    let runs: Vec<PageRun<'_>> = match plan {
        Some(_) => whole
            .iter()
            .map(|(record, judgement)| PageRun { record, judgement: judgement.as_ref(), when: when(record) })
            .collect(),
        None => vec![PageRun { record, judgement, when: when(record) }],
    };
    let title = plan.and_then(plan_title);
    let name = file.file_name().ok_or_else(|| unwritten(std::io::ErrorKind::InvalidInput.into()))?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(".part");
    let beside = file.with_file_name(beside);
    let written = File::create(&beside).and_then(|created| {
        let mut out = BufWriter::new(created);
        let more = page::write(title.as_deref(), &runs, &mut out)?;
        out.flush()?;
        fs::rename(&beside, file)?;
        Ok(more)
    });
    missing.extend(written.map_err(|error| {
        let _ = fs::remove_file(&beside); // It may be what filled the disk.
        unwritten(error)
    })?);
    Ok(missing)
}
