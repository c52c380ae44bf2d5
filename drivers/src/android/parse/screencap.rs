//! What `screencap` writes: raw pixels behind a short header, a PNG, or why there is none. Other programs may write lines
//! before and behind a picture on the same stream: its header says where it ends.

use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::{Picture, Size};

/// The longest side of a display that is believed.
const SIDE_MAX: u32 = 16_384;
/// How much text may stand before a picture, and behind it.
const NOISE_MAX: usize = 4096;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The colour spaces that `screencap` has numbers for.
const COLOR_SPACE_MAX: u32 = 15;

/// A picture as the device sent it, checked to be whole but not decoded yet.
#[derive(Clone, Debug)]
pub(crate) struct Screenshot {
    bytes: Vec<u8>,
    /// Where the picture is in `bytes`.
    start: usize,
    end: usize,
    /// Of the display; never zero.
    pub size: Size,
    pub form: Form,
    /// The device has warned that it has several displays, and that this one was only the first.
    pub is_of_any_display: bool,
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

impl PartialEq for Screenshot {
    /// Whether both show the same. Equal pixels make equal files, since a device encodes them the same way each time.
    fn eq(&self, other: &Screenshot) -> bool {
        self.form == other.form && self.size == other.size && self.body() == other.body()
    }
}

/// Finds the picture in the output of `screencap -p`.
///
/// # Errors
/// As `excuse`, or `MalformedResponse` if the picture is not whole.
pub(crate) fn png(bytes: Vec<u8>) -> Result<Screenshot, DriverErrorKind> {
    let begin = &bytes[..bytes.len().min(NOISE_MAX + PNG.len())];
    let Some(start) = begin.windows(PNG.len()).position(|window| window == PNG) else { return Err(excuse(&bytes)) };
    let picture = &bytes[start..];
    let Some(length) = png_length(picture) else { return Err(truncated(&bytes, picture.len())) };
    // The first chunk is the header: length, name, width, height.
    let size = match picture.get(PNG.len()..PNG.len() + 16) {
        Some([0, 0, 0, 13, b'I', b'H', b'D', b'R', w0, w1, w2, w3, h0, h1, h2, h3]) => {
            Size { width: u32::from_be_bytes([*w0, *w1, *w2, *w3]), height: u32::from_be_bytes([*h0, *h1, *h2, *h3]) }
        }
        _ => return Err(DriverErrorKind::MalformedResponse { why: "a PNG without its header".to_owned() }),
    };
    believable(size)?;
    let is_of_any_display = warns(&bytes[..start]);
    Ok(Screenshot { start, end: start + length, bytes, size, form: Form::Png, is_of_any_display })
}

/// How long a PNG is, with its last chunk; `None` if that has not come.
fn png_length(picture: &[u8]) -> Option<usize> {
    let mut at = PNG.len();
    loop {
        // Length, name, body, checksum.
        let head = picture.get(at..at + 8)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        at = at.checked_add(12)?.checked_add(length)?;
        if at > picture.len() {
            return None;
        }
        if &head[4..] == b"IEND" {
            return Some(at);
        }
    }
}

/// Finds the picture in the output of `screencap`.
///
/// # Errors
/// As `excuse`, or `MalformedResponse` if it is not whole or its format is unknown.
pub(crate) fn raw(bytes: Vec<u8>) -> Result<Screenshot, DriverErrorKind> {
    // Most often it is all that there is. Else lines come before it; a width of pixels has zeros in it, which no line has.
    let starts = 0..bytes.len().min(NOISE_MAX);
    for start in starts {
        let Some(header) = Header::at(&bytes, start) else { continue };
        return match header.length {
            Some(length) => {
                let body = header.body();
                let is_of_any_display = warns(&bytes[..start]);
                let (start, form) = (start + length, Form::Raw(header.pixels));
                Ok(Screenshot { start, end: start + body, bytes, size: header.size, form, is_of_any_display })
            }
            None => Err(truncated(&bytes, bytes.len() - start)),
        };
    }
    Err(excuse(&bytes))
}

/// What stands before raw pixels.
struct Header {
    size: Size,
    pixels: Pixels,
    /// How long it is; `None` if the pixels are not all there.
    length: Option<usize>,
}

impl Header {
    fn at(bytes: &[u8], at: usize) -> Option<Header> {
        let rest = bytes.get(at..)?;
        let word = |index: usize| Some(u32::from_le_bytes(rest.get(4 * index..4 * index + 4)?.try_into().ok()?));
        let size = Size { width: word(0)?, height: word(1)? };
        let pixels = Pixels::from_number(word(2)?)?;
        believable(size).ok()?;
        let mut header = Header { size, pixels, length: None };
        let behind =
            |length: usize| rest.len().checked_sub(length + header.body()).filter(|behind| *behind <= NOISE_MAX);
        // Androids before 2017 do not say the colour space. Where they would, they have a pixel, and screens are opaque: so a
        // newer picture that lost its last four bytes is not taken for an older one.
        let opaque = !matches!(pixels, Pixels::Rgba | Pixels::Bgra) || rest.get(15) == Some(&255);
        let says_space = word(3).is_some_and(|space| space <= COLOR_SPACE_MAX);
        header.length = match (behind(16), behind(12)) {
            (Some(_), _) if says_space => Some(16),
            (_, Some(0)) if opaque => Some(12),
            (Some(0), _) => Some(16),
            (_, Some(_)) if opaque && !says_space => Some(12),
            _ => None,
        };
        // Far more than a picture behind a header that looks like one is no picture.
        let plausible = header.length.is_some() || rest.len() < header.body() + 16;
        plausible.then_some(header)
    }

    fn body(&self) -> usize {
        self.size.width as usize * self.size.height as usize * self.pixels.bytes()
    }
}

fn believable(size: Size) -> Result<(), DriverErrorKind> {
    if size.width == 0 || size.height == 0 || size.width > SIDE_MAX || size.height > SIDE_MAX {
        let why = format!("a screenshot of {size}; no display is so large or so small");
        return Err(DriverErrorKind::MalformedResponse { why });
    }
    Ok(())
}

/// Whether this is the warning of several displays.
fn warns(noise: &[u8]) -> bool {
    String::from_utf8_lossy(noise).to_lowercase().contains("display")
}

/// A picture of which the end has not come.
fn truncated(bytes: &[u8], length: usize) -> DriverErrorKind {
    let said = words(bytes).map_or_else(String::new, |said| format!("; screencap says: {said}"));
    DriverErrorKind::MalformedResponse { why: format!("a truncated screenshot ({length} bytes){said}") }
}

/// Why there is no picture.
fn excuse(bytes: &[u8]) -> DriverErrorKind {
    if bytes.is_empty() {
        let why = "screencap sent nothing, as it does for protected windows".to_owned();
        return DriverErrorKind::Hidden { why };
    }
    // Megabytes of something else are no sentence.
    match words(bytes).filter(|_| bytes.len() <= 2 * NOISE_MAX) {
        Some(why) if why.contains("not found") => DriverErrorKind::Refused { why },
        Some(why) => DriverErrorKind::Hidden { why: format!("screencap says: {why}") },
        None => DriverErrorKind::MalformedResponse { why: format!("{} bytes that are no screenshot", bytes.len()) },
    }
}

/// The last line of what a program says for people; the lines of a linker that warns of itself are not that.
fn words(bytes: &[u8]) -> Option<String> {
    let begin = &bytes[..bytes.len().min(NOISE_MAX)];
    let text = String::from_utf8_lossy(begin);
    let readable = |line: &&str| {
        let letters =
            line.chars().filter(|letter| letter.is_alphanumeric() || letter.is_ascii_punctuation() || *letter == ' ');
        line.chars().filter(|letter| letter.is_alphabetic()).count() >= 4
            && letters.count() * 10 >= line.chars().count() * 9
    };
    let lines: Vec<&str> = text.lines().map(str::trim).filter(readable).collect();
    let own = lines.iter().rfind(|line| !line.to_lowercase().starts_with("warning: linker"));
    let said = own.or(lines.last())?;
    // Colours of a terminal are no words.
    let said = said.split('\u{1b}').enumerate().map(|(at, part)| match part.split_once('m') {
        Some((code, rest)) if at > 0 && code.starts_with('[') => rest,
        _ => part,
    });
    let said: String = said.flat_map(str::chars).filter(|letter| !letter.is_control()).collect();
    Some(super::answers::shortened(&said))
}

impl Screenshot {
    fn body(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The pixels as they came, if they have four bytes each, of which three are colours in some order.
    pub fn rgba(&self) -> Option<&[u8]> {
        match self.form {
            Form::Raw(pixels) if pixels.bytes() == 4 => Some(self.body()),
            Form::Raw(_) | Form::Png => None,
        }
    }

    /// How many bytes came over the wire.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Decodes it, once.
    ///
    /// # Errors
    /// `MalformedResponse` if it is damaged.
    pub fn picture(&self) -> Result<Picture, DriverErrorKind> {
        let body = self.body();
        let made = match self.form {
            Form::Raw(Pixels::Rgba) => Picture::new(self.size, body),
            Form::Raw(Pixels::Rgbx) => Picture::new(self.size, map_pixels(body, 4, |p| [p[0], p[1], p[2], 255])),
            Form::Raw(Pixels::Bgra) => Picture::new(self.size, map_pixels(body, 4, |p| [p[2], p[1], p[0], p[3]])),
            Form::Raw(Pixels::Rgb) => Picture::new(self.size, map_pixels(body, 3, |p| [p[0], p[1], p[2], 255])),
            Form::Raw(Pixels::Rgb565) => Picture::new(self.size, map_pixels(body, 2, rgb565)),
            Form::Png => return self.decode(),
        };
        made.map_err(|error| DriverErrorKind::MalformedResponse { why: error.to_string() })
    }

    fn decode(&self) -> Result<Picture, DriverErrorKind> {
        let malformed = |error: image::ImageError| DriverErrorKind::MalformedResponse {
            why: format!("a damaged picture: {error}"),
        };
        let mut reader = image::ImageReader::new(std::io::Cursor::new(self.body()));
        reader.set_format(image::ImageFormat::Png);
        let mut limits = image::Limits::default();
        limits.max_image_width = Some(SIDE_MAX);
        limits.max_image_height = Some(SIDE_MAX);
        reader.limits(limits);
        let image = reader.decode().map_err(malformed)?.into_rgba8();
        let size = Size { width: image.width(), height: image.height() };
        Picture::new(size, image.into_raw())
            .map_err(|error| DriverErrorKind::MalformedResponse { why: error.to_string() })
    }
}

fn map_pixels(body: &[u8], bytes: usize, pixel: impl Fn(&[u8]) -> [u8; 4]) -> Vec<u8> {
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
#[path = "screencap_tests.rs"]
mod tests;
