//! The maps.

use tapwright_phone::Key;
use tapwright_phone::Language;
use tapwright_phone::atlas::{self, PlaceKind};

use crate::hand::Hand;

const MAPS: &str = "com.tapwright.maps";

#[test]
fn a_place_is_found_and_saved_with_its_price() {
    for seed in 0..4 {
        let mut hand = Hand::new(seed, MAPS);
        let places = atlas::places(seed, Language::English);
        let sight = places.iter().find(|place| place.kind == PlaceKind::Sight && 0 < place.price).unwrap();
        hand.tap("Search").write(&sight.name).tap(&sight.name);
        assert!(hand.shows(&format!("Ticket: ¥{}", sight.price)), "{}", hand.words());
        assert_eq!(hand.fact(&format!("maps.place.{}.price", sight.name)), sight.price.to_string());
        hand.tap("Save").field(0).write(&format!("¥{}", sight.price)).press(Key::Back);
        hand.tap("Want to go").tap_first("Check");
        assert_eq!(hand.fact("maps.saved.Want to go"), format!("{} (¥{})", sight.name, sight.price));
        assert!(hand.shows("Saved in Want to go"));
        hand.press(Key::Back).press(Key::Back).press(Key::Back);
        hand.world.launch(MAPS);
        hand.world.advance(3000);
        hand.tap("Saved").tap("Want to go").hold(&sight.name).tap("Remove");
        assert_eq!(hand.fact("maps.saved.Want to go"), "");
        assert!(hand.shows("No places in this list"));
    }
}

#[test]
fn lists_are_made_and_deleted_and_a_start_fills_them() {
    let mut hand = Hand::new(5, MAPS);
    hand.tap("Saved").tap("Plus").write("Trip").tap("Check");
    assert_eq!(hand.fact("maps.lists"), "Favourites; Want to go; Trip");
    hand.set("maps.saved.Trip", "Palace Museum (60); Temple of Heaven");
    assert_eq!(hand.fact("maps.saved.Trip"), "Palace Museum (60); Temple of Heaven");
    assert!(hand.world.set_fact("maps.saved.Trip", "Nowhere").is_err());
    hand.tap("Trip");
    assert!(hand.shows("Palace Museum") && hand.shows("60"));
    hand.tap("Bin");
    assert!(hand.shows("Delete list?"));
    hand.tap("Delete");
    assert_eq!(hand.fact("maps.lists"), "Favourites; Want to go");
}

#[test]
fn how_far_it_is_is_known_to_who_may_know_where_the_phone_is() {
    let mut hand = Hand::new(6, MAPS);
    assert!(!hand.shows("km") && !hand.shows(" m "), "{}", hand.words());
    hand.tap_first("Pin");
    let mut asked = hand.world.clone();
    assert!(hand.shows("to use your location?"));
    hand.tap("Allow");
    assert!(hand.words().contains("km") || hand.words().contains(" m "), "{}", hand.words());
    asked.input(&tapwright_phone::Input::Press(Key::Back));
    assert_eq!(asked.permission(MAPS), Some(false));
    hand.set("maps.city", "Beijing").seek("Palace Museum");
    hand.tap("Directions").tap("Walk");
    assert!(hand.shows("From my location") && hand.shows("min"));
}

#[test]
fn it_speaks_chinese() {
    let mut hand = Hand::chinese(1, MAPS);
    hand.set("maps.city", "Changchun").tap("景点").seek("南湖公园");
    assert!(hand.shows("长春") && hand.shows("路线"));
}
