//! APIs, each as it is called.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tapwright_agent::calls::{ApiCatalog, plain_parameters};
use tapwright_agent::policy::Policy;
use tapwright_contract::api::{ApiEffect, ApiSpec};
use tapwright_contract::name::is_same;
use tapwright_drivers::desktop::{ArgumentSource, BusMethod, MethodArgument};

use super::file::{ApiSection, BusArgumentSection, BusSection, ParametersSection};
use super::model::absolute;
use super::policy::SecretPlace;
use super::{SettingsError, SettingsFile};
use crate::apis::mcp::McpServerOptions;
use crate::apis::openapi::OpenApiOptions;
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
const ONE_OF: &str = "it has either url, with method, headers, body and pointer; or command, with env; or dbus, with service, path, \
                      interface, method and arguments";

/// The APIs that are called from here, each as it is called, and those that programs on a desktop's session bus offer.
pub(super) fn resolve(
    file: &SettingsFile,
    act: Duration,
    secrets: &BTreeMap<String, SecretPlace>,
) -> Result<(BTreeMap<String, ApiEndpoint>, Vec<BusMethod>), SettingsError> {
    endpoints(file, act, secrets).map_err(|why| file.wrong(None, why, None))
}

/// A name that is nobody's would mean that nobody is asked.
pub(super) fn named_in(
    file: &SettingsFile,
    policy: &Policy,
    apis: &BTreeMap<String, ApiEndpoint>,
    methods: &[BusMethod],
    mcp: &[McpServerOptions],
    openapi: &[OpenApiOptions],
) -> Result<(), SettingsError> {
    let by_name = policy.apis.keys().map(|name| (name, "[policy.apis]".to_owned()));
    let by_secret = policy.secrets.iter().flat_map(|(secret, usage)| {
        usage.apis.iter().map(move |name| (name, format!("[policy.secrets.{secret}] apis")))
    });
    // Another name may be of an API that the device, an MCP server or a service has: that is known when it is open.
    let sources = || mcp.iter().map(|server| &server.name).chain(openapi.iter().map(|service| &service.name));
    let is_servers =
        |name: &str| name.split_once('.').is_some_and(|(source, _)| sources().any(|known| is_same(known, source)));
    let own = || apis.keys().map(String::as_str).chain(methods.iter().map(|method| method.spec.name.as_str()));
    let misspelt = |name: &String| {
        let is_known = is_servers(name) || own().any(|api| is_same(api, name));
        nearest(name, own()).filter(|_| !is_known)
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
) -> Result<(BTreeMap<String, ApiEndpoint>, Vec<BusMethod>), String> {
    let said = &file.sections.apis;
    let mut apis: BTreeMap<String, ApiEndpoint> = BTreeMap::new();
    let mut methods: Vec<BusMethod> = Vec::new();
    for (name, api) in said.iter().filter(|(_, api)| api.openapi.is_none()) {
        let wrong = |why: &str| Err(format!("[apis.{name}]: {why}"));
        if api.operations.is_some() || !api.effects.is_empty() || api.start_ms.is_some() || api.optional.is_some() {
            return wrong("operations, effects, start_ms and optional are for services: openapi = \"FILE or URL\"");
        }
        let Some(about) = &api.about else {
            return wrong("about is missing: one line that says what it does; the model goes by it");
        };
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
        let spec = ApiSpec { name: name.clone(), about: about.clone(), parameters, effect };
        let mut others = apis.keys().chain(methods.iter().map(|method| &method.spec.name));
        if others.any(|other| is_same(other, name)) {
            return wrong("another one is called so, but for capital letters");
        }
        let (within, answer_bytes_max) = match call_bounds(api, act) {
            Ok(bounds) => bounds,
            Err(why) => return wrong(&why),
        };
        let ApiSection { url, method, headers, body, pointer, command, env, dbus, .. } = api;
        if let Some(dbus) = dbus {
            if url.is_some() || command.is_some() || !other_than_bus_is_empty(api) {
                return wrong(ONE_OF);
            }
            let method = bus_method(dbus, spec, within, answer_bytes_max);
            let known = parameter_names(&method.spec)?;
            match method.check(&known.iter().map(String::as_str).collect::<Vec<_>>()) {
                Ok(()) => methods.push(method),
                Err(bad) => return wrong(&bad.to_string()),
            }
            continue;
        }
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
                return wrong(ONE_OF);
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
    for spec in apis.values().map(|endpoint| &endpoint.spec).chain(methods.iter().map(|method| &method.spec)) {
        catalog.add(spec.clone()).map_err(|error| format!("[apis.{}]: {error}", spec.name))?;
    }
    Ok((apis, methods))
}

/// How long a call may take, and how much of its answer is read.
pub(super) fn call_bounds(api: &ApiSection, act: Duration) -> Result<(Duration, usize), String> {
    let within = api.timeout_ms.map_or(act, Duration::from_millis);
    if within.is_zero() || within > act {
        return Err(format!("timeout_ms is 1 to {}, as act_ms in [limits] says", act.as_millis()));
    }
    let answer_bytes_max = api.answer_bytes_max.unwrap_or(ANSWER_BYTES);
    match (1..=ANSWER_BYTES_MAX).contains(&answer_bytes_max) {
        true => Ok((within, answer_bytes_max)),
        false => Err(format!("answer_bytes_max is 1 to {ANSWER_BYTES_MAX}")),
    }
}

fn other_than_bus_is_empty(api: &ApiSection) -> bool {
    let ApiSection { method, headers, body, pointer, env, .. } = api;
    method.is_none() && headers.is_empty() && body.is_none() && pointer.is_none() && env.is_empty()
}

/// The names of the arguments that a model may give.
fn parameter_names(spec: &ApiSpec) -> Result<Vec<String>, String> {
    let mut catalog = ApiCatalog::default();
    catalog.add(spec.clone()).map_err(|error| format!("[apis.{}]: {error}", spec.name))?;
    Ok(catalog.iter().flat_map(|(_, schema)| schema.properties()).map(str::to_owned).collect())
}

fn bus_method(said: &BusSection, spec: ApiSpec, within: Duration, answer_bytes_max: usize) -> BusMethod {
    let BusSection { service, path, interface, method, arguments } = said.clone();
    let argument = |said: BusArgumentSection| {
        // A whole text that is a place is the argument itself, of whichever type.
        let named = said.value.as_str().and_then(|text| text.strip_prefix("{{")?.strip_suffix("}}"));
        let source = match named {
            Some(name) => ArgumentSource::Named(name.to_owned()),
            None => ArgumentSource::Fixed(serde_json::to_value(&said.value).unwrap_or_default()),
        };
        MethodArgument { signature: said.r#type, source }
    };
    let arguments = arguments.into_iter().map(argument).collect();
    BusMethod { spec, service, path, interface, method, arguments, within, answer_bytes_max }
}
