//! Commands on lines of text: `grep`, `head`, `tail`, `wc`, `sort`.

use std::collections::VecDeque;
use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};

use super::Call;
use super::storage::content;

/// Memory that a compiled pattern may take.
const PATTERN_MAX: usize = 1 << 20;
/// Lines that are kept in case that the next one is found.
const CONTEXT_MAX: usize = 1000;
/// Lines that are sorted.
const SORTED_MAX: usize = 1 << 20;

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

/// A name and what it stands for.
type Named = (String, Arc<Vec<u8>>);

/// What the command works on, each with its name: files, or its input.
fn inputs(call: &mut Call<'_>) -> (Vec<Named>, u8) {
    let names: Vec<String> = operands(call.name, call.arguments).into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        return (vec![("-".to_owned(), Arc::new(call.stdin.to_vec()))], 0);
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
        let (file, name) = (name, if named { format!("{name}:") } else { String::new() });
        let mut hits = 0usize;
        // Lines before a hit that may be shown with it, and lines after one that still are.
        let mut before: VecDeque<(usize, &[u8])> = VecDeque::new();
        let mut after = 0;
        let silent = has('q') || has('c') || has('l');
        let mut show = |number: usize, text: &[u8]| {
            let start = if has('n') { format!("{name}{number}:") } else { name.clone() };
            if has('o') && !has('v') {
                for hit in pattern.find_iter(text) {
                    call.write(&[start.as_bytes(), hit.as_bytes(), b"\n"].concat());
                }
            } else {
                call.write(&[start.as_bytes(), text, b"\n"].concat());
            }
        };
        for (number, line) in lines(bytes).enumerate().map(|(index, line)| (index + 1, line)) {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            if hits < most && pattern.is_match(text) != has('v') {
                hits += 1;
                if !silent {
                    for (number, text) in before.drain(..) {
                        show(number, text);
                    }
                    show(number, text);
                }
                after = around.1;
            } else if 0 < after && !silent {
                after -= 1;
                show(number, text);
            } else if hits == most {
                break;
            } else if 0 < around.0 {
                if before.len() == around.0.min(CONTEXT_MAX) {
                    before.pop_front();
                }
                before.push_back((number, text));
            }
        }
        found |= 0 < hits;
        if has('q') {
            continue;
        }
        if has('c') {
            call.say(&format!("{name}{hits}\n"));
        } else if has('l') && 0 < hits {
            call.say(&format!("{file}\n"));
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
        let from = match (call.name, from_start) {
            ("head", _) => 0,
            (_, true) => first(bytes, count.saturating_sub(1), bytes_wanted),
            (_, false) => bytes.len() - last(bytes, count, bytes_wanted),
        };
        let to = if call.name == "head" { first(bytes, count, bytes_wanted) } else { bytes.len() };
        call.write(&bytes[from..to]);
    }
    status
}

/// How many bytes the first so many lines or bytes have.
fn first(bytes: &[u8], count: usize, of_bytes: bool) -> usize {
    if of_bytes { count.min(bytes.len()) } else { lines(bytes).take(count).map(<[u8]>::len).sum() }
}

/// How many bytes the last so many lines or bytes have.
fn last(bytes: &[u8], count: usize, of_bytes: bool) -> usize {
    if of_bytes { count.min(bytes.len()) } else { lines(bytes).rev().take(count).map(<[u8]>::len).sum() }
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
    if SORTED_MAX < inputs.iter().flat_map(|(_, bytes)| lines(bytes)).take(SORTED_MAX + 1).count() {
        call.complain("sort: Cannot allocate memory\n");
        return 2;
    }
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
