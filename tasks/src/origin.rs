//! What a run was begun with: `origin.json` in its record, so that going on with it needs no flags.
//!
//! Secrets are not in it, nor the names of variables that hold them. It is sealed, so that a record which somebody sent is told from
//! one of the user's own: see [`crate::seal`].

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use tapwright_agent::journal::{private_file, refuse_links, sync_folder};

use crate::device::Device;
use crate::judge::{Fact, Facts};
use crate::mistake::read_text;
use crate::seal::SealKey;

/// The format's version of `origin.json`. Version 1 named a variable of the environment, which is not read any more, and had no seal;
/// the seal of version 2 is over the device and the model only, and addresses in it may have credentials.
const VERSION: u32 = 3;
pub(crate) const NAME: &str = "origin.json";

/// What a run was begun with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOrigin {
    /// The format's version.
    pub version: u32,
    #[serde(flatten)]
    pub launch: LaunchSettings,
    /// What has to be true in the end.
    pub expected: Vec<Fact>,
    /// What was true of the device in the beginning, if it tells.
    pub facts: Option<Facts>,
    /// Which device it is on, as a digest of its serial number; records of before do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_fingerprint: Option<String>,
    /// Which case of which suite it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// Whether the record was somebody else's when it went on here: what it names was agreed to then, what it wants was not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_adopted: bool,
    /// Shows that this user's own program wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seal: Option<String>,
}

/// Whose a record is, as far as its seal tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Provenance {
    /// This user's own program began it, on this machine.
    Own,
    /// Somebody else began it, and this user's own program has gone on with it.
    Adopted,
    /// This user's own program sealed it, and what it says now, or the name of its folder, is another.
    BrokenSeal,
    /// Nobody knows: it has no seal, or one of another key.
    #[default]
    Foreign,
}

impl Provenance {
    /// Whether what it names is used without asking.
    pub fn is_sealed(self) -> bool {
        matches!(self, Provenance::Own | Provenance::Adopted)
    }
}

/// A case of a suite, by what it is drawn from. It names something that this program has; what it does not have is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseId {
    pub suite: String,
    /// The template, or the case's own name.
    pub template: String,
    pub seed: u64,
}

/// Which device and model, and what was allowed, as whoever began the run said it. Paths are absolute. It names a model of the user's
/// settings by its name, and never a variable of the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LaunchSettings {
    pub device: Option<String>,
    pub adb_server: Option<String>,
    pub model: Option<String>,
    pub model_name: Option<String>,
    pub profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_edge: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ort_library: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_fetch: bool,
    /// The policy's preset, if somebody chose one.
    pub policy: Option<String>,
    /// Apps that must not be used, besides those of the policy.
    pub forbid: Vec<String>,
    /// The most steps of a run.
    pub steps: Option<u32>,
}

impl RunOrigin {
    /// Of a run that begins now.
    pub fn new(launch: LaunchSettings, expected: Vec<Fact>, facts: Option<Facts>, case: Option<CaseId>) -> RunOrigin {
        let (device_fingerprint, is_adopted, seal) = (None, false, None);
        RunOrigin { version: VERSION, launch, expected, facts, device_fingerprint, case, is_adopted, seal }
    }

    /// On this device.
    pub fn on(self, device: &Device) -> RunOrigin {
        RunOrigin { device_fingerprint: device.fingerprint(), ..self }
    }

    /// Reads it; `None` if the run was killed before it was written, or has none.
    ///
    /// # Errors
    /// If there is something else.
    pub fn read(folder: &Path) -> io::Result<Option<RunOrigin>> {
        refuse_links(folder, &[NAME], &[])?;
        match read_text(&folder.join(NAME)) {
            Ok(text) => Ok(Some(serde_json::from_str(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it, sealed if there is a key.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(mut self, folder: &Path, key: Option<&SealKey>) -> io::Result<()> {
        self.version = VERSION;
        self.seal = key.map(|key| key.seal(&self.sealed_text(folder)));
        write_atomically(folder, NAME, &format!("{}\n", serde_json::to_string_pretty(&self)?))
    }

    /// The same, of a record that was somebody else's when it went on.
    pub fn with_adoption(self, is_adopted: bool) -> RunOrigin {
        RunOrigin { is_adopted, ..self }
    }

    /// Whose the record in this folder is.
    pub fn provenance(&self, folder: &Path, key: Option<&SealKey>) -> Provenance {
        match (&self.seal, key) {
            (Some(seal), Some(key)) if key.is_of(seal, &self.sealed_text(folder)) => match self.is_adopted {
                false => Provenance::Own,
                true => Provenance::Adopted,
            },
            (Some(seal), Some(key)) if key.has_made(seal) => Provenance::BrokenSeal,
            _ => Provenance::Foreign,
        }
    }

    fn sealed_text(&self, folder: &Path) -> String {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let sealed = match &self.device_fingerprint {
            _ if self.version > 2 => serde_json::to_string(&(name, RunOrigin { seal: None, ..self.clone() })),
            None => serde_json::to_string(&(name, &self.launch)),
            Some(fingerprint) => serde_json::to_string(&(name, &self.launch, fingerprint)),
        };
        sealed.expect("they are texts and numbers")
    }
}

/// Writes a file of a record, all of it or nothing: a torn one would be none. Others on the machine cannot read it.
///
/// # Errors
/// If it cannot be written.
pub fn write_atomically(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let fresh = folder.join(format!(".{name}"));
    let written = private_file(&fresh).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&fresh, folder.join(name))).inspect_err(|_| {
        let _ = fs::remove_file(&fresh); // It may be what filled the disk.
    })?;
    sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_back_as_written_and_known_as_the_users_own() {
        let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = SealKey::open(cache.path()).unwrap();
        let read = || RunOrigin::read(folder.path()).unwrap().unwrap();
        let whose = || read().provenance(folder.path(), Some(&key));
        assert_eq!(RunOrigin::read(folder.path()).unwrap(), None);
        let launch = LaunchSettings { device: Some("127.0.0.1:5555".to_owned()), ..LaunchSettings::default() };
        let facts = Facts::from([("wifi.on".to_owned(), "false".to_owned())]);
        let expected = vec![Fact::parse("wifi.on=true").unwrap()];
        let origin = RunOrigin::new(launch, expected, Some(facts), None);
        origin.clone().write(folder.path(), Some(&key)).unwrap();
        assert_eq!((&read().launch, &read().expected), (&origin.launch, &origin.expected));
        assert_eq!(whose(), Provenance::Own);
        assert_eq!(
            read().provenance(Path::new("another"), Some(&key)),
            Provenance::BrokenSeal,
            "the seal is this run's"
        );
        assert_eq!(read().provenance(folder.path(), None), Provenance::Foreign);
        let at = folder.path().join(NAME);
        let text = fs::read_to_string(&at).unwrap();
        // All of it counts, and what is not there any more, too.
        for (from, to) in [
            ("127.0.0.1:5555", "10.0.0.9:5555"),
            ("\"is\": \"true\"", "\"is\": \"false\""),
            ("\"wifi.on\": \"false\"", "\"wifi.on\": \"true\""),
            ("\"version\": 3", "\"version\": 2"),
        ] {
            assert!(text.contains(from), "{from}: {text}");
            fs::write(&at, text.replace(from, to)).unwrap();
            assert_eq!(whose(), Provenance::BrokenSeal, "{from} was changed");
        }
        origin.clone().with_adoption(true).write(folder.path(), Some(&key)).unwrap();
        assert_eq!(whose(), Provenance::Adopted);
        let text = fs::read_to_string(&at).unwrap();
        fs::write(&at, text.replace("\"is_adopted\": true", "\"is_adopted\": false")).unwrap();
        assert_eq!(whose(), Provenance::BrokenSeal, "nobody makes it one's own");
        origin.write(folder.path(), None).unwrap();
        assert_eq!(whose(), Provenance::Foreign);
        fs::write(folder.path().join(NAME), "{").unwrap();
        assert!(RunOrigin::read(folder.path()).is_err());
    }

    /// What the program wrote before is known as the user's own, too.
    #[test]
    fn seals_of_version_2_hold() {
        let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = SealKey::open(cache.path()).unwrap();
        let text = r#"{"version":2,"device":"10.0.0.9:5555","adb_server":null,"model":"m","model_name":null,"profile":null,"policy":null,
            "forbid":[],"steps":null,"expected":[],"facts":null,"device_fingerprint":"ab"}"#;
        let mut origin: RunOrigin = serde_json::from_str(text).unwrap();
        let name = folder.path().file_name().unwrap().to_string_lossy();
        let sealed = serde_json::to_string(&(name, &origin.launch, "ab")).unwrap();
        let seal = key.seal(&sealed);
        origin.seal = Some(seal.split_once('-').unwrap().1.to_owned());
        assert_eq!(origin.provenance(folder.path(), Some(&key)), Provenance::Own);
        origin.launch.device = Some("10.0.0.8:5555".to_owned());
        assert_eq!(origin.provenance(folder.path(), Some(&key)), Provenance::Foreign, "it says not whose it is");
    }

    /// A folder that somebody sent can hold links to the user's own files.
    #[cfg(unix)]
    #[test]
    fn a_link_in_a_record_leads_nowhere() {
        let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let own = home.path().join("own");
        fs::write(&own, "precious").unwrap();
        for name in [".plan.md", "plan.md"] {
            std::os::unix::fs::symlink(&own, folder.path().join(name)).unwrap();
        }
        write_atomically(folder.path(), "plan.md", "new").unwrap();
        assert_eq!(fs::read_to_string(&own).unwrap(), "precious");
        let at = folder.path().join("plan.md");
        assert_eq!(fs::read_to_string(&at).unwrap(), "new");
        assert!(!fs::symlink_metadata(&at).unwrap().is_symlink());
        // Nor is what a run was begun with read out of another folder of the user's.
        RunOrigin::new(LaunchSettings::default(), Vec::new(), None, None).write(home.path(), None).unwrap();
        std::os::unix::fs::symlink(home.path().join(NAME), folder.path().join(NAME)).unwrap();
        let refused = RunOrigin::read(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("\"origin.json\" there is a link"), "{refused}");
    }

    /// What cannot get its name is no half of anything, and takes no room: it may be what has filled the disk.
    #[test]
    fn what_cannot_be_written_is_not_left_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("plan.md");
        fs::create_dir(&at).unwrap();
        fs::write(at.join("kept"), "kept").unwrap();
        write_atomically(folder.path(), "plan.md", "new").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(at.join("kept")).unwrap(), "kept");
    }

    #[test]
    fn a_record_of_version_1_is_read_and_its_variable_is_not() {
        let text = r#"{"version":1,"device":null,"adb_server":"127.0.0.1:5037","model":"http://h/v1","model_name":"m",
            "model_key_env":"AWS_SECRET_ACCESS_KEY","profile":null,"expected":[],"facts":null}"#;
        let origin: RunOrigin = serde_json::from_str(text).unwrap();
        assert_eq!(origin.launch.model.as_deref(), Some("http://h/v1"));
        assert!(!serde_json::to_string(&origin).unwrap().contains("AWS_SECRET"));
    }
}
