//! `am`, `monkey`, `uiautomator`: apps come to the front, broadcasts reach the ADB keyboard, the screen is described.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Call;
use super::input::{KeyEffect, key_by_code};
use crate::adbd::files::resolve;
use crate::dump::{self, DumpOptions};
use crate::{ADB_KEYBOARD, AppInfo, Dice, Input, Key};

/// What `uiautomator` says when no window has the focus.
pub(in crate::adbd) const NO_ROOT_NODE: &str = "ERROR: null root node returned by UiTestAutomationBridge.\n";

const MAIN: &str = "android.intent.action.MAIN";
const HOME: &str = "android.intent.category.HOME";

pub(super) fn am(call: &mut Call<'_>) -> u8 {
    let arguments = call.arguments();
    match arguments.split_first() {
        Some((&("start" | "start-activity"), rest)) => start(call, rest),
        Some((&"broadcast", rest)) => broadcast(call, rest),
        Some((&("force-stop" | "kill" | "stop-app"), rest)) => {
            let package = rest.iter().rfind(|word| !word.starts_with('-') && **word != "all" && **word != "current");
            let Some(package) = package else {
                return call.throw("IllegalArgumentException: Argument expected after \"force-stop\"");
            };
            call.handle().change(|world| world.stop(package));
            0
        }
        Some((&("stack" | "task"), ["list", ..])) => {
            tasks(call);
            0
        }
        Some((&"get-current-user", _)) => {
            call.say("0\n");
            0
        }
        // Nothing runs but what is in front, and no broadcast is under way when a command is.
        Some((&("kill-all" | "wait-for-broadcast-idle" | "idle-maintenance"), _)) => 0,
        Some((unknown, _)) => {
            call.complain(&format!("Unknown command: {unknown}\n"));
            255
        }
        None => {
            call.complain("Activity manager (activity) commands: start, broadcast, force-stop, get-current-user\n");
            255
        }
    }
}

/// What `am` reads from its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Intent {
    action: Option<String>,
    categories: Vec<String>,
    data: Option<String>,
    component: Option<String>,
    package: Option<String>,
    extras: Vec<(String, String)>,
    wait: bool,
    stop: bool,
}

impl Intent {
    fn read(arguments: &[&str]) -> Result<Intent, String> {
        let mut intent = Intent::default();
        let mut rest = arguments.iter().copied();
        let mut last = "am";
        while let Some(argument) = rest.next() {
            let mut next = |before: &str| {
                rest.next().map(str::to_owned).ok_or_else(|| format!("Argument expected after \"{before}\""))
            };
            match argument {
                "-a" => intent.action = Some(next(argument)?),
                "-c" => intent.categories.push(next(argument)?),
                "-d" => intent.data = Some(next(argument)?),
                "-n" => intent.component = Some(next(argument)?),
                "-p" => intent.package = Some(next(argument)?),
                "-e" | "--es" | "--ei" | "--ez" | "--el" | "--ef" | "--eia" | "--esa" | "--eu" | "--ela" => {
                    let name = next(argument)?;
                    let value = next(&name)?;
                    intent.extras.push((name, value));
                }
                "--esn" => drop(next(argument)?),
                "-t"
                | "-f"
                | "-i"
                | "--user"
                | "--display"
                | "--windowingMode"
                | "--activityType"
                | "-R"
                | "--receiver-permission" => drop(next(argument)?),
                "-W" => intent.wait = true,
                "-S" => intent.stop = true,
                flag if flag.starts_with('-') => {} // --activity-clear-top and the like change nothing here.
                target if target.contains('/') && !target.contains(':') => intent.component = Some(target.to_owned()),
                target if target.contains(':') => intent.data = Some(target.to_owned()),
                target => intent.package = Some(target.to_owned()),
            }
            last = argument;
        }
        if intent == Intent::default() {
            return Err(format!("Argument expected after \"{last}\""));
        }
        Ok(intent)
    }

    fn show(&self, flags: &str) -> String {
        let mut parts = Vec::new();
        parts.extend(self.action.iter().map(|action| format!("act={action}")));
        if !self.categories.is_empty() {
            parts.push(format!("cat=[{}]", self.categories.join(",")));
        }
        parts.extend(self.data.iter().map(|_| "dat=...".to_owned()));
        parts.extend(self.package.iter().map(|package| format!("pkg={package}")));
        parts.extend(self.component.iter().map(|component| format!("cmp={component}")));
        if !flags.is_empty() {
            parts.push(flags.to_owned());
        }
        if !self.extras.is_empty() {
            parts.push("(has extras)".to_owned());
        }
        format!("Intent {{ {} }}", parts.join(" "))
    }

    /// The last extra of that name, as Android's bundles keep it.
    fn extra(&self, name: &str) -> Option<&str> {
        self.extras.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn start(call: &mut Call<'_>, arguments: &[&str]) -> u8 {
    let intent = match Intent::read(arguments) {
        Ok(intent) => intent,
        Err(why) => return call.throw(&format!("IllegalArgumentException: {why}")),
    };
    let stopped = intent.stop;
    call.say(&format!("Starting: {}\n", intent.show("")));
    if intent.categories.iter().any(|category| category == HOME) {
        call.handle().change(|world| world.input(&Input::Press(Key::Home)));
        return 0;
    }
    let package = match (&intent.component, intent.action.as_deref()) {
        (Some(component), _) => {
            let (package, activity) = component.split_once('/').unwrap_or((component, ""));
            let known = call
                .handle()
                .look(|world| world.apps().iter().any(|app| app.package == package && is_activity(app, activity)));
            if !known {
                let full = full_activity(package, activity);
                call.complain(&format!("Error type 3\nError: Activity class {{{package}/{full}}} does not exist.\n"));
                return 1;
            }
            Some(package.to_owned())
        }
        (None, Some(action)) if owner(action, &intent.categories).is_some() => {
            owner(action, &intent.categories).map(str::to_owned)
        }
        (None, Some(MAIN) | None) if intent.data.is_none() => intent.package.clone(),
        (None, _) => None,
    };
    let Some(package) = package else {
        call.complain(&format!("Error: Activity not started, unable to resolve {}\n", intent.show("")));
        return 1;
    };
    let (mut was_in_front, mut launched) = (false, false);
    call.gesture(|world| {
        was_in_front = world.front().package == package && !stopped;
        if stopped {
            world.stop(&package);
        }
        launched = world.launch(&package);
    });
    if !launched {
        call.complain(&format!("Error: Activity not started, unable to resolve {}\n", intent.show("")));
        return 1;
    }
    if was_in_front {
        call.complain("Warning: Activity not started, its current task has been brought to the front\n");
    }
    if intent.wait {
        let front = call.handle().look(|world| world.front());
        let component = format!("{}/{}", front.package, front.activity);
        call.say(&format!(
            "Status: ok\nLaunchState: COLD\nActivity: {component}\nTotalTime: 0\nWaitTime: 0\nComplete\n"
        ));
    }
    0
}

/// Whose an action is that names no app. All pages of the settings are one on this phone.
fn owner(action: &str, categories: &[String]) -> Option<&'static str> {
    const PAGES: [&str; 13] = [
        "AIRPLANE_MODE",
        "APPLICATION",
        "BATTERY_SAVER",
        "BLUETOOTH",
        "DATE",
        "DEVICE_INFO",
        "DISPLAY",
        "LOCATION_SOURCE",
        "SOUND",
        "WIFI",
        "WIRELESS",
        "ZEN_MODE",
        "INTERNAL_STORAGE",
    ];
    let settings = action.strip_prefix("android.settings.");
    if let Some(page) = settings {
        let known = page == "SETTINGS" || page.strip_suffix("_SETTINGS").is_some_and(|page| PAGES.contains(&page));
        return known.then_some("com.android.settings");
    }
    let category = categories.iter().find_map(|name| name.strip_prefix("android.intent.category.APP_"));
    match (action, category) {
        ("android.intent.action.SHOW_ALARMS", _) => Some("com.android.deskclock"),
        (MAIN, Some("MESSAGING")) => Some("com.android.mms"),
        (MAIN, Some("CONTACTS")) => Some("com.android.contacts"),
        (MAIN, Some("CALENDAR")) => Some("com.android.calendar"),
        _ => None,
    }
}

/// `.Settings` in `com.android.settings` is `com.android.settings.Settings`.
pub(super) fn full_activity(package: &str, activity: &str) -> String {
    if activity.starts_with('.') { format!("{package}{activity}") } else { activity.to_owned() }
}

fn is_activity(app: &AppInfo, activity: &str) -> bool {
    full_activity(app.package, app.activity) == full_activity(app.package, activity)
}

fn broadcast(call: &mut Call<'_>, arguments: &[&str]) -> u8 {
    let intent = match Intent::read(arguments) {
        Ok(intent) => intent,
        Err(why) => return call.throw(&format!("IllegalArgumentException: {why}")),
    };
    call.say(&format!("Broadcasting: {}\n", intent.show("flg=0x400000")));
    let inputs = keyboard(&intent);
    if !inputs.is_empty() {
        call.gesture(|world| {
            // The keyboard only lives while it is selected, and has nowhere to put text without a field.
            if world.input_method() == ADB_KEYBOARD && world.field_has_focus() {
                for input in &inputs {
                    world.input(input);
                }
            }
        });
    }
    call.say("Broadcast completed: result=0\n");
    0
}

/// What the ADB keyboard does on a broadcast. Broken messages do nothing, as nobody reads its log.
fn keyboard(intent: &Intent) -> Vec<Input> {
    let letters = |codes: &str| -> String {
        codes.split(',').filter_map(|code| code.trim().parse().ok()).filter_map(char::from_u32).collect()
    };
    let typed = match intent.action.as_deref() {
        Some("ADB_INPUT_TEXT") => intent.extra("msg").map(str::to_owned),
        Some("ADB_INPUT_B64") => intent
            .extra("msg")
            .and_then(|message| STANDARD.decode(message.split_whitespace().collect::<String>()).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok()),
        Some("ADB_INPUT_CHARS") => intent.extra("chars").map(letters),
        Some("ADB_CLEAR_TEXT") => return vec![Input::Clear],
        // Search, go, send, next, done: on this phone they are all the enter key.
        Some("ADB_EDITOR_CODE") => return vec![Input::Press(Key::Enter)],
        Some("ADB_INPUT_CODE") => {
            return match intent.extra("code").and_then(|code| code.parse().ok()).map(key_by_code) {
                Some(KeyEffect::Key(key)) => vec![Input::Press(key)],
                Some(KeyEffect::Letter(letter)) => vec![Input::Type(letter.to_string())],
                Some(
                    KeyEffect::Wake | KeyEffect::Sleep | KeyEffect::Power | KeyEffect::Control | KeyEffect::Nothing,
                )
                | None => Vec::new(),
            };
        }
        _ => None,
    };
    typed.filter(|text| !text.is_empty()).map(Input::Type).into_iter().collect()
}

/// The task in front, as `am stack list` has it.
fn tasks(call: &mut Call<'_>) {
    let (front, (width, height)) = call.handle().look(|world| (world.front(), world.size()));
    let (package, full) = (front.package, full_activity(front.package, front.activity));
    call.say(&format!(
        "RootTask id=12 bounds=[0,0][{width},{height}] displayId=0 userId=0\n configuration={{1.0 en-rUS}}\n  \
         taskId=12: {package}/{full} bounds=[0,0][{width},{height}] userId=0 visible=true \
         topActivity=ComponentInfo{{{package}/{full}}}\n\n"
    ));
}

/// Random touches that one command may make.
const EVENTS_MAX: u64 = 1000;

/// Launches an app, which is one event; those that follow are touches at random places, drawn from `-s SEED`.
pub(super) fn monkey(call: &mut Call<'_>) -> u8 {
    let arguments = call.arguments();
    let option = |name: &str| arguments.windows(2).rfind(|pair| pair[0] == name).map(|pair| pair[1]);
    let Some(count) = arguments.last().and_then(|count| count.parse::<u64>().ok()) else {
        call.complain(
            "** Error: Count not specified\nusage: monkey [-p ALLOWED_PACKAGE [-p ALLOWED_PACKAGE] ...] COUNT\n",
        );
        return 255;
    };
    let Some(package) = option("-p") else {
        call.complain("** Error: this phone's monkey only plays with one app: say a package with -p\n");
        return 255;
    };
    if EVENTS_MAX < count {
        call.complain(&format!("** Error: this phone's monkey makes {EVENTS_MAX} events at most\n"));
        return 255;
    }
    if !call.handle().look(|world| world.apps().iter().any(|app| app.package == package)) {
        call.say("** No activities found to run, monkey aborted.\n");
        return 252;
    }
    let mut dice = Dice::new(option("-s").and_then(|seed| seed.parse().ok()).unwrap_or(0));
    for event in 0..count {
        call.gesture(|world| {
            if event == 0 || world.front().package != package {
                world.launch(package); // It does not leave the app that it was given.
            } else {
                let (width, height) = world.size();
                world
                    .input(&Input::Tap { x: dice.below(width as usize) as i32, y: dice.below(height as usize) as i32 });
            }
        });
    }
    call.say(&format!(
        "Events injected: {count}\n## Network stats: elapsed time=0ms (0ms mobile, 0ms wifi, 0ms not connected)\n"
    ));
    0
}

pub(super) fn uiautomator(call: &mut Call<'_>) -> u8 {
    let arguments = call.arguments();
    let ["dump", rest @ ..] = &arguments[..] else {
        call.complain("Usage: uiautomator <subcommand> [options]\n\nAvailable subcommands:\n\ndump: creates an XML dump of current UI hierarchy\n");
        return 1;
    };
    let name = rest.iter().find(|word| !word.starts_with('-')).copied().unwrap_or("/sdcard/window_dump.xml");
    let options = DumpOptions { api: call.device.options.identity.api, compressed: rest.contains(&"--compressed") };
    let Some(xml) = call.handle().look(|world| dump::hierarchy(world, options)) else {
        call.complain(NO_ROOT_NODE);
        return 0; // As on every phone.
    };
    if name == "/dev/tty" {
        call.say(&xml);
    } else {
        let path = resolve(call.folder, name);
        let now = call.handle().now();
        // What goes wrong here stands in the log of a phone, and not in its answer.
        if let Err(why) = call.handle().files().write(&path, xml.into_bytes(), now) {
            call.handle().log(
                'E',
                "AccessibilityNodeInfoDumper",
                &format!("failed to dump window to file: {path}: {why}"),
            );
        }
    }
    // Misspelt as on every phone: clients look for it.
    call.say(&format!("UI hierchary dumped to: {name}\n"));
    0
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(command: &str, expected: Expect) {
        let words: Vec<&str> = command.split(' ').collect();
        expected.assert_eq(&match Intent::read(&words) {
            Ok(intent) => format!("{} does {:?}", intent.show(""), keyboard(&intent)),
            Err(why) => why,
        });
    }

    #[test]
    fn broadcasts_become_input() {
        check(
            "-a ADB_INPUT_B64 --es msg 5L2g5aW9",
            expect![[r#"Intent { act=ADB_INPUT_B64 (has extras) } does [Type("你好")]"#]],
        );
        check("-a ADB_INPUT_B64 --es msg", expect![[r#"Argument expected after "msg""#]]);
        check("-a ADB_INPUT_B64 --es msg %%%", expect!["Intent { act=ADB_INPUT_B64 (has extras) } does []"]);
        check(
            "-a ADB_INPUT_CHARS --eia chars 72,105",
            expect![[r#"Intent { act=ADB_INPUT_CHARS (has extras) } does [Type("Hi")]"#]],
        );
        check("-a ADB_CLEAR_TEXT", expect!["Intent { act=ADB_CLEAR_TEXT } does [Clear]"]);
        check(
            "-a ADB_EDITOR_CODE --ei code 3",
            expect!["Intent { act=ADB_EDITOR_CODE (has extras) } does [Press(Enter)]"],
        );
        check(
            "-a ADB_INPUT_CODE --ei code 67",
            expect!["Intent { act=ADB_INPUT_CODE (has extras) } does [Press(Delete)]"],
        );
        check("-a SOMETHING.ELSE", expect!["Intent { act=SOMETHING.ELSE } does []"]);
    }

    #[test]
    fn intents_are_read() {
        check(
            "-n com.android.settings/.Settings -f 0x10000000 --user 0",
            expect!["Intent { cmp=com.android.settings/.Settings } does []"],
        );
        check(
            "-a android.intent.action.VIEW -d https://a.b/c",
            expect!["Intent { act=android.intent.action.VIEW dat=... } does []"],
        );
        check("com.android.settings", expect!["Intent { pkg=com.android.settings } does []"]);
        check("-n", expect![[r#"Argument expected after "-n""#]]);
    }
}
