//! Runs on desktops, as somebody starts them.

#![cfg(target_os = "linux")]

mod program;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use program::Place;

/// Whether private desktops can be had here, with an editor on them.
fn is_possible() -> bool {
    let programs = ["Xvfb", "openbox", "dbus-daemon", "dbus-send", "mousepad"];
    let missing: Vec<&str> =
        programs.into_iter().filter(|program| !Path::new("/usr/bin").join(program).is_file()).collect();
    if !missing.is_empty() {
        // On the terminal, whatever is captured.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: there is no private desktop with an editor: {missing:?} are not there"
        );
    }
    missing.is_empty()
}

const LAUNCH: &str = r#"do(action="Launch", app="Mousepad")"#;
const TYPE: &str = r#"do(action="Type", text="Milk, 面包 and 🍎")"#;
const DONE: &str = r#"finish(message="written")"#;

/// The processes that belong to a private desktop in this folder.
fn processes(folder: &Path) -> usize {
    let mark = format!("TAPWRIGHT_DESKTOP={}", folder.display());
    let is_marked = |environ: Vec<u8>| environ.split(|byte| *byte == 0).any(|one| one.starts_with(mark.as_bytes()));
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter(|process| fs::read(process.path().join("environ")).is_ok_and(is_marked)).count()
}

#[test]
fn a_run_has_a_desktop_of_its_own_and_leaves_nothing() {
    if !is_possible() {
        return;
    }
    let place = Place::new();
    place.file("script.txt", &[LAUNCH, TYPE, DONE].join("\n"));
    let arguments =
        ["run", "Write a list", "--json", "--model", "script:script.txt", "--device", "desktop:private:800x600"];
    let ran = program::ProgramOutput::of(place.command(&arguments).env("TMPDIR", place.path()).output().unwrap());
    assert_eq!(ran.end_line(), "0 done null", "{}{}", ran.out, ran.err);
    let journal = place.journal();
    let acts: Vec<&serde_json::Value> = journal.iter().filter(|line| line["effect"]["act"].is_object()).collect();
    assert_eq!(acts.len(), 2);
    let last = journal.iter().rfind(|line| line["event"]["saw"].is_object()).unwrap();
    assert!(last.to_string().contains("org.xfce.mousepad") && last.to_string().contains("800"), "{last}");
    let left: Vec<String> = fs::read_dir(place.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("tapwright-desktop"))
        .collect();
    assert_eq!((left, processes(place.path())), (Vec::new(), 0));
}

#[test]
fn a_desktop_ends_with_a_run_that_is_killed() {
    if !is_possible() {
        return;
    }
    let place = Place::new();
    place.file("script.txt", &[LAUNCH; 30].join("\n"));
    let arguments = ["run", "Write a list", "--json", "--model", "script:script.txt", "--device", "desktop:private"];
    let mut program =
        place.command(&arguments).env("TMPDIR", place.path()).stdout(std::process::Stdio::null()).spawn().unwrap();
    let waits = |is: &dyn Fn() -> bool| {
        (0..400).any(|_| {
            std::thread::sleep(Duration::from_millis(25));
            is()
        })
    };
    // The server, the window manager, two buses, and the editor.
    assert!(waits(&|| processes(place.path()) > 5), "it did not start");
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(waits(&|| processes(place.path()) == 0), "something of the desktop is left");
}

#[test]
fn without_a_display_it_is_said_what_else_there_is() {
    let place = Place::new();
    place.file("script.txt", DONE);
    let ran = place.run(&["run", "x", "--model", "script:script.txt", "--device", "desktop"]);
    assert_ne!(ran.code, 0);
    for words in ["DISPLAY is not set", "desktop:private", "desktop::0"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    let ran = place.run(&["run", "x", "--model", "script:script.txt", "--device", "desktop::4713"]);
    assert!(ran.err.contains("there is no X server at :4713"), "{}", ran.err);
}

#[test]
fn desktops_are_listed() {
    let place = Place::new();
    let listed = |display: Option<&str>| -> Vec<serde_json::Value> {
        let mut command = place.command(&["devices", "--json"]);
        command.envs(display.map(|display| ("DISPLAY", display)));
        let ran = program::ProgramOutput::of(command.output().unwrap());
        ran.lines().into_iter().filter(|line| line["device"].as_str().unwrap().starts_with("desktop")).collect()
    };
    let names = |lines: &[serde_json::Value]| lines.iter().map(|line| line["device"].clone()).collect::<Vec<_>>();
    let without = listed(None);
    assert_eq!(names(&without), ["desktop:private"]);
    assert_eq!(names(&listed(Some(":5"))), ["desktop", "desktop:private"]);
    if without[0]["ready"] == false {
        assert!(without[0]["state"].as_str().unwrap().contains("apt install"), "{without:?}");
    }
}

/// `uxterm` is a script that has xterm open a window under another class.
#[test]
fn a_program_that_is_forbidden_is_so_in_all_its_windows() {
    if !is_possible() || !Path::new("/usr/bin/uxterm").is_file() || !Path::new("/usr/bin/xterm").is_file() {
        return;
    }
    let run = |forbid: &str| {
        let place = Place::new();
        let launch = r#"do(action="Launch", app="UXTerm")"#;
        let types = r#"do(action="Type", text="x")"#;
        place.file("script.txt", &[launch, types, types, types, types, DONE].join("\n"));
        let arguments =
            ["run", "Type", "--json", "--model", "script:script.txt", "--device", "desktop:private:800x600"];
        let mut command = place.command(&[&arguments[..], &["--forbid", forbid]].concat());
        let ran = program::ProgramOutput::of(command.env("TMPDIR", place.path()).output().unwrap());
        (ran, place)
    };
    for forbid in ["xterm", "XTERM"] {
        let (ran, place) = run(forbid);
        assert_eq!(ran.end_line(), "16 refused null", "{forbid}: {}{}", ran.out, ran.err);
        let typed = place.journal().iter().filter(|line| line["effect"]["act"].to_string().contains("insert")).count();
        assert_eq!(typed, 0, "{forbid}");
    }
    let (ran, _place) = run("uxterm");
    assert_eq!(ran.lines()[0]["result"], "refused", "{}", ran.out);
    let (ran, _place) = run("mousepad");
    assert_eq!(ran.end_line(), "0 done null", "{}{}", ran.out, ran.err);
    let (ran, place) = run("xtrem");
    let (why, help) = (ran.last()["error"].to_string(), ran.last()["help"].to_string());
    assert!(ran.code == 2 && why.contains("xtrem") && help.contains("XTerm"), "{}", ran.out);
    assert!(!place.path().join("runs").exists());
}

#[test]
fn a_desktop_that_was_made_for_a_run_is_gone_with_it_and_that_is_said() {
    if !is_possible() {
        return;
    }
    let place = Place::new();
    // A script at its end is a model that may answer later.
    place.file("script.txt", r#"do(action="Home")"#);
    let arguments = ["run", "Go home", "--json", "--model", "script:script.txt", "--device", "desktop:private:800x600"];
    let ran = program::ProgramOutput::of(place.command(&arguments).env("TMPDIR", place.path()).output().unwrap());
    assert_eq!(ran.end_line(), "14 model-failed null", "{}{}", ran.out, ran.err);
    assert_eq!(ran.last()["can_go_on"], false, "{}", ran.out);
    let ran =
        program::ProgramOutput::of(place.command(&["resume", "last"]).env("TMPDIR", place.path()).output().unwrap());
    assert!(ran.code == 2 && ran.err.contains("was made for it, and is gone with it"), "{} {}", ran.code, ran.err);
    assert!(ran.err.contains("--another-device"), "{}", ran.err);
}
