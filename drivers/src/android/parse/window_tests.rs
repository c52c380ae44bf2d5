//! What `dumpsys window` says of the app in front, on one display and on several.

use expect_test::{Expect, expect};

use super::*;

fn check_on(display: u32, dump: &str, expected: Expect) {
    let windows = windows(dump, display);
    let front = if windows.front.is_empty() { "(nobody)" } else { &windows.front };
    let system = if windows.system_has_focus { ", the system has the focus" } else { "" };
    expected.assert_eq(&format!("{front}{system}"));
}

fn check(dump: &str, expected: Expect) {
    check_on(0, dump, expected);
}

#[test]
fn phones_that_are_shut() {
    let check = |dump: &str, expected: Expect| expected.assert_eq(&format!("{:?}", windows(dump, 0).lock));
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
        assert_eq!(protected(&dump(flags), 0), is, "{flags}");
    }
    assert!(!protected("", 0));
    assert!(!protected("mCurrentFocus=null\nWindow #0\nfl=SECURE", 0));
    // Of two displays, the one that is looked at.
    let two = "Display: mDisplayId=1\n  mCurrentFocus=Window{bb u0 a/b}\nDisplay: mDisplayId=0\n  mCurrentFocus=Window{cc u0 c/d}\n\
               WINDOW MANAGER WINDOWS (dumpsys window windows)\n  Window #0 Window{bb u0 a/b}:\n      fl=SECURE}\n  \
               Window #1 Window{cc u0 c/d}:\n      fl=FULLSCREEN}\n";
    assert!(protected(two, 1));
    assert!(!protected(two, 0));
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
        expect!["com.android.mms, the system has the focus"],
    );
    check(
        "  mCurrentFocus=Window{1 u0 PopupWindow:3f0}\n  mFocusedApp=ActivityRecord{2 u0 com.android.mms/.Main t1}\n",
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

/// A cover display, an external one, a car's: what has the focus there is not what is pictured and touched.
#[test]
fn fronts_of_phones_with_several_displays() {
    for focus in ["Window{2785a60 u0 PopupWindow:3f0c1b2}", "null"] {
        let dump = format!(
            "Display: mDisplayId=1\n  mCurrentFocus={}\n  mFocusedApp=ActivityRecord{{14d88c3 u0 com.android.systemui/.subscreen.SubHomeActivity t9}}\n\
             Display: mDisplayId=0 (organized)\n  mCurrentFocus={focus}\n  mFocusedApp=ActivityRecord{{d72327 u0 com.chat/.ui.Chat t409}}\n  mTopFocusedDisplayId=0\n",
            "Window{11 u0 com.cover/com.cover.Home}"
        );
        check(&dump, expect!["com.chat"]);
        check_on(1, &dump, expect!["com.cover"]);
        check_on(2, &dump, expect!["(nobody)"]);
    }
    // Nobody on the display that is looked at is nobody, whoever is on another.
    check(
        "Display: mDisplayId=0\n  mCurrentFocus=null\n  mFocusedApp=null\nDisplay: mDisplayId=2\n  mCurrentFocus=Window{1 u0 com.car/.Map}\n",
        expect!["(nobody)"],
    );
    // Androids of before 10 say it once, after all displays.
    check(
        "WINDOW MANAGER DISPLAY CONTENTS (dumpsys window displays)\n  Display: mDisplayId=0\n  Display: mDisplayId=1\n\
         WINDOW MANAGER WINDOWS (dumpsys window windows)\n  mCurrentFocus=Window{1 u0 com.old/.Main}\n",
        expect!["com.old"],
    );
}

#[test]
fn sizes_and_turns_of_each_display() {
    let dump = "WINDOW MANAGER DISPLAY CONTENTS (dumpsys window displays)\n  Display: mDisplayId=1\n    \
                init=748x720 440dpi cur=720x748 app=1x1 rng=1x1-2x2\n    mRotation=1 mDeferredRotationPauseCount=0\n  Display: mDisplayId=0 (organized)\n    \
                init=1080x2640 440dpi base=1x1 2dpi cur=2640x1080 app=2x2\n    mRotation=ROTATION_270\n";
    let check = |display, expected: Expect| {
        let windows = windows(dump, display);
        expected.assert_eq(&format!("{:?} {:?}", windows.size.map(|size| size.to_string()), windows.rotation));
    };
    check(0, expect![[r#"Some("2640x1080") Some(ThreeQuarters)"#]]);
    check(1, expect![[r#"Some("720x748") Some(Quarter)"#]]);
    check(2, expect!["None None"]);
}
