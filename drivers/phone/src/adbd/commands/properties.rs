//! `getprop` and `setprop`: what the phone says of itself.

use super::Call;

/// Where those that were set are kept.
const SPACE: &str = "property";
/// Properties that a shell may set on phones; no other one.
const SETTABLE: [&str; 4] = ["debug.", "log.", "persist.log.", "sys.usb."];

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
        ("gsm.sim.state", "ABSENT"),
        ("init.svc.adbd", "running"),
        ("persist.sys.locale", locale),
        ("persist.sys.timezone", "UTC"),
        ("ro.adb.secure", "0"),
        ("ro.boot.qemu", "0"),
        ("ro.build.display.id", "tapwright-user"),
        ("ro.build.fingerprint", "tapwright/tapwright/virtual:user/release-keys"),
        ("ro.build.tags", "release-keys"),
        ("ro.debuggable", "0"),
        ("ro.hardware", "virtual"),
        ("ro.build.characteristics", "default"),
        ("ro.build.type", "user"),
        ("ro.build.version.release", &release),
        ("ro.build.version.sdk", &sdk),
        ("ro.product.board", "virtual"),
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
    let mut all: Vec<(String, String)> =
        properties.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    all.extend(
        call.handle().settings().list(SPACE).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    all.sort();
    match &call.arguments()[..] {
        [] => {
            for (name, value) in all {
                call.say(&format!("[{name}]: [{value}]\n"));
            }
        }
        [name, default @ ..] => {
            let value = all.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            let value = value.or(default.first().copied()).unwrap_or("").to_owned();
            call.say(&format!("{value}\n"));
        }
    }
    0
}

pub(super) fn setprop(call: &mut Call<'_>) -> u8 {
    let [name, value] = call.arguments else {
        call.complain("setprop: Needs 2 arguments\n");
        return 1;
    };
    let may = SETTABLE.iter().any(|prefix| name.starts_with(prefix));
    if may && call.handle().settings().insert(SPACE, name, value) {
        return 0;
    }
    call.complain(&format!("Failed to set property '{name}' to '{value}'.\nSee dmesg for error reason.\n"));
    1
}
