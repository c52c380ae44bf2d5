//! `tf.train.Example`: lists of bytes, of floats or of whole numbers by name, as `tensorflow/core/example/example.proto` and `feature.proto`
//! have them.

use std::collections::BTreeMap;

use super::protobuf::{FieldValue, Fields, MalformedMessage, varint};

/// More than any example of the sets has. A number of one byte takes eight once it is read, and a text without a letter sixteen.
const FEATURES_MAX: usize = 1000;
/// In all lists together.
const VALUES_MAX: usize = 1_000_000;

/// What stands under one name.
#[derive(Clone, Debug, PartialEq)]
enum Feature<'a> {
    Bytes(Vec<&'a [u8]>),
    Floats(Vec<f32>),
    Integers(Vec<i64>),
}

/// One example; its bytes are borrowed from the record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Example<'a> {
    features: BTreeMap<&'a str, Feature<'a>>,
}

impl<'a> Example<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// `MalformedMessage` if the bytes are none, or have more in them than any set has.
    pub fn read(record: &'a [u8]) -> Result<Example<'a>, MalformedMessage> {
        let (mut example, mut budget) = (Example::default(), Budget { left: VALUES_MAX });
        for features in messages(record, 1) {
            for entry in messages(features?, 1) {
                let (name, feature) = read_entry(entry?, &mut budget)?;
                if example.features.insert(name, feature).is_some() {
                    return Err(MalformedMessage("it has two features of one name"));
                }
                if example.features.len() > FEATURES_MAX {
                    return Err(MalformedMessage("it has more features than an example of any set"));
                }
            }
        }
        Ok(example)
    }

    pub fn has(&self, name: &str) -> bool {
        self.features.contains_key(name)
    }

    /// The names of what it has.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.features.keys().copied()
    }

    /// # Errors
    /// What is wrong, if there is no such list, or it is one of numbers.
    pub fn bytes(&self, name: &str) -> Result<&[&'a [u8]], String> {
        match self.features.get(name) {
            Some(Feature::Bytes(values)) => Ok(values),
            other => Err(wanted(name, "bytes", other)),
        }
    }

    /// # Errors
    /// What is wrong, if there is no such list, or it is no list of whole numbers.
    pub fn integers(&self, name: &str) -> Result<&[i64], String> {
        match self.features.get(name) {
            Some(Feature::Integers(values)) => Ok(values),
            Some(Feature::Bytes(values)) if values.is_empty() => Ok(&[]),
            other => Err(wanted(name, "whole numbers", other)),
        }
    }

    /// # Errors
    /// What is wrong, if there is no such list, it is no list of floats, or one of them is not finite.
    pub fn floats(&self, name: &str) -> Result<&[f32], String> {
        match self.features.get(name) {
            Some(Feature::Floats(values)) => match values.iter().find(|value| !value.is_finite()) {
                None => Ok(values),
                Some(value) => Err(format!("its {name:?} has the number {value}")),
            },
            Some(Feature::Bytes(values)) if values.is_empty() => Ok(&[]),
            other => Err(wanted(name, "floats", other)),
        }
    }

    /// The one text of a name.
    ///
    /// # Errors
    /// What is wrong, if there is not exactly one, or it is no text.
    pub fn text(&self, name: &str) -> Result<&'a str, String> {
        text(name, one(name, self.bytes(name)?)?)
    }

    /// All texts of a name.
    ///
    /// # Errors
    /// As [`Example::bytes`], and if one is no text.
    pub fn texts(&self, name: &str) -> Result<Vec<&'a str>, String> {
        self.bytes(name)?.iter().map(|bytes| text(name, bytes)).collect()
    }

    /// The one whole number of a name.
    ///
    /// # Errors
    /// What is wrong, if there is not exactly one.
    pub fn integer(&self, name: &str) -> Result<i64, String> {
        one(name, self.integers(name)?)
    }
}

fn text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, String> {
    std::str::from_utf8(bytes).map_err(|_| format!("its {name:?} is no text in UTF-8"))
}

fn one<T: Copy>(name: &str, values: &[T]) -> Result<T, String> {
    match values {
        [value] => Ok(*value),
        _ => Err(format!("its {name:?} has {} values, and should have one", values.len())),
    }
}

fn wanted(name: &str, kind: &str, found: Option<&Feature<'_>>) -> String {
    match found {
        None => format!("it has no {name:?}"),
        Some(_) => format!("its {name:?} is no list of {kind}"),
    }
}

/// The messages in the fields of a number.
fn messages(message: &[u8], wanted: u64) -> impl Iterator<Item = Result<&[u8], MalformedMessage>> {
    Fields::of(message).filter_map(move |field| match field {
        Ok((number, FieldValue::Bytes(bytes))) if number == wanted => Some(Ok(bytes)),
        Ok((number, _)) if number == wanted => Some(Err(MalformedMessage("a number stands where a message should"))),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

fn read_entry<'a>(entry: &'a [u8], budget: &mut Budget) -> Result<(&'a str, Feature<'a>), MalformedMessage> {
    let (mut name, mut feature) = ("", Feature::Bytes(Vec::new()));
    for field in Fields::of(entry) {
        match field? {
            (1, FieldValue::Bytes(bytes)) => {
                name = std::str::from_utf8(bytes).map_err(|_| MalformedMessage("a feature's name is no text"))?;
            }
            (2, FieldValue::Bytes(bytes)) => feature = read_feature(bytes, budget)?,
            _ => {}
        }
    }
    Ok((name, feature))
}

/// Of the three kinds of list the last one that is there counts. A list without values may have been written as one of no kind: it is one of
/// bytes here, and passes as one of any kind.
fn read_feature<'a>(feature: &'a [u8], budget: &mut Budget) -> Result<Feature<'a>, MalformedMessage> {
    let mut found = Feature::Bytes(Vec::new());
    for field in Fields::of(feature) {
        match field? {
            (1, FieldValue::Bytes(list)) => found = Feature::Bytes(bytes_list(list, budget)?),
            (2, FieldValue::Bytes(list)) => found = Feature::Floats(float_list(list, budget)?),
            (3, FieldValue::Bytes(list)) => found = Feature::Integers(integer_list(list, budget)?),
            _ => {}
        }
    }
    Ok(found)
}

/// How many values more are read of an example.
struct Budget {
    left: usize,
}

impl Budget {
    fn spend(&mut self) -> Result<(), MalformedMessage> {
        self.left =
            self.left.checked_sub(1).ok_or(MalformedMessage("it has more values than an example of any set"))?;
        Ok(())
    }
}

fn bytes_list<'a>(list: &'a [u8], budget: &mut Budget) -> Result<Vec<&'a [u8]>, MalformedMessage> {
    let mut values = Vec::new();
    for value in messages(list, 1) {
        budget.spend()?;
        values.push(value?);
    }
    Ok(values)
}

/// Packed, or one by one.
fn float_list(list: &[u8], budget: &mut Budget) -> Result<Vec<f32>, MalformedMessage> {
    let mut values = Vec::new();
    for field in Fields::of(list) {
        match field? {
            (1, FieldValue::Fixed32(bytes)) => {
                budget.spend()?;
                values.push(f32::from_le_bytes(bytes));
            }
            (1, FieldValue::Bytes(packed)) => {
                let (floats, rest) = packed.as_chunks::<4>();
                if !rest.is_empty() {
                    return Err(MalformedMessage("it breaks off within a number"));
                }
                for bytes in floats {
                    budget.spend()?;
                    values.push(f32::from_le_bytes(*bytes));
                }
            }
            _ => {}
        }
    }
    Ok(values)
}

fn integer_list(list: &[u8], budget: &mut Budget) -> Result<Vec<i64>, MalformedMessage> {
    let mut values = Vec::new();
    for field in Fields::of(list) {
        match field? {
            (1, FieldValue::Varint(value)) => {
                budget.spend()?;
                values.push(value.cast_signed());
            }
            (1, FieldValue::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    budget.spend()?;
                    values.push(varint(&mut packed)?.cast_signed());
                }
            }
            _ => {}
        }
    }
    Ok(values)
}
