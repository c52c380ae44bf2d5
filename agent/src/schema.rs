//! Checks arguments against the part of JSON Schema that descriptions of calls use.
//!
//! Known are `type`, `properties`, `required`, `additionalProperties`, `enum`, `const`, `items`, `minItems`, `maxItems`,
//! `uniqueItems`, `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, `minLength`, `maxLength`, `pattern`, `anyOf`, `oneOf`,
//! `allOf` of one schema, and `$ref` to a definition of the same schema that does not come back to itself; notes for people (`title`,
//! `description`, `default`, `examples`, `format` and the like) say nothing about an argument. Any other word is refused when the
//! schema is read: one that were passed over would let through what it forbids. Where fields are listed, others are refused unless
//! the schema says what they may be: a model that adds one means something that would not be done.
//!
//! This is our own because a validator of the whole standard (the crate `jsonschema`) brings remote references, dialects and some
//! thirty crates with it, and because schemas may come from servers that nobody vouches for: size, depth and work are bounded here.
//!
//! | room | what is there |
//! | --- | --- |
//! | [`read`] | how a schema is read |

mod read;

use std::fmt;

use regex::Regex;
use serde_json::{Map, Value, json};

use crate::limits::clip;

/// The most that a schema may be, as JSON.
const SCHEMA_BYTES_MAX: usize = 16 << 10;
/// How deep schemas and arguments may be nested.
const DEPTH_MAX: usize = 8;
/// How much of something wrong is shown.
const SHOWN_BYTES: usize = 60;
/// How much of a list of names is shown.
const LIST_BYTES: usize = 300;

/// What one value has to look like.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// Any, if there are none.
    types: Vec<Kind>,
    properties: Vec<(String, Schema)>,
    required: Vec<String>,
    /// Whether there may be other fields, and what they are like if that is said.
    additional: bool,
    others: Option<Box<Schema>>,
    values: Option<Vec<Value>>,
    items: Option<Box<Schema>>,
    /// Of a list.
    count: Range<usize>,
    /// Whether no item of a list may be there twice.
    distinct: bool,
    /// Of a text, in characters.
    length: Range<usize>,
    number: Range<f64>,
    /// Above and below which it is, without these themselves.
    between: Range<f64>,
    pattern: Option<Regex>,
    any_of: Vec<Schema>,
    one_of: Vec<Schema>,
}

/// From where to where, both included.
#[derive(Clone, Copy, Debug)]
struct Range<T> {
    min: Option<T>,
    max: Option<T>,
}

impl<T> Default for Range<T> {
    fn default() -> Range<T> {
        Range { min: None, max: None }
    }
}

impl<T: PartialOrd + Copy> Range<T> {
    fn holds(&self, value: T) -> bool {
        self.min.is_none_or(|min| min <= value) && self.max.is_none_or(|max| value <= max)
    }
}

impl<T: fmt::Display> fmt::Display for Range<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.min, &self.max) {
            (Some(min), Some(max)) => write!(f, "{min} to {max}"),
            (Some(min), None) => write!(f, "{min} or more"),
            (None, Some(max)) => write!(f, "up to {max}"),
            (None, None) => f.write_str("any"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
    Null,
}

const KINDS: [(&str, Kind); 7] = [
    ("object", Kind::Object),
    ("array", Kind::Array),
    ("string", Kind::String),
    ("integer", Kind::Integer),
    ("number", Kind::Number),
    ("boolean", Kind::Boolean),
    ("null", Kind::Null),
];

impl Kind {
    fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    fn includes(self, value: &Value) -> bool {
        match (self, value) {
            (Kind::Object, Value::Object(_))
            | (Kind::Array, Value::Array(_))
            | (Kind::String, Value::String(_))
            | (Kind::Number, Value::Number(_))
            | (Kind::Boolean, Value::Bool(_))
            | (Kind::Null, Value::Null) => true,
            (Kind::Integer, Value::Number(number)) => {
                number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            _ => false,
        }
    }
}

/// Why a schema is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", shown_path(.path))]
pub struct InvalidSchema {
    /// Where in the schema.
    pub path: String,
    pub why: String,
}

/// Why arguments are not what a schema asks for, for whoever wrote them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: expected {expected}, got {got}", shown_path(.path))]
pub struct Mismatch {
    /// Where in the arguments.
    pub path: String,
    pub expected: String,
    pub got: String,
}

fn shown_path(path: &str) -> &str {
    if path.is_empty() { "(the whole)" } else { path }
}

impl Schema {
    /// Reads the schema of an object.
    ///
    /// # Errors
    /// `InvalidSchema` if it is none, is too large, or has a word that is not known here.
    pub fn of_object(schema: &Value) -> Result<Schema, InvalidSchema> {
        let invalid = |why: String| InvalidSchema { path: String::new(), why };
        if depth(schema) > 4 * DEPTH_MAX {
            return Err(invalid("it is nested too deep".to_owned()));
        }
        if schema.to_string().len() > SCHEMA_BYTES_MAX {
            return Err(invalid(format!("it is longer than {SCHEMA_BYTES_MAX} bytes")));
        }
        let read = read::read(schema)?;
        if read.types != [Kind::Object] {
            return Err(invalid(
                "arguments are an object: write {\"type\": \"object\", \"properties\": {…}}".to_owned(),
            ));
        }
        Ok(read)
    }

    /// Only these values; if others were said already, only those that are among both.
    fn allow(&mut self, values: &[Value]) {
        let is_known =
            |value: &&Value| self.values.as_ref().is_none_or(|known| known.iter().any(|known| is_same(known, value)));
        self.values = Some(values.iter().filter(is_known).cloned().collect());
    }

    fn property(&self, name: &str) -> Option<&Schema> {
        self.properties.iter().find(|(known, _)| known == name).map(|(_, property)| property)
    }

    /// The names of an object's fields, in order.
    pub fn properties(&self) -> impl Iterator<Item = &str> {
        self.properties.iter().map(|(name, _)| name.as_str())
    }

    /// Whether arguments are what it asks for. Of a text that `is_open` only the type is looked at: it will be another one.
    ///
    /// # Errors
    /// The first place where they are not.
    pub fn check(&self, value: &Value, is_open: fn(&str) -> bool) -> Result<(), Mismatch> {
        if depth(value) > DEPTH_MAX {
            let expected = format!("at most {DEPTH_MAX} levels");
            return Err(Mismatch { path: String::new(), expected, got: "more".to_owned() });
        }
        self.check_at(value, "", is_open)
    }

    fn check_at(&self, value: &Value, path: &str, is_open: fn(&str) -> bool) -> Result<(), Mismatch> {
        let mismatch =
            |expected: String| Err(Mismatch { path: path.to_owned(), expected, got: clipped(&value.to_string()) });
        if !self.types.is_empty() && !self.types.iter().any(|kind| kind.includes(value)) {
            return mismatch(self.kinds());
        }
        if !self.any_of.is_empty() && !self.any_of.iter().any(|one| one.check_at(value, path, is_open).is_ok()) {
            let several: Vec<String> = self.any_of.iter().map(Schema::signature).collect();
            return mismatch(clip(&several.join(" or "), LIST_BYTES).to_owned());
        }
        if !self.one_of.is_empty() {
            let fitting = self.one_of.iter().filter(|one| one.check_at(value, path, is_open).is_ok()).count();
            if fitting != 1 {
                let several: Vec<String> = self.one_of.iter().map(Schema::signature).collect();
                let which = clip(&several.join(" or "), LIST_BYTES).to_owned();
                return mismatch(if fitting == 0 { which } else { format!("what fits only one of: {which}") });
            }
        }
        let open = value.as_str().is_some_and(is_open);
        if let Some(values) = &self.values
            && !open
            && !values.iter().any(|known| is_same(known, value))
        {
            return mismatch(format!("one of {}", listed(values)));
        }
        match value {
            Value::Object(fields) => self.check_fields(fields, path, is_open),
            Value::Array(items) if !self.count.holds(items.len()) => mismatch(format!("{} items", self.count)),
            Value::Array(items) if self.distinct && has_twice(items) => mismatch("no item twice".to_owned()),
            Value::Array(items) => match &self.items {
                Some(schema) => items
                    .iter()
                    .enumerate()
                    .try_for_each(|(nth, item)| schema.check_at(item, &format!("{path}/{nth}"), is_open)),
                None => Ok(()),
            },
            Value::String(text) if !open => match &self.pattern {
                _ if !self.length.holds(text.chars().count()) => mismatch(format!("{} characters", self.length)),
                Some(pattern) if !pattern.is_match(text) => {
                    mismatch(format!("a text like {}", clipped(pattern.as_str())))
                }
                _ => Ok(()),
            },
            Value::Number(number) if number.as_f64().is_some_and(|number| !self.number.holds(number)) => {
                mismatch(format!("a number, {}", self.number))
            }
            Value::Number(number) if number.as_f64().is_some_and(|number| !self.is_between(number)) => {
                mismatch(match (self.between.min, self.between.max) {
                    (Some(min), Some(max)) => format!("a number above {min} and below {max}"),
                    (Some(min), None) => format!("a number above {min}"),
                    (None, max) => format!("a number below {}", max.unwrap_or_default()),
                })
            }
            Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => Ok(()),
        }
    }

    fn check_fields(&self, fields: &Map<String, Value>, path: &str, is_open: fn(&str) -> bool) -> Result<(), Mismatch> {
        if let Some(name) = self.required.iter().find(|name| !fields.contains_key(*name)) {
            let known = self.signature();
            let expected = format!("{name}, as in {}", clip(&known, LIST_BYTES));
            return Err(Mismatch { path: path.to_owned(), expected, got: "nothing of that name".to_owned() });
        }
        for (name, field) in fields {
            let path = || format!("{path}/{}", clip(name, SHOWN_BYTES));
            match self.property(name) {
                Some(schema) => schema.check_at(field, &path(), is_open)?,
                None if self.additional => {
                    if let Some(schema) = &self.others {
                        schema.check_at(field, &path(), is_open)?;
                    }
                }
                None => {
                    let known: Vec<&str> = self.properties().collect();
                    let expected = match known.is_empty() {
                        true => "no arguments".to_owned(),
                        false => format!("one of the names {}", clip(&known.join(", "), LIST_BYTES)),
                    };
                    return Err(Mismatch { path: path(), expected, got: "another name".to_owned() });
                }
            }
        }
        Ok(())
    }

    fn is_between(&self, number: f64) -> bool {
        let Range { min, max } = self.between;
        min.is_none_or(|min| min < number) && max.is_none_or(|max| number < max)
    }

    /// The schemas of which one has to fit, or exactly one.
    fn choices(&self) -> &[Schema] {
        if self.any_of.is_empty() { &self.one_of } else { &self.any_of }
    }

    fn kinds(&self) -> String {
        let kinds: Vec<&str> = self.types.iter().map(|kind| kind.name()).collect();
        kinds.join(" or ")
    }

    /// What it asks for, in a few words: `{city: string, days?: integer}`.
    pub fn signature(&self) -> String {
        if let Some(values) = &self.values {
            return listed(values);
        }
        if !self.properties.is_empty() {
            let fields = self.properties.iter().map(|(name, field)| {
                let optional = if self.required.contains(name) { "" } else { "?" };
                format!("{name}{optional}: {}", field.signature())
            });
            return format!("{{{}}}", fields.collect::<Vec<_>>().join(", "));
        }
        match (&self.items, self.types.is_empty(), self.choices().is_empty()) {
            (Some(items), ..) => format!("[{}]", items.signature()),
            (None, false, _) => self.kinds(),
            (None, true, false) => self.choices().iter().map(Schema::signature).collect::<Vec<_>>().join(" or "),
            (None, true, true) => "anything".to_owned(),
        }
    }

    /// A schema for a grammar: what a decoder can be held to cheaply, without fields that are not named. It lets through all that
    /// is asked for here, and more: lengths, bounds and patterns are checked afterwards.
    pub fn for_grammar(&self) -> Value {
        let mut words = Map::new();
        if let Some(values) = &self.values {
            words.insert("enum".to_owned(), values.clone().into());
            return words.into();
        }
        // Beside fields of its own the others mostly say which of them are needed, and a grammar of those alone would have no field.
        if !self.choices().is_empty() && self.properties.is_empty() {
            let several: Vec<Value> = self.choices().iter().map(Schema::for_grammar).collect();
            return json!({ "anyOf": several });
        }
        if !self.types.is_empty() {
            let kinds: Vec<&str> = self.types.iter().map(|kind| kind.name()).collect();
            words.insert("type".to_owned(), kinds.into());
        }
        if self.types.is_empty() || self.types.contains(&Kind::Object) {
            let fields = self.properties.iter().map(|(name, field)| (name.clone(), field.for_grammar()));
            words.insert("properties".to_owned(), Value::Object(fields.collect()));
            let required = self.required.iter().filter(|name| self.property(name).is_some());
            words.insert("required".to_owned(), required.cloned().collect::<Vec<_>>().into());
            // Where no field is named, none could be written otherwise.
            let others = match (&self.others, self.additional && self.properties.is_empty()) {
                (Some(others), true) => others.for_grammar(),
                (None, true) => true.into(),
                (_, false) => false.into(),
            };
            words.insert("additionalProperties".to_owned(), others);
        }
        if let Some(items) = &self.items {
            words.insert("items".to_owned(), items.for_grammar());
        }
        words.into()
    }
}

/// How deep a value is nested: 1 for a list of numbers. Without recursion, and no further than matters.
fn depth(value: &Value) -> usize {
    let mut level: Vec<&Value> = vec![value];
    let mut deep = 0;
    while deep <= 8 * DEPTH_MAX {
        let mut next: Vec<&Value> = Vec::new();
        for value in &level {
            match value {
                Value::Array(items) => next.extend(items),
                Value::Object(fields) => next.extend(fields.values()),
                Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
            }
        }
        if next.is_empty() {
            return deep + usize::from(level.iter().any(|value| value.is_array() || value.is_object()));
        }
        deep += 1;
        level = next;
    }
    deep
}

/// Lists that models write are short.
fn has_twice(items: &[Value]) -> bool {
    items.iter().enumerate().any(|(nth, item)| items[..nth].iter().any(|other| is_same(item, other)))
}

/// `1` and `1.0` are one number.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other || matches!((one, other), (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64())
}

fn listed(values: &[Value]) -> String {
    let values: Vec<String> = values.iter().map(Value::to_string).collect();
    clip(&values.join(" | "), LIST_BYTES).to_owned()
}

fn clipped(text: &str) -> String {
    let short = clip(text, SHOWN_BYTES);
    if short.len() < text.len() { format!("{short}…") } else { short.to_owned() }
}

#[cfg(test)]
mod tests;
