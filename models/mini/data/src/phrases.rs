//! How people ask for the errands of the smoke suite, in other words than the suite's own.
//!
//! The last fifth of each table is never trained on: held-out seeds draw from it, so that training is stopped by what a model makes
//! of words that it has not seen. A new frame belongs behind the others of its part: in front of them it would move frames into the
//! last fifth on which older weights were trained.

use tapwright_phone::Dice;
use tapwright_smoke::Errand;

/// Which part of a table is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Training,
    HeldOut,
}

impl Part {
    /// One entry of a table's part.
    pub(crate) fn pick<'a, T>(self, from: &'a [T], dice: &mut Dice) -> &'a T {
        let split = from.len() - from.len() / 5;
        match self {
            Part::Training => dice.pick(&from[..split]),
            Part::HeldOut => dice.pick(&from[split..]),
        }
    }
}

pub(crate) const MESSAGE: &[&str] = &[
    "Get this to {name}: \"{text}\"",
    "Send {name} the words \"{text}\"",
    "Pass \"{text}\" on to {name}",
    "I need {name} to get this text: \"{text}\"",
    "Type \"{text}\" to {name} and send it",
    "Open the chat with {name} and send \"{text}\"",
    "Go to Messages and send {name} \"{text}\"",
    "In Messages, write {name} \"{text}\"",
    "Let {name} have this text: \"{text}\"",
    "Shoot {name} a text: \"{text}\"",
    "\"{text}\" - send that to {name}",
    "For {name}: \"{text}\"",
    "Send off \"{text}\" to {name}",
    "{name} needs to hear \"{text}\"",
    "Ping {name}: \"{text}\"",
    "Would you write {name} \"{text}\"?",
    "Send the following to {name}: \"{text}\"",
    "My message for {name} is \"{text}\"",
    "Use Messages to tell {name} \"{text}\"",
    "Have {name} get the text \"{text}\"",
    "Message {name} \"{text}\"",
    "Tell {name} \"{text}\"",
    "Write \"{text}\" to {name} now",
    "Please send {name} \"{text}\"",
    "Send a message to {name}: \"{text}\"",
    "Send a text to {name} that says \"{text}\"",
    "Let {name} know this: \"{text}\"",
    "Drop {name} a line: \"{text}\"",
    "Could you text \"{text}\" to {name}?",
    "Send {name} a text: \"{text}\"",
    "I want {name} to read \"{text}\"",
    "Say \"{text}\" to {name}",
    "{name} should get the message \"{text}\"",
    "Message to {name}: \"{text}\"",
    "Write {name} a message with the words \"{text}\"",
    "Send {name} this: \"{text}\"",
    "Please let {name} have the message \"{text}\"",
    "Reach out to {name} with \"{text}\"",
    "Send \"{text}\" as a message to {name}",
    "SMS {name} \"{text}\"",
    "Write to {name}: \"{text}\"",
    "I'd like to send {name} \"{text}\"",
    "Can you message {name} \"{text}\"?",
    "Give {name} the message \"{text}\"",
];
pub(crate) const BARE_MESSAGE: &[&str] = &[
    "Drop {name} a text: {text}",
    "Tell {name} this: {text}",
    "Send {name} this: {text}",
    "Say to {name}: {text}",
    "For {name}: {text}",
    "Write {name} that {text}",
    "Send {name} a text that {text}",
    "In Messages, tell {name} {text}",
    "Shoot {name} a text saying {text}",
    "Message {name}: {text}",
    "Tell {name} {text}",
    "Text {name} {text}",
    "Send {name} a message saying {text}",
    "Text {name}: {text}",
    "Let {name} know that {text}",
    "Send a text to {name}: {text}",
    "Tell {name} that {text}",
    "Write to {name} that {text}",
    "Message {name} that {text}",
];
pub(crate) const NOTE: &[&str] = &[
    "In Notes, write \"{text}\"",
    "Go to Notes and add \"{text}\"",
    "Open Notes, add \"{text}\" and save it",
    "Keep \"{text}\" in Notes for me",
    "Record \"{text}\" as a note",
    "\"{text}\" - put that into a note",
    "Type up a note: \"{text}\"",
    "There should be a note \"{text}\"",
    "Get \"{text}\" into my notes",
    "I want \"{text}\" in Notes",
    "Let me have a note with \"{text}\"",
    "Make \"{text}\" a new note",
    "A note, please: \"{text}\"",
    "Enter the note \"{text}\"",
    "My next note: \"{text}\"",
    "Do a quick note: \"{text}\"",
    "New note: \"{text}\"",
    "Write down \"{text}\"",
    "Jot this down: \"{text}\"",
    "Take a note: \"{text}\"",
    "Note down \"{text}\"",
    "Make a note: \"{text}\"",
    "Put \"{text}\" in my notes",
    "Please keep \"{text}\" as a note",
    "Create a note with \"{text}\"",
    "Add \"{text}\" to my notes",
    "I need a note that says \"{text}\"",
    "Note \"{text}\"",
    "Please make a note of \"{text}\"",
    "Save the note \"{text}\"",
    "Store \"{text}\" as a note",
    "Could you note \"{text}\"?",
    "Open Notes and write \"{text}\"",
    "Leave me a note: \"{text}\"",
    "Create a new note \"{text}\"",
    "Write \"{text}\" into Notes",
];
pub(crate) const BARE_NOTE: &[&str] = &[
    "In Notes, write {text}",
    "Quick note: {text}",
    "Write a note that says {text}",
    "Put this in Notes: {text}",
    "Keep a note: {text}",
    "Save this as a note: {text}",
    "A note please: {text}",
    "Note for me: {text}",
    "Note: {text}",
    "New note: {text}",
    "Take a note: {text}",
    "Make a note saying {text}",
    "Add a note that says {text}",
    "Note to self: {text}",
    "Jot this down: {text}",
    "Please note {text}",
    "Write down {text}",
    "Make a note: {text}",
];
pub(crate) const EVENT: &[&str] = &[
    "In Calendar, add \"{text}\" for today",
    "Go to Calendar and add \"{text}\"",
    "Today in my calendar: \"{text}\"",
    "Plan \"{text}\" for today",
    "Have \"{text}\" in my calendar for today",
    "Book \"{text}\" into my calendar",
    "Get \"{text}\" into the calendar",
    "Mark \"{text}\" in my calendar",
    "\"{text}\" goes into my calendar today",
    "Let there be an event \"{text}\" today",
    "Fill in \"{text}\" in the calendar",
    "Open Calendar and write down \"{text}\" for today",
    "A calendar entry please: \"{text}\"",
    "Set up an event \"{text}\" for today",
    "I have \"{text}\" today, put it in my calendar",
    "Add \"{text}\" to my calendar",
    "Put \"{text}\" on my calendar",
    "New event \"{text}\"",
    "Make an event \"{text}\" for today",
    "Enter \"{text}\" in the calendar",
    "Create the event \"{text}\"",
    "Save the event \"{text}\" in Calendar",
    "Calendar: \"{text}\"",
    "Put the event \"{text}\" in my calendar",
    "I need \"{text}\" in my calendar",
    "Make a calendar entry \"{text}\"",
    "Note \"{text}\" in the calendar for today",
    "Please put \"{text}\" in the calendar",
    "Schedule \"{text}\" today",
    "Add a calendar entry called \"{text}\"",
    "Create an event named \"{text}\"",
    "Add an event called \"{text}\" today",
    "Write \"{text}\" into my calendar",
];
pub(crate) const BARE_EVENT: &[&str] = &[
    "In my calendar today: {text}",
    "Calendar for today: {text}",
    "Calendar entry: {text}",
    "Event for today: {text}",
    "Put this in my calendar: {text}",
    "Enter in the calendar: {text}",
    "Calendar event: {text}",
    "New event: {text}",
    "New calendar entry: {text}",
    "Create an event called {text}",
    "Add to my calendar: {text}",
];
pub(crate) const FAVOURITE: &[&str] = &[
    "In Contacts, make {name} a favourite",
    "Go to Contacts and star {name}",
    "Have {name} as a favourite",
    "Let {name} be a favourite",
    "Turn {name} into a favourite",
    "Include {name} in my favourites",
    "{name} goes into my favourites",
    "Get {name} into the favourites",
    "Move {name} into my favourites",
    "Save {name} as a favourite",
    "Open {name} in Contacts and tap the star",
    "I want {name} to be a favourite",
    "Count {name} as a favourite",
    "Could you make {name} a favourite?",
    "Add {name} to my favourites",
    "Mark {name} as a favourite",
    "Make {name} one of my favourites",
    "Set {name} as a favourite",
    "Star {name}",
    "{name} should be a favourite",
    "Put {name} in my favourites",
    "Please add {name} to the favourites",
    "Add the contact {name} to favourites",
    "Add {name} to my favorites",
    "I want {name} in my favourites",
    "Mark {name} as favorite",
    "Put {name} among the favourites",
    "Give {name} a star in Contacts",
    "Make the contact {name} a favourite",
    "{name} belongs to my favourites",
    "Star the contact {name}",
    "Favourite {name}",
];
pub(crate) const NO_FAVOURITE: &[&str] = &[
    "In Contacts, take {name} off the favourites",
    "Go to Contacts and unstar {name}",
    "Have {name} out of my favourites",
    "Stop having {name} as a favourite",
    "Get {name} out of the favourites",
    "Clear the star of {name}",
    "{name} need not be a favourite",
    "I want {name} out of the favourites",
    "Let {name} not be a favourite",
    "Throw {name} out of the favourites",
    "Strike {name} from my favourites",
    "Could you take {name} out of my favourites?",
    "Remove {name} from my favourites",
    "Unstar {name}",
    "Take {name} off my favourites",
    "{name} should not be a favourite",
    "Drop {name} from the favourites",
    "Delete {name} from my favourites",
    "{name} is no favourite any more",
    "Remove {name} from favorites",
    "I don't want {name} in my favourites",
    "Take the star from {name}",
    "Unmark {name} as a favourite",
    "{name} is not my favourite now",
    "Please remove {name} from the favourites",
    "Kick {name} out of my favourites",
    "Take {name} from the favourites",
];
pub(crate) const ON: &[&str] = &[
    "In Settings, turn {what} on",
    "Go to Settings and switch {what} on",
    "Open Settings and turn on {what}",
    "See that {what} is on",
    "Check that {what} is on",
    "{what} has to be on",
    "{what} must be on",
    "{what} needs to be on",
    "{what}: on",
    "Start {what}",
    "Use {what}",
    "Start using {what}",
    "Would you switch on {what}",
    "{what} on",
    "Toggle {what} on",
    "Get {what} going",
    "Get {what} running",
    "Leave {what} on",
    "I want {what} turned on",
    "I need {what} enabled",
    "Have {what} enabled",
    "Can you switch {what} on?",
    "Could you please activate {what}",
    "Do turn {what} on",
    "Kindly turn {what} on",
    "Go ahead and turn {what} on",
    "Turn on {what} now",
    "If {what} is off, turn it on",
    "Turn {what} on if it is not on already",
    "Power {what} on",
    "Fire up {what}",
    "Enable {what}",
    "Activate {what}",
    "Turn on {what} please",
    "I want {what} on",
    "Make sure {what} is on",
    "Could you turn {what} on?",
    "{what} should be on",
    "Please switch {what} on",
    "Put {what} on",
    "Turn {what} on",
    "Switch {what} to on",
    "Please turn on {what}",
    "Turn on {what} in Settings",
    "Set {what} to on",
    "Get {what} on",
    "Enable {what} please",
    "Please enable {what}",
    "Could you enable {what}?",
    "I want to enable {what}",
    "Please have {what} on",
    "I'd like to have {what} on",
    "Have {what} turned on",
    "{what} on please",
    "Let {what} be on",
    "Would you turn {what} on",
    "I need {what} on",
    "Can you enable {what}?",
    "Enable {what} for me",
    "Flip {what} on",
    "{what} on, please",
    "Bring {what} on",
];
pub(crate) const OFF: &[&str] = &[
    "In Settings, turn {what} off",
    "Go to Settings and switch {what} off",
    "Open Settings and turn off {what}",
    "See that {what} is off",
    "Check that {what} is off",
    "{what} has to be off",
    "{what} must be off",
    "{what} needs to be off",
    "{what}: off",
    "Quit {what}",
    "End {what}",
    "Stop using {what}",
    "Would you switch off {what}",
    "{what} off",
    "Toggle {what} off",
    "Shut {what} down",
    "Kill {what}",
    "Leave {what} off",
    "I want {what} turned off",
    "I need {what} disabled",
    "Have {what} disabled",
    "Can you switch {what} off?",
    "Could you please deactivate {what}",
    "Do turn {what} off",
    "Kindly turn {what} off",
    "Go ahead and turn {what} off",
    "Turn off {what} now",
    "If {what} is on, turn it off",
    "Turn {what} off if it is still on",
    "Power {what} off",
    "I do not need {what}",
    "Disable {what}",
    "Deactivate {what}",
    "Turn off {what} please",
    "I want {what} off",
    "Make sure {what} is off",
    "Could you turn {what} off?",
    "{what} should be off",
    "Please switch {what} off",
    "Put {what} off",
    "Turn {what} off",
    "Switch {what} to off",
    "Please turn off {what}",
    "Shut off {what}",
    "Set {what} to off",
    "Stop {what}",
    "Disable {what} please",
    "Please disable {what}",
    "Could you disable {what}?",
    "I want to disable {what}",
    "Please have {what} off",
    "I'd like to have {what} off",
    "Have {what} turned off",
    "{what} off please",
    "Let {what} be off",
    "Would you turn {what} off",
    "I need {what} off",
    "Can you disable {what}?",
    "Disable {what} for me",
    "Flip {what} off",
    "{what} off, please",
    "No {what} now",
];
/// Two switches at once.
pub(crate) const BOTH: &[&str] = &[
    "In Settings, turn {one} and {two} {state}",
    "Have {one} and {two} {state}",
    "Have both {one} and {two} {state}",
    "Get {one} and {two} {state}",
    "{one} and {two} {state}",
    "{one} and {two}: {state}",
    "Turn {state} both {one} and {two}",
    "Turn {state} {one} as well as {two}",
    "Flip {one} and {two} {state}",
    "I need {one} and {two} {state}",
    "See that {one} and {two} are {state}",
    "Let {one} and {two} be {state}",
    "{one} and also {two} should be {state}",
    "Go to Settings and turn {one} and {two} {state}",
    "Turn {one} and {two} {state}",
    "Turn {state} {one} and {two}",
    "Switch {one} and {two} {state}",
    "Switch {state} {one} and {two}",
    "Turn both {one} and {two} {state}",
    "Set {one} and {two} to {state}",
    "{one} and {two} should be {state}",
    "Please turn {state} {one} and {two}",
    "I want {one} and {two} {state}",
    "Make sure {one} and {two} are {state}",
    "Put {one} and {two} {state}",
    "Could you turn {one} and {two} {state}?",
];
/// How a switch or an alarm is.
pub(crate) const IS_ON: &[&str] = &[
    "Can you see whether {what} is on?",
    "Have a look: is {what} on?",
    "Did I leave {what} on?",
    "Would you check if {what} is on?",
    "Find out whether {what} is on or off",
    "Is {what} on or is it off?",
    "Say whether {what} is on",
    "Could you tell me if {what} is on?",
    "What is {what} set to, on or off?",
    "{what}: on or off?",
    "{what} - is it on?",
    "Is {what} still on?",
    "Is {what} on?",
    "Is {what} off?",
    "Tell me whether {what} is on",
    "Is {what} on or off?",
    "Is {what} turned on?",
    "Is {what} switched on?",
    "Check whether {what} is on",
    "Do I have {what} on?",
    "Look whether {what} is on or off",
    "is {what} enabled?",
    "Have I turned {what} on?",
    "Tell me if {what} is off",
    "Is {what} active?",
    "How is {what} set, on or off?",
    "I want to know whether {what} is on",
];
/// Whether somebody is among the favourites.
pub(crate) const IS_FAVOURITE: &[&str] = &[
    "Can you see whether {name} is a favourite?",
    "Have a look: is {name} a favourite?",
    "Would you check if {name} is among my favourites?",
    "Find out whether {name} is a favourite",
    "Did I star {name}?",
    "Say whether {name} is one of my favourites",
    "{name} - a favourite or not?",
    "Could you tell me if {name} is a favourite?",
    "Is {name} a favourite?",
    "Is {name} in my favourites?",
    "Tell me whether {name} is a favourite",
    "Is {name} one of my favourites?",
    "Is {name} a favourite contact?",
    "Check whether {name} is in my favourites",
    "Is {name} among the favourites?",
    "Have I made {name} a favourite?",
    "Do I have {name} in my favourites?",
    "Is {name} a favorite?",
    "Does {name} have a star?",
    "I want to know whether {name} is a favourite",
];
const ALARMS: &[&str] = &[
    "the {time} alarm",
    "the alarm at {time}",
    "my {time} alarm",
    "the alarm for {time}",
    "the alarm of {time}",
    "my alarm at {time}",
    "my alarm for {time}",
    "the alarm set for {time}",
    "the {time} one in Clock",
    "the alarm that rings at {time}",
];
const JOINTS: &[&str] =
    &[". Then ", " and then ", ", then ", ", and ", ". After that ", "; then ", ". Next ", " and ", " and after that "];
const BEFORE: &[&str] = &[
    "Please ",
    "Hey, ",
    "Now ",
    "Could you ",
    "I'd like you to: ",
    "Quick: ",
    "Can you ",
    "Would you ",
    "I want you to ",
    "Just ",
    "First ",
    "OK, ",
    "You should ",
    "Go and ",
    "Alright, ",
    "Please could you ",
    "I need you to ",
    "It would be great if you could ",
    "When you can, ",
    "Hi, ",
    "Hello, ",
    "Be so kind and ",
    "Let's ",
    "Time to ",
    "Would you please ",
    "One thing: ",
];

/// The same goal behind a few words that say nothing about it.
pub(crate) fn with_introduction(goal: &str, dice: &mut Dice) -> String {
    format!("{}{}", dice.pick(BEFORE), lower(goal))
}

/// The same goal, now and then with other quotation marks.
pub(crate) fn quoted_otherwise(goal: String, dice: &mut Dice) -> String {
    let marks = *dice.pick(&[('\u{201c}', '\u{201d}'), ('\'', '\''), ('\u{201e}', '\u{201c}'), ('\u{ab}', '\u{bb}')]);
    if !dice.chance(8) || goal.contains('\'') {
        return goal;
    }
    let mut is_open = false;
    goal.chars()
        .map(|c| {
            if c != '"' {
                return c;
            }
            is_open = !is_open;
            if is_open { marks.0 } else { marks.1 }
        })
        .collect()
}

/// The frames, for whoever compares them with what is measured.
pub(crate) fn frames() -> impl Iterator<Item = &'static str> {
    let tables = [
        MESSAGE,
        BARE_MESSAGE,
        NOTE,
        BARE_NOTE,
        EVENT,
        BARE_EVENT,
        FAVOURITE,
        NO_FAVOURITE,
        ON,
        OFF,
        BOTH,
        IS_ON,
        IS_FAVOURITE,
    ];
    tables.into_iter().flatten().copied()
}

/// What a switch is called besides its label.
fn switch_names(label: &str) -> &'static [&'static str] {
    match label {
        "Wi-Fi" => &["Wi-Fi", "wifi", "the wifi", "WiFi", "the Wi-Fi", "wi-fi"],
        "Bluetooth" => &["Bluetooth", "bluetooth", "the Bluetooth", "Bluetooth"],
        "Airplane mode" => &["airplane mode", "flight mode", "the airplane mode", "aeroplane mode"],
        "Dark theme" => &["the dark theme", "dark theme", "dark mode", "the dark mode"],
        "Do not disturb" => &["do not disturb", "Do not disturb", "do-not-disturb", "the do not disturb mode"],
        "Location" => &["location", "the location", "GPS", "location services"],
        "Battery saver" => &["battery saver", "the battery saver", "battery saving", "power saving"],
        _ => &["auto-rotate", "Auto-rotate", "auto rotate", "screen rotation"],
    }
}

/// A goal that asks for errands in turn.
pub(crate) fn goal(errands: &[Errand], part: Part, dice: &mut Dice) -> String {
    let mut goal = String::new();
    for (at, errand) in errands.iter().enumerate() {
        // What has no quotation marks goes on to the goal's end.
        let is_last = at + 1 == errands.len();
        let (frame, sentence) = sentence(errand, is_last, part, dice);
        if at == 0 {
            goal = sentence;
            continue;
        }
        let joint = dice.pick(JOINTS);
        goal = format!("{goal}{joint}{}", if frame.starts_with('{') { sentence } else { lower(&sentence) });
    }
    let may_end = errands
        .iter()
        .all(|errand| !matches!(errand, Errand::Message { .. } | Errand::Note { .. } | Errand::Event { .. }))
        || goal.ends_with('"');
    if may_end && dice.chance(25) {
        let at = dice.below(4);
        goal.push_str([".", "!", " please", ", please."][at]);
    }
    let goal = match dice.below(20) {
        0 | 1 => with_introduction(&goal, dice),
        2 | 3 => lower(&goal),
        _ => goal,
    };
    quoted_otherwise(goal, dice)
}

/// A goal that asks for two switches at once.
pub(crate) fn both(errands: &[Errand], part: Part, dice: &mut Dice) -> String {
    let mut goal = (*part.pick(BOTH, dice)).to_owned();
    for (slot, errand) in ["{one}", "{two}"].into_iter().zip(errands) {
        if let Errand::Switch { label, on, .. } = errand {
            let name = *dice.pick(switch_names(label));
            goal = goal.replace(slot, name);
            goal = goal.replace("{state}", if *on { "on" } else { "off" });
        }
    }
    capital_first(&goal)
}

/// A goal that asks how something is.
pub(crate) fn question(errand: &Errand, part: Part, dice: &mut Dice) -> String {
    let goal = match errand {
        Errand::Switch { label, .. } => {
            let name = *dice.pick(switch_names(label));
            part.pick(IS_ON, dice).replace("{what}", name)
        }
        Errand::Alarm { time, .. } => {
            part.pick(IS_ON, dice).replace("{what}", &dice.pick(ALARMS).replace("{time}", time))
        }
        Errand::Favourite { name, .. } => part.pick(IS_FAVOURITE, dice).replace("{name}", &typed_name(name, dice)),
        Errand::Message { .. } | Errand::Note { .. } | Errand::Event { .. } => String::new(),
    };
    let goal = capital_first(&goal);
    if dice.chance(15) { lower(&goal) } else { goal }
}

/// The frame that was picked, and what it became.
fn sentence(errand: &Errand, may_be_bare: bool, part: Part, dice: &mut Dice) -> (&'static str, String) {
    let bare = |text: &str| {
        text.contains(' ')
            && text.chars().all(|c| c.is_alphanumeric() || " ',:".contains(c))
            && !text.contains(" then ")
    };
    let pick = |quoted: &'static [&'static str], other: &'static [&'static str], text: &str, dice: &mut Dice| {
        let is_bare = may_be_bare && bare(text) && dice.chance(45);
        *part.pick(if is_bare { other } else { quoted }, dice)
    };
    match errand {
        Errand::Message { name, text } => {
            let frame = pick(MESSAGE, BARE_MESSAGE, text, dice);
            (frame, frame.replace("{name}", &typed_name(name, dice)).replace("{text}", text))
        }
        Errand::Note { text } => {
            let frame = pick(NOTE, BARE_NOTE, text, dice);
            (frame, frame.replace("{text}", text))
        }
        Errand::Event { text } => {
            let frame = pick(EVENT, BARE_EVENT, text, dice);
            (frame, frame.replace("{text}", text))
        }
        Errand::Favourite { name, on } => {
            let frame = *part.pick(if *on { FAVOURITE } else { NO_FAVOURITE }, dice);
            (frame, frame.replace("{name}", &typed_name(name, dice)))
        }
        Errand::Switch { label, on, .. } => {
            let frame = *part.pick(if *on { ON } else { OFF }, dice);
            let what = *dice.pick(switch_names(label));
            (frame, capital_first(&frame.replace("{what}", what)))
        }
        Errand::Alarm { time, on } => {
            let frame = *part.pick(if *on { ON } else { OFF }, dice);
            // As people write it: without the nought in front.
            let short = if dice.chance(25) { time.strip_prefix('0').unwrap_or(time) } else { time };
            let what = dice.pick(ALARMS).replace("{time}", short);
            (frame, capital_first(&frame.replace("Settings", "Clock").replace("{what}", &what)))
        }
    }
}

/// A name as people type it: at times without its capital.
fn typed_name(name: &str, dice: &mut Dice) -> String {
    if tapwright_phone::content::NAMES.contains(&name) && dice.chance(8) {
        name.to_lowercase()
    } else {
        name.to_owned()
    }
}

fn capital_first(sentence: &str) -> String {
    crate::words::capital(sentence)
}

fn lower(sentence: &str) -> String {
    // "I", and names that begin a sentence, keep their capitals.
    let first = sentence.split(' ').next().unwrap_or_default();
    if first == "I" || first == "I'd" || first == "SMS" || tapwright_phone::content::NAMES.contains(&first) {
        return sentence.to_owned();
    }
    let mut letters = sentence.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().collect::<String>() + letters.as_str())
}
