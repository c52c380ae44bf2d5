//! What the window manager tells of a display: which app is in front, whether the phone is awake and unlocked, how large the
//! display is and how it is turned, whether the window may be seen.

use tapwright_contract::{Rotation, Size};

use super::display::{rotation, size};

/// The command that asks, with the wanted lines picked on the device: the whole answer can have 300 KB.
pub(crate) const WINDOW: &str = "dumpsys window | grep -E '^WINDOW MANAGER|Display: mDisplayId=|^ *init=|^ *mRotation=|\
     mCurrentFocus|mFocusedApp|mAwake=|mShowingLockscreen=|mKeyguardShowing=|^ *showing=|^ *occluded=|^ *secure='";
/// The same for devices without grep.
pub(crate) const WINDOW_WHOLE: &str = "dumpsys window";
/// Asks for the flags of the windows: only when a picture is black, since it is long.
pub(crate) const FLAGS: &str =
    "dumpsys window | grep -E '^WINDOW MANAGER|Display: mDisplayId=|mCurrentFocus|mFocusedApp|Window #|fl='";

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
    pub lock: Option<LockState>,
    /// How large it is as touches count, turned as it is now.
    pub size: Option<Size>,
    pub rotation: Option<Rotation>,
}

/// What a dump tells of the display with this number. What it says of other displays is not taken for this one's.
pub(crate) fn windows(dump: &str, display: u32) -> Windows {
    let (named, told) = Section::all(dump);
    let of = |key: &str| -> Vec<&str> {
        let values = |wanted: Option<u32>| {
            let lines = named.iter().filter(move |line| line.display == wanted);
            lines.filter_map(|line| line.text.strip_prefix(key)).collect::<Vec<_>>()
        };
        let own = values(Some(display));
        // Androids of before 10 say it once, of the only display that can have the focus.
        if own.is_empty() && display == 0 { values(None) } else { own }
    };
    let focus = of("mCurrentFocus=");
    // The focused window is what a touch meets, but it may be none (between apps) or no app's (the notification shade, a
    // pop-up): then the focused app is the answer. Displays without focus say null.
    let window = focus.iter().copied().find_map(component);
    let front = window.or_else(|| of("mFocusedApp=").into_iter().find_map(component)).unwrap_or_default();
    let system_has_focus =
        window.is_none() && focus.iter().any(|focus| focus.contains("Window{") && !focus.contains("PopupWindow:"));
    Windows {
        front: front.to_owned(),
        system_has_focus,
        lock: lock(&told, window.is_some()),
        size: of("init=").iter().find_map(|line| size(line.split_once(" cur=")?.1)),
        rotation: of("mRotation=").iter().find_map(|line| rotation(line)),
    }
}

/// A line of a dump, and the display that it is about; `None` is all of them.
struct Section<'a> {
    display: Option<u32>,
    text: &'a str,
}

impl<'a> Section<'a> {
    /// The lines that are about a display, and the others: what is in front is named by apps, and must not be read as what the
    /// system says of itself.
    fn all(dump: &'a str) -> (Vec<Section<'a>>, Vec<&'a str>) {
        let mut display = None;
        let (mut named, mut told) = (Vec::new(), Vec::new());
        for line in dump.lines() {
            let text = line.trim();
            if let Some(number) = text.strip_prefix("Display: mDisplayId=") {
                display =
                    number.split(|digit: char| !digit.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
            } else if text.starts_with("WINDOW MANAGER ") {
                display = None;
            } else if ["mCurrentFocus=", "mFocusedApp=", "init=", "mRotation="].iter().any(|key| text.starts_with(key))
            {
                named.push(Section { display, text });
            } else {
                told.push(text);
            }
        }
        (named, told)
    }
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
pub(crate) fn protected(dump: &str, display: u32) -> bool {
    const FLAG_SECURE: u32 = 0x2000;
    // `Window{1a2b3c4 u0 com.x/com.x.Main}` names it by its number in both places.
    let number = |line: &str| line.split("Window{").nth(1)?.split([' ', '}']).next().map(str::to_owned);
    let (named, _) = Section::all(dump);
    let focuses = || named.iter().filter(|line| line.text.starts_with("mCurrentFocus="));
    let has_own = focuses().any(|line| line.display == Some(display));
    let about = |line: &&Section<'_>| line.display == has_own.then_some(display);
    let Some(focus) = focuses().filter(about).find_map(|line| number(line.text)) else { return false };
    let mut inside = false;
    for line in dump.lines() {
        if line.trim_start().starts_with("Window #") {
            inside = number(line).as_deref() == Some(focus.as_str());
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

/// The package of `Window{3f u0 com.android.settings/com.android.settings.Settings}` and the like.
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
