//! A goal as an ordered plan of sub-goals, each a run of its own, with outputs that later ones can use.
//!
//! ```text
//! RUNS/PLAN/plan.toml       the plan as it was read
//! RUNS/PLAN/plan.jsonl      what became of it, a line at a time, synced; from it a plan goes on in the middle
//! RUNS/PLAN/1-NAME/         the record of a sub-goal's run; 1-NAME-2 is its second try
//! RUNS/PLAN/plan.md .json   the result: outputs, notes, pictures, and what was not achieved
//! ```
//!
//! Deciding is here and pure, given what came of each run; how a run is made is the caller's [`GoalRunner`].

mod file;
mod journal;
mod report;

pub use file::{Goal, OnFailure, OutputKind, Plan, draft, prompt_for};
pub use journal::{Achieved, PlanLine, PlanRecord, PlanRecordError};
pub use report::{id, markdown, summary};

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use async_trait::async_trait;
use tapwright_agent::outcome::{End, Outcome};
use tapwright_agent::person::{Answer, Question};

/// The values of outputs by their names.
pub type Outputs = BTreeMap<String, String>;

/// Makes the run of a sub-goal, or goes on with it.
#[async_trait]
pub trait GoalRunner: Send {
    /// What goes wrong without being an outcome.
    type Error: Send;

    /// Runs a goal to its end, in the record `run` of the plan's folder. If there is a record of that name already, the
    /// run broke off: it goes on, or its end is taken if it has one.
    async fn run(&mut self, goal: &Goal, words: &str, run: &str) -> Result<End, Self::Error>;

    /// Asks whoever is there.
    async fn ask(&mut self, question: &Question) -> Answer;

    /// Has the rest of a plan written anew, which may use the outputs `known`; `None` if nobody can.
    async fn replan(&mut self, told: &str, known: &BTreeSet<String>) -> Result<Option<Plan>, Self::Error>;
}

/// How a plan came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanEnd {
    /// All sub-goals were achieved.
    Done,
    /// It went to its end, without some of them.
    Partly,
    /// It stopped at a sub-goal that ended so.
    Stopped(Outcome),
    /// Somebody has to say what to do, and nobody does: it can go on later.
    NeedsPerson(String),
}

/// Why a plan has no end.
#[derive(Debug)]
pub enum PlanError<E> {
    /// A run could not be made.
    Run(E),
    /// What became of it cannot be written down, so nothing more was done.
    Unwritten(std::io::Error),
}

/// Carries a plan out from where its record stands.
///
/// # Errors
/// `PlanError` if a run cannot be made or written down.
pub async fn carry_out<X: GoalRunner>(
    record: &mut PlanRecord,
    execute: &mut X,
) -> Result<PlanEnd, PlanError<X::Error>> {
    record.take_back_stop().map_err(PlanError::Unwritten)?;
    while let Some((number, goal)) = record.next() {
        let line = match record.undecided(&goal) {
            Some(failure) => match decide(record, &goal, &failure.why, execute).await? {
                Resolution::Go(line) => line,
                Resolution::Stop(why) => {
                    record.write(PlanLine::Stopped { goal: goal.name.clone(), why }).map_err(PlanError::Unwritten)?;
                    return Ok(PlanEnd::Stopped(failure.end));
                }
                Resolution::Nobody => return Ok(PlanEnd::NeedsPerson(format!("{}: {}", goal.name, failure.why))),
            },
            None => match attempt(record, number, &goal, execute).await? {
                Ok(line) => line,
                Err(outcome) => return Ok(PlanEnd::Stopped(outcome)),
            },
        };
        record.write(line).map_err(PlanError::Unwritten)?;
    }
    Ok(if record.skipped() { PlanEnd::Partly } else { PlanEnd::Done })
}

/// Runs a goal and says what came of it; `Err` if the run can go on, which says nothing about the goal.
async fn attempt<X: GoalRunner>(
    record: &mut PlanRecord,
    number: usize,
    goal: &Goal,
    execute: &mut X,
) -> Result<Result<PlanLine, Outcome>, PlanError<X::Error>> {
    let words = filled(goal, &record.outputs());
    let run = record.run(number, &goal.name);
    if !record.is_begun(&run) {
        record.write(PlanLine::Begun { goal: goal.name.clone(), run: run.clone() }).map_err(PlanError::Unwritten)?;
    }
    let end = execute.run(goal, &words, &run).await.map_err(PlanError::Run)?;
    let goal_name = goal.name.clone();
    let why = match (&end.outcome, outputs(goal, &end)) {
        (Outcome::Done { .. }, Ok(outputs)) => {
            let achieved = Achieved { goal: goal_name, run, outputs, notes: end.notes };
            return Ok(Ok(PlanLine::Achieved(achieved)));
        }
        (Outcome::Done { .. }, Err(why)) => why,
        // Whoever resumes the plan goes on in the middle of this run.
        (outcome, _) if outcome.can_go_on() => return Ok(Err(end.outcome)),
        (outcome, _) => told(outcome),
    };
    let outcome = end.outcome.id().to_owned();
    Ok(Ok(PlanLine::Failed { goal: goal_name, run, why, outcome, end: Some(end.outcome) }))
}

/// What happens after the last failure of a goal.
enum Resolution {
    Go(PlanLine),
    /// It ends here, for this reason.
    Stop(String),
    /// Somebody has to say, and nobody does.
    Nobody,
}

async fn decide<X: GoalRunner>(
    record: &PlanRecord,
    goal: &Goal,
    why: &str,
    execute: &mut X,
) -> Result<Resolution, PlanError<X::Error>> {
    Ok(match on_failure(goal, why, execute).await {
        FailureChoice::Again => Resolution::Go(PlanLine::Again { goal: goal.name.clone() }),
        FailureChoice::Skip => Resolution::Go(PlanLine::Skipped { goal: goal.name.clone(), why: why.to_owned() }),
        FailureChoice::Replan if record.replans() >= record.plan.replans_max => {
            Resolution::Stop(format!("{why}; it was planned anew {} times already", record.replans()))
        }
        FailureChoice::Replan => {
            let known = record.outputs().into_keys().collect();
            match execute.replan(&record.told(goal, why), &known).await.map_err(PlanError::Run)? {
                Some(plan) => Resolution::Go(PlanLine::Replanned { toml: plan.text }),
                None => Resolution::Stop(format!("{why}; nobody could plan it anew")),
            }
        }
        FailureChoice::Stop => Resolution::Stop(why.to_owned()),
        FailureChoice::Nobody => Resolution::Nobody,
    })
}

/// What is to be done about a goal that was not achieved.
enum FailureChoice {
    Again,
    Skip,
    Replan,
    Stop,
    Nobody,
}

async fn on_failure(goal: &Goal, why: &str, execute: &mut impl GoalRunner) -> FailureChoice {
    match goal.on_failure {
        OnFailure::Skip => FailureChoice::Skip,
        OnFailure::Stop => FailureChoice::Stop,
        OnFailure::Replan => FailureChoice::Replan,
        OnFailure::Ask => {
            let message =
                format!("the sub-goal {:?} was not achieved: {why}. Say: retry, skip, replan or stop", goal.name);
            match execute.ask(&Question::Choose { message }).await {
                Answer::Choice(words) => match words.trim().to_lowercase().as_str() {
                    "retry" | "again" | "r" => FailureChoice::Again,
                    "skip" => FailureChoice::Skip,
                    "replan" => FailureChoice::Replan,
                    _ => FailureChoice::Stop, // Whatever is unclear does no more.
                },
                Answer::Yes => FailureChoice::Again,
                Answer::Done => FailureChoice::Skip,
                Answer::No => FailureChoice::Stop,
                Answer::Nobody => FailureChoice::Nobody,
            }
        }
    }
}

/// A goal in the words that the agent is told: with the values of what came before, and how to report its own.
pub fn filled(goal: &Goal, outputs: &Outputs) -> String {
    let mut words = goal.goal.get_ref().trim().to_owned();
    // A value is text from a screen: what looks like a name in it stays as it is.
    let mut from = 0;
    while let Some((start, end)) = file::place(&words[from..]).map(|at| (at.start + from, at.end + from)) {
        let value = outputs.get(words[start + 2..end - 2].trim()).cloned().unwrap_or_default();
        words.replace_range(start..end, &value);
        from = start + value.len();
    }
    if let Some(app) = &goal.app {
        words += &format!("\nUse the app {app}.");
    }
    let wanted: Vec<String> = goal
        .output
        .iter()
        .filter(|(_, kind)| **kind != OutputKind::Notes)
        .map(|(name, kind)| format!("{name}: <{}>", if *kind == OutputKind::Number { "a number" } else { "text" }))
        .collect();
    if !wanted.is_empty() {
        words += &format!("\nIn the message of your finish, write a line for each of: {}", wanted.join(", "));
    }
    words
}

/// What a run says its outputs are: lines `name: value` of its last message, or of its notes.
fn outputs(goal: &Goal, end: &End) -> Result<Outputs, String> {
    let message = match &end.outcome {
        Outcome::Done { message } => message.as_str(),
        _ => "",
    };
    let lines = || message.split(['\n', ';']).chain(end.notes.iter().flat_map(|note| note.split(['\n', ';'])));
    let mut outputs = Outputs::new();
    for (name, kind) in &goal.output {
        let said = lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned()).filter(|value| !value.is_empty())
        });
        let value = match (kind, said) {
            (OutputKind::Notes, _) if end.notes.is_empty() => return Err(format!("nothing was noted for `{name}`")),
            (OutputKind::Notes, _) => end.notes.join("\n"),
            (OutputKind::Text, Some(text)) => text,
            (OutputKind::Number, Some(text)) => {
                number(&text).ok_or_else(|| format!("`{name}` is to be a number, and is {text:?}"))?
            }
            (OutputKind::Text | OutputKind::Number, None) => return Err(format!("it did not say what `{name}` is")),
        };
        outputs.insert(name.clone(), value);
    }
    Ok(outputs)
}

/// The number in a text such as `¥ 1,299.50`, if there is exactly one.
fn number(text: &str) -> Option<String> {
    let plain = text.replace(',', "");
    let mut numbers = plain
        .split(|letter: char| !letter.is_ascii_digit() && letter != '.' && letter != '-')
        .filter(|part| part.bytes().any(|byte| byte.is_ascii_digit()));
    let found = numbers.next()?;
    let value: f64 = found.trim_end_matches('.').parse().ok()?;
    numbers.next().is_none().then(|| value.to_string())
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::GaveUp { message } => format!("it cannot be done: {message}"),
        Outcome::Stuck { why } | Outcome::Refused { why } => why.clone(),
        Outcome::OutOfSteps => "it took more steps than it may have".to_owned(),
        outcome => outcome.id().to_owned(),
    }
}

/// Where the last picture of a run is, from the plan's folder.
pub fn last_picture(folder: &Path, run: &str) -> Option<String> {
    let record = tapwright_agent::journal::Record::read(&folder.join(run)).ok()?;
    let scene = crate::record::scenes(&record).into_iter().rev().find_map(|scene| scene.picture)?;
    Some(format!("{run}/pictures/{scene}.png"))
}

#[cfg(test)]
mod tests;
