//! The whole agent between ports that throw dice: a number draws a device, a model, a person, a disk, a moment to stop.
//!
//! Safety: nothing is done that is not vetted and on the disk, nothing on a screen that was not just seen, nothing
//! after a stop, nothing past the policy; and where a run breaks off and goes on, nothing twice: an intent is carried out
//! once, and what may have happened and cannot be taken back is not done again without evidence or a person. Liveness: in
//! good weather a run gets there, however often it breaks off. Census: every ending and every fault did occur.
//!
//! `SEEDS=20000 cargo test --release -p tapwright-agent --test simulation` for a night.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use common::disk::Memory;
use common::{reply, screen, setting};
use tapwright_agent::clock::Timer;
use tapwright_agent::drive::{DriveError, Ports, drive, resume};
use tapwright_agent::guard::Deed;
use tapwright_agent::journal::{EffectLine, Entry, EventLine, Journal, Line, Record, RecordError, ResumePoint};
use tapwright_agent::outcome::{End, Outcome};
use tapwright_agent::person::{Answer, Person, Question};
use tapwright_agent::secrets::Secrets;
use tapwright_agent::stop::{Stopper, stop};
use tapwright_contract::api::{ApiError, Apis};
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};
use tapwright_contract::model::{Model, ModelError, ModelErrorKind, Prompt, Reply};
use tokio::sync::Notify;

/// SplitMix64: all that happens follows from one number.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// Off, rare or wild: a fault that is always there hides what only happens without it.
    fn weather(&mut self) -> u64 {
        [0, 0, 5, 40][self.below(4) as usize]
    }
}

/// Chances in percent.
struct Weather {
    lost: u64,
    device: u64,
    blind: u64,
    model: u64,
    nonsense: u64,
    stubborn: u64,
    risky: u64,
    hang: u64,
}

struct World {
    dice: Dice,
    weather: Weather,
    disk: Memory,
    number: u32,
    /// Whether the screen was seen, and nothing has happened since.
    fresh: bool,
    /// Whether a person has said yes to the next sensitive tap.
    approved: bool,
    stopped: bool,
    performed: u32,
    /// The number on the screen that was seen last, and on the one on which the last deed was chosen.
    seen: u32,
    chosen_on: u32,
    /// The places in the journal of the intents that were carried out.
    acted: BTreeSet<u64>,
    /// What may have happened when the run broke off, and on which screen it was chosen.
    doubts: Vec<(Deed, u32)>,
    /// Whether the disk and the power are left alone, and the process is killed often.
    good: bool,
    /// The process is killed in the middle of this deed, counted from here.
    kill_in: Option<u64>,
    kill: Arc<Notify>,
    /// Whether the run has just been resumed: then the model says the same again as likely as not.
    resumed: bool,
    /// Whether a person has said yes to doing it again.
    again: bool,
    last_reply: &'static str,
    census: BTreeMap<&'static str, u32>,
}

type Shared = Arc<Mutex<World>>;

fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().expect("no port panics while it holds the world")
}

impl World {
    fn count(&mut self, what: &'static str) {
        *self.census.entry(what).or_default() += 1;
    }

    fn kind(&mut self) -> DriverErrorKind {
        let why = || "dice".to_owned();
        let (name, kind) = match self.dice.below(6) {
            0 => ("timed out", DriverErrorKind::TimedOut { tries: why() }),
            1 => ("refused", DriverErrorKind::Refused { why: why() }),
            2 => ("no such app", DriverErrorKind::NoSuchApp { app: "X".repeat(500), like: vec!["Y".repeat(500); 9] }),
            3 => ("stale", DriverErrorKind::Stale),
            4 => ("hidden", DriverErrorKind::Hidden { why: why() }),
            _ => ("nonsense", DriverErrorKind::MalformedResponse { why: why() }),
        };
        self.count(name);
        kind
    }

    fn acts(&mut self, deed: &Deed) {
        assert!(!self.stopped, "acted after the stop");
        assert!(!self.disk.disk().failed, "acted without a record");
        let entry: Entry = serde_json::from_str(&self.disk.last_synced()).expect("the last line is complete");
        assert_eq!(entry.line, Line::Effect(EffectLine::Act(deed.clone())), "the intent is on the disk");
        assert!(self.fresh, "acted on a stale screen");
        assert!(self.acted.insert(entry.seq), "an intent was carried out twice");
        let doubtful: Vec<u32> = self.doubts.iter().filter(|(doubtful, _)| doubtful == deed).map(|it| it.1).collect();
        if cannot_be_taken_back(deed) && !doubtful.is_empty() {
            let evidence = matches!(deed, Deed::Gesture(_)) && doubtful.iter().all(|chosen_on| self.seen == *chosen_on);
            assert!(evidence || self.again || self.approved, "{deed:?} may have happened, and was done again");
            self.count(if evidence { "again, as nothing had changed" } else { "again, as a person said so" });
        }
        self.fresh = false;
        self.again = false;
        self.chosen_on = self.seen;
        self.performed += 1;
    }
}

impl World {
    /// Whether the process is killed in the middle of this deed, which has happened then or not.
    fn is_killed(&mut self) -> bool {
        let left = self.kill_in.take();
        self.kill_in = left.and_then(|left| left.checked_sub(1));
        if left != Some(0) {
            return false;
        }
        if self.dice.percent(50) {
            self.number += 1;
        }
        self.kill.notify_one();
        true
    }
}

fn cannot_be_taken_back(deed: &Deed) -> bool {
    matches!(
        deed,
        Deed::Api { .. }
            | Deed::Gesture(
                Gesture::Tap { .. } | Gesture::DoubleTap { .. } | Gesture::LongPress { .. } | Gesture::Drag { .. }
            )
    )
}

struct Device(Shared);

#[async_trait]
impl Driver for Device {
    fn name(&self) -> &str {
        "dice"
    }

    fn abilities(&self) -> Abilities {
        Abilities::PHONE
    }

    async fn screen(&mut self, within: Duration) -> Result<Screen, DriverError> {
        tokio::time::sleep(within / 10).await;
        let hangs = {
            let world = &mut *lock(&self.0);
            let unsynced = world.disk.unsynced();
            let kept = !unsynced.contains("\"event\":{\"acted") && !unsynced.contains("\"event\":{\"answered");
            assert!(kept, "what came of the last deed is not on the disk: {unsynced}");
            world.dice.percent(world.weather.hang)
        };
        if hangs {
            lock(&self.0).count("screen hangs");
            std::future::pending::<()>().await;
        }
        let world = &mut *lock(&self.0);
        let error = |kind| DriverError { device: "dice".to_owned(), operation: "take a picture", kind };
        if world.dice.percent(world.weather.lost) {
            return Err(error(DriverErrorKind::Lost { why: "unplugged".to_owned() }));
        }
        if world.dice.percent(world.weather.blind) {
            return Err(error(world.kind()));
        }
        world.fresh = true;
        world.seen = world.number;
        Ok(screen("App", world.number, world.dice.next() as u8))
    }

    async fn perform(&mut self, gesture: &Gesture, within: Duration) -> Result<(), DriverError> {
        let hangs = {
            let world = &mut *lock(&self.0);
            world.acts(&Deed::Gesture(gesture.clone()));
            // The model of this world calls exactly this place sensitive, always.
            if let Gesture::Tap { at } = gesture
                && (at.x, at.y) == (15, 31)
            {
                assert!(world.approved, "a sensitive tap without a person's yes");
                world.approved = false;
                world.count("approved");
            }
            assert!(!matches!(gesture, Gesture::Launch { app } if app == "Bank"), "launched what is forbidden");
            world.is_killed() || world.dice.percent(world.weather.hang)
        };
        if hangs {
            lock(&self.0).count("gesture hangs");
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(within / 10).await;
        let world = &mut *lock(&self.0);
        let error = |kind| DriverError { device: "dice".to_owned(), operation: "touch", kind };
        if world.dice.percent(world.weather.lost) {
            return Err(error(DriverErrorKind::Lost { why: "unplugged".to_owned() }));
        }
        if world.dice.percent(world.weather.device) {
            return Err(error(world.kind()));
        }
        if world.weather.stubborn < 20 || !world.dice.percent(90) {
            world.number += 1;
        }
        world.doubts.retain(|(doubtful, _)| !is_again(doubtful, gesture));
        Ok(())
    }
}

/// Whether a gesture is a doubtful one done for certain: the same, or a touch on the same place.
fn is_again(doubtful: &Deed, gesture: &Gesture) -> bool {
    let touched = |gesture: &Gesture| match gesture {
        Gesture::Tap { at } | Gesture::DoubleTap { at } | Gesture::LongPress { at, .. } => Some((at.x, at.y)),
        _ => None,
    };
    let Deed::Gesture(doubtful) = doubtful else { return false };
    doubtful == gesture
        || matches!((touched(doubtful), touched(gesture)), (Some(one), Some(other)) if one.0.abs_diff(other.0) <= 1 && one.1.abs_diff(other.1) <= 1)
}

struct Oracle(Shared);

const SENSITIVE: &str = r#"<think>T</think><answer>do(action="Tap", element=[777,777], message="pay")"#;
const REPLIES: &[&str] = &[
    r#"<think>T</think><answer>do(action="Tap", element=[500,500])"#,
    r#"<think>T</think><answer>do(action="Swipe", start=[500,900], end=[500,100])"#,
    r#"<think>T</think><answer>do(action="Type", text="secret")"#,
    r#"<think>T</think><answer>do(action="Launch", app="Notes")"#,
    r#"<think>T</think><answer>do(action="Back")"#,
    r#"<think>T</think><answer>do(action="Home")"#,
    r#"<think>T</think><answer>do(action="Long Press", element=[300,700])"#,
    r#"<think>T</think><answer>do(action="Drag", start=[500,900], end=[500,100])"#,
    r#"<think>T</think><answer>do(action="Double Tap", element=[300,700])"#,
    r#"<think>T</think><answer>do(action="Wait", duration="2 seconds")"#,
    r#"<think>T</think><answer>do(action="Note", message="True")"#,
    r#"<think>T</think><answer>do(action="Call_API", instruction="weather")"#,
    r#"<think>T</think><answer>do(action="Call_API", instruction="summarise my notes")"#,
];
const RISKY: &[&str] = &[
    SENSITIVE,
    SENSITIVE,
    SENSITIVE,
    r#"<think>T</think><answer>do(action="Take_over", message="log in")"#,
    r#"<think>T</think><answer>do(action="Interact")"#,
    r#"<think>T</think><answer>do(action="Launch", app="Bank")"#,
];
const NONSENSE: &[&str] =
    &["", "I am done.", "do(action=\"Fly\")", "{\"a\":1}", "do(action=\"Tap\", element=[5", "</answer>"];

#[async_trait]
impl Model for Oracle {
    fn name(&self) -> &str {
        "oracle"
    }

    async fn reply(&mut self, _prompt: &Prompt, within: Duration) -> Result<Reply, ModelError> {
        tokio::time::sleep(within / 20).await;
        let hangs = {
            let world = &mut *lock(&self.0);
            assert!(world.fresh, "thought about a stale screen");
            world.dice.percent(world.weather.hang)
        };
        if hangs {
            let world = &mut *lock(&self.0);
            world.fresh = false;
            world.count("model hangs");
        }
        if hangs {
            std::future::pending::<()>().await;
        }
        let world = &mut *lock(&self.0);
        if world.dice.percent(world.weather.model) {
            world.fresh = false; // A pause follows.
            let why = || "dice".to_owned();
            let kind = match world.dice.below(8) {
                0 => ModelErrorKind::InvalidPrompt { why: why() },
                1 => ModelErrorKind::Fatal { why: why() },
                2..5 => ModelErrorKind::TimedOut { within },
                _ => ModelErrorKind::Unavailable { why: why(), retry_after: None },
            };
            world.count("model fails");
            return Err(ModelError { model: "oracle".to_owned(), kind });
        }
        let text = if world.dice.percent(world.weather.nonsense) {
            NONSENSE[world.dice.below(NONSENSE.len() as u64) as usize]
        } else if world.dice.percent(world.weather.risky) {
            RISKY[world.dice.below(RISKY.len() as u64) as usize]
        } else if world.dice.percent(world.weather.stubborn * 2)
            || (std::mem::take(&mut world.resumed) && world.dice.percent(60))
        {
            world.last_reply
        } else if world.number > 4 && world.dice.percent(50) {
            ["<think>T</think><answer>finish(message=\"ok\")", "finish(message=\"no\", status=\"infeasible\")"]
                [usize::from(world.dice.percent(20))]
        } else {
            REPLIES[world.dice.below(REPLIES.len() as u64) as usize]
        };
        world.last_reply = text;
        Ok(reply(text))
    }
}

struct Somebody(Shared);

#[async_trait]
impl Person for Somebody {
    async fn ask(&mut self, question: &Question, _screen: Option<&Screen>) -> Answer {
        {
            let world = &mut *lock(&self.0);
            assert!(!world.stopped, "asked after the stop");
            let entry: Entry = serde_json::from_str(&world.disk.last_synced()).expect("the last line is complete");
            assert_eq!(entry.line, Line::Effect(EffectLine::Ask(question.clone())));
            world.fresh = false;
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
        let sides = lock(&self.0).dice.below(12);
        match sides {
            0..5 => {
                let world = &mut *lock(&self.0);
                world.approved = matches!(question, Question::Confirm { .. });
                world.again = matches!(question, Question::Again { .. });
                if world.again {
                    world.count("asked whether to do it again");
                }
                if world.dice.percent(30) {
                    world.number += 1; // The screen moved on in the meantime.
                    world.approved = false;
                    world.again = false;
                }
                Answer::Yes
            }
            5..8 => Answer::No,
            8 => Answer::Done,
            9 => Answer::Choice("the red one".to_owned()),
            10 => Answer::Nobody,
            _ => std::future::pending().await,
        }
    }
}

struct Weatherman(Shared);

#[async_trait]
impl Apis for Weatherman {
    async fn call(&mut self, instruction: &str, _within: Duration) -> Result<String, ApiError> {
        let world = &mut *lock(&self.0);
        world.acts(&Deed::Api { instruction: instruction.to_owned() });
        match world.dice.below(4) {
            0 => {
                // Any call is of the same API: all of them begin with the same word.
                world.doubts.retain(|(doubtful, _)| matches!(doubtful, Deed::Gesture(_)));
                Ok("rain".repeat(1000))
            }
            1 => Err(ApiError::Unknown),
            2 => Err(ApiError::Refused { why: "closed".to_owned() }),
            _ => Err(ApiError::Unanswered { why: "late".to_owned() }),
        }
    }
}

/// What stops a run in the middle of something, and remembers that it did.
async fn stop_after(time: Duration, stopper: Stopper, world: Shared) {
    tokio::time::sleep(time).await;
    lock(&world).stopped = true;
    stopper.stop();
}

fn draw(seed: u64) -> World {
    let mut dice = Dice(seed);
    let weather = Weather {
        lost: dice.weather() / 8,
        device: dice.weather(),
        blind: dice.weather(),
        model: dice.weather(),
        nonsense: dice.weather(),
        stubborn: dice.weather(),
        risky: dice.weather(),
        hang: dice.weather() / 8,
    };
    let disk = Memory::default();
    if dice.percent(20) {
        disk.disk().fails_at = Some(dice.below(80) as u32);
    }
    World {
        dice,
        weather,
        disk,
        number: 0,
        fresh: false,
        approved: false,
        stopped: false,
        performed: 0,
        seen: 0,
        chosen_on: 0,
        acted: BTreeSet::new(),
        doubts: Vec::new(),
        good: false,
        kill_in: None,
        kill: Arc::default(),
        resumed: false,
        again: false,
        last_reply: REPLIES[0],
        census: BTreeMap::new(),
    }
}

fn run(world: World, stop_at: Option<Duration>) -> (Result<End, DriveError>, Vec<Entry>, Shared) {
    let mut journal = Journal::over("simulated", Box::new(world.disk.clone()));
    let world = Arc::new(Mutex::new(world));
    let mut entries = Vec::new();
    let never = Duration::from_secs(24 * 3600);
    let result = drive_on(&world, &mut journal, None, stop_at, never, &mut |entry: &Entry| entries.push(entry.clone()));
    // Whatever hangs, a run comes to an end.
    (result.expect("a run ends within a day"), entries, world)
}

/// Begins a run, or goes on with one; `None` if it is killed before it comes to an end.
fn drive_on(
    world: &Shared,
    journal: &mut Journal,
    stand: Option<ResumePoint>,
    stop_at: Option<Duration>,
    killed_at: Duration,
    watch: &mut (dyn FnMut(&Entry) + Send),
) -> Option<Result<End, DriveError>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime can be made").block_on(async {
        let (stopper, stop) = stop();
        if let Some(time) = stop_at {
            tokio::spawn(stop_after(time, stopper.clone(), world.clone()));
        }
        let ports = Ports {
            driver: &mut Device(world.clone()),
            model: &mut Oracle(world.clone()),
            person: &mut Somebody(world.clone()),
            apis: &mut Weatherman(world.clone()),
            secrets: &Secrets::default(),
            journal,
            clock: &Timer::start(),
            stop,
            watch,
        };
        let run = async {
            match stand {
                None => drive(setting(), 0, ports).await,
                Some(stand) => resume(stand, setting().limits, 1, ports).await,
            }
        };
        let kill = lock(world).kill.clone();
        tokio::select! {
            biased;
            () = kill.notified() => None,
            result = tokio::time::timeout(killed_at, run) => result.ok(),
        }
    })
}

/// What became of a run that broke off, again and again.
enum Fate {
    Ended(End),
    /// It was killed before its first line was on the disk.
    NeverBegan,
    /// It broke off once more, and nobody took it up any more.
    Abandoned,
}

/// Kills the run, stops it, fills its disk and cuts its power, and resumes it each time.
fn run_on(world: World, folder: &Path, breaks: u32) -> (Fate, Shared) {
    let mut journal = Journal::over("simulated", Box::new(world.disk.clone()));
    let world = Arc::new(Mutex::new(world));
    let mut stand = None;
    for left in (0..=breaks).rev() {
        let (stop_at, killed_at) = {
            let world = &mut *lock(&world);
            let dice = &mut world.dice;
            world.kill_in = dice.percent(if world.good { 90 } else { 50 }).then(|| dice.below(5));
            let mut moment = |chance| dice.percent(chance).then(|| Duration::from_millis(dice.below(60_000)));
            (moment(15), moment(30).unwrap_or(Duration::from_secs(24 * 3600)))
        };
        let result = drive_on(&world, &mut journal, stand.take(), stop_at, killed_at, &mut |_| ());
        let how = match result {
            None => "killed",
            Some(Err(DriveError::Journal { .. })) => "the disk was full",
            Some(Ok(end)) if end.outcome.can_go_on() && left > 0 => match end.outcome.id() {
                "stopped" => "went on after a stop",
                "needs-person" => "went on with a person",
                "device-lost" => "went on with the device",
                "model-failed" => "went on with the model",
                id => panic!("a run that ended with {id} goes on"),
            },
            // A moment earlier the last line was not there.
            Some(Ok(_)) if left > 0 && lock(&world).dice.percent(10) => {
                lock(&world).disk.lose_last_line();
                "killed before its last line"
            }
            Some(Ok(end)) => return (Fate::Ended(end), world),
        };
        let Some((record, stood)) = lock(&world).mended(how, folder) else { return (Fate::NeverBegan, world) };
        // The end was written, and the disk failed when it was to be synced: whoever resumes the run finds it.
        if let Some(end) = record.end().filter(|end| !end.outcome.can_go_on()) {
            lock(&world).count("the end was there, not synced");
            return (Fate::Ended(end.clone()), world);
        }
        journal = Journal::after(&record, Box::new(lock(&world).disk.clone()));
        stand = Some(stood);
    }
    (Fate::Abandoned, world)
}

impl World {
    /// What is found by whoever resumes the run; nothing if not even its first line is there.
    fn mended(&mut self, how: &'static str, folder: &Path) -> Option<(Record, ResumePoint)> {
        self.count(how);
        {
            let World { dice, disk, good, .. } = self;
            let disk = &mut *disk.disk();
            disk.fails_at = (!*good && dice.percent(20)).then(|| disk.operations + dice.below(60) as u32);
            disk.failed = false;
            // What was not synced may be lost, from anywhere on.
            if dice.percent(40) {
                let unsynced = (disk.lines.len() - disk.synced) as u64;
                disk.lines.truncate(disk.synced + dice.below(unsynced + 1) as usize);
            }
        }
        (self.fresh, self.approved, self.again, self.stopped, self.resumed) = (false, false, false, false, true);
        self.disk.write_to(folder);
        let mut record = match Record::read(folder) {
            Ok(record) => record,
            Err(RecordError::NoJournal { .. }) => return None,
            Err(error) => panic!("{error}"),
        };
        let stand = record.stand().unwrap_or_else(|error| panic!("{error}"));
        {
            let disk = &mut *self.disk.disk();
            disk.lines.truncate(record.length() as usize);
            disk.synced = disk.lines.len();
        }
        let last = record.entries.iter().rev().find(|entry| match &entry.line {
            Line::Event(event) => *event != EventLine::Stopped,
            Line::Effect(_) => true,
            Line::Run(_) | Line::Decided(_) | Line::Step(_) | Line::End(_) => false,
        });
        if let Some(Entry { seq, line: Line::Effect(EffectLine::Act(deed)), .. }) = last {
            let happened = self.acted.contains(seq);
            self.count(if happened { "in the middle of a deed" } else { "right before a deed" });
            let chosen_on = if happened { self.chosen_on } else { self.seen };
            self.doubts.push((deed.clone(), chosen_on));
        }
        if stand.end().is_some_and(|end| !end.outcome.can_go_on()) {
            self.count("only the end was missing");
        }
        Some((record, stand))
    }
}

/// The journal alone tells that each deed was chosen, or approved, on the screen that was seen right before it.
fn check_order(entries: &[Entry]) {
    let mut before: Vec<&str> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        assert_eq!(entry.seq, at as u64);
        assert!(at == 0 || entry.ms >= entries[at - 1].ms);
        if let Line::Effect(EffectLine::Act(_)) = entry.line {
            let chosen = before.ends_with(&["saw", "think", "heard"]);
            let approved = before.ends_with(&["ask", "yes", "look", "saw"]);
            // What was not begun when the run broke off is done once the same screen was seen again.
            let rechecked = before.strip_suffix(&["look", "saw"]).and_then(<[_]>::last) == Some(&"resumed");
            assert!(chosen || approved || rechecked, "{before:?} before {entry:?}");
        }
        if let Line::Effect(_) | Line::Event(_) = entry.line {
            before.push(word(&entry.line));
        }
    }
}

fn word(line: &Line) -> &'static str {
    match line {
        Line::Event(EventLine::Saw { .. }) => "saw",
        Line::Event(EventLine::Heard(_)) => "heard",
        Line::Event(EventLine::Answered(Answer::Yes)) => "yes",
        Line::Event(EventLine::Resumed(_)) => "resumed",
        Line::Effect(EffectLine::Think { .. }) => "think",
        Line::Effect(EffectLine::Look) => "look",
        Line::Effect(EffectLine::Ask(_)) => "ask",
        _ => "other",
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
    for seed in 0..seeds(500) {
        let mut world = draw(seed);
        let breaks = world.dice.below(6) as u32;
        if world.dice.percent(2) {
            world.disk.disk().fails_at = Some(0);
        }
        let at = folder.path().join("run"); // Pictures are the same in many worlds.
        let (fate, world) = run_on(world, &at, breaks);
        let world = lock(&world);
        let fate = match fate {
            Fate::Ended(end) => {
                world.disk.write_to(&at);
                let record = Record::read(&at).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
                assert_eq!(record.end(), Some(&end), "seed {seed}");
                record.replay(|_, _| ()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
                check_order(&record.entries);
                assert!(end.steps <= setting().limits.steps_max, "seed {seed}: the limits are those of the whole run");
                let intents = record
                    .entries
                    .iter()
                    .filter(|entry| matches!(entry.line, Line::Effect(EffectLine::Act(_))))
                    .map(|entry| entry.seq)
                    .collect::<BTreeSet<u64>>();
                assert!(world.acted.is_subset(&intents), "seed {seed}: something was done that is not written down");
                end.outcome.id()
            }
            Fate::NeverBegan => {
                assert_eq!(world.performed, 0, "seed {seed}");
                "never began"
            }
            Fate::Abandoned => "abandoned",
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
        let mut world = draw(seed);
        world.weather = Weather { lost: 0, device: 0, blind: 0, model: 0, nonsense: 0, stubborn: 0, risky: 0, hang: 0 };
        world.disk.disk().fails_at = None;
        let at = folder.path().join("run");
        world.good = true;
        let (fate, world) = run_on(world, &at, 60);
        let Fate::Ended(end) = fate else { panic!("seed {seed}: it was given up") };
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
        let mut world = draw(seed);
        let stop_at = world.dice.percent(20).then(|| Duration::from_millis(world.dice.below(120_000)));
        let (result, entries, world) = run(world, stop_at);
        let world = lock(&world);
        check_order(&entries);
        let ending = match &result {
            Ok(end) => {
                assert!(!world.disk.disk().failed, "seed {seed}: an end that is not on the disk");
                assert_eq!(entries.last().map(|entry| &entry.line), Some(&Line::End(end.clone())), "seed {seed}");
                assert!(end.steps <= setting().limits.steps_max);
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
        "gesture hangs",
        "model hangs",
        "model fails",
        "approved",
    ] {
        assert!(census.contains_key(what), "this never happened: {what}; {census:?}");
    }
}

#[test]
fn in_good_weather_a_run_gets_there() {
    let mut done = 0;
    for seed in 0..200 {
        let mut world = draw(seed);
        world.weather = Weather { lost: 0, device: 0, blind: 0, model: 0, nonsense: 0, stubborn: 0, risky: 0, hang: 0 };
        world.disk.disk().fails_at = None;
        let (result, ..) = run(world, None);
        let end = result.expect("the disk is fine");
        // An API that does not answer is no weather: before it is called again somebody is asked.
        let asks = matches!(&end.outcome, Outcome::NeedsPerson { asked: Question::Again { .. } });
        let id = end.outcome.id();
        assert!(asks || ["done", "gave-up", "out-of-steps"].contains(&id), "seed {seed}: {end:?}");
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
        let mut world = draw(7);
        world.weather =
            Weather { lost: 0, device: 5, blind: 5, model: 5, nonsense: 10, stubborn: 0, risky: 20, hang: 0 };
        world.disk.disk().fails_at = None;
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
