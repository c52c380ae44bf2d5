//! Gestures as steps of the program that runs on the machine.

use std::sync::Arc;
use std::time::Duration;

use tapwright_contract::Spot;
use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::gesture::{Button, Gesture, Key, KeyName, Modifier, WindowChange};
use tokio::time::Instant;

use super::driver::MachineDesktop;
use super::guest::{self, ActAnswer, Action, Expectation, Interpreter, Step};
use super::machine::{ControlledMachine, MachineCommand};
use crate::deadline::Deadline;
use crate::desktop::apps::MenuEntry;
use crate::desktop::keysyms;
use crate::desktop::pointing::{DRAG_REST, LastClick, check_duration, check_notches, notches, way};
use crate::desktop::window::{AppWindow, find_window};
use crate::refused;

/// So many characters are sent at a time: a machine that hangs is noticed, and the error says how far it came.
const CHUNK: usize = 400;
/// How long a piece of text may take, and how much longer for each character of it. Characters that no key has are slow.
const CHUNK_TIME: Duration = Duration::from_secs(20);
const CHARACTER_TIME: Duration = Duration::from_millis(50);
/// How long an app that was started may take to open a window, before the next look shows what is there instead.
const TO_FRONT: Duration = Duration::from_secs(10);
/// The least time between two looks whether it has.
const WINDOW_PAUSE: Duration = Duration::from_millis(150);
/// What runs a program that wants a terminal around it.
const TERMINAL: [&str; 2] = ["x-terminal-emulator", "-e"];

const LEFT: u8 = 1;
/// The wheel's notches, as X has them: buttons.
const WHEEL_UP: u8 = 4;
const WHEEL_DOWN: u8 = 5;
const WHEEL_LEFT: u8 = 6;
const WHEEL_RIGHT: u8 = 7;

impl MachineDesktop {
    pub(super) async fn gesture(&mut self, gesture: &Gesture, deadline: Deadline) -> Result<(), DriverErrorKind> {
        match gesture {
            Gesture::Tap { at } => self.click(at, Button::Left, 1, &[], deadline).await,
            Gesture::DoubleTap { at } => self.click(at, Button::Left, 2, &[], deadline).await,
            Gesture::LongPress { at, hold } => {
                let steps = [Step::Press(LEFT), Step::Sleep(check_duration(*hold)?), Step::Release(LEFT)];
                self.point(at, &steps, deadline).await
            }
            Gesture::Swipe { from, to, over } => {
                self.aim(to)?;
                check_duration(*over)?;
                // There is no finger: what a swipe moves, a wheel moves.
                let (right, down) = notches(from, to);
                self.scroll(from, right, down, deadline).await
            }
            Gesture::Drag { from, to, over } => {
                let (begin, end) = (self.aim(from)?.place, self.aim(to)?.place);
                self.point(from, &drag_steps(begin, end, check_duration(*over)?), deadline).await
            }
            Gesture::Click { at, button, count, modifiers } => {
                self.click(at, *button, count.count(), modifiers, deadline).await
            }
            Gesture::Move { at } => self.point(at, &[], deadline).await,
            Gesture::Scroll { at, right, down } => self.scroll(at, *right, *down, deadline).await,
            Gesture::Type { text } => self.type_text(text, true, deadline).await,
            Gesture::Insert { text } => self.type_text(text, false, deadline).await,
            Gesture::Press { key: Key::Enter } => self.chord(&[], keysyms::RETURN, deadline).await,
            // What goes one page back in browsers, file managers and help.
            Gesture::Press { key: Key::Back } => {
                let left = keysyms::of_key(&KeyName::new("ArrowLeft").expect("a name of the standard"));
                self.chord(&[Modifier::Alt], left.expect("a key of a keyboard"), deadline).await
            }
            Gesture::Press { key: Key::Home } => {
                let show = |machine: Arc<dyn ControlledMachine>, python: Arc<Interpreter>, within| async move {
                    guest::show_desktop(&*machine, &python, within).await
                };
                self.hold(deadline, show).await
            }
            Gesture::Chord { modifiers, key } => {
                let symbol = keysyms::of_key(key).ok_or_else(|| refused(format!("a keyboard has no key {key:?}")))?;
                self.chord(modifiers, symbol, deadline).await
            }
            Gesture::Launch { app } => self.launch(app, deadline).await,
            Gesture::Window { window, change } => self.change_window(window, *change, deadline).await,
        }
    }

    /// A spot as a place of the screen, with what was seen there.
    fn aim(&self, spot: &Spot) -> Result<Expectation, DriverErrorKind> {
        let Some(seen) = self.seen.as_ref().filter(|seen| seen.id == spot.of) else {
            return Err(DriverErrorKind::Stale);
        };
        let side = |at: u32, end: u32| if at < end { i32::try_from(at).ok() } else { None };
        let place = side(spot.x, spot.of.size.width).zip(side(spot.y, spot.of.size.height));
        let outside = || refused(format!("{}, {} is not on a screen of {}", spot.x, spot.y, spot.of.size));
        let place = place.ok_or_else(outside)?;
        Ok(Expectation { place, over: seen.scene.at(place) })
    }

    /// Moves the pointer to a place, if what was seen there is there, and does something with it.
    async fn point(&mut self, at: &Spot, steps: &[Step], deadline: Deadline) -> Result<(), DriverErrorKind> {
        let aim = self.aim(at)?;
        let steps = [&[Step::Move(aim.place)], steps].concat();
        let action = Action { size: Some(at.of.size), expect: vec![aim], steps, focus: None };
        self.act(action, deadline).await.map(drop)
    }

    /// Carries out an action as a whole; returns where text went.
    async fn act(&mut self, action: Action, deadline: Deadline) -> Result<Option<i64>, DriverErrorKind> {
        let within = deadline.check()?;
        let takes: Duration = action.steps.iter().map(Step::rest).sum();
        if takes >= within {
            let tries = format!(
                "it takes {} s, and {} s are left: nothing was done",
                takes.as_secs_f32(),
                within.as_secs_f32()
            );
            return Err(DriverErrorKind::TimedOut { tries });
        }
        let act = |machine: Arc<dyn ControlledMachine>, python: Arc<Interpreter>, within| async move {
            guest::act(&*machine, &python, &action, within).await
        };
        match self.hold(deadline, act).await? {
            ActAnswer::Done { focus } => Ok(focus),
            ActAnswer::Stale => Err(DriverErrorKind::Stale),
            ActAnswer::Stopped { typed } => Err(refused(format!(
                "another window took the keys after {typed} characters; look what is in front now"
            ))),
            ActAnswer::Refused { why, typed: 0 } => Err(refused(why)),
            ActAnswer::Refused { why, typed } => Err(refused(format!("{why}; {typed} characters were typed"))),
        }
    }

    async fn click(
        &mut self,
        at: &Spot,
        button: Button,
        count: u32,
        modifiers: &[Modifier],
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let place = self.aim(at)?.place;
        let number = match button {
            Button::Left => LEFT,
            Button::Middle => 2,
            Button::Right => 3,
            Button::Back => 8,
            Button::Forward => 9,
        };
        let held: Vec<u32> = modifiers.iter().map(|modifier| keysyms::of_modifier(*modifier)).collect();
        let presses = (0..count).flat_map(|_| [Step::Press(number), Step::Release(number)]);
        let steps: Vec<Step> = held
            .iter()
            .map(|symbol| Step::Hold(*symbol))
            .chain(presses)
            .chain(held.iter().rev().map(|symbol| Step::Free(*symbol)))
            .collect();
        if let Some(last) = &self.last_click {
            deadline.rest_until(last.double_click_end(place)).await;
        }
        let result = self.point(at, &steps, deadline).await;
        // Also if nobody knows whether it was one.
        if !matches!(result, Err(DriverErrorKind::Stale | DriverErrorKind::Refused { .. })) {
            self.last_click = Some(LastClick::now(place));
        }
        result
    }

    async fn scroll(&mut self, at: &Spot, right: i32, down: i32, deadline: Deadline) -> Result<(), DriverErrorKind> {
        check_notches(right, down)?;
        let mut steps = Vec::new();
        for (notches, button) in [
            (down, if down < 0 { WHEEL_UP } else { WHEEL_DOWN }),
            (right, if right < 0 { WHEEL_LEFT } else { WHEEL_RIGHT }),
        ] {
            for _ in 0..notches.unsigned_abs() {
                steps.extend([Step::Press(button), Step::Release(button)]);
            }
        }
        self.point(at, &steps, deadline).await
    }

    async fn chord(&mut self, modifiers: &[Modifier], symbol: u32, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let held: Vec<u32> = modifiers.iter().map(|modifier| keysyms::of_modifier(*modifier)).collect();
        let steps: Vec<Step> = held
            .iter()
            .map(|held| Step::Hold(*held))
            .chain([Step::Key(symbol)])
            .chain(held.iter().rev().map(|held| Step::Free(*held)))
            .collect();
        self.act(Action { size: None, expect: Vec::new(), steps, focus: None }, deadline).await.map(drop)
    }

    /// Types a text piece by piece, each with a time that grows with it.
    async fn type_text(&mut self, text: &str, replaces: bool, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let symbols = keysyms::of_text(text).map_err(|untypable| refused(untypable.to_string()))?;
        let mut chunks: Vec<&[u32]> = symbols.chunks(CHUNK).collect();
        if chunks.is_empty() {
            chunks.push(&[]);
        }
        let (mut typed, mut focus) = (0, None);
        for chunk in chunks {
            let mut steps = Vec::new();
            if replaces && typed == 0 {
                steps.push(Step::Clear { for_good: chunk.is_empty() });
            }
            if !chunk.is_empty() {
                steps.push(Step::Text(chunk.to_vec()));
            }
            if steps.is_empty() {
                return Ok(());
            }
            let length = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
            let soon = deadline.or_sooner(CHUNK_TIME + CHARACTER_TIME * length);
            let action = Action { size: None, expect: Vec::new(), steps, focus };
            focus = match self.act(action, soon).await {
                Ok(focus) => focus,
                Err(kind) => return Err(with_progress(kind, typed, symbols.len())),
            };
            typed += chunk.len();
        }
        Ok(())
    }

    /// Brings an app to the front: its window if it has one, else it is started.
    async fn launch(&mut self, app: &str, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let found = self.entries(app, deadline).await?;
        let [entry] = &found[..] else {
            let several: Vec<&str> = found.iter().map(|entry| &*entry.id).collect();
            return Err(refused(format!("several apps are called {app:?}; say one by its id: {}", several.join(", "))));
        };
        if let Some(window) = self.window_of(entry, deadline).await? {
            return self.change((window, WindowChange::Activate), deadline).await;
        }
        let mut command = entry.command.clone();
        if entry.in_terminal {
            command.splice(0..0, TERMINAL.map(str::to_owned));
        }
        let command = MachineCommand::program(command);
        let launch = |machine: Arc<dyn ControlledMachine>, _, within| async move {
            machine.launch(&command, within).await.map_err(|error| error.kind)
        };
        self.hold(deadline, launch).await?;
        let soon = deadline.or_sooner(TO_FRONT);
        while !soon.is_over() {
            if let Some(window) = self.window_of(entry, deadline).await? {
                return self.change((window, WindowChange::Activate), deadline).await;
            }
            soon.rest_until(Instant::now() + WINDOW_PAUSE).await;
        }
        Ok(())
    }

    async fn windows(&self, deadline: Deadline) -> Result<Vec<AppWindow>, DriverErrorKind> {
        Ok(self.scene(deadline).await?.windows.iter().map(guest::GuestWindow::app_window).collect())
    }

    /// The uppermost window of an app.
    async fn window_of(&self, entry: &MenuEntry, deadline: Deadline) -> Result<Option<u32>, DriverErrorKind> {
        let windows = self.windows(deadline).await?;
        let own = windows.iter().rev().find(|window| entry.has_class(&window.class, &self.menu));
        Ok(own.map(|window| window.id))
    }

    async fn change_window(
        &mut self,
        name: &str,
        change: WindowChange,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let window = find_window(&self.windows(deadline).await?, name)?;
        self.change((window, change), deadline).await
    }

    async fn change(&mut self, what: (u32, WindowChange), deadline: Deadline) -> Result<(), DriverErrorKind> {
        let change = |machine: Arc<dyn ControlledMachine>, python: Arc<Interpreter>, within| async move {
            guest::change_window(&*machine, &python, what, within).await
        };
        match self.hold(deadline, change).await? {
            true => Ok(()),
            false => Err(DriverErrorKind::Stale),
        }
    }
}

impl Step {
    /// How long it rests by itself.
    fn rest(&self) -> Duration {
        match self {
            Step::Sleep(time) => *time,
            _ => Duration::ZERO,
        }
    }
}

fn drag_steps(from: (i32, i32), to: (i32, i32), over: Duration) -> Vec<Step> {
    let mut steps = vec![Step::Press(LEFT), Step::Sleep(DRAG_REST)];
    let mut now = Duration::ZERO;
    for (at, place) in way(from, to, over) {
        steps.extend([Step::Sleep(at.saturating_sub(now)), Step::Move(place)]);
        now = at;
    }
    steps.extend([Step::Sleep(DRAG_REST), Step::Release(LEFT)]);
    steps
}

/// What went wrong, with how much of a text had been typed before the piece in which it did.
fn with_progress(kind: DriverErrorKind, typed: usize, of: usize) -> DriverErrorKind {
    if typed == 0 {
        return kind;
    }
    let so_far = format!("after {typed} of {of} characters: ");
    match kind {
        DriverErrorKind::TimedOut { tries } => DriverErrorKind::TimedOut { tries: so_far + &tries },
        DriverErrorKind::Refused { why } => DriverErrorKind::Refused { why: so_far + &why },
        DriverErrorKind::Lost { why } => DriverErrorKind::Lost { why: so_far + &why },
        DriverErrorKind::MalformedResponse { why } => DriverErrorKind::MalformedResponse { why: so_far + &why },
        kind @ (DriverErrorKind::NoSuchApp { .. } | DriverErrorKind::Stale | DriverErrorKind::Hidden { .. }) => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drag_rests_at_both_ends_and_takes_its_time() {
        let steps = drag_steps((0, 0), (100, 50), Duration::from_millis(300));
        let rest: Duration = steps.iter().map(Step::rest).sum();
        assert_eq!(rest, Duration::from_millis(300) + 2 * DRAG_REST);
        assert!(matches!(steps[..2], [Step::Press(LEFT), Step::Sleep(DRAG_REST)]));
        assert!(matches!(
            steps[steps.len() - 3..],
            [Step::Move((100, 50)), Step::Sleep(DRAG_REST), Step::Release(LEFT)]
        ));
    }
}
