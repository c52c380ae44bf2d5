//! What the mailbox holds, drawn from the seed.

use super::Letter;
use crate::dice::Dice;
use crate::locale::{Language, Phrase, phrase};

/// Who writes, and from where.
const SENDERS: [(Phrase, &str); 8] = [
    (phrase("City Library", "市图书馆"), "library@city.example"),
    (phrase("Rail", "铁路"), "tickets@rail.example"),
    (phrase("Shop", "商城"), "orders@shop.example"),
    (phrase("Green Dentist", "绿洲牙科"), "desk@dentist.example"),
    (phrase("Bank of the North", "北方银行"), "service@bank.example"),
    (phrase("Running Club", "跑步俱乐部"), "club@run.example"),
    (phrase("School Office", "学校办公室"), "office@school.example"),
    (phrase("Weekly Offers", "每周优惠"), "offers@deals.example"),
];

/// The sender, the subject and the text. `{}` is a number that is drawn.
const LETTERS: [(usize, Phrase, Phrase); 24] = [
    (0, phrase("Your book is due", "图书即将到期"), phrase("Please bring it back within {} days.", "请在{}天内归还。")),
    (0, phrase("A reserved book has come", "预约的图书已到"), phrase("It waits at desk {}.", "请到{}号柜台领取。")),
    (
        0,
        phrase("New opening hours", "开放时间调整"),
        phrase("From Monday on we close at {} o'clock.", "周一起{}点闭馆。"),
    ),
    (
        1,
        phrase("Timetable change", "列车时刻调整"),
        phrase("Your train leaves {} minutes later.", "您的列车晚{}分钟发车。"),
    ),
    (1, phrase("Travel points", "旅行积分"), phrase("You have {} points.", "您有{}积分。")),
    (1, phrase("Lost property", "失物招领"), phrase("A bag was found in car {}.", "在{}号车厢发现一个包。")),
    (2, phrase("Your parcel is on its way", "包裹已发出"), phrase("The code for the box is {}.", "取件码是{}。")),
    (2, phrase("How was your order?", "请评价订单"), phrase("It takes {} seconds.", "只需{}秒。")),
    (2, phrase("Invoice", "发票"), phrase("The sum is ¥{}.", "金额为¥{}。")),
    (3, phrase("Your appointment", "预约提醒"), phrase("We expect you in room {}.", "请到{}号诊室。")),
    (
        3,
        phrase("Time for a check", "该检查牙齿了"),
        phrase("Your last visit was {} months ago.", "您上次就诊是{}个月前。"),
    ),
    (4, phrase("Monthly statement", "月度账单"), phrase("{} payments were made.", "共有{}笔支付。")),
    (4, phrase("New card", "新卡"), phrase("Your card comes within {} days.", "新卡将在{}天内送达。")),
    (
        4,
        phrase("Security notice", "安全提示"),
        phrase("We never ask for your PIN. Case {}.", "我们不会索要密码。编号{}。"),
    ),
    (5, phrase("Sunday run", "周日跑步"), phrase("We meet at gate {} of the park.", "公园{}号门集合。")),
    (5, phrase("Club fee", "会费"), phrase("The fee this year is ¥{}.", "今年会费为¥{}。")),
    (5, phrase("Results", "比赛成绩"), phrase("You came in as number {}.", "您的名次是第{}名。")),
    (6, phrase("Parents evening", "家长会"), phrase("It is in room {}.", "地点是{}教室。")),
    (6, phrase("Trip to the museum", "参观博物馆"), phrase("Please give your child ¥{}.", "请给孩子带¥{}。")),
    (6, phrase("Lunch menu", "午餐菜单"), phrase("Dumplings on day {}.", "第{}天吃饺子。")),
    (7, phrase("Shoes at half price", "鞋子半价"), phrase("Only {} pairs are left.", "只剩{}双。")),
    (7, phrase("Last chance", "最后机会"), phrase("Save {} percent today.", "今天节省百分之{}。")),
    (7, phrase("A trip to the sea", "去海边"), phrase("From ¥{} a night.", "每晚¥{}起。")),
    (7, phrase("Coffee for you", "送您咖啡"), phrase("Show number {} at the bar.", "到店出示号码{}。")),
];

/// The letters of the inbox, the latest first.
pub fn letters(dice: &mut Dice, language: Language) -> Vec<Letter> {
    let mut chosen = LETTERS.to_vec();
    dice.shuffle(&mut chosen);
    let count = 14 + dice.below(8);
    let mut age = 0;
    let letters = chosen.into_iter().take(count).map(|(sender, subject, text)| {
        age += 20 + dice.below(600) as u32;
        let (name, address) = SENDERS[sender];
        let number = 2 + dice.below(60);
        Letter {
            name: language.say(name).to_owned(),
            address: address.to_owned(),
            subject: language.say(subject).to_owned(),
            text: language.say_with(text, &number.to_string()),
            age,
            is_read: dice.chance(45),
            is_starred: false,
            folder: super::Folder::Inbox,
        }
    });
    letters.collect()
}

/// The address of somebody whom the phone knows.
pub fn address(name: &str, place: usize) -> String {
    let plain: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    if plain.is_empty() { format!("friend{}@mail.example", place + 1) } else { format!("{plain}@mail.example") }
}
