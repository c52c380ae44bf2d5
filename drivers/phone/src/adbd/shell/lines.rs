//! A shell that is fed line by line, by a program or by a person at a terminal.

use super::{Flow, Shell};
use crate::adbd::stream::Disconnected;
use crate::adbd::syntax::{self, SyntaxError};
use crate::adbd::terminal::{Channel, Console};

/// Lines that a quote or a group may reach over when lines are fed.
const CONTINUED_MAX: u32 = 1000;

/// Reads commands line by line and runs each as it arrives, until the input or the shell ends.
pub(in crate::adbd) async fn serve_lines<C: Console>(
    shell: &mut Shell,
    console: &mut C,
    typed: bool,
) -> Result<(), Disconnected> {
    let prompt = format!("{}:/ $ ", shell.device.options.identity.device);
    let mut line = Vec::new();
    let mut continued = 0;
    if typed {
        console.print(Channel::Out, prompt.as_bytes()).await?;
        console.flush().await?;
    }
    while let Some(bytes) = console.get().await {
        let (complete, rest) = if typed {
            type_in(&bytes, &mut line, console).await?
        } else {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            (if end.is_some() { Typed::Line } else { Typed::Part }, &bytes[end.map_or(bytes.len(), |end| end + 1)..])
        };
        if syntax::TEXT_MAX < line.len() {
            console.print(Channel::Err, b"/system/bin/sh: the line is too long\n").await?;
            shell.status = 1;
            return Ok(());
        }
        if !rest.is_empty() {
            // Left on the console for a command that reads it.
            console.unget(rest.len());
        }
        let mut next = &prompt[..];
        match complete {
            Typed::Part => continue,
            Typed::End => return Ok(()),
            Typed::Nothing => line.clear(),
            Typed::Line => {
                let text = String::from_utf8_lossy(&line).into_owned();
                match syntax::parse(&text) {
                    Ok(list) => {
                        let flow = shell.run_list(&list, console).await?;
                        if std::mem::take(&mut shell.interrupted) {
                            console.print(Channel::Out, b"^C\n").await?;
                        } else if flow == Flow::Exit {
                            return Ok(());
                        }
                        line.clear();
                    }
                    // A quote, a group or a loop that goes on in the next line.
                    Err(SyntaxError::Unclosed(_)) if continued < CONTINUED_MAX => {
                        continued += 1;
                        line.push(b'\n');
                        if !typed {
                            continue;
                        }
                        next = "> ";
                    }
                    Err(error) => {
                        shell.refuse(&error, console).await?;
                        // A shell that no person watches must not go on with what was meant to be something else.
                        if !typed {
                            return Ok(());
                        }
                        line.clear();
                    }
                }
            }
        }
        if line.is_empty() {
            continued = 0;
        }
        shell.tell_of_jobs(console).await?;
        if typed {
            console.print(Channel::Out, next.as_bytes()).await?;
            console.flush().await?;
        }
    }
    // The last line need not end.
    if !line.is_empty() && !typed {
        let text = String::from_utf8_lossy(&line).into_owned();
        shell.run(&text, console).await?;
    }
    Ok(())
}

impl Shell {
    /// Prints what background commands that have ended have printed.
    async fn tell_of_jobs<C: Console>(&mut self, console: &mut C) -> Result<(), Disconnected> {
        let mut output = self.output();
        self.collect(&mut output);
        self.hand_over(&mut output, console).await
    }
}

enum Typed {
    Part,
    Line,
    /// The line was given up.
    Nothing,
    End,
}

/// Does what a terminal does with keys: shows them, rubs out, and tells when a line is complete.
async fn type_in<'b, C: Console>(
    bytes: &'b [u8],
    line: &mut Vec<u8>,
    console: &mut C,
) -> Result<(Typed, &'b [u8]), Disconnected> {
    let mut echo = Vec::new();
    let mut typed = (Typed::Part, &bytes[bytes.len()..]);
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'\r' | b'\n' => {
                echo.push(b'\n');
                typed = (Typed::Line, &bytes[index + 1..]);
                break;
            }
            0x7f | 0x08 => {
                // Earlier lines of the same command stand.
                if line.last().is_some_and(|byte| *byte != b'\n') {
                    echo.extend_from_slice(b"\x08 \x08");
                    // A letter may have several bytes.
                    while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
                }
            }
            0x03 => {
                echo.extend_from_slice(b"^C\n");
                typed = (Typed::Nothing, &bytes[index + 1..]);
                break;
            }
            0x04 if line.is_empty() => {
                typed = (Typed::End, &bytes[index + 1..]);
                break;
            }
            byte => {
                line.push(*byte);
                echo.push(*byte);
            }
        }
    }
    console.print(Channel::Out, &echo).await?;
    console.flush().await?;
    Ok(typed)
}
