//! Tasks of MiniWoB++ by pixels and events alone, to see how quick the driver is and that pages made by others take what it does.
//!
//! `pip download miniwob --no-deps`, unpack it, and `TAPWRIGHT_MINIWOB=…/miniwob/html cargo test --test miniwob -- --ignored --nocapture`
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)] // It is measured.

#[path = "browser/pages.rs"]
mod pages;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tapwright_contract::device::Label;
use tapwright_contract::gesture::Gesture;
use tapwright_contract::{ScreenId, Size, Spot};
use tapwright_drivers::browser::{BrowserAddress, BrowserOptions, LaunchOptions, PageToolSites};
use tapwright_drivers::{OpenRig as _, Rig, Settle};

const WAIT: Duration = Duration::from_secs(20);
/// Begins the next episode when one ends, and writes down what came of it.
const EPISODES: &str = "<p id=told style='position:absolute;top:400px;left:0'></p><script>addEventListener('load', () => {
    core.EPISODE_MAX_TIME = 1e6;
    let seed = 0, won = 0;
    const end = core.endEpisode, next = () => { Math.seedrandom(String(seed++)); core.startEpisodeReal() };
    core.endEpisode = (...all) => { end(...all); if (WOB_RAW_REWARD_GLOBAL > 0) won++; told.textContent = `won ${won} of ${seed}`; next() };
    next();
})</script>";

/// Serves the package's pages; returns the origin.
fn serve(root: PathBuf) -> String {
    let port = pages::serve("127.0.0.1:0", move |path, _| {
        let path = path.trim_start_matches('/');
        let is_inside = !path.contains("..");
        let mut body = fs::read(root.join(path)).ok().filter(|_| is_inside).unwrap_or_default();
        let kind = match path.rsplit('.').next() {
            Some("html") => "text/html",
            Some("css") => "text/css",
            Some("js") => "text/javascript",
            _ => "image/png",
        };
        if path.starts_with("miniwob/") {
            body.extend_from_slice(EPISODES.as_bytes());
        }
        Some((kind, body))
    });
    format!("http://127.0.0.1:{port}")
}

struct Player {
    rig: Rig,
    id: ScreenId,
}

impl Player {
    async fn labels(&mut self) -> Vec<Label> {
        self.rig.driver.labels(WAIT).await.unwrap().unwrap()
    }

    async fn tap_area(&mut self, label: &Label) {
        let area = label.area;
        let (x, y) = (u32::midpoint(area.left, area.right), u32::midpoint(area.top, area.bottom));
        self.rig.driver.perform(&Gesture::Tap { at: Spot { x, y, of: self.id } }, WAIT).await.unwrap();
    }

    /// Taps what is called so: the last one, since what asks for it stands above.
    async fn tap(&mut self, text: &str) -> bool {
        let labels = self.labels().await;
        let found = labels.iter().rfind(|label| label.touchable && label.text.lines().any(|line| line == text));
        match found {
            Some(label) => self.tap_area(label).await,
            None => return false,
        }
        true
    }

    /// Types into the so many-th field.
    async fn enter(&mut self, field: usize, text: &str) {
        let labels = self.labels().await;
        let fields: Vec<&Label> = labels.iter().filter(|label| label.touchable && label.text.is_empty()).collect();
        if let Some(label) = fields.get(field) {
            self.tap_area(label).await;
            self.rig.driver.perform(&Gesture::Type { text: text.to_owned() }, WAIT).await.unwrap();
        }
    }

    /// What is asked for: all that is written above the task.
    async fn instruction(&mut self) -> String {
        let labels = self.labels().await;
        labels
            .iter()
            .filter(|label| label.area.top < 50 && label.area.left < 160)
            .map(|label| &*label.text)
            .collect::<Vec<_>>()
            .join(" ")
    }

    async fn play(&mut self, task: &str) {
        if task == "click-test" {
            assert!(self.tap("Click Me!").await);
            return;
        }
        let asked = self.instruction().await;
        let quoted: Vec<String> = asked.split('"').skip(1).step_by(2).map(str::to_owned).collect();
        let first = quoted.first().cloned().unwrap_or_default();
        match task {
            "click-test-2" => drop(self.tap("ONE").await),
            "click-button" | "click-link" => drop(self.tap(&first).await),
            "focus-text" => {
                let labels = self.labels().await;
                if let Some(label) = labels.iter().find(|label| label.touchable && label.text.is_empty()) {
                    self.tap_area(label).await;
                }
            }
            "enter-text" => {
                self.enter(0, &first).await;
                self.tap("Submit").await;
            }
            "login-user" => {
                self.enter(0, &first).await;
                self.enter(0, quoted.get(1).map_or("", |text| text)).await;
                self.tap("Login").await;
            }
            "enter-password" => {
                self.enter(0, &first).await;
                // What is typed into the first one is not told, so it looks empty still.
                self.enter(1, &first).await;
                self.tap("Submit").await;
            }
            "click-option" => {
                let wanted =
                    asked.trim_start_matches("Select ").split(" and click").next().unwrap_or_default().to_owned();
                self.tap(&wanted).await;
                self.tap("Submit").await;
            }
            "click-checkboxes" => {
                let wanted =
                    asked.trim_start_matches("Select ").split(" and click").next().unwrap_or_default().to_owned();
                for one in wanted.split(", ").filter(|one| *one != "nothing") {
                    self.tap(one).await;
                }
                self.tap("Submit").await;
            }
            "click-tab" => {
                let wanted = asked.split("Click on ").nth(1).unwrap_or_default().trim_end_matches('.').to_owned();
                self.tap(&wanted).await;
            }
            "click-dialog" => drop(self.tap("Close").await),
            other => panic!("{other} is not known"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the pages of the package miniwob: TAPWRIGHT_MINIWOB=…/miniwob/html"]
async fn episodes_are_quick() {
    let root = std::env::var("TAPWRIGHT_MINIWOB").expect("TAPWRIGHT_MINIWOB=…/miniwob/html");
    assert!(Path::new(&root).join("core/core.js").is_file(), "{root} holds no MiniWoB++");
    let (folder, origin) = (tempfile::tempdir().unwrap(), serve(root.into()));
    let size = Size { width: 500, height: 600 };
    let launch = LaunchOptions { program: None, size, scale_percent: 100, folder: folder.path().to_owned() };
    let options = BrowserOptions {
        at: BrowserAddress::Private(launch),
        settle: Settle::BROWSER,
        sites: Vec::new(),
        page_tools: PageToolSites::None,
    };
    let mut rig = options.open(WAIT).await.unwrap();
    let id = rig.driver.screen(WAIT).await.unwrap().id;
    let mut player = Player { rig, id };
    for (task, episodes) in [
        ("click-test", 100),
        ("click-test-2", 20),
        ("click-button", 20),
        ("click-link", 20),
        ("click-dialog", 20),
        ("click-tab", 20),
        ("click-option", 20),
        ("click-checkboxes", 20),
        ("focus-text", 20),
        ("enter-text", 20),
        ("enter-password", 20),
        ("login-user", 20),
    ] {
        let app = format!("{origin}/miniwob/{task}.html");
        player.rig.driver.perform(&Gesture::Launch { app }, WAIT).await.unwrap();
        player.id = player.rig.driver.screen(WAIT).await.unwrap().id;
        let began = Instant::now();
        for _ in 0..episodes {
            player.play(task).await;
        }
        let each = began.elapsed().as_secs_f64() * 1000.0 / f64::from(episodes);
        let text = player.rig.apis[0].call("page.text", &json!({}), WAIT).await.unwrap();
        let told = text.lines().find(|line| line.starts_with("won ")).unwrap_or("ended none").to_owned();
        println!("{task:18} {told:16} {each:6.1} ms an episode that was played");
        if task == "click-test" {
            assert_eq!(told, "won 100 of 100");
        }
    }
    let began = Instant::now();
    for _ in 0..20 {
        player.rig.driver.screen(WAIT).await.unwrap();
    }
    println!("a look at a page of {size} at rest: {:.1} ms", began.elapsed().as_secs_f64() * 50.0);
    player.rig.close(WAIT).await.unwrap();
}
