//! The virtual phone in a browser's tab, by plain HTTP: its pictures, what is done to it there, and whoever else finds the address.

mod program;

use std::io::Write as _;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use program::page::{Page, Response};
use program::{Place, Running};
use serde_json::{Value, json};
use tapwright_phone::{Mark, MarkContent, Options, World};

/// A phone with a window.
fn open(place: &Place, more: &[&str]) -> (Running, Page) {
    let phone = ["phone", "--listen", "127.0.0.1:0", "--window", "--json"];
    let mut running = place.start(&[&phone[..], more].concat());
    let page = Page::at(running.line()["window"].as_str().unwrap());
    (running, page)
}

/// The number of a picture, and the screen that it is of.
fn frame_state(frame: &Response) -> (u64, Value) {
    assert_eq!(frame.status, 200, "{}", frame.head);
    let screen = frame.header("tapwright-screen").unwrap_or_else(|| panic!("{}", frame.text()));
    (frame.header("tapwright-frame").unwrap().parse().unwrap(), serde_json::from_str(screen).unwrap())
}

/// Waits for a picture that is like none before, for at most so long.
fn next(page: &Page, after: u64) -> (u64, Vec<u8>) {
    let frame = page.frame(after, 20);
    (frame_state(&frame).0, frame.body)
}

/// Where a word can be touched in the world that the phone begins with.
fn place_of(word: &str) -> (i32, i32) {
    let world = World::new(Options { seed: 16, width: 540, height: 1200, ..Options::default() });
    let is_there = |mark: &Mark| mark.what == MarkContent::Word(word.to_owned()) && mark.target.is_some();
    world.marks().into_iter().find(is_there).unwrap().target.unwrap()
}

#[test]
fn a_phone_is_seen_and_used() {
    let place = Place::new();
    let (_phone, page) = open(&place, &[]);
    let whole = page.get("");
    for part in ["<canvas", "data-do=\"back\"", "data-do=\"home\"", "data-do=\"recents\"", "seed 16"] {
        assert!(whole.text().contains(part), "{part}: {}", whole.text());
    }
    let first = page.frame(0, 20);
    let (number, of) = frame_state(&first);
    assert_eq!(of, json!({"width": 540, "height": 1200}));
    assert_eq!(first.header("content-type"), Some("image/png"));
    let png = png::Decoder::new(std::io::Cursor::new(&first.body)).read_info().unwrap();
    assert_eq!(png.info().size(), (540, 1200));

    // What is done shows, as a picture with another number.
    let (x, y) = place_of("Settings");
    let tapped = page.input(&json!({"do": "tap", "x": x, "y": y, "of": of}));
    assert_eq!((tapped.status, tapped.json()), (200, json!({"done": true})));
    let (number, settings) = next(&page, number);
    assert_ne!(settings, first.body);
    for input in [
        json!({"do": "swipe", "x": 270, "y": 900, "to_x": 270, "to_y": 500, "ms": 200, "of": of}),
        json!({"do": "drag", "x": 270, "y": 900, "to_x": 270, "to_y": 500, "ms": 200, "of": of}),
        json!({"do": "long_press", "x": 270, "y": 600, "ms": 700, "of": of}),
        json!({"do": "menu", "x": 270, "y": 600, "of": of}),
        json!({"do": "wheel", "x": 270, "y": 600, "right": 0, "down": 240, "of": of}),
        json!({"do": "text", "text": "é 你 <b>"}),
        json!({"do": "key", "key": "Backspace"}),
        json!({"do": "key", "key": "a", "modifiers": ["control"]}),
        json!({"do": "recents"}),
        json!({"do": "back"}),
    ] {
        let done = page.input(&input);
        assert_eq!(done.status, 200, "{input}: {}", done.text());
    }
    assert_eq!(page.input(&json!({"do": "home"})).status, 200);
    assert!(number < next(&page, number).0);
}

/// A picture is sent once: who has it waits until there is another one.
#[test]
fn pictures_are_sent_only_when_they_change() {
    let place = Place::new();
    let (_phone, page) = open(&place, &[]);
    let (number, of) = frame_state(&page.frame(0, 20));
    // The clock may turn a minute meanwhile, once.
    let mut after = number;
    let mut pictures = 0;
    for _ in 0..3 {
        let frame = page.frame(after, 1);
        match frame.status {
            204 => assert!(frame.body.is_empty()),
            _ => {
                after = frame_state(&frame).0;
                pictures += 1;
            }
        }
    }
    assert!(pictures <= 1, "{pictures}");
    // While everything moves there are at most fifteen a second.
    let (_moving, page) = open(&place, &["--motion", "spinner"]);
    let (first, _) = frame_state(&page.frame(0, 20));
    thread::sleep(Duration::from_secs(1));
    let (last, _) = frame_state(&page.frame(first, 20));
    assert!((first + 1..=first + 17).contains(&last), "{first} to {last}");
    assert_eq!(of["width"], 540);
}

#[test]
fn whoever_has_no_token_or_another_page_sees_and_touches_nothing() {
    let place = Place::new();
    let (_phone, page) = open(&place, &[]);
    let (number, of) = frame_state(&page.frame(0, 20));
    let Page { at, token } = &page;
    let wrong = "0".repeat(token.len());
    for path in ["/", "/frame", &format!("/{wrong}/"), &format!("/{wrong}/frame?wait=60"), &format!("/{wrong}/input")] {
        assert_eq!(page.send(&format!("GET {path} HTTP/1.1\r\nhost: {at}"), "").status, 404, "{path}");
    }
    let home = r#"{"do":"home"}"#;
    let post = |host: &str, more: &str| {
        let kind = "content-type: application/json\r\ncontent-length: 13";
        page.send(&format!("POST /{token}/input HTTP/1.1\r\nhost: {host}\r\n{kind}{more}"), home).status
    };
    for host in ["evil.example", "127.0.0.1.evil.example", "10.1.2.3"] {
        assert_eq!(page.send(&format!("GET /{token}/frame HTTP/1.1\r\nhost: {host}"), "").status, 403, "{host}");
        assert_eq!(post(host, ""), 403, "{host}");
    }
    assert_eq!(post(at, "\r\norigin: http://evil.example"), 403);
    assert_eq!(post(at, &format!("\r\norigin: http://{at}")), 200);
    let json = "application/json";
    for (kind, body, status) in [
        ("text/plain", home, 415),
        ("application/x-www-form-urlencoded", "do=home", 415),
        (json, "{", 400),
        (json, r#"{"do":"reboot"}"#, 400),
        (json, r#"{"do":"tap","x":540,"y":0,"of":{"width":540,"height":1200}}"#, 400),
        // On another display than this one.
        (json, r#"{"do":"tap","x":5,"y":5,"of":{"width":1200,"height":540}}"#, 409),
        (json, &" ".repeat(200_000), 413),
    ] {
        let answer = page.post("input", kind, body);
        assert_eq!(answer.status, status, "{body:.80}: {}", answer.text());
        assert!(!answer.json()["error"].as_str().unwrap().is_empty());
    }
    assert_eq!((page.get("input").status, page.post("frame", json, home).status), (405, 405));
    assert_eq!((page.get("nothing").status, page.get("frame?wait=soon").status), (404, 400));
    for header in
        ["content-security-policy: default-src 'none'", "x-content-type-options: nosniff", "frame-ancestors 'none'"]
    {
        assert!(page.get("").head.contains(header), "{header}");
    }
    assert_eq!(of["height"], 1200);
    assert!(number > 0);
}

/// Who says nothing takes up one of 32 places, and gives it back when gone: with one left the page goes on.
#[test]
fn a_hundred_connections_that_say_nothing() {
    let place = Place::new();
    let (_phone, page) = open(&place, &[]);
    let silent: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = TcpStream::connect(&page.at).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
            stream
        })
        .collect();
    let _stay: Vec<TcpStream> = silent.into_iter().take(31).collect();
    assert_eq!(page.get("").status, 200);
    assert_eq!(page.frame(0, 20).status, 200);
}

/// A browser is opened at the address that is printed; where nothing opens one, that is said and no error.
#[cfg(target_os = "linux")]
#[test]
fn the_window_is_opened_in_a_browser() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    // With what it is given, and with what is written there if it is a page.
    let script = "#!/bin/sh\n{ printf '%s\\n' \"$*\"; ls -lnd \"$1\" \"${1%/*}\"; cat \"$1\"; } > opened.part; mv opened.part opened\n";
    let opener = place.file("xdg-open", script);
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    let phone = ["phone", "--listen", "127.0.0.1:0", "--window", "--open", "--json"];
    let mut command = place.command(&phone);
    command.env("PATH", format!("{}:/usr/bin:/bin", place.path().display()));
    let mut running = Running::of(command);
    let url = running.line()["window"].as_str().unwrap().to_owned();
    let opened = place.path().join("opened");
    for _ in 0..600 {
        if opened.exists() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    let opened = std::fs::read_to_string(opened).unwrap();
    let token = url.trim_end_matches('/').rsplit('/').next().unwrap();
    let line = opened.lines().next().unwrap();
    assert!(token.len() == 32 && !line.contains(token), "everybody on the machine reads it: {line}");
    assert!(opened.contains("\n-rw------- ") && opened.contains("\ndrwx------ "), "{opened}");
    assert!(opened.contains(&format!("url={url}\"")), "{opened}");
    drop(running);
    // With nothing that opens addresses the phone is there all the same.
    let mut command = place.command(&phone);
    command.env("PATH", "/nowhere");
    let page = Page::at(Running::of(command).line()["window"].as_str().unwrap());
    assert_eq!(page.token.len(), 32);
}

#[test]
fn a_window_is_asked_for_rightly() {
    let place = Place::new();
    let ran = place.run(&["phone", "--listen", "127.0.0.1:0", "--window", "0.0.0.0:0"]);
    assert!(ran.code == 2 && ran.err.contains("--window-open"), "{}", ran.err);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let ran = place.run(&["phone", "--listen", "127.0.0.1:0", "--window", &at]);
    assert!(ran.code == 3 && ran.err.contains("--window 127.0.0.1:0"), "{}", ran.err);
    for flag in ["--open", "--window-open"] {
        assert_eq!(place.run(&["phone", flag]).code, 2, "{flag} without a window");
    }
}
