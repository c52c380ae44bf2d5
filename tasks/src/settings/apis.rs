//! APIs, each as it is called.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::file::ApiSection;
use super::model::absolute;
use super::policy::SecretPlace;
use super::{SettingsError, SettingsFile};
use crate::apis::{ApiEndpoint, ApiTransport, CommandApi, HttpApi};

/// A program in a folder of its own is where the file says, whatever the folder the user is in.
pub(super) fn program(argv: &[String], beside: impl Fn(PathBuf) -> PathBuf) -> Vec<String> {
    let mut argv = argv.to_vec();
    if let Some(first) = argv.first_mut().filter(|first| first.contains('/')) {
        *first = absolute(&beside(PathBuf::from(&*first)));
    }
    argv
}

/// As many as a model can be told of with each goal, and how much of each.
const APIS_MAX: usize = 32;
const ABOUT_CHARS_MAX: usize = 200;
const API_NAME_CHARS_MAX: usize = 40;
/// How much of an answer is read, if nobody says it.
const ANSWER_BYTES: usize = 64 << 10;
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// The APIs, each as it is called.
pub(super) fn resolve(
    file: &SettingsFile,
    act: Duration,
    secrets: &BTreeMap<String, SecretPlace>,
) -> Result<BTreeMap<String, ApiEndpoint>, SettingsError> {
    endpoints(file, act, secrets).map_err(|why| file.wrong(None, why, None))
}

fn endpoints(
    file: &SettingsFile,
    act: Duration,
    secrets: &BTreeMap<String, SecretPlace>,
) -> Result<BTreeMap<String, ApiEndpoint>, String> {
    let said = &file.sections.apis;
    if said.len() > APIS_MAX {
        return Err(format!("[apis]: there are {}, and a model is told of {APIS_MAX} at most", said.len()));
    }
    let mut apis: BTreeMap<String, ApiEndpoint> = BTreeMap::new();
    for (name, api) in said {
        let wrong = |why: &str| Err(format!("[apis.{name}]: {why}"));
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        if name.is_empty() || name.len() > API_NAME_CHARS_MAX || !name.chars().all(is_plain) {
            return wrong("a name has letters, digits, - and _, and 40 of them at most");
        }
        if apis.keys().any(|other| other.eq_ignore_ascii_case(name)) {
            return wrong("another one is called so, but for capital letters");
        }
        let about = &api.about;
        if about.trim().is_empty() || about.chars().count() > ABOUT_CHARS_MAX || about.chars().any(char::is_control) {
            return wrong("about is one line of up to 200 characters: the model goes by it");
        }
        let within = api.timeout_ms.map_or(act, Duration::from_millis);
        if within.is_zero() || within > act {
            return wrong(&format!("timeout_ms is 1 to {}, as act_ms in [limits] says", act.as_millis()));
        }
        let answer_bytes_max = api.answer_bytes_max.unwrap_or(ANSWER_BYTES);
        if !(1..=ANSWER_BYTES_MAX).contains(&answer_bytes_max) {
            return wrong(&format!("answer_bytes_max is 1 to {ANSWER_BYTES_MAX}"));
        }
        let ApiSection { url, method, headers, body, pointer, command, env, .. } = api;
        let how = match (url, command) {
            (Some(url), None) if env.is_empty() => ApiTransport::Http(HttpApi {
                method: method.clone().unwrap_or_else(|| if body.is_some() { "POST" } else { "GET" }.to_owned()),
                url: url.clone(),
                headers: headers.clone(),
                body: body.clone(),
                pointer: pointer.clone(),
            }),
            (None, Some(argv)) if method.is_none() && headers.is_empty() && body.is_none() && pointer.is_none() => {
                ApiTransport::Command(CommandApi { argv: program(argv, |path| file.beside(path)), env: env.clone() })
            }
            _ => {
                return wrong("it has either url, with method, headers, body and pointer; or command, with env");
            }
        };
        let spec = ApiEndpoint { how, within, answer_bytes_max };
        if let Err(bad) = spec.check() {
            return wrong(&bad.to_string());
        }
        if let Some(secret) = spec.secrets().into_iter().find(|secret| !secrets.contains_key(*secret)) {
            return wrong(&format!("the secret {secret:?} is not configured: add [policy.secrets.{secret}]"));
        }
        apis.insert(name.clone(), spec);
    }
    Ok(apis)
}
