//! Looks at one monitor until it is at rest.

use std::sync::Arc;

use tapwright_contract::ScreenId;
use tapwright_contract::device::{DriverErrorKind, Screen};
use tokio::time::Instant;

use super::X11Desktop;
use super::capture::Frame;
use super::pointer::Layout;
use super::server::{Fault, Link};
use crate::deadline::Deadline;
use crate::desktop::window::WindowOwner;
use crate::still::{self, Sketch, still};

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
    /// Waits until the monitor is at rest or the time is up, and returns what is on it.
    pub(super) async fn settled_screen(&mut self, deadline: Deadline) -> Result<Screen, DriverErrorKind> {
        self.ensure_connection(deadline).await?;
        // A copy, so that an abandoned wait leaves what was known.
        let mut memory = self.memory.clone();
        let settle = self.options.settle;
        let result = still(self, &mut memory, settle, deadline).await;
        self.memory = memory;
        let (observation, rest) = result?;
        self.rest = rest;
        let Observation { frame, layout, monitor, owner, .. } = observation;
        if self.monitors.as_ref().is_some_and(|before| *before != layout.monitors) {
            self.generation += 1;
        }
        self.monitors = Some(layout.monitors.clone());
        let id = ScreenId { display: monitor as u64, generation: self.generation, ..ScreenId::from(frame.size) };
        let front = self.menu.front(owner.as_ref());
        // Megabytes of pixels are turned around, which takes too long for a thread that others wait for.
        let picture = tokio::task::spawn_blocking(move || frame.picture()).await;
        let picture = picture.map_err(|error| DriverErrorKind::MalformedResponse { why: error.to_string() })?;
        self.seen = Some(ReturnedScreen { id, monitor, layout: Arc::new(layout) });
        self.memory.mark_returned();
        Ok(Screen { picture, front, id })
    }
}
