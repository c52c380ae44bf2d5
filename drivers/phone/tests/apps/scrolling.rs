//! How pages move on a phone with all apps.

use tapwright_phone::{AppSelection, Input, Options, World};

use crate::hand::Hand;

const SETTINGS: &str = "com.android.settings";

fn swipe(world: &mut World, pixels: i32, millis: u32) {
    world.input(&Input::Swipe { from: (270, 800), to: (270, 800 - pixels), millis });
}

#[test]
fn lists_move_by_pixels_and_a_fast_finger_flings_them() {
    let hand = Hand::new(3, "com.tapwright.feed");
    let at = |world: &World| {
        world.hierarchy().split("resource-id=\"com.tapwright.feed:id/title\"").nth(1).map(str::to_owned)
    };
    let (mut slow, mut fast) = (hand.world.clone(), hand.world.clone());
    swipe(&mut slow, 40, 5000);
    assert_ne!(at(&slow), at(&hand.world), "by less than a row");
    swipe(&mut fast, 40, 60);
    assert!(slow.draw() != fast.draw());
    // To the end, and back to the very beginning.
    let first = hand.world.draw();
    for _ in 0..60 {
        swipe(&mut fast, 700, 100);
    }
    let last = fast.draw();
    swipe(&mut fast, 700, 100);
    assert!(fast.draw() == last && last != first);
    for _ in 0..160 {
        fast.input(&Input::Swipe { from: (270, 400), to: (270, 520), millis: 100 });
    }
    assert!(fast.draw() == first);
}

#[test]
fn a_finger_that_rests_is_a_touch() {
    let mut hand = Hand::new(3, "com.tapwright.rail");
    let (x, y) = hand.place("Calendar");
    hand.world.input(&Input::Swipe { from: (x, y), to: (x + 3, y - 4), millis: 80 });
    assert_eq!(hand.world.page().unwrap().name, "date");
}

#[test]
fn animations_end_where_a_phone_without_them_is_at_once() {
    let options = Options { seed: 3, apps: AppSelection::All, ..Options::default() };
    let mut still = World::new(options.clone());
    let mut moving = World::new(Options { animations: true, ..options });
    for world in [&mut still, &mut moving] {
        world.launch(SETTINGS);
    }
    assert!(moving.draw() != still.draw() && moving.moves_for() > 0);
    for world in [&mut still, &mut moving] {
        world.advance(1000);
        swipe(world, 300, 100);
        world.advance(1100);
    }
    assert!(moving.draw() != still.draw() && moving.moves_for() > 0);
    for world in [&mut still, &mut moving] {
        world.advance(3000);
    }
    assert!(moving.draw() == still.draw() && moving.moves_for() == 0);
}

#[test]
fn the_six_have_the_same_world_beside_the_others() {
    for seed in 0..5 {
        let basic = World::new(Options { seed, ..Options::default() }).facts();
        let all = World::new(Options { seed, apps: AppSelection::All, ..Options::default() }).facts();
        for (name, value) in basic.iter().filter(|(name, _)| *name != "launcher.icons") {
            assert_eq!(all.get(name), Some(value), "{name}");
        }
    }
}
