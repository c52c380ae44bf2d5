//! Patterns as `re` reads them, searched in bounded time.
//!
//! A pattern comes from a task and a text from a machine that an agent has used; either may be made so that a search goes on for
//! ever. The steps of a search are counted, and what runs out of them is an error, never "not found".

use fancy_regex::{Regex, RegexBuilder};

/// Longer than any pattern that a person writes.
const PATTERN_BYTES_MAX: usize = 16 << 10;
const STEPS_MAX: usize = 2_000_000;
/// What is left for one search of many.
const STEPS_MIN: usize = 1_000;
/// A search takes at most as many steps as the text and this come to.
const PROGRAM_BYTES_MAX: usize = 2 << 20;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("the pattern {pattern:?} cannot be read: {why}")]
    Malformed { pattern: String, why: String },
    #[error("the search for {pattern:?} was given up after {steps} steps: the pattern can match in too many ways")]
    TooManySteps { pattern: String, steps: usize },
}

/// The flags of `re` that count here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatternFlags {
    pub ignore_case: bool,
    pub multi_line: bool,
    pub dot_all: bool,
    pub verbose: bool,
}

impl PatternFlags {
    /// Sets the flag that `re` calls so, for example `S` or `DOTALL`; false if it has no such flag or it is not supported here.
    pub fn set(&mut self, name: &str) -> bool {
        match name {
            "I" | "IGNORECASE" => self.ignore_case = true,
            "M" | "MULTILINE" => self.multi_line = true,
            "S" | "DOTALL" => self.dot_all = true,
            "X" | "VERBOSE" => self.verbose = true,
            "U" | "UNICODE" | "NOFLAG" => {}
            _ => return false,
        }
        true
    }
}

/// A pattern that can be searched for.
#[derive(Debug)]
pub struct PythonPattern {
    pattern: String,
    regex: Regex,
    steps_max: usize,
}

impl PythonPattern {
    /// `re.compile(pattern, flags)`.
    ///
    /// # Errors
    /// If it is no pattern, or one that is too large.
    pub fn new(pattern: &str, flags: PatternFlags) -> Result<PythonPattern, PatternError> {
        PythonPattern::for_searches(pattern, flags, 1)
    }

    /// A pattern that is searched for many times, which share the steps.
    ///
    /// # Errors
    /// If it is no pattern, or one that is too large.
    pub fn for_searches(pattern: &str, flags: PatternFlags, searches: usize) -> Result<PythonPattern, PatternError> {
        let steps_max = (10 * STEPS_MAX / searches.max(1)).clamp(STEPS_MIN, STEPS_MAX);
        let malformed = |why: String| PatternError::Malformed { pattern: shortened(pattern), why };
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(malformed(format!("it is longer than {PATTERN_BYTES_MAX} bytes")));
        }
        let mut translation = Translation { rest: pattern.chars().collect(), at: 0, flags, out: String::new() };
        translation.run().map_err(malformed)?;
        let PatternFlags { ignore_case, multi_line, dot_all, verbose } = translation.flags;
        let mut letters = String::new();
        for (is_set, letter) in [(ignore_case, 'i'), (multi_line, 'm'), (dot_all, 's'), (verbose, 'x')] {
            if is_set {
                letters.push(letter);
            }
        }
        let translated = if letters.is_empty() { translation.out } else { format!("(?{letters}){}", translation.out) };
        let regex = RegexBuilder::new(&translated)
            .backtrack_limit(steps_max)
            .delegate_size_limit(PROGRAM_BYTES_MAX)
            .delegate_dfa_size_limit(PROGRAM_BYTES_MAX)
            .build()
            .map_err(|error| malformed(error.to_string()))?;
        Ok(PythonPattern { pattern: shortened(pattern), regex, steps_max })
    }

    /// `re.search(pattern, text) is not None`.
    ///
    /// # Errors
    /// If it takes too many steps.
    pub fn is_in(&self, text: &str) -> Result<bool, PatternError> {
        self.regex.is_match(text).map_err(|_| self.too_many_steps())
    }

    /// `pattern.findall(text)` of a pattern without groups.
    ///
    /// # Errors
    /// If it takes too many steps.
    pub fn find_all<'a>(&self, text: &'a str) -> Result<Vec<&'a str>, PatternError> {
        self.regex
            .find_iter(text)
            .map(|found| found.map(|found| found.as_str()).map_err(|_| self.too_many_steps()))
            .collect()
    }

    fn too_many_steps(&self) -> PatternError {
        PatternError::TooManySteps { pattern: self.pattern.clone(), steps: self.steps_max }
    }
}

fn shortened(pattern: &str) -> String {
    if pattern.chars().count() <= 120 { pattern.to_owned() } else { pattern.chars().take(119).chain(['…']).collect() }
}

/// Python's grammar into that of the crate, where the two differ.
struct Translation {
    rest: Vec<char>,
    at: usize,
    flags: PatternFlags,
    out: String,
}

impl Translation {
    fn run(&mut self) -> Result<(), String> {
        self.leading_flags()?;
        let mut depth = 0_usize;
        while let Some(char) = self.next() {
            match char {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '$' if !self.flags.multi_line => {
                    // Python's also matches before a last line break. Where nothing can follow, the break may as well be eaten,
                    // which needs no look ahead.
                    let is_last = depth == 0 && matches!(self.peek(), None | Some('|'));
                    self.out.push_str(if is_last { r"\n?\z" } else { r"(?=\n?\z)" });
                }
                '{' => self.repetition(),
                '}' => self.out.push_str(r"\}"),
                '(' => {
                    depth += 1;
                    self.out.push('(');
                    if self.rest[self.at..].starts_with(&['?', '#']) {
                        return Err("comments in patterns are not supported".to_owned());
                    }
                }
                ')' => {
                    depth = depth.saturating_sub(1);
                    self.out.push(')');
                }
                char => self.out.push(char),
            }
        }
        Ok(())
    }

    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += 1;
        Some(char)
    }

    /// `(?im)` at the beginning, where alone Python allows it.
    fn leading_flags(&mut self) -> Result<(), String> {
        while self.rest[self.at..].starts_with(&['(', '?']) {
            let letters: String =
                self.rest[self.at + 2..].iter().take_while(|char| char.is_ascii_alphabetic()).collect();
            if letters.is_empty() || letters == "P" || self.rest.get(self.at + 2 + letters.len()) != Some(&')') {
                return Ok(());
            }
            for letter in letters.chars() {
                if !self.flags.set(&letter.to_ascii_uppercase().to_string()) {
                    return Err(format!("the flag {letter:?} is not supported"));
                }
            }
            self.at += letters.len() + 3;
        }
        Ok(())
    }

    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(char) = self.next() else { return Err("it ends with a backslash".to_owned()) };
        match char {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => self.out.extend(['\\', char]),
            'b' if in_class => self.out.push_str(r"\x08"),
            'A' | 'b' | 'B' if !in_class => self.out.extend(['\\', char]),
            'Z' if !in_class => self.out.push_str(r"\z"),
            'a' | 'f' | 'n' | 'r' | 't' | 'v' => self.out.extend(['\\', char]),
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            'U' => self.code(8)?,
            '0' => self.out.push_str(r"\x00"),
            '1'..='9' if !in_class => self.out.extend(['\\', char]),
            char if char.is_ascii_alphanumeric() => return Err(format!("there is no escape \\{char}")),
            char => self.literal(char),
        }
        Ok(())
    }

    fn code(&mut self, digits: usize) -> Result<(), String> {
        let hex: String = self.rest[self.at..].iter().take(digits).collect();
        let code =
            u32::from_str_radix(&hex, 16).ok().filter(|_| hex.chars().count() == digits).and_then(char::from_u32);
        let code = code.ok_or_else(|| format!("{hex:?} is not the number of a character"))?;
        self.at += digits;
        self.literal(code);
        Ok(())
    }

    fn literal(&mut self, char: char) {
        self.out.push_str(&format!("\\x{{{:x}}}", u32::from(char)));
    }

    /// In the crate's classes `[`, `&&`, `--` and `~~` mean something; in Python's they do not.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.peek() == Some('^') {
            self.at += 1;
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            let Some(char) = self.next() else { return Err("a class has no `]`".to_owned()) };
            match char {
                ']' if !is_first => break,
                '\\' => self.escape(true)?,
                // Between two characters it makes a range; at either end it is itself.
                '-' if !is_first && self.peek().is_some_and(|next| next != ']') && !self.follows_range() => {
                    self.out.push('-')
                }
                char if char.is_alphanumeric() => self.out.push(char),
                char => self.literal(char),
            }
            is_first = false;
        }
        self.out.push(']');
        Ok(())
    }

    /// Whether what was written last ends a range, or a class such as `\d`, after which `-` is itself.
    fn follows_range(&self) -> bool {
        let written: Vec<char> = self.out.chars().rev().take(2).collect();
        matches!(written[..], ['d' | 'D' | 'w' | 'W' | 's' | 'S', '\\']) || matches!(written[..], [_, '-'])
    }

    /// A `{` that begins no repetition is itself.
    fn repetition(&mut self) {
        let inside: String =
            self.rest[self.at..].iter().take_while(|char| char.is_ascii_digit() || **char == ',').collect();
        let is_closed = self.rest.get(self.at + inside.len()) == Some(&'}');
        let is_repetition = is_closed && !inside.is_empty() && inside != "," && inside.matches(',').count() <= 1;
        if !is_repetition {
            self.out.push_str(r"\{");
            return;
        }
        let zero = if inside.starts_with(',') { "0" } else { "" };
        self.out.push_str(&format!("{{{zero}{inside}}}"));
        self.at += inside.len() + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(pattern: &str, text: &str) -> Result<bool, PatternError> {
        PythonPattern::new(pattern, PatternFlags::default())?.is_in(text)
    }

    #[test]
    fn patterns_mean_what_they_mean_in_python() {
        for (pattern, text, found) in [
            ("^chrome://settings/appearance/?$", "chrome://settings/appearance/", true),
            ("b$", "ab\n", true),
            ("b$", "ab\n\n", false),
            (r"b\Z", "ab\n", false),
            ("(a$|b)c?", "a\n", true),
            ("(?i)ticket-delivery(?:-faqs)?", "TICKET-Delivery-FAQs", true),
            (r"\bCOMPANY/?(?!\.msf)", "COMPANY.msf", false),
            (r"\bCOMPANY/?(?!\.msf)", "COMPANY/", true),
            ("{a}", "x{a}", true),
            ("a{,2}b", "aab", true),
            ("[[a]", "[", true),
            ("[a&&b]", "&", true),
            ("[a--z]", "-", false),
            ("[]a]", "]", true),
            (r"[\w-]+$", "a-b", true),
            (r"[a\-z]", "-", true),
            (r"[a\-z]", "m", false),
            (r"\<b\>", "<b>", true),
            (r"\/x", "/x", true),
            (r"(?P<q>['\x22]).*(?P=q)", "'a'", true),
            (r"(a)\1", "aa", true),
            (r"[\b]", "\u{8}", true),
            ("(?m)^b$", "a\nb\nc", true),
            (".", "\n", false),
            ("(?s).", "\n", true),
            ("歡迎.*\\.eml", "歡迎 a.eml\n", true),
        ] {
            assert_eq!(search(pattern, text), Ok(found), "{pattern:?} in {text:?}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        for pattern in ["(", "[a", "a\\", r"\y", "*a", "(?<=a+)b(", "(?(1)", "(?i", "a{3,1}", "(?#no)a"] {
            assert!(
                matches!(search(pattern, "x"), Err(PatternError::Malformed { .. })),
                "{pattern}: {:?}",
                search(pattern, "x")
            );
        }
        assert!(search(&"a".repeat(PATTERN_BYTES_MAX + 1), "x").is_err());
        assert!(search(&"(".repeat(PATTERN_BYTES_MAX / 2), "x").is_err());
        assert!(search("(a{1000}){1000}{1000}", "x").is_err());
    }

    #[test]
    fn a_search_that_would_not_end_is_given_up() {
        let text = "a".repeat(200);
        for pattern in [r"^(?=(a+)+b)", r"(?:(a|aa)+)(?!a)\1c", r"(a*)*\1b", r"((a+)+)(?<=b)$"] {
            let result = search(pattern, &text);
            assert!(matches!(result, Ok(false) | Err(PatternError::TooManySteps { .. })), "{pattern}: {result:?}");
        }
        assert!(matches!(search(r"(?:(a|aa)+)(?!a)\1c", &text), Err(PatternError::TooManySteps { .. })));
        assert_eq!(search("(a+)+$", &format!("{text}!")), Ok(false));
    }
}
