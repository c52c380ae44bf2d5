//! How much of everything a run may use, and which numbers make sense together.

use std::time::Duration;

use tapwright_agent::limits::Limits;

use super::{SettingsError, SettingsFile};
use crate::mistake::{nearest, new_name};

const STEPS: u32 = 100;
const WEEK_MS: i64 = 7 * 24 * 3600 * 1000;
const BYTES_MAX: i64 = 64 << 20;
/// Limits that may be nothing: nobody is asked, nothing is tried again, nothing is waited for, nothing is kept.
const MAY_BE_ZERO: [&str; 9] = [
    "asks_max",
    "backoff_max_ms",
    "backoff_ms",
    "grace_ms",
    "look_pause_ms",
    "note_bytes",
    "notes_bytes",
    "result_bytes",
    "retries_max",
];
/// Pairs of which the first may not be above the second: one of them would never be reached.
const ORDERED: [(&str, &str); 7] = [
    ("repeats_remark", "repeats_max"),
    ("repeats_max", "repeats_window"),
    ("waits_remark", "waits_max"),
    ("rounds_remark", "rounds_max"),
    ("loops_remark", "loops_max"),
    ("backoff_ms", "backoff_max_ms"),
    ("note_bytes", "notes_bytes"),
];

/// What a run may use if nobody says otherwise.
pub fn default_limits() -> Limits {
    let (ms, seconds) = (Duration::from_millis, Duration::from_secs);
    Limits {
        steps_max: STEPS,
        strikes_max: 3,
        refusals_max: 3,
        asks_max: 20,
        retries_max: 3,
        backoff: seconds(1),
        backoff_max: seconds(20),
        looks_max: 3,
        look_pause: ms(500),
        timeouts_max: 3,
        repeats_remark: 3,
        repeats_max: 6,
        repeats_window: 12,
        unmoved_max: 8,
        waits_remark: 3,
        waits_max: 8,
        rounds_remark: 8,
        rounds_max: 14,
        loops_remark: 4,
        loops_max: 8,
        look: seconds(5),
        think: seconds(120),
        act: seconds(15),
        ask: seconds(600),
        grace: seconds(2),
        wait_max: seconds(60),
        reply_bytes: 64 << 10,
        remark_bytes: 600,
        result_bytes: 2000,
        notes_bytes: 64 << 10,
        note_bytes: 4000,
        text_bytes: 8000,
        labels_max: 2000,
        label_bytes: 8 << 10,
        page_bytes: 512 << 10,
    }
}

/// The usual limits, with those that the file names in their place, and the steps of this time.
pub(super) fn resolve(file: &SettingsFile, steps: Option<u32>, usual: Option<u32>) -> Result<Limits, SettingsError> {
    let mut limits = Limits { steps_max: usual.unwrap_or(STEPS), ..default_limits() };
    for (name, value) in &file.sections.limits {
        let mut all = table(&limits);
        let key = name.get_ref();
        if let Some(new) = new_name(key, all.keys().map(String::as_str)) {
            let help = Some(format!("write `{new}` in place of `{key}`"));
            return Err(file.wrong(Some(name.span()), format!("the limit `{key}` is called `{new}` now"), help));
        }
        if !all.contains_key(key) {
            let near = nearest(key, all.keys().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            return Err(file.wrong(Some(name.span()), format!("there is no limit `{key}`"), near));
        }
        all.insert(key.clone(), value.clone());
        limits = all
            .try_into()
            .map_err(|error: toml::de::Error| file.wrong(Some(name.span()), error.message().trim(), None))?;
    }
    if let Some((key, why, help)) = unfit(&table(&limits)) {
        let at = file.sections.limits.keys().find(|name| name.get_ref() == &key).map(|name| name.span());
        return Err(file.wrong(at, why, Some(help)));
    }
    if let Some(steps) = steps {
        limits.steps_max = steps;
    }
    Ok(limits)
}

fn table(limits: &Limits) -> toml::Table {
    toml::Table::try_from(limits).expect("they are numbers by name")
}

/// The first limit that makes no sense, why, and what would.
fn unfit(limits: &toml::Table) -> Option<(String, String, String)> {
    let number = |key: &str| limits.get(key).and_then(toml::Value::as_integer);
    for key in limits.keys() {
        let found = number(key).unwrap_or_default();
        let least = i64::from(!MAY_BE_ZERO.contains(&key.as_str()));
        let most = match key {
            key if key.ends_with("_ms") => WEEK_MS,
            key if key.ends_with("_bytes") => BYTES_MAX,
            _ => i64::from(u32::MAX),
        };
        if found < least && key == "steps_max" {
            return Some((key.clone(), "a run that may take no step does nothing".to_owned(), "from 1 on".to_owned()));
        }
        if !(least..=most).contains(&found) {
            return Some((
                key.clone(),
                format!("`{key}` is {least} to {most}, and not {found}"),
                format!("{key} = {}", found.clamp(least, most)),
            ));
        }
    }
    ORDERED.iter().find_map(|(low, high)| {
        let (below, above) = (number(low)?, number(high)?);
        (below > above).then(|| {
            let why = format!("`{low}` is {below} and `{high}` is {above}: the second would never be reached");
            ((*high).to_owned(), why, format!("{high} = {below}, or more"))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_limits_that_are_checked_are_there_and_the_defaults_make_sense() {
        let usual = table(&default_limits());
        for key in MAY_BE_ZERO.into_iter().chain(ORDERED.iter().flat_map(|(low, high)| [*low, *high])) {
            assert!(usual.contains_key(key), "{key}");
        }
        assert_eq!(unfit(&usual), None);
    }

    #[test]
    fn limits_that_switch_something_off_are_refused() {
        for (key, value) in [
            ("steps_max", 0),
            ("looks_max", 0),
            ("strikes_max", 0),
            ("repeats_window", 5),
            ("repeats_remark", 7),
            ("waits_max", 2),
            ("backoff_max_ms", 999),
            ("think_ms", 0),
            ("think_ms", WEEK_MS + 1),
            ("reply_bytes", 0),
            ("reply_bytes", i64::MAX),
        ] {
            let mut limits = table(&default_limits());
            limits.insert(key.to_owned(), value.into());
            let (_, why, help) = unfit(&limits).unwrap_or_else(|| panic!("{key} = {value}"));
            assert!(!help.is_empty() && why.is_ascii(), "{why}");
        }
        for key in MAY_BE_ZERO {
            let mut limits = table(&default_limits());
            limits.insert(key.to_owned(), 0.into());
            if key == "backoff_max_ms" || key == "notes_bytes" {
                limits.insert(key.replace("_max", "").replace("notes", "note"), 0.into());
            }
            assert_eq!(unfit(&limits), None, "{key}");
        }
    }
}
