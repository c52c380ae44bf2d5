//! `tapwright apis`

use async_trait::async_trait;
use console::style;
use serde_json::{Value, json};
use tapwright_tasks::call_trial::{CallOutcome, CallTrial, CheckedTrial, TrialReport, permission_of};
use tapwright_tasks::headline::EndNotice;
use tapwright_tasks::model::ModelSource;
use tapwright_tasks::session::{Respondents, Session, UnofferedApi};
use tapwright_tasks::{Answer, ApiEffect, ApiSpec, Nobody, Permission, Person, Question, Schema, Screen, Stop};

use super::{close_with, open_session, run_name};
use crate::arguments::{ApisArguments, Common};
use crate::clock;
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::narrator::Narrator;
use crate::output;
use crate::terminal;

/// Has agreed already, to exactly this call.
struct AgreedCall;

#[async_trait]
impl Person for AgreedCall {
    async fn ask(&mut self, question: &Question, _screen: Option<&Screen>) -> Answer {
        match question {
            Question::Permit { .. } => Answer::Yes,
            Question::Confirm { .. } | Question::TakeOver { .. } | Question::Choose { .. } | Question::Again { .. } => {
                Answer::Nobody
            }
        }
    }
}

pub async fn perform(common: Common, arguments: ApisArguments) -> Result<Exit, CliError> {
    let ApisArguments { name, arguments, yes, device, phone, policy } = arguments;
    let mut flags = Flags { device, phone, ..Flags::common(common) };
    flags.limits.policy = policy;
    let mut config = Config::read(flags)?;
    config.refuse_idle_flags()?;
    let stop = interrupt::listen();
    let Some(name) = name else {
        config.settings.model.source = ModelSource::Given(Vec::new());
        let Some(mut session) = open(&config, Box::new(Nobody), stop).await? else { return Ok(Exit::Stopped) };
        let found = session.apis();
        close_with(session, EndNotice::from("listed"), false).await;
        let (offered, left_out) = found?;
        list(&config, &offered, &left_out);
        return Ok(Exit::Done);
    };
    let trial = CallTrial::new(&name, arguments.as_deref()).map_err(|why| {
        CliError::usage(why).help(format!("write them like this: tapwright apis {name} '{{\"text\": \"hello\"}}'"))
    })?;
    trial.prepare(&mut config.settings);
    let Some(mut session) = open(&config, Box::new(AgreedCall), stop).await? else { return Ok(Exit::Stopped) };
    let tried = attempt(&config, &trial, yes, &mut session).await;
    close_with(session, EndNotice::from("tried"), false).await;
    tried
}

async fn open(config: &Config, person: Box<dyn Person>, stop: Stop) -> Result<Option<Session>, CliError> {
    let secrets = config.secrets().await?;
    let narrator = Narrator::new(config.json, config.verbose == 0, config.rules.limits.steps_max);
    open_session(config, secrets, Respondents { person, desk: None }, &narrator, stop).await
}

/// Says what it would do, asks, and does it.
async fn attempt(config: &Config, trial: &CallTrial, yes: bool, session: &mut Session) -> Result<Exit, CliError> {
    let checked = trial.check(session).map_err(|why| {
        CliError::usage(why).help("what there is, and what each takes, is said by: tapwright apis; nothing was done")
    })?;
    let CheckedTrial { spec, permission, .. } = &checked;
    if !config.json {
        output::err(&format!("  {}", style(output::flat(&checked.words())).bold().for_stderr()));
        let what = format!("it {}; the policy {}", does(spec.effect), says(*permission));
        output::err(&format!("  {}", style(what).dim().for_stderr()));
    }
    if *permission != Permission::Refuse && !yes {
        let Some(mut person) = terminal::here(config.json) else {
            let why = format!("{} is tried only if somebody says so, and nobody can be asked here", spec.name);
            return Err(CliError::with_text(Exit::NeedsPerson, why).help("add --yes; nothing was done"));
        };
        if !person.agree(&format!("{}: {}", checked.words(), spec.about)).await {
            return Err(CliError::with_text(Exit::Refused, "it was not tried: a person said no"));
        }
    }
    let started = clock::now();
    let report = checked.run(session, &config.runs, &run_name(started, &spec.name), started).await?;
    Ok(tell(config, &checked, &report))
}

fn tell(config: &Config, checked: &CheckedTrial, report: &TrialReport) -> Exit {
    let (word, text, exit) = match &report.outcome {
        CallOutcome::Answered { text } => ("answered", text.clone(), Exit::Done),
        CallOutcome::Forbidden { why } => ("forbidden", why.clone(), Exit::Refused),
        CallOutcome::NotDone { why } => ("not-done", why.clone(), Exit::Refused),
        CallOutcome::Uncertain { why } => ("uncertain", why.clone(), Exit::Void),
        CallOutcome::Ended(outcome) => (outcome.id(), String::new(), Exit::of(outcome, None)),
    };
    if config.json {
        let told = json!({
            "name": checked.spec.name, "arguments": checked.arguments, "effect": checked.spec.effect,
            "permission": checked.permission, "result": word, "text": text, "record": report.folder, "exit": exit.code(),
        });
        output::out(&told.to_string());
        return exit;
    }
    match exit {
        Exit::Done => output::out(&output::plain(&text)),
        _ => {
            let lead = match &report.outcome {
                CallOutcome::Uncertain { .. } => "nobody knows whether it was done",
                _ => "it was not done",
            };
            output::err(&format!("  {} {}", style(format!("{lead}:")).yellow().for_stderr(), output::plain(&text)));
        }
    }
    output::err(&format!("  {}", style(format!("record  {}", report.folder.display())).dim().for_stderr()));
    exit
}

fn does(effect: ApiEffect) -> &'static str {
    match effect {
        ApiEffect::Reads => "reads",
        ApiEffect::Changes => "changes something that can be changed back",
        ApiEffect::LeavesTheDevice => "tells somebody else something",
        ApiEffect::Irreversible => "may do what cannot be taken back",
    }
}

fn says(permission: Permission) -> &'static str {
    match permission {
        Permission::Allow => "allows it",
        Permission::Ask => "has a person asked",
        Permission::Refuse => "forbids it",
    }
}

fn list(config: &Config, offered: &[ApiSpec], left_out: &[UnofferedApi]) {
    let policy = &config.rules.policy;
    if config.json {
        for spec in offered {
            let permission = permission_of(policy, spec, &Value::Null);
            let told = json!({
                "name": spec.name, "offered": true, "about": spec.about, "effect": spec.effect,
                "permission": permission, "parameters": spec.parameters,
            });
            output::out(&told.to_string());
        }
        for api in left_out {
            output::out(&json!({"name": api.name, "offered": false, "why": api.why}).to_string());
        }
        return;
    }
    if offered.is_empty() && left_out.is_empty() {
        output::out("  no calls: neither this device nor the settings offer any; docs/apis.md says how they are added");
    }
    let width = output::width();
    for spec in offered {
        let takes = Schema::of_object(&spec.parameters).map(|schema| schema.signature()).unwrap_or_default();
        let takes = if takes == "object" { String::new() } else { takes };
        output::out(&format!("  {} {}", style(output::flat(&spec.name)).bold(), output::flat(&takes)));
        let permission = permission_of(policy, spec, &Value::Null);
        let told = format!("{} ({}; the policy {})", spec.about, does(spec.effect), says(permission));
        for line in output::wrap(&told, width - 6) {
            output::out(&format!("      {}", style(line).dim()));
        }
    }
    if !left_out.is_empty() {
        output::out("\n  not offered to a model:");
    }
    for api in left_out {
        let told = format!("{}: {}", output::flat(&api.name), api.why);
        for line in output::wrap(&told, width - 6) {
            output::out(&format!("      {}", style(line).dim()));
        }
    }
}
