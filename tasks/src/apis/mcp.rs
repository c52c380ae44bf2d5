//! MCP servers as a source of calls: each of a server's tools is a call under the server's name, `notes.search`.
//!
//! A server is somebody else's program. What it says of its tools allows nothing, what it answers is data, and it can be slow, silent,
//! talkative or gone without anything of a run going with it.
//!
//! The client is our own: it asks for the tools, calls one and hears that they have changed. The crate `rmcp` does all of the protocol
//! in 61,000 lines, brings 12 crates and a second reqwest, and leaves the size of what a server writes unbounded.
//!
//! | room | what is there |
//! | --- | --- |
//! | [`message`] | JSON-RPC |
//! | [`stdio`], [`http`] | how messages travel |
//! | [`tools`] | tools as calls, and what they answer |

mod http;
mod message;
mod stdio;
mod tools;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tapwright_agent::secrets::{LOOKAHEAD_BYTES, Secrets, names};
use tapwright_contract::api::{ApiEffect, ApiError, ApiSpec, Apis};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use self::http::HttpLink;
use self::stdio::StdioLink;
use self::tools::{Tool, ToolList, outcome};
use crate::apis::described::{UnofferedApi, one_line};

/// No longer message is read.
const MESSAGE_BYTES_MAX: usize = 4 << 20;
/// How many tools of one server are looked at, and in how many pages they may come.
const TOOLS_MAX: usize = 1000;
const PAGES_MAX: usize = 50;
/// How long the tools are waited for that are asked for again.
const AGAIN: Duration = Duration::from_secs(10);
/// The version of the protocol that is spoken, and those that are understood: of what is used here they say the same.
const VERSION: &str = "2025-06-18";
const VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", VERSION, "2025-11-25"];
const LIST_CHANGED: &str = "notifications/tools/list_changed";
const CANCELLED: &str = "notifications/cancelled";
const INVALID_PARAMS: i64 = -32602;
const METHOD_NOT_FOUND: i64 = -32601;

/// A server, as somebody writes it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpServerOptions {
    /// What its calls begin with.
    pub name: String,
    pub transport: McpTransport,
    /// The tools that are wanted, by name, or by how names begin: `read_*`. All if nobody says it, as far as there is room.
    pub tools: Option<Vec<String>>,
    /// What all of its tools do, in place of what it says.
    pub effect: Option<ApiEffect>,
    /// What one tool does.
    pub effects: BTreeMap<String, ApiEffect>,
    /// How long it may take to start.
    pub start: Duration,
    /// How long a call may take.
    pub within: Duration,
    /// How much of an answer is told.
    pub answer_bytes_max: usize,
    /// Whether a run begins without it if it does not start.
    pub is_optional: bool,
}

/// How a server is spoken to.
#[derive(Clone, PartialEq, Eq)]
pub enum McpTransport {
    /// A program that is started for it.
    Command {
        argv: Vec<String>,
        /// All of its variables; secrets may be in their values.
        env: BTreeMap<String, String>,
    },
    /// An address.
    Http {
        url: String,
        /// Secrets may be in their values.
        headers: BTreeMap<String, String>,
    },
}

/// Values of variables may be keys.
impl fmt::Debug for McpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            McpTransport::Command { argv, env } => {
                f.debug_struct("Command").field("argv", argv).field("env", &env.keys()).finish()
            }
            McpTransport::Http { url, headers } => {
                f.debug_struct("Http").field("url", url).field("headers", &headers.keys()).finish()
            }
        }
    }
}

impl McpServerOptions {
    /// The secrets that it needs, by name.
    pub fn secrets(&self) -> Vec<&str> {
        let (McpTransport::Command { env: fields, .. } | McpTransport::Http { headers: fields, .. }) = &self.transport;
        fields.values().flat_map(|value| names(value)).collect()
    }
}

/// Why there is no server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the MCP server {name} {why}")]
pub struct McpError {
    pub name: String,
    why: String,
    pub help: Option<String>,
}

/// Why a request has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    /// The server has not seen it.
    #[error("{0}")]
    NotSent(String),
    /// Neither has it, because it knows nothing of us any more.
    #[error("it has ended the session")]
    SessionOver,
    #[error("it says: {message} (error {code})")]
    Answered { code: i64, message: String },
    /// It was sent, and nobody knows what has become of it.
    #[error("{0}")]
    Lost(String),
}

fn late(within: Duration) -> String {
    format!("it has not answered within {} s", within.as_secs_f32())
}

/// How messages get to a server.
enum Link {
    Stdio(StdioLink),
    Http(HttpLink),
}

impl Link {
    async fn request(&self, method: &str, params: &Value, within: Duration) -> Result<Value, Fault> {
        match self {
            Link::Stdio(link) => link.request(method, params, within).await,
            Link::Http(link) => link.request(method, params, within).await,
        }
    }

    /// Agrees with the server on how to speak; `Err` in words.
    async fn greet(&self, within: Duration) -> Result<(), String> {
        if let Link::Http(link) = self {
            link.forget();
        }
        let client = json!({ "name": "tapwright", "version": env!("CARGO_PKG_VERSION") });
        let params = json!({ "protocolVersion": VERSION, "capabilities": {}, "clientInfo": client });
        let said = self.request("initialize", &params, within).await.map_err(|fault| fault.to_string())?;
        let version = said["protocolVersion"].as_str().unwrap_or_default();
        if !VERSIONS.contains(&version) {
            let known = VERSIONS.join(", ");
            return Err(format!("it speaks version {:?} of MCP; understood are {known}", one_line(version, 40)));
        }
        if said["capabilities"]["tools"].is_null() {
            return Err("it says that it has no tools".to_owned());
        }
        let (done, nothing) = ("notifications/initialized", json!({}));
        match self {
            Link::Stdio(link) => link.notice(done, &nothing),
            Link::Http(link) => {
                link.agree(version);
                link.notice(done, &nothing).await;
            }
        }
        Ok(())
    }

    /// All that the server says of its tools.
    async fn tools(&self, within: Duration) -> Result<Vec<Value>, Fault> {
        let until = Instant::now() + within;
        let (mut tools, mut cursor) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let params = cursor.map_or_else(|| json!({}), |cursor: String| json!({ "cursor": cursor }));
            let left = until.saturating_duration_since(Instant::now());
            let mut page = self.request("tools/list", &params, left).await?;
            let Some(said) = page["tools"].as_array_mut() else {
                return Err(Fault::Lost("its list of tools is none".to_owned()));
            };
            tools.append(said);
            cursor = page["nextCursor"].as_str().filter(|cursor| !cursor.is_empty()).map(str::to_owned);
            if cursor.is_none() || tools.len() >= TOOLS_MAX {
                break;
            }
        }
        tools.truncate(TOOLS_MAX);
        Ok(tools)
    }

    fn end_reason(&self) -> Option<String> {
        match self {
            Link::Stdio(link) => link.end_reason(),
            Link::Http(_) => None,
        }
    }

    async fn close(&self) {
        match self {
            Link::Stdio(link) => link.close().await,
            Link::Http(link) => link.close().await,
        }
    }
}

/// A server that was started, and its tools.
pub struct McpServer {
    options: McpServerOptions,
    secrets: Secrets,
    link: Arc<Link>,
    tools: Arc<Mutex<ToolList>>,
    refreshing: JoinHandle<()>,
    /// Whether whoever calls was told that it has ended: until then its tools are there, so that a call says why they are not.
    told_end: bool,
}

impl McpServer {
    /// Starts a server, or greets one that is there, and asks for its tools.
    ///
    /// # Errors
    /// `McpError` if that comes to nothing.
    pub async fn start(options: &McpServerOptions, secrets: &Secrets) -> Result<McpServer, McpError> {
        let error = |why: String, help: Option<String>| McpError { name: options.name.clone(), why, help };
        let reveal = |fields: &BTreeMap<String, String>| {
            let fields = fields.iter().map(|(key, value)| Ok((key.clone(), secrets.reveal(value)?)));
            fields.collect::<Result<BTreeMap<_, _>, String>>().map_err(|name| {
                let help = format!("add [policy.secrets.{name}]");
                error(format!("needs the secret {name:?}, which is not configured"), Some(help))
            })
        };
        let until = Instant::now() + options.start;
        let changed = Arc::new(Notify::new());
        let link = match &options.transport {
            McpTransport::Command { argv, env } => {
                let started = StdioLink::start(argv, &reveal(env)?, changed.clone());
                Link::Stdio(started.map_err(|source| {
                    let program = argv.first().map_or("", String::as_str);
                    let help = "name a program that is there, or its path; it gets PATH and no other variable unless \
                        pass_env names it: pass_env = [\"HOME\"]";
                    error(format!("cannot be started: {program}: {source}"), Some(help.to_owned()))
                })?)
            }
            McpTransport::Http { url, headers } => {
                Link::Http(HttpLink::new(url, &reveal(headers)?, changed.clone()).map_err(|why| error(why, None))?)
            }
        };
        let help =
            format!("[mcp.{}] start_ms says how long it may take; its own words come after the colon", options.name);
        let said = async {
            link.greet(options.start).await?;
            link.tools(until.saturating_duration_since(Instant::now())).await.map_err(|fault| fault.to_string())
        };
        let said = timeout_at(until, said).await.unwrap_or_else(|_| Err(late(options.start)));
        let said = match said {
            Ok(said) => said,
            Err(why) => {
                link.close().await;
                let why = secrets.redact_within(&why, 1000);
                return Err(error(format!("did not start as it should: {why}"), Some(help)));
            }
        };
        if let Some(wrong) = options.find_unknown(&said) {
            link.close().await;
            let help = wrong.near.map(|near| format!("did you mean {near:?}?"));
            return Err(error(format!("has no tool {:?}, which [mcp.{}] names", wrong.name, options.name), help));
        }
        let link = Arc::new(link);
        let tools = Arc::new(Mutex::new(ToolList::read(&said, options)));
        let refreshing = tokio::spawn(refresh(link.clone(), tools.clone(), changed, options.clone()));
        let (options, secrets) = (options.clone(), secrets.clone());
        Ok(McpServer { options, secrets, link, tools, refreshing, told_end: false })
    }

    pub fn options(&self) -> &McpServerOptions {
        &self.options
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.link.end_reason().is_some()
    }

    /// The tools that are not offered.
    pub fn left_out(&self) -> Vec<UnofferedApi> {
        self.list().left_out.clone()
    }

    fn list(&self) -> MutexGuard<'_, ToolList> {
        self.tools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it with all that it has started.
    pub async fn close(self) {
        self.refreshing.abort();
        self.link.close().await;
    }

    /// Asks for the tools again; an HTTP server that has forgotten us is greeted once more.
    async fn list_again(&self, within: Duration) -> Result<(), Fault> {
        let said = match self.link.tools(within).await {
            Err(Fault::SessionOver) => {
                self.link.greet(within).await.map_err(Fault::NotSent)?;
                self.link.tools(within).await?
            }
            said => said?,
        };
        *self.list() = ToolList::read(&said, &self.options);
        Ok(())
    }

    async fn call_tool(&mut self, name: &str, arguments: &Value, until: Instant) -> Result<String, ApiError> {
        let server = self.options.name.clone();
        let refused = |why: String| ApiError::Refused { why: format!("the MCP server {server}: {why}") };
        let Some(before) = self.list().by_name(name).cloned() else { return Err(ApiError::Unknown) };
        let left = || until.saturating_duration_since(Instant::now());
        // Servers change what a tool does under its old name, and not all say so.
        let again = self.list_again(left().min(AGAIN)).await;
        again.map_err(|fault| refused(format!("{fault}; nothing was done")))?;
        match self.list().by_name(name) {
            None => return Err(refused("it has this tool no more; nothing was done".to_owned())),
            Some(now) if *now != before => {
                let why = "it has changed what this tool is; nothing was done; look at what it is for now";
                return Err(refused(why.to_owned()));
            }
            Some(_) => {}
        }
        let Tool { name, spec, says_reads, .. } = before;
        let params = json!({ "name": name, "arguments": arguments });
        let result = self.link.request("tools/call", &params, left()).await.map_err(|fault| match fault {
            Fault::NotSent(_) | Fault::SessionOver => refused(format!("{fault}; nothing was done")),
            Fault::Answered { code: INVALID_PARAMS | METHOD_NOT_FOUND, .. } => refused(fault.to_string()),
            Fault::Answered { .. } | Fault::Lost(_) => {
                ApiError::Unanswered { why: format!("the MCP server {server}: {fault}; it may have been done") }
            }
        })?;
        let (text, failed) = outcome(&result);
        let bytes_max = self.options.answer_bytes_max;
        let end = text.floor_char_boundary(bytes_max.saturating_add(LOOKAHEAD_BYTES));
        let told = super::text(&text.as_bytes()[..end], bytes_max, "text", &self.secrets);
        match (failed, says_reads || spec.effect == ApiEffect::Reads) {
            (false, _) => Ok(told),
            (true, true) => Err(refused(format!("the tool says that it failed: {told}"))),
            (true, false) => {
                let why = format!("the tool says that it failed: {told}; what it did before that nobody knows");
                Err(ApiError::Unanswered { why: format!("the MCP server {server}: {why}") })
            }
        }
    }
}

impl Drop for McpServer {
    fn drop(&mut self) {
        // It holds the link, and the link the server.
        self.refreshing.abort();
    }
}

/// Asks for the tools whenever the server says that they are others now.
async fn refresh(link: Arc<Link>, tools: Arc<Mutex<ToolList>>, changed: Arc<Notify>, options: McpServerOptions) {
    loop {
        changed.notified().await;
        match link.tools(AGAIN).await {
            Ok(said) => {
                *tools.lock().unwrap_or_else(PoisonError::into_inner) = ToolList::read(&said, &options);
            }
            Err(fault) => {
                tracing::warn!(server = options.name, %fault, "its tools have changed, and it does not tell them")
            }
        }
    }
}

#[async_trait]
impl Apis for McpServer {
    fn specs(&self) -> Vec<ApiSpec> {
        if self.told_end {
            return Vec::new();
        }
        self.list().tools.iter().map(|tool| tool.spec.clone()).collect()
    }

    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        let until = Instant::now() + within.min(self.options.within);
        let told = self.call_tool(name, arguments, until).await;
        if let Some(why) = self.link.end_reason().filter(|_| told.is_err() && !self.told_end) {
            tracing::error!(server = self.options.name, why, "an MCP server has ended; the run goes on without it");
            self.told_end = true;
        }
        told
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
