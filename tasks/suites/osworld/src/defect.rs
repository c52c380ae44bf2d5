//! What is wrong with a task file, and where.

use crate::place::{JsonPath, TextPlace, locate};

/// A mistake in a task file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{}:{}: {why}{}", .place.line, .place.column, .help.as_ref().map_or_else(String::new, |help| format!("; {help}")))]
pub struct TaskDefect {
    /// The file's path in the task set.
    pub file: String,
    pub place: TextPlace,
    pub why: String,
    /// What to write instead, if that can be said.
    pub help: Option<String>,
}

impl TaskDefect {
    /// The domain and the id of its task, as the file's path says them.
    pub fn task(&self) -> (&str, &str) {
        let mut parts = self.file.rsplit('/');
        let id = parts.next().unwrap_or_default().trim_end_matches(".json");
        (parts.next().unwrap_or_default(), id)
    }
}

/// Collects the mistakes of one file.
pub(crate) struct DefectList<'a> {
    pub file: &'a str,
    pub text: &'a str,
    pub found: Vec<TaskDefect>,
}

impl DefectList<'_> {
    pub fn add(&mut self, at: &JsonPath, why: impl Into<String>) {
        self.add_with_help(at, why, None);
    }

    pub fn add_with_help(&mut self, at: &JsonPath, why: impl Into<String>, help: Option<String>) {
        let place = locate(self.text, at);
        self.found.push(TaskDefect { file: self.file.to_owned(), place, why: why.into(), help });
    }

    /// A name that is not among those there are; `lack` says what has no such name.
    pub fn unknown<'n>(&mut self, at: &JsonPath, lack: &str, name: &str, known: impl Iterator<Item = &'n str> + Clone) {
        let near = known.clone().map(|known| (strsim::jaro_winkler(name, known), known));
        let near = near.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
        let help = match near {
            Some((_, near)) => format!("did you mean `{near}`?"),
            None if known.clone().next().is_none() => "it takes none".to_owned(),
            None if known.clone().count() <= 12 => {
                format!("there are: {}", known.collect::<Vec<_>>().join(", "))
            }
            None => "docs/osworld.md lists them".to_owned(),
        };
        self.add_with_help(at, format!("{lack} `{name}`"), Some(help));
    }
}
