//! Whether a model finds what it is told to touch: icons of virtual phones, taps asked from the model, the error in pixels.
//!
//! It says how well pictures, positions and the model fit together, which no unit test of any of them does. A model that has
//! learned whole tasks only may not understand so bare a request; that is counted as no tap.

use std::time::Duration;

use serde::Serialize;
use tapwright_agent::action::{Action, Call};
use tapwright_agent::prompt;
use tapwright_contract::model::ModelError;
use tapwright_contract::{Picture, Size, Spot};
use tapwright_phone::{Input, MarkContent, Options, World};

use crate::model::LoadedModel;

/// What a model did when it was told to touch.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Grounding {
    /// How often it was told to.
    pub asked: u32,
    /// How often it answered with a tap.
    pub taps: u32,
    /// How often the tap opened the right app.
    pub hits: u32,
    /// How far the taps were from the middle of what was meant, in pixels of the display: the median, and the largest.
    pub error_median: f64,
    pub error_max: f64,
    pub display: Option<(u32, u32)>,
}

/// Asks for `count` taps, on phones drawn from seeds.
///
/// # Errors
/// `ModelError` if the model does not answer.
pub async fn measure(
    opened: &mut LoadedModel,
    display: Size,
    count: u32,
    date: &str,
    within: Duration,
) -> Result<Grounding, ModelError> {
    let mut found = Grounding { display: Some((display.width, display.height)), ..Grounding::default() };
    let mut errors = Vec::new();
    for number in 0..count {
        let Size { width, height } = display;
        let mut world = World::new(Options { seed: u64::from(number), width, height, ..Options::default() });
        let app = world.apps()[number as usize % world.apps().len()];
        let picture = Picture::new(display, world.draw()).expect("a world draws its whole display");
        let told = prompt::info("System Home", None);
        let goal = format!("Tap the {} icon", app.label);
        let profile = &opened.profiles.agent;
        let asked = prompt::compose(profile, &goal, date, &[], &told, picture);
        let dialect = profile.dialect;
        let reply = opened.model.reply(&asked, within).await?;
        found.asked += 1;
        let Ok(Call::Do(Action::Tap { at, .. })) = dialect.read(&reply.text, reply.cut).call else { continue };
        let Spot { x, y, .. } = at.on(display.into());
        found.taps += 1;
        let (x, y) = (x as i32, y as i32);
        if let Some((right, down)) = middle(&world, app.label) {
            errors.push(f64::from(x - right).hypot(f64::from(y - down)));
        }
        world.input(&Input::Tap { x, y });
        found.hits += u32::from(world.front().package == app.package);
    }
    errors.sort_by(f64::total_cmp);
    found.error_median = errors.get(errors.len() / 2).copied().unwrap_or(0.0);
    found.error_max = errors.last().copied().unwrap_or(0.0);
    Ok(found)
}

/// The middle of what a touch on an app's icon reaches.
fn middle(world: &World, label: &str) -> Option<(i32, i32)> {
    world.marks().into_iter().find(|mark| mark.what == MarkContent::Word(label.to_owned())).and_then(|mark| mark.target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_app_of_the_launcher_is_a_target() {
        let mut world = World::new(Options::default());
        for app in world.apps() {
            let (x, y) = middle(&world, app.label).expect(app.label);
            let mut touched = world.clone();
            touched.input(&Input::Tap { x, y });
            assert_eq!(touched.front().package, app.package);
        }
        world.launch("com.android.settings");
        assert_eq!(middle(&world, "Messages"), None);
    }
}
