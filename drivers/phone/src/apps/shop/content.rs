//! What is sold, drawn from the seed.

use crate::dice::Dice;
use crate::locale::{Language, Phrase, phrase};
use crate::picture::{Picture, Subject};

/// Something to buy.
#[derive(Clone, Debug)]
pub struct Product {
    pub name: String,
    pub category: usize,
    pub picture: Picture,
    /// In hundredths.
    pub cents: i64,
    /// In tenths, up to 50.
    pub rating: u32,
    /// How many can be had; 0 if it is sold out.
    pub stock: u32,
    /// What it can be had in; empty if there is one kind only.
    pub options: Vec<String>,
    pub about: String,
    pub reviews: Vec<(String, String)>,
}

/// What kinds of things there are.
pub const CATEGORIES: [Phrase; 7] = [
    phrase("Books", "图书"),
    phrase("Electronics", "数码"),
    phrase("Shoes", "鞋子"),
    phrase("Clothes", "服装"),
    phrase("Bags", "箱包"),
    phrase("Home", "家居"),
    phrase("Sport", "运动"),
];

const BRANDS: [Phrase; 8] = [
    phrase("Alder", "青木"),
    phrase("Brook", "小溪"),
    phrase("Cobalt", "深蓝"),
    phrase("Dawn", "晨光"),
    phrase("Ember", "火花"),
    phrase("Fern", "绿叶"),
    phrase("Granite", "山石"),
    phrase("Harbour", "海港"),
];

/// The category, the name, what it looks like, the lowest price in whole yuan, and whether it has sizes.
const KINDS: [(usize, Phrase, Subject, usize, Choice); 22] = [
    (0, phrase("Travel Guide", "旅行指南"), Subject::Book, 28, Choice::None),
    (0, phrase("Cook Book", "菜谱"), Subject::Book, 35, Choice::None),
    (0, phrase("Notebook", "笔记本"), Subject::Book, 12, Choice::Color),
    (0, phrase("Novel", "小说"), Subject::Book, 22, Choice::None),
    (1, phrase("Phone", "手机"), Subject::Device, 1299, Choice::Color),
    (1, phrase("Headphones", "耳机"), Subject::Headphones, 159, Choice::Color),
    (1, phrase("Watch", "手表"), Subject::Watch, 299, Choice::Color),
    (1, phrase("Power Bank", "充电宝"), Subject::Device, 79, Choice::None),
    (2, phrase("Running Shoes", "跑鞋"), Subject::Shoe, 239, Choice::Shoe),
    (2, phrase("Walking Shoes", "休闲鞋"), Subject::Shoe, 189, Choice::Shoe),
    (2, phrase("Winter Boots", "冬靴"), Subject::Shoe, 329, Choice::Shoe),
    (3, phrase("T-shirt", "短袖"), Subject::Shirt, 49, Choice::Size),
    (3, phrase("Sweater", "毛衣"), Subject::Shirt, 129, Choice::Size),
    (3, phrase("Rain Jacket", "雨衣"), Subject::Shirt, 199, Choice::Size),
    (4, phrase("Backpack", "背包"), Subject::Bag, 149, Choice::Color),
    (4, phrase("Suitcase", "行李箱"), Subject::Bag, 269, Choice::Color),
    (4, phrase("Shoulder Bag", "挎包"), Subject::Bag, 89, Choice::Color),
    (5, phrase("Desk Lamp", "台灯"), Subject::Lamp, 99, Choice::None),
    (5, phrase("Cup", "杯子"), Subject::Cup, 25, Choice::Color),
    (5, phrase("Thermos", "保温杯"), Subject::Cup, 69, Choice::Color),
    (6, phrase("Football", "足球"), Subject::Ball, 79, Choice::None),
    (6, phrase("Basketball", "篮球"), Subject::Ball, 99, Choice::None),
];

/// In what something can be had.
#[derive(Clone, Copy)]
enum Choice {
    None,
    Color,
    Size,
    Shoe,
}

const COLORS: [Phrase; 4] =
    [phrase("Black", "黑色"), phrase("Blue", "蓝色"), phrase("Red", "红色"), phrase("White", "白色")];
const ABOUT: [Phrase; 5] = [
    phrase("Made to last, with two years of warranty.", "经久耐用，质保两年。"),
    phrase("Light enough to take along every day.", "轻便，每天都能带上。"),
    phrase("A present that nobody brings back.", "送人不会被退的礼物。"),
    phrase("Delivered within three days.", "三天内送达。"),
    phrase("Thirty days to change your mind.", "三十天无理由退货。"),
];
const REVIEWS: [Phrase; 8] = [
    phrase("Just as in the picture", "和图片一样"),
    phrase("Good for the price", "性价比高"),
    phrase("Came two days late", "晚到了两天"),
    phrase("My second one already", "已经买第二个了"),
    phrase("Smaller than I thought", "比想象的小"),
    phrase("Very well packed", "包装很好"),
    phrase("I use it every day", "每天都用"),
    phrase("The colour is nicer in daylight", "自然光下颜色更好看"),
];
const BUYERS: [Phrase; 5] = [
    phrase("M. L.", "木子"),
    phrase("Anon", "匿名"),
    phrase("Joy", "小乐"),
    phrase("K. W.", "大王"),
    phrase("Pip", "小皮"),
];

/// Everything that is sold: each kind of three brands.
pub fn products(dice: &mut Dice, language: Language) -> Vec<Product> {
    let mut products = Vec::new();
    for (category, kind, subject, least, choice) in KINDS {
        let mut brands = BRANDS.to_vec();
        dice.shuffle(&mut brands);
        for brand in brands.into_iter().take(3) {
            let name = match language {
                Language::English => format!("{} {}", brand.english, kind.english),
                Language::Chinese => format!("{}{}", brand.chinese, kind.chinese),
            };
            let yuan = least + dice.below(least);
            let cents = if dice.chance(40) { 90 } else { 0 };
            products.push(Product {
                name,
                category,
                picture: Picture::new(subject, dice.below(1 << 20) as u32),
                cents: 100 * yuan as i64 + cents,
                rating: 32 + dice.below(18) as u32,
                stock: if dice.chance(12) { 0 } else { 1 + dice.below(40) as u32 },
                options: options(choice, language),
                about: language.say(*dice.pick(&ABOUT)).to_owned(),
                reviews: (0..dice.below(5))
                    .map(|_| {
                        let (by, text) = (*dice.pick(&BUYERS), *dice.pick(&REVIEWS));
                        (language.say(by).to_owned(), language.say(text).to_owned())
                    })
                    .collect(),
            });
        }
    }
    dice.shuffle(&mut products);
    products
}

fn options(choice: Choice, language: Language) -> Vec<String> {
    match choice {
        Choice::None => Vec::new(),
        Choice::Color => COLORS.iter().map(|color| language.say(*color).to_owned()).collect(),
        Choice::Size => ["S", "M", "L", "XL"].map(str::to_owned).to_vec(),
        Choice::Shoe => (38..=44).map(|size| size.to_string()).collect(),
    }
}
