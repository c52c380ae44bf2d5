//! Judges by what is true of the device, not by what a model claims.
//!
//! Facts have names and values: `wifi.on` is `true`. They come from behind the screen, where the agent cannot look.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tapwright_agent::outcome::Outcome;
use tapwright_contract::device::{DriverError, DriverErrorKind};
use tapwright_drivers::Probe;

/// What is true of a device, by name.
pub type Facts = BTreeMap<String, String>;

/// The fact that names the app in front. Nearly every run changes it, so that a change of it counts neither for a run nor against it.
pub const FRONT: &str = "front";

/// A fact and its value, as people write it: `wifi.on=true`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub fact: String,
    pub is: String,
}

/// Stands for how a run has to end, in place of a fact's name, where an evaluator goes by it; its value may be several outcomes,
/// with ` or ` between them. Then the values beside it are for people: some say more than that they are equal.
pub const RUN_END: &str = "the run's end";
/// Stands for what the last message of a run has to say.
pub const ANSWER: &str = "the answer";

/// What an evaluator goes by.
pub struct Evidence<'a> {
    /// What was true of the device before the run.
    pub start: &'a Facts,
    /// What is true of it now.
    pub end: &'a Facts,
    /// How the run ended, with what the model says in the end.
    pub outcome: &'a Outcome,
    /// Looks at more of the device than its facts.
    pub probe: &'a mut dyn Probe,
    /// Where the run is written down, for evaluators that keep there what they went by; `None` if it is nowhere.
    pub folder: Option<&'a Path>,
}

/// What came of judging.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// What speaks against success; `None` if the goal was reached.
    pub against: Option<String>,
    /// How much of the goal was reached, from 0 to 1, where that is more than all or nothing.
    pub score: Option<f64>,
    /// Whose score it is, where several could give one.
    pub source: Option<ScoreSource>,
}

/// The evaluator that is a part of this program.
pub const NATIVE: &str = "native";

/// Who gave a score, where several could, and what another one says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreSource {
    /// `native`, or the official evaluator with its version.
    pub by: String,
    /// What the other one says instead, if it was asked and says something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disagreement: Option<String>,
}

impl ScoreSource {
    /// This program itself.
    pub fn native() -> ScoreSource {
        ScoreSource { by: NATIVE.to_owned(), disagreement: None }
    }
}

/// Judges whether a goal was reached, by looking behind the screen.
#[async_trait]
pub trait Evaluator: fmt::Debug + Send + Sync {
    /// Facts that have to be true in the end, for people, and to find misspelt ones before the run. Empty if it goes by
    /// something else.
    fn expected_facts(&self) -> Vec<Fact>;

    /// All that it judges by, where those words leave some out: a digest of the cases has it too. Empty if they say it all.
    fn identity(&self) -> String {
        String::new()
    }

    /// What speaks against success; `None` if the goal was reached.
    ///
    /// # Errors
    /// `JudgingError` if nobody can say it: the run is void then.
    async fn evaluate(&self, evidence: Evidence<'_>) -> Result<Option<String>, JudgingError>;

    /// As [`Evaluator::evaluate`], with how much was reached. Whoever gives parts of it implements this too.
    ///
    /// # Errors
    /// As [`Evaluator::evaluate`].
    async fn assess(&self, evidence: Evidence<'_>) -> Result<Assessment, JudgingError> {
        Ok(Assessment { against: self.evaluate(evidence).await?, score: None, source: None })
    }

    /// Whether something was changed that nobody asked for. False where that is not known: others may change as they will.
    fn is_unasked(&self, start: &Facts, end: &Facts) -> bool {
        let _ = (start, end);
        false
    }

    /// Whether an error that it gave would come again whatever an agent does: the case has a mistake, and trying it again says no more.
    fn is_faulty(&self) -> bool {
        false
    }

    /// Whether it goes by facts, so that nothing can be said of a device that tells none.
    fn needs_facts(&self) -> bool {
        true
    }

    /// Whether a run that was stopped is judged too: where the device itself has said that the task is over.
    fn judges_stopped(&self, end: &Facts) -> bool {
        let _ = end;
        false
    }
}

/// Why nobody can say whether a goal was reached.
#[derive(Debug, thiserror::Error)]
pub enum JudgingError {
    /// The device cannot be asked.
    #[error(transparent)]
    Device(#[from] DriverError),
    /// The evaluator itself cannot say it.
    #[error("{why}")]
    Evaluator { why: String },
}

impl JudgingError {
    /// An evaluator's own.
    pub(crate) fn evaluator(why: impl Into<String>) -> JudgingError {
        JudgingError::Evaluator { why: why.into() }
    }
}

/// Wants facts to be true in the end; others may change as they will.
#[derive(Clone, Debug)]
pub struct FactEvaluator(Vec<Fact>);

impl FactEvaluator {
    /// An evaluator of these facts; `None` if there are none, as nobody said what is wanted then.
    pub fn of(facts: Vec<Fact>) -> Option<Arc<dyn Evaluator>> {
        (!facts.is_empty()).then(|| Arc::new(FactEvaluator(facts)) as Arc<dyn Evaluator>)
    }
}

#[async_trait]
impl Evaluator for FactEvaluator {
    fn expected_facts(&self) -> Vec<Fact> {
        self.0.clone()
    }

    async fn evaluate(&self, evidence: Evidence<'_>) -> Result<Option<String>, JudgingError> {
        let wrong = self.0.iter().find_map(|wanted| differs(wanted, evidence.end));
        Ok(wrong.or_else(|| unless_done(evidence.outcome)))
    }
}

/// What speaks against a run that has to end with the model's word that it is done.
pub fn unless_done(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Done { .. } => None,
        other => Some(format!("all is as it should be, but the run ended with `{}` and not with `done`", other.id())),
    }
}

/// A probe for records: it knows the facts that were written down, and nothing more.
pub(crate) struct RecordedProbe<'a>(pub &'a Facts);

#[async_trait]
impl Probe for RecordedProbe<'_> {
    async fn facts(&mut self, _within: Duration) -> Result<Facts, DriverError> {
        Ok(self.0.clone())
    }

    async fn set(&mut self, _name: &str, _value: &str, _within: Duration) -> Result<(), DriverError> {
        let why = "a record cannot be changed".to_owned();
        Err(DriverError {
            device: "record".to_owned(),
            operation: "set a fact",
            kind: DriverErrorKind::Refused { why },
        })
    }
}

/// Whether a goal was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// The device says so.
    Passed,
    /// The device says otherwise.
    Failed { why: String },
    /// The run says nothing about the agent.
    Void { why: String },
}

/// A fact that is another one than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub fact: String,
    pub was: Option<String>,
    pub is: Option<String>,
}

/// The changes without that of the app in front.
pub fn changes_but_front(changed: &[Change]) -> Vec<&Change> {
    changed.iter().filter(|change| change.fact != FRONT).collect()
}

/// Why a text is no fact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fact; one is written like wifi.on=true")]
pub struct NoFact(String);

impl Fact {
    /// Reads `NAME=VALUE`.
    ///
    /// # Errors
    /// `NoFact` if there is no `=`, or no name before it.
    pub fn parse(text: &str) -> Result<Fact, NoFact> {
        match text.split_once('=') {
            Some((fact, is)) if !fact.trim().is_empty() => {
                Ok(Fact { fact: fact.trim().to_owned(), is: is.trim().to_owned() })
            }
            _ => Err(NoFact(text.to_owned())),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.fact, self.is)
    }
}

impl Verdict {
    /// The id that reports and scripts use.
    pub fn id(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed { .. } => "failed",
            Verdict::Void { .. } => "void",
        }
    }

    /// What speaks against it, unless it passed.
    pub fn why(&self) -> Option<&str> {
        match self {
            Verdict::Passed => None,
            Verdict::Failed { why } | Verdict::Void { why } => Some(why),
        }
    }
}

/// What has changed, by name.
pub fn changes(start: &Facts, end: &Facts) -> Vec<Change> {
    let mut names: Vec<&String> = start.keys().chain(end.keys()).collect();
    names.sort();
    names.dedup();
    let change = |name: &String| {
        let (was, is) = (start.get(name).cloned(), end.get(name).cloned());
        (was != is).then(|| Change { fact: name.clone(), was, is })
    };
    names.into_iter().filter_map(change).collect()
}

fn differs(wanted: &Fact, end: &Facts) -> Option<String> {
    let Fact { fact, is } = wanted;
    match end.get(fact) {
        Some(found) if found == is => None,
        Some(found) => Some(format!("`{fact}` should be `{is}` and is `{found}`")),
        None => Some(format!("`{fact}` should be `{is}` and there is no such fact")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pairs: &[(&str, &str)]) -> Facts {
        pairs.iter().map(|(fact, is)| ((*fact).to_owned(), (*is).to_owned())).collect()
    }

    fn wanted_facts(texts: &[&str]) -> Vec<Fact> {
        texts.iter().map(|text| Fact::parse(text).unwrap()).collect()
    }

    #[test]
    fn facts_are_read() {
        let fact = Fact::parse(" messages.Anna.last = me: a=b ").unwrap();
        assert_eq!((fact.fact.as_str(), fact.is.as_str()), ("messages.Anna.last", "me: a=b"));
        assert!(Fact::parse("wifi.on").is_err());
        assert!(Fact::parse("=true").is_err());
    }

    #[tokio::test]
    async fn facts_are_judged_by_the_end_alone() {
        let start = facts(&[("wifi.on", "false"), ("notes.count", "2")]);
        let end = facts(&[("wifi.on", "true"), ("notes.count", "3"), ("notes.0", "buy milk")]);
        for (texts, outcome, against) in [
            (vec!["wifi.on=true", "notes.0=buy milk"], Outcome::Done { message: String::new() }, None),
            (
                vec!["wifi.on=true", "notes.0=buy bread"],
                Outcome::Done { message: String::new() },
                Some("`notes.0` should be `buy bread` and is `buy milk`"),
            ),
            (
                vec!["notes.9=x"],
                Outcome::Done { message: String::new() },
                Some("`notes.9` should be `x` and there is no such fact"),
            ),
            (
                vec!["wifi.on=true"],
                Outcome::OutOfSteps,
                Some("all is as it should be, but the run ended with `out-of-steps` and not with `done`"),
            ),
        ] {
            let evaluator = FactEvaluator::of(wanted_facts(&texts)).unwrap();
            let mut probe = RecordedProbe(&end);
            let evidence = Evidence { start: &start, end: &end, outcome: &outcome, probe: &mut probe, folder: None };
            assert_eq!(evaluator.evaluate(evidence).await.unwrap().as_deref(), against, "{texts:?}");
        }
        assert!(FactEvaluator::of(Vec::new()).is_none());
    }

    /// What a device says is told as a device's, whatever it is called.
    #[test]
    fn an_evaluators_own_error_is_its_words_alone() {
        let kind = DriverErrorKind::Refused { why: "no".to_owned() };
        let device = DriverError { device: "the evaluator".to_owned(), operation: "look", kind };
        assert_eq!(JudgingError::from(device).to_string(), "the evaluator: cannot look: refused: no");
        assert_eq!(JudgingError::evaluator("nobody knows").to_string(), "nobody knows");
    }

    #[test]
    fn changes_are_named() {
        let start = facts(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let end = facts(&[("a", "1"), ("b", "9"), ("d", "4")]);
        let told: Vec<String> = changes(&start, &end)
            .iter()
            .map(|change| format!("{} {:?} {:?}", change.fact, change.was, change.is))
            .collect();
        assert_eq!(told, ["b Some(\"2\") Some(\"9\")", "c Some(\"3\") None", "d None Some(\"4\")"]);
    }
}
