//! ScreenSpot (v1, v2), ScreenSpot-Pro and OSWorld-G: a JSON file of entries, beside pictures.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tapwright_contract::file;

use super::super::files::is_below;
use super::super::{BYTES_MAX, OfflineError, OfflineRecord, RECORDS, RECORDS_MAX, Target, write_lines};

/// What the four numbers of a box are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxForm {
    /// Left, top, right, bottom.
    Corners,
    /// Left, top, width, height.
    Size,
}

/// An entry of one of the files; each set has some of the keys.
#[derive(Deserialize)]
struct Entry {
    #[serde(alias = "image_path")]
    img_filename: String,
    instruction: String,
    #[serde(default)]
    bbox: Option<[f64; 4]>,
    /// Of ScreenSpot and ScreenSpot-Pro.
    #[serde(default, alias = "ui_type")]
    data_type: Option<String>,
    #[serde(default, alias = "data_source", alias = "application")]
    platform: Option<String>,
    #[serde(default)]
    group: Option<String>,
    /// Of ScreenSpot-Pro, whose boxes have two corners.
    #[serde(default)]
    img_size: Option<[f64; 2]>,
    /// Of OSWorld-G: `bbox`, `polygon`, `refusal`.
    #[serde(default)]
    box_type: Option<String>,
    #[serde(default)]
    box_coordinates: Option<Vec<f64>>,
    #[serde(default)]
    id: Option<serde_json::Value>,
}

/// Reads a set's file and writes its records beside its pictures. `form` says what its boxes are, where that is not what the set has as a rule.
///
/// # Errors
/// `OfflineError` with the entry that is wrong.
pub fn import(from: &Path, images: &Path, form: Option<BoxForm>) -> Result<usize, OfflineError> {
    let text = file::read_text(from, BYTES_MAX).map_err(OfflineError::file(from))?;
    let content = |why: String| OfflineError::Content { at: from.to_owned(), why };
    let entries: Vec<serde_json::Value> =
        serde_json::from_str(&text).map_err(|error| content(format!("it is no list of entries: {error}")))?;
    if entries.is_empty() || entries.len() > RECORDS_MAX {
        return Err(content(format!("it has {} entries", entries.len())));
    }
    let mut records = Vec::new();
    for (place, entry) in entries.into_iter().enumerate() {
        let wrong =
            |why: String| OfflineError::Line { at: from.to_owned(), line: place + 1, why: format!("entry: {why}") };
        let entry: Entry = serde_json::from_value(entry).map_err(|error| wrong(error.to_string()))?;
        let record = record_of(place, entry, form).map_err(wrong)?;
        if !images.join(&record.image).is_file() {
            return Err(wrong(format!("there is no picture {} in {}", record.image.display(), images.display())));
        }
        records.push(record);
    }
    let count = records.len();
    write_lines(&images.join(RECORDS), records.into_iter())?;
    Ok(count)
}

fn record_of(place: usize, entry: Entry, form: Option<BoxForm>) -> Result<OfflineRecord, String> {
    let image = PathBuf::from(&entry.img_filename);
    if !is_below(&image) {
        return Err(format!("the picture {:?} is not in the folder of pictures", entry.img_filename));
    }
    let as_rule = if entry.img_size.is_some() { BoxForm::Corners } else { BoxForm::Size };
    let form = form.unwrap_or(as_rule);
    let target = match (entry.box_type.as_deref(), entry.box_coordinates, entry.bbox) {
        (Some("refusal"), ..) => Target::Refusal,
        (Some("polygon"), Some(numbers), _) if numbers.len() >= 6 && numbers.len().is_multiple_of(2) => {
            Target::Polygon(numbers.chunks(2).map(|pair| [pair[0], pair[1]]).collect())
        }
        (Some("bbox"), Some(numbers), _) => {
            let numbers = <[f64; 4]>::try_from(numbers).map_err(|_| "a box has four numbers".to_owned())?;
            Target::Box(corners(numbers, form)?)
        }
        (None, _, Some(numbers)) => Target::Box(corners(numbers, form)?),
        (kind, ..) => return Err(format!("it has no place that can be read; its box_type is {kind:?}")),
    };
    let id = match entry.id {
        Some(serde_json::Value::String(id)) => id,
        Some(id) => id.to_string(),
        None => place.to_string(),
    };
    let group = entry.group.or(entry.platform);
    Ok(OfflineRecord { id, image, question: entry.instruction, target, kind: entry.data_type, group, episode: None })
}

fn corners([left, top, third, fourth]: [f64; 4], form: BoxForm) -> Result<[f64; 4], String> {
    let [right, bottom] = match form {
        BoxForm::Corners => [third, fourth],
        BoxForm::Size => [left + third, top + fourth],
    };
    if left <= right && top <= bottom {
        return Ok([left, top, right, bottom]);
    }
    Err(format!("the box {:?} is inside out: say what its numbers are, corners or size", [left, top, third, fourth]))
}
