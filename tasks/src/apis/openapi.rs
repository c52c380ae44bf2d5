//! Services that an OpenAPI document describes, 3.0 and later: each of their operations is a call under the service's name,
//! `pets.listPets`.
//!
//! A description is somebody else's text. It says what can be asked and how, and nothing of where: the host is the settings', and so are
//! keys and what an operation does to the world, where its method does not say it.
//!
//! The document is walked as it is. The crate `openapiv3` reads 3.0 only, into types of which every field would have to be taken apart
//! again, and refuses a whole document for one odd field; here one odd operation is left out.
//!
//! | room | what is there |
//! | --- | --- |
//! | [`operations`] | operations as calls |
//! | [`request`] | a call as a request |
//! | [`schemas`] | schemas that refer to each other |

mod operations;
mod request;
mod schemas;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderValue};
use serde_json::Value;
use tapwright_agent::secrets::{Secrets, names};
use tapwright_contract::api::{ApiEffect, ApiError, ApiSpec, Apis};
use tapwright_contract::file;
use tokio::time::timeout;

use self::operations::{Operation, OperationList};
use super::described::{UnofferedApi, one_line};
use super::http::HttpSender;

/// How long a description may be.
const DESCRIPTION_BYTES_MAX: usize = 16 << 20;

/// A service, as somebody writes it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenApiOptions {
    /// What its calls begin with.
    pub name: String,
    pub description: DescriptionSource,
    /// Where its paths begin. Without it, where the description says, if that is the host that the description is from.
    pub url: Option<String>,
    /// Secrets may be in their values.
    pub headers: BTreeMap<String, String>,
    /// The operations that are wanted: by name, by how names begin, or as `GET /pets`. All if nobody says it, as far as there is room.
    pub operations: Option<Vec<String>>,
    /// What all of its operations do, in place of what their methods mean.
    pub effect: Option<ApiEffect>,
    /// What one operation does.
    pub effects: BTreeMap<String, ApiEffect>,
    /// How long the description may take to come.
    pub start: Duration,
    /// How long a call may take.
    pub within: Duration,
    /// How much of an answer is told.
    pub answer_bytes_max: usize,
    /// Whether a run begins without it if its description cannot be had.
    pub is_optional: bool,
}

/// Where the description of a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DescriptionSource {
    File(PathBuf),
    Address(String),
}

impl OpenApiOptions {
    /// The secrets that it needs, by name.
    pub fn secrets(&self) -> Vec<&str> {
        self.headers.values().flat_map(|value| names(value)).collect()
    }

    fn wrong(&self, why: impl Into<String>, help: Option<String>) -> OpenApiError {
        OpenApiError { name: self.name.clone(), why: why.into(), help }
    }
}

/// Why there is no service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("[apis.{name}]: {why}")]
pub struct OpenApiError {
    pub name: String,
    why: String,
    pub help: Option<String>,
}

/// A service whose description was read.
pub struct OpenApiService {
    options: OpenApiOptions,
    base: Url,
    sender: HttpSender,
    operations: Vec<Operation>,
    left_out: Vec<UnofferedApi>,
}

impl OpenApiService {
    /// Reads the description of a service.
    ///
    /// # Errors
    /// `OpenApiError` if it cannot be had, is none, or leads to where the settings have not said.
    pub async fn open(options: &OpenApiOptions, secrets: &Secrets) -> Result<OpenApiService, OpenApiError> {
        let mut headers = BTreeMap::new();
        for (key, value) in &options.headers {
            let value = secrets.reveal(value).map_err(|name| {
                let help = format!("add [policy.secrets.{name}]");
                options.wrong(format!("the secret {name:?} is not configured"), Some(help))
            })?;
            headers.insert(key.clone(), value);
        }
        let sender = HttpSender::new(&headers, options.answer_bytes_max, secrets);
        let mut sender = sender.map_err(|error| options.wrong(error.to_string(), None))?;
        sender.default_header(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.8"));
        let (bytes, from) = options.description(&sender).await?;
        // Reading a long one takes longer than others may be kept waiting.
        let read = tokio::task::spawn_blocking(move || read_document(&bytes)).await;
        let read = read.unwrap_or_else(|_| Err("it could not be read".to_owned()));
        let (root, is_older) = read.map_err(|why| {
            let help = "openapi names a description by OpenAPI 3, as JSON or YAML".to_owned();
            options.wrong(format!("{} is no description of a service: {why}", options.description), Some(help))
        })?;
        let base = options.base(&root, from.as_ref())?;
        let is_elsewhere = |servers: &Value| {
            let said = server_addresses(servers, Some(&base));
            said.into_iter().find(|said| said.trim_end_matches('/') != base.as_str().trim_end_matches('/'))
        };
        let OperationList { operations, left_out, unknown } =
            OperationList::read(&root, is_older, options, is_elsewhere);
        if let Some(wrong) = unknown {
            let help = wrong.near.map(|near| format!("did you mean {near:?}?"));
            return Err(options.wrong(format!("the service has no operation {:?}", wrong.name), help));
        }
        if operations.is_empty() {
            let first = left_out.first().map(|api| format!("; the first is not, {}: {}", api.name, api.why));
            return Err(options.wrong(format!("no operation of it can be offered{}", first.unwrap_or_default()), None));
        }
        Ok(OpenApiService { options: options.clone(), base, sender, operations, left_out })
    }

    pub fn options(&self) -> &OpenApiOptions {
        &self.options
    }

    /// The operations that are not offered.
    pub fn left_out(&self) -> Vec<UnofferedApi> {
        self.left_out.clone()
    }
}

impl std::fmt::Display for DescriptionSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DescriptionSource::File(path) => write!(f, "{}", path.display()),
            DescriptionSource::Address(url) => f.write_str(url),
        }
    }
}

impl OpenApiOptions {
    /// The bytes of the description, and the address that they are from.
    async fn description(&self, sender: &HttpSender) -> Result<(Vec<u8>, Option<Url>), OpenApiError> {
        match &self.description {
            DescriptionSource::File(path) => {
                let bytes = file::read_bytes(path, DESCRIPTION_BYTES_MAX as u64).map_err(|error| {
                    let help = "a path is relative to the file that names it".to_owned();
                    self.wrong(format!("{} cannot be read: {error}", path.display()), Some(help))
                })?;
                Ok((bytes, None))
            }
            DescriptionSource::Address(words) => {
                let from: Url = words.parse().map_err(|_| self.wrong(format!("{words:?} is no address"), None))?;
                // The headers are for the service, and may have its keys.
                let own: Option<Url> = self.url.as_ref().map_or(Some(from.clone()), |url| url.parse().ok());
                let is_own = own.is_some_and(|own| own.origin() == from.origin());
                let loading = timeout(self.start, sender.download(&from, is_own, DESCRIPTION_BYTES_MAX)).await;
                let late = || Err(format!("it has not come within {} s", self.start.as_secs_f32()));
                let bytes = loading.unwrap_or_else(|_| late()).map_err(|why| {
                    let help = format!(
                        "save it as a file, and write openapi = \"FILE\"; optional = true lets runs begin without {}",
                        self.name
                    );
                    self.wrong(format!("the description {words} cannot be had: {why}"), Some(help))
                })?;
                Ok((bytes, Some(from)))
            }
        }
    }

    /// Where the paths begin: where the settings say, or where the description says if that is the host that it is from itself.
    fn base(&self, root: &Value, from: Option<&Url>) -> Result<Url, OpenApiError> {
        if let Some(url) = &self.url {
            return url.parse().map_err(|_| self.wrong(format!("url {url:?} is no address"), None));
        }
        let said = server_addresses(&root["servers"], from);
        let write = |url: &str| Some(format!("if that is where what a model writes may go: url = \"{url}\""));
        let Some(from) = from else {
            return Err(match said.first() {
                Some(first) => self.wrong("a description does not say by itself where requests go", write(first)),
                None => {
                    self.wrong("url says where the service is: the description does not", write("https://HOST/PATH"))
                }
            });
        };
        let Some(first) = said.first() else {
            return from.join("/").map_err(|error| self.wrong(error.to_string(), None));
        };
        match first.parse::<Url>() {
            Ok(base) if base.origin() == from.origin() => Ok(base),
            _ => {
                Err(self.wrong(format!("its description leads to another host than it is from, {first}"), write(first)))
            }
        }
    }
}

/// The addresses of a list of servers, with what is usual in their places.
fn server_addresses(servers: &Value, from: Option<&Url>) -> Vec<String> {
    let servers = servers.as_array().into_iter().flatten();
    let address = |server: &Value| {
        let mut url = server["url"].as_str()?.to_owned();
        for (name, variable) in server["variables"].as_object().into_iter().flatten() {
            url = url.replace(&format!("{{{name}}}"), variable["default"].as_str().unwrap_or_default());
        }
        let whole = match from {
            Some(from) => from.join(&url).map(|url| url.to_string()).unwrap_or(url),
            None => url,
        };
        Some(one_line(&whole, 300))
    };
    servers.filter_map(address).collect()
}

/// A description, and whether it is of 3.0; `Err` in words.
fn read_document(bytes: &[u8]) -> Result<(Value, bool), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text in UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}');
    let root: Value = match serde_json::from_str(text) {
        Ok(root) => root,
        Err(error) if text.trim_start().starts_with(['{', '[']) => {
            tapwright_yaml::parse_core(text).map_err(|_| format!("it is no JSON: {error}"))?
        }
        Err(_) => tapwright_yaml::parse_core(text)
            .map_err(|why| format!("it is neither JSON nor YAML: {}", one_line(&why, 200)))?,
    };
    let said = |key: &str| match &root[key] {
        Value::String(version) => version.trim().to_owned(),
        version @ Value::Number(_) => version.to_string(),
        _ => String::new(),
    };
    let version = said("openapi");
    if !said("swagger").is_empty() {
        return Err(format!(
            "it is written by Swagger {}; convert it to OpenAPI 3 first, as converter.swagger.io and swagger2openapi do",
            one_line(&said("swagger"), 20)
        ));
    }
    if !version.starts_with("3.") {
        return Err(match version.is_empty() {
            true => "it does not say openapi: 3.…".to_owned(),
            false => format!("it is written by OpenAPI {}; understood is 3", one_line(&version, 20)),
        });
    }
    if !root["paths"].is_object() {
        return Err("it has no paths".to_owned());
    }
    Ok((root, version.starts_with("3.0")))
}

#[async_trait]
impl Apis for OpenApiService {
    fn specs(&self) -> Vec<ApiSpec> {
        self.operations.iter().map(|operation| operation.spec.clone()).collect()
    }

    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        let mut operations = self.operations.iter();
        let Some(operation) = operations.find(|operation| operation.spec.name.eq_ignore_ascii_case(name)) else {
            return Err(ApiError::Unknown);
        };
        let request = operation
            .request
            .build(&self.base, arguments)
            .map_err(|why| ApiError::Refused { why: format!("{why}; nothing was done") })?;
        self.sender.send(request, None, within.min(self.options.within)).await
    }
}

#[cfg(test)]
mod tests;
