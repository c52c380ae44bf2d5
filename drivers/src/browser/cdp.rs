//! Speaks the Chrome DevTools Protocol: calls and their answers, events, over a pipe or a web socket.
//!
//! What the calls mean is the business of the files beside this one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tapwright_contract::device::DriverErrorKind;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::deadline::Deadline;

/// No message of a browser is larger: a picture of 16,384 pixels squared would be a mistake.
const MESSAGE_MAX: usize = 256 << 20;
/// So much of the beginning and of the end of one that is too long is looked at.
const END_BYTES: usize = 4096;
/// So many events may wait to be read. Then the browser waits.
const EVENTS_MAX: usize = 4096;

/// Something that a browser told without being asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CdpEvent {
    /// The tab or frame that it is about; `None` for the browser itself.
    pub session: Option<String>,
    /// For example `Page.frameNavigated`.
    pub method: String,
    pub params: Value,
}

/// A call that nobody waits for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Post {
    pub session: Option<String>,
    pub method: &'static str,
    pub params: Value,
}

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// The browser said no, in its own words.
    Refused(String),
    /// The tab or the frame that was called is gone, or its process has crashed.
    NoTab,
    /// The browser is gone.
    Lost(String),
}

impl From<CallError> for DriverErrorKind {
    fn from(error: CallError) -> DriverErrorKind {
        match error {
            CallError::Refused(why) => DriverErrorKind::Refused { why },
            CallError::NoTab => DriverErrorKind::Stale,
            CallError::Lost(why) => DriverErrorKind::Lost { why },
        }
    }
}

/// One connection to a browser. Cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    calls: Arc<Calls>,
    out: mpsc::UnboundedSender<String>,
}

#[derive(Debug, Default)]
struct Calls {
    last: AtomicU64,
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    by_id: BTreeMap<u64, PendingCall>,
    /// Why there is no connection any more.
    lost: Option<String>,
}

/// A call that has no answer yet.
#[derive(Debug)]
struct PendingCall {
    session: Option<String>,
    answer: oneshot::Sender<Result<Value, CallError>>,
}

/// What keeps a connection going; it ends with this.
#[derive(Debug)]
pub(crate) struct ConnectionTasks(Vec<JoinHandle<()>>);

impl ConnectionTasks {
    pub fn add(&mut self, task: JoinHandle<()>) {
        self.0.push(task);
    }
}

impl Drop for ConnectionTasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// An answer that is on its way.
pub(crate) struct Answer {
    calls: Arc<Calls>,
    id: u64,
    receiver: oneshot::Receiver<Result<Value, CallError>>,
}

impl Answer {
    /// Waits for it.
    pub async fn wait(&mut self) -> Result<Value, CallError> {
        (&mut self.receiver).await.unwrap_or_else(|_| Err(CallError::Lost("the connection has ended".to_owned())))
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.calls.pending().by_id.remove(&self.id);
    }
}

impl Calls {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Reads a message; returns the event that it is, if it is one.
    fn receive(&self, message: &[u8]) -> Option<CdpEvent> {
        let mut message: Value = match serde_json::from_slice(message) {
            Ok(message) => message,
            Err(error) => {
                tracing::debug!(%error, "a browser's message is not JSON");
                return None;
            }
        };
        if let Some(id) = message["id"].as_u64() {
            let PendingCall { answer, .. } = self.pending().by_id.remove(&id)?;
            let result = match message.get("error") {
                Some(error) => Err(refusal(error)),
                None => Ok(message["result"].take()),
            };
            drop(answer.send(result)); // Whoever asked may have given up.
            return None;
        }
        let session = message["sessionId"].as_str().map(str::to_owned);
        let method = message["method"].as_str()?.to_owned();
        let params = message["params"].take();
        if method == "Target.detachedFromTarget" {
            self.forget(params["sessionId"].as_str());
        }
        if method == "Inspector.targetCrashed" {
            self.forget(session.as_deref());
        }
        Some(CdpEvent { session, method, params })
    }

    /// Reads what can be known of a message by its beginning and its end. Quotes inside of texts are escaped, so what stands in quotes
    /// of their own is the browser's.
    fn receive_ends(&self, ends: &str) -> Option<CdpEvent> {
        let text_after = |at: Option<usize>, key: &str| {
            let text = &ends[at? + key.len()..];
            Some(text[..text.find('"')?].to_owned())
        };
        if let Some(id) = ends.strip_prefix("{\"id\":").and_then(|rest| rest.split(',').next()?.trim().parse().ok()) {
            let PendingCall { answer, .. } = self.pending().by_id.remove(&id)?;
            drop(answer.send(Err(CallError::Refused("the answer is too long".to_owned()))));
            return None;
        }
        const METHOD: &str = "\"method\":\"";
        const SESSION: &str = "\"sessionId\":\"";
        const KIND: &str = "\"type\":\"";
        let method = text_after(ends.find(METHOD), METHOD)?;
        let session = text_after(ends.rfind(SESSION), SESSION);
        let kind = text_after(ends.rfind(KIND), KIND).unwrap_or_default();
        tracing::debug!(method, "a message is too long");
        let params = json!({"type": kind, "message": "(what it says is too long to be shown)"});
        Some(CdpEvent { session, method, params })
    }

    /// Nobody answers any more for what was asked of this session.
    fn forget(&self, session: Option<&str>) {
        let mut pending = self.pending();
        let of_it: Vec<u64> =
            pending.by_id.iter().filter(|(_, call)| call.session.as_deref() == session).map(|(id, _)| *id).collect();
        for id in of_it {
            if let Some(call) = pending.by_id.remove(&id) {
                drop(call.answer.send(Err(CallError::NoTab)));
            }
        }
    }

    fn lose(&self, why: &str) {
        let mut pending = self.pending();
        pending.lost.get_or_insert_with(|| why.to_owned());
        for (_, call) in std::mem::take(&mut pending.by_id) {
            drop(call.answer.send(Err(CallError::Lost(why.to_owned()))));
        }
    }
}

/// How much of a message is in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadMessage {
    Whole,
    /// Its beginning and its end: it is too long.
    Ends,
}

/// Reads a message, without the zero byte that ends it; `None` at the end of all. A page can make one of any length, with a dialog: that
/// is no reason to lose the browser.
async fn read_message(
    mut from: impl AsyncBufRead + Unpin,
    message: &mut Vec<u8>,
    bytes_max: usize,
) -> std::io::Result<Option<ReadMessage>> {
    message.clear();
    let mut read = ReadMessage::Whole;
    loop {
        let room = bytes_max.saturating_sub(message.len()).max(1);
        let count = (&mut from).take(room as u64).read_until(0, message).await?;
        let is_over = message.last() == Some(&0);
        if is_over {
            message.pop();
        } else if count == 0 {
            return Ok(None);
        }
        if read == ReadMessage::Ends || message.len() >= bytes_max {
            read = ReadMessage::Ends;
            if message.len() > 2 * END_BYTES {
                message.drain(END_BYTES..message.len() - END_BYTES);
                message.shrink_to(bytes_max.min(1 << 20));
            }
        }
        if is_over {
            return Ok(Some(read));
        }
    }
}

/// What a browser said instead of a result.
fn refusal(error: &Value) -> CallError {
    let words = error["message"].as_str().unwrap_or("it does not say why");
    let is_gone = ["Session with given id not found", "Target crashed", "Inspected target navigated or closed"];
    if is_gone.iter().any(|gone| words.contains(gone)) {
        return CallError::NoTab;
    }
    match error["data"].as_str() {
        Some(more) => CallError::Refused(format!("{words}: {more}")),
        None => CallError::Refused(words.to_owned()),
    }
}

impl Client {
    /// Over the two pipes of a browser that we have started: messages end with a zero byte.
    pub fn over_pipes(
        mut input: impl AsyncWrite + Unpin + Send + 'static,
        mut output: impl AsyncBufRead + Unpin + Send + 'static,
    ) -> (Client, mpsc::Receiver<CdpEvent>, ConnectionTasks) {
        let (client, mut messages, events_in, events) = Client::new();
        let writing = tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                let mut bytes = message.into_bytes();
                bytes.push(0);
                if input.write_all(&bytes).await.is_err() {
                    break;
                }
            }
        });
        let calls = client.calls.clone();
        let reading = tokio::spawn(async move {
            let mut message = Vec::new();
            let why = loop {
                let event = match read_message(&mut output, &mut message, MESSAGE_MAX).await {
                    Ok(Some(ReadMessage::Whole)) => calls.receive(&message),
                    Ok(Some(ReadMessage::Ends)) => calls.receive_ends(&String::from_utf8_lossy(&message)),
                    Ok(None) => break "the browser has ended".to_owned(),
                    Err(error) => break error.to_string(),
                };
                if let Some(event) = event
                    && events_in.send(event).await.is_err()
                {
                    break "nobody listens any more".to_owned();
                }
            };
            calls.lose(&why);
        });
        (client, events, ConnectionTasks(vec![writing, reading]))
    }

    /// Over a web socket of a browser that somebody else has started.
    pub fn over_websocket(socket: WebSocketStream<TcpStream>) -> (Client, mpsc::Receiver<CdpEvent>, ConnectionTasks) {
        let (client, mut messages, events_in, events) = Client::new();
        let (mut input, mut output) = socket.split();
        let writing = tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                if input.send(Message::text(message)).await.is_err() {
                    break;
                }
            }
        });
        let calls = client.calls.clone();
        let reading = tokio::spawn(async move {
            let why = loop {
                let event = match output.next().await {
                    Some(Ok(Message::Text(message))) => calls.receive(message.as_bytes()),
                    Some(Ok(Message::Close(_))) | None => break "the browser has closed the connection".to_owned(),
                    Some(Ok(_)) => None,
                    Some(Err(error)) => break error.to_string(),
                };
                if let Some(event) = event
                    && events_in.send(event).await.is_err()
                {
                    break "nobody listens any more".to_owned();
                }
            };
            calls.lose(&why);
        });
        (client, events, ConnectionTasks(vec![writing, reading]))
    }

    /// The most bytes of a message.
    pub const MESSAGE_MAX: usize = MESSAGE_MAX;

    fn new() -> (Client, mpsc::UnboundedReceiver<String>, mpsc::Sender<CdpEvent>, mpsc::Receiver<CdpEvent>) {
        let (out, messages) = mpsc::unbounded_channel();
        let (events_in, events) = mpsc::channel(EVENTS_MAX);
        (Client { calls: Arc::default(), out }, messages, events_in, events)
    }

    /// Sends a call. The browser takes calls in the order in which they are sent.
    pub fn start(&self, session: Option<&str>, method: &'static str, params: Value) -> Answer {
        let id = self.calls.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, receiver) = oneshot::channel();
        let mut pending = self.calls.pending();
        match &pending.lost {
            Some(why) => drop(sender.send(Err(CallError::Lost(why.clone())))),
            None => {
                let session = session.map(str::to_owned);
                pending.by_id.insert(id, PendingCall { session, answer: sender });
            }
        }
        drop(pending);
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        tracing::trace!(id, method, session, "calls the browser");
        drop(self.out.send(message.to_string())); // If nobody takes it, the connection is lost, and the answer says so.
        Answer { calls: self.calls.clone(), id, receiver }
    }

    /// Sends a call and waits for its answer.
    pub async fn call(
        &self,
        session: Option<&str>,
        method: &'static str,
        params: Value,
        deadline: Deadline,
    ) -> Result<Value, DriverErrorKind> {
        deadline.hold(method, async { Ok(self.start(session, method, params).wait().await?) }).await
    }

    /// Sends a call that nobody waits for.
    pub fn post(&self, post: Post) {
        drop(self.start(post.session.as_deref(), post.method, post.params));
    }

    /// Why there is no connection any more; `None` while there is one.
    pub fn lost(&self) -> Option<String> {
        self.calls.pending().lost.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncRead, BufReader, duplex, split};

    use super::*;

    async fn next(from: &mut (impl AsyncRead + Unpin)) -> Value {
        let mut bytes = Vec::new();
        while bytes.last() != Some(&0) {
            bytes.push(from.read_u8().await.unwrap());
        }
        bytes.pop();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn answers_find_their_calls_and_the_rest_are_events() {
        let (ours, mut browser) = duplex(1 << 16);
        let (output, input) = split(ours);
        let (client, mut events, _tasks) = Client::over_pipes(input, BufReader::new(output));
        let deadline = Deadline::after(Duration::from_secs(5));
        let (mut one, mut two) =
            (client.start(Some("A"), "One.x", json!({})), client.start(None, "Two.x", json!({"n": 1})));
        assert_eq!(next(&mut browser).await, json!({"id": 1, "method": "One.x", "params": {}, "sessionId": "A"}));
        assert_eq!(next(&mut browser).await, json!({"id": 2, "method": "Two.x", "params": {"n": 1}}));
        let said = b"no JSON\0{\"method\":\"E.e\",\"sessionId\":\"A\",\"params\":{\"x\":2}}\0{\"id\":77,\"result\":{}}\0\
            {\"id\":2,\"result\":{\"ok\":true}}\0{\"id\":1,\"error\":{\"code\":-32000,\"message\":\"no\",\"data\":\"really\"}}\0";
        browser.write_all(said).await.unwrap();
        assert_eq!(two.wait().await, Ok(json!({"ok": true})));
        assert_eq!(one.wait().await, Err(CallError::Refused("no: really".to_owned())));
        let event = CdpEvent { session: Some("A".to_owned()), method: "E.e".to_owned(), params: json!({"x": 2}) };
        assert_eq!(events.recv().await, Some(event));
        // A tab that goes takes what was asked of it along, and nothing else.
        let (mut of_a, mut of_b) =
            (client.start(Some("A"), "One.x", json!({})), client.start(Some("B"), "One.x", json!({})));
        browser
            .write_all(b"{\"method\":\"Target.detachedFromTarget\",\"params\":{\"sessionId\":\"A\"}}\0")
            .await
            .unwrap();
        assert_eq!(of_a.wait().await, Err(CallError::NoTab));
        // And the end of the browser takes all.
        drop(browser);
        assert!(matches!(of_b.wait().await, Err(CallError::Lost(_))));
        assert!(matches!(client.call(None, "Two.x", json!({}), deadline).await, Err(DriverErrorKind::Lost { .. })));
        assert_eq!(client.lost().as_deref(), Some("the browser has ended"));
    }

    #[tokio::test]
    async fn a_message_that_is_too_long_is_known_by_its_ends() {
        let text = "\\\"type\\\":\\\"evil\\\" ".repeat(30_000);
        let dialog = format!(
            "{{\"method\":\"Page.javascriptDialogOpening\",\"params\":{{\"url\":\"u\",\"message\":\"{text}\",\"type\":\"alert\",\
             \"hasBrowserHandler\":false,\"defaultPrompt\":\"\"}},\"sessionId\":\"A\"}}\0"
        );
        let answer = format!("{{\"id\":1,\"result\":{{\"data\":\"{text}\"}}}}\0");
        let bytes = [dialog.as_bytes(), answer.as_bytes(), b"{\"short\":1}\0{\"cut"].concat();
        for bytes_max in [2 * END_BYTES, 100_000] {
            let (mut from, mut message) = (BufReader::with_capacity(1000, &bytes[..]), Vec::new());
            let (client, _, _, _) = Client::new();
            let mut call = client.start(Some("A"), "One.x", json!({}));
            assert_eq!(read_message(&mut from, &mut message, bytes_max).await.unwrap(), Some(ReadMessage::Ends));
            assert!(message.len() <= 2 * END_BYTES);
            let event = client.calls.receive_ends(&String::from_utf8_lossy(&message)).unwrap();
            assert_eq!((&*event.method, event.session.as_deref()), ("Page.javascriptDialogOpening", Some("A")));
            assert_eq!(event.params["type"], "alert");
            assert_eq!(read_message(&mut from, &mut message, bytes_max).await.unwrap(), Some(ReadMessage::Ends));
            assert_eq!(client.calls.receive_ends(&String::from_utf8_lossy(&message)), None);
            assert_eq!(call.wait().await, Err(CallError::Refused("the answer is too long".to_owned())));
            assert_eq!(read_message(&mut from, &mut message, bytes_max).await.unwrap(), Some(ReadMessage::Whole));
            assert_eq!(message, b"{\"short\":1}");
            assert_eq!(read_message(&mut from, &mut message, bytes_max).await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn what_is_given_up_is_forgotten() {
        let (ours, _browser) = duplex(1 << 16);
        let (output, input) = split(ours);
        let (client, _events, _tasks) = Client::over_pipes(input, BufReader::new(output));
        for _ in 0..100 {
            client.post(Post { session: None, method: "One.x", params: json!({}) });
        }
        assert!(client.calls.pending().by_id.is_empty(), "answers that nobody waits for are kept");
    }
}
