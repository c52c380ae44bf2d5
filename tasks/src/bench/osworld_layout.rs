//! The scores of a measurement in the layout of OSWorld's own runner, so that what reads its results reads ours: a file for each score.
//!
//! `results/pyautogui/screenshot/MODEL/DOMAIN/TASK/result.txt`. A task without a score has none, as with upstream.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use tapwright_agent::journal::private_file;

use super::{LedgerRecords, Status};

/// What the first two folders are called: upstream's own words for what agents do and see.
const ACTIONS: &str = "pyautogui";
const OBSERVATIONS: &str = "screenshot";

/// Writes them below a measurement's folder. Of several repeats the first counts.
///
/// # Errors
/// If they cannot be written.
pub fn write(folder: &Path, records: &LedgerRecords) -> io::Result<()> {
    let plain = |name: &str| -> String {
        name.chars()
            .map(|letter| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '_' })
            .collect()
    };
    let model = plain(&records.header.model);
    for (case, repeat, end) in records.results() {
        let Some(score) = end.filter(|end| end.status == Status::Scored && repeat == 1).and_then(|end| end.score)
        else {
            continue;
        };
        let task = plain(case.rsplit_once('/').map_or(case, |(task, _)| task));
        let domain = plain(records.header.groups.get(case).map_or("", String::as_str));
        let at = folder.join("results").join(ACTIONS).join(OBSERVATIONS).join(&model).join(domain).join(task);
        fs::create_dir_all(&at)?;
        // As Python writes a float.
        writeln!(private_file(&at.join("result.txt"))?, "{score:?}")?;
    }
    Ok(())
}
