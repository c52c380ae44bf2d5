//! Replies as models of all families write them, and garble them, one a line in `computer.jsonl` with what is right: the actions, with
//! places in pixels of the display whatever the model's own coordinates are, or the beginning of what the model is told.

use serde::Deserialize;
use serde_json::json;
use tapwright_agent::action::{Action, Call};
use tapwright_agent::calls::ApiCatalog;
use tapwright_agent::dialect::Dialect;
use tapwright_agent::dialect::frame::{Coordinates, Frame};
use tapwright_contract::Size;
use tapwright_contract::api::{ApiEffect, ApiSpec};
use tapwright_contract::gesture::Abilities;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    family: String,
    reply: String,
    is: Vec<String>,
    #[serde(default)]
    coordinates: Coordinates,
    thought: Option<String>,
    #[serde(default)]
    cut: bool,
    /// Whether more follows that is not done.
    #[serde(default)]
    more: bool,
    /// Whether it is about a phone, which has no pointer.
    #[serde(default)]
    phone: bool,
}

fn apis() -> ApiCatalog {
    let spec = |name: &str, parameters| ApiSpec {
        name: name.to_owned(),
        about: "x".to_owned(),
        parameters,
        effect: ApiEffect::Reads,
    };
    let mail = json!({ "type": "object", "properties": { "to": { "type": "string" }, "count": { "type": "number" } } });
    ApiCatalog::of(&[spec("windows.list", json!({ "type": "object", "properties": {} })), spec("mail", mail)])
}

fn desktop() -> Abilities {
    Abilities { pointer: true, scroll: true, insert: true, chords: true, windows: true, ..Abilities::PHONE }
}

#[test]
fn replies_of_all_families_are_read() {
    let (apis, mut wrong, mut families, mut told) = (apis(), Vec::new(), std::collections::BTreeSet::new(), 0);
    let cases: Vec<Case> = include_str!("computer.jsonl")
        .lines()
        .enumerate()
        .map(|(n, line)| serde_json::from_str(line).unwrap_or_else(|error| panic!("line {}: {error}", n + 1)))
        .collect();
    for (n, case) in cases.iter().enumerate() {
        let (size, abilities) = match case.phone {
            true => (Size { width: 1080, height: 2400 }, Abilities::PHONE),
            false => (Size { width: 1920, height: 1080 }, desktop()),
        };
        let frame = Frame::new(case.coordinates, size).able(Some(abilities));
        let pixels = Frame::new(Coordinates::Pixels, size).able(Some(abilities));
        let read = Dialect::Computer.read_on(&case.reply, case.cut, &apis, &frame);
        let mut calls = vec![read.call];
        calls.extend(read.rest);
        let shown: Vec<String> = calls
            .iter()
            .map(|call| match call {
                Ok(call) => Dialect::Computer.print_on(call, &pixels),
                Err(unclear) => format!("? {unclear}"),
            })
            .collect();
        told += shown.iter().filter(|shown| shown.starts_with("? ")).count();
        families.insert(case.family.clone());
        let fits = shown.len() == case.is.len()
            && shown
                .iter()
                .zip(&case.is)
                .all(|(shown, is)| if is.starts_with("? ") { shown.starts_with(is) } else { shown == is });
        let thought = Dialect::Computer.without_marks(&read.thought);
        let thinks = case.thought.as_ref().is_none_or(|right| *right == thought);
        if !fits || !thinks || read.more != case.more {
            wrong.push(format!(
                "{}: {:?}\n    is    {shown:?} ({:?}, more: {})\n    right {:?} ({:?}, more: {})",
                n + 1,
                case.reply,
                read.thought,
                read.more,
                case.is,
                case.thought,
                case.more
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= 150 && told >= 40 && families.len() >= 10, "{} {told} {families:?}", cases.len());
}

/// What is printed is what a model may write: it reads as the same, in every way to write places.
#[test]
fn what_is_printed_is_read_as_the_same() {
    let apis = apis();
    let size = Size { width: 1366, height: 768 };
    for coordinates in [
        Coordinates::Thousandths,
        Coordinates::Pixels,
        Coordinates::Fractions,
        Coordinates::Resized { multiple: 28, pixels_min: 78_400, pixels_max: 12_845_056 },
        Coordinates::Display { width: 1024, height: 640 },
    ] {
        for case in include_str!("computer.jsonl").lines() {
            let case: Case = serde_json::from_str(case).expect("another test reads it");
            let abilities = if case.phone { Abilities::PHONE } else { desktop() };
            let frame = Frame::new(coordinates, size).able(Some(abilities));
            let read = Dialect::Computer.read_on(&case.reply, case.cut, &apis, &frame);
            for call in [read.call].into_iter().chain(read.rest).flatten() {
                let printed = Dialect::Computer.print_on(&call, &frame);
                let again = Dialect::Computer.read_on(&format!("<answer>{printed}</answer>"), false, &apis, &frame);
                assert_eq!(again.call.as_ref(), Ok(&call), "{printed} of {:?}", case.reply);
                assert!(again.rest.is_empty() && !again.more, "{printed}");
            }
        }
    }
}

/// A text that is typed arrives as it was written, whatever stands in it.
#[test]
fn texts_are_typed_to_the_letter() {
    for text in [
        "a",
        "\"",
        "'",
        "\\",
        "</answer>",
        "```",
        "Action: click(at=[1,2])",
        "{\"action\": \"click\"}",
        "é\u{301}👩‍👩‍👧",
        "שלום",
        "a\tb\nc",
        "WAIT",
        "\u{7}",
    ] {
        let call = Call::Do(Action::Insert { text: text.to_owned() });
        let printed = Dialect::Computer.print(&call);
        let read = Dialect::Computer.read(&format!("<think>t</think><answer>{printed}</answer>"), false);
        assert_eq!(read.call, Ok(call), "{printed}");
        let tool = json!({ "name": "computer_use", "arguments": { "action": "type", "text": text } });
        let read = Dialect::Computer.read(&format!("<tool_call>\n{tool}\n</tool_call>"), false);
        assert_eq!(read.call, Ok(Call::Do(Action::Insert { text: text.to_owned() })), "{tool}");
    }
}
