//! `tapwright models profile`

use std::fs;
use std::io::Write;
use std::path::Path;

use console::style;
use serde_json::json;
use tapwright_tasks::profile::{ImportedProfile, SHIPPED, Shipped, import};

use crate::arguments::{ImportArguments, ProfileCommand};
use crate::error::CliError;
use crate::error::no_profile;
use crate::exit::Exit;
use crate::output;

pub fn perform(command: ProfileCommand, json: bool) -> Result<Exit, CliError> {
    match command {
        ProfileCommand::List => list(json),
        ProfileCommand::Show { name } => {
            let shipped = Shipped::find(&name).map_err(|error| no_profile(&error))?;
            if json {
                output::out(&json!({"name": shipped.name, "about": shipped.about, "text": shipped.text}).to_string());
            } else {
                output::out(shipped.text.trim_end());
            }
        }
        ProfileCommand::Import(ImportArguments { file, out }) => import_profile(&file, out.as_deref(), json)?,
    }
    Ok(Exit::Done)
}

fn list(json: bool) {
    for Shipped { name, about, .. } in SHIPPED {
        if json {
            output::out(&json!({"name": name, "about": about}).to_string());
            continue;
        }
        for (n, line) in output::wrap(about, output::width().saturating_sub(33)).iter().enumerate() {
            let name = if n == 0 { name } else { "" };
            output::out(&format!("  {} {line}", style(format!("{name:<30}")).bold()));
        }
    }
}

fn import_profile(file: &Path, out: Option<&Path>, json: bool) -> Result<(), CliError> {
    let ImportedProfile { text, language, based_on, system_bytes, date, notes, profiles: _ } = import(file)?;
    if let Some(out) = out {
        write(out, &text).map_err(|error| {
            CliError::with_text(Exit::Unwritten, format!("{} cannot be written: {error}", out.display()))
        })?;
    }
    if json {
        let line = json!({
            "profile": out.map(Path::to_string_lossy), "text": text, "language": language.name(), "based_on": based_on, "system_bytes": system_bytes,
            "date": date, "notes": notes,
        });
        output::out(&line.to_string());
        return Ok(());
    }
    match out {
        None => output::out(text.trim_end()),
        Some(out) => {
            let mark = style("✓").green();
            let how = format!("a prompt of {system_bytes} bytes in `{language}`, all else as in `{based_on}`");
            output::out(&format!("  {mark}  {}: {how}", out.display()));
        }
    }
    for note in notes {
        output::err(&format!("  {}  {note}", style("!").yellow().for_stderr()));
    }
    Ok(())
}

/// Whole or not at all: a profile that is cut off could still be read as another one.
fn write(out: &Path, text: &str) -> std::io::Result<()> {
    if fs::metadata(out).is_ok_and(|found| !found.is_file()) {
        return Err(std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            "it is no file, and a profile takes the place of a file only",
        ));
    }
    let fresh = out.with_extension(format!("{}.fresh", std::process::id()));
    let written = fs::File::create(&fresh)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&fresh, out));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}
