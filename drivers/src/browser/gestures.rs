//! Gestures, as real events of a mouse and a keyboard at places of the page: what lies on top gets them.

use std::time::Duration;

use serde_json::{Value, json};
use tapwright_contract::Spot;
use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::gesture::{Button, Gesture, Key, KeyName, Modifier, WindowChange};
use tokio::time::Instant;

use super::Browser;
use super::cdp::{Answer, CallError, Client, Post};
use super::keys::{KeyCode, bits, of_modifier};
use super::tabs::Tab;
use crate::deadline::Deadline;
use crate::refused;

/// A button that is held or moves for longer is a mistake.
const POINTER_MAX: Duration = Duration::from_secs(60);
/// A wheel that turns further is a mistake.
const NOTCHES_MAX: u32 = 200;
/// How far a notch of the wheel moves what is shown, in CSS pixels.
const PIXELS_A_NOTCH: i32 = 100;
/// The time between two places of a pointer that drags, and its rest at both ends: pages react to movements, not to jumps.
const DRAG_STEP: Duration = Duration::from_millis(16);
const DRAG_REST: Duration = Duration::from_millis(50);
/// How long a page may take what is done to it. One that takes longer does not answer, as far as anybody can tell.
const TAKEN_MAX: Duration = Duration::from_secs(5);
const MOUSE: &str = "Input.dispatchMouseEvent";
const KEYBOARD: &str = "Input.dispatchKeyEvent";

/// A place of a page, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    x: f64,
    y: f64,
}

fn check_duration(time: Duration) -> Result<Duration, DriverErrorKind> {
    if time > POINTER_MAX {
        let (time, most) = (time.as_secs(), POINTER_MAX.as_secs());
        return Err(refused(format!("a button held for {time} s; {most} s is the most")));
    }
    Ok(time)
}

/// An event of a mouse; `button` is the one that is pressed, let go, or held while it moves.
fn mouse(kind: &str, at: Place, button: Option<Button>, count: u32, modifiers: &[Modifier]) -> (&'static str, Value) {
    let (name, bit) = match button {
        None => ("none", 0),
        Some(Button::Left) => ("left", 1),
        Some(Button::Right) => ("right", 2),
        Some(Button::Back) => ("back", 8),
        Some(Button::Forward) => ("forward", 16),
        Some(Button::Middle) => ("middle", 4),
    };
    let held = if kind == "mouseReleased" { 0 } else { bit };
    let (x, y, modifiers) = (at.x, at.y, bits(modifiers));
    let event = json!({
        "type": kind, "x": x, "y": y, "button": name, "buttons": held, "clickCount": count, "modifiers": modifiers,
    });
    (MOUSE, event)
}

/// A button that is let go when this is dropped, however a gesture ends.
struct HeldButton {
    client: Client,
    session: String,
    at: Place,
}

impl Drop for HeldButton {
    fn drop(&mut self) {
        let (method, params) = mouse("mouseReleased", self.at, Some(Button::Left), 1, &[]);
        self.client.post(Post { session: Some(self.session.clone()), method, params });
    }
}

/// Drags of a page are told to us for as long as this is there, however a gesture ends.
struct InterceptedDrags {
    client: Client,
    session: String,
}

impl Drop for InterceptedDrags {
    fn drop(&mut self) {
        let (method, params) = intercept_drags(false);
        self.client.post(Post { session: Some(self.session.clone()), method, params });
    }
}

fn intercept_drags(enabled: bool) -> (&'static str, Value) {
    ("Input.setInterceptDrags", json!({"enabled": enabled}))
}

impl Browser {
    pub(super) async fn gesture(&mut self, gesture: &Gesture, deadline: Deadline) -> Result<(), DriverErrorKind> {
        self.carry_out(gesture, deadline).await?;
        // Where something is drawn, the click was its answer.
        match self.drawn.is_some() {
            true => self.keep_drawings(deadline).await,
            false => Ok(()),
        }
    }

    async fn carry_out(&mut self, gesture: &Gesture, deadline: Deadline) -> Result<(), DriverErrorKind> {
        match gesture {
            Gesture::Tap { at } => self.click(at, Button::Left, 1, &[], deadline).await,
            Gesture::DoubleTap { at } => self.click(at, Button::Left, 2, &[], deadline).await,
            Gesture::LongPress { at, hold } => self.hold(at, check_duration(*hold)?, deadline).await,
            Gesture::Swipe { from, to, over } => {
                check_duration(*over)?;
                let (_, begin) = self.aim(from)?;
                let (_, end) = self.aim(to)?;
                self.wheel(from, begin.x - end.x, begin.y - end.y, deadline).await
            }
            Gesture::Drag { from, to, over } => self.drag(from, to, check_duration(*over)?, deadline).await,
            Gesture::Click { at, button, count, modifiers } => {
                self.click(at, *button, count.count(), modifiers, deadline).await
            }
            Gesture::Move { at } => {
                let (tab, place) = self.aim(at)?;
                self.input(&tab, vec![mouse("mouseMoved", place, None, 0, &[])], deadline).await
            }
            Gesture::Scroll { at, right, down } => {
                if right.unsigned_abs().max(down.unsigned_abs()) > NOTCHES_MAX {
                    return Err(refused(format!("{NOTCHES_MAX} notches of the wheel at a time are the most")));
                }
                let far = |notches: i32| f64::from(notches * PIXELS_A_NOTCH);
                self.wheel(at, far(*right), far(*down), deadline).await
            }
            Gesture::Type { text } => self.enter_text(text, true, deadline).await,
            Gesture::Insert { text } => self.enter_text(text, false, deadline).await,
            Gesture::Press { key: Key::Enter } => {
                let tab = self.current()?;
                let strokes = KeyCode::enter().stroke(&[]).map(|stroke| (KEYBOARD, stroke));
                self.input(&tab, strokes.into(), deadline).await
            }
            Gesture::Press { key: Key::Back } => {
                if self.dismiss_dialog(deadline).await? {
                    return Ok(());
                }
                let tab = self.connection.acting_tab()?;
                self.connection.go(&tab, -1, deadline).await
            }
            Gesture::Press { key: Key::Home } => self.go_home(deadline).await,
            Gesture::Chord { modifiers, key } => self.chord(modifiers, key, deadline).await,
            Gesture::Launch { app } => self.launch(app, deadline).await,
            Gesture::Window { window, change } => {
                let tab = self.connection.find_tab(window, deadline).await?;
                match change {
                    WindowChange::Activate | WindowChange::Restore => {
                        self.connection.bring_to_front(&tab);
                        Ok(())
                    }
                    WindowChange::Close => self.connection.close_tab(&tab, deadline).await,
                    WindowChange::Maximize | WindowChange::Minimize => {
                        Err(refused("a tab has no other size; bring another one to the front instead"))
                    }
                }
            }
        }
    }

    /// The tab that was seen last, if it is still what is in front.
    pub(super) fn current(&self) -> Result<Tab, DriverErrorKind> {
        let tab = self.connection.front()?;
        let is_seen = self.seen.as_ref().is_some_and(|seen| {
            (seen.number, seen.generation) == (tab.number, tab.generation) && tab.dialog.is_none() && !tab.has_crashed
        });
        if is_seen { Ok(tab) } else { Err(DriverErrorKind::Stale) }
    }

    /// A spot as a place of the page that it was seen on.
    fn aim(&self, spot: &Spot) -> Result<(Tab, Place), DriverErrorKind> {
        let Some(seen) = self.seen.as_ref().filter(|seen| seen.id == spot.of) else {
            return Err(DriverErrorKind::Stale);
        };
        if spot.x >= spot.of.size.width || spot.y >= spot.of.size.height {
            return Err(refused(format!("{}, {} is not on a page of {}", spot.x, spot.y, spot.of.size)));
        }
        // The middle of the pixel.
        let css = |side: u32| (f64::from(side) + 0.5) / seen.scale;
        Ok((self.current()?, Place { x: css(spot.x), y: css(spot.y) }))
    }

    /// Sends events, all at once so that none of them stays away, and waits until the page has taken them: or asks something,
    /// or goes.
    pub(super) async fn input(
        &mut self,
        tab: &Tab,
        calls: Vec<(&'static str, Value)>,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        deadline.check()?;
        let client = &self.connection.client;
        let deadline = deadline.or_sooner(TAKEN_MAX);
        // What the page asks from now on may be an answer to this.
        self.connection.tabs.send_modify(|tabs| tabs.change(tab.number, |tab| tab.dialogs_in_a_row = 0));
        let mut answers: Vec<Answer> =
            calls.into_iter().map(|(method, params)| client.start(Some(&tab.session), method, params)).collect();
        let taken = async {
            for answer in &mut answers {
                match answer.wait().await {
                    // One that goes has taken what was done to it.
                    Ok(_) | Err(CallError::NoTab) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        };
        let (number, generation) = (tab.number, tab.generation);
        let is_other = |tab: &Tab| tab.dialog.is_some() || tab.has_crashed || tab.generation != generation;
        let interrupted = self.connection.until("the page", deadline, |tabs| tabs.tab(number).is_none_or(is_other));
        let result = tokio::select! {
            biased;
            taken = deadline.hold("the page", taken) => taken,
            interrupted = interrupted => interrupted,
        };
        self.connection.note_silence(tab, result)
    }

    async fn click(
        &mut self,
        at: &Spot,
        button: Button,
        count: u32,
        modifiers: &[Modifier],
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let (tab, place) = self.aim(at)?;
        let mut calls = vec![mouse("mouseMoved", place, None, 0, modifiers)];
        for count in 1..=count {
            calls.push(mouse("mousePressed", place, Some(button), count, modifiers));
            calls.push(mouse("mouseReleased", place, Some(button), count, modifiers));
        }
        self.input(&tab, calls, deadline).await
    }

    async fn hold(&mut self, at: &Spot, hold: Duration, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let (tab, place) = self.aim(at)?;
        let held = self.press_at(&tab, place, deadline).await?;
        deadline.rest_until(Instant::now() + hold).await;
        self.let_go(&tab, held, deadline).await
    }

    async fn press_at(&mut self, tab: &Tab, at: Place, deadline: Deadline) -> Result<HeldButton, DriverErrorKind> {
        let held = HeldButton { client: self.connection.client.clone(), session: tab.session.clone(), at };
        let calls = vec![mouse("mouseMoved", at, None, 0, &[]), mouse("mousePressed", at, Some(Button::Left), 1, &[])];
        self.input(tab, calls, deadline).await?;
        Ok(held)
    }

    async fn let_go(&mut self, tab: &Tab, held: HeldButton, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let at = held.at;
        drop(held);
        // Behind the release: what the page makes of it is there when this is taken.
        self.input(tab, vec![mouse("mouseMoved", at, None, 0, &[])], deadline).await
    }

    async fn drag(
        &mut self,
        from: &Spot,
        to: &Spot,
        over: Duration,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let ((tab, begin), (_, end)) = (self.aim(from)?, self.aim(to)?);
        // What a page lets be dragged is carried on as a drag of the protocol: there is no mouse of the system here.
        let _intercepted = InterceptedDrags { client: self.connection.client.clone(), session: tab.session.clone() };
        self.connection.tabs.send_modify(|tabs| tabs.change(tab.number, |tab| tab.drag = None));
        self.input(&tab, vec![intercept_drags(true)], deadline).await?;
        let result = self.drag_along(&tab, begin, end, over, deadline).await;
        self.connection.tabs.send_modify(|tabs| tabs.change(tab.number, |tab| tab.drag = None));
        result
    }

    async fn drag_along(
        &mut self,
        tab: &Tab,
        begin: Place,
        end: Place,
        over: Duration,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let mut held = self.press_at(tab, begin, deadline).await?;
        deadline.rest_until(Instant::now() + DRAG_REST).await;
        let (began, steps) = (Instant::now(), (over.as_millis() / DRAG_STEP.as_millis()).clamp(4, 4000) as u32);
        let mut dragged: Option<Value> = None;
        for step in 1..=steps {
            let part = f64::from(step) / f64::from(steps);
            let at = Place { x: begin.x + (end.x - begin.x) * part, y: begin.y + (end.y - begin.y) * part };
            deadline.rest_until(began + over * step / steps).await;
            held.at = at;
            self.input(tab, vec![mouse("mouseMoved", at, Some(Button::Left), 1, &[])], deadline).await?;
            if dragged.is_none() {
                dragged = self.connection.tabs.borrow().tab(tab.number).and_then(|tab| tab.drag.clone());
                if let Some(data) = &dragged {
                    self.input(tab, vec![drag_event("dragEnter", at, data)], deadline).await?;
                }
            }
            if let Some(data) = &dragged {
                self.input(tab, vec![drag_event("dragOver", at, data)], deadline).await?;
            }
        }
        deadline.rest_until(Instant::now() + DRAG_REST).await;
        if let Some(data) = &dragged {
            self.input(tab, vec![drag_event("drop", end, data)], deadline).await?;
        }
        self.let_go(tab, held, deadline).await
    }

    async fn wheel(&mut self, at: &Spot, right: f64, down: f64, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let (tab, place) = self.aim(at)?;
        let (_, mut event) = mouse("mouseWheel", place, None, 0, &[]);
        (event["deltaX"], event["deltaY"]) = (right.into(), down.into());
        self.input(&tab, vec![mouse("mouseMoved", place, None, 0, &[]), (MOUSE, event)], deadline).await
    }

    async fn chord(
        &mut self,
        modifiers: &[Modifier],
        key: &KeyName,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        if self.browser_keys(modifiers, key, deadline).await? {
            return Ok(());
        }
        let tab = self.current()?;
        let mut calls = Vec::new();
        for (at, modifier) in modifiers.iter().enumerate() {
            let [down, _] = of_modifier(*modifier).stroke(&modifiers[..=at]);
            calls.push((KEYBOARD, down));
        }
        calls.extend(
            KeyCode::of(key, modifiers.contains(&Modifier::Shift)).stroke(modifiers).map(|stroke| (KEYBOARD, stroke)),
        );
        for (at, modifier) in modifiers.iter().enumerate().rev() {
            let [_, up] = of_modifier(*modifier).stroke(&modifiers[..at]);
            calls.push((KEYBOARD, up));
        }
        self.input(&tab, calls, deadline).await
    }

    /// Keys that are the browser's own: no page gets them. Whether these were.
    async fn browser_keys(
        &mut self,
        modifiers: &[Modifier],
        key: &KeyName,
        deadline: Deadline,
    ) -> Result<bool, DriverErrorKind> {
        let connection = self.connection.clone();
        match (modifiers, key.as_str()) {
            ([Modifier::Alt], "ArrowLeft") | ([], "BrowserBack") => {
                connection.go(&connection.acting_tab()?, -1, deadline).await?;
            }
            ([Modifier::Alt], "ArrowRight") | ([], "BrowserForward") => {
                connection.go(&connection.acting_tab()?, 1, deadline).await?;
            }
            ([], "F5" | "BrowserRefresh") | ([Modifier::Control], "r") => {
                connection.reload(&connection.acting_tab()?, deadline).await?;
            }
            ([Modifier::Control], "w") => {
                self.current()?;
                connection.close_tab(&connection.acting_tab()?, deadline).await?;
            }
            ([Modifier::Control], "t") => {
                connection.open(super::sites::start_page(), deadline).await?;
            }
            ([Modifier::Control], "Tab") => {
                let next = {
                    let tabs = connection.tabs.borrow();
                    let at =
                        tabs.front().and_then(|front| tabs.all().iter().position(|tab| tab.number == front.number));
                    at.and_then(|at| tabs.all().iter().cycle().nth(at + 1)).cloned()
                };
                if let Some(next) = next {
                    connection.bring_to_front(&next);
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn drag_event(kind: &str, at: Place, data: &Value) -> (&'static str, Value) {
    ("Input.dispatchDragEvent", json!({"type": kind, "x": at.x, "y": at.y, "data": data}))
}
