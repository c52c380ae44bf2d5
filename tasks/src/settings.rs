//! All settings of a run, put together once: what was asked for this time, over what the run was begun with, over
//! `tapwright.toml`, over defaults.
//!
//! Nothing here reads the environment or knows flags: whoever calls says what was asked for ([`Overrides`]) and what this machine
//! has ([`MachineFacts`]). What a record says counts only as far as it can be trusted: see [`RecordedSettings`].

mod apis;
mod device;
mod file;
mod limits;
mod mcp;
mod model;
mod openapi;
mod policy;
mod trust;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tapwright_agent::apis::Registry;
use tapwright_agent::guard::Touch;
use tapwright_agent::secrets::{SecretText, Secrets};
use tapwright_contract::Size;

use crate::apis::mcp::McpServerOptions;
use crate::apis::openapi::OpenApiOptions;
use crate::apis::{ApiEndpoint, registry};
use crate::desk::DeskOptions;
use crate::device::{BrowserAddress, DesktopAddress, DeviceAddress, DeviceOptions, PhoneOptions, Weather};
use crate::mistake::Mistake;
use crate::model::ModelOptions;
use crate::model::providers::Provider;
use crate::origin::{LaunchSettings, Provenance};
use crate::policy::{Preset, secret_from_command, secret_from_file, secret_from_keyring};
use crate::profile::{NoSuchProfile, PromptLanguage};
use crate::run::RunOptions;
use crate::serve::AppSelection;

pub use device::size_of;
pub use file::{SettingsFile, SettingsOrigin};
pub use limits::default_limits;
pub use model::KEY_ENV;
pub use trust::{SensitiveSetting, TrustStore, UntrustedFile};

use self::policy::{AppNames, SecretPlace};

/// What was asked for this time; `None` where nothing was.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub runs: Option<PathBuf>,
    pub cache: Option<PathBuf>,
    pub device: Option<String>,
    pub adb_server: Option<String>,
    /// Whether a phone that another run is on may be used all the same.
    pub share_device: bool,
    pub seed: Option<u64>,
    pub size: Option<Size>,
    pub apps: Option<AppSelection>,
    pub weather: Option<String>,
    pub weather_seed: Option<u64>,
    /// A folder, a server, a script, `finish`, `taps`, or the name of a `[models.NAME]`.
    pub model: Option<OsString>,
    pub model_name: Option<String>,
    pub model_key_env: Option<String>,
    pub profile: Option<OsString>,
    pub language: Option<PromptLanguage>,
    pub longest_edge: Option<u64>,
    pub provider: Option<Provider>,
    pub threads: Option<u16>,
    pub ort_library: Option<PathBuf>,
    pub no_fetch: bool,
    pub policy: Option<Preset>,
    pub forbid: Vec<String>,
    pub steps: Option<u32>,
    pub ask: Option<SocketAddr>,
    pub ask_open: bool,
    /// Whether the page of `ask` shows the run as it happens; without an address it takes any port.
    pub watch: bool,
    pub ask_within: Option<Duration>,
    /// How many steps a run may have if nobody says it.
    pub steps_default: Option<u32>,
    /// Whether it is on a virtual phone whatever the file says.
    pub only_virtual: bool,
}

/// What a record says that its run was begun with.
#[derive(Clone, Debug, Default)]
pub struct RecordedSettings {
    pub launch: LaunchSettings,
    /// Whose it is. What somebody else wrote may name what is in the user's settings, and nothing of its own: not an address, a path or
    /// a variable of the environment.
    pub provenance: Provenance,
}

/// Something that a record brings along and that is not in the user's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignSetting {
    /// `model`, `device`
    pub what: &'static str,
    pub value: String,
    /// The flag with which a user says what it is to be.
    pub flag: &'static str,
}

/// What this machine has.
pub struct MachineFacts<'a> {
    /// Where this user's programs keep what can be made again; `None` without a home folder.
    pub cache: Option<PathBuf>,
    pub adb_keys: Vec<PathBuf>,
    /// Where adb's own programs look for their server, if the environment says so.
    pub adb_server: Option<String>,
    pub desktop: MachineDesktop,
    pub cores: u16,
    /// The model that comes with the program.
    pub small_model: PathBuf,
    /// Today.
    pub date: String,
    /// Reads a variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

/// What this machine has of desktops.
#[derive(Clone, Debug, Default)]
pub struct MachineDesktop {
    /// The X display of the session that this is started in.
    pub display: Option<String>,
    /// Where the files of its menu are, the most important folder first.
    pub menu: Vec<PathBuf>,
    /// Where the bus of the session is.
    pub bus: Option<String>,
    /// What tells this machine from others.
    pub machine: Option<String>,
    /// In which folder private desktops and browsers have theirs.
    pub folder: PathBuf,
}

/// All settings.
#[derive(Clone, Debug)]
pub struct Settings {
    pub runs: PathBuf,
    pub adb_server: String,
    pub device: DeviceOptions,
    /// A desktop that would be made for a run.
    pub private_desktop: DeviceAddress,
    /// A browser that would be started for a run.
    pub private_browser: DeviceAddress,
    /// The folder of the locks by which a phone has one run at a time, unless it is to be shared.
    pub device_locks: Option<PathBuf>,
    pub phone: PhoneOptions,
    pub model: ModelOptions,
    pub rules: RunOptions,
    /// The device, the model and what was allowed, as they are kept with a run.
    pub launch: LaunchSettings,
    /// The policy's preset.
    pub preset: Preset,
    /// Whether it was chosen this time or in the file, and is neither usual nor from a record.
    pub preset_is_chosen: bool,
    /// Where a person answers from a browser, if anywhere.
    pub ask: Option<DeskOptions>,
    /// How long a question waits, if somebody said so for this time.
    pub ask_within: Option<Duration>,
    /// What the record named on its own, and what would be used: nothing of it may be used before a person has agreed.
    pub foreign: Vec<ForeignSetting>,
    /// APIs that a model can call, by name; what may be done with them is the policy's.
    pub apis: BTreeMap<String, ApiEndpoint>,
    /// MCP servers whose tools a model can call.
    pub mcp: Vec<McpServerOptions>,
    /// Services whose operations a model can call.
    pub openapi: Vec<OpenApiOptions>,
    /// Where secrets are kept. They are read when a run begins, and kept apart from the rules, which are written down.
    secrets: BTreeMap<String, SecretPlace>,
}

/// What is wrong with settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// In the file, or in one that it names.
    #[error(transparent)]
    Mistake(#[from] Mistake),
    #[error(transparent)]
    Profile(#[from] NoSuchProfile),
    /// In what was asked for.
    #[error("{why}")]
    Usage { why: String, help: Option<String> },
}

impl SettingsError {
    fn usage(why: impl Into<String>, help: impl Into<String>) -> SettingsError {
        SettingsError::Usage { why: why.into(), help: Some(help.into()) }
    }
}

/// Where a run's preset comes from when nobody chose one: nothing can be lost on a virtual phone.
pub fn default_preset(address: &DeviceAddress) -> Preset {
    match address {
        DeviceAddress::Virtual(_) => Preset::Trusting,
        // A private desktop has the user's files and network, and any browser the network.
        DeviceAddress::Direct { .. }
        | DeviceAddress::Server { .. }
        | DeviceAddress::Desktop(_)
        | DeviceAddress::Browser(_)
        | DeviceAddress::Machine(_)
        | DeviceAddress::Custom(_) => Preset::Careful,
    }
}

impl Settings {
    /// Puts the settings together.
    ///
    /// # Errors
    /// `SettingsError` about the file, or about what was asked for.
    pub fn resolve(
        file: &SettingsFile,
        overrides: Overrides,
        recorded: RecordedSettings,
        machine: &MachineFacts<'_>,
    ) -> Result<Settings, SettingsError> {
        let sections = &file.sections;
        let RecordedSettings { launch: recorded, provenance } = recorded;
        let is_own = provenance.is_sealed();
        let mut foreign = Vec::new();

        let cache = overrides.cache.clone().or(sections.cache.clone().map(|cache| file.beside(cache)));
        let cache = cache.or(machine.cache.clone());
        // A record that somebody else wrote allows itself nothing.
        let steps = overrides.steps.or(recorded.steps.filter(|_| is_own));
        let mut limits = limits::resolve(file, steps, overrides.steps_default)?;
        limits.ask = overrides.ask_within.unwrap_or(limits.ask);
        let ask = device::desk(file, &overrides)?;
        let phone = device::phone(file, &overrides)?;
        let weather = device::weather(file, &overrides)?;
        let found = device::resolve(file, &overrides, &recorded, is_own, &phone, weather, machine, &mut foreign)?;

        // What was forbidden when a run began stays so when it goes on; a record can make nothing less strict.
        let forbid: Vec<String> = recorded.forbid.iter().cloned().chain(overrides.forbid.iter().cloned()).collect();
        // Who chose a preset chose it for that phone.
        let asked_for = overrides.device.as_deref().map(device::recorded_words);
        let same_phone = asked_for.is_none() || asked_for == recorded.device.as_deref().map(device::recorded_words);
        let recorded_preset = recorded.policy.as_deref().and_then(Preset::named).filter(|_| is_own && same_phone);
        let chosen = overrides.policy.or(recorded_preset).or(sections.policy.preset);
        let default = if overrides.only_virtual { Preset::Trusting } else { default_preset(&found.options.at) };
        let preset = chosen.unwrap_or(default);
        let preset_is_chosen = overrides.policy.or(sections.policy.preset).is_some();

        let model = model::resolve(file, &overrides, &recorded, is_own, machine, cache, &mut foreign)?;
        let launch = LaunchSettings {
            device: found.words,
            adb_server: Some(found.adb_server.clone()),
            policy: overrides.policy.or(recorded_preset).map(|preset| preset.name().to_owned()),
            forbid: forbid.clone(),
            steps,
            ..model.launch
        };

        let secrets = policy::secrets(file)?;
        let names = AppNames::of(&found.options.at);
        let mut policy = policy::resolve(file, preset, names)?;
        policy::forbid(&mut policy, &forbid, names)?;
        policy::name_in_full(&mut policy, names);
        let (apis, methods) = apis::resolve(file, limits.act, &secrets)?;
        let mcp = mcp::resolve(file, limits.act, &secrets, machine)?;
        let openapi = openapi::resolve(file, limits.act, &secrets)?;
        apis::named_in(file, &policy, &apis, &methods, &mcp, &openapi)?;
        let mut device = found.options;
        if let DeviceAddress::Desktop(desktop) = &mut device.at {
            desktop.methods = methods;
        }
        let ms = Duration::from_millis;
        Ok(Settings {
            runs: overrides
                .runs
                .or(sections.runs.clone().map(|runs| file.beside(runs)))
                .unwrap_or_else(|| PathBuf::from("runs")),
            adb_server: found.adb_server,
            device,
            private_desktop: device::address(Some("desktop:private"), &phone, "", &machine.desktop, &[]),
            private_browser: device::address(Some("browser"), &phone, "", &machine.desktop, &[]),
            device_locks: (!overrides.share_device).then(|| model.options.cache.join("devices")),
            phone,
            model: model.options,
            rules: RunOptions {
                limits,
                policy,
                touch: Touch { long_press: ms(800), swipe: ms(350) },
                date: machine.date.clone(),
            },
            launch,
            preset,
            preset_is_chosen,
            ask,
            ask_within: overrides.ask_within,
            foreign,
            apis,
            mcp,
            openapi,
            secrets,
        })
    }

    /// Reads the secrets, from wherever they are.
    ///
    /// # Errors
    /// `SettingsError` about the first that cannot be had; what it is is not in it.
    pub async fn secrets(&self, variable: &(dyn Fn(&str) -> Option<String> + Sync)) -> Result<Secrets, SettingsError> {
        let mut secrets = BTreeMap::new();
        for (name, at) in &self.secrets {
            let told = match at {
                SecretPlace::Env(variable_name) => variable(variable_name).and_then(SecretText::new).ok_or_else(|| {
                    let why = format!("the environment variable {variable_name} holds no text of 3 characters or more");
                    (why, format!("set {variable_name}"))
                }),
                SecretPlace::File(file) => secret_from_file(file).map_err(|error| (error.to_string(), error.help())),
                SecretPlace::Command(argv) => {
                    secret_from_command(argv).await.map_err(|error| (error.to_string(), error.help()))
                }
                SecretPlace::Keyring(account) => {
                    secret_from_keyring(account).await.map_err(|error| (error.to_string(), error.help()))
                }
            };
            let secret =
                told.map_err(|(why, help)| SettingsError::usage(format!("[policy.secrets.{name}]: {why}"), help))?;
            secrets.insert(name.clone(), secret);
        }
        Ok(Secrets::new(secrets))
    }

    /// The APIs that a run can call.
    ///
    /// # Errors
    /// `SettingsError` about one that cannot be called.
    pub fn registry(&self, secrets: &Secrets) -> Result<Registry<'static>, SettingsError> {
        registry(&self.apis, secrets)
            .map_err(|(name, bad)| SettingsError::Usage { why: format!("[apis.{name}]: {bad}"), help: None })
    }

    /// Whether what a run is on is made for it and gone after it: nobody can go on with such a run.
    pub fn device_is_gone_after_run(&self) -> bool {
        match &self.device.at {
            DeviceAddress::Virtual(_) => true,
            DeviceAddress::Desktop(desktop) => matches!(desktop.at, DesktopAddress::Private { .. }),
            DeviceAddress::Browser(browser) => matches!(browser.at, BrowserAddress::Private(_)),
            DeviceAddress::Direct { .. }
            | DeviceAddress::Server { .. }
            | DeviceAddress::Machine(_)
            | DeviceAddress::Custom(_) => false,
        }
    }

    /// Whether the phone is drawn for the run, and gone with the process.
    pub fn is_virtual(&self) -> bool {
        matches!(self.device.at, DeviceAddress::Virtual(_))
    }
}

/// The weather of a name, or why there is none.
fn weather_named(name: &str, seed: u64) -> Result<Weather, (String, String)> {
    Weather::named(name, seed)
        .ok_or_else(|| (format!("there is no weather {name:?}"), format!("there are: {}", Weather::NAMES.join(", "))))
}

#[cfg(test)]
mod tests;
