//! Reads a schema: what it says is kept, what is not known is refused.

use regex::RegexBuilder;
use serde_json::{Map, Value};

use super::{DEPTH_MAX, InvalidSchema, KINDS, Kind, Schema};

/// What a pattern may come to when it is compiled.
const PATTERN_BYTES_MAX: usize = 64 << 10;
/// How many schemas one may come to once its references are followed: a few that refer to each other several times grow beyond any
/// bound.
const SCHEMAS_MAX: usize = 2000;
/// Said beside a reference, these change nothing.
const NOTES: [&str; 14] = [
    "title",
    "description",
    "default",
    "examples",
    "format",
    "$schema",
    "$id",
    "$comment",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentMediaType",
    "$defs",
    "definitions",
];

/// Reads a whole schema.
pub(super) fn read(schema: &Value) -> Result<Schema, InvalidSchema> {
    Reader { root: schema, following: Vec::new(), count: 0 }.read(schema, "", 0)
}

struct Reader<'a> {
    root: &'a Value,
    /// The references that are being followed.
    following: Vec<&'a str>,
    count: usize,
}

fn invalid(path: &str, why: impl Into<String>) -> InvalidSchema {
    InvalidSchema { path: path.to_owned(), why: why.into() }
}

fn is_note(word: &str) -> bool {
    NOTES.contains(&word) || word.starts_with("x-")
}

impl<'a> Reader<'a> {
    fn read(&mut self, schema: &'a Value, path: &str, level: usize) -> Result<Schema, InvalidSchema> {
        if level > DEPTH_MAX {
            return Err(invalid(path, format!("it is nested deeper than {DEPTH_MAX} levels")));
        }
        self.count += 1;
        if self.count > SCHEMAS_MAX {
            return Err(invalid(path, format!("with its references it has more than {SCHEMAS_MAX} parts")));
        }
        let words = match schema {
            Value::Object(words) => words,
            Value::Bool(true) => return Ok(Schema { additional: true, ..Schema::default() }),
            _ => return Err(invalid(path, "a schema is an object")),
        };
        if let Some(said) = words.get("$ref") {
            return self.refer(said, words, path, level);
        }
        if let Some(only) = words.get("allOf").and_then(only_one)
            && words.keys().all(|word| word == "allOf" || is_note(word))
        {
            return self.read(only, &format!("{path}/allOf/0"), level);
        }
        let mut read = Schema::default();
        for (word, said) in words {
            self.word(&mut read, word, said, &format!("{path}/{word}"), level)?;
        }
        if read.values.as_ref().is_some_and(Vec::is_empty) {
            return Err(invalid(path, "its enum and its const have no value in common"));
        }
        let lists_fields = words.contains_key("properties");
        if read.types.is_empty() && lists_fields {
            read.types = vec![Kind::Object];
        }
        if !words.contains_key("additionalProperties") {
            read.additional = !lists_fields;
        }
        if let Some(name) = read.required.iter().find(|name| !read.additional && read.property(name).is_none()) {
            return Err(invalid(path, format!("{name:?} is required, and is none of the properties")));
        }
        // Files written by people come with their keys sorted; what has to be there is told and written first.
        let Schema { properties, required, .. } = &mut read;
        properties.sort_by_key(|(name, _)| !required.contains(name));
        Ok(read)
    }

    /// A definition of the same schema in place of a reference to it.
    fn refer(
        &mut self,
        said: &'a Value,
        beside: &Map<String, Value>,
        path: &str,
        level: usize,
    ) -> Result<Schema, InvalidSchema> {
        let path = format!("{path}/$ref");
        if let Some(word) = beside.keys().find(|word| *word != "$ref" && !is_note(word)) {
            return Err(invalid(&path, format!("{word:?} beside a reference is not known here")));
        }
        let Some(name) = said.as_str() else { return Err(invalid(&path, "it is a text")) };
        let Some(pointer) = name.strip_prefix('#') else {
            return Err(invalid(&path, "only definitions of the same schema are followed: \"#/$defs/NAME\""));
        };
        if self.following.contains(&name) {
            return Err(invalid(&path, "it comes back to itself, so that it has no end"));
        }
        let Some(found) = self.root.pointer(pointer) else {
            return Err(invalid(&path, format!("there is no {name:?} in this schema")));
        };
        self.following.push(name);
        // What it leads to is in its place, and no deeper.
        let read = self.read(found, &path, level);
        self.following.pop();
        read
    }

    fn word(
        &mut self,
        read: &mut Schema,
        word: &str,
        said: &'a Value,
        path: &str,
        level: usize,
    ) -> Result<(), InvalidSchema> {
        let wrong = |why: &str| invalid(path, why);
        let count = || {
            let count = said.as_u64().and_then(|count| usize::try_from(count).ok());
            count.map(Some).ok_or_else(|| wrong("it is a count"))
        };
        let number = || said.as_f64().map(Some).ok_or_else(|| wrong("it is a number"));
        match word {
            "type" => read.types = types(said).ok_or_else(|| wrong("it is a type of JSON, or a list of them"))?,
            "properties" => {
                for (name, field) in said.as_object().ok_or_else(|| wrong("it is an object"))? {
                    let field = self.read(field, &format!("{path}/{name}"), level + 1)?;
                    read.properties.push((name.clone(), field));
                }
            }
            "required" => read.required = texts(said).ok_or_else(|| wrong("it is a list of names"))?,
            "additionalProperties" => match said {
                Value::Bool(may_be) => read.additional = *may_be,
                schema => {
                    read.additional = true;
                    read.others = Some(Box::new(self.read(schema, path, level + 1)?));
                }
            },
            "enum" => {
                let values = said.as_array().filter(|values| !values.is_empty());
                read.allow(values.ok_or_else(|| wrong("it is a list of values"))?);
            }
            "const" => read.allow(std::slice::from_ref(said)),
            "items" => read.items = Some(Box::new(self.read(said, path, level + 1)?)),
            "anyOf" => read.any_of = self.several(said, path, level)?,
            "oneOf" => read.one_of = self.several(said, path, level)?,
            "allOf" => return Err(wrong("only one schema, and nothing beside it, is known here")),
            "uniqueItems" => read.distinct = said.as_bool().ok_or_else(|| wrong("it is true or false"))?,
            "minItems" => read.count.min = count()?,
            "maxItems" => read.count.max = count()?,
            "minLength" => read.length.min = count()?,
            "maxLength" => read.length.max = count()?,
            "minimum" => read.number.min = number()?,
            "maximum" => read.number.max = number()?,
            "exclusiveMinimum" => read.between.min = number()?,
            "exclusiveMaximum" => read.between.max = number()?,
            "pattern" => {
                let pattern = said.as_str().ok_or_else(|| wrong("it is a text"))?;
                let regex = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build();
                read.pattern = Some(regex.map_err(|_| wrong("this regular expression is not known here"))?);
            }
            note if is_note(note) => {}
            _ => return Err(wrong("this word is not known here, and what it forbids would be let through")),
        }
        Ok(())
    }

    fn several(&mut self, said: &'a Value, path: &str, level: usize) -> Result<Vec<Schema>, InvalidSchema> {
        let several = said.as_array().filter(|several| !several.is_empty());
        let several = several.ok_or_else(|| invalid(path, "it is a list of schemas"))?;
        several.iter().map(|one| self.read(one, path, level + 1)).collect()
    }
}

fn only_one(said: &Value) -> Option<&Value> {
    match said.as_array().map(Vec::as_slice) {
        Some([only]) => Some(only),
        _ => None,
    }
}

fn types(said: &Value) -> Option<Vec<Kind>> {
    let kind = |name: &str| KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    match said {
        Value::String(name) => Some(vec![kind(name)?]),
        Value::Array(names) if !names.is_empty() => names.iter().map(|name| kind(name.as_str()?)).collect(),
        _ => None,
    }
}

fn texts(said: &Value) -> Option<Vec<String>> {
    said.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}
