//! What happens to a phone that nobody asked for: dialogs of the system, notifications, a turn, a lock, a dark display.
//!
//! It is part of what is shown, so it is part of the world; when it happens is decided outside, by `weather` or a test.

use std::collections::BTreeMap;

use crate::permission::{GrantedPermissions, PermissionKind};

/// Something that comes over the phone. Times count from now, in milliseconds of the world's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The system asks whether the app in front may use something. It covers all else until it is answered.
    Permission,
    /// The system says that the app in front does not respond.
    Anr,
    /// An app says something: a banner lies over the top of the display for a while, and the text stays in the shade.
    /// A tap on either opens the app of this package.
    Notification { package: &'static str, text: String, millis: u64 },
    /// The phone lies on its side; apps stand upright between black borders, as those do that cannot turn.
    Turn { millis: u64 },
    /// The phone is locked without a secret, and its display perhaps off too. A swipe up opens it.
    Lock { dark: bool },
    /// The app in front lets nobody take pictures of its window.
    Protect { millis: u64 },
    /// What the page in front holds is not there yet.
    Late { millis: u64 },
    /// A computer whose key the phone does not know wants to use it over ADB: its owner is asked.
    Debugging { computer: String },
    /// That computer has gone away.
    DebuggingOver,
    /// The keyboard that takes text from adb is not installed.
    NoAdbKeyboard,
}

/// What the owner of a phone has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
}

/// What an app has said in the shade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub package: &'static str,
    pub text: String,
}

/// So many notifications are kept; older ones go.
const NOTIFICATIONS_MAX: usize = 20;

/// Whoever has said no so often is not asked again.
const DENIALS_MAX: u32 = 2;

/// What the owner has said to an app that wanted to use something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    Granted,
    /// So many times.
    Denied(u32),
}

/// A dialog of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemDialog {
    Permission(PermissionKind),
    Anr,
    Debugging,
}

/// What has come over the phone and has not gone again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemState {
    pub dialog: Option<SystemDialog>,
    /// Which app asks for a permission: another one may have come to the front since.
    pub asker: Option<usize>,
    /// Which computer the question is about, if that is what lies over everything.
    pub computer: String,
    /// What became of the latest such question.
    pub debugging: Option<Answer>,
    /// The latest notification, and when its banner goes.
    pub banner: Option<(Notification, u64)>,
    /// The latest first.
    pub notifications: Vec<Notification>,
    /// What apps have been allowed, by their packages.
    pub permissions: BTreeMap<(&'static str, PermissionKind), Permission>,
    /// What has just been done, and until when it is said.
    pub toast: Option<(String, u64)>,
    /// Whether the shade is pulled down.
    pub shade: bool,
    pub turned_until: u64,
    pub locked: bool,
    pub dark: bool,
    /// Whose window is protected, and until when.
    pub protected: Option<(&'static str, u64)>,
    pub late_until: u64,
    pub no_adb_keyboard: bool,
    /// Dialogs that come by themselves, each after so many more gestures.
    pub coming: Vec<(u32, SystemDialog)>,
}

impl SystemState {
    /// The banner that is still there.
    pub fn banner(&self, now: u64) -> Option<&Notification> {
        self.banner.as_ref().filter(|(_, until)| now < *until).map(|(notification, _)| notification)
    }

    /// Shows what an app says.
    pub fn notify(&mut self, notification: Notification, until: u64) {
        self.notifications.insert(0, notification.clone());
        self.notifications.truncate(NOTIFICATIONS_MAX);
        self.banner = Some((notification, until));
    }

    /// Counts a gesture: the dialog that comes after it, if one does.
    pub fn count_gesture(&mut self) -> Option<SystemDialog> {
        for (left, _) in &mut self.coming {
            *left = left.saturating_sub(1);
        }
        let at = self.coming.iter().position(|(left, _)| *left == 0)?;
        Some(self.coming.remove(at).1)
    }

    /// Whether the owner is asked what an app may use: neither after a yes nor after several times no.
    pub fn may_ask(&self, package: &'static str, kind: PermissionKind) -> bool {
        match self.permissions.get(&(package, kind)) {
            None => true,
            Some(Permission::Granted) => false,
            Some(Permission::Denied(times)) => *times < DENIALS_MAX,
        }
    }

    /// What the owner has allowed an app to use.
    pub fn permissions_of(&self, package: &'static str) -> GrantedPermissions {
        let is_granted = |kind| self.permissions.get(&(package, kind)) == Some(&Permission::Granted);
        GrantedPermissions {
            location: is_granted(PermissionKind::Location),
            photos: is_granted(PermissionKind::Photos),
        }
    }

    /// Keeps what the owner has said to an app.
    pub fn decide(&mut self, package: &'static str, kind: PermissionKind, yes: bool) {
        let before = self.permissions.get(&(package, kind)).copied();
        let now = match before {
            _ if yes => Permission::Granted,
            Some(Permission::Denied(times)) => Permission::Denied(times + 1),
            Some(Permission::Granted) | None => Permission::Denied(1),
        };
        self.permissions.insert((package, kind), now);
    }
}
