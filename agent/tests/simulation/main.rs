//! The whole agent between ports that throw dice: a number draws a device, a model, a person, a policy, a disk, a moment to stop.
//!
//! | room | what is in it |
//! | --- | --- |
//! | `dice` | chance, and how much of each fault there is |
//! | `page` | what is on a screen, and what the device tells of it: the truth, nothing, what was there before, lies |
//! | `law` | the policy, and what it comes to, said again without the guard |
//! | `world` | what is true, and what must be so whenever something is done |
//! | `service` | what can be called, and the laws of calls |
//! | `faults`, `device`, `others` | the ports: they fail, hang, lie and say yes and no |
//! | `runs` | a run to its end, or broken off and taken up again |
//!
//! Safety: nothing is done that is not vetted and on the disk, nothing on a screen that was not just seen, nothing
//! after a stop; nothing that the policy denies, and nothing that it asks about without a yes to just that; nothing in an app or a
//! window that is forbidden. A secret goes into its app and a field that hides it, and is in no prompt, no question, no journal and
//! no picture of one. An API is called only if it is offered just then, with arguments that fit, as the model wrote it, and, if it cannot
//! be taken back, with a yes to just that call; what it answers gives no orders. And where a run breaks off and goes on, nothing twice: an intent is carried out once, and what may have
//! happened and cannot be taken back is not done again without evidence or a person. Liveness: in good weather a run gets there,
//! however often it breaks off. Census: every ending, every stage, every fault and every kind of permission did occur.
//!
//! `SEEDS=20000 cargo test --release -p tapwright-agent --test simulation` for a night.

#[path = "../common/mod.rs"]
mod common;
mod device;
mod dice;
mod faults;
mod others;
mod page;
mod runs;
mod service;
mod world;
mod world_policy;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dice::Weather;
use runs::{RunFate, check_order, run, run_on};
use tapwright_agent::drive::DriveError;
use tapwright_agent::journal::{EffectLine, Line, Record};
use tapwright_agent::outcome::Outcome;
use tapwright_agent::person::Question;
use world::{draw, lock};

/// Tells the number of a world in which something went wrong.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}

/// How many worlds are drawn: as many as `usual`, or as `SEEDS` says.
fn seeds(usual: u64) -> u64 {
    #[allow(clippy::disallowed_methods)] // A test run by hand, or at night.
    std::env::var("SEEDS").map_or(usual, |seeds| seeds.parse().expect("SEEDS is a number"))
}

#[test]
fn nothing_goes_wrong_wherever_a_run_breaks_off() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut fates: BTreeMap<&'static str, u32> = BTreeMap::new();
    let mut census: BTreeMap<&'static str, u32> = BTreeMap::new();
    for seed in 0..seeds(900) {
        let _seed = Seed(seed);
        let mut world = draw(seed);
        let breaks = world.dice.below(6) as u32;
        if world.dice.percent(2) {
            world.disk.disk().fails_at = Some(0);
        }
        let at = folder.path().join("run"); // Pictures are the same in many worlds.
        let (fate, world) = run_on(world, &at, breaks);
        let mut world = lock(&world);
        world.check_record();
        let fate = match fate {
            RunFate::Ended(end) => {
                world.disk.write_to(&at);
                let record = Record::read(&at).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
                assert_eq!(record.end(), Some(&end), "seed {seed}");
                record.replay(|_, _| ()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
                check_order(&record.entries);
                assert!(
                    end.steps <= world.setting.limits.steps_max,
                    "seed {seed}: the limits are those of the whole run"
                );
                let intents = record
                    .entries
                    .iter()
                    .filter(|entry| matches!(entry.line, Line::Effect(EffectLine::Act(_))))
                    .map(|entry| entry.seq)
                    .collect::<BTreeSet<u64>>();
                assert!(world.acted.is_subset(&intents), "seed {seed}: something was done that is not written down");
                end.outcome.id()
            }
            RunFate::NeverBegan => {
                assert_eq!(world.performed, 0, "seed {seed}");
                "never began"
            }
            RunFate::Abandoned => "abandoned",
        };
        *fates.entry(fate).or_default() += 1;
        for (what, times) in &world.census {
            *census.entry(what).or_default() += times;
        }
    }
    println!("{fates:?}\n{census:?}");
    for fate in ["done", "gave-up", "out-of-steps", "stuck", "refused", "stopped", "never began", "abandoned"] {
        assert!(fates.contains_key(fate), "no run came to this: {fate}; {fates:?}");
    }
    for what in [
        "killed",
        "the disk was full",
        "went on after a stop",
        "went on with a person",
        "went on with the device",
        "went on with the model",
        "in the middle of a deed",
        "right before a deed",
        "only the end was missing",
        "killed in a call",
        "in the middle of a call",
        "a call was made again, as a person said so",
        "asked whether to do it again",
        "again, as nothing had changed",
        "again, as a person said so",
    ] {
        assert!(census.contains_key(what), "this never happened: {what}; {census:?}");
    }
}

/// In good weather a run that is killed every few steps gets there too.
#[test]
fn a_run_that_is_killed_again_and_again_gets_there() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (mut kills, mut done, mut runs) = (0, 0, 0);
    for seed in 0..seeds(60).min(2000) {
        let _seed = Seed(seed);
        let world = draw(seed).calm();
        let at = folder.path().join("run");
        let (fate, world) = run_on(world, &at, 60);
        let RunFate::Ended(end) = fate else { panic!("seed {seed}: it was given up") };
        let id = end.outcome.id();
        // With 30 breaks some touch is chosen again on a screen that has changed, and now and then nobody allows it.
        assert!(["done", "gave-up", "out-of-steps", "refused", "needs-person"].contains(&id), "seed {seed}: {end:?}");
        done += u32::from(id == "done");
        runs += 1;
        kills += lock(&world).census.get("killed").copied().unwrap_or(0);
    }
    println!("{done} of {runs} are done, after {kills} kills");
    assert!(kills > 50, "{kills}");
    assert!(done * 2 > runs, "only {done} of {runs} are done");
}

#[test]
fn nothing_goes_wrong_whatever_happens() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut endings: BTreeMap<&'static str, u32> = BTreeMap::new();
    let mut census: BTreeMap<&'static str, u32> = BTreeMap::new();
    for seed in 0..seeds(3000) {
        let _seed = Seed(seed);
        let mut world = draw(seed);
        let stop_at = world.dice.percent(20).then(|| Duration::from_millis(world.dice.below(120_000)));
        let (result, entries, world) = run(world, stop_at);
        let mut world = lock(&world);
        world.check_record();
        check_order(&entries);
        let ending = match &result {
            Ok(end) => {
                assert!(!world.disk.disk().failed, "seed {seed}: an end that is not on the disk");
                assert_eq!(entries.last().map(|entry| &entry.line), Some(&Line::End(end.clone())), "seed {seed}");
                assert!(end.steps <= world.setting.limits.steps_max);
                let disk = world.disk.disk();
                assert_eq!(disk.synced, disk.lines.len(), "seed {seed}: the end is on the disk");
                end.outcome.id()
            }
            Err(DriveError::Journal { .. }) => {
                assert!(world.disk.disk().failed, "seed {seed}");
                "journal"
            }
        };
        *endings.entry(ending).or_default() += 1;
        for (what, times) in &world.census {
            *census.entry(what).or_default() += times;
        }
        if seed % 10 == 0 {
            let at = folder.path().join(seed.to_string());
            world.disk.write_to(&at);
            match Record::read(&at) {
                Ok(record) => {
                    assert_eq!(record.entries, entries, "seed {seed}: what was watched is what was written");
                    // An end may be there whose sync failed; one that was told is there.
                    match &result {
                        Ok(end) => assert_eq!(record.end(), Some(end), "seed {seed}"),
                        Err(_) => assert!(world.disk.disk().failed, "seed {seed}"),
                    }
                    record.replay(|_, _| ()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
                }
                Err(error) => assert!(entries.is_empty() && result.is_err(), "seed {seed}: {error}"),
            }
        }
    }
    println!("{endings:?}\n{census:?}");
    for ending in [
        "done",
        "gave-up",
        "needs-person",
        "out-of-steps",
        "stuck",
        "model-failed",
        "device-lost",
        "stopped",
        "refused",
        "journal",
    ] {
        assert!(endings.contains_key(ending), "no run ended so: {ending}; {endings:?}");
    }
    for what in [
        "timed out",
        "refused",
        "no such app",
        "stale",
        "hidden",
        "nonsense",
        "screen hangs",
        "the screen moved on by itself",
        "gesture hangs",
        "labels hang",
        "labels fail",
        "model hangs",
        "model fails",
        "labels are true",
        "labels are late",
        "labels are not told",
        "labels in disguise",
        "labels above labels",
        "too many labels",
        "a label too long",
        "labels that all have the focus",
        "labels off the screen",
        "labels that quote a secret",
        "an app's name quotes a secret",
        "allowed",
        "approved",
        "denied by a rule",
        "denied in an app",
        "denied by a person",
        "the device cannot do it",
        "the model asks",
        "the policy asks",
        "the screen moved on while a person was asked",
        "handed over",
        "asked to unlock",
        "asked for help",
        "helped by a person",
        "asked about a secret",
        "a secret was typed",
        "denied a secret in a field that shows it",
        "denied a secret in another app",
        "the screen changed before a secret",
        "a picture was covered",
        "labels for the cover",
        "notes were recalled",
        "notes are summed up",
        "a call read",
        "a call changed something",
        "a call left the device",
        "a call that cannot be taken back",
        "a call was allowed",
        "a call was approved",
        "a call hangs",
        "a call does not fit",
        "a call of what is not offered",
        "other APIs were offered",
        "APIs changed while the model thought",
        "an API became another one before it was called",
        "a call that a person had allowed was gone",
        "a secret went to an API",
        "denied a secret to an API",
        "asked whether to call again",
        "an answer gives orders",
        "the model obeys an answer",
    ] {
        assert!(census.contains_key(what), "this never happened: {what}; {census:?}");
    }
}

#[test]
fn in_good_weather_a_run_gets_there() {
    let mut done = 0;
    for seed in 0..200 {
        let _seed = Seed(seed);
        let (result, ..) = run(draw(seed).calm(), None);
        let end = result.expect("the disk is fine");
        // An API that does not answer is no weather: before it is called again somebody is asked.
        let asks = matches!(&end.outcome, Outcome::NeedsPerson { asked: Question::Again { .. } });
        let id = end.outcome.id();
        // It touches what it must not now and then, in a window of another app.
        assert!(asks || ["done", "gave-up", "out-of-steps", "refused"].contains(&id), "seed {seed}: {end:?}");
        done += u32::from(id == "done");
    }
    println!("{done} of 200 are done");
    // The others ask about an API, give up as the model says so, or run out of steps; a loop that finishes nothing does not pass.
    assert!(done > 100, "only {done} of 200 are done");
}

#[test]
fn the_same_number_gives_the_same_run() {
    for seed in 0..20 {
        let lines = |_| {
            let (_, entries, world) = run(draw(seed), None);
            let lines = lock(&world).disk.disk().lines.clone();
            (entries, lines)
        };
        assert!(lines(0) == lines(1), "seed {seed}");
    }
}

/// A full disk at any operation: the run stops there, and nothing is done after it.
#[test]
fn a_disk_that_is_full_at_any_line() {
    let good = || {
        let mut world = draw(7).calm();
        world.weather = Weather { device: 5, blind: 5, model: 5, nonsense: 10, risky: 20, ..Weather::default() };
        world
    };
    let (result, _, world) = run(good(), None);
    let outcome = result.expect("the disk is fine").outcome;
    let operations = lock(&world).disk.disk().operations;
    let performed = lock(&world).performed;
    assert!(operations > 30 && performed > 3, "{operations} {performed}");
    let mut most = 0;
    for fails_at in 0..operations {
        let world = good();
        world.disk.disk().fails_at = Some(fails_at);
        let (result, _, world) = run(world, None);
        let Err(DriveError::Journal { reached, .. }) = result else { panic!("{fails_at}: {result:?}") };
        // The last two operations are the line of the end, and its sync.
        assert_eq!(reached.as_deref(), (fails_at + 2 >= operations).then_some(&outcome), "{fails_at}");
        most = most.max(lock(&world).performed);
    }
    assert_eq!(most, performed);
}
