//! The Android driver against the virtual phone, over the real protocol on a real socket.

use std::net::SocketAddr;
use std::time::Duration;

use tapwright_contract::device::{Driver, DriverErrorKind, Screen};
use tapwright_contract::gesture::{Gesture, Key};
use tapwright_contract::{Size, Spot};
use tapwright_drivers::android::{Address, Android, AndroidOptions, Capture, Judge, Keys};
use tapwright_drivers::conformance::{self, Subject};
use tapwright_drivers::{Probe, Settle};
use tapwright_phone::adbd::{Daemon, Handle, ManualClock};
use tapwright_phone::{ADB_KEYBOARD, Icon, LATIN_KEYBOARD, MarkContent, World};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(20);

const SUBJECT: Subject<'static> =
    Subject { app: "Settings", id: "com.android.settings", misspelt: "Setings", patience: PATIENCE };

struct Phone {
    daemon: Daemon,
    handle: Handle,
}

impl Phone {
    /// A phone whose clock stands still, so that nothing moves but what is touched.
    async fn new(width: u32, height: u32) -> Phone {
        let world = World::new(tapwright_phone::Options { width, height, ..Default::default() });
        let handle = Handle::new(world, ManualClock::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let daemon = Daemon::start(listener, handle.clone(), Default::default()).unwrap();
        Phone { daemon, handle }
    }

    fn address(&self) -> Address {
        direct(self.daemon.address())
    }

    async fn driver(&self) -> Android {
        Android::connect(options(self.address()), PATIENCE).await.unwrap()
    }

    /// Where something that can be touched is, by what it shows.
    fn find(&self, wanted: impl Fn(&MarkContent) -> bool) -> Spot {
        let (marks, (width, height)) = self.handle.look(|world| (world.marks(), world.size()));
        let mark = marks.into_iter().find(|mark| wanted(&mark.what)).expect("it is on the screen");
        let (x, y) = mark.target.unwrap_or_else(|| mark.rect.center());
        Spot { x: x as u32, y: y as u32, of: Size { width, height }.into() }
    }
}

fn direct(address: SocketAddr) -> Address {
    Address::Direct { address: address.to_string(), keys: Keys::default() }
}

fn options(address: Address) -> AndroidOptions {
    AndroidOptions {
        address,
        settle: Settle::INSTANT,
        capture: Capture::Auto,
        find_again: Duration::from_millis(300),
        wake: true,
    }
}

/// Opens an empty note and puts the focus into it.
async fn into_a_note(phone: &Phone, driver: &mut Android) {
    driver.perform(&Gesture::Launch { app: "Notes".to_owned() }, PATIENCE).await.unwrap();
    driver.screen(PATIENCE).await.unwrap();
    let plus = phone.find(|what| *what == MarkContent::Icon(Icon::Plus));
    driver.perform(&Gesture::Tap { at: plus }, PATIENCE).await.unwrap();
    if !phone.handle.look(World::field_has_focus) {
        let field = phone.find(|what| *what == MarkContent::Field);
        driver.perform(&Gesture::Tap { at: field }, PATIENCE).await.unwrap();
    }
    assert!(phone.handle.look(World::field_has_focus));
}

fn typed_text(phone: &Phone) -> String {
    phone.handle.look(|world| world.field_text().map(str::to_owned)).expect("a field with the focus")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_duty_is_kept_on_each_size_of_phone_and_in_each_form_of_picture() {
    for (width, height) in [(540, 1200), (1080, 2400)] {
        for capture in [Capture::Raw, Capture::Png] {
            let phone = Phone::new(width, height).await;
            let mut driver =
                Android::connect(AndroidOptions { capture, ..options(phone.address()) }, PATIENCE).await.unwrap();
            conformance::every_duty(&mut driver, &SUBJECT).await;
        }
    }
}

#[tokio::test]
async fn the_picture_is_the_worlds() {
    let phone = Phone::new(540, 1200).await;
    for capture in [Capture::Raw, Capture::Png] {
        let mut driver =
            Android::connect(AndroidOptions { capture, ..options(phone.address()) }, PATIENCE).await.unwrap();
        let screen = driver.screen(PATIENCE).await.unwrap();
        assert_eq!(screen.picture.size(), Size { width: 540, height: 1200 });
        assert!(screen.picture.rgba() == phone.handle.look(World::draw), "{capture:?}");
        assert_eq!(screen.front.label, "System Home");
    }
}

#[tokio::test]
async fn each_app_of_the_phone_has_its_label_in_both_directions() {
    let phone = Phone::new(540, 1200).await;
    let mut driver = phone.driver().await;
    for app in phone.handle.look(World::apps) {
        driver.perform(&Gesture::Launch { app: app.label.to_owned() }, PATIENCE).await.unwrap();
        let front = driver.screen(PATIENCE).await.unwrap().front;
        assert_eq!((&*front.id, &*front.label), (app.package, app.label));
    }
    driver.perform(&Gesture::Launch { app: "System Home".to_owned() }, PATIENCE).await.unwrap();
    assert_eq!(driver.screen(PATIENCE).await.unwrap().front.label, "System Home");
    for (name, package) in [("短信", "com.android.mms"), ("闹钟", "com.android.deskclock"), ("SMS", "com.android.mms")]
    {
        driver.perform(&Gesture::Launch { app: name.to_owned() }, PATIENCE).await.unwrap();
        assert_eq!(phone.handle.look(World::front).package, package);
    }
}

#[tokio::test]
async fn touches_arrive_where_they_were_aimed() {
    let phone = Phone::new(540, 1200).await;
    let mut driver = phone.driver().await;
    driver.screen(PATIENCE).await.unwrap();
    let icon = phone.find(|what| *what == MarkContent::Word("Settings".to_owned()));
    driver.perform(&Gesture::Tap { at: icon }, PATIENCE).await.unwrap();
    // The gesture is acknowledged when it has happened: nothing has to be waited for here.
    assert_eq!(phone.handle.look(World::front).package, "com.android.settings");
    let before = driver.screen(PATIENCE).await.unwrap();
    let of = before.picture.size();
    let (low, high) = (Spot { x: 270, y: 900, of: of.into() }, Spot { x: 270, y: 400, of: of.into() });
    driver.perform(&Gesture::Swipe { from: low, to: high, over: Duration::from_millis(300) }, PATIENCE).await.unwrap();
    driver.perform(&Gesture::Press { key: Key::Back }, PATIENCE).await.unwrap();
    assert_eq!(driver.screen(PATIENCE).await.unwrap().front.label, "System Home");
}

#[tokio::test]
async fn what_is_dragged_lies_where_it_was_let_go() {
    let phone = Phone::new(1080, 2400).await;
    let mut driver = phone.driver().await;
    let before = driver.screen(PATIENCE).await.unwrap();
    let word = |label: &str| phone.find(|what| *what == MarkContent::Word(label.to_owned()));
    let (from, to) = (word("Settings"), word("Contacts"));
    let drag = Gesture::Drag { from, to, over: Duration::from_millis(300) };
    driver.perform(&drag, PATIENCE).await.unwrap();
    assert_eq!(phone.handle.facts()["launcher.icons"], "Messages, Settings, Contacts, Notes, Clock, Calendar");
    assert_eq!(word("Settings"), to);
    assert!(driver.screen(PATIENCE).await.unwrap().picture != before.picture);
    driver.perform(&Gesture::Tap { at: to }, PATIENCE).await.unwrap();
    assert_eq!(phone.handle.look(World::front).package, "com.android.settings");
}

#[tokio::test]
async fn any_text_arrives_letter_by_letter_and_the_keyboard_is_put_back() {
    let phone = Phone::new(540, 1200).await;
    assert_eq!(phone.handle.look(|world| world.input_method().to_owned()), LATIN_KEYBOARD);
    let mut driver = phone.driver().await;
    into_a_note(&phone, &mut driver).await;
    let long = "你好, world. ".repeat(500);
    for text in [
        "on my way",
        "你好，世界 😀",
        "it's \"quoted\" `x` $(input keyevent 3) ${HOME} \\ | & ; < > * ? ~ #",
        "%s 100%s %%s",
        "two\nlines",
        " blanks  at both ends ",
        "-p com.android.settings",
        &long,
        "x",
        "",
    ] {
        driver.perform(&Gesture::Type { text: text.to_owned() }, PATIENCE).await.unwrap();
        assert_eq!(typed_text(&phone), text);
    }
    assert_eq!(phone.handle.look(|world| world.input_method().to_owned()), ADB_KEYBOARD);
    driver.close(PATIENCE).await.unwrap();
    assert_eq!(phone.handle.look(|world| world.input_method().to_owned()), LATIN_KEYBOARD);
}

#[tokio::test]
async fn a_dropped_driver_puts_the_keyboard_back_too() {
    let phone = Phone::new(540, 1200).await;
    let mut driver = phone.driver().await;
    into_a_note(&phone, &mut driver).await;
    driver.perform(&Gesture::Type { text: "x".to_owned() }, PATIENCE).await.unwrap();
    let mut changes = phone.handle.changes();
    drop(driver);
    let back = async {
        while phone.handle.look(|world| world.input_method().to_owned()) != LATIN_KEYBOARD {
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, back).await.unwrap();
}

#[tokio::test]
async fn judges_read_and_prepare_what_is_true() {
    let phone = Phone::new(540, 1200).await;
    let mut judge = Judge::new(phone.address());
    let facts = judge.facts(PATIENCE).await.unwrap();
    assert_eq!(facts, phone.handle.facts());
    let flipped = if facts["wifi.on"] == "true" { "false" } else { "true" };
    judge.set("wifi.on", flipped, PATIENCE).await.unwrap();
    assert_eq!(judge.facts(PATIENCE).await.unwrap()["wifi.on"], flipped);
    for (name, value) in [("wifi.onn", "true"), ("wifi.on", "maybe"), ("$(reboot)", "'"), ("a\nb", "c")] {
        let error = judge.set(name, value, PATIENCE).await.unwrap_err();
        assert!(matches!(error.kind, DriverErrorKind::Refused { .. }), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_phone_that_is_unplugged_is_lost_and_one_that_comes_back_is_found() {
    let phone = Phone::new(540, 1200).await;
    let mut driver = phone.driver().await;
    driver.screen(PATIENCE).await.unwrap();
    let (address, handle) = (phone.daemon.address(), phone.handle.clone());
    phone.daemon.kill().await;
    let began = Instant::now();
    let error = driver.screen(PATIENCE).await.unwrap_err();
    assert!(matches!(error.kind, DriverErrorKind::Lost { .. }), "{error}");
    let error = driver.perform(&Gesture::Press { key: Key::Home }, PATIENCE).await.unwrap_err();
    assert!(matches!(error.kind, DriverErrorKind::Lost { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(3));

    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let _daemon = Daemon::start(listener, handle, Default::default()).unwrap();
    driver.screen(PATIENCE).await.unwrap();
    driver.perform(&Gesture::Press { key: Key::Home }, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn several_drivers_share_one_phone() {
    let phone = Phone::new(540, 1200).await;
    let mut drivers = [phone.driver().await, phone.driver().await, phone.driver().await];
    drivers[0].perform(&Gesture::Launch { app: "Clock".to_owned() }, PATIENCE).await.unwrap();
    let screens: Vec<Screen> = {
        let mut screens = Vec::new();
        for driver in &mut drivers {
            screens.push(driver.screen(PATIENCE).await.unwrap());
        }
        screens
    };
    assert!(screens.iter().all(|screen| *screen == screens[0]));
    assert_eq!(screens[0].front.label, "Clock");
}
