//! AndroidWorld's harness and its server, as far as this program is asked by the one and asks the other: stubs of both.

mod program;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use program::Place;
use serde_json::{Value, json};

/// Replies for two runs, each with a script of its own.
const SCRIPT: [&str; 6] = [
    r#"do(action="Launch", app="Lamp")"#,
    r#"do(action="Tap", element=[500,250])"#,
    r#"do(action="Type", text="on")"#,
    r#"do(action="Swipe", start=[500,800], end=[500,200])"#,
    r#"do(action="Back")"#,
    r#"finish(message="The lamp is on.")"#,
];

fn script(place: &Place, name: &str, replies: &[&str]) {
    let lines: Vec<String> = replies.iter().map(|reply| format!("<think>.</think><answer>{reply}</answer>")).collect();
    place.file(name, &lines.join("\n"));
}

fn has_python() -> bool {
    let found = Command::new("python3").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_there = found.is_ok_and(|status| status.success());
    if !is_there {
        println!("left out: there is no python3 here");
    }
    is_there
}

/// The stub of the harness, run to its end.
fn run_harness(place: &Place, options: &Value) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new("python3");
    command.arg(root.join("tests/python/androidworld_harness.py"));
    command.arg(root.join("docs/androidworld_agent.py")).arg(options.to_string());
    command.current_dir(place.path()).env("PYTHONDONTWRITEBYTECODE", "1");
    // It starts the program, which finds here what it finds in the other tests.
    for (name, value) in place.command(&[]).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.output().unwrap()
}

/// What the stub of the harness says was done.
fn harness(place: &Place, options: &Value) -> Vec<Value> {
    let ran = run_harness(place, options);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let out = String::from_utf8(ran.stdout).unwrap();
    out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{out}"))).collect()
}

#[test]
fn the_harness_keeps_the_phone_and_asks_for_each_action() {
    if !has_python() {
        return;
    }
    let place = Place::new();
    script(&place, "script.txt", &SCRIPT);
    let options = ["--model", "script:script.txt", "--policy", "trusting"];
    let told = harness(&place, &json!({"command": [env!("CARGO_BIN_EXE_tapwright")], "options": options}));
    let run = [
        json!({"reset": true}),
        json!({"action_type": "open_app", "app_name": "Lamp"}),
        json!({"action_type": "click", "x": 20, "y": 20}),
        json!({"action_type": "input_text", "text": "on", "x": 20, "y": 20, "clear_text": true}),
        json!({"action_type": "scroll", "direction": "down"}),
        json!({"action_type": "navigate_back"}),
        json!({"action_type": "answer", "text": "The lamp is on."}),
        json!({"action_type": "status", "goal_status": "complete"}),
        json!({"steps": 6, "outcome": "done"}),
    ];
    // Twice: a run of its own for each goal.
    assert_eq!(told, [&run[..], &run[..]].concat());
}

#[test]
fn a_run_that_gives_up_is_told_to_the_harness() {
    if !has_python() {
        return;
    }
    let place = Place::new();
    script(&place, "script.txt", &[r#"do(action="Take_over", message="Somebody has to log in")"#]);
    let options = ["--model", "script:script.txt", "--policy", "trusting"];
    let told = harness(&place, &json!({"command": [env!("CARGO_BIN_EXE_tapwright")], "options": options}));
    assert_eq!(told[1], json!({"action_type": "status", "goal_status": "infeasible"}), "{told:?}");
    assert_eq!(told[2], json!({"steps": 1, "outcome": "needs-person"}), "{told:?}");
}

/// That a model's file is missing says nothing about a task: no score of the harness may come of it.
#[test]
fn a_run_that_never_began_is_an_error_of_the_harness() {
    if !has_python() {
        return;
    }
    let place = Place::new();
    let options = json!({"command": [env!("CARGO_BIN_EXE_tapwright")], "options": ["--model", "script:missing.txt"]});
    let ran = run_harness(&place, &options);
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(!ran.status.success() && told.contains("Tapwright did not run") && told.contains("missing.txt"), "{told}");
    assert!(!String::from_utf8_lossy(&ran.stdout).contains("goal_status"));
}

#[test]
fn an_agent_that_has_the_phone_needs_one_step() {
    if !has_python() {
        return;
    }
    let place = Place::new();
    // Says with what it was started, as a run that is done.
    let told_by = "import json, sys; print(json.dumps({'outcome': 'done', 'message': ' '.join(sys.argv[1:])}))";
    let options =
        json!({"command": ["python3", "-c", told_by], "options": ["--steps", "9"], "own_device": "emulator-5554"});
    let told = harness(&place, &options);
    let words = "run Turn the lamp on --json --device adb:emulator-5554 --steps 9";
    assert_eq!(told[1], json!({"action_type": "answer", "text": words}));
    assert_eq!(told[3], json!({"steps": 1, "outcome": "done"}));
}

#[test]
fn a_server_that_is_not_there_is_said_with_what_to_do() {
    let place = Place::new();
    let ran = place.run(&["bench", "androidworld", "--server", "http://127.0.0.1:9", "--model", "finish"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("start AndroidWorld's server there"), "{}", ran.err);
    let ran = place.run(&["bench", "smoke", "--server", "http://127.0.0.1:9", "--model", "finish"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    let ran = place.run(&["run", "x", "--device", "androidworld:ftp://x", "--model", "finish"]);
    assert!(ran.code != 0 && ran.err.contains("androidworld:http://HOST:5000"), "{}", ran.err);
}

#[test]
fn the_floor_of_the_suite_on_the_virtual_phone_is_what_begins_as_it_is_wanted() {
    let place = Place::new();
    let only = ["--only", "SystemWifiTurnOn", "--only", "SystemWifiTurnOnVerify"];
    let ran = place.run(&[&["bench", "androidworld", "--model", "finish", "--json"][..], &only].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let verdicts: Vec<(Value, Value)> = ran
        .lines()
        .iter()
        .filter(|line| line["verdict"].is_string())
        .map(|line| (line["case"].clone(), line["verdict"].clone()))
        .collect();
    let row = |case: &str, verdict: &str| (json!(case), json!(verdict));
    assert_eq!(verdicts, [row("SystemWifiTurnOn/30", "failed"), row("SystemWifiTurnOnVerify/30", "passed")]);
}
