//! What is around runs: devices, the doctor, libraries, a phone to be served.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tapwright_tasks::Size;
use tapwright_tasks::serve::{Appearance, Motion, PhoneLanguage};

use super::shared::{
    DeviceArguments, LibraryArguments, ModelArguments, PhoneArguments, PresetArgument, ServerArguments,
    WeatherArguments, one_of,
};

/// Trust the settings that came with a folder, until they are changed
#[derive(Args, Debug)]
#[command(
    after_help = "./tapwright.toml may have come with the folder. What in it runs a program, reads a secret or a variable of the environment,
says where something is sent or which device is used, or has people asked less often counts only once the file is trusted, as it is.
Whoever runs at a terminal is asked. A file that is named with --config, or is in the user's own folder for settings, needs no trust.

Examples:
  tapwright trust
  tapwright trust ~/project/tapwright.toml --forget"
)]
pub struct TrustArguments {
    /// The file [default: ./tapwright.toml]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Trust it no more
    #[arg(long)]
    pub forget: bool,
}

/// List the phones that can be used
#[derive(Args, Debug)]
#[command(
    after_help = "The adb server is the one that adb's own programs would use: ADB_SERVER_SOCKET says where it is, or ANDROID_ADB_SERVER_ADDRESS
and ANDROID_ADB_SERVER_PORT do; --adb-server comes before them.

Example:
  ANDROID_ADB_SERVER_PORT=5038 tapwright devices"
)]
pub struct DevicesArguments {
    #[command(flatten)]
    pub server: ServerArguments,
}

/// List the calls that a device and the settings offer a model, and try one
#[derive(Args, Debug)]
#[command(
    after_help = "They come from [apis] and [mcp] in tapwright.toml and from the device; docs/apis.md. What is too much for a model is listed last,
each with the reason. A call is tried as a run of one step: the policy judges it, secrets go where they may, and it is written down.
Nothing is done before you have agreed to it; --yes agrees beforehand. What the policy forbids is not done all the same.

Ends with 0 if it was answered, 16 if the policy, a person or the API said no, 21 if nobody knows whether it was done, 11 if nobody
is there to agree, and 2 if there is no such call or its arguments do not fit.

Examples:
  tapwright apis
  tapwright apis --device desktop:private --json
  tapwright apis weather Oslo
  tapwright apis notes.search '{\"query\": \"tickets\"}' --yes"
)]
pub struct ApisArguments {
    /// The call that is tried, in place of a list
    pub name: Option<String>,

    /// Its arguments as a JSON object; or words, where it takes an instruction
    #[arg(requires = "name")]
    pub arguments: Option<String>,

    /// Agree to it beforehand
    #[arg(long, requires = "name")]
    pub yes: bool,

    #[command(flatten)]
    pub device: DeviceArguments,

    #[command(flatten)]
    pub phone: PhoneArguments,

    /// Which calls need a person's approval [default: trusting on the virtual phone, careful on any other]
    #[arg(long, value_name = "PRESET", value_enum, help_heading = "Limits")]
    pub policy: Option<PresetArgument>,
}

/// Check that all that a run needs is there, and say what to do about what is not
#[derive(Args, Debug)]
#[command(
    after_help = "With --device that phone is looked over too: who it is, how long pictures and touches take, what can
be typed, what its manufacturer wants. A keyboard that a killed run left selected is put back.

Example:
  tapwright doctor --device R58M31ABCDE"
)]
pub struct DoctorArguments {
    #[command(flatten)]
    pub model: ModelArguments,
    #[command(flatten)]
    pub device: DeviceArguments,

    /// Ask the model for so many taps on icons, and say how far off they are
    #[arg(long, value_name = "COUNT", default_value_t = 0, help_heading = "Model", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub grounding: u32,
}

/// Fetch ONNX Runtime's library now, so that the first run need not
#[derive(Args, Debug)]
#[command(
    after_help = "The set for NVIDIA's cards is for Linux on x86-64: ONNX Runtime for CUDA 13 and NVIDIA's libraries, about 840 MB to
fetch and 1.2 GB to keep, checked by digest. A driver for CUDA 13 has to be there already.

Examples:
  tapwright setup --dry-run
  tapwright setup
  tapwright setup --gpu --dry-run
  tapwright setup --osworld"
)]
pub struct SetupArguments {
    /// Fetch the library set for NVIDIA's cards; `--provider cuda` and `auto` use it from then on
    #[arg(long)]
    pub gpu: bool,

    /// Make a Python environment with OSWorld's own evaluator, for `bench osworld --evaluator official`
    #[arg(long, conflicts_with = "gpu")]
    pub osworld: bool,

    /// Into that environment also what scores sound and films, 500 MB more for 4 of OSWorld's 369 tasks
    #[arg(long, requires = "osworld")]
    pub media: bool,

    /// Only say what would be fetched, and how much it is
    #[arg(long)]
    pub dry_run: bool,

    #[command(flatten)]
    pub library: LibraryArguments,
}

/// Serve a virtual phone to any adb client, until Ctrl-C
#[derive(Args, Debug)]
#[command(after_help = "Without --keys it wants no key: whoever reaches the address can use the phone.

With --window it is shown in a browser's tab too, and used there with a mouse, a finger and a keyboard. Whoever has the
address with its token can use it there, whatever --keys says.

Examples:
  tapwright phone --window --open --apps all
  tapwright phone --listen 127.0.0.1:5555 --seed 3
  adb connect 127.0.0.1:5555 && adb -s 127.0.0.1:5555 shell input tap 100 200")]
pub struct ServePhoneArguments {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5555")]
    pub listen: SocketAddr,

    /// Let in whoever has one of these keys, and ask about others on its screen: files that adb wrote, adbkey.pub; may be given
    /// again
    #[arg(long, value_name = "FILE")]
    pub keys: Vec<PathBuf>,

    /// Show it in a browser's tab, live, at this address, and print the address with its token once; without one, or with port 0, any
    /// port that is free
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, default_missing_value = "127.0.0.1:0", help_heading = "Window")]
    pub window: Option<SocketAddr>,

    /// Open the window in this machine's browser
    #[arg(long, requires = "window", help_heading = "Window")]
    pub open: bool,

    /// Let other machines reach the window too: whoever has the address with its token uses the phone
    #[arg(long, requires = "window", help_heading = "Window")]
    pub window_open: bool,

    #[command(flatten)]
    pub phone: PhoneArguments,

    /// What it speaks, and most of the people on it
    #[arg(long, value_name = "LANGUAGE", default_value = "en", help_heading = "Virtual phone",
          value_parser = one_of(&PhoneLanguage::ALL.map(|language| (language.code(), language))))]
    pub language: PhoneLanguage,

    /// Which Android it says that it is, by its API level; from 36 on its apps have functions for other programs
    #[arg(long, value_name = "NUMBER", default_value_t = 34, help_heading = "Virtual phone",
          value_parser = clap::value_parser!(u32).range(24..=36))]
    pub api_level: u32,

    /// How its widgets look; the small model has learnt to read the first
    #[arg(long, value_name = "APPEARANCE", default_value = "first", help_heading = "Virtual phone",
          value_parser = one_of(&Appearance::NAMES))]
    pub appearance: Appearance,

    /// Let the caret of the field with the focus blink
    #[arg(long, help_heading = "Virtual phone")]
    pub caret_blinks: bool,

    /// Let pages slide in and lists glide to where they come to rest
    #[arg(long, help_heading = "Virtual phone")]
    pub animations: bool,

    /// What moves on every page
    #[arg(long, value_name = "MOTION", default_value = "none", help_heading = "Virtual phone",
          value_parser = one_of(&Motion::NAMES))]
    pub motion: Motion,

    #[command(flatten)]
    pub weather: WeatherArguments,
}

/// Serve OSWorld's control protocol in front of private desktops, until Ctrl-C
#[derive(Args, Debug)]
#[command(
    after_help = "The protocol runs any command on the desktop. It is for this computer only, unless --open lets others in, who need the token.

Examples:
  tapwright serve-osworld
  curl -o screen.png http://127.0.0.1:5000/screenshot
  tapwright run 'Open a terminal' --device osworld:http://127.0.0.1:5000
docs/osworld-machines.md says how OSWorld's harness is attached."
)]
pub struct ServeOsworldArguments {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5000")]
    pub listen: SocketAddr,

    /// The size of the desktop's screen
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1920x1080", value_parser = tapwright_tasks::settings::size_of)]
    pub size: Size,

    /// The variable of the environment that holds the token which clients have to send: http://TOKEN@HOST:PORT
    #[arg(long, value_name = "VARIABLE")]
    pub token_env: Option<String>,

    /// Let other computers reach it: whoever has the token runs any command on the desktop
    #[arg(long, requires = "token_env")]
    pub open: bool,
}
