//! What a stream is for: its name is read here, and handed to those who do it.

use std::sync::Arc;

use super::Device;
use super::picture::{self, Format};
use super::shell::Shell;
use super::stream::Stream;
use super::terminal::Terminal;
use super::{shell, sync};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// One command, or a shell that reads commands until its input ends.
    Shell {
        command: Option<String>,
        /// The frames of `shell,v2`.
        framed: bool,
        /// Whether a person types: input is echoed and there is a prompt.
        typed: bool,
    },
    /// Files.
    Sync,
    /// The words of one command, which no shell has to read: `cmd` without its name.
    Words(Vec<String>),
    /// Ports of the computer that the phone is to reach.
    Reverse(String),
    /// One picture of the display.
    Framebuffer,
    Reboot,
    /// Something that this phone answers with a sentence.
    Say(String),
}

impl Service {
    /// Whether it goes on for a moment when its client has closed the stream. A client of `exec` closes it as soon as it has
    /// sent everything, and a command that nobody watches is told so only when it prints something.
    pub fn outlives_its_client(&self) -> bool {
        matches!(self, Service::Shell { typed: false, .. } | Service::Words(_))
    }

    /// Reads the name that a client opens a stream with; `None` if this phone has no such service.
    pub fn parse(name: &[u8]) -> Option<Service> {
        let name = String::from_utf8_lossy(name);
        let name = name.trim_end_matches('\0');
        let (kind, argument) = name.split_once(':').unwrap_or((name, ""));
        let mut options = kind.split(',');
        match options.next()? {
            "shell" => {
                let command = command(argument);
                let (mut framed, mut typed) = (false, argument.is_empty());
                for option in options {
                    match option {
                        "v2" => framed = true,
                        "pty" => typed = true,
                        "raw" => typed = false,
                        _ => {} // TERM=... and what may come.
                    }
                }
                Some(Service::Shell { command, framed, typed })
            }
            "exec" => Some(Service::Shell { command: command(argument), framed: false, typed: false }),
            "abb_exec" => Some(Service::Words(argument.split('\0').map(str::to_owned).collect())),
            "reverse" => Some(Service::Reverse(argument.to_owned())),
            "jdwp" => Some(Service::Say(String::new())), // Nothing here can be debugged.
            "sync" => Some(Service::Sync),
            "framebuffer" => Some(Service::Framebuffer),
            "reboot" => Some(Service::Reboot),
            "root" | "disable-verity" | "enable-verity" => {
                Some(Service::Say("adbd cannot run as root in production builds\n".to_owned()))
            }
            "unroot" => Some(Service::Say("adbd not running as root\n".to_owned())),
            "remount" => Some(Service::Say("Not running as root. Try \"adb root\" first.\n".to_owned())),
            "tcpip" => Some(Service::Say(format!("restarting in TCP mode port: {}\n", argument.trim()))),
            _ => None,
        }
    }
}

/// `sh` is the shell that is there already.
fn command(argument: &str) -> Option<String> {
    match argument.trim() {
        "" | "sh" | "'sh'" | "/system/bin/sh" => None,
        _ => Some(argument.to_owned()),
    }
}

/// Serves one stream until it is done. What cannot be said because the client is gone is not said.
pub(super) async fn run(service: Service, stream: &mut Stream, device: &Arc<Device>) {
    match service {
        Service::Shell { command, framed, typed } => {
            let mut shell = Shell::new(device.clone(), stream.large.clone());
            let mut terminal = Terminal::new(stream, framed, typed);
            let ran = match command {
                Some(command) => shell.run(&command, &mut terminal).await.map(drop),
                None => shell::serve_lines(&mut shell, &mut terminal, typed).await,
            };
            let status = shell.status();
            // A terminal that is closed ends what was begun at it.
            if ran.is_ok() && (typed || shell.finish(&mut terminal).await.is_ok()) {
                let _ = terminal.exit(status).await;
            }
        }
        Service::Words(words) => {
            let mut shell = Shell::new(device.clone(), stream.large.clone());
            let mut terminal = Terminal::new(stream, false, false);
            if shell.run_words([&["cmd".to_owned()], &words[..]].concat(), &mut terminal).await.is_ok() {
                let _ = terminal.exit(shell.status()).await;
            }
        }
        Service::Reverse(request) => {
            let answer = stream.reverse.answer(&request);
            let _ = stream.write(answer.as_bytes()).await;
        }
        Service::Sync => {
            let _ = sync::serve(stream, &device.handle).await;
        }
        Service::Framebuffer => {
            let _large = stream.large.clone().acquire_owned().await;
            let picture = picture::take(&device.handle, Format::Framebuffer).await;
            if stream.write(&picture.head).await.is_ok() {
                let _ = stream.write(&picture.body).await;
            }
        }
        Service::Reboot => device.reboot(),
        Service::Say(sentence) => {
            let _ = stream.write(sentence.as_bytes()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(name: &str, expected: Expect) {
        expected.assert_eq(&format!("{:?}", Service::parse(name.as_bytes())));
    }

    #[test]
    fn names_of_services_are_read() {
        check(
            "shell,v2,TERM=xterm,raw:input tap 540 1200\0",
            expect![[r#"Some(Shell { command: Some("input tap 540 1200"), framed: true, typed: false })"#]],
        );
        check(
            "shell,v2,TERM=xterm-256color,pty:\0",
            expect!["Some(Shell { command: None, framed: true, typed: true })"],
        );
        check("shell,v2,raw:", expect!["Some(Shell { command: None, framed: true, typed: false })"]);
        check("shell:", expect!["Some(Shell { command: None, framed: false, typed: true })"]);
        check(
            "shell:echo a:b\0\0",
            expect![[r#"Some(Shell { command: Some("echo a:b"), framed: false, typed: false })"#]],
        );
        check(
            "exec:screencap '-p'\0",
            expect![[r#"Some(Shell { command: Some("screencap '-p'"), framed: false, typed: false })"#]],
        );
        check("exec:sh", expect!["Some(Shell { command: None, framed: false, typed: false })"]);
        check("sync:\0", expect!["Some(Sync)"]);
        check("reverse:forward:tcp:1;tcp:2", expect![[r#"Some(Reverse("forward:tcp:1;tcp:2"))"#]]);
        check("abb_exec:package\0install\0-S\x009\0", expect![[r#"Some(Words(["package", "install", "-S", "9"]))"#]]);
        check("tcpip:5555\0", expect![[r#"Some(Say("restarting in TCP mode port: 5555\n"))"#]]);
        for unknown in ["", "\0", ":", "tcp:80", "localabstract:x", "track-jdwp", "shellx:ls", "abb:x", "sideload:9"] {
            check(unknown, expect!["None"]);
        }
    }
}
