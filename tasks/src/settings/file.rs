//! `tapwright.toml`: its sections as they are written. What they come to is the other files' of this folder.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::mem;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tapwright_agent::policy::{Permission, PresetAnswers};
use tapwright_contract::api::ApiEffect;
use toml::Spanned;

use super::SettingsError;
use crate::mistake::{Mistake, read_text};
use crate::policy::Preset;

/// The file that is read if nobody names one.
const FILE: &str = "tapwright.toml";

/// The file, as it was read.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    path: PathBuf,
    text: String,
    origin: SettingsOrigin,
    /// The user's own file that this one, of the working folder, takes the place of.
    replaced: Option<PathBuf>,
    pub(super) sections: Sections,
}

/// Who says that this file counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsOrigin {
    /// Nobody: there is none.
    Nowhere,
    /// The user named it.
    Named,
    /// It is in the user's own folder for settings.
    UserFolder,
    /// It lies in the folder where the program was started, which may be somebody else's.
    WorkingFolder,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sections {
    pub runs: Option<PathBuf>,
    pub cache: Option<PathBuf>,
    #[serde(default)]
    pub model: ModelSection,
    /// Models by name: `--model NAME`.
    #[serde(default)]
    pub models: BTreeMap<String, ModelSection>,
    #[serde(default)]
    pub device: DeviceSection,
    #[serde(default)]
    pub phone: PhoneSection,
    #[serde(default)]
    pub policy: PolicySection,
    #[serde(default)]
    pub ask: AskSection,
    #[serde(default)]
    pub apis: BTreeMap<String, ApiSection>,
    /// MCP servers by name.
    #[serde(default)]
    pub mcp: BTreeMap<String, McpSection>,
    /// The names are those of `Limits`, which is read whole.
    #[serde(default)]
    pub limits: BTreeMap<Spanned<String>, toml::Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelSection {
    pub r#use: Option<String>,
    pub name: Option<String>,
    pub key_env: Option<String>,
    pub profile: Option<Spanned<String>>,
    pub language: Option<Spanned<String>>,
    pub longest_edge: Option<u64>,
    pub provider: Option<Spanned<String>>,
    pub threads: Option<u16>,
    pub context_tokens_max: Option<u32>,
    pub chunk_tokens_max: Option<u32>,
    pub conversations_max: Option<u16>,
    pub cache_mib_max: Option<u32>,
    pub ort_library: Option<PathBuf>,
    pub fetch: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceSection {
    pub r#use: Option<String>,
    pub adb_server: Option<String>,
    pub connect_ms: Option<u64>,
    pub keys: Option<Vec<PathBuf>>,
    pub authorize_ms: Option<u64>,
    pub reconnect_ms: Option<u64>,
    pub protected: Option<ProtectedWindows>,
    /// Of a desktop: those whose files a model may read and write.
    #[serde(default)]
    pub folders: Vec<Spanned<PathBuf>>,
    /// Of a desktop that somebody has: where its LibreOffice listens.
    pub libreoffice: Option<Spanned<String>>,
    pub app_functions: Option<Vec<String>>,
    /// Of a browser: whose pages may offer tools of their own.
    pub page_tools: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub sites: BTreeMap<String, Spanned<String>>,
}

/// What is done about a window that forbids pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ProtectedWindows {
    /// A person is asked.
    #[default]
    Ask,
    /// Its words are drawn.
    Words,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PhoneSection {
    pub seed: Option<u64>,
    pub size: Option<Spanned<String>>,
    pub apps: Option<Spanned<String>>,
    pub weather: Option<Spanned<String>>,
    pub weather_seed: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicySection {
    pub preset: Option<Preset>,
    #[serde(default)]
    pub apps_forbidden: Vec<String>,
    #[serde(default)]
    pub apps_allowed: Vec<String>,
    pub warning: Option<Permission>,
    pub without_labels: Option<Permission>,
    pub ask_when_stuck: Option<bool>,
    /// What is said of APIs by name, and of all others by what they do.
    #[serde(default)]
    pub apis: BTreeMap<String, ApiPolicySection>,
    #[serde(default)]
    pub api_effects: ApiEffectsSection,
    pub answers: Option<PresetAnswers>,
    /// Changes of the preset's rules, by their names, and rules of one's own.
    #[serde(default)]
    pub rules: BTreeMap<String, RuleSection>,
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretSection>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiEffectsSection {
    pub reads: Option<Permission>,
    pub changes: Option<Permission>,
    pub leaves_the_device: Option<Permission>,
    pub irreversible: Option<Permission>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskSection {
    pub listen: Option<Spanned<String>>,
    #[serde(default)]
    pub open: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSection {
    pub permission: Option<Permission>,
    #[serde(default)]
    pub apps: Vec<String>,
    #[serde(default)]
    pub except: Vec<String>,
    #[serde(default)]
    pub words: Vec<String>,
    #[serde(default)]
    pub typing: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretSection {
    pub env: Option<String>,
    pub file: Option<PathBuf>,
    pub command: Option<Vec<String>>,
    pub keyring: Option<String>,
    /// Without any it is for APIs only.
    #[serde(default)]
    pub apps: Vec<String>,
    #[serde(default)]
    pub any_field: bool,
    /// APIs in whose arguments a model may write its name.
    #[serde(default)]
    pub apis: Vec<String>,
}

/// A service if it has `openapi`, otherwise a request if it has a `url`, a program if it has a `command`, a method of a program on the
/// desktop's session bus if it has `dbus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiSection {
    pub about: Option<String>,
    pub url: Option<String>,
    pub method: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub body: Option<String>,
    pub pointer: Option<String>,
    pub command: Option<Vec<String>>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    pub timeout_ms: Option<u64>,
    pub answer_bytes_max: Option<usize>,
    pub effect: Option<ApiEffect>,
    pub parameters: Option<ParametersSection>,
    pub dbus: Option<BusSection>,
    /// Where the description of a service is, whose operations are calls.
    pub openapi: Option<String>,
    pub operations: Option<Vec<String>>,
    #[serde(default)]
    pub effects: BTreeMap<String, ApiEffect>,
    pub start_ms: Option<u64>,
    pub optional: Option<bool>,
}

/// A method of an object of a program on the bus.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BusSection {
    pub service: String,
    pub path: String,
    pub interface: String,
    pub method: String,
    #[serde(default)]
    pub arguments: Vec<BusArgumentSection>,
}

/// An argument of it: of a type, as D-Bus writes it, a value or the place of what the model says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BusArgumentSection {
    pub r#type: String,
    pub value: toml::Value,
}

/// A program if it has a `command`, else a server at a `url`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpSection {
    pub command: Option<Vec<String>>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Variables of this program's own that it gets too.
    #[serde(default)]
    pub pass_env: Vec<String>,
    pub url: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub tools: Option<Vec<String>>,
    pub effect: Option<ApiEffect>,
    #[serde(default)]
    pub effects: BTreeMap<String, ApiEffect>,
    pub start_ms: Option<u64>,
    pub timeout_ms: Option<u64>,
    pub answer_bytes_max: Option<usize>,
    #[serde(default)]
    pub optional: bool,
}

/// A JSON schema, as a table or as a text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ParametersSection {
    Text(String),
    Table(toml::Table),
}

/// What may be done with an API.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiPolicySection {
    pub permission: Option<Permission>,
    pub repeatable: Option<bool>,
}

impl SettingsFile {
    /// Reads the file that is named; or else `tapwright.toml` of the working folder; or else the user's `own`. None there is an
    /// empty one, unless it was named.
    ///
    /// # Errors
    /// `Mistake` says what is wrong in it, and where.
    pub fn read(named: Option<&Path>, own: Option<&Path>) -> Result<SettingsFile, Mistake> {
        if let Some(path) = named {
            let text = read_text(path).map_err(|error| Mistake::unreadable(path, &error))?;
            return SettingsFile::of_text(path, &text, SettingsOrigin::Named);
        }
        let own = own.filter(|own| own.exists());
        let here = Path::new(FILE);
        let is_own = own.is_some_and(
            |own| matches!((fs::canonicalize(here), fs::canonicalize(own)), (Ok(here), Ok(own)) if here == own),
        );
        for (path, origin) in [(Some(here), SettingsOrigin::WorkingFolder), (own, SettingsOrigin::UserFolder)] {
            let Some(path) = path else { continue };
            let text = match read_text(path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Mistake::unreadable(path, &error)),
            };
            let origin = if is_own { SettingsOrigin::UserFolder } else { origin };
            let mut file = SettingsFile::of_text(path, &text, origin)?;
            file.replaced = own.filter(|_| origin == SettingsOrigin::WorkingFolder).map(Path::to_owned);
            return Ok(file);
        }
        SettingsFile::of_text(here, "", SettingsOrigin::Nowhere)
    }

    /// Reads a file as one that came with its folder.
    ///
    /// # Errors
    /// `Mistake` says what is wrong in it, and where.
    pub fn of_folder(path: &Path) -> Result<SettingsFile, Mistake> {
        let text = read_text(path).map_err(|error| Mistake::unreadable(path, &error))?;
        SettingsFile::of_text(path, &text, SettingsOrigin::WorkingFolder)
    }

    pub(super) fn of_text(path: &Path, text: &str, origin: SettingsOrigin) -> Result<SettingsFile, Mistake> {
        let sections = toml::from_str(text).map_err(|error| Mistake::of_toml(path, text, &error))?;
        Ok(SettingsFile { path: path.to_owned(), text: text.to_owned(), origin, replaced: None, sections })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn origin(&self) -> SettingsOrigin {
        self.origin
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn replaced_file(&self) -> Option<&Path> {
        self.replaced.as_deref()
    }

    /// Without all that would make a measurement another one than everybody's: of the file the models are left, and where things are
    /// kept.
    #[must_use]
    pub fn for_measurement(mut self) -> SettingsFile {
        let Sections { runs, cache, model, models, .. } = mem::take(&mut self.sections);
        self.sections = Sections { runs, cache, model, models, ..Sections::default() };
        self
    }

    /// Paths in the file are relative to it.
    pub(super) fn beside(&self, path: impl Into<PathBuf>) -> PathBuf {
        let path = path.into();
        self.path.parent().map_or_else(|| path.clone(), |folder| folder.join(&path))
    }

    /// Something in it that is wrong, and where.
    pub(super) fn wrong(
        &self,
        at: Option<Range<usize>>,
        why: impl Into<String>,
        help: Option<String>,
    ) -> SettingsError {
        Mistake { file: self.path.clone(), text: self.text.clone(), at, why: why.into(), help }.into()
    }
}
