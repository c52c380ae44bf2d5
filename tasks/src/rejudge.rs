//! Judges a run once more: one that was killed before its verdict was written, or one whose judge has become better.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tapwright_agent::journal::{Record, RecordError, ReplayError};

use crate::device::{Device, DeviceError};
use crate::expect::{self, ExpectationError};
use crate::judge::{Evaluator, Fact, FactEvaluator, Facts, RecordedProbe};
use crate::origin::{self, RunOrigin};
use crate::resume::evaluator_of;
use crate::run::{self, Judgement, LastReply};

/// Why a run cannot be judged again.
#[derive(Debug, thiserror::Error)]
pub enum RejudgeError {
    /// There is no journal that can be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// It is still going on, or it broke off.
    #[error("the run {run} has no end yet")]
    NoEnd { run: String },
    /// Nobody knows what to look for.
    #[error("the record of {run} does not say what has to be true in the end")]
    NothingExpected { run: String },
    /// The facts at its end were not written down.
    #[error("the record of {run} does not say what was true of the device when the run ended")]
    NoFacts { run: String },
    /// What is wanted can never be true: it is misspelt.
    #[error(transparent)]
    Expectation(#[from] ExpectationError),
    /// Somebody changed the journal: what is in it was not said by the agent.
    #[error("the record of {run} does not follow from its own events")]
    Changed { run: String, source: ReplayError },
    /// A file beside the journal cannot be read, or is not what this program writes.
    #[error("{} cannot be read", .at.display())]
    Unreadable { at: PathBuf, source: io::Error },
    /// Under the name of a file beside the journal there is something else, which could be a file of the user's own.
    #[error("{}: the record cannot be used as it is", .at.display())]
    Misplaced { at: PathBuf, source: io::Error },
    /// There is a new judgement, and it could not be written down; the old one stands.
    #[error("{} cannot be written, so the run is judged as it was before", .at.display())]
    Unwritten { at: PathBuf, source: io::Error },
    /// The device cannot be asked.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl RejudgeError {
    /// What to do next.
    pub fn help(&self) -> Option<String> {
        match self {
            RejudgeError::NoEnd { run } => Some(format!("go on with it: tapwright resume {run}")),
            RejudgeError::NothingExpected { .. } => Some("say it: --expect wifi.on=true".to_owned()),
            RejudgeError::NoFacts { .. } => Some(
                "if nothing has touched the device since, name it, and it is asked now: --device ADDRESS".to_owned(),
            ),
            RejudgeError::Expectation(error) => Some(error.help()),
            RejudgeError::Changed { run, .. } => Some(format!(
                "it was changed, or is of a version that decides otherwise, so a verdict would say nothing: tapwright replay {run} shows where"
            )),
            RejudgeError::Unreadable { at, .. } => Some(match at.file_name().and_then(|name| name.to_str()) {
                Some(run::VERDICT) => {
                    "take the file away, and judge by the device: --device ADDRESS; or put the file that was written back".to_owned()
                }
                _ => "put the file back as it was written, or take it away and say what is expected: --expect FACT=VALUE".to_owned(),
            }),
            RejudgeError::Unwritten { .. } => {
                Some("see whether the disk is full, and whether you may write there; then judge it again".to_owned())
            }
            RejudgeError::Device(error) => error.help().map(str::to_owned),
            RejudgeError::Record(_) | RejudgeError::Misplaced { .. } => None,
        }
    }
}

/// Judges the run in `folder` by what is expected here, or else by `evaluator`, or else by what was expected when it began; by the state of `device`
/// now, or else by what its record says of the end. The new judgement replaces the old one.
///
/// # Errors
/// `RejudgeError` if it cannot be judged; nothing is changed then.
pub async fn rejudge(
    folder: &Path,
    expect: Vec<Fact>,
    evaluator: Option<Arc<dyn Evaluator>>,
    device: Option<&mut Device>,
) -> Result<(Record, Judgement), RejudgeError> {
    let record = Record::read(folder)?;
    let run = record.facts.run.clone();
    let Some(end) = record.end() else { return Err(RejudgeError::NoEnd { run }) };
    let outcome = end.outcome.clone();
    match record.replay(|_, _| ()) {
        // A verdict needs no pictures.
        Ok(()) | Err(ReplayError::Picture { .. }) => {}
        Err(source) => return Err(RejudgeError::Changed { run, source }),
    }
    let unreadable = |name: &str| {
        let at = folder.join(name);
        |source: io::Error| match source.kind() {
            io::ErrorKind::InvalidInput => RejudgeError::Misplaced { at, source },
            _ => RejudgeError::Unreadable { at, source },
        }
    };
    let origin = RunOrigin::read(folder).map_err(unreadable(origin::NAME))?;
    let wanted = expect.clone();
    let evaluator = match (expect.is_empty(), evaluator) {
        (false, _) => FactEvaluator::of(expect),
        (true, Some(evaluator)) => Some(evaluator),
        (true, None) => origin.as_ref().and_then(|origin| evaluator_of(origin.case.as_ref(), &origin.expected)),
    };
    let Some(evaluator) = evaluator else { return Err(RejudgeError::NothingExpected { run }) };
    let start = origin.and_then(|origin| origin.facts);
    let mut last = LastReply::Nothing;
    record.entries.iter().for_each(|entry| last.observe(&entry.line));
    let judgement = match device {
        Some(device) => {
            let after = device.facts().await?;
            match &after {
                Some(facts) => expect::check(&wanted, facts)?,
                // A verdict that stands is not replaced by one that says nothing.
                None if wanted.is_empty() => {}
                None => return Err(DeviceError::NoFacts { device: device.about().to_owned() }.into()),
            }
            Judgement::of(Some(&*evaluator), &outcome, last, start.as_ref(), Ok(after), device.probe(), folder).await
        }
        None => {
            let before = Judgement::read(folder).map_err(unreadable(run::VERDICT))?;
            let kept = before.and_then(|judgement| judgement.facts);
            if kept.is_none() && evaluator.needs_facts() {
                return Err(RejudgeError::NoFacts { run });
            }
            let facts = kept.clone().unwrap_or_else(Facts::new);
            if kept.is_some() {
                expect::check(&wanted, &facts)?;
            }
            let mut probe = RecordedProbe(&facts);
            Judgement::of(Some(&*evaluator), &outcome, last, start.as_ref(), Ok(kept), &mut probe, folder).await
        }
    };
    let unwritten = |source: io::Error| match (source.kind(), folder.join(run::VERDICT)) {
        (io::ErrorKind::InvalidInput, at) => RejudgeError::Misplaced { at, source },
        (_, at) => RejudgeError::Unwritten { at, source },
    };
    judgement.write(folder).map_err(unwritten)?;
    Ok((record, judgement))
}
