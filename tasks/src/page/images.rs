//! The pictures of a page: each of them once, however often it was seen, and no larger than a page needs.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use tapwright_agent::journal::Record;

/// Pictures of up to so many bytes stay as they are, to the pixel.
const EXACT_BYTES_MAX: usize = 96 << 10;
/// The longer side of those that are made smaller, in pixels.
const SIDE_MAX: u32 = 1440;
const JPEG_QUALITY: u8 = 82;
/// The most memory that decoding one may take.
const DECODE_BYTES_MAX: u64 = 256 << 20;

/// Which pictures the page has already, by their digests.
#[derive(Default)]
pub struct Images {
    classes: BTreeMap<String, Result<String, String>>,
}

impl Images {
    /// The class of an element that shows a picture; the first time its bytes are written, as a style sheet. The inner error says
    /// why there is none.
    ///
    /// # Errors
    /// If the page cannot be written.
    pub fn class_of(
        &mut self,
        record: &Record,
        digest: &str,
        out: &mut dyn Write,
    ) -> io::Result<Result<String, String>> {
        if let Some(known) = self.classes.get(digest) {
            return Ok(known.clone());
        }
        let found = record.picture_bytes(digest).map_err(|error| error.to_string()).and_then(smaller);
        let class = match found {
            Ok((kind, bytes)) => {
                let class = format!("p{}", self.classes.len());
                let data = STANDARD.encode(bytes);
                writeln!(out, "<style>.{class}{{background-image:url(data:image/{kind};base64,{data})}}</style>")?;
                Ok(class)
            }
            Err(why) => Err(why),
        };
        self.classes.insert(digest.to_owned(), class.clone());
        Ok(class)
    }

    /// What could not be shown, and why.
    pub fn into_missing(self) -> Vec<String> {
        let missing = self.classes.into_iter().filter_map(|(digest, class)| Some((digest, class.err()?)));
        missing.map(|(digest, why)| format!("pictures/{}.png: {why}", short(&digest))).collect()
    }
}

/// As much of a digest, or of what stands in its place, as people need.
fn short(digest: &str) -> String {
    digest.chars().filter(|letter| letter.is_ascii_alphanumeric()).take(12).collect()
}

/// A picture as the page has it: its type and its bytes.
fn smaller(png: Vec<u8>) -> Result<(&'static str, Vec<u8>), String> {
    if png.len() <= EXACT_BYTES_MAX {
        return Ok(("png", png));
    }
    let mut reader = ImageReader::with_format(Cursor::new(&png), ImageFormat::Png);
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODE_BYTES_MAX);
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| error.to_string())?;
    let longer = picture.width().max(picture.height());
    let picture = if longer > SIDE_MAX { picture.resize(SIDE_MAX, SIDE_MAX, FilterType::Triangle) } else { picture };
    let mut jpeg = Vec::new();
    let opaque = DynamicImage::from(picture.to_rgb8());
    opaque
        .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY))
        .map_err(|error| error.to_string())?;
    Ok(if jpeg.len() < png.len() { ("jpeg", jpeg) } else { ("png", png) })
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn png(side: u32) -> Vec<u8> {
        // Noise, which no PNG makes small.
        let mut seed = 1_u32;
        let picture = RgbImage::from_fn(side, side, |_, _| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Rgb([(seed >> 24) as u8, (seed >> 16) as u8, (seed >> 8) as u8])
        });
        let mut bytes = Vec::new();
        DynamicImage::from(picture).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    #[test]
    fn large_pictures_become_smaller_and_small_ones_stay() {
        let small = png(64);
        assert_eq!(smaller(small.clone()).unwrap(), ("png", small));
        let large = png(2000);
        let (kind, bytes) = smaller(large.clone()).unwrap();
        assert_eq!(kind, "jpeg");
        assert!(bytes.len() < large.len() / 2, "{} of {}", bytes.len(), large.len());
        assert_eq!(image::load_from_memory(&bytes).unwrap().width(), SIDE_MAX);
        assert!(smaller(large[..large.len() / 2].to_vec()).is_err());
    }
}
