//! What people get wrong, and what they are told.

mod program;

use program::{Place, Ran};
use serde_json::{Value, json};

fn check(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
    for words in words {
        assert!(ran.err.contains(words), "{words}:\n{}", ran.err);
    }
    assert!(ran.out.is_empty(), "{}", ran.out);
}

#[test]
fn on_the_command_line() {
    let place = Place::new();
    check(&place.run(&["run", "x", "--stpes", "3"]), 2, &["--stpes", "--steps"]);
    check(&place.run(&["run"]), 2, &["<GOAL>"]);
    check(&place.run(&["run", " ", "--model", "finish"]), 2, &["the goal is empty"]);
    check(&place.run(&["run", "x", "--expect", "wifi.on"]), 2, &["wifi.on=true"]);
    check(&place.run(&["run", "x", "--size", "9x9"]), 2, &["240 to 4096"]);
    check(
        &place.run(&["run", "--task", "nonsense", "--model", "finish"]),
        2,
        &["no task \"nonsense\"", "radio-then-message"],
    );
    check(&place.run(&["run", "x", "--task", "radio"]), 2, &["cannot be used with"]);
    check(&place.run(&["frobnicate"]), 2, &["frobnicate"]);
    check(&place.run(&["bench", "smoke", "--template", "x", "--model", "finish"]), 2, &["no template \"x\""]);
    check(&place.run(&["bench", "smoke", "--from", "1099511627776", "--model", "finish"]), 2, &["for training"]);
    check(&place.run(&["replay", "nothing"]), 2, &["no run \"nothing\"", "tapwright runs"]);
    check(&place.run(&["run", "x", "--model", "http://127.0.0.1:1/v1"]), 2, &["--model-name"]);
    assert!(!place.path().join("runs").exists(), "nothing was begun");
}

#[test]
fn programs_are_told_of_mistakes_too() {
    let place = Place::new();
    for arguments in [&["run", "x", "--stpes", "3", "--json"][..], &["run", " ", "--model", "finish", "--json"]] {
        let ran = place.run(arguments);
        let told: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!((ran.code, &told["exit"]), (2, &json!(2)), "{told}");
        assert!(
            told["error"].as_str().is_some_and(|error| error.contains("--stpes") || error.contains("empty")),
            "{told}"
        );
        assert_eq!(ran.err, "");
    }
}

/// Where a disk can be had that is always full.
#[cfg(target_os = "linux")]
#[test]
fn output_that_is_lost_is_not_a_success() {
    let place = Place::new();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ran = Ran::of(place.command(&["models", "profile", "list"]).stdout(full()).output().unwrap());
    check(&ran, 4, &["not all of the output was written", "No space left"]);
}

#[test]
fn about_facts() {
    let place = Place::new();
    let run = |more: &[&str]| place.run(&[&["run", "x", "--model", "finish"], more].concat());
    check(&run(&["--expect", "wifi.onn=true"]), 2, &["there is no fact `wifi.onn`", "did you mean `wifi.on`?"]);
    check(&run(&["--start", "wifi.on=maybe"]), 2, &["the phone cannot start so", "true or false"]);
    check(&run(&["--start", "wfii.on=true"]), 2, &["there is no fact `wfii.on`"]);
    assert!(!place.path().join("runs").exists(), "nothing was begun");
}

#[test]
fn in_files() {
    let place = Place::new();
    let run = |settings: &str| {
        place.file("tapwright.toml", settings);
        place.run(&["run", "x", "--model", "finish"])
    };
    check(
        &run("[limits]\nsteps_mxa = 3\n"),
        2,
        &["tapwright.toml:2:1", "no limit `steps_mxa`", "did you mean `steps_max`?"],
    );
    check(&run("[limits]\nsteps_max = \"a\"\n"), 2, &["tapwright.toml:2:1", "invalid type"]);
    check(&run("[limits]\nsteps_max = 0\n"), 2, &["tapwright.toml:2:1", "no step"]);
    check(&run("[phone]\nsede = 3\n"), 2, &["tapwright.toml:2:1", "no key `sede`", "did you mean `seed`?"]);
    check(&run("[phone]\nsize = \"huge\"\n"), 2, &["tapwright.toml:2:8", "540x1200"]);
    check(&run("runs = [\n"), 2, &["tapwright.toml"]);
    place.file("tapwright.toml", "");
    check(&place.run(&["runs", "--config", "none.toml"]), 2, &["none.toml", "cannot be read"]);
    place.file("bad.txt", "do(action=\"Back\")\n\"unfinished\n");
    check(&place.run(&["run", "x", "--model", "script:bad.txt"]), 2, &["bad.txt:2:1", "not a JSON string"]);
    check(&place.run(&["run", "x", "--model", "script:none.txt"]), 2, &["none.txt", "cannot be read"]);
    if cfg!(unix) {
        let endless = place.run(&["run", "x", "--model", "script:/dev/zero"]);
        check(&endless, 2, &["/dev/zero", "longer than 16777216 bytes"]);
    }
    place.file("profile.toml", "[agent]\ndialect = \"klingon\"\n");
    check(
        &place.run(&["run", "x", "--model", "finish", "--profile", "profile.toml"]),
        2,
        &["profile.toml:2:11", "klingon"],
    );
}

#[test]
fn what_is_not_there() {
    let place = Place::new();
    check(&place.run(&["run", "x", "--model", "no/such/folder"]), 3, &["no model in no/such/folder", "--model"]);
    let nobody = ["run", "x", "--model", "finish", "--device", "127.0.0.1:1"];
    check(&place.run(&nobody), 3, &["127.0.0.1:1", "tapwright devices"]);
    check(
        &place.run(&["run", "x", "--model", "finish", "--device", "R58M", "--adb-server", "127.0.0.1:1"]),
        3,
        &["R58M"],
    );
    check(&place.run(&["models", "info", "no/such/folder"]), 3, &["no/such/folder"]);
}

#[test]
fn where_nothing_can_be_written() {
    let place = Place::new();
    place.file("blocked", "");
    let run = ["run", "x", "--model", "finish", "--runs", "blocked/runs"];
    check(&place.run(&run), 4, &["no journal can be written", "--runs"]);
    let ran = place.run(&[&run[..], &["--json"]].concat());
    assert_eq!((ran.code, &ran.last()["exit"]), (4, &4.into()));
    assert!(ran.last()["help"].as_str().unwrap().contains("--runs"), "{}", ran.out);
    let bench = place.run(&["bench", "smoke", "--seeds", "5", "--model", "finish", "--runs", "blocked/runs", "--json"]);
    assert_eq!((bench.code, bench.lines().len()), (4, 2), "it stops at the first: {}", bench.out);
    assert_eq!((&bench.last()["void"], &bench.last()["success"]), (&1.into(), &Value::Null));
}
