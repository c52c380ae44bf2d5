//! What `screencap` writes: raw pixels behind a short header, a PNG, or an excuse.

use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::{Picture, Size};

/// The longest side of a display that is believed.
const SIDE_MAX: u32 = 16_384;
/// How much text may come before the picture: `screencap` warns of several displays on the same stream.
const WARNING_MAX: usize = 4096;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The last chunk of every PNG.
const PNG_END: &[u8] = b"\0\0\0\0IEND\xaeB`\x82";

/// A picture as the device sent it, checked to be whole but not decoded yet.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    bytes: Vec<u8>,
    /// Where the picture begins in `bytes`.
    start: usize,
    /// Of the display; never zero.
    pub size: Size,
    pub form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Png,
    Raw(Pixels),
}

/// Pixel formats of Android that screens come in, by their numbers there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pixels {
    Rgba,
    Rgbx,
    Rgb,
    Rgb565,
    Bgra,
}

impl Pixels {
    fn from_number(number: u32) -> Option<Pixels> {
        match number {
            1 => Some(Pixels::Rgba),
            2 => Some(Pixels::Rgbx),
            3 => Some(Pixels::Rgb),
            4 => Some(Pixels::Rgb565),
            5 => Some(Pixels::Bgra),
            _ => None,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Pixels::Rgba | Pixels::Rgbx | Pixels::Bgra => 4,
            Pixels::Rgb => 3,
            Pixels::Rgb565 => 2,
        }
    }
}

impl PartialEq for Shot {
    /// Whether both show the same. Equal pixels make equal files, since a device encodes them the same way each time.
    fn eq(&self, other: &Shot) -> bool {
        self.form == other.form && self.size == other.size && self.bytes[self.start..] == other.bytes[other.start..]
    }
}

/// Finds the picture in the output of `screencap -p`.
///
/// # Errors
/// As `excuse`, or `DriverErrorKind::MalformedResponse` if the picture is not whole.
pub(crate) fn png(bytes: Vec<u8>) -> Result<Shot, DriverErrorKind> {
    let begin = &bytes[..bytes.len().min(WARNING_MAX)];
    let Some(start) = begin.windows(PNG.len()).position(|window| window == PNG) else { return Err(excuse(&bytes)) };
    let picture = &bytes[start..];
    if !picture.ends_with(PNG_END) {
        return Err(DriverErrorKind::MalformedResponse {
            why: format!("the picture broke off after {} bytes", picture.len()),
        });
    }
    // The first chunk is the header: length, name, width, height.
    let size = match picture.get(PNG.len()..PNG.len() + 16) {
        Some([0, 0, 0, 13, b'I', b'H', b'D', b'R', w0, w1, w2, w3, h0, h1, h2, h3]) => {
            Size { width: u32::from_be_bytes([*w0, *w1, *w2, *w3]), height: u32::from_be_bytes([*h0, *h1, *h2, *h3]) }
        }
        _ => return Err(DriverErrorKind::MalformedResponse { why: "a PNG without its header".to_owned() }),
    };
    believable(size)?;
    Ok(Shot { bytes, start, size, form: Form::Png })
}

/// Finds the picture in the output of `screencap`.
///
/// # Errors
/// As `excuse`, or `DriverErrorKind::MalformedResponse` if it is not whole or its format is unknown.
pub(crate) fn raw(bytes: Vec<u8>) -> Result<Shot, DriverErrorKind> {
    if let Some((start, size, pixels)) = raw_at(&bytes, 0) {
        return Ok(Shot { bytes, start, size, form: Form::Raw(pixels) });
    }
    // A warning before the picture ends with a line break; the length tells which of them it is.
    let breaks = bytes.iter().take(WARNING_MAX).enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    if let Some((start, size, pixels)) = breaks.into_iter().find_map(|at| raw_at(&bytes, at)) {
        return Ok(Shot { bytes, start, size, form: Form::Raw(pixels) });
    }
    Err(excuse(&bytes))
}

fn raw_at(bytes: &[u8], at: usize) -> Option<(usize, Size, Pixels)> {
    let rest = bytes.get(at..)?;
    let word = |index: usize| Some(u32::from_le_bytes(rest.get(4 * index..4 * index + 4)?.try_into().ok()?));
    let size = Size { width: word(0)?, height: word(1)? };
    let pixels = Pixels::from_number(word(2)?)?;
    believable(size).ok()?;
    let body = size.width as usize * size.height as usize * pixels.bytes();
    // Androids before 2017 do not say the colour space. Where they would, they have a pixel, and screens are opaque: so a
    // newer picture that lost its last four bytes is not taken for an older one.
    let opaque = !matches!(pixels, Pixels::Rgba | Pixels::Bgra) || rest.get(15) == Some(&255);
    let header = match rest.len().checked_sub(body)? {
        16 => 16,
        12 if opaque => 12,
        _ => return None,
    };
    Some((at + header, size, pixels))
}

fn believable(size: Size) -> Result<(), DriverErrorKind> {
    if size.width == 0 || size.height == 0 || size.width > SIDE_MAX || size.height > SIDE_MAX {
        return Err(DriverErrorKind::MalformedResponse { why: format!("a picture of {size}") });
    }
    Ok(())
}

/// Why there is no picture.
fn excuse(bytes: &[u8]) -> DriverErrorKind {
    if bytes.is_empty() {
        return DriverErrorKind::Hidden {
            why: "the device sent an empty picture, as it does for protected windows".to_owned(),
        };
    }
    let text = std::str::from_utf8(bytes).ok().filter(|text| {
        text.len() <= WARNING_MAX && text.chars().all(|letter| !letter.is_control() || letter.is_whitespace())
    });
    match text {
        Some(text) => {
            let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
            let why = super::answers::shortened(line);
            if text.contains("not found") { DriverErrorKind::Refused { why } } else { DriverErrorKind::Hidden { why } }
        }
        None => DriverErrorKind::MalformedResponse { why: format!("{} bytes that are no whole picture", bytes.len()) },
    }
}

impl Shot {
    /// How many bytes came over the wire.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Decodes it, once.
    ///
    /// # Errors
    /// `DriverErrorKind::MalformedResponse` if it is damaged.
    pub fn picture(&self) -> Result<Picture, DriverErrorKind> {
        let body = &self.bytes[self.start..];
        let made = match self.form {
            Form::Raw(Pixels::Rgba) => Picture::new(self.size, body),
            Form::Raw(Pixels::Rgbx) => Picture::new(self.size, mapped(body, 4, |p| [p[0], p[1], p[2], 255])),
            Form::Raw(Pixels::Bgra) => Picture::new(self.size, mapped(body, 4, |p| [p[2], p[1], p[0], p[3]])),
            Form::Raw(Pixels::Rgb) => Picture::new(self.size, mapped(body, 3, |p| [p[0], p[1], p[2], 255])),
            Form::Raw(Pixels::Rgb565) => Picture::new(self.size, mapped(body, 2, rgb565)),
            Form::Png => return self.decoded(),
        };
        made.map_err(|error| DriverErrorKind::MalformedResponse { why: error.to_string() })
    }

    fn decoded(&self) -> Result<Picture, DriverErrorKind> {
        let nonsense = |error: image::ImageError| DriverErrorKind::MalformedResponse {
            why: format!("a damaged picture: {error}"),
        };
        let mut reader = image::ImageReader::new(std::io::Cursor::new(&self.bytes[self.start..]));
        reader.set_format(image::ImageFormat::Png);
        let mut limits = image::Limits::default();
        limits.max_image_width = Some(SIDE_MAX);
        limits.max_image_height = Some(SIDE_MAX);
        reader.limits(limits);
        let image = reader.decode().map_err(nonsense)?.into_rgba8();
        let size = Size { width: image.width(), height: image.height() };
        Picture::new(size, image.into_raw())
            .map_err(|error| DriverErrorKind::MalformedResponse { why: error.to_string() })
    }
}

fn mapped(body: &[u8], bytes: usize, pixel: impl Fn(&[u8]) -> [u8; 4]) -> Vec<u8> {
    body.chunks_exact(bytes).flat_map(pixel).collect()
}

fn rgb565(pixel: &[u8]) -> [u8; 4] {
    let value = u16::from_le_bytes([pixel[0], pixel[1]]);
    let wide = |value: u16, bits: u32| (u32::from(value) * 255 / ((1 << bits) - 1)) as u8;
    [wide(value >> 11, 5), wide((value >> 5) & 0x3f, 6), wide(value & 0x1f, 5), 255]
}

/// Whether most of it is black: a dark screen, or a protected window that was painted over between the system's bars. A
/// sample is looked at, since this only decides whether the device is asked.
pub(crate) fn black(picture: &Picture) -> bool {
    const SAMPLE: usize = 4096;
    let rgba = picture.rgba();
    // Odd, so that a grid is not one column.
    let stride = 4 * ((rgba.len() / 4 / SAMPLE) | 1);
    let sampled = rgba.chunks(stride).filter_map(|chunk| chunk.get(..3));
    let (count, black) =
        sampled.fold((0, 0), |(count, black), pixel| (count + 1, black + usize::from(pixel == [0, 0, 0])));
    black * 10 >= count * 6
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn small_png() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[1, 2, 3, 255, 4, 5, 6, 255]).unwrap();
        drop(writer);
        bytes
    }

    fn check(shot: Result<Shot, DriverErrorKind>, expected: Expect) {
        let told = shot
            .and_then(|shot| shot.picture())
            .map(|picture| format!("{} {:?}", picture.size(), picture.rgba()))
            .unwrap_or_else(|kind| kind.to_string());
        expected.assert_eq(&told);
    }

    #[test]
    fn raw_pictures() {
        let rgba = [words(&[2, 1, 1, 0]), vec![1, 2, 3, 4, 5, 6, 7, 8]].concat();
        check(raw(rgba.clone()), expect!["2x1 [1, 2, 3, 4, 5, 6, 7, 8]"]);
        check(
            raw([words(&[2, 1, 1]), vec![1, 2, 3, 255, 5, 6, 7, 8]].concat()),
            expect!["2x1 [1, 2, 3, 255, 5, 6, 7, 8]"],
        );
        check(raw([words(&[1, 1, 2, 0]), vec![1, 2, 3, 0]].concat()), expect!["1x1 [1, 2, 3, 255]"]);
        check(raw([words(&[1, 1, 3, 0]), vec![1, 2, 3]].concat()), expect!["1x1 [1, 2, 3, 255]"]);
        check(raw([words(&[1, 1, 5, 0]), vec![1, 2, 3, 255]].concat()), expect!["1x1 [3, 2, 1, 255]"]);
        check(raw([words(&[1, 1, 4, 0]), vec![0x00, 0xf8]].concat()), expect!["1x1 [255, 0, 0, 255]"]);
        let warned =
            [b"[Warning] Multiple displays were found, but no display id was specified!\n".to_vec(), rgba.clone()];
        check(raw(warned.concat()), expect!["2x1 [1, 2, 3, 4, 5, 6, 7, 8]"]);
        check(raw(rgba[..20].to_vec()), expect!["malformed response: 20 bytes that are no whole picture"]);
        check(raw(words(&[0, 0, 1, 0])), expect!["malformed response: 16 bytes that are no whole picture"]);
        check(
            raw(words(&[u32::MAX, u32::MAX, 1, 0])),
            expect!["malformed response: 16 bytes that are no whole picture"],
        );
    }

    #[test]
    fn png_pictures() {
        let bytes = small_png();
        check(png(bytes.clone()), expect!["2x1 [1, 2, 3, 255, 4, 5, 6, 255]"]);
        check(
            png([b"[Warning] two displays\n".to_vec(), bytes.clone()].concat()),
            expect!["2x1 [1, 2, 3, 255, 4, 5, 6, 255]"],
        );
        let half = bytes.len() / 2;
        check(png(bytes[..half].to_vec()), expect!["malformed response: the picture broke off after 37 bytes"]);
        let mut damaged = bytes.clone();
        damaged[half + 8] ^= 0x55;
        assert!(matches!(png(damaged).and_then(|shot| shot.picture()), Err(DriverErrorKind::MalformedResponse { .. })));
    }

    #[test]
    fn excuses() {
        check(
            png(vec![]),
            expect!["the screen cannot be seen: the device sent an empty picture, as it does for protected windows"],
        );
        check(
            raw(b"Status: -1\nFailed to take screenshot\n".to_vec()),
            expect!["the screen cannot be seen: Failed to take screenshot"],
        );
        check(
            png(b"/system/bin/sh: screencap: not found\n".to_vec()),
            expect!["refused: /system/bin/sh: screencap: not found"],
        );
        check(png(vec![0xff; 9000]), expect!["malformed response: 9000 bytes that are no whole picture"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_picture_or_an_excuse(
            head in proptest::collection::vec(0u32..9, 0..5),
            tail in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let bytes = [words(&head), tail.clone()].concat();
            let _ = raw(bytes.clone()).and_then(|shot| shot.picture());
            let _ = png(bytes).and_then(|shot| shot.picture());
            let _ = png([PNG, &tail, PNG_END].concat()).and_then(|shot| shot.picture());
        }
    }
}
