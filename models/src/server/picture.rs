//! Pictures in requests: from a file's bytes to pixels, in bounded memory.

use std::io::Cursor;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use image::codecs::bmp::BmpDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageResult};
use tapwright_contract::{Picture, Size};

/// Some clients leave the padding away.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a pixel may take while it is decoded: two of eight bytes.
pub const PIXEL_BYTES: u64 = 16;
/// A smaller edge shows nothing; a single pixel is what failed captures look like.
const EDGE_MIN: u32 = 2;

/// The bytes of a file that stands in the request itself: `data:image/png;base64,…`.
///
/// # Errors
/// A sentence about what is wrong with it.
pub fn file_of(data_url: &str) -> Result<Vec<u8>, String> {
    let written = data_url.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("data:"));
    let rest = written.map(|_| &data_url[5..]).ok_or("no data URL")?;
    let (kind, text) = rest.split_once(',').ok_or("a data URL has a comma before its data")?;
    if !kind.split(';').skip(1).any(|word| word.trim().eq_ignore_ascii_case("base64")) {
        return Err("a data URL's picture is in base64: data:image/png;base64,…".to_owned());
    }
    // What the type says is not believed: many clients name the wrong one. The bytes say what they are.
    let bytes = if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        BASE64.decode(text.split_ascii_whitespace().collect::<String>())
    } else {
        BASE64.decode(text)
    };
    bytes.map_err(|error| format!("no base64: {error}"))
}

/// How large the picture in a file is, before any of it is decoded.
///
/// # Errors
/// A sentence about what is wrong with it.
pub fn measure(file: &[u8], pixels_max: u64) -> Result<Size, String> {
    let size = open(file)?.size();
    let pixels = u64::from(size.width) * u64::from(size.height);
    if size.width < EDGE_MIN || size.height < EDGE_MIN {
        return Err(format!("a picture of {size}; an edge has {EDGE_MIN} pixels at least"));
    }
    if pixels > pixels_max {
        return Err(format!("a picture of {size}, which is {pixels} pixels; {pixels_max} are the most"));
    }
    Ok(size)
}

/// The picture in a file that has been measured.
///
/// # Errors
/// A sentence about what is wrong with it.
pub fn decode(file: &[u8], size: Size) -> Result<Picture, String> {
    let broken = |error: image::ImageError| format!("the picture is broken: {error}");
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(size.width);
    limits.max_image_height = Some(size.height);
    limits.max_alloc = Some(PIXEL_BYTES * u64::from(size.width) * u64::from(size.height) + (1 << 20));
    let image = match open(file)? {
        PictureDecoder::Png(decoder) => pixels(*decoder, limits),
        PictureDecoder::Jpeg(decoder) => pixels(*decoder, limits),
        PictureDecoder::WebP(decoder) => pixels(*decoder, limits),
        PictureDecoder::Bmp(decoder) => pixels(*decoder, limits),
    };
    let rgba = image.map_err(broken)?.into_rgba8();
    let size = Size { width: rgba.width(), height: rgba.height() };
    Picture::new(size, rgba.into_raw()).map_err(|error| error.to_string())
}

fn pixels(mut decoder: impl ImageDecoder, limits: image::Limits) -> ImageResult<DynamicImage> {
    decoder.set_limits(limits)?;
    DynamicImage::from_decoder(decoder)
}

enum PictureDecoder<'a> {
    Png(Box<PngDecoder<Cursor<&'a [u8]>>>),
    Jpeg(Box<JpegDecoder<Cursor<&'a [u8]>>>),
    WebP(Box<WebPDecoder<Cursor<&'a [u8]>>>),
    Bmp(Box<BmpDecoder<Cursor<&'a [u8]>>>),
}

impl PictureDecoder<'_> {
    fn size(&self) -> Size {
        let (width, height) = match self {
            PictureDecoder::Png(decoder) => decoder.dimensions(),
            PictureDecoder::Jpeg(decoder) => decoder.dimensions(),
            PictureDecoder::WebP(decoder) => decoder.dimensions(),
            PictureDecoder::Bmp(decoder) => decoder.dimensions(),
        };
        Size { width, height }
    }
}

/// What a PNG may take besides its pixels.
const PNG_BYTES_MAX: u64 = 64 << 20;

/// Reads a file's head.
fn open(file: &[u8]) -> Result<PictureDecoder<'_>, String> {
    let broken = |error: image::ImageError| format!("the picture is broken: {error}");
    let moving = |kind: &str| format!("an animated {kind}; which of its pictures is meant?");
    if file.is_empty() {
        return Err("a picture of no bytes".to_owned());
    }
    match image::guess_format(file) {
        Ok(ImageFormat::Png) => {
            // A few bytes of a PNG can unpack to gigabytes, also before its first pixel.
            let mut limits = image::Limits::default();
            limits.max_alloc = Some(PNG_BYTES_MAX);
            let decoder = PngDecoder::with_limits(Cursor::new(file), limits).map_err(broken)?;
            if decoder.is_apng().map_err(broken)? {
                return Err(moving("PNG"));
            }
            Ok(PictureDecoder::Png(Box::new(decoder)))
        }
        Ok(ImageFormat::Jpeg) => {
            let decoder = JpegDecoder::new(Cursor::new(file)).map_err(broken)?;
            if !is_whole_jpeg(file) {
                return Err("the picture is broken: the JPEG has no end".to_owned());
            }
            Ok(PictureDecoder::Jpeg(Box::new(decoder)))
        }
        Ok(ImageFormat::WebP) => {
            let decoder = WebPDecoder::new(Cursor::new(file)).map_err(broken)?;
            if decoder.has_animation() {
                return Err(moving("WebP"));
            }
            Ok(PictureDecoder::WebP(Box::new(decoder)))
        }
        Ok(ImageFormat::Bmp) => Ok(PictureDecoder::Bmp(Box::new(BmpDecoder::new(Cursor::new(file)).map_err(broken)?))),
        Ok(other) => Err(format!("a picture of the kind {other:?}; send it as PNG, JPEG, WebP or BMP")),
        Err(_) => Err("no picture that is known; send a PNG, JPEG, WebP or BMP".to_owned()),
    }
}

/// Whether the mark of the end comes after the mark of the last scan: the decoder would fill what is missing with grey.
fn is_whole_jpeg(file: &[u8]) -> bool {
    let last = |mark: [u8; 2]| file.windows(2).rposition(|pair| pair == mark);
    match (last([0xff, 0xda]), last([0xff, 0xd9])) {
        (Some(scan), Some(end)) => scan < end,
        _ => false,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A picture of our own as a file.
    pub fn file(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
        let image = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 90]));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    pub fn data_url(file: &[u8]) -> String {
        format!("data:image/png;base64,{}", BASE64.encode(file))
    }

    fn decode_picture(file: &[u8]) -> Result<Picture, String> {
        measure(file, 1 << 20).and_then(|size| decode(file, size))
    }

    #[test]
    fn four_kinds_of_files_are_read() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Bmp] {
            let picture = decode_picture(&file(format, 40, 30)).unwrap();
            assert_eq!(picture.size(), Size { width: 40, height: 30 });
            let last = &picture.rgba()[picture.rgba().len() - 4..];
            for (found, expected) in last.iter().zip([39u8, 29, 90, 255]) {
                assert!(found.abs_diff(expected) < 12, "{format:?}: {last:?}");
            }
        }
    }

    #[test]
    fn files_that_break_off_anywhere_are_broken() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Bmp] {
            let whole = file(format, 40, 30);
            for length in 0..whole.len() {
                // The last bytes of a PNG say only that it ends.
                if format == ImageFormat::Png && length + 16 > whole.len() {
                    continue;
                }
                assert!(decode_picture(&whole[..length]).is_err(), "{format:?}: {length} of {}", whole.len());
            }
        }
    }

    #[test]
    fn a_file_is_measured_before_it_is_decoded() {
        // A head that promises a hundred megapixels, and nothing behind it.
        let mut head = file(ImageFormat::Png, 2, 2);
        head[16..24].copy_from_slice(&[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]);
        let crc = crc(&head[12..29]);
        head[29..33].copy_from_slice(&crc.to_be_bytes());
        let why = measure(&head, 1 << 25).unwrap_err();
        assert_eq!(why, "a picture of 10000x10000, which is 100000000 pixels; 33554432 are the most");
        assert_eq!(
            measure(&file(ImageFormat::Png, 1, 1), 1 << 20).unwrap_err(),
            "a picture of 1x1; an edge has 2 pixels at least"
        );
        assert!(decode(&head, Size { width: 2, height: 2 }).is_err());
    }

    #[test]
    fn what_is_no_picture_is_said_to_be_none() {
        let mut apng = file(ImageFormat::Png, 4, 4);
        let mut chunk = vec![0, 0, 0, 8];
        chunk.extend_from_slice(b"acTL\0\0\0\x02\0\0\0\0");
        let sum = crc(&chunk[4..]);
        chunk.extend_from_slice(&sum.to_be_bytes());
        apng.splice(33..33, chunk);
        let mut webp = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x03\0\0\x03\0\0ANIM\x06\0\0\0\0\0\0\0\0\0".to_vec();
        let length = (webp.len() - 8) as u32;
        webp[4..8].copy_from_slice(&length.to_le_bytes());
        for (file, expected) in [
            (&b""[..], "no bytes"),
            (b"hello", "no picture that is known"),
            (b"GIF89a\x01\0\x01\0\0\0\0;", "kind Gif"),
            (&apng, "animated PNG"),
            (&webp, "WebP"),
            (b"\x89PNG\r\n\x1a\n", "broken"),
            (b"\xff\xd8\xff\xe0", "broken"),
        ] {
            let why = measure(file, 1 << 20).unwrap_err();
            assert!(why.contains(expected) || why.contains("broken"), "{why}");
        }
        assert!(measure(&apng, 1 << 20).unwrap_err().starts_with("an animated PNG"));
    }

    #[test]
    fn data_urls_are_read_as_clients_write_them() {
        for good in ["data:image/png;base64,AAEC", "DATA:;base64,AAEC", "data:image/jpeg;charset=x;BASE64,AAE\n C"] {
            assert_eq!(file_of(good), Ok(vec![0, 1, 2]), "{good}");
        }
        assert_eq!(file_of("data:image/png;base64,AA"), Ok(vec![0]));
        for bad in
            ["", "data:", "data:image/png,AAEC", "data:image/png;base64", "data:image/png;base64,A*", "dat\u{e4}:"]
        {
            assert!(file_of(bad).is_err(), "{bad}");
        }
    }

    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
        })
    }
}
