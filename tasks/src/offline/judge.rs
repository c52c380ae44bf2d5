//! The second stage: each answer beside what is right. Pure but for the files, so that it can be done anew when a rule has been mended.

use std::iter;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::infer::{ANSWERS, OfflineAnswer, count_answers, read_answers};
use super::rules::{StepAction, compare, is_in_box, is_in_polygon};
use super::{OfflineError, OfflineRecord, Target, read_lines, write_lines};

pub const JUDGED: &str = "judged.jsonl";
/// Beside it: of which answers.
const JUDGED_ABOUT: &str = "judged.json";

/// What an answer has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerStatus {
    Right,
    Wrong,
    /// It is no place, or no action at all.
    WrongFormat,
    /// The model was asked, and did not answer; the reason stands with the answers.
    NotAnswered,
    /// The model was not asked yet.
    Missing,
}

/// A record that was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedRecord {
    pub id: String,
    pub status: AnswerStatus,
    /// Of a step: whether at least the type of the action is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_same_type: Option<bool>,
    /// Whether what is right is to say that it is not there: left out of the usual numbers.
    #[serde(default)]
    pub is_refusal: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<String>,
}

/// What was judged.
#[derive(Debug, Serialize, Deserialize)]
struct JudgedAbout {
    /// How many answers there were: those that came later were not judged.
    answers: usize,
}

/// Judges the answers of a folder.
///
/// # Errors
/// `OfflineError` if they are answers to other records, or cannot be read.
pub fn judge(records: &[OfflineRecord], answers: &Path) -> Result<Vec<JudgedRecord>, OfflineError> {
    let known = read_answers(answers, records)?;
    if known.are_to_others() {
        let why = "these are answers to other records: name the folder of the set that was asked about".to_owned();
        return Err(OfflineError::Content { at: answers.to_owned(), why });
    }
    let judged: Vec<JudgedRecord> = records
        .iter()
        .map(|record| match judged_record(record, known.answers.get(&record.id)) {
            judged if known.unanswered.contains_key(&record.id) => {
                JudgedRecord { status: AnswerStatus::NotAnswered, ..judged }
            }
            judged => judged,
        })
        .collect();
    write_lines(&answers.join(JUDGED), judged.iter())?;
    write_lines(&answers.join(JUDGED_ABOUT), iter::once(JudgedAbout { answers: known.lines }))?;
    Ok(judged)
}

/// How many answers of a folder came after they were judged.
///
/// # Errors
/// `OfflineError` if that cannot be read.
pub fn count_unjudged(answers: &Path) -> Result<usize, OfflineError> {
    let at = answers.join(JUDGED_ABOUT);
    // An older version judged them, and did not say; or only what was judged was handed on.
    if !at.exists() || !answers.join(ANSWERS).exists() {
        return Ok(0);
    }
    let about: Vec<JudgedAbout> = read_lines(&at, false)?;
    let judged = about.last().map_or(0, |about| about.answers);
    Ok(count_answers(answers)?.saturating_sub(judged))
}

/// Reads what was judged.
///
/// # Errors
/// `OfflineError` if it cannot be read.
pub fn read_judged(answers: &Path) -> Result<Vec<JudgedRecord>, OfflineError> {
    read_lines(&answers.join(JUDGED), false)
}

/// What an answer to a record has come to.
pub fn judged_record(record: &OfflineRecord, answer: Option<&OfflineAnswer>) -> JudgedRecord {
    let OfflineRecord { id, target, kind, group, episode, .. } = record;
    let (status, is_same_type) = answer.map_or((AnswerStatus::Missing, None), |answer| assess(target, answer));
    JudgedRecord {
        id: id.clone(),
        status,
        is_same_type,
        is_refusal: *target == Target::Refusal,
        kind: kind.clone(),
        group: group.clone(),
        episode: episode.clone(),
    }
}

fn assess(target: &Target, answer: &OfflineAnswer) -> (AnswerStatus, Option<bool>) {
    let of = |is_right: bool| if is_right { AnswerStatus::Right } else { AnswerStatus::Wrong };
    let in_place = |is_in: &dyn Fn([f64; 2]) -> bool| match &answer.action {
        Some(StepAction::Click { x, y } | StepAction::LongPress { x, y }) => of(is_in([*x, *y])),
        _ if answer.refuses => AnswerStatus::Wrong,
        _ => AnswerStatus::WrongFormat,
    };
    match target {
        Target::Box(area) => (in_place(&|spot| is_in_box(spot, *area)), None),
        Target::Polygon(corners) => (in_place(&|spot| is_in_polygon(spot, corners)), None),
        Target::Refusal => (of(answer.refuses), None),
        Target::Step { rules, action, boxes } => match &answer.action {
            None => (AnswerStatus::WrongFormat, Some(false)),
            Some(done) => {
                let size = answer.size.map(f64::from);
                let found = compare(*rules, action, boxes, done, size);
                (of(found.is_right), Some(found.is_same_type))
            }
        },
    }
}
