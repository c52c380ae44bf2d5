//! What a reply may look like: a thought, then exactly one call. For models that can be held to a grammar.

use tapwright_contract::gesture::Abilities;

use crate::calls::{ApiCatalog, INSTRUCTION};

/// Characters of a text that a call may bring: more than any field holds, and an end to what a model may go on about.
const TEXT_MAX: u32 = 2000;

/// How much the schemas of all APIs may be; of those beyond only that it is an object is demanded.
const SCHEMAS_BYTES: usize = 8 << 10;

/// Whether a device can do it.
type Can = fn(&Abilities) -> bool;

/// The verbs that need a device able to do them, as the model was taught them.
const VERBS: &[(&str, Can)] = &[
    ("Launch", |can| can.launch),
    ("Tap", |can| can.touch),
    ("Long Press", |can| can.touch),
    ("Double Tap", |can| can.touch),
    ("Swipe", |can| can.touch),
    ("Drag", |can| can.drag),
    ("Type", |can| can.replace),
    ("Type_Name", |can| can.replace),
    ("Back", |can| can.navigation),
    ("Home", |can| can.navigation),
];

/// The verbs that such a device cannot do.
pub fn cannot_say(abilities: Abilities) -> Vec<&'static str> {
    VERBS.iter().filter(|(_, can)| !can(&abilities)).map(|(verb, _)| *verb).collect()
}

/// A grammar in llguidance's dialect of Lark, for replies of so many tokens, with the verbs that the device can do and the APIs that there
/// are.
///
/// Every whole reply that it lets through is one that `read` understands. The thought may take half of the tokens, so that the
/// call has room. (What stands between the same two quotes has to be one text in all its alternatives: the longest is taken.)
pub fn grammar(tokens_max: u32, abilities: Abilities, apis: &ApiCatalog) -> String {
    let thought = (tokens_max / 2).max(1);
    let text_max = TEXT_MAX.min(tokens_max);
    let cannot = cannot_say(abilities);
    let verbs = |verbs: &[&str]| -> Option<String> {
        let verbs: Vec<String> =
            verbs.iter().filter(|verb| !cannot.contains(verb)).map(|verb| format!(r#""\"{verb}\"""#)).collect();
        match &verbs[..] {
            [] => None,
            [verb] => Some(verb.clone()),
            several => Some(format!("({})", several.join(" | "))),
        }
    };
    let launch = verbs(&["Launch"]).map(|_| r#""\"Launch\", app=" TEXT"#.to_owned());
    let tap = verbs(&["Tap"]).map(|_| r#""\"Tap\", element=" PLACE (", message=" TEXT)?"#.to_owned());
    let press = verbs(&["Long Press", "Double Tap"]).map(|verbs| format!(r#"{verbs} ", element=" PLACE"#));
    let entry = verbs(&["Type", "Type_Name"]).map(|verbs| format!(r#"{verbs} ", text=" LINES"#));
    let moves = verbs(&["Swipe", "Drag"]).map(|verbs| format!(r#"{verbs} ", start=" PLACE ", end=" PLACE"#));
    let words = Some(r#"("\"Note\"" | "\"Interact\"" | "\"Take_over\"") (", message=" TEXT)?"#.to_owned());
    let (call, objects) = calls(apis, text_max);
    let keys = verbs(&["Back", "Home"]).map(|verbs| verbs.trim_matches(['(', ')']).to_owned());
    let wait = Some(r#""\"Wait\", duration=" SECONDS"#.to_owned());
    let all = [launch, tap, press, entry, moves, words]
        .into_iter()
        .flatten()
        .chain(call)
        .chain([keys, wait].into_iter().flatten());
    let alternatives = all.collect::<Vec<_>>().join("\n  | ");
    format!(
        r#"start: think? "\n"? answer
think: <think> thought </think>
thought[max_tokens={thought}]: /(.|\n)*/
answer: <answer> "\n"? call
call: "do(action=" do ")" | "finish(message=" TEXT ("," " "? "status=" STATUS)? ")"
do: {alternatives}
PLACE: "[" NUMBER "," " "? NUMBER "]"
NUMBER: /[0-9]|[1-9][0-9]{{1,2}}/
TEXT: /"([^"\\\n\x00-\x1f]|\\["\\n]){{1,{text_max}}}"/
LINES: /"([^"\\\n\x00-\x1f]|\\["\\n]){{0,{text_max}}}"/
SECONDS: /"[1-9][0-9]? seconds"/
STATUS: /"(infeasible|done)"/
{objects}"#
    )
}

/// What follows `Call_API`, and the rules that it needs. Without an API it is for the notes, in any words.
fn calls(apis: &ApiCatalog, text_max: u32) -> (Vec<String>, String) {
    if apis.is_empty() {
        return (vec![r#""\"Call_API\", instruction=" TEXT"#.to_owned()], String::new());
    }
    let mut calls = vec![r#""\"Call_API\", instruction=" NAMED"#.to_owned()];
    let mut rules = String::new();
    // What was noted can still be asked for.
    let (mut plain, mut objects) = (vec!["Summarize ".to_owned()], 0);
    let mut bytes = 0;
    for (spec, schema) in apis.iter() {
        // Where plain words are enough they are what the model was taught.
        if schema.properties().eq([INSTRUCTION]) {
            plain.push(format!("{}: ", spec.name.replace('.', "\\.")));
            continue;
        }
        let mut object = schema.for_grammar();
        // A grammar that is too large would be refused as a whole, and with it every reply.
        bytes += object.to_string().len();
        if bytes > SCHEMAS_BYTES {
            object = serde_json::json!({ "type": "object" });
        }
        let form = serde_json::json!({ "item_separator": ", ", "key_separator": ": ", "whitespace_flexible": false });
        object["x-guidance"] = form;
        calls.push(format!(r#""\"Call_API\", name=\"{}\", arguments=" object_{objects}"#, spec.name));
        rules += &format!("object_{objects}: %json {object}\n");
        objects += 1;
    }
    let beginnings = plain.join("|");
    rules += &format!(r#"NAMED: /"({beginnings})([^"\\\n\x00-\x1f]|\\["\\n]){{1,{text_max}}}"/"#);
    rules += "\n";
    (calls, rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_can_do_all_is_offered_what_the_model_was_taught() {
        let whole = grammar(300, Abilities::PHONE, &ApiCatalog::default());
        assert!(cannot_say(Abilities::PHONE).is_empty());
        for line in [
            r#"do: "\"Launch\", app=" TEXT"#,
            r#"  | "\"Tap\", element=" PLACE (", message=" TEXT)?"#,
            r#"  | ("\"Long Press\"" | "\"Double Tap\"") ", element=" PLACE"#,
            r#"  | ("\"Type\"" | "\"Type_Name\"") ", text=" LINES"#,
            r#"  | ("\"Swipe\"" | "\"Drag\"") ", start=" PLACE ", end=" PLACE"#,
            r#"  | ("\"Note\"" | "\"Interact\"" | "\"Take_over\"") (", message=" TEXT)?"#,
            r#"  | "\"Call_API\", instruction=" TEXT"#,
            r#"  | "\"Back\"" | "\"Home\"""#,
            r#"  | "\"Wait\", duration=" SECONDS"#,
            r#"TEXT: /"([^"\\\n\x00-\x1f]|\\["\\n]){1,300}"/"#,
        ] {
            assert!(whole.lines().any(|found| found == line), "{line}\n{whole}");
        }
    }

    #[test]
    fn what_a_device_cannot_do_is_not_offered() {
        let few = Abilities { drag: false, navigation: false, launch: false, replace: false, ..Abilities::PHONE };
        assert_eq!(cannot_say(few), ["Launch", "Drag", "Type", "Type_Name", "Back", "Home"]);
        let part = grammar(300, few, &ApiCatalog::default());
        for verb in cannot_say(few) {
            assert!(!part.contains(&format!("\"{verb}\\")), "{verb}\n{part}");
        }
        assert!(part.contains(r#"  | "\"Swipe\"" ", start=" PLACE"#), "{part}");
        assert!(part.contains(r#"do: "\"Tap\", element=" PLACE"#), "{part}");
    }
}
