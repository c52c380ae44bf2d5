//! What people get wrong, and what they are told.

mod program;

use program::{Place, ProgramOutput};
use serde_json::{Value, json};

fn check(ran: &ProgramOutput, code: i32, words: &[&str]) {
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
    check(&place.run(&["run"]), 2, &["no goal, no --task and no --plan", "tapwright run 'Turn Wi-Fi on'"]);
    check(&place.run(&["run", " ", "--model", "finish"]), 2, &["the goal is empty"]);
    check(&place.run(&["run", "x", "--expect", "wifi.on"]), 2, &["wifi.on=true"]);
    check(&place.run(&["run", "x", "--size", "9x9"]), 2, &["240 to 4096"]);
    check(
        &place.run(&["run", "--task", "nonsense", "--model", "finish"]),
        2,
        &["no task \"nonsense\"", "tapwright bench SUITE --list"],
    );
    check(
        &place.run(&["run", "--task", "radio-then-mesage", "--model", "finish"]),
        2,
        &["did you mean radio-then-message?"],
    );
    check(&place.run(&["run", "x", "--task", "radio"]), 2, &["cannot be used with"]);
    for flag in [&["--check"][..], &["--set", "who=Anna"]] {
        check(&place.run(&[&["run", "x"], flag].concat()), 2, &[flag[0], "goes with a plan", "--plan FILE"]);
    }
    check(&place.run(&["frobnicate"]), 2, &["frobnicate"]);
    check(&place.run(&["brench"]), 2, &["brench", "'bench'"]);
    // What only shares some letters with it is no help.
    let ran = place.run(&["nosuch"]);
    assert!(ran.code == 2 && ran.err.contains("nosuch") && !ran.err.contains("bench"), "{}", ran.err);
    check(&place.run(&["bench", "smoke", "--template", "x", "--model", "finish"]), 2, &["no template \"x\""]);
    check(&place.run(&["bench", "smoke", "--from", "1099511627776", "--model", "finish"]), 2, &["for training"]);
    check(&place.run(&["replay", "nothing"]), 2, &["no run \"nothing\"", "tapwright runs"]);
    check(&place.run(&["run", "x", "--model", "http://127.0.0.1:1/v1"]), 2, &["--model-name"]);
    assert!(!place.path().join("runs").exists(), "nothing was begun");
}

#[test]
fn flags_that_do_nothing_are_refused_with_the_reason() {
    let place = Place::new();
    let run = |more: &[&str]| place.run(&[&["run", "x", "--model", "finish"], more].concat());
    let elsewhere = ["--device", "127.0.0.1:1"];
    for flag in [["--seed", "99"], ["--size", "600x900"], ["--weather", "wild"], ["--weather-seed", "3"]] {
        check(&run(&[&elsewhere[..], &flag].concat()), 2, &[flag[0], "would do nothing", "not a virtual one"]);
    }
    check(&run(&["--weather-seed", "3"]), 2, &["--weather-seed would do nothing", "calm"]);
    check(&run(&["--adb-server", "127.0.0.1:1"]), 2, &["--adb-server would do nothing"]);
    check(&run(&["--model-name", "m"]), 2, &["--model-name would do nothing", "not behind a server"]);
    check(&run(&["--threads", "2"]), 2, &["--threads would do nothing", "not computed by this program"]);
    check(&run(&["--ask-open"]), 2, &["--ask-open would do nothing", "--ask HOST:PORT"]);
    check(&run(&["--forbid", " "]), 2, &["an app has an id or a name"]);
    // A slip would forbid nothing.
    check(&run(&["--forbid", "Setings"]), 2, &["no app of", "\"Setings\"", "did you mean Settings?", "by its id"]);
    check(&run(&["--forbid", "My Bank"]), 2, &["no app of", "\"My Bank\""]);
    let suite = ["bench", "smoke", "--seeds", "2", "--model", "finish", "--forbid", "Setings", "--json"];
    let ran = place.run(&suite);
    assert_eq!((ran.code, ran.lines().len()), (2, 1), "{}", ran.out);
    assert!(ran.last()["help"].as_str().unwrap().contains("did you mean Settings?"), "{}", ran.out);
    assert_eq!(std::fs::read_dir(place.path().join("runs")).unwrap().count(), 0, "no folder is left");
    std::fs::remove_dir_all(place.path().join("runs")).unwrap();
    let plan = place.file("plan.toml", "plan = \"p\"\n[[goal]]\nname = \"one\"\ngoal = \"x\"\n");
    let planned = ["run", "--plan", plan.to_str().unwrap(), "--model", "finish", "--forbid", "Setings"];
    check(&place.run(&planned), 2, &["\"Setings\"", "did you mean Settings?"]);
    std::fs::remove_dir_all(place.path().join("runs")).unwrap();
    place.file("tapwright.toml", "[policy]\napps_allowed = [\"com.android.notes\", \"Setings\"]\n");
    check(&run(&[]), 2, &["\"Setings\"", "did you mean Settings?"]);
    place.file("tapwright.toml", "[policy.rules.mine]\napps = [\"Setings\"]\n");
    check(&run(&[]), 2, &["\"Setings\"", "did you mean Settings?"]);
    place.file("tapwright.toml", "[policy]\napps_forbidden = [\"com.example.bank\"]\n");
    for known in ["ＳＥＴＴＩＮＧＳ", " settings ", "WeChat", "com.not.there"] {
        assert_eq!(run(&["--forbid", known]).code, 0, "{known}");
    }
    std::fs::remove_dir_all(place.path().join("runs")).unwrap();
    check(&place.run(&["runs", "--most", "0"]), 2, &["--most"]);
    assert!(!place.path().join("runs").exists(), "nothing was begun");
}

#[test]
fn variables_that_are_set_to_nothing_say_nothing() {
    let place = Place::new();
    place.file("tapwright.toml", "");
    let mut command = place.command(&["run", "x", "--model", "finish", "--json"]);
    for name in ["DEVICE", "MODEL_NAME", "ASK", "RUNS", "CONFIG", "CACHE", "PROVIDER", "LANGUAGE", "THREADS"] {
        command.env(format!("TAPWRIGHT_{name}"), "");
    }
    let ran = ProgramOutput::of(command.output().unwrap());
    assert_eq!(ran.end_line(), "0 done null", "{}{}", ran.out, ran.err);
}

#[test]
fn without_a_home_what_needs_none_works() {
    let place = Place::new();
    for arguments in [&["run", "x", "--model", "finish", "--json"][..], &["runs"], &["replay", "last"], &["devices"]] {
        let ran = ProgramOutput::of(place.command(arguments).env_remove("HOME").output().unwrap());
        assert_eq!(ran.code, 0, "{arguments:?} {}{}", ran.out, ran.err);
    }
    std::fs::create_dir(place.path().join("model")).unwrap();
    place.file("model/config.json", "{}");
    let ran = ProgramOutput::of(place.command(&["run", "x", "--model", "model"]).env_remove("HOME").output().unwrap());
    check(&ran, 3, &["no folder to keep built models in", "--cache FOLDER"]);
}

#[cfg(unix)]
#[test]
fn folders_whose_names_are_no_text_are_no_reason_to_break() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::new();
    let runs = OsStr::from_bytes(b"r\xff");
    for arguments in
        [&["run", "x", "--model", "finish", "--json"][..], &["replay", "last", "--json"], &["runs", "--json"]]
    {
        let ran = ProgramOutput::of(place.command(arguments).arg("--runs").arg(runs).output().unwrap());
        assert_eq!(ran.code, 0, "{arguments:?} {}{}", ran.out, ran.err);
        assert!(ran.out.contains("r\u{fffd}"), "{}", ran.out);
    }
    let ran =
        ProgramOutput::of(place.command(&["run", "x", "--model"]).arg(OsStr::from_bytes(b"m\xff")).output().unwrap());
    check(&ran, 3, &["there is no model in m\u{fffd}"]);
}

#[test]
fn nothing_steers_the_terminal_from_names_and_files() {
    let place = Place::new();
    let ran = place.run(&["runs", "--runs", "\u{1b}]0;x\u{7}"]);
    assert!(!ran.out.contains(['\u{1b}', '\u{7}']) && ran.out.contains("\\u{1b}"), "{:?}", ran.out);
    std::fs::create_dir_all(place.path().join("runs/\u{1b}[31mx")).unwrap();
    place.file("runs/\u{1b}[31mx/journal.jsonl", "what?\n");
    let ran = place.run(&["runs"]);
    assert!(!ran.out.contains('\u{1b}'), "{:?}", ran.out);
    place.file("tapwright.toml", "bad\u{1b}[31m = 1\n");
    let ran = place.run(&["runs"]);
    assert_eq!(ran.code, 2);
    assert!(!ran.err.contains('\u{1b}'), "{:?}", ran.err);
}

#[test]
fn a_plan_that_would_not_be_kept_is_not_asked_for() {
    let place = Place::new();
    place.file("there.toml", "mine");
    for (out, why) in [("there.toml", "something already"), ("none/x.toml", "no such folder")] {
        // Nobody listens there: whoever is asked says so.
        let model = ["--model", "http://127.0.0.1:1/v1", "--model-name", "m"];
        check(&place.run(&[&["plan", "x", "--out", out], &model[..]].concat()), 4, &[why, out]);
    }
    assert_eq!(std::fs::read_to_string(place.path().join("there.toml")).unwrap(), "mine");
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
    let ran = ProgramOutput::of(place.command(&["models", "profile", "list"]).stdout(full()).output().unwrap());
    check(&ran, 4, &["not all of the output was written", "No space left"]);
}

#[test]
fn about_facts() {
    let place = Place::new();
    let run = |more: &[&str]| place.run(&[&["run", "x", "--model", "finish"], more].concat());
    check(&run(&["--expect", "wifi.onn=true"]), 2, &["there is no fact `wifi.onn`", "did you mean `wifi.on`?"]);
    check(&run(&["--start", "wifi.on=maybe"]), 2, &["the device cannot start so", "true or false"]);
    check(&run(&["--start", "wfii.on=true"]), 2, &["there is no fact `wfii.on`"]);
    check(&run(&["--expect", "wifi.on=yes"]), 2, &["`wifi.on` is true or false", "wifi.on=true"]);
    assert!(!place.path().join("runs").exists(), "nothing was begun");
}

#[test]
fn nothing_is_done_before_all_of_it_is_known_to_be_right() {
    let place = Place::new();
    let mut phone = place.start(&["phone", "--listen", "127.0.0.1:0", "--json"]);
    let address = phone.line()["listen"].as_str().unwrap().to_owned();
    let run =
        |more: &[&str]| place.run(&[&["run", "x", "--model", "finish", "--json", "--device", &address], more].concat());
    let start = ["--start", "wifi.on=true"];
    assert_eq!(run(&[&start[..], &["--expect", "nosuch=1"]].concat()).code, 2);
    assert_eq!(run(&[&start[..], &["--start", "dark.on=maybe"]].concat()).code, 2);
    assert_eq!(run(&["--expect", "wifi.on=false"]).end_line(), "0 done passed");
    phone.kill();
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
    check(&run("[limits]\nlooks_max = 0\n"), 2, &["tapwright.toml:2:1", "`looks_max` is 1 to"]);
    check(&run("[limits]\nrepeats_window = 4\n"), 2, &["tapwright.toml:2:1", "never be reached"]);
    check(
        &run("[apis.x]\nabout = \"a\"\nleave = \"ask\"\n"),
        2,
        &["tapwright.toml:3:1", "the key `leave` is not here any more"],
    );
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
        check(&endless, 2, &["/dev/zero", "a device, and no regular file"]);
    }
    place.file("profile.toml", "[agent]\ndialect = \"klingon\"\n");
    check(
        &place.run(&["run", "x", "--model", "finish", "--profile", "profile.toml"]),
        2,
        &["profile.toml:2:11", "klingon"],
    );
}

/// A device or a pipe would be replaced by a file, and be gone.
#[cfg(unix)]
#[test]
fn a_profile_takes_the_place_of_a_file_only() {
    let place = Place::new();
    place.file("messages.json", r#"[{"role":"system","content":"Go."},{"role":"user","content":"x"}]"#);
    let import = |out: &str| place.run(&["models", "profile", "import", "messages.json", "--out", out]);
    assert!(std::process::Command::new("mkfifo").arg(place.path().join("pipe")).status().unwrap().success());
    std::os::unix::fs::symlink("pipe", place.path().join("link")).unwrap();
    for out in ["pipe", "link"] {
        check(&import(out), 4, &[out, "cannot be written", "it is no file"]);
        assert!(!std::fs::metadata(place.path().join(out)).unwrap().is_file(), "{out}");
    }
    place.file("profile.toml", "older");
    assert_eq!(import("profile.toml").code, 0);
    assert!(std::fs::read_to_string(place.path().join("profile.toml")).unwrap().contains("Go."));
    let left = std::fs::read_dir(place.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("fresh"));
    assert_eq!(left.count(), 0);
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
    assert_eq!((bench.code, bench.lines().len()), (4, 1), "it does not begin: {}", bench.out);
    assert!(bench.last()["help"].as_str().unwrap().contains("--runs"), "{}", bench.out);
}

/// Tasks of OSWorld, made up here: one that is fine, and one with two mistakes.
#[test]
fn in_tasks_of_osworld() {
    let place = Place::new();
    let folder = place.path().join("set/examples/os");
    std::fs::create_dir_all(&folder).unwrap();
    let good = r#"{"id": "aa-1", "instruction": "Do it", "evaluator": {"func": "infeasible"}}"#;
    std::fs::write(folder.join("aa-1.json"), good).unwrap();
    check(&place.run(&["bench", "osworld"]), 2, &["--tasks does not say where they are", "write --tasks PATH"]);
    let bad = ["bench", "osworld", "--tasks", "set", "--assets", "set/examples/os/aa-1.json", "--list"];
    check(&place.run(&bad), 2, &["SHA256SUMS", "cannot be read"]);
    check(&place.run(&["bench", "osworld", "--tasks", "none", "--list"]), 2, &["none cannot be read as a task set"]);
    check(
        &place.run(&["bench", "osworld", "--tasks", "set", "--list", "--domain", "vlc"]),
        2,
        &["no domain \"vlc\"", "os"],
    );
    check(&place.run(&["bench", "osworld", "--tasks", "set", "--list", "--only", "bb"]), 2, &["no task", "\"bb\""]);
    check(&place.run(&["bench", "smoke", "--tasks", "set"]), 2, &["--tasks would do nothing", "bench osworld"]);
    let ran = place.run(&["bench", "osworld", "--tasks", "set", "--list"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    for words in ["aa-1", "infeasible", "hash"] {
        assert!(ran.out.contains(words), "{words}:\n{}", ran.out);
    }
    let bad = r#"{"id": "bb-2", "instruction": "Do it", "config": [{"type": "slepp", "parameters": {}}],
        "evaluator": {"func": "exact_matched", "result": {"type": "rule", "rules": {}}}}"#;
    std::fs::write(folder.join("bb-2.json"), bad).unwrap();
    let ran = place.run(&["bench", "osworld", "--tasks", "set", "--list"]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    for words in [
        "2 mistakes",
        "examples/os/bb-2.json:1:",
        "did you mean `sleep`?",
        "bb-2.json:2:",
        "did you mean `exact_match`?",
    ] {
        assert!(ran.err.contains(words), "{words}:\n{}", ran.err);
    }
    assert!(ran.out.contains("aa-1"), "{}", ran.out);
    let ran = place.run(&["bench", "osworld", "--tasks", "set", "--list", "--json"]);
    let last: Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
    assert_eq!((ran.code, &last["all"]["tasks"], last["mistakes"].as_array().unwrap().len()), (2, &json!(1), 2));
}

/// A rule for an app that is not there is right and does nothing now: it is said once, and nothing else is.
#[test]
fn a_forbidden_app_that_the_phone_does_not_have_is_told() {
    let place = Place::new();
    let run = |more: &[&str]| place.run(&[&["run", "x", "--model", "finish"][..], more].concat());
    let flat = |ran: &ProgramOutput| ran.err.split_whitespace().collect::<Vec<_>>().join(" ");
    for (more, words) in [
        (
            &["--forbid", "WhatsApp"][..],
            "has no app \"WhatsApp\" now; the policy's rule for it stands for when it comes",
        ),
        (&["--forbid", "com.example.bank"], "has no app \"com.example.bank\" now"),
        (&["--forbid", "微信", "--forbid", "WhatsApp"], "has none of the apps \"微信\", \"WhatsApp\" now"),
    ] {
        let ran = run(more);
        assert!(ran.code == 0 && flat(&ran).matches(words).count() == 1, "{words}: {}", ran.err);
    }
    for more in [&["--forbid", "Messages"][..], &["--forbid", "com.android.settings"], &["--forbid", "信息"], &[]] {
        let ran = run(more);
        assert!(ran.code == 0 && !flat(&ran).contains("now; the policy"), "{more:?}: {}", ran.err);
    }
}

/// What a model was trained on is phones: on anything else it would press what it takes for one.
#[test]
fn the_small_model_is_not_taken_to_a_desktop_or_a_browser() {
    let place = Place::new();
    for device in ["desktop:private", "desktop", "browser", "browser:127.0.0.1:1"] {
        let noun = device.split(':').next().unwrap();
        let ran = place.run(&["run", "Turn Wi-Fi on", "--device", device]);
        let words = format!("this model was trained on no {noun}");
        assert!(ran.code == 2 && ran.err.contains(&words) && ran.err.contains("--anyway"), "{device}: {}", ran.err);
        assert!(!place.path().join("runs").exists());
        place.file("plan.toml", "plan = \"p\"\n[[goal]]\nname = \"a\"\ngoal = \"Turn Wi-Fi on\"\n");
        let ran = place.run(&["run", "--plan", "plan.toml", "--device", device]);
        assert!(ran.code == 2 && ran.err.contains(&words), "{device}: {}", ran.err);
    }
    for more in [&["--anyway", "--no-fetch"][..], &["--model", "finish"]] {
        let ran = place.run(&[&["run", "Turn Wi-Fi on", "--device", "browser:127.0.0.1:1"][..], more].concat());
        assert!(ran.code == 3 && !ran.err.contains("trained on"), "{more:?}: {} {}", ran.code, ran.err);
    }
}
