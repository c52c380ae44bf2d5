//! Pictures come out as the reference makes them: 0 differing bytes, and floats equal to the last bit.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use tapwright_picture::{ImageProcessor, PictureLimits, Pixels, Unfit, prepare, shrink, smart_resize};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Goldens {
    pictures: Vec<Case>,
    /// Width, height, shortest and longest edge, then the width and height that come of it; 0 when refused.
    sizes: Vec<[u32; 6]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    kind: String,
    size: [u32; 2],
    limits: [u64; 2],
    resized: [u32; 2],
    rgb: String,
    patches: String,
}

fn processor(shortest_edge: u64, longest_edge: u64) -> ImageProcessor {
    ImageProcessor { limits: PictureLimits { shortest_edge, longest_edge, frames: 2 }, ..ImageProcessor::GLM4V }
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("../goldens/cases.json")).expect("goldens/make.py writes this")
}

#[test]
fn every_byte_and_every_float_is_the_reference_s() {
    for Case { kind, size: [width, height], limits, resized, rgb, patches } in goldens().pictures {
        let bytes = draw(&kind, width.into(), height.into());
        let pixels = Pixels::rgb(&bytes, width, height).unwrap();
        let processor = processor(limits[0], limits[1]);
        let name = format!("{kind} {width}x{height} -> {}x{}", resized[0], resized[1]);

        let ours = shrink(pixels, &processor).unwrap();
        assert_eq!([ours.width, ours.height], resized, "{name}");
        assert_eq!(digest(&ours.rgb), rgb, "{name}: bytes differ from torchvision's");

        let prepared = prepare(pixels, &processor).unwrap();
        assert_eq!((prepared.rows, prepared.columns), (resized[1] / 14, resized[0] / 14), "{name}");
        let floats: Vec<u8> = prepared.patches.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(digest(&floats), patches, "{name}: patches differ from the reference's");
    }
}

#[test]
fn every_size_is_the_reference_s() {
    let sizes = goldens().sizes;
    let refused = sizes.iter().filter(|row| row[4] == 0).count();
    assert!(0 < refused && refused < sizes.len() / 2, "the cases cover both answers: {refused}");
    for row in sizes {
        let [width, height, shortest, longest, to_width, to_height] = row;
        match smart_resize(height, width, &processor(shortest.into(), longest.into())) {
            Ok(ours) => assert_eq!(ours, (to_height, to_width), "{row:?}"),
            Err(why) => {
                assert!(to_width == 0 && matches!(why, Unfit::Thin { .. }), "{row:?}: {why}");
            }
        }
    }
}

/// The twin of `draw` in goldens/make.py.
fn draw(kind: &str, width: u64, height: u64) -> Vec<u8> {
    let scatter = |value: u64| ((value * 2_654_435_761) & 0xFFFF_FFFF) >> 24;
    let mut bytes = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..3 {
                let flat = scatter(y / 23 * 64 + x / 37 + c * 7919);
                let written = (x * 7 + y * 3) % 11 < 2 && y / 23 % 2 == 0;
                bytes.push(match kind {
                    "noise" => scatter((y * width + x) * 3 + c) as u8,
                    _ if written => (255 - flat) as u8,
                    _ => flat as u8,
                });
            }
        }
    }
    bytes
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
