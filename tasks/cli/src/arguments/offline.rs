//! `tapwright offline`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tapwright_tasks::offline::draw::COUNT_MAX;
use tapwright_tasks::offline::import::{BoxForm, EpisodeList, ImportOptions, Level, SetFormat};

use super::shared::ModelArguments;

/// Measure a model on pictures that were taken before: asked, judged and counted one after the other
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  tapwright offline draw set --count 500            # screens of virtual phones, with what is to be touched on them
  tapwright offline infer set answers --model http://127.0.0.1:8000/v1 --model-name NAME
  tapwright offline judge set answers
  tapwright offline metric answers

  tapwright offline import screenspot_desktop_v2.json screenspotv2_image
  tapwright offline import android_control set --splits android_control/splits.json --part test
  tapwright offline traces logs/evaluation/test --lengths ground_truth_length.json")]
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
    Traces(TracesArguments),
}

/// Draw a set of records: screens of virtual phones, their trees, and something to be touched on each
#[derive(Args, Debug)]
pub struct DrawRecordsArguments {
    /// The folder, which is made; one that is there has to be empty
    pub folder: PathBuf,

    /// How many
    #[arg(long, value_name = "COUNT", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=i64::from(COUNT_MAX)))]
    pub count: u32,

    /// The same seed draws the same set
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub seed: u64,
}

/// Make records of a published set's files, which you have: ScreenSpot, AndroidControl, Android in the Wild, GUI-Odyssey and others
///
/// Which set it is, is seen from its content. What is written is records.jsonl, at the end and as a whole: an import of recorded runs that
/// broke off goes on, with the same command, with the file that it was at. What becomes no record is counted, with the reason.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  tapwright offline import screenspot_desktop_v2.json screenspotv2_image   # a JSON file, and the folder of its pictures
  tapwright offline import android_control set                             # a folder of TFRecord shards, and a new folder
  tapwright offline import android_control set --splits android_control/splits.json --part test --level low
  tapwright offline import general-00000-of-00321 set --episodes 100       # of Android in the Wild, one part a folder
  tapwright offline import GUI-Odyssey/data GUI-Odyssey/data/screenshots   # annotations, and the folder of the screenshots
  tapwright offline import logs/evaluation/test set --results results.jsonl   # traces of AndroidLab, of tasks that were done")]
pub struct ImportRecordsArguments {
    /// The set's files, or the folder that they are in
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Where records.jsonl is written: the folder with the set's pictures (ScreenSpot, OSWorld-G, GUI-Odyssey), or a new one for them
    pub folder: PathBuf,

    /// Which set it is [default: as its content says]
    #[arg(long, value_enum)]
    pub format: Option<SetFormatArgument>,

    /// What the model is asked at a step: the goal of the run, or the instruction for the step
    #[arg(long, value_enum, default_value = "high")]
    pub level: LevelArgument,

    /// Only episodes that a list of this file names: a JSON object of lists, as the sets' splits.json
    #[arg(long, value_name = "FILE")]
    pub splits: Option<PathBuf>,

    /// Which of its lists
    #[arg(long, value_name = "NAME", default_value = "test", requires = "splits")]
    pub part: String,

    /// At most so many episodes of recorded runs, the first ones
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub episodes: Option<u32>,

    /// At most so many records
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,

    /// Of AndroidLab, its results.jsonl: only traces of tasks that are complete there
    #[arg(long, value_name = "FILE")]
    pub results: Option<PathBuf>,

    /// Pass over records whose content is faulty, and tell of them, in place of ending at the first
    #[arg(long)]
    pub skip_faulty: bool,

    /// What the four numbers of a box are, of ScreenSpot [default: as the set has them]
    #[arg(long, value_enum)]
    pub boxes: Option<BoxFormArgument>,
}

impl ImportRecordsArguments {
    /// How it is to be done.
    pub fn options(&self) -> ImportOptions {
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        ImportOptions {
            format: self.format.map(SetFormatArgument::format),
            boxes: self.boxes.map(BoxFormArgument::form),
            level: match self.level {
                LevelArgument::High => Level::High,
                LevelArgument::Low => Level::Low,
            },
            list: self.splits.clone().map(|file| EpisodeList { file, part: self.part.clone() }),
            episodes_max: self.episodes.map(count),
            records_max: self.limit.map(count),
            results: self.results.clone(),
            skip_faulty: self.skip_faulty,
        }
    }
}

/// `--format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SetFormatArgument {
    /// ScreenSpot (v1, v2), ScreenSpot-Pro, OSWorld-G: a JSON list
    Screenspot,
    /// AndroidControl: TFRecord shards, an episode a record
    AndroidControl,
    /// Android in the Wild: TFRecord shards, a step a record
    Aitw,
    /// GUI-Odyssey: a JSON file an episode
    GuiOdyssey,
    /// Traces of AndroidLab: a folder a trace
    Androidlab,
}

impl SetFormatArgument {
    fn format(self) -> SetFormat {
        match self {
            SetFormatArgument::Screenspot => SetFormat::ScreenSpot,
            SetFormatArgument::AndroidControl => SetFormat::AndroidControl,
            SetFormatArgument::Aitw => SetFormat::Aitw,
            SetFormatArgument::GuiOdyssey => SetFormat::GuiOdyssey,
            SetFormatArgument::Androidlab => SetFormat::AndroidLab,
        }
    }
}

/// `--level`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LevelArgument {
    /// What the whole run is for
    High,
    /// What is to be done next, of sets that say it
    Low,
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

/// Say what traces of AndroidLab tell without a judge: screens that changed, actions that came too often, steps beside a person's
///
/// Whether a task was done AndroidLab judges by a function for each task and, for questions, by another model. Neither is here: what its
/// generate_result.py has judged is read with --results, and without it there is no success rate.
#[derive(Args, Debug)]
pub struct TracesArguments {
    /// The folder with the traces, each a folder with traces/trace.jsonl, Screen and xml
    pub folder: PathBuf,

    /// Its results.jsonl: which tasks were done
    #[arg(long, value_name = "FILE")]
    pub results: Option<PathBuf>,

    /// Its ground_truth_length.json: how many steps a person took for each task
    #[arg(long, value_name = "FILE")]
    pub lengths: Option<PathBuf>,
}
