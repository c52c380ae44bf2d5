//! Steps of a plan that need no model: calls, gestures by what is written on a widget, waits and checks.
//!
//! There is no second executor. Steps that stand together are a run as a goal is one, with a record of its own, and [`StepModel`] is its
//! model: it reads the widgets of the screen, says the next action in the language that models speak, and the loop does with it what it
//! does with any model's: the guard judges it, a person is asked, secrets are put in by the loop, the intent is on the disk before the
//! deed, and what may have happened when a run broke off is not repeated blindly.
//!
//! ```text
//! [[step]] … in the file        [`Step`], read and checked by the plan's file
//! StepModel::reply              looks for the widget (`find`), waits, or gives up, and says one action; its thought begins with the number
//! the journal                   what was said and what came of it; `progress` follows it, so a run that goes on stands where it stood
//! ```
//!
//! | room | what is there |
//! | --- | --- |
//! | [`find`] | which widget is meant: one, none or several |
//! | [`extract`] | what on a page matches a pattern |
//! | [`condition`] | what is waited for and checked |
//! | [`progress`] | how far a run has come, as its journal tells |
//! | [`model`] | what is said next |

mod condition;
mod extract;
mod find;
mod model;
mod progress;

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::values::{OutputKind, is_number};

pub use condition::{Condition, ScreenCondition, is_whole_address};
pub use extract::compile;
pub use find::{Found, find, find_field, in_words, is_field, middle, role_word};
pub use model::{Eyes, StepModel, profiles};
pub use progress::{DeedState, SharedProgress, StepPosition, outputs_of, verdict_of};

/// How long a widget is waited for where nothing is said.
pub const FIND_WITHIN: Duration = Duration::from_secs(10);
/// How long a condition is waited for where nothing is said.
pub const WAIT_WITHIN: Duration = Duration::from_secs(30);
/// How long a check may take to hold.
pub const CHECK_WITHIN: Duration = Duration::from_secs(5);
/// The longest that any step may wait.
pub const WITHIN_MAX: Duration = Duration::from_secs(3600);

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub act: StepAction,
    /// What shows that it is done: waited for after it, and what tells whether it was done when a run broke off in the middle of it.
    pub expect: Option<Condition>,
    /// How long its widget or its condition is waited for.
    pub within: Duration,
    /// What it finds out.
    pub output: Option<StepOutput>,
    /// The app that has to be in front, by its id or its name.
    pub app: Option<String>,
    /// Where its widget was when it was recorded, for people: nothing is touched by its place.
    pub was_at: Option<[u32; 2]>,
}

/// What a step does. In texts `{{name}}` stands for a value.
#[derive(Clone, Debug, PartialEq)]
pub enum StepAction {
    /// Brings an app, or an address of the web in a browser, to the front.
    Open { app: String },
    /// Touches a widget.
    Press { target: Target, how: Press },
    /// Types, into a field or into whatever has the focus.
    Type { text: String, into: Option<Target>, adds: bool },
    /// Presses keys: `ctrl+s`, `enter`, and on a phone `back`, `home` and `enter`. With `until` as often as it takes.
    Keys { keys: String, until: Option<ScreenCondition> },
    /// Scrolls until a widget is seen.
    Scroll { target: Target, way: Way },
    /// Calls an API.
    Call { name: String, arguments: Value },
    /// Waits until something is so.
    Wait(Condition),
    /// Fails if something is not so.
    Check(Condition),
    /// Finds out whether something is so, and nothing else.
    Test(Condition),
    /// Tells what stands beside a caption, or in a field.
    Read(Target),
    /// Tells what matches a pattern, from here to the end of the page if that is to be a list.
    Extract { pattern: String },
    /// Lets time pass.
    Pause(Duration),
}

/// A widget, by what is written on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub text: String,
    /// What kind of widget: `button`, `field`, `switch`.
    pub role: Option<String>,
    /// What else is written in its row.
    pub beside: Option<String>,
}

/// How a widget is touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Press {
    #[default]
    Once,
    Twice,
    Long,
    Right,
}

/// Which way is scrolled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    #[default]
    Down,
    Up,
}

/// What a step finds out, and under which name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOutput {
    pub name: String,
    pub kind: OutputKind,
    /// What of a call's answer, if that is JSON.
    pub pointer: Option<String>,
}

impl Target {
    pub fn of(text: &str) -> Target {
        Target { text: text.to_owned(), role: None, beside: None }
    }

    fn with_texts(&self, fill: &mut impl FnMut(&str) -> Result<String, String>) -> Result<Target, String> {
        let text = fill(&self.text)?;
        if text.trim().is_empty() {
            return Err(format!("{:?} comes to no words, which name no widget", self.text));
        }
        Ok(Target { text, role: self.role.clone(), beside: self.beside.as_deref().map(fill).transpose()? })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(role) = &self.role {
            write!(f, "the {role} ")?;
        }
        write!(f, "{:?}", self.text)?;
        match &self.beside {
            Some(beside) => write!(f, " beside {beside:?}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Step {
    /// In words, for people and for a model that takes over.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.act {
            StepAction::Open { app } => write!(f, "open {app:?}")?,
            StepAction::Press { target, how } => {
                let verb = match how {
                    Press::Once => "press",
                    Press::Twice => "press twice",
                    Press::Long => "hold",
                    Press::Right => "press with the right button",
                };
                write!(f, "{verb} {target}")?;
            }
            StepAction::Type { text, into, adds } => {
                write!(f, "{} {text:?}", if *adds { "add" } else { "type" })?;
                if let Some(target) = into {
                    write!(f, " into {target}")?;
                }
            }
            StepAction::Keys { keys, until: None } => write!(f, "press the keys {keys}")?,
            StepAction::Keys { keys, until: Some(condition) } => {
                write!(f, "press the keys {keys} as often as it takes until {condition}")?;
            }
            StepAction::Scroll { target, way: Way::Down } => write!(f, "scroll down to {target}")?,
            StepAction::Scroll { target, way: Way::Up } => write!(f, "scroll up to {target}")?,
            StepAction::Call { name, arguments } => write!(f, "call {name} with {arguments}")?,
            StepAction::Wait(condition) => write!(f, "wait until {condition}")?,
            StepAction::Check(condition) => write!(f, "check that {condition}")?,
            StepAction::Test(condition) => write!(f, "see whether {condition}")?,
            StepAction::Read(target) => write!(f, "read what stands at {target}")?,
            StepAction::Extract { pattern } => write!(f, "take from the page what matches '{pattern}'")?,
            StepAction::Pause(time) => write!(f, "wait for {} s", time.as_secs_f32())?,
        }
        match &self.expect {
            Some(condition) => write!(f, ", until {condition}"),
            None => Ok(()),
        }
    }
}

/// Steps in words, a line each.
pub fn words(steps: &[Step]) -> String {
    let lines = steps.iter().enumerate().map(|(at, step)| format!("{}. {step}", at + 1));
    lines.collect::<Vec<_>>().join("\n")
}

impl Step {
    pub fn new(act: StepAction) -> Step {
        let within = match &act {
            StepAction::Wait(_) => WAIT_WITHIN,
            StepAction::Check(_) => CHECK_WITHIN,
            StepAction::Test(_) | StepAction::Pause(_) => Duration::ZERO,
            _ => FIND_WITHIN,
        };
        Step { act, expect: None, within, output: None, app: None, was_at: None }
    }

    /// Whether it finds out a list, which goes on to the end of a page.
    fn finds_list(&self) -> bool {
        self.output.as_ref().is_some_and(|output| output.kind == OutputKind::Items)
    }

    /// Whether doing it a second time ends where the first time did.
    fn can_be_repeated(&self) -> bool {
        match &self.act {
            StepAction::Type { text, adds, .. } => !*adds && !text.contains(['\n', '\r']),
            StepAction::Keys { until, .. } => until.is_some(),
            StepAction::Press { .. } | StepAction::Call { .. } => false,
            StepAction::Open { .. }
            | StepAction::Scroll { .. }
            | StepAction::Wait(_)
            | StepAction::Check(_)
            | StepAction::Test(_)
            | StepAction::Read(_)
            | StepAction::Extract { .. }
            | StepAction::Pause(_) => true,
        }
    }

    /// The same with each text put through a function.
    ///
    /// # Errors
    /// The first that the function has.
    fn with_texts(&self, fill: &mut impl FnMut(&str) -> Result<String, String>) -> Result<Step, String> {
        let act = match &self.act {
            StepAction::Open { app } => StepAction::Open { app: fill(app)? },
            StepAction::Press { target, how } => StepAction::Press { target: target.with_texts(fill)?, how: *how },
            StepAction::Type { text, into, adds } => StepAction::Type {
                text: fill(text)?,
                into: match into {
                    Some(target) => Some(target.with_texts(fill)?),
                    None => None,
                },
                adds: *adds,
            },
            StepAction::Keys { keys, until: Some(condition) } => {
                StepAction::Keys { keys: keys.clone(), until: Some(condition.with_texts(fill)?) }
            }
            StepAction::Keys { until: None, .. } | StepAction::Extract { .. } | StepAction::Pause(_) => {
                self.act.clone()
            }
            StepAction::Scroll { target, way } => StepAction::Scroll { target: target.with_texts(fill)?, way: *way },
            StepAction::Call { name, arguments } => {
                StepAction::Call { name: name.clone(), arguments: value_with_texts(arguments, fill)? }
            }
            StepAction::Wait(condition) => StepAction::Wait(condition.with_texts(fill)?),
            StepAction::Check(condition) => StepAction::Check(condition.with_texts(fill)?),
            StepAction::Test(condition) => StepAction::Test(condition.with_texts(fill)?),
            StepAction::Read(target) => StepAction::Read(target.with_texts(fill)?),
        };
        let expect = match &self.expect {
            Some(condition) => Some(condition.with_texts(fill)?),
            None => None,
        };
        Ok(Step { act, expect, app: self.app.as_deref().map(fill).transpose()?, ..self.clone() })
    }

    /// All texts in it in which a value may be named.
    pub fn texts(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        match &self.act {
            StepAction::Open { app } => texts.push(app.as_str()),
            StepAction::Press { target, .. } | StepAction::Scroll { target, .. } | StepAction::Read(target) => {
                target_texts(target, &mut texts);
            }
            StepAction::Type { text, into, .. } => {
                texts.push(text);
                into.iter().for_each(|target| target_texts(target, &mut texts));
            }
            StepAction::Keys { until, .. } => until.iter().for_each(|condition| condition.texts(&mut texts)),
            StepAction::Extract { .. } | StepAction::Pause(_) => {}
            StepAction::Call { arguments, .. } => value_texts(arguments, &mut texts),
            StepAction::Wait(condition) | StepAction::Check(condition) | StepAction::Test(condition) => {
                condition.texts(&mut texts);
            }
        }
        self.expect.iter().for_each(|condition| condition.texts(&mut texts));
        texts.extend(self.app.as_deref());
        texts
    }
}

fn target_texts<'a>(target: &'a Target, texts: &mut Vec<&'a str>) {
    texts.push(&target.text);
    texts.extend(target.beside.as_deref());
}

fn value_with_texts(value: &Value, fill: &mut impl FnMut(&str) -> Result<String, String>) -> Result<Value, String> {
    Ok(match value {
        // What was found out is a text; a cell or a size may have to be a number.
        Value::String(text) if is_number(text) => {
            let number = fill(text)?;
            serde_json::from_str(&number).map_err(|_| format!("{number:?} is no number"))?
        }
        Value::String(text) => Value::String(fill(text)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| value_with_texts(item, fill)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| Ok((name.clone(), value_with_texts(field, fill)?)));
            Value::Object(fields.collect::<Result<_, String>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

fn value_texts<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| value_texts(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| value_texts(field, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;
