//! Commands that are the shell's own: they change its state, leave loops, or run other commands.

use std::time::Duration;

use super::input::Input;
use super::{ARGUMENTS_MAX, Flow, Shell};
use crate::adbd::commands;
use crate::adbd::files::resolve;
use crate::adbd::output::Output;
use crate::adbd::stream::Disconnected;
use crate::adbd::syntax;
use crate::adbd::terminal::{Channel, Console};

/// Commands that `xargs` runs at most.
const XARGS_MAX: usize = 1000;

/// All names that `builtin` knows.
pub(super) const NAMES: [&str; 22] = [
    ".", "break", "builtin", "command", "continue", "eval", "exec", "exit", "local", "nohup", "read", "return", "set",
    "shift", "source", "timeout", "trap", "type", "typeset", "umask", "wait", "xargs",
];

impl Shell {
    /// Runs a command of the shell's own; `None` if it has none of that name.
    pub(super) async fn builtin<C: Console>(
        &mut self,
        name: &str,
        arguments: &[String],
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Option<Flow>, Disconnected> {
        let mut flow = Flow::On;
        match name {
            "exit" | "return" => {
                if let Some(status) = arguments.first() {
                    self.status = status.parse::<i64>().map_or(1, |status| (status & 0xff) as u8);
                }
                flow = if name == "exit" { Flow::Exit } else { Flow::Return };
            }
            "break" | "continue" => flow = self.leave(name, arguments, output),
            "exec" if arguments.is_empty() => {
                self.complain(output, "exec: redirections for the rest of a script are not supported on this phone");
                self.status = 1;
            }
            "exec" => {
                self.simple(arguments.to_vec(), input, output, console).await?;
                flow = Flow::Exit;
            }
            "eval" => flow = self.script(&arguments.join(" "), input, output, console).await?,
            "." | "source" => flow = self.source(arguments, input, output, console).await?,
            "sh" => self.sh(arguments, input, output, console).await?,
            "command" | "builtin" | "nohup" | "type" => {
                flow = self.command_of(name, arguments, input, output, console).await?;
            }
            "timeout" => flow = self.timeout(arguments, input, output, console).await?,
            "xargs" => flow = self.xargs(arguments, input, output, console).await?,
            "set" => self.set(arguments, output),
            "shift" => self.shift(arguments, output),
            "local" | "typeset" => self.local(arguments, output),
            "read" => self.read(arguments, input, console).await?,
            "wait" => {
                while let Some(Some(done)) = self.next_job(console).await {
                    output.append(done);
                }
                self.status = 0;
            }
            "trap" if matches!(arguments, [] | [_]) => self.status = 0, // Nothing is trapped, so nothing is shown or reset.
            "trap" => {
                self.complain(output, "trap: not supported on this phone");
                self.status = 1;
            }
            "umask" if arguments.is_empty() => {
                output.push(Channel::Out, b"0077\n");
                self.status = 0;
            }
            "umask" => {
                self.complain(output, "umask: the modes of files cannot be changed on this phone");
                self.status = 1;
            }
            _ => return Ok(None),
        }
        Ok(Some(flow))
    }

    /// The next background command that ends, if there is one and nobody at the terminal is tired of waiting.
    async fn next_job<C: Console>(&mut self, console: &mut C) -> Option<Option<Output>> {
        let mut jobs = std::mem::take(&mut self.jobs);
        let done = self.or_interrupted(jobs.join_next(), console).await;
        self.jobs = jobs;
        done.map(|done| done.map(Result::unwrap_or_default))
    }

    fn leave(&mut self, name: &str, arguments: &[String], output: &mut Output) -> Flow {
        let count = arguments.first().map_or(Ok(1), |count| count.parse::<u32>());
        match count {
            Ok(count) if 0 < count && 0 < self.loops => {
                self.status = 0;
                let count = count.min(self.loops);
                if name == "break" { Flow::Break(count) } else { Flow::Continue(count) }
            }
            Ok(1..) => {
                self.complain(output, &format!("{name}: cannot {name}"));
                self.status = 0;
                Flow::On
            }
            Ok(0) | Err(_) => {
                self.complain(output, &format!("{name}: bad number"));
                self.status = 1;
                Flow::On
            }
        }
    }

    /// Runs text as a part of this shell.
    async fn script<C: Console>(
        &mut self,
        script: &str,
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        match syntax::parse(script) {
            Ok(list) => {
                self.status = 0;
                self.list(&list, input, output, console).await
            }
            Err(why) => {
                self.complain(output, &why.to_string());
                self.status = 1;
                Ok(Flow::On)
            }
        }
    }

    /// The text of a script, or `None` if there is none, which is said.
    fn script_file(&mut self, name: &str, path: &str, output: &mut Output) -> Option<String> {
        let read = self.device.handle.files().read(&resolve(&self.scope.folder, path));
        match read {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(why) => {
                output.push(Channel::Err, format!("{name}: {path}: {why}\n").as_bytes());
                self.status = 127;
                None
            }
        }
    }

    async fn source<C: Console>(
        &mut self,
        arguments: &[String],
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        let Some(path) = arguments.first() else {
            self.complain(output, ".: missing argument");
            self.status = 1;
            return Ok(Flow::On);
        };
        let Some(script) = self.script_file(".", path, output) else { return Ok(Flow::On) };
        Ok(match self.script(&script, input, output, console).await? {
            Flow::Return => Flow::On,
            flow => flow,
        })
    }

    /// A shell of its own, whose variables are gone when it ends.
    async fn sh<C: Console>(
        &mut self,
        arguments: &[String],
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<(), Disconnected> {
        let mut rest = arguments;
        let mut errexit = false;
        while let [option, more @ ..] = rest
            && option == "-e"
        {
            errexit = true;
            rest = more;
        }
        let (script, name, values) = match rest {
            [option, script, rest @ ..] if option == "-c" => {
                let name = rest.first().map_or("/system/bin/sh", String::as_str);
                (script.clone(), name.to_owned(), rest.get(1..).unwrap_or_default().to_vec())
            }
            [option, ..] if option.starts_with('-') => {
                self.complain(output, &format!("sh: {option}: that option is not supported on this phone"));
                self.status = 1;
                return Ok(());
            }
            [path, rest @ ..] => match self.script_file("sh", path, output) {
                Some(script) => (script, path.clone(), rest.to_vec()),
                None => return Ok(()),
            },
            [] => match input.rest() {
                Some(bytes) => (String::from_utf8_lossy(&bytes).into_owned(), "/system/bin/sh".to_owned(), Vec::new()),
                // The shell that reads the console goes on reading it; one `exit` ends both.
                None => return Ok(()),
            },
        };
        let kept = self.scope.clone();
        (self.scope.name, self.scope.arguments, self.scope.errexit) = (name, values, errexit);
        let (loops, guarded) = (std::mem::take(&mut self.loops), std::mem::take(&mut self.guarded));
        self.script(&script, input, output, console).await?;
        (self.loops, self.guarded, self.scope) = (loops, guarded, kept);
        Ok(())
    }

    /// `command`, `builtin`, `nohup`, and `type`, which only tells what a name is.
    async fn command_of<C: Console>(
        &mut self,
        name: &str,
        arguments: &[String],
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        let asks = name == "type" || matches!(arguments.first().map(String::as_str), Some("-v" | "-V"));
        if !asks {
            return self.simple(arguments.to_vec(), input, output, console).await;
        }
        self.status = 0;
        for wanted in arguments.iter().filter(|word| !word.starts_with('-')) {
            let is_own = NAMES.contains(&wanted.as_str())
                || commands::is_own(wanted)
                || self.scope.functions.contains_key(wanted);
            let found = match commands::path_of(wanted) {
                _ if is_own => Some(wanted.clone()),
                found => found,
            };
            match found {
                Some(found) if name == "type" => {
                    output.push(Channel::Out, format!("{wanted} is {found}\n").as_bytes());
                }
                Some(found) => output.push(Channel::Out, format!("{found}\n").as_bytes()),
                None => {
                    if name == "type" {
                        output.push(Channel::Err, format!("{wanted} not found\n").as_bytes());
                    }
                    self.status = 1;
                }
            }
        }
        Ok(Flow::On)
    }

    async fn timeout<C: Console>(
        &mut self,
        arguments: &[String],
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        let (_, rest) = split_options(arguments, &["-k", "-s"]);
        let [seconds, command @ ..] = rest else {
            output.push(Channel::Err, b"timeout: Needs 2 arguments\n");
            self.status = 125;
            return Ok(Flow::On);
        };
        let Some(time) = super::waiting::seconds(seconds) else {
            output.push(Channel::Err, format!("timeout: '{seconds}' is not a number\n").as_bytes());
            self.status = 125;
            return Ok(Flow::On);
        };
        let time =
            Duration::try_from_secs_f64(time).unwrap_or(Duration::MAX).min(self.device.options.limits.script_max);
        let (depth, loops, guarded) = (self.depth, self.loops, self.guarded);
        let ran = tokio::time::timeout(time, self.simple(command.to_vec(), input, output, console)).await;
        match ran {
            Ok(flow) => flow,
            Err(_) => {
                // It was left where it stood.
                (self.depth, self.loops, self.guarded) = (depth, loops, guarded);
                self.locals.clear();
                self.status = 124;
                Ok(Flow::On)
            }
        }
    }

    /// Runs a command with the words of its input: all at once, `-n` at a time, or in place of `-I {}` a line at a time.
    async fn xargs<C: Console>(
        &mut self,
        arguments: &[String],
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        let (mut at_once, mut place, mut zero) = (usize::MAX, None, false);
        let (options, rest) = split_options(arguments, &["-n", "-I"]);
        for (option, value) in options {
            match (option, value) {
                ("-0", _) => zero = true,
                ("-n", Some(value)) => at_once = value.parse().ok().filter(|count| 0 < *count).unwrap_or(1),
                ("-I", Some(value)) => place = Some(value.to_owned()),
                ("-r" | "-t" | "-n" | "-I", _) => {}
                (unknown, _) => {
                    output.push(Channel::Err, format!("xargs: {unknown} is not supported on this phone\n").as_bytes());
                    self.status = 1;
                    return Ok(Flow::On);
                }
            }
        }
        let command = if rest.is_empty() { vec!["echo".to_owned()] } else { rest.to_vec() };
        let text = String::from_utf8_lossy(&self.read_all(input, console).await?).into_owned();
        let words: Vec<String> = match (zero, &place) {
            (true, _) => text.split('\0').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            (false, Some(_)) => text.lines().map(str::to_owned).collect(),
            (false, None) => text.split_whitespace().map(str::to_owned).collect(),
        };
        let at_once = if place.is_some() { 1 } else { at_once };
        let mut status = 0;
        for (count, some) in words.chunks(at_once.min(words.len().max(1))).enumerate() {
            if XARGS_MAX <= count || ARGUMENTS_MAX < text.len() {
                output.push(Channel::Err, b"xargs: Argument list too long\n");
                status = 1;
                break;
            }
            let words = match &place {
                Some(place) => command.iter().map(|word| word.replace(place.as_str(), &some[0])).collect(),
                None => [&command[..], some].concat(),
            };
            self.simple(words, &mut Input::none(), output, console).await?;
            if self.status != 0 {
                status = 123;
            }
        }
        self.status = status;
        Ok(Flow::On)
    }

    fn set(&mut self, arguments: &[String], output: &mut Output) {
        self.status = 0;
        let mut rest = arguments;
        if rest.is_empty() {
            let lines: String = self.scope.variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
            output.push(Channel::Out, lines.as_bytes());
            return;
        }
        while let [option, more @ ..] = rest {
            match option.as_str() {
                "--" => {
                    self.scope.arguments = more.to_vec();
                    return;
                }
                "-e" => self.scope.errexit = true,
                "+e" => self.scope.errexit = false,
                option if option.len() > 1 && option.starts_with(['-', '+']) => {
                    self.complain(output, &format!("set: {option}: that option is not supported on this phone"));
                    self.status = 1;
                    return;
                }
                _ => {
                    self.scope.arguments = rest.to_vec();
                    return;
                }
            }
            rest = more;
        }
    }

    fn shift(&mut self, arguments: &[String], output: &mut Output) {
        let count = arguments.first().map_or(Some(1), |count| count.parse::<usize>().ok());
        match count.filter(|count| *count <= self.scope.arguments.len()) {
            Some(count) => {
                self.scope.arguments.drain(..count);
                self.status = 0;
            }
            None => {
                self.complain(output, "shift: nothing to shift");
                self.status = 1;
            }
        }
    }

    fn local(&mut self, arguments: &[String], output: &mut Output) {
        self.status = 0;
        for word in arguments.iter().filter(|word| !word.starts_with('-')) {
            let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
            let before = self.scope.variables.get(name).map(str::to_owned);
            if let Some(locals) = self.locals.last_mut() {
                locals.push((name.to_owned(), before.clone()));
            }
            if !self.scope.variables.set(name, value.or(before.as_deref()).unwrap_or_default()) {
                self.complain(output, &format!("{name}: no room for its value"));
                self.status = 1;
            }
        }
    }

    /// Reads a line into variables, the last of which takes the rest.
    async fn read<C: Console>(
        &mut self,
        arguments: &[String],
        input: &mut Input,
        console: &mut C,
    ) -> Result<(), Disconnected> {
        let raw = arguments.iter().any(|word| word == "-r");
        let names: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
        let Some(line) = self.read_line(input, console).await? else {
            self.status = 1;
            return Ok(());
        };
        let mut text = String::from_utf8_lossy(&line).into_owned();
        if !raw {
            text = text.replace('\\', "");
        }
        self.status = 0;
        let mut rest = text.trim();
        for (index, name) in names.iter().enumerate() {
            let value = match rest.find(char::is_whitespace).filter(|_| index + 1 < names.len()) {
                Some(end) => {
                    let (value, more) = rest.split_at(end);
                    rest = more.trim_start();
                    value
                }
                None => std::mem::take(&mut rest),
            };
            if !self.scope.variables.set(name, value) {
                self.status = 1;
            }
        }
        if names.is_empty() && !self.scope.variables.set("REPLY", &text) {
            self.status = 1;
        }
        Ok(())
    }
}

/// An option, and its value if it has one.
type OptionWord<'a> = (&'a str, Option<&'a str>);

/// The options before a command, of which these have a value; and the rest.
fn split_options<'a>(arguments: &'a [String], with_value: &[&str]) -> (Vec<OptionWord<'a>>, &'a [String]) {
    let (mut options, mut rest) = (Vec::new(), arguments);
    while let [option, more @ ..] = rest
        && option.starts_with('-')
    {
        let value = more.first().filter(|_| with_value.contains(&option.as_str()));
        rest = if value.is_some() { &more[1..] } else { more };
        options.push((option.as_str(), value.map(String::as_str)));
    }
    (options, rest)
}
