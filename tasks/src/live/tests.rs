//! A device that counts its looks, and what a page gets of it.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_TYPE;
use tapwright_contract::Size;
use tapwright_contract::device::Front;
use tokio::time::sleep;

use super::*;
use crate::page_server::query;

const SIZE: Size = Size { width: 4, height: 4 };

/// What the test sees and decides of the device.
#[derive(Default)]
struct ToyState {
    looks: AtomicU32,
    done: AtomicU32,
    /// The colour of the screen; 0 stands for one that changes with each look.
    color: AtomicU32,
    /// Milliseconds that a gesture takes.
    slow: AtomicU32,
}

struct Device(Arc<ToyState>);

#[async_trait]
impl Driver for Device {
    fn name(&self) -> &str {
        "device"
    }

    fn abilities(&self) -> Abilities {
        Abilities::PHONE
    }

    async fn screen(&mut self, _within: Duration) -> Result<Screen, DriverError> {
        let look = self.0.looks.fetch_add(1, Ordering::SeqCst);
        let color = match self.0.color.load(Ordering::SeqCst) {
            0 => look,
            color => color,
        };
        let rgba: Vec<u8> = [color.to_le_bytes()[0], color.to_le_bytes()[1], 9, 255].repeat(16);
        let front = Front { id: String::new(), label: String::new(), aliases: Vec::new() };
        Ok(Screen::new(Picture::new(SIZE, rgba).unwrap(), front))
    }

    async fn perform(&mut self, _gesture: &Gesture, _within: Duration) -> Result<(), DriverError> {
        sleep(Duration::from_millis(self.0.slow.load(Ordering::SeqCst).into())).await;
        self.0.done.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

fn start() -> (LiveScreen, Arc<ToyState>) {
    let told = Arc::new(ToyState::default());
    (LiveScreen::start(Box::new(Device(told.clone()))), told)
}

fn parsed_query(words: &str) -> Query {
    query(&Request::builder().uri(format!("/TOKEN/frame?{words}")).body(Body::empty()).unwrap())
}

fn post(body: &str) -> Request {
    Request::builder().header(CONTENT_TYPE, "application/json").body(Body::from(body.to_owned())).unwrap()
}

/// The number of the picture that came, if one did.
async fn number(screen: &LiveScreen, after: u64, wait: u64) -> Option<u64> {
    let response = screen.frame(parsed_query(&format!("after={after}&wait={wait}"))).await;
    (response.status() == 200).then(|| response.headers()[FRAME].to_str().unwrap().parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn nobody_watches_and_nothing_is_looked_at() {
    let (screen, told) = start();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(told.looks.load(Ordering::SeqCst), 0);
    assert!(number(&screen, 0, 5).await.is_some());
    sleep(Duration::from_secs(10)).await;
    let looked = told.looks.load(Ordering::SeqCst);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(told.looks.load(Ordering::SeqCst), looked, "the one who watched has gone");
}

#[tokio::test]
async fn a_still_screen_is_sent_once_and_a_moving_one_at_most_fifteen_times_a_second() {
    let (screen, told) = start();
    told.color.store(7, Ordering::SeqCst);
    let first = number(&screen, 0, 5).await.unwrap();
    assert_eq!(number(&screen, first, 1).await, None);
    assert!(told.looks.load(Ordering::SeqCst) > 1, "it was looked at again");
    told.color.store(0, Ordering::SeqCst);
    let (begun, mut after, mut count) = (Instant::now(), first, 0);
    while begun.elapsed() < Duration::from_secs(1) {
        let Some(next) = number(&screen, after, 5).await else { continue };
        assert_ne!(next, after);
        (after, count) = (next, count + 1);
    }
    assert!((2..=16).contains(&count), "{count}");
}

#[tokio::test]
async fn who_is_slow_gets_the_latest() {
    let (screen, _) = start();
    let first = number(&screen, 0, 5).await.unwrap();
    // Somebody else watches meanwhile.
    let mut after = first;
    for _ in 0..5 {
        after = number(&screen, after, 5).await.unwrap();
    }
    assert!(number(&screen, first, 5).await.unwrap() >= after, "what lay between is lost");
}

#[tokio::test]
async fn what_is_on_its_way_is_done_and_nothing_after_it() {
    let (screen, told) = start();
    told.slow.store(100, Ordering::SeqCst);
    let home = r#"{"do":"home"}"#;
    assert_eq!(screen.input(post(home)).await.status(), 200);
    let (one, two) = (tokio::spawn(screen.input(post(home))), tokio::spawn(screen.input(post(home))));
    while told.done.load(Ordering::SeqCst) < 1 || !two.is_finished() && screen.inputs.capacity() == INPUTS_MAX {
        sleep(Duration::from_millis(5)).await;
    }
    drop(screen);
    let mut ended = [one.await.unwrap().status().as_u16(), two.await.unwrap().status().as_u16()];
    ended.sort_unstable();
    assert_eq!(ended, [200, 409]);
    assert_eq!(told.done.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn too_much_at_once_is_refused() {
    let (screen, told) = start();
    told.slow.store(60_000, Ordering::SeqCst);
    let mut waiting = Vec::new();
    for _ in 0..INPUTS_MAX + 2 {
        waiting.push(tokio::spawn(screen.input(post(r#"{"do":"back"}"#))));
        sleep(Duration::from_millis(5)).await;
    }
    let refused = screen.input(post(r#"{"do":"back"}"#)).await;
    assert_eq!(refused.status(), 429);
    let body = to_bytes(refused.into_body(), 1000).await.unwrap();
    assert!(String::from_utf8_lossy(&body).contains("wait for it"));
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}
