//! The Android driver in bad weather: each fault of the virtual phone ends in a picture that is true, in text that
//! arrived, or in an error that says what to do; and no gesture happens twice.

use std::collections::BTreeMap;
use std::time::Duration;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind};
use tapwright_contract::gesture::{Gesture, Key};
use tapwright_contract::{Rotation, Size, Spot};
use tapwright_drivers::Settle;
use tapwright_drivers::android::{Address, Android, AndroidOptions, Capture, Keys};
use tapwright_phone::adbd::{Daemon, Handle, ManualClock, SteadyClock};
use tapwright_phone::weather::{Fault, Weather};
use tapwright_phone::{ADB_KEYBOARD, Event, Icon, Input, LATIN_KEYBOARD, MarkContent, World};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(30);

async fn phone(weather: Weather) -> Daemon {
    serve(Handle::in_weather(small(), SteadyClock::new(), weather)).await
}

/// A phone that nothing happens to but what the test lets happen.
async fn calm() -> Daemon {
    serve(Handle::new(small(), ManualClock::default())).await
}

fn small() -> World {
    World::new(tapwright_phone::Options { width: 240, height: 400, ..Default::default() })
}

async fn serve(handle: Handle) -> Daemon {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    Daemon::start(listener, handle, Default::default()).unwrap()
}

fn options(phone: &Daemon) -> AndroidOptions {
    let address = Address::Direct { address: phone.address().to_string(), keys: Keys::default() };
    let find_again = Duration::from_secs(10);
    AndroidOptions { address, settle: Settle::PHONE, capture: Capture::Auto, find_again, wake: true }
}

async fn driver(phone: &Daemon) -> Android {
    Android::connect(options(phone), PATIENCE).await.unwrap()
}

fn error_text<T>(result: Result<T, DriverError>) -> String {
    result.map_or_else(|error| error.kind.to_string(), |_| "done".to_owned())
}

fn check<T>(result: Result<T, DriverError>, expected: Expect) {
    expected.assert_eq(&error_text(result));
}

fn method(phone: &Daemon) -> String {
    phone.handle().look(|world| world.input_method().to_owned())
}

/// Puts the focus into an empty note, behind the driver's back.
fn into_a_note(phone: &Daemon) {
    phone.handle().change(|world| {
        world.launch("com.android.notes");
        let plus = world.marks().into_iter().find(|mark| mark.what == MarkContent::Icon(Icon::Plus)).unwrap();
        let (x, y) = plus.target.unwrap();
        world.input(&Input::Tap { x, y });
    });
    assert!(phone.handle().look(World::field_has_focus));
}

fn typed_text(phone: &Daemon) -> String {
    phone.handle().look(|world| world.field_text().map(str::to_owned)).expect("a field with the focus")
}

fn typing(text: &str) -> Gesture {
    Gesture::Type { text: text.to_owned() }
}

#[tokio::test]
async fn a_dark_or_locked_phone_is_woken_or_told_as_what_it_is() {
    let phone = calm().await;
    let before = driver(&phone).await.screen(PATIENCE).await.unwrap();
    for (dark, expected) in [
        (true, expect!["the screen cannot be seen: the display is off"]),
        (false, expect!["the screen cannot be seen: the phone is locked"]),
    ] {
        phone.handle().happen(Event::Lock { dark });
        let mut shy = Android::connect(AndroidOptions { wake: false, ..options(&phone) }, PATIENCE).await.unwrap();
        check(shy.screen(PATIENCE).await, expected);
        assert!(phone.handle().look(World::is_locked), "it left it as it was");
        let mut driver = driver(&phone).await;
        assert!(driver.screen(PATIENCE).await.unwrap() == before);
        assert!(phone.handle().look(|world| world.awake() && !world.is_locked()));
    }
}

#[tokio::test]
async fn a_protected_window_is_never_a_black_picture_and_has_words() {
    let phone = calm().await;
    phone.handle().change(|world| world.launch("com.android.settings"));
    phone.handle().happen(Event::Protect { millis: 1000 });
    for capture in [Capture::Raw, Capture::Png] {
        let mut driver = Android::connect(AndroidOptions { capture, ..options(&phone) }, PATIENCE).await.unwrap();
        check(
            driver.screen(PATIENCE).await,
            expect![
                "the screen cannot be seen: com.android.settings protects its window, so pictures of it are black; its words can be had from the UI tree"
            ],
        );
        let tree = driver.tree(PATIENCE).await.unwrap();
        assert_eq!(tree.size, Size { width: 240, height: 400 });
        let wifi = tree.widgets.iter().find(|widget| widget.label() == "Wi-Fi").unwrap();
        let (x, y) = phone.handle().look(|world| {
            let marks = world.marks();
            marks
                .iter()
                .find(|mark| mark.what == MarkContent::Word("Wi-Fi".into()))
                .and_then(|mark| mark.target)
                .unwrap()
        });
        let row = wifi.middle();
        assert!((row.1 - y).abs() < 12 && row.0 < x, "{row:?} {x},{y}");
        assert!(tree.text(100).contains("Switch"), "{}", tree.text(100));
        let labels = driver.labels(PATIENCE).await.unwrap().unwrap();
        assert!(labels.iter().any(|label| label.text == "Wi-Fi" && label.area.holds(row.0 as u32, row.1 as u32)));
    }
    phone.handle().change(|world| world.input(&Input::Press(tapwright_phone::Key::Home)));
    driver(&phone).await.screen(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_phone_that_was_turned_refuses_old_spots_and_takes_new_ones() {
    let phone = calm().await;
    let mut driver = driver(&phone).await;
    let upright = driver.screen(PATIENCE).await.unwrap().id;
    phone.handle().happen(Event::Turn { millis: 1000 });
    let turned = driver.screen(PATIENCE).await.unwrap().id;
    assert_eq!(turned.size, Size { width: upright.size.height, height: upright.size.width });
    assert_eq!(turned.rotation, Rotation::Quarter);
    let old = Gesture::Tap { at: Spot { x: 5, y: 5, of: upright } };
    check(driver.perform(&old, PATIENCE).await, expect!["the display has changed since the spot was measured"]);
    let tree = driver.tree(PATIENCE).await.unwrap();
    let icon = tree.widgets.iter().find(|widget| widget.description == "Settings").unwrap();
    let at = tree.spot(icon, turned).unwrap();
    driver.perform(&Gesture::Tap { at }, PATIENCE).await.unwrap();
    assert_eq!(phone.handle().look(World::front).label, "Settings");
}

#[tokio::test]
async fn denied_touches_are_explained() {
    let phone = phone(Weather::of(1, &[(Fault::Denied, 1000)])).await;
    let mut driver = driver(&phone).await;
    let of = driver.screen(PATIENCE).await.unwrap().picture.size();
    for gesture in [Gesture::Tap { at: Spot { x: 9, y: 9, of: of.into() } }, Gesture::Press { key: Key::Home }] {
        let said = error_text(driver.perform(&gesture, PATIENCE).await);
        assert!(said.starts_with("refused: the device does not let adb touch its screen: turn on"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_picture_that_is_returned_is_the_one_that_came_to_rest() {
    for (seed, odds) in [
        (1, vec![(Fault::Animation, 1000)]),
        // Not with animations: a stale frame in the middle of one is the frame before, and looks still.
        (2, vec![(Fault::StaleFrame, 150)]),
        (3, vec![(Fault::HalfPicture, 250)]),
        (4, vec![(Fault::SlowLink, 400), (Fault::BurstyLink, 100)]),
        (5, vec![(Fault::LatePage, 1000), (Fault::Animation, 1000)]),
    ] {
        let mut weather = Weather::of(seed, &odds);
        weather.lengths.animation = 200;
        // A page that stays empty for long is still, and looks so.
        weather.lengths.late = 150;
        let phone = phone(weather).await;
        let mut driver = driver(&phone).await;
        driver.screen(PATIENCE).await.unwrap();
        for app in ["Settings", "Notes", "Clock", "Settings"] {
            driver.perform(&Gesture::Launch { app: app.to_owned() }, PATIENCE).await.unwrap();
            let began = Instant::now();
            let screen = driver.screen(PATIENCE).await.unwrap();
            let (drawn, front) = phone.handle().look(|world| (world.draw(), world.front()));
            assert!(screen.picture.rgba() == drawn, "{odds:?}, {app}: not what came to rest");
            assert_eq!(screen.front.label, front.label);
            assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        }
        let census = phone.handle().census();
        for (fault, _) in odds {
            assert!(census.contains_key(&fault), "{fault:?} never came: {census:?}");
        }
    }
}

/// Latin that means something to shells, to `input text` and to nobody, and scripts of all directions.
fn texts() -> Vec<String> {
    let long: String = "A long text, 2,000 letters: 'quotes', $(reboot) `id` %s \\ \"x\" & | ; < > * ~ #! "
        .chars()
        .cycle()
        .take(2000)
        .collect();
    let lines: Vec<&str> = vec![
        "on my way",
        "it's \"quoted\" `input keyevent 3` $(input keyevent 3) ${HOME} $HOME \\ | & ; < > ( ) { } * ? ~ # !",
        "%s 100%s %%s %",
        "'",
        "''; input keyevent 3; '",
        "two\nlines\n\nand more",
        " blanks  at both ends ",
        "-p com.android.settings",
        "--es msg x",
        "x",
        "",
        "你好，世界",
        "مرحبا بالعالم",
        "👩‍👩‍👧 😀 é e\u{301}",
        "tab\there",
    ];
    lines.into_iter().map(str::to_owned).chain([long, "长".repeat(2000)]).collect()
}

#[tokio::test]
async fn text_arrives_byte_for_byte_or_is_refused_before_anything_is_typed() {
    for keyboard in [true, false] {
        let phone = calm().await;
        if !keyboard {
            phone.handle().happen(Event::NoAdbKeyboard);
        }
        let mut driver = driver(&phone).await;
        into_a_note(&phone);
        let (mut arrived, mut refused) = (0, 0);
        for text in texts() {
            let before = typed_text(&phone);
            match driver.perform(&typing(&text), PATIENCE).await {
                Ok(()) => {
                    assert_eq!(typed_text(&phone), text);
                    arrived += 1;
                }
                Err(error) => {
                    assert!(
                        matches!(&error.kind, DriverErrorKind::Refused { why } if why.contains("install ADB Keyboard")),
                        "{error}"
                    );
                    assert_eq!(typed_text(&phone), before, "something was typed all the same");
                    refused += 1;
                }
            }
        }
        assert_eq!((arrived, refused), if keyboard { (17, 0) } else { (12, 5) });
        driver.close(PATIENCE).await.unwrap();
        assert_eq!(method(&phone), LATIN_KEYBOARD);
    }
}

#[tokio::test]
async fn the_owners_keyboard_comes_back_after_a_crash() {
    let phone = calm().await;
    into_a_note(&phone);
    let mut dies = driver(&phone).await;
    dies.perform(&typing("half a run"), PATIENCE).await.unwrap();
    std::mem::forget(dies); // As after `kill -9`: nobody puts anything back.
    assert_eq!(method(&phone), ADB_KEYBOARD);
    // Another run, which types nothing.
    driver(&phone).await.close(PATIENCE).await.unwrap();
    assert_eq!(method(&phone), LATIN_KEYBOARD);
    // Whoever chooses the ADB keyboard himself keeps it.
    phone.handle().change(|world| world.set_input_method(ADB_KEYBOARD));
    let mut types = driver(&phone).await;
    types.perform(&typing("x"), PATIENCE).await.unwrap();
    types.close(PATIENCE).await.unwrap();
    assert_eq!(method(&phone), ADB_KEYBOARD);
}

#[tokio::test]
async fn a_keyboard_that_is_changed_in_the_middle_is_noticed() {
    let phone = calm().await;
    into_a_note(&phone);
    let mut driver = driver(&phone).await;
    driver.perform(&typing("one"), PATIENCE).await.unwrap();
    phone.handle().change(|world| world.set_input_method(LATIN_KEYBOARD));
    driver.perform(&typing("two"), PATIENCE).await.unwrap();
    assert_eq!(typed_text(&phone), "two");
}

#[tokio::test]
async fn full_storage_stops_neither_looking_nor_typing() {
    let phone = phone(Weather::of(1, &[(Fault::FullStorage, 1000)])).await;
    into_a_note(&phone);
    let mut driver = driver(&phone).await;
    driver.screen(PATIENCE).await.unwrap();
    driver.perform(&typing("好"), PATIENCE).await.unwrap();
    assert_eq!(typed_text(&phone), "好");
    assert!(!driver.tree(PATIENCE).await.unwrap().widgets.is_empty());
    driver.close(PATIENCE).await.unwrap();
    assert_eq!(method(&phone), LATIN_KEYBOARD);
}

#[tokio::test]
async fn a_phone_that_starts_anew_is_found_again_and_unlocked() {
    let mut weather = Weather::of(1, &[(Fault::Reboot, 1000)]);
    weather.lengths.boot = 400;
    let phone = phone(weather).await;
    let mut driver = driver(&phone).await;
    driver.screen(PATIENCE).await.unwrap();
    let said = error_text(driver.perform(&Gesture::Press { key: Key::Home }, PATIENCE).await);
    // Its last words may still have come.
    assert!(said == "done" || said.contains("the device is back"), "{said}");
    // Waking it is a gesture too, which it answers by starting anew, so here only a person opens it.
    phone.handle().change(|world| world.unlock());
    driver.screen(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_at_any_byte_loses_no_look_and_doubles_no_touch() {
    let (mut known, mut unknown, mut happened, mut breaks) = (0, 0, 0, 0);
    for seed in 0..12 {
        let phone = phone(Weather::of(seed, &[(Fault::Disconnect, 40)])).await;
        into_a_note(&phone);
        let connected = async {
            loop {
                match Android::connect(options(&phone), PATIENCE).await {
                    Ok(driver) => return driver,
                    Err(error) => assert!(
                        matches!(error.kind, DriverErrorKind::Lost { .. } | DriverErrorKind::MalformedResponse { .. }),
                        "{error}"
                    ),
                }
            }
        };
        let mut driver = connected.await;
        for _ in 0..12 {
            let of = match driver.screen(PATIENCE).await {
                Ok(screen) => screen.id,
                // Two breaks in one look are told; the next one is another.
                Err(DriverError {
                    kind:
                        DriverErrorKind::Lost { .. }
                        | DriverErrorKind::MalformedResponse { .. }
                        | DriverErrorKind::TimedOut { .. },
                    ..
                }) => continue,
                Err(error) => panic!("{error}"),
            };
            // A key of the keyboard on the display: each touch is a letter.
            let at = Spot { x: 12, y: 400 * 17 / 26, of };
            match driver.perform(&Gesture::Tap { at }, PATIENCE).await {
                Ok(()) => known += 1,
                Err(DriverError { kind: DriverErrorKind::Stale, .. }) => {}
                Err(DriverError {
                    kind:
                        DriverErrorKind::TimedOut { .. }
                        | DriverErrorKind::Lost { .. }
                        | DriverErrorKind::MalformedResponse { .. },
                    ..
                }) => {
                    unknown += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
        happened += typed_text(&phone).chars().count();
        breaks += phone.handle().census().get(&Fault::Disconnect).copied().unwrap_or(0);
    }
    assert!(known <= happened && happened <= known + unknown, "{known} known, {unknown} unknown, {happened} happened");
    assert!(0 < unknown && 40 < breaks && 40 < known, "{known} known, {unknown} unknown, {breaks} breaks");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_at_once_ends_in_time_and_in_words() {
    let expected = ["done", "timed out", "refused", "hidden", "stale"];
    let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
    // How often a race is lost depends on the machine: ten seeds at least, and more until every kind came.
    for seed in 0..100 {
        if 10 <= seed && expected.iter().all(|kind| kinds.contains_key(kind)) {
            break;
        }
        let mut weather = Weather::wild(seed);
        weather.lengths.boot = 100;
        let phone = phone(weather).await;
        let Ok(mut driver) = Android::connect(options(&phone), PATIENCE).await else { continue };
        for step in 0..8u32 {
            let of = Size { width: 240, height: 400 };
            let gesture = match step % 4 {
                0 => Gesture::Launch { app: "Notes".to_owned() },
                1 => Gesture::Tap { at: Spot { x: 120, y: 30 * step, of: of.into() } },
                2 => typing("你好 'x'"),
                _ => Gesture::Press { key: Key::Back },
            };
            // Nothing is done in a microsecond, on no machine.
            let within = if step == 7 { Duration::from_micros(1) } else { Duration::from_secs(4) };
            let began = Instant::now();
            let looked = driver.screen(within).await.map(drop);
            let done = driver.perform(&gesture, within).await;
            assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
            for result in [looked, done] {
                let kind = match result.map_err(|error| error.kind) {
                    Ok(()) => "done",
                    Err(DriverErrorKind::Lost { .. }) => "lost",
                    Err(DriverErrorKind::TimedOut { .. }) => "timed out",
                    Err(DriverErrorKind::Refused { .. }) => "refused",
                    Err(DriverErrorKind::NoSuchApp { .. }) => "no such app",
                    Err(DriverErrorKind::Stale) => "stale",
                    Err(DriverErrorKind::Hidden { .. }) => "hidden",
                    Err(DriverErrorKind::MalformedResponse { .. }) => "nonsense",
                };
                *kinds.entry(kind).or_insert(0) += 1;
            }
        }
    }
    for kind in expected {
        assert!(kinds.contains_key(kind), "{kind} never came: {kinds:?}");
    }
}

/// Pieces of shells, of `input`, of `am`, and of nothing.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("'".to_owned()),
        Just("\"".to_owned()),
        Just("`input keyevent 3`".to_owned()),
        Just("$(input keyevent 3)".to_owned()),
        Just("; input keyevent 3;".to_owned()),
        Just("' && input keyevent 3 && '".to_owned()),
        Just("\n input keyevent 3 \n".to_owned()),
        Just("\\".to_owned()),
        Just("%s".to_owned()),
        Just("| reboot".to_owned()),
        Just("> /sdcard/x".to_owned()),
        Just("dumpsys tapwright set wifi.on true".to_owned()),
        Just("\r".to_owned()),
        Just("2>&1".to_owned()),
        "[ -~]{0,6}",
        "[你😀é\u{202e}]{0,3}",
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// The phone on whose shell text is let loose, kept from case to case.
struct Target {
    runtime: tokio::runtime::Runtime,
    phone: Daemon,
    driver: Android,
}

fn target(keyboard: bool) -> Target {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (phone, driver) = runtime.block_on(async {
        let phone = calm().await;
        if !keyboard {
            phone.handle().happen(Event::NoAdbKeyboard);
        }
        into_a_note(&phone);
        let driver = driver(&phone).await;
        (phone, driver)
    });
    Target { runtime, phone, driver }
}

#[test]
fn no_text_is_a_command() {
    for keyboard in [true, false] {
        let mut target = target(keyboard);
        let facts = target.phone.handle().facts();
        let mut typed = 0;
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(300));
        let cell = std::cell::RefCell::new(&mut target);
        let count = std::cell::Cell::new(0);
        let result = runner.run(&hostile(), |text| {
            let mut target = cell.borrow_mut();
            let Target { runtime, phone, driver } = &mut **target;
            let before = typed_text(phone);
            match runtime.block_on(driver.perform(&typing(&text), PATIENCE)) {
                Ok(()) => {
                    count.set(count.get() + 1);
                    prop_assert_eq!(&typed_text(phone), &text);
                }
                Err(DriverError { kind: DriverErrorKind::Refused { .. }, .. }) => {
                    prop_assert_eq!(typed_text(phone), before)
                }
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            }
            prop_assert_eq!(&phone.handle().facts(), &facts, "a text did something");
            let app = Gesture::Launch { app: text.clone() };
            match runtime.block_on(driver.perform(&app, PATIENCE)) {
                Err(DriverError { kind: DriverErrorKind::NoSuchApp { .. }, .. }) => {}
                other => return Err(TestCaseError::fail(format!("{text:?}: {other:?}"))),
            }
            prop_assert_eq!(&phone.handle().facts(), &facts, "an app's name did something");
            Ok(())
        });
        result.unwrap();
        typed += count.get();
        assert!(typed > 100, "only {typed} texts were typed");
    }
}
