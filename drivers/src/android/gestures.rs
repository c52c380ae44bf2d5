//! Touches and keys: each gesture as the commands of a phone's shell.

use std::time::Duration;

use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::gesture::{Gesture, Key};

use super::parse::answers;
use super::{Android, Place, unlinked};
use crate::deadline::Deadline;

/// How long a finger rests before it drags, where the device is not the one that knows: longer than a long press, which
/// takes 0.4 or 0.5 s unless the owner wants it slower.
const PICKED_UP: Duration = Duration::from_millis(700);
/// In how many movements it gets where it goes, there: each is a program that is started.
const DRAG_STEPS: u32 = 6;
/// A finger that stays or moves longer than this is a mistake.
const FINGER_MAX: Duration = Duration::from_secs(60);

impl Android {
    pub(super) async fn gesture(&mut self, gesture: &Gesture, deadline: Deadline) -> Result<(), DriverErrorKind> {
        match gesture {
            Gesture::Tap { at } => {
                let (x, y) = self.place(at)?;
                self.command(&format!("input tap {x} {y}"), deadline).await?;
            }
            Gesture::DoubleTap { at } => {
                let (x, y) = self.place(at)?;
                // In one line, so that no round trip lies between the two.
                self.command(&format!("input tap {x} {y} 2>&1 && input tap {x} {y}"), deadline).await?;
            }
            Gesture::LongPress { at, hold } => {
                let (x, y) = self.place(at)?;
                let millis = finger(*hold)?;
                self.command(&format!("input swipe {x} {y} {x} {y} {millis}"), deadline).await?;
            }
            Gesture::Swipe { from, to, over } => {
                let ((x, y), (to_x, to_y)) = (self.place(from)?, self.place(to)?);
                let millis = finger(*over)?;
                self.command(&format!("input swipe {x} {y} {to_x} {to_y} {millis}"), deadline).await?;
            }
            Gesture::Drag { from, to, over } => {
                let (from, to) = (self.place(from)?, self.place(to)?);
                self.drag(from, to, finger(*over)?, deadline).await?;
            }
            Gesture::Type { text } => {
                let link = self.link.as_ref().ok_or_else(unlinked)?;
                self.keyboard.enter(&mut self.shell, link, text, deadline).await?;
            }
            Gesture::Press { key } => {
                self.press(*key, deadline).await?;
            }
            Gesture::Launch { app } => self.launch(app, deadline).await?,
            Gesture::Click { .. }
            | Gesture::Move { .. }
            | Gesture::Scroll { .. }
            | Gesture::Insert { .. }
            | Gesture::Chord { .. }
            | Gesture::Window { .. } => {
                return Err(DriverErrorKind::Refused { why: format!("a phone cannot {}", gesture.name()) });
            }
        }
        Ok(())
    }

    /// Androids from 7 on have a command for that, which rests as long as a long press takes; some lack it and can be told
    /// each movement of the finger instead.
    async fn drag(&mut self, from: Place, to: Place, millis: u128, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let ((x, y), (to_x, to_y)) = (from, to);
        let one = format!("input draganddrop {x} {y} {to_x} {to_y} {millis}");
        let link = self.link.as_ref().ok_or_else(unlinked)?;
        let ran = self.shell.run(link, &one, deadline).await?;
        if !answers::is_unknown_to_input(&ran.output) {
            return ran.accepted().map(drop);
        }
        let ran = self.shell.run(link, &finger_by_finger(from, to), deadline).await?;
        if answers::is_unknown_to_input(&ran.output) {
            let why = "this Android cannot drag: its `input` knows neither `draganddrop` nor `motionevent`";
            return Err(DriverErrorKind::Refused { why: why.to_owned() });
        }
        ran.accepted().map(drop)
    }

    pub(super) async fn press(&mut self, key: Key, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let code = match key {
            Key::Back => 4,
            Key::Home => 3,
            Key::Enter => 66,
        };
        self.command(&format!("input keyevent {code}"), deadline).await?;
        Ok(())
    }
}

/// A drag in single movements, in one line, so that no round trip keeps a finger on the screen. Whatever becomes of the
/// movements, the finger is lifted.
fn finger_by_finger((x, y): Place, (to_x, to_y): Place) -> String {
    let between = |step: u32, from: u32, to: u32| {
        let (from, to) = (i64::from(from), i64::from(to));
        from + (to - from) * i64::from(step) / i64::from(DRAG_STEPS)
    };
    let moves: String = (1..=DRAG_STEPS)
        .map(|step| format!("input motionevent MOVE {} {}; ", between(step, x, to_x), between(step, y, to_y)))
        .collect();
    let rest = PICKED_UP.as_secs_f32();
    format!("{{ input motionevent DOWN {x} {y} && {{ sleep {rest}; {moves}input motionevent UP {to_x} {to_y}; }}; }}")
}

fn finger(time: Duration) -> Result<u128, DriverErrorKind> {
    if time > FINGER_MAX {
        return Err(DriverErrorKind::Refused {
            why: format!("a touch of {} s; {} s is the most", time.as_secs(), FINGER_MAX.as_secs()),
        });
    }
    Ok(time.as_millis())
}
