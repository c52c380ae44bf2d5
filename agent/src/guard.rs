//! Decides what may be done, and with whose permission. What it lets through is a [`Vetted`], and nothing else can be acted on.
//!
//! It goes by the action, the [policy](crate::policy) and the platform's name for the app in front. What is written on
//! a screen can make it stricter, never laxer.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tapwright_contract::Spot;
use tapwright_contract::device::{Label, Screen};
use tapwright_contract::gesture::{Abilities, Gesture, Key};

use crate::action::Action;
use crate::edition::Rules;
use crate::limits::clip;
use crate::millis;
use crate::person::{Asker, Question};
use crate::place::Place;
use crate::policy::{Permission, Ruling, Target, named, near};
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
    Api { instruction: String },
}

impl Deed {
    /// What it does, in a word for refusals.
    fn verb(&self) -> &'static str {
        match self {
            Deed::Gesture(Gesture::Drag { .. }) => "drag",
            Deed::Gesture(gesture) if gesture.spot().is_some() => "touch",
            Deed::Gesture(Gesture::Type { .. } | Gesture::Insert { .. }) => "type",
            Deed::Gesture(gesture) => gesture.name(),
            Deed::Api { .. } => "call an API",
        }
    }

    /// Whether it enters a secret.
    pub(crate) fn has_secret(&self) -> bool {
        match self {
            Deed::Gesture(gesture) => gesture.text().is_some_and(|text| !secrets::names(text).is_empty()),
            Deed::Api { .. } => false,
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
    pub(crate) fn held(&self) -> Held {
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
    /// The generation of the loop's rules.
    pub(crate) rules: Rules,
}

impl<'a> ReviewContext<'a> {
    /// By the rules of the present, of an action that the model gives no reason for.
    pub fn new(screen: &'a Screen, labels: Option<&'a [Label]>, policy: &'a Policy, touch: &'a Touch) -> Self {
        let rules = Rules::of(crate::edition::EDITION);
        ReviewContext { screen, labels, thought: "", policy, touch, abilities: None, rules }
    }

    /// What is written where a finger goes, for whoever is asked.
    fn target(&self, at: Spot) -> Option<String> {
        if !self.rules.questions_name_the_target {
            return None;
        }
        let words = near(self.labels?, at).join(", ");
        let short = clip(&words, TARGET_BYTES);
        (!short.is_empty()).then(|| if short.len() < words.len() { format!("{short}…") } else { words.clone() })
    }

    fn policy_asks(&self) -> Asker {
        if self.rules.questions_name_the_target { Asker::Policy } else { Asker::Model }
    }
}

/// Whether a review of this action goes by what is written on the screen, by the rules of the present.
pub fn wants_labels(action: &Action, policy: &Policy) -> bool {
    reads(action, policy, Rules::of(crate::edition::EDITION))
}

/// The same by the rules of a time.
pub(crate) fn reads(action: &Action, policy: &Policy, rules: Rules) -> bool {
    let apps = rules.apps_under_a_finger_count && policy.names_ids();
    match action {
        Action::Tap { .. }
        | Action::SensitiveTap { .. }
        | Action::LongPress { .. }
        | Action::DoubleTap { .. }
        | Action::Click { .. }
        | Action::Scroll { .. }
        | Action::Swipe { .. }
        | Action::Drag { .. } => apps || policy.reads(false),
        Action::Type { text } | Action::TypeName { text } | Action::Insert { text } => {
            apps || policy.reads(true) || !secrets::names(text).is_empty()
        }
        Action::Chord { .. } => apps || policy.reads(true),
        Action::Launch { .. }
        | Action::Move { .. }
        | Action::Interact { .. }
        | Action::Note { .. }
        | Action::CallApi { .. }
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
    let ReviewContext { screen, policy, touch, .. } = context;
    let on = |at: &Place| -> Spot { at.on(screen.id) };
    let gesture = match action {
        Action::Note { message } => {
            let keeps_page = action.keeps_the_page();
            return Review::Internal(Internal::Note { message: message.clone(), keeps_page });
        }
        Action::Wait { duration } => return Review::Internal(Internal::Wait { duration: *duration }),
        Action::CallApi { instruction } if policy.api(instruction).is_none() && asks_for_notes(instruction) => {
            return Review::Internal(Internal::Recall { instruction: instruction.clone() });
        }
        Action::CallApi { instruction } => return review_call(instruction, context),
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
    review_gesture(gesture, warning, context)
}

fn review_call(instruction: &str, context: ReviewContext<'_>) -> Review {
    let ReviewContext { screen, thought, policy, .. } = context;
    if policy.forbids_touching(&screen.front) {
        return refuse(screen.front.name());
    }
    let ruling = policy.ruling_of_api(instruction, &screen.front);
    let held = Held { deed: Deed::Api { instruction: instruction.to_owned() } };
    ruled(&ruling, thought, held, context, None)
}

/// `warning` is what the model says of a touch that it calls important.
fn review_gesture(gesture: Gesture, warning: Option<&str>, context: ReviewContext<'_>) -> Review {
    let ReviewContext { screen, labels, thought, policy, abilities, .. } = context;
    if abilities.is_some_and(|abilities| !abilities.include(&gesture)) {
        return Review::Wrong { why: format!("this device cannot {}; use another action", gesture.name()) };
    }
    match &gesture {
        Gesture::Launch { app } if policy.forbids_launch(app) => return refuse(app),
        // An app can always be left, and a pointer that only moves presses nothing.
        Gesture::Launch { .. } | Gesture::Move { .. } | Gesture::Press { key: Key::Back | Key::Home } => {
            return done(Deed::Gesture(gesture));
        }
        _ if policy.forbids_touching(&screen.front) => return refuse(screen.front.name()),
        _ => {}
    }
    if context.rules.apps_under_a_finger_count
        && let Some(app) = touched_app(&gesture, labels.unwrap_or_default(), |app| policy.forbids_app(app))
    {
        return refuse(app);
    }
    let said = format!("{thought}\n{}", warning.unwrap_or_default());
    let judged = |target| policy.ruling(target, &screen.front, labels, &said);
    let mut at = gesture.spot();
    let mut ruling = match (at, gesture.text()) {
        (Some(from), _) => {
            let mut ruling = judged(Target::Touch(from));
            // What is dragged counts, and where it is let go: on a bin, on a button that sends.
            if let Gesture::Drag { to, .. } = &gesture {
                let there = judged(Target::Touch(*to));
                at = if ruling.rules.is_empty() && !there.rules.is_empty() { Some(*to) } else { at };
                ruling.and(there);
            }
            ruling
        }
        (None, Some(text)) => match secret(text, screen, labels, policy) {
            Secret::None => judged(Target::Typing(text)),
            // Where it may go was decided when the policy was written.
            Secret::Here => policy.ruling(Target::Secret, &screen.front, labels, ""),
            Secret::Unsure => {
                let mut ruling = judged(Target::Typing(text));
                ruling.permission = ruling.permission.max(Permission::Ask);
                ruling.rules.push("a secret, and the device does not tell into what field it goes".to_owned());
                ruling
            }
            Secret::Refused(review) => return review,
        },
        (None, None) => judged(Target::Typing(if gesture.sends() { "\n" } else { "" })),
    };
    let held = Held { deed: Deed::Gesture(gesture) };
    if let Some(message) = warning
        && policy.warning != Permission::Allow
    {
        if ruling.rules.is_empty() && policy.warning == Permission::Ask {
            // The question is the model's own then, in its words.
            let at = at.expect("it is a touch");
            let target = context.target(at);
            let question = Question::Confirm { message: message.to_owned(), at, target, asker: Asker::Model };
            return Review::Ask(question, held);
        }
        ruling.permission = ruling.permission.max(policy.warning);
        ruling.rules.push("the model's own warning".to_owned());
    }
    ruled(&ruling, warning.unwrap_or(thought), held, context, at)
}

/// The app of what a gesture goes to, if it is one of these: a screen can show several, and the one in front is not always it.
fn touched_app<'a>(gesture: &Gesture, labels: &'a [Label], is_one: impl Fn(&str) -> bool) -> Option<&'a str> {
    let spots: Vec<Spot> = [gesture.spot(), gesture.end()].into_iter().flatten().collect();
    let there = |label: &&Label| match spots.is_empty() {
        true => label.focused,
        false => spots.iter().any(|at| label.area.holds(at.x, at.y)),
    };
    labels.iter().filter(there).filter_map(|label| label.app.as_deref()).find(|app| is_one(app))
}

/// Labels as they counted before it was known that several widgets may have the focus.
fn with_one_focus(labels: &[Label]) -> Vec<Label> {
    let first = labels.iter().position(|label| label.focused);
    let only = |(at, label): (usize, &Label)| Label { focused: Some(at) == first, ..label.clone() };
    labels.iter().enumerate().map(only).collect()
}

fn done(deed: Deed) -> Review {
    Review::Do(Vetted { deed })
}

fn ruled(ruling: &Ruling, said: &str, held: Held, context: ReviewContext<'_>, at: Option<Spot>) -> Review {
    let rules = ruling.rules.join(", ");
    match ruling.permission {
        Permission::Allow => done(held.deed),
        Permission::Ask => {
            let said =
                if said.trim().is_empty() { String::new() } else { format!("; the model says: {}", said.trim()) };
            let message = format!("{rules}{said}");
            let asker = context.policy_asks();
            let question = match (at, &held.deed) {
                (Some(at), _) => Question::Confirm { message, at, target: context.target(at), asker },
                (None, Deed::Gesture(gesture)) => match gesture.text() {
                    Some(text) => Question::Permit { message: format!("{message}; it types: {text}"), asker },
                    None => Question::Permit { message, asker },
                },
                (None, Deed::Api { instruction }) => {
                    Question::Permit { message: format!("{message}; it calls an API: {instruction}"), asker }
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

enum Secret {
    None,
    Here,
    Unsure,
    Refused(Review),
}

/// Whether the secrets in a text may go where it goes.
fn secret(text: &str, screen: &Screen, labels: Option<&[Label]>, policy: &Policy) -> Secret {
    let names = secrets::names(text);
    let mut sure = true;
    for name in &names {
        let Some(usage) = policy.secrets.get(*name) else {
            let known: Vec<&str> = policy.secrets.keys().map(String::as_str).collect();
            let known =
                if known.is_empty() { "there are none".to_owned() } else { format!("there are: {}", known.join(", ")) };
            return Secret::Refused(Review::Wrong { why: format!("there is no secret {name:?}; {known}") });
        };
        if !named(&usage.apps, &screen.front.id) {
            let why = format!("the secret {name:?} may not go into this app");
            return Secret::Refused(Review::Refuse { why });
        }
        // Several, if it is not known which of them has the focus.
        let fields = || labels.unwrap_or_default().iter().filter(|label| label.focused);
        if fields().filter_map(|field| field.app.as_deref()).any(|app| !named(&usage.apps, app)) {
            let why = format!("the secret {name:?} may not go into this app");
            return Secret::Refused(Review::Refuse { why });
        }
        if usage.any_field {
            continue;
        }
        let hides = fields().filter(|field| field.secret).count();
        match labels {
            Some(_) if hides > 0 && hides == fields().count() => {}
            Some(_) if hides > 0 => sure = false,
            Some(_) => {
                let why =
                    format!("the secret {name:?} may only go into a field that hides what is typed; tap it first");
                return Secret::Refused(Review::Refuse { why });
            }
            None => sure = false,
        }
    }
    match (names.is_empty(), sure) {
        (true, _) => Secret::None,
        (false, false) => Secret::Unsure,
        (false, true) if secrets::only_names(text) => Secret::Here,
        (false, true) => Secret::None,
    }
}

fn refuse(app: &str) -> Review {
    Review::Refuse { why: format!("the app {app:?} must not be used in this task") }
}

/// Whether an instruction is about what was noted rather than about an API.
fn asks_for_notes(instruction: &str) -> bool {
    const WORDS: &[&str] =
        &["summar", "sum up", "my notes", "noted", "the notes", "总结", "汇总", "概括", "归纳", "笔记", "记录的"];
    let instruction = instruction.to_lowercase();
    WORDS.iter().any(|word| instruction.contains(word))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use tapwright_contract::device::Front;
    use tapwright_contract::{Picture, Size};

    use super::*;
    use crate::action::Call;
    use crate::dialect::Dialect;

    fn check(call: &str, front: &str, expected: Expect) {
        let Ok(Call::Do(action)) = Dialect::Autoglm.read(call, false).call else { panic!("{call} is no action") };
        let picture = Picture::new(Size { width: 100, height: 200 }, vec![0; 80_000]).unwrap();
        let screen = Screen::new(picture, Front { id: front.to_owned(), label: format!("label of {front}") });
        let policy = Policy { apps_forbidden: vec!["com.bank".into(), "Shop".into()], ..Policy::trusting() };
        let touch = Touch { long_press: Duration::from_secs(2), swipe: Duration::from_millis(300) };
        let rules = Rules::of(crate::edition::EDITION);
        assert!(!reads(&action, &policy, rules) || policy.names_ids(), "nobody asks what is written");
        let context = ReviewContext {
            screen: &screen,
            labels: None,
            thought: "",
            policy: &policy,
            touch: &touch,
            abilities: None,
            rules,
        };
        let review = review(&action, context);
        let deed = |deed: &Deed| serde_json::to_string(deed).unwrap();
        let shown = match review {
            Review::Do(vetted) => format!("do {}", deed(vetted.deed())),
            Review::Ask(question, held) => format!("ask {:?} for {}", question.message(), deed(&held.deed)),
            Review::HandOver(question) => format!("hand {}", serde_json::to_string(&question).unwrap()),
            Review::Internal(inward) => format!("{inward:?}"),
            Review::Refuse { why } => format!("refuse: {why}"),
            Review::Wrong { why } => format!("wrong: {why}"),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn ordinary_actions_are_done() {
        check(
            r#"do(action="Tap", element=[500,999])"#,
            "app",
            expect![[r#"do {"gesture":{"tap":{"at":{"x":50,"y":199,"of":{"width":100,"height":200}}}}}"#]],
        );
        check(
            r#"do(action="Double Tap", element=[0,0])"#,
            "app",
            expect![[r#"do {"gesture":{"double_tap":{"at":{"x":0,"y":0,"of":{"width":100,"height":200}}}}}"#]],
        );
        check(
            r#"do(action="Long Press", element=[10,10])"#,
            "app",
            expect![[
                r#"do {"gesture":{"long_press":{"at":{"x":1,"y":2,"of":{"width":100,"height":200}},"hold":{"secs":2,"nanos":0}}}}"#
            ]],
        );
        check(
            r#"do(action="Swipe", start=[500,900], end=[500,100])"#,
            "app",
            expect![[
                r#"do {"gesture":{"swipe":{"from":{"x":50,"y":180,"of":{"width":100,"height":200}},"to":{"x":50,"y":20,"of":{"width":100,"height":200}},"over":{"secs":0,"nanos":300000000}}}}"#
            ]],
        );
        check(
            r#"do(action="Drag", start=[500,900], end=[500,100])"#,
            "app",
            expect![[
                r#"do {"gesture":{"drag":{"from":{"x":50,"y":180,"of":{"width":100,"height":200}},"to":{"x":50,"y":20,"of":{"width":100,"height":200}},"over":{"secs":0,"nanos":300000000}}}}"#
            ]],
        );
        check(r#"do(action="Type", text="hi")"#, "app", expect![[r#"do {"gesture":{"type":{"text":"hi"}}}"#]]);
        check(r#"do(action="Type_Name", text="Anna")"#, "app", expect![[r#"do {"gesture":{"type":{"text":"Anna"}}}"#]]);
        check(r#"do(action="Launch", app="Notes")"#, "app", expect![[r#"do {"gesture":{"launch":{"app":"Notes"}}}"#]]);
        check(r#"do(action="Back")"#, "app", expect![[r#"do {"gesture":{"press":{"key":"back"}}}"#]]);
        check(r#"do(action="Home")"#, "app", expect![[r#"do {"gesture":{"press":{"key":"home"}}}"#]]);
        check(
            r#"do(action="Call_API", instruction="weather in Oslo")"#,
            "app",
            expect![[r#"do {"api":{"instruction":"weather in Oslo"}}"#]],
        );
    }

    #[test]
    fn some_are_a_persons() {
        check(
            r#"do(action="Tap", element=[500,500], message="pay 9.99")"#,
            "app",
            expect![[
                r#"ask "pay 9.99" for {"gesture":{"tap":{"at":{"x":50,"y":100,"of":{"width":100,"height":200}}}}}"#
            ]],
        );
        check(
            r#"do(action="Tap", element=[500,500], message="")"#,
            "app",
            expect![[r#"ask "" for {"gesture":{"tap":{"at":{"x":50,"y":100,"of":{"width":100,"height":200}}}}}"#]],
        );
        check(
            r#"do(action="Take_over", message="log in")"#,
            "app",
            expect![[r#"hand {"take_over":{"message":"log in"}}"#]],
        );
        check(r#"do(action="Interact")"#, "app", expect![[r#"hand {"choose":{"message":""}}"#]]);
    }

    #[test]
    fn some_touch_nothing() {
        check(
            r#"do(action="Note", message="True")"#,
            "app",
            expect![[r#"Note { message: "True", keeps_page: true }"#]],
        );
        check(r#"do(action="Wait", duration="2 seconds")"#, "app", expect!["Wait { duration: 2s }"]);
        check(
            r#"do(action="Call_API", instruction="Summarise the pages")"#,
            "app",
            expect![[r#"Recall { instruction: "Summarise the pages" }"#]],
        );
        check(
            r#"do(action="Call_API", instruction="总结页面内容")"#,
            "app",
            expect![[r#"Recall { instruction: "总结页面内容" }"#]],
        );
    }

    #[test]
    fn a_forbidden_app_can_only_be_left() {
        check(
            r#"do(action="Launch", app=" shop ")"#,
            "app",
            expect![[r#"refuse: the app " shop " must not be used in this task"#]],
        );
        check(
            r#"do(action="Tap", element=[1,1])"#,
            "com.bank",
            expect![[r#"refuse: the app "label of com.bank" must not be used in this task"#]],
        );
        check(
            r#"do(action="Tap", element=[1,1], message="pay")"#,
            "com.bank",
            expect![[r#"refuse: the app "label of com.bank" must not be used in this task"#]],
        );
        check(
            r#"do(action="Type", text="1")"#,
            "COM.bank",
            expect![[r#"refuse: the app "label of COM.bank" must not be used in this task"#]],
        );
        check(
            r#"do(action="Call_API", instruction="pay")"#,
            "com.bank",
            expect![[r#"refuse: the app "label of com.bank" must not be used in this task"#]],
        );
        check(r#"do(action="Back")"#, "com.bank", expect![[r#"do {"gesture":{"press":{"key":"back"}}}"#]]);
        check(r#"do(action="Home")"#, "com.bank", expect![[r#"do {"gesture":{"press":{"key":"home"}}}"#]]);
        check(
            r#"do(action="Launch", app="Notes")"#,
            "com.bank",
            expect![[r#"do {"gesture":{"launch":{"app":"Notes"}}}"#]],
        );
    }

    /// Two apps share the screen: Chrome above, with the focus, and the one that is forbidden below it.
    fn shared(call: &str, policy: &Policy) -> Review {
        let Ok(Call::Do(action)) = Dialect::Autoglm.read(call, false).call else { panic!("{call} is no action") };
        let picture = Picture::new(Size { width: 100, height: 200 }, vec![0; 80_000]).unwrap();
        let front = Front { id: "com.android.chrome".to_owned(), label: "Chrome".to_owned() };
        let screen = Screen::new(picture, front);
        let label = |text: &str, app: &str, top, bottom| Label {
            text: text.to_owned(),
            area: tapwright_contract::device::Area { left: 0, top, right: 100, bottom },
            touchable: true,
            focused: false,
            secret: true,
            app: Some(app.to_owned()),
        };
        let labels = [
            label("Weather", "com.android.chrome", 0, 98),
            label("", "com.tencent.mm", 102, 200),
            label("Send", "com.tencent.mm", 150, 170),
            Label { focused: true, ..label("Password", "com.evil", 100, 102) },
        ];
        let touch = Touch { long_press: Duration::from_secs(2), swipe: Duration::from_millis(300) };
        let rules = Rules::of(crate::edition::EDITION);
        assert!(reads(&action, policy, rules), "{call}: what is written is asked");
        review(
            &action,
            ReviewContext {
                screen: &screen,
                labels: Some(&labels),
                thought: "",
                policy,
                touch: &touch,
                abilities: None,
                rules,
            },
        )
    }

    #[test]
    fn the_app_under_a_finger_counts() {
        let forbidden = Policy { apps_forbidden: vec!["com.tencent.mm".into()], ..Policy::trusting() };
        let allowed = Policy { apps_allowed: vec!["com.android.chrome".into()], ..Policy::trusting() };
        let refused = |review: &Review| matches!(review, Review::Refuse { why } if why.contains("com."));
        for policy in [&forbidden, &allowed] {
            for (call, expected) in [
                ("do(action=\"Tap\", element=[500,790])", true),
                ("do(action=\"Long Press\", element=[500,790])", true),
                ("do(action=\"Swipe\", start=[500,100], end=[500,790])", true),
                ("do(action=\"Drag\", start=[500,100], end=[500,790])", true),
                ("do(action=\"Tap\", element=[500,100])", false),
                ("do(action=\"Swipe\", start=[500,100], end=[500,400])", false),
            ] {
                let review = shared(call, policy);
                assert_eq!(refused(&review), expected, "{call}: {review:?}");
            }
        }
        let typed = shared("do(action=\"Type\", text=\"hi\")", &allowed);
        assert!(refused(&typed), "the field with the focus is another app's: {typed:?}");
    }

    #[test]
    fn a_secret_goes_by_the_app_of_the_field() {
        for any_field in [false, true] {
            let usage = |app: &str| crate::policy::SecretUse { apps: vec![app.into()], any_field };
            let typed = |apps: &[&str]| {
                let mut secret = usage("com.android.chrome");
                secret.apps.extend(apps.iter().map(|app| (*app).to_owned()));
                let policy = Policy { secrets: [("pin".to_owned(), secret)].into(), ..Policy::trusting() };
                shared("do(action=\"Type\", text=\"{{secret:pin}}\")", &policy)
            };
            assert!(matches!(typed(&[]), Review::Refuse { .. }), "the field is another app's");
            assert!(matches!(typed(&["com.evil"]), Review::Do(_)));
        }
    }

    #[test]
    fn an_exception_is_for_the_app_under_the_finger_too() {
        let rule = |except: &[&str]| Policy {
            rules: vec![crate::policy::Rule {
                name: "sending".to_owned(),
                permission: Permission::Ask,
                apps: vec![],
                except: except.iter().map(|app| (*app).to_owned()).collect(),
                words: vec!["send".to_owned()],
                typing: false,
                hidden_fields: false,
            }],
            ..Policy::trusting()
        };
        let tap = "do(action=\"Tap\", element=[500,790])";
        assert!(matches!(shared(tap, &rule(&["com.android.chrome"])), Review::Ask(..)));
        assert!(matches!(shared(tap, &rule(&["com.android.chrome", "com.tencent.mm"])), Review::Do(_)));
    }
}
