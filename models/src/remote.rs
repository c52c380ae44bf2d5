//! A model behind an OpenAI-compatible server.

mod answer;
mod redaction;
#[cfg(test)]
mod tests;
mod wire;

use std::io;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, Url, redirect};
use tapwright_contract::Picture;
use tapwright_contract::model::{Model, ModelError, ModelErrorKind, Part, Prompt, Reply, Role, Turn};

use crate::settings::Sampling;

pub use crate::settings::ServerGrammar;

/// A server, and what to ask of it. Callers fill in every field.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Up to and including the version: `http://localhost:8000/v1`.
    pub base_url: String,
    /// What the server calls the model.
    pub model: String,
    /// Sent as a bearer token, and shown to nobody.
    pub key: Option<ApiKey>,
    pub sampling: Sampling,
    /// How a prompt's grammar is passed on.
    pub grammar: ServerGrammar,
    /// The longest answer that is read, in bytes of the body.
    pub reply_bytes_max: usize,
}

/// A secret that does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(pub String);

/// Why there can be no such endpoint: mend the settings.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("{url:?} is no address of a server: {why}")]
    Address { url: String, why: String },
    #[error("the key has characters in it that cannot be sent in a header; it is one line of visible ASCII")]
    Key,
    #[error("no connections can be made: {why}")]
    Client { why: String },
}

/// An address as people may be shown it: without what stands before an `@`, where a name and a password are, and without its query,
/// where some servers want a key. It may be none that can be taken apart.
pub fn without_secrets(url: &str) -> String {
    let (url, query) = url.split_once('?').map_or((url, ""), |(url, _)| (url, "?…"));
    let (scheme, rest) =
        url.split_once("://").map_or(("", url), |(scheme, _)| (&url[..scheme.len() + 3], &url[scheme.len() + 3..]));
    match rest.rsplit_once('@') {
        Some((_, rest)) => format!("{scheme}…@{rest}{query}"),
        None => format!("{scheme}{rest}{query}"),
    }
}

/// A model that somebody serves.
pub struct Remote {
    endpoint: Endpoint,
    url: Url,
    client: Client,
    /// What may not leave in the words of a server.
    secrets: Vec<String>,
    /// Requests so far: each has a seed of its own.
    asked: u64,
}

/// Connecting is quick or hopeless; the answer may take as long as the caller says.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// What is read of a server's complaint.
const COMPLAINT_BYTES_MAX: usize = 64 << 10;
/// Seeds are cut to so many bits: not every server takes more.
const SEED_BITS: u32 = 31;

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl Remote {
    /// Says nothing to the server yet.
    ///
    /// # Errors
    /// `EndpointError` when the address or the key cannot be used.
    pub fn new(endpoint: Endpoint) -> Result<Remote, EndpointError> {
        let address = |why: &dyn std::fmt::Display| EndpointError::Address {
            url: without_secrets(&endpoint.base_url),
            why: why.to_string(),
        };
        let mut url = Url::parse(&endpoint.base_url).map_err(|error| address(&error))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(address(&"it begins with http:// or https://"));
        }
        match url.path_segments_mut() {
            Ok(mut segments) => drop(segments.pop_if_empty().extend(["chat", "completions"])),
            Err(()) => return Err(address(&"it has no path")),
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(ApiKey(key)) = &endpoint.key {
            let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| EndpointError::Key)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let mut client = Client::builder()
            .default_headers(headers)
            .connect_timeout(CONNECT_WITHIN)
            // A key and a screen go to the server that was named, and to no other.
            .redirect(redirect::Policy::none());
        if is_loopback(&url) {
            // HTTP_PROXY is for the outside. Another machine would look for this server on itself.
            client = client.no_proxy();
        }
        let client = client.build().map_err(|error| EndpointError::Client { why: error.to_string() })?;
        let of_key = endpoint.key.as_ref().map(|ApiKey(key)| key.clone());
        let secrets = of_key.into_iter().chain(url.password().map(str::to_owned)).collect();
        Ok(Remote { endpoint, url, client, secrets, asked: 0 })
    }

    async fn ask(&self, prompt: &Prompt, asked: u64) -> Result<Reply, ModelErrorKind> {
        let fatal = |why: String| ModelErrorKind::Fatal { why };
        let body = {
            // Encoding a picture takes milliseconds of computing, and others wait on this thread.
            let (endpoint, prompt) = (self.endpoint.clone(), prompt.clone());
            tokio::task::spawn_blocking(move || body(&endpoint, &prompt, asked))
                .await
                .map_err(|_| fatal("the prompt could not be written down".to_owned()))??
        };
        let response = self.client.post(self.url.clone()).body(body).send().await.map_err(unreachable)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(fatal(format!("the server sends us elsewhere ({status}); set its own address")));
        }
        let retry_after = retry_after(response.headers());
        if !status.is_success() {
            let body = read(response, COMPLAINT_BYTES_MAX).await.unwrap_or_default();
            return Err(answer::refusal(status, &body, retry_after));
        }
        answer::reply(&read(response, self.endpoint.reply_bytes_max).await?, retry_after)
    }

    /// The same error in words that give nothing away, and no more of them than somebody would read.
    fn redacted(&self, kind: ModelErrorKind) -> ModelErrorKind {
        let told = |why: String| answer::shortened(&redaction::redacted(&why, &self.secrets));
        match kind {
            ModelErrorKind::TimedOut { within } => ModelErrorKind::TimedOut { within },
            ModelErrorKind::Unavailable { why, retry_after } => {
                ModelErrorKind::Unavailable { why: told(why), retry_after }
            }
            ModelErrorKind::InvalidPrompt { why } => ModelErrorKind::InvalidPrompt { why: told(why) },
            ModelErrorKind::Fatal { why } => ModelErrorKind::Fatal { why: told(why) },
        }
    }
}

#[async_trait]
impl Model for Remote {
    fn name(&self) -> &str {
        &self.endpoint.model
    }

    async fn reply(&mut self, prompt: &Prompt, within: Duration) -> Result<Reply, ModelError> {
        if prompt.grammar.is_some() && self.endpoint.grammar == ServerGrammar::None && self.asked == 0 {
            tracing::debug!("the server is not held to the prompt's grammar: the profile's server_grammar is \"none\"");
        }
        let asked = self.asked;
        self.asked += 1;
        // Dropping the request closes its connection, which is how servers learn that nobody waits.
        let answer = tokio::time::timeout(within, self.ask(prompt, asked)).await;
        answer
            .unwrap_or(Err(ModelErrorKind::TimedOut { within }))
            .map_err(|kind| ModelError { model: self.endpoint.model.clone(), kind: self.redacted(kind) })
    }
}

/// Whether a server is on this machine.
fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_unspecified(),
        Ok(IpAddr::V6(address)) => {
            let mapped = address.to_ipv4_mapped().is_some_and(|address| address.is_loopback());
            address.is_loopback() || address.is_unspecified() || mapped
        }
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// How long a server asks to be left alone: in milliseconds, in seconds, or until a date by its own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| *number >= 0.0);
    if let Some(ms) = text("retry-after-ms").and_then(number) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    let said = text(RETRY_AFTER.as_str())?;
    if let Some(seconds) = number(said) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = httpdate::parse_http_date(said).ok()?;
    let now = text(DATE.as_str()).and_then(|date| httpdate::parse_http_date(date).ok()).or_else(system_time)?;
    Some(until.duration_since(now).unwrap_or_default())
}

/// For servers that name a date and do not say which they have.
fn system_time() -> Option<SystemTime> {
    #[expect(clippy::disallowed_methods, reason = "the other end of a span that a server named by a date")]
    Some(SystemTime::now())
}

/// The request's body.
fn body(endpoint: &Endpoint, prompt: &Prompt, asked: u64) -> Result<Vec<u8>, ModelErrorKind> {
    let messages: Result<Vec<_>, ModelErrorKind> = prompt.turns.iter().map(message).collect();
    let Sampling { temperature, top_p, top_k, min_p, repetition_penalty, presence_penalty, frequency_penalty, seed } =
        endpoint.sampling;
    let grammar = prompt.grammar.as_deref();
    let request = wire::CompletionRequest {
        model: &endpoint.model,
        stream: false,
        messages: messages?,
        frequency_penalty,
        max_tokens: prompt.tokens_max,
        temperature,
        top_p,
        top_k,
        min_p,
        repetition_penalty,
        presence_penalty: Some(presence_penalty).filter(|penalty| *penalty != 0.0),
        // Each answer has its own, or chance could never make another one of a prompt that is asked again.
        seed: (seed != 0 && temperature > 0.0).then(|| seed.wrapping_add(asked) & ((1 << SEED_BITS) - 1)),
        guided_grammar: grammar.filter(|_| endpoint.grammar == ServerGrammar::GuidedGrammar),
        structured_outputs: grammar
            .filter(|_| endpoint.grammar == ServerGrammar::StructuredOutputs)
            .map(|grammar| wire::StructuredOutputs { grammar }),
    };
    serde_json::to_vec(&request).map_err(|error| ModelErrorKind::InvalidPrompt { why: error.to_string() })
}

fn message(turn: &Turn) -> Result<wire::RequestMessage<'_>, ModelErrorKind> {
    let role = match turn.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let content = match &turn.parts[..] {
        // Not every server takes a list where there is only text.
        [Part::Text(text)] => wire::MessageContent::Text(text),
        parts => wire::MessageContent::Items(parts.iter().map(item).collect::<Result<_, ModelErrorKind>>()?),
    };
    Ok(wire::RequestMessage { role, content })
}

fn item(part: &Part) -> Result<wire::MessagePart<'_>, ModelErrorKind> {
    Ok(match part {
        Part::Text(text) => wire::MessagePart::Text { text },
        Part::Picture(picture) => wire::MessagePart::ImageUrl { image_url: wire::Url { url: data_url(picture)? } },
    })
}

/// The picture as PNG, within the request itself.
fn data_url(picture: &Picture) -> Result<String, ModelErrorKind> {
    let bad = |error: png::EncodingError| ModelErrorKind::InvalidPrompt {
        why: format!("the picture cannot be encoded: {error}"),
    };
    let size = picture.size();
    let rgb: Vec<u8> = picture.rgba().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(bad)?;
    writer.write_image_data(&rgb).map_err(bad)?;
    writer.finish().map_err(bad)?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(file)))
}

/// A body of bounded size.
async fn read(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, ModelErrorKind> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > bytes_max {
            // A model that goes on and on about one prompt may answer the next one.
            let why = format!("the server's answer is longer than {bytes_max} bytes");
            return Err(ModelErrorKind::InvalidPrompt { why });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreachable(error: reqwest::Error) -> ModelErrorKind {
    // The innermost cause is the one that people can do something about.
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let why = match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => "no server answers at that address (connection refused)".to_owned(),
        _ => cause.to_string(),
    };
    ModelErrorKind::Unavailable { why, retry_after: None }
}
