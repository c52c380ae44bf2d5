//! The suite `androidworld`: each case can be done, and scores 1 then; undone it scores 0, and with one thing too many as well.

#[path = "androidworld/finger.rs"]
mod finger;
#[allow(dead_code)]
#[path = "../../drivers/phone/tests/apps/hand.rs"]
mod hand;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use finger::Finger;
use hand::Hand;
use tapwright_agent::outcome::Outcome;
use tapwright_drivers::Probe;
use tapwright_models::scripted::{AtEnd, Scripted};
use tapwright_phone::World;
use tapwright_tasks::bench::{BenchOutcome, BenchRun, Budgets, Ledger, LedgerHeader, ModelSupply, bench, table};
use tapwright_tasks::device::{DeviceAddress, DeviceOptions, FunctionOwners, Keys, Weather};
use tapwright_tasks::judge::{Evidence, Fact, Facts};
use tapwright_tasks::model::LoadedModel;
use tapwright_tasks::policy::Preset;
use tapwright_tasks::profile::Profiles;
use tapwright_tasks::run::RunOptions;
use tapwright_tasks::settings::default_limits;
use tapwright_tasks::suite::{Case, CaseSelection, case_ids, digest};
use tapwright_tasks::suites::androidworld::{AndroidWorld, NAME};
use tapwright_tasks::{DriverError, Touch, stop};

fn cases() -> Vec<Case> {
    CaseSelection { first: 0, count: 200, template: None, only: Vec::new() }.cases(&AndroidWorld).collect()
}

fn walks() -> BTreeMap<&'static str, &'static str> {
    let lines = include_str!("androidworld/walks.txt").lines();
    let walks = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    walks.map(|line| line.split_once(": ").unwrap_or_else(|| panic!("this is no walk: {line}"))).collect()
}

/// The phone of a case as it starts.
fn world(case: &Case) -> World {
    let DeviceAddress::Virtual(phone) = &case.device else { panic!("it is a phone of ours") };
    let mut world = World::new(phone.clone());
    for Fact { fact, is } in &case.start {
        world.set_fact(fact, is).unwrap();
    }
    world
}

/// Knows what is true in the end, and nothing more.
struct Known(Facts);

#[async_trait::async_trait]
impl Probe for Known {
    async fn facts(&mut self, _within: Duration) -> Result<Facts, DriverError> {
        Ok(self.0.clone())
    }

    async fn set(&mut self, _name: &str, _value: &str, _within: Duration) -> Result<(), DriverError> {
        unreachable!("nothing is set while it is judged")
    }
}

/// What speaks against a run that ends so.
async fn against(case: &Case, start: &Facts, end: &Facts, message: &str) -> Option<String> {
    let outcome = Outcome::Done { message: message.to_owned() };
    let mut probe = Known(end.clone());
    let evidence = Evidence { start, end, outcome: &outcome, probe: &mut probe, folder: None };
    case.evaluator.evaluate(evidence).await.unwrap()
}

/// What nobody asks for in any of the cases.
fn extras(world: &World) -> Vec<(String, String)> {
    let facts = world.facts();
    let flipped = (facts["dark.on"] != "true").to_string();
    let all = [
        ("dark.on".to_owned(), flipped),
        (format!("notes.{}", facts["notes.count"]), "one more".to_owned()),
        ("messages.Anna.last".to_owned(), "me: one more".to_owned()),
        ("contacts.Somebody Else.number".to_owned(), "1".to_owned()),
        ("calendar.2.events".to_owned(), "06:05 One more".to_owned()),
        ("files.file".to_owned(), "Documents | one more.txt | x".to_owned()),
        ("music.playlist.One more".to_owned(), "Blue Dance".to_owned()),
        ("maps.saved.One more".to_owned(), "Beihai Park".to_owned()),
    ];
    all.to_vec()
}

#[tokio::test]
async fn done_scores_1_undone_0_and_one_thing_too_many_0() {
    let walks = walks();
    let cases = cases();
    assert_eq!(walks.len(), cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case.id.template.as_str();
        let Some(steps) = walks.get(name) else { panic!("{name} has no walk") };
        let mut finger = Finger::new(Hand { world: world(case) });
        let start = finger.hand.world.facts();
        let undone = against(case, &start, &start, "All is done.").await;
        let is_done_already = name.ends_with("Verify");
        if undone.is_none() != is_done_already {
            wrong.push(format!("{name}, undone: {undone:?}"));
        }
        let Ok(answer) = catch_unwind(AssertUnwindSafe(|| finger.walk(steps))) else {
            wrong.push(format!("{name} cannot be walked"));
            continue;
        };
        let end = finger.hand.world.facts();
        if let Some(why) = against(case, &start, &end, &answer).await {
            wrong.push(format!("{name}, done: {why}"));
        }
        if case.limits.steps_max.unwrap() < finger.says.len() as u32 + 1 {
            wrong.push(format!("{name}: {} steps, and {:?} are allowed", finger.says.len() + 1, case.limits));
        }
        for (fact, is) in extras(&finger.hand.world) {
            let mut world = finger.hand.world.clone();
            world.set_fact(&fact, &is).unwrap_or_else(|why| panic!("{why}"));
            if against(case, &start, &world.facts(), &answer).await.is_none() {
                wrong.push(format!("{name} passes though `{fact}` was made `{is}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn header(cases: &[Case]) -> LedgerHeader {
    let measurement = serde_json::json!({
        "program": "0", "cases": digest(cases), "selection": {"first": 0, "count": 200, "template": null},
        "limits": default_limits(), "policy": Preset::Trusting.policy(), "date": "2023-10-15", "weather": [], "weather_seed": 0,
        "model": {"about": "a script", "sha256": null, "sampled": false, "profile": "", "provider": "cpu"},
    });
    LedgerHeader {
        version: 1,
        suite: NAME.to_owned(),
        run: "r".to_owned(),
        model: "walks".to_owned(),
        started: 0,
        measurement: serde_json::from_value(measurement).unwrap(),
        cases: case_ids(cases),
        groups: BTreeMap::new(),
        repeats: 1,
        apps: None,
        budgets: Budgets::default(),
        rigs: Vec::new(),
        evaluator: None,
        refuses_untrained: false,
    }
}

fn plan(cases: Vec<Case>) -> BenchRun<'static> {
    let limits = tapwright_agent::limits::Limits { steps_max: 120, ..default_limits() };
    let second = Duration::from_secs(1);
    BenchRun {
        rules: RunOptions {
            limits,
            policy: Preset::Trusting.policy(),
            touch: Touch { long_press: Duration::from_secs(1), swipe: Duration::from_millis(300) },
            date: "2023-10-15".to_owned(),
        },
        device: DeviceOptions {
            at: cases[0].device.clone(),
            weather: Weather::calm(),
            connect: 10 * second,
            keys: Keys::default(),
            find_again: second,
            probe: 10 * second,
            words: false,
            app_functions: FunctionOwners::None,
        },
        cases,
        retries: 0,
        parallel: 1,
        judge: 10 * second,
        grace: 60 * second,
        agent_errors_max: 5,
        restarts_max: 1,
        start_interval: Duration::ZERO,
        now: &|| 0,
    }
}

/// From the first look to the score, through the wire of a phone: what a model would have to say does each of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_written_solutions_are_run_by_the_runner_and_score_1() {
    let walks = walks();
    let cases = cases();
    let mut replies = Vec::new();
    for case in &cases {
        let mut finger = Finger::new(Hand { world: world(case) });
        let message = finger.walk(walks[case.id.template.as_str()]);
        finger.says.push(format!("finish(message={})", serde_json::json!(message)));
        replies.extend(finger.says.iter().map(|action| format!("<think>.</think><answer>{action}</answer>")));
    }
    let model = LoadedModel {
        model: Box::new(Scripted::new("walks", replies, AtEnd::Break)),
        profiles: Profiles::of_scripts(),
        about: "a script".to_owned(),
    };
    let runs = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::create(runs.path(), header(&cases)).unwrap();
    let (_stopper, stop) = stop();
    let ended = bench(plan(cases.clone()), &mut ledger, ModelSupply::of(model, None), stop, |_| {}).await.unwrap();
    assert_eq!(ended, BenchOutcome::Finished);
    let (table, rows) = table(&ledger.records, runs.path());
    let wrong: Vec<_> =
        rows.iter().filter(|row| row.verdict.why().is_some()).map(|row| (&row.template, &row.verdict)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(table.all.passed as usize, cases.len());
}
