//! What stands before the thoughts of a run of steps: a journal tells by it where the run stands, and people read the words behind it.

use std::fmt;

/// What the screen said when a part of a step was decided on, as far as the device told. Digests: of all words but those of fields that
/// have the focus or hide what is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScreenPrint {
    pub screen: Option<String>,
    /// Of the widget that is touched.
    pub widget: Option<String>,
    /// Of the app in front.
    pub app: Option<String>,
    /// Whether what the step expects was so already: then it tells nothing of the step.
    pub was_so: bool,
}

/// Which step it is, and what was on the screen: `step 3.1 on 0123456789ab at cdef01234567 in 89abcdef0123: `.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The step and its part, from 0; they are written from 1.
    pub at: (usize, usize),
    pub print: ScreenPrint,
    /// Whether it only finds out whether this part was done: `step 3.1 probed: `.
    pub probes: bool,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}.{}", self.at.0 + 1, self.at.1 + 1)?;
        if self.probes {
            f.write_str(" probed")?;
        }
        if let Some(screen) = &self.print.screen {
            write!(f, " on {screen}")?;
        }
        if let Some(widget) = &self.print.widget {
            write!(f, " at {widget}")?;
        }
        if let Some(app) = &self.print.app {
            write!(f, " in {app}")?;
        }
        if self.print.was_so {
            f.write_str(" already")?;
        }
        f.write_str(": ")
    }
}

impl Mark {
    /// The mark that a thought begins with, and the words behind it.
    pub fn split(thought: &str) -> Option<(Mark, &str)> {
        let (mark, words) = thought.strip_prefix("step ")?.split_once(':')?;
        // A thought has no blanks at its end, and so none behind a mark that no words follow.
        let words = if words.is_empty() { words } else { words.strip_prefix(' ')? };
        let mut parts = mark.split(' ');
        let (step, part) = parts.next()?.split_once('.')?;
        let number = |text: &str| text.parse::<usize>().ok()?.checked_sub(1);
        let mut found = Mark { at: (number(step)?, number(part)?), ..Mark::default() };
        while let Some(key) = parts.next() {
            let mut digest = || parts.next().filter(|text| is_digest(text)).map(str::to_owned);
            match key {
                "probed" => found.probes = true,
                "on" => found.print.screen = Some(digest()?),
                "at" => found.print.widget = Some(digest()?),
                "in" => found.print.app = Some(digest()?),
                "already" => found.print.was_so = true,
                _ => return None,
            }
        }
        Some((found, words))
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A thought as people read it: without the mark that a run of steps begins it with.
pub fn without_mark(thought: &str) -> &str {
    match Mark::split(thought) {
        Some((_, "")) => "the steps are over",
        Some((_, words)) => words,
        None => thought,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_cut_off_and_nothing_else_is() {
        for (thought, words) in [
            ("step 4.1 on 0123456789ab in cdef01234567: press \"Pay\"", "press \"Pay\""),
            ("step 4.1 probed: look: there", "look: there"),
            ("step 5.1:", "the steps are over"),
            ("step 2.1 in Settings: tap Wi-Fi", "step 2.1 in Settings: tap Wi-Fi"),
            ("step 3.1 at 10:30 take the train", "step 3.1 at 10:30 take the train"),
            ("step 1.1 on: x", "step 1.1 on: x"),
        ] {
            assert_eq!(without_mark(thought), words);
        }
    }
}
