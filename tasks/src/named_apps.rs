//! Says before a run that a policy names an app which the device does not have: a slip would forbid nothing, without a word.

use std::path::Path;
use std::time::Duration;

use tapwright_agent::policy::Policy;
use tapwright_contract::api::ApiSpec;
use tapwright_contract::device::{Driver, DriverErrorKind, InstalledApp};
use tapwright_contract::name::is_same;
use tapwright_drivers::android::{app_names, is_same_app_name};

use crate::mistake::nearest;
use crate::policy::Preset;

/// Where programs of a desktop are that have no entry in its menu.
const PROGRAMS: [&str; 7] =
    ["/usr/local/bin", "/usr/bin", "/bin", "/usr/games", "/usr/sbin", "/snap/bin", "/var/lib/flatpak/exports/bin"];

/// A name that stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no app of {device} is called {name:?}, which the policy names")]
pub struct UnknownApp {
    pub device: String,
    pub name: String,
    /// What it may have been meant to be.
    pub like: Vec<String>,
}

impl UnknownApp {
    /// What to do next.
    pub fn help(&self) -> String {
        let keep = "an app that is not there yet is named by its id, as in com.example.bank";
        match &self.like[..] {
            [] => keep.to_owned(),
            [one] => format!("did you mean {one}? Else {keep}"),
            like => format!("there are: {}; {keep}", like.join(", ")),
        }
    }
}

/// Looks for each app that a policy names, and returns the names of those that are known, or have the form of an id, and that this
/// device does not have now.
///
/// # Errors
/// `UnknownApp` about the first that nobody knows. A device that does not tell is believed to have all of them.
pub async fn check(policy: &Policy, driver: &mut dyn Driver, within: Duration) -> Result<Vec<String>, UnknownApp> {
    let abilities = driver.abilities();
    let mut absent = Vec::new();
    if !abilities.app_names {
        return Ok(absent);
    }
    let shipped: Vec<Policy> = Preset::ALL.into_iter().map(Preset::policy).collect();
    let is_shipped = |name: &String| {
        shipped
            .iter()
            .any(|policy| policy.rules.iter().any(|rule| rule.apps.contains(name) || rule.except.contains(name)))
    };
    let of_rules = policy.rules.iter().flat_map(|rule| &rule.apps).filter(|name| !is_shipped(name));
    let mut looked_for: Vec<&str> = Vec::new();
    for name in policy.apps_forbidden.iter().chain(&policy.apps_allowed).chain(of_rules) {
        let names = app_names(name);
        let is_known = is_id(name) || !names.is_empty();
        // A desktop has programs that are in no menu, and what is an id in a browser is a site, which nobody installs.
        if abilities.windows && (is_id(name) || has_program(name)) {
            continue;
        }
        // All names of one app are one app: any of them may be the one that it has here.
        let all = if names.is_empty() { vec![name.as_str()] } else { names };
        if looked_for.contains(&all[0]) {
            continue;
        }
        looked_for.push(all[0]);
        let mut like = Vec::new();
        let mut is_there = false;
        for one in [name.as_str()].into_iter().chain(all.into_iter().filter(|one| one != name)) {
            match driver.find_app(one, within).await {
                Ok(found) if found.iter().any(|app| bears(app, one)) => is_there = true,
                // It was found by what it is like.
                Ok(found) => like.extend(found.into_iter().map(|app| app.label)),
                Err(error) => match error.kind {
                    DriverErrorKind::NoSuchApp { like: near, .. } => like.extend(near),
                    kind => {
                        tracing::debug!(name, %kind, "the device did not tell whether it has this app");
                        return Ok(absent);
                    }
                },
            }
            if is_there {
                break;
            }
        }
        match (is_there, is_known) {
            (true, _) => {}
            (false, true) => absent.push(name.clone()),
            (false, false) => return Err(UnknownApp { device: driver.name().to_owned(), name: name.clone(), like }),
        }
    }
    Ok(absent)
}

/// Says of which apps a policy speaks that a device does not have; `None` if it has all.
pub fn note_of_absent(device: &str, absent: &[String]) -> Option<String> {
    const NAMES_MAX: usize = 5;
    let names: Vec<String> = absent.iter().take(NAMES_MAX).map(|name| format!("{name:?}")).collect();
    let more = match absent.len() - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match absent.len() {
        0 => None,
        1 => Some(format!("{device} has no app {} now; the policy's rule for it stands for when it comes", names[0])),
        _ => Some(format!(
            "{device} has none of the apps {}{more} now; the policy's rules for them stand for when they come",
            names.join(", ")
        )),
    }
}

/// Looks for each API that a policy names among those that a run can call. One that is like none of them may be another device's.
///
/// # Errors
/// What is wrong, about the first name that is nearly one of them.
pub fn check_apis(policy: &Policy, specs: &[ApiSpec]) -> Result<(), String> {
    let by_secret = policy.secrets.values().flat_map(|usage| &usage.apis);
    for name in policy.apis.keys().chain(by_secret).chain(&policy.apis_asked) {
        if specs.iter().any(|spec| is_same(&spec.name, name)) {
            continue;
        }
        match nearest(name, specs.iter().map(|spec| spec.name.as_str())) {
            Some(near) => {
                return Err(format!("the policy names the API {name:?}, which is not there; did you mean `{near}`?"));
            }
            None => tracing::info!(name, "the policy names an API that is not there"),
        }
    }
    Ok(())
}

fn bears(app: &InstalledApp, name: &str) -> bool {
    let last = app.id.rsplit('.').next().unwrap_or_default();
    let own = [app.id.as_str(), &app.label, last].into_iter().chain(app.aliases.iter().map(String::as_str));
    let mut all = own.chain(app_names(&app.id));
    all.any(|known| is_same(known, name) || is_same_app_name(known, name))
}

/// Whether it is what a platform calls an app, and not what an app calls itself.
pub(crate) fn is_id(app: &str) -> bool {
    app.contains('.') && app.split('.').all(|part| !part.is_empty()) && !app.contains(char::is_whitespace)
}

fn has_program(name: &str) -> bool {
    let is_name = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
    is_name && PROGRAMS.iter().any(|folder| Path::new(folder).join(name).is_file())
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use tapwright_agent::policy::ApiUse;
    use tapwright_contract::device::{DriverError, Screen};
    use tapwright_contract::gesture::{Abilities, Gesture};

    use super::*;

    /// A device with one app, which it finds by a slip, too.
    struct OneApp {
        windows: bool,
    }

    #[async_trait]
    impl Driver for OneApp {
        fn name(&self) -> &str {
            "one"
        }

        fn abilities(&self) -> Abilities {
            Abilities { app_names: true, windows: self.windows, ..Abilities::PHONE }
        }

        async fn screen(&mut self, _within: Duration) -> Result<Screen, DriverError> {
            unreachable!("nobody looks")
        }

        async fn perform(&mut self, _gesture: &Gesture, _within: Duration) -> Result<(), DriverError> {
            unreachable!("nothing is touched")
        }

        async fn find_app(&mut self, name: &str, _within: Duration) -> Result<Vec<InstalledApp>, DriverError> {
            if tapwright_contract::name::spelled(name).starts_with("ban") {
                let (id, label) = ("org.my.purse".to_owned(), "Bank of All".to_owned());
                return Ok(vec![InstalledApp { id, label, aliases: vec!["pursed".to_owned()] }]);
            }
            let kind = DriverErrorKind::NoSuchApp { app: name.to_owned(), like: vec!["Bank of All".to_owned()] };
            Err(DriverError { device: "one".to_owned(), operation: "find an app", kind })
        }
    }

    async fn check_policy(change: impl FnOnce(&mut Policy), windows: bool) -> Option<String> {
        let mut policy = Preset::Careful.policy();
        change(&mut policy);
        let unknown = check(&policy, &mut OneApp { windows }, Duration::ZERO).await.err()?;
        assert!(unknown.help().starts_with("did you mean Bank of All? Else an app that is not there yet"));
        Some(unknown.name)
    }

    #[test]
    fn an_api_that_is_nearly_there_is_told() {
        let spec = |name: &str| ApiSpec {
            name: name.to_owned(),
            about: String::new(),
            parameters: serde_json::json!({}),
            effect: tapwright_contract::api::ApiEffect::Changes,
        };
        let mut policy = Preset::Careful.policy();
        let specs = [spec("windows_close"), spec("notes")];
        for (name, expected) in
            [("notes", true), ("NOTES", true), ("other_device", true), ("notse", false), ("window_close", false)]
        {
            policy.apis = [(name.to_owned(), ApiUse::default())].into();
            assert_eq!(check_apis(&policy, &specs).is_ok(), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn a_name_that_nobody_has_is_told() {
        let forbidding = async |name: &str, windows| {
            check_policy(|policy| policy.apps_forbidden.push(name.to_owned()), windows).await.is_some()
        };
        for known in ["Bank of All", "BANKOFALL", "Ｂａｎｋ of all", "bank-of-all", "com.not.yet", "WeChat", "微信"]
        {
            assert!(!forbidding(known, false).await, "{known}");
        }
        for unknown in ["Bnak", "Bank of Al", "Purse2", "xqz", "../sh", "sh", "Bank.", "."] {
            assert!(forbidding(unknown, false).await, "{unknown}");
        }
        // A program of a desktop need not be in its menu.
        assert!(!forbidding("sh", true).await && forbidding("../bin/sh", true).await);
        assert!(check_policy(|policy| policy.apps_allowed = vec!["Banc".to_owned()], false).await.is_some());
        let of_rule = |policy: &mut Policy| policy.rules[0].apps.push("Banc".to_owned());
        assert_eq!(check_policy(of_rule, false).await.as_deref(), Some("Banc"));
        assert_eq!(check_policy(|_| (), false).await, None, "the preset's own names are not checked");
    }
}
