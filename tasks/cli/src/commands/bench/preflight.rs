//! `tapwright bench --preflight`, and the same before each measurement.

use serde_json::json;
use tapwright_tasks::bench::preflight::{Preflight, PreflightReport, RigIdentity, preflight};
use tapwright_tasks::count_of;
use tapwright_tasks::doctor::CheckState;
use tapwright_tasks::suite::{Case, Suite};

use super::super::doctor::tell;
use crate::config::Config;
use crate::error::CliError;
use crate::exit::Exit;
use crate::narrator::Narrator;
use crate::output;

/// Looks, and tells what it finds: all of it, or only what is not as it has to be.
pub async fn look(
    config: &Config,
    narrator: &Narrator,
    (suite, cases): (&dyn Suite, &[Case]),
    retries: u32,
    tells_all: bool,
) -> PreflightReport {
    let of = Preflight {
        suite,
        cases,
        device: &config.device,
        look: config.rules.limits.look,
        tries: retries.saturating_add(1),
    };
    narrator.wait("looking whether the devices are there");
    let report = preflight(&of, |_| ()).await;
    narrator.go_on();
    for finding in report.findings.iter().filter(|finding| tells_all || finding.state == CheckState::Failed) {
        tell(finding, config.json);
    }
    report
}

/// The last words of one that was all that somebody wanted.
pub fn conclude(report: &PreflightReport, json: bool) -> Exit {
    let exit = if report.is_ready() { Exit::Done } else { Exit::NotReady };
    if json {
        output::out(&json!({"ready": report.is_ready(), "rigs": report.rigs, "exit": exit.code()}).to_string());
        return exit;
    }
    for RigIdentity { rig, screens, programs } in &report.rigs {
        let screens = screens.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let programs: String = programs.iter().map(|(name, version)| format!("; {name} {version}")).collect();
        output::out(&format!("  {}", output::flat(&format!("{rig}: {screens}{programs}"))));
    }
    exit
}

/// The devices that a measurement is made on.
///
/// # Errors
/// `CliError` if one of them, or something else that the cases need, is not as it has to be.
pub fn rigs(report: PreflightReport, command: &str) -> Result<Vec<RigIdentity>, CliError> {
    if report.is_ready() {
        return Ok(report.rigs);
    }
    let count = report.findings.iter().filter(|finding| finding.state == CheckState::Failed).count();
    let what = count_of(count as u64, "thing is", "things are");
    Err(CliError::with_text(Exit::NotReady, format!("{what} not as the cases need it: no model was asked anything"))
        .help(format!("see to it as is said above, and look again: {command} --preflight")))
}
