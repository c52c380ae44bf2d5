//! Calls as text.

use tapwright_contract::gesture::Modifier;

use super::calls;
use crate::action::{Action, Call};
use crate::dialect::autoglm::GRID;
use crate::dialect::words::{quoted, seconds_in_digits};
use crate::place::Place;

/// The canonical form of a call.
pub fn print(call: &Call) -> String {
    match call {
        Call::Do(action) => act(action),
        Call::Finish { message } => format!("finish(message={})", quoted(message)),
        Call::GiveUp { message } => format!("finish(message={}, status=\"infeasible\")", quoted(message)),
    }
}

fn act(action: &Action) -> String {
    match action {
        Action::Launch { app } => format!("do(action=\"Launch\", app={})", quoted(app)),
        Action::Tap { at } => format!("do(action=\"Tap\", element={})", place(*at)),
        Action::SensitiveTap { at, message } => {
            format!("do(action=\"Tap\", element={}, message={})", place(*at), quoted(message))
        }
        Action::Type { text } => format!("do(action=\"Type\", text={})", quoted(text)),
        Action::TypeName { text } => format!("do(action=\"Type_Name\", text={})", quoted(text)),
        Action::Interact { message } if message.is_empty() => "do(action=\"Interact\")".to_owned(),
        Action::Interact { message } => format!("do(action=\"Interact\", message={})", quoted(message)),
        Action::Swipe { from, to } => format!("do(action=\"Swipe\", start={}, end={})", place(*from), place(*to)),
        Action::Drag { from, to } => format!("do(action=\"Drag\", start={}, end={})", place(*from), place(*to)),
        Action::Note { message, .. } => format!("do(action=\"Note\", message={})", quoted(message)),
        Action::Recall { instruction } => format!("do(action=\"Call_API\", instruction={})", quoted(instruction)),
        Action::CallApi(call) => match call.text() {
            Some(text) if call.name.is_empty() => format!("do(action=\"Call_API\", instruction={})", quoted(text)),
            // As the model was taught it, where that reads as the same.
            Some(text) if calls::is_plain(text) => {
                format!("do(action=\"Call_API\", instruction={})", quoted(&format!("{}: {text}", call.name)))
            }
            _ => format!("do(action=\"Call_API\", name={}, arguments={})", quoted(&call.name), call.arguments),
        },
        Action::LongPress { at } => format!("do(action=\"Long Press\", element={})", place(*at)),
        Action::DoubleTap { at } => format!("do(action=\"Double Tap\", element={})", place(*at)),
        Action::TakeOver { message } => format!("do(action=\"Take_over\", message={})", quoted(message)),
        // The language has no words for a mouse and a keyboard; this is how they look in a history that another dialect made.
        Action::Click { at, button, count, modifiers } => {
            format!(
                "do(action=\"Click\", element={}, button=\"{button:?}\", count=\"{count:?}\"{})",
                place(*at),
                modifier_arguments(modifiers)
            )
        }
        Action::Move { at } => format!("do(action=\"Move\", element={})", place(*at)),
        Action::Scroll { at, right, down } => {
            format!("do(action=\"Scroll\", element={}, right={right}, down={down})", place(*at))
        }
        Action::Insert { text } => format!("do(action=\"Insert\", text={})", quoted(text)),
        Action::Chord { modifiers, key } => {
            format!("do(action=\"Press\", key={}{})", quoted(key.as_str()), modifier_arguments(modifiers))
        }
        Action::Back => "do(action=\"Back\")".to_owned(),
        Action::Home => "do(action=\"Home\")".to_owned(),
        Action::Wait { duration } => {
            format!("do(action=\"Wait\", duration=\"{} seconds\")", seconds_in_digits(*duration))
        }
    }
}

fn modifier_arguments(modifiers: &[Modifier]) -> String {
    modifiers.iter().map(|modifier| format!(", {}=True", format!("{modifier:?}").to_lowercase())).collect()
}

fn place(at: Place) -> String {
    let (x, y) = at.in_parts(GRID);
    format!("[{x},{y}]")
}
