//! What apps offer to other programs besides their screens, as Android's AppFunctions: names, parameters, and arguments that fit them.
//!
//! An app lists its functions and carries them out. How a shell lists and calls them is in `adbd`.

use serde_json::{Map, Value};

use crate::date::{Date, minute_of};

/// No text of an argument is longer, as no field of the phone holds more.
const TEXT_CHARS_MAX: usize = 10_000;
/// The most entries of a list of texts.
const TEXTS_MAX: usize = 20;

/// What a parameter or a part of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    Truth,
    Number,
    Text,
    Texts,
}

/// A named value of a call, or of a row of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: &'static str,
    pub about: &'static str,
    pub value: ValueType,
    pub is_required: bool,
}

impl Parameter {
    /// One without which there is no call.
    pub const fn required(name: &'static str, value: ValueType, about: &'static str) -> Parameter {
        Parameter { name, about, value, is_required: true }
    }

    /// One that can be left out.
    pub const fn optional(name: &'static str, value: ValueType, about: &'static str) -> Parameter {
        Parameter { name, about, value, is_required: false }
    }
}

/// What a function answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    Text,
    Texts,
    /// Things with these parts.
    Rows(&'static [Parameter]),
}

/// Something that an app does for other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppFunction {
    pub name: &'static str,
    pub about: &'static str,
    pub parameters: &'static [Parameter],
    pub returns: Returns,
    /// Whether it changes nothing.
    pub reads: bool,
}

/// Why a function was not carried out. Nothing was done then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FunctionError {
    #[error("Function not found: {0}")]
    NotFound(String),
    #[error("Invalid argument: {0}")]
    InvalidArgument(String),
    /// The app cannot do it now.
    #[error("Not done: {0}")]
    Unavailable(String),
}

/// An argument that cannot be.
pub fn invalid(why: impl Into<String>) -> FunctionError {
    FunctionError::InvalidArgument(why.into())
}

/// There is no person of that name.
pub fn nobody(name: &str) -> FunctionError {
    invalid(format!("there is nobody called {name:.100} in Contacts; findContacts tells who is there"))
}

/// The arguments of a call, which fit its parameters.
#[derive(Clone, Debug)]
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// Reads what was given for a function. As in Android's documents, a single value and a list of it are the same.
    ///
    /// # Errors
    /// `FunctionError::InvalidArgument` about the first that does not fit, or is missing.
    pub fn check_arguments(function: &AppFunction, given: &Map<String, Value>) -> Result<Arguments, FunctionError> {
        let mut fitting = Map::new();
        for (name, value) in given {
            let known = function.parameters.iter().find(|parameter| parameter.name == name);
            let parameter = known.ok_or_else(|| invalid(format!("there is no parameter {name:.100?}")))?;
            fitting.insert(name.clone(), convert(parameter, value)?);
        }
        let missing = function.parameters.iter().find(|known| known.is_required && !fitting.contains_key(known.name));
        match missing {
            Some(parameter) => Err(invalid(format!("`{}` is missing", parameter.name))),
            None => Ok(Arguments(fitting)),
        }
    }

    /// A text without blanks around it; empty if it was left out.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default().trim()
    }

    /// A text that says something, in one line.
    ///
    /// # Errors
    /// `FunctionError::InvalidArgument` if it does not.
    pub fn line(&self, name: &str) -> Result<&str, FunctionError> {
        match self.text(name) {
            "" => Err(invalid(format!("`{name}` is empty"))),
            text if text.contains(['\n', '\r']) => Err(invalid(format!("`{name}` has more than one line"))),
            text => Ok(text),
        }
    }

    /// A truth value, if it was given.
    pub fn truth(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    /// A whole number, if it was given.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    /// The texts of a list.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let list = self.0.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(Value::as_str).map(str::trim).collect()
    }

    /// A time of day, in minutes after midnight.
    ///
    /// # Errors
    /// `FunctionError::InvalidArgument` if it is none.
    pub fn minute(&self, name: &str) -> Result<u32, FunctionError> {
        minute_of(self.text(name)).ok_or_else(|| invalid(format!("`{name}` is a time such as 07:30")))
    }

    /// Days from `first_day` on (counted from 1970), of a date within the next `days`.
    ///
    /// # Errors
    /// `FunctionError::InvalidArgument` if it is none of those.
    pub fn days_ahead(&self, name: &str, days: u64, first_day: u64) -> Result<u64, FunctionError> {
        let text = self.text(name);
        let of = |ahead: u64| Date::new(first_day + ahead).iso();
        let found = (0..days).find(|ahead| of(*ahead) == text);
        found.ok_or_else(|| invalid(format!("`{name}` is a date from {} to {}", of(0), of(days - 1))))
    }
}

fn convert(parameter: &Parameter, value: &Value) -> Result<Value, FunctionError> {
    let single = match value {
        Value::Array(list) if list.len() == 1 => &list[0],
        value => value,
    };
    let is_text = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() <= TEXT_CHARS_MAX);
    let (fits, wanted) = match parameter.value {
        ValueType::Truth => (single.is_boolean(), "true or false"),
        ValueType::Number => (single.is_i64(), "a whole number"),
        ValueType::Text => (is_text(single), "a text of up to 10000 characters"),
        ValueType::Texts => {
            let list = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            let fits = (1..=TEXTS_MAX).contains(&list.len()) && list.iter().all(is_text);
            return match fits {
                true => Ok(Value::Array(list)),
                false => Err(invalid(format!("`{}` is a list of 1 to {TEXTS_MAX} texts", parameter.name))),
            };
        }
    };
    if fits { Ok(single.clone()) } else { Err(invalid(format!("`{}` is {wanted}", parameter.name))) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FUNCTION: AppFunction = AppFunction {
        name: "f",
        about: "",
        parameters: &[
            Parameter::required("text", ValueType::Text, ""),
            Parameter::optional("on", ValueType::Truth, ""),
            Parameter::optional("count", ValueType::Number, ""),
            Parameter::optional("names", ValueType::Texts, ""),
        ],
        returns: Returns::Text,
        reads: true,
    };

    type Found<'a> = (&'a str, Option<bool>, Option<i64>, Vec<&'a str>);

    fn check(given: &Value, expected: Result<Found<'_>, &str>) {
        let found = Arguments::check_arguments(&FUNCTION, given.as_object().unwrap());
        let found = found
            .as_ref()
            .map(|found| (found.text("text"), found.truth("on"), found.number("count"), found.texts("names")));
        match expected {
            Ok(expected) => assert_eq!(found.unwrap(), expected, "{given}"),
            Err(why) => assert_eq!(found.unwrap_err().to_string(), format!("Invalid argument: {why}"), "{given}"),
        }
    }

    #[test]
    fn arguments_fit_their_parameters_or_it_is_said_which_does_not() {
        check(&json!({"text": " a "}), Ok(("a", None, None, vec![])));
        check(&json!({"text": ["a"], "on": [true], "count": [3]}), Ok(("a", Some(true), Some(3), vec![])));
        check(&json!({"text": "a", "names": "b"}), Ok(("a", None, None, vec!["b"])));
        check(&json!({"text": "a", "names": ["b", "c"]}), Ok(("a", None, None, vec!["b", "c"])));
        check(&json!({}), Err("`text` is missing"));
        check(&json!({"text": 3}), Err("`text` is a text of up to 10000 characters"));
        check(&json!({"text": "x".repeat(10_001)}), Err("`text` is a text of up to 10000 characters"));
        check(&json!({"text": ["a", "b"]}), Err("`text` is a text of up to 10000 characters"));
        check(&json!({"text": "a", "on": "yes"}), Err("`on` is true or false"));
        check(&json!({"text": "a", "count": 1.5}), Err("`count` is a whole number"));
        check(&json!({"text": "a", "names": []}), Err("`names` is a list of 1 to 20 texts"));
        check(&json!({"text": "a", "names": [1]}), Err("`names` is a list of 1 to 20 texts"));
        check(&json!({"text": "a", "$(reboot)": "b"}), Err("there is no parameter \"$(reboot)\""));
    }
}
