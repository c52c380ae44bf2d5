//! A phone on which something always moves, over ADB: looks end early, and a yes that was given after some seconds holds. Beside each
//! stands what came of the old rules: two pictures had to be equal to the byte, and so had the frame that a person had approved.
//!
//! `TAPWRIGHT_LOOKS=20 cargo test -p tapwright-tests --test moving_screens -- --nocapture` prints the tables; a few looks without it.

#[path = "common/scripted.rs"]
mod scripted;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use scripted::recorded_run;
use tapwright_agent::episode::EDITION;
use tapwright_agent::journal::Line;
use tapwright_agent::person::{Answer, Person, Question};
use tapwright_agent::policy::{self, Policy};
use tapwright_agent::step::StepResult;
use tapwright_contract::device::{Driver, Screen};
use tapwright_drivers::Settle;
use tapwright_drivers::android::{Address, Android, AndroidOptions, Capture, Keys};
use tapwright_phone::adbd::{Clock, Daemon, Handle, SteadyClock};
use tapwright_phone::app::{App, Context, Facts, InstalledApp, Manifest};
use tapwright_phone::command::send;
use tapwright_phone::locale::phrase;
use tapwright_phone::providers::Providers;
use tapwright_phone::ui::{ROW, Style, TextField, Ui};
use tapwright_phone::weather::{Fault, Weather};
use tapwright_phone::{FieldId, Icon, Input, MarkContent, Motion, Page, World};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(20);
/// How long a look may take in the tables; a test has less time.
const LIMIT: Duration = Duration::from_secs(5);
/// How long a person takes for a yes. A caret is in its other half by then.
const READS: u64 = 3500;
/// What is between two looks, so that they meet what moves at all of its phases.
const BETWEEN: Duration = Duration::from_millis(137);
const SHOP: &str = "org.example.shop";

/// A page with a field, a button that pays, and seconds that pass.
#[derive(Clone, Debug, Default)]
struct Shop {
    ticks: bool,
    paid: u32,
}

#[derive(Clone, Debug)]
struct Pay;

impl App for Shop {
    type Message = Pay;

    fn manifest(&self) -> Manifest {
        let label = phrase("Shop", "商店");
        Manifest { package: SHOP, activity: ".Shop", label, icon: Icon::Cart, color: 0x0EA5A4 }
    }

    fn view(&self, _: &Page, context: &Context<'_>, _: &Providers, ui: &mut Ui) {
        ui.title_bar("Shop", false, &[]);
        if self.ticks {
            let second = context.clock % 60;
            let style = Style::new(40.0, ui.theme.ink);
            ui.label("clock", &format!("Offer ends in 0:{:02}", 59 - second), (30.0, 2.5 * ROW), 460.0, style);
        }
        let field = FieldId::new("note");
        ui.field(TextField {
            id: "note",
            hint: phrase("Note for the shop", "备注"),
            state: context.field(&field),
            field,
            left: 18.0,
            top: 3.0 * ROW,
            width: 504.0,
            height: ROW,
        });
        let color = ui.theme.accent;
        ui.button("pay", "Pay 4.20", (150.0, 4.3 * ROW, 240.0, 0.8 * ROW), color, send(Pay));
    }

    fn update(&mut self, Pay: Pay, _: &Context<'_>, _: &mut Providers) -> Vec<tapwright_phone::command::Effect> {
        self.paid += 1;
        Vec::new()
    }

    fn facts(&self, _: &Providers, facts: &mut Facts) {
        facts.insert("shop.paid".to_owned(), self.paid.to_string());
    }
}

/// What moves.
#[derive(Clone, Copy, Debug, Default)]
struct Moves {
    name: &'static str,
    caret: bool,
    ticks: bool,
    motion: Motion,
    /// Whether it is never told to rest.
    always: bool,
}

const MOVES: [Moves; 7] = [
    Moves { name: "nothing", caret: false, ticks: false, motion: Motion::None, always: false },
    Moves { name: "a caret that blinks", caret: true, ticks: false, motion: Motion::None, always: false },
    Moves { name: "a clock with seconds", caret: false, ticks: true, motion: Motion::None, always: false },
    Moves { name: "a carousel", caret: false, ticks: false, motion: Motion::Carousel, always: false },
    Moves { name: "caret, clock and carousel", caret: true, ticks: true, motion: Motion::Carousel, always: false },
    Moves { name: "a line that runs", caret: false, ticks: false, motion: Motion::Marquee, always: true },
    Moves { name: "caret, clock and a wheel", caret: true, ticks: true, motion: Motion::Spinner, always: true },
];

/// The machine's clock, which a person can move on.
#[derive(Clone)]
struct MovableClock {
    steady: SteadyClock,
    ahead: Arc<AtomicU64>,
}

impl Clock for MovableClock {
    fn millis(&self) -> u64 {
        self.steady.millis() + self.ahead.load(Ordering::Relaxed)
    }
}

struct Phone {
    daemon: Daemon,
    ahead: Arc<AtomicU64>,
}

impl Phone {
    /// The shop is in front and its field has the focus. `delay` is how many milliseconds what the phone sends is late at most.
    async fn new(moves: Moves, delay: u64) -> Phone {
        let options = tapwright_phone::Options {
            width: 360,
            height: 800,
            caret_blinks: moves.caret,
            motion: moves.motion,
            ..Default::default()
        };
        let mut world = World::with_apps(options, vec![InstalledApp::new(Shop { ticks: moves.ticks, paid: 0 })]);
        world.launch(SHOP);
        let field = world.marks().into_iter().find(|mark| mark.what == MarkContent::Field).unwrap().target.unwrap();
        world.input(&Input::Tap { x: field.0, y: field.1 });
        let mut weather = Weather::of(1, if delay > 0 { &[(Fault::SlowLink, 1000)] } else { &[] });
        weather.lengths.delay = delay;
        let clock = MovableClock { steady: SteadyClock::new(), ahead: Arc::default() };
        let ahead = clock.ahead.clone();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let daemon = Daemon::start(listener, Handle::in_weather(world, clock, weather), Default::default()).unwrap();
        Phone { daemon, ahead }
    }

    async fn driver(&self, settle: Settle) -> Android {
        let options = AndroidOptions {
            address: Address::Direct { address: self.daemon.address().to_string(), keys: Keys::default() },
            settle,
            capture: Capture::Raw,
            find_again: Duration::ZERO,
            wake: false,
        };
        let mut driver = Android::connect(options, PATIENCE).await.unwrap();
        driver.screen(LIMIT).await.unwrap(); // What is found out once in a session is no look's.
        driver
    }
}

/// How long looks take by the rule of today, and how many of them ended by themselves.
async fn looks(phone: &Phone, times: u32, limit: Duration) -> (f64, u32) {
    let mut driver = phone.driver(Settle::PHONE).await;
    let (mut spent, mut ended) = (Duration::ZERO, 0);
    for _ in 0..times {
        let began = Instant::now();
        driver.screen(limit).await.unwrap();
        spent += began.elapsed();
        ended += u32::from(began.elapsed() < limit);
        tokio::time::sleep(BETWEEN).await;
    }
    (ms(spent / times), ended)
}

/// The same by the rule of before: until two pictures in a row are equal to the byte.
async fn looks_by_bytes(phone: &Phone, times: u32, limit: Duration) -> (f64, u32) {
    let one_look = Settle { looks: 1, apart: Duration::ZERO, grace: Duration::ZERO };
    let mut driver = phone.driver(one_look).await;
    let (mut spent, mut ended) = (Duration::ZERO, 0);
    for _ in 0..times {
        let began = Instant::now();
        let mut last = None;
        while began.elapsed() < limit {
            let taken = Instant::now();
            let picture = driver.screen(PATIENCE).await.unwrap().picture;
            if last.as_ref() == Some(&picture) {
                ended += 1;
                break;
            }
            last = Some(picture);
            tokio::time::sleep_until(taken + Settle::PHONE.apart).await;
        }
        spent += began.elapsed().min(limit);
        tokio::time::sleep(BETWEEN).await;
    }
    (ms(spent / times), ended)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looks_end_early_whatever_moves() {
    #[allow(clippy::disallowed_methods)] // A test has no command line.
    let asked = std::env::var("TAPWRIGHT_LOOKS").ok().and_then(|times| times.parse::<u32>().ok());
    let (times, limit) = asked.map_or((1, Duration::from_secs(3)), |times| (times, LIMIT));
    println!("| what moves | a picture is late by | equal to the byte, as before | now |");
    println!("| --- | --- | --- | --- |");
    for delay in [0, 120] {
        for moves in MOVES {
            let phone = Phone::new(moves, delay).await;
            let (before, ended) = looks_by_bytes(&phone, times, limit).await;
            let (now, ended_now) = looks(&phone, times, limit).await;
            let told = |ended: u32| {
                if ended < times { format!(", {} of {times} to the end", times - ended) } else { String::new() }
            };
            let name = moves.name;
            println!("| {name} | {delay} ms | {before:.0} ms{} | {now:.0} ms{} |", told(ended), told(ended_now));
            assert_eq!(ended_now, times, "{name}: a look took all of its time");
        }
    }
}

/// Somebody who reads for a while and then says yes.
struct Reader(Arc<AtomicU64>);

#[async_trait]
impl Person for Reader {
    async fn ask(&mut self, question: &Question, _screen: Option<&Screen>) -> Answer {
        assert!(question.message().contains("payment"), "{question:?}");
        self.0.fetch_add(READS, Ordering::Relaxed);
        Answer::Yes
    }
}

/// What a step comes to that pays, when a person has read for a while, by the rules of an edition: its result, and how often was paid.
async fn approved_step(moves: Moves, edition: u32) -> (StepResult, String) {
    let phone = Phone::new(moves, 0).await;
    let mut driver = phone.driver(Settle::PHONE).await;
    let tap = r#"do(action="Tap", element=[500,360])"#;
    let policy: Policy = toml::from_str(policy::CAREFUL).unwrap();
    let record = recorded_run(&mut driver, &mut Reader(phone.ahead.clone()), policy, edition, tap).await;
    let result = record.entries.iter().find_map(|entry| match &entry.line {
        Line::Step(step) => Some(step.result),
        _ => None,
    });
    (result.expect("a step"), phone.daemon.handle().facts()["shop.paid"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_yes_after_some_seconds_holds_whatever_moves() {
    println!("| what moves while a person reads for {READS} ms | the frame counted (edition 3) | now |");
    println!("| --- | --- | --- |");
    for moves in MOVES.into_iter().filter(|moves| !moves.always) {
        let (before, now) = (approved_step(moves, 3).await, approved_step(moves, EDITION).await);
        println!("| {} | {:?}, paid {} times | {:?}, paid {} times |", moves.name, before.0, before.1, now.0, now.1);
        assert_eq!(now, (StepResult::Done, "1".to_owned()), "{}", moves.name);
        if moves.ticks {
            assert_eq!(before, (StepResult::NotDone, "0".to_owned()), "{}: this shows nothing", moves.name);
        }
    }
}
