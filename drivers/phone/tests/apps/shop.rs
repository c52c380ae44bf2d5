//! The shop.

use tapwright_phone::Key;

use crate::hand::Hand;

const SHOP: &str = "com.tapwright.shop";

/// Something that can be had, and its price in hundredths.
fn product(hand: &Hand) -> (String, i64) {
    let facts = hand.world.facts();
    let name = facts.iter().find_map(|(name, stock)| {
        let name = name.strip_prefix("shop.product.")?.strip_suffix(".stock")?;
        (name.ends_with("Cook Book") && stock.parse::<u32>().unwrap() > 2).then(|| name.to_owned())
    });
    let name = name.expect("a book can be had");
    let price = facts[&format!("shop.product.{name}.price")].trim_start_matches('¥').replace('.', "");
    let cents = price.parse::<i64>().unwrap();
    let whole = !facts[&format!("shop.product.{name}.price")].contains('.');
    (name, if whole { cents * 100 } else { cents })
}

#[test]
fn a_book_is_found_put_into_the_cart_twice_and_paid() {
    for seed in 0..3 {
        let mut hand = Hand::new(seed, SHOP);
        hand.set("wallet.pin", "112233").set("wallet.balance", "5000");
        let (name, cents) = product(&hand);
        hand.tap("Search").write(&name).tap(&name).seek("Add to cart");
        assert_eq!(hand.fact("shop.cart"), format!("{name} x1"));
        hand.tap("Cart").tap("Plus");
        assert_eq!(hand.fact("shop.cart"), format!("{name} x2"));
        hand.tap("Checkout").seek("Pay").write("112233").tap("Pay");
        assert!(hand.fact("shop.orders.0").starts_with(&format!("paid | {name} x2 | ")), "{}", hand.words());
        assert_eq!(hand.fact("shop.cart"), "");
        let total = 2 * cents;
        let written = if total % 100 == 0 {
            format!("¥{}", total / 100)
        } else {
            format!("¥{}.{:02}", total / 100, total % 100)
        };
        assert!(hand.fact("shop.orders.0").ends_with(&written), "{} {written}", hand.fact("shop.orders.0"));
        hand.world.advance(3000);
        hand.tap(&name).seek("Cancel order");
        assert!(hand.shows("This cannot be undone."));
        hand.tap("Cancel order");
        assert!(hand.fact("shop.orders.0").starts_with("cancelled"));
        assert_eq!(hand.fact("wallet.balance"), "¥5000");
    }
}

#[test]
fn what_is_sold_out_stays_out_of_the_cart_and_too_little_money_buys_nothing() {
    let mut hand = Hand::new(1, SHOP);
    let (name, _) = product(&hand);
    hand.set(&format!("shop.product.{name}.stock"), "0");
    hand.tap("Search").write(&name).tap(&name).seek("Add to cart");
    assert_eq!(hand.fact("shop.cart"), "");
    assert!(hand.shows("Sold out"));
    hand.set(&format!("shop.product.{name}.stock"), "9").set("shop.cart", &format!("{name} x3"));
    hand.set("wallet.balance", "1").set("wallet.pin", "112233");
    assert!(hand.world.set_fact("shop.cart", "Nothing x1").is_err());
    hand.world.advance(3000);
    hand.tap("Cart").tap("Checkout").seek("Pay").write("112233").tap("Pay");
    assert!(hand.shows("Not enough money"), "{}", hand.words());
    assert_eq!(hand.fact("shop.orders.count"), "0");
    hand.press(Key::Back).press(Key::Back);
    assert_eq!(hand.fact("shop.cart"), format!("{name} x3"));
}

#[test]
fn results_are_sorted_and_filtered() {
    let mut hand = Hand::new(2, SHOP);
    hand.tap_first("Shoes").tap("Cheapest");
    let price = |word: &str| word.strip_prefix('¥').and_then(|price| price.parse::<f32>().ok());
    let words = hand.words();
    let prices: Vec<f32> =
        words.split(' ').filter_map(price).filter(|price| *price != 100.0 && *price != 300.0).collect();
    assert!(prices.len() > 1 && prices.windows(2).all(|pair| pair[0] <= pair[1]), "{prices:?}");
    hand.tap("Up to ¥100");
    assert!(hand.shows("Nothing found"), "{}", hand.words());
}
