//! The model of a run of steps: it says the next action, and knows nothing but what the file says and what the device tells.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tapwright_agent::action::{Action, Call};
use tapwright_agent::calls::ApiCall;
use tapwright_agent::clock::{Clock, Timer};
use tapwright_agent::dialect::Dialect;
use tapwright_agent::dialect::frame::Coordinates;
use tapwright_agent::place::Place;
use tapwright_agent::policy::Policy;
use tapwright_agent::secrets::Secrets;
use tapwright_contract::device::{Driver, Label};
use tapwright_contract::gesture::{Abilities, Button, Clicks};
use tapwright_contract::model::{Model, ModelError, ModelErrorKind, Prompt, Reply};
use tapwright_contract::{ScreenId, Size, Spot};
use tapwright_models::scripted::Scripted;

use super::condition::{UNREADABLE, Unmet, is_front, on_or_off, texts_in_brief};
use super::find::{Found, content, find, find_field, in_words, is_field, is_role, middle, value_at};
use super::progress::{LastTry, Progress, SharedProgress, StepPart, TRIES_MAX, condition_of, finish_message};
use super::{CHECK_WITHIN, Condition, Press, Step, StepAction, Target, Way, extract};
use crate::headline::STEP_MODEL;
use crate::profile::{Profiles, Shipped};
use crate::step_mark::{Mark, ScreenPrint};

/// How long until the widgets are read again while something is waited for.
const AGAIN: Duration = Duration::from_millis(200);
/// The same of a call.
const ASK_AGAIN: Duration = Duration::from_millis(700);
/// Until a widget is seen in the same place once more.
const STILL: Duration = Duration::from_millis(40);
/// How long a button that does not react yet is waited for: one of a dialog wakes up a moment after its name was typed.
const WAKES_WITHIN: Duration = Duration::from_secs(2);
/// How many scrolls in a list, or presses of keys, in a row that change nothing are the end.
const END_AFTER: u32 = 3;
/// How often is scrolled for one list; what is longer is not told as if it were whole.
const LIST_SCROLLS_MAX: u32 = 200;
/// How long what a doubtful step expects is waited for.
const DOUBT_WITHIN: Duration = Duration::from_secs(3);

/// Sees the device between the loop's own looks.
pub struct Eyes {
    pub driver: Box<dyn Driver>,
    /// How long one look may take.
    pub look: Duration,
    /// What stands in no record, wherever it is seen.
    pub secrets: Secrets,
    /// What is asked about: a finger that scrolls goes down elsewhere.
    pub policy: Policy,
}

/// Says the next step.
pub struct StepModel {
    progress: SharedProgress,
    eyes: Eyes,
    abilities: Abilities,
    profiles: Profiles,
    clock: Timer,
    /// Since when the present part is tried, and which one that is.
    since: Option<((usize, usize), Duration)>,
    /// How often was scrolled, or keys were pressed, for the present part, and what was written before the last time.
    rounds: u32,
    before_round: Option<String>,
    /// How often in a row it was written after it too.
    same: u32,
}

/// What is said next.
enum Saying {
    /// This action, for this reason.
    Do(Action),
    /// The same, as it is written.
    Raw(String),
    /// A call that tells whether what is doubtful was done.
    Probe(Action),
    /// What was doubtful was done, or need not be done.
    Skip,
    GiveUp(String),
    Finish(String),
}

/// What steps speak: the actions of a pointer and a keyboard, in pixels.
pub fn profiles() -> Profiles {
    let computer = Shipped::find("computer").expect("it comes with the program");
    let mut profiles = computer.profiles();
    profiles.agent.coordinates = Coordinates::Pixels;
    (profiles.agent.system, profiles.agent.history, profiles.agent.remarks) = (None, Some(0), false);
    profiles.agent.marked_thoughts = true;
    profiles
}

impl StepModel {
    pub fn new(progress: SharedProgress, eyes: Eyes) -> StepModel {
        let abilities = eyes.driver.abilities();
        let (profiles, clock) = (profiles(), Timer::start());
        StepModel { progress, eyes, abilities, profiles, clock, since: None, rounds: 0, before_round: None, same: 0 }
    }

    async fn say(&mut self) -> String {
        let mut at = None;
        loop {
            let mut progress = self.progress.now();
            // What was found to be done is passed over; the thought of the next reply tells the journal so.
            if let Some(at) = at {
                progress.at = at;
                progress.last = LastTry::None;
            }
            let (saying, seen) = self.next(&progress).await;
            let size = progress.seen.as_ref().map_or(Size { width: 1, height: 1 }, |(id, _)| id.size);
            let frame = self.profiles.agent.frame(size);
            let print = |call: &Call| Dialect::Computer.print_on(call, &frame);
            let (number, words) = progress.step_in_words();
            let probes = matches!(saying, Saying::Probe(_));
            let answer = match saying {
                Saying::Do(action) | Saying::Probe(action) => print(&Call::Do(action)),
                Saying::Raw(text) => text,
                Saying::Skip => {
                    at = Some(progress.after());
                    continue;
                }
                Saying::GiveUp(why) => {
                    let was = progress.step().and_then(|step| step.was_at);
                    let was =
                        was.map_or_else(String::new, |[x, y]| format!("; it was at {x},{y} when it was recorded"));
                    let message = format!("step {} ({words}): {why}{was}", number + 1);
                    print(&Call::GiveUp { message })
                }
                Saying::Finish(message) => print(&Call::Finish { message }),
            };
            let thought = format!("{}{words}", Mark { at: progress.at, print: seen, probes });
            return format!("<think>{}</think><answer>{answer}</answer>", without_tags(&thought));
        }
    }

    /// What is said next, and what the screen said then.
    async fn next(&mut self, progress: &Progress) -> (Saying, ScreenPrint) {
        let plain = |saying| (saying, ScreenPrint::default());
        if let Some(failure) = &progress.failure {
            return plain(Saying::GiveUp(failure.why.clone()));
        }
        let (step, part) = match (progress.step_with_values(), progress.part()) {
            (Some(Ok(step)), Some(part)) => (step, part),
            (Some(Err(why)), _) => return plain(Saying::GiveUp(why)),
            _ => return plain(Saying::Finish(finish_message(progress, progress.is_test_over().then_some(true)))),
        };
        let now = self.clock.elapsed();
        let since = match self.since {
            Some((at, since)) if at == progress.at => since,
            _ => {
                (self.rounds, self.before_round, self.same) = (0, None, 0);
                self.since = Some((progress.at, now));
                now
            }
        };
        let until = since + step.within;
        match &progress.last {
            LastTry::Wrong(why) => return plain(Saying::GiveUp(why.clone())),
            LastTry::NotDone(why) if progress.tries >= TRIES_MAX => return plain(Saying::GiveUp(why.clone())),
            LastTry::NotYet(instead) if !matches!(step.act, StepAction::Test(_)) && until <= now => {
                return plain(Saying::GiveUp(instead.clone()));
            }
            LastTry::NotYet(_) if until <= now => return plain(Saying::Finish(finish_message(progress, Some(false)))),
            // What nobody can tell is neither so nor not so.
            LastTry::Unknown(why) if until <= now => return plain(Saying::GiveUp(format!("it cannot be told: {why}"))),
            LastTry::NotYet(_) | LastTry::Unknown(_) => self.clock.sleep(ASK_AGAIN).await,
            LastTry::NotDone(_) => self.clock.sleep(AGAIN).await,
            LastTry::Doubtful { before } => {
                if let Some(saying) = self.settle_doubt(&step, part, before, progress).await {
                    return plain(saying);
                }
            }
            LastTry::Untold(why) if !step.can_be_repeated() => return plain(ask_about(&step, why)),
            LastTry::None | LastTry::Repeated | LastTry::Part | LastTry::Undone(_) | LastTry::Untold(_) => {}
        }
        if let Some(why) = self.another_app(&step, progress, until).await {
            return plain(Saying::GiveUp(why));
        }
        if let Some(condition) = condition_of(&step, part) {
            return plain(self.condition(&step, condition, progress, until).await);
        }
        self.act(&step, part, progress, until).await
    }

    /// Whether another app is in front than the step is for.
    async fn another_app(&mut self, step: &Step, progress: &Progress, until: Duration) -> Option<String> {
        let app = step.app.as_deref()?;
        let mut front = progress.seen.as_ref().map(|(_, front)| front.clone());
        loop {
            match &front {
                Some(front) if is_front(app, front) => return None,
                _ if until <= self.clock.elapsed() => {
                    let name = front.as_ref().map_or("", |front| front.name());
                    return Some(format!("{app:?} is to be in front, and it is {name:?}"));
                }
                _ => self.clock.sleep(AGAIN).await,
            }
            front = self.eyes.driver.screen(self.eyes.look).await.ok().map(|screen| screen.front);
        }
    }

    /// What comes of a step of which nobody knows whether it was done; nothing if it is to be done as if it had not.
    async fn settle_doubt(
        &mut self,
        step: &Step,
        part: StepPart,
        before: &ScreenPrint,
        progress: &Progress,
    ) -> Option<Saying> {
        if part != StepPart::Act {
            return None; // A field that is touched twice has the focus all the same.
        }
        if let Some(expected @ Condition::Screen(_)) = &step.expect
            && !before.was_so
        {
            let until = self.clock.elapsed() + step.within.max(DOUBT_WITHIN);
            return self.wait(expected, progress, until).await.is_ok().then_some(Saying::Skip);
        }
        if let Some(inquiry) = step.expect.as_ref().and_then(|expected| expected.inquiry(&progress.pages)) {
            return Some(Saying::Probe(inquiry.action()));
        }
        if step.can_be_repeated() {
            return None;
        }
        let target = match &step.act {
            // The loop asks a person before it calls something again that may have been done.
            StepAction::Call { .. } => return None,
            _ if before.was_so => return Some(ask_about(step, "what it expects was so before it")),
            StepAction::Press { target, .. } => Some(target),
            StepAction::Keys { .. } => None,
            _ => return Some(ask_about(step, "it adds to what was there")),
        };
        let labels = self.settled_labels().await;
        let (Some(then), Some(labels)) = (&before.screen, &labels) else {
            return None; // The loop compares the pictures, and asks if they differ.
        };
        if *then == digest(labels) {
            return None; // As before.
        }
        let app = progress.seen.as_ref().map(|(_, front)| digest_of(&[&front.id]));
        if before.app.is_some() && before.app != app {
            return Some(ask_about(step, "another app is in front"));
        }
        // Anything may have changed the screen: a message, a clock in words. Only the widget itself tells of the touch.
        match target.map(|target| find(target, labels, self.size(progress))) {
            Some(Found::None) => Some(Saying::Skip),
            Some(Found::One(label)) if before.widget.as_ref().is_some_and(|widget| *widget != widget_digest(label)) => {
                Some(Saying::Skip)
            }
            Some(Found::One(_) | Found::Several(_)) => {
                Some(ask_about(step, "the screen says something else, and the widget is still there"))
            }
            None => Some(ask_about(step, "the screen says something else")),
        }
    }

    /// A condition: it holds, it is asked for by a call, or it does not hold in time.
    async fn condition(&mut self, step: &Step, condition: &Condition, progress: &Progress, until: Duration) -> Saying {
        let is_test = matches!(step.act, StepAction::Test(_));
        if let Some(inquiry) = condition.inquiry(&progress.pages) {
            return Saying::Do(inquiry.action());
        }
        let held = match condition {
            Condition::Value { .. } => condition.holds_of_values().map_err(Unmet::Not),
            _ => self.wait(condition, progress, until).await,
        };
        match held {
            Ok(()) if is_test => Saying::Finish(finish_message(progress, Some(true))),
            Err(Unmet::Not(_)) if is_test => Saying::Finish(finish_message(progress, Some(false))),
            // A look, so that the record shows the moment at which it was so.
            Ok(()) => Saying::Do(Action::Wait { duration: Duration::ZERO }),
            Err(unmet) => Saying::GiveUp(unmet.why()),
        }
    }

    /// Waits until something is so on the screen, and some more where nobody can tell: an app may say nothing while its page changes.
    async fn wait(&mut self, condition: &Condition, progress: &Progress, until: Duration) -> Result<(), Unmet> {
        let Condition::Screen(screen) = condition else { return Ok(()) };
        let told_by = until.max(self.clock.elapsed() + CHECK_WITHIN);
        let mut front = progress.seen.as_ref().map(|(_, front)| front.clone());
        loop {
            let labels = self.labels().await;
            let size = self.size(progress);
            let Err(unmet) = screen.holds(labels.as_deref(), front.as_ref(), size) else { return Ok(()) };
            let until = if matches!(unmet, Unmet::Unknown(_)) { told_by } else { until };
            if until <= self.clock.elapsed() {
                return Err(unmet);
            }
            self.clock.sleep(AGAIN).await;
            if screen.app.is_some() {
                front = self.eyes.driver.screen(self.eyes.look).await.ok().map(|screen| screen.front);
            }
        }
    }

    async fn act(
        &mut self,
        step: &Step,
        part: StepPart,
        progress: &Progress,
        until: Duration,
    ) -> (Saying, ScreenPrint) {
        let plain = |saying| (saying, ScreenPrint::default());
        let saying = match &step.act {
            StepAction::Press { target, how } => return self.press(step, target, *how, progress, until).await,
            StepAction::Type { into: Some(target), .. } if part == StepPart::Focus => {
                return self.press(step, target, Press::Once, progress, until).await;
            }
            StepAction::Type { text, into, adds } => {
                if let Some(target) = into
                    && let Err(why) = self.has_focus(target, step.within, progress).await
                {
                    return plain(Saying::GiveUp(why));
                }
                let text = text.clone();
                let adds = *adds && self.abilities.insert;
                Saying::Do(if adds { Action::Insert { text } } else { Action::Type { text } })
            }
            StepAction::Keys { keys, until: None } => self.keys(keys),
            StepAction::Keys { keys, until: Some(condition) } => {
                return plain(self.keys_until(keys, condition, progress, until).await);
            }
            StepAction::Scroll { target, way } => return plain(self.scroll(target, *way, progress).await),
            StepAction::Open { app } => Saying::Do(Action::Launch { app: app.clone() }),
            StepAction::Call { name, arguments } => {
                Saying::Do(Action::CallApi(ApiCall { name: name.clone(), arguments: object(arguments) }))
            }
            StepAction::Read(target) => self.read(target, progress, until).await,
            StepAction::Extract { pattern } => return plain(self.extract(step, pattern, progress, until).await),
            StepAction::Pause(time) => Saying::Do(Action::Wait { duration: *time }),
            StepAction::Wait(_) | StepAction::Check(_) | StepAction::Test(_) => Saying::Skip,
        };
        let labels = self.labels().await;
        let print = self.print(step, labels.as_deref(), None, progress);
        (saying, print)
    }

    /// What the screen says now, for whoever goes on if the run breaks off in the middle of the step.
    fn print(&self, step: &Step, labels: Option<&[Label]>, widget: Option<&Label>, progress: &Progress) -> ScreenPrint {
        let front = progress.seen.as_ref().map(|(_, front)| front);
        let was_so = match &step.expect {
            // What cannot be told now tells nothing later either.
            Some(Condition::Screen(expected)) => {
                !matches!(expected.holds(labels, front, self.size(progress)), Err(Unmet::Not(_)))
            }
            Some(Condition::File { .. } | Condition::Page { .. } | Condition::Value { .. }) | None => false,
        };
        let app = front.map(|front| digest_of(&[&front.id]));
        ScreenPrint { screen: labels.map(digest), widget: widget.map(widget_digest), app, was_so }
    }

    /// Touches the one widget that is meant, once it stands still.
    async fn press(
        &mut self,
        step: &Step,
        target: &Target,
        how: Press,
        progress: &Progress,
        until: Duration,
    ) -> (Saying, ScreenPrint) {
        let plain = |saying| (saying, ScreenPrint::default());
        let is_field = matches!(step.act, StepAction::Type { .. });
        let awake = self.clock.elapsed() + WAKES_WITHIN;
        let mut before = None;
        loop {
            let labels = self.labels().await;
            let size = self.size(progress);
            let told = labels.as_deref().unwrap_or_default();
            let found = if is_field { find_field(target, told, size) } else { find(target, told, size) };
            let why = match found {
                Found::One(label) if sleeps(label) && self.clock.elapsed() < awake.min(until) => {
                    self.clock.sleep(AGAIN).await;
                    continue;
                }
                Found::One(label) if before == Some(label.area) => {
                    let (x, y) = middle(&label.area);
                    let Some((of, _)) = &progress.seen else {
                        return plain(Saying::GiveUp("the screen was not seen".to_owned()));
                    };
                    let print = self.print(step, Some(told), Some(label), progress);
                    return (Saying::Do(self.touch(x, y, *of, how)), print);
                }
                Found::One(label) if self.clock.elapsed() < until => {
                    before = Some(label.area);
                    self.clock.sleep(STILL).await;
                    continue;
                }
                Found::One(_) => format!("{target} does not stand still"),
                Found::None if labels.is_none() => UNREADABLE.to_owned(),
                Found::None => format!("{target} is not on the screen; there is: {}", texts_in_brief(told)),
                Found::Several(which) => {
                    format!("{target} could be one of several: {}; say role or beside", which.join("; "))
                }
            };
            if until <= self.clock.elapsed() {
                return plain(Saying::GiveUp(why));
            }
            before = None;
            self.clock.sleep(AGAIN).await;
        }
    }

    fn touch(&self, x: u32, y: u32, of: ScreenId, how: Press) -> Action {
        let at = Place::of_spot(Spot { x, y, of });
        match how {
            Press::Once => Action::Tap { at },
            Press::Twice => Action::DoubleTap { at },
            Press::Long => Action::LongPress { at },
            Press::Right => Action::Click { at, button: Button::Right, count: Clicks::Single, modifiers: Vec::new() },
        }
    }

    /// Whether a text would go into the field that is meant.
    async fn has_focus(&mut self, target: &Target, within: Duration, progress: &Progress) -> Result<(), String> {
        let until = self.clock.elapsed() + within;
        loop {
            let labels = self.labels().await.unwrap_or_default();
            let focused: Vec<&Label> = labels.iter().filter(|label| label.focused && is_field(label)).collect();
            let size = self.size(progress);
            let why = match (find_field(target, &labels, size), &focused[..]) {
                (Found::One(field), [other]) if *other != field && !overlap(other, field) => {
                    format!("the focus is in another field: {}", in_words(other))
                }
                (_, [_]) => return Ok(()),
                (_, _) => "no field has the focus".to_owned(),
            };
            if until <= self.clock.elapsed() {
                return Err(why);
            }
            self.clock.sleep(AGAIN).await;
        }
    }

    fn keys(&self, keys: &str) -> Saying {
        let name = keys.trim().to_lowercase();
        let quoted = Value::from(keys).to_string();
        match name.as_str() {
            "back" => Saying::Do(Action::Back),
            "home" if !self.abilities.chords => Saying::Do(Action::Home),
            _ if self.abilities.chords => Saying::Raw(format!("hotkey(keys={quoted})")),
            _ => Saying::Raw(format!("press(keys={quoted})")),
        }
    }

    /// What matches a pattern: noted as it is found, screen after screen, so that a run that goes on knows it.
    async fn extract(&mut self, step: &Step, pattern: &str, progress: &Progress, until: Duration) -> Saying {
        let pattern = match extract::compile(pattern) {
            Ok(pattern) => pattern,
            Err(why) => return Saying::GiveUp(why),
        };
        loop {
            let labels = self.settled_labels().await.unwrap_or_default();
            let mut items = extract::matches(&pattern, &labels, self.size(progress));
            items.retain(|item| !progress.extracted.contains(item));
            items.truncate(if step.finds_list() { usize::MAX } else { 1 });
            if !items.is_empty() {
                return Saying::Do(Action::Note { message: items.join("\n"), keeps_page: false });
            }
            if !self.has_stalled(&labels, END_AFTER) {
                return match self.rounds {
                    LIST_SCROLLS_MAX => Saying::GiveUp(format!("the page goes on after {LIST_SCROLLS_MAX} screens")),
                    _ => self.scroll_on(Way::Down, &labels, progress),
                };
            }
            if !progress.extracted.is_empty() {
                return Saying::Do(Action::Wait { duration: Duration::ZERO });
            }
            if until <= self.clock.elapsed() {
                let there = texts_in_brief(&labels);
                return Saying::GiveUp(format!(
                    "nothing matches '{}' up to the end; there is: {there}",
                    pattern.as_str()
                ));
            }
            self.clock.sleep(AGAIN).await;
        }
    }

    async fn read(&mut self, target: &Target, progress: &Progress, until: Duration) -> Saying {
        loop {
            let labels = self.labels().await.unwrap_or_default();
            let size = self.size(progress);
            if let Some(label) = value_at(target, &labels, size) {
                let text = content(label).to_owned();
                if !text.trim().is_empty() && !label.secret {
                    return Saying::Do(Action::Note { message: text, keeps_page: false });
                }
            }
            if until <= self.clock.elapsed() {
                return Saying::GiveUp(format!("nothing stands at {target}; there is: {}", texts_in_brief(&labels)));
            }
            self.clock.sleep(AGAIN).await;
        }
    }

    /// What is written on the screen, with the names of secrets in their places.
    async fn labels(&mut self) -> Option<Vec<Label>> {
        let labels = match self.eyes.driver.labels(self.eyes.look).await {
            Ok(labels) => labels?,
            Err(error) => {
                tracing::debug!(%error, "the device does not tell what is written");
                return None;
            }
        };
        let secrets = self.eyes.secrets.clone();
        if secrets.is_empty() {
            return Some(labels);
        }
        // Screens can hold much, and others wait for this thread.
        tokio::task::spawn_blocking(move || without_secrets(labels, &secrets)).await.ok()
    }

    /// What is written on the screen once it says the same twice.
    async fn settled_labels(&mut self) -> Option<Vec<Label>> {
        let until = self.clock.elapsed() + DOUBT_WITHIN;
        let mut before = None;
        loop {
            let labels = self.labels().await;
            let now = labels.as_deref().map(digest);
            if before.as_ref() == Some(&now) || until <= self.clock.elapsed() {
                return labels;
            }
            before = Some(now);
            self.clock.sleep(AGAIN).await;
        }
    }

    fn size(&self, progress: &Progress) -> Size {
        progress.seen.as_ref().map_or(Size { width: u32::MAX, height: u32::MAX }, |(id, _)| id.size)
    }
}

#[async_trait]
impl Model for StepModel {
    fn name(&self) -> &str {
        STEP_MODEL
    }

    async fn reply(&mut self, prompt: &Prompt, within: Duration) -> Result<Reply, ModelError> {
        let until = self.clock.elapsed() + within;
        let text = tokio::select! {
            text = self.say() => text,
            () = tokio::time::sleep(within) => {
                tracing::debug!(?until, "a step took too long");
                let kind = ModelErrorKind::TimedOut { within };
                return Err(ModelError { model: STEP_MODEL.to_owned(), kind });
            }
        };
        Ok(Scripted::reply(prompt, &text))
    }
}

/// A person sees to a step of which nobody knows whether it was done.
fn ask_about(step: &Step, why: &str) -> Saying {
    let message = format!(
        "this may have been done, or a part of it, and nothing tells whether it was ({why}): {step}. See to it, and say that it is done"
    );
    Saying::Do(Action::TakeOver { message })
}

/// Whether it is a button that does not react. Words that are no button's often do not say that what they lie in does.
fn sleeps(label: &Label) -> bool {
    !label.touchable && label.role.as_deref().is_some_and(|role| is_role("button", role))
}

fn overlap(one: &Label, other: &Label) -> bool {
    let (x, y) = middle(&one.area);
    let (other_x, other_y) = middle(&other.area);
    other.area.holds(x, y) || one.area.holds(other_x, other_y)
}

fn object(arguments: &Value) -> Value {
    if arguments.is_null() { Value::Object(serde_json::Map::new()) } else { arguments.clone() }
}

fn without_secrets(mut labels: Vec<Label>, secrets: &Secrets) -> Vec<Label> {
    for label in &mut labels {
        label.text = secrets.redact_within(&label.text, usize::MAX);
        label.value = label.value.as_deref().map(|value| secrets.redact_within(value, usize::MAX));
    }
    labels
}

/// What may be written down of a widget's words. Whoever has a digest and the rest of a screen could try what was typed there, until the
/// digest is the same.
fn printable(label: &Label) -> &str {
    let may_be_typed = label.secret || label.focused && is_field(label);
    if may_be_typed { "" } else { label.text.trim() }
}

/// What a screen says, but for the time, in a few letters: two screens that say the same have the same.
fn digest(labels: &[Label]) -> String {
    let is_time =
        |text: &str| text.contains(':') && text.chars().all(|c| c.is_ascii_digit() || ": APMapm.".contains(c));
    let mut texts: Vec<&str> = labels.iter().map(printable).collect();
    texts.retain(|text| !text.is_empty() && !is_time(text));
    // What was switched says the same in words.
    for is_on in labels.iter().filter_map(|label| label.is_on) {
        texts.push(on_or_off(is_on));
    }
    texts.sort_unstable();
    digest_of(&texts)
}

/// The same of one widget. Its place does not count: what comes between moves it.
fn widget_digest(label: &Label) -> String {
    let state = label.is_on.map(on_or_off);
    let says = [label.role.as_deref().unwrap_or_default(), printable(label)];
    digest_of(&says.into_iter().chain(state).collect::<Vec<_>>())
}

fn digest_of(texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hex::encode(&hash.finalize()[..6])
}

/// A text that cannot end the thought that it stands in.
fn without_tags(text: &str) -> String {
    text.replace('<', "‹").replace('>', "›")
}

mod scroll;
#[cfg(test)]
mod tests;
