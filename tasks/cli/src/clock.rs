//! Where the time of day enters the program, and how it is said.

use std::time::{SystemTime, UNIX_EPOCH};

use time::{OffsetDateTime, PrimitiveDateTime};

const DAY: u64 = 86_400;

/// Milliseconds since 1970.
pub fn now() -> u64 {
    #[allow(clippy::disallowed_methods)] // This is the port by which the time of day enters.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// `2026-11-23`, in UTC.
pub fn date(ms: u64) -> String {
    civil(ms).date().to_string()
}

/// `2026-11-23 23:18:05`, in UTC.
pub fn time(ms: u64) -> String {
    let at = civil(ms);
    format!("{} {:02}:{:02}:{:02}", at.date(), at.hour(), at.minute(), at.second())
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

/// The day and the time of day, in UTC. A record may say anything: what lies beyond the calendar is its last second.
fn civil(ms: u64) -> OffsetDateTime {
    let seconds = i64::try_from(ms / 1000).ok();
    let at = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    at.unwrap_or(PrimitiveDateTime::MAX.assume_utc())
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
            (253_402_300_800, "9999-12-31 23:59:59"),
            (u64::MAX / 1000, "9999-12-31 23:59:59"),
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
