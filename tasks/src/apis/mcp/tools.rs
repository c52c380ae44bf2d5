//! What a server offers, read as calls; and what a call came to, as text.

use serde_json::Value;
use tapwright_agent::calls::{ABOUT_CHARS_MAX, ApiCatalog};
use tapwright_contract::api::{ApiEffect, ApiSpec};

use super::McpServerOptions;
use crate::apis::described::{
    OFFERED_MAX, SHOWN_CHARS_MAX, UnknownCall, UnofferedApi, find_unknown, is_wanted, one_line,
};

/// A tool that is offered.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    pub spec: ApiSpec,
    /// What the server itself calls it.
    pub name: String,
    /// All that the server says of it: if any of that is another one by the time of a call, the call is not made.
    pub said: Value,
    /// Whether the server says that it only reads. Nothing is allowed by that; but what has failed then has changed nothing.
    pub says_reads: bool,
}

/// What a server has, and what of it is not offered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolList {
    pub tools: Vec<Tool>,
    pub left_out: Vec<UnofferedApi>,
}

impl ToolList {
    /// Reads what a server has said of its tools.
    pub fn read(said: &[Value], options: &McpServerOptions) -> ToolList {
        let mut list = ToolList::default();
        let mut catalog = ApiCatalog::default();
        for tool in said {
            let name = tool["name"].as_str().unwrap_or_default();
            let called = format!("{}.{name}", options.name);
            let mut leave_out = |why: String, is_unchosen: bool| {
                let name = one_line(&called, SHOWN_CHARS_MAX);
                list.left_out.push(UnofferedApi { name, why, is_unchosen });
            };
            if !is_wanted(options.tools.as_deref(), &[name]) {
                leave_out(format!("[mcp.{}] tools does not name it", options.name), true);
                continue;
            }
            if list.tools.len() >= OFFERED_MAX && options.tools.is_none() {
                let why = format!(
                    "the first {OFFERED_MAX} tools of a server are offered; name those that are wanted: [mcp.{}] tools = [\"{}\"]",
                    options.name,
                    one_line(name, SHOWN_CHARS_MAX)
                );
                leave_out(why, false);
                continue;
            }
            let spec = ApiSpec {
                name: called.clone(),
                about: about(tool, name),
                parameters: tool["inputSchema"].clone(),
                effect: options.effect_of(name, &tool["annotations"]),
            };
            if let Err(error) = catalog.add(spec.clone()) {
                leave_out(error.to_string(), false);
                continue;
            }
            let says_reads = tool["annotations"]["readOnlyHint"].as_bool() == Some(true);
            list.tools.push(Tool { spec, name: name.to_owned(), said: tool.clone(), says_reads });
        }
        list
    }

    /// The tool that is called so.
    pub fn by_name(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.spec.name.eq_ignore_ascii_case(name))
    }
}

/// What it is for, on one line.
fn about(tool: &Value, name: &str) -> String {
    let title = [&tool["title"], &tool["annotations"]["title"]].into_iter().find_map(Value::as_str);
    let told = [tool["description"].as_str(), title, Some(name)].into_iter().flatten();
    told.map(|text| one_line(text, ABOUT_CHARS_MAX)).find(|line| !line.is_empty()).unwrap_or_default()
}

impl McpServerOptions {
    /// What a tool does: what the settings say; or else what the server says, who is not believed that it only reads. What it leaves
    /// unsaid is the worst of what the protocol has it mean.
    fn effect_of(&self, tool: &str, annotations: &Value) -> ApiEffect {
        let hint = |name: &str| annotations[name].as_bool();
        if let Some(effect) = self.effects.get(tool).copied().or(self.effect) {
            return effect;
        }
        let reads = hint("readOnlyHint") == Some(true);
        match (reads, hint("destructiveHint"), hint("openWorldHint")) {
            (false, None | Some(true), _) => ApiEffect::Irreversible,
            (false, Some(false), None) | (_, _, Some(true)) => ApiEffect::LeavesTheDevice,
            (true, _, None | Some(false)) | (false, Some(false), Some(false)) => ApiEffect::Changes,
        }
    }

    /// A name in the settings that is no tool's.
    pub fn find_unknown(&self, said: &[Value]) -> Option<UnknownCall> {
        let known: Vec<&str> = said.iter().filter_map(|tool| tool["name"].as_str()).collect();
        find_unknown(self.tools.iter().flatten().chain(self.effects.keys()), &known)
    }
}

/// What a call came to: the text, and whether the tool says that it went wrong.
pub fn outcome(result: &Value) -> (String, bool) {
    let has_content = result["content"].is_array() || result["structuredContent"].is_object();
    if !has_content {
        return ("the server's answer has no content, which MCP asks for".to_owned(), true);
    }
    let failed = result["isError"].as_bool() == Some(true);
    let mut parts: Vec<String> = result["content"].as_array().into_iter().flatten().map(part).collect();
    if parts.iter().all(String::is_empty)
        && let Some(structured) = result.get("structuredContent").filter(|content| !content.is_null())
    {
        parts = vec![structured.to_string()];
    }
    parts.retain(|part| !part.is_empty());
    (parts.join("\n"), failed)
}

fn part(content: &Value) -> String {
    let kind = content["type"].as_str().unwrap_or("nothing");
    let media = |of: &Value| one_line(of["mimeType"].as_str().unwrap_or("of no type"), 60);
    match kind {
        "text" => content["text"].as_str().unwrap_or_default().to_owned(),
        "image" | "audio" => {
            let size = content["data"].as_str().map_or(0, |data| data.len() / 4 * 3);
            format!("({kind}, {}, about {size} bytes: it is not shown)", media(content))
        }
        "resource_link" => {
            let line = |key: &str| one_line(content[key].as_str().unwrap_or_default(), 300);
            format!("(a resource: {} {})", line("name"), line("uri"))
        }
        "resource" => match content["resource"]["text"].as_str() {
            Some(text) => text.to_owned(),
            None => format!("(a resource, {}: it is not shown)", media(&content["resource"])),
        },
        other => format!("({}: it is not shown)", one_line(other, 60)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::apis::mcp::McpTransport;

    fn options() -> McpServerOptions {
        McpServerOptions {
            name: "s".to_owned(),
            transport: McpTransport::Http { url: String::new(), headers: BTreeMap::new() },
            tools: None,
            effect: None,
            effects: BTreeMap::new(),
            start: Duration::ZERO,
            within: Duration::ZERO,
            answer_bytes_max: 100,
            is_optional: false,
        }
    }

    fn tool(name: &str, more: Value) -> Value {
        let mut tool = json!({ "name": name, "description": "does", "inputSchema": { "type": "object" } });
        tool.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        tool
    }

    #[test]
    fn what_a_server_says_of_its_tools_allows_nothing() {
        use ApiEffect::{Changes, Irreversible, LeavesTheDevice, Reads};
        let mut own = options();
        own.effects = BTreeMap::from([("r".to_owned(), Reads)]);
        for (name, annotations, expected) in [
            ("a", json!(null), Irreversible),
            ("a", json!({ "readOnlyHint": "true" }), Irreversible),
            ("a", json!({ "readOnlyHint": true }), Changes),
            ("a", json!({ "readOnlyHint": true, "destructiveHint": true }), Changes),
            ("a", json!({ "readOnlyHint": true, "openWorldHint": false }), Changes),
            ("a", json!({ "readOnlyHint": true, "openWorldHint": true }), LeavesTheDevice),
            ("a", json!({ "readOnlyHint": false, "destructiveHint": true }), Irreversible),
            ("a", json!({ "destructiveHint": true, "openWorldHint": false }), Irreversible),
            ("a", json!({ "destructiveHint": false }), LeavesTheDevice),
            ("a", json!({ "destructiveHint": false, "openWorldHint": true }), LeavesTheDevice),
            ("a", json!({ "destructiveHint": false, "openWorldHint": false }), Changes),
            ("r", json!({ "destructiveHint": true }), Reads),
        ] {
            assert_eq!(own.effect_of(name, &annotations), expected, "{annotations}");
        }
        own.effect = Some(Changes);
        assert_eq!(own.effect_of("a", &json!(null)), Changes);
    }

    #[test]
    fn what_cannot_be_offered_is_said() {
        let many: Vec<Value> = (0..40).map(|nth| tool(&format!("t{nth}"), json!({}))).collect();
        let mut said = vec![
            tool("a b", json!({})),
            tool("", json!({})),
            json!("no tool"),
            tool("schema", json!({ "inputSchema": { "type": "object", "not": {} } })),
            tool("none", json!({ "inputSchema": null })),
            tool(&"x".repeat(80), json!({})),
        ];
        said.extend(many);
        said.push(tool("T0", json!({})));
        let list = ToolList::read(&said, &options());
        assert_eq!(list.tools.len(), OFFERED_MAX);
        assert_eq!(list.tools.len() + list.left_out.len(), said.len());
        let why = |name: &str| &list.left_out.iter().find(|api| api.name == name).unwrap().why;
        assert!(why("s.a b").contains("a name has letters"));
        assert!(why("s.schema").contains("/not: this word is not known"), "{}", why("s.schema"));
        assert!(why("s.none").contains("a schema is an object"), "{}", why("s.none"));
        assert!(why("s.t35").contains("[mcp.s] tools = [\"t35\"]"), "{}", why("s.t35"));
        let mut few = options();
        few.tools = Some(vec!["t1*".to_owned(), "T0".to_owned()]);
        assert!(list.left_out.iter().all(|api| !api.is_unchosen), "{:?}", list.left_out);
        let list = ToolList::read(&said, &few);
        assert_eq!(list.tools.len(), 12);
        assert!(list.left_out.iter().all(|api| api.is_unchosen), "{:?}", list.left_out);
        few.tools = Some(vec!["t99".to_owned()]);
        assert_eq!(few.find_unknown(&said).unwrap().name, "t99");
        few.tools = Some(vec!["t5".to_owned(), "q*".to_owned()]);
        assert_eq!(few.find_unknown(&said), None);
        few.effects.insert("T5".to_owned(), ApiEffect::Reads);
        let near = UnknownCall { name: "T5".to_owned(), near: Some("t5".to_owned()) };
        assert_eq!(few.find_unknown(&said), Some(near));
    }

    #[test]
    fn what_a_tool_is_for_is_one_short_line() {
        let told = |more: Value| about(&tool("name", more), "name");
        assert_eq!(told(json!({ "description": "One.\n\n  Two\u{202e}.\t" })), "One. Two.");
        assert_eq!(told(json!({ "description": "é".repeat(999) })).chars().count(), ABOUT_CHARS_MAX);
        assert_eq!(told(json!({ "description": " ", "title": "A title" })), "A title");
        assert_eq!(told(json!({ "description": 3 })), "name");
    }

    #[test]
    fn what_comes_of_a_call_is_text() {
        for (result, expected) in [
            (json!({ "content": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }] }), ("a\nb", false)),
            (json!({ "content": [{ "type": "text", "text": "no" }], "isError": true }), ("no", true)),
            (json!({ "content": [], "structuredContent": { "a": 1 } }), ("{\"a\":1}", false)),
            (json!({ "content": [{ "type": "text", "text": "t" }], "structuredContent": { "a": 1 } }), ("t", false)),
            (
                json!({ "content": [{ "type": "image", "mimeType": "image/png", "data": "AAAAAAAA" }] }),
                ("(image, image/png, about 6 bytes: it is not shown)", false),
            ),
            (json!({ "content": [{ "type": "resource", "resource": { "text": "r" } }] }), ("r", false)),
            (
                json!({ "content": [{ "type": "video\n" }, 3] }),
                ("(video: it is not shown)\n(nothing: it is not shown)", false),
            ),
            (json!({ "content": "text" }), ("the server's answer has no content, which MCP asks for", true)),
            (json!(null), ("the server's answer has no content, which MCP asks for", true)),
            (json!({ "content": [] }), ("", false)),
        ] {
            assert_eq!(outcome(&result), (expected.0.to_owned(), expected.1), "{result}");
        }
    }
}
