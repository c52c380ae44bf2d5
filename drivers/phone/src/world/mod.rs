//! The world behind the glass: a pure function of its options and of what was done to it.
//!
//! It is the window manager round the apps: which of them is in front and on which page, who has the focus, what lies
//! over everything. What an app does is the app's.

mod facts;
mod functions;
mod input;
mod installing;
#[cfg(test)]
mod layout_tests;
mod scene;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

pub use facts::Refused;
pub use functions::OfferedFunction;
pub use input::{Input, Key};
pub use installing::InstallError;

pub use crate::apps::AddedPackage;

use crate::app::{AppInfo, Context, InstalledApp};
use crate::apps;
use crate::command::{Command, MenuItem, Page, Question};
use crate::date::DAY;
use crate::dice::Dice;
use crate::fields::Fields;
use crate::locale::Language;
use crate::options::{AppSelection, Options};
use crate::permission::PermissionKind;
use crate::providers::Providers;
use crate::system::events::{Answer, Event, Notification, Permission, SystemDialog, SystemState};
use crate::system::home;
use crate::system::keyboard::Layer;

/// Where text typed by hand goes.
pub const LATIN_KEYBOARD: &str = "com.android.inputmethod.latin/.LatinIME";
/// Where text broadcast over ADB goes.
pub const ADB_KEYBOARD: &str = "com.android.adbkeyboard/.AdbIME";

/// What lies over the app in front until it is answered. A question and a menu belong to the app of the number.
#[derive(Clone, Debug)]
enum Overlay {
    Question(usize, Question),
    Menu(usize, Vec<MenuItem>),
    /// Text that is to be given to another app.
    Share(String),
    /// The apps that run.
    Recents,
}

/// How far a page has been moved up, in rows or in design pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Scroll {
    at: usize,
    /// Where it glides from, and since when.
    from: usize,
    since: u64,
}

/// In place of an app's number, for the home screen.
const LAUNCHER: usize = usize::MAX;

/// How many pixels a display has from side to side, and from its top to its bottom.
const WIDTHS: std::ops::RangeInclusive<u32> = 240..=4096;
const HEIGHTS: std::ops::RangeInclusive<u32> = 400..=4096;

/// The phone's whole state.
#[derive(Clone, Debug)]
pub struct World {
    options: Options,
    millis: u64,
    providers: Providers,
    /// All apps; their places here are how the rest of the world names them.
    apps: Vec<InstalledApp>,
    /// The same apps as they were when the world began.
    untouched: Vec<InstalledApp>,
    /// So many of them came with the phone; the others were installed since then, …
    own_apps: usize,
    /// … and these of them removed again.
    removed: BTreeSet<usize>,
    front: Option<usize>,
    /// The apps in the order in which the launcher shows them.
    icons: Vec<usize>,
    /// The pages of each app that runs, the one in front last.
    stacks: BTreeMap<usize, Vec<Page>>,
    /// The apps that run, the one that was in front last first.
    recent: Vec<usize>,
    /// How far each page has been moved up; that of the home screen is `LAUNCHER`'s.
    scrolls: BTreeMap<(usize, Page), Scroll>,
    /// When a page came, and from which side.
    slide: Option<(u64, i32)>,
    fields: Fields,
    overlay: Option<Overlay>,
    keyboard: &'static str,
    layer: Layer,
    system: SystemState,
    /// What stands behind everything in place of a plain colour: a picture drawn from this seed.
    photo: Option<u64>,
}

impl World {
    /// Draws a world from its options.
    ///
    /// # Panics
    /// If the display is narrower than 240 or lower than 400 pixels, or larger than 4,096 either way: no phone is.
    pub fn new(options: Options) -> World {
        World::with_apps(options, Vec::new())
    }

    /// A world with more apps than the phone comes with. They stand behind the others in the launcher.
    ///
    /// # Panics
    /// As `new`, or if two apps have the same package.
    pub fn with_apps(options: Options, more: Vec<InstalledApp>) -> World {
        assert!(WIDTHS.contains(&options.width), "a display is 240 to 4096 pixels wide");
        assert!(HEIGHTS.contains(&options.height), "a display is 400 to 4096 pixels high");
        let mut dice = Dice::new(options.seed);
        let providers = Providers::new(&mut dice, options.seed, options.language);
        let mut apps = apps::all(&mut dice, &providers, options.language);
        if options.apps == AppSelection::All {
            apps.extend(apps::more(&options, &providers));
        }
        apps.extend(more);
        for (at, app) in apps.iter().enumerate() {
            let package = app.manifest().package;
            let is_new = apps[..at].iter().all(|other| other.manifest().package != package);
            assert!(is_new, "two apps are called {package}");
        }
        World {
            options,
            millis: 0,
            providers,
            icons: (0..apps.len()).collect(),
            untouched: apps.clone(),
            own_apps: apps.len(),
            removed: BTreeSet::new(),
            apps,
            front: None,
            stacks: BTreeMap::new(),
            recent: Vec::new(),
            scrolls: BTreeMap::new(),
            slide: None,
            fields: Fields::default(),
            overlay: None,
            keyboard: LATIN_KEYBOARD,
            layer: Layer::default(),
            system: SystemState::default(),
            photo: None,
        }
    }

    /// Moves the clock to `millis` since the world began; the clock never goes back.
    pub fn advance(&mut self, millis: u64) {
        self.millis = self.millis.max(millis);
    }

    /// Milliseconds since the world began.
    pub fn uptime(&self) -> u64 {
        self.millis
    }

    /// Seconds since 1970 (UTC) on the phone's clock.
    pub fn clock(&self) -> u64 {
        self.options.epoch + self.millis / 1000
    }

    /// What the phone speaks.
    pub fn language(&self) -> Language {
        self.options.language
    }

    /// How full the battery is, in percent.
    pub fn battery(&self) -> u32 {
        apps::BATTERY_PERCENT
    }

    /// Whether the phone lies on its side.
    pub fn is_turned(&self) -> bool {
        self.millis < self.system.turned_until
    }

    /// Whether the lock screen is in front of everything.
    pub fn is_locked(&self) -> bool {
        self.system.locked
    }

    /// Whether the display is on.
    pub fn awake(&self) -> bool {
        !self.system.dark
    }

    /// Whether the window in front lets nobody take pictures of it.
    pub fn is_protected(&self) -> bool {
        let front = self.front().package;
        self.system.protected.is_some_and(|(package, until)| package == front && self.millis < until)
            && !self.is_locked()
    }

    /// Turns the display on or off; a phone that sleeps locks itself.
    pub fn wake(&mut self, on: bool) {
        self.system.dark = !on;
        self.system.locked |= !on;
    }

    /// Opens the lock screen, as a phone without a secret does when it is asked to.
    pub fn unlock(&mut self) {
        if !self.system.dark {
            self.system.locked = false;
        }
    }

    /// Lets something come over the phone.
    pub fn happen(&mut self, event: Event) {
        let now = self.millis;
        match event {
            // A question about a computer stays until it is answered.
            Event::Permission | Event::Anr if self.system.dialog == Some(SystemDialog::Debugging) => {}
            Event::Permission => self.ask_permission(self.front().package, PermissionKind::Location),
            Event::Anr => self.system.dialog = Some(SystemDialog::Anr),
            Event::Debugging { computer } => {
                self.system.dialog = Some(SystemDialog::Debugging);
                self.system.computer = computer;
                self.system.debugging = None;
            }
            Event::DebuggingOver => {
                if self.system.dialog == Some(SystemDialog::Debugging) {
                    self.system.dialog = None;
                }
            }
            Event::Notification { package, text, millis } => {
                self.system.notify(Notification { package, text }, now.saturating_add(millis));
            }
            Event::Turn { millis } => self.system.turned_until = now.saturating_add(millis),
            Event::Lock { dark } => {
                self.system.locked = true;
                self.system.dark |= dark;
            }
            Event::Protect { millis } => {
                self.system.protected = Some((self.front().package, now.saturating_add(millis)));
            }
            Event::Late { millis } => self.system.late_until = now.saturating_add(millis),
            Event::NoAdbKeyboard => {
                self.system.no_adb_keyboard = true;
                self.keyboard = LATIN_KEYBOARD;
            }
        }
    }

    fn ask_permission(&mut self, package: &'static str, kind: PermissionKind) {
        if self.system.may_ask(package, kind) {
            (self.system.dialog, self.system.asker) = (Some(SystemDialog::Permission(kind)), self.place_of(package));
        }
    }

    /// The app that a dialog of the system is about: the one that asks, whichever is in front by now.
    fn dialog_app(&self) -> AppInfo {
        match (self.system.dialog, self.system.asker) {
            (Some(SystemDialog::Permission(_)), Some(app)) => self.apps[app].manifest().info(self.language()),
            _ => self.front(),
        }
    }

    /// Whether the owner has allowed an app to use what it asked for; `None` if it has not been answered.
    pub fn permission(&self, package: &str) -> Option<bool> {
        let package = self.apps[self.place_of(package)?].manifest().package;
        Some(*self.system.permissions.get(&(package, PermissionKind::Location))? == Permission::Granted)
    }

    /// What the phone's owner has said to the latest computer that wanted to use it; `None` as long as it is asked.
    pub fn debugging(&self) -> Option<Answer> {
        self.system.debugging
    }

    /// Puts a picture like a photograph behind everything, for measurements: plain colours are too easily packed.
    pub fn hang_photo(&mut self, seed: u64) {
        self.photo = Some(seed);
    }

    /// The window that has the focus, as the window manager names it: the system's, where one is in front of the app.
    pub fn window(&self) -> String {
        let AppInfo { package, activity, label } = self.front();
        if self.is_locked() || self.system.shade {
            return "NotificationShade".to_owned();
        }
        match self.system.dialog {
            Some(SystemDialog::Permission(_)) => "com.android.permissioncontroller/\
                com.android.permissioncontroller.permission.ui.GrantPermissionsActivity"
                .to_owned(),
            Some(SystemDialog::Debugging) => {
                "com.android.systemui/com.android.systemui.usb.UsbDebuggingActivity".to_owned()
            }
            Some(SystemDialog::Anr) => format!("Application Not Responding: {package} ({label})"),
            None if activity.starts_with('.') => format!("{package}/{package}{activity}"),
            None => format!("{package}/{activity}"),
        }
    }

    /// Whether a text field has the focus.
    pub fn field_has_focus(&self) -> bool {
        self.fields.focus().is_some()
    }

    /// What stands in the field with the focus.
    pub fn field_text(&self) -> Option<&str> {
        self.fields.focused_text()
    }

    /// What was copied or cut last.
    pub fn clipboard(&self) -> &str {
        self.fields.clipboard()
    }

    /// All apps that can be launched, the launcher not among them.
    pub fn apps(&self) -> Vec<AppInfo> {
        let there = self.apps.iter().enumerate().filter(|(place, _)| !self.removed.contains(place));
        there.map(|(_, app)| app.manifest().info(self.language())).collect()
    }

    /// Brings an app to the front as a tap on its icon would; false if there is none with that package.
    pub fn launch(&mut self, package: &str) -> bool {
        if package == home::info(self.language()).package {
            self.go_home();
            return true;
        }
        let Some(app) = self.place_of(package) else { return false };
        self.act(Command::Launch(app));
        true
    }

    /// Ends an app and forgets its page.
    pub fn stop(&mut self, package: &str) {
        let Some(app) = self.place_of(package) else { return };
        if self.system.asker == Some(app) && matches!(self.system.dialog, Some(SystemDialog::Permission(_))) {
            self.system.dialog = None;
        }
        self.stacks.remove(&app);
        self.recent.retain(|other| *other != app);
        if self.front == Some(app) {
            self.go_home();
        }
    }

    /// Makes an app forget all that was done in it and allowed to it: it is as when the world began. What several apps share stays.
    /// False if there is no such app.
    pub fn clear(&mut self, package: &str) -> bool {
        let Some(app) = self.place_of(package) else { return false };
        self.stop(package);
        self.apps[app] = self.untouched[app].clone();
        self.fields.forget(app);
        self.scrolls.retain(|(other, _), _| *other != app);
        self.system.permissions.retain(|(other, _), _| *other != package);
        true
    }

    /// The app in front; the launcher when none is.
    pub fn front(&self) -> AppInfo {
        let language = self.language();
        self.front.map_or(home::info(language), |app| self.apps[app].manifest().info(language))
    }

    /// The page in front, if an app is.
    pub fn page(&self) -> Option<&Page> {
        self.stacks.get(&self.front?)?.last()
    }

    /// The input method that is selected.
    pub fn input_method(&self) -> &str {
        self.keyboard
    }

    /// All installed input methods.
    pub fn input_methods(&self) -> &'static [&'static str] {
        if self.system.no_adb_keyboard { &[LATIN_KEYBOARD] } else { &[LATIN_KEYBOARD, ADB_KEYBOARD] }
    }

    /// Selects an input method; false if it is not installed.
    pub fn set_input_method(&mut self, id: &str) -> bool {
        match self.input_methods().iter().find(|known| **known == id) {
            Some(known) => {
                self.keyboard = known;
                true
            }
            None => false,
        }
    }

    fn place_of(&self, package: &str) -> Option<usize> {
        let place = self.apps.iter().position(|app| app.manifest().package == package);
        place.filter(|place| !self.removed.contains(place))
    }

    /// What an app on a page is told of the rest of the phone.
    fn context<'a>(&'a self, app: usize, page: &'a Page) -> Context<'a> {
        Context {
            language: self.options.language,
            clock: self.clock(),
            first_day: self.options.epoch / DAY,
            began: self.options.epoch,
            may: self.system.permissions_of(self.apps[app].manifest().package),
            page,
            fields: &self.fields,
            app,
        }
    }
}
