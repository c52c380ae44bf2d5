//! A suite of somebody's own: a folder of TOML files, each with cases. What is wrong in one is said with its place.
//!
//! ```toml
//! [[case]]
//! name = "wifi-on"
//! goal = "Turn Wi-Fi on"
//! start = [{ fact = "wifi.on", is = "false" }]
//! expect = [{ fact = "wifi.on", is = "true" }]
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use tapwright_agent::journal::{private_folder, private_folders};
use tapwright_agent::outcome::Outcome;
use tapwright_contract::Size;
use tapwright_contract::device::DriverError;
use tapwright_phone_suite::AnswerCheck;
use toml::Spanned;

use crate::device::{
    BrowserAddress, BrowserOptions, DeviceAddress, LaunchOptions, PageToolSites, PhoneOptions, Settle,
};
use crate::headline::message_of;
use crate::judge::{ANSWER, Evaluator, Evidence, Fact, Facts, RUN_END, changes};
use crate::mistake::{Mistake, nearest, read_text};
use crate::origin::{CaseId, write_atomically};
use crate::serve::AppSelection;
use crate::settings::size_of;
use crate::suite::{Case, CaseLimits, CaseNeeds, Suite, plain_name};

/// Far above any suite that a person would write.
const CASES_MAX: usize = 10_000;
/// A page in a browser that nobody said the size of.
const BROWSER_SIZE: Size = Size { width: 1280, height: 800 };
/// The steps that a case may have if nobody says it.
const STEPS: u32 = 40;
/// How runs can end and be right.
const ENDS: [&str; 3] = ["done", "gave-up", "needs-person"];

/// Suites that are not found by their names alone.
const SHIPPED: [&str; 2] = [super::miniwob::NAME, crate::osworld::NAME];

/// What a new suite begins with.
const TEMPLATE: &str = include_str!("folder/template.toml");
const TEMPLATE_NAME: &str = "cases.toml";

/// A suite that was read from a folder.
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

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseText {
    name: Spanned<String>,
    goal: Spanned<String>,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    device: DeviceText,
    #[serde(default)]
    start: Vec<Fact>,
    #[serde(default)]
    expect: Vec<Spanned<ExpectationText>>,
    #[serde(default)]
    answer: Option<Spanned<AnswerText>>,
    #[serde(default)]
    ends: Option<Spanned<Vec<String>>>,
    /// Facts whose names begin so may change, and no others may; without it, any may.
    #[serde(default)]
    may_change: Option<Vec<String>>,
    #[serde(default)]
    limits: LimitsText,
    /// Apps that have to be there, by the names by which they are launched.
    #[serde(default)]
    needs_apps: Vec<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceText {
    #[serde(default)]
    kind: Option<Spanned<String>>,
    #[serde(default)]
    seed: Option<u64>,
    #[serde(default)]
    size: Option<Spanned<String>>,
    #[serde(default)]
    apps: Option<Spanned<String>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectationText {
    fact: String,
    #[serde(default)]
    is: Option<String>,
    #[serde(default)]
    any_of: Option<Vec<String>>,
    #[serde(default)]
    matches: Option<String>,
    #[serde(default)]
    gone: Option<bool>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerText {
    #[serde(default)]
    contains: Vec<String>,
    #[serde(default)]
    any_of: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsText {
    #[serde(default)]
    steps: Option<Spanned<u32>>,
    #[serde(default)]
    minutes: Option<Spanned<u32>>,
}

/// What has to be true of a fact in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    Is(String),
    AnyOf(Vec<String>),
    /// `*` stands for anything.
    Matches(String),
    Gone,
}

/// What a case wants.
#[derive(Debug)]
struct Expectations {
    facts: Vec<(String, Requirement)>,
    answer: Option<AnswerCheck>,
    ends: Vec<String>,
    may_change: Option<Vec<String>>,
    /// Whether the device tells what is true of it.
    has_facts: bool,
}

type Wrong = (Option<Range<usize>>, String, Option<String>);

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
        if SHIPPED.contains(&name.as_str()) || super::find(&name).is_some() {
            // Its runs would be judged anew by the other one.
            let why = format!("`{name}` is the name of a suite that comes with this program");
            let help = Some("give the folder another name: what it is called is what its suite is called".to_owned());
            return Err(Mistake { file: folder.to_owned(), text: String::new(), at: None, why, help });
        }
        let mut suite =
            FolderSuite { name, about: "a suite of your own".to_owned(), cases: Vec::new(), needs: BTreeMap::new() };
        let mut names = BTreeSet::new();
        for path in files(folder).map_err(unreadable)? {
            let text = read_text(&path).map_err(|error| Mistake::unreadable(&path, &error))?;
            let file: File = toml::from_str(&text).map_err(|error| Mistake::of_toml(&path, &text, &error))?;
            if let Some(about) = file.about {
                suite.about = about;
            }
            for case in file.case {
                let made = case_of(&suite.name, &case, profiles, &mut names);
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
        if suite.cases.is_empty() {
            let why = "there is no case in its files".to_owned();
            let help = Some("add one: [[case]]; tapwright bench new FOLDER writes some to begin with".to_owned());
            return Err(Mistake { file: folder.to_owned(), text: String::new(), at: None, why, help });
        }
        Ok(suite)
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

fn case_of(
    suite: &str,
    spanned: &Spanned<CaseText>,
    profiles: &Path,
    names: &mut BTreeSet<String>,
) -> Result<Case, Wrong> {
    let (text, here) = (spanned.get_ref(), Some(spanned.span()));
    let name = text.name.get_ref();
    let is_plain = (1..=60).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !is_plain {
        let help = Some("letters, digits, `-` and `_`, up to 60".to_owned());
        return Err((Some(text.name.span()), format!("{name:?} is no name for a case"), help));
    }
    if !names.insert(name.clone()) {
        return Err((Some(text.name.span()), format!("there are two cases with the name `{name}`"), None));
    }
    if text.goal.get_ref().trim().is_empty() {
        return Err((Some(text.goal.span()), "the goal is empty".to_owned(), None));
    }
    let (device, has_facts) = device_of(&text.device, profiles, here.clone())?;
    let goes_by_facts = !text.start.is_empty() || !text.expect.is_empty() || text.may_change.is_some();
    if !has_facts && goes_by_facts {
        let why = "a browser does not tell facts, so nothing can be made true of it or expected of it".to_owned();
        let help = Some("expect something of the answer: answer = { contains = [\"…\"] }".to_owned());
        return Err((here, why, help));
    }
    if text.expect.is_empty() && text.answer.is_none() && text.ends.is_none() {
        let help = Some("say what is true in the end: expect = [{ fact = \"wifi.on\", is = \"true\" }]".to_owned());
        return Err((here, format!("nobody says what the case `{name}` wants"), help));
    }
    check_start(text, &device, here.clone())?;
    let facts = text.expect.iter().map(requirement).collect::<Result<Vec<_>, Wrong>>()?;
    let ends = match &text.ends {
        None => vec!["done".to_owned()],
        Some(ends) => {
            if let Some(end) = ends.get_ref().iter().find(|end| !ENDS.contains(&end.as_str())) {
                let near = nearest(end, ENDS).map(|near| format!("did you mean `{near}`?"));
                let help = near.or_else(|| Some(format!("there are: {}", ENDS.join(", "))));
                return Err((Some(ends.span()), format!("no run that is right ends with `{end}`"), help));
            }
            ends.get_ref().clone()
        }
    };
    let answer = match &text.answer {
        None => None,
        Some(answer) => {
            let AnswerText { contains, any_of, without } = answer.get_ref().clone();
            if contains.is_empty() && any_of.is_empty() && without.is_empty() {
                let help = Some("answer = { contains = [\"…\"] }".to_owned());
                return Err((Some(answer.span()), "nobody says what the answer has to say".to_owned(), help));
            }
            Some(AnswerCheck { contains, any_of, without, on: None })
        }
    };
    let positive = |limit: &Option<Spanned<u32>>, what: &str| match limit {
        Some(limit) if *limit.get_ref() == 0 => Err((Some(limit.span()), format!("a case may take no {what}"), None)),
        limit => Ok(limit.as_ref().map(|limit| *limit.get_ref())),
    };
    let limits = CaseLimits {
        steps_max: Some(positive(&text.limits.steps, "step")?.unwrap_or(STEPS)),
        minutes: positive(&text.limits.minutes, "time")?,
    };
    let may_change = text.may_change.clone();
    Ok(Case {
        id: CaseId { suite: suite.to_owned(), template: name.clone(), seed: 0 },
        goal: text.goal.get_ref().clone(),
        goal_fact: None,
        device,
        start: text.start.clone(),
        evaluator: Arc::new(Expectations { facts, answer, ends, may_change, has_facts }),
        group: text.group.clone(),
        limits,
    })
}

/// The device of a case, and whether it tells facts.
fn device_of(text: &DeviceText, profiles: &Path, here: Option<Range<usize>>) -> Result<(DeviceAddress, bool), Wrong> {
    let kind = text.kind.as_ref().map_or("virtual", |kind| kind.get_ref().as_str());
    let size = match &text.size {
        None => None,
        Some(size) => Some(size_of(size.get_ref()).map_err(|why| (Some(size.span()), why, None))?),
    };
    match kind {
        "virtual" => {
            let mut phone = PhoneOptions { seed: text.seed.unwrap_or(0), ..PhoneOptions::default() };
            if let Some(size) = size {
                (phone.width, phone.height) = (size.width, size.height);
            }
            if let Some(apps) = &text.apps {
                let found = AppSelection::NAMES.iter().find(|(name, _)| name == apps.get_ref());
                let help = || Some("write \"basic\" or \"all\"".to_owned());
                let wrong = || (Some(apps.span()), format!("there are no apps `{}`", apps.get_ref()), help());
                phone.apps = found.ok_or_else(wrong)?.1;
            }
            Ok((DeviceAddress::Virtual(phone), true))
        }
        "browser" => {
            if text.seed.is_some() || text.apps.is_some() {
                return Err((here, "`seed` and `apps` are a virtual phone's, and this is a browser".to_owned(), None));
            }
            let size = size.unwrap_or(BROWSER_SIZE);
            let launch = LaunchOptions { program: None, size, scale_percent: 100, folder: profiles.to_owned() };
            let at = BrowserAddress::Private(launch);
            Ok((
                DeviceAddress::Browser(BrowserOptions {
                    at,
                    settle: Settle::BROWSER,
                    sites: Vec::new(),
                    page_tools: PageToolSites::None,
                }),
                false,
            ))
        }
        other => {
            let at = text.kind.as_ref().map(Spanned::span);
            let help =
                "kind = \"virtual\" is a phone of this program's, kind = \"browser\" a browser of its own".to_owned();
            Err((at, format!("there is no device of the kind `{other}` for cases"), Some(help)))
        }
    }
}

/// Makes the start true of a phone as it would be drawn: a slip is found before anything is run.
fn check_start(text: &CaseText, device: &DeviceAddress, here: Option<Range<usize>>) -> Result<(), Wrong> {
    let DeviceAddress::Virtual(phone) = device else { return Ok(()) };
    let mut world = tapwright_phone::World::new(phone.clone());
    for Fact { fact, is } in &text.start {
        world.set_fact(fact, is).map_err(|refused| {
            let facts = world.facts();
            let near = nearest(fact, facts.keys().map(String::as_str)).filter(|near| near != fact);
            let help = near.map_or_else(
                || "docs/phone.md lists what can be set".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            (here.clone(), format!("it cannot start so: {refused}"), Some(help))
        })?;
    }
    // Of facts that come and go with what is done nobody can say beforehand whether they are misspelt; of switches one can.
    let facts = world.facts();
    for spanned in &text.expect {
        let ExpectationText { fact, is, gone, .. } = spanned.get_ref();
        if gone.is_some_and(|gone| gone) && !facts.contains_key(fact) {
            let near = nearest(fact, facts.keys().map(String::as_str));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "make it true by `start` first: what is gone has to have been there".to_owned(),
            };
            let why = format!("`{fact}` is not there when the case starts, so that it is gone says nothing");
            return Err((Some(spanned.span()), why, Some(help)));
        }
        let is_switch = is.as_deref().is_some_and(|is| matches!(is, "true" | "false"));
        if is_switch && gone.is_none() && !facts.contains_key(fact) && fact.split('.').count() == 2 {
            let near = nearest(fact, facts.keys().map(String::as_str));
            let help = near
                .map_or_else(|| "docs/phone.md lists the facts".to_owned(), |near| format!("did you mean `{near}`?"));
            return Err((Some(spanned.span()), format!("there is no fact `{fact}`"), Some(help)));
        }
    }
    Ok(())
}

fn requirement(spanned: &Spanned<ExpectationText>) -> Result<(String, Requirement), Wrong> {
    let ExpectationText { fact, is, any_of, matches, gone } = spanned.get_ref().clone();
    let forms = [
        is.map(Requirement::Is),
        any_of.map(Requirement::AnyOf),
        matches.map(Requirement::Matches),
        gone.filter(|gone| *gone).map(|_| Requirement::Gone),
    ];
    let mut forms = forms.into_iter().flatten();
    match (forms.next(), forms.next()) {
        (Some(Requirement::AnyOf(values)), None) if values.is_empty() => {
            Err((Some(spanned.span()), format!("no value of `{fact}` would do"), None))
        }
        (Some(wanted), None) => Ok((fact, wanted)),
        _ => {
            let help =
                "write exactly one of is = \"…\", any_of = [\"…\"], matches = \"… * …\" and gone = true".to_owned();
            Err((Some(spanned.span()), format!("it does not say in one way what `{fact}` is to be"), Some(help)))
        }
    }
}

impl Requirement {
    fn is_met(&self, value: Option<&String>) -> bool {
        match (self, value) {
            (Requirement::Is(is), Some(value)) => value == is,
            (Requirement::AnyOf(all), Some(value)) => all.contains(value),
            (Requirement::Matches(pattern), Some(value)) => matches(pattern, value),
            (Requirement::Gone, None) => true,
            (Requirement::Gone, Some(_))
            | (Requirement::Is(_) | Requirement::AnyOf(_) | Requirement::Matches(_), None) => false,
        }
    }

    fn in_words(&self) -> String {
        match self {
            Requirement::Is(is) => is.clone(),
            Requirement::AnyOf(all) => all.join(" or "),
            Requirement::Matches(pattern) => pattern.clone(),
            Requirement::Gone => "gone".to_owned(),
        }
    }
}

/// Whether a text is such as a pattern in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[async_trait]
impl Evaluator for Expectations {
    fn expected_facts(&self) -> Vec<Fact> {
        let fact = |(fact, wanted): &(String, Requirement)| Fact { fact: fact.clone(), is: wanted.in_words() };
        let mut all: Vec<Fact> = self.facts.iter().map(fact).collect();
        // It says that the words beside it are for people: who has only these must not judge by them.
        all.push(Fact { fact: RUN_END.to_owned(), is: self.ends.join(" or ") });
        if let Some(answer) = &self.answer {
            let some = (!answer.any_of.is_empty()).then(|| answer.any_of.join(" or "));
            let is = answer.contains.iter().cloned().chain(some).collect::<Vec<_>>().join(", ");
            all.push(Fact { fact: ANSWER.to_owned(), is });
        }
        all
    }

    fn identity(&self) -> String {
        // `is = "a or b"` and `any_of = ["a", "b"]` are the same words, and other changes stand in none.
        format!("{self:?}")
    }

    async fn evaluate(&self, evidence: Evidence<'_>) -> Result<Option<String>, DriverError> {
        let Evidence { start, end, outcome, .. } = evidence;
        for (fact, wanted) in &self.facts {
            if !wanted.is_met(end.get(fact)) {
                let found = end.get(fact).map_or_else(|| "there is no such fact".to_owned(), |is| format!("is `{is}`"));
                return Ok(Some(format!("`{fact}` should be `{}` and {found}", wanted.in_words())));
            }
        }
        if let Some(fact) = self.beyond(start, end) {
            return Ok(Some(format!("`{fact}` was changed, which nobody asked for")));
        }
        if !self.ends.iter().any(|wanted| wanted == outcome.id()) {
            return Ok(Some(format!(
                "the run should end with {} and ended with `{}`",
                self.ends.join(" or "),
                outcome.id()
            )));
        }
        let said = answer_of(outcome);
        Ok(self.answer.as_ref().and_then(|answer| answer.differs(&said)))
    }

    fn is_unasked(&self, start: &Facts, end: &Facts) -> bool {
        self.beyond(start, end).is_some()
    }

    fn needs_facts(&self) -> bool {
        self.has_facts
    }
}

impl Expectations {
    /// The first fact that was changed and may not be.
    fn beyond(&self, start: &Facts, end: &Facts) -> Option<String> {
        let allowed = self.may_change.as_ref()?;
        let is_wanted = |fact: &str| {
            self.facts.iter().any(|(wanted, _)| wanted == fact) || allowed.iter().any(|prefix| fact.starts_with(prefix))
        };
        changes(start, end).into_iter().map(|change| change.fact).find(|fact| !is_wanted(fact))
    }
}

fn answer_of(outcome: &Outcome) -> String {
    message_of(outcome).unwrap_or_default()
}

#[cfg(test)]
#[path = "folder/tests.rs"]
mod tests;
