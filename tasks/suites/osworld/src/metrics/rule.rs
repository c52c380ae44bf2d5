//! The small language of rules that several evaluator functions share: `{"method": "re.S", "ref": "…"}`.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::error::EvaluatorErrorKind as Kind;
use crate::python::pattern::{PatternFlags, PythonPattern};
use crate::python::value::{compare, equals, to_float};

/// Whether a value is as a rule wants it.
pub(super) fn matches_rule(value: &Value, rule: &Value) -> Result<bool, Kind> {
    let method = rule.get("method").and_then(Value::as_str).ok_or_else(|| Kind::rule("a rule has no `method`"))?;
    let reference = rule.get("ref").ok_or_else(|| Kind::rule("a rule has no `ref`"))?;
    match method {
        "eq" => Ok(equals(value, reference)),
        "ne" => Ok(!equals(value, reference)),
        "le" | "lt" | "ge" | "gt" => is_ordered(method, value, reference),
        "str_list_eq" | "str_set_eq" => {
            let text = value.as_str().ok_or_else(|| Kind::output("a list in text is no text"))?;
            let found: Vec<&str> = text.trim_matches(['"', '\'']).split(',').collect();
            let wanted = reference.as_array().and_then(|items| crate::output::texts(items));
            let wanted = wanted.ok_or_else(|| Kind::rule("`ref` is no list of texts"))?;
            let sorted = |mut items: Vec<&str>| -> Vec<String> {
                items.sort_unstable();
                items.dedup();
                items.into_iter().map(str::to_owned).collect()
            };
            Ok(if method == "str_list_eq" { found == wanted } else { sorted(found) == sorted(wanted) })
        }
        _ => matches_method(method, value, reference),
    }
}

/// Methods that carry more in their names.
fn matches_method(method: &str, value: &Value, reference: &Value) -> Result<bool, Kind> {
    if let Some(ends) = method.strip_prefix("range.") {
        let kinds: Vec<char> = ends.chars().collect();
        let (Some(low), Some(high)) = (reference.get(0), reference.get(1)) else {
            return Err(Kind::rule("`ref` is no pair"));
        };
        let [left, right, ..] = kinds[..] else { return Err(Kind::rule(format!("there is no method {method:?}"))) };
        return Ok(is_ordered(&format!("l{left}"), low, value)? && is_ordered(&format!("l{right}"), value, high)?);
    }
    if let Some((_, threshold)) = method.strip_prefix("approx").and_then(|rest| rest.split_once(':')) {
        let threshold = crate::python::value::parse_float(threshold.split(':').next().unwrap_or_default());
        let reference = Some(reference).filter(|reference| !reference.is_string()).and_then(to_float);
        let (Some(threshold), Some(reference)) = (threshold, reference) else {
            return Err(Kind::rule("`approx:` needs a number, and so does `ref`"));
        };
        return Ok(to_float(value).is_some_and(|value| (value - reference).abs() <= threshold));
    }
    if method.starts_with("re") {
        let pattern = pattern(method, reference)?;
        let text = value.as_str().ok_or_else(|| Kind::output("a pattern is searched in what is no text"))?;
        return Ok(pattern.is_in(text)?);
    }
    Err(Kind::rule(format!("there is no method {method:?}")))
}

/// The pattern of a rule whose method is `re`, with flags behind it.
pub(crate) fn pattern(method: &str, reference: &Value) -> Result<PythonPattern, Kind> {
    let mut flags = PatternFlags::default();
    for flag in method.split('.').skip(1) {
        if !flags.set(flag) {
            return Err(Kind::rule(format!("patterns have no flag {flag:?}")));
        }
    }
    let pattern = reference.as_str().ok_or_else(|| Kind::rule("`ref` is no pattern"))?;
    Ok(PythonPattern::new(pattern, flags)?)
}

fn is_ordered(method: &str, a: &Value, b: &Value) -> Result<bool, Kind> {
    let order = compare(a, b);
    let order = order.ok_or_else(|| Kind::output(format!("{a} and {b} have no order")))?;
    match method {
        "le" => Ok(order != Ordering::Greater),
        "lt" => Ok(order == Ordering::Less),
        "ge" => Ok(order != Ordering::Less),
        "gt" => Ok(order == Ordering::Greater),
        other => Err(Kind::rule(format!("there is no method {other:?}"))),
    }
}

/// Whether a record has every value that is wanted.
pub(super) fn matches_record(wanted: &Value, record: &Map<String, Value>) -> Result<bool, Kind> {
    let wanted = wanted.as_object().ok_or_else(|| Kind::rule("a record that is wanted is no object"))?;
    Ok(wanted.iter().all(|(key, value)| record.get(key).is_some_and(|found| equals(found, value))))
}
