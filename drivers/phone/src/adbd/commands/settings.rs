//! `settings`, `ime`, `svc`, `wm`: what the phone is set to.
//!
//! Where the world knows of a setting as a fact, commands change that fact; anything else is kept and changes nothing.

use super::Call;

/// A setting that is a fact of the world, and how each is written.
struct SettingFact {
    space: &'static str,
    name: &'static str,
    fact: &'static str,
    written: Encoding,
}

enum Encoding {
    /// What true and false are written as.
    Switch([&'static str; 2]),
    /// The fact times this; facts are whole percents.
    Percent(f64),
}

const fn switch_fact(
    space: &'static str,
    name: &'static str,
    fact: &'static str,
    written: [&'static str; 2],
) -> SettingFact {
    SettingFact { space, name, fact, written: Encoding::Switch(written) }
}

const KNOWN: &[SettingFact] = &[
    switch_fact("global", "wifi_on", "wifi.on", ["1", "0"]),
    switch_fact("global", "bluetooth_on", "bluetooth.on", ["1", "0"]),
    switch_fact("global", "airplane_mode_on", "airplane.on", ["1", "0"]),
    switch_fact("secure", "ui_night_mode", "dark.on", ["2", "1"]),
    switch_fact("secure", "location_mode", "location.on", ["3", "0"]),
    switch_fact("global", "low_power", "saver.on", ["1", "0"]),
    switch_fact("global", "zen_mode", "quiet.on", ["1", "0"]),
    switch_fact("system", "accelerometer_rotation", "rotate.on", ["1", "0"]),
    SettingFact { space: "system", name: "screen_brightness", fact: "brightness", written: Encoding::Percent(2.55) },
    SettingFact { space: "system", name: "font_scale", fact: "font.percent", written: Encoding::Percent(0.01) },
];

impl Encoding {
    fn write(&self, fact: &str) -> String {
        match self {
            Encoding::Switch([on, off]) => if fact == "true" { on } else { off }.to_string(),
            Encoding::Percent(unit) => {
                let number = fact.parse::<f64>().unwrap_or(0.0) * unit;
                // Brightness is a whole number, and a scale has two digits.
                if 1.0 < *unit { number.round().to_string() } else { ((number * 100.0).round() / 100.0).to_string() }
            }
        }
    }
    fn read(&self, value: &str) -> Option<String> {
        match self {
            Encoding::Switch([on, _]) => Some((value == *on).to_string()),
            Encoding::Percent(unit) => value.parse::<f64>().ok().map(|number| (number / unit).round().to_string()),
        }
    }
}

fn setting_fact(space: &str, name: &str) -> Option<&'static SettingFact> {
    KNOWN.iter().find(|known| (known.space, known.name) == (space, name))
}

/// What phones hold from the beginning, and what makes no difference to this one.
const DEFAULTS: &[(&str, &str, &str)] = &[
    ("global", "adb_enabled", "1"),
    ("global", "animator_duration_scale", "1.0"),
    ("global", "auto_time", "1"),
    ("global", "development_settings_enabled", "1"),
    ("global", "device_name", "Tapwright Phone"),
    ("global", "device_provisioned", "1"),
    ("global", "heads_up_notifications_enabled", "1"),
    ("global", "mobile_data", "0"),
    ("global", "stay_on_while_plugged_in", "7"),
    ("global", "transition_animation_scale", "1.0"),
    ("global", "window_animation_scale", "1.0"),
    ("secure", "accessibility_enabled", "0"),
    ("secure", "android_id", "0123456789abcdef"),
    ("secure", "user_setup_complete", "1"),
    ("secure", "zen_duration", "0"),
    ("system", "pointer_location", "0"),
    ("system", "screen_brightness_mode", "0"),
    ("system", "screen_off_timeout", "2147483647"),
    ("system", "show_touches", "0"),
    ("system", "time_12_24", "24"),
];
/// How the display stands where it does not follow the hand: in quarter turns.
const USER_ROTATION: &str = "user_rotation";
const DEFAULT_INPUT_METHOD: &str = "default_input_method";

pub(super) fn settings(call: &mut Call<'_>) -> u8 {
    let arguments = call.arguments();
    // `--user 0` and `--user current` may stand before the verb: there is one user.
    let rest = match &arguments[..] {
        ["--user", _, rest @ ..] => rest,
        rest => rest,
    };
    let [verb, space, rest @ ..] = rest else {
        call.complain(
            "Settings provider (settings) commands: get|put|delete|list {system|secure|global} [NAME [VALUE]]\n",
        );
        return 255;
    };
    if !["system", "secure", "global"].contains(space) {
        return call.throw(&format!("IllegalArgumentException: Invalid namespace '{space}'"));
    }
    match (*verb, rest) {
        ("get", [name, ..]) => {
            let value = value(call, space, name).unwrap_or_else(|| "null".to_owned());
            call.say(&format!("{value}\n"));
            0
        }
        ("put", [name, value, ..]) => write_setting(call, space, name, value),
        ("delete" | "reset", [name, ..]) => {
            let deleted = call.handle().settings().delete(space, name);
            call.say(&format!("Deleted {} rows\n", u8::from(deleted)));
            0
        }
        ("list", _) => {
            let lines: String = all(call, space).into_iter().map(|(name, value)| format!("{name}={value}\n")).collect();
            call.say(&lines);
            0
        }
        _ => call.throw(&format!("IllegalArgumentException: Bad arguments for {verb}")),
    }
}

/// All settings of a space, by their names.
pub(super) fn all(call: &Call<'_>, space: &str) -> Vec<(String, String)> {
    let kept: Vec<String> = call.handle().settings().list(space).iter().map(|(name, _)| (*name).to_owned()).collect();
    let known = KNOWN.iter().filter(|known| known.space == space).map(|known| known.name);
    let special = [("secure", DEFAULT_INPUT_METHOD), ("secure", "enabled_input_methods"), ("system", USER_ROTATION)];
    let given = DEFAULTS.iter().map(|(space, name, _)| (*space, *name)).chain(special);
    let given = given.filter(|(of, _)| *of == space).map(|(_, name)| name);
    let mut names: Vec<String> = known.chain(given).map(str::to_owned).chain(kept).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(|name| value(call, space, &name).map(|value| (name, value))).collect()
}

fn value(call: &Call<'_>, space: &str, name: &str) -> Option<String> {
    if (space, name) == ("system", USER_ROTATION) {
        return Some(u8::from(call.handle().look(crate::World::is_turned)).to_string());
    }
    if (space, name) == ("secure", DEFAULT_INPUT_METHOD) {
        return Some(call.handle().look(|world| world.input_method().to_owned()));
    }
    if (space, name) == ("secure", "enabled_input_methods") {
        return Some(call.handle().look(|world| world.input_methods().join(":")));
    }
    if let Some(known) = setting_fact(space, name)
        && let Some(fact) = call.handle().facts().get(known.fact)
    {
        return Some(known.written.write(fact));
    }
    let kept = call.handle().settings().get(space, name).map(str::to_owned);
    let default = DEFAULTS.iter().find(|(of, known, _)| (*of, *known) == (space, name));
    kept.or_else(|| default.map(|(_, _, value)| (*value).to_owned()))
}

pub(super) fn write_setting(call: &mut Call<'_>, space: &str, name: &str, value: &str) -> u8 {
    if (space, name) == ("secure", DEFAULT_INPUT_METHOD) {
        // A name that is not installed is kept by phones and selects nothing.
        call.handle().change(|world| world.set_input_method(value));
        return 0;
    }
    if (space, name) == ("system", USER_ROTATION) {
        let millis = match value {
            "0" => 0,
            "1" => u64::MAX,
            "2" | "3" => {
                return call.throw("IllegalArgumentException: this phone is upright, or lies on its left side");
            }
            _ => return call.throw(&format!("NumberFormatException: For input string: \"{value}\"")),
        };
        call.handle().happen(crate::Event::Turn { millis });
        return 0;
    }
    if let Some(known) = setting_fact(space, name) {
        let set = known.written.read(value).map(|fact| call.handle().set_fact(known.fact, &fact));
        return match set {
            Some(Ok(())) => 0,
            Some(Err(refused)) => call.throw(&format!("IllegalArgumentException: {refused}")),
            None => call.throw(&format!("NumberFormatException: For input string: \"{value}\"")),
        };
    }
    if call.handle().settings().insert(space, name, value) {
        0
    } else {
        call.throw("IllegalStateException: You are adding too many system settings.")
    }
}

/// Sets a fact that stands for a switch.
fn switch(call: &mut Call<'_>, fact: &str, on: bool) -> u8 {
    match call.handle().set_fact(fact, if on { "true" } else { "false" }) {
        Ok(()) => 0,
        Err(refused) => {
            call.complain(&format!("{refused}\n"));
            1
        }
    }
}

pub(super) fn svc(call: &mut Call<'_>) -> u8 {
    let arguments = call.arguments();
    let on = match arguments.get(1) {
        Some(&"enable") => Some(true),
        Some(&"disable") => Some(false),
        _ => None,
    };
    match (arguments.first(), on) {
        (Some(&"wifi"), Some(on)) => switch(call, "wifi.on", on),
        (Some(&"bluetooth"), Some(on)) => switch(call, "bluetooth.on", on),
        // It is always on, and charged.
        (Some(&"power"), None) if matches!(arguments[1..], ["stayon", "true" | "usb" | "ac" | "wireless"]) => 0,
        (Some(&"power"), None) if arguments.get(1) == Some(&"reboot") => {
            call.device.reboot();
            0
        }
        (Some(&service @ ("data" | "nfc" | "power")), _) => {
            call.complain(&format!("svc {service}: this phone has nothing of the kind to switch\n"));
            1
        }
        _ => {
            call.complain(
                "Available commands:\n    help     Show information about the subcommands\n    power    Control the power manager\n    \
                 data     Control mobile data connectivity\n    wifi     Control the Wi-Fi manager\n    \
                 bluetooth Control Bluetooth service\n",
            );
            1
        }
    }
}

pub(super) fn cmd_wifi(call: &mut Call<'_>) -> u8 {
    match &call.arguments()[..] {
        ["set-wifi-enabled", "enabled"] => switch(call, "wifi.on", true),
        ["set-wifi-enabled", "disabled"] => switch(call, "wifi.on", false),
        ["status"] => {
            let on = call.handle().facts().get("wifi.on").is_some_and(|value| value == "true");
            call.say(if on { "Wifi is enabled\n" } else { "Wifi is disabled\n" });
            0
        }
        _ => {
            call.complain("Unknown command\n");
            255
        }
    }
}

pub(super) fn uimode(call: &mut Call<'_>) -> u8 {
    match &call.arguments()[..] {
        ["night", wanted @ ("yes" | "no")] => {
            let wanted = wanted.to_string();
            let status = switch(call, "dark.on", wanted == "yes");
            if status == 0 {
                call.say(&format!("Night mode: {wanted}\n"));
            }
            status
        }
        ["night"] => {
            let on = call.handle().facts().get("dark.on").is_some_and(|value| value == "true");
            call.say(if on { "Night mode: yes\n" } else { "Night mode: no\n" });
            0
        }
        _ => {
            call.complain("Unknown command\n");
            255
        }
    }
}

pub(super) fn ime(call: &mut Call<'_>) -> u8 {
    let arguments = call.arguments();
    let id = arguments[1..].iter().rfind(|word| !word.starts_with('-') && word.contains('/')).copied();
    match arguments.first() {
        Some(&"list") => {
            let installed = call.handle().look(|world| world.input_methods());
            let short = arguments.contains(&"-s");
            for id in installed {
                let package = id.split('/').next().unwrap_or_default();
                call.say(&if short {
                    format!("{id}\n")
                } else {
                    format!("{id}:\n  mId={id} mSettingsActivityName=null mIsVrOnly=false\n  packageName={package}\n")
                });
            }
            0
        }
        Some(&verb @ ("enable" | "disable" | "set")) => {
            let Some(id) = id else {
                return call.throw(&format!("IllegalArgumentException: Argument expected after \"{verb}\""));
            };
            let known = call.handle().change(|world| match verb {
                "set" => world.set_input_method(id),
                _ => world.input_methods().contains(&id),
            });
            if !known {
                let sorry = if verb == "set" {
                    format!("Unknown input method {id} cannot be selected for user #0\n")
                } else {
                    format!("Unknown input method {id} cannot be enabled for user #0\n")
                };
                call.complain(&sorry);
                return 255;
            }
            call.say(&match verb {
                "set" => format!("Input method {id} selected for user #0\n"),
                "enable" => format!("Input method {id}: already enabled for user #0\n"),
                _ => format!("Input method {id}: cannot be disabled on this phone\n"),
            });
            0
        }
        Some(&"reset") => {
            let first = call.handle().look(|world| world.input_methods().first().copied());
            if let Some(first) = first {
                call.handle().change(|world| world.set_input_method(first));
                call.say(&format!("Reset current and enabled IMEs for user #0\n  Selected: {first}\n"));
            }
            0
        }
        _ => {
            call.complain("ime list [-a] [-s] | enable ID | disable ID | set ID | reset\n");
            255
        }
    }
}

/// Where the size that the display was built with is kept while it has another one.
const DISPLAY_SPACE: &str = "display";
const BUILT_SIZE: &str = "size";

fn size_text((width, height): (u32, u32)) -> String {
    format!("{width}x{height}")
}

fn size_of(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

/// The size of the display, however it is held.
fn upright(world: &crate::World) -> (u32, u32) {
    let (width, height) = world.size();
    if world.is_turned() { (height, width) } else { (width, height) }
}

fn wm_size(call: &mut Call<'_>, wanted: Option<&str>) -> u8 {
    let now = call.handle().look(upright);
    let built = call.handle().settings().get(DISPLAY_SPACE, BUILT_SIZE).and_then(size_of).unwrap_or(now);
    let wanted = match wanted {
        None => {
            call.say(&format!("Physical size: {}\n", size_text(built)));
            if built != now {
                call.say(&format!("Override size: {}\n", size_text(now)));
            }
            return 0;
        }
        Some("reset") => Some(built),
        Some(text) => size_of(text),
    };
    match wanted {
        Some(size) if call.handle().change(|world| world.resize(size)) => {
            call.handle().settings().insert(DISPLAY_SPACE, BUILT_SIZE, &size_text(built));
            0
        }
        Some(_) => call.throw("IllegalArgumentException: the display of this phone has 240x400 to 4096x4096 pixels"),
        None => call.throw("IllegalArgumentException: bad size: say WxH, or reset"),
    }
}

pub(super) fn wm(call: &mut Call<'_>) -> u8 {
    match &call.arguments()[..] {
        ["size"] => wm_size(call, None),
        ["size", wanted] => {
            let wanted = wanted.to_string();
            wm_size(call, Some(&wanted))
        }
        ["density"] => {
            let density = call.handle().look(|world| world.density());
            call.say(&format!("Physical density: {density}\n"));
            0
        }
        ["density", "reset"] => 0,
        ["density", _] => {
            call.complain("Error: the density of this phone goes by its width and cannot be changed\n");
            255
        }
        ["dismiss-keyguard"] => {
            call.handle().change(crate::World::unlock);
            0
        }
        _ => {
            call.complain("Window manager (window) commands: size [reset|WxH] | density [reset] | dismiss-keyguard\n");
            255
        }
    }
}
