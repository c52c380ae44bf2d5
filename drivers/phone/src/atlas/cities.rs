//! Cities and their sights.

use crate::locale::{Phrase, phrase};
use crate::picture::Subject;

/// Something worth a visit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attraction {
    pub name: Phrase,
    pub subject: Subject,
}

/// A city.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct City {
    pub name: Phrase,
    /// Degrees east and north, in tenths.
    pub at: (i32, i32),
    pub attractions: &'static [Attraction],
}

impl City {
    /// How far it is to another one, in kilometres as trains go.
    pub fn distance(&self, other: &City) -> u32 {
        // A tenth of a degree is 11 km northwards, and about 9 eastwards in the middle of the country.
        let (east, north) = ((self.at.0 - other.at.0) * 9, (self.at.1 - other.at.1) * 11);
        let straight = f64::from(east * east + north * north).sqrt();
        (straight * 1.25) as u32
    }
}

const fn sight(english: &'static str, chinese: &'static str, subject: Subject) -> Attraction {
    Attraction { name: phrase(english, chinese), subject }
}

use Subject::{Bridge, Lake, Mountain, Museum, Palace, Park, Sea, Snow, Street, Temple, Tower};

/// All of them.
pub const CITIES: [City; 32] = [
    City {
        name: phrase("Beijing", "北京"),
        at: (1164, 399),
        attractions: &[
            sight("Palace Museum", "故宫", Palace),
            sight("Temple of Heaven", "天坛", Temple),
            sight("Summer Palace", "颐和园", Lake),
            sight("Beihai Park", "北海公园", Park),
            sight("National Museum", "国家博物馆", Museum),
            sight("Fragrant Hills", "香山", Mountain),
        ],
    },
    City {
        name: phrase("Shanghai", "上海"),
        at: (1215, 312),
        attractions: &[
            sight("Riverside Walk", "滨江大道", Street),
            sight("Yu Garden", "豫园", Palace),
            sight("Pearl Tower", "明珠塔", Tower),
            sight("Science Museum", "科技馆", Museum),
            sight("Old Water Town", "古水镇", Bridge),
            sight("Century Park", "世纪公园", Park),
        ],
    },
    City {
        name: phrase("Changchun", "长春"),
        at: (1253, 438),
        attractions: &[
            sight("Puppet Emperor Palace", "伪皇宫博物院", Palace),
            sight("Jingyuetan Park", "净月潭公园", Lake),
            sight("South Lake Park", "南湖公园", Park),
            sight("Film Studio Museum", "电影制片厂博物馆", Museum),
            sight("Sculpture Park", "世界雕塑公园", Park),
            sight("Snow World", "冰雪新天地", Snow),
        ],
    },
    City {
        name: phrase("Shenyang", "沈阳"),
        at: (1234, 418),
        attractions: &[
            sight("Mukden Palace", "沈阳故宫", Palace),
            sight("Zhao Tomb Park", "北陵公园", Park),
            sight("Industry Museum", "工业博物馆", Museum),
            sight("Marshal Mansion", "大帅府", Street),
            sight("Strange Slope", "怪坡", Mountain),
        ],
    },
    City {
        name: phrase("Harbin", "哈尔滨"),
        at: (1266, 458),
        attractions: &[
            sight("Sophia Square", "索菲亚广场", Temple),
            sight("Central Street", "中央大街", Street),
            sight("Ice and Snow World", "冰雪大世界", Snow),
            sight("Sun Island", "太阳岛", Park),
            sight("Dragon Tower", "龙塔", Tower),
        ],
    },
    City {
        name: phrase("Dalian", "大连"),
        at: (1216, 389),
        attractions: &[
            sight("Star Sea Square", "星海广场", Sea),
            sight("Tiger Beach", "老虎滩", Sea),
            sight("Binhai Road", "滨海路", Bridge),
            sight("Forest Zoo", "森林动物园", Park),
            sight("Lotus Hill", "莲花山", Mountain),
        ],
    },
    City {
        name: phrase("Jilin", "吉林"),
        at: (1265, 438),
        attractions: &[
            sight("Rime Island", "冰花岛", Snow),
            sight("Beishan Park", "北山公园", Park),
            sight("Songhua Lake", "松花湖", Lake),
            sight("Meteorite Museum", "陨石博物馆", Museum),
        ],
    },
    City {
        name: phrase("Tianjin", "天津"),
        at: (1172, 391),
        attractions: &[
            sight("Old Culture Street", "古文化街", Street),
            sight("Harbour Eye", "海河之眼", Bridge),
            sight("Porcelain House", "瓷房子", Museum),
            sight("Water Park", "水上公园", Lake),
            sight("Five Avenues", "五大道", Street),
        ],
    },
    City {
        name: phrase("Jinan", "济南"),
        at: (1170, 367),
        attractions: &[
            sight("Spouting Spring", "突泉", Lake),
            sight("Daming Lake", "大明湖", Lake),
            sight("Thousand Buddha Hill", "千佛山", Temple),
            sight("Provincial Museum", "省博物馆", Museum),
        ],
    },
    City {
        name: phrase("Qingdao", "青岛"),
        at: (1204, 361),
        attractions: &[
            sight("Pier Bridge", "栈桥", Bridge),
            sight("Mount Lao", "老山", Mountain),
            sight("Beer Museum", "啤酒博物馆", Museum),
            sight("First Beach", "第一海水浴场", Sea),
            sight("Signal Hill", "信号山", Tower),
        ],
    },
    City {
        name: phrase("Zhengzhou", "郑州"),
        at: (1136, 347),
        attractions: &[
            sight("Yellow River Park", "黄河公园", Park),
            sight("Henan Museum", "河南博物院", Museum),
            sight("Erqi Tower", "二七塔", Tower),
            sight("Green Expo Garden", "绿博园", Park),
        ],
    },
    City {
        name: phrase("Luoyang", "洛阳"),
        at: (1125, 347),
        attractions: &[
            sight("Dragon Gate Caves", "龙门石窟", Temple),
            sight("White Horse Temple", "白马寺", Temple),
            sight("Peony Garden", "牡丹园", Park),
            sight("Old City Gate", "古城门", Palace),
        ],
    },
    City {
        name: phrase("Kaifeng", "开封"),
        at: (1143, 348),
        attractions: &[
            sight("River Festival Garden", "清明上河园", Bridge),
            sight("Iron Pagoda", "铁塔", Temple),
            sight("Dragon Pavilion", "龙亭", Palace),
            sight("Night Market", "夜市", Street),
        ],
    },
    City {
        name: phrase("Xian", "西安"),
        at: (1089, 343),
        attractions: &[
            sight("Terracotta Army", "秦兵马阵", Museum),
            sight("City Wall", "古城墙", Palace),
            sight("Wild Goose Pagoda", "大雁塔", Temple),
            sight("Drum Tower", "鼓楼", Tower),
            sight("Mount Hua", "华山", Mountain),
            sight("Muslim Quarter", "回民街", Street),
        ],
    },
    City {
        name: phrase("Taiyuan", "太原"),
        at: (1125, 379),
        attractions: &[
            sight("Jin Temple", "晋王庙", Temple),
            sight("Twin Pagodas", "双塔寺", Temple),
            sight("Fen River Park", "汾河公园", Park),
            sight("Shanxi Museum", "山西博物院", Museum),
        ],
    },
    City {
        name: phrase("Datong", "大同"),
        at: (1133, 401),
        attractions: &[
            sight("Cloud Ridge Caves", "云冈石窟", Temple),
            sight("Hanging Temple", "悬空寺", Mountain),
            sight("Nine Dragon Wall", "九龙壁", Palace),
            sight("Ancient Wall", "古城墙", Palace),
        ],
    },
    City {
        name: phrase("Nanjing", "南京"),
        at: (1188, 321),
        attractions: &[
            sight("Sun Mausoleum", "中山陵", Mountain),
            sight("Confucius Temple", "夫子庙", Temple),
            sight("Xuanwu Lake", "玄武湖", Lake),
            sight("Nanjing Museum", "南京博物院", Museum),
            sight("River Bridge", "长江大桥", Bridge),
        ],
    },
    City {
        name: phrase("Suzhou", "苏州"),
        at: (1206, 313),
        attractions: &[
            sight("Humble Garden", "拙政园", Park),
            sight("Tiger Hill", "虎丘", Temple),
            sight("Pingjiang Road", "平江路", Street),
            sight("Suzhou Museum", "苏州博物馆", Museum),
            sight("Golden Cock Lake", "金鸡湖", Lake),
        ],
    },
    City {
        name: phrase("Hangzhou", "杭州"),
        at: (1202, 303),
        attractions: &[
            sight("West Lake", "西湖", Lake),
            sight("Soul Temple", "灵隐寺", Temple),
            sight("Thunder Peak Pagoda", "雷峰塔", Temple),
            sight("Tea Museum", "茶叶博物馆", Museum),
            sight("Wetland Park", "西溪湿地", Park),
        ],
    },
    City {
        name: phrase("Wuhan", "武汉"),
        at: (1143, 306),
        attractions: &[
            sight("Yellow Crane Tower", "黄鹤楼", Tower),
            sight("East Lake", "东湖", Lake),
            sight("Hubei Museum", "湖北博物馆", Museum),
            sight("Tan Flower Lane", "花巷", Street),
            sight("Cherry Garden", "樱花园", Park),
        ],
    },
    City {
        name: phrase("Changsha", "长沙"),
        at: (1130, 282),
        attractions: &[
            sight("Orange Isle", "江心洲", Park),
            sight("Yuelu Hill", "岳麓山", Mountain),
            sight("Hunan Museum", "湖南博物馆", Museum),
            sight("Peace Street", "太平街", Street),
        ],
    },
    City {
        name: phrase("Nanchang", "南昌"),
        at: (1159, 287),
        attractions: &[
            sight("Tengwang Pavilion", "江边阁", Tower),
            sight("August First Square", "八一广场", Street),
            sight("Star Wheel", "南昌之星", Bridge),
            sight("Plum Ridge", "梅岭", Mountain),
        ],
    },
    City {
        name: phrase("Hefei", "合肥"),
        at: (1172, 318),
        attractions: &[
            sight("Xiaoyao Ford", "古渡公园", Park),
            sight("Lord Bao Park", "包公园", Temple),
            sight("Swan Lake", "天鹅湖", Lake),
            sight("Three Rivers Town", "三河古镇", Bridge),
        ],
    },
    City {
        name: phrase("Fuzhou", "福州"),
        at: (1193, 261),
        attractions: &[
            sight("Three Lanes", "三坊七巷", Street),
            sight("Drum Mountain", "鼓山", Mountain),
            sight("West Lake Park", "西湖公园", Lake),
            sight("Forest Park", "森林公园", Park),
        ],
    },
    City {
        name: phrase("Xiamen", "厦门"),
        at: (1181, 245),
        attractions: &[
            sight("Piano Island", "钢琴岛", Sea),
            sight("Ring Road Beach", "环岛路", Sea),
            sight("South Putuo Temple", "南普陀寺", Temple),
            sight("Botanic Garden", "植物园", Park),
        ],
    },
    City {
        name: phrase("Guangzhou", "广州"),
        at: (1133, 231),
        attractions: &[
            sight("Canton Tower", "广州塔", Tower),
            sight("Yuexiu Park", "越秀公园", Park),
            sight("White Cloud Hill", "白云山", Mountain),
            sight("Chen Hall", "陈家院", Palace),
            sight("Sand Island", "沙面岛", Street),
        ],
    },
    City {
        name: phrase("Zhuhai", "珠海"),
        at: (1136, 223),
        attractions: &[
            sight("Window of the World", "世界之窗", Tower),
            sight("Lotus Park", "莲花山公园", Park),
            sight("Big Plum Beach", "大梅沙", Sea),
            sight("Design Museum", "设计博物馆", Museum),
        ],
    },
    City {
        name: phrase("Guilin", "桂林"),
        at: (1103, 253),
        attractions: &[
            sight("Elephant Hill", "象山", Lake),
            sight("Reed Flute Cave", "芦笛岩", Mountain),
            sight("Two Rivers Cruise", "两江游船", Bridge),
            sight("West Street", "西街", Street),
        ],
    },
    City {
        name: phrase("Chengdu", "成都"),
        at: (1041, 306),
        attractions: &[
            sight("Panda Base", "大熊猫基地", Park),
            sight("Wide and Narrow Alley", "宽窄巷子", Street),
            sight("Wuhou Temple", "武侯寺", Temple),
            sight("Poet Cottage", "草堂", Park),
            sight("Jinli Street", "古街", Street),
        ],
    },
    City {
        name: phrase("Chongqing", "重庆"),
        at: (1066, 296),
        attractions: &[
            sight("Cave House", "洪崖洞", Palace),
            sight("River Cable Car", "长江缆车", Bridge),
            sight("Stone Caves", "大石窟", Temple),
            sight("Three Gorges Museum", "三峡博物馆", Museum),
            sight("Eling Park", "山顶公园", Park),
        ],
    },
    City {
        name: phrase("Kunming", "昆明"),
        at: (1027, 250),
        attractions: &[
            sight("Green Lake", "翠湖", Lake),
            sight("Stone Forest", "石林", Mountain),
            sight("Flower Market", "花市", Street),
            sight("West Hills", "西山", Mountain),
        ],
    },
    City {
        name: phrase("Lanzhou", "兰州"),
        at: (1038, 361),
        attractions: &[
            sight("Iron Bridge", "铁桥", Bridge),
            sight("White Pagoda Hill", "白塔山", Temple),
            sight("Gansu Museum", "甘肃博物馆", Museum),
            sight("Water Wheel Garden", "水车园", Park),
        ],
    },
];
