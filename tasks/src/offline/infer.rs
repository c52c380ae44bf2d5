//! The first stage: a model is asked about each record that it has not answered yet.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tapwright_agent::action::{Action, Call};
use tapwright_agent::place::Place;
use tapwright_agent::prompt;
use tapwright_agent::stop::Stop;
use tapwright_contract::model::ModelError;
use tapwright_contract::{Picture, Size, Spot};

use super::files;
use super::rules::{Direction, StepAction};
use super::{LineWriter, OfflineError, OfflineRecord, digest, read_lines};
use crate::model::LoadedModel;
use crate::origin::write_atomically;

pub const ANSWERS: &str = "answers.jsonl";
/// With what was answered.
const ABOUT: &str = "offline.json";

/// What a model said about a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfflineAnswer {
    pub id: String,
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

/// Whose answers these are, and to what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswersAbout {
    pub model: String,
    pub records: String,
}

/// Why it was not gone on.
#[derive(Debug, thiserror::Error)]
pub enum InferError {
    #[error(transparent)]
    File(#[from] OfflineError),
    /// The answers in the folder are another model's, or to other records.
    #[error("the answers there are of {there}, and not of {here}")]
    Others { there: String, here: String },
    #[error("{id}: {source}")]
    Model { id: String, source: ModelError },
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InferCounts {
    pub asked: usize,
    pub answered_before: usize,
    /// Somebody stopped it: it can go on.
    pub is_stopped: bool,
}

/// Reads whose answers a folder has.
///
/// # Errors
/// `OfflineError` if that cannot be read.
pub fn read_about(folder: &Path) -> Result<AnswersAbout, OfflineError> {
    let mut about: Vec<AnswersAbout> = read_lines(&folder.join(ABOUT), false)?;
    about.pop().ok_or_else(|| OfflineError::Content { at: folder.join(ABOUT), why: "it is empty".to_owned() })
}

/// Asks about all records that have no answer in a folder yet. `tell` hears how many are answered.
///
/// # Errors
/// `InferError` if the model does not answer, or something cannot be read or written: what was answered stays.
pub async fn infer(
    (set, records): (&Path, &[OfflineRecord]),
    answers: &Path,
    opened: &mut LoadedModel,
    (date, within): (&str, Duration),
    stop: &Stop,
    mut tell: impl FnMut(usize),
) -> Result<InferCounts, InferError> {
    std::fs::create_dir_all(answers).map_err(OfflineError::unwritten(answers))?;
    let about = AnswersAbout { model: opened.about.clone(), records: digest(records) };
    if answers.join(ABOUT).exists() {
        let there = read_about(answers)?;
        if there != about {
            let words = |about: &AnswersAbout| format!("{} to the set {:.12}", about.model, about.records);
            return Err(InferError::Others { there: words(&there), here: words(&about) });
        }
    } else {
        let text = serde_json::to_string(&about).unwrap_or_default() + "\n";
        write_atomically(answers, ABOUT, &text).map_err(OfflineError::unwritten(answers))?;
    }
    let at = answers.join(ANSWERS);
    let mut writer = LineWriter::open(&at)?;
    let known: BTreeSet<String> = read_lines::<OfflineAnswer>(&at, true)?.into_iter().map(|answer| answer.id).collect();
    let mut counts = InferCounts { answered_before: known.len(), ..InferCounts::default() };
    for record in records.iter().filter(|record| !known.contains(&record.id)) {
        if stop.is_stopped() {
            counts.is_stopped = true;
            break;
        }
        let answer = ask(set, record, opened, date, within).await?;
        writer.add(&answer)?;
        counts.asked += 1;
        tell(counts.answered_before + counts.asked);
    }
    Ok(counts)
}

async fn ask(
    set: &Path,
    record: &OfflineRecord,
    opened: &mut LoadedModel,
    date: &str,
    within: Duration,
) -> Result<OfflineAnswer, InferError> {
    let at = set.join(&record.image);
    let picture = read_picture(&at).map_err(OfflineError::file(&at))?;
    let size = picture.size();
    let profile = &opened.profiles.agent;
    let told = prompt::info("", None);
    let asked = prompt::compose(profile, &record.question, date, &[], &told, picture);
    let dialect = profile.dialect;
    #[allow(clippy::disallowed_methods)] // How long a model takes is measured.
    let began = std::time::Instant::now();
    let reply = opened.model.reply(&asked, within).await;
    let reply = reply.map_err(|source| InferError::Model { id: record.id.clone(), source })?;
    let call = dialect.read(&reply.text, reply.cut).call.ok();
    let refuses = call.as_ref().is_some_and(is_refusal);
    Ok(OfflineAnswer {
        id: record.id.clone(),
        action: call.and_then(|call| step_of(call, size)),
        refuses,
        reply: reply.text,
        size: [size.width, size.height],
        ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
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
