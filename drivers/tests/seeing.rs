//! What is seen of devices that tell it wrongly, late, of another display or of another moment.

mod fake;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use expect_test::{Expect, expect};
use fake::{Fake, Reply, Script, good_command, good_service, png, raw, script};
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind};
use tapwright_contract::gesture::Gesture;
use tapwright_contract::{Rotation, Size, Spot};
use tapwright_drivers::Rest;
use tapwright_drivers::android::{Address, Android, AndroidOptions, Capture, DeviceState, devices};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(20);

fn options(fake: &Fake) -> AndroidOptions {
    AndroidOptions { find_again: Duration::from_millis(300), wake: true, ..fake::options(fake.direct()) }
}

async fn connect(script: Script) -> (Fake, Android) {
    let fake = Fake::daemon(script).await;
    let android = Android::connect(options(&fake), PATIENCE).await.unwrap();
    (fake, android)
}

fn check<T>(result: Result<T, DriverError>, expected: Expect) {
    expected.assert_eq(&result.map_or_else(|error| error.kind.to_string(), |_| "done".to_owned()));
}

fn commands(fake: &Fake, begin: &str) -> Vec<String> {
    fake.requests().into_iter().filter(|asked| asked.starts_with(begin)).collect()
}

const TREE: &str = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"0\"><node text=\"Show picture\" \
                    class=\"android.widget.Button\" package=\"com.android.settings\" clickable=\"true\" bounds=\"[0,50][54,70]\" /></hierarchy>";

/// A phone whose `uiautomator` cannot write to a terminal. `dumps` is what it does each time it is to write a file; the files outlive
/// that, as on a phone.
fn writes_files(dumps: Vec<Option<&'static str>>) -> (Script, Arc<Mutex<BTreeMap<String, String>>>) {
    let files = Arc::<Mutex<BTreeMap<String, String>>>::default();
    let on_device = files.clone();
    let count = AtomicUsize::new(0);
    let command = move |line: &str| {
        let mut output = String::new();
        for part in line.split(" && ") {
            let words: Vec<&str> = part.split(' ').collect();
            let mut files = on_device.lock().unwrap();
            match words[..] {
                ["rm", "-f", file] => drop(files.remove(file)),
                ["uiautomator", "dump", file] => match dumps[count.fetch_add(1, Ordering::SeqCst).min(dumps.len() - 1)]
                {
                    Some(tree) => {
                        files.insert(file.to_owned(), tree.to_owned());
                        output += &format!("UI hierchary dumped to: {file}\n");
                    }
                    // With an exit code of 0, as it does.
                    None => output += "ERROR: null root node returned by UiTestAutomationBridge.\n",
                },
                ["cat", file] => match files.get(file) {
                    Some(text) => output += text,
                    None => return Some((format!("{output}cat: {file}: No such file or directory\n").into_bytes(), 1)),
                },
                _ => return good_command(line),
            }
        }
        Some((output.into_bytes(), 0))
    };
    let service = |name: &str| match name {
        "exec:uiautomator dump /dev/tty" => Reply::Say(b"UI hierchary dumped to: /dev/tty\n".to_vec()),
        name => good_service(name),
    };
    (script(service, command), files)
}

/// D2: a dump that failed left the file of the one before, which was read as the present screen.
#[tokio::test]
async fn yesterdays_tree_is_not_todays() {
    let (script, files) = writes_files(vec![Some(TREE), None, Some(TREE)]);
    let (_fake, mut android) = connect(script).await;
    assert_eq!(android.labels(PATIENCE).await.unwrap().unwrap()[0].text, "Show picture");
    assert!(files.lock().unwrap().is_empty(), "what is on the screen stays in a file: {files:?}");
    check(
        android.labels(PATIENCE).await,
        expect!["malformed response: no widget tree: ERROR: null root node returned by UiTestAutomationBridge."],
    );
    assert_eq!(android.tree(PATIENCE).await.unwrap().widgets.len(), 1);
    assert!(files.lock().unwrap().is_empty());
    // Also where the file was left by whoever died.
    let (script, files) = writes_files(vec![None]);
    files.lock().unwrap().insert("/data/local/tmp/tapwright-widgets.xml".to_owned(), TREE.to_owned());
    let (_fake, mut android) = connect(script).await;
    android.labels(PATIENCE).await.unwrap_err();
    assert!(files.lock().unwrap().is_empty());
}

/// A phone that folds: without a name `screencap` pictures the panel inside, which is off.
fn folding_phone(panels: &'static str, displays: &'static str, window: &'static str) -> Script {
    let service = |name: &str| {
        let warning = b"[Warning] Multiple displays were found, but no display id was specified! Defaulting to the first display found.\n";
        match name {
            "exec:screencap" => Reply::Say([&warning[..], &black(103, 107)].concat()),
            "exec:screencap -p" => Reply::Say([&warning[..], &png(103, 107, 0)].concat()),
            "exec:screencap -d 4619827677550801152" => Reply::Say(black(103, 107)),
            "exec:screencap -d 4619827677550801153" => Reply::Say(raw(54, 121, 200)),
            name => good_service(name),
        }
    };
    let command = move |command: &str| match command {
        "dumpsys SurfaceFlinger --display-id" => Some((panels.into(), 0)),
        command if command.starts_with("dumpsys display") => Some((displays.into(), 0)),
        command if command.starts_with("dumpsys window") => Some((window.into(), 0)),
        command => good_command(command),
    };
    script(service, command)
}

fn black(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = raw(width, height, 0);
    bytes[16..19].fill(0);
    bytes
}

const PANELS: &str = "Display 4619827677550801152 (HWC display 0): port=0 pnpId=GGL displayName=\"Common Panel\"\n\
                      Display 4619827677550801153 (HWC display 1): port=1 pnpId=GGL displayName=\"Common Panel\"\n";

#[tokio::test]
async fn the_display_that_is_on_is_pictured_and_touched() {
    // The same number on another panel.
    let displays = "  DisplayDeviceInfo{\"Inner\": uniqueId=\"local:4619827677550801152\", 103 x 107, state OFF}\n  \
        DisplayDeviceInfo{\"Outer\": uniqueId=\"local:4619827677550801153\", 54 x 121, state ON}\n    \
        mBaseDisplayInfo=DisplayInfo{\"Built-in Screen\", displayId 0, real 54 x 121, uniqueId \"local:4619827677550801153\", state ON}\n";
    for capture in [Capture::Raw, Capture::Auto] {
        let fake = Fake::daemon(folding_phone(PANELS, displays, fake::FRONT)).await;
        let mut android = Android::connect(AndroidOptions { capture, ..options(&fake) }, PATIENCE).await.unwrap();
        let screen = android.screen(PATIENCE).await.unwrap();
        assert_eq!(screen.id.size, Size { width: 54, height: 121 });
        assert_eq!(screen.picture.size(), screen.id.size);
        android.perform(&Gesture::Tap { at: Spot { x: 27, y: 60, of: screen.id } }, PATIENCE).await.unwrap();
        assert_eq!(commands(&fake, "input"), ["input tap 27 60"]);
    }
    // A display of its own on the cover.
    let displays = "mBaseDisplayInfo=DisplayInfo{\"In\", displayId 0, real 103 x 107, rotation 0, state OFF, uniqueId \"local:4619827677550801152\"}\n\
        mBaseDisplayInfo=DisplayInfo{\"Cover\", displayId 1, real 54 x 121, rotation 2, state ON, uniqueId \"local:4619827677550801153\"}\n";
    let window = "Display: mDisplayId=0\n  mCurrentFocus=Window{1 u0 com.inner/.Main}\nDisplay: mDisplayId=1\n  \
        mCurrentFocus=Window{2 u0 com.cover/.Main}\n";
    let (fake, mut android) = connect(folding_phone(PANELS, displays, window)).await;
    let screen = android.screen(PATIENCE).await.unwrap();
    assert_eq!((screen.id.display, screen.id.rotation, &*screen.front.id), (1, Rotation::Half, "com.cover"));
    let (from, to) = (Spot { x: 1, y: 2, of: screen.id }, Spot { x: 3, y: 4, of: screen.id });
    android.perform(&Gesture::Tap { at: from }, PATIENCE).await.unwrap();
    android.perform(&Gesture::Swipe { from, to, over: Duration::from_millis(5) }, PATIENCE).await.unwrap();
    assert_eq!(commands(&fake, "input"), ["input -d 1 tap 1 2", "input -d 1 swipe 1 2 3 4 5"]);
    // A spot of the display inside is no spot of this one.
    let inner = Spot { of: tapwright_contract::ScreenId { display: 0, ..screen.id }, ..from };
    let error = android.perform(&Gesture::Tap { at: inner }, PATIENCE).await.unwrap_err();
    assert!(matches!(error.kind, DriverErrorKind::Stale));
    // Nobody tells which one is on: better not seen than touched blindly.
    let (fake, mut android) = connect(folding_phone("", "Can't find service: display\n", fake::FRONT)).await;
    check(
        android.screen(PATIENCE).await,
        expect![
            "the screen cannot be seen: the phone has several displays, and the picture may be of any of them (103x107); it does not tell which display is on (`dumpsys display`, `dumpsys SurfaceFlinger --display-id`): unfold it or disconnect the other display"
        ],
    );
    assert!(commands(&fake, "input").is_empty());
}

/// Without a warning, the sizes tell.
#[tokio::test]
async fn a_picture_of_another_size_than_what_is_touched_is_of_another_display() {
    let phone = |wm: &'static str, displays: &'static str| {
        let service = |name: &str| match name {
            "exec:screencap -d 7" => Reply::Say(raw(54, 121, 200)),
            name => good_service(name),
        };
        script(service, move |command: &str| match command {
            "wm size" => Some((wm.into(), 0)),
            command if command.starts_with("dumpsys display") => Some((displays.into(), 0)),
            command => good_command(command),
        })
    };
    let on = "mBaseDisplayInfo=DisplayInfo{\"Out\", displayId 0, real 54 x 121, rotation 0, state ON, uniqueId \"local:7\"}\n";
    let (_fake, mut android) = connect(phone("Physical size: 54x121\n", on)).await;
    assert_eq!(android.screen(PATIENCE).await.unwrap().id.size, Size { width: 54, height: 121 });
    let (_fake, mut android) = connect(phone("Physical size: 80x90\n", "")).await;
    let error = android.screen(PATIENCE).await.unwrap_err();
    assert!(error.to_string().contains("touches go to one of 80x90"), "{error}");
    // A panel that is finer than what touches are counted in: the picture comes in their scale.
    let (fake, mut android) = connect(phone("Physical size: 54x120\nOverride size: 27x60\n", "")).await;
    let screen = android.screen(PATIENCE).await.unwrap();
    assert_eq!(screen.picture.size(), Size { width: 27, height: 60 });
    android.perform(&Gesture::Tap { at: Spot { x: 26, y: 59, of: screen.id } }, PATIENCE).await.unwrap();
    assert_eq!(commands(&fake, "input"), ["input tap 26 59"]);
}

/// D18: half a turn leaves the size as it was.
#[tokio::test]
async fn half_a_turn_makes_spots_stale() {
    let turn = Arc::new(AtomicUsize::new(0));
    let now = turn.clone();
    let command = move |command: &str| match command {
        command if command.starts_with("dumpsys window") => {
            let quarters = now.load(Ordering::SeqCst);
            let text = format!(
                "Display: mDisplayId=0\n  init=54x120 9dpi cur=54x120 app=1x1\n  mRotation={quarters}\n{}",
                fake::FRONT
            );
            Some((text.into_bytes(), 0))
        }
        command => good_command(command),
    };
    let (_fake, mut android) = connect(script(good_service, command)).await;
    let upright = android.screen(PATIENCE).await.unwrap().id;
    android.perform(&Gesture::Tap { at: Spot { x: 5, y: 7, of: upright } }, PATIENCE).await.unwrap();
    turn.store(2, Ordering::SeqCst);
    let turned = android.screen(PATIENCE).await.unwrap().id;
    assert_eq!((turned.size, turned.rotation), (upright.size, Rotation::Half));
    let stale = async |android: &mut Android, of| {
        let error = android.perform(&Gesture::Tap { at: Spot { x: 5, y: 7, of } }, PATIENCE).await.unwrap_err();
        assert!(matches!(error.kind, DriverErrorKind::Stale), "{error}");
    };
    stale(&mut android, upright).await;
    // And back: what was measured before is of another time.
    turn.store(0, Ordering::SeqCst);
    let back = android.screen(PATIENCE).await.unwrap().id;
    assert_ne!(back, upright);
    stale(&mut android, upright).await;
    stale(&mut android, turned).await;
    android.perform(&Gesture::Tap { at: Spot { x: 5, y: 7, of: back } }, PATIENCE).await.unwrap();
}

/// D22: an app that comes to the front while the screen is looked at must not give its name to the other's picture, nor the other way
/// round: what is forbidden goes by the name.
#[tokio::test]
async fn the_name_of_an_app_is_not_put_to_the_picture_of_another() {
    // The app in front changes after so many questions, before or after the picture of that moment is taken.
    for changes_at in 0..6 {
        let (pictures, questions) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, asked) = (questions.clone(), questions.clone());
        let service = move |name: &str| match name {
            "exec:screencap" => {
                pictures.fetch_add(1, Ordering::SeqCst);
                Reply::Say(raw(54, 120, if asked.load(Ordering::SeqCst) > changes_at { 40 } else { 200 }))
            }
            name => good_service(name),
        };
        let command = move |command: &str| match command {
            command if command.starts_with("dumpsys window") => {
                let app = if count.fetch_add(1, Ordering::SeqCst) >= changes_at { "com.after" } else { "com.before" };
                Some((format!("  mCurrentFocus=Window{{1 u0 {app}/.Main}}\n").into_bytes(), 0))
            }
            command => good_command(command),
        };
        let (_fake, mut android) = connect(script(service, command)).await;
        let screen = android.screen(PATIENCE).await.unwrap();
        let shows = if screen.picture.rgba()[4] == 40 { "com.after" } else { "com.before" };
        assert_eq!(screen.front.id, shows, "the front changes at question {changes_at}");
    }
}

/// Where that goes on and on, whatever is touched next is touched in what is in front by then; and where nobody can tell what that is,
/// the screen is not shown.
#[tokio::test]
async fn the_app_in_front_is_the_latest_or_the_screen_is_hidden() {
    let questions = Arc::new(AtomicUsize::new(0));
    let count = questions.clone();
    let command = move |command: &str| match command {
        command if command.starts_with("dumpsys window") => {
            let app = format!("com.app{}", count.fetch_add(1, Ordering::SeqCst));
            Some((format!("  mCurrentFocus=Window{{1 u0 {app}/.Main}}\n").into_bytes(), 0))
        }
        command => good_command(command),
    };
    let (_fake, mut android) = connect(script(good_service, command)).await;
    let front = android.screen(PATIENCE).await.unwrap().front.id;
    assert_eq!(front, format!("com.app{}", questions.load(Ordering::SeqCst) - 1));
    let command = |command: &str| match command {
        command if command.starts_with("dumpsys window") => {
            let focused = |app: &str| format!("  mFocusedApp=ActivityRecord{{7 u0 {app}/.Main t1}}\n");
            let focus = "  mCurrentFocus=Window{1 u0 com.bank/.Main}\n";
            Some((format!("{focus}{}{}", focused("com.bank"), focused("com.evil")).into_bytes(), 0))
        }
        command => good_command(command),
    };
    let (_fake, mut android) = connect(script(good_service, command)).await;
    let error = android.screen(PATIENCE).await.unwrap_err();
    assert!(matches!(error.kind, DriverErrorKind::Hidden { .. }), "{error}");
    assert!(error.to_string().contains("contradicts itself"), "{error}");
}

/// What only moves by itself ends a look early, and the driver says so.
#[tokio::test]
async fn a_look_says_how_it_ended() {
    // A banner of a fifth of the screen that is always another one.
    let count = AtomicUsize::new(0);
    let service = move |name: &str| match name {
        "exec:screencap" => {
            let mut picture = raw(54, 120, 200);
            let shade = (count.fetch_add(1, Ordering::SeqCst) * 37 % 199) as u8;
            picture[16 + 54 * 4 * 40..16 + 54 * 4 * 64].fill(shade);
            picture.iter_mut().skip(16 + 3).step_by(4).for_each(|alpha| *alpha = 255);
            Reply::Say(picture)
        }
        name => good_service(name),
    };
    let (_fake, mut android) = connect(script(service, good_command)).await;
    let began = Instant::now();
    android.screen(PATIENCE).await.unwrap();
    assert_eq!(android.rest(), Rest::Moving);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    android.screen(PATIENCE).await.unwrap();
    assert_eq!(android.rest(), Rest::Still, "it is known by now that the banner moves");
}

/// H1 and U-A16: what stands around a picture is not part of it; what stands in its place is the reason.
#[tokio::test]
async fn lines_around_a_picture_are_taken_off_and_lines_instead_of_one_are_told() {
    const NOISE: &[u8] = b"WARNING: linker: Warning: unable to normalize \"\"\n";
    for capture in [Capture::Raw, Capture::Png] {
        let service = |name: &str| match name {
            "exec:screencap" => Reply::Say([NOISE, &raw(54, 120, 200), NOISE].concat()),
            "exec:screencap -p" => Reply::Say([NOISE, &png(54, 120, 200), NOISE].concat()),
            name => good_service(name),
        };
        let fake = Fake::daemon(script(service, good_command)).await;
        let mut android = Android::connect(AndroidOptions { capture, ..options(&fake) }, PATIENCE).await.unwrap();
        assert_eq!(android.screen(PATIENCE).await.unwrap().picture.rgba(), &raw(54, 120, 200)[16..]);
        let service = |name: &str| match name {
            name if name.starts_with("exec:screencap") => Reply::Say(b"no permission".to_vec()),
            name => good_service(name),
        };
        let fake = Fake::daemon(script(service, good_command)).await;
        let mut android = Android::connect(AndroidOptions { capture, ..options(&fake) }, PATIENCE).await.unwrap();
        check(android.screen(PATIENCE).await, expect!["the screen cannot be seen: screencap says: no permission"]);
    }
}

/// E1: a serial with a blank in it is one serial.
#[tokio::test]
async fn serials_with_blanks_are_listed_and_reached() {
    let serial = "adb-2233fd19-9mU6UL (2)._adb-tls-connect._tcp";
    let fake = Fake::named_server(good(), serial, Vec::new()).await;
    let listed = devices(&fake.address.to_string(), PATIENCE).await.unwrap();
    assert_eq!((&*listed[0].serial, &listed[0].state), (serial, &DeviceState::Ready));
    let address = Address::Server { server: fake.address.to_string(), serial: serial.to_owned(), person: PATIENCE };
    let mut android = Android::connect(AndroidOptions { address, ..options(&fake) }, PATIENCE).await.unwrap();
    android.screen(PATIENCE).await.unwrap();
    for serial in ["", " fake", "fake ", "a\nb"] {
        let address = Address::Server { server: fake.address.to_string(), serial: serial.to_owned(), person: PATIENCE };
        let error = Android::connect(AndroidOptions { address, ..options(&fake) }, PATIENCE).await.err().unwrap();
        assert!(error.to_string().contains("is not the serial of a device"), "{error}");
    }
}

fn good() -> Script {
    script(good_service, good_command)
}

/// E2: an adb server that is still connecting to a device is asked again.
#[tokio::test]
async fn devices_that_are_coming_up_are_waited_for() {
    let attempt = async |why: &'static str, times: usize, within: Duration, person: Duration| {
        let fake = Fake::named_server(good(), "fake", vec![why; times]).await;
        let address = Address::Server { server: fake.address.to_string(), serial: "fake".to_owned(), person };
        let began = Instant::now();
        let result = Android::connect(AndroidOptions { address, ..options(&fake) }, within).await;
        (result, began.elapsed())
    };
    let short = Duration::from_millis(600);
    for why in ["device still connecting", "device still authorizing", "device offline"] {
        let (result, _) = attempt(why, 3, PATIENCE, PATIENCE).await;
        result.unwrap_or_else(|error| panic!("{why}: {error}"));
        // For ever is too long: the reason is told, in time.
        let (result, took) = attempt(why, 1000, short, PATIENCE).await;
        let error = result.err().unwrap().to_string();
        assert!(error.contains(why) && took < 2 * short, "{error} {took:?}");
    }
    // Its owner has as long as was said.
    let (result, took) = attempt("device still authorizing", 1000, PATIENCE, short).await;
    let error = result.err().unwrap().to_string();
    assert!(error.contains("confirm this computer on the device's screen") && took < 2 * short, "{error} {took:?}");
    // What does not pass is told at once.
    let (result, took) = attempt("device 'fake' not found", 1000, PATIENCE, PATIENCE).await;
    assert!(result.is_err() && took < short, "{took:?}");
}
