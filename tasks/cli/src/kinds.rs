//! Tells before a run that a goal, or the device, is of no kind that the model was trained for.

use tapwright_tasks::device::{DeviceAddress, DeviceKind};
use tapwright_tasks::model::{ModelOptions, profiles};
use tapwright_tasks::plan::{Goal, Plan, Work};
use tapwright_tasks::profile::{DisplayRatio, Shipped, TrainedGoals};
use tapwright_tasks::session::Session;

use crate::error::CliError;
use crate::output;

const GOAL_COLUMNS: usize = 60;

/// A goal of a plan is known whole only when what others found out is put in.
const PLACEHOLDER: &str = "{{";

/// Refuses a goal that the model would get wrong, unless somebody wants to see that.
///
/// # Errors
/// `CliError` with the kinds in words.
pub fn check(options: &ModelOptions, goal: &str, anyway: bool) -> Result<(), CliError> {
    let Some(trained) = trained_goals(options).filter(|trained| !anyway && !trained.fits(goal)) else { return Ok(()) };
    Err(untrained_error(&trained, &of_no_kind(goal)))
}

/// The same of a plan: its goals in their words, and whether the model can give back what they are to find out.
///
/// # Errors
/// As there.
pub fn check_plan(options: &ModelOptions, plan: &Plan, anyway: bool) -> Result<(), CliError> {
    let Some(trained) = trained_goals(options).filter(|_| !anyway) else { return Ok(()) };
    match unfit_goals(&trained, plan).first() {
        Some((_, why)) => Err(untrained_error(&trained, why)),
        None => Ok(()),
    }
}

/// The goals of a plan that the model would get wrong, by their names, each with the reason: for whoever only reads the plan.
pub fn untrained_goals<'a>(options: &ModelOptions, plan: &'a Plan) -> Vec<(&'a str, String)> {
    trained_goals(options).map_or_else(Vec::new, |trained| unfit_goals(&trained, plan))
}

fn unfit_goals<'a>(trained: &TrainedGoals, plan: &'a Plan) -> Vec<(&'a str, String)> {
    let for_models = plan.all_goals().into_iter().filter(|goal| matches!(goal.work, Work::Words));
    let unfit = for_models.filter_map(|goal| Some((goal.name.as_str(), misfit(trained, goal)?)));
    unfit.collect()
}

/// Why the model would get a goal of a plan wrong, if it would.
fn misfit(trained: &TrainedGoals, goal: &Goal) -> Option<String> {
    let words = goal.goal.get_ref();
    if !words.contains(PLACEHOLDER) && !trained.fits(words) {
        return Some(of_no_kind(words));
    }
    (!goal.output.is_empty() && !trained.outputs).then(|| {
        format!("{:?} has outputs, and this model says only that a goal is done, not what it found", shown(words))
    })
}

fn of_no_kind(goal: &str) -> String {
    format!("{:?} is of no kind of goal that this model was trained for", shown(goal))
}

/// As much of a goal as is told.
fn shown(goal: &str) -> String {
    output::fit(&output::flat(goal), GOAL_COLUMNS)
}

/// Refuses a device of a kind that the model has never seen, unless somebody wants to see what becomes of that.
///
/// # Errors
/// `CliError` with the kinds that it knows.
pub fn check_device(options: &ModelOptions, at: &DeviceAddress, anyway: bool) -> Result<(), CliError> {
    let known = profiles(options).map_or_else(|_| Vec::new(), |chosen| chosen.profiles.devices);
    let Some(kind) = at.kind().filter(|kind| !anyway && !known.is_empty() && !known.contains(kind)) else {
        return Ok(());
    };
    let nouns: Vec<&str> = known.into_iter().map(DeviceKind::noun).collect();
    let why = format!(
        "this model was trained on no {}: it knows only this kind of device: {}",
        kind.noun(),
        nouns.join(", ")
    );
    Err(CliError::usage(why).help(
        "name a model that knows it: --model http://HOST/v1 --model-name NAME, or a folder; to run this one all the same add --anyway",
    ))
}

/// Refuses a display of proportions on which the model is lost, unless somebody wants to see what becomes of that.
///
/// # Errors
/// `CliError` with the proportions that it knows.
pub async fn check_display(options: &ModelOptions, session: &mut Session, anyway: bool) -> Result<(), CliError> {
    let known = profiles(options).ok().and_then(|chosen| chosen.profiles.display_ratio);
    let Some(known) = known.filter(|_| !anyway) else { return Ok(()) };
    let Some(display) = session.display().await.filter(|display| !known.includes(*display)) else { return Ok(()) };
    let DisplayRatio(least, most) = known;
    let why = format!(
        "this model was trained on displays that are {least} to {most} times as high as wide, and this one has {display} pixels"
    );
    Err(CliError::usage(why)
        .help("turn the device upright, name a larger model with --model, or run this one all the same with --anyway"))
}

fn untrained_error(trained: &TrainedGoals, why: &str) -> CliError {
    let kinds: Vec<String> = trained.about().iter().map(|about| format!("\n  - {about}")).collect();
    CliError::usage(why).help(format!(
        "it does these, in these words:{}\nfor anything else name a larger model with --model; to run it all the same add --anyway",
        kinds.concat()
    ))
}

/// What the model was trained for; nothing if its profile does not say it, or is wrong: whoever opens it is told that.
fn trained_goals(options: &ModelOptions) -> Option<TrainedGoals> {
    profiles(options).ok()?.profiles.goals
}

/// What the small model was trained for, for the help.
pub fn of_small_model() -> Vec<String> {
    let shipped = Shipped::find("mini").ok().and_then(|mini| mini.profiles().goals);
    shipped.map(|goals| goals.about()).unwrap_or_default()
}
