//! `tapwright plan`, and plans in `tapwright run` and `tapwright resume`

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde_json::json;
use tapwright_tasks::device::{Device, DeviceAddress};
use tapwright_tasks::model::LoadedModel;
use tapwright_tasks::origin::RunOrigin;
use tapwright_tasks::plan::{
    Goal, GoalRunner, Plan, PlanEnd, PlanError, PlanRecord, carry_out, draft, id, markdown, summary,
};
use tapwright_tasks::resume::ResumableRun;
use tapwright_tasks::run::{Participants, RunLocation, Task, run};
use tapwright_tasks::{Answer, End, Entry, Outcome, Person, Question, Record, RecordError, Secrets, Stop};

use super::resume::outlives;
use super::run::{leave, tell};
use super::{open_model, run_name};
use crate::arguments::{Common, Plan as PlanArguments, ResumeArguments};
use crate::clock;
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::narrator::Narrator;
use crate::output;
use crate::people::People;

/// Has a model write a plan into a file.
pub async fn write(common: Common, arguments: PlanArguments) -> Result<Exit, CliError> {
    let PlanArguments { goal, out, model } = arguments;
    let config = Config::read(Flags::common(common).model(model))?;
    let unwritten = |error: std::io::Error| {
        CliError::said(Exit::Unwritten, format!("the plan cannot be written to {}: {error}", out.display()))
    };
    let stop = interrupt::listen();
    let narrator = Narrator::new(config.json, config.verbose == 0, 0);
    let Some(mut opened) = open_model(&config.model, &narrator, &stop).await? else { return Ok(Exit::Stopped) };
    narrator.wait("the model writes a plan");
    let drafted = draft(opened.model.as_mut(), &goal, &BTreeSet::new(), config.rules.limits.think).await;
    narrator.go_on();
    let plan = drafted.map_err(|mistake| {
        CliError::said(Exit::ModelFailed, format!("the model wrote no plan: {}", mistake.why))
            .help("a model that writes texts is needed: --model http://HOST/v1 --model-name NAME")
    })?;
    // Who wrote a plan by hand wants to keep it.
    let mut file = OpenOptions::new().write(true).create_new(true).open(&out).map_err(unwritten)?;
    file.write_all(format!("{}\n", plan.text.trim()).as_bytes()).map_err(unwritten)?;
    if config.json {
        output::out(&json!({"plan": plan.title, "goals": plan.goals.len(), "file": out}).to_string());
    } else {
        output::out(&format!(
            "  {} goals in {}; read it, then: tapwright run --plan {}",
            plan.goals.len(),
            out.display(),
            out.display()
        ));
    }
    Ok(Exit::Done)
}

/// Carries out the plan in a file.
pub async fn begin(config: Config, file: &Path) -> Result<Exit, CliError> {
    let plan = Plan::read(file)?;
    let stop = interrupt::listen();
    let secrets = config.secrets().await?;
    let people = People::gather(&config).await?;
    let narrator = Narrator::new(config.json, config.verbose == 0, 0);
    let Some(opened) = open_model(&config.model, &narrator, &stop).await? else { return Ok(Exit::Stopped) };
    let device = Device::open(&config.device).await?;
    let started = clock::now();
    let folder = config.runs.join(run_name(started, &plan.title));
    let record = PlanRecord::create(&folder, plan, started)?;
    carry_on(config, record, opened, device, secrets, people, stop).await
}

/// Goes on with a plan in the middle.
pub async fn go_on(common: Common, again: ResumeArguments, folder: &Path) -> Result<Exit, CliError> {
    let record = PlanRecord::take_up(folder)?;
    if record.next().is_none() {
        return Err(CliError::usage(format!("the plan at {} has come to its end", folder.display())));
    }
    let origin = RunOrigin::read(folder).map_err(|error| {
        CliError::said(Exit::Unreadable, format!("{}: {error}", folder.join("origin.json").display()))
    })?;
    let recorded = origin.map(|origin| origin.words).unwrap_or_default();
    let given = Flags { device: again.device, model: again.model, ask: again.ask, recorded, ..Flags::common(common) };
    let mut config = Config::read(given)?;
    config.model.heard = record.heard();
    outlives(&config, folder)?;
    let stop = interrupt::listen();
    let secrets = config.secrets().await?;
    let people = People::gather(&config).await?;
    let narrator = Narrator::new(config.json, config.verbose == 0, 0);
    let Some(opened) = open_model(&config.model, &narrator, &stop).await? else { return Ok(Exit::Stopped) };
    let device = Device::open(&config.device).await?;
    carry_on(config, record, opened, device, secrets, people, stop).await
}

async fn carry_on(
    config: Config,
    mut record: PlanRecord,
    opened: LoadedModel,
    device: Device,
    secrets: Secrets,
    people: People,
    stop: Stop,
) -> Result<Exit, CliError> {
    let folder = record.folder.clone();
    let unwritten = |error: std::io::Error| {
        CliError::said(Exit::Unwritten, format!("the plan's record in {} cannot be written: {error}", folder.display()))
    };
    RunOrigin::new(config.words.clone(), Vec::new(), None, None).write(&folder).map_err(unwritten)?;
    let mut runs = PlanRunner { config, folder: folder.clone(), opened, device, secrets, people, stop };
    // What it says is not how the plan stands once it goes on; it is written anew in the end.
    let _ = fs::remove_file(folder.join("plan.json"));
    let end = match carry_out(&mut record, &mut runs).await {
        Ok(end) => end,
        Err(PlanError::Run(trouble)) => return Err(trouble),
        Err(PlanError::Unwritten(error)) => return Err(unwritten(error)),
    };
    let summary = summary(&record, &end);
    fs::write(folder.join("plan.md"), markdown(&record, &end)).map_err(unwritten)?;
    fs::write(folder.join("plan.json"), format!("{summary:#}\n")).map_err(unwritten)?;
    let outcome = match &end {
        PlanEnd::Stopped(outcome @ Outcome::DeviceLost { .. }) => outcome.clone(),
        _ => Outcome::Stopped,
    };
    leave(runs.device, &outcome).await;
    runs.people.leave(id(&end)).await;
    let exit = exit(&end);
    if runs.config.json {
        let achieved = record.achieved().count();
        let line = json!({
            "plan": record.plan.title, "end": id(&end), "achieved": achieved, "goals": record.plan.goals.len(),
            "outputs": record.outputs(), "not_achieved": summary["not_achieved"], "record": folder, "exit": exit.code(),
        });
        output::out(&line.to_string());
    } else {
        let (achieved, all) = (record.achieved().count(), record.plan.goals.len());
        output::out(&format!(
            "  {}: {achieved} of {all} goals; the result is {}",
            id(&end),
            folder.join("plan.md").display()
        ));
        let lives_on = !matches!(runs.config.device.at, DeviceAddress::Virtual(_));
        if record.next().is_some() && lives_on {
            output::out(&format!("  go on with: tapwright resume {}", folder.display()));
        }
    }
    Ok(exit)
}

fn exit(end: &PlanEnd) -> Exit {
    match end {
        PlanEnd::Done => Exit::Done,
        PlanEnd::Partly => Exit::GaveUp,
        PlanEnd::NeedsPerson(_) => Exit::NeedsPerson,
        // It said that it was done, and what it was to find out is missing.
        PlanEnd::Stopped(Outcome::Done { .. }) => Exit::Failed,
        PlanEnd::Stopped(outcome) => Exit::of(outcome, None),
    }
}

/// Makes the runs of a plan, on one phone and with one model.
struct PlanRunner {
    config: Config,
    folder: PathBuf,
    opened: LoadedModel,
    device: Device,
    secrets: Secrets,
    people: People,
    stop: Stop,
}

#[async_trait]
impl GoalRunner for PlanRunner {
    type Error = CliError;

    async fn run(&mut self, goal: &Goal, words: &str, name: &str) -> Result<End, CliError> {
        let PlanRunner { config, folder, opened, device, secrets, people, stop } = self;
        let mut rules = config.rules.clone();
        let steps_max = goal.steps_max.unwrap_or(rules.limits.steps_max);
        // A model may give itself less than it was given, not more.
        rules.limits.steps_max = if goal.by_model { steps_max.min(rules.limits.steps_max) } else { steps_max };
        let at = folder.join(name);
        let broken = match Record::read(&at) {
            Ok(record) => match record.end() {
                Some(end) if !end.outcome.can_go_on() => return Ok(end.clone()),
                _ => {
                    let mut broken = ResumableRun::take_up(&at)?;
                    if let Some(within) = config.ask_within {
                        broken.asks_within(within);
                    }
                    Some(broken)
                }
            },
            // It was killed before its first line was there, so nothing was done.
            Err(RecordError::NoJournal { .. }) => {
                fs::remove_dir_all(&at).map_err(|error| CliError::new(Exit::Unwritten, &error))?;
                None
            }
            Err(RecordError::Unreadable { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                let _ = fs::remove_dir_all(&at); // The folder alone may be there.
                None
            }
            Err(error) => return Err(CliError::new(Exit::Unreadable, &error)),
        };
        let mut narrator = Narrator::new(config.json, config.verbose == 0, rules.limits.steps_max);
        narrator.head(words, &[("goal", goal.name.clone()), ("record", at.display().to_string())]);
        let policy = broken.as_ref().map_or(&rules.policy, |broken| &broken.record().facts.setting.policy);
        let mut apis = config.apis(policy, secrets)?;
        let desk = people.desk();
        if let (Some(desk), Some(broken)) = (&desk, &broken) {
            broken.record().entries.iter().for_each(|entry| desk.observe(entry));
        }
        let mut watch = |entry: &Entry| {
            desk.iter().for_each(|desk| desk.observe(entry));
            narrator.entry(entry);
        };
        let company = Participants { person: people, apis: &mut apis, secrets, stop: stop.clone(), watch: &mut watch };
        let report = match broken {
            Some(broken) => broken.go_on(device, opened, config.words.clone(), clock::now(), company).await,
            None => {
                let task = Task { goal: words.to_owned(), start: Vec::new(), evaluator: None, case: None };
                let place = RunLocation { runs: folder, run: name, started: clock::now() };
                run(&task, device, opened, &rules, &config.words, place, company).await
            }
        };
        narrator.go_on();
        let report = report?;
        tell(&narrator, &report, config);
        Ok(report.end)
    }

    async fn ask(&mut self, question: &Question) -> Answer {
        let PlanRunner { config, people, stop, .. } = self;
        tokio::select! {
            answer = people.ask(question, None) => answer,
            () = stop.stopped() => Answer::Nobody,
            () = tokio::time::sleep(config.rules.limits.ask) => Answer::Nobody,
        }
    }

    async fn replan(&mut self, told: &str, known: &BTreeSet<String>) -> Result<Option<Plan>, CliError> {
        let within = self.config.rules.limits.think;
        match draft(self.opened.model.as_mut(), told, known, within).await {
            Ok(plan) => Ok(Some(plan)),
            Err(mistake) => {
                tracing::warn!(why = mistake.why, "nobody could plan anew");
                Ok(None)
            }
        }
    }
}
