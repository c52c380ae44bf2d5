//! Names of apps on phones that have them, that lack them, and that have others like them.

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

/// What the public phone models call apps: a name, a tab and a package in each line.
const OFFICIAL: &str = include_str!("../../../fixtures/app-names.tsv");
/// A name, a tab and packages of other apps in each line.
const LOOKALIKES: &str = include_str!("../../../fixtures/app-lookalikes.tsv");

fn rows(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> + Clone {
    file.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once('\t').unwrap())
}

fn check(app: &str, expected: Expect) {
    check_on(PHONE, app, expected);
}

fn check_on(installed: &[&str], app: &str, expected: Expect) {
    expected.assert_eq(&lookup_in_words(&Apps::new(installed.iter().copied()), app));
}

fn lookup_in_words(apps: &Apps, app: &str) -> String {
    match apps.resolve(app) {
        Ok(LaunchTarget::Home) => "home".to_owned(),
        Ok(LaunchTarget::Packages(found)) => found.join(", "),
        Err(kind) => kind.to_string(),
    }
}

#[test]
fn names_of_apps() {
    check("com.android.mms", expect!["com.android.mms"]);
    check("Settings", expect!["com.android.settings"]);
    check(" settings app", expect!["com.android.settings"]);
    check("设置", expect!["com.android.settings"]);
    check("微信", expect!["com.tencent.mm"]);
    check("微信app", expect!["com.tencent.mm"]);
    check("WE CHAT", expect!["com.tencent.mm"]);
    check("Setings", expect!["com.android.settings"]);
    check("Calender", expect!["com.android.calendar"]);
    check("Google Keep", expect!["com.google.android.keep"]);
    check("Weather", expect!["org.example.weather"]);
    check("短信应用", expect!["com.android.mms"]);
    check("System Home", expect!["home"]);
    check("桌面", expect!["home"]);
    // A name that is shared means the app whose own it is, and another one only where that is alone.
    let google = "com.google.android.deskclock";
    check_on(&["com.android.deskclock", google], "Clock", expect!["com.android.deskclock"]);
    check_on(&["com.android.deskclock", google], "Google-Clock", expect!["com.google.android.deskclock"]);
    check_on(&[google], "clock", expect!["com.google.android.deskclock"]);
}

#[test]
fn names_of_no_app() {
    check("Taobao", expect![[r#"no app is called "Taobao"; near it: Clock, Contacts, Notes, 微信, Calendar"#]]);
    check("", expect![[r#"no app is called ""; near it: Calendar, Clock, Contacts, Google Keep, Messages"#]]);
    check(
        "$(reboot)",
        expect![[r#"no app is called "$(reboot)"; near it: Notes, 微信, Clock, Contacts, Google Keep"#]],
    );
    check("Note", expect![[r#"no app is called "Note"; near it: Google Keep, Notes, Clock, Contacts, Messages"#]]);
    // Not a guess: two fit equally well.
    check_on(
        &["com.android.mms", "com.samsung.android.messaging", "com.android.camera"],
        "Messages",
        expect![[r#"no app is called "Messages"; near it: com.android.mms, com.samsung.android.messaging"#]],
    );
    check_on(&[], "Settings", expect![[r#"no app is called "Settings""#]]);
}

/// Every name opens its own app where all of the apps are installed, and where it is the only one.
#[test]
fn every_official_name_opens_its_app() {
    let all: BTreeSet<&str> = rows(OFFICIAL).map(|(_, package)| package).collect();
    let system = ["com.android.browser", "com.android.email", "com.android.mms", "com.android.calendar", "android"];
    let everything = Apps::new(all.iter().copied().chain(system));
    assert!(rows(OFFICIAL).count() > 120);
    for (name, package) in rows(OFFICIAL) {
        assert_eq!(lookup_in_words(&everything, name), package, "{name}, of all");
        assert_eq!(lookup_in_words(&Apps::new(std::iter::once(package)), name), package, "{name}, alone");
        assert_eq!(lookup_in_words(&everything, &name.to_uppercase()), package, "{name}, in capitals");
    }
}

/// Where its app is not installed, a name opens none of all the others.
#[test]
fn a_name_whose_app_is_missing_opens_no_other() {
    let all: BTreeSet<&str> = TABLE.apps.iter().flat_map(|app| &app.packages).map(String::as_str).collect();
    for (name, package) in rows(OFFICIAL) {
        // What shares the name on other phones may stand in for it, and nothing else.
        let own = TABLE.of_name(&fold(name)).unwrap();
        assert!(own.packages.iter().any(|own| own == package) || own.label == "Simple Calendar Pro", "{name}");
        let sharing: Vec<&KnownApp> =
            TABLE.by_common_name.get(&fold(name)).into_iter().flatten().map(|at| &TABLE.apps[*at]).collect();
        let gone = |other: &&str| {
            !std::iter::once(&own).chain(&sharing).any(|app| app.packages.iter().any(|own| own == other))
        };
        let others = Apps::new(all.iter().copied().filter(gone));
        assert!(
            matches!(others.resolve(name), Err(DriverErrorKind::NoSuchApp { .. })),
            "{name}: {}",
            lookup_in_words(&others, name)
        );
    }
}

#[test]
fn an_app_that_is_only_like_it_is_not_opened() {
    for (name, others) in rows(LOOKALIKES) {
        let apps = Apps::new(others.split(' '));
        assert!(
            matches!(apps.resolve(name), Err(DriverErrorKind::NoSuchApp { .. })),
            "{name}: {}",
            lookup_in_words(&apps, name)
        );
    }
}

#[test]
fn labels_of_the_device_are_names_too() {
    let mut apps = Apps::new(["org.example.one", "org.example.two", "org.example.service"].into_iter());
    let icon = |package: &str, label: Option<&str>| answers::AppIcon {
        package: package.to_owned(),
        label: label.map(str::to_owned),
    };
    apps.learn_icons(vec![
        icon("org.example.one", Some("Tide Tables")),
        icon("org.example.two", None),
        icon("org.example.not.installed", Some("Ghost")),
    ]);
    let check = |app: &str, expected: Expect| expected.assert_eq(&lookup_in_words(&apps, app));
    check("tide tables", expect!["org.example.one"]);
    check("Tide Tabels", expect!["org.example.one"]);
    check("Tide", expect![[r#"no app is called "Tide"; near it: Tide Tables, org.example.two"#]]);
    check("two", expect!["org.example.two"]);
    // It has no icon, so it cannot be opened.
    check("service", expect![[r#"no app is called "service"; near it: Tide Tables, org.example.two"#]]);
    check("Ghost", expect![[r#"no app is called "Ghost"; near it: org.example.two, Tide Tables"#]]);
}

#[test]
fn labels_of_packages() {
    assert_eq!(label("com.android.mms"), "Messages");
    assert_eq!(label("com.tencent.mm"), "微信");
    assert_eq!(label("com.google.android.apps.nexuslauncher"), HOME);
    assert_eq!(label("com.tapwright.launcher"), HOME);
    assert_eq!(label("com.android.launcher3"), HOME);
    assert_eq!(label("com.miui.home"), HOME);
    assert_eq!(label("org.example.weather"), "org.example.weather");
    assert_eq!(label(""), "");
}

#[test]
fn an_app_is_known_by_each_of_its_names() {
    for name in ["com.tencent.mm", "微信", "wechat", " Weixin app"] {
        assert_eq!(app_names(name), ["com.tencent.mm", "微信", "WeChat", "Weixin"], "{name}");
    }
    assert_eq!(app_names("org.example.weather"), Vec::<&str>::new());
    assert_eq!(app_names(""), Vec::<&str>::new());
}

#[test]
fn windows_that_ask_are_known() {
    for package in [
        "com.android.permissioncontroller",
        "com.google.android.permissioncontroller",
        "com.google.android.packageinstaller",
        "com.lbe.security.miui",
        "com.miui.securitycore",
    ] {
        assert!(asks_first(package), "{package}");
    }
    assert!(!asks_first("com.android.settings"));
    assert!(!asks_first(""));
}

#[test]
fn every_name_of_the_table_leads_back_to_its_package() {
    for app in &TABLE.apps {
        for package in &app.packages {
            assert!(crate::android::parse::window::is_package(package), "{package}");
            assert!(!is_launcher(package), "{package}");
            let apps = Apps::new(std::iter::once(&**package));
            for name in std::iter::once(&app.label).chain(&app.names).chain(&app.common) {
                assert_eq!(lookup_in_words(&apps, name), *package, "{name}");
            }
        }
    }
}

#[test]
fn no_name_and_no_package_stands_twice() {
    let (mut names, mut packages) = (BTreeMap::new(), BTreeSet::new());
    for app in &TABLE.apps {
        for folded in app.own_names().map(fold).collect::<BTreeSet<_>>() {
            assert_eq!(names.insert(folded.clone(), &app.label), None, "{folded} of {}", app.label);
        }
        for package in &app.packages {
            assert!(packages.insert(package), "{package}");
        }
    }
}

#[test]
fn slips_are_told_from_other_names() {
    for (name, wanted, slip) in [
        ("settings", "setings", true),
        ("settings", "settinsg", true),
        ("calendar", "calender", true),
        ("telegram", "telegramx", false),
        ("notes", "note", false),
        ("notion", "motion", false),
        ("windows10", "windows11", false),
        ("googlemaps", "googlemail", false),
        ("微信读书听", "微信听书听", false),
    ] {
        assert_eq!(is_slip(name, wanted), slip, "{name} {wanted}");
        assert_eq!(is_slip(wanted, name), slip, "{wanted} {name}");
    }
}

proptest! {
    #[test]
    fn a_resolved_name_is_an_installed_app(app in ".{0,80}") {
        if let Ok(LaunchTarget::Packages(found)) = Apps::new(PHONE.iter().copied()).resolve(&app) {
            prop_assert_eq!(found.len(), 1);
            let package = found[0].clone();
            prop_assert!(PHONE.contains(&package.as_str()));
        }
    }
}
