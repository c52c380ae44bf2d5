//! Whose records lie in a folder: an import replaces those that an import has written, as it wrote them, and no others.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tapwright_contract::file;

use super::super::{OfflineError, RECORDS, replace_file};
use super::RECORDS_REPLACED;

/// Beside the records that an import has written: their digest, so that `sha256sum --check` reads it too.
pub const RECORDS_DIGEST: &str = "records.sha256";
/// A digest and a name.
const MARK_BYTES_MAX: u64 = 1024;

/// Refuses a folder with records that no import has written, or that somebody has changed since.
///
/// # Errors
/// `OfflineError::ForeignRecords` then; nothing was changed.
pub fn refuse_foreign(folder: &Path) -> Result<(), OfflineError> {
    let mark = file::read_text(&folder.join(RECORDS_DIGEST), MARK_BYTES_MAX).unwrap_or_default();
    let own = mark.split_whitespace().next();
    // An import that broke off has left the ones before under the other name.
    for name in [RECORDS, RECORDS_REPLACED] {
        let at = folder.join(name);
        let found = digest(&at).map_err(OfflineError::file(&at))?;
        if found.is_some() && found.as_deref() != own {
            return Err(OfflineError::ForeignRecords { at });
        }
    }
    Ok(())
}

/// Notes that the records in a folder are an import's.
///
/// # Errors
/// `OfflineError` if that cannot be written.
pub fn mark_own(folder: &Path) -> Result<(), OfflineError> {
    let at = folder.join(RECORDS);
    let digest = digest(&at).map_err(OfflineError::file(&at))?.unwrap_or_default();
    replace_file(&folder.join(RECORDS_DIGEST), |file| writeln!(file, "{digest}  {RECORDS}"))
}

/// The digest of a file; `None` if it is not there, or is empty.
fn digest(at: &Path) -> io::Result<Option<String>> {
    let mut file: File = match file::open_regular(at) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let (mut hash, mut piece, mut is_empty) = (Sha256::new(), vec![0; 1 << 16], true);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok((!is_empty).then(|| hex::encode(hash.finalize()))),
            count => {
                hash.update(&piece[..count]);
                is_empty = false;
            }
        }
    }
}
