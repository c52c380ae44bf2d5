//! What several apps say and do in the same way: lists in facts, searching, what is shown without a network.

use crate::app::Context;
use crate::command::{Command, Effect, FieldId, Page, Question};
use crate::functions::FunctionError;
use crate::icon::Icon;
use crate::locale::{DISCARD, Language, Phrase, phrase};
use crate::providers::Providers;
use crate::ui::{Class, ROW, Shape, TextField, Ui};

pub const SEARCH: Phrase = phrase("Search", "搜索");
pub const HOME: Phrase = phrase("Home", "首页");
pub const ME: Phrase = phrase("Me", "我的");
pub const NOTHING_FOUND: Phrase = phrase("Nothing found", "没有找到结果");
pub const REMOVE: Phrase = phrase("Remove", "移除");
pub const SEND: Phrase = phrase("Send", "发送");
const NO_NETWORK: Phrase = phrase("No internet connection", "没有网络连接");
const TRY_AGAIN: Phrase = phrase("Try again", "重试");

/// Says that there is no network, with a way to try again; true if there is none.
pub fn is_offline(providers: &Providers, ui: &mut Ui, again: Command) -> bool {
    if !providers.is_online() {
        let (text, button) = (ui.say(NO_NETWORK), ui.say(TRY_AGAIN));
        ui.notice(Icon::Cloud, text, Some((button, again)));
    }
    !providers.is_online()
}

/// Refuses what needs a network where there is none.
///
/// # Errors
/// `FunctionError::Unavailable` without a network.
pub fn require_network(providers: &Providers) -> Result<(), FunctionError> {
    let why = || FunctionError::Unavailable("there is no internet connection".to_owned());
    providers.is_online().then_some(()).ok_or_else(why)
}

/// What is asked before the page `new` is left with something in one of its fields.
pub fn discard_question(
    context: &Context<'_>,
    fields: &[FieldId],
    title: Phrase,
    text: Phrase,
    then: Command,
) -> Option<Question> {
    let is_written = fields.iter().any(|field| !context.trimmed(field).is_empty());
    let say = |phrase| context.language.say(phrase);
    (context.page.is("new") && is_written).then(|| Question {
        title: say(title).into(),
        text: say(text).into(),
        yes: say(DISCARD),
        then,
    })
}

/// Keeps a text that another app has shared, and opens the page `new`, which takes it.
pub fn open_with(received: &mut Option<String>, text: &str) -> Vec<Effect> {
    *received = Some(text.to_owned());
    vec![Effect::Open(Page::new("new"))]
}

/// Whether a text holds what was looked for, whatever its case.
pub fn matches(text: &str, query: &str) -> bool {
    text.to_lowercase().contains(&query.trim().to_lowercase())
}

/// Names as one fact.
pub fn joined<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    names.into_iter().map(|name| name.as_ref().to_owned()).collect::<Vec<_>>().join("; ")
}

/// The names of a fact.
pub fn split(value: &str) -> impl Iterator<Item = &str> {
    value.split(';').map(str::trim).filter(|name| !name.is_empty())
}

/// Names of a fact as places in a list.
///
/// # Errors
/// If one of them is not in the list.
pub fn places_of(value: &str, place: impl Fn(&str) -> Option<usize>) -> Result<Vec<usize>, String> {
    split(value).map(|name| place(name).ok_or_else(|| format!("there is no `{name}`"))).collect()
}

/// `true` or `false` of a fact.
///
/// # Errors
/// If it is neither.
pub fn truth(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| "it is true or false".to_owned())
}

/// How long ago something was, in minutes: `now`, `5 min`, `3 h`, `2 d`.
pub fn ago(minutes: u32, language: Language) -> String {
    let (now, min, hours, days) = match language {
        Language::English => ("now", "min", "h", "d"),
        Language::Chinese => ("刚刚", "分钟前", "小时前", "天前"),
    };
    match minutes {
        0 => now.to_owned(),
        1..60 => format!("{minutes} {min}"),
        60..1440 => format!("{} {hours}", minutes / 60),
        _ => format!("{} {days}", minutes / 1440),
    }
}

impl Ui {
    /// A field at the lower edge of a page, and a button that sends what is in it.
    pub fn compose_bar(&mut self, context: &Context<'_>, hint: Phrase, field: FieldId, send: Command) {
        self.bottom -= ROW;
        let top = self.bottom;
        let bar = self.rect(0.0, top, 540.0, ROW);
        let color = self.theme.back;
        self.add(Class::Frame, "compose", bar).shapes.push(Shape::Fill { rect: bar, radius: 0.0, color });
        let state = context.field(&field);
        let ready = if state.text.is_empty() { self.theme.off } else { self.theme.accent };
        self.field(TextField {
            id: "message",
            hint,
            field,
            state,
            left: 18.0,
            top: top + 12.0,
            width: 426.0,
            height: ROW - 24.0,
        });
        self.icon_button("send", SEND, Icon::Send, (495.0, top + ROW / 2.0), ready, send);
    }
}
