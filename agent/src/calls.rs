//! Calls of APIs: what a model wants called and with what arguments, and which APIs there are for it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};
use tapwright_contract::api::{ApiEffect, ApiSpec};

use crate::limits::clip;
use crate::schema::{InvalidSchema, Mismatch, Schema};
use crate::secrets;

/// As many APIs as a model can be told of with each goal.
pub const APIS_MAX: usize = 64;
/// What all of them may come to in a prompt, with names, arguments and what they are for: some four thousand tokens.
const OFFER_BYTES_MAX: usize = 16 << 10;
/// How much a model is told of one API's arguments.
pub(crate) const SIGNATURE_BYTES: usize = 400;
/// How long a name may be.
const NAME_CHARS_MAX: usize = 64;
/// How much a model is told of one API.
pub const ABOUT_CHARS_MAX: usize = 200;
/// How much of the list of names is in a remark.
const NAMES_BYTES: usize = 300;
/// The argument of an API that takes plain words.
pub const INSTRUCTION: &str = "instruction";

/// A call of an API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ApiCallLine", into = "ApiCallLine")]
pub struct ApiCall {
    /// What is called. Empty in records of the first four editions: there it is the beginning of the instruction.
    pub name: String,
    /// An object.
    pub arguments: Value,
}

/// A call as journals have it. Before the fifth edition it was a text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ApiCallLine {
    Typed { name: String, arguments: Value },
    Text { instruction: String },
}

impl From<ApiCallLine> for ApiCall {
    fn from(line: ApiCallLine) -> ApiCall {
        match line {
            ApiCallLine::Typed { name, arguments } => ApiCall { name, arguments },
            ApiCallLine::Text { instruction } => ApiCall::from_instruction(&instruction),
        }
    }
}

impl From<ApiCall> for ApiCallLine {
    fn from(call: ApiCall) -> ApiCallLine {
        match call.text() {
            Some(instruction) if call.name.is_empty() => ApiCallLine::Text { instruction: instruction.to_owned() },
            _ => ApiCallLine::Typed { name: call.name, arguments: call.arguments },
        }
    }
}

impl ApiCall {
    /// A call whose only argument is a text.
    pub fn plain(name: &str, instruction: &str) -> ApiCall {
        ApiCall { name: name.to_owned(), arguments: json!({ INSTRUCTION: instruction }) }
    }

    /// A call as it was before calls had names.
    pub(crate) fn from_instruction(instruction: &str) -> ApiCall {
        ApiCall::plain("", instruction)
    }

    /// The same with the name that its text begins with, if it is of a record of times when calls had none.
    pub(crate) fn named_in(self, apis: &ApiCatalog) -> ApiCall {
        match self.text().filter(|_| self.name.is_empty()).and_then(|text| apis.beginning(text)) {
            Some((spec, _, rest)) => {
                ApiCall::plain(&spec.name, rest.trim_start_matches([' ', ':', '：', ',', '\n']).trim())
            }
            None => self,
        }
    }

    /// The text, if that is its only argument.
    pub fn text(&self) -> Option<&str> {
        let arguments = self.arguments.as_object().filter(|arguments| arguments.len() == 1)?;
        arguments.get(INSTRUCTION)?.as_str()
    }

    /// What it says, for people and for rules about words.
    pub(crate) fn words(&self) -> String {
        match self.text() {
            Some(text) if self.name.is_empty() => text.to_owned(),
            Some(text) => format!("{}: {text}", self.name),
            None => format!("{} {}", self.name, self.arguments),
        }
    }

    /// The name, and all texts in the arguments, each for itself.
    pub(crate) fn texts(&self) -> Vec<String> {
        let mut texts = vec![self.name.clone(), separate_words(&self.name)];
        for_each_text(&self.arguments, &mut |text| texts.push(text.to_owned()));
        texts
    }

    /// The names of the secrets that its arguments have the names of.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut names = Vec::new();
        for_each_text(&self.arguments, &mut |text| {
            names.extend(secrets::names(text).into_iter().map(str::to_owned));
        });
        names
    }

    /// Whether another call is of the same API.
    pub(crate) fn is_of_the_api(&self, other: &ApiCall) -> bool {
        self.first_word() == other.first_word()
    }

    /// Whether another call asks for the same; blanks and capital letters do not count.
    pub(crate) fn asks_the_same(&self, other: &ApiCall) -> bool {
        self.is_of_the_api(other) && fold(&self.arguments) == fold(&other.arguments)
    }

    /// What it is called by: of a call that is a text its first word.
    fn first_word(&self) -> String {
        if !self.name.is_empty() {
            return self.name.to_lowercase();
        }
        let text = self.text().unwrap_or_default().trim_start();
        let word = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).next();
        word.unwrap_or_default().to_lowercase()
    }
}

fn fold(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()),
        Value::Array(items) => Value::Array(items.iter().map(fold).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, field)| (name.clone(), fold(field))).collect())
        }
        Value::Number(_) | Value::Bool(_) | Value::Null => value.clone(),
    }
}

/// `sendMessage` and `send_message` as they would be read: `send Message`. Of `sendSMS` and `SMSSend` the capitals stay together.
fn separate_words(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut words = String::new();
    for (at, c) in letters.iter().enumerate() {
        let follows_capital = at > 0 && letters[at - 1].is_uppercase();
        let begins_word = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && (!follows_capital || begins_word) {
            words.push(' ');
        }
        words.push(if c.is_alphanumeric() { *c } else { ' ' });
    }
    words
}

/// All texts in a value, and the names of its fields.
fn for_each_text(value: &Value, each: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(items) => items.iter().for_each(|item| for_each_text(item, each)),
        Value::Object(fields) => {
            for (name, field) in fields {
                each(name);
                for_each_text(field, each);
            }
        }
        Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}

/// The same with each of its texts changed; the names of fields stay.
pub(crate) fn with_texts<E>(value: &Value, change: &mut impl FnMut(&str) -> Result<String, E>) -> Result<Value, E> {
    Ok(match value {
        Value::String(text) => Value::String(change(text)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| with_texts(item, change)).collect::<Result<_, E>>()?)
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| Ok((name.clone(), with_texts(field, change)?)));
            Value::Object(fields.collect::<Result<Map<_, _>, E>>()?)
        }
        Value::Number(_) | Value::Bool(_) | Value::Null => value.clone(),
    })
}

/// A value whose numbers the journal gives back as they are: reading one there may miss its last bit.
pub(crate) fn with_journal_numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            let read = |text: &str| serde_json::from_str::<Number>(text).ok();
            let survives = |number: &Number| read(&number.to_string()).as_ref() == Some(number);
            let exact = number.as_f64().unwrap_or_default();
            let nearest = (0..17).rev().filter_map(|digits| read(&format!("{exact:.digits$e}")));
            let mut candidates = [number.clone()].into_iter().chain(nearest);
            Value::Number(candidates.find(survives).unwrap_or_else(|| 0.into()))
        }
        Value::Array(items) => Value::Array(items.iter().map(with_journal_numbers).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, field)| (name.clone(), with_journal_numbers(field))).collect())
        }
        Value::Number(_) | Value::String(_) | Value::Bool(_) | Value::Null => value.clone(),
    }
}

/// The parameters of an API that takes plain words.
pub fn plain_parameters() -> Value {
    json!({ "type": "object", "properties": { INSTRUCTION: { "type": "string" } }, "required": [INSTRUCTION] })
}

/// The APIs that are offered, each with its schema read.
#[derive(Clone, Debug, Default)]
pub struct ApiCatalog {
    apis: Vec<(ApiSpec, Schema)>,
}

/// Why an API is not offered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApiSpec {
    #[error(
        "a name has letters, digits, -, _ and ., {NAME_CHARS_MAX} of them at most, and begins with a letter or digit"
    )]
    Name,
    #[error("another one has this name; capital letters do not count")]
    Twice,
    #[error("what it is about is one line of up to {ABOUT_CHARS_MAX} characters: the model goes by it")]
    About,
    #[error("there are more than {APIS_MAX}, and a model is told of so many at most")]
    Many,
    #[error(
        "what a model is told of all APIs together is {OFFER_BYTES_MAX} bytes at most, and those before it take them up"
    )]
    Budget,
    #[error("parameters: {0}")]
    Parameters(#[from] InvalidSchema),
}

/// An API that a model is not told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiLeftOut {
    pub name: String,
    pub why: InvalidApiSpec,
}

/// What a call is not, for the model that wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCall {
    #[error("there is no API {name:?}; there are: {known}")]
    NoApi { name: String, known: String },
    #[error("the arguments of {name} do not fit: {mismatch}; write {name} with {signature}")]
    Arguments { name: String, mismatch: Mismatch, signature: String },
}

impl ApiCatalog {
    /// Adds an API.
    ///
    /// # Errors
    /// `InvalidApiSpec` if it cannot be offered.
    pub fn add(&mut self, spec: ApiSpec) -> Result<(), InvalidApiSpec> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let begins = spec.name.starts_with(|letter: char| letter.is_ascii_alphanumeric());
        if !begins || spec.name.len() > NAME_CHARS_MAX || !spec.name.chars().all(is_plain) {
            return Err(InvalidApiSpec::Name);
        }
        if self.named(&spec.name).is_some() {
            return Err(InvalidApiSpec::Twice);
        }
        let about = &spec.about;
        if about.trim().is_empty() || about.chars().count() > ABOUT_CHARS_MAX || about.chars().any(char::is_control) {
            return Err(InvalidApiSpec::About);
        }
        if self.apis.len() >= APIS_MAX {
            return Err(InvalidApiSpec::Many);
        }
        let schema = Schema::of_object(&spec.parameters)?;
        self.apis.push((spec, schema));
        Ok(())
    }

    /// Those of a list that can be called.
    pub fn of(specs: &[ApiSpec]) -> ApiCatalog {
        let (catalog, left_out) = ApiCatalog::within(specs, usize::MAX);
        for left_out in left_out {
            tracing::warn!(api = clip(&left_out.name, NAME_CHARS_MAX), why = %left_out.why, "an API cannot be called");
        }
        catalog
    }

    /// Those of a list that a model is told of, and those that it is not, in order.
    pub fn within_budget(specs: &[ApiSpec]) -> (ApiCatalog, Vec<ApiLeftOut>) {
        ApiCatalog::within(specs, OFFER_BYTES_MAX)
    }

    fn within(specs: &[ApiSpec], bytes_max: usize) -> (ApiCatalog, Vec<ApiLeftOut>) {
        let (mut catalog, mut left_out, mut bytes) = (ApiCatalog::default(), Vec::new(), 0);
        for spec in specs {
            let why = match catalog.add(spec.clone()) {
                Ok(()) => {
                    let told = catalog.apis.last().map_or(0, |(spec, schema)| bytes_told(spec, schema));
                    if bytes + told <= bytes_max {
                        bytes += told;
                        continue;
                    }
                    catalog.apis.pop();
                    InvalidApiSpec::Budget
                }
                Err(why) => why,
            };
            left_out.push(ApiLeftOut { name: spec.name.clone(), why });
        }
        (catalog, left_out)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.apis.is_empty()
    }

    /// The APIs with their schemas, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&ApiSpec, &Schema)> {
        self.apis.iter().map(|(spec, schema)| (spec, schema))
    }

    /// All names, as far as they fit into a remark.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.apis.iter().map(|(spec, _)| spec.name.as_str()).collect();
        let names = names.join(", ");
        let short = clip(&names, NAMES_BYTES);
        if short.len() < names.len() { format!("{short}…") } else { names }
    }

    /// The API of this name; capital letters do not count.
    pub fn named(&self, name: &str) -> Option<(&ApiSpec, &Schema)> {
        self.iter().find(|(spec, _)| spec.name.eq_ignore_ascii_case(name))
    }

    /// The API that a text begins with the name of, and the text after the name.
    pub fn beginning<'a>(&self, text: &'a str) -> Option<(&ApiSpec, &Schema, &'a str)> {
        let text = text.trim_start();
        // Of `mail` and `mail.send` the longer one is meant.
        let (spec, schema) =
            self.iter().filter(|(spec, _)| is_named(text, &spec.name)).max_by_key(|(spec, _)| spec.name.len())?;
        Some((spec, schema, &text[spec.name.len()..]))
    }

    /// The API that a call is of.
    pub(crate) fn of_call(&self, call: &ApiCall) -> Option<&ApiSpec> {
        match call.name.is_empty() {
            true => self.beginning(call.text()?).map(|(spec, ..)| spec),
            false => self.named(&call.name).map(|(spec, _)| spec),
        }
    }

    /// What a call does; the worst, if nobody knows.
    pub(crate) fn effect(&self, call: &ApiCall) -> ApiEffect {
        self.of_call(call).map_or(ApiEffect::Irreversible, |spec| spec.effect)
    }

    /// A call with the name as it is written here, if there is such an API and its arguments fit. Texts with secrets' names in them
    /// are of any length: what is sent is another text.
    ///
    /// # Errors
    /// `InvalidCall` if not.
    pub fn check_call(&self, call: ApiCall) -> Result<ApiCall, InvalidCall> {
        let Some((spec, schema)) = self.named(&call.name) else {
            let name = clip(&call.name, NAME_CHARS_MAX).to_owned();
            return Err(InvalidCall::NoApi { name, known: self.names() });
        };
        match schema.check(&call.arguments, |text| !secrets::names(text).is_empty()) {
            Ok(()) => Ok(ApiCall { name: spec.name.clone(), arguments: call.arguments }),
            Err(mismatch) => {
                let signature = clip(&schema.signature(), NAMES_BYTES).to_owned();
                Err(InvalidCall::Arguments { name: spec.name.clone(), mismatch, signature })
            }
        }
    }
}

/// What a model is told of one, about.
fn bytes_told(spec: &ApiSpec, schema: &Schema) -> usize {
    spec.name.len() + schema.signature().len().min(SIGNATURE_BYTES) + spec.about.len()
}

/// Whether a text begins with an API's name.
pub(crate) fn is_named(text: &str, name: &str) -> bool {
    let text = text.trim_start();
    let rest = match text.get(..name.len()) {
        Some(begins) if begins.eq_ignore_ascii_case(name) && !name.is_empty() => &text[name.len()..],
        _ => return false,
    };
    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules look for whole words.
    #[test]
    fn a_name_is_read_as_its_words() {
        for (name, words) in [
            ("sendMessage", "send message"),
            ("send_message", "send message"),
            ("mail.send", "mail send"),
            ("sendSMS", "send sms"),
            ("SMSSend", "sms send"),
            ("sendSMSNow", "send sms now"),
            ("URL", "url"),
        ] {
            let read = separate_words(name).to_lowercase();
            assert_eq!(read.split_whitespace().collect::<Vec<_>>().join(" "), words, "{name}");
        }
    }
}
