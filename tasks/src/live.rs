//! A device's screen for a person at a page: pictures of it as they change, and what the person does to it.
//!
//! It goes by the contract's [`Driver`] and knows no device. It looks only while somebody watches, never more than 15 times a second,
//! and whoever is slower than that misses pictures and holds up nobody: there is only ever the latest one.
//!
//! ```text
//! GET  frame?after=NUMBER&wait=SECONDS   the latest picture, once its number is another one; 204 if none came in time
//! POST input                             something that the person does; answered when the device has done it
//! ```

pub(crate) mod encode;
mod input;
mod shared;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};
use tapwright_contract::{Picture, ScreenId};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::page_server::{Query, body, error_response, typed_response};
use input::Input;

pub(crate) use shared::SharedDriver;

/// Between two looks: while something happens, 15 a second at most; and while nothing does.
const QUICK: Duration = Duration::from_millis(67);
const SLOW: Duration = Duration::from_millis(250);
/// How long after something has happened more is expected.
const LIVELY: Duration = Duration::from_secs(3);
/// After a look that failed.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);
/// How long looking goes on after the last one who watched has gone: between two pictures nobody waits.
const UNWATCHED: Duration = Duration::from_millis(1500);
/// How long a look may take: what moves on is shown as it is by then. A device that needs longer for one picture gets more.
const LOOK: Duration = Duration::from_millis(300);
const LOOK_MAX: Duration = Duration::from_secs(5);
/// How long the device may take for one thing.
const PERFORM: Duration = Duration::from_secs(15);
/// Things that are done and have not been carried out yet.
const INPUTS_MAX: usize = 16;

const FRAME: HeaderName = HeaderName::from_static("tapwright-frame");
const SCREEN: HeaderName = HeaderName::from_static("tapwright-screen");

/// The screen of a device, live. Dropping it ends that: a gesture that is on its way is carried out, nothing after it.
pub(crate) struct LiveScreen {
    abilities: Abilities,
    frames: Arc<watch::Sender<Arc<Frame>>>,
    watchers: Arc<watch::Sender<Watchers>>,
    inputs: mpsc::Sender<Job>,
    /// Closed with it.
    _alive: watch::Sender<()>,
}

/// Who waits for a picture, and when somebody last did.
#[derive(Clone, Copy)]
struct Watchers {
    waiting: usize,
    last: Option<Instant>,
}

/// What a page shows.
struct Frame {
    number: u64,
    shown: ShownFrame,
}

enum ShownFrame {
    /// Nothing yet.
    Nothing,
    Picture {
        id: ScreenId,
        kind: &'static str,
        bytes: Bytes,
    },
    /// Why there is no picture.
    Words(String),
}

/// Something to do, and who waits to hear of it.
struct Job {
    gesture: Gesture,
    done: oneshot::Sender<Result<(), DriverError>>,
}

impl LiveScreen {
    /// Shows the screen of a driver, as soon as somebody watches.
    pub fn start(driver: Box<dyn Driver>) -> LiveScreen {
        let abilities = driver.abilities();
        let frames = Arc::new(watch::Sender::new(Arc::new(Frame { number: 0, shown: ShownFrame::Nothing })));
        let watchers = Arc::new(watch::Sender::new(Watchers { waiting: 0, last: None }));
        let (inputs, jobs) = mpsc::channel(INPUTS_MAX);
        let (alive, gone) = watch::channel(());
        let looking = Looking {
            driver,
            frames: frames.clone(),
            watched: watchers.subscribe(),
            latest: None,
            within: LOOK,
            lively: Instant::now(),
        };
        tokio::spawn(looking.go_on(jobs, gone));
        LiveScreen { abilities, frames, watchers, inputs, _alive: alive }
    }

    /// What answers a request for the latest picture: it waits for one, and needs nothing of this.
    pub fn frame(&self, query: Query) -> impl Future<Output = Response> + Send + use<> {
        let mut frames = self.frames.subscribe();
        let watchers = self.watchers.clone();
        async move {
            let (wait, after) = match (query.wait(), query.number("after")) {
                (Ok(wait), Ok(after)) => (wait, after.unwrap_or(0)),
                (Err(wrong), _) | (_, Err(wrong)) => return wrong,
            };
            let _watching = Watching::begin(watchers);
            // Whoever could show something is gone with the screen.
            let new = timeout(wait, frames.wait_for(|frame| frame.number != after && frame.number != 0)).await;
            match new {
                Ok(Ok(frame)) => response(&frame),
                Ok(Err(_)) => error_response(StatusCode::CONFLICT, "the screen is not shown any more"),
                Err(_) => StatusCode::NO_CONTENT.into_response(),
            }
        }
    }

    /// What answers a request to do something.
    pub fn input(&self, request: Request) -> impl Future<Output = Response> + Send + use<> {
        let (inputs, abilities) = (self.inputs.downgrade(), self.abilities);
        async move {
            let bytes = match body(request).await {
                Ok((bytes, false)) => bytes,
                Ok((_, true)) => {
                    return error_response(StatusCode::UNSUPPORTED_MEDIA_TYPE, "an input is application/json");
                }
                Err(wrong) => return wrong,
            };
            let input: Input = match serde_json::from_slice(&bytes) {
                Ok(input) => input,
                Err(error) => return error_response(StatusCode::BAD_REQUEST, &format!("the body: {error}")),
            };
            let gesture = match input.gesture(&abilities) {
                Ok(gesture) => gesture,
                Err(why) => return error_response(StatusCode::BAD_REQUEST, &why),
            };
            let (done, heard) = oneshot::channel();
            let gone =
                || error_response(StatusCode::CONFLICT, "the screen is not yours any more, and this was not done");
            let Some(inputs) = inputs.upgrade() else { return gone() };
            match inputs.try_send(Job { gesture, done }) {
                Ok(()) => drop(inputs),
                Err(mpsc::error::TrySendError::Full(_)) => {
                    let why = "the device has not done yet what was wanted before; wait for it";
                    return error_response(StatusCode::TOO_MANY_REQUESTS, why);
                }
                Err(mpsc::error::TrySendError::Closed(_)) => return gone(),
            }
            match heard.await {
                Ok(Ok(())) => typed_response("application/json", json!({"done": true}).to_string()),
                Ok(Err(error)) => error_response(StatusCode::CONFLICT, &error.kind.to_string()),
                Err(_) => gone(),
            }
        }
    }
}

/// The part of a page that the script makes live: the screen, the buttons of a phone, a field for text, and a line for what went wrong.
pub(crate) fn panel(abilities: &Abilities) -> String {
    let Abilities { pointer, insert, replace, navigation, chords, .. } = *abilities;
    let has = |name: &str, is: bool| if is { format!(" data-{name}") } else { String::new() };
    let attributes = has("pointer", pointer) + &has("insert", insert) + &has("keys", chords);
    let mut panel = format!(
        "<div class=\"live\"><canvas width=\"360\" height=\"640\" tabindex=\"0\" role=\"img\" aria-label=\"the screen\"{attributes}></canvas>\
         <svg class=\"finger\" aria-hidden=\"true\" hidden><line/><circle/></svg></div>\n\
         <p class=\"trouble\" role=\"status\" hidden></p>\n"
    );
    let mut buttons = String::new();
    let mut button = |what: &str, name: &str, shape: &str| {
        buttons += &format!(
            "<button type=\"button\" data-do=\"{what}\" aria-label=\"{name}\" title=\"{name}\">\
             <svg viewBox=\"0 0 20 20\" aria-hidden=\"true\">{shape}</svg></button>"
        );
    };
    if navigation {
        button("back", "Back", "<path d=\"M14 3 4 10l10 7z\"/>");
        button("home", "Home", "<circle cx=\"10\" cy=\"10\" r=\"7\"/>");
    }
    if chords && !pointer {
        button("recents", "Recent apps", "<rect x=\"4\" y=\"4\" width=\"12\" height=\"12\" rx=\"1\"/>");
    }
    if !buttons.is_empty() {
        panel += &format!("<div class=\"controls\">{buttons}</div>\n");
    }
    if insert || replace {
        let what = if insert { "Text at the caret" } else { "Text, in place of what is there" };
        panel += &format!(
            "<form class=\"typing\"><input aria-label=\"{what}\" placeholder=\"{what}\" maxlength=\"4000\" autocomplete=\"off\" \
             autocapitalize=\"off\" dir=\"auto\"><button value=\"type\">Type</button><button value=\"enter\" title=\"Type, then Enter\" \
             aria-label=\"Type, then Enter\">⏎</button></form>\n"
        );
    }
    panel
}

/// Keeps somebody among those who wait.
struct Watching(Arc<watch::Sender<Watchers>>);

impl Watching {
    fn begin(watchers: Arc<watch::Sender<Watchers>>) -> Watching {
        watchers.send_modify(|watchers| watchers.waiting += 1);
        Watching(watchers)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0
            .send_modify(|watchers| *watchers = Watchers { waiting: watchers.waiting - 1, last: Some(Instant::now()) });
    }
}

fn response(frame: &Frame) -> Response {
    let mut response = match &frame.shown {
        ShownFrame::Nothing => StatusCode::NO_CONTENT.into_response(),
        ShownFrame::Picture { kind, bytes, .. } => typed_response(kind, bytes.clone()),
        ShownFrame::Words(words) => typed_response("application/json", json!({"unseen": words}).to_string()),
    };
    let headers = response.headers_mut();
    headers.insert(FRAME, HeaderValue::from(frame.number));
    if let ShownFrame::Picture { id, .. } = &frame.shown
        && let Ok(id) = HeaderValue::from_str(&json!(id).to_string())
    {
        headers.insert(SCREEN, id);
    }
    response
}

/// Looks, and does what is wanted.
struct Looking {
    driver: Box<dyn Driver>,
    frames: Arc<watch::Sender<Arc<Frame>>>,
    watched: watch::Receiver<Watchers>,
    latest: Option<(Picture, ScreenId)>,
    within: Duration,
    /// Until when more is expected to happen.
    lively: Instant,
}

impl Looking {
    async fn go_on(mut self, mut jobs: mpsc::Receiver<Job>, mut gone: watch::Receiver<()>) {
        let mut next = Instant::now();
        loop {
            tokio::select! {
                biased;
                _ = gone.changed() => return,
                job = jobs.recv() => {
                    let Some(Job { gesture, done }) = job else { return };
                    let result = self.driver.perform(&gesture, PERFORM).await;
                    let _ = done.send(result); // Whoever wanted it may have gone.
                    (next, self.lively) = (Instant::now(), Instant::now() + LIVELY);
                }
                () = due(&mut self.watched, next) => {
                    let began = Instant::now();
                    let looked = tokio::select! {
                        biased;
                        _ = gone.changed() => return,
                        looked = self.driver.screen(self.within) => looked,
                    };
                    next = began + self.show(looked).await;
                }
            }
        }
    }

    /// Shows what was seen, if it is new; how long after the beginning of that look the next one may begin.
    async fn show(&mut self, looked: Result<Screen, DriverError>) -> Duration {
        let screen = match looked {
            Ok(screen) => screen,
            Err(DriverError { kind: DriverErrorKind::TimedOut { .. }, .. }) if self.within < LOOK_MAX => {
                self.within = (2 * self.within).min(LOOK_MAX);
                return QUICK;
            }
            Err(error) => {
                self.latest = None;
                let words = error.kind.to_string();
                let is_new = !matches!(&self.frames.borrow().shown, ShownFrame::Words(shown) if *shown == words);
                if is_new {
                    self.publish(ShownFrame::Words(words));
                }
                return AFTER_TROUBLE;
            }
        };
        let is_new = self.latest.as_ref().is_none_or(|(picture, id)| *id != screen.id || *picture != screen.picture);
        if is_new {
            let picture = screen.picture.clone();
            match tokio::task::spawn_blocking(move || encode::smallest(&picture)).await {
                Ok(Ok((kind, bytes))) => {
                    self.publish(ShownFrame::Picture { id: screen.id, kind, bytes: bytes.into() });
                    self.latest = Some((screen.picture, screen.id));
                }
                _ => tracing::debug!("a picture could not be encoded"),
            }
            self.lively = Instant::now() + LIVELY;
        }
        if Instant::now() < self.lively { QUICK } else { SLOW }
    }

    fn publish(&self, shown: ShownFrame) {
        let number = self.frames.borrow().number + 1;
        self.frames.send_replace(Arc::new(Frame { number, shown }));
    }
}

/// Waits until the next look is due and somebody watches.
async fn due(watched: &mut watch::Receiver<Watchers>, next: Instant) {
    sleep_until(next).await;
    let is_watched =
        |watchers: &Watchers| watchers.waiting > 0 || watchers.last.is_some_and(|last| last.elapsed() < UNWATCHED);
    if watched.wait_for(is_watched).await.is_err() {
        std::future::pending::<()>().await; // It is gone, and that is heard elsewhere.
    }
}

#[cfg(test)]
mod tests;
