//! Services that an OpenAPI document describes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tapwright_contract::name::is_same;

use super::apis::call_bounds;
use super::file::ApiSection;
use super::mcp::{is_source_name, start_within};
use super::policy::SecretPlace;
use super::{SettingsError, SettingsFile};
use crate::apis::openapi::{DescriptionSource, OpenApiOptions};

const SERVICES_MAX: usize = 16;

/// The services, in the order of their names.
pub(super) fn resolve(
    file: &SettingsFile,
    act: Duration,
    secrets: &BTreeMap<String, SecretPlace>,
) -> Result<Vec<OpenApiOptions>, SettingsError> {
    let mut services: Vec<OpenApiOptions> = Vec::new();
    for (name, section) in &file.sections.apis {
        let Some(openapi) = &section.openapi else { continue };
        let wrong = |why: String| file.wrong(None, format!("[apis.{name}]: {why}"), None);
        is_source_name(name).map_err(wrong)?;
        let servers = file.sections.mcp.keys().chain(services.iter().map(|service| &service.name));
        if servers.into_iter().any(|other| is_same(other, name)) {
            return Err(wrong("another service or an MCP server is called so, and its calls would be, too".to_owned()));
        }
        if services.len() >= SERVICES_MAX {
            return Err(wrong(format!("there are more than {SERVICES_MAX} services")));
        }
        let service = service(file, name, section, openapi, act).map_err(wrong)?;
        if let Some(secret) = service.secrets().into_iter().find(|secret| !secrets.contains_key(*secret)) {
            return Err(wrong(format!("the secret {secret:?} is not configured: add [policy.secrets.{secret}]")));
        }
        services.push(service);
    }
    Ok(services)
}

fn service(
    file: &SettingsFile,
    name: &str,
    section: &ApiSection,
    openapi: &str,
    act: Duration,
) -> Result<OpenApiOptions, String> {
    let ApiSection { url, headers, operations, effect, effects, .. } = section;
    let others = [
        ("about", section.about.is_some()),
        ("method", section.method.is_some()),
        ("body", section.body.is_some()),
        ("pointer", section.pointer.is_some()),
        ("command", section.command.is_some()),
        ("env", !section.env.is_empty()),
        ("parameters", section.parameters.is_some()),
        ("dbus", section.dbus.is_some()),
    ];
    if let Some((key, _)) = others.into_iter().find(|(_, is_there)| *is_there) {
        return Err(format!(
            "{key} is not for services: beside openapi there are url, headers, operations, effect, effects, timeout_ms, \
             answer_bytes_max, start_ms and optional"
        ));
    }
    let is_address = openapi.starts_with("http://") || openapi.starts_with("https://");
    let description = match is_address {
        true => DescriptionSource::Address(address("openapi", openapi)?.to_owned()),
        false => DescriptionSource::File(file.beside(PathBuf::from(openapi))),
    };
    if let Some(url) = url {
        let read =
            address("url", url).and_then(|url| url.parse::<reqwest::Url>().map_err(|error| error.to_string()))?;
        if read.query().is_some() || read.fragment().is_some() {
            return Err("url is where the paths of the service begin: it has no ? and no #".to_owned());
        }
    }
    let (within, answer_bytes_max) = call_bounds(section, act)?;
    Ok(OpenApiOptions {
        name: name.to_owned(),
        description,
        url: url.clone(),
        headers: headers.clone(),
        operations: operations.clone(),
        effect: *effect,
        effects: effects.clone(),
        start: start_within(section.start_ms)?,
        within,
        answer_bytes_max,
        is_optional: section.optional == Some(true),
    })
}

/// An address that something may be asked of.
fn address<'a>(key: &str, words: &'a str) -> Result<&'a str, String> {
    let url = words.parse::<reqwest::Url>().ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    let Some(url) = url else {
        return Err(format!("{key} {words:?} is no address that begins with http:// or https://"));
    };
    if !tapwright_agent::secrets::names(words).is_empty() || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("a secret goes into headers, and not into {key}: addresses are written to logs"));
    }
    Ok(words)
}
