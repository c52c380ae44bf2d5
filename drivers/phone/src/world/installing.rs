//! Apps that come and go while the phone runs.

use super::World;
use crate::app::InstalledApp;
use crate::apps::{AddedApp, AddedPackage};

/// Apps that can be installed beside the phone's own.
const ADDED_MAX: usize = 32;

/// Why an app is not installed, or not removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstallError {
    /// It is one that the phone came with.
    #[error("the phone came with it")]
    OwnApp,
    #[error("{ADDED_MAX} apps are the most that can be installed")]
    TooMany,
    #[error("it is not installed")]
    NotInstalled,
}

impl World {
    /// Installs an app, or puts another version in the place of the one that is there.
    ///
    /// # Errors
    /// `InstallError` if the phone came with one of that name, or has no room.
    pub fn install(&mut self, added: &AddedPackage) -> Result<(), InstallError> {
        let known = self.apps.iter().position(|app| app.manifest().package == added.package);
        if known.is_some_and(|app| app < self.own_apps) {
            return Err(InstallError::OwnApp);
        }
        if known.is_none() && ADDED_MAX <= self.apps.len() - self.own_apps {
            return Err(InstallError::TooMany);
        }
        self.stop(&added.package);
        let app = InstalledApp::new(AddedApp::new(added));
        let place = known.unwrap_or(self.apps.len());
        match known {
            Some(place) => (self.apps[place], self.untouched[place]) = (app.clone(), app),
            None => {
                self.apps.push(app.clone());
                self.untouched.push(app);
            }
        }
        self.removed.remove(&place);
        if !self.icons.contains(&place) {
            self.icons.push(place);
        }
        Ok(())
    }

    /// Removes an app that was installed.
    ///
    /// # Errors
    /// `InstallError` if there is none, or the phone came with it.
    pub fn uninstall(&mut self, package: &str) -> Result<(), InstallError> {
        let place = self.place_of(package).ok_or(InstallError::NotInstalled)?;
        if place < self.own_apps {
            return Err(InstallError::OwnApp);
        }
        self.clear(package);
        // The others are known by their places, so its own stays, and is taken again by the next app of that name.
        self.removed.insert(place);
        self.icons.retain(|app| *app != place);
        Ok(())
    }

    /// Whether an app was installed by somebody, and did not come with the phone.
    pub fn is_added(&self, package: &str) -> bool {
        self.place_of(package).is_some_and(|place| self.own_apps <= place)
    }
}
