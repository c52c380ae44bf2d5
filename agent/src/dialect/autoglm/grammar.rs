//! What a reply may look like: a thought, then exactly one call. For models that can be held to a grammar.

/// Characters of a text that a call may bring: more than any field holds, and an end to what a model may go on about.
const TEXT_MAX: u32 = 2000;

/// A grammar in llguidance's dialect of Lark, for replies of so many tokens.
///
/// Every whole reply that it lets through is one that `read` understands. The thought may take half of the tokens, so that the
/// call has room. (What stands between the same two quotes has to be one text in all its alternatives: the longest is taken.)
pub fn grammar(tokens_max: u32) -> String {
    let thought = (tokens_max / 2).max(1);
    let text_max = TEXT_MAX.min(tokens_max);
    format!(
        r#"start: think? "\n"? answer
think: <think> thought </think>
thought[max_tokens={thought}]: /(.|\n)*/
answer: <answer> "\n"? call
call: "do(action=" do ")" | "finish(message=" TEXT ("," " "? "status=" STATUS)? ")"
do: "\"Launch\", app=" TEXT
  | "\"Tap\", element=" PLACE (", message=" TEXT)?
  | ("\"Long Press\"" | "\"Double Tap\"") ", element=" PLACE
  | ("\"Type\"" | "\"Type_Name\"") ", text=" LINES
  | ("\"Swipe\"" | "\"Drag\"") ", start=" PLACE ", end=" PLACE
  | ("\"Note\"" | "\"Interact\"" | "\"Take_over\"") (", message=" TEXT)?
  | "\"Call_API\", instruction=" TEXT
  | "\"Back\"" | "\"Home\""
  | "\"Wait\", duration=" SECONDS
PLACE: "[" NUMBER "," " "? NUMBER "]"
NUMBER: /[0-9]|[1-9][0-9]{{1,2}}/
TEXT: /"([^"\\\n\x00-\x1f]|\\["\\n]){{1,{text_max}}}"/
LINES: /"([^"\\\n\x00-\x1f]|\\["\\n]){{0,{text_max}}}"/
SECONDS: /"[1-9][0-9]? seconds"/
STATUS: /"(infeasible|done)"/
"#
    )
}
