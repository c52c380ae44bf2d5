//! Machines of the user's that die while they are set up, used or scored, and an evaluator that breaks: each is an error of its own kind,
//! and none a 0. Here a private desktop behind the control server of this program, reached through something that breaks.

#![cfg(target_os = "linux")]

mod program;

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use program::{Place, ProgramOutput};
use serde_json::{Value, json};

/// What lies between this program and a machine: it dies when a request says a word, and lives again when it is told to.
struct Line {
    address: String,
    state: Arc<LineState>,
}

#[derive(Default)]
struct LineState {
    word: Mutex<String>,
    is_dead: AtomicBool,
}

impl Line {
    fn to(machine: &str) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(LineState::default());
        let (machine, shared) = (machine.to_owned(), state.clone());
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if shared.is_dead.load(Ordering::SeqCst) {
                    continue; // It is closed as soon as it is opened.
                }
                let Ok(far) = TcpStream::connect(&machine) else { continue };
                let back = (far.try_clone().unwrap(), near.try_clone().unwrap());
                thread::spawn(move || copy(back.0, back.1, |_| true));
                let state = shared.clone();
                thread::spawn(move || copy(near, far, |said| state.is_alive_after(said)));
            }
        });
        Line { address, state }
    }

    fn dies_at(&self, word: &str) {
        word.clone_into(&mut self.state.word.lock().unwrap());
        self.state.is_dead.store(false, Ordering::SeqCst);
    }
}

impl LineState {
    fn is_alive_after(&self, said: &[u8]) -> bool {
        let word = self.word.lock().unwrap().clone();
        if !word.is_empty() && said.windows(word.len()).any(|part| part == word.as_bytes()) {
            self.is_dead.store(true, Ordering::SeqCst);
        }
        !self.is_dead.load(Ordering::SeqCst)
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, goes_on: impl Fn(&[u8]) -> bool) {
    let mut part = [0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut part) {
        if !goes_on(&part[..read]) || to.write_all(&part[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

fn is_possible() -> bool {
    let programs = ["Xvfb", "openbox", "dbus-daemon", "dbus-send", "unshare", "python3"];
    let missing: Vec<&str> = programs.into_iter().filter(|name| !Path::new("/usr/bin").join(name).is_file()).collect();
    if !missing.is_empty() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no private desktop: {missing:?} are not there");
    }
    missing.is_empty()
}

/// The only attempt's end.
fn end(place: &Place, ran: &ProgramOutput) -> Value {
    let record = ran.last()["record"].as_str().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err)).to_owned();
    let ledger = fs::read_to_string(place.path().join(record).join("ledger.jsonl")).unwrap();
    let lines = ledger.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut ends: Vec<Value> = lines.map(|line| line["ended"].clone()).filter(Value::is_object).collect();
    assert_eq!(ends.len(), 1, "{ledger}");
    ends.remove(0)
}

#[test]
fn a_machine_that_dies_is_an_error_of_the_moment_and_never_a_zero() {
    if !is_possible() {
        return;
    }
    let place = Place::new();
    let told = |command: &str| json!({"type": "vm_command_line", "command": command, "shell": true});
    let task = json!({
        "id": "a", "instruction": "Do it",
        "config": [{"type": "execute", "parameters": {"command": "echo word-of-setup", "shell": true}}],
        "evaluator": {
            "func": "check_include_exclude", "result": told("echo word-of-scoring"),
            "expected": {"type": "rule", "rules": {"include": ["word-of-scoring"], "exclude": []}},
        },
    });
    fs::create_dir_all(place.path().join("set/examples/os")).unwrap();
    place.file("set/examples/os/a.json", &task.to_string());
    place.file("script.txt", "type(text=\"zq~zq\")\nfinish(message=\"done\")\n");
    let metrics = place.path().join("other/desktop_env/evaluators/metrics");
    fs::create_dir_all(&metrics).unwrap();
    fs::write(metrics.join("__init__.py"), "from .own import check_include_exclude\n").unwrap();
    let breaks = |how: &str| {
        fs::write(metrics.join("own.py"), format!("import os\ndef check_include_exclude(result, rules):\n    {how}\n"))
            .unwrap();
    };

    let mut command = place.command(&["serve-osworld", "--listen", "127.0.0.1:0", "--json"]);
    command.env("TMPDIR", place.path());
    let mut server = program::Running::of(command);
    let line = Line::to(server.line()["listen"].as_str().unwrap());
    let device = format!("osworld:http://{}", line.address);
    let measure = |more: &[&str]| {
        let fixed = ["bench", "osworld", "--tasks", "set", "--retries", "0", "--json", "--profile", "computer"];
        let on = ["--model", "script:script.txt", "--device", &device];
        let ran = place.command(&[&fixed[..], &on, more].concat()).env("TMPDIR", place.path()).output().unwrap();
        end(&place, &ProgramOutput::of(ran))
    };
    for (word, status) in [
        ("", "scored"),
        ("word-of-setup", "setup-error"),
        // What is typed goes as numbers of keys.
        ("122,113,126,122,113", "device-error"),
        ("word-of-scoring", "evaluator-error"),
    ] {
        line.dies_at(word);
        let end = measure(&[]);
        let score = if status == "scored" { json!(1.0) } else { Value::Null };
        assert_eq!((&end["status"], &end["score"]), (&json!(status), &score), "{word}: {end}");
    }
    line.dies_at("");
    let official = ["--evaluator", "official", "--osworld-repo", "other", "--osworld-python", "/usr/bin/python3"];
    for how in ["os._exit(3)", "raise KeyError('x')", "return None", "return 7", "os.kill(os.getpid(), 9)"] {
        breaks(how);
        let end = measure(&official);
        assert_eq!((&end["status"], &end["score"]), (&json!("evaluator-error"), &Value::Null), "{how}: {end}");
    }
    breaks("return 0.5");
    assert_eq!(measure(&official)["score"], json!(0.5), "and one that works is asked");
    server.signal("INT");
    server.end();
}
