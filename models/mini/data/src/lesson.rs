//! What an episode of training is about: a goal, the phone that it starts on, and what is to be done.

use std::collections::BTreeMap;

use tapwright_phone::{AppSelection, Dice, Options, World};
use tapwright_smoke::{self as smoke, Errand, likeness};

use crate::phrases::{self, Part};
use crate::untrained_goals;
use crate::words;

/// Seeds from here on, counted from the first of training, are for what training is stopped by: other phrasings, other worlds.
pub const HELD_OUT_SEEDS: u64 = 1 << 39;

/// What an episode is about.
#[derive(Clone, Debug)]
pub struct Lesson {
    pub kind: LessonKind,
    /// What the model is told.
    pub goal: String,
    /// What is to be done, in turn; nothing if the goal is to be given up.
    pub errands: Vec<Errand>,
    /// The phone before anything is made true of it.
    pub phone: Options,
    /// Whether the goal asks how the one errand's thing is, and wants nothing changed.
    pub is_question: bool,
    /// Whether things come up meanwhile: notices, questions of the system, pages that are late.
    pub is_disturbed: bool,
}

/// The kinds of episode, to tell rates apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LessonKind {
    /// In the smoke suite's words.
    Known,
    /// The same errands in other words.
    Reworded,
    /// Who or what is asked for is not there.
    Absent,
    /// How something is.
    Question,
    /// The goal is none of the model's.
    Beyond,
}

impl LessonKind {
    /// What it is called in records.
    pub fn name(self) -> &'static str {
        match self {
            LessonKind::Known => "known",
            LessonKind::Reworded => "reworded",
            LessonKind::Absent => "absent",
            LessonKind::Question => "question",
            LessonKind::Beyond => "beyond",
        }
    }
}

/// The lesson of a seed.
pub fn lesson(seed: u64) -> Lesson {
    let mut dice = Dice::new(seed ^ 0x1E55_0A11);
    let part = if seed < smoke::TRAINING_SEEDS + HELD_OUT_SEEDS { Part::Training } else { Part::HeldOut };
    let task = smoke::task(seed);
    let is_disturbed = dice.chance(25);
    let (width, height) = display(&mut dice);
    // With all apps rows are of the same height on every display and move by pixels, and there is more to be mistaken for what is asked.
    let apps = if dice.chance(40) { AppSelection::All } else { task.phone.apps };
    let phone = Options { width, height, apps, ..task.phone };
    let facts = World::new(phone.clone()).facts();
    let mut is_question = false;
    let (kind, goal, errands) = match dice.below(100) {
        0..20 => (LessonKind::Known, task.goal, task.errands),
        20..24 => {
            let errands = two_switches(&facts, &mut dice);
            (LessonKind::Reworded, phrases::both(&errands, part, &mut dice), errands)
        }
        24..49 => {
            let errands = errands(&facts, &mut dice);
            (LessonKind::Reworded, phrases::goal(&errands, part, &mut dice), errands)
        }
        49..59 => {
            is_question = true;
            let errand = asked(&facts, &mut dice);
            (LessonKind::Question, phrases::question(&errand, part, &mut dice), vec![errand])
        }
        59..70 => {
            is_question = dice.chance(12);
            let (goal, errands) = absent(&facts, is_question, part, &mut dice);
            (LessonKind::Absent, goal, errands)
        }
        // One thing that it knows, and one that it does not.
        70..76 => {
            let one = errands(&facts, &mut dice).swap_remove(0);
            let known = phrases::goal(&[one], part, &mut dice);
            let other = untrained_goals::goal(part, &mut dice);
            let joint = *dice.pick(&[" and then ", ". Then ", ", then ", " and ", ". "]);
            let goal =
                if dice.chance(50) { format!("{known}{joint}{other}") } else { format!("{other}{joint}{known}") };
            // What says nothing more is no second thing.
            let is_two = other.chars().filter(|c| c.is_alphabetic()).count() > 5;
            (LessonKind::Beyond, if is_two { goal } else { other }, Vec::new())
        }
        _ => (LessonKind::Beyond, untrained_goals::goal(part, &mut dice), Vec::new()),
    };
    Lesson { kind, goal, errands, phone, is_question, is_disturbed }
}

/// A display in pixels: mostly the phone's usual one, else one of other proportions that shrinks to as many visual tokens. Those that
/// the suite of people's own words measures on are never drawn.
pub(crate) fn display(dice: &mut Dice) -> (u32, u32) {
    const MEASURED: [(u32, u32); 4] = [(540, 1170), (576, 1280), (500, 1110), (720, 1520)];
    if dice.chance(50) {
        return (540, 1200);
    }
    loop {
        let width = *dice.pick(&[480, 500, 520, 540, 560, 576, 600, 640, 720]);
        // Below 2.11 times as high the picture has a row of tokens less, above 2.23 a column.
        let height = (width * (2115 + dice.below(90))).div_ceil(10_000) as u32 * 10;
        if !MEASURED.contains(&(width as u32, height)) {
            return (width as u32, height);
        }
    }
}

/// The switches of Settings, by label and fact.
const SWITCHES: [(&str, &str); 8] = [
    ("Wi-Fi", "wifi"),
    ("Bluetooth", "bluetooth"),
    ("Airplane mode", "airplane"),
    ("Dark theme", "dark"),
    ("Do not disturb", "quiet"),
    ("Location", "location"),
    ("Battery saver", "saver"),
    ("Auto-rotate", "rotate"),
];

/// Two switches that should be the same way.
fn two_switches(facts: &BTreeMap<String, String>, dice: &mut Dice) -> Vec<Errand> {
    let is_grounded = facts.get("airplane.on").is_some_and(|is| is == "true");
    let on = dice.chance(45);
    let mut errands: Vec<Errand> = Vec::new();
    while errands.len() < 2 {
        let (label, fact) = *dice.pick(&SWITCHES);
        let is_radio = fact == "wifi" || fact == "bluetooth";
        let is_there =
            errands.iter().any(|other| matches!(other, Errand::Switch { fact: there, .. } if *there == fact));
        // Airplane mode turns the radios off, and they stay off while it is on.
        if !is_there && fact != "airplane" && !(is_radio && on && is_grounded) {
            errands.push(Errand::Switch { label, fact, on });
        }
    }
    errands
}

/// What can be asked about: a switch, an alarm or a contact; whether it is on is not told.
fn asked(facts: &BTreeMap<String, String>, dice: &mut Dice) -> Errand {
    let on = dice.chance(50);
    match dice.below(10) {
        0..4 => {
            let (label, fact) = *dice.pick(&SWITCHES);
            Errand::Switch { label, fact, on }
        }
        4..7 => Errand::Alarm { time: target(facts, "alarms.", ".on", dice), on },
        _ => Errand::Favourite { name: target(facts, "contacts.", ".favourite", dice), on },
    }
}

/// One errand or two, at times with one of two names or times that look alike.
pub(crate) fn errands(facts: &BTreeMap<String, String>, dice: &mut Dice) -> Vec<Errand> {
    let count = if dice.chance(30) { 2 } else { 1 };
    let mut errands: Vec<Errand> = Vec::new();
    while errands.len() < count {
        let errand = errand(facts, dice);
        // Twice the same kind says twice what looks alike.
        if errands.iter().all(|other| std::mem::discriminant(other) != std::mem::discriminant(&errand)) {
            errands.push(errand);
        }
    }
    errands
}

fn errand(facts: &BTreeMap<String, String>, dice: &mut Dice) -> Errand {
    let on = dice.chance(50);
    match dice.below(12) {
        0..3 => {
            let (label, fact) = *dice.pick(&SWITCHES);
            // The radios stay off while airplane mode is on.
            let is_grounded = facts.get("airplane.on").is_some_and(|is| is == "true");
            let on = on && !(is_grounded && (fact == "wifi" || fact == "bluetooth"));
            Errand::Switch { label, fact, on }
        }
        3..6 => {
            // Now and then to somebody to whom nothing has been written.
            let of = if dice.chance(25) { ("contacts.", ".favourite") } else { ("messages.", ".count") };
            Errand::Message { name: target(facts, of.0, of.1, dice), text: text(dice) }
        }
        6..8 => Errand::Note { text: text(dice) },
        8 => Errand::Alarm { time: target(facts, "alarms.", ".on", dice), on },
        9 => Errand::Favourite { name: target(facts, "contacts.", ".favourite", dice), on },
        10 => Errand::Favourite { name: target(facts, "contacts.", ".favourite", dice), on },
        _ => Errand::Event { text: text(dice) },
    }
}

/// Half of the texts are those of the smoke suite.
fn text(dice: &mut Dice) -> String {
    if dice.chance(70) {
        return words::text(dice);
    }
    loop {
        for errand in smoke::task(smoke::TRAINING_SEEDS + dice.below(1 << 30) as u64).errands {
            if let Errand::Message { text, .. } | Errand::Note { text } | Errand::Event { text } = errand {
                return text;
            }
        }
    }
}

/// One of the names or times, at times one of the two that are most alike.
fn target(facts: &BTreeMap<String, String>, head: &str, tail: &str, dice: &mut Dice) -> String {
    let middle = |fact: &String| fact.strip_prefix(head)?.strip_suffix(tail).map(str::to_string);
    let all: Vec<String> = facts.keys().filter_map(middle).filter(|name| name.is_ascii()).collect();
    if dice.chance(30) {
        let pairs = all.iter().enumerate().flat_map(|(i, one)| all[i + 1..].iter().map(move |other| (one, other)));
        if let Some((one, other)) = pairs.max_by_key(|(one, other)| likeness(one, other)) {
            return if dice.chance(50) { one } else { other }.clone();
        }
    }
    dice.pick(&all).clone()
}

/// An errand whose target is not there, perhaps behind one that can be done.
fn absent(facts: &BTreeMap<String, String>, is_question: bool, part: Part, dice: &mut Dice) -> (String, Vec<Errand>) {
    let is_known = |name: &str| facts.keys().any(|fact| fact.split('.').nth(1) == Some(name));
    let name = loop {
        // One whom another phone has, or a stranger.
        let name = if dice.chance(45) {
            (*dice.pick(&tapwright_phone::content::NAMES)).to_owned()
        } else {
            words::stranger(dice)
        };
        if !is_known(&name) {
            break name;
        }
    };
    let time = loop {
        let time = format!(
            "{:02}:{:02}",
            dice.below(24),
            if dice.chance(50) { 30 * dice.below(2) } else { 5 * dice.below(12) }
        );
        if !is_known(&time) {
            break time;
        }
    };
    let missing = match dice.below(3) {
        0 if !is_question => Errand::Message { name, text: text(dice) },
        1 => Errand::Favourite { name, on: dice.chance(60) },
        _ => Errand::Alarm { time, on: dice.chance(50) },
    };
    if is_question {
        return (phrases::question(&missing, part, dice), vec![missing]);
    }
    let mut errands = vec![missing];
    if dice.chance(15) {
        errands.insert(0, Errand::Note { text: text(dice) });
    }
    let goal = if dice.chance(50) { smoke::goal(&errands, dice) } else { phrases::goal(&errands, part, dice) };
    (goal, errands)
}
