//! APIs, each as it is called.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tapwright_agent::calls::{ApiCatalog, plain_parameters};
use tapwright_agent::policy::Policy;
use tapwright_contract::api::{ApiEffect, ApiSpec};
use tapwright_contract::name::is_same;

use super::file::{ApiSection, ParametersSection};
use super::model::absolute;
use super::policy::SecretPlace;
use super::{SettingsError, SettingsFile};
use crate::apis::mcp::McpServerOptions;
use crate::apis::{ApiEndpoint, ApiTransport, CommandApi, HttpApi};
use crate::mistake::nearest;

/// A program in a folder of its own is where the file says, whatever the folder the user is in.
pub(super) fn program(argv: &[String], beside: impl Fn(PathBuf) -> PathBuf) -> Vec<String> {
    let mut argv = argv.to_vec();
    if let Some(first) = argv.first_mut().filter(|first| first.contains('/')) {
        *first = absolute(&beside(PathBuf::from(&*first)));
    }
    argv
}

/// How much of an answer is read, if nobody says it.
const ANSWER_BYTES: usize = 64 << 10;
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// The APIs, each as it is called.
pub(super) fn resolve(
    file: &SettingsFile,
    act: Duration,
    secrets: &BTreeMap<String, SecretPlace>,
) -> Result<BTreeMap<String, ApiEndpoint>, SettingsError> {
    endpoints(file, act, secrets).map_err(|why| file.wrong(None, why, None))
}

/// A name that is nobody's would mean that nobody is asked.
pub(super) fn named_in(
    file: &SettingsFile,
    policy: &Policy,
    apis: &BTreeMap<String, ApiEndpoint>,
    mcp: &[McpServerOptions],
) -> Result<(), SettingsError> {
    let by_name = policy.apis.keys().map(|name| (name, "[policy.apis]".to_owned()));
    let by_secret = policy.secrets.iter().flat_map(|(secret, usage)| {
        usage.apis.iter().map(move |name| (name, format!("[policy.secrets.{secret}] apis")))
    });
    // Another name may be of an API that the device or an MCP server has: that is known when it is open.
    let is_servers = |name: &str| {
        name.split_once('.').is_some_and(|(server, _)| mcp.iter().any(|known| is_same(&known.name, server)))
    };
    let misspelt = |name: &String| {
        let is_known = is_servers(name) || apis.keys().any(|api| is_same(api, name));
        nearest(name, apis.keys().map(String::as_str)).filter(|_| !is_known)
    };
    match by_name.chain(by_secret).find_map(|(name, at)| Some((name, at, misspelt(name)?))) {
        None => Ok(()),
        Some((name, at, near)) => {
            let help = Some(format!("did you mean `{near}`?"));
            Err(file.wrong(None, format!("{at}: there is no API {name:?}"), help))
        }
    }
}

fn endpoints(
    file: &SettingsFile,
    act: Duration,
    secrets: &BTreeMap<String, SecretPlace>,
) -> Result<BTreeMap<String, ApiEndpoint>, String> {
    let said = &file.sections.apis;
    let mut apis: BTreeMap<String, ApiEndpoint> = BTreeMap::new();
    for (name, api) in said {
        let wrong = |why: &str| Err(format!("[apis.{name}]: {why}"));
        let parameters = match &api.parameters {
            None => plain_parameters(),
            Some(ParametersSection::Text(text)) => match serde_json::from_str(text) {
                Ok(parameters) => parameters,
                Err(error) => return wrong(&format!("parameters is no JSON: {error}")),
            },
            Some(ParametersSection::Table(table)) => match serde_json::to_value(table) {
                Ok(parameters) => parameters,
                Err(error) => return wrong(&format!("parameters is no schema: {error}")),
            },
        };
        let effect = api.effect.unwrap_or(ApiEffect::Changes);
        let spec = ApiSpec { name: name.clone(), about: api.about.clone(), parameters, effect };
        if apis.keys().any(|other| is_same(other, name)) {
            return wrong("another one is called so, but for capital letters");
        }
        let within = api.timeout_ms.map_or(act, Duration::from_millis);
        if within.is_zero() || within > act {
            return wrong(&format!("timeout_ms is 1 to {}, as act_ms in [limits] says", act.as_millis()));
        }
        let answer_bytes_max = api.answer_bytes_max.unwrap_or(ANSWER_BYTES);
        if !(1..=ANSWER_BYTES_MAX).contains(&answer_bytes_max) {
            return wrong(&format!("answer_bytes_max is 1 to {ANSWER_BYTES_MAX}"));
        }
        let ApiSection { url, method, headers, body, pointer, command, env, .. } = api;
        let how = match (url, command) {
            (Some(url), None) if env.is_empty() => ApiTransport::Http(HttpApi {
                method: method.clone().unwrap_or_else(|| if body.is_some() { "POST" } else { "GET" }.to_owned()),
                url: url.clone(),
                headers: headers.clone(),
                body: body.clone(),
                pointer: pointer.clone(),
            }),
            (None, Some(argv)) if method.is_none() && headers.is_empty() && body.is_none() && pointer.is_none() => {
                ApiTransport::Command(CommandApi { argv: program(argv, |path| file.beside(path)), env: env.clone() })
            }
            _ => {
                return wrong("it has either url, with method, headers, body and pointer; or command, with env");
            }
        };
        let endpoint = ApiEndpoint { spec, how, within, answer_bytes_max };
        if let Err(bad) = endpoint.check() {
            return wrong(&bad.to_string());
        }
        if let Some(secret) = endpoint.secrets().into_iter().find(|secret| !secrets.contains_key(*secret)) {
            return wrong(&format!("the secret {secret:?} is not configured: add [policy.secrets.{secret}]"));
        }
        apis.insert(name.clone(), endpoint);
    }
    let mut catalog = ApiCatalog::default();
    for endpoint in apis.values() {
        catalog.add(endpoint.spec.clone()).map_err(|error| format!("[apis.{}]: {error}", endpoint.spec.name))?;
    }
    Ok(apis)
}
