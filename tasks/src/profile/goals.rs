//! The kinds of goals that a model was trained for, as its `profile.toml` says them: data, by which a goal of no kind is told before a
//! run begins. A small model does not know what it does not know.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A longer goal is of no kind.
const GOAL_BYTES_MAX: usize = 500;
/// As many ways to read the beginning of a goal are followed.
const ENDS_MAX: usize = 256;

/// The section `[goals]` of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedGoals {
    /// What can stand where a pattern has a slot, by the slot's name.
    pub slots: BTreeMap<String, Slot>,
    pub kind: Vec<GoalKind>,
    /// What stands between two goals in a row.
    #[serde(default)]
    pub joints: Vec<String>,
    /// Which kinds may follow each other, by their names.
    #[serde(default)]
    pub pairs: Vec<[String; 2]>,
    /// What people are told of two in a row.
    #[serde(default)]
    pub pairs_about: String,
    /// Whether it can say what it found out: outputs of a plan's goals.
    #[serde(default)]
    pub outputs: bool,
}

/// One kind of goal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoalKind {
    pub name: String,
    /// For people: `turn a switch of Settings on or off`.
    pub about: String,
    /// Goals of this kind; a slot is its name in braces: `Text {name} "{message}"`.
    pub patterns: Vec<String>,
}

/// What can stand in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// One of these.
    OneOf(Vec<String>),
    /// Words of these, a blank between two.
    Words(Vec<String>),
    /// A time of day: `00:00` to `23:59`.
    Clock,
}

impl TrainedGoals {
    /// Whether a goal is of one of the kinds, or two of them in a row that may be.
    pub fn fits(&self, goal: &str) -> bool {
        let goal = goal.split_whitespace().collect::<Vec<_>>().join(" ");
        let goal = goal.strip_suffix('.').unwrap_or(&goal);
        if goal.len() > GOAL_BYTES_MAX {
            return false;
        }
        self.kind.iter().any(|first| {
            let ends = self.ends_of(first, goal, 0);
            ends.contains(&goal.len()) || ends.iter().any(|end| self.goes_on(first, goal, *end))
        })
    }

    /// Whether what follows a first goal is a joint and a goal that may follow.
    fn goes_on(&self, first: &GoalKind, goal: &str, end: usize) -> bool {
        let begins = self.joints.iter().filter(|joint| goal[end..].starts_with(joint.as_str()));
        let seconds: Vec<usize> = begins.map(|joint| end + joint.len()).collect();
        self.pairs.iter().filter(|[name, _]| *name == first.name).any(|[_, second]| {
            let second = self.kind.iter().find(|kind| kind.name == *second);
            second.is_some_and(|kind| seconds.iter().any(|at| self.ends_of(kind, goal, *at).contains(&goal.len())))
        })
    }

    /// Where a goal of a kind that begins at this byte may end.
    fn ends_of(&self, kind: &GoalKind, goal: &str, at: usize) -> Vec<usize> {
        kind.patterns.iter().flat_map(|pattern| self.ends(pattern, goal, at)).collect()
    }

    fn ends(&self, pattern: &str, goal: &str, at: usize) -> Vec<usize> {
        let mut places = vec![at];
        for (number, part) in pattern.split(['{', '}']).enumerate() {
            let is_first = number == 0;
            let follow = |place: usize| -> Vec<usize> {
                let rest = &goal[place..];
                match number % 2 {
                    0 => literal(part, rest, is_first),
                    _ => self.slots.get(part).map_or_else(Vec::new, |slot| slot.lengths(rest)),
                }
                .into_iter()
                .map(|length| place + length)
                .collect()
            };
            places = places.into_iter().flat_map(follow).take(ENDS_MAX).collect();
        }
        places
    }

    /// The kinds in words, a line each.
    pub fn about(&self) -> Vec<String> {
        let mut about: Vec<String> = self.kind.iter().map(|kind| kind.about.clone()).collect();
        about.dedup();
        if !self.pairs_about.is_empty() {
            about.push(self.pairs_about.clone());
        }
        about
    }
}

/// The length of a literal at the beginning of a text; the first letter of a goal may be a capital or not.
fn literal(part: &str, text: &str, is_first: bool) -> Vec<usize> {
    let is_here = match (part.chars().next(), text.chars().next()) {
        (Some(wanted), Some(found)) if is_first => {
            wanted.eq_ignore_ascii_case(&found) && text[found.len_utf8()..].starts_with(&part[wanted.len_utf8()..])
        }
        _ => text.starts_with(part),
    };
    if is_here { vec![part.len()] } else { Vec::new() }
}

impl Slot {
    /// How long what stands in it can be at the beginning of a text.
    fn lengths(&self, text: &str) -> Vec<usize> {
        match self {
            Slot::OneOf(choices) => {
                choices.iter().filter(|choice| text.starts_with(choice.as_str())).map(String::len).collect()
            }
            Slot::Clock => {
                let part = |at: usize, limit: u8| {
                    let digits = text.get(at..at + 2).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
                    digits.and_then(|digits| digits.parse::<u8>().ok()).is_some_and(|number| number < limit)
                };
                let is_here = part(0, 24) && text[2..].starts_with(':') && part(3, 60);
                if is_here { vec![5] } else { Vec::new() }
            }
            Slot::Words(words) => {
                let (mut lengths, mut at) = (Vec::new(), 0);
                loop {
                    let rest = &text[at..];
                    let end = rest.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(rest.len());
                    if !words.iter().any(|word| *word == rest[..end]) {
                        return lengths;
                    }
                    at += end;
                    lengths.push(at);
                    if !text[at..].starts_with(' ') {
                        return lengths;
                    }
                    at += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::profile::Shipped;

    fn mini() -> TrainedGoals {
        Shipped::find("mini").unwrap().profiles().goals.expect("the small model knows what it was trained for")
    }

    /// The generator of the training data asks for nothing else, so the profile and the generator cannot drift apart.
    #[test]
    fn every_goal_that_the_small_model_was_trained_on_is_of_a_kind() {
        let goals = mini();
        let mut templates = BTreeSet::new();
        for seed in 0..10_000 {
            let task = tapwright_smoke::task(tapwright_smoke::TRAINING_SEEDS + seed);
            assert!(goals.fits(&task.goal), "{}", task.goal);
            templates.insert(task.template);
        }
        assert_eq!(templates.len(), tapwright_smoke::templates().count());
        // Each kind is there for a template, and every two that follow each other.
        let kinds: BTreeSet<String> = goals.kind.iter().map(|kind| kind.name.clone()).collect();
        let pairs = goals.pairs.iter().map(|[first, second]| format!("{first}-then-{second}"));
        let all: BTreeSet<String> = kinds.into_iter().chain(pairs).collect();
        assert_eq!(all, templates.into_iter().map(str::to_owned).collect());
    }

    #[test]
    fn what_people_typed_on_the_first_day_is_of_a_kind_or_is_told() {
        let goals = mini();
        for (goal, expected) in [
            ("Turn Bluetooth on", true),
            ("turn on dark mode", true),
            ("Turn on airplane mode and then tell Anna \"I am flying\"", false),
            ("what's the weather", false),
            ("set an alarm for 7", false),
            ("Set an alarm for 7:30", false),
            ("wake me up at half past six tomorrow", false),
            ("read my last message from Anna", false),
            ("turn off everything", false),
            ("Send \"hi\" to Ana", false),
            ("send a message to Bob saying I'll be late", false),
            ("Tell Mom I love her", false),
            ("Write a note: buy milk and eggs", false),
            ("Add a note \"ring the dentist\", then send \"done\" to Kate", false),
            ("打开蓝牙", false),
            ("给Anna发消息\"我在路上\"", false),
            ("设置一个7点半的闹钟", false),
            ("打开飞行模式，然后告诉Anna我上飞机了", false),
            ("Delete all my notes", false),
            ("Make Anna a favourite contact", false),
            ("what is Anna's phone number", false),
            ("Add an event \"Dentist\" at 10:00 tomorrow", false),
            ("Trun wifi on", false),
            ("Open YouTube and play some music", false),
            ("make the text bigger", false),
            ("Call 911", false),
            ("Book a table for two and pay with my card", false),
        ] {
            assert_eq!(goals.fits(goal), expected, "{goal}");
        }
    }

    #[test]
    fn a_goal_fits_whole_or_not_at_all() {
        let goals = mini();
        for goal in [
            "Turn Wi-Fi on, then send \"on my way\" to Anna",
            " turn  Wi-Fi on. ",
            "Send \"on my way\" to Kate",
            "Switch the 07:30 alarm off",
            "Create a calendar event \"Dinner with Zoe\"",
            "please turn off the wifi",
            "Star Leo",
            "Tell Anna \"see you tomorrow\"",
            "Put dark mode on. Then note down \"buy some milk\"",
        ] {
            assert!(goals.fits(goal), "{goal}");
        }
        // Of words that it knows, and no more of them than are followed.
        let of_words = |count: usize| format!("Write a note \"{}\"", vec!["the"; count].join(" "));
        assert!(goals.fits(&of_words(99)));
        let long = of_words(200);
        for goal in [
            "",
            ".",
            "Turn Wi-Fi on twice",
            "Turn Wi-Fi on and then",
            "Turn Wi-Fi on, then turn Wi-Fi off",
            "Send \"on my way\" to Anna, then send \"on my way\" to Ben",
            "Turn Wi-Fi on, then send \"on my way\" to Anna, then write a note \"buy some milk\"",
            "Send \"on my way\" to Annabel",
            "Send \"\" to Anna",
            "Send \"on my way \" to Anna",
            "Send \"on my yacht\" to Anna",
            "Switch the 7:30 alarm off",
            "Switch the 07-30 alarm off",
            "Switch the 25:00 alarm off",
            "Switch the 07:60 alarm off",
            "Switch the 07:3é alarm off",
            "Switch the ab:cd alarm off",
            "Please turn Wi-Fi on",
            "Turn Wi-Fi on\u{202e}",
            &long,
        ] {
            assert!(!goals.fits(goal), "{goal}");
        }
    }
}
