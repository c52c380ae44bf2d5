//! AndroidControl: an example is an episode, with all of its pictures, trees and actions. Its fields and actions are those of
//! <https://github.com/google-research/google-research/tree/master/android_control>.
//!
//! Directions of scrolls are where the page goes (`down` shows what lies below), against the way that a finger goes: the set's page does not
//! say so; those who evaluate on it turn them round to get at the finger's (OpenBMB/AgentCPM-GUI, `eval/eval_data/process_ac.py` at acbaf50).

use serde::Deserialize;

use super::super::rules::{Direction, RuleSet, StepAction};
use super::Level;
use super::accessibility::{Touch, widget_under};
use super::collection::{Collection, Episode, Fault, StepRecord};
use super::example::Example;

/// What a reader of this set needs: no other set has them all.
pub const KEYS: [&str; 3] = ["screenshots", "actions", "step_instructions"];

/// An action as it is written, in JSON; each type has some of the keys.
#[derive(Debug, Deserialize)]
struct Action {
    action_type: String,
    x: Option<f64>,
    y: Option<f64>,
    direction: Option<Direction>,
    text: Option<String>,
    app_name: Option<String>,
    goal_status: Option<String>,
}

/// An action in our words; or why it has none.
enum Reading {
    Step(StepAction),
    LeftOut(String),
}

/// Makes the records of an episode.
///
/// # Errors
/// What is wrong with it.
pub fn read_episode(example: &Example<'_>, collection: &mut Collection<'_>) -> Result<(), Fault> {
    let episode = example.integer("episode_id")?.to_string();
    let Episode::Wanted = collection.wants(&episode)? else { return Ok(()) };
    let goal = example.text("goal")?;
    let (screenshots, trees) = (example.bytes("screenshots")?, example.bytes("accessibility_trees")?);
    let (widths, heights) = (example.integers("screenshot_widths")?, example.integers("screenshot_heights")?);
    let (actions, instructions) = (example.texts("actions")?, example.texts("step_instructions")?);
    let wanted = actions.len() + 1;
    let found = [screenshots.len(), trees.len(), widths.len(), heights.len(), instructions.len() + 1];
    if found.iter().any(|found| *found != wanted) {
        return Err(Fault::Content(format!(
            "episode {episode}: {} actions need {wanted} screenshots, accessibility_trees, screenshot_widths and screenshot_heights, and as \
             many step_instructions as there are actions; there are {}, {}, {}, {} and {}",
            actions.len(),
            screenshots.len(),
            trees.len(),
            widths.len(),
            heights.len(),
            instructions.len(),
        )));
    }
    for (at, action) in actions.iter().enumerate() {
        if collection.is_full() {
            return Ok(());
        }
        let wrong = |why: String| format!("episode {episode}, step {at}: {why}");
        let screen = [widths[at], heights[at]];
        let action = match read_action(action, screen).map_err(wrong)? {
            Reading::Step(action) => action,
            Reading::LeftOut(reason) => {
                collection.leave_out(reason);
                continue;
            }
        };
        let screen = screen.map(|side| side as f64);
        let under = |x: f64, y: f64, touch: Touch| widget_under(trees[at], [x, y], screen, touch);
        let widget = match &action {
            StepAction::Click { x, y } => under(*x, *y, Touch::Click),
            StepAction::LongPress { x, y } => under(*x, *y, Touch::LongPress),
            _ => Ok(None),
        };
        let widget = widget.map_err(|error| wrong(format!("its accessibility tree: {error}")))?;
        let place = collection.vacant(&episode, at)?;
        let image = collection.png(&place, screenshots[at], [widths[at], heights[at]])?;
        let question = match collection.options.level {
            Level::High => goal,
            Level::Low => instructions[at],
        };
        let step = StepRecord { place, question, image, group: None };
        collection.add(step, RuleSet::AndroidControl, action, widget.into_iter().collect())?;
    }
    collection.leave_out("the last screen of an episode, on which nothing is done".to_owned());
    Ok(())
}

fn read_action(text: &str, [width, height]: [i64; 2]) -> Result<Reading, String> {
    let action: Action = serde_json::from_str(text).map_err(|error| format!("its action {text:.200}: {error}"))?;
    let missing = |key: &str| format!("its action {text:.200} has no {key}");
    let place = || match (action.x, action.y) {
        (Some(x), Some(y)) if (0.0..=width as f64).contains(&x) && (0.0..=height as f64).contains(&y) => Ok((x, y)),
        (Some(x), Some(y)) => Err(format!("it touches {x}, {y} on a screen of {width} x {height}")),
        _ => Err(missing("\"x\" and \"y\"")),
    };
    Ok(Reading::Step(match action.action_type.as_str() {
        "click" => place().map(|(x, y)| StepAction::Click { x, y })?,
        "long_press" => place().map(|(x, y)| StepAction::LongPress { x, y })?,
        "scroll" => {
            let direction = action.direction.ok_or_else(|| missing("\"direction\""))?;
            StepAction::Scroll { direction, from: None, to: None }
        }
        "input_text" => StepAction::Type { text: action.text.ok_or_else(|| missing("\"text\""))? },
        "open_app" => StepAction::OpenApp { app: action.app_name.ok_or_else(|| missing("\"app_name\""))? },
        "navigate_back" => StepAction::Back,
        "navigate_home" => StepAction::Home,
        "wait" => StepAction::Wait,
        "status" => match action.goal_status.as_deref() {
            Some("infeasible") => StepAction::Impossible,
            _ => StepAction::Complete,
        },
        "type" => return Ok(Reading::LeftOut("type: a click, a text and enter in one".to_owned())),
        other => return Ok(Reading::LeftOut(format!("{other:.40}: an action of no type that is known"))),
    }))
}
