//! Runs: driven to their end, or killed, stopped and cut off, and taken up again.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tapwright_agent::clock::Timer;
use tapwright_agent::drive::{DriveError, Ports, drive, resume};
use tapwright_agent::guard::Deed;
use tapwright_agent::journal::{EffectLine, Entry, EventLine, Journal, Line, Record, RecordError, ResumePoint};
use tapwright_agent::outcome::End;
use tapwright_agent::person::Answer;
use tapwright_agent::secrets::{SecretText, Secrets};
use tapwright_agent::stop::{Stopper, stop};

use crate::device::Device;
use crate::others::{Oracle, Somebody};
use crate::page::{PIN, USER};
use crate::service::Service;
use crate::world::{INK, Shared, World, lock};

/// What stops a run in the middle of something, and remembers that it did.
async fn stop_after(time: Duration, stopper: Stopper, world: Shared) {
    tokio::time::sleep(time).await;
    lock(&world).stopped = true;
    stopper.stop();
}

pub fn run(world: World, stop_at: Option<Duration>) -> (Result<End, DriveError>, Vec<Entry>, Shared) {
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
        let setting = lock(world).setting.clone();
        let ports = Ports {
            driver: &mut Device(world.clone()),
            model: &mut Oracle(world.clone()),
            person: &mut Somebody(world.clone()),
            apis: &mut Service(world.clone()),
            secrets: &secrets(),
            journal,
            clock: &Timer::start(),
            stop,
            watch,
        };
        let run = async {
            match stand {
                None => drive(setting, 0, ports).await,
                Some(stand) => resume(stand, setting.limits, 1, ports).await,
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
pub enum RunFate {
    Ended(End),
    /// It was killed before its first line was on the disk.
    NeverBegan,
    /// It broke off once more, and nobody took it up any more.
    Abandoned,
}

/// Kills the run, stops it, fills its disk and cuts its power, and resumes it each time.
pub fn run_on(world: World, folder: &Path, breaks: u32) -> (RunFate, Shared) {
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
            Some(Ok(end)) => return (RunFate::Ended(end), world),
        };
        let Some((record, stood)) = lock(&world).recover(how, folder) else { return (RunFate::NeverBegan, world) };
        // The end was written, and the disk failed when it was to be synced: whoever resumes the run finds it.
        if let Some(end) = record.end().filter(|end| !end.outcome.can_go_on()) {
            lock(&world).count("the end was there, not synced");
            return (RunFate::Ended(end.clone()), world);
        }
        journal = Journal::after(&record, Box::new(lock(&world).disk.clone()));
        stand = Some(stood);
    }
    (RunFate::Abandoned, world)
}

impl World {
    /// What is found by whoever resumes the run; nothing if not even its first line is there.
    fn recover(&mut self, how: &'static str, folder: &Path) -> Option<(Record, ResumePoint)> {
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
        (self.fresh, self.yes, self.again, self.stopped, self.resumed) = (false, None, false, false, true);
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
            match deed {
                Deed::Api(call) => {
                    self.count(if happened { "in the middle of a call" } else { "right before a call" });
                    self.doubts_call(call, happened);
                }
                Deed::Gesture(_) => self.doubts.push((deed.clone(), chosen_on)),
            }
        }
        if stand.end().is_some_and(|end| !end.outcome.can_go_on()) {
            self.count("only the end was missing");
        }
        Some((record, stand))
    }
}

/// The journal alone tells that each deed was chosen, or approved, on the screen that was seen right before it.
pub fn check_order(entries: &[Entry]) {
    let mut before: Vec<&str> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        assert_eq!(entry.seq, at as u64);
        assert!(at == 0 || entry.ms >= entries[at - 1].ms);
        if let Line::Effect(EffectLine::Act(_)) = entry.line {
            let chosen = before.ends_with(&["saw", "think", "heard"]);
            // A secret is typed on a screen that was looked at once more.
            let relooked = before.ends_with(&["saw", "think", "heard", "look", "saw"]);
            let approved = before.ends_with(&["ask", "yes", "look", "saw"]);
            // What was not begun when the run broke off is done once the same screen was seen again.
            let rechecked = before.strip_suffix(&["look", "saw"]).and_then(<[_]>::last) == Some(&"resumed");
            assert!(chosen || relooked || approved || rechecked, "{before:?} before {entry:?}");
        }
        match entry.line {
            Line::Effect(EffectLine::Read) | Line::Event(EventLine::Read(_)) => {}
            // It comes in place of a screen, which is looked at again.
            Line::Event(EventLine::OfferedApis(_)) => assert_eq!(before.pop(), Some("look"), "{entry:?}"),
            Line::Effect(_) | Line::Event(_) => before.push(word(&entry.line)),
            Line::Run(_) | Line::Decided(_) | Line::Step(_) | Line::End(_) => {}
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

fn secrets() -> Secrets {
    let text = |text: &str| SecretText::new(text.to_owned()).expect("it is long enough");
    Secrets::new([("pin".to_owned(), text(PIN)), ("user".to_owned(), text(USER))].into())
}

impl World {
    /// What is kept has no secret, in words or in pictures; and what is told of the steps is counted.
    pub fn check_record(&mut self) {
        let lines = String::from_utf8_lossy(&self.disk.disk().lines).into_owned();
        self.is_kept_quiet(&lines, "the journal");
        if self.ink.is_some() && !self.beyond_knowing && !self.shown_elsewhere {
            for png in self.disk.disk().pictures.values() {
                let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("it is a picture");
                let mut pixels = vec![0; reader.output_buffer_size().expect("it has a size")];
                let frame = reader.next_frame(&mut pixels).expect("it is whole");
                let depth = pixels.len() / (frame.width * frame.height) as usize;
                let shown = pixels.chunks_exact(depth).any(|pixel| pixel[..3] == INK[..3]);
                assert!(!shown, "the record was shown a secret");
            }
        }
        for (words, what) in [
            ("the policy forbids to", "denied by a rule"),
            ("must not be used in this task", "denied in an app"),
            ("may only go into a field that hides", "denied a secret in a field that shows it"),
            ("may not go into this app", "denied a secret in another app"),
            ("a person said no", "denied by a person"),
            ("a person has helped", "helped by a person"),
            ("another screen came before the secret", "the screen changed before a secret"),
            ("\"result\":\"recalled\"", "notes were recalled"),
            ("this device cannot", "the device cannot do it"),
            ("\"offered_apis\"", "other APIs were offered"),
            ("the arguments of ", "a call does not fit"),
            ("there is no API ", "a call of what is not offered"),
            ("the API has become another one", "an API became another one before it was called"),
            ("may not go to the API", "denied a secret to an API"),
            ("there was no answer to", "asked whether to call again"),
            ("not done: there is no API", "a call that a person had allowed was gone"),
        ] {
            if lines.contains(words) {
                self.count(what);
            }
        }
    }
}
