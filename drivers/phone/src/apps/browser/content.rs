//! What the web has: an encyclopedia, news and a library's books, drawn from the seed.

use crate::atlas::CITIES;
use crate::dice::Dice;
use crate::locale::{Language, Phrase, phrase};
use crate::picture::{Picture, Subject};

/// An article of the encyclopedia.
#[derive(Clone, Debug)]
pub struct Article {
    pub title: String,
    pub picture: Picture,
    pub text: Vec<String>,
    /// What the box beside it says: a name and a value.
    pub figures: Vec<(String, String)>,
    /// Titles of other articles.
    pub related: Vec<String>,
}

/// A piece of news.
#[derive(Clone, Debug)]
pub struct NewsItem {
    pub title: String,
    pub text: Vec<String>,
    pub section: usize,
    pub author: String,
    /// Hours before the world began.
    pub hours: u32,
    pub picture: Picture,
}

/// A book of the library.
#[derive(Clone, Debug)]
pub struct Book {
    pub title: String,
    pub author: String,
    pub shelf: String,
    pub year: u32,
    /// How many of it can be reserved.
    pub copies: u32,
}

/// The parts of the news.
pub const SECTIONS: [Phrase; 4] =
    [phrase("City", "城市"), phrase("Sport", "体育"), phrase("Science", "科学"), phrase("Culture", "文化")];

const PEOPLE: Phrase = phrase("People", "人口");
const FOUNDED: Phrase = phrase("Founded", "建立");
const AREA: Phrase = phrase("Area", "面积");
const WEIGHT: Phrase = phrase("Weight", "体重");
const AGE: Phrase = phrase("Lives for", "寿命");
const LENGTH: Phrase = phrase("Length", "长度");
const HEIGHT: Phrase = phrase("Height", "高度");
const SPEED: Phrase = phrase("Speed", "速度");
const GROWN: Phrase = phrase("Grown for", "种植历史");
const CLIMBED: Phrase = phrase("First climbed", "首次登顶");
const KEEPS: Phrase = phrase("Keeps for", "保存期");
const INVENTED: Phrase = phrase("Invented", "发明于");

const KILOGRAMS: Phrase = phrase("{} kg", "{}公斤");
const YEARS: Phrase = phrase("{} years", "{}年");
const METRES: Phrase = phrase("{} m", "{}米");
const CENTIMETRES: Phrase = phrase("{} cm", "{}厘米");
const KILOMETRES: Phrase = phrase("{} km", "{}公里");
const AN_HOUR: Phrase = phrase("{} km an hour", "每小时{}公里");
const IN_THE_YEAR: Phrase = phrase("{}", "{}年");

/// A name, its unit, and between what it lies.
type Figure = (Phrase, Phrase, usize, usize);

/// The title, the picture, a sentence, another one, and two figures.
type Entry = (Phrase, Subject, Phrase, Phrase, [Figure; 2]);

/// Animals, plants, inventions. The numbers are this world's own.
const ENTRIES: [Entry; 24] = [
    (
        phrase("Panda", "熊猫"),
        Subject::Cat,
        phrase("The panda is a bear that eats bamboo.", "熊猫是吃竹子的熊。"),
        phrase("It sleeps in trees and lives alone.", "它在树上睡觉，独自生活。"),
        [(WEIGHT, KILOGRAMS, 70, 130), (AGE, YEARS, 18, 30)],
    ),
    (
        phrase("Tiger", "老虎"),
        Subject::Cat,
        phrase("The tiger is the largest of the cats.", "老虎是最大的猫科动物。"),
        phrase("It hunts at night and swims well.", "它夜间捕食，擅长游泳。"),
        [(WEIGHT, KILOGRAMS, 150, 260), (SPEED, AN_HOUR, 50, 70)],
    ),
    (
        phrase("Crane", "鹤"),
        Subject::Lake,
        phrase("The crane is a tall bird of wet meadows.", "鹤是生活在湿地的高大鸟类。"),
        phrase("It flies south for the winter.", "它冬天飞往南方。"),
        [(HEIGHT, CENTIMETRES, 110, 160), (AGE, YEARS, 20, 45)],
    ),
    (
        phrase("Whale", "鲸"),
        Subject::Sea,
        phrase("The whale is a mammal that lives in the sea.", "鲸是生活在海里的哺乳动物。"),
        phrase("It breathes air and sings.", "它呼吸空气，会唱歌。"),
        [(LENGTH, METRES, 12, 30), (AGE, YEARS, 60, 110)],
    ),
    (
        phrase("Camel", "骆驼"),
        Subject::Street,
        phrase("The camel crosses deserts with little water.", "骆驼喝很少的水就能穿过沙漠。"),
        phrase("Its humps are made of fat.", "它的驼峰里是脂肪。"),
        [(WEIGHT, KILOGRAMS, 380, 650), (SPEED, AN_HOUR, 40, 65)],
    ),
    (
        phrase("Wolf", "狼"),
        Subject::Mountain,
        phrase("The wolf lives in packs.", "狼成群生活。"),
        phrase("Its howl is heard from far away.", "它的叫声能传得很远。"),
        [(WEIGHT, KILOGRAMS, 25, 60), (AGE, YEARS, 6, 14)],
    ),
    (
        phrase("Honey bee", "蜜蜂"),
        Subject::Flower,
        phrase("The honey bee makes honey from flowers.", "蜜蜂用花酿蜜。"),
        phrase("It tells others the way by dancing.", "它用跳舞告诉同伴方向。"),
        [(SPEED, AN_HOUR, 20, 32), (AGE, YEARS, 1, 5)],
    ),
    (
        phrase("Bamboo", "竹子"),
        Subject::Park,
        phrase("Bamboo is a grass that grows like a tree.", "竹子是像树一样高的草。"),
        phrase("It is made into paper, chairs and houses.", "它可以造纸、做椅子和盖房子。"),
        [(HEIGHT, METRES, 8, 30), (AGE, YEARS, 30, 120)],
    ),
    (
        phrase("Ginkgo", "银杏"),
        Subject::Park,
        phrase("The ginkgo is a tree older than most animals.", "银杏是比大多数动物更古老的树。"),
        phrase("Its leaves turn yellow in autumn.", "它的叶子在秋天变黄。"),
        [(HEIGHT, METRES, 18, 40), (AGE, YEARS, 900, 2600)],
    ),
    (
        phrase("Tea", "茶"),
        Subject::Coffee,
        phrase("Tea is made from the leaves of a bush.", "茶由茶树的叶子制成。"),
        phrase("Green and black tea come from the same plant.", "绿茶和红茶来自同一种植物。"),
        [(HEIGHT, METRES, 2, 9), (AGE, YEARS, 30, 100)],
    ),
    (
        phrase("Rose", "玫瑰"),
        Subject::Flower,
        phrase("The rose is a flower with thorns.", "玫瑰是带刺的花。"),
        phrase("Its oil is used for perfume.", "它的油用来做香水。"),
        [(HEIGHT, CENTIMETRES, 50, 220), (AGE, YEARS, 8, 35)],
    ),
    (
        phrase("Rice", "水稻"),
        Subject::Meal,
        phrase("Rice feeds half of mankind.", "水稻养活了一半的人类。"),
        phrase("Most of it grows in water.", "它大多长在水里。"),
        [(HEIGHT, CENTIMETRES, 70, 180), (GROWN, YEARS, 7000, 9900)],
    ),
    (
        phrase("Compass", "指南针"),
        Subject::Watch,
        phrase("The compass shows where north is.", "指南针指示北方。"),
        phrase("Sailors used it on long journeys.", "水手在长途航行中使用它。"),
        [(INVENTED, IN_THE_YEAR, 1040, 1120), (LENGTH, CENTIMETRES, 4, 12)],
    ),
    (
        phrase("Paper", "纸"),
        Subject::Book,
        phrase("Paper is made from plants and water.", "纸由植物和水制成。"),
        phrase("Before it people wrote on bamboo and silk.", "在它之前人们在竹子和布上写字。"),
        [(INVENTED, IN_THE_YEAR, 95, 125), (LENGTH, CENTIMETRES, 20, 90)],
    ),
    (
        phrase("Lantern", "灯笼"),
        Subject::Lamp,
        phrase("The lantern keeps a light from the wind.", "灯笼为烛光挡风。"),
        phrase("Red ones hang at doors in the new year.", "新年时门口挂红灯笼。"),
        [(LENGTH, CENTIMETRES, 20, 90), (WEIGHT, KILOGRAMS, 1, 6)],
    ),
    (
        phrase("Telephone", "电话"),
        Subject::Device,
        phrase("The telephone carries voices over a wire.", "电话通过电线传送声音。"),
        phrase("The first one could only ring and hum.", "最早的电话只能响铃。"),
        [(INVENTED, IN_THE_YEAR, 1860, 1880), (LENGTH, CENTIMETRES, 15, 40)],
    ),
    (
        phrase("Bicycle", "自行车"),
        Subject::Street,
        phrase("The bicycle is driven with the feet.", "自行车用脚蹬动。"),
        phrase("It is the cheapest way through a town.", "它是城里最便宜的交通工具。"),
        [(INVENTED, IN_THE_YEAR, 1810, 1870), (WEIGHT, KILOGRAMS, 8, 22)],
    ),
    (
        phrase("Fast train", "高速列车"),
        Subject::Station,
        phrase("The fast train runs on tracks of its own.", "高速列车在专用轨道上行驶。"),
        phrase("It is quicker than a plane on short ways.", "短途时它比飞机更快。"),
        [(SPEED, AN_HOUR, 280, 400), (LENGTH, METRES, 190, 430)],
    ),
    (
        phrase("Bridge", "桥"),
        Subject::Bridge,
        phrase("A bridge carries a road over water.", "桥让道路跨过水面。"),
        phrase("Old ones are of wood or stone.", "古老的桥用木头或石头建成。"),
        [(LENGTH, METRES, 200, 2400), (HEIGHT, METRES, 20, 330)],
    ),
    (
        phrase("Lighthouse", "灯塔"),
        Subject::Tower,
        phrase("A lighthouse shows ships the way.", "灯塔为船只指路。"),
        phrase("Its lamp turns once in a few seconds.", "它的灯几秒转一圈。"),
        [(HEIGHT, METRES, 20, 95), (INVENTED, IN_THE_YEAR, 1700, 1890)],
    ),
    (
        phrase("Great river", "大河"),
        Subject::Lake,
        phrase("The great river flows from the mountains to the sea.", "大河从高山流向大海。"),
        phrase("Boats sail on it all year.", "船只全年在河上航行。"),
        [(LENGTH, KILOMETRES, 3200, 6400), (SPEED, AN_HOUR, 3, 12)],
    ),
    (
        phrase("High mountain", "高山"),
        Subject::Mountain,
        phrase("The high mountain is covered with snow.", "高山被雪覆盖。"),
        phrase("Few people have stood on its top.", "很少有人站上它的山顶。"),
        [(HEIGHT, METRES, 5200, 8800), (CLIMBED, IN_THE_YEAR, 1850, 1960)],
    ),
    (
        phrase("Noodles", "面条"),
        Subject::Meal,
        phrase("Noodles are made from flour and water.", "面条由面粉和水制成。"),
        phrase("Long ones stand for a long life.", "长面条代表长寿。"),
        [(LENGTH, CENTIMETRES, 20, 180), (KEEPS, YEARS, 1, 3)],
    ),
    (
        phrase("Chess", "象棋"),
        Subject::Park,
        phrase("Chess is played by two on a board.", "象棋由两个人在棋盘上下。"),
        phrase("The longest game took a whole night.", "最长的一局下了一整夜。"),
        [(INVENTED, IN_THE_YEAR, 500, 900), (LENGTH, CENTIMETRES, 30, 60)],
    ),
];

/// The section, the headline, and two sentences. `{}` is a number that is drawn.
const NEWS: [(usize, Phrase, Phrase, Phrase); 24] = [
    (
        0,
        phrase("New metro line opens", "新地铁线开通"),
        phrase("It has {} stations.", "全线共{}站。"),
        phrase("The first train was full.", "首班车坐满了人。"),
    ),
    (
        0,
        phrase("Bridge closed for repairs", "大桥封闭维修"),
        phrase("Work takes {} weeks.", "工期为{}周。"),
        phrase("Buses go another way.", "公交车绕行。"),
    ),
    (
        0,
        phrase("Rent rises again", "租金再次上涨"),
        phrase("It went up by {} percent.", "上涨百分之{}。"),
        phrase("Students look for rooms.", "学生们在找房间。"),
    ),
    (
        0,
        phrase("Old market is saved", "老市场保住了"),
        phrase("{} shops may stay.", "{}家店铺可以留下。"),
        phrase("The town council agreed at night.", "市政会在夜里同意。"),
    ),
    (
        0,
        phrase("More trees for the ring road", "环路种更多树"),
        phrase("{} trees are planted.", "将种{}棵树。"),
        phrase("They come from the north.", "树苗来自北方。"),
    ),
    (
        0,
        phrase("Power out in the east", "城东停电"),
        phrase("It lasted {} minutes.", "停电{}分钟。"),
        phrase("A cable had been cut.", "一条电缆被切断。"),
    ),
    (
        1,
        phrase("Runner breaks record", "选手打破纪录"),
        phrase("She was {} seconds faster.", "她快了{}秒。"),
        phrase("The old record was from last year.", "旧纪录是去年的。"),
    ),
    (
        1,
        phrase("Cup final goes to the guests", "客队夺得冠军"),
        phrase("The goal came in minute {}.", "第{}分钟进球。"),
        phrase("It was raining all the time.", "比赛一直下雨。"),
    ),
    (
        1,
        phrase("Swimmers train in the cold", "冬天的游泳训练"),
        phrase("The water had {} degrees.", "水温{}度。"),
        phrase("Nobody gave up.", "没有人放弃。"),
    ),
    (
        1,
        phrase("Chess club wins the league", "象棋俱乐部夺冠"),
        phrase("They won {} games.", "他们赢了{}局。"),
        phrase("The youngest player is nine.", "最小的选手九岁。"),
    ),
    (
        1,
        phrase("Stadium gets a new roof", "体育场换新屋顶"),
        phrase("It costs {} million.", "耗资{}百万。"),
        phrase("Games go on next month.", "下个月恢复比赛。"),
    ),
    (
        1,
        phrase("Bike race through the hills", "山地自行车赛"),
        phrase("{} riders came in.", "{}名车手完赛。"),
        phrase("The way was longer than ever.", "路程比以往更长。"),
    ),
    (
        2,
        phrase("Star seen for the first time", "首次看到新星"),
        phrase("Its light took {} years.", "它的光走了{}年。"),
        phrase("A student found it.", "是一名学生发现的。"),
    ),
    (
        2,
        phrase("Battery that lasts longer", "更耐用的电池"),
        phrase("It holds for {} hours.", "可用{}小时。"),
        phrase("Phones come with it next year.", "明年用在手机上。"),
    ),
    (
        2,
        phrase("Old bones under the station", "车站下的古老骨头"),
        phrase("They lay {} metres deep.", "埋在地下{}米。"),
        phrase("Work stopped for a day.", "工程停了一天。"),
    ),
    (
        2,
        phrase("Fish come back to the river", "鱼回到了河里"),
        phrase("{} kinds were counted.", "发现{}种鱼。"),
        phrase("The water is clean again.", "水又变干净了。"),
    ),
    (
        2,
        phrase("Robot learns to fold shirts", "机器人学会叠衣服"),
        phrase("It takes {} seconds a shirt.", "叠一件要{}秒。"),
        phrase("People are still faster.", "人还是更快。"),
    ),
    (
        2,
        phrase("Ice gets thinner", "冰层变薄"),
        phrase("It lost {} centimetres.", "薄了{}厘米。"),
        phrase("Bears move to the land.", "熊搬到了陆地上。"),
    ),
    (
        3,
        phrase("Museum shows old maps", "博物馆展出古地图"),
        phrase("{} maps can be seen.", "展出{}张地图。"),
        phrase("Children enter for free.", "儿童免费参观。"),
    ),
    (
        3,
        phrase("Film festival begins", "电影节开幕"),
        phrase("{} films are shown.", "放映{}部电影。"),
        phrase("Tickets are sold at noon.", "中午开始售票。"),
    ),
    (
        3,
        phrase("Choir looks for voices", "合唱团招人"),
        phrase("{} places are free.", "还有{}个名额。"),
        phrase("One sings on Tuesdays.", "每周二练习。"),
    ),
    (
        3,
        phrase("Writer wins a prize", "作家获奖"),
        phrase("The book has {} pages.", "书有{}页。"),
        phrase("It is about a train.", "写的是一列火车。"),
    ),
    (
        3,
        phrase("Theatre opens in a barn", "谷仓里的剧院"),
        phrase("There are {} seats.", "有{}个座位。"),
        phrase("The first play is a comedy.", "第一出是喜剧。"),
    ),
    (
        3,
        phrase("Night of the lanterns", "灯会之夜"),
        phrase("{} lanterns were lit.", "点亮了{}盏灯。"),
        phrase("The streets were closed for cars.", "街道禁止汽车通行。"),
    ),
];
const REPORTERS: [Phrase; 6] = [
    phrase("Nora Hill", "林一"),
    phrase("Tom Baker", "高山"),
    phrase("Lina Wood", "何清"),
    phrase("Otto Frank", "马明"),
    phrase("Jo Stone", "石小北"),
    phrase("May Song", "宋梅"),
];
const PICTURES: [[Subject; 3]; 4] = [
    [Subject::Skyline, Subject::Street, Subject::Bridge],
    [Subject::Ball, Subject::Shoe, Subject::Mountain],
    [Subject::Lake, Subject::Device, Subject::Sea],
    [Subject::Museum, Subject::Book, Subject::Cover],
];

const BOOKS: [(Phrase, Phrase); 24] = [
    (phrase("The Long Way Home", "漫长的回家路"), phrase("A. Winter", "王冬")),
    (phrase("Salt and Stars", "盐与星"), phrase("M. Ruiz", "李星")),
    (phrase("A House by the Dam", "水坝旁的房子"), phrase("K. Lund", "刘坝")),
    (phrase("Counting Sheep", "数羊"), phrase("P. Meyer", "陈羊")),
    (phrase("The Blue Kitchen", "蓝色厨房"), phrase("Ines Moor", "方青")),
    (phrase("Letters to Nobody", "无人收的信"), phrase("J. Park", "朴信")),
    (phrase("Bread for Beginners", "面包入门"), phrase("Olaf Korn", "麦田")),
    (phrase("The Clock Maker", "钟表匠"), phrase("T. Zeiger", "钟声")),
    (phrase("Under the Bridge", "桥下"), phrase("R. Flood", "江水")),
    (phrase("Birds of the North", "北方的鸟"), phrase("S. Finch", "燕飞")),
    (phrase("A Short History of Tea", "茶的简史"), phrase("Wei Tan", "谭伟")),
    (phrase("Learning to Swim", "学游泳"), phrase("B. Wells", "白浪")),
    (phrase("The Night Train", "夜车"), phrase("L. Steel", "铁路生")),
    (phrase("Garden Without Water", "无水花园"), phrase("G. Sand", "沙明")),
    (phrase("Small Machines", "小机器"), phrase("E. Cog", "齐轮")),
    (phrase("The Painter's Dog", "画家的狗"), phrase("F. Hound", "黄毛")),
    (phrase("Seven Islands", "七座岛"), phrase("N. Bay", "海风")),
    (phrase("Maps of the Moon", "月亮地图"), phrase("C. Crater", "月明")),
    (phrase("The Quiet Teacher", "安静的老师"), phrase("H. Bell", "文静")),
    (phrase("Soup for Winter", "冬天的汤"), phrase("D. Ladle", "汤暖")),
    (phrase("One Hundred Knots", "一百个绳结"), phrase("V. Rope", "绳文")),
    (phrase("Rain on Tin", "铁皮上的雨"), phrase("I. Gutter", "雨声")),
    (phrase("The Last Lighthouse", "最后的灯塔"), phrase("W. Keeper", "灯明")),
    (phrase("Stones and Bones", "石头与骨头"), phrase("Q. Digger", "石古")),
];

/// All articles: those of the cities, and the others.
pub fn articles(dice: &mut Dice, language: Language) -> Vec<Article> {
    let mut articles: Vec<Article> = Vec::new();
    for city in CITIES {
        let sights: Vec<&str> = city.attractions.iter().map(|sight| language.say(sight.name)).collect();
        let name = language.say(city.name);
        let (people, founded, area) = (11 + dice.below(240), 200 + dice.below(1500), 900 + dice.below(16_000));
        let millions = format!("{}.{}", people / 10, people % 10);
        let text = match language {
            Language::English => vec![
                format!("{name} is a city of {millions} million people."),
                format!("It is known for {} and {}.", sights[0], sights[1]),
                format!("Visitors also like {}.", sights[2..].join(", ")),
            ],
            Language::Chinese => vec![
                format!("{name}是一座有{millions}百万人口的城市。"),
                format!("它以{}和{}闻名。", sights[0], sights[1]),
                format!("游客也喜欢{}。", sights[2..].join("、")),
            ],
        };
        let value = |phrase: Phrase, value: String| language.say_with(phrase, &value);
        articles.push(Article {
            title: name.to_owned(),
            picture: Picture::new(city.attractions[0].subject, dice.below(1 << 20) as u32),
            text,
            figures: vec![
                (language.say(PEOPLE).to_owned(), value(phrase("{} million", "{}百万"), millions)),
                (language.say(FOUNDED).to_owned(), value(IN_THE_YEAR, founded.to_string())),
                (language.say(AREA).to_owned(), value(phrase("{} km²", "{}平方公里"), area.to_string())),
            ],
            related: Vec::new(),
        });
    }
    for (title, subject, first, second, figures) in ENTRIES {
        let figure = |dice: &mut Dice, (name, unit, least, most): Figure| {
            let number = (least + dice.below(most - least + 1)).to_string();
            (language.say(name).to_owned(), language.say_with(unit, &number))
        };
        articles.push(Article {
            title: language.say(title).to_owned(),
            picture: Picture::new(subject, dice.below(1 << 20) as u32),
            text: [first, second].map(|text| language.say(text).to_owned()).to_vec(),
            figures: figures.map(|of| figure(dice, of)).to_vec(),
            related: Vec::new(),
        });
    }
    let titles: Vec<String> = articles.iter().map(|article| article.title.clone()).collect();
    for article in &mut articles {
        let mut others: Vec<&String> = titles.iter().filter(|title| **title != article.title).collect();
        dice.shuffle(&mut others);
        article.related = others.into_iter().take(4).cloned().collect();
    }
    articles
}

/// The news, the latest first.
pub fn news(dice: &mut Dice, language: Language) -> Vec<NewsItem> {
    let mut news = NEWS.to_vec();
    dice.shuffle(&mut news);
    let mut hours = 0;
    let items = news.into_iter().take(18).map(|(section, title, first, second)| {
        hours += 1 + dice.below(9) as u32;
        let number = (2 + dice.below(88)).to_string();
        NewsItem {
            title: language.say(title).to_owned(),
            text: vec![language.say_with(first, &number), language.say(second).to_owned()],
            section,
            author: language.say(*dice.pick(&REPORTERS)).to_owned(),
            hours,
            picture: Picture::new(*dice.pick(&PICTURES[section]), dice.below(1 << 20) as u32),
        }
    });
    items.collect()
}

/// The books of the library.
pub fn books(dice: &mut Dice, language: Language) -> Vec<Book> {
    let mut books: Vec<Book> = BOOKS
        .iter()
        .map(|(title, author)| Book {
            title: language.say(*title).to_owned(),
            author: language.say(*author).to_owned(),
            shelf: format!("{}{}", char::from(b'A' + dice.below(8) as u8), 1 + dice.below(40)),
            year: 1950 + dice.below(74) as u32,
            copies: if dice.chance(20) { 0 } else { 1 + dice.below(6) as u32 },
        })
        .collect();
    dice.shuffle(&mut books);
    books
}
