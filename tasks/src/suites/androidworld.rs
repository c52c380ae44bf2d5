//! The suite `androidworld`: of AndroidWorld's 116 tasks, at its default seed, those that the apps of the virtual phone can carry.
//!
//! What is asked and what has to be so in the end is data, in `tasks/suites/androidworld`, in the format of a suite of somebody's
//! own. `tasks.toml` there has all 116: what each may use, by what it is judged, and why it is left out, if it is.

pub mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;
use tapwright_phone::AppSelection;

use super::folder::FolderSuite;
use super::folder::case::CaseOrigin;
use crate::device::PhoneOptions;
use crate::suite::{Case, Suite};

pub const NAME: &str = "androidworld";
/// AndroidWorld's default seed, with which its parameters were drawn.
pub const SEED: u64 = 30;
/// When its tasks begin: 2023-10-15 15:34 UTC.
const EPOCH: u64 = 1_697_384_040;

/// The tasks of AndroidWorld that the virtual phone can carry.
pub struct AndroidWorld;

/// What becomes of a task of AndroidWorld.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskEntry {
    /// The steps that it may take.
    pub steps: u32,
    /// Its apps in AndroidWorld.
    pub apps: String,
    pub difficulty: String,
    /// What AndroidWorld judges it by.
    pub judged_by: String,
    /// The apps of the virtual phone that carry it.
    pub on: Option<String>,
    /// What is not quite the same.
    pub differs: Option<String>,
    /// Why it is no case here.
    pub left_out: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskFile {
    task: BTreeMap<String, TaskEntry>,
}

const FILES: [(&str, &str); 5] = [
    ("settings.toml", include_str!("../../suites/androidworld/settings.toml")),
    ("people.toml", include_str!("../../suites/androidworld/people.toml")),
    ("calendar.toml", include_str!("../../suites/androidworld/calendar.toml")),
    ("documents.toml", include_str!("../../suites/androidworld/documents.toml")),
    ("places.toml", include_str!("../../suites/androidworld/places.toml")),
];

static TASKS: LazyLock<BTreeMap<String, TaskEntry>> = LazyLock::new(|| {
    let file: TaskFile = toml::from_str(include_str!("../../suites/androidworld/tasks.toml")).expect("a file of ours");
    file.task
});

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let phone = PhoneOptions { seed: SEED, epoch: EPOCH, apps: AppSelection::All, ..PhoneOptions::default() };
    let origin = CaseOrigin { suite: NAME, seed: SEED, phone, profiles: Path::new("") };
    let texts = FILES.map(|(name, text)| (PathBuf::from(name), text.to_owned())).to_vec();
    let suite = FolderSuite::parse(&origin, texts).unwrap_or_else(|mistake| panic!("{mistake}: {mistake:?}"));
    let mut cases = suite.into_cases();
    for case in &mut cases {
        // What AndroidWorld allows, and how hard it calls it, is said once, beside the tasks that are left out.
        let entry = &TASKS[&case.id.template];
        case.limits.steps_max = Some(entry.steps);
        case.group = Some(entry.difficulty.clone());
    }
    cases
});

/// All of AndroidWorld's tasks by name.
pub fn tasks() -> &'static BTreeMap<String, TaskEntry> {
    &TASKS
}

impl Suite for AndroidWorld {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "AndroidWorld's tasks at seed 30, those that the apps of the virtual phone can carry, in words of this program"
    }

    fn templates(&self) -> Vec<&'static str> {
        CASES.iter().map(|case| case.id.template.as_str()).collect()
    }

    fn fixed_cases(&self) -> Option<Vec<(String, u64)>> {
        Some(CASES.iter().map(|case| (case.id.template.clone(), case.id.seed)).collect())
    }

    fn training_seeds(&self) -> Option<u64> {
        None
    }

    fn steps_max(&self) -> u32 {
        // What a case says for itself is below this.
        CASES.iter().filter_map(|case| case.limits.steps_max).max().unwrap_or_default()
    }

    fn case(&self, template: &str, seed: u64) -> Option<Case> {
        CASES.iter().find(|case| case.id.template == template && case.id.seed == seed).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn each_task_is_a_case_or_is_left_out_for_a_reason() {
        assert_eq!(tasks().len(), 116);
        assert_eq!(tasks().values().map(|entry| entry.steps).sum::<u32>(), 2349);
        let cases: BTreeSet<&str> = AndroidWorld.templates().into_iter().collect();
        assert_eq!(cases.len(), CASES.len());
        for (name, entry) in tasks() {
            assert_eq!(entry.on.is_some(), cases.contains(name.as_str()), "{name}");
            assert_ne!(entry.on.is_some(), entry.left_out.is_some(), "{name}");
        }
        assert!(cases.iter().all(|name| tasks().contains_key(*name)));
        assert!(40 <= cases.len(), "{}", cases.len());
    }

    #[test]
    fn the_table_of_the_docs_is_true() {
        let mut table =
            String::from("| task | steps | difficulty | judged by | here |\n| --- | --- | --- | --- | --- |\n");
        for (name, entry) in tasks() {
            let TaskEntry { steps, difficulty, judged_by, on, differs, left_out, .. } = entry;
            let here = match (on, left_out) {
                (Some(on), _) => differs.as_ref().map_or_else(|| on.clone(), |differs| format!("{on}; {differs}")),
                (None, why) => format!("left out: {}", why.as_deref().unwrap_or_default()),
            };
            writeln!(table, "| `{name}` | {steps} | {difficulty} | {judged_by} | {here} |").unwrap();
        }
        let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/androidworld.md");
        let text = std::fs::read_to_string(docs).unwrap_or_default();
        let count = format!("{} of its 116 tasks", CASES.len());
        assert!(text.contains(&count), "docs/androidworld.md does not say: {count}");
        assert!(text.contains(&table), "docs/androidworld.md has another table than\n{table}");
    }
}
