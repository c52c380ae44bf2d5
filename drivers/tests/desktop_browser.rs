//! A real Chromium on a private desktop: what its window and its page tell over the accessibility bus.
#![cfg(target_os = "linux")]

#[path = "desktop/session.rs"]
mod session;

use std::path::Path;
use std::time::Duration;

use tapwright_contract::Size;
use tapwright_contract::device::{Driver as _, Label};
use tapwright_contract::gesture::{Gesture, Key, KeyName, Modifier};
use tapwright_drivers::desktop::{X11Desktop, missing_programs};

const PATIENCE: Duration = Duration::from_secs(40);

/// The labels, as soon as one says this.
async fn labels_with(driver: &mut X11Desktop, wanted: &str) -> Vec<Label> {
    let mut labels = Vec::new();
    for _ in 0..60 {
        driver.screen(PATIENCE).await.unwrap();
        labels = driver.labels(PATIENCE).await.unwrap().unwrap_or_default();
        if labels.iter().any(|label| label.text.contains(wanted)) {
            return labels;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("{wanted:?} is not among {:?}", labels.iter().map(|label| &label.text).collect::<Vec<_>>())
}

/// Two pages, one after the other: all that can be seen of each is told, and nothing of the first once the second is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_told_whole() {
    let missing = missing_programs();
    if !missing.is_empty() || !Path::new("/usr/bin/chromium").is_file() {
        return eprintln!(
            "SKIPPED: there is no private desktop, or there is no browser (Debian: apt-get install chromium)"
        );
    }
    let size = Size { width: 1000, height: 700 };
    let (session, mut driver) = session::private_desktop(size, &[]).await;
    let page = session.home().join("one.html");
    let rows: String = (0..40).map(|row| format!("<li>row <b>{row}</b> of many</li>")).collect();
    let one = "<title>One</title><h1>Order form</h1><p>Plain words <a href=two.html>to the second</a></p>\
               <form><label>Your name <input></label><input type=checkbox aria-label=Gift><button>Order now</button></form>";
    std::fs::write(&page, format!("{one}<ul>{rows}</ul>")).unwrap();
    std::fs::write(session.home().join("two.html"), "<title>Two</title><h1>Second page</h1><button>Go on</button>")
        .unwrap();
    let address = format!("file://{}", page.display());
    session.start_program(&["chromium", "--window-size=900,600", &address].map(str::to_owned)).await.unwrap();
    let first = labels_with(&mut driver, "Order now").await;
    for wanted in ["Order form", "Plain words", "to the second", "Your name", "Gift"] {
        assert!(first.iter().any(|label| label.text.contains(wanted)), "{wanted}: {first:?}");
    }
    // Rows that can be seen, and none that lies below the edge of the page.
    let is_told = |row: &str| first.iter().any(|label| label.text.trim() == row);
    assert!(is_told("0") && is_told("3") && !is_told("39"), "{first:?}");
    // To the second page by the address bar.
    let control = |key: &str| Gesture::Chord { modifiers: vec![Modifier::Control], key: KeyName::new(key).unwrap() };
    let second = address.replace("one.html", "two.html");
    for gesture in [control("l"), Gesture::Insert { text: second }, Gesture::Press { key: Key::Enter }] {
        driver.perform(&gesture, PATIENCE).await.unwrap();
        // As whoever works with a screen: what is typed before the address bar has the focus is lost in the browser itself.
        driver.screen(PATIENCE).await.unwrap();
    }
    let second = labels_with(&mut driver, "Second page").await;
    assert!(second.iter().any(|label| label.text.contains("Go on") && label.touchable), "{second:?}");
    assert!(second.iter().all(|label| !label.text.contains("Order now")), "{second:?}");
    driver.close(PATIENCE).await.unwrap();
    session.end().await;
}
