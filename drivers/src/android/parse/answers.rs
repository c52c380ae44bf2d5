//! What commands print, and whether that means no.

/// Why the device did not do it, by what it printed; `None` if it did.
///
/// An exit code is not enough: `am` and `monkey` print that they failed and exit with 0.
pub(crate) fn refusal(status: i32, output: &str) -> Option<String> {
    let line = |wanted: &str| output.lines().map(str::trim).find(|line| line.contains(wanted)).map(shortened);
    if output.contains("INJECT_EVENTS") {
        return Some(
            "the device does not let adb touch its screen: turn on \"USB debugging (Security settings)\" in its developer \
             options (on Xiaomi phones that needs a signed-in account and a SIM card), then connect it again"
                .to_owned(),
        );
    }
    if let Some(line) = line("SecurityException") {
        return Some(line);
    }
    if let Some(line) =
        output.lines().map(str::trim).find(|line| line.starts_with("Error:") || line.starts_with("Error type"))
    {
        return Some(shortened(line));
    }
    if let Some(line) = line("monkey aborted") {
        return Some(line);
    }
    if status != 0 {
        // The linker's complaints about a program of the manufacturer's are no reason.
        let is_reason = |line: &&str| !line.is_empty() && !line.starts_with("WARNING:");
        let first = output.lines().map(str::trim).find(is_reason);
        return Some(match first {
            Some(first) => format!("{} (exit code {status})", shortened(first)),
            None => format!("exit code {status}, without a word"),
        });
    }
    None
}

/// Whether `input` has said that it does not know what it was told to do.
pub(crate) fn is_unknown_to_input(output: &str) -> bool {
    output.lines().map(str::trim).any(|line| {
        let line = line.strip_prefix("Error: ").unwrap_or(line);
        line.starts_with("Unknown command") || line.starts_with("unknown command")
    })
}

/// The first part of a line: someone else's text goes into messages, and messages stay short.
pub(crate) fn shortened(line: &str) -> String {
    const LETTERS_MAX: usize = 200;
    let line = line.trim();
    match line.char_indices().nth(LETTERS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// The packages that `pm list packages` lists; lines that name none are left out.
pub(crate) fn packages(output: &str) -> impl Iterator<Item = &str> {
    output
        .lines()
        .filter_map(|line| line.trim().strip_prefix("package:"))
        .filter(|name| super::window::is_package(name))
}

/// An app that has an icon, and what the device calls it, where that is not kept in the app's own resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppIcon {
    pub package: String,
    pub label: Option<String>,
}

/// The apps that a list of icons tells of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IconList {
    pub icons: Vec<AppIcon>,
    /// Whether it is not as the system writes it: then nobody can tell which app a line is about.
    pub contradicts_itself: bool,
}

/// Picks the lines of `cmd package query-activities` that `icons` reads.
pub(crate) const ICON_LINES: &str = "grep -E '^[0-9]+ activities found:|^ *Activity #|packageName=|nonLocalizedLabel='";

/// The apps that `cmd package query-activities` tells of. Phones say a label only where the app has it as a text; the others are
/// numbers of resources, which a shell cannot look up.
///
/// An app chooses its label, line breaks included, and it is printed as it is: what looks like the next app may be a part of it. But
/// the system says first how many there are, counts them, and names an app before it tells the label; a label can add lines and take
/// none away.
pub(crate) fn icons(output: &str) -> IconList {
    const LABEL_MAX: usize = 200;
    let mut list = IconList::default();
    let (mut stated, mut blocks) = (None::<usize>, 0);
    // Of the present block; the app is unknown until the block has named it.
    let mut app: Option<AppIcon> = None;
    for line in output.lines().map(str::trim) {
        if stated.is_none()
            && let Some(number) = line.strip_suffix(" activities found:")
        {
            stated = number.parse().ok();
        } else if let Some(number) = line.strip_prefix("Activity #").and_then(|rest| rest.strip_suffix(':')) {
            list.contradicts_itself |= number.parse() != Ok(blocks);
            blocks += 1;
            list.icons.extend(app.take());
        } else if let Some(package) = line.strip_prefix("packageName=") {
            match &app {
                Some(app) => list.contradicts_itself |= app.package != package,
                None if super::window::is_package(package) => {
                    app = Some(AppIcon { package: package.to_owned(), label: None });
                }
                None => list.contradicts_itself = true,
            }
        } else if let Some((_, said)) = line.split_once("nonLocalizedLabel=")
            && let Some(icon) = app.as_mut().filter(|icon| icon.label.is_none())
        {
            let label = said.rsplit_once(" icon=").map_or(said, |(label, _)| label).trim();
            icon.label = (!label.is_empty() && label != "null" && label.len() <= LABEL_MAX).then(|| label.to_owned());
        }
    }
    list.icons.extend(app);
    list.contradicts_itself |= stated.unwrap_or_default() != blocks || blocks != list.icons.len();
    list
}

/// The same of apps that were asked for one by one, each after a line with the marker, which no app knows, and its name.
pub(crate) fn icons_one_by_one(output: &str, marker: &str) -> Vec<AppIcon> {
    let sections = output.split(marker).skip(1).filter_map(|section| section.split_once('\n'));
    let icon = |(package, told): (&str, &str)| {
        // What comes first is the system's word. A device that does not keep to the one that it was asked for tells nothing.
        icons(told).icons.into_iter().next().filter(|icon| icon.package == package.trim())
    };
    sections.filter_map(icon).collect()
}

/// The number that stands alone in the last line that is one, whatever the linker says before.
pub(crate) fn number(output: &str) -> Option<u32> {
    output.lines().rev().find_map(|line| line.trim().parse().ok())
}

/// The component that `cmd package resolve-activity --brief` names in its last line.
pub(crate) fn component<'a>(output: &'a str, package: &str) -> Option<&'a str> {
    let line = output.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    let activity = line.strip_prefix(package)?.strip_prefix('/')?;
    let plain = activity.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._$".contains(&byte));
    (plain && !activity.is_empty() && activity.len() <= 255).then_some(line)
}

/// Why a keyboard was not selected, by what `ime set` printed; it says so with exit code 0.
pub(crate) fn selection_refusal(status: i32, output: &str) -> Option<String> {
    let says_no = |line: &&str| line.contains("cannot be selected") || line.starts_with("Unknown input method");
    refusal(status, output).or_else(|| output.lines().map(str::trim).find(says_no).map(shortened))
}

/// The input method that is named in a line of its own: `settings` and `cat` answer so, after whatever the linker says.
pub(crate) fn input_method(output: &str) -> Option<&str> {
    output.lines().map(str::trim).find(|line| is_input_method(line))
}

/// Whether this names an input method: a package and a class.
fn is_input_method(text: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || b"._$/".contains(&letter);
    text.len() <= 255
        && text.bytes().all(plain)
        && text.split_once('/').is_some_and(|(package, class)| {
            super::window::is_package(package) && !class.is_empty() && !class.contains('/')
        })
}

/// Whether an input method is in the setting `enabled_input_methods`: names with their subtypes, between colons.
pub(crate) fn enables(output: &str, method: &str) -> bool {
    output.lines().flat_map(|line| line.split(':')).any(|one| one.split(';').next().map(str::trim) == Some(method))
}

/// Whether an input method is in what `ime list -s` lists.
pub(crate) fn lists(output: &str, method: &str) -> bool {
    output.lines().any(|line| line.trim() == method)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(status: i32, output: &str, expected: Expect) {
        expected.assert_eq(refusal(status, output).as_deref().unwrap_or("done"));
    }

    #[test]
    fn refusals() {
        check(0, "", expect!["done"]);
        check(0, "Broadcasting: Intent { act=ADB_INPUT_B64 }\nBroadcast completed: result=0\n", expect!["done"]);
        check(
            255,
            "Exception occurred while executing 'tap':\njava.lang.SecurityException: Injecting input events requires the caller (or the source of the instrumentation, if any) to have the INJECT_EVENTS permission.\n",
            expect![[
                r#"the device does not let adb touch its screen: turn on "USB debugging (Security settings)" in its developer options (on Xiaomi phones that needs a signed-in account and a SIM card), then connect it again"#
            ]],
        );
        check(
            0,
            "Starting: Intent { cmp=com.nope/.Main }\nError type 3\nError: Activity class {com.nope/com.nope.Main} does not exist.\n",
            expect!["Error type 3"],
        );
        check(
            252,
            "** No activities found to run, monkey aborted.\n",
            expect!["** No activities found to run, monkey aborted."],
        );
        check(
            127,
            "/system/bin/sh: inputt: inaccessible or not found\n",
            expect!["/system/bin/sh: inputt: inaccessible or not found (exit code 127)"],
        );
        check(1, "", expect!["exit code 1, without a word"]);
    }

    #[test]
    fn what_input_does_not_know() {
        for output in ["Error: Unknown command: draganddrop\nUsage: input …\n", "\nUnknown command: draganddrop\n"] {
            assert!(is_unknown_to_input(output), "{output}");
        }
        for output in
            ["", "java.lang.SecurityException: … INJECT_EVENTS …\n", "Error: Invalid arguments for command: x\n"]
        {
            assert!(!is_unknown_to_input(output), "{output}");
        }
    }

    #[test]
    fn lists_of_packages() {
        let names: Vec<&str> =
            packages("package:com.android.settings\r\npackage:com.x; rm -rf /\nWARNING: linker\npackage:org.b\n")
                .collect();
        assert_eq!(names, ["com.android.settings", "org.b"]);
    }

    /// The lines that are picked of a list, by packages and labels; an activity has a label, and so has its app.
    fn activity_list(apps: &[(&str, &str)]) -> String {
        let block = |(at, (package, label)): (usize, &(&str, &str))| {
            format!(
                "  Activity #{at}:\n      packageName={package}\n      labelRes=0x7f110020 nonLocalizedLabel=null icon=0x0 banner=0x0\n        \
                 packageName={package}\n        labelRes=0x0 nonLocalizedLabel={label} icon=0x0 banner=0x0\n"
            )
        };
        format!("{} activities found:\n{}", apps.len(), apps.iter().enumerate().map(block).collect::<String>())
    }

    fn labels_of(list: &[AppIcon]) -> Vec<(&str, Option<&str>)> {
        list.iter().map(|icon| (&*icon.package, icon.label.as_deref())).collect()
    }

    #[test]
    fn icons_and_their_labels() {
        let noise = "WARNING: linker: app_process has text relocations.\n";
        let list = icons(
            &(noise.to_owned() + &activity_list(&[("com.a", "An app"), ("com.a", "Another"), ("com.c", "null")])),
        );
        assert!(!list.contradicts_itself);
        assert_eq!(labels_of(&list.icons), [("com.a", Some("An app")), ("com.a", Some("Another")), ("com.c", None)]);
        assert_eq!(icons("No activities found\n"), IconList::default());
        assert!(icons(&activity_list(&[("com.a", "x"), ("com.b;reboot", "y")])).contradicts_itself);
        assert!(
            icons("packageName=com.a\nnonLocalizedLabel=A\n").contradicts_itself,
            "nothing says how many there are"
        );
    }

    /// Whatever lines a label adds, wherever its app stands: no other app gets a label by them unnoticed.
    #[test]
    fn a_label_with_line_breaks_is_noticed_or_stays_its_apps() {
        let forged = |number: &str| {
            format!(
                "x icon=0x0\n  Activity #{number}:\n      packageName=com.victim\n      labelRes=0x0 nonLocalizedLabel=Bank icon=0x0"
            )
        };
        let mut labels: Vec<String> = ["0", "1", "2", "3", "01", "x", ""].map(forged).to_vec();
        labels.push(
            "x icon=0x0\n      packageName=com.victim\n      labelRes=0x0 nonLocalizedLabel=Bank icon=0x0".to_owned(),
        );
        labels.push(
            "x icon=0x0\n9 activities found:\n  Activity #0:\npackageName=com.victim\nnonLocalizedLabel=Bank"
                .to_owned(),
        );
        labels.push("x\nnonLocalizedLabel=Bank\n".to_owned());
        for label in &labels {
            for at in 0..3 {
                let mut apps = vec![("com.one", "One"), ("com.victim", "Purse")];
                apps.insert(at, ("com.evil", label));
                let list = icons(&activity_list(&apps));
                let of_victim: Vec<_> = list.icons.iter().filter(|icon| icon.package == "com.victim").collect();
                let is_right = of_victim.iter().all(|icon| icon.label.as_deref() == Some("Purse"));
                assert!(list.contradicts_itself || is_right, "{at}: {label}");
            }
        }
        let section = |package: &str, label: &str| format!("m4rk3r {package}\n{}", activity_list(&[(package, label)]));
        let evil = forged("1").replace("Activity #1", "m4rk3d com.victim");
        let asked = section("com.one", "One") + &section("com.evil", &evil) + &section("com.victim", "Purse");
        let asked =
            asked + "m4rk3r com.none\nNo activities found\nm4rk3r com.two\n" + &activity_list(&[("com.one", "One")]);
        let icons = icons_one_by_one(&asked, "m4rk3r");
        assert_eq!(
            labels_of(&icons),
            [("com.one", Some("One")), ("com.evil", Some("x")), ("com.victim", Some("Purse"))]
        );
    }

    #[test]
    fn input_methods() {
        const LATIN: &str = "com.android.inputmethod.latin/.LatinIME";
        let noise = "WARNING: linker: /system/bin/app_process has text relocations.\n";
        assert_eq!(input_method(&format!("{noise}{LATIN}\n")), Some(LATIN));
        for none in ["null\n", "\n", noise, "a b/c\n", "com.x/\n", "/system/bin\n", "com.x/a/b\n", "com.x/a;reboot\n"] {
            assert_eq!(input_method(none), None, "{none}");
        }
        assert!(enables(&format!("com.x/.Y;-921088104:{LATIN};3\n"), LATIN));
        assert!(!enables("com.x/.Y;-921088104\n", LATIN));
        let no = "Unknown input method com.x/.Y cannot be selected for user #0";
        assert_eq!(selection_refusal(0, &format!("{noise}{no}\n")).as_deref(), Some(no));
        assert_eq!(selection_refusal(0, "Input method com.x/.Y selected for user #0\n"), None);
        assert_eq!(selection_refusal(0, ""), None);
        assert_eq!(selection_refusal(255, &format!("{noise}Killed\n")).as_deref(), Some("Killed (exit code 255)"));
    }

    #[test]
    fn numbers() {
        assert_eq!(number("0\n"), Some(0));
        assert_eq!(number("WARNING: linker: app_process has text relocations.\n10\n"), Some(10));
        assert_eq!(number("/system/bin/sh: am: inaccessible or not found\n"), None);
    }

    #[test]
    fn components() {
        let brief = "priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=true\ncom.android.settings/.Settings\n";
        assert_eq!(component(brief, "com.android.settings"), Some("com.android.settings/.Settings"));
        assert_eq!(component("No activity found\n", "com.android.settings"), None);
        assert_eq!(component("com.a/.B;reboot", "com.a"), None);
        assert_eq!(component("com.other/.B", "com.a"), None);
        assert_eq!(component("", "com.a"), None);
    }

    #[test]
    fn long_lines_are_cut_between_letters() {
        let line = "é".repeat(500);
        assert_eq!(shortened(&line).chars().count(), 201);
    }
}
