//! What people write in the feed, drawn from the seed: where to go and what to eat in a city, and what else moves them.

use crate::atlas::{self, CITIES, PlaceKind};
use crate::dice::Dice;
use crate::locale::{Language, Phrase, phrase};
use crate::picture::{Picture, Subject};

/// Someone who writes.
#[derive(Clone, Debug)]
pub struct Author {
    pub name: String,
    pub about: String,
    pub followers: usize,
}

/// What someone wrote.
#[derive(Clone, Debug)]
pub struct Post {
    /// Its place among the authors; the owner's own where it is none.
    pub author: Option<usize>,
    /// No other post's.
    pub title: String,
    pub body: Vec<String>,
    /// The places that it recommends.
    pub places: Vec<String>,
    pub picture: Picture,
    /// Minutes from the beginning of the world on, and before it if negative.
    pub minute: i32,
    pub likes: usize,
    pub comments: Vec<(String, String)>,
}

/// People who write, and what they are about.
const AUTHORS: [(Phrase, Phrase); 18] = [
    (phrase("Slow Traveller", "慢游人"), phrase("Trains, towns and tea", "火车、小城与茶")),
    (phrase("Weekend Walks", "周末去哪儿"), phrase("Two days are enough", "两天就够")),
    (phrase("Northern Light", "北方的光"), phrase("Snow and steam", "雪和蒸汽")),
    (phrase("Map Lover", "地图迷"), phrase("I save everything", "什么都收藏")),
    (phrase("Hungry Panda", "吃货熊猫"), phrase("Always one more bowl", "再来一碗")),
    (phrase("Spoon and Bowl", "一勺一碗"), phrase("Home cooking", "家常菜")),
    (phrase("Museum Monday", "博物馆日"), phrase("Old things, new eyes", "旧物新看")),
    (phrase("Star Watcher", "观星者"), phrase("Space news every day", "每天的太空消息")),
    (phrase("Goal Line", "球门线"), phrase("Football and nothing else", "只谈足球")),
    (phrase("Film Corner", "电影角"), phrase("What to watch", "看什么")),
    (phrase("Paper Boat", "纸船"), phrase("Books on the table", "桌上的书")),
    (phrase("Cat at Home", "家有一猫"), phrase("One cat, many photos", "一只猫，很多照片")),
    (phrase("Morning Run", "晨跑"), phrase("Five kilometres a day", "每天五公里")),
    (phrase("Green Balcony", "绿阳台"), phrase("Plants that live", "养得活的植物")),
    (phrase("Light Room", "光影室"), phrase("Pictures of the city", "城市照片")),
    (phrase("Quiet Coder", "安静的程序员"), phrase("Small tools", "小工具")),
    (phrase("Rail Notes", "铁路笔记"), phrase("All about trains", "关于火车的一切")),
    (phrase("Tea Table", "茶席"), phrase("A cup at four", "四点一杯茶")),
];

/// So many of the authors write about travelling.
const TRAVELLERS: usize = 7;

const GUIDES: [Phrase; 4] = [
    phrase("Two days in {}", "{}两日游"),
    phrase("{} without a plan", "说走就走的{}"),
    phrase("What to see in {}", "{}必去景点"),
    phrase("A weekend in {}", "周末去{}"),
];
const TASTES: [Phrase; 3] = [
    phrase("Where to eat in {}", "{}美食地图"),
    phrase("My favourite meals in {}", "{}我最爱的几家店"),
    phrase("{} on a full stomach", "吃遍{}"),
];
const TIPS: [Phrase; 10] = [
    phrase("go early, before the groups come", "早点去，避开旅行团"),
    phrase("take two hours for it", "留出两个小时"),
    phrase("best in the late afternoon", "傍晚最美"),
    phrase("book the ticket a day ahead", "门票提前一天订"),
    phrase("good with children", "适合带孩子"),
    phrase("bring something warm", "记得多穿点"),
    phrase("the view is worth the stairs", "爬上去看风景很值"),
    phrase("quiet on weekdays", "工作日人少"),
    phrase("you can skip the audio guide", "不用租讲解器"),
    phrase("take the bus, parking is hard", "坐公交，停车难"),
];
const OPENINGS: [Phrase; 4] = [
    phrase("I have been there three times. This is my list.", "去了三次，整理了这份清单。"),
    phrase("Save this for your next trip.", "收藏起来，下次用得上。"),
    phrase("Everything here can be reached on foot or by bus.", "步行或公交都能到。"),
    phrase("No advertising, only places that I liked.", "不是广告，只写我喜欢的地方。"),
];

/// What else is written: the place of the author, the title, the text and the picture.
const OTHERS: [(usize, Phrase, Phrase, Subject); 30] = [
    (
        5,
        phrase("Tomato eggs in ten minutes", "十分钟番茄炒蛋"),
        phrase("Two eggs, two tomatoes, a little sugar. Fry the eggs first.", "两个蛋，两个番茄，少许糖。先炒蛋。"),
        Subject::Meal,
    ),
    (
        5,
        phrase("Soup for a cold day", "冷天的汤"),
        phrase("Radish, ginger and bones. Let it cook for two hours.", "萝卜、姜和骨头，煮两个小时。"),
        Subject::Meal,
    ),
    (
        5,
        phrase("Rice that never burns", "不糊的米饭"),
        phrase("One cup of rice, a cup and a half of water, low fire.", "一杯米，一杯半水，小火。"),
        Subject::Meal,
    ),
    (
        7,
        phrase("Space: a new station module", "太空：新的舱段"),
        phrase(
            "The module docked at 4:20 in the morning. The crew moves in on Friday.",
            "舱段在清晨4:20对接，乘组周五入驻。",
        ),
        Subject::Skyline,
    ),
    (
        7,
        phrase("Space: meteors tonight", "太空：今晚流星雨"),
        phrase("Up to sixty an hour after midnight. Look to the north east.", "午夜后每小时可达六十颗，看东北方向。"),
        Subject::Mountain,
    ),
    (
        7,
        phrase("Space: probe reaches the moon", "太空：探测器到达月球"),
        phrase("It will send back two kilos of stone.", "它将带回两公斤石头。"),
        Subject::Snow,
    ),
    (
        7,
        phrase("Space: telescope sees a young star", "太空：望远镜看见年轻的恒星"),
        phrase("The star is only a million years old.", "这颗恒星只有一百万岁。"),
        Subject::Sea,
    ),
    (
        8,
        phrase("Football: late goal decides", "足球：最后一球定胜负"),
        phrase("The home team won 2 to 1 in the last minute.", "主队在最后一分钟2比1获胜。"),
        Subject::Ball,
    ),
    (
        8,
        phrase("Football: coach leaves", "足球：教练离队"),
        phrase("After five years he says that he is tired.", "五年后他说累了。"),
        Subject::Ball,
    ),
    (
        8,
        phrase("Football: cup draw is out", "足球：杯赛抽签"),
        phrase("The first round begins on the tenth.", "第一轮十日开始。"),
        Subject::Ball,
    ),
    (
        9,
        phrase("A film to see twice", "值得看两遍的电影"),
        phrase("It begins slowly and ends in the rain. Nine of ten.", "开头很慢，在雨里结束。九分。"),
        Subject::Cover,
    ),
    (
        9,
        phrase("Three old comedies", "三部老喜剧"),
        phrase("All three are under ninety minutes.", "三部都不到九十分钟。"),
        Subject::Cover,
    ),
    (
        9,
        phrase("Short films for lunch", "午饭时看的短片"),
        phrase("Ten minutes each, no blood.", "每部十分钟，没有血腥。"),
        Subject::Cover,
    ),
    (
        10,
        phrase("The book of rivers", "河流之书"),
        phrase("I read it in one night. The map at the end is a gift.", "一夜读完，最后的地图是礼物。"),
        Subject::Book,
    ),
    (
        10,
        phrase("Letters from a lighthouse", "灯塔来信"),
        phrase("A small book for a long train ride.", "适合长途火车的小书。"),
        Subject::Book,
    ),
    (
        10,
        phrase("Five books for winter", "冬天的五本书"),
        phrase("Thick ones, with snow in them.", "都很厚，都有雪。"),
        Subject::Book,
    ),
    (
        11,
        phrase("She sleeps on the keyboard", "她睡在键盘上"),
        phrase("Nothing was saved today.", "今天什么都没保存。"),
        Subject::Cat,
    ),
    (
        11,
        phrase("The box is better than the toy", "盒子比玩具好"),
        phrase("Every cat knows it.", "每只猫都知道。"),
        Subject::Cat,
    ),
    (
        11,
        phrase("Winter coat", "冬天的毛"),
        phrase("Two kilos of fur and one of cat.", "两公斤毛，一公斤猫。"),
        Subject::Cat,
    ),
    (
        12,
        phrase("Running in the fog", "雾里跑步"),
        phrase("Five kilometres in 27 minutes, nobody saw me.", "五公里27分钟，没人看见。"),
        Subject::Park,
    ),
    (
        12,
        phrase("New shoes, old knees", "新鞋旧膝盖"),
        phrase("Change the shoes after eight hundred kilometres.", "跑八百公里就换鞋。"),
        Subject::Shoe,
    ),
    (
        13,
        phrase("How to water less", "少浇水"),
        phrase("Put a finger into the soil. If it is wet, wait.", "手指插进土里，湿就再等。"),
        Subject::Flower,
    ),
    (
        13,
        phrase("First flower of the year", "今年第一朵花"),
        phrase("It took three winters.", "等了三个冬天。"),
        Subject::Flower,
    ),
    (
        14,
        phrase("Blue hour", "蓝色时刻"),
        phrase("Twenty minutes after sunset, from the bridge.", "日落后二十分钟，在桥上。"),
        Subject::Bridge,
    ),
    (
        14,
        phrase("Windows at night", "夜里的窗"),
        phrase("I counted two hundred and stopped.", "数到两百就停了。"),
        Subject::Skyline,
    ),
    (
        15,
        phrase("A timer that whispers", "小声的计时器"),
        phrase("It is sixty lines long and does one thing.", "六十行代码，只做一件事。"),
        Subject::Device,
    ),
    (
        16,
        phrase("Night trains are back", "夜车回来了"),
        phrase("Four lines, with beds, from spring on.", "春天起四条线路，有卧铺。"),
        Subject::Station,
    ),
    (
        16,
        phrase("How seats are numbered", "座位怎么编号"),
        phrase("A and F are at the window.", "A和F靠窗。"),
        Subject::Station,
    ),
    (
        17,
        phrase("Green tea, cold", "冷泡绿茶"),
        phrase("Five grams, half a litre, one night in the fridge.", "五克，半升水，冰箱一夜。"),
        Subject::Cup,
    ),
    (
        17,
        phrase("A pot from a market", "市场上的壶"),
        phrase("It cost less than the bus.", "比车票还便宜。"),
        Subject::Cup,
    ),
];

const COMMENTS: [Phrase; 14] = [
    phrase("Thank you, saved!", "谢谢，收藏了！"),
    phrase("I was there last week, it was full", "上周去了，人很多"),
    phrase("How long does it take?", "要多久？"),
    phrase("Beautiful", "真美"),
    phrase("This helped me a lot", "帮了大忙"),
    phrase("I do not agree", "我不同意"),
    phrase("More of this please", "多发一点"),
    phrase("Is it open on Monday?", "周一开门吗？"),
    phrase("My mother would love it", "我妈妈会喜欢"),
    phrase("Best post today", "今天最好的帖子"),
    phrase("Which bus is it?", "坐哪路车？"),
    phrase("I will try it on Sunday", "周日试试"),
    phrase("Too expensive for me", "对我来说太贵"),
    phrase("Well said", "说得好"),
];

/// The feed spans so many minutes before the world begins, and after it.
const PAST: usize = 3 * 24 * 60;
const FUTURE: usize = 30 * 60;
/// How many cities have a guide, and how many have one to their meals.
const GUIDED: usize = 16;
const TASTED: usize = 10;

/// Everybody who writes.
pub fn authors(dice: &mut Dice, language: Language) -> Vec<Author> {
    let author = |(name, about): &(Phrase, Phrase)| Author {
        name: language.say(*name).to_owned(),
        about: language.say(*about).to_owned(),
        followers: 120 + dice.below(90_000),
    };
    AUTHORS.iter().map(author).collect()
}

/// All posts, those of the future too, the latest first.
pub fn posts(dice: &mut Dice, seed: u64, language: Language) -> Vec<Post> {
    let places = atlas::places(seed, language);
    let mut cities: Vec<usize> = (0..CITIES.len()).collect();
    dice.shuffle(&mut cities);
    let mut posts = Vec::new();
    for (at, city) in cities.iter().take(GUIDED + TASTED).enumerate() {
        let is_guide = at < GUIDED;
        let kind = if is_guide { PlaceKind::Sight } else { PlaceKind::Restaurant };
        let mut here: Vec<&atlas::Place> =
            places.iter().filter(|place| place.city == *city && place.kind == kind).collect();
        dice.shuffle(&mut here);
        here.truncate(2 + dice.below(3));
        let title = *dice.pick(if is_guide { &GUIDES[..] } else { &TASTES });
        let mut body = vec![language.say(*dice.pick(&OPENINGS)).to_owned()];
        for (number, place) in here.iter().enumerate() {
            let tip = language.say(*dice.pick(&TIPS));
            body.push(format!("{}. {}: {tip}", number + 1, place.name));
        }
        posts.push(Post {
            author: Some(dice.below(TRAVELLERS)),
            title: language.say_with(title, language.say(CITIES[*city].name)),
            body,
            places: here.iter().map(|place| place.name.clone()).collect(),
            picture: here.first().map_or(Picture::new(Subject::Street, 0), |place| place.picture),
            minute: 0,
            likes: 0,
            comments: Vec::new(),
        });
    }
    posts.extend(OTHERS.iter().map(|(author, title, body, subject)| Post {
        author: Some(*author),
        title: language.say(*title).to_owned(),
        body: vec![language.say(*body).to_owned()],
        places: Vec::new(),
        picture: Picture::new(*subject, dice.below(1 << 20) as u32),
        minute: 0,
        likes: 0,
        comments: Vec::new(),
    }));
    let names = authors(&mut Dice::new(0), language);
    for post in &mut posts {
        post.minute = dice.below(PAST + FUTURE) as i32 - PAST as i32;
        post.likes = dice.below(4000);
        post.comments = (0..dice.below(6))
            .map(|_| (dice.pick(&names).name.clone(), language.say(*dice.pick(&COMMENTS)).to_owned()))
            .collect();
    }
    posts.sort_by_key(|post| -post.minute);
    posts
}
