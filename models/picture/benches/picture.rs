//! What it costs to show a screen to the model.

use divan::Bencher;
use divan::counter::BytesCount;
use tapwright_picture::{ImageProcessor, PictureLimits, Pixels, patches, shrink};

fn main() {
    divan::main();
}

const MINI: ImageProcessor = ImageProcessor {
    limits: PictureLimits { shortest_edge: 112 * 112, longest_edge: 126_000, frames: 2 },
    ..ImageProcessor::GLM4V
};

fn screen(width: u32, height: u32) -> Vec<u8> {
    (0..4 * width * height).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[divan::bench(args = [(540, 1200), (1080, 2400)])]
fn to_the_small_model_s_size(bencher: Bencher<'_, '_>, (width, height): (u32, u32)) {
    let bytes = screen(width, height);
    let pixels = Pixels::rgba(&bytes, width, height).expect("a screen");
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| shrink(pixels, &MINI));
}

#[divan::bench]
fn to_the_9b_s_size(bencher: Bencher<'_, '_>) {
    let bytes = screen(1080, 2400);
    let pixels = Pixels::rgba(&bytes, 1080, 2400).expect("a screen");
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| shrink(pixels, &ImageProcessor::GLM4V));
}

#[divan::bench]
fn into_patches(bencher: Bencher<'_, '_>) {
    let bytes = screen(540, 1200);
    let resized = shrink(Pixels::rgba(&bytes, 540, 1200).expect("a screen"), &MINI).expect("a size");
    bencher.bench(|| patches(&resized, &MINI));
}
