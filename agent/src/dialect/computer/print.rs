//! Actions as text.

use tapwright_contract::gesture::{Button, Clicks, Modifier};

use super::keys;
use crate::action::{Action, Call};
use crate::dialect::frame::Frame;
use crate::dialect::words::{quoted, seconds_in_digits};
use crate::place::Place;

/// The canonical form of a call.
pub fn print(call: &Call, frame: &Frame) -> String {
    match call {
        Call::Do(action) => act(action, frame),
        Call::Finish { message } => format!("finish(message={})", quoted(message)),
        Call::GiveUp { message } => format!("fail(message={})", quoted(message)),
    }
}

fn act(action: &Action, frame: &Frame) -> String {
    let place = |at: &Place| frame.print(*at);
    match action {
        Action::Launch { app } => format!("launch(app={})", quoted(app)),
        Action::Tap { at } => format!("click(at={})", place(at)),
        Action::SensitiveTap { at, message } => format!("click(at={}, message={})", place(at), quoted(message)),
        Action::DoubleTap { at } => format!("double_click(at={})", place(at)),
        Action::LongPress { at } => format!("long_press(at={})", place(at)),
        Action::Click { at, button, count, modifiers } => click(&place(at), *button, *count, modifiers),
        Action::Move { at } => format!("move(at={})", place(at)),
        Action::Drag { from, to } => format!("drag(start={}, end={})", place(from), place(to)),
        Action::Swipe { from, to } => format!("swipe(start={}, end={})", place(from), place(to)),
        Action::Scroll { at, right, down } => {
            let way = |by: i32, more: &str, less: &str| match by {
                0 => String::new(),
                by if by > 0 => format!(", {more}={by}"),
                by => format!(", {less}={}", by.unsigned_abs()),
            };
            format!("scroll(at={}{}{})", place(at), way(*down, "down", "up"), way(*right, "right", "left"))
        }
        Action::Insert { text } => format!("type(text={})", quoted(text)),
        Action::Type { text } | Action::TypeName { text } => format!("type(text={}, clear=True)", quoted(text)),
        Action::Chord { modifiers, key } => format!("hotkey(keys={})", quoted(&keys::print(modifiers, key))),
        Action::Back => "back()".to_owned(),
        Action::Home => "home()".to_owned(),
        Action::Wait { duration } if duration.is_zero() => "screenshot()".to_owned(),
        Action::Wait { duration } => format!("wait(seconds={})", seconds_in_digits(*duration)),
        Action::CallApi(call) => format!("call(name={}, arguments={})", quoted(&call.name), call.arguments),
        Action::Note { message, .. } if message.is_empty() => "note()".to_owned(),
        Action::Note { message, .. } => format!("note(message={})", quoted(message)),
        Action::Recall { instruction } => format!("recall(message={})", quoted(instruction)),
        Action::Interact { message } => format!("ask(message={})", quoted(message)),
        Action::TakeOver { message } => format!("take_over(message={})", quoted(message)),
    }
}

fn click(at: &str, button: Button, count: Clicks, modifiers: &[Modifier]) -> String {
    let held: Vec<&str> = modifiers
        .iter()
        .map(|modifier| match modifier {
            Modifier::Control => "ctrl",
            Modifier::Shift => "shift",
            Modifier::Alt => "alt",
            Modifier::Meta => "super",
        })
        .collect();
    let held = if held.is_empty() { String::new() } else { format!(", modifiers=\"{}\"", held.join("+")) };
    let (verb, more) = match (button, count) {
        (Button::Left, Clicks::Single) => ("click", ""),
        (Button::Left, Clicks::Double) => ("double_click", ""),
        (Button::Left, Clicks::Triple) => ("triple_click", ""),
        (Button::Right, Clicks::Single) => ("right_click", ""),
        (Button::Right, Clicks::Double) => ("right_click", ", count=2"),
        (Button::Right, Clicks::Triple) => ("right_click", ", count=3"),
        (Button::Middle, Clicks::Single) => ("middle_click", ""),
        (Button::Middle, Clicks::Double) => ("middle_click", ", count=2"),
        (Button::Middle, Clicks::Triple) => ("middle_click", ", count=3"),
        (Button::Back, Clicks::Single) => ("click", ", button=\"back\""),
        (Button::Back, Clicks::Double) => ("double_click", ", button=\"back\""),
        (Button::Back, Clicks::Triple) => ("triple_click", ", button=\"back\""),
        (Button::Forward, Clicks::Single) => ("click", ", button=\"forward\""),
        (Button::Forward, Clicks::Double) => ("double_click", ", button=\"forward\""),
        (Button::Forward, Clicks::Triple) => ("triple_click", ", button=\"forward\""),
    };
    format!("{verb}(at={at}{more}{held})")
}
