//! Single events of a pointer and a keyboard, finer than gestures: for whoever brings gestures of their own, such as a drag by another
//! button along a path, or a click whose button is held while something else is done.

use std::time::Duration;

use tapwright_contract::Spot;
use tapwright_contract::device::DriverError;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
};

use super::X11Desktop;
use super::server::{Fault, Link};
use crate::deadline::Deadline;

/// One event. Whoever presses something has to let it go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputEvent {
    /// The pointer goes to a place, whatever lies there by now.
    Move { to: Spot },
    /// A button, by its number: 1 left, 2 middle, 3 right, 4 to 7 the wheel, 8 back, 9 forward.
    Button { button: u8, is_down: bool },
    /// A key, by its symbol.
    Key { symbol: u32, is_down: bool },
}

impl X11Desktop {
    /// Sends one event.
    ///
    /// # Errors
    /// `DriverError` if it could not be sent: the keyboard has no such key, or the screen is another one than was seen.
    pub async fn send(&mut self, event: InputEvent, within: Duration) -> Result<(), DriverError> {
        let deadline = Deadline::after(within);
        let place = match event {
            InputEvent::Move { to } => Some(self.aim(&to).map_err(|kind| self.error("send an event", kind))?.place),
            InputEvent::Button { .. } | InputEvent::Key { .. } => None,
        };
        self.memory.touch();
        let result = self
            .call("to send an event", deadline, move |link| {
                match event {
                    InputEvent::Move { .. } => link.move_pointer(place.unwrap_or_default())?,
                    InputEvent::Button { button, is_down } => link.button_event(button, is_down)?,
                    InputEvent::Key { symbol, is_down } => link.key_event(symbol, is_down)?,
                }
                link.sync()
            })
            .await;
        self.after(&result);
        result.map_err(|kind| self.error("send an event", kind))
    }
}

impl Link {
    fn button_event(&self, button: u8, is_down: bool) -> Result<(), Fault> {
        let map = self.x.get_pointer_mapping()?.reply()?.map;
        let physical = map.iter().position(|is| *is == button).and_then(|at| u8::try_from(at + 1).ok());
        let Some(physical) = physical else {
            return Err(Fault::refused(format!("this pointer has no button {button}")));
        };
        self.fake(if is_down { BUTTON_PRESS_EVENT } else { BUTTON_RELEASE_EVENT }, physical)
    }

    fn key_event(&mut self, symbol: u32, is_down: bool) -> Result<(), Fault> {
        let code = self.modifier(symbol)?;
        self.fake(if is_down { KEY_PRESS_EVENT } else { KEY_RELEASE_EVENT }, code)
    }
}
