//! Equality, membership and spelling of values, as Python has them for what JSON can hold.

use serde_json::{Number, Value};

/// `a == b`: a truth value is a number, a whole number equals a fraction of the same size, and order of keys is nothing.
pub fn equals(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equals(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equals(a, b)))
        }
        (Value::Bool(_) | Value::Number(_), Value::Bool(_) | Value::Number(_)) => {
            compare(a, b) == Some(std::cmp::Ordering::Equal)
        }
        (
            Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) | Value::Bool(_) | Value::Number(_),
            _,
        ) => false,
    }
}

/// `a < b` and its like; `None` where Python raises.
pub fn compare(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    if let (Value::String(a), Value::String(b)) = (a, b) {
        return Some(a.cmp(b));
    }
    if let (Some(a), Some(b)) = (integer(a), integer(b)) {
        return Some(a.cmp(&b));
    }
    float(a)?.partial_cmp(&float(b)?)
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Bool(is) => Some(i128::from(*is)),
        Value::Number(number) => number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)),
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(is) => Some(f64::from(u8::from(*is))),
        Value::Number(number) => number.as_f64(),
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `float(value)`; `None` where Python raises.
pub fn to_float(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => parse_float(text),
        other => float(other),
    }
}

/// `float("…")`: blanks around are allowed, and `_` between digits.
pub fn parse_float(text: &str) -> Option<f64> {
    let text = super::text::strip(text);
    let bytes = text.as_bytes();
    let mut plain = String::with_capacity(text.len());
    for (at, char) in text.char_indices() {
        if char == '_' {
            let between = at > 0 && bytes[at - 1].is_ascii_digit() && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
            if !between {
                return None;
            }
        } else {
            plain.push(char);
        }
    }
    plain.parse().ok()
}

/// `int("…")` of digits with a sign, blanks around allowed.
pub fn parse_int(text: &str) -> Option<i64> {
    super::text::strip(text).parse().ok()
}

/// `item in container`; `None` where Python raises.
pub fn contains(container: &Value, item: &Value) -> Option<bool> {
    match container {
        Value::String(text) => item.as_str().map(|item| text.contains(item)),
        Value::Array(items) => Some(items.iter().any(|other| equals(other, item))),
        Value::Object(_) if item.is_array() || item.is_object() => None,
        Value::Object(map) => Some(item.as_str().is_some_and(|key| map.contains_key(key))),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// `bool(value)`.
pub fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is) => *is,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// `str(value)`.
pub fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => representation(other),
    }
}

/// `repr(value)`.
fn representation(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number_text(number),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(representation).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            let pairs = map.iter().map(|(key, value)| format!("{}: {}", quoted(key), representation(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::from(quote);
    for char in text.chars() {
        match char {
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            char if char == quote => quoted.extend(['\\', char]),
            char if char < ' ' || char == '\u{7f}' => quoted.push_str(&format!("\\x{:02x}", u32::from(char))),
            char => quoted.push(char),
        }
    }
    quoted.push(quote);
    quoted
}

/// A number as `repr` and `json.dumps` write it.
pub fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float_text(float),
        _ => number.to_string(),
    }
}

/// The shortest digits that give the number again, with an exponent from 1e16 on and below 1e-4.
pub fn float_text(float: f64) -> String {
    if float.is_nan() {
        return "nan".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let shortest = format!("{float:e}");
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{float}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// JSON as `json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)` writes it: what digests of tasks are of.
pub fn canonical_json(value: &Value) -> String {
    match value {
        Value::Number(number) => number_text(number),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical_json).collect::<Vec<_>>().join(",")),
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let pairs = keys.into_iter().map(|key| {
                let name = Value::String(key.clone());
                format!("{name}:{}", canonical_json(&map[key]))
            });
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
        }
        plain @ (Value::Null | Value::Bool(_) | Value::String(_)) => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equality_is_pythons() {
        for (a, b, same) in [
            (json!(true), json!(1), true),
            (json!(1), json!(1.0), true),
            (json!(0), json!(false), true),
            (json!("1"), json!(1), false),
            (json!(null), json!(false), false),
            (json!({"a": 1, "b": [2]}), json!({"b": [2.0], "a": true}), true),
            (json!([1, 2]), json!([2, 1]), false),
            (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64), false),
        ] {
            assert_eq!(equals(&a, &b), same, "{a} == {b}");
        }
    }

    #[test]
    fn numbers_are_spelt_as_python_spells_them() {
        for (float, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1e-5, "1e-05"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(float_text(float), text);
        }
        assert_eq!(to_text(&json!([1, "it's", null, true, {"a": 2.0}])), r#"[1, "it's", None, True, {'a': 2.0}]"#);
    }

    #[test]
    fn numbers_in_text() {
        for (text, number) in
            [(" 1_0 ", Some(10.0)), ("1__0", None), ("_1", None), ("1e3\n", Some(1000.0)), ("", None), ("12,5", None)]
        {
            assert_eq!(parse_float(text), number, "{text:?}");
        }
    }
}
