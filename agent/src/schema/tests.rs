//! Schemas and arguments, and what is said of them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use values::values;

#[path = "../../tests/common/values.rs"]
mod values;

const fn never(_: &str) -> bool {
    false
}

fn object(properties: Value) -> Value {
    json!({ "type": "object", "properties": properties })
}

#[test]
fn schemas_that_are_not_used() {
    let mut deep = json!({ "type": "string" });
    for _ in 0..12 {
        deep = object(json!({ "a": deep }));
    }
    let mut bottomless = json!(1);
    for _ in 0..100 {
        bottomless = json!([bottomless]);
    }
    for (schema, words) in [
        (json!({ "type": "string" }), "arguments are an object"),
        (json!([]), "a schema is an object"),
        (json!({}), "arguments are an object"),
        (object(json!({ "a": { "type": "text" } })), "/properties/a/type: it is a type of JSON"),
        (object(json!({ "a": { "$ref": "#/x" } })), "/properties/a/$ref: there is no \"#/x\" in this schema"),
        (
            object(json!({ "a": { "$ref": "https://x.example/y" } })),
            "/properties/a/$ref: only definitions of the same schema",
        ),
        (object(json!({ "a": { "$ref": "#", "description": "again" } })), "it comes back to itself"),
        (
            object(json!({ "a": { "$ref": "#/properties/b" }, "b": { "$ref": "#/properties/a" } })),
            "it comes back to itself",
        ),
        (
            object(json!({ "a": { "$ref": "#/properties/b", "minLength": 1 }, "b": {} })),
            "\"minLength\" beside a reference",
        ),
        (laughing(), "it has more than 2000 parts"),
        (object(json!({ "a": { "allOf": [{}, {}] } })), "/properties/a/allOf: only one schema"),
        (object(json!({ "a": { "uniqueItems": 1 } })), "it is true or false"),
        (object(json!({ "a": { "exclusiveMinimum": true } })), "it is a number"),
        (object(json!({ "a": { "not": {} } })), "/properties/a/not: this word is not known"),
        (object(json!({ "a": { "pattern": "(" } })), "this regular expression is not known"),
        (object(json!({ "a": { "pattern": "(?=x)" } })), "this regular expression is not known"),
        (object(json!({ "a": { "pattern": "(((a{1000}){1000}){1000})" } })), "this regular expression is not known"),
        (object(json!({ "a": { "enum": [] } })), "it is a list of values"),
        (object(json!({ "a": { "enum": [2], "const": 1 } })), "no value in common"),
        (object(json!({ "a": { "minLength": -1 } })), "it is a count"),
        (json!({ "type": "object", "properties": {}, "required": ["b"] }), "\"b\" is required"),
        (json!({ "type": "object", "additionalProperties": 3 }), "/additionalProperties: a schema is an object"),
        (object(json!({ "a": { "description": "x".repeat(20_000) } })), "longer than 16384 bytes"),
        (deep, "deeper than 8 levels"),
        (json!({ "type": "object", "default": bottomless }), "nested too deep"),
    ] {
        let error = Schema::of_object(&schema).expect_err(&schema.to_string()).to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
}

/// Seven definitions, each of which names the next one eight times.
fn laughing() -> Value {
    let mut definitions = Map::new();
    for nth in 0..7 {
        let next = json!({ "$ref": format!("#/$defs/d{}", nth + 1) });
        let fields = (0..8).map(|field| (format!("f{field}"), next.clone()));
        definitions.insert(format!("d{nth}"), object(Value::Object(fields.collect())));
    }
    definitions.insert("d7".to_owned(), json!({ "type": "string" }));
    json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/d0" } }, "$defs": definitions })
}

/// What the libraries write that servers are made with: definitions, choices, open fields.
#[test]
fn schemas_of_libraries_are_read() {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#", "title": "Arguments", "type": "object",
        "$defs": {
            "Kind": { "enum": ["file", "folder"], "type": "string", "title": "Kind" },
            "Place": { "type": "object", "properties": { "kind": { "$ref": "#/$defs/Kind" } }, "required": ["kind"] },
        },
        "properties": {
            "place": { "$ref": "#/$defs/Place", "description": "where", "default": null },
            "kind": { "allOf": [{ "$ref": "#/$defs/Kind" }], "default": "file" },
            "either": { "oneOf": [{ "type": "integer" }, { "type": "number", "minimum": 10 }] },
            "ratio": { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 },
            "above": { "type": "number", "exclusiveMinimum": 0 },
            "names": { "type": "array", "items": { "type": "string" }, "uniqueItems": true },
            "counts": { "type": "object", "additionalProperties": { "type": "integer" } },
            "any": { "type": "object", "additionalProperties": {} },
        },
        "additionalProperties": false, "x-mcp-header": true,
    });
    let schema = Schema::of_object(&schema).unwrap();
    for fits in [
        json!({ "place": { "kind": "file" }, "kind": "folder", "either": 3, "ratio": 0.5, "above": 7 }),
        json!({ "either": 10.5, "names": ["a", "b"], "counts": { "x": 1 }, "any": { "y": [1] } }),
    ] {
        assert_eq!(schema.check(&fits, never), Ok(()), "{fits}");
    }
    for (wrong, words) in [
        (json!({ "place": { "kind": "x" } }), "/place/kind: expected one of \"file\" | \"folder\""),
        (json!({ "kind": "x" }), "/kind: expected one of"),
        (json!({ "either": 12 }), "/either: expected what fits only one of: integer or number"),
        (json!({ "either": "x" }), "/either: expected integer or number"),
        (json!({ "ratio": 1 }), "/ratio: expected a number above 0 and below 1"),
        (json!({ "above": 0 }), "/above: expected a number above 0"),
        (json!({ "names": ["a", "a"] }), "/names: expected no item twice"),
        (json!({ "counts": { "x": "1" } }), "/counts/x: expected integer"),
        (json!({ "other": 1 }), "/other: expected one of the names"),
    ] {
        let error = schema.check(&wrong, never).expect_err(words).to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
    let grammar = schema.for_grammar();
    assert_eq!(grammar["properties"]["counts"]["additionalProperties"], json!({ "type": ["integer"] }));
    assert_ne!(grammar["properties"]["any"]["additionalProperties"], json!(false));
    assert_eq!(grammar["additionalProperties"], json!(false));
}

#[test]
fn arguments_that_do_not_fit() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "mail", "type": "object",
        "properties": {
            "to": { "type": "string", "minLength": 1, "maxLength": 10, "description": "who" },
            "copies": { "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 2 },
            "urgency": { "enum": ["low", "high", 3] },
            "count": { "type": "integer", "minimum": 1, "maximum": 5 },
            "size": { "type": "number" },
            "code": { "type": "string", "pattern": "^[a-z]{2}$" },
            "note": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
            "flag": { "type": ["boolean", "null"] },
            "where": { "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] },
            "more": { "type": "object" },
        },
        "required": ["to"],
    });
    let schema = Schema::of_object(&schema).unwrap();
    let check = |more: Value| {
        let mut arguments = json!({ "to": "Anna" });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        schema.check(&arguments, never).map_err(|mismatch| mismatch.to_string())
    };
    for fits in [
        json!({}),
        json!({ "copies": ["a", "b"], "urgency": "low", "count": 5, "size": 2, "code": "de" }),
        json!({ "urgency": 3.0, "count": 2.0, "note": null, "flag": null, "where": { "city": "Oslo" } }),
        json!({ "note": "x", "flag": true, "size": -1.5e300, "more": { "any": [1, { "thing": null }] } }),
        json!({ "to": "十个字的名字也可以的" }),
    ] {
        assert_eq!(check(fits.clone()), Ok(()), "{fits}");
    }
    for (wrong, said) in [
        (json!({ "to": "" }), "/to: expected 1 to 10 characters, got \"\""),
        (json!({ "to": "Anna and Bob" }), "/to: expected 1 to 10 characters"),
        (json!({ "to": null }), "/to: expected string, got null"),
        (json!({ "copies": [] }), "/copies: expected 1 to 2 items"),
        (json!({ "copies": ["a", 2] }), "/copies/1: expected string, got 2"),
        (json!({ "urgency": "LOW" }), "/urgency: expected one of \"low\" | \"high\" | 3, got \"LOW\""),
        (json!({ "count": 1.5 }), "/count: expected integer, got 1.5"),
        (json!({ "count": "1" }), "/count: expected integer, got \"1\""),
        (json!({ "count": 6 }), "/count: expected a number, 1 to 5, got 6"),
        (json!({ "code": "DE" }), "/code: expected a text like ^[a-z]{2}$, got \"DE\""),
        (json!({ "note": 1 }), "/note: expected string or null, got 1"),
        (json!({ "flag": 0 }), "/flag: expected boolean or null, got 0"),
        (json!({ "where": {} }), "/where: expected city, as in {city: string}, got nothing of that name"),
        (json!({ "cc": "Bob" }), "/cc: expected one of the names to, copies, urgency"),
        (json!({ "more": [[[[[[[[1]]]]]]]] }), "at most 8 levels"),
    ] {
        let error = check(wrong.clone()).expect_err(&wrong.to_string());
        assert!(error.contains(said), "{wrong}: {error}");
    }
    assert!(
        schema.check(&json!({}), never).unwrap_err().to_string().contains("expected to, as in {to: string, copies?:")
    );
    assert!(schema.check(&json!("Anna"), never).is_err());
    // What will be another text is not measured.
    assert_eq!(schema.check(&json!({ "to": "a long placeholder" }), |text| text.contains("placeholder")), Ok(()));
}

/// Two words that both name values, and fields of which one of some is needed.
#[test]
fn words_that_say_something_together() {
    let read = |schema: Value| Schema::of_object(&object(json!({ "a": schema }))).unwrap();
    for schema in [json!({ "const": 1, "enum": [1, 2] }), json!({ "enum": [2, 1.0], "const": 1 })] {
        let schema = read(schema);
        assert_eq!(schema.check(&json!({ "a": 1 }), never), Ok(()));
        assert!(schema.check(&json!({ "a": 2 }), never).is_err(), "{schema:?}");
    }
    let either = json!({
        "type": "object",
        "properties": { "id": { "type": "integer" }, "name": { "type": "string" } },
        "anyOf": [{ "required": ["id"] }, { "required": ["name"] }],
    });
    let either = Schema::of_object(&either).unwrap();
    assert_eq!(either.check(&json!({ "id": 3 }), never), Ok(()));
    assert!(either.check(&json!({}), never).is_err());
    assert_eq!(
        either.for_grammar()["properties"],
        json!({ "id": { "type": ["integer"] }, "name": { "type": ["string"] } })
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a server says is a schema or is refused, and whatever a model says fits or is told.
    #[test]
    fn nothing_is_too_strange(schema in values(), value in values()) {
        let schema = match Schema::of_object(&schema) {
            Ok(schema) => schema,
            Err(_) => Schema::of_object(&json!({ "type": "object", "properties": { "a": { "enum": [schema] } } })).unwrap_or_default(),
        };
        if let Err(mismatch) = schema.check(&value, never) {
            prop_assert!(mismatch.to_string().len() < 1000);
        }
    }

    /// What a schema of values lets through are these values and no others.
    #[test]
    fn an_enumeration_is_its_values(one in values(), other in values()) {
        let schema = Schema::of_object(&object(json!({ "a": { "enum": [one.clone()] } })));
        prop_assume!(schema.is_ok());
        let schema = schema.unwrap();
        prop_assume!(depth(&one) < DEPTH_MAX && depth(&other) < DEPTH_MAX);
        prop_assert_eq!(schema.check(&json!({ "a": one.clone() }), never), Ok(()));
        prop_assert_eq!(schema.check(&json!({ "a": other.clone() }), never).is_ok(), is_same(&one, &other));
    }
}
