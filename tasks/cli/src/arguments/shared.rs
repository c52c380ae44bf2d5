//! Flags that several commands have, and the environment's variables beside them.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use tapwright_tasks::Size;
use tapwright_tasks::judge::{Fact, NoFact};
use tapwright_tasks::model::providers::Provider;
use tapwright_tasks::policy::Preset;
use tapwright_tasks::profile::PromptLanguage;
use tapwright_tasks::serve::AppSelection;
use tapwright_tasks::settings::size_of;

/// `--policy`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PresetArgument {
    /// Asks about what the model itself calls important
    Trusting,
    /// Asks before anything that cannot be taken back: payment, sending, deleting, installing, permissions, credentials
    Careful,
}

impl PresetArgument {
    pub fn preset(self) -> Preset {
        match self {
            PresetArgument::Trusting => Preset::Trusting,
            PresetArgument::Careful => Preset::Careful,
        }
    }
}

/// Which model.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Model")]
pub struct ModelArguments {
    /// A folder (Hugging Face's, or built), a server (http://HOST/v1), the name of a [models.NAME] in tapwright.toml, script:FILE with
    /// a reply a line, `finish`, which always says that it is done, `infeasible`, which always says that it cannot be, `taps`, which touches
    /// anything, or `none`, for plans whose steps need none [default: the small model that comes with this program]
    #[arg(long, value_name = "MODEL", env = "TAPWRIGHT_MODEL", hide_env_values = true)]
    pub model: Option<OsString>,

    /// What a server calls the model
    #[arg(long, value_name = "NAME", env = "TAPWRIGHT_MODEL_NAME", hide_env_values = true)]
    pub model_name: Option<String>,

    /// The variable of the environment that holds a server's key [default: TAPWRIGHT_API_KEY]
    #[arg(long, value_name = "VARIABLE")]
    pub model_key_env: Option<String>,

    /// What the model expects, in place of the profile.toml in its folder: a name (tapwright models profile list), or
    /// a file
    #[arg(long, value_name = "NAME|FILE", env = "TAPWRIGHT_PROFILE", hide_env_values = true)]
    pub profile: Option<OsString>,

    /// In which language the model is spoken to, if its profile has several: en, zh
    #[arg(long, value_name = "LANGUAGE", env = "TAPWRIGHT_LANGUAGE", hide_env_values = true)]
    pub language: Option<PromptLanguage>,

    /// The most pixels of a picture, counted over its two frames; fewer are faster [default: the profile's, then the
    /// model's]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u64).range(1568..))]
    pub longest_edge: Option<u64>,

    #[command(flatten)]
    pub computing: ComputingArguments,

    #[command(flatten)]
    pub library: LibraryArguments,
}

/// What computes.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Model")]
pub struct ComputingArguments {
    /// Execution provider: auto, cpu, cuda, coreml, webgpu, nnapi, qnn; docs/providers.md says what is known of each
    /// [default: auto]
    #[arg(long, value_name = "PROVIDER", env = "TAPWRIGHT_PROVIDER", hide_env_values = true)]
    pub provider: Option<Provider>,

    /// Threads of one computation [default: as many as the machine has cores]
    #[arg(long, value_name = "COUNT", env = "TAPWRIGHT_THREADS", hide_env_values = true,
          value_parser = clap::value_parser!(u16).range(1..=512))]
    pub threads: Option<u16>,
}

/// Where ONNX Runtime comes from.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Model")]
pub struct LibraryArguments {
    /// ONNX Runtime's shared library [default: found, or fetched once with pip, uv or npm]
    #[arg(long, value_name = "FILE", env = "ORT_DYLIB_PATH", hide_env_values = true)]
    pub ort_library: Option<PathBuf>,

    /// Never fetch ONNX Runtime
    #[arg(long)]
    pub no_fetch: bool,
}

/// Which phone.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Device")]
pub struct DeviceArguments {
    /// `virtual`, an address (HOST:PORT), or a serial that an adb server knows; adb:NAME always goes through the
    /// adb server; `desktop` is the one that this is started in, `desktop:private` one of its own,
    /// `desktop:portable` the first by xcap and enigo, for Wayland (built with `--features
    /// tapwright-drivers/portable-desktop`); `browser` is a browser of its own, `browser:URL` one that you have;
    /// `osworld:URL` is a machine behind OSWorld's control server, `androidworld:URL` the phone behind
    /// AndroidWorld's server [default: virtual]
    #[arg(long, value_name = "DEVICE", env = "TAPWRIGHT_DEVICE", hide_env_values = true)]
    pub device: Option<String>,

    /// Begin though another run is on this phone: nothing keeps their touches apart
    #[arg(long)]
    pub share_device: bool,

    #[command(flatten)]
    pub server: ServerArguments,
}

/// Where an adb server is.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Device")]
pub struct ServerArguments {
    /// The adb server [default: where ADB_SERVER_SOCKET, ANDROID_ADB_SERVER_ADDRESS and ANDROID_ADB_SERVER_PORT say, else
    /// 127.0.0.1:5037]
    #[arg(long, value_name = "HOST:PORT", env = "TAPWRIGHT_ADB_SERVER", hide_env_values = true)]
    pub adb_server: Option<String>,
}

/// What a virtual phone is like.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Virtual phone")]
pub struct PhoneArguments {
    /// The seed that names, messages, alarms and settings are drawn from; with --task its texts too [default: 16]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,

    /// Its display, in pixels [default: 540x1200]
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    pub size: Option<Size>,

    /// Its apps: the six that the small model has learnt, or all; with all of them lists move by pixels [default: basic]
    #[arg(long, value_name = "APPS", value_parser = one_of(&AppSelection::NAMES))]
    pub apps: Option<AppSelection>,
}

/// What goes wrong around a virtual phone.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Virtual phone")]
pub struct WeatherArguments {
    /// What goes wrong around it: calm, mild or wild [default: calm]
    #[arg(long, value_name = "WEATHER", value_parser = tapwright_tasks::device::Weather::NAMES)]
    pub weather: Option<String>,

    /// The seed that decides what goes wrong, and when [default: 0]
    #[arg(long, value_name = "NUMBER")]
    pub weather_seed: Option<u64>,
}

/// What a run may do.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Limits")]
pub struct LimitArguments {
    /// How many actions the model may take [default: 100; bench: its suite's own]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub steps: Option<u32>,

    /// Which actions need a person's approval [default: trusting on the virtual phone, careful on any other]
    #[arg(long, value_name = "PRESET", value_enum)]
    pub policy: Option<PresetArgument>,

    /// An app that must not be used, by name or id; may be given again
    #[arg(long, value_name = "APP", value_parser = app)]
    pub forbid: Vec<String>,
}

/// Who answers what a run asks.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "People")]
pub struct AskArguments {
    /// Let a person answer from a browser, and programs by HTTP: listen here, and print the address with its token once;
    /// port 0 takes any that is free. docs/asking.md
    #[arg(long, value_name = "HOST:PORT", env = "TAPWRIGHT_ASK", hide_env_values = true)]
    pub ask: Option<SocketAddr>,

    /// Show the run in a browser as it happens, on the same page: the screen with what is touched, the steps, the questions; who is asked
    /// to take over touches the screen there. Without an address it is that of --ask, or any port that is free
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, require_equals = true)]
    pub watch: Option<Option<SocketAddr>>,

    /// Open that page in this machine's browser
    #[arg(long)]
    pub open: bool,

    /// Let other machines reach it too: whoever has the address with its token sees the screen and can answer
    #[arg(long)]
    pub ask_open: bool,

    /// How long a question waits for its answer: 90s, 10m, 8h. Then the run ends with `needs-person`, and can be resumed
    /// [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub ask_within: Option<Duration>,
}

pub fn fact(text: &str) -> Result<Fact, NoFact> {
    Fact::parse(text)
}

/// Reads `city=Oslo`; the value may be empty, or have more signs like that in it.
pub fn named_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("write the name and the value with a sign between them: --set city=Oslo".to_owned()),
    }
}

pub fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "a share goes from 0 to 1".to_owned())
}

/// Reads `90s`, `10m` or `8h`.
pub fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "a time is written like 90s, 10m or 8h, and is at most a week".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    let seconds = u64::from(number) * seconds;
    (1..=7 * 24 * 3600).contains(&seconds).then(|| Duration::from_secs(seconds)).ok_or_else(wrong)
}

/// Reads `540x1200`.
fn size(text: &str) -> Result<Size, String> {
    size_of(text)
}

/// An app's id or name; an empty one would be nobody's.
fn app(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("an app has an id or a name, such as com.android.settings".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads one of several values by its name.
pub fn one_of<T: Copy + Default + Send + Sync + 'static>(
    named: &[(&'static str, T)],
) -> impl TypedValueParser<Value = T> + use<T> {
    let values = named.to_vec();
    PossibleValuesParser::new(named.iter().map(|(name, _)| *name))
        .map(move |given| values.iter().find(|(name, _)| *name == given).map(|(_, value)| *value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        assert_eq!(size("540x1200"), Ok(Size { width: 540, height: 1200 }));
        for bad in ["", "540", "x", "540x", "0x0", "99999x1200", "540x1200x3", "-540x1200"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_read() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("8h", 28_800), ("168h", 604_800)] {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "s", "10", "0s", "-1s", "1.5h", "169h", "10min", "1\u{b5}", "4294967296s"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
