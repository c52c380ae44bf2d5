//! Every template that comes with the program: it can be drawn, it is not done before it begins, what it asks for passes, and
//! anything less, more or else does not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Instant;

use tapwright_phone::{Language, World};
use tapwright_phone_suite::{
    Cells, Ending, Expectation, Facts, Kind, Part, RunEnd, TRAINING_SEEDS, Task, Template, builtin, draw_builtin, judge,
};

const SEEDS: u64 = 12;

fn draw_tasks() -> Vec<Task> {
    let mut tasks = Vec::new();
    for template in builtin().templates() {
        for seed in 0..SEEDS {
            for seed in [seed, TRAINING_SEEDS + seed] {
                tasks.push(draw_builtin(&template.name, seed).unwrap_or_else(|why| panic!("seed {seed}: {why}")));
            }
        }
    }
    tasks
}

/// Tasks of every template and either half, drawn once for all tests.
fn tasks() -> &'static [Task] {
    static TASKS: LazyLock<Vec<Task>> = LazyLock::new(draw_tasks);
    &TASKS
}

fn ending(end: RunEnd, message: &str) -> Ending {
    Ending { end: Some(end), id: end.id().to_owned(), message: message.to_owned() }
}

/// The end that a task calls for, with the answer that it wants.
fn right_end(task: &Task) -> Ending {
    let words = task.answer.as_ref().map_or(String::new(), |answer| {
        let some = answer.any_of.first().into_iter().chain(&answer.contains);
        let state = answer.on.map(|on| if on { "Yes, it is on." } else { "No, it is not on." });
        some.map(String::as_str).chain(state).collect::<Vec<_>>().join(" - ")
    });
    ending(task.ends[0], &words)
}

fn start(task: &Task) -> Facts {
    task.world().unwrap().facts()
}

fn fulfil(task: &Task, start: &Facts) -> Facts {
    let mut end = start.clone();
    for expectation in &task.expect {
        expectation.fulfil(&mut end);
    }
    end.insert("front".to_owned(), "com.android.settings".to_owned());
    end
}

fn about(task: &Task) -> String {
    format!("{} seed {}: {}", task.template, task.seed, task.goal)
}

#[test]
fn what_is_asked_for_passes_and_is_not_so_before() {
    for task in tasks() {
        let start = start(task);
        let end = fulfil(task, &start);
        assert_eq!(judge(task, &start, &end, &right_end(task)), None, "{}", about(task));
        let at_start = task.expect.iter().any(|expectation| expectation.differs(&start).is_some());
        let is_change = matches!(task.kind, Kind::Does | Kind::Lookalike);
        assert_eq!(at_start, is_change, "{}: {:?}", about(task), task.expect);
        assert_eq!(task.kind.is_hands_off(), !is_change, "{}", about(task));
    }
}

#[test]
fn less_more_and_another_end_do_not_pass() {
    for task in tasks() {
        let start = start(task);
        let end = fulfil(task, &start);
        let right = right_end(task);
        let fails = |end: &Facts, ending: &Ending| judge(task, &start, end, ending).is_some();
        for expectation in &task.expect {
            let mut wrong = end.clone();
            match expectation {
                Expectation::Is { fact, .. } | Expectation::Matches { fact, .. } | Expectation::List { fact, .. } => {
                    wrong.insert(fact.clone(), "12:34 something else".to_owned());
                }
                Expectation::Gone { fact } => {
                    wrong.insert(fact.clone(), "true".to_owned());
                }
                Expectation::Rows { head, rows, .. } => {
                    wrong.insert(format!("{head}.{}", rows.len()), "one too many".to_owned());
                    assert!(fails(&wrong, &right), "{}: one too many", about(task));
                    wrong = end.clone();
                    if let Some(last) = rows.len().checked_sub(1) {
                        wrong.insert(format!("{head}.{last}"), "another one".to_owned());
                    } else {
                        continue;
                    }
                }
            }
            assert!(fails(&wrong, &right), "{}: {expectation:?}", about(task));
        }
        // Whatever else there is has to stay as it was; of a phone with many apps, some of it, other facts with every seed.
        let stride = 1 + end.len() / 12;
        let mut wrong = end.clone();
        for (fact, is) in end.iter().skip(usize::try_from(task.seed).unwrap() % stride).step_by(stride) {
            let is_free = task.may_change.iter().any(|head| fact.starts_with(head.as_str()));
            if is_free || task.expect.iter().any(|expectation| expectation.is_about(fact)) {
                continue;
            }
            wrong.insert(fact.clone(), format!("{is} and more"));
            let why = judge(task, &start, &wrong, &right).unwrap_or_default();
            wrong.insert(fact.clone(), is.clone());
            assert!(why.contains("nobody asked for"), "{}: {fact}: {why}", about(task));
        }
        let mut more = end.clone();
        more.insert("messages.Somebody Else.0".to_owned(), "me: hello".to_owned());
        assert!(fails(&more, &right), "{}", about(task));
        for other in [RunEnd::Done, RunEnd::GaveUp, RunEnd::NeedsPerson] {
            assert_eq!(fails(&end, &ending(other, &right.message)), !task.ends.contains(&other), "{}", about(task));
        }
        assert!(fails(&end, &Ending { end: None, id: "out-of-steps".to_owned(), message: String::new() }));
        if task.answer.is_some() {
            assert!(fails(&end, &ending(RunEnd::Done, "The task is done.")), "{}", about(task));
        }
    }
}

/// The phone's own facts, as they come when the phone is made so: not a copy of what the template says.
#[test]
fn a_phone_can_be_made_as_it_is_asked_for() {
    let mut made: BTreeSet<String> = BTreeSet::new();
    for task in tasks() {
        let start = start(task);
        let mut world = task.world().unwrap();
        if make(task, &start, &mut world) {
            assert_eq!(judge(task, &start, &world.facts(), &right_end(task)), None, "{}", about(task));
            made.insert(task.template.clone());
        }
    }
    // What only a finger can do is done by one: tests/walks.rs.
    let walks = include_str!("walks.txt");
    let walked: BTreeSet<&str> = walks.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
    let is_done = |name: &str| made.contains(name) || walked.contains(name);
    let templates = builtin().templates();
    let done = templates.iter().filter(|template| {
        let parts = &template.parts;
        is_done(&template.name) || !parts.is_empty() && parts.iter().all(|part| is_done(part))
    });
    let (done, all) = (done.count(), templates.len());
    assert!(10 * done >= 8 * all, "{done} of {all}");
}

/// Makes a phone as a task wants it, by facts that can be set; false where something can only go by hand.
fn make(task: &Task, start: &Facts, world: &mut World) -> bool {
    let count = |facts: &Facts, head: &str| {
        facts.get(&format!("{head}.count")).and_then(|count| count.parse::<usize>().ok()).unwrap_or(0)
    };
    for expectation in &task.expect {
        let done = match expectation {
            Expectation::Is { fact, .. } if fact.ends_with(".count") => Ok(()),
            Expectation::Is { fact, any_of, .. } => world.set_fact(fact, &any_of[0]),
            Expectation::Gone { .. } | Expectation::Matches { .. } => return false,
            Expectation::List { fact, separator, entries, .. } => world.set_fact(fact, &entries.join(separator)),
            Expectation::Rows { head, rows, .. } if rows.len() >= count(start, head) => {
                let mut rows = rows.iter().enumerate();
                rows.try_for_each(|(at, row)| world.set_fact(&format!("{head}.{at}"), row))
            }
            Expectation::Rows { .. } => return false,
        };
        let Err(refused) = done else { continue };
        // A new folder is empty as it is.
        if expectation.differs(&world.facts()).is_none() {
            continue;
        }
        // What only a finger can do: the phone tells the fact, and takes it from nobody.
        let (Expectation::Is { fact, .. } | Expectation::List { fact, .. }) = expectation else {
            panic!("{}: {refused}", about(task));
        };
        assert!(refused.0.contains("no fact") && start.contains_key(fact), "{}: {refused}", about(task));
        return false;
    }
    true
}

#[test]
fn always_saying_that_it_is_done_passes_no_kind_that_asks_for_something() {
    let mut passed: BTreeMap<Kind, (u32, u32)> = BTreeMap::new();
    for task in tasks() {
        let start = start(task);
        let right = judge(task, &start, &start, &ending(RunEnd::Done, "The task is done.")).is_none();
        let counts = passed.entry(task.kind).or_default();
        counts.0 += u32::from(right);
        counts.1 += 1;
    }
    for kind in Kind::ALL {
        let (right, all) = passed[&kind];
        match kind {
            Kind::Already => assert_eq!(right, all, "{kind}"),
            Kind::Conversation => assert!(right < all, "{kind}"),
            Kind::Does | Kind::Absent | Kind::Ambiguous | Kind::Lookalike | Kind::Answer | Kind::Impossible => {
                assert_eq!(right, 0, "{kind}");
            }
        }
    }
}

#[test]
fn the_halves_have_nothing_in_common() {
    let catalog = builtin();
    for template in catalog.templates() {
        let Some(say) = &template.say else { continue };
        for language in Language::ALL {
            let Some(halves) = say.of(language) else { continue };
            let training: BTreeSet<String> = halves.training.iter().map(|text| text.to_lowercase()).collect();
            for sentence in &halves.measuring {
                assert!(!training.contains(&sentence.to_lowercase()), "{}: {sentence}", template.name);
            }
        }
    }
    let cell = |cells: &Cells| match cells {
        Cells::Text(text) => text.to_lowercase(),
        Cells::Named(named) => named["is"].to_lowercase(),
    };
    for (name, table) in catalog.tables() {
        // Digits are letters rather than texts; what is made of tables alone is told apart by those.
        if ["digits", "numbers"].contains(&name.as_str()) {
            continue;
        }
        for language in Language::ALL {
            let Some(halves) = table.of(language) else { continue };
            let training: BTreeSet<String> = halves.training.iter().map(cell).collect();
            for row in &halves.measuring {
                assert!(!training.contains(&cell(row)), "{name}: {row:?}");
            }
        }
    }
    let names = |part| -> BTreeSet<String> {
        let tables = ["names", "alike_names", "shared_names"];
        let rows = |table| Language::ALL.into_iter().flat_map(move |language| catalog.rows(table, part, language));
        tables.into_iter().flat_map(rows).map(cell).collect()
    };
    let both: Vec<String> = names(Part::Training).intersection(&names(Part::Measuring)).cloned().collect();
    assert!(both.is_empty(), "{both:?}");
}

#[test]
fn goals_and_layouts_of_the_halves_are_other_ones() {
    let (mut training, mut measuring) = (BTreeSet::new(), BTreeSet::new());
    for template in builtin().templates() {
        for seed in 0..8 {
            let of_training = draw_builtin(&template.name, TRAINING_SEEDS + seed).unwrap();
            let of_measuring = draw_builtin(&template.name, seed).unwrap();
            assert_eq!((of_training.part, of_measuring.part), (Part::Training, Part::Measuring));
            training.insert((of_training.goal, String::new()));
            measuring.insert((of_measuring.goal, String::new()));
            for (task, into) in [(of_training.phone, &mut training), (of_measuring.phone, &mut measuring)] {
                into.insert((String::new(), format!("{}x{}", task.width, task.height)));
            }
            training.insert((String::new(), of_training.start[0].1.clone()));
            measuring.insert((String::new(), of_measuring.start[0].1.clone()));
        }
    }
    let both: Vec<_> = training.intersection(&measuring).collect();
    assert!(both.is_empty(), "{both:?}");
}

#[test]
fn there_are_many_templates_of_all_kinds_in_both_languages() {
    let templates = builtin().templates();
    assert!(templates.len() >= 210, "{}", templates.len());
    for kind in Kind::ALL {
        let count = templates.iter().filter(|template| template.kind == kind).count();
        assert!(count >= 3, "{kind}: {count}");
    }
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for template in templates {
        *counts.entry(builtin().apps(template).len()).or_default() += 1;
        let languages: BTreeSet<Language> =
            (0..40).map(|seed| draw_builtin(&template.name, seed).unwrap().language).collect();
        assert_eq!(languages.len(), Language::ALL.len(), "{}", template.name);
        assert!((1..=60).contains(&builtin().steps(template)), "{}", template.name);
    }
    assert!((1..=5).all(|apps| counts.contains_key(&apps)), "{counts:?}");
}

#[test]
fn the_table_of_the_docs_is_true() {
    let templates = builtin().templates();
    let apps = |template: &Template| builtin().apps(template).len().min(6);
    let mut table = String::from(
        "| kind | 1 app | 2 | 3 | 4 | 5 | 6 and more | all | steps |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for kind in Kind::ALL {
        let of_kind: Vec<&Template> = templates.iter().filter(|template| template.kind == kind).collect();
        let counts = (1..=6).map(|count| of_kind.iter().filter(|template| apps(template) == count).count());
        let steps = of_kind.iter().map(|template| builtin().steps(template));
        let (low, high) = (steps.clone().min().unwrap_or(0), steps.max().unwrap_or(0));
        let cells: Vec<String> = counts.map(|count| count.to_string()).collect();
        table += &format!("| `{kind}` | {} | {} | {low} to {high} |\n", cells.join(" | "), of_kind.len());
    }
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/suites.md");
    let text = std::fs::read_to_string(docs).unwrap();
    assert!(text.contains(&table), "docs/suites.md has another table than\n{table}");
    assert!(text.contains(&format!("Its {} templates", templates.len())), "{}", templates.len());
}

#[test]
fn a_task_is_drawn_again_as_it_was_and_within_milliseconds() {
    #[allow(clippy::disallowed_methods)] // It measures.
    let began = Instant::now();
    let first = draw_tasks();
    let each = began.elapsed() / u32::try_from(first.len()).unwrap();
    assert!(each.as_millis() < 20, "{each:?}");
    for (one, other) in first.iter().zip(draw_tasks()) {
        assert_eq!((&one.goal, &one.start, &one.expect), (&other.goal, &other.start, &other.expect));
        assert_eq!((&one.phone, one.language, &one.pieces), (&other.phone, other.language, &other.pieces));
    }
}

#[test]
fn goals_are_whole_sentences_that_the_phone_can_show() {
    for (name, table) in builtin().tables() {
        for rows in Language::ALL.into_iter().filter_map(|language| table.of(language)) {
            let text = format!("{rows:?}");
            let missing: String = text.chars().filter(|c| !tapwright_phone::draw::has_glyph(*c)).collect();
            assert!(missing.is_empty(), "{name}: the phone cannot draw {missing}");
        }
    }
    for task in tasks() {
        assert!(!task.goal.contains(['{', '}', '#']) && !task.goal.trim().is_empty(), "{}", about(task));
        for (fact, is) in &task.start {
            let missing: String =
                format!("{fact}{is}").chars().filter(|c| !tapwright_phone::draw::has_glyph(*c)).collect();
            assert!(missing.is_empty(), "{}: the phone cannot draw {missing}", about(task));
        }
    }
}
