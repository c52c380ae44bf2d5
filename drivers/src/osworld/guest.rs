//! The program that runs on a machine for each look and gesture, and how it is asked. It is Python, which every such machine has: its
//! control server is written in it, with the Xlib that this one uses.
//!
//! A request is one word of a command line, in JSON and in ASCII. Nothing in it is ever code, and no shell reads it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tapwright_contract::Size;
use tapwright_contract::gesture::WindowChange;

use super::machine::{CommandOutput, ControlledMachine, MachineCommand, MachineErrorKind};
use crate::desktop::window::{AppWindow, WindowOwner};

const PROGRAM: &str = include_str!("guest.py");
/// What runs it, in this order: most systems have the first, some have Xlib with the second only, and where somebody has put a Python of
/// their own before the system's, the system's may have it.
const INTERPRETERS: [&str; 3] = ["python3", "python", "/usr/bin/python3"];
/// What is kept for the answer to come back, of the time that an action has.
const WAY_BACK: Duration = Duration::from_millis(500);

/// The interpreter that was found to serve.
#[derive(Debug, Default)]
pub(super) struct Interpreter(AtomicUsize);

/// Something that lies on the screen: id, left, top, width, height.
pub(super) type Top = [i64; 5];

/// What lies on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scene {
    pub size: Size,
    /// The lowest first.
    pub windows: Vec<GuestWindow>,
    /// What lies where, the lowest first, each with the process that it belongs to; 0 if that is not told.
    stack: Vec<(Top, i64)>,
}

/// A window of an app.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct GuestWindow {
    id: u32,
    title: String,
    instance: String,
    class: String,
    program: Option<String>,
    process: i64,
    area: [i32; 4],
    is_active: bool,
    is_hidden: bool,
}

#[derive(Deserialize)]
struct LookAnswer {
    size: [u32; 2],
    windows: Vec<GuestWindow>,
    stack: Vec<[i64; 6]>,
}

/// A place, and what was seen there.
#[derive(Clone, Debug)]
pub(super) struct Expectation {
    pub place: (i32, i32),
    /// The uppermost first.
    pub over: Vec<Top>,
}

/// What is done, one after the other. Buttons and keys that are left pressed are let go at the end.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Move((i32, i32)),
    /// A button, as X numbers them: 1 left, 2 middle, 3 right, 4 to 7 the wheel, 8 back, 9 forward.
    Press(u8),
    Release(u8),
    /// A modifier.
    Hold(u32),
    Free(u32),
    Key(u32),
    Text(Vec<u32>),
    /// Selects what the field with the focus holds, or removes it for good; in a terminal, what stands before the caret.
    Clear {
        for_good: bool,
    },
    Sleep(Duration),
}

/// What came of an action.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ActAnswer {
    Done {
        focus: Option<i64>,
    },
    /// What lies there is not what was seen; nothing was done.
    Stale,
    /// Another window took the keys after so many characters.
    Stopped {
        typed: usize,
    },
    Refused {
        why: String,
        typed: usize,
    },
}

impl GuestWindow {
    pub fn owner(&self) -> WindowOwner {
        let (class, instance) = (self.class.clone(), self.instance.clone());
        WindowOwner { class, instance, program: self.program.clone() }
    }

    pub fn app_window(&self) -> AppWindow {
        AppWindow {
            id: self.id,
            title: self.title.clone(),
            class: self.class.clone(),
            area: self.area,
            is_active: self.is_active,
            is_hidden: self.is_hidden,
        }
    }

    /// `INSTANCE.CLASS`
    pub fn both_classes(&self) -> String {
        format!("{}.{}", self.instance, self.class)
    }
}

impl Scene {
    /// The window in front.
    pub fn active(&self) -> Option<&GuestWindow> {
        self.windows.iter().find(|window| window.is_active)
    }

    /// What lies at a place, the uppermost first.
    pub fn at(&self, (x, y): (i32, i32)) -> Vec<Top> {
        self.stack.iter().rev().map(|(top, _)| *top).filter(|top| holds(top, (x, y))).collect()
    }

    /// Whether what lies uppermost at a place is of the process of the window in front, as far as that is told.
    pub fn is_of_front(&self, place: (i32, i32)) -> bool {
        let front = self.active().map_or(0, |window| window.process);
        let uppermost = self.stack.iter().rev().find(|(top, _)| holds(top, place));
        uppermost.is_none_or(|(_, process)| front == 0 || *process == 0 || *process == front)
    }
}

fn holds([_, left, top, width, height]: &Top, (x, y): (i32, i32)) -> bool {
    (*left..left + width).contains(&x.into()) && (*top..top + height).contains(&y.into())
}

impl Step {
    fn json(&self, terminals: &[&str]) -> Value {
        match self {
            Step::Move((x, y)) => json!(["move", x, y]),
            Step::Press(button) => json!(["press", button]),
            Step::Release(button) => json!(["release", button]),
            Step::Hold(symbol) => json!(["hold", symbol]),
            Step::Free(symbol) => json!(["free", symbol]),
            Step::Key(symbol) => json!(["key", symbol]),
            Step::Text(symbols) => json!(["text", symbols]),
            Step::Clear { for_good } => json!(["clear", terminals, for_good]),
            Step::Sleep(time) => json!(["sleep", time.as_secs_f64()]),
        }
    }
}

/// What lies on the screen now.
pub(super) async fn look(
    machine: &dyn ControlledMachine,
    interpreter: &Interpreter,
    within: Duration,
) -> Result<Scene, MachineErrorKind> {
    let answer = ask(machine, interpreter, &json!({"do": "look"}), within).await?;
    scene(&answer["look"])
}

/// The files of the menu: the name of each and what it says.
pub(super) async fn menu(
    machine: &dyn ControlledMachine,
    interpreter: &Interpreter,
    within: Duration,
) -> Result<Vec<(String, String)>, MachineErrorKind> {
    let mut answer = ask(machine, interpreter, &json!({"do": "menu"}), within).await?;
    serde_json::from_value(answer["menu"].take()).map_err(|error| malformed(format!("a menu: {error}")))
}

/// Has a window changed.
///
/// # Errors
/// `Ok(false)` if it is gone.
pub(super) async fn change_window(
    machine: &dyn ControlledMachine,
    interpreter: &Interpreter,
    (window, change): (u32, WindowChange),
    within: Duration,
) -> Result<bool, MachineErrorKind> {
    let change = match change {
        WindowChange::Activate => "activate",
        WindowChange::Close => "close",
        WindowChange::Maximize => "maximize",
        WindowChange::Minimize => "minimize",
        WindowChange::Restore => "restore",
    };
    let request = json!({"do": "window", "window": window, "change": change, "turn": turn(within)});
    let answer = ask(machine, interpreter, &request, within).await?;
    Ok(answer["stale"] != true)
}

/// Shows the desktop without windows.
pub(super) async fn show_desktop(
    machine: &dyn ControlledMachine,
    interpreter: &Interpreter,
    within: Duration,
) -> Result<(), MachineErrorKind> {
    let request = json!({"do": "desktop", "turn": turn(within)});
    ask(machine, interpreter, &request, within).await.map(drop)
}

/// Presses, moves and types, if what was seen is still there.
pub(super) async fn act(
    machine: &dyn ControlledMachine,
    interpreter: &Interpreter,
    action: &Action,
    within: Duration,
) -> Result<ActAnswer, MachineErrorKind> {
    let steps: Vec<Value> = action.steps.iter().map(|step| step.json(&crate::desktop::window::TERMINALS)).collect();
    let expect: Vec<Value> = action.expect.iter().map(|at| json!([[at.place.0, at.place.1], at.over])).collect();
    let size = action.size.map(|size| [size.width, size.height]);
    let request = json!({
        "do": "act", "size": size, "expect": expect, "steps": steps, "focus": action.focus, "turn": turn(within),
    });
    let answer = match ask(machine, interpreter, &request, within).await {
        Ok(answer) => answer,
        Err(MachineErrorKind::Refused { why }) => return Ok(ActAnswer::Refused { why, typed: 0 }),
        Err(kind) => return Err(kind),
    };
    let number = |key: &str| answer[key].as_u64().and_then(|number| usize::try_from(number).ok());
    let typed = number("typed").unwrap_or(0);
    Ok(match (number("stopped"), answer["refused"].as_str()) {
        _ if answer["stale"] == true => ActAnswer::Stale,
        (Some(typed), _) => ActAnswer::Stopped { typed },
        (None, Some(why)) => ActAnswer::Refused { why: plain(why), typed },
        (None, None) => ActAnswer::Done { focus: answer["focus"].as_i64() },
    })
}

/// One action.
pub(super) struct Action {
    /// The screen that its places were measured on; `None` if it has none.
    pub size: Option<Size>,
    pub expect: Vec<Expectation>,
    pub steps: Vec<Step>,
    /// Where text has to go; `None` if it goes where the focus is.
    pub focus: Option<i64>,
}

/// How many seconds an action may wait for the one before it, so that its answer comes back in time.
fn turn(within: Duration) -> f64 {
    within.saturating_sub(WAY_BACK).min(Duration::from_secs(10)).as_secs_f64()
}

/// Runs the program and reads its last line.
async fn ask(
    machine: &dyn ControlledMachine,
    interpreter: &Interpreter,
    request: &Value,
    within: Duration,
) -> Result<Value, MachineErrorKind> {
    let request = ascii(&request.to_string());
    let began = tokio::time::Instant::now();
    let first = interpreter.0.load(Ordering::Relaxed);
    let mut missing = None;
    for (at, python) in INTERPRETERS.into_iter().enumerate().skip(first) {
        let command = MachineCommand::program([python, "-c", PROGRAM, &request]);
        let answer = match machine.execute(&command, within.saturating_sub(began.elapsed())).await {
            Ok(output) => read(&output)?,
            // It was not started.
            Err(error) => match error.kind {
                MachineErrorKind::Refused { why } => {
                    missing.get_or_insert(why);
                    continue;
                }
                kind => return Err(kind),
            },
        };
        if let Some(why) = answer["missing"].as_str() {
            missing = Some(format!("{python} has no Xlib ({}): pip install python-xlib", plain(why)));
            continue;
        }
        interpreter.0.store(at, Ordering::Relaxed);
        return match answer["refused"].as_str() {
            Some(why) if answer["typed"].is_null() => Err(MachineErrorKind::Refused { why: plain(why) }),
            _ => Ok(answer),
        };
    }
    let why = missing.unwrap_or_default();
    Err(MachineErrorKind::Refused { why: format!("the machine runs no Python for a look or a gesture: {why}") })
}

/// What the program has said.
fn read(output: &CommandOutput) -> Result<Value, MachineErrorKind> {
    let last = output.output.trim_end().rsplit('\n').next().unwrap_or_default();
    match serde_json::from_str::<Value>(last) {
        Ok(answer) if answer.is_object() && answer["lost"].is_null() => Ok(answer),
        Ok(answer) if answer.is_object() => {
            Err(MachineErrorKind::Unanswered { why: plain(&answer["lost"].to_string()) })
        }
        _ => {
            // It was ended in the middle, or fell over something; it may have begun.
            let told = output.error.trim_end().rsplit('\n').next().unwrap_or_default();
            let why = format!("the program on the machine has ended with {} and said {:?}", output.code, plain(told));
            Err(MachineErrorKind::Unanswered { why })
        }
    }
}

fn scene(answer: &Value) -> Result<Scene, MachineErrorKind> {
    let look = LookAnswer::deserialize(answer).map_err(|error| malformed(format!("a look: {error}")))?;
    let [width, height] = look.size;
    let split = |[id, left, top, width, height, process]: [i64; 6]| ([id, left, top, width, height], process);
    let stack = look.stack.into_iter().map(split).collect();
    Ok(Scene { size: Size { width, height }, windows: look.windows, stack })
}

fn malformed(why: String) -> MachineErrorKind {
    MachineErrorKind::Malformed { why }
}

fn plain(text: &str) -> String {
    crate::desktop::window::one_line(text.as_bytes())
}

/// JSON without a letter that a machine's locale could change on its way.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_ascii() {
            text.push(letter);
        } else {
            let mut units = [0; 2];
            text.extend(letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(output: &str, error: &str, code: i32) -> CommandOutput {
        CommandOutput { output: output.to_owned(), error: error.to_owned(), code, is_cut: false }
    }

    #[test]
    fn the_last_line_is_the_answer_and_without_one_nobody_knows() {
        assert_eq!(read(&said("welcome\n\n{\"done\": true}\n", "", 0)).unwrap()["done"], true);
        for (output, error) in [("", "Traceback\nKeyError: 'size'\n"), ("[1]", ""), ("{\"done\": tr", "")] {
            let kind = read(&said(output, error, 1)).unwrap_err();
            assert!(matches!(kind, MachineErrorKind::Unanswered { .. }), "{output}: {kind}");
        }
        let kind = read(&said("", "Traceback\nKeyError: 'size'\n", 1)).unwrap_err();
        assert!(kind.to_string().contains("KeyError: 'size'"), "{kind}");
    }

    #[test]
    fn a_request_is_ascii_and_says_the_same() {
        let text = json!({"text": "a\"\\ é 界 👩 \u{7}"}).to_string();
        let sent = ascii(&text);
        assert!(sent.is_ascii());
        assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn what_lies_where_is_told_from_the_top_and_whose_it_is() {
        let window = |id: u32, process: i64, is_active: bool| {
            json!({"id": id, "title": "t", "instance": "i", "class": "C", "program": null, "process": process,
                   "area": [0, 0, 9, 9], "is_active": is_active, "is_hidden": false})
        };
        let look = json!({"size": [100, 50], "windows": [window(1, 7, true), window(2, 8, false)],
            "stack": [[1, 0, 0, 100, 50, 7], [2, 90, 0, 20, 20, 8], [3, -5, 0, 10, 10, 0]]});
        let scene = scene(&look).unwrap();
        assert_eq!(scene.at((95, 5)), [[2, 90, 0, 20, 20], [1, 0, 0, 100, 50]]);
        assert!(!scene.is_of_front((95, 5)) && scene.is_of_front((50, 5)) && scene.is_of_front((2, 5)));
        assert_eq!(scene.active().unwrap().both_classes(), "i.C");
        assert!(super::scene(&json!({"size": [1]})).is_err());
    }
}
