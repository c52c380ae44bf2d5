//! What people call apps, and what the device calls them: in both directions, by a small table of our own and by what
//! is installed.

use std::collections::{BTreeMap, BTreeSet};

use tapwright_contract::device::Kind;

/// What the launcher is called, on every device.
pub(crate) const HOME: &str = "System Home";
/// Other words for it.
const HOME_ALIASES: &[&str] = &["home", "home screen", "launcher", "desktop", "桌面", "主屏幕"];

/// Packages of the same app on different phones, its label, and what else people call it.
struct Known(&'static [&'static str], &'static str, &'static [&'static str]);

/// Only what cannot be seen from a package's name. A label may stand for several packages: phones come with one each.
const KNOWN: &[Known] = &[
    // What most phones come with.
    Known(&["com.android.settings"], "Settings", &["System Settings", "Android Settings", "设置", "系统设置"]),
    Known(
        &["com.android.mms", "com.google.android.apps.messaging", "com.samsung.android.messaging"],
        "Messages",
        &["SMS", "Messaging", "Text Messages", "短信", "信息"],
    ),
    Known(
        &["com.android.contacts", "com.google.android.contacts", "com.samsung.android.app.contacts"],
        "Contacts",
        &["Address Book", "People", "通讯录", "联系人"],
    ),
    Known(
        &["com.android.dialer", "com.google.android.dialer", "com.samsung.android.dialer"],
        "Phone",
        &["Dialer", "Telephone", "电话", "拨号"],
    ),
    Known(
        &["com.android.notes", "com.miui.notes", "com.samsung.android.app.notes", "com.coloros.note"],
        "Notes",
        &["Notepad", "Memo", "笔记", "便签", "备忘录"],
    ),
    Known(
        &["com.android.deskclock", "com.google.android.deskclock", "com.sec.android.app.clockpackage"],
        "Clock",
        &["Alarm", "Alarms", "Timer", "Stopwatch", "时钟", "闹钟"],
    ),
    Known(
        &["com.android.calendar", "com.google.android.calendar", "com.samsung.android.calendar"],
        "Calendar",
        &["日历", "日程"],
    ),
    Known(
        &["com.android.calculator2", "com.google.android.calculator", "com.miui.calculator"],
        "Calculator",
        &["计算器"],
    ),
    Known(
        &["com.android.camera", "com.android.camera2", "com.google.android.GoogleCamera", "com.sec.android.app.camera"],
        "Camera",
        &["相机"],
    ),
    Known(
        &["com.android.gallery3d", "com.miui.gallery", "com.sec.android.gallery3d"],
        "Gallery",
        &["Album", "Albums", "相册", "图库"],
    ),
    Known(
        &["com.android.documentsui", "com.google.android.documentsui", "com.android.fileexplorer"],
        "Files",
        &["File Manager", "文件", "文件管理"],
    ),
    Known(&["com.android.browser", "com.mi.globalbrowser"], "Browser", &["浏览器"]),
    Known(&["com.android.email"], "Email", &["Mail", "邮件", "邮箱"]),
    Known(
        &["com.android.soundrecorder", "com.google.android.apps.recorder"],
        "Recorder",
        &["Sound Recorder", "录音机"],
    ),
    Known(&["com.android.providers.downloads.ui"], "Downloads", &["下载"]),
    // What people put on them.
    Known(&["com.android.chrome"], "Chrome", &["Google Chrome", "谷歌浏览器"]),
    Known(&["org.mozilla.firefox"], "Firefox", &["火狐"]),
    Known(&["com.android.vending"], "Play Store", &["Google Play", "Google Play Store"]),
    Known(&["com.google.android.gm"], "Gmail", &["Google Mail", "谷歌邮箱"]),
    Known(&["com.google.android.apps.maps"], "Maps", &["Google Maps", "谷歌地图"]),
    Known(&["com.google.android.apps.photos"], "Photos", &["Google Photos"]),
    Known(&["com.google.android.keep"], "Keep", &["Google Keep", "Keep Notes"]),
    Known(&["com.google.android.youtube"], "YouTube", &["油管"]),
    Known(&["com.google.android.googlequicksearchbox"], "Google", &["Google Search"]),
    Known(&["com.whatsapp"], "WhatsApp", &[]),
    Known(&["org.telegram.messenger"], "Telegram", &["电报"]),
    Known(&["com.facebook.katana"], "Facebook", &["脸书"]),
    Known(&["com.instagram.android"], "Instagram", &[]),
    Known(&["com.twitter.android"], "X", &["Twitter", "推特"]),
    Known(&["com.reddit.frontpage"], "Reddit", &[]),
    Known(&["com.spotify.music"], "Spotify", &[]),
    Known(&["com.amazon.mShop.android.shopping"], "Amazon Shopping", &["Amazon", "亚马逊"]),
    Known(&["com.tencent.mm"], "WeChat", &["Weixin", "微信"]),
    Known(&["com.tencent.mobileqq"], "QQ", &["腾讯QQ"]),
    Known(&["com.tencent.qqmusic"], "QQ Music", &["QQ音乐"]),
    Known(&["com.tencent.qqlive"], "Tencent Video", &["腾讯视频"]),
    Known(&["com.tencent.wework"], "WeCom", &["企业微信"]),
    Known(&["com.eg.android.AlipayGphone"], "Alipay", &["支付宝"]),
    Known(&["com.taobao.taobao"], "Taobao", &["淘宝"]),
    Known(&["com.jingdong.app.mall"], "JD", &["JD.com", "Jingdong", "京东"]),
    Known(&["com.xunmeng.pinduoduo"], "Pinduoduo", &["拼多多"]),
    Known(&["com.sankuai.meituan"], "Meituan", &["美团"]),
    Known(&["com.dianping.v1"], "Dianping", &["大众点评"]),
    Known(&["me.ele"], "Ele.me", &["饿了么"]),
    Known(&["com.autonavi.minimap"], "Amap", &["Gaode Maps", "高德", "高德地图"]),
    Known(&["com.baidu.BaiduMap"], "Baidu Maps", &["百度地图"]),
    Known(&["com.sina.weibo"], "Weibo", &["微博", "新浪微博"]),
    Known(&["com.xingin.xhs"], "RedNote", &["Xiaohongshu", "小红书"]),
    Known(&["com.ss.android.ugc.aweme"], "Douyin", &["抖音"]),
    Known(&["com.zhiliaoapp.musically"], "TikTok", &[]),
    Known(&["tv.danmaku.bili"], "Bilibili", &["B站", "哔哩哔哩"]),
    Known(&["com.zhihu.android"], "Zhihu", &["知乎"]),
    Known(&["com.douban.frodo"], "Douban", &["豆瓣"]),
    Known(&["com.netease.cloudmusic"], "NetEase Music", &["NetEase Cloud Music", "网易云音乐"]),
    Known(&["ctrip.android.view"], "Ctrip", &["Trip", "携程"]),
    Known(&["com.MobileTicket"], "12306", &["铁路12306"]),
    Known(&["com.sdu.didi.psnger"], "DiDi", &["滴滴", "滴滴出行"]),
    Known(&["com.alibaba.android.rimet"], "DingTalk", &["钉钉"]),
    Known(&["com.ss.android.lark"], "Feishu", &["Lark", "飞书"]),
];

/// Launchers whose package does not say so.
const LAUNCHERS: &[&str] = &["com.miui.home", "com.android.systemui"];

/// What is installed on one device.
#[derive(Clone, Debug, Default)]
pub(crate) struct Apps {
    installed: BTreeSet<String>,
}

/// What a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    Home,
    Package(String),
}

/// What people call a package; the package itself where nobody has told us.
pub(crate) fn label(package: &str) -> &str {
    if is_launcher(package) {
        return HOME;
    }
    known(package).map_or(package, |Known(_, label, _)| label)
}

fn is_launcher(package: &str) -> bool {
    LAUNCHERS.contains(&package)
        || package.rsplit('.').next().is_some_and(|last| last.starts_with("launcher") || last.ends_with("launcher"))
}

fn known(package: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|Known(packages, ..)| packages.contains(&package))
}

impl Apps {
    pub fn new<'a>(installed: impl Iterator<Item = &'a str>) -> Apps {
        /// No phone has more apps; a device that lists more does not get to fill the memory.
        const INSTALLED_MAX: usize = 10_000;
        Apps { installed: installed.take(INSTALLED_MAX).map(str::to_owned).collect() }
    }

    pub fn count(&self) -> usize {
        self.installed.len()
    }

    pub fn is_empty(&self) -> bool {
        self.installed.is_empty()
    }

    /// Finds the installed app that a person or a model means: its package, its exact name, its name in other letters,
    /// or the only name that is nearly the same. Two that fit equally well are none.
    ///
    /// # Errors
    /// `Kind::NoSuchApp` with the nearest names.
    pub fn resolve(&self, app: &str) -> Result<Meant, Kind> {
        let app = app.trim();
        if self.installed.contains(app) {
            return Ok(Meant::Package(app.to_owned()));
        }
        let wanted = fold(app);
        if app == HOME || wanted == fold(HOME) || HOME_ALIASES.contains(&app.to_lowercase().as_str()) {
            return Ok(Meant::Home);
        }
        let exact = |name: &str| name == app;
        let folded = |name: &str| !wanted.is_empty() && fold(name) == wanted;
        let near = |name: &str| nearly(&fold(name), &wanted);
        let tiers: [&dyn Fn(&str) -> bool; 3] = [&exact, &folded, &near];
        for fits in tiers {
            let found: Vec<&String> = self.installed.iter().filter(|package| names(package).any(fits)).collect();
            match found[..] {
                [] => {}
                [package] => return Ok(Meant::Package(package.clone())),
                // Equally good: let the caller say which, by a name that is unique.
                _ => {
                    let like = found.iter().take(LIKE_MAX).map(|package| self.unique_name(package)).collect();
                    return Err(Kind::NoSuchApp { app: super::parse::answers::shortened(app), like });
                }
            }
        }
        Err(Kind::NoSuchApp { app: super::parse::answers::shortened(app), like: self.nearest(&wanted) })
    }

    fn unique_name(&self, package: &str) -> String {
        let label = label(package);
        let unique = self.installed.iter().filter(|other| self::label(other) == label).count() == 1;
        if unique { label.to_owned() } else { package.to_owned() }
    }

    fn nearest(&self, wanted: &str) -> Vec<String> {
        let mut by_distance: BTreeMap<(usize, String), ()> = BTreeMap::new();
        for package in self.installed.iter().filter(|package| !is_launcher(package)) {
            // `com.android` and the like are called nothing.
            let Some(distance) = names(package).map(|name| distance(&fold(name), wanted)).min() else { continue };
            // Apps that people have names for come before services that happen to be spelled alike.
            let distance = distance + if known(package).is_some() { 0 } else { 4 };
            by_distance.insert((distance, self.unique_name(package)), ());
        }
        by_distance.into_keys().map(|(_, name)| name).take(LIKE_MAX).collect()
    }
}

/// How many near names an error holds.
const LIKE_MAX: usize = 5;

/// What an installed package may be called.
fn names(package: &str) -> impl Iterator<Item = &str> {
    let known = known(package);
    let table =
        known.into_iter().flat_map(|Known(_, label, aliases)| std::iter::once(*label).chain(aliases.iter().copied()));
    // The last part of the package's name is often the app's, where the table does not know better.
    let last = package.rsplit('.').next().filter(|last| known.is_none() && last.len() > 2 && *last != "android");
    table.chain(last)
}

/// A name without what people spell differently: case, spaces, hyphens, a final "app".
fn fold(name: &str) -> String {
    let letters: String = name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let bare = letters.strip_suffix("app").or_else(|| letters.strip_suffix("应用")).unwrap_or(&letters);
    if bare.chars().count() < 2 { letters } else { bare.to_owned() }
}

/// Whether a name is the wanted one but for a slip, or one is the other with something added.
fn nearly(name: &str, wanted: &str) -> bool {
    let (short, long) = if name.len() < wanted.len() { (name, wanted) } else { (wanted, name) };
    let letters = short.chars().count();
    let enough = if short.is_ascii() { letters >= 4 } else { letters >= 2 };
    enough && (long.contains(short) || (letters >= 5 && distance(name, wanted) <= letters / 5))
}

/// How many letters have to be put in, taken out or exchanged to make one name of the other. Names are cut to 64 letters.
fn distance(a: &str, b: &str) -> usize {
    const LETTERS_MAX: usize = 64;
    let b: Vec<char> = b.chars().take(LETTERS_MAX).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().take(LETTERS_MAX).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let exchanged = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    const PHONE: &[&str] = &[
        "com.android.settings",
        "com.android.mms",
        "com.android.contacts",
        "com.android.notes",
        "com.android.deskclock",
        "com.android.calendar",
        "com.tapwright.launcher",
        "com.tencent.mm",
        "com.google.android.keep",
        "org.example.weather",
        "android",
        "io.x",
    ];

    fn check(app: &str, expected: Expect) {
        check_on(PHONE, app, expected);
    }

    fn check_on(installed: &[&str], app: &str, expected: Expect) {
        let told = match Apps::new(installed.iter().copied()).resolve(app) {
            Ok(Meant::Home) => "home".to_owned(),
            Ok(Meant::Package(package)) => package,
            Err(kind) => kind.to_string(),
        };
        expected.assert_eq(&told);
    }

    #[test]
    fn names_of_apps() {
        check("com.android.mms", expect!["com.android.mms"]);
        check("Settings", expect!["com.android.settings"]);
        check(" settings app", expect!["com.android.settings"]);
        check("设置", expect!["com.android.settings"]);
        check("微信", expect!["com.tencent.mm"]);
        check("WE CHAT", expect!["com.tencent.mm"]);
        check("Setings", expect!["com.android.settings"]);
        check("Google Keep", expect!["com.google.android.keep"]);
        check("Weather", expect!["org.example.weather"]);
        check("短信应用", expect!["com.android.mms"]);
        check("System Home", expect!["home"]);
        check("桌面", expect!["home"]);
    }

    #[test]
    fn names_of_no_app() {
        check("Taobao", expect![[r#"no app is called "Taobao"; near it: Clock, Contacts, Notes, WeChat, Calendar"#]]);
        check("", expect![[r#"no app is called ""; near it: Calendar, Clock, Messages, Notes, Settings"#]]);
        check("$(reboot)", expect![[r#"no app is called "$(reboot)"; near it: Notes, WeChat, Clock, Contacts, Keep"#]]);
        // Not a guess: two fit equally well.
        check("Note", expect![[r#"no app is called "Note"; near it: Notes, Keep"#]]);
        check_on(
            &["com.android.mms", "com.google.android.apps.messaging", "com.android.camera"],
            "Messages",
            expect![[r#"no app is called "Messages"; near it: com.android.mms, com.google.android.apps.messaging"#]],
        );
        check_on(&[], "Settings", expect![[r#"no app is called "Settings""#]]);
    }

    #[test]
    fn labels_of_packages() {
        assert_eq!(label("com.android.mms"), "Messages");
        assert_eq!(label("com.google.android.apps.nexuslauncher"), HOME);
        assert_eq!(label("com.tapwright.launcher"), HOME);
        assert_eq!(label("com.android.launcher3"), HOME);
        assert_eq!(label("org.example.weather"), "org.example.weather");
        assert_eq!(label(""), "");
    }

    #[test]
    fn every_label_leads_back_to_its_package() {
        for Known(packages, label, aliases) in KNOWN {
            for package in *packages {
                let apps = Apps::new(std::iter::once(*package));
                for name in std::iter::once(label).chain(aliases.iter()) {
                    assert_eq!(apps.resolve(name).unwrap(), Meant::Package((*package).to_owned()), "{name}");
                }
            }
        }
    }

    #[test]
    fn no_name_stands_twice() {
        let mut seen = BTreeMap::new();
        for Known(_, label, aliases) in KNOWN {
            for name in std::iter::once(label).chain(aliases.iter()) {
                assert_eq!(seen.insert(fold(name), label), None, "{name} of {label}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_resolved_name_is_an_installed_app(app in ".{0,80}") {
            if let Ok(Meant::Package(package)) = Apps::new(PHONE.iter().copied()).resolve(&app) {
                prop_assert!(PHONE.contains(&package.as_str()));
            }
        }
    }
}
