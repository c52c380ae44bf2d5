//! `tapwright resume` and `tapwright fork`

use std::path::Path;

use tapwright_tasks::device::{Device, DeviceAddress};
use tapwright_tasks::plan::PlanRecord;
use tapwright_tasks::record::{find, find_run};
use tapwright_tasks::resume::ResumableRun;
use tapwright_tasks::run::{Participants, RunLocation};
use tapwright_tasks::{Entry, Outcome};

use super::run::{leave, tell};
use super::{open_model, plan, run_name};
use crate::arguments::{Common, Fork, Resume, ResumeArguments};
use crate::clock;
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::narrator::Narrator;
use crate::people::People;

pub async fn resume(common: Common, arguments: Resume) -> Result<Exit, CliError> {
    let Resume { run, again } = arguments;
    let folder = folder(&common, &run, find)?;
    if PlanRecord::is_there(&folder) {
        return plan::go_on(common, again, &folder).await;
    }
    let broken = ResumableRun::take_up(&folder)?;
    let said = format!("goes on after {} steps", broken.record().steps());
    go_on(common, again, broken, said).await
}

pub async fn fork(common: Common, arguments: Fork) -> Result<Exit, CliError> {
    let Fork { run, at, again } = arguments;
    let config = Config::read(Flags::common(common.clone()))?;
    let folder = folder(&common, &run, find_run)?;
    let started = clock::now();
    let name = run_name(started, &format!("fork {at} {}", goal_of(&folder)));
    let broken = ResumableRun::fork(&folder, at, RunLocation { runs: &config.runs, run: &name, started })?;
    let said = format!("begins with the first {at} steps of {}", folder.display());
    go_on(common, again, broken, said).await
}

async fn go_on(
    common: Common,
    again: ResumeArguments,
    mut broken: ResumableRun,
    said: String,
) -> Result<Exit, CliError> {
    let given = Flags {
        device: again.device,
        model: again.model,
        ask: again.ask,
        recorded: broken.words(),
        ..Flags::common(common)
    };
    let mut config = Config::read(given)?;
    config.model.heard = broken.record().heard();
    outlives(&config, broken.folder())?;
    let facts = broken.record().facts.clone();
    if let Some(within) = config.ask_within {
        broken.asks_within(within);
    }
    let secrets = config.secrets().await?;
    let mut apis = config.apis(&facts.setting.policy, &secrets)?;
    let stop = interrupt::listen();
    let mut people = People::gather(&config).await?;
    let mut narrator = Narrator::new(config.json, config.verbose == 0, facts.setting.limits.steps_max);
    let Some(mut opened) = open_model(&config.model, &narrator, &stop).await? else { return Ok(Exit::Stopped) };
    let mut device = Device::open(&config.device).await?;
    narrator.head(
        &facts.setting.goal,
        &[
            ("device", device.about().to_owned()),
            ("model", opened.about.clone()),
            ("record", broken.folder().display().to_string()),
            ("", said),
        ],
    );
    let desk = people.desk();
    if let Some(desk) = &desk {
        broken.record().entries.iter().for_each(|entry| desk.observe(entry));
    }
    let mut watch = |entry: &Entry| {
        desk.iter().for_each(|desk| desk.observe(entry));
        narrator.entry(entry);
    };
    let company = Participants { person: &mut people, apis: &mut apis, secrets: &secrets, stop, watch: &mut watch };
    let report = broken.go_on(&mut device, &mut opened, config.words.clone(), clock::now(), company).await;
    narrator.go_on();
    let report = report?;
    people.leave(report.end.outcome.id()).await;
    leave(device, &report.end.outcome).await;
    Ok(tell(&narrator, &report, &config))
}

/// A phone inside a process is gone with it.
pub fn outlives(config: &Config, folder: &Path) -> Result<(), CliError> {
    let DeviceAddress::Virtual(_) = config.device.at else { return Ok(()) };
    Err(CliError::usage("the phone of this run was inside its process, and is gone with it").help(format!(
        "name one that is there: tapwright resume {} --device ADDRESS; `tapwright phone` serves one that outlives runs",
        folder.display()
    )))
}

fn folder(
    common: &Common,
    run: &str,
    find: fn(&Path, &str) -> std::io::Result<std::path::PathBuf>,
) -> Result<std::path::PathBuf, CliError> {
    let config = Config::read(Flags::common(common.clone()))?;
    find(&config.runs, run)
        .map_err(|error| CliError::usage(error.to_string()).help("see which there are with: tapwright runs"))
}

/// For the new run's name only.
fn goal_of(folder: &Path) -> String {
    tapwright_tasks::Record::read(folder).map(|record| record.facts.setting.goal).unwrap_or_default()
}

/// Whether somebody may want to go on.
pub fn can_go_on(outcome: &Outcome, config: &Config) -> bool {
    outcome.can_go_on() && !matches!(config.device.at, DeviceAddress::Virtual(_))
}
