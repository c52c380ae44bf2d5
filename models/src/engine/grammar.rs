//! What may be said next, by a grammar. llguidance does the work; here are its corners.

use llguidance::api::{StopReason, TopLevelGrammar};
use llguidance::toktrie::SimpleVob;
use llguidance::{Matcher, ParserFactory};
use serde_json::Value;
use toktrie_hf_tokenizers::ByteTokenizer;

use crate::request::Grammar;
use crate::tokenizer::{SHOWN, Tokenizer};

/// States of a grammar's regular expressions. Each takes up to 2 kB for as long as its answer is under way.
const LEXER_STATES_MAX: usize = 25_000;
/// Work that a grammar's regular expressions may take before the first token, in llguidance's measure: about half a second.
const LEXER_FUEL_MAX: u64 = 200_000;
/// And for each token, while other answers wait.
const STEP_FUEL_MAX: u64 = 100_000;

/// Makes constraints for one model's tokens.
pub struct Grammars {
    factory: ParserFactory,
    /// Marks that this model has no token for, and how a grammar has to say them then.
    marks: Vec<(String, String)>,
    /// The most characters of a text that a schema does not bound.
    string_max: Option<usize>,
}

/// What one reply may still say.
pub struct Constraint {
    matcher: Matcher,
}

impl Grammars {
    /// For a model with `rows` logits, whose replies end with `ends` and have room for `context` tokens with their prompts.
    ///
    /// # Errors
    /// What llguidance makes of the tokenizer.
    pub fn new(tokenizer: &Tokenizer, rows: usize, ends: &[u32], context: usize) -> Result<Grammars, String> {
        let mut tokens = ByteTokenizer::from_tokenizer(tokenizer.tokenizer().clone()).map_err(why)?;
        // What a folder's files say need not be so.
        let ends: Vec<u32> = ends.iter().copied().filter(|&end| (end as usize) < rows).collect();
        if !ends.is_empty() {
            tokens.set_eos_tokens(&ends);
        }
        let environment = tokens.into_tok_env(Some(rows)).map_err(why)?;
        let mut factory = ParserFactory::new_simple(&environment).map_err(why)?;
        factory.quiet();
        // What is wrong is said, and not how far the parser had come.
        factory.limits_mut().verbose_errors = false;
        factory.limits_mut().max_lexer_states = LEXER_STATES_MAX;
        factory.limits_mut().initial_lexer_fuel = LEXER_FUEL_MAX;
        factory.limits_mut().step_lexer_fuel = STEP_FUEL_MAX;
        let marks = SHOWN.iter().filter(|mark| !tokenizer.is_special(mark));
        let marks = marks.map(|mark| ((*mark).to_owned(), format!("\"{mark}\""))).collect();
        Ok(Grammars { factory, marks, string_max: (context <= SMALL_CONTEXT).then_some(context / 4) })
    }

    /// A constraint that holds from the first token of a reply on.
    ///
    /// # Errors
    /// What is wrong with the grammar, for whoever wrote it.
    pub fn constraint(&self, grammar: &Grammar) -> Result<Constraint, String> {
        let grammar = match grammar {
            Grammar::Lark(text) => TopLevelGrammar::from_lark(self.spell_marks(text)),
            Grammar::Schema(schema) => TopLevelGrammar::from_json_schema(bounded(schema, self.string_max)),
            Grammar::Regex(expression) => TopLevelGrammar::from_regex(expression),
        };
        let mut constraint = Constraint { matcher: Matcher::new(self.factory.create_parser(grammar)) };
        constraint.check_limits()?;
        // Some limits show only when the first token is looked for.
        if !constraint.is_over() {
            constraint.matcher.compute_mask().map_err(why)?;
        }
        Ok(constraint)
    }

    /// Marks of thought and answer are tokens for some models and five letters between signs for others.
    fn spell_marks(&self, lark: &str) -> String {
        self.marks.iter().fold(lark.to_owned(), |text, (mark, spelled)| text.replace(mark, spelled))
    }
}

/// Between two tokens of JSON: a space, or a line break and an indent. A model may write any white space there for ever.
const SPACE: &str = r"\x20|\n\x20{0,16}";

/// The most tokens of a context that is small. A model that has one is small too, and does not find the end of a text by itself: JSON
/// that is cut off by the context can be read by nobody. So a text may have a character for every fourth token of the context, and
/// two or three of them fit even where each character is a token. A larger model is not bounded, as it may mean a long text.
const SMALL_CONTEXT: usize = 4096;

/// A schema whose JSON comes to an end, unless it says itself how it is to be written (`x-guidance`): without endless white space, and
/// without fields that it does not name. Schemas allow any other field where they do not forbid it; nobody who lists fields
/// means that, and a small model goes on with them for ever.
fn bounded(schema: &Value, string_max: Option<usize>) -> Value {
    let mut schema = match schema {
        Value::Bool(true) => serde_json::json!({}),
        other => other.clone(),
    };
    if schema.get("x-guidance").is_none() {
        close_objects(&mut schema);
        if let Some(most) = string_max {
            bound_strings(&mut schema, most);
        }
        if let Some(fields) = schema.as_object_mut() {
            fields.insert("x-guidance".to_owned(), serde_json::json!({ "whitespace_pattern": SPACE }));
        }
    }
    schema
}

/// Forbids other fields wherever fields are listed and nothing is said of others. Parts of an `allOf` each list some of one object's
/// fields, and stay as they are.
pub fn close_objects(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    let open = ["additionalProperties", "unevaluatedProperties", "patternProperties", "allOf", "$ref"];
    let listed = fields.get("properties").is_some_and(Value::is_object);
    if listed && !open.iter().any(|name| fields.contains_key(*name)) {
        fields.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    for (name, value) in fields.iter_mut() {
        match (name.as_str(), value) {
            ("properties" | "$defs" | "definitions", Value::Object(named)) => {
                named.values_mut().for_each(close_objects)
            }
            ("anyOf" | "oneOf" | "prefixItems", Value::Array(list)) => list.iter_mut().for_each(close_objects),
            ("items" | "additionalProperties", one @ Value::Object(_)) => close_objects(one),
            _ => {}
        }
    }
}

/// Bounds the texts of a schema that says nothing of their length or form.
fn bound_strings(schema: &mut Value, most: usize) {
    let Some(fields) = schema.as_object_mut() else { return };
    let said = ["maxLength", "pattern", "format", "enum", "const", "$ref", "allOf", "anyOf", "oneOf", "not"];
    let text = match fields.get("type") {
        Some(Value::String(kind)) => kind == "string",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "string"),
        _ => false,
    };
    let least = fields.get("minLength").map_or(Some(0), Value::as_u64);
    if text && !said.iter().any(|name| fields.contains_key(*name)) && least.is_some_and(|least| least <= most as u64) {
        fields.insert("maxLength".to_owned(), most.into());
    }
    for (name, value) in fields.iter_mut() {
        match (name.as_str(), value) {
            ("properties" | "patternProperties" | "$defs" | "definitions", Value::Object(named)) => {
                named.values_mut().for_each(|one| bound_strings(one, most));
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(list)) => {
                list.iter_mut().for_each(|one| bound_strings(one, most));
            }
            ("items" | "additionalProperties", one @ Value::Object(_)) => bound_strings(one, most),
            _ => {}
        }
    }
}

/// What is wrong, for whoever wrote the grammar. Where llguidance says no more than the name of its reason, in words.
fn why(error: impl std::fmt::Display) -> String {
    let said = error.to_string().replace("<non-verbose/>", "").trim().to_owned();
    let reasons = [
        StopReason::NoExtension,
        StopReason::NoExtensionBias,
        StopReason::LexerTooComplex,
        StopReason::ParserTooComplex,
        StopReason::MaxTokensTotal,
        StopReason::MaxTokensParser,
        StopReason::InternalError,
    ];
    let reason = reasons.into_iter().find(|reason| reason.to_string() == said);
    reason.map_or(said, |reason| in_words(reason).to_owned())
}

fn in_words(reason: StopReason) -> &'static str {
    match reason {
        StopReason::NoExtension | StopReason::NoExtensionBias => {
            "no text fits it: a rule, or a schema's $ref, leads back to itself and to nothing else, or its parts contradict each other; \
             give what leads back another way to end"
        }
        StopReason::LexerTooComplex => "its regular expressions are more than can be followed; make them simpler",
        StopReason::ParserTooComplex => "it is more than can be followed; make it simpler",
        StopReason::MaxTokensTotal | StopReason::MaxTokensParser => "it allows no more tokens",
        StopReason::NotStopped | StopReason::EndOfSentence | StopReason::InternalError | StopReason::Cancelled => {
            "it could not be followed, and nobody can tell why; make it simpler"
        }
    }
}

/// Whether a grammar could be followed, by what llguidance says of it. Today it has an error for each reason that is none of a good end;
/// a reason without one would make an answer that was cut off look like a whole one.
fn check_stop_reason(error: Option<String>, reason: StopReason) -> Result<(), String> {
    match error {
        Some(error) => Err(why(error)),
        None if reason.is_ok() => Ok(()),
        None => Err(in_words(reason).to_owned()),
    }
}

impl Constraint {
    /// The tokens that have to follow, which are taken as said.
    ///
    /// # Errors
    /// As `mask`.
    pub fn forced_tokens(&mut self) -> Result<Vec<u32>, String> {
        let forced = self.matcher.consume_ff_tokens();
        self.check_limits().map(|()| forced)
    }

    /// A grammar that went beyond its limits is over as well, but it has not been followed to its end.
    fn check_limits(&self) -> Result<(), String> {
        check_stop_reason(self.matcher.get_error(), self.matcher.stop_reason())
    }

    /// Makes the logits of what may not follow minus infinity.
    ///
    /// # Errors
    /// What llguidance gave up on: a grammar may be more than it can follow.
    pub fn mask(&mut self, logits: &mut [f32]) -> Result<(), String> {
        let allowed: SimpleVob = self.matcher.compute_mask().map_err(why)?;
        let mut bits = allowed.as_slice().iter();
        for part in logits.chunks_mut(32) {
            let word = bits.next().copied().unwrap_or(0);
            if word == u32::MAX {
                continue;
            }
            for (bit, logit) in part.iter_mut().enumerate() {
                if word & (1 << bit) == 0 {
                    *logit = f32::NEG_INFINITY;
                }
            }
        }
        Ok(())
    }

    /// Takes a token that was chosen.
    ///
    /// # Errors
    /// As `mask`.
    pub fn accept(&mut self, token: u32) -> Result<(), String> {
        self.matcher.consume_token(token).map_err(why)?;
        self.check_limits()
    }

    /// Whether nothing can follow.
    pub fn is_over(&self) -> bool {
        self.matcher.is_stopped()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A schema or a grammar that leads back to itself, and to nothing else, is told what is wrong with it, and not a name out of
    /// llguidance.
    #[test]
    fn what_no_text_fits_is_refused_in_words() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("mini");
        let tokenizer = Tokenizer::open(&folder).unwrap();
        let rows = tokenizer.highest() as usize + 1;
        let grammars = Grammars::new(&tokenizer, rows, &[], 2048).unwrap();
        let lark = |text: &str| Grammar::Lark(text.to_owned());
        for grammar in [
            Grammar::Schema(json!({"$ref": "#"})),
            Grammar::Schema(json!({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}})),
            Grammar::Schema(json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]})),
            lark("start: start"),
            lark("start: a\na: b\nb: a"),
            lark("start: a | b\na: b\nb: a"),
        ] {
            let why = grammars.constraint(&grammar).map(|_| ()).unwrap_err();
            assert!(why.contains("leads back to itself"), "{grammar:?}: {why}");
        }
        // What leads back and also ends is none of these.
        for grammar in [
            Grammar::Schema(json!({"anyOf": [{"$ref": "#"}, {"type": "integer"}]})),
            Grammar::Schema(json!({"type": "object", "properties": {"child": {"$ref": "#"}}})),
            lark("start: \"a\" start | \"b\""),
        ] {
            assert_eq!(grammars.constraint(&grammar).map(|_| ()), Ok(()), "{grammar:?}");
        }
        for reason in [StopReason::NoExtensionBias, StopReason::InternalError, StopReason::ParserTooComplex] {
            assert!(why(reason).contains(' '), "{reason}: {}", why(reason));
        }
    }

    #[test]
    fn only_what_was_followed_to_a_good_end_is_over() {
        for reason in [StopReason::NotStopped, StopReason::EndOfSentence, StopReason::NoExtension] {
            assert_eq!(check_stop_reason(None, reason), Ok(()), "{reason}");
            assert_eq!(
                check_stop_reason(Some("<non-verbose/>bad".to_owned()), reason),
                Err("bad".to_owned()),
                "{reason}"
            );
        }
        for (reason, expected) in [
            (StopReason::LexerTooComplex, "its regular expressions are more than can be followed; make them simpler"),
            (StopReason::ParserTooComplex, "it is more than can be followed; make it simpler"),
            (StopReason::MaxTokensTotal, "it allows no more tokens"),
            (StopReason::InternalError, "it could not be followed, and nobody can tell why; make it simpler"),
            (StopReason::Cancelled, "it could not be followed, and nobody can tell why; make it simpler"),
        ] {
            assert_eq!(check_stop_reason(None, reason).unwrap_err(), expected, "{reason}");
        }
    }

    #[test]
    fn texts_that_nobody_bounds_are_bounded_where_they_stand() {
        for (schema, expected) in [
            (json!({"type": "string"}), json!({"type": "string", "maxLength": 9})),
            (json!({"type": ["string", "null"]}), json!({"type": ["string", "null"], "maxLength": 9})),
            (json!({"type": "string", "maxLength": 70}), json!({"type": "string", "maxLength": 70})),
            (json!({"type": "string", "minLength": 12}), json!({"type": "string", "minLength": 12})),
            (json!({"type": "string", "enum": ["a"]}), json!({"type": "string", "enum": ["a"]})),
            (json!({"type": "string", "pattern": "a+"}), json!({"type": "string", "pattern": "a+"})),
            (
                json!({"properties": {"type": {"type": "string"}}, "$defs": {"A": {"items": {"type": "string"}}}}),
                json!({"properties": {"type": {"type": "string", "maxLength": 9}}, "$defs": {"A": {"items": {"type": "string", "maxLength": 9}}}}),
            ),
            (
                json!({"anyOf": [{"type": "string"}, {"type": "integer"}], "additionalProperties": {"type": "string"}}),
                json!({"anyOf": [{"type": "string", "maxLength": 9}, {"type": "integer"}], "additionalProperties": {"type": "string", "maxLength": 9}}),
            ),
        ] {
            let mut found = schema.clone();
            bound_strings(&mut found, 9);
            assert_eq!(found, expected, "{schema}");
        }
    }

    #[test]
    fn objects_that_list_their_fields_have_no_others() {
        let inner = json!({"type": "object", "properties": {"b": {}}});
        let closed = json!({"type": "object", "properties": {"b": {}}, "additionalProperties": false});
        for (schema, expected) in [
            (inner.clone(), closed.clone()),
            (json!({"type": "object"}), json!({"type": "object"})),
            (
                json!({"properties": {"a": inner}, "additionalProperties": {"type": "string"}}),
                json!({"properties": {"a": closed}, "additionalProperties": {"type": "string"}}),
            ),
            (json!({"$ref": "#/$defs/A", "$defs": {"A": inner}}), json!({"$ref": "#/$defs/A", "$defs": {"A": closed}})),
            (json!({"allOf": [inner], "properties": {"a": {}}}), json!({"allOf": [inner], "properties": {"a": {}}})),
            (
                json!({"anyOf": [inner, {"type": "null"}], "items": inner}),
                json!({"anyOf": [closed, {"type": "null"}], "items": closed}),
            ),
            // A field may be called as a word of the schema's.
            (
                json!({"properties": {"properties": {"type": "string"}}}),
                json!({"properties": {"properties": {"type": "string"}}, "additionalProperties": false}),
            ),
        ] {
            let mut found = schema.clone();
            close_objects(&mut found);
            assert_eq!(found, expected, "{schema}");
        }
    }
}
