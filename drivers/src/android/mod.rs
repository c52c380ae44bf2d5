//! Android phones over ADB: capture, touch, keys, text and apps, by a small client of our own.
//!
//! One connection is kept for a session, with one shell for commands and a stream for each picture. What is
//! promised, which transport is for what, and what phones do oddly is in `docs/drivers.md`.

mod app_functions;
mod apps;
mod capture;
mod devices;
mod displays;
mod field;
mod gestures;
mod health;
mod identity;
mod judge;
mod keyboard;
mod keycodes;
mod keys;
mod launch;
mod look;
mod options;
#[cfg(feature = "adb-client")]
mod pairing;
mod parse;
mod shell;
mod typing;
mod widgets;
mod wire;

use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::Spot;
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind, InstalledApp, Label, Screen};
use tapwright_contract::gesture::{Abilities, Gesture};
use tokio::time::Instant;

pub use self::app_functions::{AppFunctions, FunctionOwners};
use self::apps::Apps;
pub use self::apps::{app_names, is_same_app_name};
use self::capture::Camera;
pub use self::capture::Capture;
#[cfg(feature = "usb")]
pub use self::devices::{UsbDevice, usb_devices};
pub use self::devices::{connect, devices, disconnect};
use self::displays::Target;
pub use self::health::Health;
pub use self::judge::Judge;
use self::keyboard::Keyboard;
pub use self::keys::Keys;
pub use self::options::{Address, AndroidOptions, ProtectedRenderer};
#[cfg(feature = "adb-client")]
pub use self::pairing::{AnnouncedPhone, announced_phones, pair};
use self::parse::answers;
pub use self::parse::server::{DeviceState, ListedDevice};
use self::shell::Shell;
use self::wire::Link;
use crate::deadline::{AttemptLog, Deadline};
use crate::still::Memory;
use crate::{Rest, Settle, Tree};

/// One Android device.
pub struct Android {
    name: String,
    options: AndroidOptions,
    link: Option<Link>,
    shell: Shell,
    camera: Camera,
    apps: Apps,
    /// The user in front, whose apps these are, as far as the device tells.
    user: Option<u32>,
    /// Android's version as a number, as far as the device tells; asked once a connection.
    api_level: Option<Option<u32>>,
    keyboard: Keyboard,
    /// Whether the device has grep, which keeps most of `dumpsys` from being sent.
    grep: bool,
    /// Which display is looked at and touched.
    display: Target,
    /// What the screen looked like, and what moves on it by itself.
    memory: Memory,
    /// How the last wait for the screen to rest has ended.
    rest: Rest,
    /// What was in front at the last picture of the present look.
    front_seen: Option<String>,
    /// Draws windows that forbid pictures, if they are to be seen.
    render_protected: Option<ProtectedRenderer>,
}

/// How many times a connection may break in one look, whatever time is left.
const MENDED_MAX: u32 = 20;
/// The least time between the first two attempts to find a lost device; it doubles from one to the next, up to …
const DIAL_PAUSE: Duration = Duration::from_millis(100);
/// … this.
const DIAL_PAUSE_MAX: Duration = Duration::from_secs(2);

impl Android {
    /// Connects to a device.
    ///
    /// # Errors
    /// `DriverErrorKind::Lost` if nobody is there, `DriverErrorKind::Refused` if the device takes no key of this computer and nobody allows it.
    pub async fn connect(options: AndroidOptions, within: Duration) -> Result<Android, DriverError> {
        let deadline = Deadline::after(within);
        let mut android = Android::unconnected(options);
        match Link::connect(&android.options.address, deadline).await {
            Ok(link) => android.link = Some(link),
            Err(kind) => return Err(android.error("connect", kind)),
        }
        Ok(android)
    }

    /// Shows windows that forbid pictures (`FLAG_SECURE`) as a drawing of what the UI tree says is written in them, from now
    /// on. Else they are `DriverErrorKind::Hidden`.
    pub fn draw_protected(&mut self, render: ProtectedRenderer) {
        self.render_protected = Some(render);
    }

    /// How the last wait for the screen to rest has ended: a screen that moves on is returned as well.
    pub fn rest(&self) -> Rest {
        self.rest
    }

    /// Waits for screens in another way from now on: what sort of phone it is may be known only when it is connected.
    pub fn settle_as(&mut self, settle: Settle) {
        self.options.settle = settle;
    }

    /// Has it called something else than its address, which says nothing where each run has a new one.
    pub fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    fn unconnected(options: AndroidOptions) -> Android {
        Android {
            name: options.address.name(),
            link: None,
            shell: Shell::default(),
            camera: Camera::new(options.capture),
            apps: Apps::default(),
            user: None,
            api_level: None,
            keyboard: Keyboard::default(),
            grep: true,
            display: Target::default(),
            memory: Memory::default(),
            rest: Rest::Still,
            front_seen: None,
            render_protected: None,
            options,
        }
    }

    /// The screen's widgets, for whoever wants words: a phone takes a second or two for that. It works where pictures do not,
    /// for protected windows.
    ///
    /// # Errors
    /// `DriverError` if they could not be had; `DriverErrorKind::TimedOut` if the screen did not rest.
    pub async fn tree(&mut self, within: Duration) -> Result<Tree, DriverError> {
        let deadline = Deadline::after(within);
        let mut result = self.widgets(deadline).await;
        if let Err(DriverErrorKind::Lost { .. }) = &result
            && !deadline.is_over()
        {
            self.unlink();
            result = self.widgets(deadline).await; // As looking, it does no harm twice.
        }
        result.map_err(|kind| self.error("read the widgets", kind))
    }

    fn error(&self, operation: &'static str, kind: DriverErrorKind) -> DriverError {
        DriverError { device: self.name.clone(), operation, kind }
    }

    /// Makes sure that there is a connection, by finding the device again if need be.
    async fn ensure_link(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        if self.link.as_ref().is_some_and(Link::alive) {
            return Ok(());
        }
        self.unlink();
        let patience = deadline.or_sooner(self.options.find_again);
        let mut tries = AttemptLog::new("to find the device again");
        let mut gone = false;
        let mut pause = DIAL_PAUSE;
        loop {
            let began = Instant::now();
            let why = match Link::connect(&self.options.address, patience).await {
                Ok(link) => {
                    tracing::debug!(tries = tries.count(), "found the device again");
                    self.link = Some(link);
                    return Ok(());
                }
                Err(DriverErrorKind::Lost { why }) => {
                    gone = true;
                    why
                }
                Err(DriverErrorKind::TimedOut { tries }) => tries,
                Err(kind) => return Err(kind),
            };
            tries.note(answers::shortened(&why));
            patience.rest_until(began + pause).await;
            pause = (2 * pause).min(DIAL_PAUSE_MAX);
            if patience.is_over() {
                let told = tries.tell(&patience);
                // Too little time for one answer does not show that nobody is there.
                let unknown = !gone && deadline.is_over();
                return Err(if unknown {
                    DriverErrorKind::TimedOut { tries: told }
                } else {
                    DriverErrorKind::Lost { why: told }
                });
            }
        }
    }

    /// Forgets a connection of which nothing is to be expected any more, and what was known only through it.
    fn unlink(&mut self) {
        self.link = None;
        self.shell = Shell::default();
        self.keyboard.forget_method();
        self.apps.outdate();
        self.user = None;
        self.api_level = None;
        self.display.forget();
    }

    /// Runs a command and wants it to be accepted.
    async fn command(&mut self, command: &str, deadline: Deadline) -> Result<String, DriverErrorKind> {
        let link = self.link.as_ref().ok_or_else(no_link_error)?;
        self.shell.run(link, command, deadline).await?.into_output()
    }

    /// The numbers of a spot that was measured on the display as it was last seen.
    fn place(&self, spot: &Spot) -> Result<Place, DriverErrorKind> {
        if self.display.returned_id() != Some(spot.of) {
            return Err(DriverErrorKind::Stale);
        }
        if spot.x >= spot.of.size.width || spot.y >= spot.of.size.height {
            return Err(DriverErrorKind::Refused {
                why: format!("{}, {} is not on a display of {}", spot.x, spot.y, spot.of.size),
            });
        }
        Ok((spot.x, spot.y))
    }
}

/// Pixels of the display.
type Place = (u32, u32);

/// `ensure_link` comes before everything that needs a link.
fn no_link_error() -> DriverErrorKind {
    DriverErrorKind::Lost { why: "there is no connection".to_owned() }
}

#[async_trait]
impl Driver for Android {
    fn name(&self) -> &str {
        &self.name
    }

    fn abilities(&self) -> Abilities {
        // Modifiers are refused before Android 13, single keys nowhere.
        Abilities { insert: true, chords: true, app_names: true, ..Abilities::PHONE }
    }

    /// Puts the device's own keyboard back, also if it was an earlier run that left ours selected and died. Dropping the
    /// driver does the same as a last resort, for itself only, and waits two seconds for it at most.
    ///
    /// # Errors
    /// `DriverError` if the keyboard could not be put back, with what a person can do.
    async fn close(&mut self, within: Duration) -> Result<(), DriverError> {
        let deadline = Deadline::after(within);
        let original = self.keyboard.original.clone();
        let mut result = match &self.link {
            Some(link) if link.alive() => self.keyboard.restore(&mut self.shell, link, deadline).await,
            _ if original.is_some() => Err(no_link_error()),
            _ => Ok(()),
        };
        // The connection may have broken in the middle of the run's last command.
        if let (Err(DriverErrorKind::Lost { .. } | DriverErrorKind::MalformedResponse { .. }), Some(_)) =
            (&result, &original)
        {
            self.unlink();
            result = match self.ensure_link(deadline).await {
                Ok(()) => {
                    let link = self.link.as_ref().expect("it is linked");
                    self.keyboard.restore(&mut self.shell, link, deadline).await
                }
                Err(kind) => Err(kind),
            };
        }
        self.keyboard = Keyboard::default(); // Tried once is enough.
        result.map_err(|kind| {
            let kind = match &original {
                Some(original) => keyboard::with_advice(kind, original),
                None => kind,
            };
            self.error("put the keyboard back", kind)
        })
    }

    async fn screen(&mut self, within: Duration) -> Result<Screen, DriverError> {
        let deadline = Deadline::after(within);
        let mut result = self.settled_screen(deadline).await;
        for broken in 1.. {
            let Err(DriverErrorKind::Lost { why }) = &result else { break };
            // A link that is not there any more was looked for in vain.
            if self.link.is_none() {
                break;
            }
            if deadline.is_over() || broken > MENDED_MAX {
                // It was found each time, so it is not lost: its connection does not hold.
                let tries = format!("the connection broke {broken} times in one look; the last: {why}");
                result = Err(DriverErrorKind::TimedOut { tries });
                break;
            }
            // Looking twice does no harm, so a connection that broke is mended here.
            tracing::debug!(why, "lost the device while looking");
            self.unlink();
            result = self.settled_screen(deadline).await;
        }
        if let Err(DriverErrorKind::TimedOut { .. }) = &result {
            // A device that is silent may be gone without a word: the next operation dials anew.
            self.unlink();
        }
        result.map_err(|kind| self.error("take a picture", kind))
    }

    async fn perform(&mut self, gesture: &Gesture, within: Duration) -> Result<(), DriverError> {
        let deadline = Deadline::after(within);
        let operation = gesture.name();
        self.ensure_link(deadline).await.map_err(|kind| self.error(operation, kind))?;
        self.memory.touch();
        let mut result = self.gesture(gesture, deadline).await;
        if let Err(DriverErrorKind::MalformedResponse { .. }) = &result
            && let Err(lost) = self.there(deadline).await
        {
            result = Err(lost);
        }
        match &result {
            Err(DriverErrorKind::Lost { why }) => {
                // It may have happened, so it is not done again here, whether or not the device can be found again.
                let why = why.clone();
                self.unlink();
                result = match self.ensure_link(deadline).await {
                    Ok(()) => Err(DriverErrorKind::TimedOut { tries: format!("{why}; the device is back") }),
                    Err(kind) => Err(kind),
                };
            }
            Err(DriverErrorKind::TimedOut { .. }) => self.unlink(),
            _ => {}
        }
        self.memory.touch();
        result.map_err(|kind| self.error(operation, kind))
    }

    async fn find_app(&mut self, name: &str, within: Duration) -> Result<Vec<InstalledApp>, DriverError> {
        let deadline = Deadline::after(within);
        let mut result = self.find_apps(name, deadline).await;
        if let Err(DriverErrorKind::Lost { .. }) = &result
            && !deadline.is_over()
        {
            self.unlink();
            result = self.find_apps(name, deadline).await; // As looking, it does no harm twice.
        }
        if let Err(DriverErrorKind::TimedOut { .. }) = &result {
            self.unlink();
        }
        result.map_err(|kind| self.error("find an app", kind))
    }

    async fn labels(&mut self, within: Duration) -> Result<Option<Vec<Label>>, DriverError> {
        let deadline = Deadline::after(within);
        let mut result = self.read_labels(deadline).await;
        if let Err(DriverErrorKind::Lost { .. }) = &result
            && !deadline.is_over()
        {
            self.unlink();
            result = self.read_labels(deadline).await; // As looking, it does no harm twice.
        }
        match result {
            // Some devices come without `uiautomator`.
            Err(DriverErrorKind::Refused { why }) => {
                tracing::debug!(why, "the device does not tell its widgets");
                Ok(None)
            }
            result => result.map_err(|kind| self.error("read the widgets", kind)),
        }
    }
}

impl Drop for Android {
    fn drop(&mut self) {
        let keyboard = std::mem::take(&mut self.keyboard);
        self.unlink();
        keyboard::put_back_at_last(keyboard, self.options.address.clone());
    }
}

#[cfg(all(test, feature = "usb"))]
mod tests {
    use tapwright_phone::adbd::{Daemon, Handle, ManualClock};

    use super::*;
    use crate::conformance::{self, Subject};

    /// The crate's device on TCP is the one on USB but for its transport, so everything but libusb is tried here.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_duty_is_kept_by_the_thread_that_owns_a_device() {
        let handle = Handle::new(tapwright_phone::World::new(Default::default()), ManualClock::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let daemon = Daemon::start(listener, handle, Default::default()).unwrap();
        let at = daemon.address();
        let key = std::env::temp_dir().join("tapwright-no-such-key");
        let device = tokio::task::spawn_blocking(move || {
            adb_client::tcp::ADBTcpDevice::new_with_custom_private_key(at, key).unwrap()
        });
        let patience = Duration::from_secs(60);
        let options = AndroidOptions {
            address: Address::Direct { address: at.to_string(), keys: Keys::default() },
            settle: Settle::INSTANT,
            capture: Capture::Raw,
            find_again: Duration::ZERO,
            wake: false,
        };
        let mut android = Android::unconnected(options);
        android.link = Some(Link::Usb(wire::usb::Usb::over(device.await.unwrap()).unwrap()));
        let subject = Subject { app: "Settings", id: "com.android.settings", misspelt: "Setings", patience };
        conformance::an_app_comes_to_the_front_and_home_leaves_it(&mut android, &subject).await;
        conformance::touches_are_taken(&mut android, &subject).await;
        conformance::an_unknown_app_is_no_app(&mut android, &subject).await;
        assert!(matches!(android.link, Some(Link::Usb(_))), "it went another way");
    }
}
