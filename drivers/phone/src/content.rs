//! The names and words that worlds are drawn from.

/// People's names, Latin ones.
pub const NAMES: [&str; 28] = [
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Ida", "Jack", "Kate", "Leo", "Mia", "Noah",
    "Olga", "Paul", "Rosa", "Sam", "Tina", "Victor", "Wendy", "Yusuf", "Zoe", "Liam", "Nina", "Oscar", "Ruth", "Hugo",
];

/// People's names, Chinese ones.
pub const HAN_NAMES: [&str; 6] = ["李雷", "韩梅梅", "王芳", "张伟", "刘洋", "陈静"];

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
