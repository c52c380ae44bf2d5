//! Single screens in all their variety, to learn reading from.

use std::io::{self, Write};

use tapwright_phone::content::{CHATTER, EVENTS, NAMES, NOTES};
use tapwright_phone::{ADB_KEYBOARD, AppSelection, Dice, Input, Options, World};
use tapwright_smoke::TRAINING_SEEDS;

use crate::lesson::display;
use crate::record::{Caption, write_whole};

/// Writes screens from a seed on.
pub fn write(first: u64, count: u64, out: &mut dyn Write) -> io::Result<()> {
    for seed in 0..count {
        write_whole(out, &screen(TRAINING_SEEDS + first + seed), Caption::default())?;
    }
    Ok(())
}

fn screen(seed: u64) -> World {
    let mut dice = Dice::new(seed ^ 0x5C4E);
    let epoch = Options::default().epoch + dice.below(400 * 86_400) as u64;
    let (width, height) = display(&mut dice);
    // With all apps lists move by pixels, so rows stand anywhere.
    let apps = if dice.chance(45) { AppSelection::All } else { AppSelection::Basic };
    let mut world = World::new(Options { seed, epoch, width, height, apps, ..Options::default() });
    let (width, height) = world.size();
    let tap = |world: &mut World, x: i32, row: i32| {
        world.input(&Input::Tap { x: x * width as i32 / 540, y: (2 * row + 1) * height as i32 / 26 });
    };
    if dice.chance(4) {
        return world;
    }
    if dice.chance(50) {
        world.set_input_method(ADB_KEYBOARD);
    }
    // Lists of names and times are the hardest to read, so they come most often.
    let weights = [("Messages", 30), ("Contacts", 25), ("Clock", 15), ("Settings", 15), ("Notes", 9), ("Calendar", 6)];
    let mut roll = dice.below(100);
    let mut label = "Messages";
    for (name, weight) in weights {
        if roll < weight {
            label = name;
            break;
        }
        roll -= weight;
    }
    let Some(app) = world.apps().into_iter().find(|app| app.label == label) else { return world };
    world.launch(app.package);
    for _ in 0..dice.below(3) {
        let lower = height as i32 * 3 / 4;
        let far = (1 + dice.below(6) as i32) * height as i32 / 13;
        world.input(&Input::Swipe {
            from: (width as i32 / 2, lower),
            to: (width as i32 / 2, lower - far),
            millis: 300,
        });
    }
    match label {
        "Settings" | "Clock" => {
            for _ in 0..dice.below(4) {
                let row = 2 + dice.below(10) as i32;
                tap(&mut world, 490, row);
            }
        }
        "Contacts" if dice.chance(30) => {
            tap(&mut world, 200, 2 + dice.below(9) as i32);
            if dice.chance(40) {
                tap(&mut world, 200, 7);
            }
            if dice.chance(10) {
                tap(&mut world, 495, 1);
            }
        }
        "Messages" if dice.chance(40) => {
            tap(&mut world, 200, 2 + dice.below(6) as i32);
            if dice.chance(60) {
                tap(&mut world, 200, 11);
                if dice.chance(50) {
                    write_something(&mut world, &mut dice);
                }
                if dice.chance(30) {
                    let bottom = if world.input_method() == ADB_KEYBOARD { 10 } else { 7 };
                    tap(&mut world, 495, bottom);
                }
            }
        }
        "Messages" if dice.chance(10) => tap(&mut world, 495, 1),
        "Notes" | "Calendar" if dice.chance(60) => {
            tap(&mut world, 495, 1);
            if dice.chance(60) {
                write_something(&mut world, &mut dice);
                if dice.chance(30) {
                    tap(&mut world, 495, 1);
                }
            }
        }
        _ => {}
    }
    world
}

fn write_something(world: &mut World, dice: &mut Dice) {
    let text = match dice.below(4) {
        0 => dice.pick(&CHATTER).to_string(),
        1 => dice.pick(&NOTES).to_string(),
        2 => dice.pick(&EVENTS).to_string(),
        _ => format!("Call {}", dice.pick(&NAMES)),
    };
    world.input(&Input::Type(text));
}
