//! Statements of code: calls with values, one after the other. They are read, and nothing is ever run or computed.

use super::RawCall;
use super::source::{ReplyContext, is_bare, name_len, parse};
use super::verb::is_known_path;
use crate::dialect::Unclear;
use crate::dialect::value::is_blank;
use crate::dialect::words::{excerpt, unclear};

/// Statements beyond this many are not looked at.
const STATEMENTS_MAX: usize = 64;

/// Where code begins in a text, if there is some: in a fence at its beginning, elsewhere with the first line that can only be code.
pub(super) fn begins(text: &str, fenced: bool) -> Option<usize> {
    let mut at = 0;
    let mut first = None;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start_matches(is_blank);
        let is_block = ["for ", "while ", "if ", "def ", "with ", "try:"].iter().any(|word| bare.starts_with(word))
            && bare.trim_end().ends_with(':');
        let is_library = ["pyautogui.", "time.sleep", "Agent.", "agent."].iter().any(|path| bare.starts_with(path));
        let is_import = bare.starts_with("import ") || (bare.starts_with("from ") && bare.contains(" import "));
        if is_block || is_library || is_import {
            first = first.or(Some(at + line.len() - bare.len()));
        }
        if is_library {
            return if fenced { Some(0) } else { first };
        }
        // A block or an import in prose is not code until a call follows it.
        if !fenced && !is_block && !is_import && !bare.is_empty() && !line.starts_with([' ', '\t', '#']) {
            first = None;
        }
        at += line.len();
    }
    None
}

/// The calls of some code, up to the first statement that is none.
pub(super) fn statements(text: &str, known: &ReplyContext<'_>) -> Vec<Result<RawCall, Unclear>> {
    let mut calls = Vec::new();
    let mut at = 0;
    while calls.len() < STATEMENTS_MAX {
        let rest = &text[at..];
        let line = rest.split('\n').next().unwrap_or_default();
        let Some(c) = rest.chars().next() else { break };
        if rest.starts_with("```") || rest.starts_with("</") {
            break;
        }
        if is_blank(c) || c == ';' {
            at += c.len_utf8();
            continue;
        }
        if c == '#' || is_ignored(line) {
            at += line.len();
            continue;
        }
        let name = &rest[..name_len(rest)];
        if is_bare(name) {
            calls.push(Ok(RawCall { name: name.to_owned(), ..RawCall::default() }));
            at += name.len();
            continue;
        }
        let (path, last) = name.rsplit_once('.').unwrap_or(("", name));
        let after = rest[name.len()..].trim_start_matches(' ');
        let arguments = after.strip_prefix('(').filter(|_| known.is_action(last) || is_known_path(path));
        let Some(arguments) = arguments else {
            calls.push(Err(no_call(line)));
            break;
        };
        let (end, call) = parse(text, text.len() - arguments.len(), path, last, known);
        let ends_well = text[end..].split('\n').next().unwrap_or_default().trim_start();
        let is_alone = ends_well.is_empty() || ends_well.starts_with([';', '#', '`', '<']);
        match call {
            Ok(call) if is_alone => calls.push(Ok(call)),
            Ok(_) => {
                calls.push(Err(no_call(line)));
                break;
            }
            Err(error) => {
                calls.push(Err(error));
                break;
            }
        }
        at = end;
    }
    calls
}

/// Lines that do nothing to the screen.
fn is_ignored(line: &str) -> bool {
    let line = line.trim();
    let is_option = line.split_once('=').is_some_and(|(name, _)| {
        let name = name.trim();
        name.strip_prefix("pyautogui.").is_some_and(|option| option.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    });
    line.starts_with("import ")
        || line.starts_with("from ")
        || (line.starts_with("print(") && line.ends_with(')'))
        || is_option
}

fn no_call(line: &str) -> Unclear {
    unclear(format!(
        "code is read and not run, and {:?} is no call with values; write calls such as pyautogui.click(x, y) with numbers and texts, one after \
         the other, without variables, loops or conditions",
        excerpt(line.trim())
    ))
}
