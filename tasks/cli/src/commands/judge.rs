//! `tapwright judge`

use serde_json::json;
use tapwright_tasks::device::Device;
use tapwright_tasks::device_lock::DeviceLock;
use tapwright_tasks::headline::STEP_MODEL;
use tapwright_tasks::record::find_run;
use tapwright_tasks::rejudge::{RejudgeError, rejudge};

use crate::arguments::{Common, JudgeArguments};
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::narrator::{GoOn, Narrator, RunEnding};
use crate::output;

pub async fn perform(common: Common, arguments: JudgeArguments) -> Result<Exit, CliError> {
    let JudgeArguments { run, expect, device } = arguments;
    let named = device.device.is_some();
    let config = Config::read(Flags { device, reads_records_only: !named, ..Flags::common(common) })?;
    let folder = find_run(&config.runs, &run)
        .map_err(|error| CliError::usage(error.to_string()).help("see which there are with: tapwright runs"))?;
    // A phone that would be drawn for this is not the one that the run was on.
    let _lock = if named {
        DeviceLock::take_for(config.device_locks.as_deref(), &config.device.at, "tapwright judge")?
    } else {
        None
    };
    let mut opened = if named { Some(Device::open(&config.device).await?) } else { None };
    let result = rejudge(&folder, expect, None, opened.as_mut()).await;
    if let Some(device) = opened {
        device.close().await?;
    }
    let (record, judgement) = result?;
    let Some(end) = record.end() else { return Ok(Exit::Unreadable) };
    let exit = Exit::of(&end.outcome, judgement.verdict.as_ref());
    if config.json {
        let verdict = judgement.verdict.as_ref();
        let line = json!({
            "run": record.facts.run,
            "outcome": end.outcome.id(),
            "verdict": verdict.map(|verdict| verdict.id()),
            "why": verdict.and_then(|verdict| verdict.why()),
            "expected": judgement.expected,
            "changed": judgement.changed,
            "record": folder.to_string_lossy(),
            "exit": exit.code(),
        });
        output::out(&line.to_string());
    } else {
        let facts = &record.facts;
        let mut narrator = Narrator::new(false, false, facts.setting.limits.steps_max);
        narrator.head(&facts.setting.goal, &[("device", facts.device.clone()), ("model", facts.model.clone())]);
        let ms = record.entries.last().map_or(0, |entry| entry.ms);
        let run = &facts.run;
        let ending = RunEnding {
            run,
            folder: &folder,
            end,
            judgement: Some(&judgement),
            ms,
            go_on: GoOn::No,
            device: "device",
            by_steps: facts.model == STEP_MODEL,
        };
        narrator.ending(&ending, exit);
    }
    Ok(exit)
}

impl From<RejudgeError> for CliError {
    fn from(error: RejudgeError) -> CliError {
        let help = error.help();
        let said = match error {
            RejudgeError::Device(error) => return error.into(),
            RejudgeError::NoEnd { .. }
            | RejudgeError::NothingExpected { .. }
            | RejudgeError::NoFacts { .. }
            | RejudgeError::Expectation(_) => CliError::new(Exit::Usage, &error),
            RejudgeError::Unwritten { .. } | RejudgeError::Misplaced { .. } => CliError::new(Exit::Unwritten, &error),
            RejudgeError::Record(_) | RejudgeError::Changed { .. } | RejudgeError::Unreadable { .. } => {
                CliError::new(Exit::Unreadable, &error)
            }
        };
        match help {
            Some(help) => said.help(help),
            None => said,
        }
    }
}
