//! Serves a model to whoever speaks OpenAI's chat completions: over HTTP, streamed or whole, with pictures.
//!
//! What comes in is bounded in bytes, pixels, values and time before it is understood; an engine only ever sees a `Request`.

mod body;
mod chat_request;
mod connection;
mod error;
mod fetch;
mod json;
mod metrics;
mod picture;
mod response;
#[cfg(test)]
mod tests;
mod tools;
mod wire;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Path, Request as HttpRequest, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sha2::{Digest, Sha256};
use tapwright_contract::Picture;
use tapwright_contract::model::{self, Turn};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use body::{MemoryBudget, MemoryPermit};
use chat_request::{ChatRequest, ContentPart, ImageSource, RequestRules, UsageReport};
use connection::{BusyConnection, ConnectionState, Connections};
use error::ErrorResponse;
use fetch::{FetchError, Fetcher};
use metrics::{Metrics, RequestGuard};
use response::{PendingResponse, RequestedEnd};
use tools::ToolMode;

use crate::engine::{EngineHealth, HealthState, Local};
use crate::heap::Heap;
use crate::remote::ApiKey;
use crate::request::{AnswerError, AnswerStream, Request};
use crate::settings::Sampling;

pub use fetch::UrlPolicy;
pub use metrics::{Observer, RequestOutcome, RequestSummary};

/// Something that can be served. Requests come at the same time; it is its own matter which of them it answers first.
#[async_trait]
pub trait ServedModel: Send + Sync + 'static {
    /// The most tokens of a prompt and its answer.
    fn context_tokens_max(&self) -> u32;

    /// The token of structure that is written so; no text of an answer has it.
    fn special_token(&self, text: &str) -> Option<u32>;

    /// How it is at this moment.
    fn health(&self) -> EngineHealth;

    /// Begins to answer. Dropping the future or the answer stops the work.
    ///
    /// # Errors
    /// `AnswerError` if there will be no answer.
    async fn ask(&self, request: Request) -> Result<AnswerStream, AnswerError>;
}

#[async_trait]
impl ServedModel for Local {
    fn context_tokens_max(&self) -> u32 {
        Local::context_tokens_max(self)
    }

    fn special_token(&self, text: &str) -> Option<u32> {
        Local::special_token(self, text)
    }

    fn health(&self) -> EngineHealth {
        Local::health(self)
    }

    async fn ask(&self, request: Request) -> Result<AnswerStream, AnswerError> {
        Local::ask(self, request).await
    }
}

/// How to serve. Callers fill in every field.
#[derive(Clone)]
pub struct ServerOptions {
    /// What the model is called.
    pub name: String,
    /// How the next token is chosen where a request does not say.
    pub sampling: Sampling,
    /// What clients have to send as a bearer token.
    pub key: Option<ApiKey>,
    /// Whether machines other than this one may ask without a key.
    pub open_to_all: bool,
    /// Which addresses pictures may be fetched from.
    pub urls: UrlPolicy,
    pub limits: ServerLimits,
    /// Told of every request that ended.
    pub observer: Option<Observer>,
}

/// What others may take of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// Requests that wait or are answered; whoever comes then is told to come again.
    pub queue: usize,
    /// Connections at the same time; others wait to be accepted.
    pub connections_max: usize,
    pub body_bytes_max: usize,
    /// Memory of all requests together: bodies, and the pixels of their pictures.
    pub memory_bytes_max: u64,
    /// Of one picture.
    pub pixels_max: u64,
    /// In one request.
    pub pictures_max: usize,
    pub messages_max: usize,
    /// For the head of a request, and for the pause before it.
    pub head_within: Duration,
    /// Between two pieces of a body.
    pub body_pause_max: Duration,
    /// For a whole body.
    pub body_within: Duration,
    /// For a client to take something of what is written to it.
    pub write_within: Duration,
    /// For a picture that is fetched.
    pub fetch_within: Duration,
    pub fetch_bytes_max: usize,
    /// For a stream's first piece before its head goes out: what is wrong with a prompt is till then an error's status.
    pub first_within: Duration,
    /// Between two signs of life of a stream while a long prompt is read.
    pub silence_max: Duration,
    /// For answers that are under way when the server is stopped.
    pub grace: Duration,
}

impl ServerLimits {
    /// What a desk or a server of today takes easily.
    pub const USUAL: ServerLimits = ServerLimits {
        queue: 32,
        connections_max: 256,
        body_bytes_max: 32 << 20,
        memory_bytes_max: 1 << 30,
        pixels_max: 1 << 25,
        pictures_max: 10,
        messages_max: 4096,
        head_within: Duration::from_secs(30),
        body_pause_max: Duration::from_secs(15),
        body_within: Duration::from_secs(120),
        write_within: Duration::from_secs(30),
        fetch_within: Duration::from_secs(15),
        fetch_bytes_max: 24 << 20,
        first_within: Duration::from_secs(2),
        silence_max: Duration::from_secs(10),
        grace: Duration::from_secs(10),
    };
}

/// Why a model is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Give a key, or say that everybody may ask.
    #[error("{at} can be reached from other machines, and no key is asked for")]
    Open { at: SocketAddr },
    /// Mend the settings.
    #[error("{what}")]
    Settings { what: String },
    #[error("nothing can be accepted any more: {0}")]
    Listen(#[from] io::Error),
}

/// Bytes of text that a token stands for at most; no more text than that can fit into a context.
const TOKEN_BYTES_MAX: usize = 128;
/// A body of more bytes leaves so much behind that it is given back to the system.
const LARGE_BYTES: usize = 64 << 10;
/// Pictures that are decoded at the same time; it takes a core each.
const DECODING_MAX: usize = 2;
/// A pause after an accept that failed, as when there are no more file descriptors: nothing tells when there are again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What all requests share.
struct ServerState {
    model: Arc<dyn ServedModel>,
    options: ServerOptions,
    /// The digest of the key: comparing digests takes the same time wherever two keys differ.
    key: Option<[u8; 32]>,
    queue: Arc<Semaphore>,
    memory: MemoryBudget,
    decoding: Arc<Semaphore>,
    fetcher: Fetcher,
    metrics: Arc<Metrics>,
    heap: Arc<Heap>,
    created: u64,
    /// Drawn once; with `count` it makes names and seeds that nobody has seen.
    chance: u64,
    count: AtomicU64,
}

/// Serves until `stop` is done; then lets answers that are under way end, for a while.
///
/// # Errors
/// `ServeError` if it may not listen there, or cannot.
pub async fn serve(
    listener: TcpListener,
    model: Arc<dyn ServedModel>,
    options: ServerOptions,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let at = listener.local_addr()?;
    if !at.ip().is_loopback() && options.key.is_none() && !options.open_to_all {
        return Err(ServeError::Open { at });
    }
    if let Some(what) = options.sampling.invalid_value() {
        return Err(ServeError::Settings { what });
    }
    if options.key.as_ref().is_some_and(|ApiKey(key)| key.is_empty()) {
        return Err(ServeError::Settings { what: "the key is empty".to_owned() });
    }
    let limits = options.limits.clone();
    // What only this machine may ask without a key, a page in one of its browsers must not ask by a name of its own.
    let local = options.key.is_none() && !options.open_to_all;
    let mut routes = routes(ServerState::new(model, options)?);
    if local {
        routes = routes.layer(middleware::from_fn(by_local_name));
    }
    let connections = Connections::new(limits.connections_max);
    let (stopper, stopped) = watch::channel(false);
    let mut open = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let place = tokio::select! {
                        () = &mut stop => break,
                        place = connections.place() => place,
                    };
                    let Some(place) = place else { break };
                    let (routes, limits, stopped) = (routes.clone(), limits.clone(), stopped.clone());
                    open.spawn(async move { connection::serve(stream, routes, &limits, stopped, &place).await });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
        while open.try_join_next().is_some() {}
    }
    drop(listener);
    let _ = stopper.send(true);
    let all = async { while open.join_next().await.is_some() {} };
    if timeout(limits.grace, all).await.is_err() {
        tracing::warn!("answers that were under way are cut off");
    }
    Ok(())
}

fn routes(server: ServerState) -> Router {
    let server = Arc::new(server);
    let mut router = Router::new();
    // With and without a slash at the end, as people's base addresses have it.
    for slash in ["", "/"] {
        router = router
            .route(&format!("/v1/chat/completions{slash}"), post(chat))
            .route(&format!("/v1/models{slash}"), get(models));
    }
    router
        .route("/v1/models/{*name}", get(one_model))
        .route("/metrics", get(metrics))
        .method_not_allowed_fallback(async |method: Method, uri: Uri| {
            ErrorResponse::wrong_method(method.as_str(), uri.path())
        })
        .fallback(async |method: Method, uri: Uri| ErrorResponse::no_such_path(method.as_str(), uri.path()))
        .layer(middleware::from_fn_with_state(server.clone(), with_key))
        // Whoever only asks whether it lives needs no key.
        .route("/health", get(health))
        .with_state(server)
}

/// Whether the engine can answer, asked of the engine's thread and not of the server.
async fn health(State(server): State<Arc<ServerState>>) -> Response {
    let EngineHealth { state, answering, steps, cache_bytes, faults, restarts } = server.model.health();
    let (code, status, why) = match &state {
        HealthState::Ready => (StatusCode::OK, "ok", None),
        HealthState::Restarting => (StatusCode::SERVICE_UNAVAILABLE, "restarting", None),
        HealthState::Failed { why } => (StatusCode::SERVICE_UNAVAILABLE, "failed", Some(why.as_str())),
        HealthState::Stopped => (StatusCode::SERVICE_UNAVAILABLE, "stopped", None),
    };
    (code, response::json(&wire::HealthReport { status, why, answering, steps, cache_bytes, faults, restarts }))
        .into_response()
}

async fn with_key(State(server): State<Arc<ServerState>>, request: HttpRequest, next: Next) -> Response {
    match server.admits(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(response) => {
            RequestGuard::new(server.metrics.clone(), server.options.observer.clone())
                .set_status(response.status.as_u16());
            response.into_response()
        }
    }
}

/// A page's own name can be made to point at this machine (DNS rebinding), and then its scripts may read what they get
/// here; but they cannot ask by another name than the page's.
async fn by_local_name(request: HttpRequest, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|value| value.to_str().ok());
    match host.or_else(|| request.uri().authority().map(|authority| authority.as_str())) {
        Some(host) if !is_local(host) => ErrorResponse::foreign_host(host).into_response(),
        _ => next.run(request).await,
    }
}

/// Whether a host, with or without a port, is an address or a name that nobody else can have.
fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    bare.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost")
}

async fn models(State(server): State<Arc<ServerState>>) -> Response {
    response::json(&wire::ModelList { object: "list", data: [server.wire()] })
}

async fn one_model(State(server): State<Arc<ServerState>>, Path(name): Path<String>) -> Response {
    if name == server.options.name {
        response::json(&server.wire())
    } else {
        ErrorResponse::no_such_model(&name, &server.options.name).into_response()
    }
}

async fn metrics(State(server): State<Arc<ServerState>>) -> Response {
    let head = [(CONTENT_TYPE, "text/plain; version=0.0.4")];
    (head, server.metrics.text(&server.options.name)).into_response()
}

async fn chat(State(server): State<Arc<ServerState>>, request: HttpRequest) -> Response {
    let guard = RequestGuard::new(server.metrics.clone(), server.options.observer.clone());
    server.chat(guard, request).await
}

impl ServerState {
    fn new(model: Arc<dyn ServedModel>, options: ServerOptions) -> Result<ServerState, ServeError> {
        let fetcher = Fetcher::new(options.urls, &options.limits).map_err(|what| ServeError::Settings { what })?;
        Ok(ServerState {
            key: options.key.as_ref().map(|ApiKey(key)| Sha256::digest(key.as_bytes()).into()),
            queue: Arc::new(Semaphore::new(options.limits.queue)),
            memory: MemoryBudget::new(options.limits.memory_bytes_max),
            decoding: Arc::new(Semaphore::new(DECODING_MAX)),
            fetcher,
            metrics: Arc::new(Metrics::default()),
            heap: Arc::new(Heap::default()),
            created: now(),
            chance: RandomState::new().build_hasher().finish(),
            count: AtomicU64::new(0),
            model,
            options,
        })
    }

    fn wire(&self) -> wire::ModelEntry<'_> {
        wire::ModelEntry {
            id: &self.options.name,
            object: "model",
            created: self.created,
            owned_by: "tapwright",
            max_model_len: self.model.context_tokens_max(),
        }
    }

    fn admits(&self, headers: &HeaderMap) -> Result<(), ErrorResponse> {
        let Some(key) = &self.key else { return Ok(()) };
        let given = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
        let token = given.and_then(|value| {
            let (scheme, token) = value.split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
        });
        let digest: [u8; 32] = Sha256::digest(token.unwrap_or_default()).into();
        let differs = digest.iter().zip(key).fold(0, |differs, (a, b)| differs | (a ^ b));
        if differs == 0 && token.is_some() { Ok(()) } else { Err(ErrorResponse::wrong_key(given.is_some())) }
    }

    async fn chat(self: Arc<ServerState>, mut guard: RequestGuard, request: HttpRequest) -> Response {
        match self.admit(&mut guard, request).await {
            Ok(AdmittedRequest { answers, place, memory, busy, stream, usage, ends, tools }) => {
                let pending = PendingResponse {
                    answers,
                    guard,
                    _place: place,
                    _memory: memory,
                    _busy: busy,
                    id: format!("chatcmpl-{:016x}", self.draw()),
                    created: now(),
                    model: self.options.name.clone(),
                    ends,
                    tools,
                };
                if stream { pending.into_stream(usage, &self.options.limits).await } else { pending.whole().await }
            }
            Err(response) => {
                guard.set_status(response.status.as_u16());
                response.into_response()
            }
        }
    }

    /// From a request's head to the engine's promise that it will be answered.
    async fn admit(
        self: &Arc<ServerState>,
        guard: &mut RequestGuard,
        request: HttpRequest,
    ) -> Result<AdmittedRequest, ErrorResponse> {
        let limits = &self.options.limits;
        if !is_json(request.headers()) {
            return Err(ErrorResponse::not_json());
        }
        // Asked again below: a body that is still on its way has no place yet, or half-sent ones would take them all.
        if self.queue.available_permits() == 0 {
            return Err(ErrorResponse::queue_full(limits.queue));
        }
        let connection = request.extensions().get::<Arc<ConnectionState>>().cloned();
        let mut memory = self.memory.permit();
        let body = body::read(request.into_body(), limits, &mut memory).await?;
        let busy = connection.map(|connection| connection.busy());
        // Also of a body that is refused.
        if body.len() > LARGE_BYTES {
            guard.heap = Some(self.heap.clone());
        }
        let mut chat = self.read(body).await?;
        let place = self.queue.clone().try_acquire_owned().map_err(|_| ErrorResponse::queue_full(limits.queue))?;
        guard.admit();
        guard.summary.stream = chat.stream;
        if chat.grammar.is_some() {
            guard.heap = Some(self.heap.clone());
        }

        memory.keep(chat.messages.iter().map(chat_request::ChatMessage::bytes).sum());
        let turns = self.turns(mem::take(&mut chat.messages), guard, &mut memory).await?;
        // Which of the client's own ends it was that an answer ended at.
        let special = chat
            .stop
            .iter()
            .filter_map(|text| Some((self.model.special_token(text)?, RequestedEnd::Text(text.clone()))));
        let ends = chat.stop_tokens.iter().map(|&token| (token, RequestedEnd::Token)).chain(special).collect();
        let (stream, usage, count, tools) = (chat.stream, chat.usage, chat.answers, mem::take(&mut chat.tools));
        let request = chat.with_turns(turns);
        let others: Vec<Request> = (1..count as u64)
            .map(|number| {
                let mut other = request.clone();
                other.sampling.seed = other.sampling.seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                other
            })
            .collect();
        let mut answers = Vec::with_capacity(count);
        answers.push(self.model.ask(request).await?);
        for other in others {
            // What the first one has read of the prompt the others need not read again.
            answers[0].wait_for_start().await;
            answers.push(self.model.ask(other).await?);
        }
        Ok(AdmittedRequest { answers, place, memory, busy, stream, usage, ends, tools })
    }

    /// Messages with their pictures' pixels.
    async fn turns(
        &self,
        messages: Vec<chat_request::ChatMessage>,
        guard: &mut RequestGuard,
        memory: &mut MemoryPermit,
    ) -> Result<Vec<Turn>, ErrorResponse> {
        let mut turns = Vec::with_capacity(messages.len());
        for chat_request::ChatMessage { role, parts } in messages {
            let mut turn = Turn { role, parts: Vec::with_capacity(parts.len()) };
            for part in parts {
                turn.parts.push(match part {
                    ContentPart::Text(text) => model::Part::Text(text),
                    ContentPart::Picture { at, from } => {
                        guard.summary.pictures += 1;
                        model::Part::Picture(self.picture(at, from, memory).await?)
                    }
                });
            }
            turns.push(turn);
        }
        Ok(turns)
    }

    /// Understands a body. Megabytes of it take a while, and others wait on this thread.
    async fn read(self: &Arc<ServerState>, body: Vec<u8>) -> Result<ChatRequest, ErrorResponse> {
        let server = self.clone();
        let work = move || {
            let ServerOptions { name, sampling, urls, limits, .. } = &server.options;
            let rules = RequestRules {
                name,
                sampling,
                seed: server.draw(),
                messages_max: limits.messages_max,
                pictures_max: limits.pictures_max,
                context: server.model.context_tokens_max(),
                text_bytes_max: (server.model.context_tokens_max() as usize).saturating_mul(TOKEN_BYTES_MAX),
                urls: *urls != UrlPolicy::None,
            };
            chat_request::read(&body, &rules)
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(ErrorResponse::internal(error.to_string())))
    }

    /// A picture's pixels.
    async fn picture(
        &self,
        at: String,
        from: ImageSource,
        memory: &mut MemoryPermit,
    ) -> Result<Picture, ErrorResponse> {
        let wrong = |why: String| ErrorResponse::field(&at, why);
        let file = match from {
            ImageSource::File(file) => file,
            ImageSource::Address(url) => self.fetcher.fetch(url, memory).await.map_err(|error| match error {
                FetchError::Wrong(why) => wrong(why),
                FetchError::Full(response) => response,
            })?,
        };
        let size = picture::measure(&file, self.options.limits.pixels_max).map_err(wrong)?;
        let bytes = picture::PIXEL_BYTES * u64::from(size.width) * u64::from(size.height);
        memory.take(bytes)?;
        let turn =
            self.decoding.clone().acquire_owned().await.map_err(|error| ErrorResponse::internal(error.to_string()))?;
        let work = move || {
            let _turn = turn;
            picture::decode(&file, size)
        };
        let picture = tokio::task::spawn_blocking(work).await.map_err(|_| wrong("the picture is broken".to_owned()))?;
        memory.give(bytes - 4 * u64::from(size.width) * u64::from(size.height));
        picture.map_err(wrong)
    }

    /// A number that was not drawn before: SplitMix64.
    fn draw(&self) -> u64 {
        let count = self.count.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let mut z = self.chance.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A request that has its place, and answers that are under way.
struct AdmittedRequest {
    answers: Vec<AnswerStream>,
    place: OwnedSemaphorePermit,
    memory: MemoryPermit,
    busy: Option<BusyConnection>,
    stream: bool,
    usage: UsageReport,
    ends: Vec<(u32, RequestedEnd)>,
    tools: ToolMode,
}

/// Pages of others can make a browser send text here without asking, but not JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Seconds since 1970, for clients that sort by it.
fn now() -> u64 {
    #[allow(clippy::disallowed_methods)] // A server is a port.
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default()
}
