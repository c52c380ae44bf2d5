//! Whether what is expected can come true at all, as far as the device's facts tell before a run.

use crate::judge::{Fact, Facts, unheard_of};

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
    if let Some((wanted, near)) = unheard_of(expected, facts).first() {
        return Err(ExpectationError::NoSuchFact { fact: wanted.fact.clone(), near: near.map(str::to_owned) });
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
        let facts: Facts = tapwright_phone::World::new(tapwright_phone::Options::default()).facts();
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
}
