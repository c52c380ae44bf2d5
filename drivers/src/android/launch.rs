//! Starting apps: which are installed for the user in front, which activity an icon stands for, and what came of it.

use std::collections::BTreeSet;
use std::time::Duration;

use tapwright_contract::device::{DriverErrorKind, InstalledApp};
use tapwright_contract::gesture::Key;
use tokio::time::Instant;

use super::apps::{self, Apps, LaunchTarget};
use super::parse::answers;
use super::{Android, no_link_error, shell};
use crate::deadline::Deadline;

/// How long an app that was started may take to come to the front, before the next look shows what is there instead.
const TO_FRONT: Duration = Duration::from_secs(2);
/// How long another window has to stand in front to be what came of it.
const STANDS: Duration = Duration::from_secs(1);
/// The least time between two looks at what is in front.
const FRONT_PAUSE: Duration = Duration::from_millis(15);
/// So many apps are asked for by their names in one line.
const AT_ONCE: usize = 64;
/// What an icon on the launcher sends.
const ICON: &str = "-a android.intent.action.MAIN -c android.intent.category.LAUNCHER";

impl Android {
    pub(super) async fn launch(&mut self, app: &str, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let package = match self.launch_target(app, deadline).await? {
            LaunchTarget::Home => return self.press(Key::Home, deadline).await,
            LaunchTarget::Packages(mut found) if found.len() == 1 => found.remove(0),
            LaunchTarget::Packages(found) => return Err(self.apps.ambiguous(app, &found)),
        };
        let refused = self.start(&package, deadline).await?;
        self.comes_to_front(&package, refused, deadline).await
    }

    /// Lists what is installed unless it is known.
    pub(super) async fn known_apps(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        if self.apps.wants_listing() { self.list_apps(deadline).await } else { Ok(()) }
    }

    async fn launch_target(&mut self, app: &str, deadline: Deadline) -> Result<LaunchTarget, DriverErrorKind> {
        let is_fresh = self.apps.wants_listing();
        if is_fresh {
            self.list_apps(deadline).await?;
        }
        match self.apps.find(app) {
            // It may have been installed since.
            Err(DriverErrorKind::NoSuchApp { .. }) if !is_fresh => {
                self.list_apps(deadline).await?;
                self.apps.find(app)
            }
            target => target,
        }
    }

    /// The apps that a name stands for.
    pub(super) async fn find_apps(
        &mut self,
        name: &str,
        deadline: Deadline,
    ) -> Result<Vec<InstalledApp>, DriverErrorKind> {
        self.ensure_link(deadline).await?;
        let home = || InstalledApp { id: apps::HOME.to_owned(), label: apps::HOME.to_owned(), aliases: Vec::new() };
        Ok(match self.launch_target(name, deadline).await? {
            LaunchTarget::Home => vec![home()],
            LaunchTarget::Packages(found) => {
                let named =
                    |id: String| InstalledApp { label: self.apps.label_of(&id).to_owned(), id, aliases: Vec::new() };
                found.into_iter().map(named).collect()
            }
        })
    }

    /// Lists what is installed for the user in front: a work profile or a second space has apps of its own, and a shell may not look
    /// into all of them.
    pub(super) async fn list_apps(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let link = self.link.as_ref().ok_or_else(no_link_error)?;
        let asked = self.shell.run(link, "am get-current-user", deadline).await?;
        let mut user = (asked.status == 0).then(|| answers::number(&asked.output)).flatten();
        let mut listed = self.shell.run(link, &format!("pm list packages{}", of_user(user)), deadline).await?;
        if user.is_none() && listed.output.contains("SecurityException") {
            user = Some(0);
            listed = self.shell.run(link, "pm list packages --user 0", deadline).await?;
        }
        let mut apps = Apps::new(answers::packages(&listed.into_output()?));
        // More than a list of names, where the device tells it: which of them can be opened, and what some are called.
        let query = format!("cmd package query-activities{} {ICON}", of_user(user));
        let told = self.shell.run(link, &format!("{query} | {}", answers::ICON_LINES), deadline).await?;
        let answers::IconList { mut icons, contradicts_itself } = answers::icons(&told.output);
        if contradicts_itself {
            // An app has a label that looks like another app. Asked for alone, each tells its own.
            tracing::debug!("the list of apps contradicts itself: they are asked for one by one");
            let marker = shell::marker();
            let names: BTreeSet<&str> = icons.iter().map(|icon| &*icon.package).filter(|name| apps.has(name)).collect();
            let names: Vec<&str> = names.into_iter().collect();
            let mut alone = Vec::new();
            for names in names.chunks(AT_ONCE) {
                let names = names.join(" ");
                let ask =
                    format!("for app in {names}; do echo {marker} $app; {query} $app | {}; done", answers::ICON_LINES);
                let told = self.shell.run(link, &ask, deadline).await?;
                alone.extend(answers::icons_one_by_one(&told.output, &marker));
            }
            icons = alone;
        }
        apps.learn_icons(icons);
        (self.apps, self.user) = (apps, user);
        Ok(())
    }

    /// Starts an app as a tap on its icon would. `package` has come through `is_package`, and needs no quotes. Returns why it may not
    /// have been started, where the device's word for that is not to be trusted alone.
    async fn start(&mut self, package: &str, deadline: Deadline) -> Result<Option<String>, DriverErrorKind> {
        // Two commands, of which `monkey` is the one that takes a second and turns the automatic rotation on: it is
        // only for devices that cannot say which activity an icon stands for.
        let user = of_user(self.user);
        let resolve = format!("cmd package resolve-activity --brief{user} {ICON} {package}");
        let link = self.link.as_ref().ok_or_else(no_link_error)?;
        let resolved = self.shell.run(link, &resolve, deadline).await?;
        let component = (resolved.status == 0).then(|| answers::component(&resolved.output, package)).flatten();
        if let Some(component) = component {
            // A nested class has a dollar sign in its name.
            self.command(&format!("am start{user} {ICON} -f 0x10200000 -n '{component}'"), deadline).await?;
            return Ok(None);
        }
        let monkey = format!("monkey -p {package} -c android.intent.category.LAUNCHER 1");
        let link = self.link.as_ref().ok_or_else(no_link_error)?;
        match self.shell.run(link, &monkey, deadline).await?.into_output() {
            Ok(_) => Ok(None),
            // It ends with 251 after it has started the app, where it finds no keys of a keyboard.
            Err(DriverErrorKind::Refused { why }) => Ok(Some(why)),
            Err(kind) => Err(kind),
        }
    }

    /// Waits until the app is in front, or whatever has come in its place: a question of the system, a page of another app that it
    /// forwards to. That is for the next look; the device has said that it started the app, so it is no silence.
    async fn comes_to_front(
        &mut self,
        package: &str,
        refused: Option<String>,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let patience = deadline.or_sooner(TO_FRONT);
        let mut standing: Option<(String, Instant)> = None;
        loop {
            let began = Instant::now();
            match self.front(patience).await {
                Ok(front) if front.id == package => return Ok(()),
                Ok(front) if refused.is_none() && apps::asks_first(&front.id) => return Ok(()),
                Ok(front) => match &standing {
                    Some((id, _)) if *id == front.id => {}
                    _ => standing = Some((front.id, began)),
                },
                Err(DriverErrorKind::TimedOut { .. }) => {}
                Err(kind) => return Err(kind),
            }
            let stands = standing.as_ref().is_some_and(|(id, since)| !id.is_empty() && since.elapsed() >= STANDS);
            if patience.is_over() || stands {
                if deadline.is_over() {
                    return Err(DriverErrorKind::TimedOut { tries: format!("{package} to come to the front") });
                }
                tracing::debug!(package, front = ?standing.map(|(id, _)| id), "something else is in front after a launch");
                return refused.map_or(Ok(()), |why| Err(DriverErrorKind::Refused { why }));
            }
            patience.rest_until(began + FRONT_PAUSE).await;
        }
    }
}

/// The option that names a user to `pm`, `cmd package` and `am`; nothing where the device does not say who is in front.
fn of_user(user: Option<u32>) -> String {
    user.map_or_else(String::new, |user| format!(" --user {user}"))
}
