//! When a goal is done that is done again and again: every so often, for so long.

use serde::Deserialize;

/// Whoever wants more rounds wants a program of its own.
const ROUNDS_MAX: u64 = 10_000;
/// A year.
const SECONDS_MAX: u64 = 366 * 24 * 3600;

/// A time as plans write it: `90s`, `30m`, `1h`, `2d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TimeSpan {
    pub ms: u64,
}

impl TryFrom<String> for TimeSpan {
    type Error = String;

    fn try_from(text: String) -> Result<TimeSpan, String> {
        let wrong = || format!("{text:?} is no time; write a whole number and s, m, h or d, as in \"30m\" or \"1h\"");
        let unit = text.chars().next_back().ok_or_else(wrong)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 24 * 3600,
            _ => return Err(wrong()),
        };
        let number = text[..text.len() - 1].trim();
        if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(wrong());
        }
        let all = number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds));
        match all {
            Some(0) => Err(format!("{text:?} is no time at all")),
            Some(seconds) if seconds <= SECONDS_MAX => Ok(TimeSpan { ms: 1000 * seconds }),
            _ => Err(format!("{text:?} is more than a year")),
        }
    }
}

/// The rounds of a goal: the first at once, and one each time that so much has passed, up to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub every_ms: u64,
    /// The number of the last round; the first one is 0.
    pub last: u64,
}

impl Schedule {
    /// What `every` and `for` of a goal come to; nothing if it has neither.
    ///
    /// # Errors
    /// If one of them is missing, or they do not fit.
    pub fn new(every: Option<TimeSpan>, lasts: Option<TimeSpan>) -> Result<Option<Schedule>, String> {
        let (every, lasts) = match (every, lasts) {
            (None, None) => return Ok(None),
            (Some(every), Some(lasts)) => (every, lasts),
            _ => return Err("`every` and `for` go together: every = \"1h\", for = \"24h\"".to_owned()),
        };
        if lasts.ms < every.ms {
            return Err("`for` is shorter than `every`: there would be one round only".to_owned());
        }
        let last = lasts.ms / every.ms;
        if last >= ROUNDS_MAX {
            return Err(format!("{} rounds; {ROUNDS_MAX} are the most", last + 1));
        }
        Ok(Some(Schedule { every_ms: every.ms, last }))
    }

    /// The round that is due next if rounds up to `done` are over and it is `now`: of several that were missed the latest one, which
    /// makes up for the others. `None` if there is none.
    pub fn next(&self, started: u64, done: Option<u64>, now: u64) -> Option<u64> {
        let next = done.map_or(0, |done| done + 1);
        let passed = now.saturating_sub(started) / self.every_ms;
        (next <= self.last).then(|| next.max(passed.min(self.last)))
    }

    /// When a round is due, in the time that the schedule began in.
    pub fn due(&self, started: u64, round: u64) -> u64 {
        started.saturating_add(round.saturating_mul(self.every_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Result<u64, String> {
        TimeSpan::try_from(text.to_owned()).map(|span| span.ms)
    }

    #[test]
    fn times_are_read_or_refused() {
        for (text, ms) in [("90s", 90_000), ("30m", 1_800_000), ("1h", 3_600_000), ("2 d", 172_800_000)] {
            assert_eq!(span(text), Ok(ms), "{text}");
        }
        for text in ["", "h", "1", "0s", "-1h", "1.5h", "1w", "1h30m", "367d", "99999999999999999999d", "一h", "1时"]
        {
            assert!(span(text).is_err(), "{text}: {:?}", span(text));
        }
    }

    #[test]
    fn rounds_that_were_missed_are_made_up_by_one() {
        let schedule = |every: &str, lasts: &str| {
            let read = |text: &str| TimeSpan::try_from(text.to_owned()).ok();
            Schedule::new(read(every), read(lasts))
        };
        let day = schedule("1h", "24h").unwrap().unwrap();
        assert_eq!(day, Schedule { every_ms: 3_600_000, last: 24 });
        let (start, hour) = (1_000_000, 3_600_000);
        for (done, now, next) in [
            (None, start, Some(0)),
            (Some(0), start + 1, Some(1)),
            (Some(0), start + hour, Some(1)),
            (Some(3), start + 9 * hour + 5, Some(9)),
            (Some(9), start + 9 * hour + 5, Some(10)),
            (Some(9), start + 99 * hour, Some(24)),
            (Some(24), start + 99 * hour, None),
            // A clock that was put back.
            (Some(2), 0, Some(3)),
        ] {
            assert_eq!(day.next(start, done, now), next, "{done:?} {now}");
        }
        assert_eq!(day.due(start, 24), start + 24 * hour);
        assert_eq!(day.due(u64::MAX, 24), u64::MAX);
        for (every, lasts) in [("1h", ""), ("", "1h"), ("2h", "1h"), ("1s", "3h")] {
            assert!(schedule(every, lasts).is_err(), "{every} {lasts}");
        }
        assert_eq!(schedule("", ""), Ok(None));
    }
}
