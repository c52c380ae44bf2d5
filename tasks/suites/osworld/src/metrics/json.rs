//! Evaluator functions over settings in JSON and YAML.
//!
//! A settings file that an agent has made unreadable is a failure of the agent, as upstream counts it: these functions give 0 for
//! it. One that is nested deeper than anything that programs write is an error.

use serde_json::Value;

use super::rule::matches_rule;
use super::text::score;
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::MetricInputs;
use crate::python::text;
use crate::python::value::{contains, equals, is_true};

type Score = Result<f64, Kind>;

/// `json.loads`; `None` if it is no JSON.
pub(super) fn parse(of: &str) -> Result<Option<Value>, Kind> {
    match serde_json::from_str(of) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.to_string().contains("recursion limit") => Err(Kind::unreadable("the JSON", error)),
        Err(_) => Ok(None),
    }
}

/// Every expected setting is there, with its value.
pub(super) fn check_json_settings(inputs: &MetricInputs) -> Score {
    let Some(file) = inputs.file()? else { return Ok(0.0) };
    let Ok(found) = file.text() else { return Ok(0.0) };
    let Some(found) = parse(&found)? else { return Ok(0.0) };
    let expected = inputs.rule_at("expected")?.as_object().ok_or_else(|| Kind::rule("`expected` is no object"))?;
    for (key, value) in expected {
        match &found {
            Value::Object(found) => match found.get(key) {
                Some(found) if equals(found, value) => {}
                _ => return Ok(0.0),
            },
            other => match contains(other, &Value::String(key.clone())) {
                Some(false) => return Ok(0.0),
                _ => return Err(Kind::output("the settings are no object")),
            },
        }
    }
    Ok(1.0)
}

/// The key binding is in the list; a line of comment may stand before it, as the editor writes one.
pub(super) fn check_json_keybindings(inputs: &MetricInputs) -> Score {
    let Some(file) = inputs.file()? else { return Ok(0.0) };
    let Ok(found) = file.text() else { return Ok(0.0) };
    let without_first = found.split_once('\n').map_or("", |(_, rest)| rest);
    for of in [found.as_str(), without_first] {
        if let Some(list @ Value::Array(_)) = parse(of)? {
            let expected = inputs.rule_at("expected")?;
            return Ok(score(contains(&list, expected).unwrap_or(false)));
        }
    }
    Ok(0.0)
}

/// Values along paths, each by a rule of its own.
pub(super) fn check_json(inputs: &MetricInputs) -> Score {
    let Some(file) = inputs.file()? else { return Ok(0.0) };
    let Ok(text) = file.text() else { return Ok(0.0) };
    let found = if inputs.option("is_yaml", false) {
        tapwright_yaml::parse(&text).map_err(|why| Kind::unreadable(&file.name, why))?
    } else {
        parse(&text)?
    };
    let Some(found) = found.filter(|found| !(found.is_null() && inputs.option("is_yaml", false))) else {
        return Ok(0.0);
    };
    for rule in inputs.rule_list("expect")? {
        let Some(value) = at(&found, rule)? else { return Ok(0.0) };
        if !holds(value, rule)?.unwrap_or(false) {
            return Ok(0.0);
        }
    }
    for rule in inputs.rule_list("unexpect")? {
        if holds(at(&found, rule)?.unwrap_or(&Value::Null), rule)?.unwrap_or(true) {
            return Ok(0.0);
        }
    }
    Ok(1.0)
}

/// Whether a value is as a rule wants it; `None` if it is of a kind that the rule cannot be asked of, which scores 0.
fn holds(value: &Value, rule: &Value) -> Result<Option<bool>, Kind> {
    match matches_rule(value, rule) {
        Ok(holds) => Ok(Some(holds)),
        Err(Kind::Output { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

/// What stands at the path of a rule.
fn at<'a>(found: &'a Value, rule: &Value) -> Result<Option<&'a Value>, Kind> {
    let path = rule.get("key").and_then(Value::as_array).ok_or_else(|| Kind::rule("a rule has no list `key`"))?;
    let mut value = found;
    for step in path {
        let next = match (value, step) {
            (Value::Object(map), Value::String(key)) => map.get(key),
            (Value::Array(items), Value::Number(index)) => {
                let index = index.as_i64().map(|index| if index < 0 { index + items.len() as i64 } else { index });
                index.and_then(|index| usize::try_from(index).ok()).and_then(|index| items.get(index))
            }
            _ => None,
        };
        let Some(next) = next else { return Ok(None) };
        value = next;
    }
    Ok(Some(value))
}

/// What was read off a page or an address, compared key by key.
pub(super) fn check_direct_json_object(inputs: &MetricInputs) -> Score {
    let parsed;
    let found = match inputs.value()? {
        Value::String(said) => {
            let said = text::strip(said).replace('\'', "\"");
            parsed = parse(&said)?.ok_or_else(|| Kind::output("the text is no JSON"))?;
            &parsed
        }
        value => value,
    };
    if found.is_null() {
        return Ok(0.0);
    }
    let rules = inputs.rule()?;
    let Some(expected) = rules.get("expected").and_then(Value::as_object) else {
        return Err(Kind::rule("`expected` is no object"));
    };
    // How the getter of an expected page says that it failed.
    if expected.values().any(|value| value.as_str() == Some("__EVALUATION_FAILED__")) {
        return Ok(0.0);
    }
    if expected.is_empty() {
        return Ok(1.0);
    }
    let Value::Object(found) = found else { return Ok(0.0) };
    let found = |key: &String| found.get(key).unwrap_or(&Value::Null);
    if rules.get("expect_in_result").is_some_and(is_true) {
        return Ok(score(expected.iter().all(|(key, expected)| is_in(expected, found(key)))));
    }
    // Upstream sorts its own flag like a list, which raises, and what raises there scores 0.
    if expected.get("ignore_list_order").is_some_and(is_true) {
        return Ok(0.0);
    }
    Ok(score(expected.iter().all(|(key, expected)| equals(expected, found(key)))))
}

/// One of a list, or a part of a text.
fn is_in(expected: &Value, found: &Value) -> bool {
    match expected {
        Value::Array(choices) => match found {
            Value::Array(found) => choices.iter().any(|choice| found.iter().any(|found| equals(choice, found))),
            Value::String(_) => choices.iter().any(|choice| equals(choice, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
        },
        Value::String(_) => contains(found, expected).unwrap_or(false),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}
