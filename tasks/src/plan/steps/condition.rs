//! What is waited for and checked: on the screen, in a file, of a page, of a value.

use std::fmt;
use std::path::Path;

use serde_json::{Value, json};
use tapwright_agent::action::Action;
use tapwright_agent::calls::ApiCall;
use tapwright_contract::Size;
use tapwright_contract::device::{Front, Label};

use super::find::{Found, find, plain};
use super::{Target, target_texts};

/// So much of what was there instead is told.
const TOLD_CHARS: usize = 300;

/// Something that is so or is not. In texts `{{name}}` stands for a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All of these, of the screen.
    Screen(ScreenCondition),
    /// A file of the device's allowed folders is there, or not, or holds a text.
    File { path: String, contains: Option<String>, is_gone: bool },
    /// The address of the page in front begins so.
    Page { address: String },
    /// A value is this one.
    Value { value: String, is: String },
}

/// What is to be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScreenCondition {
    /// It is written somewhere, alone or in a longer text.
    pub text: Option<String>,
    /// It is written nowhere.
    pub gone: Option<String>,
    /// There is this widget, once.
    pub widget: Option<Target>,
    /// This app is in front, by its id or its name.
    pub app: Option<String>,
}

/// A call that finds something out, and how its answer is read.
pub struct Inquiry {
    pub name: &'static str,
    pub arguments: Value,
}

impl Inquiry {
    pub fn action(self) -> Action {
        Action::CallApi(ApiCall { name: self.name.to_owned(), arguments: self.arguments })
    }
}

impl Condition {
    /// All texts in which a value may be named.
    pub fn texts<'a>(&'a self, texts: &mut Vec<&'a str>) {
        match self {
            Condition::Screen(screen) => {
                texts.extend(screen.text.as_deref());
                texts.extend(screen.gone.as_deref());
                texts.extend(screen.app.as_deref());
                screen.widget.iter().for_each(|target| target_texts(target, texts));
            }
            Condition::File { path, contains, .. } => {
                texts.push(path);
                texts.extend(contains.as_deref());
            }
            Condition::Page { address } => texts.push(address),
            Condition::Value { value, is } => texts.extend([value.as_str(), is]),
        }
    }

    /// The same with each text put through a function.
    ///
    /// # Errors
    /// The first that the function has.
    pub fn with_texts(&self, fill: &mut impl FnMut(&str) -> Result<String, String>) -> Result<Condition, String> {
        Ok(match self {
            Condition::Screen(screen) => Condition::Screen(ScreenCondition {
                text: screen.text.as_deref().map(&mut *fill).transpose()?,
                gone: screen.gone.as_deref().map(&mut *fill).transpose()?,
                widget: match &screen.widget {
                    Some(target) => Some(target.with_texts(fill)?),
                    None => None,
                },
                app: screen.app.as_deref().map(&mut *fill).transpose()?,
            }),
            Condition::File { path, contains, is_gone } => Condition::File {
                path: fill(path)?,
                contains: contains.as_deref().map(&mut *fill).transpose()?,
                is_gone: *is_gone,
            },
            Condition::Page { address } => Condition::Page { address: fill(address)? },
            Condition::Value { value, is } => Condition::Value { value: fill(value)?, is: fill(is)? },
        })
    }

    /// The call that tells it, if no look at the screen does.
    pub fn inquiry(&self) -> Option<Inquiry> {
        match self {
            Condition::Screen(_) | Condition::Value { .. } => None,
            Condition::File { path, contains: Some(_), .. } => {
                Some(Inquiry { name: "files.read", arguments: json!({ "path": path }) })
            }
            Condition::File { path, contains: None, .. } => {
                let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
                let arguments = folder.map_or_else(|| json!({}), |folder| json!({ "path": folder.to_string_lossy() }));
                Some(Inquiry { name: "files.list", arguments })
            }
            Condition::Page { .. } => Some(Inquiry { name: "tabs.list", arguments: json!({}) }),
        }
    }

    /// What the answer to that call says; `None` for the answer if the call was refused, as it is for what is not there.
    ///
    /// # Errors
    /// What was there instead.
    pub fn holds_by(&self, answer: Option<&str>) -> Result<(), String> {
        match self {
            Condition::File { contains: Some(text), is_gone, .. } => match answer {
                Some(answer) if answer.contains(text.as_str()) != *is_gone => Ok(()),
                Some(answer) => Err(format!("the file says {:?}", short(answer))),
                None if *is_gone => Ok(()),
                None => Err("there is no such file that can be read".to_owned()),
            },
            Condition::File { path, contains: None, is_gone } => {
                let names = answer.map(file_names).unwrap_or_default();
                let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
                let is_there = name.is_some_and(|name| names.contains(&name));
                match (is_there, is_gone) {
                    (true, false) | (false, true) => Ok(()),
                    (true, true) => Err("the file is there".to_owned()),
                    (false, false) => Err(format!("in its folder there are: {}", short(&names.join(", ")))),
                }
            }
            Condition::Page { address } => match answer.and_then(address_in_front) {
                Some(found) if found.starts_with(address.as_str()) => Ok(()),
                Some(found) => Err(format!("the page is {:?}", short(&found))),
                None => Err("no page is in front".to_owned()),
            },
            Condition::Screen(_) | Condition::Value { .. } => Ok(()),
        }
    }

    /// Whether a value is what it is to be.
    ///
    /// # Errors
    /// What it is instead.
    pub fn holds_of_values(&self) -> Result<(), String> {
        match self {
            Condition::Value { value, is } if value.trim() != is.trim() => Err(format!("it is {:?}", short(value))),
            _ => Ok(()),
        }
    }
}

impl ScreenCondition {
    /// Whether it is so on a screen. `labels` is `None` if the device does not tell what is written.
    ///
    /// # Errors
    /// What was there instead.
    pub fn holds(&self, labels: Option<&[Label]>, front: Option<&Front>, display: Size) -> Result<(), String> {
        if let Some(app) = &self.app
            && !front.is_some_and(|front| is_front(app, front))
        {
            return Err(format!("the app in front is {:?}", front.map_or("", |front| front.name())));
        }
        if self.text.is_none() && self.gone.is_none() && self.widget.is_none() {
            return Ok(());
        }
        let Some(labels) = labels else {
            return Err("the app in front does not tell what is written on the screen".to_owned());
        };
        let says = |text: &str| labels.iter().any(|label| plain(&label.text).contains(&plain(text)));
        let there = || format!("there is: {}", texts_in_brief(labels));
        if let Some(text) = &self.text
            && !says(text)
        {
            return Err(format!("{text:?} is not written there; {}", there()));
        }
        if let Some(text) = &self.gone
            && says(text)
        {
            return Err(format!("{text:?} is still written there"));
        }
        match self.widget.as_ref().map(|target| (target, find(target, labels, display))) {
            None | Some((_, Found::One(_))) => Ok(()),
            Some((target, Found::None)) => Err(format!("{target} is not there; {}", there())),
            Some((target, Found::Several(which))) => {
                Err(format!("{target} is there more than once: {}", which.join("; ")))
            }
        }
    }
}

/// Whether an app in front is the one that somebody names.
pub fn is_front(app: &str, front: &Front) -> bool {
    let same = |name: &str| !name.is_empty() && name.to_lowercase() == app.trim().to_lowercase();
    same(&front.id) || same(&front.label) || front.aliases.iter().any(|alias| same(alias))
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Screen(screen) => {
                let mut parts = Vec::new();
                parts.extend(screen.app.as_ref().map(|app| format!("{app:?} is in front")));
                parts.extend(screen.text.as_ref().map(|text| format!("{text:?} is written there")));
                parts.extend(screen.gone.as_ref().map(|text| format!("{text:?} is written nowhere")));
                parts.extend(screen.widget.as_ref().map(|target| format!("there is {target}")));
                f.write_str(&parts.join(" and "))
            }
            Condition::File { path, contains: None, is_gone: false } => write!(f, "the file {path:?} is there"),
            Condition::File { path, contains: None, is_gone: true } => write!(f, "the file {path:?} is gone"),
            Condition::File { path, contains: Some(text), is_gone: false } => {
                write!(f, "the file {path:?} contains {text:?}")
            }
            Condition::File { path, contains: Some(text), is_gone: true } => {
                write!(f, "the file {path:?} does not contain {text:?}")
            }
            Condition::Page { address } => write!(f, "the page's address begins with {address:?}"),
            Condition::Value { value, is } => write!(f, "{value:?} is {is:?}"),
        }
    }
}

/// The names of the files in an answer of `files.list`.
fn file_names(answer: &str) -> Vec<String> {
    let Ok(told) = serde_json::from_str::<Value>(answer) else { return Vec::new() };
    let files = told["files"].as_array().map(Vec::as_slice).unwrap_or_default();
    files.iter().filter_map(|file| file["name"].as_str().map(str::to_owned)).collect()
}

/// The address of the tab in front in an answer of `tabs.list`.
fn address_in_front(answer: &str) -> Option<String> {
    let told = serde_json::from_str::<Value>(answer).ok()?;
    let tabs = told.as_array().or_else(|| told["tabs"].as_array())?;
    let front = tabs.iter().find(|tab| tab["in_front"] == true).or_else(|| tabs.first())?;
    front["address"].as_str().map(str::to_owned)
}

/// What is written on a screen, as far as an error has room.
pub fn texts_in_brief(labels: &[Label]) -> String {
    let texts: Vec<String> = labels.iter().map(|label| plain(&label.text)).filter(|text| !text.is_empty()).collect();
    if texts.is_empty() { "nothing".to_owned() } else { short(&texts.join(" | ")) }
}

fn short(text: &str) -> String {
    let text = plain(text);
    let short: String = text.chars().take(TOLD_CHARS).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
