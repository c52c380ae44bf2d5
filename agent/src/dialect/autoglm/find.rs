//! Finds the thought and the call in a reply.

use super::verb::{act, finish, names_an_action};
use crate::action::Call;
use crate::calls::ApiCatalog;
use crate::dialect::value::{Quoting, Reader, Syntax, TOKEN_BYTES, Value, is_blank, token};
use crate::dialect::words::{excerpt, unclear};
use crate::dialect::{ParsedReply, Unclear};
use crate::work::looked_at;

/// How many calls of one reply are looked at.
const CALLS_MAX: usize = 32;

/// Understands a reply.
pub fn read(reply: &str, cut: bool, apis: &ApiCatalog) -> ParsedReply {
    let (thought, answer) = split(reply);
    if let Some(answer) = answer {
        let chosen =
            inner(answer, cut, apis).and_then(|inner| choose(inner, cut, apis)).or_else(|| choose(answer, cut, apis));
        let thought = clean(thought);
        return match chosen {
            Some(chosen) => ParsedReply { thought, call: chosen.call, rest: Vec::new(), more: chosen.more },
            None => ParsedReply { thought, call: Err(no_call(answer, cut)), rest: Vec::new(), more: false },
        };
    }
    match choose(thought, cut, apis) {
        Some(chosen) => {
            let before = &thought[..chosen.start];
            let thought = if is_filler(before) { String::new() } else { clean(before) };
            ParsedReply { thought, call: chosen.call, rest: Vec::new(), more: chosen.more }
        }
        None => ParsedReply { thought: clean(thought), call: Err(no_call("", cut)), rest: Vec::new(), more: false },
    }
}

/// What follows another `<answer>` of an answer, but for one that stands in a text to be typed.
fn inner<'a>(answer: &'a str, cut: bool, apis: &ApiCatalog) -> Option<&'a str> {
    let at = answer.find("<answer>")?;
    let typed = candidates(answer, cut, apis).iter().any(|call| (call.start..call.end).contains(&at));
    (!typed).then(|| &answer[at + "<answer>".len()..])
}

/// Thought and answer, where tags tell them apart; otherwise everything, and no answer.
fn split(reply: &str) -> (&str, Option<&str>) {
    let body = skip_blank(reply);
    let thinks = body.strip_prefix("<think>");
    if thinks.is_none() && next_call(body, 0).is_some_and(|(start, ..)| is_filler(&body[..start])) {
        return ("", Some(body)); // Any tags that follow may stand in a text to be typed.
    }
    let tag = match thinks {
        Some(rest) if rest.contains("</think>") => "</think>",
        Some(_) => "<answer>",
        None if before(body, "</think>", "<answer>") => "</think>",
        None => "<answer>",
    };
    let body = thinks.unwrap_or(body);
    match body.split_once(tag) {
        Some((thought, answer)) => (thought, Some(answer)),
        None => (body, None),
    }
}

fn before(text: &str, first: &str, second: &str) -> bool {
    match (text.find(first), text.find(second)) {
        (Some(first), Some(second)) => first < second,
        (first, _) => first.is_some(),
    }
}

fn clean(thought: &str) -> String {
    let thought =
        ["<think>", "</think>", "<answer>", "</answer>"].iter().fold(thought.to_owned(), |t, tag| t.replace(tag, ""));
    thought.trim_matches(is_blank).to_owned()
}

/// A thought without special tokens, such as `<|begin_of_box|>`: they are the decoder's, and would go back to the model as words.
pub fn without_marks(thought: &str) -> String {
    let mut clean = String::with_capacity(thought.len());
    let mut rest = thought;
    // From where a token ends: what is taken out can put another one together.
    while let Some((before, after)) = rest.split_once("|>") {
        clean.push_str(before);
        let from = clean.floor_char_boundary(clean.len().saturating_sub(TOKEN_BYTES));
        let opens = clean[from..].rfind("<|").map(|at| from + at);
        let opens = opens.filter(|at| token(&format!("{}|>", &clean[*at..])).is_some());
        match opens {
            Some(at) => clean.truncate(at),
            None => clean.push_str("|>"),
        }
        rest = after;
    }
    clean.push_str(rest);
    clean.trim_matches(is_blank).to_owned()
}

fn no_call(answer: &str, cut: bool) -> Unclear {
    if cut {
        return unclear(
            "the reply was too long and was cut off before its action; think in one short sentence, then write one action",
        );
    }
    let example = "write one action after the thought, for example do(action=\"Tap\", element=[500,500])";
    if answer.contains(['{', '[']) {
        return unclear(format!("the action cannot be read; {example}"));
    }
    unclear(format!("the reply has no action; {example} or finish(message=\"…\")"))
}

struct FoundCall {
    /// Where the call begins.
    start: usize,
    call: Result<Call, Unclear>,
    more: bool,
}

struct Candidate {
    start: usize,
    end: usize,
    finishes: bool,
    call: Result<Call, Unclear>,
}

/// The call that a text means: the first one if the text begins with it, otherwise the first of the last few that
/// stand together, because prose mentions what it does not want before it says what it wants.
fn choose(text: &str, cut: bool, apis: &ApiCatalog) -> Option<FoundCall> {
    let mut candidates = candidates(text, cut, apis);
    if candidates.is_empty() {
        candidates.extend(json(text, cut, apis));
    }
    let group_ends = |at: usize, candidates: &[Candidate]| {
        let mut end = at + 1;
        while end < candidates.len() && is_filler(&text[candidates[end - 1].end..candidates[end].start]) {
            end += 1;
        }
        end
    };
    let first = candidates.first()?;
    let mut range = 0..group_ends(0, &candidates);
    if !is_filler(&text[..first.start]) {
        let mut at = 0;
        let mut found = None;
        while at < candidates.len() {
            let end = group_ends(at, &candidates);
            let after = candidates.get(end).map_or(text.len(), |next| next.start);
            // Prose that goes on after `finish(…)` only talks about finishing.
            if !candidates[at].finishes || is_filler(&text[candidates[end - 1].end..after]) {
                found = Some(at..end);
            }
            at = end;
        }
        range = found?;
    }
    let more = range.len() > 1;
    let candidate = candidates.swap_remove(range.start);
    Some(FoundCall { start: candidate.start, call: candidate.call, more })
}

/// All calls of a text, in order, also those that cannot be read.
fn candidates(text: &str, cut: bool, apis: &ApiCatalog) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut from = 0;
    while found.len() < CALLS_MAX
        && let Some((start, open, finishes)) = next_call(text, from)
    {
        let (end, call) = parse(text, open, finishes, cut, apis);
        found.push(Candidate { start, end, finishes, call });
        from = end;
    }
    found
}

/// Reads the call whose parenthesis opens before `open`. A call that cannot be read takes all the rest with it: what
/// looks like a call there may be a piece of a text that was to be typed.
fn parse(text: &str, open: usize, finishes: bool, cut: bool, apis: &ApiCatalog) -> (usize, Result<Call, Unclear>) {
    let mut first = None;
    for quoting in [Quoting::Strict, Quoting::Lenient] {
        let mut reader = Reader::new(text, open, quoting);
        match reader.arguments(!cut) {
            Ok(arguments) if finishes => return (reader.at(), Ok(finish(arguments))),
            Ok(arguments) => return (reader.at(), act(arguments, apis)),
            Err(syntax) => first = first.or(Some(syntax)),
        }
    }
    let syntax = first.unwrap_or(Syntax { at: open, unfinished: true });
    (text.len(), Err(unreadable(text, syntax, cut)))
}

fn unreadable(text: &str, syntax: Syntax, cut: bool) -> Unclear {
    let example = "write for example do(action=\"Tap\", element=[500,500]) or do(action=\"Type\", text=\"hello\")";
    match syntax.unfinished {
        true if cut => no_call("", true),
        true => unclear(format!("the action is not complete; {example}")),
        false => unclear(format!("the action cannot be read at {:?}; {example}", excerpt(&text[syntax.at..]))),
    }
}

/// The next `do(` or `finish(` that is not prose: its start, the place after its parenthesis, and whether it finishes.
fn next_call(text: &str, from: usize) -> Option<(usize, usize, bool)> {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        looked_at(1);
        let word = ["do", "finish"].into_iter().find(|word| {
            bytes.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
        });
        let in_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
        if let Some(word) = word
            && !in_word
        {
            let rest = text[at + word.len()..].trim_start_matches(is_blank);
            if let Some(arguments) = rest.strip_prefix(['(', '（'])
                && is_meant(arguments, word)
            {
                return Some((at, text.len() - arguments.len(), word == "finish"));
            }
        }
        at += 1;
    }
    None
}

/// Whether what follows a parenthesis is arguments, and not prose: `what to do (maybe later)`.
fn is_meant(arguments: &str, word: &str) -> bool {
    let rest = skip_blank(arguments);
    let name = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let named = name > 0 && rest[name..].trim_start_matches(is_blank).starts_with(['=', ':', '＝', '：']);
    named
        || rest.starts_with(['"', '\'', '“', '‘', '＂', '「', '{'])
        || (word == "finish" && rest.starts_with([')', '）']))
}

/// A call that is written as JSON.
fn json(text: &str, cut: bool, apis: &ApiCatalog) -> Option<Candidate> {
    let start = text.find('{')?;
    let mut failed = None;
    for quoting in [Quoting::Strict, Quoting::Lenient] {
        let mut reader = Reader::new(text, start, quoting);
        match reader.map(0) {
            Ok(map) if names_an_action(&map) => {
                let end = reader.at();
                let finishes = map.iter().any(|(_, value)| matches!(value, Value::Text(text) if text == "finish"));
                let arguments = crate::dialect::value::Arguments { named: map, ..Default::default() };
                return Some(Candidate { start, end, finishes, call: act(arguments, apis) });
            }
            Ok(_) => {
                let call = Err(no_call("{", cut));
                return Some(Candidate { start, end: reader.at(), finishes: false, call });
            }
            Err(syntax) => failed = failed.or(Some(syntax)),
        }
    }
    let call = Err(failed.map_or_else(|| no_call("{", cut), |syntax| unreadable(text, syntax, cut)));
    Some(Candidate { start, end: text.len(), finishes: false, call })
}

/// Whether a text between or around calls says nothing.
fn is_filler(text: &str) -> bool {
    const TAGS: [&str; 7] = ["<think>", "</think>", "<answer>", "</answer>", "```python", "```json", "```"];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let tag = TAGS.iter().find(|tag| rest.starts_with(**tag)).map(|tag| tag.len());
        let says_nothing = is_blank(c) || c.is_ascii_digit() || "`,.;:，。、；：)）[]}*-\"'".contains(c);
        match tag.or_else(|| token(rest)).or_else(|| says_nothing.then(|| c.len_utf8())) {
            Some(skipped) => rest = &rest[skipped..],
            None => return false,
        }
    }
    true
}

fn skip_blank(text: &str) -> &str {
    let mut rest = text.trim_start_matches(is_blank);
    while let Some(token) = token(rest) {
        rest = rest[token..].trim_start_matches(is_blank);
    }
    rest
}
