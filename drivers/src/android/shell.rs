//! Runs commands on the device: in one shell that stays open where the device has that, else in one shell each.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use tapwright_contract::device::DriverErrorKind;

use super::Address;
use super::parse::answers;
use super::parse::shell::{self as frames, Frame, Frames};
use super::wire::{ANSWER_MAX, Link, Stream};
use crate::deadline::Deadline;

/// How long a device may take to show that its shell stays open, before commands get a shell each.
const WELCOME: Duration = Duration::from_secs(3);

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandOutput {
    pub status: i32,
    /// Standard output and standard error, in the order in which they were written.
    pub output: String,
}

impl CommandOutput {
    /// The output, if the device did what it was told.
    pub fn into_output(self) -> Result<String, DriverErrorKind> {
        match answers::refusal(self.status, &self.output) {
            None => Ok(self.output),
            Some(why) => Err(DriverErrorKind::Refused { why }),
        }
    }
}

/// A phone's shell over a connection of its own, which is made when it is first needed, and anew when it was lost.
pub(crate) struct ShellConnection {
    pub address: Address,
    link: Option<Link>,
    shell: Shell,
}

impl ShellConnection {
    pub fn new(address: Address) -> ShellConnection {
        ShellConnection { address, link: None, shell: Shell::default() }
    }

    /// Runs one simple command or pipeline.
    ///
    /// # Errors
    /// As `Shell::run`, and if the phone is not there.
    pub async fn run(&mut self, command: &str, deadline: Deadline) -> Result<CommandOutput, DriverErrorKind> {
        if !self.link.as_ref().is_some_and(Link::alive) {
            self.shell = Shell::default();
            self.link = Some(Link::connect(&self.address, deadline).await?);
        }
        let link = self.link.as_ref().ok_or_else(super::no_link_error)?;
        let ran = self.shell.run(link, command, deadline).await;
        if matches!(ran, Err(DriverErrorKind::Lost { .. } | DriverErrorKind::TimedOut { .. })) {
            self.link = None;
        }
        ran
    }
}

/// The shell of one device. It belongs to one link: start anew with another.
#[derive(Default)]
pub(crate) struct Shell {
    open: Option<Open>,
    /// The device has shown that its shell does not stay open.
    one_each: bool,
}

/// A shell that is open and idle. While it works it is taken out of `Shell`, so that an abandoned command, whose output
/// is still to come, never meets the next one.
struct Open {
    stream: Stream,
    frames: Frames,
    /// Ends the output of a command. Drawn by chance, because outputs hold what apps and web pages wrote.
    marker: String,
}

impl Shell {
    /// Runs one simple command or pipeline. Its standard error is merged into the output.
    ///
    /// # Errors
    /// `DriverErrorKind` if no exit code was had; that the command failed is in `CommandOutput`.
    pub async fn run(
        &mut self,
        link: &Link,
        command: &str,
        deadline: Deadline,
    ) -> Result<CommandOutput, DriverErrorKind> {
        let what = command.split(' ').next().unwrap_or_default();
        deadline.hold(&format!("`{what}` to end"), self.run_unbounded(link, command, deadline)).await
    }

    async fn run_unbounded(
        &mut self,
        link: &Link,
        command: &str,
        deadline: Deadline,
    ) -> Result<CommandOutput, DriverErrorKind> {
        let version_2 = link.features().contains("shell_v2");
        // A shell that reads its commands line by line could take a command in two lines for two.
        if version_2 && !self.one_each && !command.contains('\n') {
            let open = match self.open.take() {
                Some(open) => Some(open),
                None => self.start(link, deadline).await?,
            };
            if let Some(mut open) = open {
                let ran = open.run(command).await?;
                self.open = Some(open);
                return Ok(ran);
            }
        }
        if version_2 { alone(link, command).await } else { alone_unframed(link, command).await }
    }

    /// Opens the shell that stays open, and makes sure that it does; `None` if this device has none.
    async fn start(&mut self, link: &Link, deadline: Deadline) -> Result<Option<Open>, DriverErrorKind> {
        let welcome = deadline.or_sooner(WELCOME);
        let work = async {
            let stream = link.open("shell,v2,raw:").await?;
            let mut open = Open { stream, frames: Frames::default(), marker: marker() };
            let ran = open.run("true").await?;
            if ran.status == 0 {
                Ok(open)
            } else {
                Err(DriverErrorKind::MalformedResponse { why: format!("`true` ended with {}", ran.status) })
            }
        };
        match welcome.hold("the device's shell to start", work).await {
            Ok(open) => Ok(Some(open)),
            Err(kind @ DriverErrorKind::Lost { .. }) => Err(kind),
            // The operation's own time is up: that says nothing about the device.
            Err(kind) if deadline.is_over() => Err(kind),
            Err(kind) => {
                tracing::debug!(%kind, "the device keeps no shell open; commands get one each");
                self.one_each = true;
                Ok(None)
            }
        }
    }
}

impl Open {
    async fn run(&mut self, command: &str) -> Result<CommandOutput, DriverErrorKind> {
        let line = format!("{command} 2>&1; echo {}:$?\n", self.marker);
        self.stream.write(&frames::input(&line)).await?;
        let mut output = Vec::new();
        loop {
            while let Some(frame) = self.frames.next().map_err(nonsense)? {
                match frame {
                    Frame::Output(bytes) => {
                        // The marker may be cut in two by frames, so a bit of what came before is looked at again.
                        let from = output.len().saturating_sub(self.marker.len() + 8);
                        grow(&mut output, &bytes)?;
                        if let Some((length, status)) = frames::command_end(&output[from..], &self.marker) {
                            output.truncate(from + length);
                            return Ok(CommandOutput { status, output: text(&output) });
                        }
                    }
                    // What the shell itself complains about, such as a line that it cannot read.
                    Frame::Errors(bytes) => grow(&mut output, &bytes)?,
                    Frame::Exit(code) => return Err(closed_error(Some(code))),
                }
            }
            match self.stream.read().await? {
                Some(bytes) => self.frames.feed(&bytes),
                None => return Err(closed_error(None)),
            }
        }
    }
}

/// Runs a command in a shell of its own.
async fn alone(link: &Link, command: &str) -> Result<CommandOutput, DriverErrorKind> {
    let mut stream = link.open(&format!("shell,v2,raw:{command}")).await?;
    let mut frames = Frames::default();
    let mut output = Vec::new();
    loop {
        while let Some(frame) = frames.next().map_err(nonsense)? {
            match frame {
                Frame::Output(bytes) | Frame::Errors(bytes) => grow(&mut output, &bytes)?,
                Frame::Exit(code) => return Ok(CommandOutput { status: i32::from(code), output: text(&output) }),
            }
        }
        match stream.read().await? {
            Some(bytes) => frames.feed(&bytes),
            None => return Err(closed_error(None)),
        }
    }
}

/// The same on devices of before 2016, whose shell has no frames: the exit code has to be printed.
async fn alone_unframed(link: &Link, command: &str) -> Result<CommandOutput, DriverErrorKind> {
    let marker = marker();
    let output = link.read(&format!("shell:{command}; echo {marker}:$?"), 0, ANSWER_MAX).await?;
    let (length, status) = frames::command_end(&output, &marker).ok_or_else(|| closed_error(None))?;
    // Such a shell has a terminal, which ends lines with two letters.
    Ok(CommandOutput { status, output: text(&output[..length]).replace("\r\n", "\n") })
}

fn grow(output: &mut Vec<u8>, bytes: &[u8]) -> Result<(), DriverErrorKind> {
    if output.len() + bytes.len() > ANSWER_MAX {
        return Err(nonsense(format!("a command printed more than {ANSWER_MAX} bytes")));
    }
    output.extend_from_slice(bytes);
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn nonsense(why: String) -> DriverErrorKind {
    DriverErrorKind::MalformedResponse { why }
}

fn closed_error(code: Option<u8>) -> DriverErrorKind {
    match code {
        Some(code) => nonsense(format!("the device's shell ended with {code} in the middle of a command")),
        None => nonsense("the device's shell ended without an exit code".to_owned()),
    }
}

/// A word that nobody on the device can know.
pub(super) fn marker() -> String {
    // The standard library's only source of chance.
    let draw = || std::hash::RandomState::new().build_hasher().finish();
    format!("end{:016x}{:016x}", draw(), draw())
}
