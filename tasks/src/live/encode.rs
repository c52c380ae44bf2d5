//! Pictures for browsers: exact where that is small, else as small as a photo is.

use std::io;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use tapwright_contract::Picture;

/// Pages of text and plain surfaces are smaller as PNG; above this a picture is likely to hold photos.
const PNG_BYTES_MAX: usize = 300 << 10;
const QUALITY: u8 = 85;

/// The picture in the format that is smaller, and that format's type.
pub(crate) fn smallest(picture: &Picture) -> io::Result<(&'static str, Vec<u8>)> {
    let png = png(picture)?;
    if png.len() <= PNG_BYTES_MAX {
        return Ok(("image/png", png));
    }
    let size = picture.size();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .write_image(&rgb(picture), size.width, size.height, ExtendedColorType::Rgb8)
        .map_err(io::Error::other)?;
    Ok(if jpeg.len() < png.len() { ("image/jpeg", jpeg) } else { ("image/png", png) })
}

/// The picture exactly. Screens have nothing behind them that could shine through.
pub(crate) fn png(picture: &Picture) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.size().width, picture.size().height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb(picture))?;
    writer.finish()?;
    Ok(bytes)
}

fn rgb(picture: &Picture) -> Vec<u8> {
    picture.rgba().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
}

#[cfg(test)]
mod tests {
    use tapwright_contract::Size;

    use super::*;

    /// A picture of which each pixel is chosen by its number.
    fn picture(width: u32, height: u32, pixel: impl Fn(u32) -> [u8; 3]) -> Picture {
        let rgba: Vec<u8> = (0..width * height).flat_map(|number| [&pixel(number)[..], &[255]].concat()).collect();
        Picture::new(Size { width, height }, rgba).unwrap()
    }

    #[test]
    fn plain_pages_are_exact_and_photos_are_small() {
        let page = picture(540, 1200, |number| if number / 540 % 40 < 20 { [250, 250, 252] } else { [20, 30, 40] });
        let (kind, bytes) = smallest(&page).unwrap();
        assert_eq!(kind, "image/png");
        assert_eq!(image::load_from_memory(&bytes).unwrap().to_rgba8().into_raw(), page.rgba());

        // Grain, as photos have it.
        let photo = picture(540, 1200, |number| {
            let grain = number.wrapping_mul(2_654_435_761) >> 28;
            [(number % 540 / 3) as u8 + grain as u8, (number / 5400) as u8 + grain as u8, 90 + grain as u8]
        });
        let (kind, bytes) = smallest(&photo).unwrap();
        assert_eq!(kind, "image/jpeg");
        assert!(bytes.len() < png(&photo).unwrap().len(), "{}", bytes.len());
        assert_eq!(image::load_from_memory(&bytes).unwrap().width(), 540);
    }
}
