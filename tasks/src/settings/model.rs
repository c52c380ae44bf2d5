//! Which model, and how it is opened.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::ModelSection;
use super::{ForeignSetting, MachineFacts, Overrides, SettingsError, SettingsFile};
use crate::model::providers::Provider;
use crate::model::{ApiKey, Cuda, LibraryOptions, ModelOptions, ModelSource, without_secrets};
use crate::origin::LaunchSettings;
use crate::profile::{ProfileChoice, PromptLanguage, Shipped};

const CONTEXT_TOKENS: u32 = 16_384;
/// The variable that holds a server's key, unless another one is named.
pub const KEY_ENV: &str = "TAPWRIGHT_API_KEY";

/// The model that is meant.
pub(super) struct FoundModel {
    pub options: ModelOptions,
    /// What of it is kept with a run.
    pub launch: LaunchSettings,
}

/// The words for a model, and the section that says the rest of it.
struct Choice {
    words: Option<OsString>,
    /// As it is kept with a run: the name of a section, or the words with absolute paths.
    kept: Option<String>,
    section: ModelSection,
    /// Whether it is only the record of somebody else that says so.
    is_foreign: bool,
    /// Whether it is the record that says so.
    is_recorded: bool,
}

pub(super) fn resolve(
    file: &SettingsFile,
    overrides: &Overrides,
    recorded: &LaunchSettings,
    is_own: bool,
    machine: &MachineFacts<'_>,
    cache: Option<PathBuf>,
    foreign: &mut Vec<ForeignSetting>,
) -> Result<FoundModel, SettingsError> {
    let Choice { words, kept, section, is_foreign, is_recorded } = choose(file, overrides, recorded, is_own)?;
    if is_foreign {
        let value = recorded.model.as_deref().map(kept_model).unwrap_or_default();
        foreign.push(ForeignSetting { what: "model", value, flag: "--model MODEL" });
    }
    let recorded_name = recorded.model_name.clone().filter(|_| is_recorded);
    let name = overrides.model_name.clone().or(section.name.clone().filter(|_| !is_foreign)).or(recorded_name);
    let key_env = overrides.model_key_env.as_ref().or(section.key_env.as_ref().filter(|_| !is_foreign));
    let source = source(words.as_deref(), name.clone(), key_env.map(String::as_str), is_foreign, machine)?;

    let profile = profile(file, overrides, recorded, is_own, &section, foreign)?;
    let language = match (overrides.language, &recorded.language, &section.language) {
        (Some(language), ..) => Some(language),
        (None, Some(words), _) => words.parse::<PromptLanguage>().ok(),
        (None, None, Some(words)) => Some(
            words
                .get_ref()
                .parse::<PromptLanguage>()
                .map_err(|error| file.wrong(Some(words.span()), error.to_string(), None))?,
        ),
        (None, None, None) => None,
    };
    let recorded_provider = recorded.provider.as_deref().and_then(|words| words.parse::<Provider>().ok());
    let provider = match (overrides.provider.or(recorded_provider), &section.provider) {
        (Some(provider), _) => provider,
        (None, Some(words)) => words
            .get_ref()
            .parse::<Provider>()
            .map_err(|error| file.wrong(Some(words.span()), error.to_string(), None))?,
        (None, None) => Provider::Auto,
    };
    let library = library(file, overrides, recorded, is_own, &section, foreign);
    let threads = overrides.threads.or(recorded.threads.filter(|threads| (1..=512).contains(threads)));
    let longest_edge = overrides.longest_edge.or(recorded.longest_edge);
    let no_fetch = overrides.no_fetch || recorded.no_fetch;
    let launch = LaunchSettings {
        model: kept,
        model_name: overrides.model_name.clone().or(name),
        profile: profile.as_ref().map(profile_words),
        language: overrides.language.map(|language| language.name().to_owned()).or(recorded.language.clone()),
        longest_edge,
        provider: overrides.provider.or(recorded_provider).map(|provider| provider.to_string()),
        threads,
        ort_library: overrides.ort_library.as_deref().map(absolute).or(recorded.ort_library.clone()),
        no_fetch,
        ..LaunchSettings::default()
    };
    // Without a home folder there is none, which matters to those only who build or fetch something.
    let cache = cache.unwrap_or_default();
    let options = ModelOptions {
        source,
        heard: 0,
        profile,
        language,
        longest_edge: longest_edge.or(section.longest_edge),
        provider,
        library: LibraryOptions {
            named: library,
            cache: cache.clone(),
            fetch: !no_fetch && section.fetch.unwrap_or(true),
            within: Duration::from_secs(600),
            cuda: match provider {
                Provider::Auto => Cuda::IfThere,
                Provider::Cuda => Cuda::Wanted,
                _ => Cuda::Unwanted,
            },
        },
        cache,
        threads: usize::from(threads.or(section.threads).unwrap_or(machine.cores)),
        context_tokens_max: section.context_tokens_max,
        context_tokens_usual: CONTEXT_TOKENS,
        chunk_tokens_max: section.chunk_tokens_max.unwrap_or(512),
        conversations_max: usize::from(section.conversations_max.unwrap_or(8)),
        cache_bytes_max: (section.cache_mib_max.unwrap_or(4096) as usize) << 20,
        reply_bytes_max: 4 << 20,
    };
    Ok(FoundModel { options, launch })
}

/// Which words say what the model is: those of this time, the record's, or the file's.
fn choose(
    file: &SettingsFile,
    overrides: &Overrides,
    recorded: &LaunchSettings,
    is_own: bool,
) -> Result<Choice, SettingsError> {
    let sections = &file.sections;
    let own = sections.model.r#use.as_deref().map(|words| in_file(file, words));
    let choice = |words: Option<OsString>, kept: Option<String>, section: &ModelSection| Choice {
        words,
        kept,
        section: section.clone(),
        is_foreign: false,
        is_recorded: false,
    };
    if let Some(words) = &overrides.model {
        if let Some(name) = words.to_str().filter(|name| sections.models.contains_key(*name)) {
            return named(file, name);
        }
        let mut section = sections.model.clone();
        // What the file says of one server is not for another one: it would be sent its key.
        if own.as_ref().is_some_and(|own| is_server(own) && own != words) {
            (section.name, section.key_env) = (None, None);
        }
        return Ok(choice(Some(words.clone()), Some(absolute_model(words)), &section));
    }
    let Some(words) = &recorded.model else {
        return Ok(choice(own.clone(), own.as_deref().map(absolute_model), &sections.model));
    };
    let recorded_words = kept_model(words);
    if own.as_deref().map(absolute_model).as_ref() == Some(&recorded_words) {
        return Ok(choice(own, Some(recorded_words), &sections.model));
    }
    let is_meant = |(name, section): &(&String, &ModelSection)| {
        let at = section.r#use.as_deref().map(|words| absolute_model(in_file(file, words)));
        *name == words || at.as_ref() == Some(&recorded_words)
    };
    if let Some((name, _)) = sections.models.iter().find(is_meant) {
        return named(file, name);
    }
    if is_withheld(words) {
        let why = format!("the model was at {words}, and a record does not hold what was left out of that address");
        let help = "name it whole: --model http://USER:PASSWORD@HOST/v1, or in tapwright.toml: [model] use, or a [models.NAME]";
        return Err(SettingsError::usage(why, help));
    }
    let mut section = sections.model.clone();
    (section.name, section.key_env) = (None, None);
    Ok(Choice {
        is_foreign: !is_own && !NULL_MODELS.contains(&words.as_str()),
        is_recorded: true,
        ..choice(Some(words.into()), Some(recorded_words), &section)
    })
}

/// The model of `[models.NAME]`.
fn named(file: &SettingsFile, name: &str) -> Result<Choice, SettingsError> {
    let section = file.sections.models.get(name).cloned().unwrap_or_default();
    let Some(words) = section.r#use.as_deref().map(|words| in_file(file, words)) else {
        let help = "add use = \"http://…/v1\", a folder, or script:FILE".to_owned();
        return Err(file.wrong(None, format!("[models.{name}] does not say which model it is"), Some(help)));
    };
    let kept = Some(name.to_owned());
    Ok(Choice { words: Some(words), kept, section, is_foreign: false, is_recorded: false })
}

/// Paths in the file are relative to it.
fn in_file(file: &SettingsFile, words: &str) -> OsString {
    match words.strip_prefix("script:") {
        Some(script) => script_words(&file.beside(script)),
        None if is_folder(words) => file.beside(words).into_os_string(),
        None => words.into(),
    }
}

fn script_words(script: &Path) -> OsString {
    let mut words = OsString::from("script:");
    words.push(script);
    words
}

fn source(
    words: Option<&OsStr>,
    name: Option<String>,
    key_env: Option<&str>,
    is_foreign: bool,
    machine: &MachineFacts<'_>,
) -> Result<ModelSource, SettingsError> {
    let Some(words) = words else { return Ok(ModelSource::Folder(machine.small_model.clone())) };
    Ok(match words.to_str() {
        Some("finish") => ModelSource::Finish,
        Some("infeasible") => ModelSource::Infeasible,
        Some("none") => ModelSource::Nobody,
        Some("taps") => ModelSource::Taps,
        Some(script) if script.starts_with("script:") => ModelSource::Script(PathBuf::from(&script["script:".len()..])),
        Some(url) if !is_folder(url) => {
            let name = name.ok_or_else(|| {
                SettingsError::usage("a server has to be told which model is meant", "name it: --model-name NAME")
            })?;
            let variable = key_env.unwrap_or(KEY_ENV);
            let key = match (machine.variable)(variable).filter(|key| !key.is_empty()) {
                // A key of the user's is for a server of the user's.
                _ if is_foreign && key_env.is_none() => None,
                Some(key) => Some(ApiKey(key)),
                None if key_env.is_none_or(|variable| variable == KEY_ENV) => None,
                None => {
                    let why = format!("the environment variable {variable} holds no key");
                    return Err(SettingsError::usage(
                        why,
                        format!("set {variable}, or name another one: --model-key-env VARIABLE"),
                    ));
                }
            };
            ModelSource::Server { url: url.to_owned(), name, key }
        }
        _ => ModelSource::Folder(PathBuf::from(words)),
    })
}

/// A library that somebody named: this time, in the record, or in the file.
fn library(
    file: &SettingsFile,
    overrides: &Overrides,
    recorded: &LaunchSettings,
    is_own: bool,
    section: &ModelSection,
    foreign: &mut Vec<ForeignSetting>,
) -> Option<PathBuf> {
    let own_library = section.ort_library.as_ref().map(|library| file.beside(library));
    match (&overrides.ort_library, &recorded.ort_library) {
        (Some(library), _) => Some(library.clone()),
        (None, Some(library)) if is_own || own_library.as_deref() == Some(Path::new(library)) => Some(library.into()),
        (None, Some(library)) => {
            // It would be loaded into this process.
            let (value, flag) = (library.clone(), "--ort-library FILE");
            foreign.push(ForeignSetting { what: "ONNX Runtime library", value, flag });
            Some(library.into())
        }
        (None, None) => own_library,
    }
}

fn profile(
    file: &SettingsFile,
    overrides: &Overrides,
    recorded: &LaunchSettings,
    is_own: bool,
    section: &ModelSection,
    foreign: &mut Vec<ForeignSetting>,
) -> Result<Option<ProfileChoice>, SettingsError> {
    // Paths in the file are relative to it; names are names.
    let own = section.profile.as_ref().map(|words| match Shipped::find(words.get_ref()) {
        Ok(shipped) => ProfileChoice::Shipped(shipped),
        Err(_) => ProfileChoice::File(file.beside(words.get_ref())),
    });
    match (&overrides.profile, &recorded.profile) {
        (Some(words), _) => Ok(Some(match words.to_str() {
            Some(words) => ProfileChoice::of(words)?,
            None => ProfileChoice::File(words.into()),
        })),
        (None, Some(words)) => {
            let choice = ProfileChoice::of(words)?;
            let is_file = matches!(choice, ProfileChoice::File(_));
            if is_file && !is_own && own.as_ref().map(profile_words).as_ref() != Some(words) {
                let value = words.clone();
                foreign.push(ForeignSetting { what: "profile", value, flag: "--profile NAME|FILE" });
            }
            Ok(Some(choice))
        }
        (None, None) => Ok(own),
    }
}

/// Models that look at nothing, to compare others with.
const NULL_MODELS: [&str; 4] = ["finish", "infeasible", "none", "taps"];

/// Whether it is one of the models that look at nothing.
pub(super) fn is_null_model(words: &str) -> bool {
    NULL_MODELS.contains(&words)
}

fn is_folder(words: &str) -> bool {
    !words.starts_with("script:") && !NULL_MODELS.contains(&words) && !is_server(words.as_ref())
}

pub(super) fn is_server(words: &OsStr) -> bool {
    words.to_str().is_some_and(|words| words.starts_with("http://") || words.starts_with("https://"))
}

/// Whether something was left out of an address in a record: no address has this letter.
pub(super) fn is_withheld(words: &str) -> bool {
    words.contains('…')
}

/// A path that means the same from another folder.
pub(super) fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

fn profile_words(profile: &ProfileChoice) -> String {
    match profile {
        ProfileChoice::Shipped(shipped) => shipped.name.to_owned(),
        ProfileChoice::File(file) => absolute(file),
    }
}

fn absolute_model(words: impl AsRef<OsStr>) -> String {
    let words = words.as_ref();
    match words.to_str() {
        Some(text) => match text.strip_prefix("script:") {
            Some(script) => format!("script:{}", absolute(Path::new(script))),
            None if is_folder(text) => absolute(Path::new(text)),
            None => kept_model(text),
        },
        None => absolute(Path::new(words)),
    }
}

/// The words for a model as a record keeps them: of a server's address without name, password and query, where some want a key.
fn kept_model(words: &str) -> String {
    if is_server(words.as_ref()) { without_secrets(words) } else { words.to_owned() }
}
