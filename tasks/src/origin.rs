//! What a run was begun with: `origin.json` in its record, so that going on with it needs no flags.
//!
//! Secrets are not in it: of a server's key it holds the name of the variable.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::judge::{Fact, Facts};

/// The format's version of `origin.json`.
const VERSION: u32 = 1;
const NAME: &str = "origin.json";

/// What a run was begun with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOrigin {
    /// The format's version.
    pub version: u32,
    #[serde(flatten)]
    pub words: LaunchSettings,
    /// What has to be true in the end.
    pub expected: Vec<Fact>,
    /// What was true of the device in the beginning, if it tells.
    pub facts: Option<Facts>,
    /// Which case of which suite it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
}

/// A case of a suite, by what it is drawn from. It names something that this program has; what it does not have is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseId {
    pub suite: String,
    /// The template, or the case's own name.
    pub template: String,
    pub seed: u64,
}

/// Which device and model, and what was allowed, in the words of whoever began the run. Paths are absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchSettings {
    pub device: Option<String>,
    pub adb_server: Option<String>,
    pub model: Option<String>,
    pub model_name: Option<String>,
    /// The variable of the environment that holds a server's key.
    pub model_key_env: Option<String>,
    pub profile: Option<String>,
    /// The policy's preset.
    #[serde(default)]
    pub policy: Option<String>,
    /// Apps that must not be used, besides those of the policy.
    #[serde(default)]
    pub forbid: Vec<String>,
    /// The most steps of a run.
    #[serde(default)]
    pub steps: Option<u32>,
}

impl RunOrigin {
    /// Of a run that begins now.
    pub fn new(words: LaunchSettings, expected: Vec<Fact>, facts: Option<Facts>, case: Option<CaseId>) -> RunOrigin {
        RunOrigin { version: VERSION, words, expected, facts, case }
    }

    /// Reads it; `None` if the run was killed before it was written, or has none.
    ///
    /// # Errors
    /// If there is something else.
    pub fn read(folder: &Path) -> io::Result<Option<RunOrigin>> {
        match fs::read(folder.join(NAME)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        write_atomically(folder, NAME, &format!("{}\n", serde_json::to_string_pretty(self)?))
    }
}

/// Writes a file, all of it or nothing: a torn one would be none.
pub(crate) fn write_atomically(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let fresh = folder.join(format!(".{name}"));
    fs::write(&fresh, text)?;
    File::open(&fresh)?.sync_all()?;
    fs::rename(fresh, folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_back_as_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(RunOrigin::read(folder.path()).unwrap(), None);
        let words = LaunchSettings { device: Some("127.0.0.1:5555".to_owned()), ..LaunchSettings::default() };
        let origin = RunOrigin::new(words, vec![Fact::parse("wifi.on=true").unwrap()], Some(Facts::new()), None);
        origin.write(folder.path()).unwrap();
        assert_eq!(RunOrigin::read(folder.path()).unwrap(), Some(origin));
        fs::write(folder.path().join(NAME), "{").unwrap();
        assert!(RunOrigin::read(folder.path()).is_err());
    }
}
