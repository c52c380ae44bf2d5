//! Apps: which there are, and how one comes to the front.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::device::{DriverErrorKind, InstalledApp};
use tokio::time::Instant;

use super::super::ProgramStarter;
use super::X11Desktop;
use super::private::PrivateDesktop;
use super::server::Entrance;
use crate::deadline::Deadline;
use crate::desktop::apps::{Menu, MenuEntry};
use crate::desktop::start_detached;

/// How long an app that was started may take to open a window, before the next look shows what is there instead.
const TO_FRONT: Duration = Duration::from_secs(8);
/// The least time between two looks whether it has.
const WINDOW_PAUSE: Duration = Duration::from_millis(20);
/// What runs a program that wants a terminal around it.
const TERMINAL: [&str; 2] = ["x-terminal-emulator", "-e"];

impl X11Desktop {
    /// The apps that a name stands for. The menu is read again if it is not known: the app may have been installed since.
    async fn entries(&mut self, name: &str) -> Result<Vec<MenuEntry>, DriverErrorKind> {
        match self.menu.find(name) {
            Ok(found) => Ok(found.into_iter().cloned().collect()),
            Err(_) => {
                self.read_menu().await;
                self.menu.find(name).map(|found| found.into_iter().cloned().collect())
            }
        }
    }

    /// Reads which apps there are.
    pub(super) async fn read_menu(&mut self) {
        let folders: Vec<PathBuf> = self.options.applications.clone();
        // Hundreds of small files.
        match tokio::task::spawn_blocking(move || Menu::read(&folders)).await {
            Ok(menu) => self.menu = menu,
            Err(error) => tracing::debug!(%error, "the menu could not be read"),
        }
    }

    pub(super) async fn find_apps(&mut self, name: &str) -> Result<Vec<InstalledApp>, DriverErrorKind> {
        Ok(self.entries(name).await?.iter().map(MenuEntry::to_installed_app).collect())
    }

    /// Brings an app to the front: its window if it has one, else it is started.
    pub(super) async fn launch(&mut self, app: &str, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let found = self.entries(app).await?;
        let [entry] = &found[..] else {
            let several: Vec<&str> = found.iter().map(|entry| &*entry.id).collect();
            let why = format!("several apps are called {app:?}; say one by its id: {}", several.join(", "));
            return Err(DriverErrorKind::Refused { why });
        };
        if let Some(window) = self.window_of(entry, deadline).await? {
            return self.activate(window, deadline).await;
        }
        self.start(entry).await?;
        let soon = deadline.or_sooner(TO_FRONT);
        while !soon.is_over() {
            if let Some(window) = self.window_of(entry, deadline).await? {
                return self.activate(window, deadline).await;
            }
            soon.rest_until(Instant::now() + WINDOW_PAUSE).await;
        }
        Ok(())
    }

    /// The uppermost window of an app.
    async fn window_of(&mut self, entry: &MenuEntry, deadline: Deadline) -> Result<Option<u32>, DriverErrorKind> {
        let windows = self.call("to list the windows", deadline, |link| link.windows()).await?;
        let own = windows.iter().rev().find(|window| entry.has_class(&window.class, &self.menu));
        Ok(own.map(|window| window.id))
    }

    async fn start(&mut self, entry: &MenuEntry) -> Result<(), DriverErrorKind> {
        let mut command = entry.command.clone();
        if entry.in_terminal {
            command.splice(0..0, TERMINAL.map(str::to_owned));
        }
        if let Some(session) = &self.session {
            return session.start_program(&command).await;
        }
        let Entrance::Display(display) = &self.options.entrance else { return Err(no_session()) };
        start_detached(&command, Some(display))
    }
}

/// Starts programs on a display of the user's.
pub(super) struct DisplayStarter(pub String);

/// Starts programs on a desktop of our own.
pub(super) struct PrivateStarter(pub Arc<PrivateDesktop>);

#[async_trait]
impl ProgramStarter for DisplayStarter {
    async fn start(&self, command: &[String]) -> Result<(), DriverErrorKind> {
        start_detached(command, Some(&self.0))
    }
}

#[async_trait]
impl ProgramStarter for PrivateStarter {
    async fn start(&self, command: &[String]) -> Result<(), DriverErrorKind> {
        self.0.start_program(command).await
    }
}

fn no_session() -> DriverErrorKind {
    DriverErrorKind::Refused { why: "nothing can be started on this desktop".to_owned() }
}
