//! A real Chromium, started for each test, on pages of this machine. Skipped, and said so, where none is installed.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)] // Tests measure how long they wait.

mod browser {
    mod pages;
    pub mod site;
}

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tapwright_contract::api::{ApiEffect, ApiError, ApiSpec};
use tapwright_contract::device::{DriverErrorKind, Label, Screen};
use tapwright_contract::gesture::{Button, Clicks, Gesture, Key, KeyName, Modifier, WindowChange};
use tapwright_contract::{Size, Spot};
use tapwright_drivers::browser::{
    BrowserAddress, BrowserOptions, LaunchOptions, PageToolSites, Site, private_browser_lacks,
};
use tapwright_drivers::conformance::{self, Subject};
use tapwright_drivers::{OpenRig as _, Rig, Settle};

use self::browser::site::serve;

const WAIT: Duration = Duration::from_secs(30);
const SIZE: Size = Size { width: 1000, height: 700 };

fn is_missing() -> bool {
    let lacks = private_browser_lacks();
    if let Some(lacks) = &lacks {
        // On the terminal, whatever is captured.
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no browser: {lacks}");
    }
    lacks.is_some()
}

fn options(folder: &Path, sites: Vec<Site>, scale_percent: u32) -> BrowserOptions {
    let launch = LaunchOptions { program: None, size: SIZE, scale_percent, folder: folder.to_owned() };
    BrowserOptions {
        at: BrowserAddress::Private(launch),
        settle: Settle::BROWSER,
        sites,
        page_tools: PageToolSites::None,
    }
}

/// A browser and a site.
struct Bench {
    rig: Rig,
    origin: String,
    folder: tempfile::TempDir,
}

impl Bench {
    async fn open() -> Bench {
        Bench::bench_at_scale(100).await
    }

    async fn bench_at_scale(scale_percent: u32) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let rig = options(folder.path(), Vec::new(), scale_percent).open(WAIT).await.unwrap();
        Bench { rig, origin: serve(), folder }
    }

    async fn look(&mut self) -> Screen {
        self.rig.driver.screen(WAIT).await.unwrap()
    }

    async fn act(&mut self, gesture: Gesture) {
        self.rig.driver.perform(&gesture, WAIT).await.unwrap_or_else(|error| panic!("{gesture:?}: {error}"));
    }

    async fn refusal(&mut self, gesture: Gesture) -> DriverErrorKind {
        self.rig.driver.perform(&gesture, WAIT).await.unwrap_err().kind
    }

    async fn visit(&mut self, path: &str) -> Screen {
        let app = format!("{}{path}", self.origin);
        self.act(Gesture::Launch { app }).await;
        self.look().await
    }

    async fn labels(&mut self) -> Vec<Label> {
        self.rig.driver.labels(WAIT).await.unwrap().unwrap()
    }

    async fn labels_of_a_look(&mut self) -> Vec<Label> {
        self.rig.driver.screen(LOOK).await.unwrap();
        self.labels().await
    }

    /// The middle of the label that begins with a text, on the screen as it is now.
    async fn spot(&mut self, text: &str) -> Spot {
        let of = self.look().await.id;
        let labels = self.labels().await;
        let found = labels.iter().find(|label| label.touchable && label.text.starts_with(text));
        let area = found.unwrap_or_else(|| panic!("nothing is called {text}: {labels:?}")).area;
        Spot { x: u32::midpoint(area.left, area.right), y: u32::midpoint(area.top, area.bottom), of }
    }

    async fn tap(&mut self, text: &str) {
        let at = self.spot(text).await;
        self.act(Gesture::Tap { at }).await;
    }

    async fn call(&mut self, name: &str, arguments: Value) -> Result<String, ApiError> {
        self.rig.apis[0].call(name, &arguments, WAIT).await
    }

    async fn text(&mut self) -> String {
        self.look().await;
        self.call("page.text", json!({})).await.unwrap()
    }

    /// Answers the dialogs of the page, one after the other; returns how many there were.
    async fn answer_dialogs(&mut self) -> usize {
        for number in 0.. {
            if !self.asks_soon().await {
                return number;
            }
            self.rig.driver.screen(LOOK).await.unwrap();
            self.act(Gesture::Press { key: Key::Enter }).await;
        }
        unreachable!("they are counted without end")
    }

    /// Whether a page asks something, or does within a moment: from the end of a dialog to the next one there is a gap.
    async fn asks_soon(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(500) {
            let tabs: Value = serde_json::from_str(&self.call("tabs.list", json!({})).await.unwrap()).unwrap();
            if tabs.as_array().unwrap().iter().any(|tab| tab["asks"] == true) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    async fn close(self) {
        self.rig.close(WAIT).await.unwrap();
        nothing_is_left(self.folder.path(), "after its end");
    }
}

/// The processes that have a folder in their command line.
fn processes(folder: &Path) -> Vec<(u32, String)> {
    let folder = folder.to_str().unwrap();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let lines = numbers.filter_map(|number| {
        let line = fs::read(format!("/proc/{number}/cmdline")).ok()?;
        Some((number, String::from_utf8_lossy(&line).replace('\0', " ")))
    });
    lines.filter(|(_, line)| line.contains(folder)).collect()
}

fn nothing_is_left(folder: &Path, when: &str) {
    let began = Instant::now();
    loop {
        let (processes, files) = (processes(folder), fs::read_dir(folder).unwrap().flatten().collect::<Vec<_>>());
        if processes.is_empty() && files.is_empty() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{when}: {processes:?} {files:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn key(name: &str, modifiers: &[Modifier]) -> Gesture {
    Gesture::Chord { modifiers: modifiers.to_vec(), key: KeyName::new(name).unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_duty_is_kept() {
    if is_missing() {
        return;
    }
    let (folder, origin) = (tempfile::tempdir().unwrap(), serve());
    let sites = vec![Site { name: "Counting".to_owned(), address: origin.clone() }];
    let mut rig = options(folder.path(), sites, 100).open(WAIT).await.unwrap();
    let subject = Subject { app: "Counting", id: &origin, misspelt: "Countng", patience: WAIT };
    conformance::every_duty(&mut *rig.driver, &subject).await;
    rig.close(WAIT).await.unwrap();
    nothing_is_left(folder.path(), "after its end");
}

#[tokio::test(flavor = "multi_thread")]
async fn pointers_and_keys_are_real() {
    if is_missing() {
        return;
    }
    let mut bench = Bench::bench_at_scale(200).await;
    let screen = bench.visit("/").await;
    assert_eq!(screen.picture.size(), SIZE);
    assert_eq!(screen.front.id, bench.origin, "a title is a page's own word");
    let of = screen.id;
    // At 200 %, the button's 160, 120 in CSS pixels.
    let at = Spot { x: 320, y: 240, of };
    bench.act(Gesture::Tap { at }).await;
    bench
        .act(Gesture::Click { at, button: Button::Left, count: Clicks::Single, modifiers: vec![Modifier::Control] })
        .await;
    for button in [Button::Right, Button::Middle] {
        bench.act(Gesture::Click { at, button, count: Clicks::Single, modifiers: Vec::new() }).await;
    }
    bench.act(Gesture::DoubleTap { at }).await;
    bench.act(key("a", &[Modifier::Shift])).await;
    bench.act(key("F2", &[Modifier::Control])).await;
    let text = bench.text().await;
    for wanted in [
        "click 1\n",
        "click 2 ctrl\n",
        "menu\n",
        "double\n",
        "key Shift ShiftLeft S",
        "key A KeyA S",
        "key Control ControlLeft C",
        "key F2 F2 C",
        // The button, and the mask of what is held.
        "down 0 1\n",
        "down 2 2\n",
        "down 1 4\n",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains("fake"), "{text}");
    let after = bench.look().await;
    assert!(after.picture != screen.picture && after.id == of);
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_arrives_exactly() {
    if is_missing() {
        return;
    }
    let mut bench = Bench::open().await;
    bench.visit("/form").await;
    assert!(matches!(bench.refusal(Gesture::Type { text: "x".to_owned() }).await, DriverErrorKind::Refused { .. }));
    let long = "0123456789 äöü ".repeat(130);
    for text in
        ["plain", "Grüße, \"quotes\" & <tags> \\n", "你好，世界", "👩‍👩‍👧‍👦 🏳️‍🌈 e\u{301}", "שלום עולם مرحبا", "", " ", &long]
    {
        bench.tap("Name").await;
        bench.act(Gesture::Type { text: text.to_owned() }).await;
        bench.tap("Notes").await;
        bench.act(Gesture::Type { text: format!("{text}\nsecond") }).await;
        bench.tap("Send").await;
        let said = bench.text().await;
        let sent = said.split("SENT ").nth(1).unwrap_or_else(|| panic!("{said}"));
        let sent: Value = serde_json::from_str(sent.trim()).unwrap();
        assert_eq!((&sent[0], &sent[2]), (&json!(text), &json!(format!("{text}\nsecond"))));
    }
    // Line breaks of other systems are line breaks.
    bench.tap("Notes").await;
    bench.act(Gesture::Type { text: "a\r\nb\rc".to_owned() }).await;
    bench.tap("Send").await;
    assert!(bench.text().await.contains(r#""a\nb\nc""#));
    // What is hidden from who looks is told to nobody.
    bench.tap("Password").await;
    bench.act(Gesture::Type { text: "hunter2".to_owned() }).await;
    bench.look().await;
    let labels = bench.labels().await;
    assert!(labels.iter().any(|label| label.secret && label.focused), "{labels:?}");
    assert!(!format!("{labels:?}").contains("hunter2"), "{labels:?}");
    bench.tap("Day").await;
    let kind = bench.refusal(Gesture::Type { text: "tomorrow".to_owned() }).await;
    assert!(kind.to_string().contains("YYYY-MM-DD"), "{kind}");
    bench.act(Gesture::Type { text: "2026-11-27".to_owned() }).await;
    bench.tap("Name").await;
    bench.act(Gesture::Type { text: "ab".to_owned() }).await;
    bench.act(Gesture::Insert { text: "c".to_owned() }).await;
    bench.act(key("ArrowLeft", &[])).await;
    bench.act(Gesture::Insert { text: "-".to_owned() }).await;
    bench.act(Gesture::Press { key: Key::Enter }).await;
    let text = bench.text().await;
    assert!(text.contains("[\"ab-c\"") && text.contains("2026-11-27"), "{text}");
    bench.tap("fixed").await;
    assert!(bench.refusal(Gesture::Type { text: "x".to_owned() }).await.to_string().contains("cannot be changed"));
    let kind = bench.refusal(Gesture::Type { text: "\u{7}".to_owned() }).await;
    assert!(kind.to_string().contains("U+0007"), "{kind}");
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_asks_is_seen_and_answered() {
    if is_missing() {
        return;
    }
    let mut bench = Bench::open().await;
    let page = bench.visit("/dialogs").await;
    for (button, answer, wanted) in
        [("Alert", "OK", "alert undefined"), ("Confirm", "OK", "confirm true"), ("Confirm", "Cancel", "confirm false")]
    {
        bench.tap(button).await;
        let asks = bench.look().await;
        assert!(asks.id != page.id && asks.front == page.front, "{button}: whose it is stays");
        bench.tap(answer).await;
        let text = bench.text().await;
        assert!(text.contains(wanted), "{button}: {text}");
        assert_eq!(bench.look().await.id, page.id);
    }
    bench.tap("Prompt").await;
    bench.look().await;
    for (name, arguments) in
        [("page.reload", json!({})), ("page.text", json!({})), ("page.open", json!({"address": "http://127.0.0.1:1/"}))]
    {
        let error = bench.call(name, arguments).await.unwrap_err();
        assert!(matches!(&error, ApiError::Refused { why } if why.contains("look at the screen")), "{name}: {error}");
    }
    assert!(bench.refusal(key("F5", &[])).await.to_string().contains("asks something"));
    let tabs: Value = serde_json::from_str(&bench.call("tabs.list", json!({})).await.unwrap()).unwrap();
    assert_eq!(tabs.as_array().unwrap().iter().filter(|tab| tab["asks"] == true).count(), 1, "{tabs}");
    assert!(!tabs.to_string().contains("Dialog"), "what we draw is no tab of anybody: {tabs}");
    let labels = bench.labels().await;
    assert!(labels.iter().any(|label| label.focused && label.text.starts_with("Bob")), "{labels:?}");
    bench.act(Gesture::Type { text: "Zoë".to_owned() }).await;
    bench.act(Gesture::Press { key: Key::Enter }).await;
    assert!(bench.text().await.contains("prompt Zoë"));
    bench.tap("Confirm").await;
    bench.look().await;
    bench.act(Gesture::Press { key: Key::Back }).await;
    assert!(bench.text().await.contains("confirm false"));
    // The page that asked is in front again, also where another tab was opened since.
    let address = format!("{}/other", bench.origin);
    bench.call("tabs.open", json!({"address": address})).await.unwrap();
    assert_eq!(bench.visit("/dialogs").await.id, page.id);
    bench.tap("Confirm").await;
    bench.look().await;
    bench.tap("OK").await;
    assert_eq!(bench.look().await.id, page.id);
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_seen_elsewhere_is_stale() {
    if is_missing() {
        return;
    }
    let mut bench = Bench::open().await;
    let first = bench.visit("/").await;
    let at = Spot { x: 160, y: 120, of: first.id };
    // The page went meanwhile.
    let address = format!("{}/other", bench.origin);
    bench.call("page.open", json!({"address": address})).await.unwrap();
    for gesture in [Gesture::Tap { at }, Gesture::Type { text: "secret".to_owned() }, key("Enter", &[])] {
        assert!(matches!(bench.refusal(gesture).await, DriverErrorKind::Stale));
    }
    bench.act(Gesture::Press { key: Key::Back }).await;
    let back = bench.look().await;
    assert!(back.id != first.id, "the same address is another document");
    // A pop-up came before it, and went.
    bench.visit("/dialogs").await;
    bench.tap("Pop up").await;
    let popup = bench.look().await;
    assert!(bench.text().await.contains("The other page"));
    let tabs: Value = serde_json::from_str(&bench.call("tabs.list", json!({})).await.unwrap()).unwrap();
    let front = tabs.as_array().unwrap().iter().find(|tab| tab["in_front"] == true).unwrap();
    assert_eq!(front["title"], "Other");
    bench.act(Gesture::Window { window: front["tab"].to_string(), change: WindowChange::Close }).await;
    let at = Spot { x: 5, y: 5, of: popup.id };
    assert!(matches!(bench.refusal(Gesture::Tap { at }).await, DriverErrorKind::Stale));
    assert!(bench.text().await.contains("Pop up"), "the opener is in front again");
    let kind = bench.refusal(Gesture::Window { window: "Nobody".to_owned(), change: WindowChange::Activate }).await;
    assert!(kind.to_string().contains("\"Ask\""), "{kind}");
    bench.close().await;
}

/// How long an agent lets a look take.
const LOOK: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_hangs_is_told_and_left_in_every_way() {
    if is_missing() {
        return;
    }
    let mut bench = Bench::open().await;
    bench.visit("/").await;
    let page = bench.visit("/trouble").await;
    for (trouble, way) in [
        ("Hang", "Reload"),
        ("Hang", "F5"),
        ("Again and again", "Reload"),
        ("Hang", "page.reload"),
        ("Hang", "page.open"),
        ("Hang", "launch"),
        ("Hang", "Go back"),
        ("Hang", "Back"),
        ("Hang", "Close tab"),
    ] {
        let at = bench.spot(trouble).await;
        // Whether it is a mistake is the page's to say: it may be that it took the click and goes on for ever.
        if let Err(error) = bench.rig.driver.perform(&Gesture::Tap { at }, Duration::from_secs(2)).await {
            assert!(error.to_string().contains("does not answer"), "{way}: {error}");
        }
        let began = Instant::now();
        let screen = bench.rig.driver.screen(LOOK).await.unwrap_or_else(|error| panic!("{trouble}, {way}: {error}"));
        assert!(began.elapsed() < LOOK, "{trouble}, {way}");
        assert!(screen.id != page.id && screen.front.id == bench.origin, "{trouble}, {way}: {:?}", screen.front);
        let labels = bench.labels().await;
        let says = labels.iter().find(|label| label.text.contains("does not answer"));
        assert!(says.is_some_and(|label| label.app.as_ref() == Some(&bench.origin)), "{trouble}, {way}: {labels:?}");
        let error = bench.call("page.text", json!({})).await.unwrap_err();
        assert!(matches!(&error, ApiError::Refused { why } if why.contains("page.reload")), "{error}");
        let address = format!("{}/trouble", bench.origin);
        match way {
            "F5" => bench.act(key("F5", &[])).await,
            "Back" => bench.act(Gesture::Press { key: Key::Back }).await,
            "page.reload" => drop(bench.call(way, json!({})).await.unwrap()),
            "page.open" => drop(bench.call(way, json!({"address": address})).await.unwrap()),
            "launch" => bench.act(Gesture::Launch { app: format!("{}/other", bench.origin) }).await,
            button => bench.tap(button).await,
        }
        let after = bench.rig.driver.screen(LOOK).await.unwrap_or_else(|error| panic!("{trouble}, {way}: {error}"));
        assert!(after.id != screen.id, "{trouble}, {way}");
        bench.visit("/trouble").await;
        if way == "launch" {
            // It hangs still, in the tab that was left.
            bench.tap("Reload").await;
        }
        bench.tap("Here").await;
        assert!(bench.text().await.contains("here"), "{trouble}, {way}: it is the page again");
    }
    // One that is only waited for is told as long as it does not answer.
    let at = bench.spot("Hang").await;
    drop(bench.rig.driver.perform(&Gesture::Tap { at }, Duration::from_secs(1)).await);
    bench.rig.driver.screen(LOOK).await.unwrap();
    bench.tap("Wait").await;
    bench.rig.driver.screen(LOOK).await.unwrap();
    assert!(bench.labels().await.iter().any(|label| label.text == "Wait"));
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_has_crashed_is_told_and_loaded_again() {
    if is_missing() {
        return;
    }
    for way in ["F5", "Reload"] {
        // Chromium itself ends now and then, when all processes of its pages are killed at once.
        let mut is_told = false;
        for _ in 0..5 {
            is_told = is_told || is_told_to_have_crashed(way).await;
        }
        assert!(is_told, "{way}");
    }
}

/// Whether a page whose process is killed is told, and loaded again; not if the browser has ended with it.
async fn is_told_to_have_crashed(way: &str) -> bool {
    let mut bench = Bench::open().await;
    bench.visit("/").await;
    for (number, line) in processes(bench.folder.path()) {
        if line.contains("--type=renderer") {
            Command::new("kill").args(["-9", &number.to_string()]).status().unwrap();
        }
    }
    let began = Instant::now();
    loop {
        match bench.rig.driver.screen(WAIT).await {
            Err(error) if matches!(error.kind, DriverErrorKind::Lost { .. }) => return false,
            screen => assert_eq!(screen.unwrap().front.id, bench.origin),
        }
        if bench.labels().await.iter().any(|label| label.text.contains("has crashed")) {
            break;
        }
        assert!(began.elapsed() < WAIT, "a page without a process was pictured");
    }
    match way {
        "F5" => bench.act(key("F5", &[])).await,
        button => bench.tap(button).await,
    }
    assert!(bench.text().await.contains("Hello"), "{way}: a page that has crashed can be loaded again");
    bench.close().await;
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_asks_without_end_is_left() {
    if is_missing() {
        return;
    }
    let mut bench = Bench::open().await;
    bench.visit("/trouble").await;
    for button in ["Many", "Endless"] {
        bench.tap(button).await;
        assert_eq!(bench.answer_dialogs().await, 5, "{button}: of 200, or more");
        // It is ended some hundred dialogs later, and does not answer before that.
        let began = Instant::now();
        while !bench.labels_of_a_look().await.iter().any(|label| label.text == "Here") {
            assert!(began.elapsed() < WAIT, "{button}");
        }
        bench.tap("Here").await;
        assert!(bench.text().await.contains("here"));
    }
    bench.tap("Huge").await;
    let asks = bench.rig.driver.screen(LOOK).await.unwrap();
    assert_eq!(asks.front.id, bench.origin);
    assert_eq!(bench.answer_dialogs().await, 1);
    assert!(bench.text().await.contains("huge undefined"));
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_does_not_answer_is_no_fault_of_the_browser() {
    if is_missing() {
        return;
    }
    let mut bench = Bench::open().await;
    let before = bench.visit("/").await;
    let launch = Gesture::Launch { app: format!("{}/never", bench.origin) };
    let error = bench.rig.driver.perform(&launch, Duration::from_secs(3)).await.unwrap_err();
    assert!(matches!(&error.kind, DriverErrorKind::Refused { why } if why.contains("does not answer")), "{error}");
    assert_eq!(bench.look().await.id, before.id, "the page that was there");
    let address = format!("{}/never", bench.origin);
    let opened = bench.rig.apis[0].call("page.open", &json!({"address": address}), Duration::from_secs(3)).await;
    assert!(matches!(&opened, Err(ApiError::Refused { why }) if why.contains("does not answer")), "{opened:?}");
    bench.look().await;
    assert!(bench.text().await.contains("Hello"));
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_never_stays_is_told_and_left() {
    if is_missing() {
        return;
    }
    let mut bench = Bench::open().await;
    bench.visit("/other").await;
    bench.act(Gesture::Launch { app: format!("{}/restless", bench.origin) }).await;
    let began = Instant::now();
    let screen = bench.rig.driver.screen(LOOK).await.unwrap();
    assert!(began.elapsed() < LOOK && screen.front.id == bench.origin, "{:?} {:?}", began.elapsed(), screen.front);
    let labels = bench.labels().await;
    assert!(labels.iter().any(|label| label.text.contains("again and again")), "{labels:?}");
    let button = labels.iter().find(|label| label.text == "Close tab").unwrap().area;
    let (x, y) = (u32::midpoint(button.left, button.right), u32::midpoint(button.top, button.bottom));
    bench.act(Gesture::Tap { at: Spot { x, y, of: screen.id } }).await;
    assert!(bench.text().await.contains("The other page"));
    bench.close().await;
}

/// A secret, and whatever else, is meant for the page that was seen.
#[tokio::test(flavor = "multi_thread")]
async fn calls_are_for_the_page_that_was_seen() {
    if is_missing() {
        return;
    }
    let mut bench = Bench::open().await;
    let calls = || {
        let address = json!({"address": "http://127.0.0.1:1/"});
        [
            ("form.fill", json!({"fields": {"Name": "secret"}})),
            ("page.text", json!({})),
            ("page.tables", json!({})),
            ("page.links", json!({})),
            ("page.open", address),
            ("page.back", json!({})),
            ("page.reload", json!({})),
        ]
    };
    let refused = async |bench: &mut Bench, when: &str| {
        for (name, arguments) in calls() {
            let result = bench.call(name, arguments).await;
            let is_stale =
                matches!(&result, Err(ApiError::Refused { why }) if why.contains("not the page that was seen"));
            assert!(is_stale, "{when}: {name}: {result:?}");
        }
    };
    refused(&mut bench, "nothing was seen").await;
    let seen = bench.visit("/other").await;
    bench.call("tabs.open", json!({"address": format!("{}/form", bench.origin)})).await.unwrap();
    refused(&mut bench, "another tab is in front").await;
    bench.call("tabs.show", json!({"tab": seen.id.display})).await.unwrap();
    assert!(
        bench.call("page.text", json!({})).await.unwrap().contains("The other page"),
        "it is the one that was seen"
    );
    // A page that goes to another site by itself, with a field of the same name.
    bench.visit("/moves").await;
    bench.call("form.fill", json!({"fields": {"Name": "here"}})).await.unwrap();
    let began = Instant::now();
    while bench.call("page.text", json!({})).await.is_ok() {
        assert!(began.elapsed() < WAIT);
    }
    refused(&mut bench, "the page went").await;
    let of = bench.look().await.front.id;
    assert!(of.starts_with("http://localhost:"), "{of}");
    let labels = bench.labels().await;
    assert!(!labels.iter().any(|label| label.text.contains("secret")), "{labels:?}");
    bench.call("form.fill", json!({"fields": {"Name": "there"}})).await.unwrap();
    bench.close().await;
}

/// An app is launched by its id, which is its site's.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_found_is_launched_by_its_site() {
    if is_missing() {
        return;
    }
    let mut bench = Bench::open().await;
    for path in ["/other", "/table"] {
        let found = bench.rig.driver.find_app(&format!("{}{path}", bench.origin), WAIT).await.unwrap();
        assert_eq!((found.len(), &found[0].id), (1, &bench.origin));
        bench.act(Gesture::Launch { app: found[0].id.clone() }).await;
        bench.look().await;
        let tabs = bench.call("tabs.list", json!({})).await.unwrap();
        let tabs: Value = serde_json::from_str(&tabs).unwrap();
        let front = tabs.as_array().unwrap().iter().find(|tab| tab["in_front"] == true).unwrap();
        assert_eq!(front["address"], format!("{}{path}", bench.origin));
    }
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_hangs_holds_up_no_other() {
    if is_missing() {
        return;
    }
    let mut bench = Bench::open().await;
    bench.visit("/silent-frame").await;
    let began = Instant::now();
    loop {
        bench.look().await;
        let asked = Instant::now();
        let labels = bench.labels().await;
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        let says = |text: &str| labels.iter().find(|label| label.text.contains(text));
        assert!(says("Outside").is_some_and(|label| label.app.as_ref() == Some(&bench.origin)), "{labels:?}");
        assert!(
            says("Password")
                .is_some_and(|label| label.app.as_ref().is_some_and(|app| app.starts_with("http://127.0.0.2:"))),
            "{labels:?}"
        );
        if let Some(silent) = says("does not answer") {
            assert!(silent.app.as_ref().is_some_and(|app| app.starts_with("http://localhost:")), "{silent:?}");
            assert!((silent.area.left, silent.area.top, silent.area.right) == (50, 100, 350), "{silent:?}");
            break;
        }
        assert!(began.elapsed() < WAIT, "{labels:?}");
    }
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dragged_scrolled_and_late_is_there() {
    if is_missing() {
        return;
    }
    let mut bench = Bench::open().await;
    let of = bench.visit("/drag").await.id;
    let spot = |x, y| Spot { x, y, of };
    let over = Duration::from_millis(200);
    bench.act(Gesture::Drag { from: spot(60, 50), to: spot(370, 270), over }).await;
    bench.act(Gesture::Drag { from: spot(50, 250), to: spot(130, 250), over }).await;
    let text = bench.text().await;
    assert!(text.contains("dropped card") && text.contains("slid 80"), "{text}");
    let of = bench.visit("/long").await.id;
    let at = Spot { x: 500, y: 350, of };
    bench.act(Gesture::Scroll { at, right: 0, down: 5 }).await;
    assert!(bench.text().await.contains("scrolled 500"));
    bench.act(Gesture::Swipe { from: Spot { x: 500, y: 600, of }, to: Spot { x: 500, y: 100, of }, over }).await;
    assert!(bench.text().await.contains("scrolled 1000"));
    bench.act(Gesture::Scroll { at, right: 0, down: -3 }).await;
    assert!(bench.text().await.contains("scrolled 700"));
    bench.visit("/late").await;
    let text = bench.call("page.text", json!({})).await.unwrap();
    assert!(text.contains("It has come"), "it was asked for, and not waited for: {text}");
    // What never comes is not waited for until the time is up.
    let began = Instant::now();
    bench.visit("/endless").await;
    assert!(began.elapsed() < WAIT / 2, "{:?}", began.elapsed());
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_do_what_they_say_and_reach_nothing_else() {
    if is_missing() {
        return;
    }
    let mut bench = Bench::open().await;
    bench.look().await;
    let address = format!("{}/table", bench.origin);
    bench.call("page.open", json!({"address": address})).await.unwrap();
    bench.look().await;
    assert_eq!(bench.call("page.tables", json!({})).await.unwrap(), r#"[[["Day","Sum"],["Mon","12"]]]"#);
    let labels = bench.labels().await;
    assert!(
        labels.iter().any(|label| label.text == "Cover") && !labels.iter().any(|label| label.text == "Covered"),
        "{labels:?}"
    );
    assert!(labels.iter().any(|label| label.text == "Enter \"seven\" twice"), "{labels:?}");
    // What a page calls its fields hides nothing, nor what it keeps from screen readers.
    for shown in ["Send it", "Pay now", "Guests"] {
        assert!(labels.iter().any(|label| label.text == shown), "{shown}: {labels:?}");
    }
    // Its middle lies under the cover, and its right end does not.
    bench.tap("Half").await;
    assert!(bench.text().await.contains("half"));
    bench.tap("Report").await;
    let began = Instant::now();
    while !bench.call("downloads.list", json!({})).await.unwrap().contains("completed") {
        assert!(began.elapsed() < WAIT, "{:?}", bench.call("downloads.list", json!({})).await);
    }
    assert_eq!(bench.call("downloads.read", json!({"name": "report.csv"})).await.unwrap(), "a,b\n1,2\n");
    for name in ["../keeper.sh", "/etc/passwd", "", ".", "report.csv/../../keeper.sh"] {
        assert!(
            matches!(bench.call("downloads.read", json!({"name": name})).await, Err(ApiError::Refused { .. })),
            "{name}"
        );
    }
    assert!(bench.call("files.choose", json!({"names": ["report.csv"]})).await.is_err(), "no page asks for one");
    bench.tap("Upload").await;
    bench.look().await;
    for names in [json!([]), json!(["report.csv", "report.csv"]), json!(["report.csv", "none"])] {
        let error = bench.call("files.choose", json!({"names": names})).await.unwrap_err();
        assert!(matches!(error, ApiError::Refused { .. }), "{names}: {error}");
    }
    bench.call("files.choose", json!({"names": ["report.csv"]})).await.unwrap();
    assert!(bench.text().await.contains("has report.csv 8"));
    let again = bench.call("files.choose", json!({"names": ["report.csv"]})).await.unwrap_err();
    assert!(again.to_string().contains("no page asks for a file"), "{again}");
    bench.visit("/form").await;
    let fields =
        json!({"Name": "Ada", "size": "large", "I agree": true, "Password": "x", "Nothing": "y", "Day": "nonsense"});
    // One that is not there, or takes no such thing, and nothing is filled: half a form is none that could be sent.
    let error = bench.call("form.fill", json!({"fields": fields})).await.unwrap_err().to_string();
    for part in [
        "no field is called \"Nothing\"; there are: \"name\"",
        "\"Password\": passwords are typed",
        "nothing was filled",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    bench.look().await;
    assert!(!bench.labels().await.iter().any(|label| label.text.contains("Ada")), "something was filled");
    let fields = json!({"Name": "Ada", "Size": "Large", "I agree": true});
    let filled = bench.call("form.fill", json!({"fields": fields})).await.unwrap();
    assert_eq!(filled, json!({"filled": ["Name", "Size", "I agree"]}).to_string());
    // The list is called as its label says, without its own choices.
    bench.look().await;
    let size = bench.labels().await.into_iter().find(|label| label.role.as_deref() == Some("ComboBox")).unwrap();
    assert_eq!((size.text.as_str(), size.value.as_deref()), ("Large\nSize", Some("Large")));
    let wrong = json!({"fields": {"Name": "Bo", "Day": "nonsense"}});
    let error = bench.call("form.fill", wrong).await.unwrap_err().to_string();
    assert!(error.contains("\"Day\": it does not take this") && error.contains("nothing was filled"), "{error}");
    bench.look().await;
    assert!(bench.labels().await.iter().any(|label| label.value.as_deref() == Some("Ada")), "the name stays");
    let error = bench.call("form.fill", json!({"fields": {"Name": ["Ada"]}})).await.unwrap_err();
    assert!(error.to_string().contains("\"Name\" is a text"), "{error}");
    for address in ["file:///etc/passwd", "javascript:alert(1)", "chrome://settings", "", "example.com"] {
        for name in ["page.open", "tabs.open"] {
            assert!(
                matches!(bench.call(name, json!({"address": address})).await, Err(ApiError::Refused { .. })),
                "{address}"
            );
        }
    }
    assert!(matches!(bench.call("no.such", json!({})).await, Err(ApiError::Unknown)));
    // A frame of another site.
    bench.visit("/frames").await;
    let field = bench.spot("Name").await;
    assert!(field.x > 50 && field.y > 100, "{field:?}");
    bench.act(Gesture::Tap { at: field }).await;
    bench.act(Gesture::Type { text: "inside".to_owned() }).await;
    bench.look().await;
    assert!(bench.labels().await.iter().any(|label| label.text.starts_with("inside")));
    bench.act(Gesture::Type { text: "anew".to_owned() }).await;
    bench.look().await;
    assert!(bench.labels().await.iter().any(|label| label.text.lines().next() == Some("anew")), "it was replaced");
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_of_somebody_is_attached_to_and_left() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = ["chromium", "chromium-browser", "google-chrome"].map(|name| format!("/usr/bin/{name}"));
    let program = program.iter().find(|path| Path::new(path).exists()).unwrap();
    let profile = format!("--user-data-dir={}", folder.path().display());
    let switches =
        ["--headless=new", "--no-sandbox", "--no-first-run", "--remote-debugging-port=0", &profile, "about:blank"];
    let mut command = Command::new(program);
    let mut browser = command.args(switches).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    let port = loop {
        let told = fs::read_to_string(folder.path().join("DevToolsActivePort")).unwrap_or_default();
        if let Some(port) = told.lines().next().filter(|port| !port.is_empty()) {
            break port.to_owned();
        }
        assert!(began.elapsed() < WAIT);
        std::thread::sleep(Duration::from_millis(20));
    };
    let at = BrowserAddress::Endpoint(format!("http://127.0.0.1:{port}"));
    let options = BrowserOptions { at, settle: Settle::BROWSER, sites: Vec::new(), page_tools: PageToolSites::None };
    for _ in 0..2 {
        let rig = options.open(WAIT).await.unwrap();
        let mut bench = Bench { rig, origin: serve(), folder: tempfile::tempdir().unwrap() };
        bench.visit("/").await;
        bench.tap("Count").await;
        assert!(bench.text().await.contains("click 1"));
        bench.close().await;
        assert!(browser.try_wait().unwrap().is_none(), "it is its user's");
    }
    browser.kill().unwrap();
    browser.wait().unwrap();
    let error = options.open(WAIT).await.err().unwrap();
    assert!(matches!(error.kind, DriverErrorKind::Lost { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_however_it_ends() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    drop(options(folder.path(), Vec::new(), 100).open(WAIT).await.unwrap());
    nothing_is_left(folder.path(), "after it was dropped");
    // Killed with signal 9: this program again, with the test below.
    let mut holder = Command::new(std::env::current_exe().unwrap());
    let arguments = ["a_browser_that_is_held", "--exact", "--ignored", "--nocapture"];
    let mut holder = holder.args(arguments).current_dir(folder.path()).stdout(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !processes(folder.path()).iter().any(|(_, line)| line.contains("--type=renderer")) {
        assert!(began.elapsed() < WAIT, "it did not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    holder.kill().unwrap();
    holder.wait().unwrap();
    nothing_is_left(folder.path(), "after it was killed");
    // One that dies by itself is lost, and one that does not start says why.
    let mut rig = options(folder.path(), Vec::new(), 100).open(WAIT).await.unwrap();
    rig.driver.screen(WAIT).await.unwrap();
    for (number, line) in processes(folder.path()) {
        if !line.contains("keeper.sh") {
            Command::new("kill").args(["-9", &number.to_string()]).stderr(Stdio::null()).status().unwrap();
        }
    }
    let error = rig.driver.screen(WAIT).await.unwrap_err();
    assert!(matches!(error.kind, DriverErrorKind::Lost { .. }), "{error}");
    drop(rig);
    nothing_is_left(folder.path(), "after it died");
    let mut broken = options(folder.path(), Vec::new(), 100);
    for (program, wanted) in [("/bin/false", "did not start"), ("/no/such", "there is no program at /no/such")] {
        let BrowserAddress::Private(launch) = &mut broken.at else { unreachable!() };
        launch.program = Some(program.into());
        let error = broken.open(WAIT).await.err().unwrap();
        assert!(matches!(error.kind, DriverErrorKind::Refused { .. }) && error.to_string().contains(wanted), "{error}");
        nothing_is_left(folder.path(), program);
    }
}

/// A browser leaves its folder where what keeps it was killed, too: the next one removes it, and none that somebody still has.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_keeper_leaves_is_removed_by_the_next_browser() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let made = |name: &str| {
        let at = folder.path().join(name);
        fs::create_dir(&at).unwrap();
        (at.clone(), fs::File::create(at.join("lock")).unwrap())
    };
    let (left, lock) = made("tapwright-browser-0123456789abcdef");
    drop(lock);
    let (kept, held) = made("tapwright-browser-fedcba9876543210");
    held.lock().unwrap();
    let (other, lock) = made("somebody-else");
    drop(lock);
    let rig = options(folder.path(), Vec::new(), 100).open(WAIT).await.unwrap();
    assert!(!left.exists() && kept.exists() && other.exists());
    rig.close(WAIT).await.unwrap();
    assert!(kept.exists());
}

/// Is killed by the test above, which gives it a folder.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "never ends"]
async fn a_browser_that_is_held() {
    let folder = std::env::current_dir().unwrap();
    let _rig = options(&folder, Vec::new(), 100).open(WAIT).await.unwrap();
    std::future::pending::<()>().await;
}

/// Whether this browser tells the tools of pages at all.
async fn has_page_tools(bench: &mut Bench) -> bool {
    let tools = bench.rig.apis[0].specs().into_iter().filter(|spec| spec.name.starts_with("webmcp.")).count();
    if tools == 0 {
        let _ = writeln!(std::io::stderr(), "SKIPPED: this browser has no WebMCP");
    }
    tools > 0
}

#[tokio::test]
async fn the_tools_of_a_page_are_calls_where_its_site_may_offer_some() {
    if is_missing() {
        return;
    }
    let origin = serve();
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), Vec::new(), 100);
    options.page_tools = PageToolSites::read(std::slice::from_ref(&origin)).unwrap();
    let rig = options.open(WAIT).await.unwrap();
    let mut bench = Bench { rig, origin: origin.clone(), folder };
    bench.visit("/tools").await;
    if !has_page_tools(&mut bench).await {
        return bench.close().await;
    }
    let site = origin.trim_start_matches("http://").replace(':', "_");
    let name = |tool: &str| format!("webmcp.{site}.{tool}");
    let specs = |bench: &Bench| -> Vec<ApiSpec> {
        bench.rig.apis[0].specs().into_iter().filter(|spec| spec.name.starts_with("webmcp.")).collect()
    };
    let offered = specs(&bench);
    let names: Vec<&str> = offered.iter().map(|spec| spec.name.rsplit('.').next().unwrap()).collect();
    assert_eq!(names, ["add_item", "fails", "leaves", "long", "never"]);
    // That it only reads is what the page says.
    assert!(offered.iter().all(|spec| spec.effect == ApiEffect::Irreversible && spec.about.chars().count() <= 200));
    assert_eq!(offered[0].parameters["properties"]["item"]["maxLength"], 20);
    assert_eq!(bench.call(&name("add_item"), json!({"item": "milk\"}"})).await.unwrap(), "there are 1");
    assert!(bench.text().await.contains("milk\"}"));
    let failed = bench.call(&name("fails"), json!({})).await.unwrap_err();
    assert!(matches!(&failed, ApiError::Unanswered { why } if why.contains("in part")), "{failed}");
    let long = bench.call(&name("long"), json!({})).await.unwrap();
    assert!(long.len() < 30_000 && long.ends_with("its beginning"), "{}", long.len());
    let never = bench.rig.apis[0].call(&name("never"), &json!({}), Duration::from_millis(700)).await.unwrap_err();
    assert!(matches!(&never, ApiError::Unanswered { why } if why.contains("not answered in time")), "{never}");
    assert!(matches!(bench.call(&name("none"), json!({})).await, Err(ApiError::Unknown)));
    // What is gone before it was looked at again is not called, and is not offered once it was.
    bench.act(Gesture::Launch { app: format!("{origin}/other") }).await;
    let stale = bench.call(&name("add_item"), json!({"item": "x"})).await.unwrap_err();
    assert!(matches!(stale, ApiError::Refused { .. }), "{stale}");
    bench.look().await;
    assert!(specs(&bench).is_empty());
    bench.visit("/tools").await;
    let left = bench.call(&name("leaves"), json!({})).await.unwrap_err();
    assert!(matches!(left, ApiError::Unanswered { .. }), "{left}");
    bench.close().await;
}

#[tokio::test]
async fn no_other_site_offers_tools() {
    if is_missing() {
        return;
    }
    for sites in [PageToolSites::None, PageToolSites::read(&["https://shop.example".to_owned()]).unwrap()] {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(folder.path(), Vec::new(), 100);
        options.page_tools = sites;
        let rig = options.open(WAIT).await.unwrap();
        let mut bench = Bench { rig, origin: serve(), folder };
        bench.visit("/tools").await;
        assert!(bench.rig.apis[0].specs().iter().all(|spec| !spec.name.starts_with("webmcp.")));
        bench.close().await;
    }
}
