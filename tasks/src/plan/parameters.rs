//! What a plan takes from whoever runs it: values by name, declared in its file, given on the command line, kept in its record.

use std::collections::BTreeMap;

use serde::Deserialize;
use tapwright_agent::secrets::Secrets;
use toml::Spanned;

use super::step_file::{Wrong, near};
use super::values::{Outputs, is_plain};

/// The longest value, in bytes: what is longer belongs into a file.
const VALUE_BYTES_MAX: usize = 64 << 10;
/// The longest description, in characters.
const ABOUT_CHARS_MAX: usize = 200;
/// Whoever wants more wants a table.
const PARAMETERS_MAX: usize = 100;

/// One value that a plan takes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// What it is, for whoever has to give it.
    pub about: String,
    /// What it is if nobody gives it.
    pub default: Option<String>,
}

/// Parameters as they are written, each with its place.
pub type RawParameters = BTreeMap<String, Spanned<Parameter>>;

/// Why a plan cannot be run with the values that were given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    #[error("the plan takes no value `{name}`")]
    Unknown { name: String, near: Option<String>, known: Vec<String> },
    #[error("the value `{name}` is given twice")]
    Twice { name: String },
    /// Each by its name, with what it is.
    #[error("the plan needs {}", missing_in_words(.missing))]
    Missing { missing: Vec<(String, String)> },
    #[error("the value of `{name}` has {bytes} bytes; {VALUE_BYTES_MAX} are the most")]
    TooLong { name: String, bytes: usize },
    #[error(
        "the value of `{name}` has a secret in it, or the name of one; it would stay in the shell's history and in the record"
    )]
    Secret { name: String },
}

fn missing_in_words(missing: &[(String, String)]) -> String {
    let each = missing.iter().map(|(name, about)| format!("`{name}` ({about})"));
    each.collect::<Vec<_>>().join(" and ")
}

impl ParameterError {
    /// What to write instead.
    pub fn help(&self) -> String {
        match self {
            ParameterError::Unknown { near: Some(near), .. } => near.clone(),
            ParameterError::Unknown { known, .. } if known.is_empty() => {
                "it takes none; one is declared in its file: [parameters.city] with about = \"where the trip goes\""
                    .to_owned()
            }
            ParameterError::Unknown { known, .. } => format!("it takes: {}", known.join(", ")),
            ParameterError::Twice { name } => format!("leave out one --set {name}=…"),
            ParameterError::Missing { missing } => {
                missing.iter().map(|(name, _)| format!("--set {name}=VALUE")).collect::<Vec<_>>().join(" ")
            }
            ParameterError::TooLong { .. } => "put it into a table beside the plan: each = \"rows.csv\"".to_owned(),
            ParameterError::Secret { .. } => {
                "write {{secret:NAME}} into the plan, and under [policy.secrets] where NAME comes from".to_owned()
            }
        }
    }
}

/// Checks what a plan declares.
pub fn check(parameters: &RawParameters) -> Result<(), Wrong> {
    if let Some((_, last)) = parameters.iter().nth(PARAMETERS_MAX) {
        return Err((Some(last.span()), format!("{PARAMETERS_MAX} parameters are the most"), None));
    }
    for (name, parameter) in parameters {
        let wrong = |why: String, help: &str| Err((Some(parameter.span()), why, Some(help.to_owned())));
        let Parameter { about, default } = parameter.get_ref();
        if !is_plain(name) {
            return wrong(format!("{name:?} is no name for a parameter"), "letters, digits, `-` and `_`, up to 40");
        }
        if about.trim().is_empty() || about.chars().count() > ABOUT_CHARS_MAX {
            let why =
                format!("`about` of the parameter `{name}` has no words, or more than {ABOUT_CHARS_MAX} characters");
            return wrong(why, "say in a line what it is: about = \"where the trip goes\"");
        }
        if default.as_deref().is_some_and(|default| default.contains("{{")) {
            let why = format!("the default of `{name}` names something, and a value is put in as it is");
            return wrong(
                why,
                "write the value itself; a secret is named where it is typed: type = \"{{secret:pin}}\"",
            );
        }
    }
    Ok(())
}

/// The values of a plan's parameters, each given or its default.
///
/// # Errors
/// `ParameterError` if one is missing or unknown, or is nothing that belongs on a command line.
pub fn values_of(
    declared: &BTreeMap<String, Parameter>,
    given: &[(String, String)],
    secrets: &Secrets,
) -> Result<Outputs, ParameterError> {
    let mut values = Outputs::new();
    for (name, value) in given {
        let name = name.clone();
        if !declared.contains_key(&name) {
            let known = declared.keys().cloned().collect();
            return Err(ParameterError::Unknown {
                near: near(&name, &known),
                known: known.into_iter().collect(),
                name,
            });
        }
        if value.len() > VALUE_BYTES_MAX {
            return Err(ParameterError::TooLong { name, bytes: value.len() });
        }
        if value.contains("{{secret:") || secrets.shows(value) {
            return Err(ParameterError::Secret { name });
        }
        if values.insert(name.clone(), value.clone()).is_some() {
            return Err(ParameterError::Twice { name });
        }
    }
    let mut missing = Vec::new();
    for (name, Parameter { about, default }) in declared {
        match default {
            _ if values.contains_key(name) => {}
            Some(default) => drop(values.insert(name.clone(), default.clone())),
            None => missing.push((name.clone(), about.trim().to_owned())),
        }
    }
    if !missing.is_empty() {
        return Err(ParameterError::Missing { missing });
    }
    Ok(values)
}
