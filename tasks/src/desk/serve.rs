//! The desk over HTTP/1.1: a request a connection, each with deadlines and bounds.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State as Extracted};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, LOCATION, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use tapwright_contract::Picture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::{RejectedAnswer, Shared, lock, show};

/// People and programs that look at the same time.
const CONNECTIONS_MAX: usize = 32;
/// How long a request's head may take, and its body.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
const BODY_WITHIN: Duration = Duration::from_secs(10);
const BODY_BYTES_MAX: usize = 16 << 10;
/// The longest that somebody waits for something new.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// How long a connection may take in all; a picture over a bad network is the slowest.
const CONNECTION_WITHIN: Duration = Duration::from_secs(180);
/// What is read after the last word, so that the other side hears it.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: usize = 256 << 10;

/// Nothing from elsewhere, no frames, and no styles and scripts but ours, which are in the page: it is whole with one answer, as
/// after the last question there may be no other.
static CONTENT_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let (style, script) = (hash(show::STYLE), hash(show::SCRIPT));
    let policy = format!(
        "default-src 'none'; img-src 'self' data:; style-src {style}; script-src {script}; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("digests are plain letters")
});

/// Once the run is over, whoever looked lately may still come back to the page: how long ago that may be, how long is waited for the
/// next request, and for all of them.
const LOOKED_WITHIN: Duration = Duration::from_secs(90);
const QUIET: Duration = Duration::from_millis(800);
const FAREWELL: Duration = Duration::from_secs(3);

/// Serves until the desk is closed.
pub async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router = Router::new().fallback(answer).with_state(shared.clone());
    let mut stop = shared.stop.subscribe();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        tokio::select! {
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => {}
            (accepted, place) = next => match accepted {
                Ok((stream, _)) => {
                    let (router, stop) = (router.clone(), shared.stop.subscribe());
                    connections.spawn(async move {
                        let _place = place;
                        let _ = timeout(CONNECTION_WITHIN, connection(stream, router, stop)).await;
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "nobody can connect to the desk");
                    sleep(Duration::from_millis(100)).await; // It may be that too many files are open.
                }
            },
        }
    }
    farewell(&listener, &router, &shared, &mut connections).await;
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// A browser that sent the last answer comes back for the page, and is to see how the run ended.
async fn farewell(listener: &TcpListener, router: &Router, shared: &Shared, connections: &mut JoinSet<()>) {
    let looked = lock(&shared.looked).is_some_and(|at| at.elapsed() < LOOKED_WITHIN);
    let end = Instant::now() + FAREWELL;
    while looked && Instant::now() < end {
        let Ok(Ok((stream, _))) = timeout(QUIET, listener.accept()).await else { break };
        let (router, never) = (router.clone(), watch::Sender::new(false));
        connections.spawn(async move {
            let _ = timeout(FAREWELL, connection(stream, router, never.subscribe())).await;
        });
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await; // Whoever could say it is gone: then it is over too.
}

async fn connection(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let routes = TowerToHyperService::new(router);
    let service = service_fn(move |request: hyper::Request<Incoming>| Box::pin(routes.call(request)));
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
            () = stopped(&mut stop), if !stopping => {
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

/// What a request asks for, once it may.
async fn answer(Extracted(shared): Extracted<Arc<Shared>>, request: Request) -> Response {
    let headers = request.headers();
    if !is_ours(headers, shared.at) {
        return plain(StatusCode::FORBIDDEN, "this address is not the one that was printed");
    }
    let path = request.uri().path().to_owned();
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let (token, rest) = (parts.next().unwrap_or_default(), parts.next());
    if !same(token, &shared.token) {
        return StatusCode::NOT_FOUND.into_response();
    }
    if !is_same_origin(headers) {
        return plain(StatusCode::FORBIDDEN, "another page may not ask here");
    }
    *lock(&shared.looked) = Some(Instant::now());
    let method = request.method().clone();
    let picture = rest.and_then(|rest| rest.strip_prefix("picture-")?.strip_suffix(".png")?.parse().ok());
    let response = match (rest, picture) {
        (None, _) => moved(&format!("/{token}/")),
        (Some("answer"), _) if method == Method::POST => answered(&shared, request).await,
        (Some("answer"), _) => not_allowed("POST"),
        (Some("" | "question"), _) | (_, Some(_)) if method != Method::GET => not_allowed("GET"),
        (Some(""), _) => page(&shared, StatusCode::OK, None),
        (Some("question"), _) => question(&shared, request.uri().query().unwrap_or_default()).await,
        (_, Some(id)) => picture_of(&shared, id).await,
        (Some(_), None) => StatusCode::NOT_FOUND.into_response(),
    };
    guarded(response)
}

/// What every answer says to browsers.
fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, CONTENT_POLICY.clone());
    let mut say = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    say(X_CONTENT_TYPE_OPTIONS, "nosniff");
    // The token is in the address; `no-referrer` would take the origin from our own forms too.
    say(REFERRER_POLICY, "same-origin");
    say(CACHE_CONTROL, "no-store");
    say(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    say(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    response
}

fn page(shared: &Shared, status: StatusCode, note: Option<&str>) -> Response {
    let version = *shared.version.borrow();
    let text = show::page(&lock(&shared.state), version, note);
    (status, typed("text/html; charset=utf-8", text)).into_response()
}

/// What is asked, for programs. With `wait` it comes when there is something new: since `version`, or else a question.
async fn question(shared: &Shared, query: &str) -> Response {
    let fields: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let wait = match field("wait").map(str::parse::<u64>) {
        None => Duration::ZERO,
        Some(Ok(seconds)) => Duration::from_secs(seconds).min(WAIT_MAX),
        Some(Err(_)) => return refused(StatusCode::BAD_REQUEST, "wait is a number of seconds"),
    };
    let known = match field("version").map(str::parse::<u64>) {
        None => None,
        Some(Ok(version)) => Some(version),
        Some(Err(_)) => return refused(StatusCode::BAD_REQUEST, "version is the number of an earlier answer"),
    };
    let is_new = |version: u64| match known {
        Some(known) => version != known,
        None => {
            let state = lock(&shared.state);
            state.open.is_some() || state.ended.is_some()
        }
    };
    let mut versions = shared.version.subscribe();
    let _ = timeout(wait, versions.wait_for(|version| is_new(*version))).await;
    let version = *shared.version.borrow();
    let told = show::question(&lock(&shared.state), version);
    typed("application/json", told.to_string())
}

/// The body of an answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    id: u64,
    answer: String,
    #[serde(default)]
    words: String,
}

async fn answered(shared: &Shared, request: Request) -> Response {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_form = kind == "application/x-www-form-urlencoded";
    if !is_form && kind != "application/json" {
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "an answer is application/json, or a form");
    }
    let bytes = match timeout(BODY_WITHIN, to_bytes(request.into_body(), BODY_BYTES_MAX)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => {
            let why = format!("the body broke off, or is longer than {BODY_BYTES_MAX} bytes");
            return refused(StatusCode::PAYLOAD_TOO_LARGE, &why);
        }
        Err(_) => return refused(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
    };
    let Said { id, answer, words } = match read(&bytes, is_form) {
        Ok(said) => said,
        Err(why) => return refused(StatusCode::BAD_REQUEST, &why),
    };
    match (shared.answer(id, &answer, &words), is_form) {
        (Ok(()), false) => typed("application/json", json!({"taken": true}).to_string()),
        (Ok(()), true) => moved(&format!("/{}/", shared.token)),
        (Err(late), is_form) => {
            let (status, why) = explained(&late);
            if is_form { page(shared, status, Some(&why)) } else { refused(status, &why) }
        }
    }
}

fn read(bytes: &Bytes, is_form: bool) -> Result<Said, String> {
    if !is_form {
        return serde_json::from_slice(bytes).map_err(|error| format!("the body: {error}"));
    }
    let fields: Vec<(String, String)> = form_urlencoded::parse(bytes).into_owned().collect();
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let id = field("id").and_then(|id| id.parse().ok()).ok_or("the form has no id of a question")?;
    Ok(Said { id, answer: field("answer").unwrap_or_default(), words: field("words").unwrap_or_default() })
}

fn explained(late: &RejectedAnswer) -> (StatusCode, String) {
    match late {
        RejectedAnswer::Closed { id, how } => (
            StatusCode::CONFLICT,
            format!("question {id} is not open any more, and nothing came of this answer: {how}"),
        ),
        RejectedAnswer::NoSuchQuestion { id } => (StatusCode::CONFLICT, format!("there is no question {id}")),
        RejectedAnswer::NotAllowed { fit } => {
            (StatusCode::BAD_REQUEST, format!("this question is answered with: {}; a choice has words", fit.join(", ")))
        }
    }
}

async fn picture_of(shared: &Shared, id: u64) -> Response {
    let picture = {
        let state = lock(&shared.state);
        let open = state.open.as_ref().filter(|open| open.id == id);
        open.and_then(|open| open.screen.as_ref()).map(|screen| screen.picture.clone())
    };
    let Some(picture) = picture else { return StatusCode::NOT_FOUND.into_response() };
    match tokio::task::spawn_blocking(move || png(&picture)).await {
        Ok(Ok(png)) => typed("image/png", png),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn png(picture: &Picture) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.size().width, picture.size().height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(picture.rgba())?;
    writer.finish()?;
    Ok(bytes)
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

/// Compares in a time that does not tell where they differ.
fn same(given: &str, token: &str) -> bool {
    given.len() == token.len() && given.bytes().zip(token.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

fn plain(status: StatusCode, words: &'static str) -> Response {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], words).into_response()
}

fn typed(kind: &'static str, body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, kind)], body.into()).into_response()
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, typed("application/json", json!({"error": why}).to_string())).into_response()
}

fn not_allowed(method: &'static str) -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, method)]).into_response()
}

fn moved(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
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
