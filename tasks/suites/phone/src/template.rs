//! What stands in a template's file. `docs/suites.md` explains the format with an example of each part.
//!
//! Read once, into something that cannot be half right: a slot has exactly one source, an expectation exactly one form.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use tapwright_phone::Language;

/// What kind of case a template draws; tables are grouped by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Something is to be changed.
    Does,
    /// It is as wanted: changing anything is wrong.
    Already,
    /// What the goal names is not there: to give up or to ask is right.
    Absent,
    /// The goal could mean two things: to give up or to ask is right.
    Ambiguous,
    /// One of two that are easily taken for each other.
    Lookalike,
    /// A question: judged by the message that the run ends with.
    Answer,
    /// No app can do it: to give up or to ask is right.
    Impossible,
    /// No task at all.
    Conversation,
}

/// Which half of sentences and tables a task is drawn from. The two have nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Training,
    Measuring,
}

/// A way in which a run can end that a task may call for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunEnd {
    Done,
    GaveUp,
    NeedsPerson,
}

/// Texts of both halves.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Halves<T> {
    pub training: Vec<T>,
    pub measuring: Vec<T>,
}

/// Texts of both halves in each language that has some.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByLanguage<T> {
    pub en: Option<Halves<T>>,
    pub zh: Option<Halves<T>>,
}

/// A row of a table or of a choice: one text, or several with names. `is` is the one that stands for the row; without it, that of
/// the task's language does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Cells {
    Text(String),
    Named(BTreeMap<String, String>),
}

/// Where a slot's value comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A table of texts, of which each half has rows of its own.
    Table(String),
    /// Rows that both halves have: switches, sizes.
    Choice(Vec<Cells>),
    /// What stands in place of the `*` (anything) or the `#` (digits) in names of facts.
    Each(FactPattern),
    /// A whole number of a range, in steps.
    Number { low: i64, high: i64, every: i64 },
    /// A time of day in a range of minutes after midnight, in steps.
    Time { low: u32, high: u32, every: u32 },
    /// A day, counted from the phone's today.
    Day { low: u32, high: u32 },
    /// The value of a fact.
    Fact(String),
    /// How many facts have such a name, and such a value.
    Count(FactPattern, Option<String>),
    /// Whole numbers, and `+`, `-` and `*` between them, worked out from left to right.
    Calculate(String),
    /// One of the parts of a text, with `; ` between them.
    PartOf(String),
    /// A time that lies so many minutes after another one.
    Later { than: String, minutes: i64 },
}

/// `contacts.*.number`, or `notes.#`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactPattern {
    pub head: String,
    pub tail: String,
    pub digits: bool,
}

/// A slot.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "SlotText")]
pub struct Slot {
    pub source: Source,
    /// Facts and the values that they have to have; the slot's own value can stand in them.
    pub given: BTreeMap<String, String>,
    /// Facts that must not be.
    pub absent: Vec<String>,
    /// What the value must not be.
    pub unlike: Vec<String>,
    /// One of the two that are most alike.
    pub alike: bool,
}

/// What has to be so in the end.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "ExpectText")]
pub enum Expect {
    /// A fact has one of these values.
    Is { fact: String, any_of: Vec<String>, like: bool },
    /// A fact's value is such a text: `*` stands for anything.
    Matches { fact: String, pattern: String },
    /// A number has grown by so many; a fact that is not there counts as 0.
    Plus { fact: String, plus: i64 },
    /// A fact is no longer there.
    Gone { fact: String },
    /// Of the facts `HEAD.0`, `HEAD.1`, … some came and some went, in any order.
    Rows { head: String, add: Vec<String>, remove: Vec<String>, like: bool },
    /// Of the entries of one fact some came and some went, in any order.
    List { fact: String, separator: String, add: Vec<String>, remove: Vec<String>, like: bool },
}

/// What the message has to say that a run ends with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// All of these.
    pub contains: Vec<String>,
    /// At least one of these.
    pub any_of: Vec<String>,
    /// None of these.
    pub without: Vec<String>,
    /// That something is on, if this is `true`, or off, if it is `false`.
    pub on: Option<String>,
}

/// A fact and its value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactValue {
    pub fact: String,
    pub is: String,
}

/// What a phone has to have for a template.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceNeeds {
    #[serde(default)]
    pub apps: NeededApps,
}

/// Which apps have to be installed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NeededApps {
    #[default]
    Basic,
    All,
}

/// A template.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    pub name: String,
    pub kind: Kind,
    /// What it is about, by the words with which facts begin, or `system`.
    #[serde(default)]
    pub apps: Vec<String>,
    /// The phone that it needs.
    #[serde(default)]
    pub device: DeviceNeeds,
    /// About how many actions a careful person needs.
    #[serde(default)]
    pub steps: u32,
    /// Made of these others, one after the other.
    #[serde(default)]
    pub parts: Vec<String>,
    #[serde(default)]
    pub slots: BTreeMap<String, Slot>,
    /// What is made true first, in this order.
    #[serde(default)]
    pub start: Vec<FactValue>,
    /// What the agent is told. A template of parts joins theirs.
    pub say: Option<ByLanguage<String>>,
    #[serde(default)]
    pub expect: Vec<Expect>,
    pub answer: Option<Answer>,
    /// How the run may end; without it, as the kind has it.
    pub ends: Option<Vec<RunEnd>>,
    /// Facts that may change by themselves or on the way, by how their names begin.
    #[serde(default)]
    pub may_change: Vec<String>,
}

/// A slot as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlotText {
    table: Option<String>,
    choice: Option<Vec<Cells>>,
    each: Option<String>,
    number: Option<[i64; 2]>,
    time: Option<[String; 2]>,
    day: Option<[u32; 2]>,
    fact: Option<String>,
    count: Option<String>,
    calculate: Option<String>,
    part: Option<String>,
    later: Option<String>,
    /// Of `number` and `time`.
    every: Option<u32>,
    /// Of `count`.
    is: Option<String>,
    /// Of `later`.
    minutes: Option<i64>,
    #[serde(default)]
    given: BTreeMap<String, String>,
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default)]
    unlike: Vec<String>,
    #[serde(default)]
    alike: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectText {
    fact: Option<String>,
    rows: Option<String>,
    list: Option<String>,
    is: Option<String>,
    any_of: Option<Vec<String>>,
    matches: Option<String>,
    plus: Option<i64>,
    gone: Option<bool>,
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
    /// Of `list`.
    separator: Option<String>,
    #[serde(default)]
    like: bool,
}

impl Kind {
    /// All of them, in the order of tables.
    pub const ALL: [Kind; 8] = [
        Kind::Does,
        Kind::Already,
        Kind::Absent,
        Kind::Ambiguous,
        Kind::Lookalike,
        Kind::Answer,
        Kind::Impossible,
        Kind::Conversation,
    ];

    /// As files and tables call it.
    pub fn id(self) -> &'static str {
        match self {
            Kind::Does => "does",
            Kind::Already => "already",
            Kind::Absent => "absent",
            Kind::Ambiguous => "ambiguous",
            Kind::Lookalike => "lookalike",
            Kind::Answer => "answer",
            Kind::Impossible => "impossible",
            Kind::Conversation => "conversation",
        }
    }

    /// How its runs may end.
    pub fn ends(self) -> &'static [RunEnd] {
        match self {
            Kind::Does | Kind::Already | Kind::Lookalike | Kind::Answer => &[RunEnd::Done],
            Kind::Absent | Kind::Ambiguous | Kind::Impossible => &[RunEnd::GaveUp, RunEnd::NeedsPerson],
            Kind::Conversation => &[RunEnd::Done, RunEnd::GaveUp, RunEnd::NeedsPerson],
        }
    }

    /// Whether nothing at all may be changed.
    pub fn is_hands_off(self) -> bool {
        match self {
            Kind::Already | Kind::Absent | Kind::Ambiguous | Kind::Answer | Kind::Impossible | Kind::Conversation => {
                true
            }
            Kind::Does | Kind::Lookalike => false,
        }
    }
}

impl RunEnd {
    /// As records call it.
    pub fn id(self) -> &'static str {
        match self {
            RunEnd::Done => "done",
            RunEnd::GaveUp => "gave-up",
            RunEnd::NeedsPerson => "needs-person",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl<T> Halves<T> {
    /// The half of a part.
    pub fn of(&self, part: Part) -> &[T] {
        match part {
            Part::Training => &self.training,
            Part::Measuring => &self.measuring,
        }
    }
}

impl<T> ByLanguage<T> {
    /// What there is in a language.
    pub fn of(&self, language: Language) -> Option<&Halves<T>> {
        match language {
            Language::English => self.en.as_ref(),
            Language::Chinese => self.zh.as_ref(),
        }
    }

    /// The languages that have something.
    pub fn languages(&self) -> Vec<Language> {
        Language::ALL.into_iter().filter(|language| self.of(*language).is_some()).collect()
    }
}

impl FactPattern {
    /// Reads `contacts.*.number` or `notes.#`; `None` if there is neither sign in it, or more than one.
    pub fn parse(text: &str) -> Option<FactPattern> {
        let (head, tail) = text.split_once(['*', '#'])?;
        if tail.contains(['*', '#']) {
            return None;
        }
        Some(FactPattern { head: head.to_owned(), tail: tail.to_owned(), digits: text.contains('#') })
    }

    /// What stands in place of the sign in a fact's name.
    pub fn wildcard_text<'a>(&self, fact: &'a str) -> Option<&'a str> {
        let middle = fact.strip_prefix(self.head.as_str())?.strip_suffix(self.tail.as_str())?;
        let is_number = || middle.bytes().all(|byte| byte.is_ascii_digit());
        (!middle.is_empty() && (!self.digits || is_number())).then_some(middle)
    }
}

fn pattern(text: &str) -> Result<FactPattern, String> {
    FactPattern::parse(text).ok_or_else(|| format!("`{text}` needs one `*` or `#`, as in \"contacts.*.number\""))
}

fn minutes(text: &str) -> Result<u32, String> {
    let read = || {
        let (hour, minute) = text.split_once(':')?;
        let (hour, minute) = (hour.parse::<u32>().ok()?, minute.parse::<u32>().ok()?);
        (hour < 24 && minute < 60).then_some(60 * hour + minute)
    };
    read().ok_or_else(|| format!("`{text}` is no time of day; write it like \"07:30\""))
}

fn in_order<T: PartialOrd + fmt::Display>(low: T, high: T) -> Result<(T, T), String> {
    if low <= high { Ok((low, high)) } else { Err(format!("the range goes from {low} down to {high}")) }
}

impl TryFrom<SlotText> for Slot {
    type Error = String;

    fn try_from(text: SlotText) -> Result<Slot, String> {
        const SOURCES: &str = "table, choice, each, number, time, day, fact, count, calculate, part, later";
        let mut sources = Vec::new();
        let every = text.every.unwrap_or(1).max(1);
        sources.extend(text.table.map(Source::Table));
        match text.choice {
            Some(rows) if rows.is_empty() => return Err("`choice` has no rows".to_owned()),
            rows => sources.extend(rows.map(Source::Choice)),
        }
        if let Some(each) = text.each {
            sources.push(Source::Each(pattern(&each)?));
        }
        if let Some([low, high]) = text.number {
            let (low, high) = in_order(low, high)?;
            sources.push(Source::Number { low, high, every: every.into() });
        }
        if let Some([low, high]) = text.time {
            let (low, high) = in_order(minutes(&low)?, minutes(&high)?)?;
            sources.push(Source::Time { low, high, every });
        }
        if let Some([low, high]) = text.day {
            let (low, high) = in_order(low, high)?;
            sources.push(Source::Day { low, high });
        }
        sources.extend(text.fact.map(Source::Fact));
        sources.extend(text.part.map(Source::PartOf));
        if let Some(count) = text.count {
            sources.push(Source::Count(pattern(&count)?, text.is));
        } else if text.is.is_some() {
            return Err("`is` goes with `count`".to_owned());
        }
        sources.extend(text.calculate.map(Source::Calculate));
        match (text.later, text.minutes) {
            (Some(than), Some(minutes)) => sources.push(Source::Later { than, minutes }),
            (None, None) => {}
            _ => return Err("`later` and `minutes` go together".to_owned()),
        }
        let source = sources.pop().ok_or_else(|| format!("a slot needs one of {SOURCES}"))?;
        if !sources.is_empty() {
            return Err(format!("a slot has exactly one of {SOURCES}"));
        }
        let SlotText { given, absent, unlike, alike, .. } = text;
        Ok(Slot { source, given, absent, unlike, alike })
    }
}

impl TryFrom<ExpectText> for Expect {
    type Error = String;

    fn try_from(text: ExpectText) -> Result<Expect, String> {
        let ExpectText { fact, rows, list, is, any_of, matches, plus, gone, add, remove, separator, like } = text;
        let moves = !add.is_empty() || !remove.is_empty();
        let values = is.is_some() || any_of.is_some() || matches.is_some() || plus.is_some() || gone.is_some();
        match (fact, rows, list) {
            (Some(_), None, None) if moves || separator.is_some() => {
                Err("`add`, `remove` and `separator` go with `rows` or `list`".to_owned())
            }
            (Some(fact), None, None) => match (is, any_of, matches, plus, gone) {
                (Some(is), None, None, None, None) => Ok(Expect::Is { fact, any_of: vec![is], like }),
                (None, Some(any_of), None, None, None) if !any_of.is_empty() => Ok(Expect::Is { fact, any_of, like }),
                (None, None, Some(pattern), None, None) => Ok(Expect::Matches { fact, pattern }),
                (None, None, None, Some(plus), None) => Ok(Expect::Plus { fact, plus }),
                (None, None, None, None, Some(true)) => Ok(Expect::Gone { fact }),
                _ => Err(format!("`{fact}` needs exactly one of is, any_of, matches, plus, gone = true")),
            },
            (None, Some(_), None) | (None, None, Some(_)) if values || !moves => {
                Err("`rows` and `list` need `add` or `remove`, and nothing else".to_owned())
            }
            (None, Some(head), None) => Ok(Expect::Rows { head, add, remove, like }),
            (None, None, Some(fact)) => {
                let separator = separator.unwrap_or_else(|| "; ".to_owned());
                Ok(Expect::List { fact, separator, add, remove, like })
            }
            _ => Err("an expectation has exactly one of fact, rows, list".to_owned()),
        }
    }
}

/// The slots that a text names, each with the column that it wants.
///
/// # Errors
/// What is wrong with the text, if a brace is left open.
pub fn references(text: &str) -> Result<Vec<(&str, &str)>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once('{') {
        let (inside, tail) = tail.split_once('}').ok_or_else(|| format!("a brace is left open in `{text}`"))?;
        // `{#table}` is of tables, and drawn where it stands.
        if !inside.starts_with('#') {
            found.push(inside.split_once('.').unwrap_or((inside, "is")));
        }
        rest = tail;
    }
    Ok(found)
}
