//! Words that every dialect reads alike: names of verbs, times, yes and no.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::Unclear;
use super::value::{Value, digit, is_blank};

/// How much of something wrong is shown to the model again, in characters.
const SHOWN_MAX: usize = 40;
/// Above it a number of ours does not hold all integers.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// What a text shows of something wrong.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}

pub(super) fn unclear(message: impl Into<String>) -> Unclear {
    Unclear(message.into())
}

pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) | Value::Word(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::List(_) | Value::Map(_) => None,
    }
}

pub(super) fn is_no(word: &str) -> bool {
    ["none", "null", "false", "no", "0"].contains(&word.to_lowercase().as_str())
}

/// A name as everybody would write it: `Long Press`, `long_press` and `LongPress` are one.
pub(super) fn plain_name(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `2`, `2 seconds`, `1.5s`, `500 ms`, `２秒`, `1 minute`, `两秒`.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let plain: String = text.chars().map(|c| digit(c).unwrap_or(c)).flat_map(char::to_lowercase).collect();
    let plain = plain.trim_matches(is_blank);
    let end = plain.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(plain.len());
    let (number, unit) = if end > 0 {
        (plain[..end].parse::<f64>().ok()?, &plain[end..])
    } else {
        const WORDS: &[(&str, f64)] = &[
            ("half a", 0.5),
            ("an", 1.0),
            ("a few", 3.0),
            ("a", 1.0),
            ("one", 1.0),
            ("two", 2.0),
            ("three", 3.0),
            ("four", 4.0),
            ("five", 5.0),
            ("ten", 10.0),
            ("半", 0.5),
            ("一", 1.0),
            ("二", 2.0),
            ("两", 2.0),
            ("三", 3.0),
            ("四", 4.0),
            ("五", 5.0),
            ("六", 6.0),
            ("七", 7.0),
            ("八", 8.0),
            ("九", 9.0),
            ("十", 10.0),
        ];
        let (word, number) = WORDS.iter().find(|(word, _)| plain.starts_with(word))?;
        (*number, &plain[word.len()..])
    };
    let unit = unit.trim_start_matches(is_blank);
    let factor = match unit {
        "ms" | "毫秒" => 0.001,
        "m" | "min" | "mins" | "分" | "分钟" => 60.0,
        "h" | "hour" | "hours" | "小时" => 3600.0,
        _ if unit.starts_with("millisecond") => 0.001,
        _ if unit.starts_with("minute") => 60.0,
        _ if unit.is_empty() || unit.starts_with(['s', '秒', '个']) => 1.0,
        _ => return None,
    };
    Some(number * factor)
}

/// A value as JSON; nothing if a number in it may have lost its last digits.
pub(super) fn json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Text(text) => text.clone().into(),
        Value::Word(word) => match word.to_lowercase().as_str() {
            "true" => true.into(),
            "false" => false.into(),
            "none" | "null" => Json::Null,
            _ => word.clone().into(),
        },
        Value::Number(number) if number.abs() >= EXACT_MAX => return None,
        Value::Number(number) if number.fract() == 0.0 => (*number as i64).into(),
        Value::Number(number) => (*number).into(),
        Value::List(items) => Json::Array(items.iter().map(json).collect::<Option<_>>()?),
        Value::Map(fields) => {
            let fields = fields.iter().map(|(name, value)| Some((name.clone(), json(value)?)));
            Json::Object(fields.collect::<Option<Map<_, _>>>()?)
        }
    })
}

/// Seconds to the millisecond, without zeros that say nothing.
pub(super) fn seconds_in_digits(duration: Duration) -> String {
    let text = format!("{}.{:03}", duration.as_secs(), duration.subsec_millis());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A text in quotes that Python and JSON read alike, but for control characters.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() && u32::from(c) < 0x100 => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(c)); // Writing to a string cannot fail.
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
