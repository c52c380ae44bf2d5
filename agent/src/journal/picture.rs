//! Pictures as files.

use std::io::{self, Cursor};

use sha2::{Digest, Sha256};
use tapwright_contract::{Picture, Size};

/// The most pixels that a file may claim to hold: it is read back by reports, and files can lie.
const PIXELS_MAX: u64 = 1 << 26;

/// A PNG, made for speed. Screens have no transparency, so three channels do, unless one has.
pub(super) fn encode(picture: &Picture) -> io::Result<Vec<u8>> {
    let rgba = picture.rgba();
    let opaque = rgba.chunks_exact(4).all(|pixel| pixel[3] == 255);
    let mut rgb = Vec::new();
    if opaque {
        rgb.reserve_exact(rgba.len() / 4 * 3);
        rgba.chunks_exact(4).for_each(|pixel| rgb.extend_from_slice(&pixel[..3]));
    }
    let mut png = Vec::with_capacity(rgba.len() / 16);
    let mut encoder = png::Encoder::new(&mut png, picture.size().width, picture.size().height);
    encoder.set_color(if opaque { png::ColorType::Rgb } else { png::ColorType::Rgba });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(if opaque { &rgb } else { rgba })?;
    writer.finish()?;
    Ok(png)
}

/// The picture in a PNG that [`encode`] made.
pub(super) fn decode(png: &[u8]) -> io::Result<Picture> {
    let nonsense = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info()?;
    let (width, height) = reader.info().size();
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(nonsense("the picture is too large"));
    }
    let (color, depth) = reader.output_color_type();
    let size = reader.output_buffer_size().ok_or_else(|| nonsense("the picture is too large"))?;
    let mut pixels = vec![0; size];
    reader.next_frame(&mut pixels)?;
    let rgba = match (color, depth) {
        (png::ColorType::Rgba, png::BitDepth::Eight) => pixels,
        (png::ColorType::Rgb, png::BitDepth::Eight) => {
            pixels.chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect()
        }
        _ => return Err(nonsense("the picture has channels that a journal does not write")),
    };
    Picture::new(Size { width, height }, rgba).map_err(|error| nonsense(&error.to_string()))
}

/// The name of a file with these bytes, as `sha256sum` prints it.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_read_back_as_written() {
        for alpha in [255, 7] {
            let size = Size { width: 5, height: 3 };
            let rgba: Vec<u8> = (0..60).map(|n| if n % 4 == 3 { alpha } else { n * 4 }).collect();
            let picture = Picture::new(size, rgba).unwrap();
            assert_eq!(decode(&encode(&picture).unwrap()).unwrap(), picture);
        }
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        let picture = Picture::new(Size { width: 2, height: 2 }, vec![9; 16]).unwrap();
        let png = encode(&picture).unwrap();
        assert!(decode(b"").is_err());
        assert!(decode(&png[..png.len() / 2]).is_err());
        let mut vast = png;
        vast[16..24].fill(0x7f); // Width and height.
        assert!(decode(&vast).is_err());
    }
}
