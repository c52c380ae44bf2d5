//! Running a goal or a plan, going on with runs, and looking at them.

use std::path::PathBuf;

use clap::Args;
use tapwright_tasks::judge::Fact;

use crate::kinds::of_small_model;

use super::shared::{
    AskArguments, DeviceArguments, LimitArguments, ModelArguments, PhoneArguments, PresetArgument, WeatherArguments,
    fact, named_value,
};

const RUN_HELP: &str = r#"A person at the terminal, or in a browser with --ask or --watch, is asked when the model marks a tap as sensitive, wants somebody
to take over or to choose, and when the policy says so. Without one the run ends with `needs-person`. Ctrl-C stops within one step; a second Ctrl-C kills.

Examples:
  tapwright run 'Turn Dark theme on' --start dark.on=false --expect dark.on=true
  tapwright run --task radio-then-message --seed 7
  tapwright run 'Send "on my way" to Ben' --device R58M31ABCDE --model http://127.0.0.1:8000/v1 --model-name MODEL
  tapwright run 'Order my usual lunch' --device R58M31ABCDE --ask 127.0.0.1:8790 --ask-within 2h
  tapwright run 'Turn Dark theme on' --watch --open

The small model knows these kinds of goal on the virtual phone, in these words of English:
"#;

/// The kinds are those of the small model's profile: nobody can forget to write one here.
fn run_help() -> String {
    let kinds: Vec<String> = of_small_model().into_iter().map(|about| format!("  - {about}\n")).collect();
    let rest = "\nA goal of no such kind is told before anything is touched; --anyway has it tried all the same, and what the model then says of
it is worth nothing. For anything else name a larger model with --model.";
    format!("{RUN_HELP}{}{rest}", kinds.concat())
}

/// Reach a goal on a phone, a desktop or in a browser
#[derive(Args, Debug)]
#[command(
    after_help = run_help()
)]
pub struct RunArguments {
    /// What is wanted, in your words
    #[arg(conflicts_with_all = ["task", "plan"])]
    pub goal: Option<String>,

    /// A case of a suite in place of a goal, by its template, drawn from --seed; it brings its own phone and expectations
    #[arg(long, value_name = "TEMPLATE", conflicts_with_all = ["start", "expect", "device", "size"])]
    pub task: Option<String>,

    /// A plan in place of a goal: sub-goals, and steps that need no model, in a file; docs/plans.md
    #[arg(long, value_name = "FILE", conflicts_with_all = ["task", "start", "expect"])]
    pub plan: Option<PathBuf>,

    /// Only read the plan and the tables that it names, and say what is wrong: no device and no model is asked
    #[arg(long, requires = "plan")]
    pub check: bool,

    /// A value that the plan takes, by its name in the file; may be given again. It stays in the record and in the shell's history: a
    /// secret is named in the plan, {{secret:NAME}}, and comes from where [policy.secrets] says
    #[arg(long, requires = "plan", value_name = "NAME=VALUE", value_parser = named_value)]
    pub set: Vec<(String, String)>,

    /// Make a fact true before the run; may be given again. docs/phone.md lists them
    #[arg(long, value_name = "FACT=VALUE", value_parser = fact)]
    pub start: Vec<Fact>,

    /// What has to be true in the end, read from the phone's state; may be given again
    #[arg(long, value_name = "FACT=VALUE", value_parser = fact)]
    pub expect: Vec<Fact>,

    /// Run though the goal, or the device, is of no kind that the model was trained for
    #[arg(long)]
    pub anyway: bool,

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
pub struct PlanArguments {
    /// What is wanted, in your words
    pub goal: String,

    /// Where the plan goes; nothing that is there is overwritten
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    #[command(flatten)]
    pub model: ModelArguments,
}

/// Go on with a run that broke off, was stopped, or waits for a person, a model or a device
#[derive(Args, Debug)]
#[command(
    after_help = "It looks at the screen again and repeats nothing that may have happened: the model is told, and what cannot be taken
back is done again only where the screen shows that it did not happen, or when a person says so. The record goes on in
the same folder, under the same limits, and by a policy that is at least as strict. A run that has ended otherwise stays as it is;
see docs/runs.md. Its own virtual phone is gone with the process of a run: `tapwright phone` serves one that stays.

Examples:
  tapwright resume last
  tapwright resume 20261123-231805-042-turn-wi-fi-on --device 127.0.0.1:5555"
)]
pub struct ResumeArguments {
    /// A run's name or a plan's, its folder, or `last`
    pub run: String,

    #[command(flatten)]
    pub again: ContinueArguments,
}

/// Write a run out as a workflow, which needs no model to be done again
#[derive(Args, Debug)]
#[command(
    after_help = "Each touch is written by what is on the thing that was touched, and its kind; texts and calls as they were, secrets by their
names. What the screen says decides when it is done again, and never a place: where a label is missing, or there twice, the steps that
are left are handed over to the model, if one is named, or it stops (exit code 10). docs/plans.md says what can be changed in it.

The record has to tell what is written where something was touched: it does by the policy `careful`, or with
without_labels = \"ask\" under [policy].

Examples:
  tapwright workflow last --out report.toml
  tapwright run --plan report.toml --device desktop:private"
)]
pub struct WorkflowArguments {
    /// A run's name, its folder, or `last`
    pub run: String,

    /// Where the workflow goes; nothing that is there is overwritten
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
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
  tapwright judge 20261123-231805-042-turn-wi-fi-on --device 127.0.0.1:5555"
)]
pub struct JudgeArguments {
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
#[command(
    after_help = "The steps are copied, not done again: the device is taken as it is now. Of a run on its own virtual phone, which is gone,
name a phone that is there.

Examples:
  tapwright fork last --at 3
  tapwright fork last --at 3 --device 127.0.0.1:5555 --another-phone"
)]
pub struct ForkArguments {
    /// A run's name, its folder, or `last`
    pub run: String,

    /// How many steps are taken over
    #[arg(long, value_name = "STEPS")]
    pub at: u32,

    #[command(flatten)]
    pub again: ContinueArguments,
}

/// What takes the place of what the run was begun with.
#[derive(Args, Debug, Default)]
pub struct ContinueArguments {
    /// Go on though the device is another one than the run was on: by the policy that is usual for this one, or a stricter one
    #[arg(long, visible_alias = "another-phone", requires = "device")]
    pub another_device: bool,

    /// Which actions need a person's approval; never fewer than when the run began [default: trusting on the virtual phone,
    /// careful on any other]
    #[arg(long, value_name = "PRESET", value_enum)]
    pub policy: Option<PresetArgument>,

    #[command(flatten)]
    pub device: DeviceArguments,
    #[command(flatten)]
    pub model: ModelArguments,
    #[command(flatten)]
    pub ask: AskArguments,
}

/// Show a run again, without device or model
#[derive(Args, Debug)]
#[command(
    after_help = "It also checks that the record is sound: that each step follows from what was seen and answered.

Of a plan it shows the last run, and the page has all of them; of a suite it writes a page of its runs.

Examples:
  tapwright replay last
  tapwright replay 20261123-231805-042-turn-wi-fi-on --html run.html"
)]
pub struct ReplayArguments {
    /// A run's name, its folder, or `last`
    pub run: String,

    /// Write one page for a browser, with the screens and what was touched on them
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// List the runs that were kept, the latest first
#[derive(Args, Debug)]
pub struct RunsArguments {
    /// How many at most
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub most: u32,
}
