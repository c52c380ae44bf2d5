//! The duties of every driver, as functions over `&mut dyn Driver`. A new driver is done when it passes all of them.
//!
//! They panic where a duty is not kept, and so belong into tests. Nobody else may touch the device meanwhile, and its
//! clock had better stand still, since a screen that ticks looks different. They leave it at its home screen.

use std::time::Duration;

use tapwright_contract::device::{Driver, DriverErrorKind, Screen};
use tapwright_contract::gesture::{Button, Clicks, Gesture, Key, KeyName, Modifier, WindowChange};
use tapwright_contract::{ScreenId, Size, Spot};

/// What the suite may use on the device at hand.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// An app that is there, by its label.
    pub app: &'a str,
    /// Its id on the platform.
    pub id: &'a str,
    /// Its label with a letter missing: too far off to be guessed or not, but near enough to be named or understood.
    pub misspelt: &'a str,
    /// How long anything may take on this device.
    pub patience: Duration,
}

/// Every duty, one after the other.
pub async fn every_duty(driver: &mut dyn Driver, subject: &Subject<'_>) {
    a_spot_before_the_first_look_is_refused(driver, subject).await;
    a_screen_is_a_picture_and_a_front(driver, subject).await;
    a_still_screen_looks_the_same_twice(driver, subject).await;
    an_app_comes_to_the_front_and_home_leaves_it(driver, subject).await;
    a_name_that_is_nearly_right_is_understood_or_named(driver, subject).await;
    an_unknown_app_is_no_app(driver, subject).await;
    a_stale_spot_is_refused(driver, subject).await;
    a_spot_off_the_display_is_refused(driver, subject).await;
    touches_are_taken(driver, subject).await;
    no_time_is_a_timeout(driver, subject).await;
    an_abandoned_operation_does_no_harm(driver, subject).await;
    hostile_names_are_only_names(driver, subject).await;
    what_it_cannot_do_is_refused(driver, subject).await;
}

async fn look(driver: &mut dyn Driver, subject: &Subject<'_>) -> Screen {
    driver.screen(subject.patience).await.expect("a screen")
}

async fn press(driver: &mut dyn Driver, key: Key, subject: &Subject<'_>) {
    driver.perform(&Gesture::Press { key }, subject.patience).await.expect("a key");
}

fn middle(of: ScreenId) -> Spot {
    Spot { x: of.size.width / 2, y: of.size.height / 2, of }
}

/// A spot is measured on a picture; before there was one, none can be right.
pub async fn a_spot_before_the_first_look_is_refused(driver: &mut dyn Driver, subject: &Subject<'_>) {
    let of = ScreenId::from(Size { width: 17, height: 23 });
    let result = driver.perform(&Gesture::Tap { at: middle(of) }, subject.patience).await;
    assert!(matches!(result, Err(ref error) if matches!(error.kind, DriverErrorKind::Stale)), "{result:?}");
}

pub async fn a_screen_is_a_picture_and_a_front(driver: &mut dyn Driver, subject: &Subject<'_>) {
    assert!(!driver.name().is_empty());
    let screen = look(driver, subject).await;
    let pixels = screen.picture.rgba();
    assert!(pixels.chunks_exact(4).any(|pixel| pixel != &pixels[..4]), "a screen of one colour");
    assert!(pixels.chunks_exact(4).all(|pixel| pixel[3] == 255), "a screen that one can see through");
    assert!(!screen.front.label.is_empty(), "nobody is in front");
}

pub async fn a_still_screen_looks_the_same_twice(driver: &mut dyn Driver, subject: &Subject<'_>) {
    let first = look(driver, subject).await;
    let second = look(driver, subject).await;
    assert!(first == second, "two looks at a screen that nobody touched differ");
}

pub async fn an_app_comes_to_the_front_and_home_leaves_it(driver: &mut dyn Driver, subject: &Subject<'_>) {
    press(driver, Key::Home, subject).await;
    let home = look(driver, subject).await;
    assert_ne!(home.front.id, subject.id);
    for name in [subject.app, subject.id, &subject.app.to_uppercase()] {
        driver.perform(&Gesture::Launch { app: name.to_owned() }, subject.patience).await.expect("an app");
        let screen = look(driver, subject).await;
        assert_eq!((&*screen.front.id, &*screen.front.label), (subject.id, subject.app));
        assert!(screen.picture != home.picture, "the app looks like the launcher");
        press(driver, Key::Home, subject).await;
        assert_eq!(look(driver, subject).await.front, home.front);
    }
}

pub async fn a_name_that_is_nearly_right_is_understood_or_named(driver: &mut dyn Driver, subject: &Subject<'_>) {
    match driver.perform(&Gesture::Launch { app: subject.misspelt.to_owned() }, subject.patience).await {
        Ok(()) => assert_eq!(look(driver, subject).await.front.id, subject.id),
        Err(error) => match error.kind {
            DriverErrorKind::NoSuchApp { like, .. } => assert!(like.iter().any(|name| name == subject.app), "{like:?}"),
            kind => panic!("{kind}"),
        },
    }
    press(driver, Key::Home, subject).await;
}

pub async fn an_unknown_app_is_no_app(driver: &mut dyn Driver, subject: &Subject<'_>) {
    let before = look(driver, subject).await;
    for app in ["Zzyzx Quuxifier 9000", "", "com.example.not.there"] {
        let error = driver.perform(&Gesture::Launch { app: app.to_owned() }, subject.patience).await.unwrap_err();
        match &error.kind {
            DriverErrorKind::NoSuchApp { app: told, like } => {
                assert_eq!(told, app);
                assert!(!like.is_empty(), "names nothing that there is instead");
            }
            kind => panic!("{kind}"),
        }
        assert!(!error.kind.is_retryable());
    }
    assert!(look(driver, subject).await == before, "an app that is not there changed the screen");
}

pub async fn a_stale_spot_is_refused(driver: &mut dyn Driver, subject: &Subject<'_>) {
    let before = look(driver, subject).await;
    let size = before.picture.size();
    let turned = Size { width: size.height, height: size.width };
    assert_ne!(size, turned, "this device has to be oblong for that");
    let (here, there) = (middle(before.id), middle(ScreenId { size: turned, ..before.id }));
    for gesture in [
        Gesture::Tap { at: there },
        Gesture::DoubleTap { at: there },
        Gesture::LongPress { at: there, hold: Duration::from_millis(600) },
        Gesture::Swipe { from: there, to: there, over: Duration::from_millis(200) },
        Gesture::Swipe { from: here, to: there, over: Duration::from_millis(200) },
        Gesture::Drag { from: here, to: there, over: Duration::from_millis(200) },
        Gesture::Drag { from: there, to: here, over: Duration::from_millis(200) },
    ] {
        let error = driver.perform(&gesture, subject.patience).await.unwrap_err();
        assert!(matches!(error.kind, DriverErrorKind::Stale), "{gesture:?}: {error}");
        assert!(error.kind.is_retryable());
    }
    assert!(look(driver, subject).await == before, "a refused gesture changed the screen");
}

pub async fn a_spot_off_the_display_is_refused(driver: &mut dyn Driver, subject: &Subject<'_>) {
    let of = look(driver, subject).await.id;
    for at in [
        Spot { x: of.size.width, y: 0, of },
        Spot { x: 0, y: of.size.height, of },
        Spot { x: u32::MAX, y: u32::MAX, of },
    ] {
        let error = driver.perform(&Gesture::Tap { at }, subject.patience).await.unwrap_err();
        assert!(matches!(error.kind, DriverErrorKind::Refused { .. }), "{error}");
    }
}

pub async fn touches_are_taken(driver: &mut dyn Driver, subject: &Subject<'_>) {
    press(driver, Key::Home, subject).await;
    let of = look(driver, subject).await.id;
    let (top, bottom) = (
        Spot { x: of.size.width / 2, y: of.size.height / 4, of },
        Spot { x: of.size.width / 2, y: of.size.height / 4 * 3, of },
    );
    for gesture in [
        Gesture::Swipe { from: bottom, to: top, over: Duration::from_millis(200) },
        Gesture::DoubleTap { at: bottom },
        Gesture::Drag { from: top, to: bottom, over: Duration::from_millis(200) },
        Gesture::LongPress { at: bottom, hold: Duration::from_millis(600) },
        Gesture::Tap { at: Spot { x: 0, y: 0, of } },
        Gesture::Tap { at: Spot { x: of.size.width - 1, y: of.size.height - 1, of } },
        Gesture::Press { key: Key::Back },
        Gesture::Press { key: Key::Enter },
        Gesture::Press { key: Key::Home },
    ] {
        driver.perform(&gesture, subject.patience).await.unwrap_or_else(|error| panic!("{gesture:?}: {error}"));
        look(driver, subject).await;
    }
}

pub async fn no_time_is_a_timeout(driver: &mut dyn Driver, subject: &Subject<'_>) {
    let error = driver.screen(Duration::ZERO).await.unwrap_err();
    assert!(matches!(error.kind, DriverErrorKind::TimedOut { .. }), "{error}");
    let error = driver.perform(&Gesture::Press { key: Key::Home }, Duration::ZERO).await.unwrap_err();
    assert!(matches!(error.kind, DriverErrorKind::TimedOut { .. }), "{error}");
    look(driver, subject).await;
}

/// The loop drops a future when it is told to stop; what comes next must not meet the answer to what was dropped.
pub async fn an_abandoned_operation_does_no_harm(driver: &mut dyn Driver, subject: &Subject<'_>) {
    press(driver, Key::Home, subject).await;
    let before = look(driver, subject).await;
    for micros in [1, 50, 200, 500, 1000, 2000, 4000, 8000, 16_000] {
        let soon = Duration::from_micros(micros);
        let _ = tokio::time::timeout(soon, driver.screen(subject.patience)).await;
        let _ = tokio::time::timeout(soon, driver.perform(&Gesture::Press { key: Key::Home }, subject.patience)).await;
        let app = subject.app.to_owned();
        let _ = tokio::time::timeout(soon, driver.perform(&Gesture::Launch { app }, subject.patience)).await;
    }
    press(driver, Key::Home, subject).await;
    assert!(look(driver, subject).await == before, "another screen than before");
}

/// Names come from a model that has read a screen, so they are anything.
pub async fn hostile_names_are_only_names(driver: &mut dyn Driver, subject: &Subject<'_>) {
    let before = look(driver, subject).await;
    let long = "x".repeat(100_000);
    let home = "input keyevent 3";
    for app in
        ["$(input keyevent 26)", "'; input keyevent 26; '", "a\nb", "\0", "../../etc", "`reboot`", "-p", home, &long]
    {
        let result = driver.perform(&Gesture::Launch { app: app.to_owned() }, subject.patience).await;
        assert!(
            matches!(result, Err(ref error) if matches!(error.kind, DriverErrorKind::NoSuchApp { .. })),
            "{app:.40}: {result:?}"
        );
    }
    assert!(look(driver, subject).await == before, "a name changed the screen");
}

/// A prompt offers what a driver says that it can do; the rest it refuses, and does nothing.
pub async fn what_it_cannot_do_is_refused(driver: &mut dyn Driver, subject: &Subject<'_>) {
    let before = look(driver, subject).await;
    let at = middle(before.id);
    let key = KeyName::new("F5").expect("a key");
    let gestures = [
        Gesture::Tap { at },
        Gesture::Drag { from: at, to: at, over: Duration::from_millis(300) },
        Gesture::Click { at, button: Button::Right, count: Clicks::Double, modifiers: vec![Modifier::Control] },
        Gesture::Move { at },
        Gesture::Scroll { at, right: 0, down: 3 },
        Gesture::Type { text: "x".to_owned() },
        Gesture::Insert { text: "x".to_owned() },
        Gesture::Press { key: Key::Back },
        Gesture::Chord { modifiers: vec![Modifier::Control], key },
        Gesture::Launch { app: subject.app.to_owned() },
        Gesture::Window { window: subject.app.to_owned(), change: WindowChange::Close },
    ];
    for gesture in gestures.iter().filter(|gesture| !driver.abilities().include(gesture)).collect::<Vec<_>>() {
        let error = driver.perform(gesture, subject.patience).await.expect_err(gesture.name());
        assert!(matches!(error.kind, DriverErrorKind::Refused { .. }), "{}: {error}", gesture.name());
    }
    assert!(look(driver, subject).await == before, "what is refused has changed the screen");
}
