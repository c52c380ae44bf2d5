//! Runs the program as somebody else would, in a folder of its own and with nothing in its environment.
#![allow(dead_code, unused_imports)] // Not every suite needs all of it.

pub mod page;
pub mod server;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use tapwright_tasks::Schema;
use tempfile::TempDir;

pub use self::server::{Server, say};

/// Whether the system's Python has Xlib, by which machines of OSWorld's are seen and touched.
pub fn has_xlib() -> bool {
    let python = Command::new("/usr/bin/python3").args(["-c", "import Xlib"]).output();
    let has_xlib = python.is_ok_and(|ended| ended.status.success());
    if !has_xlib {
        // Told past the harness, which shows what a test prints only if it fails.
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no Python with Xlib: apt-get install python3-xlib");
    }
    has_xlib
}

/// A folder to be in.
pub struct Place {
    folder: TempDir,
}

/// What the program did.
#[derive(Debug)]
pub struct ProgramOutput {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    /// An empty folder, but for settings under which nothing that fails takes long, and every phone is trusted.
    pub fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let settings = "[device]\nreconnect_ms = 300\n[policy]\npreset = \"trusting\"\n\
            [limits]\nretries_max = 1\nbackoff_ms = 10\nlook_pause_ms = 10\n";
        fs::write(folder.path().join("tapwright.toml"), settings).unwrap();
        Place { folder }
    }

    /// The same with more settings, and a secret `key` that stands in a file of its own.
    pub fn with_key(settings: &str, key: &str) -> Place {
        let place = Place::new();
        let usual = fs::read_to_string(place.path().join("tapwright.toml")).unwrap();
        place.file("tapwright.toml", &format!("{usual}\n{settings}\n[policy.secrets.key]\nfile = \"key\"\n"));
        let key = place.file("key", key);
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
        place
    }

    /// All that is true of a phone, read from behind the screen.
    pub fn facts(&self, address: &str) -> Value {
        // A run that does nothing writes down what was true when it began.
        let runs = format!("facts-{}", address.replace(':', "-"));
        let ran = self.run(&["run", "Look", "--json", "--model", "finish", "--device", address, "--runs", &runs]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let origin = fs::read(self.path().join(ran.last()["record"].as_str().unwrap()).join("origin.json")).unwrap();
        serde_json::from_slice::<Value>(&origin).unwrap()["facts"].clone()
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file and returns its path.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The program, about to be run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tapwright"));
        command.args(arguments).current_dir(self.path()).env_clear().env("HOME", self.path());
        // Named by whoever runs it, so that it needs no trust.
        command.env("TAPWRIGHT_CONFIG", "tapwright.toml");
        command.stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> ProgramOutput {
        ProgramOutput::of(self.command(arguments).output().unwrap())
    }

    /// Runs a goal with a script, for programs.
    pub fn script(&self, replies: &[&str], more: &[&str]) -> ProgramOutput {
        self.file("script.txt", &replies.join("\n"));
        let mut arguments = vec!["run", "Do something", "--json", "--model", "script:script.txt"];
        arguments.extend(more);
        self.run(&arguments)
    }

    /// Starts it, and does not wait.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::of(self.command(arguments))
    }

    /// A virtual phone as a process of its own, which stays when a run ends.
    pub fn serve_phone(&self, seed: u64, more: &[&str]) -> ServedPhone {
        let seed = seed.to_string();
        let mut arguments = vec!["phone", "--listen", "127.0.0.1:0", "--json", "--seed", &seed];
        arguments.extend(more);
        let mut running = self.start(&arguments);
        let address = running.line()["listen"].as_str().unwrap().to_owned();
        ServedPhone { running, address }
    }

    /// The journal of the only run.
    pub fn journal(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.only_run().join("journal.jsonl")).unwrap();
        assert!(text.ends_with('\n'), "the last line is torn");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The folder of the only run.
    pub fn only_run(&self) -> PathBuf {
        let mut runs: Vec<PathBuf> = fs::read_dir(self.path().join("runs"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }
}

impl ProgramOutput {
    pub fn of(output: Output) -> ProgramOutput {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        ProgramOutput { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What `apis --json` tells, each line as its schema has it.
    pub fn api_lines(&self) -> Vec<Value> {
        let schema: Value = serde_json::from_str(include_str!("../../../../docs/apis.schema.json")).unwrap();
        let schema = Schema::of_object(&schema).unwrap();
        let lines = self.lines();
        for line in &lines {
            schema.check(line, |_| false).unwrap_or_else(|mismatch| panic!("{mismatch}: {line}"));
        }
        lines
    }

    /// Standard output, a JSON object a line.
    pub fn lines(&self) -> Vec<Value> {
        let line = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(line).collect()
    }

    pub fn last(&self) -> Value {
        self.lines().pop().unwrap_or_else(|| panic!("nothing was printed; {}", self.err))
    }

    /// Exit code, outcome and verdict in one line.
    pub fn end_line(&self) -> String {
        let last = self.last();
        let word = |key: &str| last[key].as_str().unwrap_or("null").to_owned();
        assert_eq!(last["exit"], self.code, "{last}");
        format!("{} {} {}", self.code, word("outcome"), word("verdict"))
    }
}

/// A phone that a process serves.
pub struct ServedPhone {
    pub running: Running,
    pub address: String,
}

/// The program while it runs.
pub struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    /// Starts a program, and does not wait.
    pub fn of(mut command: Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Running { child, out }
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Ends it without a word.
    pub fn kill(self) {
        drop(self);
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub fn end(mut self) -> ProgramOutput {
        let mut out = String::new();
        self.out.read_to_string(&mut out).unwrap();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        ProgramOutput { code, out, err: String::new() }
    }
}

/// A test that fails leaves nothing behind: a phone that is served goes on for ever, and holds what it has from whoever started the tests.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended.
        let _ = self.child.wait();
    }
}
