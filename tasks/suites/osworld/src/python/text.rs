//! Text as Python reads, splits and trims it.

/// Reads bytes as `open(path)` does: UTF-8, with every kind of line end as `\n`.
///
/// # Errors
/// The place of the first byte that is no text.
pub fn decode(bytes: &[u8]) -> Result<String, usize> {
    Ok(with_plain_line_ends(decode_as_is(bytes)?))
}

/// Reads bytes as `bytes.decode("utf-8")` does: line ends stay.
///
/// # Errors
/// The place of the first byte that is no text.
pub fn decode_as_is(bytes: &[u8]) -> Result<&str, usize> {
    std::str::from_utf8(bytes).map_err(|error| error.valid_up_to())
}

/// Every kind of line end as `\n`.
pub fn with_plain_line_ends(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}

/// What `str.isspace` counts, which `strip` and `split` go by.
pub fn is_space(char: char) -> bool {
    char.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&char)
}

pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

pub fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|part| !part.is_empty())
}

/// `str.splitlines()`: more ends a line than `\n` does.
pub fn lines(text: &str) -> Vec<&str> {
    let ends = |char: char| {
        matches!(char, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
    };
    let mut lines = Vec::new();
    let mut begin = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        if !ends(char) {
            continue;
        }
        lines.push(&text[begin..at]);
        begin = at + char.len_utf8();
        // The two are one end.
        if char == '\r' && chars.next_if(|(_, next)| *next == '\n').is_some() {
            begin += 1;
        }
    }
    if begin < text.len() {
        lines.push(&text[begin..]);
    }
    lines
}

/// `str.expandtabs(size)`.
pub fn expand_tabs(text: &str, size: usize) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut column = 0;
    for char in text.chars() {
        match char {
            '\t' => {
                let blanks = size - column % size;
                expanded.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\n' | '\r' => {
                expanded.push(char);
                column = 0;
            }
            char => {
                expanded.push(char);
                column += 1;
            }
        }
    }
    expanded
}

/// `os.path.basename`.
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_python_ends_them() {
        for (text, expected) in [
            ("", vec![]),
            ("a\n", vec!["a"]),
            ("a\r\nb\rc", vec!["a", "b", "c"]),
            ("a\n\nb", vec!["a", "", "b"]),
            ("a\u{2028}b\u{c}", vec!["a", "b"]),
        ] {
            assert_eq!(lines(text), expected, "{text:?}");
        }
        assert_eq!(decode(b"a\r\nb\rc\n").unwrap(), "a\nb\nc\n");
        assert_eq!(decode(b"ab\xff"), Err(2));
        assert_eq!(expand_tabs("a\tb", 4), "a   b");
        assert_eq!(strip("\u{1f} a \u{a0}"), "a");
    }
}
