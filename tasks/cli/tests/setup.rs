//! `tapwright setup --osworld` with a Python of the test's own in place of python3 and pip: what is told, what goes on, and what is left as it is.

#![cfg(unix)]

mod program;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use program::{Place, ProgramOutput};
use serde_json::json;

/// Stands for python3: makes environments in which it stands for Python and pip again. What pip has installed is a list in a file, and what
/// it was called with too; `no-venv` and `no-index` beside it make one of the two fail.
const PYTHON: &str = r#"#!/bin/sh
here=@HERE@
case "$*" in
  "-m venv --clear "*)
    [ -e $here/no-venv ] && { echo "The virtual environment was not created successfully because ensurepip is not available." >&2; exit 1; }
    mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; echo made >>$here/log ;;
  "-I -m pip --version") [ -e $here/no-pip ] && exit 1; echo "pip 23" ;;
  *"-m pip install"*)
    echo "$*" >>$here/log
    echo "Collecting numpy<2"; echo "  Downloading numpy-1.26.4-cp311.whl (18.3 MB)"
    [ -e $here/no-index ] && { echo "ERROR: No matching distribution found for numpy<2" >&2; echo "notice: a new release of pip" >&2; exit 1; }
    echo "Installing collected packages: a, b"
    case "$*" in *desktop-env==1.0.2) echo all >$here/has ;; *librosa*) echo media >$here/media ;; esac ;;
  "-I -c "*)
    [ -e $here/has ] || { echo '{"python": "3.11.7", "evaluator": null, "missing": ["numpy", "librosa"]}'; exit; }
    missing='"librosa", "fastdtw", "cv2"'; [ -e $here/media ] && missing=
    echo "{\"python\": \"3.11.7\", \"evaluator\": \"1.0.2\", \"missing\": [$missing]}" ;;
  *) echo "what is $*" >&2; exit 9 ;;
esac
"#;

fn place() -> Place {
    let place = Place::new();
    fs::create_dir(place.path().join("bin")).unwrap();
    let python = place.file("bin/python3", &PYTHON.replace("@HERE@", &place.path().display().to_string()));
    fs::set_permissions(python, fs::Permissions::from_mode(0o755)).unwrap();
    place
}

fn setup(place: &Place, more: &[&str]) -> ProgramOutput {
    let mut command = place.command(&[&["setup", "--osworld"][..], more].concat());
    command.env("XDG_CACHE_HOME", place.path().join("cache"));
    command.env("PATH", format!("{}:/usr/bin:/bin", place.path().join("bin").display()));
    ProgramOutput::of(command.output().unwrap())
}

fn log(place: &Place) -> String {
    fs::read_to_string(place.path().join("log")).unwrap_or_default()
}

#[test]
fn the_evaluators_environment_is_made_completed_and_found_again() {
    let place = place();
    let dry = setup(&place, &["--dry-run"]);
    assert!(dry.out.contains("MB are free") && dry.out.contains("desktop-env==1.0.2"), "{}", dry.out);
    assert!(!dry.out.contains("librosa") && setup(&place, &["--dry-run", "--media"]).out.contains("librosa"));
    assert_eq!(log(&place), "", "nothing was done");

    let made = setup(&place, &[]);
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    for told in ["making a Python environment", "downloading numpy 1.26.4 (18.3 MB)", "writing 2 packages"] {
        assert!(made.err.contains(told), "{told}: {}", made.err);
    }
    assert!(made.out.contains("--media adds it"), "{}", made.out);
    let calls = log(&place);
    assert!(calls.lines().count() == 3 && !calls.contains("librosa") && calls.contains("--no-deps"), "{calls}");

    // What is complete is left as it is; what is wanted besides is added to it.
    let again = setup(&place, &["--json"]);
    assert_eq!((again.code, again.last()["evaluator"].as_str()), (0, Some("1.0.2")), "{}", again.out);
    assert_eq!(log(&place), calls, "pip was asked for what is there");
    let media = setup(&place, &["--media", "--json"]);
    assert_eq!((media.code, &media.last()["missing"]), (0, &json!([])), "{}{}", media.out, media.err);
    assert!(log(&place).contains("librosa") && log(&place).matches("made").count() == 1, "{}", log(&place));

    let doctor = |place: &Place| {
        let mut command = place.command(&["doctor", "--model", "finish", "--adb-server", "127.0.0.1:1", "--json"]);
        command.env("XDG_CACHE_HOME", place.path().join("cache"));
        let ran = ProgramOutput::of(command.output().unwrap());
        ran.lines().into_iter().find(|line| line["what"] == "osworld").unwrap_or_else(|| panic!("{}", ran.out))
    };
    assert_eq!(doctor(&place)["state"], "ok");
    fs::remove_file(place.path().join("has")).unwrap();
    let lacks = doctor(&place);
    assert!(lacks["state"] == "warning" && lacks["text"].as_str().unwrap().contains("numpy<2"), "{lacks}");
    fs::remove_dir_all(place.path().join("cache")).unwrap();
    assert_eq!(doctor(&place)["next"], "fetch it with: tapwright setup --osworld");
}

#[test]
fn what_keeps_it_from_being_made_is_said_with_what_to_do_and_the_next_try_goes_on() {
    let place = place();
    for (trouble, why, next) in [
        ("no-venv", "ensurepip is not available", "apt install python3-venv"),
        ("no-index", "No matching distribution found for numpy<2", "the same command goes on"),
    ] {
        place.file(trouble, "");
        let failed = setup(&place, &[]);
        assert!(failed.code == 3 && failed.err.contains(why) && failed.err.contains(next), "{trouble}: {}", failed.err);
        fs::remove_file(place.path().join(trouble)).unwrap();
    }
    // An environment that has no pip was broken off while it was made.
    place.file("no-pip", "");
    assert_eq!(setup(&place, &[]).code, 0);
    assert_eq!(log(&place).matches("made").count(), 2, "{}", log(&place));
    let mut nobody = place.command(&["setup", "--osworld"]);
    nobody.env("XDG_CACHE_HOME", place.path().join("none")).env("PATH", place.path().join("nothing"));
    let failed = ProgramOutput::of(nobody.output().unwrap());
    assert!(failed.code == 3 && failed.err.contains("install Python 3.10"), "{}", failed.err);
}

#[test]
fn an_environment_without_the_evaluator_is_found_before_anything_is_run() {
    let place = place();
    let python = place.path().join("bin/python3");
    fs::create_dir_all(place.path().join("set/examples/os")).unwrap();
    let task = json!({"id": "a", "instruction": "x", "config": [], "evaluator": {"func": "infeasible"}});
    place.file("set/examples/os/a.json", &task.to_string());
    let at = ["--evaluator", "official", "--osworld-python", python.to_str().unwrap()];
    let on = ["bench", "osworld", "--tasks", "set", "--model", "finish", "--device", "osworld:http://127.0.0.1:1"];
    let refused = place.run(&[&on[..], &at].concat());
    assert!(refused.code == 3 && refused.err.contains("desktop-env is not installed"), "{}", refused.err);
    assert!(refused.err.contains("tapwright setup --osworld"), "{}", refused.err);
}
