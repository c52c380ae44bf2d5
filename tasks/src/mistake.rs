//! A mistake that somebody made in a file, and where.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use tapwright_contract::file;

/// Far above any file that a person writes.
pub const WRITTEN_BYTES_MAX: u64 = 16 << 20;

/// Reads a file that a person wrote.
///
/// # Errors
/// If it cannot be read, is no regular file or no text, or is longer than [`WRITTEN_BYTES_MAX`].
pub fn read_text(at: &Path) -> io::Result<String> {
    file::read_text(at, WRITTEN_BYTES_MAX)
}

/// What is wrong in a file that a person wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", .file.display())]
pub struct Mistake {
    pub file: PathBuf,
    /// The file as it was read; empty if it could not be.
    pub text: String,
    /// The bytes of the text that are wrong, if it is known which.
    pub at: Option<Range<usize>>,
    pub why: String,
    /// What to write instead, if that can be said.
    pub help: Option<String>,
}

impl Mistake {
    /// A file that cannot be read at all.
    pub fn unreadable(file: &Path, error: &io::Error) -> Mistake {
        Mistake {
            file: file.to_owned(),
            text: String::new(),
            at: None,
            why: format!("it cannot be read: {error}"),
            help: None,
        }
    }

    /// What a TOML reader objects to.
    pub fn of_toml(file: &Path, text: &str, error: &toml::de::Error) -> Mistake {
        let (why, help) = unknown_key(error.message());
        Mistake { file: file.to_owned(), text: text.to_owned(), at: error.span(), why, help }
    }
}

/// The nearest of several names, if one is near.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.into_iter().map(|known| (strsim::jaro_winkler(name, known), known));
    near.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

/// Keys of earlier versions, and what they are called now.
const RENAMED: [(&str, &str); 6] = [
    ("allow_ms", "authorize_ms"),
    ("asks_when_stuck", "ask_when_stuck"),
    ("find_again_ms", "reconnect_ms"),
    ("leave", "permission"),
    ("then", "permission"),
    ("unlabelled", "without_labels"),
];

/// Keys of earlier versions that are said in another section now: the key, one that its old section has, and what to write.
const MOVED: [(&str, &str, &str); 5] = [
    ("apis_ask", "api_effects", "[policy.apis.NAME] with permission = \"ask\""),
    ("apis_asked", "api_effects", "[policy.apis.NAME] with permission = \"ask\""),
    ("leave", "parameters", "[policy.apis.NAME] with permission = \"…\""),
    ("permission", "parameters", "[policy.apis.NAME] with permission = \"…\""),
    (
        "repeatable",
        "parameters",
        "effect = \"reads\" if a call changes nothing, or [policy.apis.NAME] with repeatable = true",
    ),
];

/// What a key of an earlier version is called now, if that is among the `known` ones.
pub fn new_name<'a>(key: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'static str> {
    let new = RENAMED.into_iter().find(|(old, _)| *old == key)?.1;
    known.into_iter().any(|known| known == new).then_some(new)
}

/// serde says ``unknown field `a`, expected one of `b`, `c` ``: for people, what there is belongs into the help.
fn unknown_key(message: &str) -> (String, Option<String>) {
    let Some((what, rest)) = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) else {
        return (message.trim_end().to_owned(), None);
    };
    let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    if let Some((.., new)) = MOVED.iter().find(|(old, beside, _)| *old == what && known.contains(beside)) {
        return (format!("the key `{what}` is not here any more"), Some(format!("write {new}")));
    }
    if let Some(new) = new_name(what, known.iter().copied()) {
        return (
            format!("the key `{what}` is called `{new}` now"),
            Some(format!("write `{new}` in place of `{what}`")),
        );
    }
    let help = match nearest(what, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "nothing can be set here".to_owned(),
        None => format!("there are: {}", known.join(", ")),
    };
    (format!("there is no key `{what}` here"), Some(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_explained() {
        let said = unknown_key("unknown field `sede`, expected `seed` or `size`");
        assert_eq!(said, ("there is no key `sede` here".to_owned(), Some("did you mean `seed`?".to_owned())));
        let said = unknown_key("unknown field `xyz`, expected one of `seed`, `size`");
        assert_eq!(said.1.unwrap(), "there are: seed, size");
        assert_eq!(unknown_key("invalid type").0, "invalid type");
        let (why, help) = unknown_key("unknown field `leave`, expected one of `about`, `permission`");
        assert_eq!(why, "the key `leave` is called `permission` now");
        assert_eq!(help.unwrap(), "write `permission` in place of `leave`");
        let (why, help) = unknown_key("unknown field `permission`, expected one of `about`, `parameters`");
        assert_eq!(why, "the key `permission` is not here any more");
        assert_eq!(help.unwrap(), "write [policy.apis.NAME] with permission = \"…\"");
        assert_eq!(unknown_key("unknown field `leave`, expected `about`").0, "there is no key `leave` here");
    }

    #[test]
    fn near_names() {
        assert_eq!(nearest("wifi.onn", ["dark.on", "wifi.on"]), Some("wifi.on"));
        assert_eq!(nearest("zzz", ["dark.on", "wifi.on"]), None);
    }
}
