//! Episodes of an oracle that is sometimes led astray, cut into steps: prompt, picture, reply.

use std::io::{self, Write};

use tapwright_phone::{ADB_KEYBOARD, Dice, Input, Key, World};
use tapwright_smoke::{self as smoke, Errand, Task};

use crate::oracle::{Advice, OracleAction, advise};
use crate::record::{write_text, write_whole};

const STEPS_MAX: usize = 30;

/// Writes the steps of episodes from a seed on.
pub fn write(first: u64, count: u64, with_pictures: bool, out: &mut dyn Write) -> io::Result<()> {
    let write = if with_pictures { write_whole } else { write_text };
    let mut written = 0;
    for seed in 0.. {
        for Step { world, turns, reply, .. } in steps(smoke::TRAINING_SEEDS + first + seed) {
            write(out, &world, &turns, &reply)?;
            written += 1;
            if written == count {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// One step of an episode.
#[derive(Clone, Debug)]
pub struct Step {
    /// The phone before the step.
    pub world: World,
    pub goal: String,
    /// The prompt as (role, text); the picture stands before the text of the last one.
    pub turns: Vec<(&'static str, String)>,
    /// What should be answered, without the token that ends it.
    pub reply: String,
}

/// The episode of a seed.
pub fn steps(seed: u64) -> Vec<Step> {
    let mut dice = Dice::new(seed ^ 0xDA7A);
    let task = smoke::task(seed);
    let mut world = World::new(task.phone.clone());
    set_the_stage(&mut world, &task, &mut dice);
    let start = world.facts();
    let mut at = 0;
    let mut steps = Vec::new();
    let mut first_turn = String::new();
    let mut last_reply: Option<String> = None;
    for _ in 0..STEPS_MAX {
        let facts = world.facts();
        let is_done = |errand: &Errand| done(errand, &start, &facts);
        let Some(Advice { thought, deed }) = advise(&task.errands, &mut at, &world, is_done) else { break };
        let front = if world.page().is_none() { "System Home" } else { world.front().label };
        let info = format!("{{\"current_app\": \"{front}\"}}");
        let mut turns = Vec::new();
        match &last_reply {
            None => {
                first_turn = format!("{}\n\n{info}", task.goal);
                turns.push(("user", first_turn.clone()));
            }
            Some(last) => {
                turns.push(("user", first_turn.clone()));
                turns.push(("assistant", format!("{last}</answer>")));
                turns.push(("user", format!("** Screen Info **\n\n{info}")));
            }
        }
        let reply = format!("<think>{thought}</think><answer>{}", deed.text());
        steps.push(Step { world: world.clone(), goal: task.goal.clone(), turns, reply: reply.clone() });
        last_reply = Some(reply);
        // Sometimes a touch misses: whoever learns from this has to look whether it worked.
        if dice.chance(6) && !matches!(deed, OracleAction::Finish) {
            continue;
        }
        if deed == OracleAction::Finish {
            break;
        }
        perform(&deed, &mut world);
        world.advance(world.uptime() + 1000 + dice.below(4000) as u64);
    }
    steps
}

/// Where the phone happens to be when the task is set.
fn set_the_stage(world: &mut World, task: &Task, dice: &mut Dice) {
    if dice.chance(20) {
        world.set_input_method(ADB_KEYBOARD);
    }
    // Sometimes a switch is as it should be from the beginning.
    if dice.chance(10) {
        for errand in &task.errands {
            let fact = match errand {
                Errand::Switch { fact, on, .. } => Some((format!("{fact}.on"), on)),
                Errand::Alarm { time, on } => Some((format!("alarms.{time}.on"), on)),
                Errand::Favourite { name, on } => Some((format!("contacts.{name}.favourite"), on)),
                Errand::Message { .. } | Errand::Note { .. } | Errand::Event { .. } => None,
            };
            if let Some((fact, on)) = fact {
                let _ = world.set_fact(&fact, &on.to_string());
            }
        }
    }
    if dice.chance(70) {
        return;
    }
    // Sometimes an app is open already, perhaps on some other page.
    let app = *dice.pick(&world.apps());
    world.launch(app.package);
    let (width, height) = world.size();
    if dice.chance(50) {
        let row = 2 + dice.below(6) as i32;
        let x = if dice.chance(70) { 100 } else { 495 };
        // Not in Settings, where a touch would turn something.
        if app.label == "Messages" || app.label == "Contacts" || app.label == "Notes" {
            world.input(&Input::Tap { x: x * width as i32 / 540, y: (2 * row + 1) * height as i32 / 26 });
        }
    }
    if dice.chance(30) {
        world.input(&Input::Press(Key::Home));
    }
}

/// Whether what leaves no lasting sign on the screen has been done since the start.
fn done(
    errand: &Errand,
    start: &std::collections::BTreeMap<String, String>,
    now: &std::collections::BTreeMap<String, String>,
) -> bool {
    let fact = match errand {
        Errand::Message { name, .. } => format!("messages.{name}.count"),
        Errand::Note { .. } => "notes.count".into(),
        Errand::Event { .. } => "calendar.0.count".into(),
        Errand::Switch { .. } | Errand::Alarm { .. } | Errand::Favourite { .. } => return false,
    };
    start.get(&fact) != now.get(&fact)
}

/// Carries out what the driver would.
fn perform(deed: &OracleAction, world: &mut World) {
    let (width, height) = world.size();
    let pixel = |x: i32, y: i32| (x * width as i32 / 1000, y * height as i32 / 1000);
    match deed {
        OracleAction::Launch(label) => {
            let app = world.apps().iter().find(|app| app.label == *label).copied();
            assert!(app.is_some_and(|app| world.launch(app.package)), "the oracle knows the apps");
        }
        OracleAction::Tap(x, y) => {
            let (x, y) = pixel(*x, *y);
            world.input(&Input::Tap { x, y });
        }
        OracleAction::Type(text) => {
            world.set_input_method(ADB_KEYBOARD);
            world.input(&Input::Clear);
            world.input(&Input::Type(text.clone()));
        }
        OracleAction::SwipeUp => world.input(&Input::Swipe { from: pixel(500, 750), to: pixel(500, 350), millis: 500 }),
        OracleAction::Back => world.input(&Input::Press(Key::Back)),
        OracleAction::Finish => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a model is taught must be right: nearly every episode that starts untouched ends as the judge wants it.
    #[test]
    fn the_oracle_does_what_it_is_asked() {
        let mut failed = Vec::new();
        for seed in 0..600 {
            let task = smoke::task(seed);
            let mut world = World::new(task.phone.clone());
            let start = world.facts();
            let mut at = 0;
            for _ in 0..STEPS_MAX {
                let facts = world.facts();
                match advise(&task.errands, &mut at, &world, |errand| done(errand, &start, &facts)) {
                    Some(Advice { deed: OracleAction::Finish, .. }) | None => break,
                    Some(Advice { deed, .. }) => perform(&deed, &mut world),
                }
            }
            if let Some(why) = smoke::judge(&task, &start, &world.facts()) {
                failed.push(format!("{seed} {}: {why}", task.goal));
            }
        }
        assert!(failed.is_empty(), "{} of 600: {:#?}", failed.len(), &failed[..failed.len().min(5)]);
    }
}
