//! Goals that are none of the model's: other apps and subjects, near misses of what it knows, talk, orders, other languages, noise.
//!
//! What is right is always the same: to give up at the first step, before anything is touched.

use tapwright_phone::Dice;
use tapwright_phone::content::NAMES;

use crate::phrases::{self, Part};
use crate::untrained_frames::{FAR, FOREIGN, NEAR};
use crate::words::{self, STRANGERS};

const OBJECTS: &[&str] = &[
    "radio",
    "television",
    "TV",
    "light",
    "lights",
    "heater",
    "torch",
    "flashlight",
    "hotspot",
    "NFC",
    "vibration",
    "mobile data",
    "roaming",
    "camera",
    "microphone",
    "keyboard",
    "sound",
    "speaker",
    "volume",
    "music",
    "washing machine",
    "fan",
    "lamp",
    "kitchen lights",
    "alarm system",
    "alarm",
    "alarms",
    "notifications",
    "updates",
    "backup",
    "screen",
    "phone",
    "computer",
    "printer",
    "VPN",
    "data saver",
    "reading mode",
    "child lock",
    "captions",
    "assistant",
    "sync",
    "cloud",
    "widget",
    "caret",
    "robot",
    "engine",
];
const VERBS: &[&str] = &[
    "open",
    "close",
    "find",
    "show",
    "hide",
    "move",
    "copy",
    "draw",
    "paint",
    "build",
    "break",
    "buy",
    "sell",
    "rent",
    "clean",
    "wash",
    "cook",
    "bake",
    "eat",
    "drink",
    "lift",
    "drop",
    "push",
    "pull",
    "lock",
    "unlock",
    "start",
    "stop",
    "play",
    "pause",
    "record",
    "watch",
    "read",
    "print",
    "scan",
    "send",
    "forward",
    "share",
    "rename",
    "delete",
    "remove",
    "add",
    "put",
    "take",
    "make",
    "create",
    "change",
    "edit",
    "save",
    "store",
    "check",
    "count",
    "measure",
    "compare",
    "sort",
    "order",
    "book",
    "cancel",
    "renew",
    "pay",
    "charge",
    "fix",
    "replace",
    "install",
    "update",
    "connect",
    "pair",
    "search",
    "describe",
    "explain",
    "translate",
    "teach",
    "learn",
    "remember",
    "forget",
    "wake",
    "set",
    "switch",
    "turn",
    "enable",
    "disable",
    "call",
    "invite",
    "follow",
    "block",
    "give",
    "bring",
    "get",
];
const PLACING: &[&str] =
    &["in", "on", "under", "for", "with", "to", "from", "near", "without", "about", "behind", "after"];
const ASKING: &[&str] = &[
    "What is",
    "Where is",
    "Who is",
    "Why is",
    "When is",
    "How is",
    "How much is",
    "Which is",
    "Is there",
    "Do you have",
    "Did you see",
    "Have you heard of",
    "Should I buy",
    "Can I have",
    "What about",
    "How old is",
    "How do I find",
    "Where can I get",
    "Who has",
];
const THINGS: &[&str] = &[
    "the", "a", "my", "this", "that", "your", "all the", "some", "every", "her", "his", "our", "the last", "the next",
];
const PLACES: &[&str] = &[
    "Porto", "Vienna", "Oslo", "Madrid", "Gdansk", "Dublin", "Athens", "Warsaw", "Boston", "Quito", "Cairo", "Lima",
    "Tokyo", "Seoul", "Norway", "Spain", "Peru", "Kenya", "Japan", "Chile",
];
const DAYS: &[&str] = &[
    "Monday",
    "Tuesday",
    "Thursday",
    "Saturday",
    "tomorrow",
    "next Friday",
    "the 3rd of May",
    "Sunday morning",
    "the day after tomorrow",
    "next week",
    "21 June",
    "New Year's Eve",
];

const SCRIPTS: &[(u32, u32)] = &[
    (0x4E00, 0x8000),
    (0x4E00, 0x8000),
    (0x4E00, 0x8000),
    (0x3041, 0x3096),
    (0xAC00, 0xC000),
    (0x0430, 0x044F),
    (0x0621, 0x064A),
    (0x0905, 0x0939),
    (0x03B1, 0x03C9),
    (0x1F600, 0x1F640),
    (0x00C0, 0x0100),
];

/// A goal that is to be given up.
pub(crate) fn goal(part: Part, dice: &mut Dice) -> String {
    let mut goal = match dice.below(100) {
        0..38 => {
            let frame = *part.pick(NEAR, dice);
            fill(frame, dice)
        }
        38..60 => {
            let frame = *part.pick(FAR, dice);
            fill(frame, dice)
        }
        60..74 => made_up(dice),
        74..79 => {
            let most = if dice.chance(10) { 60 } else { 12 };
            let count = 1 + dice.below(most);
            words::words(dice, count)
        }
        79..87 => (*part.pick(FOREIGN, dice)).to_owned(),
        87..93 => other_script(dice),
        93..97 => noise(dice),
        _ => format!("{} {}", dice.pick(&["hello", "ok", "so", "hmm", "well", "and"]), words::words(dice, 3)),
    };
    match dice.below(20) {
        0 | 1 => goal = goal.to_lowercase(),
        2 => goal = goal.to_uppercase(),
        3 | 4 => goal = phrases::with_introduction(&goal, dice),
        5 => goal.push_str(" please"),
        6 | 7 => goal.push('.'),
        8 => goal.push('!'),
        _ => {}
    }
    phrases::quoted_otherwise(goal, dice)
}

/// An order or a question about anything, put together from words.
fn made_up(dice: &mut Dice) -> String {
    let thing = |dice: &mut Dice| format!("{} {}", dice.pick(THINGS), words::word(dice));
    let mut goal = if dice.chance(30) {
        format!("{} {}", dice.pick(ASKING), thing(dice))
    } else {
        let verb: &str = VERBS[dice.below(VERBS.len())];
        format!("{} {}", words::capital(verb), thing(dice))
    };
    for _ in 0..dice.below(3) {
        goal = format!("{goal} {} {}", dice.pick(PLACING), thing(dice));
    }
    match dice.below(8) {
        0 => goal = format!("{goal} {}", dice.pick(DAYS)),
        1 => goal = format!("{goal} and {} {}", dice.pick(VERBS), thing(dice)),
        2 => goal = format!("{goal} for {}", dice.pick(&NAMES)),
        _ => {}
    }
    if dice.chance(20) { goal + "?" } else { goal }
}

/// A frame with its slots filled, each by itself.
fn fill(frame: &str, dice: &mut Dice) -> String {
    let mut goal = String::new();
    let mut rest = frame;
    while let Some((before, after)) = rest.split_once('{') {
        goal.push_str(before);
        let Some((slot, after)) = after.split_once('}') else { break };
        match slot {
            "time" => goal += &format!("{:02}:{:02}", dice.below(24), 5 * dice.below(12)),
            "number" => goal += &(1 + dice.below(120)).to_string(),
            "phone" => goal += &format!("0{} {:03} {:04}", 151 + dice.below(39), dice.below(1000), dice.below(10_000)),
            "name" | "other" if dice.chance(30) => goal += *dice.pick(STRANGERS),
            "name" | "other" => goal += *dice.pick(&NAMES),
            "object" if dice.chance(25) => goal += &words::word(dice),
            "object" => goal += *dice.pick(OBJECTS),
            "place" => goal += *dice.pick(PLACES),
            "day" => goal += *dice.pick(DAYS),
            "text" => goal += &words::text(dice),
            "word" => goal += &words::word(dice),
            // A brace that stands for itself.
            other => goal += &format!("{{{}}}", other.replace("{word", &words::word(dice))),
        }
        rest = after;
    }
    goal + rest
}

fn other_script(dice: &mut Dice) -> String {
    let (first, last) = *dice.pick(SCRIPTS);
    let count = 2 + dice.below(14);
    let mut text = String::new();
    for _ in 0..count {
        text.extend(char::from_u32(first + dice.below((last - first) as usize) as u32));
        if dice.chance(12) {
            text.push(' ');
        }
    }
    if dice.chance(15) { format!("{text} {}", dice.pick(&NAMES)) } else { text }
}

fn noise(dice: &mut Dice) -> String {
    match dice.below(5) {
        0 => String::new(),
        1 => dice.pick(&[" ", ".", "-", "?!", "!!", "\"\"", "{}", "[]", "0", "/", "#", "*", "\\"]).to_string(),
        2 => dice.below(100_000).to_string(),
        _ => (0..1 + dice.below(25)).map(|_| char::from(33 + dice.below(94) as u8)).collect(),
    }
}
