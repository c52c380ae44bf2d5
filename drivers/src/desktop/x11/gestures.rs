//! Gestures, by a pointer and a keyboard.

use std::time::Duration;

use tapwright_contract::Spot;
use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::gesture::{Button, Gesture, Key, KeyName, Modifier, WindowChange};
use tokio::time::Instant;

use super::X11Desktop;
use super::pointer::{Aim, HeldButton};
use crate::deadline::Deadline;
use crate::desktop::key_name;
use crate::desktop::keysyms;
use crate::desktop::pointing::{DRAG_REST, LastClick, check_duration, check_notches, notches, way};
use crate::desktop::window::{find_window, is_terminal};
use crate::refused;

/// How long the window manager may take to do what it was asked.
const MANAGER: Duration = Duration::from_secs(2);
/// The least time between two questions whether it has.
const MANAGER_PAUSE: Duration = Duration::from_millis(5);

impl X11Desktop {
    pub(super) async fn gesture(&mut self, gesture: &Gesture, deadline: Deadline) -> Result<(), DriverErrorKind> {
        match gesture {
            Gesture::Tap { at } => self.click(at, Button::Left, 1, &[], deadline).await,
            Gesture::DoubleTap { at } => self.click(at, Button::Left, 2, &[], deadline).await,
            Gesture::LongPress { at, hold } => self.hold(at, check_duration(*hold)?, deadline).await,
            Gesture::Swipe { from, to, over } => {
                self.aim(to)?;
                check_duration(*over)?;
                // There is no finger: what a swipe moves, a wheel moves.
                let (right, down) = notches(from, to);
                self.scroll(from, right, down, deadline).await
            }
            Gesture::Drag { from, to, over } => self.drag(from, to, check_duration(*over)?, deadline).await,
            Gesture::Click { at, button, count, modifiers } => {
                self.click(at, *button, count.count(), modifiers, deadline).await
            }
            Gesture::Move { at } => {
                let aim = self.aim(at)?;
                self.call("to move the pointer", deadline, move |link| {
                    link.point_at(&aim)?;
                    link.sync()
                })
                .await
            }
            Gesture::Scroll { at, right, down } => self.scroll(at, *right, *down, deadline).await,
            Gesture::Type { text } => {
                let symbols = keysyms::of_text(text).map_err(|untypable| refused(untypable.to_string()))?;
                self.clear_field(symbols.is_empty(), deadline).await?;
                self.type_text(symbols, deadline).await
            }
            Gesture::Insert { text } => {
                let symbols = keysyms::of_text(text).map_err(|untypable| refused(untypable.to_string()))?;
                self.type_text(symbols, deadline).await
            }
            Gesture::Press { key: Key::Enter } => self.chord(&[], &key_name("Enter"), deadline).await,
            // What goes one page back in browsers, file managers and help.
            Gesture::Press { key: Key::Back } => self.chord(&[Modifier::Alt], &key_name("ArrowLeft"), deadline).await,
            Gesture::Press { key: Key::Home } => self.show_desktop(deadline).await,
            Gesture::Chord { modifiers, key } => self.chord(modifiers, key, deadline).await,
            Gesture::Launch { app } => self.launch(app, deadline).await,
            Gesture::Window { window, change } => self.change_window(window, *change, deadline).await,
        }
    }

    /// A spot as a place of the X screen.
    pub(super) fn aim(&self, spot: &Spot) -> Result<Aim, DriverErrorKind> {
        let Some(seen) = self.seen.as_ref().filter(|seen| seen.id == spot.of) else {
            return Err(DriverErrorKind::Stale);
        };
        if spot.x >= spot.of.size.width || spot.y >= spot.of.size.height {
            return Err(refused(format!("{}, {} is not on a monitor of {}", spot.x, spot.y, spot.of.size)));
        }
        let monitor = &seen.layout.monitors[seen.monitor];
        let place = (i32::from(monitor.x) + spot.x as i32, i32::from(monitor.y) + spot.y as i32);
        Ok(Aim { place, seen: seen.layout.clone() })
    }

    async fn click(
        &mut self,
        at: &Spot,
        button: Button,
        count: u32,
        modifiers: &[Modifier],
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let aim = self.aim(at)?;
        let place = aim.place;
        if let Some(last) = &self.last_click {
            deadline.rest_until(last.double_click_end(place)).await;
        }
        let held: Vec<u32> = modifiers.iter().map(|modifier| keysyms::of_modifier(*modifier)).collect();
        self.call("to click", deadline, move |link| {
            link.point_at(&aim)?;
            link.click(button, count, &held)
        })
        .await?;
        self.last_click = Some(LastClick::now(place));
        Ok(())
    }

    /// Presses the left button somewhere, to be let go by dropping what is returned.
    async fn press_at(&mut self, at: &Spot, deadline: Deadline) -> Result<HeldButton, DriverErrorKind> {
        let aim = self.aim(at)?;
        let button = self
            .call("to move the pointer", deadline, move |link| {
                link.point_at(&aim)?;
                link.button(Button::Left)
            })
            .await?;
        // Before it is pressed, so that there is no moment in which nobody would let it go.
        let held = HeldButton { server: self.server()?.clone(), button };
        self.call("to press a button", deadline, move |link| link.press(button)).await?;
        Ok(held)
    }

    async fn hold(&mut self, at: &Spot, hold: Duration, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let held = self.press_at(at, deadline).await?;
        deadline.rest_until(Instant::now() + hold).await;
        self.let_go(held, deadline).await
    }

    async fn drag(
        &mut self,
        from: &Spot,
        to: &Spot,
        over: Duration,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let (begin, end) = (self.aim(from)?.place, self.aim(to)?.place);
        let held = self.press_at(from, deadline).await?;
        deadline.rest_until(Instant::now() + DRAG_REST).await;
        let began = Instant::now();
        for (after, place) in way(begin, end, over) {
            deadline.rest_until(began + after).await;
            self.call("to drag", deadline, move |link| {
                link.move_pointer(place)?;
                link.sync()
            })
            .await?;
        }
        deadline.rest_until(Instant::now() + DRAG_REST).await;
        self.let_go(held, deadline).await
    }

    async fn let_go(&mut self, held: HeldButton, deadline: Deadline) -> Result<(), DriverErrorKind> {
        drop(held);
        self.call("to let a button go", deadline, |link| link.sync()).await
    }

    async fn scroll(&mut self, at: &Spot, right: i32, down: i32, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let aim = self.aim(at)?;
        check_notches(right, down)?;
        self.call("to scroll", deadline, move |link| {
            link.point_at(&aim)?;
            link.scroll(right, down)
        })
        .await
    }

    pub(super) async fn press_key(
        &mut self,
        held: &[u32],
        symbol: u32,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let held = held.to_vec();
        self.call("to press a key", deadline, move |link| link.chord(&held, symbol)).await
    }

    async fn chord(
        &mut self,
        modifiers: &[Modifier],
        key: &KeyName,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let symbol = keysyms::of_key(key).ok_or_else(|| refused(format!("a keyboard has no key {key:?}")))?;
        let held: Vec<u32> = modifiers.iter().map(|modifier| keysyms::of_modifier(*modifier)).collect();
        let (may_click, may_end) = (keysyms::may_click(modifiers, symbol), keysyms::may_end_shell(modifiers, symbol));
        if may_click || may_end {
            self.note_pressed(|_, class| if is_terminal(class) { may_end } else { may_click }, deadline).await?;
        }
        self.press_key(&held, symbol, deadline).await
    }

    /// Types a text. At the end of one Enter is a line break in most windows; in a dialog it presses a button, and in a terminal a command
    /// begins, which may be the last one of its window.
    async fn type_text(&mut self, symbols: Vec<u32>, deadline: Deadline) -> Result<(), DriverErrorKind> {
        if symbols.last() == Some(&keysyms::RETURN) {
            self.note_pressed(|is_dialog, class| is_dialog || is_terminal(class), deadline).await?;
        }
        self.type_symbols(symbols, deadline).await
    }

    /// Notes the window in front, if in one like this a button may take the next key for a click, or a shell for its end.
    async fn note_pressed(
        &mut self,
        may: impl Fn(bool, Option<&str>) -> bool,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let front = self
            .call("to see what is in front", deadline, |link| {
                let Some(window) = link.active()? else { return Ok(None) };
                Ok(Some((window, link.is_dialog(window)?, link.class_of(window)?)))
            })
            .await?;
        let front = front.filter(|(_, is_dialog, class)| may(*is_dialog, class.as_deref()));
        self.pressed_in = front.map(|(window, ..)| window);
        Ok(())
    }

    async fn show_desktop(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let has_manager = self
            .call("to show the desktop", deadline, |link| {
                let has_manager = link.has_window_manager()?;
                if has_manager {
                    link.show_desktop(true)?;
                }
                Ok(has_manager)
            })
            .await?;
        if !has_manager {
            return Err(refused("no window manager is there that could show the desktop"));
        }
        let soon = deadline.or_sooner(MANAGER);
        while !self.call("to show the desktop", soon, |link| link.shows_desktop()).await? {
            soon.rest_until(Instant::now() + MANAGER_PAUSE).await;
        }
        Ok(())
    }

    /// Brings a window to the front and waits until it is there.
    pub(super) async fn activate(&mut self, window: u32, deadline: Deadline) -> Result<(), DriverErrorKind> {
        self.call("to bring a window to the front", deadline, move |link| link.activate(window)).await?;
        let soon = deadline.or_sooner(MANAGER);
        let mut is_active = false;
        while !is_active && !soon.is_over() {
            is_active = self
                .call("to bring a window to the front", deadline, move |link| Ok(link.active()? == Some(window)))
                .await?;
            if !is_active {
                soon.rest_until(Instant::now() + MANAGER_PAUSE).await;
            }
        }
        Ok(())
    }

    async fn change_window(
        &mut self,
        name: &str,
        change: WindowChange,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let windows = self.call("to list the windows", deadline, |link| link.windows()).await?;
        let window = find_window(&windows, name)?;
        match change {
            WindowChange::Activate => self.activate(window, deadline).await,
            WindowChange::Restore => {
                self.call("to restore a window", deadline, move |link| link.maximize(window, false)).await?;
                self.activate(window, deadline).await
            }
            WindowChange::Close => self.call("to close a window", deadline, move |link| link.close(window)).await,
            WindowChange::Maximize => {
                self.call("to maximize a window", deadline, move |link| link.maximize(window, true)).await?;
                self.activate(window, deadline).await
            }
            WindowChange::Minimize => {
                self.call("to minimize a window", deadline, move |link| link.minimize(window)).await
            }
        }
    }
}
