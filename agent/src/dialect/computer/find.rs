//! Where in a reply its actions are, whatever tags, labels and fences stand around them.

use super::code;
use super::json;
use super::meaning::Meaning;
use super::source::{CallGroup, ReplyContext, cut_off, is_bare, name_len, parse};
use super::verb::{VERBS, is_known_path};
use super::{ACTIONS_MAX, RawCall};
use crate::calls::ApiCatalog;
use crate::dialect::frame::Frame;
use crate::dialect::value::{is_blank, token};
use crate::dialect::words::{excerpt, unclear};
use crate::dialect::{ParsedReply, Unclear};
use crate::work::looked_at;

pub use crate::dialect::autoglm::without_marks;

/// How many actions and lists of them are looked at in one reply.
const FOUND_MAX: usize = 64;
/// How many fences are looked into.
const FENCES_MAX: usize = 8;

/// Understands a reply.
pub fn read(reply: &str, cut: bool, apis: &ApiCatalog, frame: &Frame) -> ParsedReply {
    let known = ReplyContext { apis, cut };
    for (from, fenced) in beginnings(reply, &known) {
        let region = &reply[from..];
        let Some(chosen) = choose(region, fenced, &known) else { continue };
        let mut meaning = Meaning::new(frame, apis);
        let mut more = chosen.more;
        let mut raws = chosen.calls.into_iter();
        for raw in raws.by_ref().take(ACTIONS_MAX + 1) {
            if !meaning.take(raw) {
                break;
            }
        }
        let calls = meaning.calls();
        // After one that cannot be read it is told already that nothing else is done.
        more |= raws.next().is_some() && calls.iter().all(Result::is_ok);
        let mut calls = calls.into_iter();
        let Some(call) = calls.next() else { continue };
        let thought = clean(&reply[..from + chosen.start]);
        return ParsedReply { thought, call, rest: calls.collect(), more };
    }
    ParsedReply { thought: clean(reply), call: Err(no_action(reply, frame, &known)), rest: Vec::new(), more: false }
}

struct FoundCalls {
    /// Where the first of them begins.
    start: usize,
    calls: Vec<Result<RawCall, Unclear>>,
    more: bool,
}

/// Where the actions of a reply may begin, the likeliest first, and whether that is in a fence: inside of all marks, and at last the
/// whole reply.
fn beginnings(reply: &str, known: &ReplyContext<'_>) -> Vec<(usize, bool)> {
    // What stands in a text to be typed is no mark.
    let typed: Vec<(usize, usize)> = all(reply, known)
        .into_iter()
        .filter(|found| found.calls.iter().all(Result::is_ok))
        .map(|found| (found.start, found.end))
        .collect();
    let is_mark = |at: usize| !typed.iter().any(|(start, end)| (*start + 1..*end).contains(&at));
    let find = |from: usize, marks: &[&str]| -> Option<usize> {
        let of = |mark: &&str| {
            reply[from..]
                .match_indices(*mark)
                .map(|(at, _)| from + at)
                .find(|at| is_mark(*at))
                .map(|at| at + mark.len())
        };
        marks.iter().filter_map(of).min()
    };
    let mut from = 0;
    let mut beginnings = vec![(0, false)];
    for marks in [&["</think>", "</thinking>"][..], &["<answer>", "<action>"]] {
        if let Some(after) = find(from, marks) {
            from = after;
            beginnings.push((from, false));
        }
    }
    if let Some(after) = label(reply, from, &is_mark) {
        from = after;
        beginnings.push((from, false));
    }
    if let Some(after) = find(from, &["<tool_call>", "<|begin_of_box|>", "<function_calls>"]) {
        from = after;
        beginnings.push((from, false));
    }
    let mut fences = Vec::new();
    while fences.len() < FENCES_MAX
        && let Some(after) = find(from, &["```"])
    {
        // The language, if one is named.
        let line = reply[after..].find(['\n', '`']).map_or(reply.len(), |end| after + end);
        let language = reply[after..line].trim();
        let begins = if language.chars().all(|c| c.is_ascii_alphanumeric())
            && !known.is_action(language)
            && !is_bare(language)
        {
            line
        } else {
            after
        };
        fences.push((begins, true));
        from = find(begins, &["```"]).unwrap_or(reply.len());
    }
    beginnings.reverse();
    fences.extend(beginnings);
    fences
}

/// Where what follows a label `Action:` begins.
fn label(reply: &str, from: usize, is_mark: &impl Fn(usize) -> bool) -> Option<usize> {
    let mut at = from;
    for line in reply[from..].split_inclusive('\n') {
        looked_at(line.len());
        let bare = line.trim_start_matches(|c: char| is_blank(c) || matches!(c, '*' | '#' | '-' | '>'));
        let begins = at + line.len() - bare.len();
        for label in ["Action:", "Actions:", "ACTION:", "action:", "Action：", "动作:", "动作："] {
            if bare.starts_with(label) && is_mark(begins) {
                return Some(begins + label.len());
            }
        }
        at += line.len();
    }
    None
}

/// The actions that a text means: the first that stand together if it begins with them, otherwise the last ones, because prose mentions
/// what it does not want before it says what it wants.
fn choose(text: &str, fenced: bool, known: &ReplyContext<'_>) -> Option<FoundCalls> {
    let body = if fenced { &text[..text.find("```").unwrap_or(text.len())] } else { text };
    if let Some(start) = code::begins(body, fenced) {
        let calls = code::statements(&body[start..], known);
        return (!calls.is_empty()).then_some(FoundCalls { start, calls, more: false });
    }
    let found = all(text, known);
    let first = found.first()?;
    let together = |at: usize| {
        let mut end = at + 1;
        while end < found.len() && is_filler(&text[found[end - 1].end..found[end].start]) {
            end += 1;
        }
        end
    };
    let mut range = 0..together(0);
    if !is_filler(&text[..first.start]) {
        let mut at = 0;
        while at < found.len() {
            range = at..together(at);
            at = range.end;
        }
    }
    let (start, more) = (found[range.start].start, range.end < found.len());
    let calls = found.into_iter().skip(range.start).take(range.len()).flat_map(|found| found.calls).collect();
    Some(FoundCalls { start, calls, more })
}

/// All actions of a text, in order, also those that cannot be read.
fn all(text: &str, known: &ReplyContext<'_>) -> Vec<CallGroup> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() && found.len() < FOUND_MAX {
        looked_at(1);
        let here = match bytes[at] {
            b'{' | b'[' => json::object_at(text, at, known),
            b'<' => json::element_at(text, at, known),
            _ if begins_word(bytes, at) => call_at(text, at, known),
            _ => None,
        };
        match here {
            Some(here) => {
                at = here.end.max(at + 1);
                found.push(here);
            }
            // The whole word.
            None if begins_word(bytes, at) => at += name_len(&text[at..]),
            None => at += 1,
        }
    }
    found
}

fn begins_word(bytes: &[u8], at: usize) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (bytes[at].is_ascii_alphabetic() || bytes[at] == b'_')
        && (at == 0 || !(is_letter(bytes[at - 1]) || bytes[at - 1] >= 0x80))
}

/// A call such as `click(at=[1,2])`, or a word that is one.
fn call_at(text: &str, at: usize, known: &ReplyContext<'_>) -> Option<CallGroup> {
    let name = &text[at..at + name_len(&text[at..])];
    if is_bare(name) && is_alone(text, at, at + name.len()) {
        let call = RawCall { name: name.to_owned(), ..RawCall::default() };
        return Some(CallGroup { start: at, end: at + name.len(), calls: vec![Ok(call)] });
    }
    let (path, last) = name.rsplit_once('.').unwrap_or(("", name));
    let rest = text[at + name.len()..].trim_start_matches([' ', '\u{a0}']);
    let arguments = rest.strip_prefix(['(', '（'])?;
    if !(known.is_action(last) || is_known_path(path)) || !is_meant(arguments) {
        return None;
    }
    let (end, call) = parse(text, text.len() - arguments.len(), path, last, known);
    Some(CallGroup { start: at, end, calls: vec![call] })
}

/// Whether nothing else stands on the line.
fn is_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].rsplit('\n').next().unwrap_or_default();
    let after = text[end..].split('\n').next().unwrap_or_default();
    is_filler(before) && is_filler(after) && !after.trim_start().starts_with(['(', '（'])
}

/// Whether what follows a parenthesis is arguments, and not prose: `click (the button)`.
fn is_meant(arguments: &str) -> bool {
    let rest = arguments.trim_start_matches(is_blank);
    let name = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let named = name > 0 && rest[name..].trim_start_matches(is_blank).starts_with(['=', ':', '＝', '：']);
    named || rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit() || "\"'“‘＂「{[(（［-.<)）".contains(c))
}

fn no_action(reply: &str, frame: &Frame, known: &ReplyContext<'_>) -> Unclear {
    if known.cut {
        return cut_off();
    }
    let at = frame.print(frame.middle());
    let example = format!("click(at={at}) or finish(message=\"…\")");
    // A name with arguments that is no action's.
    let bytes = reply.as_bytes();
    let mut place = beginnings(reply, known).first().map_or(0, |(from, _)| *from);
    while place < bytes.len() {
        if begins_word(bytes, place) {
            let name = &reply[place..place + name_len(&reply[place..])];
            let rest = &reply[place + name.len()..];
            if let Some(arguments) = rest.strip_prefix('(')
                && is_meant(arguments)
            {
                return unclear(format!("there is no action {:?}; write one of: {VERBS}", excerpt(name)));
            }
            place += name.len();
        } else {
            place += 1;
        }
    }
    unclear(format!("the reply has no action; write for example {example}"))
}

/// What stands around thoughts and actions.
const TAGS: [&str; 12] = [
    "<think>",
    "</think>",
    "<thinking>",
    "</thinking>",
    "<answer>",
    "</answer>",
    "<action>",
    "</action>",
    "<tool_call>",
    "</tool_call>",
    "<function_calls>",
    "</function_calls>",
];

/// Whether a text between or around actions says nothing.
pub(super) fn is_filler(text: &str) -> bool {
    const MARKS: [&str; 9] =
        ["```python", "```json", "```xml", "```", "Action:", "Actions:", "Action：", "json\n", "python\n"];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let tag = TAGS.iter().chain(&MARKS).find(|tag| rest.starts_with(**tag)).map(|tag| tag.len());
        let says_nothing = is_blank(c) || c.is_ascii_digit() || "`,.;:，。、；：)）[]}*-\"'".contains(c);
        match tag.or_else(|| token(rest)).or_else(|| says_nothing.then(|| c.len_utf8())) {
            Some(skipped) => rest = &rest[skipped..],
            None => return false,
        }
    }
    true
}

/// A thought without tags and labels.
fn clean(thought: &str) -> String {
    let clean = TAGS.iter().fold(thought.to_owned(), |t, tag| t.replace(tag, ""));
    let mut bare = clean.trim_matches(is_blank);
    for fence in ["```python", "```json", "```xml", "```"] {
        bare = bare.strip_suffix(fence).unwrap_or(bare).trim_end_matches(is_blank);
    }
    for label in ["**Action:**", "Action:", "Actions:", "Action：", "动作:", "动作："] {
        bare = bare.strip_suffix(label).unwrap_or(bare).trim_end_matches(is_blank);
    }
    for label in ["**Thought:**", "Thought:", "Thought：", "思考:", "思考："] {
        bare = bare.strip_prefix(label).unwrap_or(bare).trim_start_matches(is_blank);
    }
    if is_filler(bare) { String::new() } else { bare.to_owned() }
}
