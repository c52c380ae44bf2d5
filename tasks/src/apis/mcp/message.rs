//! The messages of JSON-RPC as MCP has them: written, and read from bytes that anything may have sent.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

use super::Fault;
use crate::apis::described::one_line;

/// What came from a server.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    /// An answer to one of our requests.
    Answer { id: u64, result: Result<Value, Fault> },
    /// It wants something of us.
    Request { id: Value, method: String },
    /// It tells something.
    Notice { method: String },
    /// It is no message.
    Rubbish,
}

/// So many messages may come as one list.
const BATCH_MAX: usize = 100;
/// How deep in each other lists and objects may lie, below the 127 at which serde_json gives a whole message up. A schema that is nested
/// deeper than this is refused wherever it ends.
const LEVELS_MAX: usize = 100;
/// What stands where something was nested deeper.
const TOO_DEEP: &str = "(nested too deep, and not read)";
/// How much of an error's words is repeated.
const WORDS_MAX: usize = 300;
const METHOD_NOT_FOUND: i64 = -32601;

pub fn request(id: u64, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

pub fn notice(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}

/// What a server is answered that wants something: it may know that we are there, and nothing else.
pub fn answer(id: &Value, method: &str) -> String {
    match method {
        "ping" => json!({ "jsonrpc": "2.0", "id": id, "result": {} }),
        _ => {
            let error = json!({ "code": METHOD_NOT_FOUND, "message": "this client offers nothing but ping" });
            json!({ "jsonrpc": "2.0", "id": id, "error": error })
        }
    }
    .to_string()
}

/// Reads what came: a message, or a list of them.
pub fn read(bytes: &[u8]) -> Vec<Incoming> {
    match value(bytes) {
        Ok(Value::Array(several)) if several.len() <= BATCH_MAX => several.into_iter().map(one).collect(),
        Ok(value) => vec![one(value)],
        Err(_) => vec![Incoming::Rubbish],
    }
}

fn value(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut bytes = serde_json::Deserializer::from_slice(bytes);
    let value = BoundedValue { levels: LEVELS_MAX }.deserialize(&mut bytes)?;
    bytes.end().map(|()| value)
}

/// A value, but for what is nested too deep: one tool that is must not take all others with it.
#[derive(Clone, Copy)]
struct BoundedValue {
    levels: usize,
}

impl BoundedValue {
    /// What is within it; `None` if that is too deep.
    fn within(self) -> Option<BoundedValue> {
        Some(BoundedValue { levels: self.levels.checked_sub(1)? })
    }
}

impl<'de> DeserializeSeed<'de> for BoundedValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for BoundedValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let Some(within) = self.within() else {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(TOO_DEEP.into());
        };
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(within)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let Some(within) = self.within() else {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(TOO_DEEP.into());
        };
        let mut fields = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            fields.insert(key, object.next_value_seed(within)?);
        }
        Ok(Value::Object(fields))
    }
}

fn one(value: Value) -> Incoming {
    let Value::Object(mut fields) = value else { return Incoming::Rubbish };
    let id = fields.remove("id").filter(|id| !id.is_null());
    if let Some(Value::String(method)) = fields.remove("method") {
        return match id {
            Some(id) if id.is_string() || id.is_number() => Incoming::Request { id, method },
            Some(_) => Incoming::Rubbish,
            None => Incoming::Notice { method },
        };
    }
    // Some servers answer numbers as texts.
    let id = id.and_then(|id| id.as_u64().or_else(|| id.as_str()?.parse().ok()));
    match (id, fields.remove("result"), fields.remove("error")) {
        (Some(id), Some(result), None) => Incoming::Answer { id, result: Ok(result) },
        (Some(id), None, Some(error)) => Incoming::Answer { id, result: Err(fault(&error)) },
        _ => Incoming::Rubbish,
    }
}

fn fault(error: &Value) -> Fault {
    let message = error["message"].as_str().unwrap_or("it does not say what is wrong");
    Fault::Answered { code: error["code"].as_i64().unwrap_or_default(), message: one_line(message, WORDS_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_rubbish() {
        for bytes in [
            "",
            "Server started on stdio",
            "{",
            "3",
            "null",
            "{}",
            "[3]",
            r#"{"id": null, "result": 1}"#,
            r#"{"id": {}, "method": "ping"}"#,
            r#"{"id": 1}"#,
            r#"{"id": 1, "result": 1, "error": {}}"#,
            r#"{"id": -1, "result": 1}"#,
            r#"{"id": 1.5, "result": 1}"#,
            "\u{feff}{}",
        ] {
            assert_eq!(read(bytes.as_bytes()), [Incoming::Rubbish], "{bytes}");
        }
        assert_eq!(read(b"\xff\xfe"), [Incoming::Rubbish]);
        assert_eq!(read("[".repeat(100_000).as_bytes()), [Incoming::Rubbish]);
        assert_eq!(read(b"[]"), []);
    }

    #[test]
    fn messages_are_read() {
        let told = |id, result| Incoming::Answer { id, result: Ok(result) };
        assert_eq!(read(br#"{"jsonrpc":"2.0","id":3,"result":{"a":1}}"#), [told(3, json!({ "a": 1 }))]);
        assert_eq!(read(br#"[{"id":"4","result":null}]"#), [told(4, Value::Null)]);
        let refused = Fault::Answered { code: -32602, message: "no such tool".to_owned() };
        let error = br#"{"id":5,"error":{"code":-32602,"message":"no\n such\u001b tool"}}"#;
        assert_eq!(read(error), [Incoming::Answer { id: 5, result: Err(refused) }]);
        let asks = Incoming::Request { id: json!("x"), method: "ping".to_owned() };
        let tells = Incoming::Notice { method: "notifications/message".to_owned() };
        assert_eq!(read(br#"{"id":"x","method":"ping"}"#), [asks]);
        assert_eq!(read(br#"{"method":"notifications/message","params":{}}"#), [tells]);
        assert_eq!(answer_of("ping"), json!({ "jsonrpc": "2.0", "id": 7, "result": {} }));
        assert_eq!(answer_of("sampling/createMessage")["error"]["code"], METHOD_NOT_FOUND);
    }

    #[test]
    fn only_what_is_nested_too_deep_is_not_read() {
        let nested = |levels: usize, within: &str| {
            let lists = format!("{}{within}{}", "[".repeat(levels), "]".repeat(levels));
            let objects = format!("{}{within}{}", "{\"a\":".repeat(levels), "}".repeat(levels));
            [lists, objects]
        };
        // The message itself is a level.
        let answer = |of: &str| format!(r#"{{"id":1,"result":{of},"more":[1,-2,0.5,true,null,"x"]}}"#);
        for nested in nested(LEVELS_MAX - 1, "7") {
            let whole = serde_json::from_str(&nested).unwrap();
            assert_eq!(read(answer(&nested).as_bytes()), [Incoming::Answer { id: 1, result: Ok(whole) }]);
        }
        for deep in [LEVELS_MAX, 127, 200, 100_000].into_iter().flat_map(|levels| nested(levels, "7")) {
            let found = read(answer(&deep).as_bytes());
            let [Incoming::Answer { id: 1, result: Ok(result) }] = &found[..] else { panic!("{found:?}") };
            assert!(result.to_string().contains(TOO_DEEP), "{result}");
        }
        let plain = r#"{"a":[1,-2,0.5,true,null,"x\n",1e3,18446744073709551615,{}],"b":{"a":[]},"a":2}"#;
        assert_eq!(value(plain.as_bytes()).unwrap(), serde_json::from_str::<Value>(plain).unwrap());
        assert!(value(b"{} {}").is_err());
    }

    fn answer_of(method: &str) -> Value {
        serde_json::from_str(&answer(&json!(7), method)).unwrap()
    }

    #[test]
    fn words_of_others_are_one_line() {
        assert_eq!(one_line("a\n\tb\u{202e}c\u{1b}[2J", 20), "a bc[2J");
        assert_eq!(one_line(&"é".repeat(30), 10).chars().count(), 10);
        assert_eq!(one_line("  ", 10), "");
    }
}
