//! What can be said on the command line and in the environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use tapwright_tasks::Size;
use tapwright_tasks::judge::{Fact, NoFact};
use tapwright_tasks::model::providers::Provider;
use tapwright_tasks::profile::Language;
use tapwright_tasks::suites;

use crate::config::PresetName;
use crate::exit::Exit;

const ABOUT: &str = "A vision-language model looks at a phone's screen, decides, and something is done.";

const EXAMPLES: &str = r#"Examples:
  Two apps of the virtual phone, with the small model, judged by the phone's state:
    tapwright run 'Turn Wi-Fi on, then send "on my way" to Anna' \
      --start wifi.on=false --expect wifi.on=true --expect 'messages.Anna.last=me: on my way'

  A phone of your own, and a model that somebody serves:
    tapwright devices
    tapwright run 'Set an alarm for 7:30' --device R58M31ABCDE --model http://127.0.0.1:8000/v1 --model-name autoglm-phone-9b

  What happened, again, as a page for a browser:
    tapwright replay last --html run.html

  How good is a model? Judged by state, in a table:
    tapwright bench smoke --seeds 100

Settings come from flags, then the environment (TAPWRIGHT_...), then tapwright.toml, then defaults.
If something does not work: tapwright doctor"#;

#[derive(Debug, Parser)]
#[command(
    name = "tapwright",
    version,
    about = ABOUT,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{}", Exit::table()),
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 110
)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// For all commands.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "For all commands")]
pub struct Common {
    /// Print one JSON object a line, for programs
    #[arg(long, global = true)]
    pub json: bool,

    /// The file with settings, in place of ./tapwright.toml
    #[arg(long, global = true, value_name = "FILE", env = "TAPWRIGHT_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,

    /// Where the records of runs are kept [default: runs]
    #[arg(long, global = true, value_name = "FOLDER", env = "TAPWRIGHT_RUNS", hide_env_values = true)]
    pub runs: Option<PathBuf>,

    /// Where built models and ONNX Runtime are kept [default: tapwright in the user's cache folder]
    #[arg(long, global = true, value_name = "FOLDER", env = "TAPWRIGHT_CACHE", hide_env_values = true)]
    pub cache: Option<PathBuf>,

    /// Say more about what happens inside: -v what, -vv why, -vvv everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Run(Run),
    Plan(Plan),
    Bench(Bench),
    Resume(Resume),
    Fork(Fork),
    Judge(Judge),
    Replay(Replay),
    Runs(Runs),
    Devices(Devices),
    Doctor(Doctor),
    Setup(Setup),
    Models(Models),
    Phone(Phone),
}

/// Which model.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Model")]
pub struct ModelArguments {
    /// A folder (Hugging Face's, or built), a server (http://HOST/v1), script:FILE with a reply a line, or
    /// `finish`, which always says that it is done [default: the small model that comes with this program]
    #[arg(long, value_name = "MODEL", env = "TAPWRIGHT_MODEL", hide_env_values = true)]
    pub model: Option<String>,

    /// What a server calls the model
    #[arg(long, value_name = "NAME", env = "TAPWRIGHT_MODEL_NAME", hide_env_values = true)]
    pub model_name: Option<String>,

    /// The variable of the environment that holds a server's key [default: TAPWRIGHT_API_KEY]
    #[arg(long, value_name = "VARIABLE")]
    pub model_key_env: Option<String>,

    /// What the model expects, in place of the profile.toml in its folder: a name (tapwright models profile list), or
    /// a file
    #[arg(long, value_name = "NAME|FILE", env = "TAPWRIGHT_PROFILE", hide_env_values = true)]
    pub profile: Option<String>,

    /// In which language the model is spoken to, if its profile has several: en, zh
    #[arg(long, value_name = "LANGUAGE", env = "TAPWRIGHT_LANGUAGE", hide_env_values = true)]
    pub language: Option<Language>,

    /// The most pixels of a picture, counted over its two frames; fewer are faster [default: the profile's, then the
    /// model's]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u64).range(1568..))]
    pub longest_edge: Option<u64>,

    #[command(flatten)]
    pub computing: ComputingArguments,

    #[command(flatten)]
    pub library: LibraryArguments,
}

/// Who computes.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Model")]
pub struct ComputingArguments {
    /// Who computes: auto, cpu, cuda, coreml, webgpu, nnapi, qnn; docs/providers.md says what is known of each
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
    /// adb server [default: virtual]
    #[arg(long, value_name = "DEVICE", env = "TAPWRIGHT_DEVICE", hide_env_values = true)]
    pub device: Option<String>,

    #[command(flatten)]
    pub server: ServerArguments,
}

/// Where an adb server is.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Device")]
pub struct ServerArguments {
    /// The adb server [default: 127.0.0.1:5037]
    #[arg(long, value_name = "HOST:PORT", env = "TAPWRIGHT_ADB_SERVER", hide_env_values = true)]
    pub adb_server: Option<String>,
}

/// What a virtual phone is like.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Virtual phone")]
pub struct PhoneArguments {
    /// Draws names, messages, alarms and settings; with a task, its texts too [default: 16]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,

    /// Its display, in pixels [default: 540x1200]
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    pub size: Option<Size>,
}

/// What goes wrong around a virtual phone.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Virtual phone")]
pub struct WeatherArguments {
    /// What goes wrong around it: calm, mild or wild [default: calm]
    #[arg(long, value_name = "WEATHER", value_parser = tapwright_tasks::device::Weather::NAMES)]
    pub weather: Option<String>,

    /// Draws what goes wrong, and when [default: 0]
    #[arg(long, value_name = "NUMBER")]
    pub weather_seed: Option<u64>,
}

/// What a run may do.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Limits")]
pub struct LimitArguments {
    /// How many actions the model may take [default: 100; bench: 40]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub steps: Option<u32>,

    /// What needs a person's leave [default: trusting on the virtual phone, careful on any other]
    #[arg(long, value_name = "PRESET", value_enum)]
    pub policy: Option<PresetName>,

    /// An app that must not be used, by name or id; may be given again
    #[arg(long, value_name = "APP")]
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

    /// Let other machines reach it too: whoever has the address with its token sees the screen and can answer
    #[arg(long)]
    pub ask_open: bool,

    /// How long a question waits for its answer: 90s, 10m, 8h. Then the run ends with `needs-person`, and can be resumed
    /// [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub ask_within: Option<Duration>,
}

/// Reach a goal on a phone
#[derive(Args, Debug)]
#[command(
    after_help = r#"A person at the terminal, or in a browser with --ask, is asked when the model marks a tap as sensitive, wants somebody
to take over or to choose, and when the policy says so. Without one the run ends with `needs-person`. Ctrl-C stops within one step; a second Ctrl-C kills.

Examples:
  tapwright run 'Turn Dark theme on' --start dark.on=false --expect dark.on=true
  tapwright run --task radio-then-message --seed 7
  tapwright run 'Send "on my way" to Ben' --device 127.0.0.1:5555 --json
  tapwright run 'Order my usual lunch' --device R58M31ABCDE --ask 127.0.0.1:8790 --ask-within 2h

The small model knows the kinds of goal in the smoke suite, in their words: tapwright bench smoke --json shows them."#
)]
pub struct Run {
    /// What is wanted, in your words
    #[arg(required_unless_present_any = ["task", "plan"], conflicts_with_all = ["task", "plan"])]
    pub goal: Option<String>,

    /// A case of a suite in place of a goal, by its template, drawn from --seed; it brings its own phone and expectations
    #[arg(long, value_name = "TEMPLATE", conflicts_with_all = ["start", "expect", "device", "size"])]
    pub task: Option<String>,

    /// A plan in place of a goal: sub-goals in a file, one after the other; docs/plans.md
    #[arg(long, value_name = "FILE", conflicts_with_all = ["task", "start", "expect"])]
    pub plan: Option<PathBuf>,

    /// Make a fact true before the run; may be given again. docs/phone.md lists them
    #[arg(long, value_name = "FACT=VALUE", value_parser = fact)]
    pub start: Vec<Fact>,

    /// What has to be true in the end, read from the phone's state; may be given again
    #[arg(long, value_name = "FACT=VALUE", value_parser = fact)]
    pub expect: Vec<Fact>,

    #[command(flatten)]
    pub device: DeviceArguments,
    #[command(flatten)]
    pub phone: PhoneArguments,
    #[command(flatten)]
    pub weather: WeatherArguments,
    #[command(flatten)]
    pub model: ModelArguments,
    #[command(flatten)]
    pub limits: LimitArguments,
    #[command(flatten)]
    pub ask: AskArguments,
}

/// Have a model write a plan for a goal, into a file for you to read first
#[derive(Args, Debug)]
#[command(
    after_help = "It has to be a model that writes texts: a server, not the small model that comes with this program.

Example:
  tapwright plan 'A weekend in Changchun: train, hotel, sights, and tell Anna' --out trip.toml \\
    --model http://127.0.0.1:8000/v1 --model-name MODEL
  tapwright run --plan trip.toml"
)]
pub struct Plan {
    /// What is wanted, in your words
    pub goal: String,

    /// Where the plan goes; nothing that is there is overwritten
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    #[command(flatten)]
    pub model: ModelArguments,
}

/// The names of the suites, each with what it measures.
fn suite_names() -> PossibleValuesParser {
    PossibleValuesParser::new(suites::ALL.iter().map(|suite| PossibleValue::new(suite.name()).help(suite.about())))
}

/// Measure a model: many cases, judged by the device's state
#[derive(Args, Debug)]
#[command(
    after_help = "A run passes if the model says that it is done and the phone's state says so too. One that says nothing about the
model (the device was lost, a server could not be reached) is void, and counted apart. A suite is the same for everybody: of
tapwright.toml only the model, the folder of runs and where ONNX Runtime is count. suite.json in the record says all that was measured.

Examples:
  tapwright bench smoke --seeds 100
  tapwright bench smoke --seeds 100 --model finish        (the floor)
  tapwright bench smoke --seeds 20 --template note --json
  tapwright bench edge-cases --seeds 60"
)]
pub struct Bench {
    /// Which suite
    #[arg(value_parser = suite_names())]
    pub suite: String,

    /// How many cases; seeds go through the templates in turn
    #[arg(long, value_name = "COUNT", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,

    /// The first seed
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub from: u64,

    /// Only cases of this template
    #[arg(long, value_name = "TEMPLATE")]
    pub template: Option<String>,

    /// End with exit code 20 if a smaller share than this has passed, for example 0.8
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub at_least: Option<f64>,

    #[command(flatten)]
    pub weather: WeatherArguments,
    #[command(flatten)]
    pub model: ModelArguments,
    #[command(flatten)]
    pub limits: LimitArguments,
}

/// Go on with a run that broke off, was stopped, or waits for a person, a model or a device
#[derive(Args, Debug)]
#[command(
    after_help = "It looks at the screen again and repeats nothing that may have happened: the model is told, and what cannot be taken
back is done again only where the screen shows that it did not happen, or when a person says so. The record goes on in
the same folder, under the same limits. A run that has ended otherwise stays as it is; see docs/runs.md.

Examples:
  tapwright resume last
  tapwright resume 20261123-231805-turn-wi-fi-on --device 127.0.0.1:5555"
)]
pub struct Resume {
    /// A run's name or a plan's, its folder, or `last`
    pub run: String,

    #[command(flatten)]
    pub again: ResumeArguments,
}

/// Judge a run again, by what was true of its device in the end
#[derive(Args, Debug)]
#[command(
    after_help = "A run that was killed after its end and before its verdict has none; a case of a suite may be judged otherwise by a newer
program. Without --device the facts are those that the record keeps of the end; with it the device is asked now, so nothing must
have touched it since. The new verdict replaces the old one in verdict.json; nothing else of the record is touched.

Examples:
  tapwright judge last
  tapwright judge last --expect wifi.on=true
  tapwright judge 20261123-231805-turn-wi-fi-on --device 127.0.0.1:5555"
)]
pub struct Judge {
    /// A run's name, its folder, or `last`
    pub run: String,

    /// What has to be true in the end, in place of what the run was begun with; may be given again
    #[arg(long, value_name = "FACT=VALUE", value_parser = fact)]
    pub expect: Vec<Fact>,

    #[command(flatten)]
    pub device: DeviceArguments,
}

/// Begin a new run with the first steps of another one
#[derive(Args, Debug)]
#[command(after_help = "The steps are copied, not done again: the device is taken as it is now.

Example:
  tapwright fork last --at 3")]
pub struct Fork {
    /// A run's name, its folder, or `last`
    pub run: String,

    /// How many steps are taken over
    #[arg(long, value_name = "STEPS")]
    pub at: u32,

    #[command(flatten)]
    pub again: ResumeArguments,
}

/// In place of what the run was begun with.
#[derive(Args, Debug, Default)]
pub struct ResumeArguments {
    #[command(flatten)]
    pub device: DeviceArguments,
    #[command(flatten)]
    pub model: ModelArguments,
    #[command(flatten)]
    pub ask: AskArguments,
}

/// Show a run again, without device or model
#[derive(Args, Debug)]
#[command(after_help = "It also checks that all that was written follows from what was seen and heard.

Examples:
  tapwright replay last
  tapwright replay 20261123-231805-turn-wi-fi-on --html run.html")]
pub struct Replay {
    /// A run's name, its folder, or `last`
    pub run: String,

    /// Write one page for a browser, with the screens and what was touched on them
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// List the runs that were kept, the latest first
#[derive(Args, Debug)]
pub struct Runs {
    /// How many at most
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub most: usize,
}

/// List the phones that can be used
#[derive(Args, Debug)]
pub struct Devices {
    #[command(flatten)]
    pub server: ServerArguments,
}

/// Look whether all that a run needs is there, and say what to do about what is not
#[derive(Args, Debug)]
#[command(
    after_help = "With --device that phone is looked over too: who it is, how long pictures and touches take, what can
be typed, what its manufacturer wants. A keyboard that a killed run left selected is put back.

Example:
  tapwright doctor --device R58M31ABCDE"
)]
pub struct Doctor {
    #[command(flatten)]
    pub model: ModelArguments,
    #[command(flatten)]
    pub device: DeviceArguments,

    /// Ask the model for so many taps on icons, and say how far off they are
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub grounding: u32,
}

/// Fetch ONNX Runtime's library now, so that the first run need not
#[derive(Args, Debug)]
#[command(
    after_help = "The set for NVIDIA's cards is for Linux on x86-64: ONNX Runtime for CUDA 13 and NVIDIA's libraries, about 840 MB to
fetch and 1.2 GB to keep, checked by digest. A driver for CUDA 13 has to be there already.

Examples:
  tapwright setup
  tapwright setup --gpu --dry-run"
)]
pub struct Setup {
    /// Fetch the library set for NVIDIA's cards; `--provider cuda` and `auto` use it from then on
    #[arg(long)]
    pub gpu: bool,

    /// Only say what would be fetched, and how much it is
    #[arg(long, requires = "gpu")]
    pub dry_run: bool,

    #[command(flatten)]
    pub library: LibraryArguments,
}

/// Build and inspect models
#[derive(Args, Debug)]
pub struct Models {
    #[command(subcommand)]
    pub command: ModelsCommand,
}

/// `--precision`
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FormArgument {
    Fp32,
    Fp16,
    Bf16,
    Int8,
    Int4,
}

/// `--provider`
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ProviderArgument {
    Cpu,
    Cuda,
    Coreml,
    Webgpu,
}

/// `--like`
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LikeArgument {
    #[value(name = "glm4v-9b")]
    Glm4v9b,
    #[value(name = "glm4v-0.4b")]
    Glm4v04b,
    #[value(name = "glm4v-tiny")]
    Glm4vTiny,
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Build a Hugging Face folder of GLM-4.1V, GLM-4.6V-Flash or GLM-OCR into ONNX graphs
    Build {
        /// The folder with config.json and the safetensors
        hf_dir: PathBuf,
        /// Where the built model goes
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        /// In what numbers: fp16 and bf16 are for GPUs; int8 and int4 quantise
        #[arg(long, value_enum, value_name = "PRECISION", default_value_t = FormArgument::Fp32)]
        precision: FormArgument,
        /// What is to run it
        #[arg(long, value_enum, value_name = "PROVIDER", default_value_t = ProviderArgument::Cpu)]
        provider: ProviderArgument,
        /// Numbers of a row that share a scale, where matrices are quantised: 32, 64 or 128
        #[arg(long, value_name = "SIZE", default_value_t = 32,
              value_parser = clap::builder::PossibleValuesParser::new(["32", "64", "128"])
                  .map(|size| size.parse::<u32>().unwrap_or_default()))]
        block: u32,
        /// On the processor, multiply quantised matrices with numbers of 32 bits: exact, and four times as slow
        #[arg(long)]
        exact: bool,
    },
    /// Draw a checkpoint of random weights, for tests and measurements
    Random {
        /// Where the Hugging Face folder goes
        folder: PathBuf,
        /// Whose sizes it has: the 9b takes 20.6 GB
        #[arg(long, value_enum, value_name = "MODEL")]
        like: LikeArgument,
        /// The same seed draws the same weights
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        seed: u64,
    },
    /// Say what a model's folder holds
    Info {
        /// A Hugging Face folder, or a built one
        folder: PathBuf,
    },
    Serve(ServeModel),
    Profile(ProfileArguments),
    Doctor(ModelDoctor),
}

/// Serve a model to any OpenAI client, until Ctrl-C
#[derive(Args, Debug)]
#[command(
    after_help = "POST /v1/chat/completions (streamed or whole, with pictures), GET /v1/models, /health and /metrics;
docs/server.md says which fields are taken and what the limits are. Sampling that a request leaves out is the profile's.

Examples:
  tapwright models serve models/mini
  tapwright models serve AutoGLM-Phone-9B --name autoglm-phone-9b
  TAPWRIGHT_SERVE_KEY=... tapwright models serve DIR --listen 0.0.0.0:8000 --api-key-env TAPWRIGHT_SERVE_KEY"
)]
pub struct ServeModel {
    /// A Hugging Face folder, or a built one
    pub folder: PathBuf,

    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,

    /// The variable of the environment that holds the key which clients have to send
    #[arg(long, value_name = "VARIABLE")]
    pub api_key_env: Option<String>,

    /// Let other machines ask without a key
    #[arg(long)]
    pub without_key: bool,

    /// Fetch pictures that a request names by http or https: from public addresses, or from any
    #[arg(long, value_enum, value_name = "WHICH", num_args = 0..=1, require_equals = true, default_missing_value = "public")]
    pub allow_urls: Option<UrlsArgument>,

    /// Requests that wait or are answered at most; whoever comes then is told to come again
    #[arg(long, value_name = "COUNT", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    pub queue: u16,

    /// What clients call the model [default: the folder's name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// What the model expects, in place of the profile.toml in its folder: a name (tapwright models profile list), or a file
    #[arg(long, value_name = "NAME|FILE", env = "TAPWRIGHT_PROFILE", hide_env_values = true)]
    pub profile: Option<String>,

    #[command(flatten)]
    pub computing: ComputingArguments,
    #[command(flatten)]
    pub library: LibraryArguments,
}

/// Look whether a model computes what it should on this machine, and how fast
#[derive(Args, Debug)]
#[command(
    after_help = "It loads the model, says which ONNX Runtime and which provider compute it and why, and what was left to another
provider; compares a prompt with a picture read at once, in chunks and token by token; and times the engine and the bare
sessions on the same graphs in turns. A large model takes minutes on a processor.

Exit codes: 0 all is well; 3 the folder, the library or the provider cannot be used; 20 a number is wrong.

Examples:
  tapwright models doctor models/mini
  tapwright models doctor FOLDER --provider cuda --json"
)]
pub struct ModelDoctor {
    /// A Hugging Face folder, or a built one
    pub folder: PathBuf,
    #[command(flatten)]
    pub computing: ComputingArguments,
    #[command(flatten)]
    pub library: LibraryArguments,
}

/// `--allow-urls`
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum UrlsArgument {
    /// From the Internet
    Public,
    /// From this machine and its neighbours too
    Any,
}

/// See and make profiles: what a model expects, as data
#[derive(Args, Debug)]
pub struct ProfileArguments {
    #[command(subcommand)]
    pub command: ProfileCommand,
}

#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// List the profiles that come with this program
    List,
    /// Print a profile as a file, to be changed and given with --profile
    Show {
        /// Its name
        name: String,
    },
    Import(Import),
}

/// Make a profile out of a conversation, with the system prompt that is in it
#[derive(Args, Debug)]
#[command(
    after_help = "Official prompts are not ours to give away; samples of conversations come with the models' own clients. The file is
JSON: a list of messages with `role` and `content`, or a request with `messages`. Its system message becomes the
prompt, with the date in it replaced by that of the day; earlier replies show how they are written back. All else is
from the profile of AutoGLM-Phone-9B in that language.

Example:
  tapwright models profile import sample_messages.json --out profile.toml
  tapwright run 'Open the clock' --model FOLDER --profile ./profile.toml"
)]
pub struct Import {
    /// The conversation
    pub file: PathBuf,
    /// Where the profile goes; without it, to standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Serve a virtual phone to any adb client, until Ctrl-C
#[derive(Args, Debug)]
#[command(after_help = "Without --keys it wants no key: whoever reaches the address can use the phone.

Example:
  tapwright phone --listen 127.0.0.1:5555 --seed 3
  adb connect 127.0.0.1:5555 && adb -s 127.0.0.1:5555 shell input tap 100 200")]
pub struct Phone {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5555")]
    pub listen: SocketAddr,

    /// Let in whoever has one of these keys, and ask about others on its screen: files that adb wrote, adbkey.pub; may be given
    /// again
    #[arg(long, value_name = "FILE")]
    pub keys: Vec<PathBuf>,

    #[command(flatten)]
    pub phone: PhoneArguments,
    #[command(flatten)]
    pub weather: WeatherArguments,
}

fn fact(text: &str) -> Result<Fact, NoFact> {
    Fact::parse(text)
}

fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "a share goes from 0 to 1".to_owned())
}

/// Reads `90s`, `10m` or `8h`.
fn span(text: &str) -> Result<Duration, String> {
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
pub fn size(text: &str) -> Result<Size, String> {
    let parts = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let (width, height) = parts.ok_or("a size is written like 540x1200")?;
    let (widths, heights) = tapwright_tasks::device::SIDES;
    if !widths.contains(&width) || !heights.contains(&height) {
        return Err(format!(
            "a display is {} to {} pixels wide and {} to {} high",
            widths.start(),
            widths.end(),
            heights.start(),
            heights.end()
        ));
    }
    Ok(Size { width, height })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use expect_test::expect_file;

    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Arguments::command().debug_assert();
    }

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

    /// `UPDATE_EXPECT=1 cargo test` writes the page anew.
    #[test]
    fn the_page_in_docs_says_what_the_help_says() {
        let mut page = include_str!("cli.head.md").to_owned();
        page += "\n## Exit codes\n\n| code | means |\n| ---: | --- |\n";
        for (exit, means) in Exit::ALL {
            page += &format!("| {} | {means} |\n", exit.code());
        }
        page += "\n## Commands\n";
        help(&Arguments::command().term_width(110), "tapwright", &mut page);
        expect_file!["../../../docs/cli.md"].assert_eq(&page);
    }

    fn help(command: &clap::Command, path: &str, page: &mut String) {
        let mut shown = command.clone().term_width(110).bin_name(path).disable_help_subcommand(true);
        *page += &format!("\n### `{path}`\n\n```text\n{}\n```\n", shown.render_help().to_string().trim_end());
        for below in command.get_subcommands() {
            help(below, &format!("{path} {}", below.get_name()), page);
        }
    }
}
