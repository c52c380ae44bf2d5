//! OSWorld's control protocol in front of a machine of ours: whoever drives OSWorld's virtual machines can drive it, the official harness
//! too. What is answered is upstream's, in `routes.rs`; who may ask at all, and how much, is decided here.
//!
//! The protocol runs any command on the machine. So it is served to this computer only unless somebody says otherwise, a page of
//! a browser may not ask, and whatever is started runs inside the machine, where it cannot reach this process.

mod form;
mod recording;
mod routes;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tapwright_agent::stop::Stop;
use tapwright_contract::Size;
use tapwright_contract::device::DriverErrorKind;
#[cfg(target_os = "linux")]
use tapwright_drivers::Settle;
use tapwright_drivers::osworld::machine::{ControlledMachine, FILE_BYTES_MAX};
#[cfg(target_os = "linux")]
use tapwright_drivers::osworld::private::PrivateMachine;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, RwLock};
use tokio::time::{Instant, timeout};

use self::recording::Recording;
use crate::connections::{ConnectionActivity, ConnectionLimits, accept_connections};
use crate::seal::is_same_secret;

/// No connection is kept longer than the longest answer takes: that of a file that is opened.
const CONNECTIONS: ConnectionLimits = ConnectionLimits { at_once: 64, within: Duration::from_secs(2400) };
/// How long a request's head may take, and its body, which may be a large file from far away. Neither keeps a place from others.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
const BODY_WITHIN: Duration = Duration::from_secs(600);
/// What a form has beside its file.
const FORM_EXTRA_BYTES: usize = 1 << 20;
const JSON_BYTES_MAX: usize = 16 << 20;
/// How long a machine may take to be there.
const START: Duration = Duration::from_secs(60);

/// Makes machines: one at the beginning, and one for each reset.
#[async_trait]
pub trait MachineSource: Send + Sync + 'static {
    /// A machine in the state in which all begin. Dropping it ends it.
    ///
    /// # Errors
    /// Why there can be none.
    async fn start(&self, within: Duration) -> Result<Arc<dyn ControlledMachine>, DriverErrorKind>;
}

/// Private desktops of this computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateMachines {
    /// In which folder theirs are.
    pub folder: PathBuf,
    /// Of their screens.
    pub size: Size,
}

#[async_trait]
impl MachineSource for PrivateMachines {
    #[cfg(target_os = "linux")]
    async fn start(&self, within: Duration) -> Result<Arc<dyn ControlledMachine>, DriverErrorKind> {
        let machine = Arc::new(PrivateMachine::start(&self.folder, self.size, within).await?);
        // Whoever opens a desktop gives it a window manager and a background; a black one would be taken for one that is off.
        let opened = machine.rig(Settle::DESKTOP, Vec::new(), within).await;
        drop(opened.map_err(|error| error.kind)?);
        Ok(machine)
    }

    #[cfg(not(target_os = "linux"))]
    async fn start(&self, _within: Duration) -> Result<Arc<dyn ControlledMachine>, DriverErrorKind> {
        let why = "private desktops are on Linux only".to_owned();
        Err(DriverErrorKind::Refused { why })
    }
}

/// Where it is served, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineServerOptions {
    pub listen: SocketAddr,
    /// What clients have to send: as a bearer token, or as the name in `http://TOKEN@HOST:PORT`.
    pub token: Option<String>,
    /// Whether machines other than this one may reach it.
    pub open: bool,
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum MachineServerError {
    /// Take another address.
    #[error("nothing can listen at {at}: {source}")]
    Listen { at: SocketAddr, source: io::Error },
    /// It has to be wanted.
    #[error("{at} can be reached from other computers, and whoever reaches it runs any command on the machine")]
    Open { at: SocketAddr },
    /// A token that everybody has to send is the least.
    #[error("{at} can be reached from other computers, and no token is asked for")]
    NoToken { at: SocketAddr },
    /// There is no machine.
    #[error("there is no machine to serve: {0}")]
    Machine(DriverErrorKind),
}

/// What all requests share.
struct Site {
    machine: RwLock<Arc<dyn ControlledMachine>>,
    source: Arc<dyn MachineSource>,
    recording: Mutex<Option<Recording>>,
    token: Option<String>,
    at: SocketAddr,
}

impl Site {
    async fn machine(&self) -> Arc<dyn ControlledMachine> {
        self.machine.read().await.clone()
    }

    /// Puts a new machine in the place of the one that there is, which ends once nobody asks it any more.
    async fn reset(&self) -> Result<(), DriverErrorKind> {
        // Whoever comes meanwhile waits, and meets the new one.
        let mut machine = self.machine.write().await;
        *machine = self.source.start(START).await?;
        *self.recording.lock().await = None;
        Ok(())
    }
}

/// Serves machines until it is stopped. `ready` is told where, once it can be reached.
///
/// # Errors
/// `MachineServerError` if nothing can be served.
pub async fn serve(
    options: MachineServerOptions,
    source: Arc<dyn MachineSource>,
    mut stop: Stop,
    ready: impl FnOnce(SocketAddr, &str),
) -> Result<(), MachineServerError> {
    let at = options.listen;
    if !at.ip().is_loopback() {
        match (options.open, &options.token) {
            (false, _) => return Err(MachineServerError::Open { at }),
            (true, None) => return Err(MachineServerError::NoToken { at }),
            (true, Some(_)) => {}
        }
    }
    // The address first: a machine takes longer to be there than it takes to find out that nobody could reach it.
    let wrong = |source| MachineServerError::Listen { at, source };
    let listener = TcpListener::bind(at).await.map_err(wrong)?;
    let at = listener.local_addr().map_err(wrong)?;
    let machine = tokio::select! {
        machine = source.start(START) => machine.map_err(MachineServerError::Machine)?,
        _ = stop.stopped() => return Ok(()),
    };
    ready(at, machine.name());
    let site =
        Arc::new(Site { machine: RwLock::new(machine), source, recording: Mutex::default(), token: options.token, at });
    let router = Router::new().fallback(answer).with_state(site);
    let serve = |stream, activity| connection(stream, activity, router.clone());
    let mut connections = accept_connections(&listener, CONNECTIONS, stop.stopped(), serve).await;
    // What is asked now is of a machine that is about to be gone.
    connections.shutdown().await;
    Ok(())
}

async fn connection(stream: TcpStream, activity: ConnectionActivity, router: Router) {
    let _ = stream.set_nodelay(true);
    let routes = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(activity.clone());
        Box::pin(routes.call(request))
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection has broken");
    }
}

/// Answers whoever may ask.
async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response {
    let began = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let activity = request.extensions().get::<ConnectionActivity>().cloned();
    let response = match check_admission(&site, request.headers()) {
        Ok(()) => match read(&path, request).await {
            // Only now: a body that never comes keeps no place.
            Ok((kind, body)) => match activity.as_ref().map(ConnectionActivity::begin_answer) {
                Some(None) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                _answering => routes::answer(&site, &method, &path, &kind, body).await,
            },
            Err(response) => response,
        },
        Err(response) => response,
    };
    let (status, ms) = (response.status().as_u16(), began.elapsed().as_millis());
    tracing::info!(%method, path = path.chars().take(80).collect::<String>(), status, ms, "answered");
    response
}

/// Whether whoever sent this may ask.
fn check_admission(site: &Site, headers: &HeaderMap) -> Result<(), Response> {
    if !is_of_this_address(headers, site.at) || headers.contains_key(ORIGIN) {
        let why = "this is for programs that know the address; a page of a browser may not ask";
        return Err(routes::complaint(StatusCode::FORBIDDEN, why));
    }
    let Some(token) = &site.token else { return Ok(()) };
    let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(token_of_header);
    if sent.is_some_and(|sent| is_same_secret(sent.as_bytes(), token.as_bytes())) {
        return Ok(());
    }
    let why = "a token is wanted: http://TOKEN@HOST:PORT, or the header Authorization: Bearer TOKEN";
    let mut response = routes::complaint(StatusCode::UNAUTHORIZED, why);
    response.headers_mut().insert(WWW_AUTHENTICATE, "Basic realm=\"machine\"".parse().expect("plain letters"));
    Err(response)
}

/// The token of a header: `Bearer TOKEN`, or the name or the password of `Basic …`.
fn token_of_header(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (name, password) = pair.split_once(':')?;
    Some(if password.is_empty() { name } else { password }.to_owned())
}

/// Whether a request was sent to this address, and not to a name that somebody made to lead here: a page of theirs could then have
/// a browser on this computer ask.
fn is_of_this_address(headers: &HeaderMap, at: SocketAddr) -> bool {
    // Without a Host nobody was led anywhere: no browser leaves it out.
    let Some(host) = headers.get(HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    // Who listens for others has a token, and may be called by any name.
    !at.ip().is_loopback()
        || name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The content type and the body of a request, if it is not too long.
async fn read(path: &str, request: Request) -> Result<(String, Bytes), Response> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    let bytes_max = match path {
        "/setup/upload" => usize::try_from(FILE_BYTES_MAX).unwrap_or(usize::MAX).saturating_add(FORM_EXTRA_BYTES),
        _ => JSON_BYTES_MAX,
    };
    match timeout(BODY_WITHIN, to_bytes(request.into_body(), bytes_max)).await {
        Ok(Ok(body)) => Ok((kind, body)),
        Ok(Err(_)) => {
            let why = format!("the body broke off, or is longer than {bytes_max} bytes");
            Err(routes::complaint(StatusCode::PAYLOAD_TOO_LARGE, &why))
        }
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT.into_response()),
    }
}
