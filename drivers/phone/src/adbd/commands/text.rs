//! Commands on lines of text: `grep`, `head`, `tail`, `wc`, `sort`.

use regex::bytes::{Regex, RegexBuilder};

use super::Call;
use super::storage::content;

/// Memory that a compiled pattern may take.
const PATTERN_MAX: usize = 1 << 20;

/// The arguments that are files: neither options nor their values, nor the pattern of `grep`.
pub(super) fn operands<'a>(name: &str, arguments: &'a [String]) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut pattern_given = !name.ends_with("grep");
    let mut rest = arguments.iter();
    let mut options = true;
    while let Some(word) = rest.next() {
        if options && word == "--" {
            options = false;
        } else if options && word.len() > 1 && word.starts_with('-') {
            if takes_value(name, word) {
                pattern_given |= word.ends_with('e');
                rest.next();
            } else if name.ends_with("grep") && word.starts_with("-e") {
                pattern_given = true;
            }
        } else if !pattern_given {
            pattern_given = true;
        } else {
            found.push(word.as_str());
        }
    }
    found
}

fn takes_value(name: &str, option: &str) -> bool {
    match name {
        "head" | "tail" => matches!(option, "-n" | "-c"),
        "grep" | "egrep" | "fgrep" => matches!(option, "-e" | "-m" | "-A" | "-B" | "-C"),
        "stat" => option == "-c",
        "sort" => matches!(option, "-k" | "-t"),
        "mkdir" => option == "-m",
        "touch" => matches!(option, "-t" | "-d"),
        _ => false,
    }
}

/// What the command works on, each with its name: files, or its input.
fn inputs(call: &mut Call<'_>) -> (Vec<(String, Vec<u8>)>, u8) {
    let names: Vec<String> = operands(call.name, call.arguments).into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        return (vec![("-".to_owned(), call.stdin.to_vec())], 0);
    }
    let (mut found, mut status) = (Vec::new(), 0);
    for name in names {
        match content(call, &name) {
            Ok(bytes) => found.push((name, bytes)),
            Err(why) => {
                call.complain(&format!("{}: {name}: {why}\n", call.name));
                status = if call.name.ends_with("grep") { 2 } else { 1 };
            }
        }
    }
    (found, status)
}

fn lines(bytes: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

pub(super) fn grep(call: &mut Call<'_>) -> u8 {
    let mut flags = String::new();
    let mut patterns = Vec::new();
    let mut most = usize::MAX;
    let mut around = (0, 0);
    let mut rest = call.arguments.iter();
    let mut has_explicit = false;
    let mut first = None;
    let mut options = true;
    while let Some(word) = rest.next() {
        if options && word == "--" {
            options = false;
        } else if options && word.len() > 1 && word.starts_with('-') {
            let count = |next: Option<&String>| next.and_then(|number| number.parse().ok()).unwrap_or(0);
            match word.as_str() {
                "-e" => {
                    patterns.extend(rest.next().cloned());
                    has_explicit = true;
                }
                "-m" => most = count(rest.next()),
                "-A" => around.1 = count(rest.next()),
                "-B" => around.0 = count(rest.next()),
                "-C" => {
                    let both = count(rest.next());
                    around = (both, both);
                }
                _ if word.starts_with("-e") => {
                    patterns.push(word[2..].to_owned());
                    has_explicit = true;
                }
                _ if word.starts_with("--color") => {}
                _ => flags.push_str(&word[1..]),
            }
        } else if first.is_none() {
            first = Some(word.clone());
        }
    }
    if !has_explicit {
        patterns.extend(first);
    }
    if patterns.is_empty() {
        call.complain("grep: no REGEX\n");
        return 2;
    }
    let has = |flag| flags.contains(flag);
    let fixed = has('F') || call.name == "fgrep";
    let extended = has('E') || has('P') || call.name == "egrep";
    let pattern = match compile(&patterns, fixed, extended, [has('i'), has('w'), has('x')]) {
        Ok(pattern) => pattern,
        Err(why) => {
            call.complain(&format!("grep: bad REGEX: {why}\n"));
            return 2;
        }
    };
    let (inputs, trouble) = inputs(call);
    let named = (1 < inputs.len() || has('H')) && !has('h');
    let mut found = false;
    for (name, bytes) in &inputs {
        let all: Vec<&[u8]> = lines(bytes).collect();
        let fits = |line: &[u8]| pattern.is_match(line.strip_suffix(b"\n").unwrap_or(line)) != has('v');
        let hits: Vec<usize> = (0..all.len()).filter(|at| fits(all[*at])).take(most).collect();
        found |= !hits.is_empty();
        if has('q') {
            continue;
        }
        if has('c') {
            call.say(&format!("{}{}\n", if named { format!("{name}:") } else { String::new() }, hits.len()));
            continue;
        }
        if has('l') {
            if !hits.is_empty() {
                call.say(&format!("{name}\n"));
            }
            continue;
        }
        let mut shown = 0;
        for at in hits {
            let first = at.saturating_sub(around.0).max(shown);
            let end = at.saturating_add(around.1).saturating_add(1).min(all.len());
            for (line, text) in all.iter().enumerate().take(end).skip(first) {
                let start = match (named, has('n')) {
                    (true, true) => format!("{name}:{}:", line + 1),
                    (true, false) => format!("{name}:"),
                    (false, true) => format!("{}:", line + 1),
                    (false, false) => String::new(),
                };
                let text = text.strip_suffix(b"\n").unwrap_or(text);
                if has('o') && !has('v') {
                    for hit in pattern.find_iter(text) {
                        call.write(&[start.as_bytes(), hit.as_bytes(), b"\n"].concat());
                    }
                } else {
                    call.write(&[start.as_bytes(), text, b"\n"].concat());
                }
                shown = line + 1;
            }
        }
    }
    match (trouble, found) {
        (0, found) => u8::from(!found),
        (_, true) if has('q') => 0,
        (trouble, _) => trouble,
    }
}

fn compile(patterns: &[String], fixed: bool, extended: bool, flags: [bool; 3]) -> Result<Regex, String> {
    let [ignore_case, words, whole] = flags;
    let one = |pattern: &str| {
        let pattern = match (fixed, extended) {
            (true, _) => regex::escape(pattern),
            (false, true) => pattern.to_owned(),
            (false, false) => extend(pattern),
        };
        match (whole, words) {
            (true, _) => format!("^(?:{pattern})$"),
            (false, true) => format!(r"\b(?:{pattern})\b"),
            (false, false) => format!("(?:{pattern})"),
        }
    };
    // A pattern may be several, a line each.
    let whole: Vec<String> = patterns.iter().flat_map(|pattern| pattern.split('\n')).map(one).collect();
    RegexBuilder::new(&whole.join("|"))
        .case_insensitive(ignore_case)
        .size_limit(PATTERN_MAX)
        .dfa_size_limit(PATTERN_MAX)
        .build()
        .map_err(|error| error.to_string().lines().last().unwrap_or_default().to_owned())
}

/// Writes a basic expression as an extended one: there, `\|` and `\(` are special and `|` and `(` are letters.
fn extend(basic: &str) -> String {
    let mut extended = String::new();
    let mut letters = basic.chars().peekable();
    let mut class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '[' if !class => {
                class = true;
                extended.push('[');
                // A bracket that closes nothing is a letter.
                if letters.next_if_eq(&'^').is_some() {
                    extended.push('^');
                }
                if letters.next_if_eq(&']').is_some() {
                    extended.push_str(r"\]");
                }
            }
            ']' if class => {
                class = false;
                extended.push(']');
            }
            '[' | '\\' | '&' | '~' if class => {
                if letter == '[' && letters.peek() == Some(&':') {
                    // A named class, such as [:digit:].
                    extended.push('[');
                    for inside in letters.by_ref() {
                        extended.push(inside);
                        if inside == ']' {
                            break;
                        }
                    }
                } else {
                    extended.push('\\');
                    extended.push(letter);
                }
            }
            letter if class => extended.push(letter),
            '\\' => match letters.next() {
                Some(special @ ('|' | '(' | ')' | '{' | '}' | '+' | '?')) => extended.push(special),
                Some('<' | '>') => extended.push_str(r"\b"),
                Some(other) => {
                    extended.push('\\');
                    extended.push(other);
                }
                None => extended.push_str(r"\\"),
            },
            '|' | '(' | ')' | '{' | '}' | '+' | '?' => {
                extended.push('\\');
                extended.push(letter);
            }
            '*' if extended.is_empty() || extended == "^" => extended.push_str(r"\*"),
            letter => extended.push(letter),
        }
    }
    extended
}

/// `head` and `tail`.
pub(super) fn ends(call: &mut Call<'_>) -> u8 {
    let (mut number, mut bytes_wanted) = ("10".to_owned(), false);
    let mut rest = call.arguments.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-n" | "-c" => {
                bytes_wanted = word == "-c";
                number = rest.next().cloned().unwrap_or_default();
            }
            word if word.starts_with("-n") || word.starts_with("-c") => {
                bytes_wanted = word.starts_with("-c");
                number = word[2..].to_owned();
            }
            word if word.len() > 1 && word.starts_with('-') => number = word[1..].to_owned(),
            _ => {}
        }
    }
    let from_start = call.name == "tail" && number.starts_with('+');
    let Ok(count) = number.trim_start_matches('+').parse::<usize>() else {
        call.complain(&format!("{}: '{number}' is not a number\n", call.name));
        return 1;
    };
    let (inputs, status) = inputs(call);
    let several = 1 < inputs.len();
    for (name, bytes) in &inputs {
        if several {
            call.say(&format!("==> {name} <==\n"));
        }
        let ends: Vec<usize> = if bytes_wanted {
            (1..=bytes.len()).collect()
        } else {
            lines(bytes)
                .scan(0, |end, line| {
                    *end += line.len();
                    Some(*end)
                })
                .collect()
        };
        let cut = |units: usize| if units == 0 { 0 } else { ends.get(units - 1).copied().unwrap_or(bytes.len()) };
        if call.name == "head" {
            call.write(&bytes[..cut(count)]);
        } else if from_start {
            call.write(&bytes[cut(count.saturating_sub(1))..]);
        } else {
            call.write(&bytes[cut(ends.len().saturating_sub(count))..]);
        }
    }
    status
}

pub(super) fn wc(call: &mut Call<'_>) -> u8 {
    let flags: String = call.arguments.iter().filter(|word| word.starts_with('-')).map(|word| &word[1..]).collect();
    let (inputs, status) = inputs(call);
    let mut totals = [0; 3];
    let several = 1 < inputs.len();
    let show = |call: &mut Call<'_>, counts: [usize; 3], name: &str| {
        let wanted = "lwc".chars().zip(counts).filter(|(flag, _)| flags.is_empty() || flags.contains(*flag));
        let text = wanted.map(|(_, count)| count.to_string()).collect::<Vec<_>>().join(" ");
        call.say(&if name == "-" { format!("{text}\n") } else { format!("{text} {name}\n") });
    };
    for (name, bytes) in inputs {
        let words = bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
        let counts = [bytes.iter().filter(|byte| **byte == b'\n').count(), words, bytes.len()];
        totals = std::array::from_fn(|index| totals[index] + counts[index]);
        show(call, counts, &name);
    }
    if several {
        show(call, totals, "total");
    }
    status
}

pub(super) fn sort(call: &mut Call<'_>) -> u8 {
    let flags: String = call.arguments.iter().filter(|word| word.starts_with('-')).map(|word| &word[1..]).collect();
    let (inputs, status) = inputs(call);
    let mut all: Vec<&[u8]> = inputs
        .iter()
        .flat_map(|(_, bytes)| lines(bytes))
        .map(|line| line.strip_suffix(b"\n").unwrap_or(line))
        .collect();
    if flags.contains('n') {
        let number = |line: &[u8]| {
            let text = String::from_utf8_lossy(line);
            let text = text.trim_start();
            let end = text
                .find(|letter: char| !letter.is_ascii_digit() && letter != '-' && letter != '.')
                .unwrap_or(text.len());
            text[..end].parse::<f64>().unwrap_or(0.0)
        };
        all.sort_by(|a, b| number(a).total_cmp(&number(b)).then(a.cmp(b)));
    } else {
        all.sort_unstable();
    }
    if flags.contains('r') {
        all.reverse();
    }
    if flags.contains('u') {
        all.dedup();
    }
    for line in all {
        call.write(line);
        call.write(b"\n");
    }
    status
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &str, line: &str) -> bool {
        compile(&[pattern.to_owned()], false, false, [false; 3]).unwrap().is_match(line.as_bytes())
    }

    #[test]
    fn basic_expressions_are_read_as_basic_ones() {
        for (pattern, line, expected) in [
            ("mCurrentFocus\\|mFocusedApp", "  mFocusedApp=x", true),
            ("a|b", "a", false),
            ("a|b", "a|b", true),
            ("f(x)", "f(x)", true),
            ("\\(ab\\)*c", "ababc", true),
            ("a+", "aaa", false),
            ("{1}", "{1}", true),
            ("*a", "*a", true),
            ("[[:digit:]]", "x7", true),
            ("[]x]", "]", true),
            ("[^]x]", "]", false),
            ("^a.*b$", "a--b", true),
            ("com.android.settings/", "u0 com.android.settings/.Settings", true),
        ] {
            assert_eq!(fits(pattern, line), expected, "{pattern} on {line}");
        }
    }

    #[test]
    fn patterns_that_explode_are_refused() {
        assert!(compile(&["((a{1000}){1000}){1000}".to_owned()], false, true, [false; 3]).is_err());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(pattern in "[\\[\\]\\\\^$.*|(){}+?:a-c]{0,12}") {
            let _ = compile(std::slice::from_ref(&pattern), false, false, [false; 3]);
            let _ = compile(&[pattern], false, true, [true; 3]);
        }
    }
}
