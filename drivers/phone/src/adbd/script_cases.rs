//! Scripts and what they print: the shell and its commands, tested together on a phone without a wire.

mod language;
mod programs;

use std::sync::Arc;

use expect_test::{Expect, expect};
use tokio::sync::Semaphore;

use super::shell::{self, Shell};
use super::stream::Disconnected;
use super::terminal::{Channel, Console};
use super::{DaemonLimits, DaemonOptions, Device, Handle, ManualClock};
use crate::World;

/// A console that keeps what is printed.
#[derive(Default)]
struct Paper {
    out: Vec<u8>,
    err: Vec<u8>,
    /// What is read, a piece at a time; `read` of them were.
    input: Vec<Vec<u8>>,
    read: usize,
    rest: Vec<u8>,
    at: usize,
}

impl Console for Paper {
    async fn print(&mut self, channel: Channel, bytes: &[u8]) -> Result<(), Disconnected> {
        match channel {
            Channel::Out => self.out.extend_from_slice(bytes),
            Channel::Err => self.err.extend_from_slice(bytes),
        }
        Ok(())
    }
    async fn flush(&mut self) -> Result<(), Disconnected> {
        Ok(())
    }
    async fn get(&mut self) -> Option<Vec<u8>> {
        if self.at == self.rest.len() {
            self.rest = self.input.get(self.read)?.clone();
            self.read += 1;
            self.at = 0;
        }
        let piece = self.rest[self.at..].to_vec();
        self.at = self.rest.len();
        Some(piece)
    }
    fn unget(&mut self, count: usize) {
        self.at -= count;
    }
}

impl Paper {
    /// What stands on it: output, then complaints behind `!`, then the status.
    fn show(&self, status: u8) -> String {
        let mut text = String::from_utf8_lossy(&self.out).into_owned();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str("¬\n");
        }
        for line in String::from_utf8_lossy(&self.err).lines() {
            text += &format!("! {line}\n");
        }
        if status != 0 {
            text += &format!("= {status}\n");
        }
        text
    }
}

fn phone() -> Arc<Device> {
    let world = World::new(crate::Options::default());
    let limits = DaemonLimits { output_max: 4 << 20, ..DaemonLimits::default() };
    let options = DaemonOptions { limits, ..DaemonOptions::default() };
    Arc::new(Device::new(Handle::new(world, ManualClock::default()), options))
}

fn run_on(device: &Arc<Device>, script: &str) -> (Paper, u8) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut shell = Shell::new(device.clone(), Arc::new(Semaphore::new(4)));
        let mut paper = Paper::default();
        let ran = tokio::time::timeout(std::time::Duration::from_secs(60), shell.run(script, &mut paper)).await;
        ran.expect("a script ends").expect("paper is always there");
        (paper, shell.status())
    })
}

fn check_on(device: &Arc<Device>, script: &str, expected: Expect) {
    let (paper, status) = run_on(device, script);
    expected.assert_eq(&paper.show(status));
}

fn check(script: &str, expected: Expect) {
    check_on(&phone(), script, expected);
}

#[test]
fn words_and_joints() {
    check(
        "echo hello   world; echo 'a  b' \"c  d\" e\\ f",
        expect![[r#"
        hello world
        a  b c  d e f
    "#]],
    );
    check("true && echo yes || echo no; false && echo yes || echo no", expect!["yes\nno\n"]);
    check("false; echo $?; echo $?", expect!["1\n0\n"]);
    check("echo -n x", expect!["x¬\n"]);
    check("nonsense --help; echo $?", expect!["127\n! /system/bin/sh: nonsense: inaccessible or not found\n"]);
    check("exit 7; echo never", expect!["= 7\n"]);
    check("( exit 3 ); echo $?; { exit 4; }; echo never", expect!["3\n= 4\n"]);
    check("! true; echo $?; ! false; echo $?", expect!["1\n0\n"]);
}

#[test]
fn variables_and_substitution() {
    check("X=a Y='b  c'; echo $X-${X}s $Y \"$Y\" '$X' $none.", expect!["a-as b c b  c $X .\n"]);
    check("X=1 echo \"[$X]\"", expect!["[]\n"]);
    check("echo \"$(echo a; echo b)\" $(echo c; echo d)", expect!["a\nb c d\n"]);
    check("X=$(wm size | grep -o '[0-9]*x[0-9]*'); echo got $X", expect!["got 540x1200\n"]);
    check(
        "(X=inner; cd /sdcard; pwd); echo \"[$X]\" $PWD; cd /none",
        expect![[r#"
        /storage/emulated/0
        [] /
        ! /system/bin/sh: cd: /none: No such file or directory
        = 2
    "#]],
    );
    check("sh -c 'echo in $0; exit 9'; echo $?; echo 'echo piped' | sh", expect!["in /system/bin/sh\n9\npiped\n"]);
}

#[test]
fn nesting_ends_with_a_complaint_and_not_with_a_crash() {
    let device = phone();
    let deepest = format!("{}sh /sdcard/again{}", "echo $(".repeat(15), ")".repeat(15));
    let script = format!("echo '{deepest}' > /sdcard/again; sh /sdcard/again");
    let (paper, _) = run_on(&device, &script);
    assert_eq!(String::from_utf8(paper.err).unwrap(), "/sdcard/again: nested too deeply\n");
    let groups = format!("{}sh /sdcard/again{}", "{ ".repeat(15), "; }".repeat(15));
    let (paper, _) = run_on(&device, &format!("echo '{groups}' > /sdcard/again; sh /sdcard/again; echo on"));
    assert_eq!(paper.show(0), "on\n! /sdcard/again: nested too deeply\n");
}

#[test]
fn pipes_and_redirections() {
    check("echo a > /sdcard/x; echo b >> /sdcard/x; cat /sdcard/x; cat < /sdcard/x | wc -l", expect!["a\nb\n2\n"]);
    check("ls /none 2>/dev/null; echo $?; ls /none 2>&1 | cat", expect!["1\nls: /none: No such file or directory\n"]);
    check("ls /none >/sdcard/both 2>&1; cat /sdcard/both", expect!["ls: /none: No such file or directory\n"]);
    check("echo x >&2; { echo out; ls /none; } 2>/dev/null", expect!["out\n! x\n= 1\n"]);
    check(
        "echo no > /system/x; echo $?; echo x > /sdcard",
        expect![[r#"
        1
        ! /system/bin/sh: can't create /system/x: Permission denied
        ! /system/bin/sh: can't create /sdcard: Is a directory
        = 1
    "#]],
    );
    check(
        "printf 'b 2\\na 1\\nb 2\\n' | sort -u | head -n 1; printf 'x\\ny\\nz\\n' | tail -n 2",
        expect!["a 1\ny\nz\n"],
    );
    check(
        "printf 'one\\ntwo\\nthree\\n' | grep -n -v two; echo abc | grep -c x; echo $?",
        expect!["1:one\n3:three\n0\n1\n"],
    );
    check(
        "getprop | grep ro.product.model | head -1; dumpsys window | grep -E 'mCurrentFocus|mFocusedApp'",
        expect![[r#"
        [ro.product.model]: [Tapwright Phone]
          mCurrentFocus=Window{1a2b3c4 u0 com.tapwright.launcher/com.tapwright.launcher.Launcher}
          mFocusedApp=ActivityRecord{5d6e7f8 u0 com.tapwright.launcher/.Launcher t12}
    "#]],
    );
    check("echo a | tee /sdcard/t | wc -c; cat /sdcard/t", expect!["2\na\n"]);
    check("screencap | head -c 8 | md5sum | wc -c; screencap | wc -c", expect!["36\n2592016\n"]);
}

#[test]
fn lines_of_text() {
    let file = "printf 'one\\ntwo\\nthree\\nfour\\nfive\\n' > /sdcard/f; cd /sdcard; ";
    let check = |script: &str, expected: Expect| check(&format!("{file}{script}"), expected);
    check(
        "grep -A 1 -n t f; echo; grep -B 2 four f; echo; grep -m 1 o f",
        expect![[r#"
        2:two
        3:three
        4:four

        two
        three
        four

        one
    "#]],
    );
    check(
        "grep -l o f; grep -H one f; grep -c -e one -e two f; grep -o 'f[a-z]' f; grep -i ONE < f; grep -w thre f; echo $?",
        expect![[r#"
        f
        f:one
        2
        fo
        fi
        one
        1
    "#]],
    );
    check(
        "grep -q five f && echo there; grep -x 'o.e' f; grep '[' f; echo $?; grep x /none; echo $?; grep; echo $?",
        expect![[r#"
        there
        one
        2
        2
        2
        ! grep: bad REGEX: error: unclosed character class
        ! grep: /none: No such file or directory
        ! grep: no REGEX
    "#]],
    );
    check(
        "head -n 2 f; head -c 5 f; echo; tail -2 f; tail -c 3 f; tail -n +5 f; head -0 f; tail -n 0 f; head -n x f",
        expect![[r#"
        one
        two
        one
        t
        four
        five
        ve
        five
        ! head: 'x' is not a number
        = 1
    "#]],
    );
    check(
        "wc f; wc -l < f; wc -c f f; sort -r f | head -1; printf '10\\n9\\n' | sort -n; cat f | grep -v o | wc -w",
        expect![[r#"
        5 5 24 f
        5
        24 f
        24 f
        48 total
        two
        9
        10
        2
    "#]],
    );
}

#[test]
fn files() {
    check(
        "mkdir -p /sdcard/a/b; touch /sdcard/a/1.png /sdcard/a/2.png /sdcard/a/x; ls /sdcard/a; cd /sdcard/a; echo *.png; echo /sdcard/a/?.png '*' *.none",
        expect![[r#"
        1.png
        2.png
        b
        x
        1.png 2.png
        /sdcard/a/1.png /sdcard/a/2.png * *.none
    "#]],
    );
    check(
        "echo hi > /sdcard/f; ls -l /sdcard/f; stat -c '%s %F' /sdcard/f /sdcard; md5sum /sdcard/f; cp /sdcard/f /sdcard/Download; mv /sdcard/f /sdcard/g; ls /sdcard/f /sdcard/g /sdcard/Download",
        expect![[r#"
        -rw-rw---- 1 shell shell        3 2026-01-01 09:00 /sdcard/f
        3 regular file
        4096 directory
        764efa883dda1e11db47671c4a3bbd9e  /sdcard/f
        /sdcard/g

        /sdcard/Download:
        f
        ! ls: /sdcard/f: No such file or directory
        = 1
    "#]],
    );
    check(
        "rm /sdcard/none; rm -f /sdcard/none; rm /sdcard/DCIM; rmdir /sdcard/DCIM && rm -r /sdcard/Download; ls /sdcard",
        expect![[r#"
        Android
        Documents
        Movies
        Music
        Pictures
        ! rm: /sdcard/none: No such file or directory
        ! rm: /sdcard/DCIM: Is a directory
    "#]],
    );
    check(
        "test -f /sdcard/none || echo none; [ -d /sdcard ] && echo folder; [ 2 -gt 10 ]; echo $?; [ a = a -a ! b = a ] && echo both; [ 1 -eq x ]",
        expect![[r#"
        none
        folder
        1
        both
        ! /system/bin/sh: [: unexpected operator/operand: x
        = 2
    "#]],
    );
    check(
        "cp /sdcard/none /sdcard/x; cp /sdcard; cat /sdcard; mkdir /sdcard; cat /etc/passwd ../../etc/passwd",
        expect![[r#"
        ! cp: /sdcard/none: No such file or directory
        ! cp: Needs 2 arguments
        ! cat: /sdcard: Is a directory
        ! mkdir: /sdcard: File exists
        ! cat: /etc/passwd: No such file or directory
        ! cat: ../../etc/passwd: No such file or directory
        = 1
    "#]],
    );
    check(
        "date; date +%Y-%m-%d_%H%M%S; id -u; whoami; uname",
        expect![[r#"
        Thu Jan  1 09:00:00 UTC 2026
        2026-01-01_090000
        2000
        shell
        Linux
    "#]],
    );
}

#[test]
fn the_storage_is_bounded() {
    let device = phone();
    // Each picture is 2.6 MB of raw pixels; the storage is 64 MiB.
    let fill = (0..25).map(|number| format!("screencap /sdcard/{number};")).collect::<String>();
    check_on(&device, &fill, expect![]);
    check_on(
        &device,
        "screencap /sdcard/more; screencap /sdcard/24; rm /sdcard/0; screencap /sdcard/more && echo room",
        expect![[r#"
        room
        ! Error opening file: /sdcard/more (No space left on device)
    "#]],
    );
    check_on(
        &device,
        "cat /sdcard/1 /sdcard/2 | wc -c",
        expect!["4194304\n! /system/bin/sh: the output was cut off at 4194304 bytes\n"],
    );
}

#[test]
fn words_are_bounded() {
    let device = phone();
    check_on(
        &device,
        "screencap -p /sdcard/a.png; head -c 500000 /sdcard/a.png > /dev/null; screencap | nonsense; screencap | head -c 900000 | grep -v q > /sdcard/b; echo ok",
        expect![[r#"
            ok
            ! /system/bin/sh: nonsense: inaccessible or not found
        "#]],
    );
    let many = format!("screencap | head -c 900000 > /sdcard/c; echo {}", "$(cat /sdcard/c)x".repeat(20));
    check_on(&device, &many, expect!["! /system/bin/sh: Argument list too long\n= 126\n"]);
}

#[test]
fn apps_come_to_the_front() {
    let device = phone();
    check_on(
        &device,
        "monkey -p com.android.settings -c android.intent.category.LAUNCHER 1; pidof com.android.settings",
        expect![[r#"
            Events injected: 1
            ## Network stats: elapsed time=0ms (0ms mobile, 0ms wifi, 0ms not connected)
            4716
        "#]],
    );
    assert_eq!(device.handle.facts()["front"], "com.android.settings");
    check_on(
        &device,
        "monkey -p com.example.none -c android.intent.category.LAUNCHER 1",
        expect!["** No activities found to run, monkey aborted.\n= 252\n"],
    );
    check_on(
        &device,
        "am start -n com.android.settings/.Settings",
        expect![[r#"
        Starting: Intent { cmp=com.android.settings/.Settings }
        ! Warning: Activity not started, its current task has been brought to the front
    "#]],
    );
    check_on(
        &device,
        "am start -n com.android.settings/com.android.settings.Settings -W -S | head -n 2",
        expect![[r#"
        Starting: Intent { cmp=com.android.settings/com.android.settings.Settings }
        Status: ok
    "#]],
    );
    check_on(
        &device,
        "am start -n com.example.none/.Main",
        expect![[r#"
        Starting: Intent { cmp=com.example.none/.Main }
        ! Error type 3
        ! Error: Activity class {com.example.none/com.example.none.Main} does not exist.
        = 1
    "#]],
    );
    check_on(
        &device,
        "am start -a android.intent.action.VIEW -d https://example.com",
        expect![[r#"
        Starting: Intent { act=android.intent.action.VIEW dat=... }
        ! Error: Activity not started, unable to resolve Intent { act=android.intent.action.VIEW dat=... }
        = 1
    "#]],
    );
    check_on(
        &device,
        "am force-stop com.android.settings; dumpsys activity activities | grep -o 'topResumed.*'",
        expect!["topResumedActivity=ActivityRecord{5d6e7f8 u0 com.tapwright.launcher/.Launcher t12}\n"],
    );
    check_on(
        &device,
        "am start -a android.intent.action.MAIN -c android.intent.category.HOME; am; am none",
        expect![[r#"
        Starting: Intent { act=android.intent.action.MAIN cat=[android.intent.category.HOME] }
        ! Activity manager (activity) commands: start, broadcast, force-stop, get-current-user
        ! Unknown command: none
        = 255
    "#]],
    );
    check_on(
        &device,
        "cmd package resolve-activity --brief -a android.intent.action.MAIN -c android.intent.category.LAUNCHER com.android.settings | tail -n 1; cmd package resolve-activity --brief com.example.none; pm path com.android.settings; pm path none; echo $?",
        expect![[r#"
        com.android.settings/.Settings
        No activity found
        package:/system/app/com.android.settings/com.android.settings.apk
        1
    "#]],
    );
    check_on(
        &device,
        "pm list packages settings; pm list packages -3; cmd package query-activities --components -a android.intent.action.MAIN -c android.intent.category.LAUNCHER | wc -l",
        expect![[r#"
        package:com.android.settings
        package:com.android.adbkeyboard
        6
    "#]],
    );
}

#[test]
fn text_reaches_the_field_with_the_focus() {
    let device = phone();
    let field = |device: &Arc<Device>| device.handle.look(|world| world.field_text().map(str::to_owned));
    check_on(&device, "input text hello; echo $?", expect!["0\n"]);
    assert_eq!(field(&device), None, "without a field nothing happens, and phones do not say so");
    focus(&device);
    assert_eq!(field(&device).as_deref(), Some(""));
    check_on(
        &device,
        "input text 'hi%sthere' ignored; input keyevent KEYCODE_A 7 67 62 --x",
        expect![[r#"
        ! 
        ! Exception occurred while executing 'keyevent':
        ! java.lang.IllegalArgumentException: Unknown keycode: --x
        = 255
    "#]],
    );
    assert_eq!(field(&device).as_deref(), Some("hi there"));
    check_on(&device, "input keyevent KEYCODE_A 7 67 62", expect![]);
    assert_eq!(field(&device).as_deref(), Some("hi therea "));
    check_on(
        &device,
        "input text 'né'",
        expect![[r#"
        ! 
        ! Exception occurred while executing 'text':
        ! java.lang.NullPointerException: Attempt to get length of null array
        = 255
    "#]],
    );
    assert_eq!(field(&device).as_deref(), Some("hi therea "), "one letter too many, and nothing is typed");
    let broadcast = "am broadcast -a ADB_CLEAR_TEXT; am broadcast -a ADB_INPUT_B64 --es msg 5L2g5aW9";
    check_on(
        &device,
        broadcast,
        expect![[r#"
        Broadcasting: Intent { act=ADB_CLEAR_TEXT flg=0x400000 }
        Broadcast completed: result=0
        Broadcasting: Intent { act=ADB_INPUT_B64 flg=0x400000 (has extras) }
        Broadcast completed: result=0
    "#]],
    );
    assert_eq!(field(&device).as_deref(), Some("hi therea "), "the ADB keyboard is not selected");
    check_on(
        &device,
        "ime set com.android.adbkeyboard/.AdbIME; settings get secure default_input_method",
        expect![[r#"
        Input method com.android.adbkeyboard/.AdbIME selected for user #0
        com.android.adbkeyboard/.AdbIME
    "#]],
    );
    let _ = run_on(&device, broadcast);
    assert_eq!(field(&device).as_deref(), Some("你好"));
    check_on(
        &device,
        "am broadcast -a ADB_INPUT_B64 --es msg ",
        expect![[r#"
        ! 
        ! Exception occurred while executing 'broadcast':
        ! java.lang.IllegalArgumentException: Argument expected after "msg"
        = 255
    "#]],
    );
    check_on(
        &device,
        "settings put secure default_input_method com.android.inputmethod.latin/.LatinIME; dumpsys input_method | grep -o 'mCurMethodId.*'",
        expect!["mCurMethodId=com.android.inputmethod.latin/.LatinIME\n"],
    );
}

/// Opens something with a text field and taps the field, by what the screen's description says.
fn focus(device: &Arc<Device>) {
    device.handle.change(|world| assert!(world.launch("com.android.contacts") || world.launch("com.android.notes")));
    for _ in 0..4 {
        if device.handle.look(World::field_has_focus) {
            return;
        }
        let (xml, _) = run_on(device, "uiautomator dump /dev/tty");
        let xml = String::from_utf8(xml.out).unwrap();
        let node = xml
            .split('<')
            .find(|node| node.contains("EditText"))
            .or_else(|| xml.split('<').find(|node| node.contains("New") || node.contains("Add")))
            .unwrap_or_else(|| panic!("there is no field and no way to one: {xml}"));
        let bounds = node.split("bounds=\"").nth(1).unwrap();
        let numbers: Vec<i32> = bounds
            .split(|letter: char| !letter.is_ascii_digit())
            .filter(|number| !number.is_empty())
            .take(4)
            .map(|number| number.parse().unwrap())
            .collect();
        let (x, y) = ((numbers[0] + numbers[2]) / 2, (numbers[1] + numbers[3]) / 2);
        let (_, status) = run_on(device, &format!("input touchscreen tap {x} {y}"));
        assert_eq!(status, 0);
    }
    panic!("no field got the focus");
}

#[test]
fn fingers_and_their_mistakes() {
    check(
        "input tap 1; input tap a b; input 2>/dev/null; echo $?; input fly 1 2>&1 | head -n 1",
        expect![[r#"
        255
        Error: Unknown command: fly
        ! 
        ! Exception occurred while executing 'tap':
        ! java.lang.IllegalArgumentException: Argument expected after "1"
        ! 
        ! Exception occurred while executing 'tap':
        ! java.lang.NumberFormatException: For input string: "a"
    "#]],
    );
    check(
        "input tap 1.5 2; input -d 0 tap 1 2; input touchscreen swipe 1 2 3 4 100; input swipe 9 9 9 9 3000; input draganddrop 1 2 300 400; input motionevent DOWN 1 1; input motionevent MOVE 5 5; input motionevent UP 9 9; input tap -5 99999; input swipe -3e38 3e38 3e38 -3e38 99999999999; echo abc | grep -A 18446744073709551615 b >/dev/null; input keyevent --longpress 26 KEYCODE_WAKEUP",
        expect![],
    );
}

#[test]
fn the_clipboard_is_told_nothing_from_a_shell() {
    check(
        "cmd clipboard set-text hello; echo $?; cmd nothing",
        expect![[r#"
        0
        ! No shell command implementation.
        ! cmd: Can't find service: nothing
        = 20
    "#]],
    );
}

#[test]
fn settings_are_facts_where_the_world_knows_them() {
    let device = phone();
    check_on(
        &device,
        "svc wifi enable; settings get global wifi_on; svc wifi disable; settings get global wifi_on; dumpsys tapwright set wifi.on true; cmd wifi status",
        expect!["1\n0\nWifi is enabled\n"],
    );
    assert_eq!(device.handle.facts()["wifi.on"], "true");
    check_on(
        &device,
        "settings put system screen_brightness 128; settings get system screen_brightness; settings put system font_scale 1.16; settings get system font_scale; settings put system font_scale 9",
        expect![[r#"
        127
        1.16
        ! 
        ! Exception occurred while executing 'put':
        ! java.lang.IllegalArgumentException: `font.percent` cannot be `900`: it is 88, 100 or 116
        = 255
    "#]],
    );
    check_on(
        &device,
        "settings put system my_own 'a b'; settings get system my_own; settings get system none; settings delete system my_own; settings list system",
        expect![[r#"
            a b
            null
            Deleted 1 rows
            accelerometer_rotation=1
            font_scale=1.16
            pointer_location=0
            screen_brightness=127
            screen_brightness_mode=0
            screen_off_timeout=2147483647
            show_touches=0
            time_12_24=24
            user_rotation=0
        "#]],
    );
    check_on(
        &device,
        "dumpsys tapwright set none 1; dumpsys tapwright | grep -o '\"wifi.on\":\"true\"'",
        expect![[r#"
        "wifi.on":"true"
        ! there is no fact `none` that can be set
    "#]],
    );
    check_on(
        &device,
        "ime list -s; ime set none/.Ime; wm size; wm density; wm size 1x1; wm size 720x1280; wm size; dumpsys input | grep -o deviceSize.*; wm size reset; wm size; wm size big",
        expect![[r#"
            com.android.inputmethod.latin/.LatinIME
            com.android.adbkeyboard/.AdbIME
            Physical size: 540x1200
            Physical density: 240
            Physical size: 540x1200
            Override size: 720x1280
            deviceSize=[720, 1280], isActive=[1]
            Physical size: 540x1200
            ! Unknown input method none/.Ime cannot be selected for user #0
            ! 
            ! Exception occurred while executing 'size':
            ! java.lang.IllegalArgumentException: the display of this phone has 240x400 to 4096x4096 pixels
            ! 
            ! Exception occurred while executing 'size':
            ! java.lang.IllegalArgumentException: bad size: say WxH, or reset
            = 255
        "#]],
    );
    check_on(
        &device,
        "getprop ro.product.model; getprop none; getprop none default; uiautomator dump; ls /sdcard/window_dump.xml; head -c 5 /sdcard/window_dump.xml",
        expect![[r#"
        Tapwright Phone

        default
        UI hierchary dumped to: /sdcard/window_dump.xml
        /sdcard/window_dump.xml
        <?xml¬
    "#]],
    );
}

#[test]
fn lines_are_run_as_they_arrive() {
    let device = phone();
    let feed = |pieces: &[&str], typed: bool| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut shell = Shell::new(device.clone(), Arc::new(Semaphore::new(4)));
            let input = pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect();
            let mut paper = Paper { input, ..Paper::default() };
            shell::serve_lines(&mut shell, &mut paper, typed).await.unwrap();
            paper.show(shell.status())
        })
    };
    expect!["a 0\nb\nc\n"].assert_eq(&feed(&["ec", "ho a $?\necho b\n", "echo c"], false));
    expect!["1\n= 5\n"].assert_eq(&feed(&["false\necho $?\nexit 5\necho never\n"], false));
    expect!["two\nlines\n"].assert_eq(&feed(&["echo 'two\nlines'\n"], false));
    expect!["eaten\nlines\n"].assert_eq(&feed(&["cat\neaten\n", "lines\n"], false));
    expect!["! /system/bin/sh: syntax error: unexpected '|'\n= 1\n"].assert_eq(&feed(&["| a\necho never\n"], false));
    expect!["virtual:/ $ echo x\x08 \x08a\na\nvirtual:/ $ ^C\nvirtual:/ $ ¬\n"]
        .assert_eq(&feed(&["echo x\x7fa\r", "bad\x03"], true).replace("bad", ""));
}
