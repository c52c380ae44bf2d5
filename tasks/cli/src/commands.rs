//! The commands, one file each, and what several of them share.

mod apis;
mod bench;
mod devices;
mod doctor;
mod judge;
mod models;
mod offline;
mod phone;
mod plan;
mod replay;
mod resume;
mod run;
mod runs;
mod serve_osworld;
mod setup;
mod trust;
mod workflow;

use std::future::Future;

use tapwright_tasks::Secrets;
use tapwright_tasks::device::DeviceKind;
use tapwright_tasks::headline::EndNotice;
use tapwright_tasks::model::{LoadedModel, LoadingStage, ModelOptions, open};
use tapwright_tasks::run::RunReport;
use tapwright_tasks::session::{Respondents, Session};
use tapwright_tasks::{Outcome, Stop};
use tokio::sync::mpsc;

use crate::arguments::{Arguments, Command};
use crate::clock;
use crate::config::Config;
use crate::error::CliError;
use crate::exit::Exit;
use crate::kinds;
use crate::narrator::Narrator;
use crate::output;

/// News of a model that is being opened; what comes while nobody listens is of no use later.
const STAGES_MAX: usize = 64;

/// Does what the arguments say.
///
/// # Errors
/// `CliError` if it was not done.
pub async fn perform(arguments: Arguments) -> Result<Exit, CliError> {
    let Arguments { common, command } = arguments;
    match command {
        Command::Run(arguments) => run::perform(common, *arguments).await,
        Command::Plan(arguments) => plan::write(common, arguments).await,
        Command::Bench(arguments) => bench::perform(common, *arguments).await,
        Command::Offline(arguments) => offline::perform(common, arguments).await,
        Command::Resume(arguments) => resume::resume(common, arguments).await,
        Command::Fork(arguments) => resume::fork(common, arguments).await,
        Command::Judge(arguments) => judge::perform(common, arguments).await,
        Command::Workflow(arguments) => workflow::perform(common, arguments),
        Command::Replay(arguments) => replay::perform(common, &arguments),
        Command::Runs(arguments) => runs::perform(common, &arguments),
        Command::Devices(arguments) => devices::perform(common, arguments).await,
        Command::Apis(arguments) => apis::perform(common, arguments).await,
        Command::Doctor(arguments) => doctor::perform(common, arguments).await,
        Command::Setup(arguments) => setup::perform(common, arguments).await,
        Command::Models(arguments) => models::perform(common, arguments.command).await,
        Command::Phone(arguments) => phone::perform(common, arguments).await,
        Command::ServeOsworld(arguments) => serve_osworld::perform(common, arguments).await,
        Command::Trust(arguments) => trust::perform(&common, arguments),
    }
}

/// Opens a model and says why it takes time, if it does. `None` if somebody did not want to wait for it.
async fn open_model(options: &ModelOptions, narrator: &Narrator, stop: &Stop) -> Result<Option<LoadedModel>, CliError> {
    let (tell, stages) = mpsc::channel(STAGES_MAX);
    let mut stop = stop.clone();
    let opening = async {
        tokio::select! {
            biased;
            () = stop.stopped() => Ok(None),
            opened = open(options, move |stage| drop(tell.try_send(stage))) => opened.map(Some),
        }
    };
    Ok(telling(opening, stages, narrator).await?)
}

/// Opens a session, likewise.
async fn open_session(
    config: &Config,
    secrets: Secrets,
    respondents: Respondents,
    narrator: &Narrator,
    stop: Stop,
) -> Result<Option<Session>, CliError> {
    let (tell, stages) = mpsc::channel(STAGES_MAX);
    let stage = move |stage| drop(tell.try_send(stage));
    let opening = Session::open(config.settings.clone(), secrets, respondents, stop, stage);
    Ok(telling(opening, stages, narrator).await?)
}

/// The session, unless the model is lost on the display of its device: then that is told, and the device is let go.
async fn on_known_display(config: &Config, mut session: Session, anyway: bool) -> Result<Session, CliError> {
    match kinds::check_display(&config.model, &mut session, anyway).await {
        Ok(()) => Ok(session),
        Err(error) => {
            close(session, None).await;
            Err(error)
        }
    }
}

async fn telling<T>(
    opening: impl Future<Output = T>,
    mut stages: mpsc::Receiver<LoadingStage>,
    narrator: &Narrator,
) -> T {
    tokio::pin!(opening);
    let mut doing = "";
    let mut tell = |stage| match stage {
        LoadingStage::Library(sentence) => narrator.wait(&sentence),
        LoadingStage::Note(sentence) => narrator.note(&sentence),
        // It has no time for bars: mini takes a second, a large model is told by what is done.
        LoadingStage::Building(progress) if progress.doing != doing => {
            doing = progress.doing;
            narrator.wait(&format!("the model: {doing}"));
        }
        LoadingStage::Building(_) => {}
    };
    loop {
        tokio::select! {
            biased;
            Some(stage) = stages.recv() => tell(stage),
            opened = &mut opening => {
                // What was said last of all may still lie there.
                while let Ok(stage) = stages.try_recv() {
                    tell(stage);
                }
                narrator.go_on();
                return opened;
            }
        }
    }
}

/// Closes a session, whatever came of it, and says what is not as it was.
async fn close(session: Session, report: Option<&RunReport>) {
    let (how, is_lost) = match report {
        Some(RunReport { end, judgement, .. }) => {
            (EndNotice::of(&end.outcome, judgement.verdict.as_ref()), matches!(end.outcome, Outcome::DeviceLost { .. }))
        }
        None => (EndNotice::from("broken off"), false),
    };
    close_with(session, how, is_lost).await;
}

/// The same, with the words for whoever looks at the page. A device that is `lost` is not tried again.
async fn close_with(session: Session, how: EndNotice, is_lost: bool) {
    let device = session.settings().launch.device.clone().unwrap_or_else(|| "virtual".to_owned());
    let at = &session.settings().device.at;
    let (noun, is_phone) = (at.noun(), at.kind() == Some(DeviceKind::Phone));
    if let Err(error) = session.close(how, is_lost).await {
        let error = output::flat(&error.to_string());
        // The doctor looks over phones only.
        let mend = match is_phone {
            true => format!("; mend it with: tapwright doctor --device {}", output::flat(&device)),
            false => String::new(),
        };
        output::err(&format!("  the {noun} was not left as it was found ({error}){mend}"));
    }
}

/// The most letters, and bytes, of what a run's name says it was about.
const SLUG_LETTERS_MAX: usize = 32;
const SLUG_BYTES_MAX: usize = 60;

/// A name for a run, which sorts by time and says what it was about, in whatever script.
fn run_name(started: u64, about: &str) -> String {
    let mut slug = String::new();
    for letter in about.chars().flat_map(char::to_lowercase) {
        match letter {
            letter if letter.is_alphanumeric() => {
                if slug.len() + letter.len_utf8() > SLUG_BYTES_MAX {
                    break;
                }
                slug.push(letter);
            }
            '\'' | '"' => {}
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
        if slug.chars().count() >= SLUG_LETTERS_MAX {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    let stamp = clock::stamp(started);
    let ms = started % 1000;
    if slug.is_empty() { format!("{stamp}-{ms:03}") } else { format!("{stamp}-{ms:03}-{slug}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_when_and_what() {
        let started = 1_767_258_000_042;
        assert_eq!(run_name(started, "Turn Wi-Fi on, then \"x\""), "20260101-090000-042-turn-wi-fi-on-then-x");
        assert_eq!(run_name(started, "打开设置"), "20260101-090000-042-打开设置");
        assert_eq!(run_name(started, "给 Anna 发“我在路上”"), "20260101-090000-042-给-anna-发-我在路上");
        assert_eq!(run_name(started, "../../etc/passwd\u{202e}\u{1b}[2J"), "20260101-090000-042-etc-passwd-2j");
        assert_eq!(run_name(started, "!!!"), "20260101-090000-042");
        for long in ["long ".repeat(99), "打开设置".repeat(99), "İ".repeat(99)] {
            let name = run_name(started, &long);
            assert!(name.len() <= 80 && name.chars().count() <= 60, "{name}");
        }
    }
}
