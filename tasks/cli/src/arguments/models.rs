//! `tapwright models`

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::{Args, Subcommand, ValueEnum};

use super::shared::{ComputingArguments, LibraryArguments};

/// Build and inspect models
#[derive(Args, Debug)]
pub struct ModelsArguments {
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
    Serve(ServeModelArguments),
    Profile(ProfileArguments),
    Doctor(ModelDoctorArguments),
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
pub struct ServeModelArguments {
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
    pub profile: Option<OsString>,

    #[command(flatten)]
    pub computing: ComputingArguments,
    #[command(flatten)]
    pub library: LibraryArguments,
}

/// Check that a model computes correctly on this machine, and how fast
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
pub struct ModelDoctorArguments {
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
    Import(ImportArguments),
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
pub struct ImportArguments {
    /// The conversation
    pub file: PathBuf,
    /// Where the profile goes; without it, to standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
