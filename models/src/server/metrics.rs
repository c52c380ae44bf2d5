//! What became of each request: counted for /metrics, a line in the log, and told to whoever listens. Never what was said.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::heap::Heap;
use crate::request::Usage;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// The answer is whole.
    Stop,
    /// The answer was cut off, as it had all the tokens that it may have.
    Length,
    /// The request was wrong.
    Refused,
    /// There was no room for it.
    Busy,
    /// Its sender went away.
    Gone,
    /// We could not answer.
    Failed,
}

impl RequestOutcome {
    const ALL: [RequestOutcome; 6] = [
        RequestOutcome::Stop,
        RequestOutcome::Length,
        RequestOutcome::Refused,
        RequestOutcome::Busy,
        RequestOutcome::Gone,
        RequestOutcome::Failed,
    ];

    pub fn name(self) -> &'static str {
        match self {
            RequestOutcome::Stop => "stop",
            RequestOutcome::Length => "length",
            RequestOutcome::Refused => "refused",
            RequestOutcome::Busy => "busy",
            RequestOutcome::Gone => "gone",
            RequestOutcome::Failed => "failed",
        }
    }
}

/// A request that has ended, in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestSummary {
    pub outcome: RequestOutcome,
    /// The status of the response; 200 if none was sent, or it broke off later.
    pub status: u16,
    pub usage: Usage,
    pub pictures: u32,
    pub stream: bool,
    /// From the request's head to the first text of the answer, if there was one.
    pub first: Option<Duration>,
    /// From the request's head to the end.
    pub whole: Duration,
}

/// Told of every request that ended.
pub type Observer = Arc<dyn Fn(&RequestSummary) + Send + Sync>;

/// The figures of all requests.
#[derive(Default)]
pub struct Metrics {
    ended: [AtomicU64; 6],
    prompt: AtomicU64,
    cached: AtomicU64,
    answer: AtomicU64,
    /// Admitted, and nothing of the answer is there yet.
    waiting: AtomicI64,
    /// Some of the answer is there.
    answering: AtomicI64,
    first_us: AtomicU64,
    firsts: AtomicU64,
    rest_us: AtomicU64,
    rest_tokens: AtomicU64,
}

impl Metrics {
    /// As Prometheus reads it.
    pub fn text(&self, model: &str) -> String {
        let mut text = String::new();
        let model = model.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let seconds = |counter: &AtomicU64| get(counter) as f64 / 1e6;
        let mut head = |name: &str, kind: &str, help: &str, lines: &[(String, String)]| {
            let _ = writeln!(text, "# HELP tapwright_{name} {help}\n# TYPE tapwright_{name} {kind}");
            for (labels, value) in lines {
                let _ = writeln!(text, "tapwright_{name}{labels} {value}");
            }
        };
        let with = |more: &str| format!("{{model=\"{model}\"{more}}}");
        let ended: Vec<_> = RequestOutcome::ALL
            .iter()
            .map(|&outcome| {
                let labels = with(&format!(",outcome=\"{}\"", outcome.name()));
                (labels, get(&self.ended[outcome as usize]).to_string())
            })
            .collect();
        head("requests_total", "counter", "Requests that ended, by how.", &ended);
        let tokens: Vec<_> = [("prompt", &self.prompt), ("cached", &self.cached), ("answer", &self.answer)]
            .iter()
            .map(|(kind, counter)| (with(&format!(",kind=\"{kind}\"")), get(counter).to_string()))
            .collect();
        head("tokens_total", "counter", "Tokens of prompts, of those the cached ones, and of answers.", &tokens);
        let gauge = |counter: &AtomicI64| vec![(with(""), counter.load(Ordering::Relaxed).to_string())];
        head("requests_waiting", "gauge", "Requests that wait for the first of their answer.", &gauge(&self.waiting));
        head("requests_answering", "gauge", "Requests that are answered.", &gauge(&self.answering));
        for (name, help, sum, count) in [
            ("time_to_first_token_seconds", "From a request to the first of its answer.", &self.first_us, &self.firsts),
            ("time_per_token_seconds", "Between tokens of an answer.", &self.rest_us, &self.rest_tokens),
        ] {
            let sum = ("_sum".to_owned() + &with(""), seconds(sum).to_string());
            head(name, "summary", help, &[sum, ("_count".to_owned() + &with(""), get(count).to_string())]);
        }
        text
    }
}

/// A request from its head to its end. However it ends, it is counted: whoever drops it without a word has gone away.
pub struct RequestGuard {
    metrics: Arc<Metrics>,
    observer: Option<Observer>,
    begun: Instant,
    stage: RequestStage,
    /// What to give back once it is over.
    pub heap: Option<Arc<Heap>>,
    pub summary: RequestSummary,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum RequestStage {
    Reading,
    Waiting,
    Answering { since: Instant },
}

impl RequestGuard {
    pub fn new(metrics: Arc<Metrics>, observer: Option<Observer>) -> RequestGuard {
        let summary = RequestSummary {
            outcome: RequestOutcome::Gone,
            status: 200,
            usage: Usage::default(),
            pictures: 0,
            stream: false,
            first: None,
            whole: Duration::ZERO,
        };
        RequestGuard { metrics, observer, begun: Instant::now(), stage: RequestStage::Reading, heap: None, summary }
    }

    /// It is let in.
    pub fn admit(&mut self) {
        self.stage = RequestStage::Waiting;
        self.metrics.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// Some of the answer is there.
    pub fn answering(&mut self) {
        if self.stage == RequestStage::Waiting {
            let now = Instant::now();
            self.summary.first = Some(now - self.begun);
            self.stage = RequestStage::Answering { since: now };
            self.metrics.waiting.fetch_sub(1, Ordering::Relaxed);
            self.metrics.answering.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The response's status is an error's.
    pub fn set_status(&mut self, status: u16) {
        self.summary.status = status;
        self.summary.outcome = match status {
            429 | 503 => RequestOutcome::Busy,
            500.. => RequestOutcome::Failed,
            _ => RequestOutcome::Refused,
        };
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        let now = Instant::now();
        self.summary.whole = now - self.begun;
        let RequestSummary { outcome, status, usage, pictures, stream, first, whole } = self.summary;
        let Metrics { ended, prompt, cached, answer, waiting, answering, first_us, firsts, rest_us, rest_tokens } =
            &*self.metrics;
        let add = |counter: &AtomicU64, more: u64| counter.fetch_add(more, Ordering::Relaxed);
        add(&ended[outcome as usize], 1);
        add(prompt, usage.prompt.into());
        add(cached, usage.cached.into());
        add(answer, usage.answer.into());
        match self.stage {
            RequestStage::Reading => {}
            RequestStage::Waiting => drop(waiting.fetch_sub(1, Ordering::Relaxed)),
            RequestStage::Answering { since } => {
                answering.fetch_sub(1, Ordering::Relaxed);
                if usage.answer > 1 {
                    add(rest_us, (now - since).as_micros() as u64);
                    add(rest_tokens, u64::from(usage.answer) - 1);
                }
            }
        }
        if let Some(first) = first {
            add(first_us, first.as_micros() as u64);
            add(firsts, 1);
        }
        let first_ms = first.map(|first| first.as_millis() as u64);
        tracing::info!(
            outcome = outcome.name(),
            status,
            prompt = usage.prompt,
            cached = usage.cached,
            answer = usage.answer,
            pictures,
            stream,
            first_ms,
            ms = whole.as_millis() as u64,
            "a request"
        );
        if let Some(observer) = &self.observer {
            observer(&self.summary);
        }
        if let Some(heap) = &self.heap {
            heap.give_back();
        }
    }
}
