//! Reads settings once: flags over the environment over a file over defaults.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tapwright_tasks::apis::{ApiEndpoint, ApiTransport, CommandApi, HttpApi, registry};
use tapwright_tasks::desk;
use tapwright_tasks::device::{DeviceAddress, DeviceOptions, Keys, Phone, Weather};
use tapwright_tasks::mistake::{Mistake, nearest, read_text};
use tapwright_tasks::model::providers::Provider;
use tapwright_tasks::model::{ApiKey, Cuda, LibraryOptions, ModelOptions, ModelSource};
use tapwright_tasks::origin::LaunchSettings;
use tapwright_tasks::policy::{Preset, secret_from_command, secret_from_file, secret_from_keyring};
use tapwright_tasks::profile::{Language, NoSuchProfile, ProfileChoice, Shipped};
use tapwright_tasks::run::RunOptions;
use tapwright_tasks::{
    ApiUse, Limits, Permission, Policy, PresetAnswers, Registry, Rule, SecretText, SecretUse, Secrets, Size, Touch,
};
use toml::Spanned;

use crate::arguments::{
    AskArguments, Common, DeviceArguments, LibraryArguments, LimitArguments, ModelArguments, PhoneArguments,
    ServerArguments, WeatherArguments, size,
};
use crate::clock;
use crate::error::CliError;
use crate::exit::Exit;

/// What was given on the command line and in the environment; a command fills in what it takes.
#[derive(Debug, Default)]
pub struct Flags {
    pub common: Common,
    pub device: DeviceArguments,
    pub phone: PhoneArguments,
    pub weather: WeatherArguments,
    pub model: ModelArguments,
    pub limits: LimitArguments,
    pub ask: AskArguments,
    /// What a run that goes on was begun with: flags and the environment come before it, the file and defaults after.
    pub recorded: LaunchSettings,
    /// How many steps a run may have if nobody says it.
    pub steps_usual: u32,
    /// Whether it is on a virtual phone whatever the file says.
    pub only_virtual: bool,
}

/// All settings.
#[derive(Clone, Debug)]
pub struct Config {
    pub json: bool,
    pub verbose: u8,
    pub runs: PathBuf,
    pub adb_server: String,
    pub device: DeviceOptions,
    pub phone: Phone,
    pub model: ModelOptions,
    pub rules: RunOptions,
    /// The device and the model in words, as they are kept with a run.
    pub words: LaunchSettings,
    /// Where a person answers from a browser, if anywhere.
    pub ask: Option<desk::DeskOptions>,
    /// How long a question waits, if somebody said so for this time.
    pub ask_within: Option<Duration>,
    /// APIs that a model can call, by name; what may be done with them is the policy's.
    apis: BTreeMap<String, ApiEndpoint>,
    /// Where secrets are kept. They are read when a run begins, and kept apart from the rules, which are written down.
    secrets: BTreeMap<String, SecretAt>,
}

const FILE: &str = "tapwright.toml";
const SEED: u64 = 16; // A world in which Wi-Fi is off, and Anna is among the latest who have written.
const STEPS: u32 = 100;
const CONTEXT_TOKENS: u32 = 16_384;
const ADB_SERVER: &str = "127.0.0.1:5037";
const KEY_ENV: &str = "TAPWRIGHT_API_KEY";

/// `tapwright.toml`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    runs: Option<PathBuf>,
    cache: Option<PathBuf>,
    #[serde(default)]
    model: ModelSection,
    #[serde(default)]
    device: DeviceSection,
    #[serde(default)]
    phone: PhoneSection,
    #[serde(default)]
    policy: PolicySection,
    #[serde(default)]
    ask: AskSection,
    #[serde(default)]
    apis: BTreeMap<String, ApiSection>,
    /// The names are those of `Limits`, which is read whole.
    #[serde(default)]
    limits: BTreeMap<Spanned<String>, toml::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelSection {
    r#use: Option<String>,
    name: Option<String>,
    key_env: Option<String>,
    profile: Option<Spanned<String>>,
    language: Option<Spanned<String>>,
    longest_edge: Option<u64>,
    provider: Option<Spanned<String>>,
    threads: Option<u16>,
    context_tokens_max: Option<u32>,
    chunk_tokens_max: Option<u32>,
    conversations_max: Option<u16>,
    cache_mib_max: Option<u32>,
    ort_library: Option<PathBuf>,
    fetch: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceSection {
    r#use: Option<String>,
    adb_server: Option<String>,
    connect_ms: Option<u64>,
    keys: Option<Vec<PathBuf>>,
    authorize_ms: Option<u64>,
    reconnect_ms: Option<u64>,
    protected: Option<Protected>,
}

/// What is done about a window that forbids pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Protected {
    #[default]
    Ask,
    Words,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PhoneSection {
    seed: Option<u64>,
    size: Option<Spanned<String>>,
    weather: Option<Spanned<String>>,
    weather_seed: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicySection {
    preset: Option<PresetName>,
    #[serde(default)]
    apps_forbidden: Vec<String>,
    #[serde(default)]
    apps_allowed: Vec<String>,
    warning: Option<Permission>,
    without_labels: Option<Permission>,
    ask_when_stuck: Option<bool>,
    #[serde(default)]
    apis_ask: Vec<String>,
    answers: Option<PresetAnswers>,
    /// Changes of the preset's rules, by their names, and rules of one's own.
    #[serde(default)]
    rules: BTreeMap<String, RuleSection>,
    #[serde(default)]
    secrets: BTreeMap<String, SecretSection>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskSection {
    listen: Option<Spanned<String>>,
    #[serde(default)]
    open: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum PresetName {
    /// Asks about what the model itself calls important
    Trusting,
    /// Asks before anything that cannot be taken back: payment, sending, deleting, installing, permissions, credentials
    Careful,
}

impl PresetName {
    fn name(self) -> &'static str {
        match self {
            PresetName::Trusting => "trusting",
            PresetName::Careful => "careful",
        }
    }

    fn named(name: &str) -> Option<PresetName> {
        [PresetName::Trusting, PresetName::Careful].into_iter().find(|preset| preset.name() == name)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSection {
    permission: Option<Permission>,
    #[serde(default)]
    apps: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    typing: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretSection {
    env: Option<String>,
    file: Option<PathBuf>,
    command: Option<Vec<String>>,
    keyring: Option<String>,
    /// Without any it is for APIs only.
    #[serde(default)]
    apps: Vec<String>,
    #[serde(default)]
    any_field: bool,
}

/// Where a secret is kept.
#[derive(Clone, Debug)]
enum SecretAt {
    Env(String),
    File(PathBuf),
    Command(Vec<String>),
    Keyring(String),
}

/// A request if it has a `url`, a program if it has a `command`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiSection {
    about: String,
    url: Option<String>,
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    pointer: Option<String>,
    command: Option<Vec<String>>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    timeout_ms: Option<u64>,
    answer_bytes_max: Option<usize>,
    #[serde(default)]
    permission: Permission,
    #[serde(default)]
    repeatable: bool,
}

impl Config {
    /// Puts the settings together.
    ///
    /// # Errors
    /// `CliError` about the file, or about arguments that do not fit together.
    pub fn read(given: Flags) -> Result<Config, CliError> {
        let Flags { common, device, phone, weather, model, limits, ask, recorded, steps_usual, only_virtual } = given;
        let (file, text, at) = file(common.config.as_deref())?;
        let beside = |path: PathBuf| at.parent().map_or_else(|| path.clone(), |folder| folder.join(&path));
        let wrong = |span: Option<std::ops::Range<usize>>, why: String, help: Option<String>| {
            CliError::from(Mistake { file: at.clone(), text: text.clone(), at: span, why, help })
        };

        let cache = match common.cache.or(file.cache.map(beside)) {
            Some(cache) => cache,
            None => user_cache().ok_or_else(|| {
                CliError::usage("there is no home folder, so nobody knows where to keep things")
                    .help("name one: --cache FOLDER")
            })?,
        };
        let mut limits_read = read_limits(&file.limits, limits.steps.or(recorded.steps), steps_usual)
            .map_err(|(span, why, help)| wrong(Some(span), why, help))?;
        limits_read.ask = ask.ask_within.unwrap_or(limits_read.ask);
        let listen = match (ask.ask, &file.ask.listen) {
            (None, Some(words)) => Some(words.get_ref().parse().map_err(|_| {
                wrong(
                    Some(words.span()),
                    format!("{:?} is no address to listen at", words.get_ref()),
                    Some("127.0.0.1:8790".to_owned()),
                )
            })?),
            (given, _) => given,
        };
        let ask_at = listen.map(|listen| desk::DeskOptions { listen, open: ask.ask_open || file.ask.open });
        let size = match (phone.size, &file.phone.size) {
            (Some(size), _) => size,
            (None, Some(text)) => {
                size(text.get_ref()).map_err(|why| wrong(Some(text.span()), why, Some("540x1200".to_owned())))?
            }
            (None, None) => Size { width: 540, height: 1200 },
        };
        let seed = phone.seed.or(file.phone.seed).unwrap_or(SEED);
        let weather_seed = weather.weather_seed.or(file.phone.weather_seed).unwrap_or(0);
        let (name, span) = match (&weather.weather, &file.phone.weather) {
            (Some(name), _) => (name.as_str(), None),
            (None, Some(name)) => (name.get_ref().as_str(), Some(name.span())),
            (None, None) => ("calm", None),
        };
        let weather = Weather::named(name, weather_seed).ok_or_else(|| {
            wrong(
                span,
                format!("there is no weather {name:?}"),
                Some(format!("there are: {}", Weather::NAMES.join(", "))),
            )
        })?;
        let phone = Phone { seed, width: size.width, height: size.height, ..Phone::default() };

        let adb_server = device.server.adb_server.or(recorded.adb_server).or(file.device.adb_server);
        let adb_server = adb_server.unwrap_or_else(|| ADB_SERVER.to_owned());
        let device_words = device.device.or(recorded.device).or(file.device.r#use);
        let at_device = place(device_words.as_deref(), &phone, &adb_server);
        let ms = Duration::from_millis;
        let device = DeviceOptions {
            at: at_device,
            weather,
            connect: ms(file.device.connect_ms.unwrap_or(10_000)),
            keys: Keys {
                files: match file.device.keys {
                    Some(files) => files.into_iter().map(beside).collect(),
                    None => adb_keys(),
                },
                person: ms(file.device.authorize_ms.unwrap_or(60_000)),
            },
            find_again: ms(file.device.reconnect_ms.unwrap_or(5_000)),
            probe: Duration::from_secs(10),
            words: file.device.protected.unwrap_or_default() == Protected::Words,
        };

        let section = file.model;
        let in_file = section.r#use.map(|words| match words.as_str() {
            // Paths in the file are relative to it.
            folder if is_folder(folder) => beside(PathBuf::from(folder)).display().to_string(),
            script if script.starts_with("script:") => {
                format!("script:{}", beside(PathBuf::from(&script["script:".len()..])).display())
            }
            _ => words.clone(),
        });
        let key_env = model.model_key_env.or(recorded.model_key_env).or(section.key_env);
        let key_env = key_env.unwrap_or_else(|| KEY_ENV.to_owned());
        let model_words = model.model.or(recorded.model).or(in_file);
        let model_name = model.model_name.or(recorded.model_name).or(section.name);
        let profile = match (model.profile.or(recorded.profile), section.profile) {
            (Some(words), _) => Some(ProfileChoice::of(&words).map_err(|error| no_profile(&error))?),
            // Paths in the file are relative to it; names are names.
            (None, Some(words)) => Some(match Shipped::find(words.get_ref()) {
                Ok(shipped) => ProfileChoice::Shipped(shipped),
                Err(_) => ProfileChoice::File(beside(PathBuf::from(words.get_ref()))),
            }),
            (None, None) => None,
        };
        let language = match (model.language, &section.language) {
            (None, Some(words)) => Some(
                words
                    .get_ref()
                    .parse::<Language>()
                    .map_err(|error| wrong(Some(words.span()), error.to_string(), None))?,
            ),
            (given, _) => given,
        };
        let provider = match (model.computing.provider, &section.provider) {
            (Some(provider), _) => provider,
            (None, Some(words)) => words
                .get_ref()
                .parse::<Provider>()
                .map_err(|error| wrong(Some(words.span()), error.to_string(), None))?,
            (None, None) => Provider::Auto,
        };
        // What was forbidden when a run began stays so when it goes on.
        let forbid: Vec<String> = recorded.forbid.into_iter().chain(limits.forbid).collect();
        let policy_words = limits.policy.or(recorded.policy.as_deref().and_then(PresetName::named));
        let words = LaunchSettings {
            device: device_words,
            adb_server: Some(adb_server.clone()),
            model: model_words.as_deref().map(absolute_model),
            model_name: model_name.clone(),
            model_key_env: Some(key_env.clone()),
            profile: profile.as_ref().map(profile_words),
            policy: policy_words.map(|preset| preset.name().to_owned()),
            forbid: forbid.clone(),
            steps: limits.steps.or(recorded.steps),
        };
        let which = which(model_words, model_name, &key_env)?;
        let model = ModelOptions {
            which,
            heard: 0,
            profile,
            language,
            longest_edge: model.longest_edge.or(section.longest_edge),
            provider,
            library: LibraryOptions {
                named: model.library.ort_library.or(section.ort_library.map(beside)),
                cache: cache.clone(),
                fetch: !model.library.no_fetch && section.fetch.unwrap_or(true),
                within: Duration::from_secs(600),
                cuda: match provider {
                    Provider::Auto => Cuda::IfThere,
                    Provider::Cuda => Cuda::Wanted,
                    _ => Cuda::Unwanted,
                },
            },
            cache,
            threads: usize::from(model.computing.threads.or(section.threads).unwrap_or_else(cores)),
            context_tokens_max: section.context_tokens_max,
            context_tokens_usual: CONTEXT_TOKENS,
            chunk_tokens_max: section.chunk_tokens_max.unwrap_or(512),
            conversations_max: usize::from(section.conversations_max.unwrap_or(8)),
            cache_bytes_max: (section.cache_mib_max.unwrap_or(4096) as usize) << 20,
            reply_bytes_max: 4 << 20,
        };

        let usual = match device.at {
            DeviceAddress::Virtual(_) => PresetName::Trusting,
            _ if only_virtual => PresetName::Trusting,
            DeviceAddress::Direct { .. } | DeviceAddress::Server { .. } => PresetName::Careful,
        };
        let preset = policy_words.or(file.policy.preset).unwrap_or(usual);
        let secrets = secrets(&file.policy.secrets, beside).map_err(|(why, help)| wrong(None, why, Some(help)))?;
        let mut policy =
            policy(preset, file.policy).map_err(|why| wrong(None, why, Some("com.android.settings".to_owned())))?;
        policy.apps_forbidden.extend(forbid);
        let apis = apis(&file.apis, limits_read.act, &secrets, beside).map_err(|why| wrong(None, why, None))?;
        // A name that is nobody's would mean that nobody is asked.
        if let Some(name) = policy.apis_asked.iter().find(|name| !apis.keys().any(|api| api.eq_ignore_ascii_case(name)))
        {
            let near = nearest(name, apis.keys().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            return Err(wrong(None, format!("[policy] apis_ask: there is no API {name:?}"), near));
        }
        policy.apis = file
            .apis
            .into_iter()
            .map(|(name, ApiSection { about, permission, repeatable, .. })| {
                (name, ApiUse { about, permission, repeatable })
            })
            .collect();
        Ok(Config {
            json: common.json,
            verbose: common.verbose,
            runs: common.runs.or(file.runs.map(beside)).unwrap_or_else(|| PathBuf::from("runs")),
            adb_server,
            device,
            phone,
            model,
            rules: RunOptions {
                limits: limits_read,
                policy,
                touch: Touch { long_press: ms(800), swipe: ms(350) },
                date: clock::date(clock::now()),
            },
            words,
            ask: ask_at,
            ask_within: ask.ask_within,
            apis,
            secrets,
        })
    }

    /// Reads the secrets, from wherever they are.
    ///
    /// # Errors
    /// `CliError` about the first that cannot be had; what it is is not in it.
    pub async fn secrets(&self) -> Result<Secrets, CliError> {
        let mut secrets = BTreeMap::new();
        for (name, at) in &self.secrets {
            let said = match at {
                SecretAt::Env(variable) => {
                    #[allow(clippy::disallowed_methods)] // The binary is where the environment is read.
                    let value = std::env::var(variable).ok().and_then(SecretText::new);
                    value.ok_or_else(|| {
                        let why =
                            format!("the variable {variable} of the environment holds no text of 3 characters or more");
                        (why, "set it".to_owned())
                    })
                }
                SecretAt::File(file) => secret_from_file(file).map_err(|error| (error.to_string(), error.help())),
                SecretAt::Command(argv) => {
                    secret_from_command(argv).await.map_err(|error| (error.to_string(), error.help()))
                }
                SecretAt::Keyring(account) => {
                    secret_from_keyring(account).await.map_err(|error| (error.to_string(), error.help()))
                }
            };
            let secret_text =
                said.map_err(|(why, help)| CliError::usage(format!("[policy.secrets.{name}]: {why}")).help(help))?;
            secrets.insert(name.clone(), secret_text);
        }
        Ok(Secrets::new(secrets))
    }

    /// The APIs that a run under this policy can call: those that it began with, as far as they are still there.
    ///
    /// # Errors
    /// `CliError` about one that cannot be called.
    pub fn apis(&self, policy: &Policy, secrets: &Secrets) -> Result<Registry, CliError> {
        let known: BTreeMap<String, ApiEndpoint> = self
            .apis
            .iter()
            .filter(|(name, _)| policy.apis.contains_key(*name))
            .map(|(name, spec)| (name.clone(), spec.clone()))
            .collect();
        registry(&known, secrets).map_err(|(name, bad)| CliError::usage(format!("[apis.{name}]: {bad}")))
    }
}

impl Flags {
    /// For commands that take nothing but what all take.
    pub fn common(common: Common) -> Flags {
        Flags { common, steps_usual: STEPS, ..Flags::default() }
    }

    /// With a model.
    pub fn model(self, model: ModelArguments) -> Flags {
        Flags { model, ..self }
    }

    /// With a library only.
    pub fn library(self, library: LibraryArguments) -> Flags {
        Flags { model: ModelArguments { library, ..ModelArguments::default() }, ..self }
    }

    /// With a server only.
    pub fn server(self, server: ServerArguments) -> Flags {
        Flags { device: DeviceArguments { server, ..DeviceArguments::default() }, ..self }
    }
}

/// The file, its text and its path. None there is an empty one, unless it was named.
fn file(named: Option<&Path>) -> Result<(File, String, PathBuf), CliError> {
    let at = named.map_or_else(|| PathBuf::from(FILE), Path::to_owned);
    let text = match read_text(&at) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => String::new(),
        Err(error) => return Err(Mistake::unreadable(&at, &error).into()),
    };
    let file = toml::from_str(&text).map_err(|error| Mistake::of_toml(&at, &text, &error))?;
    Ok((file, text, at))
}

/// What a run may use if nobody says otherwise.
fn limits() -> Limits {
    let (ms, seconds) = (Duration::from_millis, Duration::from_secs);
    Limits {
        steps_max: STEPS,
        strikes_max: 3,
        refusals_max: 3,
        asks_max: 20,
        retries_max: 3,
        backoff: seconds(1),
        backoff_max: seconds(20),
        looks_max: 3,
        look_pause: ms(500),
        timeouts_max: 3,
        repeats_remark: 3,
        repeats_max: 6,
        repeats_window: 12,
        unmoved_max: 8,
        waits_remark: 3,
        waits_max: 8,
        rounds_remark: 8,
        rounds_max: 14,
        loops_remark: 4,
        loops_max: 8,
        look: seconds(5),
        think: seconds(120),
        act: seconds(15),
        ask: seconds(600),
        grace: seconds(2),
        wait_max: seconds(60),
        reply_bytes: 64 << 10,
        remark_bytes: 600,
        result_bytes: 2000,
        notes_bytes: 64 << 10,
        note_bytes: 4000,
        text_bytes: 8000,
        labels_max: 2000,
        label_bytes: 8 << 10,
        page_bytes: 512 << 10,
    }
}

/// The preset with what the file changes of it.
fn policy(preset: PresetName, said: PolicySection) -> Result<Policy, String> {
    let preset = match preset {
        PresetName::Trusting => Preset::Trusting,
        PresetName::Careful => Preset::Careful,
    };
    let mut policy = preset.policy();
    policy.apps_forbidden.extend(said.apps_forbidden);
    if !said.apps_allowed.is_empty() && !said.apps_allowed.iter().any(|app| is_id(app)) {
        return Err(
            "[policy] apps_allowed: it names no app by its id, and what an app calls itself is not enough".to_owned()
        );
    }
    policy.apps_allowed = said.apps_allowed;
    policy.apis_asked = said.apis_ask;
    policy.warning = said.warning.unwrap_or(policy.warning);
    policy.without_labels = said.without_labels.unwrap_or(policy.without_labels);
    policy.asks_when_stuck = said.ask_when_stuck.unwrap_or(policy.asks_when_stuck);
    policy.answers = said.answers.unwrap_or_default();
    for (name, rule) in said.rules {
        ids(&rule.except, &format!("[policy.rules.{name}] except"))?;
        let RuleSection { permission, apps, except, words, typing } = rule;
        for known in policy.rules.iter_mut().filter(|known| known.name == name) {
            known.permission = permission.unwrap_or(known.permission);
            known.except.extend(except.iter().cloned());
        }
        if !apps.is_empty() || !words.is_empty() {
            let permission = permission.unwrap_or(Permission::Ask);
            policy.rules.push(Rule { name, permission, apps, except, words, typing, hidden_fields: false });
        } else if !policy.rules.iter().any(|known| known.name == name) {
            return Err(format!(
                "[policy.rules.{name}]: the preset has no such rule, and this one has no apps and no words"
            ));
        }
    }
    for (name, secret) in said.secrets {
        ids(&secret.apps, &format!("[policy.secrets.{name}] apps"))?;
        policy.secrets.insert(name, SecretUse { apps: secret.apps, any_field: secret.any_field });
    }
    Ok(policy)
}

/// Whether it is what a platform calls an app, and not what an app calls itself.
fn is_id(app: &str) -> bool {
    app.contains('.') && !app.contains(char::is_whitespace)
}

fn ids(apps: &[String], at: &str) -> Result<(), String> {
    match apps.iter().find(|app| !is_id(app)) {
        Some(app) => Err(format!("{at}: {app:?} is no app's id, and what an app calls itself is not enough")),
        None => Ok(()),
    }
}

/// A program in a folder of its own is where the file says, whatever the folder the user is in.
fn program(argv: &[String], beside: impl Fn(PathBuf) -> PathBuf) -> Vec<String> {
    let mut argv = argv.to_vec();
    if let Some(first) = argv.first_mut().filter(|first| first.contains('/')) {
        *first = absolute(&beside(PathBuf::from(&*first)));
    }
    argv
}

/// Where the secrets are.
fn secrets(
    said: &BTreeMap<String, SecretSection>,
    beside: impl Fn(PathBuf) -> PathBuf,
) -> Result<BTreeMap<String, SecretAt>, (String, String)> {
    let places = said.iter().map(|(name, secret)| {
        let SecretSection { env, file, command, keyring, .. } = secret;
        let at = match (env, file, command, keyring) {
            (Some(variable), None, None, None) => SecretAt::Env(variable.clone()),
            (None, Some(file), None, None) => SecretAt::File(beside(file.clone())),
            (None, None, Some(argv), None) if !argv.is_empty() => SecretAt::Command(program(argv, &beside)),
            (None, None, None, Some(account)) if !account.is_empty() => SecretAt::Keyring(account.clone()),
            _ => {
                let help = "env = \"VARIABLE\", file = \"FILE\", command = [\"PROGRAM\", …], or keyring = \"ACCOUNT\"";
                return Err((format!("[policy.secrets.{name}]: it is in one place"), help.to_owned()));
            }
        };
        Ok((name.clone(), at))
    });
    places.collect()
}

/// As many as a model can be told of with each goal, and how much of each.
const APIS_MAX: usize = 32;
const ABOUT_CHARS_MAX: usize = 200;
const API_NAME_CHARS_MAX: usize = 40;
/// How much of an answer is read, if nobody says it.
const ANSWER_BYTES: usize = 64 << 10;
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// The APIs, each as it is called.
fn apis(
    said: &BTreeMap<String, ApiSection>,
    act: Duration,
    secrets: &BTreeMap<String, SecretAt>,
    beside: impl Fn(PathBuf) -> PathBuf,
) -> Result<BTreeMap<String, ApiEndpoint>, String> {
    if said.len() > APIS_MAX {
        return Err(format!("[apis]: there are {}, and a model is told of {APIS_MAX} at most", said.len()));
    }
    let mut apis: BTreeMap<String, ApiEndpoint> = BTreeMap::new();
    for (name, api) in said {
        let wrong = |why: &str| Err(format!("[apis.{name}]: {why}"));
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        if name.is_empty() || name.len() > API_NAME_CHARS_MAX || !name.chars().all(is_plain) {
            return wrong("a name has letters, digits, - and _, and 40 of them at most");
        }
        if apis.keys().any(|other| other.eq_ignore_ascii_case(name)) {
            return wrong("another one is called so, but for capital letters");
        }
        let about = &api.about;
        if about.trim().is_empty() || about.chars().count() > ABOUT_CHARS_MAX || about.chars().any(char::is_control) {
            return wrong("about is one line of up to 200 characters: the model goes by it");
        }
        let within = api.timeout_ms.map_or(act, Duration::from_millis);
        if within.is_zero() || within > act {
            return wrong(&format!("timeout_ms is 1 to {}, as act_ms in [limits] says", act.as_millis()));
        }
        let answer_bytes_max = api.answer_bytes_max.unwrap_or(ANSWER_BYTES);
        if !(1..=ANSWER_BYTES_MAX).contains(&answer_bytes_max) {
            return wrong(&format!("answer_bytes_max is 1 to {ANSWER_BYTES_MAX}"));
        }
        let ApiSection { url, method, headers, body, pointer, command, env, .. } = api;
        let how = match (url, command) {
            (Some(url), None) if env.is_empty() => ApiTransport::Http(HttpApi {
                method: method.clone().unwrap_or_else(|| if body.is_some() { "POST" } else { "GET" }.to_owned()),
                url: url.clone(),
                headers: headers.clone(),
                body: body.clone(),
                pointer: pointer.clone(),
            }),
            (None, Some(argv)) if method.is_none() && headers.is_empty() && body.is_none() && pointer.is_none() => {
                ApiTransport::Command(CommandApi { argv: program(argv, &beside), env: env.clone() })
            }
            _ => {
                return wrong("it has either url, with method, headers, body and pointer; or command, with env");
            }
        };
        let spec = ApiEndpoint { how, within, answer_bytes_max };
        if let Err(bad) = spec.check() {
            return wrong(&bad.to_string());
        }
        if let Some(secret) = spec.secrets().into_iter().find(|secret| !secrets.contains_key(*secret)) {
            return wrong(&format!("nobody has said what the secret {secret:?} is: [policy.secrets.{secret}]"));
        }
        apis.insert(name.clone(), spec);
    }
    Ok(apis)
}

type WrongLimit = (std::ops::Range<usize>, String, Option<String>);

/// The usual limits, with those that the file names in their place, and the steps of the command line.
fn read_limits(
    said: &BTreeMap<Spanned<String>, toml::Value>,
    steps: Option<u32>,
    usual: u32,
) -> Result<Limits, WrongLimit> {
    let mut limits = Limits { steps_max: usual, ..limits() };
    for (name, value) in said {
        let mut all = toml::Table::try_from(&limits).expect("they are numbers by name");
        let key = name.get_ref();
        if !all.contains_key(key) {
            let near = nearest(key, all.keys().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            return Err((name.span(), format!("there is no limit `{key}`"), near));
        }
        all.insert(key.clone(), value.clone());
        limits =
            all.try_into().map_err(|error: toml::de::Error| (name.span(), error.message().trim().to_owned(), None))?;
        if limits.steps_max == 0 {
            return Err((name.span(), "a run that may take no step does nothing".to_owned(), None));
        }
    }
    if let Some(steps) = steps {
        limits.steps_max = steps;
    }
    Ok(limits)
}

/// Which phone is meant.
fn place(words: Option<&str>, phone: &Phone, server: &str) -> DeviceAddress {
    let through_server = |serial: &str| DeviceAddress::Server { server: server.to_owned(), serial: serial.to_owned() };
    match words {
        None | Some("virtual") => DeviceAddress::Virtual(phone.clone()),
        Some(words) => match words.strip_prefix("adb:") {
            Some(serial) => through_server(serial),
            None if is_address(words) => DeviceAddress::Direct { address: words.to_owned() },
            None => through_server(words),
        },
    }
}

/// `HOST:PORT`
fn is_address(words: &str) -> bool {
    words.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn is_folder(words: &str) -> bool {
    !words.starts_with("script:")
        && words != "finish"
        && !words.starts_with("http://")
        && !words.starts_with("https://")
}

/// A path that means the same from another folder.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

fn profile_words(profile: &ProfileChoice) -> String {
    match profile {
        ProfileChoice::Shipped(shipped) => format!("{shipped:?}"),
        ProfileChoice::File(file) => absolute(file),
    }
}

fn absolute_model(words: &str) -> String {
    match words.strip_prefix("script:") {
        Some(script) => format!("script:{}", absolute(Path::new(script))),
        None if is_folder(words) => absolute(Path::new(words)),
        None => words.to_owned(),
    }
}

/// Which model is meant.
fn which(words: Option<String>, name: Option<String>, key_env: &str) -> Result<ModelSource, CliError> {
    let Some(words) = words else { return Ok(ModelSource::Folder(mini())) };
    Ok(match words.as_str() {
        "finish" => ModelSource::Finish,
        script if script.starts_with("script:") => ModelSource::Script(PathBuf::from(&script["script:".len()..])),
        url if !is_folder(url) => {
            let name = name.ok_or_else(|| {
                CliError::usage("a server has to be told which model is meant").help("name it: --model-name NAME")
            })?;
            #[allow(clippy::disallowed_methods)] // The binary is where the environment is read.
            let key = match std::env::var(key_env) {
                Ok(key) if !key.is_empty() => Some(ApiKey(key)),
                Ok(_) | Err(std::env::VarError::NotPresent) if key_env == KEY_ENV => None,
                _ => return Err(CliError::usage(format!("the variable {key_env} of the environment holds no key"))),
            };
            ModelSource::Server { url: words, name, key }
        }
        _ => ModelSource::Folder(PathBuf::from(words)),
    })
}

pub fn no_profile(error: &NoSuchProfile) -> CliError {
    let help = match error.near {
        Some(near) => format!("did you mean `{near}`? A file is written with its folder: ./{}", error.name),
        None => format!("a file is written with its folder: ./{}", error.name),
    };
    CliError::new(Exit::Usage, error).help(help)
}

/// The small model: where the program is started, beside the program, or where it was built.
fn mini() -> PathBuf {
    let beside = std::env::current_exe().unwrap_or_default();
    let places = std::iter::once(PathBuf::from("models/mini"))
        .chain(beside.ancestors().skip(1).take(4).map(|above| above.join("models/mini")))
        .chain(std::iter::once(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/mini")));
    let mut places = places.filter(|place| place.join("config.json").is_file());
    places.next().map_or_else(|| PathBuf::from("models/mini"), |place| place.canonicalize().unwrap_or(place))
}

/// Where this user's programs keep what can be made again.
fn user_cache() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Caches"))
    } else {
        folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))
    };
    cache.map(|cache| cache.join("tapwright"))
}

/// Where adb keeps keys: the user's own, and those of `ADB_VENDOR_KEYS`.
fn adb_keys() -> Vec<PathBuf> {
    let home = std::env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    let own = home.map(|home| PathBuf::from(home).join(".android/adbkey"));
    let more = std::env::var_os("ADB_VENDOR_KEYS").unwrap_or_default();
    own.into_iter().chain(std::env::split_paths(&more).filter(|path| !path.as_os_str().is_empty())).collect()
}

fn cores() -> u16 {
    std::thread::available_parallelism().map_or(1, |cores| u16::try_from(cores.get()).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn of_file(text: &str) -> Result<Config, CliError> {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("t.toml");
        fs::write(&at, text).unwrap();
        Config::read(Flags::common(Common { config: Some(at), ..Common::default() }))
    }

    #[test]
    fn the_example_in_the_docs_is_the_truth() {
        let page = include_str!("cli.head.md");
        let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        let shown = of_file(example).unwrap();
        let usual = Config::read(Flags { common: Common::default(), ..Flags::common(Common::default()) }).unwrap();
        assert_eq!(shown.rules.limits, usual.rules.limits);
        assert_eq!(shown.device, usual.device);
        assert_eq!(shown.phone, usual.phone);
        assert_eq!(shown.adb_server, usual.adb_server);
        assert_eq!(shown.model.context_tokens_max, Some(usual.model.context_tokens_usual));
        assert_eq!(shown.model.provider, usual.model.provider);
        assert_eq!(shown.model.language, Some(Language::En));
        assert_eq!(shown.model.chunk_tokens_max, usual.model.chunk_tokens_max);
        assert_eq!(shown.model.library.fetch, usual.model.library.fetch);
        let named = toml::Table::try_from(&usual.rules.limits).unwrap();
        for name in named.keys() {
            assert!(example.contains(&format!("\n{name} = ")), "{name} is not in the example");
        }
    }

    #[test]
    fn the_example_of_apis_is_the_truth() {
        let text = include_str!("../../../docs/examples/apis.toml");
        let config = of_file(text).unwrap();
        assert_eq!(config.apis.keys().collect::<Vec<_>>(), ["calendar", "notebook", "weather"]);
        assert_eq!(config.rules.policy.apis["notebook"].permission, Permission::Ask);
        assert!(config.rules.policy.apis["weather"].repeatable);
    }

    #[test]
    fn flags_come_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("t.toml");
        fs::write(&at, "runs = \"a\"\n[limits]\nsteps_max = 5\nthink_ms = 9\n[device]\nuse = \"10.0.0.2:5555\"\n[policy]\napps_forbidden = [\"Bank\"]\n").unwrap();
        let read = |runs: Option<PathBuf>, limits: LimitArguments, device: Option<String>| {
            let common = Common { config: Some(at.clone()), runs, ..Common::default() };
            let device = DeviceArguments { device, ..DeviceArguments::default() };
            Config::read(Flags { limits, device, ..Flags::common(common) }).unwrap()
        };
        let config = read(None, LimitArguments::default(), None);
        assert_eq!(config.runs, folder.path().join("a"), "relative to the file");
        assert_eq!(config.rules.limits.steps_max, 5);
        assert_eq!(config.rules.limits.think, Duration::from_millis(9));
        assert_eq!(config.device.at, DeviceAddress::Direct { address: "10.0.0.2:5555".to_owned() });
        let limits = LimitArguments { steps: Some(6), forbid: vec!["Shop".to_owned()], ..LimitArguments::default() };
        let config = read(Some("b".into()), limits, Some("R58M".to_owned()));
        assert_eq!(config.runs, PathBuf::from("b"));
        assert_eq!(config.rules.limits.steps_max, 6);
        assert_eq!(config.rules.policy.apps_forbidden, ["Bank", "Shop"]);
        let serial = "R58M".to_owned();
        assert_eq!(config.device.at, DeviceAddress::Server { server: ADB_SERVER.to_owned(), serial });
    }

    #[test]
    fn only_the_virtual_phone_is_trusted_unasked() {
        let preset = |text: &str| of_file(text).unwrap().rules.policy;
        assert_eq!(preset(""), Preset::Trusting.policy());
        assert_eq!(preset("[device]\nuse = \"10.0.0.2:5555\""), Preset::Careful.policy());
        assert_eq!(preset("[device]\nuse = \"R58M\""), Preset::Careful.policy());
        let said = "[device]\nuse = \"R58M\"\n[policy]\npreset = \"trusting\"";
        assert_eq!(preset(said), Preset::Trusting.policy());
    }

    #[test]
    fn devices_are_told_apart() {
        let phone = Phone::default();
        let server = |serial: &str| DeviceAddress::Server { server: "s".to_owned(), serial: serial.to_owned() };
        assert_eq!(place(None, &phone, "s"), DeviceAddress::Virtual(phone.clone()));
        assert_eq!(place(Some("virtual"), &phone, "s"), DeviceAddress::Virtual(phone.clone()));
        assert_eq!(place(Some("adb:10.0.0.2:5555"), &phone, "s"), server("10.0.0.2:5555"));
        assert_eq!(place(Some("emulator-5554"), &phone, "s"), server("emulator-5554"));
        assert_eq!(place(Some("[::1]:5555"), &phone, "s"), DeviceAddress::Direct { address: "[::1]:5555".to_owned() });
    }

    #[test]
    fn models_are_told_apart() {
        let which = |words: &str| which(Some(words.to_owned()), Some("n".to_owned()), KEY_ENV).unwrap();
        assert_eq!(which("finish"), ModelSource::Finish);
        assert_eq!(which("script:a/b.txt"), ModelSource::Script("a/b.txt".into()));
        assert_eq!(which("models/mini"), ModelSource::Folder("models/mini".into()));
        assert!(matches!(which("https://host/v1"), ModelSource::Server { name, .. } if name == "n"));
        assert!(super::which(Some("http://host/v1".to_owned()), None, KEY_ENV).is_err());
        assert!(super::which(Some("http://host/v1".to_owned()), Some("n".to_owned()), "NO_SUCH_VARIABLE").is_err());
    }
}
