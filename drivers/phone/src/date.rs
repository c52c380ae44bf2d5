//! Days and times as the phone writes them. Its zone is UTC.

use crate::locale::{Language, Phrase, phrase};

/// Seconds in a day.
pub const DAY: u64 = 86_400;

/// The Julian day number of 1970-01-01.
const EPOCH_JULIAN_DAY: i32 = 2_440_588;

const WEEKDAYS: [Phrase; 7] = [
    phrase("Thursday", "周四"),
    phrase("Friday", "周五"),
    phrase("Saturday", "周六"),
    phrase("Sunday", "周日"),
    phrase("Monday", "周一"),
    phrase("Tuesday", "周二"),
    phrase("Wednesday", "周三"),
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// Days since 1970-01-01.
    pub days: u64,
    /// From 1 on.
    pub day: u32,
    /// From 1 on.
    pub month: u32,
    pub year: u64,
}

impl Date {
    /// The day that lies so many days after 1970-01-01. What lies beyond the calendar is called as its last day is.
    pub fn new(days: u64) -> Date {
        let julian = i32::try_from(days).ok().and_then(|days| days.checked_add(EPOCH_JULIAN_DAY));
        let date = julian.and_then(|day| time::Date::from_julian_day(day).ok()).unwrap_or(time::Date::MAX);
        let (year, month, day) = date.to_calendar_date();
        Date { days, day: u32::from(day), month: u32::from(u8::from(month)), year: year.unsigned_abs().into() }
    }

    /// Reads `2026-01-05`; `None` if it is no day from 1970 on.
    pub fn parse_iso(text: &str) -> Option<Date> {
        let mut parts = text.splitn(3, '-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let month = time::Month::try_from(month.parse::<u8>().ok()?).ok()?;
        let date = time::Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
        u64::try_from(date.to_julian_day() - EPOCH_JULIAN_DAY).ok().map(Date::new)
    }

    /// For example `Thursday, 1 January`.
    pub fn long(self, language: Language) -> String {
        let (weekday, date) = (self.weekday_in_full(language), self.day_of_month(language));
        match language {
            Language::English => format!("{weekday}, {date}"),
            Language::Chinese => format!("{date} {weekday}"),
        }
    }

    /// For example `1 January`.
    pub fn day_of_month(self, language: Language) -> String {
        match language {
            Language::English => format!("{} {}", self.day, MONTHS[self.month as usize - 1]),
            Language::Chinese => format!("{}月{}日", self.month, self.day),
        }
    }

    /// For example `2026-01-01`.
    pub fn iso(self) -> String {
        format!("{}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// For example `Thursday`.
    pub fn weekday_in_full(self, language: Language) -> &'static str {
        language.say(WEEKDAYS[(self.days % 7) as usize])
    }

    /// For example `Thu`.
    pub fn weekday(self, language: Language) -> String {
        self.weekday_in_full(language).chars().take(3).collect()
    }
}

/// Minutes after midnight as `08:05`.
pub fn clock_text(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60 % 24, minute % 60)
}

/// Minutes after midnight of `08:05`; `None` if that is no time of day.
pub fn minute_of(time: &str) -> Option<u32> {
    let (hour, minute) = time.split_once(':')?;
    let (hour, minute) = (hour.parse::<u32>().ok()?, minute.parse::<u32>().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_called_as_calendars_call_them() {
        for (days, english, chinese) in [
            (0, "Thursday, 1 January", "1月1日 周四"),
            (59, "Sunday, 1 March", "3月1日 周日"),
            (19_782, "Thursday, 29 February", "2月29日 周四"),
            (20_454, "Thursday, 1 January", "1月1日 周四"),
            (20_788, "Tuesday, 1 December", "12月1日 周二"),
            (47_540, "Sunday, 28 February", "2月28日 周日"),
            (47_541, "Monday, 1 March", "3月1日 周一"),
        ] {
            assert_eq!(Date::new(days).long(Language::English), english);
            assert_eq!(Date::new(days).long(Language::Chinese), chinese);
        }
        assert_eq!((Date::new(20_454).year, Date::new(u64::MAX).year), (2026, 9999));
        assert_eq!(minute_of("08:05"), Some(485));
        assert!(["24:00", "8", "a:b", "08:60", ""].iter().all(|text| minute_of(text).is_none()));
    }
}
