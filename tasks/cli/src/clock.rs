//! Where the time of day enters the program, and how it is said.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;

/// Milliseconds since 1970.
pub fn now() -> u64 {
    #[allow(clippy::disallowed_methods)] // This is the port by which the time of day enters.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// `2026-11-23`, in UTC.
pub fn date(ms: u64) -> String {
    let (year, month, day) = civil(ms / 1000 / DAY);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2026-11-23 23:18:05`, in UTC.
pub fn time(ms: u64) -> String {
    let second = ms / 1000 % DAY;
    format!("{} {:02}:{:02}:{:02}", date(ms), second / 3600, second / 60 % 60, second % 60)
}

/// `20261123-231805`, in UTC: names that sort by time.
pub fn stamp(ms: u64) -> String {
    time(ms).replace(['-', ':'], "").replace(' ', "-")
}

/// `3 min ago`
pub fn ago(ms: u64, now: u64) -> String {
    let seconds = now.saturating_sub(ms) / 1000;
    match seconds {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..DAY => format!("{} h ago", seconds / 3600),
        _ if seconds < 14 * DAY => format!("{} d ago", seconds / DAY),
        _ => date(ms),
    }
}

/// `312 ms`, `12.3 s`, `4 min 10 s`
pub fn span(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..120_000 => format!("{:.1} s", ms as f64 / 1000.0),
        _ => format!("{} min {} s", ms / 60_000, ms / 1000 % 60),
    }
}

/// Year, month and day of a day since 1970, by the rules of the Gregorian calendar.
fn civil(day: u64) -> (u64, u64, u64) {
    // Years that begin in March have their leap day at the end; 719,468 days lie between the year 0 and 1970.
    let shifted = day + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (month, year) = if month < 10 { (month + 3, year) } else { (month - 9, year + 1) };
    (era * 400 + year, month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (951_868_800, "2000-03-01 00:00:00"),
            (1_767_258_000, "2026-01-01 09:00:00"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(time(seconds * 1000), expected);
        }
        assert_eq!(stamp(1_767_258_000_000), "20260101-090000");
    }

    #[test]
    fn spans_are_said_shortly() {
        assert_eq!(
            [span(7), span(999), span(1000), span(12_345), span(250_000)],
            ["7 ms", "999 ms", "1.0 s", "12.3 s", "4 min 10 s"]
        );
        assert_eq!(ago(1000, 30_000), "just now");
        assert_eq!(ago(0, 7_300_000), "2 h ago");
        assert_eq!(ago(0, 40 * DAY * 1000), "1970-01-01");
    }
}
