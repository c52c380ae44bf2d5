//! Ctrl-C: the first one stops within a step, the second one kills.

use tapwright_tasks::{Stop, stop};

use crate::exit::Exit;
use crate::output;

/// Listens for Ctrl-C from now on, and for whoever asks the process to end.
pub fn listen() -> Stop {
    let (stopper, stop) = stop();
    tokio::spawn(async move {
        asked_to_end().await;
        stopper.stop();
        output::err("\nstopping; Ctrl-C again to kill");
        asked_to_end().await;
        #[allow(clippy::disallowed_methods)] // Somebody insists: nothing is waited for any more.
        std::process::exit(i32::from(Exit::Stopped.code()));
    });
    stop
}

async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a way to hear of it there is nothing to wait for: the system's own way then ends the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
