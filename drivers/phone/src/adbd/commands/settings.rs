//! `settings`, `ime`, `svc`, `wm`, `getprop`: what the phone is set to.
//!
//! Where the world knows of a setting as a fact, commands change that fact; anything else is kept and changes nothing.

use super::Call;

/// A setting that is a fact of the world, and how each is written.
struct Known {
    space: &'static str,
    name: &'static str,
    fact: &'static str,
    written: Written,
}

enum Written {
    /// What true and false are written as.
    Switch([&'static str; 2]),
    /// The fact times this; facts are whole percents.
    Percent(f64),
}

const fn switched(space: &'static str, name: &'static str, fact: &'static str, written: [&'static str; 2]) -> Known {
    Known { space, name, fact, written: Written::Switch(written) }
}

const KNOWN: &[Known] = &[
    switched("global", "wifi_on", "wifi.on", ["1", "0"]),
    switched("global", "bluetooth_on", "bluetooth.on", ["1", "0"]),
    switched("global", "airplane_mode_on", "airplane.on", ["1", "0"]),
    switched("secure", "ui_night_mode", "dark.on", ["2", "1"]),
    Known { space: "system", name: "screen_brightness", fact: "brightness", written: Written::Percent(2.55) },
    Known { space: "system", name: "font_scale", fact: "font.percent", written: Written::Percent(0.01) },
];

impl Written {
    fn write(&self, fact: &str) -> String {
        match self {
            Written::Switch([on, off]) => if fact == "true" { on } else { off }.to_string(),
            Written::Percent(unit) => {
                let number = fact.parse::<f64>().unwrap_or(0.0) * unit;
                // Brightness is a whole number, and a scale has two digits.
                if 1.0 < *unit { number.round().to_string() } else { ((number * 100.0).round() / 100.0).to_string() }
            }
        }
    }
    fn read(&self, value: &str) -> Option<String> {
        match self {
            Written::Switch([on, _]) => Some((value == *on).to_string()),
            Written::Percent(unit) => value.parse::<f64>().ok().map(|number| (number / unit).round().to_string()),
        }
    }
}

fn known(space: &str, name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| (known.space, known.name) == (space, name))
}

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
        ("put", [name, value, ..]) => put(call, space, name, value),
        ("delete" | "reset", [name, ..]) => {
            let deleted = call.handle().settings().delete(space, name);
            call.say(&format!("Deleted {} rows\n", u8::from(deleted)));
            0
        }
        ("list", _) => {
            let mut lines: Vec<String> =
                call.handle().settings().list(space).iter().map(|(name, value)| format!("{name}={value}\n")).collect();
            for name in
                KNOWN.iter().filter(|known| known.space == *space).map(|known| known.name).chain([DEFAULT_INPUT_METHOD])
            {
                if *space == "secure" || name != DEFAULT_INPUT_METHOD {
                    lines.extend(value(call, space, name).map(|value| format!("{name}={value}\n")));
                }
            }
            lines.sort();
            call.say(&lines.concat());
            0
        }
        _ => call.throw(&format!("IllegalArgumentException: Bad arguments for {verb}")),
    }
}

fn value(call: &Call<'_>, space: &str, name: &str) -> Option<String> {
    if (space, name) == ("secure", DEFAULT_INPUT_METHOD) {
        return Some(call.handle().look(|world| world.input_method().to_owned()));
    }
    if (space, name) == ("secure", "enabled_input_methods") {
        return Some(call.handle().look(|world| world.input_methods().join(":")));
    }
    if let Some(known) = known(space, name)
        && let Some(fact) = call.handle().facts().get(known.fact)
    {
        return Some(known.written.write(fact));
    }
    call.handle().settings().get(space, name).map(str::to_owned)
}

fn put(call: &mut Call<'_>, space: &str, name: &str, value: &str) -> u8 {
    if (space, name) == ("secure", DEFAULT_INPUT_METHOD) {
        // A name that is not installed is kept by phones and selects nothing.
        call.handle().change(|world| world.set_input_method(value));
        return 0;
    }
    if let Some(known) = known(space, name) {
        let set = known.written.read(value).map(|fact| call.handle().set_fact(known.fact, &fact));
        return match set {
            Some(Ok(())) => 0,
            Some(Err(refused)) => call.throw(&format!("IllegalArgumentException: {refused}")),
            None => call.throw(&format!("NumberFormatException: For input string: \"{value}\"")),
        };
    }
    if call.handle().settings().put(space, name, value) {
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
        (Some(&("data" | "nfc")), Some(_)) | (Some(&"power"), None) => 0,
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

pub(super) fn wm(call: &mut Call<'_>) -> u8 {
    match &call.arguments()[..] {
        ["size"] => {
            let (width, height) = call.handle().look(|world| world.size());
            call.say(&format!("Physical size: {width}x{height}\n"));
            0
        }
        ["density"] => {
            let density = call.handle().look(|world| world.density());
            call.say(&format!("Physical density: {density}\n"));
            0
        }
        ["size" | "density", "reset"] => 0,
        ["size" | "density", _] => {
            call.complain("Error: the display of this phone cannot be changed\n");
            255
        }
        ["dismiss-keyguard"] => {
            call.handle().change(crate::World::unlock);
            0
        }
        _ => {
            call.complain("Window manager (window) commands: size [reset] | density [reset] | dismiss-keyguard\n");
            255
        }
    }
}

/// The version of Android that has this API level: 12 has two, and from 13 on each year has one.
fn release(api: u32) -> String {
    match api {
        32 => "12".to_owned(),
        33.. => (api - 20).to_string(),
        _ => (api.saturating_sub(19)).to_string(),
    }
}

pub(super) fn getprop(call: &mut Call<'_>) -> u8 {
    let identity = call.device.options.identity.clone();
    let (density, locale) = call.handle().look(|world| (world.density().to_string(), world.language().locale()));
    let (release, sdk) = (release(identity.api), identity.api.to_string());
    let properties = [
        ("dev.bootcomplete", "1"),
        ("init.svc.adbd", "running"),
        ("persist.sys.locale", locale),
        ("persist.sys.timezone", "UTC"),
        ("ro.build.characteristics", "default"),
        ("ro.build.type", "user"),
        ("ro.build.version.release", &release),
        ("ro.build.version.sdk", &sdk),
        ("ro.product.brand", "tapwright"),
        ("ro.product.cpu.abi", "x86_64"),
        ("ro.product.cpu.abilist", "x86_64"),
        ("ro.product.device", &identity.device),
        ("ro.product.locale", locale),
        ("ro.product.manufacturer", "Tapwright"),
        ("ro.product.model", &identity.model),
        ("ro.product.name", &identity.product),
        ("ro.secure", "1"),
        ("ro.serialno", &identity.serial),
        ("ro.sf.lcd_density", &density),
        ("sys.boot_completed", "1"),
    ];
    match &call.arguments()[..] {
        [] => {
            for (name, value) in properties {
                call.say(&format!("[{name}]: [{value}]\n"));
            }
        }
        [name, default @ ..] => {
            let value = properties.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
            let value = value.or(default.first().copied()).unwrap_or("").to_owned();
            call.say(&format!("{value}\n"));
        }
    }
    0
}
