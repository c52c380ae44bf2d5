//! `pm` and `cmd package`: which apps there are.

use super::Call;
use crate::adbd::{apk, files};
use crate::{AppInfo, InstallError};

/// Packages without an activity of their own.
const SYSTEM: &[&str] = &["android", "com.android.inputmethod.latin", "com.android.shell", "com.android.systemui"];
/// Installed by whoever set up the phone.
const THIRD_PARTY: &[&str] = &["com.android.adbkeyboard"];

/// The last word that is no option, nor the number of a user: there is one.
fn operand<'a>(options: &[&'a str]) -> Option<&'a str> {
    let is_user = |at: usize| at > 0 && options[at - 1] == "--user";
    let mut words = options.iter().enumerate().filter(|(at, word)| !word.starts_with('-') && !is_user(*at));
    words.next_back().map(|(_, word)| *word)
}

pub(super) fn pm(call: &mut Call<'_>) -> u8 {
    let arguments = call.arguments();
    match &arguments[..] {
        ["list", "packages" | "package", options @ ..] => list(call, options),
        ["list", "users"] => {
            call.say("Users:\n\tUserInfo{0:Owner:c13} running\n");
            0
        }
        ["list", "features", ..] => {
            call.say("feature:android.hardware.bluetooth\nfeature:android.hardware.touchscreen\nfeature:android.hardware.wifi\n");
            0
        }
        // There are none.
        ["list", "libraries" | "instrumentation" | "permissions" | "permission-groups", ..] => 0,
        ["path", rest @ ..] => {
            let Some(name) = rest.iter().rfind(|word| !word.starts_with('-')).copied() else {
                return call.throw("IllegalArgumentException: Argument expected after \"path\"");
            };
            if !all(call).iter().any(|(package, _)| *package == name) {
                return 1;
            }
            let path = path(call, name);
            call.say(&format!("package:{path}\n"));
            0
        }
        ["resolve-activity", options @ ..] => resolve(call, options),
        ["query-activities" | "query-intent-activities", options @ ..] => query(call, options),
        ["install", options @ ..] => install(call, options),
        ["install-create" | "install-write" | "install-commit" | "install-abandon" | "install-incremental", ..] => {
            call.say("Failure [INSTALL_FAILED_INVALID_APK: this phone takes packages of one file: pm install FILE]\n");
            1
        }
        ["install-existing", ..] => {
            call.say("Failure [INSTALL_FAILED_USER_RESTRICTED: every app of this phone is installed for its user]\n");
            1
        }
        ["uninstall", options @ ..] => uninstall(call, options),
        ["clear", options @ ..] => {
            let Some(name) = operand(options) else {
                return call.throw("IllegalArgumentException: Argument expected after \"clear\"");
            };
            let is_cleared = call.handle().change(|world| world.clear(name));
            call.say(if is_cleared { "Success\n" } else { "Failed\n" });
            u8::from(!is_cleared)
        }
        ["disable" | "disable-user" | "hide" | "suspend", ..] => {
            call.throw("SecurityException: Shell cannot change component state: the apps of this phone are fixed")
        }
        ["enable", rest @ ..] => match rest.last().filter(|name| all(call).iter().any(|(package, _)| package == *name))
        {
            Some(name) => {
                call.say(&format!("Package {name} new state: enabled\n"));
                0
            }
            None => call.throw("IllegalArgumentException: Unknown package"),
        },
        [verb @ ("grant" | "revoke"), rest @ ..] => permission(call, verb, rest),
        [unknown, ..] => {
            call.complain(&format!("Unknown command: {unknown}\n"));
            255
        }
        [] => {
            call.complain(
                "Package manager (package) commands: list packages, path, resolve-activity, query-activities\n",
            );
            255
        }
    }
}

/// How many bytes of its input `pm install -S BYTES` reads; `None` if it reads none.
pub(super) fn installed_bytes(arguments: &[String]) -> Option<usize> {
    let (verb, options) = arguments.split_first()?;
    let at = options.iter().position(|option| option == "-S").filter(|_| verb == "install")?;
    options.get(at + 1)?.parse().ok()
}

fn install(call: &mut Call<'_>, options: &[&str]) -> u8 {
    let takes_value = |option: &str| matches!(option, "-S" | "-i" | "-p" | "--user" | "--install-location" | "--abi");
    let is_path = |at: &usize| !options[*at].starts_with('-') && (*at == 0 || !takes_value(options[*at - 1]));
    let path = (0..options.len()).find(is_path).map(|at| options[at]).filter(|path| *path != "-");
    let read = match path {
        None if call.stdin.is_empty() => {
            Err("INSTALL_FAILED_INVALID_APK: name a package, or its size with -S".to_owned())
        }
        None => apk::read(call.stdin).map_err(|error| error.to_string()),
        Some(path) => {
            let place = files::resolve(call.folder, path);
            let file = call.handle().files().read(&place);
            match file {
                Ok(bytes) => apk::read(&bytes).map_err(|error| error.to_string()),
                Err(error) => Err(format!("INSTALL_FAILED_INVALID_URI: {path:.200}: {error}")),
            }
        }
    };
    let done = read.and_then(|package| {
        let done = call.handle().change(|world| world.install(&package));
        done.map(|()| package.package.clone()).map_err(|error| match error {
            InstallError::OwnApp => format!(
                "INSTALL_FAILED_UPDATE_INCOMPATIBLE: Existing package {} signatures do not match newer version; ignoring!",
                package.package
            ),
            InstallError::TooMany => format!("INSTALL_FAILED_INSUFFICIENT_STORAGE: {error}"),
            InstallError::NotInstalled => error.to_string(),
        })
    });
    match done {
        Ok(package) => {
            call.handle().log('I', "PackageManager", &format!("Package {package} installed"));
            call.say("Success\n");
            0
        }
        Err(why) => {
            call.say(&format!("Failure [{why}]\n"));
            1
        }
    }
}

fn uninstall(call: &mut Call<'_>, options: &[&str]) -> u8 {
    let Some(name) = operand(options) else {
        return call.throw("IllegalArgumentException: Argument expected after \"uninstall\"");
    };
    match call.handle().change(|world| world.uninstall(name)) {
        Ok(()) => {
            call.say("Success\n");
            0
        }
        Err(InstallError::NotInstalled) => {
            call.say(&format!("Failure [not installed for 0: {name:.200}]\n"));
            1
        }
        Err(_) => {
            call.say("Failure [DELETE_FAILED_INTERNAL_ERROR: the phone came with it]\n");
            1
        }
    }
}

/// The permissions of Android's that apps of this phone ask their owner for, with the names that facts have for them.
const ASKED: [(&str, &str); 4] = [
    ("android.permission.ACCESS_FINE_LOCATION", "location"),
    ("android.permission.ACCESS_COARSE_LOCATION", "location"),
    ("android.permission.READ_MEDIA_IMAGES", "photos"),
    ("android.permission.READ_EXTERNAL_STORAGE", "photos"),
];

/// What an app may do. Of what no app here asks for, `dumpsys package` tells it, and it makes no difference.
fn permission(call: &mut Call<'_>, verb: &str, rest: &[&str]) -> u8 {
    let words: Vec<&str> = rest.iter().copied().filter(|word| !word.starts_with('-') && *word != "0").collect();
    let [package, permission] = words[..] else {
        return call.throw(&format!("IllegalArgumentException: Argument expected after \"{verb}\""));
    };
    if !all(call).iter().any(|(known, _)| *known == package) {
        return call.throw(&format!("IllegalArgumentException: Unknown package: {package}"));
    }
    let row = format!("{package} {permission}");
    let kept = match verb {
        "grant" => call.handle().settings().insert("permission", &row, "granted"),
        _ => {
            call.handle().settings().delete("permission", &row);
            true
        }
    };
    if let Some((_, kind)) = ASKED.iter().find(|(name, _)| *name == permission) {
        // An app whose permission is taken away has to ask again.
        let value = if verb == "grant" { "granted" } else { "ask" };
        let fact = format!("permission.{package}.{kind}");
        // Packages without a page ask for nothing.
        let _ = call.handle().change(|world| world.set_fact(&fact, value));
    }
    if kept { 0 } else { call.throw("IllegalStateException: too many permissions") }
}

/// All packages, and whether each came with the phone.
fn all(call: &Call<'_>) -> Vec<(&'static str, bool)> {
    let mut packages: Vec<_> = SYSTEM.iter().map(|name| (*name, true)).collect();
    let installed = call.handle().look(|world| world.input_methods().contains(&crate::ADB_KEYBOARD));
    packages.extend(THIRD_PARTY.iter().filter(|_| installed).map(|name| (*name, false)));
    let is_system = |world: &crate::World, app: &AppInfo| (app.package, !world.is_added(app.package));
    packages
        .extend(call.handle().look(|world| world.apps().iter().map(|app| is_system(world, app)).collect::<Vec<_>>()));
    packages.sort_unstable();
    packages
}

fn path(call: &Call<'_>, package: &str) -> String {
    if THIRD_PARTY.contains(&package) || call.handle().look(|world| world.is_added(package)) {
        format!("/data/app/{package}/base.apk")
    } else {
        format!("/system/app/{package}/{package}.apk")
    }
}

fn list(call: &mut Call<'_>, options: &[&str]) -> u8 {
    let has = |option| options.contains(&option);
    // `--user 0` takes a value that is no filter.
    let filter = options
        .iter()
        .enumerate()
        .find(|(at, word)| !word.starts_with('-') && (*at == 0 || options[at - 1] != "--user"))
        .map_or("", |(_, word)| *word);
    for (package, system) in all(call) {
        if (has("-3") && system) || (has("-s") && !system) || has("-d") || !package.contains(filter) {
            continue;
        }
        let file = if has("-f") { format!("{}=", path(call, package)) } else { String::new() };
        let uid = if has("-U") { " uid:10050" } else { "" };
        call.say(&format!("package:{file}{package}{uid}\n"));
    }
    0
}

/// What `-a`, `-c` and the rest of an intent ask for.
fn package_of<'a>(options: &[&'a str]) -> Option<&'a str> {
    let takes_value = |word: &str| matches!(word, "-a" | "-c" | "-d" | "-t" | "-n" | "--user" | "--query-flags");
    let named = options.windows(2).find(|pair| pair[0] == "-p").map(|pair| pair[1]);
    named.or_else(|| {
        options
            .iter()
            .enumerate()
            .find(|(at, word)| !word.starts_with('-') && (*at == 0 || !takes_value(options[at - 1])))
            .map(|(_, word)| *word)
    })
}

fn resolve(call: &mut Call<'_>, options: &[&str]) -> u8 {
    let home = options.contains(&"android.intent.category.HOME");
    let package = package_of(options).unwrap_or_default().to_owned();
    let app = call.handle().look(|world| {
        let launcher = world.front(); // In front of nothing else: only its name is not listed among the apps.
        match world.apps().iter().find(|app| app.package == package) {
            Some(app) => Some(*app),
            None if home && world.apps().iter().all(|app| app.package != launcher.package) => Some(launcher),
            None => None,
        }
    });
    match app {
        Some(app) => describe(call, &app, options.contains(&"--brief"), ""),
        None => call.say("No activity found\n"),
    }
    0
}

fn query(call: &mut Call<'_>, options: &[&str]) -> u8 {
    let package = package_of(options).map(str::to_owned);
    let launchable =
        options.iter().all(|word| !word.starts_with("android.intent.action.") || *word == "android.intent.action.MAIN");
    let apps: Vec<AppInfo> = call.handle().look(|world| world.apps().to_vec());
    let apps: Vec<AppInfo> = apps
        .into_iter()
        .filter(|app| launchable && package.as_ref().is_none_or(|package| app.package == package))
        .collect();
    if apps.is_empty() {
        call.say("No activities found\n");
        return 0;
    }
    if options.contains(&"--components") {
        for app in apps {
            call.say(&format!("{}/{}\n", app.package, app.activity));
        }
        return 0;
    }
    call.say(&format!("{} activities found:\n", apps.len()));
    for (index, app) in apps.iter().enumerate() {
        call.say(&format!("  Activity #{index}:\n"));
        describe(call, app, options.contains(&"--brief"), "    ");
    }
    0
}

fn describe(call: &mut Call<'_>, app: &AppInfo, brief: bool, indent: &str) {
    let AppInfo { package, activity, label } = app;
    let first = format!("{indent}priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=false\n");
    call.say(&first);
    if brief {
        call.say(&format!("{indent}{package}/{activity}\n"));
        return;
    }
    let full = super::activity::full_activity(package, activity);
    call.say(&format!(
        "{indent}ActivityInfo:\n{indent}  name={full}\n{indent}  packageName={package}\n{indent}  \
         labelRes=0x0 nonLocalizedLabel={label} icon=0x0 banner=0x0\n{indent}  enabled=true exported=true\n"
    ));
}
