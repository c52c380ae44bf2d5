//! A desktop on an X server: pictures through shared memory, input through XTest, windows as window managers agree on them.

mod accessibility;
mod apis;
mod atoms;
mod capture;
mod clipboard;
mod completion;
mod gestures;
mod input;
mod inspector;
mod jobs;
mod keyboard;
mod launch;
mod listed_widget;
mod look;
mod monitors;
mod pointer;
mod private;
mod server;
mod typing;
mod widgets;
mod windows;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::api::Apis;
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind, InstalledApp, Label, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};

use self::accessibility::{Accessibility, Subject};
use self::apis::DesktopApis;
use self::clipboard::{Clipboard, Selection};
pub use self::input::InputEvent;
pub use self::inspector::{DesktopInspector, InspectedWindow};
pub use self::jobs::JobOutput;
use self::launch::{DisplayStarter, PrivateStarter};
use self::look::ReturnedScreen;
use self::monitors::Monitor;
pub(super) use self::private::lacks;
pub use self::private::{PrivateDesktop, PrivateOptions, find_program, missing_programs};
pub use self::server::Entrance;
use self::server::{Fault, Link, Server};
pub use self::widgets::AccessibleNode;
use super::apps::Menu;
use super::bus::SessionBus;
use super::bus::methods::MethodApis;
use super::bus::notifications::{BusWatch, NotificationApis};
use super::bus::players::PlayerApis;
use super::files::{FolderApis, allowed_folders};
use super::office::{OfficeApis, WindowInFront, private_connection};
use super::pointing::LastClick;
use super::{DesktopAddress, DesktopOptions, ProgramStarter};
use crate::deadline::Deadline;
use crate::still::Memory;
use crate::{OpenRig as _, Rest, Rig, Settle, Tree, refused};

/// How long a server whose last answer did not come in time may take to show that it is there.
const STILL_THERE: Duration = Duration::from_secs(1);

/// How to drive a desktop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct X11Options {
    pub entrance: Entrance,
    pub settle: Settle,
    /// Where the menu's files are, the most important folder first.
    pub applications: Vec<PathBuf>,
    /// The bus of the session, over which programs tell their widgets; `None` if there is none.
    pub bus: Option<SessionBus>,
}

/// One X server's desktop.
pub struct X11Desktop {
    name: String,
    options: X11Options,
    server: Option<Server>,
    /// Whether the server did not answer in time: then it is asked for a sign of life first.
    is_suspect: bool,
    /// Set if the desktop is ours: programs are started in it.
    session: Option<Arc<PrivateDesktop>>,
    menu: Menu,
    accessibility: Option<Accessibility>,
    memory: Memory,
    rest: Rest,
    seen: Option<ReturnedScreen>,
    /// The monitors as they last were.
    monitors: Option<Vec<Monitor>>,
    /// Counts how often they have changed, or the server was lost and found again.
    generation: u32,
    last_click: Option<LastClick>,
    /// Told to those who offer calls for the app in front.
    front: WindowInFront,
    /// The window whose app did not answer in time.
    silent: Option<u32>,
    /// The window that was in front at the last look.
    window_seen: Option<u32>,
    /// The window in front when a key was pressed that a button may take for a click, or a shell for its end.
    pressed_in: Option<u32>,
    /// What apps paste from, once something was put there.
    selections: BTreeMap<Selection, Clipboard>,
}

impl X11Desktop {
    /// Connects to a desktop; to one of ours, with what keeps it.
    ///
    /// # Errors
    /// `DriverErrorKind::Lost` if there is no server, `DriverErrorKind::Refused` if it lets nobody in.
    pub async fn connect(
        name: &str,
        options: X11Options,
        session: Option<Arc<PrivateDesktop>>,
        within: Duration,
    ) -> Result<X11Desktop, DriverError> {
        let mut desktop = X11Desktop {
            name: name.to_owned(),
            accessibility: options.bus.clone().map(Accessibility::new),
            options,
            server: None,
            is_suspect: false,
            session,
            menu: Menu::default(),
            memory: Memory::default(),
            rest: Rest::Still,
            seen: None,
            monitors: None,
            generation: 0,
            last_click: None,
            front: WindowInFront::default(),
            silent: None,
            window_seen: None,
            pressed_in: None,
            selections: BTreeMap::new(),
        };
        let deadline = Deadline::after(within);
        desktop.ensure_connection(deadline).await.map_err(|kind| desktop.error("connect", kind))?;
        if desktop.session.is_some() {
            desktop.furnish(deadline).await.map_err(|kind| desktop.error("connect", kind))?;
        }
        desktop.read_menu().await;
        Ok(desktop)
    }

    /// How the last wait for the screen to rest has ended: a screen that moves on is returned as well.
    pub fn rest(&self) -> Rest {
        self.rest
    }

    /// The widgets of the app in front; `None` if it tells none, or there is no bus on which it could.
    ///
    /// # Errors
    /// `DriverError` if they could not be had now.
    pub async fn tree(&mut self, within: Duration) -> Result<Option<Tree>, DriverError> {
        let deadline = Deadline::after(within);
        let result = self.read_tree(deadline).await;
        self.after(&result);
        result.map_err(|kind| self.error("read the widgets", kind))
    }

    async fn read_tree(&mut self, deadline: Deadline) -> Result<Option<Tree>, DriverErrorKind> {
        self.ensure_connection(deadline).await?;
        let last = self.seen.as_ref().map(|seen| seen.layout.monitors[seen.monitor].clone());
        let found = self
            .call("to see what is in front", deadline, move |link| {
                let monitors = link.monitors()?;
                // Labels are of the screen that was seen.
                let monitor = last.filter(|last| monitors.contains(last)).unwrap_or_else(|| monitors[0].clone());
                let Some(window) = link.active()? else { return Ok(None) };
                Ok(Some((monitor, link.owner_of(window)?, link.process_of(window)?, link.owners()?)))
            })
            .await?;
        let (Some((monitor, owner, Some(process), stack)), Some(accessibility)) = (found, &mut self.accessibility)
        else {
            return Ok(None);
        };
        let app = self.menu.front(owner.as_ref()).id;
        accessibility.tree(Subject { process, app, monitor, stack }, deadline).await
    }

    /// What the desktop offers besides its screen.
    pub fn apis(&self) -> Box<dyn Apis> {
        Box::new(DesktopApis::new(self.options.entrance.clone()))
    }

    fn error(&self, operation: &'static str, kind: DriverErrorKind) -> DriverError {
        DriverError { device: self.name.clone(), operation, kind }
    }

    fn server(&self) -> Result<&Server, DriverErrorKind> {
        self.server.as_ref().ok_or_else(|| DriverErrorKind::Lost { why: "there is no connection".to_owned() })
    }

    /// Makes sure that there is a connection that answers.
    async fn ensure_connection(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        if let Some(server) = self.server.as_ref().filter(|_| self.is_suspect) {
            let answers = server.call("a sign of life", deadline.or_sooner(STILL_THERE), |link| link.sync()).await;
            if answers.is_err() && !deadline.is_over() {
                self.server = None;
            }
            self.is_suspect = false;
        }
        if self.server.is_none() {
            if self.seen.take().is_some() {
                self.generation += 1;
            }
            self.server = Some(Server::connect(&self.options.entrance, deadline).await?);
        }
        Ok(())
    }

    /// Has the thread that owns the connection do something.
    async fn call<T: Send + 'static>(
        &self,
        what: &'static str,
        deadline: Deadline,
        job: impl FnOnce(&mut Link) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, DriverErrorKind> {
        self.server()?.call(what, deadline, job).await
    }

    /// Notes what an operation says of the connection.
    fn after<T>(&mut self, result: &Result<T, DriverErrorKind>) {
        match result {
            Err(DriverErrorKind::Lost { .. }) => self.server = None,
            Err(DriverErrorKind::TimedOut { .. }) => self.is_suspect = true,
            _ => {}
        }
    }
}

#[async_trait]
impl Driver for X11Desktop {
    fn name(&self) -> &str {
        &self.name
    }

    fn abilities(&self) -> Abilities {
        Abilities { labels: self.accessibility.is_some(), ..Abilities::DESKTOP }
    }

    async fn screen(&mut self, within: Duration) -> Result<Screen, DriverError> {
        let deadline = Deadline::after(within);
        let mut result = self.settled_screen(deadline).await;
        self.after(&result);
        if matches!(result, Err(DriverErrorKind::Lost { .. })) && !deadline.is_over() {
            // Looking twice does no harm.
            result = self.settled_screen(deadline).await;
            self.after(&result);
        }
        result.map_err(|kind| self.error("take a picture", kind))
    }

    async fn perform(&mut self, gesture: &Gesture, within: Duration) -> Result<(), DriverError> {
        let deadline = Deadline::after(within);
        let operation = gesture.name();
        self.ensure_connection(deadline).await.map_err(|kind| self.error(operation, kind))?;
        self.memory.touch();
        self.pressed_in = None;
        let result = self.gesture(gesture, deadline).await;
        self.memory.touch();
        self.after(&result);
        result.map_err(|kind| self.error(operation, kind))
    }

    async fn find_app(&mut self, name: &str, _within: Duration) -> Result<Vec<InstalledApp>, DriverError> {
        self.find_apps(name).await.map_err(|kind| self.error("find an app", kind))
    }

    async fn labels(&mut self, within: Duration) -> Result<Option<Vec<Label>>, DriverError> {
        Ok(self.tree(within).await?.map(|tree| tree.labels()))
    }

    /// Gives back the keys that were borrowed for characters. Dropping the driver does the same.
    async fn close(&mut self, within: Duration) -> Result<(), DriverError> {
        let deadline = Deadline::after(within);
        self.selections.clear();
        let Some(server) = self.server.take() else { return Ok(()) };
        match server.call("to give keys back", deadline, |link| link.give_back_keys()).await {
            // A server that is gone has no keyboard any more.
            Ok(()) | Err(DriverErrorKind::Lost { .. }) => Ok(()),
            Err(kind) => Err(self.error("give keys back", kind)),
        }
    }
}

/// What a desktop offers, with the files of its folders if there are any.
fn all_apis(desktop: &X11Desktop, folders: &Arc<[PathBuf]>, starter: &Arc<dyn ProgramStarter>) -> Vec<Box<dyn Apis>> {
    let mut apis = vec![desktop.apis()];
    if !folders.is_empty() {
        apis.push(Box::new(FolderApis::new(folders.clone(), starter.clone())));
    }
    apis
}

/// What programs on its session bus do for whoever asks.
fn bus_apis(options: &DesktopOptions, bus: &SessionBus, folders: &Arc<[PathBuf]>, is_own: bool) -> Vec<Box<dyn Apis>> {
    let watch = Arc::new(BusWatch::start(bus.clone(), is_own));
    let mut apis: Vec<Box<dyn Apis>> = Vec::new();
    if !options.methods.is_empty() {
        apis.push(Box::new(MethodApis::new(options.methods.clone(), bus.clone())));
    }
    apis.push(Box::new(NotificationApis::new(watch.clone(), bus.clone(), is_own)));
    apis.push(Box::new(PlayerApis::new(watch, bus.clone(), folders.clone())));
    apis
}

/// Opens a desktop.
pub(super) async fn open(options: &DesktopOptions, within: Duration) -> Result<Rig, DriverError> {
    let deadline = Deadline::after(within);
    let name = options.name();
    let error = |kind| DriverError { device: name.clone(), operation: "open", kind };
    let x11 = |entrance, bus| X11Options {
        entrance,
        settle: options.settle,
        applications: options.applications.clone(),
        bus,
    };
    match &options.at {
        DesktopAddress::Display(display) if display.is_empty() => {
            let why = "DISPLAY is not set, so there is no desktop here: start this in a desktop session, name a display \
                       (`--device desktop::0`), take one of your own (`--device desktop:private`), or on Wayland \
                       `--device desktop:portable`";
            Err(error(DriverErrorKind::Refused { why: why.to_owned() }))
        }
        DesktopAddress::Display(display) => {
            let bus = options.bus.clone().map(|address| SessionBus { address, user: None });
            let how = x11(Entrance::Display(display.clone()), bus);
            let desktop = X11Desktop::connect(&name, how, None, deadline.remaining()).await?;
            let starter: Arc<dyn ProgramStarter> = Arc::new(DisplayStarter(display.clone()));
            let folders = allowed_folders(&options.folders);
            let mut apis = all_apis(&desktop, &folders, &starter);
            if let Some(bus) = &desktop.options.bus {
                apis.extend(bus_apis(options, bus, &folders, false));
            }
            if let Some(address) = &options.office {
                let office = OfficeApis::of_address(desktop.front.clone(), folders, starter, address);
                let why =
                    |failed: std::io::Error| error(refused(format!("a folder of our own cannot be made: {failed}")));
                apis.push(Box::new(office.map_err(why)?));
            }
            let identity = options.machine.as_ref().map(|machine| format!("{machine} {display}"));
            Ok(Rig {
                driver: Box::new(desktop),
                apis,
                probe: None,
                about: format!("the desktop of {display}"),
                identity,
                teardown: None,
            })
        }
        DesktopAddress::Portable { .. } => super::open_portable(options, within).await,
        DesktopAddress::Private { size, folder } => {
            let private = PrivateOptions { size: *size, folder: folder.clone(), in_group: false, home: None };
            let session = Arc::new(PrivateDesktop::start(&private, deadline.remaining()).await.map_err(error)?);
            private_rig(session, options, deadline.remaining()).await
        }
    }
}

/// A rig on a private desktop that is there already, and that ends with it. Of `options` all counts but where the desktop is.
///
/// # Errors
/// As [`X11Desktop::connect`].
pub async fn private_rig(
    session: Arc<PrivateDesktop>,
    options: &DesktopOptions,
    within: Duration,
) -> Result<Rig, DriverError> {
    let name = options.name();
    let how = X11Options {
        entrance: session.entrance(),
        settle: options.settle,
        applications: options.applications.clone(),
        bus: Some(session.bus()),
    };
    let desktop = X11Desktop::connect(&name, how, Some(session.clone()), within).await?;
    // Its home comes first: there nothing of anybody's is.
    let folders = allowed_folders(&[&[session.home()], &options.folders[..]].concat());
    let starter: Arc<dyn ProgramStarter> = Arc::new(PrivateStarter(session.clone()));
    let mut apis = all_apis(&desktop, &folders, &starter);
    apis.extend(bus_apis(options, &session.bus(), &folders, true));
    let (front, inside) = (desktop.front.clone(), session.folder());
    let connection = private_connection(&inside);
    apis.push(Box::new(OfficeApis::new(front, folders, starter, inside, connection)));
    let about = format!("{name}, on display :{}", session.display());
    Ok(Rig {
        driver: Box::new(desktop),
        apis,
        probe: None,
        about,
        identity: None, // It is gone with its run: nobody finds it again.
        teardown: Some(Box::pin(async move { session.end().await })),
    })
}
