//! Pictures as vision encoders see them: how large, which pixels, in what order.
//!
//! What differs between models is in `ImageProcessor`. The reference is Hugging Face's `Glm4vImageProcessor` on torchvision; every
//! byte and every float of `ImageProcessor::GLM4V` equals its. Nothing here knows of tokens, graphs or devices, so that a generator
//! of training data can share it with the engine.

mod bicubic;
mod limits;
mod patches;
mod processor;

pub use bicubic::resize;
pub use limits::{PictureLimits, smart_resize};
pub use patches::patches;
pub use processor::{CLIP_MEAN, CLIP_STD, ImageProcessor};

/// Rows of pixels, top row first, that somebody else owns.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    bytes: &'a [u8],
    width: u32,
    height: u32,
    channels: usize,
}

/// Why a picture cannot be shown to the model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The bytes are not a picture of that size.
    #[error("a picture of {width}x{height} needs {needed} bytes, and {given} were given")]
    Bytes { width: u32, height: u32, needed: u64, given: usize },
    /// One edge is more than 200 times the other; the reference refuses these too.
    #[error("a picture of {width}x{height} is too long and thin: one edge is more than 200 times the other")]
    Thin { width: u32, height: u32 },
    /// What the limits ask for could not be held in memory.
    #[error("the limits make {width}x{height} of a picture, and an edge may have {EDGE_MAX} pixels at most")]
    Large { width: u64, height: u64 },
    /// Patches are cut from pictures whose edges are multiples of `ImageProcessor::factor`.
    #[error("patches cannot be cut from {width}x{height}: both edges have to be multiples of {factor}")]
    Uneven { width: u32, height: u32, factor: u32 },
    /// The limits contradict each other.
    #[error("the limits make no sense: shortest_edge is {shortest_edge} and longest_edge {longest_edge}")]
    Limits { shortest_edge: u64, longest_edge: u64 },
}

/// Longest edge of a resized picture.
pub const EDGE_MAX: u32 = 16_384;

impl<'a> Pixels<'a> {
    /// Takes `4 * width * height` bytes; what is transparent is ignored, as the model was trained without it.
    ///
    /// # Errors
    /// `Unfit::Bytes` when the number of bytes differs, or there is no pixel at all.
    pub fn rgba(bytes: &'a [u8], width: u32, height: u32) -> Result<Pixels<'a>, Unfit> {
        Pixels::new(bytes, width, height, 4)
    }

    /// Takes `3 * width * height` bytes.
    ///
    /// # Errors
    /// As `rgba`.
    pub fn rgb(bytes: &'a [u8], width: u32, height: u32) -> Result<Pixels<'a>, Unfit> {
        Pixels::new(bytes, width, height, 3)
    }

    fn new(bytes: &'a [u8], width: u32, height: u32, channels: usize) -> Result<Pixels<'a>, Unfit> {
        let needed = channels as u64 * u64::from(width) * u64::from(height);
        if needed == 0 || needed != bytes.len() as u64 {
            return Err(Unfit::Bytes { width, height, needed, given: bytes.len() });
        }
        Ok(Pixels { bytes, width, height, channels })
    }
}

/// A picture of the size that the model takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resized {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// `[height, width, 3]` bytes.
    pub rgb: Vec<u8>,
}

/// A picture cut into patches, ready for the vision encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedPicture {
    /// `[rows * columns, ImageProcessor::patch_values]` floats, in the order that the encoder merges them.
    pub patches: Vec<f32>,
    /// Rows of patches.
    pub rows: u32,
    /// Columns of patches.
    pub columns: u32,
    /// Width of the resized picture.
    pub width: u32,
    /// Height of the resized picture.
    pub height: u32,
}

/// Resizes a picture as the limits ask; this is all that the model will ever see of it.
///
/// # Errors
/// `Unfit` when the reference would refuse the picture, or the limits make no sense.
pub fn shrink(pixels: Pixels<'_>, processor: &ImageProcessor) -> Result<Resized, Unfit> {
    let (height, width) = smart_resize(pixels.height, pixels.width, processor)?;
    Ok(resize(pixels, width, height))
}

/// Resizes a picture and cuts it into normalised patches.
///
/// # Errors
/// As `shrink`.
pub fn prepare(pixels: Pixels<'_>, processor: &ImageProcessor) -> Result<PreparedPicture, Unfit> {
    let resized = shrink(pixels, processor)?;
    Ok(PreparedPicture {
        patches: patches(&resized, processor)?,
        rows: resized.height / processor.patch,
        columns: resized.width / processor.patch,
        width: resized.width,
        height: resized.height,
    })
}
