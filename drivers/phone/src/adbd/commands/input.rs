//! `input`: fingers, keys and what a hardware keyboard can type.

use super::Call;
use crate::adbd::handle::Touch;
use crate::{Input, Key};

/// How long a finger rests before it is a long press, in milliseconds.
const LONG_PRESS: u64 = 400;
/// How long a swipe takes if nobody says.
const SWIPE: u32 = 300;
/// Places further off are as far off as this.
const FAR: f32 = 100_000.0;
/// The longest swipe that is told to the world.
const SWIPE_MAX: i64 = 600_000;

const SOURCES: &[&str] = &[
    "dpad",
    "gamepad",
    "joystick",
    "keyboard",
    "mouse",
    "rotaryencoder",
    "stylus",
    "touchnavigation",
    "touchpad",
    "touchscreen",
    "trackball",
];

const USAGE: &str = "Usage: input [<source>] [-d DISPLAY_ID] <command> [<arg>...]\n\n\
The commands and default sources are:\n      \
text <string> (Default: keyboard)\n      \
keyevent [--longpress|--doubletap|--async|--delay <ms>] <key code number or name> ... (Default: keyboard)\n      \
keycombination [-t duration(ms)] <key code 1> <key code 2> ... (Default: keyboard)\n      \
tap <x> <y> (Default: touchscreen)\n      \
swipe <x1> <y1> <x2> <y2> [duration(ms)] (Default: touchscreen)\n      \
draganddrop <x1> <y1> <x2> <y2> [duration(ms)] (Default: touchscreen)\n      \
motionevent <DOWN|UP|MOVE|CANCEL> <x> <y> (Default: touchscreen)\n";

/// How many milliseconds a gesture takes, as far as it says so itself; 0 for one that makes no sense.
pub(in crate::adbd) fn time(arguments: &[String]) -> u64 {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (verb, rest) = match command(&words) {
        [verb, rest @ ..] => (*verb, rest),
        [] => return 0,
    };
    match verb {
        "swipe" | "draganddrop" => match (places(rest, verb), duration(rest)) {
            (Ok(_), Ok(millis)) => u64::from(millis) + if verb == "swipe" { 0 } else { LONG_PRESS },
            _ => 0,
        },
        "keyevent" => match rest {
            ["--longpress", ..] => LONG_PRESS,
            ["--duration" | "--delay", millis, ..] => millis.parse().unwrap_or(0).min(SWIPE_MAX as u64),
            _ => 0,
        },
        _ => 0,
    }
}

/// What follows the source and the display.
fn command<'a>(words: &'a [&'a str]) -> &'a [&'a str] {
    let rest = match words {
        [source, rest @ ..] if SOURCES.contains(source) => rest,
        rest => rest,
    };
    match rest {
        ["-d", _, rest @ ..] => rest,
        rest => rest,
    }
}

/// What phones of some manufacturers print until their owner allows adb to touch the screen.
const DENIED: &str = "java.lang.SecurityException: Injecting input events requires the caller (or the source of the \
instrumentation, if any) to have the INJECT_EVENTS permission.\n\
\tat com.android.server.input.InputManagerService.injectInputEventToTarget(InputManagerService.java:677)\n\
\tat com.android.server.input.InputManagerService.injectInputEvent(InputManagerService.java:651)\n\
\tat com.android.server.input.InputShellCommand.injectMotionEvent(InputShellCommand.java:308)\n";

pub(super) fn input(call: &mut Call<'_>) -> u8 {
    let arguments = call.arguments();
    let [verb, rest @ ..] = command(&arguments) else {
        call.complain(USAGE);
        return 255;
    };
    const VERBS: [&str; 9] =
        ["tap", "swipe", "draganddrop", "motionevent", "text", "keyevent", "keycombination", "press", "roll"];
    // Android 13 was the first to have chords.
    if *verb == "keycombination" && call.device.options.identity.api < 33 {
        call.complain(&format!("Error: Unknown command: {verb}\n{USAGE}"));
        return 255;
    }
    if VERBS.contains(verb) && call.handle().denies() {
        call.complain(&format!("\nException occurred while executing '{verb}':\n{DENIED}"));
        return 255;
    }
    let done = match *verb {
        "tap" => tap(call, rest),
        "swipe" => swipe(call, rest),
        "draganddrop" => drag(call, rest),
        "motionevent" => motion(call, rest),
        "text" => text(call, rest),
        "keyevent" => keys(call, rest),
        "keycombination" => chord(call, rest),
        "press" | "roll" => Ok(()), // There is no trackball.
        unknown => {
            call.complain(&format!("Error: Unknown command: {unknown}\n{USAGE}"));
            return 255;
        }
    };
    match done {
        Ok(()) => 0,
        Err(exception) => {
            call.complain(&format!("\nException occurred while executing '{verb}':\njava.lang.{exception}\n"));
            255
        }
    }
}

/// What Java throws at the person who typed.
type JavaException = String;

fn required_argument<'a>(rest: &[&'a str], index: usize, before: &str) -> Result<&'a str, JavaException> {
    let before = if index == 0 { before } else { rest.get(index - 1).copied().unwrap_or(before) };
    rest.get(index).copied().ok_or_else(|| format!("IllegalArgumentException: Argument expected after \"{before}\""))
}

fn coordinate(rest: &[&str], index: usize, before: &str) -> Result<i32, JavaException> {
    let text = required_argument(rest, index, before)?;
    match text.parse::<f32>() {
        Ok(number) if number.is_finite() => Ok(number.clamp(-FAR, FAR) as i32),
        _ => Err(format!("NumberFormatException: For input string: \"{text}\"")),
    }
}

fn duration(rest: &[&str]) -> Result<u32, JavaException> {
    let Some(text) = rest.get(4) else { return Ok(SWIPE) };
    let Ok(millis) = text.parse::<i64>() else {
        return Err(format!("NumberFormatException: For input string: \"{text}\""));
    };
    Ok(if millis < 0 { SWIPE } else { millis.min(SWIPE_MAX) as u32 })
}

fn tap(call: &Call<'_>, rest: &[&str]) -> Result<(), JavaException> {
    let (x, y) = (coordinate(rest, 0, "tap")?, coordinate(rest, 1, "tap")?);
    call.gesture(|world| world.input(&Input::Tap { x, y }));
    Ok(())
}

fn swipe(call: &Call<'_>, rest: &[&str]) -> Result<(), JavaException> {
    let (from, to) = places(rest, "swipe")?;
    finger(call, from, to, 0, duration(rest)?);
    Ok(())
}

/// A finger that rests for as long as a long press takes, and then moves.
fn drag(call: &Call<'_>, rest: &[&str]) -> Result<(), JavaException> {
    let (from, to) = places(rest, "draganddrop")?;
    finger(call, from, to, LONG_PRESS, duration(rest)?);
    Ok(())
}

type Place = (i32, i32);

fn places(rest: &[&str], before: &str) -> Result<(Place, Place), JavaException> {
    let from = (coordinate(rest, 0, before)?, coordinate(rest, 1, before)?);
    Ok((from, (coordinate(rest, 2, before)?, coordinate(rest, 3, before)?)))
}

/// A finger that rested and then moved, for so many milliseconds each. One that hardly moves has tapped or pressed, and
/// has not swiped; one that rested before it moved has dragged.
fn finger(call: &Call<'_>, from: Place, to: Place, rested: u64, millis: u32) {
    call.gesture(|world| {
        let (x, y) = from;
        world.input(&if !is_still(world.density(), from, to) {
            if LONG_PRESS <= rested { Input::Drag { from, to } } else { Input::Swipe { from, to, millis } }
        } else if LONG_PRESS <= rested.saturating_add(millis.into()) {
            Input::LongPress { x, y }
        } else {
            Input::Tap { x, y }
        });
    });
}

/// Whether two places are one, for a finger.
fn is_still(density: u32, from: Place, to: Place) -> bool {
    let slop = i64::from(density) * 8 / 160;
    let (dx, dy) = (i64::from(to.0) - i64::from(from.0), i64::from(to.1) - i64::from(from.1));
    dx.abs() <= slop && dy.abs() <= slop
}

fn motion(call: &Call<'_>, rest: &[&str]) -> Result<(), JavaException> {
    let what = required_argument(rest, 0, "motionevent")?.to_ascii_uppercase();
    let at = || -> Result<Place, JavaException> {
        Ok((coordinate(rest, 1, "motionevent")?, coordinate(rest, 2, "motionevent")?))
    };
    let (now, density) = call.handle().look(|world| (world.uptime(), world.density()));
    match what.as_str() {
        "DOWN" => {
            *call.handle().touch() = Some(Touch { at: at()?, since: now, moved: None });
        }
        "MOVE" => {
            // What counts is when the finger begins to move, and where it leaves.
            let to = at()?;
            if let Some(touch) = call.handle().touch().as_mut()
                && !is_still(density, touch.at, to)
            {
                touch.moved.get_or_insert(now);
            }
        }
        "UP" => {
            let to = at()?;
            let began = call.handle().touch().take();
            if let Some(touch) = began {
                let moved = touch.moved.unwrap_or(now);
                let millis = u32::try_from(now.saturating_sub(moved)).unwrap_or(u32::MAX);
                finger(call, touch.at, to, moved.saturating_sub(touch.since), millis);
            }
        }
        "CANCEL" => *call.handle().touch() = None,
        unknown => return Err(format!("IllegalArgumentException: Unknown action: {unknown}")),
    }
    Ok(())
}

/// Types what the keyboard's character map has; one letter that it lacks, and nothing is typed at all.
fn text(call: &Call<'_>, rest: &[&str]) -> Result<(), JavaException> {
    let text = required_argument(rest, 0, "text")?.replace("%s", " ");
    if !text.chars().all(|letter| letter == ' ' || letter.is_ascii_graphic()) {
        return Err("NullPointerException: Attempt to get length of null array".to_owned());
    }
    call.gesture(|world| world.input(&Input::Type(text)));
    Ok(())
}

fn keys(call: &Call<'_>, rest: &[&str]) -> Result<(), JavaException> {
    let mut codes = rest;
    loop {
        codes = match codes {
            ["--longpress" | "--doubletap" | "--async", more @ ..] | ["--delay" | "--duration", _, more @ ..] => more,
            _ => break,
        };
    }
    required_argument(codes, 0, "keyevent")?;
    let keys = codes.iter().map(|code| key(code)).collect::<Result<Vec<_>, _>>()?;
    call.gesture(|world| {
        for key in keys {
            match key {
                KeyEffect::Key(key) => world.input(&Input::Press(key)),
                KeyEffect::Letter(letter) => world.input(&Input::Type(letter.to_string())),
                KeyEffect::Wake => world.wake(true),
                KeyEffect::Sleep => world.wake(false),
                KeyEffect::Power => world.wake(!world.awake()),
                KeyEffect::Control | KeyEffect::Nothing => {}
            }
        }
    });
    Ok(())
}

/// Keys that are held together. Those of a keyboard's clipboard do something here.
fn chord(call: &Call<'_>, rest: &[&str]) -> Result<(), JavaException> {
    let codes = match rest {
        ["-t", _, more @ ..] => more,
        _ => rest,
    };
    let keys = codes.iter().map(|code| key(code)).collect::<Result<Vec<_>, _>>()?;
    if keys.len() < 2 {
        return Err("IllegalArgumentException: keycombination requires at least 2 keycodes".to_owned());
    }
    let held = match keys[..] {
        [KeyEffect::Control, KeyEffect::Letter('a')] => Key::SelectAll,
        [KeyEffect::Control, KeyEffect::Letter('c')] => Key::Copy,
        [KeyEffect::Control, KeyEffect::Letter('v')] => Key::Paste,
        [KeyEffect::Control, KeyEffect::Letter('x')] => Key::Cut,
        _ => return Ok(()),
    };
    call.gesture(|world| world.input(&Input::Press(held)));
    Ok(())
}

/// What a key does on this phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyEffect {
    Key(Key),
    Letter(char),
    Wake,
    Sleep,
    Power,
    /// What makes another key a command.
    Control,
    /// Taken and without effect: volume, camera.
    Nothing,
}

/// Reads `4`, `BACK` or `KEYCODE_BACK`.
fn key(text: &str) -> Result<KeyEffect, JavaException> {
    if let Ok(code) = text.parse::<i64>() {
        return Ok(key_by_code(code));
    }
    let name = text.strip_prefix("KEYCODE_").unwrap_or(text);
    let mut letters = name.chars();
    if let (Some(letter), None) = (letters.next(), letters.next())
        && letter.is_ascii_alphanumeric()
    {
        return Ok(KeyEffect::Letter(letter.to_ascii_lowercase()));
    }
    match NAMES.iter().find(|(known, _)| *known == name) {
        Some((_, code)) => Ok(key_by_code(*code)),
        None => Err(format!("IllegalArgumentException: Unknown keycode: {text}")),
    }
}

pub(super) fn key_by_code(code: i64) -> KeyEffect {
    // Digits and letters lie side by side; `base` is the first of its row.
    let letter = |base: char, from: i64| KeyEffect::Letter(char::from(base as u8 + (code - from) as u8));
    match code {
        3 => KeyEffect::Key(Key::Home),
        4 | 111 => KeyEffect::Key(Key::Back), // Escape goes back where nothing else takes it.
        66 | 160 => KeyEffect::Key(Key::Enter),
        67 => KeyEffect::Key(Key::Delete),
        83 => KeyEffect::Key(Key::Notifications),
        187 => KeyEffect::Key(Key::Recents),
        277 => KeyEffect::Key(Key::Cut),
        278 => KeyEffect::Key(Key::Copy),
        279 => KeyEffect::Key(Key::Paste),
        113 | 114 => KeyEffect::Control,
        26 => KeyEffect::Power,
        223 => KeyEffect::Sleep,
        224 => KeyEffect::Wake,
        7..=16 => letter('0', 7),
        29..=54 => letter('a', 29),
        144..=153 => letter('0', 144),
        _ => match LETTERS.iter().find(|(known, _)| *known == code) {
            Some((_, letter)) => KeyEffect::Letter(*letter),
            None => KeyEffect::Nothing,
        },
    }
}

const LETTERS: &[(i64, char)] = &[
    (17, '*'),
    (18, '#'),
    (55, ','),
    (56, '.'),
    (62, ' '),
    (68, '`'),
    (69, '-'),
    (70, '='),
    (71, '['),
    (72, ']'),
    (73, '\\'),
    (74, ';'),
    (75, '\''),
    (76, '/'),
    (77, '@'),
    (81, '+'),
];

const NAMES: &[(&str, i64)] = &[
    ("HOME", 3),
    ("BACK", 4),
    ("CALL", 5),
    ("ENDCALL", 6),
    ("STAR", 17),
    ("POUND", 18),
    ("DPAD_UP", 19),
    ("DPAD_DOWN", 20),
    ("DPAD_LEFT", 21),
    ("DPAD_RIGHT", 22),
    ("DPAD_CENTER", 23),
    ("VOLUME_UP", 24),
    ("VOLUME_DOWN", 25),
    ("POWER", 26),
    ("CAMERA", 27),
    ("CLEAR", 28),
    ("COMMA", 55),
    ("PERIOD", 56),
    ("TAB", 61),
    ("SPACE", 62),
    ("ENTER", 66),
    ("DEL", 67),
    ("GRAVE", 68),
    ("MINUS", 69),
    ("EQUALS", 70),
    ("LEFT_BRACKET", 71),
    ("RIGHT_BRACKET", 72),
    ("BACKSLASH", 73),
    ("SEMICOLON", 74),
    ("APOSTROPHE", 75),
    ("SLASH", 76),
    ("AT", 77),
    ("PLUS", 81),
    ("MENU", 82),
    ("NOTIFICATION", 83),
    ("SEARCH", 84),
    ("MEDIA_PLAY_PAUSE", 85),
    ("PAGE_UP", 92),
    ("PAGE_DOWN", 93),
    ("ESCAPE", 111),
    ("FORWARD_DEL", 112),
    ("CTRL_LEFT", 113),
    ("CTRL_RIGHT", 114),
    ("MOVE_HOME", 122),
    ("MOVE_END", 123),
    ("VOLUME_MUTE", 164),
    ("NUMPAD_ENTER", 160),
    ("APP_SWITCH", 187),
    ("SLEEP", 223),
    ("WAKEUP", 224),
    ("CUT", 277),
    ("COPY", 278),
    ("PASTE", 279),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_numbers_and_names() {
        for (text, pressed) in [
            ("4", KeyEffect::Key(Key::Back)),
            ("KEYCODE_HOME", KeyEffect::Key(Key::Home)),
            ("ENTER", KeyEffect::Key(Key::Enter)),
            ("67", KeyEffect::Key(Key::Delete)),
            ("7", KeyEffect::Letter('0')),
            ("KEYCODE_7", KeyEffect::Letter('7')),
            ("54", KeyEffect::Letter('z')),
            ("KEYCODE_AT", KeyEffect::Letter('@')),
            ("26", KeyEffect::Power),
            ("WAKEUP", KeyEffect::Wake),
            ("-1", KeyEffect::Nothing),
            ("99999", KeyEffect::Nothing),
        ] {
            assert_eq!(key(text), Ok(pressed), "{text}");
        }
        assert!(key("KEYCODE_NONE_SUCH").is_err());
    }
}
