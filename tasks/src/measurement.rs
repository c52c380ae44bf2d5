//! What was measured, with what, under which limits: what two tables have to have in common to be compared.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tapwright_agent::limits::Limits;
use tapwright_agent::policy::Policy;
use tapwright_contract::file::open_regular;

use crate::device::{DeviceAddress, Weather};
use crate::model::{LoadedModel, ModelOptions, ModelSource};
use crate::run::RunOptions;
use crate::serve::AppSelection;
use crate::suite::{self, Case, CaseSelection};

/// As it stands in `suite.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The program's version.
    pub program: String,
    /// Which apps the virtual phones of the cases have: `basic`, `all`, or both; records of before do not say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<String>,
    /// A digest of the goals, their devices and what is expected: the same for everybody who measures the same.
    pub cases: String,
    pub selection: CaseSelection,
    pub limits: Limits,
    pub policy: Policy,
    /// Today, as the model's prompt says it.
    pub date: String,
    /// Chances in a thousand, by fault, and the seed that draws them; empty in calm weather.
    pub weather: Vec<(String, u16)>,
    pub weather_seed: u64,
    pub model: MeasuredModel,
}

/// The model that was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredModel {
    /// What it is, for people.
    pub about: String,
    /// A digest of the model's own files; `None` if it is on a server.
    pub sha256: Option<String>,
    /// Whether the digest is of all bytes, or of each file's length, beginning and end, as the files are too large.
    pub sampled: bool,
    /// A digest of its profile: prompt, history, picture limits, sampling.
    pub profile: String,
    /// The execution provider that was asked for.
    pub provider: String,
}

/// Files beyond that are sampled.
const WHOLE_BYTES_MAX: u64 = 1 << 30;
/// How much of each end of a sampled file counts.
const SAMPLE_BYTES: u64 = 1 << 20;

impl Measurement {
    /// Puts together what is going to be measured.
    ///
    /// # Errors
    /// If the model's files cannot be read.
    pub fn of(
        cases: &[Case],
        selection: &CaseSelection,
        rules: &RunOptions,
        weather: &Weather,
        options: &ModelOptions,
        opened: &LoadedModel,
    ) -> io::Result<Measurement> {
        let folder = match &options.source {
            ModelSource::Folder(folder) => Some(digest_of(folder)?),
            ModelSource::Server { .. }
            | ModelSource::Script(_)
            | ModelSource::Given(_)
            | ModelSource::Finish
            | ModelSource::Infeasible
            | ModelSource::Nobody
            | ModelSource::Taps => None,
        };
        let profile = serde_json::to_vec(&opened.profiles.agent)?;
        Ok(Measurement {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            apps: apps_of(cases),
            cases: suite::digest(cases),
            selection: selection.clone(),
            limits: rules.limits.clone(),
            policy: rules.policy.clone(),
            date: rules.date.clone(),
            weather: weather.odds.iter().map(|(fault, odds)| (format!("{fault:?}"), *odds)).collect(),
            weather_seed: weather.seed,
            model: MeasuredModel {
                about: opened.about.clone(),
                sha256: folder.as_ref().map(|(digest, _)| digest.clone()),
                sampled: folder.is_some_and(|(_, sampled)| sampled),
                profile: hex::encode(Sha256::digest(profile)),
                provider: format!("{:?}", options.provider).to_lowercase(),
            },
        })
    }
}

/// The names of what the cases' phones have, each once.
fn apps_of(cases: &[Case]) -> Vec<String> {
    let has =
        |apps| cases.iter().any(|case| matches!(&case.device, DeviceAddress::Virtual(phone) if phone.apps == apps));
    AppSelection::NAMES.iter().filter(|(_, apps)| has(*apps)).map(|(name, _)| (*name).to_owned()).collect()
}

/// A digest of the files of a model's folder that say what it computes, by name; and whether they were only sampled.
fn digest_of(folder: &Path) -> io::Result<(String, bool)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let counts = path
            .extension()
            .is_some_and(|end| ["json", "safetensors", "toml", "jinja", "onnx"].iter().any(|known| end == *known));
        if counts && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    let mut total = 0;
    for path in &files {
        total += fs::metadata(path)?.len();
    }
    let sampled = total > WHOLE_BYTES_MAX;
    let mut hash = Sha256::new();
    for path in &files {
        let mut file = open_regular(path)?;
        let bytes = file.metadata()?.len();
        hash.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        hash.update(bytes.to_le_bytes());
        if sampled && bytes > 2 * SAMPLE_BYTES {
            io::copy(&mut file.by_ref().take(SAMPLE_BYTES), &mut hash)?;
            file.seek(SeekFrom::Start(bytes - SAMPLE_BYTES))?;
        }
        io::copy(&mut file, &mut hash)?;
    }
    Ok((hex::encode(hash.finalize()), sampled))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suites;

    #[test]
    fn says_which_apps_the_phones_have() {
        let case = || suites::find("smoke").unwrap().case("radio", 3).unwrap();
        assert_eq!(apps_of(&[]), [""; 0]);
        assert_eq!(apps_of(&[case(), case().with_apps(AppSelection::Basic)]), ["basic"]);
        assert_eq!(apps_of(&[case().with_apps(AppSelection::All)]), ["all"]);
        let both = [case().with_apps(AppSelection::All), case()];
        assert_eq!(apps_of(&both), ["basic", "all"]);
        assert_ne!(suite::digest(&both[..1]), suite::digest(&both[1..]), "it is another case");
        // A phone that has all of them keeps them.
        assert_eq!(apps_of(&[case().with_apps(AppSelection::All).with_apps(AppSelection::Basic)]), ["all"]);
    }

    #[test]
    fn a_model_is_known_by_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("config.json", "{}");
        write("model.safetensors", "weights");
        let before = digest_of(folder.path()).unwrap();
        write("README.md", "of no account");
        assert_eq!(digest_of(folder.path()).unwrap(), before);
        write("model.safetensors", "weightz");
        assert_ne!(digest_of(folder.path()).unwrap(), before);
    }
}
