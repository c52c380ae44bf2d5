//! The small model is taught exactly what it is asked later: the generator's prompts are the agent's.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use agent::dialect::Dialect;
use agent::profile::{Profile, ReplyForm};
use agent::prompt::{self, Exchange};
use contract::model::{Part, Role};
use contract::{Picture, Size};
use tapwright_agent as agent;
use tapwright_contract as contract;
use tapwright_mini_data::{Step, steps};
use tapwright_smoke::Errand;

/// The agent's section of the profile that the shipped model comes with.
fn profile() -> &'static Profile {
    static PROFILE: OnceLock<Profile> = OnceLock::new();
    PROFILE.get_or_init(|| {
        let at = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/mini/profile.toml");
        let text = fs::read_to_string(&at).unwrap_or_else(|error| panic!("{}: {error}", at.display()));
        let whole: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", at.display()));
        whole["agent"].clone().try_into().unwrap_or_else(|error| panic!("{}: {error}", at.display()))
    })
}

/// What the agent makes of the same steps, as (role, text).
fn agent_prompt(past: &[Step], step: &Step) -> Vec<(&'static str, String)> {
    let profile = profile();
    let exchanges: Vec<Exchange> = past
        .iter()
        .map(|step| {
            let said = Dialect::Autoglm.read(&step.reply, false);
            let call = said.call.unwrap_or_else(|unclear| panic!("{}: {unclear:?}", step.reply));
            Exchange {
                info: info(step),
                reply: written_back(&said.thought, &Dialect::Autoglm.print(&call), &step.reply),
            }
        })
        .collect();
    let picture = Picture::new(Size { width: 1, height: 1 }, vec![0; 4]).expect("one pixel is a picture");
    let prompt = prompt::compose(profile, &step.goal, "", &exchanges, &info(step), picture);
    let said = |parts: Vec<Part>| {
        parts.into_iter().filter_map(|part| if let Part::Text(text) = part { Some(text) } else { None }).collect()
    };
    let role = |role| match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    prompt.turns.into_iter().map(|turn| (role(turn.role), said(turn.parts))).collect()
}

/// A reply as the profile has it written back.
fn written_back(thought: &str, action: &str, heard: &str) -> String {
    match profile().reply {
        ReplyForm::Clean => prompt::clean_reply(thought, action),
        ReplyForm::CleanLines => prompt::clean_reply_in_lines(thought, action),
        ReplyForm::Doubled => prompt::doubled_reply(heard),
        ReplyForm::Heard => heard.to_owned(),
    }
}

fn info(step: &Step) -> String {
    prompt::info(&step.front, step.remark.as_deref())
}

#[test]
fn the_generator_writes_the_prompts_that_the_agent_writes() {
    let mut compared = 0;
    for seed in 0..160 {
        let episode = steps(tapwright_smoke::TRAINING_SEEDS + seed);
        for (at, step) in episode.iter().enumerate() {
            assert_eq!(agent_prompt(&episode[..at], step), step.turns, "seed {seed}, step {at}");
            compared += 1;
        }
    }
    assert!(compared > 200, "only {compared} steps");
}

/// The texts of a TOML value that stand under `measuring`.
fn texts(value: &toml::Value, is_inside: bool, found: &mut Vec<String>) {
    match value {
        toml::Value::String(text) if is_inside => found.push(text.clone()),
        toml::Value::Array(values) => values.iter().for_each(|value| texts(value, is_inside, found)),
        toml::Value::Table(table) => {
            table.iter().for_each(|(key, value)| texts(value, is_inside || key == "measuring", found));
        }
        _ => {}
    }
}

/// What the model is measured on: the measuring half of the suite `phone`, and goals as people type them.
fn measured_goals() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut found = Vec::new();
    for folder in ["tasks/suites/phone/templates", "tasks/suites/phone/tables"] {
        for file in fs::read_dir(root.join(folder)).expect(folder) {
            let table: toml::Table = read(&file.expect(folder).path()).parse().expect(folder);
            texts(&toml::Value::Table(table), false, &mut found);
        }
    }
    for list in ["first.toml", "second.toml"] {
        let table: toml::Table = read(&root.join("models/mini/goals").join(list)).parse().expect(list);
        let cases = table["case"].as_array().expect("cases");
        found.extend(cases.iter().map(|case| case["goal"].as_str().expect("a goal").to_owned()));
    }
    found
}

/// Letters and slots only: how a sentence ends and where its capitals are makes no other sentence of it.
fn bare(text: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || c == '{' || c == '}' { Some(c) } else { (c == ' ').then_some(c) };
    text.chars().filter_map(kept).flat_map(char::to_lowercase).collect::<String>().trim().to_owned()
}

#[test]
fn nothing_that_is_measured_is_in_training() {
    let measured: BTreeSet<String> =
        measured_goals().iter().map(|text| bare(text)).filter(|text| 2 < text.len()).collect();
    assert!(measured.len() > 900, "only {} texts", measured.len());
    let vocabulary = tapwright_mini_data::vocabulary();
    let all = [&vocabulary.refused, &vocabulary.done, &vocabulary.names, &vocabulary.texts];
    let both: Vec<&str> = all.into_iter().flatten().copied().filter(|text| measured.contains(&bare(text))).collect();
    assert!(both.is_empty(), "in training and in measuring: {both:?}");

    let absent = (0..400).filter_map(|seed| tapwright_smoke::edge_task_of("absent", seed));
    for task in absent {
        let is_shared = |name: &&str| task.goal.split([' ', '.']).any(|word| word == *name);
        let shared: Vec<&str> = vocabulary.names.iter().copied().filter(is_shared).collect();
        assert!(shared.is_empty(), "{}: {shared:?}", task.goal);
    }
    for seed in 0..20_000 {
        let goal = tapwright_mini_data::lesson(tapwright_smoke::TRAINING_SEEDS + seed).goal;
        // This one is in the suite's own words.
        let is_own = bare(&goal) == "turn bluetooth on";
        assert!(is_own || !measured.contains(&bare(&goal)), "seed {seed}: {goal}");
    }
}

/// Alarms are in Clock: a lesson that says Settings and goes to Clock teaches to pass over what a goal says.
#[test]
fn no_lesson_asks_for_an_alarm_in_the_settings() {
    let mut alarms = 0;
    for seed in 0..5_000 {
        let lesson = tapwright_mini_data::lesson(tapwright_smoke::TRAINING_SEEDS + seed);
        let is_alarm = |errand: &Errand| matches!(errand, Errand::Alarm { .. });
        if !lesson.errands.is_empty() && lesson.errands.iter().all(is_alarm) {
            alarms += 1;
            assert!(!lesson.goal.contains("Settings"), "seed {seed}: {}", lesson.goal);
        }
    }
    assert!(alarms > 200, "only {alarms} lessons are about alarms alone");
}

/// A card that waits for one worker is paid for and idle: the number of workers goes by the machine's cores, and not by how many threads
/// each of them may use.
#[cfg(target_os = "linux")]
#[test]
fn the_trainer_for_a_card_has_a_worker_for_nearly_every_core() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let program = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
        path
    };
    // As GNU's: no more than OMP_NUM_THREADS says.
    program("nproc", "echo ${OMP_NUM_THREADS:-16}");
    program("mount", "exit 1");
    let generator = program("generator", "exit 0");
    let python = program("python", "echo \"$@\"");
    for threads in [None, Some("1")] {
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", r#"PATH="$0:$PATH" exec sh "$@""#])
            .arg(folder.path())
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/mini/train_gpu.sh"))
            .args([&folder.path().join("out").display().to_string(), "60", "--batch", "8"])
            .env("MINI_DATA", &generator)
            .env("PYTHON", &python)
            .env_remove("OMP_NUM_THREADS");
        if let Some(threads) = threads {
            command.env("OMP_NUM_THREADS", threads);
        }
        let output = command.output().expect("sh runs");
        let said = String::from_utf8_lossy(&output.stdout);
        let called = said.lines().last().unwrap_or_default();
        assert!(
            called.contains(" --workers 14 --batch 8"),
            "{threads:?}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
