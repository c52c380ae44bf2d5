//! A run of 300 steps: memory stays flat, and what it adds to the disk is known.
//!
//! `cargo test --release -p tapwright-agent --test long -- --nocapture` prints the figures.

mod common;

use std::fs;
use std::time::Duration;

use async_trait::async_trait;
use common::{reply, setting};
use tapwright_agent::apis::NoApis;
use tapwright_agent::clock::Timer;
use tapwright_agent::drive::{Ports, drive};
use tapwright_agent::journal::{Entry, Journal, Line, Record};
use tapwright_agent::person::Nobody;
use tapwright_agent::secrets::Secrets;
use tapwright_agent::stop::stop;
use tapwright_contract::device::{Driver, DriverError, Front, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};
use tapwright_contract::model::{Model, ModelError, Part, Prompt, Reply};
use tapwright_contract::{Picture, Size};

const STEPS: u32 = 300;

/// Shows another picture after each gesture, as large as a phone's.
struct Phone(u32);

#[async_trait]
impl Driver for Phone {
    fn name(&self) -> &str {
        "phone"
    }

    fn abilities(&self) -> Abilities {
        Abilities::PHONE
    }

    async fn screen(&mut self, _within: Duration) -> Result<Screen, DriverError> {
        let size = Size { width: 1080, height: 2400 };
        let mut rgba = vec![255; 1080 * 2400 * 4];
        for (place, byte) in rgba.iter_mut().enumerate().skip(1_000_000).step_by(97) {
            *byte = if place % 4 == 3 { 255 } else { (place as u32).wrapping_mul(self.0) as u8 };
        }
        let picture = Picture::new(size, rgba).expect("the size is right");
        Ok(Screen::new(
            picture,
            Front { id: "com.example.app".to_owned(), label: "App".to_owned(), aliases: Vec::new() },
        ))
    }

    async fn perform(&mut self, _gesture: &Gesture, _within: Duration) -> Result<(), DriverError> {
        self.0 += 1;
        Ok(())
    }
}

struct Tapper {
    said: u32,
    longest: usize,
}

#[async_trait]
impl Model for Tapper {
    fn name(&self) -> &str {
        "tapper"
    }

    async fn reply(&mut self, prompt: &Prompt, _within: Duration) -> Result<Reply, ModelError> {
        let parts = prompt.turns.iter().flat_map(|turn| &turn.parts);
        let bytes = parts.map(|part| if let Part::Text(text) = part { text.len() } else { 0 }).sum();
        self.longest = self.longest.max(bytes);
        self.said += 1;
        let thought = "I see a list of things, and the next one of them is what was asked for. ".repeat(3);
        let call = match self.said {
            STEPS => "finish(message=\"ok\")".to_owned(),
            n => format!("do(action=\"Tap\", element=[{},{}])", n % 900, 500),
        };
        Ok(reply(&format!("<think>{thought}</think><answer>{call}")))
    }
}

/// Bytes that the process has in memory now; nothing where the system does not say.
fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

#[test]
fn memory_stays_flat_over_300_steps() {
    let runs = tempfile::tempdir().unwrap();
    let mut setting = setting();
    setting.limits.steps_max = STEPS;
    let mut journal = Journal::create(runs.path(), "one").unwrap();
    let mut model = Tapper { said: 0, longest: 0 };
    let mut at_step = Vec::new();
    let mut watch = |entry: &Entry| {
        if let Line::Step(step) = &entry.line
            && step.decided.step % 50 == 0
        {
            at_step.push(memory());
        }
    };
    let (_stopper, stop) = stop();
    let ports = Ports {
        driver: &mut Phone(1),
        model: &mut model,
        person: &mut Nobody,
        apis: &mut NoApis,
        secrets: &Secrets::default(),
        journal: &mut journal,
        clock: &Timer::start(),
        stop,
        watch: &mut watch,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let end = runtime.block_on(drive(setting, 0, ports)).unwrap();
    assert_eq!((end.outcome.id(), end.steps), ("done", STEPS));
    let folder = runs.path().join("one");
    let lines = fs::metadata(folder.join("journal.jsonl")).unwrap().len();
    let record = Record::read(&folder).unwrap();
    assert_eq!(record.steps(), STEPS);
    println!("the longest prompt had {} bytes; the journal has {lines} bytes, {} a step", model.longest, lines / 300);
    assert!(lines / u64::from(STEPS) < 4096, "{lines}");
    match at_step.iter().copied().collect::<Option<Vec<u64>>>() {
        None => println!("skipped: this system does not say how much memory is used"),
        Some(bytes) => {
            let shown: Vec<String> =
                bytes.iter().map(|bytes| format!("{:.1}", *bytes as f64 / (1 << 20) as f64)).collect();
            println!("MiB in memory at every 50th step: {}", shown.join(" "));
            // The allocator takes what it will keep within the first hundred steps.
            let (early, late) = (bytes[bytes.len() / 2], bytes[bytes.len() - 1]);
            assert!(late < early + (24 << 20), "it grew: {shown:?}"); // A picture has 10 MiB.
        }
    }
}
