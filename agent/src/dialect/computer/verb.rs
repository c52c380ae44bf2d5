//! Which verb a name is, in the words of all families.

use tapwright_contract::gesture::Button;

use crate::dialect::words::plain_name;

/// What an action is, as far as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// So many clicks, where the name says how many, with that button, where it says which.
    Click {
        button: Option<Button>,
        count: Option<u32>,
    },
    LongPress,
    Move,
    /// By so much, rather than to a place.
    MoveBy,
    Drag,
    /// From where the pointer is.
    DragTo,
    DragBy,
    Swipe,
    Scroll,
    /// To the right, rather than up.
    ScrollAside,
    /// Keys that are held together.
    Chord,
    /// Keys one after the other, if there are several.
    Press,
    Type,
    ButtonDown,
    ButtonUp,
    KeyDown,
    KeyUp,
    /// A key that a phone or a browser has: back, home, enter.
    SystemKey,
    Back,
    Home,
    Launch,
    Wait,
    Look,
    Call,
    Note,
    Recall,
    Choose,
    TakeOver,
    Answer,
    Finish,
    Fail,
}

/// All that a prompt may say, for errors.
pub(super) const VERBS: &str = "click, double_click, triple_click, right_click, middle_click, move, drag, scroll, hotkey, type, launch, wait, \
                                screenshot, call, note, ask, take_over, answer, finish, fail";

/// The verb of a name; capital letters, underscores and points do not count.
pub(super) fn verb(name: &str) -> Option<Verb> {
    use Button::{Left, Middle, Right};
    let click = |button, count| Some(Verb::Click { button, count });
    match plain_name(name).as_str() {
        "click" | "tap" | "mouseclick" => click(None, None),
        "leftclick" | "leftsingle" | "singleclick" | "clickleft" => click(Some(Left), Some(1)),
        "double" | "doubleclick" | "leftdouble" | "leftdoubleclick" | "doubletap" => click(None, Some(2)),
        "tripleclick" | "lefttriple" | "lefttripleclick" => click(None, Some(3)),
        "right" | "rightclick" | "rightsingle" | "contextclick" => click(Some(Right), None),
        "middle" | "middleclick" | "wheelclick" => click(Some(Middle), None),
        "longpress" | "longclick" | "longtap" => Some(Verb::LongPress),
        "moveto" | "mousemove" | "movemouse" | "hover" | "movecursor" | "cursormove" => Some(Verb::Move),
        "move" => Some(Verb::Move),
        "moverel" | "moveby" => Some(Verb::MoveBy),
        "drag" | "leftdrag" | "leftclickdrag" | "mousedrag" | "draganddrop" | "dragdrop" | "clickanddrag" => {
            Some(Verb::Drag)
        }
        "dragto" => Some(Verb::DragTo),
        "dragrel" | "dragby" => Some(Verb::DragBy),
        "swipe" => Some(Verb::Swipe),
        "scroll" | "vscroll" | "wheel" | "mousewheel" | "mousescroll" => Some(Verb::Scroll),
        "hscroll" | "horizontalscroll" => Some(Verb::ScrollAside),
        "hotkey" | "keypress" | "key" | "keycombination" | "keycombo" | "keychord" | "shortcut" | "keys" => {
            Some(Verb::Chord)
        }
        "press" | "presskey" | "pressenter" | "keyboard" => Some(Verb::Press),
        "type" | "write" | "typewrite" | "typing" | "typetext" | "input" | "inputtext" | "settext" | "entertext" => {
            Some(Verb::Type)
        }
        "mousedown" | "leftmousedown" => Some(Verb::ButtonDown),
        "mouseup" | "leftmouseup" => Some(Verb::ButtonUp),
        "keydown" => Some(Verb::KeyDown),
        "keyup" => Some(Verb::KeyUp),
        "systembutton" => Some(Verb::SystemKey),
        "pressback" | "back" | "navigateback" | "goback" => Some(Verb::Back),
        "presshome" | "home" => Some(Verb::Home),
        "launch" | "open" | "openapp" | "launchapp" | "openapplication" => Some(Verb::Launch),
        "wait" | "sleep" => Some(Verb::Wait),
        "screenshot" | "takescreenshot" | "zoom" | "cursorposition" | "observe" => Some(Verb::Look),
        "call" | "callapi" | "calltool" => Some(Verb::Call),
        "note" | "record" | "remember" | "memorize" => Some(Verb::Note),
        "recall" | "notes" => Some(Verb::Recall),
        "ask" | "askuser" | "interact" => Some(Verb::Choose),
        "calluser" | "takeover" | "handover" => Some(Verb::TakeOver),
        "answer" | "respond" => Some(Verb::Answer),
        "finish" | "finished" | "done" | "terminate" | "complete" | "completed" | "exit" => Some(Verb::Finish),
        "fail" | "failed" | "infeasible" | "impossible" | "giveup" | "abort" => Some(Verb::Fail),
        _ => None,
    }
}

/// Names of tools that have all actions behind one name.
pub(super) fn is_tool(name: &str) -> bool {
    ["computeruse", "mobileuse", "browseruse", "computer", "computertool", "computer20241022", "computercall", "gui"]
        .contains(&plain_name(name).as_str())
}

/// What stands before the point in code that models write.
pub(super) fn is_known_path(path: &str) -> bool {
    ["pyautogui", "pag", "gui", "agent", "time", "computer", "browser", "mouse", "keyboard", "self"]
        .contains(&path.to_lowercase().as_str())
}
