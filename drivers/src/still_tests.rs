//! Screens that rest, that move in a corner, and that never rest.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

const SIZE: Size = Size { width: 540, height: 1200 };

/// A page with lines of text, on which one thing moves by itself.
fn page(draw: impl Fn(&mut dyn FnMut(u32, u32, u32, u32, u8))) -> Vec<u8> {
    let mut rgba = vec![245; (SIZE.width * SIZE.height * 4) as usize];
    let mut fill = |x: u32, y: u32, width: u32, height: u32, shade: u8| {
        for y in y..(y + height).min(SIZE.height) {
            let start = 4 * (y * SIZE.width + x.min(SIZE.width)) as usize;
            let end = 4 * (y * SIZE.width + (x + width).min(SIZE.width)) as usize;
            rgba[start..end].fill(shade);
        }
    };
    for line in 0..20 {
        fill(30, 80 + 50 * line, 300, 20, 60);
    }
    draw(&mut fill);
    rgba
}

/// What moves on a screen, as a function of the time in milliseconds.
type Motion = fn(u64) -> Vec<u8>;

fn caret(ms: u64) -> Vec<u8> {
    page(|fill| {
        if (ms / 500).is_multiple_of(2) {
            fill(200, 300, 3, 40, 0);
        }
    })
}

/// Seconds of a stopwatch in the page: digits that never come back.
fn clock(ms: u64) -> Vec<u8> {
    page(|fill| {
        (0..6).for_each(|digit| fill(200 + 30 * digit, 500, 8 + ((ms / 1000) * (digit as u64 + 3) % 17) as u32, 40, 0))
    })
}

/// The clock of the system's bar, far too often.
fn status_bar(ms: u64) -> Vec<u8> {
    page(|fill| fill(400, 10, 10 + (ms / 10 % 100) as u32, 25, 0))
}

/// A banner that moves on every three seconds, and takes 0.4 s for that.
fn carousel(ms: u64) -> Vec<u8> {
    let (turn, within) = (ms / 3000, ms % 3000);
    let shift = (within.min(400) * 540 / 400) as u32;
    page(|fill| {
        fill(0, 600, 540, 250, 90 + (turn % 7 * 20) as u8);
        fill(540 - shift, 600, shift, 250, 90 + ((turn + 1) % 7 * 20) as u8);
    })
}

fn marquee(ms: u64) -> Vec<u8> {
    page(|fill| (0..9).for_each(|word| fill((word * 73 + ms as u32 / 8) % 540, 700, 30 + word * 3, 24, 0)))
}

fn spinner(ms: u64) -> Vec<u8> {
    let angle = ms as f32 / 120.0;
    page(|fill| fill((270.0 + 30.0 * angle.cos()) as u32, (600.0 + 30.0 * angle.sin()) as u32, 24, 24, 0))
}

fn noise(at: u32, ms: u64) -> u8 {
    let mut hash = at.wrapping_mul(0x9e37_79b9) ^ ((ms / 40) as u32).wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 15;
    hash = hash.wrapping_mul(0x2c1b_3c6d);
    (hash >> 24) as u8
}

/// A film in the page: a third of the screen.
fn film(ms: u64) -> Vec<u8> {
    page(|fill| (0..400).for_each(|at| fill(at % 20 * 27, 100 + at / 20 * 20, 27, 20, noise(at, ms))))
}

fn film_of_the_whole_screen(ms: u64) -> Vec<u8> {
    page(|fill| (0..1200).for_each(|at| fill(at % 20 * 27, at / 20 * 20, 27, 20, noise(at, ms))))
}

/// A page that slides in for 0.3 s and then stays.
fn transition(ms: u64) -> Vec<u8> {
    let shift = (ms.min(300) * 540 / 300) as u32;
    page(|fill| {
        fill(540 - shift, 0, shift, 1200, 20);
        (0..12).for_each(|line| fill(560 - shift.min(560), 100 + 80 * line, 300, 30, 250));
    })
}

const MOTIONS: &[(&str, Motion)] = &[
    ("caret", caret),
    ("clock", clock),
    ("status bar", status_bar),
    ("carousel", carousel),
    ("marquee", marquee),
    ("spinner", spinner),
    ("film", film),
    ("film of the whole screen", film_of_the_whole_screen),
    ("transition", transition),
];

/// Shows a motion; taking a picture costs some time, which is not really spent.
struct Player {
    motion: Motion,
    began: Instant,
    cost: Duration,
    looks: u32,
    sketches: Arc<AtomicU32>,
}

impl Player {
    fn new(motion: Motion, cost: Duration) -> Player {
        Player { motion, began: Instant::now(), cost, looks: 0, sketches: Arc::default() }
    }
}

struct Frame {
    rgba: Vec<u8>,
    at: Instant,
    sketches: Arc<AtomicU32>,
}

impl Camera for Player {
    type Look = Frame;

    async fn look(&mut self, deadline: Deadline) -> Result<Frame, DriverErrorKind> {
        let rgba = (self.motion)(self.began.elapsed().as_millis() as u64);
        deadline
            .hold("a picture", async {
                tokio::time::sleep(self.cost).await;
                Ok(())
            })
            .await?;
        self.looks += 1;
        Ok(Frame { rgba, at: Instant::now(), sketches: self.sketches.clone() })
    }

    fn taken_at(look: &Frame) -> Instant {
        look.at
    }

    fn is_same(one: &Frame, other: &Frame) -> bool {
        one.rgba == other.rgba
    }

    async fn sketch(look: &mut Frame) -> Result<Sketch, DriverErrorKind> {
        look.sketches.fetch_add(1, Ordering::Relaxed);
        Ok(Sketch::of(&look.rgba, SIZE, SIZE.height / 20))
    }
}

/// The rule of before: two pictures that are equal to the byte, or the time is up.
async fn equal_to_the_byte(player: &mut Player, settle: Settle, deadline: Deadline) -> Rest {
    let mut last: Option<Frame> = None;
    while !deadline.is_over() {
        let Ok(look) = player.look(deadline).await else { break };
        if last.is_some_and(|last| last.rgba == look.rgba) {
            return Rest::Still;
        }
        deadline.rest_until(look.at + settle.apart).await;
        last = Some(look);
    }
    Rest::OutOfTime
}

/// Waits at several moments of a motion, with 5 s for each.
async fn waits(motion: Motion, cost: Duration, tolerant: bool) -> (u32, Duration, Vec<Rest>) {
    let (mut looks, mut took, mut rests) = (0, Duration::ZERO, Vec::new());
    let mut player = Player::new(motion, cost);
    let mut memory = Memory::default();
    const WAITS: u32 = 6;
    for _ in 0..WAITS {
        let began = Instant::now();
        let deadline = Deadline::after(Duration::from_secs(5));
        rests.push(match tolerant {
            true => still(&mut player, &mut memory, Settle::PHONE, deadline).await.unwrap().1,
            false => equal_to_the_byte(&mut player, Settle::PHONE, deadline).await,
        });
        took += began.elapsed();
        looks += std::mem::take(&mut player.looks);
        tokio::time::sleep(Duration::from_millis(733)).await; // A model thinks.
    }
    (looks, took / WAITS, rests)
}

/// Where a wait ends, and after how long, for what screens of real apps do; beside it the rule of before. `--nocapture` shows
/// the table that the documentation has.
#[tokio::test(start_paused = true)]
async fn what_moves_by_itself_is_not_waited_for() {
    let mut table = String::from("| moves | a picture takes | looks, ms: to the byte | looks, ms: now | ends |\n");
    for (name, motion) in MOTIONS {
        for cost in [10, 300] {
            let cost = Duration::from_millis(cost);
            let (looks_before, took_before, _) = waits(*motion, cost, false).await;
            let (looks, took, rests) = waits(*motion, cost, true).await;
            let _ = writeln!(
                table,
                "| {name} | {} ms | {:.1}, {} | {:.1}, {} | {rests:?} |",
                cost.as_millis(),
                f64::from(looks_before) / 6.0,
                took_before.as_millis(),
                f64::from(looks) / 6.0,
                took.as_millis(),
            );
            assert!(!rests.contains(&Rest::OutOfTime), "{name}: {rests:?}");
            assert!(took <= Duration::from_millis(2500), "{name}: {took:?}");
            let quick = matches!(*name, "caret" | "clock" | "status bar" | "spinner" | "marquee");
            assert!(!quick || took <= 4 * cost + Duration::from_millis(300), "{name}: {took:?}");
        }
    }
    println!("{table}");
}

/// A page that slides in is not returned before it is there, however fast pictures come.
#[tokio::test(start_paused = true)]
async fn a_page_that_slides_in_is_waited_for() {
    for cost in [5, 10, 20, 40, 90, 300] {
        for late in [0, 30, 100, 200] {
            let mut player = Player::new(transition, Duration::from_millis(cost));
            let mut memory = Memory::default();
            tokio::time::sleep(Duration::from_millis(late)).await;
            let deadline = Deadline::after(Duration::from_secs(5));
            let (look, rest) = still(&mut player, &mut memory, Settle::PHONE, deadline).await.unwrap();
            assert_eq!(rest, Rest::Still, "{cost} {late}");
            assert!(look.rgba == transition(10_000), "{cost} ms a picture, {late} ms late: it was still sliding");
        }
    }
}

/// What a touch changes is waited for, also beside something that moves; a touch without effect costs the grace.
#[tokio::test(start_paused = true)]
async fn an_answer_to_a_touch_is_told_from_what_moves_anyway() {
    fn reacts(ms: u64) -> Vec<u8> {
        let mut rgba = caret(ms);
        if ms >= 5200 {
            let dark = caret(ms)[..].iter().map(|shade| shade / 2).collect::<Vec<u8>>();
            rgba.copy_from_slice(&dark);
        }
        rgba
    }
    let mut player = Player::new(reacts, Duration::from_millis(10));
    let mut memory = Memory::default();
    for _ in 0..5 {
        still(&mut player, &mut memory, Settle::PHONE, Deadline::after(Duration::from_secs(5))).await.unwrap();
        memory.mark_returned();
        tokio::time::sleep_until(player.began + Duration::from_millis(1000 * (player.began.elapsed().as_secs() + 1)))
            .await;
    }
    // At 5.0 s; the app needs 0.2 s to begin.
    tokio::time::sleep_until(player.began + Duration::from_millis(5000)).await;
    memory.touch();
    let settle = Settle { grace: Duration::from_millis(600), ..Settle::PHONE };
    let (look, _) = still(&mut player, &mut memory, settle, Deadline::after(Duration::from_secs(5))).await.unwrap();
    assert!(look.rgba[0] < 200, "the screen of before the answer");
}

/// Sketches cost as much as a tenth of a look: none is made where nothing is compared with it.
#[tokio::test(start_paused = true)]
async fn a_screen_that_rests_is_not_sketched() {
    let rests: Motion = |_| page(|_| {});
    let sketches = async |motion: Motion, settle: Settle, waits: u32| {
        let mut player = Player::new(motion, Duration::from_millis(10));
        let mut memory = Memory::default();
        for _ in 0..waits {
            memory.touch();
            let deadline = Deadline::after(Duration::from_secs(5));
            assert_eq!(still(&mut player, &mut memory, settle, deadline).await.unwrap().1, Rest::Still);
            memory.mark_returned();
        }
        player.sketches.load(Ordering::Relaxed)
    };
    assert_eq!(sketches(rests, Settle { looks: 1, ..Settle::INSTANT }, 3).await, 0);
    assert_eq!(sketches(rests, Settle::INSTANT, 3).await, 0);
    assert_eq!(sketches(rests, Settle { looks: 5, ..Settle::INSTANT }, 3).await, 0);
    // Whether it is as before is asked here: once a wait.
    assert_eq!(sketches(rests, Settle::PHONE, 3).await, 3);
    assert!(sketches(transition, Settle::INSTANT, 1).await > 2);
}

#[test]
fn a_sketch_has_few_cells_and_small_differences_do_not_count() {
    let sketch = |rgba: &[u8]| Sketch::of(rgba, SIZE, 0);
    let one = sketch(&page(|_| {}));
    assert_eq!(one.cells.len(), 135 * 300);
    let dithered: Vec<u8> = page(|_| {}).iter().enumerate().map(|(at, shade)| shade ^ (at % 3 == 0) as u8).collect();
    assert_eq!(one.changes(&sketch(&dithered)).unwrap().count(), 0);
    let dot = sketch(&page(|fill| fill(100, 1000, 4, 4, 0)));
    assert!(one.changes(&dot).unwrap().count() > 0);
    // The largest phones, by every second row: a dot of two pixels, wherever it is.
    let size = Size { width: 1440, height: 3120 };
    let plain = vec![245; (4 * size.width * size.height) as usize];
    for (x, y) in [(0, 0), (701, 1501), (702, 1502), (1438, 3118)] {
        let mut dotted = plain.clone();
        for y in y..y + 2 {
            dotted[4 * (y * 1440 + x)..4 * (y * 1440 + x + 2)].fill(0);
        }
        let changes = Sketch::of(&plain, size, 0).changes(&Sketch::of(&dotted, size, 0)).unwrap();
        assert!((1..=4).contains(&changes.count()), "{x} {y}: {}", changes.count());
    }
    for (width, height) in [(1, 1), (3, 500), (500, 3), (16_384, 2)] {
        let size = Size { width, height };
        let rgba = vec![9; (4 * width * height) as usize];
        assert_eq!(Sketch::of(&rgba, size, 1).changes(&Sketch::of(&rgba, size, 1)).unwrap().count(), 0);
        assert!(one.changes(&Sketch::of(&rgba, size, 0)).is_none());
    }
}
