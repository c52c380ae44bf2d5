//! What a task needs that this machine does not have. Such a task is named with what it lacks and is not run: a score of it would say nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tapwright_drivers::osworld::machine::{CommandWords, MachineCommand};
use tapwright_drivers::osworld::programs;
use tapwright_osworld::task::{OsworldTask, SetupStep};

use super::setup::{program_of, unsupported_verb};
use crate::osworld::EvaluatorChoice;
use crate::osworld::assets::Assets;

/// Getters that nobody answers here: they want an account, a site of the web itself, or an editor that is not driven.
const GETTERS: [&str; 6] = [
    "content_from_vm_file",
    "googledrive_file",
    "gotoRecreationPage_and_get_html_content",
    "info_from_website",
    "pdf_from_url",
    "vscode_config",
];
/// What tasks call their apps, and the programs that those are.
const APPS: [(&str, &str); 11] = [
    ("chrome", "google-chrome"),
    ("gimp", "gimp"),
    ("vlc", "vlc"),
    ("libreoffice", "libreoffice"),
    ("libreoffice_calc", "libreoffice"),
    ("libreoffice_impress", "libreoffice"),
    ("libreoffice_writer", "libreoffice"),
    ("thunderbird", "thunderbird"),
    ("vscode", "code"),
    ("vs_code", "code"),
    ("nautilus", "nautilus"),
];
/// Words of commands that need something of the system, and what that is; a program if it is one that can be installed.
const WORDS: [(&str, &str); 3] = [("pactl", "pulseaudio"), ("conda", ""), ("apt list", "apt")];
/// What only root can do, after `sudo`.
const ROOTS: [&str; 9] = ["apt", "apt-get", "systemctl", "service", "useradd", "adduser", "usermod", "snap", "dpkg"];
/// Where the schemas of settings are, compiled.
const SCHEMAS: &str = "/usr/share/glib-2.0/schemas/gschemas.compiled";
/// What says which kinds of file an app opens.
const OPENERS: &str = "/usr/share/applications";
/// What is said of the desktop's own parts.
const TERMINAL: &str = "a terminal that tells its text (apt install gnome-terminal)";

/// What a task lacks on whichever machine, each once.
pub fn lacking_anywhere(task: &OsworldTask, assets: &Assets, evaluator: &EvaluatorChoice) -> BTreeSet<String> {
    let mut lacks = BTreeSet::new();
    if !task.is_native() && *evaluator == EvaluatorChoice::Native {
        lacks.insert("OSWorld's own evaluator (--evaluator official)".to_owned());
    }
    let missing = assets.missing(task).len();
    if missing > 0 {
        lacks.insert(
            "files that it names by their addresses (tapwright bench assets fetch, then --assets FOLDER)".to_owned(),
        );
    }
    for step in task.setup.iter().chain(&task.evaluator.before) {
        lacks.extend(unsupported_verb(step.verb).map(str::to_owned));
    }
    for getter in task.evaluator.checks.iter().flat_map(|check| check.result.iter().chain(&check.expected)) {
        if GETTERS.contains(&getter.name) {
            lacks.insert(format!("an answer of the getter {}", getter.name));
        }
    }
    lacks
}

/// What it lacks, each once; nothing if it can be run on a private desktop here.
pub fn lacking(task: &OsworldTask, assets: &Assets, evaluator: &EvaluatorChoice) -> Vec<String> {
    let mut lacks = lacking_anywhere(task, assets, evaluator);
    for app in &task.apps {
        let program = APPS.iter().find(|(name, _)| name == app).map(|(_, program)| *program);
        lacks.extend(program.and_then(programs::lacking));
    }
    for step in task.setup.iter().chain(&task.evaluator.before) {
        if step.verb == "launch" {
            lacks
                .extend(command_of(step).map(|command| program_of(&command)).and_then(|name| programs::lacking(&name)));
        }
        if let Some(command) = step.parameters.get("command") {
            of_text(&text_of(command), &mut lacks);
        }
    }
    for getter in task.evaluator.checks.iter().flat_map(|check| check.result.iter().chain(&check.expected)) {
        if getter.name == "vm_terminal_output" && programs::lacking("gnome-terminal").is_none() {
            let tells =
                ["/usr/bin/gnome-terminal", "/usr/bin/xfce4-terminal"].iter().any(|path| Path::new(path).is_file());
            lacks.extend((!tells).then(|| TERMINAL.to_owned()));
        }
        if getter.name == "default_video_player" && !has_other_player() {
            lacks.insert("another video player than VLC, which is the default until then (apt install mpv)".to_owned());
        }
        if let Some(command) = getter.parameters.get("command") {
            of_text(&text_of(command), &mut lacks);
        }
    }
    lacks.into_iter().collect()
}

fn text_of(command: &Value) -> String {
    match command {
        Value::String(line) => line.clone(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

fn command_of(step: &SetupStep) -> Option<MachineCommand> {
    let words = match step.parameters.get("command")? {
        Value::String(line) => CommandWords::Text(line.clone()),
        Value::Array(words) => CommandWords::List(words.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        _ => return None,
    };
    Some(MachineCommand { words, shell: false })
}

/// What the words of a command need.
fn of_text(text: &str, lacks: &mut BTreeSet<String>) {
    for (word, program) in WORDS.iter().filter(|(word, _)| text.contains(word)) {
        match *program {
            "" => {
                lacks.insert(format!("a system of its own for {word}"));
            }
            program => lacks.extend(programs::lacking(program)),
        }
    }
    let words: Vec<&str> = text.split(|letter: char| letter.is_whitespace() || ";|&'\"()".contains(letter)).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    for (at, _) in words.iter().enumerate().filter(|(_, word)| **word == "sudo") {
        let done = words[at + 1..].iter().find(|word| !word.starts_with('-'));
        if let Some(root) = done.filter(|word| ROOTS.contains(word)) {
            lacks.insert(format!("root (sudo {root})"));
        }
    }
    for (at, _) in words.iter().enumerate().filter(|(_, word)| **word == "gsettings") {
        let schema = words[at + 1..].iter().take(3).find(|word| word.starts_with("org."));
        if let Some(schema) = schema.filter(|schema| !has_schema(schema)) {
            lacks.insert(format!(
                "GNOME's settings {schema} (apt install gnome-shell-common gnome-settings-daemon-common)"
            ));
        }
    }
}

/// Whether films are opened by something else than VLC as long as nobody chooses it: else the task is done before it begins.
fn has_other_player() -> bool {
    let entries = fs::read_dir(OPENERS).into_iter().flatten().flatten().map(|entry| entry.path());
    let plays = |path: &std::path::PathBuf| {
        let entry = fs::read_to_string(path).unwrap_or_default();
        entry.lines().any(|line| line.starts_with("MimeType=") && line.contains("video/mp4;"))
    };
    let first = entries.filter(plays).min();
    first.is_some_and(|first| !first.ends_with("vlc.desktop"))
}

fn has_schema(schema: &str) -> bool {
    let schema = schema.split(':').next().unwrap_or(schema);
    fs::read(SCHEMAS).is_ok_and(|compiled| compiled.windows(schema.len()).any(|part| part == schema.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_here_is_named() {
        let of = |config: &str, evaluator: &str| {
            let text =
                format!("{{\"id\": \"a\", \"instruction\": \"x\", \"config\": {config}, \"evaluator\": {evaluator}}}");
            lacking(&OsworldTask::read("a.json", "os", &text).unwrap(), &Assets::default(), &EvaluatorChoice::Native)
        };
        const RULE: &str = r#"{"func": "exact_match", "result": {"type": "vm_command_line", "command": "true"},
            "expected": {"type": "rule", "rules": {"expected": "1"}}}"#;
        assert!(of("[]", RULE).is_empty());
        assert!(of("[]", r#"{"func": "infeasible"}"#).is_empty());
        for (config, needs) in [
            (r#"[{"type": "launch", "parameters": {"command": ["no-such-program"]}}]"#, "the program no-such-program"),
            (r#"[{"type": "launch", "parameters": {"command": ["code", "/a"]}}]"#, "Visual Studio Code"),
            (r#"[{"type": "login", "parameters": {"settings_file": "a", "platform": "b"}}]"#, "an account"),
            (
                r#"[{"type": "execute", "parameters": {"command": "echo p | sudo -S apt-get install x", "shell": true}}]"#,
                "root",
            ),
            (
                r#"[{"type": "download", "parameters": {"files": [{"url": "https://a.b/c", "path": "/d"}]}}]"#,
                "--assets",
            ),
            (
                r#"[{"type": "execute", "parameters": {"command": "gsettings set org.no.such key 1", "shell": true}}]"#,
                "org.no.such",
            ),
        ] {
            let lacks = of(config, RULE);
            assert!(lacks.len() == 1 && lacks[0].contains(needs), "{config}: {lacks:?}");
        }
    }
}
