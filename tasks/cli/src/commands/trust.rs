//! `tapwright trust`

use std::path::PathBuf;

use serde_json::json;
use tapwright_tasks::settings::SettingsFile;

use crate::arguments::{Common, TrustArguments};
use crate::config::user_state;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;
use crate::trust::{in_lines, store, summary};

pub fn perform(common: &Common, arguments: TrustArguments) -> Result<Exit, CliError> {
    let TrustArguments { file, forget } = arguments;
    let path = file.unwrap_or_else(|| PathBuf::from("tapwright.toml"));
    let Some(store) = store(user_state()) else {
        return Err(CliError::usage("there is no home folder, so what is trusted cannot be remembered")
            .help("set HOME or XDG_STATE_HOME, or name the file each time: --config FILE"));
    };
    let unwritten = |error: std::io::Error| {
        CliError::with_text(Exit::Unwritten, format!("what is trusted cannot be written down: {error}"))
    };
    let shown = output::flat(&path.display().to_string());
    if forget {
        let was_trusted = store.forget(&path).map_err(unwritten)?;
        tell(
            common.json,
            &path,
            false,
            &[],
            match was_trusted {
                true => format!("{shown} is not trusted any more"),
                false => format!("{shown} was not trusted"),
            },
        );
        return Ok(Exit::Done);
    }
    let found = SettingsFile::of_folder(&path)?;
    let untrusted = found.needed_trust(None);
    let lines = untrusted.as_ref().map(summary).unwrap_or_default();
    store.trust(&path, &found.digest()).map_err(unwritten)?;
    let has = if lines.is_empty() { "" } else { "; it has" };
    let sentence = format!("{shown} is trusted until it is changed{has}");
    tell(common.json, &path, true, &lines, sentence);
    Ok(Exit::Done)
}

fn tell(json: bool, path: &std::path::Path, is_trusted: bool, lines: &[String], sentence: String) {
    if json {
        let file = path.to_string_lossy();
        output::out(&json!({"file": file, "trusted": is_trusted, "settings": lines, "exit": 0}).to_string());
        return;
    }
    output::out(&format!("  {sentence}"));
    in_lines(lines, "    ").iter().for_each(|line| output::out(line));
}
