//! Fits what stands below a command's options to the terminal. clap would wrap lines that are wrapped already, and commands too.

use clap::Command;

/// More is hard to read.
const WIDTH_MAX: usize = 110;

/// The command and those below it, to be shown in so many columns.
pub fn wrap_help(command: Command, columns: usize) -> Command {
    let width = columns.clamp(40, WIDTH_MAX);
    let short = command.get_after_help().map(|text| fit(&text.to_string(), width));
    let long = command.get_after_long_help().map(|text| fit(&text.to_string(), width));
    let mut command = command.term_width(width);
    if let Some(text) = short {
        command = command.after_help(text);
    }
    if let Some(text) = long {
        command = command.after_long_help(text);
    }
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, |below| wrap_help(below, columns)))
}

/// Lines that begin at the margin and follow each other are a paragraph. Indented ones stay lines: commands are broken as a shell
/// reads them, other ones hang.
fn fit(text: &str, width: usize) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    let mut command: Option<String> = None;
    for line in text.lines().chain([""]) {
        // A command may be written over several lines already.
        if let Some(begun) = command.take() {
            let whole = format!("{} {}", begun.trim_end_matches(['\\', ' ']), line.trim());
            if line.ends_with('\\') {
                command = Some(whole);
            } else {
                out.extend(break_command(&whole, width));
            }
            continue;
        }
        let is_prose = !line.starts_with(' ') && !line.trim().is_empty();
        if is_prose {
            paragraph.push(line);
            if !line.ends_with(':') {
                continue;
            }
        }
        if !paragraph.is_empty() {
            out.extend(fill_line(&paragraph.join(" "), "", "", width));
            paragraph.clear();
        }
        if is_prose {
            continue;
        }
        let words = line.trim_start();
        if is_command(words) && line.ends_with('\\') {
            command = Some(line.to_owned());
        } else if is_command(words) {
            out.extend(break_command(line, width));
        } else {
            let indent = &line[..line.len() - words.len()];
            // A table of exit codes hangs below its texts.
            let hang = if words.starts_with(|first: char| first.is_ascii_digit()) { "       " } else { indent };
            out.extend(fill_line(words, indent, hang, width));
        }
    }
    while out.last().is_some_and(|line| line.trim().is_empty()) {
        out.pop();
    }
    out.join("\n")
}

fn is_command(words: &str) -> bool {
    words.starts_with("tapwright ") || words.starts_with("adb ") || words.starts_with("TAPWRIGHT_")
}

/// A line of text over as many lines as it takes.
fn fill_line(text: &str, first: &str, hang: &str, width: usize) -> Vec<String> {
    let mut lines = vec![first.to_owned()];
    let mut is_empty = true;
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is one");
        if !is_empty && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(format!("{hang}{word}"));
            continue;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines
}

/// A command over as many lines as it takes, as it can be given to a shell. A flag stays beside its value if they fit on a line; a
/// comment that does not fit beside the command stands above it.
fn break_command(line: &str, width: usize) -> Vec<String> {
    if line.chars().count() <= width {
        return vec![line.to_owned()];
    }
    let (line, comment) = match line.split_once("  # ") {
        Some((line, comment)) => (line.trim_end(), Some(comment)),
        None => (line, None),
    };
    let words = line.trim_start();
    let indent = &line[..line.len() - words.len()];
    let hash = format!("{indent}# ");
    let mut lines = comment.map(|comment| fill_line(comment, &hash, &hash, width)).unwrap_or_default();
    lines.push(indent.to_owned());
    let mut is_first = true;
    // Four columns more than the first line, and two for the sign that the command goes on.
    for word in together(&shell_words(words), width.saturating_sub(indent.len() + 6)) {
        let line = lines.last_mut().expect("there is one");
        if !is_first && line.chars().count() + 1 + word.chars().count() + 2 > width {
            line.push_str(" \\");
            lines.push(format!("{indent}    {word}"));
            continue;
        }
        if !is_first {
            line.push(' ');
        }
        line.push_str(&word);
        is_first = false;
    }
    lines
}

/// Flags with their values, where both fit into so many columns; all other words alone.
fn together(words: &[&str], width: usize) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut is_flag = false;
    for word in words {
        let is_value = is_flag && !word.starts_with('-');
        match parts.last_mut() {
            Some(part) if is_value && part.chars().count() + 1 + word.chars().count() <= width => {
                part.push(' ');
                part.push_str(word);
            }
            _ => parts.push((*word).to_owned()),
        }
        is_flag = word.starts_with("--") && !word.contains('=');
    }
    parts
}

/// Words, of which one in quotation marks is one.
fn shell_words(text: &str) -> Vec<&str> {
    let (mut words, mut from, mut open) = (Vec::new(), 0, None);
    for (at, sign) in text.char_indices() {
        match (sign, open) {
            ('\'' | '"', None) => open = Some(sign),
            (sign, Some(quote)) if sign == quote => open = None,
            (' ', None) => {
                words.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    words.push(&text[from..]);
    words
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, width: usize, expected: Expect) {
        expected.assert_eq(&fit(text, width));
    }

    #[test]
    fn paragraphs_are_filled_and_commands_are_broken_as_a_shell_reads_them() {
        check(
            "One two three\nfour five six.\n\nExamples:\n  tapwright run 'a b c d e' --device 127.0.0.1:5555 --json\n  tapwright runs",
            30,
            expect![[r#"
                One two three four five six.

                Examples:
                  tapwright run 'a b c d e' \
                      --device \
                      127.0.0.1:5555 --json
                  tapwright runs"#]],
        );
        check(
            "Examples:\n  tapwright run 'a b c d e f g' --device R58M --json\n  tapwright bench smoke --seeds 100  # the floor of it all\n  \
             tapwright runs  # all",
            32,
            expect![[r#"
                Examples:
                  tapwright run \
                      'a b c d e f g' \
                      --device R58M --json
                  # the floor of it all
                  tapwright bench smoke \
                      --seeds 100
                  tapwright runs  # all"#]],
        );
        check(
            "Codes:\n    0  all of it went well\n    2  no",
            20,
            expect![[r"
            Codes:
                0  all of it
                   went well
                2  no"]],
        );
    }
}
