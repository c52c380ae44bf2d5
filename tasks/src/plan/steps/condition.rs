//! What is waited for and checked: on the screen, in a file, of a page, of a value.

use std::fmt;
use std::path::Path;

use serde_json::{Value, json};
use tapwright_agent::action::Action;
use tapwright_agent::calls::ApiCall;
use tapwright_contract::Size;
use tapwright_contract::device::{Front, Label};
use url::Url;

use super::find::{Found, find, holds, plain};
use super::{Target, target_texts};

/// So much of what was there instead is told.
const TOLD_CHARS: usize = 300;
/// Why nothing is known of what a screen says.
pub const UNREADABLE: &str = "the app in front does not tell what is written on the screen";
/// As many parts of one file are read.
const PAGES_MAX: u32 = 100;

/// Something that is so or is not. In texts `{{name}}` stands for a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All of these, of the screen.
    Screen(ScreenCondition),
    /// A file of the device's allowed folders is there, or not, or holds a text.
    File { path: String, contains: Option<String>, is_gone: bool },
    /// The page in front is the one at this address, or one below it.
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
    /// It is on, or off: a switch, a box, or what holds one.
    pub on: Option<bool>,
    /// This app is in front, by its id or its name.
    pub app: Option<String>,
}

/// Why something is not taken for so on a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// It is not; what was there instead.
    Not(String),
    /// Nobody can tell, for this reason: that is neither so nor not so.
    Unknown(String),
}

impl Unmet {
    /// Why a step that waited for it has failed.
    pub fn why(self) -> String {
        match self {
            Unmet::Not(instead) => instead,
            Unmet::Unknown(why) => format!("it cannot be told: {why}"),
        }
    }
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

/// What the answer to such a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InquiryAnswer<'a> {
    Told(&'a str),
    /// There is no such file.
    NoFile,
    /// None, for this reason: that tells nothing of the file or the page.
    Nothing(&'a str),
}

/// What that comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConditionVerdict {
    Holds,
    /// It is not so; what was there instead.
    Not(String),
    /// Nobody can tell, for this reason.
    Unknown(String),
    /// A part of the file was read, and what follows it is to be read first.
    Part,
}

/// How far a file has been read that is told a part at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePages {
    /// The character at which the next part begins.
    from: usize,
    count: u32,
    /// The end of what was read: what is looked for may begin in one part and end in the next.
    tail: String,
}

impl Condition {
    /// All texts in which a value may be named.
    pub fn texts<'a>(&'a self, texts: &mut Vec<&'a str>) {
        match self {
            Condition::Screen(screen) => screen.texts(texts),
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
            Condition::Screen(screen) => Condition::Screen(screen.with_texts(fill)?),
            Condition::File { path, contains, is_gone } => Condition::File {
                path: fill(path)?,
                contains: contains.as_deref().map(&mut *fill).transpose()?,
                is_gone: *is_gone,
            },
            Condition::Page { address } => Condition::Page { address: fill(address)? },
            Condition::Value { value, is } => Condition::Value { value: fill(value)?, is: fill(is)? },
        })
    }

    /// Whether a call tells it, and no look at the screen does.
    pub fn is_asked(&self) -> bool {
        match self {
            Condition::File { .. } | Condition::Page { .. } => true,
            Condition::Screen(_) | Condition::Value { .. } => false,
        }
    }

    /// The call that tells it, or the next part of it, if no look at the screen does.
    pub fn inquiry(&self, pages: &FilePages) -> Option<Inquiry> {
        match self {
            Condition::Screen(_) | Condition::Value { .. } => None,
            Condition::File { path, contains: Some(_), .. } => {
                let arguments = match pages.from {
                    0 => json!({ "path": path }),
                    from => json!({ "path": path, "from": from }),
                };
                Some(Inquiry { name: "files.read", arguments })
            }
            Condition::File { path, contains: None, .. } => {
                let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
                let arguments = folder.map_or_else(|| json!({}), |folder| json!({ "path": folder.to_string_lossy() }));
                Some(Inquiry { name: "files.list", arguments })
            }
            Condition::Page { .. } => Some(Inquiry { name: "tabs.list", arguments: json!({}) }),
        }
    }

    /// What the answer to that call comes to; `pages` is what was read of the file before.
    pub fn holds_by(&self, answer: InquiryAnswer<'_>, pages: &mut FilePages) -> ConditionVerdict {
        match self {
            Condition::File { contains: Some(text), is_gone, .. } => contains_by(text, *is_gone, answer, pages),
            Condition::File { path, contains: None, is_gone } => is_there_by(path, *is_gone, answer),
            Condition::Page { address } => is_page_by(address, answer),
            Condition::Screen(_) | Condition::Value { .. } => ConditionVerdict::Holds,
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
    /// All texts in which a value may be named.
    pub fn texts<'a>(&'a self, texts: &mut Vec<&'a str>) {
        texts.extend([&self.text, &self.gone, &self.app].into_iter().flatten().map(String::as_str));
        self.widget.iter().for_each(|target| target_texts(target, texts));
    }

    /// The same with each text put through a function.
    ///
    /// # Errors
    /// The first that the function has.
    pub fn with_texts(&self, fill: &mut impl FnMut(&str) -> Result<String, String>) -> Result<ScreenCondition, String> {
        Ok(ScreenCondition {
            text: self.text.as_deref().map(&mut *fill).transpose()?,
            gone: self.gone.as_deref().map(&mut *fill).transpose()?,
            widget: match &self.widget {
                Some(target) => Some(target.with_texts(fill)?),
                None => None,
            },
            on: self.on,
            app: self.app.as_deref().map(&mut *fill).transpose()?,
        })
    }

    /// Whether it is so on a screen. `labels` is `None` if the device does not tell what is written.
    ///
    /// # Errors
    /// `Unmet` if it is not, or if nobody can tell.
    pub fn holds(&self, labels: Option<&[Label]>, front: Option<&Front>, display: Size) -> Result<(), Unmet> {
        let not = |instead: String| Err(Unmet::Not(instead));
        if let Some(app) = &self.app
            && !front.is_some_and(|front| is_front(app, front))
        {
            return not(format!("the app in front is {:?}", front.map_or("", |front| front.name())));
        }
        if self.text.is_none() && self.gone.is_none() && self.widget.is_none() {
            return Ok(());
        }
        let Some(labels) = labels else {
            // Where no app is in front, none says it any more.
            let is_empty = front.is_some_and(|front| front.id == Front::NO_APP);
            return match is_empty {
                true if self.text.is_none() && self.widget.is_none() => Ok(()),
                true => not("no app is in front".to_owned()),
                false => Err(Unmet::Unknown(UNREADABLE.to_owned())),
            };
        };
        let says = |text: &str| labels.iter().any(|label| plain(&label.text).contains(&plain(text)));
        let there = || format!("there is: {}", texts_in_brief(labels));
        if let Some(text) = &self.text
            && !says(text)
        {
            return not(format!("{text:?} is not written there; {}", there()));
        }
        if let Some(text) = &self.gone
            && says(text)
        {
            return not(format!("{text:?} is still written there"));
        }
        match self.widget.as_ref().map(|target| (target, find(target, labels, display))) {
            None => Ok(()),
            Some((target, Found::One(label))) => match (self.on, state_of(label, labels)) {
                (None, _) => Ok(()),
                (Some(wanted), Some(is)) if wanted == is => Ok(()),
                (Some(_), Some(is)) => not(format!("{target} is {}", on_or_off(is))),
                (Some(_), None) => Err(Unmet::Unknown(format!("{target} does not tell whether it is on"))),
            },
            Some((target, Found::None)) => not(format!("{target} is not there; {}", there())),
            Some((target, Found::Several(which))) => {
                not(format!("{target} is there more than once: {}", which.join("; ")))
            }
        }
    }
}

/// Whether a widget is on, or the one thing in it that can be.
fn state_of(label: &Label, labels: &[Label]) -> Option<bool> {
    let inside = labels.iter().filter(|inner| holds(label, inner)).filter_map(|inner| inner.is_on);
    let all: Vec<bool> = inside.collect();
    label.is_on.or(if let [only] = all[..] { Some(only) } else { None })
}

pub fn on_or_off(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

/// Whether an app in front is the one that somebody names.
pub fn is_front(app: &str, front: &Front) -> bool {
    let same = |name: &str| !name.is_empty() && name.to_lowercase() == app.trim().to_lowercase();
    same(&front.id) || same(&front.label) || front.aliases.iter().any(|alias| same(alias))
}

impl fmt::Display for ScreenCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.app.as_ref().map(|app| format!("{app:?} is in front")));
        parts.extend(self.text.as_ref().map(|text| format!("{text:?} is written there")));
        parts.extend(self.gone.as_ref().map(|text| format!("{text:?} is written nowhere")));
        parts.extend(self.widget.as_ref().map(|target| match self.on {
            None => format!("there is {target}"),
            Some(on) => format!("{target} is {}", on_or_off(on)),
        }));
        f.write_str(&parts.join(" and "))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Screen(screen) => screen.fmt(f),
            Condition::File { path, contains: None, is_gone: false } => write!(f, "the file {path:?} is there"),
            Condition::File { path, contains: None, is_gone: true } => write!(f, "the file {path:?} is gone"),
            Condition::File { path, contains: Some(text), is_gone: false } => {
                write!(f, "the file {path:?} contains {text:?}")
            }
            Condition::File { path, contains: Some(text), is_gone: true } => {
                write!(f, "the file {path:?} does not contain {text:?}")
            }
            Condition::Page { address } => write!(f, "the page in front is {address:?} or one below it"),
            Condition::Value { value, is } => write!(f, "{value:?} is {is:?}"),
        }
    }
}

/// Whether a file contains a text, by what `files.read` tells of it.
fn contains_by(text: &str, is_gone: bool, answer: InquiryAnswer<'_>, pages: &mut FilePages) -> ConditionVerdict {
    let told = match answer {
        InquiryAnswer::Told(told) => told,
        InquiryAnswer::NoFile if is_gone => return ConditionVerdict::Holds,
        InquiryAnswer::NoFile => return ConditionVerdict::Not("there is no such file".to_owned()),
        InquiryAnswer::Nothing(why) => return ConditionVerdict::Unknown(short(why)),
    };
    if text.is_empty() {
        return ConditionVerdict::Unknown("the text that the file is to contain is empty".to_owned());
    }
    let (part, rest) = part_of(told, pages.from);
    let seen = format!("{}{part}", pages.tail);
    match (seen.contains(text), rest) {
        (true, _) if is_gone => ConditionVerdict::Not(format!("the file contains {:?}", short(text))),
        (true, _) => ConditionVerdict::Holds,
        (false, Some(_)) if pages.count >= PAGES_MAX => {
            ConditionVerdict::Unknown("the file is too long to be read to its end".to_owned())
        }
        (false, Some(from)) => {
            let tail = seen.floor_char_boundary(seen.len().saturating_sub(text.len()));
            *pages = FilePages { from, count: pages.count + 1, tail: seen[tail..].to_owned() };
            ConditionVerdict::Part
        }
        (false, None) if is_gone => ConditionVerdict::Holds,
        (false, None) => ConditionVerdict::Not(format!("the file says {:?}", short(&seen))),
    }
}

/// What a part of a file says, and where the rest begins: `files.read` says so in a line of its own. A file may end with such a line
/// itself; then what follows is read once more at most.
fn part_of(told: &str, from: usize) -> (&str, Option<usize>) {
    let cut = told.rsplit_once("\n… of ").and_then(|(part, last)| {
        let (all, next) = last.split_once(" characters; the rest begins at ")?;
        let (all, next) = (all.parse::<usize>().ok()?, next.parse::<usize>().ok()?);
        (from < next && next < all).then_some((part, Some(next)))
    });
    cut.unwrap_or((told, None))
}

/// Whether a file is there, by what `files.list` tells of its folder.
fn is_there_by(path: &str, is_gone: bool, answer: InquiryAnswer<'_>) -> ConditionVerdict {
    let listed = match answer {
        InquiryAnswer::Told(told) => listed_names(told),
        // Neither is its folder.
        InquiryAnswer::NoFile => Some((Vec::new(), 0)),
        InquiryAnswer::Nothing(why) => return ConditionVerdict::Unknown(short(why)),
    };
    let Some((names, left_out)) = listed else {
        return ConditionVerdict::Unknown("what was told of its folder is no list of files".to_owned());
    };
    let Some(name) = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned()) else {
        return ConditionVerdict::Unknown(format!("{path:?} names no file"));
    };
    match (names.contains(&name), is_gone) {
        (true, false) => ConditionVerdict::Holds,
        (true, true) => ConditionVerdict::Not("the file is there".to_owned()),
        (false, _) if left_out > 0 => ConditionVerdict::Unknown(format!(
            "its folder holds {left_out} names more than are told, and it may be one of them"
        )),
        (false, true) => ConditionVerdict::Holds,
        (false, false) => ConditionVerdict::Not(format!("in its folder there are: {}", short(&names.join(", ")))),
    }
}

/// The names in an answer of `files.list`, and how many it leaves out.
fn listed_names(answer: &str) -> Option<(Vec<String>, u64)> {
    let told = serde_json::from_str::<Value>(answer).ok()?;
    let files = told["files"].as_array()?;
    let names = files.iter().filter_map(|file| file["name"].as_str().map(str::to_owned)).collect();
    Some((names, told["left_out"].as_u64().unwrap_or(0)))
}

/// Whether the page in front is the one at an address, or one below it, by what `tabs.list` tells.
fn is_page_by(address: &str, answer: InquiryAnswer<'_>) -> ConditionVerdict {
    let told = match answer {
        InquiryAnswer::Told(told) => told,
        InquiryAnswer::NoFile => return ConditionVerdict::Unknown("which page is in front is not told".to_owned()),
        InquiryAnswer::Nothing(why) => return ConditionVerdict::Unknown(short(why)),
    };
    let Ok(wanted) = Url::parse(address.trim()) else {
        return ConditionVerdict::Unknown(format!(
            "{:?} is no whole address, such as https://example.org/orders",
            short(address)
        ));
    };
    match address_in_front(told) {
        Some(found) if Url::parse(&found).is_ok_and(|found| is_at_or_below(&found, &wanted)) => ConditionVerdict::Holds,
        Some(found) => ConditionVerdict::Not(format!("the page is {:?}", short(&found))),
        None => ConditionVerdict::Unknown("no page is in front".to_owned()),
    }
}

/// Whether an address is another one or lies below it. Addresses that only begin with the same letters are somebody else's:
/// `https://bank.example.evil.com` is not at `https://bank.example`.
fn is_at_or_below(found: &Url, wanted: &Url) -> bool {
    let is_same_server = found.scheme() == wanted.scheme()
        && found.host_str() == wanted.host_str()
        && found.port_or_known_default() == wanted.port_or_known_default();
    // With a query or a place in the page it is one page that is meant.
    let is_one = wanted.query().is_some() || wanted.fragment().is_some();
    let folder = format!("{}/", wanted.path().trim_end_matches('/'));
    is_same_server
        && (found.path() == wanted.path() || !is_one && found.path().starts_with(&folder))
        && wanted.query().is_none_or(|query| found.query() == Some(query))
        && wanted.fragment().is_none_or(|place| found.fragment() == Some(place))
}

/// Whether it is an address with a scheme, which alone says whose page it is.
pub fn is_whole_address(address: &str) -> bool {
    Url::parse(address.trim()).is_ok()
}

/// The address of the tab in front in an answer of `tabs.list`.
fn address_in_front(answer: &str) -> Option<String> {
    let told = serde_json::from_str::<Value>(answer).ok()?;
    let tabs = told.as_array().or_else(|| told["tabs"].as_array())?;
    let front = tabs.iter().find(|tab| tab["in_front"] == true)?;
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
