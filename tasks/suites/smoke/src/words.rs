//! The texts that goals ask to be written, drawn from a small vocabulary in many combinations.

use tapwright_phone::Dice;
use tapwright_phone::content::NAMES;

const SHORT: [&str; 32] = [
    "on my way",
    "see you soon",
    "running late",
    "call me later",
    "happy birthday",
    "thank you so much",
    "good night",
    "good morning",
    "I am at home",
    "I am at the station",
    "the train is late",
    "dinner is ready",
    "lunch at noon",
    "see you at noon",
    "see you tomorrow",
    "need more time",
    "let me know",
    "where are you",
    "not today",
    "maybe tomorrow",
    "all good here",
    "great news",
    "sounds good",
    "have a nice trip",
    "get well soon",
    "wait for me",
    "come home soon",
    "I found the keys",
    "the door is open",
    "meeting is over",
    "no problem",
    "take your time",
];
const VERBS: [&str; 10] = ["bring", "buy", "find", "check", "clean", "fix", "take", "book", "order", "return"];
const THINGS: [&str; 16] = [
    "the keys",
    "the tickets",
    "the car",
    "the book",
    "some milk",
    "some bread",
    "the camera",
    "the report",
    "the cake",
    "the map",
    "the umbrella",
    "two pizzas",
    "the red lamp",
    "a new bike",
    "the flowers",
    "fresh coffee",
];
const TIMES: [&str; 12] = [
    "today",
    "tomorrow",
    "tonight",
    "after lunch",
    "at noon",
    "on Monday",
    "on Friday",
    "on Sunday",
    "before dinner",
    "please",
    "next week",
    "this evening",
];
const TITLES: [&str; 12] = [
    "Team lunch",
    "Dentist",
    "Piano lesson",
    "Car wash",
    "Book club",
    "Yoga",
    "Movie night",
    "Train to Berlin",
    "Parents evening",
    "Gym",
    "Garden day",
    "Doctor",
];
const MEETINGS: [&str; 5] = ["Call", "Meet", "Visit", "Lunch with", "Dinner with"];

/// A message to someone.
pub fn message(dice: &mut Dice) -> String {
    if dice.chance(50) { dice.pick(&SHORT).to_string() } else { chore(dice) }
}

/// A note.
pub fn note(dice: &mut Dice) -> String {
    chore(dice)
}

/// An event's title.
pub fn event(dice: &mut Dice) -> String {
    if dice.chance(40) {
        dice.pick(&TITLES).to_string()
    } else {
        format!("{} {}", dice.pick(&MEETINGS), dice.pick(&NAMES))
    }
}

fn chore(dice: &mut Dice) -> String {
    let (verb, thing) = (dice.pick(&VERBS), dice.pick(&THINGS));
    if dice.chance(60) { format!("{verb} {thing} {}", dice.pick(&TIMES)) } else { format!("{verb} {thing}") }
}
