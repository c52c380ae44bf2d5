//! Calls that somebody else describes, an MCP server or the description of a service: which of them are wanted, and what is told of them.

use tapwright_contract::name::is_same;

use crate::mistake::nearest;

/// As many calls of one source are offered, unless the settings name them.
pub const OFFERED_MAX: usize = 32;
/// How much of the name of a call that is not offered is shown.
pub const SHOWN_CHARS_MAX: usize = 80;

/// A name that the settings have and the source has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCall {
    pub name: String,
    pub near: Option<String>,
}

/// A call that is there and that a model is not told of, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnofferedApi {
    /// As it would be called.
    pub name: String,
    pub why: String,
    /// Whether the settings name those that are wanted, and not this one: whoever has written them knows that it is not there.
    pub is_unchosen: bool,
}

/// Whether the settings want a call of one of these names: by the whole of it, or by how it begins, `read_*`. All, if they do not say.
pub fn is_wanted(chosen: Option<&[String]>, names: &[&str]) -> bool {
    let matches = |pattern: &String| match pattern.strip_suffix('*') {
        Some(beginning) => names.iter().any(|name| name.starts_with(beginning)),
        None => names.contains(&pattern.as_str()),
    };
    chosen.is_none_or(|chosen| chosen.iter().any(matches))
}

/// A name in the settings that is no call's: nobody would notice that it does nothing.
pub fn find_unknown<'a>(named: impl Iterator<Item = &'a String>, known: &[&str]) -> Option<UnknownCall> {
    let name = named.filter(|name| !name.ends_with('*')).find(|name| !known.contains(&name.as_str()))?;
    let near = known.iter().find(|known| is_same(known, name)).map(|known| (*known).to_owned());
    let near = near.or_else(|| nearest(name, known.iter().copied()).map(str::to_owned));
    Some(UnknownCall { name: name.clone(), near })
}

/// A text of somebody else's as one line without anything that a terminal would obey, or that turns the direction of writing.
pub fn one_line(text: &str, chars_max: usize) -> String {
    let is_plain = |letter: &char| {
        !letter.is_control()
            && !matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    // What is far beyond the end is not looked at.
    let words = text.chars().take(8 * chars_max).map(|letter| if letter.is_whitespace() { ' ' } else { letter });
    let plain: String = words.filter(is_plain).collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(chars_max) {
        None => line,
        Some(_) => {
            let cut: String = line.chars().take(chars_max.saturating_sub(1)).collect();
            format!("{cut}…")
        }
    }
}
