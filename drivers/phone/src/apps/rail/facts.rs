//! What judges read of the railway and of the wallet, and what a task can begin with.

use super::{CITIES, OrderState, Passenger, Rail, SEAT_CLASSES, iso};
use crate::app::Facts;
use crate::apps::common::{joined, split, truth};
use crate::date::clock_text;
use crate::providers::Providers;
use crate::providers::wallet::{PIN_DIGITS, TRIES_MAX, money};

/// Tells orders as `paid | G127 | Beijing | Changchun | 2026-01-05 | 10:00 | Second class | Anna, Ben | ¥666`, and the wallet.
pub fn tell(rail: &Rail, providers: &Providers, facts: &mut Facts) {
    facts.insert("rail.orders.count".into(), rail.orders.len().to_string());
    for (at, order) in rail.orders.iter().enumerate() {
        let state = match order.state {
            OrderState::Unpaid(_) => "unpaid",
            OrderState::Paid => "paid",
            OrderState::Cancelled => "cancelled",
            OrderState::Refunded => "refunded",
        };
        let fact = [
            state,
            &order.train.number,
            CITIES[order.from].name.english,
            CITIES[order.to].name.english,
            &iso(order.day),
            &clock_text(order.train.departs),
            SEAT_CLASSES[order.class].english,
            &order.passengers.join(", "),
            &money(order.cents()),
        ];
        facts.insert(format!("rail.orders.{at}"), fact.join(" | "));
    }
    facts.insert("rail.passengers".into(), joined(rail.passengers.iter().map(|person| &person.name)));
    facts.insert("rail.form".into(), {
        let (from, to) = (CITIES[rail.from].name.english, CITIES[rail.to].name.english);
        format!("{from} | {to} | {}", iso(rail.day))
    });
    let wallet = &providers.wallet;
    facts.insert("wallet.balance".into(), money(wallet.balance));
    facts.insert("wallet.pin".into(), wallet.pin.clone());
    facts.insert("wallet.locked".into(), wallet.is_locked().to_string());
    facts.insert(
        "wallet.payments".into(),
        joined(wallet.payments.iter().map(|one| format!("{} {}", one.what, money(one.cents)))),
    );
}

/// `rail.passengers` and `rail.sold-out` are lists; `rail.form` is `from | to | days from today`, or a date; `wallet.pin`,
/// `wallet.balance` (in yuan) and `wallet.locked`.
pub fn set(rail: &mut Rail, name: &[&str], value: &str, providers: &mut Providers) -> Option<Result<(), String>> {
    let wallet = &mut providers.wallet;
    Some(match name {
        ["rail", "passengers"] => {
            let id = |name: &str| format!("{:018}", 100_000_000_000_000_000 + 7919 * name.len() as u64);
            rail.passengers = split(value).map(|name| Passenger { name: name.to_owned(), id: id(name) }).collect();
            Ok(())
        }
        ["rail", "sold-out"] => {
            rail.sold_out = split(value).map(str::to_owned).collect();
            Ok(())
        }
        ["rail", "form"] => set_form(rail, value),
        ["wallet", "pin"] => {
            let is_pin = value.len() == PIN_DIGITS && value.bytes().all(|digit| digit.is_ascii_digit());
            if is_pin {
                wallet.pin = value.to_owned();
            }
            is_pin.then_some(()).ok_or_else(|| format!("a PIN has {PIN_DIGITS} digits"))
        }
        ["wallet", "balance"] => match value.parse::<i64>() {
            Ok(yuan @ 0..=1_000_000_000) => {
                wallet.balance = 100 * yuan;
                Ok(())
            }
            _ => Err("it is a number of yuan".to_owned()),
        },
        ["wallet", "locked"] => truth(value).map(|locked| wallet.failures = if locked { TRIES_MAX } else { 0 }),
        _ => return None,
    })
}

fn set_form(rail: &mut Rail, value: &str) -> Result<(), String> {
    let parts: Vec<&str> = value.split('|').map(str::trim).collect();
    let [from, to, ahead] = parts[..] else { return Err("it is `from | to | days from today, or a date`".to_owned()) };
    let city = |name: &str| {
        let found = CITIES.iter().position(|city| city.name.english == name || city.name.chinese == name);
        found.ok_or_else(|| format!("there is no city `{name}`"))
    };
    let is_meant = |days: &u64| days.to_string() == ahead || iso(rail.first_day + days) == ahead;
    let ahead = (0..super::DAYS_SOLD).find(is_meant).ok_or("the days are 0 to 29, or a date among those")?;
    (rail.from, rail.to, rail.day) = (city(from)?, city(to)?, rail.first_day + ahead);
    Ok(())
}
