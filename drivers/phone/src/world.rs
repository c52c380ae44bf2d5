//! The world behind the glass: a pure function of its options and of what was done to it.

use std::collections::BTreeMap;
use std::fmt;

use crate::apps::calendar::Events;
use crate::apps::clock::Alarms;
use crate::apps::contacts::Contacts;
use crate::apps::messages::{Draft, Messages, clock};
use crate::apps::notes::Notes;
use crate::apps::settings::{SWITCHES, Settings, Switch};
use crate::apps::{self, Act, Dialog, FieldId, Id, Page, launcher};
use crate::dice::Dice;
use crate::keyboard::{self, Layer};
use crate::outside::{self, Answer, Event, Outside, Over};
use crate::truth::Mark;
use crate::ui::{self, Class, DARK, LIGHT, Look, Node, ROW, Style, Ui};

/// How a world begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Draws names, messages, alarms and settings.
    pub seed: u64,
    /// Display width in pixels.
    pub width: u32,
    /// Display height in pixels.
    pub height: u32,
    /// Seconds since 1970 (UTC) when the world begins; the phone's own zone is UTC.
    pub epoch: u64,
}

impl Default for Options {
    /// A display of 540 by 1200 on the first of January 2026, nine in the morning.
    fn default() -> Options {
        Options { seed: 0, width: 540, height: 1200, epoch: 1_767_258_000 }
    }
}

/// An app that can be launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct App {
    /// For example `com.android.settings`.
    pub package: &'static str,
    /// For example `.Settings`.
    pub activity: &'static str,
    /// For example `Settings`.
    pub label: &'static str,
}

/// Keys of the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Back,
    Home,
    Enter,
    /// Backspace.
    Delete,
}

/// Something done to the phone. Places are display pixels; those off the display are ignored, as phones do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Tap {
        x: i32,
        y: i32,
    },
    LongPress {
        x: i32,
        y: i32,
    },
    Swipe {
        from: (i32, i32),
        to: (i32, i32),
        millis: u32,
    },
    /// A finger that rests for as long as a long press takes, and then moves.
    Drag {
        from: (i32, i32),
        to: (i32, i32),
    },
    Press(Key),
    /// Inserts text into the field with the focus; without one nothing happens.
    Type(String),
    /// Empties the field with the focus.
    Clear,
}

/// Why the world did not accept a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// Where text typed by hand goes.
pub const LATIN_KEYBOARD: &str = "com.android.inputmethod.latin/.LatinIME";
/// Where text broadcast over ADB goes.
pub const ADB_KEYBOARD: &str = "com.android.adbkeyboard/.AdbIME";

const LAUNCHER: App = App { package: "com.tapwright.launcher", activity: ".Launcher", label: "Home" };
/// A field takes no more characters than this: typing for ever must not eat the machine.
const FIELD_CHARACTERS_MAX: usize = 10_000;

/// The phone's whole state.
#[derive(Clone, Debug)]
pub struct World {
    options: Options,
    millis: u64,
    settings: Settings,
    contacts: Contacts,
    messages: Messages,
    notes: Notes,
    alarms: Alarms,
    events: Events,
    front: Option<Id>,
    /// The apps in the order in which the launcher shows them.
    icons: Vec<Id>,
    /// The pages of each app that runs, the one in front last.
    stacks: BTreeMap<Id, Vec<Page>>,
    /// How many rows each page has been moved up.
    scrolls: BTreeMap<Page, usize>,
    drafts: BTreeMap<FieldId, String>,
    focus: Option<FieldId>,
    dialog: Option<Dialog>,
    keyboard: &'static str,
    layer: Layer,
    outside: Outside,
    /// What stands behind everything in place of a plain colour: a picture drawn from this seed.
    photo: Option<u64>,
}

impl World {
    /// Draws a world from its options.
    ///
    /// # Panics
    /// If the display is narrower than 240 or lower than 400 pixels, or larger than 4,096 either way: no phone is.
    pub fn new(options: Options) -> World {
        assert!((240..=4096).contains(&options.width), "a display is 240 to 4096 pixels wide");
        assert!((400..=4096).contains(&options.height), "a display is 400 to 4096 pixels high");
        let mut dice = Dice::new(options.seed);
        let settings = Settings::new(&mut dice);
        let contacts = Contacts::new(&mut dice);
        let messages = Messages::new(&mut dice, &contacts);
        let notes = Notes::new(&mut dice);
        let alarms = Alarms::new(&mut dice);
        let events = Events::new(&mut dice);
        World {
            options,
            millis: 0,
            settings,
            contacts,
            messages,
            notes,
            alarms,
            events,
            front: None,
            icons: apps::ALL.to_vec(),
            stacks: BTreeMap::new(),
            scrolls: BTreeMap::new(),
            drafts: BTreeMap::new(),
            focus: None,
            dialog: None,
            keyboard: LATIN_KEYBOARD,
            layer: Layer::default(),
            outside: Outside::default(),
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

    /// Display size in pixels, width first.
    pub fn size(&self) -> (u32, u32) {
        let (width, height) = (self.options.width, self.options.height);
        if self.turned() { (height, width) } else { (width, height) }
    }

    /// Whether the phone lies on its side.
    pub fn turned(&self) -> bool {
        self.millis < self.outside.turned_until
    }

    /// Whether the lock screen is in front of everything.
    pub fn locked(&self) -> bool {
        self.outside.locked
    }

    /// Whether the display is on.
    pub fn awake(&self) -> bool {
        !self.outside.dark
    }

    /// Whether the window in front lets nobody take pictures of it.
    pub fn protected(&self) -> bool {
        let front = self.front().package;
        self.outside.protected.is_some_and(|(package, until)| package == front && self.millis < until) && !self.locked()
    }

    /// Turns the display on or off; a phone that sleeps locks itself.
    pub fn wake(&mut self, on: bool) {
        self.outside.dark = !on;
        self.outside.locked |= !on;
    }

    /// Opens the lock screen, as a phone without a secret does when it is asked to.
    pub fn unlock(&mut self) {
        if !self.outside.dark {
            self.outside.locked = false;
        }
    }

    /// Lets something come over the phone.
    pub fn happen(&mut self, event: Event) {
        let now = self.millis;
        match event {
            // A question about a computer stays until it is answered.
            Event::Permission | Event::Anr if self.outside.over == Some(Over::Debugging) => {}
            Event::Permission => self.outside.over = Some(Over::Permission),
            Event::Anr => self.outside.over = Some(Over::Anr),
            Event::Debugging { computer } => {
                self.outside.over = Some(Over::Debugging);
                self.outside.computer = computer;
                self.outside.debugging = None;
            }
            Event::DebuggingOver => {
                if self.outside.over == Some(Over::Debugging) {
                    self.outside.over = None;
                }
            }
            Event::Notification { text, millis } => self.outside.banner = Some((text, now.saturating_add(millis))),
            Event::Turn { millis } => self.outside.turned_until = now.saturating_add(millis),
            Event::Lock { dark } => {
                self.outside.locked = true;
                self.outside.dark |= dark;
            }
            Event::Protect { millis } => {
                self.outside.protected = Some((self.front().package, now.saturating_add(millis)));
            }
            Event::Late { millis } => self.outside.late_until = now.saturating_add(millis),
            Event::NoAdbKeyboard => {
                self.outside.no_adb_keyboard = true;
                self.keyboard = LATIN_KEYBOARD;
            }
        }
    }

    /// What the phone's owner has said to the latest computer that wanted to use it; `None` as long as it is asked.
    pub fn debugging(&self) -> Option<Answer> {
        self.outside.debugging
    }

    /// Puts a picture like a photograph behind everything, for measurements: plain colours are too easily packed.
    pub fn hang_photo(&mut self, seed: u64) {
        self.photo = Some(seed);
    }

    /// The window that has the focus, as the window manager names it: the system's, where one is in front of the app.
    pub fn window(&self) -> String {
        let App { package, activity, label } = self.front();
        if self.locked() {
            return "NotificationShade".to_owned();
        }
        match self.outside.over {
            Some(Over::Permission) => "com.android.permissioncontroller/\
                com.android.permissioncontroller.permission.ui.GrantPermissionsActivity"
                .to_owned(),
            Some(Over::Debugging) => "com.android.systemui/com.android.systemui.usb.UsbDebuggingActivity".to_owned(),
            Some(Over::Anr) => format!("Application Not Responding: {package} ({label})"),
            None if activity.starts_with('.') => format!("{package}/{package}{activity}"),
            None => format!("{package}/{activity}"),
        }
    }

    /// Width, height and left edge of what apps are laid out for: all of the display, or the middle of one that lies on
    /// its side.
    fn layout(&self) -> (u32, u32, i32) {
        let (width, height) = self.size();
        if !self.turned() {
            return (width, height, 0);
        }
        let upright = (height * height / width).max(1);
        (upright, height, (width.saturating_sub(upright) / 2) as i32)
    }

    /// Density in dots per inch, as `wm density` prints it.
    pub fn density(&self) -> u32 {
        self.options.width * 240 / 540
    }

    /// What is on the display: `[height, width, 4]` bytes of RGBA.
    pub fn draw(&self) -> Vec<u8> {
        let (width, height) = self.size();
        if !self.awake() {
            return [0, 0, 0, 255].repeat(width as usize * height as usize);
        }
        let back = if self.turned() { 0 } else { self.theme().back };
        let mut rgba = ui::draw(&self.view(), width, height, back);
        if self.protected() {
            // The bars are the system's own windows, and stay.
            let line = 4 * width as usize;
            let (top, bottom) = (line * height as usize / 25, line * (height as usize * 12 / 13));
            let top = top - top % line;
            for pixel in rgba[top..bottom].chunks_exact_mut(4) {
                pixel[..3].fill(0);
            }
        }
        rgba
    }

    /// The widget tree as `uiautomator dump` writes it on Android 14; empty if no window has the focus.
    pub fn hierarchy(&self) -> String {
        crate::dump::hierarchy(self, crate::dump::DumpOptions::default()).unwrap_or_default()
    }

    /// The ground truth of what is on the display, for training and for tests; never for a model.
    pub fn marks(&self) -> Vec<Mark> {
        crate::truth::marks(&self.view())
    }

    /// Does something to the phone.
    pub fn input(&mut self, input: &Input) {
        if self.outside.dark {
            return;
        }
        if self.outside.locked {
            // The only thing that a locked phone does.
            if let Input::Swipe { from, to, .. } = input
                && i64::from(self.size().1) / 4 < i64::from(from.1) - i64::from(to.1)
            {
                self.unlock();
            }
            return;
        }
        if self.outside.over.is_some() {
            match input {
                Input::Press(Key::Back) => return self.act(Act::Over(false)),
                Input::Press(Key::Home) if self.outside.over == Some(Over::Debugging) => self.act(Act::Over(false)),
                Input::Press(Key::Home) => self.outside.over = None,
                Input::Press(_) | Input::Type(_) | Input::Clear | Input::Swipe { .. } | Input::Drag { .. } => return,
                Input::Tap { .. } | Input::LongPress { .. } => {}
            }
        }
        match input {
            Input::Tap { x, y } | Input::LongPress { x, y } => {
                let nodes = self.view();
                if let Some(act) = ui::hit(&nodes, *x, *y).and_then(|node| node.tap.clone()) {
                    self.act(act);
                }
            }
            Input::Swipe { from, to, .. } => self.swipe(*from, *to),
            Input::Drag { from, to } => self.drag(*from, *to),
            Input::Press(Key::Back) => self.back(),
            Input::Press(Key::Home) => self.home(),
            Input::Press(Key::Enter) => self.enter(),
            Input::Press(Key::Delete) => self.erase(),
            Input::Type(text) => self.insert(text),
            Input::Clear => {
                if let Some(field) = &self.focus {
                    self.drafts.remove(field);
                }
            }
        }
    }

    /// Whether a text field has the focus.
    pub fn field_has_focus(&self) -> bool {
        self.focus.is_some()
    }

    /// What stands in the field with the focus.
    pub fn field_text(&self) -> Option<&str> {
        self.focus.as_ref().map(|field| self.drafts.get(field).map_or("", String::as_str))
    }

    /// All apps that can be launched, the launcher not among them.
    pub fn apps(&self) -> &'static [App] {
        static APPS: std::sync::OnceLock<Vec<App>> = std::sync::OnceLock::new();
        APPS.get_or_init(|| apps::ALL.iter().map(|id| id.app()).collect())
    }

    /// Brings an app to the front as a tap on its icon would; false if there is none with that package.
    pub fn launch(&mut self, package: &str) -> bool {
        if package == LAUNCHER.package {
            self.home();
            return true;
        }
        let Some(id) = apps::ALL.into_iter().find(|id| id.app().package == package) else { return false };
        self.act(Act::Launch(id));
        true
    }

    /// Ends an app and forgets its page.
    pub fn stop(&mut self, package: &str) {
        let Some(id) = apps::ALL.into_iter().find(|id| id.app().package == package) else { return };
        self.stacks.remove(&id);
        if self.front == Some(id) {
            self.home();
        }
    }

    /// The app in front; the launcher when none is.
    pub fn front(&self) -> App {
        self.front.map_or(LAUNCHER, Id::app)
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
        if self.outside.no_adb_keyboard { &[LATIN_KEYBOARD] } else { &[LATIN_KEYBOARD, ADB_KEYBOARD] }
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

    /// What is true of the phone, for judges. `docs/phone.md` lists the names.
    pub fn facts(&self) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::new();
        let mut say = |name: String, value: String| {
            facts.insert(name, value);
        };
        for (switch, name, ..) in SWITCHES {
            say(format!("{name}.on"), self.settings.is_on(switch).to_string());
        }
        say("brightness".into(), (self.settings.brightness * 10).to_string());
        say("font.percent".into(), self.settings.font_percent.to_string());
        for person in &self.contacts.list {
            say(format!("contacts.{}.number", person.name), person.number.clone());
            say(format!("contacts.{}.favourite", person.name), person.favourite.to_string());
        }
        for (name, messages) in &self.messages.chats {
            say(format!("messages.{name}.count"), messages.len().to_string());
            for (i, message) in messages.iter().enumerate() {
                let who = if message.mine { "me" } else { "them" };
                say(format!("messages.{name}.{i}"), format!("{who}: {}", message.text));
                if i + 1 == messages.len() {
                    say(format!("messages.{name}.last"), format!("{who}: {}", message.text));
                }
            }
        }
        say("notes.count".into(), self.notes.list.len().to_string());
        for (i, note) in self.notes.list.iter().rev().enumerate() {
            say(format!("notes.{i}"), note.clone());
        }
        for alarm in &self.alarms.list {
            say(format!("alarms.{}.on", clock(alarm.minute)), alarm.on.to_string());
        }
        for day in 0..7 {
            let events = self.events.on(day);
            say(format!("calendar.{day}.count"), events.len().to_string());
            let mut lines: Vec<String> =
                events.iter().map(|event| format!("{} {}", clock(event.minute), event.title)).collect();
            lines.sort();
            say(format!("calendar.{day}.events"), lines.join("; "));
        }
        let labels: Vec<&str> = self.icons.iter().map(|id| id.app().label).collect();
        say("launcher.icons".into(), labels.join(", "));
        say("front".into(), self.front().package.to_string());
        facts
    }

    /// Makes a fact true, for the start of a task: switches, `brightness`, `font.percent`, `contacts.NAME.number`,
    /// `contacts.NAME.favourite`, `alarms.HH:MM.on`, `launcher.icons`.
    ///
    /// # Errors
    /// `Refused` if there is no such fact or it cannot have that value.
    pub fn set_fact(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        let refused = |why: &str| Refused(format!("`{name}` cannot be `{value}`: {why}"));
        let yes_or_no = || value.parse::<bool>().map_err(|_| refused("it is true or false"));
        let parts: Vec<&str> = name.split('.').collect();
        match parts.as_slice() {
            ["brightness"] => {
                let percent = value.parse::<u32>().ok().filter(|percent| *percent <= 100);
                self.settings.brightness = percent.ok_or_else(|| refused("it goes from 0 to 100"))? / 10;
            }
            ["font", "percent"] => {
                let percent = value.parse().ok().filter(|percent| [88, 100, 116].contains(percent));
                self.settings.font_percent = percent.ok_or_else(|| refused("it is 88, 100 or 116"))?;
            }
            ["contacts", person, "number"] => self.contacts.save(person, value),
            ["contacts", person, "favourite"] => {
                let on = yes_or_no()?;
                let found = self.contacts.list.iter_mut().find(|known| known.name == *person);
                found.ok_or_else(|| refused("there is nobody of that name"))?.favourite = on;
            }
            ["alarms", time, "on"] => {
                let on = yes_or_no()?;
                let minute = minute_of(time).ok_or_else(|| refused("a time is written 07:30"))?;
                self.alarms.new = minute;
                self.alarms.save();
                if let Some(alarm) = self.alarms.list.iter_mut().find(|alarm| alarm.minute == minute) {
                    alarm.on = on;
                }
            }
            ["launcher", "icons"] => {
                let labels: Vec<&str> = value.split(", ").collect();
                let found = |label: &&str| apps::ALL.into_iter().find(|id| id.app().label == *label);
                let icons: Vec<Id> = labels.iter().filter_map(found).collect();
                let all = icons.len() == labels.len() && apps::ALL.iter().all(|id| icons.contains(id));
                if !all || icons.len() != apps::ALL.len() {
                    return Err(refused("it names every app once"));
                }
                self.icons = icons;
            }
            [switch, "on"] => {
                let known = SWITCHES.into_iter().find(|(_, known, ..)| known == switch);
                let (switch, ..) = known.ok_or_else(|| Refused(format!("there is no fact `{name}`")))?;
                self.settings.set(switch, yes_or_no()?);
            }
            _ => return Err(Refused(format!("there is no fact `{name}` that can be set"))),
        }
        Ok(())
    }

    fn theme(&self) -> ui::Theme {
        if self.settings.is_on(Switch::Dark) { DARK } else { LIGHT }
    }

    /// All widgets of the display, the lowest first.
    pub(crate) fn view(&self) -> Vec<Node> {
        let (width, height, left) = self.layout();
        let mut ui = Ui::new(width, height, self.theme(), self.settings.font_percent);
        if let Some(seed) = self.photo {
            let rect = ui.rect(0.0, 0.0, 540.0, ui.height());
            ui.add(Class::Frame, "photo", rect).looks.push(Look::Photo { rect, seed });
        } else if self.turned() {
            let (rect, color) = (ui.rect(0.0, 0.0, 540.0, ui.height()), self.theme().back);
            ui.add(Class::Frame, "column", rect).looks.push(Look::Fill { rect, radius: 0.0, color });
        }
        let minute = (self.clock() / 60 % (24 * 60)) as u32;
        let time = clock(minute);
        let (weekday, day, month) = date(self.clock() / 86_400);
        let date = format!("{weekday}, {day} {month}");
        if self.locked() {
            outside::view_lock(&mut ui, &time, &date);
            outside::shift(&mut ui.nodes, left);
            return ui.nodes;
        }
        match self.page() {
            Some(_) if self.millis < self.outside.late_until => outside::view_late(&mut ui),
            None => {
                if self.photo.is_none() {
                    launcher::wallpaper(&mut ui, self.settings.is_on(Switch::Dark));
                }
                launcher::view(&mut ui, &self.icons, &time, &date);
            }
            Some(page) => self.view_page(page, &mut ui),
        }
        let on = |switch| self.settings.is_on(switch);
        launcher::bars(
            &mut ui,
            &time,
            on(Switch::Wifi),
            on(Switch::Bluetooth),
            on(Switch::Airplane),
            self.front.is_none(),
        );
        if self.focus.is_some() {
            keyboard::view(&mut ui, self.keyboard == ADB_KEYBOARD, self.layer);
        }
        if let Some(dialog) = &self.dialog {
            view_dialog(&mut ui, dialog);
        }
        if let Some(text) = self.outside.banner(self.millis) {
            outside::view_banner(&mut ui, text);
        }
        if let Some(over) = self.outside.over {
            outside::view_over(&mut ui, over, self.front().label, &self.outside.computer);
        }
        if left != 0 {
            outside::shift(&mut ui.nodes, left);
        }
        ui.nodes
    }

    fn view_page(&self, page: &Page, ui: &mut Ui) {
        let first = self.scrolls.get(page).copied().unwrap_or(0);
        let bottom = self.bottom(ui);
        let draft = |field: &FieldId| Draft {
            text: self.drafts.get(field).map_or("", String::as_str),
            focused: self.focus.as_ref() == Some(field),
        };
        match page {
            Page::Settings | Page::FontSize | Page::About => self.settings.view(page, ui, first, bottom),
            Page::Conversations | Page::NewMessage | Page::Chat(_) => {
                let field = match page {
                    Page::Chat(name) => FieldId::Message(name.clone()),
                    _ => FieldId::Note,
                };
                self.messages.view(page, &self.contacts, draft(&field), ui, first, bottom);
            }
            Page::People | Page::Person(_) | Page::NewPerson => {
                self.contacts.view(page, [draft(&FieldId::Name), draft(&FieldId::Number)], ui, first, bottom);
            }
            Page::Notes | Page::Note(_) => self.notes.view(page, draft(&FieldId::Note), ui, first, bottom),
            Page::Alarms | Page::NewAlarm => self.alarms.view(page, ui, first, bottom),
            Page::Day(_) | Page::NewEvent(_) => {
                let today = self.options.epoch / 86_400;
                let days: Vec<(String, u32)> = (0..7)
                    .map(|ahead| {
                        let (weekday, day, _) = date(today + ahead);
                        (weekday.chars().take(3).collect(), day)
                    })
                    .collect();
                self.events.view(page, &days, draft(&FieldId::Event), ui, first, bottom);
            }
        }
    }

    /// Where a page ends: above the keyboard if there is one, else above the navigation bar. Design pixels.
    fn bottom(&self, ui: &Ui) -> f32 {
        let keys = if self.focus.is_some() { keyboard::rows(self.keyboard == ADB_KEYBOARD) } else { 0.0 };
        ui.nav_top() - keys * ROW
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Launch(id) => {
                self.leave_field();
                self.front = Some(id);
                self.stacks.entry(id).or_insert_with(|| vec![Page::first(id)]);
            }
            Act::Back => self.back(),
            Act::Home => self.home(),
            Act::Open(page) => self.open(page),
            Act::Focus(field) => {
                self.focus = Some(field);
                self.layer = Layer::default();
            }
            Act::Ask(dialog) => self.dialog = Some(dialog),
            Act::Answer(yes) => self.answer(yes),
            Act::Over(yes) => {
                match self.outside.over.take() {
                    // Who does not want to wait closes the app.
                    Some(Over::Anr) if !yes => self.stop(self.front().package),
                    Some(Over::Debugging) => {
                        self.outside.debugging = Some(if yes { Answer::Yes } else { Answer::No });
                    }
                    // What an app may use makes no difference here.
                    Some(Over::Anr | Over::Permission) | None => {}
                }
            }
            Act::Banner => {
                self.outside.banner = None;
                self.act(Act::Launch(Id::Messages));
            }
            Act::Key(key) => self.key(key),
            Act::Toggle(switch) => self.settings.set(switch, !self.settings.is_on(switch)),
            Act::Brighter(by) => {
                self.settings.brightness = self.settings.brightness.saturating_add_signed(by).min(10);
            }
            Act::FontSize(percent) => self.settings.font_percent = percent,
            Act::Send(name) => {
                let text = self.drafts.get(&FieldId::Message(name.clone())).map_or("", |text| text.trim()).to_string();
                if !text.is_empty() {
                    let minute = (self.clock() / 60 % (24 * 60)) as u32;
                    self.messages.send(&name, &text, minute);
                    self.drafts.remove(&FieldId::Message(name));
                }
            }
            Act::Favourite(name) => {
                if let Some(person) = self.contacts.list.iter_mut().find(|person| person.name == name) {
                    person.favourite = !person.favourite;
                }
            }
            Act::SavePerson => {
                let name = self.drafts.get(&FieldId::Name).map_or("", |text| text.trim()).to_string();
                let number = self.drafts.get(&FieldId::Number).map_or("", |text| text.trim()).to_string();
                if !name.is_empty() {
                    self.contacts.save(&name, &number);
                    self.drafts.remove(&FieldId::Name);
                    self.drafts.remove(&FieldId::Number);
                    self.close_page();
                }
            }
            Act::SaveNote => self.save_note(),
            Act::Alarm(at) => {
                if let Some(alarm) = self.alarms.list.get_mut(at) {
                    alarm.on = !alarm.on;
                }
            }
            Act::AlarmHour(by) => self.alarms.turn(by * 60),
            Act::AlarmMinute(by) => self.alarms.turn(by),
            Act::SaveAlarm => {
                self.alarms.save();
                self.close_page();
            }
            Act::ShowDay(day) => {
                if let Some(page) =
                    self.front.and_then(|id| self.stacks.get_mut(&id)).and_then(|stack| stack.last_mut())
                {
                    *page = Page::Day(day);
                }
            }
            Act::SaveEvent => {
                let title = self.drafts.get(&FieldId::Event).map_or("", |text| text.trim()).to_string();
                if let (Some(Page::NewEvent(day)), false) = (self.page().cloned(), title.is_empty()) {
                    self.events.save(day, &title);
                    self.drafts.remove(&FieldId::Event);
                    self.close_page();
                }
            }
        }
    }

    fn open(&mut self, page: Page) {
        self.leave_field();
        let owner = match &page {
            Page::Settings | Page::FontSize | Page::About => Id::Settings,
            Page::Conversations | Page::NewMessage | Page::Chat(_) => Id::Messages,
            Page::People | Page::Person(_) | Page::NewPerson => Id::Contacts,
            Page::Notes | Page::Note(_) => Id::Notes,
            Page::Alarms | Page::NewAlarm => Id::Clock,
            Page::Day(_) | Page::NewEvent(_) => Id::Calendar,
        };
        // A new note and a new event are there to be written, so their field has the focus at once.
        match &page {
            Page::Note(which) => {
                let text = which.and_then(|at| self.notes.list.get(at)).cloned();
                match text {
                    Some(text) => self.drafts.insert(FieldId::Note, text),
                    None => self.drafts.remove(&FieldId::Note),
                };
                self.focus = Some(FieldId::Note);
            }
            Page::NewEvent(_) => self.focus = Some(FieldId::Event),
            _ => {}
        }
        let stack = self.stacks.entry(owner).or_insert_with(|| vec![Page::first(owner)]);
        if page == Page::first(owner) {
            stack.truncate(1);
        } else {
            // Someone found through the list of a new message leaves no list behind.
            stack.retain(|below| *below != Page::NewMessage && *below != page);
            stack.push(page.clone());
        }
        self.scrolls.remove(&page);
        self.front = Some(owner);
    }

    fn close_page(&mut self) {
        self.leave_field();
        if let Some(stack) = self.front.and_then(|id| self.stacks.get_mut(&id)) {
            if stack.len() > 1 {
                stack.pop();
            } else {
                self.home();
            }
        }
    }

    fn back(&mut self) {
        if self.dialog.take().is_some() {
            return;
        }
        if self.focus.is_some() && !matches!(self.page(), Some(Page::Note(_) | Page::NewEvent(_))) {
            self.leave_field();
            return;
        }
        self.close_page();
    }

    fn home(&mut self) {
        self.leave_field();
        self.dialog = None;
        self.front = None;
    }

    fn leave_field(&mut self) {
        self.focus = None;
        self.layer = Layer::default();
    }

    fn answer(&mut self, yes: bool) {
        match (self.dialog.take(), yes) {
            (Some(Dialog::Person(name)), true) => {
                self.contacts.list.retain(|person| person.name != name);
                self.close_page();
            }
            (Some(Dialog::Note(at)), true) => {
                if at < self.notes.list.len() {
                    self.notes.list.remove(at);
                }
                self.drafts.remove(&FieldId::Note);
                self.close_page();
            }
            (Some(Dialog::Alarm(at)), true) => {
                if at < self.alarms.list.len() {
                    self.alarms.list.remove(at);
                }
            }
            (_, false) | (None, true) => {}
        }
    }

    fn save_note(&mut self) {
        let text = self.drafts.get(&FieldId::Note).map_or("", |text| text.trim()).to_string();
        if text.is_empty() {
            return;
        }
        if let Some(Page::Note(Some(at))) = self.page()
            && *at < self.notes.list.len()
        {
            let at = *at;
            self.notes.list.remove(at);
        }
        self.notes.list.insert(0, text);
        self.drafts.remove(&FieldId::Note);
        self.close_page();
    }

    fn insert(&mut self, text: &str) {
        let Some(field) = self.focus.clone() else { return };
        let draft = self.drafts.entry(field).or_default();
        let room = FIELD_CHARACTERS_MAX.saturating_sub(draft.chars().count());
        draft.extend(text.chars().take(room));
    }

    fn erase(&mut self) {
        if let Some(draft) = self.focus.as_ref().and_then(|field| self.drafts.get_mut(field)) {
            draft.pop();
        }
    }

    fn enter(&mut self) {
        match self.focus.clone() {
            Some(FieldId::Note) => self.insert("\n"),
            Some(FieldId::Message(name)) => self.act(Act::Send(name)),
            Some(FieldId::Event) => self.act(Act::SaveEvent),
            Some(FieldId::Name) => self.act(Act::Focus(FieldId::Number)),
            Some(FieldId::Number) => self.act(Act::SavePerson),
            None => {}
        }
    }

    fn key(&mut self, key: keyboard::Key) {
        match key {
            keyboard::Key::Character(character) => {
                self.insert(&character.to_string());
                self.layer.shift = false;
            }
            keyboard::Key::Shift => self.layer.shift = !self.layer.shift,
            keyboard::Key::Symbols => self.layer = Layer { symbols: !self.layer.symbols, shift: false },
            keyboard::Key::Erase => self.erase(),
            keyboard::Key::Enter => self.enter(),
        }
    }

    /// Moves the list under the finger by whole rows, as far as there are any.
    fn swipe(&mut self, from: (i32, i32), to: (i32, i32)) {
        let (width, height, _) = self.layout();
        let ui = Ui::new(width, height, LIGHT, 100);
        if self.outside.banner(self.millis).is_some() && from.1 < ui.px(1.6 * ROW) && to.1 < from.1 {
            self.outside.banner = None;
            return;
        }
        if self.dialog.is_some() {
            return;
        }
        let (Some(page), nodes) = (self.page().cloned(), self.view()) else { return };
        let is_over = nodes.iter().any(|node| node.scrolls && node.rect.and(node.clip).has(from.0, from.1));
        if !is_over {
            return;
        }
        let rows = ((from.1 - to.1) as f32 / ui.px(ROW) as f32).round() as i32;
        let top = if matches!(page, Page::Day(_)) { 3.0 * ROW } else { 2.0 * ROW };
        let shown = ui::visible_rows(top, self.bottom(&ui));
        let last = self.row_count(&page).saturating_sub(shown);
        let first = self.scrolls.get(&page).copied().unwrap_or(0);
        self.scrolls.insert(page, first.saturating_add_signed(rows as isize).min(last));
    }

    /// Moves an icon of the launcher to the place of another one, which makes room. Nothing else can be dragged: it has
    /// been held, so it does not scroll either.
    fn drag(&mut self, from: (i32, i32), to: (i32, i32)) {
        if self.front.is_some() {
            return;
        }
        let nodes = self.view();
        let place = |(x, y): (i32, i32)| match ui::hit(&nodes, x, y)?.tap {
            Some(Act::Launch(id)) => self.icons.iter().position(|icon| *icon == id),
            _ => None,
        };
        if let (Some(from), Some(to)) = (place(from), place(to)) {
            let icon = self.icons.remove(from);
            self.icons.insert(to, icon);
        }
    }

    fn row_count(&self, page: &Page) -> usize {
        match page {
            Page::Settings => Settings::ROWS,
            Page::Conversations => self.messages.chats.len(),
            Page::NewMessage | Page::People => self.contacts.list.len(),
            Page::Notes => self.notes.list.len(),
            Page::Alarms => self.alarms.list.len(),
            Page::Day(day) => self.events.on(*day).len(),
            Page::FontSize
            | Page::About
            | Page::Chat(_)
            | Page::Person(_)
            | Page::NewPerson
            | Page::Note(_)
            | Page::NewAlarm
            | Page::NewEvent(_) => 0,
        }
    }
}

fn view_dialog(ui: &mut Ui, dialog: &Dialog) {
    let (title, text) = match dialog {
        Dialog::Person(name) => ("Delete contact", format!("{name} will be removed.")),
        Dialog::Note(_) => ("Delete note", "The note will be removed.".to_string()),
        Dialog::Alarm(_) => ("Delete alarm", "The alarm will be removed.".to_string()),
    };
    let all = ui.rect(0.0, 0.0, 540.0, ui.height());
    let node = ui.add(Class::Frame, "dialog", all);
    node.modal = true;
    node.looks.push(Look::Shade);
    let top = 4.0 * ROW;
    let card = ui.rect(36.0, top, 468.0, 3.0 * ROW);
    let (color, ink, faint, accent, off) = (ui.theme.card, ui.theme.ink, ui.theme.faint, 0xDC3545, ui.theme.off);
    let radius = ui.px(30.0) as f32;
    ui.inside(|ui| {
        ui.add(Class::Frame, "card", card).looks.push(Look::Fill { rect: card, radius, color });
        let bold = Style { bold: true, ..Style::new(36.0, ink) };
        ui.label("title", title, (66.0, top + 0.5 * ROW), 400.0, bold);
        ui.label("text", &text, (66.0, top + 1.3 * ROW), 400.0, Style::new(28.0, faint));
        let row = top + 2.0 * ROW + 6.0;
        ui.button("cancel", "Cancel", (56.0, row, 206.0, ROW - 24.0), off, Act::Answer(false));
        ui.button("confirm", "Delete", (278.0, row, 206.0, ROW - 24.0), accent, Act::Answer(true));
    });
}

fn minute_of(time: &str) -> Option<u32> {
    let (hour, minute) = time.split_once(':')?;
    let (hour, minute) = (hour.parse::<u32>().ok()?, minute.parse::<u32>().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// Weekday, day and month of a day counted from 1970-01-01, by Howard Hinnant's `civil_from_days`.
fn date(days: u64) -> (&'static str, u32, &'static str) {
    const WEEKDAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let shifted = days + 719_468;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = (shifted_month + 2) % 12;
    (WEEKDAYS[(days % 7) as usize], day as u32, MONTHS[month as usize])
}
