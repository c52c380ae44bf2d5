//! `tapwright workflow`

use std::fs::OpenOptions;
use std::io::Write as _;

use serde_json::json;
use tapwright_tasks::plan::{Recording, recording};
use tapwright_tasks::record::find_run;
use tapwright_tasks::run::Judgement;
use tapwright_tasks::{Record, count_of};

use crate::arguments::{Common, WorkflowArguments};
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

/// Writes a run out as a workflow.
pub fn perform(common: Common, arguments: WorkflowArguments) -> Result<Exit, CliError> {
    let WorkflowArguments { run, out } = arguments;
    let config = Config::read(Flags::records(common))?;
    let folder = find_run(&config.runs, &run)
        .map_err(|error| CliError::usage(error.to_string()).help("see which there are with: tapwright runs"))?;
    let record = Record::read(&folder).map_err(|error| CliError::new(Exit::Unreadable, &error))?;
    let verdict = Judgement::read(&folder)
        .map_err(|error| CliError::new(Exit::Unreadable, &error))?
        .and_then(|judgement| judgement.verdict);
    let recording = recording(&record, verdict.as_ref()).map_err(|error| {
        let help = error.help();
        CliError::usage(error.to_string()).help(help)
    })?;
    let unwritten = |why: &str| {
        CliError::with_text(Exit::Unwritten, format!("the workflow cannot be written to {}: {why}", out.display()))
            .help("name a file that is not there yet, in a folder that is: --out FILE")
    };
    let mut file =
        OpenOptions::new().write(true).create_new(true).open(&out).map_err(|error| unwritten(&error.to_string()))?;
    file.write_all(recording.toml.as_bytes()).map_err(|error| unwritten(&error.to_string()))?;
    if config.json {
        let file = out.to_string_lossy();
        let Recording { steps, for_model, doubtful, .. } = recording;
        let told = json!({"steps": steps, "for_model": for_model, "doubtful": doubtful, "file": file});
        output::out(&told.to_string());
    } else {
        let shown = output::flat(&out.display().to_string());
        let steps = count_of(recording.steps as u64, "step", "steps");
        let model = match recording.for_model {
            0 => "none needs a model".to_owned(),
            some => format!("{some} of them for a model"),
        };
        if recording.doubtful > 0 {
            let left_out = count_of(recording.doubtful as u64, "step is", "steps are");
            let why = "as nobody knows what the run did there";
            output::err(&format!("  {left_out} left out, {why}: see the comments in {shown}"));
        }
        output::out(&format!("  {steps} in {shown}, {model}; read it, then: tapwright run --plan {shown}"));
    }
    Ok(Exit::Done)
}
