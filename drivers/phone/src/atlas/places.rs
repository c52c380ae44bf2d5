//! What maps know of a city: its sights, restaurants, hotels, cafés, shops and stations.

use super::cities::{CITIES, City};
use crate::dice::Dice;
use crate::locale::{Language, Phrase, phrase};
use crate::picture::{Picture, Subject};

/// What kind of place it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlaceKind {
    Sight,
    Restaurant,
    Cafe,
    Hotel,
    Shop,
    Pharmacy,
    Station,
}

impl PlaceKind {
    /// All of them.
    pub const ALL: [PlaceKind; 7] = [
        PlaceKind::Sight,
        PlaceKind::Restaurant,
        PlaceKind::Cafe,
        PlaceKind::Hotel,
        PlaceKind::Shop,
        PlaceKind::Pharmacy,
        PlaceKind::Station,
    ];

    /// What it is called.
    pub fn label(self) -> Phrase {
        match self {
            PlaceKind::Sight => phrase("Sights", "景点"),
            PlaceKind::Restaurant => phrase("Food", "美食"),
            PlaceKind::Cafe => phrase("Cafes", "咖啡"),
            PlaceKind::Hotel => phrase("Hotels", "酒店"),
            PlaceKind::Shop => phrase("Shops", "商店"),
            PlaceKind::Pharmacy => phrase("Pharmacies", "药店"),
            PlaceKind::Station => phrase("Stations", "车站"),
        }
    }
}

/// A place on the map.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Its number in the list of all.
    pub id: usize,
    /// In the phone's language, and no other place's.
    pub name: String,
    pub kind: PlaceKind,
    /// The place of its city in `CITIES`.
    pub city: usize,
    pub picture: Picture,
    /// In whole yuan: a ticket, a meal, a night; 0 if it is free.
    pub price: u32,
    /// Minutes after midnight; all day if both are the same.
    pub open: u32,
    pub close: u32,
    /// The weekday on which it is closed, 0 for Monday.
    pub closed_on: Option<u32>,
    /// In tenths, up to 50.
    pub rating: u32,
    pub address: String,
    pub number: String,
    /// Where it is on its city's map, in hundredths of the map.
    pub at: (u32, u32),
}

impl Place {
    /// Its city.
    pub fn city(&self) -> &'static City {
        &CITIES[self.city]
    }

    /// Whether it is open at a time, day counted from 1970.
    pub fn is_open(&self, day: u64, minute: u32) -> bool {
        let weekday = (day + 3) % 7;
        let is_day = self.closed_on.is_none_or(|closed| u64::from(closed) != weekday);
        is_day && (self.open == self.close || (self.open..self.close).contains(&minute))
    }
}

const STREETS: [Phrase; 12] = [
    phrase("Liberty Road", "自由大路"),
    phrase("Station Street", "站前街"),
    phrase("River Road", "沿河路"),
    phrase("Garden Lane", "花园巷"),
    phrase("North Avenue", "北大街"),
    phrase("South Avenue", "南大街"),
    phrase("School Road", "学府路"),
    phrase("Bridge Street", "桥头街"),
    phrase("Market Street", "市场街"),
    phrase("Spring Road", "春城大街"),
    phrase("Culture Road", "文化路"),
    phrase("Hill Road", "山前路"),
];

const MEALS: [Phrase; 14] = [
    phrase("Dumpling House", "饺子馆"),
    phrase("Noodle Kitchen", "面馆"),
    phrase("Hotpot Corner", "火锅店"),
    phrase("Tofu Garden", "豆花庄"),
    phrase("Lamb Skewers", "羊肉串店"),
    phrase("Rice Bowl", "米饭小馆"),
    phrase("Fish Pavilion", "鱼庄"),
    phrase("Duck Restaurant", "烤鸭店"),
    phrase("Green Table", "素食馆"),
    phrase("Soup Kitchen", "老汤馆"),
    phrase("Spicy Pot", "麻辣香锅"),
    phrase("Seafood Hall", "海鲜酒楼"),
    phrase("Pancake Stand", "煎饼铺"),
    phrase("Barbecue Yard", "烧烤院"),
];
const CAFES: [Phrase; 6] = [
    phrase("Coffee Room", "咖啡屋"),
    phrase("Tea House", "茶馆"),
    phrase("Bakery", "面包房"),
    phrase("Milk Tea Bar", "奶茶店"),
    phrase("Book Cafe", "书吧"),
    phrase("Sweet Shop", "甜品店"),
];
const HOTELS: [Phrase; 6] = [
    phrase("Grand Hotel", "大饭店"),
    phrase("Lakeside Inn", "湖畔客栈"),
    phrase("Station Hotel", "车站宾馆"),
    phrase("Garden Hotel", "花园酒店"),
    phrase("Youth Hostel", "青年旅舍"),
    phrase("Business Hotel", "商务酒店"),
];
const SHOPS: [Phrase; 5] = [
    phrase("Department Store", "百货大楼"),
    phrase("Supermarket", "超市"),
    phrase("Bookstore", "书店"),
    phrase("Flower Shop", "花店"),
    phrase("Sports Store", "体育用品店"),
];
const PHARMACIES: [Phrase; 3] = [
    phrase("People's Pharmacy", "人民药店"),
    phrase("Health Pharmacy", "健康药房"),
    phrase("Night Pharmacy", "夜间药房"),
];
const STATIONS: [Phrase; 3] =
    [phrase("Railway Station", "火车站"), phrase("West Station", "西站"), phrase("Airport", "机场")];

/// All places of the country, those of a city together.
pub fn places(seed: u64, language: Language) -> Vec<Place> {
    let mut all = Vec::new();
    for (city, here) in CITIES.iter().enumerate() {
        let mut dice = Dice::named(seed, here.name.english);
        for attraction in here.attractions {
            let picture = Picture::new(attraction.subject, dice.below(1 << 20) as u32);
            let mut place = draw(&mut dice, PlaceKind::Sight, city, language);
            place.picture = picture;
            place.name = language.say(attraction.name).to_owned();
            all.push(place);
        }
        for (kind, names, count) in [
            (PlaceKind::Restaurant, &MEALS[..], 5),
            (PlaceKind::Cafe, &CAFES, 3),
            (PlaceKind::Hotel, &HOTELS, 3),
            (PlaceKind::Shop, &SHOPS, 3),
            (PlaceKind::Pharmacy, &PHARMACIES, 2),
            (PlaceKind::Station, &STATIONS, 2),
        ] {
            let mut names = names.to_vec();
            dice.shuffle(&mut names);
            for name in names.into_iter().take(count) {
                let mut place = draw(&mut dice, kind, city, language);
                place.name = match language {
                    Language::English => format!("{} {}", here.name.english, name.english),
                    Language::Chinese => format!("{}{}", here.name.chinese, name.chinese),
                };
                all.push(place);
            }
        }
    }
    for id in 0..all.len() {
        all[id].id = id;
        // Some sights are called alike in several cities.
        let name = all[id].name.clone();
        if all.iter().filter(|place| place.name == name).count() > 1 {
            let city = language.say(all[id].city().name);
            all[id].name = match language {
                Language::English => format!("{name} {city}"),
                Language::Chinese => format!("{city}{name}"),
            };
        }
    }
    all
}

fn draw(dice: &mut Dice, kind: PlaceKind, city: usize, language: Language) -> Place {
    let (subject, price, open, close) = match kind {
        PlaceKind::Sight => {
            let price = if dice.chance(20) { 0 } else { 5 * (2 + dice.below(30) as u32) };
            (Subject::Park, price, 30 * (15 + dice.below(5) as u32), 30 * (33 + dice.below(6) as u32))
        }
        PlaceKind::Restaurant => (
            Subject::Meal,
            18 + dice.below(140) as u32,
            30 * (20 + dice.below(4) as u32),
            30 * (40 + dice.below(7) as u32),
        ),
        PlaceKind::Cafe => (
            Subject::Coffee,
            12 + dice.below(40) as u32,
            30 * (15 + dice.below(6) as u32),
            30 * (36 + dice.below(9) as u32),
        ),
        PlaceKind::Hotel => (Subject::Skyline, 10 * (12 + dice.below(70) as u32), 0, 0),
        PlaceKind::Shop => (Subject::Street, 0, 30 * (18 + dice.below(3) as u32), 30 * (40 + dice.below(5) as u32)),
        PlaceKind::Pharmacy => (Subject::Street, 0, 30 * (16 + dice.below(3) as u32), 30 * (40 + dice.below(8) as u32)),
        PlaceKind::Station => (Subject::Station, 0, 0, 0),
    };
    let street = dice.pick(&STREETS);
    let house = 1 + dice.below(280);
    Place {
        id: 0,
        name: String::new(),
        kind,
        city,
        picture: Picture::new(subject, dice.below(1 << 20) as u32),
        price,
        open,
        close,
        closed_on: (kind == PlaceKind::Sight && dice.chance(40)).then(|| dice.below(2) as u32),
        rating: 34 + dice.below(16) as u32,
        address: match language {
            Language::English => format!("{house} {}", street.english),
            Language::Chinese => format!("{}{house}号", street.chinese),
        },
        number: format!("0{} {:04} {:04}", 411 + dice.below(480), 2000 + dice.below(7000), dice.below(10_000)),
        at: (6 + dice.below(88) as u32, 8 + dice.below(84) as u32),
    }
}
