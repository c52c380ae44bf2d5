//! What can be said on the command line and in the environment.

mod around;
mod bench;
mod help;
mod models;
mod offline;
mod run;
mod shared;

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use tapwright_tasks::mistake::nearest;

use crate::exit::Exit;
use crate::output;

pub use around::*;
pub use bench::*;
pub use models::*;
pub use offline::*;
pub use run::*;
pub use shared::*;

const ABOUT: &str =
    "A vision-language model looks at a screen, decides, and something is done: on a phone, a desktop or in a browser.";

const EXAMPLES: &str = r#"Examples:
  Two apps of the virtual phone, with the small model, judged by the phone's state:
    tapwright run 'Turn Wi-Fi on, then send "on my way" to Anna' \
      --start wifi.on=false --expect wifi.on=true --expect 'messages.Anna.last=me: on my way'

  A phone of your own, and a model that somebody serves:
    tapwright devices
    tapwright run 'Set an alarm for 7:30' --device R58M31ABCDE --model http://127.0.0.1:8000/v1 --model-name autoglm-phone-9b

  What happened, again, as a page for a browser:
    tapwright replay last --html run.html

  How good is a model? Judged by state, in a table:
    tapwright bench smoke --seeds 100

Settings come from flags, then the environment (TAPWRIGHT_...), then tapwright.toml of this folder (trusted
once: tapwright trust) or of the user, then defaults.
If something does not work: tapwright doctor"#;

#[derive(Debug, Parser)]
#[command(
    name = "tapwright",
    version,
    about = ABOUT,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{}", Exit::table()),
    arg_required_else_help = true,
    subcommand_required = true
)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// For all commands.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "For all commands")]
pub struct Common {
    /// Print one JSON object a line, for programs
    #[arg(long, global = true)]
    pub json: bool,

    /// The file with settings, in place of ./tapwright.toml, which has to be trusted (tapwright trust), and of the user's own
    #[arg(long, global = true, value_name = "FILE", env = "TAPWRIGHT_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,

    /// Where the records of runs are kept [default: runs]
    #[arg(long, global = true, value_name = "FOLDER", env = "TAPWRIGHT_RUNS", hide_env_values = true)]
    pub runs: Option<PathBuf>,

    /// Where built models and ONNX Runtime are kept [default: tapwright in the user's cache folder]
    #[arg(long, global = true, value_name = "FOLDER", env = "TAPWRIGHT_CACHE", hide_env_values = true)]
    pub cache: Option<PathBuf>,

    /// Say more about what happens inside: -v what, -vv why, -vvv everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// The ids of the flags that were written on the command line, and are not from the environment or a default.
    #[arg(skip)]
    pub written: BTreeSet<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Run(Box<RunArguments>),
    Plan(PlanArguments),
    Bench(Box<BenchArguments>),
    Offline(OfflineArguments),
    Resume(ResumeArguments),
    Fork(ForkArguments),
    Judge(JudgeArguments),
    Workflow(WorkflowArguments),
    Replay(ReplayArguments),
    Runs(RunsArguments),
    Devices(DevicesArguments),
    Apis(ApisArguments),
    Doctor(DoctorArguments),
    Setup(SetupArguments),
    Models(ModelsArguments),
    Phone(ServePhoneArguments),
    ServeOsworld(ServeOsworldArguments),
    Trust(TrustArguments),
}

impl Arguments {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    /// What clap says of them, which may be the help.
    pub fn read() -> Result<Arguments, clap::Error> {
        let command = help::wrap_help(without_empty_variables(Arguments::command()), output::columns());
        let matches =
            command.clone().try_get_matches_from(with_addresses(env::args_os())).map_err(without_far_suggestions)?;
        let mut arguments =
            Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut command.clone()))?;
        arguments.common.written = given_names(&matches);
        Ok(arguments)
    }
}

/// An address after `--watch` is its own: it can be no goal.
fn with_addresses(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    for word in words {
        let is_address = word.to_str().is_some_and(|word| word.parse::<SocketAddr>().is_ok());
        match joined.last_mut() {
            Some(last) if is_address && last == "--watch" => {
                last.push("=");
                last.push(word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

/// A command that only shares some letters with what was written is no help.
fn without_far_suggestions(mut error: clap::Error) -> clap::Error {
    let given = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(given)) => given.clone(),
        _ => return error,
    };
    let Some(ContextValue::Strings(names)) = error.get(ContextKind::SuggestedSubcommand) else { return error };
    if nearest(&given, names.iter().map(String::as_str)).is_none() {
        error.remove(ContextKind::SuggestedSubcommand);
        error.remove(ContextKind::Suggested);
    }
    error
}

/// A variable that is set to nothing says nothing.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    let command = command.mut_args(|arg| if is_empty(&arg) { arg.env(None::<&str>) } else { arg });
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, without_empty_variables))
}

fn given_names(matches: &ArgMatches) -> BTreeSet<String> {
    let here = matches.ids().filter(|id| {
        // An id may be that of a group, which has no source.
        matches!(matches.value_source(id.as_str()), Some(ValueSource::CommandLine))
    });
    let mut all: BTreeSet<String> = here.map(|id| id.as_str().to_owned()).collect();
    if let Some((_, below)) = matches.subcommand() {
        all.append(&mut given_names(below));
    }
    all
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Arguments::command().debug_assert();
    }

    /// `UPDATE_EXPECT=1 cargo test` writes the page anew.
    #[test]
    fn the_page_in_docs_says_what_the_help_says() {
        let mut page = include_str!("cli.head.md").to_owned();
        page += "\n## Exit codes\n\n| code | means |\n| ---: | --- |\n";
        for (exit, means) in Exit::ALL {
            page += &format!("| {} | {means} |\n", exit.code());
        }
        page += "\n## Commands\n";
        help(&help::wrap_help(Arguments::command(), 110), "tapwright", &mut page);
        expect_file!["../../../docs/cli.md"].assert_eq(&page);
    }

    fn help(command: &clap::Command, path: &str, page: &mut String) {
        let mut shown = command.clone().bin_name(path).disable_help_subcommand(true);
        *page += &format!("\n### `{path}`\n\n```text\n{}\n```\n", shown.render_help().to_string().trim_end());
        for below in command.get_subcommands() {
            help(below, &format!("{path} {}", below.get_name()), page);
        }
    }

    /// What is wrapped twice has lines of one or two words between full ones.
    #[test]
    fn help_is_wrapped_once_at_every_width() {
        for width in [60, 80, 100, 110] {
            let mut page = String::new();
            help(&help::wrap_help(Arguments::command(), width), "tapwright", &mut page);
            let lines: Vec<&str> = page.lines().collect();
            for pair in lines.windows(2) {
                let [line, next] = pair else { continue };
                let is_text = |line: &str| line.starts_with(char::is_alphabetic) && line.contains(' ');
                let first = next.split(' ').next().unwrap_or_default();
                let ends = line.ends_with(['.', ':']) || line.starts_with("Usage") || next.starts_with("Usage");
                assert!(
                    !(is_text(line) && is_text(next))
                        || ends
                        || line.chars().count() + 1 + first.chars().count() > width.min(110),
                    "{width}: {line:?} could hold {first:?}"
                );
            }
            for line in
                lines.iter().filter(|line| line.starts_with("  tapwright ") || line.starts_with("    tapwright "))
            {
                assert!(line.chars().count() <= width, "{width}: {line:?}");
            }
        }
    }
}
