//! Machines of the user's that die or hang while they are set up, used or scored, and an evaluator that breaks: each is an error of its own
//! kind, and none a 0. Here a private desktop behind the control server of this program, reached through something that breaks.

#![cfg(target_os = "linux")]

mod program;

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use program::{Place, ProgramOutput, Running, has_xlib};
use serde_json::{Value, json};

/// What lies between this program and a machine: it breaks when a request says a word, and is mended when it is told the next one.
struct Line {
    address: String,
    state: Arc<LineState>,
}

/// How a machine is not there any more.
#[derive(Clone, Copy, Default, PartialEq)]
enum Breakage {
    /// Its connections are closed, and new ones as soon as they are opened.
    #[default]
    Dies,
    /// It keeps them all, takes new ones, and says nothing.
    Hangs,
}

#[derive(Default)]
struct LineState {
    word: Mutex<(String, Breakage)>,
    is_broken: AtomicBool,
    /// What a machine that hangs keeps open.
    kept: Mutex<Vec<TcpStream>>,
}

impl Line {
    fn to(machine: &str) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(LineState::default());
        let (machine, shared) = (machine.to_owned(), state.clone());
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if shared.is_broken() {
                    shared.keep(near);
                    continue;
                }
                let Ok(far) = TcpStream::connect(&machine) else { continue };
                let back = (far.try_clone().unwrap(), near.try_clone().unwrap());
                let (there, here) = (shared.clone(), shared.clone());
                thread::spawn(move || copy(near, far, &there, |said| there.hears(said)));
                thread::spawn(move || copy(back.0, back.1, &here, |_| !here.is_broken()));
            }
        });
        Line { address, state }
    }

    fn breaks_at(&self, word: &str, how: Breakage) {
        *self.state.word.lock().unwrap() = (word.to_owned(), how);
        self.state.is_broken.store(false, Ordering::SeqCst);
        self.state.kept.lock().unwrap().clear();
    }
}

impl LineState {
    fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::SeqCst)
    }

    /// Whether it goes on after that.
    fn hears(&self, said: &[u8]) -> bool {
        let (word, _) = self.word.lock().unwrap().clone();
        if !word.is_empty() && said.windows(word.len()).any(|part| part == word.as_bytes()) {
            self.is_broken.store(true, Ordering::SeqCst);
        }
        !self.is_broken()
    }

    /// Keeps a connection open, if that is how it breaks; else it is closed.
    fn keep(&self, stream: TcpStream) {
        match self.word.lock().unwrap().1 {
            Breakage::Hangs => self.kept.lock().unwrap().push(stream),
            Breakage::Dies => drop(stream.shutdown(Shutdown::Both)),
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, state: &LineState, goes_on: impl Fn(&[u8]) -> bool) {
    let mut part = [0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut part) {
        if !goes_on(&part[..read]) {
            state.keep(from);
            state.keep(to);
            return;
        }
        if to.write_all(&part[..read]).is_err() {
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
    missing.is_empty() && has_xlib()
}

/// A measurement of one task on a machine that may break.
struct Trial {
    place: Place,
    line: Line,
    server: Running,
}

impl Trial {
    fn begin() -> Trial {
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
        let mut command = place.command(&["serve-osworld", "--listen", "127.0.0.1:0", "--json"]);
        command.env("TMPDIR", place.path());
        let mut server = Running::of(command);
        let line = Line::to(server.line()["listen"].as_str().unwrap());
        Trial { place, line, server }
    }

    /// The only attempt's end.
    fn measure(&self, more: &[&str]) -> Value {
        let device = format!("osworld:http://{}", self.line.address);
        let fixed = ["bench", "osworld", "--tasks", "set", "--retries", "0", "--json", "--profile", "computer"];
        let on = ["--model", "script:script.txt", "--device", &device];
        let mut command = self.place.command(&[&fixed[..], &on, more].concat());
        let ran = ProgramOutput::of(command.env("TMPDIR", self.place.path()).output().unwrap());
        let record = ran.last()["record"].as_str().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err)).to_owned();
        let ledger = fs::read_to_string(self.place.path().join(record).join("ledger.jsonl")).unwrap();
        let lines = ledger.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut ends: Vec<Value> = lines.map(|line| line["ended"].clone()).filter(Value::is_object).collect();
        assert_eq!(ends.len(), 1, "{ledger}");
        ends.remove(0)
    }

    fn end(self) {
        self.server.signal("INT");
        self.server.end();
    }
}

/// Where a request says it, and what a machine that breaks there comes to.
const BREAKS: [(&str, &str); 3] = [
    ("word-of-setup", "setup-error"),
    // What is typed goes as numbers of keys.
    ("122,113,126,122,113", "device-error"),
    ("word-of-scoring", "evaluator-error"),
];

#[test]
fn a_machine_that_dies_is_an_error_of_the_moment_and_never_a_zero() {
    if !is_possible() {
        return;
    }
    let trial = Trial::begin();
    let whole = trial.measure(&[]);
    assert_eq!((&whole["status"], &whole["score"]), (&json!("scored"), &json!(1.0)), "{whole}");
    for (word, status) in BREAKS {
        trial.line.breaks_at(word, Breakage::Dies);
        let end = trial.measure(&[]);
        assert_eq!((&end["status"], &end["score"]), (&json!(status), &Value::Null), "{word}: {end}");
    }
    trial.line.breaks_at("", Breakage::Dies);

    let metrics = trial.place.path().join("other/desktop_env/evaluators/metrics");
    fs::create_dir_all(&metrics).unwrap();
    fs::write(metrics.join("__init__.py"), "from .own import check_include_exclude\n").unwrap();
    let breaks = |how: &str| {
        fs::write(metrics.join("own.py"), format!("import os\ndef check_include_exclude(result, rules):\n    {how}\n"))
            .unwrap();
    };
    let official = ["--evaluator", "official", "--osworld-repo", "other", "--osworld-python", "/usr/bin/python3"];
    for how in ["os._exit(3)", "raise KeyError('x')", "return None", "return 7", "os.kill(os.getpid(), 9)"] {
        breaks(how);
        let end = trial.measure(&official);
        assert_eq!((&end["status"], &end["score"]), (&json!("evaluator-error"), &Value::Null), "{how}: {end}");
    }
    breaks("return 0.5");
    assert_eq!(trial.measure(&official)["score"], json!(0.5), "and one that works is asked");
    trial.end();
}

/// Nobody is told that such a machine is gone: only the time says it. Each wait has its end.
#[test]
#[ignore = "each wait is waited for to its end"]
#[allow(clippy::disallowed_methods)] // It is measured.
fn a_machine_that_hangs_is_an_error_of_the_moment_and_never_a_zero() {
    if !is_possible() {
        return;
    }
    let trials = BREAKS.map(|(word, status)| {
        thread::spawn(move || {
            let trial = Trial::begin();
            trial.line.breaks_at(word, Breakage::Hangs);
            let began = Instant::now();
            let end = trial.measure(&[]);
            let took = began.elapsed();
            let _ = writeln!(std::io::stderr(), "{word}: {} after {} s: {}", status, took.as_secs(), end["why"]);
            assert_eq!((&end["status"], &end["score"]), (&json!(status), &Value::Null), "{word}: {end}");
            assert!(took < Duration::from_secs(400), "{word}: {took:?}");
            // The next one is not begun on what does not answer.
            let device = format!("osworld:http://{}", trial.line.address);
            let next = ["bench", "osworld", "--tasks", "set", "--model", "finish", "--json", "--device", &device];
            let refused = trial.place.run(&next);
            assert_eq!(refused.code, 3, "{}{}", refused.out, refused.err);
            trial.line.breaks_at("", Breakage::Dies);
            assert_eq!(trial.measure(&[])["score"], json!(1.0), "{word}: it is there again");
            trial.end();
        })
    });
    trials.into_iter().for_each(|trial| trial.join().unwrap());
}
