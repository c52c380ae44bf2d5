//! How a piece of training data is written down.

use std::io::{self, Write};

use serde::Serialize;
use tapwright_phone::World;
use tapwright_picture::{ImageProcessor, PictureLimits, Pixels, shrink};

use crate::cells;

/// The budget that makes 168 by 364 pixels, 78 visual tokens, of a display with a phone's proportions.
const PROCESSOR: ImageProcessor = ImageProcessor {
    limits: PictureLimits { shortest_edge: 28 * 28 * 2, longest_edge: 126_000, frames: 2 },
    ..ImageProcessor::GLM4V
};

/// The size that the budget makes of the phone's usual display.
const SMALL: (u32, u32) = (168, 364);

#[derive(Serialize)]
struct Record<'a> {
    width: u32,
    height: u32,
    /// What lies under each visual token, row by row.
    cells: Vec<cells::Cell>,
    /// Turns of the prompt as (role, text); the picture stands before the text of the last one. Empty for a mere screen.
    turns: &'a [(&'static str, String)],
    reply: &'a str,
}

/// A record without its picture.
pub fn write_text(out: &mut dyn Write, world: &World, turns: &[(&'static str, String)], reply: &str) -> io::Result<()> {
    let (width, height) = SMALL;
    write_json(out, &Record { width, height, cells: cells::of(world, width, height), turns, reply })
}

/// A record and its picture.
pub fn write_whole(
    out: &mut dyn Write,
    world: &World,
    turns: &[(&'static str, String)],
    reply: &str,
) -> io::Result<()> {
    let (width, height) = world.size();
    let rgba = world.draw();
    let pixels = Pixels::rgba(&rgba, width, height).map_err(io::Error::other)?;
    let small = shrink(pixels, &PROCESSOR).map_err(io::Error::other)?;
    let cells = cells::of(world, small.width, small.height);
    write_json(out, &Record { width: small.width, height: small.height, cells, turns, reply })?;
    out.write_all(&small.rgb)
}

fn write_json(out: &mut dyn Write, record: &Record<'_>) -> io::Result<()> {
    let json = serde_json::to_vec(record)?;
    out.write_all(&(json.len() as u32).to_le_bytes())?;
    out.write_all(&json)
}
