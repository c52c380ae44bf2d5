//! Serves the pages of MiniWoB++ to browsers on this machine, each episode at an address of its own, and hears what comes of it.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path as UrlPath, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, body::Body};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tapwright_contract::file::read_bytes;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const SCRIPT: &str = include_str!("episode.js");
const FORGET: &str = include_str!("forget.js");
/// No file of the package is half as long.
const FILE_BYTES_MAX: u64 = 8 << 20;
/// What a page says is short, but for a goal.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// What became of an episode so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Episode {
    pub is_open: bool,
    pub goal: Option<String>,
    pub end: Option<EpisodeEnd>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct EpisodeEnd {
    pub raw_reward: f64,
    pub reward: f64,
    pub reason: String,
}

/// What a page says.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum PageMessage {
    Open,
    Ready { goal: String },
    End(EpisodeEnd),
}

struct Shared {
    root: PathBuf,
    episodes: Mutex<BTreeMap<String, (u32, watch::Sender<Episode>)>>,
}

/// The server; it ends when this is dropped.
pub(super) struct PageServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// A digest of all that is served.
    pub digest: String,
    task: JoinHandle<()>,
}

impl Drop for PageServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An episode that a page is asked to begin; it is forgotten when this is dropped.
pub(super) struct EpisodeTicket {
    shared: Arc<Shared>,
    token: String,
    pub address: String,
    pub episode: watch::Receiver<Episode>,
}

impl Drop for EpisodeTicket {
    fn drop(&mut self) {
        self.shared.episodes.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.token);
    }
}

impl PageServer {
    pub async fn start(root: &Path) -> io::Result<PageServer> {
        let digest = digest_of(root)?;
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { root: root.to_owned(), episodes: Mutex::default() });
        let routes = Router::new()
            .route("/episodes/{token}", post(receive))
            .fallback(get(serve))
            .layer(DefaultBodyLimit::max(MESSAGE_BYTES_MAX))
            .with_state(shared.clone());
        let task = tokio::spawn(async move { drop(axum::serve(listener, routes).await) });
        Ok(PageServer { shared, address, digest, task })
    }

    /// Makes an address at which one episode of a task can be begun, once.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn ticket(&self, task: &str, seed: u32) -> io::Result<EpisodeTicket> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let token = hex::encode(random);
        let (sender, episode) = watch::channel(Episode::default());
        self.shared.episodes.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), (seed, sender));
        // A browser looks for all names below `localhost` here.
        let port = self.address.port();
        let address = format!("http://episode.localhost:{port}/miniwob/{task}.html?episode={token}");
        Ok(EpisodeTicket { shared: self.shared.clone(), token, address, episode })
    }
}

async fn serve(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let Some(path) = inside(&shared.root, uri.path()) else { return StatusCode::NOT_FOUND.into_response() };
    let kind = match path.extension().and_then(|end| end.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("gif") => "image/gif",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    };
    let read = tokio::task::spawn_blocking(move || read_bytes(&path, FILE_BYTES_MAX)).await;
    let Ok(Ok(mut body)) = read else { return StatusCode::NOT_FOUND.into_response() };
    if let Some(token) = uri.query().and_then(|query| query.strip_prefix("episode=")) {
        let episodes = shared.episodes.lock().unwrap_or_else(PoisonError::into_inner);
        let found = episodes.get(token).map(|(seed, episode)| (*seed, episode.borrow().is_open));
        drop(episodes);
        let Some((seed, is_open)) = found else { return StatusCode::NOT_FOUND.into_response() };
        // Only a token that we have made comes this far: it is written in hexadecimal digits.
        let script = SCRIPT.replace("EPISODE'", &format!("{token}'")).replace("(SEED)", &format!("({seed})"));
        // A page that is loaded again finds what it has stored itself.
        if !is_open {
            let begins = begin_of(&body);
            body.splice(begins..begins, format!("<script>{FORGET}</script>").into_bytes());
        }
        body.extend_from_slice(format!("<script>\n{script}</script>\n").as_bytes());
    }
    // What pages need is the same for all of them; the pages themselves are told apart.
    let caching = if kind.starts_with("text/html") { "no-store" } else { "max-age=86400" };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, caching)], Body::from(body)).into_response()
}

/// Where a page begins, behind what says of which kind it is: before that stands nothing but blanks and comments, or the browser takes
/// the page for one of another kind.
fn begin_of(page: &[u8]) -> usize {
    let mut rest = page.strip_prefix("\u{feff}".as_bytes()).unwrap_or(page);
    loop {
        rest = rest.trim_ascii_start();
        let end_of = |end: &[u8]| rest.windows(end.len()).position(|bytes| bytes == end).map(|at| at + end.len());
        let is_declaration = rest.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"<!doctype"));
        match (rest.starts_with(b"<!--"), is_declaration) {
            (true, _) => match end_of(b"-->") {
                Some(end) => rest = &rest[end..],
                None => return 0,
            },
            (false, true) => return end_of(b">").map_or(0, |end| page.len() - rest.len() + end),
            (false, false) => return 0,
        }
    }
}

/// The file that an address means, if it is one of the pages.
fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    let path = Path::new(path.trim_start_matches('/'));
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    let at = root.join(path);
    // A link in the folder leads nowhere else.
    let whole = at.canonicalize().ok().filter(|whole| root.canonicalize().is_ok_and(|root| whole.starts_with(root)))?;
    (is_plain && whole.is_file()).then_some(whole)
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    UrlPath(token): UrlPath<String>,
    Json(news): Json<PageMessage>,
) -> Result<&'static str, StatusCode> {
    let episodes = shared.episodes.lock().unwrap_or_else(PoisonError::into_inner);
    let (_, episode) = episodes.get(&token).ok_or(StatusCode::NOT_FOUND)?;
    let mut answer = "";
    episode.send_modify(|episode| match news {
        PageMessage::Open => {
            answer = if episode.is_open { "again" } else { "begin" };
            episode.is_open = true;
        }
        PageMessage::Ready { goal } => drop(episode.goal.get_or_insert(goal)),
        // The first end counts: a page that goes on gives nothing more.
        PageMessage::End(end) => drop(episode.end.get_or_insert(end)),
    });
    Ok(answer)
}

/// A digest of the pages and of what they need, by name.
fn digest_of(root: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    let mut folders = ["core", "common", "miniwob"].map(|name| root.join(name)).to_vec();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry?.path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    let mut hash = Sha256::new();
    for path in files {
        let bytes = read_bytes(&path, FILE_BYTES_MAX)?;
        hash.update(path.strip_prefix(root).unwrap_or(&path).as_os_str().as_encoded_bytes());
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(&bytes);
    }
    Ok(hex::encode(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stands_before_what_says_of_which_kind_a_page_is() {
        for (page, begins) in [
            ("<!DOCTYPE html>\n<p>", 15),
            ("\u{feff}<!doctype html><p>", 18),
            // As `order-food` begins.
            (" <!DOCTYPE html>\n<p>", 16),
            ("\n<!-- a > b -->\r\n<!doctype html><p>", 32),
            ("<!-- no end", 0),
            ("<!-- a --><p>", 0),
            ("<!doctype", 0),
            ("<p>", 0),
            ("", 0),
        ] {
            assert_eq!(begin_of(page.as_bytes()), begins, "{page:?}");
        }
    }

    #[test]
    fn only_what_is_in_the_folder_is_served() {
        let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(home.path().join("own"), "precious").unwrap();
        std::fs::create_dir(folder.path().join("core")).unwrap();
        std::fs::write(folder.path().join("core/core.js"), "x").unwrap();
        assert!(inside(folder.path(), "/core/core.js").is_some());
        #[cfg(unix)]
        std::os::unix::fs::symlink(home.path().join("own"), folder.path().join("link")).unwrap();
        for path in ["/core", "/", "/core/../core/core.js", "/../own", "/none.js", "/link", "//etc/passwd"] {
            assert_eq!(inside(folder.path(), path), None, "{path}");
        }
    }
}
