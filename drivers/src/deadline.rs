//! How long an operation may take, and what is said when it took longer.

use std::fmt::Write as _;
use std::time::Duration;

use tapwright_contract::device::DriverErrorKind;
use tokio::time::Instant;

/// Nobody waits longer than this for one operation; it also keeps `Instant` arithmetic from overflowing.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The moment by which an operation has to be over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    began: Instant,
    at: Instant,
}

impl Deadline {
    pub fn after(within: Duration) -> Deadline {
        let began = Instant::now();
        Deadline { began, at: began + within.min(LONGEST) }
    }

    /// The same deadline, or one `within` from now if that is sooner.
    pub fn or_sooner(self, within: Duration) -> Deadline {
        Deadline { began: self.began, at: self.at.min(Instant::now() + within.min(LONGEST)) }
    }

    pub fn remaining(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// The time that is left.
    ///
    /// # Errors
    /// `TimedOut` if none is: a deadline in the past must not start anything.
    pub fn check(&self) -> Result<Duration, DriverErrorKind> {
        match self.remaining() {
            Duration::ZERO => Err(DriverErrorKind::TimedOut { tries: "no time was left".to_owned() }),
            left => Ok(left),
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub fn is_over(&self) -> bool {
        self.remaining().is_zero()
    }

    /// Carries out `work`, or gives it up at the deadline and says what was waited for.
    pub async fn hold<T>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T, DriverErrorKind>>,
    ) -> Result<T, DriverErrorKind> {
        // A deadline in the past must not start anything: `timeout_at` would poll the work once.
        if self.is_over() {
            return Err(DriverErrorKind::TimedOut { tries: format!("{what}: no time was left") });
        }
        match tokio::time::timeout_at(self.at, work).await {
            Ok(result) => result,
            Err(_) => Err(DriverErrorKind::TimedOut {
                tries: format!("{what}: gave up after {} ms", self.elapsed().as_millis()),
            }),
        }
    }

    /// Sleeps until `moment`, but not past the deadline.
    pub async fn rest_until(&self, moment: Instant) {
        tokio::time::sleep_until(moment.min(self.at)).await;
    }
}

/// A log of tries, so that a timeout explains itself. Only the last few are kept.
#[derive(Debug)]
pub(crate) struct AttemptLog {
    what: &'static str,
    count: u32,
    last: Vec<String>,
}

impl AttemptLog {
    const KEPT: usize = 4;

    pub fn new(what: &'static str) -> AttemptLog {
        AttemptLog { what, count: 0, last: Vec::new() }
    }

    pub fn note(&mut self, outcome: impl Into<String>) {
        self.count += 1;
        if self.last.len() == AttemptLog::KEPT {
            self.last.remove(0);
        }
        self.last.push(outcome.into());
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    /// `the screen is still: gave up after 3000 ms and 7 tries; the last: it changed; it changed`
    pub fn tell(&self, deadline: &Deadline) -> String {
        let tries = if self.count == 1 { "try" } else { "tries" };
        let mut text =
            format!("{}: gave up after {} ms and {} {tries}", self.what, deadline.elapsed().as_millis(), self.count);
        if !self.last.is_empty() {
            let _ = write!(text, "; the last: {}", self.last.join("; "));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_deadline_in_the_past_starts_nothing() {
        let deadline = Deadline::after(Duration::ZERO);
        let mut started = false;
        let result = deadline
            .hold("to begin", async {
                started = true;
                Ok(())
            })
            .await;
        assert!(matches!(result, Err(DriverErrorKind::TimedOut { .. })));
        assert!(!started);
    }

    #[tokio::test]
    async fn a_log_of_tries_keeps_its_end() {
        let deadline = Deadline::after(Duration::MAX);
        let mut tries = AttemptLog::new("the screen is still");
        for n in 0..6 {
            tries.note(format!("no {n}"));
        }
        let told = tries.tell(&deadline);
        let (begin, end) = told.split_once(" ms ").unwrap();
        assert!(begin.starts_with("the screen is still: gave up after "), "{told}");
        assert_eq!(end, "and 6 tries; the last: no 2; no 3; no 4; no 5");
    }
}
