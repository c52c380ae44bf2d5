//! A device and a suite that nobody here knew of are run, judged and told as those that came with the program: each is a file,
//! and a line where it is used.

#[path = "toys/canvas.rs"]
mod canvas;
#[path = "toys/rigs.rs"]
mod rigs;
#[path = "toys/suite.rs"]
mod suite;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tapwright_contract::model::{Model, ModelError, Prompt, Reply};
use tapwright_drivers::{OpenRig, Probe, Rig};
use tapwright_models::scripted::{AtEnd, Scripted};
use tapwright_tasks::bench::rescore::rescore;
use tapwright_tasks::bench::summary::Summary;
use tapwright_tasks::bench::{
    AttemptId, BenchOutcome, BenchProgress, BenchRun, Budgets, Ledger, LedgerHeader, LedgerLine, ModelSupply, Status,
    bench, table,
};
use tapwright_tasks::device::{CustomDevice, Device, DeviceAddress, DeviceOptions, FunctionOwners, Keys, Weather};
use tapwright_tasks::judge::{Evaluator, Evidence, Fact, Facts, JudgingError, Verdict};
use tapwright_tasks::model::LoadedModel;
use tapwright_tasks::policy::Preset;
use tapwright_tasks::profile::Profiles;
use tapwright_tasks::run::RunOptions;
use tapwright_tasks::settings::default_limits;
use tapwright_tasks::suite::{Case, CaseNeeds, CaseSelection, Suite, case_ids, digest};
use tapwright_tasks::{DriverError, Touch, stop};

fn options(at: DeviceAddress) -> DeviceOptions {
    let second = Duration::from_secs(1);
    DeviceOptions {
        at,
        weather: Weather::calm(),
        connect: second,
        keys: Keys::default(),
        find_again: second,
        probe: second,
        words: false,
        app_functions: FunctionOwners::None,
    }
}

fn model(replies: &[&str]) -> LoadedModel {
    let replies = replies.iter().map(|action| format!("<think>.</think><answer>{action}</answer>")).collect();
    LoadedModel {
        model: Box::new(Scripted::new("toy", replies, AtEnd::Break)),
        profiles: Profiles::of_scripts(),
        about: "a script".to_owned(),
    }
}

const UPPER: &str = r#"do(action="Tap", element=[500,250])"#;
const CALL: &str = r#"do(action="Call_API", name="turn", arguments={"button": "lower"})"#;
const DONE: &str = r#"finish(message="It is on.")"#;

fn header(cases: &[Case], repeats: u32) -> LedgerHeader {
    let measurement = serde_json::json!({
        "program": "0", "cases": digest(cases), "selection": {"first": 0, "count": 3, "template": null},
        "limits": default_limits(), "policy": Preset::Trusting.policy(), "date": "2026-11-27", "weather": [], "weather_seed": 0,
        "model": {"about": "a script", "sha256": null, "sampled": false, "profile": "", "provider": "cpu"},
    });
    LedgerHeader {
        version: 1,
        suite: "toys".to_owned(),
        run: "r".to_owned(),
        model: "toy".to_owned(),
        started: 0,
        measurement: serde_json::from_value(measurement).unwrap(),
        cases: case_ids(cases),
        groups: BTreeMap::new(),
        repeats,
        apps: None,
        budgets: Budgets::default(),
        rigs: Vec::new(),
        evaluator: None,
        refuses_untrained: false,
    }
}

fn plan(cases: Vec<Case>, retries: u32) -> BenchRun<'static> {
    let rules = RunOptions {
        limits: default_limits(),
        policy: Preset::Trusting.policy(),
        touch: Touch { long_press: Duration::from_secs(2), swipe: Duration::from_millis(300) },
        date: "2026-11-27".to_owned(),
    };
    let device = options(cases[0].device.clone());
    BenchRun {
        cases,
        rules,
        device,
        retries,
        parallel: 1,
        judge: Duration::from_millis(300),
        grace: Duration::from_secs(60),
        agent_errors_max: 5,
        restarts_max: 1,
        start_interval: Duration::ZERO,
        now: &|| 0,
    }
}

fn toys() -> Vec<Case> {
    CaseSelection { first: 0, count: 3, template: None, only: Vec::new() }.cases(&suite::Toys).collect()
}

#[tokio::test]
async fn a_suite_on_a_device_of_its_own_is_run_and_judged() {
    let runs = tempfile::tempdir().unwrap();
    // The second case is done by an API of the device's; the third one is claimed, and only half of it is done.
    let models = ModelSupply::of(model(&[UPPER, DONE, CALL, DONE, UPPER, DONE]), None);
    let cases = toys();
    let mut ledger = Ledger::create(runs.path(), header(&cases, 1)).unwrap();
    let (_stopper, stop) = stop();
    let sitting = bench(plan(cases, 0), &mut ledger, models, stop, |_| {}).await.unwrap();
    assert_eq!(sitting, BenchOutcome::Finished);
    let (table, rows) = table(&ledger.records, runs.path());
    assert_eq!((table.all.passed, table.all.failed, table.all.void), (2, 1, 0), "{rows:#?}");
    let Verdict::Failed { why } = &rows[2].verdict else { panic!("{:?}", rows[2]) };
    assert_eq!(why, "`lower.on` should be `true` and is `false`");
    let journals = rows.iter().map(|row| std::fs::read_to_string(row.folder.join("journal.jsonl")).unwrap());
    let journals: Vec<String> = journals.collect();
    // What the device offers is offered in each case, and it is in each record.
    assert!(journals.iter().all(|journal| journal.lines().next().unwrap().contains(r#""apis":[{"name":"turn""#)));
    assert!(journals[1].contains("it is on") && !journals[1].contains("tap"), "{}", journals[1]);
    assert!(rows.iter().all(|row| row.folder.join("page.html").is_file()));
}

/// Judges nothing: it hangs, or breaks.
#[derive(Debug)]
struct BadSuite {
    panics: bool,
}

#[async_trait::async_trait]
impl Evaluator for BadSuite {
    fn expected_facts(&self) -> Vec<Fact> {
        Vec::new()
    }

    async fn evaluate(&self, _evidence: Evidence<'_>) -> Result<Option<String>, JudgingError> {
        assert!(!self.panics, "a mistake in it");
        std::future::pending().await
    }
}

/// A device that is not there as often as it says, and then is.
#[derive(Debug)]
struct LateSuite(std::sync::atomic::AtomicU32);

#[async_trait::async_trait]
impl OpenRig for LateSuite {
    fn name(&self) -> String {
        "late".to_owned()
    }

    async fn open(&self, within: Duration) -> Result<Rig, DriverError> {
        use std::sync::atomic::Ordering::Relaxed;
        if self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
            let kind = tapwright_contract::device::DriverErrorKind::Lost { why: "it is booting".to_owned() };
            return Err(DriverError { device: "late".to_owned(), operation: "open", kind });
        }
        canvas::Canvas.open(within).await
    }
}

/// No error of what is around the agent becomes a score, and only such are tried again, so often and no oftener.
#[tokio::test]
async fn an_error_is_no_score() {
    let runs = tempfile::tempdir().unwrap();
    let mut cases = toys();
    cases[0].evaluator = Arc::new(BadSuite { panics: true });
    cases[1].evaluator = Arc::new(BadSuite { panics: false });
    cases[2].device = DeviceAddress::Custom(CustomDevice(Arc::new(LateSuite(2.into()))));
    let mut ledger = Ledger::create(runs.path(), header(&cases, 1)).unwrap();
    let (_stopper, stop) = stop();
    // It is asked seven times: two cases are judged in vain three times each; one device is not there for its case, and not when it is
    // looked at for the first time.
    let models = ModelSupply::of(model(&[DONE; 7]), None);
    bench(plan(cases, 2), &mut ledger, models, stop, |_| {}).await.unwrap();
    let told: Vec<String> = ledger
        .records
        .results()
        .map(|(case, _, end)| {
            let end = end.unwrap();
            format!(
                "{case} {} {} {:?} {}",
                end.id.attempt,
                end.status.id(),
                end.score,
                end.why.as_deref().unwrap_or("")
            )
        })
        .collect();
    assert!(told[0].starts_with("upper/0 3 evaluator-error None it broke"), "{told:#?}");
    assert!(told[1].starts_with("lower/1 3 evaluator-error None it did not judge within"), "{told:#?}");
    assert!(told[2].starts_with("both/2 2 scored Some(0.0)"), "{told:#?}");
    let summary = Summary::of(&ledger.records);
    assert_eq!((summary.total, summary.scored, summary.sum, summary.attempts), (3, 1, 0.0, 8));
    assert_eq!((summary.mean_of_all, summary.errors["evaluator-error"]), (Some(0.0), 2));
    assert_eq!(summary.errors["setup-error"], 0, "what was mended is no error");
}

/// Where the model cannot be asked, not every case has to learn it; and the cases are not lost.
#[tokio::test]
async fn a_model_that_is_away_ends_the_sitting_and_not_the_measurement() {
    let runs = tempfile::tempdir().unwrap();
    let cases = toys();
    let mut ledger = Ledger::create(runs.path(), header(&cases, 3)).unwrap();
    let (_stopper, stop) = stop();
    let away = ModelSupply::of(model(&[]), None);
    let sitting = bench(plan(cases.clone(), 1), &mut ledger, away, stop.clone(), |_| {}).await.unwrap();
    assert_eq!(sitting, BenchOutcome::AgentErrors);
    let before = Summary::of(&ledger.records);
    assert_eq!((before.errors["agent-error"], before.unfinished, before.scored), (5, 4, 0));
    drop(ledger);
    let mut ledger = Ledger::take_up(runs.path()).unwrap();
    let back = ModelSupply::of(model(&[DONE; 9]), None);
    assert_eq!(bench(plan(cases, 1), &mut ledger, back, stop, |_| {}).await.unwrap(), BenchOutcome::Finished);
    let after = Summary::of(&ledger.records);
    assert_eq!((after.scored, after.unfinished, after.attempts), (9, 0, 14));
    assert_eq!((after.complete_cases, after.pass_at_k.clone()), (3, vec![0.0; 3]));
}

/// Judges, and never waits while it does: no limit can end it from inside.
#[derive(Debug)]
struct Spinning {
    is_over: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl Evaluator for Spinning {
    fn expected_facts(&self) -> Vec<Fact> {
        Vec::new()
    }

    async fn evaluate(&self, _evidence: Evidence<'_>) -> Result<Option<String>, JudgingError> {
        let since = tokio::time::Instant::now();
        while !self.is_over.load(Ordering::Relaxed) && since.elapsed() < Duration::from_secs(20) {
            std::hint::spin_loop();
        }
        Ok(None)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_judge_that_computes_without_end_holds_nobody_up() {
    let runs = tempfile::tempdir().unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let mut cases = toys();
    cases[0].evaluator = Arc::new(Spinning { is_over: is_over.clone() });
    let mut ledger = Ledger::create(runs.path(), header(&cases, 1)).unwrap();
    let (_stopper, stop) = stop();
    let models = ModelSupply::of(model(&[DONE; 3]), None);
    let plan = BenchRun { grace: Duration::from_millis(200), ..plan(cases, 2) };
    let sitting = bench(plan, &mut ledger, models, stop, |_| {}).await.unwrap();
    is_over.store(true, Ordering::Relaxed);
    assert_eq!(sitting, BenchOutcome::Finished);
    let told: Vec<(u32, Status)> =
        ledger.records.results().map(|(_, _, end)| end.map(|end| (end.id.attempt, end.status)).unwrap()).collect();
    // It would compute without end again, beside the first.
    assert_eq!(told, [(1, Status::EvaluatorError), (1, Status::Scored), (1, Status::Scored)]);
}

/// The toys with something else: who judges them, or what each of them needs.
#[derive(Default)]
struct VariedToys {
    evaluator: Option<Arc<dyn Evaluator>>,
    needs: CaseNeeds,
}

impl VariedToys {
    fn judged_by(evaluator: impl Evaluator + 'static) -> VariedToys {
        VariedToys { evaluator: Some(Arc::new(evaluator)), ..VariedToys::default() }
    }

    fn needing(needs: CaseNeeds) -> VariedToys {
        VariedToys { needs, ..VariedToys::default() }
    }
}

impl Suite for VariedToys {
    fn name(&self) -> &'static str {
        "toys"
    }

    fn about(&self) -> &'static str {
        "two buttons on a canvas"
    }

    fn templates(&self) -> Vec<&'static str> {
        suite::Toys.templates()
    }

    fn training_seeds(&self) -> Option<u64> {
        None
    }

    fn needs(&self, _case: &Case) -> CaseNeeds {
        self.needs.clone()
    }

    fn case(&self, template: &str, seed: u64) -> Option<Case> {
        let case = suite::Toys.case(template, seed)?;
        let evaluator = self.evaluator.clone().unwrap_or_else(|| case.evaluator.clone());
        Some(Case { evaluator, ..case })
    }
}

/// A judge that breaks or computes without end says nothing anew, and what was said stands.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_judge_that_does_not_come_back_changes_no_verdict() {
    let runs = tempfile::tempdir().unwrap();
    let cases = toys();
    let mut ledger = Ledger::create(runs.path(), header(&cases, 1)).unwrap();
    let (_stopper, stop) = stop();
    let models = ModelSupply::of(model(&[UPPER, DONE, CALL, DONE, UPPER, DONE]), None);
    bench(plan(cases, 0), &mut ledger, models, stop, |_| {}).await.unwrap();
    let before = ledger.records.clone();
    let is_over = Arc::new(AtomicBool::new(false));
    let spinning = VariedToys::judged_by(Spinning { is_over: is_over.clone() });
    let breaking = VariedToys::judged_by(BadSuite { panics: true });
    for (suite, why, within) in [(&spinning, "did not judge within", 200), (&breaking, "it broke", 20_000)] {
        let told = rescore(&mut ledger, Some(suite), None, Duration::from_millis(within), &|| 0).await.unwrap();
        // Else what computes without end takes the time of the next one.
        is_over.store(true, Ordering::Relaxed);
        assert_eq!((told.judged, told.left.len()), (0, 3));
        assert!(told.left.iter().all(|(_, left)| left.contains(why)), "{told:?}");
    }
    assert_eq!(ledger.records, before);
}

/// Takes its time, or never answers.
struct Slow {
    after: Option<Duration>,
}

#[async_trait::async_trait]
impl Model for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    async fn reply(&mut self, _prompt: &Prompt, _within: Duration) -> Result<Reply, ModelError> {
        match self.after {
            Some(after) => tokio::time::sleep(after).await,
            None => std::future::pending().await,
        }
        let text = format!("<think>.</think><answer>{DONE}</answer>");
        Ok(Reply { text, tokens_in: 1, tokens_out: 1, cut: false })
    }
}

fn slow(after: Option<Duration>) -> ModelSupply {
    ModelSupply::of(LoadedModel { model: Box::new(Slow { after }), ..model(&[]) }, None)
}

/// A model that all ask in turns has as long for each answer as if one alone asked it.
#[tokio::test]
async fn waiting_for_ones_turn_is_no_thinking() {
    let runs = tempfile::tempdir().unwrap();
    let cases = toys();
    let mut ledger = Ledger::create(runs.path(), header(&cases, 1)).unwrap();
    let (_stopper, stop) = stop();
    let mut plan = BenchRun { parallel: 3, ..plan(cases, 0) };
    plan.rules.limits.think = Duration::from_millis(500);
    plan.rules.limits.retries_max = 0;
    bench(plan, &mut ledger, slow(Some(Duration::from_millis(300))), stop, |_| {}).await.unwrap();
    let summary = Summary::of(&ledger.records);
    assert_eq!((summary.scored, summary.errors["agent-error"]), (3, 0));
}

fn begun(case: &str, attempt: u32) -> LedgerLine {
    let id = AttemptId { case: case.to_owned(), repeat: 1, attempt };
    LedgerLine::Begun { id, run: format!("killed-{attempt}") }
}

/// A case at which the program itself ends comes after all others, and is not tried for ever.
#[tokio::test]
async fn what_ends_the_program_is_tried_last_and_not_for_ever() {
    let runs = tempfile::tempdir().unwrap();
    let cases = toys();
    let mut ledger = Ledger::create(runs.path(), header(&cases, 1)).unwrap();
    let (stopper, stopped) = stop();
    stopper.stop();
    let mut kills = 0;
    while ledger.records.standing("upper/0", 1).is_open(2, false) && kills < 30 {
        kills += 1;
        ledger.write(0, begun("upper/0", kills)).unwrap();
        let models = ModelSupply::of(model(&[]), None);
        bench(plan(cases.clone(), 2), &mut ledger, models, stopped.clone(), |_| {}).await.unwrap();
    }
    assert_eq!(kills, 5, "three, and one more for each error that it is");
    let end = ledger.records.standing("upper/0", 1).result().cloned().unwrap();
    assert_eq!(end.status, Status::SetupError);
    assert!(end.why.unwrap().contains("the program ended"));
    // One that was ended by somebody else is done, after the others.
    ledger.write(0, begun("lower/1", 1)).unwrap();
    let (_stopper, stop) = stop();
    let mut order = Vec::new();
    let models = ModelSupply::of(model(&[DONE; 2]), None);
    let tell = |news: BenchProgress<'_>| {
        if let BenchProgress::Begun { id, .. } = news {
            order.push(id.case.clone());
        }
    };
    bench(plan(cases, 2), &mut ledger, models, stop, tell).await.unwrap();
    assert_eq!(order, ["both/2", "lower/1"]);
    let summary = Summary::of(&ledger.records);
    assert_eq!((summary.scored, summary.errors["setup-error"], summary.attempts), (2, 1, 8));
}

/// What somebody stopped is no result, and is done when the measurement goes on.
#[tokio::test]
async fn what_was_stopped_is_done_when_it_goes_on() {
    let runs = tempfile::tempdir().unwrap();
    let cases = toys();
    let mut ledger = Ledger::create(runs.path(), header(&cases, 1)).unwrap();
    let (stopper, stopped) = stop();
    let tell = |news: BenchProgress<'_>| {
        if let BenchProgress::Begun { .. } = news {
            stopper.stop();
        }
    };
    let sitting = bench(plan(cases.clone(), 0), &mut ledger, slow(None), stopped, tell).await.unwrap();
    assert_eq!(sitting, BenchOutcome::Stopped);
    let before = Summary::of(&ledger.records);
    assert_eq!((before.errors["cancelled"], before.unfinished, before.scored), (1, 2, 0));
    drop(ledger);
    let mut ledger = Ledger::take_up(runs.path()).unwrap();
    let (_stopper, stop) = stop();
    let models = ModelSupply::of(model(&[DONE; 3]), None);
    let mut settled = 0;
    let tell = |news: BenchProgress<'_>| {
        if let BenchProgress::Ended { is_settled, .. } = news {
            settled += u32::from(is_settled);
        }
    };
    assert_eq!(bench(plan(cases, 0), &mut ledger, models, stop, tell).await.unwrap(), BenchOutcome::Finished);
    assert_eq!((Summary::of(&ledger.records).scored, settled), (3, 3));
}

/// What runs out of its minutes has no score, and it is said whose limit it was.
#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_a_timeout() {
    for (all, own, whose) in
        [(Some(1), None, "--minutes"), (None, Some(1), "own limit"), (Some(9), Some(1), "own limit")]
    {
        let runs = tempfile::tempdir().unwrap();
        let mut cases = toys();
        cases[0].limits.minutes = own;
        cases[0].limits.steps_max = Some(3);
        cases.truncate(1);
        let budgets = Budgets { minutes: all, tokens: None };
        let mut ledger = Ledger::create(runs.path(), LedgerHeader { budgets, ..header(&cases, 1) }).unwrap();
        let (_stopper, stop) = stop();
        bench(plan(cases, 2), &mut ledger, slow(None), stop, |_| {}).await.unwrap();
        let (_, _, end) = ledger.records.results().next().unwrap();
        let end = end.unwrap();
        assert_eq!((end.status, end.score, end.id.attempt), (Status::Timeout, None, 1));
        let why = end.why.as_deref().unwrap();
        assert!(why.contains("no end within 1 min") && why.contains(whose), "{why}");
    }
}

/// A canvas that says from the beginning that the task is over.
#[derive(Debug)]
struct Over;

struct OverProbe {
    inner: Box<dyn Probe>,
    is_over: tokio::sync::watch::Sender<bool>,
}

#[async_trait::async_trait]
impl OpenRig for Over {
    fn name(&self) -> String {
        "over".to_owned()
    }

    async fn open(&self, within: Duration) -> Result<Rig, DriverError> {
        let rig = canvas::Canvas.open(within).await?;
        let (is_over, _) = tokio::sync::watch::channel(true);
        let probe = rig.probe.map(|inner| Box::new(OverProbe { inner, is_over }) as Box<dyn Probe>);
        Ok(Rig { probe, ..rig })
    }
}

#[async_trait::async_trait]
impl Probe for OverProbe {
    async fn facts(&mut self, within: Duration) -> Result<Facts, DriverError> {
        self.inner.facts(within).await
    }

    async fn set(&mut self, name: &str, value: &str, within: Duration) -> Result<(), DriverError> {
        self.inner.set(name, value, within).await
    }

    fn task_over(&self) -> Option<tokio::sync::watch::Receiver<bool>> {
        Some(self.is_over.subscribe())
    }
}

/// Wants nothing, and knows whether the device has ended the task.
#[derive(Debug)]
struct Ended(bool);

#[async_trait::async_trait]
impl Evaluator for Ended {
    fn expected_facts(&self) -> Vec<Fact> {
        Vec::new()
    }

    async fn evaluate(&self, _evidence: Evidence<'_>) -> Result<Option<String>, JudgingError> {
        Ok(None)
    }

    fn judges_stopped(&self, end: &Facts) -> bool {
        self.0 && end.contains_key("upper.on")
    }
}

/// The device ends the run, and it is judged; unless the device does not say so of its end.
#[tokio::test]
async fn a_task_that_its_device_ends_is_judged() {
    let runs = tempfile::tempdir().unwrap();
    let mut cases = toys();
    for (case, is_ended) in cases.iter_mut().zip([true, false, true]) {
        case.device = DeviceAddress::Custom(CustomDevice(Arc::new(Over)));
        case.evaluator = Arc::new(Ended(is_ended));
    }
    let mut ledger = Ledger::create(runs.path(), header(&cases, 1)).unwrap();
    let (_stopper, stop) = stop();
    bench(plan(cases, 0), &mut ledger, slow(None), stop, |_| {}).await.unwrap();
    let told: Vec<Status> = ledger.records.results().map(|(_, _, end)| end.unwrap().status).collect();
    assert_eq!(told, [Status::Scored, Status::EvaluatorError, Status::Scored]);
}

#[tokio::test]
async fn a_device_says_what_is_true_of_it_and_is_closed() {
    let mut device = Device::open(&options(suite::Toys.case("both", 0).unwrap().device)).await.unwrap();
    assert_eq!(device.about(), "a canvas");
    assert_eq!(device.facts().await.unwrap().unwrap()["upper.on"], "false");
    device.close().await.unwrap();
}
