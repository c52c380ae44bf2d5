//! `tapwright bench`: measures, and what is done with measurements.

mod assets;
mod compare;
mod evaluator;
mod measure;
mod osworld;
mod preflight;
mod rescore;
mod suite_source;
mod summary_output;
mod table;

use std::path::{Path, PathBuf};

use tapwright_tasks::bench::{BenchError, LedgerError};
use tapwright_tasks::record::{SuiteBrief, find_suite};
use tapwright_tasks::suite::SuiteError;

use crate::arguments::{BenchArguments, BenchCommand, Common};
use crate::error::CliError;
use crate::exit::Exit;

pub async fn perform(common: Common, mut arguments: BenchArguments) -> Result<Exit, CliError> {
    match arguments.command.take() {
        Some(BenchCommand::Compare(arguments)) => return compare::perform(common, &arguments),
        Some(BenchCommand::Rescore(arguments)) => return rescore::perform(common, &arguments).await,
        Some(BenchCommand::Assets(command)) => return assets::perform(common, command).await,
        Some(BenchCommand::New(arguments)) => return suite_source::begin(&arguments.folder, common.json),
        None => {}
    }
    let suite = arguments.suite.clone().unwrap_or_default();
    if suite == tapwright_tasks::osworld::NAME {
        if arguments.list {
            return osworld::list(&arguments.osworld, &arguments.only, common.json);
        }
        let machines = arguments.osworld.device.len();
        if machines > 0 && usize::from(arguments.parallel) > machines {
            let why = format!("--parallel {} is more than there are machines: {machines}", arguments.parallel);
            return Err(
                CliError::usage(why).help(format!("name more of them with --device, or write --parallel {machines}"))
            );
        }
        // What goes on has its cases, and says if one of them is another now.
        arguments.osworld.skip_faulty |= arguments.resume.is_some();
        arguments.only = osworld::whole_ids(&arguments.osworld, &arguments.only)?;
    } else if let Some(flag) = arguments.osworld.given() {
        return Err(CliError::usage(format!("{flag} would do nothing: it is for the suite osworld, not {suite}"))
            .help(format!("leave {flag} out, or write: tapwright bench osworld --tasks PATH")));
    }
    measure::perform(common, arguments).await
}

/// The folder of a measurement by its path, its name, or `last`.
fn found(runs: &Path, name: &str) -> Result<(PathBuf, SuiteBrief), CliError> {
    find_suite(runs, name).ok_or_else(|| {
        CliError::usage(format!("there is no measurement {name:?}")).help("see which there are with: tapwright runs")
    })
}

impl From<LedgerError> for CliError {
    fn from(error: LedgerError) -> CliError {
        let exit = match &error {
            LedgerError::Busy { .. } => Exit::NotReady,
            LedgerError::File { .. } => Exit::Unwritten,
            LedgerError::Broken { .. } => Exit::Unreadable,
        };
        CliError::new(exit, &error).help(error.help())
    }
}

impl From<BenchError> for CliError {
    fn from(error: BenchError) -> CliError {
        match error {
            BenchError::Ledger(error) => error.into(),
            BenchError::Record(error) => error.into(),
            BenchError::Cases => CliError::new(Exit::Unreadable, &error)
                .help("the suite draws other cases now: measure anew, without --resume"),
        }
    }
}

impl From<SuiteError> for CliError {
    fn from(error: SuiteError) -> CliError {
        let help = match &error {
            SuiteError::Case { near: Some(near), .. } => Some(format!("did you mean `{near}`? --list shows all ids")),
            SuiteError::Case { near: None, .. } => {
                Some("--list shows the ids of those that --seeds, --from and --template choose".to_owned())
            }
            SuiteError::Nothing => Some(
                "--from is beyond the last case, or --template and --only leave none: --list without them shows all"
                    .to_owned(),
            ),
            SuiteError::TooMany { .. } => Some("give a smaller number: --seeds".to_owned()),
            SuiteError::Template { .. } | SuiteError::Seeds { .. } => None,
        };
        let said = CliError::new(Exit::Usage, &error);
        match help {
            Some(help) => said.help(help),
            None => said,
        }
    }
}
