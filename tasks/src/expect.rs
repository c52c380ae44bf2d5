//! Whether what is expected can come true at all, as far as the device's facts tell before a run.

use std::sync::LazyLock;

use tapwright_phone::{AppSelection, World};

use crate::device::PhoneOptions;
use crate::judge::{Fact, Facts};
use crate::mistake::nearest;

/// Why what is expected can never be true.
#[derive(Debug, thiserror::Error)]
pub enum ExpectationError {
    /// The device tells of no such fact.
    #[error("there is no fact `{fact}`")]
    NoSuchFact { fact: String, near: Option<String> },
    /// The fact never has this value.
    #[error("`{wanted}` can never be: `{}` is {kind}", wanted.fact)]
    WrongValue { wanted: Fact, kind: &'static str, example: String },
}

impl ExpectationError {
    /// What to do next.
    pub fn help(&self) -> String {
        match self {
            ExpectationError::NoSuchFact { near: Some(near), .. } => format!("did you mean `{near}`?"),
            ExpectationError::NoSuchFact { near: None, .. } => "docs/phone.md lists the facts".to_owned(),
            ExpectationError::WrongValue { example, .. } => format!("write it like {example}"),
        }
    }
}

/// What values of a fact are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueKind {
    Switch,
    Number,
    Text,
}

/// Checks names and values of what is expected.
///
/// # Errors
/// `ExpectationError` about the first that can never be true.
pub fn check(expected: &[Fact], facts: &Facts) -> Result<(), ExpectationError> {
    if let Some(wanted) = expected.iter().find(|wanted| !can_be(&wanted.fact, facts)) {
        let near = nearest(&wanted.fact, facts.keys().map(String::as_str)).map(str::to_owned);
        return Err(ExpectationError::NoSuchFact { fact: wanted.fact.clone(), near });
    }
    for wanted in expected {
        let (fits, kind, example) = match kind_of(&wanted.fact, facts) {
            ValueKind::Switch => (is_switch(&wanted.is), "true or false", "true"),
            ValueKind::Number => (is_number(&wanted.is), "a whole number", "5"),
            ValueKind::Text => (true, "", ""),
        };
        if !fits {
            let example = format!("{}={example}", wanted.fact);
            return Err(ExpectationError::WrongValue { wanted: wanted.clone(), kind, example });
        }
    }
    Ok(())
}

/// Whether there is such a fact, or may come to be during a run: a message that is yet to be sent has none.
fn can_be(fact: &str, facts: &Facts) -> bool {
    let is_phone_of_ours = facts.contains_key("launcher.icons");
    let heads = |facts: &Facts, name: &str| facts.keys().any(|known| head(known) == head(name));
    // What is on a phone just now may be too little to tell: one without an alarm can have one. A phone is made for it only if need be.
    let usual = || if facts.keys().all(|name| heads(&BASIC, name)) { &*BASIC } else { &*ALL };
    facts.contains_key(fact)
        || is_one_more(fact, facts)
        || (is_phone_of_ours && !heads(facts, fact) && is_one_more(fact, usual()))
}

/// What is true of virtual phones, those with the basic apps …
static BASIC: LazyLock<Facts> = LazyLock::new(|| facts_with(AppSelection::Basic));
/// … and those with all of them.
static ALL: LazyLock<Facts> = LazyLock::new(|| facts_with(AppSelection::All));

fn facts_with(apps: AppSelection) -> Facts {
    World::new(PhoneOptions { apps, ..PhoneOptions::default() }).facts()
}

/// Whether a name is that of one more thing of which there are some: another message, note, alarm, order, list.
fn is_one_more(fact: &str, facts: &Facts) -> bool {
    let Some((list, last)) = fact.rsplit_once('.') else { return false };
    let is_index = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let depth = |name: &str| name.split('.').count();
    // The things that may be called anything: a person, a time of day, a place. Under them stands what is said of each.
    let (group, thing) = list.rsplit_once('.').unwrap_or((list, ""));
    let alike = || {
        facts.keys().filter_map(|known| {
            let (known_list, known_last) = known.rsplit_once('.')?;
            let (known_group, known_thing) = known_list.rsplit_once('.')?;
            let same = depth(known) == depth(fact) && known_group == group && !thing.is_empty();
            same.then_some((known_thing, known_last))
        })
    };
    let is_said_of_others = |last: &str| {
        alike().any(|(other, known)| other != thing && (known == last || is_index(known) && is_index(last)))
    };
    let counted = facts.contains_key(&format!("{list}.count"));
    // A list by names: `maps.saved.Trip`. What also stands under other things is no name of one.
    let is_named = || {
        let mut named = alike().filter(|(known, _)| *known == thing).map(|(_, last)| last).peekable();
        named.peek().is_some() && named.all(|last| !is_said_of_others(last) && !is_index(last))
    };
    is_said_of_others(last) || (counted && is_index(last)) || (!counted && is_named())
}

fn head(fact: &str) -> &str {
    fact.split('.').next().unwrap_or_default()
}

/// By the fact's own value; of one that is yet to come, by those of its kind: `alarms.07:30.on` is like `alarms.06:00.on`.
fn kind_of(fact: &str, facts: &Facts) -> ValueKind {
    let ends = |name: &str| {
        let (head, last) = (name.split('.').next(), name.rsplit('.').next());
        (head.map(str::to_owned), last.map(str::to_owned))
    };
    match facts.get(fact) {
        Some(value) if is_switch(value) => ValueKind::Switch,
        Some(value) if is_number(value) && is_setting(fact) => ValueKind::Number,
        Some(_) => ValueKind::Text,
        None => {
            let mut alike =
                facts.iter().filter(|(name, _)| ends(name) == ends(fact)).map(|(_, value)| value).peekable();
            if alike.peek().is_some() && alike.all(|value| is_switch(value)) {
                ValueKind::Switch
            } else {
                ValueKind::Text
            }
        }
    }
}

/// A number that the phone keeps, and not a text that somebody may have written.
fn is_setting(fact: &str) -> bool {
    !fact.contains('.') || fact.ends_with(".count")
}

fn is_switch(value: &str) -> bool {
    matches!(value, "true" | "false")
}

fn is_number(value: &str) -> bool {
    value.parse::<i64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_can_never_be_are_refused() {
        let facts: Facts = World::new(PhoneOptions::default()).facts();
        let check = |text: &str| check(&[Fact::parse(text).unwrap()], &facts).map_err(|error| error.to_string());
        for fits in [
            "wifi.on=true",
            "wifi.on=false",
            "brightness=40",
            "notes.count=3",
            "notes.0=12",
            "notes.9=a text",
            "messages.Anna.last=me: 5",
            "alarms.07:30.on=true",
            "front=com.tapwright.launcher",
        ] {
            assert_eq!(check(fits), Ok(()), "{fits}");
        }
        for (wrong, why) in [
            ("wifi.on=yes", "`wifi.on=yes` can never be: `wifi.on` is true or false"),
            ("wifi.on=", "`wifi.on=` can never be: `wifi.on` is true or false"),
            ("wifi.on=True", "`wifi.on=True` can never be: `wifi.on` is true or false"),
            ("brightness=half", "`brightness=half` can never be: `brightness` is a whole number"),
            ("notes.count=two", "`notes.count=two` can never be: `notes.count` is a whole number"),
            ("alarms.23:59.on=on", "`alarms.23:59.on=on` can never be: `alarms.23:59.on` is true or false"),
        ] {
            assert_eq!(check(wrong), Err(why.to_owned()));
        }
        assert!(check("wifi.onn=true").unwrap_err().contains("no fact"));
    }

    /// Each family of facts of each app, as the app itself has it: what may come to be, and what is a slip of the pen.
    #[test]
    fn what_may_come_to_be_is_told_from_what_is_misspelt() {
        let (basic, all) = (&*BASIC, &*ALL);
        for (fact, known) in [
            ("wifi.on", true),
            ("notes.9", true),
            ("notes.x", false),
            ("messages.Anna.last", true),
            ("messages.Zoe.count", true),
            ("messages.Zoe.7", true),
            ("messages.Zoe.lst", false),
            ("contacts.Zoe.number", true),
            ("contacts.Zoe.nummer", false),
            ("alarms.23:59.on", true),
            ("alarms.23:59.of", false),
            ("calendar.2031-02-03.events", true),
            ("wfi.on", false),
            ("wifi.onn", false),
            ("brightnes", false),
            ("zzzz", false),
            ("", false),
            (".", false),
        ] {
            assert_eq!(can_be(fact, basic), known, "{fact}");
            assert_eq!(can_be(fact, all), known, "{fact}");
        }
        for (fact, known) in [
            ("rail.orders.0", true),
            ("rail.orders.count", true),
            ("rail.orders.cuont", false),
            ("rail.pasengers", false),
            ("maps.saved.The trip", true),
            ("maps.savd.The trip", false),
            ("feed.liked", true),
            ("feed.likde", false),
            ("wallet.balance", true),
            ("wallet.balanse", false),
        ] {
            assert_eq!(can_be(fact, all), known, "{fact}");
            assert!(!can_be(fact, basic), "{fact} on a phone without that app");
        }
        // One without an alarm, a note or a contact can have one.
        let empty: Facts = basic
            .iter()
            .filter(|(name, _)| !["alarms", "contacts", "messages"].contains(&head(name)))
            .map(|(name, is)| (name.clone(), is.clone()))
            .collect();
        for fact in ["alarms.07:30.on", "contacts.Zoe.number", "messages.Zoe.last"] {
            assert!(can_be(fact, &empty), "{fact}");
        }
        assert!(!can_be("alarms.07:30.no", &empty) && !can_be("rail.orders.0", &empty));
        // Another device has facts of its own, and none of the phone's.
        let canvas: Facts =
            [("upper.on", "true"), ("doc.1.title", "x")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        for (fact, known) in
            [("doc.2.title", true), ("alarms.07:30.on", false), ("upper.of", false), ("doc.2.titel", false)]
        {
            assert_eq!(can_be(fact, &canvas), known, "{fact}");
        }
    }
}
