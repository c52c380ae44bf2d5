//! Draws the apps of a phone with all of them beside each other, small, as `docs/pictures` has them:
//! `cargo run --release -p tapwright-phone --example sheet -- FILE en|zh [dark]`.

use std::collections::BTreeMap;
use std::fs;

use tapwright_phone::{ADB_KEYBOARD, AppSelection, Input, Key, Language, MarkContent, Options, World};

type Error = Box<dyn std::error::Error>;

/// The size of a small screen, how many pixels of the large one become one of it, and how many stand in a line.
const WIDTH: usize = 180;
const HEIGHT: usize = 400;
const SHRINK: usize = 3;
const COLUMNS: usize = 7;
const GAP: usize = 8;
/// A picture with so few colours is small.
const COLORS: usize = 128;

/// The package, and what is touched: a word, an icon, `@` and a place; `>` types a text, `!` is Enter.
const SCREENS: [(&str, &[&str]); 20] = [
    ("com.tapwright.feed", &[]),
    ("com.tapwright.maps", &[]),
    ("com.tapwright.rail", &[]),
    ("com.tapwright.rail", &["@270,610"]),
    ("com.tapwright.shop", &[]),
    ("com.tapwright.shop", &["@130,450"]),
    ("com.android.email", &[]),
    ("com.tapwright.weather", &[]),
    ("com.android.calculator2", &["7", "×", "8", "="]),
    ("com.android.music", &[]),
    ("com.android.music", &["@200,230"]),
    ("com.android.dialer", &[]),
    ("com.android.dialer", &["Calculator", "5", "8", "0"]),
    ("com.android.documentsui", &[]),
    ("com.android.gallery3d", &[]),
    ("com.android.browser", &["Lock", ">pedia.example", "!"]),
    ("com.android.browser", &["Lock", ">news.example", "!"]),
    ("com.android.browser", &["Lock", ">library.example/login", "!"]),
    ("com.android.notes", &[]),
    ("com.android.settings", &[]),
];

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, language, ..] = &arguments[..] else { return Err("FILE en|zh [dark]".into()) };
    let mut start = World::new(Options {
        seed: 3,
        apps: AppSelection::All,
        language: Language::named(language).ok_or("en or zh")?,
        ..Options::default()
    });
    start.set_input_method(ADB_KEYBOARD);
    start.set_fact("airplane.on", "false")?;
    start.set_fact("dark.on", if arguments.iter().any(|word| word == "dark") { "true" } else { "false" })?;
    start.set_fact("permission.com.android.gallery3d.photos", "granted")?;
    start.set_fact("permission.com.tapwright.maps.location", "granted")?;
    let mut screens = vec![small(&start.draw())];
    for (package, touches) in SCREENS {
        let mut world = start.clone();
        world.launch(package);
        for touch in touches {
            carry_out(&mut world, touch).map_err(|error| format!("{package} {touch}: {error}"))?;
        }
        world.advance(10_000);
        screens.push(small(&world.draw()));
    }
    save(file, &screens)
}

fn carry_out(world: &mut World, touch: &str) -> Result<(), Error> {
    if let Some(text) = touch.strip_prefix('>') {
        world.input(&Input::Type(text.into()));
        return Ok(());
    }
    if touch == "!" {
        world.input(&Input::Press(Key::Enter));
        return Ok(());
    }
    if let Some((x, y)) = touch.strip_prefix('@').and_then(|place| place.split_once(',')) {
        world.input(&Input::Tap { x: x.parse()?, y: y.parse()? });
        return Ok(());
    }
    let is_it = |what: &MarkContent| match what {
        MarkContent::Word(word) => word == touch,
        MarkContent::Icon(icon) => format!("{icon:?}") == touch,
        MarkContent::Control | MarkContent::Field => false,
    };
    let found =
        world.marks().into_iter().rfind(|mark| is_it(&mark.what) && mark.target.is_some() && mark.rect.top < 1090);
    let (x, y) = found.and_then(|mark| mark.target).ok_or("not there")?;
    world.input(&Input::Tap { x, y });
    Ok(())
}

/// A screen of a third of its size.
fn small(rgba: &[u8]) -> Vec<[u8; 3]> {
    let mut pixels = Vec::with_capacity(WIDTH * HEIGHT);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let mut sum = [0_usize; 3];
            for (down, across) in (0..SHRINK).flat_map(|down| (0..SHRINK).map(move |across| (down, across))) {
                let at = 4 * ((y * SHRINK + down) * WIDTH * SHRINK + x * SHRINK + across);
                for (part, total) in sum.iter_mut().enumerate() {
                    *total += usize::from(rgba[at + part]);
                }
            }
            pixels.push(sum.map(|total| (total / (SHRINK * SHRINK)) as u8));
        }
    }
    pixels
}

/// The most frequent of the colours that are alike, each as the mean of its own.
fn palette(pixels: &[[u8; 3]]) -> Vec<[u8; 3]> {
    let mut alike: BTreeMap<[u8; 3], (usize, [usize; 3])> = BTreeMap::new();
    for pixel in pixels {
        let (count, sum) = alike.entry(pixel.map(|part| part >> 4)).or_default();
        *count += 1;
        for (part, total) in sum.iter_mut().enumerate() {
            *total += usize::from(pixel[part]);
        }
    }
    let mut colors: Vec<(usize, [usize; 3])> = alike.into_values().collect();
    colors.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    colors.into_iter().take(COLORS).map(|(count, sum)| sum.map(|total| (total / count) as u8)).collect()
}

fn nearest(palette: &[[u8; 3]], pixel: [u8; 3]) -> u8 {
    let far = |color: &[u8; 3]| {
        color.iter().zip(pixel).map(|(one, two)| (i32::from(*one) - i32::from(two)).pow(2)).sum::<i32>()
    };
    let best = palette.iter().enumerate().min_by_key(|(_, color)| far(color));
    best.map_or(0, |(at, _)| at as u8)
}

fn save(file: &str, screens: &[Vec<[u8; 3]>]) -> Result<(), Error> {
    let lines = screens.len().div_ceil(COLUMNS);
    let (width, height) = (COLUMNS * (WIDTH + GAP) + GAP, lines * (HEIGHT + GAP) + GAP);
    let mut pixels = vec![[0xE6, 0xE8, 0xEE]; width * height];
    for (at, screen) in screens.iter().enumerate() {
        let (left, top) = (GAP + (WIDTH + GAP) * (at % COLUMNS), GAP + (HEIGHT + GAP) * (at / COLUMNS));
        for y in 0..HEIGHT {
            let start = (top + y) * width + left;
            pixels[start..start + WIDTH].copy_from_slice(&screen[y * WIDTH..(y + 1) * WIDTH]);
        }
    }
    let palette = palette(&pixels);
    let mut known: BTreeMap<[u8; 3], u8> = BTreeMap::new();
    let indices: Vec<u8> =
        pixels.iter().map(|pixel| *known.entry(*pixel).or_insert_with(|| nearest(&palette, *pixel))).collect();
    let mut encoder = png::Encoder::new(fs::File::create(file)?, width as u32, height as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette.concat());
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    encoder.write_header()?.write_image_data(&indices)?;
    Ok(())
}
