//! The table of commands: a name, arguments and perhaps input lead to output and a status.
//!
//! `exit`, `sh`, `sleep` and `screencap` wait for something and are in `shell`.

mod activity;
mod basics;
mod dumpsys;
mod input;
mod packages;
mod settings;
mod storage;
mod text;

use super::Device;
use super::handle::Handle;
use super::shell::Output;
use super::terminal::Channel;
use super::variables::Variables;

/// A command that is being run.
pub(super) struct Call<'a> {
    pub device: &'a Device,
    /// The shell's folder.
    pub folder: &'a mut String,
    pub variables: &'a mut Variables,
    pub name: &'a str,
    pub arguments: &'a [String],
    /// All of the input, for commands that read it.
    pub stdin: &'a [u8],
    pub output: &'a mut Output,
    /// Bytes of files that it may still read.
    pub read_left: usize,
}

impl<'a> Call<'a> {
    fn handle(&self) -> &'a Handle {
        &self.device.handle
    }
    /// Lets a gesture happen, in the weather that there is.
    fn gesture(&self, gesture: impl FnOnce(&mut crate::World)) {
        if self.handle().gesture(gesture) {
            self.device.reboot();
        }
    }
    fn arguments(&self) -> Vec<&'a str> {
        self.arguments.iter().map(String::as_str).collect()
    }
    fn say(&mut self, text: &str) {
        self.output.put(Channel::Out, text.as_bytes());
    }
    fn write(&mut self, bytes: &[u8]) {
        self.output.put(Channel::Out, bytes);
    }
    fn complain(&mut self, text: &str) {
        self.output.put(Channel::Err, text.as_bytes());
    }
    /// What Android's services print when their Java throws something; 255 is the status they leave.
    fn throw(&mut self, exception: &str) -> u8 {
        let verb = self.arguments.first().cloned().unwrap_or_default();
        self.complain(&format!("\nException occurred while executing '{verb}':\njava.lang.{exception}\n"));
        255
    }
}

/// Runs a command and returns its status.
pub(super) fn run(call: Call<'_>) -> u8 {
    let mut call = call;
    let call = &mut call;
    match call.name {
        ":" | "true" => 0,
        "false" => 1,
        "am" => activity::am(call),
        "basename" | "dirname" => basics::part_of_path(call),
        "cat" => storage::cat(call),
        "cd" => storage::cd(call),
        "chmod" | "chown" | "sync" | "setprop" | "log" | "umask" | "set" | "trap" | "stop" | "start" => 0,
        "clear" => 0,
        "cmd" => cmd(call),
        "cp" | "mv" => storage::copy(call),
        "date" => basics::date(call),
        "df" => storage::df(call),
        "dumpsys" => dumpsys::dumpsys(call),
        "echo" => basics::echo(call),
        "env" | "printenv" => basics::environment(call),
        "export" => basics::export(call),
        "getprop" => settings::getprop(call),
        "grep" | "egrep" | "fgrep" => text::grep(call),
        "head" | "tail" => text::ends(call),
        "id" => basics::id(call),
        "ime" => settings::ime(call),
        "input" => input::input(call),
        "logcat" => basics::logcat(call),
        "ls" => storage::ls(call),
        "md5sum" => storage::md5sum(call),
        "mkdir" => storage::mkdir(call),
        "monkey" => activity::monkey(call),
        "pidof" => activity::pidof(call),
        "pm" => packages::pm(call),
        "printf" => basics::printf(call),
        "pwd" => basics::pwd(call),
        "reboot" => basics::reboot(call),
        "rm" => storage::rm(call),
        "rmdir" => storage::rmdir(call),
        "settings" => settings::settings(call),
        "sort" => text::sort(call),
        "stat" => storage::stat(call),
        "su" => basics::su(call),
        "svc" => settings::svc(call),
        "tee" => storage::tee(call),
        "test" | "[" => basics::test(call),
        "toybox" => toybox(call),
        "touch" => storage::touch(call),
        "uiautomator" => activity::uiautomator(call),
        "uname" => basics::uname(call),
        "unset" => basics::unset(call),
        "uptime" => basics::uptime(call),
        "wc" => text::wc(call),
        "whoami" => basics::whoami(call),
        "which" => basics::which(call),
        "wm" => settings::wm(call),
        unknown => {
            let sorry = format!("/system/bin/sh: {unknown}: inaccessible or not found\n");
            call.complain(&sorry);
            127
        }
    }
}

/// All names that `run` knows and that are files on a phone.
const PROGRAMS: &[&str] = &[
    "am",
    "basename",
    "cat",
    "chmod",
    "chown",
    "clear",
    "cmd",
    "cp",
    "date",
    "df",
    "dirname",
    "dumpsys",
    "echo",
    "egrep",
    "env",
    "false",
    "fgrep",
    "getprop",
    "grep",
    "head",
    "id",
    "ime",
    "input",
    "log",
    "logcat",
    "ls",
    "md5sum",
    "mkdir",
    "monkey",
    "mv",
    "pidof",
    "pm",
    "printenv",
    "printf",
    "pwd",
    "reboot",
    "rm",
    "rmdir",
    "screencap",
    "setprop",
    "settings",
    "sh",
    "sleep",
    "sort",
    "stat",
    "svc",
    "sync",
    "tail",
    "tee",
    "test",
    "touch",
    "toybox",
    "true",
    "uiautomator",
    "uname",
    "uptime",
    "wc",
    "which",
    "whoami",
    "wm",
];

/// Whether a command reads its input, given its arguments.
pub(super) fn reads_input(name: &str, arguments: &[String]) -> bool {
    let named =
        |needed: usize| text::operands(name, arguments).len() < needed || arguments.iter().any(|word| word == "-");
    match name {
        "cat" | "head" | "tail" | "md5sum" | "sort" | "wc" => named(1),
        "grep" | "egrep" | "fgrep" => named(1),
        "tee" => true,
        "toybox" => arguments.split_first().is_some_and(|(name, rest)| name != "toybox" && reads_input(name, rest)),
        _ => false,
    }
}

/// Whether a command may print more than a MiB.
pub(super) fn may_print_much(name: &str) -> bool {
    matches!(name, "cat" | "tee" | "toybox" | "grep" | "egrep" | "fgrep" | "head" | "tail" | "sort" | "printf")
}

fn cmd(call: &mut Call<'_>) -> u8 {
    match call.arguments.first().map(String::as_str) {
        None => {
            call.complain("cmd: No service specified; use -l to list all running services. Use -w to start and wait for a service.\n");
            20
        }
        Some("-l") => {
            call.say("Currently running services:\n  activity\n  clipboard\n  input\n  input_method\n  package\n  settings\n  uimode\n  wifi\n  window\n");
            0
        }
        Some("activity") => activity::am(&mut inner(call, "am")),
        Some("input") => input::input(&mut inner(call, "input")),
        Some("input_method") => settings::ime(&mut inner(call, "ime")),
        Some("package") => packages::pm(&mut inner(call, "pm")),
        Some("settings") => settings::settings(&mut inner(call, "settings")),
        Some("window") => settings::wm(&mut inner(call, "wm")),
        Some("wifi") => settings::cmd_wifi(&mut inner(call, "wifi")),
        Some("clipboard") => {
            // There is such a service on every phone, it can be told nothing from a shell, and that counts as success.
            call.complain("No shell command implementation.\n");
            0
        }
        Some("uimode") => settings::uimode(&mut inner(call, "uimode")),
        Some(unknown) => {
            let sorry = format!("cmd: Can't find service: {unknown}\n");
            call.complain(&sorry);
            20
        }
    }
}

fn toybox(call: &mut Call<'_>) -> u8 {
    const APPLETS: &[&str] = &[
        "basename", "cat", "cp", "date", "dirname", "echo", "false", "grep", "head", "id", "ls", "md5sum", "mkdir",
        "mv", "printf", "pwd", "rm", "rmdir", "sort", "stat", "tail", "tee", "test", "touch", "true", "uname",
        "uptime", "wc", "whoami",
    ];
    match call.arguments.first().cloned() {
        None => {
            call.say(&format!("{}\n", APPLETS.join(" ")));
            0
        }
        Some(name) if APPLETS.contains(&name.as_str()) => run(inner(call, &name)),
        Some(name) => {
            call.complain(&format!("toybox: Unknown command {name}\n"));
            127
        }
    }
}

/// The same call under another name, its first argument used up.
fn inner<'a>(call: &'a mut Call<'_>, name: &'a str) -> Call<'a> {
    Call {
        device: call.device,
        folder: call.folder,
        variables: call.variables,
        name,
        arguments: &call.arguments[1..],
        stdin: call.stdin,
        output: call.output,
        read_left: call.read_left,
    }
}
