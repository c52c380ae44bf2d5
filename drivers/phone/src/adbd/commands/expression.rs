//! Regular expressions as `grep` and `sed` take them, in time linear in what they are matched against.

use regex::bytes::{Regex, RegexBuilder};

/// Memory that a compiled pattern may take.
const PATTERN_MAX: usize = 1 << 20;

/// How a pattern is meant.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PatternOptions {
    pub fixed: bool,
    pub extended: bool,
    pub ignore_case: bool,
    pub words: bool,
    pub whole: bool,
}

/// Compiles patterns of which one has to fit.
///
/// # Errors
/// What is wrong with one.
pub(super) fn compile(patterns: &[String], flavour: PatternOptions) -> Result<Regex, String> {
    let one = |pattern: &str| {
        let pattern = match (flavour.fixed, flavour.extended) {
            (true, _) => regex::escape(pattern),
            (false, true) => pattern.to_owned(),
            (false, false) => extend(pattern),
        };
        match (flavour.whole, flavour.words) {
            (true, _) => format!("^(?:{pattern})$"),
            (false, true) => format!(r"\b(?:{pattern})\b"),
            (false, false) => format!("(?:{pattern})"),
        }
    };
    // A pattern may be several, a line each.
    let whole: Vec<String> = patterns.iter().flat_map(|pattern| pattern.split('\n')).map(one).collect();
    RegexBuilder::new(&whole.join("|"))
        .case_insensitive(flavour.ignore_case)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &str, line: &str) -> bool {
        compile(&[pattern.to_owned()], PatternOptions::default()).unwrap().is_match(line.as_bytes())
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
        let extended = PatternOptions { extended: true, ..PatternOptions::default() };
        assert!(compile(&["((a{1000}){1000}){1000}".to_owned()], extended).is_err());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(pattern in "[\\[\\]\\\\^$.*|(){}+?:a-c]{0,12}") {
            let _ = compile(std::slice::from_ref(&pattern), PatternOptions::default());
            let all = PatternOptions { fixed: false, extended: true, ignore_case: true, words: true, whole: true };
            let _ = compile(&[pattern], all);
        }
    }
}
