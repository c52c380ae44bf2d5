//! The names and words that worlds are drawn from.

use crate::locale::Language;

/// The names that most people on a phone of this language have, and those that a few have.
pub fn names(language: Language) -> (Vec<&'static str>, &'static [&'static str]) {
    match language {
        Language::English => (NAMES.to_vec(), &HAN_NAMES),
        Language::Chinese => ([&HAN_NAMES[..], &MORE_HAN_NAMES].concat(), &["Anna", "Ben", "Emma", "Leo"]),
    }
}

/// What people have written to each other.
pub fn chatter(language: Language) -> &'static [&'static str] {
    match language {
        Language::English => &CHATTER,
        Language::Chinese => &HAN_CHATTER,
    }
}

/// Notes.
pub fn notes(language: Language) -> &'static [&'static str] {
    match language {
        Language::English => &NOTES,
        Language::Chinese => &HAN_NOTES,
    }
}

/// Events.
pub fn events(language: Language) -> &'static [&'static str] {
    match language {
        Language::English => &EVENTS,
        Language::Chinese => &HAN_EVENTS,
    }
}

/// People's names, Latin ones.
pub const NAMES: [&str; 28] = [
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Ida", "Jack", "Kate", "Leo", "Mia", "Noah",
    "Olga", "Paul", "Rosa", "Sam", "Tina", "Victor", "Wendy", "Yusuf", "Zoe", "Liam", "Nina", "Oscar", "Ruth", "Hugo",
];

/// People's names, Chinese ones.
pub const HAN_NAMES: [&str; 6] = ["李雷", "韩梅梅", "王芳", "张伟", "刘洋", "陈静"];

const MORE_HAN_NAMES: [&str; 18] = [
    "赵敏", "周杰", "吴刚", "郑洁", "孙丽", "马超", "朱军", "胡歌", "郭涛", "何平", "高远", "林静", "罗文", "梁红",
    "宋佳", "唐明", "许晴", "邓超",
];

/// What people have written to each other before the world begins.
pub const CHATTER: [&str; 22] = [
    "See you tomorrow",
    "Thank you",
    "Where are you",
    "Call me later",
    "Happy birthday",
    "On my way",
    "Good night",
    "Lunch at noon",
    "The train is late",
    "Did you see the game",
    "Sounds good",
    "Let me know",
    "I am at home",
    "Bring the keys",
    "Dinner is ready",
    "What time",
    "Not today",
    "Running late",
    "明天见",
    "谢谢",
    "好的",
    "周末一起吃饭吧",
];

/// Notes that are there when the world begins.
pub const NOTES: [&str; 14] = [
    "Buy milk",
    "Water the plants",
    "Book the dentist",
    "Return the books",
    "Pay the rent",
    "Fix the bike",
    "Birthday ideas",
    "Packing list",
    "Ask about the lamp",
    "Garden plan",
    "Train times",
    "Recipe for soup",
    "读书笔记",
    "购物清单",
];

/// Events that are there when the world begins.
pub const EVENTS: [&str; 10] = [
    "Team meeting",
    "Dentist",
    "Lunch with Paul",
    "Gym",
    "Piano lesson",
    "Call the bank",
    "Parents evening",
    "Car wash",
    "Yoga",
    "项目会议",
];

/// Colours of the circles that stand for people.
pub const AVATARS: [u32; 8] = [0x7C5CFC, 0x0EA5A4, 0xE0567A, 0xF08C2E, 0x3B82F6, 0x65A30D, 0xB4559B, 0x64748B];

const HAN_CHATTER: [&str; 16] = [
    "明天见",
    "谢谢",
    "好的",
    "周末一起吃饭吧",
    "你在哪里",
    "晚点给我打电话",
    "生日快乐",
    "我在路上",
    "晚安",
    "中午一起吃饭",
    "火车晚点了",
    "听起来不错",
    "我在家",
    "记得带钥匙",
    "几点",
    "OK",
];

const HAN_NOTES: [&str; 10] =
    ["读书笔记", "购物清单", "买牛奶", "给花浇水", "预约牙医", "还书", "交房租", "修自行车", "生日礼物", "做汤的方法"];

const HAN_EVENTS: [&str; 8] =
    ["项目会议", "看牙医", "和王芳吃午饭", "健身", "钢琴课", "给银行打电话", "家长会", "洗车"];
