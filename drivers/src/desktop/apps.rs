//! Apps of a desktop: what its menu knows (`*.desktop`), by name and by the windows that they open.

use std::fs;
use std::path::PathBuf;

use tapwright_contract::device::{DriverErrorKind, Front, InstalledApp};
use tapwright_contract::file;
use tapwright_contract::name::{folded as fold, is_same};

use super::window::WindowOwner;

/// No file of the menu is larger.
const FILE_MAX: u64 = 256 << 10;
/// No menu is longer.
const APPS_MAX: usize = 5000;
/// How many near names an error holds.
const LIKE_MAX: usize = 5;
/// From how alike two names are near, of 1.
const NEAR: f64 = 0.8;
/// Who is in front if no app is.
const DESKTOP: (&str, &str) = (Front::NO_APP, "Desktop");

/// What the menu says of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MenuEntry {
    /// The name of its file: `org.xfce.mousepad`.
    pub id: String,
    pub label: String,
    /// What it is called in other languages, and what kind of thing it is.
    names: Vec<String>,
    /// What its windows are called by.
    class: Option<String>,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Whether it wants a terminal around it.
    pub in_terminal: bool,
    /// Whether it is kept out of menus.
    is_hidden: bool,
}

/// All apps of the menu.
#[derive(Clone, Debug, Default)]
pub(crate) struct Menu {
    entries: Vec<MenuEntry>,
}

impl Menu {
    /// Reads the folders; where two have a file of one name, the first counts.
    pub fn read(folders: &[PathBuf]) -> Menu {
        let mut entries: Vec<MenuEntry> = Vec::new();
        for folder in folders {
            let Ok(files) = fs::read_dir(folder) else { continue };
            let mut paths: Vec<PathBuf> = files.flatten().map(|file| file.path()).take(APPS_MAX).collect();
            paths.sort();
            for path in paths {
                let id = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
                let is_entry = path.extension().is_some_and(|extension| extension == "desktop");
                let is_known = entries.iter().any(|entry| entry.id == id);
                if !is_entry || is_known || entries.len() == APPS_MAX {
                    continue;
                }
                if let Some(entry) = file::read_text(&path, FILE_MAX).ok().and_then(|text| entry(id, &text)) {
                    entries.push(entry);
                }
            }
        }
        Menu { entries }
    }

    /// The apps of files that were read elsewhere, each with its name; those that come first count more.
    pub fn from_files<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Menu {
        Menu { entries: files.filter_map(|(id, text)| entry(id, text)).take(APPS_MAX).collect() }
    }

    /// The apps that a name stands for.
    ///
    /// # Errors
    /// `NoSuchApp`, with names that are near or else with some that there are.
    pub fn find(&self, name: &str) -> Result<Vec<&MenuEntry>, DriverErrorKind> {
        let wanted = fold(name);
        let visible = || self.entries.iter().filter(|entry| !entry.is_hidden);
        let by = |is: &dyn Fn(&MenuEntry) -> bool| visible().filter(|entry| is(entry)).collect::<Vec<_>>();
        let is_called = |text: &str| fold(text) == wanted;
        for found in [
            by(&|entry| is_called(&entry.id)),
            by(&|entry| is_called(&entry.label)),
            by(&|entry| is_called(entry.last_of_id()) || is_called(entry.program())),
            by(&|entry| entry.names.iter().any(|name| is_called(name))),
        ] {
            if !found.is_empty() && !wanted.is_empty() {
                return Ok(found);
            }
        }
        let mut like: Vec<(f64, &str)> = if name.len() > 200 {
            Vec::new()
        } else {
            visible().map(|entry| (strsim::jaro_winkler(&fold(&entry.label), &wanted), &*entry.label)).collect()
        };
        like.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let mut near: Vec<String> =
            like.iter().filter(|(how, _)| *how >= NEAR).map(|(_, label)| (*label).to_owned()).collect();
        if near.is_empty() {
            near = visible().map(|entry| entry.label.clone()).collect();
            near.sort();
            if near.is_empty() {
                near.push(DESKTOP.1.to_owned());
            }
        }
        near.truncate(LIKE_MAX);
        Err(DriverErrorKind::NoSuchApp { app: name.to_owned(), like: near })
    }

    /// The app whose windows are of this class, by the menu.
    pub fn of_class(&self, class: &str) -> Option<&MenuEntry> {
        let same = |text: &str| text.eq_ignore_ascii_case(class);
        let by = |is: &dyn Fn(&&MenuEntry) -> bool| self.entries.iter().find(is);
        by(&|entry| entry.class.as_deref().is_some_and(same))
            .or_else(|| by(&|entry| same(&entry.id)))
            .or_else(|| by(&|entry| same(entry.last_of_id()) && !entry.is_hidden))
            .or_else(|| by(&|entry| same(entry.program()) && !entry.is_hidden))
    }

    /// Who is in front if a window of this owner is, or none. One program can open windows under other classes than its own, so what the
    /// window is called and what runs behind it are names of the app, too.
    pub fn front(&self, owner: Option<&WindowOwner>) -> Front {
        let mut front = self.front_of_class(owner.map(|owner| owner.class.as_str()));
        let Some(owner) = owner else { return front };
        let entry = self.of_class(&owner.class);
        let names = entry.into_iter().flat_map(MenuEntry::other_names);
        let names = names.chain([owner.class.clone(), owner.instance.clone()]).chain(owner.program.clone());
        front.aliases = others(names, &front.id, &front.label);
        front
    }

    fn front_of_class(&self, class: Option<&str>) -> Front {
        match class {
            None => Front { id: DESKTOP.0.to_owned(), label: DESKTOP.1.to_owned(), aliases: Vec::new() },
            Some(class) => match self.of_class(class) {
                Some(entry) => Front { id: entry.id.clone(), label: entry.label.clone(), aliases: Vec::new() },
                None => Front { id: class.to_lowercase(), label: class.to_owned(), aliases: Vec::new() },
            },
        }
    }
}

impl MenuEntry {
    pub fn to_installed_app(&self) -> InstalledApp {
        InstalledApp {
            id: self.id.clone(),
            label: self.label.clone(),
            aliases: others(self.other_names(), &self.id, &self.label),
        }
    }

    /// By what else it goes: its program, the class of its windows, the end of its id.
    fn other_names(&self) -> impl Iterator<Item = String> {
        let names = [Some(self.program()), self.class.as_deref(), Some(self.last_of_id())];
        names.into_iter().flatten().map(str::to_owned)
    }

    /// `mousepad` of `org.xfce.mousepad`.
    fn last_of_id(&self) -> &str {
        self.id.rsplit('.').next().unwrap_or_default()
    }

    /// The program's name without its folder.
    fn program(&self) -> &str {
        let program = self.command.first().map(String::as_str).unwrap_or_default();
        program.rsplit('/').next().unwrap_or_default()
    }

    /// Whether windows of this class are its own.
    pub fn has_class(&self, class: &str, menu: &Menu) -> bool {
        menu.of_class(class).is_some_and(|entry| entry.id == self.id)
    }
}

/// Browsers of the Chromium family, as their programs are called.
const CHROMIUMS: [&str; 7] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "brave-browser",
    "microsoft-edge",
    "microsoft-edge-stable",
];
/// Programs with such a browser inside, as their windows are called.
const WITH_CHROMIUM: [&str; 13] = [
    "code",
    "code-oss",
    "codium",
    "discord",
    "electron",
    "element",
    "mattermost",
    "obsidian",
    "signal",
    "skype",
    "slack",
    "teams-for-linux",
    "vscodium",
];

/// Whether a window of this class and instance is a browser's of that family, or of a program with one inside: they read a changed layout of
/// the keyboard long after the keys that were pressed by it.
pub(crate) fn reads_layout_late(owner: &WindowOwner) -> bool {
    let names = [&owner.class, &owner.instance];
    let is_known = |name: &String| {
        let name = name.to_lowercase();
        CHROMIUMS.iter().chain(&WITH_CHROMIUM).any(|known| name == *known || name.starts_with(&format!("{known}-")))
    };
    names.into_iter().any(is_known)
}

/// What such a browser needs so that it tells what its pages say, and does not greet whoever is new.
const CHROMIUM_OPTIONS: [&str; 4] =
    ["--force-renderer-accessibility", "--no-first-run", "--no-default-browser-check", "--password-store=basic"];

/// A command as it is started in a home in which nothing was set: with what its program needs to tell its widgets.
pub(crate) fn with_accessibility(command: &[String]) -> Vec<String> {
    let mut words = command.to_vec();
    let program = command.first().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    if CHROMIUMS.contains(&program) {
        let missing = CHROMIUM_OPTIONS.iter().filter(|option| !command.iter().any(|word| word == *option));
        words.splice(1..1, missing.map(|option| (*option).to_owned()));
    }
    words
}

/// Names that are none of the two, each once.
fn others(names: impl Iterator<Item = String>, id: &str, label: &str) -> Vec<String> {
    let mut others: Vec<String> = Vec::new();
    for name in names.filter(|name| !name.is_empty()) {
        let is_known = |known: &str| is_same(known, &name);
        if !is_known(id) && !is_known(label) && !others.iter().any(|other| is_known(other)) {
            others.push(name);
        }
    }
    others
}

/// Reads one file; `None` if it is no app that can be started.
fn entry(id: &str, text: &str) -> Option<MenuEntry> {
    let mut is_main = false;
    let mut entry = MenuEntry {
        id: id.to_owned(),
        label: String::new(),
        names: Vec::new(),
        class: None,
        command: Vec::new(),
        in_terminal: false,
        is_hidden: false,
    };
    let mut is_application = false;
    for line in text.lines() {
        if let Some(group) = line.trim().strip_prefix('[') {
            is_main = group == "Desktop Entry]";
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| is_main && !line.starts_with('#')) else { continue };
        let (key, value) = (key.trim(), unescaped(value.trim()));
        match key {
            "Type" => is_application = value == "Application",
            "Name" => entry.label = value,
            "GenericName" => entry.names.push(value),
            _ if key.starts_with("Name[") => entry.names.push(value),
            "StartupWMClass" => entry.class = Some(value),
            "Exec" => entry.command = command(&value, &entry.label)?,
            "Terminal" => entry.in_terminal = value == "true",
            "NoDisplay" => entry.is_hidden |= value == "true",
            "Hidden" if value == "true" => return None,
            _ => {}
        }
    }
    (is_application && !entry.label.is_empty() && !entry.command.is_empty()).then_some(entry)
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('s') => plain.push(' '),
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some('r') => plain.push('\r'),
                // Of the command itself: whoever reads that sees to it.
                Some(other @ ('"' | '`' | '$')) => plain.extend(['\\', other]),
                Some(other) => plain.push(other),
                None => {}
            },
            letter => plain.push(letter),
        }
    }
    plain
}

/// The words of `Exec`, without what stands for files that are opened with it; `None` if its quotation marks do not match.
fn command(text: &str, label: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '"' => break,
                        '\\' => word.push(letters.next()?),
                        letter => word.push(letter),
                    }
                }
            }
            '%' => match letters.next()? {
                '%' => word.get_or_insert_default().push('%'),
                'c' => word.get_or_insert_default().push_str(label),
                _ => {}
            },
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUSEPAD: &str = "# comment\n[Desktop Entry]\nType=Application\nName=Mousepad\nName[de]=Texteditor\nGenericName=Text Editor\nExec=mousepad %U\n\
        [Desktop Action New]\nName=New\nExec=rm -rf /\n";

    fn menu() -> Menu {
        let hidden =
            "[Desktop Entry]\nType=Application\nName=Mousepad Settings\nExec=mousepad --preferences\nNoDisplay=true\n";
        let calc = "[Desktop Entry]\nType=Application\nName=LibreOffice Calc\nExec=libreoffice --calc %U\nStartupWMClass=libreoffice-calc\n";
        let terminal = "[Desktop Entry]\nType=Application\nName=Vim\nExec=vim %F\nTerminal=true\n";
        let entries = [
            ("org.xfce.mousepad", MOUSEPAD),
            ("org.xfce.mousepad-settings", hidden),
            ("libreoffice-calc", calc),
            ("vim", terminal),
        ];
        Menu { entries: entries.iter().map(|(id, text)| entry(id, text).unwrap()).collect() }
    }

    #[test]
    fn a_browser_is_started_so_that_it_tells_its_pages() {
        let words = |command: &[&str]| {
            let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
            with_accessibility(&command).join(" ")
        };
        let options = "--force-renderer-accessibility --no-first-run --no-default-browser-check --password-store=basic";
        assert_eq!(words(&["/usr/bin/chromium", "a.html"]), format!("/usr/bin/chromium {options} a.html"));
        assert_eq!(words(&["google-chrome"]), format!("google-chrome {options}"));
        let own = ["chromium", "--password-store=basic", "--force-renderer-accessibility"];
        assert_eq!(words(&own).matches("--force").count(), 1);
        assert_eq!(words(&["mousepad", "chromium"]), "mousepad chromium");
        assert_eq!(words(&[]), "");
    }

    #[test]
    fn an_app_is_found_by_any_of_its_names() {
        let menu = menu();
        let found =
            |name: &str| menu.find(name).map(|found| found.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>());
        for name in ["Mousepad", "mousepad", "org.xfce.mousepad", "MOUSE PAD", "text editor", "Texteditor"] {
            assert_eq!(found(name).unwrap(), ["org.xfce.mousepad"], "{name}");
        }
        assert_eq!(found("libreoffice").unwrap(), ["libreoffice-calc"]);
        for (name, first) in [("Mouspad", "Mousepad"), ("LibreOfice Calc", "LibreOffice Calc")] {
            match found(name) {
                Err(DriverErrorKind::NoSuchApp { like, .. }) => assert_eq!(like[0], first),
                other => panic!("{other:?}"),
            }
        }
        for name in ["", "\0", "Mousepad Settings", "-p", &"x".repeat(100_000)] {
            match found(name) {
                Err(DriverErrorKind::NoSuchApp { like, .. }) => assert!(!like.is_empty()),
                other => panic!("{name:.20} {other:?}"),
            }
        }
    }

    #[test]
    fn a_window_belongs_to_the_app_that_says_so() {
        let menu = menu();
        let front = |class| {
            let front = menu.front_of_class(class);
            (front.id, front.label)
        };
        assert_eq!(front(Some("Mousepad")), ("org.xfce.mousepad".to_owned(), "Mousepad".to_owned()));
        assert_eq!(front(Some("libreoffice-calc")).1, "LibreOffice Calc");
        assert_eq!(front(Some("XTerm")), ("xterm".to_owned(), "XTerm".to_owned()));
        assert_eq!(front(None).0, "desktop");
    }

    #[test]
    fn a_window_goes_by_all_that_it_and_its_program_are_called() {
        let owner = |class: &str, instance: &str, program: &str| WindowOwner {
            class: class.to_owned(),
            instance: instance.to_owned(),
            program: Some(program.to_owned()),
        };
        let menu = menu();
        for (owner, id, aliases) in [
            (owner("UXTerm", "xterm", "xterm"), "uxterm", &["xterm"][..]),
            (owner("Mousepad", "mousepad", "mousepad"), "org.xfce.mousepad", &[]),
            (owner("Mousepad", "notes", "python3.11"), "org.xfce.mousepad", &["notes", "python3.11"]),
            (
                owner("libreoffice-calc", "libreoffice", "soffice.bin"),
                "libreoffice-calc",
                &["libreoffice", "soffice.bin"],
            ),
        ] {
            let front = menu.front(Some(&owner));
            assert_eq!(
                (front.id.as_str(), front.aliases),
                (id, aliases.iter().map(|name| (*name).to_owned()).collect())
            );
        }
        let calc = menu.find("LibreOffice Calc").unwrap()[0].to_installed_app();
        assert_eq!(calc.aliases, ["libreoffice"]);
        assert!(menu.front(None).aliases.is_empty());
    }

    #[test]
    fn a_command_is_words_and_nothing_else() {
        let words = |text: &str| command(text, "My App");
        assert_eq!(words("a b\tc %U").unwrap(), ["a", "b", "c"]);
        assert_eq!(
            words(r#""/opt/my app/run" --name=%c --x="a \"b\" \$c" 100%%"#).unwrap(),
            ["/opt/my app/run", "--name=My App", "--x=a \"b\" $c", "100%"]
        );
        assert_eq!(words("\"a"), None);
        assert_eq!(words("a%"), None);
        assert_eq!(unescaped(r"a\sb\\c\n"), "a b\\c\n");
    }

    #[test]
    fn what_cannot_be_started_is_no_app() {
        for text in [
            "",
            "[Desktop Entry]\nType=Link\nName=a\nExec=b",
            "[Desktop Entry]\nType=Application\nName=a",
            "[Desktop Entry]\nType=Application\nName=a\nExec=b\nHidden=true",
        ] {
            assert_eq!(entry("a", text), None, "{text}");
        }
    }
}
