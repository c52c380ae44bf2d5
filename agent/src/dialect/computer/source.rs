//! What all rooms share that look for actions: what is known of a reply, what was found in it, and how a call is read.

use super::RawCall;
use super::verb::verb;
use crate::calls::ApiCatalog;
use crate::dialect::Unclear;
use crate::dialect::value::{Quoting, Reader, Syntax};
use crate::dialect::words::{excerpt, unclear};

/// What is known about a reply before it is read.
pub(super) struct ReplyContext<'a> {
    pub(super) apis: &'a ApiCatalog,
    /// Whether the reply was cut off: what is unfinished is not guessed then.
    pub(super) cut: bool,
}

impl ReplyContext<'_> {
    /// Whether a name is one of an action.
    pub(super) fn is_action(&self, name: &str) -> bool {
        verb(name).is_some() || self.apis.named(name).is_some()
    }
}

/// An action, or several that were written as one list.
pub(super) struct CallGroup {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) calls: Vec<Result<RawCall, Unclear>>,
}

/// How long a name with points in it is.
pub(super) fn name_len(text: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(text.len()).max(1)
}

/// Words that are actions by themselves, in the language of a benchmark.
pub(super) fn is_bare(name: &str) -> bool {
    ["WAIT", "DONE", "FAIL"].contains(&name)
}

/// Reads the call whose parenthesis opens before `open`. A call that cannot be read takes all the rest with it: what looks like a call
/// there may be a piece of a text that was to be typed.
pub(super) fn parse(
    text: &str,
    open: usize,
    path: &str,
    name: &str,
    known: &ReplyContext<'_>,
) -> (usize, Result<RawCall, Unclear>) {
    let mut first = None;
    for quoting in [Quoting::Strict, Quoting::Lenient] {
        let mut reader = Reader::python(text, open, quoting);
        match reader.arguments(!known.cut) {
            Ok(arguments) => {
                return (reader.at(), Ok(RawCall { name: name.to_owned(), path: path.to_owned(), arguments }));
            }
            Err(syntax) => first = first.or(Some(syntax)),
        }
    }
    let syntax = first.unwrap_or(Syntax { at: open, unfinished: true });
    (text.len(), Err(unreadable(text, syntax, known.cut)))
}

pub(super) fn unreadable(text: &str, syntax: Syntax, cut: bool) -> Unclear {
    let example = "write for example click(at=[x,y]) or type(text=\"hello\"), with values only";
    match syntax.unfinished {
        true if cut => cut_off(),
        true => unclear(format!("the action is not complete; {example}")),
        false => unclear(format!("the action cannot be read at {:?}; {example}", excerpt(&text[syntax.at..]))),
    }
}

pub(super) fn cut_off() -> Unclear {
    unclear(
        "the reply was too long and was cut off before its action; think in one short sentence, then write your actions",
    )
}
