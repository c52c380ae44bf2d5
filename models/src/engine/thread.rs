//! The thread that computes: it takes several answers forward in turns, a step of each after the other.
//!
//! A fault in one answer ends that answer and nothing else: a panic within a step is caught, the answer's conversation is thrown
//! away, and the others go on. If the engine itself is what broke, it is opened anew on the same thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tapwright_contract::model::ModelErrorKind;
use tokio::sync::mpsc;

use super::interrupt::Interrupt;
use super::run::{NO_ROOM, StepOutput};
use crate::request::{AnswerError, AnswerEvent, Usage};

/// Why an answer cannot begin.
#[derive(Debug)]
pub enum BeginError<R> {
    /// It has to wait until another one ends.
    Busy(Box<R>),
    /// There is no memory for it; when another one ends, there may be.
    NoMemory(Box<R>, String),
    Failed(ModelErrorKind),
}

/// A request, and where its answer goes.
pub struct Job<R> {
    pub request: R,
    pub events: mpsc::Sender<Result<AnswerEvent, AnswerError>>,
    pub interrupt: Arc<Interrupt>,
}

/// How an engine is, as whoever asks from outside sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineHealth {
    pub state: HealthState,
    /// Answers under way.
    pub answering: u32,
    /// Steps that were taken since it was opened: as long as they grow, it computes.
    pub steps: u64,
    /// What the caches of its conversations hold.
    pub cache_bytes: u64,
    /// Answers that ended because something broke.
    pub faults: u64,
    /// How often the engine was opened anew.
    pub restarts: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthState {
    Ready,
    /// It broke, and is being opened anew.
    Restarting,
    /// It broke and could not be opened anew; the next request tries again.
    Failed {
        why: String,
    },
    /// Its thread has ended.
    Stopped,
}

/// What the thread says of itself, and is told.
pub struct Status {
    state: Mutex<HealthState>,
    answering: AtomicU32,
    steps: AtomicU64,
    cache_bytes: AtomicU64,
    faults: AtomicU64,
    restarts: AtomicU64,
    /// Whether it is to end, and the answers under way with it.
    pub stopping: AtomicBool,
}

impl Default for Status {
    fn default() -> Status {
        Status {
            state: Mutex::new(HealthState::Ready),
            answering: AtomicU32::new(0),
            steps: AtomicU64::new(0),
            cache_bytes: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
        }
    }
}

impl Status {
    pub fn health(&self) -> EngineHealth {
        EngineHealth {
            state: self.state.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            answering: self.answering.load(Ordering::Relaxed),
            steps: self.steps.load(Ordering::Relaxed),
            cache_bytes: self.cache_bytes.load(Ordering::Relaxed),
            faults: self.faults.load(Ordering::Relaxed),
            restarts: self.restarts.load(Ordering::Relaxed),
        }
    }

    pub fn set(&self, state: HealthState) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

/// What computes answers, as its thread sees it.
pub trait Worker {
    type Request;
    type Answer;

    /// How many answers may be under way at once.
    fn answers_max(&self) -> usize;

    /// Begins an answer.
    fn begin(
        &mut self,
        request: Self::Request,
        interrupt: Arc<Interrupt>,
    ) -> Result<Self::Answer, BeginError<Self::Request>>;

    /// Takes it forward.
    fn step(&mut self, answer: &mut Self::Answer) -> Result<StepOutput, ModelErrorKind>;

    /// What it took so far.
    fn usage(&self, answer: &Self::Answer) -> Usage;

    /// What all conversations hold in memory.
    fn cache_bytes(&self) -> usize;

    /// It is over. What it computed is kept for later ones only if it is to be trusted.
    fn release(&mut self, answer: &Self::Answer, keep: bool);
}

/// Serves until nobody can ask any more; opens another worker whenever one breaks.
pub fn run<W: Worker>(
    worker: W,
    mut reopen: impl FnMut() -> Result<W, String>,
    mut jobs: mpsc::Receiver<Job<W::Request>>,
    status: &Status,
) {
    let mut worker = Some(worker);
    loop {
        if let Some(running) = &mut worker {
            let Err(panic) = catch_unwind(AssertUnwindSafe(|| serve(running, &mut jobs, status))) else {
                return;
            };
            status.answering.store(0, Ordering::Relaxed);
            status.faults.fetch_add(1, Ordering::Relaxed);
            status.set(HealthState::Restarting);
            tracing::error!(why = panic_message(&*panic), "the engine broke and is opened anew");
            // What is broken may break again while it is put away.
            let broken = worker.take();
            let _ = catch_unwind(AssertUnwindSafe(move || drop(broken)));
        }
        match catch_unwind(AssertUnwindSafe(&mut reopen)).unwrap_or_else(|panic| Err(panic_message(&*panic).to_owned()))
        {
            Ok(opened) => {
                status.restarts.fetch_add(1, Ordering::Relaxed);
                status.set(HealthState::Ready);
                worker = Some(opened);
            }
            Err(why) => {
                tracing::error!(why, "the engine could not be opened anew");
                status.set(HealthState::Failed { why: why.clone() });
                // Whoever asks next hears why, and it is tried again.
                let Some(job) = jobs.blocking_recv() else { return };
                let why = format!("the engine broke and could not be opened anew: {why}");
                send(&job.events, Err(ModelErrorKind::Unavailable { why, retry_after: None }.into()));
            }
        }
    }
}

/// An answer under way, and where it goes.
struct Active<A> {
    answer: A,
    events: mpsc::Sender<Result<AnswerEvent, AnswerError>>,
    interrupt: Arc<Interrupt>,
}

/// Answers whoever asks, a step of each answer after the other.
fn serve<W: Worker>(worker: &mut W, jobs: &mut mpsc::Receiver<Job<W::Request>>, status: &Status) {
    let mut active: Vec<Active<W::Answer>> = Vec::new();
    let mut waiting: Option<Job<W::Request>> = None;
    loop {
        while active.len() < worker.answers_max().max(1) && !status.is_stopping() {
            let job = match waiting.take() {
                Some(job) => Some(job),
                None if active.is_empty() => match jobs.blocking_recv() {
                    Some(job) => Some(job),
                    None => return,
                },
                None => jobs.try_recv().ok(),
            };
            let Some(job) = job else { break };
            if job.events.is_closed() {
                continue; // It was given up while it waited.
            }
            match begin(worker, job, !active.is_empty(), status) {
                BeginOutcome::Active(one) => active.push(one),
                BeginOutcome::Waits(job) => {
                    waiting = Some(job);
                    break;
                }
                BeginOutcome::Refused => {}
            }
        }
        active.retain_mut(|one| step(worker, one, status));
        status.cache_bytes.store(worker.cache_bytes() as u64, Ordering::Relaxed);
        if status.is_stopping() && active.is_empty() {
            return;
        }
    }
}

/// What became of a request whose turn it was.
enum BeginOutcome<A, R> {
    Active(Active<A>),
    /// It has to wait for one of the others to end.
    Waits(Job<R>),
    /// Whoever asked has heard why.
    Refused,
}

/// Begins an answer.
fn begin<W: Worker>(
    worker: &mut W,
    Job { request, events, interrupt }: Job<W::Request>,
    others: bool,
    status: &Status,
) -> BeginOutcome<W::Answer, W::Request> {
    let begun = {
        let interrupt = interrupt.clone();
        catch_unwind(AssertUnwindSafe(|| worker.begin(request, interrupt)))
    };
    let error = match begun {
        Ok(Ok(answer)) => {
            status.answering.fetch_add(1, Ordering::Relaxed);
            return BeginOutcome::Active(Active { answer, events, interrupt });
        }
        // There is memory for fewer than there may be.
        Ok(Err(BeginError::Busy(request) | BeginError::NoMemory(request, _))) if others => {
            return BeginOutcome::Waits(Job { request: *request, events, interrupt });
        }
        Ok(Err(BeginError::Busy(_))) => ModelErrorKind::Unavailable { why: NO_ROOM.to_owned(), retry_after: None },
        Ok(Err(BeginError::NoMemory(_, error))) => {
            let why = format!("there is no memory for this conversation: {error}");
            ModelErrorKind::Unavailable { why, retry_after: None }
        }
        Ok(Err(BeginError::Failed(kind))) => kind,
        Err(panic) => {
            status.faults.fetch_add(1, Ordering::Relaxed);
            fault(&*panic)
        }
    };
    send(&events, Err(error.into()));
    BeginOutcome::Refused
}

/// Takes an answer a step forward; whether there is more to do.
fn step<W: Worker>(
    worker: &mut W,
    Active { answer, events, interrupt }: &mut Active<W::Answer>,
    status: &Status,
) -> bool {
    if events.is_closed() || status.is_stopping() {
        tracing::debug!("an answer was given up");
        worker.release(answer, true);
        status.answering.fetch_sub(1, Ordering::Relaxed);
        return false;
    }
    let stepped = catch_unwind(AssertUnwindSafe(|| worker.step(answer)));
    status.steps.fetch_add(1, Ordering::Relaxed);
    match stepped {
        Ok(Ok(StepOutput { text, end })) => {
            let usage = worker.usage(answer);
            if !text.is_empty() {
                send(events, Ok(AnswerEvent::Delta { text, usage }));
            }
            let Some(why) = end else { return true };
            // First the conversation is free, then its reader hears that it is.
            worker.release(answer, true);
            status.answering.fetch_sub(1, Ordering::Relaxed);
            send(events, Ok(AnswerEvent::Done { why, usage }));
            false
        }
        // What was computed before is as good as ever.
        Ok(Err(_)) if interrupt.is_interrupted() => {
            tracing::debug!("an answer was given up within a step");
            worker.release(answer, true);
            status.answering.fetch_sub(1, Ordering::Relaxed);
            false
        }
        Ok(Err(kind)) => {
            let ours = matches!(kind, ModelErrorKind::Fatal { .. });
            if ours {
                status.faults.fetch_add(1, Ordering::Relaxed);
            }
            worker.release(answer, !ours);
            status.answering.fetch_sub(1, Ordering::Relaxed);
            send(events, Err(kind.into()));
            false
        }
        Err(panic) => {
            status.faults.fetch_add(1, Ordering::Relaxed);
            tracing::error!(why = panic_message(&*panic), "an answer ended by a fault");
            status.answering.fetch_sub(1, Ordering::Relaxed);
            send(events, Err(fault(&*panic).into()));
            worker.release(answer, false);
            false
        }
    }
}

fn fault(panic: &(dyn Any + Send)) -> ModelErrorKind {
    ModelErrorKind::Fatal {
        why: format!("a fault of this program ended the answer; please report it: {}", panic_message(panic)),
    }
}

/// What a panic says.
fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}

/// There is room for every piece of an answer, so it is only lost when nobody wants it.
fn send(events: &mpsc::Sender<Result<AnswerEvent, AnswerError>>, event: Result<AnswerEvent, AnswerError>) {
    let _ = events.try_send(event);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc as sync;
    use std::time::Duration;

    use super::*;
    use crate::request::FinishReason;

    /// What a fake answer does at its third step.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Script {
        Good,
        PanicsInBegin,
        PanicsInStep,
        /// Its conversation breaks whoever throws it away.
        BreaksTheWorker,
        Refused,
        Broken,
        /// It has no third step: it goes on as it began.
        Endless,
    }

    struct Fake {
        answers_max: usize,
        under_way: usize,
        released: sync::Sender<(Script, bool)>,
    }

    impl Worker for Fake {
        type Request = Script;
        type Answer = (Script, u32);

        fn answers_max(&self) -> usize {
            self.answers_max
        }

        fn begin(&mut self, script: Script, _: Arc<Interrupt>) -> Result<(Script, u32), BeginError<Script>> {
            assert!(script != Script::PanicsInBegin, "no beginning");
            if self.under_way == 2 {
                return Err(BeginError::Busy(Box::new(script)));
            }
            self.under_way += 1;
            Ok((script, 0))
        }

        fn step(&mut self, (script, steps): &mut (Script, u32)) -> Result<StepOutput, ModelErrorKind> {
            *steps += 1;
            if *steps < 3 || *script == Script::Endless {
                return Ok(StepOutput { text: "x".to_owned(), end: None });
            }
            match script {
                Script::Good => Ok(StepOutput { text: String::new(), end: Some(FinishReason::Length) }),
                Script::Refused => Err(ModelErrorKind::InvalidPrompt { why: "no".to_owned() }),
                Script::Broken => Err(ModelErrorKind::Fatal { why: "NaN".to_owned() }),
                _ => panic!("no third step"),
            }
        }

        fn usage(&self, (_, steps): &(Script, u32)) -> Usage {
            Usage { answer: *steps, ..Usage::default() }
        }

        fn cache_bytes(&self) -> usize {
            self.under_way
        }

        fn release(&mut self, (script, _): &(Script, u32), keep: bool) {
            self.under_way -= 1;
            let _ = self.released.send((*script, keep));
            assert!(*script != Script::BreaksTheWorker, "it breaks");
        }
    }

    struct Running {
        queue: mpsc::Sender<Job<Script>>,
        released: sync::Receiver<(Script, bool)>,
        status: Arc<Status>,
        opened: Arc<AtomicUsize>,
        thread: std::thread::JoinHandle<()>,
    }

    /// `reopens` says how often the engine can be opened anew; after that it fails once, and then it can again.
    fn running(answers_max: usize, fails_at: usize) -> Option<Running> {
        crate::engine::runtime::load(&crate::library::for_tests()?).unwrap(); // Interrupts are the library's.
        let (queue, jobs) = mpsc::channel(64);
        let (told, released) = sync::channel();
        let (status, opened) = (Arc::new(Status::default()), Arc::new(AtomicUsize::new(0)));
        let (seen, count) = (status.clone(), opened.clone());
        let thread = std::thread::spawn(move || {
            let make = move || Fake { answers_max, under_way: 0, released: told.clone() };
            let first = make();
            let reopen = move || match count.fetch_add(1, Ordering::SeqCst) {
                at if at == fails_at => Err("the folder is gone".to_owned()),
                _ => Ok(make()),
            };
            run(first, reopen, jobs, &seen);
        });
        Some(Running { queue, released, status, opened, thread })
    }

    impl Running {
        fn ask(&self, script: Script) -> mpsc::Receiver<Result<AnswerEvent, AnswerError>> {
            let (events, answer) = mpsc::channel(16);
            let interrupt = Arc::new(Interrupt::new().unwrap());
            self.queue.blocking_send(Job { request: script, events, interrupt }).unwrap();
            answer
        }

        fn end(self) {
            drop(self.queue);
            self.thread.join().expect("the thread never dies of a fault");
        }
    }

    /// The text, and how it ended: nothing where it broke off.
    fn whole(
        mut answer: mpsc::Receiver<Result<AnswerEvent, AnswerError>>,
    ) -> (String, Option<Result<FinishReason, String>>) {
        let mut text = String::new();
        loop {
            match answer.blocking_recv() {
                Some(Ok(AnswerEvent::Delta { text: more, .. })) => text += &more,
                Some(Ok(AnswerEvent::Done { why, .. })) => return (text, Some(Ok(why))),
                Some(Err(error)) => return (text, Some(Err(error.to_string()))),
                None => return (text, None),
            }
        }
    }

    fn good() -> (String, Option<Result<FinishReason, String>>) {
        ("xx".to_owned(), Some(Ok(FinishReason::Length)))
    }

    #[test]
    fn a_fault_in_one_answer_ends_that_answer_and_nothing_else() {
        let Some(running) = running(4, usize::MAX) else { return };
        for (script, words, kept) in [
            (Script::PanicsInStep, "no third step", Some(false)),
            (Script::PanicsInBegin, "no beginning", None),
            (Script::Refused, "no", Some(true)),
            (Script::Broken, "NaN", Some(false)),
        ] {
            let beside = running.ask(Script::Good);
            let broken = whole(running.ask(script)).1.unwrap().unwrap_err();
            assert!(broken.contains(words), "{broken}");
            assert_eq!(whole(beside), good(), "the answer beside it");
            assert_eq!(whole(running.ask(Script::Good)), good(), "the next answer");
            let released: Vec<_> = running.released.try_iter().filter(|(what, _)| *what != Script::Good).collect();
            assert_eq!(released.first().map(|(_, kept)| *kept), kept, "whether its conversation is kept");
            assert_eq!(running.status.health().state, HealthState::Ready);
        }
        assert_eq!(running.status.health().faults, 3);
        assert_eq!(running.opened.load(Ordering::SeqCst), 0);
        running.end();
    }

    #[test]
    fn an_engine_that_breaks_is_opened_anew_and_says_so() {
        let Some(running) = running(4, 1) else { return };
        let (text, ended) = whole(running.ask(Script::BreaksTheWorker));
        assert!(text == "xx" && ended.is_some(), "it hears of the fault: {ended:?}");
        assert_eq!(whole(running.ask(Script::Good)), good());
        let health = running.status.health();
        assert_eq!((health.state, health.restarts), (HealthState::Ready, 1));

        // Now it cannot be opened: the next one hears why, and the one after that is answered.
        whole(running.ask(Script::BreaksTheWorker));
        let refused = whole(running.ask(Script::Good)).1.unwrap().unwrap_err();
        assert!(refused.contains("the folder is gone"), "{refused}");
        assert_eq!(whole(running.ask(Script::Good)), good());
        assert_eq!(running.status.health().restarts, 2);
        running.end();
    }

    #[test]
    fn whoever_finds_no_room_waits_for_somebody_to_end() {
        let Some(running) = running(8, usize::MAX) else { return };
        let answers: Vec<_> = (0..20).map(|_| running.ask(Script::Good)).collect();
        for answer in answers {
            assert_eq!(whole(answer), good());
        }
        running.end();
    }

    #[test]
    fn a_thread_that_is_stopped_leaves_its_answers() {
        let Some(running) = running(1, usize::MAX) else { return };
        let (mut under_way, waiting) = (running.ask(Script::Endless), running.ask(Script::Good));
        assert!(matches!(under_way.blocking_recv(), Some(Ok(AnswerEvent::Delta { .. }))), "it is under way");
        running.status.stopping.store(true, Ordering::SeqCst);
        let Running { queue, thread, released, .. } = running;
        drop(queue);
        let (ended, end) = sync::channel();
        std::thread::spawn(move || ended.send(thread.join().is_ok()));
        assert_eq!(end.recv_timeout(Duration::from_secs(10)), Ok(true), "it ends");
        assert_eq!(released.try_iter().collect::<Vec<_>>(), [(Script::Endless, true)]);
        assert_eq!(
            (whole(under_way).1, whole(waiting)),
            (None, (String::new(), None)),
            "neither was told that it is done"
        );
    }
}
