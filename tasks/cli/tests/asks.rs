//! A person who answers by HTTP, as a browser or a program does it, and whoever else finds the address.

mod program;

use program::page::{Page, Response};
use program::{Place, Running};
use serde_json::{Value, json};

const LAUNCH: &str = r#"do(action="Launch", app="Settings")"#;
const WIFI: &str = r#"do(action="Tap", element=[500,192], message="turns Wi-Fi on")"#;
const FINISH: &str = r#"finish(message="ok")"#;

/// A desk, from outside.
struct Desk {
    page: Page,
}

impl std::ops::Deref for Desk {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl Desk {
    /// Of a run that has just been started: the first thing it says is where it asks.
    fn of(run: &mut Running) -> Desk {
        Desk { page: Page::at(run.line()["ask"].as_str().unwrap()) }
    }

    fn post(&self, kind: &str, body: &str) -> Response {
        self.page.post("answer", kind, body)
    }

    fn answer(&self, body: &Value) -> Response {
        self.post("application/json", &body.to_string())
    }

    /// Waits for a question, whatever the machine.
    fn question(&self) -> Value {
        for _ in 0..20 {
            let told = self.get("question?wait=30").json();
            assert!(told["ended"].is_null(), "{told}");
            if !told["question"].is_null() {
                return told["question"].clone();
            }
        }
        panic!("nothing is asked");
    }
}

fn start(place: &Place, replies: &[&str], more: &[&str]) -> (Running, Desk) {
    place.file("script.txt", &replies.join("\n"));
    let run = ["run", "Do <something>", "--json", "--model", "script:script.txt", "--ask", "127.0.0.1:0"];
    let mut run = place.start(&[&run[..], more].concat());
    let desk = Desk::of(&mut run);
    (run, desk)
}

#[test]
fn a_yes_is_a_yes() {
    let place = Place::new();
    let (run, desk) = start(&place, &[LAUNCH, WIFI, FINISH], &["--start", "wifi.on=false", "--expect", "wifi.on=true"]);
    let question = desk.question();
    assert_eq!(
        question,
        json!({
            "id": 1, "kind": "confirm", "message": "turns Wi-Fi on", "step": 2, "action": WIFI, "thought": "",
            "answers": ["yes", "no", "done"], "picture": "picture-1.png", "size": {"width": 540, "height": 1200},
            "at": {"x": 270, "y": 230},
        })
    );
    let picture = desk.get("picture-1.png");
    assert_eq!(picture.status, 200);
    let png = png::Decoder::new(std::io::Cursor::new(&picture.body)).read_info().unwrap();
    assert_eq!(png.info().size(), (540, 1200));
    let page = desk.get("");
    for words in ["Do &lt;something&gt;", "turns Wi-Fi on", "picture-1.png", r#"cx="270" cy="230""#, r#"value="yes""#] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    let taken = desk.answer(&json!({"id": 1, "answer": "yes"}));
    assert_eq!((taken.status, taken.json()), (200, json!({"taken": true})));
    let ran = run.end();
    assert_eq!(ran.end_line(), "0 done passed", "{}", ran.out);
    let lines = ran.lines();
    let said = |key: &str| lines.iter().find(|line| !line[key].is_null()).map(|line| line[key].clone()).unwrap();
    assert_eq!(said("asked")["id"], 1);
    assert_eq!(said("answered"), json!({"id": 1, "answer": "yes"}));
    assert!(!ran.out.contains(&desk.token), "the token is said once");
    let journal = serde_json::to_string(&place.journal()).unwrap();
    assert!(!journal.contains(&desk.token), "and is in no record");
}

#[test]
fn other_answers() {
    let place = Place::new();
    let hand = r#"do(action="Take_over", message="log in")"#;
    let choose = r#"do(action="Interact", message="Which train?")"#;
    let (run, desk) = start(&place, &[LAUNCH, WIFI, hand, choose, FINISH], &["--expect", "wifi.on=false"]);
    let question = desk.question();
    assert_eq!(desk.answer(&json!({"id": question["id"], "answer": "no"})).status, 200);
    let question = desk.question();
    assert_eq!((&question["kind"], &question["answers"]), (&json!("take_over"), &json!(["done", "no"])));
    // A form, as the page has it without a script.
    let form = desk.post("application/x-www-form-urlencoded", "id=2&answer=done");
    assert_eq!(form.status, 303);
    assert!(form.head.contains(&format!("location: /{}/", desk.token)), "{}", form.head);
    let question = desk.question();
    assert_eq!((&question["kind"], &question["message"]), (&json!("choose"), &json!("Which train?")));
    assert_eq!(desk.answer(&json!({"id": 3, "answer": "choice", "words": " "})).status, 400);
    assert_eq!(desk.answer(&json!({"id": 3, "answer": "yes"})).status, 400);
    let words = "the 9:30, 二等座 & a <window>";
    assert_eq!(desk.answer(&json!({"id": 3, "answer": "choice", "words": words})).status, 200);
    let ran = run.end();
    assert_eq!(ran.end_line(), "0 done passed", "{}", ran.out);
    for came in
        ["refused: a person said no to this action", "a person has done this", &format!("a person says: {words}")]
    {
        assert!(ran.lines().iter().any(|line| line["summary"] == came), "{came}: {}", ran.out);
    }
}

#[test]
fn an_answer_is_to_one_question() {
    let place = Place::new();
    let (run, desk) = start(&place, &[LAUNCH, WIFI, WIFI, FINISH], &["--start", "wifi.on=false"]);
    assert_eq!(desk.question()["id"], 1);
    let unknown = desk.answer(&json!({"id": 2, "answer": "yes"}));
    assert_eq!((unknown.status, unknown.json()), (409, json!({"error": "there is no question 2"})));
    assert_eq!(desk.answer(&json!({"id": 1, "answer": "no"})).status, 200);
    assert_eq!(desk.question()["id"], 2);
    // Somebody's page still shows the first one.
    let stale = desk.answer(&json!({"id": 1, "answer": "yes"}));
    assert_eq!(stale.status, 409);
    assert!(stale.json()["error"].as_str().unwrap().contains("not open any more"), "{}", stale.text());
    let stale = desk.post("application/x-www-form-urlencoded", "id=1&answer=yes");
    assert_eq!(stale.status, 409);
    assert!(stale.text().contains("nothing came of this answer"), "{}", stale.text());
    assert_eq!(desk.get("picture-1.png").status, 404);
    assert_eq!(desk.question()["id"], 2, "it is still open");
    assert_eq!(desk.answer(&json!({"id": 2, "answer": "no"})).status, 200);
    assert_eq!(run.end().end_line(), "0 done null");
}

#[test]
fn whoever_has_no_token_or_another_page() {
    let place = Place::new();
    let (run, desk) = start(&place, &[LAUNCH, WIFI, FINISH], &[]);
    desk.question();
    let Page { at, token } = &desk.page;
    let wrong = "0".repeat(token.len());
    for path in [
        "/",
        "/question",
        "/answer",
        "/favicon.ico",
        &format!("/{wrong}/"),
        &format!("/{wrong}/question?wait=60"),
        "//",
        &format!("/{}/", &token[1..]),
    ] {
        let response = desk.send(&format!("GET {path} HTTP/1.1\r\nhost: {at}"), "");
        assert_eq!((response.status, response.text()), (404, ""), "{path}");
    }
    let head =
        format!("POST /{wrong}/answer HTTP/1.1\r\nhost: {at}\r\ncontent-type: application/json\r\ncontent-length: 25");
    assert_eq!(desk.send(&head, r#"{"id": 1, "answer": "yes"}"#).status, 404);
    for host in ["evil.example", "evil.example:80", "10.1.2.3", &format!("{at}.evil.example")] {
        let response = desk.send(&format!("GET /{token}/question HTTP/1.1\r\nhost: {host}"), "");
        assert_eq!(response.status, 403, "{host}");
    }
    assert_eq!(
        desk.send(&format!("GET /{token}/ HTTP/1.1\r\nhost: localhost:1"), "").status,
        200,
        "as through a tunnel"
    );
    assert_eq!(desk.send(&format!("GET /{token} HTTP/1.1\r\nhost: {at}"), "").status, 303);
    let origin = format!("GET /{token}/question HTTP/1.1\r\nhost: {at}\r\norigin: http://evil.example");
    let response = desk.send(&origin, "");
    assert_eq!(response.status, 403);
    assert!(!response.head.contains("access-control"), "{}", response.head);
    assert_eq!(desk.send(&format!("OPTIONS /{token}/answer HTTP/1.1\r\nhost: {at}"), "").status, 405);
    assert_eq!(desk.send(&format!("DELETE /{token}/ HTTP/1.1\r\nhost: {at}"), "").status, 405);
    assert_eq!(desk.get("answer").status, 405);
    assert_eq!(desk.get("nothing").status, 404);
    assert_eq!(desk.get("question?wait=soon").status, 400);
    assert_eq!(desk.post("text/plain", r#"{"id": 1, "answer": "yes"}"#).status, 415);
    assert_eq!(desk.post("application/json", "{").status, 400);
    assert_eq!(desk.post("application/json", r#"{"id": 1, "answer": "yes", "more": 1}"#).status, 400);
    assert_eq!(desk.post("application/json", &" ".repeat(20_000)).status, 413);
    // Nothing of this was an answer.
    assert_eq!(desk.question()["id"], 1);
    assert_eq!(desk.answer(&json!({"id": 1, "answer": "no"})).status, 200);
    assert_eq!(run.end().end_line(), "0 done null");
}

#[test]
fn words_stay_words() {
    let place = Place::new();
    let hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>\\\" '\u{202e}sey\u{202c} </h1>";
    let reply = format!("do(action=\"Tap\", element=[500,192], message=\"{hostile}\")");
    let (run, desk) = start(&place, &[LAUNCH, &reply, FINISH], &[]);
    assert!(desk.question()["message"].as_str().unwrap().starts_with("<script>alert(1)</script>"));
    let page = desk.get("");
    let text = page.text();
    assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x"), "{text}");
    assert_eq!(text.matches("<script").count(), 1, "{text}");
    assert!(
        text.contains("<script>")
            && !text.contains("script.js")
            && !text.contains("<img src=x")
            && !text.contains('\u{202e}'),
        "{text}"
    );
    for header in [
        "content-security-policy: default-src 'none'",
        "script-src 'sha256-",
        "frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
        "referrer-policy: same-origin",
    ] {
        assert!(page.head.contains(header), "{header}: {}", page.head);
    }
    assert_eq!(desk.answer(&json!({"id": 1, "answer": "done"})).status, 200);
    assert_eq!(run.end().end_line(), "0 done null");
}

#[test]
fn nobody_in_time_and_somebody_later() {
    let place = Place::new();
    let mut phone = place.start(&["phone", "--listen", "127.0.0.1:0", "--json"]);
    let address = phone.line()["listen"].as_str().unwrap().to_owned();
    let more = ["--device", &address, "--start", "wifi.on=false", "--expect", "wifi.on=true", "--ask-within", "1s"];
    let (run, _) = start(&place, &[LAUNCH, WIFI, FINISH], &more);
    let ran = run.end();
    assert_eq!(ran.end_line(), "11 needs-person failed", "{}", ran.out);
    assert_eq!(ran.last()["can_go_on"], true);
    let mut run = place.start(&["resume", "last", "--json", "--ask", "127.0.0.1:0", "--ask-within", "1h"]);
    let desk = Desk::of(&mut run);
    let question = desk.question();
    assert_eq!((&question["id"], &question["action"], &question["step"]), (&json!(1), &json!(WIFI), &json!(2)));
    assert!(!question["picture"].is_null());
    assert_eq!(desk.get("question").json()["goal"], "Do <something>");
    assert_eq!(desk.answer(&json!({"id": 1, "answer": "yes"})).status, 200);
    assert_eq!(run.end().end_line(), "0 done passed");
    phone.kill();
}

#[cfg(unix)]
#[test]
fn whoever_waits_hears_that_it_was_stopped() {
    let place = Place::new();
    let (run, desk) = start(&place, &[WIFI], &[]);
    desk.question();
    let version = desk.get("question").json()["version"].clone();
    let waits = std::thread::spawn(move || desk.get(&format!("question?wait=60&version={version}")).json());
    run.signal("TERM");
    assert_eq!(run.end().end_line(), "130 stopped null");
    let told = waits.join().unwrap();
    assert!(told["question"].is_null(), "{told}");
}

/// Who answered the last question reads how it ended, and whether anybody looked: not `done` where only the model says so.
#[test]
fn the_end_says_whether_anything_was_checked() {
    let plan = "plan = \"One\"\n[[goal]]\nname = \"look\"\ngoal = \"Look\"\n";
    for (more, [ended, mood, headline], verdict) in [
        (&[][..], ["done", "mild", "the model says it is done; nothing was checked"], Value::Null),
        (
            &["--expect", "wifi.on=false"],
            ["done", "good", "achieved: the model says it is done, and the check agrees"],
            "passed".into(),
        ),
        (
            &["--expect", "wifi.on=true"],
            ["done", "bad", "not achieved: the model says it is done, the check says otherwise"],
            "failed".into(),
        ),
        (
            &["--plan", "plan.toml"],
            ["done", "mild", "the model says that all goals are achieved (1); nothing was checked"],
            Value::Null,
        ),
    ] {
        let place = Place::new();
        place.file("plan.toml", plan);
        place.file("script.txt", &[LAUNCH, WIFI, FINISH].join("\n"));
        let goal: &[&str] = if more.contains(&"--plan") { &[] } else { &["Look", "--start", "wifi.on=false"] };
        let flags = ["--json", "--model", "script:script.txt", "--ask", "127.0.0.1:0"];
        let mut run = place.start(&[&["run"], goal, &flags, more].concat());
        let desk = Desk::of(&mut run);
        desk.question();
        assert_eq!(desk.answer(&json!({"id": 1, "answer": "no"})).status, 200);
        let mut told = json!({"version": 0});
        while told["ended"].is_null() {
            told = desk.get(&format!("question?wait=30&version={}", told["version"])).json();
        }
        assert_eq!((&told["ended"], &told["mood"], &told["headline"]), (&ended.into(), &mood.into(), &headline.into()));
        assert_eq!(told["verdict"], verdict);
        let page = desk.get("");
        let badge = format!("<span class=\"badge {mood}\">{headline}</span>");
        assert!(page.text().contains("<h1>The run is over</h1>") && page.text().contains(&badge), "{}", page.text());
        run.end();
    }
}

#[test]
fn between_the_goals_of_a_plan() {
    let place = Place::new();
    place.file("plan.toml", "plan = \"One\"\n[[goal]]\nname = \"look\"\ngoal = \"Look\"\non_failure = \"ask\"\n");
    place.file("script.txt", &[r#"finish(message="no", status="infeasible")"#, FINISH].join("\n"));
    let run = ["run", "--plan", "plan.toml", "--json", "--model", "script:script.txt", "--ask", "127.0.0.1:0"];
    let mut run = place.start(&run);
    let desk = Desk::of(&mut run);
    let question = desk.question();
    assert!(question["message"].as_str().unwrap().contains("\"look\" was not achieved"), "{question}");
    assert!(question["picture"].is_null());
    assert_eq!(desk.answer(&json!({"id": 1, "answer": "choice", "words": "retry"})).status, 200);
    let ran = run.end();
    assert_eq!((ran.code, &ran.last()["end"]), (0, &json!("done")), "{}", ran.out);
}

#[test]
fn other_machines_are_let_in_only_if_somebody_says_so() {
    let place = Place::new();
    let run = ["run", "x", "--model", "finish", "--ask", "0.0.0.0:0"];
    let ran = place.run(&run);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("from other machines") && ran.err.contains("--ask-open"), "{}", ran.err);
    assert!(!place.path().join("runs").exists(), "nothing was begun");
    assert_eq!(place.run(&[&run[..], &["--ask-open"]].concat()).code, 0);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let ran = place.run(&["run", "x", "--model", "finish", "--ask", &at]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("nothing can listen for a browser at"), "{}", ran.err);
    place.file("tapwright.toml", "[ask]\nlisten = \"localhost\"\n");
    let ran = place.run(&["run", "x", "--model", "finish"]);
    assert!(ran.code == 2 && ran.err.contains("tapwright.toml:2:10"), "{}", ran.err);
    place.file("tapwright.toml", "[ask]\nlisten = \"127.0.0.1:0\"\n");
    let ran = place.run(&["run", "x", "--model", "finish"]);
    assert!(ran.code == 0 && ran.err.contains("questions are asked at http://127.0.0.1:"), "{}", ran.err);
}
