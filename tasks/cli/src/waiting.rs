//! Says that an answer is waited for, and how long it may take, as soon as that takes longer than people expect.

use std::time::Duration;

use tapwright_tasks::model::{ModelSource, without_secrets};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::clock::span;
use crate::config::Config;
use crate::output;

/// The first time that something is said, and then whenever twice as much time has passed.
const FIRST: Duration = Duration::from_secs(5);

/// What is waited for.
#[derive(Clone, Debug)]
pub struct AwaitedAnswer {
    /// A server's address.
    from: String,
    within: Duration,
}

/// Says so until it is dropped.
pub struct WaitNotice(JoinHandle<()>);

impl Drop for WaitNotice {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl AwaitedAnswer {
    /// Of the model, if it is somebody else's program that answers.
    pub fn of(config: &Config) -> Option<AwaitedAnswer> {
        match &config.model.source {
            ModelSource::Server { url, .. } => {
                Some(AwaitedAnswer { from: output::flat(&without_secrets(url)), within: config.rules.limits.think })
            }
            ModelSource::Folder(_)
            | ModelSource::Script(_)
            | ModelSource::Given(_)
            | ModelSource::Finish
            | ModelSource::Infeasible
            | ModelSource::Nobody
            | ModelSource::Taps => None,
        }
    }

    /// From now on, until what is returned is dropped.
    pub fn begin(&self, say: impl Fn(String) + Send + 'static) -> WaitNotice {
        let awaited = self.clone();
        WaitNotice(tokio::spawn(async move {
            let begun = Instant::now();
            let mut after = FIRST;
            loop {
                tokio::time::sleep_until(begun + after).await;
                say(awaited.in_words(after));
                after *= 2;
            }
        }))
    }

    fn in_words(&self, after: Duration) -> String {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let AwaitedAnswer { from, within } = self;
        format!("waiting for {from}: {} of at most {} ([limits] think_ms)", span(ms(after)), span(ms(*within)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_waited_for_is_told_more_and_more_seldom() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let begin = || {
            let said = said.clone();
            let awaited = AwaitedAnswer { from: "http://x/v1".to_owned(), within: Duration::from_secs(120) };
            awaited.begin(move |line| said.lock().unwrap().push(line))
        };
        let told = || std::mem::take(&mut *said.lock().unwrap());
        let wait = begin();
        tokio::time::sleep(Duration::from_millis(4900)).await;
        assert!(told().is_empty(), "most answers come sooner");
        tokio::time::sleep(Duration::from_secs(36)).await;
        let lines = told();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert_eq!(lines[0], "waiting for http://x/v1: 5.0 s of at most 2 min 0 s ([limits] think_ms)");
        drop(wait);
        tokio::time::sleep(Duration::from_secs(1000)).await;
        assert!(told().is_empty(), "the answer has come");
    }
}
