//! The suite `miniwob`: MiniWoB++, 125 tasks on web pages, 5 times each, by the rules of BrowserGym, so that rows can be set beside its rows.
//!
//! The pages are not part of this program: they are the package `miniwob` of PyPI (MIT). They are served to browsers on this machine alone,
//! each with a script that begins the one episode of that page, takes away what BrowserGym takes away (the goal, the clock, the last
//! reward), and says what came of it. What an agent does reaches the page as a person's hands and keys would.
//!
//! BrowserGym's rules: 10 steps; a view of 332x214 CSS pixels at 150 %; passed if the raw reward is more than 0; whatever is done once the
//! page has ended the episode does not count, so the run ends there.

mod device;
mod pages;
mod seeds;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;

use self::device::{Browsers, EpisodeDevice};
use self::pages::PageServer;
use crate::device::{CustomDevice, DeviceAddress};
use crate::judge::{Evaluator, Evidence, Fact, JudgingError};
use crate::origin::CaseId;
use crate::suite::{Case, CaseLimits, Suite};

pub const NAME: &str = "miniwob";
pub const ABOUT: &str = "125 tasks on web pages, MiniWoB++'s, 5 times each by BrowserGym's rules; the pages are the package miniwob of PyPI";
/// How often each task is done.
const TIMES: usize = 5;
const STEPS: u32 = 10;

/// The tasks in the order in which BrowserGym draws their seeds, each with its half.
static TASKS: LazyLock<Vec<(&str, &str)>> =
    LazyLock::new(|| include_str!("miniwob/tasks.txt").lines().filter_map(|line| line.split_once(' ')).collect());

/// What the device says of its episode, as facts.
const GOAL: &str = "task.goal";
const DONE: &str = "task.done";
const RAW_REWARD: &str = "task.raw_reward";
const REWARD: &str = "task.reward";
const REASON: &str = "task.reason";

/// The suite, with its pages.
pub struct Miniwob {
    server: Arc<PageServer>,
    browsers: Browsers,
}

/// Why there are no pages.
#[derive(Debug, thiserror::Error)]
pub enum MiniwobError {
    #[error("the pages of MiniWoB++ are not part of this program, and no Python here has the package miniwob")]
    Missing,
    #[error("there are no pages of MiniWoB++ in {}: it has no core/core.js", .at.display())]
    NotThere { at: PathBuf },
    #[error("the pages of MiniWoB++ in {} lack miniwob/{task}.html", .at.display())]
    Incomplete { at: PathBuf, task: String },
    #[error("the pages of MiniWoB++ in {} cannot be served", .at.display())]
    Unservable { at: PathBuf, source: io::Error },
}

impl MiniwobError {
    /// What to do next.
    pub fn help(&self) -> &'static str {
        match self {
            MiniwobError::Missing | MiniwobError::NotThere { .. } | MiniwobError::Incomplete { .. } => {
                "python3 -m venv miniwob && miniwob/bin/pip install --no-deps miniwob==1.1.0, then: --pages miniwob"
            }
            MiniwobError::Unservable { .. } => "see whether the files can be read",
        }
    }
}

/// The folder of the pages: it is named, or the virtual environment or the package in which they are is.
///
/// # Errors
/// `MiniwobError` if they are not there.
pub fn find_pages(named: &Path) -> Result<PathBuf, MiniwobError> {
    let mut places = vec![named.to_owned(), named.join("html"), named.join("miniwob/html")];
    for lib in ["lib", "lib64", "Lib"] {
        let inside = std::fs::read_dir(named.join(lib)).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut inside: Vec<PathBuf> = inside.collect();
        inside.sort();
        let packages = ["site-packages", "dist-packages"].map(|name| format!("{name}/miniwob/html"));
        places.extend(packages.iter().map(|packages| named.join(lib).join(packages)));
        places.extend(inside.iter().flat_map(|python| packages.iter().map(|packages| python.join(packages))));
    }
    let found = places.into_iter().find(|place| place.join("core/core.js").is_file());
    found.ok_or_else(|| MiniwobError::NotThere { at: named.to_owned() })
}

impl Miniwob {
    /// Serves the pages. `folder` is where browsers may have their profiles, for as long as they are there.
    ///
    /// # Errors
    /// `MiniwobError` if they cannot be had.
    pub async fn open(pages: &Path, folder: &Path) -> Result<Miniwob, MiniwobError> {
        let lacks = TASKS.iter().find(|(task, _)| !pages.join("miniwob").join(format!("{task}.html")).is_file());
        if let Some((task, _)) = lacks {
            return Err(MiniwobError::Incomplete { at: pages.to_owned(), task: (*task).to_owned() });
        }
        let unservable = |source| MiniwobError::Unservable { at: pages.to_owned(), source };
        let server = PageServer::start(pages).await.map_err(unservable)?;
        Ok(Miniwob { server: Arc::new(server), browsers: Browsers::new(folder) })
    }

    /// Ends the browsers that were kept for the next case.
    pub async fn close(&self) {
        self.browsers.end().await;
    }
}

impl Suite for Miniwob {
    fn name(&self) -> &str {
        NAME
    }

    fn about(&self) -> &str {
        ABOUT
    }

    fn templates(&self) -> Vec<&str> {
        TASKS.iter().map(|(task, _)| *task).collect()
    }

    fn fixed_cases(&self) -> Option<Vec<(String, u64)>> {
        Some(fixed_cases())
    }

    fn training_seeds(&self) -> Option<u64> {
        None
    }

    fn steps_max(&self) -> u32 {
        STEPS
    }

    fn case(&self, template: &str, seed: u64) -> Option<Case> {
        let (task, half) = TASKS.iter().find(|(task, _)| *task == template)?;
        let page_seed = seeds::page_seed(u32::try_from(seed).ok()?);
        let device = EpisodeDevice::new(&self.server, &self.browsers, task, page_seed);
        Some(Case {
            id: CaseId { suite: NAME.to_owned(), template: template.to_owned(), seed },
            goal: String::new(),
            goal_fact: Some(GOAL),
            device: DeviceAddress::Custom(CustomDevice(Arc::new(device))),
            start: Vec::new(),
            evaluator: Arc::new(RawReward),
            group: Some((*half).to_owned()),
            limits: CaseLimits::default(),
        })
    }
}

fn fixed_cases() -> Vec<(String, u64)> {
    let mut draws = seeds::benchmark_seeds();
    let of_task = |task: &&str| (0..TIMES).map(|_| ((*task).to_owned(), draws())).collect::<Vec<_>>();
    TASKS.iter().map(|(task, _)| task).flat_map(of_task).collect()
}

/// Whether the page has ended the episode, as the facts of its end say.
pub(crate) fn is_over(end: &crate::judge::Facts) -> bool {
    end.get(DONE).is_some_and(|done| done == "true")
}

/// What judges an episode of a record.
pub fn evaluator() -> Arc<dyn Evaluator> {
    Arc::new(RawReward)
}

/// Wants the page to have ended the episode with a raw reward above 0.
#[derive(Debug)]
struct RawReward;

#[async_trait]
impl Evaluator for RawReward {
    fn expected_facts(&self) -> Vec<Fact> {
        vec![Fact { fact: RAW_REWARD.to_owned(), is: "more than 0".to_owned() }]
    }

    async fn evaluate(&self, evidence: Evidence<'_>) -> Result<Option<String>, JudgingError> {
        let fact = |name: &str| evidence.end.get(name).map_or("", String::as_str);
        if !is_over(evidence.end) {
            return Ok(Some("the page has not ended the episode".to_owned()));
        }
        if fact(RAW_REWARD).parse::<f64>().is_ok_and(|reward| reward > 0.0) {
            return Ok(None);
        }
        let reason = Some(fact(REASON)).filter(|reason| !reason.is_empty());
        let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        Ok(Some(format!("the page's raw reward is {}{reason}", fact(RAW_REWARD))))
    }

    fn judges_stopped(&self, end: &crate::judge::Facts) -> bool {
        is_over(end)
    }
}

/// The pages of a package that a Python here has, by asking none of them to run: where their packages are is written in their folders.
pub fn installed_pages(environments: &[PathBuf]) -> Option<PathBuf> {
    let mut seen = BTreeSet::new();
    environments.iter().filter(|one| seen.insert(one.as_path())).find_map(|one| find_pages(one).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_episodes_are_those_of_browsergym() {
        let cases = fixed_cases();
        assert_eq!((cases.len(), TASKS.len()), (625, 125));
        let halves = |half: &str| TASKS.iter().filter(|(_, of)| *of == half).count();
        assert_eq!((halves("train"), halves("test")), (62, 63));
        let seeds =
            |task: &str| -> Vec<u64> { cases.iter().filter(|(of, _)| of == task).map(|(_, seed)| *seed).collect() };
        // Drawn with NumPy, as BrowserGym draws them; `2 ^ 32` is 34 in Python.
        assert_eq!(seeds("ascending-numbers"), [28, 14, 7, 20, 18]);
        assert_eq!(seeds("book-flight"), [2, 21, 1, 23, 29]);
        let distinct: BTreeSet<&(String, u64)> = cases.iter().collect();
        assert_eq!(distinct.len(), 590, "some are drawn twice");
    }

    #[tokio::test]
    async fn only_a_reward_above_nothing_passes() {
        let facts = |done: &str, reward: &str, reason: &str| {
            [(DONE, done), (RAW_REWARD, reward), (REASON, reason)]
                .map(|(name, is)| (name.to_owned(), is.to_owned()))
                .into_iter()
                .collect::<crate::judge::Facts>()
        };
        let outcome = tapwright_agent::outcome::Outcome::Stopped;
        for (end, against) in [
            (facts("true", "1", ""), None),
            (facts("true", "0.3", ""), None),
            (facts("true", "0", ""), Some("the page's raw reward is 0")),
            (facts("true", "-1", "timed out"), Some("the page's raw reward is -1 (timed out)")),
            (facts("false", "1", ""), Some("the page has not ended the episode")),
            (crate::judge::Facts::new(), Some("the page has not ended the episode")),
        ] {
            let mut probe = crate::judge::RecordedProbe(&end);
            let evidence = Evidence { start: &end, end: &end, outcome: &outcome, probe: &mut probe, folder: None };
            assert_eq!(RawReward.evaluate(evidence).await.unwrap().as_deref(), against, "{end:?}");
        }
    }

    #[test]
    fn the_pages_are_found_in_a_virtual_environment() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(find_pages(folder.path()), Err(MiniwobError::NotThere { .. })));
        let html = folder.path().join("lib/python3.11/site-packages/miniwob/html");
        std::fs::create_dir_all(html.join("core")).unwrap();
        std::fs::write(html.join("core/core.js"), "").unwrap();
        for named in [folder.path(), &html, html.parent().unwrap()] {
            assert_eq!(find_pages(named).unwrap(), html, "{}", named.display());
        }
    }
}
