//! Decides what may be done, and by whose leave. What it lets through is a [`Vetted`], and nothing else can be acted on.
//!
//! It goes by the action, the policy and the platform's name for the app in front. What is written on a screen can
//! make it stricter, never laxer.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tapwright_contract::Spot;
use tapwright_contract::device::{Gesture, Key, Screen};

use crate::action::Action;
use crate::grid::Grid;
use crate::millis;
use crate::person::Question;

/// What whoever starts a run forbids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Apps, by id or by label, that are not launched; and nothing is touched while one of them is in front.
    pub apps_forbidden: Vec<String>,
}

/// How a finger moves where the model does not say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Touch {
    /// How long a long press is held.
    #[serde(with = "millis", rename = "long_press_ms")]
    pub long_press: Duration,
    /// How long a swipe takes.
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
#[derive(Debug, PartialEq, Eq)]
pub struct Held {
    deed: Deed,
}

impl Held {
    pub(crate) fn deed(&self) -> &Deed {
        &self.deed
    }

    /// A person has said yes, to this deed, on a screen that is still the same.
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
    Hand(Question),
    /// Nothing outside is touched.
    Inward(Inward),
    /// It may not be done, by nobody's leave.
    Refuse { why: String },
}

/// What a run does by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inward {
    /// Keeps something.
    Note { message: String },
    /// Reminds the model of what was kept.
    Recall,
    /// Lets time pass.
    Wait { duration: Duration },
}

/// Reviews an action that was chosen on this screen.
pub fn review(action: &Action, screen: &Screen, policy: &Policy, touch: &Touch) -> Review {
    let on = |at: &Grid| -> Spot { at.on(screen.picture.size()) };
    let gesture = match action {
        Action::Launch { app } if policy.forbids(app) => return refuse(app),
        Action::Launch { app } => Gesture::Launch { app: app.clone() },
        Action::Back => Gesture::Press { key: Key::Back },
        Action::Home => Gesture::Press { key: Key::Home },
        Action::Note { message } => return Review::Inward(Inward::Note { message: message.clone() }),
        Action::Wait { duration } => return Review::Inward(Inward::Wait { duration: *duration }),
        Action::CallApi { instruction } if asks_for_notes(instruction) => return Review::Inward(Inward::Recall),
        Action::Interact { message } => return Review::Hand(Question::Choose { message: message.clone() }),
        Action::TakeOver { message } => return Review::Hand(Question::TakeOver { message: message.clone() }),
        // All that follows touches the app in front; leaving it was possible until here.
        _ if policy.forbids(&screen.front.id) || policy.forbids(&screen.front.label) => {
            return refuse(&screen.front.label);
        }
        Action::CallApi { instruction } => {
            return Review::Do(Vetted { deed: Deed::Api { instruction: instruction.clone() } });
        }
        Action::SensitiveTap { at, message } => {
            let question = Question::Confirm { message: message.clone(), at: on(at) };
            return Review::Ask(question, Held { deed: Deed::Gesture(Gesture::Tap { at: on(at) }) });
        }
        Action::Tap { at } => Gesture::Tap { at: on(at) },
        Action::LongPress { at } => Gesture::LongPress { at: on(at), hold: touch.long_press },
        Action::DoubleTap { at } => Gesture::DoubleTap { at: on(at) },
        Action::Swipe { from, to } => Gesture::Swipe { from: on(from), to: on(to), over: touch.swipe },
        Action::Type { text } | Action::TypeName { text } => Gesture::Type { text: text.clone() },
    };
    Review::Do(Vetted { deed: Deed::Gesture(gesture) })
}

impl Policy {
    fn forbids(&self, app: &str) -> bool {
        let app = app.trim().to_lowercase();
        self.apps_forbidden.iter().any(|forbidden| forbidden.trim().to_lowercase() == app)
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
        let screen = Screen {
            picture: Picture::new(Size { width: 100, height: 200 }, vec![0; 80_000]).unwrap(),
            front: Front { id: front.to_owned(), label: format!("label of {front}") },
        };
        let policy = Policy { apps_forbidden: vec!["com.bank".into(), "Shop".into()] };
        let touch = Touch { long_press: Duration::from_secs(2), swipe: Duration::from_millis(300) };
        let review = review(&action, &screen, &policy, &touch);
        let deed = |deed: &Deed| serde_json::to_string(deed).unwrap();
        let shown = match review {
            Review::Do(vetted) => format!("do {}", deed(vetted.deed())),
            Review::Ask(question, held) => format!("ask {:?} for {}", question.message(), deed(&held.deed)),
            Review::Hand(question) => format!("hand {}", serde_json::to_string(&question).unwrap()),
            Review::Inward(inward) => format!("{inward:?}"),
            Review::Refuse { why } => format!("refuse: {why}"),
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
        check(r#"do(action="Note", message="True")"#, "app", expect![[r#"Note { message: "True" }"#]]);
        check(r#"do(action="Wait", duration="2 seconds")"#, "app", expect!["Wait { duration: 2s }"]);
        check(r#"do(action="Call_API", instruction="Summarise the pages")"#, "app", expect!["Recall"]);
        check(r#"do(action="Call_API", instruction="总结页面内容")"#, "app", expect!["Recall"]);
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
}
