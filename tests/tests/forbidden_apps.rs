//! An app that is forbidden by any of its names is neither launched nor touched, whatever the model calls it: from what it says to
//! what the phone is told to do.

#[path = "../../drivers/tests/fake/mod.rs"]
mod fake;
#[path = "common/scripted.rs"]
mod scripted;

use std::sync::{Arc, Mutex};

use fake::{Fake, Reply, good_command, good_service, script};
use scripted::recorded_run;
use tapwright_agent::episode::EDITION;
use tapwright_agent::journal::{Entry, Line};
use tapwright_agent::person::Nobody;
use tapwright_agent::policy::Policy;
use tapwright_tasks::policy::Preset;

const HOME: &str = "com.miui.home";

type Installed = &'static [(&'static str, Option<&'static str>)];

/// What is installed: the package, and what the phone itself calls it, if it does.
const INSTALLED: Installed = &[
    ("com.android.settings", None),
    ("com.tencent.mm", None),
    ("com.example.purse", Some("Coin Purse")),
    ("org.example.weather", None),
    ("org.other.weather", None),
    // It calls itself what somebody else is.
    ("com.evil", Some("Telegram")),
];

/// A label that looks like the next app in the list, and gives it another name.
const FORGED: &str = "Toy icon=0x0 banner=0x0\n  Activity #1:\n      packageName=com.example.purse\n      \
                      labelRes=0x0 nonLocalizedLabel=Toy";

/// What a phone lists of these apps.
fn icons(apps: &[(&str, Option<&str>)]) -> String {
    let block = |(at, (name, label)): (usize, &(&str, Option<&str>))| {
        let label = label.unwrap_or("null");
        format!(
            "  Activity #{at}:\n      packageName={name}\n      labelRes=0x0 nonLocalizedLabel={label} icon=0x0 banner=0x0\n"
        )
    };
    format!("{} activities found:\n{}", apps.len(), apps.iter().enumerate().map(block).collect::<String>())
}

/// A phone on which an app comes to the front when it is started. What it tells of its widgets, if it does.
async fn phone(front: &str, installed: Installed, tree: Option<String>) -> Fake {
    let front = Arc::new(Mutex::new(front.to_owned()));
    let service = move |name: &str| match (name, &tree) {
        ("exec:uiautomator dump /dev/tty", Some(tree)) => Reply::Say(tree.clone().into_bytes()),
        _ => good_service(name),
    };
    let command = move |command: &str| {
        let words: Vec<&str> = command.split(' ').collect();
        Some(match words[..] {
            ["am", "get-current-user"] => (b"0\n".to_vec(), 0),
            ["pm", "list", "packages", ..] => {
                (installed.iter().map(|(name, _)| format!("package:{name}\n")).collect::<String>().into_bytes(), 0)
            }
            ["cmd", "package", "query-activities", ..] => (icons(installed).into_bytes(), 0),
            // One after the other.
            ["for", "app", "in", ..] => {
                let names = command.split_once(" in ").unwrap().1.split_once(';').unwrap().0;
                let marker = command.split_once("echo ").unwrap().1.split_once(' ').unwrap().0;
                let alone = |name: &str| {
                    let app = installed.iter().find(|(own, _)| *own == name).unwrap();
                    format!("{marker} {name}\n{}", icons(&[*app]))
                };
                (names.split(' ').map(alone).collect::<String>().into_bytes(), 0)
            }
            ["cmd", "package", "resolve-activity", .., package] => {
                (format!("priority=0\n{package}/.Main\n").into_bytes(), 0)
            }
            ["am", "start", .., component] => {
                *front.lock().unwrap() = component.trim_matches('\'').split('/').next().unwrap().to_owned();
                (b"Starting: Intent\n".to_vec(), 0)
            }
            ["dumpsys", "window", ..] => {
                let front = front.lock().unwrap();
                let focus = format!("Display: mDisplayId=0\n  mCurrentFocus=Window{{3f u0 {front}/.Main}}\n");
                (format!("{focus}  mFocusedApp=ActivityRecord{{7 u0 {front}/.Main t1}}\n").into_bytes(), 0)
            }
            _ => return good_command(command),
        })
    };
    Fake::daemon(script(service, command)).await
}

/// What a run comes to in which the model says one thing: the apps that were started, how often the screen was touched, and what the
/// step came to. The record is replayed.
async fn comes_to(front: &str, policy: Policy, says: &str) -> String {
    comes_to_on(phone(front, INSTALLED, None).await, policy, says).await
}

async fn comes_to_on(fake: Fake, policy: Policy, says: &str) -> String {
    let mut driver = fake.driver().await;
    let record = recorded_run(&mut driver, &mut Nobody, policy, EDITION, says).await;
    let summary = |entry: &Entry| match &entry.line {
        Line::Step(step) => Some(step.summary.clone()),
        _ => None,
    };
    let step = record.entries.iter().find_map(summary).expect("a step");
    let asked = fake.requests();
    let started: Vec<&str> = asked
        .iter()
        .filter(|line| line.starts_with("am start") || line.starts_with("monkey"))
        .map(|line| line.rsplit(' ').next().unwrap().trim_matches('\'').trim_end_matches("/.Main"))
        .collect();
    let taps = asked.iter().filter(|line| line.starts_with("input tap")).count();
    format!(
        "{} {taps} {}",
        if started.is_empty() { "-".to_owned() } else { started.join(",") },
        step.split(':').next().unwrap()
    )
}

fn launch(app: &str) -> String {
    format!("do(action=\"Launch\", app=\"{app}\")")
}

#[tokio::test]
async fn whatever_a_forbidden_app_is_called() {
    let tap = r#"do(action="Tap", element=[500,500])"#.to_owned();
    let settings = "com.android.settings";
    #[rustfmt::skip]
    let rows: &[(&str, &[&str], String, &str)] = &[
        // What is in front, what is forbidden, what the model says, and: started, taps, result.
        // By the id; launched by the id, the table's names, a slip, another case.
        (settings, &["com.tencent.mm"], launch("com.tencent.mm"), "- 0 refused"),
        (settings, &["com.tencent.mm"], launch("WeChat"), "- 0 refused"),
        (settings, &["com.tencent.mm"], launch("微信"), "- 0 refused"),
        (settings, &["com.tencent.mm"], launch("Wechaat"), "- 0 refused"),
        (settings, &["COM.TENCENT.MM"], launch(" we chat app"), "- 0 refused"),
        // By a label, an alias, a slip of whoever forbids.
        (settings, &["wechat"], launch("Wechaat"), "- 0 refused"),
        (settings, &["微信"], launch("Wechaat"), "- 0 refused"),
        (settings, &["Weixin"], launch("com.tencent.mm"), "- 0 refused"),
        (settings, &["Wechaat"], launch("WeChat"), "- 0 refused"),
        // By what the phone calls it, which no table knows.
        (settings, &["coin purse"], launch("com.example.purse"), "- 0 refused"),
        (settings, &["Coin Purse"], launch("Coin Prse"), "- 0 refused"),
        (settings, &["com.example.purse"], launch("CoinPurse"), "- 0 refused"),
        // One name of two apps means both.
        (settings, &["Weather"], launch("org.example.weather"), "- 0 refused"),
        (settings, &["Weather"], launch("org.other.weather"), "- 0 refused"),
        (settings, &["org.other.weather"], launch("Weather"), "- 0 there is no app \"Weather\"; near it"),
        // Others are launched.
        (settings, &["com.tencent.mm"], launch("Coin Prse"), "com.example.purse 0 done"),
        (settings, &["Coin Purse"], launch("Wechaat"), "com.tencent.mm 0 done"),
        (settings, &[], launch("Wechaat"), "com.tencent.mm 0 done"),
        (settings, &["Nothing of the kind"], launch("WeChat"), "com.tencent.mm 0 done"),
        // Touched, though it came to the front by itself.
        ("com.tencent.mm", &["Wechaat"], tap.clone(), "- 0 refused"),
        ("com.tencent.mm", &["微信"], tap.clone(), "- 0 refused"),
        ("com.example.purse", &["COIN PURSE"], tap.clone(), "- 0 refused"),
        ("org.other.weather", &["weather"], tap.clone(), "- 0 refused"),
        ("com.example.purse", &["com.tencent.mm"], tap.clone(), "- 1 done"),
    ];
    for (front, forbidden, says, expected) in rows {
        let policy = Policy {
            apps_forbidden: forbidden.iter().map(|name| (*name).to_owned()).collect(),
            ..Preset::Trusting.policy()
        };
        assert_eq!(comes_to(front, policy, says).await, *expected, "{forbidden:?} {says}");
    }
}

#[tokio::test]
async fn whatever_an_allowed_app_is_called() {
    #[rustfmt::skip]
    let rows: &[(&[&str], String, &str)] = &[
        (&["com.tencent.mm"], launch("Wechaat"), "com.tencent.mm 0 done"),
        (&["com.tencent.mm"], launch("微信"), "com.tencent.mm 0 done"),
        (&["com.tencent.mm"], launch("Coin Purse"), "- 0 refused"),
        (&["com.tencent.mm"], launch("Setings"), "- 0 refused"),
        // An app that gives itself the name of one that is allowed is not that one.
        (&["org.telegram.messenger", "Telegram"], launch("Telegram"), "- 0 refused"),
        (&["org.telegram.messenger", "Telegram"], launch("com.evil"), "- 0 refused"),
    ];
    for (allowed, says, expected) in rows {
        let policy = Policy {
            apps_allowed: allowed.iter().map(|name| (*name).to_owned()).collect(),
            ..Preset::Trusting.policy()
        };
        assert_eq!(comes_to("com.android.settings", policy, says).await, *expected, "{allowed:?} {says}");
    }
}

/// A widget of the tree that phones tell.
fn node(app: &str, text: &str, reacts: bool, bounds: &str, inner: &str) -> String {
    format!(
        "<node text=\"{text}\" class=\"android.view.View\" package=\"{app}\" content-desc=\"\" clickable=\"{reacts}\" \
         bounds=\"{bounds}\">{inner}</node>"
    )
}

/// A screen with an icon of an app's: something that reacts round a picture and these words. The system's windows lie over the app in
/// front.
fn with_icon(front: &str, app: &str, words: &str) -> String {
    let words = node(app, words, false, "[10,70][44,80]", "");
    let icon = node(app, "", true, "[10,40][44,80]", &words);
    let window = node(app, "", false, "[0,0][54,120]", &icon);
    let below = node(front, "Page 1", false, "[0,0][54,10]", "");
    format!(
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"0\">{below}{window}</hierarchy>"
    )
}

/// An icon opens an app without a launch, and where none of its widgets is.
#[tokio::test]
async fn the_icon_of_a_forbidden_app_is_not_touched() {
    let (home, shade, chooser) = (HOME, "com.android.systemui", "com.android.intentresolver");
    #[rustfmt::skip]
    let rows: &[(&str, &str, &str, &str)] = &[
        // Whose widgets, what is written there, what is forbidden, and: started, taps, result.
        (home, "微信", "com.tencent.mm", "- 0 refused"),
        (home, "微信", "WeChat", "- 0 refused"),
        (home, "WeChat", "微信", "- 0 refused"),
        (home, "WeChat, 3 new messages", "com.tencent.mm", "- 0 refused"),
        (home, "微信，有 5 条未读通知", "com.tencent.mm", "- 0 refused"),
        (home, "WeChat has 2 notifications", "com.tencent.mm", "- 0 refused"),
        (home, "Coin Purse", "com.example.purse", "- 0 refused"),
        (home, "coin purse (1)", "Coin Purse", "- 0 refused"),
        (home, "Weather", "org.other.weather", "- 0 refused"),
        (shade, "WeChat", "com.tencent.mm", "- 0 refused"),
        (chooser, "WeChat", "com.tencent.mm", "- 0 refused"),
        ("android", "WeChat", "com.tencent.mm", "- 0 refused"),
        // Others are.
        (home, "Coin Purse", "com.tencent.mm", "- 1 done"),
        (home, "WeChat Work", "com.tencent.mm", "- 1 done"),
        (home, "Weather", "com.tencent.mm", "- 1 done"),
        ("com.example.purse", "WeChat", "com.tencent.mm", "- 1 done"),
    ];
    let tap = r#"do(action="Tap", element=[500,500])"#;
    for (app, words, forbidden, expected) in rows {
        let front = if [shade, "android"].contains(app) { "com.android.settings" } else { app };
        let fake = phone(front, INSTALLED, Some(with_icon(front, app, words))).await;
        let policy = Policy { apps_forbidden: vec![(*forbidden).to_owned()], ..Preset::Trusting.policy() };
        assert_eq!(comes_to_on(fake, policy, tap).await, *expected, "{app}: {words:?}, without {forbidden}");
    }
}

/// Nobody but the app that is named "Coin Purse" says what it is called.
#[tokio::test]
async fn a_label_with_line_breaks_renames_no_other_app() {
    const APPS: Installed =
        &[("com.evil", Some(FORGED)), ("com.example.purse", Some("Coin Purse")), ("com.android.settings", None)];
    for (forbidden, says, expected) in [
        ("Coin Purse", launch("com.example.purse"), "- 0 refused"),
        ("com.example.purse", launch("Coin Purse"), "- 0 refused"),
        ("com.tencent.mm", launch("Coin Purse"), "com.example.purse 0 done"),
        ("com.tencent.mm", launch("Toy"), "com.evil 0 done"),
    ] {
        let policy = Policy { apps_forbidden: vec![forbidden.to_owned()], ..Preset::Trusting.policy() };
        let fake = phone("com.android.settings", APPS, None).await;
        assert_eq!(comes_to_on(fake, policy, &says).await, expected, "{forbidden} {says}");
    }
}
