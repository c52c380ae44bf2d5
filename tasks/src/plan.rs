//! A goal as an ordered plan of sub-goals, each a run of its own, with outputs that later ones can use.
//!
//! ```text
//! RUNS/PLAN/plan.toml       the plan as it was read
//! RUNS/PLAN/plan.jsonl      what became of it, a line at a time, synced; from it a plan goes on in the middle
//! RUNS/PLAN/1-NAME/         the record of a sub-goal's run; 1-NAME-2 is its second try
//! RUNS/PLAN/document.md     what the plan says should be written, as far as it is known: made anew from plan.jsonl after each goal
//! RUNS/PLAN/plan.md .json   the result: outputs, notes, pictures, and what was not achieved
//! ```
//!
//! Deciding is here and pure, given what came of each run; how a run is made is the caller's [`GoalRunner`].

mod execute;
mod failure;
mod file;
mod goal;
mod handed_over;
mod journal;
mod outputs;
mod parameters;
mod recording;
mod report;
mod schedule;
mod step_file;
pub mod steps;
mod table;
mod values;

pub use execute::{PlanRunError, PlanWatch, SessionRunner};
pub use file::{Plan, UnknownSecret, draft, prompt_for};
pub use goal::{Goal, OnFailure, TableSource, Work};
pub use journal::{Achieved, PlanLine, PlanRecord, PlanRecordError, Round};
pub use outputs::fill_goal;
pub use parameters::{Parameter, ParameterError};
pub use recording::{Recording, RecordingError, recording};
pub use report::{PlanStanding, document, end_of, id, markdown, notice, standing, summary};
pub use schedule::{Schedule, TimeSpan};
pub use values::{OutputKind, Outputs};

use std::collections::BTreeSet;

use async_trait::async_trait;
use tapwright_agent::outcome::{End, Outcome};
use tapwright_agent::person::{Answer, Question};

use self::failure::Failure;
use self::outputs::outputs;
use self::steps::{DeedState, Step, StepAction, StepPosition, outputs_of, verdict_of};

/// Makes the run of a sub-goal, or goes on with it.
#[async_trait]
pub trait GoalRunner: Send {
    /// What goes wrong without being an outcome.
    type Error: Send;

    /// Runs a goal to its end, in the record `run` of the plan's folder. If there is a record of that name already, the
    /// run broke off: it goes on, or its end is taken if it has one.
    async fn run(&mut self, goal: &Goal, words: &str, run: &str) -> Result<End, Self::Error>;

    /// Does steps that need no model, in the record `run`, as [`GoalRunner::run`] does a goal. `values` is what they may name; if there
    /// are runs `before` it, the oldest first, it begins where the last of them stands. Also says where it stands itself.
    async fn run_steps(
        &mut self,
        goal: &Goal,
        steps: &[Step],
        values: &Outputs,
        run: &str,
        before: &[&str],
    ) -> Result<(End, StepPosition), Self::Error>;

    /// Whether there is a model that could do the rest of steps whose screen is another one.
    fn has_model(&self) -> bool;

    /// Asks the model, in words alone, what a run that says it is done has not said: `why` is what is missing. `None` if it does not
    /// answer. Nothing is done on the phone.
    async fn report(&mut self, goal: &Goal, words: &str, end: &End, why: &str) -> Result<Option<String>, Self::Error>;

    /// Asks whoever is there.
    async fn ask(&mut self, question: &Question) -> Answer;

    /// The time by which schedules go, in milliseconds since 1970.
    async fn now(&mut self) -> Result<u64, Self::Error>;

    /// Waits until it is that time; `false` if somebody stops it before.
    async fn wait_until(&mut self, goal: &Goal, at: u64) -> Result<bool, Self::Error>;

    /// Has the rest of a plan written anew, which may use the outputs `known`; `None` if nobody can.
    async fn replan(&mut self, told: &str, known: &BTreeSet<String>) -> Result<Option<Plan>, Self::Error>;
}

/// With all rows of its loops a plan has no more goals.
pub(crate) const GOALS_MAX: usize = 20_000;

/// What the plan's document is called in its folder.
pub const DOCUMENT: &str = "document.md";

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
    let mut reported = BTreeSet::new();
    write_document(record).map_err(PlanError::Unwritten)?;
    while let Some((number, goal)) = record.next() {
        let failure = match (without_inputs(record, &goal), &goal.work) {
            (None, Work::Rows { table, body, .. }) => match rows_of(record, table, body.len()) {
                Ok(rows) => {
                    record.write(PlanLine::Rows { goal: goal.name.clone(), rows }).map_err(PlanError::Unwritten)?;
                    continue;
                }
                Err(why) => Some(not_begun(why)),
            },
            (failure, _) => failure,
        };
        if let Some(failure) = failure {
            match decide(record, &goal, &failure, execute).await? {
                Resolution::Go(line) => record.write(*line).map_err(PlanError::Unwritten)?,
                Resolution::Stop(why) => {
                    record.write(PlanLine::Stopped { goal: goal.name.clone(), why }).map_err(PlanError::Unwritten)?;
                    return Ok(PlanEnd::Stopped(failure.end));
                }
                Resolution::Nobody => return Ok(PlanEnd::NeedsPerson(format!("{}: {}", goal.name, failure.why))),
            }
            continue;
        }
        let round = match goal.schedule {
            Some(schedule) => match next_round(record, &goal, schedule, execute).await? {
                NextRound::Number(number) => Some(number),
                NextRound::Over => {
                    let line = record.rounds_over(&goal);
                    record.write(line).map_err(PlanError::Unwritten)?;
                    continue;
                }
                NextRound::Stopped => return Ok(PlanEnd::Stopped(Outcome::Stopped)),
            },
            None => None,
        };
        let line = match record.undecided_failure(&goal) {
            // It was done, says the model: doing it again could do it twice. What is missing is asked for, once.
            Some(failure) if failure.is_claimed() && reported.insert(failure.run.clone()) => {
                match report(record, &goal, &failure, execute).await? {
                    Some(line) => line,
                    None => continue,
                }
            }
            Some(failure) => match decide(record, &goal, &failure, execute).await? {
                Resolution::Go(line) => *line,
                Resolution::Stop(why) => {
                    record.write(PlanLine::Stopped { goal: goal.name.clone(), why }).map_err(PlanError::Unwritten)?;
                    return Ok(PlanEnd::Stopped(failure.end));
                }
                Resolution::Nobody => return Ok(PlanEnd::NeedsPerson(format!("{}: {}", goal.name, failure.why))),
            },
            None => match attempt(record, number, &goal, round, execute).await? {
                Ok(line) => line,
                Err(outcome) => return Ok(PlanEnd::Stopped(outcome)),
            },
        };
        record.write(line).map_err(PlanError::Unwritten)?;
        write_document(record).map_err(PlanError::Unwritten)?;
    }
    Ok(if record.has_skipped() { PlanEnd::Partly } else { PlanEnd::Done })
}

/// Makes the document anew from what is written down of the plan: so it has neither less than that nor anything twice.
fn write_document(record: &PlanRecord) -> std::io::Result<()> {
    match document(&record.plan, &record.known_values()) {
        Some(text) => crate::origin::write_atomically(&record.folder, DOCUMENT, &text),
        None => Ok(()),
    }
}

/// Why a goal cannot be begun: it names an output that no goal before it has found out, because that one was done without. It is not
/// run with a gap in its words: `Pay "" to ""` can be done in more ways than one, and none of them was meant.
fn without_inputs(record: &PlanRecord, goal: &Goal) -> Option<Failure> {
    let known = record.values(goal);
    let unknown = file::unknown_outputs(goal, &known);
    if unknown.is_empty() {
        return None;
    }
    let from = |name: &str| {
        let of = record.plan.goals.iter().find(|goal| goal.output.contains_key(name));
        let of = of.map_or_else(String::new, |goal| format!(" of the goal `{}`", goal.name));
        format!("`{name}`{of}")
    };
    let names: Vec<String> = unknown.iter().map(|name| from(name)).collect();
    let is_or_are = if names.len() == 1 { "it" } else { "them" };
    let why = format!("it was not begun: it takes {}, and nothing is known of {is_or_are}", names.join(" and "));
    Some(not_begun(why))
}

/// The failure of a goal that no run was made for.
fn not_begun(why: String) -> Failure {
    let end = Outcome::GaveUp { message: why.clone() };
    let (notes, step, deed, outputs) = (Vec::new(), None, DeedState::NotDone, Outputs::new());
    Failure { run: String::new(), why, end, notes, can_be_tried_again: false, step, deed, outputs }
}

/// What is next of a goal that is done again and again.
enum NextRound {
    /// It is time for this one, or it is in the middle.
    Number(u64),
    /// All of them are over.
    Over,
    /// Somebody stopped it while it waited.
    Stopped,
}

/// Waits until a round is due. One that has begun is due as long as nothing was said of it.
async fn next_round<X: GoalRunner>(
    record: &mut PlanRecord,
    goal: &Goal,
    schedule: Schedule,
    execute: &mut X,
) -> Result<NextRound, PlanError<X::Error>> {
    let now = execute.now().await.map_err(PlanError::Run)?;
    let started = match record.schedule_start(&goal.name) {
        Some(started) => started,
        None => {
            let line = PlanLine::Scheduled { goal: goal.name.clone(), started: now };
            record.write(line).map_err(PlanError::Unwritten)?;
            now
        }
    };
    let done = record.last_round(&goal.name);
    let Some(number) = schedule.next(started, done, now) else { return Ok(NextRound::Over) };
    if record.is_open(&goal.name) || record.undecided_failure(goal).is_some() {
        return Ok(NextRound::Number(number));
    }
    let due = schedule.due(started, number);
    let is_time = due <= now || execute.wait_until(goal, due).await.map_err(PlanError::Run)?;
    Ok(if is_time { NextRound::Number(number) } else { NextRound::Stopped })
}

/// Asks for the outputs of a run that says it is done; `None` if they are still missing.
async fn report<X: GoalRunner>(
    record: &mut PlanRecord,
    goal: &Goal,
    failure: &Failure,
    execute: &mut X,
) -> Result<Option<PlanLine>, PlanError<X::Error>> {
    let words = fill_goal(goal, &record.values(goal), &record.plan.values);
    let end = End { outcome: failure.end.clone(), steps: 0, notes: failure.notes.clone() };
    let Some(text) = execute.report(goal, &words, &end, &failure.why).await.map_err(PlanError::Run)? else {
        return Ok(None);
    };
    let run = failure.run.clone();
    let line = PlanLine::Reported { goal: goal.name.clone(), run: run.clone(), text: text.clone() };
    record.write(line).map_err(PlanError::Unwritten)?;
    // What is new comes first.
    let said = format!("{text}\n{}", message_of(&failure.end));
    let found = outputs(goal, &said, &failure.notes).ok();
    Ok(found.map(|outputs| record.achieved_line(goal, run, outputs, failure.notes.clone())))
}

fn message_of(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Done { message } => message,
        _ => "",
    }
}

/// The rows that a loop is about, of which each becomes so many goals.
fn rows_of(record: &PlanRecord, table: &TableSource, goals: usize) -> Result<Vec<Outputs>, String> {
    let rows = match table {
        TableSource::File(name) => {
            record.plan.tables.get(name).cloned().ok_or_else(|| format!("the plan's record holds no table {name:?}"))
        }
        TableSource::Output(name) => match record.known_values().get(name) {
            Some(lines) => table::of_lines(lines),
            None => Err(format!("nothing is known of `{name}`, whose lines are to be gone through")),
        },
    }?;
    match record.plan.goals.len().saturating_add(rows.len().saturating_mul(goals)) {
        0..=GOALS_MAX => Ok(rows),
        _ => Err(format!("with all of its rows the plan has more than {GOALS_MAX} goals; give it fewer rows at once")),
    }
}

/// Does steps and says what came of them; as [`attempt`].
async fn attempt_steps<X: GoalRunner>(
    record: &PlanRecord,
    goal: &Goal,
    steps: &[Step],
    run: String,
    execute: &mut X,
) -> Result<Result<PlanLine, Outcome>, PlanError<X::Error>> {
    let values = record.values(goal);
    let (end, at) =
        execute.run_steps(goal, steps, &values, &run, &record.runs_before(&goal.name)).await.map_err(PlanError::Run)?;
    let name = goal.name.clone();
    Ok(match (&end.outcome, &goal.work) {
        (Outcome::Done { message }, Work::Branch { .. }) => {
            Ok(PlanLine::Branch { goal: name, run, holds: verdict_of(message) == Some(true) })
        }
        (Outcome::Done { message }, Work::Steps(_)) => {
            Ok(PlanLine::Achieved(Achieved { goal: name, run, outputs: outputs_of(message), notes: Vec::new() }))
        }
        (outcome, _) if outcome.can_go_on() => Err(end.outcome),
        (outcome, _) => {
            let (why, id) = (outcome_in_words(outcome), outcome.id().to_owned());
            let StepPosition { step, deed, outputs } = at;
            let (step, end, notes) = (Some(step + 1), Some(end.outcome), Vec::new());
            Ok(PlanLine::Failed { goal: name, run, why, outcome: id, end, notes, step, deed, outputs })
        }
    })
}

/// Runs a goal and says what came of it; `Err` if the run can go on, which says nothing about the goal.
async fn attempt<X: GoalRunner>(
    record: &mut PlanRecord,
    number: usize,
    goal: &Goal,
    round: Option<u64>,
    execute: &mut X,
) -> Result<Result<PlanLine, Outcome>, PlanError<X::Error>> {
    let run = record.run(number, &goal.name);
    if !record.is_begun(&run) {
        let line = PlanLine::Begun { goal: goal.name.clone(), run: run.clone(), round };
        record.write(line).map_err(PlanError::Unwritten)?;
    }
    match &goal.work {
        Work::Words => {}
        Work::Steps(steps) => return attempt_steps(record, goal, steps, run, execute).await,
        Work::Branch { condition, within, .. } => {
            let test = Step::new(StepAction::Test(condition.clone()));
            let steps = [Step { within: *within, app: goal.app.clone(), ..test }];
            return attempt_steps(record, goal, &steps, run, execute).await;
        }
        Work::Rows { .. } => unreachable!("a loop is gone through before it is tried"),
    }
    let words = fill_goal(goal, &record.values(goal), &record.plan.values);
    let end = execute.run(goal, &words, &run).await.map_err(PlanError::Run)?;
    let goal_name = goal.name.clone();
    let why = match (&end.outcome, outputs(goal, message_of(&end.outcome), &end.notes)) {
        (Outcome::Done { .. }, Ok(outputs)) => {
            return Ok(Ok(record.achieved_line(goal, run, outputs, end.notes)));
        }
        (Outcome::Done { .. }, Err(why)) => why,
        // Whoever resumes the plan goes on in the middle of this run.
        (outcome, _) if outcome.can_go_on() => return Ok(Err(end.outcome)),
        (outcome, _) => outcome_in_words(outcome),
    };
    let outcome = end.outcome.id().to_owned();
    let (end, notes, deed, outputs) = (Some(end.outcome), end.notes, DeedState::NotDone, Outputs::new());
    Ok(Ok(PlanLine::Failed { goal: goal_name, run, why, outcome, end, notes, step: None, deed, outputs }))
}

/// What happens after the last failure of a goal.
enum Resolution {
    Go(Box<PlanLine>),
    /// It ends here, for this reason.
    Stop(String),
    /// Somebody has to say, and nobody does.
    Nobody,
}

async fn decide<X: GoalRunner>(
    record: &PlanRecord,
    goal: &Goal,
    failure: &Failure,
    execute: &mut X,
) -> Result<Resolution, PlanError<X::Error>> {
    let why = failure.why.as_str();
    Ok(match on_failure(goal, failure, execute).await {
        FailureChoice::HandOver(step) => {
            let (goal, deed, why, outputs) = (goal.name.clone(), failure.deed, why.to_owned(), failure.outputs.clone());
            Resolution::Go(Box::new(PlanLine::HandedOver { goal, step, deed, why, outputs }))
        }
        FailureChoice::Again => Resolution::Go(Box::new(PlanLine::Again { goal: goal.name.clone() })),
        // Neither it nor any of its rounds was begun.
        FailureChoice::Skip if !failure.can_be_tried_again => {
            Resolution::Go(Box::new(PlanLine::Skipped { goal: goal.name.clone(), why: why.to_owned() }))
        }
        FailureChoice::Skip => Resolution::Go(Box::new(record.skipped_line(goal, &failure.run, why.to_owned()))),
        FailureChoice::Replan if record.replans() >= record.plan.replans_max => {
            Resolution::Stop(format!("{why}; it was planned anew {} times already", record.replans()))
        }
        FailureChoice::Replan => {
            let known = record.known_values().into_keys().collect();
            match execute.replan(&record.briefing(goal, why), &known).await.map_err(PlanError::Run)? {
                Some(plan) => Resolution::Go(Box::new(PlanLine::Replanned { toml: plan.text })),
                None => Resolution::Stop(format!("{why}; nobody could plan it anew")),
            }
        }
        FailureChoice::Stop => Resolution::Stop(why.to_owned()),
        FailureChoice::Outputs(outputs) => {
            Resolution::Go(Box::new(record.achieved_line(goal, failure.run.clone(), outputs, failure.notes.clone())))
        }
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
    /// A person has said what the run found out.
    Outputs(Outputs),
    /// The model does the steps from this one on, from 1.
    HandOver(usize),
}

async fn on_failure(goal: &Goal, failure: &Failure, execute: &mut impl GoalRunner) -> FailureChoice {
    match goal.on_failure {
        OnFailure::Skip => FailureChoice::Skip,
        OnFailure::Stop => FailureChoice::Stop,
        OnFailure::Replan => FailureChoice::Replan,
        // What the policy or a person forbade is not done another way.
        OnFailure::HandOver => match (&failure.end, failure.step) {
            (Outcome::GaveUp { .. }, Some(step)) if execute.has_model() => FailureChoice::HandOver(step),
            _ => FailureChoice::Stop,
        },
        OnFailure::Ask => {
            let why = &failure.why;
            let message = if !failure.can_be_tried_again {
                format!("the sub-goal {:?} was not achieved: {why}. Say: skip, replan or stop", goal.name)
            } else if failure.is_claimed() {
                format!(
                    "the sub-goal {:?} was done, says the model, but {why}. Write the missing lines (name: value), or: retry (it is all \
                     done once more), skip, replan or stop",
                    goal.name
                )
            } else {
                format!("the sub-goal {:?} was not achieved: {why}. Say: retry, skip, replan or stop", goal.name)
            };
            match execute.ask(&Question::Choose { message }).await {
                Answer::Choice(words) => match words.trim().to_lowercase().as_str() {
                    "retry" | "again" | "r" if failure.can_be_tried_again => FailureChoice::Again,
                    "skip" => FailureChoice::Skip,
                    "replan" => FailureChoice::Replan,
                    _ if failure.is_claimed() => {
                        let said = format!("{words}\n{}", message_of(&failure.end));
                        outputs(goal, &said, &failure.notes).map_or(FailureChoice::Stop, FailureChoice::Outputs)
                    }
                    _ => FailureChoice::Stop, // Whatever is unclear does no more.
                },
                // Only the word says that what was done is to be done once more.
                Answer::Yes if failure.is_claimed() || !failure.can_be_tried_again => FailureChoice::Stop,
                Answer::Yes => FailureChoice::Again,
                Answer::Done => FailureChoice::Skip,
                Answer::No => FailureChoice::Stop,
                Answer::Nobody => FailureChoice::Nobody,
            }
        }
    }
}

fn outcome_in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::GaveUp { message } => format!("it cannot be done: {message}"),
        Outcome::Stuck { why } | Outcome::Refused { why } => why.clone(),
        Outcome::OutOfSteps => "it took more steps than it may have".to_owned(),
        outcome => outcome.id().to_owned(),
    }
}

#[cfg(test)]
mod tests;
