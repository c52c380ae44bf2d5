//! ScreenSpot (v1, v2), ScreenSpot-Pro and OSWorld-G: a JSON file of entries, beside pictures.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::super::files::{is_below, picture_size, read_text};
use super::super::validity::{check_on_picture, check_record};
use super::super::{BYTES_MAX, OfflineError, OfflineRecord, RECORDS, RECORDS_MAX, Target, write_lines};
use super::collection::{WHY_MAX, start};
use super::{ImportOptions, ImportReport, SetFormat, has_records};

/// What the four numbers of a box are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxForm {
    /// Left, top, right, bottom.
    Corners,
    /// Left, top, width, height.
    Size,
}

/// An entry of one of the files. Each set has some of the keys, some have two of one meaning.
#[derive(Deserialize)]
struct Entry {
    img_filename: Option<String>,
    /// Of OSWorld-G.
    image_path: Option<String>,
    instruction: String,
    bbox: Option<[f64; 4]>,
    /// Of ScreenSpot.
    data_type: Option<String>,
    /// Of ScreenSpot-Pro.
    ui_type: Option<String>,
    group: Option<String>,
    data_source: Option<String>,
    application: Option<String>,
    platform: Option<String>,
    /// Of ScreenSpot-Pro, whose boxes have two corners.
    img_size: Option<[f64; 2]>,
    /// Of OSWorld-G: `bbox`, `polygon`, `refusal`.
    box_type: Option<String>,
    box_coordinates: Option<Vec<f64>>,
    id: Option<Value>,
}

/// Reads a set's file and writes its records beside its pictures.
///
/// # Errors
/// `OfflineError` with the entry that is wrong.
pub fn import(from: &Path, images: &Path, options: &ImportOptions) -> Result<ImportReport, OfflineError> {
    let (mut records, mut ids) = (Vec::new(), BTreeSet::new());
    let mut report = ImportReport::of(SetFormat::ScreenSpot);
    for (place, entry) in read_entries(from)?.into_iter().enumerate() {
        if options.records_max.is_some_and(|most| records.len() >= most) {
            break;
        }
        let found =
            read_entry(place, entry, images, options.boxes).and_then(|record| match ids.insert(record.id.clone()) {
                true => Ok(record),
                false => Err(format!("there is another entry with the id {:?}", record.id)),
            });
        match found {
            Ok(record) => records.push(record),
            Err(why) => {
                let why = start(&why, WHY_MAX).to_owned();
                let fault = OfflineError::Entry { at: from.to_owned(), entry: place + 1, why };
                if !options.skip_faulty {
                    return Err(fault);
                }
                report.add_fault(&fault);
            }
        }
    }
    report.records = records.len();
    let report = has_records(report, from)?;
    write_lines(&images.join(RECORDS), records.into_iter())?;
    Ok(report)
}

fn read_entries(from: &Path) -> Result<Vec<Value>, OfflineError> {
    let text = read_text(from, BYTES_MAX).map_err(OfflineError::file(from))?;
    let content = |why: String| OfflineError::Content { at: from.to_owned(), why };
    let entries: Vec<Value> =
        serde_json::from_str(&text).map_err(|error| content(format!("it is no list of entries: {error}")))?;
    if entries.is_empty() || entries.len() > RECORDS_MAX {
        return Err(content(format!("it has {} entries", entries.len())));
    }
    Ok(entries)
}

/// The record of an entry, with a picture on which it can be answered.
fn read_entry(place: usize, entry: Value, images: &Path, form: Option<BoxForm>) -> Result<OfflineRecord, String> {
    let entry: Entry = serde_json::from_value(entry).map_err(|error| error.to_string())?;
    if entry.instruction.trim().is_empty() {
        return Err("its instruction is empty".to_owned());
    }
    let record = record_of(place, entry, form)?;
    let at = images.join(&record.image);
    if !at.is_file() {
        return Err(format!("there is no picture {} in {}", record.image.display(), images.display()));
    }
    let size = picture_size(&at)?;
    let checked = check_record(&record).and_then(|()| check_on_picture(&record, size));
    checked.map_err(|why| {
        let form = if matches!(record.target, Target::Box(_)) { "; --boxes says what its numbers are" } else { "" };
        format!("id {:?}: {why}{form}", record.id)
    })?;
    Ok(record)
}

fn record_of(place: usize, entry: Entry, form: Option<BoxForm>) -> Result<OfflineRecord, String> {
    let name = entry.img_filename.or(entry.image_path).ok_or("it names no picture: it has no `img_filename`")?;
    let image = PathBuf::from(&name);
    if !is_below(&image) {
        return Err(format!("the picture {name:?} is not in the folder of pictures"));
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
        Some(Value::String(id)) => id,
        Some(id) => id.to_string(),
        None => place.to_string(),
    };
    let kind = entry.data_type.or(entry.ui_type);
    let group = entry.group.or(entry.data_source).or(entry.application).or(entry.platform);
    Ok(OfflineRecord { id, image, question: entry.instruction, target, kind, group, episode: None })
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
