//! What a policy makes of an action on screens that were made to get past it, or that phones tell of wrongly: from the bytes of the
//! device to what the guard says.

#[path = "../../drivers/tests/fake/mod.rs"]
mod fake;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use fake::{Fake, Reply, good_command, good_service, raw, script};
use serde::Deserialize;
use tapwright_agent::action::Call;
use tapwright_agent::dialect::Dialect;
use tapwright_agent::guard::{self, Review, ReviewContext, Touch};
use tapwright_agent::policy::Policy;
use tapwright_contract::device::Driver;

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// What `dumpsys window` says; else this app is in front.
    #[serde(default)]
    window: Option<String>,
    #[serde(default = "shop")]
    front: String,
    /// What each `uiautomator dump` gives; the last one goes on. Widgets alone get the rest around them.
    #[serde(default)]
    widgets: Vec<String>,
    #[serde(default)]
    dumps: Vec<String>,
    /// What the model says.
    says: String,
    /// `careful`, or `trusting` and what is beside it.
    #[serde(default = "careful")]
    preset: String,
    #[serde(default)]
    policy: toml::Table,
    /// How the review begins: `do`, `ask: payment`, `refuse`.
    comes: String,
}

fn shop() -> String {
    "com.shop".to_owned()
}

fn careful() -> String {
    "careful".to_owned()
}

impl Case {
    fn policy(&self) -> Policy {
        let mut policy: toml::Table = match self.preset.as_str() {
            "careful" => toml::from_str(include_str!("../../agent/src/policy/careful.toml")).unwrap(),
            _ => toml::from_str(include_str!("../../agent/src/policy/trusting.toml")).unwrap(),
        };
        policy.extend(self.policy.clone());
        policy.try_into().unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    fn dumps(&self) -> Vec<String> {
        let whole = |widgets: &String| {
            format!(
                "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"0\"><node index=\"0\" text=\"\" \
                 class=\"android.widget.FrameLayout\" package=\"com.shop\" content-desc=\"\" bounds=\"[0,0][540,1200]\">{widgets}\
                 </node></hierarchy>UI hierchary dumped to: /dev/tty\n"
            )
        };
        self.widgets.iter().map(whole).chain(self.dumps.iter().cloned()).collect()
    }
}

async fn review(case: &Case) -> String {
    let window = case.window.clone().unwrap_or_else(|| {
        let front = &case.front;
        format!("  mCurrentFocus=Window{{3f u0 {front}/{front}.Main}}\n  mFocusedApp=ActivityRecord{{7 u0 {front}/.Main t1}}\n")
    });
    let dumps = Mutex::new(case.dumps().into_iter().rev().collect::<Vec<_>>());
    let phone = script(
        move |name| match name {
            "exec:screencap" => Reply::Say(raw(540, 1200, 200)),
            "exec:uiautomator dump /dev/tty" => {
                let mut dumps = dumps.lock().unwrap();
                let dump = if dumps.len() > 1 { dumps.pop() } else { dumps.last().cloned() };
                dump.map_or(Reply::Refuse, |dump| Reply::Say(dump.into_bytes()))
            }
            name => good_service(name),
        },
        move |command| match command {
            command if command.starts_with("dumpsys window") => Some((window.clone().into_bytes(), 0)),
            command => good_command(command),
        },
    );
    let fake = Fake::daemon(phone).await;
    let mut android = fake.driver().await;
    let policy = case.policy();
    let Ok(Call::Do(action)) = Dialect::Autoglm.read(&case.says, false).call else {
        panic!("{} says no action", case.name)
    };
    let screen = android.screen(PATIENCE).await.unwrap();
    let labels = match guard::wants_labels(&action, &policy) {
        true => android.labels(PATIENCE).await.unwrap_or_default(),
        false => None,
    };
    let touch = Touch { long_press: Duration::from_secs(1), swipe: Duration::from_millis(300) };
    let context = ReviewContext::new(&screen, labels.as_deref(), &policy, &touch);
    match guard::review(&action, context) {
        Review::Do(_) => "do".to_owned(),
        Review::Ask(question, _) => format!("ask: {}", question.message()),
        Review::Refuse { why } => format!("refuse: {why}"),
        other => format!("{other:?}"),
    }
}

/// Every case comes to what stands in it.
#[tokio::test]
async fn screens_come_to_what_the_policy_says() {
    let Cases { case: cases } = toml::from_str(include_str!("screens/cases.toml")).unwrap();
    let mut wrong = BTreeMap::new();
    let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
    for case in &cases {
        let came = review(case).await;
        if !came.starts_with(&case.comes) {
            wrong.insert(&case.name, (came, &case.comes));
        }
        *kinds.entry(case.comes.split(':').next().unwrap_or_default()).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // A guard that says the same to everything would not pass.
    assert!(["do", "ask", "refuse"].iter().all(|kind| kinds.get(kind).is_some_and(|count| *count >= 3)), "{kinds:?}");
}
