//! Calls of APIs in a language that was taught with free text.

use serde_json::{Map, Value as Json, json};

use crate::action::Action;
use crate::calls::{ApiCall, ApiCatalog, INSTRUCTION, SIGNATURE_BYTES, with_journal_numbers};
use crate::dialect::Unclear;
use crate::dialect::value::{Quoting, Reader, Value};
use crate::dialect::words::{excerpt, json, unclear};
use crate::limits::clip;
use crate::schema::Schema;

/// What follows a name and belongs to nothing.
const AFTER_NAME: [char; 5] = [' ', ':', '：', ',', '\n'];

/// What the goal is followed by: the names, what they are for, and what they take.
pub fn offer(apis: &ApiCatalog) -> String {
    if apis.is_empty() {
        return String::new();
    }
    let mut told = "Call_API can do this, with an instruction that begins with the name:".to_owned();
    let is_plain = |schema: &Schema| schema.properties().eq([INSTRUCTION]);
    if let Some((spec, _)) = apis.iter().find(|(_, schema)| !is_plain(schema)) {
        told = format!(
            "Call_API can do this, with an instruction that begins with the name, or with arguments where they are listed, as in \
             do(action=\"Call_API\", name=\"{}\", arguments={{…}}):",
            spec.name
        );
    }
    for (spec, schema) in apis.iter() {
        let arguments = if is_plain(schema) { String::new() } else { format!(" {}", schema.signature()) };
        told += &format!("\n- {}{}: {}", spec.name, clip(&arguments, SIGNATURE_BYTES), spec.about);
    }
    told
}

/// A call, or a wish for the notes: by name and arguments, or as an instruction.
pub(super) fn read(
    apis: &ApiCatalog,
    name: Option<String>,
    arguments: Option<Json>,
    instruction: Option<String>,
) -> Result<Action, Unclear> {
    let needs = "Call_API needs an instruction; write do(action=\"Call_API\", instruction=\"…\")";
    if let Some(name) = name.filter(|_| !apis.is_empty()) {
        let name = name.trim();
        let Some((spec, _)) = apis.named(name) else {
            return Err(unclear(format!("there is no API {:?}; there are: {}", excerpt(name), apis.names())));
        };
        let arguments = match (arguments, instruction) {
            (Some(arguments), _) => with_journal_numbers(&arguments),
            (None, Some(text)) if text != name => json!({ INSTRUCTION: text }),
            (None, _) => json!({}),
        };
        return Ok(Action::CallApi(ApiCall { name: spec.name.clone(), arguments }));
    }
    let instruction = instruction.ok_or_else(|| unclear(needs))?;
    match apis.beginning(&instruction) {
        Some((spec, schema, rest)) => {
            let arguments = with_journal_numbers(&following(rest, schema));
            Ok(Action::CallApi(ApiCall { name: spec.name.clone(), arguments }))
        }
        None if apis.is_empty() || asks_for_notes(&instruction) => Ok(Action::Recall { instruction }),
        None => Err(unclear(format!(
            "no API is called {:?}; an instruction begins with one of: {}; or use the screen",
            excerpt(instruction.trim()),
            apis.names()
        ))),
    }
}

/// The arguments that were given apart: as JSON, or as something like it.
pub(super) fn arguments(exact: Option<Json>, lenient: Option<&Value>) -> Result<Option<Json>, Unclear> {
    let Some(value) = lenient else { return Ok(exact) };
    let arguments = exact.or_else(|| match value {
        Value::Text(text) => serde_json::from_str(text).ok(),
        value => json(value),
    });
    match arguments {
        Some(arguments @ Json::Object(_)) => Ok(Some(arguments)),
        _ => Err(unclear("the arguments cannot be read; write them as a JSON object: arguments={\"name\": \"value\"}")),
    }
}

/// What follows a name, as arguments.
fn following(rest: &str, schema: &Schema) -> Json {
    let text = rest.trim_start_matches(AFTER_NAME).trim();
    if let Ok(json @ Json::Object(_)) = serde_json::from_str(text) {
        return json;
    }
    if text.starts_with(['(', '（'])
        && let Some(arguments) = in_parentheses(text, schema)
    {
        return arguments;
    }
    if text.is_empty() && !schema.properties().any(|name| name == INSTRUCTION) {
        return json!({});
    }
    json!({ INSTRUCTION: text })
}

/// `(city="Oslo", days=2)`; nothing if it is something else in parentheses.
fn in_parentheses(text: &str, schema: &Schema) -> Option<Json> {
    let open = text.chars().next()?.len_utf8();
    let mut reader = Reader::new(text, open, Quoting::Strict);
    let arguments = reader.arguments(false).ok().filter(|arguments| arguments.plain.is_empty())?;
    if !text[reader.at()..].trim().is_empty() {
        return None;
    }
    let mut fields = Map::new();
    for (name, value) in &arguments.named {
        // They were read in small letters.
        let known = schema.properties().find(|known| known.to_lowercase() == *name);
        fields.insert(known.unwrap_or(name).to_owned(), json(value)?);
    }
    Some(Json::Object(fields))
}

/// Whether a text after a name and a colon is read as the same text again.
pub(super) fn is_plain(text: &str) -> bool {
    let is_bare = text == text.trim_start_matches(AFTER_NAME).trim();
    is_bare && !text.is_empty() && !text.starts_with(['{', '(', '（'])
}

/// Whether an instruction is about what was noted rather than about an API.
pub(crate) fn asks_for_notes(instruction: &str) -> bool {
    const WORDS: &[&str] =
        &["summar", "sum up", "my notes", "noted", "the notes", "总结", "汇总", "概括", "归纳", "笔记", "记录的"];
    let instruction = instruction.to_lowercase();
    WORDS.iter().any(|word| instruction.contains(word))
}
