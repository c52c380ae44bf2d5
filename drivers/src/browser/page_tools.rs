//! Tools that a page offers to agents (WebMCP), as calls: where the browser has them, and the settings let the site offer them.
//!
//! What a page says of its tools allows nothing: each counts as what cannot be taken back, and is called by the name of its site,
//! `webmcp.shop.example.add_item`, so that what a policy says of one site's tool holds for no other site. A tool is called only in the
//! document that was seen, and only if it is still what it was then.
//!
//! Chromium tells them by `navigator.modelContextTesting` (since 146, with `--enable-features=WebMCP,WebMCPTesting`); its protocol's own
//! domain `WebMCP` tells them too, and calls none. It is asked in our world of the page, which its scripts cannot reach.

use serde_json::{Value, json};
use tapwright_contract::api::{ApiEffect, ApiError, ApiSpec};
use tapwright_contract::device::DriverErrorKind;
use url::Url;

use super::Connection;
use super::tabs::Tab;
use crate::deadline::Deadline;

/// What the names of these calls begin with.
pub(super) const PREFIX: &str = "webmcp.";
/// What a browser of ours is started with, so that it has them.
pub(super) const SWITCH: &str = "--enable-features=WebMCP,WebMCPTesting";
/// So many tools of a page are offered.
const TOOLS_MAX: usize = 32;
/// As long as the name of a call may be.
const NAME_BYTES_MAX: usize = 64;
/// How much a model is told of one.
const ABOUT_CHARS_MAX: usize = 200;
/// No more characters of an answer are told.
const TOLD_MAX: usize = 20_000;
/// Name, description and schema of each; null where the browser has none.
const LIST: &str = "() => { const context = navigator.modelContextTesting; if (!context || !context.listTools) return null; \
    return context.listTools().slice(0, 200).map(tool => [String(tool.name || '').slice(0, 200), \
    String(tool.description || '').slice(0, 4000), String(tool.inputSchema || '').slice(0, 20000)]) }";
/// Calls one if it is as it was, and tells what came of it.
const CALL: &str = "(name, description, schema, input) => { const context = navigator.modelContextTesting; \
    const now = context && context.listTools().find(tool => tool.name === name); \
    if (!now || String(now.description || '').slice(0, 4000) !== description || String(now.inputSchema || '').slice(0, 20000) !== schema) \
    return Promise.resolve({changed: true}); \
    return context.executeTool(name, input).then(answer => ({answer: answer == null ? '' : String(answer).slice(0, 200000)}), \
    error => ({failed: String(error && error.message || error).slice(0, 1000)})) }";

/// Whose pages may offer tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PageToolSites {
    /// Nobody's: no page is asked.
    #[default]
    None,
    /// Those of these origins, such as `https://shop.example`.
    Origins(Vec<String>),
    All,
}

impl PageToolSites {
    /// Reads a list of origins, in which `*` means all.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn read(names: &[String]) -> Result<PageToolSites, String> {
        if names.iter().any(|name| name == "*") {
            return Ok(PageToolSites::All);
        }
        let origin = |name: &String| {
            let url = Url::parse(name).ok().filter(|url| url.origin().is_tuple() && url.has_host());
            let url = url.filter(|url| url.path() == "/" && url.query().is_none() && url.fragment().is_none());
            let url =
                url.ok_or_else(|| format!("{name:.200?} is no site: write https://shop.example, or \"*\" for all"))?;
            Ok(url.origin().ascii_serialization())
        };
        let origins: Vec<String> = names.iter().map(origin).collect::<Result<_, String>>()?;
        Ok(if origins.is_empty() { PageToolSites::None } else { PageToolSites::Origins(origins) })
    }

    /// Whether no page is asked.
    pub fn is_none(&self) -> bool {
        *self == PageToolSites::None
    }

    fn include(&self, origin: &str) -> bool {
        match self {
            PageToolSites::None => false,
            PageToolSites::Origins(origins) => origins.iter().any(|known| known == origin),
            PageToolSites::All => true,
        }
    }
}

/// The tools of the document that was seen, in one look.
#[derive(Clone, Debug, Default)]
pub(super) struct PageTools {
    look: u64,
    tools: Vec<PageTool>,
}

/// A tool, as the page said it was.
#[derive(Clone, Debug)]
struct PageTool {
    spec: ApiSpec,
    name: String,
    description: String,
    schema: String,
}

/// What a site is called in the name of a call: its host, and its port where that is not the usual one.
fn site_name(url: &Url) -> Option<String> {
    let host = url.host_str()?.trim_matches(['[', ']']).replace(':', "-");
    Some(url.port().map_or_else(|| host.clone(), |port| format!("{host}_{port}")))
}

/// A page's words on one line, without anything that a terminal would obey or that turns the direction of writing.
fn line(text: &str) -> String {
    let is_plain =
        |letter: &char| !matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let words = text.chars().filter(is_plain).map(|letter| if letter.is_control() { ' ' } else { letter });
    let line = words.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(ABOUT_CHARS_MAX - 1) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The tools of a page at an address, from what it says. One whose name cannot be called, or whose schema cannot be read, is left out.
fn read_tools(url: &Url, said: &Value) -> Vec<PageTool> {
    let Some(site) = site_name(url) else { return Vec::new() };
    let is_plain = |name: &str| {
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
    };
    let mut tools: Vec<PageTool> = Vec::new();
    for said in said.as_array().into_iter().flatten() {
        let text = |nth: usize| said[nth].as_str().unwrap_or_default().to_owned();
        let (name, description, schema) = (text(0), text(1), text(2));
        let called = format!("{PREFIX}{site}.{name}");
        let parameters = match schema.trim() {
            "" => Ok(json!({ "type": "object", "properties": {} })),
            schema => serde_json::from_str(schema),
        };
        let is_known = tools.iter().any(|tool| tool.spec.name.eq_ignore_ascii_case(&called));
        let (Ok(parameters @ Value::Object(_)), true, false) =
            (parameters, is_plain(&name) && called.len() <= NAME_BYTES_MAX, is_known)
        else {
            tracing::warn!(
                site,
                name = line(&name),
                "a tool of a page is not offered: its name or its schema cannot be told"
            );
            continue;
        };
        let about = match line(&description) {
            told if told.is_empty() => line(&format!("{name}, a tool of the page")),
            told => told,
        };
        let spec = ApiSpec { name: called, about, parameters, effect: ApiEffect::Irreversible };
        tools.push(PageTool { spec, name, description, schema });
        if tools.len() >= TOOLS_MAX {
            break;
        }
    }
    tools
}

/// What a tool answered, as a text: the texts of an answer as MCP has it, or else all of it.
fn answer_text(answer: &str) -> String {
    let read: Value = serde_json::from_str(answer).unwrap_or_default();
    let parts = read["content"].as_array().into_iter().flatten().filter_map(|part| part["text"].as_str());
    let parts: Vec<&str> = parts.collect();
    let text = match (&read, parts.is_empty()) {
        (_, false) => parts.join("\n"),
        (Value::String(text), true) => text.clone(),
        _ => answer.to_owned(),
    };
    match (text.trim(), text.char_indices().nth(TOLD_MAX)) {
        ("", _) => "done".to_owned(),
        (_, Some((end, _))) => format!("{}\n… the answer is longer; this is its beginning", &text[..end]),
        (text, None) => text.to_owned(),
    }
}

impl Connection {
    /// Asks the document that was just seen for its tools, if its site may offer some.
    pub(super) async fn see_tools(&self, tab: &Tab, deadline: Deadline) {
        let Some(seen) = self.tabs.borrow().seen.filter(|_| !self.tool_sites.is_none()) else { return };
        let url = Url::parse(&tab.url).ok();
        let url = url.filter(|url| self.tool_sites.include(&url.origin().ascii_serialization()));
        let tools = match url {
            None => Vec::new(),
            Some(url) => match self.ask_seen(tab, LIST, &[], deadline).await {
                Ok(said) => read_tools(&url, &said),
                Err(kind) => {
                    tracing::debug!(%kind, "a page does not tell its tools");
                    Vec::new()
                }
            },
        };
        *self.tools() = PageTools { look: seen.look, tools };
    }

    /// The tools of the document that was seen last.
    pub(super) fn tool_specs(&self) -> Vec<ApiSpec> {
        let look = self.tabs.borrow().seen.map(|seen| seen.look);
        let tools = self.tools();
        let is_seen = look == Some(tools.look);
        tools.tools.iter().filter(|_| is_seen).map(|tool| tool.spec.clone()).collect()
    }

    /// Calls a tool of the document that was seen.
    ///
    /// # Errors
    /// `ApiError` says whether it was done.
    pub(super) async fn call_tool(
        &self,
        tab: &Tab,
        name: &str,
        arguments: &Value,
        deadline: Deadline,
    ) -> Result<String, ApiError> {
        let refused =
            |why: &str| Err(ApiError::Refused { why: format!("{why}; nothing was done; look at the screen") });
        let unanswered = |why: String| Err(ApiError::Unanswered { why });
        let tool = self.tools().tools.iter().find(|tool| tool.spec.name.eq_ignore_ascii_case(name)).cloned();
        let Some(PageTool { name, description, schema, .. }) = tool else { return Err(ApiError::Unknown) };
        let input = [name.into(), description.into(), schema.into(), arguments.to_string().into()];
        let came = match self.ask_seen_to_do(tab, CALL, &input, deadline).await {
            Ok(Some(came)) => came,
            Ok(None) => return refused("what is in front is not the page that was seen"),
            Err(DriverErrorKind::TimedOut { .. }) => {
                return unanswered("the page's tool has not answered in time; it may have been done".to_owned());
            }
            Err(kind) => {
                return unanswered(format!("the page went while its tool ran ({kind}); it may have been done"));
            }
        };
        match (came["changed"].as_bool(), came["failed"].as_str(), came["answer"].as_str()) {
            (Some(true), ..) => refused("the page has changed what this tool is"),
            (_, Some(why), _) if why.starts_with("Tool not found") => refused("the page has this tool no more"),
            // What it did before that nobody knows.
            (_, Some(why), _) => {
                unanswered(format!("the page's tool failed: {}; it may have been done in part", line(why)))
            }
            (_, None, answer) => Ok(answer_text(answer.unwrap_or_default())),
        }
    }

    fn tools(&self) -> std::sync::MutexGuard<'_, PageTools> {
        self.page_tools.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_says_of_its_tools_is_bounded_and_named_by_its_site() {
        let read = |url: &str, said: Value| read_tools(&Url::parse(url).unwrap(), &said);
        let object = r#"{"type":"object","properties":{"a":{"type":"string"}}}"#;
        let said = json!([
            ["add_item", "Adds\n\u{202e}an\u{1b}[2J item", object],
            ["ADD_ITEM", "again", object],
            ["plain", "", ""],
            ["a b", "x", ""],
            ["broken", "x", "{"],
            ["list", "x", "[1]"],
            ["", "x", ""],
            ["x".repeat(80), "x", ""],
            [7, 8, 9],
            "no tool",
        ]);
        let tools = read("https://shop.example/basket?x=1", said);
        let told: Vec<(&str, &str)> =
            tools.iter().map(|tool| (tool.spec.name.as_str(), tool.spec.about.as_str())).collect();
        assert_eq!(
            told,
            [
                ("webmcp.shop.example.add_item", "Adds an [2J item"),
                ("webmcp.shop.example.plain", "plain, a tool of the page"),
            ]
        );
        assert!(tools.iter().all(|tool| tool.spec.effect == ApiEffect::Irreversible));
        let name = |url: &str| read(url, json!([["t", "x", ""]]))[0].spec.name.clone();
        assert_eq!(name("http://127.0.0.1:8080/"), "webmcp.127.0.0.1_8080.t");
        assert_eq!(name("https://[::1]:8443/"), "webmcp.--1_8443.t");
        let many: Vec<Value> = (0..100).map(|nth| json!([format!("t{nth}"), "x".repeat(999), ""])).collect();
        let tools = read("https://a.example", many.into());
        assert_eq!((tools.len(), tools[0].spec.about.chars().count()), (TOOLS_MAX, ABOUT_CHARS_MAX));
        assert!(read("https://a.example", json!(null)).is_empty());
    }

    #[test]
    fn whose_tools_are_offered_is_said_by_origin() {
        let read =
            |names: &[&str]| PageToolSites::read(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let shop = read(&["https://Shop.example/", "http://127.0.0.1:80"]).unwrap();
        assert!(shop.include("https://shop.example") && shop.include("http://127.0.0.1"));
        assert!(
            !shop.include("http://shop.example") && !shop.include("https://a.shop.example") && !shop.include("null")
        );
        assert_eq!((read(&[]), read(&["a", "*"])), (Ok(PageToolSites::None), Ok(PageToolSites::All)));
        for wrong in ["shop.example", "https://shop.example/basket", "file:///", "data:text/html,x", ""] {
            assert!(read(&[wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_answer_is_text() {
        for (answer, expected) in [
            (r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#, "a\nb"),
            (r#""said""#, "said"),
            (r#"{"sum":3}"#, r#"{"sum":3}"#),
            ("not json", "not json"),
            ("", "done"),
            ("null", "null"),
        ] {
            assert_eq!(answer_text(answer), expected);
        }
        assert!(answer_text(&"é".repeat(TOLD_MAX + 1)).ends_with("this is its beginning"));
    }
}
