//! Whether a run did what its task asks for, and nothing else.

use std::collections::BTreeMap;

use crate::answer::{AnswerCheck, plain};
use crate::template::RunEnd;
use crate::{Facts, Task};

/// What has to be so in the end, with all that the start makes of it worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// The fact has one of these values.
    Is { fact: String, any_of: Vec<String>, like: bool },
    /// The fact's value is such a text: `*` stands for anything, and for nothing.
    Matches { fact: String, pattern: String },
    /// The fact is not there.
    Gone { fact: String },
    /// `HEAD.0`, `HEAD.1`, … are these, in any order.
    Rows { head: String, rows: Vec<String>, like: bool },
    /// The entries of the fact are these, in any order.
    List { fact: String, separator: String, entries: Vec<String>, like: bool },
}

/// How a run ended, as far as a task cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// `None` if it is one that no task calls for.
    pub end: Option<RunEnd>,
    /// What records call it.
    pub id: String,
    /// What the model says in the end.
    pub message: String,
}

/// A change that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnaskedChange {
    pub fact: String,
    pub was: Option<String>,
    pub is: Option<String>,
}

impl Expectation {
    /// What speaks against it; `None` if it is so.
    pub fn differs(&self, facts: &Facts) -> Option<String> {
        match self {
            Expectation::Is { fact, any_of, like } => match facts.get(fact) {
                Some(found) if any_of.iter().any(|wanted| same(wanted, found, *like)) => None,
                Some(found) => Some(format!("`{fact}` should be `{}` and is `{found}`", any_of.join("` or `"))),
                None => Some(format!("`{fact}` should be `{}` and there is no such fact", any_of.join("` or `"))),
            },
            Expectation::Matches { fact, pattern } => match facts.get(fact) {
                Some(found) if is_such(pattern, found) => None,
                Some(found) => Some(format!("`{fact}` should be like `{pattern}` and is `{found}`")),
                None => Some(format!("`{fact}` should be like `{pattern}` and there is no such fact")),
            },
            Expectation::Gone { fact } => {
                facts.get(fact).map(|is| format!("`{fact}` should not be there and is `{is}`"))
            }
            Expectation::Rows { head, rows, like } => {
                let found: Vec<String> = numbered(head, facts).into_values().collect();
                unequal(rows, &found, *like).map(|why| format!("`{head}.*` {why}"))
            }
            Expectation::List { fact, separator, entries, like } => {
                let found = entries_of(facts.get(fact), separator);
                unequal(entries, &found, *like).map(|why| format!("`{fact}` {why}"))
            }
        }
    }

    /// Whether it says what becomes of a fact.
    pub fn is_about(&self, name: &str) -> bool {
        match self {
            Expectation::Is { fact, .. }
            | Expectation::Matches { fact, .. }
            | Expectation::Gone { fact }
            | Expectation::List { fact, .. } => fact == name,
            Expectation::Rows { head, .. } => {
                name.strip_prefix(head.as_str()).is_some_and(|rest| rest.starts_with('.'))
            }
        }
    }

    /// Makes it so in facts: for tests, and for whoever wants to see what is meant.
    pub fn fulfil(&self, facts: &mut Facts) {
        match self {
            Expectation::Is { fact, any_of, .. } => {
                facts.insert(fact.clone(), any_of.first().cloned().unwrap_or_default());
            }
            Expectation::Matches { fact, pattern } => {
                facts.insert(fact.clone(), pattern.replace('*', "any"));
            }
            Expectation::Gone { fact } => {
                facts.remove(fact);
            }
            Expectation::Rows { head, rows, .. } => {
                let old: Vec<String> = numbered(head, facts).into_keys().map(|at| format!("{head}.{at}")).collect();
                facts.retain(|name, _| !old.contains(name));
                for (at, row) in rows.iter().enumerate() {
                    facts.insert(format!("{head}.{at}"), row.clone());
                }
                facts.insert(format!("{head}.count"), rows.len().to_string());
            }
            Expectation::List { fact, separator, entries, .. } => {
                facts.insert(fact.clone(), entries.join(separator));
            }
        }
    }

    /// For people: a fact's name and what it has to be.
    pub fn in_words(&self) -> (String, String) {
        match self {
            Expectation::Is { fact, any_of, .. } => (fact.clone(), any_of.join(" or ")),
            Expectation::Matches { fact, pattern } => (fact.clone(), pattern.clone()),
            Expectation::Gone { fact } => (fact.clone(), "(not there)".to_owned()),
            Expectation::Rows { head, rows, .. } => (format!("{head}.*"), rows.join("; ")),
            Expectation::List { fact, separator, entries, .. } => (fact.clone(), entries.join(separator)),
        }
    }
}

/// What speaks against success; `None` if the task was done as it is asked for.
pub fn judge(task: &Task, start: &Facts, end: &Facts, ending: &Ending) -> Option<String> {
    if let Some(why) = task.expect.iter().find_map(|expectation| expectation.differs(end)) {
        return Some(why);
    }
    if let Some(UnaskedChange { fact, was, is }) = unasked_change(task, start, end) {
        let text = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
        return Some(format!("`{fact}` was `{}` and became `{}`, which nobody asked for", text(was), text(is)));
    }
    if ending.end.is_none_or(|end| !task.ends.contains(&end)) {
        let ends: Vec<&str> = task.ends.iter().map(|end| end.id()).collect();
        return Some(format!("the right end is `{}`, and the run ended with `{}`", ends.join("` or `"), ending.id));
    }
    match &task.answer {
        Some(answer) if ending.end == Some(RunEnd::Done) => AnswerCheck::differs(answer, &ending.message),
        _ => None,
    }
}

/// The first fact that is another one than at the start, though nothing was said of it.
pub fn unasked_change(task: &Task, start: &Facts, end: &Facts) -> Option<UnaskedChange> {
    let is_fine = |fact: &str| {
        task.may_change.iter().any(|head| fact.starts_with(head.as_str()))
            || task.expect.iter().any(|expectation| expectation.is_about(fact))
    };
    let changed = |fact: &&String| start.get(*fact) != end.get(*fact) && !is_fine(fact);
    let fact = start.keys().chain(end.keys()).find(changed)?;
    Some(UnaskedChange { fact: fact.clone(), was: start.get(fact).cloned(), is: end.get(fact).cloned() })
}

/// The facts `HEAD.0`, `HEAD.1`, … by their numbers.
pub fn numbered(head: &str, facts: &Facts) -> BTreeMap<usize, String> {
    let number = |name: &str| name.strip_prefix(head)?.strip_prefix('.')?.parse::<usize>().ok();
    facts.iter().filter_map(|(name, value)| Some((number(name)?, value.clone()))).collect()
}

/// The entries of a fact that lists some.
pub fn entries_of(value: Option<&String>, separator: &str) -> Vec<String> {
    let entries = value.map_or("", String::as_str).split(separator);
    entries.filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// Whether a text is what a pattern says, whose stars stand for anything.
fn is_such(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, tail)) => rest = tail,
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn same(wanted: &str, found: &str, like: bool) -> bool {
    wanted == found || like && plain(wanted) == plain(found)
}

fn unequal(wanted: &[String], found: &[String], like: bool) -> Option<String> {
    let mut left: Vec<&String> = found.iter().collect();
    for entry in wanted {
        match left.iter().position(|found| same(entry, found, like)) {
            Some(at) => {
                left.remove(at);
            }
            None => return Some(format!("should have `{entry}` and has not")),
        }
    }
    left.first().map(|more| format!("has `{more}`, which should not be there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, is_so) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "abc", true),
            ("a*bc", "abc", true),
            ("a*b*b", "ab", false),
            ("a*c", "ab", false),
            ("paid | * | x | *", "paid | G1 | x | y", true),
            ("paid | * | x | *", "unpaid | G1 | x | y", false),
        ] {
            assert_eq!(is_such(pattern, text), is_so, "{pattern} {text}");
        }
    }
}
