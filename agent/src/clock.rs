//! The port through which time comes in.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

/// Something that knows how much time has passed.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time since the run began.
    fn elapsed(&self) -> Duration;

    /// Lets time pass.
    async fn sleep(&self, time: Duration);
}

/// The machine's clock, from the moment it was made.
pub struct Timer {
    start: Instant,
}

impl Timer {
    /// Begins now.
    pub fn start() -> Timer {
        Timer { start: Instant::now() }
    }
}

#[async_trait]
impl Clock for Timer {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
