//! What a reply may look like: a thought, then exactly one call. For models that can be held to a grammar.

use tapwright_contract::gesture::Abilities;

/// Characters of a text that a call may bring: more than any field holds, and an end to what a model may go on about.
const TEXT_MAX: u32 = 2000;

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

/// A grammar in llguidance's dialect of Lark, for replies of so many tokens, with the verbs that the device can do.
///
/// Every whole reply that it lets through is one that `read` understands. The thought may take half of the tokens, so that the
/// call has room. (What stands between the same two quotes has to be one text in all its alternatives: the longest is taken.)
pub fn grammar(tokens_max: u32, abilities: Abilities) -> String {
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
    let call = Some(r#""\"Call_API\", instruction=" TEXT"#.to_owned());
    let keys = verbs(&["Back", "Home"]).map(|verbs| verbs.trim_matches(['(', ')']).to_owned());
    let wait = Some(r#""\"Wait\", duration=" SECONDS"#.to_owned());
    let all = [launch, tap, press, entry, moves, words, call, keys, wait];
    let alternatives = all.into_iter().flatten().collect::<Vec<_>>().join("\n  | ");
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
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_can_do_all_is_offered_what_the_model_was_taught() {
        let whole = grammar(300, Abilities::PHONE);
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
        let part = grammar(300, few);
        for verb in cannot_say(few) {
            assert!(!part.contains(&format!("\"{verb}\\")), "{verb}\n{part}");
        }
        assert!(part.contains(r#"  | "\"Swipe\"" ", start=" PLACE"#), "{part}");
        assert!(part.contains(r#"do: "\"Tap\", element=" PLACE"#), "{part}");
    }
}
