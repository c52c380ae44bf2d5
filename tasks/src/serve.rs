//! Serves a virtual phone to any adb client, and a model to any OpenAI client.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tapwright_agent::stop::Stop;
use tapwright_contract::file::read_text;
use tapwright_contract::model::Model as _;
use tapwright_models::server;
use tapwright_phone::Options;
use tapwright_phone::adbd::PublicKey;
use tokio::net::TcpListener;

use crate::device::{Weather, plug_in};
use crate::model::{self, ApiKey, LoadModelError, LoadingStage};
use crate::page_server::{PageServerError, PageServerOptions};
use crate::profile::ChosenProfile;
use crate::window::{PhoneDriver, Window};

pub use tapwright_models::server::{Observer, RequestSummary, ServeError, UrlPolicy};
pub use tapwright_phone::adbd::{Access, DaemonOptions, Identity};
pub use tapwright_phone::{AppSelection, Appearance, Language as PhoneLanguage, Motion};

pub use crate::device::PhoneOptions;

/// A file does not say who may use a phone.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", .at.display())]
pub struct BadKeyFile {
    pub at: PathBuf,
    pub why: String,
}

/// Reads who may use a phone from files that adb has written, `adbkey.pub`; without any it is everybody.
///
/// # Errors
/// `BadKeyFile` if one cannot be read or is no public key.
pub fn access(files: &[PathBuf]) -> Result<Access, BadKeyFile> {
    let read = |at: &PathBuf| {
        let bad = |why: String| BadKeyFile { at: at.clone(), why };
        let text = read_text(at, KEY_BYTES_MAX).map_err(|error| bad(error.to_string()))?;
        PublicKey::parse(&text).map_err(|error| bad(error.to_string()))
    };
    if files.is_empty() {
        return Ok(Access::Anybody);
    }
    files.iter().map(read).collect::<Result<_, _>>().map(Access::Keys)
}

/// A public key takes less than a thousand.
const KEY_BYTES_MAX: u64 = 16 << 10;

/// Why a phone is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServePhoneError {
    /// Take another address.
    #[error("nothing can listen at {at}: {source}")]
    Listen { at: SocketAddr, source: io::Error },
    /// Its window cannot be shown.
    #[error(transparent)]
    Window(#[from] PageServerError),
}

/// Serves a phone until it is stopped, and shows it in a browser's tab if there is to be a `window`. `ready` is told where the phone and
/// its window are, once both can be reached.
///
/// # Errors
/// `ServePhoneError` if nothing can be listened on there.
pub async fn phone(
    listen: SocketAddr,
    phone: &Options,
    weather: &Weather,
    options: DaemonOptions,
    window: Option<PageServerOptions>,
    mut stop: Stop,
    ready: impl FnOnce(SocketAddr, Option<&str>),
) -> Result<(), ServePhoneError> {
    let wrong = |source| ServePhoneError::Listen { at: listen, source };
    // What was done to a phone of another process was not done to this one, though they were drawn alike.
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(|error| wrong(io::Error::other(error)))?;
    let serial = format!("TW{}R{:08X}", phone.seed, u32::from_be_bytes(random));
    let options = DaemonOptions { identity: Identity { serial, ..options.identity }, ..options };
    let daemon = plug_in(listen, phone, weather, options).await.map_err(wrong)?;
    let window = match window {
        Some(options) => {
            let about = format!("virtual phone {}x{}, seed {}", phone.width, phone.height, phone.seed);
            let driver = Box::new(PhoneDriver::new(daemon.handle().clone(), about.clone()));
            Some(Window::open(options, driver, &about).await?)
        }
        None => None,
    };
    ready(daemon.address(), window.as_ref().map(Window::url));
    stop.stopped().await;
    if let Some(window) = window {
        window.close().await;
    }
    daemon.kill().await;
    Ok(())
}

/// How a model is served.
#[derive(Clone)]
pub struct ModelServer {
    pub listen: SocketAddr,
    /// What the model is called, in place of its folder's name.
    pub name: Option<String>,
    /// What clients have to send.
    pub key: Option<ApiKey>,
    /// Whether machines other than this one may ask without a key.
    pub open_to_all: bool,
    pub urls: UrlPolicy,
    /// Requests that wait or are answered at most.
    pub queue: usize,
    /// Told of every request that ended.
    pub observer: Option<Observer>,
}

/// Why a model is not served.
#[derive(Debug, thiserror::Error)]
pub enum ModelServerError {
    /// Take another address.
    #[error("nothing can listen at {at}: {source}")]
    Listen { at: SocketAddr, source: io::Error },
    #[error(transparent)]
    Model(#[from] LoadModelError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Serves a folder's model until it is stopped. `ready` is told where, under which name, and
/// how many tokens a prompt and its answer may have, once clients can ask.
///
/// # Errors
/// `ModelServerError` if it cannot be served.
pub async fn model(
    folder: &Path,
    options: &model::ModelOptions,
    how: ModelServer,
    mut stop: Stop,
    opening: impl Fn(LoadingStage) + Send + 'static,
    ready: impl FnOnce(SocketAddr, &str, u32),
) -> Result<(), ModelServerError> {
    let ModelServer { listen, name, key, open_to_all, urls, queue, observer } = how;
    // What is wrong with the address is said at once, and not after a model has been loaded for minutes.
    if !listen.ip().is_loopback() && key.is_none() && !open_to_all {
        return Err(ServeError::Open { at: listen }.into());
    }
    let wrong = |source| ModelServerError::Listen { at: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(wrong)?;
    let at = listener.local_addr().map_err(wrong)?;
    let ChosenProfile { profiles, note } = model::profiles(options)?;
    if let Some(note) = note {
        opening(LoadingStage::Note(note));
    }
    let local = tokio::select! {
        opened = model::local(folder, &profiles, options, opening) => opened?,
        () = stop.stopped() => return Ok(()),
    };
    let name = name.unwrap_or_else(|| local.name().to_owned());
    ready(at, &name, local.context_tokens_max());
    let options = server::ServerOptions {
        name,
        sampling: profiles.model.sampling,
        key,
        open_to_all,
        urls,
        limits: server::ServerLimits { queue, ..server::ServerLimits::USUAL },
        observer,
    };
    Ok(server::serve(listener, Arc::new(local), options, async move { stop.stopped().await }).await?)
}
