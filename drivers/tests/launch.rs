//! Apps that are started on phones whose makers, owners and users stand in between.

mod fake;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake::{Fake, good_command, good_service, script};
use tapwright_contract::device::Driver;
use tapwright_contract::gesture::Gesture;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(20);
const NOISE: &str =
    "WARNING: linker: app_process has text relocations. This is wasting memory and is a security risk. Please fix.\n";
const SECURITY: &str = "\nException occurred while executing 'list':\njava.lang.SecurityException: Shell does not have permission to access \
                        user 150\n com.android.server.am.ActivityManagerService.handleIncomingUser:14983\n";
const MONKEY_251: &str = "  bash arg: -p\n  bash arg: com.tencent.mm\nargs: [-p, com.tencent.mm, -c, android.intent.category.LAUNCHER, 1]\n\
                          ** SYS_KEYS has no physical keys but with factor 2.0%.\n";

/// A phone with WeChat, as a case wants it.
#[derive(Clone)]
struct Phone {
    /// Before the output of each program that is written in Java.
    noise: &'static str,
    /// The number of the user in front, and of those whose apps a shell may list.
    user: Option<u32>,
    listable: &'static [&'static str],
    /// What stands for the icon; `None` is the app's own activity.
    icon: Option<&'static str>,
    /// What `am start` and `monkey` say, and their exit code.
    start: (&'static str, u8),
    /// The component in front once the app was started, after so many looks at what is in front.
    front: (&'static str, usize),
}

const GOOD: Phone = Phone {
    noise: "",
    user: Some(0),
    listable: &["", " --user 0"],
    icon: None,
    start: ("Starting: Intent { act=android.intent.action.MAIN }\n", 0),
    front: ("com.tencent.mm/com.tencent.mm.ui.LauncherUI", 0),
};

/// Launches WeChat three times; what came of it, how long the longest took, and what the phone was asked.
async fn launch_three_times(phone: Phone) -> (Vec<String>, Duration, Vec<String>) {
    let looks = Arc::new(Mutex::new(None::<usize>));
    let command = move |command: &str| {
        let java = |text: String, code| Some(((phone.noise.to_owned() + &text).into_bytes(), code));
        let words: Vec<&str> = command.split(' ').collect();
        match words[..] {
            ["am", "get-current-user"] => match phone.user {
                Some(user) => java(format!("{user}\n"), 0),
                None => Some((b"/system/bin/sh: am: inaccessible or not found\n".to_vec(), 127)),
            },
            ["pm", "list", "packages", ..] => {
                match phone.listable.contains(&command.strip_prefix("pm list packages").unwrap()) {
                    true => java("package:com.android.settings\npackage:com.tencent.mm\n".to_owned(), 0),
                    false => java(SECURITY.to_owned(), 255),
                }
            }
            ["cmd", "package", "resolve-activity", ..] => {
                let icon = phone.icon.unwrap_or("com.tencent.mm/.ui.LauncherUI");
                java(
                    format!("priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=false\n{icon}\n"),
                    0,
                )
            }
            ["am", "start", ..] | ["monkey", ..] => {
                *looks.lock().unwrap() = Some(0);
                java(phone.start.0.to_owned(), phone.start.1)
            }
            ["dumpsys", "window", ..] => {
                let mut looks = looks.lock().unwrap();
                let front = match &mut *looks {
                    Some(seen) if *seen >= phone.front.1 => phone.front.0,
                    Some(seen) => {
                        *seen += 1;
                        "com.android.settings/com.android.settings.Settings"
                    }
                    None => "com.android.settings/com.android.settings.Settings",
                };
                Some((format!("  mCurrentFocus=Window{{3f1c u0 {front}}}\n").into_bytes(), 0))
            }
            _ => good_command(command),
        }
    };
    let fake = Fake::daemon(script(good_service, command)).await;
    let mut android = fake.driver().await;
    let (mut results, mut longest) = (Vec::new(), Duration::ZERO);
    for _ in 0..3 {
        let began = Instant::now();
        let result = android.perform(&Gesture::Launch { app: "WeChat".to_owned() }, PATIENCE).await;
        longest = longest.max(began.elapsed());
        results.push(result.map_or_else(|error| error.kind.to_string(), |()| "done".to_owned()));
    }
    results.dedup();
    (results, longest, fake.requests())
}

#[tokio::test]
async fn what_stands_in_front_after_a_launch_ends_it() {
    let front = |component, after| Phone { front: (component, after), ..GOOD };
    let icon = Some("android/com.android.internal.app.ResolverActivity");
    let monkey = |start, component| Phone { icon, start, front: (component, 0), ..GOOD };
    let wechat = "com.tencent.mm/com.tencent.mm.ui.LauncherUI";
    let aborted = "** No activities found to run, monkey aborted.\n";
    #[rustfmt::skip]
    let rows: &[(&str, Phone, &str, u64)] = &[
        // What it is, the phone, what comes of a launch, and the most milliseconds that it takes.
        ("the app at once", GOOD, "done", 950),
        ("the app after a while", front(wechat, 6), "done", 950),
        ("MIUI's permissions (Maxim #31)", front("com.lbe.security.miui/x.Grant", 0), "done", 950),
        ("MIUI's two spaces (KISS #2167)", front("com.miui.securitycore/com.miui.xspace.ui.activity.XSpaceResolveActivity", 0), "done", 950),
        ("Google's permissions", front("com.google.android.permissioncontroller/x.Grant", 3), "done", 950),
        ("a window that nobody knows", front("com.maker.guard/com.maker.guard.Ask", 0), "done", 1900),
        ("a sign-in page of another app", front("com.account.center/com.account.center.Login", 10), "done", 1900),
        ("nothing new in front", front("com.android.settings/com.android.settings.Settings", 0), "done", 1900),
        ("monkey that ends with 251 (mobile-mcp #360)", monkey((MONKEY_251, 251), wechat), "done", 950),
        ("monkey that ends with 251 and starts nothing", monkey((MONKEY_251, 251), "com.other/com.other.Main"), "refused: bash arg: -p (exit code 251)", 1900),
        ("monkey without an icon", monkey((aborted, 252), "com.other/com.other.Main"), "refused: ** No activities found to run, monkey aborted.", 1900),
        ("an activity that is not there", Phone { start: ("Error type 3\nError: Activity class {com.tencent.mm/x} does not exist.\n", 0), ..GOOD },
         "refused: Error type 3", 900),
        ("an activity that is not for us", Phone { start: ("java.lang.SecurityException: Permission Denial: not exported\n", 0), ..GOOD },
         "refused: java.lang.SecurityException: Permission Denial: not exported", 900),
        ("lines before each answer (ADBKeyBoard #10)", Phone { noise: NOISE, ..GOOD }, "done", 950),
    ];
    let launching: Vec<_> = rows.iter().map(|(_, phone, ..)| tokio::spawn(launch_three_times(phone.clone()))).collect();
    for ((what, _, wanted, millis), launching) in rows.iter().zip(launching) {
        let (results, longest, _) = launching.await.unwrap();
        assert_eq!(results, [*wanted], "{what}");
        assert!(longest < Duration::from_millis(*millis), "{what} took {longest:?}");
    }
}

#[tokio::test]
async fn apps_are_those_of_the_user_in_front() {
    #[rustfmt::skip]
    let rows: &[(&str, Phone, &str)] = &[
        ("a secure folder (Maestro #418)", Phone { listable: &[" --user 0"], ..GOOD }, "--user 0"),
        ("a second user in front", Phone { user: Some(11), listable: &[" --user 11"], ..GOOD }, "--user 11"),
        ("lines before the number", Phone { noise: NOISE, user: Some(10), listable: &[" --user 10"], ..GOOD }, "--user 10"),
        ("a phone that does not say who is in front", Phone { user: None, listable: &[" --user 0"], ..GOOD }, "--user 0"),
        ("a phone without users", Phone { user: None, listable: &[""], ..GOOD }, ""),
    ];
    for (what, phone, option) in rows {
        let (results, _, asked) = launch_three_times(phone.clone()).await;
        assert_eq!(results, ["done"], "{what}");
        for verb in ["cmd package resolve-activity", "am start"] {
            let lines: Vec<&String> = asked.iter().filter(|line| line.starts_with(verb)).collect();
            assert!(!lines.is_empty(), "{what}: no {verb}");
            assert!(
                lines.iter().all(|line| line.contains("--user") != option.is_empty() && line.contains(option)),
                "{what}: {lines:?}"
            );
        }
    }
}
