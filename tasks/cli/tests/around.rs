//! The commands round a run: bench, devices, doctor, phone, help.

mod program;

use std::collections::BTreeSet;
use std::fs;

use program::Place;
use serde_json::{Value, json};

#[test]
fn the_floor_of_the_bench() {
    let place = Place::new();
    let ran = place.run(&["bench", "smoke", "--seeds", "13", "--model", "finish", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let lines = ran.lines();
    let (last, rows) = lines.split_last().unwrap();
    assert_eq!(rows.len(), 13);
    assert_eq!((&last["passed"], &last["failed"], &last["void"]), (&json!(0), &json!(13), &json!(0)));
    assert_eq!((&last["success"], &last["model"]), (&json!(0.0), &json!("finish")));
    assert_eq!(last["templates"].as_object().unwrap().len(), 12);
    assert_eq!(last["templates"]["radio"]["failed"], 2, "the thirteenth task is of the first template again");
    for row in rows {
        assert_eq!((&row["verdict"], &row["outcome"], &row["steps"]), (&json!("failed"), &json!("done"), &json!(1)));
        assert!(place.path().join(row["folder"].as_str().unwrap()).join("journal.jsonl").is_file());
    }
    let listed = place.run(&["runs", "--json"]).last();
    assert_eq!(listed["suite"]["table"]["all"]["failed"], 13);
    let inside = rows[3]["folder"].as_str().unwrap();
    assert_eq!(place.run(&["replay", inside, "--json"]).last()["follows"], true);
}

#[test]
fn the_phone_suite_is_told_by_kind() {
    let place = Place::new();
    let ran = place.run(&["bench", "phone", "--seeds", "6", "--template", "radio-already", "--model", "finish"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("unasked") && ran.out.contains("already "), "{}", ran.out);
    let ran =
        place.run(&["bench", "phone", "--seeds", "3", "--template", "send-absent", "--model", "finish", "--json"]);
    let last = ran.last();
    let of_kind = &last["groups"]["absent"];
    assert_eq!((&of_kind["passed"], &of_kind["failed"], &of_kind["unasked"]), (&json!(0), &json!(3), &json!(0)));
    assert_eq!(ran.lines()[0]["group"], "absent");
    // One that nobody has seen before is judged from its record as it was then.
    let folder = ran.lines()[0]["folder"].as_str().unwrap().to_owned();
    let again = place.run(&["judge", &folder, "--json"]).last();
    assert_eq!(again["verdict"], "failed", "{again}");
}

#[test]
fn a_bench_for_people_and_its_threshold() {
    let place = Place::new();
    let ran =
        place.run(&["bench", "smoke", "--seeds", "2", "--template", "note", "--model", "finish", "--at-least", "0.5"]);
    assert_eq!(ran.code, 20, "{}", ran.err);
    for words in ["template", "note", "0.0 %", "failed", "notes.count", "000001-note"] {
        assert!(ran.out.contains(words), "{words}:\n{}", ran.out);
    }
    assert!(ran.err.contains("2/2"), "without a terminal each task is a line: {}", ran.err);
}

#[test]
fn devices_without_an_adb_server() {
    let place = Place::new();
    let ran = place.run(&["devices", "--adb-server", "127.0.0.1:1", "--json"]);
    assert_eq!(ran.code, 0);
    // Desktops and browsers are there or not, as the machine is; no phone is.
    let lines = ran.lines();
    assert_eq!((&lines[0]["device"], &lines[0]["ready"]), (&json!("virtual"), &json!(true)));
    let others: Vec<&str> = lines[1..].iter().map(|line| line["device"].as_str().unwrap()).collect();
    assert!(others.iter().all(|name| ["desktop", "desktop:private", "browser"].contains(name)), "{others:?}");
    let told = place.run(&["devices", "--adb-server", "127.0.0.1:1"]).out;
    assert!(told.contains("adb start-server"), "{told}");
}

#[test]
fn the_doctor_tries_the_phone_and_says_what_to_do() {
    let place = Place::new();
    let ran = place.run(&["doctor", "--model", "finish", "--adb-server", "127.0.0.1:1", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let found = |what: &str| -> Value {
        ran.lines().into_iter().find(|line| line["what"] == what).unwrap_or_else(|| panic!("{what}: {}", ran.out))
    };
    assert_eq!(found("virtual phone")["state"], "ok");
    assert!(found("virtual phone")["text"].as_str().unwrap().contains("a tap"));
    assert_eq!(found("adb server")["state"], "warning");
    assert_eq!(found("adb server")["next"], "start one with: adb start-server");
    assert_eq!(found("runs")["state"], "ok");
    place.file("blocked", "");
    let ran = place.run(&["doctor", "--model", "nowhere", "--runs", "blocked/x", "--adb-server", "127.0.0.1:1"]);
    assert_eq!(ran.code, 3, "{}", ran.out);
    assert!(ran.out.contains("there is no model in nowhere") && ran.out.contains("--runs FOLDER"), "{}", ran.out);
}

/// Where an ONNX Runtime is that somebody has named or fetched.
#[cfg(target_os = "linux")]
fn library() -> Option<std::path::PathBuf> {
    let named = std::env::var_os("ORT_DYLIB_PATH").map(std::path::PathBuf::from);
    let cache = std::path::PathBuf::from(std::env::var_os("HOME")?).join(".cache/tapwright");
    let versions = fs::read_dir(cache).ok()?.flatten().map(|entry| entry.path());
    let libraries =
        versions.filter(|path| path.is_dir()).flat_map(|path| fs::read_dir(path).into_iter().flatten().flatten());
    let is_library = |path: &std::path::PathBuf| path.to_string_lossy().contains("libonnxruntime.so");
    named.or_else(|| libraries.map(|entry| entry.path()).filter(is_library).max())
}

/// A library of others has telemetry of its own: with this program it keeps to itself what it does.
#[cfg(target_os = "linux")]
#[test]
fn the_library_leaves_nothing_behind() {
    let Some(library) = library() else {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"SKIPPED: there is no ONNX Runtime here\n");
        return;
    };
    let place = Place::new();
    let (temporary, home) = (place.path().join("tmp"), place.path().join("home"));
    fs::create_dir(&temporary).unwrap();
    fs::create_dir(&home).unwrap();
    let mut command = place.command(&["run", "Turn Wi-Fi on", "--json", "--ort-library", library.to_str().unwrap()]);
    let ran = program::ProgramOutput::of(command.env("TMPDIR", &temporary).env("HOME", &home).output().unwrap());
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
    let others: Vec<_> = fs::read_dir(home.join(".cache")).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(others, ["tapwright"], "only what is this program's");
}

#[test]
fn two_phones_cannot_have_one_port() {
    let place = Place::new();
    let mut phone = place.start(&["phone", "--listen", "127.0.0.1:0", "--json", "--seed", "3"]);
    let line = phone.line();
    assert_eq!((&line["seed"], &line["width"], &line["height"]), (&json!(3), &json!(540), &json!(1200)));
    let ran = place.run(&["phone", "--listen", line["listen"].as_str().unwrap()]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("--listen 127.0.0.1:0"), "{}", ran.err);
    phone.kill();
}

#[test]
fn the_help_teaches() {
    let place = Place::new();
    let ran = place.run(&["--help"]);
    assert_eq!(ran.code, 0);
    for words in ["Examples:", "--expect", "Exit codes:", "130  stopped"] {
        assert!(ran.out.contains(words), "{words}:\n{}", ran.out);
    }
    assert_eq!(place.run(&[]).code, 2, "no command is no help");
    assert!(place.run(&["--version"]).out.starts_with("tapwright "));
}

/// A run that was killed after its end has no verdict; and its phone is gone, unless its state was kept.
#[test]
fn a_run_is_judged_again() {
    let place = Place::new();
    let ran =
        place.run(&["run", "x", "--model", "finish", "--start", "wifi.on=true", "--expect", "wifi.on=true", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let again = place.run(&["judge", "last", "--json"]);
    assert_eq!((again.code, &again.last()["verdict"]), (0, &json!("passed")), "{}{}", again.out, again.err);
    let other = place.run(&["judge", "last", "--expect", "wifi.on=false", "--json"]);
    assert_eq!((other.code, &other.last()["verdict"]), (20, &json!("failed")));
    assert!(other.last()["why"].as_str().unwrap().contains("should be `false`"), "{}", other.out);
    let record = place.path().join(other.last()["record"].as_str().unwrap());
    fs::remove_file(record.join("verdict.json")).unwrap();
    let none = place.run(&["judge", "last"]);
    assert_eq!(none.code, 2, "{}{}", none.out, none.err);
    assert!(none.err.contains("--device"), "{}", none.err);
    // Who wants to go on with it is told what there is to do.
    let ended = place.run(&["resume", "last"]);
    assert_eq!(ended.code, 2, "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("tapwright judge"), "{}", ended.err);
}

/// A verdict that stands is replaced by another one, and never by a slip of the pen or by a disk that is full.
#[test]
fn a_verdict_is_not_lost_to_a_mistake() {
    let place = Place::new();
    let ran =
        place.run(&["run", "x", "--model", "finish", "--start", "wifi.on=true", "--expect", "wifi.on=true", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let folder = place.path().join(ran.last()["record"].as_str().unwrap());
    let at = folder.join("verdict.json");
    let before = fs::read_to_string(&at).unwrap();
    for (wrong, near) in [
        ("wifi.onn=true", "did you mean `wifi.on`?"),
        ("wfi.on=true", "wifi.on"),
        ("wifi.on=yes", "write it like wifi.on=true"),
        ("brightness=half", "brightness=5"),
    ] {
        let refused = place.run(&["judge", "last", "--expect", "wifi.on=true", "--expect", wrong]);
        assert_eq!(refused.code, 2, "{wrong}: {refused:?}");
        assert!(refused.err.contains(near), "{wrong}: {}", refused.err);
        assert_eq!(fs::read_to_string(&at).unwrap(), before, "{wrong}");
    }
    // As on a disk that is full: the new file cannot be made.
    fs::create_dir(folder.join(".verdict.json")).unwrap();
    let unwritten = place.run(&["judge", "last", "--expect", "wifi.on=false"]);
    assert_eq!(unwritten.code, 4, "{unwritten:?}");
    assert!(unwritten.err.contains("verdict.json cannot be written"), "{}", unwritten.err);
    assert_eq!(fs::read_to_string(&at).unwrap(), before);
    fs::remove_dir(folder.join(".verdict.json")).unwrap();
    // One that cannot be read is named, too.
    fs::write(&at, "{").unwrap();
    let unread = place.run(&["judge", "last"]);
    assert_eq!(unread.code, 5, "{unread:?}");
    assert!(unread.err.contains("verdict.json cannot be read"), "{}", unread.err);
}

/// A table says all that it depends on, and a case of a suite is judged by the suite.
#[test]
fn a_suite_says_what_was_measured() {
    let place = Place::new();
    let ran = place.run(&["bench", "edge-cases", "--seeds", "6", "--model", "finish", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let last = ran.last();
    // A model that looks at nothing is right where nothing is to be done, and nowhere else.
    assert_eq!((&last["passed"], &last["templates"]["already"]["passed"]), (&json!(2), &json!(2)), "{}", ran.out);
    let measured = &last["measurement"];
    assert_eq!(measured["cases"].as_str().unwrap().len(), 64);
    assert_eq!((&measured["selection"]["count"], &measured["limits"]["steps_max"]), (&json!(6), &json!(40)));
    assert!(
        measured["model"]["profile"].is_string() && measured["policy"].is_object() && measured["program"].is_string()
    );
    // Of an errand that cannot be done no fact says whether it was well done: the suite does.
    for row in ran.lines().iter().take(6) {
        let again = place.run(&["judge", row["folder"].as_str().unwrap(), "--json"]);
        assert_eq!(again.last()["verdict"], row["verdict"], "{row} {}{}", again.out, again.err);
    }
}

/// What takes time before the first case is said.
#[test]
fn a_suite_says_what_it_does_before_its_first_case() {
    let place = Place::new();
    let ran = place.run(&["bench", "smoke", "--model", "finish", "--seeds", "1"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let at = |words: &str| ran.err.find(words).unwrap_or_else(|| panic!("{words}: {}", ran.err));
    assert!(at("drawing the cases") < at("digest") && at("digest") < at("1/1"), "{}", ran.err);
    assert!(ran.out.contains("The suite smoke: 1 case from seed 0"), "{}", ran.out);
}

/// Nothing is fetched, and nothing is made.
#[test]
fn what_setup_would_fetch_is_said() {
    let place = Place::new();
    let ran = place.run(&["setup", "--dry-run", "--cache", "cache", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let told = ran.last();
    assert!(told["library"].is_string() || told["megabytes"].as_u64() > Some(5), "{told}");
    assert!(!place.path().join("cache").exists());
    let ran = place.run(&["setup", "--dry-run", "--cache", "cache", "--ort-library", "nothing.so"]);
    assert!(ran.code == 3 && ran.err.contains("nothing.so"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_suite_has_a_page_with_what_failed_first() {
    let place = Place::new();
    let ran = place.run(&["bench", "smoke", "--model", "finish", "--seeds", "3", "--json"]);
    let folder = ran.last()["record"].as_str().unwrap().to_owned();
    let ran = place.run(&["replay", &folder]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("is a suite of several runs") && ran.err.contains("--html"), "{}", ran.err);
    // By its name, as `runs` lists it, too.
    let name = folder.rsplit('/').next().unwrap();
    let ran = place.run(&["replay", name, "--html", "suite.html", "--json"]);
    assert_eq!(
        (ran.code, &ran.last()["failed"], &ran.last()["html"]),
        (0, &3.into(), &"suite.html".into()),
        "{}",
        ran.err
    );
    let page = fs::read_to_string(place.path().join("suite.html")).unwrap();
    assert!(page.contains("The suite smoke: 0 of 3 passed"));
    assert_eq!(
        page.matches("not achieved: the model says it is done, the check says otherwise").count(),
        6,
        "in the list and at each run"
    );
}

/// The keys that a table of docs/cli.md names in the row that begins so.
fn documented_keys(row: &str) -> BTreeSet<String> {
    let page = include_str!("../../../docs/cli.md");
    let row =
        page.lines().find_map(|line| line.strip_prefix(&format!("| {row} | "))).unwrap_or_else(|| panic!("{row}"));
    let keys = row.split(';').next().unwrap();
    keys.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What programs are told stands in the documents, and nothing else does.
#[test]
fn programs_read_what_the_documents_say() {
    let place = Place::new();
    let keys = |line: &Value| -> BTreeSet<String> { line.as_object().unwrap().keys().cloned().collect() };
    place.file("script.txt", &["finish(message=\"ok\")"; 3].join("\n"));
    place.file("plan.toml", "plan = \"p\"\n[[goal]]\nname = \"one\"\ngoal = \"Look\"\n");
    let script = ["--model", "script:script.txt"];
    let check = |row: &str, arguments: &[&str]| {
        let ran = place.run(&[arguments, &["--json"]].concat());
        assert_eq!(keys(&ran.last()), documented_keys(row), "{arguments:?}: {}", ran.out);
        ran
    };
    let ran = check("`run`, `resume`, `fork`", &[&["run", "x"][..], &script].concat());
    assert_eq!(keys(&ran.lines()[0]), documented_keys("a step"));
    check("`judge`", &["judge", "last", "--expect", "wifi.on=true"]);
    check("`replay`", &["replay", "last", "--html", "page.html"]);
    check("`run --plan --check`", &["run", "--plan", "plan.toml", "--check"]);
    check("`run --plan`, `resume` of a plan", &[&["run", "--plan", "plan.toml"][..], &script].concat());
    let ran = check("`bench`", &["bench", "phone", "--model", "finish", "--seeds", "1"]);
    assert_eq!(keys(&ran.lines()[0]), documented_keys("an attempt of `bench`"));
    let suite = ran.last()["run"].as_str().unwrap().to_owned();
    check("`bench --preflight`", &["bench", "smoke", "--seeds", "1", "--preflight"]);
    check("`bench compare`", &["bench", "compare", &suite, "last"]);
    check("`bench rescore`", &["bench", "rescore", &suite]);
    check("`replay` of a suite", &["replay", &suite, "--html", "page.html"]);
    check("`devices`", &["devices", "--adb-server", "127.0.0.1:1"]);
    check("`doctor`", &["doctor", "--adb-server", "127.0.0.1:1", "--model", "finish"]);
    check("any, if it could not do what it was asked", &["run"]);
    let listed = place.run(&["runs", "--json"]);
    let kinds: BTreeSet<String> = listed.lines().iter().flat_map(keys).collect();
    assert!(kinds.is_subset(&documented_keys("`runs`")) && kinds.len() == 3, "{kinds:?}");
    let mut phone = place.start(&["phone", "--listen", "127.0.0.1:0", "--json"]);
    assert_eq!(keys(&phone.line()), documented_keys("`phone`"));
    phone.kill();
}

/// What begins is called by the millisecond in which it does. The names of the next ones are taken, as if something else had begun in
/// each of them: programs that are only started at once seldom meet.
#[test]
fn what_begins_in_one_millisecond_with_another_has_a_folder_of_its_own() {
    const WINDOW_MS: i64 = 500;
    let place = Place::new();
    let runs = place.path().join("runs");
    place.file("plan.toml", "plan = \"p\"\n[[goal]]\nname = \"one\"\ngoal = \"x\"\n");
    let take = |about: &str| -> BTreeSet<String> {
        #[allow(clippy::disallowed_methods)] // What begins is called by it.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let now = i64::try_from(now.as_millis()).unwrap();
        let names = (now..now + WINDOW_MS).map(|ms| {
            let at = time::OffsetDateTime::from_unix_timestamp(ms / 1000).unwrap();
            let (day, time) = (at.date().to_string().replace('-', ""), at.time());
            let clock = format!("{:02}{:02}{:02}-{:03}", time.hour(), time.minute(), time.second(), ms % 1000);
            format!("{day}-{clock}-{about}")
        });
        names.inspect(|name| fs::create_dir_all(runs.join(name)).unwrap()).collect()
    };
    for (about, arguments) in [
        ("do-something", &["run", "Do something", "--model", "finish"][..]),
        ("p", &["run", "--plan", "plan.toml", "--model", "finish"]),
        ("smoke", &["bench", "smoke", "--seeds", "1", "--model", "finish"]),
    ] {
        // On a busy machine it may begin after the last of them.
        let met = (0..100).find_map(|_| {
            let taken = take(about);
            let ran = place.run(&[arguments, &["--json"]].concat());
            assert_eq!(ran.code, 0, "{about}: {}{}", ran.out, ran.err);
            let folder = place.path().join(ran.last()["record"].as_str().unwrap());
            assert!(folder.is_dir(), "{about}: {}", folder.display());
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            taken.contains(name.trim_end_matches("-2")).then_some((taken, name))
        });
        let (taken, name) = met.expect("it begins in time once");
        assert!(name.ends_with("-2"), "{name}");
        let is_empty = |name: &String| fs::read_dir(runs.join(name)).unwrap().next().is_none();
        assert!(taken.iter().all(is_empty), "{about}: it wrote into the folder of another one");
    }
}

/// A server that hangs is no program that hangs: who is waited for is said, and how long at most.
#[test]
fn an_answer_that_is_late_is_told() {
    let place = Place::new();
    // It takes what is sent, and never answers.
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let url = format!("http://user:pass%21word@{address}/v1");
    place.file("tapwright.toml", "[model]\nname = \"m\"\n[limits]\nthink_ms = 6500\nretries_max = 0\n");
    let ran = place.run(&["run", "x", "--model", &url]);
    assert_eq!(ran.code, 14, "{}{}", ran.out, ran.err);
    // Whoever looks over a shoulder does not read the password in the address.
    assert!(!ran.err.contains("pass%21word"), "{}", ran.err);
    let told = format!("waiting for http://…@{address}/v1: 5.0 s of at most 6.5 s ([limits] think_ms)");
    assert_eq!(ran.err.matches("waiting for").count(), 1, "{}", ran.err);
    assert!(ran.err.contains(&told), "{}", ran.err);
    // A program reads what is on standard output, and nobody waits at the screen.
    assert!(!ran.out.contains("waiting for"), "{}", ran.out);
}

/// Somebody who edits a record by hand is told which file it is, and gets no verdict out of it.
#[test]
fn a_record_that_was_edited_is_not_judged() {
    let place = Place::new();
    let ran = place.script(&[r#"do(action="Home")"#, r#"finish(message="ok")"#], &["--expect", "wifi.on=false"]);
    assert_eq!(ran.end_line(), "0 done passed", "{}{}", ran.out, ran.err);
    let folder = place.only_run();
    let original = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let (journal, verdict, origin) = (original("journal.jsonl"), original("verdict.json"), original("origin.json"));
    let judged = |more: &[&str]| place.run(&[&["judge", "last"], more].concat());
    for (name, text, expected) in [
        (
            "journal.jsonl",
            journal.replace("\"message\":\"ok\"", "\"message\":\"better\""),
            "does not follow from its own events",
        ),
        ("journal.jsonl", journal.replace("\"goal\":\"Do something\"", "\"goal\":7"), "journal.jsonl:1: not a line"),
        ("journal.jsonl", String::new(), "journal.jsonl"),
        ("verdict.json", verdict.replace("\"version\"", "version"), "verdict.json cannot be read"),
        ("verdict.json", "[]".to_owned(), "verdict.json cannot be read"),
        ("origin.json", origin.replacen('{', "", 1), "origin.json cannot be read"),
        ("origin.json", origin.replace("\"expected\": [", "\"expected\": [7, "), "origin.json cannot be read"),
    ] {
        assert_ne!(text, original(name), "{name}: nothing was edited");
        fs::write(folder.join(name), &text).unwrap();
        let ran = judged(&[]);
        assert!(ran.code == 5 && ran.err.contains(expected), "{name}: {expected}: {} {}", ran.code, ran.err);
        assert_eq!(original(name), text, "nothing is written over it");
        for (name, text) in [("journal.jsonl", &journal), ("verdict.json", &verdict), ("origin.json", &origin)] {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    assert_eq!(judged(&[]).code, 0);
    // Pictures are not judged by.
    fs::remove_dir_all(folder.join("pictures")).unwrap();
    assert_eq!(judged(&[]).code, 0);
}

#[test]
fn a_goal_that_the_model_was_not_trained_for_is_told_before_anything_is_touched() {
    let place = Place::new();
    place.file("script.txt", "finish(message=\"All done.\")\nfinish(message=\"All done.\")\n");
    // The profile of the small model; what answers is a script.
    let small = ["--model", "script:script.txt", "--profile", "mini"];
    let run = |goal: &str, more: &[&str]| place.run(&[&["run", goal], &small[..], more].concat());
    for goal in ["what's the weather", "Tell Mom I love her", "打开蓝牙", "Send \"hi\" to Ana", "\u{1b}[31mpay"] {
        let ran = run(goal, &[]);
        assert_eq!(ran.code, 2, "{goal}: {}{}", ran.out, ran.err);
        for told in ["is of no kind of goal", "turn an alarm that is there on or off", "--model", "--anyway"] {
            assert!(ran.err.contains(told), "{goal}: {told}: {}", ran.err);
        }
        assert!(!ran.err.contains('\u{1b}'), "{}", ran.err);
    }
    let said = run("Call 911", &["--json"]).last();
    assert_eq!(said["exit"], 2);
    assert!(said["help"].as_str().unwrap().contains("write a note"), "{said}");
    // Without a model that is named it is the small one.
    assert!(place.run(&["run", "Call 911"]).err.contains("is of no kind of goal"));
    let plan = |goals: &str| place.file("plan.toml", &format!("plan = \"p\"\n{goals}")).display().to_string();
    let planned = |file: &str, more: &[&str]| place.run(&[&["run", "--plan", file], &small[..], more].concat());
    let untrained =
        plan("[[goal]]\nname = \"a\"\ngoal = \"Turn Wi-Fi on\"\n[[goal]]\nname = \"b\"\ngoal = \"Call 911\"\n");
    let ran = planned(&untrained, &[]);
    assert!(ran.code == 2 && ran.err.contains("\"Call 911\" is of no kind"), "{}", ran.err);
    let asks = plan("[[goal]]\nname = \"a\"\ngoal = \"Turn Wi-Fi on\"\noutput = { net = \"text\" }\n");
    let ran = planned(&asks, &[]);
    assert!(ran.code == 2 && ran.err.contains("not what it found"), "{}", ran.err);
    assert!(!place.path().join("runs").exists(), "nothing was begun");

    assert_eq!(run("Turn Wi-Fi on, then send \"on my way\" to Anna", &["--json"]).end_line(), "0 done null");
    assert_eq!(run("Call 911", &["--anyway", "--json"]).end_line(), "0 done null");
    // A suite measures what a model does with what it does not know, too.
    assert_eq!(place.run(&["run", "--task", "radio", "--model", "script:script.txt", "--profile", "mini"]).code, 20);
    let help = place.run(&["run", "--help"]).out;
    for kind in ["- turn Wi-Fi, Bluetooth or Airplane mode on or off", "- two in a row:", "--anyway"] {
        assert!(help.contains(kind), "{kind}: {help}");
    }
}
