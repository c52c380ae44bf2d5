//! Which programs of OSWorld's virtual machine are here, and what stands for them: a table (`programs.toml`).

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::desktop::find_program;

static TABLE: LazyLock<ProgramTable> =
    LazyLock::new(|| toml::from_str(include_str!("programs.toml")).expect("the table of programs is TOML"));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramTable {
    program: Vec<Program>,
    name: Vec<RenamedPart>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    names: Vec<String>,
    here: Vec<PathBuf>,
    package: Option<String>,
    about: String,
    script: Option<String>,
}

/// A part of a name that is another one there than here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenamedPart {
    there: String,
    here: String,
}

impl Program {
    fn found(&self) -> Option<&Path> {
        self.here.iter().find(|path| path.is_file()).map(PathBuf::as_path)
    }

    /// Whether it is a script that needs no program.
    fn is_script_alone(&self) -> bool {
        self.here.is_empty() || self.package.is_none() && self.script.is_some()
    }
}

/// What a program of the virtual machine lacks here, in words; `None` if it can be started.
pub fn lacking(name: &str) -> Option<String> {
    let known = TABLE.program.iter().find(|program| program.names.iter().any(|known| known == name));
    match known {
        Some(program) if program.is_script_alone() || program.found().is_some() => None,
        Some(Program { about, package: Some(package), .. }) => Some(format!("{about} (apt install {package})")),
        Some(Program { about, .. }) => Some(format!("{about}, which Debian does not have")),
        None if find_program(name).is_some() => None,
        None => Some(format!("the program {name}")),
    }
}

/// What a name of there is called here, part by part.
pub(super) fn name_here(name: &str) -> String {
    TABLE.name.iter().fold(name.to_owned(), |name, part| name.replace(&part.there, &part.here))
}

/// What a name of here is called there.
pub(super) fn name_there(name: &str) -> String {
    TABLE.name.iter().fold(name.to_owned(), |name, part| name.replace(&part.here, &part.there))
}

/// Puts what stands for other programs into a folder that stands before all others in `PATH`.
pub(super) fn install(folder: &Path) -> io::Result<()> {
    for program in &TABLE.program {
        let found = program.found();
        if found.is_none() && !program.is_script_alone() {
            continue;
        }
        let path = found.map_or_else(String::new, |path| path.to_string_lossy().into_owned());
        let script = program.script.as_deref().unwrap_or("exec \"@PROGRAM@\" \"$@\"\n");
        for name in &program.names {
            let at = folder.join(name);
            fs::write(&at, format!("#!/bin/sh\n{}", script.trim_start().replace("@PROGRAM@", &path)))?;
            fs::set_permissions(&at, Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_name_stands_once_and_what_lacks_is_said() {
        let names: Vec<&String> = TABLE.program.iter().flat_map(|program| &program.names).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert_eq!(lacking("sh"), None);
        assert_eq!(lacking("sudo"), None);
        assert_eq!(lacking("no-such-program").as_deref(), Some("the program no-such-program"));
        assert_eq!(name_here("Inbox - Google Chrome"), "Inbox - Chromium");
        assert_eq!(name_there(&name_here("Google Chrome")), "Google Chrome");
    }

    #[test]
    fn the_time_zone_is_told_as_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path()).unwrap();
        let run = |arguments: &str| {
            let mut command = std::process::Command::new(folder.path().join("timedatectl"));
            let ran = command.args(arguments.split(' ')).env("HOME", folder.path()).output().unwrap();
            ran.status.success().then(|| String::from_utf8(ran.stdout).unwrap())
        };
        for (arguments, told) in [
            ("show -p Timezone --value", Some("Asia/Hong_Kong\n")),
            ("-p Timezone show", Some("Timezone=Asia/Hong_Kong\n")),
            ("--no-pager show --property=NTP", Some("NTP=yes\n")),
            ("set-timezone ../UTC", None),
            ("set-timezone Nowhere/Town", None),
            ("show --unknown", None),
            ("what", None),
        ] {
            assert_eq!(run(arguments).as_deref(), told, "{arguments}");
        }
        let zones = Path::new("/usr/share/zoneinfo/Etc/UTC");
        if zones.exists() {
            assert_eq!(run("set-timezone Etc/UTC").as_deref(), Some(""));
            assert_eq!(run("show -p Timezone --value").as_deref(), Some("Etc/UTC\n"));
        }
    }
}
