//! Texts in many scripts, typed by keys into terminals and a form in a browser: what they hold is what was typed. The editor is among the
//! tests of the desktop, Calc among those of LibreOffice, and a form in a browser that is driven as one among the browser's.

#![cfg(target_os = "linux")]

#[path = "desktop/corpus.rs"]
mod corpus;
#[path = "desktop/session.rs"]
mod session;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use corpus::{CORPUS, long_text};
use serde_json::{Value, json};
use tapwright_contract::device::Driver;
use tapwright_contract::gesture::Gesture;
use tapwright_contract::{Size, Spot};
use tapwright_drivers::desktop::{PrivateDesktop, X11Desktop, missing_programs};

const PATIENCE: Duration = Duration::from_secs(60);

/// A private desktop, if there can be one with this program.
async fn desktop(package: &str, program: &str) -> Option<(Arc<PrivateDesktop>, X11Desktop)> {
    let missing = if missing_programs().is_empty() { package } else { "private desktop" };
    if missing != package || !Path::new(program).is_file() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no {missing} (apt-get install)");
        return None;
    }
    let size = Size { width: 1280, height: 800 };
    Some(session::private_desktop(size, &[]).await)
}

async fn start(session: &PrivateDesktop, command: &str) {
    let words: Vec<String> = ["sh", "-c", command].map(str::to_owned).into();
    session.start_program(&words).await.unwrap();
}

/// Waits until the window in front has words like these in its title.
async fn in_front(driver: &mut X11Desktop, title: &str) {
    let mut apis = driver.apis();
    let mut told = String::new();
    for _ in 0..300 {
        told = apis.call("windows.list", &json!({}), PATIENCE).await.unwrap();
        let windows: Value = serde_json::from_str(&told).unwrap();
        let is_there = |window: &Value| {
            window["in_front"] == true && window["title"].as_str().is_some_and(|words| words.contains(title))
        };
        if windows.as_array().into_iter().flatten().any(is_there) {
            driver.screen(PATIENCE).await.unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{title} is not in front: {told}");
}

/// Each in lines of its own.
fn lines() -> Vec<String> {
    let texts = CORPUS.iter().map(|text| (*text).to_owned()).chain([long_text()]);
    texts.map(|text| format!("{text}\n")).collect()
}

async fn insert(driver: &mut X11Desktop, text: &str) {
    let typed = driver.perform(&Gesture::Insert { text: text.to_owned() }, PATIENCE).await;
    typed.unwrap_or_else(|error| panic!("{text:.40}: {error}"));
}

/// What a file holds, as soon as it is as long as what is wanted.
async fn written(file: &Path, wanted: &str) -> String {
    let mut read = String::new();
    for _ in 0..600 {
        read = fs::read_to_string(file).unwrap_or_default();
        if read.len() >= wanted.len() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    read
}

/// The processes of this name on a desktop.
fn processes(session: &PrivateDesktop, program: &str) -> Vec<String> {
    let mark = format!("HOME={}", session.home().display());
    let all = fs::read_dir("/proc").unwrap().flatten().filter(|process| {
        let read = |name: &str| fs::read(process.path().join(name)).unwrap_or_default();
        let is_ours = read("environ").split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes());
        is_ours && read("comm").trim_ascii_end() == program.as_bytes()
    });
    all.map(|process| process.file_name().into_string().unwrap()).collect()
}

/// Has processes run for a tenth of the time, until it is told to stop.
fn slow_down(processes: Vec<String>, stop: Arc<AtomicBool>) -> thread::JoinHandle<()> {
    let signal = move |name: &str| {
        let sent = std::process::Command::new("kill").arg(name).args(&processes).status().unwrap();
        assert!(sent.success(), "{name} {processes:?}");
    };
    thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            signal("-STOP");
            thread::sleep(Duration::from_millis(100));
            signal("-CONT");
            thread::sleep(Duration::from_millis(10));
        }
    })
}

/// Types all into a terminal in which what comes is written into a file; with the terminal as slow as on a machine that has much to do.
async fn type_into_terminal(package: &str, program: &str, command: &str, slow: Option<&str>) {
    let Some((session, mut driver)) = desktop(package, program).await else { return };
    start(&session, command).await;
    in_front(&mut driver, "typed").await;
    let stop = Arc::new(AtomicBool::new(false));
    let slowed = slow.map(|name| slow_down(processes(&session, name), stop.clone()));
    let mut whole = String::new();
    // A terminal would have Tab complete.
    for text in lines() {
        whole += &text;
        insert(&mut driver, &text).await;
    }
    let read = written(&session.home().join("typed"), &whole).await;
    stop.store(true, Ordering::Relaxed);
    if let Some(slowed) = slowed {
        slowed.join().unwrap();
    }
    for (read, typed) in read.lines().zip(whole.lines()) {
        assert_eq!(read, typed, "{package}");
    }
    assert_eq!(read, whole, "{package}");
    driver.close(PATIENCE).await.unwrap();
    session.end().await;
}

/// What writes all that comes into a file, and answers nothing.
const CATCH: &str = "sh -c 'stty -icanon -echo; exec cat > typed'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_gets_texts_exactly() {
    let command = format!("exec xterm -u8 -T typed -e {CATCH}");
    type_into_terminal("xterm", "/usr/bin/xterm", &command, None).await;
    let command = format!("exec gnome-terminal --wait --title typed -- {CATCH}");
    type_into_terminal("gnome-terminal", "/usr/bin/gnome-terminal", &command, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_that_reads_late_gets_texts_exactly() {
    let command = format!("exec xterm -u8 -T typed -e {CATCH}");
    type_into_terminal("xterm", "/usr/bin/xterm", &command, Some("xterm")).await;
}

/// A form that sends what it holds whenever that changes. Chromium passes no key on to a page that it has
/// just begun to show.
const FORM: &str = "<!doctype html><meta charset=utf-8><title>form</title><textarea id=t autofocus rows=9 cols=60></textarea>\
    <script>t.oninput = () => fetch('/', {method: 'POST', body: t.value}); \
    onload = () => { t.focus(); setTimeout(() => document.title = 'typed', 1000); }</script>";

/// Serves the form, and tells what it sends.
fn serve() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // A browser opens connections before it has something to say.
        for stream in listener.incoming() {
            let (stream, sender) = (BufReader::new(stream.unwrap()), sender.clone());
            thread::spawn(move || answer(stream, &sender));
        }
    });
    (port, receiver)
}

/// Answers one request: with the page, or by telling what was sent.
fn answer(mut stream: BufReader<TcpStream>, sent: &Sender<String>) {
    let (mut first, mut length, mut line) = (String::new(), 0, String::new());
    let _ = stream.read_line(&mut first);
    while stream.read_line(&mut line).is_ok_and(|count| count > 2) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    let page = if first.starts_with("GET / ") { FORM } else { "" };
    if first.starts_with("POST") && stream.read_exact(&mut body).is_ok() {
        let _ = sent.send(String::from_utf8(body).unwrap());
    }
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n";
    let _ = write!(stream.get_mut(), "{head}Content-Length: {}\r\n\r\n{page}", page.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts a browser"]
async fn a_form_of_a_browser_on_a_desktop_gets_texts_exactly() {
    let Some((session, mut driver)) = desktop("chromium", "/usr/bin/chromium").await else { return };
    let (port, sent) = serve();
    let options = "--no-first-run --no-default-browser-check --password-store=basic";
    start(&session, &format!("exec chromium {options} http://127.0.0.1:{port}/")).await;
    in_front(&mut driver, "typed").await;
    let screen = driver.screen(PATIENCE).await.unwrap();
    driver.perform(&Gesture::Tap { at: Spot { x: 200, y: 200, of: screen.id } }, PATIENCE).await.unwrap();
    driver.screen(PATIENCE).await.unwrap();
    let mut apis = driver.apis();
    apis.call("clipboard.write", &json!({"text": "kept"}), PATIENCE).await.unwrap();
    let mut whole = String::new();
    // Tab leaves a field of a form.
    for text in lines().iter().map(|text| text.replace('\t', " ")) {
        whole += &text;
        insert(&mut driver, &text).await;
    }
    let mut held = String::new();
    while held.encode_utf16().count() < whole.encode_utf16().count() {
        let Ok(next) = sent.recv_timeout(Duration::from_secs(20)) else { break };
        // They come in no order.
        held = if next.len() >= held.len() { next } else { held };
    }
    for (held, typed) in held.lines().zip(whole.lines()) {
        assert_eq!(held, typed);
    }
    assert_eq!(held, whole);
    assert_eq!(apis.call("clipboard.read", &json!({}), PATIENCE).await.unwrap(), "kept");
    driver.close(PATIENCE).await.unwrap();
    session.end().await;
}
