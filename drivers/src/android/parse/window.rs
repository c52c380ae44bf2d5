//! What is in front, as the window manager tells it: which app, whether the phone is awake and unlocked, whether the
//! window may be seen.

/// The command that asks, with the wanted lines picked on the device: the whole answer can have 300 KB.
pub(crate) const WINDOW: &str = "dumpsys window | grep -E 'mCurrentFocus|mFocusedApp|mAwake=|mShowingLockscreen=|\
     mKeyguardShowing=|^ *showing=|^ *occluded=|^ *secure='";
/// The same for devices without grep.
pub(crate) const WINDOW_WHOLE: &str = "dumpsys window";
/// Asks for the flags of the windows: only when a picture is black, since it is long.
pub(crate) const FLAGS: &str = "dumpsys window | grep -E 'mCurrentFocus|Window #|fl='";

/// What keeps a screen from being seen or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// The display is off.
    Dark,
    /// The lock screen is in front; whether it wants a secret, as far as the device tells.
    Locked { secret: bool },
}

/// What shuts the phone, if the device says so; one that says nothing is open.
pub(crate) fn shut(dump: &str) -> Option<Shut> {
    // What is in front is named by apps, and says nothing here.
    let (named, told): (Vec<&str>, Vec<&str>) = dump
        .lines()
        .map(str::trim)
        .partition(|line| line.starts_with("mCurrentFocus=") || line.starts_with("mFocusedApp="));
    let says = |wanted: &str| told.iter().any(|line| line.split_ascii_whitespace().any(|word| word == wanted));
    let locked = (says("showing=true") && !says("occluded=true"))
        || says("mShowingLockscreen=true")
        || says("mKeyguardShowing=true");
    // Other parts of a long dump might show something too: while a lock screen is there, no app's window has the focus.
    let app_has_focus =
        named.iter().any(|line| line.strip_prefix("mCurrentFocus=").is_some_and(|rest| component(rest).is_some()));
    if says("mAwake=false") {
        Some(Shut::Dark)
    } else {
        (locked && !app_has_focus).then(|| Shut::Locked { secret: says("secure=true") })
    }
}

/// Whether the window with the focus lets nobody take pictures of it.
pub(crate) fn protected(dump: &str) -> bool {
    const FLAG_SECURE: u32 = 0x2000;
    // `Window{1a2b3c4 u0 com.x/com.x.Main}` names it by its number in both places.
    let number = |line: &str| line.split("Window{").nth(1)?.split([' ', '}']).next().map(str::to_owned);
    let Some(focus) = dump.lines().filter(|line| line.contains("mCurrentFocus=")).find_map(number) else {
        return false;
    };
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

/// The package in front, or `None` if the device did not say.
pub(crate) fn front(dump: &str) -> Option<&str> {
    // The focused window is what a touch meets, but it may be none (between apps) or no app's (the notification
    // shade, a pop-up): then the focused app is the answer. Displays without focus say null.
    let named = |key: &str| {
        dump.lines()
            .filter_map(|line| line.trim().strip_prefix(key))
            .find_map(|rest| component(rest.strip_prefix('=')?))
    };
    named("mCurrentFocus").or_else(|| named("mFocusedApp"))
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
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(dump: &str, expected: Expect) {
        expected.assert_eq(front(dump).unwrap_or("(nobody)"));
    }

    #[test]
    fn phones_that_are_shut() {
        let check = |dump: &str, expected: Expect| expected.assert_eq(&format!("{:?}", shut(dump)));
        check("", expect!["None"]);
        check("  mAwake=true\n  mDreamingLockscreen=false\n    showing=false\n    secure=true\n", expect!["None"]);
        check("  mAwake=false\n    showing=true\n", expect!["Some(Dark)"]);
        check("    showing=true\n    occluded=false\n    secure=true\n", expect!["Some(Locked { secret: true })"]);
        check("    showing=true\n    occluded=true\n    secure=true\n", expect!["None"]); // A call or the camera over it.
        check("  mShowingLockscreen=true mShowingDream=false\n", expect!["Some(Locked { secret: false })"]);
        check("  mKeyguardShowing=true mAodShowing=false\n", expect!["Some(Locked { secret: false })"]);
        check("  mCurrentFocus=Window{1 u0 com.a/com.a.B}\n    showing=true\n", expect!["None"]);
        check(
            "  mCurrentFocus=Window{1 u0 NotificationShade}\n    showing=true\n",
            expect!["Some(Locked { secret: false })"],
        );
        // A window's title is nobody's word.
        check("  mCurrentFocus=Window{1 u0 x showing=true mAwake=false }\n", expect!["None"]);
    }

    #[test]
    fn windows_that_may_not_be_seen() {
        let dump = |flags: &str| {
            format!(
                "  Window #0 Window{{aa u0 StatusBar}}:\n    mAttrs={{(0,0)(fillx63) ty=STATUS_BAR\n      fl=NOT_FOCUSABLE SECURE}}\n  \
                 Window #1 Window{{bb u0 com.bank/com.bank.Pin}}:\n    mAttrs={{(0,0)(fillxfill) ty=BASE_APPLICATION\n      {flags}\n  \
                 mCurrentFocus=Window{{bb u0 com.bank/com.bank.Pin}}\n"
            )
        };
        for (flags, is) in [
            ("fl=LAYOUT_IN_SCREEN SECURE LAYOUT_INSET_DECOR}", true),
            ("fl=SECURE}", true),
            ("fl=#81812100 pfl=0x20000", true),
            ("fl=#81810100 pfl=0x20000", false),
            ("fl=LAYOUT_IN_SCREEN INSECURE}", false),
            ("", false),
        ] {
            assert_eq!(protected(&dump(flags)), is, "{flags}");
        }
        assert!(!protected(""));
        assert!(!protected("mCurrentFocus=null\nWindow #0\nfl=SECURE"));
    }

    #[test]
    fn fronts() {
        check(
            "  mCurrentFocus=Window{3f1c u0 com.android.settings/com.android.settings.Settings}\n  mFocusedApp=ActivityRecord{77 u0 com.android.settings/.Settings t12}\n",
            expect!["com.android.settings"],
        );
        // Between two apps, and under a system window.
        check(
            "mCurrentFocus=null\r\nmFocusedApp=AppWindowToken{1 token=Token{2 ActivityRecord{3 u0 com.tencent.mm/.ui.LauncherUI t4}}}\r\n",
            expect!["com.tencent.mm"],
        );
        check(
            "  mCurrentFocus=Window{1 u0 NotificationShade}\n  mFocusedApp=ActivityRecord{2 u0 com.android.mms/.Main t1}\n",
            expect!["com.android.mms"],
        );
        // A second display without focus comes first.
        check("  mCurrentFocus=null\n  mCurrentFocus=Window{9 u10 org.a.b/org.a.b.C}\n", expect!["org.a.b"]);
        // Someone else's title on the screen is no answer.
        check("  mCurrentFocus=Window{1 u0 Application Not Responding: com.evil/x;rm}\n", expect!["com.evil"]);
        check("some mCurrentFocus=Window{1 u0 a.b/c}\n", expect!["(nobody)"]);
        check("", expect!["(nobody)"]);
        check("mCurrentFocus=\nmFocusedApp", expect!["(nobody)"]);
    }
}
