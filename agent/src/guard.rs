//! Decides what may be done, and with whose permission. What it lets through is a [`Vetted`], and nothing else can be acted on.
//!
//! It goes by the action, the [policy](crate::policy) and the platform's name for the app in front. What is written on
//! a screen can make it stricter, never laxer.
//!
//! | room | what is judged there |
//! | --- | --- |
//! | [`gesture`] | what goes to the screen |
//! | [`call`] | what goes to an API |
//! | [`goal`] | whether it fits the goal, of models that only copy from theirs |
//! | [`heading`] | what a page is about |
//! | [`secret`] | where a secret may go |

mod call;
mod gesture;
mod goal;
mod heading;
mod secret;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tapwright_contract::Spot;
use tapwright_contract::device::{Label, Screen};
use tapwright_contract::gesture::{Abilities, Gesture, Key};

use crate::action::Action;
use crate::calls::{ApiCall, ApiCatalog};
use crate::edition::Rules;
use crate::limits::clip;
use crate::millis;
use crate::person::{Asker, Question};
use crate::place::Place;
use crate::policy::{Permission, Ruling, near};
use crate::profile::GoalChecks;
use crate::secrets;

pub use crate::policy::Policy;

/// As much of what is written under a finger is told whoever is asked.
const TARGET_BYTES: usize = 120;

/// How a finger moves where the model does not say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Touch {
    /// How long a long press is held.
    #[serde(with = "millis", rename = "long_press_ms")]
    pub long_press: Duration,
    /// How long a finger moves that swipes or drags.
    #[serde(with = "millis", rename = "swipe_ms")]
    pub swipe: Duration,
}

/// Something that is done outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// By the device's driver.
    Gesture(Gesture),
    /// By an API.
    Api(ApiCall),
}

impl Deed {
    /// What it does, in a word for refusals.
    fn verb(&self) -> &'static str {
        match self {
            Deed::Gesture(Gesture::Drag { .. }) => "drag",
            Deed::Gesture(gesture) if gesture.spot().is_some() => "touch",
            Deed::Gesture(Gesture::Type { .. } | Gesture::Insert { .. }) => "type",
            Deed::Gesture(gesture) => gesture.name(),
            Deed::Api(_) => "call an API",
        }
    }

    /// Whether it enters a secret on the screen.
    pub(crate) fn has_secret(&self) -> bool {
        match self {
            Deed::Gesture(gesture) => gesture.text().is_some_and(|text| !secrets::names(text).is_empty()),
            Deed::Api(_) => false,
        }
    }
}

/// A deed that may be done.
#[derive(Debug, PartialEq, Eq)]
pub struct Vetted {
    deed: Deed,
}

impl Vetted {
    /// The same deed, to be looked at again if the run breaks off before it is begun.
    pub(crate) fn to_held(&self) -> Held {
        Held { deed: self.deed.clone() }
    }

    /// What may be done.
    pub fn deed(&self) -> &Deed {
        &self.deed
    }
}

/// A deed that waits for a person's yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    deed: Deed,
}

impl Held {
    pub(crate) fn deed(&self) -> &Deed {
        &self.deed
    }

    /// Nothing stands against it any more: a person has said yes, or it had been let through before the run broke off; and
    /// the screen is still the same.
    pub(crate) fn approved(self) -> Vetted {
        Vetted { deed: self.deed }
    }
}

/// What the guard says.
#[derive(Debug, PartialEq, Eq)]
pub enum Review {
    /// It may be done.
    Do(Vetted),
    /// It may be done if a person says so.
    Ask(Question, Held),
    /// A person is to do it.
    HandOver(Question),
    /// Nothing outside is touched.
    Internal(Internal),
    /// It may not be done, whoever says so.
    Refuse { why: String },
    /// It cannot be done as it is said.
    Wrong { why: String },
}

/// What a run does by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Internal {
    /// Keeps something.
    Note { message: String, keeps_page: bool },
    /// Reminds the model of what was kept, as it asks for it.
    Recall { instruction: String },
    /// Lets time pass.
    Wait { duration: Duration },
}

/// What a review goes by.
#[derive(Clone, Copy, Debug)]
pub struct ReviewContext<'a> {
    /// The screen that the action was chosen on.
    pub screen: &'a Screen,
    /// What is written there, if the device tells and it was asked.
    pub labels: Option<&'a [Label]>,
    /// Why the model wants it.
    pub thought: &'a str,
    pub policy: &'a Policy,
    pub touch: &'a Touch,
    /// What the device is able to do, if it was asked.
    pub abilities: Option<Abilities>,
    /// Which APIs are offered, if any are.
    pub apis: Option<&'a ApiCatalog>,
    /// What the run is for, and how actions are compared with it, if the profile says so.
    pub goal: Option<(&'a str, &'a GoalChecks)>,
    /// The generation of the loop's rules.
    pub(crate) rules: Rules,
}

impl<'a> ReviewContext<'a> {
    /// By the rules of the present, of an action that the model gives no reason for.
    pub fn new(screen: &'a Screen, labels: Option<&'a [Label]>, policy: &'a Policy, touch: &'a Touch) -> Self {
        let rules = Rules::of(crate::edition::EDITION);
        ReviewContext { screen, labels, thought: "", policy, touch, abilities: None, apis: None, goal: None, rules }
    }

    /// What is written where a finger goes, for whoever is asked.
    fn target(&self, at: Spot) -> Option<String> {
        if !self.rules.questions_name_the_target {
            return None;
        }
        short(&near(self.labels?, at).join(", "))
    }

    /// What heads the page that a finger goes to, for whoever is asked.
    fn page(&self, at: Spot) -> Option<String> {
        let labels = self.labels.filter(|_| self.rules.questions_name_the_page)?;
        let heading = *heading::headings(labels, at.of.size).first()?;
        short(heading).filter(|_| !near(labels, at).contains(&heading))
    }

    fn policy_asks(&self) -> Asker {
        if self.rules.questions_name_the_target { Asker::Policy } else { Asker::Model }
    }
}

/// Whether a review of this action goes by what is written on the screen, by the rules of the present.
pub fn wants_labels(action: &Action, policy: &Policy) -> bool {
    reads(action, policy, None, Rules::of(crate::edition::EDITION))
}

/// The same by the rules of a time, for a model that is held to its goal.
pub(crate) fn reads(action: &Action, policy: &Policy, checks: Option<&GoalChecks>, rules: Rules) -> bool {
    let apps = rules.apps_under_a_finger_count && policy.names_ids(rules.plain_ids_count);
    let names = checks.is_some_and(|checks| !checks.named.is_empty());
    match action {
        Action::Tap { .. }
        | Action::SensitiveTap { .. }
        | Action::LongPress { .. }
        | Action::DoubleTap { .. }
        | Action::Click { .. }
        | Action::Scroll { .. }
        | Action::Swipe { .. }
        | Action::Drag { .. } => apps || names || policy.reads(false),
        Action::Type { text } | Action::TypeName { text } | Action::Insert { text } => {
            apps || policy.reads(true) || !secrets::names(text).is_empty()
        }
        Action::Chord { .. } => apps || policy.reads(true),
        Action::Launch { .. }
        | Action::Move { .. }
        | Action::Interact { .. }
        | Action::Note { .. }
        | Action::Recall { .. }
        | Action::CallApi(_)
        | Action::TakeOver { .. }
        | Action::Back
        | Action::Home
        | Action::Wait { .. } => false,
    }
}

/// Reviews an action.
pub fn review(action: &Action, context: ReviewContext<'_>) -> Review {
    let first_focus;
    let context = match context.labels {
        Some(labels) if !context.rules.apps_under_a_finger_count => {
            first_focus = with_one_focus(labels);
            ReviewContext { labels: Some(&first_focus), ..context }
        }
        _ => context,
    };
    let ReviewContext { screen, touch, .. } = context;
    let on = |at: &Place| -> Spot { at.on(screen.id) };
    let gesture = match action {
        Action::Note { message, keeps_page } => {
            return Review::Internal(Internal::Note { message: message.clone(), keeps_page: *keeps_page });
        }
        Action::Wait { duration } => return Review::Internal(Internal::Wait { duration: *duration }),
        Action::Recall { instruction } => {
            return Review::Internal(Internal::Recall { instruction: instruction.clone() });
        }
        Action::CallApi(call) => return call::review(call, context),
        Action::Interact { message } => return Review::HandOver(Question::Choose { message: message.clone() }),
        Action::TakeOver { message } => return Review::HandOver(Question::TakeOver { message: message.clone() }),
        Action::Launch { app } => Gesture::Launch { app: app.clone() },
        Action::Back => Gesture::Press { key: Key::Back },
        Action::Home => Gesture::Press { key: Key::Home },
        Action::Tap { at } | Action::SensitiveTap { at, .. } => Gesture::Tap { at: on(at) },
        Action::LongPress { at } => Gesture::LongPress { at: on(at), hold: touch.long_press },
        Action::DoubleTap { at } => Gesture::DoubleTap { at: on(at) },
        Action::Swipe { from, to } => Gesture::Swipe { from: on(from), to: on(to), over: touch.swipe },
        Action::Drag { from, to } => Gesture::Drag { from: on(from), to: on(to), over: touch.swipe },
        Action::Click { at, button, count, modifiers } => {
            Gesture::Click { at: on(at), button: *button, count: *count, modifiers: modifiers.clone() }
        }
        Action::Move { at } => Gesture::Move { at: on(at) },
        Action::Scroll { at, right, down } => Gesture::Scroll { at: on(at), right: *right, down: *down },
        Action::Type { text } | Action::TypeName { text } => Gesture::Type { text: text.clone() },
        Action::Insert { text } => Gesture::Insert { text: text.clone() },
        Action::Chord { modifiers, key } => Gesture::Chord { modifiers: modifiers.clone(), key: key.clone() },
    };
    let warning = match action {
        Action::SensitiveTap { message, .. } => Some(message.as_str()),
        _ => None,
    };
    gesture::review(gesture, warning, context)
}

/// Labels as they counted before it was known that several widgets may have the focus.
fn with_one_focus(labels: &[Label]) -> Vec<Label> {
    let first = labels.iter().position(|label| label.focused);
    let only = |(at, label): (usize, &Label)| Label { focused: Some(at) == first, ..label.clone() };
    labels.iter().enumerate().map(only).collect()
}

/// As much of a text as whoever is asked is told; none of an empty one.
fn short(text: &str) -> Option<String> {
    let short = clip(text, TARGET_BYTES);
    (!short.is_empty()).then(|| if short.len() < text.len() { format!("{short}…") } else { text.to_owned() })
}

fn allow(deed: Deed) -> Review {
    Review::Do(Vetted { deed })
}

fn apply_ruling(ruling: &Ruling, said: &str, held: Held, context: ReviewContext<'_>, at: Option<Spot>) -> Review {
    let rules = ruling.rules.join(", ");
    match ruling.permission {
        Permission::Allow => allow(held.deed),
        Permission::Ask => {
            let said =
                if said.trim().is_empty() { String::new() } else { format!("; the model says: {}", said.trim()) };
            let message = format!("{rules}{said}");
            let asker = context.policy_asks();
            let question = match (at, &held.deed) {
                (Some(at), _) => {
                    Question::Confirm { message, at, target: context.target(at), page: context.page(at), asker }
                }
                (None, Deed::Gesture(gesture)) => match gesture.text() {
                    Some(text) => Question::Permit { message: format!("{message}; it types: {text}"), asker },
                    None => Question::Permit { message, asker },
                },
                (None, Deed::Api(call)) => {
                    Question::Permit { message: format!("{message}; it calls an API: {}", call.words()), asker }
                }
            };
            Review::Ask(question, held)
        }
        Permission::Refuse => {
            let what = held.deed.verb();
            Review::Refuse { why: format!("the policy forbids to {what} here: {rules}") }
        }
    }
}

fn refuse(app: &str) -> Review {
    Review::Refuse { why: format!("the app {app:?} must not be used in this task") }
}

#[cfg(test)]
mod tests;
