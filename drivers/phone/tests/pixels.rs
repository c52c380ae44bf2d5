//! Every frame of the default phone is what it was: models have learnt to read these pixels, so a change of one is a change of them all.
//!
//! Each line of `data/pixels.txt` names some frames and gives one digest of them all. A new page adds lines; an old line does not change.

use std::fmt::Write;

use expect_test::expect_file;
use tapwright_phone::{ADB_KEYBOARD, Dice, Event, Input, Key, LATIN_KEYBOARD, Options, World};

/// Whether a row at this height is the navigation bar, whose touches are not this test's.
fn is_navigation(world: &World, number: u32) -> bool {
    let (width, height) = world.size();
    row(number) > height as f32 * 540.0 / width as f32 - ROW
}

/// A row of the display in design pixels, which are 540 to the display's width.
const ROW: f32 = 1200.0 / 13.0;

/// FNV-1a over words of eight bytes, as pictures are large.
fn digest(bytes: &[u8]) -> u64 {
    let words = bytes.chunks(8).map(|chunk| chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte)));
    words.fold(0xCBF2_9CE4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x0100_0000_01B3).rotate_left(23))
}

/// Digests of frames. Those of one line are told apart by running with `SHOW_FRAMES=1`.
#[derive(Default)]
struct Album {
    lines: String,
    title: String,
    frames: Vec<u8>,
}

impl Album {
    fn take(&mut self, name: &str, world: &World) {
        let digest = digest(&world.draw());
        self.frames.extend(digest.to_le_bytes());
        if std::env::var_os("SHOW_FRAMES").is_some() {
            println!("{digest:016x} {} {name}", self.title);
        }
    }

    fn end_line(&mut self, name: &str) {
        let frames = std::mem::take(&mut self.frames);
        writeln!(self.lines, "{:016x} {} {name}: {} frames", digest(&frames), self.title, frames.len() / 8).unwrap();
    }
}

/// Touches a place that is given in design pixels from the left and from the top; from the bottom if negative.
fn tap(world: &mut World, x: f32, y: f32) {
    let (width, height) = world.size();
    let scale = width as f32 / 540.0;
    let y = if y < 0.0 { height as f32 + y * scale } else { y * scale };
    world.input(&Input::Tap { x: (x * scale) as i32, y: y as i32 });
}

fn row(number: u32) -> f32 {
    (number as f32 + 0.5) * ROW
}

fn scroll(world: &mut World, rows: i32) {
    let (width, height) = world.size();
    let from = (width as i32 / 2, height as i32 * 6 / 10);
    let to = (from.0, from.1 - (rows as f32 * ROW * width as f32 / 540.0) as i32);
    world.input(&Input::Swipe { from, to, millis: 300 });
}

const LONG: &str = "It was the best of times, it was the worst of times 我们都有问题 and-a-word-that-is-longer-than-any-line-of-the-field-could-be ";

#[test]
fn every_page_is_drawn_as_it_was() {
    let mut album = Album::default();
    for (seed, width, height, dark, font) in [
        (3, 540, 1200, false, 100),
        (4, 540, 1200, true, 116),
        (5, 240, 400, false, 100),
        (9, 720, 1280, true, 88),
        (12, 540, 1200, false, 100),
    ] {
        let mut start = World::new(Options { seed, width, height, ..Options::default() });
        start.set_fact("dark.on", &dark.to_string()).unwrap();
        start.set_fact("font.percent", &font.to_string()).unwrap();
        album.title = format!("{seed} {width}x{height}");
        album.take("launcher", &start);
        album.end_line("launcher");
        pages(&mut album, &start);
        typing(&mut album, &start);
        outside(&mut album, &start);
    }
    expect_file!["data/pixels.txt"].assert_eq(&album.lines);
}

/// All pages that touches lead to from the first page of each app.
fn pages(album: &mut Album, start: &World) {
    for app in start.clone().apps().iter().take(6) {
        let mut world = start.clone();
        world.launch(app.package);
        album.take(app.label, &world);
        album.end_line(app.label);
        for number in (2..12).filter(|number| !is_navigation(start, *number)) {
            let mut world = world.clone();
            for x in [400.0, 495.0] {
                let mut world = world.clone();
                tap(&mut world, x, row(number));
                album.take(&format!("{} row {number} at {x}", app.label), &world);
            }
            // What stands in the title bar of the page that this has opened; not the way back.
            tap(&mut world, 200.0, row(number));
            album.take(&format!("{} row {number}", app.label), &world);
            for x in [405.0, 495.0] {
                let mut world = world.clone();
                tap(&mut world, x, row(1));
                album.take(&format!("{} row {number} action {x}", app.label), &world);
                if x == 495.0 {
                    tap(&mut world, 380.0, row(6));
                    album.take(&format!("{} row {number} action {x} answer", app.label), &world);
                }
            }
            for next in [5, 6, 7] {
                let mut world = world.clone();
                tap(&mut world, 180.0, row(next));
                album.take(&format!("{} row {number} then {next}", app.label), &world);
            }
            album.end_line(&format!("{} row {number}", app.label));
        }
        for rows in [1, 4, 9, -2] {
            scroll(&mut world, rows);
            album.take(&format!("{} scrolled by {rows}", app.label), &world);
        }
        tap(&mut world, 200.0, row(4));
        album.take(&format!("{} scrolled and touched", app.label), &world);
        album.end_line(&format!("{} scrolled", app.label));
    }
}

/// Fields, keyboards, and what is saved of them.
fn typing(album: &mut Album, start: &World) {
    for (package, enter) in [
        ("com.android.notes", "Soup"),
        ("com.android.calendar", "Tea"),
        ("com.android.contacts", "Zed"),
        ("com.android.mms", "hi"),
    ] {
        let mut world = start.clone();
        world.launch(package);
        match package {
            "com.android.mms" => {
                tap(&mut world, 200.0, row(3));
                tap(&mut world, 200.0, -1.5 * ROW);
            }
            "com.android.contacts" => {
                tap(&mut world, 495.0, row(1));
                tap(&mut world, 200.0, row(2));
            }
            _ => tap(&mut world, 495.0, row(1)),
        }
        album.take(&format!("{package} keys"), &world);
        for (x, up) in [(30.0, 3.5), (30.0, 1.5), (30.0, 4.5), (45.0, 1.5), (80.0, 4.5), (510.0, 2.5), (300.0, 1.5)] {
            tap(&mut world, x, -up * ROW);
            album.take(&format!("{package} key {x} {up}"), &world);
        }
        let mut long = world.clone();
        long.input(&Input::Type(LONG.repeat(8)));
        album.take(&format!("{package} long"), &long);
        long.input(&Input::Press(Key::Enter));
        album.take(&format!("{package} long entered"), &long);
        tap(&mut long, 495.0, row(1));
        album.take(&format!("{package} long saved"), &long);
        let mut wide = world.clone();
        wide.input(&Input::Type("长word".repeat(150)));
        album.take(&format!("{package} wide"), &wide);
        wide.input(&Input::Press(Key::Enter));
        album.take(&format!("{package} wide entered"), &wide);
        world.set_input_method(ADB_KEYBOARD);
        world.input(&Input::Clear);
        album.take(&format!("{package} adb"), &world);
        world.input(&Input::Type(format!("{enter} 好的")));
        album.take(&format!("{package} adb typed"), &world);
        world.input(&Input::Press(Key::Delete));
        world.input(&Input::Press(Key::Enter));
        album.take(&format!("{package} adb entered"), &world);
        tap(&mut world, 495.0, row(1));
        album.take(&format!("{package} saved"), &world);
        world.input(&Input::Press(Key::Home));
        album.take(&format!("{package} home"), &world);
        album.end_line(&format!("{package} typing"));
    }
}

/// What comes over the phone.
fn outside(album: &mut Album, start: &World) {
    for package in ["com.tapwright.launcher", "com.android.settings"] {
        let mut world = start.clone();
        world.launch(package);
        for (name, event) in [
            ("permission", Event::Permission),
            ("anr", Event::Anr),
            ("debugging", Event::Debugging { computer: "anna@desk".into() }),
            ("turn", Event::Turn { millis: 1000 }),
            ("lock", Event::Lock { dark: false }),
            ("dark", Event::Lock { dark: true }),
            ("protect", Event::Protect { millis: 1000 }),
            ("late", Event::Late { millis: 1000 }),
        ] {
            let mut world = world.clone();
            world.happen(event);
            album.take(&format!("{package} {name}"), &world);
            world.advance(61_000);
            album.take(&format!("{package} {name} later"), &world);
            if name != "debugging" {
                tap(&mut world, 380.0, 8.5 * ROW);
                album.take(&format!("{package} {name} touched"), &world);
            }
            album.end_line(&format!("{package} {name}"));
        }
        world.hang_photo(1);
        album.take(&format!("{package} photo"), &world);
        album.end_line(&format!("{package} photo"));
    }
}

/// Whether the way back is the same at any time here: where nothing is written and no keyboard is shown.
fn may_go_back(world: &World) -> bool {
    !world.field_has_focus() && ["Home", "Settings", "Messages", "Clock"].contains(&world.front().label)
}

fn anywhere(world: &mut World, dice: &mut Dice) {
    let (width, height) = world.size();
    let scale = width as f32 / 540.0;
    let (x, y) = (dice.below(width as usize) as i32, dice.below(height as usize) as i32);
    let (left, top, up) = (x as f32 / scale, y as f32 / scale, (height as i32 - y) as f32 / scale);
    let is_recents = up <= ROW && left >= 359.0;
    let is_back = (up <= ROW && left <= 181.0) || (left <= 95.0 && (0.9 * ROW..2.1 * ROW).contains(&top));
    let is_when = world.front().label == "Calendar" && (2.9 * ROW..4.0 * ROW).contains(&top);
    if !is_recents && !is_when && (!is_back || may_go_back(world)) {
        world.input(&Input::Tap { x, y });
    }
}

#[test]
fn walks_end_where_they_ended() {
    let mut album = Album::default();
    for seed in 0..16 {
        let mut dice = Dice::new(seed ^ 0xA1B);
        let (width, height) = *dice.pick(&[(540, 1200), (540, 1200), (540, 1200), (1080, 2400), (720, 1280)]);
        let mut world = World::new(Options { seed, width, height, ..Options::default() });
        album.title = format!("{seed} {width}x{height}");
        for step in 0..120 {
            match dice.below(14) {
                0 => {
                    let package = *dice.pick(&PACKAGES);
                    world.launch(package);
                }
                1 => scroll(&mut world, dice.below(12) as i32 - 4),
                2 => world.input(&Input::Type(dice.pick(&["a", "Milk ", "好的", "42"]).to_string())),
                3 => world.input(&Input::Press(*dice.pick(&[Key::Enter, Key::Delete]))),
                4 if may_go_back(&world) => world.input(&Input::Press(Key::Back)),
                5 => {
                    world.set_input_method(if dice.chance(50) { ADB_KEYBOARD } else { LATIN_KEYBOARD });
                }
                6 | 7 => tap(&mut world, 495.0, row(1)),
                _ => anywhere(&mut world, &mut dice),
            }
            if step % 12 == 11 {
                album.take(&format!("step {step}"), &world);
                album.end_line(&format!("step {step}"));
                let facts: String =
                    world.facts().into_iter().map(|(name, value)| format!("{name}={value}\n")).collect();
                writeln!(album.lines, "{:016x} {} facts", digest(facts.as_bytes()), album.title).unwrap();
            }
        }
    }
    expect_file!["data/walks.txt"].assert_eq(&album.lines);
}

const PACKAGES: [&str; 6] = [
    "com.android.settings",
    "com.android.mms",
    "com.android.contacts",
    "com.android.notes",
    "com.android.deskclock",
    "com.android.calendar",
];
