//! The desktop through xcap and enigo, on the X server of a private desktop: `cargo test -p tapwright-drivers --features portable-desktop
//! --test portable`. Both libraries know only the desktop that they are started in, so this program starts itself there.
#![cfg(all(target_os = "linux", feature = "portable-desktop"))]

#[path = "desktop/session.rs"]
mod session;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tapwright_contract::Size;
use tapwright_contract::device::{Driver as _, DriverErrorKind};
use tapwright_contract::gesture::{Gesture, KeyName, Modifier};
use tapwright_drivers::Settle;
use tapwright_drivers::conformance::{self, Subject};
use tapwright_drivers::desktop::{PortableDesktop, PortableOptions, PrivateDesktop, X11Desktop, missing_programs};

const PATIENCE: Duration = Duration::from_secs(30);
/// So much of what the inner test says is shown.
const WORDS_MAX: usize = 64 << 10;
const TEXT: &str =
    "The quick brown fox: ~!@#$%^&*() Zwölf Boxkämpfer, на дворе, 敏捷的棕色狐狸跳过了懒惰的狗 😀\nsecond line";

/// Runs an ignored test of this file on a new private desktop whose window manager knows Meta and D; returns the desktop.
async fn on_private_desktop(test: &str, before: &str) -> Option<Arc<PrivateDesktop>> {
    let missing = missing_programs();
    if !missing.is_empty() || !Path::new("/usr/bin/mousepad").is_file() {
        eprintln!("SKIPPED: there is no private desktop with an editor; missing: {missing:?}, or mousepad");
        return None;
    }
    let size = Size { width: 1000, height: 700 };
    // Its driver furnishes the desktop, which would be of one colour.
    let (session, _) = session::private_desktop(size, &[]).await;
    let settings = session.window_manager_settings();
    let shows = r#"<keyboard><keybind key="W-d"><action name="ToggleShowDesktop"/></keybind></keyboard>"#;
    let changed = std::fs::read_to_string(&settings).unwrap().replace("<keyboard></keyboard>", shows);
    assert!(changed.contains(shows));
    std::fs::write(&settings, changed).unwrap();
    let program = std::env::current_exe().unwrap();
    let line = format!(
        "openbox --reconfigure; sleep 0.3; {before}
exec \"$0\" --ignored --exact {test} --nocapture"
    );
    let words = ["sh", "-c", &line, &program.to_string_lossy()].map(str::to_owned);
    let ran = session.run_command(&words, WORDS_MAX, Duration::from_secs(300)).await.unwrap();
    let told = format!("{}\n{}", String::from_utf8_lossy(&ran.output), String::from_utf8_lossy(&ran.error));
    assert!(ran.code == 0 && told.contains("1 passed"), "{told}");
    Some(session)
}

async fn portable() -> PortableDesktop {
    let options = PortableOptions { settle: Settle::DESKTOP, applications: vec!["/usr/share/applications".into()] };
    PortableDesktop::open("portable", options, PATIENCE).await.unwrap()
}

/// A driver is done when it passes all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_duty_is_kept() {
    if let Some(session) = on_private_desktop("the_duties_on_the_desktop_of_this_process", "").await {
        session.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "every_duty_is_kept starts it on a private desktop"]
async fn the_duties_on_the_desktop_of_this_process() {
    let subject = Subject { app: "Mousepad", id: "org.xfce.mousepad", misspelt: "Mousepa", patience: PATIENCE };
    conformance::every_duty(&mut portable().await, &subject).await;
}

/// Its picture is that of the driver that speaks to the X server itself, and what it types is in the editor's file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_sees_and_types_what_the_other_driver_does() {
    let before = "touch typed; mousepad typed &";
    let Some(session) = on_private_desktop("an_editor_on_the_desktop_of_this_process", before).await else { return };
    let typed = session.home().join("typed");
    for _ in 0..100 {
        // The editor saves in its own time.
        if std::fs::read_to_string(&typed).unwrap() == TEXT {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(std::fs::read_to_string(&typed).unwrap(), TEXT);
    let how = session::options(&session, &[]);
    let mut driver = X11Desktop::connect("own", how, None, PATIENCE).await.unwrap();
    let mut own = driver.screen(PATIENCE).await.unwrap().picture;
    let other = std::fs::read(session.home().join("picture")).unwrap();
    for _ in 0..50 {
        if own.rgba() == other {
            break;
        }
        // The caret blinks.
        own = driver.screen(PATIENCE).await.unwrap().picture;
    }
    let differ = own.rgba().iter().zip(&other).filter(|(own, other)| own != other).count();
    assert!(other.len() == own.rgba().len() && differ == 0, "{differ} of {} bytes differ", other.len());
    if let Some(to) = std::env::var_os("TAPWRIGHT_PICTURE").map(PathBuf::from) {
        image::RgbaImage::from_raw(own.size().width, own.size().height, other).unwrap().save(to).unwrap();
    }
    session.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it_sees_and_types_what_the_other_driver_does starts it on a private desktop"]
async fn an_editor_on_the_desktop_of_this_process() {
    let mut driver = portable().await;
    let mut screen = driver.screen(PATIENCE).await.unwrap();
    while screen.front.label != "Mousepad" {
        screen = driver.screen(PATIENCE).await.unwrap();
    }
    driver.perform(&Gesture::Insert { text: "will be replaced".to_owned() }, PATIENCE).await.unwrap();
    driver.perform(&Gesture::Type { text: TEXT.to_owned() }, PATIENCE).await.unwrap();
    let refused = driver.perform(&Gesture::Insert { text: "\u{7}".to_owned() }, PATIENCE).await.unwrap_err();
    assert!(matches!(refused.kind, DriverErrorKind::Refused { .. }), "{refused}");
    let save = Gesture::Chord { modifiers: vec![Modifier::Control], key: KeyName::new("s").unwrap() };
    driver.perform(&save, PATIENCE).await.unwrap();
    let screen = driver.screen(PATIENCE).await.unwrap();
    std::fs::write("picture", screen.picture.rgba()).unwrap();
}
