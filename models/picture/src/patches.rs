//! Cuts a picture into the patches that the vision encoder takes.

use crate::{FACTOR, Resized, Unfit};

/// Pixels along the edge of a patch.
pub const PATCH: usize = 14;

/// Floats of a patch: three channels, two equal frames, 14 by 14 pixels.
pub const PATCH_VALUES: usize = 3 * 2 * PATCH * PATCH;

/// Mean of each channel, of 0 to 1: CLIP's, which the model was trained with.
pub const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// Deviation of each channel, as `MEAN`.
#[expect(clippy::excessive_precision, reason = "as the reference writes them")]
pub const STD: [f32; 3] = [0.268_629_54, 0.261_302_58, 0.275_777_11];

/// Normalises and cuts. `[height, width, 3] -> [rows / 2 * columns / 2 * 2 * 2, 3 * 2 * 14 * 14]`
///
/// The patches of one token follow one another: upper left, upper right, lower left, lower right.
///
/// # Errors
/// `Unfit::Uneven` when an edge is not a multiple of `FACTOR`.
pub fn patches(picture: &Resized) -> Result<Vec<f32>, Unfit> {
    let Resized { width, height, ref rgb } = *picture;
    if width % FACTOR != 0 || height % FACTOR != 0 || width == 0 || height == 0 {
        return Err(Unfit::Uneven { width, height });
    }
    let stride = 3 * width as usize;
    let needed = stride * height as usize;
    if rgb.len() != needed {
        return Err(Unfit::Bytes { width, height, needed: needed as u64, given: rgb.len() });
    }

    let values = [0, 1, 2].map(normalised);
    let (rows, columns) = (height as usize / PATCH, width as usize / PATCH);
    let mut patches = Vec::with_capacity(rows * columns * PATCH_VALUES);
    for block in 0..rows / 2 * (columns / 2) {
        let (down, right) = (block / (columns / 2) * 2, block % (columns / 2) * 2);
        for (row, column) in [(down, right), (down, right + 1), (down + 1, right), (down + 1, right + 1)] {
            let corner = row * PATCH * stride + 3 * column * PATCH;
            for (channel, values) in values.iter().enumerate() {
                let start = patches.len();
                for y in 0..PATCH {
                    let line = &rgb[corner + y * stride..][..3 * PATCH];
                    patches.extend(line.iter().skip(channel).step_by(3).map(|&byte| values[usize::from(byte)]));
                }
                patches.extend_from_within(start..); // The second frame.
            }
        }
    }
    Ok(patches)
}

/// What each byte becomes. The reference folds `1 / 255` into mean and deviation; so do we, or last bits differ.
fn normalised(channel: usize) -> [f32; 256] {
    let (mean, std) = (MEAN[channel] * 255.0, STD[channel] * 255.0);
    std::array::from_fn(|byte| (byte as f32 - mean) / std)
}
