//! Draws what touches lead to, for people to look at: each touch is a word, an icon's name, `type TEXT`, `hold WORD`, `swipe ROWS`,
//! `field N`, `back`, `enter`, `home` or `NAME=VALUE` for a fact; a picture follows each, five of them side by side in a file.
//! `cargo run -p tapwright-phone --example tour -- DIR SEED WIDTHxHEIGHT en|zh PACKAGE TOUCH...`

use std::fs;
use std::path::{Path, PathBuf};

use tapwright_phone::{ADB_KEYBOARD, AppSelection, Input, Key, Language, MarkContent, Options, World};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, seed, size, language, package, touches @ ..] = &arguments[..] else {
        return Err("DIR SEED WIDTHxHEIGHT en|zh PACKAGE TOUCH...".into());
    };
    let (width, height) = size.split_once('x').ok_or("WIDTHxHEIGHT")?;
    let mut world = World::new(Options {
        seed: seed.parse()?,
        width: width.parse()?,
        height: height.parse()?,
        language: Language::named(language).ok_or("en or zh")?,
        apps: AppSelection::All,
        ..Options::default()
    });
    world.set_input_method(ADB_KEYBOARD);
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder)?;
    world.launch(package);
    let mut pictures = vec![world.draw()];
    for touch in touches {
        if let Err(error) = carry_out(&mut world, touch) {
            println!("{touch}: {error}");
        }
        pictures.push(world.draw());
    }
    let (width, height) = world.size();
    for (at, sheet) in pictures.chunks(SHEET).enumerate() {
        save(&folder, &format!("{at:02}"), sheet, (width as usize, height as usize))?;
    }
    Ok(())
}

fn carry_out(world: &mut World, touch: &str) -> Result<(), Error> {
    let (width, height) = (world.size().0 as i32, world.size().1 as i32);
    let (verb, rest) = touch.split_once(' ').unwrap_or((touch, ""));
    match verb {
        "type" => world.input(&Input::Type(rest.into())),
        "swipe" => {
            let by = (rest.parse::<f32>()? * width as f32 * 1200.0 / 13.0 / 540.0) as i32;
            let from = (width / 2, height * if by > 0 { 7 } else { 3 } / 10);
            world.input(&Input::Swipe { from, to: (from.0, from.1 - by), millis: 1500 });
        }
        "hold" => {
            let (x, y) = place(world, rest).ok_or("not there")?;
            world.input(&Input::LongPress { x, y });
        }
        "field" => {
            let fields: Vec<_> = world.marks().into_iter().filter(|mark| mark.what == MarkContent::Field).collect();
            let (x, y) = fields.get(rest.parse::<usize>()?).and_then(|mark| mark.target).ok_or("not there")?;
            world.input(&Input::Tap { x, y });
        }
        "back" => world.input(&Input::Press(Key::Back)),
        "enter" => world.input(&Input::Press(Key::Enter)),
        "home" => world.input(&Input::Press(Key::Home)),
        _ if touch.contains('=') => {
            let (name, value) = touch.split_once('=').unwrap_or((touch, ""));
            world.set_fact(name, value)?;
        }
        _ => {
            let (x, y) = place(world, touch).ok_or("not there")?;
            world.input(&Input::Tap { x, y });
        }
    }
    Ok(())
}

/// Where a word or an icon is that a touch reaches.
fn place(world: &World, name: &str) -> Option<(i32, i32)> {
    let is_it = |what: &MarkContent| match what {
        MarkContent::Word(word) => word == name,
        MarkContent::Icon(icon) => format!("{icon:?}") == name,
        MarkContent::Control | MarkContent::Field => false,
    };
    world.marks().into_iter().find(|mark| is_it(&mark.what) && mark.target.is_some())?.target
}

/// Pictures side by side in a file.
const SHEET: usize = 5;

fn save(folder: &Path, name: &str, pictures: &[Vec<u8>], (width, height): (usize, usize)) -> Result<(), Error> {
    let mut rgba = Vec::new();
    for y in 0..height {
        for picture in pictures {
            rgba.extend_from_slice(&picture[4 * y * width..4 * (y + 1) * width]);
        }
    }
    let file = fs::File::create(folder.join(format!("{name}.png")))?;
    let mut encoder = png::Encoder::new(file, (width * pictures.len()) as u32, height as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header()?.write_image_data(&rgba)?;
    Ok(())
}
