//! Data that is not of this project: used where it is there, and said where it is not.

use std::io::Write;
use std::path::{Path, PathBuf};

/// A file of the shared data; `None`, after saying so, where there is none.
pub fn data(name: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = here.ancestors().map(|above| above.join("shared/data").join(name)).find(|path| path.exists());
    if found.is_none() {
        let _ = writeln!(std::io::stderr(), "SKIPPED, as there is no shared data: data/{name}");
    }
    found
}
