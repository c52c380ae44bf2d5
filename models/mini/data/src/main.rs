//! Writes training data of the small model to standard output.
//!
//! Usage: `tapwright-mini-data KIND FIRST_SEED [COUNT]` with KIND `screens`, `steps` or `texts` (steps without their
//! pictures). Writes records until nobody reads them or COUNT are out: four bytes (little endian) with the length of a JSON
//! object, the object, then (not for `texts`) `3 * width * height` bytes of the picture as the model's preprocessing shrinks
//! it, RGB, top row first.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use tapwright_mini_data::{write_screens, write_steps};

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
        "screens" => write_screens(first, count, &mut out),
        "steps" => write_steps(first, count, true, &mut out),
        "texts" => write_steps(first, count, false, &mut out),
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
