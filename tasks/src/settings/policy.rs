//! What a run may do, and where secrets are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tapwright_agent::policy::{ApiUse, Permission, Policy, Rule, SecretUse};
use tapwright_contract::name::is_same;
use tapwright_drivers::android::app_names;

use super::apis::program;
use super::file::RuleSection;
use super::{SettingsError, SettingsFile};
use crate::device::{DeviceAddress, NamedSite, Site};
use crate::named_apps::is_id;
use crate::policy::Preset;

/// Where a secret is kept.
#[derive(Clone, Debug)]
pub(super) enum SecretPlace {
    Env(String),
    File(PathBuf),
    Command(Vec<String>),
    Keyring(String),
}

/// How the device's apps are named in a policy.
#[derive(Clone, Copy)]
pub(super) enum AppNames<'a> {
    /// By their ids, or by what they are called.
    Apps,
    /// A browser's are sites; these were given names.
    Sites(&'a [Site]),
}

impl AppNames<'_> {
    pub(super) fn of(device: &DeviceAddress) -> AppNames<'_> {
        match device {
            DeviceAddress::Browser(browser) => AppNames::Sites(&browser.sites),
            DeviceAddress::Virtual(_)
            | DeviceAddress::Direct { .. }
            | DeviceAddress::Server { .. }
            | DeviceAddress::Desktop(_)
            | DeviceAddress::Machine(_)
            | DeviceAddress::Custom(_) => AppNames::Apps,
        }
    }

    /// What a name that counts against an app is compared as.
    ///
    /// # Errors
    /// What is wrong with one that would never count.
    fn against(self, name: &str) -> Result<String, String> {
        match self {
            AppNames::Apps => Ok(name.to_owned()),
            AppNames::Sites(sites) => Ok(match NamedSite::read(name, sites)? {
                NamedSite::Origin(origin) => origin,
                NamedSite::Host(host) => host,
            }),
        }
    }

    /// The id that a name is which counts for an app; `None` if it is what an app calls itself.
    ///
    /// # Errors
    /// As [`AppNames::against`].
    fn id(self, name: &str) -> Result<Option<String>, String> {
        match self {
            AppNames::Apps => Ok(is_id(name).then(|| name.to_owned())),
            AppNames::Sites(sites) => match NamedSite::read(name, sites)? {
                NamedSite::Origin(origin) => Ok(Some(origin)),
                NamedSite::Host(host) => Err(format!(
                    "{name:?} is a host, of which pages of any scheme and port are: write its origin, https://{host}"
                )),
            },
        }
    }

    /// The ids that names are which have to be some.
    fn ids(self, names: &[String]) -> Result<Vec<String>, String> {
        let id = |name: &String| {
            self.id(name)?.ok_or_else(|| format!("{name:?} is no app's id, and what an app calls itself is not enough"))
        };
        names.iter().map(id).collect()
    }

    fn help(self) -> &'static str {
        match self {
            AppNames::Apps => "name apps by id, as in com.android.settings",
            AppNames::Sites(_) => "name sites by their origin, as in https://mail.example.com",
        }
    }
}

/// Forbids what was asked for beside the file, too.
pub(super) fn forbid(policy: &mut Policy, names: &[String], apps: AppNames<'_>) -> Result<(), SettingsError> {
    for name in names {
        let name = apps.against(name).map_err(|why| SettingsError::usage(format!("--forbid: {why}"), apps.help()))?;
        policy.apps_forbidden.push(name);
    }
    Ok(())
}

/// Adds to each app that is forbidden or allowed whatever else it is called: a model may launch by any of its names.
pub(super) fn name_in_full(policy: &mut Policy, apps: AppNames<'_>) {
    if matches!(apps, AppNames::Sites(_)) {
        return;
    }
    for apps in [&mut policy.apps_forbidden, &mut policy.apps_allowed] {
        for name in apps.clone().iter().flat_map(|app| app_names(app)) {
            if !apps.iter().any(|known| known == name) {
                apps.push(name.to_owned());
            }
        }
    }
}

/// The preset with what the file changes of it.
pub(super) fn resolve(file: &SettingsFile, preset: Preset, names: AppNames<'_>) -> Result<Policy, SettingsError> {
    let section = &file.sections.policy;
    let wrong = |why: String, help: &str| file.wrong(None, why, Some(help.to_owned()));
    let by_id = names.help();
    let mut policy = preset.policy();
    for (key, apps) in [("apps_forbidden", &section.apps_forbidden), ("apps_allowed", &section.apps_allowed)] {
        if apps.iter().any(|app| app.trim().is_empty()) {
            return Err(wrong(format!("[policy] {key}: one of its names is empty"), by_id));
        }
    }
    for name in &section.apps_forbidden {
        let name = names.against(name).map_err(|why| wrong(format!("[policy] apps_forbidden: {why}"), by_id))?;
        policy.apps_forbidden.push(name);
    }
    let mut by_its_id = false;
    for name in &section.apps_allowed {
        let id = names.id(name).map_err(|why| wrong(format!("[policy] apps_allowed: {why}"), by_id))?;
        by_its_id |= id.is_some();
        policy.apps_allowed.push(id.unwrap_or_else(|| name.clone()));
    }
    if !section.apps_allowed.is_empty() && !by_its_id {
        let why = "[policy] apps_allowed: it names no app by its id, and what an app calls itself is not enough";
        return Err(wrong(why.to_owned(), by_id));
    }
    for (name, said) in &section.apis {
        if policy.apis.keys().any(|other| is_same(other, name)) {
            let why = format!("[policy.apis.{name}]: another one is called so, but for capital letters");
            return Err(wrong(why, "say it once: capital letters of an API's name do not count"));
        }
        let (permission, repeatable) = (said.permission, said.repeatable);
        policy.apis.insert(name.clone(), ApiUse { permission, repeatable, about: None });
    }
    let (said, effects) = (&section.api_effects, &mut policy.api_effects);
    effects.reads = said.reads.unwrap_or(effects.reads);
    effects.changes = said.changes.unwrap_or(effects.changes);
    effects.leaves_the_device = said.leaves_the_device.unwrap_or(effects.leaves_the_device);
    effects.irreversible = said.irreversible.unwrap_or(effects.irreversible);
    policy.warning = section.warning.unwrap_or(policy.warning);
    policy.without_labels = section.without_labels.unwrap_or(policy.without_labels);
    policy.asks_when_stuck = section.ask_when_stuck.unwrap_or(policy.asks_when_stuck);
    policy.answers = section.answers.clone().unwrap_or_default();
    for (name, rule) in &section.rules {
        let RuleSection { permission, apps, except, words, typing } = rule.clone();
        let except = names.ids(&except);
        let except = except.map_err(|why| wrong(format!("[policy.rules.{name}] except: {why}"), by_id))?;
        let apps: Result<Vec<String>, String> = apps.iter().map(|app| names.against(app)).collect();
        let apps = apps.map_err(|why| wrong(format!("[policy.rules.{name}] apps: {why}"), by_id))?;
        for known in policy.rules.iter_mut().filter(|known| known.name == *name) {
            known.permission = permission.unwrap_or(known.permission);
            known.except.extend(except.iter().cloned());
        }
        if !apps.is_empty() || !words.is_empty() {
            let permission = permission.unwrap_or(Permission::Ask);
            let name = name.clone();
            policy.rules.push(Rule { name, permission, apps, except, words, typing, hidden_fields: false });
        } else if !policy.rules.iter().any(|known| known.name == *name) {
            let why =
                format!("[policy.rules.{name}]: the preset has no such rule, and this one has no apps and no words");
            return Err(wrong(why, "add words = [\"…\"] or apps = [\"…\"]"));
        }
    }
    for (name, secret) in &section.secrets {
        let apps = names.ids(&secret.apps);
        let apps = apps.map_err(|why| wrong(format!("[policy.secrets.{name}] apps: {why}"), by_id))?;
        let apis = secret.apis.clone();
        policy.secrets.insert(name.clone(), SecretUse { apps, any_field: secret.any_field, apis });
    }
    Ok(policy)
}

/// Where the secrets are.
pub(super) fn secrets(file: &SettingsFile) -> Result<BTreeMap<String, SecretPlace>, SettingsError> {
    let places = file.sections.policy.secrets.iter().map(|(name, secret)| {
        let at = match (&secret.env, &secret.file, &secret.command, &secret.keyring) {
            (Some(variable), None, None, None) => SecretPlace::Env(variable.clone()),
            (None, Some(at), None, None) => SecretPlace::File(file.beside(at)),
            (None, None, Some(argv), None) if !argv.is_empty() => {
                SecretPlace::Command(program(argv, |path| file.beside(path)))
            }
            (None, None, None, Some(account)) if !account.is_empty() => SecretPlace::Keyring(account.clone()),
            _ => {
                let why = format!("[policy.secrets.{name}]: set exactly one of env, file, command, keyring");
                let help = "env = \"VARIABLE\", file = \"FILE\", command = [\"PROGRAM\", …], or keyring = \"ACCOUNT\"";
                return Err(file.wrong(None, why, Some(help.to_owned())));
            }
        };
        Ok((name.clone(), at))
    });
    places.collect()
}
