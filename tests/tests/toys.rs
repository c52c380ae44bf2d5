//! A device and a suite that nobody here knew of are run, judged and told as those that came with the program: each is a file,
//! and a line where it is used.

#[path = "toys/canvas.rs"]
mod canvas;
#[path = "toys/suite.rs"]
mod suite;

use std::time::Duration;

use tapwright_models::scripted::{AtEnd, Scripted};
use tapwright_tasks::device::{Device, DeviceAddress, DeviceOptions, Keys, Weather};
use tapwright_tasks::judge::Verdict;
use tapwright_tasks::model::LoadedModel;
use tapwright_tasks::policy::Preset;
use tapwright_tasks::profile::Profiles;
use tapwright_tasks::run::RunOptions;
use tapwright_tasks::settings::default_limits;
use tapwright_tasks::suite::{BenchRun, CaseSelection, Suite, bench};
use tapwright_tasks::{Touch, stop};

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

#[tokio::test]
async fn a_suite_on_a_device_of_its_own_is_run_and_judged() {
    let runs = tempfile::tempdir().unwrap();
    // The second case is done by an API of the device's; the third one is claimed, and only half of it is done.
    let mut model = model(&[UPPER, DONE, CALL, DONE, UPPER, DONE]);
    let suite = suite::Toys;
    let rules = RunOptions {
        limits: default_limits(),
        policy: Preset::Trusting.policy(),
        touch: Touch { long_press: Duration::from_secs(2), swipe: Duration::from_millis(300) },
        date: "2026-11-27".to_owned(),
    };
    let device = options(suite.case("upper", 0).unwrap().device);
    let (_stopper, stop) = stop();
    let plan = BenchRun {
        cases: CaseSelection { first: 0, count: 3, template: None }.cases(&suite).collect(),
        rules,
        device,
        runs: runs.path(),
        now: &|| 0,
    };
    let mut rows = Vec::new();
    let table = bench(plan, &mut model, stop, |_, _, _| {}, |_| {}, |row| rows.push(row.clone())).await.unwrap();
    assert_eq!((table.all.passed, table.all.failed, table.all.void), (2, 1, 0), "{rows:#?}");
    let Verdict::Failed { why } = &rows[2].verdict else { panic!("{:?}", rows[2]) };
    assert_eq!(why, "`lower.on` should be `true` and is `false`");
    let journals = rows.iter().map(|row| std::fs::read_to_string(row.folder.join("journal.jsonl")).unwrap());
    let journals: Vec<String> = journals.collect();
    // What the device offers is offered in each case, and it is in each record.
    assert!(journals.iter().all(|journal| journal.lines().next().unwrap().contains(r#""apis":[{"name":"turn""#)));
    assert!(journals[1].contains("it is on") && !journals[1].contains("tap"), "{}", journals[1]);
}

#[tokio::test]
async fn a_device_says_what_is_true_of_it_and_is_closed() {
    let mut device = Device::open(&options(suite::Toys.case("both", 0).unwrap().device)).await.unwrap();
    assert_eq!(device.about(), "a canvas");
    assert_eq!(device.facts().await.unwrap().unwrap()["upper.on"], "false");
    device.close().await.unwrap();
}
