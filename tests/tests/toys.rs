//! A device and a suite that nobody here knew of are run, judged and told as those that came with the program: each is a file,
//! and a line where it is used.

#[path = "toys/canvas.rs"]
mod canvas;
#[path = "toys/suite.rs"]
mod suite;

use std::sync::Arc;
use std::time::Duration;

use tapwright_drivers::{OpenRig, Rig};
use tapwright_models::scripted::{AtEnd, Scripted};
use tapwright_tasks::bench::summary::Summary;
use tapwright_tasks::bench::{BenchRun, Budgets, Ledger, LedgerHeader, ModelSupply, Sitting, bench, table};
use tapwright_tasks::device::{CustomDevice, Device, DeviceAddress, DeviceOptions, FunctionOwners, Keys, Weather};
use tapwright_tasks::judge::{Evaluator, Evidence, Fact, Verdict};
use tapwright_tasks::model::LoadedModel;
use tapwright_tasks::policy::Preset;
use tapwright_tasks::profile::Profiles;
use tapwright_tasks::run::RunOptions;
use tapwright_tasks::settings::default_limits;
use tapwright_tasks::suite::{Case, CaseSelection, Suite, case_ids, digest};
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
        groups: std::collections::BTreeMap::new(),
        repeats,
        apps: None,
        budgets: Budgets::default(),
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
    BenchRun { cases, rules, device, retries, parallel: 1, judge: Duration::from_millis(300), now: &|| 0 }
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
    assert_eq!(sitting, Sitting::Over);
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
struct Bad {
    panics: bool,
}

#[async_trait::async_trait]
impl Evaluator for Bad {
    fn expected(&self) -> Vec<Fact> {
        Vec::new()
    }

    async fn evaluate(&self, _evidence: Evidence<'_>) -> Result<Option<String>, DriverError> {
        assert!(!self.panics, "a mistake in it");
        std::future::pending().await
    }
}

/// A device that is not there as often as it says, and then is.
#[derive(Debug)]
struct Late(std::sync::atomic::AtomicU32);

#[async_trait::async_trait]
impl OpenRig for Late {
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
    cases[0].evaluator = Arc::new(Bad { panics: true });
    cases[1].evaluator = Arc::new(Bad { panics: false });
    cases[2].device = DeviceAddress::Custom(CustomDevice(Arc::new(Late(2.into()))));
    let mut ledger = Ledger::create(runs.path(), header(&cases, 1)).unwrap();
    let (_stopper, stop) = stop();
    // It is asked nine times: three cases of which two are judged in vain, twice again each.
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
    assert!(told[2].starts_with("both/2 3 scored Some(0.0)"), "{told:#?}");
    let summary = Summary::of(&ledger.records);
    assert_eq!((summary.total, summary.scored, summary.sum, summary.attempts), (3, 1, 0.0, 9));
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
    assert_eq!(sitting, Sitting::AgentErrors);
    let before = Summary::of(&ledger.records);
    assert_eq!((before.errors["agent-error"], before.unfinished, before.scored), (5, 4, 0));
    drop(ledger);
    let mut ledger = Ledger::take_up(runs.path()).unwrap();
    let back = ModelSupply::of(model(&[DONE; 9]), None);
    assert_eq!(bench(plan(cases, 1), &mut ledger, back, stop, |_| {}).await.unwrap(), Sitting::Over);
    let after = Summary::of(&ledger.records);
    assert_eq!((after.scored, after.unfinished, after.attempts), (9, 0, 14));
    assert_eq!((after.complete_cases, after.pass_at_k.clone()), (3, vec![0.0; 3]));
}

#[tokio::test]
async fn a_device_says_what_is_true_of_it_and_is_closed() {
    let mut device = Device::open(&options(suite::Toys.case("both", 0).unwrap().device)).await.unwrap();
    assert_eq!(device.about(), "a canvas");
    assert_eq!(device.facts().await.unwrap().unwrap()["upper.on"], "false");
    device.close().await.unwrap();
}
