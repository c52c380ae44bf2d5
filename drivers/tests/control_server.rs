//! A virtual machine behind OSWorld's control server: a stub of one, which answers in upstream's shapes, in good weather and bad.

#![allow(clippy::disallowed_methods)] // Tests measure how long they wait.

#[path = "control_server/stub.rs"]
mod stub;

use std::time::{Duration, Instant};

use stub::{APP, APP_ID, Fault, HEIGHT, StubMachine, WIDTH};
use tapwright_contract::api::ApiError;
use tapwright_contract::device::{Driver, DriverErrorKind, Screen};
use tapwright_contract::gesture::{Button, Clicks, Gesture, Key, KeyName, Modifier, WindowChange};
use tapwright_contract::{Size, Spot};
use tapwright_drivers::conformance::{self, Subject};
use tapwright_drivers::osworld::machine::{ControlledMachine as _, MachineCommand, MachineErrorKind, WindowName};
use tapwright_drivers::osworld::{ControlServer, MachineOptions};
use tapwright_drivers::{OpenRig as _, Rig, Settle};

const PATIENCE: Duration = Duration::from_secs(20);
const SOON: Duration = Duration::from_millis(400);
const SUBJECT: Subject<'_> = Subject { app: APP, id: APP_ID, misspelt: "Text Editr", patience: PATIENCE };

async fn open(stub: &StubMachine) -> Rig {
    let settle = Settle { grace: Duration::ZERO, ..Settle::DESKTOP };
    MachineOptions { address: stub.address.clone(), settle }.open(PATIENCE).await.unwrap()
}

async fn server(stub: &StubMachine) -> ControlServer {
    ControlServer::connect(&stub.address, PATIENCE).await.unwrap()
}

async fn look(driver: &mut dyn Driver) -> Screen {
    driver.screen(PATIENCE).await.unwrap()
}

async fn refusal(driver: &mut dyn Driver, gesture: Gesture, within: Duration) -> DriverErrorKind {
    driver.perform(&gesture, within).await.unwrap_err().kind
}

fn spot(screen: &Screen, x: u32, y: u32) -> Spot {
    Spot { x, y, of: screen.id }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_duty_is_kept() {
    let stub = StubMachine::start();
    let mut rig = open(&stub).await;
    conformance::every_duty(&mut *rig.driver, &SUBJECT).await;
    rig.close(PATIENCE).await.unwrap();
}

/// Connections that break under a question, answers of which half comes, and answers that are late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_duty_is_kept_in_bad_weather() {
    for seed in 1..4 {
        let stub = StubMachine::start();
        let mut rig = open(&stub).await;
        stub.set_weather(seed);
        conformance::every_duty(&mut *rig.driver, &SUBJECT).await;
        rig.close(PATIENCE).await.unwrap();
    }
}

#[tokio::test]
async fn gestures_are_steps_and_text_is_characters() {
    let stub = StubMachine::start();
    let mut rig = open(&stub).await;
    let driver = &mut *rig.driver;
    driver.perform(&Gesture::Launch { app: APP.to_owned() }, PATIENCE).await.unwrap();
    let screen = look(driver).await;
    assert_eq!((&*screen.front.id, screen.picture.size()), (APP_ID, Size { width: WIDTH, height: HEIGHT }));
    let (at, to) = (spot(&screen, 200, 100), spot(&screen, 260, 300));
    let key = |name: &str| KeyName::new(name).unwrap();
    let ms = Duration::from_millis;
    for (gesture, wanted) in [
        (Gesture::Tap { at }, "move 200,100; press 1; release 1"),
        (
            Gesture::Click { at: to, button: Button::Right, count: Clicks::Single, modifiers: vec![Modifier::Control] },
            "move 260,300; hold ffe3; press 3; release 3; free ffe3",
        ),
        (Gesture::Scroll { at, right: 0, down: -2 }, "move 200,100; press 4; release 4; press 4; release 4"),
        (
            Gesture::Swipe { from: to, to: at, over: ms(100) },
            "move 260,300; press 5; release 5; press 5; release 5; press 5; release 5; press 7; release 7",
        ),
        (Gesture::LongPress { at, hold: ms(700) }, "move 200,100; press 1; sleep 0.70; release 1"),
        (
            Gesture::Chord { modifiers: vec![Modifier::Control, Modifier::Shift], key: key("s") },
            "hold ffe3; hold ffe1; key 73; free ffe1; free ffe3",
        ),
        (Gesture::Press { key: Key::Enter }, "key ff0d"),
        (Gesture::Type { text: String::new() }, "clear true"),
    ] {
        stub.world().log.clear();
        driver.perform(&gesture, PATIENCE).await.unwrap_or_else(|error| panic!("{gesture:?}: {error}"));
        assert_eq!(stub.world().log.join("; "), wanted, "{gesture:?}");
        look(driver).await;
    }
    // Pieces of a text, each with a request of its own; any script; line breaks.
    let long: String = (0..1000).map(|at| char::from_u32(0x4e00 + at * 7).unwrap()).collect();
    for text in ["plain <b>", "Grüße 👩‍👩‍👧 e\u{301} שלום", "a\nb\tc", &long] {
        let before = stub.count("/execute");
        driver.perform(&Gesture::Type { text: text.to_owned() }, PATIENCE).await.unwrap();
        assert_eq!(stub.world().text, text);
        assert_eq!(stub.count("/execute") - before, text.chars().count().div_ceil(400));
    }
    let kind = refusal(driver, Gesture::Type { text: "a\u{7}".to_owned() }, PATIENCE).await;
    assert!(kind.to_string().contains("U+0007"), "{kind}");
    assert_eq!(stub.world().text, long, "nothing of it is typed");
    rig.close(PATIENCE).await.unwrap();
}

/// Between the look and the click another window has come.
#[tokio::test]
async fn what_was_not_seen_is_not_touched() {
    let stub = StubMachine::start();
    let mut rig = open(&stub).await;
    let driver = &mut *rig.driver;
    stub.world().open("one", "Gedit");
    let screen = look(driver).await;
    stub.world().open("two", "Gedit");
    stub.world().log.clear();
    let kind = refusal(driver, Gesture::Tap { at: spot(&screen, 150, 150) }, PATIENCE).await;
    assert!(matches!(kind, DriverErrorKind::Stale), "{kind}");
    assert!(stub.world().log.is_empty());
    // Where nothing has changed it goes on.
    driver.perform(&Gesture::Tap { at: spot(&screen, 1100, 600) }, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn windows_are_listed_and_changed_by_name() {
    let stub = StubMachine::start();
    let mut rig = open(&stub).await;
    stub.world().open("one.txt - gedit", "Gedit");
    stub.world().open("two.txt - gedit", "Gedit");
    let listed = rig.apis[0].call("windows.list", &serde_json::json!({}), PATIENCE).await.unwrap();
    assert!(listed.find("two.txt").unwrap() < listed.find("one.txt").unwrap(), "{listed}");
    let window = |title: &str, change| Gesture::Window { window: title.to_owned(), change };
    let driver = &mut *rig.driver;
    driver.perform(&window("one.txt - gedit", WindowChange::Activate), PATIENCE).await.unwrap();
    assert_eq!(stub.world().windows.last().unwrap().title, "one.txt - gedit");
    driver.perform(&window("two.txt - gedit", WindowChange::Close), PATIENCE).await.unwrap();
    assert_eq!(stub.world().windows.len(), 1);
    let kind = refusal(driver, window("three", WindowChange::Close), PATIENCE).await;
    assert!(kind.to_string().contains("one.txt - gedit"), "{kind}");
    assert!(matches!(rig.apis[0].call("other", &serde_json::json!({}), PATIENCE).await, Err(ApiError::Unknown)));
}

#[tokio::test]
async fn widgets_of_the_app_in_front_are_told_without_what_is_hidden() {
    let stub = StubMachine::start();
    let mut rig = open(&stub).await;
    stub.world().open("other", "Other");
    stub.world().open(APP, "Gedit");
    stub.world().text = "a < b & c".to_owned();
    look(&mut *rig.driver).await;
    let labels = rig.driver.labels(PATIENCE).await.unwrap().unwrap();
    let told: Vec<(&str, bool, bool)> =
        labels.iter().map(|label| (&*label.text, label.touchable, label.secret)).collect();
    assert_eq!(told, [(APP, false, false), ("Key", false, true), ("Save", true, false), ("a < b & c", true, false)]);
    assert!(labels.iter().all(|label| label.app.as_deref() == Some(APP_ID)), "{labels:?}");
    assert!(labels[3].focused && labels[2].area.holds(650, 130), "{labels:?}");
    stub.world().is_mute = true;
    let kind = rig.driver.labels(PATIENCE).await.unwrap_err().kind;
    assert!(kind.to_string().contains("org.a11y.Status.IsEnabled"), "{kind}");
    stub.fail("/accessibility", Fault::Instead(500, b"{\"status\":\"error\",\"message\":\"lost the bus\"}".to_vec()));
    let kind = rig.driver.labels(PATIENCE).await.unwrap_err().kind;
    assert!(kind.to_string().contains("lost the bus"), "{kind}");
}

/// What is done is never done twice, and never said not to have been done if it may have been.
#[tokio::test]
async fn an_action_without_an_answer_is_a_doubt_and_is_not_repeated() {
    let stub = StubMachine::start();
    let mut rig = open(&stub).await;
    let driver = &mut *rig.driver;
    let at = spot(&look(driver).await, 100, 100);
    for fault in [
        Fault::BreakAfter,
        Fault::BreakBefore,
        Fault::Half,
        Fault::Hang,
        Fault::Endless,
        Fault::Instead(500, b"<!doctype html><title>500 Internal Server Error</title>".to_vec()),
        Fault::Instead(500, br#"{"status":"error","message":"Command timed out after 120 seconds"}"#.to_vec()),
        Fault::Instead(500, br#"{"status":"error","message":"'utf-8' codec can't decode byte"}"#.to_vec()),
        Fault::Instead(200, br#"{"status":"success","output":"","error":"Killed","returncode":-9}"#.to_vec()),
        Fault::Instead(502, b"<html>Bad Gateway</html>".to_vec()),
        Fault::Instead(504, b"<html>Gateway Time-out</html>".to_vec()),
        Fault::Instead(200, b"<html>Sign in to this network</html>".to_vec()),
    ] {
        let before = stub.count("/execute");
        stub.fail("/execute", fault.clone());
        let began = Instant::now();
        let kind = refusal(driver, Gesture::Tap { at }, Duration::from_secs(2)).await;
        assert!(matches!(kind, DriverErrorKind::TimedOut { .. }), "{fault:?}: {kind}");
        assert_eq!(stub.count("/execute") - before, 1, "{fault:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{fault:?}");
    }
    // What was certainly not started says so.
    stub.fail(
        "/execute",
        Fault::Instead(500, br#"{"status":"error","message":"[Errno 12] Cannot allocate memory"}"#.to_vec()),
    );
    let kind = refusal(driver, Gesture::Tap { at }, PATIENCE).await;
    assert!(matches!(kind, DriverErrorKind::Refused { .. }), "{kind}");
    // A program that is launched without an answer is not launched again.
    stub.fail("/setup/launch", Fault::BreakAfter);
    let kind = refusal(driver, Gesture::Launch { app: APP.to_owned() }, PATIENCE).await;
    assert!(matches!(kind, DriverErrorKind::TimedOut { .. }), "{kind}");
    assert_eq!((stub.count("/setup/launch"), stub.world().windows.len()), (1, 1));
    for status in [500, 502] {
        stub.world().windows.clear();
        stub.fail("/setup/launch", Fault::Instead(status, b"<html>no</html>".to_vec()));
        let kind = refusal(driver, Gesture::Launch { app: APP.to_owned() }, PATIENCE).await;
        assert!(matches!(kind, DriverErrorKind::TimedOut { .. }), "{status}: {kind}");
    }
}

#[tokio::test]
async fn a_text_that_stops_says_how_far_it_came() {
    let stub = StubMachine::start();
    let mut rig = open(&stub).await;
    stub.world().open(APP, "Gedit");
    let text = "x".repeat(900);
    // The first piece arrives; the second is done and nobody hears of it.
    stub.fail("/execute", Fault::Slow(Duration::ZERO));
    stub.fail("/execute", Fault::BreakAfter);
    let kind = refusal(&mut *rig.driver, Gesture::Insert { text }, PATIENCE).await;
    assert!(kind.to_string().contains("after 400 of 900 characters"), "{kind}");
    assert_eq!(stub.world().text.len(), 800);
}

#[tokio::test]
async fn what_is_no_screenshot_is_told_and_one_that_breaks_is_taken_again() {
    let stub = StubMachine::start();
    let mut rig = open(&stub).await;
    let driver = &mut *rig.driver;
    for (fault, wanted) in [
        (Fault::Instead(200, b"<html><body>Sign in to this network</body>".to_vec()), "Sign in to this network"),
        (Fault::Instead(200, Vec::new()), "is empty"),
        (Fault::Instead(500, b"gnome-screenshot is missing".to_vec()), "gnome-screenshot is missing"),
        (Fault::Instead(302, Vec::new()), "status 302"),
        (Fault::Instead(401, Vec::new()), "http://TOKEN@HOST:PORT"),
        (Fault::Instead(200, b"\x89PNG\r\n\x1a\nnot really".to_vec()), "screenshot"),
    ] {
        stub.fail("/screenshot", fault.clone());
        let error = driver.screen(PATIENCE).await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{fault:?}: {error}");
    }
    for fault in [Fault::BreakBefore, Fault::Half, Fault::BreakAfter] {
        stub.fail("/screenshot", fault);
        look(driver).await;
    }
    stub.world().is_dark = true;
    let kind = driver.screen(PATIENCE).await.unwrap_err().kind;
    assert!(matches!(&kind, DriverErrorKind::Hidden { why } if why.contains("black")), "{kind}");
    stub.fail("/screenshot", Fault::Hang);
    let began = Instant::now();
    let kind = driver.screen(SOON).await.unwrap_err().kind;
    assert!(matches!(kind, DriverErrorKind::TimedOut { .. }) && began.elapsed() < Duration::from_secs(2), "{kind}");
}

#[tokio::test]
async fn whoever_is_no_such_machine_is_told_at_once() {
    let stub = StubMachine::start();
    let options = |address: &str| MachineOptions { address: address.to_owned(), settle: Settle::DESKTOP };
    let open = async |address: &str| options(address).open(Duration::from_secs(4)).await.err().expect("no rig");
    stub.world().system = Some("Darwin arm64\n".to_owned());
    assert!(open(&stub.address).await.to_string().contains("only Linux"));
    stub.world().system = None;
    let page = || Fault::Instead(200, b"<html>router</html>".to_vec());
    stub.fail("/execute", page());
    let error = open(&stub.address).await;
    assert!(error.to_string().contains("<html>router</html>"), "{error}");
    for wrong in ["", "ftp://vm", "http://vm:5000/path"] {
        assert!(open(wrong).await.to_string().contains("http://HOST:PORT"), "{wrong}");
    }
    let address = stub.address.clone();
    drop(stub);
    let error = open(&address.replace("127.0.0.1", "127.0.0.9")).await;
    assert!(matches!(error.kind, DriverErrorKind::Lost { .. }), "{error}");
}

#[tokio::test]
async fn files_and_questions_go_over_the_wire_as_upstream_has_them() {
    let stub = StubMachine::start();
    let server = server(&stub).await;
    let content: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let path = "/home/user/a & b=\"ü\".bin";
    server.write_file(path, &content, PATIENCE).await.unwrap();
    assert_eq!(stub.world().files[path], content);
    assert_eq!(server.read_file(path, PATIENCE).await.unwrap().unwrap(), content);
    assert_eq!(server.read_file("/nothing", PATIENCE).await.unwrap(), None);
    assert_eq!(server.screen_size(PATIENCE).await.unwrap(), Size { width: WIDTH, height: HEIGHT });
    assert_eq!(server.cursor_position(PATIENCE).await.unwrap(), (0, 0));
    assert_eq!(server.desktop_folder(PATIENCE).await.unwrap(), "/home/user/Desktop");
    assert_eq!(server.wallpaper(PATIENCE).await.unwrap(), None);
    assert_eq!(server.terminal_output(PATIENCE).await.unwrap(), None);
    assert_eq!(server.window_size("Gedit", PATIENCE).await.unwrap(), None);
    stub.world().open("a.txt", "Gedit");
    assert_eq!(server.window_size("Gedit", PATIENCE).await.unwrap(), Some(Size { width: 600, height: 400 }));
    let folder = server.list_folder("/home/user", PATIENCE).await.unwrap().unwrap();
    assert_eq!((folder.name.as_str(), folder.children.unwrap().len()), ("user", 1));
    assert_eq!(server.list_folder("/none", PATIENCE).await.unwrap(), None);
    let name = |name: &str| WindowName { name: name.to_owned(), is_whole: true, by_class: false };
    assert!(server.activate_window(&name("a.txt"), PATIENCE).await.unwrap());
    assert!(!server.activate_window(&name("b.txt"), PATIENCE).await.unwrap());
    assert_eq!(stub.count("/setup/activate_window"), 1);
    let error = server.launch(&MachineCommand::program(["nothing"]), PATIENCE).await.unwrap_err();
    assert!(matches!(error.kind, MachineErrorKind::Refused { .. }), "{error}");
    let error = server.open_file("/none", PATIENCE).await.unwrap_err();
    assert!(error.to_string().contains("File not found: /none"), "{error}");
    // Breaks under a file are a question's, and an upload is not sent twice.
    stub.fail("/file", Fault::Half);
    assert_eq!(server.read_file(path, PATIENCE).await.unwrap().unwrap(), content);
    let before = stub.count("/setup/upload");
    stub.fail("/setup/upload", Fault::BreakAfter);
    let error = server.write_file("/home/user/c", b"c", PATIENCE).await.unwrap_err();
    assert!(matches!(error.kind, MachineErrorKind::Unanswered { .. }), "{error}");
    assert_eq!(stub.count("/setup/upload") - before, 1);
    stub.fail("/file", Fault::Endless);
    let error = server.read_file(path, PATIENCE).await.unwrap_err();
    assert!(matches!(error.kind, MachineErrorKind::TooLarge { .. }), "{error}");
}

/// Upstream's own server, or a real virtual machine: `TAPWRIGHT_OSWORLD=http://HOST:5000 TAPWRIGHT_OSWORLD_APP='Mousepad=org.xfce.mousepad'`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_somebody_names_keeps_every_duty() {
    let (Ok(address), Ok(app)) = (std::env::var("TAPWRIGHT_OSWORLD"), std::env::var("TAPWRIGHT_OSWORLD_APP")) else {
        return;
    };
    let (app, id) = app.split_once('=').expect("NAME=ID");
    let patience = Duration::from_secs(60);
    let mut rig = MachineOptions { address, settle: Settle::DESKTOP }.open(patience).await.unwrap();
    let subject = Subject { app, id, misspelt: &app[..app.len() - 1], patience };
    conformance::every_duty(&mut *rig.driver, &subject).await;
    let driver = &mut *rig.driver;
    let began = Instant::now();
    for _ in 0..5 {
        driver.screen(patience).await.unwrap();
    }
    println!("a look: {} ms", began.elapsed().as_millis() / 5);
    driver.perform(&Gesture::Launch { app: app.to_owned() }, patience).await.unwrap();
    let at = spot(&driver.screen(patience).await.unwrap(), 600, 400);
    let began = Instant::now();
    for _ in 0..5 {
        driver.perform(&Gesture::Move { at }, patience).await.unwrap();
    }
    println!("a gesture: {} ms", began.elapsed().as_millis() / 5);
    // What is typed is read again by the machine's own words for it.
    for text in ["<plain> 'text' \"quoted\"", "Grüße, 世界 👩‍👩‍👧 שלום", &"长".repeat(30)] {
        let at = spot(&driver.screen(patience).await.unwrap(), 600, 400);
        let began = Instant::now();
        driver.perform(&Gesture::Tap { at }, patience).await.unwrap();
        driver.perform(&Gesture::Type { text: text.to_owned() }, patience).await.unwrap();
        println!("{} characters: {} ms", text.chars().count(), began.elapsed().as_millis());
        driver.screen(patience).await.unwrap();
        let labels = driver.labels(patience).await.unwrap().expect("words");
        assert!(labels.iter().any(|label| label.text == text), "{text}: {labels:?}");
    }
    rig.close(patience).await.unwrap();
}
