//! `tapwright plan`, and plans in `tapwright run` and `tapwright resume`

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use console::style;
use serde_json::json;
use tapwright_tasks::headline::{EndNotice, Headline};
use tapwright_tasks::model::ModelSource;
use tapwright_tasks::origin::{Provenance, write_atomically};
use tapwright_tasks::plan::{
    DOCUMENT, Goal, Parameter, Plan, PlanEnd, PlanError, PlanRecord, PlanWatch, SessionRunner, UnknownSecret, Work,
    carry_out, draft, id, markdown, notice, summary,
};
use tapwright_tasks::record::mark_last;
use tapwright_tasks::run::RunReport;
use tapwright_tasks::session::{Session, recorded_in};
use tapwright_tasks::settings::Settings;
use tapwright_tasks::{Entry, Outcome, Record, Secrets, count_of};

use super::resume::{allow_device, doubt, outlives, settings_again};
use super::run::warn_of_clock;
use super::{close, close_with, on_known_display, open_model, open_session, run_name};
use crate::arguments::{Common, ContinueArguments, PlanArguments};
use crate::clock;
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::kinds;
use crate::narrator::{GoOn, Narrator, RunEnding, mark, unchecked_mark};
use crate::output;
use crate::people;
use crate::terminal;
use crate::waiting::AwaitedAnswer;

/// Has a model write a plan into a file.
pub async fn write(common: Common, arguments: PlanArguments) -> Result<Exit, CliError> {
    let PlanArguments { goal, out, model } = arguments;
    let config = Config::read(Flags::common(common).model(model))?;
    let unwritten = |why: &str| {
        CliError::with_text(Exit::Unwritten, format!("the plan cannot be written to {}: {why}", out.display()))
            .help("name a file that is not there yet, in a folder that is: --out FILE")
    };
    // A model may take minutes, or money: what will not be kept is not asked for.
    if out.symlink_metadata().is_ok() {
        return Err(unwritten("there is something already, and it is not overwritten"));
    }
    if !out.parent().is_none_or(|folder| folder.as_os_str().is_empty() || folder.is_dir()) {
        return Err(unwritten("there is no such folder"));
    }
    let stop = interrupt::listen();
    let mut narrator = Narrator::new(config.json, config.verbose == 0, 0).awaiting(AwaitedAnswer::of(&config));
    let Some(mut opened) = open_model(&config.model, &narrator, &stop).await? else { return Ok(Exit::Stopped) };
    narrator.wait_for_answer("the model writes a plan");
    let drafted = draft(opened.model.as_mut(), &goal, &BTreeSet::new(), config.rules.limits.think).await;
    narrator.on_answer();
    let plan = drafted.map_err(|mistake| {
        CliError::with_text(Exit::ModelFailed, format!("the model wrote no plan: {}", mistake.why))
            .help("a model that writes texts is needed: --model http://HOST/v1 --model-name NAME")
    })?;
    // Who wrote a plan by hand wants to keep it.
    let mut file =
        OpenOptions::new().write(true).create_new(true).open(&out).map_err(|error| unwritten(&error.to_string()))?;
    file.write_all(format!("{}\n", plan.text.trim()).as_bytes()).map_err(|error| unwritten(&error.to_string()))?;
    if config.json {
        let file = out.to_string_lossy();
        output::out(&json!({"plan": plan.title, "goals": plan.goals.len(), "file": file}).to_string());
    } else {
        let shown = output::flat(&out.display().to_string());
        output::out(&format!(
            "  {} in {shown}; read it, then: tapwright run --plan {shown}",
            count_of(plan.goals.len() as u64, "goal", "goals")
        ));
    }
    Ok(Exit::Done)
}

/// Carries out the plan in a file.
pub async fn begin(
    mut config: Config,
    file: &Path,
    given: &[(String, String)],
    anyway: bool,
) -> Result<Exit, CliError> {
    let plan = Plan::read(file)?;
    // Before anybody is asked for a secret, and once more when they are known.
    let plan = plan.with_parameters(given, &Secrets::default())?;
    refuse_unknown_secrets(&unknown_secrets(&config, &plan))?;
    choose_model(&mut config, &plan)?;
    if config.model.source != ModelSource::Nobody {
        kinds::check_device(&config.model, &config.device.at, anyway)?;
    }
    config.refuse_idle_flags()?;
    kinds::check_plan(&config.model, &plan, anyway)?;
    let stop = interrupt::listen();
    let secrets = config.secrets().await?;
    let plan = plan.with_parameters(given, &secrets)?;
    let respondents = people::gather(&config, None).await?;
    let narrator = Narrator::new(config.json, config.verbose == 0, 0);
    let Some(session) = open_session(&config, secrets, respondents, &narrator, stop).await? else {
        return Ok(Exit::Stopped);
    };
    let is_known = anyway || config.model.source == ModelSource::Nobody;
    let mut session = on_known_display(&config, session, is_known).await?;
    let started = clock::now();
    let name = run_name(started, &plan.title);
    let result = match PlanRecord::create_in(&config.runs, &name, &plan, started) {
        Ok(record) => {
            let name = record.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            warn_of_clock(mark_last(&config.runs, &name, started));
            carry_on(&mut session, &config, record, true).await
        }
        Err(error) => Err(error.into()),
    };
    leave(session, result).await
}

/// Says what is in the plan of a file, if it can be carried out.
pub fn check(config: &Config, file: &Path, given: &[(String, String)]) -> Result<Exit, CliError> {
    let plan = Plan::read(file)?;
    // Who gives values wants to know whether they are enough.
    let plan = if given.is_empty() { plan } else { plan.with_parameters(given, &Secrets::default())? };
    let unknown = unknown_secrets(config, &plan);
    refuse_unknown_secrets(&unknown)?;
    let goals = plan.all_goals();
    let (models, steps) = (
        goals.iter().filter(|goal| matches!(goal.work, Work::Words)).count(),
        goals.iter().map(|goal| if let Work::Steps(steps) = &goal.work { steps.len() } else { 0 }).sum::<usize>(),
    );
    let rows: usize = plan.tables.values().map(Vec::len).sum();
    let untrained = kinds::untrained_goals(&config.model, &plan);
    if config.json {
        let line = json!({
            "plan": plan.title, "goals": models, "steps": steps, "rows": rows, "needs_model": plan.needs_model(),
            "parameters": plan.parameters.iter().map(|(name, Parameter { about, default })| {
                json!({ "name": name, "about": about, "default": default })
            }).collect::<Vec<_>>(),
            "unknown_secrets": unknown.iter().map(|secret| secret.name).collect::<BTreeSet<_>>(),
            "untrained_goals": untrained.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        });
        output::out(&line.to_string());
        return Ok(Exit::Done);
    }
    let mut parts =
        vec![count_of(steps as u64, "step", "steps"), count_of(models as u64, "goal for a model", "goals for a model")];
    if !plan.tables.is_empty() {
        parts.push(count_of(rows as u64, "row", "rows"));
    }
    let model = match (plan.needs_model(), plan.hands_over()) {
        (true, _) => "it needs a model",
        (false, true) => "it needs no model, and hands over to one where a screen is another one, if there is one",
        (false, false) => "it needs no model",
    };
    output::out(&format!("  {}: {}; {model}", output::flat(&plan.title), parts.join(", ")));
    for (name, Parameter { about, default }) in &plan.parameters {
        let default = default.as_deref().map_or_else(String::new, |default| format!(" [default: {default}]"));
        output::out(&format!("    --set {name}=VALUE  {}", output::flat(&format!("{about}{default}"))));
    }
    for UnknownSecret { name, goal, .. } in unknown {
        output::out(&output::flat(&format!(
            "    the goal `{goal}` names the secret `{name}`, which is not configured, so no model can type it: add [policy.secrets.{name}] to the settings"
        )));
    }
    for (name, why) in untrained {
        output::out(&format!(
            "    the goal `{}`: {why}; without another --model, or --anyway, the plan is not begun",
            output::flat(name)
        ));
    }
    Ok(Exit::Done)
}

fn unknown_secrets<'a>(config: &Config, plan: &'a Plan) -> Vec<UnknownSecret<'a>> {
    plan.unknown_secrets(|name| config.rules.policy.secrets.contains_key(name))
}

/// Steps that type an unknown secret would fail in the middle, with half of the work done. A goal for a model may be reached without it.
fn refuse_unknown_secrets(unknown: &[UnknownSecret<'_>]) -> Result<(), CliError> {
    match unknown.iter().find(|secret| !secret.is_for_model) {
        None => Ok(()),
        Some(UnknownSecret { name, goal, .. }) => {
            let why = output::flat(&format!("the steps `{goal}` need the secret `{name}`, which is not configured"));
            Err(CliError::usage(why).help(format!("add [policy.secrets.{name}] to the settings: docs/policy.md")))
        }
    }
}

/// What needs no model has none, unless somebody has named one that steps can be handed over to.
fn choose_model(config: &mut Config, plan: &Plan) -> Result<(), CliError> {
    if plan.needs_model() {
        return match config.model.source {
            ModelSource::Nobody => {
                let goals = plan.all_goals();
                let first = goals.into_iter().find(|goal| matches!(goal.work, Work::Words));
                let name = first.map_or("", |goal| goal.name.as_str());
                Err(CliError::usage(format!("the goal `{name}` needs a model, and there is none (--model none)"))
                    .help("name one with --model, or write it as steps: docs/plans.md"))
            }
            _ => Ok(()),
        };
    }
    if !plan.hands_over() || config.settings.launch.model.is_none() {
        config.settings.model.source = ModelSource::Nobody;
        config.settings.launch.model = Some("none".to_owned());
    }
    Ok(())
}

/// Goes on with a plan in the middle.
pub async fn go_on(common: Common, again: ContinueArguments, folder: &Path) -> Result<Exit, CliError> {
    let record = PlanRecord::take_up(folder)?;
    if record.next().is_none() {
        return Err(CliError::usage(format!("the plan at {} has come to its end", folder.display()))
            .help("what came of it is in its plan.md"));
    }
    let another_device = again.another_device;
    let mut terminal = terminal::here(common.json);
    let mut config = settings_again(common, again, folder, &mut terminal).await?;
    config.settings.model.heard = record.reply_count();
    outlives(&config, &format!("tapwright resume {}", folder.display()))?;
    refuse_unknown_secrets(&unknown_secrets(&config, &record.plan))?;
    // Before it is written anew, with a seal of this user's.
    let provenance = recorded_in(folder, &config.settings)?.provenance;
    let is_own = provenance == Provenance::Own;
    let stop = interrupt::listen();
    let secrets = config.secrets().await?;
    let respondents = people::gather(&config, terminal).await?;
    let narrator = Narrator::new(config.json, config.verbose == 0, 0);
    let Some(mut session) = open_session(&config, secrets, respondents, &narrator, stop).await? else {
        return Ok(Exit::Stopped);
    };
    if !is_own {
        narrator.note(&format!(
            "the plan's record {}: none of its goals may take more steps than your own limit, {}",
            doubt(provenance),
            config.settings.rules.limits.steps_max
        ));
    }
    let last = last_run(&record);
    let result = match allow_device(&mut session, last.as_ref(), folder, another_device, &narrator).await {
        Ok(()) => carry_on(&mut session, &config, record, is_own).await,
        Err(error) => Err(error),
    };
    leave(session, result).await
}

/// Closes the session with what the plan came to.
async fn leave(session: Session, result: Result<PlanOver, CliError>) -> Result<Exit, CliError> {
    match result {
        Ok(PlanOver { exit, how, is_lost }) => {
            close_with(session, how, is_lost).await;
            Ok(exit)
        }
        Err(error) => {
            close(session, None).await;
            Err(error)
        }
    }
}

/// The run of the plan that was begun last, if it can be read.
fn last_run(record: &PlanRecord) -> Option<Record> {
    record.run_names().rev().find_map(|run| Record::read(&record.folder.join(run)).ok())
}

/// A plan that has come to an end.
struct PlanOver {
    exit: Exit,
    how: EndNotice,
    is_lost: bool,
}

/// Carries it out, and says what came of it.
async fn carry_on(
    session: &mut Session,
    config: &Config,
    mut record: PlanRecord,
    is_own: bool,
) -> Result<PlanOver, CliError> {
    let folder = record.folder.clone();
    let unwritten = |error: std::io::Error| {
        CliError::with_text(
            Exit::Unwritten,
            format!("the plan's record in {} cannot be written: {error}", folder.display()),
        )
    };
    session.write_origin(&folder, is_own).map_err(unwritten)?;
    // What it says is not how the plan stands once it goes on; it is written anew in the end.
    let _ = fs::remove_file(folder.join("plan.json"));
    let mut watch = PlanNarrator {
        json: config.json,
        live: config.verbose == 0,
        settings: &config.settings,
        answers: AwaitedAnswer::of(config),
        narrator: None,
        by_steps: false,
    };
    let mut runner = SessionRunner { session, folder: &folder, watch: &mut watch, is_own, now: &clock::now };
    let end = match carry_out(&mut record, &mut runner).await {
        Ok(end) => end,
        Err(PlanError::Run(error)) => {
            watch.narrator.iter().for_each(Narrator::go_on);
            return Err(CliError::from(error));
        }
        Err(PlanError::Unwritten(error)) => return Err(unwritten(error)),
    };
    let summary = summary(&record, &end);
    write_atomically(&folder, "plan.md", &markdown(&record, &end)).map_err(unwritten)?;
    write_atomically(&folder, "plan.json", &format!("{summary:#}\n")).map_err(unwritten)?;
    let exit = exit(&end);
    let (achieved, all) = (record.achieved().count(), record.plan.goals.len());
    let how = notice(&end, &record);
    let document = record.plan.document.as_ref().map(|_| folder.join(DOCUMENT).display().to_string());
    if config.json {
        let line = json!({
            "plan": record.plan.title, "end": id(&end), "achieved": achieved, "goals": all,
            "outputs": record.outputs(), "not_achieved": summary["not_achieved"], "record": folder.to_string_lossy(),
            "document": document, "exit": exit.code(),
        });
        output::out(&line.to_string());
    } else {
        let EndNotice { headline: Headline { mood, text }, .. } = &how;
        let (mark, colour) = if matches!(end, PlanEnd::Done) { unchecked_mark() } else { mark(*mood) };
        for (n, line) in output::wrap(text, output::width() - 5).iter().enumerate() {
            output::out(&format!("  {}  {}", colour.apply_to(if n == 0 { mark } else { " " }), colour.apply_to(line)));
        }
        output::out(&format!("     {} {}", style("result  ").dim(), folder.join("plan.md").display()));
        if let Some(document) = document {
            output::out(&format!("     {} {document}", style("document").dim()));
        }
        if record.next().is_some() && !config.device_is_gone_after_run() {
            output::out(&format!("     {:8} {}", "", style(format!("tapwright resume {}", folder.display())).dim()));
        }
        output::out("");
    }
    let is_lost = matches!(end, PlanEnd::Stopped(Outcome::DeviceLost { .. }));
    Ok(PlanOver { exit, how, is_lost })
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

/// Tells what happens in each of a plan's runs.
struct PlanNarrator<'a> {
    json: bool,
    live: bool,
    settings: &'a Settings,
    answers: Option<AwaitedAnswer>,
    narrator: Option<Narrator>,
    /// Whether the run that is told of is one of steps.
    by_steps: bool,
}

impl PlanWatch for PlanNarrator<'_> {
    fn begins(&mut self, goal: &Goal, words: &str, folder: &Path, steps_max: u32) {
        let mut narrator = Narrator::new(self.json, self.live, steps_max).awaiting(self.answers.clone());
        narrator.head(words, &[("goal", goal.name.clone()), ("record", folder.display().to_string())]);
        self.narrator = Some(narrator);
        self.by_steps = !matches!(goal.work, Work::Words);
    }

    fn waits(&mut self, goal: &Goal, ms: u64) {
        if !self.json {
            output::out(&format!("  {}: the next round is due in {}", goal.name, clock::span(ms)));
        }
    }

    fn entry(&mut self, entry: &Entry) {
        if let Some(narrator) = &mut self.narrator {
            narrator.entry(entry);
        }
    }

    fn on_end(&mut self, report: &RunReport) {
        let Some(narrator) = self.narrator.take() else { return };
        narrator.go_on();
        let ending = RunEnding {
            run: &report.run,
            folder: &report.folder,
            end: &report.end,
            judgement: Some(&report.judgement),
            ms: report.ms,
            go_on: GoOn::of(&report.end.outcome, self.settings),
            device: self.settings.device.at.noun(),
            by_steps: self.by_steps,
        };
        narrator.ending(&ending, Exit::of(&report.end.outcome, report.judgement.verdict.as_ref()));
    }
}
