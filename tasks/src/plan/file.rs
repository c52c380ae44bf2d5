//! A plan as a person writes it, in TOML.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use tapwright_contract::model::{Model, Part, Prompt, Role, Turn};
use toml::Spanned;

use super::schedule::{Schedule, TimeSpan};
use crate::mistake::{Mistake, nearest, read_text};

/// Far above any plan that a person would write.
const GOALS_MAX: usize = 200;
/// Whoever wants more wants a loop.
const RETRIES_MAX: u32 = 100;
/// How often a model may try to write one.
const TRIES: u32 = 3;

/// A plan, read and checked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it is about.
    pub title: String,
    /// In the order in which they are tried.
    pub goals: Vec<Goal>,
    /// How often what is left may be planned anew.
    pub replans_max: usize,
    /// What is written into `document.md` after each goal; `{{name}}` stands for an output.
    pub document: Option<String>,
    /// The file as it was read.
    pub text: String,
}

/// One sub-goal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// By which it is known: letters, digits, `-` and `_`.
    #[serde(deserialize_with = "without_span")]
    pub name: String,
    /// What the agent is told; `{{name}}` stands for an output of an earlier goal.
    pub goal: Spanned<String>,
    /// The app that it is about, as a hint.
    pub app: Option<String>,
    /// Its own limit, in place of the plan's.
    pub steps_max: Option<u32>,
    /// It is done again and again, so often …
    every: Option<TimeSpan>,
    /// … and for so long.
    #[serde(rename = "for")]
    lasts: Option<TimeSpan>,
    /// What those two come to.
    #[serde(skip)]
    pub schedule: Option<Schedule>,
    /// What it has to find out.
    #[serde(default)]
    pub output: BTreeMap<String, OutputKind>,
    /// How many times it is tried again before `on_failure` says what happens.
    #[serde(default)]
    pub retries: u32,
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Whether a model has planned it in the middle of the run, and nobody has read it.
    #[serde(skip)]
    pub by_model: bool,
}

/// What an output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// Words.
    Text,
    /// A number; signs of money and thousands are left out.
    Number,
    /// Any number of lines, each with a title and what there is to say of it; a title counts once.
    Items,
    /// All that was noted.
    Notes,
}

/// What happens when a sub-goal is not achieved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The plan stops there.
    #[default]
    Stop,
    /// The next one is tried.
    Skip,
    /// A person says what happens.
    Ask,
    /// The model writes the rest of the plan anew.
    Replan,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    plan: String,
    #[serde(default = "a_few")]
    replans_max: usize,
    document: Option<Spanned<String>>,
    #[serde(default)]
    goal: Vec<Spanned<Goal>>,
}

fn a_few() -> usize {
    3
}

type Wrong = (Option<Range<usize>>, String, Option<String>);

impl Plan {
    /// Reads a plan's file.
    ///
    /// # Errors
    /// `Mistake` says what is wrong in it, and where.
    pub fn read(file: &Path) -> Result<Plan, Mistake> {
        let text = read_text(file).map_err(|error| Mistake::unreadable(file, &error))?;
        Plan::parse(file, &text, &BTreeSet::new())
    }

    /// Reads a plan's text; `known` are outputs that there are already.
    ///
    /// # Errors
    /// `Mistake` says what is wrong in it, and where.
    pub fn parse(file: &Path, text: &str, known: &BTreeSet<String>) -> Result<Plan, Mistake> {
        let read: File = toml::from_str(text).map_err(|error| Mistake::of_toml(file, text, &error))?;
        check(&read, known).map_err(|(at, why, help)| Mistake {
            file: file.to_owned(),
            text: text.to_owned(),
            at,
            why,
            help,
        })?;
        let goals = read.goal.into_iter().map(|goal| {
            let goal = goal.into_inner();
            Goal { schedule: Schedule::new(goal.every, goal.lasts).unwrap_or_default(), ..goal }
        });
        Ok(Plan {
            title: read.plan,
            goals: goals.collect(),
            replans_max: read.replans_max,
            document: read.document.map(Spanned::into_inner),
            text: text.to_owned(),
        })
    }
}

fn check(file: &File, known: &BTreeSet<String>) -> Result<(), Wrong> {
    if file.goal.is_empty() {
        return Err((None, "there is no goal in it".to_owned(), Some("add one: [[goal]]".to_owned())));
    }
    if file.goal.len() > GOALS_MAX {
        return Err((None, format!("{} goals; {GOALS_MAX} are the most", file.goal.len()), None));
    }
    let mut outputs = known.clone();
    let mut names = BTreeSet::new();
    for spanned in &file.goal {
        let goal = spanned.get_ref();
        let here = Some(spanned.span());
        if !is_plain(&goal.name) {
            let help = "letters, digits, `-` and `_`, up to 40".to_owned();
            return Err((here, format!("{:?} is no name for a goal", goal.name), Some(help)));
        }
        if !names.insert(&goal.name) {
            return Err((here, format!("there are two goals with the name `{}`", goal.name), None));
        }
        let span = goal.goal.span();
        if goal.goal.get_ref().trim().is_empty() {
            return Err((Some(span), "the goal is empty".to_owned(), None));
        }
        if goal.steps_max == Some(0) {
            return Err((here, format!("the goal `{}` may take no step", goal.name), None));
        }
        if goal.retries > RETRIES_MAX {
            return Err((here, format!("{} retries; {RETRIES_MAX} are the most", goal.retries), None));
        }
        Schedule::new(goal.every, goal.lasts).map_err(|why| (here.clone(), why, None))?;
        check_names(&goal.goal, &outputs, "no earlier goal has", true)?;
        for name in goal.output.keys() {
            if !is_plain(name) {
                return Err((here, format!("{name:?} is no name for an output"), None));
            }
            if !outputs.insert(name.clone()) {
                return Err((here, format!("there are two outputs with the name `{name}`"), None));
            }
        }
    }
    match &file.document {
        Some(document) => check_names(document, &outputs, "no goal has", false),
        None => Ok(()),
    }
}

/// Whether each `{{name}}` of a text is known. A goal may name a secret, which the agent writes as it stands there; a document may not.
fn check_names(
    text: &Spanned<String>,
    outputs: &BTreeSet<String>,
    nobody: &str,
    may_name_secrets: bool,
) -> Result<(), Wrong> {
    let words = text.get_ref();
    let mut from = 0;
    while let Some(at) = place(&words[from..]) {
        let name = words[from + at.start + 2..from + at.end - 2].trim();
        let is_known = outputs.contains(name) || may_name_secrets && is_secret(name);
        if !is_known {
            let near = nearest(name, outputs.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            let help =
                near.or_else(|| Some("an output of a goal before this one: output = { name = \"text\" }".to_owned()));
            return Err((Some(text.span()), format!("{nobody} the output `{name}`"), help));
        }
        from += at.end;
    }
    Ok(())
}

/// Whether `{{name}}` stands for a secret: that is for the agent to write, and never for a plan to fill.
pub(super) fn is_secret(name: &str) -> bool {
    name.starts_with("secret:")
}

/// The outputs that a goal names and that are not among these, each once.
pub(super) fn unknown_outputs(goal: &Goal, known: &BTreeMap<String, String>) -> Vec<String> {
    let mut rest = goal.goal.get_ref().as_str();
    let mut unknown = Vec::new();
    while let Some(at) = place(rest) {
        let name = rest[at.start + 2..at.end - 2].trim();
        if !is_secret(name) && !known.contains_key(name) && !unknown.iter().any(|one| one == name) {
            unknown.push(name.to_owned());
        }
        rest = &rest[at.end..];
    }
    unknown
}

/// Where the first `{{name}}` is.
pub(super) fn place(words: &str) -> Option<Range<usize>> {
    let start = words.find("{{")?;
    let end = start + words[start..].find("}}")? + 2;
    Some(start..end)
}

fn is_plain(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn without_span<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    String::deserialize(from)
}

/// What a model is told that is to write a plan.
pub fn prompt_for(what: &str) -> String {
    format!(
        "Write a plan for somebody who operates a device (a phone, a desktop or a browser), in TOML, and nothing else. Keep the goals few; each is done in \
         one app and can be checked on the screen. Form:\n\nplan = \"a title\"\n\n[[goal]]\nname = \"trains\"\ngoal = \"Find \
         the evening train to Changchun and note its number and price\"\napp = \"Trains\"\nsteps_max = 40\noutput = {{ train \
         = \"text\", price = \"number\" }}\nretries = 1\non_failure = \"ask\"\n\n[[goal]]\nname = \"tell\"\ngoal = \"Send \
         Anna the message: I take {{{{train}}}}\"\n\nAn output is text, number, items (any number of lines) or notes; on_failure is stop, skip, ask or \
         replan; {{{{name}}}} stands for an output of an earlier goal.\n\nThe task: {what}"
    )
}

/// Has a model write a plan, within three tries; what is wrong with one is told to it.
///
/// # Errors
/// What was wrong with the last one, or why there is none.
pub async fn draft(
    model: &mut dyn Model,
    what: &str,
    known: &BTreeSet<String>,
    within: std::time::Duration,
) -> Result<Plan, Mistake> {
    let file = Path::new("the model's plan");
    let said = |role, text: String| Turn { role, parts: vec![Part::Text(text)] };
    let mut prompt = Prompt { turns: vec![said(Role::User, prompt_for(what))], grammar: None, tokens_max: 3000 };
    let mut last = Mistake {
        file: file.to_owned(),
        text: String::new(),
        at: None,
        why: "the model wrote none".to_owned(),
        help: None,
    };
    for _ in 0..TRIES {
        let reply = match model.reply(&prompt, within).await {
            Ok(reply) => reply,
            Err(error) => return Err(Mistake { why: format!("the model did not answer: {error}"), ..last }),
        };
        match Plan::parse(file, fenced_text(&reply.text), known) {
            Ok(plan) => return Ok(plan),
            Err(mistake) => {
                let help = mistake.help.as_deref().map_or_else(String::new, |help| format!(" ({help})"));
                prompt.turns.push(said(Role::Assistant, reply.text));
                prompt.turns.push(said(
                    Role::User,
                    format!("This is wrong: {}{help}. Write the whole plan again.", mistake.why),
                ));
                last = mistake;
            }
        }
    }
    Err(last)
}

/// What stands between fences, if there are any.
fn fenced_text(text: &str) -> &str {
    let text = text.rsplit("</think>").next().unwrap_or(text);
    match text.split_once("```") {
        Some((_, rest)) => {
            let rest = rest.split_once('\n').map_or(rest, |(_, rest)| rest);
            rest.split("```").next().unwrap_or(rest)
        }
        None => text.trim(),
    }
}
