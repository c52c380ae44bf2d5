//! What is true of the phone, for judges, and what can be made true for the start of a task.

use std::fmt;

use super::World;
use crate::app::Facts;
use crate::options::AppSelection;
use crate::permission::PermissionKind;
use crate::system::events::{Permission, SystemDialog};

/// Why the world did not accept a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl World {
    /// What is true of the phone, for judges. `docs/phone.md` lists the names.
    pub fn facts(&self) -> Facts {
        let mut facts = Facts::new();
        for app in &self.apps {
            app.facts(&self.providers, &mut facts);
        }
        let labels: Vec<&str> = self.icons.iter().map(|app| self.label(*app)).collect();
        facts.insert("launcher.icons".into(), labels.join(", "));
        facts.insert("front".into(), self.front().package.to_string());
        if self.options.apps == AppSelection::All {
            let coming = self.system.coming.iter().map(|(left, dialog)| format!("{left} {}", dialog_name(*dialog)));
            facts.insert("dialogs".into(), coming.collect::<Vec<_>>().join("; "));
        }
        if self.fields.is_clipboard_told {
            facts.insert("clipboard".into(), self.fields.clipboard().to_owned());
        }
        for ((package, kind), permission) in &self.system.permissions {
            let name = PermissionKind::NAMES.iter().find(|known| known.1 == *kind).map_or("", |known| known.0);
            let value = if *permission == Permission::Granted { "granted" } else { "denied" };
            facts.insert(format!("permission.{package}.{name}"), value.to_owned());
        }
        facts
    }

    /// Makes a fact true, for the start of a task: switches, `brightness`, `font.percent`, `contacts.NAME.number`,
    /// `contacts.NAME.favourite`, `alarms.HH:MM.on`, `messages.NAME.N`, `notes.N`, `calendar.DAY.events`, `launcher.icons`, `clipboard`.
    ///
    /// # Errors
    /// `Refused` if there is no such fact or it cannot have that value.
    pub fn set_fact(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        let refused = |why: &str| Refused(format!("`{name}` cannot be `{value}`: {why}"));
        match name.split_once('.') {
            Some(("launcher", "icons")) => return self.set_icons(value).map_err(refused),
            Some(("permission", of)) => return self.set_permission(of, value).map_err(|why| refused(&why)),
            None if name == "clipboard" => {
                self.fields.copy(value);
                self.fields.is_clipboard_told = true;
                return Ok(());
            }
            None if name == "dialogs" => return self.set_dialogs(value).map_err(refused),
            Some(_) | None => {}
        }
        let parts: Vec<&str> = name.split('.').collect();
        for app in &mut self.apps {
            if let Some(done) = app.set_fact(&parts, value, &mut self.providers) {
                return done.map_err(|why| refused(&why));
            }
        }
        Err(Refused(format!("there is no fact `{name}` that can be set")))
    }

    fn set_icons(&mut self, value: &str) -> Result<(), &'static str> {
        let labels: Vec<&str> = value.split(", ").collect();
        let place = |label: &&str| self.icons.iter().copied().find(|app| self.label(*app) == *label);
        let icons: Vec<usize> = labels.iter().filter_map(place).collect();
        let is_each_once = self.icons.iter().all(|app| icons.contains(app));
        if !is_each_once || labels.len() != self.icons.len() {
            return Err("it names every app once");
        }
        self.icons = icons;
        Ok(())
    }

    /// `com.tapwright.maps.location` is `granted`, `denied`, or `ask` if it has not been answered.
    fn set_permission(&mut self, of: &str, value: &str) -> Result<(), String> {
        let (package, kind) = of.rsplit_once('.').unwrap_or((of, ""));
        let kind = PermissionKind::NAMES.iter().find(|known| known.0 == kind).map(|known| known.1);
        let kind = kind.ok_or("it is permission.PACKAGE.location or permission.PACKAGE.photos")?;
        let app = self.place_of(package).ok_or_else(|| format!("there is no app `{package}`"))?;
        let key = (self.apps[app].manifest().package, kind);
        match value {
            "granted" => self.system.permissions.insert(key, Permission::Granted),
            "denied" => self.system.permissions.insert(key, Permission::Denied(1)),
            "ask" => self.system.permissions.remove(&key),
            _ => return Err("it is granted, denied or ask".to_owned()),
        };
        Ok(())
    }

    /// `3 anr; 9 permission`: what comes over the app in front after so many gestures.
    fn set_dialogs(&mut self, value: &str) -> Result<(), &'static str> {
        let mut coming = Vec::new();
        for entry in value.split(';').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (count, name) = entry.split_once(' ').unwrap_or((entry, ""));
            let dialog = DIALOGS.into_iter().find(|dialog| dialog_name(*dialog) == name.trim());
            match count.parse::<u32>().ok().zip(dialog) {
                Some((count, dialog)) if 0 < count => coming.push((count, dialog)),
                Some(_) | None => return Err("it is like `3 anr; 9 permission`, each after so many gestures"),
            }
        }
        self.system.coming = coming;
        Ok(())
    }

    fn label(&self, app: usize) -> &'static str {
        self.language().say(self.apps[app].manifest().label)
    }
}

/// What a dialog that comes by itself is called in facts.
fn dialog_name(dialog: SystemDialog) -> &'static str {
    match dialog {
        SystemDialog::Permission(PermissionKind::Location) => "permission",
        SystemDialog::Permission(PermissionKind::Photos) => "photos",
        SystemDialog::Anr => "anr",
        SystemDialog::Debugging => "debugging",
    }
}

const DIALOGS: [SystemDialog; 3] = [
    SystemDialog::Permission(PermissionKind::Location),
    SystemDialog::Permission(PermissionKind::Photos),
    SystemDialog::Anr,
];
