//! YAML that somebody sent, read into JSON's values with bounds: as PyYAML's safe loader reads it, in the words of YAML 1.1 (`yes` is true),
//! or with those of the core schema of YAML 1.2, as descriptions of services are written. Aliases are counted before they are followed.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

/// Values that a document may come to, aliases followed.
const VALUES_MAX: usize = 1_000_000;
const DEPTH_MAX: usize = 100;

/// Which words mean what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    /// Those of YAML 1.1, as Python has them.
    Python,
    /// Those of the core schema of YAML 1.2; keys are texts.
    Core,
}

/// Why there is no value.
enum Broken {
    Syntax(String),
    Unbounded(String),
}

/// Reads the only document of a text; `None` if it is no YAML.
///
/// # Errors
/// If it grows beyond all bounds.
pub fn parse(text: &str) -> Result<Option<Value>, String> {
    match read(text, Words::Python) {
        Ok(value) => Ok(Some(value)),
        Err(Broken::Syntax(_)) => Ok(None),
        Err(Broken::Unbounded(why)) => Err(why),
    }
}

/// Reads the only document of a text by YAML 1.2, in which `yes` is a text and `0o17` a number; keys are texts.
///
/// # Errors
/// In words, if it is no YAML, or grows beyond all bounds.
pub fn parse_core(text: &str) -> Result<Value, String> {
    read(text, Words::Core).map_err(|broken| match broken {
        Broken::Syntax(why) | Broken::Unbounded(why) => why,
    })
}

fn read(text: &str, words: Words) -> Result<Value, Broken> {
    let syntax = |why: &str| Broken::Syntax(why.to_owned());
    let mut reader = Reader { anchors: BTreeMap::new(), values: 0 };
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let event = match event {
            Ok((event, _)) => event,
            // It looks ahead, and so may run into its own bound before this one is reached.
            Err(error) if error.info().contains("limit") => return Err(Broken::Unbounded(error.to_string())),
            Err(error) => return Err(Broken::Syntax(error.to_string())),
        };
        let (value, anchor) = match event {
            Event::DocumentStart(_) => {
                documents += 1;
                continue;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => continue,
            Event::SequenceStart(anchor, _) => {
                open.push(Open { anchor, items: Vec::new(), is_mapping: false });
                if open.len() > DEPTH_MAX {
                    return Err(Broken::Unbounded(format!("it is nested more than {DEPTH_MAX} deep")));
                }
                continue;
            }
            Event::MappingStart(anchor, _) => {
                open.push(Open { anchor, items: Vec::new(), is_mapping: true });
                if open.len() > DEPTH_MAX {
                    return Err(Broken::Unbounded(format!("it is nested more than {DEPTH_MAX} deep")));
                }
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(done) = open.pop() else { return Err(syntax("something ends that has not begun")) };
                let anchor = done.anchor;
                let Some(value) = done.value(words) else { return Err(syntax("a key is no text")) };
                (value, anchor)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.clone());
                (scalar(&text, style, tag.as_deref(), words), anchor)
            }
            Event::Alias(anchor) => match reader.anchors.get(&anchor) {
                Some((value, size)) => {
                    reader.values += size;
                    if reader.values > VALUES_MAX {
                        return Err(Broken::Unbounded(format!("its aliases come to more than {VALUES_MAX} values")));
                    }
                    (value.clone(), 0)
                }
                None => return Err(syntax("an alias is of nothing")),
            },
        };
        reader.values += 1;
        if reader.values > VALUES_MAX {
            return Err(Broken::Unbounded(format!("it has more than {VALUES_MAX} values")));
        }
        if anchor != 0 {
            let size = size(&value);
            reader.anchors.insert(anchor, (value.clone(), size));
            reader.values += size;
        }
        match open.last_mut() {
            Some(parent) => parent.items.push(value),
            None => root = Some(value),
        }
    }
    // The loader takes one document and raises for more.
    if documents > 1 { Err(syntax("it has more than one document")) } else { Ok(root.unwrap_or(Value::Null)) }
}

struct Reader {
    anchors: BTreeMap<usize, (Value, usize)>,
    values: usize,
}

struct Open {
    anchor: usize,
    items: Vec<Value>,
    is_mapping: bool,
}

impl Open {
    /// `None` for a key that no mapping of Python can have.
    fn value(self, words: Words) -> Option<Value> {
        if !self.is_mapping {
            return Some(Value::Array(self.items));
        }
        let mut map = Map::new();
        let mut merged = Vec::new();
        let mut items = self.items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            match key {
                Value::String(key) if key == "<<" => merged.push(value),
                Value::String(key) => drop(map.insert(key, value)),
                Value::Array(_) | Value::Object(_) => return None,
                other if words == Words::Core => drop(map.insert(other.to_string(), value)),
                // A key that is no text equals no text; the mark keeps the two apart.
                other => drop(map.insert(format!("\u{0}{other}"), value)),
            }
        }
        for value in merged {
            let sources = match value {
                Value::Array(sources) => sources,
                source => vec![source],
            };
            for source in sources {
                let Value::Object(source) = source else { return None };
                for (key, value) in source {
                    map.entry(key).or_insert(value);
                }
            }
        }
        Some(Value::Object(map))
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(size).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&str>, words: Words) -> Value {
    match tag {
        Some("str") => return Value::String(text.to_owned()),
        None if style != ScalarStyle::Plain => return Value::String(text.to_owned()),
        _ => {}
    }
    if words == Words::Core {
        return core_scalar(text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Value::Bool(false),
        _ => {}
    }
    if let Some(number) = integer(text) {
        return Value::Number(number.into());
    }
    if let Some(number) = float(text) {
        return Number::from_f64(number).map_or_else(|| Value::String(format!("\u{0}{text}")), Value::Number);
    }
    // A day or a time is no text for Python, and equals none.
    if is_time(text) { Value::String(format!("\u{0}{text}")) } else { Value::String(text.to_owned()) }
}

/// A plain scalar by the core schema of YAML 1.2.
fn core_scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |digits: &str, radix: u32| {
        let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
        is_number.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
    };
    let whole = match text.as_bytes() {
        [b'0', b'o', ..] => digits(&text[2..], 8).map(Number::from),
        [b'0', b'x', ..] => digits(&text[2..], 16).map(Number::from),
        [b'-', ..] => digits(unsigned, 10).and_then(|_| text.parse::<i64>().ok()).map(Number::from),
        _ => digits(unsigned, 10).map(Number::from),
    };
    let is_fraction = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.chars().any(|letter| letter.is_ascii_digit())
        && unsigned.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, '.' | 'e' | 'E' | '-' | '+'));
    let number = whole.or_else(|| is_fraction.then(|| text.parse().ok().and_then(Number::from_f64)).flatten());
    number.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

/// Whole numbers of YAML 1.1: `0b…`, a leading `0` for octal, `0x…`, `_` anywhere, and `:` between sixties.
fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let plain = digits.replace('_', "");
    if !digits.starts_with(|char: char| char.is_ascii_digit()) {
        return None;
    }
    let value = if let Some(bits) = plain.strip_prefix("0b") {
        i64::from_str_radix(bits, 2).ok()?
    } else if let Some(hex) = plain.strip_prefix("0x") {
        i64::from_str_radix(hex, 16).ok()?
    } else if plain == "0" {
        0
    } else if let Some(octal) = plain.strip_prefix('0') {
        i64::from_str_radix(octal, 8).ok()?
    } else if plain.contains(':') {
        sixties(&plain)?
    } else {
        plain.bytes().all(|byte| byte.is_ascii_digit()).then(|| plain.parse().ok())??
    };
    Some(sign * value)
}

fn sixties(text: &str) -> Option<i64> {
    let mut value = 0_i64;
    for (at, part) in text.split(':').enumerate() {
        let part: i64 = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())??;
        if at > 0 && part > 59 {
            return None;
        }
        value = value.checked_mul(60)?.checked_add(part)?;
    }
    Some(value)
}

/// Fractions of YAML 1.1 need a point; an exponent needs its sign.
fn float(text: &str) -> Option<f64> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+'])?)),
        None => (unsigned, None),
    };
    let (whole, part) = mantissa.split_once('.')?;
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let has_digits = whole.starts_with(|char: char| char.is_ascii_digit()) || whole.is_empty() && !part.is_empty();
    let exponent_is_fine = exponent.is_none_or(|digits| !digits.is_empty() && is_digits(digits));
    (has_digits && is_digits(whole) && is_digits(part) && exponent_is_fine)
        .then(|| text.replace('_', "").parse().ok())?
}

/// A day or a time as YAML 1.1 writes them: `2020-01-02`, `2020-1-2t3:04:05.6 +7:08`.
fn is_time(text: &str) -> bool {
    let Some((4, rest)) = digits_before(text, '-') else { return false };
    let Some((month, rest)) = digits_before(rest, '-') else { return false };
    let (day, rest) = leading_digits(rest);
    if rest.is_empty() {
        return (month, day) == (2, 2);
    }
    let is_short = |digits: usize| (1..=2).contains(&digits);
    let clock = rest.strip_prefix(['t', 'T']).or_else(|| {
        let clock = rest.trim_start_matches([' ', '\t']);
        (clock.len() < rest.len()).then_some(clock)
    });
    is_short(month) && is_short(day) && clock.is_some_and(is_clock)
}

/// `3:04:05`, with a fraction and a zone if they are there.
fn is_clock(text: &str) -> bool {
    let Some((hours, rest)) = digits_before(text, ':') else { return false };
    let Some((minutes, rest)) = digits_before(rest, ':') else { return false };
    let (seconds, rest) = leading_digits(rest);
    let rest = rest.strip_prefix('.').map_or(rest, |fraction| leading_digits(fraction).1);
    let zone = rest.trim_start_matches([' ', '\t']);
    (1..=2).contains(&hours) && minutes == 2 && seconds == 2 && (rest.is_empty() || zone == "Z" || is_offset(zone))
}

/// `+7`, `-07:30`.
fn is_offset(text: &str) -> bool {
    let Some(text) = text.strip_prefix(['+', '-']) else { return false };
    let (hours, rest) = leading_digits(text);
    let has_minutes = |rest: &str| rest.strip_prefix(':').map(leading_digits) == Some((2, ""));
    (1..=2).contains(&hours) && (rest.is_empty() || has_minutes(rest))
}

/// How many digits it begins with, and what comes after them.
fn leading_digits(text: &str) -> (usize, &str) {
    let rest = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    (text.len() - rest.len(), rest)
}

/// The same, if a mark stands behind the digits; what comes after the mark.
fn digits_before(text: &str, mark: char) -> Option<(usize, &str)> {
    let (digits, rest) = leading_digits(text);
    rest.strip_prefix(mark).map(|rest| (digits, rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_and_numbers_are_those_of_the_older_yaml() {
        let text = "a: yes\nb: 010\nc: 1e3\nd: 1.5e+3\ne: 0x1F\nf: 'no'\ng: ~\nh: 1:30\ni: 12_000\nj: [off, \"on\"]\nk: !!str 5\nl: .5\n1: x\n";
        let expected = json!({
            "a": true, "b": 8, "c": "1e3", "d": 1500.0, "e": 31, "f": "no", "g": null, "h": 90, "i": 12000,
            "j": [false, "on"], "k": "5", "l": 0.5, "\u{0}1": "x",
        });
        assert_eq!(parse(text), Ok(Some(expected)));
        assert_eq!(parse("a: 2020-01-02"), Ok(Some(json!({"a": "\u{0}2020-01-02"}))));
        assert_eq!(
            parse("b: &x {c: 1}\na:\n  <<: *x\n  d: 2\n"),
            Ok(Some(json!({"b": {"c": 1}, "a": {"d": 2, "c": 1}})))
        );
        assert_eq!(parse(""), Ok(Some(Value::Null)));
        for broken in ["a: [", "a: b: c", "\ta: 1\n- b", "a: *x", "--- a\n--- b\n", "? [1]\n: 2"] {
            assert_eq!(parse(broken), Ok(None), "{broken:?}");
        }
    }

    /// By the pattern of PyYAML's resolver.
    #[test]
    fn a_day_and_a_time_are_no_texts() {
        for time in [
            "2020-01-02",
            "2020-1-2t3:04:05",
            "2020-01-02T03:04:05.678Z",
            "2020-01-02 03:04:05. +7",
            "2020-01-02\t 3:04:05-07:30",
            "2020-01-02 03:04:05 Z",
        ] {
            assert!(is_time(time), "{time:?}");
        }
        for text in [
            "2020-1-02",
            "2020-01-2",
            "202-01-02",
            "20200-01-02",
            "2020-01-02 ",
            "2020-01-02T",
            "2020-01-023:04:05",
            "2020-01-02 3:4:05",
            "2020-01-02 3:04:05 ",
            "2020-01-02 3:04:05 z",
            "2020-01-02 3:04:05+7:8",
            "2020-001-02 3:04:05",
            "2020-01-02 x",
        ] {
            assert!(!is_time(text), "{text:?}");
        }
    }

    #[test]
    fn the_newer_yaml_has_fewer_words() {
        let text = "a: yes\nb: 010\nc: 1e3\nd: -2\ne: 0x1F\nf: 0o17\ng: ~\nh: 1:30\ni: 2020-01-02\nj: [off, \"1\"]\n200: x\nk: 1.5.2\nl: .5\nm: e3\nn: .inf\n";
        let expected = json!({
            "a": "yes", "b": 10, "c": 1000.0, "d": -2, "e": 31, "f": 15, "g": null, "h": "1:30", "i": "2020-01-02",
            "j": ["off", "1"], "200": "x", "k": "1.5.2", "l": 0.5, "m": "e3", "n": ".inf",
        });
        assert_eq!(parse_core(text), Ok(expected));
        for broken in ["a: [", "a: b: c", "a: *x", "--- a\n--- b\n"] {
            assert!(parse_core(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn aliases_that_grow_are_counted_before_they_are_followed() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..20 {
            let before = level - 1;
            text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(", ")));
        }
        assert!(parse(&text).expect_err("a bomb").contains("aliases"));
        assert!(parse(&format!("a: {}", "[".repeat(200))).is_err());
    }
}
