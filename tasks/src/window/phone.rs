//! The virtual phone of this process as a driver: a person's own hand, and no client of its adbd. It needs no key and has no weather.

use std::time::Duration;

use async_trait::async_trait;
use tapwright_contract::device::{Driver, DriverError, DriverErrorKind, Front, Screen};
use tapwright_contract::gesture::{Abilities, Gesture, Key, KeyName, Modifier};
use tapwright_contract::{Picture, ScreenId, Size, Spot};
use tapwright_phone::adbd::Handle;
use tapwright_phone::{Input, Key as PhoneKey};

/// A virtual phone, held in the hand.
pub(crate) struct PhoneDriver {
    phone: Handle,
    name: String,
}

impl PhoneDriver {
    pub fn new(phone: Handle, name: String) -> PhoneDriver {
        PhoneDriver { phone, name }
    }

    /// The display as it is now.
    fn id(&self) -> ScreenId {
        let (width, height) = self.phone.look(|world| world.size());
        ScreenId::from(Size { width, height })
    }

    fn place(&self, at: Spot) -> Result<(i32, i32), DriverErrorKind> {
        if at.of != self.id() {
            return Err(DriverErrorKind::Stale);
        }
        // A display has at most 4,096 pixels either way.
        Ok((at.x as i32, at.y as i32))
    }

    /// What a gesture does to the phone.
    fn inputs(&self, gesture: &Gesture) -> Result<Vec<Input>, DriverErrorKind> {
        Ok(match gesture {
            Gesture::Tap { at } => {
                let (x, y) = self.place(*at)?;
                vec![Input::Tap { x, y }]
            }
            Gesture::DoubleTap { at } => {
                let (x, y) = self.place(*at)?;
                vec![Input::Tap { x, y }, Input::Tap { x, y }]
            }
            Gesture::LongPress { at, .. } => {
                let (x, y) = self.place(*at)?;
                vec![Input::LongPress { x, y }]
            }
            Gesture::Swipe { from, to, over } => {
                let millis = u32::try_from(over.as_millis()).unwrap_or(u32::MAX);
                vec![Input::Swipe { from: self.place(*from)?, to: self.place(*to)?, millis }]
            }
            Gesture::Drag { from, to, .. } => vec![Input::Drag { from: self.place(*from)?, to: self.place(*to)? }],
            Gesture::Type { text } => vec![Input::Clear, Input::Type(text.clone())],
            Gesture::Insert { text } => vec![Input::Type(text.clone())],
            Gesture::Press { key } => vec![Input::Press(match key {
                Key::Back => PhoneKey::Back,
                Key::Home => PhoneKey::Home,
                Key::Enter => PhoneKey::Enter,
            })],
            Gesture::Chord { modifiers, key } => vec![Input::Press(phone_key(modifiers, key)?)],
            Gesture::Click { .. }
            | Gesture::Move { .. }
            | Gesture::Scroll { .. }
            | Gesture::Launch { .. }
            | Gesture::Window { .. } => {
                let why = format!("a hand on a phone cannot {}", gesture.name());
                return Err(DriverErrorKind::Refused { why });
            }
        })
    }

    fn error(&self, operation: &'static str, kind: DriverErrorKind) -> DriverError {
        DriverError { device: self.name.clone(), operation, kind }
    }
}

/// The phone's key for one of a keyboard's.
fn phone_key(modifiers: &[Modifier], key: &KeyName) -> Result<PhoneKey, DriverErrorKind> {
    Ok(match (modifiers, key.as_str()) {
        ([], "Enter") => PhoneKey::Enter,
        ([], "Backspace") => PhoneKey::Delete,
        ([], "Escape" | "BrowserBack") => PhoneKey::Back,
        ([], "AppSwitch") => PhoneKey::Recents,
        ([Modifier::Control], "a") => PhoneKey::SelectAll,
        ([Modifier::Control], "c") => PhoneKey::Copy,
        ([Modifier::Control], "v") => PhoneKey::Paste,
        ([Modifier::Control], "x") => PhoneKey::Cut,
        (_, key) => {
            let why = format!("this phone does nothing with the key {key}");
            return Err(DriverErrorKind::Refused { why });
        }
    })
}

#[async_trait]
impl Driver for PhoneDriver {
    fn name(&self) -> &str {
        &self.name
    }

    fn abilities(&self) -> Abilities {
        Abilities { insert: true, chords: true, launch: false, labels: false, ..Abilities::PHONE }
    }

    /// What is there now, though it may move: whoever watches wants to see it move.
    async fn screen(&mut self, _within: Duration) -> Result<Screen, DriverError> {
        let phone = self.phone.clone();
        let drawn = tokio::task::spawn_blocking(move || {
            phone.look(|world| {
                let ((width, height), front) = (world.size(), world.front());
                let front = Front { id: front.package.to_owned(), label: front.label.to_owned(), aliases: Vec::new() };
                (Size { width, height }, world.draw(), front)
            })
        });
        let broken = |why: String| self.error("draw the screen", DriverErrorKind::MalformedResponse { why });
        let (size, rgba, front) = drawn.await.map_err(|error| broken(error.to_string()))?;
        let picture = Picture::new(size, rgba).map_err(|error| broken(error.to_string()))?;
        Ok(Screen::new(picture, front))
    }

    async fn perform(&mut self, gesture: &Gesture, _within: Duration) -> Result<(), DriverError> {
        let inputs = self.inputs(gesture).map_err(|kind| self.error(gesture.name(), kind))?;
        self.phone.change(|world| {
            // The first touch of a dark display turns it on, and does nothing else.
            match world.awake() {
                true => inputs.iter().for_each(|input| world.input(input)),
                false => world.wake(true),
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tapwright_phone::adbd::ManualClock;
    use tapwright_phone::{Mark, MarkContent, Options, World};

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    async fn perform(driver: &mut PhoneDriver, gesture: Gesture) -> Result<(), String> {
        driver.perform(&gesture, SOON).await.map_err(|error| error.kind.to_string())
    }

    #[tokio::test]
    async fn a_hand_does_what_fingers_do() {
        let phone = Handle::new(World::new(Options::default()), ManualClock::default());
        let mut driver = PhoneDriver::new(phone.clone(), "a phone".to_owned());
        let seen = driver.screen(SOON).await.unwrap();
        let of = seen.id;
        let is_icon = |mark: &Mark| mark.what == MarkContent::Word("Settings".to_owned()) && mark.target.is_some();
        let icon = phone.look(|world| world.marks().into_iter().find(is_icon)).expect("an icon");
        let (x, y) = icon.target.unwrap();
        let at = Spot { x: x as u32, y: y as u32, of };
        perform(&mut driver, Gesture::Tap { at }).await.unwrap();
        assert_eq!(phone.look(|world| world.front().package), "com.android.settings");
        assert_eq!(driver.screen(SOON).await.unwrap().front.id, "com.android.settings");
        perform(&mut driver, Gesture::Chord { modifiers: Vec::new(), key: KeyName::new("AppSwitch").unwrap() })
            .await
            .unwrap();
        perform(&mut driver, Gesture::Press { key: Key::Home }).await.unwrap();
        assert_eq!(phone.look(|world| world.front().package), "com.tapwright.launcher");

        // A place on another display is none on this one.
        let elsewhere = Spot { of: ScreenId::from(Size { width: 9, height: 9 }), ..at };
        assert!(perform(&mut driver, Gesture::Tap { at: elsewhere }).await.unwrap_err().contains("changed"));
        let unknown = Gesture::Chord { modifiers: Vec::new(), key: KeyName::new("F5").unwrap() };
        assert!(perform(&mut driver, unknown).await.unwrap_err().contains("the key F5"));

        // A dark display is turned on by the first touch, which opens nothing.
        phone.change(|world| world.wake(false));
        perform(&mut driver, Gesture::Tap { at }).await.unwrap();
        assert!(phone.look(|world| world.awake() && world.is_locked()));
    }
}
