//! Tasks in OSWorld's format, made up here, on private desktops: from set-up to score, and scored again without one.

#![cfg(target_os = "linux")]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use program::{Place, ProgramOutput, has_xlib};
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
    let ledger = fs::read_to_string(at.join("ledger.jsonl")).unwrap();
    assert!(ledger.contains("cannot be set up for its task: step 1 (open)"), "{ledger}");
    assert!(!ledger.contains("the device is lost"), "a step failed, and the device is there: {ledger}");
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
    // By another evaluator too: one of our own stands in for OSWorld's.
    let metrics = place.path().join("other/desktop_env/evaluators/metrics");
    fs::create_dir_all(&metrics).unwrap();
    fs::write(metrics.join("__init__.py"), "from .own import check_include_exclude, diff_text_file\n").unwrap();
    let functions = "def check_include_exclude(result, rules):\n    return 1\n\ndef diff_text_file(result, expected):\n    return len(open(result).readlines()) / 8\n";
    fs::write(metrics.join("own.py"), functions).unwrap();
    let both = ["--evaluator", "both", "--osworld-repo", "other", "--osworld-python", "/usr/bin/python3", "--json"];
    let rescored = place.run(&[&["bench", "rescore", done.to_str().unwrap()][..], &both].concat());
    assert_eq!(rescored.last()["judged"], json!(4), "{}{}", rescored.out, rescored.err);
    let ledger = fs::read_to_string(done.join("ledger.jsonl")).unwrap();
    let mut lines = ledger.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let part = lines.rfind(|line| line["rescored"]["case"] == "part/0").unwrap()["rescored"].clone();
    assert_eq!((&part["score"], &part["source"]["disagreement"]), (&json!(0.25), &json!("native gives 0.5")), "{part}");
    assert!(part["source"]["by"].as_str().unwrap().starts_with("official: checkout, "), "{part}");
    let page = fs::read_to_string(done.join("index.html")).unwrap();
    assert!(page.contains("native gives 0.5") && page.contains("official: checkout"), "{page}");
    for (arguments, why) in [
        (&["--osworld-repo", "other"][..], "would do nothing"),
        (&["--evaluator", "official", "--osworld-python", "/no/python"], "tapwright setup --osworld"),
        (&["--evaluator", "official", "--osworld-repo", "gone", "--osworld-python", "/usr/bin/python3"], "no checkout"),
    ] {
        let refused = place.run(&[&["bench", "rescore", done.to_str().unwrap()][..], arguments].concat());
        assert!(refused.err.contains(why), "{arguments:?}: {}", refused.err);
    }
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

/// A mistake in a task's file is nothing to whoever has not chosen it, and tasks with mistakes can be left out.
#[test]
fn a_mistake_in_one_file_forbids_no_others() {
    if !is_possible() {
        return;
    }
    let place = Place::new();
    let folder = place.path().join("set/examples");
    for (domain, id, more) in [("os", "fine", json!(null)), ("vlc", "newer", json!("of next year"))] {
        let mut task = json!({"id": id, "instruction": "Do it", "evaluator": {"func": "infeasible"}});
        if !more.is_null() {
            task["new_field"] = more;
        }
        fs::create_dir_all(folder.join(domain)).unwrap();
        fs::write(folder.join(domain).join(format!("{id}.json")), task.to_string()).unwrap();
    }
    let run = |arguments: &[&str]| {
        let fixed = ["bench", "osworld", "--tasks", "set", "--model", "infeasible", "--json"];
        let ran = place.command(&[&fixed[..], arguments].concat()).env("TMPDIR", place.path()).output().unwrap();
        ProgramOutput::of(ran)
    };
    for (arguments, says) in [
        (&[][..], "--skip-faulty"),
        (&["--domain", "vlc"], "`new_field`"),
        (&["--only", "newer"], "the task newer has a mistake"),
    ] {
        let refused = run(arguments);
        let told = format!("{}{}", refused.out, refused.err);
        assert!(refused.code == 2 && told.contains(says), "{arguments:?}: {told}");
    }
    for arguments in [&["--only", "fine"][..], &["--domain", "os"], &["--skip-faulty"]] {
        let ran = run(arguments);
        assert_eq!((ran.code, &ran.last()["passed"]), (0, &json!(1)), "{arguments:?}: {}{}", ran.out, ran.err);
        assert_eq!(ran.err.contains("`new_field`"), arguments == ["--skip-faulty"], "{arguments:?}: {}", ran.err);
    }
    let listed = |arguments: &[&str]| run(&[&["--list"][..], arguments].concat());
    assert_eq!((listed(&[]).code, listed(&["--only", "fine"]).code, listed(&["--only", "newer"]).code), (2, 0, 2));
    // What goes on has no selection, and is not forbidden either.
    let resumed = run(&["--resume", "last"]);
    assert_eq!(resumed.code, 0, "{}{}", resumed.out, resumed.err);
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

/// A machine of the user's: here a private desktop behind the control server of this program.
#[test]
fn machines_of_the_users_are_set_up_used_and_scored() {
    if !is_possible() || !has_xlib() {
        return;
    }
    let place = Place::new();
    write_tasks(&place);
    for (arguments, why) in [
        (&["--device", "desktop"][..], "is no machine of OSWorld's"),
        (&["--device", "osworld:http://127.0.0.1:1", "--device", "osworld:127.0.0.1:1"], "is named twice"),
        (&["--device", "osworld:http://127.0.0.1:1", "--parallel", "2"], "more than there are machines"),
    ] {
        let refused =
            place.run(&[&["bench", "osworld", "--tasks", "set", "--model", "finish"][..], arguments].concat());
        assert!(refused.code == 2 && refused.err.contains(why), "{arguments:?}: {}{}", refused.out, refused.err);
    }
    let mut command = place.command(&["serve-osworld", "--listen", "127.0.0.1:0", "--json"]);
    command.env("TMPDIR", place.path());
    let mut server = program::Running::of(command);
    let at = server.line()["listen"].as_str().unwrap().to_owned();
    let device = format!("osworld:http://{at}");
    let reset = format!("echo $TAPWRIGHT_MACHINE >>{}", place.path().join("reset.log").display());
    let bench = |more: &[&str]| {
        let fixed = ["bench", "osworld", "--tasks", "set", "--assets", "assets", "--retries", "0", "--json"];
        let on = ["--model", "finish", "--device", &device];
        let ran = place.command(&[&fixed[..], &on, more].concat()).env("TMPDIR", place.path()).output().unwrap();
        ProgramOutput::of(ran)
    };
    let only = ["--only", "done", "--only", "part", "--only", "broken", "--only", "elsewhere"];
    let ran = bench(&[&only[..], &["--reset-command", &reset]].concat());
    let folder = record(&place, &ran);
    let scored = |score: f64| ("scored".to_owned(), json!(score));
    let broken = ("setup-error".to_owned(), Value::Null);
    let ended = ends(&folder);
    // A program that the desktop lacks is the machine's affair, and not known beforehand.
    let expected = [("broken", broken.clone()), ("done", scored(1.0)), ("elsewhere", broken), ("part", scored(0.5))];
    let expected: BTreeMap<String, (String, Value)> =
        expected.into_iter().map(|(task, end)| (task.to_owned(), end)).collect();
    assert_eq!(ended, expected, "{}{}", ran.out, ran.err);
    let ledger = fs::read_to_string(folder.join("ledger.jsonl")).unwrap();
    assert!(ledger.lines().next().unwrap().contains(&format!("OSWorld's machine at {at}")), "{ledger}");
    let verdict = walk(&folder).into_iter().find(|(path, _)| path.ends_with("000000-done/verdict.json")).unwrap().1;
    assert!(
        verdict.contains(&format!("\"osworld.device\": \"{at}\""))
            || verdict.contains(&format!("\"osworld.device\":\"{at}\"")),
        "{verdict}"
    );
    let resets = fs::read_to_string(place.path().join("reset.log")).unwrap();
    assert!(resets.lines().count() >= 4 && resets.lines().all(|line| line == at), "{resets}");
    // One that is gone is no failure of the agent's.
    server.signal("INT");
    server.end();
    let ran = bench(&["--only", "done"]);
    assert!(ran.code != 0 && !ran.out.contains("\"scored\""), "{}{}", ran.out, ran.err);
}

#[test]
fn files_of_tasks_are_listed_and_looked_at() {
    let place = Place::new();
    write_tasks(&place);
    let assets = |verb: &str, more: &[&str]| {
        place.run(&[&["bench", "assets", verb, "--tasks", "set", "--to", "cache", "--json"][..], more].concat())
    };
    let listed = assets("fetch", &["--dry-run"]);
    let files: Vec<Value> = listed.lines().into_iter().filter(|line| line["url"].is_string()).collect();
    assert_eq!((files.len(), listed.last()["files"].as_u64()), (2, Some(2)), "{}{}", listed.out, listed.err);
    let refused = assets("fetch", &["--mirror", "mirror.example.org"]);
    assert!(refused.code == 2 && refused.out.contains("--mirror"), "{}{}", refused.out, refused.err);
    let failed = assets("fetch", &["--mirror", "http://127.0.0.1:9"]);
    assert!(failed.code == 3 && failed.last()["failed"] == 2, "{}{}", failed.out, failed.err);
    let missing = assets("verify", &[]);
    assert!(missing.code == 3 && missing.last()["wrong"] == 2, "{}{}", missing.out, missing.err);
    for file in &files {
        let at = place.path().join("cache").join(file["name"].as_str().unwrap());
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, "content").unwrap();
    }
    assert_eq!(assets("verify", &[]).code, 0);
    // What was put there by hand is noted, and is known again.
    let here = assets("fetch", &["--mirror", "http://127.0.0.1:9"]);
    assert!(here.code == 0 && here.lines().iter().filter(|line| line["came"] == "here").count() == 2, "{}", here.out);
    fs::write(place.path().join("cache").join(files[0]["name"].as_str().unwrap()), "other").unwrap();
    let changed = assets("verify", &[]);
    assert!(changed.code == 3 && changed.last()["wrong"] == 1, "{}{}", changed.out, changed.err);
    let of_none = assets("verify", &["--only", "done"]);
    assert!(of_none.code == 0 && of_none.last()["files"] == 0, "{}{}", of_none.out, of_none.err);
}
