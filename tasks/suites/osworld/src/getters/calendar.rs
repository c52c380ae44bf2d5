//! Rules that name days as people do ("next Friday"), with the day of scoring taken for today.

use serde_json::Value;

use super::{Output, Resolution};
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::GetterOutput;
use crate::state::{StateReply, StateRequest};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
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

/// A day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DayNumber(i64);

impl DayNumber {
    /// The day of a date of the Gregorian calendar.
    fn of(year: i64, month: i64, day: i64) -> DayNumber {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        DayNumber(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
    }

    /// Year, month and day.
    fn date(self) -> (i64, usize, i64) {
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, usize::try_from(month).unwrap_or(1), day)
    }

    /// 0 is a Monday.
    fn weekday(self) -> i64 {
        (self.0 + 3).rem_euclid(7)
    }

    fn plus(self, days: i64) -> DayNumber {
        DayNumber(self.0 + days)
    }

    fn next_month(self, day: i64) -> DayNumber {
        let (year, month, _) = self.date();
        let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        DayNumber::of(year, month as i64, day)
    }

    /// The first Monday so many months later. Where that leads to December upstream asks for a month 0, which there is not.
    fn first_monday(self, months: i64) -> Option<DayNumber> {
        let (year, month, _) = self.date();
        let later = month as i64 + months;
        let first =
            (later % 12 != 0).then(|| DayNumber::of(if later > 12 { year + 1 } else { year }, later % 12, 1))?;
        Some(first.plus((7 - first.weekday()) % 7))
    }
}

/// The day that words mean, seen from a day; `from` is the first day of a stay whose last day is asked for.
fn day(words: &str, today: DayNumber, from: Option<(&str, DayNumber)>) -> Option<DayNumber> {
    let weekday = today.weekday();
    let monday = today.plus(7 - weekday);
    let is_from = |names: &[&str]| from.filter(|(words, _)| names.contains(words)).map(|(_, day)| day);
    Some(match words {
        "tomorrow" => today.plus(1),
        "this month" => today,
        "5th next month" => today.next_month(5),
        "10th next month" => today.next_month(10),
        "11th next month" => today.next_month(11),
        "this Saturday" => today.plus(5 - weekday),
        "this Sunday" => today.plus(6 - weekday),
        "next Monday" | "next Monday split" => monday,
        "next week Friday" => monday.plus(4),
        "next week Saturday" => monday.plus(5),
        "next week Sunday" => match is_from(&["next week Friday", "next week Saturday"]) {
            Some(from) => from.plus(6 - from.weekday()),
            None => monday.plus(6),
        },
        "next Friday" | "next Friday split" if from.is_some() => match is_from(&["next Monday", "next Monday split"]) {
            Some(from) => from.plus(4),
            None if weekday < 4 => today.plus(4 - weekday),
            None => monday.plus(4),
        },
        "next Friday" if weekday < 4 => today.plus(4 - weekday),
        "next Friday" => today.plus(if weekday == 4 { 7 } else { 11 - weekday }),
        "next Saturday" if weekday < 5 => today.plus(5 - weekday),
        "next Saturday" => today.plus(if weekday == 5 { 7 } else { 6 }),
        "next Sunday" => match is_from(&["next Friday", "next Saturday"]) {
            Some(from) => from.plus(6 - from.weekday()),
            None if weekday < 6 => today.plus(6 - weekday),
            None => today.plus(7),
        },
        "first monday four months later" => today.first_monday(4)?,
        "first monday eight months later" => today.first_monday(8)?,
        _ => return None,
    })
}

/// A day in a form such as `{DoW}, {Month} {DayD}`; of each mark the first is filled in.
fn written(form: &str, day: DayNumber) -> String {
    let (year, month, number) = day.date();
    let name = MONTHS[month - 1];
    let fields = [
        ("{DoW}", WEEKDAYS[day.weekday() as usize].to_owned()),
        ("{Month}", name[..3].to_owned()),
        ("{DayD}", number.to_string()),
        ("{Year}", year.to_string()),
        ("{Month0D}", format!("{month:02}")),
        ("{month}", name.to_lowercase()),
        ("{MonthFull}", name.to_owned()),
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
        StateReply::Day { year, month, day } => DayNumber::of(i64::from(*year), i64::from(*month), i64::from(*day)),
        _ => return Err(at.unexpected().into()),
    };
    let unknown =
        |words: &str| Kind::rule(format!("`relativeTime` says {words:?}, which is no day from {:?}", today.date()));
    let from = day(&from_words, today, None).ok_or_else(|| unknown(&from_words))?;
    let mut fill = |key: &str, day: DayNumber| {
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
            *form = Value::String(written(form.as_str().ok_or_else(no_text)?, day));
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
        for (date, weekday) in
            [((1970, 1, 1), 3), ((2024, 2, 29), 3), ((2026, 11, 27), 4), ((2000, 3, 1), 2), ((1999, 12, 31), 4)]
        {
            let day = DayNumber::of(date.0, date.1 as i64, date.2);
            assert_eq!(day.date(), date);
            assert_eq!(day.weekday(), weekday, "{date:?}");
        }
    }

    #[test]
    fn days_that_words_mean() {
        // A Friday.
        let today = DayNumber::of(2026, 11, 27);
        let stay = |from, to| day(to, today, Some((from, day(from, today, None).unwrap()))).unwrap().date();
        for (words, date) in [
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
            assert_eq!(day(words, today, None).unwrap().date(), date, "{words}");
        }
        assert_eq!(stay("next Monday split", "next Friday split"), (2026, 12, 4));
        assert_eq!(stay("next Friday", "next Sunday"), (2026, 12, 6));
        assert_eq!(stay("tomorrow", "next Friday"), (2026, 12, 4));
        assert_eq!(day("first monday four months later", DayNumber::of(2026, 8, 3), None), None);
        assert_eq!(day("someday", today, None), None);
        assert_eq!(
            written(
                "{DoW}, {Month} {DayD} {Day0D}.{Month0D}.{Year} {month} {MonthFull} {MonthD}",
                DayNumber::of(2027, 3, 1)
            ),
            "Mon, Mar 1 01.03.2027 march March 3"
        );
    }
}
