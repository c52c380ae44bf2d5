//! `tapwright bench`

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use tapwright_tasks::serve::AppSelection;
use tapwright_tasks::suites;

use super::shared::{LimitArguments, ModelArguments, WeatherArguments, one_of, share};

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
  tapwright bench smoke --seeds 100 --model finish  # the floor: it only says that it is done
  tapwright bench smoke --seeds 100 --model taps  # chance: it touches anything
  tapwright bench smoke --seeds 20 --template note --json
  tapwright bench edge-cases --seeds 60
  tapwright bench phone --seeds 600  # also by kind, with what was changed unasked"
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
    pub weather: WeatherArguments,
    #[command(flatten)]
    pub model: ModelArguments,
    #[command(flatten)]
    pub limits: LimitArguments,
}
