//! Looks at a whole desktop and arranges its windows, for set-up and for judges: nothing here waits until the screen rests, and nothing
//! is refused because it was not seen before.

use std::time::Duration;

use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::{Picture, Size};
use tokio::sync::Mutex;
use x11rb::protocol::xproto::ConnectionExt as _;

use super::super::bus::SessionBus;
use super::accessibility::Accessibility;
use super::server::{Entrance, Fault, Link, Server};
use super::widgets::{self, AccessibleNode};
use crate::deadline::Deadline;

/// A desktop's windows, screen and widgets, over connections of their own.
pub struct DesktopInspector {
    entrance: Entrance,
    server: Mutex<Option<Server>>,
    accessibility: Mutex<Accessibility>,
}

/// A window that a program has opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedWindow {
    pub id: u32,
    pub title: String,
    /// `INSTANCE.CLASS`, as `wmctrl -x` writes it.
    pub class: String,
    /// Where its content is: left, top, width, height.
    pub area: [i32; 4],
    pub is_active: bool,
}

impl DesktopInspector {
    /// Of a desktop that is entered so, and has this session bus.
    pub fn new(entrance: Entrance, bus: SessionBus) -> DesktopInspector {
        let accessibility = Mutex::new(Accessibility::new(bus));
        DesktopInspector { entrance, server: Mutex::default(), accessibility }
    }

    async fn call<T: Send + 'static>(
        &self,
        what: &'static str,
        within: Duration,
        job: impl FnOnce(&mut Link) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, DriverErrorKind> {
        let deadline = Deadline::after(within);
        let mut kept = self.server.lock().await;
        let server = match kept.take() {
            Some(server) => server,
            None => Server::connect(&self.entrance, deadline).await?,
        };
        let result = server.call(what, deadline, job).await;
        // One that hangs or is gone is left.
        if !matches!(result, Err(DriverErrorKind::Lost { .. } | DriverErrorKind::TimedOut { .. })) {
            *kept = Some(server);
        }
        result
    }

    /// All windows, the uppermost first.
    ///
    /// # Errors
    /// `Lost` or `TimedOut` if the X server does not answer.
    pub async fn windows(&self, within: Duration) -> Result<Vec<InspectedWindow>, DriverErrorKind> {
        let job = |link: &mut Link| {
            let mut windows = Vec::new();
            for window in link.windows()?.into_iter().rev() {
                let instance = link.owner_of(window.id)?.map_or_else(String::new, |owner| owner.instance);
                windows.push(InspectedWindow {
                    id: window.id,
                    class: format!("{instance}.{}", window.class),
                    title: window.title,
                    area: window.area,
                    is_active: window.is_active,
                });
            }
            Ok(windows)
        };
        self.call("to list the windows", within, job).await
    }

    /// Brings a window to the front.
    ///
    /// # Errors
    /// As [`DesktopInspector::windows`].
    pub async fn activate(&self, window: u32, within: Duration) -> Result<(), DriverErrorKind> {
        self.call("to activate a window", within, move |link| link.activate(window)).await
    }

    /// Closes a window as its own button would.
    ///
    /// # Errors
    /// As [`DesktopInspector::windows`].
    pub async fn close(&self, window: u32, within: Duration) -> Result<(), DriverErrorKind> {
        self.call("to close a window", within, move |link| link.close(window)).await
    }

    /// The size of the screen.
    ///
    /// # Errors
    /// As [`DesktopInspector::windows`].
    pub async fn size(&self, within: Duration) -> Result<Size, DriverErrorKind> {
        let job = |link: &mut Link| {
            let geometry = link.x.get_geometry(link.root)?.reply()?;
            Ok(Size { width: geometry.width.into(), height: geometry.height.into() })
        };
        self.call("the size of the screen", within, job).await
    }

    /// Where the pointer is.
    ///
    /// # Errors
    /// As [`DesktopInspector::windows`].
    pub async fn pointer(&self, within: Duration) -> Result<(i32, i32), DriverErrorKind> {
        let job = |link: &mut Link| {
            let pointer = link.x.query_pointer(link.root)?.reply()?;
            Ok((pointer.root_x.into(), pointer.root_y.into()))
        };
        self.call("where the pointer is", within, job).await
    }

    /// The screen as it is now, without the pointer.
    ///
    /// # Errors
    /// As [`DesktopInspector::windows`].
    pub async fn picture(&self, within: Duration) -> Result<Picture, DriverErrorKind> {
        let job = |link: &mut Link| {
            let monitors = link.monitors()?;
            Ok(link.capture(&monitors[0])?.into_picture())
        };
        self.call("a picture", within, job).await
    }

    /// What all programs tell of their widgets, parents before their children; each program is of depth 0.
    ///
    /// # Errors
    /// `TimedOut` if it took too long, `MalformedResponse` if the accessibility bus cannot be read.
    pub async fn widgets(&self, within: Duration) -> Result<Vec<AccessibleNode>, DriverErrorKind> {
        let deadline = Deadline::after(within);
        let mut accessibility = self.accessibility.lock().await;
        let connection = deadline.hold("the accessibility bus", accessibility.ensure_connection()).await?;
        deadline.hold("the widgets of all programs", widgets::of_all(connection)).await
    }
}
