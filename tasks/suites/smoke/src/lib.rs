//! The smoke suite: what is asked of the virtual phone, how it starts, and what is true of it in the end.
//!
//! A task is drawn from a template and a seed. How it could be done is not said here: that is for whoever does it.

mod edge;
mod likeness;
mod words;

use std::collections::BTreeMap;

use tapwright_phone::{Dice, Options, World};

pub use edge::{edge_task_of, edge_templates};
pub use likeness::likeness;

/// Seeds below this are for measuring; those from here on are for training. The two never meet.
pub const TRAINING_SEEDS: u64 = 1 << 40;

/// One thing that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// A switch in Settings, by its label and its fact's name.
    Switch {
        label: &'static str,
        fact: &'static str,
        on: bool,
    },
    Message {
        name: String,
        text: String,
    },
    Note {
        text: String,
    },
    /// An alarm that is there already, as `07:30`.
    Alarm {
        time: String,
        on: bool,
    },
    Favourite {
        name: String,
        on: bool,
    },
    /// An event today.
    Event {
        text: String,
    },
}

/// A task: a goal for the agent, and what a judge needs to know.
#[derive(Clone, Debug)]
pub struct Task {
    pub template: &'static str,
    pub seed: u64,
    /// What the agent is told.
    pub goal: String,
    /// What was asked, in order.
    pub errands: Vec<Errand>,
    /// The phone that the task starts on.
    pub phone: Options,
    /// Facts and their values in the end.
    pub expect: Vec<(String, String)>,
    /// Facts that may differ from the start besides the expected ones, by how their names begin.
    pub may_change: Vec<String>,
    /// It cannot be done, and the right thing is to say so.
    pub impossible: bool,
}

/// The kinds of errand a template is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Radio,
    Switch,
    Message,
    Note,
    Alarm,
    Favourite,
    Event,
}

/// The templates, by name.
const TEMPLATES: [(&str, &[Kind]); 12] = [
    ("radio", &[Kind::Radio]),
    ("switch", &[Kind::Switch]),
    ("message", &[Kind::Message]),
    ("note", &[Kind::Note]),
    ("alarm", &[Kind::Alarm]),
    ("favourite", &[Kind::Favourite]),
    ("event", &[Kind::Event]),
    ("radio-then-message", &[Kind::Radio, Kind::Message]),
    ("switch-then-note", &[Kind::Switch, Kind::Note]),
    ("alarm-then-message", &[Kind::Alarm, Kind::Message]),
    ("favourite-then-event", &[Kind::Favourite, Kind::Event]),
    ("note-then-message", &[Kind::Note, Kind::Message]),
];

/// The names of the templates.
pub fn templates() -> impl Iterator<Item = &'static str> + Clone {
    TEMPLATES.iter().map(|(name, _)| *name)
}

/// Draws the task of a seed; seeds go through the templates in turn.
pub fn task(seed: u64) -> Task {
    let (template, kinds) = TEMPLATES[(seed % TEMPLATES.len() as u64) as usize];
    draw(template, kinds, seed)
}

/// Draws a task of a template; `None` if there is no such template.
pub fn task_of(template: &str, seed: u64) -> Option<Task> {
    let (template, kinds) = TEMPLATES.iter().find(|(name, _)| *name == template)?;
    Some(draw(template, kinds, seed))
}

fn draw(template: &'static str, kinds: &[Kind], seed: u64) -> Task {
    let (mut dice, phone, facts) = start(seed, 0x5ED5);
    let errands: Vec<Errand> = kinds.iter().map(|kind| errand(*kind, &facts, &mut dice)).collect();
    let goal = goal(&errands, &mut dice);
    new_task(template, seed, phone, &facts, goal, errands)
}

/// The phone that a seed draws, with dice for the rest and what is true of it.
fn start(seed: u64, salt: u64) -> (Dice, Options, BTreeMap<String, String>) {
    let mut dice = Dice::new(seed ^ salt);
    let epoch = Options::default().epoch + 60 * dice.below(12 * 60) as u64 + 86_400 * dice.below(365) as u64;
    let phone = Options { seed, epoch, ..Options::default() };
    let facts = World::new(phone.clone()).facts();
    (dice, phone, facts)
}

fn new_task(
    template: &'static str,
    seed: u64,
    phone: Options,
    facts: &BTreeMap<String, String>,
    goal: String,
    errands: Vec<Errand>,
) -> Task {
    let mut task = Task {
        template,
        seed,
        goal,
        errands: errands.clone(),
        phone,
        expect: Vec::new(),
        may_change: vec!["front".into()],
        impossible: false,
    };
    for errand in &errands {
        expect(errand, facts, &mut task);
    }
    task
}

/// Whether a phone is as a task wants it in the end: `None` if so, else what is wrong.
pub fn judge(task: &Task, start: &BTreeMap<String, String>, end: &BTreeMap<String, String>) -> Option<String> {
    for (fact, value) in &task.expect {
        match end.get(fact) {
            Some(found) if found == value => {}
            Some(found) => return Some(format!("`{fact}` should be `{value}` and is `{found}`")),
            None => return Some(format!("`{fact}` should be `{value}` and there is no such fact")),
        }
    }
    let may_change = |fact: &str| {
        task.expect.iter().any(|(expected, _)| expected == fact)
            || task.may_change.iter().any(|head| fact.starts_with(head))
    };
    for fact in start.keys().chain(end.keys()) {
        if start.get(fact) != end.get(fact) && !may_change(fact) {
            let was = start.get(fact).map_or("nothing", String::as_str);
            let is = end.get(fact).map_or("nothing", String::as_str);
            return Some(format!("`{fact}` was `{was}` and became `{is}`, which nobody asked for"));
        }
    }
    None
}

fn errand(kind: Kind, facts: &BTreeMap<String, String>, dice: &mut Dice) -> Errand {
    let switch = |(label, fact): (&'static str, &'static str)| Errand::Switch {
        label,
        fact,
        on: facts.get(&format!("{fact}.on")).is_some_and(|is| is == "false"),
    };
    match kind {
        // Wi-Fi and Bluetooth stay off while airplane mode is on, as the phone's radios do.
        Kind::Radio => {
            switch(*dice.pick(&[("Wi-Fi", "wifi"), ("Bluetooth", "bluetooth"), ("Airplane mode", "airplane")]))
        }
        Kind::Switch => switch(*dice.pick(&[
            ("Dark theme", "dark"),
            ("Do not disturb", "quiet"),
            ("Location", "location"),
            ("Battery saver", "saver"),
            ("Auto-rotate", "rotate"),
        ])),
        Kind::Message => {
            let names = fact_middles(facts, "messages.", ".count");
            Errand::Message { name: dice.pick(&names).clone(), text: words::message(dice) }
        }
        Kind::Note => Errand::Note { text: words::note(dice) },
        Kind::Alarm => {
            let times = fact_middles(facts, "alarms.", ".on");
            let time = dice.pick(&times).clone();
            let on = facts.get(&format!("alarms.{time}.on")).is_some_and(|is| is == "false");
            Errand::Alarm { time, on }
        }
        Kind::Favourite => {
            let names = fact_middles(facts, "contacts.", ".favourite");
            let name = dice.pick(&names).clone();
            let on = facts.get(&format!("contacts.{name}.favourite")).is_some_and(|is| is == "false");
            Errand::Favourite { name, on }
        }
        Kind::Event => Errand::Event { text: words::event(dice) },
    }
}

/// The middles of the facts' names that begin and end so; Latin ones only, which the goals are written in.
fn fact_middles(facts: &BTreeMap<String, String>, head: &str, tail: &str) -> Vec<String> {
    let middle = |fact: &String| fact.strip_prefix(head)?.strip_suffix(tail).map(str::to_string);
    facts.keys().filter_map(middle).filter(|name| name.is_ascii()).collect()
}

/// A goal that asks for errands in turn, in the suite's words.
pub fn goal(errands: &[Errand], dice: &mut Dice) -> String {
    let mut goal = String::new();
    for (i, errand) in errands.iter().enumerate() {
        let sentence = sentence(errand, dice);
        if i == 0 {
            goal = sentence;
            continue;
        }
        match dice.below(3) {
            0 => goal = format!("{goal}. Then {}", lower(&sentence)),
            1 => goal = format!("{goal} and then {}", lower(&sentence)),
            _ => goal = format!("{goal}, then {}", lower(&sentence)),
        }
    }
    if dice.chance(30) {
        goal.push('.');
    }
    goal
}

fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().collect::<String>() + letters.as_str())
}

fn sentence(errand: &Errand, dice: &mut Dice) -> String {
    match errand {
        Errand::Switch { label, on, .. } => switch_goal(label, *on, dice),
        Errand::Alarm { time, on } => match dice.below(2) {
            0 => switch_goal(&format!("the {time} alarm"), *on, dice),
            _ => switch_goal(&format!("the alarm at {time}"), *on, dice),
        },
        Errand::Message { name, text } => match dice.below(4) {
            0 => format!("Send \"{text}\" to {name}"),
            1 => format!("Send {name} the message \"{text}\""),
            2 => format!("Text {name} \"{text}\""),
            _ => format!("Send \"{text}\" to {name} in Messages"),
        },
        Errand::Note { text } => match dice.below(4) {
            0 => format!("Write a note \"{text}\""),
            1 => format!("Make a note that says \"{text}\""),
            2 => format!("Add the note \"{text}\""),
            _ => format!("Save \"{text}\" in Notes"),
        },
        Errand::Favourite { name, on: true } => match dice.below(2) {
            0 => format!("Add {name} to favourites"),
            _ => format!("Make {name} a favourite"),
        },
        Errand::Favourite { name, on: false } => match dice.below(2) {
            0 => format!("Remove {name} from favourites"),
            _ => format!("Take {name} out of favourites"),
        },
        Errand::Event { text } => match dice.below(3) {
            0 => format!("Add the event \"{text}\" to the calendar"),
            1 => format!("Put \"{text}\" in the calendar"),
            _ => format!("Create a calendar event \"{text}\""),
        },
    }
}

fn switch_goal(what: &str, on: bool, dice: &mut Dice) -> String {
    match (dice.below(4), on) {
        (0, true) => format!("Turn {what} on"),
        (1, true) => format!("Turn on {what}"),
        (2, true) => format!("Switch on {what}"),
        (_, true) => format!("Switch {what} on"),
        (0, false) => format!("Turn {what} off"),
        (1, false) => format!("Turn off {what}"),
        (2, false) => format!("Switch off {what}"),
        (_, false) => format!("Switch {what} off"),
    }
}

fn expect(errand: &Errand, facts: &BTreeMap<String, String>, task: &mut Task) {
    let count = |fact: &str| facts.get(fact).and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
    let mut want = |fact: String, value: String| task.expect.push((fact, value));
    match errand {
        Errand::Switch { fact, on, .. } => {
            want(format!("{fact}.on"), on.to_string());
            if *fact == "airplane" && *on {
                want("wifi.on".into(), "false".into());
                want("bluetooth.on".into(), "false".into());
            }
        }
        Errand::Alarm { time, on } => want(format!("alarms.{time}.on"), on.to_string()),
        Errand::Favourite { name, on } => want(format!("contacts.{name}.favourite"), on.to_string()),
        Errand::Message { name, text } => {
            let before = count(&format!("messages.{name}.count"));
            want(format!("messages.{name}.count"), (before + 1).to_string());
            want(format!("messages.{name}.{before}"), format!("me: {text}"));
            want(format!("messages.{name}.last"), format!("me: {text}"));
        }
        Errand::Note { text } => {
            let before = count("notes.count");
            want("notes.count".into(), (before + 1).to_string());
            want(format!("notes.{before}"), text.clone());
        }
        Errand::Event { text } => {
            let before = count("calendar.0.count");
            want("calendar.0.count".into(), (before + 1).to_string());
            let mut lines: Vec<String> = facts.get("calendar.0.events").map_or(Vec::new(), |lines| {
                lines.split("; ").filter(|line| !line.is_empty()).map(str::to_string).collect()
            });
            lines.push(format!("12:00 {text}"));
            lines.sort();
            want("calendar.0.events".into(), lines.join("; "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model is trained and measured on these goals: whoever changes how they are drawn has to train it anew.
    #[test]
    fn the_first_task_of_each_template_is_what_it_was() {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for seed in 0..600 {
            for byte in task(seed).goal.bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            }
        }
        assert_eq!(hash, GOALS, "the goals are other ones than before");
    }

    const GOALS: u64 = 0x5b3e_c0be_72b3_0d4a;

    #[test]
    fn seeds_go_through_the_templates_in_turn() {
        for (seed, name) in (0..24).zip(templates().cycle()) {
            assert_eq!(task(seed).template, name);
            assert_eq!(task_of(name, seed).unwrap().goal, task(seed).goal);
        }
        assert!(task_of("no-such-template", 0).is_none());
        assert!(templates().count() >= 8);
        assert!(TEMPLATES.iter().filter(|(_, kinds)| kinds.len() > 1).count() >= 2);
    }

    #[test]
    fn no_task_is_done_before_it_begins() {
        for seed in 0..600 {
            let task = task(seed);
            let start = World::new(task.phone.clone()).facts();
            assert!(judge(&task, &start, &start).is_some(), "{seed}: {}", task.goal);
        }
    }

    #[test]
    fn all_that_is_wanted_passes_and_anything_less_or_more_does_not() {
        for seed in 0..600 {
            let task = task(seed);
            let start = World::new(task.phone.clone()).facts();
            let mut end = start.clone();
            end.extend(task.expect.iter().cloned());
            end.insert("front".into(), "com.android.settings".into());
            assert_eq!(judge(&task, &start, &end), None, "{seed}: {}", task.goal);
            for (fact, _) in &task.expect {
                let mut less = end.clone();
                less.insert(fact.clone(), "something else".into());
                assert!(judge(&task, &start, &less).is_some(), "{seed}: {fact}");
            }
            let mut more = end.clone();
            more.insert("brightness".into(), "99".into());
            let why = judge(&task, &start, &more).unwrap();
            assert!(why.contains("nobody asked for"), "{why}");
        }
    }
}
