//! Asks a person before settings are used that came with the folder which the program was started in, and remembers the answer.

use std::io::{self, BufRead, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Mutex;

use console::style;
use tapwright_tasks::command_line::quoted;
use tapwright_tasks::settings::{SensitiveSetting, SettingsFile, TrustStore, UntrustedFile};

use crate::error::CliError;
use crate::output;

/// So many settings are shown; the others are in the file.
const SHOWN_MAX: usize = 12;

/// Digests of files that somebody at the terminal has agreed to, where that cannot be kept.
static AGREED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Where this user's trust in files is kept; `None` without a home folder.
pub fn store(state: Option<PathBuf>) -> Option<TrustStore> {
    state.map(|state| TrustStore::new(state.join("trusted")))
}

/// The part of a file that is used, if that may be; whoever trusts `whole` trusts all of it, so all of that is told. A command that
/// only reads records uses nothing but where those are.
///
/// # Errors
/// `CliError` if it needs trust that nobody gave it.
pub fn check_trust(
    whole: &SettingsFile,
    file: SettingsFile,
    store: Option<&TrustStore>,
    reads_records_only: bool,
    json: bool,
) -> Result<SettingsFile, CliError> {
    let Some(untrusted) = file.needed_trust(store) else { return Ok(file) };
    if reads_records_only && file.sensitive_places().is_empty() {
        return Ok(file.without_sensitive());
    }
    let untrusted = UntrustedFile { settings: whole.sensitive(), ..untrusted };
    if AGREED.lock().is_ok_and(|agreed| agreed.contains(&untrusted.digest)) {
        return Ok(file);
    }
    let is_terminal = !json && io::stdin().is_terminal() && io::stderr().is_terminal();
    if !is_terminal || !agrees(&untrusted, &mut io::stdin().lock()) {
        return Err(untrusted_error(&untrusted));
    }
    match store.map(|store| store.trust(&untrusted.path, &untrusted.digest)) {
        Some(Ok(())) => {}
        Some(Err(error)) => {
            output::err(&format!("     that cannot be remembered, and holds for this time only: {error}"));
        }
        None => output::err("     that cannot be remembered without a home folder, and holds for this time only"),
    }
    if let Ok(mut agreed) = AGREED.lock() {
        agreed.push(untrusted.digest);
    }
    Ok(file)
}

/// What the settings that need trust do, a line each.
pub fn summary(untrusted: &UntrustedFile) -> Vec<String> {
    // Blanks stay as many as there are: in a command they are meant.
    let line = |setting: &&SensitiveSetting| {
        format!("{}: {}", output::flat(&setting.key), output::plain(&setting.does).replace('\n', " "))
    };
    // What runs something is never left out, however many other settings somebody has put before it.
    let (running, others): (Vec<_>, Vec<_>) = untrusted.settings.iter().partition(|setting| setting.runs_code);
    let room = SHOWN_MAX.saturating_sub(running.len());
    let mut lines: Vec<String> = running.iter().chain(others.iter().take(room)).map(line).collect();
    if others.len() > room {
        lines.push(format!("and {} more", others.len() - room));
    }
    lines
}

/// The same in as many lines as fit on a terminal, with nothing left out: what a command does may stand at its end.
pub fn in_lines(summary: &[String], indent: &str) -> Vec<String> {
    let columns = output::width().saturating_sub(indent.len() + 2);
    let of_setting = |setting: &String| {
        let lines = output::break_lines(setting, columns).into_iter().enumerate();
        lines.map(|(n, line)| format!("{indent}{}{line}", if n == 0 { "" } else { "  " })).collect::<Vec<_>>()
    };
    summary.iter().flat_map(of_setting).collect()
}

/// Only a clear yes is a yes.
fn agrees(untrusted: &UntrustedFile, lines: &mut impl BufRead) -> bool {
    let shown = output::flat(&untrusted.path.display().to_string());
    let mark = style("?").yellow().bold().for_stderr();
    output::err(&format!("\n  {mark}  {}", style("These settings came with the folder:").bold().for_stderr()));
    output::err(&format!("     {shown}"));
    in_lines(&summary(untrusted), "     ").iter().for_each(|line| output::err(line));
    loop {
        output::err(&format!("     {}", style("y trust this file until it is changed · n do not").dim().for_stderr()));
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap_or(0) == 0 {
            return false;
        }
        match line.trim().to_lowercase().as_str() {
            "y" | "yes" => return true,
            "n" | "no" => return false,
            _ => {}
        }
    }
}

fn untrusted_error(untrusted: &UntrustedFile) -> CliError {
    let shown = output::flat(&untrusted.path.display().to_string());
    let why =
        format!("{shown} came with this folder and is not trusted; it has\n  {}", summary(untrusted).join("\n  "));
    CliError::usage(why)
        .help(format!("read it, then: tapwright trust {}; or name a file of your own: --config FILE", quoted(&shown)))
}

#[cfg(test)]
mod tests {
    use tapwright_tasks::settings::SensitiveSetting;

    use super::*;

    fn untrusted_file(count: usize) -> UntrustedFile {
        let setting = |n| SensitiveSetting {
            key: format!("policy.secrets.s{n}"),
            does: "runs\u{1b}[2J it".to_owned(),
            runs_code: n == 39,
        };
        UntrustedFile {
            path: "/a b/tapwright.toml".into(),
            digest: "d".to_owned(),
            settings: (0..count).map(setting).collect(),
        }
    }

    #[test]
    fn only_a_clear_yes_trusts() {
        for (said, expected) in
            [("y\n", true), ("YES\n", true), ("n\n", false), ("", false), ("\nok\ny\n", true), ("ok\n", false)]
        {
            assert_eq!(agrees(&untrusted_file(1), &mut said.as_bytes()), expected, "{said:?}");
        }
    }

    #[test]
    fn all_of_a_command_is_shown() {
        let does = format!("runs the program sh -c 'true {}; rm -r ~'", "and so on ".repeat(60));
        let setting = SensitiveSetting { key: "apis.a".to_owned(), does: does.clone(), runs_code: true };
        let untrusted = UntrustedFile { settings: vec![setting], ..untrusted_file(0) };
        let lines = in_lines(&summary(&untrusted), "     ");
        assert!(lines.len() > 5 && lines.iter().all(|line| line.len() <= output::width()), "{lines:?}");
        let shown: String = lines.iter().map(|line| line[5..].strip_prefix("  ").unwrap_or(&line[5..])).collect();
        assert_eq!(shown, format!("apis.a: {does}"));
    }

    #[test]
    fn what_is_told_is_bounded_and_steers_no_terminal() {
        let lines = summary(&untrusted_file(40));
        assert_eq!(lines.len(), SHOWN_MAX + 1);
        assert_eq!(
            (lines[0].as_str(), lines[SHOWN_MAX].as_str()),
            ("policy.secrets.s39: runs\\u{1b}[2J it", "and 28 more"),
            "what runs code is told first, wherever it stands"
        );
    }
}
