//! A suite of somebody's own: a folder of TOML files, each with cases. What is wrong in one is said with its place.
//!
//! ```toml
//! [[case]]
//! name = "wifi-on"
//! goal = "Turn Wi-Fi on"
//! start = [{ fact = "wifi.on", is = "false" }]
//! expect = [{ fact = "wifi.on", is = "true" }]
//! ```

pub(super) mod case;
mod expectation;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tapwright_agent::journal::{private_folder, private_folders};
use toml::Spanned;

use crate::device::PhoneOptions;
use crate::mistake::{Mistake, read_text};
use crate::origin::write_atomically;
use crate::suite::{Case, CaseNeeds, Suite, plain_name};
use case::{CaseOrigin, CaseText, STEPS, case_of};

/// Far above any suite that a person would write.
const CASES_MAX: usize = 10_000;

/// What a new suite begins with.
const TEMPLATE: &str = include_str!("folder/template.toml");
const TEMPLATE_NAME: &str = "cases.toml";

/// Cases that were read from files of the format.
pub struct FolderSuite {
    name: String,
    about: String,
    cases: Vec<Case>,
    /// By the names of the cases.
    needs: BTreeMap<String, CaseNeeds>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    about: Option<String>,
    #[serde(default)]
    case: Vec<Spanned<CaseText>>,
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "toml") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Makes a folder with a commented file to begin with.
///
/// # Errors
/// If the folder is there and not empty, or cannot be written.
pub fn create(folder: &Path) -> io::Result<PathBuf> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is there already, and not empty"));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
                private_folders(above)?;
            }
            private_folder(folder)?;
        }
        Err(error) => return Err(error),
    }
    write_atomically(folder, TEMPLATE_NAME, TEMPLATE)?;
    Ok(folder.join(TEMPLATE_NAME))
}

impl FolderSuite {
    /// Reads all of a folder's files. `profiles` is where browsers may have their profiles.
    ///
    /// # Errors
    /// `Mistake` says what is wrong, and where.
    pub fn read(folder: &Path, profiles: &Path) -> Result<FolderSuite, Mistake> {
        let unreadable = |error: io::Error| Mistake::unreadable(folder, &error);
        let whole = folder.canonicalize().map_err(unreadable)?;
        let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = plain_name(&name);
        if super::is_shipped(&name) {
            // Its runs would be judged anew by the other one.
            let why = format!("`{name}` is the name of a suite that comes with this program");
            let help = Some("give the folder another name: what it is called is what its suite is called".to_owned());
            return Err(Mistake { file: folder.to_owned(), text: String::new(), at: None, why, help });
        }
        let mut texts = Vec::new();
        for path in files(folder).map_err(unreadable)? {
            let text = read_text(&path).map_err(|error| Mistake::unreadable(&path, &error))?;
            texts.push((path, text));
        }
        let origin = CaseOrigin { suite: &name, seed: 0, phone: PhoneOptions::default(), profiles };
        let suite = FolderSuite::parse(&origin, texts)?;
        if suite.cases.is_empty() {
            let why = "there is no case in its files".to_owned();
            let help = Some("add one: [[case]]; tapwright bench new FOLDER writes some to begin with".to_owned());
            return Err(Mistake { file: folder.to_owned(), text: String::new(), at: None, why, help });
        }
        Ok(suite)
    }

    /// Reads cases from files of the format, each with its path.
    ///
    /// # Errors
    /// As [`FolderSuite::read`].
    pub(super) fn parse(origin: &CaseOrigin<'_>, texts: Vec<(PathBuf, String)>) -> Result<FolderSuite, Mistake> {
        let about = "a suite of your own".to_owned();
        let mut suite = FolderSuite { name: origin.suite.to_owned(), about, cases: Vec::new(), needs: BTreeMap::new() };
        let mut names = BTreeSet::new();
        for (path, text) in texts {
            let file: File = toml::from_str(&text).map_err(|error| Mistake::of_toml(&path, &text, &error))?;
            if let Some(about) = file.about {
                suite.about = about;
            }
            for case in file.case {
                let made = case_of(origin, &case, &mut names);
                let made =
                    made.map_err(|(at, why, help)| Mistake { file: path.clone(), text: text.clone(), at, why, help })?;
                let needs = CaseNeeds { apps: case.get_ref().needs_apps.clone(), files: Vec::new() };
                suite.needs.insert(made.id.template.clone(), needs);
                suite.cases.push(made);
            }
            if suite.cases.len() > CASES_MAX {
                let why = format!("more than {CASES_MAX} cases");
                return Err(Mistake { file: path, text, at: None, why, help: None });
            }
        }
        Ok(suite)
    }

    /// The cases, in the order of the files.
    pub(super) fn into_cases(self) -> Vec<Case> {
        self.cases
    }
}

impl Suite for FolderSuite {
    fn name(&self) -> &str {
        &self.name
    }

    fn about(&self) -> &str {
        &self.about
    }

    fn templates(&self) -> Vec<&str> {
        self.cases.iter().map(|case| case.id.template.as_str()).collect()
    }

    fn fixed_cases(&self) -> Option<Vec<(String, u64)>> {
        Some(self.cases.iter().map(|case| (case.id.template.clone(), case.id.seed)).collect())
    }

    fn training_seeds(&self) -> Option<u64> {
        None
    }

    fn steps_max(&self) -> u32 {
        // What a case says for itself is below this.
        self.cases.iter().filter_map(|case| case.limits.steps_max).max().unwrap_or(STEPS).max(STEPS)
    }

    fn needs(&self, case: &Case) -> CaseNeeds {
        self.needs.get(&case.id.template).cloned().unwrap_or_default()
    }

    fn case(&self, template: &str, seed: u64) -> Option<Case> {
        self.cases.iter().find(|case| case.id.template == template && case.id.seed == seed).cloned()
    }
}

#[cfg(test)]
#[path = "folder/tests.rs"]
mod tests;
