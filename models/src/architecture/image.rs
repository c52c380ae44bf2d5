//! How pictures are made ready: what the family's encoder takes, with the limits and the colours that a folder says.

use std::path::Path;

use serde::Deserialize;
use tapwright_picture::{ImageProcessor, PictureLimits};

use super::spec::VisionSpec;
use crate::checkpoint::SMALL_BYTES_MAX;
use crate::checkpoint::parse;
use crate::error::BuildError;

/// `preprocessor_config.json`, and the field `image_processor` of `processor_config.json`.
#[derive(Default, Deserialize)]
struct Preprocessor {
    size: Option<Edges>,
    patch_size: Option<u32>,
    merge_size: Option<u32>,
    temporal_patch_size: Option<u32>,
    image_mean: Option<Vec<f32>>,
    image_std: Option<Vec<f32>>,
}

#[derive(Deserialize)]
struct Edges {
    shortest_edge: u64,
    longest_edge: u64,
}

#[derive(Deserialize)]
struct Processor {
    image_processor: Option<Preprocessor>,
}

/// Reads a folder's image processor; `longest_edge` is the profile's, which goes before the folder's.
///
/// # Errors
/// `BuildError` when it is damaged, or of other sizes than the encoder.
pub fn image_processor(
    folder: &Path,
    vision: &VisionSpec,
    longest_edge: Option<u64>,
) -> Result<ImageProcessor, BuildError> {
    let (alone, within) = (folder.join("preprocessor_config.json"), folder.join("processor_config.json"));
    let said = if alone.is_file() {
        Some(parse::<Preprocessor>(&alone, SMALL_BYTES_MAX)?)
    } else if within.is_file() {
        parse::<Processor>(&within, SMALL_BYTES_MAX)?.image_processor
    } else {
        None
    };
    let said = said.unwrap_or_default();
    for (name, value, ours) in [
        ("patch_size", said.patch_size, vision.patch),
        ("merge_size", said.merge_size, vision.merge),
        ("temporal_patch_size", said.temporal_patch_size, vision.frames),
    ] {
        if let Some(value) = value.filter(|value| *value != ours) {
            return Err(BuildError::Unsupported {
                what: format!("pictures with {name} {value} beside a vision encoder with {ours}"),
            });
        }
    }
    let colours = |name, said: Option<Vec<f32>>, usual: [f32; 3], fits: fn(f32) -> bool| match said {
        None => Ok(usual),
        Some(said) => match said[..] {
            [red, green, blue] if [red, green, blue].into_iter().all(fits) => Ok([red, green, blue]),
            _ => Err(BuildError::Unsupported { what: format!("pictures with {name} {said:?}") }),
        },
    };
    let mut limits = match said.size {
        Some(Edges { shortest_edge, longest_edge }) => {
            PictureLimits { shortest_edge, longest_edge, frames: vision.frames_counted }
        }
        None => PictureLimits { frames: vision.frames_counted, ..ImageProcessor::GLM4V.limits },
    };
    if let Some(longest_edge) = longest_edge {
        limits.longest_edge = longest_edge;
    }
    // Where the two contradict each other, the profile is what somebody chose.
    limits.shortest_edge = limits.shortest_edge.min(limits.longest_edge);
    Ok(ImageProcessor {
        patch: vision.patch,
        merge: vision.merge,
        frames: vision.frames,
        mean: colours("image_mean", said.image_mean, vision.mean, |mean| (0.0..=1.0).contains(&mean))?,
        std: colours("image_std", said.image_std, vision.std, |std| std > 0.0 && std <= 1.0)?,
        limits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapwright_picture::{CLIP_MEAN, CLIP_STD};

    fn vision() -> VisionSpec {
        VisionSpec {
            width: 64,
            layers: 1,
            patch: 16,
            merge: 2,
            frames: 2,
            frames_counted: 1,
            mean: CLIP_MEAN,
            std: CLIP_STD,
            planes: 1,
        }
    }

    /// What is made of a folder with that `preprocessor_config.json`.
    fn read(text: &str, longest_edge: Option<u64>) -> Result<ImageProcessor, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("preprocessor_config.json"), text).unwrap();
        image_processor(folder.path(), &vision(), longest_edge).map_err(|error| error.to_string())
    }

    #[test]
    fn sizes_are_the_encoder_s_and_colours_and_limits_the_folder_s() {
        let usual = read("{}", None).unwrap();
        let limits = PictureLimits { frames: 1, ..ImageProcessor::GLM4V.limits };
        assert_eq!(usual, ImageProcessor { patch: 16, limits, ..ImageProcessor::GLM4V });
        let text = r#"{"patch_size": 16, "size": {"shortest_edge": 9, "longest_edge": 90},
                       "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.25, 0.5]}"#;
        let said = read(text, None).unwrap();
        assert_eq!((said.mean, said.std), ([0.5; 3], [0.5, 0.25, 0.5]));
        assert_eq!(said.limits, PictureLimits { shortest_edge: 9, longest_edge: 90, frames: 1 });
        let capped = read(text, Some(5)).unwrap().limits;
        assert_eq!((capped.shortest_edge, capped.longest_edge), (5, 5));
    }

    #[test]
    fn what_the_encoder_cannot_take_is_refused_by_name() {
        for (text, why) in [
            (r#"{"patch_size": 14}"#, "not supported: pictures with patch_size 14 beside a vision encoder with 16"),
            (r#"{"merge_size": 1}"#, "not supported: pictures with merge_size 1 beside a vision encoder with 2"),
            (r#"{"image_std": [0.5, 0.0, 0.5]}"#, "not supported: pictures with image_std [0.5, 0.0, 0.5]"),
            (r#"{"image_mean": [0.5]}"#, "not supported: pictures with image_mean [0.5]"),
        ] {
            assert_eq!(read(text, None).unwrap_err(), why);
        }
    }
}
