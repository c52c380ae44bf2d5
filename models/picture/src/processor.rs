//! What differs between models in how a picture is made ready.

use crate::PictureLimits;

/// Mean of each channel, of 0 to 1: CLIP's, which many models were trained with.
pub const CLIP_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// Deviation of each channel, as `CLIP_MEAN`.
#[expect(clippy::excessive_precision, reason = "as the reference writes them")]
pub const CLIP_STD: [f32; 3] = [0.268_629_54, 0.261_302_58, 0.275_777_11];

/// How pictures are made ready for a vision encoder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageProcessor {
    /// Pixels along the edge of a patch.
    pub patch: u32,
    /// Patches along the edge of what becomes one token.
    pub merge: u32,
    /// Frames that the encoder takes at a time; a still picture is repeated.
    pub frames: u32,
    /// Of each channel, of 0 to 1.
    pub mean: [f32; 3],
    /// As `mean`.
    pub std: [f32; 3],
    pub limits: PictureLimits,
}

impl ImageProcessor {
    /// GLM-4.1V's, with the limits that its reference assumes when a model's folder says nothing.
    pub const GLM4V: ImageProcessor = ImageProcessor {
        patch: 14,
        merge: 2,
        frames: 2,
        mean: CLIP_MEAN,
        std: CLIP_STD,
        limits: PictureLimits { shortest_edge: 112 * 112, longest_edge: 28 * 28 * 15_000, frames: 2 },
    };

    /// Both edges become multiples of this: it is the edge of a token.
    pub fn factor(&self) -> u32 {
        self.patch * self.merge
    }

    /// Floats of a patch: three channels, its frames, its pixels.
    pub fn patch_values(&self) -> usize {
        3 * self.frames as usize * (self.patch * self.patch) as usize
    }
}
