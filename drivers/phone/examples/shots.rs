//! Draws every page of a seed into a folder, for people to look at: `cargo run --release -p tapwright-phone --example shots -- DIR [SEED] [WIDTH HEIGHT]`.

use std::fs;
use std::path::PathBuf;

use tapwright_phone::{Input, Options, World};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = PathBuf::from(arguments.first().map_or("shots", String::as_str));
    let number = |at: usize, otherwise: u32| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let options =
        Options { seed: u64::from(number(1, 1)), width: number(2, 540), height: number(3, 1200), ..Options::default() };
    fs::create_dir_all(&folder)?;
    let save = |name: &str, world: &World| -> Result<(), Box<dyn std::error::Error>> {
        let (width, height) = world.size();
        let mut encoder = png::Encoder::new(fs::File::create(folder.join(format!("{name}.png")))?, width, height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.write_header()?.write_image_data(&world.draw())?;
        Ok(())
    };
    let (width, height) = (options.width as i32, options.height as i32);
    let row = width * 12 / 70;
    let tap = |world: &mut World, x: i32, y: i32| world.input(&Input::Tap { x: width * x / 540, y });
    let mut world = World::new(options.clone());
    save("launcher", &world)?;
    for app in world.apps() {
        world.launch(app.package);
        save(app.label, &world)?;
        let lower = height * 3 / 4;
        world.input(&Input::Swipe { from: (width / 2, lower), to: (width / 2, lower / 2), millis: 300 });
        save(&format!("{}-lower", app.label), &world)?;
        tap(&mut world, 200, row * 5 / 2);
        save(&format!("{}-row", app.label), &world)?;
        let mut world = World::new(options.clone());
        world.launch(app.package);
        tap(&mut world, 495, row * 3 / 2);
        save(&format!("{}-plus", app.label), &world)?;
    }
    let mut world = World::new(options.clone());
    world.launch("com.android.mms");
    tap(&mut world, 200, row * 5 / 2);
    tap(&mut world, 200, height - row * 3 / 2);
    save("typing", &world)?;
    world.set_input_method(tapwright_phone::ADB_KEYBOARD);
    world.input(&Input::Type("on my way".into()));
    save("typed", &world)?;
    tap(&mut world, 495, height - row * 5 / 2);
    save("sent", &world)?;
    let mut world = World::new(options);
    world.set_fact("dark.on", "true")?;
    world.launch("com.android.contacts");
    tap(&mut world, 200, row * 5 / 2);
    tap(&mut world, 495, row * 3 / 2);
    save("dialog", &world)?;
    Ok(())
}
