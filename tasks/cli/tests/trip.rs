//! The plans of `docs/examples`, whole: a trip over five apps with a ticket that is paid for, by a model that reads (`reader`) and as a
//! workflow without a model, and a day of news, on phones of fresh seeds. The end is judged by the phone's state. `kill -9` at points that a seed draws, and `resume`:
//! one ticket, no place twice, nothing told twice, nothing lost.
//!
//! ```sh
//! TRIPS=50 KILLED_TRIPS=20 DIGESTS=3 cargo test --release -p tapwright --test trip -- --nocapture
//! ```
//!
//! The phone lives in the test's process, and is reached over ADB as any other; it goes on when the program is killed.

mod program;
mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use program::{Place, ProgramOutput, Running};
use reader::{Reader, serve};
use tapwright_phone::adbd::{Daemon, DaemonOptions, Handle, SteadyClock};
use tapwright_phone::atlas::{CITIES, trains};
use tapwright_phone::{AppSelection, Dice, Options, World};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// 2026-01-10, counted from 1970.
const DAY: u64 = 20_463;
const TRIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/changchun.toml");
const STEPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/changchun-steps.toml");
const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/changchun-settings.toml");
const DIGEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/digest.toml");

type Facts = BTreeMap<String, String>;

/// A number by which somebody makes a test longer than it usually is.
fn count(name: &str, usual: usize) -> usize {
    #[allow(clippy::disallowed_methods)] // A test run by hand, or at night.
    std::env::var(name).map_or(usual, |count| count.parse().expect("a number"))
}

fn world(seed: u64) -> World {
    World::new(Options { seed, apps: AppSelection::All, ..Options::default() })
}

struct Phone {
    handle: Handle,
    address: String,
    _daemon: Daemon,
    _runtime: Runtime,
}

fn phone(seed: u64) -> Phone {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let handle = Handle::new(world(seed), SteadyClock::new());
    let options = DaemonOptions { instant_gestures: true, ..DaemonOptions::default() };
    let daemon = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Daemon::start(listener, handle.clone(), options).unwrap()
    });
    Phone { handle, address: daemon.address().to_string(), _daemon: daemon, _runtime: runtime }
}

/// A plan that is carried out on a phone by a reader, in a folder of its own.
struct Trip {
    place: Place,
    phone: Phone,
    reader: Arc<Mutex<Reader>>,
    url: String,
    plan: &'static str,
    settings: Option<&'static str>,
    /// The post that a workflow is told of: there is no model then.
    guide: Option<String>,
    kills: u32,
}

impl Trip {
    fn new(seed: u64, plan: &'static str, settings: Option<&'static str>) -> Trip {
        let phone = phone(seed);
        let reader = Arc::new(Mutex::new(Reader::new(phone.handle.clone())));
        let url = serve(reader.clone());
        Trip { place: Place::new(), phone, reader, url, plan, settings, guide: None, kills: 0 }
    }

    /// The trip by what is written on the screen.
    fn by_steps(seed: u64) -> Trip {
        let guide = guides(&world(seed).facts()).into_keys().next();
        Trip { guide, ..Trip::new(seed, STEPS, Some(SETTINGS)) }
    }

    fn command(&self) -> Command {
        let folder = self.folder().map(|folder| folder.display().to_string());
        let guide = self.guide.as_ref().map(|guide| format!("guide={guide}"));
        let mut words = match (&folder, &guide) {
            (Some(folder), _) => vec!["resume", folder],
            (None, guide) => {
                let begin = ["run", "--plan", self.plan, "--device", &self.phone.address];
                match guide {
                    Some(guide) => [&begin[..], &["--set", guide]].concat(),
                    None => [&begin[..], &["--model", &self.url, "--model-name", "reader"]].concat(),
                }
            }
        };
        words.push("--json");
        words.extend(self.settings.iter().flat_map(|settings| ["--config", settings]));
        let mut command = self.place.command(&words);
        command.env("WALLET_PIN", &self.phone.handle.facts()["wallet.pin"]);
        command
    }

    /// The plan's folder, once there is something to go on with.
    fn folder(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(self.place.path().join("runs")).ok()?;
        let mut folders = entries.map(|entry| entry.unwrap().path());
        folders.find(|path| fs::read(path.join("plan.jsonl")).is_ok_and(|bytes| bytes.contains(&b'\n')))
    }

    /// How many lines are written of the plan and of all its runs.
    fn lines(&self) -> usize {
        let Some(folder) = self.folder() else { return 0 };
        let runs = fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap().path().join("journal.jsonl"));
        let files = runs.chain([folder.join("plan.jsonl")]);
        files.map(|file| fs::read(file).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count())).sum()
    }

    /// Carries it out; it is killed at so many lines of its record, counted from where it stood.
    fn carry_out(&mut self, kills: &[usize]) -> ProgramOutput {
        for kill in kills {
            let target = self.lines() + kill;
            let mut running = Running::of(self.command());
            while !running.has_ended() && self.lines() < target {
                thread::sleep(Duration::from_micros(200));
            }
            if running.has_ended() {
                return running.end();
            }
            running.kill();
            self.kills += 1;
        }
        Running::of(self.command()).end()
    }

    /// That it was done, with what is to be seen if it was not.
    fn is_done(&self, seed: u64, ran: &ProgramOutput) {
        let seen = self.reader.lock().unwrap().seen.iter().rev().take(12).rev().cloned().collect::<Vec<_>>().join("\n");
        assert_eq!(ran.code, 0, "seed {seed}: {}\n{seen}", ran.out);
        assert_eq!(ran.last()["end"], "done", "seed {seed}: {}\n{seen}", ran.out);
    }

    /// What was written since the last deed of a run is taken away, as if it had been killed a moment sooner.
    fn forget_after_deed(&self, run: &str) {
        let journal = self.folder().unwrap().join(run).join("journal.jsonl");
        let text = fs::read_to_string(&journal).unwrap();
        let deed = text.rfind("\"effect\":{\"act\"").unwrap();
        let end = deed + text[deed..].find('\n').unwrap() + 1;
        fs::write(&journal, &text[..end]).unwrap();
    }

    fn document(&self) -> String {
        fs::read_to_string(self.folder().unwrap().join("document.md")).unwrap()
    }

    /// How many steps the runs of the plan took.
    fn steps(&self) -> usize {
        let runs = fs::read_dir(self.folder().unwrap()).unwrap().map(|entry| entry.unwrap().path());
        let journals = runs.filter_map(|run| fs::read_to_string(run.join("journal.jsonl")).ok());
        journals.map(|journal| journal.lines().filter(|line| line.contains("\"heard\"")).count()).sum()
    }
}

/// The posts about Changchun that are there when the phone begins, each with the attractions that it recommends.
fn guides(facts: &Facts) -> BTreeMap<String, Vec<String>> {
    let is_guide =
        |name: &str| name.contains("Changchun") && !["eat", "meals", "stomach"].iter().any(|word| name.contains(word));
    let there = facts.iter().filter_map(|(name, places)| {
        let title = name.strip_prefix("feed.post.")?.strip_suffix(".places").filter(|title| is_guide(title))?;
        let is_there = facts[&format!("feed.post.{title}.minute")].parse::<i32>().unwrap() <= 0;
        is_there.then(|| (title.to_owned(), places.split("; ").map(str::to_owned).collect()))
    });
    there.collect()
}

fn recommended_places(facts: &Facts) -> Vec<String> {
    guides(facts).into_values().flatten().collect()
}

/// The train at ten, if it has seats.
fn train(seed: u64) -> Option<(String, u32)> {
    let city = |name: &str| CITIES.iter().position(|city| city.name.english == name).unwrap();
    let all = trains(seed, city("Beijing"), city("Changchun"), DAY);
    let train = all.into_iter().find(|train| train.departs == 600)?;
    let seat = train.seats.iter().find(|seat| 0 < seat.left)?;
    Some((train.number.clone(), seat.price))
}

/// Seeds of phones on which the trip can be made.
fn seeds() -> impl Iterator<Item = u64> {
    (0..).filter(|seed| {
        let facts = world(*seed).facts();
        // Some phones begin without a network; nobody asks to turn it on.
        let is_online = facts["wifi.on"] == "true" && facts["airplane.on"] == "false";
        is_online && 3 <= recommended_places(&facts).len() && train(*seed).is_some()
    })
}

/// What speaks against the end of a trip.
fn complaints(seed: u64, before: &Facts, after: &Facts) -> Vec<String> {
    let mut against = Vec::new();
    let mut want = |what: &str, found: &str, is_so: bool| {
        if !is_so {
            against.push(format!("{what}: {found}"));
        }
    };
    let priced = |place: String| match before[&format!("maps.place.{place}.price")].as_str() {
        "0" => format!("{place} (Free)"),
        price => format!("{place} (¥{price})"),
    };
    let wanted: BTreeSet<String> = recommended_places(before).into_iter().map(priced).collect();
    let saved = after.get("maps.saved.Changchun").cloned().unwrap_or_default();
    let list: Vec<String> = saved.split("; ").map(str::to_owned).collect();
    let is_saved = list.len() == wanted.len() && list.iter().cloned().collect::<BTreeSet<_>>() == wanted;
    want(&format!("the list is to hold {wanted:?}, each once"), &saved, is_saved);
    let (number, price) = train(seed).unwrap();
    let order = after.get("rail.orders.0").cloned().unwrap_or_default();
    let begins = format!("paid | {number} | Beijing | Changchun | 2026-01-10 | 10:00 | ");
    let passenger = before["rail.passengers"].split("; ").next().unwrap().to_owned();
    let is_bought = order.starts_with(&begins) && order.ends_with(&format!(" | {passenger} | ¥{price}"));
    want("the ticket", &order, is_bought && after["rail.orders.count"] == "1");
    want("paid once", &after["wallet.payments"], after["wallet.payments"] == format!("rail {number} ¥{price}"));
    let notes: Vec<&String> = after
        .iter()
        .filter(|(name, text)| name.starts_with("notes.") && text.starts_with("A weekend in Changchun: "))
        .map(|(_, text)| text)
        .collect();
    let says_all = |note: &String| {
        note.contains(&number)
            && note.contains(&price.to_string())
            && recommended_places(before).iter().all(|place| note.contains(place))
    };
    want("one note that says all", &format!("{notes:?}"), notes.len() == 1 && says_all(notes[0]));
    let count = |facts: &Facts| facts["notes.count"].parse::<u32>().unwrap();
    want("one more note", &after["notes.count"], count(after) == count(before) + 1);
    let is_meant = |name: &str| {
        let heads = ["maps.", "rail.", "wallet.", "notes."];
        name == "front" || heads.iter().any(|head| name.starts_with(head))
    };
    for name in before.keys().chain(after.keys()).filter(|name| !is_meant(name)) {
        want(name, "nobody wanted that to change", before.get(name) == after.get(name));
    }
    against
}

#[test]
fn a_trip_is_made_as_its_plan_says() {
    let (mut steps, mut made) = (Vec::new(), 0);
    for seed in seeds().take(count("TRIPS", 1)) {
        let mut trip = Trip::new(seed, TRIP, Some(SETTINGS));
        let before = trip.phone.handle.facts();
        let ran = trip.carry_out(&[]);
        trip.is_done(seed, &ran);
        assert_eq!(complaints(seed, &before, &trip.phone.handle.facts()), [""; 0], "seed {seed}");
        let document = trip.document();
        let (number, price) = train(seed).unwrap();
        assert!(document.contains(&format!("By {number}, Saturday, 10 January, 10:00, {price} yuan.")), "{document}");
        for place in recommended_places(&before) {
            assert_eq!(document.matches(&format!("- **{place}**: ")).count(), 1, "{document}");
        }
        // The secret is in no record of what was said and done; a judge's facts of a virtual phone have it.
        let pin = &before["wallet.pin"];
        for file in files(&trip.folder().unwrap()) {
            let name = file.file_name().unwrap().to_string_lossy();
            let is_told = ["journal.jsonl", "plan.jsonl", "plan.md", "plan.json", "document.md"].contains(&&*name);
            let is_there = is_told && fs::read_to_string(&file).unwrap().contains(pin.as_str());
            assert!(!is_there, "{} has the PIN", file.display());
        }
        steps.push(trip.steps());
        made += 1;
    }
    println!("{made} trips of {} to {} steps", steps.iter().min().unwrap(), steps.iter().max().unwrap());
    assert!(steps.iter().all(|steps| 40 <= *steps), "{steps:?}");
}

#[test]
fn a_trip_that_is_killed_buys_one_ticket_and_saves_no_place_twice() {
    let (mut dice, mut kills, mut doubts) = (Dice::new(11), 0, 0);
    for seed in seeds().skip(2).take(count("KILLED_TRIPS", 2)) {
        let mut trip = Trip::new(seed, TRIP, Some(SETTINGS));
        let before = trip.phone.handle.facts();
        let at: Vec<usize> = (0..4).map(|_| 1 + dice.below(200)).collect();
        let ran = trip.carry_out(&at);
        trip.is_done(seed, &ran);
        assert_eq!(complaints(seed, &before, &trip.phone.handle.facts()), [""; 0], "seed {seed}, killed at {at:?}");
        kills += trip.kills;
        doubts += trip.reader.lock().unwrap().doubts;
    }
    println!("{kills} kills; {doubts} times it was told that something may or may not have happened");
    assert!(0 < kills);
}

/// The same trip without a model, by what is written on the screen.
#[test]
fn a_trip_is_made_by_its_steps() {
    let (mut steps, mut made) = (Vec::new(), 0);
    for seed in seeds().filter(|seed| guides(&world(*seed).facts()).len() == 1).take(count("TRIPS", 1)) {
        let mut trip = Trip::by_steps(seed);
        let before = trip.phone.handle.facts();
        let ran = trip.carry_out(&[]);
        trip.is_done(seed, &ran);
        assert_eq!(complaints(seed, &before, &trip.phone.handle.facts()), [""; 0], "seed {seed}");
        let document = trip.document();
        let (number, price) = train(seed).unwrap();
        assert!(
            document.contains(&format!("{number}, Saturday, 10 January, 10:00, Beijing to Changchun, for ")),
            "{document}"
        );
        assert!(document.contains(&format!(": ¥{price}\n")), "{document}");
        for place in recommended_places(&before) {
            assert_eq!(document.matches(&format!("- **{place}**: ")).count(), 1, "{document}");
        }
        steps.push(trip.steps());
        made += 1;
        if made == 1 {
            // The apps are left on other pages than their first, and all is done that there is to do: nothing is done twice.
            trip.place = Place::new();
            let ran = trip.carry_out(&[]);
            trip.is_done(seed, &ran);
            assert_eq!(complaints(seed, &before, &trip.phone.handle.facts()), [""; 0], "seed {seed}, a second time");
        }
    }
    println!("{made} trips by steps, of {} to {} steps", steps.iter().min().unwrap(), steps.iter().max().unwrap());
}

/// Killed at points that a seed draws: one ticket, no place and no note twice. Where nobody can tell whether a touch was done a person is asked.
#[test]
fn a_trip_by_steps_that_is_killed_does_nothing_twice() {
    let (mut dice, mut kills, mut asked, mut made) = (Dice::new(12), 0, 0, 0);
    let alone = seeds().filter(|seed| guides(&world(*seed).facts()).len() == 1);
    for seed in alone.skip(2).take(count("KILLED_TRIPS", 2)) {
        let mut trip = Trip::by_steps(seed);
        let before = trip.phone.handle.facts();
        let at: Vec<usize> = (0..4).map(|_| 1 + dice.below(300)).collect();
        let ran = trip.carry_out(&at);
        let after = trip.phone.handle.facts();
        kills += trip.kills;
        if ran.code == 11 {
            asked += 1;
            assert!(after["wallet.payments"].matches("rail ").count() <= 1, "seed {seed}, killed at {at:?}");
            continue;
        }
        trip.is_done(seed, &ran);
        assert_eq!(complaints(seed, &before, &after), [""; 0], "seed {seed}, killed at {at:?}");
        made += 1;
    }
    println!("{kills} kills; {made} trips by steps were made, {asked} waited for a person");
    assert!(0 < kills && asked <= made);
}

/// It was killed when the order was there and nobody had written that down, and somebody has closed the app since. The model found no such
/// order before: it is told that there may be one by now, looks again, and orders no other one.
#[test]
fn a_ticket_that_was_ordered_and_not_written_down_is_not_ordered_again() {
    let seed = seeds().next().unwrap();
    let mut trip = Trip::new(seed, TRIP, Some(SETTINGS));
    let before = trip.phone.handle.facts();
    let mut running = Running::of(trip.command());
    while trip.phone.handle.facts()["rail.orders.count"] == before["rail.orders.count"] {
        assert!(!running.has_ended(), "it ended without an order: {}", running.end().out);
        thread::sleep(Duration::from_millis(2));
    }
    running.kill();
    trip.forget_after_deed("3-ticket");
    trip.phone.handle.change(|world| world.stop("com.tapwright.rail"));
    let ran = trip.carry_out(&[]);
    trip.is_done(seed, &ran);
    assert_eq!(complaints(seed, &before, &trip.phone.handle.facts()), [""; 0], "seed {seed}");
    assert_eq!(trip.reader.lock().unwrap().doubts, 1);
}

/// It was killed when a place was saved and nobody had written that down. The check mark of the next place is at the same spot of the same
/// page: it is another place's, and nobody has to be asked.
#[test]
fn a_place_that_was_saved_and_not_written_down_is_not_saved_again() {
    // What is noted of each place is its price.
    let differ = |seed: &u64| {
        let facts = world(*seed).facts();
        let places = recommended_places(&facts);
        let prices = places.iter().map(|place| facts[&format!("maps.place.{place}.price")].clone());
        prices.collect::<BTreeSet<_>>().len() == places.len()
    };
    let seed = seeds().find(differ).unwrap();
    let mut trip = Trip::new(seed, TRIP, Some(SETTINGS));
    let before = trip.phone.handle.facts();
    let saved = |facts: &Facts| facts.get("maps.saved.Changchun").cloned().unwrap_or_default();
    let mut running = Running::of(trip.command());
    while saved(&trip.phone.handle.facts()) == saved(&before) {
        assert!(!running.has_ended(), "it ended without a place: {}", running.end().out);
        thread::sleep(Duration::from_millis(2));
    }
    running.kill();
    trip.forget_after_deed("2-save");
    let ran = trip.carry_out(&[]);
    trip.is_done(seed, &ran);
    assert_eq!(complaints(seed, &before, &trip.phone.handle.facts()), [""; 0], "seed {seed}");
    assert_eq!(trip.reader.lock().unwrap().doubts, 1);
}

#[test]
fn without_somebodys_leave_nothing_is_paid() {
    let seed = seeds().next().unwrap();
    let mut trip = Trip::new(seed, TRIP, None);
    // As on somebody's phone: whoever is there is asked, and nobody is.
    trip.place.file("tapwright.toml", "[policy]\npreset = \"careful\"\n[policy.secrets.wallet-pin]\nenv = \"WALLET_PIN\"\napps = [\"com.tapwright.rail\"]\n");
    let ran = trip.carry_out(&[]);
    assert_eq!(ran.code, 11, "{}", ran.out);
    let facts = trip.phone.handle.facts();
    assert_eq!(facts["wallet.payments"], "");
    assert!(
        facts.get("rail.orders.0").is_none_or(|order| order.starts_with("unpaid | ")),
        "{:?}",
        facts.get("rail.orders.0")
    );
    // What was found out until then is not lost.
    assert!(trip.document().contains("(not known yet)") && trip.document().contains("- **"), "{}", trip.document());
}

#[test]
fn a_day_of_news_is_told_once_each_though_it_is_killed() {
    for seed in 0..count("DIGESTS", 1) as u64 {
        let mut trip = Trip::new(seed, DIGEST, None);
        let before = trip.phone.handle.facts();
        let mut dice = Dice::new(seed);
        let at: Vec<usize> = (0..3).map(|_| 20 + dice.below(300)).collect();
        let ran = trip.carry_out(&at);
        trip.is_done(seed, &ran);
        let document = trip.document();
        let until = 24 * 60;
        let mut told = 0;
        for (name, minute) in
            before.iter().filter(|(name, _)| name.starts_with("feed.post.Space") && name.ends_with(".minute"))
        {
            let title = name.trim_start_matches("feed.post.").trim_end_matches(".minute");
            let is_there = minute.parse::<i32>().unwrap() <= until;
            let found = document.matches(&format!("- **{title}**: ")).count();
            assert_eq!(found, usize::from(is_there), "seed {seed}: {name} {minute}: {document}");
            told += found;
        }
        assert_eq!(document.matches("- **").count(), told, "{document}");
        let after = trip.phone.handle.facts();
        let changed: Vec<&String> = before.keys().filter(|name| before[*name] != after[*name]).collect();
        assert!(changed.iter().all(|name| *name == "front" || name.starts_with("calendar.")), "{changed:?}");
        let rounds =
            fs::read_to_string(trip.folder().unwrap().join("plan.jsonl")).unwrap().matches("{\"round\":").count();
        println!("{rounds} rounds, {} steps, {} kills, {told} posts told", trip.steps(), trip.kills);
        assert_eq!(rounds, 25);
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all
}
