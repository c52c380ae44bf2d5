//! A desktop, on a private one that these tests start: what it sees, what arrives in a program, and what is left afterwards.

#![cfg(target_os = "linux")]

#[path = "desktop/app.rs"]
mod app;
#[path = "desktop/corpus.rs"]
mod corpus;
#[path = "desktop/session.rs"]
mod session;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use app::{App, Habits, ROWS};
use corpus::{CORPUS, long_text};
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use tapwright_contract::api::{ApiError, Apis};
use tapwright_contract::device::{Driver, DriverErrorKind, Screen};
use tapwright_contract::gesture::{Button, Clicks, Gesture, Key, KeyName, Modifier, WindowChange};
use tapwright_contract::{Size, Spot};
use tapwright_drivers::conformance::{self, Subject};
use tapwright_drivers::desktop::{
    DesktopAddress, DesktopOptions, InputEvent, PrivateDesktop, PrivateOptions, X11Desktop, X11Options,
    missing_programs,
};
use tapwright_drivers::{OpenRig as _, Settle};
use x11rb::connection::Connection as _;
use x11rb::protocol::randr::{ConnectionExt as _, MonitorInfo};
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::wrapper::ConnectionExt as _;

const PATIENCE: Duration = Duration::from_secs(20);
const SIZE: Size = Size { width: 1000, height: 700 };
const APPLICATIONS: [&str; 1] = ["/usr/share/applications"];

/// Says on the terminal, whatever is captured, that a test did not take place.
fn report_skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// Whether private desktops can be had here.
fn is_possible() -> bool {
    let missing: Vec<&str> = missing_programs().iter().map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        report_skipped(&format!("there is no private desktop (Debian: apt-get install {})", missing.join(" ")));
    }
    missing.is_empty()
}

fn private(folder: PathBuf) -> PrivateOptions {
    PrivateOptions { size: SIZE, folder, in_group: false, home: None }
}

async fn desktop() -> (Arc<PrivateDesktop>, X11Desktop) {
    session::private_desktop(SIZE, &APPLICATIONS).await
}

async fn drive(session: &Arc<PrivateDesktop>) -> X11Desktop {
    session::drive(session, &APPLICATIONS).await
}

async fn look(driver: &mut X11Desktop) -> Screen {
    driver.screen(PATIENCE).await.unwrap()
}

async fn perform(driver: &mut X11Desktop, gesture: Gesture) {
    driver.perform(&gesture, PATIENCE).await.unwrap_or_else(|error| panic!("{gesture:?}: {error}"));
}

fn spot(screen: &Screen, x: u32, y: u32) -> Spot {
    Spot { x, y, of: screen.id }
}

fn pixel(screen: &Screen, x: u32, y: u32) -> u32 {
    let at = 4 * (y * screen.picture.size().width + x) as usize;
    let [red, green, blue, _] = screen.picture.rgba()[at..at + 4] else { unreachable!() };
    u32::from_be_bytes([0, red, green, blue])
}

/// A driver is done when it passes all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_duty_is_kept() {
    if !is_possible() {
        return;
    }
    if !PathBuf::from("/usr/bin/mousepad").is_file() {
        return report_skipped("there is no editor on the private desktop (Debian: apt-get install mousepad)");
    }
    let (session, mut driver) = desktop().await;
    let subject = Subject { app: "Mousepad", id: "org.xfce.mousepad", misspelt: "Mousepa", patience: PATIENCE };
    conformance::every_duty(&mut driver, &subject).await;
    driver.close(PATIENCE).await.unwrap();
    session.end().await;
}

#[tokio::test]
async fn a_picture_has_the_colours_and_places_of_the_screen() {
    if !is_possible() {
        return;
    }
    let (session, mut driver) = desktop().await;
    let app = App::open(&session, [100, 50, 300, 90], Habits::default());
    let screen = look(&mut driver).await;
    assert_eq!(screen.picture.size(), SIZE);
    for (row, colour) in ROWS.into_iter().enumerate() {
        let y = 50 + 30 * row as u32;
        for (x, y) in [(100, y), (399, y + 29), (250, y + 15)] {
            assert_eq!(pixel(&screen, x, y), colour, "{x},{y}");
        }
    }
    assert!(![99, 400].iter().any(|x| ROWS.contains(&pixel(&screen, *x, 60))));
    app.close();
    session.end().await;
}

/// What a gesture is to the program that it is meant for.
#[tokio::test]
async fn gestures_arrive_as_they_are_meant() {
    if !is_possible() {
        return;
    }
    let (session, mut driver) = desktop().await;
    let app = App::open(&session, [0, 0, 1000, 700], Habits::default());
    let screen = look(&mut driver).await;
    let at = spot(&screen, 200, 100);
    let to = spot(&screen, 260, 420);
    let ms = Duration::from_millis;
    let key = |name: &str| KeyName::new(name).unwrap();
    let none = Vec::new;
    let cases: [(Gesture, Expect); 17] = [
        (Gesture::Tap { at }, expect!["press 1 at 200,100; release 1 at 200,100"]),
        (
            Gesture::DoubleTap { at: to },
            expect!["press 1 at 260,420; release 1 at 260,420; press 1 at 260,420; release 1 at 260,420"],
        ),
        (Gesture::LongPress { at, hold: ms(50) }, expect!["press 1 at 200,100; release 1 at 200,100"]),
        (
            Gesture::Click { at, button: Button::Right, count: Clicks::Single, modifiers: none() },
            expect!["press 3 at 200,100; release 3 at 200,100"],
        ),
        (
            Gesture::Click {
                at: to,
                button: Button::Middle,
                count: Clicks::Triple,
                modifiers: vec![Modifier::Control, Modifier::Shift],
            },
            expect![
                "press 2 at 260,420 with control+shift; release 2 at 260,420; press 2 at 260,420 with control+shift; release 2 at 260,420; press 2 at 260,420 with control+shift; release 2 at 260,420"
            ],
        ),
        (
            Gesture::Drag { from: at, to, over: ms(80) },
            expect!["press 1 at 200,100; move; move; move; move; move; move; move; move; release 1 at 260,420"],
        ),
        (Gesture::Move { at }, expect![""]),
        (
            Gesture::Scroll { at, right: 0, down: 2 },
            expect!["press 5 at 200,100; release 5 at 200,100; press 5 at 200,100; release 5 at 200,100"],
        ),
        (
            Gesture::Scroll { at, right: -1, down: -1 },
            expect!["press 4 at 200,100; release 4 at 200,100; press 6 at 200,100; release 6 at 200,100"],
        ),
        (
            Gesture::Swipe { from: to, to: at, over: ms(200) },
            expect![
                "press 5 at 260,420; release 5 at 260,420; press 5 at 260,420; release 5 at 260,420; press 5 at 260,420; release 5 at 260,420; press 5 at 260,420; release 5 at 260,420; press 7 at 260,420; release 7 at 260,420"
            ],
        ),
        (Gesture::Press { key: Key::Enter }, expect!["key ff0d"]),
        (Gesture::Press { key: Key::Back }, expect!["key ff51 with alt"]),
        (
            Gesture::Chord { modifiers: vec![Modifier::Control, Modifier::Alt], key: key("Delete") },
            expect!["key ffff with control+alt"],
        ),
        (Gesture::Chord { modifiers: none(), key: key("F5") }, expect!["key ffc2"]),
        (Gesture::Chord { modifiers: vec![Modifier::Control], key: key("+") }, expect!["key 2b with control+shift"]),
        (Gesture::Chord { modifiers: vec![Modifier::Meta], key: key("é") }, expect!["key e9 with meta"]),
        (Gesture::Type { text: "Ab".to_owned() }, expect!["key 61 with control; key 41 with shift; key 62"]),
    ];
    for (gesture, expected) in cases {
        let count = expected.data().split("; ").filter(|note| !note.is_empty()).count();
        perform(&mut driver, gesture).await;
        expected.assert_eq(&app.notes(count).join("; "));
    }
    // Two clicks at one place are two and no double click.
    let before = Duration::from_millis(450);
    let clock = tokio::time::Instant::now();
    for _ in 0..2 {
        perform(&mut driver, Gesture::Tap { at }).await;
    }
    assert!(clock.elapsed() > before, "{:?}", clock.elapsed());
    app.close();
    session.end().await;
}

/// What was not seen is not touched.
#[tokio::test]
async fn a_click_on_what_has_changed_since_is_stale() {
    if !is_possible() {
        return;
    }
    let (session, mut driver) = desktop().await;
    let under = App::open(&session, [0, 0, 1000, 700], Habits::default());
    let over = App::open(&session, [300, 300, 200, 200], Habits::default());
    let screen = look(&mut driver).await;
    let on_it = Gesture::Tap { at: spot(&screen, 350, 350) };
    let beside_it = Gesture::Tap { at: spot(&screen, 50, 50) };
    perform(&mut driver, on_it.clone()).await;
    assert_eq!(over.notes(2).len(), 2);
    over.close();
    let stale = driver.perform(&on_it, PATIENCE).await.unwrap_err();
    assert!(matches!(stale.kind, DriverErrorKind::Stale), "{stale}");
    // Elsewhere nothing has changed.
    perform(&mut driver, beside_it.clone()).await;
    let covering = App::open(&session, [0, 0, 100, 100], Habits::default());
    for gesture in [
        beside_it,
        Gesture::Scroll { at: spot(&screen, 50, 50), right: 0, down: 1 },
        Gesture::Drag { from: spot(&screen, 50, 50), to: spot(&screen, 500, 50), over: Duration::ZERO },
        Gesture::LongPress { at: spot(&screen, 50, 50), hold: Duration::ZERO },
        Gesture::Move { at: spot(&screen, 50, 50) },
    ] {
        let stale = driver.perform(&gesture, PATIENCE).await.unwrap_err();
        assert!(matches!(stale.kind, DriverErrorKind::Stale), "{gesture:?} {stale}");
    }
    assert_eq!((covering.notes(0).len(), under.notes(2).len()), (0, 2));
    // Whoever looks again may touch it.
    let again = look(&mut driver).await;
    perform(&mut driver, Gesture::Tap { at: spot(&again, 50, 50) }).await;
    assert_eq!(covering.notes(2).len(), 2);
    session.end().await;
}

/// A button that stays pressed would drag along whatever comes next.
#[tokio::test]
async fn a_drag_that_is_abandoned_lets_the_button_go() {
    if !is_possible() {
        return;
    }
    let (session, mut driver) = desktop().await;
    let app = App::open(&session, [0, 0, 1000, 700], Habits::default());
    let screen = look(&mut driver).await;
    let drag =
        Gesture::Drag { from: spot(&screen, 100, 100), to: spot(&screen, 900, 600), over: Duration::from_secs(20) };
    let hold = Gesture::LongPress { at: spot(&screen, 100, 100), hold: Duration::from_secs(20) };
    for gesture in [drag, hold] {
        let abandoned = tokio::time::timeout(Duration::from_millis(300), driver.perform(&gesture, PATIENCE)).await;
        assert!(abandoned.is_err());
        let notes = app.notes_until("release 1");
        assert!(notes[0].starts_with("press 1") && notes.last().unwrap().starts_with("release 1"), "{notes:?}");
        // The deadline ends it in the same way.
        let late = driver.perform(&gesture, Duration::from_millis(200)).await;
        assert!(late.is_err() || matches!(gesture, Gesture::LongPress { .. }), "{late:?}");
        let notes = app.notes_until("release 1");
        assert!(notes[0].starts_with("press 1") && notes.last().unwrap().starts_with("release 1"), "{notes:?}");
    }
    session.end().await;
}

/// The layout of the keyboard, with what every key means.
fn layout(session: &PrivateDesktop) -> Vec<u32> {
    let c = app::connect(session);
    let (first, last) = (c.setup().min_keycode, c.setup().max_keycode);
    c.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap().keysyms
}

/// A bit for each key that is down.
fn pressed_keys(session: &PrivateDesktop) -> [u8; 32] {
    app::connect(session).query_keymap().unwrap().reply().unwrap().keys
}

#[tokio::test]
async fn text_in_any_script_arrives_exactly() {
    if !is_possible() {
        return;
    }
    let (session, mut driver) = desktop().await;
    let before = layout(&session);
    let slow = Duration::from_micros(300);
    for habits in [Habits { answers: true, slow }, Habits { answers: true, ..Habits::default() }, Habits::default()] {
        let app = App::open(&session, [0, 0, 1000, 700], habits);
        for text in CORPUS.iter().map(|text| (*text).to_owned()).chain([long_text()]) {
            perform(&mut driver, Gesture::Insert { text: text.clone() }).await;
            assert_eq!(app.text(text.chars().count()), text);
            // A key that stays pressed would change what a click means that comes next.
            assert_eq!(pressed_keys(&session), [0; 32], "after {text:.20}");
        }
        app.close();
    }
    driver.close(PATIENCE).await.unwrap();
    assert!(layout(&session) == before, "the keyboard is not as it was found");
    session.end().await;
}

#[tokio::test]
async fn what_no_key_types_is_refused_and_nothing_is_typed() {
    if !is_possible() {
        return;
    }
    let (session, mut driver) = desktop().await;
    let app = App::open(&session, [0, 0, 1000, 700], Habits::default());
    for text in ["a\u{7}", "\0", "\u{1b}[31m"] {
        let error = driver.perform(&Gesture::Insert { text: text.to_owned() }, PATIENCE).await.unwrap_err();
        assert!(error.to_string().contains("no key types the character U+00"), "{error}");
    }
    assert_eq!(app.notes(0), [""; 0]);
    session.end().await;
}

/// Keys that a run has borrowed and could not give back are given back by the next.
#[tokio::test]
async fn keys_that_were_borrowed_are_given_back_also_by_the_next_run() {
    if !is_possible() {
        return;
    }
    let (session, mut driver) = desktop().await;
    let before = layout(&session);
    // The window manager may still be taking its place, and the keys with it.
    let text = Gesture::Insert { text: "世界".to_owned() };
    let began = tokio::time::Instant::now();
    while let Err(error) = driver.perform(&text, PATIENCE).await {
        let is_early = error.to_string().contains("another window took the keys after 0 of 2");
        assert!(is_early && began.elapsed() < PATIENCE, "{error}");
    }
    let borrowed = layout(&session);
    assert!(borrowed != before);
    // Nobody gives anything back when a program is killed.
    std::mem::forget(driver);
    let next = drive(&session).await;
    assert!(layout(&session) == before, "the keyboard is not as it was found");
    drop(next);
    session.end().await;
}

/// What another window would get that comes up meanwhile, such as a password prompt, is not typed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typing_stops_where_another_window_takes_the_keys() {
    if !is_possible() {
        return;
    }
    let (session, mut driver) = desktop().await;
    // It reads so slowly that it is far from the end when the other one comes.
    let app = App::open(&session, [0, 0, 500, 700], Habits { answers: true, slow: Duration::from_millis(1) });
    look(&mut driver).await;
    let text = long_text();
    let gesture = Gesture::Insert { text: text.clone() };
    let interrupt = async {
        while !app.has_notes() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::task::block_in_place(|| App::open(&session, [500, 0, 500, 700], Habits::default()))
    };
    let (typed, other) = tokio::join!(driver.perform(&gesture, PATIENCE), interrupt);
    let error = typed.unwrap_err().to_string();
    let count =
        error.split("took the keys after ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
    let count = count.unwrap_or_else(|| panic!("{error}"));
    assert!(0 < count && count < text.chars().count(), "{error}");
    // What was on its way may have gone there, and nothing after that.
    let last = other.text(0);
    assert!(last.chars().count() <= 250, "{last}");
    let first = app.text(count - last.chars().count());
    assert!(first + &last == text.chars().take(count).collect::<String>(), "{error}");
    session.end().await;
}

/// Sends a signal to the programs of this name on a desktop.
fn signal(session: &PrivateDesktop, program: &str, signal: &str) {
    let mark = format!("HOME={}", session.home().display());
    let mut count = 0;
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| std::fs::read(process.path().join(name)).unwrap_or_default();
        let is_ours = read("environ").split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes());
        if is_ours && read("comm").trim_ascii_end() == program.as_bytes() {
            let number = process.file_name().into_string().unwrap();
            assert!(std::process::Command::new("kill").args([signal, &number]).status().unwrap().success());
            count += 1;
        }
    }
    assert!(count > 0, "{program} does not run");
}

/// A program that is busy before it reads a key shows a screen that is at rest; what the key does is seen all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_busy_is_waited_for_and_one_that_hangs_is_not() {
    if !is_possible() {
        return;
    }
    if !Path::new("/usr/bin/mousepad").is_file() {
        return report_skipped("there is no editor on the private desktop (Debian: apt-get install mousepad)");
    }
    let (session, mut driver) = desktop().await;
    perform(&mut driver, Gesture::Launch { app: "Mousepad".to_owned() }).await;
    let mut before = look(&mut driver).await;
    while before.front.id != "org.xfce.mousepad" {
        before = look(&mut driver).await;
    }
    signal(&session, "mousepad", "-STOP");
    perform(&mut driver, Gesture::Insert { text: "written while nobody reads".to_owned() }).await;
    let busy = Duration::from_millis(700);
    let goes_on = async {
        tokio::time::sleep(busy).await;
        signal(&session, "mousepad", "-CONT");
    };
    let began = tokio::time::Instant::now();
    let (after, ()) = tokio::join!(look(&mut driver), goes_on);
    assert!(began.elapsed() >= busy && after.picture.rgba() != before.picture.rgba(), "{:?}", began.elapsed());
    // One that hangs is looked at as it is, and soon after it has been found out.
    signal(&session, "mousepad", "-STOP");
    for most in [Duration::from_secs(6), Duration::from_secs(1)] {
        perform(&mut driver, Gesture::Insert { text: "x".to_owned() }).await;
        let began = tokio::time::Instant::now();
        look(&mut driver).await;
        assert!(began.elapsed() < most, "{:?}", began.elapsed());
    }
    session.end().await;
}

/// There Control and A selects nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_on_the_line_of_a_terminal_is_replaced() {
    if !is_possible() {
        return;
    }
    if !Path::new("/usr/bin/xterm").is_file() {
        return report_skipped("there is no terminal on the private desktop (Debian: apt-get install xterm)");
    }
    let (session, mut driver) = desktop().await;
    let mut apis = driver.apis();
    let words: Vec<String> = ["xterm", "-T", "line", "-e", "sh", "-c", "exec cat >typed"].map(str::to_owned).into();
    session.start_program(&words).await.unwrap();
    windows(&mut *apis, |all| all[0]["title"] == "line").await;
    perform(&mut driver, window("line", WindowChange::Activate)).await;
    windows(&mut *apis, |all| all[0]["in_front"] == true).await;
    look(&mut driver).await;
    perform(&mut driver, Gesture::Insert { text: "first".to_owned() }).await;
    perform(&mut driver, Gesture::Type { text: "second".to_owned() }).await;
    perform(&mut driver, Gesture::Press { key: Key::Enter }).await;
    assert_eq!(wait_for_content(&session.home().join("typed"), "second\n"), "second\n");
    session.end().await;
}

/// A shell ends a moment after its last command was typed, and its window looks as before until then. What is typed next is for the window
/// that comes to the front.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_typed_after_a_shell_has_ended_goes_to_the_window_behind_it() {
    if !is_possible() {
        return;
    }
    if !Path::new("/usr/bin/xterm").is_file() {
        return report_skipped("there is no terminal on the private desktop (Debian: apt-get install xterm)");
    }
    let (session, mut driver) = desktop().await;
    let mut apis = driver.apis();
    for (title, program) in [("behind", "exec cat >typed"), ("front", "read line; sleep 0.05")] {
        let words: Vec<String> = ["xterm", "-T", title, "-e", "sh", "-c", program].map(str::to_owned).into();
        session.start_program(&words).await.unwrap();
        windows(&mut *apis, |all| all.iter().any(|one| one["title"] == title)).await;
        perform(&mut driver, window(title, WindowChange::Activate)).await;
        windows(&mut *apis, |all| all.iter().any(|one| one["title"] == title && one["in_front"] == true)).await;
    }
    look(&mut driver).await;
    perform(&mut driver, Gesture::Insert { text: "exit\n".to_owned() }).await;
    look(&mut driver).await;
    perform(&mut driver, Gesture::Insert { text: "here\n".to_owned() }).await;
    assert_eq!(wait_for_content(&session.home().join("typed"), "here\n"), "here\n");
    session.end().await;
}

/// What there is of a private desktop, outside of it.
fn remains(folder: &Path, display: u32) -> Vec<String> {
    let mut found = Vec::new();
    let mark = format!("TAPWRIGHT_DESKTOP={}", folder.display());
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| std::fs::read(process.path().join(name)).unwrap_or_default();
        if read("environ").split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
            found.push(String::from_utf8_lossy(&read("cmdline")).replace('\0', " "));
        }
    }
    let files =
        [folder.to_owned(), format!("/tmp/.X11-unix/X{display}").into(), format!("/tmp/.X{display}-lock").into()];
    found.extend(files.iter().filter(|file| file.exists()).map(|file| file.display().to_string()));
    found
}

/// Programs that would like to stay: one with a window, one that leaves its session, one that ignores signals.
async fn clingy_programs(session: &PrivateDesktop) {
    for command in [
        &["xterm"][..],
        &["setsid", "sleep", "1000"],
        &["sh", "-c", "trap '' TERM HUP INT; while :; do sleep 1000; done"],
        &["setsid", "sh", "-c", "(trap '' TERM HUP INT; sleep 1000) & disown; exit"],
        // One that goes on to write into its home while that is removed, as browsers do.
        &["sh", "-c", "trap '' TERM HUP INT; while :; do mkdir -p .cache/deep; echo x >.cache/deep/$((i += 1)); done"],
    ] {
        let words: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        session.start_program(&words).await.unwrap();
    }
}

/// Waits until nothing is left, or for as long as that may take.
fn what_remains(folder: &Path, display: u32) -> Vec<String> {
    for _ in 0..100 {
        if remains(folder, display).is_empty() {
            return Vec::new();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    remains(folder, display)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_private_desktops() {
    if !is_possible() {
        return;
    }
    let folder = &tempfile::tempdir().unwrap();
    let one = |in_group| async move {
        let options = PrivateOptions { in_group, ..private(folder.path().to_owned()) };
        let session = PrivateDesktop::start(&options, PATIENCE).await.unwrap();
        let session = Arc::new(session);
        let mut driver = drive(&session).await;
        clingy_programs(&session).await;
        look(&mut driver).await;
        let (home, display) = (session.home(), session.display());
        let own = home.parent().unwrap().to_owned();
        // The server, its manager and the buses at the least.
        assert!(remains(&own, display).len() > 6, "{:?}", remains(&own, display));
        driver.close(PATIENCE).await.unwrap();
        session.end().await;
        assert_eq!(remains(&own, display), [""; 0]);
    };
    for in_group in [false, true, false] {
        one(in_group).await;
    }
    tokio::join!(one(false), one(true), one(false), one(true));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Fifty one after the other, and then four at once, five times, each with programs that would like to stay; counted.
/// `cargo test -p tapwright-drivers --test desktop -- --ignored --nocapture nothing_is_left_of_fifty`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes some minutes"]
async fn nothing_is_left_of_fifty_private_desktops_and_of_four_at_once() {
    let folder = &tempfile::tempdir().unwrap();
    let sockets = || std::fs::read_dir("/tmp/.X11-unix").map_or(0, Iterator::count);
    let one = || async move {
        let session = Arc::new(PrivateDesktop::start(&private(folder.path().to_owned()), PATIENCE).await.unwrap());
        let mut driver = drive(&session).await;
        clingy_programs(&session).await;
        look(&mut driver).await;
        drop(driver);
        let own = session.home().parent().unwrap().to_owned();
        let there = remains(&own, session.display()).len();
        session.end().await;
        assert_eq!(remains(&own, session.display()), [""; 0]);
        there
    };
    let before = sockets();
    let clock = tokio::time::Instant::now();
    let mut ended = 0;
    for _ in 0..50 {
        ended += one().await;
    }
    println!("50 in {:?}; {ended} processes, sockets and folders were there, and none is", clock.elapsed());
    let clock = tokio::time::Instant::now();
    for _ in 0..5 {
        let four = tokio::join!(one(), one(), one(), one());
        ended += four.0 + four.1 + four.2 + four.3;
    }
    println!("4 at once, 5 times, in {:?}; {ended} in all, and none is", clock.elapsed());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    println!("sockets of X servers before {before}, after {}", sockets());
}

#[tokio::test]
async fn a_private_desktop_that_is_dropped_ends() {
    if !is_possible() {
        return;
    }
    let (session, driver) = desktop().await;
    clingy_programs(&session).await;
    let (home, display) = (session.home(), session.display());
    drop((driver, session));
    assert_eq!(what_remains(home.parent().unwrap(), display), [""; 0]);
}

/// The environment variable with the folder of a desktop that is to be kept until its program is killed.
const KEPT: &str = "TAPWRIGHT_TEST_KEPT";

/// Not a test: what the next one kills.
#[tokio::test]
#[ignore = "it is started by another test"]
async fn keeps_a_private_desktop() {
    let Some(folder) = std::env::var_os(KEPT).map(PathBuf::from) else { return };
    let session = PrivateDesktop::start(&private(folder.clone()), PATIENCE).await.unwrap();
    clingy_programs(&session).await;
    let kept = format!("{} {}", session.display(), session.home().parent().unwrap().display());
    std::fs::write(folder.join("kept.new"), kept).unwrap();
    std::fs::rename(folder.join("kept.new"), folder.join("kept")).unwrap();
    std::future::pending::<()>().await;
}

#[test]
fn a_private_desktop_ends_with_a_program_that_is_killed() {
    if !is_possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut program = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "keeps_a_private_desktop", "--ignored"])
        .env(KEPT, folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let kept = (0..400).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        std::fs::read_to_string(folder.path().join("kept")).ok()
    });
    let kept = kept.expect("it starts");
    let (display, own) = kept.split_once(' ').unwrap();
    let (display, own) = (display.parse().unwrap(), Path::new(own));
    std::thread::sleep(Duration::from_millis(300));
    assert!(remains(own, display).len() > 6);
    program.kill().unwrap(); // With the signal that nobody can catch.
    program.wait().unwrap();
    assert_eq!(what_remains(own, display), [""; 0]);
}

/// What a desktop leaves whose keeper was killed too is removed by the next one.
#[tokio::test]
async fn what_a_killed_keeper_leaves_is_removed_by_the_next_desktop() {
    if !is_possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("tapwright-desktop-0123456789ab");
    std::fs::create_dir(&left).unwrap();
    for name in ["lock", "display"] {
        std::fs::write(left.join(name), "4711\n").unwrap();
    }
    let socket = std::os::unix::net::UnixListener::bind("/tmp/.X11-unix/X4711");
    drop(socket);
    let other = folder.path().join("tapwright-desktop-unlocked-by-nobody");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("file"), "somebody's").unwrap();
    let empty = folder.path().join("tapwright-desktop-empty");
    std::fs::create_dir(&empty).unwrap();
    let session = PrivateDesktop::start(&private(folder.path().to_owned()), PATIENCE).await.unwrap();
    assert!(!left.exists() && !Path::new("/tmp/.X11-unix/X4711").exists());
    assert!(other.exists(), "a folder without a lock is not known to be left");
    assert!(
        !empty.exists(),
        "one in which a home was mounted, of which a keeper could not take away the folder itself"
    );
    session.end().await;
}

#[tokio::test]
async fn a_display_without_a_server_says_what_else_there_is() {
    let options = X11Options {
        entrance: tapwright_drivers::desktop::Entrance::Display(":4712".to_owned()),
        settle: Settle::DESKTOP,
        applications: Vec::new(),
        bus: None,
    };
    let error = X11Desktop::connect("desktop :4712", options, None, PATIENCE).await.err().unwrap().to_string();
    assert!(
        error.starts_with("desktop :4712: cannot connect: the device is lost: there is no X server at :4712 ("),
        "{error}"
    );
    assert!(error.ends_with("); `--device desktop:private` makes a desktop of its own"), "{error}");
}

/// As a model calls them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clipboard_and_the_windows_are_apis() {
    if !is_possible() {
        return;
    }
    let at = DesktopAddress::Private { size: SIZE, folder: std::env::temp_dir() };
    let applications = vec!["/usr/share/applications".into()];
    let options = DesktopOptions {
        at,
        settle: Settle::DESKTOP,
        applications,
        folders: Vec::new(),
        bus: None,
        machine: None,
        methods: Vec::new(),
        office: None,
    };
    let mut rig = options.open(PATIENCE).await.unwrap();
    assert!(rig.about.starts_with("private desktop 1000x700, on display :"), "{}", rig.about);
    let apis = &mut rig.apis[0];
    let names: Vec<String> = apis.specs().into_iter().map(|spec| spec.name).collect();
    assert_eq!(names, ["windows.list", "windows.move", "clipboard.read", "clipboard.write"]);
    let none = json!({});
    assert_eq!(apis.call("clipboard.read", &none, PATIENCE).await.unwrap(), "the clipboard holds no text");
    for text in ["héllo 世界 👩‍👧\n", "", &"long ".repeat(4000)] {
        apis.call("clipboard.write", &json!({ "text": text }), PATIENCE).await.unwrap();
        assert_eq!(apis.call("clipboard.read", &none, PATIENCE).await.unwrap(), text);
    }
    let too_long = json!({ "text": "x".repeat(200_001) });
    let error = apis.call("clipboard.write", &too_long, PATIENCE).await.unwrap_err();
    assert_eq!(error.to_string(), "refused: 200000 bytes of text are the most");
    assert_eq!(apis.call("windows.list", &none, PATIENCE).await.unwrap(), "[]");
    let error = apis.call("windows.move", &json!({"window": "x", "x": 0, "y": 0}), PATIENCE).await.unwrap_err();
    assert_eq!(error.to_string(), "refused: no window has the title or the number \"x\"; there are: none");
    assert!(matches!(apis.call("windows", &none, PATIENCE).await, Err(ApiError::Unknown)));
    // Its own home is a folder whose files may be written.
    let files = &mut rig.apis[1];
    files.call("files.write", &json!({"path": "note.txt", "text": "héllo"}), PATIENCE).await.unwrap();
    assert_eq!(files.call("files.read", &json!({"path": "note.txt"}), PATIENCE).await.unwrap(), "héllo");
    let error = files.call("files.read", &json!({"path": "../authority"}), PATIENCE).await.unwrap_err();
    assert!(matches!(error, ApiError::Refused { .. }), "{error}");
    rig.close(PATIENCE).await.unwrap();
}

/// Between us and an ordinary program, in both directions, and in pieces where it is long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clipboard_is_shared_with_other_programs() {
    if !is_possible() {
        return;
    }
    if !PathBuf::from("/usr/bin/xclip").is_file() {
        return report_skipped("no program reads the clipboard of the private desktop (Debian: apt-get install xclip)");
    }
    let (session, driver) = desktop().await;
    let mut apis = driver.apis();
    let xclip = |arguments: &str| {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &format!("timeout 10 xclip -selection clipboard {arguments}")]);
        command.env("DISPLAY", format!(":{}", session.display())).env("XAUTHORITY", session.authority());
        command
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    for text in ["héllo 世界 👩‍👧\nb".to_owned(), "词 word ".repeat(9000)] {
        apis.call("clipboard.write", &json!({ "text": text }), PATIENCE).await.unwrap();
        let read = tokio::task::block_in_place(|| xclip("-o").output().unwrap());
        assert!(String::from_utf8(read.stdout).unwrap() == text, "xclip read something else");
        std::fs::write(file.path(), format!("{text}!")).unwrap();
        tokio::task::block_in_place(|| xclip(&format!("-i {}", file.path().display())).status().unwrap());
        let wanted = format!("{text}!");
        let is_cut = wanted.chars().count() > 20_000;
        // xclip ends before the server has heard that the clipboard is its own.
        let mut told = String::new();
        for _ in 0..100 {
            told = apis.call("clipboard.read", &json!({}), PATIENCE).await.unwrap();
            if told == wanted || told.ends_with("43001 characters more") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        match is_cut {
            false => assert_eq!(told, wanted),
            true => assert!(
                told.starts_with(&text.chars().take(20_000).collect::<String>())
                    && told.ends_with("… and 43001 characters more"),
                "{}",
                &told[told.len() - 60..]
            ),
        }
    }
    // Longer than what xclip gives in one piece.
    let text = "词 word ".repeat(200_000);
    std::fs::write(file.path(), &text).unwrap();
    tokio::task::block_in_place(|| xclip(&format!("-i {}", file.path().display())).status().unwrap());
    let mut told = String::new();
    for _ in 0..100 {
        told = apis.call("clipboard.read", &json!({}), PATIENCE).await.unwrap();
        if !told.ends_with("43001 characters more") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let more =
        told.rsplit_once("… and ").and_then(|(_, more)| more.strip_suffix(" characters more")?.parse::<usize>().ok());
    let start: String = text.chars().take(20_000).collect();
    assert!(told.starts_with(&start) && more > Some(800_000), "{more:?} {}", &told[told.len().saturating_sub(60)..]);
    session.end().await;
}

/// Windows of a real program, by their titles.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_are_listed_moved_and_changed() {
    if !is_possible() {
        return;
    }
    if !PathBuf::from("/usr/bin/xterm").is_file() {
        return report_skipped("there is no terminal on the private desktop (Debian: apt-get install xterm)");
    }
    let (session, mut driver) = desktop().await;
    let mut apis = driver.apis();
    for title in ["one", "two"] {
        let words: Vec<String> = ["xterm", "-T", title, "-geometry", "40x10"].map(str::to_owned).into();
        session.start_program(&words).await.unwrap();
        windows(&mut *apis, |all| all.iter().any(|window| window["title"] == title)).await;
    }
    perform(&mut driver, window("one", WindowChange::Activate)).await;
    let all = windows(&mut *apis, |all| all[0]["title"] == "one" && all[0]["in_front"] == true).await;
    assert_eq!((all.len(), all[0]["app"].as_str()), (2, Some("XTerm")));
    assert_eq!(look(&mut driver).await.front.label, "XTerm");
    let moved = json!({"window": all[0]["window"], "x": 200, "y": 100, "width": 400, "height": 300});
    apis.call("windows.move", &moved, PATIENCE).await.unwrap();
    let near = |window: &Value, name: &str, wanted: i64| (window[name].as_i64().unwrap() - wanted).abs() < 40;
    windows(&mut *apis, |all| near(&all[0], "x", 200) && near(&all[0], "y", 100) && near(&all[0], "width", 400)).await;
    perform(&mut driver, window("one", WindowChange::Maximize)).await;
    windows(&mut *apis, |all| near(&all[0], "width", 1000)).await;
    perform(&mut driver, window("one", WindowChange::Minimize)).await;
    windows(&mut *apis, |all| all.iter().any(|window| window["title"] == "one" && window["minimized"] == true)).await;
    perform(&mut driver, window("one", WindowChange::Restore)).await;
    windows(&mut *apis, |all| all[0]["title"] == "one" && all[0]["minimized"] == false && near(&all[0], "width", 400))
        .await;
    perform(&mut driver, window("one", WindowChange::Close)).await;
    windows(&mut *apis, |all| all.len() == 1 && all[0]["title"] == "two").await;
    let gone = driver.perform(&window("one", WindowChange::Activate), PATIENCE).await.unwrap_err();
    assert!(gone.to_string().ends_with("no window has the title or the number \"one\"; there are: \"two\""), "{gone}");
    session.end().await;
}

fn window(title: &str, change: WindowChange) -> Gesture {
    Gesture::Window { window: title.to_owned(), change }
}

/// The windows, as soon as they are so.
async fn windows(apis: &mut dyn Apis, are_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut told = String::new();
    for _ in 0..750 {
        told = apis.call("windows.list", &json!({}), PATIENCE).await.unwrap();
        let all: Vec<Value> = serde_json::from_str(&told).unwrap();
        if !all.is_empty() && are_so(&all) {
            return all;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{told}")
}

/// What an editor writes into a file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_editor_gets_the_text_exactly() {
    if !is_possible() {
        return;
    }
    if !Path::new("/usr/bin/mousepad").is_file() {
        return report_skipped("there is no editor on the private desktop (Debian: apt-get install mousepad)");
    }
    let text = format!("{}\n{}", CORPUS.join("\n"), long_text());
    let (session, mut driver) = desktop().await;
    let mut apis = driver.apis();
    let file = session.home().join("typed");
    let start = async |command: &str| {
        let words: Vec<String> = ["sh", "-c", command].map(str::to_owned).into();
        session.start_program(&words).await.unwrap();
    };
    start("touch typed; exec mousepad typed").await;
    windows(&mut *apis, |all| all[0]["in_front"] == true && all[0]["app"] == "Mousepad").await;
    look(&mut driver).await;
    let save = Gesture::Chord { modifiers: vec![Modifier::Control], key: KeyName::new("s").unwrap() };
    for text in [&text, "replaced", ""] {
        perform(&mut driver, Gesture::Type { text: text.to_owned() }).await;
        perform(&mut driver, save.clone()).await;
        assert_eq!(wait_for_content(&file, text), text);
    }
    session.end().await;
}

/// GTK's buttons look pressed for a quarter of a second before they do what a key has told them, and the screen is at rest meanwhile. What
/// is seen next is what came of it, whichever key it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_button_that_a_key_has_pressed_has_acted_when_it_is_looked_next() {
    if !is_possible() {
        return;
    }
    if !Path::new("/usr/bin/mousepad").is_file() {
        return report_skipped("there is no editor on the private desktop (Debian: apt-get install mousepad)");
    }
    let (session, mut driver) = desktop().await;
    let mut apis = driver.apis();
    perform(&mut driver, Gesture::Launch { app: "Mousepad".to_owned() }).await;
    windows(&mut *apis, |all| all[0]["in_front"] == true && all[0]["app"] == "Mousepad").await;
    look(&mut driver).await;
    perform(&mut driver, Gesture::Insert { text: "text".to_owned() }).await;
    let chord = |modifiers: &[Modifier], key: &str| Gesture::Chord {
        modifiers: modifiers.to_vec(),
        key: KeyName::new(key).unwrap(),
    };
    let ways = [
        Gesture::Press { key: Key::Enter },
        chord(&[], "Enter"),
        Gesture::Insert { text: "\n".to_owned() },
        chord(&[Modifier::Alt], "s"),
    ];
    for way in ways {
        // Whoever leaves is asked whether to save, and then where.
        perform(&mut driver, chord(&[Modifier::Control], "q")).await;
        windows(&mut *apis, |all| all.len() == 2 && all[0]["in_front"] == true).await;
        look(&mut driver).await;
        perform(&mut driver, way.clone()).await;
        look(&mut driver).await;
        let told = apis.call("windows.list", &json!({}), PATIENCE).await.unwrap();
        assert!(told.contains("\"Save As\""), "{way:?}: {told}");
        perform(&mut driver, chord(&[], "Escape")).await;
        windows(&mut *apis, |all| all.len() == 1 && all[0]["in_front"] == true).await;
        look(&mut driver).await;
    }
    session.end().await;
}

/// What a file holds, as soon as it is what is wanted.
fn wait_for_content(file: &Path, wanted: &str) -> String {
    let read = || std::fs::read_to_string(file).unwrap_or_default();
    for _ in 0..150 {
        if read() == wanted {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    read()
}

/// A layout of monitors that has changed makes what was measured on the old one stale, and each monitor is a display.
#[tokio::test]
async fn monitors_are_displays() {
    if !is_possible() {
        return;
    }
    let (session, mut driver) = desktop().await;
    let whole = look(&mut driver).await;
    let c = app::connect(&session);
    let root = c.setup().roots[0].root;
    let outputs = c.randr_get_monitors(root, true).unwrap().reply().unwrap().monitors[0].outputs.clone();
    for (name, x, width, outputs) in [("left", 0, 600, outputs), ("right", 600, 400, Vec::new())] {
        let name = c.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        let (width_mm, height_mm) = (u32::from(width), 700);
        let monitor = MonitorInfo {
            name,
            primary: x == 0,
            automatic: false,
            x,
            y: 0,
            width,
            height: 700,
            width_in_millimeters: width_mm,
            height_in_millimeters: height_mm,
            outputs,
        };
        c.randr_set_monitor(root, monitor).unwrap().check().unwrap();
    }
    let stale = driver.perform(&Gesture::Tap { at: spot(&whole, 50, 50) }, PATIENCE).await.unwrap_err();
    assert!(matches!(stale.kind, DriverErrorKind::Stale), "{stale}");
    let left = look(&mut driver).await;
    assert_eq!((left.id.display, left.picture.size().width), (0, 600));
    assert!(left.id.generation > whole.id.generation);
    let right = App::open(&session, [600, 0, 400, 300], Habits::default());
    c.change_property32(
        x11rb::protocol::xproto::PropMode::REPLACE,
        root,
        c.intern_atom(false, b"_NET_ACTIVE_WINDOW").unwrap().reply().unwrap().atom,
        x11rb::protocol::xproto::AtomEnum::WINDOW,
        &[right.window],
    )
    .unwrap()
    .check()
    .unwrap();
    let screen = look(&mut driver).await;
    assert_eq!((screen.id.display, screen.picture.size().width), (1, 400));
    assert_eq!(pixel(&screen, 0, 0), ROWS[0]);
    perform(&mut driver, Gesture::Tap { at: spot(&screen, 10, 20) }).await;
    assert_eq!(right.notes(2), ["press 1 at 10,20", "release 1 at 10,20"]);
    session.end().await;
}

/// What an editor says of itself, and where.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_widgets_of_the_app_in_front_are_told() {
    if !is_possible() {
        return;
    }
    if !Path::new("/usr/bin/mousepad").is_file() {
        return report_skipped("there is no editor on the private desktop (Debian: apt-get install mousepad)");
    }
    let (session, mut driver) = desktop().await;
    assert!(driver.abilities().labels && session.has_accessibility);
    assert!(driver.labels(PATIENCE).await.unwrap().is_none(), "nobody is in front");
    perform(&mut driver, Gesture::Launch { app: "Mousepad".to_owned() }).await;
    look(&mut driver).await;
    perform(&mut driver, Gesture::Insert { text: "Tell me 世界".to_owned() }).await;
    let screen = look(&mut driver).await;
    let labels = driver.labels(PATIENCE).await.unwrap().expect("it tells its widgets");
    let text = labels.iter().find(|label| label.text.contains("Tell me 世界")).expect("the text is told");
    assert!(text.focused && !text.secret && text.app.as_deref() == Some("org.xfce.mousepad"), "{text:?}");
    // A menu opens where its label is.
    let menu = labels.iter().find(|label| label.text.lines().next() == Some("Edit"));
    let menu = menu.unwrap_or_else(|| panic!("{labels:#?}"));
    let area = menu.area;
    let at = spot(&screen, (area.left + area.right) / 2, (area.top + area.bottom) / 2);
    perform(&mut driver, Gesture::Tap { at }).await;
    look(&mut driver).await;
    let open = driver.labels(PATIENCE).await.unwrap().unwrap();
    assert!(labels.iter().all(|label| !label.text.starts_with("Select All")), "it was told before it could be seen");
    assert!(open.iter().any(|label| label.text.starts_with("Select All")), "{open:?}");
    // What another program's window lies over is not told.
    perform(&mut driver, Gesture::Chord { modifiers: Vec::new(), key: KeyName::new("Escape").unwrap() }).await;
    let cover = App::open(&session, [0, 0, 1000, 700], Habits::default());
    look(&mut driver).await; // Its window comes to the front in its own time.
    let covered = driver.labels(PATIENCE).await.unwrap();
    assert!(
        covered.is_none_or(|labels| labels.iter().all(|label| label.text.lines().next() != Some("Edit"))),
        "it cannot be seen"
    );
    cover.close();
    session.end().await;
}

/// Finer than gestures, for programs that bring their own.
#[tokio::test]
async fn single_events_can_be_sent() {
    if !is_possible() {
        return;
    }
    let (session, mut driver) = desktop().await;
    let app = App::open(&session, [0, 0, 1000, 700], Habits::default());
    let screen = look(&mut driver).await;
    let to = spot(&screen, 30, 40);
    let (control, back) = (0xffe3, 8);
    for event in [
        InputEvent::Move { to },
        InputEvent::Key { symbol: control, is_down: true },
        InputEvent::Button { button: back, is_down: true },
        InputEvent::Button { button: back, is_down: false },
        InputEvent::Key { symbol: control, is_down: false },
    ] {
        driver.send(event, PATIENCE).await.unwrap();
    }
    assert_eq!(app.notes(2), ["press 8 at 30,40 with control", "release 8 at 30,40"]);
    let error = driver.send(InputEvent::Button { button: 99, is_down: true }, PATIENCE).await.unwrap_err();
    assert!(error.to_string().ends_with("this pointer has no button 99"), "{error}");
    session.end().await;
}
