//! `tapwright run`

use tapwright_tasks::device::{Device, DeviceOptions};
use tapwright_tasks::judge::FactEvaluator;
use tapwright_tasks::run::{Participants, RunLocation, RunReport, Task, run};
use tapwright_tasks::{Entry, Outcome, suites};

use super::resume::can_go_on;
use super::{open_model, plan, run_name};
use crate::arguments::{Common, Run};
use crate::clock;
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::narrator::{Narrator, RunEnding};
use crate::people::People;

pub async fn perform(common: Common, arguments: Run) -> Result<Exit, CliError> {
    let Run { goal, task, plan, start, expect, device, phone, weather, model, limits, ask } = arguments;
    let seed_given = phone.seed;
    let only_virtual = task.is_some();
    let given = Flags { device, phone, weather, model, limits, ask, only_virtual, ..Flags::common(common) };
    let config = Config::read(given)?;
    if let Some(file) = plan {
        return plan::begin(config, &file).await;
    }
    let (task, device_options, about) = match (goal, task) {
        (_, Some(template)) => {
            let seed = seed_given.unwrap_or(config.phone.seed);
            let case = suites::ALL.iter().find_map(|suite| suite.case(&template, seed)).ok_or_else(|| {
                let names: Vec<&str> = suites::ALL.iter().flat_map(|suite| suite.templates()).collect();
                CliError::usage(format!("there is no task {template:?}"))
                    .help(format!("there are: {}", names.join(", ")))
            })?;
            let at = case.device.clone();
            (Task::from(case), DeviceOptions { at, ..config.device.clone() }, template)
        }
        (Some(goal), None) => {
            if goal.trim().is_empty() {
                return Err(
                    CliError::usage("the goal is empty").help("say what is wanted: tapwright run 'Turn Wi-Fi on'")
                );
            }
            let about = goal.clone();
            (Task { goal, start, evaluator: FactEvaluator::of(expect), case: None }, config.device.clone(), about)
        }
        (None, None) => {
            return Err(CliError::usage("there is no goal").help("say what is wanted: tapwright run 'Turn Wi-Fi on'"));
        }
    };

    let secrets = config.secrets().await?;
    let mut apis = config.apis(&config.rules.policy, &secrets)?;
    let stop = interrupt::listen();
    let mut people = People::gather(&config).await?;
    let mut narrator = Narrator::new(config.json, config.verbose == 0, config.rules.limits.steps_max);
    let Some(mut opened) = open_model(&config.model, &narrator, &stop).await? else { return Ok(Exit::Stopped) };
    let mut device = Device::open(&device_options).await?;

    let started = clock::now();
    let name = run_name(started, &about);
    let folder = config.runs.join(&name);
    narrator.head(
        &task.goal,
        &[
            ("device", device.about().to_owned()),
            ("model", opened.about.clone()),
            ("record", folder.display().to_string()),
        ],
    );
    let desk = people.desk();
    let mut watch = |entry: &Entry| {
        desk.iter().for_each(|desk| desk.observe(entry));
        narrator.entry(entry);
    };
    let company = Participants { person: &mut people, apis: &mut apis, secrets: &secrets, stop, watch: &mut watch };
    let place = RunLocation { runs: &config.runs, run: &name, started };
    let report = run(&task, &mut device, &mut opened, &config.rules, &config.words, place, company).await;
    narrator.go_on();
    let report = report?;
    people.leave(report.end.outcome.id()).await;
    leave(device, &report.end.outcome).await;
    Ok(tell(&narrator, &report, &config))
}

/// Leaves the phone as it was found, if it is still there.
pub async fn leave(device: Device, outcome: &Outcome) {
    if !matches!(outcome, Outcome::DeviceLost { .. })
        && let Err(error) = device.close().await
    {
        tracing::warn!(%error, "the phone was not left as it was found");
    }
}

/// Says how a run ended.
pub fn tell(narrator: &Narrator, report: &RunReport, config: &Config) -> Exit {
    let exit = Exit::of(&report.end.outcome, report.judgement.verdict.as_ref());
    let ending = RunEnding {
        run: &report.run,
        folder: &report.folder,
        end: &report.end,
        judgement: Some(&report.judgement),
        ms: report.ms,
        can_go_on: can_go_on(&report.end.outcome, config),
    };
    narrator.ending(&ending, exit);
    exit
}
