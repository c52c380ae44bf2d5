//! What a person does at a page, and the gesture that a device is made to do for it.

use std::time::Duration;

use serde::Deserialize;
use tapwright_contract::gesture::{Abilities, Button, Clicks, Gesture, Key, KeyName, Modifier};
use tapwright_contract::{ScreenId, Spot};

/// The longest touch, and the shortest that is meant as a long press.
const TOUCH_MAX: u64 = 5_000;
const HOLD_MIN: u64 = 500;
/// The shortest swipe: in less a finger is hardly seen.
const SWIPE_MIN: u64 = 30;
/// How long a swipe takes that stands for the turn of a wheel: slow enough to move a list and not to throw it.
const WHEEL: Duration = Duration::from_millis(400);
/// Pixels of a page that a browser scrolls by for one notch of a wheel.
const NOTCH: f64 = 100.0;
/// The most letters that are entered at once.
const TEXT_MAX: usize = 4_000;

/// What the page sends. Places are pixels of the picture that was shown; `of` says which screen that was, as its header had it.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Input {
    Tap {
        x: u32,
        y: u32,
        of: ScreenId,
    },
    /// A pointer's other button.
    Menu {
        x: u32,
        y: u32,
        of: ScreenId,
    },
    LongPress {
        x: u32,
        y: u32,
        ms: u64,
        of: ScreenId,
    },
    Swipe {
        x: u32,
        y: u32,
        to_x: u32,
        to_y: u32,
        ms: u64,
        of: ScreenId,
    },
    /// A touch that rested before it moved.
    Drag {
        x: u32,
        y: u32,
        to_x: u32,
        to_y: u32,
        ms: u64,
        of: ScreenId,
    },
    /// A wheel, in pixels of a page.
    Wheel {
        x: u32,
        y: u32,
        right: f64,
        down: f64,
        of: ScreenId,
    },
    Text {
        text: String,
    },
    Key {
        key: String,
        #[serde(default)]
        modifiers: Vec<Modifier>,
    },
    Back,
    Home,
    Recents,
}

impl Input {
    /// What a device that can do this is made to do.
    ///
    /// # Errors
    /// Why it can do nothing of that kind, or what is wrong with it.
    pub fn gesture(self, abilities: &Abilities) -> Result<Gesture, String> {
        let able = |is: bool, what: &str| if is { Ok(()) } else { Err(format!("this device takes no {what}")) };
        let touch = || able(abilities.touch || abilities.pointer, "touches");
        Ok(match self {
            Input::Tap { x, y, of } => {
                touch()?;
                tap(spot(x, y, of)?, Button::Left, abilities)
            }
            Input::Menu { x, y, of } => {
                touch()?;
                let at = spot(x, y, of)?;
                match abilities.pointer {
                    true => click(at, Button::Right),
                    false => Gesture::LongPress { at, hold: Duration::from_millis(HOLD_MIN + 300) },
                }
            }
            Input::LongPress { x, y, ms, of } => {
                able(abilities.touch, "long presses")?;
                Gesture::LongPress { at: spot(x, y, of)?, hold: Duration::from_millis(ms.clamp(HOLD_MIN, TOUCH_MAX)) }
            }
            Input::Swipe { x, y, to_x, to_y, ms, of } => {
                let (from, to) = (spot(x, y, of)?, spot(to_x, to_y, of)?);
                swipe_or_drag(from, to, ms, abilities.pointer, abilities)?
            }
            Input::Drag { x, y, to_x, to_y, ms, of } => {
                let (from, to) = (spot(x, y, of)?, spot(to_x, to_y, of)?);
                swipe_or_drag(from, to, ms, true, abilities)?
            }
            Input::Wheel { x, y, right, down, of } => {
                let at = spot(x, y, of)?;
                if !right.is_finite() || !down.is_finite() {
                    return Err("a wheel is turned by a number of pixels".to_owned());
                }
                match abilities.scroll {
                    true => Gesture::Scroll { at, right: notches(right), down: notches(down) },
                    false => {
                        able(abilities.touch, "swipes")?;
                        let to = Spot { x: away(x, right, of.size.width), y: away(y, down, of.size.height), of };
                        Gesture::Swipe { from: at, to, over: WHEEL }
                    }
                }
            }
            Input::Text { text } => {
                able(abilities.insert || abilities.replace, "text")?;
                match text.chars().count() {
                    0 => return Err("there is no text".to_owned()),
                    1..=TEXT_MAX => {}
                    letters => return Err(format!("{letters} letters; {TEXT_MAX} are the most at once")),
                }
                if abilities.insert { Gesture::Insert { text } } else { Gesture::Type { text } }
            }
            Input::Key { key, modifiers } if key == "Enter" && modifiers.is_empty() && !abilities.chords => {
                able(abilities.insert || abilities.replace, "keys")?;
                Gesture::Press { key: Key::Enter }
            }
            Input::Key { key, modifiers } => chord(&key, modifiers, abilities)?,
            Input::Back => navigation(Key::Back, abilities)?,
            Input::Home => navigation(Key::Home, abilities)?,
            Input::Recents => chord("AppSwitch", Vec::new(), abilities)?,
        })
    }
}

fn tap(at: Spot, button: Button, abilities: &Abilities) -> Gesture {
    if abilities.touch { Gesture::Tap { at } } else { click(at, button) }
}

fn click(at: Spot, button: Button) -> Gesture {
    Gesture::Click { at, button, count: Clicks::Single, modifiers: Vec::new() }
}

fn swipe_or_drag(from: Spot, to: Spot, ms: u64, is_drag: bool, abilities: &Abilities) -> Result<Gesture, String> {
    let over = Duration::from_millis(ms.clamp(SWIPE_MIN, TOUCH_MAX));
    match (abilities.drag && is_drag, abilities.touch) {
        (true, _) => Ok(Gesture::Drag { from, to, over }),
        (false, true) => Ok(Gesture::Swipe { from, to, over }),
        (false, false) => Err("this device takes no swipes".to_owned()),
    }
}

fn chord(key: &str, modifiers: Vec<Modifier>, abilities: &Abilities) -> Result<Gesture, String> {
    if !abilities.chords {
        return Err("this device takes no keys".to_owned());
    }
    let key = KeyName::new(key).map_err(|error| error.to_string())?;
    Ok(Gesture::Chord { modifiers, key })
}

fn navigation(key: Key, abilities: &Abilities) -> Result<Gesture, String> {
    match abilities.navigation {
        true => Ok(Gesture::Press { key }),
        false => Err("this device has no such button".to_owned()),
    }
}

fn spot(x: u32, y: u32, of: ScreenId) -> Result<Spot, String> {
    if x >= of.size.width || y >= of.size.height {
        return Err(format!("{x},{y} is not on a screen of {}", of.size));
    }
    Ok(Spot { x, y, of })
}

/// At least one notch, in the direction of the turn.
fn notches(pixels: f64) -> i32 {
    let notches = (pixels / NOTCH).clamp(-50.0, 50.0);
    if notches == 0.0 { 0 } else { notches.abs().max(1.0).round().copysign(notches) as i32 }
}

/// Where a finger ends that moves what lies under it so far the other way, within the screen.
fn away(from: u32, pixels: f64, length: u32) -> u32 {
    (f64::from(from) - pixels).clamp(0.0, f64::from(length - 1)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESKTOP: Abilities =
        Abilities { pointer: true, scroll: true, insert: true, chords: true, ..Abilities::PHONE };
    const FULL: Abilities = Abilities { insert: true, chords: true, ..Abilities::PHONE };

    fn input_in_words(text: &str, abilities: &Abilities) -> String {
        let input: Input = match serde_json::from_str(text) {
            Ok(input) => input,
            Err(error) => return format!("unreadable: {error}"),
        };
        match input.gesture(abilities) {
            Ok(gesture) => serde_json::to_string(&gesture).unwrap().replace(r#","of":{"width":100,"height":200}"#, ""),
            Err(why) => format!("refused: {why}"),
        }
    }

    #[test]
    fn each_device_does_what_it_can() {
        let of = r#""of":{"width":100,"height":200}"#;
        for (input, on_phone, on_desktop) in [
            (
                format!(r#"{{"do":"tap","x":9,"y":20,{of}}}"#),
                r#"{"tap":{"at":{"x":9,"y":20}}}"#,
                r#"{"tap":{"at":{"x":9,"y":20}}}"#,
            ),
            (
                format!(r#"{{"do":"menu","x":9,"y":20,{of}}}"#),
                r#"{"long_press":{"at":{"x":9,"y":20},"hold":{"secs":0,"nanos":800000000}}}"#,
                r#"{"click":{"at":{"x":9,"y":20},"button":"right","count":"single","modifiers":[]}}"#,
            ),
            (
                format!(r#"{{"do":"long_press","x":9,"y":20,"ms":99000,{of}}}"#),
                r#"{"long_press":{"at":{"x":9,"y":20},"hold":{"secs":5,"nanos":0}}}"#,
                r#"{"long_press":{"at":{"x":9,"y":20},"hold":{"secs":5,"nanos":0}}}"#,
            ),
            (
                format!(r#"{{"do":"swipe","x":9,"y":90,"to_x":9,"to_y":20,"ms":1,{of}}}"#),
                r#"{"swipe":{"from":{"x":9,"y":90},"to":{"x":9,"y":20},"over":{"secs":0,"nanos":30000000}}}"#,
                r#"{"drag":{"from":{"x":9,"y":90},"to":{"x":9,"y":20},"over":{"secs":0,"nanos":30000000}}}"#,
            ),
            (
                format!(r#"{{"do":"drag","x":9,"y":90,"to_x":9,"to_y":20,"ms":200,{of}}}"#),
                r#"{"drag":{"from":{"x":9,"y":90},"to":{"x":9,"y":20},"over":{"secs":0,"nanos":200000000}}}"#,
                r#"{"drag":{"from":{"x":9,"y":90},"to":{"x":9,"y":20},"over":{"secs":0,"nanos":200000000}}}"#,
            ),
            (
                format!(r#"{{"do":"wheel","x":50,"y":100,"right":0,"down":30,{of}}}"#),
                r#"{"swipe":{"from":{"x":50,"y":100},"to":{"x":50,"y":70},"over":{"secs":0,"nanos":400000000}}}"#,
                r#"{"scroll":{"at":{"x":50,"y":100},"right":0,"down":1}}"#,
            ),
            (
                format!(r#"{{"do":"wheel","x":50,"y":100,"right":-1e9,"down":1e9,{of}}}"#),
                r#"{"swipe":{"from":{"x":50,"y":100},"to":{"x":99,"y":0},"over":{"secs":0,"nanos":400000000}}}"#,
                r#"{"scroll":{"at":{"x":50,"y":100},"right":-50,"down":50}}"#,
            ),
            (
                r#"{"do":"text","text":"é {{secret:pin}} 你"}"#.to_owned(),
                r#"{"type":{"text":"é {{secret:pin}} 你"}}"#,
                r#"{"insert":{"text":"é {{secret:pin}} 你"}}"#,
            ),
            (
                r#"{"do":"key","key":"Enter"}"#.to_owned(),
                r#"{"press":{"key":"enter"}}"#,
                r#"{"chord":{"modifiers":[],"key":"Enter"}}"#,
            ),
            (
                r#"{"do":"key","key":"a","modifiers":["control"]}"#.to_owned(),
                "refused: this device takes no keys",
                r#"{"chord":{"modifiers":["control"],"key":"a"}}"#,
            ),
            (r#"{"do":"back"}"#.to_owned(), r#"{"press":{"key":"back"}}"#, r#"{"press":{"key":"back"}}"#),
        ] {
            assert_eq!(input_in_words(&input, &Abilities::PHONE), on_phone, "{input}");
            assert_eq!(input_in_words(&input, &DESKTOP), on_desktop, "{input}");
        }
        assert_eq!(input_in_words(r#"{"do":"recents"}"#, &FULL), r#"{"chord":{"modifiers":[],"key":"AppSwitch"}}"#);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let long = format!(r#"{{"do":"text","text":"{}"}}"#, "x".repeat(TEXT_MAX + 1));
        for (input, why) in [
            (r#"{"do":"tap","x":100,"y":0,"of":{"width":100,"height":200}}"#, "refused: 100,0 is not on a screen"),
            (r#"{"do":"tap","x":0,"y":200,"of":{"width":100,"height":200}}"#, "refused: 0,200 is not on a screen"),
            (r#"{"do":"tap","x":0,"y":0,"of":{"width":0,"height":0}}"#, "refused: 0,0 is not on a screen"),
            (r#"{"do":"tap","x":-1,"y":0,"of":{"width":100,"height":200}}"#, "unreadable"),
            (r#"{"do":"tap","x":1,"y":0}"#, "unreadable"),
            (r#"{"do":"launch","app":"Settings"}"#, "unreadable"),
            (r#"{"do":"tap","x":1,"y":0,"of":{"width":100,"height":200},"more":1}"#, "unreadable"),
            (r#"{"do":"text","text":""}"#, "refused: there is no text"),
            (r#"{"do":"key","key":"Nonsense"}"#, "refused: \"Nonsense\" is no key"),
            (r#"{"do":"key","key":""}"#, "refused: \"\" is no key"),
            (&long, "refused: 4001 letters; 4000 are the most"),
            ("{}", "unreadable"),
            ("[]", "unreadable"),
        ] {
            assert!(input_in_words(input, &FULL).starts_with(why), "{input}: {}", input_in_words(input, &FULL));
        }
    }
}
