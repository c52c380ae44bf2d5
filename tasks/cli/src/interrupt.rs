//! Ctrl-C, and a terminal that is closed: the first one stops within a step, the second one kills.

use tapwright_tasks::{Stop, stop};

use crate::exit::Exit;
use crate::output;

/// Listens for Ctrl-C from now on, and for whoever asks the process to end.
pub fn listen() -> Stop {
    let (stopper, stop) = stop();
    tokio::spawn(async move {
        asked_to_end(Hangup::Counts).await;
        stopper.stop();
        output::err("\nstopping; Ctrl-C again to kill");
        // A closed terminal is told of more than once, by the system and by the shell: that is nobody who insists.
        asked_to_end(Hangup::IsIgnored).await;
        #[allow(clippy::disallowed_methods)] // Somebody insists: nothing is waited for any more.
        std::process::exit(i32::from(Exit::Stopped.code()));
    });
    stop
}

/// What the end of the terminal or of the connection to it means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hangup {
    Counts,
    IsIgnored,
}

async fn asked_to_end(hangup: Hangup) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            // Whoever was started with `nohup` stays: listening would undo that.
            let mut hung_up = if outlives_terminal() { None } else { signal(SignalKind::hangup()).ok() };
            let hung_up = async {
                match &mut hung_up {
                    Some(hung_up) if hangup == Hangup::Counts => drop(hung_up.recv().await),
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
                () = hung_up => {}
            }
            return;
        }
    }
    // Without a way to hear of it there is nothing to wait for: the system's own way then ends the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether this process was started with hangups ignored. Asked before it listens for any.
#[cfg(unix)]
fn outlives_terminal() -> bool {
    static OUTLIVES: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *OUTLIVES.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        status.lines().find_map(|line| line.strip_prefix("SigIgn:")).is_some_and(ignores_hangups)
    })
}

/// Whether a mask of signals has the first one.
#[cfg(unix)]
fn ignores_hangups(mask: &str) -> bool {
    u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn hangups_are_the_first_signal() {
        assert!(ignores_hangups("\t0000000000001001"));
        assert!(!ignores_hangups("\t0000000000001000"));
        assert!(!ignores_hangups(""));
    }
}
