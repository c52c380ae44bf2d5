//! Schemas of a description, which refer to each other, as one that stands for itself: references followed, parts put together, and what
//! has no end or no place in JSON left out where it may be left out.
//!
//! What comes of it is at least as strict in what it names: a field that cannot be written down, because its schema comes back to itself or
//! is nested too deep, is not there. Words about single values that are not known here (`multipleOf`, `not`, a pattern that looks
//! ahead) are left to the service, which has to check what it is sent anyway.

use serde_json::{Map, Value, json};
use tapwright_agent::schema::Schema;

/// How many schemas one may come to.
const PARTS_MAX: usize = 1500;
/// How many references are followed one after the other to find something that is no schema.
const REFERENCES_MAX: usize = 32;

type Words = Map<String, Value>;

/// How much of what has no end is written out.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    pub levels_max: usize,
    /// How often a schema may be within itself.
    pub repeats_max: usize,
}

/// A description's schemas and whatever else is referred to in it.
pub struct Schemas<'a> {
    root: &'a Value,
    /// In OpenAPI 3.0 `nullable` is a word, bounds are exclusive by yes and no, and nothing counts beside a reference.
    is_older: bool,
    extent: Extent,
    parts: usize,
    following: Vec<String>,
}

impl<'a> Schemas<'a> {
    pub fn new(root: &'a Value, is_older: bool, extent: Extent) -> Schemas<'a> {
        Schemas { root, is_older, extent, parts: 0, following: Vec::new() }
    }

    /// Whether more was met than is read.
    pub fn is_exhausted(&self) -> bool {
        self.parts > PARTS_MAX
    }

    /// What a reference leads to.
    fn referred(&self, reference: &Value) -> Result<(&'a Value, String), String> {
        let Some(name) = reference.as_str() else { return Err("a reference is a text".to_owned()) };
        let Some(pointer) = name.strip_prefix('#') else {
            return Err(format!("it refers to another file, {}", shown(name)));
        };
        let pointer = percent_decode(pointer);
        match self.root.pointer(&pointer) {
            Some(found) => Ok((found, pointer)),
            None => Err(format!("there is no {} in the description", shown(name))),
        }
    }

    /// The thing itself, where only a reference to it stands.
    pub fn resolve(&self, value: &'a Value) -> Result<&'a Value, String> {
        let mut value = value;
        for _ in 0..REFERENCES_MAX {
            match value.get("$ref") {
                None => return Ok(value),
                Some(reference) => value = self.referred(reference)?.0,
            }
        }
        Err("its references lead to references without end".to_owned())
    }

    /// A schema that stands for itself. `level` is how deep it lies in the arguments.
    pub fn convert(&mut self, schema: &'a Value, level: usize) -> Result<Words, String> {
        let words = match schema {
            Value::Object(words) => words,
            Value::Bool(true) => return Ok(Words::new()),
            Value::Bool(false) => return Err("nothing fits its schema".to_owned()),
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Err("its schema is none".to_owned());
            }
        };
        if level > self.extent.levels_max {
            return Err(format!("it is nested deeper than {} levels", self.extent.levels_max));
        }
        self.parts += 1;
        if self.is_exhausted() {
            return Err(format!("with its references it has more than {PARTS_MAX} parts"));
        }
        let Some(reference) = words.get("$ref") else { return self.own(words, level) };
        let (found, pointer) = self.referred(reference)?;
        if self.following.iter().filter(|followed| **followed == pointer).count() > self.extent.repeats_max {
            return Err("it comes back to itself, so that it has no end".to_owned());
        }
        self.following.push(pointer);
        let read = self.convert(found, level);
        self.following.pop();
        let mut read = read?;
        if !self.is_older {
            merge(&mut read, self.own(words, level)?)?;
        }
        Ok(read)
    }

    /// What a schema says itself, besides what it refers to.
    fn own(&mut self, words: &'a Words, level: usize) -> Result<Words, String> {
        let mut read = Words::new();
        self.types(words, &mut read)?;
        self.bounds(words, &mut read)?;
        self.fields(words, &mut read, level)?;
        if let Some(items) = words.get("items") {
            match self.convert(items, level + 1) {
                Ok(items) => drop(read.insert("items".to_owned(), items.into())),
                // A list of what cannot be written down can be empty.
                Err(why) if words.get("minItems").and_then(Value::as_u64).is_some_and(|least| least > 0) => {
                    return Err(why);
                }
                Err(_) => drop(read.insert("maxItems".to_owned(), 0.into())),
            }
        }
        for word in ["oneOf", "anyOf"] {
            let Some(several) = words.get(word).and_then(Value::as_array).filter(|several| !several.is_empty()) else {
                continue;
            };
            let mut why = String::new();
            let mut choices: Vec<Value> = Vec::new();
            for choice in several {
                match self.convert(choice, level + 1) {
                    Ok(choice) => choices.push(choice.into()),
                    Err(found) => why = found,
                }
            }
            if choices.is_empty() {
                return Err(why);
            }
            read.insert(word.to_owned(), choices.into());
        }
        for part in words.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            let part = self.convert(part, level)?;
            merge(&mut read, part)?;
        }
        distribute(read)
    }

    fn types(&self, words: &Words, read: &mut Words) -> Result<(), String> {
        let is_nullable = self.is_older && words.get("nullable").and_then(Value::as_bool) == Some(true);
        match words.get("type") {
            None => {}
            Some(Value::String(name)) => {
                let kind = if is_nullable { json!([type_name(name)?, "null"]) } else { type_name(name)?.into() };
                read.insert("type".to_owned(), kind);
            }
            Some(Value::Array(names)) if !names.is_empty() => {
                for name in names {
                    type_name(name.as_str().unwrap_or_default())?;
                }
                read.insert("type".to_owned(), names.clone().into());
            }
            Some(_) => return Err("its type is none".to_owned()),
        }
        match words.get("enum") {
            None => {}
            Some(Value::Array(values)) if !values.is_empty() => {
                let mut values = values.clone();
                if is_nullable && !values.contains(&Value::Null) {
                    values.push(Value::Null);
                }
                read.insert("enum".to_owned(), values.into());
            }
            Some(_) => return Err("its enum has no values".to_owned()),
        }
        if let Some(value) = words.get("const") {
            read.insert("enum".to_owned(), json!([value]));
        }
        Ok(())
    }

    fn bounds(&self, words: &Words, read: &mut Words) -> Result<(), String> {
        for word in ["minItems", "maxItems", "minLength", "maxLength"] {
            if let Some(count) = words.get(word) {
                let count = count.as_u64().ok_or_else(|| format!("its {word} is no count"))?;
                read.insert(word.to_owned(), count.into());
            }
        }
        for (word, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
            let (bound, without) = (words.get(word), words.get(exclusive));
            if bound.is_some_and(|bound| !bound.is_number()) {
                return Err(format!("its {word} is no number"));
            }
            match (bound, without) {
                (Some(bound), Some(Value::Bool(true))) => drop(read.insert(exclusive.to_owned(), bound.clone())),
                (bound, without) => {
                    bound.into_iter().for_each(|bound| drop(read.insert(word.to_owned(), bound.clone())));
                    let without = without.filter(|without| without.is_number());
                    without.into_iter().for_each(|bound| drop(read.insert(exclusive.to_owned(), bound.clone())));
                }
            }
        }
        if words.get("uniqueItems").and_then(Value::as_bool) == Some(true) {
            read.insert("uniqueItems".to_owned(), true.into());
        }
        // One that is not known here is the service's to check.
        if let Some(pattern) = words.get("pattern").filter(|pattern| {
            Schema::of_object(&json!({ "type": "object", "properties": { "p": { "pattern": pattern } } })).is_ok()
        }) {
            read.insert("pattern".to_owned(), pattern.clone());
        }
        Ok(())
    }

    fn fields(&mut self, words: &'a Words, read: &mut Words, level: usize) -> Result<(), String> {
        let required: Vec<&str> =
            words.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut needed: Vec<&str> = Vec::new();
        let mut properties = Words::new();
        let said = words.get("properties").and_then(Value::as_object);
        for (name, property) in said.into_iter().flatten() {
            // Only the service writes it.
            let is_read_only = |schema: &Value| schema.get("readOnly").and_then(Value::as_bool) == Some(true);
            if is_read_only(property) || self.resolve(property).is_ok_and(is_read_only) {
                continue;
            }
            let is_needed = required.contains(&name.as_str());
            match self.convert(property, level + 1) {
                Ok(property) => drop(properties.insert(name.clone(), property.into())),
                Err(why) if is_needed => return Err(format!("{}: {why}", shown(name))),
                Err(_) => continue,
            }
            if is_needed {
                needed.push(name);
            }
        }
        // Named as needed, and nowhere else: beside fields that are listed it could not be written otherwise.
        let unlisted = required.iter().filter(|name| said.is_none_or(|said| !said.contains_key(**name)));
        for name in unlisted {
            needed.push(name);
            if said.is_some() {
                properties.insert((*name).to_owned(), json!({}));
            }
        }
        if said.is_some() {
            read.insert("properties".to_owned(), properties.into());
        }
        if !needed.is_empty() {
            read.insert("required".to_owned(), needed.into());
        }
        match words.get("additionalProperties") {
            None => {}
            Some(Value::Bool(may_be)) => drop(read.insert("additionalProperties".to_owned(), (*may_be).into())),
            Some(schema) => {
                let others = self.convert(schema, level + 1).map_or(Value::Bool(false), Value::Object);
                read.insert("additionalProperties".to_owned(), others);
            }
        }
        Ok(())
    }
}

fn type_name(name: &str) -> Result<&str, String> {
    match name {
        "object" | "array" | "string" | "integer" | "number" | "boolean" | "null" => Ok(name),
        _ => Err(format!("its type {} is none of JSON", shown(name))),
    }
}

/// Has a schema ask for what another one asks for, too.
fn merge(into: &mut Words, from: Words) -> Result<(), String> {
    for (word, said) in from {
        let Some(there) = into.get_mut(&word) else {
            into.insert(word, said);
            continue;
        };
        match word.as_str() {
            _ if *there == said => {}
            "properties" => {
                if let (Value::Object(there), Value::Object(said)) = (there, said) {
                    for (name, property) in said {
                        match (there.get_mut(&name), property) {
                            (Some(Value::Object(there)), Value::Object(property)) => merge(there, property)?,
                            (_, property) => drop(there.insert(name, property)),
                        }
                    }
                }
            }
            "items" | "additionalProperties" => match (there, said) {
                (Value::Object(there), Value::Object(said)) => merge(there, said)?,
                (there, Value::Bool(false)) => *there = false.into(),
                (there @ Value::Bool(true), said) => *there = said,
                _ => {}
            },
            "required" => {
                if let (Value::Array(there), Value::Array(said)) = (there, said) {
                    said.into_iter().for_each(|name| {
                        if !there.contains(&name) {
                            there.push(name);
                        }
                    });
                }
            }
            "type" => {
                let (one, other) = (kinds(there), kinds(&said));
                let narrower = |kind: &String| match kind.as_str() {
                    "integer" => other.contains(kind) || other.iter().any(|other| other == "number"),
                    _ => other.contains(kind),
                };
                let mut both: Vec<String> = one.iter().filter(|kind| narrower(kind)).cloned().collect();
                if one.iter().any(|kind| kind == "number") && other.iter().any(|kind| kind == "integer") {
                    both.push("integer".to_owned());
                }
                match both.is_empty() {
                    true => return Err("its parts are of different types".to_owned()),
                    false => *there = both.into(),
                }
            }
            "enum" => {
                let common = there
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter(|value| said.as_array().is_some_and(|said| said.contains(value)));
                let common: Vec<Value> = common.cloned().collect();
                match common.is_empty() {
                    true => return Err("its parts have no value in common".to_owned()),
                    false => *there = common.into(),
                }
            }
            "minimum" | "exclusiveMinimum" | "minItems" | "minLength" if there.as_f64() < said.as_f64() => {
                *there = said;
            }
            "maximum" | "exclusiveMaximum" | "maxItems" | "maxLength" if there.as_f64() > said.as_f64() => {
                *there = said;
            }
            "oneOf" | "anyOf" => return Err("its parts are several choices at once".to_owned()),
            // Two patterns: one of them is checked here, both are by the service.
            _ => {}
        }
    }
    Ok(())
}

fn kinds(said: &Value) -> Vec<String> {
    match said {
        Value::String(kind) => vec![kind.clone()],
        said => said.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

/// Has each choice name all fields, where some are named beside the choices: an object is checked against either alone, and whoever
/// names fields refuses others.
fn distribute(mut read: Words) -> Result<Words, String> {
    let names_fields = |schema: &Value| schema.get("properties").is_some();
    let has_fields = read.contains_key("properties");
    let is_split = |word: &str, read: &Words| {
        read.get(word).and_then(Value::as_array).is_some_and(|choices| has_fields && choices.iter().any(names_fields))
    };
    let word = match (is_split("oneOf", &read), is_split("anyOf", &read)) {
        (false, false) => return Ok(read),
        (true, true) => return Err("its parts are several choices at once".to_owned()),
        (true, false) => "oneOf",
        (false, true) => "anyOf",
    };
    let choices = read.remove(word).unwrap_or_default();
    let whole = choices.as_array().into_iter().flatten().filter_map(|choice| {
        let mut whole = read.clone();
        merge(&mut whole, choice.as_object()?.clone()).ok()?;
        Some(Value::Object(whole))
    });
    let whole: Vec<Value> = whole.collect();
    if whole.is_empty() {
        return Err("none of its choices fits the rest".to_owned());
    }
    Ok(Words::from_iter([(word.to_owned(), whole.into())]))
}

fn shown(name: &str) -> String {
    format!("{:?}", crate::apis::described::one_line(name, 80))
}

/// `%7B` is a brace: references are fragments of addresses.
fn percent_decode(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
