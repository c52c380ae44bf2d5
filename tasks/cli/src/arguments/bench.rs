//! `tapwright bench`

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use tapwright_tasks::serve::AppSelection;
use tapwright_tasks::{osworld, suites};

use super::shared::{LimitArguments, ModelArguments, WeatherArguments, one_of, share};

/// The names of the suites, each with what it measures.
fn suite_names() -> PossibleValuesParser {
    let osworld = PossibleValue::new(osworld::NAME).help("369 tasks on a desktop, which you have: --tasks PATH --list");
    let suites = suites::ALL.iter().map(|suite| PossibleValue::new(suite.name()).help(suite.about()));
    PossibleValuesParser::new(suites.chain([osworld]))
}

/// Measure a model: many cases, judged by the device's state
#[derive(Args, Debug)]
#[command(
    after_help = "A run passes if the model says that it is done and the phone's state says so too. One that says nothing about the
model (the device was lost, a server could not be reached) is void, and counted apart. A suite is the same for everybody: of
tapwright.toml only the model, the folder of runs and where ONNX Runtime is count. suite.json in the record says all that was measured.

Examples:
  tapwright bench smoke --seeds 100
  tapwright bench smoke --seeds 100 --model finish  # the floor: it only says that it is done
  tapwright bench smoke --seeds 100 --model taps  # chance: it touches anything
  tapwright bench smoke --seeds 20 --template note --json
  tapwright bench edge-cases --seeds 60
  tapwright bench phone --seeds 600  # also by kind, with what was changed unasked
  tapwright bench osworld --tasks evaluation_examples --list --domain vlc"
)]
pub struct BenchArguments {
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

    /// With all, each case's phone has all apps; with basic, those that the case asks for [default: basic]
    #[arg(long, value_name = "APPS", value_parser = one_of(&AppSelection::NAMES), help_heading = "Virtual phone")]
    pub apps: Option<AppSelection>,

    #[command(flatten)]
    pub osworld: OsworldArguments,
    #[command(flatten)]
    pub weather: WeatherArguments,
    #[command(flatten)]
    pub model: ModelArguments,
    #[command(flatten)]
    pub limits: LimitArguments,
}

/// What only the suite `osworld` takes; docs/osworld.md
#[derive(Args, Debug)]
#[command(next_help_heading = "OSWorld")]
pub struct OsworldArguments {
    /// OSWorld's tasks, which are not part of this program: a folder with examples/DOMAIN/ID.json, or a .tar.gz of one
    #[arg(long, value_name = "PATH")]
    pub tasks: Option<PathBuf>,

    /// Check the tasks and list them
    #[arg(long)]
    pub list: bool,

    /// Only tasks of this domain; may be given several times
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Vec<String>,

    /// Only the task with this id, or a beginning of it; may be given several times
    #[arg(long, value_name = "ID")]
    pub only: Vec<String>,

    /// Only the tasks that a JSON file lists by domain, as OSWorld's test_small.json does
    #[arg(long, value_name = "FILE")]
    pub ids: Option<PathBuf>,

    /// Change tasks as this file says; the set has another hash then
    #[arg(long, value_name = "FILE")]
    pub repairs: Option<PathBuf>,
}

impl OsworldArguments {
    /// The first of them that is given.
    pub fn given(&self) -> Option<&'static str> {
        let all = [
            ("--tasks", self.tasks.is_some()),
            ("--list", self.list),
            ("--domain", !self.domain.is_empty()),
            ("--only", !self.only.is_empty()),
            ("--ids", self.ids.is_some()),
            ("--repairs", self.repairs.is_some()),
        ];
        all.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }
}
