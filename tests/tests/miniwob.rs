//! Episodes of MiniWoB++ on a real browser, played by somebody who reads the widgets: the rewards are the page's own.
//!
//! The pages are not part of this program: `TAPWRIGHT_MINIWOB` names a virtual environment that has the package `miniwob`, or their
//! folder. Without it, or without a browser, the test says that it was skipped.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)] // A test may look where the pages are, and measures.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tapwright_contract::device::Label;
use tapwright_contract::gesture::{Gesture, Key};
use tapwright_contract::{ScreenId, Spot};
use tapwright_tasks::Outcome;
use tapwright_tasks::device::{Device, DeviceOptions, FunctionOwners, Keys, Weather};
use tapwright_tasks::judge::{Evidence, Facts};
use tapwright_tasks::private_browser_lacks;
use tapwright_tasks::suite::{Case, CaseSelection, Suite as _};
use tapwright_tasks::suites::miniwob::{Miniwob, find_pages};

const WAIT: Duration = Duration::from_secs(20);

/// The pages, or why there are none, on standard error past whoever captures it.
fn pages() -> Option<PathBuf> {
    let named = std::env::var("TAPWRIGHT_MINIWOB").ok();
    let skipped = match (&named, private_browser_lacks()) {
        (None, _) => "TAPWRIGHT_MINIWOB does not say where the package miniwob is".to_owned(),
        (_, Some(lacks)) => lacks,
        (Some(named), None) => match find_pages(Path::new(named)) {
            Ok(pages) => return Some(pages),
            Err(error) => error.to_string(),
        },
    };
    drop(writeln!(std::io::stderr(), "SKIPPED: miniwob: {skipped}"));
    None
}

struct Player {
    device: Device,
    goal: String,
    id: ScreenId,
}

impl Player {
    async fn begin(case: &Case) -> Player {
        let options = DeviceOptions {
            at: case.device.clone(),
            weather: Weather::calm(),
            connect: WAIT,
            keys: Keys::default(),
            find_again: WAIT,
            probe: WAIT,
            words: false,
            app_functions: FunctionOwners::None,
        };
        let mut device = Device::open(&options).await.unwrap();
        let goal = device.facts().await.unwrap().unwrap()[case.goal_fact.unwrap()].clone();
        let id = device.rig.driver.screen(WAIT).await.unwrap().id;
        Player { device, goal, id }
    }

    async fn labels(&mut self) -> Vec<Label> {
        self.device.rig.driver.labels(WAIT).await.unwrap().unwrap()
    }

    async fn tap_area(&mut self, label: &Label) {
        let area = label.area;
        let (x, y) = (u32::midpoint(area.left, area.right), u32::midpoint(area.top, area.bottom));
        self.device.rig.driver.perform(&Gesture::Tap { at: Spot { x, y, of: self.id } }, WAIT).await.unwrap();
    }

    /// Taps what is called so, if it is there.
    async fn tap(&mut self, text: &str) {
        let labels = self.labels().await;
        if let Some(label) = labels.iter().rfind(|label| label.touchable && label.text.lines().any(|line| line == text))
        {
            self.tap_area(label).await;
        }
    }

    /// Types into the so many-th field that shows nothing, as one for a password does whatever it holds. Nothing is typed where a tap alone
    /// is wanted, which ends the episode.
    async fn enter(&mut self, field: usize, text: &str) {
        let labels = self.labels().await;
        if let Some(label) = labels.iter().filter(|label| label.touchable && label.text.is_empty()).nth(field) {
            self.tap_area(label).await;
            if text.is_empty() {
                return;
            }
            self.device.rig.driver.perform(&Gesture::Type { text: text.to_owned() }, WAIT).await.unwrap();
        }
    }

    async fn play(&mut self, task: &str) {
        let goal = self.goal.clone();
        let quoted: Vec<&str> = goal.split('"').skip(1).step_by(2).collect();
        let [first, second] = [0, 1].map(|number| quoted.get(number).copied().unwrap_or_default());
        let chosen = goal.trim_start_matches("Select ").split(" and click").next().unwrap_or_default();
        match task {
            "click-test" => self.tap("Click Me!").await,
            "click-test-2" => self.tap("ONE").await,
            "click-button" | "click-link" => self.tap(first).await,
            "click-dialog" => self.tap("Close").await,
            "click-tab" => {
                let wanted = goal.split("Click on ").nth(1).unwrap_or_default().trim_end_matches('.');
                self.tap(wanted).await;
            }
            "focus-text" => self.enter(0, "").await,
            "enter-text" => {
                self.enter(0, first).await;
                self.tap("Submit").await;
            }
            "enter-password" => {
                self.enter(0, first).await;
                self.enter(1, first).await;
                self.tap("Submit").await;
            }
            "login-user" => {
                self.enter(0, first).await;
                self.enter(0, second).await;
                self.tap("Login").await;
            }
            "click-option" => {
                self.tap(chosen).await;
                self.tap("Submit").await;
            }
            "click-checkboxes" => {
                for one in chosen.split(", ").filter(|one| *one != "nothing") {
                    self.tap(one).await;
                }
                self.tap("Submit").await;
            }
            other => panic!("{other} is not known"),
        }
    }

    /// What speaks against the episode, and what is true of it in the end.
    async fn end(mut self, case: &Case) -> (Option<String>, Facts) {
        let end = self.device.facts().await.unwrap().unwrap();
        let outcome = Outcome::Stopped;
        let evidence = Evidence { start: &end, end: &end, outcome: &outcome, probe: self.device.probe(), folder: None };
        let against = case.evaluator.evaluate(evidence).await.unwrap();
        self.device.close().await.unwrap();
        (against, end)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reward_is_the_pages_own() {
    let Some(pages) = pages() else { return };
    let folder = tempfile::tempdir().unwrap();
    let suite = Miniwob::open(&pages, folder.path()).await.unwrap();
    let all = CaseSelection { first: 0, count: 625, template: None, only: Vec::new() };
    assert_eq!(all.cases(&suite).count(), 625);

    let case = suite.case("click-test-2", 6).unwrap();
    let mut player = Player::begin(&case).await;
    let mut over = player.device.probe().task_over().unwrap();
    assert_eq!(player.goal, "Click button ONE.");
    let labels = player.labels().await;
    assert!(
        labels.iter().all(|label| !label.text.contains("Click button ONE") && !label.text.contains("Time left")),
        "{labels:?}"
    );
    assert!(!*over.borrow());
    player.tap("TWO").await;
    over.wait_for(|over| *over).await.unwrap();
    // Nothing that is done after the end counts.
    player.tap("ONE").await;
    let (against, end) = player.end(&case).await;
    assert_eq!((end["task.done"].as_str(), end["task.raw_reward"].as_str()), ("true", "-1"));
    assert_eq!(against.as_deref(), Some("the page's raw reward is -1"));
    // The same seed is the same episode, in the browser that was kept.
    let player = Player::begin(&case).await;
    assert_eq!(player.goal, "Click button ONE.");
    let (against, _) = player.end(&case).await;
    assert_eq!(against.as_deref(), Some("the page has not ended the episode"));

    let began = Instant::now();
    let mut played = 0;
    for task in [
        "click-test",
        "click-test-2",
        "click-button",
        "click-link",
        "click-dialog",
        "click-tab",
        "click-option",
        "click-checkboxes",
        "focus-text",
        "enter-text",
        "enter-password",
        "login-user",
    ] {
        let of_task = CaseSelection { template: Some(task.to_owned()), ..all.clone() };
        let mut passed = 0;
        for case in of_task.cases(&suite) {
            let mut player = Player::begin(&case).await;
            player.play(task).await;
            let (against, end) = player.end(&case).await;
            passed += u32::from(against.is_none());
            if let Some(why) = against {
                drop(writeln!(std::io::stderr(), "{}: {why}; {end:?}", case.id()));
            }
            played += 1;
        }
        drop(writeln!(std::io::stderr(), "{task:18} {passed} of 5"));
        assert!(passed >= 4, "{task}");
    }
    let each = began.elapsed().as_secs_f64() * 1000.0 / f64::from(played);
    drop(writeln!(std::io::stderr(), "{each:.0} ms an episode"));
    suite.close().await;
}

/// The names of the tasks, each with a page that has what the script of an episode needs, and says in its goal what it finds stored.
fn pages_that_remember(folder: &Path) {
    const PAGE: &str = r#"<!doctype html><html><body><div id="query"></div><script>
        var WOB_TASK_READY = false, WOB_RAW_REWARD_GLOBAL = 0, WOB_REWARD_GLOBAL = 0, WOB_REWARD_REASON = null;
        Math.seedrandom = () => {};
        const found = [document.cookie, localStorage.getItem('kept'), sessionStorage.getItem('kept'), name];
        document.cookie = 'kept=1';
        document.cookie = 'other=1; path=/';
        document.cookie = 'wide=1; path=/; domain=episode.localhost';
        name = 'kept';
        localStorage.setItem('kept', '2');
        sessionStorage.setItem('kept', '3');
        open('about:blank');
        Promise.all([indexedDB.databases(), caches.keys()]).then((kept) => {
            found.push(...kept.flat());
            const opening = indexedDB.open('kept');
            opening.onsuccess = () => caches.open('kept').then(() => { WOB_TASK_READY = true; });
        });
        var core = {
            EP_TIMER: 1, clearTimer() {}, canvasDrawClick() {}, createDisplay() {}, endEpisode() {}, startEpisodeReal() {},
            getUtterance: () => 'found ' + JSON.stringify(found),
        };
        </script></body></html>"#;
    let tasks = include_str!("../../tasks/src/suites/miniwob/tasks.txt");
    for name in ["core", "miniwob"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    std::fs::write(folder.join("core/core.js"), "").unwrap();
    for (task, _) in tasks.lines().filter_map(|line| line.split_once(' ')) {
        std::fs::write(folder.join("miniwob").join(format!("{task}.html")), PAGE).unwrap();
    }
}

/// A browser is kept, and what the pages of an episode have stored and opened is not.
#[tokio::test(flavor = "multi_thread")]
async fn an_episode_finds_nothing_of_the_one_before() {
    if let Some(lacks) = private_browser_lacks() {
        drop(writeln!(std::io::stderr(), "SKIPPED: miniwob: {lacks}"));
        return;
    }
    let (pages, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    pages_that_remember(pages.path());
    let suite = Miniwob::open(pages.path(), folder.path()).await.unwrap();
    let mut browsers = Vec::new();
    for seed in [6, 6, 7] {
        let mut player = Player::begin(&suite.case("click-test", seed).unwrap()).await;
        assert_eq!(player.goal, r#"found ["",null,null,""]"#);
        // There is no page before this one, nor a tab beside it.
        player.device.rig.driver.perform(&Gesture::Press { key: Key::Back }, WAIT).await.unwrap();
        let after = player.device.facts().await.unwrap().unwrap();
        assert_eq!(after["task.goal"], player.goal);
        let seen = player.device.rig.driver.screen(WAIT).await.unwrap();
        assert_eq!(seen.front.label.split(':').next(), Some("episode.localhost"), "{:?}", seen.front);
        let programs = player.device.probe().programs(WAIT).await.unwrap();
        assert!(programs.keys().any(|name| name.contains("Chrom")), "its version is known: {programs:?}");
        browsers.push(std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>());
        player.device.close().await.unwrap();
    }
    assert!(
        !browsers[0].is_empty() && browsers.iter().all(|one| *one == browsers[0]),
        "it is one browser: {browsers:?}"
    );
    suite.close().await;
}
