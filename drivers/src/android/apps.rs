//! What people call apps, and what the device calls them: in both directions, by a table (`apps.toml`), by the labels that
//! the device tells, and by what is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;
use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::name::spelled;

use super::parse::answers;

/// What the launcher is called, on every device.
pub(crate) const HOME: &str = "System Home";
/// Other words for it.
const HOME_ALIASES: &[&str] = &["home", "home screen", "launcher", "desktop", "桌面", "主屏幕"];
/// So many words of an icon are looked at.
const ICON_WORDS_MAX: usize = 16;
/// How many near names an error holds.
const LIKE_MAX: usize = 5;

/// One app that people have names for; `apps.toml` says what each field means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownApp {
    label: String,
    packages: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    common: Vec<String>,
    #[serde(default)]
    generic: bool,
}

impl KnownApp {
    /// The names that are this app's alone.
    fn own_names(&self) -> impl Iterator<Item = &str> {
        let label = Some(&self.label).filter(|label| !self.common.contains(label));
        label.into_iter().chain(&self.names).map(String::as_str)
    }
}

/// All of them, and where to find one by a package or by a folded name.
struct AppTable {
    apps: Vec<KnownApp>,
    by_package: BTreeMap<String, usize>,
    by_own_name: BTreeMap<String, usize>,
    by_common_name: BTreeMap<String, Vec<usize>>,
}

static TABLE: LazyLock<AppTable> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct File {
        app: Vec<KnownApp>,
    }
    let File { app: apps } = toml::from_str(include_str!("apps.toml")).expect("apps.toml is part of this program");
    let (mut by_package, mut by_own_name) = (BTreeMap::new(), BTreeMap::new());
    let mut by_common_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, app) in apps.iter().enumerate() {
        by_package.extend(app.packages.iter().map(|package| (package.clone(), at)));
        by_own_name.extend(app.own_names().map(|name| (fold(name), at)));
        for name in &app.common {
            by_common_name.entry(fold(name)).or_default().push(at);
        }
    }
    AppTable { apps, by_package, by_own_name, by_common_name }
});

impl AppTable {
    fn of_package(&self, package: &str) -> Option<&KnownApp> {
        self.by_package.get(package).map(|at| &self.apps[*at])
    }

    fn of_name(&self, folded: &str) -> Option<&KnownApp> {
        self.by_own_name.get(folded).map(|at| &self.apps[*at])
    }
}

/// What makers of phones add to Android, as far as launching an app meets it; `phones.toml` explains.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PhoneTable {
    launchers: Vec<String>,
    asks: Vec<AskingWindow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskingWindow {
    package: String,
    /// For readers of the table.
    #[serde(rename = "what")]
    _what: String,
    #[serde(rename = "witness")]
    _witness: String,
}

static PHONES: LazyLock<PhoneTable> =
    LazyLock::new(|| toml::from_str(include_str!("phones.toml")).expect("phones.toml is part of this program"));

/// Whether a window of this package asks something before the app that was started is seen, or in its place.
pub(crate) fn asks_first(package: &str) -> bool {
    PHONES.asks.iter().any(|row| match row.package.strip_prefix('.') {
        Some(_) => package.ends_with(&row.package),
        None => package == row.package,
    })
}

/// What is installed on one device, for the user who is in front.
#[derive(Clone, Debug, Default)]
pub(crate) struct Apps {
    installed: BTreeSet<String>,
    /// Whether the device may have other apps by now, or be another one.
    is_outdated: bool,
    /// What the device itself calls them, where it tells.
    labels: BTreeMap<String, String>,
    /// Those that have an icon; empty if the device does not say.
    with_icon: BTreeSet<String>,
}

/// What a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LaunchTarget {
    Home,
    /// This app; or any of these, if several fit equally well.
    Packages(Vec<String>),
}

/// What people call a package; the package itself where nobody has told us.
pub(crate) fn label(package: &str) -> &str {
    if is_launcher(package) {
        return HOME;
    }
    TABLE.of_package(package).map_or(package, |app| &app.label)
}

/// All that one app is called: its packages, its label and the names that are its own, given any of them. Whoever forbids an app by one
/// name means it by every other, too. Empty if nobody has told us of it.
pub fn app_names(name: &str) -> Vec<&'static str> {
    let known = TABLE.of_package(name.trim()).or_else(|| TABLE.of_name(&fold(name)));
    known.into_iter().flat_map(|app| app.packages.iter().map(String::as_str).chain(app.own_names())).collect()
}

fn is_launcher(package: &str) -> bool {
    PHONES.launchers.iter().any(|launcher| launcher == package)
        || last_part(package).is_some_and(|last| last.starts_with("launcher") || last.ends_with("launcher"))
}

/// Whether a touch on a widget of this package opens the app that is named on it: launchers with their recent apps, the notification
/// shade, and the window that asks which app is to be used.
pub(crate) fn shows_icons(package: &str) -> bool {
    package == "android" || is_launcher(package) || asks_first(package)
}

fn last_part(package: &str) -> Option<&str> {
    package.rsplit('.').next()
}

impl Apps {
    pub fn new<'a>(installed: impl Iterator<Item = &'a str>) -> Apps {
        /// No phone has more apps; a device that lists more does not get to fill the memory.
        const INSTALLED_MAX: usize = 10_000;
        Apps { installed: installed.take(INSTALLED_MAX).map(str::to_owned).collect(), ..Apps::default() }
    }

    /// Adds what the device says of the apps that have an icon: their packages, and their labels where it tells.
    pub fn learn_icons(&mut self, icons: Vec<answers::AppIcon>) {
        for answers::AppIcon { package, label } in icons {
            if !self.installed.contains(&package) {
                continue;
            }
            if let Some(label) = label {
                self.labels.entry(package.clone()).or_insert(label);
            }
            self.with_icon.insert(package);
        }
    }

    /// Whether this package is installed.
    pub fn has(&self, package: &str) -> bool {
        self.installed.contains(package)
    }

    pub fn count(&self) -> usize {
        self.installed.len()
    }

    /// Whether the device has to be asked before an app is looked for.
    pub fn wants_listing(&self) -> bool {
        self.installed.is_empty() || self.is_outdated
    }

    /// The connection was lost. What apps are called stays known until they are listed again.
    pub fn outdate(&mut self) {
        self.is_outdated = true;
    }

    /// The app to launch by a name.
    ///
    /// # Errors
    /// `DriverErrorKind::NoSuchApp` with the nearest names, or with those that fit equally well.
    #[cfg(test)]
    pub fn resolve(&self, app: &str) -> Result<LaunchTarget, DriverErrorKind> {
        match self.find(app)? {
            LaunchTarget::Packages(found) if found.len() > 1 => Err(self.ambiguous(app, &found)),
            target => Ok(target),
        }
    }

    /// That a name does not say which of these is meant: let the caller say it, by a name that is unique.
    pub fn ambiguous(&self, app: &str, found: &[String]) -> DriverErrorKind {
        let like = found.iter().take(LIKE_MAX).map(|package| self.unique_name(package)).collect();
        DriverErrorKind::NoSuchApp { app: answers::shortened(app.trim()), like }
    }

    /// Finds the installed app that a person or a model means: by its package, by a name that is its own, by the label that
    /// the device gives it, by a name that it shares, or by a slip of one letter. A name that is known never means an app that has
    /// another one, however alike the two are.
    ///
    /// # Errors
    /// `DriverErrorKind::NoSuchApp` with the nearest names.
    pub fn find(&self, app: &str) -> Result<LaunchTarget, DriverErrorKind> {
        let app = app.trim();
        if self.installed.contains(app) {
            return Ok(LaunchTarget::Packages(vec![app.to_owned()]));
        }
        let wanted = fold(app);
        if app == HOME || wanted == fold(HOME) || HOME_ALIASES.contains(&app.to_lowercase().as_str()) {
            return Ok(LaunchTarget::Home);
        }
        let known = TABLE.of_name(&wanted);
        let is_shared = TABLE.by_common_name.contains_key(&wanted);
        let tiers: [&dyn Fn() -> Vec<String>; 5] = [
            &|| self.packages_of(known),
            &|| self.apps_labelled(&wanted),
            &|| self.packages_of(TABLE.by_common_name.get(&wanted).into_iter().flatten().map(|at| &TABLE.apps[*at])),
            // `org.example.weather` is a weather app; a name that is one app's own is not guessed at.
            &|| if known.is_none_or(|app| app.generic) { self.ending_in(&wanted) } else { Vec::new() },
            &|| if known.is_none() && !is_shared { self.apps_misspelled(&wanted) } else { Vec::new() },
        ];
        for tier in tiers {
            let found = if wanted.is_empty() { Vec::new() } else { tier() };
            if !found.is_empty() {
                return Ok(LaunchTarget::Packages(found));
            }
        }
        Err(DriverErrorKind::NoSuchApp { app: answers::shortened(app), like: self.nearest(&wanted) })
    }

    /// The apps that an icon with these words may open: all that have this name, whoever gave it to them. Launchers write more beside
    /// it, such as how much is new.
    pub fn behind_icon(&self, words: &str) -> BTreeSet<String> {
        let all = self.apps_called(&fold(words));
        if !all.is_empty() {
            return all;
        }
        // The longest beginning that is a name: "Phone Manager" is not Phone, "WeChat, 3 new" and "WeChat 3" are WeChat.
        let is_end = |(at, letter): &(usize, char)| *at > 0 && !letter.is_alphanumeric();
        let ends: Vec<(usize, char)> = words.char_indices().filter(is_end).take(ICON_WORDS_MAX).collect();
        let adds = |at: usize, letter: char| {
            !(letter.is_whitespace() || matches!(letter, '-' | '+' | '&' | '\'' | '’' | '.' | '_'))
                || words[at..].chars().any(|letter| letter.is_ascii_digit())
        };
        let heads = ends
            .iter()
            .rev()
            .filter(|(at, letter)| adds(*at, *letter))
            .map(|(at, _)| self.apps_called(&fold(&words[..*at])));
        heads.into_iter().find(|apps| !apps.is_empty()).unwrap_or_default()
    }

    /// All apps that have a folded name, their own, the device's or one that they share; else those whose ids end in it.
    fn apps_called(&self, name: &str) -> BTreeSet<String> {
        if name.is_empty() {
            return BTreeSet::new();
        }
        let shared = TABLE.by_common_name.get(name).into_iter().flatten().map(|at| &TABLE.apps[*at]);
        let mut found: BTreeSet<String> = self.apps_labelled(name).into_iter().collect();
        found.extend(self.packages_of(TABLE.of_name(name)));
        found.extend(self.packages_of(shared));
        if found.is_empty() { self.ending_in(name).into_iter().collect() } else { found }
    }

    fn packages_of<'a>(&self, apps: impl IntoIterator<Item = &'a KnownApp>) -> Vec<String> {
        apps.into_iter()
            .flat_map(|app| &app.packages)
            .filter(|package| self.installed.contains(*package))
            .cloned()
            .collect()
    }

    fn apps_labelled(&self, wanted: &str) -> Vec<String> {
        let fits = |(_, label): &(&String, &String)| fold(label) == wanted;
        self.labels.iter().filter(fits).map(|(package, _)| package.clone()).collect()
    }

    /// Apps that nobody has told us of, by the last part of their packages.
    fn ending_in(&self, wanted: &str) -> Vec<String> {
        let fits = |package: &&String| {
            TABLE.of_package(package).is_none()
                && last_part(package).is_some_and(|last| last.len() > 2 && last != "android" && fold(last) == wanted)
        };
        self.openable().filter(fits).cloned().collect()
    }

    fn apps_misspelled(&self, wanted: &str) -> Vec<String> {
        let fits = |package: &&String| self.names(package).any(|name| is_slip(&fold(name), wanted));
        self.openable().filter(fits).cloned().collect()
    }

    /// What can be opened at all, as far as the device tells.
    fn openable(&self) -> impl Iterator<Item = &String> {
        let apps = if self.with_icon.is_empty() { &self.installed } else { &self.with_icon };
        apps.iter().filter(|package| !is_launcher(package))
    }

    /// The names of an installed package: those of the table, and the device's own.
    fn names<'a>(&'a self, package: &str) -> impl Iterator<Item = &'a str> {
        let known = TABLE.of_package(package).into_iter();
        let of_table = known.flat_map(|app| std::iter::once(&*app.label).chain(app.own_names()));
        of_table.chain(self.labels.get(package).map(String::as_str))
    }

    /// What people call a package, or the device does; the package itself where nobody tells.
    pub fn label_of<'a>(&'a self, package: &'a str) -> &'a str {
        let label = label(package);
        if label == package { self.labels.get(package).map_or(label, String::as_str) } else { label }
    }

    fn unique_name(&self, package: &str) -> String {
        let label = self.label_of(package);
        let unique = self.installed.iter().filter(|other| self.label_of(other) == label).count() == 1;
        if unique { label.to_owned() } else { package.to_owned() }
    }

    fn nearest(&self, wanted: &str) -> Vec<String> {
        let mut by_distance: BTreeSet<(usize, String)> = BTreeSet::new();
        for package in self.openable() {
            let is_named = TABLE.of_package(package).is_some() || self.labels.contains_key(package);
            // `com.android` and the like are called nothing.
            let last = last_part(package).filter(|last| !is_named && last.len() > 2 && *last != "android");
            let near = |name: &str| {
                let name = fold(name);
                // A name that holds the other one is what was meant more often than one that is merely as long.
                let (far, letters) = (distance(&name, wanted), name.chars().count().max(wanted.chars().count()));
                match () {
                    () if is_part(&name, wanted) => 1,
                    // Nothing in common, however short: another script, for example.
                    () if far == letters => 100,
                    () => 1 + far,
                }
            };
            let Some(distance) = self.names(package).chain(last).map(near).min() else { continue };
            // Apps that people have names for come before services that happen to be spelled alike.
            by_distance.insert((distance + if is_named { 0 } else { 4 }, self.unique_name(package)));
        }
        by_distance.into_iter().map(|(_, name)| name).take(LIKE_MAX).collect()
    }
}

/// Whether two names are one to somebody who launches an app by it.
pub fn is_same_app_name(one: &str, other: &str) -> bool {
    let one = fold(one);
    !one.is_empty() && one == fold(other)
}

/// A name without what people spell differently: case, blanks, hyphens, a final "app".
fn fold(name: &str) -> String {
    let name = spelled(name);
    let name = name.trim();
    // "settings app", "微信app" and "短信应用", but not "whatsapp".
    let bare = name.strip_suffix("应用").or_else(|| {
        name.strip_suffix("app")
            .filter(|rest| rest.ends_with(|last: char| last == ' ' || last == '-' || !last.is_ascii()))
    });
    // The plus is a part of names: "Google+" is not Google.
    let letters =
        |name: &str| name.chars().filter(|letter| letter.is_alphanumeric() || *letter == '+').collect::<String>();
    match bare.map(letters) {
        Some(bare) if bare.chars().count() >= 2 => bare,
        _ => letters(name),
    }
}

/// Whether one of two folded names, of some length, is a part of the other.
fn is_part(name: &str, wanted: &str) -> bool {
    let (short, long) = if name.len() < wanted.len() { (name, wanted) } else { (wanted, name) };
    let letters = short.chars().count();
    (if short.is_ascii() { letters >= 3 } else { letters >= 2 }) && long.contains(short)
}

/// Whether a name is the wanted one but for one letter that was forgotten, doubled, exchanged or mistaken for another. A letter more
/// at the beginning or the end makes another name, as a digit does.
fn is_slip(name: &str, wanted: &str) -> bool {
    let is_word = |name: &str| name.is_ascii() && !name.bytes().any(|byte| byte.is_ascii_digit());
    if !is_word(name) || !is_word(wanted) || name == wanted || is_part(name, wanted) {
        return false;
    }
    let (a, b) = (name.as_bytes(), wanted.as_bytes());
    let enough = a.len().min(b.len()) >= if a.len() == b.len() { 6 } else { 5 };
    let swapped = || {
        let at = a.iter().zip(b).position(|(x, y)| x != y);
        at.is_some_and(|at| {
            at + 1 < a.len()
                && a.len() == b.len()
                && a[at] == b[at + 1]
                && a[at + 1] == b[at]
                && a[at + 2..] == b[at + 2..]
        })
    };
    enough && a[0] == b[0] && (distance(name, wanted) == 1 || swapped())
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
mod tests;
