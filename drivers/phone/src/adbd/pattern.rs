//! Patterns of the shell: `*`, `?` and `[a-z]`, in time that grows with the product of text and pattern.

/// One part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Letter(char),
    Any,
    Many,
    /// Letters from one to another, and whether it is those or all others.
    Set(Vec<(char, char)>, bool),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

/// Text times pattern: more is not compared.
const WORK_MAX: usize = 16 << 20;

impl Pattern {
    /// Reads a pattern; a backslash takes a letter for itself.
    pub fn new(text: &str) -> Pattern {
        let letters: Vec<char> = text.chars().collect();
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(letter) = letters.get(at) {
            at += 1;
            parts.push(match letter {
                '*' => Part::Many,
                '?' => Part::Any,
                '\\' if at < letters.len() => {
                    at += 1;
                    Part::Letter(letters[at - 1])
                }
                '[' => match set(&letters[at..]) {
                    Some((part, length)) => {
                        at += length;
                        part
                    }
                    None => Part::Letter('['),
                },
                letter => Part::Letter(*letter),
            });
        }
        Pattern(parts)
    }

    /// Whether the whole text is meant.
    pub fn fits(&self, text: &str) -> bool {
        let letters: Vec<char> = text.chars().collect();
        self.reach(&letters, false).last().copied().unwrap_or(false)
    }

    /// How many letters at the start of the text, or at its end, are meant: the fewest, or the most.
    pub fn trims(&self, text: &str, start: bool, longest: bool) -> Option<usize> {
        let mut letters: Vec<char> = text.chars().collect();
        if !start {
            letters.reverse();
        }
        let reach = self.reach(&letters, !start);
        if longest { reach.iter().rposition(|fits| *fits) } else { reach.iter().position(|fits| *fits) }
    }

    /// For each number of first letters whether the pattern fits just those.
    fn reach(&self, letters: &[char], backwards: bool) -> Vec<bool> {
        let mut reach = vec![false; letters.len() + 1];
        if WORK_MAX < letters.len().saturating_mul(self.0.len()) {
            return reach;
        }
        reach[0] = true;
        let mut step = |part: &Part| {
            let mut next = vec![false; letters.len() + 1];
            for at in 0..=letters.len() {
                next[at] = match part {
                    Part::Many => reach[at] || (0 < at && next[at - 1]),
                    part => 0 < at && reach[at - 1] && part.is(letters[at - 1]),
                };
            }
            reach = next;
        };
        if backwards {
            self.0.iter().rev().for_each(&mut step)
        } else {
            self.0.iter().for_each(&mut step)
        }
        reach
    }
}

impl Part {
    fn is(&self, letter: char) -> bool {
        match self {
            Part::Letter(wanted) => *wanted == letter,
            Part::Any | Part::Many => true,
            Part::Set(ranges, wanted) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter)) == *wanted,
        }
    }
}

/// What stands after a `[`, and how many letters it has with its end.
fn set(letters: &[char]) -> Option<(Part, usize)> {
    let wanted = !matches!(letters.first(), Some('!' | '^'));
    let mut at = usize::from(!wanted);
    let first = at;
    let mut ranges = Vec::new();
    loop {
        match letters.get(at)? {
            ']' if first < at => return Some((Part::Set(ranges, wanted), at + 1)),
            from => match (letters.get(at + 1), letters.get(at + 2)) {
                (Some('-'), Some(to)) if *to != ']' => {
                    ranges.push((*from, *to));
                    at += 3;
                }
                _ => {
                    ranges.push((*from, *from));
                    at += 1;
                }
            },
        }
    }
}

/// Text as a pattern that means just that.
pub(super) fn literal(text: &str) -> String {
    text.chars().flat_map(|letter| "*?[\\".contains(letter).then_some('\\').into_iter().chain([letter])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (text, pattern, fits) in [
            ("tmp.png", "*.png", true),
            ("tmp.png", "t?p.*", true),
            ("tmp.png", "*.pn", false),
            ("", "*", true),
            ("a1", "[a-c][0-9]", true),
            ("d1", "[a-c]?", false),
            ("d1", "[!a-c]?", true),
            ("]", "[]]", true),
            ("[x", "[x", true),
            ("*", "\\*", true),
            ("a", "\\*", false),
            ("aaaaaaaaaaaaaaaaaaaaaaaaab", "*a*a*a*a*a*a*a*a*c", false),
        ] {
            assert_eq!(Pattern::new(pattern).fits(text), fits, "{text} {pattern}");
        }
        assert!(Pattern::new(&literal("a*[b]?\\")).fits("a*[b]?\\"));
    }

    #[test]
    fn ends_are_trimmed() {
        for (text, pattern, start, longest, left) in [
            ("a/b/c.tar.gz", "*/", true, false, Some(2)),
            ("a/b/c.tar.gz", "*/", true, true, Some(4)),
            ("a/b/c.tar.gz", ".*", false, false, Some(3)),
            ("a/b/c.tar.gz", ".*", false, true, Some(7)),
            ("a/b/c.tar.gz", "x", false, true, None),
        ] {
            assert_eq!(Pattern::new(pattern).trims(text, start, longest), left, "{text} {pattern} {start} {longest}");
        }
    }
}
