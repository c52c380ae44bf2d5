//! A model behind an OpenAI-compatible server.

mod wire;

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use tapwright_contract::Picture;
use tapwright_contract::model::{Model, ModelError, ModelErrorKind, Part, Prompt, Reply, Role, Turn};

use crate::settings::Sampling;

/// A server, and what to ask of it. Callers fill in every field.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Up to and including the version: `http://localhost:8000/v1`.
    pub base_url: String,
    /// What the server calls the model.
    pub model: String,
    /// Sent as a bearer token, and shown to nobody.
    pub key: Option<Key>,
    pub sampling: Sampling,
    /// The longest answer that is read, in bytes of the body.
    pub reply_bytes_max: usize,
}

/// A secret that does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(pub String);

/// Why there can be no such endpoint: mend the settings.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("{url:?} is no address of a server: {why}")]
    Address { url: String, why: String },
    #[error("the key has signs in it that cannot be sent")]
    Key,
    #[error("no connections can be made: {why}")]
    Client { why: String },
}

/// A model that somebody serves.
pub struct Remote {
    endpoint: Endpoint,
    url: Url,
    client: Client,
}

/// Connecting is quick or hopeless; the answer may take as long as the caller says.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// What is repeated of a server's complaint.
const COMPLAINT_MAX: usize = 300;

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Remote {
    /// Says nothing to the server yet.
    ///
    /// # Errors
    /// `EndpointError` when the address or the key cannot be used.
    pub fn new(endpoint: Endpoint) -> Result<Remote, EndpointError> {
        let address = |why: &dyn std::fmt::Display| EndpointError::Address {
            url: endpoint.base_url.clone(),
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
        if let Some(Key(key)) = &endpoint.key {
            let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| EndpointError::Key)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = Client::builder()
            .default_headers(headers)
            .connect_timeout(CONNECT_WITHIN)
            // A key and a screen go to the server that was named, and to no other.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| EndpointError::Client { why: error.to_string() })?;
        Ok(Remote { endpoint, url, client })
    }

    async fn ask(&self, prompt: &Prompt) -> Result<Reply, ModelErrorKind> {
        let broken = |why: String| ModelErrorKind::Fatal { why };
        let body = {
            // Encoding a picture takes milliseconds of computing, and others wait on this thread.
            let (endpoint, prompt) = (self.endpoint.clone(), prompt.clone());
            tokio::task::spawn_blocking(move || body(&endpoint, &prompt))
                .await
                .map_err(|_| broken("the prompt could not be written down".to_owned()))??
        };
        let response = self.client.post(self.url.clone()).body(body).send().await.map_err(unreachable)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(broken(format!("the server sends us elsewhere ({status}); set its own address")));
        }
        if !status.is_success() {
            let complaint = read(response, 64 << 10).await.map(|body| complaint(&body)).unwrap_or_default();
            return Err(refused(status, &complaint));
        }
        let body = read(response, self.endpoint.reply_bytes_max).await?;
        let response: wire::Response = serde_json::from_slice(&body).map_err(|error| {
            broken(format!("the server's answer makes no sense: {error}; it begins {:?}", head(&body)))
        })?;
        let choice = response
            .choices
            .into_iter()
            .next()
            .ok_or_else(|| broken("the server's answer makes no sense: it has no choices".to_owned()))?;
        let content = choice.message.content.unwrap_or_default();
        let text = match choice.message.reasoning_content {
            // Some servers take the thought apart; here it stands where the model wrote it.
            Some(thought) if !thought.trim().is_empty() => format!("<think>{}</think>\n{content}", thought.trim()),
            _ => content,
        };
        let usage = response.usage.unwrap_or(wire::Usage { prompt_tokens: 0, completion_tokens: 0 });
        Ok(Reply {
            text,
            tokens_in: usage.prompt_tokens,
            tokens_out: usage.completion_tokens,
            cut: choice.finish_reason.as_deref() == Some("length"),
        })
    }
}

#[async_trait]
impl Model for Remote {
    fn name(&self) -> &str {
        &self.endpoint.model
    }

    async fn reply(&mut self, prompt: &Prompt, within: Duration) -> Result<Reply, ModelError> {
        // Dropping the request closes its connection, which is how servers learn that nobody waits.
        let answer = tokio::time::timeout(within, self.ask(prompt)).await;
        answer
            .unwrap_or(Err(ModelErrorKind::TimedOut { within }))
            .map_err(|kind| ModelError { model: self.endpoint.model.clone(), kind })
    }
}

/// The request's body.
fn body(endpoint: &Endpoint, prompt: &Prompt) -> Result<Vec<u8>, ModelErrorKind> {
    let messages: Result<Vec<_>, ModelErrorKind> = prompt.turns.iter().map(message).collect();
    let Sampling { temperature, top_p, top_k, min_p, repetition_penalty, presence_penalty, frequency_penalty, seed: _ } =
        endpoint.sampling;
    let request = wire::Request {
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
    };
    serde_json::to_vec(&request).map_err(|error| ModelErrorKind::InvalidPrompt { why: error.to_string() })
}

fn message(turn: &Turn) -> Result<wire::Message<'_>, ModelErrorKind> {
    let role = match turn.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let content = match &turn.parts[..] {
        // Not every server takes a list where there is only text.
        [Part::Text(text)] => wire::Content::Text(text),
        parts => wire::Content::Items(parts.iter().map(item).collect::<Result<_, ModelErrorKind>>()?),
    };
    Ok(wire::Message { role, content })
}

fn item(part: &Part) -> Result<wire::Item<'_>, ModelErrorKind> {
    Ok(match part {
        Part::Text(text) => wire::Item::Text { text },
        Part::Picture(picture) => wire::Item::ImageUrl { image_url: wire::Url { url: data_url(picture)? } },
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
            return Err(ModelErrorKind::Fatal { why: format!("the server's answer is longer than {bytes_max} bytes") });
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
        Some(io::ErrorKind::ConnectionRefused) => "nobody listens at the server's address".to_owned(),
        _ => cause.to_string(),
    };
    ModelErrorKind::Unavailable { why, retry_after: None }
}

/// What a status means for whoever asked.
fn refused(status: StatusCode, complaint: &str) -> ModelErrorKind {
    let why = if complaint.is_empty() {
        format!("the server says {status}")
    } else {
        format!("the server says {status}: {complaint}")
    };
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            ModelErrorKind::Unavailable { why, retry_after: None }
        }
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            ModelErrorKind::InvalidPrompt { why }
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            ModelErrorKind::Fatal { why: format!("{why}; see to the key") }
        }
        StatusCode::NOT_FOUND => {
            ModelErrorKind::Fatal { why: format!("{why}; see to the address and the model's name") }
        }
        status if status.is_server_error() => ModelErrorKind::Unavailable { why, retry_after: None },
        _ => ModelErrorKind::Fatal { why },
    }
}

/// What a server complains of, on one line and no longer than somebody would read.
fn complaint(body: &[u8]) -> String {
    match serde_json::from_slice(body) {
        Ok(wire::Failure::Nested { error: reason } | wire::Failure::Flat(reason)) => head(reason.message.as_bytes()),
        Err(_) => head(body),
    }
}

fn head(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * COMPLAINT_MAX)]);
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(COMPLAINT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapwright_contract::Size;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::mpsc;

    fn endpoint(base_url: String) -> Endpoint {
        let sampling = Sampling { top_p: Some(0.85), frequency_penalty: 0.2, ..Sampling::GREEDY };
        Endpoint {
            base_url,
            model: "m".to_owned(),
            key: Some(Key("secret".to_owned())),
            sampling,
            reply_bytes_max: 4096,
        }
    }

    fn prompt() -> Prompt {
        let picture = Picture::new(Size { width: 2, height: 1 }, vec![1, 2, 3, 255, 4, 5, 6, 0]).unwrap();
        let turn = |role, parts| Turn { role, parts };
        let turns = vec![
            turn(Role::System, vec![Part::Text("rules".to_owned())]),
            turn(Role::User, vec![Part::Picture(picture), Part::Text("look".to_owned())]),
        ];
        Prompt { turns, tokens_max: 30, grammar: None }
    }

    /// Reads one request to its end and returns it.
    async fn request(stream: &mut TcpStream) -> String {
        let mut text = Vec::new();
        loop {
            let mut bytes = [0; 4096];
            let count = stream.read(&mut bytes).await.unwrap();
            text.extend_from_slice(&bytes[..count]);
            let all = String::from_utf8_lossy(&text).into_owned();
            if let Some((head, body)) = all.split_once("\r\n\r\n") {
                let length =
                    head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if count == 0 || body.len() >= length.unwrap_or(0) {
                    return all;
                }
            }
        }
    }

    /// A server that answers every request with these bytes, and then closes the connection.
    async fn server(answer: impl Into<Vec<u8>>) -> (Remote, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, hears) = mpsc::unbounded_channel();
        let answer = answer.into();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = heard.send(request(&mut stream).await);
                let _ = stream.write_all(&answer).await;
            }
        });
        (Remote::new(endpoint(format!("http://{address}/v1/"))).unwrap(), hears)
    }

    fn http(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    async fn trouble(answer: impl Into<Vec<u8>>) -> ModelErrorKind {
        let (mut remote, _hears) = server(answer).await;
        remote.reply(&prompt(), Duration::from_secs(10)).await.unwrap_err().kind
    }

    #[tokio::test]
    async fn a_good_answer_is_taken_and_the_request_is_what_servers_expect() {
        let body = r#"{"choices":[{"message":{"content":"do(action=\"Back\")","x":1},"finish_reason":"length"}],
                       "usage":{"prompt_tokens":7,"completion_tokens":3}}"#;
        let (mut remote, mut hears) = server(http("200 OK", body)).await;
        let reply = remote.reply(&prompt(), Duration::from_secs(10)).await.unwrap();
        let expected = Reply { text: "do(action=\"Back\")".to_owned(), tokens_in: 7, tokens_out: 3, cut: true };
        assert_eq!(reply, expected);

        let request = hears.recv().await.unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1"), "{head}");
        assert!(head.to_lowercase().contains("authorization: bearer secret"), "{head}");
        let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
        let url = body["messages"][1]["content"][0]["image_url"]["url"].take();
        let png = STANDARD.decode(url.as_str().unwrap().strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        let mut reader = png::Decoder::new(io::Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, [1, 2, 3, 4, 5, 6]);
        let expected = serde_json::json!({
            "model": "m", "stream": false, "max_tokens": 30, "temperature": 0.0,
            "frequency_penalty": 0.2, "top_p": 0.85,
            "messages": [
                { "role": "system", "content": "rules" },
                { "role": "user", "content": [
                    { "type": "image_url", "image_url": { "url": null } },
                    { "type": "text", "text": "look" },
                ] },
            ],
        });
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn a_thought_that_the_server_took_apart_is_put_back() {
        let body = r#"{"choices":[{"message":{"content":"answer","reasoning_content":"because"}}]}"#;
        let (mut remote, _hears) = server(http("200 OK", body)).await;
        let reply = remote.reply(&prompt(), Duration::from_secs(10)).await.unwrap();
        assert_eq!(reply.text, "<think>because</think>\nanswer");
    }

    #[tokio::test]
    async fn a_status_says_what_to_do_next() {
        for (status, body, expected) in [
            (
                "429 Too Many Requests",
                "{\"error\":{\"message\":\"slow\\ndown\"}}",
                "Away: the server says 429 Too Many Requests: slow down",
            ),
            ("503 Service Unavailable", "", "Away: the server says 503 Service Unavailable"),
            ("500 Internal Server Error", "<html>", "Away: the server says 500 Internal Server Error: <html>"),
            ("400 Bad Request", "{\"message\":\"too long\"}", "BadPrompt: the server says 400 Bad Request: too long"),
            ("413 Payload Too Large", "", "BadPrompt: the server says 413 Payload Too Large"),
            ("401 Unauthorized", "", "Broken: the server says 401 Unauthorized; see to the key"),
            ("404 Not Found", "", "Broken: the server says 404 Not Found; see to the address and the model's name"),
            ("418 I'm a teapot", "", "Broken: the server says 418 I'm a teapot"),
            (
                "301 Moved Permanently",
                "",
                "Broken: the server sends us elsewhere (301 Moved Permanently); set its own address",
            ),
            (
                "200 OK",
                "<html>",
                "Broken: the server's answer makes no sense: expected value at line 1 column 1; it begins \"<html>\"",
            ),
            ("200 OK", "{\"choices\":[]}", "Broken: the server's answer makes no sense: it has no choices"),
        ] {
            let found = match trouble(http(status, body)).await {
                ModelErrorKind::Unavailable { why, .. } => format!("Away: {why}"),
                ModelErrorKind::InvalidPrompt { why } => format!("BadPrompt: {why}"),
                ModelErrorKind::Fatal { why } => format!("Broken: {why}"),
                ModelErrorKind::TimedOut { .. } => "TimedOut".to_owned(),
            };
            assert_eq!(found, expected);
        }
    }

    #[tokio::test]
    async fn bodies_without_end_and_connections_that_break_are_bounded() {
        let huge = http("200 OK", &"x".repeat(5000));
        assert!(matches!(trouble(huge).await, ModelErrorKind::Fatal { why } if why.contains("4096 bytes")));
        let endless = "HTTP/1.1 500 Oh\r\ncontent-length: 99999999\r\n\r\n".to_owned() + &"y".repeat(200_000);
        assert!(matches!(trouble(endless).await, ModelErrorKind::Unavailable { .. }));
        let short = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
        assert!(matches!(trouble(short).await, ModelErrorKind::Unavailable { .. }));
        assert!(matches!(trouble("").await, ModelErrorKind::Unavailable { .. }));
    }

    #[tokio::test]
    async fn a_server_that_hangs_is_given_up_and_one_that_is_not_there_is_away() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let mut remote = Remote::new(endpoint(base.clone())).unwrap();
        let within = Duration::from_millis(50);
        let error = remote.reply(&prompt(), within).await.unwrap_err();
        assert!(matches!(error.kind, ModelErrorKind::TimedOut { within: said } if said == within), "{error}");
        drop(listener);
        // A new client: the old one may still hold the connection that nobody answered.
        let mut remote = Remote::new(endpoint(base)).unwrap();
        let error = remote.reply(&prompt(), Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.to_string(), "m: temporarily unavailable: nobody listens at the server's address");
    }

    #[test]
    fn an_address_that_is_none_is_said_to_be_none() {
        for bad in ["", "localhost:8000/v1", "ftp://host/v1", "http://"] {
            assert!(matches!(Remote::new(endpoint(bad.to_owned())), Err(EndpointError::Address { .. })), "{bad}");
        }
        let bad = Endpoint { key: Some(Key("a\nb".to_owned())), ..endpoint("http://host/v1".to_owned()) };
        assert!(matches!(Remote::new(bad), Err(EndpointError::Key)));
        assert!(!format!("{:?}", endpoint(String::new())).contains("secret"));
    }
}
