//! Opens an address in the browser of whoever is at this machine.

use std::process::{Command, Stdio};

use crate::output;

/// The system's own program for that, and what comes before the address.
#[cfg(target_os = "macos")]
const OPENER: (&str, &[&str]) = ("open", &[]);
#[cfg(windows)]
const OPENER: (&str, &[&str]) = ("rundll32", &["url.dll,FileProtocolHandler"]);
#[cfg(not(any(target_os = "macos", windows)))]
const OPENER: (&str, &[&str]) = ("xdg-open", &[]);

/// Opens an address; says so if nothing here does that. The address is printed anyway, so it is no error.
pub fn open(url: &str) {
    let (program, before) = OPENER;
    let mut command = Command::new(program);
    command.args(before).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C is meant for this program, and not for a browser that was not open before.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    if let Err(error) = command.spawn() {
        output::err(&format!("  no browser was opened ({program}: {error}); open the address yourself"));
    }
}
