//! Functions that a client lets the model call: how the model is told of them, what holds it to a call, and what its answer calls.
//!
//! A call that a client demands is an answer in the form of the function's schema, which any model can be held to. One that the
//! model may make or leave is up to the model: it is told how, and its answer is read.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::chat_request::bound_schema;
use super::error::ErrorResponse;
use super::json::{JsonFields, unlike};
use crate::engine::close_objects;
use crate::request::Grammar;

const TOOLS_MAX: usize = 128;
const NAME_CHARS_MAX: usize = 64;
const DESCRIPTION_BYTES_MAX: usize = 1 << 14;
const OPEN: &str = "<tool_call>";
const CLOSE: &str = "</tool_call>";

/// A function that the model may call.
#[derive(Clone, Debug, PartialEq)]
struct Tool {
    name: String,
    description: Option<String>,
    /// The schema of its arguments.
    parameters: Value,
}

/// How an answer is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ToolMode {
    /// As text.
    #[default]
    None,
    /// As text, or as calls of these functions if it is written as such.
    Auto(Vec<String>),
    /// As a call of one of several functions: `{"name": …, "arguments": …}`.
    Required,
    /// As the arguments of this function.
    Named(String),
}

/// What a request says of tools.
#[derive(Debug, Default)]
pub struct ToolRequest {
    pub mode: ToolMode,
    /// What the model is told.
    pub prompt: Option<String>,
    /// What it is held to, and the field that demands it.
    pub grammar: Option<(&'static str, Grammar)>,
}

/// A call, as an answer has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    pub name: String,
    /// JSON, as text.
    pub arguments: String,
}

/// Reads `tools` and `tool_choice`.
///
/// # Errors
/// `ErrorResponse` that names the field.
pub fn read(fields: &mut JsonFields) -> Result<ToolRequest, ErrorResponse> {
    let mut tools = Vec::new();
    for (at, value) in fields.list("tools", TOOLS_MAX)?.unwrap_or_default().into_iter().enumerate() {
        let tool = tool(JsonFields::of(fields.path(&format!("tools[{at}]")), value)?)?;
        if tools.iter().any(|other: &Tool| other.name == tool.name) {
            return Err(fields.refuse("tools", format!("two functions are called {:?}", tool.name)));
        }
        tools.push(tool);
    }
    let choice = fields.take("tool_choice");
    let no_tools =
        |what: &str| Err(fields.refuse("tool_choice", format!("{what} without `tools`; say which there are")));
    match choice {
        Some(Value::String(word)) => match word.as_str() {
            "none" => Ok(ToolRequest::default()),
            "auto" => Ok(auto(&tools)),
            "required" if tools.is_empty() => no_tools("\"required\""),
            "required" if tools.len() == 1 => Ok(one_tool(&tools[0])),
            "required" => Ok(any_tool(&tools)),
            other => Err(fields.refuse(
                "tool_choice",
                format!("{other:?}; there are none, auto, required, and {{\"type\": \"function\", \"function\": {{\"name\": …}}}}"),
            )),
        },
        Some(value @ Value::Object(_)) => {
            let mut choice = JsonFields::of(fields.path("tool_choice"), value)?;
            let kind = choice.text("type")?;
            if let Some(kind) = kind.filter(|kind| kind != "function") {
                return Err(choice.refuse("type", format!("{kind:?}; it is \"function\"")));
            }
            let mut function = match choice.take("function") {
                Some(function) => JsonFields::of(choice.path("function"), function)?,
                None => return Err(choice.refuse("function", "it is missing: {\"name\": …}")),
            };
            let name = function.text("name")?;
            let name = function.require("name", name)?;
            match tools.iter().find(|tool| tool.name == name) {
                Some(tool) => Ok(one_tool(tool)),
                None => Err(function.refuse("name", format!("{name:?} is none of `tools`"))),
            }
        }
        Some(other) => Err(fields.refuse("tool_choice", unlike("a word or an object", &other))),
        None => Ok(auto(&tools)),
    }
}

fn tool(mut fields: JsonFields) -> Result<Tool, ErrorResponse> {
    let kind = fields.text("type")?;
    if let Some(kind) = kind.filter(|kind| kind != "function") {
        return Err(fields.refuse("type", format!("{kind:?}; there are functions only")));
    }
    let function = fields.object("function")?;
    let mut function = fields.require("function", function)?;
    let name = function.text("name")?;
    let name = function.require("name", name)?;
    let fits = |sign: char| sign.is_ascii_alphanumeric() || "_-.".contains(sign);
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(fits) {
        return Err(function.refuse("name", format!("it has 1 to {NAME_CHARS_MAX} letters, digits, _, - and .")));
    }
    let description = function.text("description")?;
    if let Some(length) = description.as_ref().map(String::len).filter(|&length| length > DESCRIPTION_BYTES_MAX) {
        return Err(function.refuse("description", format!("{length} bytes; {DESCRIPTION_BYTES_MAX} are the most")));
    }
    let parameters = match function.take("parameters") {
        None => json!({"type": "object", "properties": {}, "additionalProperties": false}),
        Some(schema @ Value::Object(_)) => {
            bound_schema(&schema).map_err(|why| function.refuse("parameters", why))?;
            schema
        }
        Some(other) => return Err(function.refuse("parameters", unlike("a schema", &other))),
    };
    Ok(Tool { name, description, parameters })
}

fn auto(tools: &[Tool]) -> ToolRequest {
    if tools.is_empty() {
        return ToolRequest::default();
    }
    let how = format!(
        "To call one, answer with nothing but {OPEN}{{\"name\": \"NAME\", \"arguments\": {{…}}}}{CLOSE}. Call one only if it helps; else answer as usual."
    );
    let mode = ToolMode::Auto(tools.iter().map(|tool| tool.name.clone()).collect());
    ToolRequest { mode, prompt: Some(instructions(tools, &how)), grammar: None }
}

fn one_tool(tool: &Tool) -> ToolRequest {
    let how = format!("Call {} now: answer with its arguments alone, as JSON.", tool.name);
    ToolRequest {
        mode: ToolMode::Named(tool.name.clone()),
        prompt: Some(instructions(std::slice::from_ref(tool), &how)),
        grammar: Some(("tool_choice", Grammar::Schema(tool.parameters.clone()))),
    }
}

/// Each schema is the root of its own document, so that what it refers to is found.
fn any_tool(tools: &[Tool]) -> ToolRequest {
    let mut lark = "start: ".to_owned();
    let names: Vec<String> = (0..tools.len()).map(|at| format!("tool{at}")).collect();
    lark.push_str(&names.join(" | "));
    for (rule, tool) in names.iter().zip(tools) {
        let Tool { name, parameters, .. } = tool;
        let mut schema = parameters.clone();
        bound_lengths(&mut schema);
        let _ = write!(
            lark,
            "\n{rule}: \"{{\\\"name\\\": \\\"{name}\\\", \\\"arguments\\\": \" {rule}_arguments \"}}\"\n{rule}_arguments: %json {schema}"
        );
    }
    let how = "Call one of them now: answer with {\"name\": \"NAME\", \"arguments\": {…}} alone.";
    ToolRequest {
        mode: ToolMode::Required,
        prompt: Some(instructions(tools, how)),
        grammar: Some(("tool_choice", Grammar::Lark(lark))),
    }
}

fn bound_lengths(schema: &mut Value) {
    if schema.get("x-guidance").is_none() {
        close_objects(schema);
    }
    if let Some(fields) = schema.as_object_mut() {
        fields.entry("x-guidance").or_insert_with(|| json!({"whitespace_flexible": false}));
    }
}

/// What the model is told of the functions.
fn instructions(tools: &[Tool], how: &str) -> String {
    let mut text = "You can call these functions:\n".to_owned();
    for Tool { name, description, parameters } in tools {
        let function = json!({"name": name, "description": description, "parameters": parameters});
        let _ = writeln!(text, "{function}");
    }
    text.push_str(how);
    text
}

/// A call of an earlier turn as the model would have written it.
///
/// # Errors
/// `ErrorResponse` that names the field.
pub fn call_text(mut call: JsonFields) -> Result<String, ErrorResponse> {
    let function = call.object("function")?;
    let function = call.require("function", function)?;
    function_call_text(function)
}

/// The same of a call in the field `function_call`.
///
/// # Errors
/// As `call_text`.
pub fn function_call_text(mut function: JsonFields) -> Result<String, ErrorResponse> {
    let name = function.text("name")?;
    let name = function.require("name", name)?;
    let arguments = match function.take("arguments") {
        None => json!({}),
        Some(Value::String(text)) => super::json::read(text.as_bytes()).unwrap_or(Value::String(text)),
        Some(other) => other,
    };
    Ok(format!("{OPEN}{}{CLOSE}", json!({"name": name, "arguments": arguments})))
}

/// What a function returned, as the model is told.
pub fn result_text(text: &str) -> String {
    format!("<tool_response>\n{text}\n</tool_response>")
}

impl ToolMode {
    /// Whether an answer that begins so may yet turn out to be a call, so that nothing of it can be shown as text.
    pub fn may_call(&self, text: &str) -> bool {
        match self {
            ToolMode::None => false,
            ToolMode::Named(_) | ToolMode::Required => true,
            ToolMode::Auto(_) => {
                let text = text.trim_start();
                text.starts_with(OPEN) || OPEN.starts_with(text)
            }
        }
    }

    /// The calls in a whole answer; none if it is text.
    pub fn calls(&self, text: &str) -> Vec<ToolCall> {
        match self {
            ToolMode::None => Vec::new(),
            ToolMode::Named(name) => vec![ToolCall { name: name.clone(), arguments: text.to_owned() }],
            ToolMode::Required => call(text, None).into_iter().collect(),
            ToolMode::Auto(names) => marked_calls(text, names).unwrap_or_default(),
        }
    }
}

fn marked_calls(text: &str, names: &[String]) -> Option<Vec<ToolCall>> {
    let mut calls = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (inner, after) = rest.strip_prefix(OPEN)?.split_once(CLOSE)?;
        calls.push(call(inner, Some(names))?);
        rest = after.trim_start();
    }
    Some(calls)
}

fn call(text: &str, names: Option<&[String]>) -> Option<ToolCall> {
    let value: Value = serde_json::from_str(text.trim()).ok()?;
    let name = value.get("name")?.as_str()?.to_owned();
    if names.is_some_and(|names| !names.contains(&name)) {
        return None;
    }
    let arguments = value.get("arguments").filter(|arguments| arguments.is_object())?.to_string();
    Some(ToolCall { name, arguments })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_of(body: Value) -> Result<ToolRequest, ErrorResponse> {
        read(&mut JsonFields::of("", body).unwrap())
    }

    fn two() -> Value {
        json!([
            {"type": "function", "function": {"name": "add", "description": "Adds", "parameters": {"type": "object"}}},
            {"type": "function", "function": {"name": "now"}},
        ])
    }

    #[test]
    fn what_a_client_chooses_is_what_the_answer_is_read_as() {
        for (choice, mode) in [
            (json!(null), ToolMode::Auto(vec!["add".to_owned(), "now".to_owned()])),
            (json!("auto"), ToolMode::Auto(vec!["add".to_owned(), "now".to_owned()])),
            (json!("none"), ToolMode::None),
            (json!("required"), ToolMode::Required),
            (json!({"type": "function", "function": {"name": "now"}}), ToolMode::Named("now".to_owned())),
        ] {
            let read = read_of(json!({"tools": two(), "tool_choice": choice})).unwrap();
            assert_eq!(read.mode, mode);
            assert_eq!(read.grammar.is_some(), matches!(mode, ToolMode::Required | ToolMode::Named(_)), "{choice}");
            assert_eq!(read.prompt.is_some(), mode != ToolMode::None);
        }
        assert_eq!(read_of(json!({"tool_choice": "auto"})).unwrap().mode, ToolMode::None);
    }

    #[test]
    fn calls_are_found_in_answers_and_text_stays_text() {
        let auto = ToolMode::Auto(vec!["add".to_owned()]);
        let add = |arguments: &str| ToolCall { name: "add".to_owned(), arguments: arguments.to_owned() };
        for (text, expected) in [
            (r#"<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>"#, vec![add(r#"{"a":1}"#)]),
            (
                "\n<tool_call>\n{\"name\": \"add\", \"arguments\": {}}\n</tool_call>\n<tool_call>{\"name\":\"add\",\"arguments\":{\"b\":2}}</tool_call> ",
                vec![add("{}"), add(r#"{"b":2}"#)],
            ),
            (r#"<tool_call>{"name": "other", "arguments": {}}</tool_call>"#, vec![]),
            (r#"<tool_call>{"name": "add", "arguments": 3}</tool_call>"#, vec![]),
            (r#"<tool_call>{"name": "add", "arguments": {}}"#, vec![]),
            (r#"I say <tool_call>{"name": "add", "arguments": {}}</tool_call>"#, vec![]),
            ("", vec![]),
            ("hello", vec![]),
        ] {
            assert_eq!(auto.calls(text), expected, "{text}");
        }
        for (text, may) in [("", true), ("  <tool", true), ("<tool_call>{", true), ("<think", false), ("Hi", false)] {
            assert_eq!(auto.may_call(text), may, "{text}");
        }
        assert_eq!(ToolMode::Named("add".to_owned()).calls("{\"a\": 1"), [add("{\"a\": 1")]);
        assert_eq!(ToolMode::Required.calls(r#"{"name": "add", "arguments": {"a": [1]}}"#), [add(r#"{"a":[1]}"#)]);
    }

    #[test]
    fn earlier_calls_are_told_as_they_would_be_written() {
        let call = json!({"id": "x", "type": "function", "function": {"name": "add", "arguments": "{\"a\": 1}"}});
        let text = call_text(JsonFields::of("tool_calls[0]", call).unwrap()).unwrap();
        assert_eq!(text, r#"<tool_call>{"name":"add","arguments":{"a":1}}</tool_call>"#);
        assert_eq!(ToolMode::Auto(vec!["add".to_owned()]).calls(&text).len(), 1);
    }
}
