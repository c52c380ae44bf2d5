//! Judges a run once more: one that was killed before its verdict was written, or one whose judge has become better.

use std::io;
use std::path::Path;

use tapwright_agent::journal::{Record, RecordError};

use crate::device::Device;
use crate::judge::{Fact, FactEvaluator, RecordedProbe};
use crate::origin::RunOrigin;
use crate::resume::evaluator_of;
use crate::run::{Judgement, LastReply};

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
    /// A file beside the journal cannot be read or written.
    #[error("the run's files cannot be read or written")]
    Files(#[from] io::Error),
    /// The device cannot be asked.
    #[error(transparent)]
    Device(#[from] crate::device::DeviceError),
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
            RejudgeError::Record(_) | RejudgeError::Files(_) | RejudgeError::Device(_) => None,
        }
    }
}

/// Judges the run in `folder` by what is expected here, or else by what was expected when it began; by the state of `device`
/// now, or else by what its record says of the end. The new judgement replaces the old one.
///
/// # Errors
/// `RejudgeError` if it cannot be judged; nothing is changed then.
pub async fn rejudge(
    folder: &Path,
    expect: Vec<Fact>,
    device: Option<&mut Device>,
) -> Result<(Record, Judgement), RejudgeError> {
    let record = Record::read(folder)?;
    let run = record.facts.run.clone();
    let Some(end) = record.end() else { return Err(RejudgeError::NoEnd { run }) };
    let outcome = end.outcome.clone();
    let origin = RunOrigin::read(folder)?;
    let evaluator = match expect.is_empty() {
        false => FactEvaluator::of(expect),
        true => origin.as_ref().and_then(|origin| evaluator_of(origin.case.as_ref(), &origin.expected)),
    };
    let Some(evaluator) = evaluator else { return Err(RejudgeError::NothingExpected { run }) };
    let start = origin.and_then(|origin| origin.facts);
    let mut last = LastReply::Nothing;
    record.entries.iter().for_each(|entry| last.observe(&entry.line));
    let judgement = match device {
        Some(device) => {
            let after = device.facts().await?;
            Judgement::of(Some(&*evaluator), &outcome, last, start.as_ref(), Ok(after), device.probe()).await
        }
        None => {
            let Some(facts) = Judgement::read(folder)?.and_then(|judgement| judgement.facts) else {
                return Err(RejudgeError::NoFacts { run });
            };
            let mut probe = RecordedProbe(&facts);
            Judgement::of(Some(&*evaluator), &outcome, last, start.as_ref(), Ok(Some(facts.clone())), &mut probe).await
        }
    };
    judgement.write(folder)?;
    Ok((record, judgement))
}
