//! A plan as a person writes it, in TOML.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tapwright_agent::secrets::{self, Secrets};
use tapwright_contract::model::{Model, Part, Prompt, Role, Turn};
use toml::Spanned;

use super::goal::{Goal, OnFailure, TableSource, Work};
use super::parameters::{self, Parameter, ParameterError, RawParameters};
use super::schedule::Schedule;
use super::step_file::{Item, RawStep, Reader, Wrong, near};
use super::table;
use super::values::{Outputs, braces, is_plain, is_secret, place, place_of_name, value_name};
use crate::mistake::{Mistake, read_text};

/// Far above any plan that a person would write.
const GOALS_MAX: usize = 400;
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
    /// What it takes from whoever runs it, by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// The values of these. None is known of those without a default before they are given.
    pub values: Outputs,
    /// The tables that it names, by these names.
    pub tables: BTreeMap<String, Vec<Outputs>>,
    /// The file as it was read.
    pub text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    plan: String,
    #[serde(default = "a_few")]
    replans_max: usize,
    document: Option<Spanned<String>>,
    #[serde(default)]
    parameters: RawParameters,
    #[serde(default)]
    goal: Vec<Spanned<Goal>>,
    #[serde(default)]
    step: Vec<Spanned<RawStep>>,
}

fn a_few() -> usize {
    3
}

impl Plan {
    /// Reads a plan's file, and the tables that it names, beside it.
    ///
    /// # Errors
    /// `Mistake` says what is wrong in it, and where.
    pub fn read(file: &Path) -> Result<Plan, Mistake> {
        let text = read_text(file).map_err(|error| Mistake::unreadable(file, &error))?;
        let beside = file.parent().map(Path::to_owned).unwrap_or_default();
        Plan::of(file, &text, &BTreeSet::new(), Some(&beside))
    }

    /// Reads a plan as its record has it. Its tables are in the record too: no file that it names is read.
    ///
    /// # Errors
    /// `Mistake` says what is wrong in it, and where.
    pub fn read_recorded(file: &Path) -> Result<Plan, Mistake> {
        let text = read_text(file).map_err(|error| Mistake::unreadable(file, &error))?;
        Plan::of(file, &text, &BTreeSet::new(), None)
    }

    /// Reads a plan's text; `known` are outputs that there are already.
    ///
    /// # Errors
    /// `Mistake` says what is wrong in it, and where.
    pub fn parse(file: &Path, text: &str, known: &BTreeSet<String>) -> Result<Plan, Mistake> {
        Plan::of(file, text, known, None)
    }

    /// Reads what a model wrote in the middle of a plan: goals, and no steps, which nobody would have read before they are done.
    ///
    /// # Errors
    /// `Mistake` says what is wrong in it, and where.
    pub fn parse_by_model(file: &Path, text: &str, known: &BTreeSet<String>) -> Result<Plan, Mistake> {
        let plan = Plan::parse(file, text, known)?;
        if !plan.parameters.is_empty() {
            return Err(Mistake {
                file: file.to_owned(),
                text: text.to_owned(),
                at: None,
                why: "there are parameters in it, which nobody would give a value".to_owned(),
                help: Some("leave out [parameters]".to_owned()),
            });
        }
        match plan.goals.iter().find(|goal| !matches!(goal.work, Work::Words)) {
            None => Ok(plan),
            Some(goal) => Err(Mistake {
                file: file.to_owned(),
                text: text.to_owned(),
                at: Some(goal.goal.span()),
                why: "there are steps in it; a plan of yours has goals only".to_owned(),
                help: Some("write [[goal]] with name and goal".to_owned()),
            }),
        }
    }

    fn of(file: &Path, text: &str, known: &BTreeSet<String>, beside: Option<&Path>) -> Result<Plan, Mistake> {
        let read: File = toml::from_str(text).map_err(|error| Mistake::of_toml(file, text, &error))?;
        let goals = read.goal.into_iter().map(|goal| Item::Goal(Box::new(goal)));
        let items: Vec<Item> = goals.chain(read.step.into_iter().map(|step| Item::Step(Box::new(step)))).collect();
        let checked =
            parameters::check(&read.parameters).and_then(|()| Reader::new(&items).goals(items)).and_then(|goals| {
                let known: BTreeSet<String> = known.iter().chain(read.parameters.keys()).cloned().collect();
                check(text, &goals, read.document.as_ref(), &known)?;
                let tables = match beside {
                    Some(folder) => tables(text, &goals, folder)?,
                    None => BTreeMap::new(),
                };
                Ok((goals, tables))
            });
        let (goals, tables) = checked.map_err(|(at, why, help)| Mistake {
            file: file.to_owned(),
            text: text.to_owned(),
            at,
            why,
            help,
        })?;
        let goals = goals.into_iter().map(|goal| {
            let schedule = Schedule::new(goal.every, goal.lasts).unwrap_or_default();
            Goal { schedule, ..goal }
        });
        let parameters: BTreeMap<String, Parameter> =
            read.parameters.into_iter().map(|(name, parameter)| (name, parameter.into_inner())).collect();
        let defaults = parameters.iter().filter_map(|(name, of)| Some((name.clone(), of.default.clone()?)));
        Ok(Plan {
            values: defaults.collect(),
            parameters,
            title: read.plan,
            goals: goals.collect(),
            replans_max: read.replans_max,
            document: read.document.map(Spanned::into_inner),
            tables,
            text: text.to_owned(),
        })
    }

    /// The plan with values for its parameters. What is not given is its default.
    ///
    /// # Errors
    /// `ParameterError` if one is missing or unknown, or is nothing that belongs on a command line.
    pub fn with_parameters(mut self, given: &[(String, String)], secrets: &Secrets) -> Result<Plan, ParameterError> {
        self.values = parameters::values_of(&self.parameters, given, secrets)?;
        Ok(self)
    }

    /// Whether any part of it is for a model.
    pub fn needs_model(&self) -> bool {
        self.goals.iter().any(Goal::needs_model)
    }

    /// Whether a model would be asked where a screen is not as its steps want it.
    pub fn hands_over(&self) -> bool {
        self.goals.iter().any(Goal::hands_over)
    }

    /// The secrets named in it that `known` does not have.
    pub fn unknown_secrets(&self, known: impl Fn(&str) -> bool) -> Vec<UnknownSecret<'_>> {
        let mut unknown: Vec<UnknownSecret<'_>> = Vec::new();
        for goal in self.all_goals() {
            for name in texts(goal).into_iter().flat_map(secrets::names).filter(|name| !known(name)) {
                if !unknown.iter().any(|one| one.name == name && one.goal == goal.name) {
                    let is_for_model = matches!(goal.work, Work::Words);
                    unknown.push(UnknownSecret { goal: &goal.name, name, is_for_model });
                }
            }
        }
        unknown
    }

    /// All goals in it, those in loops and conditions too.
    pub fn all_goals(&self) -> Vec<&Goal> {
        self.goals.iter().flat_map(Goal::all).collect()
    }
}

/// A secret that a plan names and nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownSecret<'a> {
    pub name: &'a str,
    /// The part of the plan that names it.
    pub goal: &'a str,
    /// Whether a model does that part: it is told that there is no such secret, and can go on. Steps fail where they come to it.
    pub is_for_model: bool,
}

/// Reads the tables that a plan names, and looks whether they have the columns that it names.
fn tables(text: &str, goals: &[Goal], folder: &Path) -> Result<BTreeMap<String, Vec<Outputs>>, Wrong> {
    let mut tables = BTreeMap::new();
    for goal in goals.iter().flat_map(Goal::all) {
        let Work::Rows { table: TableSource::File(name), row, body } = &goal.work else { continue };
        if let Some(link) = first_link(folder, name) {
            let help = "put the file itself beside the plan".to_owned();
            return Err((
                Some(goal.goal.span()),
                format!("{} is a link, and none is followed", link.display()),
                Some(help),
            ));
        }
        let at: PathBuf = folder.join(name);
        let rows = table::read(&at).map_err(|why| {
            let help = "a table is a file of comma-separated values beside the plan; its first row names the columns";
            (Some(goal.goal.span()), why, Some(help.to_owned()))
        })?;
        if let Some(first) = rows.first() {
            let known: BTreeSet<String> = first.keys().map(|column| format!("{row}.{column}")).collect();
            let prefix = format!("{row}.");
            let rebound = |goal: &&Goal| matches!(&goal.work, Work::Rows { row: inner, .. } if inner == row);
            let inner: BTreeSet<&str> = body
                .iter()
                .flat_map(Goal::all)
                .filter(rebound)
                .flat_map(Goal::all)
                .map(|goal| goal.name.as_str())
                .collect();
            for goal in body.iter().flat_map(Goal::all).filter(|goal| !inner.contains(goal.name.as_str())) {
                let names = texts(goal).into_iter().flat_map(names_in);
                if let Some(name) = names.into_iter().find(|name| name.starts_with(&prefix) && !known.contains(*name)) {
                    let columns: Vec<&str> = first.keys().map(String::as_str).collect();
                    let help = near(name, &known).unwrap_or_else(|| format!("its columns are: {}", columns.join(", ")));
                    let here = place_in(text, &goal.goal.span(), name);
                    return Err((Some(here), format!("no column of {} is `{name}`", at.display()), Some(help)));
                }
            }
        }
        tables.insert(name.clone(), rows);
    }
    Ok(tables)
}

/// The first link on the way from a folder down to a file: it could lead anywhere.
fn first_link(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut at = folder.to_owned();
    Path::new(name).components().find_map(|part| {
        at.push(part);
        fs::symlink_metadata(&at).is_ok_and(|about| about.is_symlink()).then(|| at.clone())
    })
}

/// What is known at a place of a plan.
#[derive(Clone)]
struct Scope {
    outputs: BTreeSet<String>,
    /// What rows are called.
    rows: Vec<String>,
}

struct Checker<'a> {
    /// The file.
    text: &'a str,
    names: BTreeSet<String>,
    /// All outputs of the file.
    all: BTreeSet<String>,
    goals: usize,
}

fn check(
    text: &str,
    goals: &[Goal],
    document: Option<&Spanned<String>>,
    known: &BTreeSet<String>,
) -> Result<(), Wrong> {
    if goals.is_empty() {
        let help = "add one: [[goal]], or a step that needs no model: [[step]]";
        return Err((None, "there is no goal in it".to_owned(), Some(help.to_owned())));
    }
    let mut checker = Checker { text, names: BTreeSet::new(), all: known.clone(), goals: 0 };
    let mut scope = Scope { outputs: known.clone(), rows: Vec::new() };
    checker.goals(goals, &mut scope)?;
    match document {
        Some(document) => {
            let scope = Scope { outputs: checker.all, rows: Vec::new() };
            check_names(text, document.get_ref(), &document.span(), &scope, "no goal has", false)
        }
        None => Ok(()),
    }
}

impl Checker<'_> {
    fn goals(&mut self, goals: &[Goal], scope: &mut Scope) -> Result<(), Wrong> {
        for goal in goals {
            self.goals += 1;
            if self.goals > GOALS_MAX {
                return Err((Some(goal.goal.span()), format!("{GOALS_MAX} goals are the most"), None));
            }
            self.goal(goal, scope)?;
        }
        Ok(())
    }

    fn goal(&mut self, goal: &Goal, scope: &mut Scope) -> Result<(), Wrong> {
        let here = Some(goal.goal.span());
        if !is_plain(&goal.name) {
            let help = "letters, digits, `-` and `_`, up to 40".to_owned();
            return Err((here, format!("{:?} is no name for a goal", goal.name), Some(help)));
        }
        if !self.names.insert(goal.name.clone()) {
            return Err((here, format!("there are two goals with the name `{}`", goal.name), None));
        }
        if goal.goal.get_ref().trim().is_empty() {
            return Err((here, "the goal is empty".to_owned(), None));
        }
        if goal.steps_max == Some(0) {
            return Err((here, format!("the goal `{}` may take no step", goal.name), None));
        }
        if goal.retries > RETRIES_MAX {
            return Err((here, format!("{} retries; {RETRIES_MAX} are the most", goal.retries), None));
        }
        if goal.on_failure == OnFailure::HandOver && !matches!(goal.work, Work::Steps(_)) {
            let why = format!("`{}` is not made of steps that could be handed over", goal.name);
            return Err((here, why, Some("write stop, skip, ask or replan".to_owned())));
        }
        Schedule::new(goal.every, goal.lasts).map_err(|why| (here.clone(), why, None))?;
        match &goal.work {
            Work::Words => {
                check_names(self.text, goal.goal.get_ref(), &goal.goal.span(), scope, "no earlier goal has", true)?;
                self.outputs(goal.output.keys(), goal, scope)
            }
            Work::Steps(steps) => {
                for step in steps {
                    for text in step.texts() {
                        check_names(self.text, text, &goal.goal.span(), scope, "no earlier step has", true)?;
                    }
                    self.outputs(step.output.iter().map(|output| &output.name), goal, scope)?;
                }
                Ok(())
            }
            Work::Branch { then, otherwise, .. } => {
                for text in texts(goal) {
                    check_names(self.text, text, &goal.goal.span(), scope, "no earlier step has", false)?;
                }
                // Only one of them is done; what is missing then is told when it is wanted.
                let mut other = scope.clone();
                self.goals(then, scope)?;
                self.goals(otherwise, &mut other)?;
                scope.outputs.extend(other.outputs);
                Ok(())
            }
            Work::Rows { table, row, body } => {
                if let TableSource::Output(name) = table
                    && !scope.outputs.contains(name)
                {
                    let help = near(name, &scope.outputs);
                    let here = place_in(self.text, &goal.goal.span(), name);
                    return Err((Some(here), format!("no earlier step has the output `{name}`"), help));
                }
                let mut inner = Scope { rows: scope.rows.clone(), ..scope.clone() };
                inner.rows.push(row.clone());
                self.goals(body, &mut inner)?;
                scope.outputs = inner.outputs;
                Ok(())
            }
        }
    }

    fn outputs<'a>(
        &mut self,
        names: impl Iterator<Item = &'a String>,
        goal: &Goal,
        scope: &mut Scope,
    ) -> Result<(), Wrong> {
        for name in names {
            let here = Some(goal.goal.span());
            if !is_plain(name) {
                return Err((here, format!("{name:?} is no name for an output"), None));
            }
            if !self.all.insert(name.clone()) {
                let why = format!("there are two outputs with the name `{name}`, or a parameter has it too");
                return Err((here, why, None));
            }
            scope.outputs.insert(name.clone());
        }
        Ok(())
    }
}

/// The texts of a goal in which values may be named, without those of the goals in it.
fn texts(goal: &Goal) -> Vec<&str> {
    match &goal.work {
        Work::Words => vec![goal.goal.get_ref()],
        Work::Steps(steps) => steps.iter().flat_map(|step| step.texts()).collect(),
        Work::Branch { condition, .. } => {
            let mut texts = Vec::new();
            condition.texts(&mut texts);
            texts
        }
        Work::Rows { .. } => Vec::new(),
    }
}

/// The names in a text, but for secrets.
fn names_in(mut text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    while let Some(at) = place(text) {
        let name = value_name(&text[at.start + 2..at.end - 2]);
        if !is_secret(name) && braces(name).is_none() {
            names.push(name);
        }
        text = &text[at.end..];
    }
    names
}

/// Where a name stands that is wrong, if it is found in what begins at a place of the file: a part of a plan may have many steps.
fn place_in(text: &str, part: &std::ops::Range<usize>, name: &str) -> std::ops::Range<usize> {
    place_of_name(text, part.start, name).unwrap_or_else(|| part.clone())
}

/// Whether each `{{name}}` of a text is known. A goal may name a secret, which the agent writes as it stands there; a document may not.
fn check_names(
    text: &str,
    words: &str,
    span: &std::ops::Range<usize>,
    scope: &Scope,
    nobody: &str,
    may_name_secrets: bool,
) -> Result<(), Wrong> {
    let mut rest = words;
    while let Some(at) = place(rest) {
        let name = value_name(&rest[at.start + 2..at.end - 2]);
        let of_row = name.split_once('.').is_some_and(|(row, _)| scope.rows.iter().any(|known| known == row));
        // With a blank before its name it would be typed as it stands there, braces and all.
        let is_of_secret = may_name_secrets && is_secret(name);
        if is_of_secret && !rest[at.start..].starts_with("{{secret:") {
            let help = "write {{secret:NAME}}, with nothing between the braces and `secret`";
            return Err((
                Some(place_in(text, span, name)),
                format!("{nobody} the output `{name}`"),
                Some(help.to_owned()),
            ));
        }
        if !(scope.outputs.contains(name) || of_row || is_of_secret || braces(name).is_some()) {
            let help = near(name, &scope.outputs)
                .or_else(|| Some("an output of a goal before this one: output = { name = \"text\" }".to_owned()));
            return Err((Some(place_in(text, span, name)), format!("{nobody} the output `{name}`"), help));
        }
        rest = &rest[at.end..];
    }
    Ok(())
}

/// The outputs that a goal for a model names and that are not among these, each once. Steps say it themselves where they come to it.
pub(super) fn unknown_outputs(goal: &Goal, known: &Outputs) -> Vec<String> {
    let mut unknown: Vec<String> = Vec::new();
    if matches!(goal.work, Work::Words) {
        for name in names_in(goal.goal.get_ref()) {
            if !known.contains_key(name) && !unknown.iter().any(|one| one == name) {
                unknown.push(name.to_owned());
            }
        }
    }
    unknown
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
        match Plan::parse_by_model(file, fenced_text(&reply.text), known) {
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
