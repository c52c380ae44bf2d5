//! GUI-Odyssey: a JSON file for each episode, beside a folder of screenshots. The fields are those of `introduction.md` of
//! <https://github.com/OpenGVLab/GUI-Odyssey> at fefcbe9, the actions those that `data/format_converter.py` there reads.
//!
//! Places are shares of the picture in thousandths. A scroll is the way of the finger; its axis is the longer one of the shares, as there.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::super::OfflineError;
use super::super::files::{folders_in, is_below, picture_size, read_text};
use super::super::rules::{Direction, RuleSet, StepAction};
use super::Level;
use super::collection::{Collection, Episode, Fault, StepRecord, start};

/// Of one episode: the longest has a few hundred steps, with a paragraph each.
const BYTES_MAX: u64 = 64 << 20;
/// Places go from 0 to that.
const SCALE: f64 = 1000.0;

/// An episode, as far as it is read.
#[derive(Debug, Deserialize)]
pub struct Annotation {
    episode_id: String,
    task_info: TaskInfo,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct TaskInfo {
    instruction: String,
    category: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Step {
    screenshot: String,
    action: String,
    /// A place, two of them, the name of a key, or a text.
    #[serde(default)]
    info: Value,
    low_level_instruction: Option<String>,
    /// The widget, segmented by a model: four numbers, or none.
    #[serde(default)]
    sam2_bbox: Option<Vec<f64>>,
}

/// The folder of the screenshots, and those in it: the set is published with its screenshots in several.
pub struct Screenshots<'a> {
    folder: &'a Path,
    within: Vec<PathBuf>,
}

/// Reads the file of an episode.
///
/// # Errors
/// `OfflineError` if it cannot be read, or is none.
pub fn read_annotation(at: &Path) -> Result<Annotation, OfflineError> {
    let text = read_text(at, BYTES_MAX).map_err(OfflineError::file(at))?;
    serde_json::from_str(&text).map_err(|error| {
        let why = format!("it is no annotation of an episode of GUI-Odyssey: {error}");
        OfflineError::Content { at: at.to_owned(), why }
    })
}

impl<'a> Screenshots<'a> {
    /// # Errors
    /// `OfflineError` if the folder cannot be read.
    pub fn open(folder: &'a Path) -> Result<Screenshots<'a>, OfflineError> {
        let within = folders_in(folder)?;
        let within = within.iter().filter_map(|at| at.file_name()).map(PathBuf::from).collect();
        Ok(Screenshots { folder, within })
    }

    /// Where a screenshot lies below the folder, and its size.
    fn find(&self, name: &str) -> Result<(PathBuf, [f64; 2]), String> {
        let image = Path::new(name);
        if !is_below(image) {
            return Err(format!("the screenshot {:?} is not in the folder of screenshots", start(name, 200)));
        }
        let places = std::iter::once(image.to_owned()).chain(self.within.iter().map(|within| within.join(image)));
        let found = places.into_iter().find(|image| self.folder.join(image).is_file());
        let Some(found) = found else {
            return Err(format!("there is no screenshot {name:.200} in {}", self.folder.display()));
        };
        let size = picture_size(&self.folder.join(&found))?;
        Ok((found, size))
    }
}

/// Makes the records of an episode.
///
/// # Errors
/// What is wrong with it.
pub fn read_episode(
    annotation: &Annotation,
    screenshots: &Screenshots<'_>,
    collection: &mut Collection<'_>,
) -> Result<(), Fault> {
    let Annotation { episode_id, task_info, steps } = annotation;
    let Episode::Wanted = collection.wants(episode_id)? else { return Ok(()) };
    for (at, step) in steps.iter().enumerate() {
        if collection.is_full() {
            break;
        }
        let wrong = |why: String| Fault::Content(format!("episode {episode_id}, step {at}: {why}"));
        let (image, size) = screenshots.find(&step.screenshot).map_err(wrong)?;
        let Some(action) = step.action(size).map_err(wrong)? else {
            collection.leave_out(format!("{:.40}: an action of no type that is known", step.action));
            continue;
        };
        let boxes = step.boxes(&action, size).map_err(wrong)?;
        let question = match (collection.options.level, &step.low_level_instruction) {
            (Level::High, _) => &task_info.instruction,
            (Level::Low, Some(instruction)) => instruction,
            (Level::Low, None) => return Err(wrong("it has no \"low_level_instruction\"".to_owned())),
        };
        let group = task_info.category.as_deref();
        let place = collection.vacant(episode_id, at)?;
        let record = StepRecord { place, question, image, group };
        collection.add(record, RuleSet::GuiOdyssey, action, boxes)?;
    }
    Ok(())
}

impl Step {
    /// What is done, in pixels; nothing if it is of no type that is known.
    fn action(&self, size: [f64; 2]) -> Result<Option<StepAction>, String> {
        let at = || match self.places()?.as_slice() {
            [place] => Ok(pixels(*place, size)),
            _ => Err(format!("its info {:.100} is no place", self.info.to_string())),
        };
        Ok(Some(match (self.action.as_str(), self.info.as_str()) {
            ("CLICK" | "LONG_PRESS", Some("KEY_HOME")) | ("HOME", _) => StepAction::Home,
            ("CLICK" | "LONG_PRESS", Some("KEY_BACK")) | ("BACK", _) => StepAction::Back,
            ("CLICK" | "LONG_PRESS", Some("KEY_APPSELECT")) => StepAction::Recents,
            ("CLICK", _) => at().map(|[x, y]| StepAction::Click { x, y })?,
            ("LONG_PRESS", _) => at().map(|[x, y]| StepAction::LongPress { x, y })?,
            ("SCROLL", _) => match self.places()?.as_slice() {
                [from, to] => StepAction::Scroll {
                    direction: Direction::of_finger(*from, *to),
                    from: Some(pixels(*from, size)),
                    to: Some(pixels(*to, size)),
                },
                _ => return Err(format!("its info {:.100} is not two places", self.info.to_string())),
            },
            ("TEXT" | "TYPE", Some(text)) => StepAction::Type { text: text.to_owned() },
            ("TEXT" | "TYPE", None) => return Err("its info is no text".to_owned()),
            ("COMPLETE", _) => StepAction::Complete,
            ("INCOMPLETE" | "IMPOSSIBLE", _) => StepAction::Impossible,
            _ => return Ok(None),
        }))
    }

    /// Of a touch, the box of its widget.
    fn boxes(&self, action: &StepAction, [width, height]: [f64; 2]) -> Result<Vec<[f64; 4]>, String> {
        if !matches!(action, StepAction::Click { .. } | StepAction::LongPress { .. }) {
            return Ok(Vec::new());
        }
        match self.sam2_bbox.as_deref() {
            None | Some([]) => Ok(Vec::new()),
            Some(&[left, top, right, bottom]) if left <= right && top <= bottom && 0.0 <= left && 0.0 <= top => {
                let (across, down) = (width / SCALE, height / SCALE);
                Ok(vec![[left * across, top * down, right * across, bottom * down]])
            }
            Some(other) => Err(format!("its sam2_bbox is {:.100}", format!("{other:?}"))),
        }
    }

    fn places(&self) -> Result<Vec<[f64; 2]>, String> {
        let places = Vec::<[f64; 2]>::deserialize(&self.info);
        let is_in = |place: &[f64; 2]| place.iter().all(|share| (0.0..=SCALE).contains(share));
        match places {
            Ok(places) if places.iter().all(is_in) => Ok(places),
            _ => Err(format!("its info {:.100} is not places from 0 to 1000", self.info.to_string())),
        }
    }
}

fn pixels([x, y]: [f64; 2], [width, height]: [f64; 2]) -> [f64; 2] {
    [x * width / SCALE, y * height / SCALE]
}
