//! What is true while a run goes on, and what must be so whenever it does something.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use tapwright_agent::calls::ApiCall;
use tapwright_agent::episode::Setting;
use tapwright_agent::guard::Deed;
use tapwright_agent::journal::{EffectLine, Entry, Line};
use tapwright_agent::policy::Permission;
use tapwright_contract::Picture;
use tapwright_contract::api::ApiEffect;
use tapwright_contract::gesture::{Abilities, Gesture};
use tokio::sync::Notify;

use crate::common::disk::Memory;
use crate::common::setting;
use crate::dice::{Dice, Weather};
use crate::page::{Cell, FORMS, PIN, Page, USER, VAULT};
use crate::service::{self, DoubtfulCall};
use crate::world_policy::{ModelStatement, WorldPolicy};

/// What a typed secret looks like, and what the agent covers it with, in one shade or another.
pub const INK: [u8; 4] = [1, 2, 3, 255];
pub const COVERS: &[[u8; 4]] = &[[96, 96, 96, 255], [160, 160, 160, 255], [32, 32, 32, 255], [224, 224, 224, 255]];

/// What the device tells of what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    Nothing,
    Truth,
    /// Of the screen before, now and then.
    Late,
    /// What an app that means ill has it say.
    Lies,
}

/// What was told of the screen on which the model has chosen.
#[derive(Clone, Debug, Default)]
pub struct LabelReads {
    /// When it was told last, if it was.
    pub kept: Option<Vec<Cell>>,
    /// The last time it was asked.
    pub latest: Option<Vec<Cell>>,
}

/// A person's yes to something, and what was on the screen then.
#[derive(Clone, Debug)]
pub struct ApprovedQuestion {
    pub number: u32,
    pub front: &'static str,
    pub message: String,
}

pub struct World {
    pub dice: Dice,
    pub weather: Weather,
    pub law: WorldPolicy,
    pub setting: Setting,
    pub telling: Telling,
    pub abilities: Abilities,
    pub salt: u64,
    pub disk: Memory,
    pub number: u32,
    /// The page before this one.
    pub before: u32,
    /// Whether the screen was seen, and nothing has happened since.
    pub fresh: bool,
    pub told: LabelReads,
    pub chosen: ModelStatement,
    /// What a person has allowed.
    pub yes: Option<ApprovedQuestion>,
    pub stopped: bool,
    pub performed: u32,
    /// The number on the screen that was seen last, and on the one on which the last deed was chosen.
    pub seen: u32,
    pub chosen_on: u32,
    /// The places in the journal of the intents that were carried out.
    pub acted: BTreeSet<u64>,
    /// What may have happened when the run broke off, and on which screen it was chosen.
    pub doubts: Vec<(Deed, u32)>,
    /// Whether the device told, truly, what is written on the screen that was seen last, when it was asked for the cover.
    pub cover_told: bool,
    /// Whether the screen that was seen last shows a secret in the window of an app that is not in front, and nobody has told yet;
    /// and whether there was one of which nobody told.
    pub shown_elsewhere: bool,
    pub beyond_knowing: bool,
    /// The secret that stands in the vault's field.
    pub ink: Option<&'static str>,
    /// Whether the disk and the power are left alone, everybody means well, and the process is killed often.
    pub good: bool,
    /// The process is killed in the middle of this deed, counted from here.
    pub kill_in: Option<u64>,
    pub kill: Arc<Notify>,
    /// Whether the run has just been resumed: then the model says the same again as likely as not.
    pub resumed: bool,
    /// Whether a person has said yes to doing it again.
    pub again: bool,
    pub last_reply: String,
    /// How often the APIs have changed by themselves.
    pub shift: u32,
    /// The calls that the model has written, by the words that it wrote them in, and what it wrote last, if that was one.
    pub written_calls: BTreeMap<String, ApiCall>,
    pub last_call: Option<ApiCall>,
    /// What the last call did.
    pub last_effect: ApiEffect,
    pub doubtful_calls: Vec<DoubtfulCall>,
    /// Whether an answer in the last prompt gives orders.
    pub ordered: bool,
    pub census: BTreeMap<&'static str, u32>,
}

pub type Shared = Arc<Mutex<World>>;

pub fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().expect("no port panics while it holds the world")
}

pub fn draw(seed: u64) -> World {
    let mut dice = Dice(seed);
    let weather = Weather::draw(&mut dice);
    let law = WorldPolicy::draw(&mut dice);
    let mut setting = setting();
    setting.policy = law.policy.clone();
    if dice.percent(50) {
        // Notes that are longer than an answer may be are summed up by the model.
        setting.profile.summaries = true;
        setting.limits.result_bytes = 100;
    }
    let disk = Memory::default();
    if dice.percent(20) {
        disk.disk().fails_at = Some(dice.below(80) as u32);
    }
    let telling = dice.one_of(&[Telling::Nothing, Telling::Truth, Telling::Truth, Telling::Late, Telling::Lies]);
    let abilities = Abilities { drag: dice.percent(80), labels: telling != Telling::Nothing, ..Abilities::PHONE };
    World {
        weather,
        law,
        setting,
        telling,
        abilities,
        salt: dice.next(),
        dice,
        disk,
        number: 0,
        before: 0,
        fresh: false,
        told: LabelReads::default(),
        chosen: ModelStatement::default(),
        yes: None,
        stopped: false,
        performed: 0,
        seen: 0,
        chosen_on: 0,
        acted: BTreeSet::new(),
        doubts: Vec::new(),
        cover_told: false,
        shown_elsewhere: false,
        beyond_knowing: false,
        ink: None,
        good: false,
        kill_in: None,
        kill: Arc::default(),
        resumed: false,
        again: false,
        last_reply: "do(action=\"Back\")".to_owned(),
        shift: 0,
        written_calls: BTreeMap::new(),
        last_call: None,
        last_effect: ApiEffect::Reads,
        doubtful_calls: Vec::new(),
        ordered: false,
        census: BTreeMap::new(),
    }
}

impl World {
    /// Good weather: nothing fails, and whoever is asked helps.
    pub fn calm(mut self) -> World {
        self.weather = Weather::default();
        self.disk.disk().fails_at = None;
        self.law.gentle();
        self.setting.policy = self.law.policy.clone();
        self.setting.limits.asks_max = 1000; // Whoever is asked has time.
        self.good = true;
        self
    }

    pub fn count(&mut self, what: &'static str) {
        *self.census.entry(what).or_default() += 1;
    }

    pub fn page(&self, number: u32) -> Page {
        Page::of(self.salt, number)
    }

    pub fn moves_on(&mut self) {
        (self.before, self.number) = (self.number, self.number + 1);
    }

    /// What must be so before anything is done.
    pub fn acts(&mut self, deed: &Deed) {
        assert!(!self.stopped, "acted after the stop");
        assert!(!self.disk.disk().failed, "acted without a record");
        let entry: Entry = serde_json::from_str(&self.disk.last_synced()).expect("the last line is complete");
        let Line::Effect(EffectLine::Act(intent)) = &entry.line else { panic!("no intent is on the disk: {entry:?}") };
        assert_eq!(intent, &without_secrets(deed), "the intent is on the disk, without secrets");
        assert!(self.fresh, "acted on a stale screen");
        assert!(self.acted.insert(entry.seq), "an intent was carried out twice");
        self.is_lawful(deed);
        // After something else was done the same place in another app is another thing.
        let front = self.page(self.seen).front;
        let same = |(doubtful, chosen_on): &&(Deed, u32)| doubtful == deed && self.page(*chosen_on).front == front;
        let doubtful: Vec<u32> = self.doubts.iter().filter(same).map(|it| it.1).collect();
        if cannot_be_taken_back(deed) && !doubtful.is_empty() {
            let evidence = doubtful.iter().all(|chosen_on| self.seen == *chosen_on);
            let allowed = self.again || self.yes.is_some();
            assert!(
                evidence || allowed,
                "{deed:?} may have happened on {doubtful:?}, and was done again on {}",
                self.seen
            );
            self.count(if evidence { "again, as nothing had changed" } else { "again, as a person said so" });
        }
        self.yes = None;
        self.fresh = false;
        self.again = false;
        self.chosen_on = self.seen;
        self.performed += 1;
    }

    /// Nothing that is denied happens, and nothing that is to be asked about without a yes to it.
    fn is_lawful(&mut self, deed: &Deed) {
        let page = self.page(self.seen);
        let has_secret = matches!(deed, Deed::Gesture(gesture) if gesture.text().is_some_and(shows_secret));
        // A secret goes by what is told right before it; for anything else what was told holds while the picture is the same.
        let told = if has_secret { &self.told.latest } else { &self.told.kept }.clone();
        let told = told.as_deref();
        match deed {
            Deed::Gesture(Gesture::Launch { app }) => {
                assert!(app != "Bank", "launched what is forbidden");
                let allowed = &self.law.policy.apps_allowed;
                assert!(allowed.is_empty() || allowed.contains(app), "launched what is not allowed: {app}");
            }
            Deed::Gesture(Gesture::Press { .. }) => {}
            deed => {
                assert!(!self.law.forbids(page.front, true), "{deed:?} in {}, which is forbidden", page.front);
                if let (Deed::Gesture(gesture), Some(cells)) = (deed, told) {
                    self.goes_into_no_forbidden_window(gesture, cells);
                }
            }
        }
        if let Deed::Gesture(gesture) = deed {
            assert!(self.abilities.include(gesture), "the device cannot do {gesture:?}");
        }
        let gesture = match deed {
            Deed::Gesture(gesture) => gesture,
            Deed::Api(call) => return self.call_is_lawful(call),
        };
        let mut needs = self.law.needs(gesture, told, self.chosen);
        if has_secret {
            needs = needs.max(self.secret_needs(gesture, page.front, told));
        }
        let valid = self.yes.as_ref().is_some_and(|yes| match gesture.spot() {
            Some(_) => yes.number == self.seen,
            None => yes.front == page.front,
        });
        match needs {
            Permission::Allow => self.count("allowed"),
            Permission::Ask => {
                assert!(valid, "nobody has said yes to {deed:?}: {:?} {:?} {told:?}", self.chosen, self.yes);
                self.count("approved");
            }
            Permission::Refuse => panic!("{deed:?} was denied, and was done: {:?} {told:?}", self.chosen),
        }
    }

    fn goes_into_no_forbidden_window(&self, gesture: &Gesture, cells: &[Cell]) {
        let spots: Vec<_> = [gesture.spot(), gesture.end()].into_iter().flatten().collect();
        for cell in cells {
            let touched = spots.iter().any(|at| cell.area.holds(at.x, at.y));
            let typed_into = spots.is_empty() && cell.focused;
            let forbidden = self.law.forbids(cell.app, false);
            assert!(!(forbidden && (touched || typed_into)), "{gesture:?} into the window of {}", cell.app);
        }
    }

    /// A secret goes into its app only, and into a field that hides it, unless a person says so where nobody can tell.
    fn secret_needs(&mut self, gesture: &Gesture, front: &str, told: Option<&[Cell]>) -> Permission {
        assert_eq!(front, VAULT, "a secret was typed into another app");
        self.count("a secret was typed");
        if !gesture.text().unwrap_or_default().contains(PIN) {
            return Permission::Allow; // It may go into any field there.
        }
        let Some(cells) = told else { return Permission::Ask };
        let mut fields = cells.iter().filter(|cell| cell.focused).peekable();
        assert!(fields.peek().is_some(), "a secret was typed, and no field had the focus");
        assert!(fields.clone().any(|cell| cell.hidden), "a secret was typed into a field that shows it");
        assert!(fields.clone().all(|cell| cell.app == VAULT), "a secret was typed into another app's field");
        if fields.all(|cell| cell.hidden) { Permission::Allow } else { Permission::Ask }
    }

    /// Nobody but the device gets a secret.
    pub fn is_kept_quiet(&mut self, text: &str, whose: &str) {
        for form in FORMS {
            assert!(!text.contains(form), "{whose} was given {form}: {text}");
        }
    }

    pub fn is_covered(&mut self, picture: &Picture, whose: &str) {
        let mut pixels = picture.rgba().chunks_exact(4);
        let page = self.page(self.seen);
        let shown = pixels.clone().any(|pixel| pixel == INK);
        // Another app in front: what its window shows is known by what the device tells, and by nothing else.
        let known = page.front == VAULT || self.cover_told;
        assert!(
            !(shown && known),
            "{whose} was shown a secret: {:?} in {}, {:?}",
            page.vault(),
            page.front,
            self.telling
        );
        if pixels.any(|pixel| COVERS.iter().any(|cover| pixel == cover)) {
            self.count("a picture was covered");
        }
    }

    /// Whether the process is killed in the middle of this deed, which has happened then or not.
    pub fn is_killed_in(&mut self, happens: impl FnOnce(&mut World)) -> bool {
        let left = self.kill_in.take();
        self.kill_in = left.and_then(|left| left.checked_sub(1));
        if left != Some(0) {
            return false;
        }
        if self.dice.percent(50) {
            happens(self);
        }
        self.kill.notify_one();
        true
    }

    pub fn shows_what_was_typed(&mut self, gesture: &Gesture) {
        let text = gesture.text().unwrap_or_default();
        if let Some(secret) = [PIN, USER].into_iter().find(|secret| text.contains(secret)) {
            self.ink = Some(secret);
        }
    }
}

fn shows_secret(text: &str) -> bool {
    text.contains(PIN) || text.contains(USER)
}

/// A deed as it is written down.
fn without_secrets(deed: &Deed) -> Deed {
    match deed {
        Deed::Gesture(Gesture::Type { text }) => {
            let text = text.replace(PIN, "{{secret:pin}}").replace(USER, "{{secret:user}}");
            Deed::Gesture(Gesture::Type { text })
        }
        Deed::Api(ApiCall { name, arguments }) => {
            Deed::Api(ApiCall { name: name.clone(), arguments: service::without_secrets(arguments) })
        }
        deed => deed.clone(),
    }
}

fn cannot_be_taken_back(deed: &Deed) -> bool {
    matches!(
        deed,
        Deed::Gesture(
            Gesture::Tap { .. } | Gesture::DoubleTap { .. } | Gesture::LongPress { .. } | Gesture::Drag { .. }
        )
    )
}
