//! What a call's arguments mean, verb by verb.

use std::time::Duration;

use super::calls;
use crate::action::{Action, Call};
use crate::calls::ApiCatalog;
use crate::dialect::Unclear;
use crate::dialect::autoglm::GRID;
use crate::dialect::value::{Arguments, Value, digit};
use crate::dialect::words::{excerpt, is_no, plain_name, seconds, text, unclear};
use crate::place::Place;

/// The longest wait that can be said; how long is really waited is the caller's limit.
const WAIT_MAX_S: f64 = 3600.0;

const VERBS: &str = "Launch, Tap, Type, Type_Name, Interact, Swipe, Drag, Note, Call_API, Long Press, Double Tap, Take_over, Back, Home, Wait";

/// `do(…)`.
pub(super) fn act(mut arguments: Arguments, apis: &ApiCatalog) -> Result<Call, Unclear> {
    // `do({"action": "Tap"})` and `{"name": "do", "arguments": {…}}`.
    for inner in ["", "arguments", "parameters", "args", "params"] {
        let map = match inner {
            "" => arguments.plain.iter().find_map(map),
            name => arguments.named.iter().find(|(key, _)| key == name).and_then(|(_, value)| map(value)),
        };
        if let Some(map) = map {
            arguments.named.extend(map.to_vec());
        }
    }
    let mut plain = arguments.plain.into_iter().filter(|value| !matches!(value, Value::Map(_)));
    let first = |value: &Value| text(value).filter(|verb| !verb.is_empty());
    let verb = ["action", "action_type", "name", "function"]
        .iter()
        .filter_map(|name| arguments.named.iter().find(|(key, _)| key == name))
        .find_map(|(_, value)| first(value).filter(|verb| verb != "do"))
        .or_else(|| plain.next().as_ref().and_then(first))
        .ok_or_else(|| unclear(format!("the call names no action; write do(action=\"…\") with one of: {VERBS}")))?;
    let given = VerbArguments { named: arguments.named, plain: plain.collect() };
    let json = arguments.json;
    let action = match plain_name(&verb).as_str() {
        "launch" | "open" | "openapp" | "launchapp" => Action::Launch {
            app: given
                .text(&["app", "app_name", "name", "text"])
                .filter(|app| !app.trim().is_empty())
                .ok_or_else(|| unclear("Launch needs the app's name; write do(action=\"Launch\", app=\"Settings\")"))?,
        },
        "tap" | "click" => {
            let at = given.element("Tap")?;
            match given.named_text(&["message", "msg"]) {
                None => Action::Tap { at },
                Some(message) => Action::SensitiveTap { at, message },
            }
        }
        "type" | "input" | "inputtext" | "typetext" => Action::Type { text: given.text_to_type("Type")? },
        "typename" => Action::TypeName { text: given.text_to_type("Type_Name")? },
        "interact" => Action::Interact { message: given.text(MESSAGE).unwrap_or_default() },
        "swipe" | "scroll" => Action::Swipe {
            from: given.place(&["start", "from", "start_point", "start_coordinate", "element"], 0, SWIPE)?,
            to: given.place(&["end", "to", "end_point", "end_coordinate"], 1, SWIPE)?,
        },
        "drag" | "draganddrop" | "dragdrop" => Action::Drag {
            from: given.place(&["start", "from", "start_point", "start_coordinate", "element"], 0, DRAG)?,
            to: given.place(&["end", "to", "end_point", "end_coordinate"], 1, DRAG)?,
        },
        "note" => note(given.text(MESSAGE).unwrap_or_else(|| "True".to_owned())),
        "callapi" => calls::read(
            apis,
            given.named_text(&["name", "api", "api_name", "function"]),
            calls::arguments(json, given.named(&["arguments", "parameters", "args", "params"]))?,
            given.text(&["instruction", "message", "text", "content"]),
        )?,
        "longpress" | "longtap" | "longclick" => Action::LongPress { at: given.element("Long Press")? },
        "doubletap" | "doubleclick" => Action::DoubleTap { at: given.element("Double Tap")? },
        "takeover" => Action::TakeOver { message: given.text(MESSAGE).unwrap_or_default() },
        "back" | "pressback" => Action::Back,
        "home" | "presshome" => Action::Home,
        "wait" => Action::Wait { duration: given.duration()? },
        "finish" | "done" | "complete" => return Ok(given.end()),
        _ => return Err(unclear(format!("there is no action {:?}; write one of: {VERBS}", excerpt(&verb)))),
    };
    Ok(Call::Do(action))
}

/// `Note` was taught with the message `True`, which stands for what is written on the page.
fn note(message: String) -> Action {
    let keeps_page = message.trim().is_empty() || message.trim().eq_ignore_ascii_case("true");
    Action::Note { message, keeps_page }
}

/// `finish(…)`.
pub(super) fn finish(mut arguments: Arguments) -> Call {
    if let Some(map) = arguments.plain.iter().find_map(map) {
        arguments.named.extend(map.to_vec());
    }
    VerbArguments { named: arguments.named, plain: arguments.plain }.end()
}

/// Whether a map of a JSON reply says something that `act` understands.
pub(super) fn names_an_action(map: &[(String, Value)]) -> bool {
    map.iter().any(|(key, value)| {
        matches!(key.as_str(), "action" | "action_type" | "name" | "function") && text(value).is_some()
    })
}

const MESSAGE: &[&str] = &["message", "msg", "text", "content", "note"];
const SWIPE: &str = "Swipe needs two places; write do(action=\"Swipe\", start=[x,y], end=[x,y])";
const DRAG: &str = "Drag needs two places; write do(action=\"Drag\", start=[x,y], end=[x,y])";

struct VerbArguments {
    named: Vec<(String, Value)>,
    plain: Vec<Value>,
}

impl VerbArguments {
    fn named(&self, names: &[&str]) -> Option<&Value> {
        names.iter().find_map(|name| self.named.iter().find(|(key, _)| key == name)).map(|(_, value)| value)
    }

    /// The text of the first of the names that has one; `None` and `False` are no texts.
    fn named_text(&self, names: &[&str]) -> Option<String> {
        self.named(names).and_then(text).filter(|_| !matches!(self.named(names), Some(Value::Word(w)) if is_no(w)))
    }

    fn text(&self, names: &[&str]) -> Option<String> {
        self.named_text(names).or_else(|| self.plain.iter().find_map(text))
    }

    fn text_to_type(&self, verb: &str) -> Result<String, Unclear> {
        let typed = match self.named(&["text", "content", "value"]) {
            Some(value) => text(value), // Even if it is the word `None`.
            None => self.plain.iter().find_map(text),
        };
        typed.ok_or_else(|| unclear(format!("{verb} needs a text; write do(action=\"{verb}\", text=\"…\")")))
    }

    fn element(&self, verb: &str) -> Result<Place, Unclear> {
        let names = ["element", "coordinate", "coordinates", "position", "point", "box", "bbox", "at", "start"];
        self.place(&names, 0, &format!("{verb} needs a place; write do(action=\"{verb}\", element=[x,y])"))
    }

    fn place(&self, names: &[&str], nth: usize, missing: &str) -> Result<Place, Unclear> {
        let value = self
            .named(names)
            .or_else(|| self.plain.iter().filter(|v| matches!(v, Value::List(_) | Value::Map(_))).nth(nth));
        let value = value.ok_or_else(|| unclear(format!("{missing} with numbers from 0 to 999")))?;
        let mut numbers = Vec::new();
        collect(value, &mut numbers);
        let (x, y) = match numbers[..] {
            [x, y] => (x, y),
            [left, top, right, bottom] => ((left + right) / 2.0, (top + bottom) / 2.0),
            _ => {
                let count = numbers.len();
                return Err(unclear(format!("a place has two numbers, and here are {count}; write element=[x,y]")));
            }
        };
        // Two fractions would be the top left corner, which nobody means.
        let fractions = [x, y].iter().all(|n| (0.0..=1.0).contains(n)) && [x, y].iter().any(|n| n.fract() != 0.0);
        match (coordinate(x), coordinate(y)) {
            (Some(x), Some(y)) if !fractions => Ok(Place::of_parts(x, y, GRID).expect("both are on the grid")),
            _ => Err(unclear(format!("the place [{x},{y}] is off the grid; both numbers go from 0 to 999"))),
        }
    }

    fn duration(&self) -> Result<Duration, Unclear> {
        let value = match self.named(&["duration", "time", "seconds", "second", "wait"]) {
            None => self.plain.first(),
            value => value,
        };
        let seconds = match value {
            None => Some(1.0),
            Some(Value::Number(seconds)) => Some(*seconds),
            Some(Value::Text(text) | Value::Word(text)) => seconds(text),
            Some(Value::List(_) | Value::Map(_)) => None,
        };
        match seconds {
            Some(seconds) if seconds >= 0.0 => {
                // Whole milliseconds, so that what is printed is what was meant.
                let millis = (seconds.min(WAIT_MAX_S) * 1000.0).round();
                Ok(Duration::from_millis(millis as u64))
            }
            _ => Err(unclear("Wait needs a number of seconds; write do(action=\"Wait\", duration=\"2 seconds\")")),
        }
    }

    fn end(&self) -> Call {
        let message = self.text(MESSAGE).unwrap_or_default();
        let status = self.named(&["status", "result", "goal_status"]).and_then(text).map(|text| plain_name(&text));
        let failed = matches!(self.named(&["success"]), Some(value) if text(value).is_some_and(|text| is_no(&text)));
        match status.as_deref() {
            Some("infeasible" | "impossible" | "failed" | "fail" | "failure" | "gaveup" | "giveup") => {
                Call::GiveUp { message }
            }
            _ if failed => Call::GiveUp { message },
            _ => Call::Finish { message },
        }
    }
}

fn map(value: &Value) -> Option<&[(String, Value)]> {
    match value {
        Value::Map(map) => Some(map),
        _ => None,
    }
}

/// All numbers in a value, in order, those in strings too.
fn collect(value: &Value, numbers: &mut Vec<f64>) {
    match value {
        Value::Number(number) => numbers.push(*number),
        Value::List(items) => items.iter().for_each(|item| collect(item, numbers)),
        Value::Map(items) => items.iter().for_each(|(_, item)| collect(item, numbers)),
        // Words are no numbers, and neither is what looks like one in them: `1e2`, `100 px`.
        Value::Text(text) | Value::Word(text) if text.chars().any(|c| c.is_alphabetic() && !"xyXY".contains(c)) => {}
        Value::Text(text) | Value::Word(text) => {
            let plain: String = text.chars().map(|c| digit(c).unwrap_or(c)).collect();
            let parts = plain.split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-')));
            numbers.extend(parts.filter_map(|part| part.parse::<f64>().ok()));
        }
    }
}

/// A step of the grid; the edge that other conventions have at 1000 is its last one.
fn coordinate(number: f64) -> Option<u32> {
    let whole = number.round();
    match whole {
        _ if !(0.0..=1000.0).contains(&number) => None,
        whole => Some((whole as u32).min(GRID - 1)),
    }
}
