//! Scores calls of evaluator functions that come as JSON lines, so that they can be compared with another implementation's.
//!
//! A line is `{"func": …, "result": …, "expected": …, "options": …}`, where `{"$file": "…"}` is a file with that content,
//! `{"$path": "…", "beside": […]}` one that is read, with the paths of others in its folder, and `{"$files": […]}` several; the answer
//! is `{"score": …}` or `{"error": …}`.

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};

use serde_json::{Map, Value, json};
use tapwright_osworld::metrics::MetricFunction;
use tapwright_osworld::output::{GetterOutput, MetricInputs, StateFile};

fn file(value: &Value) -> Result<Option<StateFile>, Box<dyn Error>> {
    if let Some(text) = value.get("$file").and_then(Value::as_str) {
        return Ok(Some(StateFile::new("file", text.as_bytes())));
    }
    let Some(path) = value.get("$path").and_then(Value::as_str) else { return Ok(None) };
    let read = |path: &str| Ok::<_, Box<dyn Error>>(StateFile::new(path, std::fs::read(path)?));
    let mut file = read(path)?;
    for path in value.get("beside").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        file.beside.push(read(path)?);
    }
    Ok(Some(file))
}

fn output(value: &Value) -> Result<GetterOutput, Box<dyn Error>> {
    match value.get("$files").and_then(Value::as_array) {
        Some(files) => Ok(GetterOutput::Files(files.iter().map(file).collect::<Result<_, _>>()?)),
        None => Ok(file(value)?.map_or_else(|| GetterOutput::Value(value.clone()), GetterOutput::File)),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    for line in stdin().lock().lines() {
        let call: Value = serde_json::from_str(&line?)?;
        let name = call["func"].as_str().unwrap_or_default();
        let function = MetricFunction::find(name).ok_or_else(|| format!("there is no function {name:?}"))?;
        let result = output(&call["result"])?;
        let expected = call.get("expected").filter(|value| !value.is_null()).map(output).transpose()?;
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
