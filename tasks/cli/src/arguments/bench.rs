//! `tapwright bench`

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Args, Command, Subcommand};
use tapwright_tasks::mistake::nearest;
use tapwright_tasks::serve::AppSelection;
use tapwright_tasks::suite::REPEATS_MAX;
use tapwright_tasks::suites::miniwob;
use tapwright_tasks::{osworld, suites};

use super::shared::{LimitArguments, ModelArguments, WeatherArguments, one_of, share};

/// The name of a suite, or the folder of one.
#[derive(Clone)]
struct SuiteName;

impl TypedValueParser for SuiteName {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        let names: Vec<String> =
            self.possible_values().into_iter().flatten().map(|one| one.get_name().to_owned()).collect();
        let words = value.to_str().unwrap_or_default();
        if names.iter().any(|name| name == words) || PathBuf::from(value).is_dir() {
            return value.to_str().map(str::to_owned).ok_or_else(|| clap::Error::new(ErrorKind::InvalidUtf8));
        }
        let mut error = clap::Error::new(ErrorKind::InvalidValue).with_cmd(command);
        if let Some(arg) = arg {
            error.insert(ContextKind::InvalidArg, ContextValue::String(arg.to_string()));
        }
        error.insert(ContextKind::InvalidValue, ContextValue::String(value.to_string_lossy().into_owned()));
        if let Some(near) = nearest(words, names.iter().map(String::as_str)) {
            error.insert(ContextKind::SuggestedValue, ContextValue::String(near.to_owned()));
        }
        error.insert(ContextKind::ValidValue, ContextValue::Strings(names));
        Err(error)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let osworld = PossibleValue::new(osworld::NAME).help("369 tasks on a desktop, which you have: --tasks PATH");
        let suites = suites::ALL.iter().map(|suite| PossibleValue::new(suite.name()).help(suite.about()));
        let miniwob = PossibleValue::new(miniwob::NAME).help(miniwob::ABOUT);
        Some(Box::new(suites.chain([miniwob, osworld])))
    }
}

/// Measure a model: many cases, judged by the device's state
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true,
    after_help = "A run passes if the model says that it is done and the device's state says so too. One that says nothing about the
model (the device was lost, a server could not be reached) has no score, and is counted apart. A suite is the same for everybody: of
tapwright.toml only the model, the folder of runs and where ONNX Runtime is count. ledger.jsonl in the record has every attempt, index.html
shows them, cases.csv and cases.json are for other programs. docs/suites.md

Examples:
  tapwright bench smoke --seeds 100
  tapwright bench smoke --seeds 100 --model finish  # the floor: it only says that it is done
  tapwright bench smoke --seeds 100 --model taps  # chance: it touches anything
  tapwright bench smoke --seeds 20 --template note --json
  tapwright bench edge-cases --seeds 60 --repeats 3 --parallel 4
  tapwright bench phone --seeds 600  # also by kind, with what was changed unasked
  tapwright bench phone --seeds 600 --refuse-untrained  # as a user of tapwright run meets the small model
  tapwright bench phone --resume last  # what broke off goes on
  tapwright bench miniwob --pages .venv --preflight  # whether all that it needs is there
  tapwright bench miniwob --pages .venv --parallel 4 --model taps
  tapwright bench androidworld --seeds 10  # AndroidWorld's tasks on the virtual phone: docs/androidworld.md
  tapwright bench compare 20261127-150000-phone 20261127-160000-phone
  tapwright bench osworld --tasks evaluation_examples --list --domain vlc"
)]
pub struct BenchArguments {
    #[command(subcommand)]
    pub command: Option<BenchCommand>,

    /// Which suite; or the folder of one of your own, which tapwright bench new FOLDER begins
    #[arg(value_parser = SuiteName, required = true)]
    pub suite: Option<String>,

    /// How many cases; seeds go through the templates in turn [default: 24; of a suite that is a list, all]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: Option<u64>,

    /// The first seed [default: 0]
    #[arg(long, value_name = "SEED")]
    pub from: Option<u64>,

    /// Only cases of this template
    #[arg(long, value_name = "TEMPLATE")]
    pub template: Option<String>,

    /// Only the case with this id, or those of this template; may be given several times
    #[arg(long, value_name = "ID")]
    pub only: Vec<String>,

    /// List the cases with their ids and goals, and run none
    #[arg(long)]
    pub list: bool,

    /// How often each case is done [default: 1]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=i64::from(REPEATS_MAX)))]
    pub repeats: Option<u32>,

    /// How often a case is tried again if the device, its preparation or the judge failed
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u32).range(..=100))]
    pub retries: u32,

    /// How many cases are done at a time
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallel: u16,

    /// Begin at most so many attempts a minute, all that are done at a time together [default: no limit]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub starts_per_minute: Option<u32>,

    /// Only look whether the devices, and the apps and files that the cases need, are there; no model is asked anything
    #[arg(long, conflicts_with = "list")]
    pub preflight: bool,

    /// Give up goals of no kind that the model was trained for without asking it, as tapwright run does without --anyway
    #[arg(long)]
    pub refuse_untrained: bool,

    /// Go on with a measurement that broke off: its name, its folder, or last
    #[arg(long, value_name = "RUN", conflicts_with_all = ["seeds", "from", "template", "only", "list", "repeats", "apps",
        "refuse_untrained"])]
    pub resume: Option<String>,

    /// End with exit code 20 if a smaller share than this has passed, for example 0.8
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub at_least: Option<f64>,

    /// With all, each case's phone has all apps; with basic, those that the case asks for [default: basic]
    #[arg(long, value_name = "APPS", value_parser = one_of(&AppSelection::NAMES), help_heading = "Virtual phone")]
    pub apps: Option<AppSelection>,

    /// The pages of MiniWoB++: the virtual environment that has the package miniwob, or their folder [default: that of
    /// VIRTUAL_ENV, of the user's Python, or of the system's]
    #[arg(long, value_name = "FOLDER", help_heading = "MiniWoB++")]
    pub pages: Option<PathBuf>,

    /// AndroidWorld's own server, with its tasks and their scores, in place of the virtual phone [such as http://127.0.0.1:5000]
    #[arg(long, value_name = "URL", help_heading = "AndroidWorld")]
    pub server: Option<String>,

    #[command(flatten)]
    pub osworld: OsworldArguments,
    #[command(flatten)]
    pub weather: WeatherArguments,
    #[command(flatten)]
    pub model: ModelArguments,
    #[command(flatten)]
    pub limits: LimitArguments,
    #[command(flatten)]
    pub budgets: BudgetArguments,
}

/// What one case may use, besides its steps.
#[derive(Args, Debug)]
#[command(next_help_heading = "Limits")]
pub struct BudgetArguments {
    /// How many minutes a case may take, before it is ended as a timeout
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub minutes: Option<u32>,

    /// How many tokens of prompts and replies a case may use, before it is ended as a timeout
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub tokens: Option<u64>,
}

/// What is done with measurements that there are.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    Compare(CompareArguments),
    Rescore(RescoreArguments),
    New(NewSuiteArguments),
    /// Fetch the files that OSWorld's tasks name by their addresses, or look whether they are right
    #[command(subcommand)]
    Assets(AssetsCommand),
}

/// What is done with files of OSWorld's tasks.
#[derive(Debug, Subcommand)]
pub enum AssetsCommand {
    Fetch(FetchAssetsArguments),
    Verify(AssetArguments),
}

/// Fetch the files of OSWorld's tasks that are not there yet; what broke off goes on
#[derive(Args, Debug)]
#[command(
    after_help = "They are called as in OSWorld's own cache, which can be named as the folder. Digests are kept in SHA256SUMS beside them. Ends with 3 if
a file could not be had.

Examples:
  tapwright bench assets fetch --tasks evaluation_examples --to cache --dry-run
  tapwright bench assets fetch --tasks evaluation_examples --to cache --domain libreoffice_calc
  tapwright bench assets fetch --tasks evaluation_examples --to cache --mirror https://hf-mirror.com"
)]
pub struct FetchAssetsArguments {
    #[command(flatten)]
    pub assets: AssetArguments,

    /// Fetch them from here: what stands in place of https://huggingface.co in their addresses
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,

    /// Only list what the tasks need
    #[arg(long)]
    pub dry_run: bool,
}

/// Look whether the files of OSWorld's tasks are there, and are what SHA256SUMS says
#[derive(Args, Debug)]
#[command(after_help = "Ends with 3 if one is missing or wrong.

Example:
  tapwright bench assets verify --tasks evaluation_examples --to cache")]
pub struct AssetArguments {
    #[command(flatten)]
    pub tasks: TaskSetArguments,

    /// The folder of files, which bench osworld takes as --assets
    #[arg(long, value_name = "FOLDER")]
    pub to: PathBuf,

    /// Only the files of this task; may be given several times
    #[arg(long, value_name = "ID")]
    pub only: Vec<String>,
}

/// Begin a suite of your own: a folder with a commented file of cases
#[derive(Args, Debug)]
#[command(after_help = "Example:
  tapwright bench new mine && tapwright bench mine --model finish")]
pub struct NewSuiteArguments {
    /// The folder, which is made
    pub folder: PathBuf,
}

/// Compare two measurements of the same cases, case by case, with a sign test
#[derive(Args, Debug)]
#[command(
    after_help = "Only cases that have a score in both count; a timeout counts as not passed. The p is how likely the better ones are shared out as unevenly as
here, or more, if neither model is better: below 0.05 it is called significant.

Example:
  tapwright bench compare 20261127-150000-phone 20261127-160000-phone"
)]
pub struct CompareArguments {
    /// A measurement: its name, or its folder
    pub a: String,
    /// Another one
    pub b: String,

    /// Compare what they have in common, though they measure different cases
    #[arg(long)]
    pub different_cases: bool,
}

/// Judge all runs of a measurement anew, by what was kept of their ends: no device and no model is needed
#[derive(Args, Debug)]
#[command(after_help = "A verdict that is another one now is added to the ledger; the old one stays in it.

Example:
  tapwright bench rescore 20261127-150000-phone
  tapwright bench rescore last --evaluator both  # a measurement of osworld, by OSWorld's own evaluator too")]
pub struct RescoreArguments {
    /// The measurement: its name, its folder, or last
    pub run: String,

    /// The folder of the suite, if it is one of your own
    #[arg(long, value_name = "FOLDER")]
    pub suite: Option<PathBuf>,

    #[command(flatten)]
    pub official: OfficialArguments,
}

/// Which of OSWorld's tasks
#[derive(Args, Debug)]
#[command(next_help_heading = "OSWorld")]
pub struct TaskSetArguments {
    /// OSWorld's tasks, which are not part of this program: a folder with examples/DOMAIN/ID.json, or a .tar.gz of one
    #[arg(long, value_name = "PATH")]
    pub tasks: Option<PathBuf>,

    /// Only tasks of this domain; may be given several times
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Vec<String>,

    /// Only the tasks that a JSON file lists by domain, as OSWorld's test_small.json does
    #[arg(long, value_name = "FILE")]
    pub ids: Option<PathBuf>,

    /// Change tasks as this file says; the set has another hash then
    #[arg(long, value_name = "FILE")]
    pub repairs: Option<PathBuf>,
}

/// What only the suite `osworld` takes; docs/osworld.md
#[derive(Args, Debug)]
#[command(next_help_heading = "OSWorld")]
pub struct OsworldArguments {
    #[command(flatten)]
    pub set: TaskSetArguments,

    /// Leave tasks out whose files have mistakes, and tell which; without it a mistake in one that is chosen ends the command
    #[arg(long)]
    pub skip_faulty: bool,

    /// The folder with the files that tasks name by their addresses, called as in OSWorld's cache (bench assets fetch
    /// gets them); without it those tasks are left out
    #[arg(long, value_name = "FOLDER")]
    pub assets: Option<PathBuf>,

    /// A machine of yours behind OSWorld's control server, osworld:URL, in place of private desktops; may be given several
    /// times, and --parallel uses as many at a time
    #[arg(long, value_name = "DEVICE")]
    pub device: Vec<String>,

    /// What brings a machine back to its beginning before each attempt: a shell's command, which finds HOST:PORT in
    /// TAPWRIGHT_MACHINE and a number from 1 in TAPWRIGHT_MACHINE_NUMBER
    #[arg(long, value_name = "COMMAND", requires = "device")]
    pub reset_command: Option<String>,

    #[command(flatten)]
    pub official: OfficialArguments,
}

/// Who scores OSWorld's tasks
#[derive(Args, Debug)]
#[command(next_help_heading = "OSWorld")]
pub struct OfficialArguments {
    /// Who scores: this program (native), OSWorld's own evaluator (official), or both, and what they do not agree on is
    /// noted [default: native]
    #[arg(long, value_name = "WHO", value_parser = ["native", "official", "both"])]
    pub evaluator: Option<String>,

    /// A checkout of OSWorld, whose evaluator is used in place of the package's
    #[arg(long, value_name = "FOLDER")]
    pub osworld_repo: Option<PathBuf>,

    /// The Python that has what OSWorld's evaluator imports [default: that of tapwright setup --osworld]
    #[arg(long, value_name = "FILE")]
    pub osworld_python: Option<PathBuf>,
}

impl OsworldArguments {
    /// The first of them that is given.
    pub fn given(&self) -> Option<&'static str> {
        let all = [
            ("--tasks", self.set.tasks.is_some()),
            ("--domain", !self.set.domain.is_empty()),
            ("--ids", self.set.ids.is_some()),
            ("--repairs", self.set.repairs.is_some()),
            ("--skip-faulty", self.skip_faulty),
            ("--assets", self.assets.is_some()),
            ("--device", !self.device.is_empty()),
            ("--evaluator", self.official.evaluator.is_some()),
            ("--osworld-repo", self.official.osworld_repo.is_some()),
            ("--osworld-python", self.official.osworld_python.is_some()),
        ];
        all.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }
}
