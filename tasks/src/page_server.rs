//! A small HTTP/1.1 server for whoever has its token: a request a connection, each with deadlines and bounds.
//!
//! What may be asked at all is decided here: the token has to be in the address, the `Host` has to be this machine, and no other
//! page may ask. What is answered is each page's own ([`Pages`]): the desk's, a device's window.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State as Extracted};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, LOCATION, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use crate::connections::{ConnectionActivity, ConnectionLimits, accept_connections};
use crate::seal::is_same_secret;

/// People and programs that look at the same time; a picture over a bad network takes longest.
const CONNECTIONS: ConnectionLimits = ConnectionLimits { at_once: 32, within: Duration::from_secs(180) };
/// How long a request's head may take, and its body.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
const BODY_WITHIN: Duration = Duration::from_secs(10);
const BODY_BYTES_MAX: usize = 16 << 10;
/// The longest that somebody waits for something new.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// What is read after the last word, so that the other side hears it.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: usize = 256 << 10;

/// Once all is over, whoever looked lately may still come back to the page: how long ago that may be, how long is waited for the
/// next request, and for all of them.
const LOOKED_WITHIN: Duration = Duration::from_secs(90);
const QUIET: Duration = Duration::from_millis(800);
const FAREWELL: Duration = Duration::from_secs(3);
/// How long whoever looks has to hear that it is over.
const LAST_WORD: Duration = Duration::from_secs(4);

/// Where pages are, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageServerOptions {
    pub listen: SocketAddr,
    /// Whether machines other than this one may reach it.
    pub open: bool,
}

/// Why there are no pages.
#[derive(Debug, thiserror::Error)]
pub enum PageServerError {
    /// Take another address.
    #[error("nothing can listen for a browser at {at}: {source}")]
    Listen { at: SocketAddr, source: io::Error },
    /// It has to be wanted.
    #[error(
        "{at} can be reached from other machines: whoever has the address with its token could answer, and see the screen"
    )]
    Open { at: SocketAddr },
    /// The system gives no random numbers.
    #[error("no token can be made that nobody can guess")]
    Token,
}

/// What is answered to whoever has the token.
#[async_trait]
pub(crate) trait Pages: Send + Sync + 'static {
    /// What a browser may load for these pages: [`content_policy`].
    fn content_policy(&self) -> &HeaderValue;

    /// Answers a request for `path`, which begins below the token; `home` is the address of all of it, without the host.
    async fn answer(&self, path: &str, home: &str, request: Request) -> Response;
}

/// Serves pages until it is closed.
pub(crate) struct PageServer {
    url: String,
    stop: watch::Sender<bool>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

struct Site {
    token: String,
    at: SocketAddr,
    pages: Arc<dyn Pages>,
    /// When somebody with the token last asked for anything.
    looked: Mutex<Option<Instant>>,
}

impl PageServer {
    /// Serves pages at an address, with a token that is made anew each time and is in no record.
    ///
    /// # Errors
    /// `PageServerError` if nothing can be there.
    pub async fn open(options: PageServerOptions, pages: Arc<dyn Pages>) -> Result<PageServer, PageServerError> {
        let PageServerOptions { listen, open } = options;
        if !listen.ip().is_loopback() && !open {
            return Err(PageServerError::Open { at: listen });
        }
        let wrong = |source| PageServerError::Listen { at: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(wrong)?;
        let at = listener.local_addr().map_err(wrong)?;
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| PageServerError::Token)?;
        let token = hex::encode(random);
        let url = format!("http://{at}/{token}/");
        let stop = watch::Sender::new(false);
        let site = Arc::new(Site { token, at, pages, looked: Mutex::default() });
        let serving = tokio::spawn(serve(listener, site, stop.clone()));
        Ok(PageServer { url, stop, serving: Mutex::new(Some(serving)) })
    }

    /// Where it is, with the token.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets whoever looks hear the last word, and closes.
    pub async fn close(&self) {
        self.stop.send_replace(true);
        let serving = lock(&self.serving).take();
        if let Some(serving) = serving {
            let _ = timeout(LAST_WORD, serving).await; // Whoever is slower sees that nothing answers.
        }
    }
}

/// Nothing from elsewhere, no frames, and no styles and scripts but these, which are in the page: it is whole with one answer.
pub(crate) fn content_policy(style: &str, script: &str) -> HeaderValue {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let (style, script) = (hash(style), hash(script));
    let policy = format!(
        "default-src 'none'; img-src 'self' data:; style-src {style}; script-src {script}; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("digests are plain letters")
}

async fn serve(listener: TcpListener, site: Arc<Site>, stopping: watch::Sender<bool>) {
    let router = Router::new().fallback(answer).with_state(site.clone());
    let mut stop = stopping.subscribe();
    let serve = |stream, activity| connection(stream, activity, router.clone(), stopping.subscribe());
    let mut connections = accept_connections(&listener, CONNECTIONS, wait_for_stop(&mut stop), serve).await;
    farewell(&listener, &router, &site, &mut connections).await;
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// A browser that sent the last answer comes back for the page, and is to see how it ended.
async fn farewell(listener: &TcpListener, router: &Router, site: &Site, connections: &mut JoinSet<()>) {
    let looked = lock(&site.looked).is_some_and(|at| at.elapsed() < LOOKED_WITHIN);
    let end = Instant::now() + FAREWELL;
    while looked && Instant::now() < end {
        let Ok(Ok((stream, _))) = timeout(QUIET, listener.accept()).await else { break };
        let (router, never) = (router.clone(), watch::Sender::new(false));
        connections.spawn(async move {
            let activity = ConnectionActivity::new(Arc::new(Notify::new())); // Nobody comes after it who would need its place.
            let _ = timeout(FAREWELL, connection(stream, activity, router, never.subscribe())).await;
        });
    }
}

async fn wait_for_stop(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await; // Whoever could say it is gone: then it is over too.
}

async fn connection(stream: TcpStream, activity: ConnectionActivity, router: Router, mut stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let routes = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(activity.clone());
        Box::pin(routes.call(request))
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .keep_alive(false)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service);
    let mut stopping = false;
    let ended = loop {
        tokio::select! {
            ended = poll_fn(|context| connection.poll_without_shutdown(context)) => break ended,
            // Who was let in just before the end has not said yet what for.
            () = async { wait_for_stop(&mut stop).await; sleep(QUIET).await }, if !stopping => {
                stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    if ended.is_ok() {
        let _ = timeout(LINGER, linger(connection.into_parts().io.into_inner())).await;
    }
}

/// A connection that is closed with bytes unread is reset, and takes the response with it.
async fn linger(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut thrown = [0; 4 << 10];
    let mut left = LINGER_BYTES_MAX;
    while left > 0 {
        match stream.read(&mut thrown).await? {
            0 => break,
            count => left = left.saturating_sub(count),
        }
    }
    Ok(())
}

/// Answers whoever may ask.
async fn answer(Extracted(site): Extracted<Arc<Site>>, request: Request) -> Response {
    let headers = request.headers();
    if !is_ours(headers, site.at) {
        return plain(StatusCode::FORBIDDEN, "this address is not the one that was printed");
    }
    let path = request.uri().path().to_owned();
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let (token, rest) = (parts.next().unwrap_or_default(), parts.next());
    if !is_same_secret(token.as_bytes(), site.token.as_bytes()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    if !is_same_origin(headers) {
        return plain(StatusCode::FORBIDDEN, "another page may not ask here");
    }
    // Whoever has no token keeps no place from those who have.
    let activity = request.extensions().get::<ConnectionActivity>().cloned();
    let answering = activity.as_ref().map(ConnectionActivity::begin_answer);
    if matches!(answering, Some(None)) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    *lock(&site.looked) = Some(Instant::now());
    let home = format!("/{token}/");
    let response = match rest {
        None => see_other(&home),
        Some(rest) => site.pages.answer(rest, &home, request).await,
    };
    with_headers(response, site.pages.content_policy())
}

/// What every answer says to browsers.
fn with_headers(mut response: Response, policy: &HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    let mut say = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    say(X_CONTENT_TYPE_OPTIONS, "nosniff");
    // The token is in the address; `no-referrer` would take the origin from our own forms too.
    say(REFERRER_POLICY, "same-origin");
    say(CACHE_CONTROL, "no-store");
    say(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    say(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    response
}

/// The fields of a request's query.
pub(crate) fn query(request: &Request) -> Query {
    Query(form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect())
}

/// What stands after the `?` of an address.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    fn field(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `wait`: how long somebody wants to wait for something new.
    pub fn wait(&self) -> Result<Duration, Response> {
        match self.field("wait").map(str::parse::<u64>) {
            None => Ok(Duration::ZERO),
            Some(Ok(seconds)) => Ok(Duration::from_secs(seconds).min(WAIT_MAX)),
            Some(Err(_)) => Err(error_response(StatusCode::BAD_REQUEST, "wait is a number of seconds")),
        }
    }

    /// The number of an earlier answer, in the field of that name.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Response> {
        let wrong = || error_response(StatusCode::BAD_REQUEST, &format!("{name} is the number of an earlier answer"));
        self.field(name).map(str::parse).transpose().map_err(|_| wrong())
    }
}

/// The body of a request, and whether a form sent it, in place of JSON.
pub(crate) async fn body(request: Request) -> Result<(Bytes, bool), Response> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_form = kind == "application/x-www-form-urlencoded";
    if !is_form && kind != "application/json" {
        return Err(error_response(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body is application/json, or an answer's form",
        ));
    }
    match timeout(BODY_WITHIN, to_bytes(request.into_body(), BODY_BYTES_MAX)).await {
        Ok(Ok(bytes)) => Ok((bytes, is_form)),
        Ok(Err(_)) => {
            let why = format!("the body broke off, or is longer than {BODY_BYTES_MAX} bytes");
            Err(error_response(StatusCode::PAYLOAD_TOO_LARGE, &why))
        }
        Err(_) => Err(error_response(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}

/// Whether a request was sent to an address of this machine, and not to a name that somebody made to lead here: a page
/// of theirs could then read all that a browser on this machine can.
fn is_ours(headers: &HeaderMap, at: SocketAddr) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    match name.parse::<IpAddr>() {
        // A number leads nowhere else than it says.
        Ok(ip) => ip.is_loopback() || ip == at.ip() || at.ip().is_unspecified(),
        Err(_) => false,
    }
}

/// Browsers say which page a request comes from; programs need not.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    origin
        .to_str()
        .is_ok_and(|origin| origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host)))
}

fn plain(status: StatusCode, words: &'static str) -> Response {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], words).into_response()
}

pub(crate) fn typed_response(kind: &'static str, body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, kind)], body.into()).into_response()
}

pub(crate) fn error_response(status: StatusCode, why: &str) -> Response {
    (status, typed_response("application/json", json!({"error": why}).to_string())).into_response()
}

pub(crate) fn not_allowed(method: &'static str) -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, method)]).into_response()
}

pub(crate) fn see_other(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
}

/// A panic elsewhere leaves nothing half-done here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_addresses_are_ours() {
        let check = |host: &str, at: &str| {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_str(host).unwrap())]);
            is_ours(&headers, at.parse().unwrap())
        };
        for host in ["127.0.0.1:8790", "localhost:1", "LOCALHOST", "[::1]:8790", "127.0.0.1", "127.0.0.5:9"] {
            assert!(check(host, "127.0.0.1:8790"), "{host}");
        }
        for host in
            ["evil.example:8790", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.2:8790", "", "::", "a b"]
        {
            assert!(!check(host, "127.0.0.1:8790"), "{host}");
        }
        assert!(check("10.0.0.2:8790", "10.0.0.2:8790"));
        assert!(!check("10.0.0.3:8790", "10.0.0.2:8790"));
        assert!(check("10.0.0.3:8790", "0.0.0.0:8790") && !check("evil.example:8790", "0.0.0.0:8790"));
        assert!(!is_ours(&HeaderMap::new(), "127.0.0.1:1".parse().unwrap()));
    }

    struct Word(HeaderValue);

    #[async_trait]
    impl Pages for Word {
        fn content_policy(&self) -> &HeaderValue {
            &self.0
        }

        async fn answer(&self, _path: &str, _home: &str, _request: Request) -> Response {
            "the last word".into_response()
        }
    }

    #[tokio::test]
    async fn who_was_let_in_just_before_the_end_is_still_answered() {
        let options = PageServerOptions { listen: "127.0.0.1:0".parse().unwrap(), open: false };
        let server =
            PageServer::open(options, Arc::new(Word(HeaderValue::from_static("default-src 'none'")))).await.unwrap();
        let (at, path) = server.url().strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut stream = TcpStream::connect(at).await.unwrap();
        sleep(Duration::from_millis(50)).await; // It is let in.
        let asks = async {
            sleep(Duration::from_millis(50)).await; // The end has begun.
            stream.write_all(format!("GET /{path} HTTP/1.1\r\nhost: {at}\r\n\r\n").as_bytes()).await.unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).await.unwrap();
            said
        };
        let ((), said) = tokio::join!(server.close(), asks);
        assert!(said.ends_with("the last word"), "{said:?}");
    }

    #[test]
    fn another_page_may_not_ask() {
        let check = |origin: &str| {
            let value = |text: &str| HeaderValue::from_str(text).unwrap();
            is_same_origin(&HeaderMap::from_iter([(HOST, value("127.0.0.1:8790")), (ORIGIN, value(origin))]))
        };
        assert!(check("http://127.0.0.1:8790"));
        for origin in ["null", "http://127.0.0.1:8791", "http://evil.example", "http://127.0.0.1:8790.evil.example", ""]
        {
            assert!(!check(origin), "{origin}");
        }
    }
}
