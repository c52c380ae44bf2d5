//! `tapwright run`

use tapwright_tasks::judge::FactEvaluator;
use tapwright_tasks::mistake::nearest;
use tapwright_tasks::record::{ClockWarning, mark_last};
use tapwright_tasks::run::{RunReport, RunTask};
use tapwright_tasks::{Entry, Line, suites};

use super::{close, on_known_display, open_session, plan, run_name};
use crate::arguments::{Common, RunArguments};
use crate::clock;
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::kinds;
use crate::narrator::{GoOn, Narrator, RunEnding};
use crate::output;
use crate::people;
use crate::waiting::AwaitedAnswer;

pub async fn perform(common: Common, arguments: RunArguments) -> Result<Exit, CliError> {
    let RunArguments {
        goal,
        task,
        plan,
        check,
        set,
        start,
        expect,
        anyway,
        device,
        phone,
        weather,
        model,
        limits,
        ask,
    } = arguments;
    let seed_given = phone.seed;
    let only_virtual = task.is_some();
    let flags = Flags { device, phone, weather, model, limits, ask, only_virtual, ..Flags::common(common) };
    let mut config = Config::read(flags)?;
    if let Some(file) = plan {
        if check {
            return plan::check(&config, &file, &set);
        }
        return plan::begin(config, &file, &set, anyway).await;
    }
    // Clap does not ask for --plan where a goal excludes it.
    if let Some(flag) = if check { Some("--check") } else { (!set.is_empty()).then_some("--set") } {
        return Err(
            CliError::usage(format!("{flag} goes with a plan")).help("name its file: tapwright run --plan FILE")
        );
    }
    if task.is_none() {
        kinds::check_device(&config.model, &config.device.at, anyway)?;
    }
    let (task, about) = match (goal, task) {
        (_, Some(template)) => {
            let seed = seed_given.unwrap_or(config.phone.seed);
            let case = suites::ALL.iter().find_map(|suite| suite.case(&template, seed));
            let case = case.ok_or_else(|| unknown_task(&template))?;
            config.settings.device.at = case.device.clone();
            (RunTask::from(case), template)
        }
        (Some(goal), None) => {
            if goal.trim().is_empty() {
                return Err(
                    CliError::usage("the goal is empty").help("say what is wanted: tapwright run 'Turn Wi-Fi on'")
                );
            }
            kinds::check(&config.model, &goal, anyway)?;
            let about = goal.clone();
            (RunTask { goal, start, evaluator: FactEvaluator::of(expect), case: None }, about)
        }
        (None, None) => {
            return Err(CliError::usage("there is no goal, no --task and no --plan")
                .help("say what is wanted: tapwright run 'Turn Wi-Fi on'"));
        }
    };
    config.refuse_idle_flags()?;

    let secrets = config.secrets().await?;
    let stop = interrupt::listen();
    let respondents = people::gather(&config, None).await?;
    let mut narrator = Narrator::new(config.json, config.verbose == 0, config.rules.limits.steps_max)
        .awaiting(AwaitedAnswer::of(&config));
    let Some(session) = open_session(&config, secrets, respondents, &narrator, stop).await? else {
        return Ok(Exit::Stopped);
    };
    let mut session = on_known_display(&config, session, anyway || only_virtual).await?;
    let started = clock::now();
    let name = run_name(started, &about);
    let facts = [("device", session.device_about().to_owned()), ("model", session.model_about().to_owned())];
    let mut watch = |entry: &Entry| {
        // Its first line is written: from now on it is the one that began last. Another one may have had its name.
        if let Line::Run(begun) = &entry.line {
            warn_of_clock(mark_last(&config.runs, &begun.run, started));
            let record = ("record", config.runs.join(&begun.run).display().to_string());
            let facts: Vec<_> = facts.iter().cloned().chain([record]).chain(config.file_fact()).collect();
            narrator.head(&task.goal, &facts);
        }
        narrator.entry(entry);
    };
    let report = session.run(&task, &config.runs, &name, started, &mut watch).await;
    narrator.go_on();
    close(session, report.as_ref().ok()).await;
    Ok(tell(&narrator, &report?, &config))
}

/// There are some three hundred tasks: the nearest names are told, and where all of them are listed.
fn unknown_task(template: &str) -> CliError {
    let names: Vec<&str> = suites::ALL.iter().flat_map(|suite| suite.templates()).collect();
    let near = nearest(template, names.iter().copied());
    let near = near.map_or_else(String::new, |near| format!("did you mean {near}? "));
    let suites: Vec<&str> = suites::ALL.iter().map(|suite| suite.name()).collect();
    CliError::usage(format!("there is no task {template:?}")).help(format!(
        "{near}{} are templates of the suites {}, and `tapwright bench SUITE --list` tells those of one",
        names.len(),
        suites.join(", ")
    ))
}

/// Says that a clock was ahead: names of runs begin with the time, so their order is not that of the runs any more.
pub fn warn_of_clock(warning: Option<ClockWarning>) {
    if let Some(ClockWarning { folder, ahead_ms }) = warning {
        output::err(&format!(
            "  the clock was ahead when {} was begun, or is behind now ({}): lists of runs are not in their order; `last` is",
            output::flat(&folder.to_string_lossy()),
            clock::span(ahead_ms)
        ));
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
        go_on: GoOn::of(&report.end.outcome, &config.settings),
        device: config.device.at.noun(),
        by_steps: false,
    };
    narrator.ending(&ending, exit);
    exit
}
