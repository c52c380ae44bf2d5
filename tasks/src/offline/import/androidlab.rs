//! Traces of AndroidLab as records: what an agent did there, step by step. That is no truth: a trace may have failed. Actions are written as
//! `page_executor` of <https://github.com/THUDM/Android-Lab> at 373fc1d returns them; a swipe's direction is the finger's
//! (`utils_mobile/and_controller.py`).

use std::fs::File;
use std::io;

use serde_json::Value;
use tapwright_contract::file;

use super::super::files::picture_size;
use super::super::rules::{Direction, RuleSet, StepAction};
use super::super::traces::Trace;
use super::collection::{Collection, Episode, Fault, StepRecord, start};

/// An action in our words, with the box of what was touched, where it was named so; or why there are none.
enum Reading {
    Step(StepAction, Vec<[f64; 4]>),
    LeftOut(&'static str),
}

/// Makes the records of a trace.
///
/// # Errors
/// What is wrong with it.
pub fn read_trace(trace: &Trace, collection: &mut Collection<'_>) -> Result<(), Fault> {
    let Episode::Wanted = collection.wants(&trace.name)? else { return Ok(()) };
    for (at, line) in trace.lines.iter().enumerate() {
        if collection.is_full() {
            break;
        }
        let wrong = |why: String| Fault::Content(format!("line {}: {why}", at + 1));
        let (action, boxes) = match read_action(&line.parsed_action).map_err(wrong)? {
            Reading::Step(action, boxes) => (action, boxes),
            Reading::LeftOut(reason) => {
                collection.leave_out(reason.to_owned());
                continue;
            }
        };
        let question = line.target.as_deref().ok_or_else(|| wrong("it has no \"target\"".to_owned()))?;
        let screen = trace.screen(line).ok_or_else(|| wrong("it names no \"image\"".to_owned()))?;
        let [width, height] = picture_size(&screen).map_err(wrong)?;
        if let StepAction::Click { x, y } | StepAction::LongPress { x, y } = &action
            && !((0.0..=width).contains(x) && (0.0..=height).contains(y))
        {
            return Err(wrong(format!("it touches {x}, {y} on a screen of {width} x {height}")));
        }
        let place = collection.vacant(&trace.name, at)?;
        // Not its permissions: a copy that only allows to be read could not be written again.
        let copy = |to: &mut File| io::copy(&mut file::open_regular(&screen)?, to).map(|_| ());
        let image = collection.picture(&place, copy)?;
        let step = StepRecord { place, question, image, group: Some(&trace.app) };
        collection.add(step, RuleSet::AndroidControl, action, boxes)?;
    }
    Ok(())
}

fn read_action(action: &Value) -> Result<Reading, String> {
    let given = |key: &str| action.get("kwargs").and_then(|given| given.get(key)).unwrap_or(&Value::Null);
    let text =
        |key: &str| given(key).as_str().ok_or_else(|| format!("its action {:.200} has no {key:?}", action.to_string()));
    let touched =
        || element(given("element")).ok_or_else(|| format!("its action {:.200} has no place", action.to_string()));
    let Some(name) = action.get("action").and_then(Value::as_str) else {
        return Ok(Reading::LeftOut("a step without an action: the reply could not be read"));
    };
    let step = match name {
        "Tap" => return touched().map(|([x, y], boxes)| Reading::Step(StepAction::Click { x, y }, boxes)),
        "Long Press" => return touched().map(|([x, y], boxes)| Reading::Step(StepAction::LongPress { x, y }, boxes)),
        "Swipe" => StepAction::Scroll { direction: of_finger(text("direction")?)?, from: None, to: None },
        "Type" => StepAction::Type { text: text("text")?.to_owned() },
        "Enter" | "Press Enter" => StepAction::Enter,
        "Home" | "Press Home" => StepAction::Home,
        "Back" | "Press Back" => StepAction::Back,
        "Wait" => StepAction::Wait,
        "finish" => StepAction::Complete,
        "Launch" => return Ok(Reading::LeftOut("Launch: an app by its package, which models name by its label")),
        "Call_API" => return Ok(Reading::LeftOut("Call_API: nothing is done on the screen")),
        _ => return Ok(Reading::LeftOut("an action of no type that is known")),
    };
    Ok(Reading::Step(step, Vec::new()))
}

/// A place, or the middle of a box and the box.
fn element(element: &Value) -> Option<([f64; 2], Vec<[f64; 4]>)> {
    let numbers: Vec<f64> = element.as_array()?.iter().map(Value::as_f64).collect::<Option<_>>()?;
    match *numbers.as_slice() {
        [x, y] => Some(([x, y], Vec::new())),
        [left, top, right, bottom] if left <= right && top <= bottom => {
            Some(([(left + right) / 2.0, (top + bottom) / 2.0], vec![[left, top, right, bottom]]))
        }
        _ => None,
    }
}

/// Where the page goes.
fn of_finger(direction: &str) -> Result<Direction, String> {
    Ok(match direction {
        "up" => Direction::Down,
        "down" => Direction::Up,
        "left" => Direction::Right,
        "right" => Direction::Left,
        other => return Err(format!("it swipes {:?}: up, down, left and right are known", start(other, 40))),
    })
}
