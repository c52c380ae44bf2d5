//! How a piece of training data is written down.

use std::io::{self, Write};

use serde::Serialize;
use tapwright_phone::World;
use tapwright_picture::{ImageProcessor, PictureLimits, Pixels, shrink};
use tapwright_smoke::Errand;

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
    /// What it teaches, to tell rates apart; empty for a mere screen.
    kind: &'a str,
    /// Names and times that the goal is about, and texts that it wants written: what may be exchanged for others.
    names: Vec<&'a str>,
    texts: Vec<&'a str>,
}

/// A step, or a mere screen: what is written down beside the picture.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caption<'a> {
    pub turns: &'a [(&'static str, String)],
    pub reply: &'a str,
    pub kind: &'a str,
    pub errands: &'a [Errand],
}

impl<'a> Caption<'a> {
    fn record(&self, cells: Vec<cells::Cell>, (width, height): (u32, u32)) -> Record<'a> {
        let (mut names, mut texts) = (Vec::new(), Vec::new());
        for errand in self.errands {
            match errand {
                Errand::Message { name, text } => {
                    names.push(name.as_str());
                    texts.push(text.as_str());
                }
                Errand::Note { text } | Errand::Event { text } => texts.push(text.as_str()),
                Errand::Favourite { name, .. } | Errand::Alarm { time: name, .. } => names.push(name.as_str()),
                Errand::Switch { .. } => {}
            }
        }
        Record { width, height, cells, turns: self.turns, reply: self.reply, kind: self.kind, names, texts }
    }
}

/// A record without its picture.
pub fn write_text(out: &mut dyn Write, world: &World, caption: Caption<'_>) -> io::Result<()> {
    let (width, height) = SMALL;
    write_json(out, &caption.record(cells::of(world, width, height), SMALL))
}

/// A record and its picture.
pub fn write_whole(out: &mut dyn Write, world: &World, caption: Caption<'_>) -> io::Result<()> {
    let (width, height) = world.size();
    let rgba = world.draw();
    let pixels = Pixels::rgba(&rgba, width, height).map_err(io::Error::other)?;
    let small = shrink(pixels, &PROCESSOR).map_err(io::Error::other)?;
    let cells = cells::of(world, small.width, small.height);
    write_json(out, &caption.record(cells, (small.width, small.height)))?;
    out.write_all(&small.rgb)
}

fn write_json(out: &mut dyn Write, record: &Record<'_>) -> io::Result<()> {
    let json = serde_json::to_vec(record)?;
    out.write_all(&(json.len() as u32).to_le_bytes())?;
    out.write_all(&json)
}
