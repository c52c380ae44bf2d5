//! What an adb server says: statuses, features, its list of devices.

use std::collections::BTreeSet;

use tapwright_contract::device::DriverErrorKind;

/// A device that an adb server knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDevice {
    /// What to call it: a serial number, or an address.
    pub serial: String,
    /// Whether it can be used.
    pub state: DeviceState,
    /// What people call it, for example `Pixel_8`; empty if the server does not know.
    pub model: String,
}

/// Whether a device can be used, and if not, what it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// It can be used.
    Ready,
    /// It is known and does not answer.
    Offline,
    /// Its owner has to confirm this computer's key on the device.
    Unauthorized,
    /// Anything else, in the server's words: `recovery`, `no permissions (…)`.
    Other(String),
}

impl DeviceState {
    fn from_words(words: &str) -> DeviceState {
        match words {
            "device" => DeviceState::Ready,
            "offline" => DeviceState::Offline,
            "unauthorized" => DeviceState::Unauthorized,
            other => DeviceState::Other(other.to_owned()),
        }
    }
}

/// A request as a smart socket wants it: its length in four hexadecimal digits, then itself.
///
/// # Errors
/// `DriverErrorKind::Refused` if it is too long for that.
pub(crate) fn request(text: &str) -> Result<Vec<u8>, DriverErrorKind> {
    let length = u16::try_from(text.len()).map_err(|_| DriverErrorKind::Refused {
        why: format!("a command of {} bytes is too long for an adb server", text.len()),
    })?;
    Ok(format!("{length:04x}{text}").into_bytes())
}

/// The length of what follows.
///
/// # Errors
/// `DriverErrorKind::MalformedResponse` if that is no length.
pub(crate) fn length(digits: [u8; 4]) -> Result<usize, DriverErrorKind> {
    // Not `from_str_radix` alone: it takes a sign.
    std::str::from_utf8(&digits)
        .ok()
        .filter(|text| text.bytes().all(|digit| digit.is_ascii_hexdigit()))
        .and_then(|text| usize::from_str_radix(text, 16).ok())
        .ok_or_else(|| DriverErrorKind::MalformedResponse {
            why: format!("{:?} is not a length", String::from_utf8_lossy(&digits)),
        })
}

/// What an adb server says of a device that it knows and cannot use yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PassingState {
    /// It comes up by itself.
    Connecting,
    /// It does not answer, as many do for a moment while they come up.
    Offline,
    /// Its owner is asked, or its key is being looked at.
    Authorizing,
}

/// Whether a `FAIL` tells of a state that ends by itself.
pub(crate) fn passing(message: &str) -> Option<PassingState> {
    let says = |word| message.contains(word);
    if says("authorizing") {
        Some(PassingState::Authorizing)
    } else if says("connecting") {
        Some(PassingState::Connecting)
    } else {
        says("device offline").then_some(PassingState::Offline)
    }
}

/// What to do about a `FAIL` of the server.
pub(crate) fn failure(message: &str) -> DriverErrorKind {
    let why = format!("adb server: {}", message.trim());
    if message.contains("unauthorized") || message.contains("authorizing") {
        let why = format!("{why}; confirm this computer on the device's screen, then try again");
        DriverErrorKind::Refused { why }
    } else if ["offline", "connecting", "not found", "no devices"].iter().any(|word| message.contains(word)) {
        DriverErrorKind::Lost { why }
    } else {
        DriverErrorKind::Refused { why }
    }
}

/// What `host:features` lists.
pub(crate) fn features(text: &str) -> BTreeSet<String> {
    text.trim().split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// What `host:devices-l` lists. Lines that make no sense are left out: one odd device must not hide the others.
pub(crate) fn devices(text: &str) -> Vec<ListedDevice> {
    text.lines().filter_map(device).collect()
}

/// States that adb servers have words for. A serial may have blanks, and even one of these words in it: the last one counts.
const STATES: &[&str] = &[
    "device",
    "offline",
    "unauthorized",
    "authorizing",
    "connecting",
    "bootloader",
    "fastboot",
    "recovery",
    "rescue",
    "sideload",
    "host",
    "detached",
    "unknown",
];
/// The state of a device whose USB node may not be opened; a sentence follows.
const NO_PERMISSIONS: &str = "no permissions";

/// A line: serial, blanks or a tab, state, perhaps a USB path, properties.
fn device(line: &str) -> Option<ListedDevice> {
    let line = line.trim_end();
    let is_property =
        |word: &str| ["usb:", "product:", "model:", "device:", "transport_id:"].iter().any(|key| word.starts_with(key));
    let words: Vec<&str> = line.split_whitespace().collect();
    let properties = words.iter().skip(1).position(|word| is_property(word)).map_or(words.len(), |at| at + 1);
    let model = words[properties..].iter().find_map(|word| word.strip_prefix("model:")).unwrap_or_default();
    let mut words = &words[..properties];
    // A USB path without a key (`1-5`) follows the state on Linux.
    if let [_, _, .., path] = words
        && path.split(['-', '.']).all(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
    {
        words = &words[..words.len() - 1];
    }
    let head = words.join(" ");
    let (serial, state) = if let Some((serial, _)) = line.split_once('\t') {
        let state = head.strip_prefix(&serial.split_whitespace().collect::<Vec<_>>().join(" "))?.trim();
        (serial.trim(), state)
    } else if let Some(at) = head.find(&format!(" {NO_PERMISSIONS}")) {
        (head[..at].trim(), head[at..].trim())
    } else if let Some((serial, state)) = head.rsplit_once(' ').filter(|(_, state)| STATES.contains(state)) {
        (serial, state)
    } else {
        // A state that nobody knows, after a serial without blanks.
        head.split_once(' ')?
    };
    if serial.is_empty() || state.is_empty() {
        return None;
    }
    Some(ListedDevice { serial: serial.to_owned(), state: DeviceState::from_words(state), model: model.to_owned() })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Expect) {
        let lines: Vec<String> = devices(text)
            .iter()
            .map(|device| format!("{} {:?} {:?}", device.serial, device.state, device.model))
            .collect();
        expected.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn lists_of_devices() {
        check("", expect![""]);
        check(
            "127.0.0.1:5555         device product:virt model:Virt_Phone device:virt1 transport_id:3\n",
            expect![[r#"127.0.0.1:5555 Ready "Virt_Phone""#]],
        );
        check(
            "7a5158f05122195aa      device 1-5 product:gts210vewifixx model:SM_T813 device:gts210vewifi transport_id:4\n\
             R58M30ABCDE            unauthorized usb:1-1.2 transport_id:1\n\
             emulator-5554          offline transport_id:9\n\
             ????????????           no permissions (user in plugdev group; are your udev rules wrong?); see [http://developer.android.com/tools/device.html] usb:3-2 transport_id:2\n\
             0123456789             recovery 2-1 transport_id:7\n",
            expect![[r#"
                7a5158f05122195aa Ready "SM_T813"
                R58M30ABCDE Unauthorized ""
                emulator-5554 Offline ""
                ???????????? Other("no permissions (user in plugdev group; are your udev rules wrong?); see [http://developer.android.com/tools/device.html]") ""
                0123456789 Other("recovery") """#]],
        );
        check("nonsense\n\nA\tdevice\n", expect![[r#"A Ready """#]]);
        // Second announcements of a name get a number, and a blank before it.
        check(
            "192.168.0.104:40559     device product:a model:Pixel_7a device:lynx transport_id:1\n\
             adb-2233fd19-9mU6UL (2)._adb-tls-connect._tcp device product:socrates model:Example_Device device:socrates transport_id:4\n\
             adb-35121-jr888A (3)._adb-tls-connect._tcp offline transport_id:5\n\
             adb-35121-jr888A (3)._adb-tls-connect._tcp\tunauthorized\n\
             my device (2)         no permissions (missing udev rules?); see [http://x.com/y] usb:1-1 transport_id:6\n\
             a device device       device 3-1.2 transport_id:7\n\
             R58M                  hibernating slowly transport_id:8\n",
            expect![[r#"
                192.168.0.104:40559 Ready "Pixel_7a"
                adb-2233fd19-9mU6UL (2)._adb-tls-connect._tcp Ready "Example_Device"
                adb-35121-jr888A (3)._adb-tls-connect._tcp Offline ""
                adb-35121-jr888A (3)._adb-tls-connect._tcp Unauthorized ""
                my device (2) Other("no permissions (missing udev rules?); see [http://x.com/y]") ""
                a device device Ready ""
                R58M Other("hibernating slowly") """#]],
        );
    }

    #[test]
    fn failures_say_what_to_do() {
        let tell = |message: &str| failure(message).to_string();
        expect!["the device is lost: adb server: device 'x' not found"].assert_eq(&tell("device 'x' not found"));
        expect!["the device is lost: adb server: device offline"].assert_eq(&tell("device offline"));
        expect![
            "refused: adb server: device unauthorized.; confirm this computer on the device's screen, then try again"
        ]
        .assert_eq(&tell("device unauthorized."));
        expect!["refused: adb server: closed"].assert_eq(&tell("closed"));
    }

    #[test]
    fn lengths() {
        assert_eq!(length(*b"00aF").unwrap(), 0xaf);
        for nonsense in [*b"+0aF", *b"00 1", *b"OKAY", [0xff; 4]] {
            assert!(matches!(length(nonsense), Err(DriverErrorKind::MalformedResponse { .. })), "{nonsense:?}");
        }
        assert_eq!(request("host:devices-l").unwrap(), b"000ehost:devices-l");
        assert!(request(&"x".repeat(70_000)).is_err());
    }

    proptest! {
        #[test]
        fn any_list_is_read(text in ".{0,200}", lines in "([a-z:(); -]{0,20}\n){0,4}") {
            devices(&text);
            devices(&lines);
        }
    }
}
