//! JSON from outside: of bounded size in memory, and read field by field, so that a mistake names its field.

use std::cell::Cell;
use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::ErrorResponse;

/// The most values in a body: a value takes far more memory than its two letters, and 32 MB of `[],` would take gigabytes.
const VALUES_MAX: u32 = 1 << 17;

/// Reads a body.
///
/// # Errors
/// `ErrorResponse` if it is no JSON, or has too many values.
pub fn read(body: &[u8]) -> Result<Value, ErrorResponse> {
    let left = Cell::new(VALUES_MAX);
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value =
        Bounded(&left).deserialize(&mut reader).map_err(|error| ErrorResponse::body(format!("no JSON: {error}")))?;
    reader.end().map_err(|error| ErrorResponse::body(format!("no JSON: {error}")))?;
    Ok(value)
}

/// A value, counted against what is left.
struct Bounded<'a>(&'a Cell<u32>);

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        let left = self.0.get().checked_sub(1);
        self.0.set(left.ok_or_else(|| D::Error::custom(format!("more than {VALUES_MAX} values")))?);
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is none"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Bounded(self.0))? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            map.insert(name, fields.next_value_seed(Bounded(self.0))?);
        }
        Ok(Value::Object(map))
    }
}

/// An object's fields, which are taken out one by one. A field that is null is as good as absent.
pub struct JsonFields {
    /// Where the object stands: `messages[0]`; empty for the body itself.
    at: String,
    map: Map<String, Value>,
}

impl JsonFields {
    pub fn of(at: impl Into<String>, value: Value) -> Result<JsonFields, ErrorResponse> {
        let at = at.into();
        match value {
            Value::Object(map) => Ok(JsonFields { at, map }),
            other if at.is_empty() => Err(ErrorResponse::body(unlike("an object", &other))),
            other => Err(ErrorResponse::field(at, unlike("an object", &other))),
        }
    }

    /// How a field is called from outside.
    pub fn path(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }

    pub fn refuse(&self, name: &str, why: impl fmt::Display) -> ErrorResponse {
        ErrorResponse::field(self.path(name), why)
    }

    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.map.swap_remove(name).filter(|value| !value.is_null())
    }

    pub fn require<T>(&self, name: &str, found: Option<T>) -> Result<T, ErrorResponse> {
        found.ok_or_else(|| self.refuse(name, "it is missing"))
    }

    fn read_typed<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(Value) -> Result<T, Value>,
    ) -> Result<Option<T>, ErrorResponse> {
        let Some(value) = self.take(name) else { return Ok(None) };
        read(value).map(Some).map_err(|value| self.refuse(name, unlike(wanted, &value)))
    }

    pub fn yes_or_no(&mut self, name: &str) -> Result<Option<bool>, ErrorResponse> {
        self.read_typed(name, "true or false", |value| value.as_bool().ok_or(value))
    }

    pub fn number(&mut self, name: &str) -> Result<Option<f32>, ErrorResponse> {
        self.read_typed(name, "a number", |value| {
            number_of_text(&value).as_f64().map(|number| number as f32).ok_or(value)
        })
    }

    /// A whole number; 3000.0 is one too.
    pub fn whole(&mut self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, ErrorResponse> {
        let whole = |value: Value| {
            let number = number_of_text(&value);
            let float = || number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 1e15).map(|float| float as i64);
            number.as_i64().or_else(float).ok_or(value)
        };
        match self.read_typed(name, "a whole number", whole)? {
            Some(number) if !range.contains(&number) => {
                Err(self.refuse(name, format!("{number}; it goes from {} to {}", range.start(), range.end())))
            }
            other => Ok(other),
        }
    }

    pub fn text(&mut self, name: &str) -> Result<Option<String>, ErrorResponse> {
        self.read_typed(name, "a text", |value| match value {
            Value::String(text) => Ok(text),
            other => Err(other),
        })
    }

    pub fn list(&mut self, name: &str, most: usize) -> Result<Option<Vec<Value>>, ErrorResponse> {
        let list = self.read_typed(name, "a list", |value| match value {
            Value::Array(list) => Ok(list),
            other => Err(other),
        })?;
        match list {
            Some(list) if list.len() > most => {
                Err(self.refuse(name, format!("{} entries; {most} are the most", list.len())))
            }
            other => Ok(other),
        }
    }

    pub fn object(&mut self, name: &str) -> Result<Option<JsonFields>, ErrorResponse> {
        let path = self.path(name);
        self.take(name).map(|value| JsonFields::of(path, value)).transpose()
    }
}

/// A number that is written as a text is that number, as servers in Python take it.
fn number_of_text(value: &Value) -> Value {
    let read = |text: &String| text.trim().parse::<Number>().ok().map(Value::Number);
    match value {
        Value::String(text) => read(text).unwrap_or(Value::Null),
        other => other.clone(),
    }
}

/// "it has to be a number, and is a text"
pub fn unlike(wanted: &str, value: &Value) -> String {
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    match value {
        Value::Number(number) => format!("it has to be {wanted}, and is {number}"),
        _ => format!("it has to be {wanted}, and is {is}"),
    }
}
