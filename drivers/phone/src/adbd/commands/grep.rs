//! `grep`, `egrep`, `fgrep`.

use std::collections::VecDeque;

use regex::bytes::Regex;

use super::Call;
use super::expression::{self, PatternOptions};
use super::operands::{inputs, lines};

/// Lines that are kept in case that the next one is found.
const CONTEXT_MAX: usize = 1000;

/// What is looked for, and what is shown of it.
struct Search {
    pattern: Regex,
    flags: String,
    /// Lines that are found at most, of each file.
    most: usize,
    before: usize,
    after: usize,
}

pub(super) fn grep(call: &mut Call<'_>) -> u8 {
    let search = match Search::read(call.name, call.arguments) {
        Ok(search) => search,
        Err(why) => {
            call.complain(&format!("grep: {why}\n"));
            return 2;
        }
    };
    let (inputs, trouble) = inputs(call);
    let named = (1 < inputs.len() || search.has('H')) && !search.has('h');
    let mut found = false;
    for (file, bytes) in &inputs {
        let prefix = if named { format!("{file}:") } else { String::new() };
        let hits = search.lines_of(bytes, &prefix, call);
        found |= 0 < hits;
        if search.has('q') {
            continue;
        }
        if search.has('c') {
            call.say(&format!("{prefix}{hits}\n"));
        } else if search.has('l') && 0 < hits {
            call.say(&format!("{file}\n"));
        }
    }
    match (trouble, found) {
        (0, found) => u8::from(!found),
        (_, true) if search.has('q') => 0,
        (trouble, _) => trouble,
    }
}

impl Search {
    fn read(name: &str, arguments: &[String]) -> Result<Search, String> {
        let (mut flags, mut patterns, mut first) = (String::new(), Vec::new(), None);
        let (mut most, mut before, mut after) = (usize::MAX, 0, 0);
        let mut has_explicit = false;
        let mut options = true;
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            if !options || word.len() < 2 || !word.starts_with('-') {
                first = first.or(Some(word.clone()));
                continue;
            }
            let mut count = || rest.next().and_then(|number| number.parse().ok()).unwrap_or(0);
            match word.as_str() {
                "--" => options = false,
                "-e" => {
                    patterns.extend(rest.next().cloned());
                    has_explicit = true;
                }
                "-m" => most = count(),
                "-A" => after = count(),
                "-B" => before = count(),
                "-C" => {
                    before = count();
                    after = before;
                }
                _ if word.starts_with("-e") => {
                    patterns.push(word[2..].to_owned());
                    has_explicit = true;
                }
                _ if word.starts_with("--color") => {}
                _ => flags.push_str(&word[1..]),
            }
        }
        if !has_explicit {
            patterns.extend(first);
        }
        if patterns.is_empty() {
            return Err("no REGEX".to_owned());
        }
        let has = |flag| flags.contains(flag);
        let flavour = PatternOptions {
            fixed: has('F') || name == "fgrep",
            extended: has('E') || has('P') || name == "egrep",
            ignore_case: has('i'),
            words: has('w'),
            whole: has('x'),
        };
        let pattern = expression::compile(&patterns, flavour).map_err(|why| format!("bad REGEX: {why}"))?;
        Ok(Search { pattern, flags, most, before, after })
    }

    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    /// Shows the lines of one input that are wanted, and returns how many were found.
    fn lines_of(&self, bytes: &[u8], prefix: &str, call: &mut Call<'_>) -> usize {
        let silent = self.has('q') || self.has('c') || self.has('l');
        let mut hits = 0usize;
        // Lines before a hit that may be shown with it, and lines after one that still are.
        let mut before: VecDeque<(usize, &[u8])> = VecDeque::new();
        let mut after = 0;
        for (number, line) in lines(bytes).enumerate().map(|(index, line)| (index + 1, line)) {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            if hits < self.most && self.pattern.is_match(text) != self.has('v') {
                hits += 1;
                if !silent {
                    for (number, text) in before.drain(..) {
                        self.show(number, text, prefix, call);
                    }
                    self.show(number, text, prefix, call);
                }
                after = self.after;
            } else if 0 < after && !silent {
                after -= 1;
                self.show(number, text, prefix, call);
            } else if hits == self.most {
                break;
            } else if 0 < self.before {
                if before.len() == self.before.min(CONTEXT_MAX) {
                    before.pop_front();
                }
                before.push_back((number, text));
            }
        }
        hits
    }

    fn show(&self, number: usize, text: &[u8], prefix: &str, call: &mut Call<'_>) {
        let start = if self.has('n') { format!("{prefix}{number}:") } else { prefix.to_owned() };
        if self.has('o') && !self.has('v') {
            for hit in self.pattern.find_iter(text) {
                call.write(&[start.as_bytes(), hit.as_bytes(), b"\n"].concat());
            }
        } else {
            call.write(&[start.as_bytes(), text, b"\n"].concat());
        }
    }
}
