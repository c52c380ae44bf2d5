//! How fast the phone draws: `cargo bench -p tapwright-phone`. With `--test` each size runs once.

use divan::Bencher;
use tapwright_phone::{Options, World};

fn main() {
    divan::main();
}

const PAGES: [&str; 4] = ["launcher", "Settings", "Messages", "Contacts"];

fn world(page: &str, width: u32, height: u32) -> World {
    let mut world = World::new(Options { seed: 3, width, height, ..Options::default() });
    if let Some(app) = world.apps().iter().find(|app| app.label == page) {
        world.launch(app.package);
    }
    world
}

#[divan::bench(args = PAGES)]
fn at_540x1200(bencher: Bencher, page: &str) {
    let world = world(page, 540, 1200);
    bencher.counter(divan::counter::ItemsCount::new(1_usize)).bench(|| world.draw());
}

#[divan::bench(args = PAGES)]
fn at_1080x2400(bencher: Bencher, page: &str) {
    let world = world(page, 1080, 2400);
    bencher.counter(divan::counter::ItemsCount::new(1_usize)).bench(|| world.draw());
}
