//! Looks a phone over for its owner: who it is, what works on it, how long that takes, and what its manufacturer wants.

use std::time::Duration;

use tapwright_contract::Size;
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind};
use tokio::time::Instant;

use super::parse::{answers, screencap};
use super::{Android, no_link_error};
use crate::deadline::Deadline;

/// What was found. A thing that does not work has its reason in place of its time.
#[derive(Clone, Debug)]
pub struct Health {
    pub manufacturer: String,
    pub model: String,
    /// Android's version, for example `14`.
    pub android: String,
    pub display: Result<Size, String>,
    /// How long a picture takes as pixels, and as a PNG.
    pub raw: Result<Duration, String>,
    pub png: Result<Duration, String>,
    /// How long a key takes that does nothing.
    pub input: Result<Duration, String>,
    /// Whether text of any script can be typed; what is missing if not.
    pub any_text: Result<(), String>,
    /// How many widgets the screen tells of, and how long that takes.
    pub widgets: Result<(usize, Duration), String>,
    /// How many apps are installed.
    pub apps: Result<usize, String>,
    /// What phones of this manufacturer commonly need.
    pub advice: Option<&'static str>,
}

/// Manufacturers, as `ro.product.manufacturer` writes them in small letters, and what their phones need before adb may do
/// all that a driver does.
const ADVICE: &[(&[&str], &str)] = &[
    (
        &["xiaomi", "redmi", "poco", "blackshark"],
        "developer options: turn on \"USB debugging (Security settings)\", or touches are refused, and \"Install via USB\" \
         for ADB Keyboard; both want a signed-in account and a SIM card",
    ),
    (
        &["oppo", "realme", "oneplus"],
        "developer options: turn on \"Disable permission monitoring\" if touches are refused",
    ),
    (
        &["vivo", "iqoo"],
        "developer options: turn on \"USB debugging (Security settings)\" or \"USB simulated touches\" if touches are refused",
    ),
    (
        &["huawei", "honor"],
        "developer options: turn on \"Allow ADB debugging in charge only mode\", or the connection ends when USB is set to charging",
    ),
    (&["samsung"], "settings, Security: turn \"Auto Blocker\" off if the phone refuses connections over USB"),
];

pub(crate) fn advice(manufacturer: &str) -> Option<&'static str> {
    let manufacturer = manufacturer.to_lowercase();
    ADVICE.iter().find(|(names, _)| names.contains(&manufacturer.as_str())).map(|(_, advice)| *advice)
}

impl Android {
    /// Looks the phone over. Nothing is changed on it, but that it may be woken; what does not work is in the answer.
    ///
    /// # Errors
    /// `DriverError` only if the phone is lost.
    pub async fn examine(&mut self, within: Duration) -> Result<Health, DriverError> {
        let deadline = Deadline::after(within);
        self.ensure_link(deadline).await.map_err(|kind| self.error("look it over", kind))?;
        let mut property = async |name: &str| {
            let said = self.command(&format!("getprop {name}"), deadline).await;
            said.map_or_else(|_| String::new(), |said| answers::shortened(&said))
        };
        let manufacturer = property("ro.product.manufacturer").await;
        let model = property("ro.product.model").await;
        let android = property("ro.build.version.release").await;
        let display = match self.screen(deadline.remaining()).await {
            Ok(screen) => Ok(screen.picture.size()),
            Err(error @ DriverError { kind: DriverErrorKind::Lost { .. }, .. }) => return Err(error),
            Err(error) => Err(error.kind.to_string()),
        };
        let raw = self.time_picture(deadline, "exec:screencap", |bytes| screencap::raw(bytes).map(drop)).await;
        let png = self.time_picture(deadline, "exec:screencap -p", |bytes| screencap::png(bytes).map(drop)).await;
        let began = Instant::now();
        // A key without a meaning: refused like all others where touches are.
        let pressed = self.command("input keyevent 0", deadline).await;
        let input = pressed.map(|_| began.elapsed()).map_err(|kind| kind.to_string());
        let methods = self.command("ime list -s -a", deadline).await.map_err(|kind| kind.to_string());
        let any_text = methods.and_then(|methods| match answers::lists(&methods, super::keyboard::ADB_KEYBOARD) {
            true => Ok(()),
            false => {
                Err("only plain ASCII can be typed: install ADB Keyboard (com.android.adbkeyboard) for any script"
                    .to_owned())
            }
        });
        let apps = match self.list_apps(deadline).await {
            Ok(()) => Ok(self.apps.count()),
            Err(kind) => Err(kind.to_string()),
        };
        let began = Instant::now();
        let tree = self.tree(deadline.remaining()).await;
        let widgets = tree.map(|tree| (tree.widgets.len(), began.elapsed())).map_err(|error| error.kind.to_string());
        let advice = advice(&manufacturer);
        Ok(Health { manufacturer, model, android, display, raw, png, input, any_text, widgets, apps, advice })
    }

    /// How long a picture takes, whatever the driver itself prefers.
    async fn time_picture(
        &mut self,
        deadline: Deadline,
        service: &str,
        read: impl FnOnce(Vec<u8>) -> Result<(), DriverErrorKind>,
    ) -> Result<Duration, String> {
        let began = Instant::now();
        let bytes = match &self.link {
            Some(link) => deadline.hold("a picture", link.read(service, 0, super::capture::LENGTH_MAX)).await,
            None => Err(no_link_error()),
        };
        bytes.and_then(read).map(|()| began.elapsed()).map_err(|kind| kind.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manufacturers_have_their_wants() {
        assert!(advice("Xiaomi").unwrap().contains("Security settings"));
        assert!(advice("OnePlus").is_some());
        assert_eq!(advice("Tapwright"), None);
        assert_eq!(advice(""), None);
    }
}
