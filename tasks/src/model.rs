//! The model that a run asks: a folder, a server, a script, or one that always says that it is done.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tapwright_contract::model::Model;
use tapwright_models::library::{self, LibraryError, Search};
use tapwright_models::remote::{Endpoint, EndpointError, Key, Remote};
use tapwright_models::scripted::{AtEnd, Scripted};
use tapwright_models::{Local, OpenError};

use crate::mistake::Mistake;
use crate::profile::Profiles;
use crate::script;

pub use tapwright_models::library::{Found, Origin};
pub use tapwright_models::{Build, BuildError, Built, Form, Info, Like, Progress, Provider, build, info, random};

/// Which model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// A folder, Hugging Face's or a built one.
    Folder(PathBuf),
    /// An OpenAI-compatible server; `url` goes up to and including the version: `http://localhost:8000/v1`.
    Server { url: String, name: String, key: Option<Secret> },
    /// What somebody wrote down; after its last reply the model is broken.
    Script(PathBuf),
    /// Always says that it is done, without looking: the floor of any comparison.
    Finish,
}

/// Something that is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How to open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub which: Which,
    /// A profile in place of the one that comes with the model.
    pub profile: Option<PathBuf>,
    pub library: LibraryOptions,
    /// Where built models are kept.
    pub cache: PathBuf,
    /// Threads of one computation.
    pub threads: usize,
    /// The most tokens of a prompt and its answer.
    pub context_tokens_max: u32,
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
}

/// A model that can be asked, and what it expects.
pub struct Opened {
    pub model: Box<dyn Model>,
    pub profiles: Profiles,
    /// What it is, for people.
    pub about: String,
}

/// What takes time while a model is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A sentence about the library.
    Library(String),
    /// The folder is built, once.
    Building(Progress),
}

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// There is no such folder, or no model in it.
    #[error("there is no model in {}", .folder.display())]
    NoModel { folder: PathBuf },
    /// Nobody said what it expects.
    #[error("{} has no profile.toml, so nobody knows what this model expects", .folder.display())]
    NoProfile { folder: PathBuf },
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

impl ModelError {
    /// What to do next.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            ModelError::NoModel { .. } => Some(
                "name a folder with config.json and model.safetensors: --model FOLDER; or a server: --model http://…/v1 --model-name NAME",
            ),
            ModelError::NoProfile { .. } => Some("give one with --profile FILE; docs/cli.md shows what is in it"),
            ModelError::Open { .. } => Some("see what is in the folder with: tapwright models info FOLDER"),
            ModelError::Endpoint(_) => Some("a server's address is like http://localhost:8000/v1"),
            ModelError::Mistake(_) | ModelError::Library(_) | ModelError::Broken { .. } => None,
        }
    }
}

/// Finds ONNX Runtime's library, or fetches it.
///
/// # Errors
/// `LibraryError` with all that was tried.
pub async fn library(options: &LibraryOptions, say: impl FnMut(&str)) -> Result<Found, LibraryError> {
    let LibraryOptions { named, cache, fetch, within } = options.clone();
    library::find(&Search { named, cache, fetch, within }, say).await
}

/// Opens a model. It may take a minute the first time; `opening` is told why.
///
/// # Errors
/// `ModelError` if there is none that could answer.
pub async fn open(options: &Options, opening: impl Fn(Opening) + Send + 'static) -> Result<Opened, ModelError> {
    let given = options.profile.as_deref().map(Profiles::read).transpose()?;
    match &options.which {
        Which::Folder(folder) => folder_of(folder, given, options, opening).await,
        Which::Server { url, name, key } => {
            let profiles = given.unwrap_or_else(Profiles::of_servers);
            let endpoint = Endpoint {
                base_url: url.clone(),
                model: name.clone(),
                key: key.clone().map(|Secret(key)| Key(key)),
                sampling: profiles.model.sampling.clone(),
                reply_bytes_max: options.reply_bytes_max,
            };
            let about = format!("{name} at {url}");
            Ok(Opened { model: Box::new(Remote::new(endpoint)?), profiles, about })
        }
        Which::Script(file) => {
            let replies = script::read(file)?;
            let about = format!("the script {}, {} replies", file.display(), replies.len());
            let name = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
            let model = Box::new(Scripted::new(format!("script:{name}"), replies, AtEnd::Break));
            Ok(Opened { model, profiles: given.unwrap_or_else(Profiles::of_scripts), about })
        }
        Which::Finish => {
            let reply = "<think>I do not look.</think><answer>finish(message=\"All done.\")</answer>".to_owned();
            let model = Box::new(Scripted::new("finish", vec![reply], AtEnd::Stay));
            let about = "one that always says that it is done".to_owned();
            Ok(Opened { model, profiles: given.unwrap_or_else(Profiles::of_scripts), about })
        }
    }
}

/// The profile that comes with a folder, unless another one was given.
///
/// # Errors
/// `ModelError` if there is none, or it is wrong.
pub fn profile_of(folder: &Path) -> Result<Profiles, ModelError> {
    if !folder.join("config.json").is_file() {
        return Err(ModelError::NoModel { folder: folder.to_owned() });
    }
    let file = folder.join("profile.toml");
    if !file.is_file() {
        return Err(ModelError::NoProfile { folder: folder.to_owned() });
    }
    Ok(Profiles::read(&file)?)
}

async fn folder_of(
    folder: &Path,
    given: Option<Profiles>,
    options: &Options,
    opening: impl Fn(Opening) + Send + 'static,
) -> Result<Opened, ModelError> {
    let (model, profiles) = local(folder, given, options, opening).await?;
    let about = format!("{} from {}", model.name(), folder.display());
    Ok(Opened { model: Box::new(model), profiles, about })
}

/// Opens a folder's model to be run in this process.
pub(crate) async fn local(
    folder: &Path,
    given: Option<Profiles>,
    options: &Options,
    opening: impl Fn(Opening) + Send + 'static,
) -> Result<(Local, Profiles), ModelError> {
    if !folder.join("config.json").is_file() {
        return Err(ModelError::NoModel { folder: folder.to_owned() });
    }
    let profiles = match given {
        Some(profiles) => profiles,
        None => profile_of(folder)?,
    };
    let found = library(&options.library, |sentence| opening(Opening::Library(sentence.to_owned()))).await?;
    let how = tapwright_models::Options {
        settings: profiles.model.clone(),
        threads: options.threads,
        context_tokens_max: options.context_tokens_max,
        chunk_tokens_max: options.chunk_tokens_max,
        conversations_max: options.conversations_max,
        cache_bytes_max: options.cache_bytes_max,
    };
    let (at, cache) = (folder.to_owned(), options.cache.clone());
    let work = move || {
        let model = Local::open(&at, &cache, &found.path, how, |progress| opening(Opening::Building(progress)));
        model.map_err(|source| ModelError::Open { folder: at, source })
    };
    // Building and loading block, for as long as the disk takes.
    let model =
        tokio::task::spawn_blocking(work).await.map_err(|error| ModelError::Broken { why: error.to_string() })??;
    Ok((model, profiles))
}
