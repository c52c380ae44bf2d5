//! Actions as objects of JSON, in all the shapes that tools have for them, and as XML.

use serde_json::{Map, Value as Json};

use super::RawCall;
use super::source::{CallGroup, ReplyContext, is_bare, unreadable};
use super::verb::is_tool;
use crate::dialect::Unclear;
use crate::dialect::value::{Arguments, Quoting, Reader, Value};
use crate::dialect::words::{self, excerpt, unclear};
use crate::work::looked_at;

/// How deep actions may be nested in each other.
const DEPTH_MAX: usize = 6;

type Calls = Vec<Result<RawCall, Unclear>>;

/// The actions of the object or list that begins there; nothing if it is about something else.
pub(super) fn object_at(text: &str, at: usize, known: &ReplyContext<'_>) -> Option<CallGroup> {
    let rest = &text[at..];
    let is_list = rest.starts_with('[');
    // `[500, 300]` is a place.
    if is_list && !rest[1..].trim_start().starts_with(['{', '"']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Json>();
    let strict = values.next().and_then(Result::ok);
    looked_at(values.byte_offset());
    if let Some(json) = strict {
        let end = at + values.byte_offset();
        return of_json(&json, known, 0).map(|calls| CallGroup { start: at, end, calls });
    }
    if is_list || !looks_like_an_action(rest) {
        return None;
    }
    if let Some(json) = close_brackets(rest).filter(|_| !known.cut)
        && let Some(calls) = of_json(&json, known, 0)
    {
        let end = rest.find("</").map_or(text.len(), |end| at + end);
        return Some(CallGroup { start: at, end, calls });
    }
    let mut failed = None;
    for quoting in [Quoting::Strict, Quoting::Lenient] {
        let mut reader = Reader::python(text, at, quoting);
        match reader.map(0) {
            Ok(map) => {
                let json = words::json(&Value::Map(map))?;
                return of_json(&json, known, 0).map(|calls| CallGroup { start: at, end: reader.at(), calls });
            }
            Err(syntax) => failed = failed.or(Some(syntax)),
        }
    }
    let calls = vec![Err(unreadable(text, failed?, known.cut))];
    Some(CallGroup { start: at, end: text.len(), calls })
}

/// The object that a text is if the brackets are closed that it has left open at its end; nothing if that is not all it lacks.
fn close_brackets(text: &str) -> Option<Json> {
    let (mut open, mut in_string, mut escaped, mut end) = (Vec::new(), false, false, text.len());
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' if open.pop() != Some(c) => return None,
            '<' | '`' => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    looked_at(end);
    if in_string || open.is_empty() || open.len() > DEPTH_MAX {
        return None;
    }
    let brackets: String = open.iter().rev().collect();
    serde_json::from_str(&format!("{}{brackets}", text[..end].trim_end())).ok()
}

/// Whether an object that cannot be read was to be an action: it says so near its beginning.
fn looks_like_an_action(text: &str) -> bool {
    let near = &text[..text.floor_char_boundary(200)];
    ["action", "name", "type", "function"]
        .iter()
        .any(|key| near.contains(&format!("\"{key}")) || near.contains(&format!("'{key}")))
}

/// The action of the element that begins there: `<function=name>` or `<invoke name="…">` with its parameters.
pub(super) fn element_at(text: &str, at: usize, known: &ReplyContext<'_>) -> Option<CallGroup> {
    let (name, open) = opening(&text[at..], "function", "invoke")?;
    let begin = at + open;
    let close = ["</function>", "</invoke>"]
        .iter()
        .filter_map(|tag| text[begin..].find(tag).map(|end| (begin + end, tag.len())))
        .min();
    let (inner_end, tag) = match close {
        Some((end, tag)) => (end, tag),
        None if known.cut => {
            let calls =
                vec![Err(unclear("the call was cut off; think in one short sentence, then write your actions"))];
            return Some(CallGroup { start: at, end: text.len(), calls });
        }
        None => (text[begin..].find("</tool_call>").map_or(text.len(), |end| begin + end), 0),
    };
    looked_at(inner_end - at);
    let mut fields = Map::new();
    let mut rest = &text[begin..inner_end];
    while let Some(found) = rest.find("<parameter") {
        rest = &rest[found..];
        let Some((parameter, open)) = opening(rest, "parameter", "parameter") else {
            rest = &rest["<parameter".len()..];
            continue;
        };
        let value = &rest[open..];
        // Until the next one begins, if nobody has closed it.
        let end = value.find("</parameter>").or_else(|| value.find("<parameter")).unwrap_or(value.len());
        let inside = &value[..end];
        let inside = inside.strip_prefix('\n').unwrap_or(inside);
        let inside = inside.strip_suffix('\n').unwrap_or(inside);
        let trimmed = inside.trim();
        let json = if trimmed.starts_with(['[', '{']) { serde_json::from_str(trimmed).ok() } else { None };
        fields.insert(parameter.to_owned(), json.unwrap_or_else(|| Json::from(inside)));
        rest = &value[end..];
    }
    let calls = of_named(name, &Json::Object(fields), known, 0);
    Some(CallGroup { start: at, end: inner_end + tag, calls })
}

/// The name in a tag `<one=name>` or `<other name="name">`, and how long the tag is.
fn opening<'a>(text: &'a str, one: &str, other: &str) -> Option<(&'a str, usize)> {
    let rest = text.strip_prefix('<')?;
    let end = text[..text.floor_char_boundary(200)].find('>')?;
    let inside = match rest.strip_prefix(one).and_then(|rest| rest.strip_prefix('=')) {
        Some(_) => &text[one.len() + 2..end],
        None => {
            rest.strip_prefix(other)?.strip_prefix(' ')?;
            let (_, name) = text[..end].split_once("name=")?;
            name
        }
    };
    Some((inside.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')), end + 1))
}

/// The actions that a value stands for; nothing if it stands for none.
fn of_json(value: &Json, known: &ReplyContext<'_>, depth: usize) -> Option<Calls> {
    if depth > DEPTH_MAX {
        return None;
    }
    match value {
        Json::Array(items) => {
            let all: Vec<Calls> = items.iter().map(|item| of_json(item, known, depth + 1)).collect::<Option<_>>()?;
            (!all.is_empty()).then(|| all.into_iter().flatten().collect())
        }
        Json::String(word) if is_bare(word.trim()) => {
            Some(vec![Ok(RawCall { name: word.trim().to_owned(), ..RawCall::default() })])
        }
        Json::Object(fields) => of_object(fields, known, depth),
        _ => None,
    }
}

fn of_object(fields: &Map<String, Json>, known: &ReplyContext<'_>, depth: usize) -> Option<Calls> {
    let text = |key: &str| fields.get(key).and_then(Json::as_str).map(str::trim).filter(|text| !text.is_empty());
    for key in ["actions", "tool_calls", "calls", "steps"] {
        if let Some(Json::Array(_)) = fields.get(key) {
            return of_json(&fields[key], known, depth + 1);
        }
    }
    for key in ["action", "tool_call", "function_call", "function"] {
        if let Some(inner @ (Json::Object(_) | Json::Array(_))) = fields.get(key) {
            return of_json(inner, known, depth + 1);
        }
    }
    if let Some(name) = text("action_type").or(text("action")) {
        return Some(vec![one(name, fields, known)]);
    }
    if let Some(name) = text("name").or(text("function")) {
        let inner = ["arguments", "input", "parameters", "args", "params"].iter().find_map(|key| fields.get(*key));
        return match inner {
            Some(inner) => Some(of_named(name, inner, known, depth)),
            None if known.is_action(name) => Some(vec![one(name, fields, known)]),
            None => None,
        };
    }
    if let Some(name) = text("type").filter(|name| known.is_action(name)) {
        return Some(vec![one(name, fields, known)]);
    }
    // `{"click": {"x": 1, "y": 2}}`
    let mut all = fields.iter();
    match (all.next(), all.next()) {
        (Some((name, inner @ (Json::Object(_) | Json::Array(_)))), None)
            if known.is_action(name) && name != "keyboard" =>
        {
            Some(of_named(name, inner, known, depth))
        }
        (Some((name, inner @ Json::Object(_))), None) if name == "mouse" => of_json(inner, known, depth + 1),
        (Some((name, Json::Object(inner))), None) if name == "keyboard" => {
            Some(vec![one(if inner.contains_key("text") { "type" } else { "hotkey" }, inner, known)])
        }
        _ => None,
    }
}

/// The action of a tool's name and what it was given.
fn of_named(name: &str, given: &Json, known: &ReplyContext<'_>, depth: usize) -> Calls {
    let parsed;
    let given = match given {
        // Some servers give arguments as a text.
        Json::String(text) if text.trim_start().starts_with('{') => match serde_json::from_str(text) {
            Ok(json) => {
                parsed = json;
                &parsed
            }
            Err(error) => return vec![Err(unclear(format!("the arguments of {name:?} are no JSON: {error}")))],
        },
        given => given,
    };
    match given {
        Json::Object(fields) if is_tool(name) || (!known.is_action(name) && has_action(fields)) => {
            of_object(fields, known, depth + 1).unwrap_or_else(|| {
                vec![Err(unclear(
                    "the call names no action; write {\"action\": \"left_click\", \"coordinate\": [x, y]}",
                ))]
            })
        }
        Json::Object(_) if known.apis.named(name).is_some() && super::verb::verb(name).is_none() => {
            let arguments = Arguments { json: Some(given.clone()), ..Arguments::default() };
            vec![Ok(RawCall { name: name.to_owned(), path: String::new(), arguments })]
        }
        Json::Object(fields) => vec![one(name, fields, known)],
        other => {
            let plain = match value_of(other) {
                Value::Word(word) if word == "null" => Vec::new(),
                value => vec![value],
            };
            vec![Ok(RawCall {
                name: name.to_owned(),
                path: String::new(),
                arguments: Arguments { plain, ..Arguments::default() },
            })]
        }
    }
}

fn has_action(fields: &Map<String, Json>) -> bool {
    ["action", "action_type", "actions"].iter().any(|key| fields.contains_key(*key))
}

/// One action of a name, with these fields and those of the objects in them that hold more.
fn one(name: &str, fields: &Map<String, Json>, known: &ReplyContext<'_>) -> Result<RawCall, Unclear> {
    let (path, last) = name.rsplit_once('.').unwrap_or(("", name));
    if !known.is_action(last) {
        return Err(unclear(format!("there is no action {:?}; write one of: {}", excerpt(name), super::verb::VERBS)));
    }
    let mut named = Vec::new();
    let mut json = None;
    for (key, field) in fields {
        let holds_more = ["parameters", "arguments", "args", "params", "input", "action_inputs", "action_input"]
            .contains(&key.as_str());
        match field {
            Json::Object(inner) if holds_more => {
                json = Some(field.clone());
                named.extend(inner.iter().map(|(key, value)| (key.to_lowercase(), value_of(value))));
            }
            _ if ["action", "action_type"].contains(&key.as_str()) => continue,
            _ => {}
        }
        named.push((key.to_lowercase(), value_of(field)));
    }
    let arguments = Arguments { named, plain: Vec::new(), json };
    Ok(RawCall { name: last.to_owned(), path: path.to_owned(), arguments })
}

fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Word("null".to_owned()),
        Json::Bool(yes) => Value::Word(yes.to_string()),
        Json::Number(number) => number.as_f64().map_or_else(|| Value::Text(number.to_string()), Value::Number),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(value_of).collect()),
        Json::Object(fields) => {
            Value::Map(fields.iter().map(|(key, field)| (key.to_lowercase(), value_of(field))).collect())
        }
    }
}
