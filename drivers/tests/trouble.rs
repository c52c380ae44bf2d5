//! Devices that break, lie, stall and change: every one ends in an error that says what to do, and in time.

mod fake;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use expect_test::{Expect, expect};
use fake::{Fake, Reply, Script, good, good_command, good_service, packet, png, raw, script};
use proptest::prelude::*;
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind};
use tapwright_contract::gesture::{Gesture, Key};
use tapwright_contract::{Size, Spot};
use tapwright_drivers::android::{Address, Android, AndroidOptions, Capture, DeviceState, Keys, devices};
use tapwright_drivers::{Rest, Settle};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(300);

fn options(address: Address) -> AndroidOptions {
    AndroidOptions {
        capture: Capture::Auto,
        find_again: Duration::from_millis(200),
        wake: true,
        ..fake::options(address)
    }
}

fn direct(fake: &Fake) -> AndroidOptions {
    options(fake.direct())
}

fn through(fake: &Fake) -> AndroidOptions {
    options(Address::Server { server: fake.address.to_string(), serial: "fake".to_owned(), person: SHORT })
}

async fn connect(script: Script) -> (Fake, Android) {
    let fake = Fake::daemon(script).await;
    let android = Android::connect(direct(&fake), PATIENCE).await.unwrap();
    (fake, android)
}

fn tap() -> Gesture {
    let of = Size { width: 54, height: 120 };
    Gesture::Tap { at: Spot { x: 5, y: 7, of: of.into() } }
}

fn error_text<T>(result: Result<T, DriverError>) -> String {
    match result {
        Ok(_) => "done".to_owned(),
        Err(error) => {
            let text = error.to_string().replace(&error.device, "DEVICE");
            // Ports and times differ.
            let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            for at in 1..words.len() {
                if words[at] == "ms" {
                    words[at - 1] = "N".to_owned();
                }
            }
            words.join(" ")
        }
    }
}

fn check<T>(result: Result<T, DriverError>, expected: Expect) {
    expected.assert_eq(&error_text(result));
}

#[tokio::test]
async fn a_good_device_is_seen_and_touched_over_either_transport() {
    let daemon = Fake::daemon(good()).await;
    let server = Fake::server(good()).await;
    for (fake, options) in [(&daemon, direct(&daemon)), (&server, through(&server))] {
        for capture in [Capture::Auto, Capture::Raw, Capture::Png] {
            let mut android = Android::connect(AndroidOptions { capture, ..options.clone() }, PATIENCE).await.unwrap();
            let screen = android.screen(PATIENCE).await.unwrap();
            assert_eq!(screen.picture.size(), Size { width: 54, height: 120 });
            assert_eq!(screen.picture.rgba(), &raw(54, 120, 200)[16..]);
            assert_eq!((&*screen.front.id, &*screen.front.label), ("com.android.settings", "Settings"));
            android.perform(&tap(), PATIENCE).await.unwrap();
        }
        let taps = fake.requests().iter().filter(|asked| *asked == "input tap 5 7").count();
        assert_eq!(taps, 3);
    }
    let listed = devices(&server.address.to_string(), PATIENCE).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&*listed[0].serial, &listed[0].state, &*listed[0].model), ("fake", &DeviceState::Ready, "Fake_1"));
}

#[tokio::test]
async fn sums_are_kept_where_the_device_wants_them() {
    let (_fake, mut android) = connect(Script { version: 0x0100_0000, ..good() }).await;
    android.screen(PATIENCE).await.unwrap();
    android.perform(&tap(), PATIENCE).await.unwrap();
}

#[tokio::test]
async fn commands_share_one_shell_and_the_second_look_ends_the_wait() {
    let (fake, mut android) = connect(good()).await;
    android.screen(PATIENCE).await.unwrap();
    android.perform(&tap(), PATIENCE).await.unwrap();
    android.perform(&tap(), PATIENCE).await.unwrap();
    let count = |wanted: &str| fake.requests().iter().filter(|asked| asked.as_str() == wanted).count();
    assert_eq!(count("shell,v2,raw:"), 1);
    assert_eq!(count("exec:screencap"), 2);
    assert_eq!(fake.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_device_without_a_lasting_shell_gets_one_for_each_command() {
    for lasting in [Reply::Refuse, Reply::Say(vec![]), Reply::Say(b"\x01\xff\xff\xff\xff".to_vec())] {
        let service = move |name: &str| match name {
            "shell,v2,raw:" => lasting.clone(),
            name => match name.strip_prefix("shell,v2,raw:") {
                Some(command) => {
                    let (output, code) = good_command(command).unwrap();
                    Reply::Say([fake::frame(1, &output), fake::frame(3, &[code])].concat())
                }
                None => good_service(name),
            },
        };
        let (fake, mut android) = connect(script(service, |_| unreachable!())).await;
        assert_eq!(android.screen(PATIENCE).await.unwrap().front.label, "Settings");
        android.perform(&tap(), PATIENCE).await.unwrap();
        assert!(fake.requests().contains(&"shell,v2,raw:input tap 5 7".to_owned()));
        // It is tried once, not before every command.
        assert_eq!(fake.requests().iter().filter(|asked| *asked == "shell,v2,raw:").count(), 1);
    }
}

#[tokio::test]
async fn a_device_with_the_old_shell_is_understood() {
    let service = |name: &str| match name.strip_prefix("shell:").and_then(|line| line.split_once("; echo ")) {
        Some((command, end)) => {
            let (output, code) = good_command(command).unwrap();
            let output = String::from_utf8(output).unwrap().replace('\n', "\r\n");
            Reply::Say(format!("{output}{}:{code}\r\n", end.strip_suffix(":$?").unwrap()).into_bytes())
        }
        None => good_service(name),
    };
    let script = Script { banner: "device::".to_owned(), ..script(service, |_| unreachable!()) };
    let (_fake, mut android) = connect(script).await;
    assert_eq!(android.screen(PATIENCE).await.unwrap().front.label, "Settings");
    android.perform(&tap(), PATIENCE).await.unwrap();
}

#[tokio::test]
async fn nobody_there() {
    let fake = Fake::daemon(good()).await;
    let (a, b) = (direct(&fake), through(&fake));
    drop(fake);
    tokio::task::yield_now().await;
    let error = error_text(Android::connect(a, PATIENCE).await);
    assert!(error.starts_with("DEVICE: cannot connect: the device is lost: no device answers at DEVICE: "), "{error}");
    assert!(error_text(Android::connect(b, PATIENCE).await).contains("start one with `adb start-server`"));
}

#[tokio::test]
async fn a_device_that_wants_a_key_or_is_in_no_state_says_so() {
    let fake = Fake::daemon(Script { banner: "AUTH01234567890123456789".to_owned(), ..good() }).await;
    check(
        Android::connect(direct(&fake), PATIENCE).await,
        expect![
            "DEVICE: cannot connect: refused: the device wants to know the key of this computer, and there is none: go through an adb server, which makes its own (`adb connect DEVICE`, allow it on the device, then use the serial DEVICE)"
        ],
    );
    let fake = Fake::daemon(Script { banner: "recovery::".to_owned(), ..good() }).await;
    check(
        Android::connect(direct(&fake), PATIENCE).await,
        expect![[r#"DEVICE: cannot connect: refused: the device says that it is "recovery""#]],
    );
    let fake = Fake::server(good()).await;
    let serial = "other".to_owned();
    let lost = options(Address::Server { server: fake.address.to_string(), serial, person: SHORT });
    check(
        Android::connect(lost, PATIENCE).await,
        expect!["DEVICE: cannot connect: the device is lost: adb server: device 'DEVICE' not found"],
    );
}

#[tokio::test]
async fn a_device_that_dies_in_the_middle_is_lost_at_once() {
    for (service, gesture) in [("exec:screencap", false), ("shell,v2,raw:", true)] {
        let calls = Arc::new(AtomicUsize::new(0));
        let script = script(
            move |name| match name {
                // The third picture is the first after the tap.
                name if name == service && (gesture || calls.fetch_add(1, Ordering::SeqCst) >= 2) => Reply::Unplug,
                name => good_service(name),
            },
            good_command,
        );
        let fake = Fake::daemon(script).await;
        let mut android = Android::connect(direct(&fake), PATIENCE).await.unwrap();
        if !gesture {
            android.screen(PATIENCE).await.unwrap();
        }
        let began = Instant::now();
        drop(fake); // Nor can it be found again.
        let result = if gesture {
            android.perform(&Gesture::Press { key: Key::Home }, PATIENCE).await
        } else {
            android.screen(PATIENCE).await.map(drop)
        };
        assert!(began.elapsed() < Duration::from_secs(2));
        match result.unwrap_err().kind {
            DriverErrorKind::Lost { why } => assert!(why.contains("to find the device again: gave up after"), "{why}"),
            kind => panic!("{kind}"),
        }
    }
}

#[tokio::test]
async fn a_device_that_goes_in_good_order_is_lost_and_not_a_protected_window() {
    for (service, gesture) in [("exec:screencap", false), ("shell,v2,raw:", true)] {
        for direct_way in [true, false] {
            let vanishing =
                script(move |name| if name == service { Reply::Vanish } else { good_service(name) }, good_command);
            let fake = if direct_way { Fake::daemon(vanishing).await } else { Fake::server(vanishing).await };
            let options = if direct_way { direct(&fake) } else { through(&fake) };
            let mut android =
                Android::connect(AndroidOptions { capture: Capture::Raw, ..options }, PATIENCE).await.unwrap();
            let result = if gesture {
                android.perform(&Gesture::Press { key: Key::Home }, PATIENCE).await
            } else {
                android.screen(PATIENCE).await.map(drop)
            };
            let error = result.unwrap_err();
            assert!(matches!(error.kind, DriverErrorKind::Lost { .. }), "{service} {direct_way}: {error}");
        }
    }
}

#[tokio::test]
async fn a_broken_connection_is_mended_and_a_gesture_is_never_repeated() {
    let unplugged = Arc::new(AtomicUsize::new(0));
    let count = unplugged.clone();
    let script = script(
        move |name| match name {
            "exec:screencap" if count.fetch_add(1, Ordering::SeqCst) == 0 => Reply::Unplug,
            name => good_service(name),
        },
        good_command,
    );
    let (fake, mut android) = connect(script).await;
    // Looking does no harm, so it is done again.
    android.screen(PATIENCE).await.unwrap();
    assert_eq!(fake.connections.load(Ordering::SeqCst), 2);

    let taps = Arc::new(AtomicUsize::new(0));
    let count = taps.clone();
    let dies = fake::script(good_service, move |command| match command {
        "input tap 5 7" => {
            count.fetch_add(1, Ordering::SeqCst);
            Some((b"\xff".repeat(5 << 20), 0)) // So much that the driver gives the shell up.
        }
        command => good_command(command),
    });
    let (_fake, mut android) = connect(dies).await;
    android.screen(PATIENCE).await.unwrap();
    check(
        android.perform(&tap(), PATIENCE).await,
        expect!["DEVICE: cannot tap: malformed response: a command printed more than 4194304 bytes"],
    );
    assert_eq!(taps.load(Ordering::SeqCst), 1);
    // The next one has a fresh shell.
    android.perform(&Gesture::Press { key: Key::Back }, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_gesture_on_a_connection_that_breaks_may_have_happened() {
    let shells = Arc::new(AtomicUsize::new(0));
    let script = script(
        move |name| match name {
            "shell,v2,raw:" if shells.fetch_add(1, Ordering::SeqCst) == 0 => Reply::Unplug,
            name => good_service(name),
        },
        good_command,
    );
    let (fake, mut android) = connect(script).await;
    check(
        android.perform(&Gesture::Press { key: Key::Home }, PATIENCE).await,
        expect!["DEVICE: cannot press a key: timed out: the device closed the connection; the device is back"],
    );
    assert!(!fake.requests().contains(&"input keyevent 3".to_owned()));
    android.perform(&Gesture::Press { key: Key::Home }, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_device_that_never_answers_times_out_and_says_what_was_waited_for() {
    let silent = |name: &str| match name {
        "exec:screencap" => Reply::Silence,
        name => good_service(name),
    };
    let (_fake, mut android) = connect(script(silent, good_command)).await;
    check(
        android.screen(SHORT).await,
        expect![
            "DEVICE: cannot take a picture: timed out: a picture of the screen: gave up after N ms and 1 try; the last: a picture: gave up after N ms"
        ],
    );
    let (_fake, mut android) = connect(script(|_| Reply::Deaf, good_command)).await;
    assert!(error_text(android.screen(SHORT).await).contains("timed out: a picture of the screen"));
    let stuck = |command: &str| if command.starts_with("input") { None } else { good_command(command) };
    let (_fake, mut android) = connect(script(good_service, stuck)).await;
    let began = Instant::now();
    check(
        android.perform(&Gesture::Press { key: Key::Back }, SHORT).await,
        expect!["DEVICE: cannot press a key: timed out: `input` to end: gave up after N ms"],
    );
    assert!(SHORT <= began.elapsed() && began.elapsed() < 10 * SHORT);
    // And the next operation does not meet its answer.
    assert_eq!(android.screen(PATIENCE).await.unwrap().front.label, "Settings");

    // A peer that takes the connection and says nothing, of either kind.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = mute.local_addr().unwrap().to_string();
    let result =
        Android::connect(options(Address::Direct { address: address.clone(), keys: Keys::default() }), SHORT).await;
    assert!(matches!(result.err().unwrap().kind, DriverErrorKind::TimedOut { .. }));
    let result =
        Android::connect(options(Address::Server { server: address, serial: "x".into(), person: SHORT }), SHORT).await;
    assert!(matches!(result.err().unwrap().kind, DriverErrorKind::TimedOut { .. }));
}

#[tokio::test]
async fn a_screen_that_never_rests_is_returned_when_the_time_is_up() {
    let count = Arc::new(AtomicUsize::new(0));
    let shades = count.clone();
    let restless = move |name: &str| match name {
        "exec:screencap" => Reply::Say(raw(54, 120, (31 * shades.fetch_add(1, Ordering::SeqCst)) as u8)),
        name => good_service(name),
    };
    let (_fake, mut android) = connect(script(restless, good_command)).await;
    let began = Instant::now();
    let screen = android.screen(SHORT).await.unwrap();
    assert!(began.elapsed() >= SHORT);
    let looks = count.load(Ordering::SeqCst);
    let last = [looks - 1, looks - 2].map(|look| (31 * look) as u8); // The very last one may have come too late.
    assert!(looks > 2 && last.contains(&screen.picture.rgba()[4]), "not the last picture");
    assert_eq!(android.rest(), Rest::OutOfTime);
    assert_eq!(screen.front.label, "Settings");
}

#[tokio::test]
async fn a_screen_that_settles_is_returned_when_it_does() {
    let looks = Arc::new(AtomicUsize::new(0));
    let count = looks.clone();
    let settles = move |name: &str| match name {
        "exec:screencap" => Reply::Say(raw(54, 120, 40 * count.fetch_add(1, Ordering::SeqCst).min(4) as u8)),
        name => good_service(name),
    };
    let (_fake, mut android) = connect(script(settles, good_command)).await;
    let screen = android.screen(PATIENCE).await.unwrap();
    assert_eq!(screen.picture.rgba()[4], 160);
    assert_eq!(looks.load(Ordering::SeqCst), 6); // 0 1 2 3 4 4
    assert_eq!(android.rest(), Rest::Still);
}

#[tokio::test]
async fn an_app_that_reacts_late_is_waited_for() {
    // It changes on the sixth picture after the tap.
    let tapped = Arc::new(AtomicUsize::new(0));
    let (seen, touched) = (tapped.clone(), tapped.clone());
    let late = move |name: &str| match name {
        "exec:screencap" => {
            let looks = seen.load(Ordering::SeqCst);
            if looks > 0 {
                seen.fetch_add(1, Ordering::SeqCst);
            }
            Reply::Say(raw(54, 120, if looks > 5 { 90 } else { 10 }))
        }
        name => good_service(name),
    };
    let command = move |command: &str| {
        if command.starts_with("input tap") {
            touched.store(1, Ordering::SeqCst);
        }
        good_command(command)
    };
    let fake = Fake::daemon(script(late, command)).await;
    let patient = Settle { grace: Duration::from_secs(5), ..Settle::INSTANT };
    let mut android = Android::connect(AndroidOptions { settle: patient, ..direct(&fake) }, PATIENCE).await.unwrap();
    assert_eq!(android.screen(PATIENCE).await.unwrap().picture.rgba()[4], 10);
    android.perform(&tap(), PATIENCE).await.unwrap();
    let began = Instant::now();
    assert_eq!(android.screen(PATIENCE).await.unwrap().picture.rgba()[4], 90);
    assert!(began.elapsed() < Duration::from_secs(4), "the change ends the wait, not the clock");
}

#[tokio::test]
async fn pictures_that_are_none_are_told_as_what_they_are() {
    async fn check_picture(bytes: Vec<u8>, expected: Expect) {
        let service = move |name: &str| match name {
            "exec:screencap -p" => Reply::Say(bytes.clone()),
            name => good_service(name),
        };
        let fake = Fake::daemon(script(service, good_command)).await;
        let mut android =
            Android::connect(AndroidOptions { capture: Capture::Png, ..direct(&fake) }, PATIENCE).await.unwrap();
        check(android.screen(PATIENCE).await, expected);
    }
    let whole = png(54, 120, 200);
    check_picture(
        // A fixed length: how well the encoder packs differs between processors.
        whole[..100].to_vec(),
        expect!["DEVICE: cannot take a picture: malformed response: a truncated screenshot (100 bytes)"],
    )
    .await;
    check_picture(
        vec![],
        expect!["DEVICE: cannot take a picture: the screen cannot be seen: screencap sent nothing, as it does for protected windows"],
    )
    .await;
    check_picture(
        b"Status: -1\nFailed to take screenshot. Status: -1\n".to_vec(),
        expect!["DEVICE: cannot take a picture: the screen cannot be seen: screencap says: Failed to take screenshot. Status: -1"],
    )
    .await;
    check_picture(
        vec![0xaa; 70_000],
        expect!["DEVICE: cannot take a picture: malformed response: 70000 bytes that are no screenshot"],
    )
    .await;
    check_picture([b"[Warning] Multiple displays\n".to_vec(), whole].concat(), expect!["DEVICE: cannot take a picture: the screen cannot be seen: the phone has several displays, and the picture may be of any of them (54x120); it does not tell which display is on (`dumpsys display`, `dumpsys SurfaceFlinger --display-id`): unfold it or disconnect the other display"]).await;
}

#[tokio::test]
async fn a_half_sent_picture_is_taken_again() {
    let looks = AtomicUsize::new(0);
    let flaky = move |name: &str| match name {
        "exec:screencap" if looks.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) => {
            Reply::Say(raw(54, 120, 200)[..9000].to_vec())
        }
        name => good_service(name),
    };
    let fake = Fake::daemon(script(flaky, good_command)).await;
    let mut android =
        Android::connect(AndroidOptions { capture: Capture::Raw, ..direct(&fake) }, PATIENCE).await.unwrap();
    assert_eq!(android.screen(PATIENCE).await.unwrap().picture.rgba(), &raw(54, 120, 200)[16..]);
}

#[tokio::test]
async fn a_dark_screen_is_hidden_and_a_black_app_is_not() {
    for (state, expected) in [
        ("Asleep", expect!["DEVICE: cannot take a picture: the screen cannot be seen: the display is off (Asleep)"]),
        ("Awake", expect!["done"]),
    ] {
        let service = |name: &str| match name {
            "exec:screencap" => {
                let mut black = raw(54, 120, 0);
                black[16..19].fill(0);
                Reply::Say(black)
            }
            name => good_service(name),
        };
        let command = move |command: &str| match command {
            "dumpsys power | grep mWakefulness=" => Some((format!("  mWakefulness={state}\n").into_bytes(), 0)),
            command => good_command(command),
        };
        let (_fake, mut android) = connect(script(service, command)).await;
        check(android.screen(PATIENCE).await, expected);
    }
}

/// Old phones have no grep: then the whole answer is read, or their black pictures would be taken for screens.
#[tokio::test]
async fn a_dark_and_a_protected_screen_are_hidden_on_a_device_without_grep() {
    const WINDOWS: &str = "  Window #1 Window{1 u0 com.bank/.Main}:\n    mAttrs=WM.LayoutParams{ty=1 fl=#2000}\n  \
         mCurrentFocus=Window{1 u0 com.bank/.Main}\n";
    for (state, expected) in [
        ("Asleep", expect!["DEVICE: cannot take a picture: the screen cannot be seen: the display is off (Asleep)"]),
        (
            "Awake",
            expect![
                "DEVICE: cannot take a picture: the screen cannot be seen: the app in front protects its window, so pictures of it are black; its words can be had from the UI tree"
            ],
        ),
    ] {
        let service = |name: &str| match name {
            "exec:screencap" => Reply::Say(raw(54, 120, 0)),
            name => good_service(name),
        };
        let command = move |command: &str| match command {
            command if command.contains("grep") => Some((b"/system/bin/sh: grep: not found\n".to_vec(), 127)),
            "dumpsys power" => Some((format!("POWER MANAGER\n  mWakefulness={state}\n").into_bytes(), 0)),
            "dumpsys window" => Some((WINDOWS.into(), 0)),
            command => good_command(command),
        };
        let (_fake, mut android) = connect(script(service, command)).await;
        check(android.screen(PATIENCE).await, expected);
    }
}

#[tokio::test]
async fn a_spot_from_before_the_display_turned_is_stale() {
    let turned = Arc::new(AtomicUsize::new(0));
    let state = turned.clone();
    let turns = move |name: &str| match name {
        "exec:screencap" if state.load(Ordering::SeqCst) == 1 => Reply::Say(raw(120, 54, 200)),
        name => good_service(name),
    };
    let (fake, mut android) = connect(script(turns, good_command)).await;
    check(
        android.perform(&tap(), PATIENCE).await,
        expect!["DEVICE: cannot tap: the display has changed since the spot was measured"],
    );
    android.screen(PATIENCE).await.unwrap();
    android.perform(&tap(), PATIENCE).await.unwrap();
    turned.store(1, Ordering::SeqCst);
    assert_eq!(android.screen(PATIENCE).await.unwrap().picture.size(), Size { width: 120, height: 54 });
    check(
        android.perform(&tap(), PATIENCE).await,
        expect!["DEVICE: cannot tap: the display has changed since the spot was measured"],
    );
    assert_eq!(fake.requests().iter().filter(|asked| asked.starts_with("input")).count(), 1);
}

#[tokio::test]
async fn refusals_of_the_device_are_told() {
    async fn check_answer(output: &'static str, code: u8, expected: Expect) {
        let command = move |command: &str| match command.split(' ').next() {
            Some("input") => Some((output.into(), code)),
            _ => good_command(command),
        };
        let (_fake, mut android) = connect(script(good_service, command)).await;
        check(android.perform(&Gesture::Press { key: Key::Back }, PATIENCE).await, expected);
    }
    check_answer("", 0, expect!["done"]).await;
    check_answer(
        "Error: Invalid arguments\n",
        0,
        expect!["DEVICE: cannot press a key: refused: Error: Invalid arguments"],
    )
    .await;
    check_answer("Killed\n", 137, expect!["DEVICE: cannot press a key: refused: Killed (exit code 137)"]).await;
    check_answer(
        "java.lang.SecurityException: Injecting to another application requires INJECT_EVENTS permission\n",
        255,
        expect![[r#"DEVICE: cannot press a key: refused: the device does not let adb touch its screen: turn on "USB debugging (Security settings)" in its developer options (on Xiaomi phones that needs a signed-in account and a SIM card), then connect it again"#]],
    )
    .await;
}

#[tokio::test]
async fn a_device_without_draganddrop_is_told_each_movement_and_one_without_that_refuses() {
    async fn drag(knows_movements: bool) -> (Vec<String>, Result<(), DriverError>) {
        let command = move |command: &str| {
            let unknown =
                |verb: &str| Some((format!("Error: Unknown command: {verb}\nUsage: input …\n").into_bytes(), 1));
            match command {
                command if command.starts_with("input draganddrop") => unknown("draganddrop"),
                command if command.contains("input motionevent") && !knows_movements => unknown("motionevent"),
                command if command.starts_with("{ input motionevent") => Some((vec![], 0)),
                command => good_command(command),
            }
        };
        let (fake, mut android) = connect(script(good_service, command)).await;
        let of = android.screen(PATIENCE).await.unwrap().picture.size();
        let (from, to) = (Spot { x: 40, y: 20, of: of.into() }, Spot { x: 10, y: 80, of: of.into() });
        let done = android.perform(&Gesture::Drag { from, to, over: Duration::from_millis(300) }, PATIENCE).await;
        (fake.requests().into_iter().filter(|asked| asked.contains("input ")).collect(), done)
    }
    let (asked, done) = drag(true).await;
    done.unwrap();
    expect![[r#"
        input draganddrop 40 20 10 80 300
        { input motionevent DOWN 40 20 && { sleep 0.7; input motionevent MOVE 35 30; input motionevent MOVE 30 40; input motionevent MOVE 25 50; input motionevent MOVE 20 60; input motionevent MOVE 15 70; input motionevent MOVE 10 80; input motionevent UP 10 80; }; }"#]]
    .assert_eq(&asked.join("\n"));
    let (_, refused) = drag(false).await;
    check(
        refused,
        expect![
            "DEVICE: cannot drag: refused: this Android cannot drag: its `input` knows neither `draganddrop` nor `motionevent`"
        ],
    );
}

#[tokio::test]
async fn text_without_the_adb_keyboard_is_ascii_or_refused() {
    let command = |command: &str| match command {
        "ime list -s" | "ime list -s -a" => Some((b"com.android.inputmethod.latin/.LatinIME\n".to_vec(), 0)),
        command if command.starts_with("input keycombination") => {
            Some((b"Error: Unknown command: keycombination\n".to_vec(), 0))
        }
        command => good_command(command),
    };
    let (fake, mut android) = connect(script(good_service, command)).await;
    let text = "it's 100%s $(reboot); `x`".to_owned();
    android.perform(&Gesture::Type { text }, PATIENCE).await.unwrap();
    let typed: Vec<String> = fake.requests().into_iter().filter(|asked| asked.starts_with("input text")).collect();
    assert_eq!(typed, [r"input text 'it'\''s%s100%'", "input text 's%s$(reboot);%s`x`'"]);
    let deletions = format!("input keyevent 123{}", " 67".repeat(100));
    assert!(fake.requests().contains(&deletions));
    check(
        android.perform(&Gesture::Type { text: "你好".to_owned() }, PATIENCE).await,
        expect![
            "DEVICE: cannot type: refused: this device can be sent plain ASCII only, and '你' is not: install ADB Keyboard (com.android.adbkeyboard) on it to type any script"
        ],
    );
}

#[tokio::test]
async fn malformed_packets_end_the_connection_and_nothing_else() {
    let mut huge = packet(b"WRTE", 1, 1, b"");
    huge[12..16].fill(0xff); // Four gigabytes are announced.
    for bytes in [vec![0; 24], vec![0xff; 100], packet(b"HELO", 1, 1, b""), huge] {
        // Once; a driver that ignored it would wait for the picture until the end.
        let (spill, count) = (bytes.clone(), AtomicUsize::new(0));
        let spills = move |name: &str| match name {
            "exec:screencap" if count.fetch_add(1, Ordering::SeqCst) == 0 => Reply::Spill(spill.clone()),
            name => good_service(name),
        };
        let (fake, mut android) = connect(script(spills, good_command)).await;
        let began = Instant::now();
        let first = android.screen(Duration::from_secs(30)).await;
        assert!(began.elapsed() < Duration::from_secs(5), "{bytes:?} was waited out: {}", error_text(first));
        if let Err(error) = first {
            let kind = &error.kind;
            let is_told = matches!(kind, DriverErrorKind::MalformedResponse { .. } | DriverErrorKind::Lost { .. });
            assert!(is_told, "{bytes:?}: {error}");
        }
        android.screen(Duration::from_secs(30)).await.unwrap();
        android.perform(&tap(), PATIENCE).await.unwrap();
        assert_eq!(fake.connections.load(Ordering::SeqCst), 2, "{bytes:?} did not end the connection");
    }
}

#[tokio::test]
async fn a_device_that_floods_is_cut_off() {
    // More than 64 MiB, of which each piece is held until it is read.
    for (piece, times) in [(1 << 20, 64), (1, 1_000_000)] {
        let first = AtomicUsize::new(0);
        let floods = move |name: &str| match name {
            // Nobody reads a shell that is idle.
            "shell,v2,raw:" if first.fetch_add(1, Ordering::SeqCst) == 0 => {
                Reply::ShellThenFlood(vec![7; piece], times)
            }
            name => good_service(name),
        };
        let (fake, mut android) = connect(script(floods, good_command)).await;
        let home = Gesture::Press { key: Key::Home };
        android.perform(&home, PATIENCE).await.unwrap();
        fake.begin_flood();
        let sent = || fake.flooded.load(Ordering::SeqCst);
        let over = async {
            let mut before = 0;
            while sent() == 0 || sent() != before {
                before = sent();
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        tokio::time::timeout(6 * PATIENCE, over).await.expect("a flood ends");
        assert!(0 < sent() && sent() < times, "{} of {times} pieces of {piece} bytes were taken", sent());
        // It is the connection that ended, and the next one is as good as new.
        let _ = android.perform(&home, PATIENCE).await;
        android.perform(&home, PATIENCE).await.unwrap();
        assert_eq!(fake.connections.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn a_picture_without_end_is_given_up() {
    let floods = |name: &str| match name {
        "exec:screencap" => Reply::Flood(vec![1; 1 << 20], 1000),
        name => good_service(name),
    };
    let fake = Fake::daemon(script(floods, good_command)).await;
    let mut android =
        Android::connect(AndroidOptions { capture: Capture::Raw, ..direct(&fake) }, PATIENCE).await.unwrap();
    let error = android.screen(PATIENCE).await.unwrap_err();
    assert!(matches!(error.kind, DriverErrorKind::MalformedResponse { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever a daemon or a server answers to anything, the driver returns in time and does not panic.
    #[test]
    fn garbage_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0usize..5) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let services = ["exec:screencap", "exec:screencap -p", "shell,v2,raw:"];
            let garbage = bytes.clone();
            let service = move |name: &str| match services.iter().position(|service| *service == name) {
                Some(0) if at == 0 => Reply::Spill(garbage.clone()),
                Some(found) if at == found + 1 => Reply::Say(garbage.clone()),
                _ => good_service(name),
            };
            let command = move |command: &str| if at == 4 { Some((bytes.clone(), 0)) } else { good_command(command) };
            let short = Duration::from_millis(50);
            let fake = Fake::daemon(script(service, command)).await;
            let mut android = Android::connect(direct(&fake), PATIENCE).await.unwrap();
            for _ in 0..2 {
                let _ = android.screen(short).await;
                let _ = android.perform(&tap(), short).await;
                let _ = android.perform(&Gesture::Launch { app: "Settings".to_owned() }, short).await;
                let _ = android.perform(&Gesture::Type { text: "hello".to_owned() }, short).await;
            }
        });
    }
}

#[cfg(feature = "adb-client")]
#[tokio::test]
async fn phones_are_found_and_paired_through_a_server() {
    use tapwright_drivers::android::{announced_phones, pair};
    let fake = Fake::server(good()).await;
    let server = fake.address.to_string();
    let found = announced_phones(&server, PATIENCE).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&*found[0].service, &*found[0].address), ("_adb-tls-pairing._tcp", "192.168.1.20:37123"));
    pair(&server, &found[0].address, "123456", PATIENCE).await.unwrap();
    check(
        pair(&server, &found[0].address, "654321", PATIENCE).await,
        expect!["DEVICE: cannot pair: refused: ADB request failed - Failed: Wrong password or connection was dropped."],
    );
    check(
        pair(&server, "192.168.1.20:37123", "1:2", PATIENCE).await,
        expect!["DEVICE: cannot pair: refused: a pairing code has digits only"],
    );
    drop(fake);
    tokio::task::yield_now().await;
    let error = announced_phones(&server, PATIENCE).await.unwrap_err();
    assert!(matches!(error.kind, DriverErrorKind::Lost { .. }), "{error}");
}
