//! The first stage: a model is asked about each record that it has not answered yet.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tapwright_agent::action::{Action, Call};
use tapwright_agent::journal::FileLock;
use tapwright_agent::limits::Limits;
use tapwright_agent::place::Place;
use tapwright_agent::prompt;
use tapwright_agent::stop::Stop;
use tapwright_contract::model::{ModelError, ModelErrorKind, Reply};
use tapwright_contract::{Picture, Size, Spot};

use super::files;
use super::rules::{Direction, StepAction};
use super::{LineWriter, OfflineError, OfflineRecord, digest, lock_file, read_lines};
use crate::model::LoadedModel;
use crate::origin::write_atomically;

pub const ANSWERS: &str = "answers.jsonl";
/// With what was answered.
const ABOUT: &str = "offline.json";
/// Held by the process that writes the answers.
const LOCK: &str = "lock";
/// So many records in a row that a server does not answer, after all tries, are no matter of the records.
const UNAVAILABLE_MAX: usize = 3;
/// So many that it refuses: there may well be some together whose pictures are too large.
const REFUSED_MAX: usize = 20;
/// So many reasons are told in words.
const REASONS_MAX: usize = 20;
/// Letters of one.
const WHY_MAX: usize = 600;

/// What a model said about a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfflineAnswer {
    pub id: String,
    /// What was asked, by [`question_digest`]. Answers of before have none, and are to a set as a whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub asked: String,
    /// Word for word.
    pub reply: String,
    /// What that does, by the model's profile; nothing if it is no action.
    pub action: Option<StepAction>,
    /// Whether it said that it cannot be done.
    #[serde(default)]
    pub refuses: bool,
    /// Of the picture, in pixels.
    pub size: [u32; 2],
    pub ms: u64,
}

/// A record that was asked about and has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnansweredRecord {
    pub id: String,
    pub asked: String,
    /// Why.
    pub not_answered: String,
}

/// A line of the file of the answers.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "it is no answer, and not why there is none")]
enum AnswerLine {
    Answer(OfflineAnswer),
    Unanswered(UnansweredRecord),
}

/// Whose answers these are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswersAbout {
    pub model: String,
    /// Of answers that do not say themselves to what they are: the set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<String>,
}

/// What a folder of answers knows of a set.
#[derive(Debug, Default)]
pub struct KnownAnswers {
    /// By the record's id. The first one counts: nobody is asked twice.
    pub answers: BTreeMap<String, OfflineAnswer>,
    /// Why records have no answer that were asked about.
    pub unanswered: BTreeMap<String, String>,
    /// How many answers there are, to other records too.
    pub lines: usize,
}

/// How it is asked.
#[derive(Clone, Copy, Debug)]
pub struct InferRules<'a> {
    /// What day it is said to be.
    pub date: &'a str,
    /// How long an answer may take, and how often and when it is asked again.
    pub limits: &'a Limits,
}

/// Why it was not gone on.
#[derive(Debug, thiserror::Error)]
pub enum InferError {
    #[error(transparent)]
    File(#[from] OfflineError),
    /// The answers in the folder are another model's.
    #[error("the answers there are of {there}, and not of {here}")]
    OtherModel { there: String, here: String },
    /// The answers in the folder are to other records.
    #[error("the {lines} answers there are to other records, none of them to one of this set")]
    OtherRecords { lines: usize },
    /// It cannot answer anything.
    #[error("{id}: {source}")]
    Model { id: String, source: ModelError },
    /// It answers nothing any more.
    #[error("{count} records in a row have no answer, the last of them {id}: {why}")]
    Unanswered { count: usize, id: String, why: String },
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InferReport {
    pub asked: usize,
    pub answered_before: usize,
    /// Asked about now, without an answer.
    pub unanswered: usize,
    /// Why, of the first ones.
    pub reasons: Vec<String>,
    /// Somebody stopped it: it can go on.
    pub is_stopped: bool,
}

/// Why a record has no answer.
struct Failure {
    kind: FailureKind,
    why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FailureKind {
    /// Its picture cannot be read: nobody was asked.
    Picture,
    /// The model refuses it.
    Refused,
    /// The model did not answer, however often it was asked.
    Unavailable,
}

/// What came of asking about a record.
enum Asked {
    Answer(OfflineAnswer),
    Failed(Failure),
    Stopped,
}

/// Failures of one kind, one after the other.
#[derive(Default)]
struct FailureStreak(Option<(FailureKind, usize)>);

impl FailureStreak {
    /// Counts a failure; how many there are if nothing else is to be expected of the next record.
    fn add(&mut self, kind: FailureKind) -> Option<usize> {
        let most = match kind {
            FailureKind::Picture => return None,
            FailureKind::Refused => REFUSED_MAX,
            FailureKind::Unavailable => UNAVAILABLE_MAX,
        };
        let before = self.0.filter(|(before, _)| *before == kind).map_or(0, |(_, count)| count);
        self.0 = Some((kind, before + 1));
        (before + 1 >= most).then_some(before + 1)
    }
}

/// Reads whose answers a folder has.
///
/// # Errors
/// `OfflineError` if that cannot be read.
pub fn read_about(folder: &Path) -> Result<AnswersAbout, OfflineError> {
    let mut about: Vec<AnswersAbout> = read_lines(&folder.join(ABOUT), false)?;
    about.pop().ok_or_else(|| OfflineError::Content { at: folder.join(ABOUT), why: "it is empty".to_owned() })
}

/// What tells one question from all others. An answer to it stays one whatever else is in the set, and whatever is held to be right.
pub fn question_digest(record: &OfflineRecord) -> String {
    let OfflineRecord { id, image, question, .. } = record;
    hex::encode(Sha256::digest(serde_json::to_vec(&(id, image, question)).unwrap_or_default()))
}

/// Reads what a folder of answers knows of a set.
///
/// # Errors
/// `OfflineError` if it cannot be read.
pub fn read_answers(folder: &Path, records: &[OfflineRecord]) -> Result<KnownAnswers, OfflineError> {
    let is_whole_set = read_about(folder)?.records.is_some_and(|of| of == digest(records));
    let questions: BTreeMap<&str, String> =
        records.iter().map(|record| (record.id.as_str(), question_digest(record))).collect();
    let is_to = |id: &str, asked: &str| match questions.get(id) {
        Some(_) if asked.is_empty() => is_whole_set,
        Some(question) => question == asked,
        None => false,
    };
    let mut known = KnownAnswers::default();
    for line in read_lines::<AnswerLine>(&folder.join(ANSWERS), true)? {
        match line {
            AnswerLine::Answer(answer) => {
                known.lines += 1;
                if is_to(&answer.id, &answer.asked) {
                    known.unanswered.remove(&answer.id);
                    known.answers.entry(answer.id.clone()).or_insert(answer);
                }
            }
            AnswerLine::Unanswered(UnansweredRecord { id, asked, not_answered }) => {
                if is_to(&id, &asked) && !known.answers.contains_key(&id) {
                    known.unanswered.insert(id, not_answered);
                }
            }
        }
    }
    Ok(known)
}

/// How many answers a folder has, to whatever records.
pub(super) fn count_answers(folder: &Path) -> Result<usize, OfflineError> {
    let lines = read_lines::<AnswerLine>(&folder.join(ANSWERS), true)?;
    Ok(lines.iter().filter(|line| matches!(line, AnswerLine::Answer(_))).count())
}

impl KnownAnswers {
    /// Whether there are answers, and all of them to other records.
    pub fn are_to_others(&self) -> bool {
        self.lines > 0 && self.answers.is_empty()
    }
}

/// Asks about all records that have no answer in a folder yet. `tell` hears how many are answered.
///
/// A record without an answer is noted with the reason, and the rest is asked about; the next call asks about it again.
///
/// # Errors
/// `InferError` if the model answers nothing, or something cannot be read or written: what was answered stays.
pub async fn infer(
    (set, records): (&Path, &[OfflineRecord]),
    folder: &Path,
    opened: &mut LoadedModel,
    rules: InferRules<'_>,
    stop: &Stop,
    mut tell: impl FnMut(usize),
) -> Result<InferReport, InferError> {
    let _lock = take_folder(folder, &opened.about)?;
    let mut writer = LineWriter::open(&folder.join(ANSWERS))?;
    let known = read_answers(folder, records)?;
    if known.are_to_others() {
        return Err(InferError::OtherRecords { lines: known.lines });
    }
    let mut report = InferReport { answered_before: known.answers.len(), ..InferReport::default() };
    // Those that had no answer come last: they may have none again, and keep all others from being asked about.
    let open = records.iter().filter(|record| !known.answers.contains_key(&record.id));
    let (again, first): (Vec<_>, Vec<_>) = open.partition(|record| known.unanswered.contains_key(&record.id));
    let mut streak = FailureStreak::default();
    let mut asking = Asking { set, opened, rules, stop: stop.clone() };
    for record in first.into_iter().chain(again) {
        if stop.is_stopped() {
            report.is_stopped = true;
            break;
        }
        match asking.ask(record).await? {
            Asked::Answer(answer) => {
                writer.add(&answer)?;
                streak = FailureStreak::default();
                report.asked += 1;
                tell(report.answered_before + report.asked);
            }
            Asked::Failed(Failure { kind, why }) => {
                let (id, asked) = (record.id.clone(), question_digest(record));
                writer.add(&UnansweredRecord { id: id.clone(), asked, not_answered: why.clone() })?;
                if let Some(count) = streak.add(kind) {
                    return Err(InferError::Unanswered { count, id, why });
                }
                report.unanswered += 1;
                if report.reasons.len() < REASONS_MAX {
                    report.reasons.push(format!("{id}: {why}"));
                }
            }
            Asked::Stopped => {
                report.is_stopped = true;
                break;
            }
        }
    }
    Ok(report)
}

/// Makes a folder of answers of a model, or goes on with it, and keeps other processes from it, which would ask the same.
fn take_folder(folder: &Path, model: &str) -> Result<FileLock, InferError> {
    std::fs::create_dir_all(folder).map_err(OfflineError::unwritten(folder))?;
    let lock = lock_file(&folder.join(LOCK)).map_err(OfflineError::unwritten(&folder.join(LOCK)))?;
    let lock = lock.ok_or_else(|| OfflineError::Busy { at: folder.to_owned() })?;
    if folder.join(ABOUT).exists() {
        let there = read_about(folder)?.model;
        if there != model {
            return Err(InferError::OtherModel { there, here: model.to_owned() });
        }
    } else {
        let about = AnswersAbout { model: model.to_owned(), records: None };
        let text = serde_json::to_string(&about).unwrap_or_default() + "\n";
        write_atomically(folder, ABOUT, &text).map_err(OfflineError::unwritten(folder))?;
    }
    Ok(lock)
}

/// Whoever asks.
struct Asking<'a> {
    set: &'a Path,
    opened: &'a mut LoadedModel,
    rules: InferRules<'a>,
    stop: Stop,
}

impl Asking<'_> {
    /// Asks about a record, and again as long as that may help.
    async fn ask(&mut self, record: &OfflineRecord) -> Result<Asked, InferError> {
        let failed = |kind: FailureKind, why: String| {
            Ok(Asked::Failed(Failure { kind, why: why.chars().take(WHY_MAX).collect() }))
        };
        let picture = match read_picture(&self.set.join(&record.image)) {
            Ok(picture) => picture,
            Err(error) => return failed(FailureKind::Picture, format!("{}: {error}", record.image.display())),
        };
        let size = picture.size();
        let limits = self.rules.limits;
        let told = prompt::info("", None);
        let profile = &self.opened.profiles.agent;
        let prompt = prompt::compose(profile, &record.question, self.rules.date, &[], &told, picture);
        let mut retries = 0;
        loop {
            #[allow(clippy::disallowed_methods)] // How long a model takes is measured.
            let began = std::time::Instant::now();
            let reply = tokio::select! {
                biased;
                () = self.stop.stopped() => return Ok(Asked::Stopped),
                reply = self.opened.model.reply(&prompt, limits.think) => reply,
            };
            let error = match reply {
                Ok(reply) => return Ok(Asked::Answer(self.answer(record, reply, size, began.elapsed()))),
                Err(error) => error,
            };
            let wanted = match &error.kind {
                ModelErrorKind::TimedOut { .. } => Duration::ZERO,
                ModelErrorKind::Unavailable { retry_after, .. } => retry_after.unwrap_or_default(),
                ModelErrorKind::InvalidPrompt { .. } => return failed(FailureKind::Refused, error.to_string()),
                ModelErrorKind::Fatal { .. } => {
                    return Err(InferError::Model { id: record.id.clone(), source: error });
                }
            };
            // As in a run: a server may not hold it up for longer than it may think.
            if wanted > limits.think {
                let why = format!("{error}; it asks to be left alone for {} s", wanted.as_secs());
                return failed(FailureKind::Unavailable, why);
            }
            if retries >= limits.retries_max {
                return failed(FailureKind::Unavailable, error.to_string());
            }
            let pause = limits.pause_after(retries).max(wanted);
            retries += 1;
            tracing::info!(id = record.id, %error, ?pause, "asks again after a pause");
            tokio::select! {
                biased;
                () = self.stop.stopped() => return Ok(Asked::Stopped),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn answer(&self, record: &OfflineRecord, reply: Reply, size: Size, took: Duration) -> OfflineAnswer {
        let call = self.opened.profiles.agent.dialect.read(&reply.text, reply.cut).call.ok();
        let refuses = call.as_ref().is_some_and(is_refusal);
        OfflineAnswer {
            id: record.id.clone(),
            asked: question_digest(record),
            action: call.and_then(|call| step_of(call, size)),
            refuses,
            reply: reply.text,
            size: [size.width, size.height],
            ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Whether it says that what is asked for is not there, or cannot be done.
fn is_refusal(call: &Call) -> bool {
    match call {
        Call::GiveUp { .. } | Call::Do(Action::TakeOver { .. } | Action::Interact { .. }) => true,
        Call::Do(_) | Call::Finish { .. } => false,
    }
}

/// What a call does to a picture of a size, in the words of the sets; nothing if they have none for it.
fn step_of(call: Call, size: Size) -> Option<StepAction> {
    let spot = |at: Place| {
        let Spot { x, y, .. } = at.on(size.into());
        [f64::from(x), f64::from(y)]
    };
    let action = match call {
        Call::Finish { .. } => return Some(StepAction::Complete),
        Call::GiveUp { .. } => return Some(StepAction::Impossible),
        Call::Do(action) => action,
    };
    Some(match action {
        Action::Tap { at } | Action::SensitiveTap { at, .. } | Action::DoubleTap { at } | Action::Click { at, .. } => {
            let [x, y] = spot(at);
            StepAction::Click { x, y }
        }
        Action::LongPress { at } => {
            let [x, y] = spot(at);
            StepAction::LongPress { x, y }
        }
        Action::Swipe { from, to } | Action::Drag { from, to } => {
            let (from, to) = (spot(from), spot(to));
            StepAction::Scroll { direction: Direction::of_finger(from, to), from: Some(from), to: Some(to) }
        }
        Action::Scroll { right, down, .. } => {
            // A wheel goes where the page goes, a finger the other way.
            let direction = Direction::of_finger([0.0, 0.0], [-f64::from(right), -f64::from(down)]);
            StepAction::Scroll { direction, from: None, to: None }
        }
        Action::Type { text } | Action::TypeName { text } | Action::Insert { text } => StepAction::Type { text },
        Action::Launch { app } => StepAction::OpenApp { app },
        Action::Back => StepAction::Back,
        Action::Home => StepAction::Home,
        Action::Wait { .. } => StepAction::Wait,
        Action::Chord { key, modifiers } if modifiers.is_empty() && key.as_str() == "Enter" => StepAction::Enter,
        Action::Chord { key, modifiers } if modifiers.is_empty() && key.as_str() == "AppSwitch" => StepAction::Recents,
        Action::Chord { .. }
        | Action::Move { .. }
        | Action::Interact { .. }
        | Action::Note { .. }
        | Action::Recall { .. }
        | Action::CallApi(_)
        | Action::TakeOver { .. } => return None,
    })
}

/// A picture of any usual format, whole.
fn read_picture(at: &Path) -> io::Result<Picture> {
    let image = files::read_picture(at)?.into_rgba8();
    let size = Size { width: image.width(), height: image.height() };
    Picture::new(size, image.into_raw()).map_err(io::Error::other)
}
