//! Pictures that stand in documents.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits};

use super::both;
use crate::document::WordDocument;
use crate::error::EvaluatorErrorKind as Kind;
use crate::metrics::text::score;
use crate::output::MetricInputs;

/// Memory that one picture may take when it is decoded.
const PICTURE_BYTES_MAX: u64 = 256 << 20;
const SIDE_MAX: u32 = 20_000;

/// The same pictures in the same order, however they are compressed.
pub(crate) fn compare_docx_images(inputs: &MetricInputs) -> Result<f64, Kind> {
    let Some([found, expected]) = both(inputs)? else { return Ok(0.0) };
    let (found, expected) = (WordDocument::open(found)?, WordDocument::open(expected)?);
    let (found_parts, expected_parts) = (pictures(&found)?, pictures(&expected)?);
    if found_parts.len() != expected_parts.len() {
        return Ok(0.0);
    }
    for (one, other) in found_parts.iter().zip(&expected_parts) {
        let (one, other) = (found.part(one)?, expected.part(other)?);
        if one != other && decoded(&one)? != decoded(&other)? {
            return Ok(0.0);
        }
    }
    Ok(score(true))
}

fn pictures(document: &WordDocument) -> Result<Vec<String>, Kind> {
    let all = document.relationships()?.into_iter().filter(|relationship| relationship.kind.contains("image"));
    all.map(|picture| match picture.is_external {
        true => Err(Kind::output("a picture of a document is not in it")),
        false => Ok(picture.target),
    })
    .collect()
}

/// The samples of a picture, without its size, as upstream compares them.
fn decoded(bytes: &[u8]) -> Result<Vec<u8>, Kind> {
    let unreadable = |error: &dyn std::fmt::Display| Kind::unreadable("a picture of a document", error);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| unreadable(&error))?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Bmp)) {
        return Err(Kind::NotNative { needs: "it decodes pictures other than PNG, JPEG and BMP" });
    }
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(SIDE_MAX), Some(SIDE_MAX));
    limits.max_alloc = Some(PICTURE_BYTES_MAX);
    reader.limits(limits);
    Ok(reader.decode().map_err(|error| unreadable(&error))?.into_bytes())
}
