//! Tasks in OSWorld's format, made up here, on private desktops: from set-up to score, and scored again without one.

#![cfg(target_os = "linux")]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use program::{Place, ProgramOutput};
use serde_json::{Value, json};

/// Whether private desktops can be had here, with an editor on them.
fn is_possible() -> bool {
    let programs = ["Xvfb", "openbox", "dbus-daemon", "dbus-send", "mousepad", "unshare", "python3"];
    let missing: Vec<&str> =
        programs.into_iter().filter(|program| !Path::new("/usr/bin").join(program).is_file()).collect();
    if !missing.is_empty() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no private desktop with an editor: {missing:?} are not there");
    }
    missing.is_empty()
}

/// The tasks: what is to be done, what is done, what cannot be, what is done in part, what cannot be set up, and what is not run here.
fn write_tasks(place: &Place) {
    let rule = |include: &str| json!({"type": "rule", "rules": {"include": [include], "exclude": []}});
    let told = |command: &str| json!({"type": "vm_command_line", "command": command, "shell": true});
    let step = |verb: &str, parameters: Value| json!({"type": verb, "parameters": parameters});
    let keys = "import pyautogui; pyautogui.hotkey('ctrl', 's')";
    let url = |name: &str| format!("https://files.example.org/{name}");
    let tasks = [
        (
            "note",
            json!([
                step("execute", json!({"command": "printf 'bread\\n' >~/Desktop/note.txt", "shell": true})),
                step("launch", json!({"command": ["mousepad", "/home/user/Desktop/note.txt"]})),
                step("activate_window", json!({"window_name": "note.txt"})),
                step("sleep", json!({"seconds": 3})),
            ]),
            json!({
                "func": ["check_include_exclude", "check_include_exclude"],
                "postconfig": [
                    step("activate_window", json!({"window_name": "note.txt"})),
                    step("execute", json!({"command": ["python", "-c", keys]})),
                    step("sleep", json!({"seconds": 0.5})),
                ],
                "result": [told("cat ~/Desktop/note.txt"), {"type": "accessibility_tree"}],
                "expected": [rule("milk"), rule("milk")],
            }),
        ),
        (
            "done",
            json!([step("command", json!({"command": ["uname"], "stdout": "system.txt"}))]),
            json!({"func": "check_include_exclude", "result": told("pwd"), "expected": rule("/home/user")}),
        ),
        ("impossible", json!([]), json!({"func": "infeasible"})),
        (
            "part",
            json!([step("download", json!({"files": [{"url": url("a.txt"), "path": "/home/user/Desktop/a.txt"}]}))]),
            json!({
                "func": "diff_text_file",
                "result": {"type": "vm_file", "path": "/home/user/Desktop/a.txt", "dest": "a.txt"},
                "expected": {"type": "cloud_file", "path": url("b.txt"), "dest": "b.txt"},
            }),
        ),
        (
            "broken",
            json!([step("open", json!({"path": "/home/user/none.txt"}))]),
            json!({"func": "check_include_exclude", "result": told("pwd"), "expected": rule("/")}),
        ),
        (
            "unready",
            json!([step("execute", json!({"command": "a-program-that-is-not-here --now", "shell": true}))]),
            json!({"func": "check_include_exclude", "result": told("pwd"), "expected": rule("/")}),
        ),
        (
            "elsewhere",
            json!([step("launch", json!({"command": ["code", "/home/user"]}))]),
            json!({"func": "check_include_exclude", "result": told("pwd"), "expected": rule("/")}),
        ),
    ];
    let folder = place.path().join("set/examples/os");
    fs::create_dir_all(&folder).unwrap();
    for (id, config, evaluator) in tasks {
        let task = json!({"id": id, "instruction": format!("Do {id}"), "config": config, "evaluator": evaluator});
        fs::write(folder.join(format!("{id}.json")), task.to_string()).unwrap();
    }
    fs::create_dir_all(place.path().join("assets/part")).unwrap();
    fs::write(place.path().join("assets/part/a.txt"), "one\ntwo\n").unwrap();
    fs::write(place.path().join("assets/part/b.txt"), "one\nthree\n").unwrap();
}

fn measure(place: &Place, more: &[&str]) -> ProgramOutput {
    let fixed =
        ["bench", "osworld", "--tasks", "set", "--assets", "assets", "--parallel", "2", "--retries", "0", "--json"];
    let ran = place.command(&[&fixed[..], more].concat()).env("TMPDIR", place.path()).output().unwrap();
    ProgramOutput::of(ran)
}

/// What became of each task: its status, and its score.
fn ends(folder: &Path) -> BTreeMap<String, (String, Value)> {
    let text = fs::read_to_string(folder.join("ledger.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ended = lines.filter(|line| line["ended"].is_object()).map(|line| line["ended"].clone());
    let row = |end: Value| {
        let case = end["case"].as_str().unwrap().trim_end_matches("/0").to_owned();
        (case, (end["status"].as_str().unwrap().to_owned(), end["score"].clone()))
    };
    ended.map(row).collect()
}

fn record(place: &Place, ran: &ProgramOutput) -> PathBuf {
    place.path().join(ran.last()["record"].as_str().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err)))
}

fn expected(rows: [(&str, Value); 4]) -> BTreeMap<String, (String, Value)> {
    let scored = rows.into_iter().map(|(task, score)| (task.to_owned(), ("scored".to_owned(), score)));
    let unready = ["broken", "unready"].map(|task| (task.to_owned(), ("setup-error".to_owned(), Value::Null)));
    scored.chain(unready).collect()
}

#[test]
fn tasks_are_set_up_done_and_scored() {
    if !is_possible() {
        return;
    }
    let place = Place::new();
    write_tasks(&place);
    let listed = place.run(&["bench", "osworld", "--tasks", "set", "--assets", "assets", "--list"]);
    assert!(listed.out.contains("Visual Studio Code") && listed.out.contains("6 of 7"), "{}{}", listed.out, listed.err);
    let refused = place.run(&["bench", "osworld", "--tasks", "set", "--only", "elsewhere", "--model", "finish"]);
    assert!(refused.code != 0 && refused.err.contains("Visual Studio Code"), "{}{}", refused.out, refused.err);

    let finish = measure(&place, &["--model", "finish"]);
    let at = record(&place, &finish);
    let rows = [("note", json!(0.0)), ("done", json!(1.0)), ("impossible", json!(0.0)), ("part", json!(0.5))];
    assert_eq!(ends(&at), expected(rows), "{}{}", finish.out, finish.err);
    let infeasible = measure(&place, &["--model", "infeasible"]);
    let rows = [("note", json!(0.0)), ("done", json!(0.0)), ("impossible", json!(1.0)), ("part", json!(0.0))];
    assert_eq!(ends(&record(&place, &infeasible)), expected(rows), "{}{}", infeasible.out, infeasible.err);

    place.file("script.txt", "type(text=\"milk\\n\")\nfinish(message=\"written\")\n");
    let script = measure(&place, &["--model", "script:script.txt", "--profile", "computer"]);
    let done = record(&place, &script);
    let rows = [("note", json!(1.0)), ("done", json!(1.0)), ("impossible", json!(0.0)), ("part", json!(0.5))];
    assert_eq!(ends(&done), expected(rows), "{}{}", script.out, script.err);

    // In upstream's layout too, and scored again by what was kept, wherever the tasks are by then.
    let results = walk(&done.join("results"));
    assert_eq!(results.len(), 4, "{results:?}");
    assert!(results.iter().any(|(path, text)| path.ends_with("os/part/result.txt") && text == "0.5\n"), "{results:?}");
    fs::rename(place.path().join("set"), place.path().join("gone")).unwrap();
    let rescored = place.run(&["bench", "rescore", done.to_str().unwrap(), "--json"]);
    let last = rescored.last();
    assert_eq!((&last["judged"], &last["changed"]), (&json!(4), &json!([])), "{}{}", rescored.out, rescored.err);
    // What was kept and changed by somebody is no score.
    let state = walk(&done)
        .into_iter()
        .find(|(path, _)| path.ends_with("osworld/state.json") && path.to_string_lossy().contains("-part"));
    let (path, text) = state.unwrap();
    let first = text.find("\"sha256\": \"").unwrap() + "\"sha256\": \"".len();
    fs::write(path.parent().unwrap().join(&text[first..first + 64]), "else").unwrap();
    let rescored = place.run(&["bench", "rescore", done.to_str().unwrap(), "--json"]);
    let changed = &rescored.last()["changed"][0];
    let is = (changed["case"].as_str(), changed["now"].as_str());
    assert_eq!(is, (Some("part/0"), Some("void")), "{}{}", rescored.out, rescored.err);
    let left = fs::read_dir(place.path()).unwrap().flatten();
    let left = left.filter(|entry| entry.file_name().to_string_lossy().contains("tapwright-desktop-")).count();
    assert_eq!(left, 0, "desktops were left");
}

/// Solutions of OSWorld's own tasks, which are not here: where somebody has them and names them, each scores 1, and 0 undone.
#[test]
fn written_solutions_score_one() {
    #[allow(clippy::disallowed_methods)] // A test has no command line.
    let Some(tasks) = std::env::var_os("OSWORLD_TASKS") else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: OSWORLD_TASKS does not name OSWorld's tasks");
        return;
    };
    let place = Place::new();
    let solutions = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/osworld/solutions");
    for entry in fs::read_dir(solutions).unwrap().flatten() {
        let path = entry.path();
        let task = path.file_stem().unwrap().to_str().unwrap();
        for (model, score) in [(format!("script:{}", path.display()), 1.0), ("finish".to_owned(), 0.0)] {
            let fixed = ["bench", "osworld", "--only", task, "--profile", "computer", "--steps", "30", "--json"];
            let fixed = if score == 1.0 { &fixed[..] } else { &fixed[..4] };
            let more = ["--json", "--model", &model];
            let mut command = place.command(&[fixed, &more[usize::from(score == 1.0)..]].concat());
            let ran =
                ProgramOutput::of(command.arg("--tasks").arg(&tasks).env("TMPDIR", place.path()).output().unwrap());
            let is = ends(&record(&place, &ran)).remove(task);
            assert_eq!(is, Some(("scored".to_owned(), json!(score))), "{task} {model}: {}{}", ran.out, ran.err);
        }
    }
}

/// All text files below a folder.
fn walk(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else if let Ok(text) = fs::read_to_string(&path) {
            found.push((path, text));
        }
    }
    found
}
