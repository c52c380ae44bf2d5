//! Trains, by a rule: the same seed, cities and day have the same trains.

use super::cities::CITIES;
use crate::dice::Dice;
use crate::locale::{Phrase, phrase};

/// What a seat can be, the cheapest first.
pub const SEAT_CLASSES: [Phrase; 3] =
    [phrase("Second class", "二等座"), phrase("First class", "一等座"), phrase("Business", "商务座")];

/// The seats of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// In whole yuan.
    pub price: u32,
    /// How many are left; 0 if it is sold out.
    pub left: u32,
}

/// A train of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Train {
    /// For example `G127`.
    pub number: String,
    /// Minutes after midnight.
    pub departs: u32,
    /// How long it takes, in minutes.
    pub minutes: u32,
    /// As `SEAT_CLASSES`.
    pub seats: [Seat; 3],
}

impl Train {
    /// Whether it is one of the fast ones.
    pub fn is_fast(&self) -> bool {
        self.number.starts_with('G')
    }
}

/// In hours: before this and after that nothing departs.
const FIRST_HOUR: u32 = 6;
const LAST_HOUR: u32 = 20;
/// Every pair of cities has a train at this time.
const ALWAYS: u32 = 10 * 60;

/// The trains of a day, counted from 1970, from one city to another, in the order in which they depart. On every day there is one at ten.
pub fn trains(seed: u64, from: usize, to: usize, day: u64) -> Vec<Train> {
    let (Some(start), Some(end)) = (CITIES.get(from), CITIES.get(to)) else { return Vec::new() };
    if from == to {
        return Vec::new();
    }
    let distance = start.distance(end).max(30);
    // What runs when is the same every day; how much of it is sold is not.
    let mut dice = Dice::named(seed, &format!("trains {from} {to}"));
    let mut sold = Dice::named(seed, &format!("seats {from} {to} {day}"));
    let mut departures = vec![ALWAYS];
    for hour in FIRST_HOUR..=LAST_HOUR {
        if dice.chance(70) && hour * 60 != ALWAYS {
            departures.push(hour * 60 + 1 + dice.below(58) as u32);
        }
    }
    departures.sort_unstable();
    let mut numbers: Vec<usize> = (0..departures.len()).map(|at| 11 + 2 * (9 * at + dice.below(9))).collect();
    numbers.dedup();
    let trains = departures.into_iter().zip(numbers).map(|(departs, number)| {
        let is_fast = departs == ALWAYS || dice.chance(75);
        let speed = if is_fast { 215 + dice.below(50) as u32 } else { 120 + dice.below(40) as u32 };
        let fare = distance * if is_fast { 46 } else { 30 } / 100;
        let second = (fare + dice.below(25) as u32).max(12);
        let prices = [second, second * 16 / 10, second * 3];
        Train {
            number: format!("{}{number}", if is_fast { 'G' } else { 'D' }),
            departs,
            minutes: (distance * 60 / speed).max(12),
            seats: prices.map(|price| {
                let left = if sold.chance(18) { 0 } else { 1 + sold.below(60) as u32 };
                Seat { price, left }
            }),
        }
    });
    trains.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_two_cities_have_trains_one_of_them_at_ten() {
        let mut sold_out = 0;
        for from in 0..CITIES.len() {
            for to in (0..CITIES.len()).filter(|to| *to != from) {
                let list = trains(7, from, to, 20_454);
                assert!(list.iter().any(|train| train.departs == ALWAYS && train.is_fast()));
                assert!(list.windows(2).all(|pair| pair[0].departs < pair[1].departs));
                assert!(list.iter().all(|train| train.seats[0].price < train.seats[2].price));
                let numbers: std::collections::BTreeSet<&String> = list.iter().map(|train| &train.number).collect();
                assert_eq!(numbers.len(), list.len());
                sold_out += list.iter().filter(|train| train.seats.iter().any(|seat| seat.left == 0)).count();
                let other = trains(7, from, to, 20_455);
                assert!(list.iter().zip(&other).all(|(one, two)| one.number == two.number));
            }
        }
        assert!(sold_out > 1000, "{sold_out}");
        assert!(trains(7, 1, 1, 20_454).is_empty() && trains(7, 0, 99, 20_454).is_empty());
        assert_ne!(trains(7, 0, 2, 20_454), trains(8, 0, 2, 20_454));
    }
}
