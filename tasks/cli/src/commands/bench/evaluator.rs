//! Who scores OSWorld's tasks, by what is written on the command line.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tapwright_tasks::osworld::environment::{self, python_in};
use tapwright_tasks::osworld::{EvaluatorChoice, OfficialEvaluator};

use crate::arguments::OfficialArguments;
use crate::config::user_cache;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

/// How long one of its functions may take; some import for seconds, and a judge has three minutes.
const WITHIN: Duration = Duration::from_secs(100);

/// # Errors
/// `CliError` if OSWorld's evaluator is wanted and is not there, or is not wanted and said where it is.
pub fn choice(arguments: &OfficialArguments) -> Result<EvaluatorChoice, CliError> {
    let OfficialArguments { evaluator, osworld_repo, osworld_python } = arguments;
    let kind = evaluator.as_deref().unwrap_or("native");
    if kind == "native" {
        let idle = [("--osworld-repo", osworld_repo), ("--osworld-python", osworld_python)];
        return match idle.iter().find(|(_, given)| given.is_some()) {
            Some((flag, _)) => Err(CliError::usage(format!("{flag} would do nothing: this program scores itself"))
                .help(format!("write --evaluator official or both, or leave out {flag}"))),
            None => Ok(EvaluatorChoice::Native),
        };
    }
    let python = match osworld_python {
        Some(named) => absolute(named)?,
        None => python_in(&user_cache().unwrap_or_default().join(environment::FOLDER)),
    };
    if !python.is_file() {
        let why = format!("OSWorld's own evaluator is not there: {} is no file", python.display());
        return Err(CliError::with_text(Exit::NotReady, why).help(
            "make its environment: tapwright setup --osworld; or name a Python that has the package: --osworld-python FILE",
        ));
    }
    let checkout = osworld_repo.as_deref().map(absolute).transpose()?;
    if let Some(folder) = checkout.as_deref().filter(|folder| !has_evaluator(folder)) {
        return Err(CliError::usage(format!("{} is no checkout of OSWorld", folder.display()))
            .help("name the folder that holds desktop_env/evaluators/metrics"));
    }
    let official = OfficialEvaluator { python, checkout, scratch: env::temp_dir(), within: WITHIN };
    Ok(if kind == "both" { EvaluatorChoice::Both(official) } else { EvaluatorChoice::Official(official) })
}

/// Looks what the evaluator's Python has, before tasks are run whose scores would all be errors.
///
/// # Errors
/// `CliError` if it could give no score at all.
pub async fn check(choice: &EvaluatorChoice) -> Result<(), CliError> {
    const HELP: &str =
        "complete it: tapwright setup --osworld; or name a Python that has the package: --osworld-python FILE";
    let (EvaluatorChoice::Official(official) | EvaluatorChoice::Both(official)) = choice else { return Ok(()) };
    let OfficialEvaluator { python, checkout, .. } = official;
    let report =
        environment::inspect(python).await.map_err(|error| CliError::new(Exit::NotReady, &error).help(HELP))?;
    if report.evaluator.is_none() && checkout.is_none() {
        let why = format!("the package desktop-env is not installed for {}", python.display());
        return Err(CliError::with_text(Exit::NotReady, why).help(HELP));
    }
    if !report.is_complete_but_for_media() && !report.missing.is_empty() {
        output::err(&format!(
            "  for {} these are not installed, and functions that need one give an evaluator-error: {}",
            python.display(),
            report.missing.join(", ")
        ));
    }
    Ok(())
}

fn has_evaluator(folder: &Path) -> bool {
    folder.join("desktop_env/evaluators/metrics/__init__.py").is_file()
}

/// It is used in another folder than this one. Links stay: a Python finds its packages by where it was called.
fn absolute(path: impl AsRef<Path>) -> Result<PathBuf, CliError> {
    std::path::absolute(path).map_err(|error| CliError::usage(error.to_string()))
}
