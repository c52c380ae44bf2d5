//! How a run is stopped from outside: at once, in the middle of a reply or a gesture.

use tokio::sync::watch;

/// Stops a run.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<bool>);

/// What a run listens to.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// A stop signal and its receiver.
pub fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Stops the run, for good.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether it is to stop now.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the run is to stop; for ever if nobody is left who could say so.
    pub async fn stopped(&mut self) {
        if self.0.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
