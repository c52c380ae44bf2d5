//! Looks at one monitor until it is at rest.

use std::sync::Arc;
use std::time::Duration;

use tapwright_contract::ScreenId;
use tapwright_contract::device::{DriverErrorKind, Screen};
use tokio::time::Instant;
use x11rb::protocol::xproto::EventMask;

use super::X11Desktop;
use super::capture::Frame;
use super::pointer::Layout;
use super::server::{Fault, Link};
use crate::deadline::Deadline;
use crate::desktop::window::WindowOwner;
use crate::still::{self, Sketch, still};

/// How long an app that is busy may take to read what it was told, before it is looked at as it is.
const BUSY: Duration = Duration::from_secs(4);
/// The same for one that has not done it in that time before.
const SILENT: Duration = Duration::from_millis(30);
/// Who answers sooner was not busy.
const AT_ONCE: Duration = Duration::from_millis(20);
/// How long a button that a key has pressed may look pressed before it does anything: GTK's take a quarter of a second. A terminal whose
/// shell has ended takes a tenth to close.
const PRESSED: Duration = Duration::from_millis(300);
/// How much longer it may take than the app took to give a sign of life, which is what a busy machine makes of both.
const PRESSED_RATIO: u32 = 8;
const PRESSED_MAX: Duration = Duration::from_secs(2);
/// How long a window manager may take to bring another window to the front once the one in front has closed.
const NEXT_WINDOW: Duration = Duration::from_secs(1);
/// The least time between two looks which window is in front.
const PRESSED_PAUSE: Duration = Duration::from_millis(10);

/// The monitor that was returned last, and what lay on it.
pub(super) struct ReturnedScreen {
    pub id: ScreenId,
    /// Which of the layout's.
    pub monitor: usize,
    pub layout: Arc<Layout>,
}

/// What one look saw.
pub(crate) struct Observation {
    frame: Frame,
    layout: Layout,
    monitor: usize,
    /// Whose the window in front is.
    owner: Option<WindowOwner>,
    /// Which it is.
    window: Option<u32>,
    taken: Instant,
}

impl still::Camera for X11Desktop {
    type Look = Observation;

    async fn look(&mut self, deadline: Deadline) -> Result<Observation, DriverErrorKind> {
        let last = self.seen.as_ref().map(|seen| seen.layout.monitors[seen.monitor].name.clone());
        self.call("a picture", deadline, move |link| link.observe(last.as_deref())).await
    }

    fn taken_at(look: &Observation) -> Instant {
        look.taken
    }

    fn is_same(one: &Observation, other: &Observation) -> bool {
        one.window == other.window
            && one.monitor == other.monitor
            && one.layout == other.layout
            && one.frame == other.frame
    }

    async fn sketch(look: &mut Observation) -> Result<Sketch, DriverErrorKind> {
        Ok(Sketch::of(&look.frame.bgrx, look.frame.size, 0))
    }
}

impl Link {
    /// Takes a picture of the monitor with the window in front, or of the one of this name if none is.
    fn observe(&mut self, last: Option<&str>) -> Result<Observation, Fault> {
        let monitors = self.monitors()?;
        let window = match self.active()? {
            Some(window) => Some(window),
            // Without a window manager that tells it, whoever has the keys is in front.
            None if self.has_window_manager()? => None,
            None => self.focus().and_then(|focus| self.owner(focus))?,
        };
        let owner = match window {
            Some(window) => self.owner_of(window)?,
            None => None,
        };
        let middle = window.and_then(|window| self.middle(window));
        let has_middle = |(x, y): (i32, i32)| monitors.iter().position(|monitor| monitor.holds(x, y));
        let named = || monitors.iter().position(|monitor| Some(&*monitor.name) == last);
        let monitor = middle.and_then(has_middle).or_else(named).unwrap_or(0);
        let frame = self.capture(&monitors[monitor])?;
        let stack = self.stack()?;
        Ok(Observation { frame, layout: Layout { monitors, stack }, monitor, owner, window, taken: Instant::now() })
    }

    fn middle(&self, window: u32) -> Option<(i32, i32)> {
        use x11rb::protocol::xproto::ConnectionExt as _;
        let geometry = self.x.get_geometry(window).ok()?;
        let place = self.x.translate_coordinates(window, self.root, 0, 0).ok()?;
        let (geometry, place) = (geometry.reply().ok(), place.reply().ok()?);
        let geometry = geometry?;
        Some((
            i32::from(place.dst_x) + i32::from(geometry.width) / 2,
            i32::from(place.dst_y) + i32::from(geometry.height) / 2,
        ))
    }
}

impl X11Desktop {
    /// After a gesture: waits until the app in front has read what it was told, and returns how long that took. A program that is busy for a
    /// second before it reads a key shows a screen that is at rest, and looks as if the key had done nothing.
    async fn wait_for_reader(&mut self, deadline: Deadline) -> Result<Duration, DriverErrorKind> {
        if !self.memory.is_touched() {
            return Ok(Duration::ZERO);
        }
        let asked = self
            .call("to ask the app in front for a sign of life", deadline, |link| {
                let Some(window) = link.active()? else { return Ok(None) };
                Ok(link.ping(window)?.then_some(window))
            })
            .await?;
        let Some(window) = asked else { return Ok(Duration::ZERO) };
        // Who was silent for so long is not waited for again and again.
        let patience = if self.silent == Some(window) { SILENT } else { BUSY };
        let began = Instant::now();
        let answers = self.is_responsive(window, deadline.or_sooner(patience), deadline).await?;
        let took = began.elapsed();
        self.silent = (!answers).then_some(window);
        if answers && took > AT_ONCE {
            // What it does about it comes from now on.
            self.memory.touch();
        }
        self.call("to hear no more of it", deadline, |link| link.listen(EventMask::NO_EVENT)).await?;
        Ok(took)
    }

    /// After a key that a button may take for a click, or a shell for its end: waits until it has acted. Until then the button only looks
    /// pressed or the terminal shows what was typed, the screen is at rest, and the next keys would still go to a window that is about to
    /// close. `took` is how long the app took to read the key.
    async fn wait_for_window(&mut self, took: Duration, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let Some(window) = self.pressed_in.take() else { return Ok(()) };
        let end = Instant::now() + (took * PRESSED_RATIO).clamp(PRESSED, PRESSED_MAX);
        while Instant::now() < end && !deadline.is_over() {
            let is_in_front = self
                .call("to see what is in front", deadline, move |link| {
                    Ok(link.active()? == Some(window) && link.is_there(window)?)
                })
                .await?;
            if !is_in_front {
                break;
            }
            deadline.rest_until(Instant::now() + PRESSED_PAUSE).await;
        }
        self.memory.touch();
        self.wait_for_reader(deadline).await?;
        Ok(())
    }

    /// After a gesture by which the window in front has closed: waits until another one is in front, if there is one that could be, and tells
    /// whether it waited. What is typed before that goes nowhere.
    async fn wait_for_next_window(&mut self, deadline: Deadline) -> Result<bool, DriverErrorKind> {
        let mut has_waited = false;
        if !self.memory.is_touched() || self.window_seen.is_none() {
            return Ok(has_waited);
        }
        let end = Instant::now() + NEXT_WINDOW;
        while Instant::now() < end && !deadline.is_over() {
            let is_coming = self
                .call("to see what is in front", deadline, |link| {
                    match link.active()? {
                        // The window manager has not heard of it yet.
                        Some(window) => Ok(!link.is_there(window)?),
                        None => {
                            let is_between = link.has_window_manager()? && !link.shows_desktop()?;
                            Ok(is_between && link.windows()?.iter().any(|window| !window.is_hidden))
                        }
                    }
                })
                .await?;
            if !is_coming {
                break;
            }
            has_waited = true;
            self.memory.touch();
            deadline.rest_until(Instant::now() + PRESSED_PAUSE).await;
        }
        Ok(has_waited)
    }

    async fn still(&mut self, deadline: Deadline) -> Result<Observation, DriverErrorKind> {
        // A copy, so that an abandoned wait leaves what was known.
        let mut memory = self.memory.clone();
        let settle = self.options.settle;
        let result = still(self, &mut memory, settle, deadline).await;
        self.memory = memory;
        let (observation, rest) = result?;
        self.rest = rest;
        Ok(observation)
    }

    /// Waits until the monitor is at rest or the time is up, and returns what is on it.
    pub(super) async fn settled_screen(&mut self, deadline: Deadline) -> Result<Screen, DriverErrorKind> {
        self.ensure_connection(deadline).await?;
        let took = self.wait_for_reader(deadline).await?;
        self.wait_for_window(took, deadline).await?;
        self.wait_for_next_window(deadline).await?;
        let mut observation = self.still(deadline).await?;
        // It closed meanwhile.
        if observation.owner.is_none() && self.wait_for_next_window(deadline).await? {
            observation = self.still(deadline).await?;
        }
        let Observation { frame, layout, monitor, owner, window, .. } = observation;
        self.window_seen = window;
        if self.monitors.as_ref().is_some_and(|before| *before != layout.monitors) {
            self.generation += 1;
        }
        self.monitors = Some(layout.monitors.clone());
        let id = ScreenId { display: monitor as u64, generation: self.generation, ..ScreenId::from(frame.size) };
        let front = self.menu.front(owner.as_ref());
        self.front.set(owner.as_ref().map(|owner| owner.class.as_str()));
        // Megabytes of pixels are turned around, which takes too long for a thread that others wait for.
        let picture = tokio::task::spawn_blocking(move || frame.into_picture()).await;
        let picture = picture.map_err(|error| DriverErrorKind::MalformedResponse { why: error.to_string() })?;
        self.seen = Some(ReturnedScreen { id, monitor, layout: Arc::new(layout) });
        self.memory.mark_returned();
        Ok(Screen { picture, front, id })
    }
}
