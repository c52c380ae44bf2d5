//! A server behind an address: each message is a request over HTTP, answered as JSON or as a stream of events.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::message::{self, Incoming};
use super::{Fault, MESSAGE_BYTES_MAX, late};
use crate::apis::described::one_line;

/// Connecting is quick or hopeless.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long what nobody waits for may take: an answer to a ping, a word that something is not wanted any more.
const ASIDE: Duration = Duration::from_secs(5);
/// How long it is until a stream that has ended is opened again, at first and at most.
const REOPEN_FIRST: Duration = Duration::from_millis(500);
const REOPEN_MAX: Duration = Duration::from_secs(60);
/// What is repeated of a complaint.
const COMPLAINT_CHARS_MAX: usize = 200;
/// How many events a stream may have of which none is the answer.
const EVENTS_MAX: u32 = 20_000;
const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// A server behind an address.
pub struct HttpLink {
    web: Arc<Web>,
    next: AtomicU64,
    listening: Mutex<Option<JoinHandle<()>>>,
}

/// With what requests are made.
struct Web {
    client: Client,
    url: Url,
    headers: HeaderMap,
    /// What the server has told to be sent with each further message.
    session: Mutex<HeaderMap>,
    /// Told when the server says that its tools are others now.
    changed: Arc<Notify>,
    /// Whether it was heard before.
    has_listened: AtomicBool,
}

impl HttpLink {
    /// Prepares to speak to a server.
    ///
    /// # Errors
    /// In words, if that cannot be done with this address and these headers.
    pub fn new(url: &str, headers: &BTreeMap<String, String>, changed: Arc<Notify>) -> Result<HttpLink, String> {
        let address = url.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = address.ok_or("is not at an address that begins with http:// or https://")?;
        let mut sent = HeaderMap::new();
        for (name, value) in headers {
            // What cannot be sent is not repeated: it may be a secret.
            let bad = || format!("has a header {name:?} that cannot be sent");
            let key: HeaderName = name.parse().map_err(|_| bad())?;
            let mut value = HeaderValue::from_str(value).map_err(|_| bad())?;
            value.set_sensitive(true);
            sent.insert(key, value);
        }
        // Whoever is sent elsewhere would get the headers too.
        let client = Client::builder().redirect(redirect::Policy::none()).connect_timeout(CONNECT_WITHIN).build();
        let client = client.map_err(|error| format!("cannot be reached: {error}"))?;
        let web = Web {
            client,
            url,
            headers: sent,
            session: Mutex::default(),
            changed,
            has_listened: AtomicBool::new(false),
        };
        Ok(HttpLink { web: Arc::new(web), next: AtomicU64::new(1), listening: Mutex::default() })
    }

    pub async fn request(&self, method: &str, params: &Value, within: Duration) -> Result<Value, Fault> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut waiting = Waiting { web: &self.web, id, is_sent: true };
        let answer = timeout(within, self.web.ask(id, &message::request(id, method, params))).await;
        if answer.is_ok() {
            waiting.is_sent = false;
        }
        answer.unwrap_or_else(|_| Err(Fault::Lost(late(within))))
    }

    /// Tells the server something, and does not care what becomes of it.
    pub async fn notice(&self, method: &str, params: &Value) {
        self.web.post_aside(message::notice(method, params)).await;
    }

    /// From now on by this version of the protocol; and what the server tells by itself is heard.
    pub fn agree(&self, version: &str) {
        if let Ok(version) = HeaderValue::from_str(version) {
            self.web.session().insert(VERSION, version);
        }
        let web = self.web.clone();
        let listening = tokio::spawn(async move { web.listen().await });
        if let Some(before) = self.listening().replace(listening) {
            before.abort();
        }
    }

    /// Forgets a session that the server has ended.
    pub fn forget(&self) {
        self.web.session().clear();
    }

    fn listening(&self) -> std::sync::MutexGuard<'_, Option<JoinHandle<()>>> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the session.
    pub async fn close(&self) {
        if let Some(listening) = self.listening().take() {
            listening.abort();
        }
        if self.web.session().contains_key(SESSION) {
            let _ = timeout(ASIDE, self.web.with_headers(self.web.client.delete(self.web.url.clone())).send()).await;
        }
    }
}

impl Drop for HttpLink {
    fn drop(&mut self) {
        if let Some(listening) = self.listening().take() {
            listening.abort();
        }
    }
}

/// A request whose answer is waited for. Whoever does not wait any more says so to the server.
struct Waiting<'a> {
    web: &'a Arc<Web>,
    id: u64,
    is_sent: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.is_sent
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let params = json!({ "requestId": self.id, "reason": "nobody waits for it any more" });
            let (web, notice) = (self.web.clone(), message::notice(super::CANCELLED, &params));
            runtime.spawn(async move { web.post_aside(notice).await });
        }
    }
}

impl Web {
    fn session(&self) -> std::sync::MutexGuard<'_, HeaderMap> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_headers(&self, request: RequestBuilder) -> RequestBuilder {
        let session = self.session().clone();
        request.headers(self.headers.clone()).headers(session)
    }

    fn post(&self, body: String) -> RequestBuilder {
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, JSON);
        self.with_headers(request.header(ACCEPT, format!("{JSON}, {EVENTS}"))).body(body)
    }

    async fn post_aside(&self, body: String) {
        let _ = timeout(ASIDE, self.post(body).send()).await;
    }

    /// Sends a request and reads what is answered.
    async fn ask(&self, id: u64, body: &str) -> Result<Value, Fault> {
        let response = self.post(body.to_owned()).send().await.map_err(|error| {
            let told = cause(&error);
            match error.is_connect() || error.is_builder() {
                true => Fault::NotSent(format!("it cannot be reached: {told}")),
                false => Fault::Lost(format!("there was no answer: {told}")),
            }
        })?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.complaint(status, response).await);
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if let Some(session) = response.headers().get(SESSION).filter(|session| session.len() <= 1024) {
            let session = session.clone();
            self.session().insert(SESSION, session);
        }
        let mut events = match kind.as_str() {
            JSON => {
                let whole = whole(response).await?;
                let answer = message::read(&whole).into_iter().find_map(|incoming| self.take_answer(incoming, id));
                return answer.unwrap_or_else(|| Err(Fault::Lost(no_answer(&whole))));
            }
            EVENTS => Events::of(response),
            _ => {
                return Err(Fault::Lost(format!(
                    "it answers with {}, and not as MCP's servers do",
                    one_line(&kind, 60)
                )));
            }
        };
        for _ in 0..EVENTS_MAX {
            let Some(data) = events.next().await? else {
                return Err(Fault::Lost("its answer has broken off".to_owned()));
            };
            for incoming in message::read(&data) {
                if let Incoming::Request { id, method } = &incoming {
                    self.post_aside(message::answer(id, method)).await;
                }
                if let Some(answer) = self.take_answer(incoming, id) {
                    return answer;
                }
            }
        }
        Err(Fault::Lost(format!("it has told {EVENTS_MAX} things that are no answer")))
    }

    /// The answer to a request, if it is one.
    fn take_answer(&self, incoming: Incoming, asked: u64) -> Option<Result<Value, Fault>> {
        match incoming {
            Incoming::Answer { id, result } if id == asked => Some(result),
            Incoming::Notice { method } if method == super::LIST_CHANGED => {
                self.changed.notify_one();
                None
            }
            Incoming::Answer { .. } | Incoming::Request { .. } | Incoming::Notice { .. } | Incoming::Rubbish => None,
        }
    }

    async fn complaint(&self, status: StatusCode, response: Response) -> Fault {
        let is_session = self.session().contains_key(SESSION);
        let said = whole(response).await.unwrap_or_default();
        let said = one_line(&String::from_utf8_lossy(&said), COMPLAINT_CHARS_MAX);
        let said = if said.is_empty() { said } else { format!(": {said}") };
        match status {
            StatusCode::NOT_FOUND if is_session => Fault::SessionOver,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Fault::NotSent(format!(
                "it says {status}{said}; give it what it wants with headers = {{ authorization = \"Bearer {{{{secret:NAME}}}}\" }}"
            )),
            StatusCode::REQUEST_TIMEOUT => Fault::Lost(format!("it says {status}{said}")),
            status if status.is_client_error() => Fault::NotSent(format!("it says {status}{said}")),
            status if status.is_redirection() => {
                Fault::Lost(format!("it says {status}, and is not followed elsewhere: the headers would go there too"))
            }
            status => Fault::Lost(format!("it says {status}{said}")),
        }
    }

    /// Hears what the server tells by itself, if it does. A stream that ends is opened again: servers, and what lies between, close what is
    /// silent for long.
    async fn listen(&self) {
        let mut pause = REOPEN_FIRST;
        while let Some(heard) = self.hear().await {
            pause = if heard > 0 { REOPEN_FIRST } else { (2 * pause).min(REOPEN_MAX) };
            sleep(pause).await;
        }
    }

    /// Hears one stream to its end: how many events it had, or `None` if the server has none for us.
    async fn hear(&self) -> Option<u64> {
        let request = self.with_headers(self.client.get(self.url.clone()).header(ACCEPT, EVENTS));
        let Ok(response) = request.send().await else { return Some(0) };
        if response.status().is_server_error() {
            return Some(0);
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if response.status() != StatusCode::OK || !kind.to_ascii_lowercase().starts_with(EVENTS) {
            return None;
        }
        // What was told while nobody listened is asked for.
        if self.has_listened.swap(true, Ordering::Relaxed) {
            self.changed.notify_one();
        }
        let (mut events, mut heard) = (Events::of(response), 0);
        while let Ok(Some(data)) = events.next().await {
            heard += 1;
            for incoming in message::read(&data) {
                if let Incoming::Request { id, method } = &incoming {
                    self.post_aside(message::answer(id, method)).await;
                }
                // No answer is waited for here.
                let _ = self.take_answer(incoming, 0);
            }
        }
        Some(heard)
    }
}

fn no_answer(whole: &[u8]) -> String {
    let said = one_line(&String::from_utf8_lossy(whole), COMPLAINT_CHARS_MAX);
    format!("what it answers is no answer of MCP's: {said:?}")
}

fn too_long() -> Fault {
    Fault::Lost(format!("its answer is longer than {} MiB, and was not read", MESSAGE_BYTES_MAX >> 20))
}

/// All of an answer.
async fn whole(mut response: Response) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(piece)) if bytes.len() + piece.len() > MESSAGE_BYTES_MAX => return Err(too_long()),
            Ok(Some(piece)) => bytes.extend_from_slice(&piece),
            Ok(None) => return Ok(bytes),
            Err(error) => return Err(Fault::Lost(format!("its answer has broken off: {}", cause(&error)))),
        }
    }
}

/// What lies at the bottom of an error; its own words have the address.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// A stream of events.
struct Events {
    response: Response,
    reader: EventReader,
}

impl Events {
    fn of(response: Response) -> Events {
        Events { response, reader: EventReader::default() }
    }

    /// The data of the next event; `None` at the end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        loop {
            if let Some(data) = self.reader.next() {
                return Ok(Some(data));
            }
            if self.reader.held_bytes() > MESSAGE_BYTES_MAX {
                return Err(too_long());
            }
            match self.response.chunk().await {
                Ok(Some(piece)) => self.reader.push(&piece),
                Ok(None) => return Ok(None),
                Err(error) => return Err(Fault::Lost(format!("its answer has broken off: {}", cause(&error)))),
            }
        }
    }
}

/// Reads events out of the pieces in which they come. Lines end with a line feed, a carriage return, or both.
#[derive(Default)]
struct EventReader {
    pieces: Vec<u8>,
    /// How much of the pieces was read.
    at: usize,
    data: Vec<u8>,
    has_data: bool,
}

impl EventReader {
    fn push(&mut self, piece: &[u8]) {
        self.pieces.drain(..self.at);
        self.at = 0;
        self.pieces.extend_from_slice(piece);
    }

    fn held_bytes(&self) -> usize {
        self.pieces.len() - self.at + self.data.len()
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let rest = &self.pieces[self.at..];
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
            let after = match (rest[end], rest.get(end + 1)) {
                // Whether a line feed follows is not known yet.
                (b'\r', None) => return None,
                (b'\r', Some(b'\n')) => end + 2,
                _ => end + 1,
            };
            let line = &rest[..end];
            self.at += after;
            if line.is_empty() {
                if std::mem::take(&mut self.has_data) {
                    return Some(std::mem::take(&mut self.data));
                }
                continue;
            }
            if let Some(data) = line.strip_prefix(b"data:") {
                let data = data.strip_prefix(b" ").unwrap_or(data);
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(data);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_any_pieces() {
        let text = "event: message\ndata: {\"a\":\ndata: 1}\n\n: a comment\r\n\r\ndata:x\r\n\r\nid: 3\n\ndata\n\ndata: last\r\rdata: broken off";
        for size in [1, 2, 3, 7, 1000] {
            let mut reader = EventReader::default();
            let mut events = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                reader.push(piece);
                while let Some(data) = reader.next() {
                    events.push(String::from_utf8(data).unwrap());
                }
            }
            assert_eq!(events, ["{\"a\":\n1}", "x", "last"], "{size}");
        }
    }
}
