//! Looks at the tab in front until its page is at rest: it waits for nothing of the network, and its pictures are the same.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tapwright_contract::device::{DriverErrorKind, Front, Screen};
use tapwright_contract::{Picture, ScreenId, Size};
use tokio::time::Instant;

use super::scripts::ANSWER_MAX;
use super::tabs::{Tab, Tabs};
use super::{Browser, sites};
use crate::Rest;
use crate::deadline::Deadline;
use crate::still::{self, Sketch, still};

/// How often a page is looked at again because another one came to the front meanwhile.
const ROUNDS_MAX: u32 = 8;
/// What it takes to draw that a page cannot be seen, and to look at that.
const DRAWING: Duration = Duration::from_millis(1500);
/// How long a page that loads is waited for, and how long one that asks for more. Some never end.
const LOADING_MAX: Duration = Duration::from_secs(10);
const REQUESTS_MAX: Duration = Duration::from_secs(2);
/// How long one page may take to make way for another one.
const COMMIT_MAX: Duration = Duration::from_secs(1);
/// What is left of the time for the pictures, when a page does not stop loading.
const PICTURES: Duration = Duration::from_secs(2);
/// How much of the time that is left a picture may take, of 100: what it takes to draw that the page does not answer is left.
const ANSWER_PERCENT: u32 = 60;

/// The screen that was returned last.
#[derive(Clone, Debug)]
pub(super) struct ReturnedScreen {
    pub id: ScreenId,
    /// Which tab it was, and which document in it.
    pub number: u64,
    pub generation: u32,
    /// How many pixels of the picture a CSS pixel is.
    pub scale: f64,
    /// The picture as it came, for what is drawn over it.
    pub png: String,
}

/// What one look saw.
pub(crate) struct Observation {
    png: String,
    picture: Option<Picture>,
    number: u64,
    generation: u32,
    taken: Instant,
}

impl Observation {
    async fn decode(&mut self) -> Result<&Picture, DriverErrorKind> {
        if self.picture.is_none() {
            let png = self.png.clone();
            let decoded = tokio::task::spawn_blocking(move || decode(&png)).await;
            let decoded = decoded.map_err(|error| malformed(error.to_string()))?;
            self.picture = Some(decoded?);
        }
        Ok(self.picture.as_ref().expect("it was put there"))
    }
}

fn malformed(why: impl Into<String>) -> DriverErrorKind {
    DriverErrorKind::MalformedResponse { why: why.into() }
}

fn decode(png: &str) -> Result<Picture, DriverErrorKind> {
    let bytes = BASE64_STANDARD.decode(png).map_err(|error| malformed(error.to_string()))?;
    let mut image = image::load_from_memory_with_format(&bytes, image::ImageFormat::Png)
        .map_err(|error| malformed(format!("a picture cannot be read: {error}")))?
        .into_rgba8();
    // What a page leaves transparent is shown on white.
    for pixel in image.pixels_mut().filter(|pixel| pixel[3] != 255) {
        let alpha = u16::from(pixel[3]);
        for channel in 0..3 {
            pixel[channel] = ((u16::from(pixel[channel]) * alpha + 255 * (255 - alpha)) / 255) as u8;
        }
        pixel[3] = 255;
    }
    let size = Size { width: image.width(), height: image.height() };
    Picture::new(size, image.into_raw()).map_err(|error| malformed(error.to_string()))
}

impl Tab {
    /// What is in front when this tab is.
    pub(super) fn front(&self, sites: &[super::Site]) -> Front {
        sites::front(sites, &self.url, self.opener_url.as_deref())
    }
}

/// Whether another page is in front than this one was, or something stands before it.
fn has_changed(tabs: &Tabs, number: u64, generation: u32) -> bool {
    tabs.front().is_none_or(|tab| {
        tab.number != number || tab.generation != generation || tab.dialog.is_some() || tab.has_crashed
    })
}

impl still::Camera for Browser {
    type Look = Observation;

    async fn look(&mut self, deadline: Deadline) -> Result<Observation, DriverErrorKind> {
        let tab = self.connection.front()?;
        if tab.has_crashed || tab.hangs || tab.dialog.is_some() {
            return Err(DriverErrorKind::Stale);
        }
        let soon = deadline.or_sooner(ANSWER_MAX.min(deadline.remaining() * ANSWER_PERCENT / 100));
        let (number, generation) = (tab.number, tab.generation);
        let params = json!({"format": "png", "optimizeForSpeed": true});
        let capture = self.connection.client.call(Some(&tab.session), "Page.captureScreenshot", params, soon);
        // A page that stands behind a dialog, or goes, gives no picture.
        let change = self.connection.until("a change", deadline, |tabs| has_changed(tabs, number, generation));
        let captured = tokio::select! {
            biased;
            captured = capture => captured,
            changed = change => changed.and(Err(DriverErrorKind::Stale)),
        };
        let mut captured = match captured {
            // Between two documents there is nothing to be seen.
            Err(DriverErrorKind::Refused { why }) if why.contains("active page") => {
                tracing::debug!(why, "one page makes way for another one");
                let soon = deadline.or_sooner(COMMIT_MAX);
                let change = self.connection.until("a change", soon, |tabs| has_changed(tabs, number, generation));
                return match change.await {
                    Ok(()) | Err(DriverErrorKind::TimedOut { .. }) => Err(DriverErrorKind::Stale),
                    Err(kind) => Err(kind),
                };
            }
            // Then that is drawn, and looked at.
            silence @ Err(DriverErrorKind::TimedOut { .. }) => {
                drop(self.connection.note_silence(&tab, silence));
                return Err(DriverErrorKind::Stale);
            }
            captured => captured?,
        };
        match captured["data"].take() {
            Value::String(png) => Ok(Observation { png, picture: None, number, generation, taken: Instant::now() }),
            _ => Err(malformed("a picture came without pixels")),
        }
    }

    fn taken_at(look: &Observation) -> Instant {
        look.taken
    }

    fn is_same(one: &Observation, other: &Observation) -> bool {
        (one.number, one.generation) == (other.number, other.generation) && one.png == other.png
    }

    async fn sketch(look: &mut Observation) -> Result<Sketch, DriverErrorKind> {
        let picture = look.decode().await?;
        Ok(Sketch::of(picture.rgba(), picture.size(), 0))
    }
}

impl Browser {
    /// Waits until the page in front is at rest or the time is up, and returns what is on it.
    pub(super) async fn settled_screen(&mut self, deadline: Deadline) -> Result<Screen, DriverErrorKind> {
        let (mut rounds, mut is_drawn) = (0, false);
        loop {
            match self.settled_once(deadline).await {
                Err(DriverErrorKind::Stale)
                    if rounds < ROUNDS_MAX && (deadline.remaining() > DRAWING || is_drawn && !deadline.is_over()) =>
                {
                    rounds += 1;
                }
                // Then that is drawn, and looked at.
                Err(DriverErrorKind::Stale) if !is_drawn && !deadline.is_over() => {
                    (rounds, is_drawn) = (0, true);
                    self.connection.tabs.send_modify(|tabs| {
                        let front = tabs.front().filter(|tab| tab.drawing.is_none()).map(|tab| tab.number);
                        front.into_iter().for_each(|number| tabs.change(number, |tab| tab.is_restless = true));
                    });
                }
                Err(DriverErrorKind::Stale) => {
                    let tries = "one page after another came to the front".to_owned();
                    return Err(DriverErrorKind::TimedOut { tries });
                }
                result => return result,
            }
        }
    }

    /// # Errors
    /// `Stale` if another page came to the front meanwhile.
    async fn settled_once(&mut self, deadline: Deadline) -> Result<Screen, DriverErrorKind> {
        self.keep_drawings(deadline).await?;
        if self.connection.tabs.borrow().front().is_none() {
            self.go_home(deadline).await?;
        }
        let tab = self.connection.front()?;
        let settle = self.settle;
        let mut patience = REQUESTS_MAX;
        let (mut look, rest) = loop {
            patience = self.network_rests(&tab, patience, deadline).await?;
            // A copy, so that an abandoned wait leaves what was known.
            let mut memory = self.memory.clone();
            let result = still(self, &mut memory, settle, deadline).await;
            self.memory = memory;
            let (look, rest) = result?;
            // What a page asks for once it is there is waited for too.
            let asks = self.connection.front().is_ok_and(|now| now.number == tab.number && self.waits(&now));
            if !asks || patience.is_zero() || rest != Rest::Still {
                break (look, rest);
            }
        };
        self.rest = rest;
        let tab = self.connection.front()?;
        if (look.number, look.generation) != (tab.number, tab.generation) {
            return Err(DriverErrorKind::Stale);
        }
        let picture = look.decode().await?.clone();
        let width = match self.connection.see(&tab, "() => innerWidth", deadline).await {
            Err(DriverErrorKind::TimedOut { .. }) => return Err(DriverErrorKind::Stale),
            width => width?,
        };
        self.connection.see_tools(&tab, deadline).await;
        // The picture and what is asked later are to be of one document.
        if has_changed(&self.connection.tabs.borrow(), tab.number, tab.generation) {
            return Err(DriverErrorKind::Stale);
        }
        let size = picture.size();
        let id = ScreenId { display: tab.number, generation: tab.generation, ..ScreenId::from(size) };
        let scale = width.as_f64().filter(|width| *width >= 1.0).map_or(1.0, |width| f64::from(size.width) / width);
        let front = self.front_of(&tab);
        self.outstanding = tab.requests.into_keys().collect();
        self.seen = Some(ReturnedScreen { id, number: tab.number, generation: tab.generation, scale, png: look.png });
        self.memory.mark_returned();
        Ok(Screen { picture, front, id })
    }

    /// What is in front when a tab is: where something of another page is drawn, that page.
    pub(super) fn front_of(&self, tab: &Tab) -> Front {
        match &self.drawn {
            Some(drawn) if drawn.page == tab.number => drawn.front.clone(),
            _ => tab.front(&self.connection.sites),
        }
    }

    /// Whether a page waits for something of the network that was not given up yet.
    fn waits(&self, tab: &Tab) -> bool {
        tab.is_loading || tab.requests.keys().any(|request| !self.outstanding.contains(request))
    }

    /// Waits until the page has what it asked for, or does not come to an end of it; returns what is left of the patience with
    /// what it asks for after it has loaded.
    async fn network_rests(
        &self,
        tab: &Tab,
        patience: Duration,
        deadline: Deadline,
    ) -> Result<Duration, DriverErrorKind> {
        let (number, generation) = (tab.number, tab.generation);
        let is_over = |tabs: &Tabs| has_changed(tabs, number, generation);
        let loaded = |tabs: &Tabs| is_over(tabs) || tabs.front().is_none_or(|tab| !tab.is_loading);
        let rests = |tabs: &Tabs| is_over(tabs) || tabs.front().is_none_or(|tab| !self.waits(tab));
        if !loaded(&self.connection.tabs.borrow()) {
            self.network(LOADING_MAX, deadline, loaded).await?;
        }
        if rests(&self.connection.tabs.borrow()) {
            return Ok(patience);
        }
        let began = Instant::now();
        self.network(patience, deadline, rests).await?;
        Ok(patience.saturating_sub(began.elapsed()))
    }

    async fn network(
        &self,
        within: Duration,
        deadline: Deadline,
        is: impl FnMut(&Tabs) -> bool,
    ) -> Result<(), DriverErrorKind> {
        let last = deadline.remaining().saturating_sub(PICTURES);
        match self.connection.until("the network", deadline.or_sooner(within.min(last)), is).await {
            Ok(()) | Err(DriverErrorKind::TimedOut { .. }) => Ok(()),
            Err(kind) => Err(kind),
        }
    }
}
