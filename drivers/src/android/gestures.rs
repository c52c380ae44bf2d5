//! Touches and keys: each gesture as the commands of a phone's shell.

use std::time::Duration;

use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::gesture::{Gesture, Key, KeyName, Modifier};

use super::keycodes;
use super::parse::answers;
use super::typing::Before;
use super::{Android, Place, no_link_error};
use crate::deadline::Deadline;

/// How long a finger rests before it drags, where the device is not the one that knows: longer than a long press, which
/// takes 0.4 or 0.5 s unless the owner wants it slower.
const PICKED_UP: Duration = Duration::from_millis(700);
/// In how many movements it gets where it goes, there: each is a program that is started.
const DRAG_STEPS: u32 = 6;
/// The first version whose `input` starts no program of its own: Android 12.
const INPUT_IS_QUICK: u32 = 31;
/// On the device, for as long as it is carried out: touches for `monkey`.
const SCRIPT: &str = "/data/local/tmp/tapwright-touches";
/// A finger that stays or moves longer than this is a mistake.
const FINGER_MAX: Duration = Duration::from_secs(60);

impl Android {
    pub(super) async fn gesture(&mut self, gesture: &Gesture, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let input = self.display.input();
        match gesture {
            Gesture::Tap { at } => {
                let (x, y) = self.place(at)?;
                self.command(&format!("{input} tap {x} {y}"), deadline).await?;
            }
            Gesture::DoubleTap { at } => {
                let (x, y) = self.place(at)?;
                self.double_tap((x, y), deadline).await?;
            }
            Gesture::LongPress { at, hold } => {
                let (x, y) = self.place(at)?;
                let millis = finger(*hold)?;
                self.command(&format!("{input} swipe {x} {y} {x} {y} {millis}"), deadline).await?;
            }
            Gesture::Swipe { from, to, over } => {
                let ((x, y), (to_x, to_y)) = (self.place(from)?, self.place(to)?);
                let millis = finger(*over)?;
                self.command(&format!("{input} swipe {x} {y} {to_x} {to_y} {millis}"), deadline).await?;
            }
            Gesture::Drag { from, to, over } => {
                let (from, to) = (self.place(from)?, self.place(to)?);
                self.drag(from, to, finger(*over)?, deadline).await?;
            }
            Gesture::Type { text } => {
                self.type_text(text, Before::Replaced, deadline).await?;
            }
            Gesture::Insert { text } => self.type_text(text, Before::Kept, deadline).await?,
            Gesture::Press { key } => {
                self.press(*key, deadline).await?;
            }
            Gesture::Chord { modifiers, key } => self.chord(modifiers, key, deadline).await?,
            Gesture::Launch { app } => self.launch(app, deadline).await?,
            Gesture::Click { .. } | Gesture::Move { .. } | Gesture::Scroll { .. } | Gesture::Window { .. } => {
                return Err(DriverErrorKind::Refused { why: format!("a phone cannot {}", gesture.name()) });
            }
        }
        Ok(())
    }

    /// Two taps within the 300 ms that make them one gesture. From Android 12 on `input` is told to a process that runs already; before,
    /// each one starts a program, which takes longer than that, so one program is given both.
    async fn double_tap(&mut self, (x, y): Place, deadline: Deadline) -> Result<(), DriverErrorKind> {
        if self.api_level(deadline).await?.is_none_or(|level| level >= INPUT_IS_QUICK) {
            // In one line, so that no round trip lies between the two.
            let input = self.display.input();
            return self.command(&format!("{input} tap {x} {y} 2>&1 && {input} tap {x} {y}"), deadline).await.map(drop);
        }
        let script = [
            "type= user",
            "count= 3",
            "speed= 1.0",
            "start data >>",
            &format!("Tap({x},{y})"),
            "UserWait(90)",
            &format!("Tap({x},{y})"),
        ];
        let words: Vec<String> = script.iter().map(|line| format!("'{line}'")).collect();
        let write = format!("printf '%s\\n' {} > {SCRIPT}", words.join(" "));
        self.command(&write, deadline).await?;
        let link = self.link.as_ref().ok_or_else(no_link_error)?;
        let ran = self.shell.run(link, &format!("monkey -f {SCRIPT} 1"), deadline).await?;
        self.command(&format!("rm -f {SCRIPT}"), deadline).await?;
        if ran.output.contains("Events injected") {
            return Ok(());
        }
        let why =
            ran.into_output().err().map_or_else(|| "it says nothing of events".to_owned(), |kind| kind.to_string());
        let why = format!(
            "this Android starts a program for each tap, too slowly for a double tap, and its `monkey` did not do both: {why}"
        );
        Err(DriverErrorKind::Refused { why })
    }

    /// Android's version as a number.
    async fn api_level(&mut self, deadline: Deadline) -> Result<Option<u32>, DriverErrorKind> {
        if let Some(level) = self.api_level {
            return Ok(level);
        }
        let link = self.link.as_ref().ok_or_else(no_link_error)?;
        let ran = self.shell.run(link, "getprop ro.build.version.sdk", deadline).await?;
        let level = (ran.status == 0).then(|| answers::number(&ran.output)).flatten();
        self.api_level = Some(level);
        Ok(level)
    }

    async fn chord(
        &mut self,
        modifiers: &[Modifier],
        key: &KeyName,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        let refused = |why: String| DriverErrorKind::Refused { why };
        let code = keycodes::of_key(key).ok_or_else(|| refused(format!("Android has no key {key:?}")))?;
        if modifiers.is_empty() {
            return self.command(&format!("input keyevent {code}"), deadline).await.map(drop);
        }
        let held: Vec<String> = modifiers.iter().map(|modifier| keycodes::of_modifier(*modifier).to_string()).collect();
        let link = self.link.as_ref().ok_or_else(no_link_error)?;
        let ran = self.shell.run(link, &format!("input keycombination {} {code}", held.join(" ")), deadline).await?;
        if answers::is_unknown_to_input(&ran.output) {
            return Err(refused(
                "this Android holds no keys while another one is pressed; Android 13 and later do".to_owned(),
            ));
        }
        ran.into_output().map(drop)
    }

    /// Androids from 7 on have a command for that, which rests as long as a long press takes; some lack it and can be told
    /// each movement of the finger instead.
    async fn drag(&mut self, from: Place, to: Place, millis: u128, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let ((x, y), (to_x, to_y)) = (from, to);
        let input = self.display.input();
        let one = format!("{input} draganddrop {x} {y} {to_x} {to_y} {millis}");
        let link = self.link.as_ref().ok_or_else(no_link_error)?;
        let ran = self.shell.run(link, &one, deadline).await?;
        if !answers::is_unknown_to_input(&ran.output) {
            return ran.into_output().map(drop);
        }
        let ran = self.shell.run(link, &finger_by_finger(&input, from, to), deadline).await?;
        if answers::is_unknown_to_input(&ran.output) {
            let why = "this Android cannot drag: its `input` knows neither `draganddrop` nor `motionevent`";
            return Err(DriverErrorKind::Refused { why: why.to_owned() });
        }
        ran.into_output().map(drop)
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
fn finger_by_finger(input: &str, (x, y): Place, (to_x, to_y): Place) -> String {
    let between = |step: u32, from: u32, to: u32| {
        let (from, to) = (i64::from(from), i64::from(to));
        from + (to - from) * i64::from(step) / i64::from(DRAG_STEPS)
    };
    let moves: String = (1..=DRAG_STEPS)
        .map(|step| format!("{input} motionevent MOVE {} {}; ", between(step, x, to_x), between(step, y, to_y)))
        .collect();
    let rest = PICKED_UP.as_secs_f32();
    format!(
        "{{ {input} motionevent DOWN {x} {y} && {{ sleep {rest}; {moves}{input} motionevent UP {to_x} {to_y}; }}; }}"
    )
}

fn finger(time: Duration) -> Result<u128, DriverErrorKind> {
    if time > FINGER_MAX {
        return Err(DriverErrorKind::Refused {
            why: format!("a touch of {} s; {} s is the most", time.as_secs(), FINGER_MAX.as_secs()),
        });
    }
    Ok(time.as_millis())
}
