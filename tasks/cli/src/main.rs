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
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::error::ErrorKind;
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
    if env::args_os().any(|argument| argument == "--json") {
        let text = error.render().to_string();
        let text = text.trim().trim_start_matches("error: ");
        let (what, help) = text.split_once("\n\n").unwrap_or((text, ""));
        let trouble = CliError::usage(what);
        if help.is_empty() { trouble } else { trouble.help(help) }.tell(true);
    } else {
        let _ = error.print();
    }
    Exit::Usage
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
