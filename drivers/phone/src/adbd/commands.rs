//! The table of commands: a name, arguments and perhaps input lead to output and a status.
//!
//! What is the shell's own, or waits for something, is in `shell`.

mod activity;
mod app_function;
mod basics;
mod content;
mod dumpsys;
mod expression;
mod grep;
mod input;
mod logcat;
mod network;
mod operands;
mod packages;
mod process;
mod properties;
mod sed;
mod settings;
mod storage;
mod text;

pub(super) use self::activity::NO_ROOT_NODE;
pub(super) use self::input::time as gesture_time;
pub(super) use self::logcat::{follows as logcat_follows, since as logcat_since};
use super::Device;
use super::handle::Handle;
use super::output::Output;
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
        self.output.push(Channel::Out, text.as_bytes());
    }
    fn write(&mut self, bytes: &[u8]) {
        self.output.push(Channel::Out, bytes);
    }
    fn complain(&mut self, text: &str) {
        self.output.push(Channel::Err, text.as_bytes());
    }
    /// What Android's services print when their Java throws something; 255 is the status they leave.
    fn throw(&mut self, exception: &str) -> u8 {
        let verb = self.arguments.first().cloned().unwrap_or_default();
        self.complain(&format!("\nException occurred while executing '{verb}':\njava.lang.{exception}\n"));
        255
    }
}

/// What does a command; it returns the command's status.
type Run = fn(&mut Call<'_>) -> u8;

/// All commands that are files on a phone, but for those that the shell has itself or that take their time.
const PROGRAMS: &[(&str, Run)] = &[
    ("am", activity::am),
    ("app_process", basics::report_unsupported),
    ("app_process32", basics::report_unsupported),
    ("app_process64", basics::report_unsupported),
    ("base64", storage::base64),
    ("basename", basics::part_of_path),
    ("bugreport", basics::report_unsupported),
    ("bugreportz", basics::report_unsupported),
    ("cat", storage::cat),
    ("chmod", storage::chmod),
    ("chown", storage::chown),
    ("clear", basics::clear),
    ("cmd", cmd),
    ("content", content::content),
    ("cp", storage::copy),
    ("cut", text::cut),
    ("dalvikvm", basics::report_unsupported),
    ("date", basics::date),
    ("df", storage::df),
    ("dirname", basics::part_of_path),
    ("dumpsys", dumpsys::dumpsys),
    ("echo", basics::echo),
    ("egrep", grep::grep),
    ("env", basics::environment),
    ("false", |_| 1),
    ("fgrep", grep::grep),
    ("find", storage::find),
    ("getprop", properties::getprop),
    ("grep", grep::grep),
    ("head", text::ends),
    ("id", basics::id),
    ("ifconfig", network::ifconfig),
    ("ime", settings::ime),
    ("input", input::input),
    ("ip", network::ip),
    ("kill", process::kill),
    ("log", logcat::log),
    ("logcat", logcat::logcat),
    ("ls", storage::ls),
    ("md5sum", storage::checksum),
    ("mkdir", storage::mkdir),
    ("monkey", activity::monkey),
    ("mv", storage::copy),
    ("pidof", process::pidof),
    ("ping", network::ping),
    ("pm", packages::pm),
    ("printenv", basics::environment),
    ("printf", basics::printf),
    ("ps", process::ps),
    ("pwd", basics::pwd),
    ("readlink", storage::realpath),
    ("realpath", storage::realpath),
    ("reboot", basics::reboot),
    ("rm", storage::rm),
    ("rmdir", storage::rmdir),
    ("screenrecord", basics::report_unsupported),
    ("sed", sed::sed),
    ("seq", basics::seq),
    ("setprop", properties::setprop),
    ("settings", settings::settings),
    ("sha256sum", storage::checksum),
    ("sort", text::sort),
    ("start", basics::report_unsupported),
    ("stat", storage::stat),
    ("stop", basics::report_unsupported),
    ("svc", settings::svc),
    ("sync", |_| 0), // The storage is memory: what was written is there.
    ("tail", text::ends),
    ("tee", storage::tee),
    ("test", basics::test),
    ("touch", storage::touch),
    ("toybox", toybox),
    ("tr", text::tr),
    ("true", |_| 0),
    ("uiautomator", activity::uiautomator),
    ("uname", basics::uname),
    ("uniq", text::uniq),
    ("uptime", basics::uptime),
    ("wc", text::wc),
    ("which", basics::which),
    ("whoami", basics::whoami),
    ("wm", settings::wm),
];

/// Commands that are the shell's own and need nothing of it but its variables.
const OWN: &[(&str, Run)] = &[
    (":", |_| 0),
    ("[", basics::test),
    ("cd", storage::cd),
    ("export", basics::export),
    ("su", basics::su),
    ("unset", basics::unset),
];

/// Files on a phone that `shell` runs itself.
const ELSEWHERE: [&str; 6] = ["nohup", "screencap", "sh", "sleep", "timeout", "xargs"];

/// Runs a command and returns its status.
pub(super) fn run(mut call: Call<'_>) -> u8 {
    let call = &mut call;
    let known = PROGRAMS.iter().chain(OWN).find(|(name, _)| *name == call.name);
    match known {
        Some((_, run)) => run(call),
        None => {
            let sorry = format!("/system/bin/sh: {}: inaccessible or not found\n", call.name);
            call.complain(&sorry);
            127
        }
    }
}

/// Whether a command is a part of the shell and no file.
pub(super) fn is_own(name: &str) -> bool {
    OWN.iter().any(|(own, _)| *own == name)
}

/// Where the file of a command is.
pub(super) fn path_of(name: &str) -> Option<String> {
    let name = name.strip_prefix("/system/bin/").unwrap_or(name);
    let known = PROGRAMS.iter().map(|(name, _)| *name).chain(ELSEWHERE).any(|known| known == name);
    known.then(|| format!("/system/bin/{name}"))
}

/// Whether a command reads its input, given its arguments.
pub(super) fn reads_input(name: &str, arguments: &[String]) -> bool {
    let named =
        |needed: usize| operands::operands(name, arguments).len() < needed || arguments.iter().any(|word| word == "-");
    match name {
        "cat" | "head" | "tail" | "md5sum" | "sha256sum" | "sort" | "uniq" | "wc" | "cut" | "base64" => named(1),
        "grep" | "egrep" | "fgrep" | "sed" => named(1),
        "tee" | "tr" => true,
        "toybox" => arguments.split_first().is_some_and(|(name, rest)| name != "toybox" && reads_input(name, rest)),
        _ => false,
    }
}

/// How many bytes of its input a command reads, if it says so itself.
pub(super) fn bytes_to_read(name: &str, arguments: &[String]) -> Option<usize> {
    match (name, arguments) {
        ("pm", _) => packages::installed_bytes(arguments),
        ("cmd", [service, rest @ ..]) if service == "package" => packages::installed_bytes(rest),
        _ => None,
    }
}

/// Whether a command may print more than a MiB.
pub(super) fn may_print_much(name: &str) -> bool {
    const MUCH: [&str; 16] = [
        "base64", "cat", "cut", "egrep", "fgrep", "grep", "head", "printf", "sed", "seq", "sort", "tail", "tee",
        "toybox", "tr", "uniq",
    ];
    MUCH.contains(&name)
}

fn cmd(call: &mut Call<'_>) -> u8 {
    match call.arguments.first().map(String::as_str) {
        None => {
            call.complain("cmd: No service specified; use -l to list all running services. Use -w to start and wait for a service.\n");
            20
        }
        Some("-l") => {
            let functions = if has_app_functions(call) { "  app_function\n" } else { "" };
            call.say(&format!("Currently running services:\n  activity\n{functions}  clipboard\n  display\n  input\n  input_method\n  package\n  settings\n  uimode\n  wifi\n  window\n"));
            0
        }
        Some("app_function") if has_app_functions(call) => app_function::app_function(&mut inner(call, "app_function")),
        Some("activity") => activity::am(&mut inner(call, "am")),
        Some("input") => input::input(&mut inner(call, "input")),
        Some("input_method") => settings::ime(&mut inner(call, "ime")),
        Some("package") => packages::pm(&mut inner(call, "pm")),
        Some("settings") => settings::settings(&mut inner(call, "settings")),
        Some("window") => settings::wm(&mut inner(call, "wm")),
        Some("wifi") => settings::cmd_wifi(&mut inner(call, "wifi")),
        Some("display") => dumpsys::cmd_display(&mut inner(call, "display")),
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

/// Whether this phone is new enough.
fn has_app_functions(call: &Call<'_>) -> bool {
    app_function::SINCE <= call.device.options.identity.api
}

fn toybox(call: &mut Call<'_>) -> u8 {
    const APPLETS: &[&str] = &[
        "base64",
        "basename",
        "cat",
        "chmod",
        "chown",
        "clear",
        "cp",
        "cut",
        "date",
        "df",
        "dirname",
        "echo",
        "egrep",
        "env",
        "false",
        "fgrep",
        "find",
        "grep",
        "head",
        "id",
        "ifconfig",
        "kill",
        "log",
        "ls",
        "md5sum",
        "mkdir",
        "mv",
        "nohup",
        "pidof",
        "ping",
        "printenv",
        "printf",
        "ps",
        "pwd",
        "readlink",
        "realpath",
        "rm",
        "rmdir",
        "sed",
        "seq",
        "setprop",
        "sha256sum",
        "sleep",
        "sort",
        "stat",
        "sync",
        "tail",
        "tee",
        "test",
        "timeout",
        "touch",
        "tr",
        "true",
        "uname",
        "uniq",
        "uptime",
        "wc",
        "which",
        "whoami",
        "xargs",
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
