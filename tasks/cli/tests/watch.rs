//! A run that somebody watches in a browser, by plain HTTP: its screen, its steps, and a person who takes over there.

mod program;

use std::io::Write as _;
use std::net::TcpStream;

use program::page::Page;
use program::{Place, Running};
use serde_json::{Value, json};

const LAUNCH: &str = r#"do(action="Launch", app="Settings")"#;
const WIFI: &str = r#"do(action="Tap", element=[500,192], message="turns Wi-Fi on")"#;
const HAND: &str = r#"do(action="Take_over", message="turn Wi-Fi on <b>yourself</b>")"#;
const CHOOSE: &str = r#"do(action="Interact", message="Which one?")"#;
const FINISH: &str = r#"finish(message="ok")"#;

fn start(place: &Place, watch: &[&str], replies: &[&str], more: &[&str]) -> (Running, Page) {
    place.file("script.txt", &replies.join("\n"));
    let run = [&["run"], watch, &["Do <i>something</i>", "--json", "--model", "script:script.txt"]].concat();
    let mut run = place.start(&[&run[..], more].concat());
    let page = Page::at(run.line()["ask"].as_str().unwrap());
    (run, page)
}

/// Waits for a question.
fn question(page: &Page) -> Value {
    let told = page.get("question?wait=60").json();
    assert!(!told["question"].is_null(), "{told}");
    told
}

fn answer(page: &Page, id: u64, answer: &str, words: &str) {
    let body = json!({"id": id, "answer": answer, "words": words}).to_string();
    let taken = page.post("answer", "application/json", &body);
    assert_eq!(taken.status, 200, "{}", taken.text());
}

/// What the page says once the run is over.
fn last(page: &Page) -> Value {
    let mut told = json!({"version": 0});
    while told["ended"].is_null() {
        told = page.get(&format!("question?wait=30&version={}", told["version"])).json();
    }
    told
}

/// The person has the screen while it is asked for and at no other time; what is done there is what the phone's state says.
#[test]
fn who_takes_over_touches_the_screen_in_the_page() {
    let place = Place::new();
    let more = ["--start", "wifi.on=false", "--expect", "wifi.on=true"];
    let (run, page) = start(&place, &["--watch"], &[LAUNCH, CHOOSE, HAND, CHOOSE, FINISH], &more);
    let told = question(&page);
    assert_eq!(told["question"]["kind"], "choose");
    assert_eq!((&told["watch"]["takes_input"], &told["watch"]["step"]), (&json!(false), &json!(2)));
    let wifi = json!({"do": "tap", "x": 270, "y": 230, "of": {"width": 540, "height": 1200}});
    for refused in [page.input(&wifi), page.frame(0, 1)] {
        assert_eq!(refused.status, 409, "{}", refused.text());
        assert!(refused.json()["error"].as_str().unwrap().contains("take over"));
    }
    assert!(!page.get("").text().contains("<canvas"));
    answer(&page, 1, "choice", "the first");

    let told = question(&page);
    assert_eq!((&told["question"]["kind"], &told["watch"]["takes_input"]), (&json!("take_over"), &json!(true)));
    let whole = page.get("");
    assert!(
        whole.text().contains("<canvas") && whole.text().contains("&lt;b&gt;yourself&lt;/b&gt;"),
        "{}",
        whole.text()
    );
    let frame = page.frame(0, 20);
    assert_eq!((frame.status, frame.header("content-type")), (200, Some("image/png")));
    let number: u64 = frame.header("tapwright-frame").unwrap().parse().unwrap();
    let tapped = page.input(&wifi);
    assert_eq!((tapped.status, tapped.json()), (200, json!({"done": true})));
    let changed = page.frame(number, 20);
    assert!(changed.status == 200 && changed.body != frame.body, "the switch is seen to turn");
    answer(&page, 2, "done", "");

    assert_eq!(question(&page)["question"]["kind"], "choose");
    assert_eq!(page.input(&wifi).status, 409, "it was given back");
    answer(&page, 3, "choice", "the second");
    let ran = run.end();
    assert_eq!(ran.end_line(), "0 done passed", "{}", ran.out);
}

#[test]
fn a_run_is_seen_as_it_happens_to_its_end() {
    let place = Place::new();
    let (run, page) = start(&place, &["--watch"], &[LAUNCH, WIFI, CHOOSE, FINISH], &["--start", "wifi.on=false"]);
    let told = question(&page);
    assert_eq!(told["question"]["kind"], "confirm");
    answer(&page, 1, "yes", "");
    let told = question(&page);
    let watch = &told["watch"];
    assert_eq!((&watch["step"], &watch["app"]), (&json!(3), &json!("Settings")));
    assert_eq!(watch["size"], json!({"width": 540, "height": 1200}));
    let screen = watch["screen"].as_str().unwrap();
    let picture = page.get(screen);
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/png")));
    let png = png::Decoder::new(std::io::Cursor::new(&picture.body)).read_info().unwrap();
    assert_eq!(png.info().size(), (540, 1200));
    // It is the picture of the record, and no other file of this machine is.
    let digest = screen.trim_start_matches("screen-").trim_end_matches(".png");
    let kept = std::fs::read(place.only_run().join("pictures").join(format!("{digest}.png"))).unwrap();
    assert_eq!(kept, picture.body);
    for other in ["screen-.png", "screen-..%2f..%2fjournal.png", &format!("screen-{}.png", "0".repeat(64))] {
        assert_eq!(page.get(other).status, 404, "{other}");
    }
    let whole = page.get("");
    let text = whole.text();
    for part in [
        "class=\"step good\" value=\"1\"",
        "class=\"step good\" value=\"2\"",
        "class=\"step now\" value=\"3\"",
        "Do &lt;i&gt;something&lt;/i&gt;",
        "do(action=&quot;Launch&quot;, app=&quot;Settings&quot;)",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    answer(&page, 2, "choice", "x");
    let told = last(&page);
    assert_eq!(told["headline"], "the model says it is done; nothing was checked");
    let whole = page.get("");
    let text = whole.text();
    for part in [
        "The run is over",
        "<span class=\"badge mild\">the model says it is done; nothing was checked</span>",
        "src=\"data:image/png;base64,",
        "class=\"step good\" value=\"4\"",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("<i>something") && text.matches("<script").count() == 1, "{text}");
    run.end();
}

/// Where it is touched is seen: a ring, once it was done and until the model wants something else.
#[test]
fn what_is_touched_is_marked() {
    let place = Place::new();
    let (run, page) = start(&place, &["--watch"], &[LAUNCH, WIFI, FINISH], &["--start", "wifi.on=false"]);
    question(&page);
    assert!(page.get("").text().contains(r#"<circle class="ring" cx="270" cy="230""#), "{}", page.get("").text());
    answer(&page, 1, "yes", "");
    last(&page);
    run.end();
}

/// Without `--watch` the page is what it was, and lends nothing.
#[test]
fn asking_alone_shows_no_run() {
    let place = Place::new();
    let (run, page) = start(&place, &["--ask", "127.0.0.1:0"], &[LAUNCH, HAND, FINISH], &[]);
    let told = question(&page);
    assert_eq!((&told["question"]["kind"], &told["watch"]), (&json!("take_over"), &Value::Null));
    assert_eq!((page.input(&json!({"do": "home"})).status, page.frame(0, 0).status), (409, 409));
    assert_eq!((page.get("input").status, page.post("frame", "application/json", "{}").status), (405, 405));
    let whole = page.get("");
    assert!(!whole.text().contains("<canvas") && !whole.text().contains("class=\"steps\""), "{}", whole.text());
    answer(&page, 1, "no", "");
    run.end();
}

/// Whoever looks and does not read, or says nothing at all, is nobody's business but their own.
#[test]
fn a_browser_that_does_not_read_holds_up_nothing() {
    let place = Place::new();
    let home = r#"do(action="Home")"#;
    let replies = [CHOOSE, LAUNCH, home, LAUNCH, home, LAUNCH, home, FINISH];
    let (run, page) = start(&place, &["--watch"], &replies, &[]);
    question(&page);
    // All places but the one by which the answer comes.
    let _deaf: Vec<TcpStream> = (0..31)
        .map(|number| {
            let mut stream = TcpStream::connect(&page.at).unwrap();
            let head = format!("GET /{}/ HTTP/1.1\r\nhost: {}\r\n", page.token, page.at);
            let end = if number % 2 == 0 { "\r\n" } else { "" };
            stream.write_all((head + end).as_bytes()).unwrap();
            stream
        })
        .collect();
    answer(&page, 1, "choice", "go");
    let ran = run.end();
    assert_eq!(ran.end_line(), "0 done null", "{}", ran.out);
    let spent = |key: &str| ran.lines().iter().filter_map(|line| line[key].as_u64()).sum::<u64>();
    // A connection that says nothing has ten seconds; of those the run waited for none.
    assert!(spent("act_ms") + spent("look_ms") < 9_000, "{}", ran.out);
}

#[test]
fn watching_is_asked_for_rightly() {
    let place = Place::new();
    for (arguments, address) in [
        (&["run", "--watch", "x"][..], "127.0.0.1:"),
        (&["run", "x", "--watch"], "127.0.0.1:"),
        (&["run", "x", "--watch", "127.0.0.1:0"], "127.0.0.1:"),
        (&["run", "--watch", "[::1]:0", "x"], "[::1]:"),
        (&["run", "--watch=127.0.0.1:0", "x"], "127.0.0.1:"),
        (&["run", "x", "--watch", "--ask", "127.0.0.1:0"], "127.0.0.1:"),
    ] {
        let ran = place.run(&[arguments, &["--model", "finish"]].concat());
        let said = format!("watch it at http://{address}");
        assert!(ran.code == 0 && ran.err.contains(&said), "{arguments:?}: {}", ran.err);
    }
    for (arguments, why) in [
        (&["run", "x", "--watch=0.0.0.0:0"][..], "--ask-open"),
        (&["run", "x", "--watch=nowhere"], "nowhere"),
        (&["run", "x", "--watch=127.0.0.1:0", "--ask", "127.0.0.1:0"], "--ask would do nothing"),
        (&["run", "x", "--open"], "--open would do nothing"),
    ] {
        let ran = place.run(&[arguments, &["--model", "finish"]].concat());
        assert!(ran.code == 2 && ran.err.contains(why), "{arguments:?}: {}", ran.err);
    }
}
