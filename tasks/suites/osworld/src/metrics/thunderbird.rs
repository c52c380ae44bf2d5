//! Evaluator functions over Thunderbird: preferences, filters, folders of messages.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::rule::{matches_record, matches_rule};
use super::text::score;
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::{GetterOutput, MetricInputs, StateFile};
use crate::python::pattern::{PatternFlags, PythonPattern};
use crate::python::text::strip;

type Score = Result<f64, Kind>;

/// The preferences named in `expect` are as wanted, those in `unexpect` are not.
pub(super) fn check_thunderbird_prefs(inputs: &MetricInputs) -> Score {
    let Some(file) = inputs.file()? else { return Ok(0.0) };
    let rules = |key: &str| match inputs.rule()?.get(key) {
        None => Ok(Map::new()),
        Some(Value::Object(rules)) => Ok(rules.clone()),
        Some(_) => Err(Kind::rule(format!("`{key}` is no object"))),
    };
    let (expect, unexpect) = (rules("expect")?, rules("unexpect")?);
    let mut seen: Vec<bool> = vec![false; expect.len()];
    let mut passed = true;
    for line in file.text()?.lines() {
        let Some((name, value)) = preference(strip(line)) else { continue };
        let value: Value = serde_json::from_str(value)
            .map_err(|error| Kind::unreadable(&file.name, format!("the value of {name:?}: {error}")))?;
        if let Some(place) = expect.keys().position(|key| key == name) {
            // Of a preference that is written twice the last counts.
            seen[place] = matches_rule(&value, &expect[name])?;
        } else if let Some(rule) = unexpect.get(name) {
            passed = passed && !matches_rule(&value, rule)?;
        }
    }
    Ok(score(passed && seen.into_iter().all(|seen| seen)))
}

/// `user_pref("NAME", VALUE);`, where a quote in the name stands behind a backslash.
fn preference(line: &str) -> Option<(&str, &str)> {
    let inside = line.strip_prefix("user_pref(\"")?.strip_suffix(");")?;
    let mut end = None;
    for (at, _) in inside.match_indices('"') {
        let rest = &inside[at..];
        if at > 0 && rest.strip_prefix("\", ").is_some_and(|value| !value.is_empty()) {
            end = Some(at);
        }
        if !inside[..at].ends_with('\\') {
            break;
        }
    }
    let end = end?;
    Some((&inside[..end], &inside[end + 3..]))
}

/// Filters, as records with a list of conditions.
pub(super) fn check_thunderbird_filter(inputs: &MetricInputs) -> Score {
    let Some(file) = inputs.file()? else { return Ok(0.0) };
    let filters = filters(&file.text()?, &file.name)?;
    let mut seen = vec![false; inputs.rule_list("expect")?.len()];
    for filter in filters.iter().filter(|filter| filter.contains_key("condition")) {
        for (wanted, seen) in inputs.rule_list("expect")?.iter().zip(&mut seen) {
            *seen = *seen || matches_record(wanted, filter)?;
        }
        for unwanted in inputs.rule_list("unexpect")? {
            if matches_record(unwanted, filter)? {
                return Ok(0.0);
            }
        }
    }
    Ok(score(seen.into_iter().all(|seen| seen)))
}

fn filters(text: &str, name: &str) -> Result<Vec<Map<String, Value>>, Kind> {
    // A subject or a body, how it compares, and with what; or all messages.
    let condition =
        PythonPattern::new(r#"\b(?:AND|OR) \([\w ]+,[\w ']+,(?:"(?s:.+)"|[^)]+)\)|\bALL\b"#, PatternFlags::default())?;
    let mut filters: Vec<Map<String, Value>> = Vec::new();
    for line in text.split_inclusive('\n') {
        let Some((key, _)) = line.split_once('=') else { continue };
        if !["name", "enabled", "type", "action", "actionValue", "condition"].contains(&key) {
            continue;
        }
        let value = between_quotes(line, key.len() + 2);
        if key == "name" {
            filters.push(Map::new());
        }
        let filter =
            filters.last_mut().ok_or_else(|| Kind::unreadable(name, format!("`{key}` stands before any filter")))?;
        let value = match key {
            "condition" => json!(condition.find_all(&value)?),
            _ => json!(value),
        };
        filter.insert(key.to_owned(), value);
    }
    Ok(filters)
}

/// What stands between the quotes, by count as upstream takes it: two characters end the line, the quote and the line end.
fn between_quotes(line: &str, begin: usize) -> String {
    let chars: Vec<char> = line.chars().collect();
    let end = chars.len().saturating_sub(2).max(begin.min(chars.len()));
    let inside: String = chars.get(begin..end).unwrap_or_default().iter().collect();
    inside.replace("\\\"", "\"").replace("\\\\", "\\")
}

/// Upstream skips every message that says something and so compares nothing but whether there is an empty one; that is its score.
pub(super) fn check_thunderbird_folder(inputs: &MetricInputs) -> Score {
    let is_list = |output: Option<&GetterOutput>| matches!(output, Some(GetterOutput::Files(_)));
    if is_list(Some(inputs.result)) != is_list(inputs.expected) {
        return Err(Kind::output("several folders are compared with one, or one with several"));
    }
    let (found, expected) = (inputs.files()?, inputs.expected_files()?);
    for (found, expected) in found.into_iter().zip(expected) {
        let Some(found) = found else { return Ok(0.0) };
        let expected = expected.ok_or_else(|| Kind::output("a folder that it is compared with is not there"))?;
        if empty_messages(inputs, found)? != empty_messages(inputs, expected)? {
            return Ok(0.0);
        }
    }
    Ok(1.0)
}

fn empty_messages(inputs: &MetricInputs, folder: &StateFile) -> Result<usize, Kind> {
    let text = folder.text()?;
    let empty = strip(&text).split("FROM - ").filter(|message| strip(message).is_empty());
    if inputs.option("remove_duplicate", true) {
        return Ok(empty.collect::<BTreeSet<_>>().len().min(1));
    }
    Ok(empty.count())
}
