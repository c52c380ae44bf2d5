//! A browser with one episode in it. Browsers and their tabs are kept for the next episode: starting one, and making a tab with a process
//! for another site, take longer than most episodes do. What pages have stored is forgotten by the page of the next one (`forget.js`).

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::Size;
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind, Label, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};
use tapwright_drivers::browser::{BrowserAddress, BrowserOptions, LaunchOptions, PageStage, PageToolSites};
use tapwright_drivers::{OpenRig, Probe, Rig, Settle};
use tokio::sync::watch;

use super::pages::{Episode, EpisodeTicket, PageServer};
use super::{DONE, GOAL, RAW_REWARD, REASON, REWARD};
use crate::judge::Facts;

/// BrowserGym's view, in pixels of a picture: 332x214 CSS pixels at 150 %.
const SIZE: Size = Size { width: 498, height: 321 };
const SCALE_PERCENT: u32 = 150;
/// How long closing the tabs of an episode may take.
const CLOSE: Duration = Duration::from_secs(5);

/// A browser, and the tab in it that shows episodes.
struct Stage {
    rig: Rig,
    page: PageStage,
}

/// Browsers that nobody uses just now.
#[derive(Clone)]
pub(super) struct Browsers {
    idle: Arc<Mutex<Vec<Stage>>>,
    folder: PathBuf,
}

impl Browsers {
    pub fn new(folder: &Path) -> Browsers {
        Browsers { idle: Arc::default(), folder: folder.to_owned() }
    }

    /// Ends them all.
    pub async fn end(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for stage in idle {
            drop(stage.rig.close(CLOSE).await);
        }
    }

    /// One that was used before, if there is one.
    fn used_stage(&self) -> Option<Stage> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    async fn start(&self, within: Duration) -> Result<Stage, DriverError> {
        let launch =
            LaunchOptions { program: None, size: SIZE, scale_percent: SCALE_PERCENT, folder: self.folder.clone() };
        let at = BrowserAddress::Private(launch);
        let options =
            BrowserOptions { at, settle: Settle::BROWSER, sites: Vec::new(), page_tools: PageToolSites::None };
        let (rig, page) = options.open_with_stage(within).await?;
        Ok(Stage { rig, page })
    }
}

/// A device that begins an episode when it is opened.
pub(super) struct EpisodeDevice {
    server: Arc<PageServer>,
    browsers: Browsers,
    task: String,
    seed: u32,
}

impl EpisodeDevice {
    pub fn new(server: &Arc<PageServer>, browsers: &Browsers, task: &str, seed: u32) -> EpisodeDevice {
        EpisodeDevice { server: server.clone(), browsers: browsers.clone(), task: task.to_owned(), seed }
    }
}

/// What it is, for the digest of the cases: the same wherever the pages are.
impl fmt::Debug for EpisodeDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EpisodeDevice { task, seed, server, .. } = self;
        write!(f, "miniwob {task} {seed} {SIZE} {SCALE_PERCENT} {}", server.digest)
    }
}

fn driver_error(operation: &'static str, kind: DriverErrorKind) -> DriverError {
    DriverError { device: "the browser of MiniWoB++".to_owned(), operation, kind }
}

#[async_trait]
impl OpenRig for EpisodeDevice {
    fn name(&self) -> String {
        format!("browser with {}", self.task)
    }

    fn rig(&self) -> String {
        format!("browser with MiniWoB++ {SIZE}")
    }

    /// Those that were kept may be what does not answer: none of them is used again.
    async fn restart(&self, _within: Duration) -> Result<(), DriverError> {
        self.browsers.end().await;
        Ok(())
    }

    async fn open(&self, within: Duration) -> Result<Rig, DriverError> {
        let ticket = self.server.ticket(&self.task, self.seed);
        let mut ticket = ticket
            .map_err(|error| driver_error("begin an episode", DriverErrorKind::Refused { why: error.to_string() }))?;
        let stage = match self.browsers.used_stage() {
            Some(mut stage) => match stage.show(&mut ticket, within).await {
                Ok(()) => stage,
                Err(error) => {
                    // It has crashed, or is in the way: another one is started.
                    tracing::debug!(%error, "a browser that was kept cannot be used any more");
                    drop(stage.rig.close(CLOSE).await);
                    let retried = self.server.ticket(&self.task, self.seed);
                    ticket = retried.map_err(|error| {
                        driver_error("begin an episode", DriverErrorKind::Refused { why: error.to_string() })
                    })?;
                    let mut stage = self.browsers.start(within).await?;
                    stage.show(&mut ticket, within).await?;
                    stage
                }
            },
            None => {
                let mut stage = self.browsers.start(within).await?;
                stage.show(&mut ticket, within).await?;
                stage
            }
        };
        let mut stage = stage;
        let programs = match &mut stage.rig.probe {
            Some(probe) => probe.programs(within).await?,
            None => Facts::new(),
        };
        let (over, is_over) = watch::channel(false);
        let mut told = ticket.episode.clone();
        let follow = tokio::spawn(async move {
            if told.wait_for(|episode| episode.end.is_some()).await.is_ok() {
                over.send_replace(true);
                // Whoever waits for it hears it until the episode is forgotten.
                over.closed().await;
            }
        });
        let probe = EpisodeProbe { episode: ticket.episode.clone(), over: is_over, programs };
        let about = format!("{}, page {}", stage.rig.about, self.task);
        let name = self.name();
        let abilities = stage.rig.driver.abilities();
        let driver =
            EpisodeDriver { name, abilities, stage: Some(stage), browsers: self.browsers.clone(), _ticket: ticket };
        let end = Box::pin(async move { follow.abort() });
        Ok(Rig {
            driver: Box::new(driver),
            // What BrowserGym's agents have: the picture, the widgets, hands and keys.
            apis: Vec::new(),
            probe: Some(Box::new(probe)),
            about,
            identity: None,
            teardown: Some(end),
        })
    }
}

impl Stage {
    /// Opens the page of an episode, and waits until the episode has begun.
    async fn show(&mut self, ticket: &mut EpisodeTicket, within: Duration) -> Result<(), DriverError> {
        let shown = self.page.show(&ticket.address, within).await;
        shown.map_err(|kind| driver_error("open the page of an episode", kind))?;
        let ready = ticket.episode.wait_for(|episode| episode.goal.is_some());
        if !matches!(tokio::time::timeout(within, ready).await, Ok(Ok(_))) {
            let tries = "the page did not say that its episode has begun".to_owned();
            return Err(driver_error("begin an episode", DriverErrorKind::TimedOut { tries }));
        }
        let forgotten = self.page.forget_history(within).await;
        forgotten.map_err(|kind| driver_error("forget the episode before", kind))
    }
}

struct EpisodeDriver {
    name: String,
    abilities: Abilities,
    /// `None` once it was closed.
    stage: Option<Stage>,
    browsers: Browsers,
    _ticket: EpisodeTicket,
}

impl EpisodeDriver {
    fn inner(&mut self) -> Result<&mut Box<dyn Driver>, DriverError> {
        let closed = || driver_error("use it", DriverErrorKind::Lost { why: "it was closed".to_owned() });
        self.stage.as_mut().map(|stage| &mut stage.rig.driver).ok_or_else(closed)
    }
}

#[async_trait]
impl Driver for EpisodeDriver {
    fn name(&self) -> &str {
        &self.name
    }

    fn abilities(&self) -> Abilities {
        // There is one page, and nothing to launch.
        Abilities { launch: false, windows: false, app_names: false, ..self.abilities }
    }

    async fn screen(&mut self, within: Duration) -> Result<Screen, DriverError> {
        self.inner()?.screen(within).await
    }

    async fn perform(&mut self, gesture: &Gesture, within: Duration) -> Result<(), DriverError> {
        self.inner()?.perform(gesture, within).await
    }

    async fn labels(&mut self, within: Duration) -> Result<Option<Vec<Label>>, DriverError> {
        self.inner()?.labels(within).await
    }

    /// The browser is kept for the next episode.
    async fn close(&mut self, _within: Duration) -> Result<(), DriverError> {
        let idle = &self.browsers.idle;
        idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.stage.take());
        Ok(())
    }
}

/// Says what came of the episode.
struct EpisodeProbe {
    episode: watch::Receiver<Episode>,
    over: watch::Receiver<bool>,
    /// The browser, with its version.
    programs: Facts,
}

#[async_trait]
impl Probe for EpisodeProbe {
    async fn facts(&mut self, _within: Duration) -> Result<Facts, DriverError> {
        let Episode { goal, end, .. } = self.episode.borrow().clone();
        let mut facts =
            Facts::from([(GOAL.to_owned(), goal.unwrap_or_default()), (DONE.to_owned(), end.is_some().to_string())]);
        if let Some(end) = end {
            facts.insert(RAW_REWARD.to_owned(), end.raw_reward.to_string());
            facts.insert(REWARD.to_owned(), end.reward.to_string());
            facts.insert(REASON.to_owned(), end.reason);
        }
        Ok(facts)
    }

    async fn set(&mut self, _name: &str, _value: &str, _within: Duration) -> Result<(), DriverError> {
        let why = "an episode begins as its seed draws it".to_owned();
        Err(driver_error("set a fact", DriverErrorKind::Refused { why }))
    }

    async fn programs(&mut self, _within: Duration) -> Result<Facts, DriverError> {
        Ok(self.programs.clone())
    }

    fn task_over(&self) -> Option<watch::Receiver<bool>> {
        Some(self.over.clone())
    }
}
