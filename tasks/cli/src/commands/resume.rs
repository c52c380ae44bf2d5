//! `tapwright resume` and `tapwright fork`

use std::path::{Path, PathBuf};

use tapwright_tasks::origin::Provenance;
use tapwright_tasks::plan::PlanRecord;
use tapwright_tasks::policy::Preset;
use tapwright_tasks::record::{find, find_run, mark_last};
use tapwright_tasks::resume::{ResumableRun, heard_until};
use tapwright_tasks::run::{RunError, RunLocation, RunReport};
use tapwright_tasks::session::{DeviceMatch, Session, recorded_in, seal_of};
use tapwright_tasks::settings::{ForeignSetting, Settings, default_preset};
use tapwright_tasks::{Answer, Asker, Entry, Question, Record};

use super::run::{tell, warn_of_clock};
use super::{close, open_session, plan, run_name};
use crate::arguments::{Common, ContinueArguments, ForkArguments, LimitArguments, ResumeArguments};
use crate::clock;
use crate::config::{Config, Flags};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::narrator::Narrator;
use crate::output;
use crate::people;
use crate::terminal::{self, Terminal};
use crate::waiting::AwaitedAnswer;

/// What is gone on with.
enum Begin {
    Resume(Box<ResumableRun>),
    /// The first so many steps of the run in this folder.
    Fork {
        steps: u32,
    },
}

pub async fn resume(common: Common, arguments: ResumeArguments) -> Result<Exit, CliError> {
    let ResumeArguments { run, again } = arguments;
    let folder = folder(&common, &run, find)?;
    if PlanRecord::is_there(&folder) {
        return plan::go_on(common, again, &folder).await;
    }
    let run = ResumableRun::take_up(&folder)?;
    let record = run.record().clone();
    go_on(common, again, &folder, record, Begin::Resume(Box::new(run))).await
}

pub async fn fork(common: Common, arguments: ForkArguments) -> Result<Exit, CliError> {
    let ForkArguments { run, at, again } = arguments;
    let folder = folder(&common, &run, find_run)?;
    let record = Record::read(&folder).map_err(|error| CliError::new(Exit::Unreadable, &error))?;
    go_on(common, again, &folder, record, Begin::Fork { steps: at }).await
}

async fn go_on(
    common: Common,
    again: ContinueArguments,
    folder: &Path,
    record: Record,
    begin: Begin,
) -> Result<Exit, CliError> {
    let another_device = again.another_device;
    let mut terminal = terminal::here(common.json);
    let mut config = settings_again(common, again, folder, &mut terminal).await?;
    config.settings.model.heard = match &begin {
        Begin::Resume(_) => record.reply_count(),
        Begin::Fork { steps } => heard_until(&record, *steps).map_err(RunError::from)?,
    };
    let shown = folder.display();
    let again = match &begin {
        Begin::Resume(_) => format!("tapwright resume {shown}"),
        Begin::Fork { steps } => format!("tapwright fork {shown} --at {steps}"),
    };
    outlives(&config, &again)?;
    let secrets = config.secrets().await?;
    let stop = interrupt::listen();
    let respondents = people::gather(&config, terminal).await?;
    let mut narrator = Narrator::new(config.json, config.verbose == 0, record.facts.setting.limits.steps_max)
        .awaiting(AwaitedAnswer::of(&config));
    let Some(mut session) = open_session(&config, secrets, respondents, &narrator, stop).await? else {
        return Ok(Exit::Stopped);
    };
    let report = drive(&mut session, &config, &mut narrator, folder, &record, begin, another_device).await;
    narrator.go_on();
    close(session, report.as_ref().ok()).await;
    Ok(tell(&narrator, &report?, &config))
}

async fn drive(
    session: &mut Session,
    config: &Config,
    narrator: &mut Narrator,
    folder: &Path,
    record: &Record,
    begin: Begin,
    another_device: bool,
) -> Result<RunReport, CliError> {
    allow_device(session, Some(record), folder, another_device, narrator).await?;
    let (run, told) = match begin {
        Begin::Resume(run) => (*run, format!("goes on after {}", output::steps(record.steps()))),
        Begin::Fork { steps } => {
            let started = clock::now();
            let name = run_name(started, &format!("fork {steps} {}", record.facts.setting.goal));
            let seal = seal_of(&config.settings);
            let location = RunLocation { runs: &config.runs, run: &name, started, seal: seal.as_ref() };
            let run = ResumableRun::fork(folder, steps, location)?;
            warn_of_clock(mark_last(&config.runs, &run.record().facts.run, started));
            (run, format!("begins with the first {} of {}", output::steps(steps), folder.display()))
        }
    };
    if session.stricter_policy(&run).is_some() {
        narrator.note(&format!(
            "the policy is stricter than the one that the run began with: `{}` and what is in the settings count, too",
            session.preset().name()
        ));
    }
    let provenance = session.provenance(&run);
    if let Some(lower) = session.lower_limits(&run) {
        narrator.limit(lower.steps_max);
        narrator.note(&format!(
            "the record {}: it goes on under your own limits wherever they are lower than its own, and takes {} at most",
            doubt(provenance),
            output::steps(lower.steps_max)
        ));
    }
    narrator.head(
        &record.facts.setting.goal,
        &[
            ("device", session.device_about().to_owned()),
            ("model", session.model_about().to_owned()),
            ("record", run.folder().display().to_string()),
            ("", told),
        ]
        .into_iter()
        .chain(config.file_fact())
        .collect::<Vec<_>>(),
    );
    let mut watch = |entry: &Entry| narrator.entry(entry);
    Ok(session.resume(run, clock::now(), &mut watch).await?)
}

/// The settings of a run or a plan that goes on. What a record of somebody else's names is asked about first, or refused.
pub async fn settings_again(
    common: Common,
    again: ContinueArguments,
    folder: &Path,
    terminal: &mut Option<Terminal>,
) -> Result<Config, CliError> {
    let first = Config::read(Flags::common(common.clone()))?;
    let recorded = recorded_in(folder, &first.settings)?;
    let limits = LimitArguments { policy: again.policy, ..LimitArguments::default() };
    let provenance = recorded.provenance;
    let json = common.json;
    let flags =
        Flags { device: again.device, model: again.model, ask: again.ask, limits, recorded, ..Flags::common(common) };
    let config = Config::read(flags)?;
    config.refuse_idle_flags()?;
    if provenance == Provenance::BrokenSeal && !json {
        output::err(&format!("  the record {} {}", output::flat(&folder.to_string_lossy()), doubt(provenance)));
    }
    for ForeignSetting { what, value, flag } in &config.foreign {
        let message = format!(
            "the record {} {}. It names the {what} {value}, which is not in your settings. Use it?",
            folder.display(),
            doubt(provenance)
        );
        let agreed = match terminal {
            Some(terminal) => terminal.agree(&message).await,
            None => false,
        };
        if !agreed {
            let why = format!(
                "{}: the record {}, and names the {what} {value}, which is not in your settings",
                folder.display(),
                doubt(provenance)
            );
            return Err(CliError::usage(why).help(format!("name the one that you want: {flag}")));
        }
    }
    Ok(config)
}

/// What is known of a record that was not begun here as it is.
pub fn doubt(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Own => "was made here",
        Provenance::Adopted => "was made elsewhere, and went on here",
        Provenance::BrokenSeal => {
            "was made here, and its seal is broken: what it was begun with was changed since, or its folder was renamed"
        }
        Provenance::Foreign => "was not made here, or was changed",
    }
}

/// Another device than the record's is used only by somebody who says so, and by the policy that is usual for it.
pub async fn allow_device(
    session: &mut Session,
    record: Option<&Record>,
    folder: &Path,
    another_device: bool,
    narrator: &Narrator,
) -> Result<(), CliError> {
    let noun = session.settings().device.at.noun();
    let difference = match session.matches_device(folder, record).await? {
        DeviceMatch::Same => return Ok(()),
        DeviceMatch::Unproven => None,
        DeviceMatch::Another { recorded, found } => {
            Some(format!("this is another {noun}: the run was on {recorded}, and this is {found}"))
        }
    };
    if let Some(difference) = &difference
        && !another_device
    {
        let message = format!("{difference}. What was touched, typed or begun there is not here. Go on with it?");
        let answer = session.ask(&Question::Permit { message, asker: Asker::Policy }).await;
        if answer != Answer::Yes {
            return Err(CliError::usage(difference.clone()).help(format!(
                "go on with that {noun}; or with this one: tapwright resume {} --device DEVICE {}",
                folder.display(),
                if noun == "phone" { "--another-phone" } else { "--another-device" }
            )));
        }
    }
    let settings: &Settings = session.settings();
    let preset = default_preset(&settings.device.at);
    if !settings.preset_is_chosen && preset == Preset::Careful {
        session.at_least(preset);
        narrator.note(&match difference {
            Some(_) => format!("on another {noun} the policy is at least `careful`, unless --policy says otherwise"),
            None => format!(
                "the record does not prove that this is the {noun} that the run was on: the policy is at least `careful`, unless \
                 --policy says otherwise"
            ),
        });
    }
    Ok(())
}

/// A phone inside a process is gone with it, and so is a desktop that was made for a run. `again` is the command that goes on.
pub fn outlives(config: &Config, again: &str) -> Result<(), CliError> {
    if !config.device_is_gone_after_run() {
        return Ok(());
    }
    if !config.is_virtual() {
        let what = config.device.at.noun();
        return Err(CliError::usage(format!("the {what} of this run was made for it, and is gone with it")).help(format!(
            "begin anew: tapwright run. Another {what} does not know what was done on it; to take one all the same: {again} \
             --device {what} --another-device"
        )));
    }
    Err(CliError::usage("the phone of this run was inside its process, and is gone with it").help(format!(
        "another phone does not know what was done on it. To take one all the same, serve one with `tapwright phone`, then: {again} \
         --device 127.0.0.1:5555 --another-phone"
    )))
}

fn folder(common: &Common, run: &str, find: fn(&Path, &str) -> std::io::Result<PathBuf>) -> Result<PathBuf, CliError> {
    let config = Config::read(Flags::records(common.clone()))?;
    find(&config.runs, run)
        .map_err(|error| CliError::usage(error.to_string()).help("see which there are with: tapwright runs"))
}
