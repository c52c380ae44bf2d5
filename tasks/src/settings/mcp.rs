//! MCP servers, each as it is started or reached.

use std::collections::BTreeMap;
use std::time::Duration;

use tapwright_contract::name::is_same;

use super::apis::program;
use super::file::McpSection;
use super::policy::SecretPlace;
use super::{MachineFacts, SettingsError, SettingsFile};
use crate::apis::mcp::{McpServerOptions, McpTransport};

/// How long a server may take to start, if nobody says it: some fetch themselves first.
const START: Duration = Duration::from_secs(30);
const START_MS_MAX: u64 = 600_000;
/// How much of an answer is told, if nobody says it.
const ANSWER_BYTES: usize = 64 << 10;
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// A call's name begins with it.
const NAME_CHARS_MAX: usize = 24;
const SERVERS_MAX: usize = 16;
/// The one variable that every program gets: without it most would not even find what they are written in.
const PATH: &str = "PATH";

/// The servers, in the order of their names.
pub(super) fn resolve(
    file: &SettingsFile,
    act: Duration,
    secrets: &BTreeMap<String, SecretPlace>,
    machine: &MachineFacts<'_>,
) -> Result<Vec<McpServerOptions>, SettingsError> {
    let said = &file.sections.mcp;
    let mut servers: Vec<McpServerOptions> = Vec::new();
    for (name, section) in said {
        let wrong = |why: String| file.wrong(None, format!("[mcp.{name}]: {why}"), None);
        is_source_name(name).map_err(wrong)?;
        if servers.iter().any(|other| is_same(&other.name, name)) {
            return Err(wrong("another one is called so, but for capital letters".to_owned()));
        }
        if servers.len() >= SERVERS_MAX {
            return Err(wrong(format!("there are more than {SERVERS_MAX} servers")));
        }
        let server = server(file, name, section, act, machine).map_err(wrong)?;
        if let Some(secret) = server.secrets().into_iter().find(|secret| !secrets.contains_key(*secret)) {
            return Err(wrong(format!("the secret {secret:?} is not configured: add [policy.secrets.{secret}]")));
        }
        servers.push(server);
    }
    Ok(servers)
}

/// Whether the names of calls can begin so.
pub(super) fn is_source_name(name: &str) -> Result<(), String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    let begins = name.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    match begins && name.len() <= NAME_CHARS_MAX && name.chars().all(is_plain) {
        true => Ok(()),
        false => Err(format!(
            "a server's name has letters, digits, - and _, {NAME_CHARS_MAX} of them at most: its calls begin with it"
        )),
    }
}

/// How long a server may take to start, or a description to come.
pub(super) fn start_within(said: Option<u64>) -> Result<Duration, String> {
    let start = said.map_or(START, Duration::from_millis);
    match start.is_zero() || start > Duration::from_millis(START_MS_MAX) {
        true => Err(format!("start_ms is 1 to {START_MS_MAX}")),
        false => Ok(start),
    }
}

fn server(
    file: &SettingsFile,
    name: &str,
    section: &McpSection,
    act: Duration,
    machine: &MachineFacts<'_>,
) -> Result<McpServerOptions, String> {
    let McpSection { command, url, headers, env, pass_env, tools, effect, effects, .. } = section;
    let transport = match (command, url) {
        (Some(argv), None) if headers.is_empty() => {
            let argv = program(argv, |path| file.beside(path));
            if argv.first().is_none_or(String::is_empty) {
                return Err("command names no program: command = [\"PROGRAM\", \"ARGUMENT\"]".to_owned());
            }
            if argv.iter().any(|argument| !tapwright_agent::secrets::names(argument).is_empty()) {
                return Err(
                    "all who use this machine can see a program's arguments; a secret goes into env = { NAME = \"…\" }"
                        .to_owned(),
                );
            }
            McpTransport::Command { argv, env: variables(env, pass_env, machine)? }
        }
        (None, Some(url)) if env.is_empty() && pass_env.is_empty() => {
            let is_address = reqwest::Url::parse(url)
                .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
            if !is_address {
                return Err(format!("{url:?} is no address that begins with http:// or https://"));
            }
            if !tapwright_agent::secrets::names(url).is_empty() {
                return Err("a secret goes into headers: addresses are written to logs".to_owned());
            }
            McpTransport::Http { url: url.clone(), headers: headers.clone() }
        }
        _ => return Err("it has either command, with env and pass_env; or url, with headers".to_owned()),
    };
    let start = start_within(section.start_ms)?;
    let within = section.timeout_ms.map_or(act, Duration::from_millis);
    if within.is_zero() || within > act {
        return Err(format!("timeout_ms is 1 to {}, as act_ms in [limits] says", act.as_millis()));
    }
    let answer_bytes_max = section.answer_bytes_max.unwrap_or(ANSWER_BYTES);
    if !(1..=ANSWER_BYTES_MAX).contains(&answer_bytes_max) {
        return Err(format!("answer_bytes_max is 1 to {ANSWER_BYTES_MAX}"));
    }
    Ok(McpServerOptions {
        name: name.to_owned(),
        transport,
        tools: tools.clone(),
        effect: *effect,
        effects: effects.clone(),
        start,
        within,
        answer_bytes_max,
        is_optional: section.optional,
    })
}

/// All variables of a program: those that are said, and those that are named of this program's own.
fn variables(
    said: &BTreeMap<String, String>,
    passed: &[String],
    machine: &MachineFacts<'_>,
) -> Result<BTreeMap<String, String>, String> {
    let mut env = BTreeMap::new();
    if let Some(path) = (machine.variable)(PATH) {
        env.insert(PATH.to_owned(), path);
    }
    for name in passed {
        let value = (machine.variable)(name).ok_or_else(|| {
            format!("pass_env names the variable {name:?}, which is not set here; set it, or leave it out")
        })?;
        env.insert(name.clone(), value);
    }
    env.extend(said.clone());
    match env.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
        Some(name) => Err(format!("{name:?} cannot be the name of a variable")),
        None => Ok(env),
    }
}
