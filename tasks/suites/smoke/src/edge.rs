//! Errands in which to change something is wrong, or easily the wrong thing: what is so already, what is not there, and one
//! of two that look alike. No model was trained on them.

use std::collections::BTreeMap;

use tapwright_phone::Dice;

use super::{Errand, Kind, Task, errand, fact_middles, goal, likeness, new_task, start, words};

const ALREADY: &str = "already";
const ABSENT: &str = "absent";
const LOOKALIKE: &str = "lookalike";

/// People who are on no phone that has not drawn them: whoever is there is left out.
const PEOPLE: [&str; 12] = [
    "Quentin", "Ursula", "Walter", "Yvonne", "Xavier", "Priya", "Tomas", "Renate", "Bruno", "Sigrid", "Dmitri",
    "Fatima",
];

/// The names of the templates.
pub fn edge_templates() -> impl Iterator<Item = &'static str> + Clone {
    [ALREADY, ABSENT, LOOKALIKE].into_iter()
}

/// Draws a task of a template; `None` if there is no such template.
pub fn edge_task_of(template: &str, seed: u64) -> Option<Task> {
    let (mut dice, phone, facts) = start(seed, 0xED6E);
    let (template, errand) = match template {
        ALREADY => (ALREADY, already(&facts, &mut dice)),
        ABSENT => (ABSENT, absent(&facts, &mut dice)),
        LOOKALIKE => (LOOKALIKE, lookalike(&facts, &mut dice)),
        _ => return None,
    };
    let goal = goal(std::slice::from_ref(&errand), &mut dice);
    let mut task = new_task(template, seed, phone, &facts, goal, vec![errand]);
    if template == ABSENT {
        task.impossible = true;
        task.expect.clear();
    }
    Some(task)
}

/// What is asked for is so.
fn already(facts: &BTreeMap<String, String>, dice: &mut Dice) -> Errand {
    let kind = *dice.pick(&[Kind::Radio, Kind::Switch, Kind::Alarm, Kind::Favourite]);
    match errand(kind, facts, dice) {
        // Drawn the other way round, as the smoke suite asks for it.
        Errand::Switch { label, fact, on } => Errand::Switch { label, fact, on: !on },
        Errand::Alarm { time, on } => Errand::Alarm { time, on: !on },
        Errand::Favourite { name, on } => Errand::Favourite { name, on: !on },
        other => other,
    }
}

/// The person or the alarm is not there.
fn absent(facts: &BTreeMap<String, String>, dice: &mut Dice) -> Errand {
    let known = |name: &str| facts.keys().any(|fact| fact.split('.').nth(1) == Some(name));
    let people: Vec<&str> = PEOPLE.into_iter().filter(|name| !known(name)).collect();
    match dice.below(3) {
        0 => Errand::Message { name: (*dice.pick(&people)).to_owned(), text: words::message(dice) },
        1 => Errand::Favourite { name: (*dice.pick(&people)).to_owned(), on: true },
        _ => {
            let time = loop {
                let time = format!("{:02}:{:02}", dice.below(24), 5 * dice.below(12));
                if !known(&time) {
                    break time;
                }
            };
            Errand::Alarm { time, on: dice.chance(50) }
        }
    }
}

/// One of the two names or times on this phone that are most alike.
fn lookalike(facts: &BTreeMap<String, String>, dice: &mut Dice) -> Errand {
    let is_off = |fact: String| facts.get(&fact).is_some_and(|is| is == "false");
    match dice.below(3) {
        0 => {
            let name = one_of_two(&fact_middles(facts, "messages.", ".count"), dice);
            Errand::Message { name, text: words::message(dice) }
        }
        1 => {
            let name = one_of_two(&fact_middles(facts, "contacts.", ".favourite"), dice);
            Errand::Favourite { on: is_off(format!("contacts.{name}.favourite")), name }
        }
        _ => {
            let time = one_of_two(&fact_middles(facts, "alarms.", ".on"), dice);
            Errand::Alarm { on: is_off(format!("alarms.{time}.on")), time }
        }
    }
}

fn one_of_two(names: &[String], dice: &mut Dice) -> String {
    let pairs = names.iter().enumerate().flat_map(|(i, one)| names[i + 1..].iter().map(move |other| (one, other)));
    match pairs.max_by_key(|(one, other)| likeness(one, other)) {
        Some((one, other)) => if dice.chance(50) { one } else { other }.clone(),
        // A phone with one thread has nothing that looks like it.
        None => dice.pick(names).clone(),
    }
}

#[cfg(test)]
mod tests {
    use tapwright_phone::World;

    use super::*;
    use crate::judge;

    #[test]
    fn what_is_so_already_is_done_by_doing_nothing() {
        for seed in 0..300 {
            let task = edge_task_of(ALREADY, seed).unwrap();
            let start = World::new(task.phone.clone()).facts();
            assert_eq!(judge(&task, &start, &start), None, "{seed}: {}", task.goal);
            assert!(!task.expect.is_empty() && !task.impossible);
        }
    }

    #[test]
    fn what_is_absent_is_absent() {
        for seed in 0..300 {
            let task = edge_task_of(ABSENT, seed).unwrap();
            let start = World::new(task.phone.clone()).facts();
            assert!(task.impossible && task.expect.is_empty());
            let (Errand::Message { name, .. } | Errand::Favourite { name, .. } | Errand::Alarm { time: name, .. }) =
                &task.errands[0]
            else {
                panic!("{:?}", task.errands)
            };
            assert!(start.keys().all(|fact| fact.split('.').nth(1) != Some(name)), "{seed}: {}", task.goal);
            assert!(task.goal.contains(name.as_str()));
        }
    }

    #[test]
    fn lookalikes_are_there_and_wanted_otherwise() {
        for seed in 0..300 {
            let task = edge_task_of(LOOKALIKE, seed).unwrap();
            let start = World::new(task.phone.clone()).facts();
            assert!(judge(&task, &start, &start).is_some(), "{seed}: {}", task.goal);
        }
    }

    #[test]
    fn there_is_no_other_template() {
        assert!(edge_task_of("radio", 0).is_none());
        assert!(edge_templates().all(|name| edge_task_of(name, 1).is_some()));
    }
}
