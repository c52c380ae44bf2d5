//! Scores that upstream's own functions gave, compared one by one.

#[path = "shared/mod.rs"]
mod shared;

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tapwright_osworld::metrics::MetricFunction;
use tapwright_osworld::output::{GetterOutput, MetricInputs, StateFile};

/// `{"$file": "…"}` is a file with that content, `{"$files": […]}` is several; all else is a value.
fn output(value: &Value) -> GetterOutput {
    if let Some(files) = value.get("$files").and_then(Value::as_array) {
        let files = files.iter().map(|file| match output(file) {
            GetterOutput::File(file) => Some(file),
            GetterOutput::Value(_) | GetterOutput::Files(_) => None,
        });
        return GetterOutput::Files(files.collect());
    }
    match value.get("$file").and_then(Value::as_str) {
        Some(content) => {
            let name = value.get("name").and_then(Value::as_str).unwrap_or("file");
            GetterOutput::File(StateFile::new(name, content.as_bytes()))
        }
        None => GetterOutput::Value(value.clone()),
    }
}

#[test]
fn every_recorded_score_is_the_same_here() {
    let Some(path) = shared::data("osworld/evaluator_vectors.json") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let vectors: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut by_function: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for vector in &vectors {
        let name = vector["func"].as_str().unwrap();
        let function = MetricFunction::find(name).unwrap_or_else(|| panic!("there is no function {name}"));
        let (result, expected) = (output(&vector["result"]), output(&vector["expected"]));
        let options: Map<String, Value> = vector["options"].as_object().cloned().unwrap_or_default();
        let score = function.score(&MetricInputs { result: &result, expected: Some(&expected), options: &options });
        // Exactly, to the last digit.
        if score.as_ref().ok().copied() != vector["score"].as_f64() {
            wrong.push(format!("{name}: {score:?}, not {} for {vector}", vector["score"]));
        }
        *by_function.entry(name).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), vectors.len(), wrong.join("\n"));
    assert_eq!((vectors.len(), by_function.len()), (257, 28));
}

/// Calls made up here, each with what upstream's function (`desktop-env` 1.0.2) gave for it: a score, or null where it raised.
#[test]
fn made_up_calls_are_scored_as_upstream_scores_them() {
    let mut wrong = Vec::new();
    let (mut scores, mut raised) = (0, 0);
    for line in include_str!("data/scores.jsonl").lines() {
        let call: Value = serde_json::from_str(line).unwrap();
        let function = MetricFunction::find(call["func"].as_str().unwrap()).unwrap();
        let result = output(&call["result"]);
        let expected = Some(output(&call["expected"])).filter(|_| !call["expected"].is_null());
        let options: Map<String, Value> = call["options"].as_object().cloned().unwrap_or_default();
        let score = function.score(&MetricInputs { result: &result, expected: expected.as_ref(), options: &options });
        // A text, since numbers in JSON are read a little less exactly than they are compared.
        let recorded = call["score"].as_str().map(|score| score.parse::<f64>().unwrap());
        if score.as_ref().ok().copied() != recorded {
            wrong.push(format!("{score:?} for {line}"));
        }
        *(if call["score"].is_null() { &mut raised } else { &mut scores }) += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(scores > 500 && raised > 100, "{scores} scores, {raised} errors");
}
