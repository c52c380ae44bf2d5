//! One attempt at a case: a fresh device, a model, budgets, a verdict, and a page of it.

use std::convert::Infallible;
use std::fs::File;
use std::future::Future;
use std::io::{self, BufWriter, Write as _};
use std::mem;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use tapwright_agent::apis::Registry;
use tapwright_agent::journal::{Entry, EventLine, Line, Record, private_file};
use tapwright_agent::outcome::Outcome;
use tapwright_agent::person::Nobody;
use tapwright_agent::secrets::Secrets;
use tapwright_agent::stop::{Stop, stop};
use tapwright_contract::model::{Model, ModelError, ModelErrorKind, Prompt, Reply};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::time::Instant;

use super::{AttemptEnd, AttemptId, BenchRun, Budgets, Ledger, Status};
use crate::device::{Device, DeviceError, DeviceOptions};
use crate::judge::{Assessment, Evaluator, Evidence, Fact, Facts, JudgingError, Verdict};
use crate::model::{self, LoadedModel, ModelOptions, ModelSource};
use crate::origin::LaunchSettings;
use crate::page::{self, PageRun};
use crate::record::plainly;
use crate::run::{
    Judgement, Participants, RunError, RunLocation, RunOptions, RunReport, RunTask, Watch, add_device_apis, run,
};
use crate::suite::Case;

/// Where an attempt's model comes from.
#[derive(Clone)]
pub enum ModelSupply {
    /// Opened for each attempt.
    Fresh(Arc<ModelOptions>),
    /// One for all, who ask it in turns.
    Shared(SharedModel),
}

/// A model that several attempts ask.
#[derive(Clone)]
pub struct SharedModel {
    name: String,
    model: Arc<AsyncMutex<Box<dyn Model>>>,
    opened: Arc<(crate::profile::Profiles, String)>,
    /// How long it may take to answer, once it is asked.
    think: Duration,
}

impl ModelSupply {
    /// Of a model that is open: it is asked by all where opening it costs something.
    pub fn of(opened: LoadedModel, options: Option<&ModelOptions>) -> ModelSupply {
        let is_cheap = |options: &&ModelOptions| !matches!(options.source, ModelSource::Folder(_));
        match options.filter(is_cheap) {
            Some(options) => ModelSupply::Fresh(Arc::new(options.clone())),
            None => {
                let LoadedModel { model, profiles, about } = opened;
                let name = model.name().to_owned();
                let model = Arc::new(AsyncMutex::new(model));
                let opened = Arc::new((profiles, about));
                ModelSupply::Shared(SharedModel { name, model, opened, think: Duration::MAX })
            }
        }
    }

    /// The model of an attempt. What replies it has given before counts only where they are drawn: the same attempt draws the same.
    async fn model(&self, draw: usize, think: Duration) -> Result<LoadedModel, String> {
        match self {
            ModelSupply::Fresh(options) => {
                let heard = if options.source == ModelSource::Taps { draw } else { 0 };
                let options = ModelOptions { heard, ..(**options).clone() };
                model::open(&options, |_| {}).await.map_err(|error| error.to_string())
            }
            ModelSupply::Shared(shared) => {
                let (profiles, about) = (*shared.opened).clone();
                Ok(LoadedModel { model: Box::new(SharedModel { think, ..shared.clone() }), profiles, about })
            }
        }
    }

    /// Whether it may leave out how many tokens it has read and written.
    fn may_leave_out_tokens(&self) -> bool {
        matches!(self, ModelSupply::Fresh(options) if matches!(options.source, ModelSource::Server { .. }))
    }
}

#[async_trait]
impl Model for SharedModel {
    fn name(&self) -> &str {
        &self.name
    }

    async fn reply(&mut self, prompt: &Prompt, within: Duration) -> Result<Reply, ModelError> {
        // Waiting for its turn is no thinking: `within` has room for that too.
        let mut model = self.model.lock().await;
        let think = self.think.min(within);
        match tokio::time::timeout(think, model.reply(prompt, think)).await {
            Ok(reply) => reply,
            Err(_) => Err(ModelError { model: self.name.clone(), kind: ModelErrorKind::TimedOut { within: think } }),
        }
    }
}

/// What an attempt tells while it goes on.
pub(super) enum AttemptProgress {
    Step(u32),
}

/// An attempt that is over, and the error after which nothing more is to be done.
pub(super) struct AttemptOutcome {
    pub end: AttemptEnd,
    pub broke: Option<RunError>,
}

/// An attempt that is to be made.
pub(super) struct Attempt {
    case: Arc<Case>,
    id: AttemptId,
    run: String,
    folder: PathBuf,
    started: u64,
    options: DeviceOptions,
    rules: RunOptions,
    budgets: Budgets,
    /// Whether the minutes are the case's own.
    has_own_minutes: bool,
    judge: Duration,
    /// Whether a goal of no kind that the model was trained for is given up without asking it.
    refuses_untrained: bool,
    /// How much longer than all of its limits an attempt may take to end, before it is left alone.
    grace: Duration,
    models: ModelSupply,
    think: Duration,
    draw: usize,
    stop: Stop,
    state: AttemptState,
}

/// How far an attempt has come: what it was at when it broke says whose error it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum AttemptStage {
    #[default]
    Setup,
    Work,
    Judging {
        since: Instant,
    },
}

/// Why an attempt was ended from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
enum EndReason {
    Somebody,
    Minutes(u32),
    Tokens(u64),
    /// The tokens have a limit, and nobody says how many there are.
    UncountedTokens,
    /// The device says that the task is over.
    Over,
}

/// What the parts of an attempt tell each other.
#[derive(Clone, Default)]
pub(super) struct AttemptState {
    stage: Arc<Mutex<AttemptStage>>,
    ending: Arc<Mutex<Option<EndReason>>>,
    /// What went wrong with whoever judges.
    judge_error: Arc<Mutex<Option<JudgeError>>>,
    goal: Arc<Mutex<String>>,
    tokens: Arc<Mutex<(u64, u64)>>,
    device: Arc<Mutex<Option<String>>>,
}

fn load<T: Clone>(of: &Mutex<T>) -> T {
    of.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn store<T>(of: &Mutex<T>, value: T) {
    *of.lock().unwrap_or_else(PoisonError::into_inner) = value;
}

impl AttemptState {
    fn at(&self, stage: AttemptStage) {
        store(&self.stage, stage);
    }

    fn stage(&self) -> AttemptStage {
        load(&self.stage)
    }

    /// Whether it has been judged for longer than that: then it computes, and nothing in it can end it.
    pub fn is_judged_longer_than(&self, within: Duration) -> bool {
        matches!(self.stage(), AttemptStage::Judging { since } if since.elapsed() > within)
    }

    /// The first reason counts.
    fn end(&self, why: EndReason) {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }
}

impl Attempt {
    pub fn new(
        plan: &BenchRun<'_>,
        ledger: &Ledger,
        case: Arc<Case>,
        id: AttemptId,
        run: String,
        models: &ModelSupply,
        stop: Stop,
    ) -> Attempt {
        // Each device has weather of its own.
        let mut weather = plan.device.weather.clone();
        weather.seed = weather.seed.wrapping_add(case.id.seed);
        let options = DeviceOptions { at: case.device.clone(), weather, ..plan.device.clone() };
        let mut rules = plan.rules.clone();
        rules.limits.steps_max =
            case.limits.steps_max.map_or(rules.limits.steps_max, |own| own.min(rules.limits.steps_max));
        let think = rules.limits.think;
        if let ModelSupply::Shared(_) = models {
            // Each waits for its turn, and all others may be before it.
            let askers = u32::try_from(plan.parallel.max(1)).unwrap_or(u32::MAX);
            rules.limits.think = think.saturating_mul(askers);
        }
        let header = &ledger.records.header;
        let budgets = Budgets {
            minutes: [case.limits.minutes, header.budgets.minutes].into_iter().flatten().min(),
            ..header.budgets
        };
        let number = header.cases.iter().position(|known| *known == id.case).unwrap_or(0);
        Attempt {
            draw: (number * 1009 + usize::try_from(id.repeat).unwrap_or(0)) << 12,
            folder: ledger.folder.clone(),
            started: (plan.now)(),
            has_own_minutes: case.limits.minutes.is_some_and(|own| header.budgets.minutes.is_none_or(|all| own <= all)),
            judge: plan.judge,
            refuses_untrained: header.refuses_untrained,
            grace: plan.grace,
            models: models.clone(),
            think,
            state: AttemptState::default(),
            case,
            id,
            run,
            options,
            rules,
            budgets,
            stop,
        }
    }

    /// What it tells of itself, for whoever has to do without its end.
    pub fn state(&self) -> AttemptState {
        self.state.clone()
    }

    /// Makes it. Nothing that goes wrong in it goes beyond it.
    pub fn make(self, news: mpsc::UnboundedSender<AttemptProgress>) -> impl Future<Output = AttemptOutcome> + Send {
        let shared = self.state.clone();
        store(&shared.goal, self.case.goal.clone());
        async move {
            // What is around the work has limits of its own.
            let around = self.options.connect.saturating_add(self.judge).saturating_add(self.grace);
            let minutes = self.budgets.minutes.map(|minutes| Duration::from_secs(u64::from(minutes) * 60));
            let within = minutes.map(|minutes| minutes.saturating_add(around));
            let work = AssertUnwindSafe(self.work(&shared, news)).catch_unwind();
            let result = match within {
                Some(within) => tokio::time::timeout(within, work).await.map_err(|_| "it did not end in time"),
                None => Ok(work.await),
            };
            match result {
                Ok(Ok(result)) => self.finished(&shared, result).await,
                Ok(Err(_)) => self.broken_off(&shared, "it broke: a mistake of the program's, or of a suite's"),
                Err(why) => self.broken_off(&shared, why),
            }
        }
    }

    async fn work(
        &self,
        shared: &AttemptState,
        news: mpsc::UnboundedSender<AttemptProgress>,
    ) -> Result<RunReport, AttemptError> {
        let mut opened = self.models.model(self.draw, self.think).await.map_err(AttemptError::Model)?;
        let (stopper, stopped) = stop();
        let mut device = Device::open(&self.options).await.map_err(RunError::Device)?;
        store(&shared.device, Some(device.rig.driver.name().to_owned()));
        let over = device.probe().task_over();
        let (ender, mut outside, limit) = (shared.clone(), self.stop.clone(), self.budgets.minutes);
        let for_watch = stopper.clone();
        // Ends with this attempt: it is dropped.
        let watchdog = async move {
            let minutes = async {
                match limit {
                    Some(minutes) => tokio::time::sleep(Duration::from_secs(u64::from(minutes) * 60)).await,
                    None => std::future::pending().await,
                }
            };
            let over = async {
                let said = match over {
                    Some(mut over) => over.wait_for(|over| *over).await.is_ok(),
                    None => false,
                };
                if !said {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                () = outside.stopped() => ender.end(EndReason::Somebody),
                () = over => ender.end(EndReason::Over),
                () = minutes => ender.end(EndReason::Minutes(limit.unwrap_or_default())),
            }
            stopper.stop();
            std::future::pending::<Infallible>().await
        };
        let tokens_max = self.budgets.tokens;
        let may_leave_out_tokens = self.models.may_leave_out_tokens();
        let watched = shared.clone();
        let mut watch = move |entry: &Entry| match &entry.line {
            Line::Decided(decided) => drop(news.send(AttemptProgress::Step(decided.step))),
            Line::Event(EventLine::Heard(reply)) => {
                let (mut tokens_in, mut tokens_out) = load(&watched.tokens);
                tokens_in += u64::from(reply.tokens_in);
                tokens_out += u64::from(reply.tokens_out);
                store(&watched.tokens, (tokens_in, tokens_out));
                if tokens_max.is_some() && may_leave_out_tokens && reply.tokens_in == 0 && reply.tokens_out == 0 {
                    watched.end(EndReason::UncountedTokens);
                    for_watch.stop();
                }
                if let Some(most) = tokens_max.filter(|most| tokens_in + tokens_out > *most) {
                    watched.end(EndReason::Tokens(most));
                    for_watch.stop();
                }
            }
            _ => {}
        };
        let result = tokio::select! {
            biased;
            result = self.run(&mut device, &mut opened, stopped, shared, &mut watch) => result,
            never = watchdog => match never {},
        };
        // It is our own, and gone anyway.
        let _ = device.close().await;
        result
    }

    async fn run(
        &self,
        device: &mut Device,
        opened: &mut LoadedModel,
        stop: Stop,
        shared: &AttemptState,
        watch: Watch<'_>,
    ) -> Result<RunReport, AttemptError> {
        let mut task = RunTask::from((*self.case).clone());
        if let Some(name) = self.case.goal_fact {
            let facts = device.facts().await.map_err(RunError::Device)?.unwrap_or_default();
            let missing = || RunError::Device(DeviceError::Start { why: format!("it does not say `{name}`") });
            task.goal = facts.get(name).cloned().ok_or_else(missing)?;
            store(&shared.goal, task.goal.clone());
        }
        let trained = opened.profiles.goals.as_ref();
        if self.refuses_untrained && trained.is_some_and(|trained| !trained.fits(&task.goal)) {
            *opened = model::infeasible();
        }
        let judged = WatchedEvaluator { inner: task.evaluator.clone(), within: self.judge, shared: shared.clone() };
        task.evaluator = task.evaluator.is_some().then(|| Arc::new(judged) as Arc<dyn Evaluator>);
        // What the device offers is part of the case; what whoever measures has registered is not.
        let mut own = mem::take(&mut device.rig.apis);
        let mut apis = Registry::default();
        add_device_apis(&mut apis, &mut own)?;
        let secrets = Secrets::default();
        let mut at_work = |entry: &Entry| {
            shared.at(AttemptStage::Work);
            watch(entry);
        };
        let company =
            Participants { person: &mut Nobody, apis: &mut apis, secrets: &secrets, stop, watch: &mut at_work };
        let place = RunLocation { runs: &self.folder, run: &self.run, started: self.started, seal: None };
        // Nobody goes on with a task of a suite: its device is gone with the process.
        Ok(run(&task, device, opened, &self.rules, &LaunchSettings::default(), place, company).await?)
    }

    async fn finished(&self, shared: &AttemptState, result: Result<RunReport, AttemptError>) -> AttemptOutcome {
        let end = |status, why: Option<String>| self.end(shared, status, why);
        let report = match result {
            Ok(report) => report,
            Err(AttemptError::Model(why)) => {
                return AttemptOutcome { end: end(Status::AgentError, Some(why)), broke: None };
            }
            Err(AttemptError::Run(error)) => {
                let why = Some(plainly(&*error));
                let is_record = matches!(
                    *error,
                    RunError::UnknownApp(_)
                        | RunError::Journal(_)
                        | RunError::Drive(_)
                        | RunError::UnwrittenOrigin { .. }
                        | RunError::Judgement { .. }
                );
                let status = match load(&shared.ending) {
                    Some(EndReason::Somebody) => Status::Cancelled,
                    Some(EndReason::Minutes(_) | EndReason::Tokens(_)) => Status::Timeout,
                    Some(EndReason::UncountedTokens) => Status::AgentError,
                    Some(EndReason::Over) | None => Status::SetupError,
                };
                return AttemptOutcome { end: end(status, why), broke: is_record.then_some(*error) };
            }
        };
        let verdict = report.judgement.verdict.clone();
        let (status, why) = self.status(&report.end.outcome, verdict.as_ref(), shared);
        let score = match (status, &verdict) {
            (Status::Scored, Some(Verdict::Passed)) => report.judgement.score.or(Some(1.0)),
            (Status::Scored, _) => report.judgement.score.or(Some(0.0)),
            _ => None,
        };
        let folder = report.folder.clone();
        // Reading the journal back and drawing pictures into a page blocks.
        let written = tokio::task::spawn_blocking(move || write_page(&folder)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(run = self.run, %error, "the page of the run was not written");
        }
        let end = AttemptEnd {
            score,
            source: report.judgement.source.filter(|_| score.is_some()),
            unasked: report.judgement.unasked,
            outcome: Some(report.end.outcome.id().to_owned()),
            steps: report.end.steps,
            ms: report.ms,
            is_certain: status == Status::EvaluatorError
                && load(&shared.judge_error).is_some_and(|error| error.is_certain),
            ..end(status, why)
        };
        AttemptOutcome { end, broke: None }
    }

    /// The end of an attempt that did not come back.
    fn broken_off(&self, shared: &AttemptState, why: &str) -> AttemptOutcome {
        let status = match (load(&shared.ending), shared.stage()) {
            (Some(EndReason::Somebody), _) => Status::Cancelled,
            (Some(EndReason::UncountedTokens), _) => Status::AgentError,
            (_, AttemptStage::Judging { .. }) => Status::EvaluatorError,
            (_, AttemptStage::Setup) => Status::SetupError,
            (Some(_), AttemptStage::Work) => Status::Timeout,
            (None, AttemptStage::Work) => Status::DeviceError,
        };
        AttemptOutcome { end: self.end(shared, status, Some(why.to_owned())), broke: None }
    }

    fn end(&self, shared: &AttemptState, status: Status, why: Option<String>) -> AttemptEnd {
        AttemptEnd { why, ..partial_end(&self.id, &self.run, shared, status, "") }
    }

    /// What came of a run, and why.
    fn status(&self, outcome: &Outcome, verdict: Option<&Verdict>, shared: &AttemptState) -> (Status, Option<String>) {
        match (outcome, load(&shared.ending)) {
            // What was used counts, whatever the last reply said.
            (_, Some(EndReason::Tokens(tokens))) => {
                return (Status::Timeout, Some(format!("more than {tokens} tokens (--tokens)")));
            }
            (_, Some(EndReason::UncountedTokens)) => {
                let why = "the model's server does not say how many tokens it counts: leave out --tokens";
                return (Status::AgentError, Some(why.to_owned()));
            }
            (Outcome::Stopped, Some(EndReason::Somebody)) => {
                return (Status::Cancelled, Some("somebody stopped it".to_owned()));
            }
            (Outcome::Stopped, Some(EndReason::Minutes(minutes))) => {
                let whose = if self.has_own_minutes { "the case's own limit" } else { "--minutes" };
                return (Status::Timeout, Some(format!("no end within {minutes} min ({whose})")));
            }
            (Outcome::DeviceLost { why }, _) => return (Status::DeviceError, Some(why.clone())),
            _ => {}
        }
        if let Some(error) = load(&shared.judge_error) {
            return (Status::EvaluatorError, Some(error.why));
        }
        match (verdict, outcome) {
            (Some(Verdict::Passed), _) => (Status::Scored, None),
            (Some(Verdict::Failed { why }), _) => (Status::Scored, Some(why.clone())),
            (Some(Verdict::Void { why }), Outcome::ModelFailed { .. }) => (Status::AgentError, Some(why.clone())),
            (Some(Verdict::Void { why }), _) => (Status::EvaluatorError, Some(why.clone())),
            (None, _) => (Status::EvaluatorError, Some("nobody judged it".to_owned())),
        }
    }
}

/// The end of an attempt that goes on without an end.
pub(super) fn partial_end(id: &AttemptId, run: &str, state: &AttemptState, status: Status, why: &str) -> AttemptEnd {
    let (tokens_in, tokens_out) = load(&state.tokens);
    let device = load(&state.device);
    AttemptEnd { status, tokens_in, tokens_out, device, ..blank_end(id, run, &load(&state.goal), why) }
}

/// The end of an attempt of which nothing else is known.
pub(super) fn blank_end(id: &AttemptId, run: &str, goal: &str, why: &str) -> AttemptEnd {
    AttemptEnd {
        id: id.clone(),
        status: Status::SetupError,
        score: None,
        source: None,
        why: Some(why.to_owned()),
        unasked: false,
        is_certain: false,
        outcome: None,
        steps: 0,
        ms: 0,
        tokens_in: 0,
        tokens_out: 0,
        goal: goal.to_owned(),
        run: run.to_owned(),
        device: None,
    }
}

/// Why an attempt has no report.
enum AttemptError {
    Model(String),
    Run(Box<RunError>),
}

impl From<RunError> for AttemptError {
    fn from(error: RunError) -> AttemptError {
        AttemptError::Run(Box::new(error))
    }
}

/// Why nobody could judge.
#[derive(Clone, Debug)]
struct JudgeError {
    why: String,
    /// Whether another attempt would end with the same.
    is_certain: bool,
}

/// An evaluator that may hang or break: what comes of that is an error of its own, and no verdict.
#[derive(Clone)]
struct WatchedEvaluator {
    inner: Option<Arc<dyn Evaluator>>,
    within: Duration,
    shared: AttemptState,
}

impl std::fmt::Debug for WatchedEvaluator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.inner)
    }
}

#[async_trait]
impl Evaluator for WatchedEvaluator {
    fn expected_facts(&self) -> Vec<Fact> {
        self.inner.as_ref().map_or_else(Vec::new, |inner| inner.expected_facts())
    }

    async fn evaluate(&self, evidence: Evidence<'_>) -> Result<Option<String>, JudgingError> {
        Ok(self.assess(evidence).await?.against)
    }

    async fn assess(&self, evidence: Evidence<'_>) -> Result<Assessment, JudgingError> {
        self.shared.at(AttemptStage::Judging { since: Instant::now() });
        let failed = |error: JudgingError, is_certain: bool| {
            let why = error.to_string();
            store(&self.shared.judge_error, Some(JudgeError { why, is_certain }));
            Err(error)
        };
        let Some(inner) = &self.inner else { return failed(JudgingError::evaluator("nobody judges it"), false) };
        let judging = AssertUnwindSafe(inner.assess(evidence)).catch_unwind();
        let judging = tokio::time::timeout(self.within, judging);
        let runtime = Handle::current();
        let judged = match runtime.runtime_flavor() {
            // One that computes and never waits keeps its thread: so it has one, and the others go on.
            RuntimeFlavor::MultiThread => tokio::task::block_in_place(|| runtime.block_on(judging)),
            _ => judging.await,
        };
        match judged {
            Ok(Ok(Ok(verdict))) => Ok(verdict),
            Ok(Ok(Err(error))) => failed(error, inner.is_faulty()),
            Ok(Err(_)) => {
                failed(JudgingError::evaluator("it broke while it judged: a mistake in the evaluator"), false)
            }
            // An attempt before this one may have found a mistake; how this one would have ended is not known.
            Err(_) => {
                failed(JudgingError::evaluator(format!("it did not judge within {} s", self.within.as_secs())), false)
            }
        }
    }

    fn is_unasked(&self, start: &Facts, end: &Facts) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.is_unasked(start, end))
    }

    fn needs_facts(&self) -> bool {
        self.inner.as_ref().is_none_or(|inner| inner.needs_facts())
    }

    fn judges_stopped(&self, end: &Facts) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.judges_stopped(end))
    }
}

/// What the page of an attempt is called, in its folder.
pub(super) const PAGE: &str = "page.html";

/// Writes the page of a run beside its journal.
pub(super) fn write_page(folder: &Path) -> io::Result<()> {
    let record = Record::read(folder).map_err(io::Error::other)?;
    let judgement = Judgement::read(folder)?;
    let mut out = BufWriter::new(private_file(&folder.join(PAGE))?);
    let run = PageRun { record: &record, judgement: judgement.as_ref(), when: String::new() };
    page::write(None, &[run], &mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error).and_then(|mut file: File| file.flush())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::RecordedProbe;

    /// Has found a mistake in its case at some attempt.
    #[derive(Debug)]
    struct FaultyEvaluator {
        hangs: bool,
    }

    #[async_trait]
    impl Evaluator for FaultyEvaluator {
        fn expected_facts(&self) -> Vec<Fact> {
            Vec::new()
        }

        async fn evaluate(&self, _: Evidence<'_>) -> Result<Option<String>, JudgingError> {
            if self.hangs {
                std::future::pending::<()>().await;
            }
            Err(JudgingError::evaluator("its rule says nothing"))
        }

        fn is_faulty(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn only_an_attempt_that_ended_with_the_mistake_of_a_case_is_certain() {
        for (hangs, expected) in [(false, true), (true, false)] {
            let shared = AttemptState::default();
            let inner: Option<Arc<dyn Evaluator>> = Some(Arc::new(FaultyEvaluator { hangs }));
            let within = Duration::from_millis(20);
            let watched = WatchedEvaluator { inner, within, shared: shared.clone() };
            let (facts, outcome) = (Facts::new(), Outcome::OutOfSteps);
            let mut probe = RecordedProbe(&facts);
            let evidence = Evidence { start: &facts, end: &facts, outcome: &outcome, probe: &mut probe, folder: None };
            watched.assess(evidence).await.unwrap_err();
            let error = load(&shared.judge_error).unwrap();
            assert_eq!(error.is_certain, expected, "hangs: {hangs}, {}", error.why);
        }
    }
}
