//! `tapwright replay`

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use console::style;
use serde_json::json;
use tapwright_tasks::record::find_run;
use tapwright_tasks::run::Judgement;
use tapwright_tasks::{Line, Record, page};

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
    if let Some(file) = &arguments.html {
        write_page(&record, judgement.as_ref(), file)?;
    }
    let exit = if follows.is_ok() { Exit::Done } else { Exit::Unreadable };
    let ms = record.entries.last().map_or(0, |entry| entry.ms);
    if config.json {
        let steps = record.entries.iter().filter(|entry| matches!(entry.line, Line::Decided(_))).count();
        let verdict = judgement.as_ref().and_then(|judgement| judgement.verdict.as_ref());
        let line = json!({
            "run": facts.run,
            "outcome": record.end().map(|end| end.outcome.id()),
            "steps": steps,
            "verdict": verdict.map(|verdict| verdict.id()),
            "follows": follows.is_ok(),
            "why": follows.as_ref().err().map(|error| with_causes(error)),
            "html": arguments.html,
            "record": folder,
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
    }
    Ok(exit)
}

fn write_page(record: &Record, judgement: Option<&Judgement>, file: &Path) -> Result<(), CliError> {
    let when = clock::time(record.facts.started) + " UTC";
    let written = File::create(file).and_then(|created| {
        let mut out = BufWriter::new(created);
        page::write(record, judgement, &when, &mut out)?;
        out.flush()
    });
    written.map_err(|error| {
        CliError::said(Exit::Unwritten, format!("the page {} cannot be written: {error}", file.display()))
    })
}
