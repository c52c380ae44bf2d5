//! Which app is in front, as the window manager tells it.

/// The command that asks, with the wanted lines picked on the device: the whole answer can have 300 KB.
pub(crate) const FRONT: &str = "dumpsys window | grep -E 'mCurrentFocus|mFocusedApp'";
/// The same for devices without grep.
pub(crate) const FRONT_WHOLE: &str = "dumpsys window";

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
