//! The program that a driver runs on a machine for each look and gesture, on a real X server with real windows: a private desktop that
//! these tests start. Skipped, and said so, where there is none, or no Python with Xlib.

#![cfg(target_os = "linux")]

#[allow(dead_code)] // Each test file uses its part.
#[path = "desktop/app.rs"]
mod app;
#[path = "guest/local.rs"]
mod local;

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use app::{App, Habits};
use local::LocalMachine;
use tapwright_contract::device::{Driver as _, DriverErrorKind, Screen};
use tapwright_contract::gesture::{Button, Clicks, Gesture, Key, KeyName, Modifier, WindowChange};
use tapwright_contract::{Size, Spot};
use tapwright_drivers::Settle;
use tapwright_drivers::conformance::{self, Subject};
use tapwright_drivers::desktop::{PrivateDesktop, PrivateOptions, missing_programs};
use tapwright_drivers::osworld::MachineDesktop;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeGCAux, ChangeWindowAttributesAux, ConnectionExt as _, CreateGCAux, KEY_PRESS_EVENT,
    KEY_RELEASE_EVENT, Rectangle,
};
use x11rb::protocol::xtest::ConnectionExt as _;

const PATIENCE: Duration = Duration::from_secs(60);
const SIZE: Size = Size { width: 1000, height: 700 };

fn is_missing() -> bool {
    let packages: Vec<&str> = missing_programs().iter().map(|(_, package)| *package).collect();
    let python = Command::new("/usr/bin/python3").args(["-c", "import Xlib"]).output();
    let has_xlib = python.is_ok_and(|ended| ended.status.success());
    let is_missing = !packages.is_empty() || !has_xlib;
    if is_missing {
        let why = format!("there is no private desktop with Xlib: apt-get install python3-xlib {}", packages.join(" "));
        let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
    }
    is_missing
}

async fn desktop() -> (Arc<PrivateDesktop>, MachineDesktop) {
    let options = PrivateOptions { size: SIZE, folder: std::env::temp_dir(), in_group: false, home: None };
    let session = Arc::new(PrivateDesktop::start(&options, PATIENCE).await.unwrap());
    furnish(&session);
    let machine = Arc::new(LocalMachine(session.clone()));
    let driver = MachineDesktop::connect(machine, Settle::DESKTOP, PATIENCE).await.unwrap();
    (session, driver)
}

/// Waits for the window manager, and paints a background: a black screen would be taken for one that is off.
fn furnish(session: &PrivateDesktop) {
    let c = app::connect(session);
    let root = c.setup().roots[0].root;
    let check = c.intern_atom(false, b"_NET_SUPPORTING_WM_CHECK").unwrap().reply().unwrap().atom;
    while c.get_property(false, root, check, AtomEnum::ANY, 0, 1).unwrap().reply().unwrap().value.is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (tile, context) = (c.generate_id().unwrap(), c.generate_id().unwrap());
    c.create_pixmap(24, tile, root, 16, 16).unwrap();
    c.create_gc(context, tile, &CreateGCAux::new().foreground(0x40_5060)).unwrap();
    for (x, colour) in [(0, 0x40_5060), (8, 0x60_5040)] {
        c.change_gc(context, &ChangeGCAux::new().foreground(colour)).unwrap();
        c.poly_fill_rectangle(tile, context, &[Rectangle { x, y: 0, width: 8, height: 16 }]).unwrap();
    }
    c.change_window_attributes(root, &ChangeWindowAttributesAux::new().background_pixmap(tile)).unwrap();
    c.clear_area(false, root, 0, 0, 0, 0).unwrap();
    c.get_input_focus().unwrap().reply().unwrap();
}

async fn look(driver: &mut MachineDesktop) -> Screen {
    driver.screen(PATIENCE).await.unwrap()
}

async fn perform(driver: &mut MachineDesktop, gesture: Gesture) {
    driver.perform(&gesture, PATIENCE).await.unwrap_or_else(|error| panic!("{gesture:?}: {error}"));
}

fn layout(session: &PrivateDesktop) -> Vec<u32> {
    let c = app::connect(session);
    let (first, last) = (c.setup().min_keycode, c.setup().max_keycode);
    c.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap().keysyms
}

fn pressed_keys(session: &PrivateDesktop) -> [u8; 32] {
    app::connect(session).query_keymap().unwrap().reply().unwrap().keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_duty_is_kept() {
    if is_missing() {
        return;
    }
    if !Path::new("/usr/bin/mousepad").is_file() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no editor: apt-get install mousepad");
        return;
    }
    let (session, mut driver) = desktop().await;
    let subject = Subject { app: "Mousepad", id: "org.xfce.mousepad", misspelt: "Mousepa", patience: PATIENCE };
    conformance::every_duty(&mut driver, &subject).await;
    session.end().await;
}

#[tokio::test]
async fn gestures_arrive_as_they_are_meant() {
    if is_missing() {
        return;
    }
    let (session, mut driver) = desktop().await;
    let app = App::open(&session, [0, 0, 1000, 700], Habits::default());
    let of = look(&mut driver).await.id;
    let (at, to) = (Spot { x: 200, y: 100, of }, Spot { x: 260, y: 420, of });
    let key = |name: &str| KeyName::new(name).unwrap();
    let held = vec![Modifier::Control, Modifier::Shift];
    let two = "press 2 at 260,420 with control+shift; release 2 at 260,420";
    let cases = [
        (Gesture::Tap { at }, "press 1 at 200,100; release 1 at 200,100".to_owned()),
        (
            Gesture::Click { at: to, button: Button::Middle, count: Clicks::Double, modifiers: held },
            format!("{two}; {two}"),
        ),
        (
            Gesture::LongPress { at, hold: Duration::from_millis(50) },
            "press 1 at 200,100; release 1 at 200,100".to_owned(),
        ),
        (
            Gesture::Drag { from: at, to, over: Duration::from_millis(80) },
            "press 1 at 200,100; move; move; move; move; move; move; move; move; release 1 at 260,420".to_owned(),
        ),
        (
            Gesture::Scroll { at, right: -1, down: -1 },
            "press 4 at 200,100; release 4 at 200,100; press 6 at 200,100; release 6 at 200,100".to_owned(),
        ),
        (Gesture::Press { key: Key::Enter }, "key ff0d".to_owned()),
        (Gesture::Press { key: Key::Back }, "key ff51 with alt".to_owned()),
        (
            Gesture::Chord { modifiers: vec![Modifier::Control, Modifier::Alt], key: key("Delete") },
            "key ffff with control+alt".to_owned(),
        ),
        (Gesture::Chord { modifiers: vec![Modifier::Control], key: key("+") }, "key 2b with control+shift".to_owned()),
        (Gesture::Chord { modifiers: vec![Modifier::Meta], key: key("é") }, "key e9 with meta".to_owned()),
        (Gesture::Type { text: "Ab".to_owned() }, "key 61 with control; key 41 with shift; key 62".to_owned()),
    ];
    for (gesture, wanted) in cases {
        perform(&mut driver, gesture.clone()).await;
        assert_eq!(app.notes(wanted.split("; ").count()).join("; "), wanted, "{gesture:?}");
        assert_eq!(pressed_keys(&session), [0; 32], "{gesture:?}");
    }
    // Another window lies there now.
    let over = App::open(&session, [150, 50, 100, 100], Habits::default());
    let stale = driver.perform(&Gesture::Tap { at }, PATIENCE).await.unwrap_err();
    assert!(matches!(stale.kind, DriverErrorKind::Stale), "{stale}");
    assert!(!over.has_notes() && !app.has_notes());
    perform(&mut driver, Gesture::Tap { at: to }).await;
    assert_eq!(app.notes(2).len(), 2);
    session.end().await;
}

const CORPUS: [&str; 7] = [
    "The quick brown fox: ~!@#$%^&*()_+{}|:\"<>?`-=[]\\;',./ 0123456789 QUICK",
    "a\tb\nc\n\nd",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich – „fein“ …",
    "我能吞下玻璃而不伤身体。敏捷的棕色狐狸跳过了懒惰的狗，天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜",
    "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪 😀 한국어",
    "שלום עולם مرحبا بالعالم १२३",
    "e\u{301}a\u{308}o\u{302}\u{323} n\u{303}",
];

#[tokio::test]
async fn text_in_any_script_arrives_exactly() {
    if is_missing() {
        return;
    }
    let (session, mut driver) = desktop().await;
    let before = layout(&session);
    let long: String = (0..2000u32).map(|n| char::from_u32(0x4e00 + (n * 37) % 900).unwrap()).collect();
    let slow = Habits { answers: true, slow: Duration::from_micros(300) };
    for habits in [slow, Habits { answers: true, ..Habits::default() }, Habits::default()] {
        let app = App::open(&session, [0, 0, 1000, 700], habits);
        let texts = CORPUS.iter().map(|text| (*text).to_owned());
        for text in texts.chain(habits.answers.then(|| long.clone())) {
            perform(&mut driver, Gesture::Insert { text: text.clone() }).await;
            assert_eq!(app.text(text.chars().count()), text);
            assert_eq!(pressed_keys(&session), [0; 32], "after {text:.20}");
        }
        app.close();
        assert!(layout(&session) == before, "the keyboard is not as it was found");
    }
    session.end().await;
}

/// Capitals are locked, and a key is held by somebody: the text is what it is.
#[tokio::test]
async fn what_others_have_left_pressed_changes_no_text() {
    if is_missing() {
        return;
    }
    let (session, mut driver) = desktop().await;
    let app = App::open(&session, [0, 0, 1000, 700], Habits { answers: true, ..Habits::default() });
    let c = app::connect(&session);
    let (first, count) = (c.setup().min_keycode, c.setup().max_keycode - c.setup().min_keycode + 1);
    let mapping = c.get_keyboard_mapping(first, count).unwrap().reply().unwrap();
    let columns = usize::from(mapping.keysyms_per_keycode);
    let code_of =
        |symbol: u32| first + (mapping.keysyms.chunks(columns).position(|keys| keys.contains(&symbol)).unwrap() as u8);
    let fake = |kind: u8, code: u8| {
        c.xtest_fake_input(kind, code, 0, x11rb::NONE, 0, 0, 0).unwrap();
        c.get_input_focus().unwrap().reply().unwrap();
    };
    let (caps, control) = (code_of(0xffe5), code_of(0xffe3));
    fake(KEY_PRESS_EVENT, caps);
    fake(KEY_RELEASE_EVENT, caps);
    fake(KEY_PRESS_EVENT, control);
    perform(&mut driver, Gesture::Insert { text: "aBc".to_owned() }).await;
    let notes = app.notes(3);
    assert_eq!(notes, ["key 61", "key 42 with shift", "key 63"], "without Caps Lock and without Control");
    let state = c.query_pointer(c.setup().roots[0].root).unwrap().reply().unwrap().mask;
    assert!(u16::from(state) & 2 != 0, "capitals are locked as they were");
    session.end().await;
}

/// The machine ends the program in the middle of a text: what it has borrowed is given back by the next one.
#[tokio::test]
async fn keys_that_a_killed_program_has_borrowed_are_given_back() {
    if is_missing() {
        return;
    }
    let (session, mut driver) = desktop().await;
    let before = layout(&session);
    // It answers so slowly that the program has to wait for it.
    let app = App::open(&session, [0, 0, 1000, 700], Habits { answers: true, slow: Duration::from_millis(30) });
    let text: String = (0..300u32).map(|n| char::from_u32(0x4e00 + n).unwrap()).collect();
    let result = driver.perform(&Gesture::Insert { text }, Duration::from_millis(1500)).await;
    assert!(matches!(&result, Err(error) if matches!(error.kind, DriverErrorKind::TimedOut { .. })), "{result:?}");
    assert!(layout(&session) != before, "it was killed with keys borrowed, or this test tests nothing");
    app.close();
    perform(&mut driver, Gesture::Press { key: Key::Enter }).await;
    assert!(layout(&session) == before, "the keyboard is not as it was found");
    assert_eq!(pressed_keys(&session), [0; 32]);
    session.end().await;
}

#[tokio::test]
async fn windows_are_changed_and_the_desktop_is_shown() {
    if is_missing() || !Path::new("/usr/bin/xterm").is_file() {
        return;
    }
    let (session, mut driver) = desktop().await;
    for title in ["one", "two"] {
        let words = ["xterm", "-T", title, "-e", "sleep", "100"].map(str::to_owned);
        session.start_program(&words).await.unwrap();
    }
    let window = |title: &str, change| Gesture::Window { window: title.to_owned(), change };
    let mut shown = Vec::new();
    for change in [WindowChange::Activate, WindowChange::Maximize, WindowChange::Restore, WindowChange::Minimize] {
        // Windows open when they are ready.
        for _ in 0..100 {
            if driver.perform(&window("one", change), PATIENCE).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        shown.push(look(&mut driver).await);
    }
    assert!(shown[0].picture != shown[1].picture && shown[1].picture != shown[2].picture);
    assert_eq!(shown[0].front.label, "XTerm", "{:?}", shown[0].front);
    perform(&mut driver, Gesture::Press { key: Key::Home }).await;
    assert_eq!(look(&mut driver).await.front.id, "desktop");
    perform(&mut driver, window("two", WindowChange::Close)).await;
    let kind = driver.perform(&window("three", WindowChange::Close), PATIENCE).await.unwrap_err().kind;
    assert!(matches!(kind, DriverErrorKind::Refused { .. }), "{kind}");
    session.end().await;
}
