//! Puts flags and the environment together for `tapwright_tasks::settings`, once. What they come to is decided there.

use std::collections::BTreeSet;
use std::env;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use tapwright_tasks::Secrets;
use tapwright_tasks::device::DeviceAddress;
use tapwright_tasks::model::ModelSource;
use tapwright_tasks::settings::{
    MachineDesktop, MachineFacts, Overrides, RecordedSettings, Settings, SettingsFile, SettingsOrigin,
};

use crate::arguments::{
    AskArguments, Common, DeviceArguments, LibraryArguments, LimitArguments, ModelArguments, PhoneArguments,
    PresetArgument, ServerArguments, WeatherArguments,
};
use crate::clock;
use crate::error::CliError;
use crate::trust;

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
    /// What a run that goes on was begun with.
    pub recorded: RecordedSettings,
    /// How many steps a run may have if nobody says it.
    pub steps_default: Option<u32>,
    /// Whether it is on a virtual phone whatever the file says.
    pub only_virtual: bool,
    /// Whether records are looked at and nothing else: no model, no device.
    pub reads_records_only: bool,
    /// Whether it is to be the same for everybody: of the file only the model counts, and where things are kept.
    pub is_measurement: bool,
}

/// All settings, and how what happens is told.
#[derive(Clone, Debug)]
pub struct Config {
    pub json: bool,
    pub verbose: u8,
    pub settings: Settings,
    /// The X display of the session that this is started in.
    pub desktop_display: Option<String>,
    /// Whether the page of a run is opened in this machine's browser.
    pub open: bool,
    watch_has_address: bool,
    /// The file that settings came from, if there is one.
    pub file: Option<PathBuf>,
    /// Flags that were written on the command line.
    written: BTreeSet<String>,
}

impl Deref for Config {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

impl Config {
    /// Puts the settings together.
    ///
    /// # Errors
    /// `CliError` about the file, or about arguments that do not fit together.
    pub fn read(flags: Flags) -> Result<Config, CliError> {
        let Flags { common, device, phone, weather, model, limits, ask, recorded, steps_default, .. } = flags;
        let only_virtual = flags.only_virtual || flags.is_measurement;
        let file = SettingsFile::read(common.config.as_deref(), user_settings().as_deref())?;
        let used = if flags.is_measurement { file.clone().for_measurement() } else { file.clone() };
        let trusted = trust::store(user_state());
        let file = trust::check_trust(&file, used, trusted.as_ref(), flags.reads_records_only, common.json)?;
        let read = (file.origin() != SettingsOrigin::Nowhere).then(|| file.path().to_owned());
        if let Some(read) = &read {
            tracing::info!(file = %read.display(), "settings are read");
        }
        let overrides = Overrides {
            runs: common.runs,
            cache: common.cache,
            device: device.device,
            adb_server: device.server.adb_server,
            share_device: device.share_device,
            seed: phone.seed,
            size: phone.size,
            apps: phone.apps,
            weather: weather.weather,
            weather_seed: weather.weather_seed,
            model: model.model,
            model_name: model.model_name,
            model_key_env: model.model_key_env,
            profile: model.profile,
            language: model.language,
            longest_edge: model.longest_edge,
            provider: model.computing.provider,
            threads: model.computing.threads,
            ort_library: model.library.ort_library,
            no_fetch: model.library.no_fetch,
            policy: limits.policy.map(PresetArgument::preset),
            forbid: limits.forbid,
            steps: limits.steps,
            ask: ask.watch.flatten().or(ask.ask),
            ask_open: ask.ask_open,
            watch: ask.watch.is_some(),
            ask_within: ask.ask_within,
            steps_default,
            only_virtual,
        };
        // Whoever names a server needs no other program's variables.
        let adb_server = if overrides.adb_server.is_some() { None } else { adb_server(variable)? };
        let machine = MachineFacts {
            cache: user_cache(),
            adb_keys: adb_keys(),
            adb_server,
            desktop: desktop(),
            cores: std::thread::available_parallelism()
                .map_or(1, |cores| u16::try_from(cores.get()).unwrap_or(u16::MAX)),
            small_model: small_model(),
            date: clock::date(clock::now()),
            variable: &variable,
        };
        let settings = Settings::resolve(&file, overrides, recorded, &machine)?;
        let desktop_display = machine.desktop.display;
        Ok(Config {
            json: common.json,
            verbose: common.verbose,
            settings,
            desktop_display,
            open: ask.open,
            watch_has_address: ask.watch.flatten().is_some(),
            file: read,
            written: common.written,
        })
    }

    /// Reads the secrets, from wherever they are.
    ///
    /// # Errors
    /// `CliError` about the first that cannot be had; what it is is not in it.
    pub async fn secrets(&self) -> Result<Secrets, CliError> {
        Ok(self.settings.secrets(&variable).await?)
    }

    /// The file that settings came from, as it is told at the head of a run.
    pub fn file_fact(&self) -> Option<(&'static str, String)> {
        self.file.as_ref().map(|file| ("config", file.display().to_string()))
    }

    /// Whether a flag was written on the command line.
    pub fn is_written(&self, flag: &str) -> bool {
        self.written.contains(flag)
    }

    /// Refuses flags that would do nothing: whoever wrote one wanted something, and does not get it.
    ///
    /// # Errors
    /// `CliError` that names the flag and the reason.
    pub fn refuse_idle_flags(&self) -> Result<(), CliError> {
        let at = &self.settings.device.at;
        let model = &self.settings.model.source;
        let is_virtual = matches!(at, DeviceAddress::Virtual(_));
        let not_virtual = "the device is not a virtual one of this program's: it is as it is";
        let not_local = "the model is not computed by this program";
        let not_server = "the model is not behind a server";
        let is_server = matches!(model, ModelSource::Server { .. });
        let is_folder = matches!(model, ModelSource::Folder(_));
        let rules: [(&[&str], bool, &str); 7] = [
            (&["ask"], self.watch_has_address, "--watch has an address, and it is one page"),
            (&["seed", "size", "apps", "weather", "weather_seed"], !is_virtual, not_virtual),
            (
                &["weather_seed"],
                self.settings.device.weather.is_calm(),
                "the weather is calm: add --weather mild or wild",
            ),
            (
                &["adb_server"],
                !matches!(at, DeviceAddress::Server { .. }),
                "the device is not reached through an adb server: name a phone by its serial, or as adb:SERIAL",
            ),
            (&["model_name", "model_key_env"], !is_server, not_server),
            (&["provider", "threads", "ort_library", "no_fetch", "longest_edge"], !is_folder, not_local),
            (
                &["ask_open", "open"],
                self.settings.ask.is_none(),
                "there is no page for a browser: add --watch or --ask HOST:PORT",
            ),
        ];
        for (flags, is_idle, why) in rules {
            if let Some(flag) = flags.iter().find(|flag| is_idle && self.is_written(flag)) {
                let flag = format!("--{}", flag.replace('_', "-"));
                return Err(
                    CliError::usage(format!("{flag} would do nothing: {why}")).help(format!("leave out {flag}"))
                );
            }
        }
        Ok(())
    }
}

impl Flags {
    /// For commands that take nothing but what all take.
    pub fn common(common: Common) -> Flags {
        Flags { common, ..Flags::default() }
    }

    /// For commands that look at records and at nothing else.
    pub fn records(common: Common) -> Flags {
        Flags { reads_records_only: true, ..Flags::common(common) }
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

fn variable(name: &str) -> Option<String> {
    #[allow(clippy::disallowed_methods)] // The binary is where the environment is read.
    env::var(name).ok()
}

/// The small model: beside the program, or where it was built. Not where it is started: a folder that somebody sent may bring another
/// one of that name.
fn small_model() -> PathBuf {
    let beside = env::current_exe().unwrap_or_default();
    let above = beside.ancestors().skip(1).take(4).map(|above| above.join("models/mini"));
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/mini");
    let mut places = above.chain([built.clone()]).filter(|place| place.join("config.json").is_file());
    places.next().map_or(built, |place| place.canonicalize().unwrap_or(place))
}

/// Where this user's programs keep what can be made again.
pub fn user_cache() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Caches"))
    } else {
        folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))
    };
    cache.map(|cache| cache.join("tapwright"))
}

/// Where this user's programs keep what they remember.
pub fn user_state() -> Option<PathBuf> {
    user_folder("XDG_STATE_HOME", ".local/state", "LOCALAPPDATA").map(|state| state.join("tapwright"))
}

/// The user's own file with settings, whether it is there or not.
fn user_settings() -> Option<PathBuf> {
    user_folder("XDG_CONFIG_HOME", ".config", "APPDATA").map(|folder| folder.join("tapwright/tapwright.toml"))
}

/// A folder of the user's for one kind of file: by the XDG's variable or below the home folder, or as the platform has it.
fn user_folder(xdg: &str, below_home: &str, windows: &str) -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        folder(windows)
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder(xdg).or_else(|| folder("HOME").map(|home| home.join(below_home)))
    }
}

/// Where a page can be that the user's browser may read, however that is packed.
pub fn page_folder() -> PathBuf {
    let home = env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(PathBuf::from);
    home.filter(|home| home.is_absolute() && home.is_dir()).unwrap_or_else(env::temp_dir)
}

/// The desktop that this is started in, and where its menu is (the base directories of the XDG).
fn desktop() -> MachineDesktop {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let home = || set("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    let own = set("XDG_DATA_HOME").map(PathBuf::from).or_else(home);
    let all = set("XDG_DATA_DIRS").unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    let folders = own.into_iter().chain(env::split_paths(&all)).filter(|folder| folder.is_absolute());
    let machine = std::fs::read_to_string("/etc/machine-id").ok().map(|id| id.trim().to_owned());
    MachineDesktop {
        display: variable("DISPLAY").filter(|display| !display.is_empty()),
        bus: variable("DBUS_SESSION_BUS_ADDRESS").filter(|bus| !bus.is_empty()),
        menu: folders.map(|folder| folder.join("applications")).collect(),
        machine: machine.filter(|id| !id.is_empty()),
        folder: env::temp_dir(),
    }
}

/// Where adb's own programs look for their server, by the variables that they read, in their order.
fn adb_server(variable: impl Fn(&str) -> Option<String>) -> Result<Option<String>, CliError> {
    const PORT: &str = "5037";
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(socket) = set("ADB_SERVER_SOCKET") {
        let port = |text: &str| text.parse::<u16>().is_ok_and(|port| port != 0);
        let server = match socket.strip_prefix("tcp:").map(|rest| (rest, rest.rsplit_once(':'))) {
            Some((only, None)) if port(only) => Some(format!("127.0.0.1:{only}")),
            Some((both, Some((host, number)))) if !host.is_empty() && port(number) => Some(both.to_owned()),
            _ => None,
        };
        let why = || {
            CliError::usage(format!("ADB_SERVER_SOCKET is {socket:?}, and an adb server is reached over TCP only"))
                .help("set it to tcp:HOST:PORT or tcp:PORT, or unset it and name the server by --adb-server HOST:PORT")
        };
        return server.map(Some).ok_or_else(why);
    }
    let (host, port) = (set("ANDROID_ADB_SERVER_ADDRESS"), set("ANDROID_ADB_SERVER_PORT"));
    let port = port.filter(|port| port.parse::<u16>().is_ok());
    Ok((host.is_some() || port.is_some())
        .then(|| format!("{}:{}", host.as_deref().unwrap_or("127.0.0.1"), port.as_deref().unwrap_or(PORT))))
}

/// Where adb keeps keys: the user's own, and those of `ADB_VENDOR_KEYS`.
fn adb_keys() -> Vec<PathBuf> {
    let home = env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    let own = home.map(|home| PathBuf::from(home).join(".android/adbkey"));
    let more = env::var_os("ADB_VENDOR_KEYS").unwrap_or_default();
    own.into_iter().chain(env::split_paths(&more).filter(|path| !path.as_os_str().is_empty())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_adb_server_is_where_adb_looks_for_it() {
        const SOCKET: &str = "ADB_SERVER_SOCKET";
        const HOST: &str = "ANDROID_ADB_SERVER_ADDRESS";
        const PORT: &str = "ANDROID_ADB_SERVER_PORT";
        for (set, expected) in [
            (&[][..], "nowhere"),
            (&[(PORT, "5038")], "127.0.0.1:5038"),
            (&[(PORT, "x")], "nowhere"),
            (&[(HOST, "10.0.0.9")], "10.0.0.9:5037"),
            (&[(HOST, "10.0.0.9"), (PORT, "5038")], "10.0.0.9:5038"),
            (&[(SOCKET, "tcp:10.0.0.8:5040"), (HOST, "10.0.0.9"), (PORT, "5038")], "10.0.0.8:5040"),
            (&[(SOCKET, "tcp:5040")], "127.0.0.1:5040"),
            (&[(SOCKET, "tcp:[::1]:5040")], "[::1]:5040"),
            (&[(SOCKET, ""), (PORT, "5038")], "127.0.0.1:5038"),
            (&[(SOCKET, "localfilesystem:/run/adb"), (PORT, "5038")], "refused"),
            (&[(SOCKET, "localabstract:adb")], "refused"),
            (&[(SOCKET, "tcp:")], "refused"),
            (&[(SOCKET, "tcp:host:port")], "refused"),
            (&[(SOCKET, "tcp::5037")], "refused"),
            (&[(SOCKET, "10.0.0.8:5040")], "refused"),
        ] {
            let variable = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let found = match adb_server(variable) {
                Ok(found) => found.unwrap_or_else(|| "nowhere".to_owned()),
                Err(_) => "refused".to_owned(),
            };
            assert_eq!(found, expected, "{set:?}");
        }
    }
}
