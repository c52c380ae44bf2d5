//! Replies that somebody wrote down, for trying things out and for tests.
//!
//! A line is a reply. A line that begins with `"` is a JSON string, for replies of several lines; empty lines and those
//! that begin with `#` say nothing.

use std::path::Path;

use crate::mistake::{Mistake, read_text};

/// Reads a script's file.
///
/// # Errors
/// `Mistake` if it cannot be read, has no reply in it, or a line is not what it begins as.
pub fn read(file: &Path) -> Result<Vec<String>, Mistake> {
    let text = read_text(file).map_err(|error| Mistake::unreadable(file, &error))?;
    parse(&text).map_err(|(at, why)| Mistake {
        file: file.to_owned(),
        text,
        at,
        why,
        help: Some("a line is a reply, such as do(action=\"Back\")".to_owned()),
    })
}

type Wrong = (Option<std::ops::Range<usize>>, String);

fn parse(text: &str) -> Result<Vec<String>, Wrong> {
    let mut replies = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let (from, words) = (start, line.trim());
        start += line.len();
        if words.is_empty() || words.starts_with('#') {
            continue;
        }
        if !words.starts_with('"') {
            replies.push(words.to_owned());
            continue;
        }
        let reply = serde_json::from_str::<String>(words).map_err(|error| {
            let from = from + line.find('"').unwrap_or(0);
            (Some(from..from + words.len()), format!("this is not a JSON string: {error}"))
        })?;
        replies.push(reply);
    }
    if replies.is_empty() {
        return Err((None, "there is no reply in it".to_owned()));
    }
    Ok(replies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_replies() {
        let text = "# opens Settings\ndo(action=\"Launch\", app=\"Settings\")\n\n  \"<think>a\\nb</think>x\"  \r\nfinish(message=\"é\")";
        assert_eq!(
            parse(text).unwrap(),
            ["do(action=\"Launch\", app=\"Settings\")", "<think>a\nb</think>x", "finish(message=\"é\")"]
        );
    }

    #[test]
    fn mistakes_are_pointed_at() {
        let text = "é\n  \"abc\n";
        let (at, why) = parse(text).unwrap_err();
        assert_eq!(&text[at.unwrap()], "\"abc");
        assert!(why.starts_with("this is not a JSON string"), "{why}");
        assert_eq!(parse("# nothing\n").unwrap_err().1, "there is no reply in it");
    }
}
