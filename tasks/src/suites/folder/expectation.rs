//! What has to be true in the end of a case, as it is written and as it is judged.

use std::ops::Range;

use async_trait::async_trait;
use serde::Deserialize;
use tapwright_phone_suite::{AnswerCheck, Expectation};
use toml::Spanned;

use crate::headline::message_of;
use crate::judge::{ANSWER, Evaluator, Evidence, FRONT, Fact, Facts, JudgingError, RUN_END, changes};
use crate::mistake::nearest;

/// Where a mistake is, what it is, and what to write instead.
pub type Wrong = (Option<Range<usize>>, String, Option<String>);

/// Between the entries of a fact that lists some.
const SEPARATOR: &str = "; ";
/// The forms that an expectation of a fact has.
const FORMS: &str = "write exactly one of is = \"…\", any_of = [\"…\"], matches = \"… * …\" and gone = true";

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectationText {
    #[serde(default)]
    fact: Option<String>,
    /// Of `NAME.0`, `NAME.1`, … some came and some went.
    #[serde(default)]
    rows: Option<String>,
    /// Of the entries of one fact some came and some went.
    #[serde(default)]
    list: Option<String>,
    #[serde(default)]
    is: Option<String>,
    #[serde(default)]
    any_of: Option<Vec<String>>,
    #[serde(default)]
    matches: Option<String>,
    #[serde(default)]
    gone: Option<bool>,
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
    /// Capitals, kinds of quotes, spaces and the mark at the end do not count.
    #[serde(default)]
    like: bool,
}

/// What has to be true of a fact in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    Is(String),
    AnyOf(Vec<String>),
    /// `*` stands for anything.
    Matches(String),
    Gone,
    /// Rows, a list, or a text that need not be the same letter by letter.
    Whole(Expectation),
}

/// What a case wants.
#[derive(Debug)]
pub struct Expectations {
    pub facts: Vec<(String, Requirement)>,
    pub answer: Option<AnswerCheck>,
    pub ends: Vec<String>,
    pub may_change: Option<Vec<String>>,
    /// Whether the device tells what is true of it.
    pub has_facts: bool,
}

/// What an expectation says of which fact. `start` is what is true when the case starts.
pub fn requirement(spanned: &Spanned<ExpectationText>, start: &Facts) -> Result<(String, Requirement), Wrong> {
    let ExpectationText { fact, rows, list, is, any_of, matches, gone, add, remove, like } = spanned.get_ref().clone();
    let wrong = |why: String, help: &str| Err((Some(spanned.span()), why, Some(help.to_owned())));
    let forms = [
        is.map(Requirement::Is),
        any_of.map(Requirement::AnyOf),
        matches.map(Requirement::Matches),
        gone.filter(|gone| *gone).map(|_| Requirement::Gone),
    ];
    let mut forms = forms.into_iter().flatten();
    let (first, second) = (forms.next(), forms.next());
    let (name, is_rows) = match (fact, rows, list) {
        (Some(fact), None, None) => {
            if !add.is_empty() || !remove.is_empty() {
                return wrong(
                    format!("`add` and `remove` say nothing of the fact `{fact}`"),
                    "write rows = or list = for what has several entries",
                );
            }
            let (Some(wanted), None) = (first, second) else {
                return wrong(format!("it does not say in one way what `{fact}` is to be"), FORMS);
            };
            return of_fact(spanned, fact, wanted, like, start);
        }
        (None, Some(head), None) => (head, true),
        (None, None, Some(fact)) => (fact, false),
        _ => return wrong("it does not say what it is about".to_owned(), "write exactly one of fact, rows and list"),
    };
    if first.is_some() || (add.is_empty() && remove.is_empty()) {
        return wrong(
            format!("it does not say what becomes of `{name}`"),
            "write what comes and what goes, and nothing else: add = [\"…\"], remove = [\"…\"]",
        );
    }
    let mut entries: Vec<String> = if is_rows {
        (0..).map_while(|at| start.get(&format!("{name}.{at}"))).cloned().collect()
    } else {
        let entries = start.get(&name).map_or("", String::as_str).split(SEPARATOR);
        entries.filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
    };
    for gone in &remove {
        let Some(at) = entries.iter().position(|entry| entry == gone) else {
            let help = nearest(gone, entries.iter().map(String::as_str))
                .map_or_else(|| "put it there by `start` first".to_owned(), |near| format!("did you mean `{near}`?"));
            return wrong(format!("`{gone}` is not among `{name}` when the case starts"), &help);
        };
        entries.remove(at);
    }
    entries.extend(add);
    let whole = if is_rows {
        Expectation::Rows { head: name.clone(), rows: entries, like }
    } else {
        Expectation::List { fact: name.clone(), separator: SEPARATOR.to_owned(), entries, like }
    };
    Ok((name, Requirement::Whole(whole)))
}

/// What an expectation of one fact says.
fn of_fact(
    spanned: &Spanned<ExpectationText>,
    fact: String,
    wanted: Requirement,
    like: bool,
    start: &Facts,
) -> Result<(String, Requirement), Wrong> {
    let wrong = |why: String, help: String| Err((Some(spanned.span()), why, Some(help)));
    let near = || nearest(&fact, start.keys().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
    // Of facts that come and go with what is done nobody can say beforehand whether they are misspelt; of switches one can.
    let is_switch = matches!(&wanted, Requirement::Is(is) if matches!(is.as_str(), "true" | "false"));
    if !start.contains_key(&fact) {
        if wanted == Requirement::Gone {
            let why = format!("`{fact}` is not there when the case starts, so that it is gone says nothing");
            let first = || "make it true by `start` first: what is gone has to have been there".to_owned();
            return wrong(why, near().unwrap_or_else(first));
        }
        if is_switch && fact.split('.').count() == 2 {
            let why = format!("there is no fact `{fact}`");
            return wrong(why, near().unwrap_or_else(|| "docs/phone.md lists the facts".to_owned()));
        }
    }
    let wanted = match (wanted, like) {
        (Requirement::AnyOf(values), _) if values.is_empty() => {
            return Err((Some(spanned.span()), format!("no value of `{fact}` would do"), None));
        }
        (wanted, false) => wanted,
        (Requirement::Is(is), true) => {
            Requirement::Whole(Expectation::Is { fact: fact.clone(), any_of: vec![is], like })
        }
        (Requirement::AnyOf(any_of), true) => Requirement::Whole(Expectation::Is { fact: fact.clone(), any_of, like }),
        (Requirement::Matches(_) | Requirement::Gone | Requirement::Whole(_), true) => {
            return wrong("`like` says nothing here".to_owned(), "it goes with is, any_of, rows and list".to_owned());
        }
    };
    Ok((fact, wanted))
}

impl Requirement {
    /// What speaks against it; `None` if it is so.
    fn differs(&self, fact: &str, end: &Facts) -> Option<String> {
        if let Requirement::Whole(expectation) = self {
            return expectation.differs(end);
        }
        let value = end.get(fact);
        let found = || value.map_or_else(|| "there is no such fact".to_owned(), |is| format!("is `{is}`"));
        (!self.is_met(value)).then(|| format!("`{fact}` should be `{}` and {}", self.in_words(), found()))
    }

    /// Whether it says what becomes of a fact, whose name is that of the requirement or begins with it.
    fn is_about(&self, fact: &str, name: &str) -> bool {
        match self {
            Requirement::Whole(expectation) => expectation.is_about(name),
            Requirement::Is(_) | Requirement::AnyOf(_) | Requirement::Matches(_) | Requirement::Gone => fact == name,
        }
    }

    fn is_met(&self, value: Option<&String>) -> bool {
        match (self, value) {
            (Requirement::Is(is), Some(value)) => value == is,
            (Requirement::AnyOf(all), Some(value)) => all.contains(value),
            (Requirement::Matches(pattern), Some(value)) => matches(pattern, value),
            (Requirement::Gone, None) => true,
            (Requirement::Whole(_), _)
            | (Requirement::Gone, Some(_))
            | (Requirement::Is(_) | Requirement::AnyOf(_) | Requirement::Matches(_), None) => false,
        }
    }

    fn in_words(&self) -> String {
        match self {
            Requirement::Is(is) => is.clone(),
            Requirement::AnyOf(all) => all.join(" or "),
            Requirement::Matches(pattern) => pattern.clone(),
            Requirement::Gone => "gone".to_owned(),
            Requirement::Whole(expectation) => expectation.in_words().1,
        }
    }
}

/// Whether a text is such as a pattern in which `*` stands for anything.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[async_trait]
impl Evaluator for Expectations {
    fn expected_facts(&self) -> Vec<Fact> {
        let fact = |(fact, wanted): &(String, Requirement)| Fact { fact: fact.clone(), is: wanted.in_words() };
        let mut all: Vec<Fact> = self.facts.iter().map(fact).collect();
        // It says that the words beside it are for people: who has only these must not judge by them.
        all.push(Fact { fact: RUN_END.to_owned(), is: self.ends.join(" or ") });
        if let Some(answer) = &self.answer {
            let some = (!answer.any_of.is_empty()).then(|| answer.any_of.join(" or "));
            let is = answer.contains.iter().cloned().chain(some).collect::<Vec<_>>().join(", ");
            all.push(Fact { fact: ANSWER.to_owned(), is });
        }
        all
    }

    fn identity(&self) -> String {
        // `is = "a or b"` and `any_of = ["a", "b"]` are the same words, and other changes stand in none.
        format!("{self:?}")
    }

    async fn evaluate(&self, evidence: Evidence<'_>) -> Result<Option<String>, JudgingError> {
        let Evidence { start, end, outcome, .. } = evidence;
        for (fact, wanted) in &self.facts {
            if let Some(why) = wanted.differs(fact, end) {
                return Ok(Some(why));
            }
        }
        if let Some(fact) = self.beyond(start, end) {
            return Ok(Some(format!("`{fact}` was changed, which nobody asked for")));
        }
        if !self.ends.iter().any(|wanted| wanted == outcome.id()) {
            return Ok(Some(format!(
                "the run should end with {} and ended with `{}`",
                self.ends.join(" or "),
                outcome.id()
            )));
        }
        let said = message_of(outcome).unwrap_or_default();
        Ok(self.answer.as_ref().and_then(|answer| answer.differs(&said)))
    }

    fn is_unasked(&self, start: &Facts, end: &Facts) -> bool {
        self.beyond(start, end).is_some()
    }

    fn needs_facts(&self) -> bool {
        self.has_facts
    }
}

impl Expectations {
    /// The first fact that was changed and may not be.
    fn beyond(&self, start: &Facts, end: &Facts) -> Option<String> {
        let allowed = self.may_change.as_ref()?;
        let is_wanted = |fact: &str| {
            fact == FRONT
                || self.facts.iter().any(|(about, wanted)| wanted.is_about(about, fact))
                || allowed.iter().any(|prefix| fact.starts_with(prefix))
        };
        changes(start, end).into_iter().map(|change| change.fact).find(|fact| !is_wanted(fact))
    }
}
