//! Browsers of the Chromium family, over the Chrome DevTools Protocol: one of our own for a run, or one that somebody has.
//!
//! A tab is a display, and is told, brought to the front and closed as a window is.

mod apis;
mod cdp;
mod drawings;
mod endpoint;
mod fields;
mod gestures;
mod keys;
#[cfg(unix)]
mod launch;
mod live_pages;
mod look;
mod navigation;
mod page_tools;
mod probe;
mod scripts;
mod sites;
mod stage;
mod tabs;
mod widgets;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tapwright_contract::Size;
use tapwright_contract::api::Apis;
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind, InstalledApp, Label, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};
#[cfg(unix)]
use tokio::io::BufReader;
use tokio::sync::{mpsc, watch};

use self::apis::BrowserApis;
use self::cdp::{CdpEvent, Client, ConnectionTasks};
use self::drawings::DrawnNotice;
pub use self::live_pages::LivePages;
use self::look::ReturnedScreen;
pub use self::page_tools::PageToolSites;
use self::page_tools::PageTools;
use self::probe::BrowserProbe;
use self::sites::FoundSite;
pub use self::sites::{NamedSite, Site};
pub use self::stage::PageStage;
use self::tabs::{Drawing, Tab, Tabs, Viewport};
use crate::deadline::Deadline;
use crate::still::Memory;
use crate::tree::Tree;
use crate::{OpenRig, Probe, Rest, Rig, Settle, refused};

/// What is said where no browser is installed.
const MISSING: &str = "no Chromium is installed: apt install chromium (or Google Chrome or Microsoft Edge); or start one elsewhere \
                       with --remote-debugging-port=9222 and name it: --device browser:http://HOST:9222";

/// What is said where a page waits for an answer.
const ASKS: &str = "the page asks something, and does nothing before that is answered: look at the screen";

/// Which browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrowserAddress {
    /// One that is started for the run and gone after it.
    Private(LaunchOptions),
    /// One that somebody has, by the address of its debugging port: `http://127.0.0.1:9222`.
    Endpoint(String),
}

impl BrowserAddress {
    /// Where one that somebody has is reached, in one spelling of its address; as it was written where it is no address. `None` for one
    /// of our own.
    pub fn endpoint(&self) -> Option<String> {
        match self {
            BrowserAddress::Private(_) => None,
            BrowserAddress::Endpoint(address) => {
                Some(sites::canonical_endpoint(address).unwrap_or_else(|| address.clone()))
            }
        }
    }
}

/// How a browser of our own is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchOptions {
    /// The program; `None` takes the first one that is installed.
    pub program: Option<PathBuf>,
    /// The pictures of its pages, in pixels.
    pub size: Size,
    /// How many pixels of a picture a CSS pixel is, in percent: 200 for what is sold as a sharp display.
    pub scale_percent: u32,
    /// In which folder its own one is made, for as long as it is there.
    pub folder: PathBuf,
}

/// How to open a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserOptions {
    pub at: BrowserAddress,
    pub settle: Settle,
    /// What can be launched by a name, besides any address.
    pub sites: Vec<Site>,
    /// Whose pages may offer tools of their own to the model.
    pub page_tools: PageToolSites,
}

/// What browsers of our own lack on this machine, and what to do about it; `None` if they can be had.
pub fn private_browser_lacks() -> Option<String> {
    #[cfg(unix)]
    return launch::program().is_none().then(|| MISSING.to_owned());
    #[cfg(not(unix))]
    return Some("on this system start a browser with --remote-debugging-port=9222, and name it".to_owned());
}

/// What the driver and its APIs share.
#[derive(Debug)]
struct Connection {
    client: Client,
    tabs: watch::Sender<Tabs>,
    sites: Vec<Site>,
    /// Where downloads are put; `None` if the browser is somebody's own.
    downloads: Option<PathBuf>,
    /// Counts the looks.
    looks: AtomicU64,
    tool_sites: PageToolSites,
    /// The tools of the page that was seen.
    page_tools: Mutex<PageTools>,
    _tasks: ConnectionTasks,
}

/// One browser.
pub struct Browser {
    name: String,
    settle: Settle,
    connection: Arc<Connection>,
    memory: Memory,
    rest: Rest,
    seen: Option<ReturnedScreen>,
    /// What is drawn in a tab of ours.
    drawn: Option<DrawnNotice>,
    /// The page or the site that was found last, for a launch of it by its id.
    found: Option<FoundSite>,
    /// What a page still waited for when it was last returned: it is not waited for again.
    outstanding: BTreeSet<String>,
}

impl Connection {
    /// Begins to follow what the browser tells of its tabs.
    async fn follow(
        (client, mut events, mut tasks): (Client, mpsc::Receiver<CdpEvent>, ConnectionTasks),
        viewport: Option<Viewport>,
        (sites, tool_sites): (Vec<Site>, PageToolSites),
        downloads: Option<PathBuf>,
        deadline: Deadline,
    ) -> Result<Connection, DriverErrorKind> {
        let (tabs, _) = watch::channel(Tabs::new(viewport));
        let (follower, poster) = (tabs.clone(), client.clone());
        tasks.add(tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                // Sent before anybody who waits for a tab hears of it: what they ask of it comes behind.
                follower.send_modify(|tabs| tabs.apply(&event).into_iter().for_each(|post| poster.post(post)));
            }
            follower.send_modify(Tabs::end);
        }));
        let (looks, page_tools) = (AtomicU64::new(0), Mutex::default());
        let connection = Connection { client, tabs, sites, downloads, looks, tool_sites, page_tools, _tasks: tasks };
        let call = async |method, params| connection.client.call(None, method, params, deadline).await;
        let version = call("Browser.getVersion", json!({})).await?;
        tracing::debug!(product = version["product"].as_str(), "a browser answers");
        call("Target.setDiscoverTargets", json!({"discover": true})).await?;
        if let Some(folder) = &connection.downloads {
            let params = json!({"behavior": "allow", "downloadPath": folder, "eventsEnabled": true});
            call("Browser.setDownloadBehavior", params).await?;
        }
        // Each tab waits before it runs anything, until it is as we want it.
        call(
            "Target.setAutoAttach",
            json!({
                "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true,
                "filter": [{"type": "page"}, {"exclude": true}],
            }),
        )
        .await?;
        Ok(connection)
    }

    /// Waits until something is true of the tabs.
    async fn until(
        &self,
        what: &str,
        deadline: Deadline,
        mut is: impl FnMut(&Tabs) -> bool,
    ) -> Result<(), DriverErrorKind> {
        let mut tabs = self.tabs.subscribe();
        let waited = deadline.hold(what, async {
            let reached = tabs.wait_for(|tabs| tabs.has_ended() || is(tabs)).await;
            Ok(reached.is_ok_and(|tabs| !tabs.has_ended()))
        });
        if waited.await? { Ok(()) } else { Err(self.lost_error()) }
    }

    fn lost_error(&self) -> DriverErrorKind {
        let why = self.client.lost().unwrap_or_else(|| "the browser has ended".to_owned());
        DriverErrorKind::Lost { why }
    }

    /// The tab in front.
    ///
    /// # Errors
    /// `Stale` if there is none just now.
    fn front(&self) -> Result<Tab, DriverErrorKind> {
        if let Some(why) = self.client.lost() {
            return Err(DriverErrorKind::Lost { why });
        }
        self.tabs.borrow().front().cloned().ok_or(DriverErrorKind::Stale)
    }

    /// The tab that keys of the browser's own go to: the one in front, or the one whose trouble is drawn there.
    ///
    /// # Errors
    /// `Refused` if its page asks something.
    fn acting_tab(&self) -> Result<Tab, DriverErrorKind> {
        let tab = self.front()?;
        match tab.drawing {
            Some(Drawing::Trouble { of }) => self.tabs.borrow().tab(of).cloned().ok_or(DriverErrorKind::Stale),
            Some(Drawing::Dialog { .. }) => Err(refused(ASKS)),
            None if tab.dialog.is_some() => Err(refused(ASKS)),
            None => Ok(tab),
        }
    }

    /// The same, if what was seen last is still in front: a call is meant for that page.
    ///
    /// # Errors
    /// `Stale` if it is not.
    fn seen_tab(&self) -> Result<Tab, DriverErrorKind> {
        let tab = self.acting_tab()?;
        if self.tabs.borrow().shows_what_was_seen() { Ok(tab) } else { Err(DriverErrorKind::Stale) }
    }
}

impl Browser {
    /// How the last wait for the page to rest has ended: one that moves on is returned as well.
    pub fn rest(&self) -> Rest {
        self.rest
    }

    /// What the browser offers besides its screen.
    pub fn apis(&self) -> Box<dyn Apis> {
        Box::new(BrowserApis::new(self.connection.clone()))
    }

    /// Looks at its pages, for judges.
    pub fn probe(&self) -> Box<dyn Probe> {
        Box::new(BrowserProbe::new(self.connection.clone()))
    }

    /// The widgets of the page in front.
    ///
    /// # Errors
    /// `DriverError` if the page does not answer.
    pub async fn tree(&mut self, within: Duration) -> Result<Tree, DriverError> {
        let result = self.widgets(Deadline::after(within)).await;
        result.map_err(|kind| self.error("read the page", kind))
    }

    fn error(&self, operation: &'static str, kind: DriverErrorKind) -> DriverError {
        DriverError { device: self.name.clone(), operation, kind }
    }
}

#[async_trait]
impl Driver for Browser {
    fn name(&self) -> &str {
        &self.name
    }

    fn abilities(&self) -> Abilities {
        Abilities::DESKTOP
    }

    async fn screen(&mut self, within: Duration) -> Result<Screen, DriverError> {
        let result = self.settled_screen(Deadline::after(within)).await;
        result.map_err(|kind| self.error("take a picture", kind))
    }

    async fn perform(&mut self, gesture: &Gesture, within: Duration) -> Result<(), DriverError> {
        let deadline = Deadline::after(within);
        self.memory.touch();
        let result = match deadline.check() {
            Ok(_) => self.gesture(gesture, deadline).await,
            Err(kind) => Err(kind),
        };
        self.memory.touch();
        result.map_err(|kind| self.error(gesture.name(), kind))
    }

    async fn find_app(&mut self, name: &str, _within: Duration) -> Result<Vec<InstalledApp>, DriverError> {
        let found = sites::find_apps(&self.connection.sites, name);
        // An app is launched by its id, which is the site's: the page of it that was meant is not to be lost.
        self.found = sites::find(&self.connection.sites, name).ok();
        found.map_err(|kind| self.error("find an app", kind))
    }

    async fn labels(&mut self, within: Duration) -> Result<Option<Vec<Label>>, DriverError> {
        Ok(Some(self.tree(within).await?.labels()))
    }

    /// Nothing of a browser of somebody's own is put back but what is in the way of its user: the dialogs that we draw.
    async fn close(&mut self, within: Duration) -> Result<(), DriverError> {
        let deadline = Deadline::after(within);
        match self.close_drawing(deadline).await {
            Ok(()) | Err(DriverErrorKind::Lost { .. } | DriverErrorKind::Stale) => Ok(()),
            Err(kind) => Err(self.error("close what was opened", kind)),
        }
    }
}

/// The address of a browser as people and records may be shown it: whoever knows what stands before an `@`, behind the host or in the
/// query can do anything in it.
pub fn without_token(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let host = host.rsplit_once('@').map_or_else(|| host.to_owned(), |(_, host)| format!("…@{host}"));
    let colon = if address.contains("://") { "://" } else { "" };
    let path = if matches!(path, "" | "/") { path } else { "/…" };
    format!("{scheme}{colon}{host}{path}")
}

#[async_trait]
impl OpenRig for BrowserOptions {
    fn name(&self) -> String {
        match &self.at {
            BrowserAddress::Private(options) => format!("browser {}", options.size),
            BrowserAddress::Endpoint(address) => format!("browser {}", without_token(address)),
        }
    }

    async fn open(&self, within: Duration) -> Result<Rig, DriverError> {
        let deadline = Deadline::after(within);
        let error = |kind| DriverError { device: self.name(), operation: "open", kind };
        match &self.at {
            BrowserAddress::Private(launch) => {
                self.open_private(launch, deadline).await.map(|(rig, _)| rig).map_err(error)
            }
            BrowserAddress::Endpoint(address) => {
                let socket = endpoint::open(address, deadline).await.map_err(error)?;
                let channels = Client::over_websocket(socket);
                let connection = Connection::follow(channels, None, self.offers(), None, deadline).await;
                let browser = self.browser(connection.map_err(error)?, deadline).await.map_err(error)?;
                let (apis, about) = (vec![browser.apis()], format!("the browser at {}", without_token(address)));
                let probe = Some(browser.probe());
                Ok(Rig { driver: Box::new(browser), apis, probe, about, identity: self.at.endpoint(), teardown: None })
            }
        }
    }
}

impl BrowserOptions {
    /// What can be launched by a name, and whose pages may offer tools.
    fn offers(&self) -> (Vec<Site>, PageToolSites) {
        (self.sites.clone(), self.page_tools.clone())
    }

    async fn browser(&self, connection: Connection, deadline: Deadline) -> Result<Browser, DriverErrorKind> {
        let browser = Browser {
            name: self.name(),
            settle: self.settle,
            connection: Arc::new(connection),
            memory: Memory::default(),
            rest: Rest::Still,
            seen: None,
            drawn: None,
            found: None,
            outstanding: BTreeSet::new(),
        };
        if matches!(self.at, BrowserAddress::Private(_)) {
            browser.connection.open(sites::start_page(), deadline).await?;
        }
        Ok(browser)
    }

    #[cfg(unix)]
    async fn open_private(
        &self,
        launch: &LaunchOptions,
        deadline: Deadline,
    ) -> Result<(Rig, Arc<Connection>), DriverErrorKind> {
        let viewport = Viewport { size: launch.size, scale_percent: launch.scale_percent };
        viewport.check()?;
        let owned = launch.clone();
        let started = tokio::task::spawn_blocking(move || launch::StartedBrowser::prepare(&owned)).await;
        let prepared = started.map_err(|error| DriverErrorKind::Refused { why: error.to_string() })??;
        let (started, input, output) = launch::StartedBrowser::start(prepared, launch, !self.page_tools.is_none())?;
        let channels = Client::over_pipes(input, BufReader::new(output));
        let downloads = Some(started.downloads());
        let connection = Connection::follow(channels, Some(viewport), self.offers(), downloads, deadline).await;
        let opened = match connection {
            Ok(connection) => self.browser(connection, deadline).await,
            Err(kind) => Err(kind),
        };
        match opened {
            Ok(browser) => {
                let (apis, about) = (vec![browser.apis()], format!("a {}", self.name()));
                let (probe, teardown) = (Some(browser.probe()), Some(Box::pin(started.end()) as _));
                let connection = browser.connection.clone();
                Ok((Rig { driver: Box::new(browser), apis, probe, about, identity: None, teardown }, connection))
            }
            Err(kind) => {
                let words = started.last_words();
                started.end().await;
                Err(match kind {
                    DriverErrorKind::Lost { why } => DriverErrorKind::Refused {
                        why: format!("the browser did not start ({why}); the last that it said: {words}"),
                    },
                    kind => kind,
                })
            }
        }
    }

    #[cfg(not(unix))]
    async fn open_private(
        &self,
        _launch: &LaunchOptions,
        _deadline: Deadline,
    ) -> Result<(Rig, Arc<Connection>), DriverErrorKind> {
        Err(DriverErrorKind::Refused { why: private_browser_lacks().unwrap_or_default() })
    }
}
