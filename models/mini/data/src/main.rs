//! Draws training data for the small model: pictures of the virtual phone, what lies under each visual token, and what
//! an oracle would say and do next. The oracle sees the world's state; the model that learns from it sees pixels and text.
//!
//! Usage: `tapwright-mini-data KIND FIRST_SEED [COUNT]` with KIND `screens`, `steps` or `texts` (steps without their
//! pictures). Writes records to standard output until nobody reads them or COUNT are out: four bytes (little endian) with the
//! length of a JSON object, the object, then (not for `texts`) `3 * width * height` bytes of the picture as the model's
//! preprocessing shrinks it, RGB, top row first.

mod cells;
mod episode;
mod oracle;
mod screens;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use serde::Serialize;
use tapwright_phone::World;
use tapwright_picture::{Limits, Pixels, shrink};

/// The budget that makes 168 by 364 pixels, 78 visual tokens, of a display with a phone's proportions.
const LIMITS: Limits = Limits { shortest_edge: 28 * 28 * 2, longest_edge: 126_000 };

#[derive(Serialize)]
struct Record {
    width: u32,
    height: u32,
    /// What lies under each visual token, row by row.
    cells: Vec<cells::Cell>,
    /// Turns of the prompt as (role, text); the picture stands before the text of the last one. Empty for a mere screen.
    turns: Vec<(&'static str, String)>,
    reply: String,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u64>().ok());
    let (Some(kind), Some(first)) = (arguments.first(), number(1)) else {
        eprintln!("usage: tapwright-mini-data screens|steps|texts FIRST_SEED [COUNT]");
        return ExitCode::from(2);
    };
    let count = number(2).unwrap_or(u64::MAX);
    let mut out = BufWriter::new(io::stdout().lock());
    let result = match kind.as_str() {
        "screens" => screens::write(first, count, &mut out),
        "steps" => episode::write(first, count, true, &mut out),
        "texts" => episode::write(first, count, false, &mut out),
        _ => {
            eprintln!("there is no kind `{kind}`; it is `screens`, `steps` or `texts`");
            return ExitCode::from(2);
        }
    };
    match result.and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The size that the budget makes of the phone's usual display.
const SMALL: (u32, u32) = (168, 364);

fn write_text(out: &mut dyn Write, world: &World, turns: Vec<(&'static str, String)>, reply: String) -> io::Result<()> {
    let (width, height) = SMALL;
    write_json(out, &Record { width, height, cells: cells::of(world, width, height), turns, reply })
}

fn write_record(out: &mut dyn Write, world: &World, turns: Vec<(&'static str, String)>, reply: String) -> io::Result<()> {
    let (width, height) = world.size();
    let rgba = world.draw();
    let pixels = Pixels::rgba(&rgba, width, height).map_err(io::Error::other)?;
    let small = shrink(pixels, LIMITS).map_err(io::Error::other)?;
    let cells = cells::of(world, small.width, small.height);
    write_json(out, &Record { width: small.width, height: small.height, cells, turns, reply })?;
    out.write_all(&small.rgb)
}

fn write_json(out: &mut dyn Write, record: &Record) -> io::Result<()> {
    let json = serde_json::to_vec(record)?;
    out.write_all(&(json.len() as u32).to_le_bytes())?;
    out.write_all(&json)
}
