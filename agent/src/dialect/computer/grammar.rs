//! What a reply may look like where a model can be held to a grammar, and what it is told of APIs.

use tapwright_contract::gesture::Abilities;

use crate::calls::{ApiCatalog, SIGNATURE_BYTES};
use crate::dialect::frame::Frame;
use crate::limits::clip;

/// Characters of a text that an action may bring: more than any field holds, and an end to what a model may go on about.
const TEXT_MAX: u32 = 2000;
/// How much the schemas of all APIs may be; of those beyond only that it is an object is demanded.
const SCHEMAS_BYTES: usize = 8 << 10;
/// How many actions a reply may have that is held to the grammar.
const ACTIONS_MAX: usize = 8;

/// Whether a device can do it.
type Can = fn(&Abilities) -> bool;

/// The verbs that need a device able to do them, as a model is taught them.
const VERBS: &[(&str, Can)] = &[
    ("click", |can| can.pointer || can.touch),
    ("double_click", |can| can.pointer || can.touch),
    ("triple_click", |can| can.pointer),
    ("right_click", |can| can.pointer),
    ("middle_click", |can| can.pointer),
    ("move", |can| can.pointer),
    ("drag", |can| can.drag),
    ("scroll", |can| can.scroll),
    ("hotkey", |can| can.chords),
    ("type", |can| can.insert || can.replace),
    ("launch", |can| can.launch),
];

/// The verbs that such a device cannot do.
pub fn cannot_say(abilities: Abilities) -> Vec<&'static str> {
    VERBS.iter().filter(|(_, can)| !can(&abilities)).map(|(verb, _)| *verb).collect()
}

/// What the goal is followed by: the names, what they are for, and what they take.
pub fn offer(apis: &ApiCatalog) -> String {
    let Some((first, _)) = apis.iter().next() else { return String::new() };
    let mut told = format!(
        "call can do this, faster and surer than the screen, as in call(name=\"{}\", arguments={{…}}) with a JSON object:",
        first.name
    );
    for (spec, schema) in apis.iter() {
        told += &format!("\n- {} {}: {}", spec.name, clip(&schema.signature(), SIGNATURE_BYTES), spec.about);
    }
    told
}

/// A grammar in llguidance's dialect of Lark, for replies of so many tokens, with the verbs that the device can do, the APIs that there
/// are, and places on this display.
///
/// Every whole reply that it lets through is one that `read` understands. The thought may take half of the tokens.
pub fn grammar(tokens_max: u32, abilities: Abilities, apis: &ApiCatalog, frame: &Frame) -> String {
    let thought = (tokens_max / 2).max(1);
    let text_max = TEXT_MAX.min(tokens_max);
    let cannot = cannot_say(abilities);
    let can = |verb: &str| !cannot.contains(&verb);
    let clicks: Vec<String> = ["double_click", "triple_click", "right_click", "middle_click", "move"]
        .into_iter()
        .filter(|verb| can(verb))
        .map(|verb| format!(r#""{verb}""#))
        .collect();
    let mut all: Vec<String> = Vec::new();
    let mut add = |verb: &str, rule: &str| {
        if can(verb) {
            all.push(rule.to_owned());
        }
    };
    add("click", r#""click(at=" PLACE (", message=" TEXT)? ")""#);
    add("drag", r#""drag(start=" PLACE ", end=" PLACE ")""#);
    add("scroll", r#""scroll(at=" PLACE ", " ("down=" | "up=" | "right=" | "left=") NOTCHES ")""#);
    add("hotkey", r#""hotkey(keys=" KEYS ")""#);
    add("type", r#""type(text=" LINES (", clear=True")? ")""#);
    add("launch", r#""launch(app=" TEXT ")""#);
    if !clicks.is_empty() {
        all.push(format!(r#"({}) "(at=" PLACE ")""#, clicks.join(" | ")));
    }
    all.push(r#""wait(seconds=" SECONDS ")""#.to_owned());
    all.push(r#""screenshot()""#.to_owned());
    all.push(r#"("note" | "ask" | "take_over") "(message=" TEXT ")""#.to_owned());
    let (calls, objects) = calls(apis);
    all.extend(calls);
    let action = all.join("\n  | ");
    let (place, numbers) = places(frame);
    let more = ACTIONS_MAX - 1;
    format!(
        r#"start: think? "\n"? answer
think: <think> thought </think>
thought[max_tokens={thought}]: /(.|\n)*/
answer: <answer> "\n"? (action ("\n" action){{0,{more}}} ("\n" end)? | end)
end: ("answer" | "finish" | "fail") "(message=" LINE ")"
action: {action}
PLACE: {place}
{numbers}
KEYS: /"((ctrl|shift|alt|super)\+)*([a-z0-9]|enter|esc|tab|space|backspace|delete|up|down|left|right|home|end|pageup|pagedown|F[1-9]|F1[0-2])"/
NOTCHES: /[1-9]|1[0-9]|20/
SECONDS: /[1-9]|[1-5][0-9]/
TEXT: /"([^"\\\n\x00-\x1f]|\\["\\n]){{1,{text_max}}}"/
LINES: /"([^"\\\n\x00-\x1f]|\\["\\n]){{1,{text_max}}}"/
LINE: /"([^"\\\n\x00-\x1f]|\\["\\n]){{0,{text_max}}}"/
{objects}"#
    )
}

/// What a place looks like, in the numbers that the display has.
fn places(frame: &Frame) -> (String, String) {
    let (last, is_fraction) = frame.last();
    if is_fraction {
        return (r#""[" FRACTION "," FRACTION "]""#.to_owned(), r"FRACTION: /0(\.[0-9]{1,6})?/".to_owned());
    }
    let numbers = format!("COLUMN: /{}/\nROW: /{}/", up_to(last.width), up_to(last.height));
    (r#""[" COLUMN "," ROW "]""#.to_owned(), numbers)
}

/// A pattern of the whole numbers from 0 to this one.
fn up_to(last: u32) -> String {
    let digits = last.to_string();
    let mut ways: Vec<String> = vec!["[0-9]".to_owned()];
    // Those with fewer digits, then those with as many, by where they are first below the last one.
    ways.extend((2..digits.len()).map(|count| format!("[1-9][0-9]{{{}}}", count - 1)));
    if digits.len() == 1 {
        return format!("[0-{digits}]");
    }
    for (at, digit) in digits.char_indices() {
        let least = if at == 0 { '1' } else { '0' };
        let rest = digits.len() - at - 1;
        let tail = if rest == 0 { String::new() } else { format!("[0-9]{{{rest}}}") };
        if let Some(below) =
            (u32::from(digit) > u32::from(least)).then(|| char::from_u32(u32::from(digit) - 1)).flatten()
        {
            ways.push(format!("{}[{least}-{below}]{tail}", &digits[..at]));
        }
    }
    ways.push(digits);
    ways.join("|")
}

/// What follows `call`, and the rules that it needs; nothing without an API.
fn calls(apis: &ApiCatalog) -> (Vec<String>, String) {
    let (mut calls, mut rules, mut bytes) = (Vec::new(), String::new(), 0);
    for (number, (spec, schema)) in apis.iter().enumerate() {
        let mut object = schema.for_grammar();
        // A grammar that is too large would be refused as a whole, and with it every reply.
        bytes += object.to_string().len();
        if bytes > SCHEMAS_BYTES {
            object = serde_json::json!({ "type": "object" });
        }
        object["x-guidance"] =
            serde_json::json!({ "item_separator": ", ", "key_separator": ": ", "whitespace_flexible": false });
        calls.push(format!(r#""call(name=\"{}\", arguments=" object_{number} ")""#, spec.name));
        rules += &format!("object_{number}: %json {object}\n");
    }
    (calls, rules)
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn a_pattern_lets_through_all_numbers_up_to_the_last() {
        for last in [0, 1, 9, 10, 99, 100, 767, 999, 1079, 1919, 1091] {
            let pattern = Regex::new(&format!("^({})$", up_to(last))).unwrap();
            for number in 0..=2500 {
                assert_eq!(pattern.is_match(&number.to_string()), number <= last, "{number} of {last}");
            }
            assert!(!pattern.is_match("01"));
        }
    }

    #[test]
    fn what_a_device_cannot_do_is_not_offered() {
        let told = cannot_say(Abilities::PHONE);
        assert_eq!(told, ["triple_click", "right_click", "middle_click", "move", "scroll", "hotkey"]);
        let part = grammar(300, Abilities::PHONE, &ApiCatalog::default(), &Frame::default());
        assert!(!part.contains("scroll(") && !part.contains("right_click") && part.contains("click(at="), "{part}");
    }
}
