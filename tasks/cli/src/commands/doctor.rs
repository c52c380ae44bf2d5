//! `tapwright doctor`

use console::{Alignment, pad_str, style};
use tapwright_tasks::doctor::{CheckState, Checkup, Finding, check};
use tapwright_tasks::osworld::environment;

use crate::arguments::{Common, DoctorArguments};
use crate::config::{Config, Flags, user_cache};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

pub async fn perform(common: Common, arguments: DoctorArguments) -> Result<Exit, CliError> {
    // One of our own is looked over anyway.
    let examine = arguments.device.device.as_deref().is_some_and(|device| device != "virtual");
    let given = Flags { device: arguments.device, ..Flags::common(common).model(arguments.model) };
    let config = Config::read(given)?;
    let checkup = Checkup {
        model: &config.model,
        device: &config.device,
        device_locks: config.device_locks.as_deref(),
        examine,
        taps: arguments.grounding,
        date: &config.rules.date,
        phone: config.phone.clone(),
        private_desktop: config.private_desktop.clone(),
        private_browser: config.private_browser.clone(),
        adb_server: &config.adb_server,
        osworld_environment: user_cache().map(|cache| cache.join(environment::FOLDER)),
        runs: &config.runs,
    };
    let worst = check(&checkup, |finding| tell(finding, config.json)).await;
    Ok(if worst == CheckState::Failed { Exit::NotReady } else { Exit::Done })
}

/// Tells a finding to people, or to a program.
pub(super) fn tell(finding: &Finding, json: bool) {
    if json {
        output::out(&serde_json::to_string(finding).unwrap_or_default());
        return;
    }
    let mark = match finding.state {
        CheckState::Ok => style("✓").green(),
        CheckState::Warning => style("!").yellow(),
        CheckState::Failed => style("✗").red(),
    };
    let lines = output::wrap(&finding.text, output::width().saturating_sub(21));
    for (n, line) in lines.iter().enumerate() {
        let (mark, what) = if n == 0 { (mark.to_string(), finding.what) } else { (" ".to_owned(), "") };
        output::out(&format!("  {mark}  {}  {line}", style(pad_str(what, 16, Alignment::Left, None)).bold()));
    }
    for line in finding.next.iter().flat_map(|next| output::wrap(next, output::width().saturating_sub(21))) {
        output::out(&format!("{:21}{}", "", style(line).dim()));
    }
}
