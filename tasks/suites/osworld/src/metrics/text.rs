//! Evaluator functions over text: what a command said, and what stands in a file.

use serde_json::Value;

use crate::error::EvaluatorErrorKind as Kind;
use crate::output::{GetterOutput, MetricInputs, StateFile, texts};
use crate::python::pattern::{PatternFlags, PythonPattern};
use crate::python::value::{contains, equals, is_true, parse_float, parse_int, to_text};
use crate::python::{difference, text};

type Score = Result<f64, Kind>;

pub(super) fn score(passed: bool) -> f64 {
    f64::from(u8::from(passed))
}

/// All of `include` and none of `exclude` stand in it.
pub(super) fn check_include_exclude(inputs: &MetricInputs) -> Score {
    let found = inputs.value()?;
    if found.is_null() {
        return Ok(0.0);
    }
    let has = |item: &Value| contains(found, item).ok_or_else(|| Kind::output("it is neither text nor a list"));
    for item in inputs.rule_list("include")? {
        if !has(item)? {
            return Ok(0.0);
        }
    }
    for item in inputs.rule_list("exclude")? {
        if has(item)? {
            return Ok(0.0);
        }
    }
    Ok(1.0)
}

pub(super) fn exact_match(inputs: &MetricInputs) -> Score {
    let expected = inputs.rule_at("expected")?;
    match inputs.result {
        GetterOutput::Value(found) => Ok(score(equals(found, expected))),
        // A file equals no value.
        GetterOutput::File(_) | GetterOutput::Files(_) => Ok(0.0),
    }
}

pub(super) fn match_in_list(inputs: &MetricInputs) -> Score {
    let expected = inputs.rule_at("expected")?;
    contains(expected, inputs.value()?).map(score).ok_or_else(|| Kind::rule("`expected` is no list"))
}

pub(super) fn is_in_list(inputs: &MetricInputs) -> Score {
    let expected = inputs.rule_at("expected")?;
    contains(inputs.value()?, expected).map(score).ok_or_else(|| Kind::output("it is no list"))
}

pub(super) fn fuzzy_match(inputs: &MetricInputs) -> Score {
    let expected = inputs.rule_text("expected")?;
    match inputs.value()?.as_str() {
        Some(found) => Ok(difference::character_ratio(found, expected)?),
        None => Ok(0.0),
    }
}

/// Here both sides are what getters give, not rules.
pub(super) fn literal_match(inputs: &MetricInputs) -> Score {
    let found = inputs.value()?;
    let expected = match inputs.expected {
        Some(GetterOutput::Value(expected)) => expected,
        _ => return Err(Kind::rule("`expected` is no value")),
    };
    let ignore_case = inputs.option("ignore_case", false);
    let spelt = |value: &Value| if ignore_case { to_text(value).to_lowercase() } else { to_text(value) };
    match inputs.options.get("type").map_or(Some("str"), Value::as_str) {
        Some("str") => Ok(score(spelt(found) == spelt(expected))),
        Some("list") => match (found, expected) {
            (Value::Array(found), Value::Array(expected)) => Ok(score(
                found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| spelt(a) == spelt(b)),
            )),
            _ => Ok(0.0),
        },
        _ => Err(Kind::rule("the option `type` is neither \"str\" nor \"list\"")),
    }
}

pub(super) fn is_extension_installed(inputs: &MetricInputs) -> Score {
    let has = || {
        let found = contains(inputs.value()?, inputs.rule_at("expected")?);
        found.ok_or_else(|| Kind::output("it is neither text nor a list"))
    };
    match inputs.rule_text("type")? {
        "contain" => Ok(score(has()?)),
        "not_contain" => Ok(score(!has()?)),
        other => Err(Kind::rule(format!("`type` is {other:?}, which is neither \"contain\" nor \"not_contain\""))),
    }
}

/// The rule is the result here, and what the terminal said is what is expected.
pub(super) fn is_in_vm_clickboard(inputs: &MetricInputs) -> Score {
    let wanted = inputs.value()?.get("expected").ok_or_else(|| Kind::rule("it has no `expected`"))?;
    let said = inputs.rule()?;
    let has = |item: &Value| contains(said, item).ok_or_else(|| Kind::output("the terminal said nothing"));
    match wanted {
        Value::Array(items) => {
            for item in items {
                if !has(item)? {
                    return Ok(0.0);
                }
            }
            Ok(1.0)
        }
        item => has(item).map(score),
    }
}

pub(super) fn diff_text_file(inputs: &MetricInputs) -> Score {
    let Some(found) = inputs.file()? else { return Ok(0.0) };
    let expected = gold(inputs)?.text()?;
    let found = found.text()?;
    Ok(difference::line_ratio(&text::lines(&found), &text::lines(&expected))?)
}

/// The file that upstream's function opens without asking whether it is there.
fn gold<'a>(inputs: &MetricInputs<'a>) -> Result<&'a StateFile, Kind> {
    inputs.expected_file()?.ok_or_else(|| Kind::output("the file that it is compared with is not there"))
}

pub(super) fn compare_text_file(inputs: &MetricInputs) -> Score {
    let Some(found) = inputs.file()? else { return Ok(0.0) };
    let (mut found, mut expected) = (found.text()?, gold(inputs)?.text()?);
    if inputs.option("ignore_blanks", false) {
        (found, expected) = (joined(&found), joined(&expected));
    }
    if inputs.option("ignore_case", false) {
        (found, expected) = (found.to_lowercase(), expected.to_lowercase());
    }
    Ok(score(found == expected))
}

/// Each run of blanks as one.
fn joined(of: &str) -> String {
    let of = text::strip(of);
    text::split(of).collect::<Vec<_>>().join(" ")
}

/// The same configuration: as text but for blanks at the ends, or as JSON. With `containment_ok` there may be more in it.
pub(super) fn compare_config(inputs: &MetricInputs) -> Score {
    let Some(found) = inputs.file()? else { return Ok(0.0) };
    let (found, expected) = (found.text()?, inputs.rule_text("expected")?);
    if text::strip(&found) == text::strip(expected) {
        return Ok(1.0);
    }
    let more_is_fine = inputs.option("containment_ok", false);
    match (super::json::parse(&found)?, super::json::parse(expected)?) {
        (Some(found), Some(expected)) => {
            Ok(score(equals(&found, &expected) || more_is_fine && is_part(&expected, &found)))
        }
        _ => Ok(score(more_is_fine && found.contains(text::strip(expected)))),
    }
}

/// Whether each key of one is in the other, with the same value or a part of it.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| is_part(part, whole)))
        }
        (part, whole) => equals(part, whole),
    }
}

/// Equal to one of the files that are expected.
pub(super) fn compare_csv(inputs: &MetricInputs) -> Score {
    let Some(found) = inputs.file()? else { return Ok(0.0) };
    let lines = |file: &StateFile| -> Result<Vec<String>, Kind> {
        let text = table_text(file)?;
        let is_strict = inputs.option("strict", true);
        let lines = text::lines(&text).into_iter().map(|line| if is_strict { line } else { text::strip(line) });
        let ignore_case = inputs.option("ignore_case", false);
        Ok(lines.map(|line| if ignore_case { line.to_lowercase() } else { line.to_owned() }).collect())
    };
    let found = lines(found)?;
    for expected in inputs.expected_files()?.into_iter().flatten() {
        if lines(expected)? == found {
            return Ok(1.0);
        }
    }
    Ok(0.0)
}

/// A table is read as Latin-1 if it is no UTF-8, as upstream tries several encodings; that one takes any bytes.
pub(super) fn table_text(file: &StateFile) -> Result<String, Kind> {
    let bytes = file.bounded()?;
    let latin = || text::with_plain_line_ends(&bytes.iter().map(|byte| char::from(*byte)).collect::<String>());
    Ok(text::decode(bytes).unwrap_or_else(|_| latin()))
}

/// Numbers may differ a little, and may stand in a sentence.
pub(super) fn compare_result_files(inputs: &MetricInputs) -> Score {
    let (Some(found), Some(expected)) = (inputs.file()?, inputs.expected_file()?) else { return Ok(0.0) };
    let (found, expected) = (found.text()?, expected.text()?);
    let (found, expected) = (text::strip(&found), text::strip(&expected));
    let Some(number) = parse_float(expected) else { return Ok(score(found == expected)) };
    if found.contains(expected) {
        return Ok(1.0);
    }
    Ok(parse_float(found).map_or(score(found == expected), |found| score((found - number).abs() < 1e-4)))
}

pub(super) fn compare_python_pure_text(inputs: &MetricInputs) -> Score {
    let (Some(found), Some(expected)) = (inputs.file()?, inputs.expected_file()?) else { return Ok(0.0) };
    // What is no text is not the text that was asked for.
    let (Ok(found), Ok(expected)) = (found.text(), expected.text()) else { return Ok(0.0) };
    Ok(score(code_lines(&found) == code_lines(&expected)))
}

/// The lines that say something, without those at the top that say how the file is to be read.
fn code_lines(of: &str) -> Vec<String> {
    let lines = text::lines(of);
    let is_header = |line: &&&str| {
        let line = text::strip(line);
        ["#!", "# -*- coding:", "# coding:", "# coding="].iter().any(|start| line.starts_with(start))
    };
    let header = lines.iter().take(3).take_while(is_header).count();
    let says = lines[header..].iter().filter(|line| !text::strip(line).is_empty());
    says.map(|line| text::expand_tabs(line, 4).trim_end_matches(text::is_space).to_owned()).collect()
}

pub(super) fn file_contains(inputs: &MetricInputs) -> Score {
    let Some(found) = inputs.file()? else { return Ok(0.0) };
    // Upstream's counts whatever goes wrong as a failure, a rule that is no list too.
    let Ok(found) = found.text() else { return Ok(0.0) };
    let Some(expected) = inputs.rule()?.get("expected").and_then(Value::as_array).and_then(|items| texts(items)) else {
        return Err(Kind::rule("`expected` is no list of texts"));
    };
    Ok(score(expected.iter().all(|text| found.contains(text))))
}

/// How many lines hold a time of day.
pub(super) fn check_line_number(inputs: &MetricInputs) -> Score {
    let Some(found) = inputs.file()? else { return Ok(0.0) };
    let Ok(found) = found.text() else { return Ok(0.0) };
    let time = PythonPattern::new(r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)", PatternFlags::default())?;
    let mut count = 0;
    for line in found.lines() {
        count += i64::from(time.is_in(line)?);
    }
    let expected = match inputs.rule_at("expected")? {
        Value::String(text) => parse_int(text),
        number => number.as_i64().or_else(|| number.as_f64().map(|number| number.trunc() as i64)),
    };
    expected.map(|expected| score(count == expected)).ok_or_else(|| Kind::rule("`expected` is no whole number"))
}

/// Each pattern of `expect` in some line, none of `unexpect` in any. Lines keep their ends, which a pattern may ask for.
pub(super) fn check_list(inputs: &MetricInputs) -> Score {
    let Some(found) = inputs.file()? else { return Ok(0.0) };
    let found = found.text()?;
    let lines = found.split_inclusive('\n').count();
    let patterns = |key| -> Result<Vec<PythonPattern>, Kind> {
        let of = inputs.rule_texts(key)?;
        of.into_iter()
            .map(|pattern| Ok(PythonPattern::for_searches(pattern, PatternFlags::default(), lines)?))
            .collect()
    };
    let (expect, unexpect) = (patterns("expect")?, patterns("unexpect")?);
    let mut seen = vec![false; expect.len()];
    for line in found.split_inclusive('\n') {
        for (pattern, seen) in expect.iter().zip(&mut seen) {
            *seen = *seen || pattern.is_in(line)?;
        }
        for pattern in &unexpect {
            if pattern.is_in(line)? {
                return Ok(0.0);
            }
        }
    }
    Ok(score(seen.into_iter().all(|seen| seen)))
}

/// A row as each of `expect` wants one, none as one of `unexpect`.
pub(super) fn check_csv(inputs: &MetricInputs) -> Score {
    let Some(file) = inputs.file()? else { return Ok(0.0) };
    let found = file.text()?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(found.as_bytes());
    let unreadable = |error: csv::Error| Kind::unreadable(&file.name, error);
    let names = reader.headers().map_err(unreadable)?.clone();
    let mut seen = vec![false; inputs.rule_list("expect")?.len()];
    let mut passed = true;
    for row in reader.records() {
        let row = row.map_err(unreadable)?;
        let has = |wanted: &Value| -> Result<bool, Kind> {
            let wanted = wanted.as_object().ok_or_else(|| Kind::rule("a row that is wanted is no object"))?;
            Ok(wanted.iter().all(|(name, value)| {
                // Of two columns of one name the last counts; a row that is too short has nothing there.
                let column = (0..names.len()).rfind(|column| names.get(*column) == Some(name));
                column.is_some_and(|column| match row.get(column) {
                    Some(cell) => value.as_str() == Some(cell),
                    None => value.is_null(),
                })
            }))
        };
        for (wanted, seen) in inputs.rule_list("expect")?.iter().zip(&mut seen) {
            *seen = *seen || has(wanted)?;
        }
        for unwanted in inputs.rule_list("unexpect")? {
            passed = passed && !has(unwanted)?;
        }
    }
    Ok(score(passed && seen.into_iter().all(|seen| seen)))
}

pub(super) fn check_image_file_size(inputs: &MetricInputs) -> Score {
    let Some(found) = inputs.file()? else { return Ok(0.0) };
    let most = inputs.rule_at("max_size")?;
    let most = most.as_f64().filter(|_| is_true(most)).ok_or_else(|| Kind::rule("`max_size` is no number"))?;
    Ok(score((found.bytes.len() as f64) < most))
}
