//! JSON as D-Bus has it, and the other way round. Types are said beforehand; a value that does not fit is refused, never bent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use zbus::{Array, Dict, ObjectPath, Signature, Str, Structure, Variant};

/// Values lie in no more of them.
const DEPTH_MAX: u32 = 16;
/// No text that is told is longer, in characters, and no list has more entries.
const TEXT_MAX: usize = 4000;
const ENTRIES_MAX: usize = 500;

/// Reads one complete type, as D-Bus writes it: `s`, `as`, `a{sv}`.
///
/// # Errors
/// What is wrong with it, for whoever wrote it.
pub(super) fn signature(text: &str) -> Result<Signature, String> {
    let wrong =
        || format!("{text:?} is no type of D-Bus; one is written s, b, i, u, x, t, d, as, a{{sv}}, (si) and so on");
    let read = Signature::try_from(text).map_err(|_| wrong())?;
    // Two types in a row are read as one structure.
    let is_one =
        !matches!(read, Signature::Unit) && (!matches!(read, Signature::Structure(_)) || text.starts_with('('));
    if !is_one { Err(wrong()) } else { can_be_written(&read, 0).then_some(read).ok_or_else(wrong) }
}

fn can_be_written(of: &Signature, depth: u32) -> bool {
    depth < DEPTH_MAX
        && match of {
            Signature::Unit | Signature::Fd | Signature::Signature => false,
            Signature::Array(child) => can_be_written(child, depth + 1),
            // Keys of JSON are texts.
            Signature::Dict { key, value } => matches!(**key, Signature::Str) && can_be_written(value, depth + 1),
            Signature::Structure(fields) => fields.iter().all(|field| can_be_written(field, depth + 1)),
            _ => true,
        }
}

/// A value of this type.
///
/// # Errors
/// What it is not.
pub(super) fn as_variant(value: &Value, of: &Signature) -> Result<Variant<'static>, String> {
    let wrong = || format!("{} is no value of the type {of}", abbreviate(value));
    let integer = || value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from)).ok_or_else(wrong);
    Ok(match of {
        Signature::U8 => Variant::U8(fits(integer()?).ok_or_else(wrong)?),
        Signature::I16 => Variant::I16(fits(integer()?).ok_or_else(wrong)?),
        Signature::U16 => Variant::U16(fits(integer()?).ok_or_else(wrong)?),
        Signature::I32 => Variant::I32(fits(integer()?).ok_or_else(wrong)?),
        Signature::U32 => Variant::U32(fits(integer()?).ok_or_else(wrong)?),
        Signature::I64 => Variant::I64(fits(integer()?).ok_or_else(wrong)?),
        Signature::U64 => Variant::U64(fits(integer()?).ok_or_else(wrong)?),
        Signature::F64 => Variant::F64(value.as_f64().ok_or_else(wrong)?),
        Signature::Bool => Variant::Bool(value.as_bool().ok_or_else(wrong)?),
        Signature::Str => Variant::Str(Str::from(text(value).ok_or_else(wrong)?)),
        Signature::ObjectPath => {
            let path = ObjectPath::try_from(text(value).ok_or_else(wrong)?).map_err(|_| wrong())?;
            Variant::ObjectPath(path)
        }
        Signature::Variant => Variant::Variant(Box::new(natural_variant(value, 0).ok_or_else(wrong)?)),
        Signature::Array(child) => {
            let mut array = Array::new(child);
            for item in value.as_array().ok_or_else(wrong)? {
                array.append(as_variant(item, child)?).map_err(|error| error.to_string())?;
            }
            Variant::Array(array)
        }
        Signature::Dict { key, value: inner } => {
            let mut dict = Dict::new(key, inner);
            for (name, item) in value.as_object().ok_or_else(wrong)? {
                let name = Variant::Str(Str::from(name.clone()));
                dict.append(name, as_variant(item, inner)?).map_err(|error| error.to_string())?;
            }
            Variant::Dict(dict)
        }
        Signature::Structure(fields) => {
            let items = value.as_array().ok_or_else(wrong)?;
            if items.len() != fields.iter().count() {
                return Err(wrong());
            }
            let mut structure = Structure::builder();
            for (item, field) in items.iter().zip(fields.iter()) {
                structure = structure.append_field(as_variant(item, field)?);
            }
            Variant::Structure(structure.build().map_err(|error| error.to_string())?)
        }
        _ => return Err(wrong()),
    })
}

fn fits<T: TryFrom<i128>>(number: i128) -> Option<T> {
    T::try_from(number).ok()
}

/// A text without the character that D-Bus has at the end of each.
fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.contains('\0')).map(str::to_owned)
}

/// A value where any type may stand: the one that JSON's is nearest to.
fn natural_variant(value: &Value, depth: u32) -> Option<Variant<'static>> {
    if depth >= DEPTH_MAX {
        return None;
    }
    match value {
        Value::Bool(value) => Some(Variant::Bool(*value)),
        Value::Number(number) => Some(match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => i32::try_from(number).map_or(Variant::I64(number), Variant::I32),
            (None, Some(number)) => Variant::U64(number),
            (None, None) => Variant::F64(number.as_f64()?),
        }),
        Value::String(_) => text(value).map(|text| Variant::Str(Str::from(text))),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let mut array = Array::new(&Signature::Str);
            for item in items {
                array.append(Variant::Str(Str::from(text(item)?))).ok()?;
            }
            Some(Variant::Array(array))
        }
        Value::Array(items) => {
            let mut array = Array::new(&Signature::Variant);
            for item in items {
                array.append(Variant::Variant(Box::new(natural_variant(item, depth + 1)?))).ok()?;
            }
            Some(Variant::Array(array))
        }
        Value::Object(fields) => {
            let mut dict = Dict::new(&Signature::Str, &Signature::Variant);
            for (name, item) in fields {
                let item = Variant::Variant(Box::new(natural_variant(item, depth + 1)?));
                dict.append(Variant::Str(Str::from(name.clone())), item).ok()?;
            }
            Some(Variant::Dict(dict))
        }
        Value::Null => None,
    }
}

/// What a program answers, as JSON, bounded. Bytes are told as text in base64.
pub(super) fn as_json(value: &Variant<'_>) -> Value {
    json_of(value, 0)
}

fn json_of(value: &Variant<'_>, depth: u32) -> Value {
    if depth >= DEPTH_MAX {
        return Value::from("…");
    }
    match value {
        Variant::U8(number) => json!(number),
        Variant::Bool(value) => json!(value),
        Variant::I16(number) => json!(number),
        Variant::U16(number) => json!(number),
        Variant::I32(number) => json!(number),
        Variant::U32(number) => json!(number),
        Variant::I64(number) => json!(number),
        Variant::U64(number) => json!(number),
        Variant::F64(number) => json!(number),
        Variant::Str(text) => Value::from(clip(text.as_str())),
        Variant::Signature(signature) => Value::from(signature.to_string()),
        Variant::ObjectPath(path) => Value::from(clip(path.as_str())),
        Variant::Variant(inner) => json_of(inner, depth + 1),
        Variant::Array(array) if matches!(array.element_signature(), Signature::U8) => {
            let bytes = array.inner().iter().take(TEXT_MAX).filter_map(|item| match item {
                Variant::U8(byte) => Some(*byte),
                _ => None,
            });
            Value::from(STANDARD.encode(bytes.collect::<Vec<u8>>()))
        }
        Variant::Array(array) => array.inner().iter().take(ENTRIES_MAX).map(|item| json_of(item, depth + 1)).collect(),
        Variant::Dict(dict) => {
            let mut fields = Map::new();
            for (key, item) in dict.iter().take(ENTRIES_MAX) {
                let key = match json_of(key, depth + 1) {
                    Value::String(key) => key,
                    other => other.to_string(),
                };
                fields.insert(key, json_of(item, depth + 1));
            }
            Value::Object(fields)
        }
        Variant::Structure(structure) => {
            structure.fields().iter().take(ENTRIES_MAX).map(|item| json_of(item, depth + 1)).collect()
        }
        #[cfg(unix)]
        Variant::Fd(_) => Value::Null,
    }
}

fn clip(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}

fn abbreviate(value: &Value) -> String {
    value.to_string().chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_of_their_types_or_refused() {
        for (of, value) in [
            ("s", json!("a")),
            ("b", json!(true)),
            ("y", json!(255)),
            ("n", json!(-32768)),
            ("q", json!(65535)),
            ("i", json!(-7)),
            ("u", json!(4294967295u32)),
            ("x", json!(i64::MIN)),
            ("t", json!(u64::MAX)),
            ("d", json!(1.5)),
            ("o", json!("/a/b")),
            ("as", json!(["a", "b"])),
            ("as", json!([])),
            ("aas", json!([["a"], []])),
            ("v", json!("a")),
            ("v", json!([1, "a"])),
            ("a{sv}", json!({"a": 1, "b": [true], "c": {"d": "e"}})),
            ("a{si}", json!({})),
            ("(si)", json!(["a", 1])),
            ("a(sb)", json!([["a", true]])),
        ] {
            let written =
                as_variant(&value, &signature(of).unwrap()).unwrap_or_else(|why| panic!("{of} {value}: {why}"));
            assert_eq!(as_json(&written), value, "{of}");
        }
        for (of, value) in [
            ("s", json!(1)),
            ("s", json!("a\0b")),
            ("b", json!("true")),
            ("b", json!(1)),
            ("y", json!(256)),
            ("y", json!(-1)),
            ("i", json!(1.5)),
            ("i", json!("1")),
            ("u", json!(-1)),
            ("x", json!(u64::MAX)),
            ("d", json!("1")),
            ("o", json!("a b")),
            ("as", json!("a")),
            ("as", json!([1])),
            ("v", json!(null)),
            ("a{sv}", json!([])),
            ("(si)", json!(["a"])),
            ("(si)", json!(["a", 1, 2])),
        ] {
            assert!(as_variant(&value, &signature(of).unwrap()).is_err(), "{of} {value}");
        }
    }

    #[test]
    fn a_type_is_one_that_json_can_say() {
        for text in ["", "h", "ss", "g", "a", "a{is}", "(", "(s", "z", "a{vs}", "ah", &"a".repeat(40), "a{s(ih)}"] {
            assert!(signature(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_told_is_bounded() {
        let long = as_json(&Variant::from("é".repeat(10_000)));
        assert_eq!(long.as_str().unwrap().chars().count(), TEXT_MAX);
        let many = as_variant(&json!(vec!["a"; 10_000]), &signature("as").unwrap()).unwrap();
        assert_eq!(as_json(&many).as_array().unwrap().len(), ENTRIES_MAX);
        let mut deep = Variant::from(1);
        for _ in 0..100 {
            deep = Variant::Variant(Box::new(deep));
        }
        assert_eq!(as_json(&deep), json!("…"));
        let bytes = as_variant(&json!([1, 2, 255]), &signature("ay").unwrap()).unwrap();
        assert_eq!(as_json(&bytes), json!("AQL/"));
    }
}
