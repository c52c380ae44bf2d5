//! Commands that take their time: sleeping, pictures, gestures, a dump of a screen that moves, a log that is followed.

use std::time::Duration;

use super::Shell;
use crate::adbd::commands::{self, Call, NO_ROOT_NODE};
use crate::adbd::files::resolve;
use crate::adbd::output::Output;
use crate::adbd::picture::{self, Format};
use crate::adbd::stream::Disconnected;
use crate::adbd::terminal::{Channel, Console};
use crate::weather::Fault;

/// How long `uiautomator` waits for a screen that moves, in milliseconds.
const IDLE_MAX: u64 = 10_000;

impl Shell {
    /// Runs a command that waits for something and returns its status; `None` if it is not one of them.
    pub(super) async fn wait_for<C: Console>(
        &mut self,
        name: &str,
        arguments: &[String],
        output: &mut Output,
        console: &mut C,
    ) -> Result<Option<u8>, Disconnected> {
        Ok(Some(match (name, arguments) {
            ("toybox", [applet, rest @ ..]) if applet == "sleep" => self.sleep(rest, output, console).await?,
            ("sleep", _) => self.sleep(arguments, output, console).await?,
            ("screencap", _) => {
                self.take_turn().await;
                self.screencap(arguments, output).await
            }
            ("cmd", [service, rest @ ..]) if service == "input" => self.gesture(rest, output, console).await?,
            ("input", _) => self.gesture(arguments, output, console).await?,
            ("uiautomator", [verb, ..]) if verb == "dump" => self.dump(arguments, output, console).await?,
            ("logcat", _) if commands::logcat_follows(arguments) => self.follow(arguments, output, console).await?,
            _ => return Ok(None),
        }))
    }

    /// Runs a command that only has to be called.
    fn plain(&mut self, name: &str, arguments: &[String], output: &mut Output) -> u8 {
        commands::run(Call {
            device: &self.device,
            folder: &mut self.scope.folder,
            variables: &mut self.scope.variables,
            name,
            arguments,
            stdin: &[],
            output,
            read_left: 0,
        })
    }

    /// `uiautomator dump`: it waits until nothing moves, and fails as it fails on phones, where that is no failure.
    async fn dump<C: Console>(
        &mut self,
        arguments: &[String],
        output: &mut Output,
        console: &mut C,
    ) -> Result<u8, Disconnected> {
        console.flush().await?;
        let device = self.device.clone();
        let fault = device.handle.faults().dump();
        let idle = async {
            match fault {
                None => device.handle.wait_for_idle(IDLE_MAX).await,
                Some((_, wait)) => {
                    device.handle.sleep(wait).await;
                    false
                }
            }
        };
        let Some(idle) = self.or_interrupted(idle, console).await else { return Ok(130) };
        let error = match fault {
            Some((Fault::NoRootNode, _)) => NO_ROOT_NODE,
            _ => "ERROR: could not get idle state.\n",
        };
        if idle {
            return Ok(self.plain("uiautomator", arguments, output));
        }
        output.push(Channel::Err, error.as_bytes());
        Ok(0)
    }

    async fn sleep<C: Console>(
        &mut self,
        arguments: &[String],
        output: &mut Output,
        console: &mut C,
    ) -> Result<u8, Disconnected> {
        if arguments.is_empty() {
            output.push(Channel::Err, b"sleep: needs an argument\n");
            return Ok(1);
        }
        let mut total = 0.0;
        for argument in arguments {
            let Some(time) = seconds(argument) else {
                output.push(Channel::Err, format!("sleep: '{argument}' is not a number\n").as_bytes());
                return Ok(1);
            };
            total += time;
        }
        console.flush().await?;
        let max = self.sleep_max();
        let time = Duration::try_from_secs_f64(total).map_or(max, |wanted| wanted.min(max));
        Ok(if self.or_interrupted(tokio::time::sleep(time), console).await.is_some() { 0 } else { 130 })
    }

    /// `input`: a finger takes the time that it was told to take, and what it does is done at its end.
    async fn gesture<C: Console>(
        &mut self,
        arguments: &[String],
        output: &mut Output,
        console: &mut C,
    ) -> Result<u8, Disconnected> {
        let time = commands::gesture_time(arguments);
        if 0 < time && !self.device.options.instant_gestures && !self.device.handle.faults().is_denied() {
            console.flush().await?;
            let device = self.device.clone();
            if self.or_interrupted(device.handle.sleep(time), console).await.is_none() {
                return Ok(130);
            }
        }
        Ok(self.plain("input", arguments, output))
    }

    async fn screencap(&mut self, arguments: &[String], output: &mut Output) -> u8 {
        let (mut png, mut path) = (false, None);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "-p" => png = true,
                "-d" => match rest.next() {
                    Some(id) if picture::is_display(id) => {}
                    id => {
                        let id = id.map_or("", String::as_str);
                        output.push(Channel::Err, format!("Display Id '{id}' is not valid.\n").as_bytes());
                        return 1;
                    }
                },
                "-h" | "--help" => {
                    output.push(Channel::Err, b"usage: screencap [-hp] [-d display-id] [FILENAME]\n");
                    return 1;
                }
                "-" => {}
                name => path = Some(name),
            }
        }
        // The name of a file says its format too.
        png |= path.is_some_and(|path| path.ends_with(".png"));
        let picture = picture::take(&self.device.handle, if png { Format::Png } else { Format::Raw }).await;
        let Some(name) = path else {
            output.put_owned(Channel::Out, picture.head);
            output.put_owned(Channel::Out, picture.body);
            return 0;
        };
        let path = resolve(&self.scope.folder, name);
        let now = self.device.handle.now();
        let bytes = if picture.head.is_empty() { picture.body } else { [picture.head, picture.body].concat() };
        match self.device.handle.files().write(&path, bytes, now) {
            Ok(()) => 0,
            Err(why) => {
                output.push(Channel::Err, format!("Error opening file: {name} ({why})\n").as_bytes());
                1
            }
        }
    }

    /// `logcat` without `-d`: what there is, and then what comes, until nobody listens any more.
    async fn follow<C: Console>(
        &mut self,
        arguments: &[String],
        output: &mut Output,
        console: &mut C,
    ) -> Result<u8, Disconnected> {
        if !output.is_direct() {
            // The stages of a pipe run one after the other, so the next one would wait for ever.
            output.push(Channel::Err, b"logcat: it is not followed inside a pipe on this phone: say -d\n");
            return Ok(self.plain("logcat", arguments, output));
        }
        let device = self.device.clone();
        let mut lines = device.handle.log_changes();
        let mut seen = 0;
        loop {
            let (text, last) = commands::logcat_since(&device.handle, arguments, seen);
            seen = last;
            output.push(Channel::Out, &text);
            self.hand_over(output, console).await?;
            console.flush().await?;
            match self.or_interrupted(lines.changed(), console).await {
                Some(Ok(())) => {}
                Some(Err(_)) => return Ok(0),
                None => return Ok(130),
            }
        }
    }
}

/// A time as `sleep` takes it.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1.0),
        Some((at, 'm')) => (&text[..at], 60.0),
        Some((at, 'h')) => (&text[..at], 3600.0),
        _ => (text, 1.0),
    };
    number.parse::<f64>().ok().filter(|number| number.is_finite() && 0.0 <= *number).map(|number| number * unit)
}
