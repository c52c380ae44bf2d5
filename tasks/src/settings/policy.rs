//! What a run may do, and where secrets are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tapwright_agent::policy::{ApiUse, Permission, Policy, Rule, SecretUse};
use tapwright_contract::name::is_same;
use tapwright_drivers::android::app_names;

use super::apis::program;
use super::file::RuleSection;
use super::{SettingsError, SettingsFile};
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

/// Adds to each app that is forbidden or allowed whatever else it is called: a model may launch by any of its names.
pub(super) fn name_in_full(policy: &mut Policy) {
    for apps in [&mut policy.apps_forbidden, &mut policy.apps_allowed] {
        for name in apps.clone().iter().flat_map(|app| app_names(app)) {
            if !apps.iter().any(|known| known == name) {
                apps.push(name.to_owned());
            }
        }
    }
}

/// The preset with what the file changes of it.
pub(super) fn resolve(file: &SettingsFile, preset: Preset) -> Result<Policy, SettingsError> {
    let section = &file.sections.policy;
    let wrong = |why: String, help: &str| file.wrong(None, why, Some(help.to_owned()));
    let by_id = "name apps by id, as in com.android.settings";
    let mut policy = preset.policy();
    policy.apps_forbidden.extend(section.apps_forbidden.iter().cloned());
    if !section.apps_allowed.is_empty() && !section.apps_allowed.iter().any(|app| is_id(app)) {
        let why = "[policy] apps_allowed: it names no app by its id, and what an app calls itself is not enough";
        return Err(wrong(why.to_owned(), by_id));
    }
    for (key, apps) in [("apps_forbidden", &section.apps_forbidden), ("apps_allowed", &section.apps_allowed)] {
        if apps.iter().any(|app| app.trim().is_empty()) {
            return Err(wrong(format!("[policy] {key}: one of its names is empty"), by_id));
        }
    }
    policy.apps_allowed.clone_from(&section.apps_allowed);
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
        ids(&rule.except, &format!("[policy.rules.{name}] except")).map_err(|why| wrong(why, by_id))?;
        let RuleSection { permission, apps, except, words, typing } = rule.clone();
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
        ids(&secret.apps, &format!("[policy.secrets.{name}] apps")).map_err(|why| wrong(why, by_id))?;
        let (apps, apis) = (secret.apps.clone(), secret.apis.clone());
        policy.secrets.insert(name.clone(), SecretUse { apps, any_field: secret.any_field, apis });
    }
    Ok(policy)
}

fn ids(apps: &[String], at: &str) -> Result<(), String> {
    match apps.iter().find(|app| !is_id(app)) {
        Some(app) => Err(format!("{at}: {app:?} is no app's id, and what an app calls itself is not enough")),
        None => Ok(()),
    }
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
