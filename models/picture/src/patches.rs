//! Cuts a picture into the patches that the vision encoder takes.

use crate::{ImageProcessor, Resized, Unfit};

/// Normalises and cuts. `[height, width, 3] -> [rows * columns, 3 * frames * patch * patch]`
///
/// The patches of one token follow one another, row by row.
///
/// # Errors
/// `Unfit::Uneven` when an edge is not a multiple of `ImageProcessor::factor`.
pub fn patches(picture: &Resized, processor: &ImageProcessor) -> Result<Vec<f32>, Unfit> {
    let Resized { width, height, ref rgb } = *picture;
    let factor = processor.factor();
    if width % factor != 0 || height % factor != 0 || width == 0 || height == 0 {
        return Err(Unfit::Uneven { width, height, factor });
    }
    let stride = 3 * width as usize;
    let needed = stride * height as usize;
    if rgb.len() != needed {
        return Err(Unfit::Bytes { width, height, needed: needed as u64, given: rgb.len() });
    }

    let values = [0, 1, 2].map(|channel| normalised(processor, channel));
    let (patch, merge) = (processor.patch as usize, processor.merge as usize);
    let (down, right) = (height as usize / factor as usize, width as usize / factor as usize);
    let mut patches = Vec::with_capacity(down * right * merge * merge * processor.patch_values());
    for token in 0..down * right {
        let (top, left) = (token / right * merge, token % right * merge);
        for place in 0..merge * merge {
            let (row, column) = (top + place / merge, left + place % merge);
            let corner = row * patch * stride + 3 * column * patch;
            for (channel, values) in values.iter().enumerate() {
                let start = patches.len();
                for y in 0..patch {
                    let line = &rgb[corner + y * stride..][..3 * patch];
                    patches.extend(line.iter().skip(channel).step_by(3).map(|&byte| values[usize::from(byte)]));
                }
                let end = patches.len();
                for _ in 1..processor.frames {
                    patches.extend_from_within(start..end);
                }
            }
        }
    }
    Ok(patches)
}

/// What each byte becomes. The reference folds `1 / 255` into mean and deviation; so do we, or last bits differ.
fn normalised(processor: &ImageProcessor, channel: usize) -> [f32; 256] {
    let (mean, std) = (processor.mean[channel] * 255.0, processor.std[channel] * 255.0);
    std::array::from_fn(|byte| (byte as f32 - mean) / std)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_of_a_token_follow_one_another_whatever_their_sizes() {
        // Each pixel says where it is; a patch has one pixel, a token three by three of them, a picture two tokens.
        let processor = ImageProcessor {
            patch: 1,
            merge: 3,
            frames: 1,
            mean: [0.0; 3],
            std: [1.0 / 255.0; 3],
            ..ImageProcessor::GLM4V
        };
        let rgb: Vec<u8> = (0..3u8).flat_map(|y| (0..6u8).flat_map(move |x| [10 * y + x, 0, 255])).collect();
        let picture = Resized { width: 6, height: 3, rgb };
        let patches = patches(&picture, &processor).unwrap();
        let red: Vec<f32> = patches.iter().step_by(3).copied().collect();
        let first = [0, 1, 2, 10, 11, 12, 20, 21, 22].map(|number: u8| f32::from(number));
        assert_eq!((red[..9].to_vec(), red[9]), (first.to_vec(), 3.0));
        assert!(patches.iter().skip(2).step_by(3).all(|blue| *blue == 255.0));
        let three = ImageProcessor { frames: 3, ..processor };
        assert_eq!(super::patches(&picture, &three).unwrap()[..6], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(super::patches(&picture, &three).unwrap().len(), 3 * patches.len());
        let two = ImageProcessor { merge: 2, ..processor };
        assert_eq!(super::patches(&picture, &two), Err(Unfit::Uneven { width: 6, height: 3, factor: 2 }));
    }
}
