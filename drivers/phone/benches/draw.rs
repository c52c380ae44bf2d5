//! How fast the phone draws: `cargo bench -p tapwright-phone --bench draw`. With `--test` each size runs once.

use divan::Bencher;
use tapwright_phone::{AppSelection, Options, World};

fn main() {
    divan::main();
}

const PAGES: [&str; 4] = ["launcher", "Settings", "Messages", "Contacts"];
/// The first pages of the apps of a phone with all of them; the gallery may see its photos.
const MORE_PAGES: [&str; 12] =
    ["Feed", "Maps", "Rail", "Shop", "Mail", "Weather", "Calculator", "Music", "Phone", "Files", "Gallery", "Browser"];

fn world(page: &str, width: u32, height: u32, apps: AppSelection) -> World {
    let mut world = World::new(Options { seed: 3, width, height, apps, ..Options::default() });
    if apps == AppSelection::All {
        world.set_fact("airplane.on", "false").unwrap();
        world.set_fact("permission.com.android.gallery3d.photos", "granted").unwrap();
    }
    if let Some(app) = world.apps().iter().find(|app| app.label == page) {
        world.launch(app.package);
    }
    world
}

#[divan::bench(args = PAGES)]
fn at_540x1200(bencher: Bencher, page: &str) {
    let world = world(page, 540, 1200, AppSelection::Basic);
    bencher.counter(divan::counter::ItemsCount::new(1_usize)).bench(|| world.draw());
}

#[divan::bench(args = PAGES)]
fn at_1080x2400(bencher: Bencher, page: &str) {
    let world = world(page, 1080, 2400, AppSelection::Basic);
    bencher.counter(divan::counter::ItemsCount::new(1_usize)).bench(|| world.draw());
}

#[divan::bench(args = MORE_PAGES)]
fn all_apps_at_540x1200(bencher: Bencher, page: &str) {
    let world = world(page, 540, 1200, AppSelection::All);
    bencher.counter(divan::counter::ItemsCount::new(1_usize)).bench(|| world.draw());
}

#[divan::bench(args = MORE_PAGES)]
fn all_apps_at_1080x2400(bencher: Bencher, page: &str) {
    let world = world(page, 1080, 2400, AppSelection::All);
    bencher.counter(divan::counter::ItemsCount::new(1_usize)).bench(|| world.draw());
}
