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
        assert_eq!(is_protected(&dump(flags), 0), is, "{flags}");
    }
    assert!(!is_protected("", 0));
    assert!(!is_protected("mCurrentFocus=null\nWindow #0\nfl=SECURE", 0));
    // Of two displays, the one that is looked at.
    let two = "Display: mDisplayId=1\n  mCurrentFocus=Window{bb u0 a/b}\nDisplay: mDisplayId=0\n  mCurrentFocus=Window{cc u0 c/d}\n\
               WINDOW MANAGER WINDOWS (dumpsys window windows)\n  Window #0 Window{bb u0 a/b}:\n      fl=SECURE}\n  \
               Window #1 Window{cc u0 c/d}:\n      fl=FULLSCREEN}\n";
    assert!(is_protected(two, 1));
    assert!(!is_protected(two, 0));
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
    // A title is the answer only where the phone tells nothing else; and words of a sentence are none.
    check("  mCurrentFocus=Window{1 u0 Application Not Responding: com.evil/x;rm}\n", expect!["com.evil"]);
    check(
        "  mCurrentFocus=Window{1 u0 com.evil/.Main}\n  mFocusedApp=ActivityRecord{2 u0 com.android.mms/.Main t1}\n",
        expect!["com.android.mms"],
    );
    check("  mCurrentFocus=Window{1 u0 com.evil/.Main}\n  mFocusedApp=null\n", expect!["(nobody)"]);
    check("some mCurrentFocus=Window{1 u0 a.b/c}\n", expect!["(nobody)"]);
    check("", expect!["(nobody)"]);
    check("mCurrentFocus=\nmFocusedApp", expect!["(nobody)"]);
}

/// A cover display, an external one, a car's: what has the focus there is not what is pictured and touched.
#[test]
fn fronts_of_phones_with_several_displays() {
    for focus in ["Window{2785a60 u0 PopupWindow:3f0c1b2}", "null"] {
        let dump = format!(
            "Display: mDisplayId=1\n  mCurrentFocus={}\n  mFocusedApp=ActivityRecord{{14d88c3 u0 com.cover/.Home t9}}\n\
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

/// `dumpsys window` of several Androids in which a window of `com.evil` has the focus and calls itself `title`. `record` is how the
/// system names its activity; a window without one has no such line.
fn dumps(title: &str, record: Option<&str>, focused_app: &str) -> Vec<(&'static str, String)> {
    let block = |key: &str| {
        let record = record.map(|record| format!("    {key}={record}\n")).unwrap_or_default();
        format!(
            "WINDOW MANAGER WINDOWS (dumpsys window windows)\n  Window #0 Window{{aa u0 StatusBar}}:\n    mDisplayId=0 mSession=Session{{1 2:u0a10046}}\n    \
             mOwnerUid=10046 showForAllUsers=true package=com.android.systemui appop=NONE\n  \
             Window #1 Window{{bb u0 {title}}}:\n    mDisplayId=0 mSession=Session{{3 4:u0a10123}}\n    \
             mOwnerUid=10123 showForAllUsers=false package=com.evil appop=NONE\n    mAttrs={{(0,0)(fillxfill)}}\n{record}  \
             Window #2 Window{{cc u0 com.ok/com.ok.Main}}:\n    mOwnerUid=10124 showForAllUsers=false package=com.ok appop=NONE\n    \
             {key}=ActivityRecord{{22 u0 com.ok/.Main t2}}\n"
        )
    };
    let focus = format!("  mCurrentFocus=Window{{bb u0 {title}}}\n");
    let app = format!("  mFocusedApp={focused_app}\n");
    let anr = "WINDOW MANAGER LAST ANR (dumpsys window lastanr)\n  <no ANR has occurred since boot>\n";
    // An app did not respond a while ago: what had the focus then stands there whole.
    let past = "WINDOW MANAGER LAST ANR (dumpsys window lastanr)\n  ANR time: May 1\n  Window #0 Window{bb u0 com.ok/com.ok.Main}:\n    \
        mOwnerUid=10124 package=com.ok appop=NONE\n    mActivityRecord=ActivityRecord{22 u0 com.ok/.Main t2}\n  \
        Display: mDisplayId=0\n  mCurrentFocus=Window{bb u0 com.ok/com.ok.Main}\n  mFocusedApp=ActivityRecord{22 u0 com.ok/.Main t2}\n\
        WINDOW MANAGER POLICY STATE (dumpsys window policy)\n    mAwake=true\n";
    let displays = "WINDOW MANAGER DISPLAY CONTENTS (dumpsys window displays)\n  Display: mDisplayId=0\n";
    let old = format!("{anr}{displays}{}{focus}{app}", block("mAppToken"));
    let old_after_anr = format!("{past}{displays}{}{focus}{app}", block("mAppToken"));
    let ten = format!("{anr}{displays}{focus}{app}{}", block("mAppToken"));
    let new = format!("{anr}{displays}{focus}{app}{}", block("mActivityRecord"));
    let new_after_anr = format!("{past}{displays}{focus}{app}{}", block("mActivityRecord"));
    vec![
        ("8", old),
        ("9 after an ANR", old_after_anr),
        ("10", ten),
        ("11 and later", new),
        ("12 after an ANR", new_after_anr),
    ]
}

const EVIL: &str = "ActivityRecord{11 u0 com.evil/.Main t1}";
const EVIL_OLD: &str = "AppWindowToken{1 token=Token{2 ActivityRecord{11 u0 com.evil/.Main t1}}}";

/// What an app may call its window. After each come the rest of the line that it is printed on, and the lines that follow.
const HOSTILE_TITLES: &[&str] = &[
    "com.ok/.Main",
    "com.ok/com.ok.Main}",
    "com.ok/com.ok.Main EXITING",
    "x} mOwnerUid=10124 package=com.ok Window{cc u0 com.ok/.Main",
    "ActivityRecord{22 u0 com.ok/.Main t2}",
    "PopupWindow:com.ok/.Main",
    "x}\n  mFocusedApp=ActivityRecord{22 u0 com.ok/.Main t2",
    "x}\r\n  mFocusedApp=ActivityRecord{22 u0 com.ok/.Main t2",
    "x}\n  mCurrentFocus=Window{cc u0 com.ok/com.ok.Main",
    "x}\n  mCurrentFocus=Window{cc u0 com.ok/com.ok.Main}\n  mFocusedApp=ActivityRecord{22 u0 com.ok/.Main t2",
    "x}\n  mFocusedApp=ActivityRecord{22 u0 com.ok/.Main t2}\n  Display: mDisplayId=9 (organized)\n  {",
    "x}\n  mFocusedApp=ActivityRecord{22 u0 com.ok/.Main t2}\nWINDOW MANAGER TOKENS (dumpsys window tokens)\n {",
    "x}\n  mFocusedApp=ActivityRecord{22 u0 com.ok/.Main t2}\nWINDOW MANAGER LAST ANR (dumpsys window lastanr)\n {",
    "x}:\n    mActivityRecord=ActivityRecord{22 u0 com.ok/.Main t2}\n    mAppToken=ActivityRecord{22 u0 com.ok/.Main t2",
    "x}:\n    mActivityRecord=ActivityRecord{22 u0 com.ok/.Main t2}\n  Window #8 Window{dd u0 y",
    "x}:\n    mOwnerUid=10124 package=com.ok appop=NONE\n  Window #8 Window{dd u0 y",
    "x}:\n    mOwnerUid=1000 package=android appop=NONE\n  mFocusedApp=ActivityRecord{22 u0 com.ok/.Main t2}\n  Window #8 Window{dd u0 y",
];

#[test]
fn a_title_that_an_app_gives_its_window_names_no_other_app() {
    let overlay = [("an overlay", None, "ActivityRecord{33 u0 com.under/.Main t3}")];
    let activities = [("an activity", Some(EVIL), EVIL), ("an activity of before 11", Some(EVIL_OLD), EVIL_OLD)];
    let mut unsure = 0;
    for title in HOSTILE_TITLES {
        for (what, record, app) in activities.iter().chain(&overlay) {
            for (android, dump) in dumps(title, *record, app) {
                let told = windows(&dump, 0);
                let context = format!("{what} on Android {android}, called {title:?}: {told:?}\n{dump}");
                assert!(told.front == "com.evil" || told.contradicts_itself, "{context}");
                assert!(!told.contradicts_itself || title.contains('\n'), "one line contradicts nothing: {context}");
                assert!(!told.contradicts_itself || told.front.is_empty(), "{context}");
                unsure += u32::from(told.contradicts_itself);
            }
        }
    }
    assert!(unsure > 0);
    // And whoever has nothing to hide is known, whatever a line break is good for in a title.
    for title in ["com.evil/com.evil.Main", "", "Notes\nof today", "Sign in {1} / 2", "com.evil/.Main}\n"] {
        for (android, dump) in dumps(title, Some(EVIL), EVIL) {
            assert_eq!(windows(&dump, 0).front, "com.evil", "Android {android}, {title:?}");
        }
    }
}

/// Windows that are no activity's: of the system, over the app; and of other apps.
#[test]
fn windows_without_an_activity() {
    let check = |uid: u32, package: &str, expected: Expect| {
        let dump = format!(
            "  Display: mDisplayId=0\n  mCurrentFocus=Window{{bb u0 a.b/c}}\n  mFocusedApp=ActivityRecord{{33 u0 com.under/.Main t3}}\n\
             WINDOW MANAGER WINDOWS (dumpsys window windows)\n  Window #1 Window{{bb u0 a.b/c}}:\n    \
             mOwnerUid={uid} showForAllUsers=false package={package} appop=SYSTEM_ALERT_WINDOW\n"
        );
        check_on(0, &dump, expected);
    };
    check(10_200, "com.bubble", expect!["com.bubble"]);
    check(1_010_200, "com.bubble", expect!["com.bubble"]); // Of another user.
    check(10_046, "com.android.systemui", expect!["com.under, the system has the focus"]);
    check(1_000, "android", expect!["com.under, the system has the focus"]);
    check(1_001_000, "com.maker.assistant", expect!["com.under, the system has the focus"]);
    check(10_200, "9;rm", expect!["com.under"]);
}

/// A phone of before 10 does not say it for each display, and an old dump of an app that hung is none of the present.
#[test]
fn what_was_in_front_when_an_app_hung_is_past() {
    for (android, dump) in dumps("com.evil/.Main", Some(EVIL), EVIL) {
        assert_eq!(windows(&dump, 0).front, "com.evil", "{android}");
    }
}
