//! A hand does what templates ask for, by touch, as `walks.txt` says it: so each of those can be done, and what is done passes.

#[allow(dead_code)]
#[path = "../../../../drivers/phone/tests/apps/hand.rs"]
mod hand;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use hand::Hand;
use tapwright_phone::{ADB_KEYBOARD, Input, Key, Language};
use tapwright_phone_suite::{Ending, Kind, Piece, RunEnd, Task, builtin, draw_builtin, judge};

static WALKS: LazyLock<String> =
    LazyLock::new(|| std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/walks.txt")).unwrap());
/// Tasks of each template that are walked.
const TASKS: usize = 3;
/// Files whose templates all have a walk, where something is to be done or found out.
const WHOLE: [&str; 4] = ["shop", "mail", "small_apps", "files"];

fn walks() -> BTreeMap<&'static str, Vec<&'static str>> {
    let lines = WALKS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let walk = |line: &'static str| {
        let (name, steps) = line.split_once(": ").unwrap_or_else(|| panic!("this is no walk: {line}"));
        (name, steps.split(" > ").collect())
    };
    lines.map(walk).collect()
}

/// A step with the values of a task in it.
fn fill_step(step: &str, piece: &Piece) -> String {
    let mut text = step.to_owned();
    for (slot, columns) in &piece.values {
        for (column, value) in columns {
            text = text.replace(&format!("{{{slot}.{column}}}"), value);
        }
        text = text.replace(&format!("{{{slot}}}"), &columns["is"]);
    }
    assert!(!text.contains('{'), "{step} of {piece:?}");
    text
}

/// Walks; returns how many actions it took, and what was answered.
fn walk(hand: &mut Hand, steps: &[&str], piece: &Piece) -> (usize, String) {
    let (mut actions, mut said) = (0, Vec::new());
    for step in steps {
        let step = fill_step(step, piece);
        let (verb, what) = step.split_once(' ').unwrap_or((&step, ""));
        hand.world.advance(hand.world.uptime() + 3000); // What was said for a moment is gone.
        actions += usize::from(!["see", "say", "show"].contains(&verb));
        match verb {
            "open" => assert!(hand.world.launch(what), "{what}"),
            "tap" => {
                let _ = hand.tap(what);
            }
            "first" => {
                let _ = hand.tap_first(what);
            }
            "hold" => {
                let _ = hand.hold(what);
            }
            "seek" => {
                let _ = hand.seek(what);
            }
            "write" => {
                let _ = hand.write(what);
            }
            "field" => {
                let _ = hand.field(what.parse().unwrap());
            }
            "keys" => {
                what.chars().for_each(|key| {
                    let _ = hand.tap(&key.to_string());
                });
                actions += what.chars().count() - 1;
            }
            "key" => {
                let _ = hand.press(match what {
                    "Enter" => Key::Enter,
                    "Back" => Key::Back,
                    "SelectAll" => Key::SelectAll,
                    other => panic!("there is no key {other}"),
                });
            }
            "photo" => {
                let tree = hand.world.hierarchy();
                let node = tree.split("<node").find(|node| node.contains(":id/picture\"")).expect("a photo");
                let bounds = node.split("bounds=\"").nth(1).unwrap().split('"').next().unwrap();
                let numbers: Vec<i32> =
                    bounds.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
                let (x, y) = ((numbers[0] + numbers[2]) / 2, (numbers[1] + numbers[3]) / 2);
                hand.world.input(&Input::Tap { x, y });
            }
            "show" => {
                let mut left = 40;
                while !hand.shows(what) {
                    left -= 1;
                    assert!(0 < left, "there is no `{what}` however far one scrolls");
                    hand.scroll(200);
                }
            }
            "see" | "say" => {
                assert!(hand.shows(what), "`{what}` is not in: {}", hand.words());
                said.extend((verb == "say").then(|| what.to_owned()));
            }
            other => panic!("there is no step {other}"),
        }
    }
    (actions, said.join(" "))
}

/// Tasks of a template in English, whose words the walks have.
fn tasks(template: &str) -> Vec<Task> {
    let drawn = (0..200).map(|seed| draw_builtin(template, seed).unwrap_or_else(|why| panic!("{template}: {why}")));
    drawn.filter(|task| task.language == Language::English).take(TASKS).collect()
}

fn check_walk(name: &str, steps: &[&str], task: &Task) {
    let mut hand = Hand { world: task.world().unwrap() };
    hand.world.set_input_method(ADB_KEYBOARD);
    let start = hand.world.facts();
    let (actions, message) = walk(&mut hand, steps, &task.pieces[0]);
    let ending = Ending { end: Some(RunEnd::Done), id: "done".to_owned(), message };
    let why = judge(task, &start, &hand.world.facts(), &ending);
    assert_eq!(why, None, "{name} seed {}: {}", task.seed, task.goal);
    let allowed = builtin().steps(builtin().template(name).unwrap()) as usize;
    assert!(actions <= allowed + 4, "{name}: {actions} actions, and the template says {allowed}");
}

#[test]
fn what_a_hand_does_passes() {
    // All that cannot be done, and not only the first; why has been printed by then.
    let mut failed = BTreeSet::new();
    for (name, steps) in walks() {
        for task in tasks(name) {
            if catch_unwind(AssertUnwindSafe(|| check_walk(name, &steps, &task))).is_err() {
                failed.insert(format!("{name} seed {}", task.seed));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

/// Errands are walked too, where each of their parts can be: one part after the other on one phone.
#[test]
fn errands_can_be_done_part_by_part() {
    let walks = walks();
    let mut longest = 0;
    let mut walked = BTreeSet::new();
    for template in builtin().templates() {
        let parts = &template.parts;
        if parts.is_empty()
            || template.kind != Kind::Does
            || !parts.iter().all(|part| walks.contains_key(part.as_str()))
        {
            continue;
        }
        for task in tasks(&template.name) {
            let mut hand = Hand { world: task.world().unwrap() };
            hand.world.set_input_method(ADB_KEYBOARD);
            let start = hand.world.facts();
            let mut actions = 0;
            for piece in &task.pieces {
                actions += walk(&mut hand, &walks[piece.template.as_str()], piece).0;
            }
            let ending = Ending { end: Some(RunEnd::Done), id: "done".to_owned(), message: String::new() };
            let why = judge(&task, &start, &hand.world.facts(), &ending);
            assert_eq!(why, None, "{} seed {}: {}", template.name, task.seed, task.goal);
            longest = longest.max(actions);
            walked.insert(template.name.clone());
        }
    }
    assert!(2 <= walked.len() && 15 <= longest, "{walked:?} {longest}");
}

#[test]
fn every_template_of_the_newer_apps_has_a_walk() {
    let walks = walks();
    for file in WHOLE {
        let path = format!("{}/templates/{file}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        for name in text.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')) {
            let Some(template) = builtin().template(name) else { continue };
            let is_done = matches!(template.kind, Kind::Does | Kind::Lookalike | Kind::Answer);
            assert!(!is_done || walks.contains_key(name), "{name} has no walk");
        }
    }
}
