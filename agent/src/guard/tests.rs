//! What the guard says of actions.

use expect_test::{Expect, expect};
use tapwright_contract::api::{ApiEffect, ApiSpec};
use tapwright_contract::device::Front;
use tapwright_contract::{Picture, Size};

use super::*;
use crate::action::Call;
use crate::calls::plain_parameters;
use crate::dialect::Dialect;

fn check(call: &str, front: &str, expected: Expect) {
    let specs = ["weather", "pay"].map(|name| ApiSpec {
        name: name.to_owned(),
        about: "x".to_owned(),
        parameters: plain_parameters(),
        effect: ApiEffect::Changes,
    });
    let apis = ApiCatalog::of(&specs);
    let read = Dialect::Autoglm.read_with(call, false, &apis);
    let Ok(Call::Do(action)) = read.call else { panic!("{call} is no action") };
    let picture = Picture::new(Size { width: 100, height: 200 }, vec![0; 80_000]).unwrap();
    let screen =
        Screen::new(picture, Front { id: front.to_owned(), label: format!("label of {front}"), aliases: Vec::new() });
    let policy = Policy { apps_forbidden: vec!["com.bank".into(), "Shop".into()], ..Policy::trusting() };
    let touch = Touch { long_press: Duration::from_secs(2), swipe: Duration::from_millis(300) };
    let rules = Rules::of(crate::edition::EDITION);
    assert!(!reads(&action, &policy, None, rules) || policy.names_ids(true), "nobody asks what is written");
    let context = ReviewContext {
        screen: &screen,
        labels: None,
        thought: "",
        policy: &policy,
        touch: &touch,
        abilities: None,
        apis: Some(&apis),
        goal: None,
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
        expect![[r#"do {"api":{"name":"weather","arguments":{"instruction":"in Oslo"}}}"#]],
    );
}

#[test]
fn some_are_a_persons() {
    check(
        r#"do(action="Tap", element=[500,500], message="pay 9.99")"#,
        "app",
        expect![[r#"ask "pay 9.99" for {"gesture":{"tap":{"at":{"x":50,"y":100,"of":{"width":100,"height":200}}}}}"#]],
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
    check(r#"do(action="Note", message="True")"#, "app", expect![[r#"Note { message: "True", keeps_page: true }"#]]);
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
    check(r#"do(action="Launch", app="Notes")"#, "com.bank", expect![[r#"do {"gesture":{"launch":{"app":"Notes"}}}"#]]);
}

/// Two apps share the screen: Chrome above, with the focus, and the one that is forbidden below it.
fn review_on_split_screen(call: &str, policy: &Policy) -> Review {
    let Ok(Call::Do(action)) = Dialect::Autoglm.read(call, false).call else { panic!("{call} is no action") };
    let picture = Picture::new(Size { width: 100, height: 200 }, vec![0; 80_000]).unwrap();
    let front = Front { id: "com.android.chrome".to_owned(), label: "Chrome".to_owned(), aliases: Vec::new() };
    let screen = Screen::new(picture, front);
    let label = |text: &str, app: &str, top, bottom| Label {
        text: text.to_owned(),
        area: tapwright_contract::device::Area { left: 0, top, right: 100, bottom },
        touchable: true,
        focused: false,
        secret: true,
        app: Some(app.to_owned()),
        role: None,
        value: None,
        is_on: None,
    };
    let labels = [
        label("Weather", "com.android.chrome", 0, 98),
        label("", "com.tencent.mm", 102, 200),
        label("Send", "com.tencent.mm", 150, 170),
        Label { focused: true, ..label("Password", "com.evil", 100, 102) },
    ];
    let touch = Touch { long_press: Duration::from_secs(2), swipe: Duration::from_millis(300) };
    let rules = Rules::of(crate::edition::EDITION);
    assert!(reads(&action, policy, None, rules), "{call}: what is written is asked");
    review(
        &action,
        ReviewContext {
            screen: &screen,
            labels: Some(&labels),
            thought: "",
            policy,
            touch: &touch,
            abilities: None,
            apis: None,
            goal: None,
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
            let review = review_on_split_screen(call, policy);
            assert_eq!(refused(&review), expected, "{call}: {review:?}");
        }
    }
    let typed = review_on_split_screen("do(action=\"Type\", text=\"hi\")", &allowed);
    assert!(refused(&typed), "the field with the focus is another app's: {typed:?}");
}

#[test]
fn a_secret_goes_by_the_app_of_the_field() {
    for any_field in [false, true] {
        let usage = |app: &str| crate::policy::SecretUse { apps: vec![app.into()], any_field, apis: vec![] };
        let typed = |apps: &[&str]| {
            let mut secret = usage("com.android.chrome");
            secret.apps.extend(apps.iter().map(|app| (*app).to_owned()));
            let policy = Policy { secrets: [("pin".to_owned(), secret)].into(), ..Policy::trusting() };
            review_on_split_screen("do(action=\"Type\", text=\"{{secret:pin}}\")", &policy)
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
    assert!(matches!(review_on_split_screen(tap, &rule(&["com.android.chrome"])), Review::Ask(..)));
    assert!(matches!(review_on_split_screen(tap, &rule(&["com.android.chrome", "com.tencent.mm"])), Review::Do(_)));
}
