//! The pointer: it goes only where what lies there is still what was seen.

use std::sync::Arc;

use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::gesture::Button;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
    MOTION_NOTIFY_EVENT,
};
use x11rb::protocol::xtest::ConnectionExt as _;

use super::monitors::Monitor;
use super::server::{Fault, Link, Server};
use super::windows::{self, TopLevel};

/// The wheel's notches, as X has them: buttons.
const WHEEL: [u8; 4] = [4, 5, 6, 7];

/// A place on the X screen, and what was seen when it was chosen.
#[derive(Clone)]
pub(crate) struct Aim {
    pub place: (i32, i32),
    pub seen: Arc<Layout>,
}

/// Which monitors there were and what lay on them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub monitors: Vec<Monitor>,
    pub stack: Vec<TopLevel>,
}

impl Link {
    /// Makes sure that what lies at a place is what was seen there.
    ///
    /// # Errors
    /// `Stale` if a window has come, gone or moved there since, or the monitors are others.
    fn check(&self, aim: &Aim) -> Result<(), Fault> {
        if self.monitors()? != aim.seen.monitors
            || windows::at(&self.stack()?, aim.place) != windows::at(&aim.seen.stack, aim.place)
        {
            return Err(Fault(DriverErrorKind::Stale));
        }
        Ok(())
    }

    /// Moves the pointer to a place, if what lies there is what was seen there. Buttons that somebody has left pressed are let go.
    ///
    /// # Errors
    /// `Stale` if it is not.
    pub fn point_at(&self, aim: &Aim) -> Result<(), Fault> {
        self.check(aim)?;
        let pressed = u16::from(self.x.query_pointer(self.root)?.reply()?.mask) >> 8 & 0b111;
        for button in (1..=3).filter(|button| pressed & 1 << (button - 1) != 0) {
            self.fake(BUTTON_RELEASE_EVENT, button)?;
        }
        self.move_pointer(aim.place)
    }

    /// Moves the pointer, whatever lies there: on the way of a drag something may come up.
    pub fn move_pointer(&self, (x, y): (i32, i32)) -> Result<(), Fault> {
        let (x, y) = (x.try_into().unwrap_or(i16::MAX), y.try_into().unwrap_or(i16::MAX));
        self.x.xtest_fake_input(MOTION_NOTIFY_EVENT, 0, 0, self.root, x, y, 0)?;
        Ok(())
    }

    pub(super) fn fake(&self, event: u8, detail: u8) -> Result<(), Fault> {
        self.x.xtest_fake_input(event, detail, 0, self.root, 0, 0, 0)?;
        Ok(())
    }

    /// The button of the device that does what this one should: some people have theirs exchanged.
    pub fn button(&self, button: Button) -> Result<u8, Fault> {
        let logical = match button {
            Button::Left => 1,
            Button::Middle => 2,
            Button::Right => 3,
            // As X servers number them, after the four of the wheel.
            Button::Back => 8,
            Button::Forward => 9,
        };
        let map = self.x.get_pointer_mapping()?.reply()?.map;
        let physical = map.iter().position(|is| *is == logical).and_then(|at| u8::try_from(at + 1).ok());
        physical.ok_or_else(|| Fault::refused(format!("this pointer has no {button:?} button")))
    }

    pub fn press(&self, button: u8) -> Result<(), Fault> {
        self.fake(BUTTON_PRESS_EVENT, button)?;
        self.sync()
    }

    pub fn release(&self, button: u8) -> Result<(), Fault> {
        self.fake(BUTTON_RELEASE_EVENT, button)?;
        self.sync()
    }

    /// Clicks where the pointer is.
    pub fn click(&mut self, button: Button, count: u32, held: &[u32]) -> Result<(), Fault> {
        let button = self.button(button)?;
        let codes = held.iter().map(|symbol| self.modifier(*symbol)).collect::<Result<Vec<u8>, Fault>>()?;
        for code in &codes {
            self.fake(KEY_PRESS_EVENT, *code)?;
        }
        for _ in 0..count {
            self.fake(BUTTON_PRESS_EVENT, button)?;
            self.fake(BUTTON_RELEASE_EVENT, button)?;
        }
        for code in codes.iter().rev() {
            self.fake(KEY_RELEASE_EVENT, *code)?;
        }
        self.sync()
    }

    /// Turns the wheel where the pointer is.
    pub fn scroll(&self, right: i32, down: i32) -> Result<(), Fault> {
        let [up, downward, left, rightward] = WHEEL;
        for (notches, button) in
            [(down, if down < 0 { up } else { downward }), (right, if right < 0 { left } else { rightward })]
        {
            for _ in 0..notches.unsigned_abs() {
                self.fake(BUTTON_PRESS_EVENT, button)?;
                self.fake(BUTTON_RELEASE_EVENT, button)?;
            }
        }
        self.sync()
    }
}

/// A button that is held. It is let go when this is dropped, however that comes about.
pub(crate) struct HeldButton {
    pub server: Server,
    pub button: u8,
}

impl Drop for HeldButton {
    fn drop(&mut self) {
        let button = self.button;
        drop(self.server.enqueue(move |link| drop(link.release(button))));
    }
}
