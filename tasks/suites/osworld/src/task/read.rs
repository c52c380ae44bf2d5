//! Reading a task file, with all mistakes in it and not only the first.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{Conjunction, Getter, OsworldTask, SetupStep, TaskCheck, TaskEvaluator};
use crate::defect::{DefectList, TaskDefect};
use crate::metrics::{FUNCTIONS, INFEASIBLE, MetricFunction, rule};
use crate::place::{JsonPath, TextPlace};
use crate::python::pattern::{PatternFlags, PythonPattern};
use crate::python::value::{canonical_json, is_true};
use crate::schema::{
    EVALUATOR, FILE, GETTERS, Key, LOCAL_FILE, RULE_KEYS, RULE_PAIRS, SLEEP_MAX, STEP, Shape, TASK, UNTIL, VERBS, VISIT,
};

pub fn task(file: &str, domain: &str, text: &str) -> Result<OsworldTask, Vec<TaskDefect>> {
    let source: Value = serde_json::from_str(text).map_err(|error| {
        let place = TextPlace { line: error.line().max(1), column: error.column().max(1) };
        vec![TaskDefect { file: file.to_owned(), place, why: format!("it is no JSON: {error}"), help: None }]
    })?;
    let mut defects = DefectList { file, text, found: Vec::new() };
    let root = JsonPath::default();
    let Value::Object(map) = &source else {
        defects.add(&root, "a task is an object");
        return Err(defects.found);
    };
    keys(&mut defects, &root, "a task has no key", map, TASK);
    let text_at = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = text_at("id");
    let stem = file.rsplit('/').next().and_then(|name| name.strip_suffix(".json")).unwrap_or_default();
    if map.get("id").is_some_and(Value::is_string) && id != stem {
        defects.add(&root.key("id"), format!("the id is {id:?}, but the file is called {stem:?}"));
    }
    if map.get("instruction").and_then(Value::as_str).is_some_and(|instruction| instruction.trim().is_empty()) {
        defects.add(&root.key("instruction"), "the instruction is empty: it says what is to be done");
    }
    let setup = steps(&mut defects, &root.key("config"), map.get("config"));
    let evaluator = evaluator(&mut defects, &root.key("evaluator"), map.get("evaluator"));
    let apps = map.get("related_apps").and_then(Value::as_array).into_iter().flatten();
    let apps = apps.filter_map(Value::as_str).map(str::to_owned).collect();
    let Some(evaluator) = evaluator.filter(|_| defects.found.is_empty()) else { return Err(defects.found) };
    Ok(OsworldTask {
        id,
        domain: domain.to_owned(),
        instruction: text_at("instruction"),
        apps,
        proxy: map.get("proxy").is_some_and(is_true),
        setup,
        evaluator,
        digest: digest(&source),
        source,
    })
}

/// SHA-256 of a task's content.
pub fn digest(source: &Value) -> String {
    hex::encode(Sha256::digest(canonical_json(source)))
}

/// Whether each key is known, has its shape, and none is missing. Keys that begin with `_` are notes.
fn keys(defects: &mut DefectList, at: &JsonPath, lack: &str, map: &Map<String, Value>, known: &[Key]) {
    for (key, value) in map.iter().filter(|(key, _)| !key.starts_with('_')) {
        match known.iter().find(|(name, ..)| name == key) {
            None => defects.unknown(&at.key(key), lack, key, known.iter().map(|(name, ..)| *name)),
            Some((_, _, shape)) if !has_shape(value, *shape) => {
                defects.add(&at.key(key), format!("`{key}` is {}, not {}", kind(value), shape.name()));
            }
            Some(_) => {}
        }
    }
    for (name, ..) in known.iter().filter(|(name, must, _)| *must && !map.contains_key(*name)) {
        defects.add(at, format!("`{name}` is missing"));
    }
}

fn has_shape(value: &Value, shape: Shape) -> bool {
    let is_texts = |value: &Value| value.as_array().is_some_and(|items| items.iter().all(Value::is_string));
    match shape {
        Shape::Text => value.is_string(),
        Shape::Texts => is_texts(value),
        Shape::TextOrTexts => value.is_string() || is_texts(value),
        Shape::Flag => value.is_boolean() || value.is_string(),
        Shape::Number => value.is_number(),
        Shape::List => value.is_array(),
        Shape::Object => value.is_object(),
        Shape::ObjectOrList => value.is_object() || value.is_array(),
        Shape::Any => true,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn steps(defects: &mut DefectList, at: &JsonPath, value: Option<&Value>) -> Vec<SetupStep> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.enumerate().filter_map(|(index, item)| step(defects, &at.index(index), item)).collect()
}

fn step(defects: &mut DefectList, at: &JsonPath, value: &Value) -> Option<SetupStep> {
    let Value::Object(map) = value else {
        defects.add(at, format!("a step is {}, not an object", kind(value)));
        return None;
    };
    keys(defects, at, "a step has no key", map, STEP);
    let verb = map.get("type")?.as_str()?;
    let Some((verb, known)) = VERBS.iter().find(|(name, _)| *name == verb) else {
        defects.unknown(&at.key("type"), "there is no verb", verb, VERBS.iter().map(|(name, _)| *name));
        return None;
    };
    let parameters = map.get("parameters")?.as_object()?;
    let inside = at.key("parameters");
    keys(defects, &inside, &format!("`{verb}` has no parameter"), parameters, known);
    let listed: Option<(&str, &[Key])> = match *verb {
        "download" => Some(("files", FILE)),
        "upload_file" => Some(("files", LOCAL_FILE)),
        "update_browse_history" => Some(("history", VISIT)),
        _ => None,
    };
    if let Some((list, known)) = listed {
        for (index, item) in parameters.get(list).and_then(Value::as_array).into_iter().flatten().enumerate() {
            let at = inside.key(list).index(index);
            match item {
                Value::Object(item) => keys(defects, &at, &format!("an item of `{list}` has no key"), item, known),
                other => defects.add(&at, format!("it is {}, not an object", kind(other))),
            }
        }
    }
    if *verb == "download" {
        for (index, file) in parameters.get("files").and_then(Value::as_array).into_iter().flatten().enumerate() {
            web_addresses(defects, &inside.key("files").index(index).key("url"), file.get("url"));
        }
    }
    let seconds = parameters.get("seconds").and_then(Value::as_f64).filter(|_| *verb == "sleep");
    if seconds.is_some_and(|seconds| !(0.0..=SLEEP_MAX).contains(&seconds)) {
        defects.add(&inside.key("seconds"), format!("`seconds` is no time from 0 to {SLEEP_MAX} s"));
    }
    if let Some(until) = parameters.get("until").and_then(Value::as_object) {
        keys(defects, &inside.key("until"), "`until` has no key", until, UNTIL);
    }
    Some(SetupStep { verb, parameters: parameters.clone() })
}

/// Files are fetched from the web, and from nowhere else: an address of this computer would be one of its files.
fn web_addresses(defects: &mut DefectList, at: &JsonPath, value: Option<&Value>) {
    let mut check = |at: &JsonPath, address: &str| {
        let begin = address.get(..8).unwrap_or(address).to_ascii_lowercase();
        if !begin.starts_with("http://") && !begin.starts_with("https://") {
            defects.add(at, "it is no address of the web, which begins with http:// or https://");
        }
    };
    match value {
        Some(Value::String(address)) => check(at, address),
        Some(Value::Array(items)) => {
            for (index, address) in items.iter().enumerate() {
                if let Some(address) = address.as_str() {
                    check(&at.index(index), address);
                }
            }
        }
        _ => {}
    }
}

fn evaluator(defects: &mut DefectList, at: &JsonPath, value: Option<&Value>) -> Option<TaskEvaluator> {
    let map = value?.as_object()?;
    keys(defects, at, "an evaluator has no key", map, EVALUATOR);
    let before = steps(defects, &at.key("postconfig"), map.get("postconfig"));
    let list = map.get("func").and_then(Value::as_array);
    let conjunction = match (list.is_some(), map.get("conj").and_then(Value::as_str)) {
        (false, _) => Conjunction::One,
        (true, None | Some("and")) => Conjunction::And,
        (true, Some("or")) => Conjunction::Or,
        (true, Some(other)) => {
            defects.unknown(&at.key("conj"), "there is no conjunction", other, ["and", "or"].into_iter());
            return None;
        }
    };
    let checks = match list {
        None => {
            let name = map.get("func")?.as_str()?;
            let side = |key: &str| map.get(key).map(|value| (at.key(key), value));
            check(defects, (at.key("func"), name), side("result"), side("expected"), side("options"))
                .into_iter()
                .collect()
        }
        Some(functions) => checks(defects, at, map, functions),
    };
    Some(TaskEvaluator { checks, conjunction, before })
}

/// A list of functions, with lists of what each is called with.
fn checks(defects: &mut DefectList, at: &JsonPath, map: &Map<String, Value>, functions: &[Value]) -> Vec<TaskCheck> {
    for key in ["result", "expected", "options"] {
        match map.get(key) {
            Some(Value::Array(items)) if items.len() != functions.len() => {
                let (are, of) = (items.len(), functions.len());
                defects.add(&at.key(key), format!("`{key}` has {are} items for {of} functions"));
            }
            Some(Value::Object(_)) => {
                defects.add(&at.key(key), format!("`{key}` is an object; with a list of functions it is a list"));
            }
            _ => {}
        }
    }
    if functions.is_empty() {
        defects.add(&at.key("func"), "the list of functions is empty");
    }
    let mut checks = Vec::new();
    for (index, name) in functions.iter().enumerate() {
        let Some(name) = name.as_str() else { continue };
        let side = |key: &str| {
            let value = map.get(key).and_then(|list| list.get(index)).filter(|value| !value.is_null());
            value.map(|value| (at.key(key).index(index), value))
        };
        checks.extend(check(
            defects,
            (at.key("func").index(index), name),
            side("result"),
            side("expected"),
            side("options"),
        ));
    }
    checks
}

type Side<'a> = Option<(JsonPath, &'a Value)>;

fn check(
    defects: &mut DefectList,
    (at, name): (JsonPath, &str),
    result: Side,
    expected: Side,
    options: Side,
) -> Option<TaskCheck> {
    let Some(function) = MetricFunction::find(name) else {
        defects.unknown(&at, "there is no evaluator function", name, FUNCTIONS.iter().map(|function| function.name));
        return None;
    };
    if result.is_none() && name != INFEASIBLE {
        defects.add(&at, format!("`{name}` has no `result` to judge"));
    }
    let result = result.and_then(|(at, value)| getter(defects, &at, value));
    // Upstream takes an empty object for nothing.
    let expected = expected.filter(|(_, value)| is_true(value)).and_then(|(at, value)| {
        if let Some(rules) = value.get("rules").filter(|_| name != INFEASIBLE) {
            let at = at.key("rules");
            if value.get("type").and_then(Value::as_str) == Some("rule") {
                rule_keys(defects, name, &at, rules);
            }
            patterns(defects, name, &at, rules);
            rule_patterns(defects, &at, rules);
        }
        getter(defects, &at, value)
    });
    let options = match options {
        None => Map::new(),
        Some((at, Value::Object(options))) => {
            for key in options.keys().filter(|key| !key.starts_with('_') && !function.options.contains(&key.as_str())) {
                defects.unknown(
                    &at.key(key),
                    &format!("`{name}` has no option"),
                    key,
                    function.options.iter().copied(),
                );
            }
            if let Some(rules) = options.get("rules") {
                rule_patterns(defects, &at.key("rules"), rules);
            }
            options.clone()
        }
        Some((at, other)) => {
            defects.add(&at, format!("the options are {}, not an object", kind(other)));
            Map::new()
        }
    };
    Some(TaskCheck { function, result, expected, options })
}

/// Whether a rule says what its function needs: better told before anything is run than when it is over.
fn rule_keys(defects: &mut DefectList, function: &str, at: &JsonPath, rules: &Value) {
    let needed = RULE_KEYS.iter().find(|(name, _)| *name == function).map_or(&[][..], |(_, needed)| *needed);
    let pair = RULE_PAIRS.iter().find(|(name, _)| *name == function).map(|(_, pair)| pair);
    if needed.is_empty() && pair.is_none() {
        return;
    }
    let Value::Object(map) = rules else {
        defects.add(at, format!("the rule of `{function}` is {}, not an object", kind(rules)));
        return;
    };
    let mistyped = |wanted: &str| {
        let near = map.keys().find(|key| *key != wanted && strsim::jaro_winkler(key, wanted) > 0.8)?;
        Some(format!("it has `{near}`: did you mean `{wanted}`?"))
    };
    for (key, shape) in needed {
        match map.get(*key) {
            None => {
                defects.add_with_help(at, format!("the rule of `{function}` has no `{key}`"), mistyped(key));
            }
            Some(value) if !has_shape(value, *shape) => {
                defects.add(&at.key(key), format!("`{key}` is {}, not {}", kind(value), shape.name()));
            }
            Some(_) => {}
        }
    }
    if let Some([one, other]) = pair.filter(|pair| !pair.iter().any(|key| map.contains_key(*key))) {
        let help = mistyped(one).or_else(|| mistyped(other));
        defects.add_with_help(at, format!("the rule of `{function}` has neither `{one}` nor `{other}`"), help);
    }
}

/// Patterns of rules in the language that several functions share, `{"method": "re.S", "ref": "…"}`, wherever they stand.
fn rule_patterns(defects: &mut DefectList, at: &JsonPath, value: &Value) {
    match value {
        Value::Object(map) => {
            if let (Some(method), Some(reference)) = (map.get("method").and_then(Value::as_str), map.get("ref"))
                && method.split('.').next() == Some("re")
                && let Err(error) = rule::pattern(method, reference)
            {
                defects.add(&at.key("ref"), error.to_string());
            }
            for (key, value) in map {
                rule_patterns(defects, &at.key(key), value);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                rule_patterns(defects, &at.index(index), item);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Patterns of a rule that are none: better told before anything is run than when it is over.
fn patterns(defects: &mut DefectList, function: &str, at: &JsonPath, rules: &Value) {
    let mut found: Vec<(JsonPath, &Value)> = Vec::new();
    let mut list = |key: &str| {
        for (index, pattern) in rules.get(key).and_then(Value::as_array).into_iter().flatten().enumerate() {
            found.push((at.key(key).index(index), pattern));
        }
    };
    match function {
        "check_list" => ["expect", "unexpect"].into_iter().for_each(&mut list),
        "is_expected_url_pattern_match" => list("expected"),
        "is_expected_search_query" => {
            let pattern = rules.get("expect").and_then(|expect| expect.get("pattern"));
            found.extend(pattern.map(|pattern| (at.key("expect").key("pattern"), pattern)));
        }
        _ => {}
    }
    for (at, pattern) in found {
        let error = pattern.as_str().and_then(|pattern| PythonPattern::new(pattern, PatternFlags::default()).err());
        if let Some(error) = error {
            defects.add(&at, error.to_string());
        }
    }
}

fn getter(defects: &mut DefectList, at: &JsonPath, value: &Value) -> Option<Getter> {
    let Value::Object(map) = value else {
        defects.add(at, format!("a getter is {}, not an object", kind(value)));
        return None;
    };
    let Some(name) = map.get("type").and_then(Value::as_str) else {
        defects.add(at, "a getter has no text `type`");
        return None;
    };
    let Some((name, known)) = GETTERS.iter().find(|(known, _)| *known == name) else {
        defects.unknown(&at.key("type"), "there is no getter", name, GETTERS.iter().map(|(name, _)| *name));
        return None;
    };
    let parameters: Map<String, Value> =
        map.iter().filter(|(key, _)| *key != "type").map(|(key, value)| (key.clone(), value.clone())).collect();
    keys(defects, at, &format!("the getter `{name}` has no key"), &parameters, known);
    if *name == "cloud_file" {
        web_addresses(defects, &at.key("path"), parameters.get("path"));
    }
    Some(Getter { name, parameters })
}
