//! What the window manager tells of a display: which app is in front, whether the phone is awake and unlocked, how large the
//! display is and how it is turned, whether the window may be seen.
//!
//! The app in front is the owner of the focused window, as the system names it: a window's title is whatever its app likes.

use std::collections::BTreeSet;

use tapwright_contract::{Rotation, Size};

use super::display::{rotation, size};

/// The command that asks, with the wanted lines picked on the device: the whole answer can have 300 KB.
pub(crate) const WINDOW: &str = "dumpsys window | grep -E '^WINDOW MANAGER|Display: mDisplayId=|^ *init=|^ *mRotation=|\
     mCurrentFocus|mFocusedApp|^ *Window #|mOwnerUid=|mActivityRecord=|mAppToken=|\
     mAwake=|mShowingLockscreen=|mKeyguardShowing=|^ *showing=|^ *occluded=|^ *secure='";
/// The same for devices without grep.
pub(crate) const WINDOW_WHOLE: &str = "dumpsys window";
/// Asks for the flags of the windows: only when a picture is black, since it is long. Without grep it is `WINDOW_WHOLE`.
pub(crate) const FLAGS: &str = "dumpsys window | grep -E '^WINDOW MANAGER|Display: mDisplayId=|mCurrentFocus|mFocusedApp|Window #|\
     mOwnerUid=|mActivityRecord=|mAppToken=|fl='";

/// What keeps a screen from being seen or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockState {
    /// The display is off.
    Dark,
    /// The lock screen is in front; whether it wants a secret, as far as the device tells.
    Locked { secret: bool },
}

/// What is known of one display.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Windows {
    /// The package in front; empty if the device did not say.
    pub front: String,
    /// A window of the system has the focus, such as the notification shade: what is written on the screen is not the app's.
    pub system_has_focus: bool,
    /// The dump contradicts itself, as it does when a window's title holds lines that look like the system's: nobody can tell
    /// which app is in front.
    pub contradicts_itself: bool,
    pub lock: Option<LockState>,
    /// How large it is as touches count, turned as it is now.
    pub size: Option<Size>,
    pub rotation: Option<Rotation>,
}

/// What a dump tells of the display with this number. What it says of other displays is not taken for this one's.
pub(crate) fn windows(dump: &str, display: u32) -> Windows {
    let dump = Dump::read(dump);
    let focus = dump.of("mCurrentFocus=", display);
    let (front, in_focus) = match dump.front(&focus, display) {
        Ok(found) => found,
        Err(Contradiction) => {
            let lock = lock(&dump.told, false);
            return Windows { contradicts_itself: true, lock, ..Windows::default() };
        }
    };
    Windows {
        front: front.unwrap_or_default().to_owned(),
        system_has_focus: in_focus == InFocus::System,
        contradicts_itself: false,
        lock: lock(&dump.told, in_focus == InFocus::App),
        size: dump.of("init=", display).iter().find_map(|line| size(line.split_once(" cur=")?.1)),
        rotation: dump.of("mRotation=", display).iter().find_map(|line| rotation(line)),
    }
}

/// Whose window has the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InFocus {
    App,
    System,
    /// None has, or one that tells nothing, as a pop-up of an app does.
    Unknown,
}

/// Lines that only the system may write say two things.
#[derive(Debug)]
struct Contradiction;

/// A line of a dump, and the display that it is about; `None` is all of them.
struct DisplayLine<'a> {
    display: Option<u32>,
    text: &'a str,
}

/// What the system says of a window in the lines below its title.
#[derive(Default)]
struct Owner<'a> {
    /// The number that it is named by in all places.
    number: &'a str,
    /// The package of the activity whose window this is.
    activity: Option<&'a str>,
    /// The package that the window came with, and the uid that brought it. An app's own windows may come with any package; of
    /// those that belong to no activity the system compares it with the uid.
    package: Option<&'a str>,
    uid: Option<u32>,
    is_contradicted: bool,
}

/// The lines of a dump, sorted by what they are about.
///
/// An app chooses the titles of its windows, line breaks included, and they are printed as they are: whatever it likes can stand
/// on lines of their own, below any heading. But a title is printed at least twice, at its window and as the focus, so lines that
/// may come once come again.
#[derive(Default)]
struct Dump<'a> {
    named: Vec<DisplayLine<'a>>,
    /// What the system says of itself; what is in front is named by apps, and must not be read as that.
    told: Vec<&'a str>,
    owners: Vec<Owner<'a>>,
    /// Each package that any line gives as the app with the focus.
    focused_apps: BTreeSet<&'a str>,
    /// A heading came again.
    is_repeated: bool,
}

impl<'a> Dump<'a> {
    fn read(dump: &'a str) -> Dump<'a> {
        let mut read = Dump::default();
        let (mut display, mut is_past) = (None, false);
        let (mut headings, mut displays, mut numbers) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for line in dump.lines() {
            let text = line.trim();
            if text.starts_with("WINDOW MANAGER ") {
                read.is_repeated |= !headings.insert(text);
                display = None;
                displays.clear();
                // How things stood when an app last did not respond, for two hours.
                is_past = text.starts_with("WINDOW MANAGER LAST ANR");
                continue;
            }
            if let Some(app) = text.strip_prefix("mFocusedApp=").filter(|_| !is_past || read.is_repeated) {
                read.focused_apps.extend(activity(app));
            }
            if is_past {
                continue;
            }
            if let Some(number) = text.strip_prefix("Display: mDisplayId=") {
                display =
                    number.split(|digit: char| !digit.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
                read.is_repeated |= !displays.insert(display);
            } else if text.starts_with("Window #") {
                let number = window_number(text).unwrap_or_default();
                read.is_repeated |= !numbers.insert(number);
                read.owners.push(Owner { number, ..Owner::default() });
            } else if ["mCurrentFocus=", "mFocusedApp=", "init=", "mRotation="].iter().any(|key| text.starts_with(key))
            {
                read.named.push(DisplayLine { display, text });
            } else if !read.owners.last_mut().is_some_and(|owner| owner.learn(text)) {
                read.told.push(text);
            }
        }
        read
    }

    /// What the lines with this key say of a display.
    fn of(&self, key: &str, display: u32) -> Vec<&'a str> {
        let values = |wanted: Option<u32>| {
            let lines = self.named.iter().filter(move |line| line.display == wanted);
            lines.filter_map(|line| line.text.strip_prefix(key)).collect::<Vec<_>>()
        };
        let own = values(Some(display));
        // Androids of before 10 say it once, of the only display that can have the focus.
        if own.is_empty() && display == 0 { values(None) } else { own }
    }

    /// The package in front, and whose window has the focus. The focused window is what a touch meets, but it may be none
    /// (between apps) or the system's (the notification shade): then the focused app is the answer.
    fn front(&self, focus: &[&'a str], display: u32) -> Result<(Option<&'a str>, InFocus), Contradiction> {
        let apps = self.of("mFocusedApp=", display);
        let app = only(apps.iter().filter_map(|app| activity(app)))?;
        // Displays without focus say null.
        let number = only(focus.iter().filter_map(|focus| window_number(focus)))?;
        if self.is_repeated && self.focused_apps.len() > 1 {
            return Err(Contradiction);
        }
        let owner = number.and_then(|number| self.owners.iter().find(|owner| owner.number == number));
        if let Some(owner) = owner {
            // Where a heading is not the system's, nor is what stands below it.
            if owner.is_contradicted || self.is_repeated {
                return Err(Contradiction);
            }
            if let Some(activity) = owner.activity {
                return Ok((Some(activity), InFocus::App));
            }
            if owner.is_system() {
                return Ok((app, InFocus::System));
            }
            if let Some(package) = owner.package.filter(|package| is_package(package)) {
                return Ok((Some(package), InFocus::App)); // Over other apps, such as a bubble.
            }
        }
        // No more than a title: enough to tell that no app has the focus, and the answer only where there is no other.
        let title = focus.iter().copied().find_map(component);
        let in_focus = match title {
            Some(_) => InFocus::App,
            None if number.is_some() && !focus.iter().any(|focus| focus.contains("PopupWindow:")) => InFocus::System,
            None => InFocus::Unknown,
        };
        let front = if apps.is_empty() && owner.is_none() { title } else { app };
        Ok((front, in_focus))
    }
}

impl<'a> Owner<'a> {
    /// Whether this line was one about the owner.
    fn learn(&mut self, text: &'a str) -> bool {
        let mut learnt = false;
        for key in ["mActivityRecord=", "mAppToken="] {
            if let Some(record) = text.strip_prefix(key) {
                let found = activity(record);
                // The system tells the uid first; a title stands before both.
                self.is_contradicted |= self.uid.is_none() || (self.activity.is_some() && self.activity != found);
                self.activity = found;
                learnt = true;
            }
        }
        if let Some(rest) = text.strip_prefix("mOwnerUid=") {
            self.is_contradicted |= self.uid.is_some();
            let mut words = rest.split_ascii_whitespace();
            self.uid = words.next().and_then(|uid| uid.parse().ok());
            self.package = words.find_map(|word| word.strip_prefix("package="));
            learnt = true;
        }
        learnt
    }

    fn is_system(&self) -> bool {
        /// Each user has so many uids, and those of apps begin at …
        const UIDS_OF_A_USER: u32 = 100_000;
        /// … this one.
        const FIRST_APP_UID: u32 = 10_000;
        self.uid.is_some_and(|uid| uid % UIDS_OF_A_USER < FIRST_APP_UID)
            || matches!(self.package, Some("android" | "com.android.systemui"))
    }
}

/// The one that all are, if there is any.
fn only<'a>(all: impl Iterator<Item = &'a str>) -> Result<Option<&'a str>, Contradiction> {
    let all: BTreeSet<&str> = all.collect();
    if all.len() > 1 { Err(Contradiction) } else { Ok(all.first().copied()) }
}

/// `Window{1a2b3c4 u0 com.x/com.x.Main}` names it by this number in all places; it stands before the title.
fn window_number(line: &str) -> Option<&str> {
    line.split_once("Window{")?.1.split([' ', '}']).next()
}

/// The package of `ActivityRecord{77 u0 com.android.settings/.Settings t12}`, which the system writes. What comes before the
/// activity's name has no word of an app's in it, so the first record is the system's.
fn activity(text: &str) -> Option<&str> {
    let mut words = text.split_once("ActivityRecord{")?.1.split([' ', '}']);
    let (_number, user, component) = (words.next()?, words.next()?, words.next()?);
    let (package, name) = component.split_once('/')?;
    (user.starts_with('u') && is_package(package) && !name.is_empty()).then_some(package)
}

/// What keeps the phone from being used, if it says so; one that says nothing is open.
fn lock(told: &[&str], app_has_focus: bool) -> Option<LockState> {
    let says = |wanted: &str| told.iter().any(|line| line.split_ascii_whitespace().any(|word| word == wanted));
    let locked = (says("showing=true") && !says("occluded=true"))
        || says("mShowingLockscreen=true")
        || says("mKeyguardShowing=true");
    if says("mAwake=false") {
        Some(LockState::Dark)
    } else {
        // Other parts of a long dump might show something too: while a lock screen is there, no app's window has the focus.
        (locked && !app_has_focus).then(|| LockState::Locked { secret: says("secure=true") })
    }
}

/// Whether the window with the focus of this display lets nobody take pictures of it.
pub(crate) fn is_protected(dump: &str, display: u32) -> bool {
    const FLAG_SECURE: u32 = 0x2000;
    let lines = Dump::read(dump);
    let focuses = lines.of("mCurrentFocus=", display);
    let Some(focus) = focuses.iter().find_map(|line| window_number(line)) else { return false };
    let mut inside = false;
    for line in dump.lines() {
        if line.trim_start().starts_with("Window #") {
            inside = window_number(line) == Some(focus);
        } else if inside && let Some((_, flags)) = line.split_once("fl=") {
            let mut flags = flags.split([' ', '}']);
            // Words since Android 8, a number before; the words may go on to the end of the line.
            let first = flags.next().unwrap_or_default();
            let as_number = first.strip_prefix('#').and_then(|hex| u32::from_str_radix(hex, 16).ok());
            if as_number.is_some_and(|bits| bits & FLAG_SECURE != 0)
                || first == "SECURE"
                || flags.any(|flag| flag == "SECURE")
            {
                return true;
            }
        }
    }
    false
}

/// The package that a title gives, as in `Window{3f u0 com.android.settings/com.android.settings.Settings}`. It is the app's word.
fn component(text: &str) -> Option<&str> {
    text.split([' ', '{', '}']).find_map(|word| {
        let (package, activity) = word.split_once('/')?;
        (is_package(package) && !activity.is_empty()).then_some(package)
    })
}

/// Whether this can be the name of a package; such a name needs no quotes in a shell.
pub(crate) fn is_package(text: &str) -> bool {
    text.len() <= 255
        && text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_')
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
