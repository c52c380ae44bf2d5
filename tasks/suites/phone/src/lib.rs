//! The suite `phone`: what is asked of the virtual phone, drawn from templates that are data.
//!
//! A template's file says how a phone starts, what is asked in which words, and what has to be so in the end;
//! `docs/suites.md` explains the format. How a task could be done is not said here: that is for whoever does it.

mod answer;
mod builtin;
mod catalog;
mod judge;
mod slots;
mod template;
mod words;

use std::collections::BTreeMap;

use tapwright_phone::{AppSelection, Dice, Language, Options, World};

pub use answer::{AnswerCheck, says};
pub use builtin::{builtin, draw_builtin};
pub use catalog::{Catalog, CatalogError};
pub use judge::{Ending, Expectation, UnaskedChange, judge, unasked_change};
pub use slots::{NoValue, Values};
pub use template::{
    Answer, ByLanguage, Cells, DeviceNeeds, Expect, FactPattern, FactValue, Halves, Kind, NeededApps, Part, RunEnd,
    Slot, Source, Template,
};

use judge::{entries_of, numbered};
use slots::{Drawing, fill};
use template::references;

/// What is true of a phone, by name.
pub type Facts = BTreeMap<String, String>;

/// A slot's texts, by the names of its columns; `is` is the one that stands for it.
pub type Columns = BTreeMap<String, String>;

/// Seeds below this are for measuring; those from here on are for training. The two never meet.
pub const TRAINING_SEEDS: u64 = 1 << 40;

/// A task: a goal for the agent, and what a judge needs to know.
#[derive(Clone, Debug)]
pub struct Task {
    pub template: String,
    pub kind: Kind,
    pub seed: u64,
    pub part: Part,
    pub language: Language,
    /// What the agent is told.
    pub goal: String,
    /// The phone that the task starts on, …
    pub phone: Options,
    /// … and what is made true of it first, in this order.
    pub start: Vec<(String, String)>,
    pub expect: Vec<Expectation>,
    /// Facts that may change besides, by how their names begin.
    pub may_change: Vec<String>,
    pub ends: Vec<RunEnd>,
    pub answer: Option<AnswerCheck>,
    /// What was drawn, for whoever does the task behind the screen.
    pub pieces: Vec<Piece>,
}

/// One template that a task was drawn from, with the values of its slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub template: String,
    pub values: Values,
}

/// How often another phone is drawn if nothing fits on one.
const TRIES: u64 = 40;

/// Displays of either half, in pixels: no layout of measuring is one of training.
const DISPLAYS: [(Part, [(u32, u32); 4]); 2] = [
    (Part::Training, [(540, 1200), (540, 1140), (480, 1040), (720, 1600)]),
    (Part::Measuring, [(540, 1170), (576, 1280), (500, 1110), (720, 1520)]),
];

impl Part {
    /// The half that a seed draws from.
    pub fn of_seed(seed: u64) -> Part {
        if seed < TRAINING_SEEDS { Part::Measuring } else { Part::Training }
    }
}

impl Catalog {
    /// Draws a task of a template; the same template, seed and part always give the same one.
    ///
    /// # Errors
    /// `NoValue` if there is no such template, or none of many phones has what it needs.
    pub fn draw(&self, template: &str, seed: u64, part: Part) -> Result<Task, NoValue> {
        let template = self.template(template).ok_or_else(|| NoValue(format!("there is no template `{template}`")))?;
        let salt = template
            .name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        let mut dice = Dice::new(seed ^ salt);
        let mut last = NoValue(format!("`{}` cannot be drawn", template.name));
        for _ in 0..TRIES {
            match self.attempt(template, seed, part, &mut dice) {
                Ok(task) => return Ok(task),
                Err(why) => last = why,
            }
        }
        Err(NoValue(format!("{}: {last}", template.name)))
    }

    fn attempt(&self, template: &Template, seed: u64, part: Part, dice: &mut Dice) -> Result<Task, NoValue> {
        let parts = self.parts(template);
        let languages = Language::ALL.into_iter().filter(|language| {
            parts.iter().all(|part| part.say.as_ref().is_some_and(|say| say.of(*language).is_some()))
        });
        let languages: Vec<Language> = languages.collect();
        if languages.is_empty() {
            return Err(NoValue("its parts have no language in common".to_owned()));
        }
        let language = *dice.pick(&languages);
        let needs_all = parts.iter().any(|part| part.device.apps == NeededApps::All);
        let apps = if needs_all { AppSelection::All } else { AppSelection::Basic };
        let phone = Options { apps, ..phone(part, language, dice) };
        let mut world = World::new(phone.clone());
        let drawing = Drawing { catalog: self, part, language, epoch: phone.epoch };
        let mut start = vec![icons(&world, part, dice)];
        // What most of these apps show comes over a network, and nobody is asked to bring one about.
        let names_network = |given: &FactValue| ["airplane.on", "wifi.on"].contains(&given.fact.as_str());
        if needs_all && !parts.iter().any(|part| part.start.iter().any(names_network)) {
            start.push(("airplane.on".to_owned(), "false".to_owned()));
        }
        if let Some((fact, is)) = start.get(1) {
            world.set_fact(fact, is).map_err(|refused| NoValue(refused.to_string()))?;
        }
        let drawn = world.facts();
        let mut values = vec![Values::new(); parts.len()];
        // What the start needs is drawn from the phone as it was drawn, the rest from the phone as it starts.
        for (of, values) in parts.iter().zip(&mut values) {
            let texts = of.start.iter().flat_map(|given| [given.fact.as_str(), given.is.as_str()]);
            let named = texts.flat_map(|text| references(text).unwrap_or_default());
            let named: Vec<String> = named.map(|(slot, _)| slot.to_owned()).collect();
            drawing.draw(of, &named, &drawn, values, dice)?;
            for FactValue { fact, is } in &of.start {
                start.push((fill(fact, values)?, fill(is, values)?));
            }
        }
        for (fact, is) in &start {
            world.set_fact(fact, is).map_err(|refused| NoValue(refused.to_string()))?;
        }
        let facts = world.facts();
        for (of, values) in parts.iter().zip(&mut values) {
            let all: Vec<String> = of.slots.keys().cloned().collect();
            drawing.draw(of, &all, &facts, values, dice)?;
        }
        let mut task = Task {
            template: template.name.clone(),
            kind: template.kind,
            seed,
            part,
            language,
            goal: goal(&parts, &values, part, language, dice)?,
            phone,
            start,
            expect: Vec::new(),
            may_change: vec!["front".to_owned()],
            ends: template.ends.clone().unwrap_or_else(|| template.kind.ends().to_vec()),
            answer: None,
            pieces: Vec::new(),
        };
        for (of, values) in parts.into_iter().zip(values) {
            task.add(of, &values, &facts)?;
            task.pieces.push(Piece { template: of.name.clone(), values });
        }
        Ok(task)
    }
}

impl Task {
    fn add(&mut self, template: &Template, values: &Values, facts: &Facts) -> Result<(), NoValue> {
        let before = self.expect.len();
        for expect in &template.expect {
            let expectation = worked_out(expect, values, facts)?;
            let is_told_twice = |other: &Expectation| {
                let head = |expectation: &Expectation| match expectation {
                    Expectation::Is { fact, .. }
                    | Expectation::Matches { fact, .. }
                    | Expectation::Gone { fact }
                    | Expectation::List { fact, .. } => fact.clone(),
                    Expectation::Rows { head, .. } => format!("{head}.0"),
                };
                other.is_about(&head(&expectation)) || expectation.is_about(&head(other))
            };
            if self.expect[..before].iter().any(is_told_twice) {
                return Err(NoValue("two parts want something of the same fact".to_owned()));
            }
            self.expect.push(expectation);
        }
        for head in &template.may_change {
            self.may_change.push(fill(head, values)?);
        }
        if let Some(answer) = &template.answer {
            let all = |texts: &[String]| texts.iter().map(|text| fill(text, values)).collect::<Result<Vec<_>, _>>();
            let Answer { contains, any_of, without, on } = answer;
            let on = match on.as_ref().map(|on| fill(on, values)).transpose()?.as_deref() {
                None => None,
                Some("true") => Some(true),
                Some("false") => Some(false),
                Some(other) => {
                    return Err(NoValue(format!("an answer is on = \"true\" or \"false\", and not {other:?}")));
                }
            };
            let check = AnswerCheck { contains: all(contains)?, any_of: all(any_of)?, without: all(without)?, on };
            self.answer = Some(check);
        }
        Ok(())
    }

    /// The facts of the phone as the task starts.
    ///
    /// # Errors
    /// `NoValue` if the phone cannot start so.
    pub fn world(&self) -> Result<World, NoValue> {
        let mut world = World::new(self.phone.clone());
        for (fact, is) in &self.start {
            world.set_fact(fact, is).map_err(|refused| NoValue(refused.to_string()))?;
        }
        Ok(world)
    }
}

fn worked_out(expect: &Expect, values: &Values, facts: &Facts) -> Result<Expectation, NoValue> {
    let all = |texts: &[String]| texts.iter().map(|text| fill(text, values)).collect::<Result<Vec<_>, _>>();
    let moved = |mut old: Vec<String>, add: &[String], remove: &[String]| {
        for gone in all(remove)? {
            let at = old.iter().position(|entry| *entry == gone);
            old.remove(at.ok_or_else(|| NoValue(format!("there is no `{gone}` to be removed")))?);
        }
        old.extend(all(add)?);
        Ok(old)
    };
    Ok(match expect {
        Expect::Is { fact, any_of, like } => {
            Expectation::Is { fact: fill(fact, values)?, any_of: all(any_of)?, like: *like }
        }
        Expect::Matches { fact, pattern } => {
            Expectation::Matches { fact: fill(fact, values)?, pattern: fill(pattern, values)? }
        }
        Expect::Plus { fact, plus } => {
            let fact = fill(fact, values)?;
            let was = facts.get(&fact).map_or(Ok(0), |was| was.parse::<i64>());
            let was = was.map_err(|_| NoValue(format!("`{fact}` is no whole number")))?;
            Expectation::Is { fact, any_of: vec![(was + plus).to_string()], like: false }
        }
        Expect::Gone { fact } => {
            let fact = fill(fact, values)?;
            if !facts.contains_key(&fact) {
                return Err(NoValue(format!("there is no `{fact}` that could go")));
            }
            Expectation::Gone { fact }
        }
        Expect::Rows { head, add, remove, like } => {
            let head = fill(head, values)?;
            let rows = moved(numbered(&head, facts).into_values().collect(), add, remove)?;
            Expectation::Rows { head, rows, like: *like }
        }
        Expect::List { fact, separator, add, remove, like } => {
            let fact = fill(fact, values)?;
            let mut entries = moved(entries_of(facts.get(&fact), separator), add, remove)?;
            entries.sort();
            Expectation::List { fact, separator: separator.clone(), entries, like: *like }
        }
    })
}

fn phone(part: Part, language: Language, dice: &mut Dice) -> Options {
    let epoch = Options::default().epoch + 60 * dice.below(12 * 60) as u64 + 86_400 * dice.below(365) as u64;
    let sizes = DISPLAYS.iter().find(|(of, _)| *of == part).map_or([(540, 1200); 4], |(_, sizes)| *sizes);
    let (width, height) = *dice.pick(&sizes);
    Options { seed: dice.roll() >> 1, width, height, epoch, language, ..Options::default() }
}

/// The launcher's icons in an order that only this half has: an even number of swaps for training, an odd one for measuring.
fn icons(world: &World, part: Part, dice: &mut Dice) -> (String, String) {
    let mut labels: Vec<&str> = world.apps().iter().map(|app| app.label).collect();
    let swaps = labels.len() / 2 * 2 + usize::from(part == Part::Measuring);
    for _ in 0..swaps {
        let one = dice.below(labels.len());
        let other = (one + 1 + dice.below(labels.len() - 1)) % labels.len();
        labels.swap(one, other);
    }
    ("launcher.icons".to_owned(), labels.join(", "))
}

fn goal(
    parts: &[&Template],
    values: &[Values],
    part: Part,
    language: Language,
    dice: &mut Dice,
) -> Result<String, NoValue> {
    let mut goal = String::new();
    for (of, values) in parts.iter().zip(values) {
        let sentences = of.say.as_ref().and_then(|say| say.of(language)).map_or(&[][..], |halves| halves.of(part));
        if sentences.is_empty() {
            return Err(NoValue(format!("`{}` has no sentence", of.name)));
        }
        let sentence = fill(dice.pick::<String>(sentences), values)?;
        if goal.is_empty() {
            goal = sentence;
            continue;
        }
        let joints: &[&str] = match (language, part) {
            (Language::English, Part::Training) => &[" and then ", ", then ", ". Then "],
            (Language::English, Part::Measuring) => &[", and after that ", ", afterwards ", ". After that, "],
            (Language::Chinese, Part::Training) => &["，然后", "，再"],
            (Language::Chinese, Part::Measuring) => &["，之后", "，接着"],
        };
        let joint = *dice.pick(joints);
        goal = format!("{}{joint}{}", goal.trim_end_matches(['.', '。']), lower(&sentence));
    }
    Ok(goal)
}

/// A sentence as it goes on after another one; a word of capitals, or the word I, stays.
fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let Some(first) = letters.next() else { return String::new() };
    let rest = letters.as_str();
    let keeps = rest.chars().next().is_none_or(|next| next.is_uppercase() || !next.is_alphabetic());
    if keeps { sentence.to_owned() } else { first.to_lowercase().collect::<String>() + rest }
}
