//! `tapwright offline`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tapwright_tasks::offline::draw::COUNT_MAX;
use tapwright_tasks::offline::import::BoxForm;

use super::shared::ModelArguments;

/// Measure a model on pictures that were taken before: asked, judged and counted one after the other
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  tapwright offline draw set --count 500            # screens of virtual phones, with what is to be touched on them
  tapwright offline infer set answers --model http://127.0.0.1:8000/v1 --model-name NAME
  tapwright offline judge set answers
  tapwright offline metric answers

  tapwright offline import screenspot_desktop_v2.json screenspotv2_image")]
pub struct OfflineArguments {
    #[command(subcommand)]
    pub command: OfflineCommand,
}

#[derive(Debug, Subcommand)]
pub enum OfflineCommand {
    Draw(DrawRecordsArguments),
    Import(ImportRecordsArguments),
    Infer(InferArguments),
    Judge(JudgeAnswersArguments),
    Metric(MetricArguments),
}

/// Draw a set of records: screens of virtual phones, their trees, and something to be touched on each
#[derive(Args, Debug)]
pub struct DrawRecordsArguments {
    /// The folder, which is made
    pub folder: PathBuf,

    /// How many
    #[arg(long, value_name = "COUNT", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=i64::from(COUNT_MAX)))]
    pub count: u32,

    /// The same seed draws the same set
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub seed: u64,
}

/// Make records of a published set's file: ScreenSpot (v1, v2), ScreenSpot-Pro, OSWorld-G
#[derive(Args, Debug)]
pub struct ImportRecordsArguments {
    /// The set's JSON file
    pub file: PathBuf,
    /// The folder with its pictures, into which records.jsonl is written
    pub images: PathBuf,

    /// What the four numbers of a box are [default: as the set has them]
    #[arg(long, value_enum)]
    pub boxes: Option<BoxFormArgument>,
}

/// `--boxes`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BoxFormArgument {
    /// Left, top, right, bottom
    Corners,
    /// Left, top, width, height
    Size,
}

impl BoxFormArgument {
    pub fn form(self) -> BoxForm {
        match self {
            BoxFormArgument::Corners => BoxForm::Corners,
            BoxFormArgument::Size => BoxForm::Size,
        }
    }
}

/// Ask a model about each record that it has not answered yet
#[derive(Args, Debug)]
pub struct InferArguments {
    /// The folder of the records
    pub set: PathBuf,
    /// The folder of the answers, which is made, or gone on with
    pub answers: PathBuf,

    #[command(flatten)]
    pub model: ModelArguments,
}

/// Judge the answers by the rules of their sets
#[derive(Args, Debug)]
pub struct JudgeAnswersArguments {
    /// The folder of the records
    pub set: PathBuf,
    /// The folder of the answers
    pub answers: PathBuf,
}

/// Count what was judged, by kind and by group
#[derive(Args, Debug)]
pub struct MetricArguments {
    /// The folder of the answers
    pub answers: PathBuf,
}
