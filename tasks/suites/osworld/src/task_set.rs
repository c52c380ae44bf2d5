//! A set of tasks: read from where the user has it, checked, named by a hash, and filtered.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::archive::{self, FILE_BYTES_MAX};
use crate::defect::TaskDefect;
use crate::place::TextPlace;
use crate::repair::{Repair, RepairError};
use crate::task::OsworldTask;

/// Sets that are known, by their hashes. A score is worth something only beside the hash of its set.
pub const KNOWN_SETS: [(&str, &str); 2] = [
    ("73865ec2a265cdaa44e8a7b918076422018428b18bda8d88256263c4ed0f2fd1", "OSWorld of 2026-04-29"),
    ("1b87c10bba3a463ad7cbbd94b4792aa30113968a639cdcec306eacd35a4606ea", "OSWorld at 315a760"),
];

/// Why a set, or a part of it, cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TaskSetError {
    #[error("{path} cannot be read as a task set: {error}")]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{path} has no tasks: they are expected at examples/DOMAIN/ID.json, as in OSWorld's evaluation_examples")]
    Empty { path: PathBuf },
    #[error("there is no domain {name:?}; there are: {known}")]
    NoDomain { name: String, known: String },
    #[error("no task has an id that begins with {id:?}")]
    NoTask { id: String },
    #[error("the task {} has a mistake: {defect}", .defect.task().1)]
    Faulty { defect: Box<TaskDefect> },
    #[error("{id:?} begins the ids of {count} tasks; write more of it")]
    Ambiguous { id: String, count: usize },
    #[error("the list of tasks cannot be read: {why}")]
    List { why: String },
    #[error(transparent)]
    Repair(#[from] RepairError),
}

/// Tasks, with what is wrong in the files that are none.
#[derive(Debug)]
pub struct TaskSet {
    /// By domain and id.
    pub tasks: Vec<OsworldTask>,
    /// Mistakes of the files that could not be read as tasks.
    pub defects: Vec<TaskDefect>,
    /// The ids of tasks that repairs have changed.
    pub repaired: Vec<String>,
    /// By domain and id, the digests of all files, those with mistakes too.
    digests: BTreeMap<(String, String), String>,
}

/// Which tasks of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskSelection {
    /// None of them means all.
    pub domains: Vec<String>,
    /// Ids or beginnings of ids; none of them means all.
    pub ids: Vec<String>,
    /// Whether those whose files have mistakes are left out where ids name them.
    pub skips_faulty: bool,
}

impl TaskSelection {
    fn has(&self, domain: &str, is_wanted: impl Fn(&str) -> bool) -> bool {
        (self.domains.is_empty() || self.domains.iter().any(|name| name == domain))
            && (self.ids.is_empty() || self.ids.iter().any(|id| is_wanted(id)))
    }
}

impl TaskSet {
    /// Reads a folder that has `examples/DOMAIN/ID.json`, or a `.tar.gz` of one.
    ///
    /// # Errors
    /// If it cannot be read or holds no tasks. Mistakes in single files are kept with the set.
    pub fn load(path: &Path) -> Result<TaskSet, TaskSetError> {
        let files =
            archive::json_files(path).map_err(|error| TaskSetError::Unreadable { path: path.to_owned(), error })?;
        let mut set =
            TaskSet { tasks: Vec::new(), defects: Vec::new(), repaired: Vec::new(), digests: BTreeMap::new() };
        let is_in_examples = files.keys().any(|file| file.split('/').rev().nth(2) == Some("examples"));
        for (file, bytes) in &files {
            let mut parts = file.rsplit('/');
            let (Some(name), Some(domain)) = (parts.next(), parts.next()) else { continue };
            if is_in_examples && parts.next() != Some("examples") {
                continue;
            }
            let id = name.trim_end_matches(".json");
            set.add(file, domain, id, bytes);
        }
        if set.digests.is_empty() {
            return Err(TaskSetError::Empty { path: path.to_owned() });
        }
        set.tasks.sort_by(|a, b| (&a.domain, &a.id).cmp(&(&b.domain, &b.id)));
        Ok(set)
    }

    fn add(&mut self, file: &str, domain: &str, id: &str, bytes: &[u8]) {
        let defect = |why: String| TaskDefect {
            file: file.to_owned(),
            place: TextPlace { line: 1, column: 1 },
            why,
            help: None,
        };
        let place = (domain.to_owned(), id.to_owned());
        let digest_of_bytes = || hex::encode(Sha256::digest(bytes));
        if bytes.len() as u64 > FILE_BYTES_MAX {
            self.defects.push(defect(format!("it is longer than {FILE_BYTES_MAX} bytes")));
            self.digests.insert(place, digest_of_bytes());
            return;
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.defects.push(defect("it is not UTF-8".to_owned()));
            self.digests.insert(place, digest_of_bytes());
            return;
        };
        match OsworldTask::read(file, domain, text) {
            Ok(task) => {
                self.digests.insert(place, task.digest.clone());
                self.tasks.push(task);
            }
            Err(defects) => {
                self.defects.extend(defects);
                let digest = serde_json::from_str(text)
                    .map_or_else(|_| digest_of_bytes(), |value: Value| crate::task::digest(&value));
                self.digests.insert(place, digest);
            }
        }
    }

    /// The hash of all tasks' contents: SHA-256 of the lines `DOMAIN/ID DIGEST`, ordered.
    pub fn hash(&self) -> String {
        let mut lines: Vec<_> = self.digests.iter().collect();
        lines.sort_by_key(|((domain, id), _)| format!("{domain}__{id}"));
        let text: String =
            lines.into_iter().map(|((domain, id), digest)| format!("{domain}/{id} {digest}\n")).collect();
        hex::encode(Sha256::digest(text))
    }

    /// What the set is called, if it is one of [`KNOWN_SETS`].
    pub fn known_name(&self) -> Option<&'static str> {
        let hash = self.hash();
        KNOWN_SETS.iter().find(|(known, _)| *known == hash).map(|(_, name)| *name)
    }

    /// Those of all files, also of those with mistakes.
    pub fn domains(&self) -> BTreeSet<&str> {
        self.digests.keys().map(|(domain, _)| domain.as_str()).collect()
    }

    /// The mistakes in files that a selection names. Those in others are nothing to whoever has chosen.
    pub fn selected_defects(&self, selection: &TaskSelection) -> Vec<&TaskDefect> {
        let is_selected = |defect: &&TaskDefect| {
            let (domain, task) = defect.task();
            selection.has(domain, |id| self.whole_id(id).is_ok_and(|whole| whole == task))
        };
        self.defects.iter().filter(is_selected).collect()
    }

    /// The tasks of a selection, in the order of the set.
    ///
    /// # Errors
    /// If a domain or an id is not there, or an id is of a file with mistakes that is not to be left out.
    pub fn select(&self, selection: &TaskSelection) -> Result<Vec<&OsworldTask>, TaskSetError> {
        let domains = self.domains();
        for name in &selection.domains {
            if !domains.contains(name.as_str()) {
                let known = domains.iter().copied().collect::<Vec<_>>().join(", ");
                return Err(TaskSetError::NoDomain { name: name.clone(), known });
            }
        }
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        for id in &selection.ids {
            let task = self.whole_id(id)?;
            match self.defects.iter().find(|defect| defect.task().1 == task) {
                Some(defect) if !selection.skips_faulty => {
                    return Err(TaskSetError::Faulty { defect: Box::new(defect.clone()) });
                }
                _ => wanted.insert(task),
            };
        }
        let is_selected = |task: &&OsworldTask| selection.has(&task.domain, |_| wanted.contains(task.id.as_str()));
        Ok(self.tasks.iter().filter(is_selected).collect())
    }

    /// The id that begins so, of all files.
    fn whole_id<'a>(&'a self, id: &'a str) -> Result<&'a str, TaskSetError> {
        let known = self.digests.keys().map(|(_, known)| known.as_str());
        let found: Vec<&str> = known.filter(|known| known.starts_with(id)).collect();
        match found[..] {
            [] => Err(TaskSetError::NoTask { id: id.to_owned() }),
            [one] => Ok(one),
            // A whole id is that task's, even where another one begins with it.
            _ if found.contains(&id) => Ok(id),
            _ => Err(TaskSetError::Ambiguous { id: id.to_owned(), count: found.len() }),
        }
    }

    /// Changes tasks as repairs say; without this call none is.
    ///
    /// # Errors
    /// If a repair is for another task than there is, or leaves one that is none.
    pub fn repair(&mut self, repairs: &[Repair]) -> Result<(), TaskSetError> {
        for repair in repairs {
            let task = self.tasks.iter_mut().find(|task| task.id == repair.id);
            let task = task.ok_or_else(|| TaskSetError::NoTask { id: repair.id.clone() })?;
            let changed = repair.apply(&task.source)?;
            let text = serde_json::to_string_pretty(&changed).expect("a value can be written");
            let file = format!("{}.json", task.id);
            let read = OsworldTask::read(&file, &task.domain, &text);
            *task = read.map_err(|defects| RepairError::unfit(&repair.id, &defects))?;
            self.digests.insert((task.domain.clone(), task.id.clone()), task.digest.clone());
            self.repaired.push(repair.id.clone());
        }
        Ok(())
    }
}

/// Reads a list of ids: `{"DOMAIN": ["ID", …]}`, or the same under `ids`.
///
/// # Errors
/// If it is none.
pub fn read_id_list(text: &str) -> Result<Vec<String>, TaskSetError> {
    let list = |why: &str| TaskSetError::List { why: why.to_owned() };
    let value: Value = serde_json::from_str(text).map_err(|error| list(&format!("it is no JSON: {error}")))?;
    let by_domain = value.get("ids").unwrap_or(&value).as_object().ok_or_else(|| list("it is no object of domains"))?;
    let mut ids = Vec::new();
    for (domain, of_domain) in by_domain {
        let of_domain = of_domain.as_array().ok_or_else(|| list(&format!("`{domain}` has no list of ids")))?;
        for id in of_domain {
            ids.push(id.as_str().ok_or_else(|| list(&format!("`{domain}` lists what is no id")))?.to_owned());
        }
    }
    if ids.is_empty() { Err(list("it lists no ids")) } else { Ok(ids) }
}
