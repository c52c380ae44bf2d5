//! Pages of a browser that somebody has at work, read from behind the screen: a real Chromium with a debugging port. Skipped, and said so,
//! where none is installed.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)] // A test waits for a program to be there.

use std::cell::Cell;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tapwright_contract::device::DriverErrorKind;
use tapwright_drivers::browser::LivePages;

const WAIT: Duration = Duration::from_secs(30);
const PAGE: &str = r#"<!DOCTYPE html><title>A shop</title>
<p class="time"> 9:00 </p><p class="time">10:00<b>late</b></p>
<div class="leg">SEA<i>to</i> NYC </div><div class="leg">no</div>
<div class="card"><h3>One</h3><h3>more</h3></div><div class="card">none</div>
<ul class="menu"><li class="catAllProducts"><span>Toys</span></li><li class="other"><span>no</span></li></ul>
<h2>Oslo</h2><input id="name" value="typed"><div id="host"></div>
<script>
document.getElementById("host").attachShadow({mode: "open"}).innerHTML = "<p class='time'>in the shadow</p>";
document.getElementById("name").value = "Ada";
</script>"#;

/// A browser of the test's own, which ends with it.
struct Browser {
    process: Child,
    address: String,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn browser() -> Option<Browser> {
    let programs = ["chromium", "chromium-browser", "google-chrome"].map(|name| format!("/usr/bin/{name}"));
    let Some(program) = programs.iter().find(|path| Path::new(path).exists()) else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no browser");
        return None;
    };
    let profile = tempfile::tempdir().unwrap();
    let folder = format!("--user-data-dir={}", profile.path().display());
    let switches = ["--headless=new", "--no-sandbox", "--no-first-run", "--remote-debugging-port=0", &folder];
    let mut command = Command::new(program);
    let process =
        command.args(switches).arg("about:blank").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    let port = loop {
        let told = fs::read_to_string(profile.path().join("DevToolsActivePort")).unwrap_or_default();
        if let Some(port) = told.lines().next().filter(|port| !port.is_empty()) {
            break port.to_owned();
        }
        assert!(began.elapsed() < WAIT, "the browser did not start");
        std::thread::sleep(Duration::from_millis(20));
    };
    Some(Browser { process, address: format!("127.0.0.1:{port}"), _profile: profile })
}

/// A site with the page above, one that leads on to it, and one with a picture that never comes.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut waiting = Vec::new();
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut head = [0; 2048];
            let read = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let (status, more, body) = match path {
                "/never.png" => {
                    waiting.push(stream);
                    continue;
                }
                "/on" => ("302 Found", "Location: /a%20shop?q=1\r\n", String::new()),
                "/slow" => ("200 OK", "", format!("{PAGE}<img src=never.png>")),
                _ => ("200 OK", "", PAGE.to_owned()),
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\n{more}Content-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{at}")
}

/// How many tabs there are.
async fn tabs(pages: &mut LivePages) -> usize {
    let count = Cell::new(0);
    let counting = |_: &str| {
        count.set(count.get() + 1);
        false
    };
    assert!(pages.texts(counting, &json!([])).await.unwrap().is_none());
    count.get()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_read_and_left_as_they_are() {
    let Some(browser) = browser() else { return };
    let site = serve();
    let mut pages = LivePages::connect(&browser.address, WAIT).await.unwrap();
    let before = tabs(&mut pages).await;
    let page = pages.read(&format!("{site}/on"), WAIT).await.unwrap();
    let told = (&page["title"], page["url"].as_str().unwrap());
    assert_eq!(told, (&json!("A shop"), &*format!("{site}/a%20shop?q=1")));
    let content = page["content"].as_str().unwrap();
    assert!(content.starts_with("<!DOCTYPE html>") && content.contains("<h2>Oslo</h2>"), "{content}");
    // What never rests is read as it is, and said so, as upstream does.
    let page = pages.read(&format!("{site}/slow"), Duration::from_secs(2)).await.unwrap();
    assert_eq!(page["title"], "Load timeout", "{page}");
    let gone = pages.read("http://127.0.0.1:1/", WAIT).await.unwrap_err();
    assert!(matches!(&gone, DriverErrorKind::Lost { why } if why.contains("ERR_")), "{gone}");
    // A browser says that it closes a tab before it has.
    let began = Instant::now();
    while tabs(&mut pages).await != before {
        assert!(began.elapsed() < WAIT, "a tab was left");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_elements_are_read_where_they_stand() {
    let Some(browser) = browser() else { return };
    let site = serve();
    let url = format!("{site}/a%20shop?q=1");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let opened = client.put(format!("http://{}/json/new?{url}", browser.address)).send().await.unwrap();
    assert!(opened.status().is_success());
    let mut pages = LivePages::connect(&browser.address, WAIT).await.unwrap();
    let queries: Vec<Value> = [
        ("texts", ".time"),
        ("texts", ".none"),
        ("texts", "???"),
        ("own_texts_of_first", ".leg"),
        ("headings", ".card"),
        ("list_items", ".menu"),
        ("x_path", "//h2"),
        ("x_path", "//h4"),
        ("x_path_input", "//input"),
        ("x_path_input", "//h2"),
    ]
    .map(|(kind, selector)| json!({"kind": kind, "selector": selector}))
    .to_vec();
    let began = Instant::now();
    let told = loop {
        let told = pages.texts(|tab| tab == url, &json!(queries)).await.unwrap();
        // A page that is still on its way has no such elements yet.
        if told.as_ref().is_some_and(|told| told["found"][8] == json!(["Ada"])) || began.elapsed() > WAIT {
            break told.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let expected = json!([
        [" 9:00 ", "10:00late", "in the shadow"],
        [],
        [],
        ["SEA", "NYC"],
        ["One"],
        ["Toys"],
        ["Oslo"],
        [],
        ["Ada"],
        [],
    ]);
    assert_eq!(told, json!({"url": url, "found": expected}));
}
