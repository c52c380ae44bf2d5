//! The commands, one file each.

mod bench;
mod devices;
mod doctor;
mod judge;
mod models;
mod phone;
mod plan;
mod replay;
mod resume;
mod run;
mod runs;
mod setup;

use tapwright_tasks::Stop;
use tapwright_tasks::model::{LoadedModel, LoadingStage, ModelOptions, open};

use crate::arguments::{Arguments, Command};
use crate::clock;
use crate::error::CliError;
use crate::exit::Exit;
use crate::narrator::Narrator;

/// Does what the arguments say.
///
/// # Errors
/// `CliError` if it was not done.
pub async fn perform(arguments: Arguments) -> Result<Exit, CliError> {
    let Arguments { common, command } = arguments;
    match command {
        Command::Run(arguments) => run::perform(common, arguments).await,
        Command::Plan(arguments) => plan::write(common, arguments).await,
        Command::Bench(arguments) => bench::perform(common, arguments).await,
        Command::Resume(arguments) => resume::resume(common, arguments).await,
        Command::Fork(arguments) => resume::fork(common, arguments).await,
        Command::Judge(arguments) => judge::perform(common, arguments).await,
        Command::Replay(arguments) => replay::perform(common, &arguments),
        Command::Runs(arguments) => runs::perform(common, &arguments),
        Command::Devices(arguments) => devices::perform(common, arguments).await,
        Command::Doctor(arguments) => doctor::perform(common, arguments).await,
        Command::Setup(arguments) => setup::perform(common, arguments).await,
        Command::Models(arguments) => models::perform(common, arguments.command).await,
        Command::Phone(arguments) => phone::perform(common, arguments).await,
    }
}

/// Opens a model and says why it takes time, if it does. `None` if somebody did not want to wait for it.
async fn open_model(options: &ModelOptions, narrator: &Narrator, stop: &Stop) -> Result<Option<LoadedModel>, CliError> {
    let (said, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let mut stop = stop.clone();
    let opening = open(options, move |opening| drop(said.send(opening)));
    tokio::pin!(opening);
    let mut doing = "";
    loop {
        tokio::select! {
            biased;
            () = stop.stopped() => return Ok(None),
            Some(news) = hears.recv() => match news {
                LoadingStage::Library(sentence) => narrator.wait(&sentence),
                LoadingStage::Note(sentence) => narrator.note(&sentence),
                // It has no time for bars: mini takes a second, a large model is told by what is done.
                LoadingStage::Building(progress) if progress.doing != doing => {
                    doing = progress.doing;
                    narrator.wait(&format!("the model: {doing}"));
                }
                LoadingStage::Building(_) => {}
            },
            opened = &mut opening => {
                narrator.go_on();
                return Ok(Some(opened?));
            }
        }
    }
}

/// A name for a run, which sorts by time and says what it was about.
fn run_name(started: u64, about: &str) -> String {
    let mut slug = String::new();
    for letter in about.to_lowercase().chars() {
        match letter {
            letter if letter.is_ascii_alphanumeric() => slug.push(letter),
            '\'' | '"' => {}
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
        if slug.len() >= 32 {
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
        assert_eq!(run_name(started, "打开设置"), "20260101-090000-042");
        assert_eq!(run_name(started, "../../etc/passwd"), "20260101-090000-042-etc-passwd");
        assert!(run_name(started, &"long ".repeat(99)).len() <= 60);
    }
}
