//! The railway.

use tapwright_phone::Key;
use tapwright_phone::atlas::{CITIES, trains};

use crate::hand::Hand;

const RAIL: &str = "com.tapwright.rail";
const FIRST_DAY: u64 = 20_454;

/// Searches the train at ten from Beijing to Changchun on 5 January, and orders a seat for the first passenger.
fn order_seat(seed: u64) -> Hand {
    let mut hand = Hand::new(seed, RAIL);
    hand.set("rail.passengers", "Anna; Ben").set("wallet.pin", "135790").set("wallet.balance", "20000");
    hand.tap(&city(&hand, 0)).write("beij").tap("Beijing");
    let to = hand.fact("rail.form").split(" | ").nth(1).unwrap().to_owned();
    hand.tap(&to).write("Changchun").press(Key::Enter).tap("Changchun");
    let date = hand.words();
    assert!(date.contains("January"), "{date}");
    hand.tap("Calendar").tap("5").tap("Search trains");
    hand.seek("10:00").tap("Anna");
    hand
}

fn city(hand: &Hand, at: usize) -> String {
    hand.fact("rail.form").split(" | ").nth(at).unwrap().to_owned()
}

fn seats(seed: u64) -> (String, u32, bool) {
    let place = |name: &str| CITIES.iter().position(|city| city.name.english == name).unwrap();
    let all = trains(seed, place("Beijing"), place("Changchun"), FIRST_DAY + 4);
    let train = all.into_iter().find(|train| train.departs == 600).unwrap();
    let class = train.seats.iter().position(|seat| 0 < seat.left);
    (train.number, class.map_or(0, |class| train.seats[class].price), class.is_some())
}

#[test]
fn the_train_at_ten_is_ordered_and_paid_with_a_pin() {
    let mut bought = 0;
    for seed in 0..6 {
        let (number, price, has_seats) = seats(seed);
        if !has_seats {
            continue;
        }
        let mut hand = order_seat(seed);
        hand.seek("Order for");
        let order = hand.fact("rail.orders.0");
        assert!(order.starts_with(&format!("unpaid | {number} | Beijing | Changchun | 2026-01-05 | 10:00")), "{order}");
        assert!(order.ends_with(&format!("Anna | ¥{price}")), "{order} {price}");
        hand.seek("Pay").write("000000").seek("Pay");
        assert!(hand.shows("Tries left: 2"), "{}", hand.words());
        assert!(hand.world.hierarchy().contains("password=\"true\""));
        hand.field(0).write("135790");
        assert!(!hand.shows("135790"), "a PIN is hidden");
        hand.seek("Pay");
        assert!(hand.fact("rail.orders.0").starts_with("paid | "), "{}", hand.words());
        assert_eq!(hand.fact("wallet.balance"), format!("¥{}", 20_000 - price));
        assert_eq!(hand.fact("wallet.payments"), format!("rail {number} ¥{price}"));
        hand.seek("Refund");
        assert!(hand.shows("It cannot be undone."));
        hand.tap("Refund");
        assert!(hand.fact("rail.orders.0").starts_with("refunded | "));
        bought += 1;
    }
    assert!(3 < bought, "{bought}");
}

#[test]
fn three_wrong_pins_lock_the_wallet_and_an_order_does_not_wait_for_ever() {
    let seed = (0..9).find(|seed| seats(*seed).2).unwrap();
    let mut hand = order_seat(seed);
    hand.seek("Order for").seek("Pay");
    for _ in 0..3 {
        if !hand.world.field_has_focus() {
            hand.field(0);
        }
        hand.write("111111").tap("Pay");
    }
    assert_eq!(hand.fact("wallet.locked"), "true");
    assert!(hand.shows("Locked after three wrong PINs"), "{}", hand.words());
    hand.set("wallet.locked", "false").press(Key::Back);
    hand.press(Key::Back);
    hand.world.advance(31 * 60 * 1000);
    assert!(hand.shows("Cancelled"), "{}", hand.words());
}

#[test]
fn what_is_sold_out_cannot_be_ordered_and_passengers_are_checked() {
    let seed = (0..9).find(|seed| seats(*seed).2).unwrap();
    let number = seats(seed).0;
    let mut hand = Hand::new(seed, RAIL);
    hand.set("rail.form", "Beijing | Changchun | 4").set("rail.sold-out", &number).tap("Search trains").seek(&number);
    assert!(hand.shows("Sold out"));
    hand.seek("Order for");
    assert_eq!(hand.fact("rail.orders.count"), "0");
    hand.seek("Add passenger").write("Zed").press(Key::Enter).write("12").tap("Check");
    assert!(hand.shows("18 digits"));
    hand.write("3456789012345678").tap("Check");
    assert!(hand.fact("rail.passengers").ends_with("; Zed"), "{}", hand.fact("rail.passengers"));
    for (name, value) in [("wallet.pin", "12"), ("rail.form", "Beijing | Nowhere | 1"), ("wallet.balance", "much")] {
        assert!(hand.world.set_fact(name, value).is_err());
    }
    hand.set("rail.form", "Beijing | Beijing | 0").press(Key::Home);
    hand.world.stop(RAIL);
    hand.world.launch(RAIL);
    hand.tap("Search trains");
    assert!(hand.shows("two different cities"));
}

/// What is told of widgets in words.
#[test]
fn a_day_that_is_not_sold_cannot_be_pressed_and_a_pin_is_a_secret() {
    let nodes = |hand: &Hand, with: &[&str]| -> Vec<String> {
        let xml = hand.world.hierarchy();
        let nodes = xml.split("<node").skip(1).filter(|node| with.iter().all(|part| node.contains(part)));
        nodes.map(str::to_owned).collect()
    };
    let seed = (0..9).find(|seed| seats(*seed).2).unwrap();
    let mut hand = Hand::new(seed, RAIL);
    hand.tap("Calendar");
    let days =
        |hand: &Hand| ["true", "false"].map(|is| nodes(hand, &[":id/day\"", &format!("enabled=\"{is}\"")]).len());
    let [open, closed] = days(&hand);
    assert!(5 < open && open + closed == 31, "{open} {closed}");
    hand.tap("Minus");
    assert_eq!(days(&hand), [0, 31]);
    let mut hand = order_seat(seed);
    hand.seek("Order for").seek("Pay").write("1357");
    let secret = nodes(&hand, &["password=\"true\""]);
    assert!(secret.len() == 1 && secret[0].contains("EditText") && secret[0].contains("text=\"••••\""), "{secret:?}");
    assert!(nodes(&hand, &["1357"]).is_empty());
    assert!(nodes(&hand, &["enabled=\"false\""]).is_empty(), "everything else can be pressed");
}
