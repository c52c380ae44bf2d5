//! The phone's log: the last lines that its services and its clients have written, as `logcat` shows them.

use std::collections::VecDeque;

/// Lines that are kept, and letters of one.
const LINES_MAX: usize = 2000;
const LINE_MAX: usize = 4000;

/// How much a line matters, by Android's letters.
pub(super) const LEVELS: &str = "VDIWEF";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counts lines from 1, over all of the log's life.
    pub number: u64,
    /// Seconds since 1970 and milliseconds.
    pub when: (u64, u64),
    pub level: char,
    pub tag: String,
    /// The process that wrote it.
    pub process: u32,
    pub message: String,
}

#[derive(Debug, Default)]
pub(super) struct Log {
    lines: VecDeque<Line>,
    written: u64,
}

impl Log {
    /// Writes a line; each line of the message becomes one.
    pub fn write(&mut self, when: (u64, u64), level: char, tag: &str, process: u32, message: &str) {
        for message in message.lines().take(LINES_MAX) {
            if self.lines.len() == LINES_MAX {
                self.lines.pop_front();
            }
            self.written += 1;
            self.lines.push_back(Line {
                number: self.written,
                when,
                level,
                tag: tag.chars().filter(|letter| !letter.is_control()).take(64).collect(),
                process,
                message: message.chars().take(LINE_MAX).collect(),
            });
        }
    }

    pub fn clear(&mut self) {
        self.lines.clear();
    }

    /// The lines after that one, and the number of the last one that was written.
    pub fn since(&self, number: u64) -> (impl Iterator<Item = &Line>, u64) {
        (self.lines.iter().filter(move |line| number < line.number), self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_keeps_its_last_lines() {
        let mut log = Log::default();
        for number in 0..LINES_MAX + 10 {
            log.write((0, 0), 'I', "a\nb", 1, &format!("{number}\nagain"));
        }
        let (lines, last) = log.since(0);
        let lines: Vec<&Line> = lines.collect();
        assert_eq!((lines.len(), last), (LINES_MAX, 2 * (LINES_MAX as u64 + 10)));
        assert_eq!((lines[0].message.as_str(), lines[0].tag.as_str()), ("1010", "ab"));
        assert_eq!(log.since(last - 1).0.count(), 1);
        log.clear();
        assert_eq!(log.since(0).0.count(), 0);
    }
}
