//! Draws every page of a seed into a folder, for people to look at:
//! `cargo run --release -p tapwright-phone --example shots -- DIR [SEED] [WIDTH HEIGHT] [en|zh] [first|second] [all]`.

use std::fs;
use std::path::{Path, PathBuf};

use tapwright_phone::{
    ADB_KEYBOARD, AppSelection, Appearance, Event, Input, Key, Language, MarkContent, Options, World,
};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = PathBuf::from(arguments.first().map_or("shots", String::as_str));
    let number = |at: usize, otherwise: u32| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let options = Options {
        seed: u64::from(number(1, 1)),
        width: number(2, 540),
        height: number(3, 1200),
        language: arguments.get(4).and_then(|code| Language::named(code)).unwrap_or_default(),
        appearance: if arguments.iter().any(|word| word == "second") { Appearance::Second } else { Appearance::First },
        apps: if arguments.iter().any(|word| word == "all") { AppSelection::All } else { AppSelection::Basic },
        ..Options::default()
    };
    fs::create_dir_all(&folder)?;
    save(&folder, "home", &World::new(options.clone()))?;
    for app in World::new(options.clone()).apps() {
        pages(&folder, &options, app.package)?;
    }
    system(&folder, &options)
}

fn save(folder: &Path, name: &str, world: &World) -> Result<(), Error> {
    let (width, height) = world.size();
    let mut encoder = png::Encoder::new(fs::File::create(folder.join(format!("{name}.png")))?, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header()?.write_image_data(&world.draw())?;
    Ok(())
}

/// The place of the first mark of a kind that can be touched.
fn place(world: &World, is_it: impl Fn(&MarkContent) -> bool) -> Option<(i32, i32)> {
    world.marks().into_iter().find(|mark| is_it(&mark.what) && mark.target.is_some())?.target
}

fn is_icon(what: &MarkContent, name: &str) -> bool {
    matches!(what, MarkContent::Icon(icon) if format!("{icon:?}") == name)
}

/// The first page of an app, further down, one of its rows, what its plus and its bin lead to, and a long press.
fn pages(folder: &Path, options: &Options, package: &str) -> Result<(), Error> {
    let name = package.rsplit('.').next().unwrap_or(package);
    let mut first = World::new(options.clone());
    first.launch(package);
    save(folder, name, &first)?;
    let (width, height) = (first.size().0 as i32, first.size().1 as i32);
    let mut lower = first.clone();
    lower.input(&Input::Swipe { from: (width / 2, height * 3 / 4), to: (width / 2, height * 3 / 8), millis: 300 });
    save(folder, &format!("{name}-lower"), &lower)?;
    let row = first.marks().into_iter().filter_map(|mark| mark.target).find(|(_, y)| height / 6 < *y);
    if let Some((x, y)) = row {
        let mut held = first.clone();
        held.input(&Input::LongPress { x, y });
        save(folder, &format!("{name}-held"), &held)?;
        let mut touched = first.clone();
        touched.input(&Input::Tap { x, y });
        save(folder, &format!("{name}-row"), &touched)?;
        if let Some((x, y)) = place(&touched, |what| is_icon(what, "Bin")) {
            touched.input(&Input::Tap { x, y });
            save(folder, &format!("{name}-bin"), &touched)?;
        }
    }
    if let Some((x, y)) = place(&first, |what| is_icon(what, "Plus")) {
        let mut new = first.clone();
        new.input(&Input::Tap { x, y });
        save(folder, &format!("{name}-plus"), &new)?;
        if let Some((x, y)) = place(&new, |what| *what == MarkContent::Field) {
            new.input(&Input::Tap { x, y });
            new.set_input_method(ADB_KEYBOARD);
            new.input(&Input::Type("on my way".into()));
            save(folder, &format!("{name}-typed"), &new)?;
            new.input(&Input::Press(Key::SelectAll));
            save(folder, &format!("{name}-selected"), &new)?;
            new.input(&Input::Press(Key::Back));
            new.input(&Input::Press(Key::Back));
            save(folder, &format!("{name}-asked"), &new)?;
        }
    }
    Ok(())
}

/// What belongs to no app.
fn system(folder: &Path, options: &Options) -> Result<(), Error> {
    let mut world = World::new(options.clone());
    world.set_fact("dark.on", "true")?;
    save(folder, "home-dark", &world)?;
    world.launch("com.android.mms");
    world.launch("com.android.contacts");
    save(folder, "contacts-dark", &world)?;
    let note = |text: &str| Event::Notification { package: "com.android.mms", text: text.into(), millis: 4000 };
    world.happen(note("Ben: are you there?"));
    save(folder, "banner", &world)?;
    world.advance(9000);
    world.input(&Input::Press(Key::Notifications));
    save(folder, "shade", &world)?;
    world.input(&Input::Press(Key::Back));
    world.input(&Input::Press(Key::Recents));
    save(folder, "recents", &world)?;
    world.input(&Input::Press(Key::Back));
    for (name, event) in [("permission", Event::Permission), ("lock", Event::Lock { dark: false })] {
        world.happen(event);
        save(folder, name, &world)?;
    }
    Ok(())
}
