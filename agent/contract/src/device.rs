//! What can be seen of a device, and the port to it.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::gesture::{Abilities, Gesture};
use crate::{Picture, ScreenId};

/// What a driver saw at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// The pixels.
    pub picture: Picture,
    /// The app in front.
    pub front: Front,
    /// Which display this is, and how it was turned: a spot that was measured here holds on no other.
    pub id: ScreenId,
}

impl Screen {
    /// A screen of a device with one display, which is never turned.
    pub fn new(picture: Picture, front: Front) -> Screen {
        let id = ScreenId::from(picture.size());
        Screen { picture, front, id }
    }
}

/// The app in front of a screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Front {
    /// What the platform calls it, for example `com.android.settings`; empty if the device did not say.
    pub id: String,
    /// What people call it, for example `Settings`.
    pub label: String,
    /// By what else its window and its program go, where the device tells: names that count against it and never for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

impl Front {
    /// The id of what is in front of a desktop where no app is.
    pub const NO_APP: &str = "desktop";

    /// What people call it, or what the platform does if nobody has a name for it.
    pub fn name(&self) -> &str {
        if self.label.is_empty() { &self.id } else { &self.label }
    }
}

/// An app that is installed on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledApp {
    /// What the platform calls it, for example `com.android.settings`. Launching it by this name launches it and no other.
    pub id: String,
    /// What people call it, or the device does: the app's own word.
    pub label: String,
    /// By what else its windows and its program go, where the device tells: names that count against it and never for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// Something that is written on a screen, or drawn there under a name, as the platform's own tree of widgets tells it.
/// The words are the apps': untrusted, like the pixels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// What is written there, or what the platform reads aloud for it; may be empty for a field.
    pub text: String,
    /// Where it is.
    pub area: Area,
    /// Whether a touch there does something, the platform says.
    pub touchable: bool,
    /// Whether text that is typed goes here.
    pub focused: bool,
    /// Whether the platform hides what is typed here.
    pub secret: bool,
    /// The app whose widget this is, as the platform calls it, if it tells: not always the app in front. A label without words can
    /// also say which app opens where it is touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// What kind of widget it is, as the platform calls it: `Button`, `EditText`. Without it nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What stands on it, whole, where `text` says more than that: a field says what it is called beside what it holds. Never longer than
    /// `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Whether it is on, of a switch, a box or a button that stays down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_on: Option<bool>,
}

/// A rectangle of pixels; `right` and `bottom` lie outside of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Area {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

impl Area {
    /// Whether a pixel lies in it.
    pub fn holds(&self, x: u32, y: u32) -> bool {
        (self.left..self.right).contains(&x) && (self.top..self.bottom).contains(&y)
    }

    /// How many pixels it has.
    pub fn pixels(&self) -> u64 {
        u64::from(self.right.saturating_sub(self.left)) * u64::from(self.bottom.saturating_sub(self.top))
    }
}

/// Something that sees and touches one device.
///
/// Dropping a future of either verb abandons the operation: it may or may not have happened.
#[async_trait]
pub trait Driver: Send {
    /// A name for people: a serial, an address.
    fn name(&self) -> &str;

    /// Waits until the screen is still, or for as long as `within`, and returns what is on it.
    ///
    /// # Errors
    /// `DriverError` if no picture could be had by then; a screen that moves on is not an error.
    async fn screen(&mut self, within: Duration) -> Result<Screen, DriverError>;

    /// Carries out one gesture and returns when the device has taken it.
    ///
    /// # Errors
    /// `DriverError` if the device refused it, was lost, or did not answer `within` the time.
    async fn perform(&mut self, gesture: &Gesture, within: Duration) -> Result<(), DriverError>;

    /// What it can be made to do. A prompt offers nothing else.
    fn abilities(&self) -> Abilities;

    /// Leaves the device as it was found. Whoever has nothing to put back does nothing.
    ///
    /// # Errors
    /// `DriverError` if it could not be left so, with what a person can do.
    async fn close(&mut self, _within: Duration) -> Result<(), DriverError> {
        Ok(())
    }

    /// The apps that a name stands for, as launching by that name understands it; several if they fit equally well. Whoever has
    /// the ability `app_names` tells it.
    ///
    /// # Errors
    /// `DriverErrorKind::NoSuchApp` if there is none, `DriverErrorKind::Refused` if this device does not tell.
    async fn find_app(&mut self, _name: &str, _within: Duration) -> Result<Vec<InstalledApp>, DriverError> {
        let why = "this device does not tell which app a name stands for".to_owned();
        let kind = DriverErrorKind::Refused { why };
        Err(DriverError { device: self.name().to_owned(), operation: "find an app", kind })
    }

    /// What is written on the screen now, from the top; `None` if this device does not tell.
    ///
    /// # Errors
    /// `DriverError` if it tells, and could not now.
    async fn labels(&mut self, _within: Duration) -> Result<Option<Vec<Label>>, DriverError> {
        Ok(None)
    }
}

/// What went wrong with a device.
#[derive(Debug, thiserror::Error)]
#[error("{device}: cannot {operation}: {kind}")]
pub struct DriverError {
    /// The driver's name.
    pub device: String,
    /// What was attempted, as a verb: `tap`, `take a picture`.
    pub operation: &'static str,
    /// What to do about it.
    pub kind: DriverErrorKind,
}

/// Why an operation failed, by what the caller should do next.
#[derive(Debug, thiserror::Error)]
pub enum DriverErrorKind {
    /// The device is gone, and the driver's own attempts to find it again have failed.
    #[error("the device is lost: {why}")]
    Lost { why: String },
    /// The device did not answer in time; `tries` tells what was waited for.
    #[error("timed out: {tries}")]
    TimedOut { tries: String },
    /// The device answered that it will not; the model may try something else.
    #[error("refused: {why}")]
    Refused { why: String },
    /// No app has that name; `like` holds the nearest ones.
    #[error("no app is called {app:?}{}", near(.like))]
    NoSuchApp { app: String, like: Vec<String> },
    /// The display is not the one that the spot was measured on: look again.
    #[error("the display has changed since the spot was measured")]
    Stale,
    /// The screen exists but may not be seen: a secure window, a locked or dark screen.
    #[error("the screen cannot be seen: {why}")]
    Hidden { why: String },
    /// The device's answer is not in the form that it has to have.
    #[error("malformed response: {why}")]
    MalformedResponse { why: String },
}

impl DriverErrorKind {
    /// Whether the same operation may succeed if it is simply tried again.
    pub fn is_retryable(&self) -> bool {
        match self {
            DriverErrorKind::TimedOut { .. } | DriverErrorKind::Stale | DriverErrorKind::MalformedResponse { .. } => {
                true
            }
            DriverErrorKind::Lost { .. }
            | DriverErrorKind::Refused { .. }
            | DriverErrorKind::NoSuchApp { .. }
            | DriverErrorKind::Hidden { .. } => false,
        }
    }
}

fn near(like: &[String]) -> String {
    if like.is_empty() { String::new() } else { format!("; near it: {}", like.join(", ")) }
}
