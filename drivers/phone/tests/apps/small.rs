//! The apps with fewer pages: weather, calculator, music, phone.

use tapwright_phone::Key;

use crate::hand::Hand;

#[test]
fn cities_are_added_to_the_weather_looked_at_and_removed() {
    let mut hand = Hand::new(1, "com.tapwright.weather");
    hand.set("weather.cities", "Beijing");
    hand.tap("Plus").write("changch").tap("Changchun");
    assert_eq!(hand.fact("weather.cities"), "Beijing; Changchun");
    let fact = hand.fact("weather.Changchun.0");
    let high = fact.split(" | ").nth(1).unwrap().to_owned();
    hand.tap("Changchun");
    assert!(hand.shows(&format!("{high}°")), "{high} in {}", hand.words());
    hand.press(Key::Back).hold("Beijing").tap("Remove").tap("Gear").tap("Degrees Fahrenheit");
    assert_eq!(hand.fact("weather.cities"), "Changchun");
    assert_eq!(hand.fact("weather.fahrenheit"), "true");
}

#[test]
fn the_calculator_works_out_and_remembers() {
    let mut hand = Hand::new(1, "com.android.calculator2");
    for key in ["1", "2", "×", "7", "="] {
        hand.tap_first(key);
    }
    assert_eq!(hand.fact("calculator.last"), "12×7=84");
    assert!(hand.shows("84"));
    hand.tap("Clock");
    assert!(hand.shows("12×7"));
    hand.tap("Bin");
    assert_eq!(hand.fact("calculator.last"), "");
}

#[test]
fn a_song_is_played_kept_and_put_into_a_playlist() {
    let mut hand = Hand::new(1, "com.android.music");
    let songs = hand.fact("music.songs");
    let (first, second) = {
        let mut songs = songs.split("; ");
        (songs.next().unwrap().to_owned(), songs.next().unwrap().to_owned())
    };
    hand.tap(&first);
    assert_eq!((hand.fact("music.song"), hand.fact("music.plays")), (first.clone(), "true".to_owned()));
    hand.world.advance(30_000);
    assert!(hand.shows("0:30"), "{}", hand.words());
    hand.tap("Star").tap("Pause");
    assert_eq!((hand.fact("music.favourites"), hand.fact("music.plays")), (first, "false".to_owned()));
    hand.tap("Next");
    assert_eq!(hand.fact("music.song"), second);
    hand.press(Key::Back).tap_first("Playlists").tap("Plus").write("Trip").tap_first("Check");
    assert!(hand.fact("music.playlists").ends_with("; Trip"));
    hand.tap_first("Songs").hold(&second).tap("Add to playlist").tap("Trip");
    assert_eq!(hand.fact("music.playlist.Trip"), second);
}

#[test]
fn somebody_is_called_and_a_number_blocked() {
    let mut hand = Hand::new(1, "com.android.dialer");
    hand.set("contacts.Zora.number", "0155 555 5555").set("calls.missed", "Zora");
    assert!(hand.fact("calls.0").starts_with("missed Zora"));
    hand.tap("Zora");
    assert_eq!(hand.fact("calls.active"), "Zora");
    assert!(hand.shows("Calling"));
    hand.world.advance(13_000);
    assert!(hand.shows("0:10"), "{}", hand.words());
    hand.tap("Mute");
    assert_eq!(hand.fact("calls.mute"), "true");
    hand.tap("End call");
    assert!(hand.fact("calls.active").is_empty() && hand.fact("calls.0").starts_with("out Zora"));
    hand.hold("Zora").tap("Block number");
    assert_eq!(hand.fact("calls.blocked"), "01555555555");
    hand.tap_first("Keypad");
    for key in ["0", "4", "2"] {
        hand.tap_first(key);
    }
    assert!(hand.shows("042"), "{}", hand.words());
    hand.set("airplane.on", "true").tap("Handset");
    assert!(hand.fact("calls.active").is_empty() && hand.shows("airplane mode"));
}
