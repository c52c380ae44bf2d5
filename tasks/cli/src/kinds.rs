//! Tells before a run that a goal, or the device, is of no kind that the model was trained for.

use tapwright_tasks::device::{DeviceAddress, DeviceKind};
use tapwright_tasks::model::{ModelOptions, profiles};
use tapwright_tasks::profile::{Shipped, TrainedGoals};

use crate::error::CliError;
use crate::output;

/// So much of a goal is told.
const GOAL_COLUMNS: usize = 60;

/// A goal of a plan is known whole only when what others found out is put in.
const PLACEHOLDER: &str = "{{";

/// Refuses a goal that the model would get wrong, unless somebody wants to see that.
///
/// # Errors
/// `CliError` with the kinds in words.
pub fn check(options: &ModelOptions, goal: &str, anyway: bool) -> Result<(), CliError> {
    match trained_goals(options) {
        Some(trained) if !anyway && !trained.fits(goal) => {
            let shown = output::fit(&output::flat(goal), GOAL_COLUMNS);
            Err(untrained_error(&trained, &format!("{shown:?} is of no kind of goal that this model was trained for")))
        }
        _ => Ok(()),
    }
}

/// The same of a plan: its goals in their words, and whether the model can give back what they are to find out.
///
/// # Errors
/// As there.
pub fn check_plan<'a>(
    options: &ModelOptions,
    goals: impl Iterator<Item = (&'a str, bool)>,
    anyway: bool,
) -> Result<(), CliError> {
    for (goal, has_outputs) in goals {
        if !goal.contains(PLACEHOLDER) {
            check(options, goal, anyway)?;
        }
        if let Some(trained) = trained_goals(options).filter(|trained| has_outputs && !anyway && !trained.outputs) {
            let shown = output::fit(&output::flat(goal), GOAL_COLUMNS);
            let why = format!("{shown:?} has outputs, and this model says only that a goal is done, not what it found");
            return Err(untrained_error(&trained, &why));
        }
    }
    Ok(())
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
