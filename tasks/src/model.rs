//! The model that a run asks: a folder, a server, a script, or one that always says that it is done.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tapwright_contract::model::{Model, ModelErrorKind};
use tapwright_models::library::{self, LibraryError, LibrarySearch};
use tapwright_models::remote::{Endpoint, EndpointError, Remote};
use tapwright_models::scripted::{AtEnd, Scripted};
use tapwright_models::{Local, OpenError};

use tapwright_agent::clock::{Clock, Timer};
use tapwright_models::doctor::{self, DoctorStage};

use crate::mistake::Mistake;
use crate::plural::count_of;
use crate::profile::{self, ChosenProfile, NoLanguage, ProfileChoice, Profiles, PromptLanguage};
use crate::script;

pub use tapwright_models::doctor::{Check, Fallback, ModelCheckup};
pub use tapwright_models::library::{
    Cuda, CudaDownload, CudaError, CudaPackage, FoundLibrary, LibraryDownload, Origin,
};
pub use tapwright_models::providers;
pub use tapwright_models::remote::{ApiKey, without_secrets};
pub use tapwright_models::{
    Build, BuildError, Built, Info, Progress, ReferenceModel, TargetProvider, WeightFormat, build, info, limit_arenas,
    random,
};

/// Which model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// A folder, Hugging Face's or a built one.
    Folder(PathBuf),
    /// An OpenAI-compatible server; `url` goes up to and including the version: `http://localhost:8000/v1`.
    Server { url: String, name: String, key: Option<ApiKey> },
    /// What somebody wrote down; after its last reply the model is broken.
    Script(PathBuf),
    /// What the program itself has written down.
    Given(Vec<String>),
    /// Always says that it is done, without looking: the floor of any comparison.
    Finish,
    /// Always says that it cannot be done, without looking: what a suite gives for giving up.
    Infeasible,
    /// There is none: for workflows whose steps need no model.
    Nobody,
    /// Touches anything, without looking, until it says that it is done: what a suite gives to chance.
    Taps,
}

/// How to open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelOptions {
    pub source: ModelSource,
    /// How many replies were heard in a run that goes on: a script goes on after them.
    pub heard: usize,
    /// A profile in place of the one that comes with the model.
    pub profile: Option<ProfileChoice>,
    /// In which language the model is spoken to, in place of the profile's own choice.
    pub language: Option<PromptLanguage>,
    /// The most pixels of a picture over its two frames, in place of what the profile says.
    pub longest_edge: Option<u64>,
    /// Who computes.
    pub provider: providers::Provider,
    pub library: LibraryOptions,
    /// Where built models are kept.
    pub cache: PathBuf,
    /// Threads of one computation.
    pub threads: usize,
    /// The most tokens of a prompt and its answer, in place of what the profile says.
    pub context_tokens_max: Option<u32>,
    /// The same where nobody says anything.
    pub context_tokens_usual: u32,
    /// Tokens of a prompt that are read at a time.
    pub chunk_tokens_max: u32,
    /// Conversations whose caches are kept.
    pub conversations_max: usize,
    /// The most bytes of those caches together.
    pub cache_bytes_max: usize,
    /// The longest answer of a server that is read.
    pub reply_bytes_max: usize,
}

/// Where ONNX Runtime comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryOptions {
    /// A library that somebody named. Then it is this one or none.
    pub named: Option<PathBuf>,
    /// Where fetched libraries are kept.
    pub cache: PathBuf,
    /// Whether to fetch it when it is nowhere on this machine.
    pub fetch: bool,
    /// How long one package client may take.
    pub within: Duration,
    /// Whether it has to be one for NVIDIA's cards.
    pub cuda: Cuda,
}

/// A model that can be asked, and what it expects.
pub struct LoadedModel {
    pub model: Box<dyn Model>,
    pub profiles: Profiles,
    /// What it is, for people.
    pub about: String,
}

/// What takes time while a model is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadingStage {
    /// A sentence about the library.
    Library(String),
    /// A sentence that people should still be able to read afterwards.
    Note(String),
    /// The folder is built, once.
    Building(Progress),
}

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum LoadModelError {
    /// There is no such folder, or no model in it.
    #[error("there is no model in {}", .folder.display())]
    NoModel { folder: PathBuf },
    /// A folder's model is built into the cache.
    #[error("there is no folder to keep built models in: this machine has no home folder")]
    NoCache,
    /// Its profile does not speak that language.
    #[error(transparent)]
    Language(#[from] NoLanguage),
    /// A profile or a script is wrong.
    #[error(transparent)]
    Mistake(#[from] Mistake),
    /// ONNX Runtime is missing.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The folder cannot be opened.
    #[error("the model in {} cannot be opened: {source}", .folder.display())]
    Open { folder: PathBuf, source: OpenError },
    /// The server's address or key cannot be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The thread that opened it is gone.
    #[error("the model could not be opened: {why}")]
    Broken { why: String },
}

impl LoadModelError {
    /// What to do next.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            LoadModelError::NoModel { .. } => Some(
                "name a folder with config.json and model.safetensors: --model FOLDER; or a server: --model http://…/v1 --model-name NAME",
            ),
            LoadModelError::NoCache => Some("name one: --cache FOLDER"),
            LoadModelError::Language(_) => Some("choose one that is there with --language, or another profile"),
            LoadModelError::Open {
                source: OpenError::Build(BuildError::Malformed { .. } | BuildError::Foreign { .. }),
                ..
            } => Some("mend that file, or download it again"),
            LoadModelError::Open { .. } => Some("see what is in the folder with: tapwright models info FOLDER"),
            LoadModelError::Endpoint(_) => Some("a server's address is like http://localhost:8000/v1"),
            LoadModelError::Mistake(_) | LoadModelError::Library(_) | LoadModelError::Broken { .. } => None,
        }
    }
}

/// Finds ONNX Runtime's library, or fetches it.
///
/// # Errors
/// `LibraryError` with all that was tried.
pub async fn library(options: &LibraryOptions, say: impl FnMut(&str)) -> Result<FoundLibrary, LibraryError> {
    library::find(&search(options), say).await
}

/// What that would fetch if there were none.
pub fn library_download(options: &LibraryOptions) -> Option<LibraryDownload> {
    library::planned_download(&options.cache)
}

/// Fetches the library set for NVIDIA's cards, which is used from then on.
///
/// # Errors
/// `CudaError` with what a person can do.
pub async fn fetch_cuda(options: &LibraryOptions, say: impl FnMut(&str)) -> Result<FoundLibrary, CudaError> {
    library::fetch_cuda(&search(options), say).await
}

/// What that would do.
///
/// # Errors
/// `CudaError` where there is no such set.
pub fn cuda_download(options: &LibraryOptions) -> Result<CudaDownload, CudaError> {
    library::cuda_download(&options.cache)
}

fn search(options: &LibraryOptions) -> LibrarySearch {
    let LibraryOptions { named, cache, fetch, within, cuda } = options.clone();
    LibrarySearch { named, cache, fetch, within, cuda }
}

/// Opens a model. It may take a minute the first time; `opening` is told why.
///
/// # Errors
/// `LoadModelError` if there is none that could answer.
pub async fn open(
    options: &ModelOptions,
    opening: impl Fn(LoadingStage) + Send + 'static,
) -> Result<LoadedModel, LoadModelError> {
    let ChosenProfile { profiles, note } = profiles(options)?;
    if let Some(note) = note {
        opening(LoadingStage::Note(note));
    }
    match &options.source {
        ModelSource::Folder(folder) => folder_of(folder, profiles, options, opening).await,
        ModelSource::Server { url, name, key } => {
            let endpoint = Endpoint {
                base_url: url.clone(),
                model: name.clone(),
                key: key.clone(),
                sampling: profiles.model.sampling.clone(),
                grammar: profiles.model.server_grammar,
                reply_bytes_max: options.reply_bytes_max,
            };
            let about = format!("{name} at {}", without_secrets(url));
            Ok(LoadedModel { model: Box::new(Remote::new(endpoint)?), profiles, about })
        }
        ModelSource::Script(file) => {
            let mut replies = script::read(file)?;
            let about =
                format!("the script {}, {}", file.display(), count_of(replies.len() as u64, "reply", "replies"));
            replies.drain(..options.heard.min(replies.len()));
            let name = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
            let model = Box::new(Scripted::new(format!("script:{name}"), replies, AtEnd::Break));
            Ok(LoadedModel { model, profiles, about })
        }
        ModelSource::Given(replies) => {
            let replies = replies.iter().skip(options.heard).cloned().collect();
            let model = Box::new(Scripted::new("given", replies, AtEnd::Break));
            Ok(LoadedModel { model, profiles, about: "what was asked for".to_owned() })
        }
        ModelSource::Finish => {
            let reply = "<think>I do not look.</think><answer>finish(message=\"All done.\")</answer>".to_owned();
            let model = Box::new(Scripted::new("finish", vec![reply], AtEnd::Stay));
            let about = "one that always says that it is done".to_owned();
            Ok(LoadedModel { model, profiles, about })
        }
        ModelSource::Infeasible => Ok(LoadedModel { profiles, ..infeasible() }),
        ModelSource::Nobody => {
            let why = "there is no model (--model none), and this cannot be done without one";
            let nobody = |_: &_| Err(ModelErrorKind::Fatal { why: why.to_owned() });
            let model = Box::new(Scripted::by("none", nobody));
            Ok(LoadedModel { model, profiles, about: "none".to_owned() })
        }
        ModelSource::Taps => {
            let mut count = options.heard as u64;
            let model = Box::new(Scripted::by("taps", move |prompt| {
                count += 1;
                Ok(Scripted::reply(prompt, &random_action(count)))
            }));
            Ok(LoadedModel { model, profiles, about: "one that touches anything".to_owned() })
        }
    }
}

/// Any action, drawn from its number: the same numbers give the same run.
fn random_action(number: u64) -> String {
    // SplitMix64.
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut below = |bound: u64| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    };
    match below(100) {
        0..72 => format!("do(action=\"Tap\", element=[{},{}])", below(1000), below(1000)),
        72..80 => "do(action=\"Swipe\", start=[500,750], end=[500,350])".to_owned(),
        80..84 => "do(action=\"Swipe\", start=[500,350], end=[500,750])".to_owned(),
        84..90 => "do(action=\"Back\")".to_owned(),
        90..94 => "do(action=\"Home\")".to_owned(),
        _ => "finish(message=\"All done.\")".to_owned(),
    }
}

/// The profile that is used: the one that was chosen, or the model's own, or the one that fits it.
///
/// # Errors
/// `LoadModelError` if there is no model, or the profile is wrong.
pub fn profiles(options: &ModelOptions) -> Result<ChosenProfile, LoadModelError> {
    let ChosenProfile { mut profiles, note } = match (&options.profile, &options.source) {
        (Some(choice), _) => ChosenProfile { profiles: choice.profiles()?, note: None },
        (None, ModelSource::Folder(folder)) => {
            if !folder.join("config.json").is_file() {
                return Err(LoadModelError::NoModel { folder: folder.clone() });
            }
            profile::of_folder(folder)?
        }
        (None, ModelSource::Server { name, .. }) => match profile::by_name(name) {
            Some(shipped) => ChosenProfile {
                profiles: shipped.profiles(),
                note: Some(format!(
                    "the profile `{}` is used, by the model's name; choose another one with --profile",
                    shipped.name
                )),
            },
            None => ChosenProfile { profiles: Profiles::of_servers(), note: None },
        },
        (
            None,
            ModelSource::Script(_)
            | ModelSource::Given(_)
            | ModelSource::Finish
            | ModelSource::Infeasible
            | ModelSource::Nobody
            | ModelSource::Taps,
        ) => ChosenProfile { profiles: Profiles::of_scripts(), note: None },
    };
    if let Some(language) = options.language {
        profiles = profiles.speaking(language)?;
    }
    profiles.model.longest_edge = options.longest_edge.or(profiles.model.longest_edge);
    Ok(ChosenProfile { profiles, note })
}

/// One that always says that it cannot be done.
pub fn infeasible() -> LoadedModel {
    let reply =
        "<think>I do not look.</think><answer>finish(message=\"It cannot be done.\", status=\"infeasible\")</answer>";
    let model = Box::new(Scripted::new("infeasible", vec![reply.to_owned()], AtEnd::Stay));
    let about = "one that always says that it cannot be done".to_owned();
    LoadedModel { model, profiles: Profiles::of_scripts(), about }
}

/// What takes time while a model is examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Examining {
    LoadingStage(LoadingStage),
    /// A sentence.
    Doing(&'static str),
}

/// Looks whether the model in a folder computes what it should here, and how fast.
///
/// # Errors
/// `LoadModelError` if it cannot be opened.
pub async fn examine(
    options: &ModelOptions,
    folder: &Path,
    stage: impl Fn(Examining) + Send + 'static,
) -> Result<ModelCheckup, LoadModelError> {
    let ChosenProfile { profiles, note } = profiles(options)?;
    if let Some(note) = note {
        stage(Examining::LoadingStage(LoadingStage::Note(note)));
    }
    let say = |sentence: &str| stage(Examining::LoadingStage(LoadingStage::Library(sentence.to_owned())));
    let found = library(&options.library, say).await?;
    let how = engine_options(options, &profiles);
    let (at, cache) = (folder.to_owned(), options.cache.clone());
    let work = move || {
        let clock = Timer::start();
        let mut tell = |news| {
            stage(match news {
                DoctorStage::Building(progress) => Examining::LoadingStage(LoadingStage::Building(progress)),
                DoctorStage::Doing(sentence) => Examining::Doing(sentence),
            });
        };
        let found = doctor::examine(&at, &cache, &found.path, &how, &|| clock.elapsed(), &mut tell);
        found.map_err(|source| LoadModelError::Open { folder: at, source })
    };
    // Loading and measuring block, for minutes with a large model.
    tokio::task::spawn_blocking(work).await.map_err(|error| LoadModelError::Broken { why: error.to_string() })?
}

async fn folder_of(
    folder: &Path,
    profiles: Profiles,
    options: &ModelOptions,
    opening: impl Fn(LoadingStage) + Send + 'static,
) -> Result<LoadedModel, LoadModelError> {
    let model = local(folder, &profiles, options, opening).await?;
    let about = format!("{} from {}", model.name(), folder.display());
    Ok(LoadedModel { model: Box::new(model), profiles, about })
}

/// Opens a folder's model to be run in this process.
pub(crate) async fn local(
    folder: &Path,
    profiles: &Profiles,
    options: &ModelOptions,
    opening: impl Fn(LoadingStage) + Send + 'static,
) -> Result<Local, LoadModelError> {
    if !folder.join("config.json").is_file() {
        return Err(LoadModelError::NoModel { folder: folder.to_owned() });
    }
    if options.cache.as_os_str().is_empty() {
        return Err(LoadModelError::NoCache);
    }
    let found = library(&options.library, |sentence| opening(LoadingStage::Library(sentence.to_owned()))).await?;
    let how = engine_options(options, profiles);
    let (at, cache) = (folder.to_owned(), options.cache.clone());
    let work = move || {
        let model = Local::open(&at, &cache, &found.path, how, |progress| opening(LoadingStage::Building(progress)));
        model.map_err(|source| LoadModelError::Open { folder: at, source })
    };
    // Building and loading block, for as long as the disk takes.
    tokio::task::spawn_blocking(work).await.map_err(|error| LoadModelError::Broken { why: error.to_string() })?
}

fn context_tokens_max(options: &ModelOptions, profiles: &Profiles) -> u32 {
    options.context_tokens_max.or(profiles.model.context_tokens_max).unwrap_or(options.context_tokens_usual)
}

/// Encoded pictures that are kept for later prompts: eight screens of 1080x2400 for a model of 9 billion weights.
const IMAGE_BYTES_MAX: usize = 512 << 20;

/// How the engine is told of all this.
fn engine_options(options: &ModelOptions, profiles: &Profiles) -> tapwright_models::EngineOptions {
    tapwright_models::EngineOptions {
        settings: profiles.model.clone(),
        provider: options.provider,
        threads: options.threads,
        context_tokens_max: context_tokens_max(options, profiles),
        chunk_tokens_max: options.chunk_tokens_max,
        conversations_max: options.conversations_max,
        cache_bytes_max: options.cache_bytes_max,
        image_bytes_max: IMAGE_BYTES_MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_touches_anything_does_a_bit_of_all_and_comes_to_an_end() {
        let all: Vec<String> = (0..2000).map(random_action).collect();
        let dialect = Profiles::of_scripts().agent.dialect;
        assert!(all.iter().all(|action| dialect.read(action, false).call.is_ok()));
        for (kind, most, least) in [("Tap", 1600, 1300), ("Swipe", 300, 180), ("Back", 170, 80), ("finish", 170, 80)] {
            let count = all.iter().filter(|action| action.contains(kind)).count();
            assert!((least..most).contains(&count), "{kind}: {count}");
        }
        let places: std::collections::BTreeSet<&String> = all.iter().filter(|action| action.contains("Tap")).collect();
        assert!(1200 < places.len(), "{}", places.len());
        assert_eq!(random_action(7), random_action(7));
    }
}
