//! Scores calls of evaluator functions that come as JSON lines, so that they can be compared with another implementation's.
//!
//! A line is `{"func": …, "result": …, "expected": …, "options": …}`, where `{"$file": "…"}` is a file with that content and
//! `{"$files": […]}` several; the answer is `{"score": …}` or `{"error": …}`.

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};

use serde_json::{Map, Value, json};
use tapwright_osworld::metrics::MetricFunction;
use tapwright_osworld::output::{GetterOutput, MetricInputs, StateFile};

fn output(value: &Value) -> GetterOutput {
    let file =
        |value: &Value| value.get("$file").and_then(Value::as_str).map(|text| StateFile::new("file", text.as_bytes()));
    match value.get("$files").and_then(Value::as_array) {
        Some(files) => GetterOutput::Files(files.iter().map(file).collect()),
        None => file(value).map_or_else(|| GetterOutput::Value(value.clone()), GetterOutput::File),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    for line in stdin().lock().lines() {
        let call: Value = serde_json::from_str(&line?)?;
        let name = call["func"].as_str().unwrap_or_default();
        let function = MetricFunction::find(name).ok_or_else(|| format!("there is no function {name:?}"))?;
        let result = output(&call["result"]);
        let expected = call.get("expected").filter(|value| !value.is_null()).map(output);
        let options: Map<String, Value> = call["options"].as_object().cloned().unwrap_or_default();
        let score = function.score(&MetricInputs { result: &result, expected: expected.as_ref(), options: &options });
        let answer = match score {
            Ok(score) => json!({"score": score}),
            Err(error) => json!({"error": error.to_string()}),
        };
        writeln!(stdout(), "{answer}")?;
    }
    Ok(())
}
