//! The command line: the only place that prints, exits, and reads arguments and the environment.

mod arguments;
mod changes;
mod clock;
mod commands;
mod config;
mod error;
mod exit;
mod interrupt;
mod kinds;
mod narrator;
mod opener;
mod output;
mod people;
mod terminal;
mod trust;
mod waiting;

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use tracing_subscriber::EnvFilter;

use crate::arguments::{Arguments, Command, ModelsCommand};
use crate::error::CliError;
use crate::exit::Exit;

fn main() -> ExitCode {
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(error) => return report_usage(&error).into(),
    };
    let json = arguments.common.json;
    // A server says what it does, a line a request, unless it says it to a program.
    let serves = matches!(&arguments.command, Command::Models(models) if matches!(models.command, ModelsCommand::Serve(_)))
        || matches!(&arguments.command, Command::ServeOsworld(_));
    listen_to_tracing(arguments.common.verbose.max(u8::from(serves && !json)));
    // Before there are threads: a local model is served or asked from many of them.
    tapwright_tasks::model::limit_arenas();
    keep_to_ourselves();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            CliError::new(Exit::Internal, &error).tell(json);
            return Exit::Internal.into();
        }
    };
    let result = runtime.block_on(commands::perform(arguments));
    // Somebody may be reading the keyboard still, or building a model that nobody wants any more.
    runtime.shutdown_background();
    let exit = match result {
        Ok(exit) => exit,
        Err(trouble) => {
            trouble.tell(json);
            trouble.exit
        }
    };
    match output::write_error() {
        Some(error) if exit == Exit::Done => {
            let text = format!("not all of the output was written: {error}");
            CliError::with_text(Exit::Unwritten, text).tell(false);
            Exit::Unwritten
        }
        _ => exit,
    }
    .into()
}

/// ONNX Runtime has telemetry, which begins when the library is loaded, with a file among the temporary ones and a database in the
/// user's cache; only a variable of the environment turns it off before that.
fn keep_to_ourselves() {
    // SAFETY: there is no other thread yet that could read the environment meanwhile.
    unsafe { env::set_var("ORT_DISABLE_TELEMETRY", "1") };
}

/// The arguments are wrong, or ask for help. Who wants JSON gets it, though the arguments could not be read.
fn report_usage(error: &clap::Error) -> Exit {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = error.print();
        return Exit::Done;
    }
    let tip = unquoted_goal(error, env::args_os());
    if env::args_os().any(|argument| argument == "--json") {
        let text = error.render().to_string();
        let text = text.trim().trim_start_matches("error: ");
        let (what, help) = text.split_once("\n\n").unwrap_or((text, ""));
        let help: Vec<&str> = tip.as_deref().into_iter().chain([help]).filter(|help| !help.is_empty()).collect();
        let trouble = CliError::usage(what);
        if help.is_empty() { trouble } else { trouble.help(help.join("\n\n")) }.tell(true);
    } else {
        let _ = error.print();
        if let Some(tip) = tip {
            output::err(&format!("\n  {tip}"));
        }
    }
    Exit::Usage
}

/// What to say to whoever has written a goal without quotes: `tapwright run turn wifi on`.
fn unquoted_goal(error: &clap::Error, arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let Some(ContextValue::String(second)) = error.get(ContextKind::InvalidArg) else { return None };
    if error.kind() != ErrorKind::UnknownArgument || second.starts_with('-') {
        return None;
    }
    let arguments: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let at = arguments.iter().position(|argument| argument == second)?;
    let first = arguments.iter().position(|argument| argument == "run" || argument == "plan")?;
    if first + 2 != at {
        return None;
    }
    let goal: Vec<&str> =
        arguments[first + 1..].iter().map(String::as_str).take_while(|word| !word.starts_with('-')).collect();
    let goal = goal.join(" ");
    let quote = if goal.contains('\'') { '"' } else { '\'' };
    Some(format!("a goal of several words stands between quotes: {quote}{goal}{quote}"))
}

/// `TAPWRIGHT_LOG` says exactly what is wanted, `-v` roughly.
fn listen_to_tracing(verbose: u8) {
    let rough = match verbose {
        0 => "error,tapwright_person=warn", // What a person is waited for.
        1 => "warn,tapwright=info",
        2 => "info,tapwright=debug",
        _ => "debug,tapwright=trace",
    };
    // The packages' names all begin so.
    let rough = rough.replace(
        "tapwright=",
        "tapwright_tasks=LEVEL,tapwright_agent=LEVEL,tapwright_drivers=LEVEL,tapwright_models=LEVEL,tapwright_phone=LEVEL,tapwright=",
    );
    let level = rough.rsplit('=').next().unwrap_or("error").to_owned();
    let filter =
        EnvFilter::try_from_env("TAPWRIGHT_LOG").unwrap_or_else(|_| EnvFilter::new(rough.replace("LEVEL", &level)));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .with_target(false)
        .compact()
        .init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn a_goal_without_quotes_is_told_how_to_be_written() {
        let tip = |line: &str| {
            let words = || ["tapwright"].into_iter().chain(line.split(' '));
            let error = Arguments::command().try_get_matches_from(words()).err()?;
            unquoted_goal(&error, words().map(OsString::from))
        };
        let quoted = |goal: &str| Some(format!("a goal of several words stands between quotes: {goal}"));
        assert_eq!(tip("run turn wifi on"), quoted("'turn wifi on'"));
        assert_eq!(tip("--json run don't turn wifi on --seed 3"), quoted("\"don't turn wifi on\""));
        assert_eq!(tip("run turn --wifi on"), None);
        assert_eq!(tip("runs all mine"), None);
    }
}
