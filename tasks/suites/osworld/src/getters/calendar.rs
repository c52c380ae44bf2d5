//! Rules that name days as people do ("next Friday"), with the day of scoring taken for today.

use serde_json::Value;
use time::{Date, Duration, Month};

use super::{Output, Resolution};
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::GetterOutput;
use crate::state::{StateReply, StateRequest};

/// The day of a date of the Gregorian calendar; `None` for one that there is not.
fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()
}

/// A day so many days later.
fn later(day: Date, days: i64) -> Option<Date> {
    day.checked_add(Duration::days(days))
}

/// 0 is a Monday.
fn weekday(day: Date) -> i64 {
    i64::from(day.weekday().number_days_from_monday())
}

fn next_month(today: Date, day: u8) -> Option<Date> {
    let year = today.year() + i32::from(today.month() == Month::December);
    Date::from_calendar_date(year, today.month().next(), day).ok()
}

/// The first Monday so many months later. Where that leads to December upstream asks for a month 0, which there is not.
fn first_monday(today: Date, months: u8) -> Option<Date> {
    let number = u8::from(today.month()) + months;
    let month = Month::try_from(number % 12).ok()?;
    let first = Date::from_calendar_date(today.year() + i32::from(number > 12), month, 1).ok()?;
    later(first, (7 - weekday(first)) % 7)
}

/// The day that words mean, seen from a day; `from` is the first day of a stay whose last day is asked for.
fn day(words: &str, today: Date, from: Option<(&str, Date)>) -> Option<Date> {
    let at = weekday(today);
    let monday = later(today, 7 - at)?;
    let is_from = |names: &[&str]| from.filter(|(words, _)| names.contains(words)).map(|(_, day)| day);
    match words {
        "tomorrow" => later(today, 1),
        "this month" => Some(today),
        "5th next month" => next_month(today, 5),
        "10th next month" => next_month(today, 10),
        "11th next month" => next_month(today, 11),
        "this Saturday" => later(today, 5 - at),
        "this Sunday" => later(today, 6 - at),
        "next Monday" | "next Monday split" => Some(monday),
        "next week Friday" => later(monday, 4),
        "next week Saturday" => later(monday, 5),
        "next week Sunday" => match is_from(&["next week Friday", "next week Saturday"]) {
            Some(from) => later(from, 6 - weekday(from)),
            None => later(monday, 6),
        },
        "next Friday" | "next Friday split" if from.is_some() => match is_from(&["next Monday", "next Monday split"]) {
            Some(from) => later(from, 4),
            None if at < 4 => later(today, 4 - at),
            None => later(monday, 4),
        },
        "next Friday" if at < 4 => later(today, 4 - at),
        "next Friday" => later(today, if at == 4 { 7 } else { 11 - at }),
        "next Saturday" if at < 5 => later(today, 5 - at),
        "next Saturday" => later(today, if at == 5 { 7 } else { 6 }),
        "next Sunday" => match is_from(&["next Friday", "next Saturday"]) {
            Some(from) => later(from, 6 - weekday(from)),
            None if at < 6 => later(today, 6 - at),
            None => later(today, 7),
        },
        "first monday four months later" => first_monday(today, 4),
        "first monday eight months later" => first_monday(today, 8),
        _ => None,
    }
}

/// A day in a form such as `{DoW}, {Month} {DayD}`; of each mark the first is filled in.
fn format_date(form: &str, day: Date) -> String {
    let (year, month, number) = (day.year(), u8::from(day.month()), day.day());
    let name = day.month().to_string();
    let fields = [
        ("{DoW}", day.weekday().to_string()[..3].to_owned()),
        ("{Month}", name[..3].to_owned()),
        ("{DayD}", number.to_string()),
        ("{Year}", year.to_string()),
        ("{Month0D}", format!("{month:02}")),
        ("{month}", name.to_lowercase()),
        ("{MonthFull}", name.clone()),
        ("{Day0D}", format!("{number:02}")),
        ("{MonthD}", month.to_string()),
    ];
    fields.into_iter().fold(form.to_owned(), |text, (mark, value)| text.replacen(mark, &value, 1))
}

/// The task's rule with its days filled in.
pub(super) fn relative_time(at: &Resolution) -> Output {
    let mut rules = at.parameter("rules")?.clone();
    let words = |key: &str| rules["relativeTime"].get(key).and_then(Value::as_str).map(str::to_owned);
    let from_words = words("from").ok_or_else(|| Kind::rule("`relativeTime` has no text `from`"))?;
    let to_words = words("to");
    let time_zone = rules.get("timezone").and_then(Value::as_str).map(str::to_owned);
    let today = match at.reply(StateRequest::Today { time_zone })? {
        StateReply::Day { year, month, day } => date(i64::from(*year), i64::from(*month), i64::from(*day))
            .ok_or_else(|| Kind::rule(format!("{year}-{month}-{day} is no day")))?,
        _ => return Err(at.unexpected().into()),
    };
    let unknown = |words: &str| Kind::rule(format!("`relativeTime` says {words:?}, which is no day from {today}"));
    let from = day(&from_words, today, None).ok_or_else(|| unknown(&from_words))?;
    let mut fill = |key: &str, day: Date| {
        let forms = match rules["expected"].get_mut(key) {
            // Any of several forms.
            Some(Value::Array(forms)) => forms.iter_mut().collect(),
            form => form.into_iter().collect::<Vec<_>>(),
        };
        let no_text = || Kind::rule(format!("`expected` has no text `{key}`"));
        if forms.is_empty() {
            return Err(no_text());
        }
        for form in forms {
            *form = Value::String(format_date(form.as_str().ok_or_else(no_text)?, day));
        }
        Ok(())
    };
    match to_words {
        None => fill("time", from)?,
        Some(to_words) => {
            let to = day(&to_words, today, Some((&from_words, from))).ok_or_else(|| unknown(&to_words))?;
            let sides = [(&from_words, "next Monday split", ["puDay", "puMonth", "puYear"], "from", from)];
            let ends = [(&to_words, "next Friday split", ["doDay", "doMonth", "doYear"], "to", to)];
            for (words, split, keys, whole, day) in sides.into_iter().chain(ends) {
                if words == split {
                    for key in keys {
                        fill(key, day)?;
                    }
                } else {
                    fill(whole, day)?;
                }
            }
        }
    }
    Ok(GetterOutput::Value(rules))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates() {
        for (year, month, day, expected) in
            [(1970, 1, 1, 3), (2024, 2, 29, 3), (2026, 11, 27, 4), (2000, 3, 1, 2), (1999, 12, 31, 4)]
        {
            assert_eq!(date(year, month, day).map(weekday), Some(expected), "{year}-{month}-{day}");
        }
        for (year, month, day) in
            [(2025, 2, 29), (2026, 0, 1), (2026, 13, 1), (2026, 4, 31), (2026, 1, 0), (i64::MAX, 1, 1)]
        {
            assert_eq!(date(year, month, day), None, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn days_that_words_mean() {
        // A Friday.
        let of = |year, month, day| date(year, month, day).unwrap();
        let today = of(2026, 11, 27);
        let stay = |from, to| day(to, today, Some((from, day(from, today, None).unwrap()))).unwrap();
        for (words, (year, month, number)) in [
            ("tomorrow", (2026, 11, 28)),
            ("5th next month", (2026, 12, 5)),
            ("this Saturday", (2026, 11, 28)),
            ("next Monday", (2026, 11, 30)),
            ("next Friday", (2026, 12, 4)),
            ("next Saturday", (2026, 11, 28)),
            ("next week Sunday", (2026, 12, 6)),
            ("first monday four months later", (2027, 3, 1)),
            ("first monday eight months later", (2027, 7, 5)),
        ] {
            assert_eq!(day(words, today, None), Some(of(year, month, number)), "{words}");
        }
        assert_eq!(stay("next Monday split", "next Friday split"), of(2026, 12, 4));
        assert_eq!(stay("next Friday", "next Sunday"), of(2026, 12, 6));
        assert_eq!(stay("tomorrow", "next Friday"), of(2026, 12, 4));
        assert_eq!(day("first monday four months later", of(2026, 8, 3), None), None);
        assert_eq!(day("someday", today, None), None);
        assert_eq!(
            format_date("{DoW}, {Month} {DayD} {Day0D}.{Month0D}.{Year} {month} {MonthFull} {MonthD}", of(2027, 3, 1)),
            "Mon, Mar 1 01.03.2027 march March 3"
        );
    }
}
