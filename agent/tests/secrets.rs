//! A secret by its name, through the whole loop: the device gets it, and nothing that is kept or shown has it.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use common::disk::Memory;
use common::outside::{Outside, RunStart};
use common::{reply, setting};
use tapwright_agent::episode::Setting;
use tapwright_agent::journal::{Entry, EventLine, Journal, Line, Record};
use tapwright_agent::outcome::Outcome;
use tapwright_agent::person::{Answer, Person, Question};
use tapwright_agent::policy::SecretUse;
use tapwright_agent::secrets::{SecretText, Secrets};
use tapwright_agent::stop::stop;
use tapwright_contract::device::{Area, Driver, DriverError, DriverErrorKind, Front, Label, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};
use tapwright_contract::model::{Model, ModelError, Part, Prompt, Reply};
use tapwright_contract::{Picture, Size};

const SECRET: &str = "hunter2-4711";
const FIELD: Area = Area { left: 4, top: 20, right: 16, bottom: 24 };
/// What a typed secret looks like.
const INK: [u8; 4] = [1, 2, 3, 255];

/// A page with one field, which shows what is typed into it.
struct Page {
    typed: Arc<Mutex<Vec<String>>>,
    tells: bool,
    fails: bool,
    /// Once something was typed it stands elsewhere too, and the device no longer says where.
    falls_silent: bool,
}

#[async_trait]
impl Driver for Page {
    fn name(&self) -> &str {
        "page"
    }

    fn abilities(&self) -> Abilities {
        Abilities::PHONE
    }

    async fn screen(&mut self, _within: Duration) -> Result<Screen, DriverError> {
        let mut rgba = vec![255; 20 * 40 * 4];
        if !self.typed.lock().unwrap().is_empty() {
            rgba[4 * (22 * 20 + 10)..][..4].copy_from_slice(&INK);
            if self.falls_silent {
                rgba[4 * (36 * 20 + 3)..][..4].copy_from_slice(&INK);
            }
        }
        let front = Front { id: "com.example.bank".to_owned(), label: "Bank of all".to_owned(), aliases: Vec::new() };
        Ok(Screen::new(Picture::new(Size { width: 20, height: 40 }, rgba).unwrap(), front))
    }

    async fn perform(&mut self, gesture: &Gesture, _within: Duration) -> Result<(), DriverError> {
        if let Gesture::Type { text } = gesture {
            if self.fails {
                let kind = DriverErrorKind::Refused { why: format!("no key for {text:?}") };
                return Err(DriverError { device: "page".to_owned(), operation: "type", kind });
            }
            self.typed.lock().unwrap().push(text.clone());
        }
        Ok(())
    }

    async fn labels(&mut self, _within: Duration) -> Result<Option<Vec<Label>>, DriverError> {
        let text = self.typed.lock().unwrap().concat();
        if self.falls_silent && !text.is_empty() {
            let kind = DriverErrorKind::MalformedResponse { why: "could not get idle state".to_owned() };
            return Err(DriverError { device: "page".to_owned(), operation: "read the texts", kind });
        }
        let field = Label {
            text,
            area: FIELD,
            touchable: true,
            focused: true,
            secret: true,
            app: None,
            role: None,
            value: None,
            is_on: None,
        };
        Ok(self.tells.then(|| vec![field]))
    }
}

struct Script {
    lines: Vec<&'static str>,
    seen: Arc<Mutex<Vec<Prompt>>>,
}

#[async_trait]
impl Model for Script {
    fn name(&self) -> &str {
        "script"
    }

    async fn reply(&mut self, prompt: &Prompt, _within: Duration) -> Result<Reply, ModelError> {
        self.seen.lock().unwrap().push(prompt.clone());
        Ok(reply(self.lines.remove(0)))
    }
}

fn setting_with(any_field: bool) -> Setting {
    let mut setting = setting();
    let usage = SecretUse { apps: vec!["com.example.bank".to_owned()], any_field, apis: vec![] };
    setting.policy.secrets.insert("pin".to_owned(), usage);
    setting
}

/// A page and a script, and the secret.
fn outside(driver: impl Driver + 'static, script: Script) -> Outside {
    let secrets = Secrets::new([("pin".to_owned(), SecretText::new(SECRET.to_owned()).unwrap())].into());
    Outside { secrets, ..Outside::new(driver, script) }
}

fn journal_on(disk: &Memory) -> Journal {
    Journal::over("secret", Box::new(disk.clone()))
}

/// What was typed, how it ended, what lies on the disk, and what the model was told.
fn run(tells: bool, fails: bool, any_field: bool) -> (Vec<String>, Outcome, String, Vec<Prompt>) {
    run_with(tells, fails, any_field, false)
}

fn run_with(
    tells: bool,
    fails: bool,
    any_field: bool,
    falls_silent: bool,
) -> (Vec<String>, Outcome, String, Vec<Prompt>) {
    let (typed, seen) = (Arc::default(), Arc::default());
    let disk = Memory::default();
    let lines = vec![
        r#"do(action="Type", text="{{secret:none}}")"#,
        r#"do(action="Type", text="{{secret:pin}}")"#,
        r#"do(action="Note", message="True")"#,
        r#"finish(message="in")"#,
    ];
    let page = Page { typed: Arc::clone(&typed), tells, fails, falls_silent };
    let outside = outside(page, Script { lines, seen: Arc::clone(&seen) });
    let end = outside.run(RunStart::beginning(setting_with(any_field)), &mut journal_on(&disk));
    let lines = String::from_utf8(disk.disk().lines.clone()).unwrap();
    let typed = typed.lock().unwrap().clone();
    let seen = seen.lock().unwrap().clone();
    (typed, end.outcome, lines, seen)
}

fn kept_quiet(lines: &str, prompts: &[Prompt]) {
    assert!(!lines.contains(SECRET), "the journal has it: {lines}");
    for part in prompts.iter().flat_map(|prompt| &prompt.turns).flat_map(|turn| &turn.parts) {
        match part {
            Part::Text(text) => assert!(!text.contains(SECRET), "the model was told: {text}"),
            Part::Picture(picture) => {
                let pixels = picture.rgba().chunks(4);
                assert!(!pixels.into_iter().any(|pixel| pixel == INK), "the model saw it");
            }
        }
    }
}

#[test]
fn the_device_gets_it_and_nobody_else() {
    for (tells, any_field) in [(true, false), (false, true)] {
        let (typed, outcome, lines, prompts) = run(tells, false, any_field);
        assert_eq!(typed, [SECRET], "{lines}");
        assert_eq!(outcome, Outcome::Done { message: "in".to_owned() });
        assert_eq!(prompts.len(), 4);
        kept_quiet(&lines, &prompts);
        assert!(lines.contains("{{secret:pin}}") && lines.contains("there is no secret \\\"none\\\""), "{lines}");
    }
}

#[test]
fn a_device_that_falls_silent_shows_nothing_of_it() {
    let (typed, outcome, lines, prompts) = run_with(true, false, false, true);
    assert_eq!(typed, [SECRET], "{lines}");
    assert_eq!(outcome, Outcome::Done { message: "in".to_owned() });
    kept_quiet(&lines, &prompts);
}

#[test]
fn a_device_that_quotes_it_is_not_quoted() {
    let (typed, _, lines, prompts) = run(true, true, false);
    assert!(typed.is_empty());
    kept_quiet(&lines, &prompts);
    assert!(lines.contains("it was a secret") && !lines.contains("no key for"), "{lines}");
}

#[test]
fn where_the_field_is_unknown_a_person_is_asked() {
    let (typed, outcome, ..) = run(false, false, false);
    assert!(typed.is_empty());
    assert!(matches!(outcome, Outcome::NeedsPerson { .. }), "{outcome:?}");
}

/// The process that typed it is gone, and the field still shows it.
#[test]
fn what_was_typed_before_a_break_stays_covered() {
    for (tells, any_field) in [(true, false), (false, true)] {
        for seen_after in [false, true] {
            stays_covered(tells, any_field, seen_after);
        }
    }
}

fn stays_covered(tells: bool, any_field: bool, seen_after: bool) {
    let folder = tempfile::tempdir().unwrap();
    let (typed, seen) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<Prompt>>>::default());
    let disk = Memory::default();
    let setting = setting_with(any_field);
    let mut journal = journal_on(&disk);
    for go_on in [false, true] {
        let (stopper, stop) = stop();
        let lines = match go_on {
            false => vec![r#"do(action="Type", text="{{secret:pin}}")"#, r#"do(action="Back")"#],
            true => vec![r#"do(action="Back")"#, r#"finish(message="in")"#],
        };
        let mut replies = 0;
        let mut watch = |entry: &Entry| {
            let heard = matches!(entry.line, Line::Event(EventLine::Heard(_)));
            replies += u32::from(heard);
            let acted = matches!(entry.line, Line::Event(EventLine::Acted(_)));
            // Right after it was typed, or when what it looks like was seen.
            if !go_on && (if seen_after { replies == 2 } else { acted }) {
                stopper.stop();
            }
        };
        let page = Page { typed: Arc::clone(&typed), tells, fails: false, falls_silent: false };
        let outside = Outside { stop, ..outside(page, Script { lines, seen: Arc::clone(&seen) }) };
        let from = if go_on {
            disk.write_to(folder.path());
            RunStart::resuming(Record::read(folder.path()).unwrap().stand().unwrap(), setting.limits.clone())
        } else {
            RunStart::beginning(setting.clone())
        };
        let end = outside.run_watched(from, &mut journal, &mut watch);
        assert_eq!(end.outcome.id(), if go_on { "done" } else { "stopped" });
    }
    assert_eq!(*typed.lock().unwrap(), [SECRET]);
    let lines = String::from_utf8(disk.disk().lines.clone()).unwrap();
    kept_quiet(&lines, &seen.lock().unwrap());
}

/// A screen that moves takes all of its time, and a tree a second or two; after a secret was typed a look needs both.
struct Restless {
    page: Page,
    tree: Duration,
}

#[async_trait]
impl Driver for Restless {
    fn name(&self) -> &str {
        "restless"
    }

    fn abilities(&self) -> Abilities {
        Abilities::PHONE
    }

    async fn screen(&mut self, within: Duration) -> Result<Screen, DriverError> {
        tokio::time::sleep(within).await;
        self.page.screen(within).await
    }

    async fn perform(&mut self, gesture: &Gesture, within: Duration) -> Result<(), DriverError> {
        // All that it may take, and no more: whoever asks must not have spent it before.
        tokio::time::sleep(within).await;
        self.page.perform(gesture, within).await
    }

    async fn labels(&mut self, within: Duration) -> Result<Option<Vec<Label>>, DriverError> {
        tokio::time::sleep(self.tree).await;
        self.page.labels(within).await
    }
}

#[test]
fn a_screen_that_moves_is_no_device_that_is_lost() {
    for (tree, sees_it) in [(Duration::from_millis(2_400), true), (Duration::from_secs(3600), false)] {
        let (typed, seen) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<Prompt>>>::default());
        let disk = Memory::default();
        let type_it = r#"do(action="Type", text="{{secret:pin}}")"#;
        let back = r#"do(action="Back")"#;
        let lines = vec![type_it, back, back, r#"finish(message="in")"#];
        let page = Page { typed: Arc::clone(&typed), tells: true, fails: false, falls_silent: false };
        let outside = outside(Restless { page, tree }, Script { lines, seen: Arc::clone(&seen) });
        let outside = Outside { person: Box::new(Yes), ..outside };
        let end = outside.run(RunStart::beginning(setting_with(false)), &mut journal_on(&disk));
        let lines = String::from_utf8(disk.disk().lines.clone()).unwrap();
        assert_eq!(end.outcome, Outcome::Done { message: "in".to_owned() }, "{lines}");
        assert_eq!(*typed.lock().unwrap(), [SECRET], "{lines}");
        assert!(!lines.contains("unseen") && !lines.contains("may or may not"), "{lines}");
        assert_eq!(lines.contains("the device does not tell into what field"), !sees_it, "{lines}");
        kept_quiet(&lines, &seen.lock().unwrap());
    }
}

/// Says yes to whatever is asked.
struct Yes;

#[async_trait]
impl Person for Yes {
    async fn ask(&mut self, _question: &Question, _screen: Option<&Screen>) -> Answer {
        Answer::Yes
    }
}

/// Another app shows it, the model reads it there and says it: what is written down has its name.
#[test]
fn what_a_model_says_of_it_is_not_written_down() {
    let (typed, seen) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<Prompt>>>::default());
    let disk = Memory::default();
    let lines = vec![
        "<think>The note says hunter2-4711.</think><answer>do(action=\"Note\", message=\"the PIN is hunter2-4711\")",
        "hunter2-4711 is no action",
        r#"finish(message="it is hunter2-4711")"#,
    ];
    let page = Page { typed: Arc::clone(&typed), tells: true, fails: false, falls_silent: false };
    let outside = outside(page, Script { lines, seen: Arc::clone(&seen) });
    let end = outside.run(RunStart::beginning(setting_with(false)), &mut journal_on(&disk));
    assert_eq!(end.outcome, Outcome::Done { message: "it is {{secret:pin}}".to_owned() });
    let lines = String::from_utf8(disk.disk().lines.clone()).unwrap();
    assert!(lines.contains("the PIN is {{secret:pin}}"), "{lines}");
    kept_quiet(&lines, &seen.lock().unwrap());
}
