//! The action language's grammar lets through what the dialect prints, and nothing that the dialect cannot read.

use std::path::Path;
use std::time::Duration;

use agent::action::{Action, Call};
use agent::calls::{ApiCatalog, plain_parameters};
use agent::dialect::Dialect;
use agent::dialect::frame::{Coordinates, Frame};
use agent::place::Place;
use llguidance::api::TopLevelGrammar;
use llguidance::{Matcher, ParserFactory};
use serde_json::json;
use tapwright_agent as agent;
use tapwright_contract::Size;
use tapwright_contract::api::{ApiEffect, ApiSpec};
use tapwright_contract::gesture::{Abilities, Button, Clicks, KeyName, Modifier};
use tapwright_contract::model::{Part, Role, Turn};
use tapwright_models::{AnswerEvent, FinishReason, Grammar, Local, ReferenceModel, Request, Sampling, random};
use toktrie_hf_tokenizers::ByteTokenizer;

mod common;

/// How many replies random weights write. Each is one more chance for the grammar to be wrong.
const REPLIES: u64 = 1000;
/// As the small model's profile has it.
const TOKENS_MAX: u32 = 96;

fn calls() -> Vec<Call> {
    let at = |x, y| Place::of_parts(x, y, 1000).expect("it is on the grid");
    let text = || "say \"hi\" \\ to 小明,\nplease 🙂".to_owned();
    let line = || "50 % off \"now\"".to_owned();
    let seconds = |seconds| Duration::from_secs(seconds);
    let mut calls: Vec<Call> = vec![
        Action::Launch { app: "Settings".into() },
        Action::Tap { at: at(0, 999) },
        Action::SensitiveTap { at: at(7, 10), message: line() },
        Action::Type { text: text() },
        Action::Type { text: String::new() },
        Action::TypeName { text: line() },
        Action::Interact { message: String::new() },
        Action::Interact { message: line() },
        Action::Swipe { from: at(500, 750), to: at(500, 350) },
        Action::Drag { from: at(0, 10), to: at(999, 100) },
        Action::Note { message: "True".into(), keeps_page: true },
        Action::Recall { instruction: line() },
        Action::LongPress { at: at(99, 100) },
        Action::DoubleTap { at: at(1, 2) },
        Action::TakeOver { message: line() },
        Action::Back,
        Action::Home,
        Action::Wait { duration: seconds(1) },
        Action::Wait { duration: seconds(60) },
    ]
    .into_iter()
    .map(Call::Do)
    .collect();
    calls.push(Call::Finish { message: text() });
    calls.push(Call::GiveUp { message: line() });
    calls
}

/// Says whether a grammar lets all of a reply be said, in the small model's tokens, and lets it end there.
fn reader() -> impl Fn(&TopLevelGrammar, &str) -> bool {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/mini/tokenizer.json");
    let tokens = ByteTokenizer::from_file(&file).expect("the small model has a tokenizer");
    let tokenizer = tokens.hf_tokenizer.clone();
    let environment = tokens.into_tok_env(None).expect("it can be walked");
    let mut factory = ParserFactory::new_simple(&environment).expect("it has a vocabulary");
    factory.quiet();
    move |grammar, reply| {
        let mut matcher = Matcher::new(factory.create_parser(grammar.clone()));
        assert_eq!(matcher.get_error(), None);
        let tokens = tokenizer.encode(reply, false).expect("it is text").get_ids().to_vec();
        let taken = matcher.try_consume_tokens(&tokens).unwrap_or(0);
        taken == tokens.len() && (matcher.is_stopped() || matcher.is_accepting().unwrap_or(false))
    }
}

#[test]
fn what_is_printed_may_be_said() {
    let is_allowed = reader();
    let grammar =
        TopLevelGrammar::from_lark(Dialect::Autoglm.grammar(TOKENS_MAX, Abilities::PHONE, &ApiCatalog::default()));
    let allowed = |reply: &str| is_allowed(&grammar, reply);
    for call in calls() {
        let printed = Dialect::Autoglm.print(&call);
        assert!(allowed(&format!("<think>Why not\nthis?</think><answer>{printed}")), "{printed}");
        assert!(allowed(&format!("<think>t</think>\n<answer>\n{printed}")), "{printed}");
        assert!(allowed(&format!("<answer>{printed}")), "{printed}");
    }
    for wrong in [
        "do(action=\"Back\")",
        "<answer>do(action=\"Tap\", element=[1000,1])",
        "<answer>do(action=\"Tap\", element=[01,1])",
        "<answer>do(action=\"Fly\")",
        "<answer>do(action=\"Launch\", app=\"\")",
        "<answer>do(action=\"Back\")do(action=\"Back\")",
        "<think>t<answer>do(action=\"Back\")",
        "<think>t</think>",
    ] {
        assert!(!allowed(wrong), "{wrong}");
    }
}

/// Two APIs: one that takes plain words, and one with arguments of each kind.
fn apis() -> ApiCatalog {
    let mail = json!({
        "type": "object",
        "required": ["to", "mood"],
        "properties": {
            "to": { "type": "string", "pattern": "^[A-Z]", "maxLength": 20 },
            "mood": { "enum": ["glad", "sad", 3] },
            "count": { "type": "integer", "minimum": 1 },
            "copies": { "type": "array", "items": { "type": "string" } },
            "note": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
            "place": { "type": "object", "properties": { "x": { "type": "number" } }, "required": ["x"] },
        },
    });
    let spec = |name: &str, parameters| ApiSpec {
        name: name.to_owned(),
        about: "x".to_owned(),
        parameters,
        effect: ApiEffect::Reads,
    };
    ApiCatalog::of(&[
        spec("weather.now", plain_parameters()),
        spec("mail", mail),
        spec("ping", json!({ "type": "object", "properties": {} })),
        spec("any", json!({ "type": "object", "properties": { "fields": { "type": "object" } } })),
    ])
}

#[test]
fn only_the_apis_that_are_offered_may_be_called() {
    let is_allowed = reader();
    let apis = apis();
    let grammar = TopLevelGrammar::from_lark(Dialect::Autoglm.grammar(TOKENS_MAX, Abilities::PHONE, &apis));
    let allowed = |reply: &str| is_allowed(&grammar, reply);
    for call in [
        r#"instruction="weather.now: Oslo, \"now\"""#,
        r#"instruction="Summarize my notes""#,
        r#"name="mail", arguments={"to": "Anna", "mood": "glad"}"#,
        r#"name="mail", arguments={"to": "A \"b\" \n", "mood": 3, "count": 2, "copies": ["a", "b"], "note": null, "place": {"x": 1.5}}"#,
        r#"name="ping", arguments={}"#,
        r#"name="any", arguments={"fields": {"Name": "Ada", "agree": true}}"#,
    ] {
        let reply = format!("<think>t</think><answer>do(action=\"Call_API\", {call})");
        assert!(allowed(&reply), "{call}");
        // What may be said is what is understood; lengths and patterns are checked afterwards.
        match Dialect::Autoglm.read_with(&reply, false, &apis).call {
            Ok(Call::Do(Action::CallApi(call))) => assert!(apis.check_call(call.clone()).is_ok(), "{call:?}"),
            Ok(Call::Do(Action::Recall { .. })) => {}
            other => panic!("{call}: {other:?}"),
        }
    }
    for call in [
        r#"instruction="fly away""#,
        r#"instruction="mail: hi""#,
        r#"instruction="weather-now: Oslo""#,
        r#"name="weather.now", arguments={}"#,
        r#"name="fly", arguments={}"#,
        r#"name="mail", arguments={"to": "Anna"}"#,
        r#"name="mail", arguments={"to": "Anna", "mood": "angry"}"#,
        r#"name="mail", arguments={"to": 1, "mood": "sad"}"#,
        r#"name="mail", arguments={"to": "Anna", "mood": "sad", "cc": "Bob"}"#,
        r#"name="ping", arguments={"a": 1}"#,
    ] {
        let reply = format!("<answer>do(action=\"Call_API\", {call})");
        assert!(!allowed(&reply), "{call}");
    }
    for call in calls().iter().filter(|call| !matches!(call, Call::Do(Action::Recall { .. }))) {
        let printed = Dialect::Autoglm.print(call);
        assert!(allowed(&format!("<answer>{printed}")), "the rest is as it was: {printed}");
    }
}

/// The same for the language of desktops and browsers, in each way to write places.
#[test]
fn what_a_computers_dialect_prints_may_be_said() {
    let is_allowed = reader();
    let able = Abilities { pointer: true, scroll: true, insert: true, chords: true, windows: true, ..Abilities::PHONE };
    let display = Size { width: 1366, height: 768 };
    for coordinates in [
        Coordinates::Thousandths,
        Coordinates::Pixels,
        Coordinates::Fractions,
        Coordinates::Resized { multiple: 28, pixels_min: 78_400, pixels_max: 12_845_056 },
    ] {
        let frame = Frame::new(coordinates, display).able(Some(able));
        let grammar = TopLevelGrammar::from_lark(Dialect::Computer.grammar_on(TOKENS_MAX, able, &apis(), &frame));
        let allowed = |reply: &str| is_allowed(&grammar, reply);
        let at = |x, y| Place::of_steps((x, 7), (y, 7)).expect("it is on the display");
        let chord = |key: &str| Action::Chord { modifiers: vec![Modifier::Control], key: KeyName::new(key).unwrap() };
        let click = |button, count| Action::Click { at: at(3, 3), button, count, modifiers: Vec::new() };
        let actions = [
            click(Button::Left, Clicks::Single),
            click(Button::Left, Clicks::Double),
            click(Button::Left, Clicks::Triple),
            click(Button::Right, Clicks::Single),
            click(Button::Middle, Clicks::Single),
            Action::SensitiveTap { at: at(1, 2), message: "pays".into() },
            Action::Move { at: at(6, 6) },
            Action::Drag { from: at(0, 0), to: at(6, 6) },
            Action::Scroll { at: at(5, 5), right: 0, down: 3 },
            Action::Scroll { at: at(5, 5), right: -2, down: 0 },
            chord("s"),
            chord("Enter"),
            chord("F12"),
            Action::Insert { text: "say \"hi\" to 小明,\n🙂".into() },
            Action::Type { text: "over".into() },
            Action::Launch { app: "Files".into() },
            Action::Wait { duration: Duration::from_secs(2) },
            Action::Wait { duration: Duration::ZERO },
            Action::Note { message: "n".into(), keeps_page: false },
            Action::Interact { message: "which?".into() },
            Action::TakeOver { message: "log in".into() },
        ];
        let calls: Vec<Call> = actions
            .into_iter()
            .map(Call::Do)
            .chain([Call::Finish { message: "done".into() }, Call::GiveUp { message: "no".into() }])
            .collect();
        for call in &calls {
            let printed = Dialect::Computer.print_on(call, &frame);
            let reply = format!("<think>t</think>\n<answer>{printed}");
            assert!(allowed(&reply), "{printed}");
            let read = Dialect::Computer.read_on(&reply, false, &apis(), &frame);
            // As near as its numbers are.
            assert_eq!(read.call.map(|read| Dialect::Computer.print_on(&read, &frame)), Ok(printed));
        }
        let one = Dialect::Computer.print_on(&calls[0], &frame);
        assert!(allowed(&format!("<answer>{one}\ntype(text=\"a\")\nfinish(message=\"\")")), "several a turn");
        assert!(allowed(r#"<answer>call(name="mail", arguments={"to": "Anna", "mood": "glad"})"#));
        for wrong in [
            "<answer>fly(at=[1,1])".to_owned(),
            "<answer>click(at=[99999,1])".to_owned(),
            format!("<answer>{one} {one}"),
            format!("<answer>finish(message=\"\")\n{one}"),
            format!("<answer>{}", [one.as_str(); 9].join("\n")),
            r#"<answer>call(name="fly", arguments={})"#.to_owned(),
            "<answer>hotkey(keys=\"ctrl+flub\")".to_owned(),
        ] {
            assert!(!allowed(&wrong), "{wrong}");
        }
    }
}

#[test]
fn random_weights_say_nothing_but_actions() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let Some(library) = runtime.block_on(common::library()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("model");
    random(ReferenceModel::Glm4vTiny, &model, 5, |_| ()).expect("it can be written");
    let local =
        Local::open(&model, &folder.path().join("cache"), &library, common::options(), |_| ()).expect("it opens");
    let said = runtime.block_on(async {
        let mut said = Vec::new();
        for seed in 0..REPLIES {
            let turn = Turn { role: Role::User, parts: vec![Part::Text(format!("Turn Wi-Fi on, {}", seed % 7))] };
            let mut pieces = local
                .ask(Request {
                    tokens_max: Some(4 * TOKENS_MAX),
                    sampling: Sampling { temperature: 1.0, seed, ..Sampling::GREEDY },
                    grammar: Some(Grammar::Lark(Dialect::Autoglm.grammar(
                        TOKENS_MAX,
                        Abilities::PHONE,
                        &ApiCatalog::default(),
                    ))),
                    ..Request::greedy(vec![turn])
                })
                .await
                .expect("it takes requests");
            let mut text = String::new();
            while let Some(piece) = pieces.recv().await {
                match piece.expect("it answers") {
                    AnswerEvent::Delta { text: more, .. } => text.push_str(&more),
                    AnswerEvent::Done { why, .. } => {
                        assert_ne!(why, FinishReason::Length, "{text}");
                        said.push(std::mem::take(&mut text));
                    }
                }
            }
        }
        said
    });
    assert_eq!(said.len() as u64, REPLIES);
    let mut verbs = std::collections::BTreeSet::new();
    for reply in &said {
        let read = Dialect::Autoglm.read(reply, false);
        let call = read.call.unwrap_or_else(|unclear| panic!("{reply}\n{unclear}"));
        assert!(!read.more, "one call, and nothing after it: {reply}");
        let printed = Dialect::Autoglm.print(&call);
        verbs.insert(printed.split(',').next().unwrap_or_default().split(')').next().unwrap_or_default().to_owned());
    }
    assert!(verbs.len() > 10, "chance finds most of the verbs: {verbs:?}");
}
